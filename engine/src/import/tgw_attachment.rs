//! Attachments of transit gateways of all kinds (`describe-transit-gateway-attachments`), which also say
//! which route table each is associated with; and peerings (`describe-transit-gateway-peering-attachments`).
//!
//! A peering has one id and an element on each side. A VPN connection, and the association of a Direct Connect
//! gateway, is an attachment by its own name, if the export holds it. Not modelled, but kept by name: the
//! others, attachments of network functions, and of VPCs that the export lacks.

use super::Out;
use super::inventory::{Resource, unique};
use super::not_modelled::GONE;
use super::read::{Item, Maybe, Tags, Text};
use super::transit_gateway::names_gateway;
use crate::diag::{Diagnostic, Span};
use crate::spec::{AttachmentState, Name, Spanned, TransitGatewayPeeringAttachment};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An element of the list of all kinds.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Attachment {
    pub(super) transit_gateway_attachment_id: Text,
    pub(super) transit_gateway_id: Text,
    transit_gateway_owner_id: Text,
    resource_type: Text,
    pub(super) resource_id: Text,
    pub(super) state: Text,
    association: Option<Association>,
    pub(super) tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Association {
    transit_gateway_route_table_id: Text,
    state: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Peering {
    transit_gateway_attachment_id: Text,
    requester_tgw_info: Side,
    accepter_tgw_info: Side,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Side {
    transit_gateway_id: Text,
    core_network_id: Maybe<String>,
    owner_id: Text,
}

impl Resource for Attachment {
    const KIND: &'static str = "transit gateway attachment";
    const ID: &'static str = "TransitGatewayAttachmentId";
    fn id(&self) -> &str {
        self.transit_gateway_attachment_id.text()
    }
    fn owner(&self) -> &str {
        self.transit_gateway_owner_id.text()
    }
}
impl Resource for Peering {
    const KIND: &'static str = "transit gateway peering attachment";
    const ID: &'static str = "TransitGatewayAttachmentId";
    fn id(&self) -> &str {
        self.transit_gateway_attachment_id.text()
    }
    fn owner(&self) -> &str {
        self.requester_tgw_info.owner_id.text()
    }
}

/// The account that does not own the transit gateway may not be told the association.
impl PartialEq for Attachment {
    fn eq(&self, other: &Self) -> bool {
        let facts = |a: &Self| [&a.resource_type, &a.resource_id, &a.state].map(Clone::clone);
        let untold = self.association.is_none() || other.association.is_none();
        facts(self) == facts(other) && (untold || self.association == other.association)
    }
}

impl Attachment {
    /// The table it is associated with, as seen from its transit gateway.
    pub(super) fn table(&self) -> Option<&str> {
        let association = self.association.as_ref()?;
        let in_force = !matches!(association.state.text(), "disassociating" | "disassociated");
        association.transit_gateway_route_table_id.0.as_deref().filter(|_| in_force)
    }

    /// What AWS says it is attached to.
    pub(super) fn resource_type(&self) -> &str {
        self.resource_type.text()
    }

    pub(super) fn is_gone(&self) -> bool {
        GONE.contains(&self.state.text())
    }
}

impl Peering {
    /// The transit gateways that it connects.
    pub(super) fn gateways(&self) -> [&str; 2] {
        [self.requester_tgw_info.transit_gateway_id.text(), self.accepter_tgw_info.transit_gateway_id.text()]
    }
}

/// How to call an attachment of this `ResourceType` that is not modelled.
pub(super) fn kind_of(resource_type: &str) -> String {
    match resource_type {
        "" => "transit gateway attachment".to_owned(),
        "vpc" => "transit gateway VPC attachment".to_owned(),
        "vpn" => "transit gateway VPN attachment".to_owned(),
        "direct-connect-gateway" => "transit gateway Direct Connect gateway attachment".to_owned(),
        "connect" => "transit gateway Connect attachment".to_owned(),
        "peering" | "tgw-peering" => "transit gateway peering attachment".to_owned(),
        "network-function" => "transit gateway network function attachment".to_owned(),
        other => format!("transit gateway {other} attachment"),
    }
}

/// One element per attachment and transit gateway.
pub(super) fn one_per_side(found: Vec<Item<Attachment>>, out: &mut Out) -> Vec<Item<Attachment>> {
    let mut by_gateway: BTreeMap<String, Vec<Item<Attachment>>> = BTreeMap::new();
    for item in found {
        if names_gateway(item.value.id(), &item.value.transit_gateway_id, item.span, out) {
            by_gateway.entry(item.value.transit_gateway_id.text().to_owned()).or_default().push(item);
        }
    }
    let mut kept = Vec::new();
    for mut items in by_gateway.into_values() {
        items.sort_by_key(|item| item.value.association.is_none());
        kept.extend(unique(items, out));
    }
    kept
}

/// Writes the peerings.
pub(super) fn build_peerings(peerings: Vec<Item<Peering>>, out: &mut Out) {
    for Item { value, span, .. } in peerings {
        let (id, state) = (value.id().to_owned(), value.state.text());
        if GONE.contains(&state) {
            out.deleted(&id, state);
            continue;
        }
        let sides = [value.requester_tgw_info, value.accepter_tgw_info];
        let sides = sides.map(|side| side.transit_gateway_id.0.or(side.core_network_id.0));
        peering(&id, sides, state, value.tags.name(&id), span, out);
    }
}

fn peering(
    id: &str,
    sides: [Option<String>; 2],
    state_text: &str,
    name_tag: Option<String>,
    span: Span,
    out: &mut Out,
) {
    if sides.iter().flatten().all(|tgw| !out.spec.transit_gateways.contains_key(tgw.as_str())) {
        out.missing(id, "its transit gateways", "kept as not modelled");
        out.not_modelled(id, &kind_of("peering"), None, name_tag);
        return;
    }
    let [requester, accepter] = sides.map(|tgw| {
        let tgw = tgw?;
        if !out.spec.transit_gateways.contains_key(tgw.as_str()) {
            out.missing(id, &tgw, "kept; that side of the peering is unknown");
            return None;
        }
        Some(Spanned::new(tgw, span))
    });
    let state = state(state_text, id, span, out);
    let built = TransitGatewayPeeringAttachment { requester, accepter, state, name_tag };
    out.spec.transit_gateway_peering_attachments.insert(Name::new(id.to_owned(), span), built);
}

/// Writes what only the list of all kinds names: peerings, and attachments that are not modelled.
pub(super) fn build_others(all: &[Item<Attachment>], out: &mut Out) {
    for Item { value: attachment, span, .. } in all {
        let id = attachment.id();
        if attachment.is_gone() {
            out.deleted(id, attachment.state.text());
            continue;
        }
        let tgw = attachment.transit_gateway_id.text();
        goes_by(id, [attachment.resource_type(), attachment.resource_id.text(), tgw], out);
        if is_attachment(id, out) || out.is_gone(id) {
            continue;
        }
        let name_tag = attachment.tags.name(id);
        let (of, vpc) = (attachment.resource_type(), attachment.resource_id.text());
        match of {
            "peering" | "tgw-peering" => {
                let sides = [attachment.transit_gateway_id.0.clone(), attachment.resource_id.0.clone()];
                peering(id, sides, attachment.state.text(), name_tag, *span, out);
            }
            "vpc" if out.spec.vpcs.contains_key(vpc) => {
                let kind = "transit gateway attachment whose subnets the export lacks";
                out.not_modelled(id, kind, Some(vpc), name_tag);
            }
            "vpc" => {
                out.missing(id, vpc, "kept as not modelled");
                out.not_modelled(id, "transit gateway attachment of a VPC that the export lacks", None, name_tag);
            }
            other => out.not_modelled(id, &kind_of(other), None, name_tag),
        }
    }
}

/// Notes the name that the attachment `id` has here, if it has another one.
pub(super) fn goes_by(id: &str, [resource_type, resource, tgw]: [&str; 3], out: &mut Out) {
    let of = |gateway: &Option<Spanned<String>>| gateway.as_ref().is_some_and(|gateway| gateway.value == tgw);
    let name = match resource_type {
        "vpn" => {
            // Routes name the tunnel's address, too: `vpn-0123(203.0.113.1)`.
            let vpn = resource.split('(').next().unwrap_or_default().trim();
            out.spec
                .vpn_connections
                .get_key_value(vpn)
                .filter(|(_, vpn)| of(&vpn.transit_gateway))
                .map(|(name, _)| name)
        }
        "direct-connect-gateway" => {
            let mut all = out.spec.direct_connect_gateway_associations.iter();
            all.find(|(_, a)| a.direct_connect_gateway.value == resource && of(&a.transit_gateway))
                .map(|(name, _)| name)
        }
        _ => None,
    };
    if let Some(name) = name.map(|name| name.value.clone()) {
        out.attachments.insert(id.to_owned(), name);
    }
}

/// True if `id` is an attachment of the topology, modelled or not.
pub(super) fn is_attachment(id: &str, out: &Out) -> bool {
    out.spec.transit_gateway_vpc_attachments.contains_key(id)
        || out.spec.transit_gateway_peering_attachments.contains_key(id)
        || out.spec.transit_gateway_connects.contains_key(id)
        || out.attachments.contains_key(id)
        || out.spec.not_modelled.contains_key(id)
}

/// The state as a topology says it; nothing if it is `available`.
pub(super) fn state(state: &str, id: &str, span: Span, out: &mut Out) -> Option<AttachmentState> {
    Some(match state {
        "available" | "" => return None,
        "initiating" | "initiatingRequest" => AttachmentState::InitiatingRequest,
        "pendingAcceptance" => AttachmentState::PendingAcceptance,
        "pending" => AttachmentState::Pending,
        "modifying" => AttachmentState::Modifying,
        "rollingBack" => AttachmentState::RollingBack,
        "failing" => AttachmentState::Failing,
        other => {
            let message = format!("`{id}` is in the unknown state `{other}`; taken as not available");
            out.diagnostics.push(Diagnostic::warning("unknown-state", span, message));
            AttachmentState::Pending
        }
    })
}
