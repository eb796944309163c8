//! `vpcsim validate`: what is wrong with topology and scenario files.
//!
//! A folder is an account's export; a file is a scenario if `steps` or `topology` stands at its top, and a topology otherwise.
//! Invariant: every file is looked at, whatever is wrong with the others.

use crate::args::{Global, Output, ValidateArgs};
use crate::input::{self, Source};
use crate::run::shift;
use crate::{Failure, Status, network, output, render};
use vpcsim_engine::analyse::graph;
use vpcsim_engine::compile;
use vpcsim_engine::diag::{Diagnostic, FileIx, any_error};
use vpcsim_engine::{scenario, spec};

pub(crate) fn validate(args: &ValidateArgs, global: &Global) -> Result<Status, Failure> {
    let mut sources = Vec::new();
    let mut unreadable = Vec::new();
    let mut folders = Vec::new();
    for path in &args.files {
        if path.is_dir() {
            folders.push(path);
            continue;
        }
        match input::read(path) {
            Ok(source) => sources.push(source),
            Err(Failure::Io(message)) => unreadable.push(message),
            Err(other) => return Err(other),
        }
    }
    let mut diagnostics = Vec::new();
    for (ix, source) in sources.iter().enumerate() {
        let Ok(ix) = u16::try_from(ix) else {
            return Err(Failure::Io(format!("too many files: at most {} at a time", u16::MAX)));
        };
        diagnostics.extend(check(FileIx(ix), source));
    }
    for folder in &folders {
        let mut read = network::read(folder)?;
        if let Some(spec) = &read.spec {
            read.diagnostics.extend(compile::compile(spec).1);
        }
        let by = u16::try_from(sources.len()).unwrap_or(u16::MAX);
        shift(&mut read.diagnostics, by);
        sources.append(&mut read.sources);
        diagnostics.append(&mut read.diagnostics);
    }
    match args.output {
        Output::Json => output::print(render::diagnostics::json(&sources, &diagnostics).as_bytes())?,
        Output::Text => {
            render::diagnostics::print(&sources, &diagnostics);
            if diagnostics.is_empty() && unreadable.is_empty() && !global.quiet {
                let files = if sources.len() == 1 { "1 file" } else { &format!("{} files", sources.len()) };
                output::print(format!("{files} checked, nothing found\n").as_bytes())?;
            }
        }
    }
    if let Some(last) = unreadable.pop() {
        unreadable.iter().for_each(|message| render::error(message));
        return Err(Failure::Io(last));
    }
    Ok(if any_error(&diagnostics) { Status::Invalid } else { Status::Done })
}

fn check(file: FileIx, source: &Source) -> Vec<Diagnostic> {
    match spec::top_keys(&source.bytes) {
        Some(keys) if keys.iter().any(|key| key == "steps" || key == "topology") => {
            scenario::read(file, &source.bytes).1
        }
        _ => {
            let (spec, mut diagnostics) = spec::read(file, &source.bytes);
            let Some(spec) = spec else { return diagnostics };
            diagnostics.extend(network::further(&spec, source, file, &diagnostics));
            if let (Some(network), _) = compile::compile(&spec)
                && !any_error(&diagnostics)
            {
                diagnostics.extend(graph::routing_loops(&network));
            }
            diagnostics.sort_by_key(|d| (d.span.line, d.span.column));
            diagnostics
        }
    }
}
