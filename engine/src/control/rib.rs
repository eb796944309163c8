//! The routing table of one speaker: every candidate of every prefix, best first.
//!
//! It is what a speaker remembers between two messages, and what [`converge`](super::converge()) leaves behind.
//!
//! Invariants: a prefix has at most one candidate of each source, and is in the table only while it has one; the
//! order of a prefix's candidates is that of [`rank`], whatever the order in which they came.

use super::decide::{Ranked, rank};
use super::plan::{Kind, SessionIx, Table};
use super::route::{Route, Source, Via};
use crate::base::Cidr;
use std::collections::BTreeMap;

/// The candidates of each prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rib {
    kind: Kind,
    ecmp: bool,
    prefixes: BTreeMap<Cidr, Ranked>,
}

impl Rib {
    /// The table with its own routes only.
    #[must_use]
    pub fn new(table: &Table) -> Self {
        let mut rib = Self { kind: table.kind, ecmp: table.ecmp, prefixes: BTreeMap::new() };
        for route in &table.locals {
            rib.put(route.clone());
        }
        rib
    }
    /// The same with these routes of its own in the place of those it has.
    #[must_use]
    pub fn with_locals(mut self, table: &Table) -> Self {
        (self.kind, self.ecmp) = (table.kind, table.ecmp);
        let own = |ranked: &Ranked| ranked.routes.iter().any(|route| matches!(route.via, Via::Local(_)));
        let stale: Vec<Cidr> = self.prefixes.iter().filter(|(_, ranked)| own(ranked)).map(|(to, _)| *to).collect();
        for to in stale {
            let routes = self.prefixes.remove(&to).expect("it was there").routes;
            for route in routes.into_iter().filter(|route| !matches!(route.via, Via::Local(_))) {
                self.put(route);
            }
        }
        for route in &table.locals {
            self.put(route.clone());
        }
        self
    }
    /// Takes a route in, in the place of the one that its source gave before. True if the best route is another now.
    pub fn put(&mut self, route: Route) -> bool {
        self.change(route.to, route.via.source(), Some(route))
    }
    /// Forgets the route that `source` gave. True if the best route is another now.
    pub fn remove(&mut self, to: Cidr, source: Source) -> bool {
        self.change(to, source, None)
    }
    /// Forgets all that a session brought; the prefixes whose best route is another now.
    pub fn clear(&mut self, session: SessionIx) -> Vec<Cidr> {
        let source = Source::Session(session);
        let held = |ranked: &Ranked| ranked.routes.iter().any(|route| route.via.source() == source);
        let prefixes: Vec<Cidr> = self.prefixes.iter().filter(|(_, ranked)| held(ranked)).map(|(to, _)| *to).collect();
        prefixes.into_iter().filter(|to| self.remove(*to, source)).collect()
    }
    /// The candidates of a prefix.
    #[must_use]
    pub fn get(&self, to: Cidr) -> Option<&Ranked> {
        self.prefixes.get(&to)
    }
    /// The route that is used for a prefix.
    #[must_use]
    pub fn best(&self, to: Cidr) -> Option<&Route> {
        self.get(to).map(Ranked::best)
    }
    /// Every prefix with its candidates, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Cidr, &Ranked)> + '_ {
        self.prefixes.iter().map(|(to, ranked)| (*to, ranked))
    }
    /// How many prefixes it has a route for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }
    /// True if it has no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    fn change(&mut self, to: Cidr, source: Source, new: Option<Route>) -> bool {
        let old = self.prefixes.get(&to);
        let mut routes: Vec<Route> = old.map(|ranked| ranked.routes.clone()).unwrap_or_default();
        match (routes.iter().position(|route| route.via.source() == source), new) {
            (Some(at), Some(new)) if routes[at] == new => return false,
            (Some(at), Some(new)) => routes[at] = new,
            (Some(at), None) => drop(routes.remove(at)),
            (None, Some(new)) => routes.push(new),
            (None, None) => return false,
        }
        let new = rank(self.kind, self.ecmp, &routes);
        let changed = old.map(Ranked::best) != new.as_ref().map(Ranked::best);
        match new {
            Some(new) => drop(self.prefixes.insert(to, new)),
            None => drop(self.prefixes.remove(&to)),
        }
        changed
    }
}
