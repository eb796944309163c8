//! What a host tells its owner.

use super::ConnId;
use crate::base::{Instant, Nanos};
use std::net::IpAddr;

/// Something that an application on the host would notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostEvent {
    /// Tag of the connection, the datagram, the echo request; on a server, of the packet that came.
    pub tag: u32,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A SYN went out for the `n`th time, from 1.
    SynSent {
        /// The connection.
        conn: ConnId,
        /// Which.
        n: u32,
    },
    /// A connection of ours is established.
    Connected {
        /// The connection.
        conn: ConnId,
        /// Since its first SYN.
        elapsed: Nanos,
    },
    /// A connection to a listener of ours is established.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// Who.
        from: IpAddr,
        /// Its port.
        from_port: u16,
        /// Our port.
        port: u16,
    },
    /// No source port is left, or the one asked for is in use for this destination.
    NoPort {
        /// The connection that will not be; nothing for a datagram.
        conn: Option<ConnId>,
    },
    /// There is no such connection: port 0, an unspecified or multicast address, or addresses of two families.
    Invalid {
        /// The connection that will not be.
        conn: ConnId,
    },
    /// A RST answered our SYN.
    Refused {
        /// The connection.
        conn: ConnId,
    },
    /// Nobody answered: connecting after so many SYNs, or (`syns` is 0) sending on an established connection.
    TimedOut {
        /// The connection.
        conn: ConnId,
        /// SYNs sent.
        syns: u32,
    },
    /// An ICMP destination unreachable other than "too big" and "port unreachable" for UDP. A connection
    /// attempt ends with it.
    Unreachable {
        /// Who says so.
        from: IpAddr,
        /// ICMP type.
        kind: u8,
        /// ICMP code.
        code: u8,
    },
    /// The peer reset the established connection.
    Reset {
        /// The connection.
        conn: ConnId,
    },
    /// The peer will send no more.
    PeerClosed {
        /// The connection.
        conn: ConnId,
    },
    /// The connection ended in good order, or was closed before it was one.
    Closed {
        /// The connection.
        conn: ConnId,
    },
    /// Data came.
    Received {
        /// The connection.
        conn: ConnId,
        /// Bytes received so far.
        bytes: u64,
    },
    /// The peer acknowledged data.
    Sent {
        /// The connection.
        conn: ConnId,
        /// Bytes acknowledged so far.
        bytes: u64,
    },
    /// A datagram came.
    UdpReceived {
        /// From where.
        src: IpAddr,
        /// From which port.
        src_port: u16,
        /// Bytes of data.
        bytes: u32,
    },
    /// An echo request of ours was answered.
    EchoReply {
        /// By whom.
        from: IpAddr,
        /// Its sequence number.
        seq: u16,
        /// Bytes of data.
        bytes: u32,
        /// Since the request.
        rtt: Nanos,
    },
    /// A packet of ours had too small a time to live.
    TimeExceeded {
        /// Who says so.
        from: IpAddr,
    },
    /// Nothing listens where our datagram went.
    PortUnreachable {
        /// Who says so.
        from: IpAddr,
    },
    /// A packet of ours was too long and could not be fragmented; from the host itself if it knew before sending.
    TooBig {
        /// Who says so.
        from: IpAddr,
        /// What would have passed.
        mtu: u32,
    },
}
