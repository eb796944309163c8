//! NAT gateways: which side a packet is on, connections, peaks.

use crate::base::ids::NatIx;
use crate::base::{Instant, Protocol};
use crate::flow::Inside;
use crate::record::metric::Metric;
use crate::verdict::Dir;
use crate::walk::NAT_IDLE;
use crate::wire::{Headers, TcpFlags};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Where a packet is, and which way it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    FromSource,
    ToDestination,
    FromDestination,
    ToSource,
}

impl Side {
    /// At a gateway's interface: what it gets or sends by an address of its own is on the side of the destination.
    pub(super) const fn of(dir: Dir, own: bool) -> Self {
        match (dir, own) {
            (Dir::In, false) => Self::FromSource,
            (Dir::In, true) => Self::FromDestination,
            (Dir::Out, true) => Self::ToDestination,
            (Dir::Out, false) => Self::ToSource,
        }
    }
    /// Bytes and packets.
    pub(super) const fn metrics(self) -> (Metric, Metric) {
        match self {
            Self::FromSource => (Metric::BytesInFromSource, Metric::PacketsInFromSource),
            Self::ToDestination => (Metric::BytesOutToDestination, Metric::PacketsOutToDestination),
            Self::FromDestination => (Metric::BytesInFromDestination, Metric::PacketsInFromDestination),
            Self::ToSource => (Metric::BytesOutToSource, Metric::PacketsOutToSource),
        }
    }
}

/// A TCP connection, by what its client sees.
#[derive(Clone, Copy, Debug)]
struct Connection {
    last: Instant,
    established: bool,
    /// FINs: the client's, the server's.
    closed: [bool; 2],
}

/// What a packet adds.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Seen {
    pub(super) attempts: u64,
    pub(super) established: u64,
    /// Connections that are open now.
    pub(super) active: u64,
}

/// The connections of NAT gateways, and what they took in the last ten seconds.
#[derive(Debug, Default)]
pub(super) struct Nats {
    /// Looked up; retained in no order that is seen.
    connections: FxHashMap<(NatIx, Inside), Connection>,
    active: BTreeMap<NatIx, u64>,
    ten_seconds: BTreeMap<NatIx, (u64, u64)>,
}

impl Nats {
    pub(super) fn see(&mut self, now: Instant, nat: NatIx, side: Side, h: &Headers, len: u32, lost: bool) -> Seen {
        let mut seen = Seen::default();
        // A packet counts once towards the peak: where it comes in.
        if matches!(side, Side::FromSource | Side::FromDestination) {
            let sum = self.ten_seconds.entry(nat).or_default();
            *sum = (sum.0 + u64::from(len), sum.1 + 1);
        }
        if h.protocol == Protocol::TCP {
            self.tcp(now, nat, side, h, lost, &mut seen);
        }
        seen.active = self.active.get(&nat).copied().unwrap_or(0);
        seen
    }

    fn tcp(&mut self, now: Instant, nat: NatIx, side: Side, h: &Headers, lost: bool, seen: &mut Seen) {
        let (Some(tcp), Some(flow)) = (
            h.tcp(),
            match side {
                Side::FromSource => Inside::of(h),
                Side::ToSource => Inside::answering(h),
                Side::ToDestination | Side::FromDestination => None,
            },
        ) else {
            return;
        };
        let key = (nat, flow);
        if side == Side::FromSource && tcp.flags.is_first_syn() {
            let new = !self.connections.contains_key(&key);
            seen.attempts += u64::from(new);
            if !lost && new {
                self.connections.insert(key, Connection { last: now, established: false, closed: [false; 2] });
                *self.active.entry(nat).or_default() += 1;
            }
            return;
        }
        let Some(connection) = self.connections.get_mut(&key) else { return };
        connection.last = now;
        if side == Side::ToSource && tcp.flags.has(TcpFlags::SYN_ACK) && !connection.established {
            connection.established = true;
            seen.established += 1;
        }
        if tcp.flags.has(TcpFlags::FIN) {
            connection.closed[usize::from(side == Side::ToSource)] = true;
        }
        if tcp.flags.has(TcpFlags::RST) || connection.closed == [true, true] {
            self.connections.remove(&key);
            *self.active.entry(nat).or_default() -= 1;
        }
    }

    /// Connections that have been idle for too long: by gateway, and in which second each became so.
    pub(super) fn forget_idle(&mut self, now: Instant) -> BTreeMap<(NatIx, u64), u64> {
        let mut idle = BTreeMap::new();
        let active = &mut self.active;
        self.connections.retain(|(nat, _), connection| {
            let live = now.since(connection.last) < NAT_IDLE;
            if !live {
                *idle.entry((*nat, (connection.last + NAT_IDLE).0 / 1_000_000_000)).or_default() += 1;
                *active.entry(*nat).or_default() -= 1;
            }
            live
        });
        idle
    }

    /// Bytes and packets of ten seconds.
    pub(super) fn take_ten_seconds(&mut self) -> Vec<(NatIx, u64, u64)> {
        std::mem::take(&mut self.ten_seconds).into_iter().map(|(nat, (bytes, packets))| (nat, bytes, packets)).collect()
    }
}
