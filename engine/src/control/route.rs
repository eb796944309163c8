//! A route: a prefix, where it leads, what kind of route it is, and its BGP attributes.
//!
//! [`Attributes`] are what speakers tell each other. [`Class`] and [`Via`] are what only the table that holds the
//! route knows: AWS's gateways ask for the kind of a route before they look at any attribute.
//!
//! Not modelled: `AS_SET` and confederation segments, `AGGREGATOR`, large and extended communities, next hops.
//!
//! Invariant: communities are sorted and each is there once, so that equal sets are equal values.

use super::plan::{SessionIx, SessionKind, TableIx};
use crate::base::Cidr;
use std::fmt;
use std::sync::Arc;

/// Local preference of a route that nobody gave another.
pub const LOCAL_PREFERENCE: u32 = 100;

/// The autonomous systems that an announcement passed, the latest first. Sequences only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AsPath(Arc<[u32]>);

impl AsPath {
    /// The path of what its own table originates.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }
    /// How many systems it names, repeats included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// True if it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The neighbouring system, whose MEDs may be compared.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.0.first().copied()
    }
    /// How often `asn` is in it.
    #[must_use]
    pub fn count(&self, asn: u32) -> usize {
        self.0.iter().filter(|hop| **hop == asn).count()
    }
    /// The path with `asn` put in front `times` times.
    #[must_use]
    pub fn prepended(&self, asn: u32, times: usize) -> Self {
        Self(std::iter::repeat_n(asn, times).chain(self.0.iter().copied()).collect())
    }
    /// The systems, the latest first.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }
}

impl From<&[u32]> for AsPath {
    fn from(path: &[u32]) -> Self {
        Self(path.into())
    }
}

/// A set of communities.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Communities(Arc<[u32]>);

impl Communities {
    /// Local preference low, to a private or transit virtual interface.
    pub const PREFER_LOW: u32 = community(7224, 7100);
    /// Local preference medium.
    pub const PREFER_MEDIUM: u32 = community(7224, 7200);
    /// Local preference high.
    pub const PREFER_HIGH: u32 = community(7224, 7300);
    /// From AWS over a public virtual interface: of the same Region.
    pub const SAME_REGION: u32 = community(7224, 8100);
    /// From AWS over a public virtual interface: of the same continent.
    pub const SAME_CONTINENT: u32 = community(7224, 8200);
    /// To AWS over a public virtual interface: announce in this Region only.
    pub const SCOPE_REGION: u32 = community(7224, 9100);
    /// To AWS over a public virtual interface: announce on this continent only.
    pub const SCOPE_CONTINENT: u32 = community(7224, 9200);
    /// To AWS over a public virtual interface: announce everywhere.
    pub const SCOPE_GLOBAL: u32 = community(7224, 9300);
    /// Not to another autonomous system (RFC 1997).
    pub const NO_EXPORT: u32 = 0xffff_ff01;
    /// Not to any other speaker (RFC 1997).
    pub const NO_ADVERTISE: u32 = 0xffff_ff02;

    /// No community.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::from([]))
    }
    /// The set of these, sorted and each once.
    #[must_use]
    pub fn new(communities: impl IntoIterator<Item = u32>) -> Self {
        let mut all: Vec<u32> = communities.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }
    /// True if `community` is in it.
    #[must_use]
    pub fn has(&self, community: u32) -> bool {
        self.0.binary_search(&community).is_ok()
    }
    /// Those of both sets.
    #[must_use]
    pub fn and(&self, more: &Self) -> Self {
        if more.0.is_empty() {
            return self.clone();
        }
        Self::new(self.0.iter().chain(more.0.iter()).copied())
    }
    /// The communities in order.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }
}

/// The community that is written `system:value`.
#[must_use]
pub const fn community(system: u16, value: u16) -> u32 {
    ((system as u32) << 16) | value as u32
}

/// Where an announcement came from first. Lower is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Origin {
    /// A protocol inside the system that originates it.
    #[default]
    Igp,
    /// The protocol before BGP.
    Egp,
    /// Something else, such as a static route that was redistributed.
    Incomplete,
}

/// What one speaker tells another about a prefix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attributes {
    /// Higher is better. Not sent to another autonomous system.
    pub local_preference: u32,
    /// The systems it passed.
    pub as_path: AsPath,
    /// Where it came from first.
    pub origin: Origin,
    /// Lower is better, among routes of one neighbouring system. None is the same as 0.
    pub med: u32,
    /// Its communities.
    pub communities: Communities,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            local_preference: LOCAL_PREFERENCE,
            as_path: AsPath::empty(),
            origin: Origin::Igp,
            med: 0,
            communities: Communities::none(),
        }
    }
}

