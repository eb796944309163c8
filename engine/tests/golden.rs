//! Every scenario under `scenarios/` is replayed, must meet its expectations, and tells the story in the transcript
//! beside it. `VPCSIM_REWRITE=1` writes the transcripts anew; a person reads the difference.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::{Path, PathBuf};
use vpcsim_engine::base::Instant;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::import::{self, JsonFile};
use vpcsim_engine::observe::capture;
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::scenario::{self};
use vpcsim_engine::spec::{self, Spec};

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

fn replay(text: &[u8], spec: &Spec) -> Report {
    let (scenario, diagnostics) = scenario::read(FileIx(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    run(&scenario.unwrap(), spec, Options { capture: true, ..Options::default() }).unwrap_or_else(|d| panic!("{d:?}"))
}

/// Everything a run leaves, as bytes.
fn evidence(report: &Report) -> (String, Vec<u8>, String) {
    let network = report.networks.last().unwrap();
    let captured = capture::merged(network, &report.captured, &|epoch, by| report.row_text(epoch, by));
    let logs = report.flow_logs.iter().map(|r| r.default_line() + "\n").collect();
    (report.transcript(), captured, logs)
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
        let report = replay(&text, &spec);
        assert_eq!(report.failures(), 0, "{name}\n{}", report.transcript());
        assert!(report.ended > Instant::START);
        // The same input gives the same bytes: transcript, capture, flow log.
        let first = evidence(&report);
        assert!(first == evidence(&replay(&text, &spec)), "{name}: two runs differ");
        let golden = path.with_extension("transcript");
        if rewrite {
            std::fs::write(&golden, &first.0).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != first.0 {
            wrong.push(format!("{name}: the transcript is another one than {}:\n{}", golden.display(), first.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
