//! An IKE association: whose it is, the numbers of its messages, and the child that it has.
//!
//! At most one request of ours is under way (window size 1, RFC 7296 section 2.3). A request that is abandoned for another
//! leaves a gap in the numbers; the receiver takes the next number all the same.

use super::{Child, Request};
use crate::base::Instant;
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike};

/// Numbers that a sender may leave out: more than it ever does.
const GAP: u32 = 16;

/// What both ends know an association by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spis {
    /// Of the end that opened it; never 0.
    pub(super) initiator: u64,
    /// Of the other.
    pub(super) responder: u64,
}

impl Spis {
    pub(super) const fn of(m: &Ike) -> Self {
        Self { initiator: m.initiator_spi, responder: m.responder_spi }
    }
}

/// An association that is up.
#[derive(Clone, Debug)]
pub(super) struct Association {
    pub(super) spis: Spis,
    /// We opened it.
    pub(super) opened: bool,
    /// Number of our next request.
    pub(super) next_id: u32,
    /// Number of the peer's next request.
    pub(super) expected: u32,
    pub(super) pending: Option<Request>,
    /// Our last answer.
    pub(super) answered: Option<(u32, Packet)>,
    /// The last sign of life.
    pub(super) heard: Instant,
    /// When phase 1 is renewed by us, and when it ends.
    pub(super) renew_at: Option<Instant>,
    pub(super) ends: Instant,
    pub(super) child: Child,
    /// Rekeys of the child under this association.
    pub(super) rekeys: u64,
    pub(super) child_born: Instant,
    /// When the child is rekeyed by us, and when it ends.
    pub(super) rekey_at: Option<Instant>,
    pub(super) child_ends: Instant,
}

impl Association {
    /// The next request of ours.
    pub(super) fn ask(&mut self, exchange: Exchange) -> Ike {
        let message_id = self.next_id;
        self.next_id += 1;
        Ike {
            initiator_spi: self.spis.initiator,
            responder_spi: self.spis.responder,
            exchange,
            from_initiator: self.opened,
            response: false,
            message_id,
        }
    }
    /// True for a message of the peer in this association.
    pub(super) fn is_from_peer(&self, m: &Ike) -> bool {
        Spis::of(m) == self.spis && m.from_initiator != self.opened
    }
    /// True, and noted, if this request of the peer is a new one.
    pub(super) const fn is_next(&mut self, m: &Ike) -> bool {
        let new = m.message_id >= self.expected && m.message_id - self.expected < GAP;
        if new {
            self.expected = m.message_id.saturating_add(1);
        }
        new
    }
    /// Our answer, if it is the last request that is repeated.
    pub(super) fn repeat(&self, m: &Ike) -> Option<Packet> {
        self.answered.as_ref().filter(|(id, _)| *id == m.message_id).map(|(_, answer)| answer.clone())
    }
}
