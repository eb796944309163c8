//! VPCs, their attributes and their places (`describe-vpcs`, `describe-vpc-attribute`).
//!
//! Not modelled: tenancy, DHCP options, encryption controls. Blocks in any state but `associated` are left out.
//! A default VPC of which the export holds no subnet is written as an ordinary one: `default: true`
//! would make compile invent the subnets that AWS makes.

use super::Out;
use super::inventory::Resource;
use super::place::{account, region_of_zone};
use super::read::{Item, List, Maybe, Tags, Text};
use crate::base::Cidr;
use crate::spec::{Name, Spanned};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Vpc {
    vpc_id: Text,
    cidr_block: Maybe<Cidr>,
    cidr_block_association_set: List<Block>,
    ipv6_cidr_block_association_set: List<Ipv6Block>,
    is_default: Option<bool>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Block {
    cidr_block: Maybe<Cidr>,
    cidr_block_state: BlockState,
}

/// An IPv6 block of a VPC or a subnet.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Ipv6Block {
    ipv6_cidr_block: Maybe<Cidr>,
    ipv6_cidr_block_state: BlockState,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct BlockState {
    state: Text,
}

impl Ipv6Block {
    /// The block, if it is in use.
    pub(super) fn associated(&self) -> Option<Cidr> {
        self.ipv6_cidr_block.0.filter(|_| self.ipv6_cidr_block_state.associated())
    }
}
impl BlockState {
    fn associated(&self) -> bool {
        matches!(self.state.text(), "associated" | "")
    }
}
impl Resource for Vpc {
    const KIND: &'static str = "VPC";
    const ID: &'static str = "VpcId";
    fn id(&self) -> &str {
        self.vpc_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// One attribute of one VPC.
pub(super) struct Attribute {
    pub(super) vpc: String,
    pub(super) dns_hostnames: bool,
    pub(super) value: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AttributeValue {
    pub(super) value: Option<bool>,
}

/// Writes the VPCs.
pub(super) fn build(vpcs: Vec<Item<Vpc>>, attributes: Vec<Attribute>, out: &mut Out) {
    for Item { value: vpc, span, place } in vpcs {
        let id = vpc.id().to_owned();
        let primary = vpc.cidr_block.0;
        let associated = |b: &&Block| b.cidr_block_state.associated();
        let all = vpc.cidr_block_association_set.iter().filter(associated).filter_map(|b| b.cidr_block.0);
        let owner = account(vpc.owner_id.text());
        if owner.is_none() && !vpc.owner_id.text().is_empty() {
            out.skip(&id, format!("its OwnerId `{}` is not 12 digits and was not read", vpc.owner_id.text()));
        }
        let built = crate::spec::Vpc {
            cidr: primary.map(|c| Spanned::new(c, span)),
            secondary_cidrs: all.filter(|c| Some(*c) != primary).map(|c| Spanned::new(c, span)).collect(),
            ipv6_cidrs: vpc
                .ipv6_cidr_block_association_set
                .iter()
                .filter_map(Ipv6Block::associated)
                .map(|c| Spanned::new(c, span))
                .collect(),
            region: place.region.clone().map(|r| Spanned::new(r, span)),
            account: owner.or_else(|| place.account.clone()).map(|a| Spanned::new(a, span)),
            default: vpc.is_default.unwrap_or(false),
            enable_dns_support: None,
            enable_dns_hostnames: None,
            name_tag: vpc.tags.name(&id),
            tags: vpc.tags.others(),
        };
        out.spec.vpcs.insert(Name::new(id, span), built);
    }
    for attribute in attributes {
        match out.spec.vpcs.get_mut(attribute.vpc.as_str()) {
            Some(vpc) if attribute.dns_hostnames => vpc.enable_dns_hostnames = attribute.value,
            Some(vpc) => vpc.enable_dns_support = attribute.value,
            None => out.missing("a VPC attribute", &attribute.vpc, "not read"),
        }
    }
}

/// What can only be said when the subnets are there: Regions that no folder named, and whether a
/// default VPC may be called one. What all VPCs share moves to the top.
pub(super) fn finish(out: &mut Out) {
    let mut zones: BTreeMap<String, String> = BTreeMap::new();
    for subnet in out.spec.subnets.values() {
        if let Some(region) = region_of_zone(&subnet.az) {
            zones.entry(subnet.vpc.value.clone()).or_insert(region);
        }
    }
    let used: BTreeSet<String> = out.spec.subnets.values().map(|s| s.vpc.value.clone()).collect();
    let mut plain = Vec::new();
    for (id, vpc) in &mut out.spec.vpcs {
        if vpc.region.is_none() {
            vpc.region = zones.get(&id.value).map(|r| Spanned::new(r.clone(), id.span));
        }
        if vpc.default && !used.contains(&id.value) {
            vpc.default = false;
            plain.push(id.value.clone());
        }
    }
    for id in plain {
        out.skip(&id, "a default VPC without a subnet in the export: its being the default one was not written".into());
    }
    let shared = |values: Vec<Option<Spanned<String>>>| {
        let known: BTreeSet<_> = values.into_iter().flatten().collect();
        (known.len() == 1).then(|| known.into_iter().next()).flatten()
    };
    // A transit gateway is in the Region of every VPC that is attached to it.
    for attachment in out.spec.transit_gateway_vpc_attachments.values() {
        let region = out.spec.vpcs.get(attachment.vpc.as_str()).and_then(|vpc| vpc.region.clone());
        if let Some(tgw) = out.spec.transit_gateways.get_mut(attachment.transit_gateway.as_str()) {
            tgw.region = tgw.region.take().or(region);
        }
    }
    let (vpcs, tgws) = (&out.spec.vpcs, &out.spec.transit_gateways);
    let (regions, accounts) = match vpcs.is_empty() {
        false => vpcs.values().map(|v| (v.region.clone(), v.account.clone())).unzip(),
        true => tgws.values().map(|t| (t.region.clone(), t.account.clone())).unzip(),
    };
    (out.spec.region, out.spec.account) = (shared(regions), shared(accounts));
    for vpc in out.spec.vpcs.values_mut() {
        if out.spec.region.is_some() {
            vpc.region = None;
        }
        if out.spec.account.is_some() {
            vpc.account = None;
        }
    }
    for tgw in out.spec.transit_gateways.values_mut() {
        tgw.region = tgw.region.take().filter(|region| out.spec.region.as_ref() != Some(region));
        tgw.account = tgw.account.take().filter(|account| out.spec.account.as_ref() != Some(account));
    }
}
