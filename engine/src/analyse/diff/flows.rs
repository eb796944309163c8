//! Flows gained and lost: both networks are asked the same questions, in parallel, and the answers compared.

use super::cause::{Cause, cause};
use crate::analyse::borders::Borders;
use crate::analyse::class::{Signature, port_borders, sets_in_between, signatures, source_ports};
use crate::base::ids::{EniIx, InetIx, SgSetIx};
use crate::base::{IndexVec, PortRange, Protocol};
use crate::compile::{ANY_HOST, Network};
use crate::explain::{Explanation, Origin, Question, ask};
use crate::fabric::PublicOwner;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Ephemeral ports of senders that are not described: those of Linux and Windows together.
const EPHEMERAL: PortRange = PortRange { from: 32768, to: 65535 };

/// Addresses of a stretch that are looked at for one that is not one of ours.
const ADDRESSES_MAX: u32 = 65536;

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

/// An end of conversations, in the old network and in the new one.
#[derive(Clone, Debug)]
enum End {
    /// Addresses on the internet that are alike; one of them.
    Internet(IpAddr),
    /// A host that is described.
    Host([Option<InetIx>; 2]),
    /// Interfaces that are alike; the first one of them, and the second one if there is one.
    Enis([[Option<EniIx>; 2]; 2]),
}

struct Party {
    names: Vec<String>,
    end: End,
}

/// Both networks with what is known of their classes.
struct Both<'a> {
    networks: [&'a Network; 2],
    between: [BTreeSet<SgSetIx>; 2],
}

/// One question to both, for a stretch of ports.
struct Item {
    from: usize,
    to: usize,
    v6: bool,
    protocol: Protocol,
    ports: Option<PortRange>,
    /// For each network: the sender and the address, if there are both.
    ends: [Option<(Origin, IpAddr)>; 2],
    sources: Vec<Option<u16>>,
}

pub(super) fn flows(old: &Network, new: &Network) -> Vec<Flow> {
    let networks = [old, new];
    let borders = Borders::of(&networks);
    let signatures = networks.map(|network| signatures(network, &borders));
    let between = [0, 1].map(|n| sets_in_between(networks[n], &signatures[n]));
    let both = Both { networks, between };
    let parties = parties(&networks, &signatures, &borders);
    let mut items = Vec::new();
    for (a, from) in parties.iter().enumerate() {
        for (b, to) in parties.iter().enumerate() {
            for v6 in [false, true] {
                both.items((a, from), (b, to), v6, &mut items);
            }
        }
    }
    let found: Vec<Option<Flow>> = items.par_iter().map(|item| both.compare(item, &parties)).collect();
    let mut out: Vec<Flow> = Vec::new();
    for (item, flow) in items.iter().zip(found) {
        let Some(flow) = flow else { continue };
        // Neighbouring stretches of which the same is to be said are one.
        if let (Some(last), Some(ports)) = (out.last_mut(), item.ports)
            && let Some(before) = last.ports
            && u32::from(before.to) + 1 == u32::from(ports.from)
            && *last == (Flow { ports: last.ports, ..flow.clone() })
        {
            last.ports = Some(PortRange { from: before.from, to: ports.to });
            continue;
        }
        out.push(flow);
    }
    let foreign: Vec<&Party> = parties.iter().filter(|party| matches!(party.end, End::Internet(_))).collect();
    let out = whole_internet(out, &foreign, |flow| &mut flow.from);
    whole_internet(out, &foreign, |flow| &mut flow.to)
}

/// Flows that differ in nothing but the part of the internet are one.
fn whole_internet(flows: Vec<Flow>, foreign: &[&Party], end: impl Fn(&mut Flow) -> &mut Vec<String>) -> Vec<Flow> {
    let all = |v6: bool| foreign.iter().filter(|p| matches!(p.end, End::Internet(a) if a.is_ipv6() == v6)).count();
    let names: BTreeSet<&str> = foreign.iter().flat_map(|party| party.names.iter().map(String::as_str)).collect();
    let mut out: Vec<Flow> = Vec::new();
    let mut at: BTreeMap<Flow, usize> = BTreeMap::new();
    for mut flow in flows {
        let own = std::mem::take(end(&mut flow));
        if !own.iter().all(|name| names.contains(name.as_str())) {
            *end(&mut flow) = own;
            out.push(flow);
            continue;
        }
        match at.get(&flow) {
            Some(place) => end(&mut out[*place]).extend(own),
            None => {
                at.insert(flow.clone(), out.len());
                *end(&mut flow) = own;
                out.push(flow);
            }
        }
    }
    for place in at.into_values() {
        let v6 = out[place].v6;
        let list = end(&mut out[place]);
        if list.len() == all(v6) {
            *list = vec![ANY_HOST.0.to_owned()];
        }
    }
    out
}

