//! The control plane in time. Its law: whatever is said in whatever order, when everything is said the tables of a running
//! network are those of the fixpoint.
//!
//! `VPCSIM_LIVE_NETWORKS` sets how many random networks are tried.

#[path = "live/random.rs"]
mod random;

use vpcsim_engine::base::{IndexVec, Instant, Nanos, Stream};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::control::{Rib, TableIx, converge, converge_in_order};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::ledger::Ledger;
use vpcsim_engine::sim::{Sim, Start};
use vpcsim_engine::spec::{self, Spec};

/// In this time everybody has tried several times, and the longest hold time is over.
const SETTLED: Nanos = Nanos::from_secs(260);

#[allow(clippy::disallowed_methods, reason = "a test may be asked to try more")]
fn networks() -> u64 {
    std::env::var("VPCSIM_LIVE_NETWORKS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000)
}

fn read(text: &str) -> Spec {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    spec.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

fn compiled(spec: &Spec, text: &str) -> Network {
    let (network, diagnostics) = compile(spec);
    network.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

/// Whether a plan has one state of rest only: else who speaks first decides, and there is nothing to compare with.
fn rests_in_one_way(network: &Network, stream: &mut Stream) -> bool {
    let plan = &network.control.as_ref().expect("somebody speaks").plan;
    let Ok(first) = converge(plan) else { return false };
    (0..6).all(|_| {
        converge_in_order(plan, |waiting| stream.below(waiting.len() as u64) as usize)
            .is_ok_and(|other| other.ribs == first.ribs)
    })
}

fn settle(sim: &mut Sim<Ledger>, by: Nanos) {
    sim.run_until(Instant(sim.now().0) + by);
    let totals = sim.totals();
    sim.observer.check(&totals);
}

fn same(sim: &Sim<Ledger>, expected: &IndexVec<TableIx, Rib>, what: &str, text: &str) {
    let ribs = sim.ribs().expect("it speaks");
    for (table, rib) in expected.iter_enumerated() {
        assert_eq!(&ribs[table], rib, "{what}: table {table:?}\n{text}");
    }
}

/// A cold start, then a line that goes dead, then the line again: each time the tables come to what they must.
fn try_one(seed: u64) -> bool {
    let stream = &mut Stream::new(seed, "live", "network");
    let text = random::topology(stream);
    let spec = read(&text);
    let network = compiled(&spec, &text);
    if !rests_in_one_way(&network, stream) {
        return false;
    }
    let at_rest = network.control.clone().expect("somebody speaks");
    let mut sim = Sim::starting(network.clone(), seed, Ledger::default(), Start::Cold);
    settle(&mut sim, Nanos::from_secs(25));
    same(&sim, &at_rest.ribs, "cold start", &text);
    assert!(sim.network().same_paths(&network), "packets go where the topology says\n{text}");

    // One line loses everything, and nobody is told.
    let (broken, session) = random::break_a_line(stream, &spec);
    let mut epoch = sim.network().fabric.epoch + 1;
    let (dead, diagnostics) = vpcsim_engine::compile::compile_epoch(&broken, epoch);
    let dead = dead.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    let mut plan = dead.control.clone().expect("somebody speaks").plan.clone();
    let lines = dead.control.clone().expect("somebody speaks");
    for s in plan.sessions.indices().collect::<Vec<_>>() {
        let line = plan.sessions[s].bgp.map(|n| dead.line_name(lines.bgp[n as usize].line));
        if line.is_some_and(|line| session.contains(&line)) {
            plan.sessions[s].up = false;
        }
    }
    let Ok(without) = converge(&plan) else { return true };
    let mut unique = dead.clone();
    unique.control = Some(std::sync::Arc::new(vpcsim_engine::compile::Control { plan, ..Default::default() }));
    if !rests_in_one_way(&unique, stream) {
        return true;
    }
    sim.configure(dead);
    settle(&mut sim, SETTLED);
    same(&sim, &without.ribs, &format!("without {session:?}"), &text);

    // And it comes back.
    epoch = sim.network().fabric.epoch + 1;
    let (back, _) = vpcsim_engine::compile::compile_epoch(&spec, epoch);
    sim.configure(back.expect("it was compiled before"));
    settle(&mut sim, SETTLED);
    same(&sim, &at_rest.ribs, "again", &text);
    true
}

#[test]
fn a_live_network_comes_to_the_fixpoint() {
    let all = networks();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let tried: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope
                    .spawn(move || (worker..all).step_by(threads as usize).filter(|seed| try_one(*seed)).count() as u64)
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    });
    println!("{tried} of {all} random networks have one state of rest, and came to it");
    assert!(tried * 10 >= all * 9, "{tried} of {all}");
}
