//! `vpcsim run`: replays scenario files, checks their expectations, writes the evidence.
//!
//! Scenarios are independent and may run in parallel; what is printed and written is in the order of the
//! command line, whatever the number of jobs.

use crate::args::{Global, Output, PcapFormat, RunArgs};
use crate::flow_logs::{Pending, Wanted, Writer};
use crate::input::{self, Source};
use crate::{Failure, Status, cost, network, output, progress, render};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::diag::{Diagnostic, FileIx, Severity, any_error};
use vpcsim_engine::observe::capture::{self, Rule};
use vpcsim_engine::observe::mirrored;
use vpcsim_engine::record::metric;
use vpcsim_engine::record::price::Prices;
use vpcsim_engine::scenario::run::{Everything, LogTotals, Logging, Options, Report, Sums};
use vpcsim_engine::scenario::{self, Action, Captures, Scenario};

/// What became of one file.
struct Ran {
    name: String,
    sources: Vec<Source>,
    diagnostics: Vec<Diagnostic>,
    report: Option<Report>,
    /// Flow logs, complete but for their names.
    flow_logs: Vec<Pending>,
}

pub(crate) fn run(args: &RunArgs, global: &Global) -> Result<Status, Failure> {
    let until = match &args.until {
        Some(text) => Some(Instant::START + text.parse::<Nanos>().map_err(Failure::Usage)?),
        None => None,
    };
    let rule = || Rule { filter: args.pcap_filter.clone(), snap_length: args.snap_length };
    let options = Options {
        seed: args.seed,
        until,
        capture: args.pcap.is_some().then(rule),
        metrics: args.metrics.is_some(),
        cost: args.cost,
        pcaps: BTreeMap::new(),
    };
    let prices = cost::prices(args)?;
    let wanted = Wanted::of(args)?;
    let jobs = jobs(args);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .build()
        .map_err(|e| Failure::Io(format!("cannot start threads: {e}")))?;
    // Of one scenario nobody knows how long it is.
    progress::of(if jobs.len() > 1 { jobs.len() } else { 0 });
    let replay = |job: &Job<'_>| {
        let ran = one(job, &options, wanted.as_ref());
        progress::step();
        ran
    };
    let ran: Vec<Result<Ran, Failure>> = pool.install(|| jobs.par_iter().map(replay).collect());
    let mut ran: Vec<Ran> = ran.into_iter().collect::<Result<_, _>>()?;

    let mut invalid = false;
    for r in &ran {
        let shown: Vec<Diagnostic> = r
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error || d.code == "bad-packet" || global.verbose > 0)
            .cloned()
            .collect();
        render::diagnostics::print(&r.sources, &shown);
        invalid |= r.report.is_none();
    }
    if invalid {
        return Ok(Status::Invalid);
    }
    for r in &mut ran {
        let report = r.report.as_ref().expect("no file was invalid");
        evidence(args, &r.name, report)?;
        for file in r.flow_logs.drain(..) {
            file.keep()?;
        }
    }
    if let Some(path) = &args.junit {
        output::write_atomically(path, junit(&ran)?.as_bytes())?;
    }
    let runs = || ran.iter().filter_map(|r| Some((r.name.as_str(), r.report.as_ref()?.usage.as_ref()?)));
    let text = match args.output {
        Output::Text => {
            let mut text = ran.iter().map(|r| story(r, ran.len() > 1, global)).collect::<Vec<_>>().join("\n");
            if let Some(prices) = &prices {
                text.push_str(&render::clean(&cost::text(prices, &runs().collect::<Vec<_>>())));
            }
            text
        }
        Output::Json => json(&ran, prices.as_ref()),
    };
    output::print(text.as_bytes())?;
    let failed = ran.iter().filter_map(|r| r.report.as_ref()).any(|report| report.failures() > 0);
    Ok(if failed { Status::Finding } else { Status::Done })
}

/// One replay.
struct Job<'a> {
    path: &'a Path,
    /// Instead of the scenario's own.
    topology: Option<&'a Path>,
    name: String,
}

