//! What AWS refuses, and what a topology gets wrong: one test per code that `compile` gives.

use super::harness::diagnostics;

/// `name: code, line, fragment of the message, topology`.
macro_rules! refused {
    ($($name:ident: $code:literal, $line:literal, $fragment:literal, $yaml:literal;)*) => {
        $(#[test]
        fn $name() {
            let found = diagnostics($yaml);
            let of_code: Vec<_> = found.iter().filter(|d| d.code == $code).collect();
            assert!(!of_code.is_empty(), "no {}: {found:#?}", $code);
            let hit = of_code.iter().any(|d| d.span.line == $line && d.message.contains($fragment));
            assert!(hit, "{} at line {}, `{}`: {of_code:#?}", $code, $line, $fragment);
        })*

        /// Every code of `compile` is in the list above.
        #[test]
        fn every_code_has_a_test() {
            let mut tested = vec![$($code),*];
            tested.extend(super::diagnostics_between::TESTED);
            tested.extend(super::diagnostics_direct_connect::TESTED);
            tested.extend(super::diagnostics_hybrid::TESTED);
            tested.extend(super::diagnostics_client_vpn::TESTED);
            tested.extend(super::diagnostics_mirror::TESTED);
            tested.extend(super::diagnostics_vpn::TESTED);
            tested.extend(super::diagnostics_flow_log::TESTED);
            tested.extend(["nat-timeout", "bfd", "hold-time", "connect-ibgp"]);
            tested.extend(["second-vpn-gateway", "no-convergence", "observed-differs", "prefix-limit", "community"]);
            let missing: Vec<String> = emitted().into_iter().filter(|code| !tested.contains(&code.as_str())).collect();
            assert!(missing.is_empty(), "no test for {missing:?}");
        }
    };
}

/// The codes in engine/src/compile.
fn emitted() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/compile");
    let mut codes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for part in text.split("Diagnostic::error(").chain(text.split("Diagnostic::warning(")).skip(1) {
            if let Some(code) = part.trim_start().strip_prefix('"') {
                codes.push(code.split('"').next().unwrap().to_owned());
            }
        }
    }
    codes.sort();
    codes.dedup();
    codes
}

refused! {
    cidr_association: "cidr-association", 1, "does not add `192.168.0.0/24` to a VPC whose first block is `10.0.0.0/16`",
        "vpcs: {v: {cidr: 10.0.0.0/16, secondary_cidrs: [192.168.0.0/24]}}";
    instance_zones: "instance-zones", 4, "`i` is in us-east-1a and `e` in us-east-1b, and both are on instance `i`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}, t: {vpc: v, az: b, cidr: 10.0.2.0/24}}
instances: {i: {subnet: s}}
network_interfaces: {e: {subnet: t, instance: i, device_index: 1}}";
    address_not_public: "address-not-public", 3, "is a private address, and cannot be a public one",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, public_ip: 10.0.0.1}}";
    address_outside_subnet: "address-outside-subnet", 3, "is outside subnet `s`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, address: 10.0.2.10}}";
    address_of_a_family_without_block: "address-outside-subnet", 3, "has no IPv6 block",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, ipv6_addresses: ['2600:1f18::10']}}";
    address_reserved: "address-reserved", 3, "one of the addresses that AWS reserves in 10.0.1.0/24",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, address: 10.0.1.3}}";
    address_taken: "address-taken", 5, "is taken by `i`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances:
  i: {subnet: s, address: 10.0.1.10}
  j: {subnet: s, address: 10.0.1.10}";
    public_address_taken: "address-taken", 5, "public address `198.51.100.1` of `j` is taken by `i`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances:
  i: {subnet: s, public_ip: 198.51.100.1}
  j: {subnet: s, public_ip: 198.51.100.1}";
    internet_host_inside_a_vpc: "address-taken", 2, "is inside a VPC",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_hosts: {h: {addresses: [10.0.1.1]}}";
    bad_destination: "bad-value", 2, "10.0.0.0/40",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
