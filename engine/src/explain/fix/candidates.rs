//! From a row that blocks to changes that might help. Whether one does is for the replay to say.

use super::Situation;
use super::edit::{Edit, made};
use super::route;
use crate::base::Cidr;
use crate::base::ids::{AclIx, EniIx, TgwAttachIx};
use crate::base::port::{PortRange, ProtocolMatch};
use crate::explain::{Blocker, Part};
use crate::fabric::{EniKind, PublicBinding, PublicOwner, TgwAttachKind};
use crate::spec::{AclAction, AclRule, BpaExclusionMode, Peer, PeeringState, SgRule};
use crate::verdict::{Dir, RowKind, Stage};
use crate::wire::{Headers, L4};
use std::net::IpAddr;

/// Ports that clients answer from, whatever their system: what AWS advises for network ACLs (GST-4).
const EPHEMERAL: PortRange = PortRange { from: 1024, to: 65_535 };
/// Highest number of an ACL's row, and the distance that people leave between two.
const ACL_RULE_MAX: u32 = 32_766;
const ACL_RULE_STEP: u32 = 10;

/// Changes that might take `blocker` out of the way, the likeliest first.
pub(super) fn candidates(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    use RowKind as K;
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let step = &blocker.step;
    let row = fabric.rows[step.decision.by];
    match (row.kind, step.stage) {
        (K::AclRule | K::AclLast, Stage::AclIn(_) | Stage::AclOut(_)) => {
            acl_rule(at, blocker, AclIx(row.owner), row.dir).into_iter().collect()
        }
        (K::SgLast, Stage::SgIn(eni) | Stage::SgOut(eni)) => sg_rules(at, blocker, eni, row.dir),
        (K::SourceCheck | K::DestCheck, Stage::SourceCheck(eni) | Stage::DestCheck(eni)) => {
            let mut out = vec![Edit::SourceDestCheckOff { interface: names.enis[eni].id.clone() }];
            out.extend(route::around(at, blocker));
            out
        }
        (K::GuestDown, _) => match fabric.enis[EniIx(row.owner)].guest() {
            Some(guest) => vec![Edit::Start { instance: names.guests[guest].id.clone() }],
            None => Vec::new(),
        },
        (K::ServiceDnsOff, _) => vec![Edit::DnsSupport { vpc: names.row_resource_id(fabric, step.decision.by).into() }],
        (K::IgwNoPublicAddress | K::EdgeTarget, _) => {
            let mut out: Vec<Edit> = public_address(at, &step.before).into_iter().collect();
            out.extend(route::around(at, blocker));
            out
        }
        (K::RouteBlackhole, Stage::Route(_)) => {
            let mut out = revive(at, blocker);
            out.extend(route::around(at, blocker));
            out
        }
        (K::BlockPublicAccess, _) => exclusions(at, blocker),
        (K::TgwNoAssociation, _) => {
            let attachment = TgwAttachIx(row.owner);
            let tgw = fabric.tgw_attaches[attachment].tgw;
            let tables = fabric.tgw_rtbs.iter_enumerated().filter(|(_, table)| table.tgw == tgw);
            let id = &names.tgw_attaches[attachment].id;
            tables
                .map(|(t, _)| Edit::TgwAssociation { table: names.tgw_rtbs[t].id.clone(), attachment: id.clone() })
                .collect()
        }
        (K::TgwNoAz, _) => attachment_subnets(at, blocker, TgwAttachIx(row.owner)),
        (K::TgwRouteNone | K::TgwRouteBlackhole, _) => route::of_tgw(at, blocker),
        (K::AddressNone, _) => {
            let mut out = route::of_overlap(at, blocker);
            out.extend(route::around(at, blocker));
            out
        }
        (K::GuestNoState, _) => appliance_mode(at, blocker),
        // What stands downstream of a route that leads there may be avoided by another route.
        (
            K::RouteNone
            | K::PcxTransit
            | K::IgwPrivateDestination
            | K::IgwSharedDestination
            | K::NatUnsolicited
            | K::NatProtocol
            | K::NatNoGateway
            | K::TtlNat
            | K::TtlGuest
            | K::TtlTgw
            | K::Loop
            | K::GuestForwardOff
            | K::VpceFromOutside
            | K::VpceState
            | K::VpceProtocol
            | K::TgwState
            | K::VgwRouteNone
            | K::VgwNoVpc
            | K::EigwUnsolicited,
            _,
        ) => route::around(at, blocker),
        _ => Vec::new(),
    }
}

/// The packet as a rule's protocol, ports and ICMP type. A reply goes to some ephemeral port.
fn shape(headers: &Headers, part: Part) -> (ProtocolMatch, Option<PortRange>, Option<i16>) {
    let protocol = ProtocolMatch::One(headers.protocol);
    match headers.l4 {
        L4::Tcp(_) | L4::Udp(_) => {
            let port = headers.ports().1;
            let ephemeral = part == Part::Reply && EPHEMERAL.contains(port);
            (protocol, Some(if ephemeral { EPHEMERAL } else { PortRange::one(port) }), None)
        }
        L4::Icmp(icmp) => (protocol, None, Some(i16::from(icmp.kind))),
        L4::None => (protocol, None, None),
    }
}

