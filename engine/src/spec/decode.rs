//! From a tree of text to types, with every mistake reported and none hiding another.
//!
//! [`Decode`] is what serde's `Deserialize` would be if it went on after an error. A struct lists its
//! fields once, in `decode_struct!`; an enum its words, in `decode_words!`.
//!
//! Invariants: `None` means "reported"; a bad optional value counts as absent once it is reported, so
//! that its neighbours are read; an item of a list or map that cannot be read is left out. Nothing
//! recurses on the input: the depth of a type is fixed.

use super::Spanned;
use super::node::{Entry, Kind, Value, shown};
use crate::diag::{Diagnostic, Span, nearest};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Most mistakes reported for one file; the rest is counted.
pub(crate) const DIAGNOSTICS_MAX: usize = 1_000;
/// Longest text that is taken for a number, an address or another single value.
const SCALAR_MAX: usize = 256;

/// What decoding knows besides the value: where it is, and what was found so far.
pub(crate) struct Cx<'t> {
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many more there were.
    pub(crate) dropped: usize,
    /// The field or name whose value is being read.
    pub(crate) label: &'t str,
    /// Where that field or name is, or the item of a list.
    pub(crate) owner: Span,
    /// Every name of a resource, with the section it stands in, in file order.
    pub(crate) names: Vec<(Spanned<&'t str>, &'t str)>,
}

impl<'t> Cx<'t> {
    pub(crate) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, dropped: 0, label: "the file", owner: Span::NONE, names: Vec::new() }
    }
    /// Reports.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }
    /// Decodes `value` as the value of `label`.
    pub(super) fn under<T: Decode>(&mut self, label: &'t str, owner: Span, value: Value<'t>) -> Option<T> {
        let before = (self.label, self.owner);
        (self.label, self.owner) = (label, owner);
        let decoded = T::decode(value, self);
        (self.label, self.owner) = before;
        decoded
    }
    /// Reports that `value` is not `what`.
    pub(crate) fn wrong_type(&mut self, value: Value<'t>, what: &str) {
        let label = shown(self.label);
        let mut diagnostic = match value.kind() {
            Kind::Empty => {
                Diagnostic::error("wrong-type", value.span(), format!("`{label}` has no value, {what} is expected"))
            }
            _ => {
                let message = format!("`{label}` must be {what}, found {}", value.describe());
                Diagnostic::error("wrong-type", value.span(), message)
            }
        };
        if matches!(value.kind(), Kind::Empty) || value.is_null() {
            diagnostic = diagnostic.help(match what {
                _ if what.starts_with("a list") => "remove the key, or write `[]` for an empty list",
                _ if what.contains("map") => "remove the key, or write `{}` for an empty map",
                _ => "remove the key, or write a value",
            });
        } else {
            diagnostic = diagnostic.help(match what {
                _ if what.contains("a list") => format!("write `{label}: [...]`, or below it a line `- ...` for each"),
                _ if what.contains("map") => {
                    format!("write `{label}: {{...}}`, or below it an indented line for each key")
                }
                _ => format!("write one value, as in `{label}: ...`"),
            });
        }
        self.push(diagnostic);
    }
    /// Reports that a text of the right type says nothing valid. What follows `; ` becomes the help.
    pub(crate) fn bad_value(&mut self, value: Value<'t>, error: &str) {
        let (message, help) = match error.rsplit_once("; ") {
            Some((message, help)) => (message, Some(help)),
            None => (error, None),
        };
        let mut diagnostic = Diagnostic::error("bad-value", value.span(), message);
        diagnostic.help = help.map(str::to_owned);
        self.push(diagnostic);
    }
}

/// A value that can be read from a file.
pub(crate) trait Decode: Sized {
    /// True if a list of them may be written as one of them without brackets.
    const SINGLE: bool = true;
    /// Reads it, or reports why not.
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self>;
    /// What it is if the field is absent, if it may be.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Decode> Decode for Spanned<T> {
    const SINGLE: bool = T::SINGLE;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        T::decode(value, cx).map(|v| Self::new(v, value.span()))
    }
}

