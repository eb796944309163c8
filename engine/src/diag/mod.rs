//! What is wrong with a user's input, as plain data. Rendering is the caller's business.
//!
//! A diagnostic is about the input, never about a packet (that is a verdict) and never about a bug
//! in this program (that is a panic). All of them are collected; none stops the search for the next.

use serde::Serialize;

/// Which of the caller's files a [`Span`] points into: the position in the list it handed over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
pub struct FileIx(pub u16);

/// A place in a file. Lines and columns count from 1, columns in characters; line 0 means "no place".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
pub struct Span {
    /// The file.
    pub file: FileIx,
    /// Line, from 1; 0 if there is no place to point at.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// How many characters to underline, at least 1 where there is a place.
    pub len: u32,
}

impl Span {
    /// No place: the value was made, not written.
    pub const NONE: Self = Self { file: FileIx(0), line: 0, column: 0, len: 0 };
    /// True if the span points somewhere.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.line != 0
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input is used all the same.
    Warning,
    /// The input is refused.
    Error,
}

/// One finding about the user's input.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Diagnostic {
    /// Stable code, kebab-case: `unknown-reference`, `cidr-overlap`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where. [`Span::NONE`] if it is about a whole file or folder.
    pub span: Span,
    /// One sentence without a full stop, names in backticks.
    pub message: String,
    /// Other places and facts that bear on it: (where, what).
    pub notes: Vec<(Span, String)>,
    /// The likeliest fix.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, span, message: message.into(), notes: Vec::new(), help: None }
    }
    /// A warning at `span`.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }
    /// Adds the likeliest fix.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// Adds another place or fact.
    #[must_use]
    pub fn note(mut self, span: Span, note: impl Into<String>) -> Self {
        self.notes.push((span, note.into()));
        self
    }
}

/// True if one of them refuses the input.
#[must_use]
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// The name in `known` that is most like `wrong`, if one is close enough to be a slip of the finger:
/// at most a third of its letters differ (two that are swapped count as one, case is ignored).
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let limit = (wrong.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (edit_distance(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Letters to add, drop or replace, or neighbours to swap, to get from `a` to `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            row[j + 1] = replaced.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_only() {
        assert_eq!(nearest("sg-wbe", ["sg-web", "sg-app"]), Some("sg-web"));
        assert_eq!(nearest("vpsc", ["vpcs", "subnets"]), Some("vpcs"));
        assert_eq!(nearest("database", ["sg-web", "sg-app"]), None);
    }
}
