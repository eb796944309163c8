//! Compiled virtual private gateways and VPN tunnels.

use super::Fib;
use crate::base::Nanos;
use crate::base::ids::{DxgwIx, RouterIx, RtbIx, SpeakerIx, TgwAttachIx, VgwIx, VpcIx};
use crate::spec::DpdAction;
use crate::verdict::{LinkIx, RowIx, Side};
use crate::wire::esp::Suite;
use std::net::{IpAddr, Ipv4Addr};

/// A virtual private gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vgw {
    /// The VPC it is attached to.
    pub vpc: Option<VpcIx>,
    /// Its own route table for what comes in (edge association).
    pub edge: Option<RtbIx>,
    /// What it has learnt.
    pub fib: Fib,
    /// False if something that it may learn from is not described: then a missing route says nothing.
    pub complete: bool,
    /// First of its implied rows; [`VgwRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a virtual private gateway, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum VgwRow {
    /// It takes the packet into its VPC.
    Enter,
    /// What it has learnt is not described.
    Unknown,
    /// Attached to no VPC.
    NoVpc,
    /// Larger than Direct Connect takes by this route.
    Mtu,
}

impl Vgw {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: VgwRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}

/// Where a tunnel ends at AWS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum VpnEnd {
    /// At a virtual private gateway.
    Vgw(VgwIx),
    /// At a transit gateway, by the attachment that its connection is.
    Tgw(TgwAttachIx),
}

/// How long keys live and how a dead end is noticed (VPN-14, VPN-15).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TunnelLife {
    /// True if AWS begins.
    pub aws_starts: bool,
    /// True if AWS's end renews keys when the customer's has not (VPN-34).
    pub aws_renews: bool,
    /// How long AWS waits for a sign of life.
    pub dpd_timeout: Nanos,
    /// What AWS does then.
    pub dpd_action: DpdAction,
    /// Lifetime of the IKE association.
    pub phase1: Nanos,
    /// Lifetime of the tunnel's associations.
    pub phase2: Nanos,
    /// How long before the end keys are renewed.
    pub rekey_margin: Nanos,
    /// By how much of itself, in percent, that is longer at random.
    pub rekey_fuzz: u32,
}

/// What carries a tunnel whose outer addresses are private (VPN-36).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transport {
    /// The transit gateway's attachment.
    pub attach: TgwAttachIx,
    /// The Direct Connect gateway at its other side.
    pub dxgw: DxgwIx,
}

/// One tunnel of a VPN connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VpnTunnel {
    /// Where it ends at AWS.
    pub end: VpnEnd,
    /// The router at the customer's end, if it is described.
    pub router: Option<RouterIx>,
    /// Outer addresses: AWS's, the customer's.
    pub outside: [Ipv4Addr; 2],
    /// Inner addresses: AWS's, the customer's.
    pub inside: [IpAddr; 2],
    /// How it encrypts.
    pub suite: Suite,
    /// True if ESP is in UDP.
    pub natt: bool,
    /// Largest inner packet in bytes (VPN-4).
    pub mtu: u32,
    /// Packets that a receiver looks back for repeats (VPN-7).
    pub replay_window: u32,
    /// Whether AWS's end and the customer's take it for up; they may differ for as long as it takes to notice.
    pub up: [bool; 2],
    /// Whether it is switched on, by AWS and by what the topology says.
    pub enabled: bool,
    /// The path between the two outer addresses; of a private tunnel what there is beside the virtual interface.
    pub link: LinkIx,
    /// What carries it, if that is not the internet.
    pub transport: Option<Transport>,
    /// The speakers at its ends, the customer's first, if that is described.
    pub speakers: Option<[SpeakerIx; 2]>,
    /// How its keys and its ends live.
    pub life: TunnelLife,
    /// What a flow's hash is mixed with to choose among tunnels.
    pub salt: u64,
    /// First of its implied rows; [`TunnelRow`] counts from here.
    pub rows: RowIx,
}

/// Implied rows of a tunnel, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TunnelRow {
    /// Encrypted or decrypted.
    Pass,
    /// Too big.
    Mtu,
    /// Not up.
    Down,
    /// The customer's side is not described.
    Unknown,
    /// Not what the other side encrypted, or seen before.
    Bad,
    /// Of the other family than the connection's.
    Family,
    /// Its own packets would not go by Direct Connect, or not to its other end.
    NoCarrier,
    /// The NAT device before the router has forgotten it.
    NatIdle,
}

impl VpnTunnel {
    /// Whether one end takes it for up.
    #[inline]
    #[must_use]
    pub const fn is_up(&self, side: Side) -> bool {
        match side {
            Side::Aws => self.up[0],
            Side::Customer => self.up[1],
        }
    }
    /// True if it carries IPv4; else it carries IPv6 (VPN-12, VPN-30).
    #[inline]
    #[must_use]
    pub const fn is_v4(&self) -> bool {
        self.inside[0].is_ipv4()
    }
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: TunnelRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}
