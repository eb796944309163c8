//! One step while it runs: what it waits for, and when it is over.

use super::inject::Injection;
use crate::base::ids::GuestIx;
use crate::base::{Instant, Nanos};
use crate::event::HostRef;
use crate::host::ConnId;
use crate::load::Tally;
use crate::scenario::{Leg, Outcome};
use crate::verdict::RowIx;
use crate::wire::{Headers, L4, Packet};
use std::net::IpAddr;

/// A connection on which nothing moves for this long, with data outstanding, hangs.
pub(super) const HANG_AFTER: Nanos = Nanos::from_secs(60);
/// How long a ping waits for the reply to its last request.
pub(super) const PING_WAIT: Nanos = Nanos::from_secs(2);
/// How long a UDP step waits for a reply, or for its last datagram to arrive.
pub(super) const UDP_WAIT: Nanos = Nanos::from_secs(5);
/// How long traceroute waits at each hop.
pub(super) const HOP_WAIT: Nanos = Nanos::from_secs(2);
/// How long a resolver is waited for (resolv.conf: timeout 5).
pub(super) const DNS_WAIT: Nanos = Nanos::from_secs(5);
/// Pause between echo requests and between datagrams, if the step names none.
pub(super) const INTERVAL: Nanos = Nanos::from_secs(1);
/// First port that traceroute probes (traceroute(8)).
pub(super) const TRACEROUTE_PORT: u16 = 33434;

/// A step under way.
pub(super) struct Operation {
    /// Tag of its packets.
    pub(super) tag: u32,
    /// When it began.
    pub(super) started: Instant,
    /// What it does.
    pub(super) kind: Kind,
    /// How it ended.
    pub(super) outcome: Option<Outcome>,
    /// Time until the outcome.
    pub(super) elapsed: Option<Nanos>,
    /// Over at.
    pub(super) ended: Option<Instant>,
    /// Rows that this step's packets were dropped by so far, as told.
    pub(super) told: Vec<(u16, RowIx)>,
    /// How many of its drops have been looked at.
    pub(super) heard: usize,
    /// Port of the service, to tell requests from replies.
    pub(super) port: u16,
    /// Bytes moved, for `bytes`.
    pub(super) bytes: u64,
    /// Addresses found, for `address`.
    pub(super) addresses: Vec<IpAddr>,
    /// Hops found, for `hops`.
    pub(super) hops: Vec<String>,
}

/// What a step does.
pub(super) enum Kind {
    /// A TCP connection.
    Connect {
        host: HostRef,
        conn: ConnId,
        send: u64,
        receive: u64,
        sent: u64,
        received: u64,
        keep_open: bool,
        connected: bool,
    },
    /// Data on an open connection.
    Write { host: HostRef, conn: ConnId, bytes: u64, acked_before: u64 },
    /// Echo requests.
    Ping {
        from: HostRef,
        src: IpAddr,
        dst: IpAddr,
        count: u32,
        sent: u32,
        replies: u32,
        bytes: u16,
        df: bool,
        ttl: Option<u8>,
        interval: Nanos,
    },
    /// Datagrams, one after the other or as a traffic model says.
    Send {
        from: HostRef,
        src: IpAddr,
        dst: IpAddr,
        src_port: Option<u16>,
        count: u64,
        sent: u64,
        replies: u64,
        bytes: u16,
        df: bool,
        interval: Nanos,
        poisson: bool,
        expect_reply: bool,
    },
    /// Probes with a growing time to live.
    Traceroute { from: HostRef, src: IpAddr, dst: IpAddr, udp: bool, ttl: u8, max: u8 },
    /// A question to a resolver.
    Resolve { guest: GuestIx, port: u16 },
    /// Packets of a capture file.
    Inject { from: HostRef, injection: Injection, pending: Option<(Nanos, Packet)>, started: Instant },
    /// A generator of load.
    Load { number: u16, tally: Tally },
    /// Nothing to wait for but the time.
    Wait,
}

impl Operation {
    /// The host that began it.
    pub(super) const fn asker(&self) -> Option<HostRef> {
        match self.kind {
            Kind::Connect { host, .. } | Kind::Write { host, .. } => Some(host),
            Kind::Ping { from, .. }
            | Kind::Send { from, .. }
            | Kind::Inject { from, .. }
            | Kind::Traceroute { from, .. } => Some(from),
            Kind::Resolve { guest, .. } => Some(HostRef::Guest(guest)),
            Kind::Load { .. } | Kind::Wait => None,
        }
    }
    /// Whether a packet of this step goes from the asker, or comes back to it.
    pub(super) fn leg_of(&self, headers: &Headers) -> Leg {
        let request = match headers.l4 {
            L4::Tcp(_) | L4::Udp(_) => headers.ports().1 == self.port,
            L4::Icmp(_) => headers.is_echo_request(),
            L4::None => true,
        };
        if request { Leg::Request } else { Leg::Reply }
    }
}
