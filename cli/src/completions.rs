//! `vpcsim completions`: what makes a shell complete our command line.

use crate::args::{Cli, CompletionsArgs};
use crate::{Failure, Status, output};
use clap::CommandFactory;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vpcsim", &mut script);
    output::print(&script)?;
    Ok(Status::Done)
}
