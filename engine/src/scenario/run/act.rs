//! Steps begin: what each asks of its host, and what it does when its alarm rings.

use super::operation::{DNS_WAIT, HANG_AFTER, HOP_WAIT, INTERVAL, Kind, PING_WAIT, TRACEROUTE_PORT, UDP_WAIT};
use super::runner::Runner;
use crate::base::rng::Stream;
use crate::base::{Nanos, Protocol};
use crate::event::HostRef;
use crate::host::{Connect, Datagram, Ping, Probe, ProbeKind};
use crate::load;
use crate::scenario::{Action, AddressFamily, Outcome, Probe as ProbeWord, TrafficModel, Transport, apply};
use crate::wire::{Fragment, Headers, L4, Packet, Payload, Udp, dns};

impl Runner<'_> {
    pub(super) fn act(&mut self, n: usize, action: &Action) {
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
                let (bytes, count) = (s.bytes.unwrap_or(32).min(65_000) as u16, u64::from(s.count.unwrap_or(1)));
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
                self.faults.retain(|f| !super::fault::same_fault(f, fault));
                self.reconfigure();
                self.end(n, None, "");
            }
            Action::Join(m) | Action::Leave(m) => {
                let (host, ..) = self.ends(&m.host, &m.group.to_string());
                let (group, joins) = (m.group.value, matches!(action, Action::Join(_)));
                self.sim.with_host(host, |h, _| if joins { h.join(group, tag) } else { h.leave(group, tag) });
                self.end(n, None, "");
            }
            Action::Flows(_) | Action::Scan(_) | Action::Flood(_) => self.start_load(n, action),
            Action::Inject(step) => self.start_injection(n, step),
            Action::Wait(w) => self.alarm(n, self.sim.now() + w.duration.value),
        }
    }

    pub(super) fn traffic(&mut self, n: usize, t: &crate::scenario::Traffic) {
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

    pub(super) fn resolve(&mut self, n: usize, r: &crate::scenario::Resolve) {
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
    pub(super) fn next_packet(&mut self, n: usize) {
        let (tag, port, now) = (self.operations[n].tag, self.operations[n].port, self.sim.now());
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
                let pause = if *poisson { exponential(&mut self.random, *interval) } else { *interval };
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

    pub(super) fn wake(&mut self, n: usize) {
        let now = self.sim.now();
        match &mut self.operations[n].kind {
            Kind::Wait => self.end(n, None, ""),
            Kind::Inject { .. } => self.next_injected(n),
            Kind::Load { .. } => unreachable!("a generator has its own timers"),
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
                // A group's members each get a copy.
                let text = if arrived as u64 > sent {
                    format!("{arrived} copies of {sent} datagrams arrived")
                } else {
                    format!("{arrived} of {sent} datagrams arrived, {replies} replies")
                };
                self.end(n, Some(outcome), &text);
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
}

/// An exponentially distributed pause with this mean.
fn exponential(random: &mut Stream, mean: Nanos) -> Nanos {
    Nanos(load::exponential(random, mean.0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exponential distribution has its mean as its standard deviation, and 1/e of it lies above the mean.
    #[test]
    fn pauses_are_exponential() {
        let mut random = Stream::new(1, "test", "pauses");
        let n = 20_000u64;
        let pauses: Vec<u64> = (0..n).map(|_| exponential(&mut random, Nanos(1_000_000)).0).collect();
        let mean = pauses.iter().sum::<u64>() / n;
        let above = pauses.iter().filter(|p| **p > 1_000_000).count() as u64 * 1000 / n;
        assert!((970_000..1_030_000).contains(&mean) && (355..381).contains(&above), "{mean} {above}");
    }
}
