//! VPC peering: `docs/behaviour/peering.md`, and cases 1 to 6 of the design's hybrid list.

use super::harness::*;
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::spec;

/// Three VPCs; `pcx` are the peerings, `routes` the routes of a, b and c.
fn triangle(pcx: &str, routes: [&str; 3], more: &str) -> String {
    format!(
        "
vpcs: {{a: {{cidr: 10.1.0.0/16}}, b: {{cidr: 10.2.0.0/16}}, c: {{cidr: 10.3.0.0/16}}}}
vpc_peering_connections: {{{pcx}}}
subnets:
  sa: {{vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}}
  sb: {{vpc: b, az: a, cidr: 10.2.1.0/24, route_table: rb}}
  sc: {{vpc: c, az: b, cidr: 10.3.1.0/24, route_table: rc}}
route_tables:
  ra: {{vpc: a, routes: [{}]}}
  rb: {{vpc: b, routes: [{}]}}
  rc: {{vpc: c, routes: [{}]}}
security_groups:
  ga: {{vpc: a, inbound: [{{from: 0.0.0.0/0}}]}}
  gb: {{vpc: b, inbound: [{{from: 0.0.0.0/0}}]}}
  gc: {{vpc: c, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  a: {{subnet: sa, address: 10.1.1.10, security_groups: [ga], listen: [22]}}
  b: {{subnet: sb, address: 10.2.1.10, security_groups: [gb], listen: [22]}}
  c: {{subnet: sc, address: 10.3.1.10, security_groups: [gc], listen: [22]}}
{more}",
        routes[0], routes[1], routes[2]
    )
    .replace("  a: {subnet", "  i-a: {subnet")
    .replace("  b: {subnet", "  i-b: {subnet")
    .replace("  c: {subnet", "  i-c: {subnet")
}

const AB: &str = "ab: {requester: a, accepter: b}";

/// PCX-5, case 1: A-B and A-C are peered, B has a route to C by A. Dropped on entry to A.
#[test]
fn transitive_peering_case_1() {
    let routes = [
        "{to: 10.2.0.0/16, via: ab}, {to: 10.3.0.0/16, via: ac}",
        "{to: 10.1.0.0/16, via: ab}, {to: 10.3.0.0/16, via: ab}",
        "{to: 10.1.0.0/16, via: ac}",
    ];
    let net = net(&triangle("ab: {requester: a, accepter: b}, ac: {requester: a, accepter: c}", routes, ""));
    check(&net, "i-b -> i-c ping", "no_reply request pcx ab: the destination is not an address of the peer VPC");
    check(&net, "i-b -> i-a ping", "reply");
    check(&net, "i-c -> i-a tcp/22", "open");
}

/// PCX-6, case 2: B's default route leads to A, which has an internet gateway and a NAT gateway.
#[test]
fn the_peers_ways_out_case_2() {
    let more = "internet_gateways: {igw: {vpc: a}}\nnat_gateways: {nat: {subnet: sa}}\n";
    let routes = ["{to: 10.2.0.0/16, via: ab}, {to: 0.0.0.0/0, via: igw}", "{to: 0.0.0.0/0, via: ab}", ""];
    let net = net(&triangle(AB, routes, more));
    check(&net, "i-b -> 8.8.8.8 udp/53", "no_reply request pcx ab: the destination is not an address of the peer VPC");
    check(&net, "i-b -> i-a tcp/22", "open");
}

/// PCX-4, case 3: A has a route to B, B none back: B gets the SYN, the SYN-ACK is dropped in B.
#[test]
fn one_sided_route_case_3() {
    let net = net(&triangle(AB, ["{to: 10.2.0.0/16, via: ab}", "", ""], ""));
    check(&net, "i-a -> i-b tcp/22", "no_reply reply rtb rb: no route to the destination");
    assert_eq!(crossings(&net, "i-a -> i-b tcp/22"), ["i-a out ACCEPT", "i-b in ACCEPT", "i-b out ACCEPT"]);
}

/// PCX-7, case 4: A peers B and C, whose blocks are the same; A's table leads the block to C and one subnet of B to B. A host
/// in B's other subnet connects: the SYN arrives, the reply goes to C. From the subnet with a route it works.
#[test]
fn peers_with_the_same_block_case_4() {
    let net = net("
vpcs: {a: {cidr: 10.1.0.0/16}, b: {cidr: 10.9.0.0/16}, c: {cidr: 10.9.0.0/16}}
vpc_peering_connections: {ab: {requester: a, accepter: b}, ac: {requester: a, accepter: c}}
subnets:
  sa: {vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}
  b1: {vpc: b, az: a, cidr: 10.9.1.0/24, route_table: rb}
  b2: {vpc: b, az: a, cidr: 10.9.2.0/24, route_table: rb}
  c1: {vpc: c, az: a, cidr: 10.9.1.0/24}
route_tables:
  ra: {vpc: a, routes: [{to: 10.9.0.0/16, via: ac}, {to: 10.9.2.0/24, via: ab}]}
  rb: {vpc: b, routes: [{to: 10.1.0.0/16, via: ab}]}
security_groups: {ga: {vpc: a, inbound: [{from: 0.0.0.0/0}]}, gb: {vpc: b}, gc: {vpc: c}}
instances:
  i-a: {subnet: sa, address: 10.1.1.10, security_groups: [ga], listen: [22]}
  i-b1: {subnet: b1, address: 10.9.1.10, security_groups: [gb]}
  i-b2: {subnet: b2, address: 10.9.2.10, security_groups: [gb]}
  i-c1: {subnet: c1, address: 10.9.1.99, security_groups: [gc]}
");
    check(&net, "i-b2 -> i-a tcp/22", "open");
    check(&net, "i-b1 -> i-a tcp/22", "no_reply reply vpc c: no interface has the destination address");
}

/// PCX-2, case 5: only secondary blocks overlap. AWS puts the request to `failed`; a topology that says `active` is refused.
#[test]
fn overlap_on_a_secondary_block_case_5() {
    let yaml = |state: &str| {
        format!(
            "
vpcs:
  a: {{cidr: 10.0.0.0/16, secondary_cidrs: [10.5.0.0/16]}}
  b: {{cidr: 10.6.0.0/16, secondary_cidrs: [10.5.128.0/17]}}
vpc_peering_connections:
  ab: {{requester: a, accepter: b{state}}}"
        )
    };
    let found = diagnostics(&yaml(""));
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["peering-overlap"], "{found:?}");
    assert!(found[0].help.as_deref().is_some_and(|help| help.contains("failed")));
    assert_eq!(diagnostics(&yaml(", state: failed")), []);
}

/// PCX-11, TGW-20, case 6: a rule names the peer's group; the peering is deleted and traffic goes by a transit gateway without
/// referencing: denied. A new peering revives the rule.
#[test]
fn stale_group_reference_case_6() {
    let yaml = |state: &str, via: &str| {
        triangle(
            &format!("ab: {{requester: a, accepter: b, state: {state}}}"),
            [&format!("{{to: 10.2.0.0/16, via: {via}}}"), &format!("{{to: 10.1.0.0/16, via: {via}}}"), ""],
            "transit_gateways: {t: {}}
transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}, tb: {transit_gateway: t, vpc: b, subnets: [sb]}}
",
        )
        .replace("ga: {vpc: a, inbound: [{from: 0.0.0.0/0}]}", "ga: {vpc: a, inbound: [{protocol: tcp, ports: 22, from: gb}]}")
    };
    check(&net(&yaml("active", "ab")), "i-b -> i-a tcp/22", "open");
    check(&net(&yaml("deleted", "t")), "i-b -> i-a tcp/22", "no_reply request sg ga inbound default: no rule matches");
    check(&net(&yaml("active", "ab")), "i-b -> i-a tcp/22", "open");
}

