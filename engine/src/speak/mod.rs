//! L4: speakers' state machines: BGP, BFD and IKE. Packets and bytes in, packets and bytes out, and what it means.
//!
//! Sans-IO: every input takes the virtual time; output is polled. After each input take all output; call
//! `handle_timeout` when `poll_at` says so, or later. Random numbers come from the caller's stream, so the same inputs
//! give the same packets, byte for byte.
//!
//! - [`bgp`]: one end of a BGP session (RFC 4271 section 8), above a connection that its owner opens and closes.
//! - [`tables`]: what speakers have heard, hold and have told, of a whole [`Plan`](crate::control::Plan).
//! - [`message`]: what a table tells, as messages, and what messages say.
//! - [`bfd`]: one end of a BFD session (RFC 5880): is the neighbour there?
//! - [`ike`]: one end of a VPN tunnel's IKE (RFC 7296): which keys, and does the other end live?
//!
//! Not here: how a packet gets there, and what a verdict does to routes; that is `sim`'s.

pub mod bfd;
pub mod bgp;
pub mod ike;
pub mod message;
pub mod tables;

pub use bgp::{Ask, BgpConfig, BgpEvent, BgpSession, Ended};
pub use tables::Tables;
