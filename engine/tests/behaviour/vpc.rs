//! VPCs: `docs/behaviour/vpc.md`.

use super::harness::*;

fn code(vpc: &str) -> Option<&'static str> {
    diagnostics(&format!("vpcs: {{v: {{{vpc}}}}}\n")).first().map(|d| d.code)
}

/// VPC-1: an IPv4 block of /16 to /28, at least one.
#[test]
fn ipv4_blocks() {
    assert_eq!(code("cidr: 10.0.0.0/16"), None);
    assert_eq!(code("cidr: 10.0.0.0/28"), None);
    assert_eq!(code("cidr: 10.0.0.0/15"), Some("cidr-size"));
    assert_eq!(code("cidr: 10.0.0.0/29"), Some("cidr-size"));
    assert_eq!(code("ipv6_cidrs: [2600:1f18:1::/56]"), Some("missing-field"));
}

/// VPC-2: a block is stored as its network address.
#[test]
fn blocks_are_canonical() {
    let net = net("vpcs: {v: {cidr: 100.68.0.18/18}}");
    assert_eq!(net.fabric.vpcs[vpcsim_engine::base::ids::VpcIx(0)].blocks[0].to_string(), "100.68.0.0/18");
}

/// VPC-3: the blocks that AWS refuses.
#[test]
fn refused_blocks() {
    for block in ["0.1.0.0/16", "127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16"] {
        assert_eq!(code(&format!("cidr: {block}")), Some("cidr-refused"), "{block}");
    }
}

/// VPC-4: blocks of one VPC do not overlap.
#[test]
fn blocks_do_not_overlap() {
    assert_eq!(code("cidr: 10.0.0.0/16, secondary_cidrs: [10.1.0.0/16]"), None);
    assert_eq!(code("cidr: 10.0.0.0/16, secondary_cidrs: [10.0.128.0/17]"), Some("cidr-overlap"));
}

/// VPC-5: IPv6 blocks of /44 to /60 in steps of 4.
#[test]
fn ipv6_blocks() {
    assert_eq!(code("cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/60]"), None);
    assert_eq!(code("cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/58]"), Some("cidr-size"));
    assert_eq!(code("cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/64]"), Some("cidr-size"));
}

/// VPC-6: a default VPC is 172.31.0.0/16 with a public /20 in each zone and a way to the internet.
#[test]
fn the_default_vpc() {
    let net = net("
vpcs: {v: {default: true}}
security_groups: {web: {vpc: v, inbound: [{protocol: tcp, ports: 80, from: 0.0.0.0/0}]}}
instances: {i: {subnet: v/default-b, security_groups: [web], listen: [80]}}
");
    check(&net, "i -> internet tcp/443", "open");
    check(&net, "internet -> 172.31.16.4 tcp/80", "no_reply request internet: no interface");
    // From the internet the name means the public address.
    check(&net, "internet -> i tcp/80", "open");
    let public = net.fabric.vpcs[vpcsim_engine::base::ids::VpcIx(0)].public[&"172.31.16.4".parse().unwrap()];
    check(&net, &format!("internet -> {public} tcp/80"), "open");
}

/// VPC-8: AWS's default quotas are warnings.
#[test]
fn quotas_are_warnings() {
    let found = diagnostics(
        "vpcs: {v: {cidr: 10.0.0.0/16, secondary_cidrs: [10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, 10.5.0.0/16]}}",
    );
    assert_eq!((found.len(), found[0].code), (1, "quota"));
    assert_eq!(found[0].severity, vpcsim_engine::diag::Severity::Warning);
}

/// VPC-8: the quotas of what lies between VPCs: 50 peerings, 5 transit gateways, 20 tables.
#[test]
fn quotas_between_vpcs_are_warnings() {
    use std::fmt::Write;
    let with = |peers: usize, tables: usize| {
        let mut vpcs = String::from("vpcs:\n  hub: {cidr: 10.0.0.0/16}\n");
        let mut pcxs = String::from("vpc_peering_connections:\n");
        for n in 1..=peers {
            let _ = writeln!(vpcs, "  v{n}: {{cidr: 10.{n}.0.0/16}}");
            let _ = writeln!(pcxs, "  p{n}: {{requester: hub, accepter: v{n}}}");
        }
        let mut rtbs = String::from(
            "transit_gateways: {t: {default_route_table_association: false, default_route_table_propagation: false}}\ntransit_gateway_route_tables:\n",
        );
        for n in 1..=tables {
            let _ = writeln!(rtbs, "  r{n}: {{transit_gateway: t}}");
        }
        diagnostics(&format!("{vpcs}{pcxs}{rtbs}")).into_iter().map(|d| d.message).collect::<Vec<_>>()
    };
    assert_eq!(with(50, 20), [""; 0]);
    let found = with(51, 21);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|m| m.starts_with("active peerings of vpc `hub`: 51")), "{found:?}");
    assert!(found.iter().any(|m| m.starts_with("route tables of transit gateway `t`: 21")), "{found:?}");
}

/// VPC-9: a block that equals or covers the destination of a route is refused; one inside it is fine.
#[test]
fn a_block_must_be_smaller_than_routes() {
    let with = |block: &str| {
        let yaml = format!(
            "vpcs: {{v: {{cidr: 10.2.0.0/16, secondary_cidrs: [{block}]}}}}\ninternet_gateways: {{igw: {{vpc: v}}}}\nroute_tables: {{r: {{vpc: v, routes: [{{to: 10.0.0.0/24, via: igw}}]}}}}\n"
        );
        diagnostics(&yaml).first().map(|d| d.code)
    };
    assert_eq!(with("10.0.0.0/24"), Some("route-target"));
    assert_eq!(with("10.0.0.0/16"), Some("route-more-specific"));
    assert_eq!(with("10.0.0.0/25"), None);
}

/// VPC-10: what may be added to which first block.
#[test]
fn blocks_that_cannot_be_added() {
    let both = |first: &str, second: &str| code(&format!("cidr: {first}, secondary_cidrs: [{second}]"));
    for (first, second) in [
        ("10.1.0.0/16", "172.16.0.0/16"),
        ("10.1.0.0/16", "192.168.0.0/24"),
        ("10.1.0.0/16", "198.19.0.0/24"),
        ("10.1.0.0/16", "10.0.0.0/16"),
        ("172.16.0.0/16", "10.0.0.0/16"),
        ("172.16.0.0/16", "192.168.0.0/24"),
        ("172.16.0.0/16", "172.31.0.0/16"),
        ("192.168.0.0/16", "172.16.0.0/16"),
        ("198.19.0.0/17", "10.0.0.0/16"),
        ("100.64.0.0/16", "10.0.0.0/16"),
        ("100.64.0.0/16", "198.19.0.0/16"),
        ("52.0.0.0/16", "192.168.0.0/16"),
    ] {
        assert_eq!(both(first, second), Some("cidr-association"), "{second} to {first}");
    }
    for (first, second) in [
        ("10.0.0.0/16", "10.1.0.0/16"),
        ("10.2.0.0/16", "10.0.0.0/16"),
        ("10.0.0.0/16", "100.64.0.0/16"),
        ("10.0.0.0/16", "52.0.0.0/16"),
        ("172.31.0.0/16", "172.16.0.0/16"),
        ("192.168.0.0/24", "192.168.1.0/24"),
        ("100.64.0.0/16", "52.0.0.0/16"),
        ("198.19.0.0/17", "198.19.128.0/17"),
    ] {
        assert_eq!(both(first, second), None, "{second} to {first}");
    }
}
