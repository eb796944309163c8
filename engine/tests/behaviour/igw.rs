//! Public addresses and internet gateways: `docs/behaviour/public-address.md`.

use super::harness::*;

/// `a` and `b` with public addresses in one subnet, `c` without; `d` with one, but no route out.
fn public(b_rules: &str, acl: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, secondary_cidrs: [52.10.0.0/16], ipv6_cidrs: [2600:1f18:1::/56]}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: public, network_acl: na}}
  sd: {{vpc: v, az: a, cidr: 10.0.4.0/24}}
  sx: {{vpc: v, az: a, cidr: 52.10.1.0/24, route_table: public}}
route_tables: {{public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}, {{to: '::/0', via: igw}}]}}}}
network_acls: {{na: {{vpc: v, inbound: [{acl}, {{rule: 200, action: allow, from: '::/0'}}], outbound: [{{rule: 100, action: allow, to: 0.0.0.0/0}}, {{rule: 101, action: allow, to: '::/0'}}]}}}}
security_groups:
  ga: {{vpc: v, inbound: [{{protocol: tcp, ports: 22, from: 0.0.0.0/0}}, {{protocol: tcp, ports: 22, from: '::/0'}}]}}
  gb: {{vpc: v, inbound: [{b_rules}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, public_ip: 198.51.100.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [ga], listen: [22]}}
  b: {{subnet: sa, address: 10.0.1.11, public_ip: 198.51.100.11, security_groups: [gb], listen: [22]}}
  c: {{subnet: sa, address: 10.0.1.12, security_groups: [ga]}}
  d: {{subnet: sd, address: 10.0.4.10, public_ip: 198.51.100.14, security_groups: [ga], listen: [22]}}
  x: {{subnet: sx, address: 52.10.1.10, security_groups: [ga], listen: [22]}}
"
    )
}

const OPEN: &str = "{rule: 100, action: allow, from: 0.0.0.0/0}";

fn network() -> vpcsim_engine::compile::Network {
    net(&public("{from: ga}", OPEN))
}

/// IGW-1: a VPC has one internet gateway.
#[test]
fn one_gateway_per_vpc() {
    let yaml = public("", OPEN).replace("igw: {vpc: v}", "igw: {vpc: v}, igw-2: {vpc: v}");
    assert_eq!(diagnostics(&yaml)[0].code, "second-gateway");
}

/// IGW-2: one private address, one public one, both ways; the instance sees only the private one.
#[test]
fn one_to_one_translation() {
    let mut world = World::new(&public("{from: ga}", OPEN));
    let inside = world.sends(&tcp("192.0.2.1:40000", "198.51.100.10:22", SYN), "to a");
    assert_eq!(inside.headers.dst.to_string(), "10.0.1.10");
    let outside = world.sends(&reply(&inside), "out");
    assert_eq!(outside.headers.src.to_string(), "198.51.100.10");
}

/// IGW-3: IPv6 is not translated.
#[test]
fn ipv6_is_not_translated() {
    let mut world = World::new(&public("{from: ga}", OPEN));
    let inside = world.sends(&tcp("[2001:db8::1]:40000", "[2600:1f18:1:1::10]:22", SYN), "to a");
    assert_eq!(inside.headers.dst.to_string(), "2600:1f18:1:1::10");
    let outside = world.sends(&reply(&inside), "out");
    assert_eq!(outside.headers.src.to_string(), "2600:1f18:1:1::10");
}

/// IGW-4: an IPv4 source without a public address is dropped at the gateway.
#[test]
fn a_source_without_a_public_address() {
    check(&network(), "c -> internet tcp/443", "no_reply request igw igw: the source has no public address");
}

/// IGW-5: a public address that nobody has: dropped, nobody is told.
#[test]
fn a_public_address_that_nobody_has() {
    let mut world = World::new(&public("{from: ga}", OPEN));
    world.sends(&tcp("10.0.1.10:40000", "198.51.100.77:22", SYN), "out");
    let unattached = public("", OPEN).replace("igw: {vpc: v}", "igw: {}");
    let sent = World::new(&unattached).send(&tcp("192.0.2.1:40000", "198.51.100.10:22", SYN));
    assert!(sent.end.starts_with("dropped internet: no interface"), "{}", sent.end);
    assert_eq!(sent.notify, None);
}

/// IGW-6: private and shared destinations are not on the internet.
#[test]
fn private_destinations() {
    check(&network(), "a -> 172.16.0.1 tcp/22", "no_reply request igw igw: a private destination");
    check(&network(), "a -> 100.64.0.1 tcp/22", "no_reply request igw igw: a 100.64.0.0/10 destination");
}

