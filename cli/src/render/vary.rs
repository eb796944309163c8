//! What the asker decides, source port and zones, where it makes a difference: as text and as JSON.

use crate::network::Loaded;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{Case, Ends, Variations, ZonesCommon};

/// Cases that the text shows of each row that stops them; of more, the number is said.
const SHOWN_MAX: usize = 2;

/// The lines of an answer; none if it makes no difference.
pub(crate) fn text(network: &Network, v: &Variations) -> String {
    let mut out = String::new();
    if v.depends_on_port() {
        let (bad, all) = v.failing_ports();
        let _ = writeln!(out, "  by port      {bad} of {all} source ports fail");
        failing(&mut out, network, &v.ports, |ports| ports.to_string());
    }
    if !v.zones.is_empty() {
        let bad = v.zones.iter().filter(|c| !c.works()).count();
        let common = v.zones_common(&network.fabric).map_or_else(String::new, |c| format!(": {}", common(network, &c)));
        let _ = writeln!(out, "  by zone      {bad} of {} fail{common}", v.zones.len());
        failing(&mut out, network, &v.zones, |ends| ends_text(network, *ends));
    }
    out
}

/// The cases that fail, by the row that stops them.
fn failing<T>(out: &mut String, network: &Network, cases: &[Case<T>], case: impl Fn(&T) -> String) {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for c in cases.iter().filter(|c| !c.works()) {
        let row = c.decided_by.map_or_else(
            || "the reply comes from another address".to_owned(),
            |(part, row)| format!("{}, on the {}", network.names.row_text(&network.fabric, row), part.word()),
        );
        rows.entry(row).or_default().push(case(&c.case));
    }
    for (row, cases) in rows {
        let more = match cases.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(out, "               {}{more}: {row}", cases[..cases.len().min(SHOWN_MAX)].join(", "));
    }
}

fn zone(network: &Network, eni: EniIx) -> &str {
    let (fabric, names) = (&network.fabric, &network.names);
    &names.zones[fabric.subnets[fabric.enis[eni].subnet].zone as usize]
}

fn end(network: &Network, eni: EniIx) -> String {
    format!("{} in {}", network.names.eni_text(&network.fabric, eni), zone(network, eni))
}

fn ends_text(network: &Network, ends: Ends) -> String {
    match (ends.from, ends.to) {
        (Some(from), Some(to)) => format!("{} -> {}", end(network, from), end(network, to)),
        (Some(from), None) => end(network, from),
        (None, Some(to)) => format!("-> {}", end(network, to)),
        (None, None) => String::new(),
    }
}

fn common(network: &Network, common: &ZonesCommon) -> String {
    let zones = |zones: &BTreeSet<u32>| {
        zones.iter().map(|zone| network.names.zones[*zone as usize].clone()).collect::<Vec<_>>().join(" or ")
    };
    match common {
        ZonesCommon::Sender(all) => format!("all with the sender in {}", zones(all)),
        ZonesCommon::Receiver(all) => format!("all with the receiver in {}", zones(all)),
        ZonesCommon::Different => "all with sender and receiver in different zones".to_owned(),
        ZonesCommon::Same => "all with sender and receiver in one zone".to_owned(),
    }
}

/// For programs; null if it makes no difference.
pub(crate) fn json(loaded: &Loaded, v: &Variations) -> Value {
    let network = &loaded.network;
    let decided = |by: Option<(vpcsim_engine::explain::Part, vpcsim_engine::verdict::RowIx)>| {
        by.map(|(part, row)| {
            let mut facts = super::explanation_json::row_facts(loaded, row);
            facts["on"] = part.word().into();
            facts
        })
    };
    let place = |eni: Option<EniIx>| {
        eni.map(|eni| json!({ "network_interface": network.names.enis[eni].id, "zone": zone(network, eni) }))
    };
    let ports: Vec<Value> = v
        .ports
        .iter()
        .map(|c| {
            json!({ "ports": [c.case.from, c.case.to], "result": c.outcome.word(), "decided_by": decided(c.decided_by) })
        })
        .collect();
    let zones: Vec<Value> = v
        .zones
        .iter()
        .map(|c| {
            json!({
                "from": place(c.case.from), "to": place(c.case.to), "result": c.outcome.word(),
                "decided_by": decided(c.decided_by),
            })
        })
        .collect();
    json!({
        "source_ports": v.depends_on_port().then_some(ports),
        "zones": (!zones.is_empty()).then_some(zones),
        "zones_fail_when": v.zones_common(&network.fabric).map(|c| common(network, &c)),
    })
}
