//! The engine in time: what links and queues do, what is left behind, and that the same input gives the same bytes.

use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::flow_logs::Lines;
use vpcsim_engine::observe::{EPOCH_SECONDS, capture};
use vpcsim_engine::scenario::run::{Everything, Logging, Options, Report, run, run_logged};
use vpcsim_engine::scenario::{self, Outcome};
use vpcsim_engine::spec;

/// Two instances in two zones, one with a secondary address, and a host outside.
const TWO: &str = "
vpcs: {v: {cidr: 10.0.0.0/16, enable_dns_hostnames: true}}
internet_gateways: {igw: {vpc: v}}
route_tables: {rtb: {vpc: v, main: true, routes: [{to: 0.0.0.0/0, via: igw}]}}
subnets: {sa: {vpc: v, az: a, cidr: 10.0.1.0/24}, sb: {vpc: v, az: b, cidr: 10.0.2.0/24}}
security_groups: {open: {vpc: v, inbound: [{from: 0.0.0.0/0}]}}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [open], listen: [443], public_ip: 198.51.100.10, bandwidth: 1Gbps}
  b: {subnet: sb, address: 10.0.2.10, secondary_addresses: [10.0.2.50], security_groups: [open], listen: [443, udp/5001]}
";

fn play(topology: &str, steps: &str) -> Report {
    play_logged(topology, steps).0
}

/// The same, with the flow log of every interface.
fn play_logged(topology: &str, steps: &str) -> (Report, Vec<String>) {
    let (spec, diagnostics) = spec::read(FileIx(0), topology.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let text = format!("topology: none\nsteps:\n{steps}");
    let (scenario, diagnostics) = scenario::read(FileIx(1), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let mut lines = Lines::default();
    let logging = Logging { everything: Everything::Always, format: None, sink: &mut lines };
    let options = Options { capture: Some(capture::Rule::default()), ..Options::default() };
    let report = run_logged(&scenario.unwrap(), &spec.unwrap(), options, logging).unwrap_or_else(|d| panic!("{d:?}"));
    (report, lines.lines.into_iter().map(|(_, line)| line).collect())
}

/// The lines of an interface that are about a flow.
fn records<'a>(lines: &'a [String], interface: &str) -> Vec<&'a str> {
    let of = |line: &&str| line.split(' ').nth(2) == Some(interface) && line.ends_with(" OK");
    lines.iter().map(String::as_str).filter(of).collect()
}

/// aws-hybrid 9.1: half a millisecond one way between zones, 125 us inside one; and the time on the wire.
#[test]
fn latency_is_the_links() {
    let report = play(TWO, "  - ping: {from: a, to: b}\n");
    assert_eq!(report.steps[0].outcome, Some(Outcome::Reply));
    let rtt = report.steps[0].elapsed.unwrap();
    assert!(rtt >= Nanos::from_millis(1) && rtt < Nanos::from_micros(1010), "{rtt}");
}

/// BW-2: what exceeds the bandwidth waits, and what exceeds the queue is dropped. 1,000 datagrams of 60,000 bytes at
/// once are 60 MB for a queue of 1 MiB.
#[test]
fn a_full_queue_drops() {
    let report = play(
        TWO,
        "  - traffic: {from: a, to: b, port: 5001, protocol: udp, rate: 1000000, bytes: 8000, duration: 1ms}\n",
    );
    let (arrived, dropped) = (report.totals.delivered, report.totals.dropped);
    let queued = (1 << 20) / 8028;
    // 1 Gbps carries 125 kB in the millisecond; the queue holds 130 more.
    assert!((queued..queued + 20).contains(&(arrived / 2)) && dropped > 800, "{arrived} delivered, {dropped} dropped");
    assert!(
        report.counters.iter().any(|(name, n)| name.ends_with("bw_out_allowance_exceeded") && *n == dropped),
        "{:?}",
        report.counters
    );
}

/// BW-1: one flow gets 5 Gbps of an instance that has 25: 10 MB take at least 16 ms.
#[test]
fn one_flow_gets_five_gigabits() {
    let fast = TWO.replace("bandwidth: 1Gbps", "bandwidth: 25Gbps");
    let report = play(&fast, "  - connect: {from: a, to: b, port: 443, send_bytes: 10000000}\n");
    assert_eq!(report.steps[0].outcome, Some(Outcome::Connected));
    let took = report.steps[0].ended.since(report.steps[0].started);
    assert!(took >= Nanos::from_millis(16), "{took}");
}

