//! Compiled gateways, public addresses, internet hosts, and what is not modelled.

use crate::base::ids::{CvpnClientIx, EniIx, NatIx, RouterIx, RtbIx, SubnetIx, VpcIx};
use crate::base::{Nanos, Protocol};
use crate::verdict::RowIx;
use std::net::{IpAddr, Ipv4Addr};

/// An internet gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Igw {
    /// The VPC it is attached to.
    pub vpc: Option<VpcIx>,
    /// Its own route table for what comes in (edge association).
    pub edge: Option<RtbIx>,
    /// Row: translated, or passed.
    pub translate: RowIx,
    /// Row: the source has no public address.
    pub no_public_address: RowIx,
    /// Row: the destination is private.
    pub private_destination: RowIx,
    /// Row: the destination is shared address space.
    pub shared_destination: RowIx,
    /// Row: the edge table's middlebox has no public address.
    pub edge_target: RowIx,
    /// Row: the source is private.
    pub private_source: RowIx,
    /// Row: larger than 1,500 bytes.
    pub mtu: RowIx,
}

/// An egress-only internet gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Eigw {
    /// The VPC it is attached to.
    pub vpc: Option<VpcIx>,
    /// Row: passed.
    pub pass: RowIx,
    /// Row: started from outside.
    pub unsolicited: RowIx,
}

/// A NAT gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nat {
    /// Its VPC.
    pub vpc: VpcIx,
    /// Its subnet; none if it is regional.
    pub subnet: Option<SubnetIx>,
    /// Its interface; none if it is regional.
    pub eni: Option<EniIx>,
    /// Public or private.
    pub public: bool,
    /// Its addresses, the primary one first.
    pub addresses: Box<[NatAddress]>,
    /// First of its implied rows; [`NatRow`] counts from here.
    pub rows: RowIx,
}

/// One address of a NAT gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NatAddress {
    /// The address it writes into packets: private if zonal, public if regional.
    pub own: Ipv4Addr,
    /// The elastic IP address, if it has one.
    pub public: Option<Ipv4Addr>,
}

/// Implied rows of a NAT gateway, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum NatRow {
    /// Translated.
    Translate,
    /// Not TCP, UDP or ICMP.
    Protocol,
    /// A fragment of something other than UDP.
    Fragment,
    /// Nothing inside started it.
    Unsolicited,
    /// No free port.
    Ports,
    /// Idle for 350 s.
    Idle,
    /// Too big.
    Mtu,
    /// Hops ran out.
    Ttl,
    /// Regional: its VPC has no internet gateway.
    NoGateway,
}

impl NatRow {
    /// Number of implied rows per NAT gateway.
    pub const COUNT: u32 = 9;
}

impl Nat {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: NatRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
    /// True if `address` is one it writes into packets.
    #[must_use]
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|a| IpAddr::V4(a.own) == address)
    }
}

/// Who has a public IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicBinding {
    /// The VPC it leads into.
    pub vpc: VpcIx,
    /// Its owner.
    pub owner: PublicOwner,
}

/// Owner of a public IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublicOwner {
    /// A private address of an interface.
    Eni {
        /// The interface.
        eni: EniIx,
        /// The private address.
        private: Ipv4Addr,
    },
    /// A regional NAT gateway, which has no interface.
    RegionalNat(NatIx),
}

/// A described host outside of AWS: on the internet (INET-1), at a site, or a client of a Client VPN endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InternetHost {
    /// The router that it is behind; none on the internet.
    pub router: Option<RouterIx>,
    /// The client of a Client VPN endpoint that it is.
    pub client: Option<CvpnClientIx>,
    /// Its addresses.
    pub addresses: Box<[IpAddr]>,
    /// What listens.
    pub listeners: Box<[(Protocol, u16)]>,
    /// True if something listens on every port.
    pub takes_everything: bool,
    /// True if it answers at whatever address it is reached: a service of AWS's.
    pub anywhere: bool,
    /// Whether it answers echo requests.
    pub answers_ping: bool,
    /// Whether it refuses what nothing listens for; else it is silent.
    pub refuses: bool,
    /// One-way latency, if it is not the link's.
    pub latency: Option<Nanos>,
    /// Largest packet on the way to it.
    pub mtu: u32,
    /// Row: it takes the packet.
    pub open: RowIx,
    /// Row: it refuses.
    pub closed: RowIx,
    /// Row: it does not answer.
    pub silent: RowIx,
}

impl InternetHost {
    /// Whether something listens.
    #[must_use]
    pub fn listens(&self, protocol: Protocol, port: u16) -> bool {
        self.takes_everything || self.listeners.binary_search(&(protocol, port)).is_ok()
    }
}

/// A resource that is not modelled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotModelled {
    /// The row that says so.
    pub row: RowIx,
}
