//! Network ACLs: `docs/behaviour/network-acl.md`.

use super::harness::*;

/// Two subnets with open groups; subnet `sb` has the ACL `nb` with these rows.
fn two(inbound: &str, outbound: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64}}
  sb: {{vpc: v, az: a, cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, network_acl: nb}}
network_acls:
  nb: {{vpc: v, inbound: [{inbound}], outbound: [{outbound}]}}
security_groups:
  open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}, {{from: '::/0'}}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [open], listen: [22, udp/53]}}
  b: {{subnet: sb, address: 10.0.2.10, ipv6_addresses: [2600:1f18:1:2::10], security_groups: [open], listen: [22, 443, udp/53]}}
  c: {{subnet: sb, address: 10.0.2.11, security_groups: [open], listen: [22]}}
"
    )
}

const ALL_IN: &str = "{rule: 100, action: allow, from: 0.0.0.0/0}";
const ALL_OUT: &str = "{rule: 100, action: allow, to: 0.0.0.0/0}";

/// Case 1, ACL-5: between hosts of one subnet no ACL is asked, even one that denies everything.
#[test]
fn same_subnet_skips_the_acl_case_1() {
    let net = net(&two("", ""));
    check(&net, "c -> b tcp/22", "open");
    check(&net, "c -> b ping", "reply");
    check(&net, "a -> b tcp/22", "no_reply request acl nb inbound rule *");
}

/// Case 2, ACL-4: stateless. The reply needs a row of its own for the client's ephemeral port.
#[test]
fn the_reply_needs_its_own_row_case_2() {
    let net = net(&two("{rule: 100, action: allow, protocol: tcp, ports: 443, from: 0.0.0.0/0}", ""));
    check(&net, "a -> b tcp/443", "no_reply reply acl nb outbound rule *");
    assert_eq!(crossings(&net, "a -> b tcp/443"), ["a out ACCEPT", "b in ACCEPT", "b out REJECT"]);
    let ephemeral = "{rule: 100, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.1.0/24}";
    let net =
        super::harness::net(&two("{rule: 100, action: allow, protocol: tcp, ports: 443, from: 0.0.0.0/0}", ephemeral));
    check(&net, "a -> b tcp/443", "open");
}

/// Case 3, ACL-4, CT-1, FLW-1: a ping that the group lets in and the ACL does not let out.
#[test]
fn ping_in_by_the_group_not_out_by_the_acl_case_3() {
    let yaml = |outbound: &str| {
        two(ALL_IN, outbound)
            .replace(
                "open: {vpc: v, inbound: [{from: 0.0.0.0/0}, {from: '::/0'}]}",
                "open: {vpc: v, inbound: [{protocol: icmp, from: 0.0.0.0/0}], outbound: []}\n  out: {vpc: v}",
            )
            .replace(
                "a: {subnet: sa, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [open]",
                "a: {subnet: sa, address: 10.0.1.10, security_groups: [out]",
            )
    };
    let denied = net(&yaml("{rule: 100, action: deny, protocol: icmp, to: 0.0.0.0/0}"));
    check(&denied, "a -> b ping", "no_reply reply acl nb outbound rule 100");
    assert_eq!(crossings(&denied, "a -> b ping")[1..], ["b in ACCEPT", "b out REJECT"]);
    let allowed = net(&yaml(ALL_OUT));
    check(&allowed, "a -> b ping", "reply");
    assert_eq!(crossings(&allowed, "a -> b ping")[1..3], ["b in ACCEPT", "b out ACCEPT"]);
}

/// ACL-1: ascending by number, whatever the order in the file; the first match decides.
#[test]
fn the_lowest_matching_number_decides() {
    let deny_first = "{rule: 200, action: allow, from: 0.0.0.0/0}, {rule: 100, action: deny, protocol: tcp, ports: 22, from: 10.0.1.0/24}";
    let net = net(&two(deny_first, ALL_OUT));
    check(&net, "a -> b tcp/22", "no_reply request acl nb inbound rule 100");
    check(&net, "a -> b tcp/443", "open");
}

