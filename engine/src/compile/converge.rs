//! The control plane of a topology at rest: a plan of who tells whom is made from what is written, `control` runs it to
//! its fixpoint, and what every table then uses becomes forwarding tables.
//!
//! Speakers are the sites' routers, virtual private gateways, route tables of transit gateways, Direct Connect gateways and
//! the appliances of Connect peers. What AWS lets its own tables learn (a VPC's blocks, written routes) is theirs before anybody speaks.
//! A site that is not described tells nothing here; what an account's export shows of it stands in for it.

use super::context::Context;
use super::speakers::{Bgp, Control};
use super::tgw_route_table::{FROM_CONNECT, FROM_DXGW, FROM_VPN, TgwDraft};
use super::vpn::{AMAZON_ASN, CUSTOMER_ASN};
use crate::base::ids::{DxgwIx, PublicIx, RouterIx, TgwAttachIx, TgwRtbIx, TunnelIx, VgwIx};
use crate::base::{Cidr, IndexVec};
use crate::control::{
    Class, Kind, Plan, Ranked, Route, Session, SessionIx, SessionKind, Table, TableIx, Via, converge,
};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{DX_MTU, Fib, FibRoute, NextHop, TgwTarget, VifEnd, VpnEnd};
use crate::names::RowText;
use crate::verdict::{LinkIx, Row, RowKind};
use std::collections::BTreeMap;

/// What tables of AWS have learnt from sites.
#[derive(Default)]
pub(super) struct Learnt {
    /// What a virtual private gateway propagates into route tables.
    pub(super) vgws: IndexVec<VgwIx, Vec<Cidr>>,
    /// What a transit gateway's table has learnt: block, rank, target, words.
    pub(super) tgw_rtbs: BTreeMap<TgwRtbIx, Vec<(Cidr, u8, TgwTarget, String)>>,
}

/// What a session is to the table that learns by it.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Next(NextHop),
    Vpn(TgwAttachIx, TunnelIx),
    Attach(TgwAttachIx),
    Connect(TgwAttachIx, u8),
}

#[derive(Default)]
pub(super) struct Build {
    pub(super) plan: Plan,
    pub(super) routers: IndexVec<RouterIx, TableIx>,
    pub(super) vgws: IndexVec<VgwIx, TableIx>,
    /// A Direct Connect gateway as each Region sees it that it has associations in; at least one.
    pub(super) dxgws: IndexVec<DxgwIx, Vec<(Option<u32>, TableIx)>>,
    pub(super) publics: IndexVec<PublicIx, TableIx>,
    pub(super) tgw_rtbs: BTreeMap<TgwRtbIx, TableIx>,
    pub(super) ways: IndexVec<SessionIx, Way>,
    /// What the numbers of a table's own routes stand for.
    pub(super) own: BTreeMap<(TableIx, u32), NextHop>,
    pub(super) links: BTreeMap<(RouterIx, RouterIx), LinkIx>,
    /// The appliance at the end of each tunnel of a Connect attachment whose BGP is spoken.
    pub(super) peers: BTreeMap<(TgwAttachIx, u8), TableIx>,
    pub(super) bgp: Vec<Bgp>,
}

impl Build {
    pub(super) fn tell(&mut self, session: Session, way: Way) {
        self.plan.sessions.push(session);
        self.ways.push(way);
    }
    pub(super) fn own(&mut self, table: TableIx, to: Cidr, class: Class, hop: NextHop) {
        let t = &mut self.plan.tables[table];
        let id = t.locals.len() as u32;
        t.locals.push(Route::local(to, id, class));
        self.own.insert((table, id), hop);
    }
    /// Where a route of a table leads.
    pub(super) fn hop(&self, table: TableIx, route: &Route) -> Option<NextHop> {
        next_hop(self, table, route)
    }
    pub(super) fn kind(&self, a: TableIx, b: TableIx) -> SessionKind {
        if self.plan.tables[a].asn == self.plan.tables[b].asn { SessionKind::Ibgp } else { SessionKind::Ebgp }
    }
}

