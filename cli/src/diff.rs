//! `vpcsim diff`: what differs between two networks.

use crate::args::{DiffArgs, Global, Output};
use crate::input::Source;
use crate::{Failure, Status, network, output, render};
use serde_json::{Value, json};
use std::fmt::Write;
use vpcsim_engine::analyse::diff::{self, Change, Cited, Difference, Flow, Resource, ResourceChange};
use vpcsim_engine::diag::Span;

/// Version of the JSON form. It changes when a program that reads it would have to.
const FORMAT_VERSION: u32 = 1;
/// Ends of a flow that the text names; of more, the number is said.
const NAMED_MAX: usize = 4;
/// Exit statuses of `--detailed-exitcode`: those below are taken.
const RESOURCES_ONLY: u8 = 5;
const GAINED_ONLY: u8 = 6;
const LOST: u8 = 7;

pub(crate) fn diff(args: &DiffArgs, global: &Global) -> Result<Status, Failure> {
    let old = network::load(&args.old, global)?;
    let new = network::load(&args.new, global)?;
    let difference = diff::diff((&old.spec, &old.network), (&new.spec, &new.network));
    let text = match args.output {
        Output::Text => text(&old.sources, &new.sources, &difference),
        Output::Json => json_text(&old.sources, &new.sources, &difference),
    };
    output::print(text.as_bytes())?;
    let (flows, resources) = (difference.flows.len(), difference.resources.len());
    Ok(match args.detailed_exitcode {
        _ if flows == 0 && resources == 0 => Status::Done,
        false => Status::Finding,
        true if flows == 0 => Status::Differs(RESOURCES_ONLY),
        true if difference.count(Change::Gained) == flows => Status::Differs(GAINED_ONLY),
        true => Status::Differs(LOST),
    })
}

fn place(sources: &[Source], span: Span) -> Option<String> {
    let source = sources.get(usize::from(span.file.0)).filter(|_| span.is_some())?;
    Some(format!("{}:{}:{}", source.name, span.line, span.column))
}

/// Where a row is written; if it is implied, where its resource is.
fn cited_place(sources: &[Source], cited: &Cited) -> Option<String> {
    place(sources, if cited.span.is_some() { cited.span } else { cited.resource_span })
}

fn text(old: &[Source], new: &[Source], difference: &Difference) -> String {
    let mut out = String::new();
    for resource in &difference.resources {
        resource_text(&mut out, resource_place(old, new, resource), resource);
    }
    if !difference.resources.is_empty() {
        out.push('\n');
    }
    for flow in &difference.flows {
        flow_text(&mut out, old, new, flow);
    }
    if !difference.flows.is_empty() {
        out.push('\n');
    }
    let number = |change| difference.count(change);
    let resources = match difference.resources.len() {
        1 => "1 resource differs".to_owned(),
        n => format!("{n} resources differ"),
    };
    let _ = writeln!(
        out,
        "{resources}; flows: {} gained, {} lost, {} changed",
        number(Change::Gained),
        number(Change::Lost),
        number(Change::Changed)
    );
    render::clean(&out)
}

/// Where a resource is written: in the new file, or in the old one if it is gone.
fn resource_place(old: &[Source], new: &[Source], resource: &Resource) -> Option<String> {
    place(if resource.change == ResourceChange::Removed { old } else { new }, resource.span)
}

fn resource_text(out: &mut String, at: Option<String>, resource: &Resource) {
    let sign = match resource.change {
        ResourceChange::Added => '+',
        ResourceChange::Removed => '-',
        ResourceChange::Changed => '~',
    };
    let at = at.map_or_else(String::new, |at| format!("  {at}"));
    let tag = resource.tag.as_ref().map_or_else(String::new, |tag| format!(" ({tag})"));
    let _ = writeln!(out, "{}{tag}{at}", format!("{sign} {} {}", resource.kind, resource.name).trim_end());
    for field in &resource.fields {
        for (sign, items) in [('-', &field.old), ('+', &field.new)] {
            for item in items {
                let _ = writeln!(out, "    {sign} {}: {item}", field.name);
            }
        }
    }
}

fn names(list: &[String]) -> String {
    let shown = list[..list.len().min(NAMED_MAX)].join(", ");
    match list.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn what(flow: &Flow) -> String {
    let ports = flow.ports.map_or_else(String::new, |ports| format!("/{ports}"));
    format!("{}{ports}{}", flow.protocol, if flow.v6 { " (IPv6)" } else { "" })
}

fn flow_text(out: &mut String, old: &[Source], new: &[Source], flow: &Flow) {
    let word = match flow.change {
        Change::Gained => "gained ",
        Change::Lost => "lost   ",
        Change::Changed => "changed",
    };
    let source = match flow.source_ports.as_slice() {
        [] => String::new(),
        ports => format!("  from ports {}", ports.iter().map(|p| format!("{p}+")).collect::<Vec<_>>().join(", ")),
    };
    let (from, to) = (names(&flow.from), names(&flow.to));
    let _ = writeln!(out, "{word}  {from} -> {to}  {}  {} -> {}{source}", what(flow), flow.old, flow.new);
    for (label, sources, cited) in [("was", old, &flow.cause.old), ("now", new, &flow.cause.new)] {
        let Some(cited) = cited else { continue };
        let at = cited_place(sources, cited).map_or_else(String::new, |at| format!("  {at}"));
        let _ = writeln!(out, "    {label}  {} (on the {}){at}", cited.text, cited.part.word());
    }
}

fn json_text(old: &[Source], new: &[Source], difference: &Difference) -> String {
    let resources: Vec<Value> = difference
        .resources
        .iter()
        .map(|resource| {
            let change = match resource.change {
                ResourceChange::Added => "added",
                ResourceChange::Removed => "removed",
                ResourceChange::Changed => "changed",
            };
            let values = |items: &[String]| -> Vec<Value> {
                items.iter().map(|item| serde_json::from_str(item).expect("it was written as JSON")).collect()
            };
            let field = |field: &diff::Field| json!({ "name": field.name, "old": values(&field.old), "new": values(&field.new) });
            let fields: Vec<Value> = resource.fields.iter().map(field).collect();
            json!({
                "kind": resource.kind, "name": resource.name, "tag": resource.tag, "change": change, "fields": fields,
                "place": resource_place(old, new, resource),
            })
        })
        .collect();
    let cited = |sources: &[Source], cited: &Option<Cited>| {
        cited
            .as_ref()
            .map(|c| json!({ "row": c.text, "code": c.code, "on": c.part.word(), "place": cited_place(sources, c) }))
    };
    let flows: Vec<Value> = difference
        .flows
        .iter()
        .map(|flow| {
            let change = match flow.change {
                Change::Gained => "gained",
                Change::Lost => "lost",
                Change::Changed => "changed",
            };
            json!({
                "change": change, "from": flow.from, "to": flow.to, "family": if flow.v6 { "ipv6" } else { "ipv4" },
                "protocol": flow.protocol.to_string(),
                "ports": flow.ports.map(|ports| json!([ports.from, ports.to])), "source_ports": flow.source_ports,
                "old": flow.old, "new": flow.new,
                "cause": { "old": cited(old, &flow.cause.old), "new": cited(new, &flow.cause.new) },
            })
        })
        .collect();
    let number = |change| difference.count(change);
    let document = json!({
        "format_version": FORMAT_VERSION,
        "gained": number(Change::Gained), "lost": number(Change::Lost), "changed": number(Change::Changed),
        "resources": resources, "flows": flows,
    });
    format!("{document:#}\n")
}
