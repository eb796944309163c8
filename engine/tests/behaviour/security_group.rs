//! Security groups: `docs/behaviour/security-group.md`.

use super::harness::*;

/// Two subnets; `a` has group `ga`, `b` has `gb` with these rules. An appliance can stand in between.
fn pair(inbound: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: public}}
  sb: {{vpc: v, az: a, cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, route_table: public}}
route_tables: {{public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}}}
prefix_lists: {{pl-office: {{entries: [10.0.1.0/28, 192.0.2.0/24]}}}}
security_groups:
  ga: {{vpc: v}}
  gb: {{vpc: v, inbound: [{inbound}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, public_ip: 198.51.100.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [ga]}}
  b: {{subnet: sb, address: 10.0.2.10, public_ip: 198.51.100.20, ipv6_addresses: [2600:1f18:1:2::10], security_groups: [gb], listen: [22, 80, udp/53]}}
"
    )
}

/// SG-1, SG-4: allow rules only, the union over the groups; what none allows is denied.
#[test]
fn groups_add_up() {
    let one = pair("{protocol: tcp, ports: 22, from: 10.0.1.0/24}");
    check(&net(&one), "a -> b tcp/22", "open");
    check(&net(&one), "a -> b tcp/80", "no_reply request sg gb inbound default");
    let both = one.replace("security_groups: [gb]", "security_groups: [gb, web]").replace(
        "  ga: {vpc: v}",
        "  ga: {vpc: v}\n  web: {vpc: v, inbound: [{protocol: tcp, ports: 80, from: 0.0.0.0/0}]}",
    );
    check(&net(&both), "a -> b tcp/22", "open");
    check(&net(&both), "a -> b tcp/80", "open");
}

/// SG-2: a new group lets nothing in and everything out.
#[test]
fn a_new_group_lets_everything_out_and_nothing_in() {
    let net = net(&pair("{from: 0.0.0.0/0}"));
    check(&net, "a -> b tcp/22", "open");
    check(&net, "b -> a tcp/22", "no_reply request sg ga inbound default");
}

/// SG-3: ports for TCP and UDP, types for ICMP, nothing for the rest.
#[test]
fn protocols_ports_and_types() {
    let net = net(&pair(
        "{protocol: udp, ports: 53, from: 0.0.0.0/0}, {protocol: icmp, icmp_type: 8, from: 0.0.0.0/0}, {protocol: 47, from: 0.0.0.0/0}",
    ));
    check(&net, "a -> b udp/53", "open");
    check(&net, "a -> b tcp/53", "no_reply request sg gb inbound default");
    check(&net, "a -> b ping", "reply");
    check(&net, "a -> b 47", "open");
    check(&net, "a -> b 50", "no_reply request sg gb inbound default");
}

/// SG-5: a rule that names a group matches its interfaces' private addresses.
#[test]
fn a_group_stands_for_its_private_addresses() {
    check(&net(&pair("{from: ga}")), "a -> b tcp/22", "open");
    check(&net(&pair("{from: gb}")), "a -> b tcp/22", "no_reply request sg gb inbound default");
}

/// SG-6: what comes by a public address does not match a rule that names a group.
#[test]
fn a_group_does_not_match_public_addresses() {
    let net = net(&pair("{from: ga}"));
    check(&net, "a -> 198.51.100.20 tcp/22", "no_reply request sg gb inbound default");
}

/// SG-7: a rule may name a prefix list.
#[test]
fn prefix_lists() {
    check(&net(&pair("{from: pl-office}")), "a -> b tcp/22", "open");
    check(
        &net(&pair("{from: pl-office}").replace("10.0.1.0/28", "10.0.1.64/28")),
        "a -> b tcp/22",
        "no_reply request sg gb inbound default",
    );
}

