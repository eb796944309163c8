//! Traffic mirroring: `docs/behaviour/mirroring.md`.

use super::harness::*;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::flow::MirrorCopy;
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::verdict::{Dir, RowKind, Vantage};
use vpcsim_engine::wire::{Packet, Payload, emit, ether, parse, vxlan};
use vpcsim_engine::{scenario, spec};

/// A client, a server that is mirrored, two sensors, each in a subnet of its own; a VPC with a third sensor behind a peering.
const NET: &str = "
vpcs: {v: {cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}, w: {cidr: 10.1.0.0/16}}
vpc_peering_connections: {pcx: {requester: v, accepter: w}}
route_tables:
  main: {vpc: v, main: true, routes: []}
  from-web: {vpc: v, routes: [{to: 10.1.0.0/16, via: pcx}]}
subnets:
  sc: {vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64}
  sw: {vpc: v, az: a, cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, route_table: from-web, network_acl: wall}
  ss: {vpc: v, az: a, cidr: 10.0.3.0/24}
  so: {vpc: w, az: a, cidr: 10.1.3.0/24}
network_acls:
  wall:
    vpc: v
    inbound:
      - {rule: 90, action: deny, protocol: tcp, ports: 23, from: 0.0.0.0/0}
      - {rule: 100, action: allow, from: 0.0.0.0/0}
      - {rule: 110, action: allow, from: '::/0'}
    outbound:
      - {rule: 90, action: deny, protocol: tcp, ports: 24, to: 0.0.0.0/0}
      - {rule: 100, action: allow, to: 0.0.0.0/0}
      - {rule: 110, action: allow, to: '::/0'}
security_groups:
  all: {vpc: v, inbound: [{from: [0.0.0.0/0, '::/0']}]}
  server:
    vpc: v
    inbound: [{protocol: tcp, ports: [80, 8080, 23], from: 0.0.0.0/0}, {protocol: udp, from: [0.0.0.0/0, '::/0']}, {protocol: icmp, from: 0.0.0.0/0}]
    outbound: [{protocol: tcp, ports: [24, 443], to: 0.0.0.0/0}]
  sensor: {vpc: v, inbound: [{protocol: udp, ports: 4789, from: server}]}
  other: {vpc: w, inbound: [{protocol: udp, ports: 4789, from: 10.0.2.0/24}]}
instances:
  client: {subnet: sc, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [all]}
  web: {subnet: sw, address: 10.0.2.10, secondary_addresses: [10.0.2.50], ipv6_addresses: [2600:1f18:1:2::10], security_groups: [server]}
  one: {subnet: ss, address: 10.0.3.10, security_groups: [sensor]}
  two: {subnet: ss, address: 10.0.3.20, security_groups: [sensor]}
  far: {subnet: so, address: 10.1.3.10, security_groups: [other]}
traffic_mirror_targets: {one-t: {network_interface: one}, two-t: {network_interface: two}, far-t: {network_interface: far}}
";

/// Case 25: session 1 takes TCP 80, session 2 all TCP.
const CASE_25: &str = "
traffic_mirror_filters:
  http: {ingress: [{rule: 10, action: accept, protocol: tcp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 80}]}
  tcp:
    ingress: [{rule: 10, action: accept, protocol: tcp, from: 0.0.0.0/0, to: 0.0.0.0/0}]
    egress: [{rule: 10, action: accept, protocol: tcp, from: 0.0.0.0/0, to: 0.0.0.0/0}]
traffic_mirror_sessions:
  second: {network_interface: web, target: two-t, filter: tcp, session_number: 20, virtual_network_id: 2}
  first: {network_interface: web, target: one-t, filter: http, session_number: 3, virtual_network_id: 1}
";

/// One session to sensor `one` with this filter.
fn with(filter: &str) -> String {
    format!(
        "{NET}
traffic_mirror_filters: {{f: {filter}}}
traffic_mirror_sessions: {{s: {{network_interface: web, target: one-t, filter: f, session_number: 1, virtual_network_id: 7}}}}"
    )
}