/// Who talks: classes of interfaces that have the same name in both networks, described hosts, the internet.
fn parties(
    networks: &[&Network; 2],
    signatures: &[IndexVec<EniIx, Option<Signature>>; 2],
    borders: &Borders,
) -> Vec<Party> {
    let mut enis: BTreeMap<&str, [Option<EniIx>; 2]> = BTreeMap::new();
    let mut hosts: BTreeMap<&str, [Option<InetIx>; 2]> = BTreeMap::new();
    for n in 0..2 {
        for (eni, label) in networks[n].names.enis.iter_enumerated() {
            if signatures[n][eni].is_some() {
                enis.entry(&label.id).or_default()[n] = Some(eni);
            }
        }
        for (host, label) in networks[n].names.internet_hosts.iter_enumerated().filter(|(_, l)| l.id != ANY_HOST.0) {
            // Those that are built in, and say nothing that another one would not.
            if label.span.is_some() || networks[n].fabric.vantage_of(host).is_some() {
                hosts.entry(&label.id).or_default()[n] = Some(host);
            }
        }
    }
    let mut classes: BTreeMap<[Option<&Signature>; 2], Vec<[Option<EniIx>; 2]>> = BTreeMap::new();
    for pair in enis.into_values() {
        let key = [0, 1].map(|n| pair[n].and_then(|eni| signatures[n][eni].as_ref()));
        classes.entry(key).or_default().push(pair);
    }
    let name = |pair: &[Option<EniIx>; 2]| match pair {
        [_, Some(eni)] => networks[1].names.eni_text(&networks[1].fabric, *eni),
        [Some(eni), None] => networks[0].names.eni_text(&networks[0].fabric, *eni),
        [None, None] => unreachable!("one of them has it"),
    };
    let mut out: Vec<Party> = classes
        .into_values()
        .map(|class| {
            let second = class.get(1).copied().unwrap_or([None, None]);
            Party { names: class.iter().map(name).collect(), end: End::Enis([class[0], second]) }
        })
        .collect();
    out.sort_by(|a, b| a.names.cmp(&b.names));
    out.extend(hosts.into_iter().map(|(name, pair)| Party { names: vec![name.to_owned()], end: End::Host(pair) }));
    let ours = |address| networks.iter().any(|network| network.fabric.is_ours(address));
    for (first, last) in borders.public_stretches() {
        let inside = networks.iter().flat_map(|n| n.fabric.vpcs.iter()).any(|vpc| vpc.contains(first));
        // The one that takes everything, where it can be.
        let any = everybody(first.is_ipv6());
        let address = if first <= any && any <= last { Some(any) } else { addresses(first, last).find(|a| !ours(*a)) };
        if let Some(address) = address.filter(|_| !inside) {
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            out.push(Party { names: vec![format!("{} ({range})", ANY_HOST.0)], end: End::Internet(address) });
        }
    }
    out
}

/// The first addresses of a stretch.
fn addresses(first: IpAddr, last: IpAddr) -> impl Iterator<Item = IpAddr> {
    (0..ADDRESSES_MAX)
        .map_while(move |n| match first {
            IpAddr::V4(a) => u32::from(a).checked_add(n).map(|a| IpAddr::V4(a.into())),
            IpAddr::V6(a) => u128::from(a).checked_add(n.into()).map(|a| IpAddr::V6(a.into())),
        })
        .take_while(move |address| *address <= last)
}