/// BW-1: the limit is a flow's, not the instance's: two flows together get ten gigabits.
#[test]
fn two_flows_get_ten_gigabits() {
    let fast = TWO.replace("bandwidth: 1Gbps", "bandwidth: 25Gbps");
    let report = play(
        &fast,
        "  - at: 0s\n    traffic: {from: a, to: b, port: 5001, protocol: udp, rate: 100000, bytes: 8000, duration: 1ms}\n\
         \x20 - at: 0s\n    traffic: {from: a, to: b, port: 5001, protocol: udp, rate: 100000, bytes: 8000, duration: 1ms}\n",
    );
    // Each flow offers 100 datagrams of 8,028 bytes: 1.28 ms at 5 Gbps for each, 2.57 ms if they shared it.
    let last = report
        .captured
        .iter()
        .filter(|c| {
            c.bytes.len() > 8000 && c.dir == vpcsim_engine::verdict::Dir::In && c.bytes[16..20] == [10, 0, 2, 10]
        })
        .map(|c| c.at.0)
        .max()
        .unwrap();
    let (five, ten) = (2 * 100 * 8028 * 8 / 5, 100 * 8028 * 8 / 5);
    assert!(last < 500_000 + five && last >= 500_000 + ten, "{last}");
}

/// FLW-5, FLW-6, FLW-7: four pings of 84 bytes are one record each way with ports 0 0, and the other interface of the
/// window has NODATA.
#[test]
fn pings_in_a_flow_log() {
    let (_, all) = play_logged(TWO, "  - ping: {from: a, to: 8.8.8.8, count: 4}\n");
    let lines = records(&all, "a");
    let (start, end) = (EPOCH_SECONDS, EPOCH_SECONDS + 3);
    assert_eq!(
        lines,
        [
            format!("2 111122223333 a 10.0.1.10 8.8.8.8 0 0 1 4 336 {start} {end} ACCEPT OK"),
            format!("2 111122223333 a 8.8.8.8 10.0.1.10 0 0 1 4 336 {start} {end} ACCEPT OK"),
        ]
    );
    let other: Vec<&String> = all.iter().filter(|line| line.contains(" b ")).collect();
    assert_eq!(other, [&format!("2 111122223333 b - - - - - - - {start} {} - NODATA", start + 59)]);
}

/// FLW-8, case 24: a packet to a secondary address shows the primary one; the public address never appears.
#[test]
fn addresses_in_a_flow_log() {
    let (_, all) = play_logged(
        TWO,
        "  - connect: {from: a, to: 10.0.2.50, port: 443}\n  - connect: {from: internet, to: 198.51.100.10, port: 443}\n",
    );
    assert!(!records(&all, "b").is_empty());
    for line in records(&all, "b") {
        assert!(line.split(' ').nth(4) != Some("10.0.2.50"), "{line}");
    }
    assert!(all.iter().all(|line| !line.contains("198.51.100.10")));
}

/// FLW-3, SVC-4: a question to the VPC's resolver is in no flow log; SVC-7: it knows instances by name.
#[test]
fn the_resolver_answers_and_is_not_logged() {
    let (report, lines) = play_logged(
        TWO,
        "  - resolve: {from: b, name: a}\n    expect: {outcome: resolved, address: 10.0.1.10}\n\
         \x20 - resolve: {from: b, name: ec2-198-51-100-10.compute-1.amazonaws.com}\n    expect: {address: 10.0.1.10}\n\
         \x20 - resolve: {from: b, name: nobody}\n    expect: {outcome: name_error}\n",
    );
    assert_eq!(report.failures(), 0, "{}", report.transcript());
    assert_eq!(records(&lines, "b").len(), 0);
    let without = play(
        &TWO.replace(", enable_dns_hostnames: true", ""),
        "  - resolve: {from: b, name: ec2-198-51-100-10.compute-1.amazonaws.com}\n",
    );
    assert_eq!(without.steps[0].outcome, Some(Outcome::NameError));
}

/// SVC-8: with DNS64 a name that has no IPv6 address gets one.
#[test]
fn dns64_on_the_subnet() {
    let topology = TWO.replace("cidr: 10.0.2.0/24}", "cidr: 10.0.2.0/24, dns64: true}")
        + "internet_hosts: {example: {addresses: [203.0.113.9], names: [example.com]}}\n";
    let report = play(
        &topology,
        "  - resolve: {from: b, name: example.com, type: AAAA}\n  - resolve: {from: a, name: example.com, type: AAAA}\n",
    );
    let outcomes: Vec<_> = report.steps.iter().map(|s| s.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Resolved, Outcome::NameError]);
    assert!(report.transcript().contains("64:ff9b::cb00:7109"), "{}", report.transcript());
}

/// Architecture 6: the same seed gives the same bytes, another seed other ports.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let steps = "  - connect: {from: a, to: b, port: 443, send_bytes: 20000, receive_bytes: 20000}\n  - ping: {from: b, to: 8.8.8.8}\n";
    let lossy = format!("links: {{cross_az: {{loss: 5%}}}}\n{TWO}");
    let bytes = |seed| {
        let (spec, _) = spec::read(FileIx(0), lossy.as_bytes());
        let (scenario, _) = scenario::read(FileIx(1), format!("topology: none\nsteps:\n{steps}").as_bytes());
        let mut lines = Lines::default();
        let logging = Logging { everything: Everything::Always, format: None, sink: &mut lines };
        let options = Options { seed: Some(seed), capture: Some(capture::Rule::default()), ..Options::default() };
        let report = run_logged(&scenario.unwrap(), &spec.unwrap(), options, logging).unwrap();
        let captured =
            capture::merged(&report.networks[0], &report.captured, capture::Format::PcapNg, &|_, by| format!("{by:?}"));
        (report.transcript(), captured, lines)
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1).1, bytes(2).1);
}