const EVERYTHING: &str = "{ingress: [{rule: 1, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}, {rule: 2, action: accept, from: '::/0', to: '::/0'}], egress: [{rule: 1, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}, {rule: 2, action: accept, from: '::/0', to: '::/0'}]}";

/// Sends, and gives how it ended and the copies: `first in`.
fn mirrored(world: &mut World, packet: &Packet) -> (String, Vec<String>) {
    let sent = world.send(packet);
    let copies = take(world);
    let text = |copy: &MirrorCopy| {
        let session = &world.net.names.mirror_sessions[copy.session].id;
        format!("{session} {}", if copy.dir == Dir::In { "in" } else { "out" })
    };
    (sent.end, copies.iter().map(text).collect())
}

fn take(world: &mut World) -> Vec<MirrorCopy> {
    world.flows.copies.drain(..).collect()
}

/// The only copy that a packet makes.
fn copy(world: &mut World, packet: &Packet) -> MirrorCopy {
    world.send(packet);
    let mut copies = take(world);
    assert_eq!(copies.len(), 1, "{packet:?}");
    copies.remove(0)
}

/// What becomes of a copy.
fn follow(world: &mut World, copy: &MirrorCopy) -> Sent {
    world.send_at(&copy.packet, Vantage::Mirror { session: copy.session, eni: copy.eni })
}

/// What a copy carries.
fn frame(copy: &MirrorCopy) -> Vec<u8> {
    let bytes = emit(&copy.packet);
    vxlan::parse(&bytes[28..]).expect("VXLAN").frame.to_vec()
}

/// Case 25, MIR-3, MIR-14, MIR-5: port 80 is on the first session alone; what the groups or the ACL deny is not mirrored; a direction
/// without rules of the first session is the second one's.
#[test]
fn sessions_in_order_case_25() {
    let mut w = World::new(&format!("{NET}{CASE_25}"));
    let syn = |port: u16| tcp("10.0.1.10:40000", &format!("10.0.2.10:{port}"), SYN);
    assert_eq!(mirrored(&mut w, &syn(80)), ("to web".to_owned(), vec!["first in".to_owned()]));
    assert_eq!(mirrored(&mut w, &syn(8080)), ("to web".to_owned(), vec!["second in".to_owned()]));
    let (end, copies) = mirrored(&mut w, &syn(22));
    assert!(end.starts_with("dropped sg server inbound") && copies.is_empty(), "{end} {copies:?}");
    let (end, copies) = mirrored(&mut w, &syn(23));
    assert!(end.starts_with("dropped acl wall inbound rule 90") && copies.is_empty(), "{end} {copies:?}");
    let answer = tcp("10.0.2.10:80", "10.0.1.10:40000", ACK);
    assert_eq!(mirrored(&mut w, &answer), ("to client".to_owned(), vec!["second out".to_owned()]));
    // Neither filter has a rule for UDP.
    assert_eq!(mirrored(&mut w, &udp("10.0.1.10:1", "10.0.2.10:2", 4)).1, Vec::<String>::new());
}

/// MIR-4: what a session rejects is left to the next one.
#[test]
fn a_rejected_packet_is_the_next_sessions() {
    let mut w = World::new(&format!(
        "{NET}
traffic_mirror_filters:
  not-80:
    ingress:
      - {{rule: 20, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}}
      - {{rule: 10, action: reject, protocol: tcp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 80}}
  any: {{ingress: [{{rule: 10, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}}]}}
traffic_mirror_sessions:
  a: {{network_interface: web, target: one-t, filter: not-80, session_number: 1}}
  b: {{network_interface: web, target: two-t, filter: any, session_number: 2}}"
    ));
    assert_eq!(mirrored(&mut w, &tcp("10.0.1.10:4", "10.0.2.10:80", SYN)).1, ["b in"]);
    assert_eq!(mirrored(&mut w, &tcp("10.0.1.10:4", "10.0.2.10:8080", SYN)).1, ["a in"]);
}

