//! Records of interfaces as AWS's examples have them: `docs/behaviour/flow-log.md`, cases 2, 3, 8 and 24 of the design's list.

use super::flow_log_run::{TO, flow_log, flows, logged, only};
use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::event::HostRef;
use vpcsim_engine::observe::flow_logs::{FlowLogs, Lines};
use vpcsim_engine::sim::Sim;
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Tcp, TcpFlags};

/// A client and a server in two subnets, the server's with this ACL and these groups, and what is logged.
fn pair(acl: &str, group: &str, more: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
subnets:
  sa: {{vpc: v, az: a, az_id: use1-az1, cidr: 10.0.1.0/24}}
  sb: {{vpc: v, az: b, az_id: use1-az2, cidr: 10.0.2.0/24, network_acl: n}}
network_acls: {{n: {{vpc: v, {acl}}}}}
security_groups:
  ga: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}
  gb: {{vpc: v, {group}}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [ga], listen: [443]}}
  b: {{subnet: sb, address: 10.0.2.10, secondary_addresses: [10.0.2.50], security_groups: [gb], listen: [443]}}
{more}"
    )
}

const ALL: &str =
    "inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}], outbound: [{rule: 100, action: allow, to: 0.0.0.0/0}]";
const NO_WAY_OUT: &str = "inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}], outbound: []";
const OPEN: &str = "inbound: [{from: 0.0.0.0/0}]";
const SHORT: &str = "${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${action} ${log-status}";

/// FLW-1, case 2: the ACL lets the SYN in and the SYN-ACK not out.
#[test]
fn a_reply_that_the_acl_blocks_case_2() {
    let log = flow_log("b", "${flow-direction} ${dstport} ${tcp-flags} ${action} ${log-status}", "");
    let lines = only(&pair(NO_WAY_OUT, OPEN, &log), "  - at: 0s\n    connect: {from: a, to: b, port: 443}\n");
    let lines = flows(&lines);
    assert_eq!(lines[0], "ingress 443 2 ACCEPT OK");
    assert!(lines[1].starts_with("egress ") && lines[1].ends_with(" 18 REJECT OK"), "{lines:?}");
}

/// FLW-7, case 3: the group allows ping in only, the ACL in and not out: ACCEPT, then REJECT. With the ACL open, two ACCEPTs. With
/// the group closed one REJECT.
#[test]
fn pings_case_3() {
    let ping = "  - ping: {from: a, to: b, count: 4, bytes: 56}\n";
    let icmp = "inbound: [{protocol: icmp, from: 0.0.0.0/0}], outbound: []";
    let records = |acl: &str, group: &str| {
        let format =
            "${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${action} ${log-status}";
        let lines = only(&pair(acl, group, &flow_log("b", format, "")), ping);
        flows(&lines).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let there = |action: &str| format!("10.0.1.10 10.0.2.10 0 0 1 4 336 {action} OK");
    let back = |action: &str| format!("10.0.2.10 10.0.1.10 0 0 1 4 336 {action} OK");
    assert_eq!(records(NO_WAY_OUT, icmp), [there("ACCEPT"), back("REJECT")]);
    assert_eq!(records(ALL, icmp), [there("ACCEPT"), back("ACCEPT")]);
    assert_eq!(records(ALL, "inbound: []"), [there("REJECT")]);
}

/// FLW-3, case 8: the VPC's resolver is not logged; a server of one's own is, and here it is rejected.
#[test]
fn the_resolver_is_not_logged_case_8() {
    let log = flow_log("a", SHORT, "");
    let topology = pair(ALL, OPEN, &log)
        .replace("ga: {vpc: v, inbound: [{from: 0.0.0.0/0}]}", "ga: {vpc: v, inbound: [], outbound: []}");
    let lines =
        only(&topology, "  - resolve: {from: a, name: b}\n  - resolve: {from: a, name: b, server: 10.0.2.10}\n");
    let lines = flows(&lines);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("10.0.1.10 10.0.2.10 ") && lines[0].ends_with(" 53 17 REJECT OK"), "{lines:?}");
}

