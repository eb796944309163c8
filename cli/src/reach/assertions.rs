//! Assertions from a file: which hold, and of those that do not the first pair and its row.

use super::cause;
use crate::args::{ReachArgs, TableOutput};
use crate::network::Loaded;
use crate::{Failure, Status, input, output, progress, render};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use vpcsim_engine::analyse::reach::{
    Assertion, Checked, Parties, Reach, Violation, Wrong, blocks, check, read_assertions,
};
use vpcsim_engine::diag::{Diagnostic, FileIx, Span};

pub(super) fn assertions(args: &ReachArgs, loaded: &Loaded, path: &Path) -> Result<Status, Failure> {
    let source = input::read(path)?;
    let text = String::from_utf8_lossy(&source.bytes).into_owned();
    let (assertions, mut diagnostics) = read_assertions(&loaded.spec, &loaded.network, FileIx(0), &text);
    if assertions.is_empty() && diagnostics.is_empty() {
        // A check that checks nothing must not pass.
        let place = Span { file: FileIx(0), line: 1, column: 1, len: 1 };
        let empty = Diagnostic::error("bad-assertion", place, "there is no assertion in this file");
        diagnostics.push(empty.help("write one a line: `web reaches db on 5432`, `dev never reaches prod`"));
    }
    if !diagnostics.is_empty() {
        render::diagnostics::print(&[source], &diagnostics);
        return Ok(Status::Invalid);
    }
    let parties = Parties::of(&loaded.network, &blocks(&assertions));
    progress::of(assertions.len());
    let done = |a: Assertion| {
        let checked = check(&loaded.spec, &parties, &a);
        progress::step();
        (a, checked)
    };
    let results: Vec<(Assertion, Checked)> = assertions.into_iter().map(done).collect();
    let all = All { loaded, parties: &parties, file: &source.name, results: &results };
    let text = match args.output {
        TableOutput::Text => all.text(),
        TableOutput::Json => all.json(),
        TableOutput::Csv => all.csv(),
    };
    output::print(text.as_bytes())?;
    if let Some(path) = &args.junit {
        let cases = results.iter().map(|(a, checked)| (a.text.clone(), all.failure(checked)));
        output::write_atomically(path, render::report::junit(&source.name, cases)?.as_bytes())?;
    }
    Ok(if results.iter().all(|(_, checked)| checked.holds()) { Status::Done } else { Status::Finding })
}

struct All<'a> {
    loaded: &'a Loaded,
    parties: &'a Parties<'a>,
    file: &'a str,
    results: &'a [(Assertion, Checked)],
}

impl All<'_> {
    fn violation(&self, v: &Violation) -> String {
        let (bad, of) = v.pairs;
        let answer = &v.first.answer;
        let what = match (v.what, answer.reach) {
            (Wrong::Refused, _) => "packets pass, and nothing listens",
            (Wrong::Arrives, _) => "the request arrives, though no answer comes back",
            (Wrong::Reach, Reach::Yes) => "packets pass",
            (Wrong::Reach, Reach::No) => "no answer",
            (Wrong::Reach, Reach::Unknown) => "unknown",
            (Wrong::Reach, Reach::Depends) => "depends on what AWS chooses, or on the source port",
        };
        let count = if of > 1 { format!(" ({bad} of {of} pairs)") } else { String::new() };
        let why = cause::text(self.loaded, answer.cause);
        let why = if why.is_empty() { why } else { format!(": {why}") };
        format!("{} {}: {what}{count}{why}", cause::pair(self.parties, &v.first), v.service)
    }

    /// What is wrong, if it does not hold.
    fn failure(&self, checked: &Checked) -> Option<String> {
        if checked.is_about_nothing() {
            return Some("there is no pair of ends that this is about".to_owned());
        }
        let all: Vec<String> = checked.violations.iter().map(|v| self.violation(v)).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }

    fn text(&self) -> String {
        let (mut out, mut held) = (String::new(), 0);
        for (a, checked) in self.results {
            held += usize::from(checked.holds());
            let word = if checked.holds() { "holds" } else { "FAILS" };
            let pairs = if checked.pairs == 1 { "1 pair".to_owned() } else { format!("{} pairs", checked.pairs) };
            let _ = writeln!(out, "{word}  {}  ({pairs})", a.text);
            for line in self.failure(checked).iter().flat_map(|failure| failure.lines()) {
                let _ = writeln!(out, "       {line}");
            }
        }
        let _ = writeln!(out, "\n{} assertions: {held} hold, {} fail", self.results.len(), self.results.len() - held);
        render::clean(&out)
    }

    fn csv(&self) -> String {
        let rows = self.results.iter().map(|(a, checked)| {
            let failure = self.failure(checked).unwrap_or_default();
            vec![
                a.text.clone(),
                a.span.line.to_string(),
                checked.holds().to_string(),
                checked.pairs.to_string(),
                failure,
            ]
        });
        let head = ["assertion", "line", "holds", "pairs", "why"].map(str::to_owned).to_vec();
        render::report::csv(std::iter::once(head).chain(rows))
    }

    fn json(&self) -> String {
        let violation = |v: &Violation| {
            json!({
                "on": v.service.to_string(), "pairs": v.pairs.0, "of": v.pairs.1,
                "example": cause::pair(self.parties, &v.first), "reach": cause::word(v.first.answer.reach),
                "what": match v.what { Wrong::Reach => "reach", Wrong::Refused => "refused", Wrong::Arrives => "arrives" }, "decided_by": cause::json(self.loaded, v.first.answer.cause),
            })
        };
        let assertion = |(a, checked): &(Assertion, Checked)| {
            json!({
                "assertion": a.text, "place": format!("{}:{}", self.file, a.span.line), "holds": checked.holds(),
                "pairs": checked.pairs, "violations": checked.violations.iter().map(violation).collect::<Vec<_>>(),
            })
        };
        let held = self.results.iter().filter(|(_, checked)| checked.holds()).count();
        let document = json!({
            "format_version": 1, "hold": held, "fail": self.results.len() - held,
            "assertions": self.results.iter().map(assertion).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    }
}
