//! What is captured where, what capture files hold, and packets of capture files sent into a network.

use std::collections::BTreeMap;
use vpcsim_engine::base::Nanos;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::capture::{self, Format, NatSide, Place, Rule};
use vpcsim_engine::scenario;
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::spec;
use vpcsim_engine::wire::{Packet, emit, parse};

const NAT: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  pub: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: out}
  priv: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: nat}
nat_gateways: {nat-a: {subnet: pub, addresses: [{private: 10.0.0.5, public: 198.51.100.5}]}}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  nat: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat-a}]}
security_groups:
  sg: {vpc: v, inbound: [{protocol: all, from: 10.0.0.0/16}]}
instances:
  app: {subnet: priv, address: 10.0.1.10, security_groups: [sg], listen: [80, udp/53]}
  peer: {subnet: priv, address: 10.0.1.11, security_groups: [sg], listen: [80, udp/53]}
internet_hosts:
  api: {addresses: [203.0.113.80], listen: [443]}
";

fn read(topology: &str, text: &str, options: Options) -> Result<Report, Vec<String>> {
    let (spec, _) = spec::read(FileIx(0), topology.as_bytes());
    let (scenario, diagnostics) = scenario::read(FileIx(0), format!("topology: t.yaml\n{text}").as_bytes());
    let texts = |all: &[vpcsim_engine::diag::Diagnostic]| all.iter().map(|d| d.message.clone()).collect::<Vec<_>>();
    if !diagnostics.is_empty() {
        return Err(texts(&diagnostics));
    }
    run(&scenario.expect("a scenario"), &spec.expect("a topology"), options).map_err(|e| texts(&e))
}

fn replay(text: &str, options: Options) -> Report {
    read(NAT, text, options).unwrap_or_else(|e| panic!("{e:#?}"))
}

fn at(report: &Report, place: Place) -> Vec<Packet> {
    report.captured.iter().filter(|c| c.place == place).map(|c| parse(&c.bytes, 0).expect("a packet")).collect()
}

/// A NAT gateway is the client's partner inside and the server's outside.
#[test]
fn a_nat_gateway_has_two_sides() {
    let text = "captures:
  - {at: nat-a, side: inside}
  - {at: nat-a, side: outside, filter: tcp-syn}
steps:
  - connect: {from: app, to: api, port: 443}
expect:
  - captured: {at: nat-a, side: inside, filter: tcp-syn, equals: 2}
  - captured: {at: nat-a, side: outside, filter: src host 10.0.0.5 and tcp-syn, equals: 1}
  - captured: {at: app, filter: dropped, at_most: 0}
";
    let report = replay(text, Options::default());
    assert_eq!(report.failures(), 0, "{}", report.transcript());
    let network = &report.networks[0];
    let nat = network.names.nats.iter_enumerated().next().expect("one").0;
    let app: std::net::IpAddr = "10.0.1.10".parse().unwrap();
    let inside = at(&report, Place::Nat(nat, NatSide::Inside));
    assert!(!inside.is_empty() && inside.iter().all(|p| p.headers.src == app || p.headers.dst == app));
    let outside = at(&report, Place::Nat(nat, NatSide::Outside));
    assert_eq!(outside.len(), 2, "a SYN and its answer");
    assert!(outside.iter().all(|p| p.headers.src != app && p.headers.dst != app));
    assert_eq!(report.captured.len(), inside.len() + 2, "and nothing else");
}

/// A snap length cuts what is kept, not what is said of the length.
#[test]
fn a_snap_length_cuts_what_is_kept() {
    let text = "captures: [{at: peer, filter: udp, snap_length: 48}, {at: app}]\nsteps:\n  - send: {from: app, to: peer, port: 53, bytes: 1000}\n  - ping: {from: app, to: peer}\n";
    let report = replay(text, Options::default());
    let peer = report.networks[0].names.enis.iter_enumerated().find(|(_, l)| l.id.contains("peer")).unwrap().0;
    let kept: Vec<_> = report.captured.iter().filter(|c| c.place == Place::Eni(peer)).collect();
    assert!(kept.iter().all(|c| c.bytes.len() == 48 && c.len == 1028) && kept.len() == 2, "{kept:?}");
    assert!(report.captured.iter().any(|c| c.place != Place::Eni(peer) && c.bytes.len() == 1028));
    assert!(report.captured.iter().any(|c| c.place != Place::Eni(peer) && c.bytes.len() == 84), "the ping, at app");
}

