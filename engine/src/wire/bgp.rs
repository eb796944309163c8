//! BGP messages (RFC 4271) with IPv6 routes (RFC 4760), AS numbers of four octets (RFC 6793) and communities (RFC 1997).
//!
//! AS numbers in paths always have four octets: a speaker refuses a peer whose OPEN does not offer them.
//! Not modelled: aggregation, extended and large communities, route refresh, add-path, messages above 4096 bytes.
//! Optional attributes that are not modelled are dropped, not passed on.

mod decode;
mod encode;
mod error;

pub use decode::Decoder;
pub use error::BgpError;

use ipnet::IpNet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// TCP port.
pub const PORT: u16 = 179;
/// Longest message in bytes (RFC 4271 section 4).
pub const LEN_MAX: usize = 4096;
/// What stands for an AS number above 65535 in OPEN's field of two octets (RFC 6793 section 9).
pub const AS_TRANS: u16 = 23_456;
/// Community: not to be told to another AS (RFC 1997).
pub const NO_EXPORT: u32 = 0xffff_ff01;
/// Community: not to be told to any peer (RFC 1997).
pub const NO_ADVERTISE: u32 = 0xffff_ff02;
/// Bytes of marker, length and type.
const HEADER: usize = 19;

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The first of a session.
    Open(Open),
    /// Routes come and go.
    Update(Update),
    /// The peer is alive.
    Keepalive,
    /// The last of a session: why it ends.
    Notification(Notification),
}

/// What a speaker is and can.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// AS number, not 0.
    pub asn: u32,
    /// Hold time in seconds: 0 (none), or 3 and more. The lower one of both sides counts.
    pub hold_time: u16,
    /// Router identifier, not 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// Families it exchanges routes of. An OPEN that says nothing about families is read as IPv4.
    pub families: Vec<Family>,
    /// True if it can read AS numbers of four octets.
    pub four_octet_as: bool,
}

/// A family of routes, always unicast.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// Routes that go and routes that come, the latter all with the same attributes. A decoder lists IPv4 first.
/// One without either marks the end of the first IPv4 routes (RFC 4724 section 2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Update {
    /// Prefixes that can no longer be reached this way.
    pub withdrawn: Vec<IpNet>,
    /// Prefixes that can.
    pub announced: Vec<IpNet>,
    /// What is common to all of `announced`; read only if there are any, and then there.
    pub attributes: Option<Attributes>,
}

/// Attributes of a route.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attributes {
    /// Where the route comes from.
    pub origin: Origin,
    /// The AS it came through.
    pub as_path: AsPath,
    /// Where packets for IPv4 prefixes go; there if and only if some are announced. No multicast address.
    pub next_hop: Option<Ipv4Addr>,
    /// Where packets for IPv6 prefixes go; there if and only if some are announced. The global address.
    pub next_hop_v6: Option<Ipv6Addr>,
    /// Multi-exit discriminator: the lower, the better.
    pub med: Option<u32>,
    /// Local preference: the higher, the better. Only inside an AS.
    pub local_pref: Option<u32>,
    /// Communities: AS number in the high half, value in the low half.
    pub communities: Vec<u32>,
}

/// Where a route comes from; the first is best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Origin {
    /// From inside the AS.
    Igp,
    /// From EGP.
    Egp,
    /// From elsewhere.
    Incomplete,
}

/// The AS that a route came through, the last one first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct AsPath(pub Vec<Segment>);

/// A part of a path; 1 to 255 AS numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Segment {
    /// Of many routes made one: in no order.
    Set(Vec<u32>),
    /// One behind the other.
    Sequence(Vec<u32>),
}

/// Most AS numbers of a segment.
const SEGMENT_MAX: usize = 255;

impl AsPath {
    /// A path of one sequence; without segments if there are no numbers.
    #[must_use]
    pub fn sequence(numbers: &[u32]) -> Self {
        Self(numbers.chunks(SEGMENT_MAX).map(|part| Segment::Sequence(part.to_vec())).collect())
    }
    /// Length as route selection counts it: a set is one (RFC 4271 section 9.1.2.2).
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|s| if let Segment::Sequence(numbers) = s { numbers.len() } else { 1 }).sum()
    }
    /// True for a route of the own AS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// True if the route has been in this AS: a loop.
    #[must_use]
    pub fn contains(&self, asn: u32) -> bool {
        self.0.iter().any(|(Segment::Set(numbers) | Segment::Sequence(numbers))| numbers.contains(&asn))
    }
    /// The neighbour that the route came from: the first number of a sequence that begins the path.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.0.first().and_then(|s| if let Segment::Sequence(numbers) = s { numbers.first().copied() } else { None })
    }
    /// Puts an AS number in front, as a speaker does that passes the route on (RFC 4271 section 5.1.2).
    pub fn prepend(&mut self, asn: u32) {
        match self.0.first_mut() {
            Some(Segment::Sequence(numbers)) if numbers.len() < SEGMENT_MAX => numbers.insert(0, asn),
            _ => self.0.insert(0, Segment::Sequence(vec![asn])),
        }
    }
}

/// Why a session ends. Codes are those of RFC 4271 section 4.5.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// Error code.
    pub code: u8,
    /// Subcode; 0 if there is none.
    pub subcode: u8,
    /// What the error is about.
    pub data: Vec<u8>,
}

impl Notification {
    /// Cease, subcode: more prefixes than allowed (RFC 4486).
    pub const MAX_PREFIXES: u8 = 1;
    /// Cease, subcode: switched off by a person.
    pub const SHUTDOWN: u8 = 2;
    /// Cease, subcode: no longer a peer.
    pub const DECONFIGURED: u8 = 3;
    /// Cease, subcode: restarted by a person.
    pub const RESET: u8 = 4;
    /// Cease, subcode: refused.
    pub const REJECTED: u8 = 5;
    /// Cease, subcode: another connection with this peer stays (RFC 4271 section 6.8).
    pub const COLLISION: u8 = 7;

    /// Nothing came for the hold time.
    #[must_use]
    pub const fn hold_timer_expired() -> Self {
        Self { code: 4, subcode: 0, data: Vec::new() }
    }
    /// A message that has no place in the state of the session: 1 `OpenSent`, 2 `OpenConfirm`, 3 `Established` (RFC 6608).
    #[must_use]
    pub const fn unexpected(state: u8) -> Self {
        Self { code: 5, subcode: state, data: Vec::new() }
    }
    /// The end without an error, for one of the reasons above.
    #[must_use]
    pub const fn cease(subcode: u8) -> Self {
        Self { code: 6, subcode, data: Vec::new() }
    }
    /// The peer's OPEN is sound, but not acceptable: subcode 2 its AS number, 3 its router identifier, 6 its hold time,
    /// 7 it lacks a capability (RFC 5492).
    #[must_use]
    pub const fn open_refused(subcode: u8) -> Self {
        Self { code: 2, subcode, data: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
