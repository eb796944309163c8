//! IPsec tunnels: an IP packet encrypted inside another (ESP in tunnel mode, RFC 4303), plain or in UDP for
//! NAT traversal (RFC 3948). Not modelled: extended sequence numbers, traffic flow confidentiality.
//!
//! The bytes are real: Wireshark decrypts them with the lines of [`esp_sa_line`]. Keys come from the caller.
//!
//! In an IPv4 tunnel the outer packet may be fragmented (AWS's sample configurations clear the flag), so its
//! identification is the low half of the sequence number. A receiver reassembles, asks [`peek`] and its
//! [`ReplayWindow`], [`open`]s, and only then notes the sequence number.

mod crypto;
pub mod ike;
mod replay;
mod suite;

pub use replay::ReplayWindow;
pub use suite::{AesKey, Integrity, Suite, inner_mtu, mss};

use super::{Fragment, Headers, L4, Packet, ParseError, Payload, Udp, emit_into, parse};
use crate::base::Protocol;
use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;

/// IP protocol of ESP.
pub const PROTOCOL: Protocol = Protocol(50);
/// UDP port of NAT traversal (RFC 3948).
pub const NATT_PORT: u16 = 4500;
/// Bytes of secret that the keys of an association are made of.
pub const MATERIAL: usize = 64;
/// Time to live of the outer packet.
const TTL: u8 = 64;
/// Next header: an IPv4 packet.
const IPV4: u8 = 4;
/// Next header: an IPv6 packet.
const IPV6: u8 = 41;

/// A security association: one direction of a tunnel, between two rekeys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sa {
    /// Security parameters index: what the receiver knows the association by. Below 256 is reserved.
    pub spi: u32,
    /// Algorithms.
    pub suite: Suite,
    /// Encryption key, for GCM with the salt of 4 bytes behind it.
    encryption_key: Vec<u8>,
    /// Integrity key; empty for GCM.
    integrity_key: Vec<u8>,
}

impl Sa {
    /// An association with keys made of `material` and the SPI, so that a rekey or the other direction has other keys:
    /// `prf+(material, SPI)` as in IKEv2 (RFC 7296 sections 2.13 and 2.17) with HMAC-SHA2-256; encryption key first.
    #[must_use]
    pub fn new(spi: u32, suite: Suite, material: &[u8; MATERIAL]) -> Self {
        let encryption = suite.key_len() + suite.salt_len();
        let mut encryption_key = crypto::expand(material, &spi.to_be_bytes(), encryption + suite.integrity_key_len());
        let integrity_key = encryption_key.split_off(encryption);
        Self { spi, suite, encryption_key, integrity_key }
    }
    /// An association with these keys; for GCM the salt of 4 bytes is the end of the encryption key.
    /// Nothing if a length is not that of the suite.
    #[must_use]
    pub fn with_keys(spi: u32, suite: Suite, encryption_key: &[u8], integrity_key: &[u8]) -> Option<Self> {
        let fits = encryption_key.len() == suite.key_len() + suite.salt_len()
            && integrity_key.len() == suite.integrity_key_len();
        let (encryption_key, integrity_key) = (encryption_key.to_vec(), integrity_key.to_vec());
        fits.then_some(Self { spi, suite, encryption_key, integrity_key })
    }
    /// The encryption key, without salt.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.encryption_key[..self.suite.key_len()]
    }
    /// GCM's salt of 4 bytes; empty for CBC.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.encryption_key[self.suite.key_len()..]
    }
    /// The integrity key; empty for GCM.
    #[must_use]
    pub fn integrity_key(&self) -> &[u8] {
        &self.integrity_key
    }
}

/// Why a packet is not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EspError {
    /// Neither protocol 50 nor ESP in UDP 4500: another protocol, IKE, or a keepalive.
    NotEsp,
    /// A fragment: the outer packet must be put together first.
    Fragment,
    /// Too short for its suite, or no multiple of its block.
    Length,
    /// Of another association.
    Spi(u32),
    /// The integrity check value is wrong: another key, or damaged.
    Icv,
    /// The padding is not 1, 2, 3, ... or longer than what there is (RFC 4303 section 2.4).
    Padding,
    /// What is inside is no IP packet, but this protocol.
    NextHeader(u8),
    /// What is inside is no packet that the simulator can hold, or not of the family that the next header says.
    Inner(ParseError),
}

