//! Interfaces that no row can tell apart, so that one of them speaks for all.
//!
//! Two interfaces are alike if they have the same subnet, groups and guest, and every block that a rule, a row or a
//! route anywhere names holds both of their addresses or neither. An interface that is something by itself (it forwards,
//! or a route, a service or a tunnel names it) is alike to none. Only packets are looked at, so a difference in latency
//! does not count.
//!
//! Invariant: the answers of two questions that differ only in alike interfaces differ only in these. What AWS chooses
//! by a flow's hash may fall otherwise; the alternatives of an answer list all of it.

use crate::base::ids::{EniIx, SgSetIx, SubnetIx};
use crate::base::index::Index;
use crate::base::{Cidr, IndexVec, PortRange, Protocol};
use crate::compile::Network;
use crate::fabric::{AclRow, Address, EniKind, Fib, Forwarding, PeerMatch, SgRow, Target, TgwAttachKind};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Where blocks begin and end: between two borders all addresses are alike.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Borders {
    v4: Vec<u32>,
    v6: Vec<u128>,
}

impl Borders {
    /// The borders of everything that these networks name.
    #[must_use]
    pub fn of(networks: &[&Network]) -> Self {
        let (mut v4, mut v6) = (BTreeSet::new(), BTreeSet::new());
        for network in networks {
            blocks(network, &mut |block: Cidr| {
                if let (Some(first), Some(last)) = (u32::of(block.network()), u32::of(block.last())) {
                    v4.extend([Some(first), last.checked_add(1)].into_iter().flatten());
                } else if let (Some(first), Some(last)) = (u128::of(block.network()), u128::of(block.last())) {
                    v6.extend([Some(first), last.checked_add(1)].into_iter().flatten());
                }
            });
        }
        Self { v4: v4.into_iter().collect(), v6: v6.into_iter().collect() }
    }

    /// Which stretch between two borders an address is in.
    #[must_use]
    pub fn stretch(&self, address: IpAddr) -> usize {
        match address {
            IpAddr::V4(a) => self.v4.partition_point(|border| *border <= u32::from(a)),
            IpAddr::V6(a) => self.v6.partition_point(|border| *border <= u128::from(a)),
        }
    }
}

fn block_of<A: Address>(net: A, mask: A, len: impl Fn(A) -> u8, to: impl Fn(A) -> IpAddr) -> Option<Cidr> {
    Cidr::new(to(net), len(mask))
}

/// Every block that something in the network names.
fn blocks(network: &Network, out: &mut impl FnMut(Cidr)) {
    let fabric = &network.fabric;
    let v4 = |net: u32, mask: u32| block_of(net, mask, |m| m.leading_ones() as u8, |a| IpAddr::V4(a.into()));
    let v6 = |net: u128, mask: u128| block_of(net, mask, |m| m.leading_ones() as u8, |a| IpAddr::V6(a.into()));
    fabric.vpcs.iter().flat_map(|vpc| vpc.blocks.iter()).for_each(|block| out(*block));
    fabric.subnets.iter().flat_map(|subnet| [subnet.v4, subnet.v6]).flatten().for_each(&mut *out);
    fabric.rtbs.iter().flat_map(|table| table.routes.iter()).for_each(|route| out(route.to));
    fabric.tgw_rtbs.iter().flat_map(|table| table.routes.iter()).for_each(|route| out(route.to));
    for acl in fabric.acls.iter() {
        for table in [&acl.inbound, &acl.outbound] {
            table.v4.iter().filter_map(|row| v4(row.net, row.mask)).for_each(&mut *out);
            table.v6.iter().filter_map(|row| v6(row.net, row.mask)).for_each(&mut *out);
        }
    }
    for table in fabric.sg_sets.iter().flat_map(|set| [&set.inbound, &set.outbound]) {
        for row in table.v4.iter() {
            if let PeerMatch::Block { net, mask } = row.peer {
                v4(net, mask).into_iter().for_each(&mut *out);
            }
        }
        for row in table.v6.iter() {
            if let PeerMatch::Block { net, mask } = row.peer {
                v6(net, mask).into_iter().for_each(&mut *out);
            }
        }
    }
    network.spec.prefix_lists.values().flat_map(|list| &list.entries).for_each(|block| out(block.value));
    let fibs = fabric.routers.iter().map(|r| &r.fib).chain(fabric.vgws.iter().map(|v| &v.fib));
    let fibs = fibs.chain(fabric.publics.iter().map(|p| &p.fib));
    let views = fabric.dxgws.iter().flat_map(|d| d.views.iter().map(|(_, fib)| fib).chain([&d.fib]));
    fibs.chain(views).flat_map(|fib: &Fib| fib.routes.iter()).for_each(|route| out(route.to));
    for cvpn in fabric.cvpns.iter() {
        out(cvpn.client_cidr);
        cvpn.pushed.iter().flatten().for_each(|block| out(*block));
        cvpn.rules.iter().for_each(|rule| out(rule.to));
        cvpn.targets.iter().flat_map(|target| target.routes.iter()).for_each(|route| out(route.to));
    }
}

