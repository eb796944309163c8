//! Random packets: to bytes and back, in pieces and together, against an independent decoder.

use pnet_packet::Packet as _;
use pnet_packet::icmp::IcmpPacket;
use pnet_packet::icmpv6::Icmpv6Packet;
use pnet_packet::ipv4::{self, Ipv4Packet};
use pnet_packet::ipv6::{FragmentPacket, Ipv6Packet};
use pnet_packet::tcp::TcpPacket;
use pnet_packet::udp::UdpPacket;
use pnet_packet::{icmp, icmpv6, tcp, udp};
use proptest::prelude::*;
use std::net::IpAddr;
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::wire::fragment::{Reassembler, split};
use vpcsim_engine::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp, emit, parse, quote};

fn payload(from: u32, to: u32) -> impl Strategy<Value = Payload> {
    let bytes = proptest::collection::vec(any::<u8>(), from as usize..=to.min(300) as usize);
    prop_oneof![bytes.prop_map(|bytes| Payload::from(bytes.as_slice())), (from..=to).prop_map(Payload::Zeros)]
}
fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
        any::<([u8; 16], [u8; 16])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
    ]
}
/// Protocol, header, payload.
fn transport(v4: bool) -> impl Strategy<Value = (Protocol, L4, Payload)> {
    let tcp = (any::<(u16, u16, u32, u32, u16, u8)>(), 0..=10_u8).prop_flat_map(|(f, words)| {
        let (src_port, dst_port, seq, ack, window, flags) = f;
        let options_len = words * 4;
        let l4 = L4::Tcp(Tcp { src_port, dst_port, seq, ack, window, flags: TcpFlags(flags), options_len });
        payload(options_len.into(), 9_000).prop_map(move |payload| (Protocol::TCP, l4, payload))
    });
    let udp = (any::<(u16, u16)>(), payload(0, 9_000)).prop_map(|((src_port, dst_port), payload)| {
        let length = payload.len() as u16 + 8;
        (Protocol::UDP, L4::Udp(Udp { src_port, dst_port, length }), payload)
    });
    let icmp = (any::<(u8, u8, u32)>(), payload(0, 9_000)).prop_map(move |((kind, code, rest), payload)| {
        let protocol = if v4 { Protocol::ICMP } else { Protocol::ICMPV6 };
        (protocol, L4::Icmp(Icmp { kind, code, rest }), payload)
    });
    let other = (prop_oneof![Just(47), Just(50), Just(99), Just(254)], payload(0, 9_000))
        .prop_map(|(protocol, payload)| (Protocol(protocol), L4::None, payload));
    prop_oneof![tcp, udp, icmp, other]
}
/// A packet that is not a fragment.
fn whole() -> impl Strategy<Value = Packet> {
    (addresses(), any::<(u8, u8, u16, bool, u32)>()).prop_flat_map(
        |((src, dst), (ttl, traffic_class, id, dont, tag))| {
            let v4 = src.is_ipv4();
            transport(v4).prop_map(move |(protocol, l4, payload)| {
                let id = if v4 { id.into() } else { 0 };
                let fragment = Fragment { id, dont: dont || !v4, ..Fragment::default() };
                let headers = Headers { src, dst, protocol, ttl, traffic_class, fragment, l4 };
                Packet { headers, tag, payload }
            })
        },
    )
}
/// A packet and its pieces of a random MTU. In IPv6 only a fragment has an identification.
fn pieces() -> impl Strategy<Value = (Packet, Vec<Packet>)> {
    (whole(), 256..2_000_u32, any::<u32>()).prop_map(|(mut packet, mtu, id)| {
        if !packet.headers.is_v4() && packet.len() > mtu {
            packet.headers.fragment.id = id;
        }
        let pieces = split(&packet, mtu);
        assert!(pieces.iter().all(|piece| piece.len() <= mtu), "pieces fit");
        (packet, pieces)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_come_back_from_their_bytes(packet in whole()) {
        let bytes = emit(&packet);
        prop_assert_eq!(bytes.len() as u32, packet.len());
        prop_assert_eq!(parse(&bytes, packet.tag), Ok(packet));
    }

    #[test]
    fn fragments_come_back_from_their_bytes((_, pieces) in pieces()) {
        for piece in pieces {
            let bytes = emit(&piece);
            prop_assert_eq!(bytes.len() as u32, piece.len());
            prop_assert_eq!(parse(&bytes, piece.tag), Ok(piece));
        }
    }

    #[test]
    fn fragments_make_the_packet_in_any_order((packet, pieces) in pieces(), turn in any::<usize>(), again in 200..400_u32) {
        let mut order: Vec<Packet> = pieces.iter().flat_map(|piece| split(piece, again)).collect();
        let at = turn % order.len();
        order.rotate_left(at);
        if turn % 2 == 0 {
            order.reverse();
        }
        let mut reassembler = Reassembler::default();
        let last = order.pop().unwrap();
        for piece in order {
            prop_assert_eq!(reassembler.push(piece, Instant::START), None);
        }
        let mut got = reassembler.push(last, Instant::START).unwrap();
        // A datagram that has been in pieces keeps the identification that its fragment headers had.
        if !packet.headers.is_v4() {
            got.headers.fragment.id = packet.headers.fragment.id;
        }
        prop_assert_eq!(got, packet);
    }

    #[test]
    fn an_independent_decoder_agrees((packet, pieces) in pieces()) {
        independent(&packet);
        for piece in pieces {
            independent(&piece);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), version in 0..3_u8) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = match version { 0 => 0x45, 1 => 0x60, _ => *first };
        }
        if let Ok(packet) = parse(&bytes, 0) {
            let _ = quote::quoted(&packet);
        }
    }

    #[test]
    fn a_damaged_packet_makes_nothing_panic(packet in whole(), at in any::<usize>(), to in any::<u8>(), cut in any::<usize>()) {
        let mut bytes = emit(&packet);
        let len = bytes.len();
        bytes[at % len.min(80)] = to;
        bytes.truncate(len.min(40 + cut % 600));
        if let Ok(packet) = parse(&bytes, 0) {
            let _ = quote::quoted(&packet);
            let _ = Reassembler::default().push(packet, Instant::START);
        }
    }

    #[test]
    fn errors_quote_and_translators_rewrite(packet in whole(), other in whole()) {
        let from = packet.headers.dst;
        let errors = [
            quote::time_exceeded(&packet, from),
            quote::port_unreachable(&packet, from),
            quote::too_big(&packet, from, 1_400),
        ];
        for mut error in errors {
            prop_assert_eq!(quote::quoted(&error), Some(packet.headers));
            prop_assert_eq!(parse(&emit(&error), error.tag), Ok(error.clone()));
            let len_max = if packet.headers.is_v4() { 576 } else { 1_280 };
            prop_assert!(error.len() <= len_max);
            let mut rewritten = packet.headers;
            if other.headers.is_v4() == rewritten.is_v4() {
                (rewritten.src, rewritten.dst) = (other.headers.src, other.headers.dst);
            }
            let (src_port, dst_port) = other.headers.ports();
            rewritten.set_src_port(src_port);
            rewritten.set_dst_port(dst_port);
            if let L4::Icmp(icmp) = &mut rewritten.l4 {
                icmp.rest = 77;
            }
            quote::requote(&mut error, &rewritten);
            prop_assert_eq!(quote::quoted(&error), Some(rewritten));
            quote::requote(&mut error, &packet.headers);
            prop_assert_eq!(quote::quoted(&error), Some(packet.headers));
        }
    }

    #[test]
    fn a_reset_answers_at_the_right_place(packet in whole()) {
        let Some(reset) = quote::reset(&packet) else {
            prop_assert!(packet.headers.tcp().is_none());
            return Ok(());
        };
        let (about, got) = (packet.headers.tcp().unwrap(), reset.headers.tcp().unwrap());
        prop_assert_eq!((got.src_port, got.dst_port), (about.dst_port, about.src_port));
        prop_assert_eq!((reset.headers.src, reset.headers.dst), (packet.headers.dst, packet.headers.src));
        // RFC 9293 section 3.5.2, group 1.
        if about.flags.has(TcpFlags::ACK) {
            prop_assert_eq!((got.flags, got.seq), (TcpFlags::RST, about.ack));
        } else {
            prop_assert_eq!((got.flags, got.seq), (TcpFlags::RST_ACK, 0));
        }
        prop_assert_eq!(parse(&emit(&reset), reset.tag), Ok(reset));
    }
}

