//! Flow logs of transit gateways, and of their interfaces: `docs/behaviour/flow-log.md`, case 21 of the design's list and cases
//! 11 and 15 of its hybrid list.

use super::flow_log_run::{TO, flow_log, flows, logged, only};
use super::transit_gateway::two;
use vpcsim_engine::record::flow_log::Format;

/// The two VPCs, and what is logged.
fn net(more: &str) -> String {
    two("", "", "", more)
}

/// FLW-8, reference 10.7: the interface of an attachment: what it sends shows its own address as the source, what comes back shows it
/// as the destination.
#[test]
fn an_attachments_interface() {
    let log =
        flow_log("bt-a", "${interface-type} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${log-status}", "");
    let lines = only(&net(&log), "  - ping: {from: a1, to: b1}\n");
    let lines = flows(&lines);
    let own = lines[0].split(' ').nth(1).unwrap();
    assert!(own.starts_with("10.2.11."), "{lines:?}");
    let there = format!("transit_gateway {own} 10.2.1.10 10.1.1.10 10.2.1.10 OK");
    let back = format!("transit_gateway 10.2.1.10 {own} 10.2.1.10 10.1.1.10 OK");
    assert_eq!(lines, [there.as_str(), back.as_str()]);
}

/// FLW-30, FLW-32: the default format, from both attachments; a window without traffic is NODATA.
#[test]
fn the_default_format() {
    let log = format!("flow_logs: {{fl: {{resource: t, {TO}}}}}\n");
    let lines = only(&net(&log), "  - ping: {from: a1, to: b1, count: 2}\n");
    assert_eq!(lines.len(), 4, "{lines:?}");
    let fields = Format::default_transit_gateway();
    let of = |line: &str, name: &str| {
        let at = fields.fields().iter().position(|f| f.name() == name).unwrap();
        line.split(' ').nth(at).unwrap().to_owned()
    };
    for line in &lines {
        assert_eq!(line.split(' ').count(), 36);
        for (name, value) in [
            ("version", "6"),
            ("resource-type", "TransitGateway"),
            ("account-id", "111122223333"),
            ("tgw-id", "t"),
            ("packets", "2"),
            ("bytes", "168"),
            ("log-status", "OK"),
            ("type", "IPv4"),
            ("packets-lost-no-route", "0"),
            ("packets-lost-ttl-expired", "0"),
            ("tcp-flags", "0"),
            ("region", "us-east-1"),
        ] {
            assert_eq!(of(line, name), value, "{name} in {line}");
        }
    }
    let seen: Vec<_> = lines
        .iter()
        .map(|l| {
            ["tgw-attachment-id", "tgw-pair-attachment-id", "flow-direction", "srcaddr", "dstaddr"]
                .map(|n| of(l, n))
                .join(" ")
        })
        .collect();
    let expected = [
        "ta tb ingress 10.1.1.10 10.2.1.10",
        "ta tb egress 10.2.1.10 10.1.1.10",
        "tb ta egress 10.1.1.10 10.2.1.10",
        "tb ta ingress 10.2.1.10 10.1.1.10",
    ];
    assert_eq!(seen, expected);
    // Source and destination are those of the flow, whichever side is logged.
    for (line, source, destination) in
        [(&lines[0], ["a", "at-a"], ["b", "bt-a"]), (&lines[3], ["b", "bt-a"], ["a", "at-a"])]
    {
        assert_eq!([of(line, "tgw-src-vpc-id"), of(line, "tgw-src-subnet-id")], source);
        assert_eq!([of(line, "tgw-dst-vpc-id"), of(line, "tgw-dst-subnet-id")], destination);
    }
}

const LOST: &str = "${tgw-attachment-id} ${dstaddr} ${flow-direction} ${packets} ${packets-lost-no-route} ${packets-lost-blackhole} ${packets-lost-mtu-exceeded} ${packets-lost-ttl-expired} ${tgw-pair-attachment-id} ${log-status}";

/// FLW-33, cases 11, 15 and 21: what is lost is counted by cause where it came in, and leaves nowhere.
#[test]
fn losses_by_cause() {
    let more = "transit_gateway_route_tables: {rt: {transit_gateway: t, associations: [ta, tb], routes: [{to: 10.0.0.0/8, blackhole: true}, {to: 10.2.0.0/16, via: tb}, {to: 10.1.0.0/16, via: ta}]}}\n";
    let topology = net(&(more.to_owned() + &flow_log("t", LOST, ""))).replace(
        "ra: {vpc: a, routes: [",
        "ra: {vpc: a, routes: [{to: 10.0.0.0/8, via: t}, {to: 192.168.0.0/16, via: t}, ",
    );
    let steps = "  - ping: {from: a1, to: 10.3.0.1, count: 3}\n  - ping: {from: a1, to: 192.168.0.1, count: 2}\n  - ping: {from: a1, to: 10.2.1.10, bytes: 8600, df: true}\n  - ping: {from: a1, to: b3, ttl: 1}\n";
    let lines = only(&topology, steps);
    let lost: Vec<&str> = flows(&lines).into_iter().filter(|line| line.ends_with(" - OK")).collect();
    assert_eq!(
        lost,
        [
            "ta 10.3.0.1 ingress 3 0 3 0 0 - OK",
            "ta 192.168.0.1 ingress 2 2 0 0 0 - OK",
            "ta 10.2.1.10 ingress 1 0 0 1 0 - OK",
            "ta 10.2.3.10 ingress 1 0 0 0 1 - OK",
        ]
    );
}

