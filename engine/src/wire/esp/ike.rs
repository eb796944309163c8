//! IKEv2 messages (RFC 7296), as far as a capture shows them: a true header, a true first exchange, and encrypted
//! payloads of the right length with noise inside. No key is agreed here: the keys of a tunnel come from the caller.

use super::crypto;
use super::suite::{AesKey, Integrity, Suite};
use super::{NATT_PORT, datagram, is_natt};
use crate::wire::{L4, Packet};
use std::net::IpAddr;

/// UDP port of IKE without NAT traversal.
pub const PORT: u16 = 500;
/// What AWS's sample configurations begin with: AES-128 and SHA2-256, for the association that the messages themselves
/// are encrypted with.
pub const USUAL: Suite = Suite::Cbc(AesKey::Bits128, Integrity::Sha256);
/// Bytes of an IKE header.
const HEADER: usize = 28;
/// Bytes of a payload's own header.
const PAYLOAD: usize = 4;
/// Bytes of the value of Diffie-Hellman group 14 (RFC 3526: 2048 bits).
const KEY_EXCHANGE: usize = 256;
/// Bytes of a nonce.
const NONCE: usize = 32;
/// Payload types (RFC 7296 section 3.2).
const SA: u8 = 33;
const KE: u8 = 34;
const ID_INITIATOR: u8 = 35;
const ID_RESPONDER: u8 = 36;
const NONCE_PAYLOAD: u8 = 40;
const NOTIFY: u8 = 41;
const DELETE: u8 = 42;
const ENCRYPTED: u8 = 46;

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Exchange {
    /// `IKE_SA_INIT`: algorithms, key exchange and nonces, in the clear.
    SaInit,
    /// `IKE_AUTH`: identities, proof, and the first association of the tunnel.
    Auth,
    /// `CREATE_CHILD_SA`: new keys for the tunnel.
    Rekey,
    /// `INFORMATIONAL` with nothing inside: is the peer alive? And its answer.
    DeadPeer,
    /// `INFORMATIONAL` with a delete payload: an association is gone.
    Delete,
}

impl Exchange {
    /// Exchange type (RFC 7296 section 3.1).
    const fn number(self) -> u8 {
        match self {
            Self::SaInit => 34,
            Self::Auth => 35,
            Self::Rekey => 36,
            Self::DeadPeer | Self::Delete => 37,
        }
    }
    /// Type of the first payload inside the encrypted one, and the bytes of all that are inside.
    const fn inside(self, response: bool) -> (u8, usize) {
        match (self, response) {
            (Self::SaInit | Self::DeadPeer, _) => (0, 0),
            // Identity of an IPv4 address, proof with a shared key, proposal, two traffic selectors.
            (Self::Auth, false) => (ID_INITIATOR, 12 + 40 + 44 + 24 + 24),
            (Self::Auth, true) => (ID_RESPONDER, 12 + 40 + 44 + 24 + 24),
            // What is rekeyed, proposal, nonce, key exchange, two traffic selectors; the answer does not repeat the first.
            (Self::Rekey, false) => (NOTIFY, 12 + 44 + PAYLOAD + NONCE + 8 + KEY_EXCHANGE + 24 + 24),
            (Self::Rekey, true) => (SA, 44 + PAYLOAD + NONCE + 8 + KEY_EXCHANGE + 24 + 24),
            (Self::Delete, _) => (DELETE, 12),
        }
    }
}

/// An IKEv2 message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ike {
    /// SPI of the side that opened the association; never 0.
    pub initiator_spi: u64,
    /// SPI of the other side; 0 in the first request.
    pub responder_spi: u64,
    /// What it is about.
    pub exchange: Exchange,
    /// True if the sender opened the association.
    pub from_initiator: bool,
    /// True for an answer.
    pub response: bool,
    /// Number of the request, which its answer repeats; from 0.
    pub message_id: u32,
}

