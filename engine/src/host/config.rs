//! What a host is told: how it is made, and what its applications ask of it.

use crate::base::{PortRange, Protocol};
use crate::spec::GuestOs;
use std::net::IpAddr;

/// A host as it is made.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Name of its random streams: two hosts of one run have two names.
    pub name: String,
    /// Seed of the run.
    pub seed: u64,
    /// Its addresses; packets to others are ignored. Empty: it answers for every address.
    pub addresses: Vec<IpAddr>,
    /// Whose timers, time to live and habits it has.
    pub os: GuestOs,
    /// Where something listens: TCP and UDP.
    pub listeners: Vec<(Protocol, u16)>,
    /// Something listens on every port, as on a host that stands for the internet.
    pub listens_everywhere: bool,
    /// Answers a closed port with RST or port unreachable. False: silence, as a host firewall gives.
    pub refuses: bool,
    /// Answers echo requests.
    pub answers_ping: bool,
    /// MTU of its interface, in bytes of IP packet.
    pub mtu: u32,
    /// Where source ports are taken from.
    pub ephemeral: PortRange,
    /// Every connection, opened or accepted, carries its owner's bytes ([`write_bytes`](super::Host::write_bytes),
    /// [`take_bytes`](super::Host::take_bytes)) instead of counted zeros, and is closed by its owner alone.
    pub streams: bool,
}

/// A connection of a host; unique within it, also after [`reset_all`](super::Host::reset_all).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);

/// A TCP connection to open.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Destination port.
    pub dst_port: u16,
    /// Source port; one of the ephemeral range if none is given.
    pub src_port: Option<u16>,
    /// Tag of its packets and events.
    pub tag: u32,
    /// Bytes to send once connected. A stream ignores this and the next.
    pub send: u64,
    /// Bytes to ask the server for: the first eight bytes sent hold this number, so `send` counts as at least eight.
    pub receive: u64,
}

/// A UDP datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port; one of the ephemeral range if none is given.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: u16,
    /// Bytes of data.
    pub bytes: u16,
    /// Don't fragment, on the way and at the source.
    pub df: bool,
    /// Tag of the packet and of what comes of it.
    pub tag: u32,
}

/// An echo request to send.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
    /// Bytes of data after the ICMP header.
    pub bytes: u16,
    /// Time to live, if not the system's own.
    pub ttl: Option<u8>,
    /// Don't fragment, on the way and at the source.
    pub df: bool,
    /// Tag of the packet and of what comes of it.
    pub tag: u32,
}

/// One probe of a traceroute.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Time to live.
    pub ttl: u8,
    /// Bytes of data after the UDP or ICMP header.
    pub bytes: u16,
    /// Tag of the packet and of what comes of it.
    pub tag: u32,
    /// What kind of packet.
    pub kind: ProbeKind,
}

/// What a probe is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeKind {
    /// A datagram to a port where nothing should listen (traceroute's default: 33434 and up).
    Udp {
        /// Source port; one of the ephemeral range if none is given.
        src_port: Option<u16>,
        /// Destination port.
        dst_port: u16,
    },
    /// An echo request (`traceroute -I`, Windows' `tracert`).
    Echo {
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
    },
}
