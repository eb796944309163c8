//! Internet, egress-only and NAT gateways as written.

use super::Spanned;
use schemars::JsonSchema;
use serde::Serialize;
use std::net::Ipv4Addr;

/// An internet gateway.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InternetGateway {
    /// The VPC it is attached to; detached if absent.
    pub vpc: Option<Spanned<String>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// An egress-only internet gateway (IPv6).
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressOnlyInternetGateway {
    /// The VPC it is attached to; detached if absent.
    pub vpc: Option<Spanned<String>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A NAT gateway. With `subnet` it is zonal, with `vpc` regional.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatGateway {
    /// Subnet of a zonal NAT gateway.
    pub subnet: Option<Spanned<String>>,
    /// VPC of a regional NAT gateway.
    pub vpc: Option<Spanned<String>>,
    /// Public or private. Default public.
    pub connectivity: Option<NatConnectivity>,
    /// Its addresses, up to 8 (regional: up to 32 per zone); the first is the primary one. Default: one,
    /// private and public address chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Spanned<NatAddress>>,
    /// The network interface that AWS made for it, if the topology lists it.
    pub network_interface: Option<Spanned<String>>,
    /// False if it is not `available` (pending, failed, deleting). Default true.
    pub available: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One address of a NAT gateway.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatAddress {
    /// Private address in its subnet. Absent for a regional NAT gateway, or to have one chosen.
    pub private: Option<Spanned<Ipv4Addr>>,
    /// Elastic IP address. Absent for a private NAT gateway, or to have one chosen.
    pub public: Option<Spanned<Ipv4Addr>>,
}

/// Kind of a NAT gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NatConnectivity {
    /// With elastic IP addresses, for the internet.
    Public,
    /// Without, for other private networks.
    Private,
}
