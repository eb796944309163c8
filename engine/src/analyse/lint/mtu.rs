//! Connections that open and then hang: a packet of full size does not pass, and no ICMP message that says so comes back to
//! its sender, so that it is sent again and again.
//!
//! Nothing is judged here: the handshake is walked, then packets of the size that the two ends then send (MTU, and the
//! segment size that the other side announces as it arrives), in both directions, and the message about each that is too
//! large. Where one comes back, its sender sends smaller ones, as path MTU discovery does.
//!
//! Not looked at: anything but TCP. Datagrams of that size are rare, and what sends them knows why.

use super::asked::Asked;
use super::{Lint, named};
use crate::analyse::probes;
use crate::base::ids::GuestIx;
use crate::base::{Nanos, Protocol};
use crate::compile::Network;
use crate::explain::{End, Explanation, Origin, Part, walk_leg};
use crate::fabric::Fabric;
use crate::flow::FlowState;
use crate::verdict::{NotifyKind, RowIx, RowKind, Vantage};
use crate::walk::DenyPolicy;
use crate::wire::{Headers, L4, Packet, Payload, TcpFlags, quote};
use std::collections::{BTreeMap, BTreeSet};

/// Largest packet of a network interface in a VPC (MTU-1).
const SIZE_MAX: u32 = 9001;
/// What a host on the internet takes.
const SIZE_INTERNET: u32 = 1500;
/// Every host takes this (RFC 791, RFC 8200).
const SIZE_MIN: u32 = 576;
const SIZE_MIN_V6: u32 = 1280;
/// Sizes that a sender tries, each smaller than the one before: a way has fewer bottlenecks.
const TRIES_MAX: usize = 16;
/// Length of the option that announces a segment size (RFC 9293 section 3.7.1).
const MSS_OPTION: u8 = 4;

/// Where large packets vanish, in which directions, and of which conversations.
pub(super) type Holes = BTreeMap<Hole, (BTreeSet<Part>, Vec<String>)>;

/// Where large packets vanish.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    /// What drops the message about them; nothing if none is sent.
    unheard: Option<RowIx>,
    /// What drops them.
    by: RowIx,
    /// The largest that passes.
    largest: u32,
    v6: bool,
}

/// One end of a connection.
struct Peer {
    at: Vantage,
    mtu: u32,
    guest: Option<GuestIx>,
}

impl Lint<'_> {
    /// Looks at conversations that pass: one for each two ends.
    pub(super) fn holes(&self, pass: &[&Asked], found: &mut Holes) {
        let mut seen = BTreeSet::new();
        let tcp = pass.iter().filter(|a| a.questions[0].protocol == Protocol::TCP);
        let asked: Vec<&&Asked> =
            tcp.filter(|a| seen.insert((a.questions[0].from.address(), a.questions[0].to, &*a.from))).collect();
        let questions: Vec<_> = asked.iter().map(|a| a.questions[0]).collect();
        let network = self.network;
        for (a, holes) in asked.iter().zip(probes(network, &questions, |_, e| holes(network, e))) {
            for (part, hole) in holes {
                let (parts, conversations) = found.entry(hole).or_default();
                parts.insert(part);
                conversations.push(a.text());
            }
        }
    }

    pub(super) fn mtu_black_holes(&mut self, found: Holes) {
        for (hole, (parts, conversations)) in found {
            let whose = match (parts.contains(&Part::Request), parts.contains(&Part::Reply)) {
                (true, true) => "packets both ways",
                (true, false) => "requests",
                _ => "answers",
            };
            self.mtu_black_hole(&hole, whose, conversations);
        }
    }

    fn mtu_black_hole(&mut self, hole: &Hole, whose: &str, conversations: Vec<String>) {
        let fabric = &self.network.fabric;
        let by = self.row_text(hole.by);
        let what =
            format!("{whose} of {} that are larger than {} bytes vanish: {by}", named(conversations), hole.largest);
        let around: u32 = if hole.v6 { 60 } else { 40 };
        let smaller =
            format!("an MTU of {} on the interfaces, or a segment size of {}", hole.largest, hole.largest - around);
        let Some(row) = hole.unheard else {
            let message = format!("{what}; nobody tells the sender");
            self.found_row("mtu-black-hole", hole.by, message, smaller);
            return;
        };
        let message = format!("{what}; the message that tells the sender is dropped: {}", self.row_text(row));
        let icmp =
            if hole.v6 { "icmpv6 type 2 (packet too big)" } else { "icmp type 3, code 4 (fragmentation needed)" };
        let names = &self.network.names;
        let fix = match fabric.rows[row].kind {
            RowKind::AclRule | RowKind::AclLast => {
                let (acl, dir) = (names.row_resource(fabric, row), fabric.rows[row].dir.word());
                format!("a row in acl {acl} {dir} that allows {icmp}; or {smaller}")
            }
            RowKind::SgRule | RowKind::SgLast => format!("a rule that lets {icmp} in; or {smaller}"),
            _ => smaller,
        };
        self.found_row("mtu-black-hole", row, message, fix);
    }
}

