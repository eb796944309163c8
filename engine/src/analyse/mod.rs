//! L6: many questions at once, in parallel. The results are in the order of the questions, so the number
//! of threads never shows.

pub mod graph;

use crate::compile::Network;
use crate::explain::{Explanation, Question, ask};
use rayon::prelude::*;

/// Answers many questions.
#[must_use]
pub fn probes(network: &Network, questions: &[Question]) -> Vec<Explanation> {
    questions.par_iter().map(|question| ask(network, question)).collect()
}
