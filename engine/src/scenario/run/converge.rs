//! How a network comes to agree again: what the ends of lines notice, which routes move, and what was lost meanwhile.

use super::report::{CheckResult, Line as Said};
use super::runner::Runner;
use crate::base::{Instant, Nanos};
use crate::compile::Network;
use crate::event::{Told, Why};
use crate::fabric::{Fib, Line, TgwTarget};
use crate::names::Names;
use crate::scenario::{Action, LeadsTo};
use crate::verdict::{RowIx, Side};
use std::collections::BTreeMap;

/// Routes that are told one by one when tables change; more are counted.
const ROUTES_TOLD: usize = 12;

/// Prefixes of one table that move alike and are told one by one.
const PREFIXES_TOLD: usize = 3;

/// What became of the network after a fault or a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Convergence {
    /// The step, as the transcript has it.
    pub after: String,
    /// When that was.
    pub began: Instant,
    /// When an end noticed first, and what.
    pub noticed: Option<(Instant, String)>,
    /// When routes moved last, before the next fault or change.
    pub moved: Option<Instant>,
    /// Packets of steps that were dropped from then until routes moved, or until the next fault or change.
    pub lost: u64,
}

impl Convergence {
    /// One line for the transcript.
    #[must_use]
    pub fn text(&self) -> String {
        let since = |at: Instant| at.since(self.began);
        let noticed = match &self.noticed {
            Some((at, what)) => format!("noticed after {} ({what})", since(*at)),
            None => "noticed by nobody".to_owned(),
        };
        let moved =
            self.moved.map_or_else(|| "no route moved".to_owned(), |at| format!("routes moved after {}", since(at)));
        format!("{}: {noticed}, {moved}, {} packets lost", self.after, self.lost)
    }
}

impl Runner<'_> {
    /// Takes note of configurations that the run has made by itself, and of what ends of lines have told.
    pub(super) fn follow(&mut self) {
        let told = std::mem::take(&mut self.sim.observer.1.0.told);
        for (at, speaker, what) in told {
            let network = self.network();
            let s = network.fabric.speakers[speaker];
            let text = format!("{} {}", who(network, s.line, s.side, s.router.is_some()), words(what));
            self.lines.push(Said { at, text: format!("  {text}") });
            self.told.push((at, what, text));
        }
        let network = self.sim.network();
        if usize::from(network.fabric.epoch) < self.networks.len() {
            return;
        }
        assert_eq!(usize::from(network.fabric.epoch), self.networks.len(), "no configuration is missed");
        let moves = moves(self.network(), network);
        self.networks.push(network.clone());
        let at = self.sim.now();
        if !moves.is_empty() {
            self.moved.push(at);
        }
        let more = moves.len().saturating_sub(ROUTES_TOLD);
        for text in moves.into_iter().take(ROUTES_TOLD) {
            self.lines.push(Said { at, text: format!("  {text}") });
        }
        if more > 0 {
            self.lines.push(Said { at, text: format!("  and {more} more routes") });
        }
    }

    /// What every fault and change led to that somebody noticed or expects something of, in order, with its step.
    pub(super) fn convergences(&self) -> Vec<(usize, Convergence)> {
        let breaks = |n: &usize| {
            matches!(self.scenario.steps[*n].action, Action::Fail(_) | Action::Restore(_) | Action::Change(_))
        };
        let all: Vec<usize> = (0..self.operations.len()).filter(breaks).collect();
        let mut out = Vec::new();
        for (i, n) in all.iter().copied().enumerate() {
            let began = self.operations[n].started;
            let until = all.get(i + 1).map_or(Instant(u64::MAX), |next| self.operations[*next].started);
            let within = |at: Instant| at >= began && at < until;
            let mends = matches!(self.scenario.steps[n].action, Action::Restore(_));
            let notices = |what: Told| match what {
                Told::SessionUp | Told::BfdUp | Told::TunnelUp => mends,
                Told::SessionDown(_) | Told::BfdDown | Told::TunnelDown(_) => !mends,
                Told::Rekeyed => false,
            };
            let noticed = self.told.iter().find(|(at, what, _)| within(*at) && notices(*what));
            let moved = self.moved.iter().copied().rfind(|at| within(*at));
            // A change that nobody has to notice, or that has nothing to do with routes.
            let is_change = matches!(self.scenario.steps[n].action, Action::Change(_));
            let asked = self.scenario.steps[n].leads_to.is_some();
            if !asked && noticed.is_none() && (is_change || moved.is_none()) {
                continue;
            }
            let lost_until = moved.unwrap_or(until);
            let drops = self.sim.observer.1.0.drops.iter().filter(|(tag, _)| **tag != 0).flat_map(|(_, drops)| drops);
            let convergence = Convergence {
                after: super::prepare_title(&self.scenario.steps[n]),
                began,
                noticed: noticed.map(|(at, _, text)| (*at, text.clone())),
                moved,
                lost: drops.filter(|drop| drop.at >= began && drop.at <= lost_until).count() as u64,
            };
            out.push((n, convergence));
        }
        out
    }
}

