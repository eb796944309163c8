//! A scenario file: what stands at its top, and the steps.

use crate::base::Nanos;
use crate::diag::{Diagnostic, FileIx, nearest};
use crate::spec::Spanned;
use crate::spec::decode::{Cx, Decode, Fields, decode_struct, required};
use crate::spec::node::{Value, shown};
use crate::spec::read::read_as;
use crate::spec::schema::schema_of;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::action::{ACTIONS, Action, exactly_one};
use super::captures::Captures;
use super::expect::{Evidence, Expect, LeadsTo};

/// A timeline of steps against a topology.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Scenario {
    /// What this scenario shows, for people.
    pub description: Option<String>,
    /// The topology: a file, or a folder of AWS JSON, relative to this file.
    pub topology: Spanned<String>,
    /// Where randomness starts. Default 0.
    #[schemars(default)]
    pub seed: u64,
    /// When to stop, even if steps remain. Default: when all is done.
    pub until: Option<Spanned<Nanos>>,
    /// Whose packets to write.
    #[schemars(default)]
    pub captures: Captures,
    /// What happens, in order.
    pub steps: Vec<Spanned<Step>>,
    /// What is expected of the evidence when all is done.
    #[schemars(default)]
    pub expect: Vec<Spanned<Evidence>>,
}

/// One step.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// When it starts.
    pub when: When,
    /// What it does.
    pub action: Action,
    /// What is expected of it.
    pub expect: Option<Spanned<Expect>>,
    /// What a fault or a change is expected to lead to, judged when the run is over.
    pub leads_to: Option<Spanned<LeadsTo>>,
}

/// When a step starts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum When {
    /// At this time after the start of the run.
    At(Spanned<Nanos>),
    /// This long after the step before has finished; not written: at once.
    After(Spanned<Nanos>),
}

const WHEN_AND_EXPECT: [&str; 4] = ["at", "after", "expect", "leads_to"];

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        let time = generator.subschema_for::<Option<Nanos>>().to_value();
        for (key, text) in [
            ("at", "When it starts, counted from the start of the run."),
            ("after", "How long after the step before has finished it starts. Default 0s."),
        ] {
            let mut time = time.clone();
            time["description"] = text.into();
            properties.insert(key.into(), time);
        }
        properties.insert("expect".into(), generator.subschema_for::<Option<Expect>>().to_value());
        properties.insert("leads_to".into(), generator.subschema_for::<Option<LeadsTo>>().to_value());
        // The derived schema of an enum is a list of maps with one key each.
        let actions = Action::json_schema(generator).to_value();
        for variant in actions["oneOf"].as_array().into_iter().flatten() {
            for (key, schema) in variant["properties"].as_object().into_iter().flatten() {
                let mut schema = schema.clone();
                if let Some(text) = variant.get("description").filter(|_| schema.get("$ref").is_some()) {
                    schema = serde_json::json!({ "description": text, "allOf": [schema] });
                }
                properties.insert(key.clone(), schema);
            }
        }
        let one: Vec<_> = ACTIONS.iter().map(|key| serde_json::json!({ "required": [key] })).collect();
        json_schema!({
            "description": "One step: when, exactly one action, and what is expected of it.",
            "type": "object", "properties": properties, "oneOf": one, "additionalProperties": false
        })
    }
}

