//! Compiled routers of on-premises sites, and the forwarding tables that they share with AWS's gateways.

use super::Lpm;
use crate::base::ids::{DxgwIx, InetIx, PublicIx, RouterIx, SpeakerIx, TgwAttachIx, TunnelIx, VgwIx, VifIx};
use crate::base::{Cidr, IndexVec, Nanos};
use crate::verdict::{LinkIx, RowIx};
use rustc_hash::FxHashMap;
use std::net::IpAddr;

crate::index_type! {
    /// Position of a route in a forwarding table.
    pub FibIx;
}

/// What a control plane has decided: where packets go, by longest prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fib {
    /// The routes, one per prefix, ascending.
    pub routes: IndexVec<FibIx, FibRoute>,
    /// IPv4 look-up.
    pub v4: Lpm<u32, FibIx>,
    /// IPv6 look-up.
    pub v6: Lpm<u128, FibIx>,
    /// The implied row "no route".
    pub none: RowIx,
}

impl Fib {
    /// The route that wins for `address`: the longest prefix of its family.
    #[inline]
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<FibIx> {
        match address {
            IpAddr::V4(a) => self.v4.get(a.into()),
            IpAddr::V6(a) => self.v6.get(a.into()),
        }
    }
}

/// Whose forwarding table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PathOwner {
    /// A site's router's.
    Router(RouterIx),
    /// A virtual private gateway's.
    Vgw(VgwIx),
    /// A Direct Connect gateway's.
    Dxgw(DxgwIx),
    /// That of AWS's public network.
    Public(PublicIx),
}

/// One route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FibRoute {
    /// Destination block.
    pub to: Cidr,
    /// Where it goes: several share the flows.
    pub hops: Box<[NextHop]>,
    /// Bytes that Direct Connect takes of it, if that is less than the interface's MTU (DX-97).
    pub mtu: Option<u32>,
    /// The row to cite.
    pub row: RowIx,
}

/// Where a route goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NextHop {
    /// The network behind the router.
    Lan,
    /// The VPC that the gateway is attached to.
    Vpc,
    /// A tunnel of a VPN connection.
    Tunnel(TunnelIx),
    /// A virtual interface.
    Vif(VifIx),
    /// Another router.
    Router(RouterIx, LinkIx),
    /// A Direct Connect gateway.
    Dxgw(DxgwIx),
    /// A virtual private gateway, by a Direct Connect gateway's association.
    Vgw(VgwIx),
    /// A transit gateway, by a Direct Connect gateway's association, which is an attachment.
    Attach(TgwAttachIx),
    /// The internet, by the router's own line. What happens there is not modelled.
    Internet,
    /// Nowhere.
    Discard,
}

/// A router of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Router {
    /// Its table.
    pub fib: Fib,
    /// Its own addresses on tunnels, virtual interfaces and links to other routers, ascending, and who speaks there.
    pub addresses: Box<[(IpAddr, SpeakerIx)]>,
    /// False if it has failed: then it takes nothing and says nothing.
    pub up: bool,
    /// Hosts behind it, by address.
    pub hosts: FxHashMap<IpAddr, InetIx>,
    /// Whether it drops what belongs to no connection that began by the same tunnel or interface.
    pub stateful: bool,
    /// How its tunnels reach the internet.
    pub line: RouterLine,
    /// First of its implied rows; [`RouterRow`] counts from here.
    pub rows: RowIx,
}

/// A router's way to the internet, which its tunnels share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouterLine {
    /// Its own line.
    pub link: Option<LinkIx>,
    /// How long a NAT device before it remembers a tunnel that is idle (VPN-40).
    pub nat_timeout: Option<Nanos>,
    /// Whether it sends keepalives of NAT traversal (VPN-41).
    pub keepalive: bool,
    /// Whether it asks whether AWS's ends are alive.
    pub asks: bool,
}

/// Implied rows of a router, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RouterRow {
    /// Hops ran out.
    Ttl,
    /// Its firewall knows nothing of the connection.
    Firewall,
    /// The host behind it that has the address is not described.
    NoHost,
    /// It has the address itself.
    Own,
    /// What it answers to this is not modelled.
    Unanswered,
    /// Out by its own line to the internet.
    Internet,
    /// It has failed.
    Down,
}

impl Router {
    /// Who speaks with one of its own addresses.
    #[must_use]
    pub fn speaker(&self, address: IpAddr) -> Option<SpeakerIx> {
        self.addresses.binary_search_by_key(&address, |(own, _)| *own).ok().map(|at| self.addresses[at].1)
    }
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: RouterRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}
