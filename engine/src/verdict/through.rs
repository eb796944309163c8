//! What flow logs see besides interfaces: ways through a transit gateway and through a regional NAT gateway.

use crate::base::ids::{EniIx, NatIx, TgwAttachIx};
use crate::wire::Headers;

/// The way that a packet takes out of a VPC, as `traffic-path` numbers it (FLW-18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum TrafficPath {
    /// Not known, or none of the others.
    #[default]
    None = 0,
    /// By another resource of the VPC.
    Vpc = 1,
    /// By a virtual private gateway.
    Vgw = 3,
    /// By a peering inside the Region.
    Peering = 4,
    /// By a peering between Regions.
    InterRegionPeering = 5,
    /// By a gateway endpoint.
    GatewayEndpoint = 7,
    /// By an internet gateway.
    Igw = 8,
}

/// A packet's way through a gateway that has a flow log of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Through {
    /// Through a transit gateway.
    Tgw(TgwThrough),
    /// Through a regional NAT gateway.
    Nat(NatThrough),
}

/// A packet's way through a transit gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TgwThrough {
    /// The attachment it came by; of a Connect attachment the one that carries it (FLW-35).
    pub via: TgwAttachIx,
    /// The attachment's interface it came by, if it came from a VPC.
    pub eni: Option<EniIx>,
    /// The attachment it leaves by, and the interface there, if it leaves into a VPC; or why it does not leave.
    pub out: Result<(TgwAttachIx, Option<EniIx>), TgwLoss>,
    /// Headers as it came.
    pub headers: Headers,
    /// Length of the IP packet in bytes.
    pub len: u32,
}

/// Why a transit gateway lost a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum TgwLoss {
    /// No route, or no table.
    NoRoute,
    /// A blackhole route.
    Blackhole,
    /// Too large.
    Mtu,
    /// Hops ran out.
    Ttl,
    /// Something that the flow log has no counter for.
    Other,
}

/// A packet's way through a regional NAT gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NatThrough {
    /// The gateway.
    pub nat: NatIx,
    /// Headers as it came.
    pub headers: Headers,
    /// Its length in bytes then.
    pub len: u32,
    /// Headers and length as it left, if it did.
    pub after: Option<(Headers, u32)>,
    /// True if Block Public Access stopped it.
    pub blocked: bool,
}
