//! One flow: both of its ends.

use super::packet::{self, Ends};
use super::tally::{End, Tally};
use super::{Answer, Local, tcp};
use crate::base::{Instant, Nanos};
use crate::event::HostRef;
use crate::host::tcp::syn_schedule;
use crate::wire::{Icmp, Packet, quote};
use std::collections::VecDeque;

/// Segments that may be under way at the beginning (RFC 6928).
pub const WINDOW_FIRST: u16 = 10;
/// Segments that may be under way at most.
pub const WINDOW_MAX: u16 = 64;
/// How long a flow waits before it repeats what was not acknowledged; doubled each time (RFC 6298 section 2.4).
pub const REPEAT_AFTER: Nanos = Nanos::from_secs(1);
/// How often it repeats before it gives up.
pub const TRIES: u8 = 6;
/// How long a datagram's or an echo request's answer is waited for.
pub const RESPONSE_WAIT: Nanos = Nanos::from_secs(5);
/// How long a probe's answer is waited for, each of the two times.
pub const PROBE_WAIT: Nanos = Nanos::from_secs(1);
/// Bytes of data in a datagram at most: what QUIC may send without asking (RFC 9000 section 14).
pub const DATAGRAM: u64 = 1_200;

/// What a flow does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Script {
    /// A TCP connection: request, response, end.
    Tcp,
    /// Datagrams: request, response.
    Udp,
    /// An echo request and its reply.
    Echo,
    /// One SYN, and a RST if it is answered.
    SynProbe,
    /// One empty datagram.
    UdpProbe,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing has answered.
    Opening,
    /// Something has.
    Open,
    /// The client has sent its FIN.
    Closing,
}

/// What one end of a connection has sent and got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Half {
    /// First sequence number.
    pub(super) first: u32,
    /// Bytes to send in all.
    pub(super) total: u64,
    /// Bytes sent.
    pub(super) sent: u64,
    /// Bytes that the other end has acknowledged.
    pub(super) acked: u64,
    /// Bytes that the other end has got in order.
    pub(super) got: u64,
    /// Largest segment.
    pub(super) mss: u16,
    /// Segments that may be under way.
    pub(super) window: u16,
    /// Segments that the other end has not acknowledged yet.
    pub(super) owed: u8,
    /// Time to live of its packets.
    pub(super) ttl: u8,
}

/// A flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) generator: u16,
    pub(super) generation: u32,
    /// Client and server, of an exchange.
    pub(super) pair: u32,
    pub(super) tag: u32,
    pub(super) script: Script,
    pub(super) phase: Phase,
    pub(super) tries: u8,
    /// Nothing has to be done before.
    pub(super) deadline: Instant,
    pub(super) client: HostRef,
    /// As the client sees it.
    pub(super) near: Ends,
    /// The server, and what it sends by.
    pub(super) server: Option<(HostRef, Ends)>,
    /// What the client takes.
    pub(super) local: Local,
    pub(super) request: Half,
    pub(super) response: Half,
}

/// Where a flow acts.
pub(super) struct Around<'a> {
    pub(super) now: Instant,
    pub(super) out: &'a mut VecDeque<(HostRef, Packet)>,
    pub(super) tally: &'a mut Tally,
}

impl Around<'_> {
    pub(super) fn send(&mut self, host: HostRef, packet: Packet) {
        self.tally.packets += 1;
        self.out.push_back((host, packet));
    }
}

impl Flow {
    /// Sends the first packets and sets the deadline.
    pub(super) fn begin(&mut self, around: &mut Around<'_>) {
        self.send_first(around);
        self.deadline = around.now + self.wait();
    }

    fn send_first(&mut self, around: &mut Around<'_>) {
        let (near, ttl, tag) = (self.near, self.request.ttl, self.tag);
        match self.script {
            Script::Tcp | Script::SynProbe => around.send(self.client, tcp::syn(self)),
            Script::Echo => around.send(self.client, packet::echo(&near, ttl, tag, self.request.total as u16)),
            Script::UdpProbe => around.send(self.client, packet::datagram(&near, ttl, tag, 0)),
            Script::Udp => datagrams(self.client, &near, ttl, tag, self.request.total, around),
        }
    }

    /// How long nothing has to happen from now on.
    pub(super) fn wait(&self) -> Nanos {
        match (self.script, self.phase) {
            (Script::Tcp, Phase::Opening) => {
                let ((at, end), n) = (syn_schedule(self.local.os), usize::from(self.tries));
                Nanos::from_secs(at.get(n + 1).unwrap_or(&end) - at[n.min(at.len() - 1)])
            }
            (Script::Tcp, _) => REPEAT_AFTER * (1 << self.tries.min(TRIES)),
            (Script::Udp | Script::Echo, _) => RESPONSE_WAIT,
            (Script::SynProbe | Script::UdpProbe, _) => PROBE_WAIT,
        }
    }

