//! A topology, some changes to it, and a question: bytes choose all three.
//!
//! Checked: no panic; the same answer twice; the first blocker is the row that decided; a walk that
//! collects every denial meets first the one that stops the other; a recorder changes nothing.

#![no_main]

mod change;

use change::{address, change, port, protocol};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Origin, Question, ask};
use vpcsim_engine::fabric::Fabric;
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::spec::{self, Spec};
use vpcsim_engine::verdict::{Decision, Hop, Reason, RowIx, Step, Vantage, Verdict, reason_of};
use vpcsim_engine::walk::{DenyPolicy, NoRecord, Recorder, Walk};
use vpcsim_engine::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};

static BASES: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../topologies/tiers.yaml"),
        include_str!("../../topologies/dual.yaml"),
        include_str!("../../topologies/inspection.yaml"),
        include_str!("../../../topologies/peering-triangle.yaml"),
        include_str!("../../../topologies/hub-and-spoke.yaml"),
        include_str!("../../../topologies/inspection-hub.yaml"),
        include_str!("../../../topologies/shared-services.yaml"),
        include_str!("../../../topologies/privatelink.yaml"),
        include_str!("../../../topologies/multi-region.yaml"),
        include_str!("../../../topologies/connect.yaml"),
        include_str!("../../../topologies/multicast.yaml"),
        include_str!("../../../topologies/site-to-site-vpn.yaml"),
        include_str!("../../../topologies/direct-connect-and-vpn.yaml"),
        include_str!("../../../topologies/client-vpn.yaml"),
        include_str!("../../../topologies/direct-connect-group.yaml"),
    ];
    let read = |text: &str| {
        let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
        assert_eq!(diagnostics, []);
        spec.expect("a topology without a mistake")
    };
    texts.into_iter().map(read).collect()
});

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut spec = u.choose(&BASES)?.clone();
    for _ in 0..u.int_in_range(0..=6)? {
        change(u, &mut spec)?;
    }
    let (Some(network), _) = compile(&spec) else { return Ok(()) };
    for _ in 0..4 {
        let question = question(u, &spec, &network)?;
        explain(&network, &question);
        walks(u, &network.fabric, &question)?;
    }
    Ok(())
}

fn question(u: &mut Unstructured<'_>, spec: &Spec, network: &Network) -> Result<Question> {
    let fabric = &network.fabric;
    let mut to = address(u, spec)?;
    let sites: Vec<_> = fabric.internet_hosts.iter_enumerated().filter(|(_, h)| h.router.is_some()).collect();
    let from = if !sites.is_empty() && u.ratio(1, 3)? {
        let (host, h) = *u.choose(&sites)?;
        Origin::Site { host, address: h.addresses[0] }
    } else if u.ratio(1, 5)? {
        let hosts: Vec<IpAddr> = fabric.internet_hosts.iter().flat_map(|h| h.addresses.iter().copied()).collect();
        Origin::Internet {
            address: if u.ratio(1, 4)? || hosts.is_empty() { address(u, spec)? } else { *u.choose(&hosts)? },
        }
    } else {
        let senders: Vec<(EniIx, IpAddr)> = fabric
            .enis
            .iter_enumerated()
            .filter(|(_, eni)| eni.guest().is_some())
            .flat_map(|(ix, eni)| {
                eni.v4.map(IpAddr::V4).into_iter().chain(eni.v6.map(IpAddr::V6)).map(move |address| (ix, address))
            })
            .collect();
        let (eni, address) = *u.choose(&senders)?;
        Origin::Eni { eni, address }
    };
    // `ask` wants one family, as the texts of a question give it.
    if to.is_ipv4() != from.address().is_ipv4() {
        to = match from.address() {
            IpAddr::V4(_) => Ipv4Addr::new(203, 0, 113, 50).into(),
            IpAddr::V6(_) => "2001:db8:50::1".parse().expect("an address"),
        };
    }
    let protocol = match protocol(u)? {
        p if !p.is_icmp() => p,
        _ if to.is_ipv4() => Protocol::ICMP,
        _ => Protocol::ICMPV6,
    };
    let src_port = if u.arbitrary()? { Some(port(u)?) } else { None };
    Ok(Question { from, to, protocol, src_port, dst_port: port(u)? })
}

fn explain(network: &Network, question: &Question) {
    let first = ask(network, question);
    assert_eq!(first, ask(network, question), "asking twice");
    let Some((part, by)) = first.decided_by else {
        assert!(first.blockers.is_empty(), "blockers, but nothing decided: {first:?}");
        return;
    };
    if reason_of(network.fabric.rows[by].kind) == Reason::Blocked && !first.request.steps.is_empty() {
        let Some(blocker) = first.blockers.first() else {
            panic!("what blocked is a blocker: {:?} {first:#?}", network.fabric.rows[by])
        };
        assert_eq!((blocker.part, blocker.step.decision.by), (part, by), "the first blocker is the row that decided");
        assert!(!first.outcome.passes(), "{first:?}");
    }
}

