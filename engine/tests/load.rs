//! Generators of load: their flows end as a host's own would, their packets are TCP, their arrivals and sizes have the
//! distribution that they say, and memory does not grow with the flows that were.

use std::collections::BTreeMap;
use vpcsim_engine::base::Instant;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::load::{Arrivals, Generator, Load, Plan};
use vpcsim_engine::observe::capture::Rule;
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::scenario::{self, Outcome};
use vpcsim_engine::spec;
use vpcsim_engine::wire::{Packet, TcpFlags, parse};

const THREE_TIER: &str = include_str!("../../topologies/three-tier.yaml");

fn replay(topology: &str, steps: &str, options: Options) -> Report {
    let (spec, _) = spec::read(FileIx(0), topology.as_bytes());
    let text = format!("topology: t.yaml\n{steps}");
    let (scenario, diagnostics) = scenario::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    run(&scenario.expect("a scenario"), &spec.expect("a topology"), options).unwrap_or_else(|e| panic!("{e:#?}"))
}

fn mistakes(steps: &str) -> Vec<String> {
    let text = format!("topology: t.yaml\nsteps:\n{steps}");
    let (scenario, diagnostics) = scenario::read(FileIx(0), text.as_bytes());
    let mut out: Vec<String> = diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    if let (Some(scenario), true) = (scenario, out.is_empty()) {
        let (spec, _) = spec::read(FileIx(0), THREE_TIER.as_bytes());
        let more = run(&scenario, &spec.expect("a topology"), Options::default()).err().unwrap_or_default();
        out.extend(more.iter().map(|d| format!("{}: {}", d.code, d.message)));
    }
    out
}

/// The flows of a generator end as the connection of a host with a real stack does, between all hosts of several
/// topologies.
#[test]
fn a_scripted_connection_ends_as_a_real_one() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (topology, hosts) in [
        (THREE_TIER, &["bastion-1", "web-1", "web-2", "db-1"][..]),
        (include_str!("../../topologies/inspection.yaml"), &[][..]),
        (include_str!("../../topologies/dual-stack.yaml"), &[][..]),
    ] {
        let (spec, _) = spec::read(FileIx(0), topology.as_bytes());
        let spec = spec.expect("a topology");
        let all: Vec<String> = if hosts.is_empty() {
            spec.instances.keys().map(|name| name.value.clone()).collect()
        } else {
            hosts.iter().map(|name| (*name).to_owned()).collect()
        };
        for from in &all {
            for to in all.iter().map(String::as_str).chain(["internet"]).filter(|to| to != from) {
                for port in [22, 443, 5432, 81] {
                    let steps = format!(
                        "steps:\n  - connect: {{from: {from}, to: {to}, port: {port}}}\n  - after: 200s\n    flows: {{from: {from}, to: [{{host: {to}, port: {port}}}], rate: 1, model: constant, duration: 1s}}\n"
                    );
                    let text = format!("topology: t.yaml\n{steps}");
                    let (scenario, diagnostics) = scenario::read(FileIx(0), text.as_bytes());
                    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
                    // Two hosts may have no family in common.
                    let Ok(report) = run(&scenario.expect("a scenario"), &spec, Options::default()) else { continue };
                    let ended = report.lines.iter().rev().find(|line| line.text.contains("1 begun")).expect("it ended");
                    let word = match report.steps[0].outcome.expect("it ended") {
                        Outcome::Connected => "1 completed",
                        Outcome::Refused => "1 refused",
                        Outcome::Timeout => "1 without an answer",
                        Outcome::Unreachable => "1 unreachable",
                        other => panic!("{from} -> {to}:{port}: {other:?}"),
                    };
                    assert!(ended.text.contains(word), "{from} -> {to}:{port}: {word}, but {}", ended.text);
                    assert_eq!(
                        report.steps[0].blocked_by.map(|drop| drop.by),
                        report.steps[1].blocked_by.map(|drop| drop.by),
                        "{from} -> {to}:{port}"
                    );
                    *seen.entry(word).or_default() += 1;
                }
            }
        }
    }
    for word in ["1 completed", "1 refused", "1 without an answer"] {
        assert!(seen.get(word).is_some_and(|n| *n >= 3), "{word}: {seen:?}");
    }
}

/// One direction of a connection, as somebody who listens puts it together.
#[derive(Default)]
struct Stream {
    first: Option<u32>,
    /// Bytes that were seen, by distance from the first.
    seen: Vec<(u32, u32)>,
    fin: Option<u32>,
    acked: u32,
}

type Ends = (std::net::SocketAddr, std::net::SocketAddr);

