//! A run with flow logs, and its lines by log.

use std::collections::BTreeMap;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::flow_logs::Lines;
use vpcsim_engine::scenario::run::{Everything, Logging, Options, Report, run_logged};
use vpcsim_engine::{scenario, spec};

/// The destination of logs whose destination does not matter.
pub(super) const TO: &str = "destination: {cloudwatch: {log_group: logs}}";

/// Plays `steps` and gives the lines of each flow log of the topology.
pub(super) fn logged(topology: &str, steps: &str) -> (Report, BTreeMap<String, Vec<String>>) {
    let (spec, diagnostics) = spec::read(FileIx(0), topology.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let (scenario, diagnostics) = scenario::read(FileIx(1), format!("topology: t\nsteps:\n{steps}").as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let mut lines = Lines::default();
    let logging = Logging { everything: Everything::Never, format: None, sink: &mut lines };
    let report = run_logged(&scenario.unwrap(), &spec.unwrap(), Options::default(), logging);
    let report = report.unwrap_or_else(|d| panic!("{d:#?}"));
    let of = |(n, log): (usize, &vpcsim_engine::scenario::run::LogTotals)| {
        (log.id.clone(), lines.of(n).into_iter().map(str::to_owned).collect())
    };
    let by_log = report.flow_logs.iter().enumerate().map(of).collect();
    (report, by_log)
}

/// The lines of the only log.
pub(super) fn only(topology: &str, steps: &str) -> Vec<String> {
    let (_, logs) = logged(topology, steps);
    assert_eq!(logs.len(), 1);
    logs.into_values().next().unwrap()
}

/// A flow log of YAML: `flow_log("a", "${srcaddr}", "traffic_type: REJECT")`.
pub(super) fn flow_log(resource: &str, format: &str, more: &str) -> String {
    format!("flow_logs: {{fl: {{resource: {resource}, log_format: '{format}', {TO}, {more}}}}}\n")
}

/// Lines without those of windows in which nothing happened, in the order in which they come.
pub(super) fn flows(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).filter(|line| !line.ends_with("NODATA")).collect()
}
