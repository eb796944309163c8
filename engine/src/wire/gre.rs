//! Generic Routing Encapsulation: an IP packet inside another (RFC 2784, without checksum, key or sequence number).

use super::{Fragment, Headers, L4, Packet, Payload, emit_into, parse};
use crate::base::Protocol;
use std::net::IpAddr;

/// Bytes of a GRE header.
const HEADER: usize = 4;
/// Protocol types of what is inside: IPv4, IPv6.
const INSIDE: [[u8; 2]; 2] = [[0x08, 0x00], [0x86, 0xdd]];
/// Time to live of the outer packet (Linux's default for tunnels is the inner one's; AWS says nothing).
const TTL: u8 = 64;

/// The packet inside a tunnel's packet from `src` to `dst`.
#[must_use]
pub fn wrap(inner: &Packet, src: IpAddr, dst: IpAddr) -> Packet {
    let mut bytes = vec![0, 0];
    bytes.extend(INSIDE[usize::from(!inner.headers.is_v4())]);
    emit_into(inner, &mut bytes);
    let headers = Headers {
        src,
        dst,
        protocol: Protocol::GRE,
        ttl: TTL,
        traffic_class: inner.headers.traffic_class,
        fragment: Fragment { dont: inner.headers.fragment.dont, ..Fragment::default() },
        l4: L4::None,
    };
    Packet { headers, tag: inner.tag, payload: Payload::from(bytes.as_slice()) }
}

/// What is inside; nothing if it is no plain GRE, or no IP packet.
#[must_use]
pub fn unwrap(outer: &Packet) -> Option<Packet> {
    let bytes = outer.payload.to_vec();
    let known = bytes.len() > HEADER && bytes[..2] == [0, 0] && INSIDE.contains(&[bytes[2], bytes[3]]);
    if !known || outer.headers.fragment.is_fragment() {
        return None;
    }
    parse(&bytes[HEADER..], outer.tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Udp;

    fn packet(src: &str, dst: &str) -> Packet {
        let headers = Headers {
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            protocol: Protocol::UDP,
            ttl: 7,
            traffic_class: 0,
            fragment: Fragment { dont: true, ..Fragment::default() },
            l4: L4::Udp(Udp { src_port: 1, dst_port: 2, length: 12 }),
        };
        Packet { headers, tag: 9, payload: Payload::from(&[1, 2, 3, 4][..]) }
    }

    /// RFC 2784 section 2: four bytes of header; what comes out is what went in.
    #[test]
    fn what_comes_out_is_what_went_in() {
        for inner in [packet("10.0.0.1", "10.1.0.1"), packet("2001:db8::1", "2001:db8::2")] {
            let outer = wrap(&inner, "10.0.0.9".parse().unwrap(), "10.9.0.9".parse().unwrap());
            assert_eq!(outer.len(), inner.len() + 24);
            assert_eq!(unwrap(&outer).as_ref(), Some(&inner));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let mut outer = wrap(&packet("10.0.0.1", "10.1.0.1"), "10.0.0.9".parse().unwrap(), "10.9.0.9".parse().unwrap());
        for bytes in [&[][..], &[0, 0, 8, 0], &[0x80, 0, 8, 0, 0x45], &[0, 0, 8, 6, 1, 2, 3]] {
            outer.payload = Payload::from(bytes);
            assert_eq!(unwrap(&outer), None);
        }
    }
}
