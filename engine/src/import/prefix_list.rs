//! Prefix lists: `describe-prefix-lists` (with blocks), `describe-managed-prefix-lists` (without) and
//! `get-managed-prefix-list-entries`, whose answer does not say which list it is of: the file's name
//! (`....pl-0123.json`) or a `PrefixListId` beside `Entries` does.
//!
//! A list whose blocks are not in the export is not an empty list; it is written as not modelled.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Text};
use crate::base::Cidr;
use crate::spec::{Name, Spanned};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PrefixList {
    prefix_list_id: Text,
    prefix_list_name: Text,
    prefix_list_arn: Text,
    max_entries: Option<u32>,
    state: Text,
    cidrs: Option<List<Maybe<Cidr>>>,
    entries: Option<List<Entry>>,
}

/// One entry of a managed list.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Entry {
    cidr: Maybe<Cidr>,
}

impl Resource for PrefixList {
    const KIND: &'static str = "prefix list";
    const ID: &'static str = "PrefixListId";
    fn id(&self) -> &str {
        self.prefix_list_id.text()
    }
}

impl PrefixList {
    /// The entries of list `id`, from a file of their own.
    pub(super) fn of_entries(id: &str, entries: Vec<Entry>) -> Self {
        Self { prefix_list_id: Maybe(Some(id.to_owned())), entries: Some(List(entries)), ..Default::default() }
    }

    fn blocks(&self) -> Option<BTreeSet<Cidr>> {
        let cidrs = self.cidrs.iter().flat_map(|list| list.iter()).filter_map(|c| c.0);
        let entries = self.entries.iter().flat_map(|list| list.iter()).filter_map(|e| e.cidr.0);
        (self.cidrs.is_some() || self.entries.is_some()).then(|| cidrs.chain(entries).collect())
    }
}

/// Writes the lists: one of each id, put together from all that is said of it.
pub(super) fn build(lists: Vec<Item<PrefixList>>, out: &mut Out) {
    let mut by_id: BTreeMap<String, Vec<Item<PrefixList>>> = BTreeMap::new();
    for list in lists {
        by_id.entry(list.value.id().to_owned()).or_default().push(list);
    }
    for (id, parts) in by_id {
        if let Some(gone) = parts.iter().find(|p| p.value.state.text().starts_with("delete")) {
            out.deleted(&id, gone.value.state.text());
            continue;
        }
        let name = parts.iter().find_map(|p| p.value.prefix_list_name.0.clone()).filter(|name| *name != id);
        let mut known = parts.iter().filter_map(|p| Some((p.value.blocks()?, p.span)));
        let Some((blocks, span)) = known.next() else {
            out.not_modelled(&id, "prefix list whose entries the export lacks", None, name);
            continue;
        };
        for (other, at) in known.filter(|(other, _)| *other != blocks) {
            out.differs(&id, "prefix list", at, span);
            drop(other);
        }
        let built = crate::spec::PrefixList {
            entries: blocks.into_iter().map(|c| Spanned::new(c, span)).collect(),
            max_entries: parts.iter().find_map(|p| p.value.max_entries),
            name_tag: name,
        };
        out.spec.prefix_lists.insert(Name::new(id, span), built);
    }
}
