//! A packet as this evaluator sees it.

use std::net::{IpAddr, Ipv4Addr};

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;

/// What a packet crossed between VPCs on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Crossed {
    /// A VPC peering, from this VPC.
    Peering { from: String },
    /// Transit gateways: in by one VPC attachment, out by another.
    Tgw { from: String, to: String },
    /// A peering of transit gateways.
    TgwPeering,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: u8,
    /// Source port; an echo's identifier.
    pub sport: u16,
    /// Destination port; an echo's identifier.
    pub dport: u16,
    /// Type of an ICMP message; the code is always 0 here.
    pub icmp_type: u8,
    /// True for the answer to something: a SYN-ACK or RST, an echo reply.
    pub answer: bool,
    /// True while the packet comes straight from the interface that has its source address.
    pub straight: bool,
    /// Since it has this source address.
    pub crossed: Vec<Crossed>,
    pub ttl: u8,
}

impl Packet {
    /// The packet that answers this one.
    pub fn reply(&self) -> Self {
        let icmp_type = match self.icmp_type {
            8 => 0,
            128 => 129,
            other => other,
        };
        Self {
            src: self.dst,
            dst: self.src,
            protocol: self.protocol,
            sport: self.dport,
            dport: self.sport,
            icmp_type,
            answer: true,
            straight: true,
            crossed: Vec::new(),
            ttl: 64,
        }
    }

    /// Does this packet belong to the other direction of what `first` started?
    /// aws-core 4.3: "Other protocols: key is addresses + protocol number".
    pub fn answers(&self, first: &Self) -> bool {
        let addresses = self.src == first.dst && self.dst == first.src && self.protocol == first.protocol;
        addresses
            && match self.protocol {
                TCP | UDP => self.sport == first.dport && self.dport == first.sport,
                // An echo request answers nothing.
                ICMP | ICMPV6 => {
                    matches!((first.icmp_type, self.icmp_type), (8, 0) | (128, 129)) && self.sport == first.sport
                }
                _ => true,
            }
    }

    /// Does this packet go the same way as `first`?
    pub fn follows(&self, first: &Self) -> bool {
        self.src == first.src
            && self.dst == first.dst
            && self.protocol == first.protocol
            && self.sport == first.sport
            && self.dport == first.dport
            && self.icmp_type == first.icmp_type
    }

    pub fn is_echo_reply(&self) -> bool {
        matches!((self.protocol, self.icmp_type), (ICMP, 0) | (ICMPV6, 129))
    }
}

/// 64:ff9b::/96 (RFC 6052): the IPv4 address inside.
pub fn nat64(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let s = v6.segments();
    (s[..6] == [0x64, 0xff9b, 0, 0, 0, 0]).then(|| Ipv4Addr::from((u32::from(s[6]) << 16) | u32::from(s[7])))
}
