//! Variants of a VPN connection on a transit gateway: IPv6 inside, acceleration, large tunnels, private outer addresses.
//!
//! | option | needs | rules out |
//! |---|---|---|
//! | `tunnel_inside_ip_version: ipv6` | transit gateway | |
//! | `accelerated` | transit gateway | AWS that begins or begins anew, large tunnels, private addresses |
//! | `tunnel_bandwidth: large` | transit gateway | acceleration |
//! | `outside_ip_address_type: private_ipv4` | transit gateway with `cidrs`, its Direct Connect gateway, a private address of the customer's | acceleration |
//!
//! Not modelled: what acceleration gains in latency, which AWS gives no number for; a VPN over a public virtual interface.

use super::context::Context;
use crate::base::Bandwidth;
use crate::base::ids::TunnelIx;
use crate::diag::Diagnostic;
use crate::fabric::{TgwAttachKind, Transport, VifEnd, VpnEnd};
use crate::spec::{
    DpdAction, InsideIpVersion, OutsideIpAddressType, Spanned, StartupAction, TunnelBandwidth, VpnConnection, VpnTunnel,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// What a standard tunnel carries (VPN-13).
const STANDARD: Bandwidth = Bandwidth(1_250_000_000);
/// What a large one carries (VPN-43).
const LARGE: Bandwidth = Bandwidth::gbps(5);

/// What kind of connection it is.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub(super) v4: bool,
    pub(super) accelerated: bool,
    pub(super) bandwidth: Bandwidth,
    pub(super) private: bool,
}

