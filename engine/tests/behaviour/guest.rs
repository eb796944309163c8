//! Guests, the operating systems behind interfaces: `docs/behaviour/guest.md`.

use super::harness::*;
use vpcsim_engine::explain::size;
use vpcsim_engine::verdict::NotifyKind;

/// `b` has two interfaces, the second one without a rule.
const TWO_INTERFACES: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.0.1.0/24}
  sb: {vpc: v, az: a, cidr: 10.0.2.0/24}
security_groups:
  open: {vpc: v, inbound: [{from: 0.0.0.0/0}]}
  shut: {vpc: v}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [open]}
  b: {subnet: sa, address: 10.0.1.20, security_groups: [open], listen: [22]}
network_interfaces:
  b-2: {subnet: sa, instance: b, device_index: 1, address: 10.0.1.21, security_groups: [open]}
  b-3: {subnet: sb, instance: b, device_index: 2, address: 10.0.2.21, security_groups: [shut]}
";

/// GST-1: one's own address, also another interface's, is answered inside the guest: no group is asked.
#[test]
fn own_addresses_stay_inside() {
    let net = net(TWO_INTERFACES);
    check(&net, "10.0.1.20 -> 10.0.2.21 tcp/22", "open");
    check(&net, "10.0.2.21 -> 10.0.1.20 ping", "reply");
    assert!(crossings(&net, "10.0.1.20 -> 10.0.2.21 tcp/22").is_empty());
}

/// GST-2: a packet that arrives by one interface for another one's address is the guest's, if the check lets it in.
#[test]
fn another_interfaces_address() {
    let yaml = TWO_INTERFACES
        .replace("sa: {vpc: v, az: a, cidr: 10.0.1.0/24}", "sa: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: ra}")
        .replace("instances:", "route_tables: {ra: {vpc: v, routes: [{to: 10.0.2.0/24, via: b-2}]}}\ninstances:")
        .replace("address: 10.0.1.21,", "address: 10.0.1.21, source_dest_check: false,");
    World::new(&yaml).sends(&tcp("10.0.1.10:40000", "10.0.2.21:22", SYN), "to b-2");
}

/// GST-3: the answer leaves by the interface that was addressed.
#[test]
fn the_addressed_interface_answers() {
    let net = net(TWO_INTERFACES);
    assert_eq!(
        crossings(&net, "a -> 10.0.1.21 tcp/22"),
        ["a out ACCEPT", "b-2 in ACCEPT", "b-2 out ACCEPT", "a in ACCEPT"]
    );
    check(&net, "a -> 10.0.1.21 tcp/22", "open");
}

/// GST-4: ephemeral ports: Linux 32768-60999, Windows 49152-65535.
#[test]
fn ephemeral_ports() {
    let yaml = TWO_INTERFACES
        .replace("a: {subnet: sa, address: 10.0.1.10,", "a: {subnet: sa, address: 10.0.1.10, os: windows,");
    for (yaml, range) in [(TWO_INTERFACES, 32768..=60999), (&yaml, 49152..=65535)] {
        let source = ask(&net(yaml), "a -> b tcp/22").request.start.ports().0;
        assert!(range.contains(&source), "{source}");
    }
}

/// GST-5 (assumed): a port where nothing listens refuses; ping is answered unless the guest is told not to.
#[test]
fn listeners_and_ping() {
    let net = net(TWO_INTERFACES);
    check(&net, "a -> b tcp/22", "open");
    check(&net, "a -> b tcp/23", "closed request instance b: nothing listens");
    let silent = TWO_INTERFACES.replace("listen: [22]", "listen: [22], answers_ping: false");
    check(&super::harness::net(&silent), "a -> b ping", "no_reply request instance b does not answer echo");
}

/// GST-5 (assumed): and a UDP port with an ICMP error.
#[test]
fn udp_without_a_listener() {
    check(&net(TWO_INTERFACES), "a -> b udp/53", "closed request instance b: nothing listens");
}

/// GST-6: only a running instance takes or sends packets.
#[test]
fn only_running_instances_answer() {
    let net = net(&TWO_INTERFACES.replace("listen: [22]", "listen: [22], state: stopped"));
    check(&net, "a -> b tcp/22", "no_reply request instance b is not running");
    check(&net, "b -> a tcp/22", "no_reply request instance b is not running");
}

/// A NAT instance `n` in a public subnet, the default route of `a`.
fn nat_instance(forwarding: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: private}}
  sp: {{vpc: v, az: a, cidr: 10.0.9.0/24, route_table: public}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  private: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: n}}]}}
security_groups: {{open: {{vpc: v, inbound: [{{from: 10.0.0.0/16}}]}}}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [open]}}
  n: {{subnet: sp, address: 10.0.9.10, public_ip: 198.51.100.10, security_groups: [open], source_dest_check: false{forwarding}}}
