//! Who speaks with whom: tables, and the sessions that join them.
//!
//! A [`Table`] is whatever decides on its own: a customer's router, a virtual private gateway, one route table of a
//! transit gateway, a Direct Connect gateway or AWS's public network as one Region sees it (what a virtual interface is worth depends on the
//! Region of the VPC, so a gateway with associations in two Regions is two tables).
//! A [`Session`] goes one way, from the table that tells to the table that learns. A BGP session is two of them, or
//! more: an attachment that propagates into two tables of a transit gateway is one session into each, and one out
//! of the table it is associated with (BGP-20).
//!
//! Invariants: the sessions of one BGP session name it by the same number. Sessions of kind
//! [`Internal`](SessionKind::Internal) add no system to the path, so their export policies must not let a route go
//! round in a circle of them; those of [`aws`](super::aws) do not. A circle that also passes a customer's router is
//! found by the path.

use super::policy::{Export, Import};
use super::route::{Class, Route};
use crate::base::IndexVec;
use crate::index_type;

index_type! {
    /// A table of a plan.
    pub TableIx;
    /// One direction of a session between two tables.
    pub SessionIx;
}

/// How a table decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A router of a customer, or any other speaker of plain BGP.
    Router,
    /// A virtual private gateway.
    Vgw,
    /// A route table of a transit gateway.
    Tgw,
    /// A Direct Connect gateway, as one Region sees it.
    Dxgw,
    /// AWS's public network, as one Region sees it.
    Public,
}

/// Something that has routes and decides among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// How it decides.
    pub kind: Kind,
    /// Its autonomous system.
    pub asn: u32,
    /// Router id: the last resort of others that choose between it and another.
    pub id: u32,
    /// A router: uses several equal paths. A transit gateway: shares among VPNs (its option). No meaning else.
    pub ecmp: bool,
    /// The routes it has by itself.
    pub locals: Vec<Route>,
}

impl Table {
    /// A table without routes, that does not share.
    #[must_use]
    pub const fn new(kind: Kind, asn: u32, id: u32) -> Self {
        Self { kind, asn, id, ecmp: false, locals: Vec::new() }
    }
}

/// What a session does to what passes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SessionKind {
    /// BGP between two autonomous systems.
    Ebgp,
    /// BGP inside one.
    Ibgp,
    /// AWS's own, between gateways: no system is added to the path, and nothing is lost (BGP-23).
    Internal,
}

/// One direction of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Who tells.
    pub from: TableIx,
    /// Who learns.
    pub to: TableIx,
    /// What it does to what passes.
    pub kind: SessionKind,
    /// Carries nothing while it is not up.
    pub up: bool,
    /// What kind of route the learner makes of it.
    pub class: Class,
    /// The teller's policy.
    pub export: Export,
    /// The learner's policy.
    pub import: Import,
    /// More prefixes of one family than this, and the BGP session goes down (BGP-13).
    pub limit: Option<u32>,
    /// Which BGP session it is a direction of, by the caller's number: they go down together.
    pub bgp: Option<u32>,
    /// Sessions of one bundle are one path and do not share traffic (BGP-6).
    pub bundle: Option<u32>,
}

impl Session {
    /// A session that is up and tells and accepts everything.
    #[must_use]
    pub fn new(from: TableIx, to: TableIx, kind: SessionKind, class: Class) -> Self {
        Self {
            from,
            to,
            kind,
            up: true,
            class,
            export: Export::default(),
            import: Import::default(),
            limit: None,
            bgp: None,
            bundle: None,
        }
    }
    /// The same with this export policy.
    #[must_use]
    pub fn exporting(mut self, export: Export) -> Self {
        self.export = export;
        self
    }
    /// The same with this import policy.
    #[must_use]
    pub fn importing(mut self, import: Import) -> Self {
        self.import = import;
        self
    }
    /// The same as a direction of this BGP session.
    #[must_use]
    pub const fn of_bgp(mut self, bgp: u32) -> Self {
        self.bgp = Some(bgp);
        self
    }
    /// The same with this limit of prefixes.
    #[must_use]
    pub const fn limited(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// Tables and sessions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Who decides.
    pub tables: IndexVec<TableIx, Table>,
    /// Who tells whom.
    pub sessions: IndexVec<SessionIx, Session>,
}