/// FLW-3: what is for the subnet's router is not logged.
#[test]
fn the_router_is_not_logged() {
    let steps = "  - ping: {from: a, to: 10.0.1.1}\n  - ping: {from: a, to: 10.0.1.2}\n";
    let lines = only(&pair(ALL, OPEN, &flow_log("a", SHORT, "")), steps);
    assert_eq!(flows(&lines), ["10.0.1.10 10.0.1.2 0 0 1 ACCEPT OK"]);
}

/// FLW-8, FLW-15, case 24: a packet to a secondary address shows the primary one, and its own as `pkt-dstaddr`; over SYN, ACK,
/// data and FIN the flags are 3, and 19 the other way.
#[test]
fn secondary_addresses_and_flags_case_24() {
    let format = "${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${tcp-flags} ${type} ${log-status}";
    let topology = pair(ALL, OPEN, &flow_log("b", format, ""));
    let lines = only(&topology, "  - send: {from: a, to: 10.0.2.50, port: 53, bytes: 10, expect_reply: false}\n");
    assert_eq!(flows(&lines)[0], "10.0.1.10 10.0.2.10 10.0.1.10 10.0.2.50 0 IPv4 OK");
    let lines = only(&topology, "  - connect: {from: a, to: b, port: 443, send_bytes: 10}\n");
    let expected =
        ["10.0.1.10 10.0.2.10 10.0.1.10 10.0.2.10 3 IPv4 OK", "10.0.2.10 10.0.1.10 10.0.2.10 10.0.1.10 19 IPv4 OK"];
    assert_eq!(flows(&lines), expected);
}

/// FLW-15: flags by packet. SYN with ECE is 2, RST-ACK 4, ACK alone 0; what no packet can have is `-`. FLW-25: UDP has 0.
#[test]
fn flags_of_single_packets() {
    let flags = |flags: u8| {
        let (network, lines) = crafted(TcpFlags(flags), "${dstport} ${tcp-flags} ${log-status}");
        assert!(network > 0);
        lines.into_iter().find(|line| line.ends_with(" OK")).unwrap()
    };
    for (wire, shown) in
        [(2, "2"), (2 | 64, "2"), (18, "18"), (20, "4"), (17, "1"), (16, "0"), (24, "0"), (3, "-"), (6, "-")]
    {
        assert_eq!(flags(wire), format!("443 {shown} OK"), "{wire:#x}");
    }
    let udp = "  - send: {from: a, to: b, port: 53, bytes: 10}\n";
    let lines = only(&pair(ALL, OPEN, &flow_log("b", "${protocol} ${tcp-flags} ${action} ${log-status}", "")), udp);
    assert_eq!(flows(&lines)[0], "17 0 ACCEPT OK");
}

/// One TCP packet from a to b, whatever its flags; the lines of a's log.
fn crafted(flags: TcpFlags, format: &str) -> (u64, Vec<String>) {
    let network = super::harness::net(&pair(ALL, OPEN, ""));
    let eni = network.names.enis.iter_enumerated().find(|(_, l)| l.id == "a").unwrap().0;
    let guest = network.fabric.enis[eni].guest().unwrap();
    let format = vpcsim_engine::record::flow_log::Format::parse(format).unwrap();
    let log = FlowLog { format, ..FlowLog::everything() };
    let logs = FlowLogs::new(&network, vec![log], Lines::default());
    let mut sim = Sim::new(network, 0, logs);
    let tcp = Tcp { src_port: 40000, dst_port: 443, seq: 1, ack: 1, window: 100, flags, options_len: 0 };
    sim.send_as(HostRef::Guest(guest), packet(L4::Tcp(tcp), 6));
    sim.observer.finish(Instant::START);
    (sim.totals().originated, sim.observer.sink.of(0).into_iter().map(str::to_owned).collect())
}

fn packet(l4: L4, protocol: u8) -> Packet {
    let headers = Headers {
        src: "10.0.1.10".parse().unwrap(),
        dst: "10.0.2.10".parse().unwrap(),
        protocol: vpcsim_engine::base::Protocol(protocol),
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment::default(),
        l4,
    };
    Packet { headers, tag: 0, payload: Payload::EMPTY }
}

const NAT: &str = "
vpcs: {v: {cidr: 10.1.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  private: {vpc: v, az: a, cidr: 10.1.1.0/24, route_table: rp}
  public: {vpc: v, az: a, cidr: 10.1.9.0/24, route_table: ri}
route_tables:
  rp: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat-0}]}
  ri: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