/// MIR-5, MIR-6: a rule looks at both blocks, the protocol and, for TCP and UDP, both ports; it holds for its family only.
#[test]
fn what_a_rule_looks_at() {
    let rule = |rule: &str| World::new(&with(&format!("{{ingress: [{{rule: 1, action: accept, {rule}}}]}}")));
    let (hit, miss) = (udp("10.0.1.10:1000", "10.0.2.10:53", 8), udp("10.0.1.10:1000", "10.0.2.50:54", 8));
    for (text, hits) in [
        ("from: 10.0.1.10/32, to: 10.0.2.10/32", true),
        ("from: 10.0.1.11/32, to: 10.0.2.10/32", false),
        ("from: 10.0.1.10/32, to: 10.0.2.11/32", false),
        ("protocol: udp, from: 0.0.0.0/0, to: 10.0.2.10/32, destination_ports: 50-53, source_ports: 1000", true),
        ("protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 50-53, source_ports: 999", false),
        ("protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 54", false),
        ("protocol: tcp, from: 0.0.0.0/0, to: 10.0.2.10/32", false),
        ("from: '::/0', to: '::/0'", false),
    ] {
        let mut w = rule(text);
        assert_eq!(mirrored(&mut w, &hit).1.len(), usize::from(hits), "{text}");
        let both = text == "protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 54";
        assert_eq!(mirrored(&mut w, &miss).1.len(), usize::from(both), "{text}");
    }
    let v6 = udp("[2600:1f18:1:1::10]:5", "[2600:1f18:1:2::10]:6", 8);
    assert_eq!(mirrored(&mut rule("from: '::/0', to: '::/0'"), &v6).1, ["s in"]);
    // Ports mean nothing to ICMP, which has none.
    assert_eq!(
        mirrored(&mut rule("protocol: icmp, from: 0.0.0.0/0, to: 0.0.0.0/0"), &ping("10.0.1.10", "10.0.2.10")).1,
        ["s in"]
    );
}

/// MIR-26: the second fragment of a datagram has the ports of the first.
#[test]
fn fragments_have_their_datagrams_ports() {
    let mut w = World::new(&with(
        "{ingress: [{rule: 1, action: accept, protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0, destination_ports: 53}]}",
    ));
    for port in [53, 54] {
        for piece in fragments(&udp("10.0.1.10:1000", &format!("10.0.2.10:{port}"), 3000), 1480) {
            assert_eq!(mirrored(&mut w, &piece).1.len(), usize::from(port == 53));
        }
    }
}

/// MIR-7, MIR-8: queries and answers of the resolver only with `amazon-dns`, and then whatever the rules say; metadata, time and DHCP
/// never. A DNS server of one's own is ordinary traffic.
#[test]
fn services() {
    let query = udp("10.0.2.10:4000", "10.0.0.2:53", 30);
    let others = [
        tcp("10.0.2.10:4000", "169.254.169.254:80", SYN),
        udp("10.0.2.10:4000", "169.254.169.123:123", 48),
        udp("10.0.2.10:68", "255.255.255.255:67", 300),
    ];
    let answer = udp("10.0.0.2:53", "10.0.2.10:4000", 60);
    for (filter, dns) in [(EVERYTHING, false), ("{network_services: [amazon-dns]}", true)] {
        let mut w = World::new(&with(filter));
        assert_eq!(
            mirrored(&mut w, &query),
            ("served Resolver".to_owned(), if dns { vec!["s out".to_owned()] } else { vec![] })
        );
        let web = w.net.names.enis.iter_enumerated().find(|(_, l)| l.id == "web").unwrap().0;
        w.send_at(&answer, Vantage::FromService(web));
        assert_eq!(take(&mut w).len(), usize::from(dns));
        for packet in &others {
            assert_eq!(mirrored(&mut w, packet).1, Vec::<String>::new(), "{packet:?}");
        }
        let own = udp("10.0.1.10:4000", "10.0.2.10:53", 30);
        assert_eq!(mirrored(&mut w, &own).1.len(), usize::from(!dns));
    }
}

