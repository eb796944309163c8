//! Routes that might lead where none does, or where the wrong one does.

use super::Situation;
use super::edit::Edit;
use crate::base::Cidr;
use crate::base::ids::{EniIx, TgwAttachIx, TgwIx, TgwRtbIx, VpcIx};
use crate::explain::Blocker;
use crate::fabric::{TgwAttachKind, TgwTarget};
use crate::spec::RouteOrigin;
use crate::verdict::{RowKind, Stage};
use std::net::IpAddr;

/// Other ways at the last route table that the packet met: another route, or another table for the subnet.
pub(super) fn around(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let mut out = Vec::new();
    // In a circle every table may be the wrong one.
    for eni in at.routes_before(blocker) {
        let dst = at.destination_at(blocker, eni);
        out.extend(routes(at, eni, dst));
        out.extend(removal(at, eni, dst));
        out.extend(associations(at, eni));
    }
    out
}

/// Routes for `dst` in the table of the interface's subnet.
fn routes(at: &Situation<'_>, eni: EniIx, dst: IpAddr) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let e = &fabric.enis[eni];
    let rtb = fabric.subnets[e.subnet].rtb;
    let table = &names.rtbs[rtb].id;
    let Some(written) = at.spec.route_tables.get(table.as_str()) else { return Vec::new() };
    let wins = fabric.rtbs[rtb].lookup(dst);
    let mut out = Vec::new();
    for (block, via) in targets(at, e.vpc, e.subnet, dst) {
        // A shorter block than the one that wins now changes nothing.
        let block = match wins {
            Some(route) if route.to.len() > block.len() => route.to,
            _ => block,
        };
        let to = block.to_string();
        let old = written.routes.iter().find(|route| route.to.parse::<Cidr>().as_ref() == Ok(&block));
        if old.is_some_and(|old| old.via.value == via && old.state.is_none()) {
            continue;
        }
        let to = old.map_or(to, |old| old.to.value.clone());
        let edit = Edit::Route { table: table.clone(), to, via, replaces: old.map(|old| old.via.value.clone()) };
        if !out.contains(&edit) {
            out.push(edit);
        }
    }
    out
}

/// The written route that takes `dst`, if without it a shorter one would.
fn removal(at: &Situation<'_>, eni: EniIx, dst: IpAddr) -> Option<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let rtb = fabric.subnets[fabric.enis[eni].subnet].rtb;
    let wins = fabric.rtbs[rtb].lookup(dst)?;
    fabric.rtbs[rtb].routes.iter().find(|other| other.to.len() < wins.to.len() && other.to.contains(dst))?;
    let table = &names.rtbs[rtb].id;
    let written = at.spec.route_tables.get(table.as_str())?;
    let route = written.routes.iter().find(|route| route.to.parse::<Cidr>().as_ref() == Ok(&wins.to))?;
    let by_hand = route.via.value != "local" && !matches!(route.origin, Some(RouteOrigin::Propagated));
    let (to, via) = (route.to.value.clone(), route.via.value.clone());
    by_hand.then(|| Edit::NoRoute { table: table.clone(), to, via })
}

