//! What AWS decides and does not tell: every combination of picks is tried (aws-hybrid, ambiguities 2 and 3).

use super::{RefAnswer, RefAnswers, RefQuestion, World};
use vpcsim_engine::spec::Spec;

/// More combinations than this are not tried.
pub const COMBINATIONS_MAX: usize = 512;

/// One combination of picks: those made so far, each once by key, and those to make.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    script: Vec<usize>,
    made: Vec<Made>,
}

#[derive(Clone, Debug)]
struct Made {
    key: String,
    pick: usize,
    options: usize,
}

impl Choices {
    /// One of `options`, the same for the same key. What leaves no choice is none.
    pub fn choose(&mut self, key: String, options: usize) -> usize {
        if options <= 1 {
            return 0;
        }
        if let Some(made) = self.made.iter().find(|m| m.key == key) {
            return made.pick;
        }
        let pick = self.script.get(self.made.len()).copied().unwrap_or(0);
        self.made.push(Made { key, pick, options });
        pick
    }

    /// The next combination, depth first.
    fn next(&self) -> Option<Self> {
        let last = self.made.iter().rposition(|m| m.pick + 1 < m.options)?;
        let mut script: Vec<usize> = self.made[..=last].iter().map(|m| m.pick).collect();
        script[last] += 1;
        Some(Self { script, made: Vec::new() })
    }
}

/// Answers a question about a topology: everything that may become of the packet.
pub fn evaluate(spec: &Spec, question: &RefQuestion) -> RefAnswers {
    let mut all = RefAnswers::default();
    let mut choices = Choices::default();
    for _ in 0..COMBINATIONS_MAX {
        let mut world = World::new(spec);
        world.choices = choices;
        let answer: RefAnswer = world.ask(question);
        all.set.insert(answer);
        all.mirrored.insert(world.mirrored.clone());
        all.combinations += 1;
        all.udp_refused |= world.udp_refused;
        all.goes_round |= world.goes_round;
        match world.choices.next() {
            Some(next) => choices = next,
            None => return all,
        }
    }
    all.goes_round = true;
    all
}