/// The block that `address` stands for in a row of an ACL: its subnet's, its own on the internet or at a site.
fn block_of(at: &Situation<'_>, address: IpAddr) -> Cidr {
    let fabric = &at.network.fabric;
    let holders = fabric.vpcs.iter().filter_map(|vpc| {
        let subnet = &fabric.subnets[vpc.subnet_with(address)?];
        let block = if address.is_ipv4() { subnet.v4 } else { subnet.v6 };
        block.filter(|block| block.contains(address))
    });
    let mut blocks: Vec<Cidr> = holders.collect();
    blocks.dedup();
    match (blocks.as_slice(), at.any_host(address)) {
        ([block], _) => *block,
        (_, true) if address.is_ipv4() => Cidr::ALL_V4,
        (_, true) => Cidr::ALL_V6,
        _ => Cidr::host(address),
    }
}

/// A row that allows the packet, in front of the row that denies it.
fn acl_rule(at: &Situation<'_>, blocker: &Blocker, acl: AclIx, dir: Dir) -> Option<Edit> {
    let names = &at.network.names;
    let name = &names.acls[acl].id;
    let h = &blocker.step.before;
    let far = block_of(at, if dir == Dir::In { h.src } else { h.dst });
    let (protocol, ports, icmp) = shape(h, blocker.part);
    let written = at.spec.network_acls.get(name.as_str())?;
    let rows = if dir == Dir::In { &written.inbound } else { &written.outbound };
    let mut taken: Vec<u32> = rows.iter().flatten().map(|row| row.rule.value).collect();
    taken.sort_unstable();
    let denies: Option<u32> = names.rows.get(blocker.step.decision.by).and_then(|row| row.name.parse().ok());
    let (from, to) = if dir == Dir::In { (made(far), None) } else { (None, made(far)) };
    let icmp_code = icmp.map(|_| -1);
    let rule = free_number(&taken, denies)?.into();
    let action = AclAction::Allow;
    let rule = AclRule { rule, action, protocol: Some(protocol), ports, icmp_type: icmp, icmp_code, from, to };
    Some(Edit::AclRule { acl: name.clone(), dir, rule })
}

/// A number that no row has: behind all of them, or in front of the row that denies.
fn free_number(taken: &[u32], denies: Option<u32>) -> Option<u32> {
    let Some(before) = denies else {
        let last = taken.last().copied().unwrap_or(90);
        let round = (last / ACL_RULE_STEP + 1) * ACL_RULE_STEP;
        return Some(round)
            .filter(|n| *n <= ACL_RULE_MAX)
            .or_else(|| (1..=ACL_RULE_MAX).rev().find(|n| taken.binary_search(n).is_err()));
    };
    // Half way between the row in front and the one that denies; else the nearest free number in front.
    let below = taken.iter().rev().find(|n| **n < before).copied().unwrap_or(0);
    let middle = below + (before - below) / 2;
    let round = middle / ACL_RULE_STEP * ACL_RULE_STEP;
    let fits = |n: &u32| *n > below && *n < before;
    [round, middle].into_iter().find(fits).or_else(|| (1..before).rev().find(|n| taken.binary_search(n).is_err()))
}

/// A rule that allows the packet: for its sender's group if that means nobody else, else for its address.
fn sg_rules(at: &Situation<'_>, blocker: &Blocker, eni: EniIx, dir: Dir) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let members = |group| fabric.enis.iter().filter(|e| fabric.sg_sets[e.sg_set].groups.contains(&group)).count();
    let groups = &fabric.sg_sets[fabric.enis[eni].sg_set].groups;
    let Some(group) = groups.iter().copied().min_by_key(|group| (members(*group), *group)) else { return Vec::new() };
    let h = &blocker.step.before;
    let address = if dir == Dir::In { h.src } else { h.dst };
    let (protocol, ports, icmp) = shape(h, blocker.part);
    let rule = |peer: Peer| {
        let (from, to) = if dir == Dir::In { (made(peer), None) } else { (None, made(peer)) };
        let (protocol, icmp_code) = (Some(protocol), icmp.map(|_| -1));
        let rule = SgRule { protocol, ports, icmp_type: icmp, icmp_code, from, to, id: None, description: None };
        Edit::SgRule { group: names.sgs[group].id.clone(), dir, rule }
    };
    let block = match at.any_host(address) {
        true if address.is_ipv4() => Cidr::ALL_V4,
        true => Cidr::ALL_V6,
        false => Cidr::host(address),
    };
    let by_address = rule(Peer::Cidr(block));
    // A group of one member says the same as its address, and goes on saying it when the address changes.
    let far = fabric.vpcs[fabric.enis[eni].vpc].eni_with(address).filter(|far| *far != eni);
    let own = far.and_then(|far| {
        let groups = &fabric.sg_sets[fabric.enis[far].sg_set].groups;
        groups.iter().copied().find(|group| members(*group) == 1)
    });
    own.map(|group| rule(Peer::Name(names.sgs[group].id.clone()))).into_iter().chain([by_address]).collect()
}

