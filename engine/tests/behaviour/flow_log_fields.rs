//! Fields of records beyond the default format: `docs/behaviour/flow-log.md`.

use super::flow_log_run::{TO, flow_log, flows, logged, only};

/// A VPC with an internet gateway, an S3 endpoint, a virtual private gateway, peerings in the Region and to another one, and a
/// transit gateway.
fn ways(more: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.1.0.0/16}}, p: {{cidr: 10.2.0.0/16}}, far: {{cidr: 10.3.0.0/16, region: eu-west-1}}, t: {{cidr: 10.4.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
egress_only_internet_gateways: {{eigw: {{vpc: v}}}}
vpn_gateways: {{vgw: {{vpc: v}}}}
vpc_peering_connections: {{near: {{requester: v, accepter: p}}, across: {{requester: v, accepter: far}}}}
transit_gateways: {{tgw: {{}}}}
transit_gateway_vpc_attachments: {{av: {{transit_gateway: tgw, vpc: v, subnets: [s2]}}, at: {{transit_gateway: tgw, vpc: t, subnets: [st]}}}}
prefix_lists: {{pl-s3: {{entries: [52.216.0.0/15], name_tag: com.amazonaws.us-east-1.s3}}}}
vpc_endpoints: {{s3: {{vpc: v, type: gateway, service: com.amazonaws.us-east-1.s3, route_tables: [r]}}}}
subnets:
  s: {{vpc: v, az: a, az_id: use1-az1, cidr: 10.1.1.0/24, route_table: r}}
  s2: {{vpc: v, az: a, az_id: use1-az1, cidr: 10.1.2.0/24}}
  sp: {{vpc: p, az: b, az_id: use1-az2, cidr: 10.2.1.0/24, route_table: rp}}
  sf: {{vpc: far, az: c, cidr: 10.3.1.0/24, route_table: rf}}
  st: {{vpc: t, az: a, cidr: 10.4.1.0/24}}
route_tables:
  r: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}, {{to: 10.2.0.0/16, via: near}}, {{to: 10.3.0.0/16, via: across}}, {{to: 10.4.0.0/16, via: tgw}}, {{to: 192.168.0.0/16, via: vgw}}]}}
  rp: {{vpc: p, routes: [{{to: 10.1.0.0/16, via: near}}]}}
  rf: {{vpc: far, routes: [{{to: 10.1.0.0/16, via: across}}]}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}, gp: {{vpc: p, inbound: [{{from: 0.0.0.0/0}}]}}, gf: {{vpc: far, inbound: [{{from: 0.0.0.0/0}}]}}}}
instances:
  i: {{subnet: s, address: 10.1.1.10, public_ip: 198.51.100.10, security_groups: [g], name_tag: web server}}
  j: {{subnet: s, address: 10.1.1.20, security_groups: [g]}}
  k: {{subnet: s2, address: 10.1.2.10, public_ip: 198.51.100.20, security_groups: [g]}}
  ip: {{subnet: sp, address: 10.2.1.10, security_groups: [gp]}}
  if: {{subnet: sf, address: 10.3.1.10, security_groups: [gf]}}
{more}"
    )
}

/// The lines of i's egress, by destination.
fn egress(format: &str, to: &[&str]) -> Vec<String> {
    let steps: String = to.iter().map(|to| format!("  - ping: {{from: i, to: {to}}}\n")).collect();
    let format = format!("${{flow-direction}} ${{pkt-dstaddr}} {format} ${{log-status}}");
    let lines = only(&ways(&flow_log("i", &format, "")), &steps);
    let out = flows(&lines).into_iter().filter_map(|line| line.strip_prefix("egress "));
    out.map(|line| line.trim_end_matches(" OK").to_owned()).collect()
}

/// FLW-18, FLW-23: the ways out of a VPC. Ingress has none.
#[test]
fn traffic_paths() {
    let to = ["10.1.1.20", "10.1.2.10", "8.8.8.8", "10.2.1.10", "10.3.1.10", "192.168.1.1", "52.216.0.1", "10.4.1.99"];
    let lines = egress("${traffic-path}", &to);
    let expected = [
        "10.1.1.20 1",
        "10.1.2.10 1",
        "8.8.8.8 8",
        "10.2.1.10 4",
        "10.3.1.10 5",
        "192.168.1.1 3",
        "52.216.0.1 7",
        "10.4.1.99 1",
    ];
    assert_eq!(lines, expected);
    let lines = only(
        &ways(&flow_log("j", "${flow-direction} ${traffic-path} ${log-status}", "")),
        "  - ping: {from: i, to: j}\n",
    );
    assert_eq!(flows(&lines), ["ingress - OK", "egress 1 OK"]);
}

/// FLW-23: what has no route has no way, and neither has what is rejected.
#[test]
fn no_way_no_path() {
    let topology = ways(&flow_log("j", "${action} ${traffic-path} ${next-hop-interface-id} ${log-status}", ""))
        .replace("{to: 0.0.0.0/0, via: igw}, ", "");
    assert_eq!(flows(&only(&topology, "  - ping: {from: j, to: 8.8.8.8}\n")), ["ACCEPT - - OK"]);
    let closed = topology.replace("g: {vpc: v, inbound", "g: {vpc: v, outbound: [], inbound");
    assert_eq!(flows(&only(&closed, "  - ping: {from: j, to: k}\n")), ["REJECT - - OK"]);
}

