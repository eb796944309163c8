//! Asks a question: two walks, and what the host at the end says in between.

use super::choice::alternatives;
use super::leg::{End, Leg, walk};
use super::{Blocker, Explanation, Origin, Outcome, Part, Question};
use crate::base::ids::{EniIx, GuestIx, InetIx, McastIx, SpeakerIx};
use crate::base::{Nanos, Protocol};
use crate::compile::Network;
use crate::fabric::{EniRow, Fabric, RouterRow};
use crate::flow::{FlowState, Pick, Picks};
use crate::verdict::{Decision, Reason, RowIx, Service, Stage, Step, Vantage, reason_of};
use crate::walk::{DenyPolicy, members};
use crate::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};
use std::collections::BTreeMap;

/// Time to live of what a host sends (Linux).
const TTL: u8 = 64;
/// Identifier of the echo request that a question stands for.
const ECHO_ID: u32 = 1;
/// Data bytes of an echo request, as ping sends it.
const ECHO_BYTES: u32 = 56;

/// What the host at the end does with the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It answers.
    Yes,
    /// It refuses: RST, or port unreachable.
    Refuse(RowIx),
    /// It says nothing.
    Silent(RowIx),
}

/// Answers a question.
#[must_use]
pub fn ask(network: &Network, question: &Question) -> Explanation {
    let mut explanation = decide(network, question);
    let blocked =
        explanation.decided_by.is_some_and(|(_, by)| reason_of(network.fabric.rows[by].kind) == Reason::Blocked);
    if blocked {
        let (all, _) = one(network, question, DenyPolicy::CollectAll, &BTreeMap::new());
        explanation.blockers = all.blockers;
    }
    explanation
}

/// The same without what else would block: of [`Explanation::blockers`] only the first is there.
#[must_use]
pub fn decide(network: &Network, question: &Question) -> Explanation {
    let (mut explanation, asked) = one(network, question, DenyPolicy::Stop, &BTreeMap::new());
    if !asked.is_empty() {
        explanation.alternatives = alternatives(|forced| one(network, question, DenyPolicy::Stop, forced));
    }
    explanation
}

/// Where `explanation` says that AWS's choices decide: the first way that ends as `wanted`. Every row that blocks, in any case.
pub(super) fn ask_all(
    network: &Network,
    question: &Question,
    explanation: &Explanation,
    wanted: impl Fn(Outcome) -> bool,
) -> Explanation {
    let way = explanation.alternatives.iter().find(|a| wanted(a.outcome));
    let forced = way.map(|a| a.picks.iter().zip(&a.at).map(|((pick, ..), at)| (*pick, *at)).collect());
    let forced: BTreeMap<Pick, u32> = forced.unwrap_or_default();
    let (stop, _) = one(network, question, DenyPolicy::Stop, &forced);
    let (all, _) = one(network, question, DenyPolicy::CollectAll, &forced);
    Explanation { decided_by: stop.decided_by, outcome: stop.outcome, ..all }
}

/// One walk of request and reply with these picks forced, and the picks that were asked for.
fn one(
    network: &Network,
    question: &Question,
    policy: DenyPolicy,
    forced: &BTreeMap<Pick, u32>,
) -> (Explanation, Vec<(Pick, Vec<u32>)>) {
    let picks = Picks::forced(forced.iter().map(|(pick, option)| (*pick, *option)));
    let mut flows = FlowState { picks, ..FlowState::default() };
    let packet = request(&network.fabric, question);
    let mut explanation = both_ways(network, question, (packet, Nanos::ZERO), policy, &mut flows);
    let asked = flows.picks.asked().to_vec();
    // Where a copy goes is no part of the question: its choices are not asked about.
    while let Some(copy) = flows.copies.pop_front() {
        let at = Vantage::Mirror { session: copy.session, eni: copy.eni };
        let (leg, _) = walk(&network.fabric, &mut flows, copy.packet, at, Nanos::ZERO, DenyPolicy::Stop);
        explanation.mirrored.push((copy.session, leg));
    }
    (explanation, asked)
}

