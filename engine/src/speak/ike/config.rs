//! What an end is told when it is made, and what it tells.

use crate::base::Nanos;
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike, USUAL, ike_message};
use crate::wire::esp::{MATERIAL, Sa, Suite};
use std::net::IpAddr;

/// Who opens the tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Opens it, and opens it again: the customer's end, or AWS's with startup action `start`.
    Initiator,
    /// Waits: AWS's end with startup action `add`.
    Responder,
}

/// What a dead peer leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DpdAction {
    /// The tunnel goes down; an initiator tries again after [`RETRY`](super::RETRY).
    Clear,
    /// It goes down and is opened again at once, also by a responder.
    Restart,
    /// Nothing: no questions are asked.
    None,
}

/// An end of a tunnel as it is made.
#[derive(Clone, Debug)]
pub struct IkeConfig {
    /// Who opens.
    pub role: Role,
    /// Our outside address.
    pub local: IpAddr,
    /// The peer's outside address.
    pub remote: IpAddr,
    /// NAT traversal: UDP 4500 after the first exchange.
    pub natt: bool,
    /// Algorithms of the child.
    pub suite: Suite,
    /// What both ends derive keys from; of this tunnel alone.
    pub secret: [u8; MATERIAL],
    /// From the last sign of life to a dead peer; at least [`DPD_TIMEOUT_MIN`](super::DPD_TIMEOUT_MIN), AWS's default 40 s.
    pub dpd_timeout: Nanos,
    /// What then happens.
    pub dpd_action: DpdAction,
    /// Lifetime of the association; at least [`LIFETIME_MIN`](super::LIFETIME_MIN), AWS's default 28,800 s.
    pub phase1_lifetime: Nanos,
    /// Lifetime of a child; at least [`LIFETIME_MIN`](super::LIFETIME_MIN), AWS's default 3,600 s.
    pub phase2_lifetime: Nanos,
    /// How long before the end of a lifetime an initiator renews at the latest, AWS's default 270 s; a responder waits
    /// for half of it.
    pub rekey_margin: Nanos,
    /// Whether it renews anything by itself. AWS's end of an accelerated connection does not.
    pub renews: bool,
    /// An initiator's margin is longer by up to this many percent, at random: 0 to 100, AWS's default 100.
    pub rekey_fuzz_percent: u64,
}

/// A pair of security associations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Child {
    /// Counts the pairs of this end, from 1.
    pub number: u64,
    /// What we open packets with; the peer's outbound one.
    pub inbound: Sa,
    /// What we seal packets with; the peer's inbound one.
    pub outbound: Sa,
}

/// What became of the tunnel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IkeEvent {
    /// It is up: seal and open with this pair.
    Up(Child),
    /// A new pair: seal with it from now on, open with both until the old one is [`Retired`](IkeEvent::Retired). Also if
    /// the peer opened the tunnel anew while ours was up.
    Rekeyed(Child),
    /// The end of an old pair.
    Retired {
        /// SPI of its inbound association.
        spi_inbound: u32,
    },
    /// It is down: all pairs are gone.
    Down {
        /// Why.
        why: Down,
    },
}

/// Why a tunnel went down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Down {
    /// Nothing was heard for the DPD timeout.
    DeadPeer,
    /// One of the ends deleted it.
    Deleted,
    /// The peer did not answer a rekey, or the lifetime ended without a new pair.
    NoAnswer,
}

impl IkeConfig {
    /// A message as a packet to the peer.
    pub(super) fn packet(&self, message: &Ike) -> Packet {
        // RFC 7296 section 2.23: the first exchange is on port 500, and finds the translator.
        let natt = self.natt && message.exchange != Exchange::SaInit;
        ike_message(message, USUAL, self.local, self.remote, natt, 0)
    }
}
