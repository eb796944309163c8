//! Where a path depends on a choice that AWS makes and does not tell (a zone, a tunnel, a target): every combination is
//! walked, and what those that fail have in common is said.

use super::{Explanation, Outcome, Part};
use crate::base::ids::EniIx;
use crate::fabric::Fabric;
use crate::flow::{Choice, Pick};
use crate::verdict::RowIx;
use std::collections::{BTreeMap, BTreeSet};

/// Combinations of picks that one question walks at most.
pub const ALTERNATIVES_MAX: usize = 512;

/// What one combination of picks leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternative {
    /// The picks: what is chosen, what the option stands for, among how many.
    pub picks: Vec<(Pick, u32, u32)>,
    /// The position of each pick among its options.
    pub at: Vec<u32>,
    /// How likely it is, if every option is as likely as the next: one in so many.
    pub one_in: u64,
    /// What the asker would see.
    pub outcome: Outcome,
    /// The row that decided, if the answer is not a plain yes, and on which walk.
    pub decided_by: Option<(Part, RowIx)>,
}

/// What the alternatives that fail have in common, and no other has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Common {
    /// One choice falls on one of these options.
    Options(Pick, Vec<u32>),
    /// Two choices fall into different zones.
    Different(Pick, Pick),
    /// They fall into the same one.
    Same(Pick, Pick),
    /// No choice alone, but one row stops them all.
    Row(Part, RowIx),
}

/// Every combination of picks for a question that `walk` answers, given picks that are forced.
pub(super) fn alternatives(
    mut walk: impl FnMut(&BTreeMap<Pick, u32>) -> (Explanation, Vec<(Pick, Vec<u32>)>),
) -> Vec<Alternative> {
    let mut out = Vec::new();
    let mut pending = vec![BTreeMap::new()];
    while let Some(forced) = pending.pop() {
        let (explanation, asked) = walk(&forced);
        if let Some((pick, options)) = asked.iter().find(|(pick, _)| !forced.contains_key(pick)) {
            if out.len() + pending.len() + options.len() > ALTERNATIVES_MAX {
                break;
            }
            // The last one pushed is walked first: options in ascending order.
            for option in (0..options.len() as u32).rev() {
                let mut more = forced.clone();
                more.insert(*pick, option);
                pending.push(more);
            }
            continue;
        }
        let made = |(pick, options): &(Pick, Vec<u32>)| (*pick, options[forced[pick] as usize], options.len() as u32);
        let picks: Vec<(Pick, u32, u32)> = asked.iter().map(made).collect();
        let at = asked.iter().map(|(pick, _)| forced[pick]).collect();
        let one_in = picks.iter().map(|(_, _, n)| u64::from(*n)).product();
        let (outcome, decided_by) = (explanation.outcome, explanation.decided_by);
        out.push(Alternative { picks, at, one_in, outcome, decided_by });
    }
    if out.len() > 1 { out } else { Vec::new() }
}

/// The zone that an option stands for, if it stands for one.
fn zone(fabric: &Fabric, pick: &Pick, option: u32) -> Option<u32> {
    matches!(pick.choice, Choice::Zone(_) | Choice::Appliance(_))
        .then(|| fabric.subnets[fabric.enis[EniIx(option)].subnet].zone)
}

impl Explanation {
    /// True if a choice decides: some combinations of picks work and others do not.
    #[must_use]
    pub fn depends_on_choice(&self) -> bool {
        self.alternatives.iter().any(|a| a.outcome != self.alternatives[0].outcome)
    }

    /// Share of the combinations with this outcome, in millionths.
    #[must_use]
    pub fn share(&self, outcome: Outcome) -> u32 {
        let parts = self.alternatives.iter().filter(|a| a.outcome == outcome).map(|a| 1_000_000 / a.one_in.max(1));
        u32::try_from(parts.sum::<u64>().min(1_000_000)).unwrap_or(1_000_000)
    }

    /// What the combinations that do not work have in common and no other has, if it is one thing.
    #[must_use]
    pub fn common(&self, fabric: &Fabric) -> Option<Common> {
        let (good, bad): (Vec<&Alternative>, Vec<&Alternative>) =
            self.alternatives.iter().partition(|a| matches!(a.outcome, Outcome::Open | Outcome::Reply));
        if good.is_empty() || bad.is_empty() {
            return None;
        }
        let keys: BTreeSet<Pick> =
            self.alternatives.iter().flat_map(|a| a.picks.iter().map(|(pick, ..)| *pick)).collect();
        let of =
            |a: &Alternative, key: &Pick| a.picks.iter().find(|(pick, ..)| pick == key).map(|(_, option, _)| *option);
        for key in &keys {
            let options = |all: &[&Alternative]| -> Option<BTreeSet<u32>> { all.iter().map(|a| of(a, key)).collect() };
            if let (Some(fail), Some(pass)) = (options(&bad), options(&good))
                && fail.is_disjoint(&pass)
            {
                return Some(Common::Options(*key, fail.into_iter().collect()));
            }
        }
        for (n, a) in keys.iter().enumerate() {
            for b in keys.iter().skip(n + 1) {
                let equal = |x: &&Alternative| match (zone(fabric, a, of(x, a)?), zone(fabric, b, of(x, b)?)) {
                    (Some(x), Some(y)) => Some(x == y),
                    _ => None,
                };
                let all = |list: &[&Alternative], want: bool| list.iter().all(|x| equal(x) == Some(want));
                if all(&bad, false) && all(&good, true) {
                    return Some(Common::Different(*a, *b));
                }
                if all(&bad, true) && all(&good, false) {
                    return Some(Common::Same(*a, *b));
                }
            }
        }
        match bad[0].decided_by {
            Some((part, row)) if bad.iter().all(|a| a.decided_by == Some((part, row))) => Some(Common::Row(part, row)),
            _ => None,
        }
    }

    /// Combinations that do not work, and all of them.
    #[must_use]
    pub fn failing(&self) -> (usize, usize) {
        let bad = self.alternatives.iter().filter(|a| !matches!(a.outcome, Outcome::Open | Outcome::Reply));
        (bad.count(), self.alternatives.len())
    }
}
