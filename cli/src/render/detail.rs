//! What an answer tells beside its verdict: the nearest rule that missed, routes that another beat, headers where they change,
//! the size of packets.

use super::explanation::{More, written_at};
use crate::network::Loaded;
use serde_json::{Value, json};
use std::fmt::Write;
use vpcsim_engine::explain::{Beaten, Explanation, Lost, Near, Part, beaten_routes, nearest_rule};
use vpcsim_engine::verdict::{RowKind, Step};
use vpcsim_engine::wire::Headers;

/// The lines of an answer.
pub(super) fn text(loaded: &Loaded, e: &Explanation, more: &More) -> String {
    let network = &loaded.network;
    let (names, fabric) = (&network.names, &network.fabric);
    let mut out = String::new();
    for (_, near) in near(loaded, e) {
        let fields: Vec<&str> = near.fields.iter().map(|field| field.text()).collect();
        let _ = writeln!(
            out,
            "  nearest rule {}, differs in {}{}",
            names.row_text(fabric, near.row),
            fields.join(" and "),
            written_at(loaded, near.row)
        );
    }
    for beaten in beaten_routes(network, e) {
        // On a way that works every table has some; where one drops they are the next thing to look at.
        let drops = e.decided_by.is_some_and(|(part, by)| (part, by) == (beaten.part, beaten.by));
        // Where a packet is dropped further on, the table that sent it that way is.
        let local = names.rows.get(beaten.by).is_some_and(|row| row.says == "local");
        let on_the_way = !local && e.decided_by.is_some_and(|(part, _)| part == beaten.part) && !e.outcome.passes();
        if !(drops || (on_the_way || more.verbose) && beaten.why != Lost::Block) {
            continue;
        }
        let _ = writeln!(
            out,
            "  not taken    {}: {}{}",
            names.row_text(fabric, beaten.row),
            why(&beaten),
            written_at(loaded, beaten.row)
        );
    }
    if let Some(size) = more.size.filter(|size| size.stopped_by.is_some() || more.verbose) {
        let by = size.stopped_by.map_or_else(String::new, |by| {
            let told = match size.untold_by {
                _ if size.told => "and the sender is told".to_owned(),
                Some(by) => format!("and the ICMP message that says so is dropped: {}", names.row_text(fabric, by)),
                None => "and the sender is not told".to_owned(),
            };
            format!(" of {}: {}; {told}", size.sent, names.row_text(fabric, by))
        });
        let whose = if size.part == Part::Reply { ", on the reply" } else { "" };
        let _ = writeln!(out, "  packet size  up to {} bytes{by}{whose}", size.largest);
    }
    if more.verbose {
        passes(&mut out, loaded, e);
        let legs = [(Part::Request, Some(&e.request)), (Part::Reply, e.reply.as_ref())];
        for (part, leg) in legs {
            for step in leg.into_iter().flat_map(|leg| &leg.steps).filter(|step| step.before != step.after) {
                let at = names.row_text(fabric, step.decision.by);
                let _ = writeln!(
                    out,
                    "  rewrites     {at}, on the {}: {} becomes {}",
                    part.word(),
                    header(&step.before),
                    header(&step.after)
                );
            }
        }
    }
    out
}

/// The rules that let the packet pass, where a filter was asked and not only remembered.
fn passes(out: &mut String, loaded: &Loaded, e: &Explanation) {
    let (names, fabric) = (&loaded.network.names, &loaded.network.fabric);
    let legs = [(Part::Request, Some(&e.request)), (Part::Reply, e.reply.as_ref())];
    for (part, leg) in legs {
        for step in leg.into_iter().flat_map(|leg| &leg.steps).filter(|step| step.decision.allow && !step.tracked) {
            let by = step.decision.by;
            if matches!(fabric.rows[by].kind, RowKind::AclRule | RowKind::SgRule) {
                let place = if names.row_is_implied(by) { String::new() } else { written_at(loaded, by) };
                let _ = writeln!(out, "  passes       {}, on the {}{place}", names.row_text(fabric, by), part.word());
            }
        }
    }
}

fn header(h: &Headers) -> String {
    let (src, dst) = h.ports();
    if h.protocol.has_ports() { format!("{}:{src} > {}:{dst}", h.src, h.dst) } else { format!("{} > {}", h.src, h.dst) }
}

fn why(beaten: &Beaten) -> &'static str {
    match beaten.why {
        Lost::LongerPrefix => "a longer prefix wins",
        Lost::Priority => "another route to this block has priority",
        Lost::Block => "its block does not hold the destination",
    }
}

/// The nearest rule for each filter that blocks.
fn near(loaded: &Loaded, e: &Explanation) -> Vec<(Step, Near)> {
    let rows = &loaded.network.fabric.rows;
    let filters =
        e.blockers.iter().map(|blocker| blocker.step).filter(|step| {
            matches!(rows[step.decision.by].kind, RowKind::AclRule | RowKind::AclLast | RowKind::SgLast)
        });
    filters.filter_map(|step| nearest_rule(&loaded.network, &step).map(|near| (step, near))).collect()
}

/// The same as JSON.
pub(super) fn near_json(loaded: &Loaded, e: &Explanation) -> Value {
    let all = near(loaded, e).into_iter().map(|(step, near)| {
        json!({
            "for": super::explanation_json::row_facts(loaded, step.decision.by),
            "rule": super::explanation_json::row_facts(loaded, near.row),
            "packet_fields": near.fields.iter().map(|field| field.word()).collect::<Vec<_>>(),
        })
    });
    all.collect()
}

/// Routes that did not take the packet, as JSON.
pub(super) fn beaten_json(loaded: &Loaded, e: &Explanation) -> Value {
    let all = beaten_routes(&loaded.network, e).into_iter().map(|beaten| {
        json!({
            "on": beaten.part.word(), "code": beaten.code(), "to": beaten.to.to_string(),
            "by": super::explanation_json::row_facts(loaded, beaten.by),
            "route": super::explanation_json::row_facts(loaded, beaten.row),
        })
    });
    all.collect()
}

/// The size as JSON.
pub(super) fn size_json(loaded: &Loaded, more: &More) -> Value {
    let Some(size) = more.size else { return Value::Null };
    json!({
        "on": size.part.word(), "largest": size.largest, "sent": size.sent, "told": size.told, "hangs": size.hangs(),
        "stopped_by": size.stopped_by.map(|by| super::explanation_json::row_facts(loaded, by)),
        "message_dropped_by": size.untold_by.map(|by| super::explanation_json::row_facts(loaded, by)),
    })
}
