//! Tests of sealing and opening.

use super::*;
use crate::wire::{Tcp, TcpFlags, emit};

const MATERIAL_BYTES: [u8; MATERIAL] = [0x5a; MATERIAL];

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
fn ends() -> (IpAddr, IpAddr) {
    (address("192.0.2.1"), address("198.51.100.7"))
}
/// A TCP packet of `len` bytes.
fn packet(src: &str, dst: &str, len: u32) -> Packet {
    let (src, dst) = (address(src), address(dst));
    let tcp = Tcp { src_port: 4_000, dst_port: 80, seq: 1, ack: 2, window: 9, flags: TcpFlags::ACK, options_len: 0 };
    let headers = Headers {
        src,
        dst,
        protocol: Protocol::TCP,
        ttl: 7,
        traffic_class: 0xb8,
        fragment: Fragment { dont: true, ..Fragment::default() },
        l4: L4::Tcp(tcp),
    };
    Packet { headers, tag: 9, payload: Payload::Zeros(len - headers.len()) }
}
fn inner(len: u32) -> Packet {
    packet("10.0.0.1", "10.1.0.1", len)
}

#[test]
fn what_comes_out_is_what_went_in() {
    let (src, dst) = ends();
    let v6 = (address("2001:db8::1"), address("2001:db8::2"));
    for suite in Suite::ALL {
        let sa = Sa::new(0x1001, suite, &MATERIAL_BYTES);
        for len in 60..100 {
            for inner in [inner(len), packet("fd00::1", "fd00::2", len)] {
                for ((src, dst), natt) in [((src, dst), false), ((src, dst), true), (v6, false), (v6, true)] {
                    let outer = seal(&sa, 7, &inner, src, dst, natt);
                    assert_eq!(peek(&outer), Some((0x1001, 7)));
                    assert_eq!(open(&sa, &outer), Ok((7, inner.clone())), "{suite}");
                    assert_eq!(parse(&emit(&outer), 9), Ok(outer));
                }
            }
        }
    }
}

#[test]
fn the_outer_header_says_what_it_must() {
    let (src, dst) = ends();
    let sa = Sa::new(0x1001, Suite::ALL[0], &MATERIAL_BYTES);
    let outer = seal(&sa, 0x2_0003, &inner(100), src, dst, false);
    let h = outer.headers;
    assert_eq!((h.protocol, h.l4, h.traffic_class, outer.tag), (Protocol(50), L4::None, 0xb8, 9));
    assert_eq!(h.fragment, Fragment { id: 3, ..Fragment::default() });
    assert_eq!(seal(&sa, 1, &inner(100), src, dst, true).headers.ports(), (4500, 4500));
}

/// The formula behind AWS's table is the truth about the bytes, too.
#[test]
fn exactly_the_inner_mtu_fits() {
    let (src, dst) = ends();
    for suite in Suite::ALL {
        let sa = Sa::new(0x1001, suite, &MATERIAL_BYTES);
        for natt in [false, true] {
            for outer_mtu in [1_500, 1_499, 1_400, 576] {
                let mtu = inner_mtu(suite, natt, outer_mtu);
                assert!(seal(&sa, 1, &inner(mtu), src, dst, natt).len() <= outer_mtu, "{suite}");
                assert!(seal(&sa, 1, &inner(mtu + 1), src, dst, natt).len() > outer_mtu, "{suite}");
            }
        }
    }
}

#[test]
fn keys_differ_by_spi_and_have_the_lengths_of_their_suite() {
    for suite in Suite::ALL {
        let (a, b) = (Sa::new(0x1001, suite, &MATERIAL_BYTES), Sa::new(0x1002, suite, &MATERIAL_BYTES));
        assert_ne!(a.key(), b.key());
        assert_eq!((a.key().len(), a.salt().len()), (suite.key_len(), suite.salt_len()));
        assert_eq!(a.integrity_key().len(), suite.integrity_key_len());
        let again = Sa::with_keys(0x1001, suite, &[a.key(), a.salt()].concat(), a.integrity_key());
        assert_eq!(again, Some(a.clone()));
        assert_eq!(Sa::with_keys(0x1001, suite, a.key(), &[1]), None);
    }
}

#[test]
fn lines_for_wireshark() {
    let (src, dst) = ends();
    let gcm = Sa::with_keys(0x1001, Suite::ALL[0], &[0xab; 20], &[]).unwrap();
    let expected = format!(
        r#""IPv4","192.0.2.1","198.51.100.7","0x00001001","AES-GCM with 16 octet ICV [RFC4106]","0x{}","NULL","""#,
        "ab".repeat(20)
    );
    assert_eq!(esp_sa_line(&gcm, src, dst), expected);
    let cbc = Sa::with_keys(0x1003, Suite::ALL[3], &[1; 16], &[2; 32]).unwrap();
    let expected = format!(
        r#""IPv4","192.0.2.1","198.51.100.7","0x00001003","AES-CBC [RFC3602]","0x{}","HMAC-SHA-256-128 [RFC4868]","0x{}""#,
        "01".repeat(16),
        "02".repeat(32)
    );
    assert_eq!(esp_sa_line(&cbc, src, dst), expected);
}

