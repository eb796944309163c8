//! One packet's way from end to end, on a clock that moves only with the links.

use crate::base::ids::{EniIx, InetIx, McastIx, SpeakerIx};
use crate::base::{Instant, Nanos};
use crate::fabric::Fabric;
use crate::flow::FlowState;
use crate::verdict::{Hop, LinkIx, Notify, RowIx, Service, Step, Vantage, Verdict};
use crate::walk::{DenyPolicy, NoRecord, Recorder, Walk};
use crate::wire::{Headers, Packet};

/// Time boundaries that one way may cross before it must be a loop.
pub(super) const HOPS_MAX: usize = 255;

/// One packet's way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Headers at the start.
    pub start: Headers,
    /// Headers at the end.
    pub end_headers: Headers,
    /// Every decision.
    pub steps: Vec<Step>,
    /// Every crossing of an interface, as a flow log sees it.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub end: End,
    /// Time on the links.
    pub latency: Nanos,
    /// What the sender is told if it was dropped.
    pub notify: Option<Notify>,
}

/// How a packet's way ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// A guest has it.
    Delivered(EniIx),
    /// A link-local service has it.
    Served(EniIx, Service),
    /// It is on the internet.
    Exited,
    /// The host of a site has it, or a client of a Client VPN endpoint.
    AtSite(InetIx),
    /// A service of AWS's has it, by an endpoint; its answers enter the network there.
    AtService(InetIx, Vantage),
    /// Copies of it go to the members of a multicast group.
    Replicated(McastIx, EniIx),
    /// A multicast domain has taken a membership message.
    Taken(McastIx),
    /// A router or a gateway has it for itself.
    AtSpeaker(SpeakerIx),
    /// It was dropped.
    Dropped(RowIx),
}

#[derive(Default)]
pub(super) struct Notes {
    pub(super) steps: Vec<Step>,
    pub(super) hops: Vec<Hop>,
}

impl Recorder for Notes {
    const STEPS: bool = true;
    const HOPS: bool = true;
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn hop(&mut self, hop: Hop, _: &Packet) {
        self.hops.push(hop);
    }
}

/// Walks a packet to its end.
pub(crate) fn walk(
    fabric: &Fabric,
    flows: &mut FlowState,
    mut packet: Packet,
    from: Vantage,
    started: Nanos,
    policy: DenyPolicy,
) -> (Leg, Packet) {
    let start = packet.headers;
    let mut notes = Notes::default();
    let mut latency = Nanos::ZERO;
    let mut at = from;
    let mut end = None;
    let mut told = None;
    for _ in 0..HOPS_MAX {
        let now = Instant::START + started + latency;
        let mut walk = Walk { fabric, flows, now, policy, recorder: &mut notes };
        end = match walk.step(&mut packet, at) {
            Verdict::Transit { to, link } => {
                let other = other_line(fabric, walk.flows, now, to);
                let lines = [Some(link), other].into_iter().flatten();
                if let Some(down) = lines.clone().find_map(|line| fabric.link_down(line)) {
                    Some(End::Dropped(down))
                } else {
                    lines.for_each(|line| latency += fabric.link(line).latency);
                    at = to;
                    continue;
                }
            }
            Verdict::Deliver { eni } => Some(End::Delivered(eni)),
            Verdict::Serve { eni, service } => Some(End::Served(eni, service)),
            Verdict::Exit => {
                latency += internet_latency(fabric, &packet);
                Some(End::Exited)
            }
            Verdict::Site { host } => {
                latency += fabric.link(fabric.line_of(host)).latency;
                Some(End::AtSite(host))
            }
            Verdict::Endpoint { host, back } => Some(End::AtService(host, back)),
            Verdict::Replicate { domain, sender } => Some(End::Replicated(domain, sender)),
            Verdict::Taken { domain } => Some(End::Taken(domain)),
            Verdict::Speaker { speaker } => Some(End::AtSpeaker(speaker)),
            Verdict::Drop { by, notify } => {
                told = notify;
                Some(End::Dropped(by))
            }
        };
        break;
    }
    // RFC 791: every forwarding guest and NAT gateway takes one off the time to live, so a loop ends long before this.
    let end = end.expect("a packet's hops run out before HOPS_MAX");
    (
        Leg { start, end_headers: packet.headers, steps: notes.steps, hops: notes.hops, end, latency, notify: told },
        packet,
    )
}

/// What is sealed may cross a line more than the tunnel's own. The walk has said already that it is carried.
fn other_line(fabric: &Fabric, flows: &mut FlowState, now: Instant, to: Vantage) -> Option<LinkIx> {
    let Vantage::TunnelEnd(tunnel, side) = to else { return None };
    let mut walk = Walk { fabric, flows, now, policy: DenyPolicy::Stop, recorder: &mut NoRecord };
    walk.other_line(tunnel, side.other()).ok().flatten()
}

/// One-way latency to the internet host that the packet is for.
pub(super) fn internet_latency(fabric: &Fabric, packet: &Packet) -> Nanos {
    let host = fabric.internet_host(packet.headers.dst).map(|host| &fabric.internet_hosts[host]);
    host.and_then(|host| host.latency).unwrap_or(fabric.link(LinkIx::INTERNET).latency)
}
