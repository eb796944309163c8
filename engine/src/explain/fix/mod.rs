//! The smallest change of the configuration that makes a question pass, proved by asking again.
//!
//! A search over changes that the blockers suggest: each is made in a copy of the topology, the copy is compiled, and the
//! same question is asked of it, with every choice that AWS makes. So what is offered has been seen to work, and no part
//! of it can be left out. What else it would open is asked too.
//!
//! Deliberately not searched: new resources (a NAT gateway, a peering, a transit gateway), what a guest's own system does,
//! sites' routers, Client VPN. Where only such a thing would help, [`NoFix`] names it.
//!
//! Invariants: nothing here decides about a packet; the answer depends on the topology and the question only.

mod candidates;
mod edit;
mod name;
mod no_fix;
mod opens;
mod patch;
mod phrase;
mod route;

pub use edit::Edit;
pub use name::fix_name;
pub use no_fix::NoFix;
pub use opens::{OPENS_ENIS_MAX, Opens};

use super::ask::ask_all;
use super::{Blocker, Explanation, Leg, Origin, Outcome, Part, Question, ask};
use crate::base::ids::{EniIx, InetIx};
use crate::compile::{ANY_HOST, Network, compile, expand};
use crate::names::Label;
use crate::spec::Spec;
use crate::verdict::{Decision, RowIx, Stage, Step};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr};

/// Changes in one fix at most.
pub const EDITS_MAX: usize = 8;
/// Topologies that a search tries at most, and the interfaces that it compiles at most.
const TRIES_MAX: usize = 240;
const COMPILED_ENIS_MAX: usize = 400_000;
/// What one more blocker makes a state look worse by: the cheapest change.
const BLOCKER_COST: u32 = 10;

/// A change that works.
#[derive(Clone, Debug)]
pub struct Fix {
    /// Its parts: none can be left out.
    pub edits: Vec<Edit>,
    /// What the asker sees after it.
    pub outcome: Outcome,
    /// Who else can talk to whom on the same port after it.
    pub opens: Opens,
    /// The network after it.
    pub network: Network,
    /// The topology after it, with AWS's defaults filled in.
    pub spec: Spec,
}

/// What can be done.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// A change, seen to work.
    Change(Box<Fix>),
    /// Nothing that was searched.
    None(NoFix),
}

/// True if packets pass both ways, whatever AWS chooses. A host on the internet that is not described counts: the rest of
/// the way is open.
#[must_use]
pub fn passes(network: &Network, e: &Explanation) -> bool {
    let fine = |outcome: Outcome, by: Option<(Part, RowIx)>| {
        outcome.passes() || by == Some((Part::Request, network.fabric.internet_unknown))
    };
    fine(e.outcome, e.decided_by) && e.alternatives.iter().all(|a| fine(a.outcome, a.decided_by))
}

/// The smallest change that makes the question pass.
///
/// `network` is what `spec` compiles to.
#[must_use]
pub fn fix(spec: &Spec, network: &Network, question: &Question) -> Remedy {
    let explanation = ask(network, question);
    if passes(network, &explanation) {
        return Remedy::None(NoFix::Passes);
    }
    if let Some(no) = no_fix::hopeless(network, &explanation) {
        return Remedy::None(no);
    }
    let full = expand(spec, &mut Vec::new());
    let mut search = Search { base: network, full, question, tries: 0, seen: BTreeSet::new() };
    match search.run() {
        Some(edits) => {
            let edits = search.minimal(edits);
            let (network_after, spec_after) = search.compiled(&edits).expect("it compiled before");
            let asked = carried(question, network, &network_after).expect("the same ends");
            let after = ask(&network_after, &asked);
            let opens = opens::opens(network, &network_after, question);
            Remedy::Change(Box::new(Fix {
                edits,
                outcome: after.outcome,
                opens,
                network: network_after,
                spec: spec_after,
            }))
        }
        None => Remedy::None(no_fix::reason(network, question, &explanation)),
    }
}

