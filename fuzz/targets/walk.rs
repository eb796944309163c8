//! A topology, some changes to it, and a question: bytes choose all three.
//!
//! Checked: no panic; the same answer twice; the first blocker is the row that decided; a walk that
//! collects every denial meets first the one that stops the other; a recorder changes nothing.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::base::port::ProtocolMatch;
use vpcsim_engine::base::{Cidr, Instant, PortRange, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Origin, Question, ask};
use vpcsim_engine::fabric::Fabric;
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::spec::{self, AclAction, AclRule, Peer, PublicIp, Route, RouteState, SgRule, Spanned, Spec};
use vpcsim_engine::verdict::{Decision, Hop, Reason, RowIx, Step, Vantage, Verdict, reason_of};
use vpcsim_engine::walk::{DenyPolicy, NoRecord, Recorder, Walk};
use vpcsim_engine::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};

static BASES: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    let texts = [
        include_str!("../topologies/tiers.yaml"),
        include_str!("../topologies/dual.yaml"),
        include_str!("../topologies/inspection.yaml"),
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
        let question = question(u, &network)?;
        explain(&network, &question);
        walks(u, &network.fabric, &question)?;
    }
    Ok(())
}

fn address(u: &mut Unstructured<'_>, spec: &Spec) -> Result<IpAddr> {
    let mut known: Vec<IpAddr> = Vec::new();
    for instance in spec.instances.values().filter_map(|i| i.primary.as_ref()).chain(spec.network_interfaces.values()) {
        known.extend(instance.address.as_ref().map(|a| IpAddr::V4(a.value)));
        known.extend(instance.ipv6_addresses.iter().map(|a| IpAddr::V6(a.value)));
        known.extend(instance.public_ip.as_ref().and_then(|p| p.value.address()));
    }
    for nat in spec.nat_gateways.values().flat_map(|n| &n.addresses) {
        known.extend(nat.private.as_ref().map(|a| IpAddr::V4(a.value)));
        known.extend(nat.public.as_ref().map(|a| IpAddr::V4(a.value)));
    }
    known.extend(spec.internet_hosts.values().flat_map(|h| h.addresses.iter().map(|a| a.value)));
    for subnet in spec.subnets.values().flat_map(|s| s.cidr.iter().chain(&s.ipv6_cidr)) {
        known.extend([subnet.network(), subnet.last()]);
        known.extend(subnet.nth(1));
        known.extend(subnet.nth(2));
        known.extend(subnet.nth(77));
    }
    for text in [
        "169.254.169.254",
        "169.254.169.253",
        "fd00:ec2::253",
        "169.254.1.1",
        "8.8.8.8",
        "64:ff9b::808:808",
        "fe80::1",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "127.0.0.1",
    ] {
        known.push(text.parse().expect("an address"));
    }
    Ok(match u.int_in_range(0..=15)? {
        0 => Ipv4Addr::from(u.arbitrary::<u32>()?).into(),
        1 => Ipv6Addr::from(u.arbitrary::<u128>()?).into(),
        2 => match u.choose(&known)? {
            IpAddr::V4(a) => Ipv6Addr::from((0x64_ff9b_u128 << 96) | u128::from(a.to_bits())).into(),
            v6 => *v6,
        },
        _ => *u.choose(&known)?,
    })
}

fn cidr(u: &mut Unstructured<'_>, spec: &Spec) -> Result<Cidr> {
    let address = address(u, spec)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let len = *u.choose(&[0, 8, 16, 23, 24, 25, 31, 32, 56, 64, 96, 128])?;
    Ok(Cidr::new(network(address, len.min(most)), len.min(most)).unwrap_or(Cidr::host(address)))
}

fn network(address: IpAddr, len: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => Ipv4Addr::from(a.to_bits() & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)).into(),
        IpAddr::V6(a) => Ipv6Addr::from(a.to_bits() & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)).into(),
    }
}

fn protocol(u: &mut Unstructured<'_>) -> Result<Protocol> {
    Ok(*u.choose(&[Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol::ICMPV6, Protocol(47), Protocol(4)])?)
}

