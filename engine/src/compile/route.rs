//! Route tables: implied local routes, targets, priorities, what AWS refuses.

use super::context::{Context, also, label};
use crate::base::ids::{EniIx, RtbIx, VpcIx, VpceIx};
use crate::base::{Cidr, IndexVec};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{EniKind, Lpm, Route, RouteIx, RouteTable, Target};
use crate::names::RowText;
use crate::spec::{self, EndpointType, RouteOrigin, RouteState, Spanned};
use crate::verdict::{Row, RowIx, RowKind};
use std::collections::BTreeMap;

/// Blocks that no route may be inside of (RTB-4).
const RESERVED: [&str; 2] = ["169.254.168.0/22", "fd00:ec2::/32"];
/// NAT64's prefix: the only IPv6 destination a NAT gateway takes (NAT-13).
const NAT64: &str = "64:ff9b::/96";

/// One route for one block, before the winner of equals is known.
struct Candidate {
    to: Cidr,
    target: Target,
    active: bool,
    /// Lower wins among equals: static, prefix list, propagated (RTB-6).
    rank: u8,
    row: RowIx,
    span: Span,
}

impl Context {
    pub(super) fn route_tables(&mut self) {
        let tables = std::mem::take(&mut self.spec.route_tables);
        let mut main: BTreeMap<VpcIx, RtbIx> = BTreeMap::new();
        for (name, table) in &tables {
            let Some(vpc) = self.vpc_named(&table.vpc) else { continue };
            let index = self.fabric.rtbs.next_index();
            let compiled = self.route_table(index, vpc, name, table);
            self.fabric.rtbs.push(compiled);
            self.names.rtbs.push(label(name, table.name_tag.as_ref()));
            self.ids.rtbs.insert(name.value.clone(), index);
            if table.main
                && let Some(other) = main.insert(vpc, index)
            {
                let diagnostic = Diagnostic::error(
                    "second-default",
                    name.span,
                    format!("vpc `{}` has two main route tables", table.vpc),
                );
                let span = self.names.rtbs[other].span;
                self.problem(also(diagnostic, span, "the other one"));
            }
            if let Some(gateway) = &table.gateway {
                self.edge(index, vpc, gateway);
            }
        }
        self.spec.route_tables = tables;
        let subnets = std::mem::take(&mut self.spec.subnets);
        for (name, subnet) in &subnets {
            let Some(index) = self.ids.subnets.get(name.value.as_str()).copied() else { continue };
            let vpc = self.fabric.subnets[index].vpc;
            let written = subnet.route_table.as_ref().and_then(|table| self.subnet_table(table, vpc));
            let rtb = written.or_else(|| main.get(&vpc).copied()).expect("expand gives every VPC a main table");
            self.fabric.subnets[index].rtb = rtb;
        }
        self.spec.subnets = subnets;
    }

    fn subnet_table(&mut self, table: &Spanned<String>, vpc: VpcIx) -> Option<RtbIx> {
        let Some(found) = self.ids.rtbs.get(table.value.as_str()).copied() else {
            let known: Vec<String> = self.ids.rtbs.keys().cloned().collect();
            self.unknown(table, "route table", &known.iter().map(String::as_str).collect::<Vec<_>>());
            return None;
        };
        if self.fabric.rtbs[found].vpc != vpc {
            self.problem(Diagnostic::error(
                "other-vpc",
                table.span,
                format!("route table `{table}` is in another VPC than the subnet"),
            ));
            return None;
        }
        Some(found)
    }