/// PCX-1, RTB-8, case 12 of the core list: a route to a deleted peering keeps winning over the default route.
#[test]
fn a_blackhole_keeps_winning_core_case_12() {
    let routes = ["{to: 10.2.0.0/16, via: ab}, {to: 0.0.0.0/0, via: igw}", "", ""];
    let more = "internet_gateways: {igw: {vpc: a}}\n";
    for state in ["deleted", "pending-acceptance", "expired", "provisioning"] {
        let net = net(&triangle(&format!("ab: {{requester: a, accepter: b, state: {state}}}"), routes, more));
        check(&net, "i-a -> 10.2.1.10 tcp/22", "no_reply request rtb ra route 10.2.0.0/16 -> ab (blackhole)");
    }
}

/// PCX-3: a second active peering between the same VPCs is refused.
#[test]
fn one_peering_between_two_vpcs() {
    let yaml = triangle("ab: {requester: a, accepter: b}, ba: {requester: b, accepter: a}", ["", "", ""], "");
    assert_eq!(diagnostics(&yaml).iter().map(|d| d.code).collect::<Vec<_>>(), ["second-peering"]);
}

/// PCX-9: the ACLs of both subnets and the groups of both ends are asked.
#[test]
fn filters_of_both_ends_hold() {
    let routes = ["{to: 10.2.0.0/16, via: ab}", "{to: 10.1.0.0/16, via: ab}", ""];
    let deny = "network_acls: {n: {vpc: b, inbound: [{rule: 10, action: deny, protocol: tcp, ports: 22, from: 10.1.0.0/16}, {rule: 20, action: allow, from: 0.0.0.0/0}], outbound: [{rule: 10, action: allow, to: 0.0.0.0/0}]}}\n";
    let yaml = triangle(AB, routes, deny).replace("route_table: rb}", "route_table: rb, network_acl: n}");
    check(&net(&yaml), "i-a -> i-b tcp/22", "no_reply request acl n inbound rule 10");
    check(&net(&yaml), "i-a -> i-b ping", "reply");
}

