//! From a path to a network: a topology file, or a folder of AWS JSON.

use crate::args::Global;
use crate::input::{self, Source};
use crate::{Failure, folder, render};
use std::path::Path;
use vpcsim_engine::compile::{self, Network};
use vpcsim_engine::diag::{Diagnostic, FileIx, Severity, Span, any_error};
use vpcsim_engine::import::{self, JsonFile, Report};
use vpcsim_engine::spec::{self, Spec};

/// What was read from a path.
pub(crate) struct Read {
    /// The files, for the places of diagnostics.
    pub(crate) sources: Vec<Source>,
    /// The topology, unless nothing could be made of the input.
    pub(crate) spec: Option<Spec>,
    /// What is wrong with it.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What the importer made of a folder.
    pub(crate) report: Option<Report>,
}

/// A network with the files it came from.
pub(crate) struct Loaded {
    pub(crate) network: Network,
    /// What it was compiled of.
    pub(crate) spec: Spec,
    pub(crate) sources: Vec<Source>,
}

/// Reads a topology file or a folder of AWS JSON.
pub(crate) fn read(path: &Path) -> Result<Read, Failure> {
    if path.is_dir() {
        return read_folder(path);
    }
    let source = input::read(path)?;
    let (spec, diagnostics) = spec::read(FileIx(0), &source.bytes);
    Ok(Read { sources: vec![source], spec, diagnostics, report: None })
}

fn read_folder(path: &Path) -> Result<Read, Failure> {
    let files = folder::read(path)
        .map_err(|e| Failure::Io(format!("cannot read {}: {}", path.display(), input::reason(&e))))?;
    let json: Vec<JsonFile<'_>> = files.iter().map(|(name, bytes)| JsonFile { path: name, text: bytes }).collect();
    let imported = import::aws(&json);
    let sources =
        files.into_iter().map(|(name, bytes)| Source { name: path.join(name).display().to_string(), bytes }).collect();
    let spec = (!any_error(&imported.diagnostics)).then_some(imported.spec);
    Ok(Read { sources, spec, diagnostics: imported.diagnostics, report: Some(imported.report) })
}

/// Reads and compiles. Every problem is printed; an error ends the command.
pub(crate) fn load(path: &Path, global: &Global) -> Result<Loaded, Failure> {
    let Read { sources, spec, mut diagnostics, report } = read(path)?;
    let read_errors = any_error(&diagnostics);
    let network = spec.and_then(|spec| {
        if read_errors {
            diagnostics.extend(further(&spec, &sources[0], FileIx(0), &diagnostics));
            return None;
        }
        let (network, more) = compile::compile(&spec);
        diagnostics.extend(more);
        network.map(|network| (network, spec))
    });
    diagnostics.sort_by_key(|d| (d.span.file, d.span.line, d.span.column));
    // A real account has gaps in its export by the dozen; the import report lists them.
    let hidden = report.is_some() && global.verbose == 0;
    let shown: Vec<Diagnostic> =
        diagnostics.into_iter().filter(|d| d.severity == Severity::Error || !(hidden || global.quiet)).collect();
    render::diagnostics::print(&sources, &shown);
    match network {
        Some((network, spec)) => Ok(Loaded { network, spec, sources }),
        None => Err(Failure::Invalid),
    }
}

/// What else is wrong with a file of which some values could not be read: without what only follows from that.
pub(crate) fn further(spec: &Spec, source: &Source, file: FileIx, found: &[Diagnostic]) -> Vec<Diagnostic> {
    let written = spec::written_names(file, &source.bytes);
    let place = |span: Span| (span.line, span.column);
    // A field of a resource is missing because it could not be read, if that was said of a place inside it.
    let unreadable = |resource: Span| {
        let start = place(resource);
        let end = written.values().map(|span| place(*span)).filter(|p| *p > start).min().unwrap_or((u32::MAX, 0));
        found.iter().any(|d| matches!(d.code, "bad-value" | "wrong-type") && (start..end).contains(&place(d.span)))
    };
    let mut more = compile::check(spec, &written.keys().cloned().collect());
    more.retain(|d| !matches!(d.code, "missing-field" | "instance-without-interface") || !unreadable(d.span));
    more
}
