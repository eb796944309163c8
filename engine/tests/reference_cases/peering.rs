//! VPC peering.

use super::harness::{check, three};

const AB_AC: &str = "
vpc_peering_connections:
  ab: {requester: va, accepter: vb}
  ac: {requester: va, accepter: vc}
";

#[test]
fn peering_is_not_transitive_hybrid_1() {
    let to = "{to: 10.1.0.0/16, via: ab}, {to: 10.2.0.0/16, via: ac}";
    let all = "{to: 10.0.0.0/8, via: ab}";
    let net = three([to, all, "{to: 10.0.0.0/8, via: ac}"], AB_AC);
    check(
        &net,
        &[
            ("b -> 10.2.1.10 ping", "no_reply request PcxTransit ab"),
            ("b -> 10.0.1.10 ping", "reply"),
            ("c -> 10.0.1.10 tcp/443", "open"),
        ],
    );
}

#[test]
fn the_peers_way_to_the_internet_is_not_ones_own_hybrid_2() {
    let more = format!(
        "{AB_AC}
internet_gateways: {{igw: {{vpc: va}}}}
nat_gateways: {{nat: {{subnet: sa, addresses: [{{private: 10.0.1.20, public: 198.51.100.1}}]}}}}
internet_hosts: {{web: {{addresses: [192.0.2.80], listen: [443]}}}}"
    );
    let net = three(["{to: 0.0.0.0/0, via: igw}", "{to: 0.0.0.0/0, via: ab}", ""], &more);
    check(&net, &[("b -> 192.0.2.80 tcp/443", "no_reply request PcxTransit ab")]);
}

#[test]
fn one_route_is_one_way_hybrid_3() {
    let net = three(["{to: 10.1.0.0/16, via: ab}", "", ""], AB_AC);
    check(
        &net,
        &[
            ("a -> 10.1.1.10 tcp/443", "no_reply reply RouteNone rb none"),
            ("b -> 10.0.1.10 tcp/443", "no_reply request RouteNone rb none"),
        ],
    );
}

#[test]
fn the_answer_may_go_to_the_wrong_one_of_equal_peers_hybrid_4() {
    let net = "
vpcs: {va: {cidr: 10.0.0.0/16}, vb: {cidr: 10.1.0.0/16}, vc: {cidr: 10.1.0.0/16}}
subnets:
  sa: {vpc: va, az: a, cidr: 10.0.1.0/24}
  sb1: {vpc: vb, az: a, cidr: 10.1.1.0/24}
  sb2: {vpc: vb, az: a, cidr: 10.1.2.0/24}
  sc: {vpc: vc, az: a, cidr: 10.1.1.0/24}
route_tables:
  ra: {vpc: va, main: true, routes: [{to: 10.1.0.0/16, via: ac}, {to: 10.1.2.0/24, via: ab}]}
  rb: {vpc: vb, main: true, routes: [{to: 10.0.0.0/16, via: ab}]}
  rc: {vpc: vc, main: true, routes: [{to: 10.0.0.0/16, via: ac}]}
security_groups:
  ga: {vpc: va, inbound: [{from: 0.0.0.0/0}]}
  gb: {vpc: vb}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [ga], listen: [443]}
  b1: {subnet: sb1, address: 10.1.1.10, security_groups: [gb]}
  b2: {subnet: sb2, address: 10.1.2.10, security_groups: [gb]}
vpc_peering_connections:
  ab: {requester: va, accepter: vb}
  ac: {requester: va, accepter: vc}
";
    check(net, &[("b1 -> 10.0.1.10 tcp/443", "no_reply reply AddressNone vc"), ("b2 -> 10.0.1.10 tcp/443", "open")]);
}

#[test]
fn a_failed_peering_carries_nothing_hybrid_5() {
    let ab = "vpc_peering_connections: {ab: {requester: va, accepter: vb, state: failed}}";
    let net = three(["{to: 10.1.0.0/16, via: ab}", "", ""], ab);
    check(&net, &[("a -> 10.1.1.10 ping", "no_reply request RouteBlackhole ra 10.1.0.0/16")]);
}

