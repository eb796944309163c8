//! What hosts report, what taps catch, what was dropped: until a step is over.

use super::operation::{HANG_AFTER, Kind, Operation};
use super::report::Line;
use super::runner::Runner;
use crate::base::{Instant, Nanos};
use crate::event::HostRef;
use crate::host::{HostEvent, What};
use crate::scenario::Outcome;
use crate::verdict::code_of;
use crate::wire::dns;
use std::net::IpAddr;

impl Runner<'_> {
    /// Datagrams of a step that reached somebody.
    pub(super) fn arrived(&self, n: usize) -> usize {
        let o = &self.operations[n];
        let watch = &self.sim.observer.1.0;
        watch
            .arrived
            .get(&o.tag)
            .map_or(0, |all| all.iter().filter(|(_, h)| o.leg_of(h) == crate::scenario::Leg::Request).count())
    }

    /// What hosts and taps report, and which new drops there are.
    pub(super) fn hear(&mut self) {
        self.follow();
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
        self.hear_load();
        self.tell_drops();
    }

    /// Each row that drops packets of a step is told once.
    pub(super) fn tell_drops(&mut self) {
        let mut lines = Vec::new();
        let watch = &self.sim.observer.1.0;
        for o in &mut self.operations {
            if o.ended.is_some() {
                continue;
            }
            // Of very many flows the rows are told with their counts, at the end.
            if matches!(o.kind, Kind::Load { .. }) {
                continue;
            }
            let Some(drops) = watch.drops.get(&o.tag) else { continue };
            let new = &drops[o.heard.min(drops.len())..];
            o.heard = drops.len();
            for drop in new.iter().filter(|drop| drop.at >= o.started) {
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

    pub(super) fn heard(&mut self, host: HostRef, event: &HostEvent) {
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
        // The other side reports too, with the same tag: only what the asker sees ends a step.
        let mine = |o: &Operation| o.ended.is_none() && o.tag == event.tag && o.asker() == Some(host);
        let Some(n) = self.operations.iter().position(mine) else { return };
        self.packet_event(n, event);
    }

    pub(super) fn conn_event(&mut self, n: usize, event: &HostEvent) {
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

    pub(super) fn ended_after(&mut self, n: usize, since: Nanos, outcome: Outcome, text: &str) {
        self.operations[n].elapsed = Some(since);
        self.end(n, Some(outcome), &format!("{text} after {since}"));
    }

    /// Data has moved on a connection: is that all of it?
    pub(super) fn moved(&mut self, n: usize, now: Instant) {
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

    pub(super) fn connected(&mut self, n: usize) {
        let Kind::Connect { host, conn, keep_open, send, receive, .. } = self.operations[n].kind else { return };
        let elapsed = self.operations[n].elapsed.unwrap_or_default();
        let what = if send + receive > 0 { "all data moved" } else { "connected" };
        self.end(n, Some(Outcome::Connected), &format!("{what} after {elapsed}"));
        if !keep_open {
            self.sim.with_host(host, |h, now| h.close(now, conn));
        }
    }

    pub(super) fn packet_event(&mut self, n: usize, event: &HostEvent) {
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
                let text = format!("  told by {from}: packets of at most {mtu} bytes");
                // A window of segments is told one by one, at the same moment.
                if self.lines.last().is_none_or(|line| line.text != text) {
                    self.say(text);
                }
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
    }

    /// A hop of traceroute has answered; gives its number.
    pub(super) fn hop(&mut self, n: usize, from: IpAddr) -> usize {
        self.operations[n].hops.push(from.to_string());
        let ttl = self.operations[n].hops.len();
        self.say(format!("  {ttl:>2}  {from}"));
        ttl
    }
}
