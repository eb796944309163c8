//! Reachability Analyzer's codes: which there are, and that no answer carries one that is not said to be produced.

#[allow(unused_imports, reason = "another test uses them")]
mod reference;

use reference::World;
use reference::questions::{compiled, question_between, random_question, to_engine};
use reference::topology::{Dice, random, random_wide};
use std::collections::{BTreeMap, BTreeSet};
use vpcsim_engine::explain::{ask, codes};
use vpcsim_engine::verdict::{ALIASES, CODES, Produced, alias_of};

/// Random networks of each kind that are looked through.
const NETWORKS: u64 = 120;

/// That those which are said to be produced are, `scenarios/pains` shows.
#[test]
fn no_other_code_is_produced() {
    let known: BTreeMap<&str, Produced> = CODES.iter().map(|code| (code.name, code.produced)).collect();
    let mut found = 0;
    for seed in 1..=NETWORKS {
        for wide in [false, true] {
            let spec = if wide { random_wide(seed) } else { random(seed) };
            let network = compiled(&spec);
            let dice = &mut Dice::new(seed.wrapping_mul(17));
            for _ in 0..60 {
                let world = World::new(&spec);
                let q = if wide { question_between(&world, dice) } else { random_question(&world, dice) };
                let Some(q) = q else { continue };
                for code in codes(&network, &ask(&network, &to_engine(&network, &q))) {
                    let said = code.starts_with("SIM_") || known.get(code) == Some(&Produced::Yes);
                    assert!(said, "{code} is not said to be produced: seed {seed}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 1_000, "{found}");
}

/// 71 + 5 + 13 + 11 in the edition that was read, less what it lists twice.
#[test]
fn the_table_is_whole() {
    let names: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
    assert_eq!(names.len(), CODES.len(), "one entry each");
    for alias in ALIASES {
        for code in alias.codes {
            assert!(names.contains(code) || code.starts_with("SIM_"), "{code}");
        }
    }
    assert_eq!(alias_of("SUBNET_ACL_RESTRICTION").map(|a| a.gcp), Some(&["FIREWALL_RULE"][..]));
}
