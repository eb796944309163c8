//! Compiled transit gateways: attachments, route tables, multicast domains.

use super::Lpm;
use crate::base::ids::{
    DxgwIx, EniIx, GuestIx, NmIx, SpeakerIx, SubnetIx, TgwAttachIx, TgwIx, TgwRtbIx, TunnelIx, VpcIx,
};
use crate::base::{Cidr, IndexVec};
use crate::verdict::RowIx;
use std::net::IpAddr;

crate::index_type! {
    /// Position of a route in a transit gateway's table.
    pub TgwRouteIx;
}

/// A transit gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tgw {
    /// Its Region, as a number.
    pub region: u32,
    /// Whether security groups may be referenced across it (TGW-20).
    pub sg_referencing: bool,
}

/// An attachment to a transit gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TgwAttach {
    /// The transit gateway.
    pub tgw: TgwIx,
    /// What is attached.
    pub kind: TgwAttachKind,
    /// True while it carries packets (TGW-2).
    pub available: bool,
    /// The table that routes what comes by it (TGW-3).
    pub rtb: Option<TgwRtbIx>,
    /// First of its implied rows; [`TgwRow`] counts from here.
    pub rows: RowIx,
}

/// What an attachment attaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TgwAttachKind {
    /// A VPC.
    Vpc {
        /// The VPC.
        vpc: VpcIx,
        /// Its interfaces, one per zone.
        ports: Box<[TgwPort]>,
        /// Whether both directions of a flow use one zone (TGW-10).
        appliance_mode: bool,
        /// Whether security groups may be referenced across it (TGW-20).
        sg_referencing: bool,
    },
    /// Another transit gateway: its side of the peering, if it is described.
    Peering(Option<TgwAttachIx>),
    /// A VPN connection: its tunnels.
    Vpn(Box<[TunnelIx]>),
    /// A Direct Connect gateway.
    Dxgw(DxgwIx),
    /// GRE tunnels over another attachment.
    Connect {
        /// The attachment that carries them.
        transport: TgwAttachIx,
        /// The tunnels.
        tunnels: Box<[Tunnel]>,
    },
}

/// A transit gateway's interface in one zone of a VPC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TgwPort {
    /// The zone.
    pub zone: u32,
    /// The interface.
    pub eni: EniIx,
    /// What a flow's hash is mixed with to choose among zones: made from the interface's name, so that another
    /// zone more or less moves no other flow.
    pub salt: u64,
    /// False while the zone has failed.
    pub up: bool,
}

/// A tunnel of a Connect attachment (TGW-23).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tunnel {
    /// Outer address of the transit gateway.
    pub near: IpAddr,
    /// Outer address of the appliance.
    pub far: IpAddr,
    /// The appliance's autonomous system.
    pub asn: u32,
    /// What the appliance announces.
    pub advertises: Box<[Cidr]>,
    /// What a flow's hash is mixed with to choose among tunnels.
    pub salt: u64,
    /// Its BGP, if it is spoken: the appliance and what is inside the tunnel are described.
    pub bgp: Option<TunnelBgp>,
}

/// The BGP of a tunnel of a Connect attachment (BGP-50).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TunnelBgp {
    /// The appliance.
    pub guest: GuestIx,
    /// Its interface with the outer address.
    pub eni: EniIx,
    /// The ends of its two sessions, the appliance's first.
    pub speakers: [[SpeakerIx; 2]; 2],
    /// Whether the appliance knows the routes of the transit gateway: without, it sends nothing into the tunnel.
    pub heard: bool,
}

/// Implied rows of an attachment, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TgwRow {
    /// It takes the packet.
    Pass,
    /// It has no subnet in the sender's zone.
    NoAz,
    /// No table routes what comes by it.
    NoAssociation,
    /// What is behind it is not described.
    Unknown,
    /// Too big.
    Mtu,
    /// Hops ran out.
    Ttl,
    /// Into or out of a tunnel.
    Tunnel,
    /// Not available.
    State,
}

impl TgwAttach {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: TgwRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
    /// Its interfaces that can be used.
    pub fn ports(&self) -> impl Iterator<Item = &TgwPort> + Clone {
        let ports = match &self.kind {
            TgwAttachKind::Vpc { ports, .. } => &ports[..],
            _ => &[],
        };
        ports.iter().filter(|port| port.up)
    }
    /// The interface in a zone.
    #[must_use]
    pub fn port_in(&self, zone: u32) -> Option<EniIx> {
        self.ports().find(|port| port.zone == zone).map(|port| port.eni)
    }
}

/// A route table of a transit gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TgwRtb {
    /// The transit gateway.
    pub tgw: TgwIx,
    /// Every route, the winner of equals first (TGW-11).
    pub routes: IndexVec<TgwRouteIx, TgwRoute>,
    /// IPv4 look-up.
    pub v4: Lpm<u32, TgwRouteIx>,
    /// IPv6 look-up.
    pub v6: Lpm<u128, TgwRouteIx>,
    /// The implied row "no route" (TGW-13).
    pub none: RowIx,
}

impl TgwRtb {
    /// The route that wins for `address`: the longest prefix of its family (TGW-11).
    #[inline]
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<TgwRouteIx> {
        match address {
            IpAddr::V4(a) => self.v4.get(a.into()),
            IpAddr::V6(a) => self.v6.get(a.into()),
        }
    }
}

/// One route of a transit gateway's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TgwRoute {
    /// Destination block.
    pub to: Cidr,
    /// Where it goes.
    pub target: TgwTarget,
    /// False for a blackhole, or if the attachment cannot take traffic: the route still wins, and drops (TGW-12).
    pub active: bool,
    /// The row to cite.
    pub row: RowIx,
}

/// Where a transit gateway's route goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TgwTarget {
    /// Nowhere: a blackhole.
    Nowhere,
    /// An attachment.
    Attach(TgwAttachIx),
    /// Tunnels of Connect attachments that announce the block with equal rank: attachment, position of the tunnel (TGW-24).
    Tunnels(Box<[(TgwAttachIx, u32)]>),
    /// Tunnels of VPN connections that tell the block with equal rank (VPN-9).
    Vpn(Box<[(TgwAttachIx, TunnelIx)]>),
    /// An attachment that is not modelled.
    NotModelled(NmIx),
}

/// A multicast domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mcast {
    /// The transit gateway.
    pub tgw: TgwIx,
    /// Its subnets, ascending.
    pub subnets: Box<[SubnetIx]>,
    /// Whether hosts join by IGMPv2.
    pub igmp: bool,
    /// Whether only listed sources may send.
    pub static_sources: bool,
    /// Listed members: group and interface, ascending.
    pub members: Box<[(IpAddr, EniIx)]>,
    /// Listed sources: group and interface, ascending.
    pub sources: Box<[(IpAddr, EniIx)]>,
    /// First of its implied rows; [`McastRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a multicast domain, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum McastRow {
    /// Copies go to members.
    Pass,
    /// Nobody but the sender is a member.
    NoMember,
    /// The sender is no source.
    NoSource,
    /// A fragment.
    Fragment,
    /// A report or leave message.
    Igmp,
}

impl Mcast {
    /// One of its implied rows.
    #[must_use]
    pub const fn row(&self, row: McastRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}