/// A public address for the interface that has the source.
fn public_address(at: &Situation<'_>, h: &Headers) -> Option<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let IpAddr::V4(source) = h.src else { return None };
    let (eni, _) = fabric
        .enis
        .iter_enumerated()
        .find(|(_, e)| e.v4 == Some(source) && matches!(e.kind, EniKind::Guest(_)) && !e.has_public)?;
    let address = (10..250).map(|n| std::net::Ipv4Addr::new(203, 0, 113, n));
    let address = address.into_iter().find(|a| !fabric.public_v4.contains_key(a) && !at.is_written(*a))?;
    Some(Edit::PublicAddress { interface: names.enis[eni].id.clone(), address })
}

/// What makes a blackhole's target take traffic again.
fn revive(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let names = &at.network.names;
    let by = blocker.step.decision.by;
    let table = names.row_resource_id(&at.network.fabric, by);
    let to = names.rows.get(by).map(|row| row.name.as_str());
    let routes = at.spec.route_tables.get(table).map(|table| &table.routes);
    let via = routes.into_iter().flatten().find(|route| Some(route.to.as_str()) == to).map(|route| route.via.as_str());
    let Some(via) = via else { return Vec::new() };
    if let Some(peering) = at.spec.vpc_peering_connections.get(via) {
        let waits = peering.state == Some(PeeringState::PendingAcceptance);
        return waits.then(|| Edit::AcceptPeering { peering: via.into() }).into_iter().collect();
    }
    let behind = at.spec.network_interfaces.get(via).and_then(|eni| eni.instance.as_ref()).map(|i| i.as_str());
    let instance = behind.or_else(|| at.spec.instances.contains_key(via).then_some(via));
    instance.map(|instance| Edit::Start { instance: instance.to_owned() }).into_iter().collect()
}

/// Exceptions to Block Public Access: the subnet first, and for what starts inside only if that is enough.
fn exclusions(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let h = &blocker.step.before;
    let bound = |address: IpAddr| match address {
        IpAddr::V4(a) => match fabric.public_v4.get(&a) {
            Some(PublicBinding { owner: PublicOwner::Eni { eni, .. }, .. }) => Some(*eni),
            _ => None,
        },
        IpAddr::V6(_) => None,
    };
    let inside = |address| fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(address)).or_else(|| bound(address));
    let Some(eni) = [h.src, h.dst].into_iter().find_map(inside) else { return Vec::new() };
    let resource = names.subnets[fabric.enis[eni].subnet].id.clone();
    [BpaExclusionMode::AllowEgress, BpaExclusionMode::AllowBidirectional]
        .map(|mode| Edit::BpaExclusion { resource: resource.clone(), mode })
        .into()
}

/// Subnets of the attachment's VPC in the zone that it lacks.
fn attachment_subnets(at: &Situation<'_>, blocker: &Blocker, attachment: TgwAttachIx) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let TgwAttachKind::Vpc { vpc, .. } = fabric.tgw_attaches[attachment].kind else { return Vec::new() };
    let Some(eni) = at.last_route(blocker) else { return Vec::new() };
    let zone = fabric.subnets[fabric.enis[eni].subnet].zone;
    let subnets = fabric.subnets.iter_enumerated().filter(|(_, s)| s.vpc == vpc && s.zone == zone);
    let id = &names.tgw_attaches[attachment].id;
    subnets
        .map(|(s, _)| Edit::AttachmentSubnet { attachment: id.clone(), subnet: names.subnets[s].id.clone() })
        .collect()
}

/// A firewall that did not see the request: perhaps both directions may be kept in one zone.
fn appliance_mode(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let crate::verdict::Stage::Guest(eni) = blocker.step.stage else { return Vec::new() };
    let here = fabric.enis[eni].vpc;
    let attachments = fabric.tgw_attaches.iter_enumerated().filter(
        |(_, a)| matches!(a.kind, TgwAttachKind::Vpc { vpc, appliance_mode, .. } if vpc == here && !appliance_mode),
    );
    attachments.map(|(a, _)| Edit::ApplianceMode { attachment: names.tgw_attaches[a].id.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::free_number;

    #[test]
    fn a_row_gets_a_free_number_in_the_right_place() {
        for (taken, denies, want) in [
            (&[][..], None, Some(100)),
            (&[100, 110], None, Some(120)),
            (&[100, 115], None, Some(120)),
            (&[32_766], None, Some(32_765)),
            (&[100, 200], Some(200), Some(150)),
            (&[100, 105], Some(105), Some(102)),
            (&[100, 101], Some(101), Some(99)),
            (&[1], Some(1), None),
            (&[50], Some(50), Some(20)),
        ] {
            assert_eq!(free_number(taken, denies), want, "{taken:?} {denies:?}");
        }
    }
}
