//! Two ends, a wire between them, and traffic that keeps them alive or does not.

mod life;
mod trouble;

use super::*;
use crate::base::Ratio;
use crate::wire::esp::ike::parse_ike;
use crate::wire::esp::{MATERIAL, Suite};
use std::collections::BTreeMap;
use std::net::IpAddr;

const LATENCY: Nanos = Nanos::from_millis(20);
/// The customer's end, which opens.
const CGW: usize = 0;
const AWS: usize = 1;

enum Sent {
    Ike(Packet),
    /// A packet of the tunnel, by SPI.
    Esp(u32),
}

struct Wire {
    now: Instant,
    ends: [IkeTunnel; 2],
    link: BTreeMap<(Instant, u64), (usize, Sent)>,
    seq: u64,
    /// Loses what this end sends.
    cut: [bool; 2],
    loss: Ratio,
    /// Microseconds of delay at random.
    jitter: u64,
    random: Stream,
    sent: [Vec<(Instant, Ike)>; 2],
    events: [Vec<(Instant, IkeEvent)>; 2],
    /// Every pair that an end ever had.
    children: [Vec<Child>; 2],
    /// SPIs that an end opens packets of.
    opens: [Vec<u32>; 2],
    /// Each end that is up sends a packet this often.
    traffic: Option<Nanos>,
    next_traffic: Instant,
    /// Since when both are up with different pairs, and for how long at most.
    apart: Option<Instant>,
    longest_apart: Nanos,
}

fn config(n: usize) -> IkeConfig {
    let ip = |n: usize| IpAddr::from([192, 0, 2, n as u8 + 1]);
    IkeConfig {
        role: if n == CGW { Role::Initiator } else { Role::Responder },
        local: ip(n),
        remote: ip(1 - n),
        natt: false,
        suite: Suite::ALL[0],
        secret: [7; MATERIAL],
        dpd_timeout: Nanos::from_secs(40),
        dpd_action: DpdAction::Clear,
        phase1_lifetime: Nanos::from_secs(28_800),
        phase2_lifetime: Nanos::from_secs(3_600),
        rekey_margin: Nanos::from_secs(270),
        renews: true,
        rekey_fuzz_percent: 100,
    }
}
fn stream(seed: u64, n: usize) -> Stream {
    Stream::new(seed, "ike", &n.to_string())
}
fn wire(seed: u64) -> Wire {
    wire_of(seed, |_, _| {})
}
fn wire_of(seed: u64, change: impl Fn(usize, &mut IkeConfig)) -> Wire {
    let end = |n: usize| {
        let mut config = config(n);
        change(n, &mut config);
        IkeTunnel::new(config, stream(seed, n))
    };
    Wire {
        now: Instant::START,
        ends: [end(CGW), end(AWS)],
        link: BTreeMap::new(),
        seq: 0,
        cut: [false; 2],
        loss: Ratio(0),
        jitter: 0,
        random: Stream::new(seed, "wire", ""),
        sent: [vec![], vec![]],
        events: [vec![], vec![]],
        children: [vec![], vec![]],
        opens: [vec![], vec![]],
        traffic: None,
        next_traffic: Instant::START,
        apart: None,
        longest_apart: Nanos::ZERO,
    }
}
fn started(seed: u64, change: impl Fn(usize, &mut IkeConfig)) -> Wire {
    let mut w = wire_of(seed, change);
    w.ends.iter_mut().for_each(|end| end.start(Instant::START));
    w.secs(1);
    w.is_whole();
    w.forget();
    w
}