fn who(network: &Network, line: Line, side: Side, router: bool) -> String {
    let name = network.line_name(line);
    match line {
        Line::Routers(_) => name,
        Line::Connect { .. } if side == Side::Customer => format!("{name}, the appliance:"),
        _ if side == Side::Customer && router => format!("{name}, customer's end:"),
        _ => format!("{name}, AWS's end:"),
    }
}

fn words(told: Told) -> String {
    match told {
        Told::SessionUp => "BGP is established".to_owned(),
        Told::SessionDown(why) => format!("BGP is down: {}", reason(why)),
        Told::BfdUp => "BFD is up".to_owned(),
        Told::BfdDown => "BFD is down".to_owned(),
        Told::TunnelUp => "the tunnel is up".to_owned(),
        Told::TunnelDown(why) => format!("the tunnel is down: {}", reason(why)),
        Told::Rekeyed => "new keys".to_owned(),
    }
}

fn reason(why: Why) -> String {
    match why {
        Why::HoldTimer(hold) => format!("nothing was heard for {hold}"),
        Why::Peer { code: 4, .. } => "the peer has heard nothing for the hold time".to_owned(),
        Why::Peer { code: 6, subcode: 1 } => "the peer was told too many prefixes".to_owned(),
        Why::Peer { code: 6, subcode: 2 } => "the peer has shut it down".to_owned(),
        Why::Peer { code, subcode } => format!("the peer says code {code}, subcode {subcode}"),
        Why::Refused { code, subcode } => format!("the peer cannot mean that: code {code}, subcode {subcode}"),
        Why::Connection => "the connection broke".to_owned(),
        Why::Line => "its line is down".to_owned(),
        Why::Bfd => "BFD does not hear the peer".to_owned(),
        Why::PrefixLimit => "too many prefixes".to_owned(),
        Why::Shutdown => "shut down".to_owned(),
        Why::DeadPeer => "the peer does not answer".to_owned(),
        Why::Deleted => "the peer has deleted it".to_owned(),
        Why::NoAnswer => "nobody answers".to_owned(),
    }
}

/// Kind of table, table, from, to.
type Move<'a> = (u8, &'a str, &'a str, &'a str);

