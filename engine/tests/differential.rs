//! The engine against a naive evaluator that was written apart from it: same outcome, same deciding row.
//!
//! `VPCSIM_TOPOLOGIES`, `VPCSIM_QUESTIONS` and `VPCSIM_SEED` choose how many of each and where to start.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod reference;

use reference::mirror::random_mirrors;
use reference::questions::{ask_engine, compiled, question_between, random_question, show, show_all, text};
use reference::topology::{Dice, random, random_wide};
use reference::{Answers, Outcome, RefAnswer, RefQuestion, RefRow, Sender, World, change, evaluate};
use std::collections::BTreeMap;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::spec::Spec;
use vpcsim_engine::spec::write::to_yaml;

/// What a guest tells about a closed UDP port is compared once messages quote packets in full.
const CHECK_PORT_UNREACHABLE: bool = false;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// How a kind of topologies is made, and how a question about it.
struct Kind {
    topology: fn(u64) -> Spec,
    question: fn(&World<'_>, &mut Dice) -> Option<RefQuestion>,
}

static ONE_VPC: Kind = Kind { topology: random, question: random_question };
static BETWEEN_VPCS: Kind = Kind { topology: random_wide, question: question_between };

/// So many seeds of each kind.
fn kinds(default: u64) -> impl Iterator<Item = (u64, &'static Kind)> {
    (1..=number("VPCSIM_TOPOLOGIES", default)).flat_map(|seed| [(seed, &ONE_VPC), (seed, &BETWEEN_VPCS)])
}

#[derive(Default)]
struct Tally {
    asked: u64,
    passed: u64,
    /// Questions with a choice on the way, and those whose answer depends on one.
    choices: u64,
    several: u64,
    goes_round: u64,
    decided: BTreeMap<String, u64>,
    /// Seed, question, what the reference says, what the engine says.
    wrong: Vec<(u64, String, Answers, Answers)>,
}

fn compare(kind: &Kind) -> Tally {
    let (topologies, questions, seed) =
        (number("VPCSIM_TOPOLOGIES", 300), number("VPCSIM_QUESTIONS", 40), number("VPCSIM_SEED", 1));
    let mut tally = Tally::default();
    for seed in seed..seed + topologies {
        let spec = (kind.topology)(seed);
        let network = compiled(&spec);
        let dice = &mut Dice::new(seed.wrapping_mul(31));
        for _ in 0..questions {
            let Some(q) = (kind.question)(&World::new(&spec), dice) else { continue };
            let expected = evaluate(&spec, &q);
            if expected.udp_refused && !CHECK_PORT_UNREACHABLE {
                continue;
            }
            if expected.goes_round {
                tally.goes_round += 1;
                continue;
            }
            let (_, found) = ask_engine(&network, &q);
            tally.asked += 1;
            tally.passed += u64::from(passes(&expected.set));
            tally.choices += u64::from(expected.combinations > 1);
            tally.several += u64::from(expected.set.len() > 1);
            for answer in &expected.set {
                let key = match &answer.decided_by {
                    None => answer.outcome.word().to_owned(),
                    Some((part, row)) => format!("{part} {} {}", row.kind, row.dir),
                };
                *tally.decided.entry(key).or_default() += 1;
            }
            if found != expected.set {
                tally.wrong.push((seed, text(&q), expected.set, found));
            }
        }
    }
    tally
}

fn report(kind: &Kind, tally: &Tally) {
    let Tally { asked, passed, choices, several, goes_round, decided, wrong } = tally;
    println!("{asked} questions, {passed} pass both ways, {choices} with choices, {several} with several answers;");
    println!("{goes_round} more go round;");
    println!("decided by:");
    for (row, count) in decided {
        println!("{count:7} {row}");
    }
    let Some((seed, ..)) = wrong.first() else { return };
    println!("{}", to_yaml(&(kind.topology)(*seed)));
    let mut kinds: BTreeMap<(String, String), (u64, u64, String)> = BTreeMap::new();
    let words = |answers: &Answers| {
        let short = |a: &RefAnswer| show(a).split(' ').take(3).collect::<Vec<_>>().join(" ");
        answers.iter().map(short).collect::<Vec<_>>().join(" | ")
    };
    for (seed, q, expected, found) in wrong {
        let entry = kinds.entry((words(expected), words(found))).or_insert((0, *seed, String::new()));
        entry.0 += 1;
        if entry.2.is_empty() {
            entry.2 = format!("{q}\n      reference: {}\n      engine:    {}", show_all(expected), show_all(found));
        }
    }
    for ((expected, found), (count, seed, example)) in kinds {
        println!("{count} times `{expected}` but the engine says `{found}`; seed {seed}: {example}");
    }
}

fn agree(kind: &Kind) -> Tally {
    let tally = compare(kind);
    report(kind, &tally);
    assert_eq!(
        tally.wrong.len(),
        0,
        "disagreements, see above (VPCSIM_SEED and VPCSIM_TOPOLOGIES=1 replay one topology)"
    );
    tally
}

#[test]
fn the_engine_and_the_reference_agree() {
    let Tally { asked, passed, .. } = agree(&ONE_VPC);
    assert!(passed * 5 >= asked, "too few pass: {passed} of {asked}");
    assert!(passed * 10 <= asked * 9, "too few are blocked: {passed} of {asked} pass");
}

#[test]
fn the_engine_and_the_reference_agree_between_vpcs() {
    let Tally { asked, passed, choices, several, .. } = agree(&BETWEEN_VPCS);
    assert!(passed * 10 >= asked, "too few pass: {passed} of {asked}");
    assert!(choices * 100 >= asked, "too few have a choice: {choices} of {asked}");
    assert!(several * 500 >= asked, "too few depend on one: {several} of {asked}");
}

/// MIR-3, MIR-4, MIR-5, MIR-7, MIR-14: which session copies a packet, by which rule, at every interface there and back.
#[test]
fn the_engine_and_the_reference_mirror_alike() {
    use vpcsim_engine::verdict::{RowKind, Stage};
    let (mut asked, mut copies, mut dns) = (0, 0, 0);
    for (seed, kind) in kinds(150) {
        let mut spec = (kind.topology)(seed);
        let dice = &mut Dice::new(seed.wrapping_mul(1013));
        random_mirrors(&mut spec, dice);
        let network = compiled(&spec);
        for _ in 0..number("VPCSIM_QUESTIONS", 40) {
            let Some(q) = (kind.question)(&World::new(&spec), dice) else { continue };
            let expected = evaluate(&spec, &q);
            if expected.udp_refused || expected.goes_round {
                continue;
            }
            let (e, answers) = ask_engine(&network, &q);
            assert_eq!(answers, expected.set, "seed {seed}: {}", text(&q));
            // Where nobody knows what becomes of a packet, nobody knows of its reply's copies.
            if answers.iter().any(|answer| answer.outcome == Outcome::Unknown) {
                continue;
            }
            let steps = e.request.steps.iter().chain(e.reply.iter().flat_map(|reply| &reply.steps));
            let found: Vec<(String, String)> = steps
                .filter_map(|step| {
                    let Stage::Mirror(session) = step.stage else { return None };
                    let (names, by) = (&network.names, step.decision.by);
                    let copied = matches!(network.fabric.rows[by].kind, RowKind::MirrorAccept | RowKind::MirrorDns);
                    let session = names.mirror_sessions[session].id.clone();
                    copied.then(|| (session, names.row_name(&network.fabric, by).to_owned()))
                })
                .collect();
            let sessions = e.mirrored.iter().map(|(s, _)| &network.names.mirror_sessions[*s].id);
            assert!(sessions.eq(found.iter().map(|(session, _)| session)), "seed {seed}: {}", text(&q));
            let same = expected.mirrored.contains(&found);
            assert!(
                same,
                "{}\nseed {seed}: {}\n reference {:?}\n engine {found:?}",
                to_yaml(&spec),
                text(&q),
                expected.mirrored
            );
            asked += 1;
            copies += found.len();
            dns += usize::from(found.iter().any(|(_, rule)| rule == "amazon-dns"));
        }
    }
    println!("{asked} questions, {copies} copies, {dns} of the resolver's");
    assert!(copies * 10 >= asked && dns > 0, "{copies} copies of {asked} questions, {dns} of the resolver's");
}

#[test]
fn every_random_topology_is_valid() {
    let mut seen: BTreeMap<&str, (u64, u64, String)> = BTreeMap::new();
    for seed in 1..=500 {
        let (_, mut diagnostics) = vpcsim_engine::compile::compile(&random(seed));
        diagnostics.extend(vpcsim_engine::compile::compile(&random_wide(seed)).1);
        for d in diagnostics.iter().filter(|d| vpcsim_engine::diag::any_error(std::slice::from_ref(d))) {
            seen.entry(d.code).or_insert((0, seed, d.message.clone())).0 += 1;
        }
    }
    assert!(seen.is_empty(), "{seen:#?}");
}

/// The engine's answers about a topology and about a changed one, to `holds`.
fn under_change(
    change: impl Fn(&Spec, &mut Dice) -> Spec,
    holds: impl Fn(&Answers, &Answers) -> bool,
    name_after: impl Fn(&Spec, &RefQuestion) -> RefQuestion,
) {
    for (seed, kind) in kinds(100) {
        let dice = &mut Dice::new(seed.wrapping_mul(77));
        let spec = (kind.topology)(seed);
        let changed = change(&spec, dice);
        let (before, after) = (compiled(&spec), compiled(&changed));
        for _ in 0..number("VPCSIM_QUESTIONS", 40) {
            let Some(q) = (kind.question)(&World::new(&spec), dice) else { continue };
            let (_, old) = ask_engine(&before, &q);
            let (_, new) = ask_engine(&after, &name_after(&changed, &q));
            if !holds(&old, &new) {
                println!("{}\nchanged to\n{}", to_yaml(&spec), to_yaml(&changed));
                panic!("seed {seed}: {}: `{}`, but after the change `{}`", text(&q), show_all(&old), show_all(&new));
            }
        }
    }
}

fn passes(answers: &Answers) -> bool {
    answers.iter().all(|a| matches!(a.outcome, Outcome::Open | Outcome::Closed | Outcome::Reply))
}

/// The same row, whatever it is called.
fn same_but_for_row_names(old: &Answers, new: &Answers) -> bool {
    with_rows(old, |row| row.name.clear()) == with_rows(new, |row| row.name.clear())
}

fn with_rows(answers: &Answers, change: impl Fn(&mut RefRow)) -> Answers {
    let mut all: Vec<RefAnswer> = answers.iter().cloned().collect();
    all.iter_mut().filter_map(|a| a.decided_by.as_mut()).for_each(|(_, row)| change(row));
    all.into_iter().collect()
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
    let same = |old: &Answers, new: &Answers| {
        let before = |row: &mut RefRow| {
            row.resource = change::named_before(&row.resource);
            row.name = change::named_before(&row.name);
        };
        *old == with_rows(new, before)
    };
    let by_address = |changed: &Spec, q: &RefQuestion| {
        let from = match &q.from {
            Sender::Internet => Sender::Internet,
            Sender::Eni(old) => {
                let world = World::new(changed);
                let same = |eni: &&reference::world::Eni| change::named_before(&eni.name) == *old;
                Sender::Eni(world.enis.iter().find(same).expect("the same interface").name.clone())
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
    for (seed, kind) in kinds(300) {
        let spec = (kind.topology)(seed);
        let network = compiled(&spec);
        let dice = &mut Dice::new(seed.wrapping_mul(5));
        for _ in 0..number("VPCSIM_QUESTIONS", 40) {
            let Some(q) = (kind.question)(&World::new(&spec), dice) else { continue };
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
            assert_eq!(first, Some((part, row)), "seed {seed}: {}: {}", text(&q), show_all(&answer));
        }
    }
    assert!(blocked > 0, "nothing was blocked");
}
