//! A network as its speakers know it at one moment of a run: the same compilation, with what the tables hold then in the
//! place of what they hold at rest.

use super::{Network, compile_all};
use crate::base::IndexVec;
use crate::base::ids::TunnelIx;
use crate::control::{Converged, Plan, Rib, TableIx};
use crate::fabric::Fabric;
use crate::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};

/// What a network was compiled of.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) spec: Spec,
    pub(super) failed_zones: BTreeSet<String>,
}

/// What the control plane of a run knows at one moment.
#[derive(Clone, Debug)]
pub struct Live {
    /// The tables.
    pub ribs: IndexVec<TableIx, Rib>,
    /// Whether AWS's end and the customer's take each tunnel for up.
    pub tunnels: IndexVec<TunnelIx, [bool; 2]>,
}

impl Live {
    /// The tables, with what the plan says that each has by itself: that may have changed with a tunnel.
    pub(super) fn at_rest(self, plan: &Plan) -> Converged {
        let own = |(table, rib): (TableIx, &Rib)| rib.clone().with_locals(&plan.tables[table]);
        let ribs = self.ribs.iter_enumerated().map(own).collect();
        Converged { ribs, down: Vec::new(), refused: BTreeMap::new(), rounds: 0 }
    }
}

impl Network {
    /// True if packets take the same ways in both, by rows of the same numbers, whatever their epochs.
    #[must_use]
    pub fn same_paths(&self, other: &Self) -> bool {
        Fabric { epoch: other.fabric.epoch, ..Fabric::clone(&self.fabric) } == *other.fabric
    }

    /// The network with what its speakers know now, of the same epoch. None if it has no control plane.
    ///
    /// # Panics
    /// If `live` is of another network.
    #[must_use]
    pub fn relearn(&self, live: Live) -> Option<Self> {
        let source = self.source.as_ref()?;
        let epoch = self.fabric.epoch;
        let (network, diagnostics) =
            compile_all(&source.spec, epoch, &BTreeSet::new(), &source.failed_zones, Some(live));
        Some(network.unwrap_or_else(|| panic!("it was compiled before: {diagnostics:?}")))
    }
}
