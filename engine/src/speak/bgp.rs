//! One end of a BGP session: the states of RFC 4271 section 8, without the transport.
//!
//! The owner opens a connection when it is asked to ([`Ask::Connect`]), says that it is there ([`BgpSession::connected`]) or
//! gone ([`BgpSession::closed`]), and carries bytes. One end of a session opens connections and the other one waits for
//! them, so two never collide (section 6.8); who opens is the owner's choice.
//!
//! Modelled: OPEN with the checks of system and hold time, KEEPALIVE at a third of the hold time with jitter, the hold
//! timer, NOTIFICATION both ways, trying again after [`RETRY`].
//! Not modelled: graceful restart, route refresh, several families with sessions of their own, damping of the idle hold
//! time, passwords.
//!
//! Invariants: [`BgpEvent::Established`] and [`BgpEvent::Down`] alternate; an end that is switched off asks for no time.

use crate::base::rng::Stream;
use crate::base::{Instant, Nanos};
use crate::wire::bgp::{Decoder, Family, Message, Notification, Open, Update};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// How long an end waits until it tries again (BGP-42, assumed: RFC 4271 section 10 suggests 120 s, implementations
/// differ).
pub const RETRY: Nanos = Nanos::from_secs(10);
/// Hold time until the peer's OPEN is there (RFC 4271 section 8.2.2: "a large value", 4 minutes).
const HOLD_OPEN: Nanos = Nanos::from_secs(240);
/// A third of the hold time (RFC 4271 section 10).
const KEEPALIVES_PER_HOLD: u64 = 3;

/// What an end is.
#[derive(Clone, Copy, Debug)]
pub struct BgpConfig {
    /// Its autonomous system.
    pub asn: u32,
    /// The one that it expects of its peer.
    pub peer_asn: u32,
    /// Its identifier, not 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// Hold time, at least 3 s; the lower one of both ends counts.
    pub hold: Nanos,
    /// True for the end that opens the connection.
    pub active: bool,
}

/// What the owner has to do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Open a connection to the peer.
    Connect,
    /// Write these bytes.
    Write(Vec<u8>),
    /// Close the connection when everything is written.
    Close,
    /// Forget the connection.
    Abort,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BgpEvent {
    /// Both ends speak: tell it everything.
    Established,
    /// The peer says something.
    Update(Update),
    /// The session is over, and what it told is void.
    Down(Ended),
}

/// Why a session is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Nothing came for the hold time.
    HoldTimer(Nanos),
    /// The peer has ended it.
    Peer(Notification),
    /// We have, because of what the peer said.
    Refused(Notification),
    /// The connection broke.
    Connection,
    /// What it runs over is gone: the interface or the tunnel is down.
    Line,
    /// BFD has not heard from the peer.
    Bfd,
    /// The peer has told more prefixes than it may.
    PrefixLimit,
    /// A person has shut it down.
    Shutdown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Switched off, or nothing to run over.
    Off,
    /// Waits for its time, or for the peer.
    Idle,
    /// Opening a connection.
    Connect,
    OpenSent,
    OpenConfirm,
    Established,
}

/// One end of a session.
#[derive(Debug)]
pub struct BgpSession {
    config: BgpConfig,
    random: Stream,
    state: State,
    hold: Nanos,
    hold_at: Option<Instant>,
    keepalive_at: Option<Instant>,
    retry_at: Option<Instant>,
    decoder: Decoder,
    asks: VecDeque<Ask>,
    events: VecDeque<BgpEvent>,
}

