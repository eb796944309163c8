//! VXLAN (RFC 7348), as traffic mirroring uses it: an Ethernet frame in UDP.
//!
//! A copy keeps the packet it is of, and becomes bytes only where bytes are wanted. Not modelled: other users of VXLAN, whose
//! payload is bytes like any other.
//!
//! Invariants: a copy's length never exceeds the frame it is of; a cut copy has no transport checksum (MIR-12).

use super::ether::{self, Mac};
use super::{Fragment, Headers, L4, Packet, Payload, Udp, emit_into};
use crate::base::Protocol;
use std::net::IpAddr;
use std::sync::Arc;

/// UDP port of VXLAN (RFC 7348 section 8).
pub const PORT: u16 = 4789;
/// Bytes of a VXLAN header.
pub const HEADER: u32 = 8;
/// Bytes that encapsulation really adds to an IP packet: outer IPv4, UDP, VXLAN, inner Ethernet.
pub const OVERHEAD: u32 = 20 + 8 + HEADER + ether::HEADER;
/// Largest network identifier: 24 bits.
pub const VNI_MAX: u32 = 0x00ff_ffff;
/// Flag of a valid network identifier.
const VNI_VALID: u8 = 0x08;
/// First of the dynamic ports, from which the outer source port is taken (RFC 7348 section 5).
const FIRST_PORT: u16 = 49152;
/// Time to live of the outer packet.
const TTL: u8 = 64;

/// What a copy is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// Network identifier.
    pub vni: u32,
    /// Inner destination hardware address.
    pub dst: Mac,
    /// Inner source hardware address.
    pub src: Mac,
    /// The packet.
    pub inner: Packet,
    /// Bytes of the inner frame that are kept.
    pub kept: u32,
}

impl Copy {
    /// Bytes of the whole inner frame.
    #[must_use]
    pub const fn frame_len(&self) -> u32 {
        ether::HEADER + self.inner.len()
    }
    /// True if the end of the frame is missing.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.kept < self.frame_len()
    }
    /// Appends the VXLAN header and the frame to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VNI_VALID, 0, 0, 0]);
        out.extend_from_slice(&(self.vni << 8).to_be_bytes());
        let start = out.len();
        ether::header_into(self.dst, self.src, self.inner.headers.is_v4(), out);
        emit_into(&self.inner, out);
        if self.is_cut() {
            if let Some(at) = checksum_at(&self.inner.headers) {
                out[start + at..start + at + 2].fill(0);
            }
            out.truncate(start + self.kept as usize);
        }
    }
}

/// Where the transport checksum is in a frame.
fn checksum_at(h: &Headers) -> Option<usize> {
    let (header, field) = match h.l4 {
        L4::Tcp(_) => (20, 16),
        L4::Udp(_) => (8, 6),
        L4::Icmp(_) => (8, 2),
        L4::None => return None,
    };
    Some((ether::HEADER + h.len() - header) as usize + field)
}

/// The packet that carries a copy.
#[must_use]
pub fn wrap(copy: Copy, (src, dst): (IpAddr, IpAddr), src_port: u16) -> Packet {
    let len = HEADER + copy.kept;
    let l4 = L4::Udp(Udp { src_port, dst_port: PORT, length: u16::try_from(len + 8).unwrap_or(u16::MAX) });
    // RFC 7348 section 4.3: what carries VXLAN is not fragmented.
    let fragment = Fragment { dont: true, ..Fragment::default() };
    let headers = Headers { src, dst, protocol: Protocol::UDP, ttl: TTL, traffic_class: 0, fragment, l4 };
    Packet { headers, tag: 0, payload: Payload::Copy { copy: Arc::new(copy), len } }
}

/// The outer source port of a flow: both directions have the same (MIR-10).
#[must_use]
pub fn source_port(h: &Headers, ports: (u16, u16)) -> u16 {
    let (a, b) = ((h.src, ports.0), (h.dst, ports.1));
    let (low, high) = (a.min(b), a.max(b));
    // FNV-1a over the flow's bytes: the same on every platform.
    let mut hash: u32 = 0x811c_9dc5;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    for (address, port) in [low, high] {
        match address {
            IpAddr::V4(a) => mix(&a.octets()),
            IpAddr::V6(a) => mix(&a.octets()),
        }
        mix(&port.to_be_bytes());
    }
    mix(&[h.protocol.0]);
    FIRST_PORT | ((hash ^ (hash >> 16)) & 0x3fff) as u16
}