impl Both<'_> {
    /// The questions from one party to another, one for each stretch of ports.
    fn items(&self, (a, from): (usize, &Party), (b, to): (usize, &Party), v6: bool, out: &mut Vec<Item>) {
        let outside = |party: &Party| !matches!(party.end, End::Enis(_));
        if outside(from) && outside(to) || a == b && from.names.len() < 2 {
            return;
        }
        let ends = [0, 1].map(|n| {
            let origin = self.origin(n, from, v6)?;
            let public = matches!(origin, Origin::Internet { .. });
            Some((origin, self.target(n, to, a == b, public, v6)?))
        });
        if ends == [None, None] {
            return;
        }
        let echo = if v6 { Protocol::ICMPV6 } else { Protocol::ICMP };
        let (from, to) = (a, b);
        out.push(Item { from, to, v6, protocol: echo, ports: None, ends, sources: vec![None] });
        for protocol in [Protocol::TCP, Protocol::UDP] {
            let mut borders = BTreeSet::new();
            let mut ephemeral = EPHEMERAL;
            for (n, end) in ends.iter().enumerate() {
                let Some((origin, address)) = *end else { continue };
                let fabric = &self.networks[n].fabric;
                let mut sets = self.between[n].clone();
                if let Origin::Eni { eni, .. } = origin {
                    sets.insert(fabric.enis[eni].sg_set);
                    ephemeral = fabric.enis[eni].guest().map_or(EPHEMERAL, |guest| fabric.guests[guest].ephemeral);
                }
                let receiver = fabric.vpcs.iter().filter_map(|vpc| vpc.eni_with(address));
                let public = match address {
                    IpAddr::V4(a) => fabric.public_v4.get(&a).and_then(|binding| match binding.owner {
                        PublicOwner::Eni { eni, .. } => Some(eni),
                        PublicOwner::RegionalNat(_) => None,
                    }),
                    IpAddr::V6(_) => None,
                };
                let receivers: BTreeSet<EniIx> = receiver.chain(public).collect();
                sets.extend(receivers.iter().map(|eni| fabric.enis[*eni].sg_set));
                borders.extend(port_borders(self.networks[n], protocol, sets));
                let mut listeners: Vec<(Protocol, u16)> = Vec::new();
                for guest in receivers.iter().filter_map(|eni| fabric.enis[*eni].guest()) {
                    listeners.extend(fabric.guests[guest].listeners.iter().flatten());
                }
                listeners.extend(fabric.services.iter().flat_map(|s| s.listeners.iter()).map(|l| (l.protocol, l.port)));
                if let Some(host) = fabric.internet_host(address).or_else(|| self.site_host(n, address)) {
                    listeners.extend(fabric.internet_hosts[host].listeners.iter());
                }
                for (_, port) in listeners.into_iter().filter(|(p, _)| *p == protocol) {
                    borders.extend([Some(port), port.checked_add(1)].into_iter().flatten());
                }
            }
            let sources = source_ports(&self.networks, protocol, ephemeral);
            let sources = if sources.is_empty() { vec![None] } else { sources.into_iter().map(Some).collect() };
            let starts: Vec<u16> = borders.into_iter().collect();
            for (n, first) in starts.iter().enumerate() {
                let last = starts.get(n + 1).map_or(u16::MAX, |next| next - 1);
                let ports = Some(PortRange { from: *first, to: last });
                out.push(Item { from, to, v6, protocol, ports, ends, sources: sources.clone() });
            }
        }
    }

    fn site_host(&self, n: usize, address: IpAddr) -> Option<InetIx> {
        let hosts = self.networks[n].fabric.internet_hosts.iter_enumerated();
        hosts.into_iter().find(|(_, host)| host.addresses.contains(&address)).map(|(host, _)| host)
    }

    fn address(&self, n: usize, eni: EniIx, v6: bool) -> Option<IpAddr> {
        let eni = &self.networks[n].fabric.enis[eni];
        if v6 { eni.v6.map(IpAddr::V6) } else { eni.v4.map(IpAddr::V4) }
    }

    fn origin(&self, n: usize, party: &Party, v6: bool) -> Option<Origin> {
        let fabric = &self.networks[n].fabric;
        match &party.end {
            End::Internet(address) => (address.is_ipv6() == v6).then_some(Origin::Internet { address: *address }),
            End::Host(pair) => {
                let host = pair[n]?;
                let address = *fabric.internet_hosts[host].addresses.iter().find(|a| a.is_ipv6() == v6)?;
                match fabric.vantage_of(host) {
                    Some(_) => Some(Origin::Site { host, address }),
                    None => Some(Origin::Internet { address }),
                }
            }
            End::Enis([first, _]) => {
                let eni = first[n].filter(|eni| fabric.enis[*eni].guest().is_some())?;
                Some(Origin::Eni { eni, address: self.address(n, eni, v6)? })
            }
        }
    }

    fn target(&self, n: usize, party: &Party, second: bool, public: bool, v6: bool) -> Option<IpAddr> {
        let fabric = &self.networks[n].fabric;
        match &party.end {
            End::Internet(address) => (address.is_ipv6() == v6).then_some(*address),
            End::Host(pair) => fabric.internet_hosts[pair[n]?].addresses.iter().find(|a| a.is_ipv6() == v6).copied(),
            End::Enis(both) => {
                let eni = both[usize::from(second)][n]?;
                if !public || v6 {
                    return self.address(n, eni, v6);
                }
                let e = &fabric.enis[eni];
                fabric.vpcs[e.vpc].public.get(&e.v4?).map(|a| IpAddr::V4(*a))
            }
        }
    }

    fn answers(&self, n: usize, item: &Item) -> Vec<Option<Explanation>> {
        let answer = |src_port: &Option<u16>| {
            let (from, to) = item.ends[n]?;
            let dst_port = item.ports.map_or(0, |ports| ports.from);
            Some(ask(self.networks[n], &Question { from, to, protocol: item.protocol, src_port: *src_port, dst_port }))
        };
        item.sources.iter().map(answer).collect()
    }

    fn compare(&self, item: &Item, parties: &[Party]) -> Option<Flow> {
        let (old, new) = (self.answers(0, item), self.answers(1, item));
        let foreign = matches!(parties[item.to].end, End::Internet(_));
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

fn everybody(v6: bool) -> IpAddr {
    ANY_HOST.1[usize::from(v6)].parse().expect("an address")
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
