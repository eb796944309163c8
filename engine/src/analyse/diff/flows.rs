//! Flows gained and lost: both networks are asked the same questions, in parallel, and the answers compared.

use super::affected::affected;
use super::cause::{Cause, cause};
use super::parties::{Party, internet_names, parties};
use super::resources::Resource;
use super::stretches::Stretches;
use crate::analyse::borders::Borders;
use crate::analyse::class::signatures;
use crate::base::{PortRange, Protocol};
use crate::compile::{ANY_HOST, Network};
use crate::diag::Span;
use crate::explain::{Explanation, Origin, Question, decide};
use crate::spec::Spec;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How a flow differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// Packets pass both ways now, and did not.
    Gained,
    /// They did, and do not now.
    Lost,
    /// What the asker sees differs in another way: refused instead of open, unknown, for some source ports.
    Changed,
}

/// A flow that differs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Flow {
    /// How it differs.
    pub change: Change,
    /// Who sends: interfaces that are alike.
    pub from: Vec<String>,
    /// Who receives.
    pub to: Vec<String>,
    /// True if it is about IPv6.
    pub v6: bool,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination ports; none of echo requests.
    pub ports: Option<PortRange>,
    /// What the asker saw.
    pub old: &'static str,
    /// What the asker sees now.
    pub new: &'static str,
    /// First source ports of the stretches for which it differs, if it does not for all.
    pub source_ports: Vec<u16>,
    /// The row that made the difference.
    pub cause: Cause,
}

/// Both networks, what divides ports there, and everybody who talks.
struct Both<'a> {
    networks: [&'a Network; 2],
    parties: Vec<Party>,
    stretches: Stretches,
}

/// One question to both, for a stretch of ports.
#[derive(Clone, Copy)]
struct Item<'a> {
    from: usize,
    to: usize,
    v6: bool,
    protocol: Protocol,
    ports: Option<PortRange>,
    /// For each network: the sender and the address, if there are both.
    ends: [Option<(Origin, IpAddr)>; 2],
    sources: &'a [Option<u16>],
}

pub(super) fn flows(specs: [&Spec; 2], networks: [&Network; 2], resources: &[Resource]) -> Vec<Flow> {
    let borders = Borders::of(&networks);
    let signatures = networks.map(|network| signatures(network, &borders));
    let stretches = Stretches::new(networks, &signatures);
    let both = Both { networks, parties: parties(&networks, &signatures, &borders), stretches };
    let affected = affected(specs, networks, &signatures, resources);
    let hit: Vec<bool> = both.parties.iter().map(|p| affected.as_ref().is_none_or(|enis| p.has_one_of(enis))).collect();
    let all = 0..both.parties.len();
    let pairs = all.clone().flat_map(|a| all.clone().map(move |b| (a, b)));
    let pairs: Vec<(usize, usize)> = pairs.filter(|(a, b)| hit[*a] || hit[*b]).collect();
    let found: Vec<Vec<Flow>> = pairs.par_iter().map(|(a, b)| both.pair(*a, *b)).collect();
    let out = merged(found.into_iter().flatten().collect(), &both.parties, |flow| &mut flow.from);
    merged(out, &both.parties, |flow| &mut flow.to)
}

/// Flows that differ in nothing but one of their ends are one, at the place of the first.
fn merged(flows: Vec<Flow>, parties: &[Party], end: impl Fn(&mut Flow) -> &mut Vec<String>) -> Vec<Flow> {
    let mut out: Vec<Flow> = Vec::new();
    let mut at: BTreeMap<Flow, usize> = BTreeMap::new();
    for mut flow in flows {
        let own = std::mem::take(end(&mut flow));
        let mut key = flow.clone();
        // An implied row says the same at each interface.
        let implied = [&mut key.cause.old, &mut key.cause.new].into_iter().flatten().filter(|row| !row.span.is_some());
        implied.for_each(|row| row.resource_span = Span::NONE);
        match at.get(&key) {
            Some(place) => end(&mut out[*place]).extend(own),
            None => {
                at.insert(key, out.len());
                *end(&mut flow) = own;
                out.push(flow);
            }
        }
    }
    let foreign = internet_names(parties);
    for flow in &mut out {
        let all = parties.iter().filter(|party| party.is_internet_of(flow.v6)).count();
        let list = end(flow);
        let parts = list.iter().filter(|name| foreign.contains(name.as_str())).count();
        if all > 0 && parts == all {
            list.retain(|name| !foreign.contains(name.as_str()));
            list.push(ANY_HOST.0.to_owned());
        }
    }
    out
}

