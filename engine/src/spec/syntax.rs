//! From bytes to text, and from the parser's complaint to a sentence that helps.
//!
//! The first mistake of syntax ends the reading of a file: what follows it cannot be trusted.

use super::node::BYTES_MAX;
use crate::diag::{Diagnostic, FileIx, Span};
use saphyr_parser::ScanError;

/// A place: `line` counts from 1, `column` from 0 as the parser does.
pub(crate) fn span(file: FileIx, line: usize, column: usize, len: usize) -> Span {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, line: small(line.max(1)), column: small(column).saturating_add(1), len: small(len.max(1)) }
}

/// The place of the byte at `at`.
fn place_of(file: FileIx, text: &str, at: usize) -> Span {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    span(file, line, before[line_start..].chars().count(), 1)
}

/// The text of a file: within [`BYTES_MAX`], UTF-8, no NUL; a byte order mark is taken off.
pub(crate) fn text_of(file: FileIx, bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    if bytes.len() > BYTES_MAX {
        let message = format!("the file is larger than {BYTES_MAX} bytes (64 MiB)");
        return Err(Box::new(
            Diagnostic::error("too-large", Span { file, ..Span::NONE }, message).help("split the network into files"),
        ));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            let good = good.strip_prefix('\u{feff}').unwrap_or(good);
            let message = format!("this is not UTF-8 text (byte 0x{:02x})", bytes[e.valid_up_to()]);
            let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                "the file is UTF-16: save it as UTF-8"
            } else {
                "save the file as UTF-8; if it is not a text file, it is not a topology or scenario"
            };
            return Err(Box::new(Diagnostic::error("not-utf8", place_of(file, good, good.len()), message).help(help)));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        return Err(Box::new(
            Diagnostic::error("syntax", place_of(file, text, at), "a NUL byte is not text")
                .help("the file is damaged or binary, or is UTF-16 without a byte order mark"),
        ));
    }
    Ok(text)
}

/// The diagnostic for a complaint of the YAML parser about `text`.
pub(crate) fn error(file: FileIx, text: &str, error: &ScanError) -> Diagnostic {
    let mark = error.marker();
    let mut place = span(file, mark.line(), mark.col(), 1);
    let lower = error.info().to_lowercase();
    let json = text.trim_start().starts_with(['{', '[']);
    let line = text.lines().nth(place.line as usize - 1);
    // A complaint about the end of the file stands on a line that is not there.
    let at_end = text[..].trim_end().lines().count() < place.line as usize
        || (line.is_none_or(|l| l.chars().count() < place.column as usize)
            && text.lines().count() == place.line as usize);
    let line = line.unwrap_or_default();
    let tab = line.chars().position(|c| c == '\t').filter(|at| line.chars().take(*at).all(|c| c == ' '));
    if lower.contains("recursion limit") {
        return Diagnostic::error("too-deep", place, "lists and maps are nested too deep")
            .help("look for a bracket too many");
    }
    if let Some(at) = tab.filter(|_| !json || lower.contains("tab")) {
        place.column = at as u32 + 1;
        return Diagnostic::error("syntax", place, "a tab cannot indent a line in YAML")
            .help("replace each tab by spaces (in most editors: \"convert indentation to spaces\")");
    }
    let message = error.info().trim_end_matches('.');
    let diagnostic = Diagnostic::error("syntax", place, format!("the file cannot be read as YAML or JSON: {message}"));
    diagnostic.help(if lower.contains("unknown anchor") {
        "an alias `*name` needs `&name` at an earlier value; put quotes around text that starts with `*`"
    } else if at_end {
        "the file ends in the middle of something: look for a `]`, `}` or quote that is never closed"
    } else if lower.contains("unicode character escape") && json {
        "write the character itself instead of a pair of `\\u` escapes"
    } else if json {
        "the file looks like JSON: look for a missing comma, quote, colon or bracket at or before this place"
    } else if lower.contains("tab") {
        "replace the tab by spaces"
    } else if lower.contains("mapping values are not allowed") {
        "put quotes around a text that contains `: `, and check that this line is indented like its neighbours"
    } else if lower.contains("quoted scalar") {
        "look for a quote that is never closed, here or before"
    } else {
        "check the indentation of this line and of the one before, and that brackets and quotes are closed"
    })
}
