//! Tags as written, without `Name`, which is `name_tag`. They decide nothing: `reach` groups by them.

use super::decode::{Cx, Decode};
use super::node::{Kind, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Tags: keys and values.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl Decode for Tags {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let Kind::Map(entries) = value.kind() else {
            cx.wrong_type(value, "a map from keys to values");
            return None;
        };
        let mut tags = BTreeMap::new();
        for entry in entries {
            if let Some(text) = cx.under(&entry.key, entry.key_span, value.of(entry)) {
                tags.insert(entry.key.to_string(), text);
            }
        }
        Some(Self(tags))
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}
