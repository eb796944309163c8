//! How large a packet may be once the conversation exists, and whether a sender whose packets are too large is told: of the
//! asker's packets, and of the answers of a TCP connection.
//!
//! Not asked: answers without a connection, and those of an endpoint's service, whose sizes nobody knows.

use super::ask::{answer_of_size, answer_with, packet_of_size, request_with, start_of};
use super::leg::{End, walk};
use super::{Explanation, Origin, Part, Question};
use crate::base::{Nanos, Protocol};
use crate::compile::Network;
use crate::fabric::Fabric;
use crate::flow::FlowState;
use crate::verdict::{Notify, NotifyKind, RowIx, RowKind, Vantage};
use crate::walk::DenyPolicy;
use crate::wire::{Packet, quote};

/// Smallest packet that every host takes (RFC 791).
const SIZE_MIN: u32 = 576;
/// Largest packet of a network interface in a VPC.
const SIZE_MAX: u32 = 9001;
/// What a host on the internet takes.
const SIZE_INTERNET: u32 = 1500;
/// Places on one way that each take less than the one before.
const BOTTLENECKS_MAX: usize = 16;

/// What a conversation's packets may measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Whose packets: the asker's, or the answers.
    pub part: Part,
    /// The largest packet, in bytes with its IP header, that arrives where the first one did.
    pub largest: u32,
    /// The largest that the sender would send.
    pub sent: u32,
    /// What stops larger ones; nothing if the sender sends none.
    pub stopped_by: Option<RowIx>,
    /// Whether the sender of a packet that is too large is told so.
    pub told: bool,
    /// What drops the message that would tell it.
    pub untold_by: Option<RowIx>,
}

impl Size {
    /// True if the handshake works and then large packets vanish without a word.
    #[must_use]
    pub const fn hangs(&self) -> bool {
        self.stopped_by.is_some() && !self.told
    }
}

/// The size of the first direction whose large packets are stopped, else of the request's; nothing if the request does not
/// arrive, or if what it passes is no network.
#[must_use]
pub fn size(network: &Network, question: &Question, e: &Explanation) -> Option<Size> {
    let sizes = sizes(network, question, e);
    sizes.iter().find(|size| size.stopped_by.is_some()).or(sizes.first()).copied()
}

/// The sizes of the asker's packets and of the answers, as far as they are asked about. The answers' only if they are known.
#[must_use]
pub fn sizes(network: &Network, question: &Question, e: &Explanation) -> Vec<Size> {
    let served = matches!(e.request.end, End::Served(..));
    if !e.outcome.passes() || e.inside_guest || served || !question.protocol.has_ports() {
        return Vec::new();
    }
    let fabric = &network.fabric;
    let mut flows = FlowState::default();
    let made = handshake(fabric, &mut flows, question, e);
    let packet = |size: u32| packet_of_size(fabric, question, size);
    let asker = |end: End| match (question.from, end) {
        (Origin::Eni { eni, .. }, End::Delivered(at)) => fabric.enis[eni].guest() == fabric.enis[at].guest(),
        (Origin::Internet { .. }, End::Exited) | (Origin::Site { .. }, End::AtSite(_)) => true,
        _ => false,
    };
    let at = start_of(fabric, question);
    let Some(request) = largest(fabric, &mut flows, Part::Request, at, made.asker_sends, packet, asker) else {
        return Vec::new();
    };
    let answers = question.protocol == Protocol::TCP && !matches!(e.request.end, End::AtService(..));
    if !answers {
        return vec![request];
    }
    let packet = |size: u32| answer_of_size(&made.arrived, size);
    let host = |end: End| match (e.request.end, end) {
        (End::Delivered(eni), End::Delivered(at)) => fabric.enis[eni].guest() == fabric.enis[at].guest(),
        (End::Exited, End::Exited) | (End::AtSite(_), End::AtSite(_)) => true,
        _ => false,
    };
    let reply = largest(fabric, &mut flows, Part::Reply, made.back, made.host_sends, packet, host);
    std::iter::once(request).chain(reply).collect()
}

