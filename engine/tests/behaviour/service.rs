//! Link-local services: `docs/behaviour/link-local-services.md`.

use super::harness::*;

/// A host without rules in a subnet whose ACL denies everything; a DNS server of one's own elsewhere.
const CLOSED: &str = "
vpcs: {v: {cidr: 10.1.0.0/16}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.1.1.0/24, network_acl: shut}
  sd: {vpc: v, az: a, cidr: 10.1.5.0/24}
network_acls: {shut: {vpc: v}}
security_groups:
  none: {vpc: v, outbound: []}
  all: {vpc: v, inbound: [{from: 0.0.0.0/0}]}
instances:
  a: {subnet: sa, address: 10.1.1.10, security_groups: [none]}
  open: {subnet: sa, address: 10.1.1.11, security_groups: [all]}
  dns: {subnet: sd, address: 10.1.5.5, security_groups: [all], listen: [udp/53]}
";

/// Case 8, SVC-1, SVC-4, FLW-3: neither group nor ACL nor flow log sees a query to the VPC's resolver; a DNS server of
/// one's own is ordinary traffic.
#[test]
fn the_resolver_cannot_be_filtered_case_8() {
    let net = net(CLOSED);
    check(&net, "a -> 10.1.0.2 udp/53", "open");
    assert!(crossings(&net, "a -> 10.1.0.2 udp/53").is_empty());
    check(&net, "a -> 10.1.5.5 udp/53", "no_reply request sg none outbound default");
    assert_eq!(crossings(&net, "a -> 10.1.5.5 udp/53"), ["a out REJECT"]);
    check(&net, "open -> 10.1.5.5 udp/53", "no_reply request acl shut outbound rule *");
}

/// SVC-4, FLW-3: DHCP is answered whatever the rules say.
#[test]
fn dhcp_cannot_be_filtered() {
    let sent = World::new(CLOSED).send(&udp("10.1.1.10:68", "255.255.255.255:67", 300));
    assert_eq!((sent.end.as_str(), sent.hops.len()), ("served Dhcp", 0));
}

/// SVC-2: the addresses of resolver, metadata and time.
#[test]
fn addresses() {
    let net = net(&CLOSED
        .replace("cidr: 10.1.0.0/16", "cidr: 10.1.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]")
        .replace("cidr: 10.1.1.0/24", "cidr: 10.1.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64")
        .replace("address: 10.1.1.10", "address: 10.1.1.10, ipv6_addresses: [2600:1f18:1:1::10]"));
    check(&net, "a -> 169.254.169.253 udp/53", "open");
    check(&net, "a -> 169.254.169.253 tcp/53", "open");
    check(&net, "a -> fd00:ec2::253 udp/53", "open");
    check(&net, "a -> 169.254.169.254 tcp/80", "open");
    check(&net, "a -> 169.254.169.123 udp/123", "open");
}

/// SVC-2 (assumed for these two): the IPv6 addresses of metadata and time.
#[test]
fn ipv6_addresses() {
    let net = net(&CLOSED
        .replace("cidr: 10.1.0.0/16", "cidr: 10.1.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]")
        .replace("cidr: 10.1.1.0/24", "cidr: 10.1.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64")
        .replace("address: 10.1.1.10", "address: 10.1.1.10, ipv6_addresses: [2600:1f18:1:1::10]"));
    check(&net, "a -> fd00:ec2::254 tcp/80", "open");
    check(&net, "a -> fd00:ec2::123 udp/123", "open");
}

/// SVC-3 (assumed): each answers on its own port only.
#[test]
fn other_ports_are_silent() {
    check(&net(CLOSED), "a -> 169.254.169.254 tcp/443", "no_reply request vpc v: no link-local service");
    check(&net(CLOSED), "a -> 169.254.169.123 udp/53", "no_reply request vpc v: no link-local service");
}

/// SVC-5: 1,024 packets a second and interface to all of them together; the 1,025th is dropped.
#[test]
fn the_1025th_packet_of_a_second_is_dropped() {
    let mut world = World::new(CLOSED);
    let query = udp("10.1.1.10:40000", "10.1.0.2:53", 30);
    let time = udp("10.1.1.10:40000", "169.254.169.123:123", 48);
    for n in 0..1024 {
        world.sends(if n % 2 == 0 { &query } else { &time }, "served");
    }
    world.sends(&query, "dropped eni a: more than 1024 packets a second");
    world.sends(&udp("10.1.1.11:40000", "10.1.0.2:53", 30), "served");
    world.at(1).sends(&query, "served");
}

/// SVC-6 (assumed): with `enableDnsSupport` off the resolver does not answer.
#[test]
fn without_dns_support() {
    let net = net(&CLOSED.replace("cidr: 10.1.0.0/16", "cidr: 10.1.0.0/16, enable_dns_support: false"));
    check(&net, "a -> 10.1.0.2 udp/53", "no_reply request vpc v: enableDnsSupport is off");
    check(&net, "a -> 169.254.169.254 tcp/80", "open");
}

/// SVC-1: only the primary block has a resolver; +2 of other blocks and subnets is reserved, and answers nothing.
#[test]
fn only_the_primary_block_has_a_resolver() {
    let net = net(&CLOSED.replace("cidr: 10.1.0.0/16", "cidr: 10.1.0.0/16, secondary_cidrs: [10.2.0.0/16]"));
    check(
        &net,
        "open -> 10.1.1.2 udp/53",
        "no_reply request subnet sa: the destination is one of its reserved addresses",
    );
}
