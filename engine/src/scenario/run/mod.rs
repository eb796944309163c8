//! Replays a scenario: steps in virtual time, on one network, with everything watched.
//!
//! A step with `at` begins at that time whatever else is going on; any other step begins when the one
//! before it has ended. Every step ends: by its outcome, or by a named limit. What happens is told as a
//! transcript, and every expectation is checked against what happened, never against a second evaluation.

mod act;
mod capture;
mod check;
mod converge;
mod fault;
mod finish;
mod hear;
mod inject;
mod load;
mod operation;
mod prepare;
mod report;
mod runner;
mod title;
mod watch;
mod witness;

pub use converge::Convergence;
pub use load::PAIRS_MAX;
pub use report::{CheckResult, Line, Report, StepReport, Usage};
pub use watch::{Drop, Watch};
pub use witness::{Everything, LogTotals, Logging, Sums, Witness};

use title::{name as prepare_name, title as prepare_title};

use super::Scenario;
use crate::base::{Instant, Nanos};
use crate::diag::Diagnostic;
use crate::observe::capture::Rule;
use crate::spec::Spec;
use crate::wire::Packet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a run may be told besides the scenario.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The seed, instead of the scenario's.
    pub seed: Option<u64>,
    /// The end, instead of the scenario's.
    pub until: Option<Instant>,
    /// Capture at every interface, even if the scenario does not ask for it.
    pub capture: Option<Rule>,
    /// Count CloudWatch's metrics.
    pub metrics: bool,
    /// Count what is billed.
    pub cost: bool,
    /// The packets of the capture files that the scenario injects, by the file's name there.
    pub pcaps: BTreeMap<String, Arc<[(Nanos, Packet)]>>,
}

/// Replays `scenario` on the topology `spec`.
///
/// # Errors
/// If the topology does not compile, or a step names what is not there. Nothing has been run then.
pub fn run(scenario: &Scenario, spec: &Spec, options: Options) -> Result<Report, Vec<Diagnostic>> {
    let network = prepare::prepare(scenario, spec, &options)?;
    Ok(runner::Runner::new(scenario, spec, network, options, None).run())
}

/// The same with flow logs: what the topology defines, or every interface. Records are handed out while it runs.
///
/// # Errors
/// As [`run`].
pub fn run_logged<'a>(
    scenario: &'a Scenario,
    spec: &Spec,
    options: Options,
    logging: Logging<'a>,
) -> Result<Report, Vec<Diagnostic>> {
    let network = prepare::prepare(scenario, spec, &options)?;
    Ok(runner::Runner::new(scenario, spec, network, options, Some(logging)).run())
}
