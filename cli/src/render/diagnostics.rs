//! Diagnostics: as a compiler prints them, on standard error, or as JSON.
//!
//! Invariants: a line is cut to [`WIDTH`] characters around what is underlined, so that a file of one
//! long line is readable; nothing of the file reaches the terminal unescaped.

use super::clean;
use crate::input::Source;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use std::io::Write;
use std::ops::Range;
use vpcsim_engine::diag::{Diagnostic, Severity, Span};

/// Longest part of a line that is shown.
const WIDTH: usize = 120;
/// Version of the JSON form. It changes when a program that reads it would have to.
const FORMAT_VERSION: u32 = 1;

/// Prints diagnostics and their number on standard error.
pub(crate) fn print(sources: &[Source], diagnostics: &[Diagnostic]) {
    if diagnostics.is_empty() {
        return;
    }
    crate::progress::end();
    let mut out = anstream::stderr().lock();
    let texts: Vec<Lines> = sources.iter().map(Lines::of).collect();
    for diagnostic in diagnostics {
        // If nobody listens, nobody needs to know.
        let _ = writeln!(out, "{}\n", text(sources, &texts, diagnostic));
    }
    let _ = writeln!(out, "{}", summary(diagnostics));
}

/// `2 errors, 1 warning`.
fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let parts = [count(errors, "error"), count(diagnostics.len() - errors, "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The JSON form: names of files instead of their positions in the list.
pub(crate) fn json(sources: &[Source], diagnostics: &[Diagnostic]) -> String {
    let place = |span: Span| {
        let name = sources.get(usize::from(span.file.0)).map(|s| &*s.name);
        match span.line {
            0 => serde_json::json!({ "file": name }),
            _ => serde_json::json!({ "file": name, "line": span.line, "column": span.column, "length": span.len }),
        }
    };
    let list: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let notes: Vec<_> = d
                .notes
                .iter()
                .map(|(span, note)| match span.is_some() {
                    true => serde_json::json!({ "message": note, "place": place(*span) }),
                    false => serde_json::json!({ "message": note }),
                })
                .collect();
            serde_json::json!({
                "code": d.code, "severity": d.severity, "place": place(d.span), "message": d.message,
                "notes": notes, "help": d.help,
            })
        })
        .collect();
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let document = serde_json::json!({
        "format_version": FORMAT_VERSION, "errors": errors, "warnings": diagnostics.len() - errors, "diagnostics": list,
    });
    format!("{document:#}\n")
}

/// The lines of a file, as the reader counts them.
struct Lines {
    lines: Vec<Line>,
}

/// A line, with what makes it quick to cut: some files are one line of many megabytes.
#[derive(Default)]
struct Line {
    text: String,
    /// In characters.
    length: usize,
}

impl Line {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), length: text.chars().count() }
    }
    /// Characters from `first` on, with their positions.
    fn from(&self, first: usize) -> impl Iterator<Item = (usize, char)> + '_ {
        let ascii = self.length == self.text.len();
        let at = if ascii { first } else { self.text.char_indices().nth(first).map_or(self.text.len(), |(at, _)| at) };
        (first..).zip(self.text.get(at..).unwrap_or_default().chars())
    }
}

impl Lines {
    fn of(source: &Source) -> Self {
        let text = String::from_utf8_lossy(&source.bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        Self { lines: text.split('\n').map(Line::of).collect() }
    }
    /// The part of a line around `span`, and where in it, in bytes, the span is.
    fn excerpt(&self, span: Span) -> (String, Range<usize>) {
        let empty = Line::default();
        let line = self.lines.get((span.line as usize).saturating_sub(1)).unwrap_or(&empty);
        let length = line.length;
        let start = (span.column as usize).saturating_sub(1).min(length);
        let end = (start + (span.len as usize).max(1)).min(length.max(start));
        let first = if length <= WIDTH { 0 } else { start.saturating_sub(WIDTH / 3) };
        let last = (first + WIDTH).min(length);
        let (mut shown, mut range) = (String::new(), 0..0);
        if first > 0 {
            shown.push_str("...");
        }
        for (at, c) in line.from(first).take(last - first) {
            if at == start {
                range = shown.len()..shown.len();
            }
            match c {
                '\t' => shown.push_str("    "),
                c if c.is_control() => shown.push('\u{fffd}'),
                c => shown.push(c),
            }
            if at < end && at >= start {
                range.end = shown.len();
            }
        }
        if start >= last {
            range = shown.len()..shown.len();
        }
        if last < length {
            shown.push_str("...");
        }
        (shown, range)
    }
}

/// Stands for the place of a snippet until it is rendered: the renderer would count columns in the part
/// of the line that is shown. It cannot come from a file, see [`clean`].
const PLACE: char = '\u{1}';

/// One diagnostic, with colour codes that the stream takes out where they are not wanted.
fn text(sources: &[Source], texts: &[Lines], diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let name = |span: Span| sources.get(usize::from(span.file.0)).map_or(String::new(), |s| clean(&s.name));
    let mut places = Vec::new();
    let mut snippet = |span: Span, kind: AnnotationKind, label: Option<String>| {
        let (line, range) = texts.get(usize::from(span.file.0))?.excerpt(span);
        places.push(format!("{}:{}:{}", name(span), span.line, span.column));
        let source = Snippet::source(line).line_start(span.line as usize).path(format!("{PLACE}{}", places.len() - 1));
        Some(source.annotation(kind.span(range).label(label)))
    };
    let mut group = level.primary_title(clean(&diagnostic.message)).id(diagnostic.code).elements(
        Some(diagnostic.span).filter(|s| s.is_some()).and_then(|s| snippet(s, AnnotationKind::Primary, None)),
    );
    if !diagnostic.span.is_some() {
        group = group.element(Origin::path(name(diagnostic.span)));
    }
    for (span, note) in &diagnostic.notes {
        let place = Some(*span).filter(|s| s.is_some());
        match place.and_then(|s| snippet(s, AnnotationKind::Context, Some(clean(note)))) {
            Some(snippet) => group = group.element(snippet),
            None => group = group.element(Level::NOTE.message(clean(note))),
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    put_places(&Renderer::styled().render(&[group]), &places)
}

/// Replaces what stands for the places, and the line and column that the renderer put behind it.
fn put_places(rendered: &str, places: &[String]) -> String {
    let mut parts = rendered.split(PLACE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        let number = part.split(':').next().and_then(|n| n.parse::<usize>().ok());
        text.push_str(number.and_then(|n| places.get(n)).map_or("", String::as_str));
        text.push_str(rest);
    }
    text
}
