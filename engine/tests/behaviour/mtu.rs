//! Packet sizes: `docs/behaviour/mtu.md`.

use super::harness::*;
use std::net::{IpAddr, SocketAddrV4};
use vpcsim_engine::verdict::{NotifyKind, Vantage};
use vpcsim_engine::wire::{Icmp, L4, Packet, Payload};

const NATTED: &str = "
vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}
internet_gateways: {igw: {vpc: v}}
nat_gateways: {nat: {subnet: sp, addresses: [{private: 10.0.9.5, public: 198.51.100.5}]}}
subnets:
  sa: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: ra}
  sp: {vpc: v, az: a, cidr: 10.0.9.0/24, ipv6_cidr: 2600:1f18:1:9::/64, route_table: public}
route_tables:
  public: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}, {to: '::/0', via: igw}]}
  ra: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}
security_groups: {open: {vpc: v, inbound: [{from: 0.0.0.0/0}]}, narrow: {vpc: v, inbound: [{protocol: tcp, ports: 22, from: 192.0.2.0/24}], outbound: [{protocol: tcp, to: 192.0.2.0/24}]}}
instances:
  a: {subnet: sa, address: 10.0.1.10, security_groups: [open]}
  p: {subnet: sp, address: 10.0.9.20, ipv6_addresses: [2600:1f18:1:9::20], public_ip: 198.51.100.20, security_groups: [open]}
  q: {subnet: sp, address: 10.0.9.21, public_ip: 198.51.100.21, security_groups: [narrow], mtu: 1500}
";

/// MTU-1: 9,001 bytes inside a VPC, unless the guest says less.
#[test]
fn jumbo_frames_inside() {
    let mut world = World::new(NATTED);
    world.sends(&dont_fragment(udp("10.0.9.20:4000", "10.0.1.10:4000", 9001 - 28)), "to a");
    let mtus: Vec<u32> = world.net.fabric.guests.iter().map(|guest| guest.mtu).collect();
    assert_eq!(mtus, [9001, 9001, 1500]);
}

/// MTU-3, MTU-5, MTU-7: 1,500 bytes at an internet gateway. What must not be fragmented is dropped, and the subnet's
/// router tells the sender.
#[test]
fn an_internet_gateway_takes_1500() {
    let mut world = World::new(NATTED);
    world.sends(&dont_fragment(udp("10.0.9.20:4000", "192.0.2.1:4000", 1500 - 28)), "out");
    let sent = world.send(&dont_fragment(udp("10.0.9.20:4000", "192.0.2.1:4000", 1501 - 28)));
    assert!(sent.end.starts_with("dropped igw igw: larger than 1500 bytes"), "{}", sent.end);
    let notify = sent.notify.expect("a message");
    assert_eq!(notify.kind, NotifyKind::TooBig { mtu: 1500 });
    assert_eq!(notify.from.to_string(), "10.0.9.1");
    assert!(matches!(notify.at, Vantage::In { .. }));
}

/// MTU-3: IPv6 is never fragmented on the way.
#[test]
fn an_internet_gateway_takes_1500_of_ipv6() {
    let mut world = World::new(NATTED);
    world.sends(&udp("[2600:1f18:1:9::20]:4000", "[2001:db8::1]:4000", 1500 - 48), "out");
    let sent = world.send(&udp("[2600:1f18:1:9::20]:4000", "[2001:db8::1]:4000", 1501 - 48));
    assert_eq!(sent.notify.expect("a message").from.to_string(), "2600:1f18:1:9::1");
}

/// MTU-2: what may be fragmented passes.
#[test]
fn what_may_be_fragmented_passes() {
    World::new(NATTED).sends(&udp("10.0.9.20:4000", "192.0.2.1:4000", 4000), "out");
}

