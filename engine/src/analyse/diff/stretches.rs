//! Stretches of ports: all ports of one are alike for what is asked, so that the first one stands for it. What divides ports
//! is looked up once for each set of groups and each address, not for each pair.

use crate::analyse::class::Signature;
use crate::analyse::ports::{Ports, Sources};
use crate::base::ids::EniIx;
use crate::base::{IndexVec, PortRange, Protocol};
use crate::compile::Network;
use crate::explain::Origin;
use crate::fabric::{EPHEMERAL, Fabric, PublicOwner};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

type Ends = [Option<(Origin, IpAddr)>; 2];
type Targets = BTreeMap<(Protocol, IpAddr), Arc<BTreeSet<u16>>>;

/// What divides ports in two networks.
pub(super) struct Stretches {
    ports: [Ports; 2],
    /// What listens at an address, and what the groups there say.
    targets: [Mutex<Targets>; 2],
    sources: Sources,
}

impl Stretches {
    pub(super) fn new(networks: [&Network; 2], signatures: &[IndexVec<EniIx, Option<Signature>>; 2]) -> Self {
        let ports = [0, 1].map(|n| Ports::of(networks[n], &signatures[n]));
        Self { ports, targets: Default::default(), sources: Sources::of(&networks) }
    }

    /// The stretches of destination ports for questions from one end to another.
    pub(super) fn of(&self, networks: [&Network; 2], protocol: Protocol, ends: Ends) -> Vec<PortRange> {
        let mut borders = BTreeSet::new();
        for (n, (origin, address)) in ends.iter().enumerate().filter_map(|(n, end)| Some((n, (*end)?))) {
            let fabric = &networks[n].fabric;
            borders.extend(self.ports[n].everywhere(protocol));
            if let Origin::Eni { eni, .. } = origin {
                borders.extend(self.ports[n].of_set(protocol, fabric.enis[eni].sg_set));
            }
            borders.extend(self.target(fabric, n, protocol, address).iter());
        }
        let starts: Vec<u16> = borders.into_iter().collect();
        let last = |n: usize| starts.get(n + 1).map_or(u16::MAX, |next| next - 1);
        starts.iter().enumerate().map(|(n, first)| PortRange { from: *first, to: last(n) }).collect()
    }

    fn target(&self, fabric: &Fabric, n: usize, protocol: Protocol, address: IpAddr) -> Arc<BTreeSet<u16>> {
        let key = (protocol, address);
        if let Some(known) = self.targets[n].lock().expect("no thread panics").get(&key) {
            return Arc::clone(known);
        }
        let receiver = fabric.vpcs.iter().filter_map(|vpc| vpc.eni_with(address));
        let public = match address {
            IpAddr::V4(a) => fabric.public_v4.get(&a).and_then(|binding| match binding.owner {
                PublicOwner::Eni { eni, .. } => Some(eni),
                PublicOwner::RegionalNat(_) => None,
            }),
            IpAddr::V6(_) => None,
        };
        let receivers: BTreeSet<EniIx> = receiver.chain(public).collect();
        let mut borders = BTreeSet::new();
        let mut listeners: Vec<(Protocol, u16)> = Vec::new();
        for eni in &receivers {
            borders.extend(self.ports[n].of_set(protocol, fabric.enis[*eni].sg_set));
            let guest = fabric.enis[*eni].guest().and_then(|guest| fabric.guests[guest].listeners.as_deref());
            listeners.extend(guest.into_iter().flatten());
        }
        let own = listeners.into_iter().filter(|(p, _)| *p == protocol);
        borders.extend(own.flat_map(|(_, port)| PortRange::one(port).edges()));
        let borders = Arc::new(borders);
        self.targets[n].lock().expect("no thread panics").insert(key, Arc::clone(&borders));
        borders
    }

    /// Source ports that stand for all of the sender's.
    pub(super) fn sources(&self, networks: [&Network; 2], protocol: Protocol, ends: Ends) -> &[Option<u16>] {
        let of = |(n, (origin, _)): (usize, (Origin, IpAddr))| origin.ephemeral(&networks[n].fabric);
        let mut ranges = ends.into_iter().enumerate().filter_map(|(n, end)| Some((n, end?))).map(of);
        self.sources.get(protocol, ranges.next_back().unwrap_or(EPHEMERAL))
    }
}