impl<T: Decode> Decode for Option<T> {
    const SINGLE: bool = T::SINGLE;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        Some(if value.is_null() { None } else { T::decode(value, cx) })
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Vec<T> {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        match value.kind() {
            Kind::Seq(items) => Some(list(value, items, cx)),
            Kind::Scalar { .. } if T::SINGLE && !value.is_null() => Some(T::decode(value, cx).into_iter().collect()),
            _ => {
                cx.wrong_type(value, "a list");
                Some(Vec::new())
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

fn list<'t, T: Decode>(value: Value<'t>, items: &[u32], cx: &mut Cx<'t>) -> Vec<T> {
    let read = |ix: &u32| {
        let item = value.item(*ix);
        cx.under(cx.label, item.span(), item)
    };
    items.iter().filter_map(read).collect()
}

impl<T: Decode> Decode for BTreeMap<Spanned<String>, T> {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let Kind::Map(entries) = value.kind() else {
            cx.wrong_type(value, "a map from names to resources");
            return Some(Self::new());
        };
        let mut named = Self::new();
        for entry in entries {
            cx.names.push((Spanned::new(&*entry.key, entry.key_span), cx.label));
            if let Some(resource) = cx.under(&entry.key, entry.key_span, value.of(entry)) {
                named.insert(Spanned::new(entry.key.to_string(), entry.key_span), resource);
            }
        }
        Some(named)
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Decode for bool {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        match value.plain() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => {
                let help = match value.text().map(str::to_lowercase).as_deref() {
                    Some("yes" | "on" | "y") => Some("write `true`"),
                    Some("no" | "off" | "n") => Some("write `false`"),
                    Some("true" | "false") => Some("take the quotes off"),
                    _ => None,
                };
                cx.wrong_type(value, "`true` or `false`");
                if let (Some(help), Some(last)) = (help, cx.diagnostics.last_mut()) {
                    last.help = Some(help.into());
                }
                None
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(false)
    }
}

impl Decode for String {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        if matches!(value.plain(), Some("true" | "True" | "TRUE" | "false" | "False" | "FALSE")) {
            cx.wrong_type(value, "text");
            if let Some(last) = cx.diagnostics.last_mut() {
                last.help = Some("put quotes around it if the text is meant".into());
            }
            return None;
        }
        match value.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                cx.wrong_type(value, "text");
                None
            }
        }
    }
}

/// The text of a single value, for types that read themselves from text.
pub(crate) fn scalar<'t>(value: Value<'t>, cx: &mut Cx<'t>, what: &str) -> Option<&'t str> {
    match value.text() {
        Some(text) if text.len() <= SCALAR_MAX => Some(text),
        Some(text) => {
            cx.bad_value(value, &format!("`{}` is not {what}", shown(text)));
            None
        }
        None => {
            cx.wrong_type(value, what);
            None
        }
    }
}

/// Reads a value from text by its `FromStr`.
pub(crate) fn parse<'t, T>(value: Value<'t>, cx: &mut Cx<'t>, what: &str) -> Option<T>
where
    T: std::str::FromStr<Err: Display>,
{
    match scalar(value, cx, what)?.parse() {
        Ok(parsed) => Some(parsed),
        Err(e) => {
            cx.bad_value(value, &e.to_string());
            None
        }
    }
}

/// Reads a whole number that was written without quotes.
pub(crate) fn integer<'t, T: TryFrom<i128>>(value: Value<'t>, cx: &mut Cx<'t>, range: &str) -> Option<T> {
    let what = format!("a whole number {range}");
    let text = scalar(value, cx, &what)?;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number || value.plain().is_none() {
        cx.wrong_type(value, &what);
        if let (true, Some(last)) = (is_number, cx.diagnostics.last_mut()) {
            last.help = Some("take the quotes off".into());
        }
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') {
        cx.bad_value(
            value,
            &format!("`{}` has a leading zero; write it without, octal numbers are not meant here", shown(text)),
        );
        return None;
    }
    let number = text.parse::<i128>().ok().and_then(|n| T::try_from(n).ok());
    if number.is_none() {
        cx.bad_value(value, &format!("`{}` is not {what}", shown(text)));
    }
    number
}