    /// GRT-1: a gateway's own table.
    fn edge(&mut self, rtb: RtbIx, vpc: VpcIx, gateway: &Spanned<String>) {
        if let Some(vgw) = self.ids.vgws.get(gateway.value.as_str()).copied() {
            if self.fabric.vgws[vgw].vpc != Some(vpc) {
                self.other_vpc(gateway, "virtual private gateway");
            } else if self.fabric.vgws[vgw].edge.replace(rtb).is_some() {
                let message = format!("virtual private gateway `{gateway}` has a route table already");
                self.problem(Diagnostic::error("second-edge-table", gateway.span, message));
            }
            return;
        }
        let Some(igw) = self.ids.igws.get(gateway.value.as_str()).copied() else {
            // A virtual private gateway's table is kept, and says "not modelled" by never being asked.
            if !self.ids.not_modelled.contains_key(gateway.value.as_str()) {
                let known: Vec<String> = self.ids.igws.keys().cloned().collect();
                self.unknown(gateway, "internet gateway", &known.iter().map(String::as_str).collect::<Vec<_>>());
            }
            return;
        };
        if self.fabric.igws[igw].vpc != Some(vpc) {
            self.problem(Diagnostic::error(
                "other-vpc",
                gateway.span,
                format!("internet gateway `{gateway}` is not attached to this VPC"),
            ));
            return;
        }
        if self.fabric.igws[igw].edge.replace(rtb).is_some() {
            self.problem(Diagnostic::error(
                "second-edge-table",
                gateway.span,
                format!("internet gateway `{gateway}` has a route table already"),
            ));
        }
    }

    fn route_table(&mut self, index: RtbIx, vpc: VpcIx, name: &str, table: &spec::RouteTable) -> RouteTable {
        let mut candidates: Vec<Candidate> = Vec::new();
        for route in &table.routes {
            self.route(&mut candidates, index, vpc, route, table.gateway.is_some());
        }
        self.endpoint_routes(&mut candidates, index, vpc, name);
        self.propagated_routes(&mut candidates, index, vpc, table);
        // RTB-2: a local route per block, unless its target was replaced.
        let blocks = self.fabric.vpcs[vpc].blocks.clone();
        for block in &blocks {
            if candidates.iter().any(|c| c.to == *block && c.rank == 0) {
                continue;
            }
            let text = RowText { name: block.to_string(), says: "local".to_owned(), span: Span::NONE };
            let row = self.written_row(Row::plain(RowKind::Route, index.0), text);
            candidates.push(Candidate {
                to: *block,
                target: Target::Local,
                active: true,
                rank: 0,
                row,
                span: Span::NONE,
            });
        }
        self.duplicates(name, &candidates);
        let none = self.row(Row::plain(RowKind::RouteNone, index.0));
        candidates.sort_by_key(|c| (c.to, c.rank));
        let routes: IndexVec<RouteIx, Route> = candidates
            .iter()
            .map(|c| Route { to: c.to, target: c.target, active: c.active, propagated: c.rank == 2, row: c.row })
            .collect();
        let mut usable: Vec<(Cidr, RouteIx)> = Vec::new();
        for (at, c) in routes.indices().zip(&candidates) {
            // RTB-7: a propagated route inside the VPC loses to local even when it is more specific.
            let beaten = c.rank == 2 && blocks.iter().any(|block| block.overlaps(&c.to) && block.len() <= c.to.len());
            if !beaten && usable.last().is_none_or(|(to, _)| *to != c.to) {
                usable.push((c.to, at));
            }
        }
        let v4: Lpm<u32, RouteIx> = super::vpc::lpm(&usable);
        let v6: Lpm<u128, RouteIx> = super::vpc::lpm(&usable);
        RouteTable { vpc, routes, v4, v6, none }
    }

