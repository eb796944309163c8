//! Builds a [`Tree`] from the events of the YAML parser.
//!
//! Invariants: nothing recurses; the limits are checked before memory is taken; a mistake after which
//! the tree still makes sense (a key twice, a tag) is reported and does not stop the building.

use super::node::{DEPTH_MAX, Entry, Kind, NODES_MAX, Node, Tree, shown};
use super::syntax;
use crate::diag::{Diagnostic, FileIx, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Mark, Tag};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Builds the tree of `text`. Mistakes that leave a tree to look at are pushed on `diagnostics`;
/// the others come back as the error.
pub(crate) fn build<'s>(
    file: FileIx,
    text: &'s str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    let mut builder = Builder {
        file,
        source: text,
        nodes: Vec::new(),
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        total: 0,
        diagnostics,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, mark) = event.map_err(|e| Box::new(syntax::error(file, text, &e)))?;
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Err(Box::new(
                    Diagnostic::error(
                        "several-documents",
                        builder.place(mark),
                        "the file holds more than one document",
                    )
                    .help("write one topology or scenario per file, without a second `---`"),
                ));
            }
        }
        builder.event(event, mark)?;
    }
    let Some(root) = builder.root.filter(|root| !matches!(builder.nodes[*root as usize].kind, Kind::Empty)) else {
        return Err(Box::new(
            Diagnostic::error("empty-document", Span { file, line: 1, column: 1, len: 1 }, "the file says nothing")
                .help("start with a key such as `vpcs:` (a topology) or `steps:` (a scenario)"),
        ));
    };
    Ok(Tree { nodes: builder.nodes, root })
}

/// The keys at the top of `text` as far as it can be read, or nothing if it is no map. No tree is built.
pub(crate) fn top_keys(text: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    let (mut depth, mut is_map, mut is_key) = (0_usize, false, true);
    for event in Parser::new_from_str(text) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                is_map |= depth == 0 && matches!(event, Event::MappingStart(..));
                depth += 1;
                if depth > DEPTH_MAX {
                    break;
                }
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::Scalar(text, ..) if depth == 1 && is_map && is_key => keys.push(text.into_owned()),
            Event::Scalar(..) | Event::Alias(_) => {}
            _ => continue,
        }
        // A key or a value has ended.
        if depth == 1 {
            is_key = !is_key;
        }
    }
    is_map.then_some(keys)
}

/// A list or map that has begun and not ended.
struct Frame<'s> {
    mark: Mark,
    anchor: usize,
    size: u64,
    height: usize,
    items: Items<'s>,
}

enum Items<'s> {
    Seq(Vec<u32>),
    Map { entries: Vec<Entry<'s>>, key: Option<u32> },
}

struct Builder<'s, 'd> {
    file: FileIx,
    source: &'s str,
    nodes: Vec<Node<'s>>,
    stack: Vec<Frame<'s>>,
    anchors: BTreeMap<usize, u32>,
    root: Option<u32>,
    total: u64,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'s> Builder<'s, '_> {
    /// The place of a mark, on its first line only.
    fn place(&self, mark: Mark) -> Span {
        let len =
            if mark.end.line() == mark.start.line() { mark.end.col().saturating_sub(mark.start.col()) } else { 1 };
        syntax::span(self.file, mark.start.line(), mark.start.col(), len)
    }

    /// True for the text that the parser makes up where nothing is written: it is not in the source.
    #[allow(clippy::ptr_arg)] // what the parser makes up is borrowed, what it read may be owned
    fn is_left_out(&self, text: &Cow<'s, str>) -> bool {
        matches!(text, Cow::Borrowed("" | "~")) && !self.source.as_bytes().as_ptr_range().contains(&text.as_ptr())
    }