/// The fields of a map that is to become a struct.
pub(crate) struct Fields<'t> {
    value: Value<'t>,
    entries: &'t [Entry<'t>],
    what: &'static str,
    label: &'t str,
    /// Where to say that a field is missing.
    pub(crate) owner: Span,
}

impl<'t> Fields<'t> {
    /// The fields of `value`; those that are not `allowed` are reported. Nothing if it is not a map.
    pub(crate) fn new(value: Value<'t>, cx: &mut Cx<'t>, what: &'static str, allowed: &[&str]) -> Option<Self> {
        let Kind::Map(entries) = value.kind() else {
            cx.wrong_type(value, &format!("{what} (a map of fields)"));
            return None;
        };
        for entry in entries {
            if !allowed.contains(&&*entry.key) {
                cx.push(unknown_field(&entry.key, entry.key_span, what, allowed));
            }
        }
        let owner = if cx.owner.is_some() { cx.owner } else { value.span() };
        Some(Self { value, entries, what, label: cx.label, owner })
    }
    /// The entry of field `name`, if it is written.
    pub(crate) fn entry(&self, name: &str) -> Option<&'t Entry<'t>> {
        self.entries.iter().find(|e| e.key == name)
    }
    /// The entries whose keys are among `keys`, in file order.
    pub(crate) fn written<'k>(
        &self,
        keys: &'k [&'static str],
    ) -> impl Iterator<Item = (&'static str, &'t Entry<'t>)> + use<'k, 't> {
        let entries = self.entries;
        entries.iter().filter_map(|e| keys.iter().find(|key| **key == e.key).map(|key| (*key, e)))
    }
    /// The value of field `name`, if it is written.
    pub(crate) fn value(&self, name: &str) -> Option<Value<'t>> {
        self.entry(name).map(|e| self.value.of(e))
    }
    /// Reads field `name`; reports it if it is missing and required.
    pub(crate) fn take<T: Decode>(&self, name: &'static str, cx: &mut Cx<'t>) -> Option<T> {
        match self.entry(name) {
            Some(entry) => cx.under(name, entry.key_span, self.value.of(entry)),
            None => T::absent().or_else(|| self.missing(name, cx)),
        }
    }
    /// Reports that `name` is missing.
    pub(crate) fn missing<T>(&self, name: &str, cx: &mut Cx<'t>) -> Option<T> {
        let of = if self.label.is_empty() { String::new() } else { format!(" in `{}`", shown(self.label)) };
        let message = format!("`{name}` is missing{of}: {} needs it", self.what);
        cx.push(Diagnostic::error("missing-field", self.owner, message).help(format!("add `{name}: ...`")));
        None
    }
}

/// For a field that is required though its type has a value for absence.
pub(crate) fn required<'t, T: Decode>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<T> {
    if fields.entry(name).is_none() { fields.missing(name, cx) } else { fields.take(name, cx) }
}

/// For a list that may be written as one of its maps, without brackets.
pub(crate) fn one_or_many<'t, T: Decode>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Vec<T>> {
    match fields.entry(name).map(|e| (e, fields.value.of(e))) {
        Some((entry, value)) if matches!(value.kind(), Kind::Map(_)) => {
            Some(cx.under(name, entry.key_span, value).into_iter().collect())
        }
        _ => fields.take(name, cx),
    }
}

fn unknown_field(name: &str, span: Span, what: &str, allowed: &[&str]) -> Diagnostic {
    let message = format!("`{}` is not a field of {what}", shown(name));
    let list = format!("fields of {what}: {}", allowed.join(", "));
    let close = if name.chars().count() <= 64 { nearest(name, allowed.iter().copied()) } else { None };
    match close {
        Some(close) => Diagnostic::error("unknown-field", span, message)
            .help(format!("did you mean `{close}`?"))
            .note(Span::NONE, list),
        None => Diagnostic::error("unknown-field", span, message).help(list),
    }
}

