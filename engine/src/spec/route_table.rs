//! Route tables as written.

use super::Spanned;
use schemars::JsonSchema;
use serde::Serialize;

/// A route table. The `local` routes of the VPC's blocks are implied; write one only to replace its target.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    /// Its VPC.
    pub vpc: Spanned<String>,
    /// True for the VPC's main table: it serves every subnet that names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub main: bool,
    /// The internet gateway or virtual private gateway whose incoming traffic this table routes (edge association).
    pub gateway: Option<Spanned<String>>,
    /// Virtual private gateways whose routes are propagated into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub propagating_vpn_gateways: Vec<Spanned<String>>,
    /// Its routes, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Spanned<Route>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One route.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Destination: an IPv4 or IPv6 block, or a prefix list's name.
    pub to: Spanned<String>,
    /// Target: `local`, or the name of an internet gateway, egress-only internet gateway, NAT gateway, VPC peering
    /// connection, transit gateway, virtual private gateway, gateway endpoint, network interface, or instance with exactly one interface.
    pub via: Spanned<String>,
    /// State as AWS reports it. Default: `active` while the target can take traffic.
    pub state: Option<RouteState>,
    /// Where it came from. Default `static`.
    pub origin: Option<RouteOrigin>,
}

/// State of a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteState {
    /// It forwards.
    Active,
    /// Its target cannot take traffic: it still wins its prefix, and drops.
    Blackhole,
}

/// Where a route came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOrigin {
    /// Written by hand (`CreateRoute`).
    Static,
    /// Propagated by a virtual private gateway (`EnableVgwRoutePropagation`).
    Propagated,
    /// Installed by a route server (`Advertisement`).
    Advertised,
}
