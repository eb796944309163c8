//! VPC endpoints and endpoint services as written.

use super::{Listener, Spanned};
use schemars::JsonSchema;
use serde::Serialize;

/// A VPC endpoint: a gateway endpoint with `route_tables`, an interface endpoint with `subnets`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpcEndpoint {
    /// Its VPC.
    pub vpc: Spanned<String>,
    /// What it leads to: the name of an AWS service, as in `com.amazonaws.us-east-1.s3`, or of an endpoint service.
    pub service: Spanned<String>,
    /// Gateway or interface.
    #[serde(rename = "type")]
    pub kind: EndpointType,
    /// Gateway endpoint: the route tables that lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_tables: Vec<Spanned<String>>,
    /// Gateway endpoint: the prefix list of its service. Default: the list with the service's name.
    pub prefix_list: Option<Spanned<String>>,
    /// Interface endpoint: one subnet per zone; it has a network interface in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Spanned<String>>,
    /// Interface endpoint: security groups. Default: the VPC's default group.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// The network interfaces that AWS made for it, if the topology lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<Spanned<String>>,
    /// Interface endpoint: whether the service's own name resolves to it in the VPC. Default true for an AWS service.
    pub private_dns: Option<bool>,
    /// The names that the service has in the VPC, if the topology lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<Spanned<String>>,
    /// True if it is not `available` (pending, rejected, failed, ...): it takes no traffic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unavailable: bool,
    /// True if its policy is not the one that allows everything. A policy never drops a packet: the service
    /// answers 403.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restrictive_policy: bool,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// Kind of a VPC endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointType {
    /// A route target for a service's prefix list (S3, DynamoDB).
    Gateway,
    /// Network interfaces in the VPC (PrivateLink).
    Interface,
}

/// An endpoint service (PrivateLink): a provider's load balancer nodes, one per zone, and what is behind them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpcEndpointService {
    /// One subnet per zone of the provider's VPC, where its load balancer has a node.
    pub subnets: Vec<Spanned<String>>,
    /// What it listens on, and where that leads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Spanned<ServiceListener>>,
    /// Whether a node uses targets of other zones. Default false.
    pub cross_zone: Option<bool>,
    /// Security groups of the load balancer. Default none: it filters nothing.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// The nodes' network interfaces, if the topology lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<Spanned<String>>,
    /// The name that consumers with private DNS may use.
    pub private_dns_name: Option<String>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A listener of an endpoint service's load balancer.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceListener {
    /// Protocol and port: `443` or `tcp/443`.
    pub listen: Listener,
    /// The targets' port. Default: the listener's.
    pub target_port: Option<u16>,
    /// Targets: instances or network interfaces of the provider's VPC.
    pub targets: Vec<Spanned<String>>,
}
