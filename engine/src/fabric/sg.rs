//! Compiled security groups. Interfaces with the same groups share one [`SgSet`].

use super::Address;
use crate::base::ids::{PlIx, SgIx};
use crate::base::{PortRange, Protocol};
use crate::verdict::{Dir, RowIx};

/// Protocol number of a rule that matches all.
pub const ANY_PROTOCOL: u16 = 256;
/// ICMP type or code of a rule that matches any.
pub const ANY_ICMP: u16 = u16::MAX;

/// A set of groups and the union of their rules. Rules are never merged or dropped: one written rule is one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SgSet {
    /// The groups, ascending.
    pub groups: Box<[SgIx]>,
    /// A group of the set that the input lacks: what it would allow is unknown.
    pub missing: Option<RowIx>,
    /// Rules for traffic to the interface.
    pub inbound: SgTable,
    /// Rules for traffic from the interface.
    pub outbound: SgTable,
}

impl SgSet {
    /// The rules of a direction.
    #[inline]
    #[must_use]
    pub const fn table(&self, dir: Dir) -> &SgTable {
        match dir {
            Dir::In => &self.inbound,
            Dir::Out => &self.outbound,
        }
    }
    /// The ports that rules for TCP or UDP name.
    pub fn ports(&self, protocol: Protocol) -> impl Iterator<Item = PortRange> + '_ {
        let all = [&self.inbound, &self.outbound].into_iter();
        let v4 = all.clone().flat_map(|t| t.v4.iter()).map(|r| (r.protocol, r.low, r.high));
        let v6 = all.flat_map(|t| t.v6.iter()).map(|r| (r.protocol, r.low, r.high));
        let of = move |(p, ..): &(u16, u16, u16)| *p == u16::from(protocol.0);
        v4.chain(v6).filter(of).map(|(_, from, to)| PortRange { from, to })
    }
}

/// Rules of one direction, apart by family (SG-8). A rule that names a group or a list of both families is in both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SgTable {
    /// Rules for IPv4 packets, in the order of groups and then as written.
    pub v4: Box<[SgRow<u32>]>,
    /// Rules for IPv6 packets.
    pub v6: Box<[SgRow<u128>]>,
    /// By family (IPv4, IPv6): TCP and UDP rules that allow `0.0.0.0/0` or `::/0` on every port (CT-2).
    pub open_to_all: [OpenToAll; 2],
    /// True if no group has a rule in this direction, whatever the family.
    pub empty: bool,
}

/// Whether a direction has a rule for everybody on all ports 0-65535.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenToAll {
    /// For TCP.
    pub tcp: bool,
    /// For UDP.
    pub udp: bool,
}

/// One rule as a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SgRow<A> {
    /// Who is on the other side.
    pub peer: PeerMatch<A>,
    /// Protocol, or [`ANY_PROTOCOL`].
    pub protocol: u16,
    /// First port, or ICMP type; [`ANY_ICMP`] for any type.
    pub low: u16,
    /// Last port, or ICMP code; [`ANY_ICMP`] for any code.
    pub high: u16,
    /// The row to cite.
    pub row: RowIx,
}

/// The other side of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PeerMatch<A> {
    /// An address block.
    Block {
        /// Its network.
        net: A,
        /// Its mask.
        mask: A,
    },
    /// Interfaces with this group, by their private addresses.
    Group(SgIx),
    /// The blocks of a prefix list (SG-7).
    List(PlIx),
    /// Nobody: a group that does not exist any more, or is not in the input.
    Nobody,
}

impl<A: Address> SgRow<A> {
    /// True if the rule is for everybody: `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        matches!(self.peer, PeerMatch::Block { mask, .. } if mask == A::MIN)
    }
}
