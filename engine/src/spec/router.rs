//! On-premises sites as written: routers and the hosts behind them.

use super::{LinkSpec, Listener, Spanned};
use crate::base::{Bandwidth, Cidr, Nanos, Ratio};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

/// A router at a site. It has BGP sessions with everything that a VPN connection, a virtual interface or a line of
/// `neighbors` joins it to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// The site, for people.
    pub site: Option<String>,
    /// Its autonomous system number. Default 65000.
    pub asn: Option<Spanned<u32>>,
    /// Its public address, for VPN tunnels; the NAT device's if it is behind one.
    pub public_ip: Option<Spanned<Ipv4Addr>>,
    /// Whether a NAT device is in front of it: then tunnels are in UDP. Default false.
    pub behind_nat: Option<bool>,
    /// How long that device remembers a tunnel that is idle; what AWS sends afterwards is lost until the router sends again.
    /// Default: for ever.
    pub nat_timeout: Option<Spanned<Nanos>>,
    /// Whether it keeps the NAT device's memory fresh with a packet after each 20 s in which it sent nothing (RFC 3948).
    /// Default true.
    pub natt_keepalive: Option<bool>,
    /// Whether it asks whether AWS's ends of its tunnels are alive when it hears nothing. Default true.
    pub dead_peer_detection: Option<bool>,
    /// Its line to the internet, which all its VPN tunnels cross: what it adds in latency and loss, and the bandwidth that
    /// they share each way. Default: nothing.
    pub internet: Option<LinkSpec>,
    /// Blocks of the networks behind it. Hosts are in one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Spanned<Cidr>>,
    /// Prefixes that it originates in BGP. Default: its networks.
    pub originates: Option<Vec<Spanned<Cidr>>>,
    /// Static routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Spanned<RouterRoute>>,
    /// What it does with a neighbour's routes and what it tells it, and sessions with other routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<Spanned<Neighbor>>,
    /// Whether equal routes share the traffic. Default false.
    pub multipath: Option<bool>,
    /// Whether it drops what belongs to no connection that began by the same tunnel or interface. Default false.
    pub stateful_firewall: Option<bool>,
    /// True if it has failed: it takes nothing and says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// A static route of a router.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterRoute {
    /// Destination block.
    pub to: Spanned<Cidr>,
    /// A VPN connection, one of its tunnels (`vpn/1`), a virtual interface, another router, `internet` or `discard`.
    pub via: Spanned<String>,
}

/// A BGP neighbour.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbor {
    /// A VPN connection, one of its tunnels, a virtual interface, or another router.
    pub peer: Spanned<String>,
    /// Local preference of what it tells. Default 100.
    pub local_preference: Option<u32>,
    /// What of it is taken: blocks, and everything inside them. Default everything.
    pub accepts: Option<Vec<Spanned<Cidr>>>,
    /// What it is told, if not everything.
    pub announces: Option<Vec<Spanned<Cidr>>>,
    /// Whether it is told a default route. Default false.
    pub default_originate: Option<bool>,
    /// How often the own number is put before the path, more than once. Default 0.
    pub prepend: Option<Spanned<u8>>,
    /// Multi-exit discriminator of what it is told.
    pub med: Option<u32>,
    /// Communities of what it is told, such as `7224:7300`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<Spanned<String>>,
    /// One-way latency to another router. Default 500us.
    pub latency: Option<Nanos>,
    /// Bandwidth of the line to another router, each way. Default: not limited.
    pub bandwidth: Option<Bandwidth>,
    /// Share of packets lost on the line to another router. Default 0.
    pub loss: Option<Ratio>,
    /// Whether the session is shut down. Default false.
    pub shutdown: Option<bool>,
    /// Hold time, at least 3 s: a neighbour that is silent for so long is given up. Default 30s in a VPN tunnel, 90s on a
    /// virtual interface, 180s with another router; the shorter one of both sides counts.
    pub hold_time: Option<Spanned<Nanos>>,
    /// Whether BFD watches the neighbour: a virtual interface or another router. Default false.
    pub bfd: Option<Spanned<bool>>,
}

/// A host at a site.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteHost {
    /// The router it is behind.
    pub router: Spanned<String>,
    /// Its addresses, in networks of the router.
    pub addresses: Vec<Spanned<IpAddr>>,
    /// What listens. Default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Spanned<Listener>>,
    /// Whether it answers echo requests. Default true.
    pub answers_ping: Option<bool>,
}
