//! Attachments of VPCs to transit gateways (`describe-transit-gateway-vpc-attachments`).
//!
//! The network interfaces of an attachment are found by their descriptions. One of a VPC that the export
//! lacks is not modelled.

use super::Out;
use super::eni::Managed;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Maybe, Tags, Text};
use super::tgw_attachment::{Attachment, state};
use super::transit_gateway::{enabled, has_gateway};
use crate::spec::{Name, Spanned, TransitGatewayVpcAttachment};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcAttachment {
    transit_gateway_attachment_id: Text,
    pub(super) transit_gateway_id: Text,
    vpc_id: Text,
    vpc_owner_id: Text,
    state: Text,
    subnet_ids: List<Text>,
    options: Options,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    dns_support: Text,
    security_group_referencing_support: Text,
    ipv6_support: Text,
    appliance_mode_support: Text,
}

impl Resource for VpcAttachment {
    const KIND: &'static str = "transit gateway VPC attachment";
    const ID: &'static str = "TransitGatewayAttachmentId";
    fn id(&self) -> &str {
        self.transit_gateway_attachment_id.text()
    }
    fn owner(&self) -> &str {
        self.vpc_owner_id.text()
    }
}

/// What AWS writes in the description of an attachment's interface, before the attachment's id.
const DESCRIPTION: &str = "Network Interface for Transit Gateway Attachment ";

/// Adds the VPC attachments that only the list of all kinds names, if their interfaces tell their subnets.
/// The answer: the transit gateways with an attachment of which nothing tells.
pub(super) fn complete(
    listed: &mut Vec<Item<VpcAttachment>>,
    all: &[Item<Attachment>],
    managed: &Managed,
    out: &mut Out,
) -> BTreeSet<String> {
    let there: BTreeSet<String> = listed.iter().map(|item| item.value.id().to_owned()).collect();
    let subnets = managed.subnets_by_id(DESCRIPTION);
    let mut untold = BTreeSet::new();
    let lacking =
        |a: &&Item<Attachment>| a.value.resource_type() == "vpc" && !a.value.is_gone() && !there.contains(a.value.id());
    for Item { value: attachment, span, place } in all.iter().filter(lacking) {
        if !out.spec.vpcs.contains_key(attachment.resource_id.text()) {
            continue;
        }
        let Some(subnets) = subnets.get(attachment.id()) else {
            untold.insert(attachment.transit_gateway_id.text().to_owned());
            continue;
        };
        let effect = "its subnets are those of its interfaces, its options are taken as AWS's defaults";
        out.missing(attachment.id(), "TransitGatewayVpcAttachments", effect);
        let value = VpcAttachment {
            transit_gateway_attachment_id: attachment.transit_gateway_attachment_id.clone(),
            transit_gateway_id: attachment.transit_gateway_id.clone(),
            vpc_id: attachment.resource_id.clone(),
            state: attachment.state.clone(),
            subnet_ids: List(subnets.iter().map(|subnet| Maybe(Some(subnet.clone()))).collect()),
            tags: attachment.tags.clone(),
            ..VpcAttachment::default()
        };
        listed.push(Item { value, span: *span, place: place.clone() });
    }
    untold
}

/// Writes the attachments.
pub(super) fn build(attachments: Vec<Item<VpcAttachment>>, managed: &Managed, out: &mut Out) {
    for item in attachments {
        attachment(item, managed, out);
    }
}

fn attachment(item: Item<VpcAttachment>, managed: &Managed, out: &mut Out) {
    let Item { value: attachment, span, .. } = item;
    let id = attachment.id().to_owned();
    let (tgw, vpc) = (attachment.transit_gateway_id.text(), attachment.vpc_id.text());
    if GONE.contains(&attachment.state.text()) {
        out.deleted(&id, attachment.state.text());
        return;
    }
    let name_tag = attachment.tags.name(&id);
    if !out.spec.vpcs.contains_key(vpc) {
        out.missing(&id, vpc, "kept as not modelled");
        out.not_modelled(&id, "transit gateway attachment of a VPC that the export lacks", None, name_tag);
        return;
    }
    let about = (Some(vpc), name_tag.clone());
    if !has_gateway(VpcAttachment::KIND, &id, &attachment.transit_gateway_id, about, span, out) {
        return;
    }
    let named = attachment.subnet_ids.iter().filter_map(|s| s.0.clone());
    let mut subnets: Vec<Spanned<String>> = named.map(|s| Spanned::new(s, span)).collect();
    subnets.retain(|subnet| out.has_subnet("one zone of transit gateway attachment", &id, subnet));
    if subnets.is_empty() {
        let kind = "transit gateway attachment whose subnets the export lacks";
        return out.not_modelled(&id, kind, Some(vpc), name_tag);
    }
    let built = TransitGatewayVpcAttachment {
        transit_gateway: Spanned::new(tgw.to_owned(), span),
        vpc: Spanned::new(vpc.to_owned(), span),
        appliance_mode: enabled(&attachment.options.appliance_mode_support).filter(|on| *on),
        security_group_referencing: enabled(&attachment.options.security_group_referencing_support).filter(|on| !on),
        ipv6: enabled(&attachment.options.ipv6_support).filter(|on| *on),
        dns_support: enabled(&attachment.options.dns_support).filter(|on| !on),
        state: state(attachment.state.text(), &id, span, out),
        network_interfaces: managed.in_subnets(&subnets, |eni| match eni.description.strip_prefix(DESCRIPTION) {
            Some(named) => named.trim() == id,
            None => eni.is_of("transit_gateway"),
        }),
        subnets,
        name_tag,
    };
    out.spec.transit_gateway_vpc_attachments.insert(Name::new(id, span), built);
}
