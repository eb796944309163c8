//! Site-to-Site VPN connections (`describe-vpn-connections`).
//!
//! What their options do not say of the tunnels is read from the configuration for the other end. Not
//! modelled: IPv6 outside, private addresses over what the export lacks, connections of Cloud WAN.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Maybe, Tags, Text};
use super::tgw_attachment::state;
use super::transit_gateway::has_gateway;
use super::vpn_xml::{self, Configuration};
use crate::base::{Cidr, Nanos};
use crate::diag::{Diagnostic, Span};
use crate::spec::{
    CustomerGateway, DpdAction, InsideIpVersion, Name, OutsideIpAddressType, Spanned, StartupAction, TunnelBandwidth,
    VpnConnection, VpnTunnel,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Connection {
    vpn_connection_id: Text,
    customer_gateway_id: Text,
    vpn_gateway_id: Text,
    pub(super) transit_gateway_id: Text,
    core_network_arn: Text,
    vpn_concentrator_id: Text,
    state: Text,
    options: Options,
    routes: List<Route>,
    vgw_telemetry: List<Telemetry>,
    customer_gateway_configuration: Configuration,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    static_routes_only: Option<bool>,
    enable_acceleration: Option<bool>,
    tunnel_inside_ip_version: Text,
    outside_ip_address_type: Text,
    transport_transit_gateway_attachment_id: Text,
    tunnel_bandwidth: Text,
    tunnel_options: List<TunnelOption>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct TunnelOption {
    outside_ip_address: Maybe<IpAddr>,
    tunnel_inside_cidr: Maybe<Cidr>,
    tunnel_inside_ipv6_cidr: Maybe<Cidr>,
    phase2_encryption_algorithms: List<Algorithm>,
    phase2_integrity_algorithms: List<Algorithm>,
    dpd_timeout_seconds: Option<u32>,
    dpd_timeout_action: Text,
    startup_action: Text,
    phase1_lifetime_seconds: Option<u32>,
    phase2_lifetime_seconds: Option<u32>,
    rekey_margin_time_seconds: Option<u32>,
    rekey_fuzz_percentage: Option<u32>,
    replay_window_size: Option<u32>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Algorithm {
    value: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Route {
    destination_cidr_block: Maybe<Cidr>,
    state: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Telemetry {
    outside_ip_address: Maybe<IpAddr>,
    status: Text,
}

/// How to call one over Direct Connect of which the export lacks something.
const PRIVATE: &str = "private IP VPN connection";

impl Resource for Connection {
    const KIND: &'static str = "VPN connection";
    const ID: &'static str = "VpnConnectionId";
    fn id(&self) -> &str {
        self.vpn_connection_id.text()
    }
}

impl Options {
    fn is_private(&self) -> bool {
        self.outside_ip_address_type.text() == "PrivateIpv4"
            || !self.transport_transit_gateway_attachment_id.text().is_empty()
    }
}

impl Connection {
    pub(super) fn is_gone(&self) -> bool {
        GONE.contains(&self.state.text())
    }

    /// How to call it if it is of a variant that is not modelled.
    fn variant(&self) -> Option<&'static str> {
        let options = &self.options;
        let outside = options.outside_ip_address_type.text();
        let v6 = |t: &TunnelOption| t.outside_ip_address.0.is_some_and(|address| address.is_ipv6());
        Some(if !self.core_network_arn.text().is_empty() {
            "VPN connection of a Cloud WAN core network"
        } else if !self.vpn_concentrator_id.text().is_empty() {
            "VPN connection of a VPN concentrator"
        } else if options.is_private() && options.transport_transit_gateway_attachment_id.text().is_empty() {
            PRIVATE
        } else if matches!(outside, "PublicIpv6" | "Ipv6") || options.tunnel_options.iter().any(v6) {
            "VPN connection over IPv6"
        } else {
            return None;
        })
    }
}

/// Writes the connections. Gateways of all kinds are there. The answer: the virtual private gateways with a
/// connection that is not modelled.
pub(super) fn build(found: Vec<Item<Connection>>, out: &mut Out) -> BTreeSet<String> {
    let mut doubtful = BTreeSet::new();
    for item in found {
        let vgw = item.value.vpn_gateway_id.0.clone();
        if item.value.is_gone() {
            out.deleted(item.value.id(), item.value.state.text());
        } else if !connection(item, out) {
            doubtful.extend(vgw);
        }
    }
    doubtful
}

/// Writes one connection; false if it became one that is not modelled.
fn connection(item: Item<Connection>, out: &mut Out) -> bool {
    let Item { value: connection, span, .. } = item;
    let id = connection.id().to_owned();
    let name_tag = connection.tags.name(&id);
    let (vgw, tgw) = (connection.vpn_gateway_id.text(), connection.transit_gateway_id.text());
    let lacks = if let Some(variant) = connection.variant() {
        Some(variant)
    } else if connection.customer_gateway_id.text().is_empty() {
        Some("VPN connection without a customer gateway")
    } else if vgw.is_empty() && tgw.is_empty() {
        Some("VPN connection without a gateway")
    } else if tgw.is_empty() && !out.spec.vpn_gateways.contains_key(vgw) {
        out.missing(&id, vgw, "kept as not modelled");
        Some(Connection::KIND)
    } else {
        None
    };
    if let Some(kind) = lacks {
        out.not_modelled(&id, kind, None, name_tag);
        return false;
    }
    let about = (None, name_tag.clone());
    if !tgw.is_empty() && !has_gateway(Connection::KIND, &id, &connection.transit_gateway_id, about, span, out) {
        return false;
    }
    numbers(&connection, span, out);
    let at = |text: &Text| text.0.clone().map(|text| Spanned::new(text, span));
    let options = &connection.options;
    let built = VpnConnection {
        customer_gateway: Spanned::new(connection.customer_gateway_id.text().to_owned(), span),
        vpn_gateway: at(&connection.vpn_gateway_id).filter(|_| tgw.is_empty()),
        transit_gateway: at(&connection.transit_gateway_id),
        static_routes_only: connection.options.static_routes_only.filter(|only| *only),
        static_routes: static_routes(&connection, span, out),
        tunnel_inside_ip_version: (options.tunnel_inside_ip_version.text() == "ipv6")
            .then(|| Spanned::new(InsideIpVersion::Ipv6, span)),
        accelerated: options.enable_acceleration.filter(|on| *on).map(|on| Spanned::new(on, span)),
        tunnel_bandwidth: (options.tunnel_bandwidth.text() == "large")
            .then(|| Spanned::new(TunnelBandwidth::Large, span)),
        outside_ip_address_type: options.is_private().then(|| Spanned::new(OutsideIpAddressType::PrivateIpv4, span)),
        transport_transit_gateway_attachment: at(&options.transport_transit_gateway_attachment_id),
        tunnels: tunnels(&connection, span, out),
        state: state(connection.state.text(), &id, span, out),
        name_tag,
    };
    out.spec.vpn_connections.insert(Name::new(id, span), built);
    true
}

/// Gives the attachments that carry private connections the names that they have here. All attachments are there; what is
/// carried by one that the export lacks is not modelled.
pub(super) fn finish(out: &mut Out) {
    let mut lost = Vec::new();
    for (name, connection) in &mut out.spec.vpn_connections {
        let Some(transport) = &mut connection.transport_transit_gateway_attachment else { continue };
        match out.attachments.get(transport.value.as_str()) {
            Some(known) => transport.value.clone_from(known),
            None if out.spec.direct_connect_gateway_associations.contains_key(transport.value.as_str()) => {}
            None => lost.push((name.value.clone(), transport.value.clone())),
        }
    }
    for (id, transport) in lost {
        out.missing(&id, &transport, "kept as not modelled");
        let tag = out.spec.vpn_connections.remove(id.as_str()).and_then(|connection| connection.name_tag);
        out.not_modelled(&id, PRIVATE, None, tag);
    }
}

/// Fills in what a connection tells of gateways that the export lacks or says less of.
fn numbers(connection: &Connection, span: Span, out: &mut Out) {
    let xml = &connection.customer_gateway_configuration.tunnels;
    let amazon = xml.iter().find_map(|t| t.amazon_asn).filter(|asn| *asn > 0);
    if let Some(gateway) = out.spec.vpn_gateways.get_mut(connection.vpn_gateway_id.text())
        && gateway.asn.is_none()
    {
        gateway.asn = amazon.map(|asn| Spanned::new(asn, span));
    }
    let customer = connection.customer_gateway_id.text();
    if !out.spec.customer_gateways.contains_key(customer) {
        out.missing(connection.id(), customer, "kept; only what the connection says of it is known");
        let built = CustomerGateway {
            ip_address: xml.iter().find_map(|t| v4(t.customer_outside)).map(|ip| Spanned::new(ip, span)),
            asn: xml.iter().find_map(|t| t.customer_asn).map(|asn| Spanned::new(asn, span)),
            ..CustomerGateway::default()
        };
        out.spec.customer_gateways.insert(Name::new(customer.to_owned(), span), built);
    }
}

fn v4(address: Option<IpAddr>) -> Option<Ipv4Addr> {
    match address {
        Some(IpAddr::V4(address)) => Some(address),
        _ => None,
    }
}

fn static_routes(connection: &Connection, span: Span, out: &mut Out) -> Vec<Spanned<Cidr>> {
    let mut routes = BTreeSet::new();
    for route in connection.routes.iter() {
        let Some(to) = route.destination_cidr_block.0 else { continue };
        match route.state.text() {
            "available" | "" => _ = routes.insert(to),
            other => out.skip(connection.id(), format!("its static route to {to}, in state {other}")),
        }
    }
    routes.into_iter().map(|to| Spanned::new(to, span)).collect()
}

/// The two tunnels, in the order of the options, else of the configuration.
fn tunnels(connection: &Connection, span: Span, out: &mut Out) -> Vec<Spanned<VpnTunnel>> {
    let (id, xml) = (connection.id(), &connection.customer_gateway_configuration);
    if xml.broken {
        let message =
            format!("the CustomerGatewayConfiguration of `{id}` is no whole XML; only its whole tunnels count");
        out.diagnostics.push(Diagnostic::warning("broken-configuration", span, message).help("export it again"));
    }
    let options = &connection.options.tunnel_options;
    let mut tunnels: Vec<VpnTunnel> = if options.is_empty() {
        xml.tunnels.iter().map(|tunnel| of_both(&TunnelOption::default(), Some(tunnel), span)).collect()
    } else {
        let of = |option: &TunnelOption| {
            let same =
                |t: &&vpn_xml::Tunnel| t.amazon_outside.is_some() && t.amazon_outside == option.outside_ip_address.0;
            of_both(option, xml.tunnels.iter().find(same), span)
        };
        options.iter().map(of).collect()
    };
    for (n, tunnel) in tunnels.iter_mut().enumerate() {
        let outside = tunnel.outside_address.map(|address| IpAddr::V4(address.value));
        let mut told =
            connection.vgw_telemetry.iter().filter(|t| outside.is_some() && t.outside_ip_address.0 == outside);
        tunnel.up = told.find_map(|t| match t.status.text() {
            "UP" => Some(true),
            "DOWN" => Some(false),
            _ => None,
        });
        if tunnel.outside_address.is_none() || (tunnel.inside_cidr.is_none() && tunnel.inside_ipv6_cidr.is_none()) {
            out.missing(id, &format!("addresses of tunnel {}", n + 1), "kept; what lacks is chosen");
        }
    }
    if xml.tunnels.iter().any(|tunnel| tunnel.unknown_suite) && tunnels.iter().any(|t| t.encryption.is_none()) {
        out.skip(id, "encryption of a tunnel in words that are not known here: taken as the default".to_owned());
    }
    for n in tunnels.len()..2 {
        out.missing(id, &format!("addresses of tunnel {}", n + 1), "kept; what lacks is chosen");
    }
    tunnels.into_iter().map(|tunnel| Spanned::new(tunnel, span)).collect()
}

/// What the options say, else what the configuration says.
fn of_both(option: &TunnelOption, xml: Option<&vpn_xml::Tunnel>, span: Span) -> VpnTunnel {
    let outside = option.outside_ip_address.0.or(xml.and_then(|t| t.amazon_outside));
    let [inside, inside_v6] = [(option.tunnel_inside_cidr.0, true), (option.tunnel_inside_ipv6_cidr.0, false)]
        .map(|(said, v4)| said.or_else(|| xml.and_then(inside).filter(|block| block.is_v4() == v4)));
    // The two ends agree on one of those allowed: the configuration says on which AWS counts.
    let encryption = agreed(&option.phase2_encryption_algorithms, vpn_xml::encryption, xml.and_then(|t| t.encryption));
    let integrity = agreed(&option.phase2_integrity_algorithms, vpn_xml::integrity, xml.and_then(|t| t.integrity));
    let seconds = |s: Option<u32>| s.map(|s| Spanned::new(Nanos::from_secs(s.into()), span));
    VpnTunnel {
        outside_address: v4(outside).map(|address| Spanned::new(address, span)),
        inside_cidr: inside.filter(|block| block.is_v4() && block.len() == 30).map(|block| Spanned::new(block, span)),
        inside_ipv6_cidr: inside_v6
            .filter(|block| !block.is_v4() && block.len() == 126)
            .map(|block| Spanned::new(block, span)),
        encryption,
        integrity,
        dpd_timeout: seconds(option.dpd_timeout_seconds),
        dpd_action: match option.dpd_timeout_action.text() {
            "clear" => Some(DpdAction::Clear),
            "none" => Some(DpdAction::None),
            "restart" => Some(DpdAction::Restart),
            _ => None,
        },
        startup_action: match option.startup_action.text() {
            "add" => Some(StartupAction::Add),
            "start" => Some(StartupAction::Start),
            _ => None,
        },
        phase1_lifetime: seconds(option.phase1_lifetime_seconds),
        phase2_lifetime: seconds(option.phase2_lifetime_seconds),
        rekey_margin: seconds(option.rekey_margin_time_seconds),
        rekey_fuzz: option.rekey_fuzz_percentage.map(|n| Spanned::new(n, span)),
        loss: None,
        updating: None,
        replay_window: option.replay_window_size.map(|n| Spanned::new(n, span)),
        up: None,
    }
}

/// The one algorithm that is allowed, or `said` if it is one of them.
fn agreed<T: Copy + PartialEq>(allowed: &[Algorithm], read: fn(&str) -> Option<T>, said: Option<T>) -> Option<T> {
    match allowed {
        [] => said,
        [one] => read(one.value.text()),
        many => said.filter(|said| many.iter().any(|a| read(a.value.text()) == Some(*said))),
    }
}

/// The block of the inside addresses.
fn inside(tunnel: &vpn_xml::Tunnel) -> Option<Cidr> {
    Cidr::new(tunnel.amazon_inside?, tunnel.inside_len?)
}