/// What becomes of the next packet of a TCP connection, or of a UDP stream, that was made while everything let it pass and has
/// been idle for so long: tracked connections and translations are there, unless they have expired since (CT-3, NAT-6).
#[must_use]
pub fn ask_established(network: &Network, question: &Question, idle: Nanos) -> Explanation {
    let fabric = &network.fabric;
    let mut flows = FlowState::default();
    let first = request(fabric, question);
    let next = later(first.clone());
    let mut started = Nanos::ZERO;
    // The handshake, or two exchanges, past every denial.
    for packet in [first, next.clone()] {
        let made = both_ways(network, question, (packet, started), DenyPolicy::CollectAll, &mut flows);
        started += made.request.latency + made.reply.map_or(Nanos::ZERO, |reply| reply.latency);
    }
    let mut again = flows.clone();
    let out = both_ways(network, question, (next.clone(), started + idle), DenyPolicy::Stop, &mut flows);
    let all = both_ways(network, question, (next, started + idle), DenyPolicy::CollectAll, &mut again);
    let blocked = out.decided_by.is_some_and(|(_, by)| reason_of(fabric.rows[by].kind) == Reason::Blocked);
    if blocked { Explanation { blockers: all.blockers, ..out } } else { out }
}

/// What becomes of the packet after a TCP handshake that passes, if that one does not: where a middlebox on one way only takes
/// it for the first of another conversation.
#[must_use]
pub fn ask_on(network: &Network, question: &Question, handshake: &Explanation) -> Option<Explanation> {
    let made = handshake.outcome == Outcome::Open && question.protocol == Protocol::TCP;
    if !made || handshake.depends_on_choice() || handshake.inside_guest {
        return None;
    }
    Some(ask_established(network, question, Nanos::ZERO)).filter(|on| !on.outcome.passes())
}

/// A packet of the same conversation that does not begin it.
fn later(mut packet: Packet) -> Packet {
    if let L4::Tcp(tcp) = &mut packet.headers.l4 {
        (tcp.flags, tcp.ack) = (TcpFlags::ACK, 1);
    }
    packet
}

