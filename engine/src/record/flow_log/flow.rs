//! The flow that a record is about, as one packet's crossing shows it.

use super::subject::Subject;
use crate::verdict::{Dir, Hop, TrafficPath};
use crate::wire::{Headers, TcpFlags};
use std::net::{IpAddr, Ipv4Addr};

/// Group or ACL, Block Public Access (FLW-1, FLW-2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Action {
    /// Let pass.
    Accept,
    /// Rejected.
    Reject,
    /// Rejected by Block Public Access.
    Blocked,
}

/// What a packet's crossing says of its flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Source as the record shows it (FLW-8).
    pub src: IpAddr,
    /// Destination as the record shows it.
    pub dst: IpAddr,
    /// Source of the packet.
    pub pkt_src: IpAddr,
    /// Destination of the packet.
    pub pkt_dst: IpAddr,
    /// Source port; 0 for protocols without ports (FLW-7).
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Protocol.
    pub protocol: u8,
    /// Direction at the interface.
    pub dir: Dir,
    /// ACCEPT or REJECT.
    pub action: Action,
    /// TCP flags of the window, as [`Flow::tcp_flags`] has them.
    pub tcp_flags: u8,
    /// The way out.
    pub path: TrafficPath,
}

impl Action {
    /// AWS's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject | Self::Blocked => "REJECT",
        }
    }
}

impl Flow {
    /// No flow.
    pub const NONE: Self = Self {
        src: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        dst: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        pkt_src: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        pkt_dst: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        src_port: 0,
        dst_port: 0,
        protocol: 0,
        dir: Dir::In,
        action: Action::Accept,
        tcp_flags: 0,
        path: TrafficPath::None,
    };

    /// The flow of a crossing.
    #[must_use]
    pub fn of_hop(subject: &Subject, hop: &Hop) -> Self {
        let h = &hop.headers;
        let (src_port, dst_port) = h.ports();
        let (src, dst) = Self::shown(subject, hop.dir, hop.own, h.src, h.dst);
        Self {
            src,
            dst,
            pkt_src: h.src,
            pkt_dst: h.dst,
            src_port,
            dst_port,
            protocol: h.protocol.0,
            dir: hop.dir,
            action: Self::action(hop),
            tcp_flags: Self::tcp_flags(h),
            path: hop.path,
        }
    }

    /// ACCEPT or REJECT.
    #[must_use]
    pub const fn action(hop: &Hop) -> Action {
        match (hop.accepted, hop.blocked) {
            (true, _) => Action::Accept,
            (false, false) => Action::Reject,
            (false, true) => Action::Blocked,
        }
    }

    /// Source and destination as a record shows them (FLW-8): the interface's primary address stands for a destination that is
    /// a secondary IPv4 address or none of its own on the way in, and for a source that is none of its own on the way out.
    #[must_use]
    pub fn shown(subject: &Subject, dir: Dir, own: bool, src: IpAddr, dst: IpAddr) -> (IpAddr, IpAddr) {
        let primary = || subject.primary(src.is_ipv4());
        match dir {
            Dir::In if dst.is_ipv4() || !own => (src, primary().unwrap_or(dst)),
            Dir::Out if !own => (primary().unwrap_or(src), dst),
            _ => (src, dst),
        }
    }

    /// The bits that a packet adds: SYN-ACK as 18, else FIN 1, SYN 2 and RST 4, and [`INVALID`](Self::INVALID) (FLW-15).
    #[must_use]
    pub fn tcp_flags(headers: &Headers) -> u8 {
        // FLW-25.
        let Some(tcp) = headers.tcp() else { return 0 };
        let flags = tcp.flags.0 & 7;
        // A SYN goes with neither FIN nor RST (RFC 9293 section 3.10.7).
        let invalid = if flags & 2 != 0 && flags & 5 != 0 { Self::INVALID } else { 0 };
        if tcp.flags.has(TcpFlags::SYN_ACK) { TcpFlags::SYN_ACK.0 | flags | invalid } else { flags | invalid }
    }

    /// A combination of flags that does not exist: the field is `-`.
    pub const INVALID: u8 = 0x80;
}