impl fmt::Display for EspError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEsp => f.write_str("not ESP"),
            Self::Fragment => f.write_str("a fragment"),
            Self::Length => f.write_str("an impossible length"),
            Self::Spi(spi) => write!(f, "another association: SPI {spi:#010x}"),
            Self::Icv => f.write_str("the integrity check value is wrong"),
            Self::Padding => f.write_str("the padding is wrong"),
            Self::NextHeader(n) => write!(f, "protocol {n} inside"),
            Self::Inner(error) => write!(f, "the packet inside: {error}"),
        }
    }
}

/// More secret from a secret: `prf+(secret, context)` as in IKEv2 (RFC 7296 section 2.13), for the keys of one exchange.
#[must_use]
pub fn derive(secret: &[u8; MATERIAL], context: &[u8]) -> [u8; MATERIAL] {
    crypto::expand(secret, context, MATERIAL).try_into().expect("as long as asked for")
}

/// The inner packet in a tunnel's packet from `src` to `dst`, with `natt` in UDP 4500 both ways.
/// Sequence numbers start at 1 and must never come again under one association: a rekey comes first.
///
/// The outer packet has the inner one's traffic class and tag, and may be fragmented. UDP has a checksum; RFC 3948
/// would rather have none, and has receivers ignore it.
///
/// # Panics
/// If the outer packet would be longer than 65,535 bytes.
#[must_use]
pub fn seal(sa: &Sa, seq: u32, inner: &Packet, src: IpAddr, dst: IpAddr, natt: bool) -> Packet {
    let mut plain = Vec::with_capacity(inner.len() as usize + 2 + sa.suite.block());
    emit_into(inner, &mut plain);
    let pad = (plain.len() + 2).next_multiple_of(sa.suite.block()) - plain.len() - 2;
    plain.extend(1..=pad as u8);
    plain.extend([pad as u8, if inner.headers.is_v4() { IPV4 } else { IPV6 }]);
    let around = crypto::HEADER + sa.suite.iv_len() + sa.suite.icv_len();
    let mut bytes = Vec::with_capacity(plain.len() + around);
    bytes.extend(sa.spi.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    crypto::seal(sa, seq, &mut bytes, &mut plain);
    let mut outer = if natt {
        datagram(src, dst, NATT_PORT, &bytes, inner.tag)
    } else {
        let headers = headers(src, dst, PROTOCOL, L4::None);
        Packet { headers, tag: inner.tag, payload: Payload::from(bytes.as_slice()) }
    };
    outer.headers.traffic_class = inner.headers.traffic_class;
    // The low half of the sequence number keeps the pieces of two outer packets apart (RFC 6864).
    outer.headers.fragment.id = if src.is_ipv4() { seq & 0xffff } else { 0 };
    outer
}

/// SPI and sequence number of an ESP packet, plain or in UDP; nothing if it is none.
/// Says nothing about whether it is genuine.
#[must_use]
pub fn peek(outer: &Packet) -> Option<(u32, u32)> {
    let bytes = payload(outer).ok()?.slice(0, 8).to_vec();
    let (spi, seq) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*spi), u32::from_be_bytes(*seq.first_chunk()?)))
}

/// Sequence number and inner packet of a tunnel's packet. The inner packet has the outer one's tag.
///
/// # Errors
/// If it is not of this association, was damaged, or holds no packet: see [`EspError`].
pub fn open(sa: &Sa, outer: &Packet) -> Result<(u32, Packet), EspError> {
    let bytes = payload(outer)?.to_vec();
    let (spi, seq) = peek(outer).ok_or(EspError::Length)?;
    if spi != sa.spi {
        return Err(EspError::Spi(spi));
    }
    let text = bytes.len().checked_sub(crypto::HEADER + sa.suite.iv_len() + sa.suite.icv_len());
    if !text.is_some_and(|len| len > 0 && len % sa.suite.block() == 0) {
        return Err(EspError::Length);
    }
    let plain = crypto::open(sa, &bytes).ok_or(EspError::Icv)?;
    let [body @ .., pad, next] = plain.as_slice() else { return Err(EspError::Length) };
    let end = body.len().checked_sub(usize::from(*pad)).ok_or(EspError::Padding)?;
    let (packet, padding) = body.split_at(end);
    if padding.iter().zip(1..=u8::MAX).any(|(found, expected)| *found != expected) {
        return Err(EspError::Padding);
    }
    let version = match *next {
        IPV4 => 4,
        IPV6 => 6,
        other => return Err(EspError::NextHeader(other)),
    };
    let first = packet.first().copied().unwrap_or(0) >> 4;
    if !packet.is_empty() && first != version {
        return Err(EspError::Inner(ParseError::Version(first)));
    }
    parse(packet, outer.tag).map(|inner| (seq, inner)).map_err(EspError::Inner)
}