/// MIR-9, MIR-22: VXLAN to port 4789 from the source's primary address to the target's, whatever address the packet carries; IPv6 goes
/// inside IPv4 too. The frame is the one of the source's own capture.
#[test]
fn the_copy_is_vxlan() {
    let mut w = World::new(&with(EVERYTHING));
    for packet in
        [udp("10.0.1.10:1000", "10.0.2.50:53", 100), udp("[2600:1f18:1:1::10]:1000", "[2600:1f18:1:2::10]:53", 100)]
    {
        let copy = copy(&mut w, &packet);
        let outer = parse(&emit(&copy.packet), 0).unwrap();
        assert_eq!(outer.headers.src, "10.0.2.10".parse::<std::net::IpAddr>().unwrap());
        assert_eq!(outer.headers.dst, "10.0.3.10".parse::<std::net::IpAddr>().unwrap());
        assert_eq!(outer.headers.ports().1, 4789);
        let payload = outer.payload.to_vec();
        let inside = vxlan::parse(&payload).unwrap();
        assert_eq!(inside.vni, 7);
        assert_eq!(inside.frame[14..], emit(&packet));
        assert_eq!(inside.frame[..12], [ether::mac(ether::Owner::Eni, copy.eni.0), ether::ROUTER].concat());
        assert_eq!(copy.len, packet.len());
    }
}

/// MIR-9: an identifier that nobody chose is one of the session's own, within 24 bits, and no other session's.
#[test]
fn identifiers_are_unique() {
    let sessions: String = (0..3)
        .map(|n| format!("  s{n}: {{network_interface: web, target: one-t, filter: f, session_number: {}}}\n", n + 1))
        .collect();
    let net = net(&format!("{NET}\ntraffic_mirror_filters: {{f: {EVERYTHING}}}\ntraffic_mirror_sessions:\n{sessions}"));
    let mut vnis: Vec<u32> = net.fabric.mirror_sessions.iter().map(|s| s.vni).collect();
    assert!(vnis.iter().all(|vni| *vni <= 0x00ff_ffff));
    vnis.dedup();
    assert_eq!(vnis.len(), 3);
}

/// MIR-10: a flow has one outer source port in both directions, another flow another; without ports the addresses decide.
#[test]
fn the_outer_source_port_is_the_flows() {
    let mut w = World::new(&with(EVERYTHING));
    let port = |w: &mut World, packet: &Packet| copy(w, packet).packet.headers.ports().0;
    let request = tcp("10.0.1.10:40000", "10.0.2.10:80", SYN);
    let there = port(&mut w, &request);
    assert!(there >= 49152);
    assert_eq!(port(&mut w, &reply(&request)), there);
    assert_ne!(port(&mut w, &tcp("10.0.1.10:40001", "10.0.2.10:80", SYN)), there);
    let echo = port(&mut w, &ping("10.0.1.10", "10.0.2.10"));
    assert_eq!(port(&mut w, &reply(&ping("10.0.1.10", "10.0.2.10"))), echo);
}

/// Case 25, MIR-12: into a target with 9,001 bytes 8,947 go whole and no more, of IPv6 8,927; what is cut has no checksum. A target with
/// a smaller MTU gets less.
#[test]
fn truncation_case_25() {
    for (mtu, v6, most) in [(9001, false, 8947), (9001, true, 8927), (1500, false, 1446)] {
        let yaml = with(EVERYTHING).replace("address: 10.0.3.10,", &format!("address: 10.0.3.10, mtu: {mtu},"));
        let mut w = World::new(&yaml);
        let of = |len: u32| match v6 {
            false => udp("10.0.1.10:1000", "10.0.2.10:53", len - 28),
            true => udp("[2600:1f18:1:1::10]:1000", "[2600:1f18:1:2::10]:53", len - 48),
        };
        let whole = copy(&mut w, &of(most));
        assert_eq!(frame(&whole)[14..], emit(&of(most)));
        assert_eq!(whole.packet.len(), most + 50);
        let cut = copy(&mut w, &of(most + 1));
        let mut want = emit(&of(most + 1));
        let checksum = if v6 { 46 } else { 26 };
        want[checksum..checksum + 2].fill(0);
        want.truncate(most as usize);
        assert_eq!(frame(&cut)[14..], want);
    }
}

