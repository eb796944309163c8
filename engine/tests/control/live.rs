//! Speakers that talk: messages wait on each session in order, sessions fail while messages are under way.
//!
//! It uses the same three pieces as a run does ([`Rib`], [`export`], [`import`]) and none of
//! [`converge`](vpcsim_engine::control::converge()), and must end where that does.

use std::collections::{BTreeSet, VecDeque};
use vpcsim_engine::base::{Cidr, IndexVec, Stream};
use vpcsim_engine::control::{Attributes, Plan, Rib, SessionIx, Source, TableIx, export, import};

/// More messages than any of the small networks needs.
const MESSAGES_MAX: usize = 200_000;

/// A run of speakers.
pub(crate) struct Live {
    plan: Plan,
    ribs: IndexVec<TableIx, Rib>,
    told: IndexVec<SessionIx, BTreeSet<Cidr>>,
    wires: IndexVec<SessionIx, VecDeque<(Cidr, Option<Attributes>)>>,
}

impl Live {
    /// Every session comes up and tells what its table has by itself.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut live = Self {
            plan: plan.clone(),
            ribs: plan.tables.iter().map(Rib::new).collect(),
            told: plan.sessions.iter().map(|_| BTreeSet::new()).collect(),
            wires: plan.sessions.iter().map(|_| VecDeque::new()).collect(),
        };
        for session in plan.sessions.indices() {
            live.greet(session);
        }
        live
    }
    /// What the speakers hold now.
    pub(crate) const fn ribs(&self) -> &IndexVec<TableIx, Rib> {
        &self.ribs
    }
    /// The plan, with the sessions that are up now.
    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }
    /// Delivers up to `most` messages, each of a session drawn from the stream; true if none is left.
    pub(crate) fn run(&mut self, stream: &mut Stream, most: usize) -> bool {
        for _ in 0..most {
            let waiting = self.wires.iter_enumerated().filter(|(_, wire)| !wire.is_empty());
            let waiting: Vec<SessionIx> = waiting.map(|(session, _)| session).collect();
            if waiting.is_empty() {
                return true;
            }
            self.hear(waiting[stream.below(waiting.len() as u64) as usize]);
        }
        false
    }
    /// Delivers everything.
    pub(crate) fn finish(&mut self, stream: &mut Stream) {
        assert!(self.run(stream, MESSAGES_MAX), "speakers that never rest");
    }
    /// The BGP session that `session` belongs to comes up or goes down, both ways.
    pub(crate) fn set_up(&mut self, session: SessionIx, up: bool) {
        let bgp = self.plan.sessions[session].bgp;
        let same = |other: SessionIx| other == session || bgp.is_some() && self.plan.sessions[other].bgp == bgp;
        let all: Vec<SessionIx> = self.plan.sessions.indices().filter(|other| same(*other)).collect();
        for session in &all {
            self.plan.sessions[*session].up = up;
        }
        for session in all {
            if up {
                self.greet(session);
                continue;
            }
            self.wires[session].clear();
            self.told[session].clear();
            let learner = self.plan.sessions[session].to;
            for to in self.ribs[learner].clear(session) {
                self.spread(learner, to);
            }
        }
    }

    fn greet(&mut self, session: SessionIx) {
        let s = &self.plan.sessions[session];
        let held = self.ribs[s.from].iter().map(|(to, _)| to);
        let all: BTreeSet<Cidr> = held.chain(s.export.originate.iter().copied()).collect();
        for to in all {
            self.tell(session, to);
        }
    }

    fn tell(&mut self, session: SessionIx, to: Cidr) {
        let s = &self.plan.sessions[session];
        if !s.up {
            return;
        }
        let told = export(&self.plan, session, to, self.ribs[s.from].best(to)).ok();
        let before = &mut self.told[session];
        // Only what was told is taken back.
        if told.is_some() {
            before.insert(to);
        } else if !before.remove(&to) {
            return;
        }
        self.wires[session].push_back((to, told));
    }

    fn spread(&mut self, table: TableIx, to: Cidr) {
        for session in self.plan.sessions.indices() {
            if self.plan.sessions[session].from == table {
                self.tell(session, to);
            }
        }
    }

    fn hear(&mut self, session: SessionIx) {
        let (to, told) = self.wires[session].pop_front().expect("a message");
        let learner = self.plan.sessions[session].to;
        let taken = told.and_then(|told| import(&self.plan, session, to, told).ok());
        let changed = match taken {
            Some(route) => self.ribs[learner].put(route),
            None => self.ribs[learner].remove(to, Source::Session(session)),
        };
        if changed {
            self.spread(learner, to);
        }
    }
}