/// What the VPC has that may lead to `dst`, with the block to route there.
fn targets(at: &Situation<'_>, vpc: VpcIx, subnet: crate::base::ids::SubnetIx, dst: IpAddr) -> Vec<(Cidr, String)> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let mut out = Vec::new();
    let attachments = || {
        fabric
            .tgw_attaches
            .iter_enumerated()
            .filter(move |(_, a)| matches!(a.kind, TgwAttachKind::Vpc { vpc: v, .. } if v == vpc && a.available))
    };
    for (far, other) in fabric.vpcs.iter_enumerated().filter(|(far, _)| *far != vpc) {
        let Some(block) = other.blocks.iter().find(|block| block.contains(dst)) else { continue };
        for (pcx, peering) in fabric.pcxs.iter_enumerated() {
            if peering.active && peering.other(vpc) == Some(Some(far)) {
                out.push((*block, names.pcxs[pcx].id.clone()));
            }
        }
        out.extend(attachments().map(|(_, a)| (*block, names.tgws[a.tgw].id.clone())));
    }
    let outside = out.is_empty() && !fabric.vpcs.iter().any(|v| v.contains(dst));
    if outside && fabric.routers.iter().any(|router| router.hosts.contains_key(&dst)) {
        for (vgw, gateway) in fabric.vgws.iter_enumerated().filter(|(_, g)| g.vpc == Some(vpc)) {
            let block = gateway.fib.lookup(dst).map_or(Cidr::host(dst), |at| gateway.fib.routes[at].to);
            out.push((block, names.vgws[vgw].id.clone()));
        }
        for (_, a) in attachments() {
            let known = a.rtb.and_then(|rtb| {
                let table = &fabric.tgw_rtbs[rtb];
                table.lookup(dst).map(|route| table.routes[route].to)
            });
            out.push((known.unwrap_or(Cidr::host(dst)), names.tgws[a.tgw].id.clone()));
        }
    } else if outside {
        out.extend(to_internet(at, vpc, subnet, dst).into_iter().map(|via| {
            let all = if dst.is_ipv4() { Cidr::ALL_V4 } else { Cidr::ALL_V6 };
            (all, via)
        }));
    }
    out
}

/// Ways to the internet: NAT gateways of the zone and of the VPC, the internet gateway, transit gateways.
fn to_internet(at: &Situation<'_>, vpc: VpcIx, subnet: crate::base::ids::SubnetIx, dst: IpAddr) -> Vec<String> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let zone = fabric.subnets[subnet].zone;
    let mut out: Vec<String> = Vec::new();
    if dst.is_ipv4() {
        let mut nats: Vec<_> = fabric.nats.iter_enumerated().filter(|(_, nat)| nat.vpc == vpc && nat.public).collect();
        nats.sort_by_key(|(nat, n)| (n.subnet.is_some_and(|s| fabric.subnets[s].zone != zone), *nat));
        out.extend(nats.into_iter().map(|(nat, _)| names.nats[nat].id.clone()));
    } else {
        out.extend(fabric.vpcs[vpc].eigw.map(|eigw| names.eigws[eigw].id.clone()));
    }
    out.extend(fabric.vpcs[vpc].igw.map(|igw| names.igws[igw].id.clone()));
    let attached = fabric
        .tgw_attaches
        .iter()
        .filter(|a| matches!(a.kind, TgwAttachKind::Vpc { vpc: v, .. } if v == vpc && a.available));
    out.extend(attached.map(|a| names.tgws[a.tgw].id.clone()));
    out
}

/// Other tables of the VPC for the interface's subnet.
fn associations(at: &Situation<'_>, eni: EniIx) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let (vpc, subnet) = (fabric.enis[eni].vpc, fabric.enis[eni].subnet);
    let own = fabric.subnets[subnet].rtb;
    let edge = |id: &str| at.spec.route_tables.get(id).is_some_and(|table| table.gateway.is_some());
    let others = fabric.rtbs.iter_enumerated().filter(|(rtb, table)| table.vpc == vpc && *rtb != own);
    let named = others.map(|(rtb, _)| &names.rtbs[rtb].id).filter(|id| !edge(id));
    named.map(|id| Edit::Association { subnet: names.subnets[subnet].id.clone(), table: id.clone() }).collect()
}

/// Routes for the destination in a transit gateway's table.
pub(super) fn of_tgw(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let Stage::TgwRoute(by) = blocker.step.stage else { return Vec::new() };
    let dst = blocker.step.before.dst;
    let rtb = TgwRtbIx(fabric.rows[blocker.step.decision.by].owner);
    let tgw = fabric.tgw_attaches[by].tgw;
    let table = &names.tgw_rtbs[rtb].id;
    let wins = fabric.tgw_rtbs[rtb].lookup(dst).map(|route| fabric.tgw_rtbs[rtb].routes[route].to);
    let mut out = Vec::new();
    for (attachment, block, owns) in behind(at, tgw, dst) {
        let id = names.tgw_attaches[attachment].id.clone();
        let written = at.spec.transit_gateway_route_tables.get(table.as_str());
        let Some(written) = written else { continue };
        let learns = written.propagations.iter().any(|p| p.value == id);
        if owns && !learns && wins.is_none_or(|to| to.len() < block.len()) {
            out.push(Edit::TgwPropagation { table: table.clone(), attachment: id.clone() });
        }
        let to = match wins {
            Some(to) if to.len() > block.len() => to,
            _ => block,
        };
        let replaces = written.routes.iter().any(|route| route.to.parse::<Cidr>().as_ref() == Ok(&to));
        out.push(Edit::TgwRoute { table: table.clone(), to, via: id, replaces });
    }
    out
}