security_groups: {g: {vpc: v}}
instances: {i: {subnet: private, address: 10.1.1.20, security_groups: [g]}}
internet_hosts: {web: {addresses: [198.51.100.7], listen: [443]}}
";
const GET: &str = "  - connect: {from: i, to: web, port: 443}\n";

/// FLW-8, reference 10.7: the four records of a zonal NAT gateway's interface.
#[test]
fn a_zonal_nat_gateway() {
    let nat = "nat_gateways: {nat-0: {subnet: public, network_interface: eni-0nat, addresses: [{private: 10.1.9.5, public: 203.0.113.50}]}}\nnetwork_interfaces: {eni-0nat: {subnet: public, address: 10.1.9.5, public_ip: 203.0.113.50}}\n";
    let format = "${instance-id} ${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${log-status}";
    let topology = format!("{NAT}{nat}{}", flow_log("eni-0nat", format, ""));
    let lines = only(&topology, GET);
    let expected = [
        "- eni-0nat 10.1.1.20 10.1.9.5 10.1.1.20 198.51.100.7 OK",
        "- eni-0nat 10.1.9.5 198.51.100.7 10.1.9.5 198.51.100.7 OK",
        "- eni-0nat 198.51.100.7 10.1.9.5 198.51.100.7 10.1.9.5 OK",
        "- eni-0nat 10.1.9.5 10.1.1.20 198.51.100.7 10.1.1.20 OK",
    ];
    assert_eq!(flows(&lines), expected);
}

/// FLW-19, reference 10.7: the records of a regional NAT gateway, and their way out.
#[test]
fn a_regional_nat_gateway() {
    let nat = "nat_gateways: {nat-0: {vpc: v, addresses: [{public: 203.0.113.50}]}}\n";
    let format = "${resource-id} ${instance-id} ${interface-id} ${subnet-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${flow-direction} ${traffic-path} ${interface-type} ${log-status}";
    let lines = only(&format!("{NAT}{nat}{}", flow_log("nat-0", format, "")), GET);
    let expected = [
        "nat-0 - - - 10.1.1.20 198.51.100.7 10.1.1.20 198.51.100.7 ingress - regional_nat_gateway OK",
        "nat-0 - - - 203.0.113.50 198.51.100.7 203.0.113.50 198.51.100.7 egress 8 regional_nat_gateway OK",
        "nat-0 - - - 198.51.100.7 203.0.113.50 198.51.100.7 203.0.113.50 ingress - regional_nat_gateway OK",
        "nat-0 - - - 198.51.100.7 10.1.1.20 198.51.100.7 10.1.1.20 egress 1 regional_nat_gateway OK",
    ];
    assert_eq!(flows(&lines), expected);
}

/// FLW-2, FLW-16: Block Public Access is a REJECT with a reason and without bytes, in and out.
#[test]
fn block_public_access_has_a_reason() {
    let topology = format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}}}
block_public_access: [{{mode: block-bidirectional}}]
instances: {{i: {{subnet: s, public_ip: 198.51.100.10, security_groups: [g]}}}}
{}",
        flow_log(
            "i",
            "${flow-direction} ${action} ${reject-reason} ${packets} ${bytes} ${traffic-path} ${log-status}",
            ""
        )
    );
    let steps = "  - ping: {from: i, to: 8.8.8.8, count: 2}\n  - ping: {from: internet, to: 198.51.100.10}\n";
    let lines = only(&topology, steps);
    assert_eq!(flows(&lines), ["egress REJECT BPA 2 - - OK", "ingress REJECT BPA 1 - - OK"]);
}

