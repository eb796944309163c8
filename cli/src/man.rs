//! `vpcsim man`: a manual page per command, `vpcsim.1`, `vpcsim-run.1`, ...

use crate::args::{Cli, ManArgs};
use crate::{Failure, Status, output};
use clap::{Command, CommandFactory};
use std::path::Path;

pub(crate) fn man(args: &ManArgs) -> Result<Status, Failure> {
    let mut command = Cli::command();
    command.build();
    page(command, &args.folder)?;
    Ok(Status::Done)
}

/// Writes the page of `command` and those of the commands below it.
fn page(command: Command, folder: &Path) -> Result<(), Failure> {
    let below: Vec<Command> = command.get_subcommands().filter(|c| c.get_name() != "help").cloned().collect();
    // `build` has given each command its whole name, as in `vpcsim-run`.
    let name = command.get_display_name().unwrap_or("vpcsim").to_owned();
    let mut bytes = Vec::new();
    let manual = clap_mangen::Man::new(command);
    manual.render(&mut bytes).map_err(|e| Failure::Io(format!("cannot make the page of {name}: {e}")))?;
    output::write_atomically(&folder.join(format!("{name}.1")), &bytes)?;
    below.into_iter().try_for_each(|command| page(command, folder))
}