impl Context {
    pub(super) fn converge(&mut self, drafts: &[TgwDraft]) -> Learnt {
        let mut learnt = Learnt { vgws: self.fabric.vgws.iter().map(|_| Vec::new()).collect(), ..Learnt::default() };
        let (f, connects) = (&self.fabric, self.spoken_peers().next().is_some());
        if !connects && f.vgws.is_empty() && f.tunnels.is_empty() && f.vifs.is_empty() && f.routers.is_empty() {
            return learnt;
        }
        let mut build = Build::default();
        self.line_speakers();
        self.check_neighbors();
        self.tables(&mut build, drafts);
        self.router_sessions(&mut build);
        self.tunnel_sessions(&mut build, drafts);
        self.public_tables(&mut build);
        self.vif_sessions(&mut build);
        self.association_sessions(&mut build, drafts);
        self.connect_sessions(&mut build, drafts);
        self.router_statics(&mut build);
        self.completeness();
        self.carry_private(&mut build);
        let converged = match (self.live.take(), &build.plan) {
            (Some(live), plan) => Ok(live.at_rest(plan)),
            (None, plan) => converge(plan),
        };
        let converged = match converged {
            Ok(converged) => converged,
            Err(oscillates) => {
                let prefixes: Vec<String> = oscillates.prefixes.iter().map(Cidr::to_string).collect();
                let message = format!("the routers' policies never agree about {}", prefixes.join(", "));
                self.problem(
                    Diagnostic::error("no-convergence", Span::NONE, message)
                        .help("look at `local_preference` of the routers' `neighbors`"),
                );
                return learnt;
            }
        };
        for down in &converged.down {
            let session = &build.plan.sessions[down.session];
            let from = self.table_name(&build, session.from);
            let message = format!("`{from}` announces {} prefixes of one family: the session goes down", down.prefixes);
            self.warn(
                Diagnostic::warning("prefix-limit", Span::NONE, message)
                    .help("announce fewer, or a summary: AWS takes the limit as it is"),
            );
        }
        for router in self.fabric.routers.indices() {
            let old = self.fabric.routers[router].fib.clone();
            let table = build.routers[router];
            let fib = self.fib(&build, table, &converged.ribs[table], old, RowKind::RouterRoute, router.0);
            self.fabric.routers[router].fib = fib;
        }
        for vgw in self.fabric.vgws.indices() {
            let old = self.fabric.vgws[vgw].fib.clone();
            let table = build.vgws[vgw];
            let rib = &converged.ribs[table];
            learnt.vgws[vgw] =
                rib.iter().filter(|(_, ranked)| ranked.best().class != Class::Local).map(|(to, _)| to).collect();
            let fib = self.fib(&build, table, rib, old, RowKind::VgwRoute, vgw.0);
            self.fabric.vgws[vgw].fib = fib;
        }
        self.dxgw_fibs(&build, &converged);
        self.public_fibs(&build, &converged);
        self.heard_by_peers(&build, &converged);
        for (rtb, table) in &build.tgw_rtbs {
            learnt.tgw_rtbs.insert(*rtb, self.learnt_by_tgw(&build, &converged.ribs[*table]));
        }
        self.control = Some(Control::new(&build, &self.fabric, converged.ribs, converged.down));
        learnt
    }

    /// Who speaks, with what it has by itself.
    fn tables(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        for router in self.fabric.routers.indices() {
            let written = self.spec.routers[self.names.routers[router].id.as_str()].clone();
            let asn = written.asn.map_or(CUSTOMER_ASN, |asn| asn.value);
            let mut table = Table::new(Kind::Router, asn, router.0);
            table.ecmp = written.multipath.unwrap_or(false);
            let index = build.plan.tables.push(table);
            build.routers.push(index);
            let originates: Vec<Cidr> = match &written.originates {
                Some(list) => list.iter().map(|p| p.value).collect(),
                None => written.networks.iter().map(|p| p.value).collect(),
            };
            for network in &written.networks {
                // What is not originated is the router's alone: `Static` is told nobody.
                let class = if originates.contains(&network.value) { Class::Local } else { Class::Static };
                build.own(index, network.value, class, NextHop::Lan);
            }
            for to in originates.into_iter().filter(|to| !written.networks.iter().any(|n| n.value == *to)) {
                build.own(index, to, Class::Local, NextHop::Discard);
            }
        }
        for vgw in self.fabric.vgws.indices() {
            let written = &self.spec.vpn_gateways[self.names.vgws[vgw].id.as_str()];
            let asn = written.asn.map_or(AMAZON_ASN, |asn| asn.value);
            let index = build.plan.tables.push(Table::new(Kind::Vgw, asn, vgw.0));
            build.vgws.push(index);
            let blocks = self.fabric.vgws[vgw].vpc.map(|vpc| self.fabric.vpcs[vpc].blocks.clone()).unwrap_or_default();
            for block in blocks.iter() {
                build.own(index, *block, Class::Local, NextHop::Vpc);
            }
        }
        for dxgw in self.fabric.dxgws.indices() {
            let written = &self.spec.direct_connect_gateways[self.names.dxgws[dxgw].id.as_str()];
            let asn = written.asn.map_or(AMAZON_ASN, |asn| asn.value);
            let regions = self.dxgw_regions(dxgw);
            let view = |region| (region, build.plan.tables.push(Table::new(Kind::Dxgw, asn, dxgw.0)));
            build.dxgws.push(regions.into_iter().map(view).collect());
        }
        for draft in drafts {
            let written = &self.spec.transit_gateways[self.names.tgws[draft.tgw].id.as_str()];
            let mut table = Table::new(Kind::Tgw, written.asn.unwrap_or(AMAZON_ASN), draft.index.0);
            table.ecmp = written.vpn_ecmp.unwrap_or(true);
            let index = build.plan.tables.push(table);
            build.tgw_rtbs.insert(draft.index, index);
            for (to, class) in draft.own() {
                build.own(index, to, class, NextHop::Vpc);
            }
        }
    }

