//! Direct Connect connections and link aggregation groups, and the gateways (`aws directconnect describe-...`,
//! whose answers are in lower camel case). Virtual interfaces and associations have files of their own.
//!
//! A link aggregation group is taken as one connection. Not modelled: MACsec, and everything about orders.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::place::is_region;
use super::read::{Item, Tags, Text};
use super::vpn_gateway::Asn;
use crate::base::Bandwidth;
use crate::diag::Span;
use crate::spec::{DirectConnectConnection, DirectConnectGateway, Name, Spanned};
use serde::Deserialize;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Connection {
    connection_id: Text,
    connection_name: Text,
    connection_state: Text,
    region: Text,
    location: Text,
    bandwidth: Text,
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
    for Item { value: c, span, .. } in connections {
        let name_tag = name_tag(&c.tags, &c.connection_name, c.id());
        connection(c.id(), c.connection_state.text(), [&c.region, &c.location], (&c.bandwidth, 1), name_tag, span, out);
    }
    for Item { value: lag, span, .. } in lags {
        let name_tag = name_tag(&lag.tags, &lag.lag_name, lag.id());
        let links = lag.number_of_connections.unwrap_or(1).max(1);
        let bandwidth = (&lag.connections_bandwidth, links);
        if connection(lag.id(), lag.lag_state.text(), [&lag.region, &lag.location], bandwidth, name_tag, span, out) {
            out.skip(lag.id(), format!("its single links ({links}): the group is taken as one connection"));
        }
    }
}

/// Writes a connection, of `(bandwidth of a link, links)`; false if it is gone.
fn connection(
    id: &str,
    state: &str,
    [region, location]: [&Text; 2],
    (bandwidth, links): (&Text, u32),
    name_tag: Option<String>,
    span: Span,
    out: &mut Out,
) -> bool {
    if GONE.contains(&state) {
        out.deleted(id, state);
        return false;
    }
    let one = bandwidth.text().parse::<Bandwidth>().ok();
    let bandwidth = one.and_then(|one| one.0.checked_mul(links.into())).map(Bandwidth);
    if bandwidth.is_none() {
        out.missing(id, "bandwidth", "taken as 1 Gbps");
    }
    if !matches!(state, "available" | "down" | "ordering" | "requested" | "pending" | "") {
        out.skip(id, format!("its state {state}: taken as up"));
    }
    let down = matches!(state, "down" | "ordering" | "requested" | "pending");
    let built =
        DirectConnectConnection { bandwidth, up: down.then_some(false), name_tag, ..of_place(region, location, span) };
    out.spec.direct_connect_connections.insert(Name::new(id.to_owned(), span), built);
    true
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
