//! Packets to bytes, every checksum right.

use super::{Headers, L4, Packet};
use crate::base::Protocol;
use etherparse::checksum::Sum16BitWords;
use etherparse::{IpEcn, IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header, TcpHeader, UdpHeader};
use std::net::IpAddr;

/// Transport checksums.
#[derive(Clone, Copy)]
enum Sums {
    Made,
    Left,
}

/// The IP packet as bytes.
#[must_use]
pub fn emit(packet: &Packet) -> Vec<u8> {
    let mut out = Vec::with_capacity(packet.len() as usize);
    emit_into(packet, &mut out);
    out
}

/// The same for a reader that looks at no transport checksum: it is 0.
#[must_use]
pub(crate) fn emit_without_checksum(packet: &Packet) -> Vec<u8> {
    let mut out = Vec::with_capacity(packet.len() as usize);
    emit_summed(packet, Sums::Left, &mut out);
    out
}

/// Appends the IP packet to `out`.
///
/// # Panics
/// If the packet is longer than 65,535 bytes or its source and destination are of two families: nothing
/// in the simulator makes such a packet.
pub fn emit_into(packet: &Packet, out: &mut Vec<u8>) {
    emit_summed(packet, Sums::Made, out);
}

fn emit_summed(packet: &Packet, sums: Sums, out: &mut Vec<u8>) {
    let h = &packet.headers;
    match (h.src, h.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut ip = Ipv4Header {
                total_len: u16::try_from(packet.len()).expect("an IPv4 packet has at most 65,535 bytes"),
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
            let len = packet.len() - Ipv6Header::LEN as u32;
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
    transport(packet, sums, out);
}

fn offset(h: &Headers) -> IpFragOffset {
    IpFragOffset::try_new(h.fragment.offset).expect("a fragment's offset has 13 bits")
}

/// Appends transport header and payload.
fn transport(packet: &Packet, sums: Sums, out: &mut Vec<u8>) {
    let (h, start) = (&packet.headers, out.len());
    let at = match h.l4 {
        L4::Tcp(tcp) => {
            let f = tcp.flags.0;
            let bit = |n: u8| f & (1 << n) != 0;
            let mut header = TcpHeader::new(tcp.src_port, tcp.dst_port, tcp.seq, tcp.window);
            header.acknowledgment_number = tcp.ack;
            (header.fin, header.syn, header.rst, header.psh) = (bit(0), bit(1), bit(2), bit(3));
            (header.ack, header.urg, header.ece, header.cwr) = (bit(4), bit(5), bit(6), bit(7));
            // The options are the first bytes of the payload: here only their length counts.
            let len = u32::from(tcp.options_len).min(packet.payload.len()) as usize;
            header.set_options_raw(&[0; 40][..len]).expect("at most 40 bytes of options");
            out.extend_from_slice(&header.to_bytes()[..TcpHeader::MIN_LEN]);
            16
        }
        L4::Udp(udp) => {
            let (source_port, destination_port) = (udp.src_port, udp.dst_port);
            let header = UdpHeader { source_port, destination_port, length: udp.length, checksum: 0 };
            out.extend_from_slice(&header.to_bytes());
            6
        }
        L4::Icmp(icmp) => {
            out.extend_from_slice(&[icmp.kind, icmp.code, 0, 0]);
            out.extend_from_slice(&icmp.rest.to_be_bytes());
            2
        }
        L4::None => return packet.payload.write_to(out),
    };
    packet.payload.write_to(out);
    let sum = match sums {
        Sums::Left => return,
        // The checksum covers the whole datagram, which a fragment does not hold.
        Sums::Made if h.fragment.is_fragment() => h.fragment.checksum,
        // RFC 7348 section 5: none around VXLAN.
        Sums::Made if packet.payload.is_copy() => 0,
        Sums::Made => checksum(h, &out[start..]),
    };
    out[start + at..][..2].copy_from_slice(&sum.to_be_bytes());
}

/// The checksum of a segment, a datagram or a message in which it is still 0: RFC 9293 section 3.1, RFC 768, RFC 792; RFC
/// 4443 section 2.3 adds the pseudo header to ICMP in IPv6.
fn checksum(h: &Headers, bytes: &[u8]) -> u16 {
    let mut sum = Sum16BitWords::new();
    if h.protocol != Protocol::ICMP {
        let len = u32::try_from(bytes.len()).expect("what a packet carries fits in it");
        sum = match (h.src, h.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => sum.add_4bytes(src.octets()).add_4bytes(dst.octets()),
            (IpAddr::V6(src), IpAddr::V6(dst)) => sum.add_16bytes(src.octets()).add_16bytes(dst.octets()),
            _ => unreachable!("checked by emit_into"),
        };
        sum = sum.add_4bytes(len.to_be_bytes()).add_2bytes([0, h.protocol.0]);
    }
    let sum = sum.add_slice(bytes);
    // RFC 768: 0 says that there is none.
    let sum = if h.protocol == Protocol::UDP { sum.to_ones_complement_with_no_zero() } else { sum.ones_complement() };
    sum.to_be()
}

/// The transport checksum that the whole packet has: what its first fragment carries.
#[must_use]
pub(super) fn transport_checksum(packet: &Packet) -> u16 {
    let mut bytes = Vec::with_capacity(packet.len() as usize);
    transport(packet, Sums::Made, &mut bytes);
    let at = match packet.headers.l4 {
        L4::Tcp(_) => 16,
        L4::Udp(_) => 6,
        L4::Icmp(_) => 2,
        L4::None => return 0,
    };
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
