//! Route tables of gateways: `docs/behaviour/edge-route-table.md`.

use super::harness::*;

/// A web server whose way in leads through an appliance.
fn inspected(appliance: &str, edge_via: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets:
  sw: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: web}}
  sf: {{vpc: v, az: a, cidr: 10.0.2.0/24, route_table: public}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  web: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: fw}}]}}
  edge: {{vpc: v, gateway: igw, routes: [{{to: 10.0.1.0/24, via: {edge_via}}}]}}
security_groups:
  open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  web: {{subnet: sw, address: 10.0.1.10, public_ip: 198.51.100.10, security_groups: [open], listen: [443]}}
  far: {{subnet: sf, address: 10.0.2.20, security_groups: [open]}}
  fw: {{subnet: sf, address: 10.0.2.10, security_groups: [open], source_dest_check: false, forwarding: {{}}{appliance}}}
"
    )
    .replace("  web: {subnet", "  web-1: {subnet")
}

const PUBLIC: &str = ", public_ip: 198.51.100.20";

/// GRT-1: the gateway's table sends what enters by it through the appliance, and the answer goes back the same way.
#[test]
fn the_way_in_and_out() {
    let mut world = World::new(&inspected(PUBLIC, "fw"));
    let sent = world.send(&tcp("192.0.2.1:40000", "198.51.100.10:443", SYN));
    assert_eq!((sent.end.as_str(), sent.hops.len()), ("to web-1", 3));
    let back = world.send(&reply(&sent.packet));
    assert_eq!((back.end.as_str(), back.hops.len()), ("out", 3));
    assert_eq!(back.packet.headers.src.to_string(), "198.51.100.10");
}

/// Case 15, GRT-3: an appliance without a public address is not reached.
#[test]
fn an_appliance_without_a_public_address_case_15() {
    let mut world = World::new(&inspected("", "fw"));
    world.sends(
        &tcp("192.0.2.1:40000", "198.51.100.10:443", SYN),
        "dropped igw igw: the edge route's interface has no public address",
    );
}

/// GRT-4: neither is one that is not running.
#[test]
fn an_appliance_that_is_stopped() {
    let mut world = World::new(&inspected(", public_ip: 198.51.100.20, state: stopped", "fw"));
    world.sends(
        &tcp("192.0.2.1:40000", "198.51.100.10:443", SYN),
        "dropped rtb edge route 10.0.1.0/24 -> fw (blackhole)",
    );
}

/// GRT-2: only the VPC's blocks and whole subnets, only `local` and interfaces.
#[test]
fn what_a_gateways_table_may_hold() {
    let code = |yaml: &str| diagnostics(yaml).first().map(|d| d.code);
    assert_eq!(code(&inspected(PUBLIC, "fw")), None);
    assert_eq!(code(&inspected(PUBLIC, "local")), None);
    assert_eq!(code(&inspected(PUBLIC, "igw")), Some("edge-route"));
    assert_eq!(code(&inspected(PUBLIC, "fw}, {to: 10.0.1.128/25, via: fw")), Some("edge-route"));
    assert_eq!(code(&inspected(PUBLIC, "fw}, {to: 10.0.0.0/8, via: fw")), Some("edge-route"));
}

/// GRT-5: it is asked only for what enters by the gateway.
#[test]
fn traffic_inside_the_vpc_does_not_ask_it() {
    let mut world = World::new(&inspected(PUBLIC, "fw"));
    let sent = world.send(&tcp("10.0.2.20:40000", "10.0.1.10:443", SYN));
    assert_eq!((sent.end.as_str(), sent.hops.len()), ("to web-1", 2));
}
