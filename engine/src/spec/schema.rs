//! JSON Schema (draft-07: what editors know) of what [`read`](super::read::read) accepts.
//!
//! The derived schema says what the types hold; a file may say it in more ways, and this adds them: a
//! list of one without brackets, several peers or ports in a rule, a number where text is meant, the
//! primary interface among an instance's fields. What the reader refuses beyond that (a name used
//! twice, a reserved word) no schema says: it is for completion, `vpcsim validate` for the verdict.
//!
//! Invariant: a file that is read without a diagnostic is valid by the schema.

use super::fields::NOT_IN_AN_INSTANCE;
use super::{NetworkInterface, Spec};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The JSON Schema of topology files.
#[must_use]
pub fn schema() -> Value {
    schema_of::<Spec>("vpcsim topology")
}

/// The JSON Schema of a kind of file, with the liberties that every file has.
pub(crate) fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    // So that the definition exists on its own too.
    let _ = generator.subschema_for::<NetworkInterface>();
    let mut root: Value = Schema::into(generator.into_root_schema_for::<T>());
    root["title"] = title.into();
    if let Some(definitions) = root.get_mut("definitions").and_then(Value::as_object_mut) {
        inline_primary_interface(definitions);
        if let Some(rule) = definitions.get_mut("SgRule").and_then(|d| d.get_mut("properties")) {
            for (field, item) in [("from", "Peer"), ("to", "Peer"), ("ports", "Ports")] {
                let description = rule[field]["description"].clone();
                let reference = json!({ "$ref": format!("#/definitions/{item}") });
                rule[field] = json!({
                    "description": description,
                    "anyOf": [reference.clone(), { "type": "array", "items": reference }, { "type": "null" }]
                });
            }
        }
        if let Some(secondary) = definitions.get_mut("SecondaryAddress") {
            let whole = secondary.take();
            let description = whole["description"].clone();
            *secondary =
                json!({ "description": description, "anyOf": [{ "type": "string", "format": "ipv4" }, whole] });
        }
    }
    let definitions = root.get("definitions").and_then(Value::as_object).cloned().unwrap_or_default();
    loosen(&mut root, &definitions);
    root
}

/// Puts the interface's fields among the instance's, as `decode` reads them.
fn inline_primary_interface(definitions: &mut Map<String, Value>) {
    let Some(inside) = definitions.get("NetworkInterface").and_then(|d| d["properties"].as_object()).cloned() else {
        return;
    };
    let Some(instance) = definitions.get_mut("Instance").and_then(Value::as_object_mut) else { return };
    for key in ["anyOf", "allOf", "oneOf", "required"] {
        instance.remove(key);
    }
    instance.insert("additionalProperties".into(), false.into());
    if let Some(properties) = instance.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, schema) in inside {
            if NOT_IN_AN_INSTANCE.contains(&&*name) {
                if name != "name_tag" {
                    properties.remove(&name);
                }
            } else {
                properties.insert(name, schema);
            }
        }
    }
}

/// Text may be a number, and a list of plain values one of them.
fn loosen(schema: &mut Value, definitions: &Map<String, Value>) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| loosen(item, definitions)),
        Value::Object(object) => {
            object.values_mut().for_each(|value| loosen(value, definitions));
            let free = !["pattern", "enum", "const", "format"].iter().any(|key| object.contains_key(*key));
            if let Some(kind) = object.get_mut("type").filter(|_| free) {
                if *kind == "string" {
                    *kind = json!(["string", "number"]);
                } else if *kind == json!(["string", "null"]) {
                    *kind = json!(["string", "number", "null"]);
                }
            }
            let nullable = object.get("type") == Some(&json!(["array", "null"]));
            let list = nullable || object.get("type").is_some_and(|kind| kind == "array");
            let Some(item) = object.get("items").filter(|item| list && is_plain(item, definitions)).cloned() else {
                return;
            };
            let mut kept = Map::new();
            for key in ["description", "default"] {
                if let Some(value) = object.remove(key) {
                    kept.insert(key.into(), value);
                }
            }
            let whole = Value::Object(std::mem::take(object));
            kept.insert("anyOf".into(), json!([item, whole]));
            *object = kept;
        }
        _ => {}
    }
}

/// True if the schema accepts something other than a list or a map.
fn is_plain(schema: &Value, definitions: &Map<String, Value>) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/definitions/")) {
        return definitions.get(name).is_some_and(|target| is_plain(target, definitions));
    }
    if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return choices.iter().any(|choice| is_plain(choice, definitions));
    }
    match &schema["type"] {
        Value::String(kind) => kind != "object" && kind != "array",
        Value::Array(kinds) => !kinds.iter().any(|kind| kind == "object" || kind == "array"),
        _ => schema.get("enum").is_some() || schema.get("const").is_some(),
    }
}
