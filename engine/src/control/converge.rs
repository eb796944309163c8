//! Every table at rest: what a plan's speakers hold when they have told each other everything.
//!
//! [`converge()`] lets all sessions deliver at once, round by round, until nothing is left to tell.
//! [`converge_in_order`] lets one session deliver at a time, in an order that the caller chooses. Where policies do
//! not contradict each other both end in the same tables; tested on random networks.
//! Where they do (each of two prefers the way through the other), speakers may go on for ever, or stop at one of
//! several states. Rounds are bounded, so a plan that does not rest is an [`Oscillates`] with the prefixes that do
//! not, never a loop.
//!
//! Sessions that tell too much (BGP-13) go down when everything is at rest, and the plan starts anew without them,
//! until no session tells too much. Sessions that are over the limit at the same time go down together. So a number
//! that is only passed on the way to rest takes no session down.
//!
//! Not modelled: time. How long convergence takes is the business of whoever sends the messages.

use super::plan::{Plan, SessionIx, TableIx};
use super::policy::{Refused, export, import};
use super::rib::Rib;
use super::route::{Attributes, Source};
use crate::base::{Cidr, IndexVec};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds for each table of a plan, and some more: without contradictions one for each is enough for the best routes
/// to spread, and one for each for what was told too early to be taken back.
const ROUNDS_PER_TABLE: usize = 8;
const ROUNDS_MORE: usize = 32;

/// A session that went down because it told too much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Down {
    /// The direction that told it. The others of its BGP session are down too.
    pub session: SessionIx,
    /// Prefixes of one family that it told.
    pub prefixes: u32,
    /// The limit.
    pub limit: u32,
    /// True if they are IPv6.
    pub ipv6: bool,
}

/// A plan at rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Converged {
    /// What each table holds.
    pub ribs: IndexVec<TableIx, Rib>,
    /// Sessions that went down, and why.
    pub down: Vec<Down>,
    /// What was told and not taken.
    pub refused: BTreeMap<(SessionIx, Cidr), Refused>,
    /// Rounds, or deliveries, until rest.
    pub rounds: usize,
}

/// A plan that does not come to rest: its policies contradict each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Oscillates {
    /// The prefixes that were still changing.
    pub prefixes: Vec<Cidr>,
    /// Rounds, or deliveries, after which it was given up.
    pub rounds: usize,
}

/// Runs a plan to rest, all sessions at once in each round.
pub fn converge(plan: &Plan) -> Result<Converged, Oscillates> {
    settle(plan, |state| {
        let most = ROUNDS_PER_TABLE * plan.tables.len() + ROUNDS_MORE;
        for round in 0..=most {
            if state.pending.is_empty() {
                return Ok(round);
            }
            let pending = std::mem::take(&mut state.pending);
            let told: Vec<_> = pending.into_iter().map(|(s, prefixes)| (s, state.tells(s, prefixes))).collect();
            for (session, told) in told {
                state.deliver(session, told);
            }
        }
        Err(state.restless(most))
    })
}

/// Runs a plan to rest, one session at a time: `pick` is given the sessions that have something to tell, and says
/// which of them is next (by position, modulo their number).
pub fn converge_in_order(plan: &Plan, mut pick: impl FnMut(&[SessionIx]) -> usize) -> Result<Converged, Oscillates> {
    settle(plan, |state| {
        let most = (ROUNDS_PER_TABLE * plan.tables.len() + ROUNDS_MORE) * (plan.sessions.len() + 1);
        for delivery in 0..=most {
            let waiting: Vec<SessionIx> = state.pending.keys().copied().collect();
            if waiting.is_empty() {
                return Ok(delivery);
            }
            let session = waiting[pick(&waiting) % waiting.len()];
            let prefixes = state.pending.remove(&session).expect("it is waiting");
            let told = state.tells(session, prefixes);
            state.deliver(session, told);
        }
        Err(state.restless(most))
    })
}

