//! The table of pairs: text, CSV, JSON, JUnit.

use super::probes::Probe;
use crate::{Failure, render};
use vpcsim_engine::explain::Outcome;

/// One line of the result.
pub(super) struct Line {
    pub(super) result: Outcome,
    pub(super) code: &'static str,
    pub(super) dropped_at: String,
    /// The result does not contradict what was expected.
    pub(super) as_expected: bool,
}

pub(super) fn csv_text(probes: &[Probe], lines: &[Line]) -> String {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    let mut write = |record: [&str; 8]| out.write_record(record).expect("memory takes everything");
    write(["src", "dst", "protocol", "dst_port", "expect", "result", "code", "dropped_at"]);
    for (p, l) in probes.iter().zip(lines) {
        write([&p.src, &p.dst, &p.protocol, &p.dst_port, &p.expect, l.result.word(), l.code, &l.dropped_at]);
    }
    String::from_utf8(out.into_inner().expect("memory takes everything")).expect("made of text")
}

pub(super) fn json_text(probes: &[Probe], lines: &[Line]) -> String {
    let none = |text: &str| if text.is_empty() { serde_json::Value::Null } else { text.into() };
    let rows: Vec<_> = probes
        .iter()
        .zip(lines)
        .map(|(p, l)| {
            serde_json::json!({
                "src": p.src, "dst": p.dst, "protocol": p.protocol, "dst_port": p.dst_port.parse::<u16>().ok(),
                "expect": none(&p.expect), "result": l.result.word(), "code": none(l.code), "dropped_at": none(&l.dropped_at),
                "as_expected": l.as_expected,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::json!({ "format_version": 1, "summary": summary(lines), "probes": rows }))
}

fn summary(lines: &[Line]) -> serde_json::Value {
    let count = |outcome: Outcome| lines.iter().filter(|l| l.result == outcome).count();
    serde_json::json!({
        "probes": lines.len(), "open": count(Outcome::Open), "closed": count(Outcome::Closed), "reply": count(Outcome::Reply),
        "no_reply": count(Outcome::NoReply), "unknown": count(Outcome::Unknown),
        "unexpected": lines.iter().filter(|l| !l.as_expected).count(),
    })
}

pub(super) fn table(probes: &[Probe], lines: &[Line]) -> String {
    let with_expect = probes.iter().any(|p| !p.expect.is_empty());
    let mut rows = vec![vec![
        "src".to_owned(),
        "dst".into(),
        "protocol".into(),
        "result".into(),
        "code".into(),
        "dropped at".into(),
    ]];
    for (p, l) in probes.iter().zip(lines) {
        let port = if p.dst_port.is_empty() { p.protocol.clone() } else { format!("{}/{}", p.protocol, p.dst_port) };
        let mark = if l.as_expected { String::new() } else { format!(" (expected {})", p.expect) };
        rows.push(vec![
            p.src.clone(),
            p.dst.clone(),
            port,
            format!("{}{mark}", l.result.word()),
            l.code.to_owned(),
            l.dropped_at.clone(),
        ]);
    }
    let widths: Vec<usize> = (0..6).map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        out.push_str(render::clean(line.join("  ").trim_end()).as_str());
        out.push('\n');
    }
    let s = summary(lines);
    let unexpected = if with_expect { format!(", {} not as expected", s["unexpected"]) } else { String::new() };
    out.push_str(&format!(
        "\n{} probes: {} open, {} closed, {} reply, {} no reply, {} unknown{unexpected}\n",
        s["probes"], s["open"], s["closed"], s["reply"], s["no_reply"], s["unknown"]
    ));
    out
}

/// A test case for every probe that says what it expects.
pub(super) fn junit(probes: &[Probe], lines: &[Line], name: &str) -> Result<String, Failure> {
    let cases = probes.iter().zip(lines).filter(|(p, _)| !p.expect.is_empty()).map(|(p, l)| {
        let port = if p.dst_port.is_empty() { p.protocol.clone() } else { format!("{}/{}", p.protocol, p.dst_port) };
        let found = format!("expected {}, it is {} {} {}", p.expect, l.result.word(), l.code, l.dropped_at);
        let failure = (!l.as_expected).then(|| found.trim_end().to_owned());
        (format!("{} -> {} {port}", p.src, p.dst), failure)
    });
    render::report::junit(name, cases)
}
