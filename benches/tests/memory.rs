//! What memory costs, counted at the allocator: the numbers to reach. `--nocapture` prints the figures.
//!
//! One test, because the allocator counts for the whole process.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;
use vpcsim_benches::{Chain, flat};
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::fabric::Profile;
use vpcsim_engine::flow::{Conn, ConnKey, ConnTable};
use vpcsim_engine::sim::Sim;
use vpcsim_engine::spec;
use vpcsim_engine::verdict::{Dir, RowIx};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Bytes that a compiled network with its names, and a simulation of it at rest, take per interface. The topology that it
/// was made of is the caller's.
fn per_interface() -> (usize, usize) {
    let spec = spec::read(FileIx(0), flat(20_000).as_bytes()).0.expect("it is right");
    let before = live();
    let network = compile(&spec).0.expect("it is right");
    let enis = network.fabric.enis.len();
    let compiled = live();
    let sim = Sim::new(network.clone(), 1, ());
    let simulated = live();
    black_box(&sim);
    ((compiled - before) / enis, (simulated - before) / enis)
}

/// Bytes per tracked connection, when the table has just doubled.
fn per_connection() -> usize {
    // One more than fit in a table of 2^17 places, of which 7/8 may be taken.
    const CONNECTIONS: u32 = (1 << 17) / 8 * 7 + 1;
    let (profile, before, mut table) = (Profile::default(), live(), ConnTable::default());
    for n in 0..CONNECTIONS {
        let key = ConnKey {
            eni: EniIx(n >> 16),
            protocol: Protocol::TCP,
            local_port: n as u16,
            remote_port: 443,
            local: [10, 0, 0, 10].into(),
            remote: [10, 0, 1, 10].into(),
        };
        table.insert(key, Conn::new(Instant(1), RowIx(0), 0, Dir::Out, false), &profile);
    }
    assert_eq!(table.len(), CONNECTIONS as usize);
    (live() - before) / table.len()
}

/// Allocations per thousand crossings of established flows through ten middleboxes.
fn per_thousand_crossings() -> f64 {
    let mut chain = Chain::new(10, 100);
    // Each slot of the event queue's wheel gets its room when it is first used.
    for _ in 0..1000 {
        chain.round();
    }
    let (before, mut hops) = (ALLOCATOR.stats(), 0);
    for _ in 0..100 {
        hops += chain.round();
    }
    let after = ALLOCATOR.stats();
    let calls = after.allocations + after.reallocations - before.allocations - before.reallocations;
    calls as f64 * 1000.0 / hops as f64
}

#[test]
fn memory_stays_within_the_numbers_to_reach() {
    let (network, simulated) = per_interface();
    println!("an idle interface: {network} bytes, names included; {simulated} with a simulation of it");
    assert!(simulated <= 1024, "{simulated}");
    let connection = per_connection();
    println!("a tracked connection: {connection} bytes");
    assert!(connection <= 192, "{connection}");
    let allocations = per_thousand_crossings();
    println!("a thousand crossings of established flows: {allocations:.3} allocations");
    assert!(allocations < 0.5, "{allocations}");
}