fn ports(u: &mut Unstructured<'_>) -> Result<PortRange> {
    let (a, b) = (port(u)?, port(u)?);
    Ok(PortRange { from: a.min(b), to: a.max(b) })
}

fn port(u: &mut Unstructured<'_>) -> Result<u16> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        _ => *u.choose(&[0, 22, 53, 80, 443, 1024, 5432, 32768, 49152, 60999, 65535])?,
    })
}

fn change(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    match u.int_in_range(0..=11)? {
        0 | 1 => return acl(u, spec),
        2 | 3 => return sg(u, spec),
        4 | 5 => return route(u, spec),
        6 => return interface(u, spec),
        7 => {
            // Another table or ACL for a subnet.
            let tables: Vec<String> = spec.route_tables.keys().map(|n| n.value.clone()).collect();
            let acls: Vec<String> = spec.network_acls.keys().map(|n| n.value.clone()).collect();
            let ix = u.choose_index(spec.subnets.len())?;
            let table = u.choose(&tables)?.clone();
            let acl = if acls.is_empty() { None } else { Some(u.choose(&acls)?.clone()) };
            let subnet = spec.subnets.values_mut().nth(ix).expect("chosen among them");
            if u.arbitrary()? {
                subnet.route_table = Some(table.into());
            } else {
                subnet.network_acl = acl.map(Into::into);
            }
            subnet.dns64 = u.arbitrary()?;
        }
        8 => {
            if let Some(nat) = spec.nat_gateways.values_mut().next() {
                nat.available = Some(u.arbitrary()?);
            }
        }
        9 => {
            let mode =
                *u.choose(&[spec::BpaMode::Off, spec::BpaMode::BlockBidirectional, spec::BpaMode::BlockIngress])?;
            let names: Vec<String> = spec.subnets.keys().chain(spec.vpcs.keys()).map(|n| n.value.clone()).collect();
            let mut exclusions = Vec::new();
            if u.arbitrary()? {
                let mode =
                    *u.choose(&[spec::BpaExclusionMode::AllowBidirectional, spec::BpaExclusionMode::AllowEgress])?;
                exclusions.push(spec::BpaExclusion { resource: u.choose(&names)?.clone().into(), mode }.into());
            }
            spec.block_public_access =
                vec![spec::BlockPublicAccess { region: None, account: None, mode, exclusions }.into()];
        }
        10 => {
            let ix = u.choose_index(spec.instances.len())?;
            let instance = spec.instances.values_mut().nth(ix).expect("chosen among them");
            instance.state = Some(*u.choose(&[spec::InstanceState::Running, spec::InstanceState::Stopped])?);
            instance.answers_ping = u.arbitrary()?;
            instance.forwarding =
                if u.arbitrary()? { Some(spec::Forwarding { masquerade: u.arbitrary()? }) } else { None };
            instance.mtu = if u.arbitrary()? { Some(u.int_in_range(576..=9001)?.into()) } else { None };
        }
        _ => {
            spec.guests = Some(*u.choose(&[spec::GuestKnowledge::Described, spec::GuestKnowledge::Unknown])?);
            let profile = spec.profile.get_or_insert_default();
            profile.icmp_errors_pass_tracked = u.arbitrary()?;
            profile.tracking_picks_up_mid_stream = u.arbitrary()?;
        }
    }
    Ok(())
}

fn acl(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    if spec.network_acls.is_empty() {
        return Ok(());
    }
    let block = cidr(u, spec)?;
    let ix = u.choose_index(spec.network_acls.len())?;
    let acl = spec.network_acls.values_mut().nth(ix).expect("chosen among them");
    let inbound = u.arbitrary()?;
    let rules = if inbound { &mut acl.inbound } else { &mut acl.outbound }.get_or_insert_default();
    if u.arbitrary()? && !rules.is_empty() {
        rules.remove(u.choose_index(rules.len())?);
        return Ok(());
    }
    let protocol = matched(u)?;
    let rule = AclRule {
        rule: u.int_in_range(1..=300)?.into(),
        action: if u.arbitrary()? { AclAction::Allow } else { AclAction::Deny },
        protocol: Some(protocol),
        ports: with_ports(u, protocol)?,
        icmp_type: None,
        icmp_code: None,
        from: inbound.then_some(block.into()),
        to: (!inbound).then_some(block.into()),
    };
    rules.push(rule.into());
    Ok(())
}

