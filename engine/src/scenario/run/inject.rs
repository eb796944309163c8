//! Packets of a capture file, sent into the network.

use super::Options;
use super::operation::{Kind, UDP_WAIT};
use super::runner::Runner;
use crate::base::{Instant, Nanos};
use crate::compile::Network;
use crate::diag::Diagnostic;
use crate::event::HostRef;
use crate::explain::resolve_target;
use crate::fabric::Fabric;
use crate::scenario::{Inject, Outcome};
use crate::spec::Spanned;
use crate::wire::{L4, Packet};
use rustc_hash::FxHashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What the addresses of a file stand for.
type Map = FxHashMap<IpAddr, IpAddr>;

/// Reads `map`.
pub(super) fn map(network: &Network, step: &Inject, found: &mut Vec<Diagnostic>) -> Map {
    let mut out = Map::default();
    for mapped in &step.map {
        match target(network, &mapped.to, mapped.address.value) {
            Ok(to) => {
                out.insert(mapped.address.value, to);
            }
            Err(text) => found.push(Diagnostic::error("unknown-reference", mapped.to.span, text)),
        }
    }
    out
}

fn target(network: &Network, to: &Spanned<String>, like: IpAddr) -> Result<IpAddr, String> {
    let all = resolve_target(network, to).map_err(|e| e.to_string())?;
    let same = all.into_iter().find(|address| address.is_ipv4() == like.is_ipv4());
    same.ok_or_else(|| format!("`{to}` has no address of the family of {like}"))
}

/// What must be right before a run.
pub(super) fn check(network: &Network, step: &Inject, options: &Options, found: &mut Vec<Diagnostic>) {
    map(network, step, found);
    if !options.pcaps.contains_key(&step.file.value) {
        let text = format!("the capture file `{}` was not read", step.file);
        found.push(Diagnostic::error("unknown-reference", step.file.span, text));
    }
}

/// Packets to send, and when.
#[derive(Debug)]
pub(super) struct Injection {
    packets: Arc<[(Nanos, Packet)]>,
    map: Map,
    /// Whether all sources are sent.
    forged: bool,
    interval: Option<Nanos>,
    most: u64,
    next: usize,
    /// Packets sent, and packets of other sources.
    sent: u64,
    others: u64,
    /// Time of the first packet that is sent, in the file.
    first: Option<Nanos>,
}

impl Injection {
    /// The next packet to send, with its time since the first one.
    fn next(&mut self, is_own: impl Fn(IpAddr) -> bool) -> Option<(Nanos, Packet)> {
        loop {
            let (at, packet) = self.packets.get(self.next).filter(|_| self.sent < self.most)?;
            self.next += 1;
            let mut packet = packet.clone();
            let headers = &mut packet.headers;
            headers.src = self.map.get(&headers.src).copied().unwrap_or(headers.src);
            headers.dst = self.map.get(&headers.dst).copied().unwrap_or(headers.dst);
            if headers.src.is_ipv4() != headers.dst.is_ipv4() || !self.forged && !is_own(headers.src) {
                self.others += 1;
                continue;
            }
            let since = match self.interval {
                Some(interval) => interval * self.sent,
                None => *at - *self.first.get_or_insert(*at),
            };
            self.sent += 1;
            return Some((since, packet));
        }
    }
}

/// True if the address is the host's.
fn is_own(fabric: &Fabric, host: HostRef, address: IpAddr) -> bool {
    match host {
        HostRef::Guest(guest) => fabric.guest_owns(guest, address),
        HostRef::Internet(inet) => fabric.internet_hosts[inet].addresses.contains(&address),
        HostRef::Services(_) | HostRef::Speaker(_) => false,
    }
}

impl Runner<'_> {
    pub(super) fn start_injection(&mut self, n: usize, step: &Inject) {
        let network = self.network();
        let map = map(network, step, &mut Vec::new());
        let to = step.map.first().map_or("internet", |mapped| mapped.to.value.as_str());
        let (host, ..) = self.ends(&step.from, to);
        let packets = self.pcaps[&step.file.value].clone();
        let (interval, most) = (step.interval, step.count.unwrap_or(u64::MAX));
        let injection =
            Injection { packets, map, forged: step.forged, interval, most, next: 0, sent: 0, others: 0, first: None };
        let tag = self.operations[n].tag;
        self.sim.ignore_answers(tag, host);
        self.operations[n].kind = Kind::Inject { from: host, injection, pending: None, started: self.sim.now() };
        self.next_injected(n);
    }

    /// Sends what is due, and sets the alarm for what follows.
    pub(super) fn next_injected(&mut self, n: usize) {
        let (now, tag) = (self.sim.now(), self.operations[n].tag);
        loop {
            let Kind::Inject { from, injection, pending, started } = &mut self.operations[n].kind else { return };
            let (host, began): (_, Instant) = (*from, *started);
            let fabric = &self.networks.last().expect("there is always one").fabric;
            let is_own = |address| is_own(fabric, host, address);
            let Some((since, mut packet)) = pending.take().or_else(|| injection.next(is_own)) else {
                if injection.sent > 0 && !injection.packets.is_empty() && self.operations[n].elapsed.is_none() {
                    // What is under way may still arrive.
                    self.operations[n].elapsed = Some(now.since(began));
                    return self.alarm(n, now + UDP_WAIT);
                }
                return self.injected(n);
            };
            if began + since > now {
                *pending = Some((since, packet));
                return self.alarm(n, began + since);
            }
            packet.tag = tag;
            if let L4::Tcp(_) = packet.headers.l4 {
                self.operations[n].port = packet.headers.ports().1;
            }
            self.sim.send_as(host, packet);
        }
    }

    /// Everything was sent.
    fn injected(&mut self, n: usize) {
        let Kind::Inject { from, injection, .. } = &self.operations[n].kind else { return };
        let (host, sent, others, tag) = (*from, injection.sent, injection.others, self.operations[n].tag);
        // What came back to the sender is an answer.
        let taken = &self.sim.observer.1.0.taken;
        let of_step = taken.iter().filter(|((of, to), _)| *of == tag && !is_own(&self.network().fabric, host, *to));
        let arrived: u64 = of_step.map(|(_, count)| count).sum();
        let skipped = if others > 0 { format!(", {others} of other sources not sent") } else { String::new() };
        let outcome = if arrived > 0 { Outcome::Delivered } else { Outcome::NotDelivered };
        self.end(n, Some(outcome), &format!("{sent} packets sent, {arrived} taken{skipped}"));
    }
}
