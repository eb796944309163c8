//! UDP, echo and probes.
//!
//! A UDP listener answers each datagram with one of the same size. A port that sent a datagram within
//! [`SOCKET_LIFE`] takes what comes back from where it sent.

use super::tcp::Tuple;
use super::{Datagram, Host, Ping, Probe, ProbeKind, What};
use crate::base::{Instant, Nanos, Protocol};
use crate::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Udp, fragment, quote};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::IpAddr;

/// How long after its last packet a host knows what an answer or an error belongs to.
pub const SOCKET_LIFE: Nanos = Nanos::from_secs(300);

/// What answers and errors are matched by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    /// A UDP socket and where it sent to.
    Udp(Tuple),
    /// An echo request: our address, the other, identifier and sequence number.
    Echo(IpAddr, IpAddr, u32),
}

/// What the host sent lately, and with which tag.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Looked up, never walked.
    sent: FxHashMap<Key, (u32, Instant)>,
    order: VecDeque<(Instant, Key)>,
}

impl Asked {
    fn add(&mut self, now: Instant, key: Key, tag: u32) {
        while let Some((at, old)) = self.order.front()
            && now.since(*at) >= SOCKET_LIFE
        {
            if self.sent.get(old).is_some_and(|(_, sent)| sent == at) {
                self.sent.remove(old);
            }
            self.order.pop_front();
        }
        self.sent.insert(key, (tag, now));
        self.order.push_back((now, key));
    }
    /// The tag of what was asked, and when.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<(u32, Instant)> {
        self.sent.get(key).copied().filter(|(_, at)| now.since(*at) < SOCKET_LIFE)
    }
}

/// A packet to send.
struct Draft {
    src: IpAddr,
    dst: IpAddr,
    ttl: u8,
    df: bool,
    tag: u32,
    l4: L4,
    payload: Payload,
}

impl Host {
    /// Sends a datagram.
    pub fn send_udp(&mut self, now: Instant, d: Datagram) {
        let (src, dst, ttl) = (d.src, d.dst, super::ttl(self.config.os));
        self.udp(now, (src, d.src_port), (dst, d.dst_port), d.bytes, |l4, payload| Draft {
            src,
            dst,
            ttl,
            df: d.df,
            tag: d.tag,
            l4,
            payload,
        });
    }
    /// Sends an echo request.
    pub fn ping(&mut self, now: Instant, p: Ping) {
        let kind = if p.src.is_ipv4() { Icmp::ECHO } else { Icmp::V6_ECHO };
        let rest = u32::from(p.id) << 16 | u32::from(p.seq);
        self.asked.add(now, Key::Echo(p.src, p.dst, rest), p.tag);
        let draft = Draft {
            src: p.src,
            dst: p.dst,
            ttl: p.ttl.unwrap_or(super::ttl(self.config.os)),
            df: p.df,
            tag: p.tag,
            l4: L4::Icmp(Icmp { kind, code: 0, rest }),
            payload: Payload::Zeros(p.bytes.into()),
        };
        self.transmit(now, draft);
    }
    /// Sends one probe of a traceroute.
    pub fn probe(&mut self, now: Instant, p: Probe) {
        let Probe { src, dst, ttl, bytes, tag, kind } = p;
        match kind {
            ProbeKind::Echo { id, seq } => {
                self.ping(now, Ping { src, dst, id, seq, bytes, ttl: Some(ttl), df: false, tag });
            }
            ProbeKind::Udp { src_port, dst_port } => {
                self.udp(now, (src, src_port), (dst, dst_port), bytes, |l4, payload| Draft {
                    src,
                    dst,
                    ttl,
                    df: false,
                    tag,
                    l4,
                    payload,
                });
            }
        }
    }

