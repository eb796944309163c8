//! VPC flow-log records in AWS's default format, version 2 (VPC user guide, "Flow log records").
//!
//! `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status`
//!
//! Not modelled: SKIPDATA (nothing here loses records), custom formats and the fields of later versions.

pub mod field;
pub mod read;

pub use field::{Field, FieldScope, FieldType, Format, FormatError, UnknownField};

use crate::base::Protocol;
use crate::base::ids::EniIx;
use crate::compile::Network;
use crate::verdict::{Dir, Hop};
use std::fmt::Write;
use std::net::IpAddr;

/// The header line of a file: field names in the order of the default format.
pub const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

/// One flow at one interface in one direction: what records are counted by (FLW-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// The interface.
    pub eni: EniIx,
    /// Direction at the interface.
    pub dir: Dir,
    /// Source address as the record shows it.
    pub src: IpAddr,
    /// Destination address as the record shows it.
    pub dst: IpAddr,
    /// Source port; 0 for ICMP and other protocols (FLW-7).
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// ACCEPT or REJECT.
    pub accepted: bool,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Account that owns the interface.
    pub account: String,
    /// Id of the interface.
    pub interface: String,
    /// The flow; absent in a NODATA record.
    pub flow: Option<Flow>,
    /// Packets.
    pub packets: u64,
    /// Bytes of IP packets (FLW-6).
    pub bytes: u64,
    /// First packet, or start of the window: Unix seconds.
    pub start: u64,
    /// Last packet, or end of the window: Unix seconds.
    pub end: u64,
}

impl Flow {
    /// The flow of a crossing, with the addresses as a record shows them (FLW-8): the interface's primary
    /// address stands for a destination that is a secondary address or none of its own on the way in, and
    /// for a source that is none of its own on the way out.
    #[must_use]
    pub fn of_hop(network: &Network, hop: &Hop) -> Self {
        let h = &hop.headers;
        let (src, dst) = Self::addresses(network, hop.eni, hop.dir, h.src, h.dst);
        let (src_port, dst_port) = h.ports();
        Self { eni: hop.eni, dir: hop.dir, src, dst, src_port, dst_port, protocol: h.protocol, accepted: hop.accepted }
    }

    /// Source and destination as a record shows them.
    #[must_use]
    pub fn addresses(network: &Network, eni: EniIx, dir: Dir, src: IpAddr, dst: IpAddr) -> (IpAddr, IpAddr) {
        let fabric = &network.fabric;
        let e = &fabric.enis[eni];
        let primary = if src.is_ipv4() { e.v4.map(IpAddr::V4) } else { e.v6.map(IpAddr::V6) };
        match dir {
            Dir::In if dst.is_ipv4() || !fabric.owns(eni, dst) => (src, primary.unwrap_or(dst)),
            Dir::Out if !fabric.owns(eni, src) => (primary.unwrap_or(src), dst),
            _ => (src, dst),
        }
    }
}

impl Record {
    /// The record of one packet's crossing, at the start of time.
    #[must_use]
    pub fn of_hop(network: &Network, hop: &Hop) -> Self {
        let flow = Flow::of_hop(network, hop);
        let (account, interface) = identity(network, hop.eni);
        Self { account, interface, flow: Some(flow), packets: 1, bytes: hop.len.into(), start: 0, end: 0 }
    }

    /// The line in the default format, without a line end.
    #[must_use]
    pub fn default_line(&self) -> String {
        let mut out = format!("2 {} {} ", self.account, self.interface);
        match &self.flow {
            Some(f) => {
                let action = if f.accepted { "ACCEPT" } else { "REJECT" };
                let _ = write!(
                    out,
                    "{} {} {} {} {} {} {} {} {} {action} OK",
                    f.src, f.dst, f.src_port, f.dst_port, f.protocol.0, self.packets, self.bytes, self.start, self.end
                );
            }
            None => {
                let _ = write!(out, "- - - - - - - {} {} - NODATA", self.start, self.end);
            }
        }
        out
    }
}

/// Account and id of an interface. In a shared subnet the account is the participant's (SHARE-3).
#[must_use]
pub fn identity(network: &Network, eni: EniIx) -> (String, String) {
    if let Some(account) = &network.names.eni_accounts[eni] {
        return (account.clone(), network.names.enis[eni].id.clone());
    }
    let vpc = network.fabric.enis[eni].vpc;
    let (account, _) = &network.names.realms[network.fabric.vpcs[vpc].realm as usize];
    (account.clone(), network.names.enis[eni].id.clone())
}
