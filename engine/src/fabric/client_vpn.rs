//! Compiled Client VPN endpoints and their clients.

use super::Lpm;
use crate::base::Cidr;
use crate::base::ids::{CvpnClientIx, CvpnIx, EniIx, InetIx, SubnetIx, VpcIx};
use crate::verdict::RowIx;
use rustc_hash::FxHashMap;
use std::net::{IpAddr, Ipv4Addr};

/// A Client VPN endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cvpn {
    /// The VPC of its target networks.
    pub vpc: VpcIx,
    /// Block of the clients' addresses.
    pub client_cidr: Cidr,
    /// True if clients can connect: it is available, and a target network is.
    pub available: bool,
    /// Blocks that a client sends into the tunnel; none if it sends everything.
    pub pushed: Option<Box<[Cidr]>>,
    /// Its target networks.
    pub targets: Box<[CvpnTarget]>,
    /// Authorization rules, those of one block next to each other.
    pub rules: Box<[CvpnRule]>,
    /// The longest block that has rules: position of the first of them, and how many.
    pub rules_by_block: Lpm<u32, (u32, u32)>,
    /// Its clients by address.
    pub clients: FxHashMap<Ipv4Addr, CvpnClientIx>,
    /// First of its implied rows; [`CvpnRow`] counts from here.
    pub rows: RowIx,
}

/// A target network of a Client VPN endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CvpnTarget {
    /// The subnet.
    pub subnet: SubnetIx,
    /// The endpoint's interface in it.
    pub eni: EniIx,
    /// What a client's hash is mixed with.
    pub salt: u64,
    /// False while its zone has failed, or if its interface has no address.
    pub up: bool,
    /// The routes of clients that are connected by it, in the order of their blocks.
    pub routes: Box<[CvpnRoute]>,
    /// Look-up of a position in `routes`.
    pub v4: Lpm<u32, u32>,
}

/// A route of a Client VPN endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvpnRoute {
    /// Destination block.
    pub to: Cidr,
    /// True if it leads to other clients, not into the target network.
    pub local: bool,
    /// The row to cite.
    pub row: RowIx,
}

/// An authorization rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvpnRule {
    /// Destination block.
    pub to: Cidr,
    /// Whose members may go there; everybody if none.
    pub group: Option<u32>,
    /// The row to cite.
    pub row: RowIx,
}

/// A client of a Client VPN endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CvpnClient {
    /// Its endpoint.
    pub cvpn: CvpnIx,
    /// The host that it is.
    pub host: InetIx,
    /// Its address in the client CIDR.
    pub address: Ipv4Addr,
    /// The target network it is connected by, if that is known.
    pub target: Option<u32>,
    /// The groups that its user is in.
    pub groups: Box<[u32]>,
}

/// Implied rows of a Client VPN endpoint, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CvpnRow {
    /// A client sends it into the tunnel.
    Enter,
    /// Nobody can connect.
    State,
    /// Split tunnel: by the client's own line.
    Outside,
    /// IPv6.
    Ipv6,
    /// No rule for the destination.
    NoRule,
    /// No route of the client's target network.
    NoRoute,
    /// Source address translated, or translated back.
    Translate,
    /// No free port.
    Ports,
    /// Not the reply to anything that a client sent.
    Unsolicited,
    /// No client has the address.
    NoClient,
    /// A link-local service of the VPC.
    Service,
}

impl Cvpn {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: CvpnRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}

impl CvpnTarget {
    /// The route that wins for `address`: the longest block.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<&CvpnRoute> {
        match address {
            IpAddr::V4(a) => self.v4.get(a.into()).map(|at| &self.routes[at as usize]),
            IpAddr::V6(_) => None,
        }
    }
}
