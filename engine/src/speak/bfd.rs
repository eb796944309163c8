//! One end of a BFD session: is the neighbour there? (RFC 5880 in asynchronous mode, RFC 5881 over one hop.)
//!
//! Modelled: the three-way handshake, detection, switching off, intervals that change with a poll sequence, jitter,
//! packets that are dropped. Not modelled: echo, demand mode, authentication, several hops, the passive role.
//!
//! Invariants: only a session that was [`start`](BfdSession::start)ed and neither stopped nor reset takes packets; an
//! [`Up`](BfdEvent::Up) and a [`Down`](BfdEvent::Down) take turns, except that a reset is not told.

use crate::base::{Instant, Nanos, Stream};
use crate::wire::Packet;
use crate::wire::bfd::{Bfd, State};
use std::collections::VecDeque;
use std::net::IpAddr;

/// The shortest interval that AWS takes on a virtual interface
/// (<https://docs.aws.amazon.com/directconnect/latest/UserGuide/limits.html>).
pub const AWS_INTERVAL: Nanos = Nanos::from_millis(300);
/// Packets that AWS lets a neighbour miss (same page): with [`AWS_INTERVAL`], 0.9 s.
pub const AWS_MULTIPLIER: u8 = 3;
/// While a session is not up its packets are at least this far apart (RFC 5880 section 6.8.3).
pub const SLOW: Nanos = Nanos::from_secs(1);
/// How often a session that is switched off says so, [`SLOW`]ly. RFC 5880 section 6.8.16 asks for a detection time's worth.
pub const GOODBYES: u8 = 3;

/// Diagnostic codes (RFC 5880 section 4.1).
pub mod diagnostic {
    /// None.
    pub const NONE: u8 = 0;
    /// The detection time passed without a packet.
    pub const EXPIRED: u8 = 1;
    /// The neighbour said that it is down.
    pub const NEIGHBOUR: u8 = 3;
    /// Switched off.
    pub const ADMIN_DOWN: u8 = 7;
}

/// An end of a session as it is made.
#[derive(Clone, Debug)]
pub struct BfdConfig {
    /// Our address.
    pub local: IpAddr,
    /// The neighbour's address.
    pub remote: IpAddr,
    /// Our number of this session; 0 counts as 1.
    pub discriminator: u32,
    /// Where packets come from: one of [`SOURCE_PORTS`](crate::wire::bfd::SOURCE_PORTS).
    pub src_port: u16,
    /// How often we want to send, and at most want to receive; at least a microsecond, at most 71 minutes.
    pub interval: Nanos,
    /// Packets that the neighbour may miss in a row; 0 counts as 1.
    pub multiplier: u8,
}

/// What became of the neighbour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BfdEvent {
    /// Both ends hear each other.
    Up,
    /// Not any more.
    Down {
        /// Why: one of [`diagnostic`].
        diagnostic: u8,
    },
}

/// What a neighbour has told.
#[derive(Clone, Copy, Debug)]
struct Remote {
    /// Its number; 0 until it was heard (`bfd.RemoteDiscr`).
    discriminator: u32,
    /// Microseconds between the packets that it can take (`bfd.RemoteMinRxInterval`).
    min_rx: u32,
}

impl Remote {
    /// RFC 5880 section 6.8.1: the smallest interval is 1 until it is known.
    const UNHEARD: Self = Self { discriminator: 0, min_rx: 1 };
}

/// One end of a session: see the module.
#[derive(Clone, Debug)]
pub struct BfdSession {
    config: BfdConfig,
    random: Stream,
    state: State,
    diagnostic: u8,
    remote: Remote,
    /// Takes packets.
    on: bool,
    /// A poll sequence is under way.
    polling: bool,
    /// Times left to say that we are switched off.
    goodbyes: u8,
    next_sent: Option<Instant>,
    /// When the neighbour has been silent for too long.
    silent: Option<Instant>,
    out: VecDeque<Packet>,
    events: VecDeque<BfdEvent>,
}

impl BfdSession {
    /// An end that is down, and silent until it is started.
    #[must_use]
    pub fn new(config: BfdConfig, random: Stream) -> Self {
        let longest = u64::from(u32::MAX) * 1_000;
        let config = BfdConfig {
            discriminator: config.discriminator.max(1),
            multiplier: config.multiplier.max(1),
            interval: Nanos(config.interval.0.clamp(1_000, longest)),
            ..config
        };
        Self {
            config,
            random,
            state: State::Down,
            diagnostic: diagnostic::NONE,
            remote: Remote::UNHEARD,
            on: false,
            polling: false,
            goodbyes: 0,
            next_sent: None,
            silent: None,
            out: VecDeque::new(),
            events: VecDeque::new(),
        }
    }
    /// Begins to speak and to listen, unless it does already.
    pub fn start(&mut self, now: Instant) {
        if !self.on {
            self.clear();
            self.on = true;
            self.send_and_rearm(now, false);
        }
    }
    /// Switches off: says so [`GOODBYES`] times, and then is silent.
    pub fn stop(&mut self, now: Instant) {
        if self.on {
            self.on = false;
            self.silent = None;
            self.goodbyes = GOODBYES;
            self.go(State::AdminDown, diagnostic::ADMIN_DOWN);
            self.send_and_rearm(now, false);
        }
    }
    /// Forgets everything without a word: the device died. Events that happened before stay.
    pub fn reset(&mut self) {
        self.clear();
        self.on = false;
        self.out.clear();
    }
    fn clear(&mut self) {
        self.state = State::Down;
        self.diagnostic = diagnostic::NONE;
        self.remote = Remote::UNHEARD;
        self.polling = false;
        self.goodbyes = 0;
        (self.next_sent, self.silent) = (None, None);
    }

