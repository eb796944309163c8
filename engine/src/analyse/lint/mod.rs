//! What is wrong with a network, or will be: findings, each with a code, a place, a reason and a fix.
//!
//! Two kinds of checks. Some look at what is written: rows that never decide, routes to nothing, groups of nobody. The
//! others ask questions, as `why` does, and look at the answers: nothing here judges a packet. Questions are asked of one
//! interface of each class ([`super::class`]).
//!
//! Not looked at: load balancers, Client VPN's own rules, names, and what hosts do with what they get.
//!
//! Invariants: findings are in the order of places, then codes; the order of files and the number of threads never show.
//! A finding that is suppressed is there, with the reason; a suppression without a finding is a finding.

mod asked;
mod check;
mod conversations;
mod cover;
mod exposed;
mod failure;
mod filters;
mod mtu;
mod routes;
mod transit;
mod unused;

pub use check::{CHECKS, Check, Severity, find};

use crate::compile::Network;
use crate::diag::{Diagnostic, Span, nearest};
use crate::names::Label;
use crate::spec::Spec;
use crate::verdict::RowIx;
use check::check;
use std::collections::BTreeSet;

/// Resources that a finding names at most; of further ones the number is said.
const NAMED_MAX: usize = 3;

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was found.
    pub check: &'static Check,
    /// How bad it is.
    pub severity: Severity,
    /// The resource it is about: AWS's word for its kind, in snake case, and its id; nothing if it is about none.
    pub resource: Option<(&'static str, String)>,
    /// Where it is written. None if it is implied, or the topology was imported.
    pub span: Span,
    /// What is the matter, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Other places and facts.
    pub notes: Vec<(Span, String)>,
    /// The reason, if the topology says that it is meant.
    pub suppressed: Option<String>,
}

/// Everything that is found in a network. It was compiled of `spec`, and `diagnostics` are what was said then.
#[must_use]
pub fn lint(spec: &Spec, network: &Network, diagnostics: &[Diagnostic]) -> Vec<Finding> {
    let mut lint = Lint { spec, network, findings: Vec::new() };
    lint.diagnostics(diagnostics);
    lint.acl_rows();
    lint.group_rules();
    lint.unused();
    lint.routes();
    lint.transit();
    lint.failure();
    lint.conversations();
    lint.exposed_ports();
    lint.suppress();
    let mut findings = lint.findings;
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (!f.span.is_some(), f.span, f.check.code, f.resource.clone());
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    findings.dedup();
    findings
}

struct Lint<'a> {
    spec: &'a Spec,
    network: &'a Network,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    /// A finding about a resource; what is not known yet is filled in by the caller.
    fn found(
        &mut self,
        code: &str,
        kind: &'static str,
        label: &Label,
        message: String,
        fix: impl Into<String>,
    ) -> &mut Finding {
        let check = check(code);
        self.findings.push(Finding {
            check,
            severity: check.severity,
            resource: Some((kind, label.id.clone())),
            span: label.span,
            message,
            fix: fix.into(),
            notes: Vec::new(),
            suppressed: None,
        });
        self.findings.last_mut().expect("just pushed")
    }

    /// A finding about a row: it is about the row's resource, at the row's place if it has one.
    fn found_row(&mut self, code: &str, row: RowIx, message: String, fix: impl Into<String>) -> &mut Finding {
        let (fabric, names) = (&self.network.fabric, &self.network.names);
        let span = names.row_span(row);
        let label = Label { id: names.row_resource_id(fabric, row).to_owned(), tag: None, span };
        let whole = names.row_resource_span(fabric, row);
        let kind = names.row_resource_kind(fabric, row);
        let finding = self.found(code, kind, &label, message, fix);
        if !span.is_some() {
            finding.span = whole;
        }
        finding
    }

    fn row_text(&self, row: RowIx) -> String {
        self.network.names.row_text(&self.network.fabric, row)
    }

    /// What `compile` has found is a finding too.
    fn diagnostics(&mut self, diagnostics: &[Diagnostic]) {
        for d in diagnostics {
            let (code, severity) = match d.code {
                "quota" => ("quota", Severity::Warning),
                "routing-loop" => ("routing-loop", Severity::Error),
                "not-propagated" | "nothing-announced" | "prefix-limit" | "vpn-not-carried" | "connect-ibgp" => {
                    ("route-not-learnt", Severity::Warning)
                }
                // Of an imported account. The rules that name nothing are found as such.
                "unknown-reference" if d.message.contains("security group or prefix list") => continue,
                "unknown-reference" => ("stale-reference", Severity::Warning),
                _ => ("gap", Severity::Note),
            };
            self.findings.push(Finding {
                check: check(code),
                severity,
                resource: None,
                span: d.span,
                message: d.message.clone(),
                fix: d.help.clone().unwrap_or_else(|| "`vpcsim validate` says more".to_owned()),
                notes: d.notes.clone(),
                suppressed: None,
            });
        }
    }

    /// Marks what the topology says is meant; what it says of nothing is a finding.
    fn suppress(&mut self) {
        let spec = self.spec;
        let mut unused = Vec::new();
        for suppression in &spec.lint {
            let (code, on) = (&*suppression.ignore.value, suppression.on.as_ref().map(|on| &*on.value));
            let mut hit = false;
            if !suppression.reason.trim().is_empty() {
                let meant = |f: &&mut Finding| {
                    f.check.code == code && on.is_none_or(|on| f.resource.as_ref().is_some_and(|(_, id)| id == on))
                };
                for finding in self.findings.iter_mut().filter(meant) {
                    hit = true;
                    finding.suppressed.get_or_insert_with(|| suppression.reason.value.clone());
                }
            }
            if !hit {
                unused.push(suppression);
            }
        }
        for suppression in unused {
            let code = &suppression.ignore.value;
            let on = suppression.on.as_ref().map_or_else(String::new, |on| format!(" on `{on}`"));
            let (message, fix) = if find(code).is_none() {
                let near = nearest(code, CHECKS.iter().map(|check| check.code));
                let help = near.map_or_else(
                    || "`docs/lint.md` lists the codes".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                (format!("there is no finding `{code}`"), help)
            } else if suppression.reason.trim().is_empty() {
                (format!("`{code}`{on} is not suppressed: no reason is given"), "say why it is meant".to_owned())
            } else {
                (format!("there is no finding `{code}`{on} to suppress"), "remove it".to_owned())
            };
            let label = Label { id: code.clone(), tag: None, span: suppression.ignore.span };
            self.found("suppression-unused", "lint", &label, message, fix);
        }
    }
}

/// `a, b, c and 4 more`.
fn named(names: impl IntoIterator<Item = String>) -> String {
    let mut seen = BTreeSet::new();
    let names: Vec<String> = names.into_iter().filter(|name| seen.insert(name.clone())).collect();
    let list = names[..names.len().min(NAMED_MAX)].join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// `subnet a sends`, `subnets a, b send`.
fn subnets(names: impl IntoIterator<Item = String>, one: &str, several: &str) -> String {
    let names: BTreeSet<String> = names.into_iter().collect();
    let (what, does) = if names.len() == 1 { ("subnet", one) } else { ("subnets", several) };
    format!("{what} {} {does}", named(names))
}

/// `1 interface`, `3 interfaces`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The worst of what is not suppressed.
#[must_use]
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().filter(|f| f.suppressed.is_none()).map(|f| f.severity).max()
}
