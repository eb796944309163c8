//! The loop: steps begin, packets move, hosts report, steps end.

use super::check::{self, Happened};
use super::operation::{
    DNS_WAIT, HANG_AFTER, HOP_WAIT, INTERVAL, Kind, Operation, PING_WAIT, TRACEROUTE_PORT, UDP_WAIT,
};
use super::report::{CheckResult, Line, Report, StepReport};
use super::watch::{Drop, Watch};
use super::{Options, prepare};
use crate::base::rng::Stream;
use crate::base::{Instant, Nanos, Protocol, Ratio};
use crate::compile::{Network, compile_epoch};
use crate::diag::Severity;
use crate::event::HostRef;
use crate::explain::{Origin, resolve_origin};
use crate::host::{Connect, Datagram, HostEvent, Ping, Probe, ProbeKind, What};
use crate::names::{Found, Kind as Resource};
use crate::observe::capture::Capture;
use crate::observe::flow_logs::FlowLogs;
use crate::observe::ledger::Ledger;
use crate::scenario::{
    Action, AddressFamily, Captures, Evidence, Fault, Outcome, Probe as ProbeWord, Scenario, Step, TrafficModel,
    Transport, When, apply,
};
use crate::sim::Sim;
use crate::spec::{InstanceState, LinkSpec, Spec};
use crate::verdict::{RowKind, code_of};
use crate::wire::{Fragment, Headers, L4, Packet, Payload, Udp, dns};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is watched: the laws, conversations, captures, flow logs.
type Watchers = (Ledger, (Watch, (Capture, FlowLogs)));
/// Time after the last step in which what is under way may arrive.
const SETTLE: Nanos = Nanos::from_secs(1);

pub(super) struct Runner<'a> {
    scenario: &'a Scenario,
    sim: Sim<Watchers>,
    /// The topology with every change so far.
    spec: Spec,
    faults: Vec<Fault>,
    networks: Vec<Network>,
    operations: Vec<Operation>,
    /// Steps that have begun.
    begun: usize,
    alarms: BTreeMap<(Instant, u64), usize>,
    alarm_seq: u64,
    connections: BTreeMap<String, usize>,
    lines: Vec<Line>,
    seed: u64,
    until: Option<Instant>,
    random: Stream,
    capture_all: bool,
}

impl<'a> Runner<'a> {
    pub(super) fn new(scenario: &'a Scenario, spec: &Spec, network: Network, options: Options) -> Self {
        let seed = options.seed.unwrap_or(scenario.seed);
        let capture = Capture::new(options.capture || scenario.captures != Captures::default());
        let observer = (Ledger::default(), (Watch::default(), (capture, FlowLogs::default())));
        Self {
            scenario,
            sim: Sim::new(network.clone(), seed, observer),
            spec: spec.clone(),
            faults: Vec::new(),
            networks: vec![network],
            operations: Vec::new(),
            begun: 0,
            alarms: BTreeMap::new(),
            alarm_seq: 0,
            connections: BTreeMap::new(),
            lines: Vec::new(),
            seed,
            until: options.until.or(scenario.until.map(|u| Instant::START + u.value)),
            random: Stream::new(seed, "scenario", "traffic"),
            capture_all: options.capture || scenario.captures == Captures::All,
        }
    }

    pub(super) fn run(mut self) -> Report {
        while let Some(at) = self.next() {
            if self.until.is_some_and(|until| at > until) {
                break;
            }
            match self.sim.next_time() {
                Some(event) if event <= at => {
                    self.sim.step();
                    self.hear();
                }
                _ => {
                    self.sim.run_until(at);
                    self.hear();
                    self.ring(at);
                    self.begin(at);
                }
            }
        }
        let end = self.until.unwrap_or(self.sim.now() + SETTLE);
        self.sim.run_until(end);
        self.hear();
        for n in 0..self.operations.len() {
            if self.operations[n].ended.is_none() {
                self.end(n, None, "still under way when the run ended");
            }
        }
        self.finish()
    }

    /// When something is to be done next: a packet, an alarm, a step.
    fn next(&self) -> Option<Instant> {
        let waits = self.operations.iter().any(|o| o.ended.is_none());
        let step = self.next_step();
        if !waits && step.is_none() {
            return None;
        }
        let alarm = self.alarms.keys().next().map(|(at, _)| *at);
        [self.sim.next_time(), alarm, step].into_iter().flatten().min()
    }

