//! L6: many questions at once, in parallel. The results are in the order of the questions, so the number
//! of threads never shows.

pub mod audit;
pub mod borders;
pub mod class;
pub mod diff;
pub mod graph;
pub mod lint;
pub mod ports;
pub mod reach;
mod resilience;

pub use resilience::{Resilience, resilience};

use crate::compile::Network;
use crate::explain::{Explanation, Question, decide};
use rayon::prelude::*;

/// What `of` makes of the answers to many questions. An answer is dropped as soon as `of` has seen it, so a million of
/// them take the room of a million results. Of what blocks it names only the row that decides.
#[must_use]
pub fn probes<T: Send>(
    network: &Network,
    questions: &[Question],
    of: impl Fn(usize, &Explanation) -> T + Sync,
) -> Vec<T> {
    questions.par_iter().enumerate().map(|(n, question)| of(n, &decide(network, question))).collect()
}
