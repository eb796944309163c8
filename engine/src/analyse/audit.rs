//! Real flow logs against the model: for each distinct flow at an interface, would the model have said the same?
//!
//! What a record tells is judged where it was written: the packet is made anew and walked to that interface, from the
//! interface that has its source address if there is one, else from its edge; then the filters' answer there is compared
//! with the record's action. Both directions of a conversation are walked on one state, the opener's first, so that
//! answers pass by connection tracking. Who opened it is taken from TCP flags where the log has them, from what
//! listens, and from the ports; where that leaves a doubt, the way that explains more of the records holds.
//!
//! Not judged: records without an action or an interface (of transit gateways, NODATA), and rejected packets of a
//! connection that was accepted before, for AWS also rejects what comes after a connection's end (FLW-2).
//!
//! Invariant: only `walk` decides.

use crate::base::ids::EniIx;
use crate::base::{Nanos, Protocol};
use crate::compile::Network;
use crate::explain::walk_leg;
use crate::flow::FlowState;
use crate::record::flow_log::Field;
use crate::record::flow_log::read::Row;
use crate::verdict::{Dir, RowIx, Vantage};
use crate::walk::DenyPolicy;
use crate::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// First of the ports that clients' systems choose from.
const CLIENT_PORTS: u16 = 32_768;

/// Where a record stands: file and line, or file and row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Position of the file among those that were given.
    pub file: u32,
    /// Line or row, from 1.
    pub line: u64,
}

/// A conversation as one interface sees it: its own side first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Talk {
    /// The interface.
    pub eni: EniIx,
    /// Protocol.
    pub protocol: Protocol,
    /// Address on the interface's side.
    pub local: IpAddr,
    /// Address on the other side.
    pub remote: IpAddr,
    /// Port on the interface's side.
    pub local_port: u16,
    /// Port on the other side.
    pub remote_port: u16,
}

/// Records of one flow with one action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Records.
    pub records: u64,
    /// Packets in them.
    pub packets: u64,
    /// The first of them.
    pub place: Place,
    /// TCP flags of all of them, if the log has them.
    pub flags: Option<u8>,
}

/// Records of a conversation, by direction and action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Records([Option<Seen>; 4]);

/// What became of one flow's records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Judgement {
    /// The model says the same.
    Agrees,
    /// AWS accepted it, the model does not.
    Denied,
    /// AWS rejected it, the model would not.
    Allowed,
    /// AWS saw it at the interface, the model stops it before.
    Stopped,
    /// A rejected packet of a connection that was accepted: not judged.
    Late,
}

/// One distinct flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The conversation.
    pub talk: Talk,
    /// Direction at the interface.
    pub dir: Dir,
    /// What AWS did.
    pub accepted: bool,
    /// Its records.
    pub seen: Seen,
    /// What the model says of it.
    pub judgement: Judgement,
    /// The row by which it says so.
    pub by: RowIx,
}

/// What cannot be judged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unjudged {
    /// Records without a flow: NODATA, SKIPDATA.
    pub empty: u64,
    /// Records that lack a field that it takes: action, interface, addresses.
    pub incomplete: u64,
    /// Records by interface that the topology lacks.
    pub unknown: BTreeMap<String, (u64, Place)>,
}

/// Collects records.
#[derive(Debug)]
pub struct Audit<'a> {
    network: &'a Network,
    enis: FxHashMap<&'a str, EniIx>,
    talks: FxHashMap<Talk, Records>,
    /// Records in all.
    pub records: u64,
    /// What cannot be judged.
    pub unjudged: Unjudged,
}

