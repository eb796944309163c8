//! Customer gateways, virtual private gateways, VPN connections and their tunnels.

use super::context::{Context, label};
use super::vpn_inside::Inside;
use super::vpn_tunnel::suite;
use crate::base::rng::salt;
use crate::diag::{Diagnostic, Span};
use crate::fabric::{Fib, TgwAttachKind, TunnelLife, Vgw, VpnEnd, VpnTunnel};
use crate::names::Label;
use crate::spec::{self, Spanned};
use crate::verdict::{Dir, Row, RowKind};
use crate::wire::esp::inner_mtu;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// Implied rows of a virtual private gateway, in the order of `VgwRow`.
const VGW_ROWS: [(RowKind, Dir); 4] = [
    (RowKind::VgwEnter, Dir::In),
    (RowKind::VgwUnknown, Dir::In),
    (RowKind::VgwNoVpc, Dir::In),
    (RowKind::VgwMtu, Dir::In),
];
/// Implied rows of a tunnel, in the order of `TunnelRow`.
const TUNNEL_ROWS: [(RowKind, Dir); 8] = [
    (RowKind::TunnelPass, Dir::In),
    (RowKind::TunnelMtu, Dir::In),
    (RowKind::TunnelDown, Dir::In),
    (RowKind::TunnelUnknown, Dir::In),
    (RowKind::TunnelBad, Dir::In),
    (RowKind::TunnelFamily, Dir::In),
    (RowKind::TunnelNoCarrier, Dir::In),
    (RowKind::TunnelNatIdle, Dir::In),
];
/// MTU of the path between the two ends of a tunnel, in bytes (VPN-4). Direct Connect's is no larger for them (VPN-39).
const OUTER_MTU: u32 = 1500;
/// The number of a gateway or router that names none.
pub(super) const CUSTOMER_ASN: u32 = 65000;
/// The same for Amazon's side.
pub(super) const AMAZON_ASN: u32 = 64512;

/// What was chosen for tunnels so far, where nobody wrote it.
struct Chosen {
    inside: Inside,
    /// How many outer addresses.
    outside: u32,
    /// Taken addresses in blocks of transit gateways.
    private: BTreeSet<IpAddr>,
}

