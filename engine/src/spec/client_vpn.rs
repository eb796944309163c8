//! Client VPN endpoints as written, and the clients that are connected to them.

use super::{Listener, Spanned};
use crate::base::Cidr;
use schemars::JsonSchema;
use serde::Serialize;
use std::net::Ipv4Addr;

/// A Client VPN endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientVpnEndpoint {
    /// The VPC of its target networks.
    pub vpc: Spanned<String>,
    /// Block that clients get addresses from, /12 to /22.
    pub client_cidr: Spanned<Cidr>,
    /// Associated target networks, one subnet per zone. Without one nobody can connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Spanned<String>>,
    /// Security groups of its network interfaces. Default: the VPC's default group.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// The network interfaces that AWS made for it, one per target network, if the topology lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<Spanned<String>>,
    /// Whether clients send only what its routes match into the tunnel. Default false: they send everything.
    pub split_tunnel: Option<bool>,
    /// Its routes, besides those for the VPC's blocks that every target network has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Spanned<ClientVpnRoute>>,
    /// Who may go where. Without a rule nobody may go anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_rules: Vec<Spanned<ClientVpnAuthorizationRule>>,
    /// False if it is not `available` (pending, deleting). Default true.
    pub available: Option<bool>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A route of a Client VPN endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientVpnRoute {
    /// Destination block, IPv4.
    pub to: Spanned<Cidr>,
    /// The target network whose clients have the route; `local` for the client CIDR, so that clients reach each other.
    pub subnet: Spanned<String>,
}

/// An authorization rule of a Client VPN endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientVpnAuthorizationRule {
    /// Destination block, IPv4.
    pub to: Spanned<Cidr>,
    /// Group of the directory whose members may go there. Default: everybody.
    pub group: Option<String>,
}

/// A client that is connected to a Client VPN endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientVpnClient {
    /// The endpoint.
    pub endpoint: Spanned<String>,
    /// Its address in the client CIDR. Default: one is chosen.
    pub address: Option<Spanned<Ipv4Addr>>,
    /// The target network it is connected by. Default: whichever AWS gives it.
    pub subnet: Option<Spanned<String>>,
    /// Groups of the directory that its user is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What listens. Default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Spanned<Listener>>,
    /// Whether it answers echo requests. Default true.
    pub answers_ping: Option<bool>,
}