/// PCX-8: between Regions 8,500 bytes, 1,500 with the profile of 2023; silently.
#[test]
fn size_between_regions() {
    let yaml = |profile: &str| {
        format!(
            "{profile}
vpcs: {{a: {{cidr: 10.1.0.0/16}}, b: {{cidr: 10.2.0.0/16, region: eu-west-1}}}}
vpc_peering_connections: {{ab: {{requester: a, accepter: b}}}}
subnets: {{sa: {{vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}}, sb: {{vpc: b, az: a, cidr: 10.2.1.0/24}}}}
route_tables: {{ra: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: ab}}]}}}}
security_groups: {{gb: {{vpc: b, inbound: [{{from: 0.0.0.0/0}}]}}}}
instances: {{a1: {{subnet: sa, address: 10.1.1.10}}, b1: {{subnet: sb, address: 10.2.1.10, security_groups: [gb]}}}}"
        )
    };
    for (profile, fits) in [("", 8500), ("profile: {inter_region_peering_mtu: 1500}", 1500)] {
        let mut world = World::new(&yaml(profile));
        let of = |bytes: u32| dont_fragment(udp("10.1.1.10:1", "10.2.1.10:9", bytes - 28));
        world.sends(&of(fits), "to b1");
        let sent = world.send(&of(fits + 1));
        assert!(sent.end.starts_with(&format!("dropped pcx ab: larger than {fits} bytes")), "{}", sent.end);
        assert_eq!(sent.notify, None);
    }
}

/// PCX-10, case 19 of the core list: client, NAT gateway in A, peering, B without a route to A: the reply still arrives. From a
/// plain instance it does not; and an ACL can stop it.
#[test]
fn nat_return_to_sender_core_case_19() {
    let yaml = |acl: &str| {
        format!(
            "
vpcs: {{a: {{cidr: 10.1.0.0/16}}, b: {{cidr: 10.2.0.0/16}}}}
vpc_peering_connections: {{ab: {{requester: a, accepter: b}}}}
nat_gateways: {{nat: {{subnet: sn, connectivity: private, addresses: [{{private: 10.1.9.5}}]}}}}
subnets:
  sa: {{vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}}
  sp: {{vpc: a, az: a, cidr: 10.1.2.0/24, route_table: rn}}
  sn: {{vpc: a, az: a, cidr: 10.1.9.0/24, route_table: rn}}
  sb: {{vpc: b, az: a, cidr: 10.2.1.0/24{acl}}}
route_tables:
  ra: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: nat}}]}}
  rn: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: ab}}]}}