/// The message as a packet: UDP 500 both ways, or with `natt` UDP 4500 behind the marker of four zero bytes
/// (RFC 3948 section 2.2). `suite` is what the association itself is encrypted with; it decides lengths.
#[must_use]
pub fn ike_message(message: &Ike, suite: Suite, src: IpAddr, dst: IpAddr, natt: bool, tag: u32) -> Packet {
    let mut body = Vec::new();
    let first = if message.exchange == Exchange::SaInit {
        proposal(&mut body, suite);
        // Group 14, two reserved bytes, the value.
        payload(&mut body, NONCE_PAYLOAD, &[&[0, 14, 0, 0][..], &noise(message, KEY_EXCHANGE)].concat());
        payload(&mut body, 0, &noise(message, KEY_EXCHANGE + NONCE)[KEY_EXCHANGE..]);
        SA
    } else {
        let (inside, len) = message.exchange.inside(message.response);
        // RFC 7296 section 3.14: vector, payloads, padding, its length, check value.
        let text = if matches!(suite, Suite::Gcm(_)) { len + 1 } else { (len + 1).next_multiple_of(suite.block()) };
        payload(&mut body, inside, &noise(message, suite.iv_len() + text + suite.icv_len()));
        ENCRYPTED
    };
    let mut bytes = vec![0; if natt { 4 } else { 0 }];
    bytes.extend(message.initiator_spi.to_be_bytes());
    bytes.extend(message.responder_spi.to_be_bytes());
    let flags = u8::from(message.from_initiator) << 3 | u8::from(message.response) << 5;
    bytes.extend([first, 0x20, message.exchange.number(), flags]);
    bytes.extend(message.message_id.to_be_bytes());
    bytes.extend(((HEADER + body.len()) as u32).to_be_bytes());
    bytes.extend(body);
    datagram(src, dst, if natt { NATT_PORT } else { PORT }, &bytes, tag)
}

/// The message of a packet; nothing if it is no IKEv2 message on port 500 or 4500, or its length is not what it says.
#[must_use]
pub fn parse_ike(packet: &Packet) -> Option<Ike> {
    let (src, dst) = packet.headers.ports();
    if !matches!(packet.headers.l4, L4::Udp(_)) || packet.headers.fragment.is_fragment() {
        return None;
    }
    let bytes = packet.payload.to_vec();
    let bytes = match (is_natt(packet), src == PORT || dst == PORT) {
        (true, _) => bytes.strip_prefix(&[0; 4])?,
        (false, true) => bytes.as_slice(),
        (false, false) => return None,
    };
    let (header, body) = bytes.split_first_chunk::<HEADER>()?;
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
    let (first, version, number, flags) = (header[16], header[17], header[18], header[19]);
    if version >> 4 != 2 || word(24) as usize != bytes.len() || long(0) == 0 {
        return None;
    }
    let exchange = match (number, first, body.first()) {
        (34, _, _) => Exchange::SaInit,
        (35, ENCRYPTED, _) => Exchange::Auth,
        (36, ENCRYPTED, _) => Exchange::Rekey,
        (37, ENCRYPTED, Some(&DELETE)) => Exchange::Delete,
        (37, ENCRYPTED, Some(_)) => Exchange::DeadPeer,
        _ => return None,
    };
    Some(Ike {
        initiator_spi: long(0),
        responder_spi: long(8),
        exchange,
        from_initiator: flags & 0x08 != 0,
        response: flags & 0x20 != 0,
        message_id: word(20),
    })
}

/// Appends a payload; `next` is the type of the one behind it.
fn payload(out: &mut Vec<u8>, next: u8, body: &[u8]) {
    out.extend([next, 0]);
    out.extend(((PAYLOAD + body.len()) as u16).to_be_bytes());
    out.extend(body);
}

