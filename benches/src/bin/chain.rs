//! Hops per second of processor time, through chains of 4 and 10 middleboxes with a security group and an
//! ACL at every hop: the figure in the README.

use vpcsim_benches::{Chain, cpu_nanos};

/// Hops to measure for each chain.
const HOPS: u64 = 5_000_000;
/// Runs of each chain; the median is printed.
const RUNS: usize = 5;

fn main() {
    for (middleboxes, flows) in [(4, 100), (10, 100), (10, 10_000)] {
        let mut chain = Chain::new(middleboxes, flows);
        let mut rates: Vec<u64> = (0..RUNS)
            .map(|_| {
                let (start, mut hops) = (cpu_nanos(), 0);
                while hops < HOPS {
                    hops += chain.round();
                }
                hops * 1_000_000_000 / (cpu_nanos() - start).max(1)
            })
            .collect();
        rates.sort_unstable();
        let median = rates[RUNS / 2];
        println!(
            "{middleboxes:>2} middleboxes, {flows:>5} established flows: {:.2} M hops per CPU-second ({} ns a hop)",
            median as f64 / 1e6,
            1_000_000_000 / median.max(1)
        );
    }
}
