//! [VPN-15, VPN-16, VPN-18] One end of the IKEv2 life of one VPN tunnel (RFC 7296): it opens, renews its keys, notices a dead peer, closes.
//!
//! Modelled: `IKE_SA_INIT` and `IKE_AUTH`, repeated requests and answers, attempts that are given up and begin anew,
//! questions for life, deletion, a peer that lost its state, new keys for the child before the old ones end (make before
//! break), openings and rekeys from both ends at once. NAT traversal moves to UDP 4500 behind the first exchange.
//!
//! Not modelled: agreement on keys (both ends derive them from the shared secret, the two SPIs of the association and
//! the number of the rekey; so also the SPIs of children are derived), refusals (a wrong key, no common proposal),
//! cookies, fragments, notifications, several children. Phase 1 is not rekeyed but opened anew beside the old
//! association (RFC 7296 section 2.8.3), for a message does not show which of the two a `CREATE_CHILD_SA` is about. Nor
//! does it show which association a delete is about: it is the whole tunnel's, and old children end by time alone.
//! Who is asked to rekey sends on the new pair at once, which section 2.8 lets it delay: if its answer is lost, what it
//! sends is lost until the answer is repeated.
//!
//! Invariants: only an end that is wanted ([`start`](IkeTunnel::start)ed, not stopped, not reset) takes requests. An
//! initiator that is wanted and not up has an attempt under way or a time for the next. A child never outlives its
//! lifetime. Two openings at once: the one with the lower SPI is finished. Two rekeys at once make the same child.

mod association;
mod config;
mod exchange;
mod keys;
mod life;
mod request;

pub use config::{Child, Down, DpdAction, IkeConfig, IkeEvent, Role};

use crate::base::{Instant, Nanos, Stream};
use crate::wire::Packet;
use crate::wire::esp::ike::{Exchange, Ike};
use association::{Association, Spis};
use request::Request;
use std::collections::VecDeque;

/// How long nothing is heard before a question goes out, and how far apart questions are: AWS's sample configurations
/// (<https://docs.aws.amazon.com/vpn/latest/s2svpn/your-cgw.html>).
pub const DPD_INTERVAL: Nanos = Nanos::from_secs(10);
/// The shortest DPD timeout that AWS takes (`ModifyVpnTunnelOptionsSpecification`).
pub const DPD_TIMEOUT_MIN: Nanos = Nanos::from_secs(30);
/// The shortest lifetime that AWS takes, of phase 1 and of phase 2 (same page).
pub const LIFETIME_MIN: Nanos = Nanos::from_secs(900);
/// How long an initiator waits after a failure before it tries again. Assumed.
pub const RETRY: Nanos = Nanos::from_secs(10);
/// When an unanswered request is given up: after 1, 2, 4, 8 and 16 s of waiting. RFC 7296 section 2.4 leaves it open.
pub const GIVE_UP: Nanos = Nanos::from_secs(31);
/// How long packets under the old keys are still taken after a rekey. Assumed.
pub const OVERLAP: Nanos = Nanos::from_secs(30);
/// A rekey that the peer asks for this soon after one is the same rekey: requests live for [`GIVE_UP`] only.
pub const COLLISION: Nanos = Nanos::from_secs(60);
/// Openings of the peer that may be half done at a time; real responders allow many more.
const HALF_OPEN: usize = 4;

/// How long after its first unanswered question a peer is dead: "A DPD timeout of 40 seconds means that the VPN endpoint
/// will consider the peer dead 30 seconds after the first failed keep-alive"
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpnTunnelOptionsSpecification.html>). That other
/// timeouts follow the same formula is assumed. Timeouts below [`DPD_TIMEOUT_MIN`] count as that.
#[must_use]
pub fn dead_after_first_question(timeout: Nanos) -> Nanos {
    timeout.max(DPD_TIMEOUT_MIN) - DPD_INTERVAL
}

/// An attempt of ours to open.
#[derive(Clone, Debug)]
struct Opening {
    spi: u64,
    /// The peer's SPI, once it has answered the first request.
    peer: Option<u64>,
    request: Request,
}

