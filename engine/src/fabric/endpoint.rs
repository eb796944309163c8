//! Compiled VPC endpoints and endpoint services.

use crate::base::Protocol;
use crate::base::ids::{EniIx, InetIx, SvcIx, VpcIx};
use crate::verdict::RowIx;

/// A VPC endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vpce {
    /// Its VPC.
    pub vpc: VpcIx,
    /// True while it takes traffic.
    pub available: bool,
    /// True if its policy may answer 403: no affair of packets (VPCE-9).
    pub restrictive_policy: bool,
    /// Its interfaces in zones that have failed.
    pub down: Box<[EniIx]>,
    /// What is behind it.
    pub service: VpceService,
    /// First of its implied rows; [`VpceRow`] counts from here.
    pub rows: RowIx,
}

/// What is behind an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VpceService {
    /// A service of AWS's.
    Aws(InetIx),
    /// A provider's endpoint service.
    Provider(SvcIx),
    /// Not described.
    Unknown,
}

/// Implied rows of an endpoint, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum VpceRow {
    /// It takes the packet.
    Pass,
    /// Not available.
    State,
    /// A protocol that it does not take.
    Protocol,
    /// The source is outside its VPC.
    FromOutside,
    /// Nothing answers there.
    Silent,
    /// Its service is not described.
    Unknown,
    /// No node in its zone.
    NoAz,
    /// Too big.
    Mtu,
}

impl Vpce {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: VpceRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
}

/// An endpoint service: a load balancer's nodes and what is behind them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// Zone and interface of each node.
    pub nodes: Box<[(u32, EniIx)]>,
    /// What it listens on.
    pub listeners: Box<[ServiceListener]>,
    /// Whether a node uses targets of other zones.
    pub cross_zone: bool,
    /// Row: a node takes the connection to a target.
    pub target: RowIx,
    /// Row: no usable target.
    pub no_target: RowIx,
}

/// One listener of an endpoint service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceListener {
    /// Protocol.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
    /// The targets' port.
    pub target_port: u16,
    /// Interfaces of the targets, with what a flow's hash is mixed with to choose among them.
    pub targets: Box<[(EniIx, u64)]>,
}
