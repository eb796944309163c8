//! Direct Connect connections and link aggregation groups, and the gateways (`aws directconnect describe-...`,
//! whose answers are in lower camel case). Virtual interfaces and associations have files of their own.
//!
//! A connection with a VLAN of its own, or with a bandwidth that no dedicated one has, is hosted. A group that lists fewer
//! connections than it counts has the rest by numbers. Not modelled: everything about orders.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::place::is_region;
use super::read::{Item, List, Tags, Text};
use super::vpn_gateway::Asn;
use crate::base::Bandwidth;
use crate::diag::Span;
use crate::spec::{DirectConnectConnection, DirectConnectGateway, DirectConnectLag, Name, Spanned};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Connections that a group is taken to have at most, whatever it counts.
const LINKS_MAX: u32 = 16;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Connection {
    connection_id: Text,
    connection_name: Text,
    connection_state: Text,
    region: Text,
    location: Text,
    bandwidth: Text,
    lag_id: Text,
    vlan: Option<u16>,
    aws_device: Text,
    aws_device_v2: Text,
    encryption_mode: Text,
    port_encryption_status: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Lag {
    lag_id: Text,
    lag_name: Text,
    lag_state: Text,
    region: Text,
    location: Text,
    connections_bandwidth: Text,
    number_of_connections: Option<u32>,
    minimum_links: Option<u32>,
    connections: List<Connection>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Gateway {
    direct_connect_gateway_id: Text,
    direct_connect_gateway_name: Text,
    amazon_side_asn: Asn,
    direct_connect_gateway_state: Text,
    tags: Tags,
}

impl Resource for Connection {
    const KIND: &'static str = "Direct Connect connection";
    const ID: &'static str = "connectionId";
    fn id(&self) -> &str {
        self.connection_id.text()
    }
}
impl Resource for Lag {
    const KIND: &'static str = "Direct Connect link aggregation group";
    const ID: &'static str = "lagId";
    fn id(&self) -> &str {
        self.lag_id.text()
    }
}
impl Resource for Gateway {
    const KIND: &'static str = "Direct Connect gateway";
    const ID: &'static str = "directConnectGatewayId";
    fn id(&self) -> &str {
        self.direct_connect_gateway_id.text()
    }
}

/// The name that people see: the `Name` tag, else the name that Direct Connect keeps itself.
pub(super) fn name_tag(tags: &Tags, own: &Text, id: &str) -> Option<String> {
    tags.name(id).or_else(|| own.0.clone()).filter(|name| name != id)
}

/// Writes connections and link aggregation groups.
pub(super) fn build_connections(connections: Vec<Item<Connection>>, lags: Vec<Item<Lag>>, out: &mut Out) {
    let mut listed: BTreeSet<String> = BTreeSet::new();
    for Item { value: c, span, .. } in connections {
        listed.insert(c.id().to_owned());
        connection(&c, span, out);
    }
    for Item { value: l, span, .. } in lags {
        let (id, state) = (l.id(), l.lag_state.text());
        if GONE.contains(&state) {
            out.deleted(id, state);
            continue;
        }
        for c in l.connections.iter().filter(|c| !c.id().is_empty() && listed.insert(c.id().to_owned())) {
            connection(c, span, out);
        }
        lag(&l, span, out);
    }
    // Groups that the export does not list.
    let members = out.spec.direct_connect_connections.iter();
    let named: Vec<(String, String, Span)> =
        members.filter_map(|(n, c)| c.lag.as_ref().map(|lag| (n.value.clone(), lag.value.clone(), lag.span))).collect();
    for (connection, lag, span) in named {
        if !out.spec.direct_connect_lags.contains_key(lag.as_str()) {
            out.missing(&connection, &lag, "kept; its minimum of links is taken as 0");
            out.spec.direct_connect_lags.insert(Name::new(lag, span), DirectConnectLag::default());
        }
    }
}

/// Writes a group, and the connections that it only counts.
fn lag(l: &Lag, span: Span, out: &mut Out) {
    let id = l.id();
    let of_group = |lag: &Option<Spanned<String>>| lag.as_ref().is_some_and(|lag| lag.value == id);
    let known = out.spec.direct_connect_connections.values().filter(|c| of_group(&c.lag)).count() as u32;
    let counted = l.number_of_connections.unwrap_or(known).min(LINKS_MAX);
    if counted > known {
        out.missing(id, "its connections", "taken as connections with the group's bandwidth");
    }
    for n in known..counted {
        let bandwidth = bandwidth(id, &l.connections_bandwidth, out);
        let built = DirectConnectConnection {
            bandwidth,
            lag: Some(Spanned::new(id.to_owned(), span)),
            ..of_place(&l.region, &l.location, span)
        };
        out.spec.direct_connect_connections.insert(Name::new(format!("{id}/{}", n + 1), span), built);
    }
    if is_down(id, l.lag_state.text(), out) {
        for c in out.spec.direct_connect_connections.values_mut().filter(|c| of_group(&c.lag)) {
            c.up = Some(false);
        }
    }
    let DirectConnectConnection { location, region, .. } = of_place(&l.region, &l.location, span);
    let built = DirectConnectLag {
        location,
        region,
        minimum_links: l.minimum_links.filter(|n| *n > 0).map(|n| Spanned::new(n, span)),
        name_tag: name_tag(&l.tags, &l.lag_name, id),
    };
    out.spec.direct_connect_lags.insert(Name::new(id.to_owned(), span), built);
}

/// Writes a connection, unless it is gone.
fn connection(c: &Connection, span: Span, out: &mut Out) {
    let (id, state) = (c.id(), c.connection_state.text());
    if GONE.contains(&state) {
        out.deleted(id, state);
        return;
    }
    let bandwidth = bandwidth(id, &c.bandwidth, out);
    let dedicated = |bandwidth: Bandwidth| [1, 10, 100, 400].map(Bandwidth::gbps).contains(&bandwidth);
    let hosted = c.vlan.is_some_and(|vlan| vlan > 0) || bandwidth.is_some_and(|bandwidth| !dedicated(bandwidth));
    let macsec = c.port_encryption_status.text() == "Encryption Up" || c.encryption_mode.text() == "must_encrypt";
    let built = DirectConnectConnection {
        bandwidth,
        device: c.aws_device_v2.0.clone().or_else(|| c.aws_device.0.clone()),
        // A group of a partner's lines is not the customer's.
        lag: c.lag_id.0.clone().filter(|lag| !hosted && !lag.is_empty()).map(|lag| Spanned::new(lag, span)),
        hosted: hosted.then_some(true),
        macsec: macsec.then_some(true),
        up: is_down(id, state, out).then_some(false),
        name_tag: name_tag(&c.tags, &c.connection_name, id),
        ..of_place(&c.region, &c.location, span)
    };
    out.spec.direct_connect_connections.insert(Name::new(id.to_owned(), span), built);
}

fn bandwidth(id: &str, text: &Text, out: &mut Out) -> Option<Bandwidth> {
    let bandwidth = text.text().parse().ok();
    if bandwidth.is_none() {
        out.missing(id, "bandwidth", "taken as 1 Gbps");
    }
    bandwidth
}

fn is_down(id: &str, state: &str, out: &mut Out) -> bool {
    let down = matches!(state, "down" | "ordering" | "requested" | "pending");
    if !down && !matches!(state, "available" | "") {
        out.skip(id, format!("its state {state}: taken as up"));
    }
    down
}

/// A connection of which only the place is known.
pub(super) fn of_place(region: &Text, location: &Text, span: Span) -> DirectConnectConnection {
    DirectConnectConnection {
        location: location.0.clone(),
        region: region.0.clone().filter(|region| is_region(region)).map(|region| Spanned::new(region, span)),
        ..DirectConnectConnection::default()
    }
}

/// Writes the Direct Connect gateways.
pub(super) fn build_gateways(gateways: Vec<Item<Gateway>>, out: &mut Out) {
    for Item { value: gateway, span, .. } in gateways {
        let (id, state) = (gateway.id().to_owned(), gateway.direct_connect_gateway_state.text());
        if GONE.contains(&state) {
            out.deleted(&id, state);
            continue;
        }
        let built = DirectConnectGateway {
            asn: gateway.amazon_side_asn.0.map(|asn| Spanned::new(asn, span)),
            name_tag: name_tag(&gateway.tags, &gateway.direct_connect_gateway_name, &id),
        };
        out.spec.direct_connect_gateways.insert(Name::new(id, span), built);
    }
}
