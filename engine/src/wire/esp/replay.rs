//! The window against replayed packets (RFC 4303 section 3.4.3).

/// Which sequence numbers a receiver has seen: the last `size` up to the highest one.
///
/// [`is_new`](Self::is_new) comes before the packet is opened, [`accept`](Self::accept) after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayWindow {
    /// Bit `seq % size`: seen.
    seen: Vec<u64>,
    size: u32,
    highest: u32,
}

impl ReplayWindow {
    /// Sizes in packets that AWS allows.
    pub const SIZES: std::ops::RangeInclusive<u32> = 64..=2048;

    /// A window of `size` packets, brought into [`SIZES`](Self::SIZES) if it is outside.
    #[must_use]
    pub fn new(size: u32) -> Self {
        let size = size.clamp(*Self::SIZES.start(), *Self::SIZES.end());
        Self { seen: vec![0; size.div_ceil(64) as usize], size, highest: 0 }
    }
    /// Size in packets.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }
    /// The highest sequence number accepted; 0 before the first.
    #[must_use]
    pub const fn highest(&self) -> u32 {
        self.highest
    }
    /// True if a packet of this sequence number is neither a duplicate nor too old. 0 never is: a sender starts at 1.
    #[must_use]
    pub fn is_new(&self, seq: u32) -> bool {
        if seq > self.highest {
            return true;
        }
        seq != 0 && self.highest - seq < self.size && !self.bit(seq)
    }
    /// Notes a packet whose integrity has been checked. False, and nothing noted, if it is not new.
    pub fn accept(&mut self, seq: u32) -> bool {
        if !self.is_new(seq) {
            return false;
        }
        if seq > self.highest {
            if seq - self.highest >= self.size {
                self.seen.fill(0);
            } else {
                for gone in self.highest + 1..seq {
                    self.set(gone, false);
                }
            }
            self.highest = seq;
        }
        self.set(seq, true);
        true
    }
    const fn place(&self, seq: u32) -> (usize, u64) {
        let at = seq % self.size;
        ((at / 64) as usize, 1 << (at % 64))
    }
    fn bit(&self, seq: u32) -> bool {
        let (word, bit) = self.place(seq);
        self.seen[word] & bit != 0
    }
    fn set(&mut self, seq: u32, on: bool) {
        let (word, bit) = self.place(seq);
        if on {
            self.seen[word] |= bit;
        } else {
            self.seen[word] &= !bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_late_packet_is_taken_once_and_an_old_one_never() {
        let mut window = ReplayWindow::new(64);
        assert!(!window.accept(0));
        assert!(window.accept(100) && !window.accept(100));
        assert!(window.accept(37) && !window.accept(37));
        assert!(!window.accept(36), "64 packets: 37 to 100");
        assert!(window.accept(u32::MAX) && window.accept(u32::MAX - 63) && !window.accept(u32::MAX - 64));
        assert_eq!(window.highest(), u32::MAX);
    }

    #[test]
    fn sizes_are_brought_into_range() {
        assert_eq!([0, 1024, 9000].map(|size| ReplayWindow::new(size).size()), [64, 1024, 2048]);
    }

    /// Against a set of everything that has been seen.
    #[test]
    fn agrees_with_a_naive_window() {
        for size in [64, 100, 1024, 2048] {
            let (mut window, mut seen, mut highest) = (ReplayWindow::new(size), BTreeSet::new(), 0_u32);
            let mut state = 1_u32;
            for _ in 0..20_000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let near = (state >> 16) % (size * 3);
                let seq =
                    if state.is_multiple_of(997) { highest + size * 2 } else { (highest + size).saturating_sub(near) };
                let seq = if seq > highest { highest + 1 + (seq - highest) % 7 } else { seq };
                let expected = seq != 0 && (seq > highest || (highest - seq < size && !seen.contains(&seq)));
                assert_eq!(window.accept(seq), expected, "size {size}, {seq} at {highest}");
                if expected {
                    seen.insert(seq);
                    highest = highest.max(seq);
                }
            }
        }
    }
}
