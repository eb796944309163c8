//! Strange fragments: no pieces, however they lie, end the run or make a packet that is none.

use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::wire::fragment::Reassembler;
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, emit, parse};

/// A fragment with zeros in it, header and all.
fn piece(v6: bool, protocol: u8, offset: u16, more: bool, len: u32) -> Packet {
    let host = if v6 { IpAddr::from(Ipv6Addr::LOCALHOST) } else { IpAddr::from(Ipv4Addr::LOCALHOST) };
    let headers = Headers {
        src: host,
        dst: host,
        protocol: Protocol(protocol),
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment { id: 1, offset, more, dont: v6, checksum: 0 },
        l4: L4::None,
    };
    Packet { headers, tag: 0, payload: Payload::Zeros(len) }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_made_of_any_pieces_is_a_packet(
        pieces in prop::collection::vec((0_u16..8192, any::<bool>(), 0_u32..9000, any::<bool>()), 1..40),
        protocol in prop::sample::select(vec![1_u8, 6, 17, 47]),
        v6 in any::<bool>(),
    ) {
        let most = if v6 { 65_575 } else { 65_535 };
        let mut reassembler = Reassembler::default();
        for (offset, more, len, near) in pieces {
            let offset = if near { offset % 4 * 1024 } else { offset };
            let piece = piece(v6, protocol, offset, more || offset == 0, len);
            if let Some(whole) = reassembler.push(piece, Instant::START) {
                prop_assert!(whole.len() <= most);
                prop_assert_eq!(parse(&emit(&whole), whole.tag), Ok(whole));
            }
        }
    }
}

#[test]
fn pieces_that_make_more_than_a_packet_are_dropped() {
    for v6 in [false, true] {
        let mut reassembler = Reassembler::default();
        for offset in (0..8192).step_by(1024) {
            assert_eq!(reassembler.push(piece(v6, 47, offset, true, 8192), Instant::START), None);
        }
        // RFC 791: at most 65,535 bytes with the header; this piece begins before that and ends behind it.
        assert_eq!(reassembler.push(piece(v6, 47, 8191, false, 1000), Instant::START), None);
    }
}
