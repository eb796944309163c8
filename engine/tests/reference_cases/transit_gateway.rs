//! Transit gateways: attachments, zones, ACLs, tables.

use super::harness::{check, three};

const TO_TGW: &str = "{to: 10.0.0.0/8, via: tgw}";

const ATTACHED: &str = "
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments:
  atta: {transit_gateway: tgw, vpc: va, subnets: [sa]}
  attb: {transit_gateway: tgw, vpc: vb, subnets: [sb]}
";

#[test]
fn default_tables_connect_everything() {
    check(&three([TO_TGW, TO_TGW, ""], ATTACHED), &[("a -> 10.1.1.10 tcp/443", "open")]);
    let off = ATTACHED.replace("tgw: {}", "tgw: {default_route_table_association: false}");
    let no = "no_reply request TgwNoAssociation atta";
    check(&three([TO_TGW, TO_TGW, ""], &off), &[("a -> 10.1.1.10 tcp/443", no)]);
    let off = ATTACHED.replace("tgw: {}", "tgw: {default_route_table_propagation: false}");
    let no = "no_reply request TgwRouteNone tgw/default none";
    check(&three([TO_TGW, TO_TGW, ""], &off), &[("a -> 10.1.1.10 tcp/443", no)]);
}

#[test]
fn one_needs_a_subnet_of_the_attachment_in_the_zone_hybrid_7() {
    let net = three([TO_TGW, TO_TGW, ""], ATTACHED)
        .replace("  sb:", "  sa2: {vpc: va, az: b, cidr: 10.0.2.0/24}\n  sb:")
        .replace("  b:", "  a2: {subnet: sa2, address: 10.0.2.10, security_groups: [ga], listen: [443]}\n  b:");
    check(
        &net,
        &[
            ("a2 -> 10.1.1.10 tcp/443", "no_reply request TgwNoAz atta"),
            // Delivered, by the interface in zone a; the answer has no way.
            ("b -> 10.0.2.10 tcp/443", "no_reply reply TgwNoAz atta"),
            ("b -> 10.0.1.10 tcp/443", "open"),
        ],
    );
}

/// Host `a` shares the attachment's subnet; the subnet's ACL has these rows in.
fn shared_subnet(inbound: &str) -> String {
    let acl = format!(
        "{ATTACHED}
network_acls:
  acl: {{vpc: va, default: true, inbound: [{inbound}], outbound: [{{rule: 1, action: allow, to: 10.1.0.0/16}}]}}"
    );
    three([TO_TGW, TO_TGW, ""], &acl)
}

#[test]
fn the_acl_of_a_shared_attachment_subnet_hybrid_8() {
    let rest = "{rule: 9, action: allow, from: 0.0.0.0/0}";
    let deny_remote = shared_subnet(&format!("{{rule: 1, action: deny, from: 10.1.0.0/16}}, {rest}"));
    check(&deny_remote, &[("b -> 10.0.1.10 tcp/443", "open")]);
    // What the host sends is asked inbound too, on its own address, and so is what it answers.
    let deny_own = shared_subnet(&format!("{{rule: 1, action: deny, from: 10.0.1.0/24}}, {rest}"));
    check(
        &deny_own,
        &[
            ("a -> 10.1.1.10 tcp/443", "no_reply request AclRule acl inbound 1"),
            ("b -> 10.0.1.10 tcp/443", "no_reply reply AclRule acl inbound 1"),
        ],
    );
}

#[test]
fn the_longer_prefix_beats_a_blackhole_hybrid_11() {
    let table = "
transit_gateway_route_tables:
  t:
    transit_gateway: tgw
    associations: [atta, attb]
    propagations: [atta, attb]
    routes: [{to: 10.0.0.0/8, blackhole: true}]";
    let net = three([TO_TGW, TO_TGW, ""], &format!("{ATTACHED}{table}"));
    check(
        &net,
        &[
            ("a -> 10.1.1.10 tcp/443", "open"),
            ("a -> 10.2.0.5 tcp/443", "no_reply request TgwRouteBlackhole t 10.0.0.0/8"),
            ("a -> 10.1.9.9 tcp/443", "no_reply request AddressNone vb"),
        ],
    );
}