/// FLW-5, FLW-13: windows of 60 seconds for an instance's interface whatever the log says; `start` and `end` are the first and
/// the last packet in the window. FLW-14, FLW-24: a window without traffic is NODATA, also if only one kind of traffic is wanted.
#[test]
fn windows() {
    let log = |name: &str, more: &str| {
        format!(
            "  {name}: {{resource: b, log_format: '${{packets}} ${{start}} ${{end}} ${{log-status}}', {TO}, {more}}}\n"
        )
    };
    let logs = format!(
        "flow_logs:\n{}{}{}",
        log("long", "max_aggregation_interval: 600"),
        log("short", "max_aggregation_interval: 60"),
        log("rejects", "max_aggregation_interval: 60, traffic_type: REJECT")
    );
    let topology = pair(ALL, "inbound: [{protocol: icmp, from: 0.0.0.0/0}], outbound: []", &logs);
    let steps = "  - at: 1s\n    ping: {from: a, to: b, count: 3}\n  - at: 130s\n    ping: {from: a, to: b}\n";
    let (_, by_log) = logged(&topology, steps);
    let expected = [
        "3 1700000001 1700000003 OK",
        "3 1700000001 1700000003 OK",
        "- 1700000060 1700000119 NODATA",
        "1 1700000130 1700000130 OK",
        "1 1700000130 1700000130 OK",
    ];
    assert_eq!(by_log["long"], expected);
    assert_eq!(by_log["short"], expected);
    // Nothing was rejected: nothing is said of windows with other traffic.
    assert_eq!(by_log["rejects"], ["- 1700000060 1700000119 NODATA"]);
}

/// FLW-5: a managed interface keeps to the log's interval.
#[test]
fn a_long_window() {
    let nat = "nat_gateways: {nat-0: {subnet: public, network_interface: e, addresses: [{private: 10.1.9.5, public: 203.0.113.50}]}}\nnetwork_interfaces: {e: {subnet: public, address: 10.1.9.5, public_ip: 203.0.113.50}}\n";
    let log = format!(
        "flow_logs: {{fl: {{resource: public, log_format: '${{interface-id}} ${{packets}} ${{start}} ${{end}} ${{log-status}}', {TO}}}}}\n"
    );
    let steps =
        "  - ping: {from: i, to: web}\n  - at: 300s\n    ping: {from: i, to: web}\n  - at: 650s\n    wait: {for: 1s}\n";
    let lines = only(&format!("{NAT}{nat}{log}"), steps);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[..4].iter().all(|l| l.starts_with("e 2 1700000000 17000003") && l.ends_with(" OK")), "{lines:?}");
    assert_eq!(lines[4], "e - 1700000600 1700001199 NODATA");
}

/// FLW-14: more flows than are counted: a SKIPDATA record, and what was counted before is there.
#[test]
fn too_many_flows_are_skipped() {
    let network = super::harness::net(&pair(ALL, OPEN, ""));
    let eni = network.names.enis.iter_enumerated().find(|(_, l)| l.id == "a").unwrap().0;
    let guest = network.fabric.enis[eni].guest().unwrap();
    let logs = FlowLogs::with_limit(&network, vec![FlowLog::everything()], Lines::default(), 3);
    let mut sim = Sim::new(network, 0, logs);
    for port in 1..=5 {
        let tcp = Tcp { src_port: port, dst_port: 9, seq: 0, ack: 0, window: 0, flags: TcpFlags::SYN, options_len: 0 };
        sim.send_as(HostRef::Guest(guest), packet(L4::Tcp(tcp), 6));
    }
    sim.observer.finish(Instant::START + Nanos::from_secs(59));
    let lines = sim.observer.sink.of(0);
    let ok =
        |port: u16| format!("2 111122223333 a 10.0.1.10 10.0.2.10 {port} 9 6 1 40 1700000000 1700000000 ACCEPT OK");
    let skipped = "2 111122223333 a - - - - - - - 1700000000 1700000059 - SKIPDATA".to_owned();
    assert_eq!(lines[..4], [ok(1), ok(2), ok(3), skipped]);
}

/// FLW-13: two flows that look alike with the interface's address are two records.
#[test]
fn flows_are_told_apart_by_their_own_addresses() {
    let steps = "  - ping: {from: a, to: 10.0.2.10}\n  - ping: {from: a, to: 10.0.2.50}\n";
    let lines =
        only(&pair(ALL, OPEN, &flow_log("b", "${srcaddr} ${dstaddr} ${flow-direction} ${log-status}", "")), steps);
    let ingress: Vec<_> = lines.iter().filter(|line| line.contains("ingress")).collect();
    assert_eq!(ingress, ["10.0.1.10 10.0.2.10 ingress OK"; 2].iter().collect::<Vec<_>>());
}
