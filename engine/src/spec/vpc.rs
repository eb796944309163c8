//! VPCs, subnets and prefix lists as written.

use super::{Spanned, Tags};
use crate::base::Cidr;
use schemars::JsonSchema;
use serde::Serialize;

/// A VPC.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// Primary IPv4 block. Default `172.31.0.0/16` for a default VPC, else required.
    pub cidr: Option<Spanned<Cidr>>,
    /// Further IPv4 blocks, up to four more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_cidrs: Vec<Spanned<Cidr>>,
    /// IPv6 blocks, up to five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_cidrs: Vec<Spanned<Cidr>>,
    /// Region, if not the topology's.
    pub region: Option<Spanned<String>>,
    /// Owner account, if not the topology's.
    pub account: Option<Spanned<String>>,
    /// True for a Region's default VPC. If no subnet names it, it gets what AWS makes: a /20 per zone
    /// (a, b, c) with public addresses on launch, an internet gateway, and the route to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Whether the resolver answers. Default true.
    pub enable_dns_support: Option<bool>,
    /// Whether public host names are given. Default false, true in a default VPC.
    pub enable_dns_hostnames: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
    /// Its other tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A subnet. IPv4-only, dual-stack or IPv6-only by the blocks it has.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: Spanned<String>,
    /// Availability zone: `a` or `us-east-1a`.
    pub az: Spanned<String>,
    /// The zone's id, as in `use1-az2`.
    pub az_id: Option<String>,
    /// IPv4 block, /16 to /28.
    pub cidr: Option<Spanned<Cidr>>,
    /// IPv6 block, /44 to /64.
    pub ipv6_cidr: Option<Spanned<Cidr>>,
    /// Its route table. Default: the VPC's main table.
    pub route_table: Option<Spanned<String>>,
    /// Its network ACL. Default: the VPC's default ACL.
    pub network_acl: Option<Spanned<String>>,
    /// Whether interfaces made here get a public IPv4 address. Default false, true in a default VPC's subnets.
    pub map_public_ip: Option<bool>,
    /// Whether the resolver synthesises AAAA records (64:ff9b::/96). Default false.
    pub dns64: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
    /// Its other tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A prefix list.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixList {
    /// Its blocks.
    pub entries: Vec<Spanned<Cidr>>,
    /// How many entries it may hold; this, not the number it holds, counts against quotas.
    pub max_entries: Option<u32>,
    /// The list's name, as in `com.amazonaws.us-east-1.s3`, if it is not the name used here.
    pub name_tag: Option<String>,
}
