//! Internet gateways, egress-only internet gateways and NAT gateways.
//!
//! A NAT gateway that is pending or failed stays, as not available; one that is being deleted is left
//! out, and what routes to it meets a deleted resource. Not modelled: bandwidth limits of a NAT gateway.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::spec::{EgressOnlyInternetGateway, InternetGateway, Name, NatAddress, NatConnectivity, NatGateway, Spanned};
use serde::Deserialize;
use std::net::Ipv4Addr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Igw {
    internet_gateway_id: Text,
    attachments: List<Attachment>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Eigw {
    egress_only_internet_gateway_id: Text,
    attachments: List<Attachment>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Attachment {
    state: Text,
    vpc_id: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Nat {
    nat_gateway_id: Text,
    subnet_id: Text,
    vpc_id: Text,
    state: Text,
    connectivity_type: Text,
    availability_mode: Text,
    nat_gateway_addresses: List<Address>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Address {
    network_interface_id: Text,
    private_ip: Maybe<Ipv4Addr>,
    public_ip: Maybe<Ipv4Addr>,
    is_primary: Option<bool>,
    status: Text,
}

impl Resource for Igw {
    const KIND: &'static str = "internet gateway";
    const ID: &'static str = "InternetGatewayId";
    fn id(&self) -> &str {
        self.internet_gateway_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}
impl Resource for Eigw {
    const KIND: &'static str = "egress-only internet gateway";
    const ID: &'static str = "EgressOnlyInternetGatewayId";
    fn id(&self) -> &str {
        self.egress_only_internet_gateway_id.text()
    }
}
impl Resource for Nat {
    const KIND: &'static str = "NAT gateway";
    const ID: &'static str = "NatGatewayId";
    fn id(&self) -> &str {
        self.nat_gateway_id.text()
    }
}

/// The VPC of the attachment that is in force; nothing if the gateway must be left out.
fn attached<T>(
    kind: &str,
    item: &Item<T>,
    id: &str,
    list: &[Attachment],
    out: &mut Out,
) -> Option<Option<Spanned<String>>> {
    let in_force = |a: &&Attachment| matches!(a.state.text(), "available" | "attached" | "attaching" | "");
    let Some(vpc) = list.iter().filter(in_force).find_map(|a| a.vpc_id.0.clone()) else { return Some(None) };
    out.has_vpc(kind, id, &vpc).then(|| Some(Spanned::new(vpc, item.span)))
}

/// Writes internet and egress-only internet gateways.
pub(super) fn build(igws: Vec<Item<Igw>>, eigws: Vec<Item<Eigw>>, out: &mut Out) {
    for item in igws {
        let id = item.value.id().to_owned();
        if let Some(vpc) = attached(Igw::KIND, &item, &id, &item.value.attachments, out) {
            let name_tag = item.value.tags.name(&id);
            out.spec.internet_gateways.insert(Name::new(id, item.span), InternetGateway { vpc, name_tag });
        }
    }
    for item in eigws {
        let id = item.value.id().to_owned();
        if let Some(vpc) = attached(Eigw::KIND, &item, &id, &item.value.attachments, out) {
            let name_tag = item.value.tags.name(&id);
            let built = EgressOnlyInternetGateway { vpc, name_tag };
            out.spec.egress_only_internet_gateways.insert(Name::new(id, item.span), built);
        }
    }
}

/// Writes NAT gateways.
pub(super) fn build_nat(nats: Vec<Item<Nat>>, out: &mut Out) {
    for Item { value: nat, span, .. } in nats {
        let id = nat.id().to_owned();
        if matches!(nat.state.text(), "deleted" | "deleting") {
            out.deleted(&id, nat.state.text());
            continue;
        }
        let regional = nat.availability_mode.text() == "regional";
        let known = if regional {
            out.has_vpc(Nat::KIND, &id, nat.vpc_id.text())
        } else {
            out.has_subnet(Nat::KIND, &id, nat.subnet_id.text())
        };
        if !known {
            continue;
        }
        let usable = |a: &&Address| !matches!(a.status.text(), "failed" | "disassociating" | "unassigning");
        let mut addresses: Vec<&Address> = nat.nat_gateway_addresses.iter().filter(usable).collect();
        addresses.sort_by_key(|a| a.is_primary != Some(true));
        let interface = addresses.first().and_then(|a| a.network_interface_id.0.clone());
        let interface = interface.filter(|eni| out.spec.network_interfaces.contains_key(eni.as_str()));
        let at = |text: &Text| text.0.clone().map(|t| Spanned::new(t, span));
        let built = NatGateway {
            subnet: at(&nat.subnet_id).filter(|_| !regional),
            vpc: at(&nat.vpc_id).filter(|_| regional),
            connectivity: (nat.connectivity_type.text() == "private").then_some(NatConnectivity::Private),
            addresses: addresses
                .iter()
                .map(|a| NatAddress {
                    private: a.private_ip.0.map(Spanned::from),
                    public: a.public_ip.0.map(Spanned::from),
                })
                .filter(|a| a.private.is_some() || a.public.is_some())
                .map(|a| Spanned::new(a, span))
                .collect(),
            network_interface: interface.map(|eni| Spanned::new(eni, span)),
            available: (!matches!(nat.state.text(), "available" | "")).then_some(false),
            name_tag: nat.tags.name(&id),
        };
        out.spec.nat_gateways.insert(Name::new(id, span), built);
    }
}
