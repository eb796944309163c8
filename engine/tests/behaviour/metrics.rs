//! Metrics against captures of the same run: two observers that know nothing of each other.

use std::path::Path;
use vpcsim_engine::base::ids::{NatIx, TunnelIx, VifIx};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::Point;
use vpcsim_engine::observe::capture::{Captured, NatSide, Place, Rule};
use vpcsim_engine::record::metric::{DataPoint, Metric};
use vpcsim_engine::scenario;
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::spec;
use vpcsim_engine::verdict::Dir;

pub(crate) fn replay_on(topology: &str, steps: &str, options: Options) -> Report {
    let text = match topology.contains('\n') {
        true => topology.to_owned(),
        false => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
            std::fs::read_to_string(folder.join(topology)).unwrap()
        }
    };
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let (scenario, diagnostics) = scenario::read(FileIx(0), format!("topology: t.yaml\n{steps}").as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    run(&scenario.unwrap(), &spec.unwrap(), options).unwrap_or_else(|e| panic!("{e:#?}"))
}

fn replay(topology: &str, steps: &str) -> Report {
    replay_on(topology, steps, Options { metrics: true, capture: Some(Rule::default()), ..Options::default() })
}

/// The sum of a metric over all periods, of what has this dimension.
fn sum(report: &Report, metric: Metric, of: &str) -> u64 {
    points(report, metric, of).map(|p| p.value as u64).sum()
}

fn points<'a>(report: &'a Report, metric: Metric, of: &'a str) -> impl Iterator<Item = &'a DataPoint> {
    let last = move |p: &&DataPoint| p.dimensions.last().is_some_and(|(_, value)| value == of);
    report.metrics.iter().filter(move |p| p.metric == metric).filter(last)
}

fn captured(report: &Report, keep: impl Fn(&Captured) -> bool) -> (u64, u64) {
    report.captured.iter().filter(|c| keep(c)).fold((0, 0), |(n, bytes), c| (n + 1, bytes + u64::from(c.len)))
}

const NAT: &str = "
region: us-east-1
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  pub: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: out}
  priv: {vpc: v, az: b, cidr: 10.0.1.0/24, route_table: nat}
nat_gateways: {nat-a: {subnet: pub, addresses: [{private: 10.0.0.5, public: 198.51.100.5}]}}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  nat: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat-a}]}
security_groups:
  sg: {vpc: v, inbound: [{protocol: all, from: 10.0.0.0/16}]}
instances:
  app: {subnet: priv, address: 10.0.1.10, security_groups: [sg], listen: []}
internet_hosts:
  api: {addresses: [203.0.113.80], listen: [443]}
";

/// MET-1, MET-8: what a NAT gateway counts on each side is what a capture of that side holds; its connections are those of
/// the clients.
#[test]
fn a_nat_gateway_counts_both_sides() {
    let steps = "captures: [{at: nat-a, side: inside}, {at: nat-a, side: outside}, {at: app}]
steps:
  - connect: {from: app, to: api, port: 443, keep_open: true, name: idle}
  - connect: {from: app, to: api, port: 444}
  - flows: {from: app, to: [{host: api, port: 443, response_bytes: 20000}], rate: 5, duration: 100s}
  - wait: {for: 400s}
";
    let report = replay(NAT, steps);
    let side = |side: NatSide, dir: Dir| captured(&report, |c| c.place == Place::Nat(NatIx(0), side) && c.dir == dir);
    for (bytes, packets, of) in [
        (Metric::BytesInFromSource, Metric::PacketsInFromSource, side(NatSide::Inside, Dir::In)),
        (Metric::BytesOutToSource, Metric::PacketsOutToSource, side(NatSide::Inside, Dir::Out)),
        (Metric::BytesInFromDestination, Metric::PacketsInFromDestination, side(NatSide::Outside, Dir::In)),
        (Metric::BytesOutToDestination, Metric::PacketsOutToDestination, side(NatSide::Outside, Dir::Out)),
    ] {
        assert_eq!((sum(&report, packets, "nat-a"), sum(&report, bytes, "nat-a")), of, "{bytes:?}");
        assert!(of.0 > 1_000, "{of:?}");
    }
    let flows: u64 = report
        .lines
        .iter()
        .find_map(|l| l.text.split(" begun").next().filter(|_| l.text.contains("begun")))
        .and_then(|t| t.split(' ').next_back())
        .unwrap()
        .parse()
        .unwrap();
    // The refused one is an attempt, too.
    assert_eq!(sum(&report, Metric::ConnectionAttemptCount, "nat-a"), flows + 2);
    assert_eq!(sum(&report, Metric::ConnectionEstablishedCount, "nat-a"), flows + 1);
    // Two minutes of flows, then one open connection, and after 350 s without a packet none.
    assert_eq!(sum(&report, Metric::IdleTimeoutCount, "nat-a"), 1);
    let idle = points(&report, Metric::IdleTimeoutCount, "nat-a").next().unwrap();
    assert_eq!(idle.at - 1_700_000_000, 300, "in the minute of the 350th second after its last packet");
    let peak = points(&report, Metric::PeakPacketsPerSecond, "nat-a").map(|p| p.value as u64).max().unwrap();
    let (all, _) = captured(&report, |c| matches!(c.place, Place::Nat(..)) && c.dir == Dir::In);
    assert!(peak >= all / 110 && peak <= all / 50, "a peak of ten seconds lies above the mean: {peak}, {all} in all");
}

