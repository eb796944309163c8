//! What rows match, as boxes: addresses by protocols by ports or ICMP types. Whether some rows together match all that
//! another one does is a matter of sets; no packet is judged here.

use crate::base::{Cidr, Protocol};
use crate::fabric::{ANY_ICMP, ANY_PROTOCOL};
use std::net::IpAddr;

/// Pieces that are looked at; a row that is cut into more is taken as not covered.
const PIECES_MAX: usize = 4096;
/// Last value of the third dimension: the widest one is a port, or an ICMP type and code.
const DETAIL_MAX: u128 = 0xffff;

/// From and to, inclusive, in each dimension.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Box3([(u128, u128); 3]);

impl Box3 {
    /// What a row matches. None if that cannot be said: a code without a type.
    pub(super) fn of(block: Cidr, protocol: u16, low: u16, high: u16) -> Option<Self> {
        let at = |address: IpAddr| match address {
            IpAddr::V4(a) => u128::from(u32::from(a)),
            IpAddr::V6(a) => u128::from(a),
        };
        let addresses = (at(block.network()), at(block.last()));
        let protocols = if protocol == ANY_PROTOCOL { (0, 255) } else { (u128::from(protocol), u128::from(protocol)) };
        let (low, high) = (u128::from(low), u128::from(high));
        let icmp = u8::try_from(protocol).is_ok_and(|p| Protocol(p).is_icmp());
        let any = u128::from(ANY_ICMP);
        let detail = match () {
            () if protocol == ANY_PROTOCOL => (0, DETAIL_MAX),
            () if icmp && low == any && high == any => (0, DETAIL_MAX),
            () if icmp && low == any => return None,
            () if icmp && high == any => (low << 8, low << 8 | 0xff),
            () if icmp => (low << 8 | high, low << 8 | high),
            () if protocol == u16::from(Protocol::TCP.0) || protocol == u16::from(Protocol::UDP.0) => (low, high),
            () => (0, DETAIL_MAX),
        };
        Some(Self([addresses, protocols, detail]))
    }

    /// Whether it holds all of `other`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a.0 <= b.0 && b.1 <= a.1)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
    }

    /// What is left of it without `other`.
    fn less(mut self, other: &Self, out: &mut Vec<Self>) {
        if !self.meets(other) {
            out.push(self);
            return;
        }
        for n in 0..3 {
            let (from, to) = self.0[n];
            let (cut_from, cut_to) = (from.max(other.0[n].0), to.min(other.0[n].1));
            if from < cut_from {
                let mut piece = self;
                piece.0[n] = (from, cut_from - 1);
                out.push(piece);
            }
            if cut_to < to {
                let mut piece = self;
                piece.0[n] = (cut_to + 1, to);
                out.push(piece);
            }
            self.0[n] = (cut_from, cut_to);
        }
    }

    /// Which of `others` it takes to hold all of it; none if they do not.
    pub(super) fn covered_by(&self, others: &[Self]) -> Option<Vec<usize>> {
        if let Some(one) = others.iter().position(|other| other.covers(self)) {
            return Some(vec![one]);
        }
        let (mut left, mut by) = (vec![*self], Vec::new());
        for (n, other) in others.iter().enumerate() {
            if !other.meets(self) {
                continue;
            }
            by.push(n);
            let mut pieces = Vec::new();
            left.into_iter().for_each(|piece| piece.less(other, &mut pieces));
            left = pieces;
            if left.is_empty() {
                return Some(by);
            }
            if left.len() > PIECES_MAX {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(block: &str, protocol: u16, low: u16, high: u16) -> Box3 {
        Box3::of(block.parse().unwrap(), protocol, low, high).unwrap()
    }

    #[test]
    fn halves_cover_the_whole_and_less_does_not() {
        let whole = row("10.0.0.0/8", 6, 0, 65535);
        let halves =
            [row("10.0.0.0/9", 6, 0, 65535), row("10.128.0.0/9", 6, 0, 1023), row("10.0.0.0/8", 6, 1024, 65535)];
        assert_eq!(whole.covered_by(&halves), Some(vec![0, 1, 2]));
        assert_eq!(whole.covered_by(&halves[..2]), None);
        assert_eq!(whole.covered_by(&[row("0.0.0.0/0", ANY_PROTOCOL, 0, 0)]), Some(vec![0]));
        assert_eq!(row("10.0.0.0/8", ANY_PROTOCOL, 0, 0).covered_by(&[whole]), None);
    }

    #[test]
    fn icmp_types_hold_their_codes() {
        let (all, echo, unreachable) =
            (row("0.0.0.0/0", 1, ANY_ICMP, ANY_ICMP), row("0.0.0.0/0", 1, 8, ANY_ICMP), row("0.0.0.0/0", 1, 3, 4));
        assert!(all.covers(&echo) && all.covers(&unreachable) && !echo.covers(&unreachable));
        assert_eq!(Box3::of("0.0.0.0/0".parse().unwrap(), 1, ANY_ICMP, 3), None);
    }
}
