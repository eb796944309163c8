//! Route tables: `docs/behaviour/route-table.md`.

use super::harness::*;

/// A client `a` behind table `ra` with these routes; an internet gateway, a NAT gateway, an appliance `fw`, a
/// virtual private gateway and a peering connection that are not modelled.
fn routed(routes: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
internet_gateways: {{igw: {{vpc: v}}, igw-detached: {{}}}}
nat_gateways: {{nat: {{subnet: sp, addresses: [{{private: 10.0.9.5, public: 198.51.100.5}}]}}}}
not_modelled:
  vgw: {{kind: virtual private gateway, vpc: v}}
  pcx: {{kind: VPC peering connection}}
prefix_lists: {{pl-dc: {{entries: [172.31.0.0/24, 172.31.8.0/21]}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: ra}}
  sb: {{vpc: v, az: b, cidr: 10.0.2.0/24}}
  sp: {{vpc: v, az: a, cidr: 10.0.9.0/24, route_table: public}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  ra: {{vpc: v, routes: [{routes}]}}
security_groups:
  open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], public_ip: 198.51.100.10, security_groups: [open]}}
  b: {{subnet: sb, address: 10.0.2.10, security_groups: [open], listen: [22]}}
  fw: {{subnet: sp, address: 10.0.9.10, public_ip: 198.51.100.99, security_groups: [open], source_dest_check: false, forwarding: {{}}}}
internet_hosts:
  dc: {{addresses: [172.31.0.9, 172.31.9.9], listen: [22]}}
"
    )
}

/// RTB-1: a subnet that names no table has the main one.
#[test]
fn the_main_table_serves_subnets_without_one() {
    let yaml = routed("").replace("public: {vpc: v,", "public: {vpc: v, main: true,");
    check(&net(&routed("")), "b -> internet tcp/443", "no_reply request rtb v/main");
    check(&net(&yaml), "b -> internet tcp/443", "no_reply request igw igw: the source has no public address");
}

/// RTB-2: every table has a local route per block, later blocks included.
#[test]
fn local_routes() {
    let net = net(&routed("")
        .replace("cidr: 10.0.0.0/16,", "cidr: 10.0.0.0/16, secondary_cidrs: [10.1.0.0/16],")
        .replace("10.0.2.0/24}", "10.1.2.0/24}")
        .replace("address: 10.0.2.10", "address: 10.1.2.10"));
    check(&net, "a -> b tcp/22", "open");
}

/// RTB-10: the longest prefix wins.
#[test]
fn the_longest_prefix_wins() {
    let net = net(&routed("{to: 0.0.0.0/0, via: nat}, {to: 192.0.2.0/24, via: pcx}"));
    check(&net, "a -> 192.0.2.1 tcp/443", "unknown request VPC peering connection pcx");
    check(&net, "a -> 8.8.8.8 tcp/443", "open");
}

/// Case 9, RTB-7: a propagated route inside the VPC loses to local though it is more specific.
#[test]
fn local_beats_a_more_specific_propagated_route_case_9() {
    let net = net(&routed("{to: 10.0.2.0/24, via: vgw, origin: propagated}"));
    check(&net, "a -> b tcp/22", "open");
}

/// Case 10, RTB-6: static beats propagated for equal prefixes; without the static one the propagated one is used.
#[test]
fn static_beats_propagated_case_10() {
    let propagated = "{to: 172.31.0.0/24, via: vgw, origin: propagated}";
    let both = format!("{propagated}, {{to: 172.31.0.0/24, via: igw}}");
    check(&net(&routed(&both)), "a -> 172.31.0.9 tcp/22", "no_reply request igw igw: a private destination");
    check(&net(&routed(propagated)), "a -> 172.31.0.9 tcp/22", "unknown request virtual private gateway vgw");
}

/// RTB-6: static, then prefix list, then propagated, for equal prefixes; RTB-13: a list's entry counts with its length.
#[test]
fn prefix_lists_stand_between_static_and_propagated() {
    let list = "{to: pl-dc, via: pcx}, {to: 172.31.0.0/24, via: vgw, origin: propagated}";
    check(&net(&routed(list)), "a -> 172.31.0.9 tcp/22", "unknown request VPC peering connection pcx");
    let written = "{to: pl-dc, via: pcx}, {to: 172.31.0.0/24, via: vgw}";
    check(&net(&routed(written)), "a -> 172.31.0.9 tcp/22", "unknown request virtual private gateway vgw");
    let longer = "{to: pl-dc, via: pcx}, {to: 172.31.9.0/24, via: vgw, origin: propagated}";
    check(&net(&routed(longer)), "a -> 172.31.9.9 tcp/22", "unknown request virtual private gateway vgw");
    check(&net(&routed(longer)), "a -> 172.31.10.9 tcp/22", "unknown request VPC peering connection pcx");
}

