//! `vpcsim`: the only part of vpcsim that reads files, writes output and sets an exit status.
//!
//! Results go to standard output, talk to standard error. Exit status: 0 done, 1 a finding, 2 wrong
//! usage or invalid input, 3 valid input that uses what is not modelled, 4 input or output failed. A
//! reader that closes the pipe has seen enough: that is no error.

mod args;
mod audit;
mod completions;
mod cost;
mod diff;
mod export;
mod flow_logs;
mod folder;
mod import;
mod input;
mod lint;
mod man;
mod network;
mod output;
mod progress;
mod reach;
mod render;
mod run;
mod schema;
mod show;
mod show_between;
mod show_client_vpn;
mod show_hybrid;
mod show_mirror;
mod validate;
mod why;
mod why_line;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// How a command ended, if it did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    /// Done; expectations met; reachable.
    Done,
    /// Blocked; expectation failed; difference found.
    Finding,
    /// Wrong usage or invalid input.
    Invalid,
    /// Valid input that uses what is not modelled.
    NotModelled,
    /// What `diff --detailed-exitcode` tells.
    Differs(u8),
}

/// Why a command could not do its work.
#[derive(Debug)]
enum Failure {
    /// Reading or writing failed: exit status 4.
    Io(String),
    /// The input is invalid, and that was said: exit status 2.
    Invalid,
    /// The command was asked for something that makes no sense: exit status 2.
    Usage(String),
    /// The reader of our output is gone: exit status 0.
    ClosedPipe,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are results; a closed pipe is no error.
            let _ = e.print();
            return if e.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    cli.global.color.write_global();
    progress::begin(cli.global.quiet);
    let ended = run(&cli);
    progress::end();
    match ended {
        Ok(Status::Done) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Ok(Status::Finding) => ExitCode::from(1),
        Ok(Status::Invalid) | Err(Failure::Invalid) => ExitCode::from(2),
        Ok(Status::NotModelled) => ExitCode::from(3),
        Ok(Status::Differs(status)) => ExitCode::from(status),
        Err(Failure::Usage(message)) => {
            render::error(&message);
            ExitCode::from(2)
        }
        Err(Failure::Io(message)) => {
            render::error(&message);
            ExitCode::from(4)
        }
    }
}

fn run(cli: &Cli) -> Result<Status, Failure> {
    match &cli.command {
        Command::Audit(args) => audit::audit(args, &cli.global),
        Command::Diff(args) => diff::diff(args, &cli.global),
        Command::Lint(args) => lint::lint(args, &cli.global),
        Command::Validate(args) => validate::validate(args, &cli.global),
        Command::Schema(args) => schema::schema(args),
        Command::Completions(args) => completions::completions(args),
        Command::Man(args) => man::man(args),
        Command::Run(args) => run::run(args, &cli.global),
        Command::Why(args) => why::why(args, &cli.global),
        Command::Reach(args) => reach::reach(args, &cli.global),
        Command::Import(args) => import::import(args, &cli.global),
        Command::Show(args) => show::show(args, &cli.global),
        Command::Export(args) => export::export(args, &cli.global),
    }
}