/// Both formats give back what was captured, byte for byte, with its times; from the command line's filter too.
#[test]
fn capture_files_hold_what_was_captured() {
    let text = "steps:\n  - connect: {from: app, to: api, port: 443, send_bytes: 5000}\n  - connect: {from: api, to: app, port: 80}\n  - send: {from: app, to: peer, port: 53}\n";
    let filter = Some("not udp".parse().unwrap());
    let report = replay(text, Options { capture: Some(Rule { filter, snap_length: None }), ..Options::default() });
    assert!(report.captured.len() > 20);
    let network = &report.networks[0];
    for format in [Format::PcapNg, Format::Pcap] {
        let bytes = capture::merged(network, &report.captured, format, &|_, by| format!("{by:?}"));
        let read = capture::read(&bytes).unwrap();
        assert_eq!(read.problems, []);
        let first = report.captured[0].at;
        let wanted: Vec<(Nanos, Vec<u8>)> =
            report.captured.iter().map(|c| (Nanos(c.at.0 - first.0), c.bytes.clone())).collect();
        let got: Vec<(Nanos, Vec<u8>)> = read.packets.iter().map(|(at, p)| (*at, emit(p))).collect();
        assert_eq!(got, wanted, "{format:?}");
        assert!(read.packets.iter().all(|(_, p)| p.headers.udp_port().is_none()));
        let one: usize = capture::files(network, &report.captured, format, &|_, _| String::new()).len();
        assert!(one >= 2, "a file each");
    }
}

trait UdpPort {
    fn udp_port(&self) -> Option<u16>;
}
impl UdpPort for vpcsim_engine::wire::Headers {
    fn udp_port(&self) -> Option<u16> {
        (self.protocol == vpcsim_engine::base::Protocol::UDP).then(|| self.ports().1)
    }
}

/// A capture file of Ethernet frames, as another tool writes it: header and records by hand (pcap's own manual page).
fn pcap_file(link: u32, frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0002_0004, 0, 0, 65_535, link] {
        out.extend(word.to_be_bytes());
    }
    for (micros, frame) in frames {
        for word in [1_600_000_000, *micros, frame.len() as u32, frame.len() as u32] {
            out.extend(word.to_be_bytes());
        }
        out.extend(frame);
    }
    out
}

fn udp(src: [u8; 4], dst: [u8; 4], port: u16) -> Vec<u8> {
    let mut out = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0];
    out.extend(src);
    out.extend(dst);
    out.extend(40_000u16.to_be_bytes());
    out.extend(port.to_be_bytes());
    out.extend([0, 12, 0, 0, 1, 2, 3, 4]);
    out
}

fn ethernet(ip: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], ip].concat()
}

fn injecting(bytes: &[u8]) -> Options {
    let packets = capture::read(bytes).expect("a capture").packets;
    Options { pcaps: BTreeMap::from([("a.pcap".to_owned(), packets.into())]), ..Options::default() }
}

/// Packets of a file go out at the file's distances, with the addresses that the scenario maps; a listener answers, and
/// what is not the sender's stays unsent unless it is forged.
#[test]
fn packets_of_a_file_are_sent() {
    let (a, b, c) = ([192, 168, 1, 1], [192, 168, 1, 2], [192, 168, 1, 3]);
    let frames: Vec<(u32, Vec<u8>)> =
        [(0, udp(a, b, 53)), (10, udp(b, a, 40_000)), (500_000, udp(a, b, 53)), (600_000, udp(c, b, 53))]
            .into_iter()
            .map(|(at, ip)| (at, ethernet(&ip)))
            .collect();
    let bytes = pcap_file(1, &frames);
    let text = "captures: [peer]\nsteps:\n  - inject: {file: a.pcap, from: app, map: [{address: 192.168.1.1, to: app}, {address: 192.168.1.2, to: peer}]}\n    expect: {outcome: delivered}\nexpect:\n  - captured: {at: peer, filter: dst host 10.0.1.11 and udp dst port 53, equals: 2}\n  - captured: {at: peer, filter: src host 10.0.1.11, equals: 2}\n";
    let report = replay(text, injecting(&bytes));
    assert_eq!(report.failures(), 0, "{}", report.transcript());
    assert!(report.transcript().contains("2 packets sent, 2 taken, "), "{}", report.transcript());
    assert!(report.transcript().contains("2 of other sources not sent"), "{}", report.transcript());
    let requests: Vec<u64> =
        report.captured.iter().filter(|c| c.bytes[16..20] == [10, 0, 1, 11]).map(|c| c.at.0).collect();
    assert_eq!(requests[1] - requests[0], 500_000_000, "half a second, as in the file");
    assert_eq!(report.captured[0].bytes[28..], [1, 2, 3, 4], "the payload as it was");

    let forged = text.replace("map: [", "forged: true, interval: 1ms, map: [").replace("equals: 2", "at_least: 0");
    let report = replay(&forged, injecting(&bytes));
    assert!(report.transcript().contains("4 packets sent"), "{}", report.transcript());
    assert!(
        report.transcript().contains("eni app: source/destination check"),
        "forged sources: {}",
        report.transcript()
    );
}