fn both_ways(
    network: &Network,
    question: &Question,
    (packet, started): (Packet, Nanos),
    policy: DenyPolicy,
    flows: &mut FlowState,
) -> Explanation {
    let fabric = &network.fabric;
    if let Some(inside) = inside_guest(fabric, question, &packet) {
        return inside;
    }
    let from = start_of(fabric, question);
    if let Origin::Eni { eni, .. } = question.from
        && let Some(down) = sender_down(fabric, eni)
    {
        return stopped(question, &packet, down);
    }
    let (leg, arrived) = walk(fabric, flows, packet, from, started, policy);
    let mut blockers: Vec<Blocker> = denials(Part::Request, &leg);
    let mut out = Explanation {
        question: *question,
        outcome: Outcome::NoReply,
        request: leg,
        reply: None,
        decided_by: None,
        blockers: Vec::new(),
        supposes_listener: None,
        reply_from_elsewhere: false,
        inside_guest: false,
        copies: Vec::new(),
        mirrored: Vec::new(),
        alternatives: Vec::new(),
    };
    let (answer, back_from, guest) = match out.request.end {
        End::Dropped(by) => {
            out.decided_by = Some((Part::Request, by));
            out.outcome = outcome_of_drop(fabric, by);
            out.blockers = blockers;
            return out;
        }
        End::Delivered(eni) => {
            let guest = fabric.enis[eni].guest().expect("only guests are delivered to");
            // GST-3.
            let own = fabric.guest_eni_with(guest, arrived.headers.dst).unwrap_or(eni);
            let (answer, supposed) = guest_answer(fabric, guest, eni, &arrived.headers);
            out.supposes_listener = supposed.then_some(guest);
            (answer, Vantage::Out(own), Some(guest))
        }
        End::Served(eni, service) => (service_answer(fabric, eni, service, &arrived.headers), Vantage::Out(eni), None),
        End::Exited => (internet_answer(fabric, &arrived.headers), Vantage::Internet, None),
        End::AtSpeaker(speaker) => (speaker_answer(fabric, speaker, &arrived.headers), Vantage::Speaker(speaker), None),
        End::AtSite(host) => (host_answer(fabric, host, &arrived.headers), at_site(fabric, host), None),
        // The endpoint has let pass only what its service answers.
        End::AtService(host, back @ Vantage::Public { .. }) => {
            (host_answer(fabric, host, &arrived.headers), back, None)
        }
        End::AtService(_, back) => (Answer::Yes, back, None),
        End::Replicated(domain, sender) => {
            out.blockers = blockers;
            copies(fabric, flows, (&mut out, started), &arrived, (domain, sender), policy);
            return out;
        }
        End::Taken(_) => {
            out.outcome = Outcome::Open;
            return out;
        }
    };
    let _ = guest;
    if let Answer::Silent(by) = answer {
        if let End::Served(eni, _) = out.request.end {
            // The service is there and does not answer this: a denial like another.
            let h = arrived.headers;
            let decision = Decision::deny(by);
            let step = Step { stage: Stage::Service(eni), decision, tracked: false, before: h, after: h };
            out.request.steps.push(step);
            blockers.push(Blocker { part: Part::Request, step });
        }
        out.decided_by = Some((Part::Request, by));
        out.outcome = outcome_of_drop(fabric, by);
        if by == fabric.internet_unknown {
            // Whether that host answers is not known. If its answer would not come through, that is enough.
            let (reply, copied) = (reply_to(&arrived, false), flows.copies.len());
            let (leg, _) = walk(fabric, flows, reply, back_from, started + out.request.latency, policy);
            blockers.extend(denials(Part::Reply, &leg));
            if let End::Dropped(row) = leg.end {
                out.decided_by = Some((Part::Reply, row));
                out.outcome = outcome_of_drop(fabric, row);
                out.reply = Some(leg);
            } else if !is_back(fabric, question, &leg) {
                out.decided_by = None;
                out.outcome = Outcome::NoReply;
                out.reply_from_elsewhere = true;
                out.reply = Some(leg);
            } else {
                // A reply that is not told of has no copies either.
                flows.copies.truncate(copied);
            }
        }
        out.blockers = blockers;
        return out;
    }
    let refused = match answer {
        Answer::Refuse(by) => Some(by),
        _ => None,
    };
    // A link-local service answers on the same host: nothing lies in between.
    if matches!(out.request.end, End::Served(..)) {
        out.outcome = answered(question.protocol, refused.is_some());
        out.decided_by = refused.map(|by| (Part::Request, by));
        out.blockers = blockers;
        return out;
    }
    let reply = reply_to(&arrived, refused.is_some());
    let (leg, _) = walk(fabric, flows, reply, back_from, started + out.request.latency, policy);
    blockers.extend(denials(Part::Reply, &leg));
    match leg.end {
        End::Dropped(by) => {
            out.decided_by = Some((Part::Reply, by));
            out.outcome = outcome_of_drop(fabric, by);
        }
        _ if !is_back(fabric, question, &leg) => {
            out.outcome = Outcome::NoReply;
            out.reply_from_elsewhere = true;
        }
        _ => {
            out.outcome = answered(question.protocol, refused.is_some());
            out.decided_by = refused.map(|by| (Part::Request, by));
        }
    }
    out.reply = Some(leg);
    out.blockers = blockers;
    out
}

/// Members take copies, and nobody answers a group: it is open if every copy arrives.
fn copies(
    fabric: &Fabric,
    flows: &mut FlowState,
    (out, started): (&mut Explanation, Nanos),
    packet: &Packet,
    (domain, sender): (McastIx, EniIx),
    policy: DenyPolicy,
) {
    out.outcome = Outcome::Open;
    for eni in members(fabric, flows, domain, packet.headers.dst, sender) {
        let at = Vantage::In { eni, from: None, entered: true };
        let (leg, _) = walk(fabric, flows, packet.clone(), at, started + out.request.latency, policy);
        out.blockers.extend(denials(Part::Request, &leg));
        if let (End::Dropped(by), None) = (leg.end, out.decided_by) {
            out.outcome = outcome_of_drop(fabric, by);
            out.decided_by = Some((Part::Request, by));
        }
        out.copies.push((eni, leg));
    }
}

