//! Generators of load in the network: their packets, timers and ends.

use super::{Event, Sim};
use crate::base::{Protocol, Stream};
use crate::event::{HostRef, Observer};
use crate::load::{Answer, Generator, Local, Tally, Timer};
use crate::wire::Packet;

impl<O: Observer> Sim<O> {
    /// Starts a generator of load. [`poll_load_over`](Self::poll_load_over) tells when its last flow has ended.
    pub fn start_load(&mut self, number: u16, generator: Generator) {
        let random = Stream::new(self.seed, "load", &number.to_string());
        self.load.start(self.now, number, generator, random);
        self.drain_load();
    }
    /// What a running generator has done so far.
    #[must_use]
    pub fn load_tally(&self, number: u16) -> Option<Tally> {
        self.load.tally(number)
    }
    /// The next generator that is over, and what it did.
    pub fn poll_load_over(&mut self) -> Option<(u16, Tally)> {
        self.load.poll_over()
    }

    pub(super) fn load_arrives(&mut self, number: u16) {
        self.load.arrive(self.now, number);
        self.drain_load();
    }
    pub(super) fn load_timer(&mut self, timer: Timer) {
        self.load.timeout(self.now, timer);
        self.drain_load();
    }

    /// A host has a packet of a generator's flow.
    pub(super) fn load_takes(&mut self, host: HostRef, packet: &Packet) {
        let local = self.local(host, packet.headers.protocol, packet.headers.ports().1);
        self.load.take(self.now, host, packet, local);
        self.drain_load();
    }

    /// What a host is to a flow.
    fn local(&self, host: HostRef, protocol: Protocol, port: u16) -> Local {
        let fabric = &self.network.fabric;
        let answer = |takes, refuses| match (takes, refuses) {
            (true, _) => Answer::Takes,
            (false, true) => Answer::Refuses,
            (false, false) => Answer::Nothing,
        };
        match host {
            HostRef::Guest(guest) => {
                let g = &fabric.guests[guest];
                let takes = if protocol.is_icmp() { g.answers_ping } else { g.listens(protocol, port) == Some(true) };
                Local { answer: answer(takes, !protocol.is_icmp()), mtu: g.mtu, os: g.os, ttl: crate::host::ttl(g.os) }
            }
            HostRef::Internet(inet) => {
                let h = &fabric.internet_hosts[inet];
                let listens = h.takes_everything || h.listeners.contains(&(protocol, port));
                let takes = if protocol.is_icmp() { h.answers_ping } else { listens };
                let os = crate::fabric::GuestOs::Linux;
                Local {
                    answer: answer(takes, h.refuses && !protocol.is_icmp()),
                    mtu: h.mtu,
                    os,
                    ttl: crate::host::ttl(os),
                }
            }
            // No generator talks to a link-local service or to a speaker.
            HostRef::Services(_) | HostRef::Speaker(_) => {
                let os = crate::fabric::GuestOs::Linux;
                Local { answer: Answer::Nothing, mtu: 1500, os, ttl: crate::host::ttl(os) }
            }
        }
    }

    fn drain_load(&mut self) {
        while let Some((host, packet)) = self.load.poll_transmit() {
            self.send_as(host, packet);
        }
        while let Some((at, timer)) = self.load.poll_timer() {
            self.push_timer(at, Event::LoadTimer(timer));
        }
        while let Some((at, number)) = self.load.poll_arrival() {
            self.push_timer(at, Event::LoadArrival(number));
        }
    }
}