/// The largest packet of one direction: a sender that is told sends as much as it was told, until something else stops it
/// (path MTU discovery). Nothing if something else than its size stops it.
fn largest(
    fabric: &Fabric,
    flows: &mut FlowState,
    part: Part,
    at: Vantage,
    sent: u32,
    packet: impl Fn(u32) -> Packet,
    is_sender: impl Fn(End) -> bool,
) -> Option<Size> {
    let mut passes = |size: u32| -> Result<(), (RowIx, Result<u32, Option<RowIx>>)> {
        let (leg, lost) = walk(fabric, flows, packet(size), at, Nanos::ZERO, DenyPolicy::Stop);
        match leg.end {
            End::Dropped(by) => Err((by, told(fabric, flows, leg.notify, &lost, &is_sender))),
            _ => Ok(()),
        }
    };
    let (mut size, mut stopped_by) = (sent, None);
    for _ in 0..BOTTLENECKS_MAX {
        match passes(size) {
            Ok(()) => return Some(Size { part, largest: size, sent, stopped_by, told: true, untold_by: None }),
            Err((by, _)) if !is_mtu(fabric.rows[by].kind) => return None,
            Err((by, Ok(mtu))) if mtu < size => (size, stopped_by) = (mtu, Some(by)),
            Err((by, told)) => {
                let (mut good, mut bad) = (SIZE_MIN.min(size), size);
                while bad.saturating_sub(good) > 1 {
                    let middle = good + (bad - good) / 2;
                    if passes(middle).is_ok() { good = middle } else { bad = middle }
                }
                let untold_by = told.err().flatten();
                return Some(Size { part, largest: good, sent, stopped_by: Some(by), told: false, untold_by });
            }
        }
    }
    None
}

/// What the first packet and its answer agree on.
struct Handshake {
    /// The size of the asker's packets: its own interface's, and for TCP no more than the other side announces, as it arrives.
    asker_sends: u32,
    /// The same of the host at the end.
    host_sends: u32,
    /// The first packet where it arrived.
    arrived: Packet,
    /// Where answers begin.
    back: Vantage,
}

/// Walks the first packet and its answer.
fn handshake(fabric: &Fabric, flows: &mut FlowState, question: &Question, e: &Explanation) -> Handshake {
    let of = |eni| fabric.enis[eni].guest().map_or(SIZE_MAX, |guest| fabric.guests[guest].mtu);
    let outside = |address| fabric.internet_host(address).map_or(SIZE_INTERNET, |host| fabric.internet_hosts[host].mtu);
    let near = match question.from {
        Origin::Eni { eni, .. } => of(eni),
        Origin::Internet { address } => outside(address),
        Origin::Site { host, .. } => fabric.internet_hosts[host].mtu,
    };
    let (far, back) = match e.request.end {
        End::Delivered(eni) => (of(eni), Vantage::Out(eni)),
        End::AtSite(host) => (fabric.internet_hosts[host].mtu, fabric.vantage_of(host).unwrap_or(Vantage::Internet)),
        End::AtService(host, back) => (fabric.internet_hosts[host].mtu, back),
        _ => (outside(e.request.end_headers.dst), Vantage::Internet),
    };
    // IP and TCP headers.
    let around = if question.to.is_ipv4() { 40 } else { 60 };
    let mss = |size: u32| u16::try_from(size.saturating_sub(around)).unwrap_or(u16::MAX);
    let first = request_with(fabric, question, mss(near));
    let (_, arrived) = walk(fabric, flows, first, start_of(fabric, question), Nanos::ZERO, DenyPolicy::Stop);
    let answer = answer_with(&arrived, mss(far));
    let (_, heard) = walk(fabric, flows, answer, back, Nanos::ZERO, DenyPolicy::Stop);
    let announced = |packet: &Packet, own: u32| {
        let option = packet.payload.slice(0, 4).to_vec();
        match (packet.headers.tcp(), option.as_slice()) {
            (Some(tcp), [2, 4, high, low]) if tcp.options_len >= 4 => {
                own.min(u32::from(u16::from_be_bytes([*high, *low])) + around)
            }
            _ => own,
        }
    };
    Handshake { asker_sends: announced(&heard, near), host_sends: announced(&arrived, far), arrived, back }
}

/// The size that the message about a packet that was too large tells its sender, if it comes back; if not, what drops it, if
/// anybody sends one.
fn told(
    fabric: &Fabric,
    flows: &mut FlowState,
    notify: Option<Notify>,
    lost: &Packet,
    is_sender: &impl Fn(End) -> bool,
) -> Result<u32, Option<RowIx>> {
    let notify = notify.ok_or(None)?;
    let NotifyKind::TooBig { mtu } = notify.kind else { return Err(None) };
    let message = quote::too_big(lost, notify.from, mtu);
    let (leg, _) = walk(fabric, flows, message, notify.at, Nanos::ZERO, DenyPolicy::Stop);
    match leg.end {
        End::Dropped(by) => Err(Some(by)),
        end => is_sender(end).then_some(mtu).ok_or(None),
    }
}

/// True for rows that drop a packet for its size.
pub(super) const fn is_mtu(kind: RowKind) -> bool {
    use RowKind as K;
    matches!(
        kind,
        K::MtuGuest
            | K::MtuIgw
            | K::MtuNat
            | K::MtuTgw
            | K::MtuVpce
            | K::PcxMtu
            | K::TunnelMtu
            | K::VifMtu
            | K::VgwMtu
            | K::DxgwMtu
            | K::LinkMtu
    )
}
