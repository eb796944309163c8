//! How large a packet may be: the largest that passes both ways once the conversation exists, and whether a sender whose
//! packets are too large is told.

use super::ask::{answer_with, packet_of_size, request_with, start_of};
use super::leg::{End, walk};
use super::{Explanation, Origin, Question};
use crate::base::Nanos;
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

/// What a conversation's packets may measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// The largest packet, in bytes with its IP header, that arrives where the request did.
    pub largest: u32,
    /// The largest that the sender would send.
    pub sent: u32,
    /// What stops larger ones; nothing if the sender sends none.
    pub stopped_by: Option<RowIx>,
    /// Whether the sender of a packet that is too large is told so.
    pub told: bool,
}

impl Size {
    /// True if the handshake works and then large packets vanish without a word.
    #[must_use]
    pub const fn hangs(&self) -> bool {
        self.stopped_by.is_some() && !self.told
    }
}

/// The size of the request's direction; nothing if it does not arrive, or if what it passes is no network.
#[must_use]
pub fn size(network: &Network, question: &Question, e: &Explanation) -> Option<Size> {
    let served = matches!(e.request.end, End::Served(..));
    if !e.outcome.passes() || e.inside_guest || served || !question.protocol.has_ports() {
        return None;
    }
    let fabric = &network.fabric;
    let mut flows = FlowState::default();
    let sent = handshake(fabric, &mut flows, question, e);
    let at = start_of(fabric, question);
    let mut passes = |size: u32| -> Result<(), (RowIx, bool)> {
        let packet = packet_of_size(fabric, question, size);
        let (leg, lost) = walk(fabric, &mut flows, packet, at, Nanos::ZERO, DenyPolicy::Stop);
        match leg.end {
            End::Dropped(by) => Err((by, told(fabric, &mut flows, question, leg.notify, &lost))),
            _ => Ok(()),
        }
    };
    match passes(sent) {
        Ok(()) => Some(Size { largest: sent, sent, stopped_by: None, told: true }),
        Err((by, told)) if is_mtu(fabric.rows[by].kind) => {
            let (mut good, mut bad) = (SIZE_MIN, sent);
            while bad.saturating_sub(good) > 1 {
                let middle = good + (bad - good) / 2;
                if passes(middle).is_ok() { good = middle } else { bad = middle }
            }
            Some(Size { largest: good, sent, stopped_by: Some(by), told })
        }
        Err(_) => None,
    }
}

/// Walks the first packet and its answer, and gives the size that the sender's packets will have: its own interface's, and for
/// TCP no more than the other side announces, as it arrives.
fn handshake(fabric: &Fabric, flows: &mut FlowState, question: &Question, e: &Explanation) -> u32 {
    let of = |eni| fabric.enis[eni].guest().map_or(SIZE_MAX, |guest| fabric.guests[guest].mtu);
    let near = match question.from {
        Origin::Eni { eni, .. } => of(eni),
        Origin::Internet { address } => {
            fabric.internet_host(address).map_or(SIZE_INTERNET, |host| fabric.internet_hosts[host].mtu)
        }
        Origin::Site { host, .. } => fabric.internet_hosts[host].mtu,
    };
    let (far, back) = match e.request.end {
        End::Delivered(eni) => (of(eni), Vantage::Out(eni)),
        End::AtSite(host) => (fabric.internet_hosts[host].mtu, fabric.vantage_of(host).unwrap_or(Vantage::Internet)),
        End::AtService(host, back) => (fabric.internet_hosts[host].mtu, back),
        _ => (SIZE_INTERNET, Vantage::Internet),
    };
    // IP and TCP headers.
    let around = if question.to.is_ipv4() { 40 } else { 60 };
    let mss = |size: u32| u16::try_from(size.saturating_sub(around)).unwrap_or(u16::MAX);
    let first = request_with(fabric, question, mss(near));
    let (_, arrived) = walk(fabric, flows, first, start_of(fabric, question), Nanos::ZERO, DenyPolicy::Stop);
    let answer = answer_with(&arrived, mss(far));
    let (_, heard) = walk(fabric, flows, answer, back, Nanos::ZERO, DenyPolicy::Stop);
    let option = heard.payload.slice(0, 4).to_vec();
    match (heard.headers.tcp(), option.as_slice()) {
        (Some(tcp), [2, 4, high, low]) if tcp.options_len >= 4 => {
            near.min(u32::from(u16::from_be_bytes([*high, *low])) + around)
        }
        _ => near,
    }
}

/// Whether the message about a packet that was too large comes back to its sender.
fn told(fabric: &Fabric, flows: &mut FlowState, question: &Question, notify: Option<Notify>, lost: &Packet) -> bool {
    let Some(notify) = notify else { return false };
    let NotifyKind::TooBig { mtu } = notify.kind else { return false };
    let message = quote::too_big(lost, notify.from, mtu);
    let (leg, _) = walk(fabric, flows, message, notify.at, Nanos::ZERO, DenyPolicy::Stop);
    match (question.from, leg.end) {
        (Origin::Eni { eni, .. }, End::Delivered(at)) => fabric.enis[eni].guest() == fabric.enis[at].guest(),
        (Origin::Internet { .. }, End::Exited) | (Origin::Site { .. }, End::AtSite(_)) => true,
        _ => false,
    }
}

const fn is_mtu(kind: RowKind) -> bool {
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