impl<'a> Audit<'a> {
    /// Nothing has been read yet.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        let enis = network.names.enis.iter_enumerated().map(|(eni, label)| (label.id.as_str(), eni)).collect();
        Self { network, enis, talks: FxHashMap::default(), records: 0, unjudged: Unjudged::default() }
    }

    /// Takes a record.
    pub fn record(&mut self, row: &Row<'_>, place: Place) {
        self.records += 1;
        if !row.is_flow() {
            self.unjudged.empty += 1;
            return;
        }
        let src = row.address(Field::PktSrcAddr).or_else(|| row.address(Field::SrcAddr));
        let dst = row.address(Field::PktDstAddr).or_else(|| row.address(Field::DstAddr));
        let protocol = row.number(Field::Protocol);
        let (Some(id), Some(accepted), Some(src), Some(dst), Some(protocol)) =
            (row.word(Field::InterfaceId), row.accepted(), src, dst, protocol)
        else {
            self.unjudged.incomplete += 1;
            return;
        };
        let Some(&eni) = self.enis.get(id) else {
            let unknown = self.unjudged.unknown.entry(id.to_owned()).or_insert((0, place));
            unknown.0 += 1;
            return;
        };
        let port = |field| row.number(field).unwrap_or(0) as u16;
        let (src_port, dst_port) = (port(Field::SrcPort), port(Field::DstPort));
        let dir = match row.word(Field::FlowDirection) {
            Some("ingress") => Dir::In,
            Some(_) => Dir::Out,
            // Without the field: out if the source is the interface's own; a NAT gateway's are told by who is the stranger.
            None if self.network.fabric.owns(eni, row.address(Field::SrcAddr).unwrap_or(src)) => Dir::Out,
            None => Dir::In,
        };
        let protocol = Protocol(protocol as u8);
        let talk = match dir {
            Dir::Out => Talk { eni, protocol, local: src, remote: dst, local_port: src_port, remote_port: dst_port },
            Dir::In => Talk { eni, protocol, local: dst, remote: src, local_port: dst_port, remote_port: src_port },
        };
        let flags = row.number(Field::TcpFlags).map(|flags| flags as u8);
        let packets = row.number(Field::Packets).unwrap_or(1);
        let slot = &mut self.talks.entry(talk).or_default().0[slot(dir, accepted)];
        match slot {
            Some(seen) => {
                seen.records += 1;
                seen.packets += packets;
                seen.place = seen.place.min(place);
                seen.flags = seen.flags.zip(flags).map(|(a, b)| a | b).or(seen.flags).or(flags);
            }
            None => *slot = Some(Seen { records: 1, packets, place, flags }),
        }
    }

    /// Judges every flow: in the order of the records.
    #[must_use]
    pub fn judge(&self) -> Vec<Finding> {
        let mut talks: Vec<(&Talk, &Records)> = self.talks.iter().collect();
        talks.sort_unstable_by_key(|(talk, records)| (records.0.iter().flatten().map(|s| s.place).min(), **talk));
        talks.into_par_iter().flat_map_iter(|(talk, records)| self.talk(talk, records)).collect()
    }

    fn talk(&self, talk: &Talk, records: &Records) -> Vec<Finding> {
        let (first, sure) = self.opener(talk, records);
        let found = self.opened_by(talk, records, first);
        let differs = |found: &[Finding]| {
            found.iter().filter(|f| !matches!(f.judgement, Judgement::Agrees | Judgement::Late)).count()
        };
        if sure || differs(&found) == 0 {
            return found;
        }
        let other = self.opened_by(talk, records, opposite(first));
        if differs(&other) < differs(&found) { other } else { found }
    }

    /// The direction of the first packet, and whether there is no doubt: flags say it, one side listens, or one port is
    /// of those that systems take for clients (RFC 6335 section 6; Linux begins at 32768) and the other is not.
    fn opener(&self, talk: &Talk, records: &Records) -> (Dir, bool) {
        if let Some(dir) = said_by_flags(records) {
            return (dir, true);
        }
        let fabric = &self.network.fabric;
        let listens = |eni: Option<EniIx>, port: u16| {
            let guest = eni.and_then(|eni| fabric.enis[eni].guest()).map(|guest| &fabric.guests[guest]);
            guest.and_then(|guest| guest.listens(talk.protocol, port)) == Some(true)
        };
        let vpc = fabric.enis[talk.eni].vpc;
        let (here, there) =
            (listens(Some(talk.eni), talk.local_port), listens(fabric.eni_with(vpc, talk.remote), talk.remote_port));
        let clients = |port: u16| port >= CLIENT_PORTS;
        match (here, there) {
            (true, false) => return (Dir::In, true),
            (false, true) => return (Dir::Out, true),
            _ => {}
        }
        match (clients(talk.local_port), clients(talk.remote_port)) {
            (false, true) if talk.local_port > 0 => (Dir::In, true),
            (true, false) if talk.remote_port > 0 => (Dir::Out, true),
            _ if talk.local_port < talk.remote_port => (Dir::In, false),
            _ => (Dir::Out, false),
        }
    }

    /// Judges the records of a conversation whose first packet goes this way.
    fn opened_by(&self, talk: &Talk, records: &Records, first: Dir) -> Vec<Finding> {
        let mut flows = FlowState::default();
        let mut out = Vec::new();
        for (n, dir) in [first, opposite(first)].into_iter().enumerate() {
            let answer = self.ask(talk, dir, n == 0, &mut flows, n as u64);
            for accepted in [true, false] {
                let Some(seen) = records.0[slot(dir, accepted)] else { continue };
                let judgement = match answer {
                    Answer::Here(would, _) if would == accepted => Judgement::Agrees,
                    // What was dropped on the way was not written here, whatever the filters would say.
                    Answer::Before(_) => Judgement::Stopped,
                    Answer::Here(false, _) => Judgement::Denied,
                    Answer::Here(true, _) if is_late(records, dir, seen) => Judgement::Late,
                    Answer::Here(true, _) => Judgement::Allowed,
                };
                let (Answer::Here(_, by) | Answer::Before(by)) = answer;
                out.push(Finding { talk: *talk, dir, accepted, seen, judgement, by });
            }
        }
        out
    }

    /// Walks one packet to the interface.
    fn ask(&self, talk: &Talk, dir: Dir, opens: bool, flows: &mut FlowState, n: u64) -> Answer {
        let fabric = &self.network.fabric;
        let packet = packet(talk, dir, opens);
        let src = packet.headers.src;
        let e = &fabric.enis[talk.eni];
        let started = Nanos::from_millis(n);
        let from = match dir {
            Dir::Out => Some(Vantage::Out(talk.eni)),
            // The sender, if it is one of this network's: in the same VPC, else in another.
            Dir::In => {
                let near = fabric.eni_with(e.vpc, src);
                let mut far =
                    fabric.vpcs.indices().filter(|vpc| *vpc != e.vpc).filter_map(|vpc| fabric.eni_with(vpc, src));
                near.or_else(|| far.next().filter(|_| far.next().is_none()))
                    .filter(|f| *f != talk.eni)
                    .map(Vantage::Out)
            }
        };
        let local = Vantage::In { eni: talk.eni, from: None, entered: !fabric.subnets[e.subnet].contains(src) };
        let vantage = from.unwrap_or(local);
        let mut state = flows.clone();
        let (leg, _) = walk_leg(fabric, &mut state, packet.clone(), vantage, started, DenyPolicy::Stop);
        let here = leg.hops.iter().find(|hop| hop.eni == talk.eni && hop.dir == dir);
        if let Some(hop) = here {
            *flows = state;
            return Answer::Here(hop.accepted, hop.by);
        }
        match leg.end {
            crate::explain::End::Dropped(by) if vantage != local => Answer::Before(by),
            // It goes another way in the model: asked at the interface itself.
            _ => {
                let (leg, _) = walk_leg(fabric, flows, packet, local, started, DenyPolicy::Stop);
                match leg.hops.iter().find(|hop| hop.eni == talk.eni && hop.dir == dir) {
                    Some(hop) => Answer::Here(hop.accepted, hop.by),
                    None => Answer::Before(e.rows),
                }
            }
        }
    }
}

