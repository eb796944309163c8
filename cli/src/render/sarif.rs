//! Findings in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS), as code scanning services read it.
//!
//! Columns count characters (`unicodeCodePoints`). A finding without a place has the resource as its logical location. What is
//! suppressed is there, with the reason.

use super::findings::file;
use crate::input::Source;
use serde_json::{Value, json};
use vpcsim_engine::analyse::lint::{CHECKS, Finding, Severity};
use vpcsim_engine::diag::Span;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of one run.
pub(crate) fn sarif(sources: &[Source], findings: &[Finding]) -> String {
    let rules: Vec<Value> = CHECKS
        .iter()
        .map(|check| {
            json!({
                "id": check.code,
                "shortDescription": { "text": check.title },
                "fullDescription": { "text": check.why },
                "defaultConfiguration": { "level": level(check.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(sources, finding)).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "vpcsim", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn result(sources: &[Source], finding: &Finding) -> Value {
    let rule = CHECKS.iter().position(|check| check == finding.check);
    let mut location = serde_json::Map::new();
    if let Some(physical) = physical(sources, finding.span) {
        location.insert("physicalLocation".into(), physical);
    } else if let Some(source) = sources.first() {
        location.insert("physicalLocation".into(), json!({ "artifactLocation": { "uri": uri(&source.name) } }));
    }
    if let Some((kind, id)) = &finding.resource {
        location.insert("logicalLocations".into(), json!([{ "name": id, "kind": kind }]));
    }
    let related: Vec<Value> = finding
        .notes
        .iter()
        .filter_map(|(span, note)| {
            Some(json!({ "message": { "text": note }, "physicalLocation": physical(sources, *span)? }))
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.check.code,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}. Why: {}. Fix: {}", finding.message, finding.check.why, finding.fix) },
        "locations": [location],
    });
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if let Some(reason) = &finding.suppressed {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    result
}

fn physical(sources: &[Source], span: Span) -> Option<Value> {
    let file = file(sources, span)?;
    let region =
        json!({ "startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.len.max(1) });
    Some(json!({ "artifactLocation": { "uri": uri(file) }, "region": region }))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a URI reference (RFC 3986): what may not stand in one is escaped, and so is a colon in a relative path.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("topologies/a b%.yaml"), "topologies/a%20b%25.yaml");
        assert_eq!(uri("/tmp/\u{e9}.yaml"), "file:///tmp/%C3%A9.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