/// Which routes lead elsewhere, by table and prefix; many that do the same are told as one.
fn moves(old: &Network, new: &Network) -> Vec<String> {
    let (before, after) = (routes(old), routes(new));
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let none = "no route".to_owned();
    // In the order of the first prefix.
    let mut groups: Vec<(Move<'_>, Vec<&str>)> = Vec::new();
    for key in keys.into_iter().filter(|key| before.get(key) != after.get(key)) {
        let (from, to) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let group = (key.0, key.1.as_str(), from.as_str(), to.as_str());
        match groups.iter_mut().find(|(other, _)| *other == group) {
            Some((_, prefixes)) => prefixes.push(&key.2),
            None => groups.push((group, vec![&key.2])),
        }
    }
    let mut out = Vec::new();
    for ((_, table, from, to), prefixes) in groups {
        if prefixes.len() > PREFIXES_TOLD {
            let more = prefixes.len() - 1;
            out.push(format!("route {table} {} and {more} more prefixes: {from} -> {to}", prefixes[0]));
        } else {
            out.extend(prefixes.into_iter().map(|prefix| format!("route {table} {prefix}: {from} -> {to}")));
        }
    }
    out
}

/// What each table of the control plane says of each prefix.
fn routes(network: &Network) -> BTreeMap<(u8, String, String), String> {
    let (names, fabric) = (&network.names, &network.fabric);
    let mut out = BTreeMap::new();
    let says = |row: RowIx| names.rows.get(row).map(|text| (text.name.clone(), text.says.clone()));
    let mut add = |kind: u8, table: &str, row: RowIx, by: Option<String>| {
        if let Some((to, says)) = says(row) {
            out.entry((kind, table.to_owned(), to)).or_insert(by.unwrap_or(says));
        }
    };
    let mut fib =
        |kind: u8, table: &str, fib: &Fib| fib.routes.iter().for_each(|route| add(kind, table, route.row, None));
    for (router, r) in fabric.routers.iter_enumerated() {
        fib(0, &names.routers[router].id, &r.fib);
    }
    for (vgw, v) in fabric.vgws.iter_enumerated() {
        fib(1, &names.vgws[vgw].id, &v.fib);
    }
    for (dxgw, d) in fabric.dxgws.iter_enumerated() {
        fib(2, &names.dxgws[dxgw].id, &d.fib);
    }
    for (rtb, t) in fabric.tgw_rtbs.iter_enumerated() {
        t.routes.iter().for_each(|route| add(3, &names.tgw_rtbs[rtb].id, route.row, tunnels(names, &route.target)));
    }
    for (rtb, t) in fabric.rtbs.iter_enumerated() {
        let learnt = t.routes.iter().filter(|route| matches!(route.target, crate::fabric::Target::Vgw(_)));
        learnt.for_each(|route| add(4, &names.rtbs[rtb].id, route.row, None));
    }
    out
}

/// The tunnels of a route of Connect attachments: the row names the attachment alone, as AWS does.
fn tunnels(names: &Names, target: &TgwTarget) -> Option<String> {
    let TgwTarget::Tunnels(legs) = target else { return None };
    let legs: Vec<String> =
        legs.iter().map(|(connect, n)| format!("{}/{}", names.tgw_attaches[*connect].id, n + 1)).collect();
    Some(format!("{} (propagated)", legs.join(", ")))
}

impl Convergence {
    /// Whether it led to what was expected.
    pub(super) fn checks(&self, want: &LeadsTo) -> Vec<CheckResult> {
        let mut out = Vec::new();
        for (what, limit, took) in [
            ("noticed", want.noticed_within, self.until_noticed()),
            ("routes moved", want.moved_within, self.until_moved()),
        ] {
            let Some(limit) = limit else { continue };
            let found = took.map_or_else(|| "never".to_owned(), |took| format!("after {took}"));
            let met = took.is_some_and(|took| took <= limit);
            let expected = format!("{}: {what} within {limit}", self.after);
            out.push(CheckResult { expected, found: (!met).then_some(found) });
        }
        if let Some(most) = want.lost_at_most {
            let expected = format!("{}: at most {most} packets lost", self.after);
            out.push(CheckResult { expected, found: (self.lost > most).then(|| self.lost.to_string()) });
        }
        out
    }

    /// Time until somebody noticed.
    #[must_use]
    pub fn until_noticed(&self) -> Option<Nanos> {
        self.noticed.as_ref().map(|(at, _)| at.since(self.began))
    }
    /// Time until routes had moved.
    #[must_use]
    pub fn until_moved(&self) -> Option<Nanos> {
        self.moved.map(|at| at.since(self.began))
    }
}