/// What the model says.
#[derive(Clone, Copy)]
enum Answer {
    /// At the interface: accepted or not, and the row.
    Here(bool, RowIx),
    /// It is dropped on the way there.
    Before(RowIx),
}

const fn slot(dir: Dir, accepted: bool) -> usize {
    (matches!(dir, Dir::Out) as usize) << 1 | accepted as usize
}

const fn opposite(dir: Dir) -> Dir {
    match dir {
        Dir::In => Dir::Out,
        Dir::Out => Dir::In,
    }
}

/// The direction of the first packet, if flags tell: a SYN goes with it, a SYN-ACK against it.
fn said_by_flags(records: &Records) -> Option<Dir> {
    for dir in [Dir::In, Dir::Out] {
        for seen in [true, false].into_iter().filter_map(|accepted| records.0[slot(dir, accepted)]) {
            match seen.flags {
                Some(flags) if flags & 0x12 == 0x12 => return Some(opposite(dir)),
                Some(flags) if flags & 2 == 2 => return Some(dir),
                _ => {}
            }
        }
    }
    None
}

/// True if these rejected packets may have come after the end of a connection that was accepted.
fn is_late(records: &Records, dir: Dir, seen: Seen) -> bool {
    records.0[slot(dir, true)].is_some() && seen.flags.is_none_or(|flags| flags & 2 == 0)
}

/// The packet that a record tells of.
fn packet(talk: &Talk, dir: Dir, opens: bool) -> Packet {
    let (src, dst, src_port, dst_port) = match dir {
        Dir::Out => (talk.local, talk.remote, talk.local_port, talk.remote_port),
        Dir::In => (talk.remote, talk.local, talk.remote_port, talk.local_port),
    };
    let flags = if opens { TcpFlags::SYN } else { TcpFlags::SYN_ACK };
    let l4 = match talk.protocol {
        Protocol::TCP => L4::Tcp(Tcp { src_port, dst_port, seq: 0, ack: 0, window: 0, flags, options_len: 0 }),
        Protocol::UDP => L4::Udp(Udp { src_port, dst_port, length: 8 }),
        Protocol::ICMP => {
            L4::Icmp(Icmp { kind: if opens { Icmp::ECHO } else { Icmp::ECHO_REPLY }, code: 0, rest: 1 << 16 })
        }
        Protocol::ICMPV6 => {
            L4::Icmp(Icmp { kind: if opens { Icmp::V6_ECHO } else { Icmp::V6_ECHO_REPLY }, code: 0, rest: 1 << 16 })
        }
        _ => L4::None,
    };
    let fragment = Fragment { dont: src.is_ipv6(), ..Fragment::default() };
    let headers = Headers { src, dst, protocol: talk.protocol, ttl: 64, traffic_class: 0, fragment, l4 };
    Packet { headers, tag: 0, payload: Payload::EMPTY }
}
