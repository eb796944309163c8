//! From bytes to JSON elements with their places.
//!
//! Knows JSON and nothing of AWS. A file may hold several documents one after the other (`cat a.json
//! b.json`). An element that does not fit is reported with its line and does not take its siblings along.
//! The text of an element is borrowed until its type is known, so nothing nests deeper than the types do.
//!
//! Invariants: no message repeats a value of the wrong type, because it may be a secret; a file that
//! holds keys of VPN tunnels or BGP sessions gives no line to print.

use super::place::Place;
use crate::diag::{Diagnostic, FileIx, Span};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

/// Words of files that hold keys of VPN tunnels or of BGP sessions.
const SECRETS: [&str; 6] =
    ["pre_shared_key", "PreSharedKey", "CustomerGatewayConfiguration", "authKey", "auth_key", "customerRouterConfig"];

/// One of the caller's files while it is read.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) place: Rc<Place>,
    text: &'a str,
    secret: bool,
    seen: Position,
    file: FileIx,
}

#[derive(Clone, Copy)]
struct Position {
    offset: usize,
    line: u32,
    column: u32,
}

/// A value with where it was found.
pub(super) struct Item<T> {
    pub(super) value: T,
    pub(super) span: Span,
    pub(super) place: Rc<Place>,
}

/// The keys of one document, in the order of the file.
pub(super) struct Keys<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Source<'a> {
    /// Checks that the bytes are text.
    pub(super) fn open(file: FileIx, path: &'a str, bytes: &'a [u8]) -> Result<Self, Diagnostic> {
        let start = Position { offset: 0, line: 1, column: 1 };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let secret = SECRETS.iter().any(|s| bytes.windows(s.len()).any(|w| w == s.as_bytes()));
            let wrong = Diagnostic::error(
                "not-utf-8",
                if secret { nowhere(file) } else { span(file, after(bytes, start, error.valid_up_to())) },
                format!("`{path}` is not UTF-8 text"),
            );
            if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                wrong.help("it is UTF-16, as Windows PowerShell's `>` writes; save it again as UTF-8")
            } else {
                wrong
            }
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let secret = SECRETS.iter().any(|s| text.contains(s));
        Ok(Self { path, place: Rc::new(Place::of(path)), text, secret, seen: start, file })
    }

    /// The documents of the file, each an object.
    pub(super) fn documents(&mut self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Keys<'a>> {
        let mut documents = Vec::new();
        let mut empty = true;
        for document in serde_json::Deserializer::from_str(self.text).into_iter::<&RawValue>() {
            empty = false;
            let raw = match document {
                Ok(raw) => raw,
                Err(error) => {
                    let ends_early = error.classify() == Category::Eof;
                    let at = match ends_early {
                        true => self.text.trim_end().len().saturating_sub(1),
                        false => self.offset_in(0, self.text, &error),
                    };
                    let found = Diagnostic::error("json-syntax", self.span(at), self.sentence("", &error));
                    let help = "the file ends too early; export it again";
                    diagnostics.push(if ends_early { found.help(help) } else { found });
                    break;
                }
            };
            if raw.get().starts_with('{') {
                documents.extend(self.read::<Keys<'a>>(raw, &String::new, diagnostics));
            } else {
                let message = format!("`{}` holds no object with a key such as `Vpcs`, so nothing was read", self.path);
                diagnostics.push(
                    Diagnostic::warning("not-an-aws-document", self.span_of(raw), message)
                        .help("export without `--query` and with `--output json`"),
                );
            }
        }
        if empty {
            let span = nowhere(self.file);
            let message = format!("`{}` is empty", self.path);
            diagnostics.push(Diagnostic::warning("empty-file", span, message).help("did the `aws` command fail?"));
        }
        documents
    }

    /// The elements of a list; `null` is an empty one.
    pub(super) fn elements(
        &mut self,
        key: &str,
        raw: &'a RawValue,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<&'a RawValue> {
        self.read::<Option<Vec<&'a RawValue>>>(raw, &|| format!("`{key}`"), diagnostics).flatten().unwrap_or_default()
    }

    /// Reads one element; says what is wrong and with whom if it does not fit.
    pub(super) fn read<T: Deserialize<'a>>(
        &mut self,
        raw: &'a RawValue,
        who: &dyn Fn() -> String,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        match serde_json::from_str(raw.get()) {
            Ok(value) => Some(value),
            Err(error) => {
                let at = self.offset_in(self.offset_of(raw), raw.get(), &error);
                diagnostics.push(Diagnostic::error("json-shape", self.span(at), self.sentence(&who(), &error)));
                None
            }
        }
    }

    /// An item for `value`, read from `raw`.
    pub(super) fn item<T>(&mut self, value: T, raw: &RawValue) -> Item<T> {
        Item { value, span: self.span_of(raw), place: Rc::clone(&self.place) }
    }

    /// Where `raw` begins.
    pub(super) fn span_of(&mut self, raw: &RawValue) -> Span {
        self.span(self.offset_of(raw))
    }

    fn offset_of(&self, raw: &RawValue) -> usize {
        (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    /// Byte offset in the file of an error in `part`, which begins at `start`.
    fn offset_in(&self, start: usize, part: &str, error: &serde_json::Error) -> usize {
        let line_start = part
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum::<usize>()
            .min(part.len());
        (start + line_start + error.column().saturating_sub(1)).min(self.text.len())
    }

    fn span(&mut self, offset: usize) -> Span {
        if self.secret {
            return nowhere(self.file);
        }
        if offset < self.seen.offset {
            self.seen = Position { offset: 0, line: 1, column: 1 };
        }
        self.seen = after(self.text.as_bytes(), self.seen, offset);
        span(self.file, self.seen)
    }

    fn sentence(&self, who: &str, error: &serde_json::Error) -> String {
        let what = without_value(&error.to_string());
        if who.is_empty() { format!("`{}`: {what}", self.path) } else { format!("`{}`, {who}: {what}", self.path) }
    }
}

/// The file, without a line to print.
fn nowhere(file: FileIx) -> Span {
    Span { file, ..Span::NONE }
}

fn span(file: FileIx, at: Position) -> Span {
    Span { file, line: at.line, column: at.column, len: 1 }
}

/// The position at byte `offset`, counted on from `from`. Columns are characters.
fn after(bytes: &[u8], from: Position, offset: usize) -> Position {
    let mut at = from;
    for byte in bytes.get(from.offset..offset).unwrap_or_default() {
        if *byte == b'\n' {
            (at.line, at.column) = (at.line.saturating_add(1), 1);
        } else if byte & 0xc0 != 0x80 {
            at.column = at.column.saturating_add(1);
        }
    }
    at.offset = offset;
    at
}

/// serde's sentence without its place and without the value it met, which may be a secret.
fn without_value(sentence: &str) -> String {
    let sentence = sentence.rfind(" at line ").map_or(sentence, |at| &sentence[..at]);
    for (start, met) in [
        ("invalid type: string ", "a string"),
        ("invalid value: string ", "another string"),
        ("invalid type: integer ", "an integer"),
        ("invalid value: integer ", "an integer out of range"),
        ("invalid type: floating point ", "a fraction"),
        ("invalid type: boolean ", "true or false"),
        ("invalid type: map", "an object"),
        ("invalid type: sequence", "a list"),
        ("invalid type: null", "null"),
    ] {
        if sentence.starts_with(start) {
            let expected = sentence.rfind(", expected ").map_or("something else", |at| &sentence[at + 11..]);
            let expected = if expected.starts_with("struct ") { "an object" } else { expected };
            return format!("expected {expected}, found {met}");
        }
    }
    sentence.to_owned()
}

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Keys<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Keys(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A list that may be `null`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
impl<T> std::ops::Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}
impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Vec<T>>::deserialize(deserializer).map(|list| Self(list.unwrap_or_default()))
    }
}

