//! Connect attachments of transit gateways (`describe-transit-gateway-connects`) and their tunnels
//! (`describe-transit-gateway-connect-peers`).
//!
//! Not modelled: Connect over Direct Connect. What an appliance announces is in the propagated routes.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Maybe, Tags, Text};
use super::tgw_attachment::{kind_of, state};
use crate::base::Cidr;
use crate::diag::Diagnostic;
use crate::spec::{ConnectPeer, Name, Spanned, TransitGatewayConnect};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Connect {
    transit_gateway_attachment_id: Text,
    transport_transit_gateway_attachment_id: Text,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Peer {
    transit_gateway_connect_peer_id: Text,
    transit_gateway_attachment_id: Text,
    state: Text,
    connect_peer_configuration: Configuration,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Configuration {
    transit_gateway_address: Maybe<IpAddr>,
    peer_address: Maybe<IpAddr>,
    inside_cidr_blocks: List<Maybe<Cidr>>,
    bgp_configurations: List<Bgp>,
}

/// One BGP session. Whether it is up now is not read.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Bgp {
    peer_asn: Option<u32>,
}

impl Resource for Connect {
    const KIND: &'static str = "transit gateway Connect attachment";
    const ID: &'static str = "TransitGatewayAttachmentId";
    fn id(&self) -> &str {
        self.transit_gateway_attachment_id.text()
    }
}
impl Resource for Peer {
    const KIND: &'static str = "transit gateway Connect peer";
    const ID: &'static str = "TransitGatewayConnectPeerId";
    fn id(&self) -> &str {
        self.transit_gateway_connect_peer_id.text()
    }
}

/// Writes the Connect attachments. Those of VPCs are there.
pub(super) fn build(connects: Vec<Item<Connect>>, peers: Vec<Item<Peer>>, out: &mut Out) {
    for Item { value: connect, span, .. } in connects {
        let id = connect.id().to_owned();
        if GONE.contains(&connect.state.text()) {
            out.deleted(&id, connect.state.text());
            continue;
        }
        let (transport, name_tag) = (connect.transport_transit_gateway_attachment_id.text(), connect.tags.name(&id));
        if !out.spec.transit_gateway_vpc_attachments.contains_key(transport) {
            out.missing(&id, transport, "kept as not modelled: what carries it is not an attachment of a VPC here");
            out.not_modelled(&id, &kind_of("connect"), None, name_tag);
            continue;
        }
        let built = TransitGatewayConnect {
            transport: Spanned::new(transport.to_owned(), span),
            peers: Vec::new(),
            state: state(connect.state.text(), &id, span, out),
            name_tag,
        };
        out.spec.transit_gateway_connects.insert(Name::new(id, span), built);
    }
    let mut of: BTreeMap<String, Vec<Spanned<ConnectPeer>>> = BTreeMap::new();
    for Item { value: peer, span, .. } in peers {
        let (id, connect) = (peer.id(), peer.transit_gateway_attachment_id.text());
        if !matches!(peer.state.text(), "available" | "") {
            out.skip(id, format!("state {}", peer.state.text()));
            continue;
        }
        if !out.spec.transit_gateway_connects.contains_key(connect) {
            out.missing(id, connect, "tunnel left out");
            continue;
        }
        let said = &peer.connect_peer_configuration;
        let (Some(outer), Some(appliance)) = (said.transit_gateway_address.0, said.peer_address.0) else {
            let message = format!("Connect peer `{id}` lacks TransitGatewayAddress or PeerAddress");
            out.diagnostics.push(Diagnostic::error("missing-field", span, message));
            continue;
        };
        let built = ConnectPeer {
            transit_gateway_address: Spanned::new(outer, span),
            peer_address: Spanned::new(appliance, span),
            inside_cidrs: said.inside_cidr_blocks.iter().filter_map(|c| c.0).map(|c| Spanned::new(c, span)).collect(),
            peer_asn: said.bgp_configurations.iter().find_map(|bgp| bgp.peer_asn),
            advertises: Vec::new(),
        };
        of.entry(connect.to_owned()).or_default().push(Spanned::new(built, span));
    }
    for (connect, peers) in of {
        if let Some(connect) = out.spec.transit_gateway_connects.get_mut(connect.as_str()) {
            connect.peers = peers;
        }
    }
}
