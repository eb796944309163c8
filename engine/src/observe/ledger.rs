//! The check that runs in every test and every run: packets are conserved, time does not go back, every
//! drop has a row.

use crate::base::Instant;
use crate::event::{Fact, Observer};
use crate::sim::Totals;

/// Watches the laws of the engine.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    last: Instant,
    dropped: u64,
}

impl Observer for Ledger {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        assert!(now >= self.last, "time went back from {} to {} ns", self.last.0, now.0);
        self.last = now;
        if let Fact::Dropped { .. } = fact {
            self.dropped += 1;
        }
    }
}

impl Ledger {
    /// Packets are conserved.
    ///
    /// # Panics
    /// If they are not: that is a bug in the engine.
    pub fn check(&self, totals: &Totals) {
        let (put_in, taken_out) =
            (totals.originated + totals.made, totals.delivered + totals.exited + totals.dropped + totals.in_flight);
        assert_eq!(put_in, taken_out, "packets are not conserved: {totals:?}");
        assert_eq!(self.dropped, totals.dropped, "a drop was not told: {totals:?}");
    }
}