    /// Gateways that something which is not described may tell a route.
    fn completeness(&mut self) {
        for vif in self.fabric.vifs.iter().filter(|vif| vif.router.is_none()) {
            match vif.end {
                VifEnd::Vgw(vgw) => self.fabric.vgws[vgw].complete = false,
                VifEnd::Dxgw(dxgw) => self.fabric.dxgws[dxgw].complete = false,
                VifEnd::Public(_) => {}
            }
        }
        for (tunnel, t) in self.fabric.tunnels.iter_enumerated().filter(|(_, t)| t.router.is_none()) {
            let id = &self.names.tunnels[tunnel].id;
            let connection = id.rsplit_once('/').map_or(id.as_str(), |(connection, _)| connection);
            let by_hand = self.spec.vpn_connections[connection].static_routes_only == Some(true);
            if let VpnEnd::Vgw(vgw) = t.end
                && !by_hand
            {
                self.fabric.vgws[vgw].complete = false;
            }
        }
        for association in self.spec.direct_connect_gateway_associations.values() {
            let dxgw = self.ids.dxgws.get(association.direct_connect_gateway.value.as_str());
            let vgw = association.vpn_gateway.as_ref().and_then(|v| self.ids.vgws.get(v.value.as_str()));
            if let (Some(dxgw), Some(vgw)) = (dxgw, vgw)
                && !self.fabric.dxgws[*dxgw].complete
            {
                self.fabric.vgws[*vgw].complete = false;
            }
        }
    }

    /// What a table uses, as a forwarding table.
    pub(super) fn fib(
        &mut self,
        build: &Build,
        table: TableIx,
        rib: &crate::control::Rib,
        old: Fib,
        kind: RowKind,
        owner: u32,
    ) -> Fib {
        let mut routes = IndexVec::new();
        let mut usable = Vec::new();
        for (to, ranked) in rib.iter() {
            let hops: Vec<NextHop> = ranked.sharing().iter().filter_map(|r| next_hop(build, table, r)).collect();
            if hops.is_empty() || hops == [NextHop::Vpc] {
                continue;
            }
            let says = hops.iter().map(|hop| self.hop_text(*hop)).collect::<Vec<_>>().join(", ");
            let text = RowText { name: to.to_string(), says, span: Span::NONE };
            let row = self.written_row(Row::plain(kind, owner), text);
            let mtu = self.narrowed(build, table, &hops, ranked);
            usable.push((to, routes.push(FibRoute { to, hops: hops.into(), mtu, row })));
        }
        Fib { routes, v4: super::vpc::lpm(&usable), v6: super::vpc::lpm(&usable), none: old.none }
    }

    /// DX-97: a prefix that is also known by a VPN, or by virtual interfaces of several MTUs, has no jumbo frames.
    fn narrowed(&self, build: &Build, table: TableIx, hops: &[NextHop], ranked: &Ranked) -> Option<u32> {
        let on_aws_side = !build.routers.iter().any(|router| *router == table);
        let by_line = hops.iter().any(|hop| matches!(hop, NextHop::Vif(_) | NextHop::Dxgw(_)));
        if !on_aws_side || !by_line {
            return None;
        }
        let mut mtus = std::collections::BTreeSet::new();
        let mut by_vpn = false;
        for hop in ranked.routes.iter().filter_map(|route| next_hop(build, table, route)) {
            match hop {
                NextHop::Vif(vif) => drop(mtus.insert(self.fabric.vifs[vif].mtu)),
                NextHop::Tunnel(_) => by_vpn = true,
                _ => {}
            }
        }
        (by_vpn || mtus.len() > 1).then_some(DX_MTU)
    }

