//! The flows of one open window.
//!
//! Flows are found by a small key and kept in the order in which they began; when the window is over they are sorted by what
//! they are about. Everything is kept for the next window, so a run in its stride allocates nothing here.

use super::key::Key;
use super::tally::Tally;
use crate::base::ids::EniIx;
use crate::observe::EPOCH_SECONDS;
use crate::record::flow_log::{Action, Flow, Losses, Record, Sides, Status, Subject, SubjectIx, Subjects};
use crate::verdict::{Dir, Hop, NatThrough, TgwLoss, TgwThrough, Through, TrafficPath};
use rustc_hash::FxHashMap;

/// A flow and what was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    key: Key,
    packets: u64,
    bytes: u64,
    first: u32,
    last: u32,
    /// The interface at the other side.
    next: u32,
    /// Position in the list of sides, for a transit gateway.
    sides: u32,
    flags: u8,
    path: TrafficPath,
    own: bool,
}

/// Both sides of a transit gateway, by subject.
#[derive(Clone, Copy, Debug)]
struct SideIx {
    source: (u32, u32),
    destination: (u32, u32),
    lost: Losses,
}

/// No interface, no sides.
const NONE: u32 = u32::MAX;

/// A window.
#[derive(Debug)]
pub(super) struct Table {
    /// Its length.
    pub(super) seconds: u64,
    /// Its number.
    pub(super) window: u64,
    index: FxHashMap<Key, u32>,
    flows: Vec<Counted>,
    sides: Vec<SideIx>,
    /// Positions in `flows` by subject, when sorted.
    order: Vec<u32>,
    /// Flows of each subject; the highest bit says that there were more.
    counts: Vec<u32>,
    /// Where each subject's flows begin in `order`, when sorted.
    starts: Vec<u32>,
    limit: u32,
    tally: Tally,
}

/// A flow of a closed window, with what it refers to.
pub(super) struct Closed<'t> {
    flow: &'t Counted,
    sides: Option<&'t SideIx>,
}

const SKIPPED: u32 = 1 << 31;

impl Table {
    pub(super) fn new(seconds: u64, subjects: usize, limit: u32) -> Self {
        Self {
            seconds,
            window: 0,
            index: FxHashMap::default(),
            flows: Vec::new(),
            sides: Vec::new(),
            order: Vec::new(),
            counts: vec![0; subjects],
            starts: Vec::new(),
            limit,
            tally: Tally::new(subjects),
        }
    }

    /// A packet crosses an interface.
    pub(super) fn cross(&mut self, second: u64, hop: &Hop) {
        let key = Key::new(hop.eni.0, hop.dir, Flow::action(hop), &hop.headers);
        let len = if hop.blocked { 0 } else { hop.len };
        let Some(flow) = self.count(second, key, len, Flow::tcp_flags(&hop.headers)) else { return };
        flow.next = hop.next.map_or(NONE, |next| next.0);
        flow.path = hop.path;
        flow.own = hop.own;
    }

    /// A packet goes through a gateway with a log of its own.
    pub(super) fn through(
        &mut self,
        second: u64,
        subjects: &Subjects,
        through: &Through,
        covers: impl Fn(SubjectIx) -> bool,
    ) {
        match through {
            Through::Nat(nat) => {
                let subject = subjects.of_nat(nat.nat);
                if covers(subject) {
                    self.through_nat(second, subject.0, nat);
                }
            }
            Through::Tgw(tgw) => {
                let via = subjects.of_attachment(tgw.via);
                let out = tgw.out.ok().map(|(out, _)| subjects.of_attachment(out));
                if covers(via) {
                    self.through_tgw(second, (via, Dir::In), (via, out), tgw);
                }
                if let Some(at) = out.filter(|at| covers(*at)) {
                    self.through_tgw(second, (at, Dir::Out), (via, out), tgw);
                }
            }
        }
    }

    /// A regional NAT gateway has a record for what comes and one for what leaves, with its elastic address in both (FLW-19).
    fn through_nat(&mut self, second: u64, subject: u32, nat: &NatThrough) {
        let action = if nat.blocked { Action::Blocked } else { Action::Accept };
        let key = Key::new(subject, Dir::In, action, &nat.headers);
        let len = if nat.blocked { 0 } else { nat.len };
        self.count(second, key, len, Flow::tcp_flags(&nat.headers));
        let Some((after, len)) = nat.after else { return };
        let key = Key::new(subject, Dir::Out, Action::Accept, &after);
        let outward = after.src != nat.headers.src;
        let Some(flow) = self.count(second, key, len, Flow::tcp_flags(&after)) else { return };
        flow.path = if outward { TrafficPath::Igw } else { TrafficPath::Vpc };
    }

    /// One side of a way through a transit gateway.
    fn through_tgw(
        &mut self,
        second: u64,
        (at, dir): (SubjectIx, Dir),
        (via, out): (SubjectIx, Option<SubjectIx>),
        tgw: &TgwThrough,
    ) {
        let key = Key::new(at.0, dir, Action::Accept, &tgw.headers);
        let next_side = self.sides.len() as u32;
        let Some(flow) = self.count(second, key, tgw.len, Flow::tcp_flags(&tgw.headers)) else { return };
        let known = flow.sides != NONE;
        if !known {
            flow.sides = next_side;
        }
        let n = flow.sides as usize;
        let eni = |eni: Option<EniIx>| eni.map_or(NONE, |eni| eni.0);
        if !known {
            self.sides.push(SideIx { source: (NONE, NONE), destination: (NONE, NONE), lost: Losses::default() });
        }
        let sides = &mut self.sides[n];
        sides.source = (via.0, eni(tgw.eni));
        if let (Some(out), Ok((_, port))) = (out, tgw.out) {
            sides.destination = (out.0, eni(port));
        }
        match tgw.out.err() {
            None => {}
            Some(TgwLoss::NoRoute) => sides.lost.no_route += 1,
            Some(TgwLoss::Blackhole) => sides.lost.blackhole += 1,
            Some(TgwLoss::Mtu) => sides.lost.mtu += 1,
            Some(TgwLoss::Ttl) => sides.lost.ttl += 1,
            Some(TgwLoss::Other) => sides.lost.other += 1,
        }
    }

