//! Tracked connections of security groups, per interface (CT-1).
//!
//! An entry remembers the row that founded it, so that a reply can cite it. Idle timeouts are AWS's
//! where a page gives them (CT-6); for half-open and closing TCP connections no page does, so those are
//! named constants.

use crate::base::ids::EniIx;
use crate::base::{Instant, Nanos, Protocol};
use crate::fabric::Profile;
use crate::verdict::{Dir, RowIx};
use crate::wire::{Headers, L4, TcpFlags};
use rustc_hash::FxHashMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// A TCP connection whose handshake is not complete is forgotten after this (CT-10, assumed).
pub const TCP_HALF_OPEN: Nanos = Nanos::from_secs(60);
/// A TCP connection that was reset or closed from both sides is forgotten after this (CT-10, assumed).
pub const TCP_CLOSED: Nanos = Nanos::from_secs(10);
/// An ICMP query is forgotten after this (CT-9, assumed).
pub const ICMP_IDLE: Nanos = Nanos::from_secs(30);
/// Other protocols: replies are accepted for 600 s (CT-4).
pub const OTHER_IDLE: Nanos = Nanos::from_secs(600);

/// A connection as one interface sees it: each tracks for itself (CT-12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnKey {
    /// The interface.
    pub eni: EniIx,
    /// Protocol.
    pub protocol: Protocol,
    /// Port on the interface's side; the identifier of an ICMP query.
    pub local_port: u16,
    /// Port on the other side.
    pub remote_port: u16,
    /// Address on the interface's side.
    pub local: IpAddr,
    /// Address on the other side.
    pub remote: IpAddr,
}

impl ConnKey {
    /// The connection that a packet belongs to at `eni`, going `dir`.
    #[inline]
    #[must_use]
    pub fn new(eni: EniIx, dir: Dir, headers: &Headers, ports: (u16, u16)) -> Self {
        let (src_port, dst_port) = match headers.l4 {
            // Both directions of a query share its identifier, so the key says who asked: an echo request that
            // comes in does not answer the one that went out, even on the way to one's own public address.
            L4::Icmp(icmp) if !headers.is_icmp_error() => {
                let asked_out = (dir == Dir::Out) != headers.is_echo_reply();
                ((icmp.rest >> 16) as u16, u16::from(asked_out))
            }
            _ => ports,
        };
        if headers.protocol.is_icmp() {
            let (local, remote) = if dir == Dir::Out { (headers.src, headers.dst) } else { (headers.dst, headers.src) };
            return Self {
                eni,
                protocol: headers.protocol,
                local_port: src_port,
                remote_port: dst_port,
                local,
                remote,
            };
        }
        let protocol = headers.protocol;
        match dir {
            Dir::Out => Self {
                eni,
                protocol,
                local_port: src_port,
                remote_port: dst_port,
                local: headers.src,
                remote: headers.dst,
            },
            Dir::In => Self {
                eni,
                protocol,
                local_port: dst_port,
                remote_port: src_port,
                local: headers.dst,
                remote: headers.src,
            },
        }
    }
}

impl Hash for ConnKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u64::from(self.local_port) << 16 | u64::from(self.remote_port);
        state.write_u64(u64::from(self.eni.0) << 32 | ports);
        match (self.local, self.remote) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                state.write_u64(u64::from(u32::from(a)) << 32 | u64::from(u32::from(b)));
            }
            (a, b) => {
                a.hash(state);
                b.hash(state);
            }
        }
        state.write_u8(self.protocol.0);
    }
}

/// A tracked connection. 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conn {
    /// Time of the last packet.
    pub last: Instant,
    /// The row that let the first packet pass.
    pub founded_by: RowIx,
    /// The configuration that row belongs to.
    pub epoch: u16,
    /// Direction of the first packet.
    pub opened: Dir,
    /// True if the path is tracked whatever the rules say (CT-5).
    pub automatic: bool,
    state: u8,
    /// Packets seen from either side, saturating at 255.
    packets: u8,
}

const REPLIED: u8 = 1;
const ESTABLISHED: u8 = 2;
const FIN_OPENER: u8 = 4;
const FIN_OTHER: u8 = 8;
const RESET: u8 = 16;

impl Conn {
    /// A new connection.
    #[must_use]
    pub const fn new(now: Instant, founded_by: RowIx, epoch: u16, opened: Dir, automatic: bool) -> Self {
        Self { last: now, founded_by, epoch, opened, automatic, state: 0, packets: 1 }
    }
    /// Notes a packet.
    #[inline]
    pub fn seen(&mut self, now: Instant, dir: Dir, headers: &Headers) {
        self.last = now;
        self.packets = self.packets.saturating_add(1);
        let from_opener = dir == self.opened;
        if !from_opener {
            self.state |= REPLIED;
        }
        if let L4::Tcp(tcp) = headers.l4 {
            if tcp.flags.has(TcpFlags::RST) {
                self.state |= RESET;
            } else if tcp.flags.has(TcpFlags::FIN) {
                self.state |= if from_opener { FIN_OPENER } else { FIN_OTHER };
            } else if from_opener && self.state & REPLIED != 0 {
                self.state |= ESTABLISHED;
            }
        }
    }
    /// True if a first SYN may found the connection anew: the old one is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.state & RESET != 0 || self.state & (FIN_OPENER | FIN_OTHER) == FIN_OPENER | FIN_OTHER
    }
    /// How long it may be idle.
    #[inline]
    #[must_use]
    pub const fn idle_limit(&self, protocol: Protocol, profile: &Profile) -> Nanos {
        match protocol {
            Protocol::TCP if self.is_closed() => TCP_CLOSED,
            Protocol::TCP if self.state & ESTABLISHED != 0 => profile.tracked_tcp_idle,
            Protocol::TCP => TCP_HALF_OPEN,
            // One request and one reply is no stream (CT-6).
            Protocol::UDP if self.state & REPLIED != 0 && self.packets > 2 => profile.tracked_udp_stream_idle,
            Protocol::UDP => profile.tracked_udp_idle,
            Protocol::ICMP | Protocol::ICMPV6 => ICMP_IDLE,
            _ => OTHER_IDLE,
        }
    }
}

/// The tracked connections of a network.
#[derive(Clone, Debug, Default)]
pub struct ConnTable {
    conns: FxHashMap<ConnKey, Conn>,
    sweep_at: usize,
}

impl ConnTable {
    /// The live connection, if there is one.
    #[inline]
    pub fn get_mut(&mut self, key: &ConnKey, now: Instant, profile: &Profile) -> Option<&mut Conn> {
        self.conns.get_mut(key).filter(|conn| now.since(conn.last) <= conn.idle_limit(key.protocol, profile))
    }
    /// Begins to track a connection. Sweeps what has expired each time the table has doubled.
    pub fn insert(&mut self, key: ConnKey, conn: Conn, profile: &Profile) {
        if self.conns.len() >= self.sweep_at.max(1024) {
            let now = conn.last;
            self.conns.retain(|key, conn| now.since(conn.last) <= conn.idle_limit(key.protocol, profile));
            self.sweep_at = self.conns.len() * 2;
        }
        self.conns.insert(key, conn);
    }
    /// Number of entries, expired ones that nothing has swept included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.conns.len()
    }
    /// True if nothing is tracked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers to reach: at most 192 bytes a tracked connection, hash table slack of 8/7 and doubling included.
    #[test]
    fn a_tracked_connection_is_small() {
        assert!(size_of::<(ConnKey, Conn)>() * 2 * 8 / 7 <= 192, "{}", size_of::<(ConnKey, Conn)>());
    }
}
