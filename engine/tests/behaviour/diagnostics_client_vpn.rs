//! What AWS refuses, and what a topology gets wrong, of Client VPN: one test per code of `compile`.

use super::harness::{diagnostics, refused_behind};

/// A VPC with three subnets of two zones, and a subnet of another VPC; lines 1 to 7.
const BASE: &str = "vpcs: {v: {cidr: 10.1.0.0/16}, w: {cidr: 10.2.0.0/16}}
subnets:
  a: {vpc: v, az: a, cidr: 10.1.1.0/24}
  a2: {vpc: v, az: a, cidr: 10.1.2.0/24}
  b: {vpc: v, az: b, cidr: 10.1.3.0/24}
  tiny: {vpc: v, az: b, cidr: 10.1.4.0/28}
  other: {vpc: w, az: a, cidr: 10.2.1.0/24}
";

/// CVPN-8, CVPN-9: what is right gives no diagnostic, at both ends of the sizes.
#[test]
fn the_base_is_fine() {
    for block in ["10.100.0.0/22", "10.96.0.0/12"] {
        let yaml = format!(
            "{BASE}client_vpn_endpoints: {{e: {{vpc: v, client_cidr: {block}, subnets: [a, b], routes: [{{to: 0.0.0.0/0, subnet: a}}, {{to: {block}, subnet: local}}]}}}}
client_vpn_clients: {{c: {{endpoint: e, address: 10.100.0.9, subnet: b}}, d: {{endpoint: e}}}}"
        );
        assert_eq!(diagnostics(&yaml), []);
    }
}

refused_behind! { BASE,
    too_small: "client-cidr", 8, "`10.100.0.0/23` of `e` is not",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/23, subnets: [a]}}";
    too_large: "client-cidr", 8, "`12.0.0.0/11` of `e` is not",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 12.0.0.0/11, subnets: [a]}}";
    ipv6_clients: "client-cidr", 8, "`fd00::/16` of `e` is not",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 'fd00::/16', subnets: [a]}}";
    ipv6_and_a_client: "client-cidr-full", 9, "client CIDR fd00::/16 of `e` has no address for `c`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 'fd00::/16', subnets: [a]}}
client_vpn_clients: {c: {endpoint: e}}";
    no_room: "client-cidr-full", 9, "client CIDR 10.100.0.0/30 of `e` has no address for `d`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/30, subnets: [a]}}
client_vpn_clients: {c: {endpoint: e}, d: {endpoint: e}}";
    over_the_vpc: "client-cidr-overlap", 8, "overlaps block 10.1.0.0/16 of VPC `v`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.1.128.0/20, subnets: [a]}}";
    over_a_route: "client-cidr-overlap", 8, "route `10.100.4.0/24` of `e` overlaps client CIDR `10.100.0.0/16`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{to: 10.100.4.0/24, subnet: a}]}}";
    two_in_one_zone: "second-subnet-in-zone", 8, "`e` has two subnets in zone us-east-1a",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a, a2]}}";
    in_another_vpc: "other-vpc", 8, "subnet `other` of `e` is in another VPC",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [other]}}";
    a_tiny_target: "target-network-size", 8, "subnet `tiny` has not",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [tiny]}}";
    no_group_at_all: "no-security-group", 8, "`e` needs a security group",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], security_groups: []}}";
    a_route_elsewhere: "not-associated", 8, "subnet `b` is no target network of `e`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{to: 10.9.0.0/16, subnet: b}]}}";
    a_route_to_nothing: "unknown-reference", 8, "there is no target network `locl`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{to: 10.100.0.0/16, subnet: locl}]}}";
    a_local_route_elsewhere: "local-route", 8, "a route to other clients is for the client CIDR 10.100.0.0/16",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{to: 10.9.0.0/16, subnet: local}]}}";
    a_route_twice: "duplicate-route", 8, "`e` has route `10.9.0.0/16` by `a` already",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{to: 10.9.0.0/16, subnet: a}, {to: 10.9.0.0/16, subnet: a}]}}";
    a_rule_twice: "duplicate-rule", 8, "there is an authorization rule for `10.9.0.0/16` and these clients already",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], authorization_rules: [{to: 10.9.0.0/16, group: g}, {to: 10.9.0.0/16}, {to: 10.9.0.0/16, group: g}]}}";
    ipv6_rule: "not-modelled", 8, "`::/0` of `e`: Client VPN is modelled for IPv4 only",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], authorization_rules: [{to: '::/0'}]}}";
    no_such_endpoint: "unknown-reference", 9, "there is no Client VPN endpoint `f`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a]}}
client_vpn_clients: {c: {endpoint: f}}";
    a_client_elsewhere: "address-outside-block", 9, "`10.101.0.1` of `c` is outside client CIDR 10.100.0.0/16 of `e`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a]}}
client_vpn_clients: {c: {endpoint: e, address: 10.101.0.1}}";
    two_clients: "address-taken", 9, "`10.100.0.9` of `d` is client `c`'s",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a]}}
client_vpn_clients: {c: {endpoint: e, address: 10.100.0.9}, d: {endpoint: e, address: 10.100.0.9}}";
    a_client_by_another_subnet: "not-associated", 9, "subnet `b` is no target network of `e`",
        "client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [a]}}
client_vpn_clients: {c: {endpoint: e, subnet: b}}";
}

/// An endpoint that is refused is said once, not again at its clients; a near name is suggested.
#[test]
fn what_follows_is_not_said_again() {
    let yaml = "vpcs: {vee: {cidr: 10.1.0.0/16}}
client_vpn_endpoints: {e: {vpc: ve, client_cidr: 10.100.0.0/16}}
client_vpn_clients: {c: {endpoint: e}}
";
    let found = diagnostics(yaml);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(format!("{:?}", found[0]).contains("did you mean `vee`?"), "{found:#?}");
}
