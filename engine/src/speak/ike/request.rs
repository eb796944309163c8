//! A request on its way: it is repeated until it is answered or given up (RFC 7296 section 2.1).

use super::{DPD_INTERVAL, GIVE_UP};
use crate::base::{Instant, Nanos};
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike};

/// A request that is not answered.
#[derive(Clone, Debug)]
pub(super) struct Request {
    id: u32,
    pub(super) exchange: Exchange,
    pub(super) packet: Packet,
    asked: Instant,
    /// When it is repeated, or given up.
    pub(super) next: Instant,
    wait: Nanos,
}

/// What is due about a request.
pub(super) enum Due {
    Nothing,
    Repeat(Packet),
    GiveUp,
}

impl Request {
    /// A request that goes out now. A question for life is repeated every [`DPD_INTERVAL`] and never given up.
    pub(super) fn new(now: Instant, message: &Ike, packet: Packet) -> Self {
        let wait = if message.exchange == Exchange::DeadPeer { DPD_INTERVAL } else { Nanos::from_secs(1) };
        let (id, exchange) = (message.message_id, message.exchange);
        Self { id, exchange, packet, asked: now, next: now + wait, wait }
    }
    /// Whether this is the answer, given that the association is the right one.
    pub(super) fn is_answered_by(&self, m: &Ike) -> bool {
        m.response && (m.message_id, m.exchange) == (self.id, self.exchange)
    }
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.next > now {
            return Due::Nothing;
        }
        if self.exchange != Exchange::DeadPeer {
            if now.since(self.asked) >= GIVE_UP {
                return Due::GiveUp;
            }
            self.wait = self.wait * 2;
        }
        self.next = now + self.wait;
        Due::Repeat(self.packet.clone())
    }
}