/// Reads one of the words of an enum.
pub(crate) fn word<'t, T: Copy>(value: Value<'t>, cx: &mut Cx<'t>, words: &[(&str, T)]) -> Option<T> {
    let all = || words.iter().map(|(w, _)| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    let Some(text) = value.text() else {
        cx.wrong_type(value, &format!("one of {}", all()));
        return None;
    };
    if let Some((_, found)) = words.iter().find(|(w, _)| *w == text) {
        return Some(*found);
    }
    let label = shown(cx.label).into_owned();
    let message = format!("`{}` is not a value of `{label}`", shown(text));
    let close = if text.chars().count() <= 64 { nearest(text, words.iter().map(|(w, _)| *w)) } else { None };
    let diagnostic = Diagnostic::error("bad-value", value.span(), message);
    cx.push(match close {
        Some(close) => {
            diagnostic.help(format!("did you mean `{close}`?")).note(Span::NONE, format!("values: {}", all()))
        }
        None => diagnostic.help(format!("write one of {}", all())),
    });
    None
}

/// A struct that is read from the fields of a map.
pub(crate) trait FromFields: Sized {
    /// The fields it reads.
    const FIELDS: &'static [&'static str];
    /// Reads them all; nothing if a required one is missing or bad.
    fn from_fields<'t>(fields: &Fields<'t>, cx: &mut Cx<'t>) -> Option<Self>;
}

/// Implements [`Decode`] for a struct: `decode_struct!(Type, "a thing", { field, other as "key": how });`
/// where `how` is a function that reads the field, [`Fields::take`] if absent.
macro_rules! decode_struct {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@take $fields:ident $cx:ident $key:expr) => { $fields.take($key, $cx) };
    (@take $fields:ident $cx:ident $key:expr, $how:path) => { $how($fields, $key, $cx) };
    ($type:ty, $what:literal, { $($field:ident $(as $key:literal)? $(: $how:path)?),* $(,)? }) => {
        impl $crate::spec::decode::FromFields for $type {
            const FIELDS: &'static [&'static str] = &[$(decode_struct!(@key $field $($key)?)),*];
            fn from_fields<'t>(
                fields: &$crate::spec::decode::Fields<'t>,
                cx: &mut $crate::spec::decode::Cx<'t>,
            ) -> Option<Self> {
                $(let $field = decode_struct!(@take fields cx (decode_struct!(@key $field $($key)?)) $(, $how)?);)*
                Some(Self { $($field: $field?),* })
            }
        }
        impl $crate::spec::decode::Decode for $type {
            const SINGLE: bool = false;
            fn decode<'t>(
                value: $crate::spec::node::Value<'t>,
                cx: &mut $crate::spec::decode::Cx<'t>,
            ) -> Option<Self> {
                use $crate::spec::decode::{Fields, FromFields};
                let fields = Fields::new(value, cx, $what, Self::FIELDS)?;
                Self::from_fields(&fields, cx)
            }
        }
    };
}

/// Implements [`Decode`] for an enum of words.
macro_rules! decode_words {
    ($($type:ident { $($word:literal => $variant:ident),* $(,)? })*) => {$(
        impl $crate::spec::decode::Decode for $type {
            fn decode<'t>(
                value: $crate::spec::node::Value<'t>,
                cx: &mut $crate::spec::decode::Cx<'t>,
            ) -> Option<Self> {
                $crate::spec::decode::word(value, cx, &[$(($word, Self::$variant)),*])
            }
        }
    )*};
}

/// Implements [`Decode`] for types that read themselves from text.
macro_rules! decode_text {
    ($($type:ty: $what:literal;)*) => {$(
        impl $crate::spec::decode::Decode for $type {
            fn decode<'t>(
                value: $crate::spec::node::Value<'t>,
                cx: &mut $crate::spec::decode::Cx<'t>,
            ) -> Option<Self> {
                $crate::spec::decode::parse(value, cx, $what)
            }
        }
    )*};
}

pub(crate) use {decode_struct, decode_text, decode_words};