impl Context {
    pub(super) fn vpn_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.vpn_gateways);
        let mut by_vpc: BTreeMap<crate::base::ids::VpcIx, Span> = BTreeMap::new();
        for (name, gateway) in &gateways {
            let vpc = gateway.vpc.as_ref().and_then(|vpc| self.vpc_named(vpc));
            self.check_asn(gateway.asn.as_ref());
            if let Some(vpc) = vpc
                && let Some(other) = by_vpc.insert(vpc, name.span)
            {
                // VPN-1.
                let message = format!("`{name}` is a second virtual private gateway of its VPC");
                self.problem(Diagnostic::error("second-vpn-gateway", name.span, message).note(other, "the other one"));
            }
            let index = self.fabric.vgws.next_index();
            let rows = self.row_block(index.0, &VGW_ROWS);
            let fib = self.empty_fib(RowKind::VgwRouteNone, index.0);
            self.fabric.vgws.push(Vgw { vpc, edge: None, fib, complete: true, rows });
            self.names.vgws.push(label(name, gateway.name_tag.as_ref()));
            self.ids.vgws.insert(name.value.clone(), index);
        }
        self.spec.vpn_gateways = gateways;
    }

    /// A forwarding table without routes.
    pub(super) fn empty_fib(&mut self, none: RowKind, owner: u32) -> Fib {
        let none = self.row(Row::plain(none, owner));
        Fib { routes: crate::base::IndexVec::new(), v4: super::vpc::lpm(&[]), v6: super::vpc::lpm(&[]), none }
    }

    /// VPN-2: 1 to 4294967294.
    pub(super) fn check_asn(&mut self, asn: Option<&Spanned<u32>>) {
        if let Some(asn) = asn
            && !(1..=4_294_967_294).contains(&asn.value)
        {
            let message = format!("{} is no autonomous system number", asn.value);
            self.problem(Diagnostic::error("asn-range", asn.span, message).help("AWS takes 1 to 4294967294"));
        }
    }

    pub(super) fn customer_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.customer_gateways);
        for (name, gateway) in &gateways {
            self.check_asn(gateway.asn.as_ref());
            let Some(router) = &gateway.router else { continue };
            let Some(index) = self.router_named(router) else { continue };
            let written = self.spec.routers[router.value.as_str()].clone();
            let asn = |asn: &Option<Spanned<u32>>| asn.map_or(CUSTOMER_ASN, |asn| asn.value);
            if gateway.asn.is_some() && asn(&gateway.asn) != asn(&written.asn) {
                let message =
                    format!("`{name}` has ASN {}, its router `{router}` {}", asn(&gateway.asn), asn(&written.asn));
                self.problem(
                    Diagnostic::error("asn-differs", gateway.asn.map_or(name.span, |asn| asn.span), message)
                        .help("a BGP session comes up only with the number that the other side expects"),
                );
            }
            // A private one is for Direct Connect.
            if let (Some(ip), Some(own)) = (gateway.ip_address.filter(|ip| !ip.is_private()), written.public_ip)
                && ip.value != own.value
            {
                let message = format!("`{name}` has address {ip}, its router `{router}` {own}");
                self.problem(Diagnostic::error("address-differs", ip.span, message));
            }
            self.ids.cgw_routers.insert(name.value.clone(), index);
        }
        self.spec.customer_gateways = gateways;
    }

    pub(super) fn vpn_connections(&mut self) {
        let connections = std::mem::take(&mut self.spec.vpn_connections);
        let mut chosen = Chosen {
            inside: self.inside_blocks(&connections),
            outside: 0,
            private: self.taken_of_blocks(&connections),
        };
        for (name, connection) in &connections {
            self.vpn_connection(name, connection, &mut chosen);
        }
        self.spec.vpn_connections = connections;
    }

    fn vpn_connection(&mut self, name: &Spanned<String>, connection: &spec::VpnConnection, chosen: &mut Chosen) {
        let end = match (&connection.vpn_gateway, &connection.transit_gateway) {
            (Some(vgw), None) => self.vgw_named(vgw).map(VpnEnd::Vgw),
            (None, Some(tgw)) => self.tgw_named(tgw).map(|tgw| {
                let kind = TgwAttachKind::Vpn(Box::default());
                let label = label(name, connection.name_tag.as_ref());
                VpnEnd::Tgw(self.add_attachment(tgw, kind, connection.state, label))
            }),
            _ => {
                let message = format!("`{name}` needs a `vpn_gateway` or a `transit_gateway`, one of them");
                self.problem(Diagnostic::error("missing-field", name.span, message));
                None
            }
        };
        let Some(cgw) = self.spec.customer_gateways.get(connection.customer_gateway.value.as_str()).cloned() else {
            let known: Vec<String> = self.spec.customer_gateways.keys().map(|n| n.value.clone()).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.unknown(&connection.customer_gateway, "customer gateway", &known);
            return;
        };
        let Some(end) = end else { return };
        if connection.tunnels.len() > 2 {
            let message = format!("`{name}` has {} tunnels, a VPN connection has two", connection.tunnels.len());
            self.problem(Diagnostic::error("tunnels", name.span, message));
        }
        let router = self.ids.cgw_routers.get(connection.customer_gateway.value.as_str()).copied();
        let written = router.map(|router| self.spec.routers[self.names.routers[router].id.as_str()].clone());
        let variant = self.vpn_variant(name, connection, end);
        let customer = match variant.private {
            true => cgw.ip_address,
            false => cgw.ip_address.or(written.as_ref().and_then(|r| r.public_ip)),
        };
        if variant.private {
            self.check_private_customer(connection, customer);
        }
        // VPN-34. What is in front of the router on its way to the internet is not there on Direct Connect.
        let natt = variant.accelerated || !variant.private && written.is_some_and(|r| r.behind_nat == Some(true));
        for n in 0..2usize {
            let tunnel = connection.tunnels.get(n).map(|t| t.value.clone()).unwrap_or_default();
            let Some(inside) = chosen.inside.of(&tunnel, variant.v4) else {
                let message = format!("no block is left for the inside of `{name}`");
                self.problem(
                    Diagnostic::error("inside-cidr", name.span, message)
                        .help("write `inside_cidr`: tunnels of different gateways may have the same one"),
                );
                return;
            };
            // AWS's outer addresses come from the benchmark block (RFC 2544) if nobody wrote them.
            chosen.outside += 1;
            let free = Ipv4Addr::from(0xc613_0000 + chosen.outside);
            let aws = match variant.private {
                true => self.private_aws(name, connection, &tunnel, &mut chosen.private).unwrap_or(free),
                false => tunnel.outside_address.map_or(free, |a| a.value),
            };
            let customer = customer.map_or(Ipv4Addr::from(0xc612_fe00), |a| a.value);
            let suite = suite(tunnel.encryption, tunnel.integrity);
            let id = format!("{name}/{}", n + 1);
            let index = self.fabric.tunnels.next_index();
            let replay_window = self.replay_window(tunnel.replay_window);
            let rows = self.row_block(index.0, &TUNNEL_ROWS);
            let enabled = tunnel.up.unwrap_or(true) && usable(connection.state);
            // What the ends have noticed in a run; else everything is as it is written.
            let seen = self.live.as_ref().map_or([true; 2], |live| live.tunnels[index]);
            let link = self.tunnel_link(&id, tunnel.loss, variant);
            let life = TunnelLife { aws_renews: !variant.accelerated, ..self.tunnel_life(&tunnel) };
            let side = |n: u64| inside.nth(n).expect("a block of four addresses");
            self.fabric.tunnels.push(VpnTunnel {
                end,
                router,
                outside: [aws, customer],
                inside: [side(1), side(2)],
                suite,
                natt,
                mtu: inner_mtu(suite, natt, OUTER_MTU),
                replay_window,
                up: [enabled && seen[0], enabled && seen[1]],
                enabled,
                link,
                transport: None,
                speakers: None,
                life,
                salt: salt(&id),
                rows,
            });
            self.names.tunnels.push(Label { id: id.clone(), tag: None, span: name.span });
            self.ids.tunnels.insert(id, index);
            self.ids.vpn_tunnels.entry(name.value.clone()).or_default().push(index);
        }
        if let VpnEnd::Tgw(attach) = end {
            let tunnels = self.ids.vpn_tunnels[name.value.as_str()].clone();
            self.fabric.tgw_attaches[attach].kind = TgwAttachKind::Vpn(tunnels.into());
        }
    }
}

fn usable(state: Option<spec::AttachmentState>) -> bool {
    use spec::AttachmentState as S;
    matches!(state.unwrap_or(S::Available), S::Available | S::Modifying | S::RollingBack)
}