/// A string that means a `T`; `null` and the empty string mean nothing.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// A string that may be absent.
pub(super) type Text = Maybe<String>;

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}
impl Maybe<String> {
    /// The text, empty if absent.
    pub(super) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}
impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<Cow<'de, str>> = Option::deserialize(deserializer)?;
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        text.parse().map(|value| Self(Some(value))).map_err(|error: T::Err| {
            let error = error.to_string();
            D::Error::custom(if error.contains(&*text) { error } else { format!("`{text}`: {error}") })
        })
    }
}

/// Tags. Two lists of tags always count as equal: an account that shares a resource sees other tags than its owner.
#[derive(Clone, Default, Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Tags(List<Tag>);

#[derive(Clone, Default, Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    #[serde(alias = "key")]
    key: Text,
    #[serde(alias = "value")]
    value: Text,
}

impl PartialEq for Tags {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Tags {
    /// The `Name` tag, if it says more than `id`.
    pub(super) fn name(&self, id: &str) -> Option<String> {
        let name = self.0.iter().find(|tag| tag.key.text() == "Name")?.value.0.clone()?;
        (name != id).then_some(name)
    }
    /// The others.
    pub(super) fn others(&self) -> crate::spec::Tags {
        let others = self.0.iter().filter(|tag| tag.key.text() != "Name");
        let pair = |tag: &Tag| Some((tag.key.0.clone()?, tag.value.0.clone().unwrap_or_default()));
        crate::spec::Tags(others.filter_map(pair).collect())
    }
}
