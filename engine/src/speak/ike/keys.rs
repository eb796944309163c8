//! What both ends derive alike from the secret that they share.

use super::Child;
use super::association::Spis;
use crate::wire::esp::{MATERIAL, Sa, Suite, derive};

/// SPIs of the association that both ends are made with.
pub(super) fn warm(secret: &[u8; MATERIAL]) -> Spis {
    let bytes = derive(secret, b"warm");
    let [initiator, responder] = [0, 8].map(|at| u64::from_be_bytes(*bytes[at..].first_chunk().expect("64 bytes")));
    Spis { initiator: initiator.max(1), responder: responder.max(1) }
}

/// The pair that an association has after `rekeys` rekeys, for the end that opened it or the other.
pub(super) fn child(
    secret: &[u8; MATERIAL],
    suite: Suite,
    spis: Spis,
    rekeys: u64,
    opened: bool,
    number: u64,
) -> Child {
    let words = [spis.initiator, spis.responder, rekeys].map(u64::to_be_bytes);
    let keys = derive(secret, &[&b"keys"[..], &words.concat()].concat());
    let numbers = derive(secret, &[&b"spis"[..], &words.concat()].concat());
    let [a, b] = [0, 4].map(|at| u32::from_be_bytes(*numbers[at..].first_chunk().expect("64 bytes")));
    // RFC 4303 section 2.1: 1 to 255 are reserved. The last bit keeps the two apart.
    let [even, odd] = [(a | 0x100) & !1, b | 0x101].map(|spi| Sa::new(spi, suite, &keys));
    let (inbound, outbound) = if opened { (even, odd) } else { (odd, even) };
    Child { number, inbound, outbound }
}