/// FLW-17: services of AWS's by address: S3's prefix list, an elastic address of EC2. What is in the VPC is nobody's.
#[test]
fn services_of_awss() {
    let lines = egress(
        "${pkt-src-aws-service} ${pkt-dst-aws-service}",
        &["52.216.0.1", "198.51.100.20", "8.8.8.8", "10.1.1.20"],
    );
    assert_eq!(lines, ["52.216.0.1 - S3", "198.51.100.20 - EC2", "8.8.8.8 - -", "10.1.1.20 - -"]);
}

/// FLW-21: the interface at the other side: the receiver's on the way out, the sender's on the way in; a transit gateway's
/// attachment is said to be one. Nothing of another Region, nothing behind an internet gateway.
#[test]
fn next_hops() {
    let format = "${next-hop-interface-id} ${next-hop-subnet-id} ${next-hop-az-id} ${next-hop-vpc-id} ${next-hop-interface-type}";
    let lines = egress(format, &["10.1.1.20", "10.2.1.10", "10.3.1.10", "8.8.8.8", "10.4.1.99"]);
    assert_eq!(lines[0], "10.1.1.20 j s use1-az1 v -");
    assert_eq!(lines[1], "10.2.1.10 ip sp use1-az2 p -");
    assert_eq!(lines[2], "10.3.1.10 - - - - -");
    assert_eq!(lines[3], "8.8.8.8 - - - - -");
    assert!(lines[4].ends_with(" s2 use1-az1 v transit_gateway"), "{lines:?}");
    let log = flow_log("j", "${flow-direction} ${next-hop-interface-id} ${interface-type} ${log-status}", "");
    let lines = only(&ways(&log), "  - ping: {from: i, to: j}\n");
    assert_eq!(flows(&lines), ["ingress i - OK", "egress i - OK"]);
}

/// FLW-20: the `Name` tags of an instance, percent-encoded; other keys, Auto Scaling groups and interfaces that have no name of
/// their own have nothing.
#[test]
fn tags() {
    let tags = "tag_fields: [{resource_type: instance, tag_keys: [Team, Name]}, {resource_type: network-interface, tag_keys: [Name]}]";
    let log = flow_log("i", "${instance-tag} ${instance-tag-2} ${interface-tag} ${asg-tag} ${log-status}", tags);
    let lines = only(&ways(&log), "  - ping: {from: i, to: j, count: 1}\n");
    assert_eq!(flows(&lines)[0], "- web%20server - - OK");
}

/// FLW-12: `version` is the highest version of the fields. What is known of the interface; FLW-26: ECS, sublocations and
/// encryption are not.
#[test]
fn what_is_known_of_an_interface() {
    let format = "${version} ${account-id} ${vpc-id} ${subnet-id} ${instance-id} ${region} ${az-id} ${sublocation-type} ${log-status}";
    let ping = "  - ping: {from: i, to: j}\n";
    assert_eq!(
        flows(&only(&ways(&flow_log("i", format, "")), ping))[0],
        "4 111122223333 v s i us-east-1 use1-az1 - OK"
    );
    let format = "${version} ${ecs-task-id} ${reject-reason} ${resource-id} ${encryption-status} ${log-status}";
    assert_eq!(flows(&only(&ways(&flow_log("i", format, "")), ping))[0], "10 - - - - OK");
}

/// FLW-10: the default format has the fourteen fields of version 2.
#[test]
fn the_default_format() {
    let log = format!("flow_logs: {{fl: {{resource: sp, max_aggregation_interval: 60, {TO}}}}}\n");
    let lines = only(&ways(&log), "  - wait: {for: 1s}\n");
    assert_eq!(lines, ["2 111122223333 ip - - - - - - - 1700000000 1700000059 - NODATA"]);
}

/// FLW-11: the columns of Athena's table of VPC flow logs, as its documentation declares them.
#[test]
fn athenas_columns() {
    use vpcsim_engine::record::flow_log::Field;
    let ddl = "version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int, dstport int, \
               protocol bigint, packets bigint, bytes bigint, start bigint, end bigint, action string, log_status string, \
               vpc_id string, subnet_id string, instance_id string, tcp_flags int, type string, pkt_srcaddr string, \
               pkt_dstaddr string, region string, az_id string, sublocation_type string, sublocation_id string, \
               pkt_src_aws_service string, pkt_dst_aws_service string, flow_direction string, traffic_path int";
    let ours = Field::ALL.iter().filter(|f| f.in_vpc_logs() && f.version() <= 5);
    let ours: Vec<_> = ours.map(|f| format!("{} {}", f.column(), f.kind().athena())).collect();
    assert_eq!(ours.join(", "), ddl);
}

/// A log of a VPC and of a subnet hold what their interfaces' logs hold.
#[test]
fn a_vpc_is_its_interfaces() {
    let log = |name: &str| {
        format!(
            "  l-{name}: {{resource: {name}, max_aggregation_interval: 60, log_format: '${{interface-id}} ${{srcaddr}} ${{dstaddr}} ${{packets}} ${{log-status}}', {TO}}}\n"
        )
    };
    let logs: String = ["i", "j", "s", "p", "ip"].map(log).concat();
    let steps = "  - ping: {from: i, to: j, count: 2}\n  - ping: {from: i, to: ip}\n";
    let (report, by_log) = logged(&ways(&format!("flow_logs:\n{logs}")), steps);
    assert_eq!(by_log["l-s"], [by_log["l-i"].clone(), by_log["l-j"].clone()].concat());
    assert_eq!(by_log["l-p"], by_log["l-ip"]);
    let totals = report.flow_logs.iter().find(|log| log.id == "l-j").unwrap();
    assert_eq!((totals.accepted.records, totals.accepted.packets, totals.accepted.bytes), (2, 4, 336));
}