/// pnet reads the same fields, and its checksums are the ones that are there.
fn independent(packet: &Packet) {
    let (h, bytes) = (&packet.headers, emit(packet));
    let fragmented = h.fragment.is_fragment();
    let transport = match (h.src, h.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let ip = Ipv4Packet::new(&bytes).unwrap();
            assert_eq!((ip.get_version(), ip.get_header_length(), ip.get_total_length()), (4, 5, bytes.len() as u16));
            assert_eq!((ip.get_source(), ip.get_destination(), ip.get_ttl()), (src, dst, h.ttl));
            assert_eq!(ip.get_next_level_protocol().0, h.protocol.0);
            assert_eq!(ip.get_dscp() << 2 | ip.get_ecn(), h.traffic_class);
            assert_eq!(ip.get_identification(), h.fragment.id as u16);
            assert_eq!(ip.get_flags(), u8::from(h.fragment.dont) << 1 | u8::from(h.fragment.more));
            assert_eq!(ip.get_fragment_offset(), h.fragment.offset);
            assert_eq!(ip.get_checksum(), ipv4::checksum(&ip));
            ip.payload().to_vec()
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let ip = Ipv6Packet::new(&bytes).unwrap();
            assert_eq!((ip.get_version(), ip.get_flow_label()), (6, 0));
            assert_eq!((ip.get_source(), ip.get_destination(), ip.get_hop_limit()), (src, dst, h.ttl));
            assert_eq!((ip.get_traffic_class(), ip.get_payload_length()), (h.traffic_class, bytes.len() as u16 - 40));
            if fragmented {
                let fragment = FragmentPacket::new(ip.payload()).unwrap();
                assert_eq!((ip.get_next_header().0, fragment.get_next_header().0), (44, h.protocol.0));
                assert_eq!((fragment.get_id(), fragment.is_last_fragment()), (h.fragment.id, !h.fragment.more));
                assert_eq!(fragment.get_fragment_offset_with_flags() >> 3, h.fragment.offset);
                ip.payload()[8..].to_vec()
            } else {
                assert_eq!(ip.get_next_header().0, h.protocol.0);
                ip.payload().to_vec()
            }
        }
        _ => unreachable!(),
    };
    let checksum = match h.l4 {
        L4::Tcp(t) => {
            let p = TcpPacket::new(&transport).unwrap();
            assert_eq!((p.get_source(), p.get_destination()), (t.src_port, t.dst_port));
            assert_eq!((p.get_sequence(), p.get_acknowledgement()), (t.seq, t.ack));
            assert_eq!((p.get_window(), p.get_flags(), p.get_urgent_ptr()), (t.window, t.flags.0, 0));
            assert_eq!(p.get_data_offset() * 4, 20 + t.options_len);
            assert_eq!(&transport[20..], packet.payload.to_vec());
            let expected = match (h.src, h.dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => tcp::ipv4_checksum(&p, &src, &dst),
                (IpAddr::V6(src), IpAddr::V6(dst)) => tcp::ipv6_checksum(&p, &src, &dst),
                _ => unreachable!(),
            };
            (p.get_checksum(), expected)
        }
        L4::Udp(u) => {
            let p = UdpPacket::new(&transport).unwrap();
            assert_eq!((p.get_source(), p.get_destination(), p.get_length()), (u.src_port, u.dst_port, u.length));
            assert_eq!(&transport[8..], packet.payload.to_vec());
            let expected = match (h.src, h.dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => udp::ipv4_checksum(&p, &src, &dst),
                (IpAddr::V6(src), IpAddr::V6(dst)) => udp::ipv6_checksum(&p, &src, &dst),
                _ => unreachable!(),
            };
            // RFC 768: a sum of zero is sent as all ones, since zero means none.
            (p.get_checksum(), if expected == 0 { 0xffff } else { expected })
        }
        L4::Icmp(i) => {
            assert_eq!((transport[0], transport[1], &transport[4..8]), (i.kind, i.code, &i.rest.to_be_bytes()[..]));
            assert_eq!(&transport[8..], packet.payload.to_vec());
            match (h.src, h.dst) {
                (IpAddr::V6(src), IpAddr::V6(dst)) => {
                    let p = Icmpv6Packet::new(&transport).unwrap();
                    (p.get_checksum(), icmpv6::checksum(&p, &src, &dst))
                }
                _ => {
                    let p = IcmpPacket::new(&transport).unwrap();
                    (p.get_checksum(), icmp::checksum(&p))
                }
            }
        }
        L4::None => return assert_eq!(transport, packet.payload.to_vec()),
    };
    if fragmented {
        assert_eq!(checksum.0, h.fragment.checksum);
    } else {
        assert_eq!(checksum.0, checksum.1, "{packet:?}");
    }
}

#[test]
fn the_first_fragment_has_the_checksum_of_the_whole_datagram() {
    let l4 = L4::Udp(Udp { src_port: 1, dst_port: 2, length: 3_008 });
    let headers = Headers {
        src: "10.0.0.1".parse().unwrap(),
        dst: "10.0.0.2".parse().unwrap(),
        protocol: Protocol::UDP,
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment { id: 5, ..Fragment::default() },
        l4,
    };
    let packet = Packet { headers, tag: 0, payload: Payload::Zeros(3_000) };
    let whole = emit(&packet);
    let pieces = split(&packet, 1_500);
    assert_eq!(pieces.len(), 3);
    let first = emit(&pieces[0]);
    assert_eq!(first[26..28], whole[26..28]);
    assert!(pieces[1..].iter().all(|piece| piece.headers.l4 == L4::None && piece.headers.fragment.checksum == 0));
}
