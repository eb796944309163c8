//! Compiled VPC peering connections.

use crate::base::ids::VpcIx;
use crate::verdict::RowIx;

/// A VPC peering connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pcx {
    /// Requester and accepter; none if the VPC is not described.
    pub sides: [Option<VpcIx>; 2],
    /// True while it carries packets (PCX-1).
    pub active: bool,
    /// True if both sides are in one Region.
    pub same_region: bool,
    /// Largest packet in bytes (PCX-8).
    pub mtu: u32,
    /// For requester and accepter: whether public names of its instances resolve to private addresses on the other side (PCX-12).
    pub dns: [bool; 2],
    /// First of its implied rows; [`PcxRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a peering, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PcxRow {
    /// It carries the packet.
    Pass,
    /// The destination is not the peer VPC's.
    Transit,
    /// The peer VPC is not described.
    Unknown,
    /// Too big.
    Mtu,
    /// Back to a NAT gateway.
    Return,
}

impl Pcx {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: PcxRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
    /// What is on the other side of `vpc`: a VPC, or one that is not described. None if `vpc` is no side.
    #[must_use]
    pub fn other(&self, vpc: VpcIx) -> Option<Option<VpcIx>> {
        match self.sides {
            [Some(a), b] if a == vpc => Some(b),
            [a, Some(b)] if b == vpc => Some(a),
            _ => None,
        }
    }
}
