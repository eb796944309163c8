//! L3: load: very many flows by a model, played without a host's stack.
//!
//! A host of `host` keeps sockets, buffers and timers for each connection; a data set of millions of flows cannot.
//! Here a flow is a small record that plays both ends by a script: TCP with handshake, window, acknowledgements,
//! repetition and orderly end; UDP and echo with request and answer; single probes and floods. The packets are real
//! ones and cross the network like all others; what a guest listens on, and whether it answers, is asked of its host.
//!
//! Sans-IO: [`Load::arrive`], [`Load::take`] and [`Load::timeout`] take input and the time; [`Load::poll_transmit`]
//! and the rest give output. The same input gives the same packets.
//!
//! Not modelled: congestion control (a window that doubles up to [`WINDOW_MAX`] segments and never shrinks), selective
//! acknowledgement, a learnt path MTU that outlives its flow, TIME-WAIT, what a host's own firewall would say.
//!
//! Invariants: a flow's packets bear its [tag](tag::Tag); a flow that is over is forgotten, whatever is still under
//! way for it; memory grows with the flows that are open at one time, not with those that were.

mod distribution;
mod flow;
mod generator;
mod packet;
mod slab;
pub mod tag;
mod tally;
mod tcp;

pub(crate) use distribution::exponential;
pub use distribution::{Arrivals, Size, SizeModel};
pub use flow::{DATAGRAM, PROBE_WAIT, REPEAT_AFTER, RESPONSE_WAIT, TRIES, WINDOW_FIRST, WINDOW_MAX};
pub use generator::{Client, Exchange, Flood, FloodKind, Generator, Plan, Scan, Server};
pub use slab::FLOWS_MAX;
pub use tally::Tally;

use crate::base::{Instant, Stream};
use crate::event::HostRef;
use crate::spec::GuestOs;
use crate::wire::Packet;
use flow::Flow;
use slab::Slab;
use std::collections::{BTreeMap, VecDeque};
use tag::Tag;

/// What a host does with what comes for a port, or with an echo request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Something listens, or it answers.
    Takes,
    /// It says that nothing is there.
    Refuses,
    /// Silence.
    Nothing,
}

/// What a host is to a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Local {
    /// What it does with what begins something there.
    pub answer: Answer,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Whose timers and habits it has.
    pub os: GuestOs,
    /// Time to live of its packets.
    pub ttl: u8,
}

impl Local {
    /// The largest TCP segment that it takes.
    fn mss(&self, v4: bool) -> u16 {
        u16::try_from(self.mtu.saturating_sub(if v4 { 40 } else { 60 })).unwrap_or(u16::MAX).max(1)
    }
}

/// A timer of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer {
    slot: u32,
    generation: u32,
}

/// All generators of a run, and their flows.
#[derive(Debug, Default)]
pub struct Load {
    running: BTreeMap<u16, Running>,
    flows: Slab<Flow>,
    /// Of the flow that began last.
    generation: u32,
    out: VecDeque<(HostRef, Packet)>,
    timers: VecDeque<(Instant, Timer)>,
    arrivals: VecDeque<(Instant, u16)>,
    over: VecDeque<(u16, Tally)>,
}

/// A generator at work.
#[derive(Debug)]
struct Running {
    generator: Generator,
    random: Stream,
    tally: Tally,
    /// Flows that are open.
    open: u64,
    /// No more flows begin.
    done: bool,
    ends: Instant,
    /// In an on period until then.
    on_until: Instant,
}

impl Load {
    /// Starts a generator. Its number is below [`tag::GENERATORS_MAX`] and not in use.
    ///
    /// # Panics
    /// If the number is too large or in use.
    pub fn start(&mut self, now: Instant, number: u16, generator: Generator, random: Stream) {
        assert!(u32::from(number) < tag::GENERATORS_MAX, "generator {number}");
        let ends = now + generator.duration;
        let running = Running {
            generator,
            random,
            tally: Tally::default(),
            open: 0,
            done: false,
            ends,
            on_until: Instant::START,
        };
        assert!(self.running.insert(number, running).is_none(), "generator {number} runs already");
        self.next_arrival(now, number, true);
    }

    /// A flow of this generator begins.
    pub fn arrive(&mut self, now: Instant, number: u16) {
        let Some(running) = self.running.get_mut(&number) else { return };
        if running.done {
            return;
        }
        self.begin(now, number);
        self.next_arrival(now, number, false);
    }

    /// When the next flow begins; or the generator is done.
    fn next_arrival(&mut self, now: Instant, number: u16, first: bool) {
        let Some(running) = self.running.get_mut(&number) else { return };
        let all = running.generator.total.is_some_and(|total| running.tally.begun() >= total);
        let next = running.next_arrival(now, first);
        match next {
            Some(at) if !all && at < running.ends => self.arrivals.push_back((at, number)),
            _ => {
                running.done = true;
                self.settle(number);
            }
        }
    }

    /// Tells that a generator is over, once its last flow is.
    fn settle(&mut self, number: u16) {
        if self.running.get(&number).is_some_and(|running| running.done && running.open == 0) {
            let running = self.running.remove(&number).expect("just seen");
            self.over.push_back((number, running.tally));
        }
    }

    /// What a running generator has done so far.
    #[must_use]
    pub fn tally(&self, number: u16) -> Option<Tally> {
        self.running.get(&number).map(|running| running.tally)
    }

    /// A host takes a packet that bears the tag of a generator.
    pub fn take(&mut self, now: Instant, host: HostRef, packet: &Packet, local: Local) {
        let tag = Tag::of(packet.tag);
        let Some(slot) = tag.slot() else {
            return self.out.extend(packet::answer(packet, local).map(|reply| (host, reply)));
        };
        let Some(flow) = self.flows.get_mut(slot) else { return };
        let Some(running) = self.running.get_mut(&flow.generator) else { return };
        let mut around = flow::Around { now, out: &mut self.out, tally: &mut running.tally };
        if let Some(end) = flow.take(host, packet, local, &mut around) {
            self.end(slot, end);
        }
    }

    /// A flow's timer fires.
    pub fn timeout(&mut self, now: Instant, timer: Timer) {
        let Some(flow) = self.flows.get_mut(timer.slot).filter(|flow| flow.generation == timer.generation) else {
            return;
        };
        if now < flow.deadline {
            return self.timers.push_back((flow.deadline, timer));
        }
        let Some(running) = self.running.get_mut(&flow.generator) else { return };
        let mut around = flow::Around { now, out: &mut self.out, tally: &mut running.tally };
        match flow.timeout(&mut around) {
            Some(end) => self.end(timer.slot, end),
            None => self.timers.push_back((flow.deadline, timer)),
        }
    }

    fn end(&mut self, slot: u32, end: tally::End) {
        let flow = self.flows.remove(slot);
        if let Some(running) = self.running.get_mut(&flow.generator) {
            running.tally.end(end);
            running.open -= 1;
            running.generator.release(&flow);
        }
        self.settle(flow.generator);
    }

    /// The next packet to send, and who sends it.
    pub fn poll_transmit(&mut self) -> Option<(HostRef, Packet)> {
        self.out.pop_front()
    }
    /// The next timer to set.
    pub fn poll_timer(&mut self) -> Option<(Instant, Timer)> {
        self.timers.pop_front()
    }
    /// The next time at which a generator begins a flow.
    pub fn poll_arrival(&mut self) -> Option<(Instant, u16)> {
        self.arrivals.pop_front()
    }
    /// The next generator that is over, and what it did.
    pub fn poll_over(&mut self) -> Option<(u16, Tally)> {
        self.over.pop_front()
    }
}
