//! Fragmentation and reassembly (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! A fragment that is not the first has no transport header; the first one keeps it, with the checksum of
//! the whole datagram in [`Fragment::checksum`](super::Fragment::checksum). A translator that rewrites
//! the addresses of a first UDP fragment sets that checksum to 0, "none" (RFC 768): it cannot be known.

use super::emit::{emit, transport_checksum};
use super::{L4, Packet, Payload, parse};
use crate::base::{Instant, Nanos, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Datagrams that a host holds pieces of at most; more and the oldest is forgotten.
const DATAGRAMS_MAX: usize = 64;
/// How long a host waits for the missing pieces (Linux `ipfrag_time`).
const WAIT: Nanos = Nanos::from_secs(30);

/// Cuts a packet into pieces of at most `mtu` bytes. A packet that fits stays whole; one that is a
/// fragment already is cut further.
///
/// # Panics
/// If `mtu` leaves no room for eight bytes of data: MTUs start at 576.
#[must_use]
pub fn split(packet: &Packet, mtu: u32) -> Vec<Packet> {
    if packet.len() <= mtu {
        return vec![packet.clone()];
    }
    let h = &packet.headers;
    let ip = if h.is_v4() { 20 } else { 48 };
    let transport = match h.l4 {
        L4::Tcp(_) => 20,
        L4::Udp(_) | L4::Icmp(_) => 8,
        L4::None => 0,
    };
    let room = (mtu - ip) & !7;
    assert!(room >= 64, "an MTU of {mtu} is too small");
    let checksum = if h.fragment.is_fragment() { h.fragment.checksum } else { transport_checksum(packet) };
    let mut out = Vec::new();
    let mut at = 0;
    let total = packet.payload.len() + transport;
    while at < total {
        let len = room.min(total - at);
        let mut headers = *h;
        headers.fragment.offset = h.fragment.offset + (at / 8) as u16;
        headers.fragment.more = h.fragment.more || at + len < total;
        let payload = if at == 0 {
            headers.fragment.checksum = checksum;
            packet.payload.slice(0, len - transport)
        } else {
            headers.l4 = L4::None;
            headers.fragment.checksum = 0;
            packet.payload.slice(at - transport, len)
        };
        out.push(Packet { headers, tag: packet.tag, payload });
        at += len;
    }
    out
}

/// Puts datagrams together again.
#[derive(Clone, Debug, Default)]
pub struct Reassembler {
    datagrams: BTreeMap<(IpAddr, IpAddr, Protocol, u32), Pieces>,
}

#[derive(Clone, Debug)]
struct Pieces {
    since: Instant,
    /// By offset in bytes.
    parts: BTreeMap<u32, Payload>,
    first: Option<Packet>,
    /// Total length, once the last piece is here.
    total: Option<u32>,
}

impl Reassembler {
    /// Takes a packet; gives the whole datagram once nothing is missing. A whole packet comes back as it is.
    pub fn push(&mut self, packet: Packet, now: Instant) -> Option<Packet> {
        let h = packet.headers;
        if !h.fragment.is_fragment() {
            return Some(packet);
        }
        self.datagrams.retain(|_, pieces| now.since(pieces.since) < WAIT);
        let key = (h.src, h.dst, h.protocol, h.fragment.id);
        if !self.datagrams.contains_key(&key) && self.datagrams.len() >= DATAGRAMS_MAX {
            let oldest = self.datagrams.iter().min_by_key(|(key, pieces)| (pieces.since, **key)).map(|(key, _)| *key);
            oldest.map(|key| self.datagrams.remove(&key));
        }
        let pieces = self.datagrams.entry(key).or_insert_with(|| Pieces {
            since: now,
            parts: BTreeMap::new(),
            first: None,
            total: None,
        });
        let offset = u32::from(h.fragment.offset) * 8;
        let bytes = transport_bytes(&packet);
        if !h.fragment.more {
            pieces.total = Some(offset + bytes.len());
        }
        pieces.parts.insert(offset, bytes);
        if offset == 0 {
            pieces.first = Some(packet);
        }
        let whole = pieces.whole()?;
        self.datagrams.remove(&key);
        Some(whole)
    }
}

/// Everything behind the IP header.
fn transport_bytes(packet: &Packet) -> Payload {
    if packet.headers.l4 == L4::None {
        return packet.payload.clone();
    }
    let bytes = emit(packet);
    Payload::from(&bytes[if packet.headers.is_v4() { 20 } else { 48 }..])
}

impl Pieces {
    fn whole(&self) -> Option<Packet> {
        let (first, total) = (self.first.as_ref()?, self.total?);
        // RFC 791 section 3.1: a packet has at most 65,535 bytes; RFC 8200 section 3 does not count the header.
        if total > if first.headers.is_v4() { 65_535 - 20 } else { 65_535 } {
            return None;
        }
        let mut bytes = Vec::with_capacity(total as usize);
        for (offset, part) in &self.parts {
            let have = bytes.len() as u32;
            if *offset > have {
                return None;
            }
            // RFC 5722: overlaps are not combined; here they cannot differ, since one sender cut the datagram.
            part.slice(have - *offset, part.len()).write_to(&mut bytes);
        }
        // More than the last piece says: they are not of one datagram.
        if bytes.len() as u32 != total {
            return None;
        }
        let mut headers = first.headers;
        headers.l4 = L4::None;
        headers.fragment.more = false;
        headers.fragment.checksum = 0;
        let raw = Packet { headers, tag: first.tag, payload: Payload::from(bytes.as_slice()) };
        parse(&emit(&raw), first.tag).ok()
    }
}
