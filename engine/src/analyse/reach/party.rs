//! Who talks to whom: interfaces that no row can tell apart, described hosts, and stretches of the internet.
//!
//! Invariant: whatever is said of one member of a party holds for each of them, and of a pair of parties for each pair.
//! Not parties: addresses of the internet that belong to somebody in the network, and interfaces behind which nobody is.

use crate::analyse::borders::{Borders, Stretch};
use crate::analyse::class::{Addresses, addresses, classes, port_borders, sets_in_between, signatures};
use crate::base::ids::{EniIx, InetIx, SgSetIx};
use crate::base::{Cidr, IndexVec, Protocol};
use crate::compile::{ANY_HOST, Network};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Addresses of a stretch that are looked at for one that is nobody's here.
const ADDRESSES_MAX: u32 = 65_536;
/// Ranges of addresses that a text names.
const SHOWN_MAX: usize = 3;

/// Ends that are alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// Interfaces, ascending.
    Enis(Vec<EniIx>),
    /// A host at a site or on the internet, or a Client VPN's client, that is described.
    Host(InetIx),
    /// Addresses on the internet that nothing names apart.
    Internet {
        /// Where they are, ascending.
        stretches: Vec<Stretch>,
        /// The one that speaks for them.
        address: IpAddr,
        /// True if they are a service of AWS's.
        service: bool,
    },
}

impl Party {
    /// How many ends it stands for; a stretch of the internet counts as one.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Enis(members) => members.len(),
            Self::Host(_) | Self::Internet { .. } => 1,
        }
    }
    /// Ranges of addresses on the internet that it is made of.
    #[must_use]
    pub fn ranges(&self) -> usize {
        match self {
            Self::Internet { stretches, .. } => stretches.len(),
            _ => 0,
        }
    }
    /// Never: a party has a member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
    /// First ports of stretches that every pair has, TCP and UDP.
    everywhere: [Vec<u16>; 2],
    /// The same for what a set of groups says.
    of_set: BTreeMap<SgSetIx, [Vec<u16>; 2]>,
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
        for stretches in borders.public_kinds() {
            if let Some(address) = speaker(network, &stretches) {
                let service = fabric
                    .internet_host(address)
                    .is_some_and(|host| network.names.internet_hosts[host].id != ANY_HOST.0);
                list.push(Party::Internet { stretches, address, service });
            }
        }
        let between = sets_in_between(network, &signatures);
        let sets: BTreeSet<SgSetIx> = fabric.enis.iter().map(|eni| eni.sg_set).collect();
        let ports = |protocol, sets: &BTreeSet<SgSetIx>| -> Vec<u16> {
            port_borders(network, protocol, sets.iter().copied()).into_iter().collect()
        };
        // Services and hosts outside may say nothing on ports that they do not serve.
        let services =
            fabric.services.iter().flat_map(|service| service.listeners.iter()).map(|l| (l.protocol, l.port));
        let hosts = fabric.internet_hosts.iter().flat_map(|host| host.listeners.iter().copied());
        let served: Vec<(Protocol, u16)> = services.chain(hosts).collect();
        let everywhere = [Protocol::TCP, Protocol::UDP].map(|protocol| {
            let served = served.iter().filter(|(p, _)| *p == protocol);
            let served = served.flat_map(|(_, port)| [Some(*port), port.checked_add(1)]).flatten();
            let all: BTreeSet<u16> = ports(protocol, &between).into_iter().chain(served).collect();
            all.into_iter().collect()
        });
        let group_ports =
            |set: SgSetIx| [Protocol::TCP, Protocol::UDP].map(|protocol| set_borders(network, protocol, set));
        let of_set = sets.into_iter().map(|set| (set, group_ports(set))).collect();
        Self { network, addresses: addresses(network, &borders), list, of_eni, everywhere, of_set }
    }

    /// The party of an interface, if it is an end of conversations.
    #[must_use]
    pub fn of_eni(&self, eni: EniIx) -> Option<usize> {
        self.of_eni.get(eni).copied().flatten().map(|n| n as usize)
    }

    /// First ports of the stretches in which all destination ports are alike for packets between two parties.
    #[must_use]
    pub fn port_stretches(&self, protocol: Protocol, from: &Party, to: &Party) -> Vec<u16> {
        let n = usize::from(protocol == Protocol::UDP);
        let mut out = self.everywhere[n].clone();
        for party in [from, to] {
            if let Party::Enis(members) = party {
                out.extend(&self.of_set[&self.network.fabric.enis[members[0]].sg_set][n]);
            }
        }
        out.sort_unstable();
        out.dedup();
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
            Party::Internet { stretches, .. } => {
                let shown: Vec<String> = stretches.iter().take(SHOWN_MAX).map(|s| range_text(*s)).collect();
                match stretches.len().saturating_sub(SHOWN_MAX) {
                    0 => shown.join(", "),
                    more => format!("{} and {more} more ranges", shown.join(", ")),
                }
            }
        }
    }
}

/// A range of addresses as a block, if it is one.
fn range_text((first, last): Stretch) -> String {
    let bits = if first.is_ipv4() { 32 } else { 128 };
    let block = (0..=bits)
        .filter_map(|len| Cidr::new(first, len))
        .find(|block| (block.network(), block.last()) == (first, last));
    match block {
        Some(_) if first == last => first.to_string(),
        Some(block) => block.to_string(),
        None => format!("{first}-{last}"),
    }
}

/// What one set of groups says of ports.
fn set_borders(network: &Network, protocol: Protocol, set: SgSetIx) -> Vec<u16> {
    let mut out = BTreeSet::new();
    let set = &network.fabric.sg_sets[set];
    for table in [&set.inbound, &set.outbound] {
        let rows = table.v4.iter().map(|r| (r.protocol, r.low, r.high));
        for (of, low, high) in rows.chain(table.v6.iter().map(|r| (r.protocol, r.low, r.high))) {
            if of == u16::from(protocol.0) {
                out.extend([Some(low), high.checked_add(1)].into_iter().flatten());
            }
        }
    }
    out.into_iter().collect()
}

/// The address that speaks for a part of the internet: the one that takes everything, or the first one that is nobody's.
fn speaker(network: &Network, stretches: &[Stretch]) -> Option<IpAddr> {
    let fabric = &network.fabric;
    let first = stretches.first()?.0;
    let any: IpAddr = ANY_HOST.1[usize::from(first.is_ipv6())].parse().expect("an address");
    if stretches.iter().any(|(first, last)| *first <= any && any <= *last) {
        return Some(any);
    }
    // A described host speaks for itself; what is in a VPC's block is not on the internet.
    let nobody = |a: &IpAddr| {
        let inside = fabric.vpcs.iter().any(|vpc| vpc.contains(*a));
        !inside && !fabric.is_ours(*a) && !fabric.internet_by_address.contains_key(a)
    };
    stretches.iter().find_map(|stretch| addresses_of(*stretch).find(nobody))
}

/// The first addresses of a stretch.
fn addresses_of((first, last): Stretch) -> impl Iterator<Item = IpAddr> {
    let nth = move |n: u32| match first {
        IpAddr::V4(a) => u32::from(a).checked_add(n).map(|a| IpAddr::V4(a.into())),
        IpAddr::V6(a) => u128::from(a).checked_add(n.into()).map(|a| IpAddr::V6(a.into())),
    };
    (0..ADDRESSES_MAX).map_while(nth).take_while(move |address| *address <= last)
}