/// Hosts `a` and `b`; the group of `a` lets in that of `b` and nothing else. `via` is how they reach each other.
fn by_reference(via: &str, state: &str, tgw: &str) -> String {
    format!(
        "
vpcs: {{va: {{cidr: 10.0.0.0/16}}, vb: {{cidr: 10.1.0.0/16}}}}
subnets:
  sa: {{vpc: va, az: a, cidr: 10.0.1.0/24}}
  sb: {{vpc: vb, az: a, cidr: 10.1.1.0/24}}
route_tables:
  ra: {{vpc: va, main: true, routes: [{{to: 10.1.0.0/16, via: {via}}}]}}
  rb: {{vpc: vb, main: true, routes: [{{to: 10.0.0.0/16, via: {via}}}]}}
security_groups:
  ga: {{vpc: va, inbound: [{{from: gb}}]}}
  gb: {{vpc: vb}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [ga], listen: [443]}}
  b: {{subnet: sb, address: 10.1.1.10, security_groups: [gb]}}
vpc_peering_connections: {{ab: {{requester: va, accepter: vb, state: {state}}}}}
transit_gateways: {{tgw: {{{tgw}}}}}
transit_gateway_vpc_attachments:
  atta: {{transit_gateway: tgw, vpc: va, subnets: [sa]}}
  attb: {{transit_gateway: tgw, vpc: vb, subnets: [sb]}}
"
    )
}

#[test]
fn a_reference_goes_stale_and_comes_back_hybrid_6() {
    let ask = [("b -> 10.0.1.10 tcp/443", "no_reply request SgLast a inbound default")];
    check(&by_reference("tgw", "deleted", ""), &ask);
    check(&by_reference("ab", "active", ""), &[("b -> 10.0.1.10 tcp/443", "open")]);
    // The peering is there, but the packet does not come over it.
    check(&by_reference("tgw", "active", ""), &ask);
    check(&by_reference("tgw", "deleted", "security_group_referencing: true"), &[("b -> 10.0.1.10 tcp/443", "open")]);
}

#[test]
fn a_dead_peering_keeps_its_route_core_12() {
    let more = "
vpc_peering_connections: {ab: {requester: va, accepter: vb, state: deleted}}
internet_gateways: {igw: {vpc: va}}
nat_gateways: {nat: {subnet: sa, addresses: [{private: 10.0.1.20, public: 198.51.100.1}]}}
";
    let net = three(["{to: 10.1.0.0/16, via: ab}, {to: 0.0.0.0/0, via: nat}", "", ""], more);
    check(&net, &[("a -> 10.1.1.10 ping", "no_reply request RouteBlackhole ra 10.1.0.0/16")]);
}

#[test]
fn a_nat_gateway_gets_its_answers_core_19() {
    // The host's subnet leads to the NAT gateway, whose own leads to the peering. VPC b has no route back.
    let more = "
vpc_peering_connections: {ab: {requester: va, accepter: vb}}
";
    let net = three(["{to: 10.1.0.0/16, via: ab}", "", ""], more)
        .replace("  sb:", "  sn: {vpc: va, az: a, cidr: 10.0.2.0/24, route_table: rn, network_acl: acl}\n  sb:")
        .replace("  rb:", "  rn: {vpc: va, routes: [{to: 10.1.0.0/16, via: nat}]}\n  rb:")
        .replace("  b:", "  n: {subnet: sn, address: 10.0.2.10, security_groups: [ga]}\n  b:");
    let net = format!(
        "{net}
nat_gateways: {{nat: {{subnet: sa, connectivity: private, addresses: [{{private: 10.0.1.20}}]}}}}
network_acls:
  acl:
    vpc: va
    inbound: [{{rule: 1, action: allow, from: 0.0.0.0/0}}]
    outbound: [{{rule: 1, action: allow, to: 0.0.0.0/0}}]
"
    );
    check(&net, &[("n -> 10.1.1.10 tcp/443", "open"), ("a -> 10.1.1.10 tcp/443", "no_reply reply RouteNone rb none")]);
    // An ACL can still block it.
    let denied = net.replace("cidr: 10.1.1.0/24}", "cidr: 10.1.1.0/24, network_acl: aclb}");
    let rows = "
  aclb: {vpc: vb, inbound: [{rule: 1, action: allow, from: 0.0.0.0/0}]}
";
    check(&format!("{denied}{rows}"), &[("n -> 10.1.1.10 tcp/443", "no_reply reply AclLast aclb outbound *")]);
}
