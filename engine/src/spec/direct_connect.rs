//! Direct Connect as written: connections, link aggregation groups, virtual interfaces, gateways and their associations.

use super::Spanned;
use crate::base::{Bandwidth, Cidr, Nanos, Ratio};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// A Direct Connect connection: a port at a location, with a cable to a router.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectConnectConnection {
    /// The location, such as `EqLD5`.
    pub location: Option<String>,
    /// The location's Region. Default: the topology's.
    pub region: Option<Spanned<String>>,
    /// AWS's device at the location that the cable ends at, such as `EqLD5-1a2b`.
    pub device: Option<String>,
    /// The router at the other end, if the topology describes it.
    pub router: Option<Spanned<String>>,
    /// The link aggregation group that it is a member of. Virtual interfaces are then the group's.
    pub lag: Option<Spanned<String>>,
    /// Whether a partner hosts it on a line of its own. Default false: dedicated.
    pub hosted: Option<bool>,
    /// Bandwidth: 1, 10, 100 or 400 Gbps; 50 Mbps to 25 Gbps if it is hosted. Default 1 Gbps.
    pub bandwidth: Option<Bandwidth>,
    /// Whether the line is encrypted by MACsec between the router and AWS's device: 10, 100 and 400 Gbps dedicated
    /// ones only. Decides nothing. Default false.
    pub macsec: Option<bool>,
    /// One-way latency between router and Region. Default 1 ms.
    pub latency: Option<Nanos>,
    /// Share of packets lost, drawn from the seed. With 100% it is dead, and nobody is told.
    pub loss: Option<Ratio>,
    /// Whether it is up. Default true.
    pub up: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A link aggregation group (LAG): connections that are one line to virtual interfaces.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectConnectLag {
    /// The location. Default: its connections'.
    pub location: Option<String>,
    /// The location's Region. Default: its connections'.
    pub region: Option<Spanned<String>>,
    /// With fewer connections up than this it is down. Default 0: it is never down.
    pub minimum_links: Option<Spanned<u32>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A virtual interface: an 802.1Q VLAN of a connection, with a BGP session.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualInterface {
    /// What it reaches.
    #[serde(rename = "type")]
    pub kind: VirtualInterfaceType,
    /// The connection or the link aggregation group that carries it.
    pub connection: Spanned<String>,
    /// 802.1Q tag, 1 to 4094, unique on the connection.
    pub vlan: Spanned<u16>,
    /// AWS's end: a Direct Connect gateway.
    pub direct_connect_gateway: Option<Spanned<String>>,
    /// AWS's end: a virtual private gateway (a private one only).
    pub vpn_gateway: Option<Spanned<String>>,
    /// Public prefixes that the customer has named to AWS: it takes announcements of these and of what is inside them
    /// (a public one only). Default: of any public prefix.
    pub route_filter_prefixes: Option<Vec<Spanned<Cidr>>>,
    /// Customer's autonomous system number. Default: the router's.
    pub asn: Option<Spanned<u32>>,
    /// AWS's address of the session. Default: chosen from 169.254.0.0/16.
    pub amazon_address: Option<Spanned<IpAddr>>,
    /// The customer's address of the session. Default: chosen.
    pub customer_address: Option<Spanned<IpAddr>>,
    /// MTU in bytes: 1500, 9001 (private) or 8500 (transit). Default 1500.
    pub mtu: Option<Spanned<u32>>,
    /// Whether it is up. Default true.
    pub up: Option<bool>,
    /// Whether traffic may pass to other interfaces of its gateway that have it too. Default false.
    pub site_link: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// Kind of a virtual interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VirtualInterfaceType {
    /// To VPCs, by a virtual private gateway or a Direct Connect gateway.
    Private,
    /// To transit gateways, by a Direct Connect gateway.
    Transit,
    /// To AWS's public addresses.
    Public,
}

/// A Direct Connect gateway. It is global.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectConnectGateway {
    /// Amazon's autonomous system number. Default 64512.
    pub asn: Option<Spanned<u32>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// The association of a Direct Connect gateway with a virtual private gateway or a transit gateway. With a transit gateway it
/// is an attachment of that, by its own name.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectConnectGatewayAssociation {
    /// The Direct Connect gateway.
    pub direct_connect_gateway: Spanned<String>,
    /// The virtual private gateway.
    pub vpn_gateway: Option<Spanned<String>>,
    /// The transit gateway.
    pub transit_gateway: Option<Spanned<String>>,
    /// What is announced to the routers: a filter for a virtual private gateway (default: all of its VPC's blocks), the
    /// list itself for a transit gateway.
    pub allowed_prefixes: Option<Vec<Spanned<Cidr>>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}
