//! What the asker decides, most often without knowing: the source port, and the zone in which each end is. The same
//! question is asked from a source port of each stretch that ACLs divide, and between interfaces that are like the two
//! (VPC, groups and listeners) but in other zones. Where answers differ, that is why something works now and then, or for
//! some only. What AWS chooses is in the answer itself (`choice`).
//!
//! Not varied: ends that are not interfaces, and receivers that are asked for by a public address.

use super::{Explanation, Origin, Outcome, Part, Question, decide};
use crate::base::PortRange;
use crate::base::ids::EniIx;
use crate::compile::Network;
use crate::fabric::Fabric;
use crate::verdict::RowIx;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Zones of one end that are looked at.
const ZONES_MAX: usize = 8;

/// How the question ends in one case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case<T> {
    /// The case.
    pub case: T,
    /// What the asker would see.
    pub outcome: Outcome,
    /// The row that decided, if the answer is not a plain yes, and on which walk.
    pub decided_by: Option<(Part, RowIx)>,
}

/// An interface for each end, where it is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ends {
    /// The sender.
    pub from: Option<EniIx>,
    /// The receiver.
    pub to: Option<EniIx>,
}

/// What the cases of zones that fail have in common, and no other has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ZonesCommon {
    /// The sender is in one of these zones.
    Sender(BTreeSet<u32>),
    /// The receiver is.
    Receiver(BTreeSet<u32>),
    /// The two are in different zones.
    Different,
    /// They are in one zone.
    Same,
}

/// The cases; none of a kind if they all end alike.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Variations {
    /// By source port, ascending; together they are the sender's ephemeral ports.
    pub ports: Vec<Case<PortRange>>,
    /// By zone of sender and receiver, the asked ones first.
    pub zones: Vec<Case<Ends>>,
}

/// Asks a question again for every source port and zone; `e` is its answer.
#[must_use]
pub fn vary(network: &Network, question: &Question, e: &Explanation) -> Variations {
    if e.inside_guest {
        return Variations::default();
    }
    let ports = if question.src_port.is_none() && question.protocol.has_ports() {
        by_port(network, question)
    } else {
        Vec::new()
    };
    Variations { ports, zones: by_zone(network, question) }
}

fn case<T>(network: &Network, question: &Question, case: T) -> Case<T> {
    let e = decide(network, question);
    let failing = e.alternatives.iter().find(|a| !a.outcome.passes());
    let (outcome, decided_by) = failing.map_or((e.outcome, e.decided_by), |a| (a.outcome, a.decided_by));
    Case { case, outcome, decided_by }
}

/// The cases, if they differ in whether packets pass. Where it is not known for one, nothing is said.
fn unlike<T>(cases: Vec<Case<T>>) -> Vec<Case<T>> {
    let good = cases.iter().filter(|c| c.works()).count();
    let unknown = cases.iter().any(|c| c.outcome == Outcome::Unknown);
    if good == 0 || good == cases.len() || unknown { Vec::new() } else { cases }
}

fn by_port(network: &Network, question: &Question) -> Vec<Case<PortRange>> {
    let fabric = &network.fabric;
    let range = question.from.ephemeral(fabric);
    let named = fabric.acls.iter().flat_map(|acl| acl.ports(question.protocol));
    let mut borders: BTreeSet<u16> = named.flat_map(PortRange::edges).collect();
    borders.retain(|port| range.from < *port && *port <= range.to);
    let starts: Vec<u16> = [range.from].into_iter().chain(borders).collect();
    let ask = |(n, from): (usize, &u16)| {
        let to = starts.get(n + 1).map_or(range.to, |next| next - 1);
        case(network, &Question { src_port: Some(*from), ..*question }, PortRange { from: *from, to })
    };
    let mut out: Vec<Case<PortRange>> = Vec::new();
    for next in starts.iter().enumerate().map(ask) {
        match out.last_mut() {
            Some(last) if (last.outcome, last.decided_by) == (next.outcome, next.decided_by) => {
                last.case.to = next.case.to;
            }
            _ => out.push(next),
        }
    }
    unlike(out)
}

