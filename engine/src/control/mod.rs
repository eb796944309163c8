//! L3: the control plane. Which routes does each speaker end up with, and which of them does it use?
//!
//! One decision ([`rank`]), one pair of policies ([`export`], [`import`]) and one routing table ([`Rib`]) serve
//! twice: [`converge()`] runs a whole [`Plan`] to its fixpoint when a topology is compiled, and speakers of BGP
//! call the same functions one message at a time while a network runs.
//!
//! - [`route`]: a route, its BGP attributes, and what kind of route it is to the table that holds it.
//! - [`plan`]: who speaks (a customer's router, a virtual private gateway, a table of a transit gateway, a Direct
//!   Connect gateway) and with whom.
//! - [`policy`]: what a session lets out, what it lets in, and why not.
//! - [`aws`]: the policies that AWS's gateways have.
//! - [`decide`]: the order of steps by which one route of several wins.
//! - [`rib`]: the candidates of each prefix, best first.
//! - [`converge`](mod@converge): every table at rest, or the prefixes that never rest.
//!
//! Not here: messages, timers and sessions that come up (a plan says which are up), next hops (a route names the
//! session it came by), the longest match among prefixes, aggregation, `AS_SET`, confederations and route reflectors.
//!
//! Invariants: no clock, no input or output, no floating point, nothing iterates over a hash. What wins does not
//! depend on the order in which candidates, sessions or tables are looked at.

pub mod aws;
pub mod converge;
pub mod decide;
pub mod plan;
pub mod policy;
pub mod rib;
pub mod route;

pub use converge::{Converged, Down, Oscillates, converge, converge_in_order};
pub use decide::{Ranked, Step, rank};
pub use plan::{Kind, Plan, Session, SessionIx, SessionKind, Table, TableIx};
pub use policy::{Accept, Distance, Export, Filter, Import, Preference, Refused, Withheld, export, import, is_public};
pub use rib::Rib;
pub use route::{
    AsPath, Attributes, Class, Classes, Communities, LOCAL_PREFERENCE, Origin, Peer, Route, Source, Via, community,
};
