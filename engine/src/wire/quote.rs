//! ICMP errors and the packets they quote.
//!
//! An error quotes the IP header and as much of the packet as fits (RFC 1812 section 4.3.2.3: 576 bytes
//! in all in IPv4; RFC 4443 section 3: 1,280 in IPv6).

use super::emit::emit;
use super::parse::parse_headers;
use super::{Fragment, Headers, Icmp, L4, Packet, Payload};
use crate::base::Protocol;
use std::net::IpAddr;

/// Time to live of an error that a router or a host sends.
const TTL: u8 = 64;
/// What an error of either family has at most, headers included.
const LEN_MAX: [usize; 2] = [576, 1280];

/// The headers of the packet that an ICMP error quotes.
#[must_use]
pub fn quoted(packet: &Packet) -> Option<Headers> {
    if !packet.headers.is_icmp_error() {
        return None;
    }
    parse_headers(&packet.payload.to_vec(), true).ok().map(|(headers, _)| headers)
}

/// Writes addresses, ports and identifier of `headers` into the packet that an ICMP error quotes, as a
/// translator does (RFC 5508 section 4.2). The quoted checksums are left as they are: RFC 5508 lets a
/// translator do so for UDP and TCP, and receivers do not verify them.
pub fn requote(packet: &mut Packet, headers: &Headers) {
    let mut bytes = packet.payload.to_vec();
    let at = match (headers.src, headers.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) if bytes.len() >= 20 => {
            bytes[12..16].copy_from_slice(&src.octets());
            bytes[16..20].copy_from_slice(&dst.octets());
            bytes[10..12].copy_from_slice(&[0, 0]);
            let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes[..20]).ones_complement().to_be();
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            20
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) if bytes.len() >= 40 => {
            bytes[8..24].copy_from_slice(&src.octets());
            bytes[24..40].copy_from_slice(&dst.octets());
            // A fragment header lies in between (RFC 8200 section 4.5).
            if bytes[6] == 44 { 48 } else { 40 }
        }
        _ => return,
    };
    let (from, put) = match headers.l4 {
        L4::Tcp(_) | L4::Udp(_) => {
            let (src, dst) = headers.ports();
            (at, [src.to_be_bytes(), dst.to_be_bytes()].concat())
        }
        L4::Icmp(icmp) => (at + 4, icmp.rest.to_be_bytes().to_vec()),
        L4::None => return finish(packet, &bytes),
    };
    if let Some(place) = bytes.get_mut(from..from + put.len()) {
        place.copy_from_slice(&put);
    }
    finish(packet, &bytes);
}

fn finish(packet: &mut Packet, bytes: &[u8]) {
    packet.payload = Payload::from(bytes);
}

/// Destination unreachable, port unreachable: what a host sends about UDP to a port where nothing listens
/// (RFC 1122 section 4.1.3.1).
#[must_use]
pub fn port_unreachable(about: &Packet, from: IpAddr) -> Packet {
    let (kind, code) = if about.headers.is_v4() { (Icmp::UNREACHABLE, 3) } else { (Icmp::V6_UNREACHABLE, 4) };
    error(about, from, Icmp { kind, code, rest: 0 })
}

/// Fragmentation needed (RFC 1191 section 4), or packet too big (RFC 4443 section 3.2).
#[must_use]
pub fn too_big(about: &Packet, from: IpAddr, mtu: u32) -> Packet {
    let (kind, code) = if about.headers.is_v4() { (Icmp::UNREACHABLE, 4) } else { (Icmp::V6_TOO_BIG, 0) };
    error(about, from, Icmp { kind, code, rest: mtu })
}

/// Time exceeded in transit (RFC 792; RFC 4443 section 3.3).
#[must_use]
pub fn time_exceeded(about: &Packet, from: IpAddr) -> Packet {
    let kind = if about.headers.is_v4() { Icmp::TIME_EXCEEDED } else { Icmp::V6_TIME_EXCEEDED };
    error(about, from, Icmp { kind, code: 0, rest: 0 })
}

/// A RST in the name of the packet's destination (RFC 9293 section 3.5.2). Never send one about a RST.
#[must_use]
pub fn reset(about: &Packet) -> Option<Packet> {
    let tcp = about.headers.tcp()?;
    let data = about.payload.len() - u32::from(tcp.options_len).min(about.payload.len());
    let mut headers = about.headers;
    (headers.src, headers.dst, headers.ttl) = (about.headers.dst, about.headers.src, TTL);
    headers.fragment = Fragment { dont: true, ..Fragment::default() };
    headers.traffic_class = 0;
    // A segment with an ACK gets a RST at the place it acknowledges; one without gets zero and an ACK of itself.
    let (seq, ack, flags) = if tcp.flags.has(super::TcpFlags::ACK) {
        (tcp.ack, 0, super::TcpFlags::RST)
    } else {
        let syn_fin = (tcp.flags.0 & 1) + ((tcp.flags.0 >> 1) & 1);
        (0, tcp.seq.wrapping_add(data).wrapping_add(syn_fin.into()), super::TcpFlags::RST_ACK)
    };
    headers.l4 = L4::Tcp(super::Tcp {
        src_port: tcp.dst_port,
        dst_port: tcp.src_port,
        seq,
        ack,
        window: 0,
        flags,
        options_len: 0,
    });
    Some(Packet { headers, tag: about.tag, payload: Payload::EMPTY })
}

fn error(about: &Packet, from: IpAddr, icmp: Icmp) -> Packet {
    let v4 = about.headers.is_v4();
    let mut quote = emit(about);
    // Less the error's own headers.
    quote.truncate(if v4 { LEN_MAX[0] - 28 } else { LEN_MAX[1] - 48 });
    let headers = Headers {
        src: from,
        dst: about.headers.src,
        protocol: if v4 { Protocol::ICMP } else { Protocol::ICMPV6 },
        ttl: TTL,
        traffic_class: 0,
        fragment: Fragment { dont: !v4, ..Fragment::default() },
        l4: L4::Icmp(icmp),
    };
    Packet { headers, tag: about.tag, payload: Payload::from(quote.as_slice()) }
}
