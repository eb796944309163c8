//! Transit gateways and their attachments (`describe-transit-gateways`, `describe-transit-gateway-vpc-attachments`,
//! `-attachments`, `-peering-attachments`, `-connects`, `-connect-peers`).
//!
//! Attachments of VPNs, Direct Connect gateways and the like are kept as not modelled, so that routes may lead to
//! them. Not modelled: options that move no packet (accepting attachments, encryption).

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::base::Cidr;
use crate::spec::{
    AttachmentState, ConnectPeer, Name, Spanned, TransitGateway, TransitGatewayConnect,
    TransitGatewayPeeringAttachment, TransitGatewayVpcAttachment,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tgw {
    transit_gateway_id: Text,
    state: Text,
    owner_id: Text,
    options: TgwOptions,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct TgwOptions {
    amazon_side_asn: Option<u32>,
    security_group_referencing_support: Text,
    multicast_support: Text,
    vpn_ecmp_support: Text,
    transit_gateway_cidr_blocks: List<Maybe<Cidr>>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcAttachment {
    transit_gateway_attachment_id: Text,
    transit_gateway_id: Text,
    vpc_id: Text,
    subnet_ids: List<Maybe<String>>,
    state: Text,
    vpc_owner_id: Text,
    options: AttachmentOptions,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct AttachmentOptions {
    dns_support: Text,
    ipv6_support: Text,
    appliance_mode_support: Text,
    security_group_referencing_support: Text,
}

/// An element of the list of all attachments, whatever they attach.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Attachment {
    pub(super) transit_gateway_attachment_id: Text,
    pub(super) transit_gateway_id: Text,
    transit_gateway_owner_id: Text,
    resource_type: Text,
    resource_id: Text,
    state: Text,
    pub(super) association: Option<Association>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Association {
    pub(super) transit_gateway_route_table_id: Text,
    pub(super) state: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PeeringAttachment {
    transit_gateway_attachment_id: Text,
    requester_tgw_info: TgwInfo,
    accepter_tgw_info: TgwInfo,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct TgwInfo {
    transit_gateway_id: Text,
}

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
    connect_peer_configuration: PeerConfiguration,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct PeerConfiguration {
    transit_gateway_address: Maybe<IpAddr>,
    peer_address: Maybe<IpAddr>,
    inside_cidr_blocks: List<Maybe<Cidr>>,
    bgp_configurations: List<Bgp>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Bgp {
    peer_asn: Option<u32>,
}

macro_rules! resource {
    ($($type:ty, $kind:literal, $id:literal, $field:ident, $owner:ident;)*) => {$(
        impl Resource for $type {
            const KIND: &'static str = $kind;
            const ID: &'static str = $id;
            fn id(&self) -> &str {
                self.$field.text()
            }
            fn owner(&self) -> &str {
                resource!(@owner self $owner)
            }
        }
    )*};
    (@owner $self:ident none) => { "" };
    (@owner $self:ident $owner:ident) => { $self.$owner.text() };
}
resource! {
    Tgw, "transit gateway", "TransitGatewayId", transit_gateway_id, owner_id;
    VpcAttachment, "transit gateway attachment", "TransitGatewayAttachmentId", transit_gateway_attachment_id, vpc_owner_id;
    Attachment, "transit gateway attachment", "TransitGatewayAttachmentId", transit_gateway_attachment_id, transit_gateway_owner_id;
    PeeringAttachment, "transit gateway attachment", "TransitGatewayAttachmentId", transit_gateway_attachment_id, none;
    Connect, "transit gateway attachment", "TransitGatewayAttachmentId", transit_gateway_attachment_id, none;
    Peer, "transit gateway Connect peer", "TransitGatewayConnectPeerId", transit_gateway_connect_peer_id, none;
}

/// True for a resource that AWS still lists but that is gone, or was never made.
fn is_gone(state: &str) -> bool {
    matches!(state, "deleted" | "deleting" | "rejected" | "rejecting" | "failed" | "failing")
}

/// A state that differs from the usual one.
fn state(text: &str) -> Option<AttachmentState> {
    match text {
        "initiatingRequest" => Some(AttachmentState::InitiatingRequest),
        "pendingAcceptance" => Some(AttachmentState::PendingAcceptance),
        "pending" | "initiating" => Some(AttachmentState::Pending),
        "modifying" => Some(AttachmentState::Modifying),
        "rollingBack" => Some(AttachmentState::RollingBack),
        _ => None,
    }
}

/// `enable` and `disable`, if it is not the default.
fn unless(text: &Text, default: bool) -> Option<bool> {
    match text.text() {
        "enable" if !default => Some(true),
        "disable" if default => Some(false),
        _ => None,
    }
}

/// Writes transit gateways. What their default tables are used for is in the lists of associations and propagations.
pub(super) fn build(tgws: Vec<Item<Tgw>>, out: &mut Out) {
    for Item { value: tgw, span, place } in tgws {
        let id = tgw.id().to_owned();
        if is_gone(tgw.state.text()) {
            out.deleted(&id, tgw.state.text());
            continue;
        }
        let cidrs = tgw.options.transit_gateway_cidr_blocks.iter().filter_map(|c| c.0);
        let at = |text: Option<String>| text.map(|t| Spanned::new(t, span));
        let built = TransitGateway {
            region: at(place.region.clone()),
            account: at(tgw.owner_id.0.clone().or_else(|| place.account.clone())),
            asn: tgw.options.amazon_side_asn,
            default_route_table_association: Some(false),
            default_route_table_propagation: Some(false),
            security_group_referencing: unless(&tgw.options.security_group_referencing_support, false),
            vpn_ecmp: unless(&tgw.options.vpn_ecmp_support, true),
            multicast: unless(&tgw.options.multicast_support, false),
            cidrs: cidrs.map(|c| Spanned::new(c, span)).collect(),
            name_tag: tgw.tags.name(&id),
        };
        out.spec.transit_gateways.insert(Name::new(id, span), built);
    }
}

/// Writes attachments of VPCs. Their interfaces say themselves whose they are.
pub(super) fn build_vpc_attachments(attachments: Vec<Item<VpcAttachment>>, out: &mut Out) {
    let mut interfaces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (eni, body) in &out.spec.network_interfaces {
        let of_tgw = body.interface_type.as_ref().is_some_and(|t| t.value == "transit_gateway");
        let attachment = body.description.as_deref().and_then(|d| d.rsplit(' ').next()).unwrap_or_default();
        if of_tgw && attachment.starts_with("tgw-attach-") {
            interfaces.entry(attachment.to_owned()).or_default().push(eni.value.clone());
        }
    }
    for Item { value: a, span, .. } in attachments {
        let (id, tgw, vpc) = (a.id().to_owned(), a.transit_gateway_id.text(), a.vpc_id.text());
        if is_gone(a.state.text()) {
            out.deleted(&id, a.state.text());
            continue;
        }
        if !out.spec.vpcs.contains_key(vpc) {
            out.missing(&id, vpc, "attachment kept; what is behind it is unknown");
            out.not_modelled(&id, "transit gateway attachment of a VPC that the export lacks", None, a.tags.name(&id));
            continue;
        }
        if !out.spec.transit_gateways.contains_key(tgw) {
            out.missing(&id, tgw, "attachment left out");
            continue;
        }
        let (subnets, lacking): (Vec<&String>, Vec<&String>) =
            a.subnet_ids.iter().filter_map(|s| s.0.as_ref()).partition(|s| out.spec.subnets.contains_key(s.as_str()));
        let subnets = subnets.into_iter().map(|s| Spanned::new(s.clone(), span)).collect();
        for subnet in lacking {
            out.missing(&id, subnet, "that subnet of the attachment left out");
        }
        let listed = interfaces.remove(&id).unwrap_or_default();
        let built = TransitGatewayVpcAttachment {
            transit_gateway: Spanned::new(tgw.to_owned(), span),
            vpc: Spanned::new(vpc.to_owned(), span),
            subnets,
            appliance_mode: unless(&a.options.appliance_mode_support, false),
            security_group_referencing: unless(&a.options.security_group_referencing_support, true),
            ipv6: unless(&a.options.ipv6_support, false),
            dns_support: unless(&a.options.dns_support, true),
            state: state(a.state.text()),
            network_interfaces: listed.into_iter().map(|eni| Spanned::new(eni, span)).collect(),
            name_tag: a.tags.name(&id),
        };
        out.spec.transit_gateway_vpc_attachments.insert(Name::new(id, span), built);
    }
}

/// Writes peerings of transit gateways.
pub(super) fn build_peerings(peerings: Vec<Item<PeeringAttachment>>, out: &mut Out) {
    for Item { value: p, span, .. } in peerings {
        let id = p.id().to_owned();
        if is_gone(p.state.text()) {
            out.deleted(&id, p.state.text());
            continue;
        }
        let mut side = |info: &TgwInfo| {
            let tgw = info.transit_gateway_id.text();
            let known = out.spec.transit_gateways.contains_key(tgw);
            if !known {
                out.missing(&id, tgw, "peering kept; what is behind it is unknown");
            }
            known.then(|| Spanned::new(tgw.to_owned(), span))
        };
        let (requester, accepter) = (side(&p.requester_tgw_info), side(&p.accepter_tgw_info));
        let (state, name_tag) = (state(p.state.text()), p.tags.name(&id));
        let built = TransitGatewayPeeringAttachment { requester, accepter, state, name_tag };
        out.spec.transit_gateway_peering_attachments.insert(Name::new(id, span), built);
    }
}

/// Writes Connect attachments. What their peers announce is in the routes that AWS has learnt.
pub(super) fn build_connects(connects: Vec<Item<Connect>>, peers: Vec<Item<Peer>>, out: &mut Out) {
    for Item { value: c, span, .. } in connects {
        let (id, transport) = (c.id().to_owned(), c.transport_transit_gateway_attachment_id.text());
        if is_gone(c.state.text()) {
            out.deleted(&id, c.state.text());
            continue;
        }
        if !out.spec.transit_gateway_vpc_attachments.contains_key(transport) {
            out.missing(&id, transport, "Connect attachment kept; what carries its tunnels is unknown");
            out.not_modelled(&id, "transit gateway Connect attachment", None, c.tags.name(&id));
            continue;
        }
        let mine = peers.iter().filter(|p| p.value.transit_gateway_attachment_id.text() == id);
        let built = TransitGatewayConnect {
            transport: Spanned::new(transport.to_owned(), span),
            peers: mine.filter(|p| !is_gone(p.value.state.text())).filter_map(tunnel).collect(),
            state: state(c.state.text()),
            name_tag: c.tags.name(&id),
        };
        out.spec.transit_gateway_connects.insert(Name::new(id, span), built);
    }
}

fn tunnel(peer: &Item<Peer>) -> Option<Spanned<ConnectPeer>> {
    let (c, span) = (&peer.value.connect_peer_configuration, peer.span);
    let built = ConnectPeer {
        transit_gateway_address: Spanned::new(c.transit_gateway_address.0?, span),
        peer_address: Spanned::new(c.peer_address.0?, span),
        inside_cidrs: c.inside_cidr_blocks.iter().filter_map(|b| b.0).map(|b| Spanned::new(b, span)).collect(),
        peer_asn: c.bgp_configurations.iter().find_map(|b| b.peer_asn),
        advertises: Vec::new(),
    };
    Some(Spanned::new(built, span))
}

/// Keeps what else is attached: by its id, so that routes may lead to it.
pub(super) fn build_others(attachments: &[Item<Attachment>], out: &mut Out) {
    for Item { value: a, .. } in attachments {
        let id = a.id();
        let spec = &out.spec;
        let known = spec.transit_gateway_vpc_attachments.contains_key(id)
            || spec.transit_gateway_peering_attachments.contains_key(id)
            || spec.transit_gateway_connects.contains_key(id);
        if known || out.is_gone(id) {
            continue;
        }
        if is_gone(a.state.text()) {
            out.deleted(id, a.state.text());
            continue;
        }
        let kind = match a.resource_type.text() {
            "vpn" => "transit gateway VPN attachment",
            "direct-connect-gateway" => "transit gateway Direct Connect gateway attachment",
            "peering" | "tgw-peering" => "transit gateway peering that the export lacks",
            "connect" => "transit gateway Connect attachment that the export lacks",
            "vpc" => "transit gateway attachment of a VPC that the export lacks",
            _ => "transit gateway attachment",
        };
        out.not_modelled(id, kind, Some(a.resource_id.text()), a.tags.name(id));
    }
}
