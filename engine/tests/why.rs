//! The law of `why`: what it says is what a run does. On random networks, the same verdict, the same row, the same symptom;
//! where a connection is said to be made, and not to hang, data moves both ways; the first row of the blocked path is the drop that the engine makes; every fix makes the run pass, and no part of one can
//! be left out.
//!
//! `VPCSIM_CASES` and `VPCSIM_SEED` choose how many questions and where to start.

#![allow(clippy::disallowed_methods, reason = "a test may be asked to try more")]

#[allow(unused_imports, reason = "another test uses them")]
mod reference;

use reference::questions::{compiled, question_between, random_question, text, to_engine};
use reference::topology::{Dice, random, random_wide};
use reference::{RefQuestion, World};
use std::collections::BTreeMap;
use vpcsim_engine::base::{Instant, Nanos, Protocol};
use vpcsim_engine::compile::Network;
use vpcsim_engine::event::{Fact, HostRef, Observer};
use vpcsim_engine::explain::fix::{self, Fix, Remedy};
use vpcsim_engine::explain::{End, Explanation, Origin, Outcome, Question, Symptom, ask, ask_on, size, symptom};
use vpcsim_engine::host::{Connect, Datagram, Ping, What};
use vpcsim_engine::names::Names;
use vpcsim_engine::sim::Sim;
use vpcsim_engine::spec::Spec;
use vpcsim_engine::spec::write::to_yaml;
use vpcsim_engine::verdict::{Reason, RowIx, reason_of};

/// Cases where the compiler has optimised, and where it has not.
const CASES: u64 = 100_000;
const CASES_DEBUG: u64 = 1_500;
/// One blocked case in so many is given to the search for a fix.
const FIXED_ONE_IN: u64 = 8;
/// One timeout in so many is waited for.
const WAITED_ONE_IN: u64 = 16;
/// One open connection in so many moves data, and how many bytes each way.
const MOVED_ONE_IN: u64 = 1;
const MOVED: u64 = 30_000;
const QUESTIONS: u64 = 40;
const TAG: u32 = 77;
/// Before a second SYN: what is seen until then is the first packet's fate.
const FIRST: Nanos = Nanos::from_millis(990);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn cases() -> u64 {
    number("VPCSIM_CASES", if cfg!(debug_assertions) { CASES_DEBUG } else { CASES })
}

/// The rows that dropped our packets, in order.
#[derive(Default)]
struct Drops(Vec<RowIx>);

impl Observer for Drops {
    const WATCHES: bool = true;
    fn on(&mut self, _: Instant, fact: &Fact<'_>) {
        if let Fact::Dropped { packet, by } = fact
            && packet.tag == TAG
        {
            self.0.push(*by);
        }
    }
}

/// What a run of the question came to.
struct Ran {
    outcome: Outcome,
    dropped_by: Option<RowIx>,
    /// SYNs sent and time until the connection was given up.
    gave_up: Option<(u32, Nanos)>,
}

/// Who asks, if a host of the simulation can.
fn asker(network: &Network, q: &Question) -> Option<HostRef> {
    match q.from {
        Origin::Eni { eni, .. } => network.fabric.enis[eni].guest().map(HostRef::Guest),
        Origin::Internet { address } => network.fabric.internet_host(address).map(HostRef::Internet),
        Origin::Site { host, .. } => Some(HostRef::Internet(host)),
    }
}

/// Plays the question. Where the answer is not that of `why` at first, the packet may still be on its way, running in a
/// circle: then to the end.
fn run(network: &Network, q: &Question, e: &Explanation) -> Option<Ran> {
    // An empty datagram is no question to a resolver. What does not listen is not described. And a run does not recognise the
    // port unreachable that comes back through NAT64: it is the only answer that the law leaves out.
    let nat64 =
        !q.to.is_ipv4() && e.reply.as_ref().is_some_and(|reply| reply.start.is_v4() && reply.start.is_icmp_error());
    let asks_resolver = matches!(e.request.end, End::Served(..)) && q.protocol == Protocol::UDP;
    if e.supposes_listener.is_some() || asks_resolver || nat64 {
        return None;
    }
    let first = play(network, q, false)?;
    if differ(network, e, &first).is_none() { Some(first) } else { play(network, q, true) }
}