/// MIR-13: a session's packet length counts the Ethernet header, and goes no lower than 35 bytes of IPv4 and 55 of IPv6.
#[test]
fn packet_length() {
    let (v4, v6) =
        (udp("10.0.1.10:1000", "10.0.2.10:53", 500), udp("[2600:1f18:1:1::10]:1000", "[2600:1f18:1:2::10]:53", 500));
    for (length, kept) in [(100, (100, 100)), (1, (35, 55)), (40, (40, 55)), (8500, (542, 562))] {
        let yaml =
            with(EVERYTHING).replace("session_number: 1,", &format!("session_number: 1, packet_length: {length},"));
        let mut w = World::new(&yaml);
        assert_eq!((frame(&copy(&mut w, &v4)).len(), frame(&copy(&mut w, &v6)).len()), kept, "{length}");
    }
}

/// MIR-15: what the outbound group denies is not mirrored, unless the profile says so; what the ACL denies then is.
#[test]
fn outbound_drops() {
    let (group, acl) = (tcp("10.0.2.10:4", "10.0.1.10:25", SYN), tcp("10.0.2.10:4", "10.0.1.10:24", SYN));
    for (profile, denied) in [("", 0), ("profile: {mirror_denied_outbound: true}", 1)] {
        let mut w = World::new(&format!("{}\n{profile}", with(EVERYTHING)));
        let (end, copies) = mirrored(&mut w, &group);
        assert!(end.starts_with("dropped sg server outbound") && copies.len() == denied, "{end} {copies:?}");
        let (end, copies) = mirrored(&mut w, &acl);
        assert!(end.starts_with("dropped acl wall outbound rule 90") && copies.len() == 1, "{end} {copies:?}");
    }
}

/// MIR-16, MIR-19: a copy meets no outbound group (UDP is not allowed out), follows the table of the source's subnet, and is in the
/// target's flow log alone. Without a route it goes nowhere, and a target's group may refuse it.
#[test]
fn the_way_of_a_copy() {
    let packet = udp("10.0.1.10:1000", "10.0.2.10:53", 10);
    let mut w = World::new(&with(EVERYTHING));
    let made = copy(&mut w, &packet);
    let sent = follow(&mut w, &made);
    assert_eq!(sent.end, "to one");
    let hops: Vec<String> = sent.hops.iter().map(|hop| w.net.names.enis[hop.eni].id.clone()).collect();
    assert_eq!(hops, ["one"]);
    // MIR-24: over a peering.
    let mut w = World::new(&with(EVERYTHING).replace("target: one-t", "target: far-t"));
    let made = copy(&mut w, &packet);
    assert_eq!(follow(&mut w, &made).end, "to far");
    let mut w = World::new(
        &with(EVERYTHING).replace("target: one-t", "target: far-t").replace("{to: 10.1.0.0/16, via: pcx}", ""),
    );
    let made = copy(&mut w, &packet);
    assert!(follow(&mut w, &made).end.starts_with("dropped rtb from-web: no route"));
    let mut w = World::new(&with(EVERYTHING).replace("ports: 4789, from: server", "ports: 4788, from: server"));
    let made = copy(&mut w, &packet);
    assert!(follow(&mut w, &made).end.starts_with("dropped sg sensor inbound"));
}

/// MIR-17: the ACLs of both subnets see a copy; in one subnet there is none.
#[test]
fn acls_see_a_copy() {
    let packet = udp("10.0.1.10:1000", "10.0.2.10:53", 10);
    let deny = "{rule: 80, action: deny, protocol: udp, ports: 4789, to: 0.0.0.0/0}";
    let mut w = World::new(&with(EVERYTHING).replace("    outbound:\n", &format!("    outbound:\n      - {deny}\n")));
    let made = copy(&mut w, &packet);
    let sent = follow(&mut w, &made);
    assert!(sent.end.starts_with("dropped acl wall outbound rule 80") && sent.hops.is_empty(), "{}", sent.end);
    let near = with(EVERYTHING).replace("one: {subnet: ss, address: 10.0.3.10", "one: {subnet: sw, address: 10.0.2.99");
    let mut w = World::new(&near.replace("    outbound:\n", &format!("    outbound:\n      - {deny}\n")));
    let made = copy(&mut w, &packet);
    assert_eq!(follow(&mut w, &made).end, "to one");
}

