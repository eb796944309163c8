//! What every speaker of a plan has heard, holds and has told, while messages are under way.
//!
//! The same three pieces as the fixpoint ([`Rib`], [`export`], [`import`]), one message at a time. What was heard is kept as it
//! was said, so that a change of policy needs no new message (RFC 2918 does that on the wire).
//!
//! A run begins with tables at rest ([`Tables::at_rest`]): what a session would have told stands until the session has come up
//! and told everything anew, or has had its time to ([`Tables::forget_stale`]). [`Tables::new`] begins with nothing.
//!
//! Invariant: sessions inside AWS ([`SessionKind::Internal`]) deliver at once and are never down; others deliver when the owner
//! says so.

use crate::base::{Cidr, IndexVec};
use crate::control::{Attributes, Plan, Rib, SessionIx, SessionKind, Source, TableIx, export, import};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one direction of a session has carried.
#[derive(Clone, Debug, Default)]
struct Adjacent {
    /// Whether it carries anything now.
    up: bool,
    /// What was heard, before any policy.
    heard: BTreeMap<Cidr, Attributes>,
    /// What was heard before this session came up, and not again yet.
    stale: BTreeSet<Cidr>,
    /// What was told and not taken back.
    told: BTreeMap<Cidr, Attributes>,
    /// What is yet to be told.
    pending: BTreeSet<Cidr>,
}

/// The tables of a plan.
#[derive(Clone, Debug)]
pub struct Tables {
    plan: Arc<Plan>,
    ribs: IndexVec<TableIx, Rib>,
    adjacent: IndexVec<SessionIx, Adjacent>,
    /// The sessions that each table tells by.
    out: IndexVec<TableIx, Vec<SessionIx>>,
    /// Those inside AWS.
    internal: Vec<SessionIx>,
    /// A best route has changed since the last look.
    changed: bool,
}

impl Tables {
    fn of(plan: Arc<Plan>, ribs: IndexVec<TableIx, Rib>) -> Self {
        let mut out: IndexVec<TableIx, Vec<SessionIx>> = plan.tables.iter().map(|_| Vec::new()).collect();
        for (session, s) in plan.sessions.iter_enumerated() {
            out[s.from].push(session);
        }
        let is_internal = |session: &SessionIx| plan.sessions[*session].kind == SessionKind::Internal;
        let internal = plan.sessions.indices().filter(is_internal).collect();
        let adjacent = plan.sessions.iter().map(|_| Adjacent::default()).collect();
        Self { plan, ribs, adjacent, out, internal, changed: false }
    }

