//! NAT gateways: `docs/behaviour/nat-gateway.md`.

use super::harness::*;
use vpcsim_engine::verdict::NotifyKind;
use vpcsim_engine::wire::TcpFlags;

/// A client behind a zonal NAT gateway in a public subnet.
fn natted(nat: &str, acl_inbound: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
internet_gateways: {{igw: {{vpc: v}}}}
nat_gateways: {{nat: {nat}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: ra}}
  s6: {{vpc: v, az: a, ipv6_cidr: 2600:1f18:1:6::/64, route_table: ra}}
  sp: {{vpc: v, az: a, cidr: 10.0.9.0/24, route_table: public, network_acl: np}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  ra: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: nat}}, {{to: '64:ff9b::/96', via: nat}}]}}
network_acls:
  np: {{vpc: v, inbound: [{acl_inbound}], outbound: [{{rule: 100, action: allow, to: 0.0.0.0/0}}, {{rule: 101, action: allow, to: '::/0'}}]}}
security_groups:
  open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}, {{from: '::/0'}}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [open], listen: [22]}}
  six: {{subnet: s6, ipv6_addresses: [2600:1f18:1:6::10], security_groups: [open]}}
  p: {{subnet: sp, address: 10.0.9.20, public_ip: 198.51.100.20, security_groups: [open]}}
"
    )
}

const ZONAL: &str = "{subnet: sp, addresses: [{private: 10.0.9.5, public: 198.51.100.5}]}";
const ALL: &str = "{rule: 100, action: allow, from: 0.0.0.0/0}, {rule: 101, action: allow, from: '::/0'}";

fn world() -> World {
    World::new(&natted(ZONAL, ALL))
}