#[test]
fn the_first_of_identical_vpcs_is_propagated_hybrid_12() {
    let net = "
vpcs: {va: {cidr: 10.0.0.0/16}, v1: {cidr: 10.1.0.0/16}, v2: {cidr: 10.1.0.0/16}}
subnets:
  sa: {vpc: va, az: a, cidr: 10.0.1.0/24}
  s1: {vpc: v1, az: a, cidr: 10.1.1.0/24}
  s2: {vpc: v2, az: a, cidr: 10.1.1.0/24}
route_tables:
  ra: {vpc: va, main: true, routes: [{to: 10.0.0.0/8, via: tgw}]}
  r1: {vpc: v1, main: true, routes: [{to: 10.0.0.0/8, via: tgw}]}
  r2: {vpc: v2, main: true, routes: [{to: 10.0.0.0/8, via: tgw}]}
security_groups:
  ga: {vpc: va, inbound: [{from: 0.0.0.0/0}]}
  g1: {vpc: v1, inbound: [{from: 0.0.0.0/0}]}
  g2: {vpc: v2, inbound: [{from: 0.0.0.0/0}]}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [ga], listen: [443]}
  one: {subnet: s1, address: 10.1.1.10, security_groups: [g1], listen: [443]}
  two: {subnet: s2, address: 10.1.1.11, security_groups: [g2], listen: [443]}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments:
  atta: {transit_gateway: tgw, vpc: va, subnets: [sa]}
  att1: {transit_gateway: tgw, vpc: v1, subnets: [s1]}
  att2: {transit_gateway: tgw, vpc: v2, subnets: [s2]}
";
    check(
        net,
        &[
            ("a -> 10.1.1.10 tcp/443", "open"),
            ("a -> 10.1.1.11 tcp/443", "no_reply request AddressNone v1"),
            // It arrives, and the answer goes to the other VPC.
            ("two -> 10.0.1.10 tcp/443", "no_reply reply AddressNone v1"),
        ],
    );
}

#[test]
fn the_attachments_acl_is_asked_one_way_only_core_22() {
    let acl = format!(
        "{ATTACHED}
network_acls:
  acl: {{vpc: va, outbound: [{{rule: 1, action: allow, to: 0.0.0.0/0}}]}}"
    );
    let net = three([TO_TGW, TO_TGW, ""], &acl.replace("subnets: [sa]", "subnets: [door]"))
        .replace("  sb:", "  door: {vpc: va, az: a, cidr: 10.0.9.0/28, network_acl: acl}\n  sb:");
    check(
        &net,
        &[
            ("b -> 10.0.1.10 tcp/443", "no_reply reply AclLast acl inbound *"),
            ("a -> 10.1.1.10 tcp/443", "no_reply request AclLast acl inbound *"),
        ],
    );
}

#[test]
fn a_table_asks_for_nothing_but_what_it_knows() {
    let table = "
transit_gateway_route_tables:
  t: {transit_gateway: tgw, associations: [atta], routes: [{to: 10.1.0.0/16, via: attb}]}";
    // Attachment b keeps the default table, which learns everything.
    let net = three([TO_TGW, TO_TGW, ""], &format!("{ATTACHED}{table}"));
    check(
        &net,
        &[
            ("a -> 10.1.1.10 tcp/443", "open"),
            ("a -> 10.2.1.10 tcp/443", "no_reply request TgwRouteNone t none"),
            ("b -> 10.2.1.10 tcp/443", "no_reply request TgwRouteNone tgw/default none"),
        ],
    );
    let pending = net.replace("vpc: vb, subnets: [sb]", "vpc: vb, subnets: [sb], state: pending");
    check(&pending, &[("a -> 10.1.1.10 tcp/443", "no_reply request TgwRouteBlackhole t 10.1.0.0/16")]);
    check(&pending, &[("b -> 10.0.1.10 tcp/443", "no_reply request RouteBlackhole rb 10.0.0.0/8")]);
}

#[test]
fn peered_transit_gateways_ask_table_after_table() {
    let more = "
transit_gateways: {tgw: {}, far: {}}
transit_gateway_vpc_attachments:
  atta: {transit_gateway: tgw, vpc: va, subnets: [sa]}
  attb: {transit_gateway: far, vpc: vb, subnets: [sb]}
transit_gateway_peering_attachments: {peer: {requester: tgw, accepter: far}}
transit_gateway_route_tables:
  near: {transit_gateway: tgw, default_association: true, default_propagation: true,
    routes: [{to: 10.1.0.0/16, via: peer}]}
";
    let net = three([TO_TGW, "{to: 10.0.0.0/8, via: far}", ""], more);
    check(&net, &[("a -> 10.1.1.10 tcp/443", "no_reply reply TgwRouteNone far/default none")]);
    let back = format!(
        "{net}  there: {{transit_gateway: far, default_association: true, default_propagation: true,
    routes: [{{to: 10.0.0.0/16, via: peer}}]}}\n"
    );
    check(&back, &[("a -> 10.1.1.10 tcp/443", "open"), ("b -> 10.0.1.10 ping", "reply")]);
}