/// Makes `edits` in a topology. The network is absent if AWS would refuse the result.
#[must_use]
pub fn apply(spec: &Spec, edits: &[Edit]) -> Option<(Network, Spec)> {
    let mut full = expand(spec, &mut Vec::new());
    edits.iter().try_for_each(|edit| edit.apply(&mut full))?;
    let network = compile(&full).0?;
    Some((network, full))
}

/// The same question about a network of the same topology after a change: handles may have moved.
#[must_use]
pub fn carried(question: &Question, from: &Network, to: &Network) -> Option<Question> {
    fn find<I: crate::base::index::Index>(labels: &crate::base::IndexVec<I, Label>, id: &str) -> Option<I> {
        labels.iter_enumerated().find(|(_, label)| label.id == id).map(|(index, _)| index)
    }
    let origin = match question.from {
        Origin::Eni { eni, address } => Origin::Eni { eni: carried_eni(eni, from, to)?, address },
        Origin::Site { host, address } => Origin::Site {
            host: find::<InetIx>(&to.names.internet_hosts, &from.names.internet_hosts[host].id)?,
            address,
        },
        internet @ Origin::Internet { .. } => internet,
    };
    Some(Question { from: origin, ..*question })
}

fn carried_eni(eni: EniIx, from: &Network, to: &Network) -> Option<EniIx> {
    let id = &from.names.enis[eni].id;
    // Most changes move nothing.
    if to.names.enis.get(eni).is_some_and(|label| label.id == *id) {
        return Some(eni);
    }
    to.names.enis.iter_enumerated().find(|(_, label)| label.id == *id).map(|(eni, _)| eni)
}

/// Where a search stands: a topology, and how the question ends there.
struct Situation<'a> {
    spec: &'a Spec,
    network: &'a Network,
    request: &'a Leg,
    reply: Option<&'a Leg>,
}

impl Situation<'_> {
    fn steps(&self, part: Part) -> &[Step] {
        match part {
            Part::Request => &self.request.steps,
            Part::Reply => self.reply.map_or(&[], |leg| &leg.steps),
        }
    }
    /// The interfaces at whose subnet's table a packet was before it met the blocker, the last one first. One, unless it
    /// ran in a circle.
    fn routes_before(&self, blocker: &Blocker) -> Vec<EniIx> {
        let steps = self.steps(blocker.part);
        let upto = steps.iter().position(|step| *step == blocker.step).map_or(steps.len(), |at| at + 1);
        let mut out = Vec::new();
        for step in steps[..upto].iter().rev() {
            if let Stage::Route(eni) = step.stage
                && !out.contains(&eni)
            {
                out.push(eni);
            }
        }
        let circle = matches!(
            self.network.fabric.rows[blocker.step.decision.by].kind,
            crate::verdict::RowKind::TtlNat
                | crate::verdict::RowKind::TtlGuest
                | crate::verdict::RowKind::TtlTgw
                | crate::verdict::RowKind::Loop
        );
        out.truncate(if circle { usize::MAX } else { 1 });
        out
    }
    fn last_route(&self, blocker: &Blocker) -> Option<EniIx> {
        self.routes_before(blocker).first().copied()
    }
    /// Where the packet was going at that table.
    fn destination_at(&self, blocker: &Blocker, eni: EniIx) -> IpAddr {
        let steps = self.steps(blocker.part);
        let found = steps.iter().rev().find(|step| step.stage == Stage::Route(eni));
        found.map_or(blocker.step.before.dst, |step| step.before.dst)
    }
    /// True for the address that `internet` stands for in a question.
    #[allow(clippy::unused_self, reason = "a fact about the question")]
    fn any_host(&self, address: IpAddr) -> bool {
        ANY_HOST.1.iter().any(|any| any.parse() == Ok(address))
    }
    /// True if a host on the internet has the address.
    fn is_written(&self, address: Ipv4Addr) -> bool {
        self.network.fabric.internet_by_address.contains_key(&address.into())
    }
}

struct Search<'a> {
    base: &'a Network,
    full: Spec,
    question: &'a Question,
    tries: usize,
    seen: BTreeSet<Vec<String>>,
}

/// A set of changes that was tried.
struct State {
    edits: Vec<Edit>,
    /// What may help against the first row that still blocks.
    next: Vec<Edit>,
    done: bool,
}

