//! Who talks: interfaces that are alike in both networks, further addresses of interfaces that are not like the first ones,
//! described hosts, and the parts of the internet that something tells apart.
//!
//! An interface of the one network is that of the other if it has the same name; an address of it, if it is the same.

use crate::analyse::borders::{Borders, Part};
use crate::analyse::class::Signature;
use crate::base::IndexVec;
use crate::base::ids::{EniIx, InetIx};
use crate::compile::{ANY_HOST, Network};
use crate::explain::Origin;
use crate::fabric::Fabric;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Somebody who talks.
pub(super) struct Party {
    /// All that are alike.
    pub(super) names: Vec<String>,
    end: End,
}

/// An end of conversations, in the old network and in the new one.
enum End {
    /// Addresses on the internet that are alike; one of them.
    Internet(IpAddr),
    /// A host that is described.
    Host([Option<InetIx>; 2]),
    /// Interfaces that are alike; the first one of them, and the second one if there is one.
    Enis([[Option<At>; 2]; 2]),
}

/// An interface, and the address of each family that it uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct At {
    eni: EniIx,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

/// A further address in the old network and in the new one, and whether it is alike to the first one there.
type Further = [Option<(At, bool)>; 2];

impl At {
    fn address(&self, v6: bool) -> Option<IpAddr> {
        if v6 { self.v6.map(IpAddr::V6) } else { self.v4.map(IpAddr::V4) }
    }
}

/// Everybody, in the order of names; the internet last.
pub(super) fn parties(
    networks: &[&Network; 2],
    signatures: &[IndexVec<EniIx, Option<Signature>>; 2],
    borders: &Borders,
) -> Vec<Party> {
    let mut out = interfaces(networks, signatures);
    out.extend(further_addresses(networks, signatures, borders));
    out.sort_by(|a, b| a.names.cmp(&b.names));
    let mut hosts: BTreeMap<&str, [Option<InetIx>; 2]> = BTreeMap::new();
    for (n, network) in networks.iter().enumerate() {
        for (host, label) in network.names.internet_hosts.iter_enumerated().filter(|(_, l)| l.id != ANY_HOST.0) {
            // Those that are built in, and say nothing that another one would not.
            if label.span.is_some() || network.fabric.vantage_of(host).is_some() {
                hosts.entry(&label.id).or_default()[n] = Some(host);
            }
        }
    }
    out.extend(hosts.into_iter().map(|(name, pair)| Party { names: vec![name.to_owned()], end: End::Host(pair) }));
    let parts = borders.internet(networks).into_iter();
    let party =
        |part: Part| Party { names: vec![format!("{} ({part})", ANY_HOST.0)], end: End::Internet(part.address) };
    out.extend(parts.map(party));
    out
}

/// The interfaces with their first addresses, by classes of both networks.
fn interfaces(networks: &[&Network; 2], signatures: &[IndexVec<EniIx, Option<Signature>>; 2]) -> Vec<Party> {
    let mut enis: BTreeMap<&str, [Option<EniIx>; 2]> = BTreeMap::new();
    for (n, network) in networks.iter().enumerate() {
        let known = network.names.enis.iter_enumerated().filter(|(eni, _)| signatures[n][*eni].is_some());
        known.for_each(|(eni, label)| enis.entry(&label.id).or_default()[n] = Some(eni));
    }
    let mut classes: BTreeMap<[Option<&Signature>; 2], Vec<[Option<EniIx>; 2]>> = BTreeMap::new();
    for pair in enis.into_values() {
        let key = [0, 1].map(|n| pair[n].and_then(|eni| signatures[n][eni].as_ref()));
        classes.entry(key).or_default().push(pair);
    }
    let first = |n: usize, eni: EniIx| {
        let e = &networks[n].fabric.enis[eni];
        At { eni, v4: e.v4, v6: e.v6 }
    };
    let at = |pair: [Option<EniIx>; 2]| [0, 1].map(|n| pair[n].map(|eni| first(n, eni)));
    let party = |class: Vec<[Option<EniIx>; 2]>| {
        let second = class.get(1).copied().unwrap_or([None, None]);
        let names = class.iter().map(|pair| name(networks, pair)).collect();
        Party { names, end: End::Enis([at(class[0]), at(second)]) }
    };
    classes.into_values().map(party).collect()
}

fn name(networks: &[&Network; 2], pair: &[Option<EniIx>; 2]) -> String {
    match pair {
        [_, Some(eni)] => networks[1].names.eni_text(&networks[1].fabric, *eni),
        [Some(eni), None] => networks[0].names.eni_text(&networks[0].fabric, *eni),
        [None, None] => unreachable!("one of them has it"),
    }
}

