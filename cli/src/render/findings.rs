//! Findings of `lint`: as text, as JSON, and as annotations of GitHub's workflow commands.

use super::clean;
use crate::args::Global;
use crate::input::Source;
use std::fmt::Write;
use vpcsim_engine::analyse::lint::{Finding, Severity};
use vpcsim_engine::diag::Span;

/// Version of the JSON form. It changes when a program that reads it would have to.
const FORMAT_VERSION: u32 = 1;

/// The file of a place; nothing if there is no place.
pub(super) fn file(sources: &[Source], span: Span) -> Option<&str> {
    span.is_some().then(|| sources.get(usize::from(span.file.0)).map(|source| &*source.name)).flatten()
}

/// What a finding points at: a place in a file, or the resource.
fn place(sources: &[Source], finding: &Finding) -> String {
    match (file(sources, finding.span), &finding.resource) {
        (Some(file), _) => format!("{file}:{}:{}", finding.span.line, finding.span.column),
        (None, Some((kind, id))) => format!("{kind} {id}"),
        (None, None) => sources.first().map_or_else(String::new, |source| source.name.clone()),
    }
}

/// One paragraph for each finding, and their number. What is suppressed is shown with `-v`.
pub(crate) fn text(sources: &[Source], findings: &[Finding], global: &Global) -> String {
    let mut out = String::new();
    for finding in findings.iter().filter(|f| f.suppressed.is_none() || global.verbose > 0) {
        let place = clean(&place(sources, finding));
        let (word, code) = (finding.severity.word(), finding.check.code);
        let _ = writeln!(out, "{word}[{code}] {place}");
        let _ = writeln!(out, "  {}", clean(&finding.message));
        for (span, note) in &finding.notes {
            let at = file(sources, *span).map_or_else(String::new, |f| format!(" ({f}:{}:{})", span.line, span.column));
            let _ = writeln!(out, "  note  {}{}", clean(note), clean(&at));
        }
        if let Some(reason) = &finding.suppressed {
            let _ = writeln!(out, "  meant {}", clean(reason));
        } else if !global.quiet {
            let _ = writeln!(out, "  why   {}", finding.check.why);
            let _ = writeln!(out, "  fix   {}", clean(&finding.fix));
        }
        out.push('\n');
    }
    let number = |severity| findings.iter().filter(|f| f.suppressed.is_none() && f.severity == severity).count();
    let suppressed = findings.iter().filter(|f| f.suppressed.is_some()).count();
    let plural = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| plural(number(severity), severity.word()))
        .chain((suppressed > 0).then(|| format!("{suppressed} suppressed")))
        .collect();
    let _ = writeln!(out, "{}", parts.join(", "));
    out
}

/// For programs.
pub(crate) fn json(sources: &[Source], findings: &[Finding]) -> String {
    let place = |span: Span| {
        file(sources, span).map(
            |file| serde_json::json!({ "file": file, "line": span.line, "column": span.column, "length": span.len }),
        )
    };
    let list: Vec<_> = findings
        .iter()
        .map(|f| {
            let resource = f.resource.as_ref().map(|(kind, id)| serde_json::json!({ "kind": kind, "id": id }));
            let notes: Vec<_> = f
                .notes
                .iter()
                .map(|(span, note)| serde_json::json!({ "message": note, "place": place(*span) }))
                .collect();
            serde_json::json!({
                "code": f.check.code, "severity": f.severity, "resource": resource, "place": place(f.span),
                "message": f.message, "why": f.check.why, "fix": f.fix, "notes": notes, "suppressed": f.suppressed,
            })
        })
        .collect();
    let number = |severity| findings.iter().filter(|f| f.suppressed.is_none() && f.severity == severity).count();
    let document = serde_json::json!({
        "format_version": FORMAT_VERSION,
        "errors": number(Severity::Error), "warnings": number(Severity::Warning), "notes": number(Severity::Note),
        "suppressed": findings.iter().filter(|f| f.suppressed.is_some()).count(),
        "findings": list,
    });
    format!("{document:#}\n")
}

/// `::warning file=,line=,col=,title=::text`, one line for each finding that is not suppressed.
pub(crate) fn github(sources: &[Source], findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings.iter().filter(|f| f.suppressed.is_none()) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = String::new();
        if let Some(file) = file(sources, finding.span) {
            let span = finding.span;
            let end = span.column + span.len.max(1);
            let _ =
                write!(properties, "file={},line={},col={},endColumn={end},", property(file), span.line, span.column);
        }
        let _ = write!(properties, "title={}", property(finding.check.code));
        let text = format!("{}\nWhy: {}\nFix: {}", finding.message, finding.check.why, finding.fix);
        let _ = writeln!(out, "::{command} {properties}::{}", data(&text));
    }
    out
}

/// The text of a workflow command: `%`, CR and LF are escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command: `:` and `,` are escaped too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    /// The rules of `@actions/core`'s `escapeData` and `escapeProperty`.
    #[test]
    fn workflow_commands_are_escaped() {
        assert_eq!(data("50% of a:b,c\r\nd"), "50%25 of a:b,c%0D%0Ad");
        assert_eq!(property("C:\\a,b%.yaml"), "C%3A\\a%2Cb%25.yaml");
    }
}