/// What decides about an interface's packets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Signature {
    subnet: SubnetIx,
    sg_set: SgSetIx,
    source_dest_check: bool,
    /// The stretches of its private addresses and of the public one.
    stretches: [Option<usize>; 3],
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

/// The signature of every interface that conversations begin or end at: those of guests, and of interface endpoints.
#[must_use]
pub fn signatures(network: &Network, borders: &Borders) -> IndexVec<EniIx, Option<Signature>> {
    let fabric = &network.fabric;
    let special = special(network);
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
            EniKind::Vpce(_) => (none, true),
            _ => return None,
        };
        let public = e.v4.and_then(|private| fabric.vpcs[e.vpc].public.get(&private).copied());
        let addresses = [e.v4.map(IpAddr::V4), e.v6.map(IpAddr::V6), public.map(IpAddr::V4)];
        Some(Signature {
            subnet: e.subnet,
            sg_set: e.sg_set,
            source_dest_check: e.source_dest_check,
            stretches: addresses.map(|address| address.map(|a| borders.stretch(a))),
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

/// First ports of stretches in which all ports are alike for what groups and ACLs of the network say of a protocol. Port
/// 0 is among them.
#[must_use]
pub fn port_borders(network: &Network, protocol: Protocol) -> BTreeSet<u16> {
    let mut out = BTreeSet::from([0]);
    let mut add = |of: u16, low: u16, high: u16| {
        if of == u16::from(protocol.0) {
            out.extend([Some(low), high.checked_add(1)].into_iter().flatten());
        }
    };
    for acl in network.fabric.acls.iter() {
        for table in [&acl.inbound, &acl.outbound] {
            table.v4.iter().for_each(|AclRow { protocol, low, high, .. }| add(*protocol, *low, *high));
            table.v6.iter().for_each(|AclRow { protocol, low, high, .. }| add(*protocol, *low, *high));
        }
    }
    for table in network.fabric.sg_sets.iter().flat_map(|set| [&set.inbound, &set.outbound]) {
        table.v4.iter().for_each(|SgRow { protocol, low, high, .. }| add(*protocol, *low, *high));
        table.v6.iter().for_each(|SgRow { protocol, low, high, .. }| add(*protocol, *low, *high));
    }
    out
}

/// Source ports that stand for all of `range`: the first of each stretch between two borders that ACLs have for replies.
/// None if nothing divides the range, so that any port will do.
#[must_use]
pub fn source_ports(networks: &[&Network], protocol: Protocol, range: PortRange) -> Vec<u16> {
    let mut borders = BTreeSet::new();
    for network in networks {
        for acl in network.fabric.acls.iter() {
            for table in [&acl.inbound, &acl.outbound] {
                let rows = table.v4.iter().map(|r| (r.protocol, r.low, r.high));
                let rows = rows.chain(table.v6.iter().map(|r| (r.protocol, r.low, r.high)));
                for (_, low, high) in rows.filter(|(p, ..)| *p == u16::from(protocol.0)) {
                    borders.extend([Some(low), high.checked_add(1)].into_iter().flatten());
                }
            }
        }
    }
    borders.retain(|port| range.from < *port && *port <= range.to);
    if borders.is_empty() { Vec::new() } else { [range.from].into_iter().chain(borders).collect() }
}
