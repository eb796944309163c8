//! Packets to bytes, every checksum right.

use super::{Headers, L4, Packet, Tcp};
use crate::base::Protocol;
use etherparse::checksum::Sum16BitWords;
use etherparse::{IpEcn, IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header, TcpHeader, UdpHeader};
use std::net::IpAddr;

/// The IP packet as bytes.
#[must_use]
pub fn emit(packet: &Packet) -> Vec<u8> {
    let mut out = Vec::with_capacity(packet.len() as usize);
    emit_into(packet, &mut out);
    out
}

/// Appends the IP packet to `out`.
///
/// # Panics
/// If the packet is longer than 65,535 bytes or its source and destination are of two families: nothing
/// in the simulator makes such a packet.
pub fn emit_into(packet: &Packet, out: &mut Vec<u8>) {
    let h = &packet.headers;
    let transport = transport(packet);
    match (h.src, h.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let len =
                u16::try_from(transport.len() + Ipv4Header::MIN_LEN).expect("an IPv4 packet has at most 65,535 bytes");
            let mut ip = Ipv4Header {
                total_len: len,
                identification: h.fragment.id as u16,
                dont_fragment: h.fragment.dont,
                more_fragments: h.fragment.more,
                fragment_offset: offset(h),
                time_to_live: h.ttl,
                protocol: IpNumber(h.protocol.0),
                source: src.octets(),
                destination: dst.octets(),
                ecn: IpEcn::try_new(h.traffic_class & 3).expect("two bits"),
                dscp: etherparse::IpDscp::try_new(h.traffic_class >> 2).expect("six bits"),
                ..Ipv4Header::default()
            };
            ip.header_checksum = ip.calc_header_checksum();
            out.extend_from_slice(&ip.to_bytes());
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let fragmented = h.fragment.is_fragment();
            let len = transport.len() + if fragmented { Ipv6FragmentHeader::LEN } else { 0 };
            let ip = Ipv6Header {
                traffic_class: h.traffic_class,
                flow_label: etherparse::Ipv6FlowLabel::ZERO,
                payload_length: u16::try_from(len).expect("an IPv6 payload has at most 65,535 bytes"),
                next_header: if fragmented { IpNumber::IPV6_FRAGMENTATION_HEADER } else { IpNumber(h.protocol.0) },
                hop_limit: h.ttl,
                source: src.octets(),
                destination: dst.octets(),
            };
            out.extend_from_slice(&ip.to_bytes());
            if fragmented {
                let f = Ipv6FragmentHeader::new(IpNumber(h.protocol.0), offset(h), h.fragment.more, h.fragment.id);
                out.extend_from_slice(&f.to_bytes());
            }
        }
        _ => panic!("source and destination are of two families: {h:?}"),
    }
    out.extend_from_slice(&transport);
}

fn offset(h: &Headers) -> IpFragOffset {
    IpFragOffset::try_new(h.fragment.offset).expect("a fragment's offset has 13 bits")
}

/// Transport header and payload.
fn transport(packet: &Packet) -> Vec<u8> {
    let h = &packet.headers;
    let mut out = Vec::with_capacity(packet.len() as usize);
    match h.l4 {
        L4::Tcp(tcp) => return tcp_segment(h, &tcp, &packet.payload.to_vec()),
        L4::Udp(udp) => {
            let payload = packet.payload.to_vec();
            let mut header = UdpHeader {
                source_port: udp.src_port,
                destination_port: udp.dst_port,
                length: udp.length,
                checksum: 0,
            };
            // RFC 768: the checksum covers the whole datagram, which a fragment does not hold.
            header.checksum =
                if h.fragment.is_fragment() { h.fragment.checksum } else { udp_checksum(h, &header, &payload) };
            out.extend_from_slice(&header.to_bytes());
            out.extend_from_slice(&payload);
        }
        L4::Icmp(icmp) => {
            out.extend_from_slice(&[icmp.kind, icmp.code, 0, 0]);
            out.extend_from_slice(&icmp.rest.to_be_bytes());
            packet.payload.write_to(&mut out);
            let checksum = if h.fragment.is_fragment() { h.fragment.checksum } else { icmp_checksum(h, &out) };
            out[2..4].copy_from_slice(&checksum.to_be_bytes());
        }
        L4::None => packet.payload.write_to(&mut out),
    }
    out
}

fn tcp_segment(h: &Headers, tcp: &Tcp, payload: &[u8]) -> Vec<u8> {
    let (options, data) = payload.split_at(usize::from(tcp.options_len).min(payload.len()));
    let f = tcp.flags.0;
    let bit = |n: u8| f & (1 << n) != 0;
    let mut header = TcpHeader::new(tcp.src_port, tcp.dst_port, tcp.seq, tcp.window);
    header.acknowledgment_number = tcp.ack;
    (header.fin, header.syn, header.rst, header.psh) = (bit(0), bit(1), bit(2), bit(3));
    (header.ack, header.urg, header.ece, header.cwr) = (bit(4), bit(5), bit(6), bit(7));
    header.set_options_raw(options).expect("at most 40 bytes of options");
    header.checksum = match (h.src, h.dst) {
        _ if h.fragment.is_fragment() => h.fragment.checksum,
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            header.calc_checksum_ipv4_raw(src.octets(), dst.octets(), data).expect("a segment fits in a packet")
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            header.calc_checksum_ipv6_raw(src.octets(), dst.octets(), data).expect("a segment fits in a packet")
        }
        _ => unreachable!("checked by emit_into"),
    };
    let mut out = header.to_bytes().to_vec();
    out.extend_from_slice(data);
    out
}

fn udp_checksum(h: &Headers, header: &UdpHeader, payload: &[u8]) -> u16 {
    match (h.src, h.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => header.calc_checksum_ipv4_raw(src.octets(), dst.octets(), payload),
        (IpAddr::V6(src), IpAddr::V6(dst)) => header.calc_checksum_ipv6_raw(src.octets(), dst.octets(), payload),
        _ => unreachable!("checked by emit_into"),
    }
    .expect("a datagram fits in a packet")
}

/// RFC 792; RFC 4443 section 2.3 adds the pseudo header in IPv6.
fn icmp_checksum(h: &Headers, message: &[u8]) -> u16 {
    let mut sum = Sum16BitWords::new();
    if let (Protocol::ICMPV6, IpAddr::V6(src), IpAddr::V6(dst)) = (h.protocol, h.src, h.dst) {
        let len = u32::try_from(message.len()).expect("a message fits in a packet");
        sum = sum.add_16bytes(src.octets()).add_16bytes(dst.octets()).add_4bytes(len.to_be_bytes()).add_4bytes([
            0,
            0,
            0,
            Protocol::ICMPV6.0,
        ]);
    }
    sum.add_slice(message).ones_complement().to_be()
}

/// The transport checksum that the whole packet has: what its first fragment carries.
#[must_use]
pub(super) fn transport_checksum(packet: &Packet) -> u16 {
    let bytes = transport(packet);
    let at = match packet.headers.l4 {
        L4::Tcp(_) => 16,
        L4::Udp(_) => 6,
        L4::Icmp(_) => 2,
        L4::None => return 0,
    };
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
