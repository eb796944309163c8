//! Compiled Direct Connect: gateways, link aggregation groups and virtual interfaces.

use super::Fib;
use crate::base::Cidr;
use crate::base::ids::{DxgwIx, LagIx, PublicIx, RouterIx, SpeakerIx, VgwIx};
use crate::verdict::{LinkIx, RowIx};
use std::net::IpAddr;

/// MTU of Direct Connect without jumbo frames, in bytes (DX-96, DX-97).
pub const DX_MTU: u32 = 1500;

/// A Direct Connect gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dxgw {
    /// What it has learnt, from both sides, as its virtual interfaces use it.
    pub fib: Fib,
    /// The same as each Region uses it, if it has associations in several (BGP-33). All have the same routes; what they
    /// look up in them differs.
    pub views: Box<[(u32, Fib)]>,
    /// False if something that it may learn from is not described.
    pub complete: bool,
    /// First of its implied rows; [`DxgwRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a Direct Connect gateway, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DxgwRow {
    /// What it has learnt is not described.
    Unknown,
    /// From one association or interface to another that it does not join (DX-5).
    NotJoined,
    /// Larger than Direct Connect takes by this route.
    Mtu,
}

impl Dxgw {
    /// What it does with packets that come from a Region; without one, from a virtual interface.
    #[must_use]
    pub fn seen_from(&self, region: Option<u32>) -> &Fib {
        let view = self.views.iter().find(|(own, _)| Some(*own) == region);
        view.map_or(&self.fib, |(_, fib)| fib)
    }
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: DxgwRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}

/// A link aggregation group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lag {
    /// Its connections that are up.
    pub links: Box<[LagLink]>,
    /// Row: none is.
    pub none: RowIx,
}

/// A connection of a link aggregation group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LagLink {
    /// The cable.
    pub link: LinkIx,
    /// What a flow's hash is mixed with to choose it.
    pub salt: u64,
    /// The row to cite.
    pub row: RowIx,
}

/// AWS's public network, as one Region sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Public {
    /// What customers have announced over public virtual interfaces.
    pub fib: Fib,
}

/// Where a virtual interface ends at AWS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum VifEnd {
    /// At a virtual private gateway.
    Vgw(VgwIx),
    /// At a Direct Connect gateway.
    Dxgw(DxgwIx),
    /// At AWS's public network: the location's Region.
    Public(PublicIx),
}

/// A virtual interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vif {
    /// Where it ends at AWS.
    pub end: VifEnd,
    /// The router at the customer's end, if it is described.
    pub router: Option<RouterIx>,
    /// 802.1Q tag.
    pub vlan: u16,
    /// Addresses of the session: AWS's, the customer's.
    pub addresses: [IpAddr; 2],
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Public ones: the prefixes that AWS has from the customer.
    pub announced: Box<[Cidr]>,
    /// Whether it may pass traffic to others of its gateway.
    pub site_link: bool,
    /// Whether it and its connection are up.
    pub up: bool,
    /// The cable; of a link aggregation group, the first one that is up.
    pub link: LinkIx,
    /// The speakers at its ends, the customer's first, if that is described.
    pub speakers: Option<[SpeakerIx; 2]>,
    /// The link aggregation group, if it is on one: each flow takes one of its connections.
    pub lag: Option<LagIx>,
    /// What a flow's hash is mixed with to choose among interfaces.
    pub salt: u64,
    /// First of its implied rows; [`VifRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a virtual interface, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum VifRow {
    /// It carries the packet.
    Pass,
    /// Too big.
    Mtu,
    /// Not up.
    Down,
    /// The customer's side is not described.
    Unknown,
    /// Public: the customer has not announced the source.
    Source,
    /// Public: the destination is no address of AWS's.
    NotAws,
}

impl Vif {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: VifRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}