/// Appends the security association payload: one proposal for IKE with the algorithms of `suite` (RFC 7296 section 3.3).
fn proposal(out: &mut Vec<u8>, suite: Suite) {
    let bits = (suite.key_len() * 8) as u16;
    let (encryption, integrity, prf) = match suite {
        Suite::Gcm(_) => (20, None, 5),
        Suite::Cbc(_, Integrity::Sha1) => (12, Some(2), 2),
        Suite::Cbc(_, Integrity::Sha256) => (12, Some(12), 5),
        Suite::Cbc(_, Integrity::Sha384) => (12, Some(13), 6),
        Suite::Cbc(_, Integrity::Sha512) => (12, Some(14), 7),
    };
    // Type and number: encryption, pseudo-random function, integrity, group.
    let transforms: Vec<(u8, u8)> = [Some((1, encryption)), Some((2, prf)), integrity.map(|n| (3, n)), Some((4, 14))]
        .into_iter()
        .flatten()
        .collect();
    let mut list = Vec::new();
    for (i, (kind, number)) in transforms.iter().enumerate() {
        let key = if *kind == 1 { [&[0x80, 14][..], &bits.to_be_bytes()].concat() } else { Vec::new() };
        list.extend([if i + 1 == transforms.len() { 0 } else { 3 }, 0, 0, 8 + key.len() as u8, *kind, 0, 0, *number]);
        list.extend(key);
    }
    // The last proposal, number 1, for IKE (protocol 1), without SPI.
    let mut body = vec![0, 0, 0, 8 + list.len() as u8, 1, 1, 0, transforms.len() as u8];
    body.extend(list);
    payload(out, KE, &body);
}

/// Bytes that look like what is encrypted or random there, alike in every run.
fn noise(message: &Ike, len: usize) -> Vec<u8> {
    let seed = [
        &message.initiator_spi.to_be_bytes()[..],
        &message.responder_spi.to_be_bytes(),
        &message.message_id.to_be_bytes(),
        &[message.exchange.number(), u8::from(message.from_initiator), u8::from(message.response)],
    ];
    crypto::expand(b"noise", &seed.concat(), len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::esp::{is_keepalive, keepalive, peek};
    use crate::wire::{Payload, emit, parse};

    const EXCHANGES: [Exchange; 5] =
        [Exchange::SaInit, Exchange::Auth, Exchange::Rekey, Exchange::DeadPeer, Exchange::Delete];

    fn ends() -> (IpAddr, IpAddr) {
        ("192.0.2.1".parse().unwrap(), "198.51.100.7".parse().unwrap())
    }
    fn message(exchange: Exchange, response: bool) -> Ike {
        Ike { initiator_spi: 7, responder_spi: 9, exchange, from_initiator: !response, response, message_id: 3 }
    }

    #[test]
    fn messages_come_back_from_their_packets() {
        let (src, dst) = ends();
        for exchange in EXCHANGES {
            for (suite, response) in Suite::ALL.into_iter().flat_map(|suite| [(suite, false), (suite, true)]) {
                let message = message(exchange, response);
                for (natt, port) in [(false, 500), (true, 4500)] {
                    let packet = ike_message(&message, suite, src, dst, natt, 5);
                    assert_eq!((packet.headers.ports(), packet.tag), ((port, port), 5));
                    assert_eq!(parse_ike(&packet), Some(message));
                    assert_eq!(peek(&packet), None, "no ESP");
                    assert!(!is_keepalive(&packet));
                    assert_eq!(parse(&emit(&packet), 5), Ok(packet));
                }
            }
        }
        assert_eq!(parse_ike(&keepalive(src, dst, 0)), None);
    }

    /// An empty informational message: header, payload header, vector, one block, check value.
    #[test]
    fn a_question_for_life_is_as_long_as_a_real_one() {
        let (src, dst) = ends();
        let len = |suite| ike_message(&message(Exchange::DeadPeer, false), suite, src, dst, false, 0).payload.len();
        assert_eq!(len(USUAL), 28 + 4 + 16 + 16 + 16);
        assert_eq!(len(Suite::Gcm(AesKey::Bits256)), 28 + 4 + 8 + 1 + 16);
    }

    #[test]
    fn damage_panics_nowhere() {
        let (src, dst) = ends();
        for exchange in EXCHANGES {
            let packet = ike_message(&message(exchange, false), USUAL, src, dst, true, 0);
            let bytes = packet.payload.to_vec();
            for at in 0..64 * 8 {
                let mut damaged = bytes.clone();
                damaged[at / 8] ^= 1 << (at % 8);
                let _ = parse_ike(&Packet { payload: Payload::from(damaged.as_slice()), ..packet.clone() });
            }
            for len in 0..packet.payload.len() {
                let cut = Packet { payload: packet.payload.slice(0, len), ..packet.clone() };
                assert_eq!(parse_ike(&cut), None);
            }
        }
    }
}
