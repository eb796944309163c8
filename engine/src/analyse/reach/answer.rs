//! One party's packets to another: what is asked, and what the answers come to.
//!
//! Every address of the sender that some block tells from its others is asked with every such address of the receiver, its
//! public ones too; and every stretch of source ports that an ACL's row divides. What passes to one address passes: packets
//! find the way that there is. What passes from some source ports only depends. A TCP connection passes if the packet after
//! its handshake does, too.

use super::party::{Parties, Party};
use super::service::Service;
use crate::base::ids::EniIx;
use crate::base::{PortRange, Protocol};
use crate::compile::Network;
use crate::explain::{End, Explanation, Origin, Outcome, Part, Question, ask_on, decide};
use crate::fabric::EPHEMERAL;
use crate::verdict::{RowIx, RowKind};
use std::net::IpAddr;

/// Whether packets pass both ways.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// They do not.
    No,
    /// What decides is not in the input, or not modelled.
    Unknown,
    /// It depends on what AWS chooses, or on the source port.
    Depends,
    /// They do.
    Yes,
}

impl Reach {
    /// Each of them, from the worst on.
    pub const EVERY: [Self; 4] = [Self::No, Self::Unknown, Self::Depends, Self::Yes];
}

/// What decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A row: of what passes the rule that let it in, else the one that dropped it.
    Row(Part, RowIx),
    /// The reply does not come back from the address that was asked.
    Elsewhere,
    /// The address leads to another interface.
    Other(EniIx),
    /// The receiver has no address that the sender could write.
    NoAddress,
    /// Nothing is to be cited: it stays in one guest.
    Nothing,
}

/// What is said of every pair of two parties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether packets pass.
    pub reach: Reach,
    /// What the asker sees.
    pub outcome: Outcome,
    /// Whether the request arrives, by any address and from any source port, though no answer may come back.
    pub arrives: bool,
    /// Why.
    pub cause: Cause,
    /// The question that it is the answer to; absent if there was no address to ask.
    pub question: Option<Question>,
}

/// Two parties, and for one party that talks to itself the second member.
pub(super) struct Pair<'a> {
    parties: &'a Parties<'a>,
    from: &'a Party,
    to: &'a Party,
    receiver: Option<EniIx>,
    origins: Vec<Origin>,
    targets: Vec<IpAddr>,
    ephemeral: PortRange,
}

impl<'a> Pair<'a> {
    /// Nothing if the two never talk: both are on the internet, or a stretch of it has no address of the other's family.
    pub(super) fn of(parties: &'a Parties<'a>, from: &'a Party, to: &'a Party, same: bool) -> Option<Self> {
        let fabric = &parties.network.fabric;
        let outside = |party: &Party| match party {
            Party::Enis(_) => false,
            Party::Host(host) => fabric.vantage_of(*host).is_none(),
            Party::Internet { .. } => true,
        };
        // A host or a stretch of the internet is no pair with itself.
        let same_end = same && !matches!(from, Party::Enis(_));
        if same_end || outside(from) && outside(to) {
            return None;
        }
        let receiver = match to {
            Party::Enis(members) => Some(*members.get(usize::from(same))?),
            _ => None,
        };
        let (origins, ephemeral) = Self::origins(parties, from)?;
        let from_internet = origins.iter().any(|origin| matches!(origin, Origin::Internet { .. }));
        let targets: Vec<IpAddr> = match to {
            Party::Enis(_) => {
                let own = &parties.addresses[receiver?];
                let public = own.public.iter().map(|a| IpAddr::V4(*a));
                let private = own.private.iter().copied().filter(|a| !from_internet || a.is_ipv6());
                private.chain(public).collect()
            }
            Party::Host(host) => fabric.internet_hosts[*host].addresses.to_vec(),
            Party::Internet { part, .. } => vec![part.address],
        };
        let pair = Self { parties, from, to, receiver, origins, targets, ephemeral };
        // Of an interface without any public address it is said once that the internet cannot write to it.
        let internet = |party: &Party| matches!(party, Party::Internet { .. });
        let told = match (internet(from), internet(to)) {
            (true, _) => pair.targets.is_empty() && pair.origins.iter().any(|origin| origin.address().is_ipv4()),
            (_, true) => false,
            _ => true,
        };
        (told || pair.questions().next().is_some()).then_some(pair)
    }