/// What a VXLAN datagram holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inside<'a> {
    /// Network identifier.
    pub vni: u32,
    /// The Ethernet frame.
    pub frame: &'a [u8],
}

/// What is inside a VXLAN datagram's payload; nothing if it is none.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Inside<'_>> {
    let (header, frame) = payload.split_at_checked(HEADER as usize)?;
    let vni = u32::from_be_bytes([0, header[4], header[5], header[6]]);
    (header[0] & VNI_VALID != 0).then_some(Inside { vni, frame })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{TcpFlags, emit};

    fn packet(payload: u32) -> Packet {
        let tcp = super::super::Tcp {
            src_port: 1000,
            dst_port: 80,
            seq: 1,
            ack: 2,
            window: 3,
            flags: TcpFlags::ACK,
            options_len: 0,
        };
        let headers = Headers {
            src: "10.0.0.1".parse().unwrap(),
            dst: "10.0.0.2".parse().unwrap(),
            protocol: Protocol::TCP,
            ttl: 64,
            traffic_class: 0,
            fragment: Fragment::default(),
            l4: L4::Tcp(tcp),
        };
        Packet { headers, tag: 7, payload: Payload::Zeros(payload) }
    }

    fn copy(inner: &Packet, kept: u32) -> Packet {
        let (dst, src) = (ether::ROUTER, ether::mac(ether::Owner::Eni, 5));
        let copy = Copy { vni: 0x00ab_cdef, dst, src, inner: inner.clone(), kept };
        wrap(copy, ("10.0.0.1".parse().unwrap(), "10.0.9.9".parse().unwrap()), 50_000)
    }

    /// RFC 7348 section 5: flags 0x08, the identifier in bytes 4 to 6, UDP port 4789, no UDP checksum.
    #[test]
    fn a_copy_is_vxlan() {
        let inner = packet(10);
        let outer = copy(&inner, ether::HEADER + inner.len());
        assert_eq!(outer.len(), inner.len() + OVERHEAD);
        let bytes = emit(&outer);
        assert_eq!(bytes.len() as u32, outer.len());
        assert_eq!(bytes[20..28], [0xc3, 0x50, 0x12, 0xb5, 0, 16 + 14 + 50, 0, 0]);
        assert_eq!(bytes[28..36], [8, 0, 0, 0, 0xab, 0xcd, 0xef, 0]);
        let inside = parse(&bytes[28..]).unwrap();
        assert_eq!(inside.vni, 0x00ab_cdef);
        assert_eq!(inside.frame[..14], [0x02, 0xff, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 5, 8, 0]);
        assert_eq!(inside.frame[14..], emit(&inner));
    }

    /// MIR-12: the bytes up to the cut are the original's, but for the transport checksum.
    #[test]
    fn a_cut_copy_has_no_transport_checksum() {
        let inner = packet(1000);
        let outer = copy(&inner, 100);
        assert_eq!(outer.len(), 28 + 8 + 100);
        let bytes = emit(&outer);
        let frame = parse(&bytes[28..]).unwrap().frame;
        let mut want = emit(&inner);
        want[36..38].fill(0);
        assert_eq!(frame.len(), 100);
        assert_eq!(frame[14..], want[..86]);
    }

    #[test]
    fn what_is_no_vxlan_is_none() {
        assert_eq!(parse(&[8, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(parse(&[0, 0, 0, 0, 0, 0, 1, 0, 1]), None);
    }

    #[test]
    fn both_directions_have_one_source_port() {
        let there = packet(0).headers;
        let mut back = there;
        (back.src, back.dst) = (there.dst, there.src);
        let port = source_port(&there, (1000, 80));
        assert!(port >= FIRST_PORT);
        assert_eq!(source_port(&back, (80, 1000)), port);
        assert_ne!(source_port(&there, (1001, 80)), port);
    }
}
