//! Compiled network interfaces.

use crate::base::ids::{CvpnIx, GuestIx, NatIx, NmIx, SgSetIx, SubnetIx, SvcIx, TgwAttachIx, VpcIx, VpceIx};
use crate::verdict::RowIx;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Eni {
    /// Its subnet.
    pub subnet: SubnetIx,
    /// Its VPC.
    pub vpc: VpcIx,
    /// Its groups: they hold for all of its addresses (ENI-3).
    pub sg_set: SgSetIx,
    /// What is behind it.
    pub kind: EniKind,
    /// Source/destination check.
    pub source_dest_check: bool,
    /// Whether one of its addresses has a public one.
    pub has_public: bool,
    /// Whether it is the source of a traffic mirror session.
    pub mirrored: bool,
    /// First of its implied rows; [`EniRow`] counts from here.
    pub rows: RowIx,
    /// The address that most packets for it carry: primary IPv4, else primary IPv6.
    pub primary: Option<IpAddr>,
    /// Primary private IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Primary IPv6 address.
    pub v6: Option<Ipv6Addr>,
}

/// What is behind an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EniKind {
    /// Nothing: it is not attached.
    Detached,
    /// A guest.
    Guest(GuestIx),
    /// A zonal NAT gateway.
    Nat(NatIx),
    /// A transit gateway, by its attachment.
    Tgw(TgwAttachIx),
    /// An interface endpoint.
    Vpce(VpceIx),
    /// A node of an endpoint service's load balancer.
    Node(SvcIx),
    /// A Client VPN endpoint.
    Cvpn(CvpnIx),
    /// Something of AWS's that is not modelled: a load balancer's node, a database, ...
    NotModelled(NmIx),
}

/// Implied rows of an interface, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum EniRow {
    /// Source/destination check, out.
    SourceCheck,
    /// Source/destination check, in.
    DestCheck,
    /// Default deny, inbound.
    SgLastIn,
    /// Default deny, outbound.
    SgLastOut,
    /// No running guest.
    GuestDown,
    /// The guest takes it.
    GuestOpen,
    /// The guest refuses it.
    GuestClosed,
    /// The guest does not answer.
    GuestNoPing,
    /// The guest forwards it.
    GuestForward,
    /// The guest does not forward.
    GuestForwardOff,
    /// The guest's forwarding is not described.
    GuestForwardUnknown,
    /// Hops ran out.
    Ttl,
    /// Too big for the interface.
    Mtu,
    /// Too many packets to link-local services.
    ServiceRate,
    /// A managed interface that answers nothing.
    Silent,
    /// A stateful guest that has not seen the first packet.
    GuestNoState,
}

impl EniRow {
    /// Number of implied rows per interface.
    pub const COUNT: u32 = 16;
}

impl Eni {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: EniRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
    /// Its guest, if it has one.
    #[must_use]
    pub const fn guest(&self) -> Option<GuestIx> {
        match self.kind {
            EniKind::Guest(guest) => Some(guest),
            _ => None,
        }
    }
}