#[derive(Default)]
struct Notes(Vec<Decision>);

impl Recorder for Notes {
    const STEPS: bool = true;
    const HOPS: bool = true;
    fn step(&mut self, step: Step) {
        self.0.push(step.decision);
    }
    fn hop(&mut self, _: Hop, _: &Packet) {}
}

/// Any packet from there, not only the first of a conversation.
fn walks(u: &mut Unstructured<'_>, fabric: &Fabric, question: &Question) -> Result<()> {
    let packet = packet(u, question)?;
    let from = match question.from {
        Origin::Eni { eni, .. } => Vantage::Out(eni),
        Origin::Internet { .. } => Vantage::Internet,
        Origin::Site { host, .. } => fabric.vantage_of(host).expect("at a site, or a client"),
    };
    let (mut stop, mut again, mut all) = (Notes::default(), Notes::default(), Notes::default());
    let end = walk(fabric, packet.clone(), from, DenyPolicy::Stop, &mut stop);
    assert_eq!(end, walk(fabric, packet.clone(), from, DenyPolicy::Stop, &mut again), "walking twice");
    assert_eq!(stop.0, again.0);
    assert_eq!(end, walk(fabric, packet.clone(), from, DenyPolicy::Stop, &mut NoRecord), "a recorder changes nothing");
    walk(fabric, packet, from, DenyPolicy::CollectAll, &mut all);
    let denied = |notes: &Notes| notes.0.iter().find(|d| !d.allow).map(|d| d.by);
    assert_eq!(denied(&stop), denied(&all), "the first denial of both policies");
    if let (Some(by), _) = end {
        assert_eq!(denied(&stop), Some(by), "a drop is a recorded denial");
        let _ = fabric.rows[by];
    }
    Ok(())
}

/// The row that dropped the packet, if one did, and the packet at its end.
fn walk<R: Recorder>(
    fabric: &Fabric,
    mut packet: Packet,
    from: Vantage,
    policy: DenyPolicy,
    recorder: &mut R,
) -> (Option<RowIx>, Packet) {
    let mut flows = FlowState::default();
    let (mut at, mut now) = (from, Instant::START);
    for _ in 0..=255 {
        let mut walk = Walk { fabric, flows: &mut flows, now, policy, recorder };
        match walk.step(&mut packet, at) {
            Verdict::Transit { to, link } => {
                now = now + fabric.link(link).latency;
                at = to;
            }
            Verdict::Drop { by, .. } => return (Some(by), packet),
            _ => return (None, packet),
        }
    }
    panic!("more than 255 time boundaries: {packet:?} at {at:?}");
}

fn packet(u: &mut Unstructured<'_>, question: &Question) -> Result<Packet> {
    let (src_port, dst_port) = (question.src_port.unwrap_or(40_000), question.dst_port);
    let mut payload = Payload::Zeros(u.int_in_range(0..=9000)?);
    let l4 = match question.protocol {
        Protocol::TCP => {
            let flags = TcpFlags(u.arbitrary()?);
            L4::Tcp(Tcp { src_port, dst_port, seq: 1, ack: 1, window: 1000, flags, options_len: 0 })
        }
        Protocol::UDP => L4::Udp(Udp { src_port, dst_port, length: 8 + payload.len() as u16 }),
        Protocol::ICMP | Protocol::ICMPV6 => {
            if u.arbitrary()? {
                let quote: Vec<u8> = u.arbitrary()?;
                payload = Payload::from(quote.as_slice());
            }
            let kind = *u.choose(&[0, 1, 2, 3, 4, 8, 11, 12, 128, 129, 135])?;
            L4::Icmp(Icmp { kind, code: u.int_in_range(0..=5)?, rest: u.arbitrary()? })
        }
        _ => L4::None,
    };
    let mut fragment = Fragment { dont: question.to.is_ipv6() || u.arbitrary()?, ..Fragment::default() };
    if u.ratio(1, 6)? {
        fragment = Fragment {
            id: 7,
            offset: u.int_in_range(0..=3)?,
            more: u.arbitrary()?,
            dont: question.to.is_ipv6(),
            checksum: 0,
        };
    }
    let l4 = if fragment.offset == 0 { l4 } else { L4::None };
    let ttl = if u.ratio(1, 4)? { u.int_in_range(0..=3)? } else { 64 };
    let src = if u.ratio(1, 8)? { spoofed(question.to) } else { question.from.address() };
    let headers = Headers { src, dst: question.to, protocol: question.protocol, ttl, traffic_class: 0, fragment, l4 };
    Ok(Packet { headers, tag: 1, payload })
}

fn spoofed(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::new(10, 50, 1, 10).into(),
        IpAddr::V6(_) => "2600:1f16:50:1::10".parse().expect("an address"),
    }
}
