//! Every scenario under `scenarios/` is replayed, must meet its expectations, and tells the story in the transcript
//! beside it. `VPCSIM_REWRITE=1` writes the transcripts anew; a person reads the difference.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::compile::Network;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::import::{self, JsonFile};
use vpcsim_engine::observe::EPOCH_SECONDS;
use vpcsim_engine::observe::capture;
use vpcsim_engine::observe::capture::{Captured, Place};
use vpcsim_engine::observe::flow_logs::Lines;
use vpcsim_engine::record::flow_log::read::{Line, Reader};
use vpcsim_engine::record::flow_log::{Field, Format};
use vpcsim_engine::scenario::run::{Everything, Logging, Options, Report, run_logged};
use vpcsim_engine::scenario::{self, Action, Scenario};
use vpcsim_engine::spec::{self, Spec};
use vpcsim_engine::verdict::{Dir, Row, RowKind};
use vpcsim_engine::wire::Packet;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files_below(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

/// A topology file, or a folder of AWS JSON; nothing if it is not there.
fn topology(path: &Path) -> Option<Spec> {
    if path.is_dir() {
        let mut files = Vec::new();
        files_below(path, "json", &mut files);
        let texts: Vec<(String, Vec<u8>)> = files
            .iter()
            .map(|f| (f.strip_prefix(path).unwrap().to_string_lossy().into_owned(), std::fs::read(f).unwrap()))
            .collect();
        let json: Vec<JsonFile<'_>> = texts.iter().map(|(path, text)| JsonFile { path, text }).collect();
        return Some(import::aws(&json).spec);
    }
    let (spec, diagnostics) = spec::read(FileIx(0), &std::fs::read(path).ok()?);
    assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", path.display());
    spec
}

/// A run, and the flow log of every interface.
/// What the scenario injects, from beside it.
fn pcaps(scenario: &Scenario, folder: &Path) -> BTreeMap<String, Arc<[(Nanos, Packet)]>> {
    let files = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Inject(step) => Some(step.file.value.clone()),
        _ => None,
    });
    let read = |file: String| {
        let packets = capture::read(&std::fs::read(folder.join(&file)).unwrap()).unwrap();
        assert_eq!(packets.problems, [], "{file}");
        (file, packets.packets.into())
    };
    files.map(read).collect()
}

