//! Who tells whom: the sessions between routers, in tunnels, over virtual interfaces, and what AWS's gateways hand each other.

use super::context::Context;
use super::converge::{Build, Way};
use super::direct_connect_views::AwsEnd;
use super::tgw_route_table::TgwDraft;
use super::vpn::AMAZON_ASN;
use crate::base::ids::{RouterIx, TgwAttachIx, TunnelIx};
use crate::base::{Cidr, Nanos};
use crate::control::{Accept, Class, Export, Import, Session, SessionKind};
use crate::diag::Diagnostic;
use crate::fabric::{Line, NextHop, VifEnd, VpnEnd};
use crate::spec::{LinkSpec, Spanned};
use crate::verdict::Side;
use std::collections::BTreeMap;

/// One-way latency between two routers that name none.
const ROUTER_LATENCY: Nanos = Nanos::from_micros(500);

impl Context {
    /// Sessions between routers, inside a site or between sites.
    pub(super) fn router_sessions(&mut self, build: &mut Build) {
        let routers = self.spec.routers.clone();
        let mut pairs: BTreeMap<(RouterIx, RouterIx), (LinkSpec, bool)> = BTreeMap::new();
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
                let line = &mut pair.0;
                line.latency = line.latency.or(neighbor.latency);
                line.bandwidth = line.bandwidth.or(neighbor.bandwidth);
                line.loss = line.loss.or(neighbor.loss);
                pair.1 |= neighbor.shutdown.unwrap_or(false);
            }
        }
        for ((a, b), (line, shutdown)) in pairs {
            let name = format!("{} to {}", self.names.routers[a].id, self.names.routers[b].id);
            let link = self.named_link(name, line, ROUTER_LATENCY);
            let speakers = self.speakers(Line::Routers(link), Self::router_link(build.links.len()), [Some(a), Some(b)]);
            build.links.insert((a, b), link);
            let names = [a, b].map(|router| self.names.routers[router].id.clone());
            let asns = [a, b].map(|router| build.plan.tables[build.routers[router]].asn);
            let bgp = self.bgp(build, speakers, asns, [&[&names[1]], &[&names[0]]]);
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
    pub(super) fn known_peer(&mut self, peer: &Spanned<String>) {
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
    pub(super) fn tunnel_sessions(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        let connections = self.spec.vpn_connections.clone();
        for (name, connection) in &connections {
            let tunnels = self.ids.vpn_tunnels.get(name.value.as_str()).cloned().unwrap_or_default();
            if connection.static_routes_only == Some(true) {
                self.static_vpn(build, &tunnels, &connection.static_routes);
                continue;
            }
            // BGP-19: while one endpoint is updated, the other tunnel.
            let updating = |n: usize| connection.tunnels.get(n).is_some_and(|t| t.value.updating == Some(true));
            let preferred = usize::from(updating(0) && !updating(1));
            for (n, tunnel) in tunnels.iter().copied().enumerate() {
                let t = self.fabric.tunnels[tunnel].clone();
                let Some(router) = t.router else { continue };
                let id = self.names.tunnels[tunnel].id.clone();
                let (site, keys) = (build.routers[router], [id.as_str(), name.value.as_str()]);
                // What nothing carries is down at rest; in a run the ends notice.
                let carried = t.transport.is_none() || self.live.is_some() || t.up != [false; 2];
                let up = t.enabled && carried && !self.shut_down(router, &keys);
                let Some(speakers) = t.speakers else { continue };
                let amazon = match t.end {
                    VpnEnd::Vgw(vgw) => build.plan.tables[build.vgws[vgw]].asn,
                    VpnEnd::Tgw(attach) => self.asn_of_tgw(attach),
                };
                let bgp = self.bgp(build, speakers, [build.plan.tables[site].asn, amazon], [&keys, &[]]);
                let (mut export, import) =
                    (self.export_of(router, &keys), one_family(self.import_of(router, &keys), t.is_v4()));
                if !t.is_v4() {
                    // Its default route is the one of the connection's family.
                    export.originate.iter_mut().for_each(|to| *to = Cidr::ALL_V6);
                }
                // BGP-45.
                let class = match (updating(n), t.transport) {
                    (true, _) => Class::Floating,
                    (false, Some(_)) => Class::PrivateVpn,
                    (false, None) => Class::Vpn,
                };
                let to_site = Way::Next(NextHop::Tunnel(tunnel));
                match t.end {
                    VpnEnd::Vgw(vgw) => {
                        let table = build.vgws[vgw];
                        let kind = build.kind(table, site);
                        let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
                        let tells = Export::vgw_to_site().by_tunnel(n == preferred);
                        build.tell(down.exporting(tells).importing(import).of_bgp(bgp), to_site);
                        let session = Session { up, ..Session::new(site, table, kind, class) };
                        build.tell(
                            session.exporting(export).importing(one_family(Import::default(), t.is_v4())).of_bgp(bgp),
                            to_site,
                        );
                    }
                    VpnEnd::Tgw(attach) => {
                        // TGW-3, BGP-20: it tells the table that routes what comes by it.
                        if let Some(rtb) = self.fabric.tgw_attaches[attach].rtb {
                            let table = build.tgw_rtbs[&rtb];
                            let kind = build.kind(table, site);
                            let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
                            let tells = Export::tgw_to_site().by_tunnel(n == preferred);
                            build.tell(down.exporting(tells).importing(import).of_bgp(bgp), to_site);
                        }
                        for draft in drafts.iter().filter(|d| d.propagates(attach)) {
                            let table = build.tgw_rtbs[&draft.index];
                            let kind = build.kind(site, table);
                            let session = Session { up, ..Session::new(site, table, kind, class) };
                            let heard = one_family(Import::default(), t.is_v4());
                            let session = session.exporting(export.clone()).importing(heard).of_bgp(bgp);
                            build.tell(session, Way::Vpn(attach, tunnel));
                        }
                    }
                }
            }
        }
    }

    pub(super) fn asn_of_tgw(&self, attach: TgwAttachIx) -> u32 {
        let tgw = self.fabric.tgw_attaches[attach].tgw;
        self.spec.transit_gateways[self.names.tgws[tgw].id.as_str()].asn.unwrap_or(AMAZON_ASN)
    }

    /// VPN-8: a connection with static routing: one tunnel carries everything while it is up.
    pub(super) fn static_vpn(&mut self, build: &mut Build, tunnels: &[TunnelIx], routes: &[Spanned<Cidr>]) {
        let Some(tunnel) = tunnels.iter().copied().find(|t| self.fabric.tunnels[*t].is_up(Side::Aws)) else { return };
        if let VpnEnd::Vgw(vgw) = self.fabric.tunnels[tunnel].end {
            for to in routes {
                build.own(build.vgws[vgw], to.value, Class::VpnStatic, NextHop::Tunnel(tunnel));
            }
        }
    }

    pub(super) fn vif_sessions(&mut self, build: &mut Build) {
        for vif in self.fabric.vifs.indices() {
            let v = self.fabric.vifs[vif].clone();
            let Some(router) = v.router else {
                self.registered_routes(build, vif);
                continue;
            };
            let id = self.names.vifs[vif].id.clone();
            let keys = [id.as_str()];
            let up = v.up && !self.shut_down(router, &keys);
            let Some(speakers) = v.speakers else { continue };
            let site = build.routers[router];
            let ends = match v.end {
                VifEnd::Vgw(vgw) => vec![AwsEnd::of_vgw(build.vgws[vgw])],
                VifEnd::Dxgw(dxgw) => self.dxgw_ends(build, dxgw, vif),
                VifEnd::Public(location) => self.public_ends(build, vif, location),
            };
            let Some(first) = ends.first() else { continue };
            let asns = [site, first.table].map(|table| build.plan.tables[table].asn);
            let bgp = self.bgp(build, speakers, asns, [&keys, &[]]);
            for AwsEnd { table, tells, class, hears, limit } in ends {
                let kind = build.kind(table, site);
                let way = Way::Next(NextHop::Vif(vif));
                let down = Session { up, ..Session::new(table, site, kind, Class::Bgp) };
                build.tell(down.exporting(tells).importing(self.import_of(router, &keys)).of_bgp(bgp), way);
                let session = Session { up, ..Session::new(site, table, kind, class) };
                let session = session.exporting(self.export_of(router, &keys)).importing(hears);
                build.tell(session.of_bgp(bgp).limited(limit), way);
            }
        }
    }

    pub(super) fn association_sessions(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        let associations = self.spec.direct_connect_gateway_associations.clone();
        for (name, association) in &associations {
            let Some(dxgw) = self.ids.dxgws.get(association.direct_connect_gateway.value.as_str()).copied() else {
                continue;
            };
            let gateway = build.dxgw_for(dxgw, self.association_region(association));
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
}

/// VPN-12, VPN-30: a VPN connection carries one family.
fn one_family(mut import: Import, v4: bool) -> Import {
    let all = if v4 { Accept { block: Cidr::ALL_V4, le: 32 } } else { Accept { block: Cidr::ALL_V6, le: 128 } };
    import.accept = Some(match import.accept {
        Some(list) => list.into_iter().filter(|entry| entry.block.is_v4() == v4).collect(),
        None => vec![all],
    });
    import
}
