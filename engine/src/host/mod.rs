//! L3: the hosts at the ends: TCP, UDP and ICMP of a guest's operating system, with small applications,
//! or (for speakers of a routing protocol) TCP streams of real bytes.
//!
//! Sans-IO: [`Host::handle_packet`], the requests and [`Host::handle_timeout`] take input and the virtual
//! time; [`Host::poll_transmit`], [`Host::poll_event`] and [`Host::poll_at`] give output. After each input
//! take all output. The same inputs give the same packets, byte for byte: sequence numbers and ports come
//! from the run's seed.
//!
//! Modelled: TCP connections with smoltcp's engine under Linux' or Windows' SYN timing, listeners, RST and
//! port unreachable, echo, path MTU discovery, fragmentation and reassembly, traceroute probes.
//! Not modelled: routing (the host layer above knows the routes), a host's packets to itself, TCP
//! timestamps and Linux' faster retransmission (see [`tcp`]), ICMP rate limits, a backlog limit, checks of
//! the sequence number in quoted TCP headers (RFC 5927), sockets bound to one address.
//!
//! Invariants: everything that a host sends because of a packet bears that packet's tag, or the tag of the
//! request or connection that it belongs to; a host that is idle asks for no time.

mod app;
mod config;
mod datagram;
mod device;
mod error;
mod event;
mod group;
mod path;
mod segment;
pub mod tcp;

pub use config::{ConnId, Connect, Datagram, HostConfig, Ping, Probe, ProbeKind};
pub use datagram::SOCKET_LIFE;
pub use event::{HostEvent, What};
pub use path::PATH_MTU_LIFE;

use crate::base::{Instant, Protocol, Stream};
use crate::spec::GuestOs;
use crate::wire::Packet;
use crate::wire::fragment::Reassembler;
use device::Interfaces;
use path::PathMtu;
use rustc_hash::FxHashMap;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use tcp::{Connection, Tuple};

/// Time to live of what a system sends.
pub(crate) const fn ttl(os: GuestOs) -> u8 {
    match os {
        GuestOs::Linux => 64,
        GuestOs::Windows => 128,
    }
}

/// A host: see the module.
pub struct Host {
    config: HostConfig,
    listeners: BTreeSet<(Protocol, u16)>,
    interfaces: Interfaces,
    /// Multicast groups it is a member of.
    groups: BTreeSet<Ipv4Addr>,
    ports: Stream,
    /// Looked up, never walked.
    connections: FxHashMap<ConnId, Connection>,
    /// Looked up, never walked.
    tuples: FxHashMap<Tuple, ConnId>,
    next_conn: u64,
    timers: BTreeSet<(Instant, ConnId)>,
    finished: segment::Finished,
    /// What came on streams that have ended, and was not taken. Looked up, never walked.
    left: FxHashMap<ConnId, Vec<u8>>,
    asked: datagram::Asked,
    next_id: u32,
    paths: PathMtu,
    reassembler: Reassembler,
    out: VecDeque<Packet>,
    events: VecDeque<HostEvent>,
}

impl Host {
    /// A host that has just started.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        let ports = Stream::new(config.seed, "port", &config.name);
        let mut ids = Stream::new(config.seed, "ip-id", &config.name);
        Self {
            listeners: config.listeners.iter().copied().collect(),
            interfaces: Interfaces::new(config.seed, &config.name, config.mtu),
            ports,
            connections: FxHashMap::default(),
            tuples: FxHashMap::default(),
            next_conn: 0,
            timers: BTreeSet::new(),
            finished: segment::Finished::default(),
            left: FxHashMap::default(),
            asked: datagram::Asked::default(),
            next_id: ids.next_u32(),
            paths: PathMtu::default(),
            reassembler: Reassembler::default(),
            out: VecDeque::new(),
            events: VecDeque::new(),
            groups: BTreeSet::new(),
            config,
        }
    }
    /// What it was made of, with later changes.
    #[must_use]
    pub const fn config(&self) -> &HostConfig {
        &self.config
    }
    /// From now on something listens on these ports and no others. Connections go on.
    pub fn set_listeners(&mut self, listeners: Vec<(Protocol, u16)>) {
        self.listeners = listeners.iter().copied().collect();
        self.config.listeners = listeners;
    }
    /// From now on it answers echo requests, or does not.
    pub const fn set_answers_ping(&mut self, answers: bool) {
        self.config.answers_ping = answers;
    }
    /// The host stops: connections, learnt MTUs and what waits to be sent are forgotten, and nobody is told.
    /// Events that happened before stay.
    pub fn reset_all(&mut self) {
        self.connections.clear();
        self.tuples.clear();
        self.timers.clear();
        self.finished = segment::Finished::default();
        self.left.clear();
        self.asked = datagram::Asked::default();
        self.paths.clear();
        self.reassembler = Reassembler::default();
        self.out.clear();
        self.groups.clear();
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: Packet) {
        let for_all = packet.headers.dst.is_multicast();
        if !for_all && !self.config.addresses.is_empty() && !self.config.addresses.contains(&packet.headers.dst) {
            return;
        }
        self.handle_own_packet(now, packet);
    }
    /// Takes a packet that is known to be for this host, whichever of its addresses it carries.
    pub fn handle_own_packet(&mut self, now: Instant, packet: Packet) {
        let for_all = packet.headers.dst.is_multicast();
        let Some(packet) = self.reassembler.push(packet, now) else { return };
        match packet.headers.protocol {
            Protocol::IGMP => self.handle_igmp(&packet),
            // A group's datagram reaches whatever listens; nobody answers a group.
            _ if for_all => {}
            Protocol::TCP => self.handle_segment(now, &packet),
            Protocol::UDP => self.handle_datagram(now, &packet),
            Protocol::ICMP | Protocol::ICMPV6 if packet.headers.is_icmp_error() => self.handle_error(now, &packet),
            Protocol::ICMP | Protocol::ICMPV6 => self.handle_echo(now, &packet),
            // RFC 1122 section 3.2.2.1 wants protocol unreachable here; most guests' firewalls swallow it.
            _ => {}
        }
    }
    /// The next packet to send, in order.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        self.out.pop_front()
    }
    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }
    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, conn)) = self.timers.first()
            && at <= now
        {
            self.serve(now, conn, None);
        }
    }

    /// True if something listens there.
    fn listens(&self, protocol: Protocol, port: u16) -> bool {
        port != 0 && (self.config.listens_everywhere || self.listeners.contains(&(protocol, port)))
    }
    fn tell(&mut self, now: Instant, tag: u32, what: What) {
        self.events.push_back(HostEvent { tag, at: now, what });
    }
    /// A source port that is not taken: from a random one upwards, around the range.
    fn free_port(&mut self, is_taken: impl Fn(&Self, u16) -> bool) -> Option<u16> {
        let range = self.config.ephemeral;
        let start = self.ports.below(range.count().into()) as u32;
        (0..range.count())
            .map(|n| range.from + ((start + n) % range.count()) as u16)
            .find(|port| *port != 0 && !is_taken(self, *port))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.config.name)
            .field("connections", &self.connections.len())
            .field("next", &self.poll_at())
            .finish_non_exhaustive()
    }
}