    fn event(&mut self, event: Event<'s>, mark: Mark) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag = self.tag(tag.as_deref(), mark);
                let plain = style == ScalarStyle::Plain && !text_tag;
                let empty = plain && self.is_left_out(&text);
                let kind = if empty { Kind::Empty } else { Kind::Scalar { text, plain } };
                let span = self.place(mark);
                let ix = self.push(Node { span, size: 1, height: 0, kind }, anchor)?;
                self.add(ix, 1, mark)
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), mark);
                self.open(mark, anchor, Items::Seq(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), mark);
                self.open(mark, anchor, Items::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(mark),
            Event::Alias(anchor) => {
                let Some(&ix) = self.anchors.get(&anchor) else {
                    return Err(Box::new(
                        Diagnostic::error(
                            "alias",
                            self.place(mark),
                            "this alias stands inside the value that it names",
                        )
                        .help("a value cannot contain itself: write it out"),
                    ));
                };
                let size = self.nodes[ix as usize].size;
                self.count(size, mark)?;
                self.add(ix, size, mark)
            }
            _ => Ok(()),
        }
    }

    /// Refuses tags other than YAML's own; true for `!!str`.
    fn tag(&mut self, tag: Option<&Tag>, mark: Mark) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema() {
            return tag.suffix == "str";
        }
        let span = self.place(mark);
        self.diagnostics.push(
            Diagnostic::error("tag", span, format!("tags mean nothing here, found `{tag}`"))
                .help("write the value itself; a CloudFormation template is not a topology"),
        );
        false
    }

    fn open(&mut self, mark: Mark, anchor: usize, items: Items<'s>) -> Result<(), Box<Diagnostic>> {
        self.check_depth(1, mark)?;
        self.stack.push(Frame { mark, anchor, size: 1, height: 1, items });
        Ok(())
    }

    fn check_depth(&self, height: usize, mark: Mark) -> Result<(), Box<Diagnostic>> {
        if self.stack.len() + height <= DEPTH_MAX {
            return Ok(());
        }
        let message = format!("lists and maps are nested more than {DEPTH_MAX} levels deep");
        Err(Box::new(
            Diagnostic::error("too-deep", self.place(mark), message)
                .help("no topology needs more than ten: look for a bracket or an indentation too many"),
        ))
    }

    fn count(&mut self, more: u64, mark: Mark) -> Result<(), Box<Diagnostic>> {
        self.total = self.total.saturating_add(more);
        if self.total <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file holds more than {NODES_MAX} keys and values, those that aliases copy included");
        Err(Box::new(
            Diagnostic::error("too-many-values", self.place(mark), message).help("split the network into files"),
        ))
    }

    fn push(&mut self, node: Node<'s>, anchor: usize) -> Result<u32, Box<Diagnostic>> {
        self.total += 1;
        let ix = self.nodes.len() as u32; // below NODES_MAX, see `count`
        if self.total > NODES_MAX {
            let message = format!("the file holds more than {NODES_MAX} keys and values");
            return Err(Box::new(
                Diagnostic::error("too-many-values", node.span, message).help("split the network into files"),
            ));
        }
        self.nodes.push(node);
        if anchor != 0 {
            self.anchors.insert(anchor, ix);
        }
        Ok(ix)
    }

    /// Puts a finished value into the list or map around it.
    fn add(&mut self, ix: u32, size: u64, mark: Mark) -> Result<(), Box<Diagnostic>> {
        let height = self.nodes[ix as usize].height;
        self.check_depth(height, mark)?;
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(ix);
            return Ok(());
        };
        frame.size = frame.size.saturating_add(size);
        frame.height = frame.height.max(height + 1);
        match &mut frame.items {
            Items::Seq(items) => items.push(ix),
            Items::Map { key: slot @ None, .. } => *slot = Some(ix),
            Items::Map { entries, key } => {
                let Some(key) = key.take() else { return Ok(()) };
                let node = &self.nodes[key as usize];
                let Kind::Scalar { text, plain } = &node.kind else {
                    self.diagnostics.push(
                        Diagnostic::error("bad-key", node.span, "a key must be text")
                            .help("put quotes around a key that starts with `{`, `[`, `*`, `&`, `!` or `?`"),
                    );
                    return Ok(());
                };
                // A value that was left out has no place of its own: the key's will do.
                let key_span = node.span;
                entries.push(Entry { merge: *plain && text == "<<", key: text.clone(), key_span, value: ix });
                if matches!(self.nodes[ix as usize].kind, Kind::Empty) {
                    self.nodes[ix as usize].span = key_span;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, end: Mark) -> Result<(), Box<Diagnostic>> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let mark = frame.mark;
        let mut size = frame.size;
        let flow = !end.is_empty();
        let mut span = self.place(if flow { Mark::new(mark.start, end.end) } else { mark });
        let kind = match frame.items {
            Items::Seq(items) => Kind::Seq(items),
            Items::Map { mut entries, .. } => {
                if let Some(first) = entries.first().filter(|_| !flow) {
                    span = first.key_span;
                }
                self.refuse_duplicates(&mut entries);
                let (entries, merged) = self.merge(entries, mark)?;
                size = size.saturating_add(merged);
                Kind::Map(entries)
            }
        };
        let ix = self.push(Node { span, size, height: frame.height, kind }, frame.anchor)?;
        self.add(ix, size, mark)
    }

    /// Keeps the first of each key and reports the others.
    fn refuse_duplicates(&mut self, entries: &mut Vec<Entry<'s>>) {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].key.cmp(&entries[*b].key).then(a.cmp(b)));
        let mut doomed = BTreeSet::new();
        let mut first = 0;
        for pair in order.windows(2) {
            if entries[pair[0]].key != entries[pair[1]].key {
                first = pair[1];
                continue;
            }
            if doomed.is_empty() || !doomed.contains(&pair[0]) {
                first = pair[0];
            }
            doomed.insert(pair[1]);
            let (again, once) = (&entries[pair[1]], &entries[first]);
            self.diagnostics.push(
                Diagnostic::error(
                    "duplicate-key",
                    again.key_span,
                    format!("`{}` is written twice in this map", shown(&again.key)),
                )
                .note(once.key_span, "first written here")
                .help("keep one of them; a list of several values is written `[a, b]`"),
            );
        }
        let mut position = 0;
        entries.retain(|_| {
            position += 1;
            !doomed.contains(&(position - 1))
        });
    }

    /// Replaces `<<` by the entries of the maps it names, unless the map has the key itself.
    /// Also says how many nodes that copied.
    fn merge(&mut self, entries: Vec<Entry<'s>>, mark: Mark) -> Result<(Vec<Entry<'s>>, u64), Box<Diagnostic>> {
        let Some(at) = entries.iter().position(|e| e.merge) else { return Ok((entries, 0)) };
        let mut entries = entries;
        let merge = entries.remove(at);
        let sources = match &self.nodes[merge.value as usize].kind {
            Kind::Seq(items) => items.clone(),
            _ => vec![merge.value],
        };
        let mut known: BTreeSet<Cow<'s, str>> = entries.iter().map(|e| e.key.clone()).collect();
        let mut copied: u64 = 0;
        for source in sources {
            let Kind::Map(from) = &self.nodes[source as usize].kind else {
                self.diagnostics.push(
                    Diagnostic::error("merge", merge.key_span, "`<<` must name a map, or a list of maps")
                        .help("write `<<: *name`, with `&name` at the map that is to be merged"),
                );
                continue;
            };
            for entry in from {
                if known.insert(entry.key.clone()) {
                    copied = copied.saturating_add(1 + self.nodes[entry.value as usize].size);
                    entries.push(Entry {
                        key: entry.key.clone(),
                        key_span: entry.key_span,
                        value: entry.value,
                        merge: false,
                    });
                }
            }
        }
        self.count(copied, mark)?;
        Ok((entries, copied))
    }
}