impl BgpSession {
    /// An end that is switched off.
    #[must_use]
    pub fn new(config: BgpConfig, random: Stream) -> Self {
        Self {
            hold: config.hold,
            config,
            random,
            state: State::Off,
            hold_at: None,
            keepalive_at: None,
            retry_at: None,
            decoder: Decoder::default(),
            asks: VecDeque::new(),
            events: VecDeque::new(),
        }
    }
    /// True once both ends speak.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }
    /// True unless it waits or is switched off: then a further connection of the peer is not taken.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.state, State::Off | State::Idle)
    }
    /// What it runs over is there: it begins at once. Nothing if it has begun.
    pub fn start(&mut self, now: Instant) {
        if self.state == State::Off {
            self.state = State::Idle;
            self.retry_at = self.config.active.then_some(now);
        }
    }
    /// BGP-44: a person shuts it down, or what the peer told is too much: the peer is told why (RFC 4486).
    pub fn stop(&mut self, now: Instant, why: Ended) {
        let subcode = if why == Ended::PrefixLimit { Notification::MAX_PREFIXES } else { Notification::SHUTDOWN };
        self.give_up(now, Some(Notification::cease(subcode)), why);
        self.off();
    }
    /// Something else than the hold timer has noticed that the peer does not answer. It tries again later.
    pub fn fail(&mut self, now: Instant, why: Ended) {
        self.give_up(now, None, why);
    }
    /// What it runs over is gone: the peer cannot be told.
    pub fn line_down(&mut self, now: Instant) {
        self.give_up(now, None, Ended::Line);
        self.off();
    }
    /// The device has died: nobody is told, and nothing is remembered.
    pub fn reset(&mut self) {
        self.asks.clear();
        self.events.clear();
        self.off();
    }
    /// The hold time changes with the next session.
    pub const fn set_hold(&mut self, hold: Nanos) {
        self.config.hold = hold;
    }

    /// The connection is there.
    pub fn connected(&mut self, now: Instant) {
        if !matches!(self.state, State::Connect | State::Idle) {
            return;
        }
        self.retry_at = None;
        self.decoder = Decoder::default();
        self.state = State::OpenSent;
        self.hold_at = Some(now + HOLD_OPEN);
        let hold_time = u16::try_from(self.config.hold.0 / 1_000_000_000).unwrap_or(u16::MAX);
        self.write(&Message::Open(Open {
            asn: self.config.asn,
            hold_time,
            router_id: self.config.router_id,
            families: vec![Family::Ipv4, Family::Ipv6],
            four_octet_as: true,
        }));
    }
    /// The connection is gone, or could not be opened.
    pub fn closed(&mut self, now: Instant) {
        if self.state == State::Connect {
            // Refused: the next attempt has its time.
        } else if self.is_busy() {
            self.asks.retain(|ask| !matches!(ask, Ask::Write(_)));
            self.down(now, Ended::Connection);
        }
    }
    /// Bytes of the peer.
    pub fn received(&mut self, now: Instant, bytes: &[u8]) {
        self.decoder.push(bytes);
        while matches!(self.state, State::OpenSent | State::OpenConfirm | State::Established) {
            match self.decoder.poll() {
                Ok(Some(message)) => self.hear(now, message),
                Ok(None) => return,
                Err(error) => return self.refuse(now, error.notification()),
            }
        }
    }
    /// Tells the peer something. Nothing is told before the session is established.
    pub fn tell(&mut self, update: &Update) {
        if self.is_established() {
            for part in update.split() {
                self.write(&Message::Update(part));
            }
        }
    }
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.hold_at.is_some_and(|at| at <= now) {
            let ended = Ended::HoldTimer(self.hold);
            return self.give_up(now, Some(Notification::hold_timer_expired()), ended);
        }
        if self.keepalive_at.is_some_and(|at| at <= now) {
            self.write(&Message::Keepalive);
            self.arm_keepalive(now);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            // RFC 4271 section 8.2.2: a connection that is not there by then is dropped and begun anew.
            if self.state == State::Connect {
                self.asks.push_back(Ask::Abort);
            }
            self.state = State::Connect;
            self.retry_at = Some(now + RETRY);
            self.asks.push_back(Ask::Connect);
        }
    }
    /// When something is due.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [self.hold_at, self.keepalive_at, self.retry_at].into_iter().flatten().min()
    }
    /// What the owner has to do next.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }
    /// What happened next.
    pub fn poll_event(&mut self) -> Option<BgpEvent> {
        self.events.pop_front()
    }

    fn hear(&mut self, now: Instant, message: Message) {
        match (self.state, message) {
            (_, Message::Notification(notification)) => {
                self.asks.push_back(Ask::Close);
                self.down(now, Ended::Peer(notification));
            }
            (State::OpenSent, Message::Open(open)) => {
                if open.asn != self.config.peer_asn {
                    return self.refuse(now, Notification::open_refused(2));
                }
                if !open.four_octet_as {
                    return self.refuse(now, Notification::open_refused(7));
                }
                self.hold = self.config.hold.min(Nanos::from_secs(open.hold_time.into()));
                self.state = State::OpenConfirm;
                self.write(&Message::Keepalive);
                self.arm_keepalive(now);
                self.arm_hold(now);
            }
            (State::OpenConfirm, Message::Keepalive) => {
                self.state = State::Established;
                self.arm_hold(now);
                self.events.push_back(BgpEvent::Established);
            }
            (State::Established, Message::Keepalive) => self.arm_hold(now),
            (State::Established, Message::Update(update)) => {
                self.arm_hold(now);
                self.events.push_back(BgpEvent::Update(update));
            }
            (state, _) => {
                let code = match state {
                    State::OpenSent => 1,
                    State::OpenConfirm => 2,
                    _ => 3,
                };
                self.refuse(now, Notification::unexpected(code));
            }
        }
    }

    fn refuse(&mut self, now: Instant, notification: Notification) {
        self.give_up(now, Some(notification.clone()), Ended::Refused(notification));
    }
    /// Ends the session from here, and tells the peer if there is something to tell it by.
    fn give_up(&mut self, now: Instant, notification: Option<Notification>, ended: Ended) {
        match (self.state, notification) {
            (State::Off | State::Idle, _) => {}
            (State::OpenSent | State::OpenConfirm | State::Established, Some(notification)) => {
                self.write(&Message::Notification(notification));
                self.asks.push_back(Ask::Close);
            }
            _ => self.asks.push_back(Ask::Abort),
        }
        self.down(now, ended);
    }
    fn down(&mut self, now: Instant, ended: Ended) {
        // Only who was there can go.
        if self.state == State::Established {
            self.events.push_back(BgpEvent::Down(ended));
        }
        let on = self.state != State::Off;
        self.off();
        if on {
            self.state = State::Idle;
            self.retry_at = self.config.active.then_some(now + RETRY);
        }
    }
    fn off(&mut self) {
        self.state = State::Off;
        (self.hold_at, self.keepalive_at, self.retry_at) = (None, None, None);
    }
    fn arm_hold(&mut self, now: Instant) {
        self.hold_at = (self.hold > Nanos::ZERO).then(|| now + self.hold);
    }
    /// RFC 4271 section 10: a quarter less at most, at random.
    fn arm_keepalive(&mut self, now: Instant) {
        let third = self.hold.0 / KEEPALIVES_PER_HOLD;
        let jitter = self.random.below(third / 4 + 1);
        self.keepalive_at = (third > 0).then(|| now + Nanos(third - jitter));
    }
    fn write(&mut self, message: &Message) {
        self.asks.push_back(Ask::Write(message.encode()));
    }
}