    /// RTB-14: virtual private gateways put what they have learnt into the tables that take it. What an export shows of a
    /// gateway whose sites are described is compared with that.
    fn propagated_routes(&mut self, out: &mut Vec<Candidate>, rtb: RtbIx, vpc: VpcIx, table: &spec::RouteTable) {
        for written in &table.propagating_vpn_gateways {
            if self.ids.not_modelled.contains_key(written.value.as_str()) {
                continue;
            }
            let Some(vgw) = self.vgw_named(written) else { continue };
            if self.fabric.vgws[vgw].vpc != Some(vpc) {
                self.other_vpc(written, "virtual private gateway");
                continue;
            }
            let learnt = self.learnt_by_vgws[vgw].clone();
            if self.fabric.vgws[vgw].complete {
                let shown: Vec<(Cidr, Span)> = out
                    .iter()
                    .filter(|c| c.rank == 2 && c.target == Target::Vgw(vgw))
                    .map(|c| (c.to, c.span))
                    .collect();
                for (to, span) in shown.iter().filter(|(to, _)| !learnt.contains(to)) {
                    let message =
                        format!("{to} is propagated by `{written}`, and no site that is described announces it");
                    self.warn(Diagnostic::warning("observed-differs", *span, message));
                }
                if !shown.is_empty() {
                    for to in learnt.iter().filter(|to| !shown.iter().any(|(s, _)| s == *to)) {
                        let message = format!("{to} is announced to `{written}`, and the route table does not show it");
                        self.warn(Diagnostic::warning("observed-differs", written.span, message));
                    }
                }
                out.retain(|c| c.rank != 2 || c.target != Target::Vgw(vgw));
            }
            for to in learnt {
                if out.iter().any(|c| c.rank == 2 && c.to == to) {
                    continue;
                }
                let says = format!("{written} (propagated)");
                let text = RowText { name: to.to_string(), says, span: Span::NONE };
                let row = self.written_row(Row::plain(RowKind::Route, rtb.0), text);
                let target = Target::Vgw(vgw);
                out.push(Candidate { to, target, active: true, rank: 2, row, span: Span::NONE });
            }
        }
    }

    fn duplicates(&mut self, name: &str, candidates: &[Candidate]) {
        let mut seen: BTreeMap<Cidr, Span> = BTreeMap::new();
        for c in candidates.iter().filter(|c| c.rank == 0) {
            if let Some(other) = seen.insert(c.to, c.span) {
                let message = format!("route table `{name}` has two routes to {}", c.to);
                self.problem(also(Diagnostic::error("duplicate-route", c.span, message), other, "the other one"));
            }
        }
    }

    fn route(&mut self, out: &mut Vec<Candidate>, rtb: RtbIx, vpc: VpcIx, route: &Spanned<spec::Route>, edge: bool) {
        let Some((destination, list)) = self.destination(&route.to) else { return };
        let propagated = matches!(route.origin, Some(RouteOrigin::Propagated | RouteOrigin::Advertised));
        let Some((target, usable)) = self.target(vpc, &route.via, route.state) else { return };
        let active = usable && route.state != Some(RouteState::Blackhole);
        let kind = if active { RowKind::Route } else { RowKind::RouteBlackhole };
        let says = format!("{}{}", route.via, if active { "" } else { " (blackhole)" });
        let text = RowText { name: route.to.value.clone(), says, span: route.span };
        let row = self.written_row(Row::plain(kind, rtb.0), text);
        let rank = match (propagated, list) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
        for to in destination {
            if !propagated && !list {
                self.check_route(vpc, to, target, route, edge);
            }
            out.push(Candidate { to, target, active, rank, row, span: route.span });
        }
    }

    /// The blocks that a route is for, and whether they come from a prefix list.
    pub(super) fn destination(&mut self, to: &Spanned<String>) -> Option<(Vec<Cidr>, bool)> {
        if let Ok(cidr) = to.value.parse::<Cidr>() {
            return Some((vec![cidr], false));
        }
        if self.ids.prefix_lists.contains_key(to.value.as_str()) {
            let list = &self.spec.prefix_lists[to.value.as_str()];
            return Some((list.entries.iter().map(|e| e.value).collect(), true));
        }
        if to.value.contains('/') || to.value.parse::<std::net::IpAddr>().is_ok() {
            let message = to.value.parse::<Cidr>().expect_err("parsed above");
            self.problem(Diagnostic::error("bad-value", to.span, message));
        } else {
            let known: Vec<String> = self.ids.prefix_lists.keys().cloned().collect();
            self.unknown(to, "prefix list", &known.iter().map(String::as_str).collect::<Vec<_>>());
        }
        None
    }

