//! L3: the pure decisions. Given the compiled network and a packet's headers, what does one filter,
//! table or gateway say, and by which row? Nothing here changes state or looks at a clock.
//!
//! `walk` is the only caller: it alone knows in which order AWS asks these questions.

mod acl;
mod client_vpn;
mod gateway;
mod mirror;
mod sg;

pub use acl::acl;
pub use client_vpn::authorization;
pub use gateway::{LinkLocal, igw_destination, igw_source, link_local};
pub use mirror::{mirror, mirror_dns};
pub use sg::{SgAnswer, sg};

use crate::base::Protocol;
use crate::verdict::Dir;
use crate::wire::{Headers, L4};
use std::net::IpAddr;

/// What the rules of a subnet or an interface look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Address on the other side: the source of what comes in, the destination of what goes out.
    pub remote: IpAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination port (ACL-6), or ICMP type.
    pub port: u16,
    /// ICMP code.
    pub code: u16,
}

impl Key {
    /// What a filter sees of a packet that goes `dir`. `ports` stands in for those of a fragment
    /// that is not the first (SG-14).
    #[inline]
    #[must_use]
    pub fn new(headers: &Headers, dir: Dir, ports: (u16, u16)) -> Self {
        let remote = if dir == Dir::In { headers.src } else { headers.dst };
        let (port, code) = match headers.l4 {
            L4::Icmp(icmp) => (u16::from(icmp.kind), u16::from(icmp.code)),
            _ => (ports.1, 0),
        };
        Self { remote, protocol: headers.protocol, port, code }
    }
}

/// True if a rule's protocol and ports, or ICMP type and code, hold the packet's.
///
/// Ports are looked at for TCP and UDP, types for ICMP of the family; any other protocol ignores both
/// (ACL-7, SG-3).
#[inline]
fn holds(rule_protocol: u16, low: u16, high: u16, key: &Key) -> bool {
    use crate::fabric::{ANY_ICMP, ANY_PROTOCOL};
    if rule_protocol == ANY_PROTOCOL {
        return true;
    }
    if rule_protocol != u16::from(key.protocol.0) {
        return false;
    }
    if key.protocol.has_ports() {
        return low <= key.port && key.port <= high;
    }
    if key.protocol.is_icmp() {
        return (low == ANY_ICMP || low == key.port) && (high == ANY_ICMP || high == key.code);
    }
    true
}