    /// Something new came: nothing has to be repeated for a while.
    pub(super) fn progress(&mut self, now: Instant) {
        self.tries = 0;
        self.deadline = now + self.wait();
    }

    /// Takes a packet of this flow; tells how it ended, if it did.
    pub(super) fn take(
        &mut self,
        host: HostRef,
        packet: &Packet,
        local: Local,
        around: &mut Around<'_>,
    ) -> Option<End> {
        let h = &packet.headers;
        if h.fragment.offset != 0 {
            return None;
        }
        if h.is_icmp_error() {
            return self.error(host, packet, around);
        }
        let to_client = host == self.client
            && h.dst == self.near.src
            && match h.icmp() {
                Some(icmp) => h.is_echo_reply() && (icmp.rest >> 16) as u16 == self.near.src_port,
                None => h.ports() == (self.near.dst_port, self.near.src_port),
            };
        match self.script {
            Script::Tcp if to_client => tcp::client(self, packet, around),
            Script::Tcp => tcp::server(self, host, packet, local, around),
            Script::SynProbe if to_client => tcp::probed(self, packet, around),
            Script::Udp | Script::Echo | Script::UdpProbe if to_client => {
                let bytes = u64::from(packet.payload.len());
                self.response.got += bytes;
                around.tally.bytes += bytes;
                self.phase = Phase::Open;
                (self.script != Script::Udp || self.response.got >= self.response.total).then_some(End::Completed)
            }
            Script::Udp if local.answer == Answer::Takes => self.serve_datagram(host, packet, local, around),
            Script::Udp | Script::Echo | Script::SynProbe | Script::UdpProbe => {
                if let Some(reply) = packet::answer(packet, local) {
                    around.send(host, reply);
                }
                None
            }
        }
    }

    /// The server has a datagram of the request.
    fn serve_datagram(&mut self, host: HostRef, packet: &Packet, local: Local, around: &mut Around<'_>) -> Option<End> {
        let before = self.request.got;
        self.request.got += u64::from(packet.payload.len());
        around.tally.bytes += u64::from(packet.payload.len());
        if self.request.got < self.request.total || before >= self.request.total.max(1) {
            return None;
        }
        self.phase = Phase::Open;
        if self.response.total == 0 {
            return Some(End::Completed);
        }
        let back = Ends::back(&packet.headers);
        datagrams(host, &back, local.ttl, self.tag, self.response.total, around);
        None
    }

    /// An error about a packet of this flow.
    fn error(&mut self, host: HostRef, packet: &Packet, around: &mut Around<'_>) -> Option<End> {
        let (icmp, about) = (packet.headers.icmp()?, quote::quoted(packet)?);
        let v4 = packet.headers.is_v4();
        let too_big = if v4 { (Icmp::UNREACHABLE, 4) } else { (Icmp::V6_TOO_BIG, 0) };
        let no_port = if v4 { (Icmp::UNREACHABLE, 3) } else { (Icmp::V6_UNREACHABLE, 4) };
        let of_client = host == self.client && about.src == self.near.src;
        match (icmp.kind, icmp.code) {
            kind if kind == too_big => {
                let mtu = if v4 { icmp.rest & 0xffff } else { icmp.rest };
                if self.script == Script::Tcp {
                    tcp::too_big(self, of_client, mtu, around);
                }
                None
            }
            kind if kind == no_port && of_client => Some(End::Refused),
            _ if of_client && self.phase == Phase::Opening => Some(End::Unreachable),
            _ => None,
        }
    }

    /// The deadline has come; tells how the flow ended, if it did.
    pub(super) fn timeout(&mut self, around: &mut Around<'_>) -> Option<End> {
        let most = match (self.script, self.phase) {
            (Script::Tcp, Phase::Opening) => syn_schedule(self.local.os).0.len() as u8 - 1,
            (Script::Tcp, _) => TRIES,
            (Script::SynProbe | Script::UdpProbe, _) => 1,
            (Script::Udp | Script::Echo, _) => 0,
        };
        if self.tries >= most {
            return Some(if self.phase == Phase::Opening { End::NoAnswer } else { End::Hung });
        }
        self.tries += 1;
        match self.phase {
            Phase::Opening => self.send_first(around),
            _ => tcp::repeat(self, around),
        }
        self.deadline = around.now + self.wait();
        None
    }
}

/// Sends this many bytes in datagrams, one after the other.
fn datagrams(host: HostRef, ends: &Ends, ttl: u8, tag: u32, bytes: u64, around: &mut Around<'_>) {
    let mut left = bytes;
    loop {
        let now = left.min(DATAGRAM);
        around.send(host, packet::datagram(ends, ttl, tag, now as u16));
        left -= now;
        if left == 0 {
            return;
        }
    }
}