/// MET-7: what the gateway itself drops; ports that run out are counted twice, once by name.
#[test]
fn a_nat_gateway_counts_what_it_drops() {
    let steps = "steps:
  - send: {from: app, to: api, port: 1, bytes: 3000}
  - ping: {from: app, to: api, bytes: 3000}
";
    let report = replay(NAT, steps);
    let row = |text: &str| report.transcript().contains(text);
    assert!(row("dropped"), "{}", report.transcript());
    let dropped: u64 = report.counters.iter().filter(|(n, _)| n == "nat-a.dropped").map(|(_, v)| *v).sum();
    assert!(dropped > 0);
    assert_eq!(sum(&report, Metric::PacketsDropCount, "nat-a"), dropped);
    assert_eq!(sum(&report, Metric::ErrorPortAllocation, "nat-a"), 0);
}

/// MET-2: what comes in goes out or is lost, by gateway and by attachment; the attachments' interfaces saw the same.
#[test]
fn a_transit_gateway_adds_up() {
    let steps = "steps:
  - flows: {from: [blue-1, blue-3], to: [{host: repo-1, port: 443}, {host: repo-1, protocol: icmp}, {host: green-1, port: 22}], rate: 20, duration: 70s}
  - ping: {from: blue-1, to: 10.77.0.1, count: 3}
";
    let report = replay("hub-and-spoke.yaml", steps);
    let lost = sum(&report, Metric::TgwPacketsNoRoute, "tgw") + sum(&report, Metric::TgwPacketsBlackhole, "tgw");
    let (incoming, outgoing) = (sum(&report, Metric::TgwPacketsIn, "tgw"), sum(&report, Metric::TgwPacketsOut, "tgw"));
    assert_eq!(incoming, outgoing + lost);
    assert!(incoming > 1_000 && lost > 3, "{incoming} in, {lost} lost");
    let mut bytes = 0;
    for attach in ["attach-shared", "attach-blue", "attach-green"] {
        bytes += sum(&report, Metric::TgwBytesIn, attach);
        let network = &report.networks[0];
        let at = network.names.tgw_attaches.iter_enumerated().find(|(_, l)| l.id == attach).unwrap().0;
        let vpcsim_engine::fabric::TgwAttachKind::Vpc { ports, .. } = &network.fabric.tgw_attaches[at].kind else {
            panic!("a VPC's attachment")
        };
        let own = |c: &Captured, dir: Dir| c.dir == dir && ports.iter().any(|p| c.place == Place::Eni(p.eni));
        let into = captured(&report, |c| own(c, Dir::In));
        let out = captured(&report, |c| own(c, Dir::Out));
        let (i, o) = (Metric::TgwPacketsIn, Metric::TgwPacketsOut);
        assert_eq!((sum(&report, i, attach), sum(&report, Metric::TgwBytesIn, attach)), into, "{attach}");
        assert_eq!((sum(&report, o, attach), sum(&report, Metric::TgwBytesOut, attach)), out, "{attach}");
    }
    assert_eq!(bytes, sum(&report, Metric::TgwBytesIn, "tgw"));
}

/// MET-3: bytes inside of the tunnels, as a capture inside holds them; a tunnel that dies is up for a part of the time.
#[test]
fn a_vpn_tunnel_counts_what_is_inside() {
    let steps = "steps:
  - ping: {from: app-1, to: till-london, count: 20, interval: 1s}
  - fail: {vpn_tunnel: vpn-london/1}
  - wait: {for: 280s}
  - wait: {for: 300s}
";
    let report = replay("site-to-site-vpn.yaml", steps);
    let network = &report.networks[0];
    let mut all = 0;
    for (n, t) in network.fabric.tunnels.iter().enumerate() {
        let tunnel = TunnelIx(n as u32);
        let inner = |dir: Dir| captured(&report, |c| c.place == Place::Point(Point::Inner(tunnel)) && c.dir == dir).1;
        let of = t.outside[0].to_string();
        assert_eq!(sum(&report, Metric::TunnelDataOut, &of), inner(Dir::Out), "{n}");
        assert_eq!(sum(&report, Metric::TunnelDataIn, &of), inner(Dir::In), "{n}");
        all += inner(Dir::Out);
    }
    assert!(all > 20 * 84);
    let dead = network.names.tunnels.iter().position(|l| l.id == "vpn-london/1").unwrap();
    let of = network.fabric.tunnels[TunnelIx(dead as u32)].outside[0].to_string();
    let states: Vec<f64> = points(&report, Metric::TunnelState, &of).map(|p| p.value).collect();
    // It fails after 20 s, and is noticed at the latest after the hold time of 30 s, or 40 s of dead peer detection.
    assert!(states[0] > 20.0 / 300.0 && states[0] < 100.0 / 300.0, "{states:?}");
    assert!(states[1] < 1e-9, "{states:?}");
}

