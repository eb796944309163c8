//! Packets to link-local services: 1,024 per second and interface, the rest is dropped (SVC-5).

use crate::base::Instant;
use crate::base::ids::EniIx;
use rustc_hash::FxHashMap;

/// Packets per second and interface to all link-local services together.
pub const SERVICE_PACKETS_PER_SECOND: u32 = 1024;

/// Counts by interface, in whole seconds of virtual time.
#[derive(Clone, Debug, Default)]
pub struct ServiceRate {
    counts: FxHashMap<EniIx, (u64, u32)>,
}

impl ServiceRate {
    /// Counts a packet; false if it is one too many.
    pub fn admit(&mut self, eni: EniIx, now: Instant) -> bool {
        let second = now.0 / 1_000_000_000;
        let (at, count) = self.counts.entry(eni).or_insert((second, 0));
        if *at != second {
            (*at, *count) = (second, 0);
        }
        *count += 1;
        *count <= SERVICE_PACKETS_PER_SECOND
    }
}