route_tables: {r: {vpc: v, routes: [{to: 10.0.0.0/40, via: local}]}}";
    cidr_outside_vpc: "cidr-outside-vpc", 2, "is outside its VPC",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.1.1.0/24}}";
    cidr_overlap: "cidr-overlap", 4, "overlaps `10.0.1.0/24` of subnet `s`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets:
  s: {vpc: v, az: a, cidr: 10.0.1.0/24}
  t: {vpc: v, az: a, cidr: 10.0.1.0/25}";
    cidr_refused: "cidr-refused", 1, "AWS refuses VPC blocks in 169.254.0.0/16",
        "vpcs: {v: {cidr: 169.254.0.0/16}}";
    cidr_size: "cidr-size", 1, "a VPC's IPv4 block is /16 to /28, `10.0.0.0/8` is /8",
        "vpcs: {v: {cidr: 10.0.0.0/8}}";
    device_index_twice: "duplicate-device-index", 5, "both have device index 1",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
network_interfaces:
  e1: {subnet: s, instance: i, device_index: 1}
  e2: {subnet: s, instance: i, device_index: 1}
instances: {i: {subnet: s}}";
    interface_with_an_instances_name: "duplicate-name", 3, "a network interface has it too",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
network_interfaces: {i: {subnet: s}}
instances: {i: {subnet: s}}";
    route_twice: "duplicate-route", 3, "has two routes to 0.0.0.0/0",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}, {to: 0.0.0.0/0, via: igw}]}}";
    rule_twice: "duplicate-rule", 5, "acl `n` has two inbound rules 100",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
network_acls:
  n: {vpc: v, inbound: [
    {rule: 100, action: allow, from: 0.0.0.0/0},
    {rule: 100, action: deny, from: 0.0.0.0/0}]}";
    edge_route: "edge-route", 4, "only routes for the VPC's blocks and its subnets' blocks, not `0.0.0.0/0`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
route_tables:
  r: {vpc: v, gateway: igw, routes: [{to: 0.0.0.0/0, via: local}]}";
    edge_route_target: "edge-route", 4, "leads to `local` or a network interface",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
route_tables:
  r: {vpc: v, gateway: igw, routes: [{to: 10.0.0.0/16, via: igw}]}";
    // SG-13, here and in the next one.
    group_of_another_vpc: "group-of-another-vpc", 4, "is in another VPC than the interface",
        "vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
security_groups: {g: {vpc: w}}
instances: {i: {subnet: s, security_groups: [g]}}";
    rule_for_a_group_of_another_vpc: "group-of-another-vpc", 4, "group `h` is in another VPC",
        "vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
security_groups:
  h: {vpc: w}
  g: {vpc: v, inbound: [{from: h}]}";
    icmp_fields: "icmp-fields", 2, "mean nothing for tcp",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
security_groups: {g: {vpc: v, inbound: [{protocol: tcp, icmp_type: 8, from: 0.0.0.0/0}]}}";
    instance_without_interface: "instance-without-interface", 1, "has no network interface",
        "instances: {i: {listen: [22]}}";
    local_route: "local-route", 2, "`local` is for the VPC's own blocks",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
route_tables: {r: {vpc: v, routes: [{to: 192.168.0.0/16, via: local}]}}";
    missing_field: "missing-field", 1, "has no `cidr`",
        "vpcs: {v: {ipv6_cidrs: [2600:1f18:1::/56]}}";
    missing_side: "missing-field", 2, "a security group rule for inbound traffic needs `from`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
security_groups: {g: {vpc: v, inbound: [{protocol: tcp}]}}";
    mtu_range: "mtu-range", 3, "an MTU is 576 to 9001 bytes, not 9002",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, mtu: 9002}}";
    nat_addresses: "nat-addresses", 3, "has 9 addresses, AWS allows 8",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
nat_gateways: {n: {subnet: s, addresses: [{}, {}, {}, {}, {}, {}, {}, {}, {}]}}";
    nat_kind: "nat-kind", 2, "is regional, and so must be public",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
nat_gateways: {n: {vpc: v, connectivity: private}}";
    nat_kind_private: "nat-kind", 3, "is private, and has a public address",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
nat_gateways: {n: {subnet: s, connectivity: private, addresses: [{public: 198.51.100.5}]}}";
    nat_without_interface: "nat-without-interface", 3, "has no network interface",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
nat_gateways: {n: {subnet: s, network_interface: gone}}";
    other_vpc: "other-vpc", 3, "is in another VPC than the subnet",
        "vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
route_tables: {r: {vpc: w}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}";
    target_in_another_vpc: "other-vpc", 3, "internet gateway `igw` is in another VPC",
        "vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
internet_gateways: {igw: {vpc: w}}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}}";
    ports_ignored: "ports-ignored", 2, "ignores its ports",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
