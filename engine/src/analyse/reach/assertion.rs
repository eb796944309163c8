//! Assertions: what shall hold of a network, one sentence a line.
//!
//! ```text
//! # Comments, and empty lines, say nothing.
//! web reaches db on 5432
//! dev never reaches prod
//! only bastion reaches db on 22
//! internet reaches web on 80, 443
//! ```
//!
//! `A reaches B on P`: every one of A every one of B, and something listens. `A never reaches B`: no packet of any of A
//! passes to any of B and back, whether or not something listens; without `on`, on no port of TCP and UDP and no echo.
//! `only A reaches B on P`: all others never do. What is unknown, or depends on what AWS chooses, holds of neither.
//! Sets are written as `select` reads them; several with commas; names with spaces in double quotes.

use super::answer::{Reach, Service};
use super::matrix::{Example, Flow, Group, matrix};
use super::party::{Parties, Party};
use super::select::{ALL, Ends, Selection, resolve, select};
use crate::base::ids::EniIx;
use crate::base::{Cidr, PortRange, Protocol};
use crate::compile::Network;
use crate::diag::{Diagnostic, FileIx, Span, nearest};
use crate::spec::Spec;

/// Assertions that a file may hold.
pub(super) const ASSERTIONS_MAX: usize = 10_000;

/// What is asserted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Every pair passes.
    Reaches,
    /// No pair passes.
    Never,
    /// No pair of anybody else passes.
    Only,
}

/// One sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// What is asserted.
    pub verb: Verb,
    /// Who sends.
    pub from: Vec<Selection>,
    /// Who receives.
    pub to: Vec<Selection>,
    /// On which ports.
    pub services: Vec<Service>,
}

/// Pairs that are not as asserted, for one stretch of ports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The ports.
    pub service: Service,
    /// How many pairs of how many.
    pub pairs: (u64, u64),
    /// The first one.
    pub first: Example,
    /// True if packets pass, and nothing listens.
    pub refused: bool,
}

/// What became of an assertion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Pairs that were looked at.
    pub pairs: u64,
    /// What is not as asserted; empty if it holds.
    pub violations: Vec<Violation>,
}

impl Checked {
    /// True if it holds of at least one pair.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.pairs > 0
    }
}

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

/// Reads `443`, `tcp/443`, `udp/8000-8100`, `icmp`.
///
/// # Errors
/// If it is none of these.
pub fn service(text: &str) -> Result<Service, String> {
    let form = || format!("`{text}` is not a port; write `443`, `tcp/443`, `udp/8000-8100` or `icmp`");
    let (protocol, ports) = match text.split_once('/') {
        Some((protocol, ports)) => (protocol.parse::<Protocol>().map_err(|_| form())?, Some(ports)),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => (Protocol::TCP, Some(text)),
        None => (text.parse().map_err(|_| form())?, None),
    };
    match (protocol, ports) {
        (Protocol::ICMP | Protocol::ICMPV6, None) => Ok(Service { protocol: Protocol::ICMP, ports: None }),
        (Protocol::TCP | Protocol::UDP, None) => Ok(Service { protocol, ports: Some(PortRange::ALL) }),
        (Protocol::TCP | Protocol::UDP, Some(ports)) => {
            let port = |text: &str| text.trim().parse::<u16>().map_err(|_| form());
            let (from, to) = match ports.split_once('-') {
                Some((from, to)) => (port(from)?, port(to)?),
                None => (port(ports)?, port(ports)?),
            };
            if from > to {
                return Err(format!("`{text}`: the first port is above the last one"));
            }
            Ok(Service { protocol, ports: Some(PortRange { from, to }) })
        }
        _ => Err(format!("{}; other protocols have no ports to ask about", form())),
    }
}

/// The blocks that assertions name: no party may lie on both sides of one's edge.
#[must_use]
pub fn blocks(assertions: &[Assertion]) -> Vec<Cidr> {
    let selections = assertions.iter().flat_map(|a| a.from.iter().chain(&a.to));
    selections.flat_map(|s| s.ends.blocks.iter().copied()).collect()
}

fn union(selections: &[Selection]) -> Ends {
    let mut out = Ends::default();
    for s in selections {
        out.enis.extend(&s.ends.enis);
        out.hosts.extend(&s.ends.hosts);
        out.internet |= s.ends.internet;
        out.blocks.extend(&s.ends.blocks);
    }
    out
}

/// What becomes of an assertion. `parties` must have been made with the [`blocks`] that it names.
#[must_use]
pub fn check(spec: &Spec, parties: &Parties<'_>, assertion: &Assertion) -> Checked {
    let (named, to) = (resolve(parties, "", &union(&assertion.from)), union(&assertion.to));
    let senders = match assertion.verb {
        Verb::Only => others(spec, parties, &named, &to),
        Verb::Reaches | Verb::Never => named,
    };
    let receivers = resolve(parties, "", &to);
    let cells = matrix(parties, (&[senders], &[receivers]), &assertion.services, &|| ());
    let flows = cells.into_iter().next().map(|cell| cell.flows).unwrap_or_default();
    let wrong = |reach: &Reach| (*reach != Reach::Yes) == (assertion.verb == Verb::Reaches) || !is_plain(*reach);
    let mut violations = Vec::new();
    for flow in &flows {
        let wrong: Vec<Reach> =
            Reach::EVERY.into_iter().filter(|reach| wrong(reach) && flow.pairs_that(*reach) > 0).collect();
        let pairs: u64 = wrong.iter().map(|reach| flow.pairs_that(*reach)).sum();
        let first = wrong.first().and_then(|reach| flow.first_that(*reach)).copied();
        // On a single port somebody is expected to listen.
        let refused = flow.refused.1.filter(|_| assertion.verb == Verb::Reaches && flow.service.is_one());
        let (refusals, total, service) = (flow.refused.0, flow.total(), flow.service);
        violations.extend(first.map(|first| Violation { service, pairs: (pairs, total), first, refused: false }));
        violations.extend(refused.map(|first| Violation { service, pairs: (refusals, total), first, refused: true }));
    }
    Checked { pairs: flows.iter().map(Flow::total).max().unwrap_or(0), violations }
}

/// What is unknown, or depends, holds of no assertion.
const fn is_plain(reach: Reach) -> bool {
    matches!(reach, Reach::Yes | Reach::No)
}

/// Everybody but these and those who are asked about: interfaces, described hosts, the internet.
fn others(spec: &Spec, parties: &Parties<'_>, named: &Group, to: &Ends) -> Group {
    let mut all = select(spec, parties.network, ALL).map_or_else(|_| Ends::default(), |selection| selection.ends);
    all.internet = true;
    all.enis.retain(|eni| !to.enis.contains(eni));
    all.hosts.retain(|host| !to.hosts.contains(host));
    let mut out = resolve(parties, "", &all);
    for (party, members) in &mut out.parts {
        let own = named.parts.iter().find(|(n, _)| n == party);
        members.retain(|eni| own.is_none_or(|(_, own)| !own.contains(eni)));
    }
    let kept = |(n, members): &(usize, Vec<EniIx>)| match &parties.list[*n] {
        Party::Enis(_) => !members.is_empty(),
        _ => !named.parts.iter().any(|(own, _)| own == n),
    };
    out.parts.retain(kept);
    out
}
