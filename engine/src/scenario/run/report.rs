//! What a run leaves: the transcript, the results, the evidence.

use super::converge::Convergence;
use super::watch::Drop;
use super::witness::LogTotals;
use crate::base::{Instant, Nanos};
use crate::compile::Network;
use crate::observe::capture::Captured;
use crate::record::metric::DataPoint;
use crate::record::price::Used;
use crate::scenario::Outcome;
use crate::sim::Totals;
use crate::verdict::RowIx;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line of the story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// When.
    pub at: Instant,
    /// What happened.
    pub text: String,
}

/// An expectation and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckResult {
    /// What was expected.
    pub expected: String,
    /// What was found instead; nothing if it was met.
    pub found: Option<String>,
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepReport {
    /// What it was.
    pub title: String,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How it ended; nothing for steps that send nothing.
    pub outcome: Option<Outcome>,
    /// Time until the outcome: the connection, the first reply.
    pub elapsed: Option<Nanos>,
    /// The drop that decided, if there was one.
    pub blocked_by: Option<Drop>,
    /// What was expected of it.
    pub checks: Vec<CheckResult>,
}

/// What is billed.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Bytes by use.
    pub bytes: BTreeMap<Used, u64>,
    /// Resources that cost by the hour.
    pub hourly: BTreeMap<Used, u64>,
    /// Length of the run in seconds.
    pub seconds: f64,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The story.
    pub lines: Vec<Line>,
    /// Steps in the order of the file.
    pub steps: Vec<StepReport>,
    /// What faults and changes led to.
    pub convergences: Vec<Convergence>,
    /// What was expected of the evidence.
    pub evidence: Vec<CheckResult>,
    /// When the run ended.
    pub ended: Instant,
    /// The seed.
    pub seed: u64,
    /// Every configuration, in order; rows of an event belong to the one in force then.
    pub networks: Vec<Network>,
    /// What was captured.
    pub captured: Vec<Captured>,
    /// Keys of VPN tunnels, as lines of Wireshark's `esp_sa` file.
    pub esp_sa: Vec<String>,
    /// What each flow log held.
    pub flow_logs: Vec<LogTotals>,
    /// CloudWatch's metrics, if they were asked for.
    pub metrics: Vec<DataPoint>,
    /// What is billed, if it was asked for.
    pub usage: Option<Usage>,
    /// What became of all packets.
    pub totals: Totals,
    /// Counters by name.
    pub counters: Vec<(String, u64)>,
}

impl Report {
    /// Expectations that were not met.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.checks().filter(|check| check.found.is_some()).count()
    }
    /// Every expectation, steps first.
    pub fn checks(&self) -> impl Iterator<Item = &CheckResult> {
        self.steps.iter().flat_map(|step| &step.checks).chain(&self.evidence)
    }
    /// What a row says.
    #[must_use]
    pub fn row_text(&self, epoch: u16, by: RowIx) -> String {
        let network = &self.networks[usize::from(epoch)];
        network.names.row_text(&network.fabric, by)
    }
    /// The transcript: one line an event, then what was expected of the evidence, then a summary.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let _ = writeln!(out, "{:>14}  {}", seconds(line.at), line.text);
        }
        for convergence in &self.convergences {
            let _ = writeln!(out, "{:>14}  {}", seconds(convergence.began), convergence.text());
        }
        for check in &self.evidence {
            let _ = writeln!(out, "{:>14}  {}", "", check.text());
        }
        let t = &self.totals;
        let _ = writeln!(
            out,
            "\npackets: {} sent, {} made by the network, {} delivered, {} left for the internet, {} dropped, {} under way",
            t.originated, t.made, t.delivered, t.exited, t.dropped, t.in_flight
        );
        let (all, failed) = (self.checks().count(), self.failures());
        let _ =
            writeln!(out, "{} steps, {} of {all} expectations met, seed {}", self.steps.len(), all - failed, self.seed);
        out
    }
}

impl CheckResult {
    /// `ok` and what was expected, or `FAIL` with what was found.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.found {
            None => format!("  ok    {}", self.expected),
            Some(found) => format!("  FAIL  expected {}, found {found}", self.expected),
        }
    }
}

/// Virtual time as seconds with six decimals: `127.000000 s`.
#[must_use]
pub(super) fn seconds(at: Instant) -> String {
    format!("{}.{:06} s", at.0 / 1_000_000_000, at.0 % 1_000_000_000 / 1000)
}
