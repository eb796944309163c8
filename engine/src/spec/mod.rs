//! What the user wrote: a topology as AWS's nouns, with the place of every value.
//!
//! [`read`] reads a topology file into a [`Spec`] and collects every mistake on the way; the importers
//! build the same [`Spec`] from AWS JSON. `compile` is the only reader. Defaults are *not* filled in
//! here: an absent value is `None`, and `compile` knows what AWS does then.
//!
//! Invariants: names are unique over all kinds of one topology, because a route or a rule names its
//! target without saying the kind; a real AWS id is a name like any other.

mod acl;
mod build;
mod client_vpn;
pub(crate) mod decode;
mod direct_connect;
mod endpoint;
mod eni;
mod fields;
pub mod flow_log;
mod gateway;
mod instance;
mod internet;
mod lint;
mod mirror;
pub(crate) mod node;
mod peering;
pub(crate) mod read;
mod route_table;
mod router;
pub(crate) mod schema;
mod security_group;
mod span;
mod syntax;
mod tags;
mod transit_gateway;
mod vpc;
mod vpn;
pub mod write;

pub use acl::{AclAction, AclRule, NetworkAcl};
pub use client_vpn::{ClientVpnAuthorizationRule, ClientVpnClient, ClientVpnEndpoint, ClientVpnRoute};
pub use direct_connect::{
    DirectConnectConnection, DirectConnectGateway, DirectConnectGatewayAssociation, DirectConnectLag, VirtualInterface,
    VirtualInterfaceType,
};
pub use endpoint::{EndpointType, ServiceListener, VpcEndpoint, VpcEndpointService};
pub use eni::{NetworkInterface, PublicIp, SecondaryAddress};
pub(crate) use fields::SgRules;
pub use flow_log::{
    FlowLog, FlowLogCloudWatch, FlowLogDestination, FlowLogFileFormat, FlowLogS3, FlowLogTagFields, TaggedResource,
    TrafficType,
};
pub use gateway::{EgressOnlyInternetGateway, InternetGateway, NatAddress, NatConnectivity, NatGateway};
pub use instance::{Forwarding, GuestOs, Instance, InstanceState, Listener};
pub use internet::{
    BlockPublicAccess, BpaExclusion, BpaExclusionMode, BpaMode, GuestKnowledge, InternetHost, LinkSpec, Links,
    NotModelled, Profile,
};
pub use lint::LintSuppression;
pub use mirror::{
    TrafficMirrorAction, TrafficMirrorFilter, TrafficMirrorNetworkService, TrafficMirrorRule, TrafficMirrorSession,
    TrafficMirrorTarget,
};
pub use node::{BYTES_MAX, DEPTH_MAX, NODES_MAX};
pub use peering::{PeeringState, VpcPeeringConnection};
pub use read::{NAME_MAX, read, top_keys, written_names};
pub use route_table::{Route, RouteOrigin, RouteState, RouteTable};
pub use router::{Neighbor, Router, RouterRoute, SiteHost};
pub use schema::schema;
pub use security_group::{Peer, SecurityGroup, SgRule};
pub use span::{Name, Spanned};
pub use tags::Tags;
pub use transit_gateway::{
    AttachmentState, ConnectPeer, MulticastGroup, TransitGateway, TransitGatewayConnect, TransitGatewayMulticastDomain,
    TransitGatewayPeeringAttachment, TransitGatewayRoute, TransitGatewayRouteTable, TransitGatewayVpcAttachment,
};
pub use vpc::{PrefixList, Subnet, Vpc};
pub use vpn::{
    CustomerGateway, DpdAction, Encryption, InsideIpVersion, Integrity, OutsideIpAddressType, StartupAction,
    TunnelBandwidth, VpnConnection, VpnGateway, VpnTunnel,
};

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Resources of one kind, by name.
pub type Named<T> = BTreeMap<Name, T>;

