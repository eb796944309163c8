//! L0: packets as typed headers, and the bytes they stand for. Knows no VPC.
//!
//! Inside the simulator a packet is [`Packet`]: headers as plain values, payload shared and never
//! copied. Bytes exist only where bytes are wanted: captures, mirrors, the hosts' TCP stacks.
//! Law, tested on random packets: `parse(emit(p)) == p`, and an independent decoder agrees.

pub mod bfd;
pub mod bgp;
pub mod dhcp;
pub mod dns;
mod emit;
pub mod esp;
pub mod ether;
pub mod fragment;
pub mod gre;
mod headers;
pub mod igmp;
mod mss;
mod packet;
mod parse;
pub mod quote;
pub mod vlan;
pub mod vxlan;

pub(crate) use emit::emit_without_checksum;
pub use emit::{emit, emit_into};
pub use headers::{Fragment, Headers, Icmp, L4, Tcp, TcpFlags, Udp};
pub use mss::clamp_mss;
pub use packet::{Packet, Payload};
pub use parse::{ParseError, parse};