/// MIR-20: an appliance that is mirrored itself does not copy the copies that pass it.
#[test]
fn a_copy_is_not_mirrored_again() {
    let yaml = with(EVERYTHING)
        .replace("routes: [{to: 10.1.0.0/16, via: pcx}]", "routes: [{to: 10.0.3.0/24, via: fw}]")
        .replace("instances:\n", "instances:\n  fw: {subnet: sc, address: 10.0.1.99, security_groups: [all], source_dest_check: false, forwarding: {}}\n")
        .replace("from: server}", "from: 0.0.0.0/0}")
        .replace("traffic_mirror_sessions: {", "traffic_mirror_sessions: {again: {network_interface: fw, target: two-t, filter: f, session_number: 1}, ");
    let mut w = World::new(&yaml);
    let made = copy(&mut w, &udp("10.0.1.10:1000", "10.0.2.10:53", 10));
    let sent = follow(&mut w, &made);
    assert_eq!(sent.end, "to one");
    let hops: Vec<String> = sent.hops.iter().map(|hop| w.net.names.enis[hop.eni].id.clone()).collect();
    assert_eq!(hops, ["fw", "fw", "one"]);
    assert!(take(&mut w).is_empty());
}

/// MIR-11: a copy that is too big for its way is dropped, and its source is not told.
#[test]
fn nobody_is_told_of_a_lost_copy() {
    let yaml = "
vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments: {av: {transit_gateway: tgw, vpc: v, subnets: [a]}, aw: {transit_gateway: tgw, vpc: w, subnets: [b]}}
route_tables:
  rv: {vpc: v, main: true, routes: [{to: 10.1.0.0/16, via: tgw}]}
  rw: {vpc: w, main: true, routes: [{to: 10.0.0.0/16, via: tgw}]}
subnets: {a: {vpc: v, az: a, cidr: 10.0.1.0/24}, b: {vpc: w, az: a, cidr: 10.1.1.0/24}}
security_groups: {gv: {vpc: v, inbound: [{from: 0.0.0.0/0}]}, gw: {vpc: w, inbound: [{from: 0.0.0.0/0}]}}
instances:
  c: {subnet: a, address: 10.0.1.9, security_groups: [gv]}
  s: {subnet: a, address: 10.0.1.10, security_groups: [gv]}
  t: {subnet: b, address: 10.1.1.10, security_groups: [gw]}
traffic_mirror_targets: {tt: {network_interface: t}}
traffic_mirror_filters: {f: {ingress: [{rule: 1, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}]}}
traffic_mirror_sessions: {m: {network_interface: s, target: tt, filter: f, session_number: 1}}";
    let mut w = World::new(yaml);
    for (bytes, arrives) in [(8000, true), (8600, false)] {
        let made = copy(&mut w, &udp("10.0.1.9:1", "10.0.1.10:2", bytes));
        let sent = follow(&mut w, &made);
        assert_eq!(sent.end == "to t", arrives, "{}", sent.end);
        assert_eq!(sent.notify, None);
    }
}

/// MIR-2: a copy for a load balancer is made, and what becomes of it is not modelled; the packet itself is none the worse.
#[test]
fn a_load_balancer_is_not_modelled() {
    for kind in ["network_load_balancer: nlb", "gateway_load_balancer_endpoint: nlb"] {
        let mut w = World::new(&with(EVERYTHING).replace("network_interface: one}", &format!("{kind}}}")));
        let packet = udp("10.0.1.10:1000", "10.0.2.10:53", 10);
        assert_eq!(w.send(&packet).end, "to web");
        let made = take(&mut w).remove(0);
        let end = follow(&mut w, &made).end;
        assert!(end.contains("nlb is not modelled"), "{end}");
    }
}

/// MIR-28: a target that is down is sent copies all the same.
#[test]
fn a_target_that_is_down() {
    let yaml = with(EVERYTHING).replace("one: {subnet: ss,", "one: {subnet: ss, state: stopped,");
    let mut w = World::new(&yaml);
    let made = copy(&mut w, &udp("10.0.1.10:1000", "10.0.2.10:53", 10));
    assert_eq!(follow(&mut w, &made).end, "dropped instance one is not running");
}