security_groups: {g: {vpc: v, inbound: [{ports: 22, from: 0.0.0.0/0}]}}";
    prefix_list_full: "prefix-list-full", 1, "has 2 entries, but `max_entries` is 1",
        "prefix_lists: {pl: {entries: [10.0.0.0/8, 192.168.0.0/16], max_entries: 1}}";
    prefix_size: "prefix-size", 3, "a delegated prefix is an IPv4 /28 or an IPv6 /80",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, prefixes: [10.0.1.16/29]}}";
    quota: "quota", 3, "groups of interface `i`: 6, AWS's default quota is 5",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s, security_groups: [g1, g2, g3, g4, g5, g6]}}
security_groups: {g1: {vpc: v}, g2: {vpc: v}, g3: {vpc: v}, g4: {vpc: v}, g5: {vpc: v}, g6: {vpc: v}}";
    route_family: "route-family", 3, "takes IPv6 only",
        "vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
egress_only_internet_gateways: {e: {vpc: v}}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: e}]}}";
    route_family_of_a_nat_gateway: "route-family", 4, "takes IPv6 only for NAT64",
        "vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
nat_gateways: {n: {subnet: s}}
route_tables: {r: {vpc: v, routes: [{to: '::/0', via: n}]}}";
    route_more_specific_case_13: "route-more-specific", 4, "is inside the VPC but no subnet's whole block",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {fw: {subnet: s}}
route_tables: {r: {vpc: v, routes: [{to: 10.0.1.128/25, via: fw}]}}";
    route_reserved: "route-reserved", 3, "is inside 169.254.168.0/22, where no route may lead",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
route_tables: {r: {vpc: v, routes: [{to: 169.254.169.0/24, via: igw}]}}";
    route_target_case_13: "route-target", 4, "may lead to a NAT gateway or a network interface only",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
internet_gateways: {igw: {vpc: v}}
route_tables: {r: {vpc: v, routes: [{to: 10.0.1.0/24, via: igw}]}}";
    route_target_with_several_interfaces: "route-target", 5, "has several network interfaces",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {fw: {subnet: s}}
network_interfaces: {e: {subnet: s, instance: fw, device_index: 1}}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: fw}]}}";
    // ACL-12.
    rule_number: "rule-number", 2, "rule numbers go from 1 to 32766, not 32767",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
network_acls: {n: {vpc: v, inbound: [{rule: 32767, action: allow, from: 0.0.0.0/0}]}}";
    second_default: "second-default", 4, "has two default ACLs",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
network_acls:
  m: {vpc: v, default: true}
  n: {vpc: v, default: true}";
    second_main_table: "second-default", 2, "has two main route tables",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
route_tables: {r: {vpc: v, main: true}, s: {vpc: v, main: true}}";
    second_default_group: "second-default", 2, "has two default groups",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
security_groups: {g: {vpc: v, default: true}, h: {vpc: v, default: true}}";
    second_edge_table: "second-edge-table", 3, "has a route table already",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
route_tables: {r: {vpc: v, gateway: igw}, s: {vpc: v, gateway: igw}}";
    second_gateway: "second-gateway", 2, "has an internet gateway already",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}, igw2: {vpc: v}}";
    subnet_full: "subnet-full", 3, "has no free address",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/28}}
instances: {a: {subnet: s}, b: {subnet: s}, c: {subnet: s}, d: {subnet: s}, e: {subnet: s}, f: {subnet: s}, g: {subnet: s}, h: {subnet: s}, i: {subnet: s}, j: {subnet: s}, k: {subnet: s}, l: {subnet: s}}";
    unknown_reference: "unknown-reference", 2, "there is no VPC `shpo`",
        "vpcs: {shop: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: shpo, az: a, cidr: 10.0.1.0/24}}";
    wrong_direction: "wrong-direction", 2, "for inbound traffic has no `to`",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
security_groups: {g: {vpc: v, inbound: [{to: 0.0.0.0/0}]}}";
    wrong_family: "wrong-family", 1, "is not an IPv4 block",
        "vpcs: {v: {cidr: 2600:1f18:1::/56}}";
    wrong_family_of_a_subnet: "wrong-family", 2, "is an IPv6 block",
        "vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
subnets: {s: {vpc: v, az: a, cidr: 2600:1f18:1:1::/64}}";
}