/// Plays the question in the engine. Nothing if no host sends such packets.
fn play(network: &Network, q: &Question, to_the_end: bool) -> Option<Ran> {
    let host = asker(network, q)?;
    if let HostRef::Guest(guest) = host
        && !network.fabric.guests[guest].running
    {
        return None;
    }
    let (src, dst, dst_port, src_port) = (q.from.address(), q.to, q.dst_port, q.src_port);
    let mut sim = Sim::new(network.clone(), 1, Drops::default());
    match q.protocol {
        Protocol::TCP => {
            let request = Connect { src, dst, dst_port, src_port, tag: TAG, send: 0, receive: 0 };
            sim.with_host(host, |h, now| _ = h.connect(now, request));
        }
        Protocol::UDP => {
            let datagram = Datagram { src, dst, src_port, dst_port, bytes: 0, df: false, tag: TAG };
            sim.with_host(host, |h, now| h.send_udp(now, datagram));
        }
        Protocol::ICMP | Protocol::ICMPV6 => {
            let ping = Ping { src, dst, id: 1, seq: 1, bytes: 56, ttl: None, df: false, tag: TAG };
            sim.with_host(host, |h, now| h.ping(now, ping));
        }
        _ => return None,
    }
    let until = if to_the_end { Nanos::from_secs(200) } else { FIRST };
    sim.run_until(Instant::START + until);
    let mut ran = Ran { outcome: Outcome::NoReply, dropped_by: sim.observer.0.first().copied(), gave_up: None };
    while let Some((at, event)) = sim.poll_host_event() {
        if at != host || event.tag != TAG {
            continue;
        }
        match event.what {
            What::Connected { .. } => ran.outcome = Outcome::Open,
            // From elsewhere it is no answer to a socket that is connected.
            What::UdpReceived { src, .. } if src == dst => ran.outcome = Outcome::Open,
            What::Refused { .. } | What::PortUnreachable { .. } => ran.outcome = Outcome::Closed,
            What::EchoReply { .. } => ran.outcome = Outcome::Reply,
            What::TimedOut { syns, .. } => ran.gave_up = Some((syns, event.at.since(Instant::START))),
            _ => {}
        }
    }
    Some(ran)
}

/// Whether so many bytes arrive each way on a TCP connection.
fn moves(network: &Network, q: &Question) -> Option<bool> {
    let host = asker(network, q)?;
    let (src, dst, dst_port, src_port) = (q.from.address(), q.to, q.dst_port, q.src_port);
    let mut sim = Sim::new(network.clone(), 1, Drops::default());
    let request = Connect { src, dst, dst_port, src_port, tag: TAG, send: MOVED, receive: MOVED };
    sim.with_host(host, |h, now| _ = h.connect(now, request));
    sim.run_until(Instant::START + Nanos::from_secs(20));
    let (mut sent, mut received) = (0, 0);
    while let Some((at, event)) = sim.poll_host_event() {
        match event.what {
            What::Sent { bytes, .. } if at == host && event.tag == TAG => sent = sent.max(bytes),
            What::Received { bytes, .. } if at == host && event.tag == TAG => received = received.max(bytes),
            _ => {}
        }
    }
    Some(sent >= MOVED && received >= MOVED)
}

/// How they differ, if they do.
fn differ(network: &Network, e: &Explanation, ran: &Ran) -> Option<String> {
    let names: &Names = &network.names;
    let row = |by: RowIx| names.row_text(&network.fabric, by);
    // UDP: that a datagram passes is all the engine can tell, for what listens may say nothing.
    let same = match e.outcome {
        Outcome::Unknown => ran.outcome == Outcome::NoReply,
        other => other == ran.outcome,
    };
    if !same {
        return Some(format!("why says {}, a run {}", e.outcome.word(), ran.outcome.word()));
    }
    let decided = e.decided_by.map(|(_, by)| by);
    let by = decided.filter(|by| reason_of(network.fabric.rows[*by].kind) == Reason::Blocked);
    // What a host says or does not say is no drop of the network's.
    let agree = match (by, ran.dropped_by) {
        (Some(_), dropped) => by == dropped,
        (None, Some(dropped)) => decided == Some(dropped),
        (None, None) => true,
    };
    // Nobody is there to send the reply that would be dropped, or a service's silence is no drop.
    // And what a stranger says to a reply that went astray is dropped where it may.
    let unheard =
        e.reply_from_elsewhere || matches!(e.request.end, End::Served(..) | End::Exited) && ran.dropped_by.is_none();
    let agree = agree || unheard;
    if !agree {
        return Some(format!("why says {:?}, a run {:?}", decided.map(row), ran.dropped_by.map(row)));
    }
    // A service's silence and a sender that does not run have no step of their own.
    let first = e.blockers.first().map(|b| b.step.decision.by);
    if by.is_some() && first != by && !e.inside_guest {
        return Some(format!("the blocked path begins with {:?}, a run drops by {:?}", first.map(row), by.map(row)));
    }
    None
}

