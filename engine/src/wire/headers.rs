//! IP and transport headers as values, `Copy`, 72 bytes: two cache lines with the packet around them.

use crate::base::Protocol;
use std::fmt;
use std::net::IpAddr;

/// Headers of one IP packet. IPv4 options and IPv6 extension headers other than the fragment header are not modelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Headers {
    /// Source address. Source and destination are of one family.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Protocol of what follows the IP header (and the fragment header).
    pub protocol: Protocol,
    /// Hops left: IPv4 time to live, IPv6 hop limit.
    pub ttl: u8,
    /// DSCP and ECN: IPv4 type of service, IPv6 traffic class.
    pub traffic_class: u8,
    /// Place in a fragmented datagram, and the don't-fragment flag.
    pub fragment: Fragment,
    /// Transport header; [`L4::None`] in a fragment that is not the first.
    pub l4: L4,
}

/// IPv4 fragmentation fields, or IPv6's fragment header where `offset != 0 || more`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Fragment {
    /// Identification; 16 bits in IPv4.
    pub id: u32,
    /// Offset of the payload in units of 8 bytes, 13 bits.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
    /// Don't fragment. Always true in IPv6.
    pub dont: bool,
    /// Transport checksum of the whole datagram, in its first fragment; 0 elsewhere.
    pub checksum: u16,
}

impl Fragment {
    /// True if the packet is a piece of a larger datagram.
    #[must_use]
    pub const fn is_fragment(self) -> bool {
        self.offset != 0 || self.more
    }
}

/// Transport header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum L4 {
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Udp),
    /// ICMP or ICMPv6, by [`Headers::protocol`].
    Icmp(Icmp),
    /// Another protocol, or not the first fragment: everything is payload.
    None,
}

/// TCP header. The urgent pointer is not modelled. Options are the first `options_len` bytes of the payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tcp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Window as on the wire, unscaled.
    pub window: u16,
    /// Flags.
    pub flags: TcpFlags,
    /// Bytes of options at the start of the payload: a multiple of 4, at most 40.
    pub options_len: u8,
}

/// TCP flags as on the wire (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN.
    pub const FIN: Self = Self(1);
    /// SYN.
    pub const SYN: Self = Self(2);
    /// RST.
    pub const RST: Self = Self(4);
    /// PSH.
    pub const PSH: Self = Self(8);
    /// ACK.
    pub const ACK: Self = Self(16);
    /// SYN and ACK.
    pub const SYN_ACK: Self = Self(18);
    /// RST and ACK.
    pub const RST_ACK: Self = Self(20);
    /// True if every flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// True for the first packet of a connection: SYN without ACK.
    #[must_use]
    pub const fn is_first_syn(self) -> bool {
        self.0 & 0x12 == 0x02
    }
}
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name);
        // SYN-ACK is what people say, not ACK-SYN: wire order already gives that.
        f.write_str(&set.collect::<Vec<_>>().join("-"))
    }
}
impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// UDP header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Udp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// UDP length field: header and payload of the whole datagram, so that a first fragment keeps it.
    pub length: u16,
}

/// ICMP or ICMPv6 header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The four bytes after the checksum: identifier and sequence of an echo, MTU of a too-big error.
    pub rest: u32,
}

impl Icmp {
    /// IPv4 echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// IPv4 destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// IPv4 echo request.
    pub const ECHO: u8 = 8;
    /// IPv4 time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// IPv6 destination unreachable.
    pub const V6_UNREACHABLE: u8 = 1;
    /// IPv6 packet too big.
    pub const V6_TOO_BIG: u8 = 2;
    /// IPv6 time exceeded.
    pub const V6_TIME_EXCEEDED: u8 = 3;
    /// IPv6 echo request.
    pub const V6_ECHO: u8 = 128;
    /// IPv6 echo reply.
    pub const V6_ECHO_REPLY: u8 = 129;
}

impl Headers {
    /// Source and destination port of TCP and UDP, zero for the rest.
    #[must_use]
    pub const fn ports(&self) -> (u16, u16) {
        match self.l4 {
            L4::Tcp(t) => (t.src_port, t.dst_port),
            L4::Udp(u) => (u.src_port, u.dst_port),
            L4::Icmp(_) | L4::None => (0, 0),
        }
    }
    /// Sets the source port of TCP and UDP; nothing for the rest.
    pub const fn set_src_port(&mut self, port: u16) {
        match &mut self.l4 {
            L4::Tcp(t) => t.src_port = port,
            L4::Udp(u) => u.src_port = port,
            L4::Icmp(_) | L4::None => {}
        }
    }
    /// Sets the destination port of TCP and UDP; nothing for the rest.
    pub const fn set_dst_port(&mut self, port: u16) {
        match &mut self.l4 {
            L4::Tcp(t) => t.dst_port = port,
            L4::Udp(u) => u.dst_port = port,
            L4::Icmp(_) | L4::None => {}
        }
    }
    /// True for IPv4.
    #[must_use]
    pub const fn is_v4(&self) -> bool {
        self.src.is_ipv4()
    }
    /// The ICMP header, if it is one.
    #[must_use]
    pub const fn icmp(&self) -> Option<Icmp> {
        match self.l4 {
            L4::Icmp(icmp) => Some(icmp),
            _ => None,
        }
    }
    /// The TCP header, if it is one.
    #[must_use]
    pub const fn tcp(&self) -> Option<Tcp> {
        match self.l4 {
            L4::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }
    /// True for an ICMP or ICMPv6 error message (not an echo or another query).
    #[must_use]
    pub fn is_icmp_error(&self) -> bool {
        match (self.protocol, self.l4) {
            (Protocol::ICMP, L4::Icmp(i)) => matches!(i.kind, 3 | 4 | 5 | 11 | 12),
            (Protocol::ICMPV6, L4::Icmp(i)) => i.kind < 128,
            _ => false,
        }
    }
    /// True for an echo request of either family.
    #[must_use]
    pub fn is_echo_request(&self) -> bool {
        match (self.protocol, self.l4) {
            (Protocol::ICMP, L4::Icmp(i)) => i.kind == Icmp::ECHO,
            (Protocol::ICMPV6, L4::Icmp(i)) => i.kind == Icmp::V6_ECHO,
            _ => false,
        }
    }
    /// True for an echo reply of either family.
    #[must_use]
    pub fn is_echo_reply(&self) -> bool {
        match (self.protocol, self.l4) {
            (Protocol::ICMP, L4::Icmp(i)) => i.kind == Icmp::ECHO_REPLY,
            (Protocol::ICMPV6, L4::Icmp(i)) => i.kind == Icmp::V6_ECHO_REPLY,
            _ => false,
        }
    }
    /// Bytes of the IP and transport headers on the wire, TCP options not included.
    #[must_use]
    pub const fn len(&self) -> u32 {
        let ip = match self.src {
            IpAddr::V4(_) => 20,
            IpAddr::V6(_) if self.fragment.is_fragment() => 48,
            IpAddr::V6(_) => 40,
        };
        ip + match self.l4 {
            L4::Tcp(_) => 20,
            L4::Udp(_) | L4::Icmp(_) => 8,
            L4::None => 0,
        }
    }
    /// Never: headers have a length. Here because [`len`](Self::len) is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
}
