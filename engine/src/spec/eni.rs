//! Elastic network interfaces as written.

use super::{Spanned, Tags};
use crate::base::Cidr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network interface. Inside an instance the same fields describe its primary interface.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkInterface {
    /// Its subnet.
    pub subnet: Option<Spanned<String>>,
    /// Primary private IPv4 address. Default: the lowest free one of the subnet.
    pub address: Option<Spanned<Ipv4Addr>>,
    /// Secondary private IPv4 addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_addresses: Vec<Spanned<SecondaryAddress>>,
    /// IPv6 addresses, the first is the primary one. Default in a subnet with an IPv6 block: none,
    /// or the lowest free one in an IPv6-only subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_addresses: Vec<Spanned<Ipv6Addr>>,
    /// Delegated prefixes: IPv4 /28, IPv6 /80.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<Spanned<Cidr>>,
    /// Public IPv4 address or EIP of the primary private address: `auto`, `none` or an address.
    /// Default: the subnet's `map_public_ip`.
    pub public_ip: Option<Spanned<PublicIp>>,
    /// Its security groups. Default: the VPC's default group.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// Whether packets must be from (out) or for (in) one of its addresses. Default true.
    pub source_dest_check: Option<bool>,
    /// The instance it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Spanned<String>>,
    /// Position among the instance's interfaces; 0 is the primary one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_index: Option<u32>,
    /// MAC address, as AWS shows it. Captures have addresses of their own.
    pub mac: Option<Spanned<String>>,
    /// AWS's interface type, if it is not `interface`: `nat_gateway`, `vpc_endpoint`, `network_load_balancer`, ...
    /// An interface made by AWS has a type or a description, and no guest of the user's behind it.
    pub interface_type: Option<Spanned<String>>,
    /// Description, as AWS shows it.
    pub description: Option<String>,
    /// True if an AWS service made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requester_managed: bool,
    /// Owner account, if not the VPC's: a participant's interface in a shared subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Spanned<String>>,
    /// The `Name` tag, if it is not the name used here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_tag: Option<String>,
    /// Its other tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A secondary private address.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondaryAddress {
    /// The private address.
    pub address: Spanned<Ipv4Addr>,
    /// Its EIP, if it has one.
    pub public_ip: Option<Spanned<Ipv4Addr>>,
}

/// Public address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublicIp {
    /// None.
    None,
    /// One chosen from 198.51.100.0/24 and then 203.0.113.0/24 (RFC 5737: documentation).
    Auto,
    /// This one.
    Address(Ipv4Addr),
}

impl PublicIp {
    /// The address, if it is written.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(a) => Some(a.into()),
            _ => None,
        }
    }
}
impl Serialize for PublicIp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Auto => serializer.serialize_str("auto"),
            Self::Address(a) => serializer.collect_str(a),
        }
    }
}
impl JsonSchema for PublicIp {
    fn schema_name() -> Cow<'static, str> {
        "PublicIp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(auto|none|[0-9.]+)$" })
    }
}