fn denials(part: Part, leg: &Leg) -> Vec<Blocker> {
    leg.steps.iter().filter(|step| !step.decision.allow).map(|step| Blocker { part, step: *step }).collect()
}

const fn answered(protocol: Protocol, refused: bool) -> Outcome {
    match (refused, protocol.is_icmp()) {
        (true, _) => Outcome::Closed,
        (false, true) => Outcome::Reply,
        (false, false) => Outcome::Open,
    }
}

fn outcome_of_drop(fabric: &Fabric, by: RowIx) -> Outcome {
    match reason_of(fabric.rows[by].kind) {
        Reason::Unknown => Outcome::Unknown,
        _ => Outcome::NoReply,
    }
}

/// The row that says that the sender is not running, if it is not.
fn sender_down(fabric: &Fabric, eni: EniIx) -> Option<RowIx> {
    match fabric.enis[eni].guest() {
        Some(guest) if fabric.guests[guest].running => None,
        _ => match fabric.enis[eni].kind {
            crate::fabric::EniKind::NotModelled(nm) => Some(fabric.not_modelled[nm].row),
            _ => Some(fabric.enis[eni].row(EniRow::GuestDown)),
        },
    }
}

fn stopped(question: &Question, packet: &Packet, by: RowIx) -> Explanation {
    let h = packet.headers;
    let leg = Leg {
        start: h,
        end_headers: h,
        steps: Vec::new(),
        hops: Vec::new(),
        end: End::Dropped(by),
        latency: Nanos::ZERO,
        notify: None,
    };
    Explanation {
        question: *question,
        outcome: Outcome::NoReply,
        request: leg,
        reply: None,
        decided_by: Some((Part::Request, by)),
        blockers: Vec::new(),
        supposes_listener: None,
        reply_from_elsewhere: false,
        inside_guest: false,
        copies: Vec::new(),
        mirrored: Vec::new(),
        alternatives: Vec::new(),
    }
}

/// Both ends in one guest: its kernel answers, no interface is crossed (GST-1).
fn inside_guest(fabric: &Fabric, question: &Question, packet: &Packet) -> Option<Explanation> {
    let Origin::Eni { eni, .. } = question.from else { return None };
    let guest = fabric.enis[eni].guest()?;
    if !fabric.guest_owns(guest, question.to) {
        return None;
    }
    let (answer, supposed) = guest_answer(fabric, guest, eni, &packet.headers);
    let h = packet.headers;
    let end = match answer {
        _ if !fabric.guests[guest].running => End::Dropped(fabric.enis[eni].row(EniRow::GuestDown)),
        Answer::Silent(by) => End::Dropped(by),
        _ => End::Delivered(eni),
    };
    let (outcome, decided_by) = match (end, answer) {
        (End::Dropped(by), _) => (Outcome::NoReply, Some((Part::Request, by))),
        (_, Answer::Refuse(by)) => (Outcome::Closed, Some((Part::Request, by))),
        _ => (answered(question.protocol, false), None),
    };
    Some(Explanation {
        question: *question,
        outcome,
        request: Leg {
            start: h,
            end_headers: h,
            steps: Vec::new(),
            hops: Vec::new(),
            end,
            latency: Nanos::ZERO,
            notify: None,
        },
        reply: None,
        decided_by,
        blockers: Vec::new(),
        supposes_listener: supposed.then_some(guest),
        reply_from_elsewhere: false,
        inside_guest: true,
        copies: Vec::new(),
        mirrored: Vec::new(),
        alternatives: Vec::new(),
    })
}

/// What a guest says (GST-5, assumed), and whether that supposes a listener that is not described.
fn guest_answer(fabric: &Fabric, guest: GuestIx, eni: EniIx, headers: &Headers) -> (Answer, bool) {
    let (g, e) = (&fabric.guests[guest], &fabric.enis[eni]);
    if headers.protocol.is_icmp() {
        return if g.answers_ping { (Answer::Yes, false) } else { (Answer::Silent(e.row(EniRow::GuestNoPing)), false) };
    }
    if !headers.protocol.has_ports() {
        // Whether a guest speaks another protocol is its own affair.
        return (Answer::Yes, true);
    }
    match g.listens(headers.protocol, headers.ports().1) {
        Some(true) => (Answer::Yes, false),
        Some(false) => (Answer::Refuse(e.row(EniRow::GuestClosed)), false),
        None => (Answer::Yes, true),
    }
}

