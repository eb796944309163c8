//! `vpcsim import aws`: a folder of AWS JSON to a topology file.

use crate::args::{Global, Import, Output};
use crate::{Failure, Status, network, output, render};
use vpcsim_engine::diag::{Severity, any_error};
use vpcsim_engine::spec;

pub(crate) fn import(args: &Import, global: &Global) -> Result<Status, Failure> {
    let Import::Aws(args) = args;
    if !args.folder.is_dir() {
        return Err(Failure::Io(format!("cannot read {}: a folder of AWS JSON is expected", args.folder.display())));
    }
    let read = network::read(&args.folder)?;
    let mut diagnostics = read.diagnostics;
    let Some(spec) = read.spec else {
        render::diagnostics::print(&read.sources, &diagnostics);
        return Ok(Status::Invalid);
    };
    diagnostics.extend(vpcsim_engine::compile::compile(&spec).1);
    let shown: Vec<_> =
        diagnostics.iter().filter(|d| d.severity == Severity::Error || global.verbose > 0).cloned().collect();
    render::diagnostics::print(&read.sources, &shown);
    if any_error(&diagnostics) {
        return Ok(Status::Invalid);
    }
    let yaml = spec::write::to_yaml(&spec);
    match &args.file {
        Some(path) => output::write_atomically(path, yaml.as_bytes())?,
        None if !args.report => output::print(yaml.as_bytes())?,
        None => {}
    }
    if args.report
        && let Some(report) = &read.report
    {
        let text = match args.output {
            Output::Text => report.to_text(),
            Output::Json => format!("{:#}\n", serde_json::json!({ "format_version": 1, "report": report })),
        };
        output::print(text.as_bytes())?;
    }
    let warnings = diagnostics.len() - shown.len();
    if warnings > 0 && !global.quiet {
        render::note(&format!("{warnings} warnings about gaps in the export; -v shows them"));
    }
    Ok(Status::Done)
}
