//! Ports that no rule and no row tells apart, so that the first of a **stretch** stands for all of it.
//!
//! What divides destination ports of TCP and UDP: rows of ACLs, rules of the two ends' groups and of groups in between, what
//! endpoint services and described hosts serve; what guests listen on is for the asker to add, who may not care. What divides
//! source ports: rows of ACLs, which replies meet.

use super::class::{Signature, sets_in_between};
use crate::base::ids::{EniIx, SgSetIx};
use crate::base::{IndexVec, PortRange, Protocol};
use crate::compile::Network;
use crate::fabric::EPHEMERAL;
use std::collections::{BTreeMap, BTreeSet};

const BOTH: [Protocol; 2] = [Protocol::TCP, Protocol::UDP];

/// What divides the ports of a network.
pub struct Ports {
    /// First ports of stretches that packets between any two have; port 0 is among them.
    everywhere: [BTreeSet<u16>; 2],
    /// The same for what a set of groups says.
    sets: IndexVec<SgSetIx, [BTreeSet<u16>; 2]>,
}

const fn at(protocol: Protocol) -> usize {
    (protocol.0 == Protocol::UDP.0) as usize
}

impl Ports {
    /// What divides the ports of a network whose interfaces have these signatures.
    #[must_use]
    pub fn of(network: &Network, signatures: &IndexVec<EniIx, Option<Signature>>) -> Self {
        let fabric = &network.fabric;
        let edges = |set, protocol| fabric.sg_sets[set].ports(protocol).flat_map(PortRange::edges);
        let sets = fabric.sg_sets.indices().map(|set| BOTH.map(|protocol| edges(set, protocol).collect())).collect();
        let between = sets_in_between(network, signatures);
        let services = fabric.services.iter().flat_map(|s| s.listeners.iter()).map(|l| (l.protocol, l.port));
        let hosts = fabric.internet_hosts.iter().flat_map(|host| host.listeners.iter().copied());
        let served: Vec<(Protocol, u16)> = services.chain(hosts).collect();
        let everywhere = BOTH.map(|protocol| {
            let acls = fabric.acls.iter().flat_map(|acl| acl.ports(protocol)).flat_map(PortRange::edges);
            let between = between.iter().flat_map(|set| edges(*set, protocol));
            let served = served.iter().filter(|(p, _)| *p == protocol);
            let served = served.flat_map(|(_, port)| PortRange::one(*port).edges());
            [0].into_iter().chain(acls).chain(between).chain(served).collect()
        });
        Self { everywhere, sets }
    }

    /// First ports of the stretches that packets between any two have; port 0 is among them.
    #[must_use]
    pub const fn everywhere(&self, protocol: Protocol) -> &BTreeSet<u16> {
        &self.everywhere[at(protocol)]
    }

    /// The same for what a set of groups says.
    #[must_use]
    pub fn of_set(&self, protocol: Protocol, set: SgSetIx) -> &BTreeSet<u16> {
        &self.sets[set][at(protocol)]
    }
}

/// Source ports that stand for all that senders use, by protocol and the sender's ephemeral ports.
pub struct Sources(BTreeMap<(Protocol, PortRange), Vec<Option<u16>>>);

impl Sources {
    /// Those of all senders of these networks: the first port of each stretch between two borders that ACLs have.
    #[must_use]
    pub fn of(networks: &[&Network]) -> Self {
        let guests = networks.iter().flat_map(|network| network.fabric.guests.iter());
        let ranges: BTreeSet<PortRange> = guests.map(|guest| guest.ephemeral).chain([EPHEMERAL]).collect();
        let acls = || networks.iter().flat_map(|network| network.fabric.acls.iter());
        let mut out = BTreeMap::new();
        for protocol in BOTH {
            let borders: BTreeSet<u16> =
                acls().flat_map(|acl| acl.ports(protocol)).flat_map(PortRange::edges).collect();
            for range in &ranges {
                let inside: Vec<u16> = borders.iter().copied().filter(|p| range.from < *p && *p <= range.to).collect();
                // If nothing divides the range any port will do.
                let ports = match inside.is_empty() {
                    true => vec![None],
                    false => [range.from].into_iter().chain(inside).map(Some).collect(),
                };
                out.insert((protocol, *range), ports);
            }
        }
        Self(out)
    }

    /// The source ports to ask from: one that is not chosen, if they are all alike.
    #[must_use]
    pub fn get(&self, protocol: Protocol, ephemeral: PortRange) -> &[Option<u16>] {
        self.0.get(&(protocol, ephemeral)).map_or(&[None], Vec::as_slice)
    }
}
