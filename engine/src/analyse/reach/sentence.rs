//! Reads assertions: a sentence a line, every mistake at its place.

use super::assertion::{Assertion, Verb};
use super::select::{Selection, select};
use super::service::{Service, service};
use crate::compile::Network;
use crate::diag::{Diagnostic, FileIx, Span, nearest};
use crate::spec::Spec;

/// Assertions that a file may hold.
const ASSERTIONS_MAX: usize = 10_000;

/// Reads a file of assertions; every bad sentence is a diagnostic.
#[must_use]
pub fn read_assertions(spec: &Spec, network: &Network, file: FileIx, text: &str) -> (Vec<Assertion>, Vec<Diagnostic>) {
    let (mut out, mut diagnostics) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        let sentence = line.split('#').next().unwrap_or_default();
        let words = match words(sentence) {
            Ok(words) if words.is_empty() => continue,
            Ok(words) => words,
            Err(column) => {
                let span = place(file, n, column, 1);
                diagnostics.push(Diagnostic::error("bad-assertion", span, "a quote is opened and not closed"));
                continue;
            }
        };
        match assertion(spec, network, &words, &|column, len| place(file, n, column, len)) {
            Ok(mut assertion) => {
                assertion.text = sentence.trim().to_owned();
                out.push(assertion);
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
        if out.len() > ASSERTIONS_MAX {
            let message = format!("a file holds at most {ASSERTIONS_MAX} assertions");
            diagnostics.push(Diagnostic::error("too-large", place(file, n, 0, 1), message));
            break;
        }
    }
    (out, diagnostics)
}

fn place(file: FileIx, line: usize, column: usize, len: usize) -> Span {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, line: number(line + 1), column: number(column + 1), len: number(len) }
}

/// A word, the column that it begins in counted in characters, and how long it is there.
struct Word {
    text: String,
    column: usize,
    len: usize,
}

/// Words are divided by spaces; commas are words; what stands in double quotes is one.
fn words(line: &str) -> Result<Vec<Word>, usize> {
    let mut out: Vec<Word> = Vec::new();
    let mut chars = line.chars().enumerate().peekable();
    while let Some((column, c)) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            ',' => out.push(Word { text: ",".to_owned(), column, len: 1 }),
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, c)) => text.push(c),
                        None => return Err(column),
                    }
                }
                let len = text.chars().count() + 2;
                out.push(Word { text, column, len });
            }
            c => {
                let mut text = String::from(c);
                while let Some((_, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && *c != ',') {
                    text.push(c);
                }
                let len = text.chars().count();
                out.push(Word { text, column, len });
            }
        }
    }
    Ok(out)
}

type Place<'a> = &'a dyn Fn(usize, usize) -> Span;

const FORM: &str = "write `A reaches B on PORT`, `A never reaches B`, or `only A reaches B on PORT`";

fn assertion(spec: &Spec, network: &Network, words: &[Word], at: Place<'_>) -> Result<Assertion, Box<Diagnostic>> {
    let error =
        |word: &Word, message: String| Box::new(Diagnostic::error("bad-assertion", at(word.column, word.len), message));
    let (only, words) = match words {
        [first, rest @ ..] if first.text == "only" => (Some(first), rest),
        _ => (None, words),
    };
    let verb = words.iter().position(|w| matches!(w.text.as_str(), "reaches" | "reach" | "never"));
    let Some(n) = verb else {
        let first = only.or(words.first()).expect("a line without words is skipped");
        let likely = words.iter().find_map(|w| Some((w, nearest(&w.text, ["reaches", "never"])?)));
        let help =
            likely.map_or_else(|| FORM.to_owned(), |(w, near)| format!("did you mean `{near}` by `{}`?", w.text));
        return Err(Box::new(error(first, "an assertion says who `reaches` whom".to_owned()).help(help)));
    };
    let never = words[n].text == "never";
    let mut after = n + 1;
    if never {
        match words.get(after) {
            Some(w) if matches!(w.text.as_str(), "reaches" | "reach") => after += 1,
            _ => return Err(Box::new(error(&words[n], "`never` is followed by `reaches`".to_owned()).help(FORM))),
        }
    }
    if let (Some(only), true) = (only, never) {
        return Err(Box::new(error(only, "`only` and `never` contradict each other".to_owned()).help(FORM)));
    }
    let on = words.iter().position(|w| w.text == "on").unwrap_or(words.len()).max(after);
    let set = |words: &[Word], around: &Word, whose: &str| -> Result<Vec<Selection>, Box<Diagnostic>> {
        let named = listed(words, around, whose, &error)?;
        named.into_iter().map(|w| select(spec, network, &w.text).map_err(|e| error(w, e.to_string()))).collect()
    };
    let from = set(&words[..n], &words[n], "who it is that reaches")?;
    let to = set(&words[after..on], &words[after - 1], "who is reached")?;
    let services = match words.get(on) {
        Some(word) => {
            let named = listed(&words[on + 1..], word, "a port: `5432`, `udp/53`, `icmp`", &error)?;
            named.into_iter().map(|w| service(&w.text).map_err(|e| error(w, e))).collect::<Result<_, _>>()?
        }
        None if never => Service::ALL.to_vec(),
        None => {
            let last = words.last().expect("it has a verb");
            let help = "add `on 443`, `on udp/53` or `on icmp`; `never` needs none";
            return Err(Box::new(error(last, "it does not say on which port".to_owned()).help(help)));
        }
    };
    let verb = match (only, never) {
        (Some(_), _) => Verb::Only,
        (None, true) => Verb::Never,
        (None, false) => Verb::Reaches,
    };
    Ok(Assertion { text: String::new(), span: at(words[0].column, words[0].len), verb, from, to, services })
}

/// The words between commas.
fn listed<'w>(
    words: &'w [Word],
    around: &Word,
    what: &str,
    error: &dyn Fn(&Word, String) -> Box<Diagnostic>,
) -> Result<Vec<&'w Word>, Box<Diagnostic>> {
    if words.is_empty() {
        return Err(error(around, format!("it does not say {what}")));
    }
    let mut out = Vec::new();
    for (n, word) in words.iter().enumerate() {
        match (n % 2, word.text == ",") {
            (0, false) => out.push(word),
            (1, true) if n + 1 < words.len() => {}
            (0, _) => return Err(error(word, "there is nothing before this comma".to_owned())),
            (_, true) => return Err(error(word, "there is nothing behind this comma".to_owned())),
            _ => {
                let message = format!("`{}` was not expected here", word.text);
                return Err(Box::new(
                    error(word, message).help("several are divided by commas; names with spaces stand in quotes"),
                ));
            }
        }
    }
    Ok(out)
}
