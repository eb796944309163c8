//! VPC peering connections (`describe-vpc-peering-connections`).
//!
//! Each account sees a peering with its own side's options only, so the copies are put together. A side whose VPC is not
//! in the export is left out. A peering that AWS still lists but that is gone is left out too, unless it is a route's target:
//! then it is the blackhole that AWS shows.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, Tags, Text};
use crate::spec::{Name, PeeringState, Spanned, VpcPeeringConnection};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Peering {
    vpc_peering_connection_id: Text,
    requester_vpc_info: Side,
    accepter_vpc_info: Side,
    status: Status,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Side {
    vpc_id: Text,
    peering_options: Option<Options>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    allow_dns_resolution_from_remote_vpc: Option<bool>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Status {
    code: Text,
}

impl Resource for Peering {
    const KIND: &'static str = "VPC peering connection";
    const ID: &'static str = "VpcPeeringConnectionId";
    fn id(&self) -> &str {
        self.vpc_peering_connection_id.text()
    }
}

impl Side {
    fn dns(&self) -> Option<bool> {
        self.peering_options.as_ref().and_then(|o| o.allow_dns_resolution_from_remote_vpc)
    }
}

/// Writes the peerings.
pub(super) fn build(peerings: Vec<Item<Peering>>, out: &mut Out) {
    let mut by_id: BTreeMap<String, Vec<Item<Peering>>> = BTreeMap::new();
    for peering in peerings {
        by_id.entry(peering.value.id().to_owned()).or_default().push(peering);
    }
    for (id, copies) in by_id {
        let span = copies[0].span;
        let first = &copies[0].value;
        if let Some(other) = copies.iter().find(|c| c.value.status != first.status) {
            out.differs(&id, Peering::KIND, other.span, span);
        }
        let state = match first.status.code.text() {
            "active" | "" => None,
            "initiating-request" => Some(PeeringState::InitiatingRequest),
            "pending-acceptance" => Some(PeeringState::PendingAcceptance),
            "provisioning" => Some(PeeringState::Provisioning),
            gone => {
                out.deleted(&id, gone);
                continue;
            }
        };
        let mut side = |of: fn(&Peering) -> &Side| {
            let vpc = of(first).vpc_id.text();
            let known = out.spec.vpcs.contains_key(vpc);
            if !known {
                out.missing(&id, vpc, "peering kept; what is behind it is unknown");
            }
            known.then(|| Spanned::new(vpc.to_owned(), span))
        };
        let (requester, accepter) = (side(|p| &p.requester_vpc_info), side(|p| &p.accepter_vpc_info));
        if requester.is_none() && accepter.is_none() {
            out.skip(&id, "neither of its VPCs is in the export".into());
            continue;
        }
        let dns = |of: fn(&Peering) -> &Side| copies.iter().find_map(|c| of(&c.value).dns()).filter(|on| *on);
        let built = VpcPeeringConnection {
            requester,
            accepter,
            state,
            requester_dns_resolution: dns(|p| &p.requester_vpc_info),
            accepter_dns_resolution: dns(|p| &p.accepter_vpc_info),
            name_tag: copies.iter().find_map(|c| c.value.tags.name(&id)),
        };
        out.spec.vpc_peering_connections.insert(Name::new(id, span), built);
    }
}