/// Where the transit gateway's table led into another VPC with the same block: a route for the subnet that has the destination.
pub(super) fn of_overlap(at: &Situation<'_>, blocker: &Blocker) -> Vec<Edit> {
    let (fabric, names) = (&at.network.fabric, &at.network.names);
    let dst = blocker.step.before.dst;
    let steps = at.steps(blocker.part);
    let upto = steps.iter().position(|step| *step == blocker.step).unwrap_or(steps.len());
    let table = steps[..upto].iter().rev().find_map(|step| match step.stage {
        Stage::TgwRoute(by) if fabric.rows[step.decision.by].kind == RowKind::TgwRoute => {
            Some((fabric.tgw_attaches[by].tgw, TgwRtbIx(fabric.rows[step.decision.by].owner)))
        }
        _ => None,
    });
    let Some((tgw, rtb)) = table else { return Vec::new() };
    let all = fabric.tgw_attaches.iter_enumerated().filter(|(_, a)| a.tgw == tgw && a.available);
    all.filter_map(|(attachment, a)| {
        let TgwAttachKind::Vpc { vpc, .. } = a.kind else { return None };
        let subnet = &fabric.subnets[fabric.enis[fabric.vpcs[vpc].eni_with(dst)?].subnet];
        let to = if dst.is_ipv4() { subnet.v4 } else { subnet.v6 }?;
        let via = names.tgw_attaches[attachment].id.clone();
        Some(Edit::TgwRoute { table: names.tgw_rtbs[rtb].id.clone(), to, via, replaces: false })
    })
    .collect()
}

/// Attachments that `dst` may be behind, the block to route there, and whether the block is the attachment's own.
fn behind(at: &Situation<'_>, tgw: TgwIx, dst: IpAddr) -> Vec<(TgwAttachIx, Cidr, bool)> {
    let fabric = &at.network.fabric;
    let all = fabric.tgw_attaches.iter_enumerated().filter(|(_, a)| a.tgw == tgw && a.available);
    let in_vpc = fabric.vpcs.iter().any(|vpc| vpc.contains(dst));
    let mut out = Vec::new();
    for (attachment, a) in all {
        match &a.kind {
            TgwAttachKind::Vpc { vpc, .. } => {
                let vpc = &fabric.vpcs[*vpc];
                if let Some(block) = vpc.blocks.iter().find(|block| block.contains(dst)) {
                    out.push((attachment, *block, true));
                } else if !in_vpc && (vpc.igw.is_some() || vpc.eigw.is_some()) {
                    let block = if dst.is_ipv4() { Cidr::ALL_V4 } else { Cidr::ALL_V6 };
                    out.push((attachment, block, false));
                }
            }
            // What another table knows of the destination by this attachment.
            _ => {
                let known = fabric.tgw_rtbs.iter().filter(|table| table.tgw == tgw).find_map(|table| {
                    let route = &table.routes[table.lookup(dst)?];
                    let by = match &route.target {
                        TgwTarget::Attach(to) => *to == attachment,
                        TgwTarget::Vpn(legs) => legs.iter().any(|(to, _)| *to == attachment),
                        TgwTarget::Tunnels(legs) => legs.iter().any(|(to, _)| *to == attachment),
                        _ => false,
                    };
                    by.then_some(route.to)
                });
                out.extend(known.map(|block| (attachment, block, true)));
            }
        }
    }
    out
}
