//! What is outside the VPCs, and what applies to the whole network, as written.

use super::{Listener, Spanned};
use crate::base::{Bandwidth, Nanos, Ratio};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// A host on the internet.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InternetHost {
    /// Its addresses.
    pub addresses: Vec<Spanned<IpAddr>>,
    /// What listens. Default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Spanned<Listener>>,
    /// Whether it answers echo requests. Default true.
    pub answers_ping: Option<bool>,
    /// One-way latency to an AWS edge. Default: the internet link's.
    pub latency: Option<Nanos>,
    /// Largest packet on the way to it, in bytes. Default 1500.
    pub mtu: Option<Spanned<u32>>,
    /// DNS names that resolve to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Spanned<String>>,
}

/// Whether what the file does not say about a guest is absent or unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKnowledge {
    /// Hand-written: no `listen` means that nothing listens, no `forwarding` that the guest forwards nothing.
    Described,
    /// Imported from an account: AWS does not know what its guests do.
    Unknown,
}

/// Latency, bandwidth, queue and loss of each kind of link. Each is one way.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Between interfaces in one zone. Default 125us.
    pub same_az: Option<LinkSpec>,
    /// Between zones of a Region. Default 500us.
    pub cross_az: Option<LinkSpec>,
    /// Between an internet or egress-only gateway and an internet host. Default 10ms.
    pub internet: Option<LinkSpec>,
    /// Through a transit gateway. Default 150us.
    pub transit_gateway: Option<LinkSpec>,
    /// Between a site's router and the hosts behind it. Default 250us.
    pub site: Option<LinkSpec>,
    /// Between two Regions. Default: half of the measured round trip of the pair, 50ms for a pair without one.
    pub inter_region: Option<LinkSpec>,
}

/// One kind of link.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// One-way latency.
    pub latency: Option<Nanos>,
    /// Bandwidth; unlimited if absent.
    pub bandwidth: Option<Bandwidth>,
    /// Bytes that may wait for the bandwidth before packets are dropped. Default 1 MiB.
    pub queue_bytes: Option<u64>,
    /// Share of packets lost, drawn from the seed.
    pub loss: Option<Ratio>,
}

/// Choices where AWS's documentation is silent or ambiguous. Each default is the reading that
/// `docs/behaviour/` gives, marked `assumed` there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Whether an ICMP error about a tracked flow passes the security group without an ICMP rule. Default false.
    pub icmp_errors_pass_tracked: Option<bool>,
    /// Whether a TCP packet that is not a SYN may open a tracked connection if a rule allows it. Default false: an untracked
    /// session whose rule is gone must not come back as a tracked one.
    pub tracking_picks_up_mid_stream: Option<bool>,
    /// Idle time after which an established TCP connection is no longer tracked. Default 432000s; 350s on Nitro v6.
    pub tracked_tcp_idle: Option<Nanos>,
    /// Idle time after which a UDP stream is no longer tracked. Default 180s.
    pub tracked_udp_stream_idle: Option<Nanos>,
    /// Idle time after which a UDP exchange of one request and at most one reply is no longer tracked. Default 30s.
    pub tracked_udp_idle: Option<Nanos>,
    /// Whether a transit gateway tells a sender in a VPC that a packet was too big, as since November 2024. Default true.
    pub transit_gateway_icmp: Option<bool>,
    /// MTU of a VPC peering between Regions, in bytes. Default 8500; 1500 in the documentation of 2023.
    pub inter_region_peering_mtu: Option<u32>,
    /// Whether traffic mirroring copies what outbound security groups deny. Default false.
    pub mirror_denied_outbound: Option<bool>,
}

/// VPC Block Public Access of one account in one Region.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockPublicAccess {
    /// Region, if not the topology's.
    pub region: Option<Spanned<String>>,
    /// Account, if not the topology's.
    pub account: Option<Spanned<String>>,
    /// What is blocked.
    pub mode: BpaMode,
    /// Exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<Spanned<BpaExclusion>>,
}

/// What Block Public Access blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BpaMode {
    /// Nothing.
    Off,
    /// Internet and egress-only gateways both ways.
    BlockBidirectional,
    /// What comes from the internet, but for replies to NAT and egress-only gateways.
    BlockIngress,
}

/// An exception to Block Public Access.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BpaExclusion {
    /// A VPC or a subnet.
    pub resource: Spanned<String>,
    /// What it may do.
    pub mode: BpaExclusionMode,
}

/// What an exclusion allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BpaExclusionMode {
    /// Both directions.
    AllowBidirectional,
    /// Only what it starts itself.
    AllowEgress,
}

/// A resource that exists but is not modelled.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotModelled {
    /// Its kind in AWS's words: `VPC peering connection`, `transit gateway`, ...
    pub kind: String,
    /// The VPC it belongs to, if it has one.
    pub vpc: Option<Spanned<String>>,
    /// The `Name` tag.
    pub name_tag: Option<String>,
}
