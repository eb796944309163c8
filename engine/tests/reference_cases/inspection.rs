//! Stateful firewalls behind a transit gateway (aws-hybrid 2.5).

use super::harness::check;

/// A client in zone a and a server in zone b, each in a VPC present in both zones; between them a VPC with a firewall
/// per zone. `client` and `server` are the transit gateways of the two sides.
fn inspected(client: &str, server: &str, appliance: bool) -> String {
    let gateways = if client == server { format!("{client}: {{}}") } else { format!("{client}: {{}}, {server}: {{}}") };
    let mode = format!("appliance_mode: {appliance}");
    let second = if client == server {
        String::new()
    } else {
        format!("\n  att-i-{server}: {{transit_gateway: {server}, vpc: vi, subnets: [ta, tb], {mode}}}")
    };
    let back = if client == server {
        format!(
            "  back-{client}: {{transit_gateway: {client}, associations: [att-i-{client}], propagations: [att-c, att-s]}}"
        )
    } else {
        format!(
            "  back-{client}: {{transit_gateway: {client}, associations: [att-i-{client}], propagations: [att-c]}}
  back-{server}: {{transit_gateway: {server}, associations: [att-i-{server}], propagations: [att-s]}}"
        )
    };
    let spokes = if client == server {
        format!(
            "  spokes: {{transit_gateway: {client}, associations: [att-c, att-s],
    routes: [{{to: 10.0.0.0/8, via: att-i-{client}}}]}}"
        )
    } else {
        format!(
            "  spoke-c: {{transit_gateway: {client}, associations: [att-c], routes: [{{to: 10.0.0.0/8, via: att-i-{client}}}]}}
  spoke-s: {{transit_gateway: {server}, associations: [att-s], routes: [{{to: 10.0.0.0/8, via: att-i-{server}}}]}}"
        )
    };
    format!(
        "
vpcs: {{vc: {{cidr: 10.1.0.0/16}}, vs: {{cidr: 10.2.0.0/16}}, vi: {{cidr: 10.9.0.0/16}}}}
subnets:
  ca: {{vpc: vc, az: a, cidr: 10.1.1.0/24}}
  cb: {{vpc: vc, az: b, cidr: 10.1.2.0/24}}
  sa: {{vpc: vs, az: a, cidr: 10.2.1.0/24}}
  sb: {{vpc: vs, az: b, cidr: 10.2.2.0/24}}
  ta: {{vpc: vi, az: a, cidr: 10.9.1.0/24, route_table: rta}}
  tb: {{vpc: vi, az: b, cidr: 10.9.2.0/24, route_table: rtb}}
  fa: {{vpc: vi, az: a, cidr: 10.9.3.0/24}}
  fb: {{vpc: vi, az: b, cidr: 10.9.4.0/24}}
route_tables:
  rc: {{vpc: vc, main: true, routes: [{{to: 10.0.0.0/8, via: {client}}}]}}
  rs: {{vpc: vs, main: true, routes: [{{to: 10.0.0.0/8, via: {server}}}]}}
  rta: {{vpc: vi, routes: [{{to: 0.0.0.0/0, via: fw-a}}]}}
  rtb: {{vpc: vi, routes: [{{to: 0.0.0.0/0, via: fw-b}}]}}
  ri: {{vpc: vi, main: true, routes: [{{to: 10.1.0.0/16, via: {client}}}, {{to: 10.2.0.0/16, via: {server}}}]}}
security_groups:
  gc: {{vpc: vc}}
  gs: {{vpc: vs, inbound: [{{from: 0.0.0.0/0}}]}}
  gi: {{vpc: vi, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  client: {{subnet: ca, address: 10.1.1.10, security_groups: [gc]}}
  server: {{subnet: sb, address: 10.2.2.10, security_groups: [gs], listen: [443]}}
  fw-a: {{subnet: fa, address: 10.9.3.10, security_groups: [gi], source_dest_check: false, forwarding: {{stateful: true}}}}
  fw-b: {{subnet: fb, address: 10.9.4.10, security_groups: [gi], source_dest_check: false, forwarding: {{stateful: true}}}}
transit_gateways: {{{gateways}}}
transit_gateway_vpc_attachments:
  att-c: {{transit_gateway: {client}, vpc: vc, subnets: [ca, cb]}}
  att-s: {{transit_gateway: {server}, vpc: vs, subnets: [sa, sb]}}
  att-i-{client}: {{transit_gateway: {client}, vpc: vi, subnets: [ta, tb], {mode}}}{second}
transit_gateway_route_tables:
{spokes}
{back}
"
    )
}

const ASK: &str = "client -> 10.2.2.10 tcp/443";

#[test]
fn each_direction_keeps_its_zone_without_appliance_mode_hybrid_9() {
    check(&inspected("tgw", "tgw", false), &[(ASK, "no_reply reply GuestNoState fw-b")]);
}

#[test]
fn appliance_mode_keeps_the_flow_in_one_zone_hybrid_9() {
    check(&inspected("tgw", "tgw", true), &[(ASK, "open")]);
}

#[test]
fn two_transit_gateways_choose_apart_hybrid_10() {
    let may = "open | no_reply reply GuestNoState fw-a | no_reply reply GuestNoState fw-b";
    check(&inspected("tgw1", "tgw2", true), &[(ASK, may)]);
}