/// A network: everything that one topology file, or one folder of AWS JSON, describes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// What this network shows, for people.
    pub description: Option<String>,
    /// Region of every resource that names none. Default `us-east-1`.
    pub region: Option<Spanned<String>>,
    /// Account of every resource that names none, 12 digits. Default `111122223333`.
    pub account: Option<Spanned<String>>,
    /// Whether what the file does not say about guests is absent or unknown.
    pub guests: Option<GuestKnowledge>,
    /// Choices where AWS's documentation is silent or ambiguous.
    pub profile: Option<Profile>,
    /// Latency, bandwidth, queue, loss by kind of link.
    pub links: Option<Links>,
    /// Virtual private clouds.
    pub vpcs: Named<Vpc>,
    /// Subnets.
    pub subnets: Named<Subnet>,
    /// Route tables of subnets and gateways.
    pub route_tables: Named<RouteTable>,
    /// Network ACLs.
    pub network_acls: Named<NetworkAcl>,
    /// Security groups.
    pub security_groups: Named<SecurityGroup>,
    /// Customer-managed and AWS-managed prefix lists.
    pub prefix_lists: Named<PrefixList>,
    /// Internet gateways.
    pub internet_gateways: Named<InternetGateway>,
    /// Egress-only internet gateways.
    pub egress_only_internet_gateways: Named<EgressOnlyInternetGateway>,
    /// NAT gateways, zonal and regional.
    pub nat_gateways: Named<NatGateway>,
    /// VPC peering connections.
    pub vpc_peering_connections: Named<VpcPeeringConnection>,
    /// Transit gateways.
    pub transit_gateways: Named<TransitGateway>,
    /// Attachments of VPCs to transit gateways.
    pub transit_gateway_vpc_attachments: Named<TransitGatewayVpcAttachment>,
    /// Peerings of transit gateways.
    pub transit_gateway_peering_attachments: Named<TransitGatewayPeeringAttachment>,
    /// Connect attachments of transit gateways.
    pub transit_gateway_connects: Named<TransitGatewayConnect>,
    /// Route tables of transit gateways.
    pub transit_gateway_route_tables: Named<TransitGatewayRouteTable>,
    /// Multicast domains of transit gateways.
    pub transit_gateway_multicast_domains: Named<TransitGatewayMulticastDomain>,
    /// VPC endpoints.
    pub vpc_endpoints: Named<VpcEndpoint>,
    /// Endpoint services (PrivateLink).
    pub vpc_endpoint_services: Named<VpcEndpointService>,
    /// Customer gateways.
    pub customer_gateways: Named<CustomerGateway>,
    /// Virtual private gateways.
    pub vpn_gateways: Named<VpnGateway>,
    /// Site-to-Site VPN connections.
    pub vpn_connections: Named<VpnConnection>,
    /// Direct Connect connections.
    pub direct_connect_connections: Named<DirectConnectConnection>,
    /// Link aggregation groups of Direct Connect connections.
    pub direct_connect_lags: Named<DirectConnectLag>,
    /// Virtual interfaces of Direct Connect connections.
    pub virtual_interfaces: Named<VirtualInterface>,
    /// Direct Connect gateways.
    pub direct_connect_gateways: Named<DirectConnectGateway>,
    /// Associations of Direct Connect gateways.
    pub direct_connect_gateway_associations: Named<DirectConnectGatewayAssociation>,
    /// Network interfaces that are not written inside an instance.
    pub network_interfaces: Named<NetworkInterface>,
    /// Instances.
    pub instances: Named<Instance>,
    /// Hosts on the internet that the topology describes.
    pub internet_hosts: Named<InternetHost>,
    /// Routers of on-premises sites.
    pub routers: Named<Router>,
    /// Hosts of on-premises sites.
    pub site_hosts: Named<SiteHost>,
    /// Client VPN endpoints.
    pub client_vpn_endpoints: Named<ClientVpnEndpoint>,
    /// Clients that are connected to Client VPN endpoints.
    pub client_vpn_clients: Named<ClientVpnClient>,
    /// Traffic mirror targets.
    pub traffic_mirror_targets: Named<TrafficMirrorTarget>,
    /// Traffic mirror filters.
    pub traffic_mirror_filters: Named<TrafficMirrorFilter>,
    /// Traffic mirror sessions.
    pub traffic_mirror_sessions: Named<TrafficMirrorSession>,
    /// VPC Block Public Access, one entry per account and Region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block_public_access: Vec<Spanned<BlockPublicAccess>>,
    /// Flow logs.
    pub flow_logs: Named<FlowLog>,
    /// Findings of `vpcsim lint` that are meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lint: Vec<Spanned<LintSuppression>>,
    /// Resources that were understood but are not modelled: a packet that meets one is answered so.
    pub not_modelled: Named<NotModelled>,
}