/// ACL-2: what no row matches meets the last row `*`, which denies; an ACL of one's own begins with nothing else.
#[test]
fn the_last_row_denies() {
    let yaml = two("", "").replace("{vpc: v, inbound: [], outbound: []}", "{vpc: v}");
    check(&net(&yaml), "a -> b tcp/22", "no_reply request acl nb inbound rule *");
    check(&net(&yaml), "b -> a tcp/22", "no_reply request acl nb outbound rule *");
}

/// ACL-3: a row for one family says nothing about the other.
#[test]
fn families_are_apart() {
    let net = net(&two(ALL_IN, ALL_OUT));
    check(&net, "10.0.1.10 -> 10.0.2.10 tcp/22", "open");
    check(&net, "2600:1f18:1:1::10 -> 2600:1f18:1:2::10 tcp/22", "no_reply request acl nb inbound rule *");
}

/// ACL-6: ports are destination ports; a reply's are the client's, so a row for port 443 does not let it out.
#[test]
fn ports_are_destination_ports() {
    let out = "{rule: 100, action: allow, protocol: tcp, ports: 443, to: 0.0.0.0/0}";
    let net = net(&two(ALL_IN, out));
    check(&net, "a -> b tcp/443", "no_reply reply acl nb outbound rule *");
}

/// ACL-7: protocols other than TCP, UDP and ICMP have no ports; all protocols ignores them; ICMP has types.
#[test]
fn protocols_and_types() {
    let gre = net(&two("{rule: 100, action: allow, protocol: 47, from: 0.0.0.0/0}", ALL_OUT));
    check(&gre, "a -> b 47", "open");
    check(&gre, "a -> b 50", "no_reply request acl nb inbound rule *");
    let echo = net(&two("{rule: 100, action: allow, protocol: icmp, icmp_type: 8, from: 0.0.0.0/0}", ALL_OUT));
    check(&echo, "a -> b ping", "reply");
    check(&echo, "b -> a ping", "no_reply reply acl nb inbound rule *");
}

/// ACL-8: the default ACL allows all, IPv6 too if the VPC has an IPv6 block.
#[test]
fn the_default_acl_allows_all() {
    let net = net(&two("", "").replace(", network_acl: nb", ""));
    check(&net, "10.0.1.10 -> 10.0.2.10 tcp/22", "open");
    check(&net, "2600:1f18:1:1::10 -> 2600:1f18:1:2::10 tcp/22", "open");
}

/// ACL-9: a subnet that names no ACL has the VPC's default one; its rows can be written like any other's.
#[test]
fn a_subnet_without_an_acl_has_the_default_one() {
    let yaml = two("", "").replace(", network_acl: nb", "").replace("nb: {vpc: v", "nb: {vpc: v, default: true");
    check(&net(&yaml), "a -> b tcp/22", "no_reply request acl nb outbound rule *");
}

/// ACL-11: a change of an ACL cuts tracked flows at once.
#[test]
fn a_change_cuts_tracked_flows() {
    let narrow = |inbound| {
        two(inbound, ALL_OUT).replace(
            "open: {vpc: v, inbound: [{from: 0.0.0.0/0}, {from: '::/0'}]}",
            "open: {vpc: v, inbound: [{protocol: tcp, ports: 22, from: 10.0.1.0/24}]}",
        )
    };
    let mut world = World::new(&narrow(ALL_IN));
    world.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", SYN), "to b");
    world.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", ACK), "to b");
    world.change(&narrow("{rule: 90, action: deny, protocol: tcp, ports: 22, from: 10.0.1.0/24}, {rule: 100, action: allow, from: 0.0.0.0/0}"));
    world.sends(&tcp("10.0.1.10:40000", "10.0.2.10:22", ACK), "dropped acl nb inbound rule 90");
}