fn streams(packets: &[Packet]) -> BTreeMap<Ends, Stream> {
    let mut out: BTreeMap<Ends, Stream> = BTreeMap::new();
    for packet in packets {
        let Some(tcp) = packet.headers.tcp() else { continue };
        let ends = ((packet.headers.src, tcp.src_port).into(), (packet.headers.dst, tcp.dst_port).into());
        let data = packet.payload.len() - u32::from(tcp.options_len);
        let stream = out.entry(ends).or_default();
        if tcp.flags.has(TcpFlags::SYN) {
            assert!(stream.first.is_none_or(|first| first == tcp.seq), "{ends:?}: a SYN is repeated as it was");
            stream.first = Some(tcp.seq);
            continue;
        }
        let first = stream.first.expect("a SYN comes first");
        let at = tcp.seq.wrapping_sub(first).wrapping_sub(1);
        if data > 0 {
            stream.seen.push((at, data));
        }
        if tcp.flags.has(TcpFlags::FIN) {
            stream.fin = Some(at);
        }
        let back = out.get(&(ends.1, ends.0)).and_then(|other| other.first);
        if let (true, Some(back)) = (tcp.flags.has(TcpFlags::ACK), back) {
            out.get_mut(&ends).expect("just made").acked = tcp.ack.wrapping_sub(back).wrapping_sub(1);
        }
    }
    out
}

/// Bytes from the first one on without a gap.
fn contiguous(mut seen: Vec<(u32, u32)>) -> u32 {
    seen.sort_unstable();
    seen.into_iter().fold(0, |end, (at, len)| if at <= end { end.max(at + len) } else { end })
}

const WIDE: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets:
  a: {vpc: v, az: a, cidr: 10.0.1.0/24}
  b: {vpc: v, az: b, cidr: 10.0.2.0/24}
security_groups:
  open: {vpc: v, inbound: [{protocol: all, from: 10.0.0.0/16}]}
instances:
  client: {subnet: a, address: 10.0.1.10, security_groups: [open], listen: []}
  server: {subnet: b, address: 10.0.2.10, security_groups: [open], listen: [80, udp/53], mtu: 1500}
";

fn captured_at(report: &Report, name: &str) -> Vec<Packet> {
    let network = &report.networks[0];
    let eni = network.names.enis.iter().position(|label| label.id.contains(name)).expect("an interface");
    let place = |c: &vpcsim_engine::observe::capture::Captured| {
        c.place == vpcsim_engine::observe::capture::Place::Eni(vpcsim_engine::base::ids::EniIx(eni as u32))
    };
    report.captured.iter().filter(|c| place(c)).map(|c| parse(&c.bytes, 0).expect("a packet")).collect()
}

/// Whoever puts the segments together again finds a handshake, every byte once without a gap, acknowledged, and an
/// orderly end: over a good line, and over one that loses one packet in twenty.
#[test]
fn flows_are_tcp_with_and_without_losses() {
    for (loss, repeats) in [("", false), ("links: {cross_az: {loss: 5%}}\n", true)] {
        let steps = "steps:\n  - flows: {from: client, to: [{host: server, port: 80, request_bytes: 5000, response_bytes: 100000, sizes: exponential}], rate: 20, duration: 10s}\n";
        let options = Options { capture: Some(Rule::default()), ..Options::default() };
        let report = replay(&format!("{loss}{WIDE}"), steps, options);
        let ended = &report.lines.iter().rev().find(|line| line.text.contains("begun")).expect("it ended").text;
        let begun: u64 = ended.split(" begun").next().and_then(|t| t.split(' ').next_back()).unwrap().parse().unwrap();
        assert!((150..250).contains(&begun), "{ended}");
        assert!(ended.contains(&format!("{begun} completed")), "all end well: {ended}");
        let packets = captured_at(&report, "server");
        let streams = streams(&packets);
        assert_eq!(streams.len() as u64, begun * 2, "each connection has two directions");
        let (mut requests, mut largest) = (0, 0);
        for (ends, stream) in &streams {
            let got = contiguous(stream.seen.clone());
            let fin = stream.fin.unwrap_or_else(|| panic!("{ends:?} has no end"));
            assert_eq!(got, fin, "{ends:?}: bytes up to the FIN");
            let back = &streams[&(ends.1, ends.0)];
            if !repeats {
                assert_eq!(back.acked, fin + 1, "{ends:?}: the FIN is acknowledged");
                let sent: u32 = stream.seen.iter().map(|(_, len)| len).sum();
                assert_eq!(sent, got, "{ends:?}: nothing is sent twice");
            }
            requests += u32::from(ends.1.port() == 80 && got == 5000);
            largest = largest.max(got);
        }
        assert_eq!(u64::from(requests), begun, "every request has its 5000 bytes");
        assert!(largest > 200_000, "some answers are much larger than the mean: {largest}");
        assert!(packets.iter().all(|p| p.len() <= 1500), "the server's MTU holds for both directions");
    }
}

