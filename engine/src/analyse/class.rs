//! Interfaces that no row can tell apart, so that one of them speaks for all.
//!
//! Two interfaces are alike if they have the same subnet, groups and guest, and every block that a rule, a row or a
//! route anywhere names holds addresses of both or of neither, secondary ones and delegated prefixes among them. An
//! interface that is something by itself (it forwards, or a route, a service or a tunnel names it) is alike to none. Only packets are looked at, so a difference in latency
//! does not count.
//!
//! Invariant: the answers of two questions that differ only in alike interfaces differ only in these. What AWS chooses
//! by a flow's hash may fall otherwise; the alternatives of an answer list all of it.

use super::borders::Borders;
use crate::base::IndexVec;
use crate::base::ids::{EniIx, SgSetIx, SubnetIx, VpcIx};
use crate::base::index::Index;
use crate::compile::Network;
use crate::fabric::{EniKind, Fabric, Forwarding, Target, TgwAttachKind};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// The addresses of an interface that something tells apart: one of each kind, the primary ones before others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Addresses {
    /// Private IPv4 and IPv6 addresses.
    pub private: Vec<IpAddr>,
    /// The public addresses of these.
    pub public: Vec<Ipv4Addr>,
}

/// The addresses of every interface.
#[must_use]
pub fn addresses(network: &Network, borders: &Borders) -> IndexVec<EniIx, Addresses> {
    let fabric = &network.fabric;
    let mut all: Vec<Vec<IpAddr>> = vec![Vec::new(); fabric.enis.len()];
    for vpc in fabric.vpcs.iter() {
        vpc.addresses.iter().for_each(|(address, eni)| all[eni.to_usize()].push(*address));
        for (first, last, eni) in vpc.prefixes_v4.iter() {
            all[eni.to_usize()].extend(borders.between(IpAddr::V4(first.into()), IpAddr::V4(last.into())));
        }
        for (first, last, eni) in vpc.prefixes_v6.iter() {
            all[eni.to_usize()].extend(borders.between(IpAddr::V6(first.into()), IpAddr::V6(last.into())));
        }
    }
    let mut of = |(eni, e): (EniIx, &crate::fabric::Eni)| {
        let mut own = std::mem::take(&mut all[eni.to_usize()]);
        let primary = |a: &IpAddr| e.v4.is_some_and(|v4| *a == v4) || e.v6.is_some_and(|v6| *a == v6);
        own.sort_by_key(|a| (!primary(a), *a));
        let mut seen = BTreeSet::new();
        own.retain(|a| seen.insert(address_signature(fabric, e.vpc, borders, *a)));
        let public = own.iter().filter_map(|a| public_of(fabric, e.vpc, *a)).collect();
        Addresses { private: own, public }
    };
    fabric.enis.iter_enumerated().map(&mut of).collect()
}

fn public_of(fabric: &Fabric, vpc: VpcIx, address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(private) => fabric.vpcs[vpc].public.get(&private).copied(),
        IpAddr::V6(_) => None,
    }
}

/// IPv4 or not, its kind, and the one of its public address.
type AddressSignature = (bool, usize, Option<usize>);

fn address_signature(fabric: &Fabric, vpc: VpcIx, borders: &Borders, address: IpAddr) -> AddressSignature {
    let public = public_of(fabric, vpc, address).map(|public| borders.kind(IpAddr::V4(public)));
    (address.is_ipv4(), borders.kind(address), public)
}

/// What decides about an interface's packets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Signature {
    subnet: SubnetIx,
    sg_set: SgSetIx,
    source_dest_check: bool,
    /// Of its addresses, ascending.
    addresses: Vec<AddressSignature>,
    guest: GuestSignature,
    /// Set for an interface that is alike to none.
    alone: Option<EniIx>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct GuestSignature {
    running: bool,
    answers_ping: bool,
    ephemeral: (u16, u16),
    listeners: Option<Vec<(u8, u16)>>,
}

