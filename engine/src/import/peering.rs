//! VPC peering connections (`describe-vpc-peering-connections`).
//!
//! Both sides see a connection, and each side only its own options, so the copies of several folders are
//! put together. One that AWS has ended (deleted, rejected, expired, failed) is kept, with that state, only
//! if a route or a security group rule still names it.

use super::Out;
use super::inventory::{Resource, copies};
use super::read::{Item, Maybe, Tags, Text};
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, PeeringState, Spanned, VpcPeeringConnection};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Pcx {
    vpc_peering_connection_id: Text,
    requester_vpc_info: Side,
    accepter_vpc_info: Side,
    status: Status,
    tags: Tags,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Side {
    vpc_id: Text,
    owner_id: Text,
    region: Text,
    peering_options: Option<Options>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    allow_dns_resolution_from_remote_vpc: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Status {
    code: Maybe<String>,
}

impl Resource for Pcx {
    const KIND: &'static str = "VPC peering connection";
    const ID: &'static str = "VpcPeeringConnectionId";
    fn id(&self) -> &str {
        self.vpc_peering_connection_id.text()
    }
}

impl Pcx {
    /// What both sides see alike.
    fn facts(&self) -> [&str; 3] {
        [self.requester_vpc_info.vpc_id.text(), self.accepter_vpc_info.vpc_id.text(), self.status.code.text()]
    }
}

/// Writes the connections. `named` are those that routes and rules name.
pub(super) fn build(found: Vec<Item<Pcx>>, named: &BTreeSet<String>, out: &mut Out) {
    for (id, mut copies) in copies(found) {
        // The requester's copy first: its name is the connection's.
        copies.sort_by_key(|copy| !is_of(copy, &copy.value.requester_vpc_info));
        let Some(first) = copies.first() else { continue };
        for other in copies.iter().filter(|other| other.value.facts() != first.value.facts()) {
            out.differs(&id, Pcx::KIND, other.span, first.span);
        }
        let code = first.value.status.code.text();
        if matches!(code, "deleted" | "rejected" | "expired" | "failed") && !named.contains(&id) {
            out.deleted(&id, code);
            continue;
        }
        let state = state(code, &id, first.span, out);
        let [requester, accepter] = [&first.value.requester_vpc_info, &first.value.accepter_vpc_info];
        let there = |side: &Side, out: &Out| out.spec.vpcs.contains_key(side.vpc_id.text());
        if !there(requester, out) && !there(accepter, out) {
            out.has_vpc(Pcx::KIND, &id, requester.vpc_id.text());
            continue;
        }
        let mut vpc = |side: &Side| {
            if there(side, out) {
                return side.vpc_id.0.clone().map(|vpc| Spanned::new(vpc, first.span));
            }
            out.missing(&id, side.vpc_id.text(), "kept; that side of the peering is unknown");
            None
        };
        let built = VpcPeeringConnection {
            requester: vpc(requester),
            accepter: vpc(accepter),
            state,
            requester_dns_resolution: dns_resolution(&copies, |pcx| &pcx.requester_vpc_info),
            accepter_dns_resolution: dns_resolution(&copies, |pcx| &pcx.accepter_vpc_info),
            name_tag: first.value.tags.name(&id),
        };
        out.spec.vpc_peering_connections.insert(Name::new(id, first.span), built);
    }
}

/// True if the copy is from the account, and the Region, of `side`.
fn is_of(copy: &Item<Pcx>, side: &Side) -> bool {
    let same = |place: &Option<String>, said: &Text| place.is_some() && *place == said.0;
    same(&copy.place.account, &side.owner_id) && (copy.place.region.is_none() || same(&copy.place.region, &side.region))
}

/// The option of a side: as its own copy says, else as any copy says.
fn dns_resolution(copies: &[Item<Pcx>], side: fn(&Pcx) -> &Side) -> Option<bool> {
    let said = |copy: &Item<Pcx>| side(&copy.value).peering_options.as_ref()?.allow_dns_resolution_from_remote_vpc;
    let own = copies.iter().filter(|copy| is_of(copy, side(&copy.value))).find_map(said);
    own.or_else(|| copies.iter().find_map(said)).filter(|allowed| *allowed)
}

fn state(code: &str, id: &str, span: Span, out: &mut Out) -> Option<PeeringState> {
    Some(match code {
        "active" | "" => return None,
        "initiating-request" => PeeringState::InitiatingRequest,
        "pending-acceptance" => PeeringState::PendingAcceptance,
        "provisioning" => PeeringState::Provisioning,
        "deleting" => PeeringState::Deleting,
        "deleted" => PeeringState::Deleted,
        "rejected" => PeeringState::Rejected,
        "expired" => PeeringState::Expired,
        "failed" => PeeringState::Failed,
        other => {
            let message =
                format!("VPC peering connection `{id}` is in the unknown state `{other}`; taken as not active");
            out.diagnostics.push(Diagnostic::warning("unknown-state", span, message));
            PeeringState::Provisioning
        }
    })
}