/// IGW-7: nor do private sources come from there.
#[test]
fn private_sources() {
    check(&network(), "172.16.0.1 -> 198.51.100.10 tcp/22", "no_reply request igw igw: a private source");
}

/// Case 23, IGW-8, SG-6: to a neighbour's public address: out of the VPC and in again, even within one subnet. The
/// receiver's group sees the public source: a rule that names the sender's group does not match, its address does.
#[test]
fn hairpin_case_23() {
    check(&network(), "a -> 10.0.1.11 tcp/22", "open");
    check(&network(), "a -> 198.51.100.11 tcp/22", "no_reply request sg gb inbound default");
    let by_address = net(&public("{from: 198.51.100.10/32}", OPEN));
    check(&by_address, "a -> 198.51.100.11 tcp/22", "open");
    check(&by_address, "a -> 10.0.1.11 tcp/22", "no_reply request sg gb inbound default");
    let deny = "{rule: 90, action: deny, protocol: tcp, ports: 22, from: 198.51.100.10/32}, {rule: 100, action: allow, from: 0.0.0.0/0}";
    check(
        &net(&public("{from: 198.51.100.10/32}", deny)),
        "a -> 198.51.100.11 tcp/22",
        "no_reply request acl na inbound rule 90",
    );
}

/// Case 23, MTU-3: the hairpin is limited to 1,500 bytes, the private way is not.
#[test]
fn hairpin_mtu_case_23() {
    let mut world = World::new(&public("{from: 0.0.0.0/0}", OPEN));
    world.sends(&dont_fragment(udp("10.0.1.10:4000", "10.0.1.11:4000", 8000)), "to b");
    world.sends(
        &dont_fragment(udp("10.0.1.10:4000", "198.51.100.11:4000", 8000)),
        "dropped igw igw: larger than 1500 bytes",
    );
}

/// IGW-8: one's own public address answers too, by the same way.
#[test]
fn ones_own_public_address() {
    check(&network(), "a -> 198.51.100.10 tcp/22", "open");
    let deny = "{rule: 100, action: allow, from: 10.0.0.0/8}";
    check(&net(&public("{from: ga}", deny)), "a -> 198.51.100.10 tcp/22", "no_reply request acl na inbound rule *");
}

/// IGW-9: the filters inside see the private destination and the remote public source.
#[test]
fn filters_see_the_private_destination() {
    let rule =
        |from: &str| net(&public("{from: ga}", &format!("{{rule: 100, action: allow, protocol: tcp, from: {from}}}")));
    check(&rule("192.0.2.0/24"), "internet -> 198.51.100.10 tcp/22", "open");
    check(&rule("10.0.0.0/8"), "internet -> 198.51.100.10 tcp/22", "no_reply request acl na inbound rule *");
}

/// IGW-10 (assumed): without a route back the request arrives and the reply is lost.
#[test]
fn the_reply_needs_a_route() {
    check(&network(), "internet -> 198.51.100.14 tcp/22", "no_reply reply rtb v/main: no route");
}

/// VPC-7: a publicly routable block is still private to AWS: no way out or in without a public address.
#[test]
fn a_public_block_is_still_private() {
    check(&network(), "x -> internet tcp/443", "no_reply request igw igw: the source has no public address");
    let mut world = World::new(&public("{from: ga}", OPEN));
    let sent = world.send_at_the_internet(&tcp("192.0.2.1:40000", "52.10.1.10:22", SYN));
    assert!(sent.end.starts_with("dropped internet: no interface"), "{}", sent.end);
}

/// Case 24, ENI-3: a packet for a secondary address: the crossing holds the address on the wire, the interface its
/// primary one; a flow log has both. Its default format is tested where flow logs are.
#[test]
fn secondary_addresses_case_24() {
    let yaml = public("{protocol: tcp, ports: 22, from: 10.0.0.0/16}", OPEN).replace(
        "address: 10.0.1.11, public_ip: 198.51.100.11",
        "address: 10.0.1.11, secondary_addresses: [{address: 10.0.1.50, public_ip: 198.51.100.50}]",
    );
    let mut world = World::new(&yaml);
    let sent = world.send(&tcp("10.0.1.10:40000", "10.0.1.50:22", SYN));
    assert_eq!(sent.end, "to b");
    let hop = sent.hops.last().unwrap();
    assert_eq!(hop.headers.dst.to_string(), "10.0.1.50");
    assert_eq!(world.net.fabric.enis[hop.eni].primary.unwrap().to_string(), "10.0.1.11");
    world.sends(&tcp("10.0.1.10:40000", "10.0.1.50:23", SYN), "dropped sg gb inbound default");
}