impl Both<'_> {
    /// What differs from one party to another.
    fn pair(&self, a: usize, b: usize) -> Vec<Flow> {
        let (from, to) = (&self.parties[a], &self.parties[b]);
        let mut out = Vec::new();
        let Some((second_from, second_to)) = from.pair(to) else { return out };
        for v6 in [false, true] {
            let ends = [0, 1].map(|n| {
                let fabric = &self.networks[n].fabric;
                let origin = from.origin(fabric, n, second_from, v6)?;
                let public = matches!(origin, Origin::Internet { .. });
                Some((origin, to.target(fabric, n, second_to, public, v6)?))
            });
            if ends == [None, None] {
                continue;
            }
            let echo = if v6 { Protocol::ICMPV6 } else { Protocol::ICMP };
            let item = Item { from: a, to: b, v6, protocol: echo, ports: None, ends, sources: &[None] };
            out.extend(self.compare(item));
            for protocol in [Protocol::TCP, Protocol::UDP] {
                let sources = self.stretches.sources(self.networks, protocol, ends);
                let mut last: Option<Flow> = None;
                for ports in self.stretches.of(self.networks, protocol, ends) {
                    let flow = self.compare(Item { protocol, ports: Some(ports), sources, ..item });
                    // Neighbouring stretches of which the same is to be said are one.
                    match (&mut last, flow) {
                        (Some(before), Some(flow)) if *before == (Flow { ports: before.ports, ..flow.clone() }) => {
                            before.ports = before.ports.map(|first| PortRange { from: first.from, to: ports.to });
                        }
                        (_, flow) => out.extend(std::mem::replace(&mut last, flow)),
                    }
                }
                out.extend(last);
            }
        }
        out
    }

    fn answers(&self, n: usize, item: Item<'_>) -> Vec<Option<Explanation>> {
        let answer = |src_port: &Option<u16>| {
            let (from, to) = item.ends[n]?;
            let dst_port = item.ports.map_or(0, |ports| ports.from);
            Some(decide(
                self.networks[n],
                &Question { from, to, protocol: item.protocol, src_port: *src_port, dst_port },
            ))
        };
        item.sources.iter().map(answer).collect()
    }

    fn compare(&self, item: Item<'_>) -> Option<Flow> {
        let parties = &self.parties;
        let (old, new) = (self.answers(0, item), self.answers(1, item));
        let foreign = parties[item.to].is_internet();
        let words = |n: usize, e: Option<&Explanation>| word(self.networks[n], e, foreign);
        let differ: Vec<usize> =
            (0..old.len()).filter(|i| words(0, old[*i].as_ref()) != words(1, new[*i].as_ref())).collect();
        let first = *differ.first()?;
        let (a, b) = (old[first].as_ref(), new[first].as_ref());
        // That somebody who is not there gets no answer is no difference.
        let absent = |i: &usize| match (old[*i].as_ref(), new[*i].as_ref()) {
            (None, e @ Some(_)) => matches!(words(1, e), "no_reply" | "unknown"),
            (e @ Some(_), None) => matches!(words(0, e), "no_reply" | "unknown"),
            _ => false,
        };
        if differ.iter().all(absent) {
            return None;
        }
        let passes = |word: &str| matches!(word, "open" | "closed" | "reply" | LEAVES);
        let change = match (passes(words(0, a)), passes(words(1, b))) {
            (false, true) => Change::Gained,
            (true, false) => Change::Lost,
            _ => Change::Changed,
        };
        let some = differ.len() < item.sources.len();
        let source_ports = differ.iter().filter(|_| some).filter_map(|i| item.sources[*i]).collect();
        Some(Flow {
            change,
            from: parties[item.from].names.clone(),
            to: parties[item.to].names.clone(),
            v6: item.v6,
            protocol: item.protocol,
            ports: item.ports,
            old: words(0, a),
            new: words(1, b),
            source_ports,
            cause: cause((self.networks[0], a), (self.networks[1], b)),
        })
    }
}

/// What becomes of packets to a host on the internet that nobody described: they leave, and its answers would pass.
const LEAVES: &str = "leaves";

/// What the asker sees.
fn word(network: &Network, e: Option<&Explanation>, foreign: bool) -> &'static str {
    match e {
        None => "absent",
        Some(e) if e.decided_by.is_some_and(|(_, row)| row == network.fabric.internet_unknown) => LEAVES,
        Some(e) if e.depends_on_choice() => "depends",
        Some(e) if foreign && e.outcome.passes() => LEAVES,
        Some(e) => e.outcome.word(),
    }
}