    /// A route's target, and whether it can take traffic.
    fn target(&mut self, vpc: VpcIx, via: &Spanned<String>, state: Option<RouteState>) -> Option<(Target, bool)> {
        let name = via.value.as_str();
        if name == "local" {
            return Some((Target::Local, true));
        }
        if let Some(igw) = self.ids.igws.get(name).copied() {
            let at = self.fabric.igws[igw].vpc;
            if at.is_some_and(|at| at != vpc) {
                self.other_vpc(via, "internet gateway");
            }
            return Some((Target::Igw(igw), at == Some(vpc)));
        }
        if let Some(eigw) = self.ids.eigws.get(name).copied() {
            let at = self.fabric.eigws[eigw].vpc;
            if at.is_some_and(|at| at != vpc) {
                self.other_vpc(via, "egress-only internet gateway");
            }
            return Some((Target::Eigw(eigw), at == Some(vpc)));
        }
        if let Some(nat) = self.ids.nats.get(name).copied() {
            if self.fabric.nats[nat].vpc != vpc {
                self.other_vpc(via, "NAT gateway");
            }
            let available = self.spec.nat_gateways[name].available.unwrap_or(true);
            return Some((Target::Nat(nat), available));
        }
        if let Some(pcx) = self.ids.pcxs.get(name).copied() {
            let p = &self.fabric.pcxs[pcx];
            if p.other(vpc).is_none() {
                self.other_vpc(via, "VPC peering connection");
                return Some((Target::Pcx(pcx), false));
            }
            return Some((Target::Pcx(pcx), p.active));
        }
        if let Some(tgw) = self.ids.tgws.get(name).copied() {
            // TGW-27: by this VPC's own attachment.
            return Some(match self.ids.tgw_by_vpc.get(&(tgw, vpc)) {
                Some(attach) => (Target::Tgw(*attach), self.fabric.tgw_attaches[*attach].available),
                None => {
                    let message = format!("this VPC has no attachment to transit gateway `{via}`");
                    self.problem(Diagnostic::error("not-attached", via.span, message));
                    (Target::Nowhere, false)
                }
            });
        }
        if let Some(vgw) = self.ids.vgws.get(name).copied() {
            let at = self.fabric.vgws[vgw].vpc;
            if at.is_some_and(|at| at != vpc) {
                self.other_vpc(via, "virtual private gateway");
            }
            return Some((Target::Vgw(vgw), at == Some(vpc)));
        }
        if let Some(vpce) = self.ids.vpces.get(name).copied() {
            return Some(self.endpoint_target(vpc, vpce, via));
        }
        if let Some(guest) = self.ids.guests.get(name).copied() {
            return match *self.fabric.guests[guest].enis {
                [eni] => Some((Target::Eni(eni), self.takes_traffic(vpc, eni, via))),
                [] => None,
                _ => {
                    let message = format!("instance `{via}` has several network interfaces");
                    self.problem(
                        Diagnostic::error("route-target", via.span, message).help("name the interface (RTB-3)"),
                    );
                    None
                }
            };
        }
        if let Some(eni) = self.ids.enis.get(name).copied() {
            let usable = self.takes_traffic(vpc, eni, via);
            return Some((Target::Eni(eni), usable));
        }
        if let Some(nm) = self.ids.not_modelled.get(name).copied() {
            return Some((Target::NotModelled(nm), state != Some(RouteState::Blackhole)));
        }
        let known: Vec<String> = [
            &self.ids.igws.keys().cloned().collect::<Vec<_>>()[..],
            &self.ids.nats.keys().cloned().collect::<Vec<_>>()[..],
            &self.ids.eigws.keys().cloned().collect::<Vec<_>>()[..],
            &self.ids.pcxs.keys().cloned().collect::<Vec<_>>()[..],
            &self.ids.tgws.keys().cloned().collect::<Vec<_>>()[..],
            &self.ids.enis.keys().cloned().collect::<Vec<_>>()[..],
        ]
        .concat();
        self.unknown(via, "route target", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }

    /// Only gateway endpoints are route targets.
    fn endpoint_target(&mut self, vpc: VpcIx, vpce: VpceIx, via: &Spanned<String>) -> (Target, bool) {
        if self.fabric.vpces[vpce].vpc != vpc {
            self.other_vpc(via, "VPC endpoint");
        }
        if self.spec.vpc_endpoints[via.value.as_str()].kind == EndpointType::Interface {
            let message = format!("`{via}` is an interface endpoint, and no route target");
            self.problem(
                Diagnostic::error("route-target", via.span, message)
                    .help("it is reached by the addresses of its network interfaces"),
            );
            return (Target::Nowhere, false);
        }
        (Target::Vpce(vpce), self.fabric.vpces[vpce].available)
    }

    /// VPCE-1: a gateway endpoint puts a route into each of its tables.
    fn endpoint_routes(&mut self, out: &mut Vec<Candidate>, rtb: RtbIx, vpc: VpcIx, table_name: &str) {
        let endpoints = std::mem::take(&mut self.spec.vpc_endpoints);
        for (name, endpoint) in &endpoints {
            let here = endpoint.route_tables.iter().find(|table| table.value == table_name);
            let (Some(here), Some(vpce)) = (here, self.ids.vpces.get(name.value.as_str()).copied()) else { continue };
            // An export lists the route too.
            if endpoint.kind == EndpointType::Interface || out.iter().any(|c| c.target == Target::Vpce(vpce)) {
                continue;
            }
            if self.fabric.vpces[vpce].vpc != vpc {
                let message = format!("route table `{table_name}` is in another VPC than endpoint `{name}`");
                self.problem(Diagnostic::error("other-vpc", here.span, message));
                continue;
            }
            let Some(list) = self.prefix_list_of(name, endpoint) else { continue };
            let active = self.fabric.vpces[vpce].available;
            let kind = if active { RowKind::Route } else { RowKind::RouteBlackhole };
            let says = format!("{name}{}", if active { "" } else { " (blackhole)" });
            let text = RowText { name: list.clone(), says, span: here.span };
            let row = self.written_row(Row::plain(kind, rtb.0), text);
            let entries: Vec<Cidr> = self
                .spec
                .prefix_lists
                .get(list.as_str())
                .map(|l| l.entries.iter().map(|e| e.value).collect())
                .unwrap_or_default();
            let target = Target::Vpce(vpce);
            // VPCE-2: a written route with the same block beats it.
            out.extend(entries.into_iter().map(|to| Candidate { to, target, active, rank: 1, row, span: here.span }));
        }
        self.spec.vpc_endpoints = endpoints;
    }

    /// RTB-9, GRT-4: a route to an interface without a running instance is a blackhole.
    fn takes_traffic(&mut self, vpc: VpcIx, eni: EniIx, via: &Spanned<String>) -> bool {
        if self.fabric.enis[eni].vpc != vpc {
            self.other_vpc(via, "network interface");
        }
        match self.fabric.enis[eni].kind {
            EniKind::Guest(guest) => self.fabric.guests[guest].running,
            EniKind::Nat(_)
            | EniKind::NotModelled(_)
            | EniKind::Tgw(_)
            | EniKind::Vpce(_)
            | EniKind::Node(_)
            | EniKind::Cvpn(_) => true,
            EniKind::Detached => false,
        }
    }

    fn other_vpc(&mut self, via: &Spanned<String>, kind: &str) {
        self.problem(Diagnostic::error(
            "other-vpc",
            via.span,
            format!("{kind} `{via}` is in another VPC than the route table"),
        ));
    }

    /// What AWS refuses when a route is created, or a block is added over a route (VPC-9).
    fn check_route(&mut self, vpc: VpcIx, to: Cidr, target: Target, route: &Spanned<spec::Route>, edge: bool) {
        let span = route.to.span;
        for reserved in RESERVED {
            let reserved: Cidr = reserved.parse().expect("a block");
            if reserved.covers(&to) {
                self.problem(Diagnostic::error(
                    "route-reserved",
                    span,
                    format!("`{to}` is inside {reserved}, where no route may lead"),
                ));
            }
        }
        self.check_family(to, target, route);
        let blocks = &self.fabric.vpcs[vpc].blocks;
        let is_block = blocks.contains(&to);
        let inside = blocks.iter().any(|block| block.covers(&to));
        // Most routes lead out of the VPC: then its subnets do not matter.
        let near: &[crate::fabric::Subnet] = if inside || edge { self.fabric.subnets.as_slice() } else { &[] };
        let subnets: Vec<Cidr> = near.iter().filter(|s| s.vpc == vpc).flat_map(|s| [s.v4, s.v6]).flatten().collect();
        let is_subnet = subnets.contains(&to);
        if edge {
            // GRT-2.
            if !is_block && !is_subnet {
                let message = format!(
                    "a gateway's route table has only routes for the VPC's blocks and its subnets' blocks, not `{to}`"
                );
                self.problem(Diagnostic::error("edge-route", span, message));
            }
            if !matches!(target, Target::Local | Target::Eni(_) | Target::NotModelled(_)) {
                self.problem(Diagnostic::error(
                    "edge-route",
                    route.via.span,
                    "a route of a gateway's table leads to `local` or a network interface",
                ));
            }
            return;
        }
        if target == Target::Local {
            if !is_block {
                self.problem(Diagnostic::error(
                    "local-route",
                    span,
                    format!("`local` is for the VPC's own blocks, and `{to}` is none"),
                ));
            }
            return;
        }
        // RTB-5: more specific than local.
        if inside && !(is_subnet || is_block) {
            let near = subnets.iter().find(|s| s.overlaps(&to));
            let diagnostic = Diagnostic::error(
                "route-more-specific",
                span,
                format!("`{to}` is inside the VPC but no subnet's whole block"),
            );
            let diagnostic = match near {
                Some(near) => diagnostic.help(format!("AWS takes `{near}`, the block of a subnet")),
                None => diagnostic,
            };
            self.problem(diagnostic);
        }
        let endpoint = matches!(target, Target::NotModelled(nm) if self.names.not_modelled[nm].1.contains("endpoint"));
        if inside && !endpoint && !matches!(target, Target::Nat(_) | Target::Eni(_)) {
            let message =
                format!("`{to}` is inside the VPC: its route may lead to a NAT gateway or a network interface only");
            self.problem(Diagnostic::error("route-target", route.via.span, message));
        }
    }

    fn check_family(&mut self, to: Cidr, target: Target, route: &Spanned<spec::Route>) {
        match target {
            // EIGW-1.
            Target::Eigw(_) if to.is_v4() => {
                let message = "an egress-only internet gateway takes IPv6 only";
                self.problem(
                    Diagnostic::error("route-family", route.via.span, message)
                        .help("use an internet gateway or a NAT gateway"),
                );
            }
            Target::Nat(_) if !to.is_v4() => {
                let nat64: Cidr = NAT64.parse().expect("a block");
                if !nat64.covers(&to) {
                    let message = format!("a NAT gateway takes IPv6 only for NAT64, {NAT64}, not `{to}`");
                    self.problem(
                        Diagnostic::error("route-family", route.via.span, message)
                            .help("use an egress-only internet gateway"),
                    );
                }
            }
            _ => {}
        }
    }
}
