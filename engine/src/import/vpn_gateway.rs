//! Customer gateways (`describe-customer-gateways`) and virtual private gateways (`describe-vpn-gateways`).
//!
//! Not modelled: certificates, and customer gateways with an IPv6 address.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::spec::{CustomerGateway, Name, Spanned, VpnGateway};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::fmt;
use std::net::IpAddr;

/// An autonomous system number, written as a number or as a string. Nothing for `null`, the empty string and zero.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) struct Asn(pub(super) Option<u32>);

impl<'de> Deserialize<'de> for Asn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Asn;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an autonomous system number")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Asn, E> {
                let n = u32::try_from(n).map_err(|_| E::custom(format!("{n} is no autonomous system number")))?;
                Ok(Asn((n > 0).then_some(n)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Asn, E> {
                if text.is_empty() {
                    return Ok(Asn(None));
                }
                let n = text.parse().map_err(|_| E::custom(format!("`{text}` is no autonomous system number")))?;
                self.visit_u64(n)
            }
            fn visit_unit<E: serde::de::Error>(self) -> Result<Asn, E> {
                Ok(Asn(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Customer {
    customer_gateway_id: Text,
    bgp_asn: Asn,
    bgp_asn_extended: Asn,
    ip_address: Maybe<IpAddr>,
    certificate_arn: Text,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Vgw {
    vpn_gateway_id: Text,
    amazon_side_asn: Asn,
    vpc_attachments: List<Attachment>,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Attachment {
    state: Text,
    vpc_id: Text,
}

impl Resource for Customer {
    const KIND: &'static str = "customer gateway";
    const ID: &'static str = "CustomerGatewayId";
    fn id(&self) -> &str {
        self.customer_gateway_id.text()
    }
}
impl Resource for Vgw {
    const KIND: &'static str = "virtual private gateway";
    const ID: &'static str = "VpnGatewayId";
    fn id(&self) -> &str {
        self.vpn_gateway_id.text()
    }
}

/// Writes the customer gateways.
pub(super) fn build_customers(found: Vec<Item<Customer>>, out: &mut Out) {
    for Item { value: gateway, span, .. } in found {
        let id = gateway.id().to_owned();
        if GONE.contains(&gateway.state.text()) {
            out.deleted(&id, gateway.state.text());
            continue;
        }
        if !gateway.certificate_arn.text().is_empty() {
            out.skip(&id, "its certificate is not modelled".to_owned());
        }
        let ip_address = match gateway.ip_address.0 {
            Some(IpAddr::V4(address)) => Some(Spanned::new(address, span)),
            Some(IpAddr::V6(_)) => {
                out.skip(&id, "its IPv6 address is not modelled".to_owned());
                None
            }
            None => None,
        };
        let built = CustomerGateway {
            ip_address,
            asn: gateway.bgp_asn.0.or(gateway.bgp_asn_extended.0).map(|asn| Spanned::new(asn, span)),
            router: None,
            name_tag: gateway.tags.name(&id),
        };
        out.spec.customer_gateways.insert(Name::new(id, span), built);
    }
}

/// Writes the virtual private gateways. VPCs are there.
pub(super) fn build(found: Vec<Item<Vgw>>, out: &mut Out) {
    for Item { value: gateway, span, .. } in found {
        let id = gateway.id().to_owned();
        if GONE.contains(&gateway.state.text()) {
            out.deleted(&id, gateway.state.text());
            continue;
        }
        let name_tag = gateway.tags.name(&id);
        let in_force = |a: &&Attachment| matches!(a.state.text(), "attached" | "attaching" | "");
        let vpc = gateway.vpc_attachments.iter().filter(in_force).find_map(|a| a.vpc_id.0.clone());
        if let Some(vpc) = vpc.as_deref().filter(|vpc| !out.spec.vpcs.contains_key(*vpc)) {
            out.missing(&id, vpc, "kept as not modelled");
            out.not_modelled(&id, "virtual private gateway of a VPC that the export lacks", None, name_tag);
            continue;
        }
        let built = VpnGateway {
            vpc: vpc.map(|vpc| Spanned::new(vpc, span)),
            asn: gateway.amazon_side_asn.0.map(|asn| Spanned::new(asn, span)),
            name_tag,
        };
        out.spec.vpn_gateways.insert(Name::new(id, span), built);
    }
}
