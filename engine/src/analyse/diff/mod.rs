//! What differs between two networks: resources as they are written, and, above all, flows gained and lost.
//!
//! A flow is a conversation between two interfaces, an interface and the internet, or an interface and a described host,
//! over TCP, UDP or by echo requests. Both networks are asked, as `why` does, from one interface of each class and for
//! one port of each stretch that nothing divides ([`super::class`]), so that nothing is judged here and nothing is left
//! out. Interfaces of the two networks are the same if they have the same name.
//!
//! Not compared: other protocols, hosts on the internet that nobody describes, addresses of delegated prefixes, latency, and
//! what established connections keep.

mod affected;
mod cause;
mod flows;
mod parties;
mod places;
mod resources;
mod stretches;

pub use cause::{Cause, Cited};
pub use flows::{Change, Flow};
pub use resources::{Field, Resource, ResourceChange};

use crate::compile::Network;
use crate::spec::Spec;

/// What differs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// Resources, by kind and name.
    pub resources: Vec<Resource>,
    /// Flows, by sender and receiver.
    pub flows: Vec<Flow>,
}

impl Difference {
    /// Flows of one kind of change.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.flows.iter().filter(|flow| flow.change == change).count()
    }
}

/// Compares two networks with what they were compiled of.
#[must_use]
pub fn diff(old: (&Spec, &Network), new: (&Spec, &Network)) -> Difference {
    let resources = resources::resources(old.0, new.0);
    let flows = flows::flows([old.0, new.0], [old.1, new.1], &resources);
    Difference { resources, flows }
}
