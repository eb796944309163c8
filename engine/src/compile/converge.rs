//! The control plane of a topology at rest: a plan of who tells whom is made from what is written, `control` runs it to
//! its fixpoint, and what every table then uses becomes forwarding tables.
//!
//! Speakers are the sites' routers, virtual private gateways, route tables of transit gateways and Direct Connect
//! gateways. What AWS lets its own tables learn (a VPC's blocks, written routes) is theirs before anybody speaks.
//! A site that is not described tells nothing here; what an account's export shows of it stands in for it.

use super::context::Context;
use super::tgw_route_table::TgwDraft;
use super::vpn::{AMAZON_ASN, CUSTOMER_ASN};
use crate::base::ids::{DxgwIx, RouterIx, TgwAttachIx, TgwRtbIx, TunnelIx, VgwIx};
use crate::base::{Cidr, IndexVec, Nanos};
use crate::control::{
    Accept, Class, Communities, Export, Filter, Import, Kind, Plan, Preference, Route, Session, SessionIx, SessionKind,
    Table, TableIx, Via, converge,
};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{Fib, FibRoute, NextHop, TgwTarget, VifEnd, VpnEnd};
use crate::names::RowText;
use crate::spec::{LinkSpec, Neighbor, Spanned};
use crate::verdict::{LinkIx, Row, RowKind};
use std::collections::BTreeMap;

/// One-way latency between two routers that name none.
const ROUTER_LATENCY: Nanos = Nanos::from_micros(500);

/// What tables of AWS have learnt from sites.
#[derive(Default)]
pub(super) struct Learnt {
    /// What a virtual private gateway propagates into route tables.
    pub(super) vgws: IndexVec<VgwIx, Vec<Cidr>>,
    /// What a transit gateway's table has learnt: block, from a Direct Connect gateway or not, target, words.
    pub(super) tgw_rtbs: BTreeMap<TgwRtbIx, Vec<(Cidr, bool, TgwTarget, String)>>,
}

/// What a session is to the table that learns by it.
#[derive(Clone, Copy)]
enum Way {
    Next(NextHop),
    Vpn(TgwAttachIx, TunnelIx),
    Attach(TgwAttachIx),
}

#[derive(Default)]
struct Build {
    plan: Plan,
    routers: IndexVec<RouterIx, TableIx>,
    vgws: IndexVec<VgwIx, TableIx>,
    dxgws: IndexVec<DxgwIx, TableIx>,
    tgw_rtbs: BTreeMap<TgwRtbIx, TableIx>,
    ways: IndexVec<SessionIx, Way>,
    /// What the numbers of a table's own routes stand for.
    own: BTreeMap<(TableIx, u32), NextHop>,
    links: BTreeMap<(RouterIx, RouterIx), LinkIx>,
    sessions: u32,
}

impl Build {
    fn tell(&mut self, session: Session, way: Way) {
        self.plan.sessions.push(session);
        self.ways.push(way);
    }
    fn own(&mut self, table: TableIx, to: Cidr, class: Class, hop: NextHop) {
        let t = &mut self.plan.tables[table];
        let id = t.locals.len() as u32;
        t.locals.push(Route::local(to, id, class));
        self.own.insert((table, id), hop);
    }
    fn next_bgp(&mut self) -> u32 {
        self.sessions += 1;
        self.sessions
    }
    fn kind(&self, a: TableIx, b: TableIx) -> SessionKind {
        if self.plan.tables[a].asn == self.plan.tables[b].asn { SessionKind::Ibgp } else { SessionKind::Ebgp }
    }
}

