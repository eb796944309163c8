//! VPC peering connections as written.

use super::Spanned;
use schemars::JsonSchema;
use serde::Serialize;

/// A VPC peering connection. Routes to it are written in the route tables of both sides.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpcPeeringConnection {
    /// The VPC that asked for it. May be absent only in an imported topology: the export lacks that VPC.
    pub requester: Option<Spanned<String>>,
    /// The VPC that was asked. May be absent only in an imported topology: the export lacks that VPC.
    pub accepter: Option<Spanned<String>>,
    /// State. Default `active`; only an active one carries packets.
    pub state: Option<PeeringState>,
    /// Whether public names of the requester's instances resolve to private addresses in the accepter
    /// (`AllowDnsResolutionFromRemoteVpc` of the requester). Default false.
    pub requester_dns_resolution: Option<bool>,
    /// The same for names of the accepter's instances in the requester. Default false.
    pub accepter_dns_resolution: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// State of a VPC peering connection, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeeringState {
    /// Asked for.
    InitiatingRequest,
    /// Refused by AWS: overlapping blocks, say.
    Failed,
    /// Waits for the other side, for 7 days.
    PendingAcceptance,
    /// Not accepted within 7 days.
    Expired,
    /// Refused by the other side.
    Rejected,
    /// Accepted, and being made.
    Provisioning,
    /// It carries packets.
    Active,
    /// Being deleted (between Regions).
    Deleting,
    /// Deleted by one side.
    Deleted,
}