/// Where the large packets of a conversation vanish, by direction.
fn holes(network: &Network, e: &Explanation) -> Vec<(Part, Hole)> {
    let fabric = &network.fabric;
    let (Some(reply), Some((near, far))) = (&e.reply, peers(fabric, e)) else { return Vec::new() };
    let mut flows = FlowState::default();
    let mut send =
        |packet: Packet, from: &Peer| walk_leg(fabric, &mut flows, packet, from.at, Nanos::ZERO, DenyPolicy::Stop);
    let around = if e.question.to.is_ipv4() { 40 } else { 60 };
    let announced = |packet: &Packet, other: &Peer| match packet.payload.slice(0, 4).to_vec()[..] {
        [2, MSS_OPTION, high, low] => u32::from(u16::from_be_bytes([high, low])) + around,
        _ => other.mtu,
    };
    let (_, heard) = send(announce(e.request.start, near.mtu - around), &near);
    let to_near = far.mtu.min(announced(&heard, &near));
    let (_, heard) = send(announce(reply.start, far.mtu - around), &far);
    let to_far = near.mtu.min(announced(&heard, &far));
    let ways = [(Part::Request, &near, e.request.start, to_far), (Part::Reply, &far, reply.start, to_near)];
    ways.into_iter().filter_map(|way| hole(fabric, &mut send, way)).collect()
}

/// Sends packets of `size`, and smaller ones as long as the sender is told so.
fn hole(
    fabric: &Fabric,
    send: &mut impl FnMut(Packet, &Peer) -> (crate::explain::Leg, Packet),
    (part, from, headers, mut size): (Part, &Peer, Headers, u32),
) -> Option<(Part, Hole)> {
    let v6 = !headers.is_v4();
    for _ in 0..TRIES_MAX {
        let (leg, lost) = send(data(headers, size), from);
        let End::Dropped(by) = leg.end else { return None };
        let mut unheard = None;
        if let Some((notify, NotifyKind::TooBig { mtu })) = leg.notify.map(|notify| (notify, notify.kind)) {
            let at = Peer { at: notify.at, mtu: 0, guest: None };
            let (told, _) = send(quote::too_big(&lost, notify.from, mtu), &at);
            match told.end {
                End::Dropped(row) => unheard = Some(row),
                end if is_at(fabric, from, end) && mtu < size => {
                    size = mtu;
                    continue;
                }
                _ => return None,
            }
        }
        let mut passes = |size: u32| !matches!(send(data(headers, size), from).0.end, End::Dropped(_));
        let (mut good, mut bad) = (if v6 { SIZE_MIN_V6 } else { SIZE_MIN }, size);
        if good >= bad || !passes(good) {
            // It is not the size.
            return None;
        }
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if passes(middle) { good = middle } else { bad = middle }
        }
        return Some((part, Hole { unheard, by, largest: good, v6 }));
    }
    None
}

/// The ends of a conversation; none if one of them is neither an interface nor a host.
fn peers(fabric: &Fabric, e: &Explanation) -> Option<(Peer, Peer)> {
    let of_guest = |at: Vantage, guest: GuestIx| Peer { at, mtu: fabric.guests[guest].mtu, guest: Some(guest) };
    let near = match e.question.from {
        Origin::Eni { eni, .. } => of_guest(Vantage::Out(eni), fabric.enis[eni].guest()?),
        Origin::Internet { address } => {
            let mtu = fabric.internet_host(address).map_or(SIZE_INTERNET, |host| fabric.internet_hosts[host].mtu);
            Peer { at: Vantage::Internet, mtu, guest: None }
        }
        Origin::Site { host, .. } => {
            Peer { at: fabric.vantage_of(host)?, mtu: fabric.internet_hosts[host].mtu, guest: None }
        }
    };
    let far = match e.request.end {
        End::Delivered(eni) => {
            let guest = fabric.enis[eni].guest()?;
            let own = fabric.guest_eni_with(guest, e.request.end_headers.dst).unwrap_or(eni);
            of_guest(Vantage::Out(own), guest)
        }
        End::AtSite(host) => Peer { at: fabric.vantage_of(host)?, mtu: fabric.internet_hosts[host].mtu, guest: None },
        End::AtService(host, at) => Peer { at, mtu: fabric.internet_hosts[host].mtu, guest: None },
        End::Exited => {
            let host = fabric.internet_host(e.request.end_headers.dst);
            let mtu = host.map_or(SIZE_INTERNET, |host| fabric.internet_hosts[host].mtu);
            Peer { at: Vantage::Internet, mtu, guest: None }
        }
        _ => return None,
    };
    (near.mtu.min(far.mtu) > SIZE_MIN && near.mtu.max(far.mtu) <= SIZE_MAX).then_some((near, far))
}

/// Whether a message has come to the one whose packet it is about.
fn is_at(fabric: &Fabric, peer: &Peer, end: End) -> bool {
    match (peer.guest, end) {
        (Some(guest), End::Delivered(eni)) => fabric.enis[eni].guest() == Some(guest),
        (None, End::Exited | End::AtSite(_) | End::AtService(..)) => true,
        _ => false,
    }
}

/// A SYN, or the answer to one, that announces a segment size.
fn announce(mut headers: Headers, mss: u32) -> Packet {
    let [high, low] = u16::try_from(mss).unwrap_or(u16::MAX).to_be_bytes();
    if let L4::Tcp(tcp) = &mut headers.l4 {
        tcp.options_len = MSS_OPTION;
    }
    Packet { headers, tag: 0, payload: Payload::from(&[2, MSS_OPTION, high, low][..]) }
}

/// A packet of the connection, of so many bytes with its headers, that must not be fragmented.
fn data(mut headers: Headers, size: u32) -> Packet {
    if let L4::Tcp(tcp) = &mut headers.l4 {
        tcp.flags = TcpFlags::ACK;
        tcp.ack = tcp.ack.max(1);
    }
    headers.fragment.dont = true;
    let mut packet = Packet { headers, tag: 0, payload: Payload::EMPTY };
    packet.payload = Payload::Zeros(size.saturating_sub(packet.len()));
    packet
}
