//! The engine against a naive evaluator that was written apart from it: same outcome, same deciding row.
//!
//! `VPCSIM_TOPOLOGIES`, `VPCSIM_QUESTIONS` and `VPCSIM_SEED` choose how many of each and where to start.

mod reference;

use reference::questions::{ask_engine, compiled, random_question, text};
use reference::topology::{Dice, random};
use reference::{Outcome, RefAnswer, World, evaluate};
use std::collections::BTreeMap;
use vpcsim_engine::spec::write::to_yaml;

/// What a guest tells about a closed UDP port is compared once messages quote packets in full.
const CHECK_PORT_UNREACHABLE: bool = false;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn show(answer: &RefAnswer) -> String {
    match &answer.decided_by {
        None => answer.outcome.word().to_owned(),
        Some((part, row)) => {
            let parts = [answer.outcome.word(), part, row.kind, &row.resource, row.dir, &row.name];
            parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn the_engine_and_the_reference_agree() {
    let (topologies, questions, seed) =
        (number("VPCSIM_TOPOLOGIES", 300), number("VPCSIM_QUESTIONS", 40), number("VPCSIM_SEED", 1));
    let mut decided: BTreeMap<String, u64> = BTreeMap::new();
    let (mut asked, mut passed, mut wrong) = (0, 0, Vec::new());
    for seed in seed..seed + topologies {
        let spec = random(seed);
        let network = compiled(&spec);
        let dice = &mut Dice::new(seed.wrapping_mul(31));
        for _ in 0..questions {
            let Some(q) = random_question(&World::new(&spec), dice) else { continue };
            let expected = evaluate(&spec, &q);
            if expected.udp_refused && !CHECK_PORT_UNREACHABLE {
                continue;
            }
            let (_, found) = ask_engine(&network, &q);
            asked += 1;
            passed += u64::from(matches!(expected.outcome, Outcome::Open | Outcome::Closed | Outcome::Reply));
            let key = match &expected.decided_by {
                None => expected.outcome.word().to_owned(),
                Some((part, row)) => format!("{part} {} {}", row.kind, row.dir),
            };
            *decided.entry(key).or_default() += 1;
            if (found.outcome, &found.decided_by) != (expected.outcome, &expected.decided_by) {
                wrong.push((seed, text(&q), show(&expected), show(&found)));
            }
        }
    }
    println!("{asked} questions, {passed} pass both ways; decided by:");
    for (row, count) in &decided {
        println!("{count:7} {row}");
    }
    if let Some((seed, ..)) = wrong.first() {
        println!("{}", to_yaml(&random(*seed)));
        let mut kinds: BTreeMap<(String, String), (u64, u64, String)> = BTreeMap::new();
        let words = |s: &str| s.split(' ').take(3).collect::<Vec<_>>().join(" ");
        for (seed, q, expected, found) in &wrong {
            let entry = kinds.entry((words(expected), words(found))).or_insert((0, *seed, String::new()));
            entry.0 += 1;
            if entry.2.is_empty() {
                entry.2 = format!("{q}\n      reference: {expected}\n      engine:    {found}");
            }
        }
        for ((expected, found), (count, seed, example)) in kinds {
            println!("{count} times `{expected}` but the engine says `{found}`; seed {seed}: {example}");
        }
    }
    assert_eq!(wrong.len(), 0, "disagreements, see above (VPCSIM_SEED and VPCSIM_TOPOLOGIES=1 replay one topology)");
    assert!(passed * 5 >= asked, "too few pass: {passed} of {asked}");
    assert!(passed * 10 <= asked * 9, "too few are blocked: {passed} of {asked} pass");
}

#[test]
fn every_random_topology_is_valid() {
    let mut seen: BTreeMap<&str, (u64, u64, String)> = BTreeMap::new();
    for seed in 1..=500 {
        let (_, diagnostics) = vpcsim_engine::compile::compile(&random(seed));
        for d in diagnostics.iter().filter(|d| vpcsim_engine::diag::any_error(std::slice::from_ref(d))) {
            seen.entry(d.code).or_insert((0, seed, d.message.clone())).0 += 1;
        }
    }
    assert!(seen.is_empty(), "{seen:#?}");
}