/// A router answers echo requests for its own addresses; what else it answers is not modelled.
fn speaker_answer(fabric: &Fabric, speaker: SpeakerIx, headers: &Headers) -> Answer {
    match fabric.speakers[speaker].router {
        Some(router) if !headers.protocol.is_icmp() => {
            Answer::Silent(fabric.routers[router].row(RouterRow::Unanswered))
        }
        _ => Answer::Yes,
    }
}

/// SVC-3: each service answers on its own port only.
fn service_answer(fabric: &Fabric, eni: EniIx, service: Service, headers: &Headers) -> Answer {
    let vpc = &fabric.vpcs[fabric.enis[eni].vpc];
    if service.serves(headers.protocol, headers.ports().1) {
        Answer::Yes
    } else {
        Answer::Silent(vpc.row(crate::fabric::VpcRow::ServiceNone))
    }
}

fn internet_answer(fabric: &Fabric, headers: &Headers) -> Answer {
    let Some(host) = fabric.internet_host(headers.dst) else {
        return Answer::Silent(fabric.internet_unknown);
    };
    host_answer(fabric, host, headers)
}

/// Where a site's host or a Client VPN client sends.
fn at_site(fabric: &Fabric, host: InetIx) -> Vantage {
    fabric.vantage_of(host).expect("a host at a site, or a client")
}

fn host_answer(fabric: &Fabric, host: InetIx, headers: &Headers) -> Answer {
    let host = &fabric.internet_hosts[host];
    if headers.protocol.is_icmp() {
        return if host.answers_ping { Answer::Yes } else { Answer::Silent(host.silent) };
    }
    match host.listens(headers.protocol, headers.ports().1) {
        true => Answer::Yes,
        false if host.refuses => Answer::Refuse(host.closed),
        false => Answer::Silent(host.silent),
    }
}

/// True if the reply is where the request came from, and carries the address that the asker wrote to.
fn is_back(fabric: &Fabric, question: &Question, reply: &Leg) -> bool {
    let same = reply.end_headers.src == question.to && reply.end_headers.dst == question.from.address();
    let same = same || reply.start.is_icmp_error();
    same && match (question.from, reply.end) {
        (Origin::Eni { eni, .. }, End::Delivered(at)) => fabric.enis[eni].guest() == fabric.enis[at].guest(),
        (Origin::Internet { .. }, End::Exited) => true,
        (Origin::Site { host, .. }, End::AtSite(at)) => host == at,
        _ => false,
    }
}

/// Where the asker's packets enter the network.
pub(super) fn start_of(fabric: &Fabric, question: &Question) -> Vantage {
    match question.from {
        Origin::Eni { eni, .. } => Vantage::Out(eni),
        Origin::Internet { .. } => Vantage::Internet,
        Origin::Site { host, .. } => at_site(fabric, host),
    }
}

/// The first packet of the conversation, with this maximum segment size if it is TCP.
pub(super) fn request_with(fabric: &Fabric, question: &Question, mss: u16) -> Packet {
    let mut packet = request(fabric, question);
    announce(&mut packet, mss);
    packet
}

/// The answer to it, with this maximum segment size if it is TCP.
pub(super) fn answer_with(request: &Packet, mss: u16) -> Packet {
    let mut packet = reply_to(request, false);
    announce(&mut packet, mss);
    packet
}

/// Writes the option (RFC 9293 section 3.7.1).
fn announce(packet: &mut Packet, mss: u16) {
    if let L4::Tcp(tcp) = &mut packet.headers.l4 {
        let [high, low] = mss.to_be_bytes();
        tcp.options_len = 4;
        packet.payload = Payload::from(&[2, 4, high, low][..]);
    }
}

/// A later packet of the conversation of so many bytes, with don't-fragment as TCP has it.
pub(super) fn packet_of_size(fabric: &Fabric, question: &Question, size: u32) -> Packet {
    filled(later(request(fabric, question)), size)
}