/// FLW-31: windows of 60 seconds, whatever is idle.
#[test]
fn windows_of_a_minute() {
    let log = format!(
        "flow_logs: {{fl: {{resource: ta, log_format: '${{resource-type}} ${{tgw-attachment-id}} ${{start}} ${{end}} ${{log-status}}', {TO}}}}}\n"
    );
    let lines = only(&net(&log), "  - wait: {for: 61s}\n");
    let empty = |from: u64| format!("TransitGatewayAttachment ta {from} {} NODATA", from + 59);
    assert_eq!(lines, [empty(1_700_000_000), empty(1_700_000_060)]);
}

/// FLW-22, FLW-33: packets and bytes that came in by one attachment left by another, or are in a counter; and they are those of the
/// attachments' interfaces.
#[test]
fn both_sides_add_up() {
    let fields = "${interface-id} ${flow-direction} ${packets} ${bytes} ${log-status}";
    let tgw = "${tgw-attachment-id} ${flow-direction} ${packets} ${bytes} ${log-status}";
    let log = |name: &str, of: &str, format: &str| {
        format!("  {name}: {{resource: {of}, max_aggregation_interval: 60, log_format: '{format}', {TO}}}\n")
    };
    let logs = [log("tgw", "t", tgw), log("at", "at-a", fields), log("bt", "bt-a", fields)].concat();
    let topology = net(&format!("flow_logs:\n{logs}"))
        .replace("  ax: {subnet: at-a, address: 10.1.11.10, security_groups: [ga], listen: [22]}\n", "");
    let steps = "  - connect: {from: a1, to: b1, port: 22, send_bytes: 100000, receive_bytes: 30000}\n  - at: 70s\n    ping: {from: b1, to: a1, count: 5}\n";
    let (_, by_log) = logged(&topology, steps);
    let sum = |log: &str, at: Option<&str>, dir: &str| {
        let of = by_log[log].iter().filter(|l| l.ends_with(" OK")).map(|l| l.split(' ').collect::<Vec<_>>());
        let of = of.filter(|w| at.is_none_or(|at| w[0] == at) && w[1] == dir);
        of.fold((0, 0), |(p, b), w| (p + w[2].parse::<u64>().unwrap(), b + w[3].parse::<u64>().unwrap()))
    };
    assert!(sum("tgw", Some("ta"), "ingress").1 > 100_000);
    assert_eq!(sum("tgw", Some("ta"), "ingress"), sum("tgw", Some("tb"), "egress"));
    assert_eq!(sum("tgw", Some("tb"), "ingress"), sum("tgw", Some("ta"), "egress"));
    // Into the attachment's interface is into the gateway.
    assert_eq!(sum("tgw", Some("ta"), "ingress"), sum("at", None, "ingress"));
    assert_eq!(sum("tgw", Some("tb"), "egress"), sum("bt", None, "egress"));
    assert_eq!(sum("tgw", Some("tb"), "ingress"), sum("bt", None, "ingress"));
}

/// FLW-34: multicast is in no log of a transit gateway.
#[test]
fn multicast_is_not_logged() {
    let topology = include_str!("../../../topologies/multicast.yaml");
    let log = flow_log("tgw", "${dstaddr} ${log-status}", "");
    let steps = "  - send: {from: feed-1, to: 239.1.1.1, port: 9000, bytes: 100, expect_reply: false}\n";
    let lines = only(&format!("{topology}\n{log}"), steps);
    assert!(!lines.is_empty() && flows(&lines).is_empty(), "{lines:?}");
}

/// FLW-35, FLW-36: what goes through a Connect attachment is logged at the attachment that carries it, with the addresses inside
/// the tunnel; at the Connect attachment there is no log.
#[test]
fn connect_is_logged_where_it_is_carried() {
    let topology = include_str!("../../../topologies/connect.yaml");
    let format = "${tgw-attachment-id} ${protocol} ${srcaddr} ${dstaddr} ${flow-direction} ${log-status}";
    let steps = "  - at: 10s\n    ping: {from: work-1, to: 10.9.64.10}\n";
    let lines = only(&format!("{topology}\n{}", flow_log("tgw", format, "")), steps);
    let about: Vec<&str> = flows(&lines).into_iter().filter(|l| l.contains("10.9.64.10")).collect();
    let expected = [
        "attach-sdwan 1 10.1.1.10 10.9.64.10 egress OK",
        "attach-sdwan 1 10.9.64.10 10.1.1.10 ingress OK",
        "attach-work 1 10.1.1.10 10.9.64.10 ingress OK",
        "attach-work 1 10.9.64.10 10.1.1.10 egress OK",
    ];
    assert_eq!(about, expected);
}
