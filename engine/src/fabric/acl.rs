//! Compiled network ACLs: rows in order, apart by family, because a row never matches the other family (ACL-3).

use super::Address;
use crate::base::{PortRange, Protocol};
use crate::verdict::{Dir, RowIx};

/// A network ACL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acl {
    /// Rows for traffic entering a subnet.
    pub inbound: AclTable,
    /// Rows for traffic leaving a subnet.
    pub outbound: AclTable,
}

impl Acl {
    /// The rows of a direction.
    #[inline]
    #[must_use]
    pub const fn table(&self, dir: Dir) -> &AclTable {
        match dir {
            Dir::In => &self.inbound,
            Dir::Out => &self.outbound,
        }
    }
    /// The ports that rows for TCP or UDP name.
    pub fn ports(&self, protocol: Protocol) -> impl Iterator<Item = PortRange> + '_ {
        let all = [&self.inbound, &self.outbound].into_iter();
        let v4 = all.clone().flat_map(|t| t.v4.iter()).map(|r| (r.protocol, r.low, r.high));
        let v6 = all.flat_map(|t| t.v6.iter()).map(|r| (r.protocol, r.low, r.high));
        let of = move |(p, ..): &(u16, u16, u16)| *p == u16::from(protocol.0);
        v4.chain(v6).filter(of).map(|(_, from, to)| PortRange { from, to })
    }
}

/// Rows of one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AclTable {
    /// IPv4 rows, ascending by number; `*` is not among them.
    pub v4: Box<[AclRow<u32>]>,
    /// IPv6 rows.
    pub v6: Box<[AclRow<u128>]>,
    /// The row `*`.
    pub last: RowIx,
}

/// One row: 24 bytes for IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AclRow<A> {
    /// Network of the block on the other side.
    pub net: A,
    /// Its mask.
    pub mask: A,
    /// Protocol, or [`ANY_PROTOCOL`](super::sg::ANY_PROTOCOL).
    pub protocol: u16,
    /// First port, or ICMP type; [`ANY_ICMP`](super::sg::ANY_ICMP) for any type.
    pub low: u16,
    /// Last port, or ICMP code; [`ANY_ICMP`](super::sg::ANY_ICMP) for any code.
    pub high: u16,
    /// True to allow.
    pub allow: bool,
    /// The row to cite.
    pub row: RowIx,
}

impl<A: Address> AclRow<A> {
    /// True if the other side's address is in the row's block.
    #[inline]
    #[must_use]
    pub fn holds(&self, address: A) -> bool {
        address.matches(self.net, self.mask)
    }
}