/// What kind of route it is to the table that holds it. [`Kind`](super::Kind) says which kinds go first there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// The table's own: a LAN of a router, the VPC's block of a virtual private gateway.
    Local,
    /// Written by hand.
    Static,
    /// From a prefix list that a transit gateway's table refers to.
    PrefixList,
    /// Propagated by a VPC attachment.
    Vpc,
    /// At a Direct Connect gateway: from the gateway of an association.
    Association,
    /// Learnt over a virtual interface.
    DirectConnect,
    /// Learnt over a virtual interface with SiteLink on.
    SiteLink,
    /// Learnt from a Direct Connect gateway.
    DirectConnectGateway,
    /// Learnt over a Connect attachment.
    Connect,
    /// Learnt over a VPN that runs inside Direct Connect.
    PrivateVpn,
    /// Written at a VPN connection with static routing.
    VpnStatic,
    /// Learnt over a VPN.
    Vpn,
    /// Propagated by a peering (of Cloud WAN).
    Peering,
    /// Learnt by BGP, and nothing more to say: at a router.
    Bgp,
    /// Learnt from another router of the same site.
    Site,
    /// Written by hand as a last resort (a floating static route).
    Floating,
}

/// A set of [`Class`]es.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// Every class.
    pub const ALL: Self = Self(u16::MAX);

    /// The set of these.
    #[must_use]
    pub const fn of(classes: &[Class]) -> Self {
        let (mut bits, mut n) = (0, 0);
        while n < classes.len() {
            bits |= 1 << classes[n] as u8;
            n += 1;
        }
        Self(bits)
    }
    /// True if `class` is in it.
    #[must_use]
    pub const fn has(self, class: Class) -> bool {
        self.0 & (1 << class as u8) != 0
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Classes({:#018b})", self.0)
    }
}

/// Who told, as far as a decision cares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Peer {
    /// The session it came by.
    pub session: SessionIx,
    /// The table at its other end.
    pub table: TableIx,
    /// What kind of session.
    pub kind: SessionKind,
    /// The other end's router id.
    pub id: u32,
    /// Sessions of one bundle are one path: they do not share traffic.
    pub bundle: Option<u32>,
}

/// Where a route leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// The table has it by itself; the number is the caller's.
    Local(u32),
    /// Whoever told it.
    Peer(Peer),
}

impl Via {
    /// What tells the candidates of one prefix apart.
    #[must_use]
    pub const fn source(self) -> Source {
        match self {
            Self::Local(id) => Source::Local(id),
            Self::Peer(peer) => Source::Session(peer.session),
        }
    }
}

/// What tells the candidates of one prefix apart: a table has at most one of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// One of its own.
    Local(u32),
    /// The one that this session brought.
    Session(SessionIx),
}

/// A route, as a table holds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Route {
    /// Destination.
    pub to: Cidr,
    /// Where it leads.
    pub via: Via,
    /// What kind of route it is here.
    pub class: Class,
    /// What its announcement said.
    pub attributes: Attributes,
}

impl Route {
    /// A route that a table has by itself.
    #[must_use]
    pub fn local(to: Cidr, id: u32, class: Class) -> Self {
        Self { to, via: Via::Local(id), class, attributes: Attributes::default() }
    }
    /// The session that brought it.
    #[must_use]
    pub const fn session(&self) -> Option<SessionIx> {
        match self.via {
            Via::Local(_) => None,
            Via::Peer(peer) => Some(peer.session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_a_set() {
        let a = Communities::new([Communities::PREFER_HIGH, Communities::NO_EXPORT, Communities::PREFER_HIGH]);
        let b = Communities::new([Communities::NO_EXPORT]).and(&Communities::new([community(7224, 7300)]));
        assert_eq!(a, b);
        assert!(a.has(Communities::NO_EXPORT) && !a.has(Communities::NO_ADVERTISE));
    }

    #[test]
    fn a_path_grows_at_the_front() {
        let path = AsPath::from([65001].as_slice()).prepended(64512, 2);
        assert_eq!(path.as_slice(), [64512, 64512, 65001]);
        assert_eq!((path.first(), path.count(64512), path.len()), (Some(64512), 2, 3));
    }

    #[test]
    fn classes_fit_their_set() {
        let set = Classes::of(&[Class::Local, Class::Floating]);
        assert!(set.has(Class::Local) && set.has(Class::Floating) && !set.has(Class::Vpn));
        assert!(Classes::ALL.has(Class::Floating));
    }
}