"
    )
}

/// GST-8: a masquerading guest is a NAT instance: its own address outside, the client's again on the way back.
#[test]
fn a_nat_instance() {
    let mut world = World::new(&nat_instance(", forwarding: {masquerade: true}"));
    let out = world.sends(&tcp("10.0.1.10:40000", "192.0.2.1:443", SYN), "out");
    assert_eq!(out.headers.src.to_string(), "198.51.100.10");
    let back = world.sends(&reply(&out), "to a");
    assert_eq!((back.headers.dst.to_string().as_str(), back.headers.ports().1), ("10.0.1.10", 40000));
}

/// GST-8, GST-2: the reply is the client's again, also if it comes in by another interface than the one that it is for.
#[test]
fn a_reply_by_another_interface_of_a_nat_instance() {
    let net = net("
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: ra}
  sb: {vpc: v, az: a, cidr: 10.0.2.0/24, route_table: rb}
  sn: {vpc: v, az: a, cidr: 10.0.9.0/24}
  sm: {vpc: v, az: a, cidr: 10.0.10.0/24}
route_tables:
  ra: {vpc: v, routes: [{to: 10.0.2.0/24, via: n-1}]}
  rb: {vpc: v, routes: [{to: 10.0.9.0/24, via: n-2}]}
security_groups: {open: {vpc: v, inbound: [{from: 10.0.0.0/16}]}}
network_interfaces:
  n-1: {subnet: sn, instance: n, device_index: 0, address: 10.0.9.10, security_groups: [open], source_dest_check: false}
  n-2: {subnet: sm, instance: n, device_index: 1, address: 10.0.10.10, security_groups: [open], source_dest_check: false}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [open]}
  b: {subnet: sb, address: 10.0.2.10, security_groups: [open], listen: [22]}
  n: {forwarding: {masquerade: true}}
");
    check(&net, "a -> b tcp/22", "open");
    assert_eq!(ask(&net, "a -> b tcp/22").request.end_headers.src.to_string(), "10.0.9.10");
    let ways = crossings(&net, "a -> b tcp/22");
    assert_eq!(ways[4..], ["b out ACCEPT", "n-2 in ACCEPT", "n-1 out ACCEPT", "a in ACCEPT"]);
}

/// GST-8: without masquerading the source is the client's, which has no public address.
#[test]
fn forwarding_alone_is_no_nat() {
    check(
        &net(&nat_instance(", forwarding: {}")),
        "a -> internet tcp/443",
        "no_reply request igw igw: the source has no public address",
    );
}

/// GST-9 (assumed): it remembers an idle flow for five days.
#[test]
fn a_nat_instance_remembers_for_days() {
    let mut world = World::new(&nat_instance(", forwarding: {masquerade: true}"));
    world.exchange(&tcp("10.0.1.10:40000", "192.0.2.1:443", SYN), "out");
    let ack = tcp("10.0.1.10:40000", "192.0.2.1:443", ACK);
    let first = world.exchange(&ack, "out");
    let limit = vpcsim_engine::walk::MASQUERADE_IDLE.as_secs();
    let second = world.at(limit - 1).exchange(&ack, "out");
    assert_eq!(first.headers.ports(), second.headers.ports());
}

/// GST-10: a guest that does not forward drops what is not for it.
#[test]
fn a_guest_that_does_not_forward() {
    check(&net(&nat_instance("")), "a -> internet tcp/443", "no_reply request instance n does not forward");
}

/// GST-11: a forwarding guest takes one off the time to live, and says so when nothing is left.
#[test]
fn time_to_live() {
    let mut world = World::new(&nat_instance(", forwarding: {masquerade: true}"));
    let mut packet = udp("10.0.1.10:40000", "192.0.2.1:33434", 32);
    assert_eq!(world.sends(&packet, "out").headers.ttl, 63);
    packet.headers.ttl = 1;
    let sent = world.send(&packet);
    assert_eq!(sent.end, "dropped instance n: time to live expired");
    assert_eq!(sent.notify.unwrap().from.to_string(), "10.0.9.10");
}

/// A way through two instances that forward, each with a smaller MTU than the one before.
fn narrowing(acl_row: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
subnets:
  s0: {{vpc: v, az: a, cidr: 10.0.0.0/24, route_table: r0, network_acl: acl}}
  s1: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r1}}
  s2: {{vpc: v, az: a, cidr: 10.0.2.0/24}}
  s3: {{vpc: v, az: a, cidr: 10.0.3.0/24}}
route_tables:
  r0: {{vpc: v, routes: [{{to: 10.0.3.0/24, via: n1}}]}}
  r1: {{vpc: v, routes: [{{to: 10.0.3.0/24, via: n2}}]}}