/// Runs to rest, takes down what tells too much, and begins anew, until nothing does.
fn settle(
    plan: &Plan,
    mut run: impl FnMut(&mut State<'_>) -> Result<usize, Oscillates>,
) -> Result<Converged, Oscillates> {
    let mut down: Vec<Down> = Vec::new();
    let mut rounds = 0;
    loop {
        let mut state = State::new(plan, &down);
        rounds += run(&mut state)?;
        let over = state.over_limit();
        if over.is_empty() {
            let State { ribs, refused, .. } = state;
            return Ok(Converged { ribs, down, refused, rounds });
        }
        down.extend(over);
        down.sort_unstable_by_key(|d| d.session);
    }
}

struct State<'a> {
    plan: &'a Plan,
    ribs: IndexVec<TableIx, Rib>,
    /// The sessions that each table tells others by: those that are up.
    out: IndexVec<TableIx, Vec<SessionIx>>,
    /// What each session has yet to tell.
    pending: BTreeMap<SessionIx, BTreeSet<Cidr>>,
    /// What each session has told and not taken back.
    told: IndexVec<SessionIx, BTreeSet<Cidr>>,
    refused: BTreeMap<(SessionIx, Cidr), Refused>,
}

impl<'a> State<'a> {
    fn new(plan: &'a Plan, down: &[Down]) -> Self {
        let mut state = Self {
            plan,
            ribs: plan.tables.iter().map(Rib::new).collect(),
            out: plan.tables.iter().map(|_| Vec::new()).collect(),
            pending: BTreeMap::new(),
            told: plan.sessions.iter().map(|_| BTreeSet::new()).collect(),
            refused: BTreeMap::new(),
        };
        let bgp: BTreeSet<u32> = down.iter().filter_map(|d| plan.sessions[d.session].bgp).collect();
        for (session, s) in plan.sessions.iter_enumerated() {
            let fell = down.iter().any(|d| d.session == session) || s.bgp.is_some_and(|b| bgp.contains(&b));
            if s.up && !fell {
                state.out[s.from].push(session);
                let held = state.ribs[s.from].iter().map(|(to, _)| to);
                let all: BTreeSet<Cidr> = held.chain(s.export.originate.iter().copied()).collect();
                if !all.is_empty() {
                    state.pending.insert(session, all);
                }
            }
        }
        state
    }

    /// What a session has to say about some prefixes now.
    fn tells(&self, session: SessionIx, prefixes: BTreeSet<Cidr>) -> Vec<(Cidr, Option<Attributes>)> {
        let rib = &self.ribs[self.plan.sessions[session].from];
        prefixes.into_iter().map(|to| (to, export(self.plan, session, to, rib.best(to)).ok())).collect()
    }

    /// The other end hears it.
    fn deliver(&mut self, session: SessionIx, told: Vec<(Cidr, Option<Attributes>)>) {
        let learner = self.plan.sessions[session].to;
        for (to, told) in told {
            if told.is_some() {
                self.told[session].insert(to);
            } else if !self.told[session].remove(&to) {
                continue;
            }
            self.refused.remove(&(session, to));
            let taken = told.and_then(|told| match import(self.plan, session, to, told) {
                Ok(route) => Some(route),
                Err(why) => {
                    self.refused.insert((session, to), why);
                    None
                }
            });
            let rib = &mut self.ribs[learner];
            let changed = match taken {
                Some(route) => rib.put(route),
                None => rib.remove(to, Source::Session(session)),
            };
            if changed {
                for out in &self.out[learner] {
                    self.pending.entry(*out).or_default().insert(to);
                }
            }
        }
    }

    fn over_limit(&self) -> Vec<Down> {
        let mut over = Vec::new();
        for (session, s) in self.plan.sessions.iter_enumerated() {
            let Some(limit) = s.limit else { continue };
            for ipv6 in [false, true] {
                let prefixes = self.told[session].iter().filter(|to| to.is_v4() != ipv6).count() as u32;
                if prefixes > limit {
                    over.push(Down { session, prefixes, limit, ipv6 });
                    break;
                }
            }
        }
        over
    }

    fn restless(&self, rounds: usize) -> Oscillates {
        let prefixes: BTreeSet<Cidr> = self.pending.values().flatten().copied().collect();
        Oscillates { prefixes: prefixes.into_iter().collect(), rounds }
    }
}
