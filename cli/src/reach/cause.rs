//! How to say an answer of `reach`: who, whom, by which row, where that is written.

use crate::network::Loaded;
use serde_json::{Value, json};
use vpcsim_engine::analyse::reach::{Cause, Example, Parties, Party, Reach};
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::verdict::{RowIx, code_of};

/// The word for whether packets pass.
pub(super) const fn word(reach: Reach) -> &'static str {
    match reach {
        Reach::Yes => "yes",
        Reach::No => "no",
        Reach::Unknown => "unknown",
        Reach::Depends => "depends",
    }
}

/// `file:line` of a row; of an implied one, of its resource.
pub(super) fn place(loaded: &Loaded, row: RowIx) -> Option<String> {
    let names = &loaded.network.names;
    let own = names.row_span(row);
    let span = if own.is_some() { own } else { names.row_resource_span(&loaded.network.fabric, row) };
    let source = loaded.sources.get(usize::from(span.file.0)).filter(|_| span.is_some())?;
    Some(format!("{}:{}", source.name, span.line))
}

/// What decides, in words.
pub(super) fn text(loaded: &Loaded, cause: Cause) -> String {
    let (names, fabric) = (&loaded.network.names, &loaded.network.fabric);
    match cause {
        Cause::Row(part, row) => {
            let place = place(loaded, row).map_or_else(String::new, |place| format!("  {place}"));
            let on = if part == vpcsim_engine::explain::Part::Reply { ", on the reply" } else { "" };
            format!("{}{on}{place}", names.row_text(fabric, row))
        }
        Cause::Elsewhere => "the reply does not come from the address that was asked".to_owned(),
        Cause::Other(eni) => format!("the address leads to {}", names.eni_text(fabric, eni)),
        Cause::NoAddress => "it has no address that the sender could write".to_owned(),
        Cause::Nothing => String::new(),
    }
}

/// What decides, for programs.
pub(super) fn json(loaded: &Loaded, cause: Cause) -> Value {
    match cause {
        Cause::Row(part, row) => json!({
            "row": loaded.network.names.row_text(&loaded.network.fabric, row), "on": part.word(),
            "code": code_of(loaded.network.fabric.rows[row]), "place": place(loaded, row),
        }),
        Cause::Nothing => Value::Null,
        other => {
            let code = match other {
                Cause::Elsewhere => Some("SIM_REPLY_FROM_ELSEWHERE"),
                Cause::NoAddress => Some("NO_SOURCE_OR_DESTINATION"),
                _ => None,
            };
            json!({ "row": text(loaded, other), "on": Value::Null, "code": code, "place": Value::Null })
        }
    }
}

fn end(parties: &Parties<'_>, (party, eni): (usize, Option<EniIx>)) -> String {
    let network = parties.network;
    match (eni, &parties.list[party]) {
        (Some(eni), _) => network.names.eni_text(&network.fabric, eni),
        (None, Party::Internet { part, .. }) => format!("internet ({})", part.address),
        (None, party) => parties.text(party),
    }
}

/// `web-1 -> db-1`, with the address if it is not the private one.
pub(super) fn pair(parties: &Parties<'_>, example: &Example) -> String {
    let network = parties.network;
    let by = example.answer.question.filter(|q| network.fabric.is_ours(q.to) && q.to.is_ipv4());
    let by = if by.is_some() && example.to.1.is_some() { " (by its public address)" } else { "" };
    format!("{} -> {}{by}", end(parties, example.from), end(parties, example.to))
}
