//! Resources that one of two topologies has and the other does not, or that say something else, field by field.

use super::places::places;
use crate::diag::Span;
use crate::spec::Spec;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How a resource differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResourceChange {
    /// Only the new topology has it.
    Added,
    /// Only the old topology has it.
    Removed,
    /// Both have it, and it says something else.
    Changed,
}

/// A resource that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// The section it stands in: `network_acls`.
    pub kind: String,
    /// Its name; empty if the section is no map of resources.
    pub name: String,
    /// Its `Name` tag, if that is another one.
    pub tag: Option<String>,
    /// How it differs.
    pub change: ResourceChange,
    /// Where it is written: in the new topology; in the old one, if it was removed.
    pub span: Span,
    /// What differs, if it has changed.
    pub fields: Vec<Field>,
}

/// A field that differs. Of a list, only the items that differ are here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What the old topology says, as JSON.
    pub old: Vec<String>,
    /// What the new topology says, as JSON.
    pub new: Vec<String>,
}

pub(super) fn resources(old: &Spec, new: &Spec) -> Vec<Resource> {
    let spans = [places(old), places(new)];
    let (old, new) = (object(old), object(new));
    let mut out = Vec::new();
    for kind in keys(&old, &new) {
        match (old.get(&kind), new.get(&kind)) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => section(&kind, a, b, &mut out),
            (a, b) if a != b => {
                let fields = field(&kind, a, b).into_iter().collect();
                out.push(Resource {
                    kind,
                    name: String::new(),
                    tag: None,
                    change: ResourceChange::Changed,
                    span: Span::NONE,
                    fields,
                });
            }
            _ => {}
        }
    }
    for resource in &mut out {
        let at = usize::from(resource.change != ResourceChange::Removed);
        resource.span = spans[at].get(resource.name.as_str()).copied().unwrap_or(Span::NONE);
    }
    out
}

fn object(spec: &Spec) -> Map<String, Value> {
    match serde_json::to_value(spec).expect("a topology can be written") {
        Value::Object(object) => object,
        _ => unreachable!("a topology is a map"),
    }
}

fn keys(a: &Map<String, Value>, b: &Map<String, Value>) -> BTreeSet<String> {
    a.keys().chain(b.keys()).cloned().collect()
}

fn section(kind: &str, old: &Map<String, Value>, new: &Map<String, Value>, out: &mut Vec<Resource>) {
    for name in keys(old, new) {
        let tag = new.get(&name).or(old.get(&name)).and_then(|resource| resource.get("name_tag")?.as_str());
        let tag = tag.filter(|tag| *tag != name).map(ToOwned::to_owned);
        let (change, fields) = match (old.get(&name), new.get(&name)) {
            (None, _) => (ResourceChange::Added, Vec::new()),
            (_, None) => (ResourceChange::Removed, Vec::new()),
            (Some(a), Some(b)) if a == b => continue,
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let differs = |key: String| field(&key, a.get(&key), b.get(&key));
                (ResourceChange::Changed, keys(a, b).into_iter().filter_map(differs).collect())
            }
            (a, b) => (ResourceChange::Changed, field(&name, a, b).into_iter().collect()),
        };
        out.push(Resource { kind: kind.to_owned(), name, tag, change, span: Span::NONE, fields });
    }
}

fn field(name: &str, old: Option<&Value>, new: Option<&Value>) -> Option<Field> {
    if old == new {
        return None;
    }
    let items = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(other) => vec![text(other)],
    };
    let (mut gone, mut came) = (items(old), items(new));
    let both: Vec<String> = gone.iter().filter(|item| came.contains(item)).cloned().collect();
    if gone.len() != both.len() || came.len() != both.len() {
        gone.retain(|item| !both.contains(item));
        came.retain(|item| !both.contains(item));
    }
    Some(Field { name: name.to_owned(), old: gone, new: came })
}

/// A value without what is absent in it.
fn text(value: &Value) -> String {
    fn without_nulls(value: &Value) -> Value {
        match value {
            Value::Object(object) => object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
            Value::Array(items) => items.iter().map(without_nulls).collect(),
            other => other.clone(),
        }
    }
    without_nulls(value).to_string()
}
