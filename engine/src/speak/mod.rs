//! L4: speakers: BGP, BFD and IKE as state machines. Packets and bytes in, packets and bytes out.
//!
//! Sans-IO: calls take the time, output is polled. After each input take all output.
//!
//! - [`bfd`]: one end of a BFD session (RFC 5880).
//! - [`bgp`]: one end of a BGP session (RFC 4271 section 8), above a connection that its owner opens and closes.
//! - [`tables`]: what speakers have heard, hold and have told, of a whole [`Plan`](crate::control::Plan).
//! - [`message`]: what a table tells, as messages, and what messages say.

pub mod bfd;
pub mod bgp;
pub mod message;
pub mod tables;

pub use bgp::{Ask, BgpConfig, BgpEvent, BgpSession, Ended};
pub use tables::Tables;