#[test]
fn no_damage_is_opened_and_none_panics() {
    let (src, dst) = ends();
    for suite in Suite::ALL {
        let sa = Sa::new(0x1001, suite, &MATERIAL_BYTES);
        for natt in [false, true] {
            let outer = seal(&sa, 7, &inner(70), src, dst, natt);
            let bytes = outer.payload.to_vec();
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let damaged = Packet { payload: Payload::from(damaged.as_slice()), ..outer.clone() };
                let expected = if bit < 32 { EspError::Spi(0x1001 ^ (1 << (31 - (bit ^ 7)))) } else { EspError::Icv };
                assert_eq!(open(&sa, &damaged), Err(expected));
            }
            for len in 0..bytes.len() as u32 {
                let cut = Packet { payload: outer.payload.slice(0, len), ..outer.clone() };
                assert!(matches!(open(&sa, &cut), Err(EspError::Length | EspError::Icv | EspError::NotEsp)));
            }
        }
        let other = Sa::with_keys(0x1001, suite, &vec![0; suite.key_len() + suite.salt_len()], sa.integrity_key());
        let opened = open(&other.unwrap(), &seal(&sa, 7, &inner(70), src, dst, false));
        assert!(opened.is_err(), "{suite}: {opened:?}");
    }
}

/// What a sender with the right key can still get wrong.
#[test]
fn a_genuine_packet_with_nonsense_inside_is_an_error() {
    let (src, dst) = ends();
    let sa = Sa::new(0x1001, Suite::ALL[0], &MATERIAL_BYTES);
    let sealed = |plain: &[u8]| {
        let mut bytes = [sa.spi.to_be_bytes(), [0, 0, 0, 7]].concat();
        crypto::seal(&sa, 7, &mut bytes, &mut plain.to_vec());
        Packet { payload: Payload::from(bytes.as_slice()), ..seal(&sa, 7, &inner(70), src, dst, false) }
    };
    let cases = [
        (&[9, 0, 0, 2, 2, 4, 2, 4][..], EspError::Padding),
        (&[1, 2, 9, 4], EspError::Padding),
        (&[1, 2, 2, 59], EspError::NextHeader(59)),
        (&[1, 2, 2, 4], EspError::Inner(ParseError::Truncated)),
        (&[0x60, 1, 1, 4], EspError::Inner(ParseError::Version(6))),
        (&[0x45, 1, 1, 41], EspError::Inner(ParseError::Version(4))),
    ];
    for (plain, expected) in cases {
        assert_eq!(open(&sa, &sealed(plain)), Err(expected));
    }
}

#[test]
fn what_is_not_esp_says_so() {
    let (src, dst) = ends();
    let sa = Sa::new(0x1001, Suite::ALL[0], &MATERIAL_BYTES);
    let keepalive = keepalive(src, dst, 3);
    assert!(is_keepalive(&keepalive));
    assert_eq!((keepalive.len(), keepalive.tag), (29, 3));
    let mut fragment = seal(&sa, 7, &inner(70), src, dst, false);
    assert!(!is_keepalive(&fragment));
    fragment.headers.fragment.more = true;
    assert_eq!(open(&sa, &inner(70)), Err(EspError::NotEsp));
    assert_eq!(open(&sa, &keepalive), Err(EspError::NotEsp));
    assert_eq!(open(&sa, &fragment), Err(EspError::Fragment));
    assert_eq!(peek(&keepalive), None);
}

/// The pieces of a packet that is too long for the way come together again, and open.
#[test]
fn an_outer_packet_survives_its_fragments() {
    use crate::base::Instant;
    use crate::wire::fragment::{Reassembler, split};
    let (src, dst) = ends();
    for natt in [false, true] {
        let sa = Sa::new(0x1001, Suite::ALL[2], &MATERIAL_BYTES);
        let (first, second) = (inner(1_500), inner(1_499));
        let pieces =
            [(1, &first), (2, &second)].map(|(seq, inner)| split(&seal(&sa, seq, inner, src, dst, natt), 1_500));
        let [[a, b], [c, d]] = pieces.map(|pieces| <[Packet; 2]>::try_from(pieces).unwrap());
        let mut reassembler = Reassembler::default();
        let got: Vec<_> = [a, c, d, b].into_iter().filter_map(|p| reassembler.push(p, Instant::START)).collect();
        assert_eq!(open(&sa, &got[0]), Ok((2, second)));
        assert_eq!(open(&sa, &got[1]), Ok((1, first)));
    }
}
