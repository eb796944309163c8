//! Bytes that claim to be a packet: parsed, emitted, quoted, cut into fragments and put together again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vpcsim_engine::base::Instant;
use vpcsim_engine::wire::fragment::{Reassembler, split};
use vpcsim_engine::wire::{L4, Packet, clamp_mss, dns, emit, parse, quote};

fuzz_target!(|data: &[u8]| {
    if let Some(question) = dns::parse_query(data) {
        let again = dns::parse_query(&dns::query(&question)).expect("our own query");
        assert_eq!(format!("{again:?}"), format!("{question:?}"));
    }
    let _ = dns::parse_answer(data);
    // The first bytes choose the MTU and the order of fragments, so that both vary with the packet.
    let [a, b, bytes @ ..] = data else { return };
    let Ok(packet) = parse(bytes, 7) else { return };
    let out = emit(&packet);
    assert_eq!(out.len(), packet.len() as usize);
    assert_eq!(parse(&out, 7).as_ref(), Ok(&packet), "parse(emit(p)) == p");
    fragments(&packet, 576 + u32::from(*a), usize::from(*b));
    errors(&packet);
    clamp_mss(&mut packet.clone(), 1379);
});

fn fragments(packet: &Packet, mtu: u32, turn: usize) {
    let mut pieces = split(packet, mtu);
    for piece in &pieces {
        assert!(piece.len() <= mtu.max(packet.len().min(mtu)), "{} > {mtu}", piece.len());
        assert_eq!(parse(&emit(piece), 7).as_ref(), Ok(piece), "a fragment survives its bytes");
    }
    let mut single = Reassembler::default();
    let _ = single.push(packet.clone(), Instant::START);
    if packet.headers.fragment.is_fragment() {
        return;
    }
    let at = turn % pieces.len();
    pieces.rotate_left(at);
    if turn & 1 == 1 {
        pieces.reverse();
    }
    let mut reassembler = Reassembler::default();
    let mut whole = None;
    for piece in pieces {
        assert!(whole.is_none(), "whole before the last piece");
        whole = reassembler.push(piece, Instant::START);
    }
    let whole = whole.expect("all pieces make a whole");
    assert_eq!(whole.payload, packet.payload);
    assert_eq!(whole.headers, packet.headers);
}

fn errors(packet: &Packet) {
    let router: IpAddr = match packet.headers.src {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let made = [
        quote::port_unreachable(packet, router),
        quote::too_big(packet, router, 1400),
        quote::time_exceeded(packet, router),
    ];
    for mut error in made {
        assert_eq!(parse(&emit(&error), 7).as_ref(), Ok(&error));
        let Some(mut quoted) = quote::quoted(&error) else {
            panic!("an error quotes the packet it is about: {packet:?}")
        };
        assert_eq!(
            (quoted.src, quoted.dst, quoted.protocol),
            (packet.headers.src, packet.headers.dst, packet.headers.protocol)
        );
        // What a translator does: other addresses and ports, and the quote reads back so.
        (quoted.src, quoted.dst) = (quoted.dst, quoted.src);
        if !matches!(quoted.l4, L4::None) {
            quoted.set_src_port(4242);
        }
        quote::requote(&mut error, &quoted);
        let again = quote::quoted(&error).expect("a rewritten quote still reads");
        assert_eq!((again.src, again.dst, again.ports()), (quoted.src, quoted.dst, quoted.ports()));
    }
    let mut own = packet.clone();
    if let Some(mut quoted) = quote::quoted(packet) {
        (quoted.src, quoted.dst) = (quoted.dst, quoted.src);
        quote::requote(&mut own, &quoted);
        let _ = quote::quoted(&own);
    }
    if let Some(reset) = quote::reset(packet) {
        assert_eq!(parse(&emit(&reset), 7).as_ref(), Ok(&reset));
    }
}