/// The keepalive of NAT traversal: one byte, 0xff (RFC 3948 section 2.3).
#[must_use]
pub fn keepalive(src: IpAddr, dst: IpAddr, tag: u32) -> Packet {
    datagram(src, dst, NATT_PORT, &[0xff], tag)
}

/// True for a keepalive of NAT traversal.
#[must_use]
pub fn is_keepalive(packet: &Packet) -> bool {
    is_natt(packet) && packet.payload.len() == 1 && packet.payload.to_vec() == [0xff]
}

/// One line of Wireshark's `esp_sa` file, without a line end: how to decrypt what this association carries from `src`
/// to `dst`, the outer addresses as captured.
#[must_use]
pub fn esp_sa_line(sa: &Sa, src: IpAddr, dst: IpAddr) -> String {
    let family = if src.is_ipv4() { "IPv4" } else { "IPv6" };
    let (encryption, integrity) = match sa.suite {
        Suite::Gcm(_) => ("AES-GCM with 16 octet ICV [RFC4106]", "NULL"),
        Suite::Cbc(_, Integrity::Sha1) => ("AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]"),
        Suite::Cbc(_, Integrity::Sha256) => ("AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]"),
        Suite::Cbc(_, Integrity::Sha384) => ("AES-CBC [RFC3602]", "HMAC-SHA-384-192 [RFC4868]"),
        Suite::Cbc(_, Integrity::Sha512) => ("AES-CBC [RFC3602]", "HMAC-SHA-512-256 [RFC4868]"),
    };
    let (key, check) = (hex(&sa.encryption_key), hex(&sa.integrity_key));
    format!(r#""{family}","{src}","{dst}","{:#010x}","{encryption}","{key}","{integrity}","{check}""#, sa.spi)
}

/// `0x` and the bytes; nothing for no bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from(if bytes.is_empty() { "" } else { "0x" }), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a string takes everything");
        out
    })
}

/// The bytes from the SPI on.
fn payload(outer: &Packet) -> Result<&Payload, EspError> {
    let natt = is_natt(outer);
    if outer.headers.protocol != PROTOCOL && !natt {
        return Err(EspError::NotEsp);
    }
    if outer.headers.fragment.is_fragment() {
        return Err(EspError::Fragment);
    }
    // RFC 3948 sections 2.2 and 2.3: an SPI of zero marks IKE; one byte is a keepalive.
    if natt && (outer.payload.len() == 1 || outer.payload.slice(0, 4).to_vec() == [0; 4]) {
        return Err(EspError::NotEsp);
    }
    Ok(&outer.payload)
}

/// True for UDP from or to port 4500: a translator may have changed one of them.
fn is_natt(packet: &Packet) -> bool {
    let (src, dst) = packet.headers.ports();
    matches!(packet.headers.l4, L4::Udp(_)) && (src == NATT_PORT || dst == NATT_PORT)
}

/// A UDP packet from and to one port.
fn datagram(src: IpAddr, dst: IpAddr, port: u16, bytes: &[u8], tag: u32) -> Packet {
    let length = u16::try_from(bytes.len() + 8).expect("a datagram has at most 65,535 bytes");
    let headers = headers(src, dst, Protocol::UDP, L4::Udp(Udp { src_port: port, dst_port: port, length }));
    Packet { headers, tag, payload: Payload::from(bytes) }
}

fn headers(src: IpAddr, dst: IpAddr, protocol: Protocol, l4: L4) -> Headers {
    let fragment = Fragment { dont: !src.is_ipv4(), ..Fragment::default() };
    Headers { src, dst, protocol, ttl: TTL, traffic_class: 0, fragment, l4 }
}

#[cfg(test)]
mod tests;