fn replay(text: &[u8], spec: &Spec, folder: &Path) -> (Report, String) {
    let (scenario, diagnostics) = scenario::read(FileIx(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let pcaps = pcaps(scenario.as_ref().unwrap(), folder);
    let mut lines = Lines::default();
    let format = Format::parse(FORMAT).unwrap();
    let logging = Logging { everything: Everything::Always, format: Some(format), sink: &mut lines };
    let options = Options { capture: Some(capture::Rule::default()), pcaps, ..Options::default() };
    let report = run_logged(&scenario.unwrap(), spec, options, logging).unwrap_or_else(|d| panic!("{d:?}"));
    // What the topology itself logs comes first; the log of everything is the last one.
    let everything = report.flow_logs.len() - 1;
    (report, lines.of(everything).join("\n"))
}

/// What conservation is checked by.
const FORMAT: &str = "${interface-id} ${flow-direction} ${action} ${packets} ${bytes} ${start} ${end} ${log-status}";

/// Packets and bytes by interface, direction, action and window.
type Sums = BTreeMap<(String, Dir, bool, u64), (u64, u64)>;

/// FLW-22: what an interface's records hold is what its capture holds, less what AWS never logs, in each window.
fn conserved(report: &Report, log: &str) {
    let (mut logged, mut captured) = (Sums::new(), Sums::new());
    let mut reader = Reader::of_format(Format::parse(FORMAT).unwrap());
    for line in log.lines() {
        let Line::Record(row) = reader.line(line).unwrap_or_else(|e| panic!("{line}: {e:?}")) else { continue };
        let (Some(packets), true) = (row.number(Field::Packets), row.is_flow()) else { continue };
        let dir = if row.word(Field::FlowDirection) == Some("ingress") { Dir::In } else { Dir::Out };
        let (start, end) = (row.number(Field::Start).unwrap(), row.number(Field::End).unwrap());
        let window = (start - EPOCH_SECONDS) / 60;
        assert_eq!(window, (end - EPOCH_SECONDS) / 60, "{line}");
        let sum = logged
            .entry((row.word(Field::InterfaceId).unwrap().to_owned(), dir, row.accepted().unwrap(), window))
            .or_default();
        // FLW-16: of what Block Public Access rejects there are no bytes.
        *sum = (sum.0 + packets, sum.1 + row.number(Field::Bytes).unwrap_or(0));
    }
    let network = report.networks.last().unwrap();
    for packet in &report.captured {
        let Place::Eni(eni) = packet.place else { continue };
        let row = packet.dropped_by.map(|(epoch, by)| report.networks[usize::from(epoch)].fabric.rows[by]);
        // FLW-1, FLW-2.
        let accepted = !row.is_some_and(Row::is_filter);
        let row = row.map(|row| row.kind);
        if never_logged(network, eni, packet, row) {
            continue;
        }
        let blocked = row == Some(RowKind::BlockPublicAccess);
        let window = packet.at.0 / 60_000_000_000;
        let sum = captured.entry((network.names.enis[eni].id.clone(), packet.dir, accepted, window)).or_default();
        *sum = (sum.0 + 1, sum.1 + if blocked { 0 } else { packet.bytes.len() as u64 });
    }
    assert_eq!(logged, captured);
}

/// FLW-3, by addresses and by the row that dropped the packet: link-local services, the subnet's router, what is no packet of the
/// interface's at all.
fn never_logged(network: &Network, eni: EniIx, packet: &Captured, row: Option<RowKind>) -> bool {
    let (src, dst) = match packet.bytes[0] >> 4 {
        4 => {
            let at = |n: usize| IpAddr::from(<[u8; 4]>::try_from(&packet.bytes[n..n + 4]).unwrap());
            (at(12), at(16))
        }
        _ => {
            let at = |n: usize| IpAddr::from(<[u8; 16]>::try_from(&packet.bytes[n..n + 16]).unwrap());
            (at(8), at(24))
        }
    };
    let fabric = &network.fabric;
    let e = &fabric.enis[eni];
    let vpc = &fabric.vpcs[e.vpc];
    let link_local = |a: IpAddr| match a {
        IpAddr::V4(a) => a.is_link_local() || a.is_broadcast() || Some(a) == vpc.resolver,
        IpAddr::V6(a) => a.segments()[..4] == [0xfd00, 0xec2, 0, 0],
    };
    let router = fabric.subnets[e.subnet].router(dst.is_ipv4());
    let far = if packet.dir == Dir::Out { dst } else { src };
    let dhcp = src.is_ipv4() && packet.bytes[9] == 17 && packet.bytes[20..24] == [0, 67, 0, 68];
    let unfiltered = matches!(row, Some(RowKind::SourceCheck | RowKind::ServiceNone | RowKind::ServiceRate));
    let out = packet.dir == Dir::Out;
    link_local(far) || dhcp || out && (unfiltered || router == Some(dst))
}

/// Everything a run leaves, as bytes.
fn evidence((report, log): &(Report, String)) -> (String, Vec<u8>, String) {
    let network = report.networks.last().unwrap();
    let captured =
        capture::merged(network, &report.captured, capture::Format::PcapNg, &|epoch, by| report.row_text(epoch, by));
    (report.transcript(), captured, log.clone())
}

#[test]
fn transcripts() {
    let rewrite = std::env::var_os("VPCSIM_REWRITE").is_some();
    let mut scenarios = Vec::new();
    files_below(&root().join("scenarios"), "yaml", &mut scenarios);
    assert!(scenarios.len() >= 16, "{scenarios:?}");
    let mut wrong = Vec::new();
    for path in scenarios {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read(&path).unwrap();
        let (scenario, _) = scenario::read(FileIx(0), &text);
        let topology_path = path.parent().unwrap().join(&scenario.unwrap().topology.value);
        let Some(spec) = Some(()).filter(|()| topology_path.exists()).and_then(|()| topology(&topology_path)) else {
            println!("skipped {name}: {} is not there", topology_path.display());
            continue;
        };
        let replayed = replay(&text, &spec, path.parent().unwrap());
        let report = &replayed.0;
        conserved(report, &replayed.1);
        assert_eq!(report.failures(), 0, "{name}\n{}", report.transcript());
        assert!(report.ended > Instant::START);
        // The same input gives the same bytes: transcript, capture, flow log.
        let first = evidence(&replayed);
        assert!(first == evidence(&replay(&text, &spec, path.parent().unwrap())), "{name}: two runs differ");
        let golden = path.with_extension("transcript");
        if rewrite {
            std::fs::write(&golden, &first.0).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != first.0 {
            wrong.push(format!("{name}: the transcript is another one than {}:\n{}", golden.display(), first.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