    /// When the next step begins, if that is known.
    fn next_step(&self) -> Option<Instant> {
        let step = self.scenario.steps.get(self.begun)?;
        match step.when {
            When::At(at) => Some((Instant::START + at.value).max(self.sim.now())),
            When::After(pause) => match self.begun.checked_sub(1) {
                None => Some(Instant::START + pause.value),
                Some(previous) => {
                    self.operations[previous].ended.map(|ended| (ended + pause.value).max(self.sim.now()))
                }
            },
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.lines.push(Line { at: self.sim.now(), text: text.into() });
    }

    fn network(&self) -> &Network {
        self.networks.last().expect("there is always one")
    }

    fn alarm(&mut self, operation: usize, at: Instant) {
        self.alarms.insert((at, self.alarm_seq), operation);
        self.alarm_seq += 1;
    }

    fn begin(&mut self, now: Instant) {
        while self.next_step().is_some_and(|at| at <= now) {
            let step: &'a Step = &self.scenario.steps[self.begun].value;
            self.begun += 1;
            let n = self.operations.len();
            self.operations.push(Operation {
                tag: n as u32 + 1,
                started: now,
                kind: Kind::Wait,
                outcome: None,
                elapsed: None,
                ended: None,
                told: Vec::new(),
                port: 0,
                bytes: 0,
                addresses: Vec::new(),
                hops: Vec::new(),
            });
            let title = super::prepare_title(step);
            self.say(title);
            self.act(n, &step.action);
            self.hear();
        }
    }

    /// The host and address that send, and the address they send to.
    fn ends(&self, from: &str, to: &str) -> (HostRef, IpAddr, IpAddr) {
        let network = self.network();
        let (origin, target) = resolve_origin(network, from, to).expect("checked before the run");
        let host = match origin {
            Origin::Eni { eni, .. } => {
                HostRef::Guest(network.fabric.enis[eni].guest().expect("an end of a step is a guest's"))
            }
            Origin::Internet { address } => HostRef::Internet(network.fabric.internet_by_address[&address]),
        };
        (host, origin.address(), target)
    }

    fn act(&mut self, n: usize, action: &Action) {
        let tag = self.operations[n].tag;
        match action {
            Action::Connect(c) => {
                let (host, mut src, dst) = self.ends(&c.from, &c.to);
                src = c.from_address.map_or(src, |a| a.value);
                let (send, receive) = (c.send_bytes.unwrap_or(0), c.receive_bytes.unwrap_or(0));
                self.operations[n].port = c.port.value;
                let request = Connect { src, dst, dst_port: c.port.value, src_port: c.src_port, tag, send, receive };
                let conn = self.sim.with_host(host, |h, now| h.connect(now, request));
                self.operations[n].kind = Kind::Connect {
                    host,
                    conn,
                    send,
                    receive,
                    sent: 0,
                    received: 0,
                    keep_open: c.keep_open,
                    connected: false,
                };
                if let Some(name) = &c.name {
                    self.connections.insert(name.value.clone(), n);
                }
            }
            Action::Write(w) => {
                let of = self.connections[w.connection.value.as_str()];
                let Kind::Connect { host, conn, sent, .. } = self.operations[of].kind else {
                    unreachable!("only connections are named")
                };
                self.operations[n].tag = self.operations[of].tag;
                self.operations[n].port = self.operations[of].port;
                self.operations[n].kind = Kind::Write { host, conn, bytes: w.bytes, acked_before: sent };
                self.sim.with_host(host, |h, now| h.write(now, conn, w.bytes));
                self.alarm(n, self.sim.now() + HANG_AFTER);
            }
            Action::Close(c) => {
                let of = self.connections[c.connection.value.as_str()];
                let Kind::Connect { host, conn, .. } = self.operations[of].kind else {
                    unreachable!("only connections are named")
                };
                self.sim.with_host(host, |h, now| h.close(now, conn));
                self.end(n, None, "");
            }
            Action::Ping(p) => {
                let (from, src, dst) = self.ends(&p.from, &p.to);
                let (bytes, count) = (p.bytes.unwrap_or(56).min(65_000) as u16, p.count.unwrap_or(1));
                let interval = p.interval.unwrap_or(INTERVAL);
                self.operations[n].kind =
                    Kind::Ping { from, src, dst, count, sent: 0, replies: 0, bytes, df: p.df, ttl: p.ttl, interval };
                self.next_packet(n);
            }
            Action::Send(s) => {
                let (from, src, dst) = self.ends(&s.from, &s.to);
                self.operations[n].port = s.port.value;
                let (bytes, count) = (s.bytes.unwrap_or(64).min(65_000) as u16, u64::from(s.count.unwrap_or(1)));
                let interval = s.interval.unwrap_or(INTERVAL);
                let src_port = s.src_port;
                self.operations[n].kind = Kind::Send {
                    from,
                    src,
                    dst,
                    src_port,
                    count,
                    sent: 0,
                    replies: 0,
                    bytes,
                    df: s.df,
                    interval,
                    poisson: false,
                    expect_reply: s.expect_reply,
                };
                self.next_packet(n);
            }
            Action::Traffic(t) => self.traffic(n, t),
            Action::Traceroute(t) => {
                let (from, src, dst) = self.ends(&t.from, &t.to);
                let udp = t.protocol.unwrap_or(ProbeWord::Udp) == ProbeWord::Udp;
                self.operations[n].port = t.port.unwrap_or(TRACEROUTE_PORT);
                self.operations[n].kind =
                    Kind::Traceroute { from, src, dst, udp, ttl: 0, max: t.max_hops.unwrap_or(30) };
                self.next_packet(n);
            }
            Action::Resolve(r) => self.resolve(n, r),
            Action::Change(change) => {
                apply(&mut self.spec, change).expect("tried before the run");
                self.reconfigure();
                self.end(n, None, "");
            }
            Action::Fail(fault) => {
                self.faults.push(fault.clone());
                self.reconfigure();
                self.end(n, None, "");
            }
            Action::Restore(fault) => {
                self.faults.retain(|f| !same_fault(f, fault));
                self.reconfigure();
                self.end(n, None, "");
            }
            Action::Wait(w) => self.alarm(n, self.sim.now() + w.duration.value),
        }
    }

    fn traffic(&mut self, n: usize, t: &crate::scenario::Traffic) {
        let (from, src, dst) = self.ends(&t.from, &t.to);
        self.operations[n].port = t.port.value;
        let rate = t.rate.value.max(1);
        let count =
            u64::try_from(u128::from(rate) * u128::from(t.duration.value.0) / 1_000_000_000).unwrap_or(u64::MAX);
        match t.protocol {
            Transport::Udp => {
                let interval = Nanos(1_000_000_000 / rate);
                let poisson = t.model == Some(TrafficModel::Poisson);
                let bytes = t.bytes.value.min(65_000) as u16;
                // One flow: the source port stays.
                let src_port = Some(40_000 + (n % 20_000) as u16);
                self.operations[n].kind = Kind::Send {
                    from,
                    src,
                    dst,
                    src_port,
                    count,
                    sent: 0,
                    replies: 0,
                    bytes,
                    df: false,
                    interval,
                    poisson,
                    expect_reply: false,
                };
                self.next_packet(n);
            }
            Transport::Tcp => {
                let send = count * u64::from(t.bytes.value);
                let tag = self.operations[n].tag;
                let request = Connect { src, dst, dst_port: t.port.value, src_port: None, tag, send, receive: 0 };
                let conn = self.sim.with_host(from, |h, now| h.connect(now, request));
                self.operations[n].kind = Kind::Connect {
                    host: from,
                    conn,
                    send,
                    receive: 0,
                    sent: 0,
                    received: 0,
                    keep_open: false,
                    connected: false,
                };
            }
        }
    }

    fn resolve(&mut self, n: usize, r: &crate::scenario::Resolve) {
        let server = r.server.as_ref().map_or("169.254.169.253", |s| s.value.as_str());
        let (host, src, dst) = self.ends(&r.from, server);
        let HostRef::Guest(guest) = host else {
            return self.end(n, Some(Outcome::NameError), "only instances ask resolvers");
        };
        let port = 50_000 + (n % 10_000) as u16;
        let kind = if r.record_type.unwrap_or(AddressFamily::A) == AddressFamily::A { dns::A } else { dns::AAAA };
        let query = dns::query(&dns::Question { id: n as u16 + 1, name: r.name.value.to_lowercase(), kind });
        let length = query.len() as u16 + 8;
        let headers = Headers {
            src,
            dst,
            protocol: Protocol::UDP,
            ttl: 64,
            traffic_class: 0,
            fragment: Fragment { dont: src.is_ipv6(), ..Fragment::default() },
            l4: L4::Udp(Udp { src_port: port, dst_port: 53, length }),
        };
        self.operations[n].port = 53;
        self.operations[n].kind = Kind::Resolve { guest, port };
        self.sim.tap(guest, port);
        let packet = Packet { headers, tag: self.operations[n].tag, payload: Payload::from(query.as_slice()) };
        self.sim.send_as(host, packet);
        self.alarm(n, self.sim.now() + DNS_WAIT);
    }

    /// Sends the next packet of a step that sends several, and sets the alarm for what follows.
    fn next_packet(&mut self, n: usize) {
        let (tag, port, now) = (self.operations[n].tag, self.operations[n].port, self.sim.now());
        let poisson_pause = |random: &mut Stream, mean: Nanos| {
            // Inverse transform in integers: the sum of halvings until a coin falls.
            let mut pause = 0;
            for _ in 0..64 {
                let unit = random.below(1 << 20);
                pause += (mean.0 * unit) >> 20;
                if random.chance(Ratio(Ratio::ONE / 2)) {
                    break;
                }
            }
            Nanos(pause.max(1))
        };
        match &mut self.operations[n].kind {
            Kind::Ping { from, src, dst, count, sent, bytes, df, ttl, interval, .. } => {
                *sent += 1;
                let (host, last, pause) = (*from, *sent >= *count, *interval);
                let ping = Ping {
                    src: *src,
                    dst: *dst,
                    id: tag as u16,
                    seq: *sent as u16,
                    bytes: *bytes,
                    ttl: *ttl,
                    df: *df,
                    tag,
                };
                self.sim.with_host(host, |h, now| h.ping(now, ping));
                self.alarm(n, now + if last { PING_WAIT } else { pause });
            }
            Kind::Send { from, src, dst, src_port, count, sent, bytes, df, interval, poisson, .. } => {
                if *sent >= *count {
                    return self.alarm(n, now + UDP_WAIT);
                }
                *sent += 1;
                let (host, last) = (*from, *sent >= *count);
                let pause = if *poisson { poisson_pause(&mut self.random, *interval) } else { *interval };
                let datagram =
                    Datagram { src: *src, dst: *dst, src_port: *src_port, dst_port: port, bytes: *bytes, df: *df, tag };
                self.sim.with_host(host, |h, now| h.send_udp(now, datagram));
                self.alarm(n, now + if last { UDP_WAIT } else { pause });
            }
            Kind::Traceroute { from, src, dst, udp, ttl, .. } => {
                *ttl += 1;
                let (host, at) = (*from, *ttl);
                let kind = if *udp {
                    ProbeKind::Udp { src_port: None, dst_port: port + u16::from(at) - 1 }
                } else {
                    ProbeKind::Echo { id: tag as u16, seq: at.into() }
                };
                let probe = Probe { src: *src, dst: *dst, ttl: at, bytes: 32, tag, kind };
                self.sim.with_host(host, |h, now| h.probe(now, probe));
                self.alarm(n, now + HOP_WAIT);
            }
            _ => unreachable!("only steps that send several packets are called again"),
        }
    }

    /// Alarms up to `now`.
    fn ring(&mut self, now: Instant) {
        while let Some(((at, seq), n)) = self.alarms.first_key_value().map(|(k, n)| (*k, *n)) {
            if at > now {
                return;
            }
            self.alarms.remove(&(at, seq));
            if self.operations[n].ended.is_none() {
                self.wake(n);
            }
            self.hear();
        }
    }

    fn wake(&mut self, n: usize) {
        let now = self.sim.now();
        match &mut self.operations[n].kind {
            Kind::Wait => self.end(n, None, ""),
            Kind::Ping { count, sent, replies, .. } => {
                if *sent < *count {
                    return self.next_packet(n);
                }
                let (sent, replies) = (*sent, *replies);
                let outcome = if replies > 0 { Outcome::Reply } else { Outcome::NoReply };
                self.end(n, Some(outcome), &format!("{replies} of {sent} replies"));
            }
            Kind::Send { count, sent, replies, expect_reply, .. } => {
                if *sent < *count {
                    return self.next_packet(n);
                }
                let (sent, replies, wants) = (*sent, *replies, *expect_reply);
                let arrived = self.arrived(n);
                let outcome = match (wants, replies > 0, arrived > 0) {
                    (true, true, _) => Outcome::Reply,
                    (true, false, _) => Outcome::NoReply,
                    (false, _, true) => Outcome::Delivered,
                    (false, _, false) => Outcome::NotDelivered,
                };
                self.end(n, Some(outcome), &format!("{arrived} of {sent} datagrams arrived, {replies} replies"));
            }
            Kind::Traceroute { ttl, max, .. } => {
                let over = *ttl >= *max;
                self.operations[n].hops.push("*".to_owned());
                let ttl = self.operations[n].hops.len();
                self.say(format!("  {ttl:>2}  *"));
                if over { self.end(n, Some(Outcome::NoReply), "gave up") } else { self.next_packet(n) }
            }
            Kind::Resolve { .. } => self.end(n, Some(Outcome::NoReply), "no answer from the resolver"),
            Kind::Write { .. } | Kind::Connect { .. } => {
                // Progress moved the alarm on; nothing has moved since.
                let last =
                    self.operations[n].elapsed.map_or(self.operations[n].started, |e| self.operations[n].started + e);
                if now.since(last) >= HANG_AFTER {
                    self.end(n, Some(Outcome::Hang), "nothing moves any more");
                } else {
                    self.alarm(n, last + HANG_AFTER);
                }
            }
        }
    }

    /// Datagrams of a step that reached somebody.
    fn arrived(&self, n: usize) -> usize {
        let o = &self.operations[n];
        let watch = &self.sim.observer.1.0;
        watch
            .arrived
            .get(&o.tag)
            .map_or(0, |all| all.iter().filter(|(_, h)| o.leg_of(h) == crate::scenario::Leg::Request).count())
    }

    /// What hosts and taps report, and which new drops there are.
    fn hear(&mut self) {
        while let Some((host, event)) = self.sim.poll_host_event() {
            self.heard(host, &event);
        }
        while let Some((_, guest, packet)) = self.sim.poll_tapped() {
            let port = packet.headers.ports().1;
            let found = self.operations.iter().position(|o| {
                o.ended.is_none() && matches!(o.kind, Kind::Resolve { guest: g, port: p } if g == guest && p == port)
            });
            if let (Some(n), Some(answer)) = (found, dns::parse_answer(&packet.payload.to_vec())) {
                self.operations[n].addresses = answer.addresses.clone();
                self.operations[n].elapsed = Some(self.sim.now().since(self.operations[n].started));
                let list: Vec<String> = answer.addresses.iter().map(ToString::to_string).collect();
                match answer.addresses.is_empty() {
                    false => self.end(n, Some(Outcome::Resolved), &list.join(", ")),
                    true => self.end(
                        n,
                        Some(Outcome::NameError),
                        if answer.code == 3 { "no such name" } else { "no address of that type" },
                    ),
                }
            }
        }
        self.tell_drops();
    }

    /// Each row that drops packets of a step is told once.
    fn tell_drops(&mut self) {
        let mut lines = Vec::new();
        let watch = &self.sim.observer.1.0;
        for o in &mut self.operations {
            if o.ended.is_some() {
                continue;
            }
            let Some(drops) = watch.drops.get(&o.tag) else { continue };
            for drop in drops.iter().filter(|drop| drop.at >= o.started) {
                if !o.told.contains(&(drop.epoch, drop.by)) {
                    o.told.push((drop.epoch, drop.by));
                    let network = &self.networks[usize::from(drop.epoch)];
                    let leg =
                        if o.leg_of(&drop.headers) == crate::scenario::Leg::Request { "request" } else { "reply" };
                    let text = network.names.row_text(&network.fabric, drop.by);
                    lines.push((
                        drop.at,
                        format!("  dropped, {leg}: {text}  {}", code_of(network.fabric.rows[drop.by])),
                    ));
                }
            }
        }
        self.lines.extend(lines.into_iter().map(|(at, text)| Line { at, text }));
    }

    fn heard(&mut self, host: HostRef, event: &HostEvent) {
        let conn = match event.what {
            What::Connected { conn, .. }
            | What::Refused { conn }
            | What::TimedOut { conn, .. }
            | What::Reset { conn }
            | What::PeerClosed { conn }
            | What::Closed { conn }
            | What::Received { conn, .. }
            | What::Sent { conn, .. } => Some(conn),
            _ => None,
        };
        if let Some(conn) = conn {
            let of_conn = |o: &Operation| match o.kind {
                Kind::Connect { host: h, conn: c, .. } | Kind::Write { host: h, conn: c, .. } => h == host && c == conn,
                _ => false,
            };
            // The totals of a connection are kept by the step that opened it.
            let all: Vec<usize> = (0..self.operations.len()).filter(|n| of_conn(&self.operations[*n])).collect();
            for n in all {
                self.conn_event(n, event);
            }
            return;
        }
        let Some(n) = self.operations.iter().position(|o| o.ended.is_none() && o.tag == event.tag) else { return };
        self.packet_event(n, host, event);
    }

    fn conn_event(&mut self, n: usize, event: &HostEvent) {
        let now = event.at;
        let since = now.since(self.operations[n].started);
        let over = self.operations[n].ended.is_some();
        match (&mut self.operations[n].kind, event.what) {
            (Kind::Connect { connected, send, receive, .. }, What::Connected { elapsed, .. }) => {
                *connected = true;
                let data = *send + *receive > 0;
                self.operations[n].elapsed = Some(elapsed);
                if data {
                    self.say(format!("  connected after {elapsed}"));
                    self.alarm(n, now + HANG_AFTER);
                } else {
                    self.connected(n);
                }
            }
            (Kind::Connect { sent, .. }, What::Sent { bytes, .. }) => {
                *sent = bytes;
                if !over {
                    self.moved(n, now);
                }
            }
            (Kind::Connect { received, .. }, What::Received { bytes, .. }) => {
                *received = bytes;
                if !over {
                    self.moved(n, now);
                }
            }
            (Kind::Write { bytes, acked_before, .. }, What::Sent { bytes: acked, .. }) if !over => {
                let (moved, all) = (acked.saturating_sub(*acked_before), *bytes);
                self.operations[n].bytes = moved;
                self.operations[n].elapsed = Some(since);
                if moved >= all {
                    self.end(n, Some(Outcome::Alive), &format!("{all} bytes acknowledged"));
                }
            }
            (_, What::Refused { .. }) if !over => self.ended_after(n, since, Outcome::Refused, "connection refused"),
            (_, What::Reset { .. }) if !over => self.ended_after(n, since, Outcome::Reset, "connection reset by peer"),
            (Kind::Connect { connected: true, .. } | Kind::Write { .. }, What::TimedOut { .. }) if !over => {
                self.ended_after(n, since, Outcome::Hang, "retransmissions given up")
            }
            (_, What::TimedOut { syns, .. }) if !over => {
                self.ended_after(n, since, Outcome::Timeout, &format!("timed out, {syns} SYNs"))
            }
            _ => {}
        }
    }

    fn ended_after(&mut self, n: usize, since: Nanos, outcome: Outcome, text: &str) {
        self.operations[n].elapsed = Some(since);
        self.end(n, Some(outcome), &format!("{text} after {since}"));
    }

    /// Data has moved on a connection: is that all of it?
    fn moved(&mut self, n: usize, now: Instant) {
        let o = &mut self.operations[n];
        let Kind::Connect { send, receive, sent, received, connected: true, .. } = o.kind else { return };
        o.bytes = received.max(sent);
        if sent >= send && received >= receive && send + receive > 0 {
            let text = format!("sent {sent} bytes, received {received}");
            self.say(format!("  {text}"));
            self.connected(n);
        } else {
            let wait = now + HANG_AFTER;
            let first = self.operations[n].elapsed;
            self.operations[n].elapsed = first.max(Some(now.since(self.operations[n].started)));
            if !self.alarms.values().any(|other| *other == n) {
                self.alarm(n, wait);
            }
        }
    }

    fn connected(&mut self, n: usize) {
        let Kind::Connect { host, conn, keep_open, .. } = self.operations[n].kind else { return };
        let elapsed = self.operations[n].elapsed.unwrap_or_default();
        self.end(n, Some(Outcome::Connected), &format!("connected after {elapsed}"));
        if !keep_open {
            self.sim.with_host(host, |h, now| h.close(now, conn));
        }
    }

    fn packet_event(&mut self, n: usize, host: HostRef, event: &HostEvent) {
        let since = event.at.since(self.operations[n].started);
        match (&mut self.operations[n].kind, event.what) {
            (Kind::Ping { replies, count, sent, .. }, What::EchoReply { from, seq, bytes, rtt }) => {
                *replies += 1;
                let all = *replies >= *count && *sent >= *count;
                let (replies, count) = (*replies, *count);
                self.operations[n].elapsed.get_or_insert(rtt);
                self.operations[n].bytes += u64::from(bytes);
                self.say(format!("  reply {seq} from {from}: {bytes} bytes, {rtt}"));
                if all {
                    self.end(n, Some(Outcome::Reply), &format!("{replies} of {count} replies"));
                }
            }
            (Kind::Traceroute { .. }, What::TimeExceeded { from }) => {
                let ttl = self.hop(n, from);
                let Kind::Traceroute { max, .. } = self.operations[n].kind else { unreachable!() };
                self.alarms.retain(|_, of| *of != n);
                if ttl >= usize::from(max) {
                    self.end(n, Some(Outcome::NoReply), "gave up")
                } else {
                    self.next_packet(n)
                }
            }
            (
                Kind::Traceroute { .. },
                What::PortUnreachable { from } | What::EchoReply { from, .. } | What::UdpReceived { src: from, .. },
            ) => {
                self.hop(n, from);
                self.operations[n].elapsed = Some(since);
                self.end(n, Some(Outcome::Reply), "reached");
            }
            (Kind::Send { replies, .. }, What::UdpReceived { bytes, .. }) => {
                *replies += 1;
                self.operations[n].bytes += u64::from(bytes);
                self.operations[n].elapsed.get_or_insert(since);
                let Kind::Send { replies, count, expect_reply: true, .. } = self.operations[n].kind else { return };
                if replies >= count {
                    self.end(n, Some(Outcome::Reply), &format!("{replies} of {count} replies"));
                }
            }
            (_, What::PortUnreachable { from }) => {
                self.ended_after(n, since, Outcome::Refused, &format!("port unreachable, from {from},"))
            }
            (Kind::Connect { .. }, What::TooBig { from, mtu }) | (Kind::Write { .. }, What::TooBig { from, mtu }) => {
                self.say(format!("  told by {from}: packets of at most {mtu} bytes"));
            }
            (_, What::TooBig { from, mtu }) => {
                self.ended_after(n, since, Outcome::Unreachable, &format!("too big, {from} says: at most {mtu} bytes;"))
            }
            (_, What::Unreachable { from, kind, code }) => self.ended_after(
                n,
                since,
                Outcome::Unreachable,
                &format!("unreachable (type {kind} code {code}), from {from},"),
            ),
            (Kind::Ping { .. }, What::TimeExceeded { from }) => {
                self.ended_after(n, since, Outcome::Unreachable, &format!("time to live exceeded at {from}"))
            }
            (_, What::NoPort { .. }) => self.ended_after(n, since, Outcome::Unreachable, "no free source port"),
            _ => {}
        }
        let _ = host;
    }

    /// A hop of traceroute has answered; gives its number.
    fn hop(&mut self, n: usize, from: IpAddr) -> usize {
        self.operations[n].hops.push(from.to_string());
        let ttl = self.operations[n].hops.len();
        self.say(format!("  {ttl:>2}  {from}"));
        ttl
    }

    /// A step is over.
    fn end(&mut self, n: usize, outcome: Option<Outcome>, text: &str) {
        self.tell_drops();
        let o = &mut self.operations[n];
        if o.ended.is_some() {
            return;
        }
        o.outcome = outcome;
        o.ended = Some(self.sim.now());
        if !text.is_empty() {
            let name = super::prepare_name(&self.scenario.steps[n].value);
            self.say(format!("  {name}: {text}"));
        }
        if let Some(expect) = &self.scenario.steps[n].expect {
            for check in self.checks(n, expect) {
                self.say(check.text());
            }
        }
    }

    fn checks(&self, n: usize, expect: &crate::scenario::Expect) -> Vec<CheckResult> {
        let o = &self.operations[n];
        let drop = self.deciding_drop(n);
        let watch = &self.sim.observer.1.0;
        let way = watch
            .ways
            .get(&o.tag)
            .into_iter()
            .flatten()
            .map(|eni| self.network().names.enis[*eni].id.clone())
            .collect();
        let happened = Happened {
            outcome: o.outcome,
            elapsed: o.elapsed,
            lasted: o.ended.map_or(Nanos::ZERO, |ended| ended.since(o.started)),
            drop: drop.map(|drop| (drop, &self.networks[usize::from(drop.epoch)])),
            on: drop.map(|drop| o.leg_of(&drop.headers)),
            way,
            hops: o.hops.clone(),
            addresses: o.addresses.clone(),
            bytes: o.bytes,
        };
        check::step(expect, &happened)
    }

    /// The first drop of a step's packets.
    fn deciding_drop(&self, n: usize) -> Option<Drop> {
        let o = &self.operations[n];
        let drops = self.sim.observer.1.0.drops.get(&o.tag)?;
        drops.iter().find(|drop| drop.at >= o.started && o.ended.is_none_or(|ended| drop.at <= ended)).copied()
    }

    /// Puts the topology with its changes and faults in force.
    fn reconfigure(&mut self) {
        let mut spec = self.spec.clone();
        for fault in &self.faults {
            break_it(&mut spec, fault, &self.networks[0]);
        }
        let epoch = u16::try_from(self.networks.len()).expect("fewer than 65,536 changes in a run");
        let (network, diagnostics) = compile_epoch(&spec, epoch);
        let errors: Vec<_> = diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        let network = network.unwrap_or_else(|| panic!("tried before the run: {errors:?}"));
        self.networks.push(network.clone());
        self.sim.configure(network);
    }

    fn finish(mut self) -> Report {
        let totals = self.sim.totals();
        self.sim.observer.0.check(&totals);
        let steps = (0..self.operations.len()).map(|n| self.step_report(n)).collect();
        let ended = self.sim.now();
        let flow_logs = self.sim.observer.1.1.1.records(self.network(), ended);
        let counters = self.counters(&totals);
        let evidence = self.scenario.expect.iter().map(|e| match &e.value {
            Evidence::FlowLog(want) => check::flow_log(want, &flow_logs),
            Evidence::Counter(want) => check::counter(want, &counters),
        });
        let evidence = evidence.collect();
        let wanted = self.captured_interfaces();
        let captured = std::mem::take(&mut self.sim.observer.1.1.0.packets);
        let captured = captured.into_iter().filter(|c| wanted.as_ref().is_none_or(|w| w.contains(&c.eni))).collect();
        self.lines.sort_by_key(|line| line.at);
        Report {
            lines: self.lines,
            steps,
            evidence,
            ended,
            seed: self.seed,
            networks: self.networks,
            captured,
            flow_logs,
            totals,
            counters,
        }
    }

    /// The interfaces that the scenario captures; nothing for all of them.
    fn captured_interfaces(&self) -> Option<BTreeSet<crate::base::ids::EniIx>> {
        if self.capture_all {
            return None;
        }
        let Captures::Interfaces(names) = &self.scenario.captures else { return None };
        let network = self.network();
        let mut out = BTreeSet::new();
        for name in names {
            match network.names.find(name) {
                Found::One(Resource::Eni(eni)) => {
                    out.insert(eni);
                }
                Found::One(Resource::Guest(guest)) => out.extend(network.fabric.guests[guest].enis.iter().copied()),
                Found::One(Resource::Nat(nat)) => out.extend(network.fabric.nats[nat].eni),
                _ => {}
            }
        }
        Some(out)
    }

    fn step_report(&self, n: usize) -> StepReport {
        let (o, step) = (&self.operations[n], &self.scenario.steps[n]);
        StepReport {
            title: super::prepare_title(step),
            started: o.started,
            ended: o.ended.unwrap_or(o.started),
            outcome: o.outcome,
            elapsed: o.elapsed,
            blocked_by: self.deciding_drop(n),
            checks: step.expect.as_ref().map_or_else(Vec::new, |expect| self.checks(n, expect)),
        }
    }

    /// Counters by AWS's names where there are any.
    fn counters(&self, totals: &crate::sim::Totals) -> Vec<(String, u64)> {
        let mut out: BTreeMap<String, u64> = BTreeMap::new();
        out.insert("packets_originated".to_owned(), totals.originated);
        out.insert("packets_delivered".to_owned(), totals.delivered);
        out.insert("packets_dropped".to_owned(), totals.dropped);
        for ((epoch, by), count) in &self.sim.observer.1.0.by_row {
            let network = &self.networks[usize::from(*epoch)];
            let (names, fabric) = (&network.names, &network.fabric);
            let id = names.row_resource_id(fabric, *by);
            let metric = match fabric.rows[*by].kind {
                RowKind::NatPorts => "ErrorPortAllocation",
                RowKind::NatIdle => "IdleTimeoutCount",
                RowKind::ServiceRate => "linklocal_allowance_exceeded",
                RowKind::LinkQueue => "bw_out_allowance_exceeded",
                _ => "dropped",
            };
            *out.entry(format!("{id}.{metric}")).or_default() += count;
        }
        out.into_iter().collect()
    }
}

fn same_fault(a: &Fault, b: &Fault) -> bool {
    match (a, b) {
        (Fault::Instance(a), Fault::Instance(b))
        | (Fault::NatGateway(a), Fault::NatGateway(b))
        | (Fault::Az(a), Fault::Az(b))
        | (Fault::Link(a), Fault::Link(b)) => a == b,
        _ => false,
    }
}

/// What a fault makes of a topology.
fn break_it(spec: &mut Spec, fault: &Fault, network: &Network) {
    match fault {
        Fault::Instance(name) => {
            if let Some(instance) = spec.instances.get_mut(name.value.as_str()) {
                instance.state = Some(InstanceState::Stopped);
            }
        }
        Fault::NatGateway(name) => {
            if let Some(nat) = spec.nat_gateways.get_mut(name.value.as_str()) {
                nat.available = Some(false);
            }
        }
        Fault::Az(az) => {
            let (names, fabric) = (&network.names, &network.fabric);
            let down = |eni: crate::base::ids::EniIx| {
                let zone = &names.zones[fabric.subnets[fabric.enis[eni].subnet].zone as usize];
                *zone == az.value || zone.ends_with(az.value.as_str())
            };
            for (guest, g) in fabric.guests.iter_enumerated() {
                if g.enis.first().is_some_and(|eni| down(*eni))
                    && let Some(instance) = spec.instances.get_mut(names.guests[guest].id.as_str())
                {
                    instance.state = Some(InstanceState::Stopped);
                }
            }
            for (nat, n) in fabric.nats.iter_enumerated() {
                if n.eni.is_some_and(down)
                    && let Some(gateway) = spec.nat_gateways.get_mut(names.nats[nat].id.as_str())
                {
                    gateway.available = Some(false);
                }
            }
        }
        Fault::Link(name) => {
            let mut links = spec.links.unwrap_or_default();
            let slot = match name.value.as_str() {
                n if n == prepare::LINKS[0] => &mut links.same_az,
                n if n == prepare::LINKS[1] => &mut links.cross_az,
                _ => &mut links.internet,
            };
            *slot = Some(LinkSpec { loss: Some(Ratio(Ratio::ONE)), ..slot.unwrap_or_default() });
            spec.links = Some(links);
        }
    }
}
