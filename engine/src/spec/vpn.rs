//! Site-to-Site VPN as written: customer gateways, virtual private gateways, VPN connections.

use super::{AttachmentState, Spanned};
use crate::base::{Cidr, Nanos, Ratio};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::Ipv4Addr;

/// A customer gateway: what AWS knows of the device at the other end of a VPN connection.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerGateway {
    /// Its public address; the NAT device's if it is behind one. A private one for a private IP VPN connection.
    pub ip_address: Option<Spanned<Ipv4Addr>>,
    /// Its autonomous system number, 1 to 2147483647. Default 65000.
    pub asn: Option<Spanned<u32>>,
    /// The router that it stands for, if the topology describes that side.
    pub router: Option<Spanned<String>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A virtual private gateway.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpnGateway {
    /// The VPC it is attached to; it works without one (CloudHub).
    pub vpc: Option<Spanned<String>>,
    /// Amazon's autonomous system number. Default 64512.
    pub asn: Option<Spanned<u32>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// A Site-to-Site VPN connection: two tunnels between a customer gateway and a virtual private or transit gateway.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpnConnection {
    /// The customer's end.
    pub customer_gateway: Spanned<String>,
    /// AWS's end: a virtual private gateway.
    pub vpn_gateway: Option<Spanned<String>>,
    /// AWS's end: a transit gateway. Then the connection is an attachment of it, by its own name.
    pub transit_gateway: Option<Spanned<String>>,
    /// Whether routes are written and not learnt. Default: false, BGP.
    pub static_routes_only: Option<bool>,
    /// Written routes to what is behind the customer gateway, on a virtual private gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub static_routes: Vec<Spanned<Cidr>>,
    /// The family of the packets inside its tunnels; `ipv6` only on a transit gateway. Default `ipv4`.
    pub tunnel_inside_ip_version: Option<Spanned<InsideIpVersion>>,
    /// Whether it enters AWS's network at the nearest edge (Global Accelerator), on a transit gateway only. Its tunnels are
    /// then always in UDP. Default false.
    pub accelerated: Option<Spanned<bool>>,
    /// What a tunnel carries: `standard`, 1.25 Gbps, or `large`, 5 Gbps, on a transit gateway only. Default `standard`.
    pub tunnel_bandwidth: Option<Spanned<TunnelBandwidth>>,
    /// Whether the outer addresses are public or private. Private ones are reached over Direct Connect. Default
    /// `public_ipv4`.
    pub outside_ip_address_type: Option<Spanned<OutsideIpAddressType>>,
    /// What carries it if its outer addresses are private: the transit gateway's association with a Direct Connect gateway.
    pub transport_transit_gateway_attachment: Option<Spanned<String>>,
    /// Its tunnels. Default: two with chosen addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tunnels: Vec<Spanned<VpnTunnel>>,
    /// State. Default `available`.
    pub state: Option<AttachmentState>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One tunnel of a VPN connection. It is called `<connection>/1` or `<connection>/2`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpnTunnel {
    /// AWS's outer address. Default: chosen; of a private IP VPN connection from `cidrs` of the transit gateway.
    pub outside_address: Option<Spanned<Ipv4Addr>>,
    /// A /30 of 169.254.0.0/16: AWS's address first, the customer's second. Default: chosen.
    pub inside_cidr: Option<Spanned<Cidr>>,
    /// The same where the inside is IPv6, a /126 of fd00::/8. Default: chosen.
    pub inside_ipv6_cidr: Option<Spanned<Cidr>>,
    /// Encryption. Default `aes256-gcm-16`.
    pub encryption: Option<Encryption>,
    /// Integrity, for encryption without its own. Default `sha2-256`.
    pub integrity: Option<Integrity>,
    /// How long AWS waits for an answer to its liveness checks, at least 30 s. Default 40 s.
    pub dpd_timeout: Option<Spanned<Nanos>>,
    /// What AWS does when the customer's end is dead. Default `clear`.
    pub dpd_action: Option<DpdAction>,
    /// Who begins: `add`, the customer; `start`, AWS. Default `add`.
    pub startup_action: Option<StartupAction>,
    /// Lifetime of the IKE association, 900 s to 28800 s. Default 28800s.
    pub phase1_lifetime: Option<Spanned<Nanos>>,
    /// Lifetime of the tunnel's own associations, 900 s to 3600 s and shorter than phase 1. Default 3600s.
    pub phase2_lifetime: Option<Spanned<Nanos>>,
    /// How long before the end of a lifetime keys are renewed, 60 s to half of phase 2. Default 270s.
    pub rekey_margin: Option<Spanned<Nanos>>,
    /// By how much of itself, in percent, the margin is lengthened at random, 0 to 100. Default 100.
    pub rekey_fuzz: Option<Spanned<u32>>,
    /// Share of its packets that are lost between the two outer addresses. Default: the internet's.
    pub loss: Option<Ratio>,
    /// Packets of the replay window, 64 to 2048. Default 1024.
    pub replay_window: Option<Spanned<u32>>,
    /// Whether AWS is about to update its endpoint, or does: then it asks for the other tunnel to be used, by a lower MED
    /// there. Default false.
    pub updating: Option<bool>,
    /// Whether it is up, as AWS reports it or as the topology begins. Default true.
    pub up: Option<bool>,
}

/// The family of the packets inside a tunnel, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InsideIpVersion {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// What a tunnel carries, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TunnelBandwidth {
    /// 1.25 Gbps.
    Standard,
    /// 5 Gbps.
    Large,
}

/// What the outer addresses of a connection are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsideIpAddressType {
    /// Public.
    PublicIpv4,
    /// Private.
    PrivateIpv4,
}

/// What AWS's end does with a dead peer, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DpdAction {
    /// Ends the tunnel, and waits for the customer.
    Clear,
    /// Does nothing.
    None,
    /// Begins anew.
    Restart,
}

/// Who begins a tunnel, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StartupAction {
    /// The customer.
    Add,
    /// AWS.
    Start,
}

/// Encryption of a tunnel, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// AES-CBC, 128 bits.
    Aes128,
    /// AES-CBC, 256 bits.
    Aes256,
    /// AES-GCM with 16 bytes of integrity, 128 bits.
    #[serde(rename = "aes128-gcm-16")]
    Aes128Gcm16,
    /// AES-GCM with 16 bytes of integrity, 256 bits.
    #[serde(rename = "aes256-gcm-16")]
    Aes256Gcm16,
}

/// Integrity of a tunnel, in AWS's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// HMAC-SHA1-96.
    Sha1,
    /// HMAC-SHA-256-128.
    #[serde(rename = "sha2-256")]
    Sha2256,
    /// HMAC-SHA-384-192.
    #[serde(rename = "sha2-384")]
    Sha2384,
    /// HMAC-SHA-512-256.
    #[serde(rename = "sha2-512")]
    Sha2512,
}
