//! The packets of flows.

use super::Answer;
use crate::base::Protocol;
use crate::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp, quote};
use std::net::IpAddr;

/// Window that every segment announces: the largest without scaling.
const WINDOW: u16 = u16::MAX;

/// One end of a flow, as the other end or as it itself sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
}

impl Ends {
    /// Of a packet that came: the way back.
    pub(super) fn back(headers: &Headers) -> Self {
        let (src_port, dst_port) = headers.ports();
        Self { src: headers.dst, dst: headers.src, src_port: dst_port, dst_port: src_port }
    }
}

fn headers(ends: &Ends, protocol: Protocol, ttl: u8, dont: bool, l4: L4) -> Headers {
    let fragment = Fragment { dont: dont || ends.src.is_ipv6(), ..Fragment::default() };
    Headers { src: ends.src, dst: ends.dst, protocol, ttl, traffic_class: 0, fragment, l4 }
}

/// What a segment says.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) flags: TcpFlags,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) data: u32,
}

/// A TCP segment with data of zeros.
pub(super) fn segment(ends: &Ends, ttl: u8, tag: u32, s: Segment) -> Packet {
    let Segment { flags, seq, ack, data } = s;
    let (src_port, dst_port) = (ends.src_port, ends.dst_port);
    let tcp = Tcp { src_port, dst_port, seq, ack, window: WINDOW, flags, options_len: 0 };
    Packet { headers: headers(ends, Protocol::TCP, ttl, true, L4::Tcp(tcp)), tag, payload: Payload::Zeros(data) }
}

/// The same with the option of RFC 9293 section 3.7.1: the largest segment that this end takes.
pub(super) fn with_mss(mut packet: Packet, mss: u16) -> Packet {
    let [high, low] = mss.to_be_bytes();
    packet.payload = Payload::from([2, 4, high, low].as_slice());
    if let L4::Tcp(tcp) = &mut packet.headers.l4 {
        tcp.options_len = 4;
    }
    packet
}

/// The largest segment that the other end of a SYN takes; RFC 9293's default if it does not say.
pub(super) fn mss_of(packet: &Packet) -> u16 {
    let len = packet.headers.tcp().map_or(0, |tcp| u32::from(tcp.options_len));
    let options = packet.payload.slice(0, len).to_vec();
    let mut rest = options.as_slice();
    while let Some((&kind, more)) = rest.split_first() {
        match (kind, more) {
            (0, _) => break,
            (1, _) => rest = more,
            (2, [4, high, low, ..]) => return u16::from_be_bytes([*high, *low]),
            (_, [len, ..]) if *len >= 2 && usize::from(*len) <= rest.len() => rest = &rest[usize::from(*len)..],
            _ => break,
        }
    }
    if packet.headers.is_v4() { 536 } else { 1220 }
}

/// A datagram of zeros.
pub(super) fn datagram(ends: &Ends, ttl: u8, tag: u32, bytes: u16) -> Packet {
    let udp = Udp { src_port: ends.src_port, dst_port: ends.dst_port, length: bytes + 8 };
    let headers = headers(ends, Protocol::UDP, ttl, false, L4::Udp(udp));
    Packet { headers, tag, payload: Payload::Zeros(bytes.into()) }
}

/// An echo request; the source port is its identifier.
pub(super) fn echo(ends: &Ends, ttl: u8, tag: u32, bytes: u16) -> Packet {
    let v4 = ends.src.is_ipv4();
    let (protocol, kind) = if v4 { (Protocol::ICMP, Icmp::ECHO) } else { (Protocol::ICMPV6, Icmp::V6_ECHO) };
    let icmp = Icmp { kind, code: 0, rest: u32::from(ends.src_port) << 16 | 1 };
    Packet { headers: headers(ends, protocol, ttl, false, L4::Icmp(icmp)), tag, payload: Payload::Zeros(bytes.into()) }
}

/// What a host says to a packet that begins something there, if it keeps no record of it.
pub(super) fn answer(packet: &Packet, local: super::Local) -> Option<Packet> {
    let h = &packet.headers;
    if h.fragment.offset != 0 || h.is_icmp_error() {
        return None;
    }
    let (back, tag) = (Ends::back(h), packet.tag);
    match (h.l4, local.answer) {
        (L4::Tcp(tcp), Answer::Takes) if tcp.flags.is_first_syn() => {
            let flags = TcpFlags::SYN_ACK;
            // Any number will do for a sequence that nobody goes on with.
            let (seq, ack) = (tcp.seq.rotate_left(16), tcp.seq.wrapping_add(1));
            let syn_ack = segment(&back, local.ttl, tag, Segment { flags, seq, ack, data: 0 });
            Some(with_mss(syn_ack, local.mss(h.is_v4())))
        }
        (L4::Tcp(tcp), Answer::Refuses) if tcp.flags.is_first_syn() => quote::reset(packet),
        (L4::Udp(_), Answer::Takes) => Some(datagram(&back, local.ttl, tag, packet.payload.len() as u16)),
        (L4::Udp(_), Answer::Refuses) => Some(quote::port_unreachable(packet, h.dst)),
        (L4::Icmp(icmp), Answer::Takes) if h.is_echo_request() => {
            let kind = if h.is_v4() { Icmp::ECHO_REPLY } else { Icmp::V6_ECHO_REPLY };
            let mut reply = packet.clone();
            (reply.headers.src, reply.headers.dst, reply.headers.ttl) = (h.dst, h.src, local.ttl);
            reply.headers.l4 = L4::Icmp(Icmp { kind, ..icmp });
            Some(reply)
        }
        _ => None,
    }
}