network_acls:
  n: {{vpc: b, inbound: [{{rule: 10, action: allow, from: 0.0.0.0/0}}], outbound: []}}
security_groups: {{gb: {{vpc: b, inbound: [{{from: 0.0.0.0/0}}]}}, ga: {{vpc: a}}}}
instances:
  client: {{subnet: sa, address: 10.1.1.10, security_groups: [ga]}}
  plain: {{subnet: sp, address: 10.1.2.10, security_groups: [ga]}}
  server: {{subnet: sb, address: 10.2.1.10, security_groups: [gb], listen: [443]}}"
        )
    };
    let open = net(&yaml(""));
    check(&open, "client -> server tcp/443", "open");
    check(&open, "plain -> server tcp/443", "no_reply reply rtb b/main: no route to the destination");
    check(&net(&yaml(", network_acl: n")), "client -> server tcp/443", "no_reply reply acl n outbound rule *");
}

/// PCX-12: a public name of the peer's instance, with the peer's option off and on.
#[test]
fn names_of_the_peer() {
    let resolved = |option: &str| {
        let yaml = format!(
            "
vpcs: {{a: {{cidr: 10.1.0.0/16, enable_dns_hostnames: true}}, b: {{cidr: 10.2.0.0/16, enable_dns_hostnames: true}}}}
internet_gateways: {{igw: {{vpc: b}}}}
vpc_peering_connections: {{ab: {{requester: a, accepter: b{option}}}}}
subnets: {{sa: {{vpc: a, az: a, cidr: 10.1.1.0/24}}, sb: {{vpc: b, az: a, cidr: 10.2.1.0/24}}}}
instances: {{i-b: {{subnet: sb, address: 10.2.1.10, public_ip: 198.51.100.7}}}}"
        );
        let spec = spec::read(FileIx(0), yaml.as_bytes()).0.unwrap();
        let net = compile(&spec).0.unwrap();
        net.resolve(vpcsim_engine::base::ids::VpcIx(0), "ec2-198-51-100-7.compute-1.amazonaws.com")[0].to_string()
    };
    assert_eq!(resolved(""), "198.51.100.7");
    assert_eq!(resolved(", accepter_dns_resolution: true"), "10.2.1.10");
    assert_eq!(resolved(", requester_dns_resolution: true"), "198.51.100.7");
}

/// PCX-11: a rule of either direction may name a group of the peer; not one of a peer in another Region.
#[test]
fn outbound_rules_name_the_peers_groups() {
    let yaml = triangle(AB, ["{to: 10.2.0.0/16, via: ab}", "{to: 10.1.0.0/16, via: ab}", ""], "");
    let named = yaml.replace(
        "ga: {vpc: a, inbound: [{from: 0.0.0.0/0}]}",
        "ga: {vpc: a, outbound: [{protocol: tcp, ports: 22, to: gb}]}",
    );
    assert_ne!(named, yaml);
    check(&net(&named), "i-a -> i-b tcp/22", "open");
    check(&net(&named), "i-a -> i-b tcp/23", "no_reply request sg ga outbound default: no rule matches");
    let abroad = named.replace("b: {cidr: 10.2.0.0/16}", "b: {cidr: 10.2.0.0/16, region: eu-west-1}");
    let (spec, _) = spec::read(FileIx(0), abroad.as_bytes());
    let network = compile(&spec.unwrap()).0.expect("a stale rule is no mistake");
    check(&network, "i-a -> i-b tcp/22", "no_reply request sg ga outbound default: no rule matches");
}
