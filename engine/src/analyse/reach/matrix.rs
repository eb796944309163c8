//! Groups of ends against groups of ends: how many pairs pass, on which ports, and by which row.
//!
//! Every pair of parties is asked once, in parallel; a cell counts the pairs of ends that the answer holds for. An end is no
//! pair with itself. Invariant: the counts are those of asking every pair of ends by itself.

use super::answer::{Answer, Pair, Reach};
use super::party::{Parties, Party};
use super::service::Service;
use crate::base::ids::EniIx;
use crate::base::{PortRange, Protocol};
use crate::explain::Outcome;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Ends under one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Positions of the parties that it has members of, ascending, with these members where they are interfaces.
    pub parts: Vec<(usize, Vec<EniIx>)>,
}

impl Group {
    /// How many of its ends are of a part.
    fn count(&self, part: usize) -> u64 {
        self.parts[part].1.len().max(1) as u64
    }
    /// How many ends it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|(_, members)| members.len().max(1)).sum()
    }
    /// True if it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// What one group's packets to another come to, for a stretch of ports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Protocol and ports.
    pub service: Service,
    /// Pairs of ends by what becomes of them, in the order of [`Reach`].
    pub pairs: [u64; 4],
    /// The first pair of each kind that there is.
    pub first: Vec<Example>,
    /// Of those that pass, how many are refused because nothing listens, and the first one.
    pub refused: (u64, Option<Box<Example>>),
    /// Of those that do not pass, how many requests arrive all the same, and the first one.
    pub arrived: (u64, Option<Box<Example>>),
    /// Hosts and parts of the internet among senders and receivers, by party: true if one of its pairs passes.
    pub others: [BTreeMap<usize, bool>; 2],
}

impl Flow {
    /// All pairs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pairs.iter().sum()
    }
    /// Pairs of this kind.
    #[must_use]
    pub const fn pairs_that(&self, reach: Reach) -> u64 {
        self.pairs[reach as usize]
    }
    /// The first pair of this kind.
    #[must_use]
    pub fn first_that(&self, reach: Reach) -> Option<&Example> {
        self.first.iter().find(|first| first.answer.reach == reach)
    }
}

/// One pair of ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Example {
    /// What becomes of it.
    pub answer: Answer,
    /// The sender: its party, and the interface if it is one.
    pub from: (usize, Option<EniIx>),
    /// The receiver.
    pub to: (usize, Option<EniIx>),
}

/// One group against another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Position of the sender among the groups that send.
    pub from: usize,
    /// Position of the receiver.
    pub to: usize,
    /// By protocol and port, ascending.
    pub flows: Vec<Flow>,
}

/// One answer with the pairs that it holds for.
struct Piece {
    service: Service,
    example: Example,
    pairs: u64,
}

/// Every group that sends against every group that receives. `step` is called for each party that has been asked about.
#[must_use]
pub fn matrix(
    parties: &Parties<'_>,
    (from, to): (&[Group], &[Group]),
    services: &[Service],
    step: &(dyn Fn() + Sync),
) -> Vec<Cell> {
    // For each party the groups that have members of it, and which of their parts these are.
    let receivers = by_party(parties, to);
    let asked: Vec<(usize, Vec<(usize, usize)>)> =
        by_party(parties, from).into_iter().enumerate().filter(|(_, groups)| !groups.is_empty()).collect();
    let rows: Vec<BTreeMap<(usize, usize), Vec<Piece>>> = asked
        .par_iter()
        .map(|(sender, groups)| {
            let mut row = BTreeMap::new();
            for (receiver, their) in receivers.iter().enumerate().filter(|(_, their)| !their.is_empty()) {
                pair(parties, (from, to), services, (*sender, groups), (receiver, their), &mut row);
            }
            step();
            row
        })
        .collect();
    let mut cells: BTreeMap<(usize, usize), Vec<Piece>> = BTreeMap::new();
    for row in rows {
        for (at, pieces) in row {
            cells.entry(at).or_default().extend(pieces);
        }
    }
    let cells: Vec<((usize, usize), Vec<Piece>)> = cells.into_iter().collect();
    cells.into_par_iter().map(|((from, to), pieces)| Cell { from, to, flows: flows(&pieces) }).collect()
}

fn by_party(parties: &Parties<'_>, groups: &[Group]) -> Vec<Vec<(usize, usize)>> {
    let mut out = vec![Vec::new(); parties.list.len()];
    for (group, g) in groups.iter().enumerate() {
        for (part, (party, _)) in g.parts.iter().enumerate() {
            out[*party].push((group, part));
        }
    }
    out
}