/// Addresses of interfaces besides the first ones. One that both networks have, in the same stretch as the interface's first
/// address and without a public address, is alike to it.
fn further_addresses(
    networks: &[&Network; 2],
    signatures: &[IndexVec<EniIx, Option<Signature>>; 2],
    borders: &Borders,
) -> Vec<Party> {
    let mut found: BTreeMap<(&str, IpAddr), Further> = BTreeMap::new();
    for (n, network) in networks.iter().enumerate() {
        let fabric = &network.fabric;
        for (address, eni) in fabric.vpcs.iter().flat_map(|vpc| vpc.addresses.iter()) {
            let e = &fabric.enis[*eni];
            let (first, at, public) = match *address {
                IpAddr::V4(a) => {
                    let public = fabric.vpcs[e.vpc].public.contains_key(&a);
                    (e.v4.map(IpAddr::V4), At { eni: *eni, v4: Some(a), v6: None }, public)
                }
                IpAddr::V6(a) => (e.v6.map(IpAddr::V6), At { eni: *eni, v4: None, v6: Some(a) }, false),
            };
            if signatures[n][*eni].is_some() && first != Some(*address) {
                let alike = !public && first.is_some_and(|first| borders.kind(first) == borders.kind(*address));
                found.entry((&network.names.enis[*eni].id, *address)).or_default()[n] = Some((at, alike));
            }
        }
    }
    let unlike = |pair: &Further| !matches!(pair, [Some((_, true)), Some((_, true))]);
    let party = |((_, address), pair): ((&str, IpAddr), Further)| {
        let at = pair.map(|one| one.map(|(at, _)| at));
        let name = name(networks, &at.map(|at| at.map(|at| at.eni)));
        Party { names: vec![format!("{name} ({address})")], end: End::Enis([at, [None, None]]) }
    };
    found.into_iter().filter(|(_, pair)| unlike(pair)).map(party).collect()
}

impl Party {
    /// True if it is one of these interfaces, in the old network or in the new one; or alike to one.
    pub(super) fn has_one_of(&self, enis: &[BTreeSet<EniIx>; 2]) -> bool {
        match &self.end {
            End::Enis([first, _]) => (0..2).any(|n| first[n].is_some_and(|at| enis[n].contains(&at.eni))),
            End::Internet(_) | End::Host(_) => false,
        }
    }

    /// True for a part of the internet.
    pub(super) const fn is_internet(&self) -> bool {
        matches!(self.end, End::Internet(_))
    }

    /// True for a part of the internet of this family.
    pub(super) const fn is_internet_of(&self, v6: bool) -> bool {
        matches!(self.end, End::Internet(address) if address.is_ipv6() == v6)
    }

    /// True if it is no interface.
    const fn is_outside(&self) -> bool {
        !matches!(self.end, End::Enis(_))
    }

    /// Which of those that are alike send and receive: the first ones, but nobody asks itself. None if there are not two.
    pub(super) fn pair(&self, to: &Self) -> Option<(bool, bool)> {
        let (End::Enis([a, other_a]), End::Enis([b, other_b])) = (&self.end, &to.end) else {
            return (!self.is_outside() || !to.is_outside()).then_some((false, false));
        };
        let same = (0..2).any(|n| matches!((a[n], b[n]), (Some(a), Some(b)) if a.eni == b.eni));
        match () {
            () if !same => Some((false, false)),
            () if *other_b != [None, None] => Some((false, true)),
            () if *other_a != [None, None] => Some((true, false)),
            () => None,
        }
    }

    /// It sends, in network `n`; the second one of those that are alike if `second`.
    pub(super) fn origin(&self, fabric: &Fabric, n: usize, second: bool, v6: bool) -> Option<Origin> {
        match &self.end {
            End::Internet(address) => (address.is_ipv6() == v6).then_some(Origin::Internet { address: *address }),
            End::Host(pair) => {
                let host = pair[n]?;
                let address = *fabric.internet_hosts[host].addresses.iter().find(|a| a.is_ipv6() == v6)?;
                match fabric.vantage_of(host) {
                    Some(_) => Some(Origin::Site { host, address }),
                    None => Some(Origin::Internet { address }),
                }
            }
            End::Enis(both) => {
                let at = both[usize::from(second)][n].filter(|at| fabric.enis[at.eni].guest().is_some())?;
                Some(Origin::Eni { eni: at.eni, address: at.address(v6)? })
            }
        }
    }

    /// The address at which it is reached, by somebody on the internet if `public`. The second one of those that are alike
    /// if `second`.
    pub(super) fn target(&self, fabric: &Fabric, n: usize, second: bool, public: bool, v6: bool) -> Option<IpAddr> {
        match &self.end {
            End::Internet(address) => (address.is_ipv6() == v6).then_some(*address),
            End::Host(pair) => fabric.internet_hosts[pair[n]?].addresses.iter().find(|a| a.is_ipv6() == v6).copied(),
            End::Enis(both) => {
                let at = both[usize::from(second)][n]?;
                if !public || v6 {
                    return at.address(v6);
                }
                fabric.vpcs[fabric.enis[at.eni].vpc].public.get(&at.v4?).map(|a| IpAddr::V4(*a))
            }
        }
    }
}

/// The names of those that are parts of the internet.
pub(super) fn internet_names(parties: &[Party]) -> BTreeSet<&str> {
    parties.iter().filter(|party| party.is_internet()).flat_map(|party| &party.names).map(String::as_str).collect()
}
