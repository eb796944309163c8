//! Compiled route tables.

use super::Lpm;
use crate::base::ids::{EigwIx, EniIx, IgwIx, NatIx, NmIx, PcxIx, TgwAttachIx, VgwIx, VpcIx, VpceIx};
use crate::base::{Cidr, IndexVec};
use crate::verdict::RowIx;
use std::net::IpAddr;

crate::index_type! {
    /// Position of a route in its table.
    pub RouteIx;
}

/// A route table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteTable {
    /// The VPC.
    pub vpc: VpcIx,
    /// Every route, one per destination block, the winner of equals first (RTB-6).
    pub routes: IndexVec<RouteIx, Route>,
    /// IPv4 look-up.
    pub v4: Lpm<u32, RouteIx>,
    /// IPv6 look-up.
    pub v6: Lpm<u128, RouteIx>,
    /// The implied row "no route" (RTB-12).
    pub none: RowIx,
}

impl RouteTable {
    /// The route that wins for `address`: the longest prefix of its family (RTB-10, RTB-11).
    #[inline]
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<&Route> {
        let index = match address {
            IpAddr::V4(a) => self.v4.get(a.into()),
            IpAddr::V6(a) => self.v6.get(a.into()),
        };
        index.map(|index| &self.routes[index])
    }
}

/// One route for one block. A prefix-list route is one of these per entry, all with the same row (RTB-13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Destination block.
    pub to: Cidr,
    /// Where it goes.
    pub target: Target,
    /// False if the target cannot take traffic: the route still wins, and drops (RTB-8).
    pub active: bool,
    /// True if nobody wrote it: a virtual private gateway has learnt it. Only such a route has jumbo frames on Direct Connect.
    pub propagated: bool,
    /// The row to cite.
    pub row: RowIx,
}

/// Where a route goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The interface in the VPC that has the address.
    Local,
    /// Internet gateway.
    Igw(IgwIx),
    /// Egress-only internet gateway.
    Eigw(EigwIx),
    /// NAT gateway.
    Nat(NatIx),
    /// An interface: a middlebox or a NAT instance.
    Eni(EniIx),
    /// VPC peering.
    Pcx(PcxIx),
    /// Transit gateway, by this VPC's attachment.
    Tgw(TgwAttachIx),
    /// Gateway endpoint.
    Vpce(VpceIx),
    /// Virtual private gateway.
    Vgw(VgwIx),
    /// Something that cannot take traffic from here: the route is inactive.
    Nowhere,
    /// Something that is not modelled.
    NotModelled(NmIx),
}