    fn origins(parties: &Parties<'_>, from: &Party) -> Option<(Vec<Origin>, PortRange)> {
        let fabric = &parties.network.fabric;
        Some(match from {
            Party::Enis(members) => {
                let eni = members[0];
                let guest = fabric.enis[eni].guest()?;
                let own = parties.addresses[eni].private.iter();
                (own.map(|address| Origin::Eni { eni, address: *address }).collect(), fabric.guests[guest].ephemeral)
            }
            Party::Host(host) => {
                let site = fabric.vantage_of(*host).is_some();
                let origin = |address: &IpAddr| match site {
                    true => Origin::Site { host: *host, address: *address },
                    false => Origin::Internet { address: *address },
                };
                (fabric.internet_hosts[*host].addresses.iter().map(origin).collect(), EPHEMERAL)
            }
            Party::Internet { part, .. } => (vec![Origin::Internet { address: part.address }], EPHEMERAL),
        })
    }

    /// Every sender's address with every receiver's of its family.
    fn questions(&self) -> impl Iterator<Item = (Origin, IpAddr)> + '_ {
        let targets = |origin: &Origin| {
            let (origin, v4) = (*origin, origin.address().is_ipv4());
            self.targets.iter().filter(move |to| to.is_ipv4() == v4).map(move |to| (origin, *to))
        };
        self.origins.iter().flat_map(targets)
    }

    /// What an explanation says about this pair.
    fn reach(&self, e: &Explanation) -> Reach {
        if e.depends_on_choice() {
            return Reach::Depends;
        }
        match e.outcome {
            Outcome::NoReply => Reach::No,
            Outcome::Unknown => {
                let row = e.decided_by.map(|(_, row)| row);
                // Whether an unknown host on the internet answers is not asked: its answer would come through.
                let left = row == Some(self.parties.network.fabric.internet_unknown);
                if left && matches!(self.to, Party::Internet { .. }) { Reach::Yes } else { Reach::Unknown }
            }
            Outcome::Open | Outcome::Closed | Outcome::Reply if self.elsewhere(e).is_some() => Reach::No,
            Outcome::Open | Outcome::Closed | Outcome::Reply => Reach::Yes,
        }
    }

    /// Another interface that took it: of two VPCs with one block, perhaps.
    fn elsewhere(&self, e: &Explanation) -> Option<EniIx> {
        let fabric = &self.parties.network.fabric;
        let receiver = self.receiver.filter(|eni| fabric.enis[*eni].guest().is_some())?;
        match e.request.end {
            End::Delivered(at) if fabric.enis[at].guest() != fabric.enis[receiver].guest() => Some(at),
            _ => None,
        }
    }

    fn answer(&self, e: &Explanation, reach: Reach) -> Answer {
        let network = self.parties.network;
        let cause = match (reach, self.elsewhere(e), e.decided_by) {
            (Reach::Yes, ..) => rule(network, e).map_or(Cause::Nothing, |row| Cause::Row(Part::Request, row)),
            (_, Some(at), _) if e.outcome.passes() => Cause::Other(at),
            (Reach::Depends, ..) => {
                let failing = e.alternatives.iter().find(|a| !a.outcome.passes()).and_then(|a| a.decided_by);
                failing.map_or(Cause::Nothing, |(part, row)| Cause::Row(part, row))
            }
            (_, _, Some((part, row))) => Cause::Row(part, row),
            (_, _, None) if e.reply_from_elsewhere => Cause::Elsewhere,
            _ => Cause::Nothing,
        };
        Answer { reach, outcome: e.outcome, arrives: false, cause, question: Some(e.question) }
    }

    /// True if the request comes to its receiver.
    fn arrives(&self, e: &Explanation) -> bool {
        match (e.request.end, self.to) {
            (End::Delivered(_), _) => self.elsewhere(e).is_none(),
            (End::AtSite(at), Party::Host(host)) => at == *host,
            (End::AtService(..), Party::Enis(_)) | (End::Exited, Party::Host(_) | Party::Internet { .. }) => true,
            _ => false,
        }
    }

    /// What one address of the sender and one of the receiver come to, from all source ports.
    fn between(&self, service: Service, from: Origin, to: IpAddr, src_ports: &[Option<u16>]) -> Option<Answer> {
        let v6 = to.is_ipv6() && service.protocol.is_icmp();
        let protocol = if v6 { Protocol::ICMPV6 } else { service.protocol };
        let dst_port = service.ports.map_or(0, |ports| ports.from);
        let one = |src_port: &Option<u16>| {
            let question = Question { from, to, protocol, src_port: *src_port, dst_port };
            let first = decide(self.parties.network, &question);
            // What passes the handshake only does not reach.
            let on = ask_on(self.parties.network, &question, &first);
            let e = on.as_ref().unwrap_or(&first);
            Answer { arrives: self.arrives(&first), ..self.answer(e, self.reach(e)) }
        };
        src_ports.iter().map(one).reduce(|before, answer| {
            let arrives = before.arrives || answer.arrives;
            match (before.reach, answer.reach) {
                (a, b) if a == b => Answer { arrives, ..before },
                // Some source ports pass and others do not: what fails is told of.
                (Reach::Yes, _) => Answer { reach: Reach::Depends, arrives, ..answer },
                _ => Answer { reach: Reach::Depends, arrives, ..before },
            }
        })
    }

    /// What all addresses come to: the best of them. The service's ports must be alike.
    pub(super) fn answers(&self, service: Service) -> Answer {
        let src_ports = self.parties.sources.get(service.protocol, self.ephemeral);
        let (outcome, cause) = (Outcome::NoReply, Cause::NoAddress);
        let mut best = Answer { reach: Reach::No, outcome, arrives: false, cause, question: None };
        for (from, to) in self.questions() {
            let Some(answer) = self.between(service, from, to, src_ports) else { continue };
            let arrives = best.arrives || answer.arrives;
            if best.question.is_none() || answer.reach > best.reach {
                best = answer;
            }
            best.arrives = arrives;
            if best.reach == Reach::Yes {
                break;
            }
        }
        best
    }

    /// Stretches of a service's ports, each with its answer; neighbours with the same answer are one.
    pub(super) fn stretches(&self, service: Service) -> Vec<(Service, Answer)> {
        let Some(range) = service.ports.filter(|range| range.from != range.to) else {
            return vec![(service, self.answers(service))];
        };
        let inside = self.parties.port_stretches(service.protocol, self.from, self.to);
        let inside = inside.into_iter().filter(|start| range.from < *start && *start <= range.to);
        let starts: Vec<u16> = [range.from].into_iter().chain(inside).collect();
        let mut out: Vec<(Service, Answer)> = Vec::with_capacity(starts.len());
        for (n, first) in starts.iter().enumerate() {
            let to = starts.get(n + 1).map_or(range.to, |next| next - 1);
            let stretch = Service { ports: Some(PortRange { from: *first, to }), ..service };
            let answer = self.answers(stretch);
            match out.last_mut() {
                Some((before, same))
                    if (same.reach, same.arrives, same.cause) == (answer.reach, answer.arrives, answer.cause) =>
                {
                    before.ports = before.ports.map(|ports| PortRange { to, ..ports });
                }
                _ => out.push((stretch, answer)),
            }
        }
        out
    }
}

/// The last rule of a security group that let the request pass: where it arrives, if one was asked there. If no group was
/// asked at all, the last row that let it pass.
fn rule(network: &Network, e: &Explanation) -> Option<RowIx> {
    let mut allowed = e.request.steps.iter().filter(|step| step.decision.allow).map(|step| step.decision.by);
    let last = allowed.clone().next_back();
    allowed.rfind(|row| network.fabric.rows[*row].kind == RowKind::SgRule).or(last)
}