fn matched(u: &mut Unstructured<'_>) -> Result<ProtocolMatch> {
    Ok(if u.arbitrary()? { ProtocolMatch::All } else { ProtocolMatch::One(protocol(u)?) })
}

fn with_ports(u: &mut Unstructured<'_>, protocol: ProtocolMatch) -> Result<Option<PortRange>> {
    Ok(match protocol {
        ProtocolMatch::One(Protocol::TCP | Protocol::UDP) => Some(ports(u)?),
        _ => None,
    })
}

fn sg(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let names: Vec<String> = spec.security_groups.keys().map(|n| n.value.clone()).collect();
    let peer = if u.arbitrary()? { Peer::Cidr(cidr(u, spec)?) } else { Peer::Name(u.choose(&names)?.clone()) };
    let ix = u.choose_index(names.len())?;
    let group = spec.security_groups.values_mut().nth(ix).expect("chosen among them");
    let inbound = u.arbitrary()?;
    let rules = if inbound { &mut group.inbound } else { &mut group.outbound }.get_or_insert_default();
    if u.arbitrary()? && !rules.is_empty() {
        rules.remove(u.choose_index(rules.len())?);
        return Ok(());
    }
    let protocol = matched(u)?;
    let rule = SgRule {
        protocol: Some(protocol),
        ports: with_ports(u, protocol)?,
        icmp_type: None,
        icmp_code: None,
        from: inbound.then(|| peer.clone().into()),
        to: (!inbound).then(|| peer.into()),
        id: None,
        description: None,
    };
    rules.push(rule.into());
    Ok(())
}

fn route(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let mut targets: Vec<String> = Vec::new();
    targets.extend(spec.internet_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.egress_only_internet_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.nat_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.instances.keys().map(|n| n.value.clone()));
    targets.extend(spec.network_interfaces.keys().map(|n| n.value.clone()));
    targets.extend(spec.not_modelled.keys().map(|n| n.value.clone()));
    targets.push("local".to_owned());
    let to = cidr(u, spec)?.to_string();
    let ix = u.choose_index(spec.route_tables.len())?;
    let table = spec.route_tables.values_mut().nth(ix).expect("chosen among them");
    if u.arbitrary()? && !table.routes.is_empty() {
        table.routes.remove(u.choose_index(table.routes.len())?);
        return Ok(());
    }
    table.routes.retain(|r| r.to.value != to);
    let state = if u.ratio(1, 8)? { Some(RouteState::Blackhole) } else { None };
    table.routes.push(Route { to: to.into(), via: u.choose(&targets)?.clone().into(), state, origin: None }.into());
    Ok(())
}

fn interface(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let names: Vec<String> = spec.security_groups.keys().map(|n| n.value.clone()).collect();
    let ix = u.choose_index(spec.instances.len())?;
    let instance = spec.instances.values_mut().nth(ix).expect("chosen among them");
    let Some(eni) = &mut instance.primary else { return Ok(()) };
    match u.int_in_range(0..=2)? {
        0 => eni.source_dest_check = Some(u.arbitrary()?),
        1 => eni.security_groups = Some(vec![Spanned::from(u.choose(&names)?.clone())]),
        _ => {
            let address = PublicIp::Address(Ipv4Addr::new(198, 51, 100, u.int_in_range(200..=250)?));
            eni.public_ip = Some(if u.arbitrary()? { PublicIp::None } else { address }.into());
        }
    }
    Ok(())
}

fn question(u: &mut Unstructured<'_>, network: &Network) -> Result<Question> {
    let fabric = &network.fabric;
    let mut to = address(u, &network.spec)?;
    let from = if u.ratio(1, 5)? {
        let hosts: Vec<IpAddr> = fabric.internet_hosts.iter().flat_map(|h| h.addresses.iter().copied()).collect();
        Origin::Internet {
            address: if u.ratio(1, 4)? || hosts.is_empty() { address(u, &network.spec)? } else { *u.choose(&hosts)? },
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