/// Drop facts, loss and faults: a link that fails loses everything, and connections live again when it is back.
#[test]
fn a_link_fails_and_is_restored() {
    let report = play(
        TWO,
        "  - fail: {link: cross_az}\n  - ping: {from: a, to: b}\n    expect: {outcome: no_reply, blocked_by: {link: cross zone}, code: SIM_LINK_DOWN}\n  - restore: {link: cross_az}\n  - ping: {from: a, to: b}\n    expect: {outcome: reply}\n",
    );
    assert_eq!(report.failures(), 0, "{}", report.transcript());
    assert!(report.ended > Instant::START);
}

/// SVC-4: DHCP is answered by the host, whatever groups and ACLs say, and is in no flow log.
#[test]
fn dhcp_is_answered() {
    let closed = TWO.replace("open: {vpc: v, inbound: [{from: 0.0.0.0/0}]}", "open: {vpc: v, outbound: []}");
    let (report, lines) =
        play_logged(&closed, "  - send: {from: a, to: 255.255.255.255, port: 67, src_port: 68, bytes: 240}\n");
    let (answers, _): (Vec<_>, Vec<_>) = report.captured.iter().partition(|c| c.bytes[12..16] == [10, 0, 1, 1]);
    assert_eq!(answers.len(), 1, "{}", report.transcript());
    // The cookie of RFC 2131 stands behind IP, UDP and 236 bytes.
    assert_eq!(answers[0].bytes[20 + 8 + 236..][..4], [99, 130, 83, 99]);
    assert_eq!(records(&lines, "a").len(), 0);
}

/// Architecture 6: watching changes nothing. The same run with and without observers ends with the same totals.
#[test]
fn watching_changes_nothing() {
    use vpcsim_engine::compile::FlowLog;
    use vpcsim_engine::event::HostRef;
    use vpcsim_engine::host::Connect;
    use vpcsim_engine::observe::{capture::Capture, flow_logs::FlowLogs, ledger::Ledger};
    use vpcsim_engine::sim::Sim;
    let (spec, _) = spec::read(FileIx(0), format!("links: {{cross_az: {{loss: 3%}}}}\n{TWO}").as_bytes());
    let network = vpcsim_engine::compile::compile(&spec.unwrap()).0.unwrap();
    let guest = network.names.guests.iter_enumerated().find(|(_, l)| l.id == "a").unwrap().0;
    let ask = Connect {
        src: "10.0.1.10".parse().unwrap(),
        dst: "10.0.2.10".parse().unwrap(),
        dst_port: 443,
        src_port: None,
        tag: 1,
        send: 300_000,
        receive: 300_000,
    };
    let mut alone = Sim::new(network.clone(), 9, ());
    let mut capture = Capture::new(&network);
    capture.everywhere(capture::Rule::default());
    let logs = FlowLogs::new(&network, vec![FlowLog::everything()], ());
    let mut watched = Sim::new(network, 9, (Ledger::default(), (capture, logs)));
    alone.with_host(HostRef::Guest(guest), |host, now| host.connect(now, ask));
    watched.with_host(HostRef::Guest(guest), |host, now| host.connect(now, ask));
    alone.run_until(Instant(60_000_000_000));
    watched.run_until(Instant(60_000_000_000));
    assert_eq!(alone.totals(), watched.totals());
    assert!(alone.totals().delivered > 100 && alone.totals().dropped > 0);
    watched.observer.0.check(&watched.totals());
}

/// Each configuration of a run is kept: there is a limit, and a run that meets it ends and says so.
#[test]
fn a_run_has_a_limit_of_changes() {
    let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\ninstances: {i: {subnet: s}}\n";
    let (topology, _) = spec::read(FileIx(0), text.as_bytes());
    let step = "  - change: {instance: i, set: {answers_ping: true}}\n";
    let steps = step.repeat(usize::from(vpcsim_engine::sim::EPOCHS_MAX) + 3);
    let (scenario, _) = scenario::read(FileIx(1), format!("topology: none\nsteps:\n{steps}").as_bytes());
    let report =
        run(&scenario.expect("a scenario"), &topology.expect("a topology"), Options::default()).expect("it runs");
    assert_eq!(report.networks.len(), usize::from(vpcsim_engine::sim::EPOCHS_MAX) + 1);
    assert!(report.transcript().contains("the run ends here: 4096 changes and moves of routes"));
}