/// One end of a tunnel: see the module.
#[derive(Clone, Debug)]
pub struct IkeTunnel {
    config: IkeConfig,
    random: Stream,
    wanted: bool,
    /// Opens by itself: an initiator, or a responder that restarts.
    opens: bool,
    opening: Option<Opening>,
    retry_at: Option<Instant>,
    /// Openings of the peer: when they came, and our answer.
    half_open: VecDeque<(Instant, Spis, Packet)>,
    current: Option<Association>,
    /// Old inbound SPIs and when they end.
    retiring: VecDeque<(Instant, u32)>,
    /// A deletion that is not answered yet.
    closing: Option<(Spis, Request)>,
    /// Our answer to the last deletion, should it be repeated.
    deleted: Option<(Ike, Packet)>,
    number: u64,
    out: VecDeque<Packet>,
    events: VecDeque<IkeEvent>,
}

impl IkeTunnel {
    /// An end that is down, and silent until it is started.
    #[must_use]
    pub fn new(config: IkeConfig, random: Stream) -> Self {
        let config = IkeConfig {
            phase1_lifetime: config.phase1_lifetime.max(LIFETIME_MIN),
            phase2_lifetime: config.phase2_lifetime.max(LIFETIME_MIN),
            rekey_fuzz_percent: config.rekey_fuzz_percent.min(100),
            ..config
        };
        Self {
            config,
            random,
            wanted: false,
            opens: false,
            opening: None,
            retry_at: None,
            half_open: VecDeque::new(),
            current: None,
            retiring: VecDeque::new(),
            closing: None,
            deleted: None,
            number: 0,
            out: VecDeque::new(),
            events: VecDeque::new(),
        }
    }
    /// An end as if it had just been opened by the initiator, without a packet. The other end, made in the same way, has
    /// the same pair. Once for each secret, or keys come again.
    #[must_use]
    pub fn established(config: IkeConfig, random: Stream, now: Instant) -> Self {
        let mut new = Self::new(config, random);
        let opened = new.config.role == Role::Initiator;
        (new.wanted, new.opens) = (true, opened);
        new.establish(now, keys::warm(&new.config.secret), opened, None);
        new
    }
    /// From now on the tunnel is wanted: an initiator opens it, a responder answers.
    pub fn start(&mut self, now: Instant) {
        if !self.wanted {
            self.wanted = true;
            self.opens = self.config.role == Role::Initiator;
            if self.opens {
                self.open(now);
            }
        }
    }
    /// The tunnel is wanted no more: the peer is told, until it answers or [`GIVE_UP`] has passed.
    pub fn stop(&mut self, now: Instant) {
        self.wanted = false;
        self.opens = false;
        self.opening = None;
        self.retry_at = None;
        self.half_open.clear();
        if let Some(association) = &mut self.current {
            let message = association.ask(Exchange::Delete);
            let request = Request::new(now, &message, self.config.packet(&message));
            self.out.push_back(request.packet.clone());
            self.closing = Some((association.spis, request));
            self.fall(now, Down::Deleted);
        }
    }
    /// Forgets everything without a word: the device died. Events that happened before stay.
    pub fn reset(&mut self) {
        let empty = Self::new(self.config.clone(), self.random.clone());
        *self = Self { number: self.number, events: std::mem::take(&mut self.events), ..empty };
    }
    /// A packet of the peer was opened: it lives.
    pub fn heard(&mut self, now: Instant) {
        if let Some(association) = &mut self.current {
            association.heard = now;
        }
    }
    /// A packet went out or wants to: an initiator that waits to try again tries now.
    pub fn sent(&mut self, now: Instant) {
        if self.retry_at.take().is_some() {
            self.open(now);
        }
    }
    /// The next packet to send, in order: IKE, always.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        self.out.pop_front()
    }
    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<IkeEvent> {
        self.events.pop_front()
    }
    /// True if there is a pair to send with.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.current.is_some()
    }
    /// The pair to send with.
    #[must_use]
    pub fn child(&self) -> Option<&Child> {
        self.current.as_ref().map(|association| &association.child)
    }
}

#[cfg(test)]
mod tests;
