//! L3: speakers' state machines: packets in, packets out, and what it means. BFD says whether a neighbour is there,
//! IKE gives a tunnel its keys and says whether the other end lives.
//!
//! Sans-IO: every input takes the virtual time; output is polled. After each input take all output; call
//! `handle_timeout` when `poll_at` says so, or later. Random numbers come from the caller's stream, so the same inputs
//! give the same packets, byte for byte.
//!
//! Not here: who speaks to whom, how a packet gets there, and what a verdict does to routes; that is `sim`'s.

pub mod bfd;
pub mod ike;
