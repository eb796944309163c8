//! Virtual interfaces of Direct Connect (`aws directconnect describe-virtual-interfaces`).
//!
//! Their BGP keys are not read.

use super::Out;
use super::direct_connect::{name_tag, of_place};
use super::dx_association::Prefix;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Maybe, Tags, Text};
use super::vpn_gateway::Asn;
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, Spanned, VirtualInterface, VirtualInterfaceType};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Vif {
    virtual_interface_id: Text,
    virtual_interface_type: Text,
    virtual_interface_name: Text,
    virtual_interface_state: Text,
    connection_id: Text,
    region: Text,
    location: Text,
    vlan: Option<u16>,
    asn: Asn,
    asn_long: Asn,
    amazon_address: Maybe<SessionAddress>,
    customer_address: Maybe<SessionAddress>,
    mtu: Option<u32>,
    site_link_enabled: Option<bool>,
    virtual_gateway_id: Text,
    direct_connect_gateway_id: Text,
    bgp_peers: List<BgpPeer>,
    route_filter_prefixes: Option<List<Prefix>>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct BgpPeer {
    amazon_address: Maybe<SessionAddress>,
    customer_address: Maybe<SessionAddress>,
    bgp_status: Text,
}

/// An address with or without the length of its prefix.
#[derive(Clone, Copy, PartialEq)]
struct SessionAddress(IpAddr);

impl FromStr for SessionAddress {
    type Err = std::net::AddrParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('/').map_or(text, |(address, _)| address).parse().map(Self)
    }
}

impl Resource for Vif {
    const KIND: &'static str = "Direct Connect virtual interface";
    const ID: &'static str = "virtualInterfaceId";
    fn id(&self) -> &str {
        self.virtual_interface_id.text()
    }
}

/// Gateways that an interface which is not modelled ends at.
pub(super) type Doubtful = BTreeSet<String>;

/// Writes the virtual interfaces. Gateways and connections are there.
pub(super) fn build(found: Vec<Item<Vif>>, out: &mut Out) -> Doubtful {
    let mut doubtful = BTreeSet::new();
    for Item { value: vif, span, .. } in found {
        let (id, state) = (vif.id().to_owned(), vif.virtual_interface_state.text());
        if GONE.contains(&state) {
            out.deleted(&id, state);
        } else if matches!(state, "confirming" | "verifying" | "pending") {
            out.skip(&id, format!("state {state}"));
        } else if !interface(&id, &vif, span, out) {
            doubtful.extend(
                [&vif.virtual_gateway_id, &vif.direct_connect_gateway_id].into_iter().filter_map(|g| g.0.clone()),
            );
        }
    }
    doubtful
}

/// Writes one interface; false if it became one that is not modelled.
fn interface(id: &str, vif: &Vif, span: Span, out: &mut Out) -> bool {
    let name_tag = name_tag(&vif.tags, &vif.virtual_interface_name, id);
    let kind = match vif.virtual_interface_type.text() {
        "private" => VirtualInterfaceType::Private,
        "transit" => VirtualInterfaceType::Transit,
        "public" => VirtualInterfaceType::Public,
        _ => {
            out.not_modelled(id, "virtual interface of an unknown type", None, name_tag);
            return false;
        }
    };
    let (vgw, dxgw) = (vif.virtual_gateway_id.text(), vif.direct_connect_gateway_id.text());
    let there = if kind == VirtualInterfaceType::Public {
        true
    } else if dxgw.is_empty() {
        out.spec.vpn_gateways.contains_key(vgw)
    } else {
        out.spec.direct_connect_gateways.contains_key(dxgw)
    };
    if !there {
        match [dxgw, vgw].into_iter().find(|gateway| !gateway.is_empty()) {
            Some(gateway) => out.missing(id, gateway, "kept as not modelled"),
            None => out.missing(id, "its gateway", "kept as not modelled"),
        }
        out.not_modelled(id, Vif::KIND, None, name_tag);
        return false;
    }
    let (Some(vlan), Some(connection)) = (vif.vlan, vif.connection_id.0.clone()) else {
        let message = format!("virtual interface `{id}` lacks vlan or connectionId");
        out.diagnostics.push(Diagnostic::error("missing-field", span, message));
        return false;
    };
    let line = connection.as_str();
    if !out.spec.direct_connect_connections.contains_key(line) && !out.spec.direct_connect_lags.contains_key(line) {
        // A hosted interface: the connection is another account's.
        out.missing(id, &connection, "kept; only the place of that connection is known");
        let built = of_place(&vif.region, &vif.location, span);
        out.spec.direct_connect_connections.insert(Name::new(connection.clone(), span), built);
    }
    let silent = !vif.bgp_peers.is_empty() && vif.bgp_peers.iter().all(|peer| peer.bgp_status.text() == "down");
    let down = silent || !matches!(vif.virtual_interface_state.text(), "available" | "");
    let peer = |of: fn(&BgpPeer) -> Option<SessionAddress>| vif.bgp_peers.iter().find_map(of);
    let amazon = vif.amazon_address.0.or_else(|| peer(|peer| peer.amazon_address.0));
    let customer = vif.customer_address.0.or_else(|| peer(|peer| peer.customer_address.0));
    let listed = vif.route_filter_prefixes.as_ref().filter(|list| !list.is_empty());
    let prefixes: Option<BTreeSet<Cidr>> = listed.map(|list| list.iter().filter_map(|prefix| prefix.cidr.0).collect());
    let prefixes = prefixes.map(|list| list.into_iter().map(|prefix| Spanned::new(prefix, span)).collect());
    let built = VirtualInterface {
        kind,
        connection: Spanned::new(connection, span),
        vlan: Spanned::new(vlan, span),
        direct_connect_gateway: vif.direct_connect_gateway_id.0.clone().map(|gateway| Spanned::new(gateway, span)),
        vpn_gateway: Some(Spanned::new(vgw.to_owned(), span)).filter(|_| dxgw.is_empty() && !vgw.is_empty()),
        route_filter_prefixes: prefixes.filter(|_| kind == VirtualInterfaceType::Public),
        asn: vif.asn.0.or(vif.asn_long.0).map(|asn| Spanned::new(asn, span)),
        amazon_address: amazon.map(|a| Spanned::new(a.0, span)),
        customer_address: customer.map(|a| Spanned::new(a.0, span)),
        mtu: vif.mtu.map(|mtu| Spanned::new(mtu, span)),
        up: down.then_some(false),
        site_link: vif.site_link_enabled.filter(|on| *on),
        name_tag,
    };
    out.spec.virtual_interfaces.insert(Name::new(id.to_owned(), span), built);
    true
}
