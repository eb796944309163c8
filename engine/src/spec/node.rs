//! A YAML or JSON document as a tree in which every key and value knows its place.
//!
//! Models what topology and scenario files need of YAML 1.2: scalars as the text that was written
//! (never a number: leading zeros survive), lists, maps with text keys, anchors, aliases and merge
//! keys (`<<`). Deliberately not: tags other than YAML's own, several documents in one file, keys that
//! are lists or maps.
//!
//! Invariants: the tree is an arena, so neither building, reading nor dropping it recurses; an alias
//! shares the node it names, and what it would copy is counted, so a "billion laughs" file costs
//! nothing; no input, however made, holds more than [`NODES_MAX`] nodes or [`DEPTH_MAX`] levels.

use crate::diag::Span;
use std::borrow::Cow;

/// Largest file, in bytes (64 MiB).
pub const BYTES_MAX: usize = 64 << 20;
/// Most levels of lists and maps inside each other, aliases followed.
pub const DEPTH_MAX: usize = 64;
/// Most keys and values of one file, those that aliases and merge keys copy included.
pub const NODES_MAX: u64 = 4_000_000;

/// A document.
pub(crate) struct Tree<'s> {
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) root: u32,
}

pub(super) struct Node<'s> {
    pub(super) span: Span,
    /// Nodes below and this one, aliases followed.
    pub(super) size: u64,
    /// Levels of lists and maps from here down; 0 for a scalar.
    pub(super) height: usize,
    pub(super) kind: Kind<'s>,
}

/// What a node is.
pub(crate) enum Kind<'s> {
    /// Nothing was written: `key:` and then the next line.
    Empty,
    /// Text. `plain` if it was written without quotes.
    Scalar { text: Cow<'s, str>, plain: bool },
    /// A list.
    Seq(Vec<u32>),
    /// A map, in file order, keys unique; what `<<` merged comes last.
    Map(Vec<Entry<'s>>),
}

/// A key and its value.
pub(crate) struct Entry<'s> {
    /// The key's text.
    pub(crate) key: Cow<'s, str>,
    /// Where the key is.
    pub(crate) key_span: Span,
    pub(super) value: u32,
    /// True for `<<` until it is merged.
    pub(super) merge: bool,
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t> {
    tree: &'t Tree<'t>,
    ix: u32,
}

impl<'s> Tree<'s> {
    /// The document's one value.
    pub(crate) fn root<'t>(&'t self) -> Value<'t>
    where
        's: 't,
    {
        Value { tree: self, ix: self.root }
    }
}

impl<'t> Value<'t> {
    /// What it is.
    pub(crate) fn kind(self) -> &'t Kind<'t> {
        &self.tree.nodes[self.ix as usize].kind
    }
    /// Where it is.
    pub(crate) fn span(self) -> Span {
        self.tree.nodes[self.ix as usize].span
    }
    /// The value of an entry of this tree.
    pub(crate) fn of(self, entry: &Entry<'_>) -> Self {
        Self { ix: entry.value, ..self }
    }
    /// An item of a list of this tree.
    pub(crate) fn item(self, ix: u32) -> Self {
        Self { ix, ..self }
    }
    /// True for `null` and `~` without quotes.
    pub(crate) fn is_null(self) -> bool {
        matches!(self.kind(), Kind::Scalar { text, plain: true } if matches!(&**text, "null" | "Null" | "NULL" | "~"))
    }
    /// The text, if it is a scalar other than null.
    pub(crate) fn text(self) -> Option<&'t str> {
        match self.kind() {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }
    /// The text, if it was written without quotes and is not null.
    pub(crate) fn plain(self) -> Option<&'t str> {
        match self.kind() {
            Kind::Scalar { text, plain: true } if !self.is_null() => Some(text),
            _ => None,
        }
    }
    /// What it is, in words for people.
    pub(crate) fn describe(self) -> String {
        match self.kind() {
            Kind::Empty => "nothing".into(),
            Kind::Scalar { .. } if self.is_null() => "null".into(),
            Kind::Scalar { text, plain } => {
                let quote = if *plain { "" } else { "\"" };
                let mut shown: String = text.chars().take(40).collect();
                if shown.len() < text.len() {
                    shown.push_str("...");
                }
                format!("`{quote}{shown}{quote}`")
            }
            Kind::Seq(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
        }
    }
}

/// At most 60 characters of `text`.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}...", &text[..at])),
    }
}