/// MET-4: bits and packets a second over five minutes.
#[test]
fn a_virtual_interface_has_rates() {
    let steps = "steps:\n  - ping: {from: erp-1, to: ledger, count: 100, interval: 1s}\n  - wait: {for: 300s}\n";
    let report = replay("direct-connect-with-backup.yaml", steps);
    let network = &report.networks[0];
    let mut any = false;
    for (n, label) in network.names.vifs.iter().enumerate() {
        let out = captured(&report, |c| c.place == Place::Point(Point::Vif(VifIx(n as u32))) && c.dir == Dir::Out);
        let rate: f64 = points(&report, Metric::VifBpsEgress, &label.id).map(|p| p.value).sum();
        assert!((rate * 300.0 / 8.0 - out.1 as f64).abs() < 1.0, "{rate} {out:?}");
        let packets: f64 = points(&report, Metric::VifPpsEgress, &label.id).map(|p| p.value).sum();
        assert!((packets * 300.0 - out.0 as f64).abs() < 0.5, "{packets} {out:?}");
        any |= out.0 > 100;
        assert!(points(&report, Metric::VifBgpStatus, &label.id).all(|p| (p.value - 1.0).abs() < 1e-9));
    }
    assert!(any);
}

/// MET-5, MET-6, MET-9, MET-10.
#[test]
fn instances_and_endpoints() {
    let steps = "steps:
  - flows: {from: client-1, to: [{host: vpce-ledger, port: 443}], rate: 5, duration: 10s}
  - flows: {from: client-1, to: [{host: client-2, protocol: udp, port: 9, response_bytes: 0}], rate: 5, model: constant, duration: 2s}
";
    let report = replay("privatelink.yaml", steps);
    let network = &report.networks[0];
    let named = |id: &str| network.names.enis.iter_enumerated().find(|(_, l)| l.id.contains(id)).unwrap().0;
    let client = named("client-1");
    let out = captured(&report, |c| c.place == Place::Eni(client) && c.dir == Dir::Out);
    assert_eq!(
        (sum(&report, Metric::NetworkPacketsOut, "client-1"), sum(&report, Metric::NetworkOut, "client-1")),
        out
    );
    // The other client's group lets nothing in: nothing is received, though it reached the interface.
    let other = named("client-2");
    assert_eq!(captured(&report, |c| c.place == Place::Eni(other)).0, 10);
    assert_eq!(sum(&report, Metric::NetworkPacketsIn, "client-2"), 0);
    let endpoint = |c: &Captured| matches!(c.place, Place::Eni(eni) if matches!(network.fabric.enis[eni].kind, vpcsim_engine::fabric::EniKind::Vpce(_)));
    let (packets, bytes) = captured(&report, endpoint);
    assert_eq!(sum(&report, Metric::BytesProcessed, "vpce-ledger"), bytes);
    assert!(packets > 300);
    assert_eq!(Metric::LinklocalAllowance.name(), "ethtool_linklocal_allowance_exceeded");
}

#[test]
fn data_points_are_csv_and_json() {
    let point = DataPoint {
        at: 1_700_000_060,
        metric: Metric::TgwBytesIn,
        dimensions: vec![("TransitGateway", "tgw-1".to_owned()), ("TransitGatewayAttachment", "a,\"b\"".to_owned())],
        value: 84.0,
    };
    assert_eq!(
        point.csv(),
        "1700000060,AWS/TransitGateway,BytesIn,\"TransitGateway=tgw-1;TransitGatewayAttachment=a,\"\"b\"\"\",Sum,60,Bytes,84"
    );
    let json = point.json();
    assert_eq!(json["MetricName"], "BytesIn");
    assert_eq!(json["Dimensions"][1]["Value"], "a,\"b\"");
}

/// MIR-23: what is mirrored is counted as the run's own counters count it.
#[test]
fn mirrored_packets_are_counted() {
    let scenario = include_str!("../../../scenarios/tour/49-what-a-mirror-sees.yaml");
    let steps = &scenario[scenario.find("steps:").unwrap()..];
    let report = replay("mirroring.yaml", steps);
    let mut any = 0;
    for (name, value) in &report.counters {
        let Some((instance, metric)) = name.split_once(".Network") else { continue };
        let metric = Metric::ALL.iter().find(|m| m.name() == format!("Network{metric}")).unwrap();
        assert_eq!(sum(&report, *metric, instance), *value, "{name}");
        any += value;
    }
    assert!(any > 0);
}
