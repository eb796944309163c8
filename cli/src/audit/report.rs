//! What an audit found, by deciding row.

use crate::args::AuditArgs;
use crate::network::Loaded;
use crate::render::explanation::place;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use vpcsim_engine::analyse::audit::{Audit, Finding, Judgement, Place};
use vpcsim_engine::verdict::{Dir, RowIx, code_of};

/// Everything there is to say.
pub(super) struct All<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) files: &'a [PathBuf],
    pub(super) audit: &'a Audit<'a>,
    pub(super) findings: &'a [Finding],
    pub(super) bad: u64,
}

/// Flows with one judgement, by row; the row with the most flows first.
fn by_row(all: &All<'_>, keep: impl Fn(&Finding) -> bool) -> Vec<(RowIx, Vec<Finding>)> {
    let mut rows: BTreeMap<RowIx, Vec<Finding>> = BTreeMap::new();
    for finding in all.findings.iter().filter(|f| keep(f)) {
        rows.entry(finding.by).or_default().push(*finding);
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(by, flows)| (std::cmp::Reverse(flows.len()), *by));
    rows
}

/// The groups of the report: what they are called for people and for programs, and which flows they hold.
const GROUPS: [(&str, &str, Judgement, bool); 5] = [
    ("AWS accepted it, the model denies it", "accepted_but_denied", Judgement::Denied, true),
    ("AWS rejected it, the model allows it", "rejected_but_allowed", Judgement::Allowed, true),
    ("AWS saw it here, the model stops it before", "seen_but_stopped", Judgement::Stopped, true),
    ("rejected by both", "rejected", Judgement::Agrees, false),
    ("rejected after the connection's end, not judged", "late", Judgement::Late, false),
];

fn in_group(f: &Finding, judgement: Judgement) -> bool {
    f.judgement == judgement && (judgement != Judgement::Agrees || !f.accepted)
}

pub(super) fn text(all: &All<'_>, args: &AuditArgs) -> String {
    let (network, mut out) = (&all.loaded.network, String::new());
    let agree = all.findings.iter().filter(|f| f.judgement == Judgement::Agrees).count();
    let late = all.findings.iter().filter(|f| f.judgement == Judgement::Late).count();
    let differ = all.findings.len() - agree - late;
    let _ = writeln!(
        out,
        "{} records, {} distinct flows: {agree} agree, {differ} differ",
        all.audit.records,
        all.findings.len()
    );
    for (title, _, judgement, differs) in GROUPS {
        let rows = by_row(all, |f| in_group(f, judgement));
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        for (by, flows) in rows {
            let packets: u64 = flows.iter().map(|f| f.seen.packets).sum();
            let row = network.names.row_text(&network.fabric, by);
            let code = code_of(network.fabric.rows[by]);
            let _ = writeln!(out, "  {row}  {code}");
            let _ = writeln!(out, "    {} flows, {packets} packets", flows.len());
            for flow in flows.iter().take(args.examples) {
                let _ = writeln!(out, "    {}", example(all, flow));
            }
            if differs && flows.len() > args.examples {
                let _ = writeln!(out, "    ... and {} more", flows.len() - args.examples);
            }
        }
    }
    let unknown = &all.audit.unjudged.unknown;
    if !unknown.is_empty() {
        let _ = writeln!(out, "\ninterfaces that the topology lacks");
        for (id, (records, first)) in unknown {
            let _ = writeln!(out, "  {id}: {records} records, first at {}", at(all, *first));
        }
    }
    let u = &all.audit.unjudged;
    let _ = writeln!(
        out,
        "\nnot judged: {} without a flow, {} without an action, an interface or addresses, {} unreadable",
        u.empty, u.incomplete, all.bad
    );
    out
}

fn at(all: &All<'_>, place: Place) -> String {
    format!("{}:{}", all.files[place.file as usize].display(), place.line)
}

fn ends(f: &Finding) -> (String, String) {
    let socket = |address: std::net::IpAddr, port: u16| match (f.talk.protocol.has_ports(), address.is_ipv6()) {
        (true, true) => format!("[{address}]:{port}"),
        (true, false) => format!("{address}:{port}"),
        (false, _) => address.to_string(),
    };
    let (local, remote) = (socket(f.talk.local, f.talk.local_port), socket(f.talk.remote, f.talk.remote_port));
    if f.dir == Dir::Out { (local, remote) } else { (remote, local) }
}

fn example(all: &All<'_>, f: &Finding) -> String {
    let ((from, to), network) = (ends(f), &all.loaded.network);
    let id = &network.names.enis[f.talk.eni].id;
    let way = if f.dir == Dir::In { "in" } else { "out" };
    format!("{id} {way}  {from} -> {to} {}  {}", f.talk.protocol, at(all, f.seen.place))
}

pub(super) fn json(all: &All<'_>, args: &AuditArgs) -> String {
    let network = &all.loaded.network;
    let groups: serde_json::Map<String, serde_json::Value> = GROUPS
        .iter()
        .map(|(_, key, judgement, _)| {
            let rows: Vec<_> = by_row(all, |f| in_group(f, *judgement))
                .iter()
                .map(|(by, flows)| {
                    let named: Vec<_> = flows.iter().take(args.examples).map(|f| flow(all, f)).collect();
                    serde_json::json!({
                        "row": network.names.row_text(&network.fabric, *by), "place": place(network, *by),
                        "code": code_of(network.fabric.rows[*by]), "flows": flows.len(),
                        "packets": flows.iter().map(|f| f.seen.packets).sum::<u64>(), "examples": named,
                    })
                })
                .collect();
            ((*key).to_owned(), rows.into())
        })
        .collect();
    let u = &all.audit.unjudged;
    let unknown: Vec<_> = u
        .unknown
        .iter()
        .map(|(id, (records, first))| serde_json::json!({ "interface": id, "records": records, "first": at(all, *first) }))
        .collect();
    let agree = all.findings.iter().filter(|f| f.judgement == Judgement::Agrees).count();
    let value = serde_json::json!({
        "format_version": 1, "records": all.audit.records, "flows": all.findings.len(), "agree": agree,
        "groups": groups, "unknown_interfaces": unknown,
        "not_judged": { "without_flow": u.empty, "incomplete": u.incomplete, "unreadable": all.bad },
    });
    format!("{value:#}\n")
}

fn flow(all: &All<'_>, f: &Finding) -> serde_json::Value {
    let (from, to) = ends(f);
    serde_json::json!({
        "interface": all.loaded.network.names.enis[f.talk.eni].id,
        "direction": if f.dir == Dir::In { "ingress" } else { "egress" }, "from": from, "to": to,
        "protocol": f.talk.protocol.0, "action": if f.accepted { "ACCEPT" } else { "REJECT" },
        "records": f.seen.records, "packets": f.seen.packets, "first": at(all, f.seen.place),
    })
}
