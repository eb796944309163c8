//! What people and programs get to see.

mod detail;
pub(crate) mod diagnostics;
pub(crate) mod explanation;
pub(crate) mod explanation_json;
pub(crate) mod findings;
pub(crate) mod fix;
mod fix_commands;
pub(crate) mod hint;
pub(crate) mod insights;
mod notes;
pub(crate) mod report;
pub(crate) mod sarif;
pub(crate) mod vary;

use std::io::Write;

/// Says on standard error why a command failed. If nobody listens, nobody needs to know.
pub(crate) fn error(message: &str) {
    crate::progress::end();
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr().lock(), "{style}error{style:#}: {}", clean(message));
}

/// `text` with control characters made visible: what a file holds must not steer a terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Says something on standard error that is no failure.
pub(crate) fn note(message: &str) {
    crate::progress::end();
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    let _ = writeln!(anstream::stderr().lock(), "{style}note{style:#}: {}", clean(message));
}