    /// Takes a packet of the neighbour. What is not for this session or breaks a rule is dropped (RFC 5880 section 6.8.6).
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet) {
        let ours = (packet.headers.src, packet.headers.dst) == (self.config.remote, self.config.local);
        let Some(got) = Bfd::parse(packet).ok().filter(|_| self.on && ours) else { return };
        if got.yours != 0 && got.yours != self.config.discriminator {
            return;
        }
        let before = (self.state, self.interval());
        self.remote = Remote { discriminator: got.mine, min_rx: got.required_min_rx };
        self.polling &= !got.last;
        // Section 6.8.4: the neighbour's multiplier, and the slower of what it sends and what we take.
        let slower = self.config.interval.max(Nanos::from_micros(got.desired_min_tx.into()));
        self.silent = Some(now + slower * u64::from(got.multiplier));
        match (self.state, got.state) {
            (State::Down, State::Down) => self.go(State::Init, self.diagnostic),
            (State::Down | State::Init, State::Init) | (State::Init, State::Up) => self.go(State::Up, diagnostic::NONE),
            (State::Up, State::Down | State::AdminDown) | (State::Init, State::AdminDown) => {
                self.go(State::Down, diagnostic::NEIGHBOUR);
            }
            _ => {}
        }
        if self.state != before.0 {
            self.send_and_rearm(now, got.poll);
        } else {
            if got.poll {
                self.send(true);
            }
            if self.interval() != before.1 {
                // Section 6.8.3: a shorter interval holds at once, a longer one from the next packet on.
                let next = self.after(now);
                self.next_sent = next.map(|at| self.next_sent.map_or(at, |old| old.min(at)));
            }
        }
    }
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.silent.is_some_and(|at| at <= now) {
            // Section 6.8.1: the neighbour's number is forgotten, too.
            self.silent = None;
            self.remote = Remote::UNHEARD;
            if self.state != State::Down {
                self.go(State::Down, diagnostic::EXPIRED);
                self.send_and_rearm(now, false);
            }
        }
        if self.next_sent.is_some_and(|at| at <= now) {
            self.send_and_rearm(now, false);
        }
    }
    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [self.next_sent, self.silent].into_iter().flatten().min()
    }
    /// The next packet to send, in order.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        self.out.pop_front()
    }
    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<BfdEvent> {
        self.events.pop_front()
    }
    /// True while both ends hear each other.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    fn go(&mut self, state: State, diagnostic: u8) {
        let (was_up, is_up) = (self.is_up(), state == State::Up);
        (self.state, self.diagnostic) = (state, diagnostic);
        // Section 6.8.3: an interval that changes while up is agreed with a poll sequence.
        self.polling = is_up && self.config.interval < SLOW;
        if is_up {
            self.events.push_back(BfdEvent::Up);
        } else if was_up {
            self.events.push_back(BfdEvent::Down { diagnostic });
        }
    }
    /// How often we would like to send in this state (`bfd.DesiredMinTxInterval`).
    fn desired(&self) -> Nanos {
        if self.is_up() { self.config.interval } else { self.config.interval.max(SLOW) }
    }
    /// Section 6.8.7: the slower of what we like and what the neighbour can take. Nothing if it wants no packets.
    fn interval(&self) -> Option<Nanos> {
        (self.remote.min_rx > 0).then(|| self.desired().max(Nanos::from_micros(self.remote.min_rx.into())))
    }
    /// When the next packet is due after one at `now`: early by up to a quarter, at random (section 6.8.7).
    fn after(&mut self, now: Instant) -> Option<Instant> {
        let interval = self.interval()?.0;
        let spread = if self.config.multiplier == 1 { interval * 15 / 100 } else { interval / 4 };
        Some(now + Nanos(interval * 3 / 4 + self.random.below(spread)))
    }
    fn send_and_rearm(&mut self, now: Instant, last: bool) {
        self.send(last);
        self.next_sent = self.after(now);
        if self.state == State::AdminDown {
            self.goodbyes = self.goodbyes.saturating_sub(1);
            self.next_sent = self.next_sent.filter(|_| self.goodbyes > 0);
        }
    }
    /// Sends what we are; `last` answers a poll.
    fn send(&mut self, last: bool) {
        let micros = |time: Nanos| (time.0 / 1_000) as u32;
        let c = &self.config;
        let message = Bfd {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.polling && !last,
            last,
            independent: false,
            demand: false,
            multiplier: c.multiplier,
            mine: c.discriminator,
            yours: self.remote.discriminator,
            desired_min_tx: micros(self.desired()),
            required_min_rx: micros(c.interval),
            required_min_echo_rx: 0,
        };
        self.out.push_back(message.packet(c.local, c.remote, c.src_port, 0));
    }
}

#[cfg(test)]
mod tests;
