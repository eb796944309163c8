//! Traffic mirroring as written: targets, filters, sessions.

use super::Spanned;
use crate::base::Cidr;
use crate::base::port::{PortRange, ProtocolMatch};
use schemars::JsonSchema;
use serde::Serialize;

/// A traffic mirror target: exactly one of the three kinds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficMirrorTarget {
    /// The network interface that gets the copies; a primary one has the name of its instance.
    pub network_interface: Option<Spanned<String>>,
    /// A Network Load Balancer. Not modelled: what becomes of a copy is unknown.
    pub network_load_balancer: Option<Spanned<String>>,
    /// A Gateway Load Balancer endpoint. Not modelled: what becomes of a copy is unknown.
    pub gateway_load_balancer_endpoint: Option<Spanned<String>>,
    /// Owner account, if not that of the sessions: a target that is shared.
    pub account: Option<Spanned<String>>,
    /// Description, as AWS shows it.
    pub description: Option<String>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A traffic mirror filter. A direction without rules mirrors nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficMirrorFilter {
    /// Rules for what the source receives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<Spanned<TrafficMirrorRule>>,
    /// Rules for what the source sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<Spanned<TrafficMirrorRule>>,
    /// Services of AWS's whose traffic is mirrored, both ways. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_services: Vec<Spanned<TrafficMirrorNetworkService>>,
    /// Description, as AWS shows it.
    pub description: Option<String>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A service whose traffic can be mirrored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficMirrorNetworkService {
    /// The resolver of the VPC.
    AmazonDns,
}

/// A rule of a traffic mirror filter. The first one that matches decides.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficMirrorRule {
    /// Rule number, 1 to 32766; lower numbers decide first.
    pub rule: Spanned<u32>,
    /// What it does.
    pub action: TrafficMirrorAction,
    /// Protocol. Default `all`.
    pub protocol: Option<ProtocolMatch>,
    /// Source block.
    pub from: Spanned<Cidr>,
    /// Destination block, of the same family.
    pub to: Spanned<Cidr>,
    /// Source ports, for TCP and UDP. Default all.
    pub source_ports: Option<PortRange>,
    /// Destination ports, for TCP and UDP. Default all.
    pub destination_ports: Option<PortRange>,
    /// Description, as AWS shows it.
    pub description: Option<String>,
}

/// What a rule of a traffic mirror filter does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficMirrorAction {
    /// The packet is mirrored.
    Accept,
    /// This session does not mirror it.
    Reject,
}

/// A traffic mirror session.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficMirrorSession {
    /// The network interface whose packets are copied; a primary one has the name of its instance.
    pub network_interface: Spanned<String>,
    /// Who gets the copies.
    pub target: Spanned<String>,
    /// Which packets.
    pub filter: Spanned<String>,
    /// Place among the sessions of the interface, 1 to 32766; lower numbers decide first.
    pub session_number: Spanned<u32>,
    /// Bytes of a frame to copy, its Ethernet header included, 1 to 8500. Default: all of it.
    pub packet_length: Option<Spanned<u32>>,
    /// VXLAN network identifier, 0 to 16777215, unique in the account. Default: one is chosen.
    pub virtual_network_id: Option<Spanned<u32>>,
    /// Owner account, if not that of the interface.
    pub account: Option<Spanned<String>>,
    /// Description, as AWS shows it.
    pub description: Option<String>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}