    /// Tables that have heard nothing.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let ribs = plan.tables.iter().map(Rib::new).collect();
        let mut new = Self { changed: true, ..Self::of(plan, ribs) };
        for session in new.internal.clone() {
            new.up(session);
        }
        new.deliver_inside();
        new
    }

    /// Tables that hold `ribs`, as the sessions in `up` would have told them. They stand as stale until the sessions are there.
    #[must_use]
    pub fn at_rest(plan: Arc<Plan>, ribs: IndexVec<TableIx, Rib>, up: impl Fn(SessionIx) -> bool) -> Self {
        let mut new = Self::of(plan, ribs);
        for session in new.plan.sessions.indices() {
            let internal = new.is_internal(session);
            if !internal && !up(session) {
                continue;
            }
            let from = new.plan.sessions[session].from;
            let said = |to: Cidr| Some((to, export(&new.plan, session, to, new.ribs[from].best(to)).ok()?));
            let said: BTreeMap<Cidr, Attributes> = new.all_of(session).into_iter().filter_map(said).collect();
            let a = &mut new.adjacent[session];
            if internal {
                a.up = true;
                a.told.clone_from(&said);
            } else {
                a.stale = said.keys().copied().collect();
            }
            a.heard = said;
        }
        new
    }

    /// What each table holds.
    #[must_use]
    pub const fn ribs(&self) -> &IndexVec<TableIx, Rib> {
        &self.ribs
    }
    /// The plan in force.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
    /// True once after something has changed.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
    /// Prefixes of one family, the larger number of both, that a session has told the learner.
    #[must_use]
    pub fn heard(&self, session: SessionIx) -> usize {
        let heard = &self.adjacent[session].heard;
        let v4 = heard.keys().filter(|to| to.is_v4()).count();
        v4.max(heard.len() - v4)
    }

    /// A session begins to tell: everything.
    pub fn up(&mut self, session: SessionIx) {
        let all = self.all_of(session);
        let a = &mut self.adjacent[session];
        a.up = true;
        a.told.clear();
        a.pending = all;
    }
    /// The teller has stopped: it has nothing told any more.
    pub fn stop_telling(&mut self, session: SessionIx) {
        let a = &mut self.adjacent[session];
        (a.up, a.told, a.pending) = (false, BTreeMap::new(), BTreeSet::new());
    }
    /// The learner gives up what the session told it.
    pub fn forget(&mut self, session: SessionIx) {
        let a = &mut self.adjacent[session];
        // One of several equal routes less changes where packets go, even if the best one stays.
        self.changed |= !a.heard.is_empty();
        (a.heard, a.stale) = (BTreeMap::new(), BTreeSet::new());
        let learner = self.plan.sessions[session].to;
        for to in self.ribs[learner].clear(session) {
            self.spread(learner, to);
        }
        self.deliver_inside();
    }
    /// What was not told again is gone: the session has told everything, or it did not come up in time.
    pub fn forget_stale(&mut self, session: SessionIx) {
        for to in std::mem::take(&mut self.adjacent[session].stale) {
            self.take(session, to, None);
        }
        self.deliver_inside();
    }
    /// Every learner of one end of a BGP session hears something of a prefix. Several tables may speak with one voice (a Direct
    /// Connect gateway has one for each Region, which tell different prefixes): then it is that one's route which has told it.
    pub fn hear_all(&mut self, sessions: &[SessionIx], to: Cidr, said: Option<&Attributes>) {
        for session in sessions {
            let learner = self.plan.sessions[*session].to;
            let voices = || sessions.iter().filter(|s| self.plan.sessions[**s].to == learner);
            let told = voices().find(|s| self.adjacent[**s].told.contains_key(&to)).or(voices().next());
            let said = said.filter(|_| told == Some(session)).cloned();
            if said.is_some() || self.adjacent[*session].heard.contains_key(&to) {
                self.take(*session, to, said);
            }
        }
        self.deliver_inside();
    }
    /// The directions in which one end of a BGP session has something to tell: one for each table that speaks.
    #[must_use]
    pub fn voices(&self, tells: &[SessionIx]) -> Vec<SessionIx> {
        let mut out: Vec<SessionIx> = Vec::new();
        for session in tells {
            let from = self.plan.sessions[*session].from;
            if out.iter().all(|other| self.plan.sessions[*other].from != from) {
                out.push(*session);
            }
        }
        out
    }
    /// What the teller has to say now, in the order of prefixes. It counts as told.
    pub fn tell(&mut self, session: SessionIx) -> Vec<(Cidr, Option<Attributes>)> {
        let from = self.plan.sessions[session].from;
        let pending = std::mem::take(&mut self.adjacent[session].pending);
        let mut out = Vec::new();
        for to in pending {
            let says = export(&self.plan, session, to, self.ribs[from].best(to)).ok();
            let told = &mut self.adjacent[session].told;
            let before = match &says {
                Some(attributes) => told.insert(to, attributes.clone()),
                None => told.remove(&to),
            };
            if before != says {
                out.push((to, says));
            }
        }
        out
    }
    /// True if the teller has something to say.
    #[must_use]
    pub fn has_news(&self, session: SessionIx) -> bool {
        !self.adjacent[session].pending.is_empty()
    }

    /// The plan has changed. Sessions that `same` names in the old plan keep what they have heard; policies are applied anew.
    pub fn replan(&mut self, plan: Arc<Plan>, same: impl Fn(SessionIx) -> Option<SessionIx>) {
        let ribs = plan.tables.iter().map(Rib::new).collect();
        let mut old = std::mem::replace(self, Self::of(plan.clone(), ribs));
        for (session, s) in plan.sessions.iter_enumerated() {
            if let Some(before) = same(session) {
                self.adjacent[session] = std::mem::take(&mut old.adjacent[before]);
            }
            for (to, said) in &self.adjacent[session].heard {
                if let Ok(route) = import(&plan, session, *to, said.clone()) {
                    self.ribs[s.to].put(route);
                }
            }
        }
        for session in plan.sessions.indices() {
            let all = self.all_of(session);
            let internal = self.is_internal(session);
            let a = &mut self.adjacent[session];
            a.up |= internal;
            if a.up {
                a.pending = all.into_iter().chain(a.told.keys().copied()).collect();
            }
        }
        self.deliver_inside();
        self.changed |= old.changed || self.ribs != old.ribs;
    }

    /// Every prefix that a session may have something to say of.
    fn all_of(&self, session: SessionIx) -> BTreeSet<Cidr> {
        let s = &self.plan.sessions[session];
        let held = self.ribs[s.from].iter().map(|(to, _)| to);
        held.chain(s.export.originate.iter().copied()).collect()
    }
    fn is_internal(&self, session: SessionIx) -> bool {
        self.plan.sessions[session].kind == SessionKind::Internal
    }

    fn take(&mut self, session: SessionIx, to: Cidr, said: Option<Attributes>) {
        let learner = self.plan.sessions[session].to;
        let a = &mut self.adjacent[session];
        a.stale.remove(&to);
        match &said {
            Some(said) => drop(a.heard.insert(to, said.clone())),
            None => drop(a.heard.remove(&to)),
        }
        let taken = said.and_then(|said| import(&self.plan, session, to, said).ok());
        let before = self.ribs[learner].get(to).cloned();
        let best_changed = match taken {
            Some(route) => self.ribs[learner].put(route),
            None => self.ribs[learner].remove(to, Source::Session(session)),
        };
        // Equal routes share the traffic: one more or less changes where packets go, and nothing that is told.
        self.changed |= best_changed || before.as_ref() != self.ribs[learner].get(to);
        if best_changed {
            self.spread(learner, to);
        }
    }
    fn spread(&mut self, table: TableIx, to: Cidr) {
        self.changed = true;
        for session in &self.out[table] {
            let a = &mut self.adjacent[*session];
            if a.up {
                a.pending.insert(to);
            }
        }
    }
    /// AWS's own sessions carry no packet: what one of its gateways knows, the others know.
    fn deliver_inside(&mut self) {
        while let Some(session) = self.internal.iter().copied().find(|s| self.has_news(*s)) {
            for (to, said) in self.tell(session) {
                self.take(session, to, said);
            }
        }
    }
}
