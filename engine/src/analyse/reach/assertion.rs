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
//! arrives at any of B, whether or not something listens or an answer comes back; without `on`, on no port of TCP and UDP and
//! no echo.
//! `only A reaches B on P`: all others never do. What is unknown, or depends on what AWS chooses, holds of neither.
//! Sets are written as `select` reads them; several with commas; names with spaces in double quotes.

use super::answer::Reach;
use super::group::{Side, resolve};
use super::matrix::{Example, Flow, Group, matrix};
use super::party::{Parties, Party};
use super::select::{ALL, Ends, Selection, select};
use super::service::Service;
use crate::base::Cidr;
use crate::base::ids::EniIx;
use crate::diag::Span;
use crate::spec::Spec;

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
    /// What is wrong with these pairs.
    pub what: Wrong,
}

/// How a pair is not as asserted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// It passes, or not, against the assertion; or it is unknown, or depends.
    Reach,
    /// It passes, and nothing listens.
    Refused,
    /// The request arrives, though the answer does not come back.
    Arrives,
}

/// What became of an assertion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What was asserted.
    pub verb: Verb,
    /// Pairs that were looked at.
    pub pairs: u64,
    /// What is not as asserted; empty if it holds.
    pub violations: Vec<Violation>,
}

impl Checked {
    /// True if there is no pair, and there should be one: everybody else may be nobody.
    #[must_use]
    pub fn is_about_nothing(&self) -> bool {
        self.pairs == 0 && self.verb != Verb::Only
    }
    /// True if it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && !self.is_about_nothing()
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
        out.aws |= s.ends.aws;
        out.blocks.extend(&s.ends.blocks);
    }
    out
}

/// What becomes of an assertion. `parties` must have been made with the [`blocks`] that it names.
#[must_use]
pub fn check(spec: &Spec, parties: &Parties<'_>, assertion: &Assertion) -> Checked {
    let (named, to) = (resolve(parties, &union(&assertion.from), Side::Sends), union(&assertion.to));
    let senders = match assertion.verb {
        Verb::Only => others(spec, parties, &named, &to),
        Verb::Reaches | Verb::Never => named,
    };
    let receivers = resolve(parties, &to, Side::Receives);
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
        let refused =
            flow.refused.1.as_deref().copied().filter(|_| assertion.verb == Verb::Reaches && flow.service.is_one());
        let (refusals, total, service) = (flow.refused.0, flow.total(), flow.service);
        let arrived = flow.arrived.1.as_deref().copied().filter(|_| assertion.verb != Verb::Reaches);
        let violation = |pairs, first, what| Violation { service, pairs: (pairs, total), first, what };
        violations.extend(first.map(|first| violation(pairs, first, Wrong::Reach)));
        violations.extend(refused.map(|first| violation(refusals, first, Wrong::Refused)));
        violations.extend(arrived.map(|first| violation(flow.arrived.0, first, Wrong::Arrives)));
    }
    Checked { verb: assertion.verb, pairs: flows.iter().map(Flow::total).max().unwrap_or(0), violations }
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
    let mut out = resolve(parties, &all, Side::Sends);
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
