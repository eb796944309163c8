//! Network interfaces: `docs/behaviour/eni.md`.

use super::harness::*;

/// Two hosts in one subnet; `b` with these further fields.
fn two(b: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
nat_gateways: {{nat: {{subnet: sa}}}}
subnets: {{sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, map_public_ip: true}}}}
security_groups: {{open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}, ssh: {{vpc: v, inbound: [{{protocol: tcp, ports: 22, from: 10.0.1.0/24}}]}}}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [open]}}
  b: {{subnet: sa, address: 10.0.1.20, listen: [22, 80]{b}}}
"
    )
}

/// ENI-1: with the check on, an interface sends only from its own addresses.
#[test]
fn the_source_must_be_ones_own() {
    let spoofed = tcp("10.9.9.9:40000", "10.0.1.10:22", SYN);
    let on = World::new(&two(", security_groups: [open]")).send_by("b", &spoofed);
    assert!(on.end.starts_with("dropped eni b: source/destination check, the source"), "{}", on.end);
    let off = World::new(&two(", security_groups: [open], source_dest_check: false")).send_by("b", &spoofed);
    assert_eq!(off.end, "to a");
}

/// ENI-2: and takes only what is for one of them. Switched off, the packet reaches the guest.
#[test]
fn the_destination_must_be_ones_own() {
    let routed = |b: &str| {
        two(b)
            .replace("subnets: {sa", "subnets: {sc: {vpc: v, az: a, cidr: 10.0.3.0/24, route_table: rc}, sa")
            .replace("instances:", "route_tables: {rc: {vpc: v, routes: [{to: 192.0.2.0/24, via: b}]}}\ninstances:\n  c: {subnet: sc, address: 10.0.3.10, security_groups: [open]}")
    };
    check(
        &net(&routed(", security_groups: [open]")),
        "c -> 192.0.2.1 tcp/22",
        "no_reply request eni b: source/destination check, the destination",
    );
    check(
        &net(&routed(", security_groups: [open], source_dest_check: false")),
        "c -> 192.0.2.1 tcp/22",
        "no_reply request instance b does not forward",
    );
}

/// ENI-3: groups belong to the interface: its secondary addresses have them too.
#[test]
fn groups_are_the_interfaces() {
    let net = net(&two(", secondary_addresses: [10.0.1.30], security_groups: [ssh]"));
    check(&net, "a -> 10.0.1.30 tcp/22", "open");
    check(&net, "a -> 10.0.1.30 tcp/80", "no_reply request sg ssh inbound default");
}

/// ENI-4, ENI-6: addresses of a delegated prefix are the interface's own, for the check too.
#[test]
fn delegated_prefixes() {
    let mut world = World::new(&two(", prefixes: [10.0.1.32/28], security_groups: [open]"));
    world.exchange(&tcp("10.0.1.10:40000", "10.0.1.40:22", SYN), "to b");
    let sent = world.send_by("b", &tcp("10.0.1.41:40000", "10.0.1.10:22", SYN));
    assert_eq!(sent.end, "to a");
    assert_eq!(diagnostics(&two(", prefixes: [10.0.1.32/27]"))[0].code, "prefix-size");
}

/// ENI-5 (assumed): an interface that is not attached takes nothing.
#[test]
fn detached() {
    let net = net(&two("").replace(
        "instances:",
        "network_interfaces: {spare: {subnet: sa, address: 10.0.1.60, security_groups: [open]}}\ninstances:",
    ));
    check(&net, "a -> 10.0.1.60 tcp/22", "no_reply request eni spare is not attached");
}

/// ENI-7: each private address may have a public one of its own.
#[test]
fn a_public_address_per_private_one() {
    let yaml = two(", public_ip: 198.51.100.20, secondary_addresses: [{address: 10.0.1.30, public_ip: 198.51.100.30}], security_groups: [open]")
        .replace("instances:", "route_tables: {main: {vpc: v, main: true, routes: [{to: 0.0.0.0/0, via: igw}]}}\ninstances:");
    let mut world = World::new(&yaml);
    for (public, private) in [("198.51.100.20", "10.0.1.20"), ("198.51.100.30", "10.0.1.30")] {
        let arrived = world.sends(&tcp("192.0.2.1:40000", &format!("{public}:22"), SYN), "to b");
        assert_eq!(arrived.headers.dst.to_string(), private);
        assert_eq!(world.sends(&reply(&arrived), "out").headers.src.to_string(), public);
    }
}

/// ENI-8: the subnet's attribute gives instances a public address on launch, unless they say otherwise; not a NAT
/// gateway's interface, which has its elastic one.
#[test]
fn public_addresses_by_the_subnet() {
    let net = net(&two(", public_ip: none"));
    let vpc = &net.fabric.vpcs[vpcsim_engine::base::ids::VpcIx(0)];
    assert!(vpc.public.contains_key(&"10.0.1.10".parse().unwrap()));
    assert!(!vpc.public.contains_key(&"10.0.1.20".parse().unwrap()));
    assert_eq!(vpc.public.len(), 2);
}

/// ENI-9 (assumed): an address that is not written is the lowest free one.
#[test]
fn chosen_addresses() {
    let net = net(&two("")
        .replace("address: 10.0.1.10, ", "")
        .replace("nat: {subnet: sa}", "nat: {subnet: sa, addresses: [{private: 10.0.1.4}]}"));
    check(&net, "b -> 10.0.1.5 ping", "reply");
}

/// ENI-10: the interfaces of an instance are in one zone, of one subnet or of several.
#[test]
fn one_zone() {
    let with = |zone: &str| {
        diagnostics(&format!(
            "vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24}}, t: {{vpc: v, az: {zone}, cidr: 10.0.2.0/24}}}}
instances: {{i: {{subnet: s}}}}
network_interfaces: {{e: {{subnet: t, instance: i, device_index: 1}}}}
"
        ))
    };
    assert_eq!(with("a").len(), 0);
    assert_eq!(with("b").first().map(|d| d.code), Some("instance-zones"));
}
