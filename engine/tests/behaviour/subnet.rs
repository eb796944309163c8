//! Subnets: `docs/behaviour/subnet.md`.

use super::harness::*;

fn code(subnets: &str) -> Option<&'static str> {
    let yaml = format!("vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}\nsubnets: {{{subnets}}}\n");
    diagnostics(&yaml).first().map(|d| d.code)
}

/// SUB-1: IPv4 /16 to /28; IPv6 /44 to /64 in steps of 4.
#[test]
fn sizes() {
    assert_eq!(code("s: {vpc: v, az: a, cidr: 10.0.0.0/28}"), None);
    assert_eq!(code("s: {vpc: v, az: a, cidr: 10.0.0.0/29}"), Some("cidr-size"));
    assert_eq!(code("s: {vpc: v, az: a, ipv6_cidr: 2600:1f18:1::/60}"), None);
    assert_eq!(code("s: {vpc: v, az: a, ipv6_cidr: 2600:1f18:1::/62}"), Some("cidr-size"));
}

/// SUB-2: inside a block of the VPC, at most as large; no overlap with another subnet.
#[test]
fn inside_the_vpc_and_apart() {
    assert_eq!(code("s: {vpc: v, az: a, cidr: 10.0.0.0/16}"), None);
    assert_eq!(code("s: {vpc: v, az: a, cidr: 10.1.0.0/24}"), Some("cidr-outside-vpc"));
    assert_eq!(
        code("s: {vpc: v, az: a, cidr: 10.0.0.0/24}, t: {vpc: v, az: b, cidr: 10.0.0.128/25}"),
        Some("cidr-overlap")
    );
}

/// SUB-3: the first four addresses and the last one are AWS's.
#[test]
fn reserved_addresses() {
    let with = |address: &str| {
        diagnostics(&format!(
            "vpcs: {{v: {{cidr: 10.0.0.0/16}}}}\nsubnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/28}}}}\ninstances: {{i: {{subnet: s, address: {address}}}}}\n"
        ))
        .first()
        .map(|d| d.code)
    };
    for last in [0, 1, 2, 3, 15] {
        assert_eq!(with(&format!("10.0.1.{last}")), Some("address-reserved"), "{last}");
    }
    assert_eq!((with("10.0.1.4"), with("10.0.1.14")), (None, None));
}

/// SUB-3: a /28 holds 11.
#[test]
fn a_28_holds_eleven() {
    let hosts = |n: usize| (0..n).map(|i| format!("h{i}: {{subnet: s}}")).collect::<Vec<_>>().join(", ");
    let yaml = |n| {
        format!(
            "vpcs: {{v: {{cidr: 10.0.0.0/16}}}}\nsubnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/28}}}}\ninstances: {{{}}}\n",
            hosts(n)
        )
    };
    assert!(diagnostics(&yaml(11)).is_empty());
    assert_eq!(diagnostics(&yaml(12))[0].code, "subnet-full");
}

/// SUB-3: in IPv6 the last one too.
#[test]
fn the_last_ipv6_address_is_reserved() {
    let yaml = "vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}\nsubnets: {s: {vpc: v, az: a, ipv6_cidr: 2600:1f18:1::/64}}\ninstances: {i: {subnet: s, ipv6_addresses: ['2600:1f18:1:0:ffff:ffff:ffff:ffff']}}\n";
    assert_eq!(diagnostics(yaml).first().map(|d| d.code), Some("address-reserved"));
}

/// SUB-4: by its blocks a subnet is IPv4-only, dual-stack or IPv6-only.
#[test]
fn kinds() {
    let net = net("
vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
subnets: {four: {vpc: v, az: a, cidr: 10.0.1.0/24}, six: {vpc: v, az: a, ipv6_cidr: 2600:1f18:1:6::/64}}
instances: {i4: {subnet: four}, i6: {subnet: six}}
");
    let has = |n: u32| {
        let eni = &net.fabric.enis[vpcsim_engine::base::ids::EniIx(n)];
        (eni.v4.is_some(), eni.v6.is_some())
    };
    assert_eq!((has(0), has(1)), ((true, false), (false, true)));
}

/// SUB-5 (assumed): nobody answers at a reserved address.
#[test]
fn reserved_addresses_answer_nothing() {
    let net = net("
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}
instances: {i: {subnet: s}}
");
    for last in [1, 3, 255] {
        check(
            &net,
            &format!("i -> 10.0.1.{last} ping"),
            "no_reply request subnet s: the destination is one of its reserved",
        );
    }
    check(&net, "i -> 10.0.1.99 ping", "no_reply request vpc v: no interface has the destination address");
}
