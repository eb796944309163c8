//! Transit gateways, their attachments and route tables as written.

use super::{RouteOrigin, Spanned};
use crate::base::Cidr;
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// A transit gateway.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGateway {
    /// Region, if not the topology's.
    pub region: Option<Spanned<String>>,
    /// Owner account, if not the topology's.
    pub account: Option<Spanned<String>>,
    /// Its own autonomous system number. Default 64512.
    pub asn: Option<u32>,
    /// Whether an attachment that no route table associates is associated with the default one. Default true.
    pub default_route_table_association: Option<bool>,
    /// Whether every attachment propagates into the default route table. Default true.
    pub default_route_table_propagation: Option<bool>,
    /// Whether security groups may be referenced across it. Default false.
    pub security_group_referencing: Option<bool>,
    /// Whether equal routes of VPN connections share the traffic. Default true.
    pub vpn_ecmp: Option<bool>,
    /// Whether it has multicast domains. Default false.
    pub multicast: Option<bool>,
    /// Its own blocks, for Connect peers and private IP VPN connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<Spanned<Cidr>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// State of an attachment to a transit gateway, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentState {
    /// A peering that was asked for.
    InitiatingRequest,
    /// Waits for the other side.
    PendingAcceptance,
    /// Being made.
    Pending,
    /// It carries packets.
    Available,
    /// Being modified: it carries packets.
    Modifying,
    /// A modification is being undone: it carries packets.
    RollingBack,
    /// Could not be made.
    Failed,
    /// About to fail.
    Failing,
    /// Refused by the other side.
    Rejected,
    /// Being refused.
    Rejecting,
    /// Being deleted.
    Deleting,
    /// Deleted.
    Deleted,
}

/// The attachment of a VPC to a transit gateway.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayVpcAttachment {
    /// The transit gateway.
    pub transit_gateway: Spanned<String>,
    /// The VPC.
    pub vpc: Spanned<String>,
    /// One subnet per zone in which it is present: it has a network interface in each.
    pub subnets: Vec<Spanned<String>>,
    /// Whether both directions of a flow use the same zone of this attachment. Default false.
    pub appliance_mode: Option<bool>,
    /// Whether security groups of other attachments may be referenced in this VPC. Default true; the transit gateway
    /// must allow it too.
    pub security_group_referencing: Option<bool>,
    /// Whether it carries IPv6. Default false.
    pub ipv6: Option<bool>,
    /// Whether names of instances in other attached VPCs resolve to private addresses. Default true.
    pub dns_support: Option<bool>,
    /// State. Default `available`.
    pub state: Option<AttachmentState>,
    /// The network interfaces that AWS made for it, if the topology lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<Spanned<String>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A peering of two transit gateways. One attachment, with the same id on both sides.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayPeeringAttachment {
    /// The transit gateway that asked for it. May be absent only in an imported topology: the export lacks it.
    pub requester: Option<Spanned<String>>,
    /// The transit gateway that was asked. May be absent only in an imported topology: the export lacks it.
    pub accepter: Option<Spanned<String>>,
    /// State. Default `available`.
    pub state: Option<AttachmentState>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A Connect attachment: GRE tunnels to appliances, over another attachment.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayConnect {
    /// The attachment that carries the tunnels.
    pub transport: Spanned<String>,
    /// Its tunnels, up to 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Spanned<ConnectPeer>>,
    /// State. Default `available`.
    pub state: Option<AttachmentState>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One tunnel of a Connect attachment.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectPeer {
    /// Outer address of the transit gateway, from one of its blocks.
    pub transit_gateway_address: Spanned<IpAddr>,
    /// Outer address of the appliance: an address of one of its network interfaces.
    pub peer_address: Spanned<IpAddr>,
    /// Blocks inside the tunnel: a /29 of 169.254.0.0/16, and a /125 of fd00::/8 if there is IPv6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside_cidrs: Vec<Spanned<Cidr>>,
    /// The appliance's autonomous system number. Default: the transit gateway's, which makes it iBGP.
    pub peer_asn: Option<u32>,
    /// The prefixes that the appliance announces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advertises: Vec<Spanned<Cidr>>,
}

/// A route table of a transit gateway.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayRouteTable {
    /// The transit gateway.
    pub transit_gateway: Spanned<String>,
    /// True for the table that attachments are associated with which no table names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default_association: bool,
    /// True for the table that every attachment propagates into.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default_propagation: bool,
    /// The attachments whose packets this table routes. An attachment has at most one table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub associations: Vec<Spanned<String>>,
    /// The attachments whose prefixes this table learns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub propagations: Vec<Spanned<String>>,
    /// Static routes, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Spanned<TransitGatewayRoute>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One route of a transit gateway's table.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayRoute {
    /// Destination: an IPv4 or IPv6 block, or a prefix list's name.
    pub to: Spanned<String>,
    /// The attachment it leads to. Absent for a blackhole.
    pub via: Option<Spanned<String>>,
    /// True if it drops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blackhole: bool,
    /// Where it came from. Default `static`.
    pub origin: Option<RouteOrigin>,
}

/// A multicast domain of a transit gateway.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitGatewayMulticastDomain {
    /// The transit gateway, with `multicast: true`.
    pub transit_gateway: Spanned<String>,
    /// The subnets in it. A subnet is in one domain only, and its VPC is attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Spanned<String>>,
    /// Whether hosts join by IGMPv2. Default false: members are listed.
    pub igmpv2: Option<bool>,
    /// Whether only listed sources may send. Default false.
    pub static_sources: Option<bool>,
    /// Its groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Spanned<MulticastGroup>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A group of a multicast domain.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MulticastGroup {
    /// Its address, in 224.0.0.0/4 or ff00::/8.
    pub address: Spanned<IpAddr>,
    /// Network interfaces (or instances with one) that receive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Spanned<String>>,
    /// Network interfaces (or instances with one) that send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Spanned<String>>,
}
