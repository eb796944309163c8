//! The engine against a naive evaluator that was written apart from it: same outcome, same deciding row.
//!
//! `VPCSIM_TOPOLOGIES`, `VPCSIM_QUESTIONS` and `VPCSIM_SEED` choose how many of each and where to start.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod reference;

use reference::questions::{ask_engine, compiled, random_question, text};
use reference::topology::{Dice, random};
use reference::{Outcome, RefAnswer, RefQuestion, Sender, World, change, evaluate};
use std::collections::BTreeMap;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::spec::Spec;
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

/// The engine's answers about a topology and about a changed one, to `holds`.
fn under_change(
    change: impl Fn(&Spec, &mut Dice) -> Spec,
    holds: impl Fn(&RefAnswer, &RefAnswer) -> bool,
    name_after: impl Fn(&Spec, &RefQuestion) -> RefQuestion,
) {
    for seed in 1..=number("VPCSIM_TOPOLOGIES", 100) {
        let dice = &mut Dice::new(seed.wrapping_mul(77));
        let spec = random(seed);
        let changed = change(&spec, dice);
        let (before, after) = (compiled(&spec), compiled(&changed));
        for _ in 0..number("VPCSIM_QUESTIONS", 40) {
            let Some(q) = random_question(&World::new(&spec), dice) else { continue };
            let (_, old) = ask_engine(&before, &q);
            let (_, new) = ask_engine(&after, &name_after(&changed, &q));
            if !holds(&old, &new) {
                println!("{}\nchanged to\n{}", to_yaml(&spec), to_yaml(&changed));
                panic!("seed {seed}: {}: `{}`, but after the change `{}`", text(&q), show(&old), show(&new));
            }
        }
    }
}

fn passes(answer: &RefAnswer) -> bool {
    matches!(answer.outcome, Outcome::Open | Outcome::Closed | Outcome::Reply)
}

/// The same row, whatever it is called.
fn same_but_for_row_names(old: &RefAnswer, new: &RefAnswer) -> bool {
    let row = |a: &RefAnswer| a.decided_by.clone().map(|(part, r)| (part, r.kind, r.resource, r.dir));
    old.outcome == new.outcome && row(old) == row(new)
}

#[test]
fn a_further_allow_never_blocks() {
    under_change(change::allow_more, |old, new| !passes(old) || passes(new), |_, q| q.clone());
}

#[test]
fn acl_rows_behind_the_first_match_do_not_matter() {
    under_change(change::rows_behind, |old, new| old == new, |_, q| q.clone());
}

#[test]
fn a_block_is_its_two_halves() {
    under_change(|spec, _| change::split(spec), same_but_for_row_names, |_, q| q.clone());
}

#[test]
fn the_order_of_lists_does_not_matter() {
    under_change(|spec, _| change::reorder(spec), |old, new| old == new, |_, q| q.clone());
}

#[test]
fn names_do_not_matter() {
    let renamed = |spec: &Spec, _: &mut Dice| {
        let text = change::rename(&to_yaml(spec), spec);
        let (renamed, diagnostics) = vpcsim_engine::spec::read(FileIx(0), text.as_bytes());
        renamed.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
    };
    let same = |old: &RefAnswer, new: &RefAnswer| {
        let mut new = new.clone();
        if let Some((_, row)) = &mut new.decided_by {
            row.resource = change::named_before(&row.resource).to_owned();
            row.name = change::named_before(&row.name).to_owned();
        }
        *old == new
    };
    let by_address = |changed: &Spec, q: &RefQuestion| {
        let from = match &q.from {
            Sender::Internet => Sender::Internet,
            Sender::Eni(_) => {
                let world = World::new(changed);
                Sender::Eni(world.enis.iter().find(|e| e.owns(q.src)).expect("the same addresses").name.clone())
            }
        };
        RefQuestion { from, ..q.clone() }
    };
    under_change(renamed, same, by_address);
}

#[test]
fn the_first_blocker_decides_and_asking_changes_nothing() {
    use vpcsim_engine::explain::End;
    use vpcsim_engine::verdict::{Reason, reason_of};
    let mut blocked = 0;
    for seed in 1..=number("VPCSIM_TOPOLOGIES", 300) {
        let spec = random(seed);
        let network = compiled(&spec);
        let dice = &mut Dice::new(seed.wrapping_mul(5));
        for _ in 0..number("VPCSIM_QUESTIONS", 40) {
            let Some(q) = random_question(&World::new(&spec), dice) else { continue };
            let (explanation, answer) = ask_engine(&network, &q);
            assert_eq!(explanation, ask_engine(&network, &q).0, "asked twice: seed {seed}: {}", text(&q));
            let Some((part, row)) = explanation.decided_by else { continue };
            if reason_of(network.fabric.rows[row].kind) != Reason::Blocked {
                continue;
            }
            // A sender that is down meets no stage at all, and a service's silence is none.
            let served = matches!(explanation.request.end, End::Served(..));
            if explanation.request.steps.is_empty() || served {
                continue;
            }
            blocked += 1;
            let first = explanation.blockers.first().map(|b| (b.part, b.step.decision.by));
            assert_eq!(first, Some((part, row)), "seed {seed}: {}: {}", text(&q), show(&answer));
        }
    }
    assert!(blocked > 0, "nothing was blocked");
}