impl Context {
    /// VPN-30, VPN-33, VPN-35, VPN-36, VPN-43: what is written, as far as AWS has it together.
    pub(super) fn vpn_variant(&mut self, name: &Spanned<String>, connection: &VpnConnection, end: VpnEnd) -> Variant {
        let on_tgw = matches!(end, VpnEnd::Tgw(_));
        let ipv6 = connection.tunnel_inside_ip_version.filter(|version| version.value == InsideIpVersion::Ipv6);
        let accelerated = connection.accelerated.filter(|accelerated| accelerated.value);
        let large = connection.tunnel_bandwidth.filter(|bandwidth| bandwidth.value == TunnelBandwidth::Large);
        let private = connection.outside_ip_address_type.filter(|t| t.value == OutsideIpAddressType::PrivateIpv4);
        let mut refuse = |span, message: String, help: &'static str| {
            self.problem(Diagnostic::error("vpn-option", span, message).help(help));
        };
        let spans = [
            (ipv6.map(|o| o.span), "IPv6 inside"),
            (accelerated.map(|o| o.span), "acceleration"),
            (large.map(|o| o.span), "large tunnels"),
            (private.map(|o| o.span), "private outer addresses"),
        ];
        if !on_tgw {
            for (span, what) in spans {
                if let Some(span) = span {
                    let message = format!("`{name}` is on a virtual private gateway, which has no {what}");
                    refuse(span, message, "AWS has this on a transit gateway");
                }
            }
        }
        if let Some(accelerated) = accelerated {
            for (span, what) in &spans[2..] {
                if let Some(span) = span {
                    refuse(*span, format!("`{name}` is accelerated, and has {what}"), "AWS has one or the other");
                }
            }
            for tunnel in &connection.tunnels {
                if tunnel.startup_action == Some(StartupAction::Start) || tunnel.dpd_action == Some(DpdAction::Restart)
                {
                    let message = format!("`{name}` is accelerated, and AWS is to begin a tunnel of it");
                    refuse(accelerated.span, message, "only the customer's end opens an accelerated connection");
                }
            }
        }
        if let (None, Some(transport)) = (private, &connection.transport_transit_gateway_attachment) {
            let message = format!("`{name}` has a transport attachment, and public outer addresses");
            refuse(transport.span, message, "write `outside_ip_address_type: private_ipv4`");
        }
        Variant {
            v4: ipv6.is_none() || !on_tgw,
            accelerated: accelerated.is_some() && on_tgw,
            bandwidth: if large.is_some() && on_tgw { LARGE } else { STANDARD },
            private: private.is_some() && on_tgw,
        }
    }

    /// Addresses that are taken in the blocks of transit gateways: those of Connect peers, and written ones of tunnels.
    pub(super) fn taken_of_blocks(&self, connections: &crate::spec::Named<VpnConnection>) -> BTreeSet<IpAddr> {
        let peers = self.spec.transit_gateway_connects.values().flat_map(|c| &c.peers);
        let written = connections.values().flat_map(|c| &c.tunnels).filter_map(|t| t.outside_address);
        let written = written.map(|address| IpAddr::V4(address.value));
        peers.map(|peer| peer.transit_gateway_address.value).chain(written).collect()
    }

    /// VPN-36: AWS's outer address of a private tunnel, from a block of the transit gateway.
    pub(super) fn private_aws(
        &mut self,
        name: &Spanned<String>,
        connection: &VpnConnection,
        tunnel: &VpnTunnel,
        taken: &mut BTreeSet<IpAddr>,
    ) -> Option<Ipv4Addr> {
        let tgw = connection.transit_gateway.as_ref()?;
        let all = self.spec.transit_gateways.get(tgw.value.as_str()).map(|t| t.cidrs.clone()).unwrap_or_default();
        let blocks: Vec<_> = all.iter().map(|block| block.value).filter(|block| block.is_v4()).collect();
        if let Some(written) = tunnel.outside_address {
            if !blocks.iter().any(|block| block.contains(written.value.into())) {
                let message = format!("`{written}` is in no block of transit gateway `{tgw}`");
                self.problem(
                    Diagnostic::error("vpn-outside", written.span, message)
                        .help("AWS's outer address of a private IP VPN comes from `cidrs` of the transit gateway"),
                );
            }
            return Some(written.value);
        }
        let free = blocks.iter().find_map(|block| {
            let mut inside = (1..1 << 16).map_while(|n| block.nth(n));
            inside.find(|address| block.contains(*address) && !taken.contains(address))
        });
        let Some(IpAddr::V4(free)) = free else {
            let message = format!("transit gateway `{tgw}` has no address for a tunnel of `{name}`");
            self.problem(
                Diagnostic::error("vpn-outside", tgw.span, message).help("add `cidrs: [...]` to the transit gateway"),
            );
            return None;
        };
        taken.insert(free.into());
        Some(free)
    }

    /// VPN-36: the customer's outer address of a private connection is a private one.
    pub(super) fn check_private_customer(&mut self, connection: &VpnConnection, address: Option<Spanned<Ipv4Addr>>) {
        let cgw = &connection.customer_gateway;
        let (span, message) = match address {
            Some(address) if address.is_private() => return,
            Some(address) => (address.span, format!("`{cgw}` has the public address {address}")),
            None => (cgw.span, format!("`{cgw}` has no `ip_address`")),
        };
        self.problem(
            Diagnostic::error("vpn-outside", span, message)
                .help("a private IP VPN ends at a private address of the router, in a block that it announces"),
        );
    }

    /// What carries private connections. Associations and virtual interfaces are there.
    pub(super) fn private_connections(&mut self) {
        let connections = std::mem::take(&mut self.spec.vpn_connections);
        let private =
            |c: &VpnConnection| c.outside_ip_address_type.is_some_and(|t| t.value == OutsideIpAddressType::PrivateIpv4);
        for (name, connection) in connections.iter().filter(|(_, c)| private(c)) {
            let tunnels = self.ids.vpn_tunnels.get(name.value.as_str()).cloned().unwrap_or_default();
            let Some(VpnEnd::Tgw(attach)) = tunnels.first().map(|t| self.fabric.tunnels[*t].end) else { continue };
            let transport = self.transport(name, connection, self.fabric.tgw_attaches[attach].tgw);
            for tunnel in tunnels {
                self.fabric.tunnels[tunnel].transport = transport;
                let carried = transport.is_some_and(|transport| self.has_line(tunnel, transport));
                let t = &mut self.fabric.tunnels[tunnel];
                t.enabled &= transport.is_some();
                if !t.enabled || self.live.is_none() && !carried {
                    t.up = [false; 2];
                }
            }
        }
        self.spec.vpn_connections = connections;
    }

    /// The association that carries a connection. Which tables the two attachments use is nobody's concern here (VPN-38).
    fn transport(
        &mut self,
        name: &Spanned<String>,
        connection: &VpnConnection,
        tgw: crate::base::ids::TgwIx,
    ) -> Option<Transport> {
        let Some(written) = &connection.transport_transit_gateway_attachment else {
            let message = format!("`{name}` has private outer addresses, and nothing to carry it");
            self.problem(Diagnostic::error("missing-field", name.span, message).help(
                "add `transport_transit_gateway_attachment: ...`, the association with a Direct Connect gateway",
            ));
            return None;
        };
        let attach = self.attachment_named(written, Some(tgw))?;
        let TgwAttachKind::Dxgw(dxgw) = self.fabric.tgw_attaches[attach].kind else {
            let message = format!("`{written}` cannot carry a private IP VPN");
            self.problem(
                Diagnostic::error("vpn-transport", written.span, message)
                    .help("name the association of the transit gateway with a Direct Connect gateway"),
            );
            return None;
        };
        let router = self.ids.cgw_routers.get(connection.customer_gateway.value.as_str()).copied();
        let ends_here = |v: &crate::fabric::Vif| v.end == VifEnd::Dxgw(dxgw) && v.router == router;
        if let Some(router) = router
            && !self.fabric.vifs.iter().any(ends_here)
        {
            let router = &self.names.routers[router].id;
            let message = format!("no virtual interface of `{}` ends at `{router}`", self.names.dxgws[dxgw].id);
            self.problem(
                Diagnostic::error("vpn-transport", written.span, message)
                    .help("a private IP VPN needs a transit virtual interface at the same router"),
            );
        }
        Some(Transport { attach, dxgw })
    }

    /// Whether a virtual interface is up that could carry a tunnel. Whether routes lead there comes later.
    fn has_line(&self, tunnel: TunnelIx, transport: Transport) -> bool {
        let router = self.fabric.tunnels[tunnel].router;
        let fits = |v: &crate::fabric::Vif| v.end == VifEnd::Dxgw(transport.dxgw) && v.router == router && v.up;
        self.fabric.vifs.iter().any(fits)
    }
}