/// Case 12, RTB-8: a blackhole wins its prefix and drops; there is no way back to a shorter one.
#[test]
fn a_blackhole_keeps_winning_case_12() {
    let net = net(&routed("{to: 10.9.0.0/16, via: pcx, state: blackhole}, {to: 0.0.0.0/0, via: nat}"));
    check(&net, "a -> 10.9.1.1 tcp/443", "no_reply request rtb ra route 10.9.0.0/16 -> pcx (blackhole)");
    check(&net, "a -> 8.8.8.8 tcp/443", "open");
}

/// RTB-9: a route to a stopped instance, a detached gateway or a NAT gateway that is gone is a blackhole.
#[test]
fn targets_that_take_no_traffic() {
    let stopped = routed("{to: 0.0.0.0/0, via: fw}").replace("forwarding: {}", "forwarding: {}, state: stopped");
    check(&net(&stopped), "a -> 8.8.8.8 tcp/443", "no_reply request rtb ra route 0.0.0.0/0 -> fw (blackhole)");
    check(
        &net(&routed("{to: 0.0.0.0/0, via: igw-detached}")),
        "a -> 8.8.8.8 tcp/443",
        "no_reply request rtb ra route 0.0.0.0/0 -> igw-detached (blackhole)",
    );
    let gone = routed("{to: 0.0.0.0/0, via: nat}").replace("nat: {", "nat: {available: false, ");
    check(&net(&gone), "a -> 8.8.8.8 tcp/443", "no_reply request rtb ra route 0.0.0.0/0 -> nat (blackhole)");
}

/// RTB-11: 0.0.0.0/0 says nothing about IPv6.
#[test]
fn families_are_apart() {
    let net = net(&routed("{to: 0.0.0.0/0, via: igw}"));
    check(&net, "a -> 8.8.8.8 tcp/443", "open");
    check(&net, "a -> 2001:4860:4860::8888 tcp/443", "no_reply request rtb ra: no route");
}

/// RTB-12: without a matching route the packet is dropped, and nobody is told.
#[test]
fn no_route() {
    check(&net(&routed("")), "a -> 8.8.8.8 tcp/443", "no_reply request rtb ra: no route");
    let sent = World::new(&routed("")).send(&tcp("10.0.1.10:40000", "8.8.8.8:443", SYN));
    assert_eq!(sent.notify, None);
}

/// Case 13, RTB-5, RTB-3: inside the VPC a route may be for a subnet's whole block, to a NAT gateway or an interface.
#[test]
fn more_specific_than_local_case_13() {
    let code = |routes: &str| diagnostics(&routed(routes)).first().map(|d| d.code);
    assert_eq!(code("{to: 10.0.2.128/25, via: fw}"), Some("route-more-specific"));
    assert_eq!(code("{to: 10.0.2.0/24, via: igw}"), Some("route-target"));
    assert_eq!(code("{to: 10.0.2.0/24, via: fw}"), None);
    assert_eq!(code("{to: 10.0.2.0/24, via: nat}"), None);
    let net = net(&routed("{to: 10.0.2.0/24, via: fw}"));
    assert_eq!(crossings(&net, "a -> b tcp/22")[..3], ["a out ACCEPT", "fw in ACCEPT", "fw out ACCEPT"]);
    check(&net, "a -> b tcp/22", "open");
}

/// Case 13: a transit gateway is no target for a route inside the VPC.
#[test]
fn more_specific_than_local_to_a_transit_gateway_case_13() {
    let yaml =
        routed("{to: 10.0.2.0/24, via: tgw}").replace("not_modelled:", "not_modelled:\n  tgw: {kind: transit gateway}");
    assert_eq!(diagnostics(&yaml).first().map(|d| d.code), Some("route-target"));
}

/// RTB-5: the whole block's local route may be given another target.
#[test]
fn a_replaced_local_route() {
    let net = net(&routed("{to: 10.0.0.0/16, via: fw}"));
    assert_eq!(crossings(&net, "a -> b tcp/22")[1], "fw in ACCEPT");
}

/// RTB-4: a route over the link-local range does not carry packets for it.
#[test]
fn link_local_addresses_are_not_routed() {
    let net = net(&routed("{to: 169.254.0.0/16, via: fw}"));
    check(&net, "a -> 169.254.169.254 tcp/80", "open");
    check(
        &net,
        "a -> 169.254.170.99 tcp/80",
        "no_reply request vpc v: no link-local service answers at this address and port",
    );
}
