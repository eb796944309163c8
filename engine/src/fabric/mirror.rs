//! Compiled traffic mirroring: filters as flat rows, sessions by their source.

use super::Address;
use crate::base::PortRange;
use crate::base::ids::{EniIx, MirrorFilterIx};
use crate::verdict::{Dir, RowIx};

/// A session: what it copies, from where, to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorSession {
    /// The interface whose packets are copied.
    pub source: EniIx,
    /// Who gets the copies.
    pub target: MirrorTarget,
    /// Which packets.
    pub filter: MirrorFilterIx,
    /// Place among the sessions of the source.
    pub number: u16,
    /// VXLAN network identifier.
    pub vni: u32,
    /// Bytes of a frame that are copied at most, if the session says so.
    pub packet_length: Option<u32>,
    /// The row of a copy that gives way to production traffic.
    pub skip: RowIx,
}

/// Who gets copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MirrorTarget {
    /// A network interface.
    Eni(EniIx),
    /// A load balancer or an endpoint that is not modelled, by its row.
    NotModelled(RowIx),
}

/// A filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorFilter {
    /// Rules for what the source receives.
    pub ingress: MirrorTable,
    /// Rules for what the source sends.
    pub egress: MirrorTable,
    /// The row that says so, if traffic of Amazon DNS is mirrored.
    pub dns: Option<RowIx>,
}

impl MirrorFilter {
    /// The rules of a direction.
    #[must_use]
    pub const fn table(&self, dir: Dir) -> &MirrorTable {
        match dir {
            Dir::In => &self.ingress,
            Dir::Out => &self.egress,
        }
    }
}

/// Rules of one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorTable {
    /// IPv4 rules, ascending by number.
    pub v4: Box<[MirrorRule<u32>]>,
    /// IPv6 rules.
    pub v6: Box<[MirrorRule<u128>]>,
    /// No rule matches.
    pub none: RowIx,
}

/// One rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MirrorRule<A> {
    /// Source block: network and mask.
    pub src: (A, A),
    /// Destination block: network and mask.
    pub dst: (A, A),
    /// Protocol, or [`ANY_PROTOCOL`](super::ANY_PROTOCOL).
    pub protocol: u16,
    /// Source ports.
    pub src_ports: PortRange,
    /// Destination ports.
    pub dst_ports: PortRange,
    /// True to mirror.
    pub accept: bool,
    /// The row to cite.
    pub row: RowIx,
}

impl<A: Address> MirrorRule<A> {
    /// True if both addresses are in the rule's blocks.
    #[inline]
    #[must_use]
    pub fn holds(&self, src: A, dst: A) -> bool {
        src.matches(self.src.0, self.src.1) && dst.matches(self.dst.0, self.dst.1)
    }
}
