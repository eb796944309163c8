//! Egress-only internet gateways: `docs/behaviour/egress-only-gateway.md`.

use super::harness::*;

fn egress() -> String {
    "
vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
egress_only_internet_gateways: {eigw: {vpc: v}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: ra, network_acl: na}
route_tables: {ra: {vpc: v, routes: [{to: '::/0', via: eigw}]}}
network_acls: {na: {vpc: v, inbound: [{rule: 100, action: allow, protocol: tcp, from: '::/0'}], outbound: [{rule: 100, action: allow, to: '::/0'}]}}
security_groups: {open: {vpc: v, inbound: [{from: '::/0'}]}}
instances:
  a: {subnet: sa, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [open], listen: [22]}
"
    .to_owned()
}

const INSIDE: &str = "[2600:1f18:1:1::10]:40000";
const OUTSIDE: &str = "[2001:db8::1]:443";

/// EIGW-1: IPv6 only.
#[test]
fn ipv6_only() {
    let yaml = egress().replace("to: '::/0', via", "to: 0.0.0.0/0, via");
    assert_eq!(diagnostics(&yaml)[0].code, "route-family");
}

/// EIGW-2, EIGW-5: what begins inside goes out with its own address, and its replies come back.
#[test]
fn what_begins_inside_passes() {
    let mut world = World::new(&egress());
    let out = world.sends(&tcp(INSIDE, OUTSIDE, SYN), "out");
    assert_eq!(out.headers.src.to_string(), "2600:1f18:1:1::10");
    world.sends(&reply(&out), "to a");
}

/// EIGW-3: what begins outside is dropped, although group and ACL would let it in.
#[test]
fn what_begins_outside_is_dropped() {
    check(&net(&egress()), "internet -> 2600:1f18:1:1::10 tcp/22", "no_reply request eigw eigw: not the reply");
    let mut world = World::new(&egress());
    world.sends(&tcp(INSIDE, OUTSIDE, SYN), "out");
    world.sends(&tcp("[2001:db8::1]:444", INSIDE, SYN), "dropped eigw eigw: not the reply");
}

/// EIGW-8, assumed: an answer to a neighbour of a peered VPC leaves by the gateway, because its table says so, and comes in at
/// the neighbour's internet gateway.
#[test]
fn an_answer_to_a_peer_leaves() {
    let yaml = "
vpcs:
  v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}
  w: {cidr: 10.1.0.0/16, ipv6_cidrs: [2600:1f18:2::/56]}
vpc_peering_connections: {pcx: {requester: v, accepter: w}}
egress_only_internet_gateways: {eigw: {vpc: v}}
internet_gateways: {igw: {vpc: w}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: ra}
  sb: {vpc: w, az: a, cidr: 10.1.1.0/24, ipv6_cidr: 2600:1f18:2:1::/64, route_table: rb}
route_tables:
  ra: {vpc: v, routes: [{to: '::/0', via: eigw}]}
  rb: {vpc: w, routes: [{to: 2600:1f18:1::/56, via: pcx}, {to: '::/0', via: igw}]}
security_groups: {ga: {vpc: v, inbound: [{from: '::/0'}]}, gb: {vpc: w}}
instances:
  a: {subnet: sa, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [ga], listen: [22]}
  b: {subnet: sb, ipv6_addresses: [2600:1f18:2:1::10], security_groups: [gb]}
";
    let asked = net(yaml);
    check(&asked, "b -> 2600:1f18:1:1::10 tcp/22", "open");
}

/// EIGW-6: it has no group; the subnet's ACL applies.
#[test]
fn the_subnets_acl_applies() {
    let net = net(&egress());
    check(&net, "a -> 2001:4860:4860::8888 tcp/443", "open");
    check(&net, "a -> 2001:4860:4860::8888 udp/53", "no_reply reply acl na inbound rule *");
}

/// EIGW-2: ping and UDP too.
#[test]
fn ping_and_udp_pass() {
    let net = net(&egress().replace("protocol: tcp, from: '::/0'", "from: '::/0'"));
    check(&net, "a -> 2001:4860:4860::8888 ping", "reply");
    check(&net, "a -> 2001:4860:4860::8888 udp/53", "open");
}

/// CT-5: flows through it are tracked whatever the rules say.
#[test]
fn flows_are_tracked() {
    let mut world = World::new(&egress());
    world.sends(&tcp(INSIDE, OUTSIDE, SYN), "out");
    assert_eq!(world.tracked(), 1);
}

/// EIGW-4 (assumed): it forgets an idle flow.
#[test]
fn idle_flows_are_forgotten() {
    let limit = vpcsim_engine::walk::EIGW_IDLE.as_secs();
    for (seconds, expected) in [(limit - 1, "to a"), (limit, "dropped eigw eigw")] {
        let mut world = World::new(&egress());
        let out = world.sends(&tcp(INSIDE, OUTSIDE, SYN), "out");
        world.at(seconds).sends(&reply(&out), expected);
    }
}

/// EIGW-7: one per VPC.
#[test]
fn one_per_vpc() {
    let yaml = egress().replace("eigw: {vpc: v}", "eigw: {vpc: v}, eigw-2: {vpc: v}");
    assert_eq!(diagnostics(&yaml)[0].code, "second-gateway");
}