/// NAT-3, NAT-15, NAT-16: the source becomes the gateway's private address and then its elastic one; the reply comes back.
#[test]
fn there_and_back() {
    let mut world = world();
    let out = world.sends(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
    assert_eq!(out.headers.src.to_string(), "198.51.100.5");
    assert!(out.headers.ports().0 >= 1024);
    assert_eq!(out.headers.ttl, 63);
    let back = world.sends(&reply(&out), "to a");
    assert_eq!((back.headers.dst.to_string().as_str(), back.headers.ports().1), ("10.0.1.10", 40000));
}

/// NAT-1: TCP, UDP and ICMP only.
#[test]
fn other_protocols_are_dropped() {
    let net = net(&natted(ZONAL, ALL));
    check(&net, "a -> 8.8.8.8 udp/53", "open");
    check(&net, "a -> 8.8.8.8 ping", "reply");
    check(&net, "a -> 8.8.8.8 50", "no_reply request nat nat: takes TCP, UDP and ICMP only");
}

/// NAT-2: no source/destination check: it takes packets for others.
#[test]
fn it_has_no_source_destination_check() {
    check(&net(&natted(ZONAL, ALL)), "a -> 8.8.8.8 tcp/443", "open");
}

/// NAT-3: nothing from outside that nothing inside asked for.
#[test]
fn unsolicited_packets_are_dropped() {
    let mut world = world();
    let dropped = "dropped nat nat: not the reply";
    world.sends(&tcp("192.0.2.7:443", "198.51.100.5:2000", SYN), dropped);
    let out = world.sends(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
    let mut other_host = reply(&out);
    other_host.headers.src = "192.0.2.8".parse().unwrap();
    world.sends(&other_host, dropped);
}

/// NAT-6: it answers neither ping nor SYN on its own addresses, inside or outside, and sends no RST.
#[test]
fn its_own_addresses_answer_nothing() {
    let net = net(&natted(ZONAL, ALL));
    for question in
        ["a -> 10.0.9.5 ping", "a -> 10.0.9.5 tcp/22", "p -> 198.51.100.5 ping", "internet -> 198.51.100.5 tcp/22"]
    {
        check(&net, question, "no_reply request nat nat: not the reply");
    }
    assert_eq!(world().send(&tcp("10.0.1.10:40000", "10.0.9.5:22", SYN)).notify, None);
}

/// NAT-5, NAT-15: the ACL of its subnet filters what comes to it, and nothing else does.
#[test]
fn the_acl_of_its_subnet_is_its_only_filter() {
    let net = net(&natted(ZONAL, "{rule: 100, action: allow, protocol: tcp, ports: 443, from: 10.0.1.0/24}"));
    check(&net, "a -> 8.8.8.8 udp/53", "no_reply request acl np inbound rule *");
    check(&net, "a -> 8.8.8.8 tcp/443", "no_reply reply acl np inbound rule *");
    let both = "{rule: 100, action: allow, protocol: tcp, ports: 443, from: 10.0.1.0/24}, {rule: 110, action: allow, protocol: tcp, ports: 1024-65535, from: 0.0.0.0/0}";
    check(&super::harness::net(&natted(ZONAL, both)), "a -> 8.8.8.8 tcp/443", "open");
}

/// NAT-15, ACL-10: the ACLs see, in order, the inside address twice, the gateway's, and on the way back the same.
#[test]
fn which_addresses_the_acls_see() {
    use vpcsim_engine::verdict::Stage;
    let mut world = world();
    let sent = world.send(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN));
    let back = world.send(&reply(&sent.packet));
    let seen = |steps: &[vpcsim_engine::verdict::Step]| -> Vec<String> {
        let acl = steps.iter().filter(|s| matches!(s.stage, Stage::AclIn(_) | Stage::AclOut(_)));
        acl.map(|s| format!("{} > {}", s.before.src, s.before.dst)).collect()
    };
    assert_eq!(seen(&sent.steps), ["10.0.1.10 > 192.0.2.7", "10.0.1.10 > 192.0.2.7", "10.0.9.5 > 192.0.2.7"]);
    assert_eq!(seen(&back.steps), ["192.0.2.7 > 10.0.9.5", "192.0.2.7 > 10.0.1.10", "192.0.2.7 > 10.0.1.10"]);
}

/// Case 16, NAT-4, NAT-9: the 55,001st connection to one address, port and protocol fails; one to another port does not.
#[test]
fn the_55001st_connection_case_16() {
    let mut world = world();
    let syn = |n: u32, port: u16| tcp(&format!("10.0.1.10:{}", 10_000 + n), &format!("192.0.2.7:{port}"), SYN);
    for n in 0..55_000 {
        assert_eq!(world.send(&syn(n, 443)).end, "out", "{n}");
    }
    world.sends(&syn(55_000, 443), "dropped nat nat: all 55000 ports per address are in use");
    world.sends(&syn(55_000, 444), "out");
}

/// Case 17, NAT-7: idle for 349 s a connection lives; after 350 s the client's next packet gets a RST and no FIN.
#[test]
fn idle_connections_are_reset_case_17() {
    let begin = || {
        let mut world = world();
        world.exchange(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
        world
    };
    let data = tcp("10.0.1.10:40000", "192.0.2.7:443", ACK);
    begin().at(349).sends(&data, "out");
    let sent = begin().at(350).send(&data);
    assert!(sent.end.starts_with("dropped nat nat: no such connection"), "{}", sent.end);
    let notify = sent.notify.expect("a reset");
    assert_eq!(notify.kind, NotifyKind::Reset);
    assert_eq!(notify.from.to_string(), "192.0.2.7");
}

/// NAT-17: from outside, after the idle time: dropped, nobody is told.
#[test]
fn idle_connections_from_outside_are_dropped() {
    let mut world = world();
    let out = world.sends(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
    let sent = world.at(350).send(&reply(&out));
    assert_eq!((sent.end.as_str(), sent.notify), ("dropped nat nat: not the reply to anything that went out", None));
}

/// NAT-11 (assumed): a connection that was reset keeps its port for a minute.
#[test]
fn closed_connections_linger() {
    let mut world = world();
    world.exchange(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
    world.sends(&tcp("10.0.1.10:40000", "192.0.2.7:443", TcpFlags::RST), "out");
    let late = vpcsim_engine::flow::CLOSED_LINGER.as_secs();
    let sent = world.at(late).send(&tcp("10.0.1.10:40000", "192.0.2.7:443", ACK));
    assert!(sent.end.starts_with("dropped nat nat: no such connection"), "{}", sent.end);
}

/// Case 18, NAT-8: fragments of UDP pass, both ways; those of TCP and ICMP do not.
#[test]
fn fragments_case_18() {
    let mut world = world();
    let [head, tail] = fragments(&udp("10.0.1.10:40000", "192.0.2.7:4000", 3000), 1472);
    let first = world.sends(&head, "out");
    let last = world.sends(&tail, "out");
    assert_eq!(last.headers.src, first.headers.src);
    let [head, tail] = fragments(&reply(&first), 1000);
    world.sends(&head, "to a");
    world.sends(&tail, "to a");
    let dropped = "dropped nat nat: drops fragments of anything but UDP";
    let mut echo = ping("10.0.1.10", "192.0.2.7");
    echo.payload = vpcsim_engine::wire::Payload::Zeros(3000);
    let [head, tail] = fragments(&echo, 1472);
    world.sends(&head, dropped);
    world.sends(&tail, dropped);
    let [head, _] = fragments(&tcp("10.0.1.10:40000", "192.0.2.7:443", ACK), 0);
    world.sends(&head, dropped);
}

/// Case 20, NAT-10: a private NAT gateway routed to the internet gateway is dropped there.
#[test]
fn a_private_gateway_at_the_internet_gateway_case_20() {
    let net = net(&natted("{subnet: sp, connectivity: private, addresses: [{private: 10.0.9.5}]}", ALL));
    check(&net, "a -> 8.8.8.8 tcp/443", "no_reply request igw igw: the source has no public address");
}

/// NAT-12: a regional gateway has no subnet: no ACL but the client's subnet's, and its elastic address is the source.
#[test]
fn a_regional_gateway() {
    let yaml = natted("{vpc: v, addresses: [{public: 198.51.100.5}]}", "");
    let mut world = World::new(&yaml);
    let out = world.sends(&tcp("10.0.1.10:40000", "192.0.2.7:443", SYN), "out");
    assert_eq!(out.headers.src.to_string(), "198.51.100.5");
    world.sends(&reply(&out), "to a");
    world.sends(&tcp("192.0.2.7:443", "198.51.100.5:2000", SYN), "dropped nat nat: not the reply");
}

/// NAT-12, IGW-6: what comes from another VPC leaves with the elastic address too. But a regional gateway's own table, as AWS
/// makes it, has the VPC's blocks and the internet gateway only, so the reply to a private address elsewhere ends there.
#[test]
fn a_regional_gateway_and_another_vpc() {
    let yaml = natted("{vpc: v, addresses: [{public: 198.51.100.5}]}", ALL)
        .replace("vpcs: {", "vpcs: {w: {cidr: 10.1.0.0/16}, ")
        .replace("  sp: {", "  sw: {vpc: w, az: a, cidr: 10.1.1.0/24, route_table: rw}\n  sp: {")
        .replace("  ra: {vpc: v, routes: [", "  rw: {vpc: w, routes: [{to: 0.0.0.0/0, via: t}]}\n  ra: {vpc: v, routes: [{to: 10.1.0.0/16, via: t}, ")
        .replace("security_groups:\n", "security_groups:\n  gw: {vpc: w}\n")
        .replace("instances:\n", "instances:\n  far: {subnet: sw, address: 10.1.1.10, security_groups: [gw]}\n")
        + "
transit_gateways: {t: {}}
transit_gateway_vpc_attachments: {tv: {transit_gateway: t, vpc: v, subnets: [sa]}, tw: {transit_gateway: t, vpc: w, subnets: [sw]}}
transit_gateway_route_tables: {x: {transit_gateway: t, default_association: true, default_propagation: true, routes: [{to: 0.0.0.0/0, via: tv}]}}
";
    let mut world = World::new(&yaml);
    let out = world.sends(&tcp("10.1.1.10:40000", "192.0.2.7:443", SYN), "out");
    assert_eq!(out.headers.src.to_string(), "198.51.100.5");
    world.sends(&reply(&out), "dropped igw igw: a private destination");
    check(&world.net, "a -> internet tcp/443", "open");
}

/// NAT-12, IGW-5: a regional gateway's way is the VPC's internet gateway; without one there is none, out or in.
#[test]
fn a_regional_gateway_without_an_internet_gateway() {
    let yaml = "
vpcs: {v: {cidr: 10.0.0.0/16}}
nat_gateways: {nat: {vpc: v, addresses: [{public: 198.51.100.5}]}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}}
instances: {a: {subnet: s, address: 10.0.1.10}}
";
    let net = net(yaml);
    check(&net, "a -> internet tcp/443", "no_reply request nat nat: its VPC has no internet gateway attached");
    check(&net, "internet -> 198.51.100.5 tcp/443", "no_reply request internet: no interface");
}

/// NAT-13: NAT64. 64:ff9b::/96 leads to the IPv4 address in its last 32 bits.
#[test]
fn nat64() {
    let mut world = world();
    let out = world.sends(&tcp("[2600:1f18:1:6::10]:40000", "[64:ff9b::c000:207]:443", SYN), "out");
    assert_eq!((out.headers.src.to_string(), out.headers.dst.to_string()), ("198.51.100.5".into(), "192.0.2.7".into()));
    let back = world.sends(&reply(&out), "to six");
    assert_eq!(back.headers.src.to_string(), "64:ff9b::c000:207");
    check(&world.net, "six -> 64:ff9b::808:808 ping", "reply");
    check(&world.net, "six -> 2001:4860:4860::8888 ping", "no_reply request rtb ra: no route");
}

/// NAT-15, ACL-5: a client in the gateway's own subnet meets no ACL on the way to it.
#[test]
fn a_client_in_the_gateways_own_subnet() {
    use vpcsim_engine::verdict::Stage;
    let yaml = natted(ZONAL, ALL)
        .replace("cidr: 10.0.9.0/24,", "cidr: 10.0.9.0/24, ipv6_cidr: 2600:1f18:1:9::/64,")
        .replace("public: {vpc: v, routes: [", "public: {vpc: v, routes: [{to: '64:ff9b::/96', via: nat}, ")
        .replace("address: 10.0.9.20,", "address: 10.0.9.20, ipv6_addresses: [2600:1f18:1:9::20],");
    let mut world = World::new(&yaml);
    let sent = world.send(&tcp("[2600:1f18:1:9::20]:40000", "[64:ff9b::c000:207]:443", SYN));
    assert_eq!(sent.end, "out");
    let acls = sent.steps.iter().filter(|s| matches!(s.stage, Stage::AclIn(_) | Stage::AclOut(_)));
    assert_eq!(acls.map(|s| s.before.src.to_string()).collect::<Vec<_>>(), ["10.0.9.5"]);
    world.sends(&reply(&sent.packet), "to p");
}

/// NAT-14: up to 8 addresses; the second takes over when the first is full.
#[test]
fn several_addresses() {
    let addresses = |n: usize| {
        let one = |i| format!("{{private: 10.0.9.{}, public: 198.51.100.{}}}", 30 + i, 30 + i);
        natted(&format!("{{subnet: sp, addresses: [{}]}}", (0..n).map(one).collect::<Vec<_>>().join(", ")), ALL)
    };
    check(&net(&addresses(8)), "a -> 8.8.8.8 tcp/443", "open");
    assert_eq!(diagnostics(&addresses(9))[0].code, "nat-addresses");
}