/// `why` says at the hop which session and rule mirror the packet, to whom, and what becomes of the copy. MIR-3: one session each.
#[test]
fn why_tells_of_the_copies() {
    let net = net(&format!("{NET}{CASE_25}"));
    let answer = ask(&net, "client -> web tcp/80");
    let rows: Vec<String> = answer
        .request
        .steps
        .iter()
        .filter(|step| {
            let kind = net.fabric.rows[step.decision.by].kind;
            matches!(kind, RowKind::MirrorAccept | RowKind::MirrorNone)
        })
        .map(|step| net.names.row_text(&net.fabric, step.decision.by))
        .collect();
    assert_eq!(rows, ["mirror filter http ingress rule 10: accept tcp from 0.0.0.0/0 to 0.0.0.0/0 port 80"]);
    let sessions: Vec<&str> = answer.mirrored.iter().map(|(s, _)| net.names.mirror_sessions[*s].id.as_str()).collect();
    assert_eq!(sessions, ["first", "second"]);
    let reply = answer.reply.unwrap();
    let none = reply.steps.iter().find(|step| net.fabric.rows[step.decision.by].kind == RowKind::MirrorNone).unwrap();
    assert!(none.decision.allow, "mirroring stops nothing");
    assert_eq!(net.names.row_text(&net.fabric, none.decision.by), "mirror filter http: no egress rule matches");
}

