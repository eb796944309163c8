//! A packet under way.

use super::{Headers, vxlan};
use std::fmt;
use std::sync::Arc;

/// A packet: typed headers and a shared payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The headers.
    pub headers: Headers,
    /// What the run knows this packet's conversation by: a reply carries the tag of its request, so that
    /// observers can tell what a drop belongs to. Never looked at by a decision.
    pub tag: u32,
    /// TCP options, then data.
    pub payload: Payload,
}

impl Packet {
    /// Length of the IP packet in bytes.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.headers.len() + self.payload.len()
    }
    /// Never: a packet has headers. Here because [`len`](Self::len) is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// Payload bytes, shared between all copies of a packet.
#[derive(Clone)]
pub enum Payload {
    /// This many zero bytes that nobody has to store.
    Zeros(u32),
    /// A part of shared bytes.
    Bytes {
        /// The bytes.
        data: Arc<[u8]>,
        /// First byte of the part.
        start: u16,
        /// Length of the part.
        len: u32,
    },
    /// A copy that traffic mirroring sends, written out only where bytes are wanted.
    Copy {
        /// What it is made of.
        copy: Arc<vxlan::Copy>,
        /// Length in bytes.
        len: u32,
    },
}

impl Payload {
    /// No payload.
    pub const EMPTY: Self = Self::Zeros(0);

    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> u32 {
        match self {
            Self::Zeros(len) | Self::Bytes { len, .. } | Self::Copy { len, .. } => *len,
        }
    }
    /// True if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// True for what traffic mirroring sends.
    #[must_use]
    pub const fn is_copy(&self) -> bool {
        matches!(self, Self::Copy { .. })
    }
    /// The bytes from `from` on, at most `len` of them, sharing what this shares.
    #[must_use]
    pub fn slice(&self, from: u32, len: u32) -> Self {
        let from = from.min(self.len());
        let kept = len.min(self.len() - from);
        match self {
            Self::Zeros(_) => Self::Zeros(kept),
            Self::Bytes { data, start, .. } => {
                let from = u32::from(*start) + from;
                match u16::try_from(from) {
                    Ok(start) => Self::Bytes { data: data.clone(), start, len: kept },
                    Err(_) => Self::from(&data[from as usize..][..kept as usize]),
                }
            }
            Self::Copy { .. } => Self::from(&self.to_vec()[from as usize..][..kept as usize]),
        }
    }
    /// Appends the bytes to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Zeros(len) => out.resize(out.len() + *len as usize, 0),
            Self::Bytes { data, start, len } => out.extend_from_slice(&data[usize::from(*start)..][..*len as usize]),
            Self::Copy { copy, .. } => copy.write_to(out),
        }
    }
    /// The bytes as a new vector.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len() as usize);
        self.write_to(&mut out);
        out
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        let len = u32::try_from(bytes.len()).expect("an IP payload fits in 32 bits");
        // Bulk data is zeros: they need not be stored.
        if bytes.chunks(64).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0) {
            return Self::Zeros(len);
        }
        Self::Bytes { data: bytes.into(), start: 0, len }
    }
}
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_vec() == other.to_vec()
    }
}
impl Eq for Payload {}
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_far_behind_is_the_same_part() {
        let bytes: Vec<u8> = (0..70_000u32).map(|n| (n % 251) as u8 | 1).collect();
        let whole = Payload::from(bytes.as_slice());
        for from in [0, 65_535, 65_536, 69_999] {
            let part = whole.slice(from, 100).slice(0, 50);
            let end = (from as usize + 50).min(bytes.len());
            assert_eq!(part.to_vec(), bytes[from as usize..end]);
        }
    }

    #[test]
    fn a_packet_fits_in_two_cache_lines() {
        assert!(size_of::<Headers>() <= 72, "{}", size_of::<Headers>());
        assert!(size_of::<Packet>() <= 128, "{}", size_of::<Packet>());
        assert_eq!(size_of::<Payload>(), 24);
    }
}
