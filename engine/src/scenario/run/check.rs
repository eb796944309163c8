//! Expectations against what happened.

use super::report::CheckResult;
use super::watch::Drop;
use crate::base::{Cidr, Nanos};
use crate::compile::Network;
use crate::load::Tally;
use crate::scenario::{
    CapturedExpectation, CounterExpectation, Direction, Expect, Leg, Outcome, ResourceKind, RuleLabel,
};
use crate::spec::Peer;
use crate::verdict::{Dir, code_of};
use std::net::IpAddr;

/// What a step came to, for its expectations.
pub(super) struct Happened<'a> {
    pub(super) outcome: Option<Outcome>,
    pub(super) elapsed: Option<Nanos>,
    pub(super) lasted: Nanos,
    pub(super) drop: Option<(Drop, &'a Network)>,
    pub(super) on: Option<Leg>,
    pub(super) way: Vec<String>,
    pub(super) hops: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) bytes: u64,
    pub(super) flows: Option<Tally>,
}

/// Every expectation of a step.
pub(super) fn step(expect: &Expect, h: &Happened<'_>) -> Vec<CheckResult> {
    let mut out = Vec::new();
    let mut check =
        |expected: String, met: bool, found: String| out.push(CheckResult { expected, found: (!met).then_some(found) });
    if let Some(want) = &expect.outcome {
        let found = h.outcome.map_or("nothing", Outcome::word);
        check(want.word().to_owned(), h.outcome == Some(want.value), found.to_owned());
    }
    let found_row = || {
        h.drop.map_or_else(
            || "nothing dropped".to_owned(),
            |(drop, network)| network.names.row_text(&network.fabric, drop.by),
        )
    };
    if let Some(want) = &expect.blocked_by {
        let met = h.drop.is_some_and(|(drop, network)| is_row(network, drop, want));
        check(format!("blocked by {}", blocked_text(want)), met, found_row());
    }
    if let Some(want) = &expect.code {
        let code = h.drop.map_or("", |(drop, network)| code_of(network.fabric.rows[drop.by]));
        check(
            format!("code {want}"),
            code == want.value,
            if code.is_empty() { "none".to_owned() } else { code.to_owned() },
        );
    }
    if let Some(want) = &expect.on {
        let word = |leg: Option<Leg>| match leg {
            Some(Leg::Request) => "request",
            Some(Leg::Reply) => "reply",
            None => "neither",
        };
        check(format!("on the {}", word(Some(want.value))), h.on == Some(want.value), word(h.on).to_owned());
    }
    if let Some(want) = &expect.latency_below {
        let found = h.elapsed.map_or_else(|| "no reply".to_owned(), |e| e.to_string());
        check(format!("latency below {}", want.value), h.elapsed.is_some_and(|e| e < want.value), found);
    }
    if let Some(want) = &expect.elapsed {
        let fits =
            want.at_least.is_none_or(|least| h.lasted >= least) && want.at_most.is_none_or(|most| h.lasted <= most);
        let least = want.at_least.map_or_else(String::new, |l| format!(" at least {l}"));
        let most = want.at_most.map_or_else(String::new, |m| format!(" at most {m}"));
        check(format!("elapsed{least}{most}"), fits, h.lasted.to_string());
    }
    if !expect.path.is_empty() {
        let want: Vec<&str> = expect.path.iter().map(|p| p.value.as_str()).collect();
        check(format!("path {}", want.join(" > ")), in_order(&want, &h.way), h.way.join(" > "));
    }
    if !expect.hops.is_empty() {
        let want: Vec<&str> = expect.hops.iter().map(|p| p.value.as_str()).collect();
        check(format!("hops {}", want.join(", ")), want == h.hops, h.hops.join(", "));
    }
    if let Some(want) = &expect.address {
        let found: Vec<String> = h.addresses.iter().map(ToString::to_string).collect();
        check(
            format!("address {want}"),
            h.addresses.contains(&want.value),
            if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        );
    }
    if let Some(want) = &expect.bytes {
        check(format!("{want} bytes"), h.bytes == want.value, h.bytes.to_string());
    }
    if let (Some(want), Some(t)) = (&expect.flows, &h.flows) {
        for (want, found, what) in [
            (want.started, t.started, "begun"),
            (want.completed, t.completed, "completed"),
            (want.refused, t.refused, "refused"),
            (want.no_answer, t.no_answer, "without an answer"),
            (want.hung, t.hung, "hung"),
            (want.reset, t.reset, "reset"),
            (want.unreachable, t.unreachable, "unreachable"),
        ] {
            if let Some(want) = want {
                check(format!("{want} flows {what}"), want == found, found.to_string());
            }
        }
    }
    out
}