fn play(topology: &str, rest: &str) -> Report {
    let (spec, diagnostics) = spec::read(FileIx(0), topology.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let (scenario, diagnostics) = scenario::read(FileIx(1), format!("topology: none\n{rest}").as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    run(&scenario.unwrap(), &spec.unwrap(), Options::default()).unwrap_or_else(|d| panic!("{d:?}"))
}

fn counter(report: &Report, name: &str) -> u64 {
    report.counters.iter().find(|(n, _)| n == name).map_or(0, |(_, value)| *value)
}

/// MIR-18, MIR-23: an instance with 300 Mbps that sends 200 keeps all of it, and its copies have the rest. Both are counted.
#[test]
fn production_goes_first() {
    let yaml = with("{egress: [{rule: 1, action: accept, protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0}]}")
        .replace("ipv6_addresses: [2600:1f18:1:2::10], ", "ipv6_addresses: [2600:1f18:1:2::10], bandwidth: 300Mbps, ")
        .replace("ports: [24, 443], to: 0.0.0.0/0}", "ports: [24, 443], to: 0.0.0.0/0}, {protocol: udp, to: 0.0.0.0/0}")
        .replace("security_groups: [all]}", "security_groups: [all], listen: [udp/9]}")
        + "\nlinks: {same_az: {queue_bytes: 20000}}\n";
    let steps = "steps:\n  - traffic: {from: web, to: client, port: 9, protocol: udp, rate: 3125, bytes: 7972, duration: 500ms}\n";
    let report = play(&yaml, steps);
    let (copied, skipped) = (counter(&report, "web.NetworkMirrorOut"), counter(&report, "web.NetworkSkipMirrorOut"));
    let packets = counter(&report, "web.NetworkPacketsMirrorOut") + counter(&report, "web.NetworkPacketsSkipMirrorOut");
    // 200 Mbps for half a second: 12.5 MB, of which copies get what 100 Mbps carry, VXLAN included, and a queue of 20 kB.
    assert!((12_300_000..12_700_000).contains(&(copied + skipped)), "{copied} {skipped}");
    assert_eq!(packets * 8000, copied + skipped);
    let room = 6_250_000 + 20_000;
    assert!((room * 95 / 100..room).contains(&copied), "{copied}");
    // Nothing of production was lost.
    assert_eq!(counter(&report, "same zone.bw_out_allowance_exceeded"), 0, "{:?}", report.counters);
    assert_eq!(counter(&report, "mirrored") + counter(&report, "mirror_skipped"), packets);
    assert_eq!(counter(&report, "s.dropped"), counter(&report, "mirror_skipped"));
}

/// MIR-19, MIR-27: the target's flow log has the copies, and its system says nothing, whether something listens or not; not even where
/// its answer would be mirrored in turn.
#[test]
fn what_the_target_does() {
    for listen in ["listen: [udp/4789], ", ""] {
        let yaml = with(EVERYTHING).replace("address: 10.0.3.10, ", &format!("address: 10.0.3.10, {listen}"));
        let rest = "steps:
  - send: {from: client, to: web, port: 9, src_port: 5000, count: 3}
expect:
  - flow_log: {interface: one, src: 10.0.2.10, dst: 10.0.3.10, dst_port: 4789, protocol: udp, action: accept, packets: 3}
  - counter: {name: mirrored, equals: 3}
";
        let report = play(&yaml, rest);
        assert!(report.evidence.iter().all(|check| check.found.is_none()), "{:?}", report.evidence);
        // Three datagrams, which the server refuses (and its group keeps the refusals); nobody else sends anything.
        assert_eq!((report.totals.originated, report.totals.made), (6, 3), "{:?}", report.totals);
    }
}

/// A cut copy is one whatever cut it, and a datagram that is no copy keeps its bytes.
#[test]
fn other_payloads_are_no_copies() {
    let mut packet = udp("10.0.1.10:1000", "10.0.2.10:4789", 0);
    packet.payload = Payload::from(&[8, 0, 0, 0, 0, 0, 7, 0, 1, 2][..]);
    let mut w = World::new(&with(EVERYTHING));
    // VXLAN of the user's own is mirrored like anything else.
    assert_eq!(mirrored(&mut w, &packet).1, ["s in"]);
}

/// A change of a filter's rules or of a session holds from the next packet on; what is not there cannot be removed, and what is there
/// cannot be added.
#[test]
fn changes() {
    let yaml = with("{ingress: [{rule: 1, action: accept, protocol: udp, from: 0.0.0.0/0, to: 0.0.0.0/0}]}");
    let rest = "steps:
  - send: {from: client, to: web, port: 9}
  - change: {traffic_mirror_filter: f, remove_ingress: 1}
  - send: {from: client, to: web, port: 9}
  - change: {traffic_mirror_filter: f, add_ingress: {rule: 5, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}}
  - change: {traffic_mirror_session: s, set: {target: two-t, packet_length: 60}}
  - send: {from: client, to: web, port: 9, count: 2}
  - change: {traffic_mirror_filter: f, remove_ingress: 5, set: {network_services: [amazon-dns]}}
  - resolve: {from: web, name: client}
expect:
  - flow_log: {interface: one, src: 10.0.2.10, dst_port: 4789, action: accept, packets: 1}
  - flow_log: {interface: two, src: 10.0.2.10, dst_port: 4789, action: accept}
  - counter: {name: mirrored, equals: 5}
  - counter: {name: web.NetworkPacketsMirrorIn, equals: 4}
  - counter: {name: web.NetworkPacketsMirrorOut, equals: 1}
";
    let report = play(&yaml, rest);
    assert!(report.evidence.iter().all(|check| check.found.is_none()), "{:?}", report.evidence);

    let spec = spec::read(FileIx(0), yaml.as_bytes()).0.unwrap();
    for (change, code) in [
        ("{traffic_mirror_filter: f, remove_ingress: 2}", "no-such-rule"),
        (
            "{traffic_mirror_filter: f, add_ingress: {rule: 1, action: reject, from: 0.0.0.0/0, to: 0.0.0.0/0}}",
            "rule-exists",
        ),
        ("{traffic_mirror_filter: g, remove_ingress: 2}", "unknown-reference"),
        ("{traffic_mirror_session: t, set: {packet_length: 1}}", "unknown-reference"),
        ("{traffic_mirror_session: s, set: {target: nobody}}", "unknown-reference"),
        ("{traffic_mirror_session: s, set: {packet_length: 9000}}", "packet-length"),
    ] {
        let text = format!("topology: none\nsteps:\n  - change: {change}\n");
        let (scenario, diagnostics) = scenario::read(FileIx(1), text.as_bytes());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let refused = run(&scenario.unwrap(), &spec, Options::default()).expect_err("AWS refuses it");
        assert!(refused.iter().any(|d| d.code == code), "{change}: {refused:?}");
    }
}
