//! Whole chains: packets of established flows through middleboxes with a group and an ACL at every hop.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_benches::Chain;

fn chains(c: &mut Criterion) {
    let mut group = c.benchmark_group("chain");
    for middleboxes in [4usize, 10] {
        let mut chain = Chain::new(middleboxes, 100);
        group.throughput(Throughput::Elements(100 * (middleboxes as u64 + 1)));
        group.bench_function(format!("{middleboxes} middleboxes, 100 packets"), |b| b.iter(|| chain.round()));
    }
    group.finish();
}

criterion_group!(benches, chains);
criterion_main!(benches);
