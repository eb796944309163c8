//! Findings of `lint` that are meant, as written.

use super::Spanned;
use schemars::JsonSchema;
use serde::Serialize;

/// A finding of `vpcsim lint` that is meant to be there, with the reason.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LintSuppression {
    /// The finding's code, as in `exposed-port`.
    pub ignore: Spanned<String>,
    /// The resource that it is about. Default: every one.
    pub on: Option<Spanned<String>>,
    /// Why it is meant, for whoever reads it next.
    pub reason: Spanned<String>,
}