impl Search<'_> {
    fn compiled(&self, edits: &[Edit]) -> Option<(Network, Spec)> {
        let mut spec = self.full.clone();
        edits.iter().try_for_each(|edit| edit.apply(&mut spec))?;
        let network = compile(&spec).0?;
        Some((network, spec))
    }

    /// Cheapest first: what is spent, and at least this for each row that still blocks.
    fn run(&mut self) -> Option<Vec<Edit>> {
        let mut states: Vec<State> = Vec::new();
        // Of equals the one that was found last: it has come further.
        let mut open: BinaryHeap<(Reverse<u32>, usize)> = BinaryHeap::new();
        let start = self.state(Vec::new())?;
        open.push((Reverse(start.1), 0));
        states.push(start.0);
        while let Some((_, at)) = open.pop() {
            if states[at].done {
                return Some(states.swap_remove(at).edits);
            }
            if states[at].edits.len() == EDITS_MAX {
                continue;
            }
            // The likeliest candidate last, so that it is the first of equals.
            for edit in std::mem::take(&mut states[at].next).into_iter().rev() {
                let mut edits = states[at].edits.clone();
                if edits.contains(&edit) {
                    continue;
                }
                edits.push(edit);
                let Some((state, priority)) = self.state(edits) else { continue };
                open.push((Reverse(priority), states.len()));
                states.push(state);
            }
        }
        None
    }

    /// Tries these changes; nothing if AWS would refuse them, or if they were tried before, or if it is enough.
    fn state(&mut self, edits: Vec<Edit>) -> Option<(State, u32)> {
        let mut key: Vec<String> = edits.iter().map(|edit| format!("{edit:?}")).collect();
        key.sort_unstable();
        if !self.seen.insert(key) {
            return None;
        }
        self.tries += 1;
        let enis = self.base.fabric.enis.len().max(1);
        if self.tries > TRIES_MAX.min(COMPILED_ENIS_MAX / enis).max(16) {
            return None;
        }
        let (network, spec) = self.compiled(&edits)?;
        let question = carried(self.question, self.base, &network)?;
        let cost: u32 = edits.iter().map(Edit::cost).sum();
        let Some((explanation, blockers)) = blocked(&network, &question) else {
            return Some((State { edits, next: Vec::new(), done: true }, cost));
        };
        let at = Situation {
            spec: &spec,
            network: &network,
            request: &explanation.request,
            reply: explanation.reply.as_ref(),
        };
        let next = blockers.first().map(|blocker| candidates::candidates(&at, blocker)).unwrap_or_default();
        let rest = u32::try_from(blockers.len()).unwrap_or(u32::MAX).saturating_mul(BLOCKER_COST);
        Some((State { edits, next, done: false }, cost.saturating_add(rest)))
    }

    /// Leaves out every part that is not needed.
    fn minimal(&self, mut edits: Vec<Edit>) -> Vec<Edit> {
        let mut at = 0;
        while at < edits.len() {
            let mut fewer = edits.clone();
            fewer.remove(at);
            let works = self.compiled(&fewer).is_some_and(|(network, _)| {
                carried(self.question, self.base, &network).is_some_and(|q| passes(&network, &ask(&network, &q)))
            });
            if works {
                edits = fewer;
                at = 0;
            } else {
                at += 1;
            }
        }
        edits
    }
}

/// How the question fails, with every row that blocks; nothing if it passes. Where a choice decides, the first way that fails.
fn blocked(network: &Network, question: &Question) -> Option<(Explanation, Vec<Blocker>)> {
    let explanation = ask(network, question);
    if passes(network, &explanation) {
        return None;
    }
    let explanation = ask_all(network, question, &explanation, |outcome| !outcome.passes());
    let mut blockers = explanation.blockers.clone();
    if blockers.is_empty()
        && let Some((part, by)) = explanation.decided_by
    {
        // A sender that does not run meets no stage.
        let h = explanation.request.start;
        let step =
            Step { stage: Stage::NotModelled, decision: Decision::deny(by), tracked: false, before: h, after: h };
        blockers.push(Blocker { part, step });
    }
    Some((explanation, blockers))
}