#[test]
fn datagrams_echoes_scans_and_floods() {
    let steps = "steps:
  - flows: {from: client, to: [{host: server, port: 53, protocol: udp, request_bytes: 60, response_bytes: 3000}], rate: 10, model: constant, duration: 10s}
    expect: {flows: {started: 100, completed: 100}, bytes: 306000}
  - flows: {from: client, to: [{host: server, port: 54, protocol: udp}], rate: 10, model: constant, duration: 1s}
    expect: {flows: {started: 10, refused: 10}}
  - flows: {from: client, to: [{host: server, protocol: icmp, request_bytes: 100}], rate: 10, duration: 1000s, count: 7}
    expect: {flows: {started: 7, completed: 7}}
  - scan: {from: client, to: [server, 10.0.2.10/31], ports: [79-81], rate: 100}
    expect: {flows: {started: 9, completed: 2, refused: 4, no_answer: 3}}
  - flood: {from: client, to: server, kind: syn, port: 80, rate: 1000, duration: 2s}
    expect: {outcome: sent, flows: {started: 2000}}
  - flood: {from: client, to: server, kind: syn, port: 80, rate: 1000, duration: 1s, forged_from: 192.0.2.0/24}
    expect: {blocked_by: {network_interface: client}, code: ENI_SOURCE_DEST_CHECK_RESTRICTION}
";
    let report = replay(WIDE, steps, Options::default());
    let failed: Vec<_> = report.checks().filter(|check| check.found.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", report.transcript());
    assert!(
        report.transcript().contains("1000 dropped: eni client: source/destination check"),
        "{}",
        report.transcript()
    );
}

/// A path that takes less than both ends: told by ICMP, and the rest goes through.
#[test]
fn a_flow_learns_the_path_mtu() {
    let topology = "
vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments: {av: {transit_gateway: tgw, vpc: v, subnets: [a]}, aw: {transit_gateway: tgw, vpc: w, subnets: [b]}}
subnets:
  a: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: va}
  b: {vpc: w, az: a, cidr: 10.1.1.0/24, route_table: wa}
route_tables:
  va: {vpc: v, routes: [{to: 10.1.0.0/16, via: tgw}]}
  wa: {vpc: w, routes: [{to: 10.0.0.0/16, via: tgw}]}
security_groups:
  ov: {vpc: v, inbound: [{protocol: all, from: 10.0.0.0/8}]}
  ow: {vpc: w, inbound: [{protocol: all, from: 10.0.0.0/8}]}
instances:
  client: {subnet: a, address: 10.0.1.10, security_groups: [ov]}
  server: {subnet: b, address: 10.1.1.10, security_groups: [ow], listen: [80]}
";
    let steps = "steps:\n  - flows: {from: client, to: [{host: server, port: 80, request_bytes: 100000, response_bytes: 100000}], rate: 1, model: constant, duration: 3s}\n    expect: {flows: {started: 3, completed: 3}}\n";
    let report = replay(topology, steps, Options { capture: Some(Rule::default()), ..Options::default() });
    assert_eq!(report.failures(), 0, "{}", report.transcript());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let steps = "steps:\n  - flows: {from: client, to: [{host: server, port: 80, sizes: pareto, shape: 1.5}], rate: 50, model: on_off, on: 1s, off: 2s, duration: 10s}\n";
    let bytes = |seed| {
        let report =
            replay(WIDE, steps, Options { seed: Some(seed), capture: Some(Rule::default()), ..Options::default() });
        report.captured.iter().map(|c| (c.at, c.bytes.clone())).collect::<Vec<_>>()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

/// Numbers of flows that begin in each tenth of a second.
fn counts(arrivals: Arrivals, rate: u64) -> Vec<f64> {
    let (spec, _) = spec::read(FileIx(0), WIDE.as_bytes());
    let (network, _) = vpcsim_engine::compile::compile(&spec.expect("a topology"));
    let network = network.expect("a network");
    let plan = Plan::Flood(vpcsim_engine::load::Flood {
        clients: vec![(
            vpcsim_engine::load::Client {
                host: vpcsim_engine::event::HostRef::Guest(vpcsim_engine::base::ids::GuestIx(0)),
                local: vpcsim_engine::load::Local {
                    answer: vpcsim_engine::load::Answer::Nothing,
                    mtu: 1500,
                    os: spec::GuestOs::Linux,
                    ttl: 64,
                },
                ephemeral: network.fabric.guests[vpcsim_engine::base::ids::GuestIx(0)].ephemeral,
            },
            "10.0.1.10".parse().unwrap(),
            "10.0.2.10".parse().unwrap(),
        )],
        kind: vpcsim_engine::load::FloodKind::Udp,
        port: 1,
        bytes: 0,
        spoof: None,
    });
    let seconds = 400;
    let duration = vpcsim_engine::base::Nanos::from_secs(seconds);
    let generator = Generator { plan, arrivals, rate, duration, total: None };
    let mut load = Load::default();
    load.start(Instant::START, 0, generator, vpcsim_engine::base::Stream::new(3, "test", "arrivals"));
    let mut out = vec![0.0; seconds as usize * 10];
    while let Some((at, number)) = load.poll_arrival() {
        out[(at.0 / 100_000_000) as usize] += 1.0;
        load.arrive(at, number);
        while load.poll_transmit().is_some() {}
    }
    out
}

/// Variance over mean of the counts: 0 for equal distances, 1 for Poisson (its definition), far above for on and off.
#[test]
fn arrivals_have_their_distribution() {
    let dispersion = |counts: &[f64]| {
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        (mean, counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n / mean)
    };
    let (mean, constant) = dispersion(&counts(Arrivals::Constant, 200));
    assert!((mean - 20.0).abs() < 1e-9 && constant < 1e-9, "{mean} {constant}");
    let (mean, poisson) = dispersion(&counts(Arrivals::Poisson, 200));
    assert!((mean / 20.0 - 1.0).abs() < 0.02 && (poisson - 1.0).abs() < 0.1, "{mean} {poisson}");
    let seconds = vpcsim_engine::base::Nanos::from_secs;
    let (mean, on_off) = dispersion(&counts(Arrivals::OnOff { on: seconds(2), off: seconds(6) }, 200));
    assert!((mean / 5.0 - 1.0).abs() < 0.35 && on_off > 8.0, "a quarter of the time: {mean} {on_off}");
}

#[test]
fn what_is_wrong_is_said() {
    let cases = [
        ("flows: {from: [], to: [{host: db-1, port: 1}], rate: 1, duration: 1s}", "bad-value: `from` is empty"),
        ("flows: {from: web-1, to: [{host: db-1}], rate: 1, duration: 1s}", "missing-field: `port` is missing"),
        (
            "flows: {from: web-1, to: [{host: db-1, port: 1}], rate: 0, duration: 1s}",
            "bad-value: a rate is 1 to 1,000,000,000 a second",
        ),
        (
            "flows: {from: web-1, to: [{host: db-1, port: 1}], rate: 1, duration: 1s, model: on_off}",
            "missing-field: `on_off` needs `on` and `off`",
        ),
        (
            "flows: {from: web-1, to: [{host: db-1, port: 1}], rate: 1, duration: 1s, on: 1s}",
            "conflicting-fields: `on` stands with `model: on_off` only",
        ),
        (
            "flows: {from: web-1, to: [{host: db-1, port: 1, shape: 1.5}], rate: 1, duration: 1s}",
            "conflicting-fields: only `sizes: pareto` has a shape",
        ),
        (
            "flows: {from: web-1, to: [{host: db-1, port: 1, sizes: pareto, shape: 0.5}], rate: 1, duration: 1s}",
            "bad-value: `0.5` is no shape",
        ),
        (
            "flows: {from: web-9, to: [{host: db-1, port: 1}], rate: 1, duration: 1s}",
            "unknown-reference: there is no `web-9` in this network",
        ),
        (
            "scan: {from: web-1, to: [db-9], ports: [1], rate: 1}",
            "unknown-reference: there is no `db-9` in this network",
        ),
        ("scan: {from: web-1, to: [10.0.0.0/24], rate: 1}", "missing-field: `ports` is missing"),
        (
            "flood: {from: web-1, to: db-1, kind: icmp, port: 1, rate: 1, duration: 1s}",
            "conflicting-fields: ICMP has no ports",
        ),
        (
            "flood: {from: web-1, to: db-1, kind: udp, port: 1, rate: 1, duration: 1s, bytes: 9000}",
            "bad-value: a packet of a flood has at most 8000 bytes of payload",
        ),
    ];
    for (step, expected) in cases {
        let found = mistakes(&format!("  - {step}\n"));
        assert!(found.iter().any(|f| f.starts_with(expected)), "{step}\n expected {expected}\n found {found:#?}");
    }
}
