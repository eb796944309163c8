//! The control plane in time. Its law: whatever is said in whatever order, when everything is said the tables of a running
//! network are those of the fixpoint.
//!
//! `VPCSIM_LIVE_NETWORKS` sets how many random networks are tried.

#[path = "live/random.rs"]
mod random;

use vpcsim_engine::base::{IndexVec, Instant, Nanos, Stream};
use vpcsim_engine::compile::{Network, compile, compile_epoch};
use vpcsim_engine::control::{Converged, Plan, Rib, TableIx, converge, converge_in_order, export, import};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::ledger::Ledger;
use vpcsim_engine::sim::{Sim, Start};
use vpcsim_engine::spec::{self, Spec};

/// In this time everybody has tried several times, and the longest hold time is over.
const SETTLED: Nanos = Nanos::from_secs(260);

/// Networks that are tried where the compiler has optimised, and how many of them have one state of rest at least.
const TRIED: u64 = 10_400;
const WITH_ONE: u64 = 10_000;

#[allow(clippy::disallowed_methods, reason = "a test may be asked to try more")]
fn networks() -> u64 {
    let asked = std::env::var("VPCSIM_LIVE_NETWORKS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(if cfg!(debug_assertions) { 200 } else { TRIED })
}

fn read(text: &str) -> Spec {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    spec.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

/// Nothing if the policies contradict each other.
fn compiled(spec: &Spec, text: &str) -> Option<Network> {
    let (network, diagnostics) = compile(spec);
    if diagnostics.iter().any(|d| d.code == "no-convergence") {
        return None;
    }
    Some(network.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}")))
}

/// Whether a plan seems to have one state of rest only: else who speaks first decides. Sessions speak in random orders, and
/// in orders where one always goes before another.
fn rests_in_one_way(plan: &Plan, stream: &mut Stream) -> bool {
    let Ok(first) = converge(plan) else { return false };
    let same = |other: Result<Converged, _>| other.is_ok_and(|other| other.ribs == first.ribs);
    let ranks: Vec<Vec<u64>> = (0..24).map(|_| plan.sessions.iter().map(|_| stream.next_u64()).collect()).collect();
    ranks.iter().all(|rank| {
        same(converge_in_order(plan, |waiting| {
            (0..waiting.len()).min_by_key(|n| rank[waiting[*n].0 as usize]).expect("somebody waits")
        }))
    }) && (0..8).all(|_| same(converge_in_order(plan, |waiting| stream.below(waiting.len() as u64) as usize)))
}

/// What every table would hold if everybody told once more what they hold: at rest, the same.
fn told_once_more(plan: &Plan, ribs: &IndexVec<TableIx, Rib>) -> IndexVec<TableIx, Rib> {
    let mut out: IndexVec<TableIx, Rib> = plan.tables.iter().map(Rib::new).collect();
    for (session, s) in plan.sessions.iter_enumerated().filter(|(_, s)| s.up) {
        let held = ribs[s.from].iter().map(|(to, _)| to);
        for to in held.chain(s.export.originate.iter().copied()) {
            let told = export(plan, session, to, ribs[s.from].best(to));
            if let Some(route) = told.ok().and_then(|told| import(plan, session, to, told).ok()) {
                out[s.to].put(route);
            }
        }
    }
    out
}

fn settle(sim: &mut Sim<Ledger>, by: Nanos) {
    sim.run_until(Instant(sim.now().0) + by);
    let totals = sim.totals();
    sim.observer.check(&totals);
}

/// The tables are at rest, and they are those of the fixpoint. With several states of rest it may be another one, or none:
/// two that always answer each other at the same moment never agree.
fn check(sim: &Sim<Ledger>, plan: &Plan, only_one: bool, what: &str, text: &str) -> bool {
    let ribs = sim.ribs().expect("it speaks");
    let compare = |expected: &IndexVec<TableIx, Rib>, what: &str| {
        for (table, rib) in expected.iter_enumerated() {
            let prefixes = rib.iter().map(|(to, _)| to).chain(ribs[table].iter().map(|(to, _)| to));
            for to in prefixes {
                assert_eq!(ribs[table].get(to), rib.get(to), "{what}: table {table:?}, {to}\n{text}");
            }
        }
    };
    if only_one {
        compare(&told_once_more(plan, ribs), &format!("{what}, at rest"));
    }
    let fixpoint = converge(plan).expect("it was asked before").ribs;
    // A state of rest that no order has shown is a proof that the plan has several.
    *ribs == fixpoint
}

/// What became of a network: whether it has one state of rest, as far as random orders tell, and whether each time that it has
/// it came to the fixpoint.
struct Tried {
    one: bool,
    fixpoint: bool,
}

/// A cold start, then a line that goes dead, then the line again: each time the tables come to what they must.
fn try_one(seed: u64) -> Option<Tried> {
    let stream = &mut Stream::new(seed, "live", "network");
    let text = random::topology(stream);
    let spec = read(&text);
    let network = compiled(&spec, &text)?;
    let plan = &network.control.as_ref().expect("somebody speaks").plan;
    let whole = rests_in_one_way(plan, stream);
    let mut out = Tried { one: whole, fixpoint: true };
    let mut sim = Sim::starting(network.clone(), seed, Ledger::default(), Start::Cold);
    settle(&mut sim, Nanos::from_secs(25));
    let is_it = check(&sim, plan, whole, "cold start", &text);
    out.fixpoint &= is_it || !whole;
    if is_it {
        assert!(sim.network().same_paths(&network), "packets go where the topology says\n{text}");
    }

    // One line loses everything, and nobody is told.
    let (broken, names) = random::break_a_line(stream, &spec);
    let (dead, diagnostics) = compile_epoch(&broken, sim.network().fabric.epoch + 1);
    let Some(dead) = dead else {
        assert!(diagnostics.iter().any(|d| d.code == "no-convergence"), "{diagnostics:#?}");
        return Some(out);
    };
    let control = dead.control.clone().expect("somebody speaks");
    let mut without = control.plan.clone();
    for s in without.sessions.indices() {
        let line = control.plan.sessions[s].bgp.map(|n| dead.line_name(control.bgp[n as usize].line));
        without.sessions[s].up &= line.is_none_or(|line| line != names);
    }
    if converge(&without).is_err() {
        return Some(out);
    }
    let one = rests_in_one_way(&without, stream);
    sim.configure(dead);
    settle(&mut sim, SETTLED);
    out.fixpoint &= check(&sim, &without, one, &format!("without {names}"), &text) || !one;
    out.one &= one;

    // And it comes back.
    let (back, _) = compile_epoch(&spec, sim.network().fabric.epoch + 1);
    sim.configure(back.expect("it was compiled before"));
    settle(&mut sim, SETTLED);
    out.fixpoint &= check(&sim, plan, whole, "again", &text) || !whole;
    Some(out)
}

#[test]
fn a_live_network_comes_to_the_fixpoint() {
    let all = networks();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let tried: Vec<Tried> = std::thread::scope(|scope| {
        let share = |worker: u64| (worker..all).step_by(threads as usize).filter_map(try_one).collect::<Vec<_>>();
        let workers: Vec<_> = (0..threads).map(|worker| scope.spawn(move || share(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    let one = tried.iter().filter(|t| t.one).count() as u64;
    let elsewhere = tried.iter().filter(|t| !t.fixpoint).count() as u64;
    println!("{} of {all} random networks do not contradict themselves, {one} have one state of rest", tried.len());
    println!("{elsewhere} came to another state of rest, that no other order had shown");
    assert!(one >= WITH_ONE * all / TRIED, "{one} of {all} have one state of rest");
    assert!(elsewhere * 1_000 <= all, "{elsewhere} of {all}");
}