/// MTU-4, MTU-5: 8,500 bytes at a NAT gateway, which sends the message itself.
#[test]
fn a_nat_gateway_takes_8500() {
    let mut world = World::new(NATTED);
    let sent = world.send(&dont_fragment(udp("10.0.1.10:4000", "192.0.2.1:4000", 8501 - 28)));
    assert!(sent.end.starts_with("dropped nat nat: larger than 8500 bytes"), "{}", sent.end);
    let notify = sent.notify.expect("a message");
    assert_eq!((notify.kind, notify.from.to_string().as_str()), (NotifyKind::TooBig { mtu: 8500 }, "10.0.9.5"));
    // One byte less gets as far as the internet gateway.
    let sent = world.send(&dont_fragment(udp("10.0.1.10:4000", "192.0.2.1:4000", 8500 - 28)));
    assert!(sent.end.starts_with("dropped igw igw: larger than 1500 bytes"), "{}", sent.end);
}

/// MTU-6 (assumed value): a NAT gateway lowers the segment size that a SYN announces.
#[test]
fn a_nat_gateway_clamps_the_segment_size() {
    let mut syn = tcp("10.0.1.10:40000", "192.0.2.1:443", SYN);
    let L4::Tcp(header) = &mut syn.headers.l4 else { unreachable!() };
    header.options_len = 4;
    syn.payload = Payload::from(&[2, 4, 0x23, 0x01][..]); // MSS 8961
    let out = World::new(NATTED).sends(&syn, "out");
    assert_eq!(out.payload.to_vec(), [2, 4, 0x21, 0x0c]); // 8460
}

/// "Fragmentation needed", from a router on the way, about a packet from `own` to 192.0.2.1:443.
fn frag_needed(own: SocketAddrV4) -> Packet {
    let mut error = ping("192.0.2.9", &own.ip().to_string());
    error.headers.l4 = L4::Icmp(Icmp { kind: Icmp::UNREACHABLE, code: 4, rest: 1400 });
    let mut quote = vec![0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 6, 0, 0];
    quote.extend(own.ip().octets());
    quote.extend([192, 0, 2, 1]);
    quote.extend(own.port().to_be_bytes());
    quote.extend([1, 0xbb, 0, 0, 0, 1]);
    error.payload = Payload::from(quote.as_slice());
    error
}

/// Opens a connection from `src` and sends the message about it, as the internet sees it.
fn message_about_a_flow(yaml: &str, src: &str, expected: &str) -> Packet {
    let mut world = World::new(yaml);
    let out = world.sends(&tcp(src, "192.0.2.1:443", SYN), "out");
    let IpAddr::V4(own) = out.headers.src else { unreachable!() };
    world.sends(&reply(&out), "to");
    world.sends(&frag_needed(SocketAddrV4::new(own, out.headers.ports().0)), expected)
}

/// MTU-8: without an ICMP rule a message about a tracked flow is dropped by the group, as AWS's list of exceptions
/// leaves it out; about an untracked or automatically tracked flow it passes; a profile switch lets all pass.
#[test]
fn messages_about_tracked_flows() {
    message_about_a_flow(NATTED, "10.0.9.21:40000", "dropped sg narrow inbound default");
    message_about_a_flow(NATTED, "10.0.9.20:40000", "to p");
    let behind_nat = NATTED.replace("10.0.1.10, security_groups: [open]", "10.0.1.10, security_groups: [narrow]");
    message_about_a_flow(&behind_nat, "10.0.1.10:40000", "to a");
    let lenient = format!("profile: {{icmp_errors_pass_tracked: true}}{NATTED}");
    message_about_a_flow(&lenient, "10.0.9.21:40000", "to q");
}

/// MTU-9: what the message quotes is translated back too, by an internet gateway and by a NAT gateway, so that the
/// sender knows its own packet.
#[test]
fn quoted_packets_are_translated_back() {
    for (src, at) in [("10.0.9.20:40000", "to p"), ("10.0.1.10:40000", "to a")] {
        let arrived = message_about_a_flow(NATTED, src, at);
        let src: SocketAddrV4 = src.parse().unwrap();
        let quote = arrived.payload.to_vec();
        assert_eq!((&quote[12..16], &quote[20..22]), (&src.ip().octets()[..], &src.port().to_be_bytes()[..]));
    }
}
