//! Who talks to whom: interfaces that no row can tell apart, described hosts, and stretches of the internet.
//!
//! Invariant: whatever is said of one member of a party holds for each of them, and of a pair of parties for each pair.
//! Not parties: addresses of the internet that belong to somebody in the network, and interfaces behind which nobody is.

use crate::analyse::borders::{Borders, Part};
use crate::analyse::class::{Addresses, addresses, classes, signatures};
use crate::analyse::ports::{Ports, Sources};
use crate::base::ids::{EniIx, InetIx};
use crate::base::{Cidr, IndexVec, Protocol};
use crate::compile::{ANY_HOST, Network};
use std::collections::BTreeSet;

/// Ends that are alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// Interfaces, ascending.
    Enis(Vec<EniIx>),
    /// A host at a site or on the internet, or a Client VPN's client, that is described.
    Host(InetIx),
    /// Addresses on the internet that nothing names apart.
    Internet {
        /// Which.
        part: Part,
        /// True if they are a service of AWS's.
        service: bool,
    },
}

impl Party {
    /// Ranges of addresses on the internet that it is made of.
    #[must_use]
    pub fn ranges(&self) -> usize {
        match self {
            Self::Internet { part, .. } => part.stretches.len(),
            _ => 0,
        }
    }
}

/// All parties of a network.
pub struct Parties<'a> {
    /// The network.
    pub network: &'a Network,
    /// In the order of their first members: interfaces, hosts, the internet from its lowest address on, IPv4 first.
    pub list: Vec<Party>,
    pub(super) addresses: IndexVec<EniIx, Addresses>,
    of_eni: IndexVec<EniIx, Option<u32>>,
    ports: Ports,
    pub(super) sources: Sources,
}

impl<'a> Parties<'a> {
    /// The parties of a network; none has members on both sides of the edge of one of these blocks.
    #[must_use]
    pub fn of(network: &'a Network, further: &[Cidr]) -> Self {
        let fabric = &network.fabric;
        let borders = Borders::with(&[network], further);
        let signatures = signatures(network, &borders);
        let mut list: Vec<Party> = classes(&signatures).into_iter().map(Party::Enis).collect();
        let mut of_eni: IndexVec<EniIx, Option<u32>> = fabric.enis.iter().map(|_| None).collect();
        for (n, party) in list.iter().enumerate() {
            let Party::Enis(members) = party else { continue };
            members.iter().for_each(|eni| of_eni[*eni] = u32::try_from(n).ok());
        }
        // The one that takes everything stands for the internet; AWS's services are not somebody.
        let hosts = network.names.internet_hosts.iter_enumerated().filter(|(_, label)| label.id != ANY_HOST.0);
        let hosts = hosts.filter(|(host, label)| label.span.is_some() || fabric.vantage_of(*host).is_some());
        list.extend(hosts.map(|(host, _)| Party::Host(host)));
        for part in borders.internet(&[network]) {
            let host = fabric.internet_host(part.address);
            let service = host.is_some_and(|host| network.names.internet_hosts[host].id != ANY_HOST.0);
            list.push(Party::Internet { part, service });
        }
        let (ports, sources) = (Ports::of(network, &signatures), Sources::of(&[network]));
        Self { network, addresses: addresses(network, &borders), list, of_eni, ports, sources }
    }

    /// The party of an interface, if it is an end of conversations.
    #[must_use]
    pub fn of_eni(&self, eni: EniIx) -> Option<usize> {
        self.of_eni.get(eni).copied().flatten().map(|n| n as usize)
    }

    /// First ports of the stretches in which all destination ports are alike for packets between two parties.
    #[must_use]
    pub fn port_stretches(&self, protocol: Protocol, from: &Party, to: &Party) -> BTreeSet<u16> {
        let mut out = self.ports.everywhere(protocol).clone();
        for party in [from, to] {
            if let Party::Enis(members) = party {
                out.extend(self.ports.of_set(protocol, self.network.fabric.enis[members[0]].sg_set));
            }
        }
        out
    }

    /// What a party is called: its members, or the part of the internet.
    #[must_use]
    pub fn text(&self, party: &Party) -> String {
        let network = self.network;
        match party {
            Party::Enis(members) => {
                let name = |eni: &EniIx| network.names.eni_text(&network.fabric, *eni);
                match members.as_slice() {
                    [one] => name(one),
                    [one, other] => format!("{}, {}", name(one), name(other)),
                    [one, rest @ ..] => format!("{} and {} like it", name(one), rest.len()),
                    [] => String::new(),
                }
            }
            Party::Host(host) => network.names.internet_hosts[*host].id.clone(),
            Party::Internet { part, .. } => part.to_string(),
        }
    }
}
