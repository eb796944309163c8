//! The timers of a tunnel, and what it does by itself: open, ask, rekey, renew, retire, fall.

use super::association::{Association, Spis};
use super::request::{Due, Request};
use super::{
    DPD_INTERVAL, Down, DpdAction, IkeEvent, IkeTunnel, OVERLAP, Opening, RETRY, Role, dead_after_first_question, keys,
};
use crate::base::{Instant, Nanos};
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike};

impl IkeTunnel {
    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let of = self.current.as_ref();
        let times = [
            self.opening.as_ref().map(|opening| opening.request.next),
            self.retry_at,
            self.closing.as_ref().map(|(_, request)| request.next),
            self.retiring.front().map(|(at, _)| *at),
            of.map(|a| a.ends.min(a.child_ends)),
            of.and_then(|a| a.rekey_at),
            of.and_then(|a| a.renew_at),
            of.and_then(|a| a.pending.as_ref()).map(|pending| pending.next),
            of.and_then(|a| self.question_at(a)),
            of.and_then(|a| self.dead_at(a)),
        ];
        times.into_iter().flatten().min()
    }
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, spi_inbound)) = self.retiring.pop_front_if(|(at, _)| *at <= now) {
            self.events.push_back(IkeEvent::Retired { spi_inbound });
        }
        match self.closing.as_mut().map_or(Due::Nothing, |(_, request)| request.due(now)) {
            Due::Nothing => {}
            Due::Repeat(packet) => self.out.push_back(packet),
            Due::GiveUp => self.closing = None,
        }
        self.tend(now);
        match self.opening.as_mut().map_or(Due::Nothing, |opening| opening.request.due(now)) {
            Due::Nothing => {}
            Due::Repeat(packet) => self.out.push_back(packet),
            Due::GiveUp => {
                self.opening = None;
                match &mut self.current {
                    Some(association) => association.renew_at = Some(now + RETRY),
                    None => self.retry_at = Some(now + RETRY).filter(|_| self.opens),
                }
            }
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.open(now);
        }
    }

    /// What is due about the association that is up.
    fn tend(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let Some(association) = &self.current else { return };
        if due(self.dead_at(association)) {
            return self.fall(now, Down::DeadPeer);
        }
        let Some(association) = &mut self.current else { return };
        if due(Some(association.ends.min(association.child_ends))) {
            return self.fall(now, Down::NoAnswer);
        }
        match association.pending.as_mut().map_or(Due::Nothing, |pending| pending.due(now)) {
            Due::Nothing => {}
            Due::Repeat(packet) => self.out.push_back(packet),
            Due::GiveUp => return self.fall(now, Down::NoAnswer),
        }
        let Some(association) = &self.current else { return };
        let (rekey, renew) = (due(association.rekey_at), due(association.renew_at));
        if rekey {
            // A question that is not answered yet is dropped: the answer to this is a sign of life as well.
            self.ask(now, Exchange::Rekey);
        } else if due(self.question_at(association)) {
            self.ask(now, Exchange::DeadPeer);
        }
        if let Some(association) = &mut self.current {
            association.rekey_at = association.rekey_at.filter(|_| !rekey);
            association.renew_at = association.renew_at.filter(|_| !renew);
        }
        if renew {
            self.open(now);
        }
    }
    /// When the peer is to be asked whether it lives.
    fn question_at(&self, association: &Association) -> Option<Instant> {
        let asks = self.config.dpd_action != DpdAction::None && association.pending.is_none();
        asks.then(|| association.heard + DPD_INTERVAL)
    }
    /// When the peer is dead.
    fn dead_at(&self, association: &Association) -> Option<Instant> {
        let dead = association.heard + DPD_INTERVAL + dead_after_first_question(self.config.dpd_timeout);
        (self.config.dpd_action != DpdAction::None).then_some(dead)
    }
    /// Sends a request within the association.
    fn ask(&mut self, now: Instant, exchange: Exchange) {
        if let Some(association) = &mut self.current {
            let message = association.ask(exchange);
            let request = Request::new(now, &message, self.config.packet(&message));
            self.out.push_back(request.packet.clone());
            association.pending = Some(request);
        }
    }
    /// Begins to open, unless an attempt is under way.
    pub(super) fn open(&mut self, now: Instant) {
        self.retry_at = None;
        if self.opening.is_some() {
            return;
        }
        let spi = self.random.next_u64().max(1);
        let message = Ike {
            initiator_spi: spi,
            responder_spi: 0,
            exchange: Exchange::SaInit,
            from_initiator: true,
            response: false,
            message_id: 0,
        };
        let request = Request::new(now, &message, self.config.packet(&message));
        self.out.push_back(request.packet.clone());
        self.opening = Some(Opening { spi, peer: None, request });
    }
    /// An association is there; `answered` is what its opening was answered with.
    pub(super) fn establish(&mut self, now: Instant, spis: Spis, opened: bool, answered: Option<(u32, Packet)>) {
        self.opening = None;
        self.retry_at = None;
        self.half_open.clear();
        self.opens = self.config.role == Role::Initiator;
        self.number += 1;
        let c = &self.config;
        let child = keys::child(&c.secret, c.suite, spis, 0, opened, self.number);
        let (phase1, phase2) = (c.phase1_lifetime, c.phase2_lifetime);
        // Numbers 0 and 1 of the end that opened are used up.
        let (next_id, expected) = if opened { (2, 0) } else { (0, 2) };
        let new = Association {
            spis,
            opened,
            next_id,
            expected,
            pending: None,
            answered,
            heard: now,
            renew_at: self.before_the_end(now, phase1),
            ends: now + phase1,
            child: child.clone(),
            rekeys: 0,
            child_born: now,
            rekey_at: self.before_the_end(now, phase2),
            child_ends: now + phase2,
        };
        let event = match self.current.replace(new) {
            Some(old) => {
                self.retiring.push_back((now + OVERLAP, old.child.inbound.spi));
                IkeEvent::Rekeyed(child)
            }
            None => IkeEvent::Up(child),
        };
        self.events.push_back(event);
    }
    /// The child is replaced by the next. A rekey of ours that is under way is this one.
    pub(super) fn rekey(&mut self, now: Instant) {
        let lifetime = self.config.phase2_lifetime;
        let rekey_at = self.before_the_end(now, lifetime);
        let Some(association) = &mut self.current else { return };
        self.number += 1;
        association.rekeys += 1;
        let (secret, suite) = (&self.config.secret, self.config.suite);
        let child = keys::child(secret, suite, association.spis, association.rekeys, association.opened, self.number);
        let old = std::mem::replace(&mut association.child, child.clone());
        association.pending = association.pending.take().filter(|pending| pending.exchange != Exchange::Rekey);
        association.rekey_at = rekey_at;
        (association.child_born, association.child_ends) = (now, now + lifetime);
        self.retiring.push_back((now + OVERLAP, old.inbound.spi));
        self.events.push_back(IkeEvent::Rekeyed(child));
    }
    /// When we renew what was born now: an initiator somewhere in its margin, a responder later, if the initiator did not.
    /// Never in the first tenth of the lifetime, however long the margin is. Never at all if that is the peer's affair alone.
    fn before_the_end(&mut self, now: Instant, lifetime: Nanos) -> Option<Instant> {
        if !self.config.renews {
            return None;
        }
        let margin = self.config.rekey_margin;
        let early = match self.config.role {
            Role::Initiator => {
                let fuzz = margin.0.saturating_mul(self.config.rekey_fuzz_percent) / 100;
                margin + Nanos(self.random.below(fuzz.saturating_add(1)))
            }
            Role::Responder => Nanos(margin.0 / 2),
        };
        Some(now + (lifetime - early).max(Nanos(lifetime.0 / 10)))
    }
    /// The tunnel is down. What opens by itself tries again.
    pub(super) fn fall(&mut self, now: Instant, why: Down) {
        self.current = None;
        self.retiring.clear();
        self.events.push_back(IkeEvent::Down { why });
        let restarts = why == Down::DeadPeer && self.config.dpd_action == DpdAction::Restart;
        self.opens |= restarts;
        if restarts {
            self.open(now);
        } else if self.opens && self.opening.is_none() {
            self.retry_at = Some(now + RETRY);
        }
    }
}