/// True if the names occur in this order, others in between.
fn in_order(want: &[&str], found: &[String]) -> bool {
    let mut found = found.iter();
    want.iter().all(|name| found.any(|f| f == name))
}

fn blocked_text(want: &crate::scenario::BlockedBy) -> String {
    let mut out = format!("{} {}", want.kind.key(), want.name);
    match want.direction {
        Some(Direction::Inbound) => out.push_str(" inbound"),
        Some(Direction::Outbound) => out.push_str(" outbound"),
        None => {}
    }
    match want.rule.as_ref().map(|r| &r.value) {
        Some(RuleLabel::Implied) => out.push_str(" rule *"),
        Some(RuleLabel::Number(n)) => out.push_str(&format!(" rule {n}")),
        Some(RuleLabel::Text(t)) => out.push_str(&format!(" rule {t}")),
        None => {}
    }
    if let Some(route) = &want.route {
        match &route.value {
            Peer::Cidr(cidr) => out.push_str(&format!(" route {cidr}")),
            Peer::Name(name) => out.push_str(&format!(" route {name}")),
        }
    }
    out
}

/// True if the drop's row is the one that is meant.
fn is_row(network: &Network, drop: Drop, want: &crate::scenario::BlockedBy) -> bool {
    let (names, fabric) = (&network.names, &network.fabric);
    let row = fabric.rows[drop.by];
    let kind = names.row_resource_kind(fabric, drop.by);
    let called =
        |name: &str| names.row_resource_id(fabric, drop.by) == name || names.row_resource(fabric, drop.by) == name;
    let resource = match want.kind {
        // The default deny belongs to the interface: any of its groups may be named.
        ResourceKind::SecurityGroup if row.kind == crate::verdict::RowKind::SgLast => {
            let eni = crate::base::ids::EniIx(row.owner);
            let groups = &fabric.sg_sets[fabric.enis[eni].sg_set].groups;
            groups.iter().any(|sg| names.sgs[*sg].id == want.name.value || names.sgs[*sg].short() == want.name.value)
        }
        ResourceKind::BlockPublicAccess => row.kind == crate::verdict::RowKind::BlockPublicAccess,
        ResourceKind::InternetHost => kind == "internet",
        // The row of an instance's interface may be asked for by either name.
        ResourceKind::NetworkInterface | ResourceKind::Instance => {
            matches!(kind, "network_interface" | "instance") && called(&want.name)
        }
        other => kind == other.key() && called(&want.name),
    };
    let direction = want
        .direction
        .is_none_or(|d| matches!((d, row.dir), (Direction::Inbound, Dir::In) | (Direction::Outbound, Dir::Out)));
    let name = names.row_name(fabric, drop.by);
    let rule = want.rule.as_ref().is_none_or(|rule| match &rule.value {
        RuleLabel::Implied => names.row_is_implied(drop.by),
        RuleLabel::Number(n) => name == n.to_string(),
        RuleLabel::Text(text) => name == text,
    });
    let route = want.route.as_ref().is_none_or(|route| match &route.value {
        Peer::Cidr(cidr) => name.parse::<Cidr>().is_ok_and(|c| c == *cidr),
        Peer::Name(text) => name == text,
    });
    resource && direction && rule && route
}

/// A counter's value.
pub(super) fn counter(want: &CounterExpectation, counters: &[(String, u64)]) -> CheckResult {
    let value = counters.iter().find(|(name, _)| *name == want.name.value).map_or(0, |(_, value)| *value);
    bounds(format!("counter {}", want.name), value, (want.equals, want.at_least, want.at_most))
}

pub(super) fn captured(want: &CapturedExpectation, seen: u64) -> CheckResult {
    let side = want.side.map_or_else(String::new, |side| format!(" {}", side.value.word()));
    let filter = want.filter.as_ref().map_or_else(String::new, |filter| format!(", {}", filter.value));
    bounds(format!("packets at {}{side}{filter}", want.at), seen, (want.equals, want.at_least, want.at_most))
}

fn bounds(
    mut expected: String,
    value: u64,
    (equals, at_least, at_most): (Option<u64>, Option<u64>, Option<u64>),
) -> CheckResult {
    for (word, limit) in [("=", equals), (">=", at_least), ("<=", at_most)] {
        if let Some(limit) = limit {
            expected.push_str(&format!(" {word} {limit}"));
        }
    }
    let met =
        equals.is_none_or(|n| value == n) && at_least.is_none_or(|n| value >= n) && at_most.is_none_or(|n| value <= n);
    CheckResult { expected, found: (!met).then(|| value.to_string()) }
}