/// A later answer to a packet that arrived, of so many bytes.
pub(super) fn answer_of_size(arrived: &Packet, size: u32) -> Packet {
    filled(later(reply_to(arrived, false)), size)
}

fn filled(mut packet: Packet, size: u32) -> Packet {
    if let L4::Tcp(tcp) = &mut packet.headers.l4 {
        tcp.options_len = 0;
    }
    packet.payload = Payload::EMPTY;
    packet.payload = Payload::Zeros(size.saturating_sub(packet.len()));
    packet.headers.fragment.dont = true;
    if let L4::Udp(udp) = &mut packet.headers.l4 {
        udp.length = u16::try_from(8 + packet.payload.len()).unwrap_or(u16::MAX);
    }
    packet
}

/// The first packet of the conversation.
fn request(fabric: &Fabric, question: &Question) -> Packet {
    let src = question.from.address();
    let ephemeral = match question.from {
        Origin::Eni { eni, .. } => fabric.enis[eni].guest().map_or(40_000, |guest| {
            let range = fabric.guests[guest].ephemeral;
            range.from + (range.to - range.from) / 2
        }),
        Origin::Internet { .. } | Origin::Site { .. } => 40_000,
    };
    let src_port = question.src_port.unwrap_or(ephemeral);
    let (l4, payload) = match question.protocol {
        Protocol::TCP => (L4::Tcp(syn(src_port, question.dst_port)), Payload::EMPTY),
        Protocol::UDP => (L4::Udp(Udp { src_port, dst_port: question.dst_port, length: 8 }), Payload::EMPTY),
        Protocol::ICMP => {
            (L4::Icmp(Icmp { kind: Icmp::ECHO, code: 0, rest: ECHO_ID << 16 | 1 }), Payload::Zeros(ECHO_BYTES))
        }
        Protocol::ICMPV6 => {
            (L4::Icmp(Icmp { kind: Icmp::V6_ECHO, code: 0, rest: ECHO_ID << 16 | 1 }), Payload::Zeros(ECHO_BYTES))
        }
        _ => (L4::None, Payload::EMPTY),
    };
    let dont = src.is_ipv6() || question.protocol == Protocol::TCP;
    let fragment = Fragment { dont, ..Fragment::default() };
    let headers =
        Headers { src, dst: question.to, protocol: question.protocol, ttl: TTL, traffic_class: 0, fragment, l4 };
    Packet { headers, tag: 0, payload }
}

const fn syn(src_port: u16, dst_port: u16) -> Tcp {
    Tcp { src_port, dst_port, seq: 1, ack: 0, window: 64240, flags: TcpFlags::SYN, options_len: 0 }
}

/// What the host at the end sends back.
fn reply_to(request: &Packet, refuse: bool) -> Packet {
    let h = &request.headers;
    let mut reply = Headers { src: h.dst, dst: h.src, ttl: TTL, ..*h };
    match &mut reply.l4 {
        L4::Tcp(tcp) => {
            (tcp.src_port, tcp.dst_port) = (tcp.dst_port, tcp.src_port);
            tcp.ack = tcp.seq.wrapping_add(1);
            tcp.seq = u32::from(!refuse);
            tcp.flags = match (refuse, tcp.flags.has(TcpFlags::SYN)) {
                (true, _) => TcpFlags::RST_ACK,
                (false, true) => TcpFlags::SYN_ACK,
                (false, false) => TcpFlags::ACK,
            };
        }
        L4::Udp(_) if refuse => return crate::wire::quote::port_unreachable(request, h.dst),
        L4::Udp(udp) => (udp.src_port, udp.dst_port) = (udp.dst_port, udp.src_port),
        L4::Icmp(icmp) => {
            icmp.kind = match icmp.kind {
                Icmp::ECHO => Icmp::ECHO_REPLY,
                Icmp::V6_ECHO => Icmp::V6_ECHO_REPLY,
                other => other,
            };
        }
        L4::None => {}
    }
    Packet { headers: reply, tag: request.tag, payload: request.payload.clone() }
}