/// Each packet that cannot be read is named, and the rest is read.
#[test]
fn bad_packets_are_named_and_the_rest_is_read() {
    let good = ethernet(&udp([10, 0, 0, 1], [10, 0, 0, 2], 53));
    let arp = [&good[..12], &[8, 6, 0, 1]].concat();
    let mut options = good.clone();
    options[14] = 0x46;
    let mut cut = good.clone();
    cut.truncate(30);
    let tagged = [&good[..12], &[0x81, 0, 0, 7], &good[12..]].concat();
    let frames: Vec<(u32, Vec<u8>)> =
        [good.clone(), arp, options, cut, vec![1, 2, 3], tagged].into_iter().map(|f| (0, f)).collect();
    let read = capture::read(&pcap_file(1, &frames)).unwrap();
    assert_eq!(read.packets.len(), 2, "the plain one and the tagged one");
    let problems: Vec<(u64, &str)> = read.problems.iter().map(|(n, why)| (*n, why.as_str())).collect();
    assert_eq!(
        problems,
        [
            (2, "ARP is no IP packet"),
            (3, "IPv4 options: not modelled"),
            (4, "the packet is cut short"),
            (5, "the frame is shorter than its link header"),
        ]
    );
    let other = capture::read(&pcap_file(147, &frames[..1])).unwrap();
    assert_eq!(other.problems, [(1, "link type 147 is not understood".to_owned())]);
    let whole = pcap_file(1, &frames);
    let first_ends = 24 + 16 + good.len();
    let broken = capture::read(&whole[..first_ends + 20]).unwrap();
    assert_eq!(broken.packets.len(), 1);
    assert!(broken.problems[0].0 == 2 && broken.problems[0].1.starts_with("the file ends in the middle"), "{broken:?}");
    assert_eq!(capture::read(b"hello").unwrap_err(), "this is neither a pcap nor a pcapng file");
    assert!(capture::read(&[0x1f, 0x8b, 8, 0]).unwrap_err().contains("gzip"));
    // Every prefix of a file is read without a panic.
    for n in 0..whole.len() {
        let _ = capture::read(&whole[..n]);
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (text, want) in [
        (
            "captures: [{at: nat-a, side: inner}]\nsteps: [{wait: {for: 1s}}]",
            "`nat-a` has the sides `inside` and `outside`",
        ),
        ("captures: [{at: app, side: inside}]\nsteps: [{wait: {for: 1s}}]", "`app` has no sides"),
        ("captures: [{at: ap}]\nsteps: [{wait: {for: 1s}}]", "there is no `ap` in this network"),
        ("captures: [{at: igw}]\nsteps: [{wait: {for: 1s}}]", "no packet is captured at `igw`"),
        ("captures: [{at: app, filter: tcp prot 1}]\nsteps: [{wait: {for: 1s}}]", "`prot` does not belong here"),
        ("steps: [{inject: {file: a.pcap, from: app}}]", "the capture file `a.pcap` was not read"),
        (
            "steps: [{inject: {file: a.pcap, from: app, map: [{address: app, to: 10.0.0.1}]}}]",
            "`app` is not an IP address",
        ),
        (
            "steps: [{inject: {file: a.pcap, from: app, map: [{address: 1.2.3.4, to: nobody}]}}]",
            "there is no `nobody` in this network",
        ),
    ] {
        let found = read(NAT, text, Options::default()).err().unwrap_or_default();
        assert!(found.iter().any(|f| f.starts_with(want)), "{text}\n expected {want}\n found {found:#?}");
    }
}