    fn hop_text(&self, hop: NextHop) -> String {
        let names = &self.names;
        match hop {
            NextHop::Lan => "connected".to_owned(),
            NextHop::Vpc => "local".to_owned(),
            NextHop::Tunnel(tunnel) => names.tunnels[tunnel].id.clone(),
            NextHop::Vif(vif) => names.vifs[vif].id.clone(),
            NextHop::Router(router, _) => names.routers[router].id.clone(),
            NextHop::Dxgw(dxgw) => names.dxgws[dxgw].id.clone(),
            NextHop::Vgw(vgw) => names.vgws[vgw].id.clone(),
            NextHop::Attach(attach) => names.tgw_attaches[attach].id.clone(),
            NextHop::Internet => "internet".to_owned(),
            NextHop::Discard => "discard".to_owned(),
        }
    }

    fn learnt_by_tgw(&self, build: &Build, rib: &crate::control::Rib) -> Vec<(Cidr, u8, TgwTarget, String)> {
        let mut out = Vec::new();
        for (to, ranked) in rib.iter() {
            let way = |route: &Route| route.session().map(|session| build.ways[session]);
            // The best of what was learnt, even if a written route beats it.
            let Some(first) = ranked.routes.iter().find(|r| way(r).is_some()) else { continue };
            let legs: Vec<&Route> =
                if std::ptr::eq(first, ranked.best()) { ranked.sharing().iter().collect() } else { vec![first] };
            match way(first).expect("learnt") {
                Way::Attach(attach) => {
                    let says = format!("{} (propagated)", self.names.tgw_attaches[attach].id);
                    out.push((to, FROM_DXGW, TgwTarget::Attach(attach), says));
                }
                Way::Vpn(..) => {
                    let legs: Vec<(TgwAttachIx, TunnelIx)> = legs
                        .into_iter()
                        .filter_map(|leg| match way(leg) {
                            Some(Way::Vpn(attach, tunnel)) => Some((attach, tunnel)),
                            _ => None,
                        })
                        .collect();
                    let names: Vec<&str> = legs.iter().map(|(_, t)| self.names.tunnels[*t].id.as_str()).collect();
                    let says = format!("{} (propagated)", names.join(", "));
                    out.push((to, FROM_VPN, TgwTarget::Vpn(legs.into()), says));
                }
                Way::Connect(..) => {
                    let legs = legs.into_iter().filter_map(|leg| match way(leg) {
                        Some(Way::Connect(attach, n)) => Some((attach, u32::from(n))),
                        _ => None,
                    });
                    let mut legs: Vec<(TgwAttachIx, u32)> = legs.collect();
                    legs.sort_unstable();
                    let says = format!("{} (propagated)", self.names.tgw_attaches[legs[0].0].id);
                    out.push((to, FROM_CONNECT, TgwTarget::Tunnels(legs.into()), says));
                }
                Way::Next(_) => {}
            }
        }
        out
    }

    fn table_name(&self, build: &Build, table: TableIx) -> String {
        let router = build.routers.iter_enumerated().find(|(_, t)| **t == table);
        router.map_or_else(String::new, |(router, _)| self.names.routers[router].id.clone())
    }
}

/// Where a route of a table leads.
pub(super) fn next_hop(build: &Build, table: TableIx, route: &Route) -> Option<NextHop> {
    match route.via {
        Via::Local(id) => build.own.get(&(table, id)).copied(),
        Via::Peer(peer) => match build.ways[peer.session] {
            Way::Next(hop) => Some(hop),
            Way::Vpn(..) | Way::Attach(_) | Way::Connect(..) => None,
        },
    }
}

impl TgwDraft {
    /// What the table has before anybody speaks.
    fn own(&self) -> impl Iterator<Item = (Cidr, Class)> + '_ {
        self.candidates().map(|(to, rank)| {
            let class = match rank {
                super::tgw_route_table::STATIC => Class::Static,
                super::tgw_route_table::PREFIX_LIST => Class::PrefixList,
                super::tgw_route_table::FROM_VPC => Class::Vpc,
                _ => Class::Connect,
            };
            (to, class)
        })
    }
}
