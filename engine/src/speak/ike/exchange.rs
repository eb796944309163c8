//! The peer's messages: what each leads to.

use super::association::Spis;
use super::{COLLISION, Down, GIVE_UP, HALF_OPEN, IkeTunnel, Request};
use crate::base::Instant;
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike, parse_ike};

impl IkeTunnel {
    /// Takes an IKE packet of the peer. Anything else, and what fits nowhere, is dropped.
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet) {
        let ours = (packet.headers.src, packet.headers.dst) == (self.config.remote, self.config.local);
        let Some(m) = parse_ike(packet).filter(|_| ours) else { return };
        match (m.exchange, m.response) {
            (Exchange::Delete, true) if self.closes(&m) => self.closing = None,
            _ if !self.wanted => {}
            (Exchange::SaInit, false) => self.asked_to_open(now, &m),
            (Exchange::SaInit, true) => self.opening_answered(now, &m),
            (Exchange::Auth, false) => self.asked_to_finish(now, &m),
            (Exchange::Auth, true) => self.finish_answered(now, &m),
            (_, false) => self.asked(now, &m),
            (_, true) => self.answered(now, &m),
        }
    }

    fn closes(&self, m: &Ike) -> bool {
        self.closing.as_ref().is_some_and(|(spis, request)| *spis == Spis::of(m) && request.is_answered_by(m))
    }
    /// True if an opening of ours goes before the peer's: both ends finish the one with the lower SPI.
    fn goes_before(&self, peers: u64) -> bool {
        self.opening.as_ref().is_some_and(|ours| ours.spi <= peers)
    }
    /// `IKE_SA_INIT`, asked. A repeated one gets the answer again.
    fn asked_to_open(&mut self, now: Instant, m: &Ike) {
        if m.message_id != 0 || m.responder_spi != 0 || !m.from_initiator || self.goes_before(m.initiator_spi) {
            return;
        }
        self.half_open.retain(|(at, ..)| now.since(*at) < GIVE_UP);
        if let Some((.., answer)) = self.half_open.iter().find(|(_, spis, _)| spis.initiator == m.initiator_spi) {
            return self.out.push_back(answer.clone());
        }
        if self.half_open.len() == HALF_OPEN {
            self.half_open.pop_front();
        }
        let spis = Spis { initiator: m.initiator_spi, responder: self.random.next_u64().max(1) };
        let answer = self.config.packet(&Ike { responder_spi: spis.responder, ..answer_to(m) });
        self.half_open.push_back((now, spis, answer.clone()));
        self.out.push_back(answer);
    }
    /// `IKE_SA_INIT`, answered: `IKE_AUTH` follows.
    fn opening_answered(&mut self, now: Instant, m: &Ike) {
        let Some(opening) = &mut self.opening else { return };
        let fits = opening.peer.is_none() && m.initiator_spi == opening.spi && opening.request.is_answered_by(m);
        if fits && m.responder_spi != 0 && !m.from_initiator {
            let next = Ike { message_id: 1, exchange: Exchange::Auth, from_initiator: true, response: false, ..*m };
            opening.peer = Some(m.responder_spi);
            opening.request = Request::new(now, &next, self.config.packet(&next));
            self.out.push_back(opening.request.packet.clone());
        }
    }
    /// `IKE_AUTH`, asked: the tunnel is up. One that was up before is replaced: the peer forgot it, or renews phase 1.
    fn asked_to_finish(&mut self, now: Instant, m: &Ike) {
        let spis = Spis::of(m);
        if self.current.as_ref().is_some_and(|current| current.spis == spis) {
            return self.asked(now, m);
        }
        let alive = |(at, half, _): &(Instant, Spis, Packet)| *half == spis && now.since(*at) < GIVE_UP;
        let known = m.message_id == 1 && m.from_initiator && self.half_open.iter().any(alive);
        if known && !self.goes_before(m.initiator_spi) {
            let answer = self.config.packet(&answer_to(m));
            self.out.push_back(answer.clone());
            self.establish(now, spis, false, Some((m.message_id, answer)));
        }
    }
    /// `IKE_AUTH`, answered: the tunnel is up.
    fn finish_answered(&mut self, now: Instant, m: &Ike) {
        let Some(opening) = &self.opening else { return };
        let fits = opening.peer == Some(m.responder_spi) && opening.spi == m.initiator_spi && !m.from_initiator;
        if fits && opening.request.is_answered_by(m) {
            self.establish(now, Spis::of(m), true, None);
        }
    }
    /// Any later request.
    fn asked(&mut self, now: Instant, m: &Ike) {
        let Some(association) = self.current.as_mut().filter(|a| a.is_from_peer(m)) else {
            let again = self.deleted.as_ref().filter(|(deleted, _)| deleted == m);
            return self.out.extend(again.map(|(_, answer)| answer.clone()));
        };
        association.heard = now;
        if !association.is_next(m) {
            return self.out.extend(association.repeat(m));
        }
        let answer = self.config.packet(&answer_to(m));
        association.answered = Some((m.message_id, answer.clone()));
        self.out.push_back(answer.clone());
        match m.exchange {
            Exchange::Rekey if now.since(association.child_born) >= COLLISION => self.rekey(now),
            Exchange::Delete => {
                self.deleted = Some((*m, answer));
                self.fall(now, Down::Deleted);
            }
            _ => {}
        }
    }
    /// Any later answer.
    fn answered(&mut self, now: Instant, m: &Ike) {
        let Some(association) = self.current.as_mut().filter(|a| a.is_from_peer(m)) else { return };
        association.heard = now;
        if association.pending.as_ref().is_some_and(|pending| pending.is_answered_by(m)) {
            association.pending = None;
            if m.exchange == Exchange::Rekey {
                self.rekey(now);
            }
        }
    }
}

/// The answer that has the same number.
const fn answer_to(m: &Ike) -> Ike {
    Ike { response: true, from_initiator: !m.from_initiator, ..*m }
}