/// SG-8: a rule for one family says nothing about the other; a rule that names a group is for both.
#[test]
fn families_are_apart() {
    let net = net(&pair("{protocol: tcp, from: 0.0.0.0/0}"));
    check(&net, "2600:1f18:1:1::10 -> 2600:1f18:1:2::10 tcp/22", "no_reply request sg gb inbound default");
    let both = super::harness::net(&pair("{from: ga}"));
    check(&both, "2600:1f18:1:1::10 -> 2600:1f18:1:2::10 tcp/22", "open");
}

/// SG-10: the default group lets its own members in and everything out; an interface that names none has it.
#[test]
fn the_default_group() {
    let net =
        net(&pair("{from: 0.0.0.0/0}").replace(", security_groups: [ga]", "").replace(", security_groups: [gb]", ""));
    check(&net, "a -> b tcp/22", "open");
    check(&net, "internet -> 198.51.100.20 tcp/22", "no_reply request sg v/default-sg inbound default");
}

/// SG-11: in an imported account a rule may name a group that is gone; it matches nobody.
#[test]
fn a_stale_rule_matches_nobody() {
    let yaml = format!("guests: unknown{}", pair("{from: sg-gone}"));
    let (spec, _) = vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), yaml.as_bytes());
    let (net, diagnostics) = vpcsim_engine::compile::compile(&spec.unwrap());
    assert_eq!(diagnostics[0].code, "unknown-reference");
    check(&net.unwrap(), "a -> b tcp/22", "no_reply request sg gb inbound default");
}

/// Case 14, SG-9, ENI-2: routed through an appliance, a rule that names a group does not match; an address block
/// does; and the appliance takes packets for others only with its source/destination check off.
#[test]
fn a_group_does_not_match_behind_a_middlebox_case_14() {
    let through = |rule: &str, check: bool| {
        pair(rule)
            .replace("  sa: {", "  sf: {vpc: v, az: a, cidr: 10.0.3.0/24}\n  sa: {")
            .replace("cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: public", "cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64, route_table: ra")
            .replace("cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, route_table: public", "cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, route_table: rb")
            .replace("route_tables: {public", "route_tables: {ra: {vpc: v, routes: [{to: 10.0.2.0/24, via: fw}]}, rb: {vpc: v, routes: [{to: 10.0.1.0/24, via: fw}]}, public")
            .replace("  ga: {vpc: v}", "  ga: {vpc: v}\n  gf: {vpc: v, inbound: [{from: 10.0.0.0/16}]}")
            .replace("instances:", &format!("instances:\n  fw: {{subnet: sf, address: 10.0.3.10, security_groups: [gf], source_dest_check: {check}, forwarding: {{}}}}"))
    };
    check(&net(&through("{from: ga}", false)), "a -> b tcp/22", "no_reply request sg gb inbound default");
    check(&net(&through("{from: 10.0.1.10/32}", false)), "a -> b tcp/22", "open");
    check(
        &net(&through("{from: 10.0.1.10/32}", true)),
        "a -> b tcp/22",
        "no_reply request eni fw: source/destination check, the destination",
    );
}

/// SG-12: an interface that AWS manages and that has no group filters nothing; its subnet's ACL does.
#[test]
fn a_managed_interface_without_groups_filters_nothing() {
    let net = net(&pair("{from: ga}").replace("instances:", "network_interfaces:\n  lb: {subnet: sb, address: 10.0.2.50, interface_type: network_load_balancer, requester_managed: true, security_groups: []}\ninstances:"));
    check(&net, "a -> 10.0.2.50 tcp/80", "unknown request network interface (network load balancer) lb");
}

/// SG-14: later fragments carry no ports; filters treat them like the first.
#[test]
fn fragments_follow_the_first() {
    let mut world = World::new(&pair("{protocol: udp, ports: 53, from: 10.0.1.0/24}"));
    let [head, tail] = fragments(&udp("10.0.1.10:40000", "10.0.2.10:53", 3000), 1472);
    world.sends(&head, "to b");
    world.sends(&tail, "to b");
    let [head, tail] = fragments(&udp("10.0.1.10:40000", "10.0.2.10:54", 3000), 1472);
    world.sends(&head, "dropped sg gb inbound default");
    world.sends(&tail, "dropped sg gb inbound default");
}