fn by_zone(network: &Network, question: &Question) -> Vec<Case<Ends>> {
    let fabric = &network.fabric;
    let v6 = question.to.is_ipv6();
    let senders = match question.from {
        Origin::Eni { eni, .. } => in_each_zone(fabric, eni, v6),
        Origin::Internet { .. } | Origin::Site { .. } => Vec::new(),
    };
    let mut owners = fabric.vpcs.iter().filter_map(|vpc| vpc.eni_with(question.to));
    let receivers = match (owners.next(), owners.next()) {
        (Some(eni), None) => in_each_zone(fabric, eni, v6),
        _ => Vec::new(),
    };
    let each = |list: Vec<EniIx>| -> Vec<Option<EniIx>> {
        if list.is_empty() { vec![None] } else { list.into_iter().map(Some).collect() }
    };
    let (senders, receivers) = (each(senders), each(receivers));
    let mut out = Vec::new();
    for (n, from) in senders.iter().enumerate() {
        for (m, to) in receivers.iter().enumerate().filter(|(_, to)| from.is_none() || *to != from) {
            // The ends that were asked about keep their addresses.
            let other_sender = from.filter(|_| n > 0).and_then(|eni| Some((eni, address(fabric, eni, v6)?)));
            let from_origin = other_sender.map_or(question.from, |(eni, address)| Origin::Eni { eni, address });
            let target = to.filter(|_| m > 0).and_then(|eni| address(fabric, eni, v6)).unwrap_or(question.to);
            let again = Question { from: from_origin, to: target, ..*question };
            out.push(case(network, &again, Ends { from: *from, to: *to }));
        }
    }
    unlike(out)
}

fn address(fabric: &Fabric, eni: EniIx, v6: bool) -> Option<IpAddr> {
    let eni = &fabric.enis[eni];
    if v6 { eni.v6.map(IpAddr::V6) } else { eni.v4.map(IpAddr::V4) }
}

/// The interface, and the first one like it in each other zone. None if it is no guest's.
fn in_each_zone(fabric: &Fabric, eni: EniIx, v6: bool) -> Vec<EniIx> {
    let zone = |eni: EniIx| fabric.subnets[fabric.enis[eni].subnet].zone;
    let guest = |eni: EniIx| fabric.enis[eni].guest().map(|guest| &fabric.guests[guest]);
    let Some(own) = guest(eni) else { return Vec::new() };
    let groups = |eni: EniIx| &fabric.sg_sets[fabric.enis[eni].sg_set].groups;
    let mut out = BTreeMap::new();
    for (other, e) in fabric.enis.iter_enumerated() {
        let alike = e.vpc == fabric.enis[eni].vpc
            && groups(other) == groups(eni)
            && address(fabric, other, v6).is_some()
            && guest(other).is_some_and(|g| {
                g.running
                    && (&g.listeners, g.forwarding, g.enis.len()) == (&own.listeners, own.forwarding, own.enis.len())
            });
        if alike && zone(other) != zone(eni) {
            out.entry(zone(other)).or_insert(other);
        }
    }
    [eni].into_iter().chain(out.into_values()).take(ZONES_MAX).collect()
}

impl<T> Case<T> {
    /// True if packets pass both ways in this case, whatever AWS chooses.
    #[must_use]
    pub const fn works(&self) -> bool {
        self.outcome.passes()
    }
}

impl Variations {
    /// True if some source ports work and others do not: then the client's next connection may end otherwise.
    #[must_use]
    pub const fn depends_on_port(&self) -> bool {
        !self.ports.is_empty()
    }

    /// Source ports for which it fails, and all of them.
    #[must_use]
    pub fn failing_ports(&self) -> (u32, u32) {
        let sum = |list: &mut dyn Iterator<Item = &Case<PortRange>>| {
            list.map(|c| u32::from(c.case.to) - u32::from(c.case.from) + 1).sum()
        };
        (sum(&mut self.ports.iter().filter(|c| !c.works())), sum(&mut self.ports.iter()))
    }

    /// What the cases of zones that fail have in common, if it is one thing.
    #[must_use]
    pub fn zones_common(&self, fabric: &Fabric) -> Option<ZonesCommon> {
        let zone = |eni: Option<EniIx>| eni.map(|eni| fabric.subnets[fabric.enis[eni].subnet].zone);
        let (good, bad): (Vec<_>, Vec<_>) = self.zones.iter().partition(|c| c.works());
        if good.is_empty() || bad.is_empty() {
            return None;
        }
        let of = |list: &[&Case<Ends>], end: fn(&Ends) -> Option<EniIx>| -> Option<BTreeSet<u32>> {
            list.iter().map(|c| zone(end(&c.case))).collect()
        };
        for (end, make) in [
            (
                (|e: &Ends| e.from) as fn(&Ends) -> Option<EniIx>,
                ZonesCommon::Sender as fn(BTreeSet<u32>) -> ZonesCommon,
            ),
            (|e| e.to, ZonesCommon::Receiver),
        ] {
            if let (Some(fail), Some(pass)) = (of(&bad, end), of(&good, end))
                && fail.is_disjoint(&pass)
            {
                return Some(make(fail));
            }
        }
        let same = |c: &&Case<Ends>| Some(zone(c.case.from)? == zone(c.case.to)?);
        let all = |list: &[&Case<Ends>], want: bool| list.iter().all(|c| same(c) == Some(want));
        match () {
            () if all(&bad, false) && all(&good, true) => Some(ZonesCommon::Different),
            () if all(&bad, true) && all(&good, false) => Some(ZonesCommon::Same),
            () => None,
        }
    }
}