    /// Counts a packet in its flow; nothing if there are too many flows.
    fn count(&mut self, second: u64, key: Key, len: u32, flags: u8) -> Option<&mut Counted> {
        debug_assert_eq!(second / self.seconds, self.window, "windows are closed in time");
        let at = match self.index.get(&key) {
            Some(at) => *at,
            None => {
                let count = &mut self.counts[key.subject as usize];
                if *count & !SKIPPED >= self.limit {
                    *count |= SKIPPED;
                    return None;
                }
                *count += 1;
                let at = self.flows.len() as u32;
                self.index.insert(key, at);
                let second = second as u32;
                self.flows.push(Counted {
                    key,
                    packets: 0,
                    bytes: 0,
                    first: second,
                    last: second,
                    next: NONE,
                    sides: NONE,
                    flags: 0,
                    path: TrafficPath::None,
                    own: true,
                });
                at
            }
        };
        self.tally.add(key.subject, key.action() == Action::Accept, len);
        let flow = &mut self.flows[at as usize];
        flow.packets += 1;
        flow.bytes += u64::from(len);
        flow.last = second as u32;
        flow.flags |= flags;
        Some(flow)
    }

    /// Sorts the flows by subject, each subject's in the order in which they began.
    pub(super) fn sort(&mut self) {
        self.starts.clear();
        let mut sum = 0;
        for count in &self.counts {
            self.starts.push(sum);
            sum += count & !SKIPPED;
        }
        self.order.clear();
        self.order.resize(self.flows.len(), 0);
        for (at, flow) in self.flows.iter().enumerate() {
            let to = &mut self.starts[flow.key.subject as usize];
            self.order[*to as usize] = at as u32;
            *to += 1;
        }
        self.tally.check(&self.counts, |subject, accepted| {
            let of = self.of(SubjectIx(subject)).filter(|c| c.is_accepted() == accepted);
            of.fold((0, 0), |(packets, bytes), c| (packets + c.flow.packets, bytes + c.flow.bytes))
        });
    }

    /// The flows of a subject, when sorted.
    pub(super) fn of(&self, subject: SubjectIx) -> impl Iterator<Item = Closed<'_>> {
        let n = subject.0 as usize;
        let (count, end) = (self.counts[n] & !SKIPPED, self.starts[n]);
        self.order[(end - count) as usize..end as usize].iter().map(|at| {
            let flow = &self.flows[*at as usize];
            Closed { flow, sides: self.sides.get(flow.sides as usize) }
        })
    }

    /// True if the subject had more flows than are counted.
    pub(super) fn has_skipped(&self, subject: SubjectIx) -> bool {
        self.counts[subject.0 as usize] & SKIPPED != 0
    }

    /// Places that are held, for flows.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> (usize, usize, usize) {
        (self.flows.capacity(), self.index.capacity(), self.order.capacity())
    }

    pub(super) fn next_window(&mut self) {
        self.window += 1;
        self.index.clear();
        self.flows.clear();
        self.sides.clear();
        self.counts.fill(0);
        self.tally.clear();
    }
}

impl Closed<'_> {
    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self.flow.key.action(), Action::Accept)
    }

    /// The record.
    pub(super) fn record<'s>(&self, subjects: &'s Subjects, subject: SubjectIx) -> Record<'s> {
        let (c, key) = (self.flow, &self.flow.key);
        let what = subjects.subject(subject);
        let is_eni = what.interface.is_some();
        let (src, dst) =
            if is_eni { Flow::shown(what, key.dir(), c.own, key.src, key.dst) } else { (key.src, key.dst) };
        let flow = Flow {
            src,
            dst,
            pkt_src: key.src,
            pkt_dst: key.dst,
            src_port: (key.ports >> 16) as u16,
            dst_port: key.ports as u16,
            protocol: key.protocol(),
            dir: key.dir(),
            action: key.action(),
            tcp_flags: c.flags,
            path: c.path,
        };
        let known = |at: u32| (at != NONE).then(|| subjects.subject(SubjectIx(at)));
        let pair = |(attach, eni): (u32, u32)| known(attach).map(|attach| (attach, known(eni)));
        let sides = self.sides.and_then(|sides| {
            let (source, destination) = (pair(sides.source)?, pair(sides.destination));
            let other: Option<&Subject> =
                if key.dir() == Dir::In { destination.map(|(d, _)| d) } else { Some(source.0) };
            Some(Sides { source, destination, pair: other, lost: sides.lost })
        });
        Record {
            flow,
            packets: c.packets,
            bytes: c.bytes,
            next: known(c.next),
            sides,
            ..Record::empty(subjects, what, Status::Ok, (at(c.first), at(c.last)))
        }
    }
}

fn at(second: u32) -> u64 {
    EPOCH_SECONDS + u64::from(second)
}