impl Decode for Step {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let allowed: Vec<&str> = WHEN_AND_EXPECT.into_iter().chain(ACTIONS).collect();
        let step = Fields::new(value, cx, "a step", &allowed)?;
        let at: Option<Spanned<Nanos>> = step.take("at", cx).flatten();
        let after: Option<Spanned<Nanos>> = step.take("after", cx).flatten();
        if let (Some(at), Some(after)) = (at, after) {
            cx.push(
                Diagnostic::error("conflicting-fields", after.span, "a step says `at` or `after`, not both")
                    .note(at.span, "`at` is here")
                    .help("`at` counts from the start of the run, `after` from the end of the step before"),
            );
        }
        let when = at.map_or_else(|| When::After(after.unwrap_or_default()), When::At);
        let expect: Option<Spanned<Expect>> = step.take("expect", cx).flatten();
        let leads_to: Option<Spanned<LeadsTo>> = step.take("leads_to", cx).flatten();
        let name = exactly_one(&step, &ACTIONS, "the action of this step", cx);
        let action = Action::take(name?, &step, cx)?;
        if let Some(entry) = step.entry("expect").filter(|_| !action.sends()) {
            let message = format!("`{}` sends nothing, so there is nothing to expect of it", action.name());
            cx.push(
                Diagnostic::error("conflicting-fields", entry.key_span, message)
                    .help("put `expect` at the step that sends, or at the end of the file for the evidence"),
            );
        }
        let breaks = matches!(action, Action::Fail(_) | Action::Restore(_) | Action::Change(_));
        if let Some(entry) = step.entry("leads_to").filter(|_| !breaks) {
            let message = format!("`{}` breaks and mends nothing", action.name());
            cx.push(
                Diagnostic::error("conflicting-fields", entry.key_span, message)
                    .help("put `leads_to` at a `fail`, a `restore` or a `change`"),
            );
        }
        Some(Self { when, action, expect, leads_to })
    }
}

decode_struct!(Scenario, "a scenario", {
    description, topology, seed: seed, until, captures, steps: required, expect,
});

fn seed<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<u64> {
    Some(fields.take::<Option<u64>>(name, cx).flatten().unwrap_or_default())
}

/// Reads a scenario. Nothing comes back if the file has no tree at all, or lacks what every scenario
/// has; otherwise what could be read, even if there are errors. The diagnostics are in the file's order.
#[must_use]
pub fn read(file: FileIx, bytes: &[u8]) -> (Option<Scenario>, Vec<Diagnostic>) {
    read_as(file, bytes, check)
}

/// The JSON Schema of scenario files.
#[must_use]
pub fn schema() -> serde_json::Value {
    schema_of::<Scenario>("vpcsim scenario")
}

/// What can be seen in the file alone: times do not go back, connections are named before they are used.
fn check(scenario: &Scenario, diagnostics: &mut Vec<Diagnostic>) {
    let mut last: Option<Spanned<Nanos>> = None;
    let mut open: BTreeMap<&str, &Spanned<String>> = BTreeMap::new();
    for step in &scenario.steps {
        if let When::At(at) = step.when {
            if let Some(before) = last.filter(|before| before.value > at.value) {
                diagnostics.push(
                    Diagnostic::error(
                        "time-goes-back",
                        at.span,
                        format!("this step is before the last `at`, {}", before.value),
                    )
                    .note(before.span, "the last `at`")
                    .help("write the steps in the order in which they start"),
                );
            }
            last = Some(at);
        }
        match &step.action {
            Action::Connect(connect) => {
                let Some(name) = &connect.name else { continue };
                if let Some(first) = open.insert(name, name) {
                    diagnostics.push(
                        Diagnostic::error(
                            "duplicate-name",
                            name.span,
                            format!("a connection is called `{}` already", shown(name)),
                        )
                        .note(first.span, "first used here")
                        .help("give each connection a name of its own"),
                    );
                }
                if !connect.keep_open {
                    diagnostics.push(
                        Diagnostic::warning(
                            "name-unused",
                            name.span,
                            "the connection closes when the step ends, so its name is of no use",
                        )
                        .help("add `keep_open: true`, or remove the name"),
                    );
                }
            }
            Action::Write(super::Write { connection, .. }) | Action::Close(super::Close { connection })
                if !open.contains_key(&*connection.value) =>
            {
                let message = format!("no earlier step opens a connection called `{}`", shown(connection));
                let help = match nearest(connection, open.keys().copied()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => "add `name: ...` and `keep_open: true` to the `connect` step".into(),
                };
                diagnostics.push(Diagnostic::error("unknown-reference", connection.span, message).help(help));
            }
            _ => {}
        }
    }
}
