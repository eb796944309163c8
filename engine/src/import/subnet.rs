//! Subnets (`describe-subnets`). Route table and network ACL are set by their own files.
//!
//! Not modelled: customer-owned addresses, Outposts, per-subnet DNS host names.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use super::vpc::Ipv6Block;
use crate::base::Cidr;
use crate::diag::Diagnostic;
use crate::spec::{Name, Spanned};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Subnet {
    subnet_id: Text,
    vpc_id: Text,
    availability_zone: Text,
    availability_zone_id: Text,
    cidr_block: Maybe<Cidr>,
    ipv6_cidr_block_association_set: List<Ipv6Block>,
    map_public_ip_on_launch: Option<bool>,
    enable_dns64: Option<bool>,
    owner_id: Text,
    tags: Tags,
}

/// An account that shares a subnet may call its zone by another name; the zone's id is the same for all.
impl PartialEq for Subnet {
    fn eq(&self, other: &Self) -> bool {
        let zone = |s: &Self| s.availability_zone_id.0.clone().or_else(|| s.availability_zone.0.clone());
        let rest = |s: &Self| (s.cidr_block.0, s.map_public_ip_on_launch, s.enable_dns64);
        (self.id(), &self.vpc_id, self.owner()) == (other.id(), &other.vpc_id, other.owner())
            && zone(self) == zone(other)
            && rest(self) == rest(other)
            && self.ipv6_cidr_block_association_set == other.ipv6_cidr_block_association_set
    }
}
impl Resource for Subnet {
    const KIND: &'static str = "subnet";
    const ID: &'static str = "SubnetId";
    fn id(&self) -> &str {
        self.subnet_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// Writes the subnets.
pub(super) fn build(subnets: Vec<Item<Subnet>>, out: &mut Out) {
    for Item { value: subnet, span, .. } in subnets {
        let id = subnet.id().to_owned();
        if !out.has_vpc("subnet", &id, subnet.vpc_id.text()) {
            continue;
        }
        if subnet.availability_zone.text().is_empty() {
            out.diagnostics.push(Diagnostic::error(
                "missing-field",
                span,
                format!("subnet `{id}` has no AvailabilityZone"),
            ));
            continue;
        }
        let mut ipv6 = subnet.ipv6_cidr_block_association_set.iter().filter_map(Ipv6Block::associated);
        let built = crate::spec::Subnet {
            vpc: Spanned::new(subnet.vpc_id.text().to_owned(), span),
            az: Spanned::new(subnet.availability_zone.text().to_owned(), span),
            az_id: subnet.availability_zone_id.0.clone(),
            cidr: subnet.cidr_block.0.map(|c| Spanned::new(c, span)),
            ipv6_cidr: ipv6.next().map(|c| Spanned::new(c, span)),
            route_table: None,
            network_acl: None,
            map_public_ip: Some(subnet.map_public_ip_on_launch.unwrap_or(false)),
            dns64: subnet.enable_dns64.filter(|on| *on),
            name_tag: subnet.tags.name(&id),
            tags: subnet.tags.others(),
        };
        for further in ipv6 {
            out.skip(&id, format!("its second IPv6 block {further} is not modelled"));
        }
        out.spec.subnets.insert(Name::new(id, span), built);
    }
}
