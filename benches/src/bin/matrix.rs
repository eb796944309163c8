//! The matrix of an estate: 10,000 interfaces in 50 VPCs against each other and the internet, on one port and on all, beside
//! the most it may take: 10 s on two cores, 2 GiB. With `print` the topology goes to standard output instead.

use std::fs;
use std::time::Instant;
use vpcsim_benches::{estate, network};
use vpcsim_engine::analyse::reach::{Ends, GroupBy, Parties, Reach, Service, Side, groups, matrix, select, service};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::spec;

const VPCS: usize = 50;
const INSTANCES: usize = 10_000;

/// Seconds of processor time of all threads so far, in ticks of 10 ms (Linux).
fn processors() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory this process ever had, in MiB (Linux).
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn main() {
    let text = estate(VPCS, INSTANCES);
    if std::env::args().nth(1).as_deref() == Some("print") {
        println!("{text}");
        return;
    }
    let (spec, _) = spec::read(FileIx(0), text.as_bytes());
    let (spec, network) = (spec.expect("it is right"), network(&text));
    let port = service("443").expect("a port");
    for (what, services) in [("one port", vec![port]), ("all ports", Service::ALL.to_vec())] {
        for by in [GroupBy::Class, GroupBy::Sg] {
            let (began, cpu) = (Instant::now(), processors());
            let parties = Parties::of(&network, &[]);
            let all = Ends { internet: true, ..select(&spec, &network, "all").expect("there are interfaces").ends };
            let groups = groups(&spec, &parties, &all, &by, Side::Sends);
            let cells = matrix(&parties, (&groups, &groups), &services, &|| ());
            let flows = cells.iter().flat_map(|cell| &cell.flows);
            let (pairs, yes) = flows.fold((0, 0), |(n, yes), f| (n + f.total(), yes + f.pairs_that(Reach::Yes)));
            println!(
                "{what} by {by:?}: {} parties, {} cells, {pairs} pairs of ends and ports, {yes} pass: {:.2} s, {:.2} s of processors \
                 (limit 10 s), {} MiB (limit 2048)",
                parties.list.len(),
                cells.len(),
                began.elapsed().as_secs_f64(),
                processors() - cpu,
                peak(),
            );
        }
    }
}
