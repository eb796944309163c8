//! Bytes to packets. Strict about lengths; checksums are not verified, because nothing in the simulator
//! can damage a packet.

use super::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};
use crate::base::Protocol;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Why bytes are no packet that the simulator can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// Fewer bytes than a header says or needs.
    Truncated,
    /// Neither IPv4 nor IPv6.
    Version(u8),
    /// A header length that cannot be.
    HeaderLength,
    /// IPv4 options, or an IPv6 extension header other than the fragment header.
    NotModelled(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the packet is cut short"),
            Self::Version(v) => write!(f, "IP version {v}"),
            Self::HeaderLength => f.write_str("an impossible header length"),
            Self::NotModelled(what) => write!(f, "{what}: not modelled"),
        }
    }
}

/// Reads an IP packet. Bytes behind the length that its header states are padding.
///
/// # Errors
/// If the bytes are no IP packet, or use what is not modelled.
pub fn parse(bytes: &[u8], tag: u32) -> Result<Packet, ParseError> {
    let (headers, payload) = parse_headers(bytes, false)?;
    Ok(Packet { headers, tag, payload: Payload::from(payload) })
}

/// Reads headers. With `quoted`, the packet may be cut after them, as in an ICMP error.
pub(super) fn parse_headers(bytes: &[u8], quoted: bool) -> Result<(Headers, &[u8]), ParseError> {
    let first = *bytes.first().ok_or(ParseError::Truncated)?;
    let (mut headers, rest) = match first >> 4 {
        4 => ipv4(bytes, quoted)?,
        6 => ipv6(bytes, quoted)?,
        v => return Err(ParseError::Version(v)),
    };
    // RFC 791 section 3.2, RFC 8200 section 4.5: a datagram ends at 65,535 bytes, put together too.
    let ip = if headers.is_v4() { 20 } else { 0 };
    if headers.fragment.is_fragment() && ip + usize::from(headers.fragment.offset) * 8 + rest.len() > 65_535 {
        return Err(ParseError::HeaderLength);
    }
    if headers.fragment.offset != 0 {
        return Ok((headers, rest));
    }
    let (l4, rest, checksum) = transport(headers.protocol, rest, quoted)?;
    headers.l4 = l4;
    if headers.fragment.is_fragment() {
        headers.fragment.checksum = checksum;
    }
    Ok((headers, rest))
}

fn ipv4(bytes: &[u8], quoted: bool) -> Result<(Headers, &[u8]), ParseError> {
    let h: &[u8; 20] = bytes.first_chunk().ok_or(ParseError::Truncated)?;
    match h[0] & 15 {
        0..5 => return Err(ParseError::HeaderLength),
        5 => {}
        _ => return Err(ParseError::NotModelled("IPv4 options")),
    }
    let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
    if total < 20 {
        return Err(ParseError::HeaderLength);
    }
    let body = match bytes.get(20..total) {
        Some(body) => body,
        None if quoted => &bytes[20..],
        None => return Err(ParseError::Truncated),
    };
    let flags = u16::from_be_bytes([h[6], h[7]]);
    let fragment = Fragment {
        id: u16::from_be_bytes([h[4], h[5]]).into(),
        offset: flags & 0x1fff,
        more: flags & 0x2000 != 0,
        dont: flags & 0x4000 != 0,
        checksum: 0,
    };
    let headers = Headers {
        src: Ipv4Addr::new(h[12], h[13], h[14], h[15]).into(),
        dst: Ipv4Addr::new(h[16], h[17], h[18], h[19]).into(),
        protocol: Protocol(h[9]),
        ttl: h[8],
        traffic_class: h[1],
        fragment,
        l4: L4::None,
    };
    Ok((headers, body))
}

fn ipv6(bytes: &[u8], quoted: bool) -> Result<(Headers, &[u8]), ParseError> {
    let h: &[u8; 40] = bytes.first_chunk().ok_or(ParseError::Truncated)?;
    let end = 40 + usize::from(u16::from_be_bytes([h[4], h[5]]));
    let mut body = match bytes.get(40..end) {
        Some(body) => body,
        None if quoted => &bytes[40..],
        None => return Err(ParseError::Truncated),
    };
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&h[at..at + 16]).expect("16 bytes"));
    let mut fragment = Fragment { dont: true, ..Fragment::default() };
    let mut protocol = h[6];
    match protocol {
        44 => {
            let f: &[u8; 8] = body.first_chunk().ok_or(ParseError::Truncated)?;
            let flags = u16::from_be_bytes([f[2], f[3]]);
            fragment.offset = flags >> 3;
            fragment.more = flags & 1 != 0;
            fragment.id = u32::from_be_bytes([f[4], f[5], f[6], f[7]]);
            protocol = f[0];
            body = &body[8..];
            if !fragment.is_fragment() {
                return Err(ParseError::NotModelled("an atomic IPv6 fragment (RFC 6946)"));
            }
        }
        0 | 43 | 60 | 135 => return Err(ParseError::NotModelled("an IPv6 extension header")),
        _ => {}
    }
    let headers = Headers {
        src: address(8).into(),
        dst: address(24).into(),
        protocol: Protocol(protocol),
        ttl: h[7],
        traffic_class: h[0] << 4 | h[1] >> 4,
        fragment,
        l4: L4::None,
    };
    Ok((headers, body))
}

/// The transport header, what follows it, and its checksum.
fn transport(protocol: Protocol, bytes: &[u8], quoted: bool) -> Result<(L4, &[u8], u16), ParseError> {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    match protocol {
        Protocol::TCP if bytes.len() >= 20 => {
            let header = usize::from(bytes[12] >> 4) * 4;
            if header < 20 {
                return Err(ParseError::HeaderLength);
            }
            if header > bytes.len() && !quoted {
                return Err(ParseError::Truncated);
            }
            let tcp = Tcp {
                src_port: word(0),
                dst_port: word(2),
                seq: long(4),
                ack: long(8),
                window: word(14),
                flags: TcpFlags(bytes[13]),
                options_len: (header - 20) as u8,
            };
            Ok((L4::Tcp(tcp), &bytes[20..], word(16)))
        }
        // RFC 792: an error quotes at least eight bytes, which hold the ports and the sequence number.
        Protocol::TCP if quoted && bytes.len() >= 8 => {
            let tcp = Tcp {
                src_port: word(0),
                dst_port: word(2),
                seq: long(4),
                ack: 0,
                window: 0,
                flags: TcpFlags::default(),
                options_len: 0,
            };
            Ok((L4::Tcp(tcp), &[], 0))
        }
        Protocol::UDP if bytes.len() >= 8 => {
            Ok((L4::Udp(Udp { src_port: word(0), dst_port: word(2), length: word(4) }), &bytes[8..], word(6)))
        }
        Protocol::ICMP | Protocol::ICMPV6 if bytes.len() >= 8 => {
            Ok((L4::Icmp(Icmp { kind: bytes[0], code: bytes[1], rest: long(4) }), &bytes[8..], word(2)))
        }
        Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6 => Err(ParseError::Truncated),
        _ => Ok((L4::None, bytes, 0)),
    }
}