    fn udp(
        &mut self,
        now: Instant,
        (src, src_port): (IpAddr, Option<u16>),
        (dst, dst_port): (IpAddr, u16),
        bytes: u16,
        draft: impl FnOnce(L4, Payload) -> Draft,
    ) {
        let key = |local_port| Key::Udp(Tuple { local: src, local_port, remote: dst, remote_port: dst_port });
        let port = src_port.or_else(|| self.free_port(|host, port| host.asked.get(&key(port), now).is_some()));
        let bytes = bytes.min(u16::MAX - 28);
        let l4 = L4::Udp(Udp { src_port: port.unwrap_or_default(), dst_port, length: bytes + 8 });
        let draft = draft(l4, Payload::Zeros(bytes.into()));
        match port {
            Some(port) => {
                self.asked.add(now, key(port), draft.tag);
                self.transmit(now, draft);
            }
            None => self.tell(now, draft.tag, What::NoPort { conn: None }),
        }
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, packet: &Packet) {
        let (tuple, h) = (Tuple::of_received(packet), &packet.headers);
        let L4::Udp(udp) = h.l4 else { return };
        let asked = self.asked.get(&Key::Udp(tuple), now);
        if asked.is_none() && !self.listens(Protocol::UDP, tuple.local_port) {
            if self.config.refuses {
                let mut error = quote::port_unreachable(packet, tuple.local);
                error.headers.ttl = super::ttl(self.config.os);
                self.out.push_back(error);
            }
            return;
        }
        let what = What::UdpReceived { src: h.src, src_port: udp.src_port, bytes: packet.payload.len() };
        self.tell(now, asked.map_or(packet.tag, |(tag, _)| tag), what);
        if asked.is_none() {
            let reply = Udp { src_port: udp.dst_port, dst_port: udp.src_port, ..udp };
            self.reply(now, packet, L4::Udp(reply));
        }
    }
    pub(super) fn handle_echo(&mut self, now: Instant, packet: &Packet) {
        let h = &packet.headers;
        let Some(icmp) = h.icmp() else { return };
        if h.is_echo_request() && self.config.answers_ping {
            let kind = if h.is_v4() { Icmp::ECHO_REPLY } else { Icmp::V6_ECHO_REPLY };
            self.reply(now, packet, L4::Icmp(Icmp { kind, ..icmp }));
        } else if h.is_echo_reply()
            && let Some((tag, sent)) = self.asked.get(&Key::Echo(h.dst, h.src, icmp.rest), now)
        {
            let (seq, bytes, rtt) = (icmp.rest as u16, packet.payload.len(), now.since(sent));
            self.tell(now, tag, What::EchoReply { from: h.src, seq, bytes, rtt });
        }
    }

    /// Sends the payload back. Replies may be fragmented on the way, as Linux' echo replies may.
    fn reply(&mut self, now: Instant, to: &Packet, l4: L4) {
        let (src, dst, payload) = (to.headers.dst, to.headers.src, to.payload.clone());
        self.transmit(now, Draft { src, dst, ttl: super::ttl(self.config.os), df: false, tag: to.tag, l4, payload });
    }
    /// Sends a packet, in fragments if it has to be and may.
    fn transmit(&mut self, now: Instant, d: Draft) {
        let v4 = d.src.is_ipv4();
        let protocol = match d.l4 {
            L4::Udp(_) => Protocol::UDP,
            _ if v4 => Protocol::ICMP,
            _ => Protocol::ICMPV6,
        };
        let fragment = Fragment { dont: d.df || !v4, ..Fragment::default() };
        let headers = Headers { src: d.src, dst: d.dst, protocol, ttl: d.ttl, traffic_class: 0, fragment, l4: d.l4 };
        let mut packet = Packet { headers, tag: d.tag, payload: d.payload };
        let mtu = self.paths.get(d.dst, now).unwrap_or(self.config.mtu).min(self.config.mtu);
        let fits = packet.len() <= mtu;
        if !fits && d.df {
            // What a socket with IP_PMTUDISC_DO gets: EMSGSIZE.
            return self.tell(now, d.tag, What::TooBig { from: d.src, mtu });
        }
        // RFC 6864 section 4: only what may be fragmented needs an identification; in IPv6 only what is.
        if if v4 { !d.df } else { !fits } {
            self.next_id = self.next_id.wrapping_add(1);
            packet.headers.fragment.id = if v4 { self.next_id & 0xffff } else { self.next_id };
        }
        self.out.extend(fragment::split(&packet, mtu));
    }
}