/// Every scenario, on every topology; with file names without folder and ending, told apart where two are the same.
fn jobs(args: &RunArgs) -> Vec<Job<'_>> {
    let stem =
        |path: &Path| path.file_stem().map_or_else(|| "scenario".to_owned(), |s| s.to_string_lossy().into_owned());
    let topologies: Vec<Option<&Path>> = match args.topology.as_slice() {
        [] => vec![None],
        all => all.iter().map(|path| Some(path.as_path())).collect(),
    };
    let mut out: Vec<Job<'_>> = Vec::new();
    for path in &args.scenarios {
        for topology in &topologies {
            let on = topology.filter(|_| topologies.len() > 1).map_or_else(String::new, |t| format!("-on-{}", stem(t)));
            let first = format!("{}{on}", stem(path));
            let mut name = first.clone();
            let mut n = 2;
            while out.iter().any(|job| job.name == name) {
                name = format!("{first}-{n}");
                n += 1;
            }
            out.push(Job { path, topology: *topology, name });
        }
    }
    out
}

fn one(job: &Job<'_>, options: &Options, wanted: Option<&Wanted>) -> Result<Ran, Failure> {
    let Job { path, topology: other, name } = job;
    let source = input::read(path)?;
    let (scenario, mut diagnostics) = scenario::read(FileIx(0), &source.bytes);
    let failed = |sources, diagnostics| {
        Ok(Ran { name: name.to_owned(), sources, diagnostics, report: None, flow_logs: Vec::new() })
    };
    let Some(scenario) = scenario.filter(|_| !any_error(&diagnostics)) else {
        return failed(vec![source], diagnostics);
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let topology = other.map_or_else(|| folder.join(&scenario.topology.value), Path::to_path_buf);
    if !topology.exists() {
        let message = format!("there is no topology `{}`", topology.display());
        diagnostics.push(Diagnostic::error("unknown-reference", scenario.topology.span, message).help(
            if other.is_some() {
                "it is named on the command line"
            } else {
                "the path is relative to the scenario file"
            },
        ));
        return failed(vec![source], diagnostics);
    }
    let mut read = network::read(&topology)?;
    // The scenario is file 0; the topology's files come behind it.
    shift(&mut read.diagnostics, 1);
    let read_errors = any_error(&read.diagnostics);
    diagnostics.append(&mut read.diagnostics);
    let mut sources = vec![source];
    sources.append(&mut read.sources);
    let Some(spec) = read.spec.filter(|_| !read_errors) else { return failed(sources, diagnostics) };
    let mut options = options.clone();
    // What a scenario captures by itself is enough; else everything.
    if scenario.captures != Captures::default() && options.capture.as_ref().is_some_and(|rule| *rule == Rule::default())
    {
        options.capture = None;
    }
    if let Err(more) = injected(&scenario, folder, &mut options, &mut diagnostics)? {
        diagnostics.push(more);
        return failed(sources, diagnostics);
    }
    let mut writer = wanted.map(|wanted| Writer::new(wanted, name));
    let ran = match (&mut writer, wanted) {
        (Some(sink), Some(wanted)) => {
            let everything = if wanted.all { Everything::Always } else { Everything::IfNoneDefined };
            let logging = Logging { everything, format: wanted.format.clone(), sink };
            scenario::run::run_logged(&scenario, &spec, options, logging)
        }
        _ => scenario::run::run(&scenario, &spec, options),
    };
    match ran {
        Ok(report) => {
            let flow_logs = writer.map_or_else(|| Ok(Vec::new()), Writer::finish)?;
            Ok(Ran { name: name.to_owned(), sources, diagnostics, report: Some(report), flow_logs })
        }
        Err(more) => {
            diagnostics.extend(more);
            failed(sources, diagnostics)
        }
    }
}

/// Reads the capture files that a scenario injects. What cannot be read of them is a warning with the packet's number.
fn injected(
    scenario: &Scenario,
    folder: &Path,
    options: &mut Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Result<(), Diagnostic>, Failure> {
    for step in &scenario.steps {
        let Action::Inject(step) = &step.action else { continue };
        let path = folder.join(&step.file.value);
        if !path.exists() {
            let text = format!("there is no capture file `{}`", path.display());
            let help = "the path is relative to the scenario file";
            return Ok(Err(Diagnostic::error("unknown-reference", step.file.span, text).help(help)));
        }
        let source = input::read(&path)?;
        if source.bytes.len() > vpcsim_engine::spec::BYTES_MAX {
            let text = format!("`{}` has more than {} MiB", source.name, vpcsim_engine::spec::BYTES_MAX >> 20);
            let help = "cut it, as with `editcap` or `tcpdump -r FILE -c N -w SMALLER`";
            return Ok(Err(Diagnostic::error("too-large", step.file.span, text).help(help)));
        }
        let read = match capture::read(&source.bytes) {
            Ok(read) => read,
            Err(why) => {
                let text = format!("`{}` cannot be injected: {why}", source.name);
                return Ok(Err(Diagnostic::error("bad-capture", step.file.span, text)));
            }
        };
        let more = read.problems.len().saturating_sub(PROBLEMS_SHOWN);
        for (n, (number, why)) in read.problems.into_iter().enumerate() {
            if n < PROBLEMS_SHOWN {
                let text = format!("{}: packet {number} is left out: {why}", source.name);
                diagnostics.push(Diagnostic::warning("bad-packet", step.file.span, text));
            }
        }
        if more > 0 {
            let text = format!("{}: {more} more packets are left out", source.name);
            diagnostics.push(Diagnostic::warning("bad-packet", step.file.span, text));
        }
        options.pcaps.insert(step.file.value.clone(), read.packets.into());
    }
    Ok(Ok(()))
}

/// Packets of a capture file that are named one by one if they cannot be read.
const PROBLEMS_SHOWN: usize = 10;

/// Makes places point `by` files further on.
pub(crate) fn shift(diagnostics: &mut [Diagnostic], by: u16) {
    for d in diagnostics {
        d.span.file.0 += by;
        for (span, _) in &mut d.notes {
            span.file.0 += by;
        }
    }
}

/// Captures of one scenario.
fn evidence(args: &RunArgs, name: &str, report: &Report) -> Result<(), Failure> {
    if let Some(folder) = &args.pcap {
        let network = report.networks.last().expect("there is always one");
        let say = |epoch, by| report.row_text(epoch, by);
        let folder = folder.join(name);
        let format = match args.pcap_format {
            PcapFormat::Pcapng => capture::Format::PcapNg,
            PcapFormat::Pcap => capture::Format::Pcap,
        };
        let file = |name: &str| folder.join(format!("{}.{}", file_name(name), format.ending()));
        for (interface, bytes) in capture::files(network, &report.captured, format, &say) {
            output::write_atomically(&file(&interface), &bytes)?;
        }
        for (target, bytes) in mirrored::files(network, &report.captured) {
            output::write_atomically(&folder.join(format!("{}-mirrored.pcapng", file_name(&target))), &bytes)?;
        }
        if !report.esp_sa.is_empty() {
            let lines: String = report.esp_sa.iter().map(|line| format!("{line}\n")).collect();
            output::write_atomically(&folder.join("esp_sa"), lines.as_bytes())?;
        }
        output::write_atomically(&file("merged"), &capture::merged(network, &report.captured, format, &say))?;
    }
    if let Some(folder) = &args.metrics {
        let mut csv = format!("{}\n", metric::CSV_HEADER);
        for point in &report.metrics {
            csv.push_str(&point.csv());
            csv.push('\n');
        }
        output::write_atomically(&folder.join(format!("{name}.csv")), csv.as_bytes())?;
        let points: Vec<_> = report.metrics.iter().map(metric::DataPoint::json).collect();
        let json = format!("{:#}\n", serde_json::json!({ "format_version": 1, "MetricData": points }));
        output::write_atomically(&folder.join(format!("{name}.json")), json.as_bytes())?;
    }
    Ok(())
}

/// A name without what a file system would take for a folder.
fn file_name(name: &str) -> String {
    name.replace(['/', '\\', ':'], "_")
}

fn story(r: &Ran, several: bool, global: &Global) -> String {
    let report = r.report.as_ref().expect("no file was invalid");
    let title = if several { format!("{}\n", r.name) } else { String::new() };
    if global.quiet {
        let failed: Vec<String> = report.checks().filter(|c| c.found.is_some()).map(|c| c.text()).collect();
        return if failed.is_empty() { String::new() } else { format!("{title}{}\n", failed.join("\n")) };
    }
    render::clean(&format!("{title}{}", report.transcript()))
}

fn junit(ran: &[Ran]) -> Result<String, Failure> {
    let mut document = quick_junit::Report::new("vpcsim");
    for r in ran {
        let report = r.report.as_ref().expect("no file was invalid");
        let mut suite = quick_junit::TestSuite::new(&r.name);
        let mut case = |title: String, checks: &[scenario::run::CheckResult], took: Nanos| {
            let failed: Vec<String> =
                checks.iter().filter(|c| c.found.is_some()).map(|c| c.text().trim().to_owned()).collect();
            let status = if failed.is_empty() {
                quick_junit::TestCaseStatus::success()
            } else {
                let mut status = quick_junit::TestCaseStatus::non_success(quick_junit::NonSuccessKind::Failure);
                status.set_message(failed.join("; "));
                status
            };
            let mut case = quick_junit::TestCase::new(title, status);
            case.set_time(Duration::from_nanos(took.0));
            suite.add_test_case(case);
        };
        for (n, step) in report.steps.iter().enumerate() {
            case(format!("{}. {}", n + 1, step.title), &step.checks, step.ended.since(step.started));
        }
        if !report.evidence.is_empty() {
            case("evidence".to_owned(), &report.evidence, Nanos::ZERO);
        }
        document.add_test_suite(suite);
    }
    document.to_string().map_err(|e| Failure::Io(format!("cannot make the JUnit report: {e}")))
}

fn json(ran: &[Ran], prices: Option<&Prices>) -> String {
    let scenarios: Vec<_> = ran
        .iter()
        .map(|r| {
            let report = r.report.as_ref().expect("no file was invalid");
            let checks = |checks: &[scenario::run::CheckResult]| {
                checks.iter().map(|c| serde_json::json!({ "expected": c.expected, "met": c.found.is_none(), "found": c.found })).collect::<Vec<_>>()
            };
            let steps: Vec<_> = report
                .steps
                .iter()
                .map(|s| {
                    let blocked = s.blocked_by.map(|d| {
                        let network = &report.networks[usize::from(d.epoch)];
                        serde_json::json!({
                            "text": network.names.row_text(&network.fabric, d.by), "at_ns": d.at.0,
                            "code": vpcsim_engine::verdict::code_of(network.fabric.rows[d.by]), "place": render::explanation::place(network, d.by),
                        })
                    });
                    serde_json::json!({
                        "step": s.title, "started_ns": s.started.0, "ended_ns": s.ended.0, "outcome": s.outcome.map(scenario::Outcome::word),
                        "elapsed_ns": s.elapsed.map(|e| e.0), "blocked_by": blocked, "expectations": checks(&s.checks),
                    })
                })
                .collect();
            let t = &report.totals;
            serde_json::json!({
                "scenario": r.name, "seed": report.seed, "ended_ns": report.ended.0, "steps": steps, "evidence": checks(&report.evidence),
                "convergence": report.convergences.iter().map(|c| serde_json::json!({
                    "after": c.after, "began_ns": c.began.0, "noticed_ns": c.until_noticed().map(|t| t.0),
                    "noticed": c.noticed.as_ref().map(|(_, what)| what), "moved_ns": c.until_moved().map(|t| t.0), "lost": c.lost,
                })).collect::<Vec<_>>(),
                "failures": report.failures(),
                "transcript": report.lines.iter().map(|l| serde_json::json!({ "at_ns": l.at.0, "text": l.text })).collect::<Vec<_>>(),
                "packets": { "originated": t.originated, "made": t.made, "delivered": t.delivered, "exited": t.exited, "dropped": t.dropped, "in_flight": t.in_flight },
                "flow_logs": report.flow_logs.iter().map(log_json).collect::<Vec<_>>(),
                "cost": report.usage.as_ref().zip(prices).map(|(usage, prices)| cost::json(prices, usage)),
                "counters": report.counters.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::json!({ "format_version": 1, "scenarios": scenarios }))
}

/// What a flow log held.
fn log_json(log: &LogTotals) -> serde_json::Value {
    let sums = |s: &Sums| serde_json::json!({ "records": s.records, "packets": s.packets, "bytes": s.bytes });
    serde_json::json!({
        "log": log.id, "accepted": sums(&log.accepted), "rejected": sums(&log.rejected),
        "nodata_records": log.no_data, "skipdata_records": log.skip_data,
    })
}
