//! What an import understood and what it did not, as plain data and as lines of text.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What an import understood and what it did not. Everything is in a fixed order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Resources in the [`Spec`](crate::spec::Spec), per kind.
    pub understood: BTreeMap<&'static str, usize>,
    /// Resources that exist but are not modelled, by kind and id.
    pub not_modelled: Vec<NotModelledResource>,
    /// Top-level keys that were not read, with how many elements they held. Empty lists are left out.
    pub ignored_keys: BTreeMap<String, usize>,
    /// Objects that were left out on purpose.
    pub skipped: Vec<Skipped>,
    /// References to what the export does not hold.
    pub missing_references: Vec<MissingReference>,
}

/// A resource that exists but is not modelled.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct NotModelledResource {
    /// Its kind in AWS's words.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// An object, or a part of one, that was left out on purpose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Skipped {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// A reference to what the export does not hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct MissingReference {
    /// Who refers.
    pub from: String,
    /// What is missing.
    pub to: String,
    /// What was done about it.
    pub effect: String,
}

impl Report {
    /// Puts every list into its fixed order.
    pub(super) fn sort(&mut self) {
        self.not_modelled.sort();
        self.not_modelled.dedup();
        self.skipped.sort();
        self.skipped.dedup();
        self.missing_references.sort();
        self.missing_references.dedup();
    }

    /// The report as plain lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut section = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = writeln!(out, "{title}");
                for line in lines {
                    let _ = writeln!(out, "  {line}");
                }
            }
        };
        section("understood", self.understood.iter().map(|(kind, n)| format!("{n:>6}  {kind}")).collect());
        section("not modelled", self.not_modelled.iter().map(|r| format!("{}  {}", r.id, r.kind)).collect());
        section("keys not read", self.ignored_keys.iter().map(|(key, n)| format!("{n:>6}  {key}")).collect());
        section("left out", self.skipped.iter().map(|s| format!("{}  {}", s.id, s.why)).collect());
        section(
            "not in the export",
            self.missing_references.iter().map(|m| format!("{}, named by {}: {}", m.to, m.from, m.effect)).collect(),
        );
        out
    }
}
