//! Random streams: one per purpose and named resource, so that adding a host changes no other host's draws.
//!
//! ChaCha with 8 rounds, keyed by a fixed hash of (seed, purpose, name): the same on every platform and in
//! every version. No entropy is ever taken from the system.

use super::Ratio;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `name` for `purpose` in the run with this seed.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, name: &str) -> Self {
        let mut key = [0; 32];
        let both = fnv(fnv(fnv(FNV_START, purpose), "\0"), name);
        let words = [seed, fnv(FNV_START, purpose), fnv(FNV_START, name), both];
        for (place, word) in key.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }
    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// A number below `n`, each as likely as the next; 0 if `n` is 0. Takes one draw, always.
    pub fn below(&mut self, n: u64) -> u64 {
        // The high half of the product: off by at most n / 2^64 from exact.
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }
    /// True with this probability. Takes one draw, always: what is rare does not shift what follows.
    pub fn chance(&mut self, ratio: Ratio) -> bool {
        self.below(Ratio::ONE.into()) < u64::from(ratio.0)
    }
}

/// FNV-1a, 64 bits.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
fn fnv(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number that stands for a name, the same on every platform: to mix into the hash of a choice.
#[must_use]
pub fn salt(name: &str) -> u64 {
    fnv(FNV_START, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_their_own_and_repeat() {
        let first = |seed, purpose, name| Stream::new(seed, purpose, name).next_u64();
        assert_eq!(first(1, "isn", "web-1"), first(1, "isn", "web-1"));
        let others =
            [first(2, "isn", "web-1"), first(1, "port", "web-1"), first(1, "isn", "web-2"), first(1, "isnw", "eb-1")];
        assert!(others.iter().all(|other| *other != first(1, "isn", "web-1")));
    }

    #[test]
    fn chance_and_below_keep_their_bounds() {
        let mut stream = Stream::new(7, "test", "");
        assert!((0..1000).all(|_| stream.below(10) < 10));
        assert!((0..1000).all(|_| stream.chance(Ratio(Ratio::ONE)) && !stream.chance(Ratio::ZERO)));
        let hits = (0..10_000).filter(|_| stream.chance(Ratio(250_000))).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert_eq!(stream.below(0), 0);
    }
}