fn pair(
    parties: &Parties<'_>,
    (from, to): (&[Group], &[Group]),
    services: &[Service],
    (sender, groups): (usize, &[(usize, usize)]),
    (receiver, their): (usize, &[(usize, usize)]),
    row: &mut BTreeMap<(usize, usize), Vec<Piece>>,
) {
    let same = sender == receiver;
    let Some(pair) = Pair::of(parties, &parties.list[sender], &parties.list[receiver], same) else { return };
    let answers: Vec<(Service, Answer)> = services.iter().flat_map(|service| pair.stretches(*service)).collect();
    for (a, a_part) in groups {
        for (b, b_part) in their {
            let mut pairs = from[*a].count(*a_part) * to[*b].count(*b_part);
            if same {
                pairs -= both(&from[*a].parts[*a_part].1, &to[*b].parts[*b_part].1);
            }
            if pairs == 0 {
                continue;
            }
            let (senders, takers) = (&from[*a].parts[*a_part].1, &to[*b].parts[*b_part].1);
            let one = senders.first().copied();
            // Nobody is a pair with itself.
            let other = takers.iter().find(|eni| Some(**eni) != one).or(takers.first()).copied();
            let (from, to) = ((sender, one), (receiver, other));
            let piece = |(service, answer): &(Service, Answer)| Piece {
                service: *service,
                example: Example { answer: *answer, from, to },
                pairs,
            };
            row.entry((*a, *b)).or_default().extend(answers.iter().map(piece));
        }
    }
}

/// How many members two ascending lists share.
fn both(a: &[EniIx], b: &[EniIx]) -> u64 {
    a.iter().filter(|eni| b.binary_search(eni).is_ok()).count() as u64
}

/// What many answers come to: the ports are cut where any of them is, and neighbours of which the same is said are one.
fn flows(pieces: &[Piece]) -> Vec<Flow> {
    let mut by_protocol: BTreeMap<Protocol, Vec<&Piece>> = BTreeMap::new();
    for piece in pieces {
        by_protocol.entry(piece.service.protocol).or_default().push(piece);
    }
    let mut out: Vec<Flow> = Vec::new();
    for (protocol, pieces) in by_protocol {
        let bounds = |p: &Piece| p.service.ports.map(|ports| (u32::from(ports.from), u32::from(ports.to) + 1));
        let cuts: BTreeSet<u32> = pieces.iter().filter_map(|p| bounds(p)).flat_map(|(a, b)| [a, b]).collect();
        if cuts.is_empty() {
            out.push(sum(Service { protocol, ports: None }, &pieces));
            continue;
        }
        let cuts: Vec<u32> = cuts.into_iter().collect();
        // Pieces by the stretch that they begin in: each goes into all the stretches that it covers.
        let mut inside: Vec<Vec<&Piece>> = vec![Vec::new(); cuts.len() - 1];
        for piece in &pieces {
            let Some((first, end)) = bounds(piece) else { continue };
            let n = cuts.partition_point(|cut| *cut < first);
            inside[n..].iter_mut().zip(&cuts[n..]).take_while(|(_, cut)| **cut < end).for_each(|(s, _)| s.push(piece));
        }
        for (n, pieces) in inside.iter().enumerate().filter(|(_, pieces)| !pieces.is_empty()) {
            let port = |cut: u32| u16::try_from(cut).unwrap_or(u16::MAX);
            let ports = PortRange { from: port(cuts[n]), to: port(cuts[n + 1] - 1) };
            let flow = sum(Service { protocol, ports: Some(ports) }, pieces);
            match out.last_mut() {
                Some(last) if continues(last, &flow) => {
                    last.service.ports = Some(PortRange { to: ports.to, ..last.service.ports.expect("it has ports") })
                }
                _ => out.push(flow),
            }
        }
    }
    out
}

/// True if the same is to be said of the next ports.
fn continues(last: &Flow, next: &Flow) -> bool {
    let causes = |flow: &Flow| flow.first.iter().map(|f| (f.answer.reach, f.answer.cause)).collect::<Vec<_>>();
    let ports = last.service.ports.zip(next.service.ports);
    last.service.protocol == next.service.protocol
        && ports.is_some_and(|(a, b)| u32::from(a.to) + 1 == u32::from(b.from))
        && last.pairs == next.pairs
        && last.others == next.others
        && last.arrived.0 == next.arrived.0
        && causes(last) == causes(next)
}

fn sum(service: Service, pieces: &[&Piece]) -> Flow {
    let mut out = Flow {
        service,
        pairs: [0; 4],
        first: Vec::new(),
        refused: (0, None),
        arrived: (0, None),
        others: Default::default(),
    };
    for piece in pieces {
        let (example, reach) = (piece.example, piece.example.answer.reach);
        out.pairs[reach as usize] += piece.pairs;
        if out.first_that(reach).is_none() {
            out.first.push(example);
        }
        for (others, (party, eni)) in out.others.iter_mut().zip([example.from, example.to]) {
            if eni.is_none() {
                *others.entry(party).or_default() |= reach == Reach::Yes;
            }
        }
        if reach == Reach::No && example.answer.arrives {
            out.arrived.0 += piece.pairs;
            out.arrived.1.get_or_insert_with(|| Box::new(example));
        }
        if reach == Reach::Yes && example.answer.outcome == Outcome::Closed {
            out.refused.0 += piece.pairs;
            out.refused.1.get_or_insert_with(|| Box::new(example));
        }
    }
    out.first.sort_by_key(|first| first.answer.reach);
    out
}

/// The interfaces of a party.
pub(super) fn members(party: &Party) -> Vec<EniIx> {
    match party {
        Party::Enis(members) => members.clone(),
        Party::Host(_) | Party::Internet { .. } => Vec::new(),
    }
}
