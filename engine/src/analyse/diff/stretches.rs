//! Stretches of ports: all ports of one are alike for what is asked, so that the first one stands for it. What divides ports
//! is looked up once for each set of groups and each address, not for each pair.

use crate::analyse::class::{Signature, port_borders, sets_in_between, source_ports};
use crate::base::ids::{EniIx, SgSetIx};
use crate::base::{IndexVec, PortRange, Protocol};
use crate::compile::Network;
use crate::explain::Origin;
use crate::fabric::{Fabric, PublicOwner};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Ephemeral ports of senders that are not described: those of Linux and Windows together.
const EPHEMERAL: PortRange = PortRange { from: 32768, to: 65535 };

type Ends = [Option<(Origin, IpAddr)>; 2];
type Targets = BTreeMap<(Protocol, IpAddr), Arc<BTreeSet<u16>>>;
type Sources = BTreeMap<(Protocol, u16, u16), Arc<[Option<u16>]>>;

/// What divides ports in two networks.
pub(super) struct Stretches {
    /// What ACLs, and groups of interfaces in between, say; by protocol.
    everywhere: [BTreeMap<Protocol, BTreeSet<u16>>; 2],
    /// What a set of groups says.
    sets: [BTreeMap<(Protocol, SgSetIx), BTreeSet<u16>>; 2],
    /// What listens at an address, and what the groups there say.
    targets: [Mutex<Targets>; 2],
    sources: Mutex<Sources>,
}

impl Stretches {
    pub(super) fn new(networks: [&Network; 2], signatures: &[IndexVec<EniIx, Option<Signature>>; 2]) -> Self {
        let both = [Protocol::TCP, Protocol::UDP];
        let everywhere = [0, 1].map(|n| {
            let between = sets_in_between(networks[n], &signatures[n]);
            both.map(|p| (p, port_borders(networks[n], p, between.iter().copied()))).into_iter().collect()
        });
        let sets = networks.map(|network| {
            let all = network.fabric.sg_sets.indices().flat_map(|set| both.map(|protocol| (protocol, set)));
            all.map(|(protocol, set)| ((protocol, set), port_borders(network, protocol, [set]))).collect()
        });
        Self { everywhere, sets, targets: Default::default(), sources: Mutex::default() }
    }

    /// The stretches of destination ports for questions from one end to another.
    pub(super) fn of(&self, networks: [&Network; 2], protocol: Protocol, ends: Ends) -> Vec<PortRange> {
        let mut borders = BTreeSet::new();
        for (n, (origin, address)) in ends.iter().enumerate().filter_map(|(n, end)| Some((n, (*end)?))) {
            let fabric = &networks[n].fabric;
            borders.extend(&self.everywhere[n][&protocol]);
            if let Origin::Eni { eni, .. } = origin {
                borders.extend(&self.sets[n][&(protocol, fabric.enis[eni].sg_set)]);
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
            borders.extend(&self.sets[n][&(protocol, fabric.enis[*eni].sg_set)]);
            let guest = fabric.enis[*eni].guest().and_then(|guest| fabric.guests[guest].listeners.as_deref());
            listeners.extend(guest.into_iter().flatten());
        }
        listeners.extend(fabric.services.iter().flat_map(|s| s.listeners.iter()).map(|l| (l.protocol, l.port)));
        let described = fabric.internet_hosts.iter().find(|host| host.addresses.contains(&address));
        let host = fabric.internet_host(address).map(|host| &fabric.internet_hosts[host]).or(described);
        listeners.extend(host.into_iter().flat_map(|host| host.listeners.iter()));
        for (_, port) in listeners.into_iter().filter(|(p, _)| *p == protocol) {
            borders.extend([Some(port), port.checked_add(1)].into_iter().flatten());
        }
        let borders = Arc::new(borders);
        self.targets[n].lock().expect("no thread panics").insert(key, Arc::clone(&borders));
        borders
    }

    /// Source ports that stand for all of the sender's.
    pub(super) fn sources(&self, networks: [&Network; 2], protocol: Protocol, ends: Ends) -> Arc<[Option<u16>]> {
        let mut range = EPHEMERAL;
        for (n, (origin, _)) in ends.iter().enumerate().filter_map(|(n, end)| Some((n, (*end)?))) {
            if let Origin::Eni { eni, .. } = origin {
                let fabric = &networks[n].fabric;
                range = fabric.enis[eni].guest().map_or(EPHEMERAL, |guest| fabric.guests[guest].ephemeral);
            }
        }
        let mut known = self.sources.lock().expect("no thread panics");
        let all = known.entry((protocol, range.from, range.to)).or_insert_with(|| {
            let some = source_ports(&networks, protocol, range);
            if some.is_empty() { [None].into() } else { some.into_iter().map(Some).collect() }
        });
        Arc::clone(all)
    }
}