/// The signature of every interface that conversations begin or end at: those of guests, of interface endpoints, and of what
/// is not modelled.
#[must_use]
pub fn signatures(network: &Network, borders: &Borders) -> IndexVec<EniIx, Option<Signature>> {
    let fabric = &network.fabric;
    let special = special(network);
    let addresses = addresses(network, borders);
    let signature = |(eni, e): (EniIx, &crate::fabric::Eni)| {
        let none = GuestSignature { running: true, answers_ping: false, ephemeral: (0, 0), listeners: None };
        let (guest, alone) = match e.kind {
            EniKind::Guest(guest) => {
                let g = &fabric.guests[guest];
                let listeners = g.listeners.as_ref().map(|l| l.iter().map(|(p, port)| (p.0, *port)).collect());
                let ephemeral = (g.ephemeral.from, g.ephemeral.to);
                let alone = g.enis.len() > 1 || matches!(g.forwarding, Forwarding::On { .. });
                (GuestSignature { running: g.running, answers_ping: g.answers_ping, ephemeral, listeners }, alone)
            }
            EniKind::Vpce(_) | EniKind::NotModelled(_) => (none, true),
            _ => return None,
        };
        let own = addresses[eni].private.iter();
        let mut addresses: Vec<AddressSignature> = own.map(|a| address_signature(fabric, e.vpc, borders, *a)).collect();
        addresses.sort_unstable();
        Some(Signature {
            subnet: e.subnet,
            sg_set: e.sg_set,
            source_dest_check: e.source_dest_check,
            addresses,
            guest,
            alone: (alone || special.contains(&eni)).then_some(eni),
        })
    };
    fabric.enis.iter_enumerated().map(signature).collect()
}

/// Interfaces that something names.
fn special(network: &Network) -> BTreeSet<EniIx> {
    let fabric = &network.fabric;
    let mut out = BTreeSet::new();
    let routes = fabric.rtbs.iter().flat_map(|table| table.routes.iter());
    out.extend(routes.filter_map(|route| match route.target {
        Target::Eni(eni) => Some(eni),
        _ => None,
    }));
    let targets = fabric.services.iter().flat_map(|s| s.listeners.iter()).flat_map(|l| l.targets.iter());
    out.extend(targets.map(|(eni, _)| *eni));
    for attach in fabric.tgw_attaches.iter() {
        if let TgwAttachKind::Connect { tunnels, .. } = &attach.kind {
            out.extend(tunnels.iter().filter_map(|t| t.bgp.as_ref().map(|bgp| bgp.eni)));
        }
    }
    out.extend(fabric.mcasts.iter().flat_map(|m| m.members.iter().chain(m.sources.iter())).map(|(_, eni)| *eni));
    out
}

/// Interfaces that are alike, ascending; classes in the order of their first members.
#[must_use]
pub fn classes(signatures: &IndexVec<EniIx, Option<Signature>>) -> Vec<Vec<EniIx>> {
    let mut all: Vec<(&Signature, EniIx)> =
        signatures.iter_enumerated().filter_map(|(eni, s)| Some((s.as_ref()?, eni))).collect();
    all.sort();
    let mut out: Vec<Vec<EniIx>> =
        all.chunk_by(|a, b| a.0 == b.0).map(|class| class.iter().map(|(_, eni)| *eni).collect()).collect();
    out.sort_by_key(|class| class[0].to_usize());
    out
}

/// The sets of groups of interfaces that packets between two others may pass.
#[must_use]
pub fn sets_in_between(network: &Network, signatures: &IndexVec<EniIx, Option<Signature>>) -> BTreeSet<SgSetIx> {
    let enis = network.fabric.enis.iter_enumerated();
    let between = enis.filter(|(eni, _)| signatures[*eni].as_ref().is_none_or(|s| s.alone.is_some()));
    between.map(|(_, eni)| eni.sg_set).collect()
}