/// How a fix breaks its promise, if it does.
fn broken(spec: &Spec, network: &Network, q: &Question, fix: &Fix) -> Option<String> {
    let names = &network.names;
    let texts: Vec<String> = fix.edits.iter().map(|edit| edit.text(names)).collect();
    let after = |edits: &[fix::Edit]| {
        let (after, _) = fix::apply(spec, edits)?;
        let q = fix::carried(q, network, &after)?;
        Some((ask(&after, &q), after, q))
    };
    let Some((e, changed, asked)) = after(&fix.edits) else { return Some(format!("{texts:?} is refused")) };
    if !fix::passes(&changed, &e) {
        return Some(format!("{texts:?} does not help: {}", e.outcome.word()));
    }
    if let Some(ran) = run(&changed, &asked, &e)
        && let Some(how) = differ(&changed, &e, &ran)
    {
        return Some(format!("{texts:?}: {how}"));
    }
    for left_out in 0..fix.edits.len() {
        let mut fewer = fix.edits.clone();
        fewer.remove(left_out);
        if let Some((e, without, _)) = after(&fewer)
            && fix::passes(&without, &e)
        {
            return Some(format!("{texts:?}: `{}` is not needed", texts[left_out]));
        }
    }
    None
}

#[derive(Default)]
struct Tally {
    compared: u64,
    blocked: u64,
    waited: u64,
    moved: u64,
    fixed: u64,
    no_fix: BTreeMap<String, u64>,
    edits: BTreeMap<String, u64>,
    parts: BTreeMap<usize, u64>,
}

#[test]
fn why_and_run_agree_and_every_fix_works() {
    let mut tally = Tally::default();
    let mut wrong: Vec<String> = Vec::new();
    let mut seed = number("VPCSIM_SEED", 1);
    while tally.compared < cases() && wrong.len() < 40 {
        for wide in [false, true] {
            let spec = if wide { random_wide(seed) } else { random(seed) };
            let ask_of: fn(&World<'_>, &mut Dice) -> Option<RefQuestion> =
                if wide { question_between } else { random_question };
            let network = compiled(&spec);
            let dice = &mut Dice::new(seed.wrapping_mul(131));
            for _ in 0..QUESTIONS {
                let Some(r) = ask_of(&World::new(&spec), dice) else { continue };
                let q = to_engine(&network, &r);
                if let Some(how) = one(&spec, &network, &q, &mut tally) {
                    wrong.push(format!("seed {seed} {}: {}: {how}", if wide { "wide" } else { "one" }, text(&r)));
                    if wrong.len() == 1 {
                        println!("{}", to_yaml(&spec));
                    }
                }
            }
        }
        seed += 1;
    }
    let Tally { compared, blocked, waited, moved, fixed, no_fix, edits, parts } = &tally;
    println!("{compared} compared, {blocked} blocked, {waited} waited for, {moved} moved data, {fixed} fixed");
    println!("by kind {edits:#?}\nparts {parts:?}\nnot fixed {no_fix:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fixed * 20 > *blocked / FIXED_ONE_IN, "too few are fixed: {fixed}");
}

fn one(spec: &Spec, network: &Network, q: &Question, tally: &mut Tally) -> Option<String> {
    let e = ask(network, q);
    if let Some(ran) = run(network, q, &e) {
        tally.compared += 1;
        if let Symptom::TimesOut { syns, after } = symptom(network, &e, None, false)
            && tally.compared.is_multiple_of(WAITED_ONE_IN)
        {
            let gave_up = play(network, q, true).and_then(|ran| ran.gave_up);
            tally.waited += 1;
            if gave_up != Some((syns, after)) {
                return Some(format!("why says {syns} SYNs and {after}, a run {gave_up:?}"));
            }
        }
        if let Some(how) = differ(network, &e, &ran) {
            return Some(how);
        }
        // Nor does a run recognise the "too big" that comes back through NAT64.
        let nat64 = e.request.start.is_v4() != e.request.end_headers.is_v4();
        let open = e.outcome == Outcome::Open && q.protocol == Protocol::TCP && !nat64;
        if open && tally.compared.is_multiple_of(MOVED_ONE_IN) && ask_on(network, q, &e).is_none() {
            let size = size(network, q, &e);
            if let (Symptom::Connects { .. }, Some(moves)) =
                (symptom(network, &e, size.as_ref(), false), size.and_then(|_| moves(network, q)))
            {
                tally.moved += 1;
                if !moves {
                    return Some(format!("why says that packets of {size:?} pass, a run hangs"));
                }
            }
        }
    }
    if fix::passes(network, &e) || e.outcome == Outcome::Unknown {
        return None;
    }
    tally.blocked += 1;
    if !tally.blocked.is_multiple_of(FIXED_ONE_IN) {
        return None;
    }
    match fix::fix(spec, network, q) {
        Remedy::None(no) => {
            let by = e.decided_by.map(|(part, by)| (part.word(), network.fabric.rows[by].kind));
            *tally.no_fix.entry(format!("{} {by:?}", no.word())).or_default() += 1;
        }
        Remedy::Change(fix) => {
            tally.fixed += 1;
            *tally.parts.entry(fix.edits.len()).or_default() += 1;
            for edit in &fix.edits {
                let kind = format!("{edit:?}");
                let kind = kind.split([' ', '{']).next().unwrap_or_default().to_owned();
                *tally.edits.entry(kind).or_default() += 1;
            }
            return broken(spec, network, q, &fix);
        }
    }
    None
}
