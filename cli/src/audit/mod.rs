//! `vpcsim audit`: real flow logs against the model.
//!
//! Exit status: 1 if they differ; else 2 if something could not be read; else 0.

mod log;
mod report;

use crate::args::{AuditArgs, Global, Output};
use crate::{Failure, Status, network, output, render};
use std::path::{Path, PathBuf};
use vpcsim_engine::analyse::audit::{Audit, Judgement};
use vpcsim_engine::record::flow_log::Format;

/// Lines that are named one by one if they cannot be read.
const BAD_SHOWN: usize = 20;

pub(crate) fn audit(args: &AuditArgs, global: &Global) -> Result<Status, Failure> {
    let loaded = network::load(&args.topology, global)?;
    let format = match &args.format {
        Some(text) => Some(Format::parse(text).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::Usage(format!("--format: {}", all.join("; ")))
        })?),
        None => None,
    };
    let mut files = Vec::new();
    for path in &args.logs {
        below(path, &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::Usage("there is no flow log in what was named".to_owned()));
    }
    let mut audit = Audit::new(&loaded.network);
    let mut bad = log::Bad::default();
    for (n, path) in files.iter().enumerate() {
        log::read(path, n as u32, format.as_ref(), &mut audit, &mut bad)?;
    }
    for text in bad.shown.iter().take(BAD_SHOWN) {
        render::error(text);
    }
    if bad.count > bad.shown.len() as u64 {
        render::error(&format!("{} more lines could not be read", bad.count - bad.shown.len() as u64));
    }
    let findings = audit.judge();
    let all = report::All { loaded: &loaded, files: &files, audit: &audit, findings: &findings, bad: bad.count };
    let text = match args.output {
        Output::Text => render::clean(&report::text(&all, args)),
        Output::Json => report::json(&all, args),
    };
    output::print(text.as_bytes())?;
    let differs = findings.iter().any(|f| !matches!(f.judgement, Judgement::Agrees | Judgement::Late));
    Ok(if differs || !audit.unjudged.unknown.is_empty() {
        Status::Finding
    } else if bad.count > 0 {
        Status::Invalid
    } else {
        Status::Done
    })
}

/// The files below a folder, in the order of their names; a file by itself.
fn below(path: &Path, out: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed =
        |e: std::io::Error| Failure::Io(format!("cannot read {}: {}", path.display(), crate::input::reason(&e)));
    if !path.is_dir() {
        std::fs::metadata(path).map_err(failed)?;
        out.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden {
            below(&entry, out)?;
        }
    }
    Ok(())
}