network_acls:
  acl: {{vpc: v, inbound: [{acl_row}{{rule: 100, action: allow, from: 0.0.0.0/0}}], outbound: [{{rule: 100, action: allow, to: 0.0.0.0/0}}]}}
security_groups: {{all: {{vpc: v, inbound: [{{from: 10.0.0.0/8}}]}}}}
instances:
  a: {{subnet: s0, address: 10.0.0.10, security_groups: [all]}}
  n1: {{subnet: s1, address: 10.0.1.10, security_groups: [all], mtu: 5000, source_dest_check: false, forwarding: {{}}}}
  n2: {{subnet: s2, address: 10.0.2.10, security_groups: [all], mtu: 3000, source_dest_check: false, forwarding: {{}}}}
  b: {{subnet: s3, address: 10.0.3.10, security_groups: [all], listen: [80]}}
"
    )
}

/// GST-13: what is larger than its MTU and must not be fragmented is dropped, and the sender is told.
#[test]
fn the_mtu_of_a_forwarding_guest() {
    let mut world = World::new(&narrowing(""));
    world.sends(&dont_fragment(udp("10.0.0.10:4000", "10.0.3.10:4000", 3000 - 28)), "to b");
    for (bytes, by, mtu, from) in [(5001, "n1", 5000, "10.0.1.10"), (3001, "n2", 3000, "10.0.2.10")] {
        let sent = world.send(&dont_fragment(udp("10.0.0.10:4000", "10.0.3.10:4000", bytes - 28)));
        assert_eq!(sent.end, format!("dropped eni {by}: larger than its MTU, and must not be fragmented"));
        let notify = sent.notify.unwrap();
        assert_eq!((notify.kind, notify.from.to_string().as_str()), (NotifyKind::TooBig { mtu }, from));
    }
    world.sends(&udp("10.0.0.10:4000", "10.0.3.10:4000", 5001 - 28), "to b");
}

/// GST-13, MTU-5: a sender that was told by the first place sends smaller packets, which the second one drops. If nobody tells
/// it of that, the connection hangs.
#[test]
fn told_once_and_then_not() {
    let deny = "{rule: 90, action: deny, protocol: icmp, from: 10.0.2.0/24}, ";
    for (row, told) in [("", true), (deny, false)] {
        let net = net(&narrowing(row));
        let e = ask(&net, "a -> b tcp/80");
        let size = size(&net, &e.question, &e).unwrap();
        assert_eq!((size.largest, size.sent, size.told), (3000, 9001, told));
        let text = |row| net.names.row_text(&net.fabric, row);
        assert_eq!(size.stopped_by.map(text).unwrap(), "eni n2: larger than its MTU, and must not be fragmented");
        assert_eq!(
            size.untold_by.map(text).as_deref(),
            (!told).then_some("acl acl inbound rule 90: deny icmp from 10.0.2.0/24")
        );
    }
}

/// GST-7 (assumed): it sends by the interface whose subnet holds the destination, else by its primary one.
#[test]
fn the_way_out_of_a_forwarding_guest() {
    let yaml = nat_instance(", forwarding: {}").replace(
        "instances:",
        "network_interfaces: {n-2: {subnet: sb, instance: n, device_index: 1, address: 10.0.2.10, security_groups: [open], source_dest_check: false}}\ninstances:\n  b: {subnet: sb, address: 10.0.2.20, security_groups: [open]}",
    )
    .replace("subnets:", "subnets:\n  sb: {vpc: v, az: a, cidr: 10.0.2.0/24}")
    .replace("{to: 0.0.0.0/0, via: n}", "{to: 10.0.2.0/24, via: n}, {to: 0.0.0.0/0, via: n}")
    .replace("private: {vpc: v, routes: [{to: 10.0.2.0/24, via: n}, {to: 0.0.0.0/0, via: n}]}", "private: {vpc: v, routes: [{to: 10.0.2.0/24, via: n-1}, {to: 0.0.0.0/0, via: n-1}]}")
    .replace("  n: {subnet: sp, address: 10.0.9.10, public_ip: 198.51.100.10, security_groups: [open], source_dest_check: false, forwarding: {}}", "  n: {forwarding: {}}")
    .replace("network_interfaces: {", "network_interfaces: {n-1: {subnet: sp, instance: n, device_index: 0, address: 10.0.9.10, security_groups: [open], source_dest_check: false}, ");
    let sent = World::new(&yaml).send(&tcp("10.0.1.10:40000", "10.0.2.20:22", SYN));
    assert_eq!(sent.end, "to b");
    assert_eq!(sent.hops.len(), 4);
    assert_eq!(sent.hops[2].headers.src.to_string(), "10.0.1.10");
}