impl Wire {
    fn put(&mut self, n: usize, sent: Sent) {
        self.seq += 1;
        let delay = LATENCY + Nanos::from_micros(self.random.below(self.jitter));
        if !self.random.chance(self.loss) && !self.cut[n] {
            self.link.insert((self.now + delay, self.seq), (1 - n, sent));
        }
    }
    fn collect(&mut self) {
        for n in [CGW, AWS] {
            while let Some(packet) = self.ends[n].poll_transmit() {
                self.sent[n].push((self.now, parse_ike(&packet).expect("IKE")));
                self.put(n, Sent::Ike(packet));
            }
            while let Some(event) = self.ends[n].poll_event() {
                self.take(n, &event);
                self.events[n].push((self.now, event));
            }
            assert!(self.ends[n].child().is_none_or(|child| self.opens[n].contains(&child.inbound.spi)));
        }
        let [a, b] = [0, 1].map(|n| self.ends[n].child());
        let apart = matches!((a, b), (Some(a), Some(b)) if a.inbound != b.outbound || a.outbound != b.inbound);
        let since = *self.apart.get_or_insert(self.now);
        self.longest_apart = self.longest_apart.max(self.now.since(since));
        self.apart = self.apart.filter(|_| apart);
    }
    /// Holds an end to what it tells.
    fn take(&mut self, n: usize, event: &IkeEvent) {
        match event {
            IkeEvent::Up(child) | IkeEvent::Rekeyed(child) => {
                assert_eq!(matches!(event, IkeEvent::Up(_)), self.opens[n].is_empty(), "up once");
                assert!(self.children[n].last().is_none_or(|last| last.number < child.number));
                assert_ne!(child.inbound.spi, child.outbound.spi);
                // What the other has by these SPIs is the mirror image.
                for other in self.children[1 - n].iter().filter(|other| other.inbound.spi == child.outbound.spi) {
                    assert_eq!((&other.inbound, &other.outbound), (&child.outbound, &child.inbound));
                }
                self.opens[n].push(child.inbound.spi);
                self.children[n].push(child.clone());
            }
            IkeEvent::Retired { spi_inbound } => {
                let at = self.opens[n].iter().position(|spi| spi == spi_inbound).expect("it was there");
                self.opens[n].remove(at);
                assert!(!self.opens[n].is_empty(), "one is left");
            }
            IkeEvent::Down { .. } => {
                assert!(!self.opens[n].is_empty(), "it was up");
                self.opens[n].clear();
            }
        }
    }
    fn step(&mut self, until: Instant) -> bool {
        let arrival = self.link.keys().next().map(|(at, _)| *at);
        let traffic = self.traffic.map(|_| self.next_traffic);
        let next = [arrival, traffic, self.ends[0].poll_at(), self.ends[1].poll_at()].into_iter().flatten().min();
        let Some(next) = next.filter(|at| *at <= until) else { return false };
        assert!(next >= self.now, "time does not go back");
        self.now = next;
        if arrival == Some(next) {
            match self.link.pop_first().unwrap().1 {
                (to, Sent::Ike(packet)) => self.ends[to].handle_packet(next, &packet),
                (to, Sent::Esp(spi)) if self.opens[to].contains(&spi) => self.ends[to].heard(next),
                _ => {}
            }
        } else if traffic == Some(next) {
            self.next_traffic = next + self.traffic.unwrap();
            for n in [CGW, AWS] {
                if let Some(spi) = self.ends[n].child().map(|child| child.outbound.spi) {
                    self.ends[n].sent(next);
                    self.put(n, Sent::Esp(spi));
                }
            }
        } else {
            for end in &mut self.ends {
                end.handle_timeout(next);
                assert!(end.poll_at().is_none_or(|at| at > next), "what is due is done");
            }
        }
        self.collect();
        true
    }
    fn run_to(&mut self, until: Instant) {
        self.collect();
        while self.step(until) {}
        self.now = until;
    }
    fn secs(&mut self, n: u64) {
        self.run_to(self.now + Nanos::from_secs(n));
    }
    fn talk(&mut self, every: Nanos) {
        (self.traffic, self.next_traffic) = (Some(every), self.now);
    }
    fn is_whole(&self) {
        let [a, b] = [0, 1].map(|n| self.ends[n].child().unwrap_or_else(|| panic!("{n} is down at {:?}", self.now)));
        assert_eq!((&a.inbound, &a.outbound), (&b.outbound, &b.inbound));
    }
    fn forget(&mut self) {
        self.sent.iter_mut().for_each(Vec::clear);
        self.events.iter_mut().for_each(Vec::clear);
    }
    fn seconds(&self, n: usize, exchange: Exchange) -> Vec<u64> {
        self.sent[n]
            .iter()
            .filter(|(_, m)| m.exchange == exchange)
            .map(|(at, _)| at.since(Instant::START).as_secs())
            .collect()
    }
    /// When and why an end went down, if that is all that happened.
    fn down(&self, n: usize) -> (Instant, Down) {
        match self.events[n].as_slice() {
            [(at, IkeEvent::Down { why })] => (*at, *why),
            other => panic!("{other:?}"),
        }
    }
    fn downs(&self) -> usize {
        self.events.iter().flatten().filter(|(_, event)| matches!(event, IkeEvent::Down { .. })).count()
    }
    fn rekeys(&self, n: usize) -> usize {
        self.events[n].iter().filter(|(_, event)| matches!(event, IkeEvent::Rekeyed(_))).count()
    }
}
