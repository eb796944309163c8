//! `vpcsim lint`: what is wrong with a network, or will be.

use crate::args::{FailOn, Global, LintArgs, LintOutput};
use crate::render::{findings, sarif};
use crate::{Failure, Status, network, output, render};
use vpcsim_engine::analyse::lint::{self, Severity};
use vpcsim_engine::compile;
use vpcsim_engine::diag::any_error;

pub(crate) fn lint(args: &LintArgs, global: &Global) -> Result<Status, Failure> {
    let network::Read { sources, spec, mut diagnostics, report } = network::read(&args.topology)?;
    let spec = spec.filter(|_| !any_error(&diagnostics));
    let network = match &spec {
        Some(spec) => {
            let (network, more) = compile::compile(spec);
            // What an import does not understand is its report's; what the compiler says of a network is a finding.
            if report.is_some() {
                diagnostics.clear();
            }
            diagnostics.extend(more);
            network
        }
        None => None,
    };
    let (Some(spec), Some(network)) = (spec, network) else {
        render::diagnostics::print(&sources, &diagnostics);
        return Err(Failure::Invalid);
    };
    let found = lint::lint(&spec, &network, &diagnostics);
    let text = match args.output {
        LintOutput::Text => findings::text(&sources, &found, global),
        LintOutput::Json => findings::json(&sources, &found),
        LintOutput::Sarif => sarif::sarif(&sources, &found),
        LintOutput::Github => findings::github(&sources, &found),
    };
    output::print(text.as_bytes())?;
    let fails = |from: Severity| lint::worst(&found).is_some_and(|worst| worst >= from);
    let fails = match args.fail_on {
        FailOn::Note => fails(Severity::Note),
        FailOn::Warning => fails(Severity::Warning),
        FailOn::Error => fails(Severity::Error),
        FailOn::Never => false,
    };
    Ok(if fails { Status::Finding } else { Status::Done })
}
