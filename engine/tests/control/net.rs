//! Plans, piece by piece.

use vpcsim_engine::base::Cidr;
use vpcsim_engine::control::{
    Class, Converged, Export, Kind, Plan, Route, Session, SessionIx, SessionKind, Table, TableIx,
};

pub(crate) fn cidr(text: &str) -> Cidr {
    text.parse().expect("a block")
}

pub(crate) fn cidrs(texts: &[&str]) -> Vec<Cidr> {
    texts.iter().map(|text| cidr(text)).collect()
}

/// A plan that grows.
#[derive(Clone, Default)]
pub(crate) struct Net {
    pub(crate) plan: Plan,
    sessions: u32,
}

impl Net {
    /// A table whose id is its position.
    pub(crate) fn table(&mut self, kind: Kind, asn: u32) -> TableIx {
        let id = self.plan.tables.next_index().0;
        self.plan.tables.push(Table::new(kind, asn, id))
    }
    /// A route that a table has by itself.
    pub(crate) fn own(&mut self, table: TableIx, to: &str, class: Class) {
        let id = self.plan.tables[table].locals.len() as u32;
        self.plan.tables[table].locals.push(Route::local(cidr(to), id, class));
    }
    /// One direction of BGP.
    pub(crate) fn one_way(&mut self, from: TableIx, to: TableIx, class: Class, export: Export) -> SessionIx {
        let same = self.plan.tables[from].asn == self.plan.tables[to].asn;
        let kind = if same { SessionKind::Ibgp } else { SessionKind::Ebgp };
        self.plan.sessions.push(Session::new(from, to, kind, class).exporting(export))
    }
    /// AWS's own propagation.
    pub(crate) fn internal(&mut self, from: TableIx, to: TableIx, class: Class, export: Export) -> SessionIx {
        self.plan.sessions.push(Session::new(from, to, SessionKind::Internal, class).exporting(export))
    }
    /// BGP between two tables: the session from `a` to `b`, and the one back. `there` and `back` change them.
    pub(crate) fn bgp(
        &mut self,
        a: TableIx,
        b: TableIx,
        at_a: Class,
        at_b: Class,
        there: impl FnOnce(Session) -> Session,
        back: impl FnOnce(Session) -> Session,
    ) -> (SessionIx, SessionIx) {
        let same = self.plan.tables[a].asn == self.plan.tables[b].asn;
        let kind = if same { SessionKind::Ibgp } else { SessionKind::Ebgp };
        let bgp = self.sessions;
        self.sessions += 1;
        let there = self.plan.sessions.push(there(Session::new(a, b, kind, at_b).of_bgp(bgp)));
        (there, self.plan.sessions.push(back(Session::new(b, a, kind, at_a).of_bgp(bgp))))
    }
    /// The first session from one table to another.
    pub(crate) fn between(&self, from: TableIx, to: TableIx) -> SessionIx {
        let found = self.plan.sessions.iter_enumerated().find(|(_, s)| (s.from, s.to) == (from, to));
        found.expect("there is a session").0
    }
    /// The path of a table's best route.
    pub(crate) fn path(&self, done: &Converged, at: TableIx, to: &str) -> Option<Vec<u32>> {
        done.ribs[at].best(cidr(to)).map(|route| route.attributes.as_path.as_slice().to_vec())
    }
}