impl Context {
    pub(super) fn converge(&mut self, drafts: &[TgwDraft]) -> Learnt {
        let mut learnt = Learnt { vgws: self.fabric.vgws.iter().map(|_| Vec::new()).collect(), ..Learnt::default() };
        let f = &self.fabric;
        if f.vgws.is_empty() && f.tunnels.is_empty() && f.vifs.is_empty() && f.routers.is_empty() {
            return learnt;
        }
        let mut build = Build::default();
        self.tables(&mut build, drafts);
        self.router_sessions(&mut build);
        self.tunnel_sessions(&mut build, drafts);
        self.vif_sessions(&mut build);
        self.association_sessions(&mut build, drafts);
        self.router_statics(&mut build);
        self.completeness();
        let converged = match converge(&build.plan) {
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
        for dxgw in self.fabric.dxgws.indices() {
            let old = self.fabric.dxgws[dxgw].fib.clone();
            let table = build.dxgws[dxgw];
            let fib = self.fib(&build, table, &converged.ribs[table], old, RowKind::DxgwRoute, dxgw.0);
            self.fabric.dxgws[dxgw].fib = fib;
        }
        for (rtb, table) in &build.tgw_rtbs {
            learnt.tgw_rtbs.insert(*rtb, self.learnt_by_tgw(&build, &converged.ribs[*table]));
        }
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
            build.dxgws.push(build.plan.tables.push(Table::new(Kind::Dxgw, asn, dxgw.0)));
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

    /// Sessions between routers, inside a site or between sites.
    fn router_sessions(&mut self, build: &mut Build) {
        let routers = self.spec.routers.clone();
        let mut pairs: BTreeMap<(RouterIx, RouterIx), (Option<Nanos>, bool)> = BTreeMap::new();
        for (name, router) in &routers {
            let own = self.ids.routers[name.value.as_str()];
            for neighbor in &router.neighbors {
                let Some(other) = self.ids.routers.get(neighbor.peer.value.as_str()).copied() else {
                    self.known_peer(&neighbor.peer);
                    continue;
                };
                if other == own {
                    let message = format!("router `{name}` is its own neighbour");
                    self.problem(Diagnostic::error("peering-with-itself", neighbor.peer.span, message));
                    continue;
                }
                let pair = pairs.entry((own.min(other), own.max(other))).or_default();
                pair.0 = pair.0.or(neighbor.latency);
                pair.1 |= neighbor.shutdown.unwrap_or(false);
            }
        }
        for ((a, b), (latency, shutdown)) in pairs {
            let name = format!("{} to {}", self.names.routers[a].id, self.names.routers[b].id);
            let link = self.named_link(name, LinkSpec { latency, ..LinkSpec::default() }, ROUTER_LATENCY);
            build.links.insert((a, b), link);
            let bgp = build.next_bgp();
            for (from, to) in [(a, b), (b, a)] {
                let (from_table, to_table) = (build.routers[from], build.routers[to]);
                let kind = build.kind(from_table, to_table);
                let (teller, learner) = (self.names.routers[from].id.clone(), self.names.routers[to].id.clone());
                let mut session = Session::new(from_table, to_table, kind, Class::Bgp)
                    .exporting(self.export_of(from, &[&learner]))
                    .importing(self.import_of(to, &[&teller]))
                    .of_bgp(bgp);
                session.up = !shutdown;
                build.tell(session, Way::Next(NextHop::Router(from, link)));
            }
        }
    }

    /// A neighbour that is a tunnel, a virtual interface or a connection, or a diagnostic.
    fn known_peer(&mut self, peer: &Spanned<String>) {
        let name = peer.value.as_str();
        let known = self.ids.tunnels.contains_key(name)
            || self.ids.vpn_tunnels.contains_key(name)
            || self.ids.vifs.contains_key(name);
        if !known {
            let all = self.ids.routers.keys().chain(self.ids.vpn_tunnels.keys()).chain(self.ids.vifs.keys());
            let all: Vec<String> = all.cloned().collect();
            self.unknown(peer, "neighbour", &all.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    /// Both directions of the sessions inside VPN tunnels, and routes of connections without one.
    fn tunnel_sessions(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        let connections = self.spec.vpn_connections.clone();
        for (name, connection) in &connections {
            let tunnels = self.ids.vpn_tunnels.get(name.value.as_str()).cloned().unwrap_or_default();
            if connection.static_routes_only == Some(true) {
                self.static_vpn(build, &tunnels, &connection.static_routes);
                continue;
            }
            for (n, tunnel) in tunnels.iter().copied().enumerate() {
                let t = self.fabric.tunnels[tunnel].clone();
                let Some(router) = t.router else { continue };
                let id = self.names.tunnels[tunnel].id.clone();
                let (site, keys) = (build.routers[router], [id.as_str(), name.value.as_str()]);
                let up = t.up && !self.shut_down(router, &keys);
                let bgp = build.next_bgp();
                let (export, import) = (self.export_of(router, &keys), v4_only(self.import_of(router, &keys)));
                let to_site = Way::Next(NextHop::Tunnel(tunnel));
                match t.end {
                    VpnEnd::Vgw(vgw) => {
                        let table = build.vgws[vgw];
                        let kind = build.kind(table, site);
                        let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
                        let tells = Export::vgw_to_site().by_tunnel(n == 0);
                        build.tell(down.exporting(tells).importing(import).of_bgp(bgp), to_site);
                        let session = Session { up, ..Session::new(site, table, kind, Class::Vpn) };
                        build
                            .tell(session.exporting(export).importing(v4_only(Import::default())).of_bgp(bgp), to_site);
                    }
                    VpnEnd::Tgw(attach) => {
                        // TGW-3, BGP-20: it tells the table that routes what comes by it.
                        if let Some(rtb) = self.fabric.tgw_attaches[attach].rtb {
                            let table = build.tgw_rtbs[&rtb];
                            let kind = build.kind(table, site);
                            let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
                            let tells = Export::tgw_to_site().by_tunnel(n == 0);
                            build.tell(down.exporting(tells).importing(import).of_bgp(bgp), to_site);
                        }
                        for draft in drafts.iter().filter(|d| d.propagates(attach)) {
                            let table = build.tgw_rtbs[&draft.index];
                            let kind = build.kind(site, table);
                            let session = Session { up, ..Session::new(site, table, kind, Class::Vpn) };
                            let heard = v4_only(Import::default());
                            let session = session.exporting(export.clone()).importing(heard).of_bgp(bgp);
                            build.tell(session, Way::Vpn(attach, tunnel));
                        }
                    }
                }
            }
        }
    }

    /// VPN-8: a connection with static routing: one tunnel carries everything while it is up.
    fn static_vpn(&mut self, build: &mut Build, tunnels: &[TunnelIx], routes: &[Spanned<Cidr>]) {
        let Some(tunnel) = tunnels.iter().copied().find(|t| self.fabric.tunnels[*t].up) else { return };
        if let VpnEnd::Vgw(vgw) = self.fabric.tunnels[tunnel].end {
            for to in routes {
                build.own(build.vgws[vgw], to.value, Class::VpnStatic, NextHop::Tunnel(tunnel));
            }
        }
    }

    fn vif_sessions(&mut self, build: &mut Build) {
        for vif in self.fabric.vifs.indices() {
            let v = self.fabric.vifs[vif].clone();
            let Some(router) = v.router else { continue };
            let id = self.names.vifs[vif].id.clone();
            let keys = [id.as_str()];
            let up = v.up && !self.shut_down(router, &keys);
            let bgp = build.next_bgp();
            let site = build.routers[router];
            let (table, tells, class, import) = match v.end {
                VifEnd::Vgw(vgw) => {
                    let import = Import::direct_connect(false, false);
                    (build.vgws[vgw], Export::vgw_to_site(), Class::DirectConnect, import)
                }
                VifEnd::Dxgw(dxgw) => {
                    let import = Import::direct_connect(self.is_remote(&id, dxgw), v.site_link);
                    (build.dxgws[dxgw], Export::dxgw_to_site(v.site_link), Class::of_vif(v.site_link), import)
                }
            };
            let kind = build.kind(table, site);
            let way = Way::Next(NextHop::Vif(vif));
            let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
            build.tell(down.exporting(tells).importing(self.import_of(router, &keys)).of_bgp(bgp), way);
            let session = Session { up, ..Session::new(site, table, kind, class) };
            let session = session.exporting(self.export_of(router, &keys)).importing(import);
            build.tell(session.of_bgp(bgp).limited(crate::control::aws::DX_PREFIXES_MAX), way);
        }
    }

    /// BGP-9: whether the location is in another Region than what the gateway is associated with first.
    fn is_remote(&self, vif: &str, dxgw: DxgwIx) -> bool {
        let connection = &self.spec.virtual_interfaces[vif].connection;
        let connection = &self.spec.direct_connect_connections[connection.value.as_str()];
        let own = |region: &Option<Spanned<String>>| {
            region.as_ref().or(self.spec.region.as_ref()).map_or(super::DEFAULT_REGION, |r| r.value.as_str()).to_owned()
        };
        let gateway = &self.names.dxgws[dxgw].id;
        let mut associations = self.spec.direct_connect_gateway_associations.values();
        let first = associations.find(|a| a.direct_connect_gateway.value == *gateway);
        let region = first.and_then(|a| {
            if let Some(tgw) = &a.transit_gateway {
                let tgw = self.ids.tgws.get(tgw.value.as_str())?;
                return Some(self.names.regions[self.fabric.tgws[*tgw].region as usize].clone());
            }
            let vgw = self.ids.vgws.get(a.vpn_gateway.as_ref()?.value.as_str())?;
            Some(self.names.regions[self.fabric.vpcs[self.fabric.vgws[*vgw].vpc?].region as usize].clone())
        });
        region.is_some_and(|region| region != own(&connection.region))
    }

    fn association_sessions(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        let associations = self.spec.direct_connect_gateway_associations.clone();
        for (name, association) in &associations {
            let Some(dxgw) = self.ids.dxgws.get(association.direct_connect_gateway.value.as_str()).copied() else {
                continue;
            };
            let gateway = build.dxgws[dxgw];
            let listed: Option<Vec<Cidr>> =
                association.allowed_prefixes.as_ref().map(|list| list.iter().map(|p| p.value).collect());
            let vgw = association.vpn_gateway.as_ref().and_then(|v| self.ids.vgws.get(v.value.as_str()).copied());
            if let Some(vgw) = vgw {
                let vpc = self.fabric.vgws[vgw].vpc;
                let blocks = vpc.map(|vpc| self.fabric.vpcs[vpc].blocks.to_vec()).unwrap_or_default();
                let tells = Export::vgw_to_dxgw(listed.unwrap_or(blocks));
                let table = build.vgws[vgw];
                let up = Session::new(table, gateway, SessionKind::Internal, Class::Association).exporting(tells);
                build.tell(up, Way::Next(NextHop::Vgw(vgw)));
                let down = Session::new(gateway, table, SessionKind::Internal, Class::DirectConnectGateway);
                build.tell(down.exporting(Export::dxgw_to_gateway()), Way::Next(NextHop::Dxgw(dxgw)));
                continue;
            }
            let attach = self.ids.tgw_attaches.get(name.value.as_str()).and_then(|all| all.first()).copied();
            let Some(attach) = attach else { continue };
            if let Some(rtb) = self.fabric.tgw_attaches[attach].rtb {
                let tells = Export::tgw_to_dxgw(listed.unwrap_or_default());
                let table = build.tgw_rtbs[&rtb];
                let up = Session::new(table, gateway, SessionKind::Internal, Class::Association).exporting(tells);
                build.tell(up, Way::Next(NextHop::Attach(attach)));
            }
            for draft in drafts.iter().filter(|d| d.propagates(attach)) {
                let table = build.tgw_rtbs[&draft.index];
                let down = Session::new(gateway, table, SessionKind::Internal, Class::DirectConnectGateway);
                build.tell(down.exporting(Export::dxgw_to_gateway()), Way::Attach(attach));
            }
        }
    }

    /// Routes that are written at routers.
    fn router_statics(&mut self, build: &mut Build) {
        let routers = self.spec.routers.clone();
        for (name, router) in &routers {
            let index = self.ids.routers[name.value.as_str()];
            let table = build.routers[index];
            for route in &router.routes {
                if let Some(hop) = self.static_hop(build, index, &route.via) {
                    build.own(table, route.to.value, Class::Static, hop);
                }
            }
        }
    }

    /// Where a written route of a router leads; nowhere while that is down.
    fn static_hop(&mut self, build: &Build, router: RouterIx, via: &Spanned<String>) -> Option<NextHop> {
        let name = via.value.as_str();
        match name {
            "internet" => return Some(NextHop::Internet),
            "discard" => return Some(NextHop::Discard),
            _ => {}
        }
        let tunnels = match self.ids.tunnels.get(name) {
            Some(tunnel) => vec![*tunnel],
            None => self.ids.vpn_tunnels.get(name).cloned().unwrap_or_default(),
        };
        if !tunnels.is_empty() {
            let own = tunnels.iter().copied().find(|t| self.fabric.tunnels[*t].router == Some(router));
            if own.is_none() {
                let message = format!("`{via}` does not end at this router");
                self.problem(Diagnostic::error("route-target", via.span, message));
            }
            return tunnels.into_iter().find(|t| self.fabric.tunnels[*t].up).map(NextHop::Tunnel);
        }
        if let Some(vif) = self.ids.vifs.get(name).copied() {
            return self.fabric.vifs[vif].up.then_some(NextHop::Vif(vif));
        }
        if let Some(other) = self.ids.routers.get(name).copied() {
            let link = build.links.get(&(router.min(other), router.max(other))).copied();
            if link.is_none() {
                let message = format!("`{via}` is no neighbour of this router");
                self.problem(
                    Diagnostic::error("route-target", via.span, message)
                        .help(format!("add `neighbors: [{{peer: {via}}}]` to one of them")),
                );
            }
            return link.map(|link| NextHop::Router(other, link));
        }
        let known = self.ids.vpn_tunnels.keys().chain(self.ids.vifs.keys()).chain(self.ids.routers.keys());
        let known: Vec<String> = known.cloned().collect();
        self.unknown(via, "way", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }

    /// Gateways that something which is not described may tell a route.
    fn completeness(&mut self) {
        for vif in self.fabric.vifs.iter().filter(|vif| vif.router.is_none()) {
            match vif.end {
                VifEnd::Vgw(vgw) => self.fabric.vgws[vgw].complete = false,
                VifEnd::Dxgw(dxgw) => self.fabric.dxgws[dxgw].complete = false,
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

    /// What a router is told to do with a neighbour; the first key that it names.
    fn neighbor(&self, router: RouterIx, keys: &[&str]) -> Option<&Neighbor> {
        let written = &self.spec.routers[self.names.routers[router].id.as_str()];
        keys.iter().find_map(|key| written.neighbors.iter().map(|n| &n.value).find(|n| n.peer.value == *key))
    }

    fn shut_down(&self, router: RouterIx, keys: &[&str]) -> bool {
        self.neighbor(router, keys).is_some_and(|n| n.shutdown == Some(true))
    }

    fn export_of(&self, router: RouterIx, keys: &[&str]) -> Export {
        // What is written or not to be originated is the router's alone.
        let mut export = Export::only(&[Class::Local, Class::Bgp]);
        let Some(n) = self.neighbor(router, keys) else { return export };
        if let Some(announces) = &n.announces {
            export.filter = Filter::Exact(announces.iter().map(|p| p.value).collect());
        }
        if n.default_originate == Some(true) {
            export.originate.push(Cidr::ALL_V4);
        }
        export.prepend = n.prepend.map_or(0, |p| p.value);
        export.med = n.med;
        export.communities = Communities::new(n.communities.iter().filter_map(|c| community(&c.value)));
        export
    }

    fn import_of(&self, router: RouterIx, keys: &[&str]) -> Import {
        let Some(n) = self.neighbor(router, keys) else { return Import::default() };
        let accept = n.accepts.as_ref().map(|list| {
            let entry = |p: &Spanned<Cidr>| Accept { block: p.value, le: if p.is_v4() { 32 } else { 128 } };
            list.iter().map(entry).collect()
        });
        let preference = n.local_preference.map_or(Preference::Default, Preference::Set);
        Import { accept, preference, ..Import::default() }
    }

    /// What a table uses, as a forwarding table.
    fn fib(
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
            usable.push((to, routes.push(FibRoute { to, hops: hops.into(), row })));
        }
        Fib { routes, v4: super::vpc::lpm(&usable), v6: super::vpc::lpm(&usable), none: old.none }
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

    fn learnt_by_tgw(&self, build: &Build, rib: &crate::control::Rib) -> Vec<(Cidr, bool, TgwTarget, String)> {
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
                    out.push((to, true, TgwTarget::Attach(attach), says));
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
                    out.push((to, false, TgwTarget::Vpn(legs.into()), says));
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
fn next_hop(build: &Build, table: TableIx, route: &Route) -> Option<NextHop> {
    match route.via {
        Via::Local(id) => build.own.get(&(table, id)).copied(),
        Via::Peer(peer) => match build.ways[peer.session] {
            Way::Next(hop) => Some(hop),
            Way::Vpn(..) | Way::Attach(_) => None,
        },
    }
}

/// VPN-12: a VPN connection carries one family, and here that is IPv4.
fn v4_only(mut import: Import) -> Import {
    let all = Accept { block: Cidr::ALL_V4, le: 32 };
    import.accept = Some(match import.accept {
        Some(list) => list.into_iter().filter(|entry| entry.block.is_v4()).collect(),
        None => vec![all],
    });
    import
}

/// `7224:7300`, or a name of RFC 1997.
fn community(text: &str) -> Option<u32> {
    match text {
        "no-export" => return Some(Communities::NO_EXPORT),
        "no-advertise" => return Some(Communities::NO_ADVERTISE),
        _ => {}
    }
    let (system, value) = text.split_once(':')?;
    Some(u32::from(system.parse::<u16>().ok()?) << 16 | u32::from(value.parse::<u16>().ok()?))
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
