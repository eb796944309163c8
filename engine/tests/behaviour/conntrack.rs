//! Connection tracking: `docs/behaviour/connection-tracking.md`.

use super::harness::*;

/// A server `b` with these rules, in another subnet than the client `a`; a NAT gateway between two subnets.
fn server(inbound: &str, outbound: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
nat_gateways: {{nat: {{subnet: sn, connectivity: private, addresses: [{{private: 10.0.9.5}}]}}}}
subnets:
  sa: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: public}}
  sb: {{vpc: v, az: a, cidr: 10.0.2.0/24, route_table: public}}
  sn: {{vpc: v, az: a, cidr: 10.0.9.0/24}}
  sp: {{vpc: v, az: a, cidr: 10.0.4.0/24, route_table: natted}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  natted: {{vpc: v, routes: [{{to: 10.0.2.0/24, via: nat}}]}}
security_groups:
  client: {{vpc: v}}
  server: {{vpc: v, inbound: [{inbound}], outbound: [{outbound}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [client]}}
  p: {{subnet: sp, address: 10.0.4.10, security_groups: [client]}}
  b: {{subnet: sb, address: 10.0.2.10, public_ip: 198.51.100.20, security_groups: [server], listen: [22]}}
"
    )
}

const SSH_ALL: &str = "{protocol: tcp, ports: 22, from: 0.0.0.0/0}";
const OUT_ALL: &str = "{to: 0.0.0.0/0}";

/// A session from the internet: handshake and one exchange.
fn session(world: &mut World, port: &str) {
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:22", SYN), port);
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:22", ACK), port);
}

/// CT-1: replies of a tracked flow pass whatever the other direction's rules say.
#[test]
fn replies_pass_without_a_rule() {
    check(&net(&server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", "")), "a -> b tcp/22", "open");
    check(&net(&server("{protocol: icmp, from: 10.0.1.0/24}", "")), "a -> b ping", "reply");
}

/// Case 4, CT-3: a tracked session survives the removal of its rule; a new SYN does not pass.
#[test]
fn a_tracked_session_survives_case_4() {
    let mut world = World::new(&server("{protocol: tcp, ports: 22, from: 192.0.2.7/32}", OUT_ALL));
    session(&mut world, "to b");
    world.change(&server("", OUT_ALL));
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:22", ACK), "to b");
    world.sends(&tcp("192.0.2.7:40001", "198.51.100.20:22", SYN), "dropped sg server inbound default");
}

/// Case 5, CT-2, CT-7: an untracked session is cut at the next packet.
#[test]
fn an_untracked_session_is_cut_case_5() {
    let mut world = World::new(&server(SSH_ALL, OUT_ALL));
    session(&mut world, "to b");
    assert_eq!(world.tracked(), 0);
    world.change(&server("", OUT_ALL));
    world.sends(&tcp("192.0.2.7:40000", "198.51.100.20:22", ACK), "dropped sg server inbound default");
}

/// Case 7, CT-2: with a narrow outbound rule the flow is tracked, so replies leave without a matching rule.
#[test]
fn a_narrow_way_out_makes_it_tracked_case_7() {
    let narrow = |inbound| server(inbound, "{protocol: tcp, ports: 443, to: 0.0.0.0/0}");
    let web = "{protocol: tcp, ports: 80, from: 0.0.0.0/0}";
    let mut world = World::new(&narrow(web));
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:80", SYN), "to b");
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:80", ACK), "to b");
    assert_eq!(world.tracked(), 1);
    world.change(&narrow(""));
    world.exchange(&tcp("192.0.2.7:40000", "198.51.100.20:80", ACK), "to b");
}

/// CT-2: all ports for the flow's protocol, one family, 0.0.0.0/0 on both sides; anything less is tracked.
#[test]
fn when_a_flow_is_untracked() {
    let cases = [
        (SSH_ALL, OUT_ALL, 0),
        (SSH_ALL, "{protocol: tcp, ports: 0-65535, to: 0.0.0.0/0}", 0),
        (SSH_ALL, "{protocol: tcp, ports: 1-65535, to: 0.0.0.0/0}", 1),
        (SSH_ALL, "{protocol: udp, to: 0.0.0.0/0}", 1),
        (SSH_ALL, "{to: '::/0'}", 1),
        ("{protocol: tcp, ports: 22, from: 192.0.2.0/24}", OUT_ALL, 1),
    ];
    for (inbound, outbound, tracked) in cases {
        let mut world = World::new(
            &server(inbound, outbound)
                .replace("cidr: 10.0.0.0/16", "cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]"),
        );
        session(&mut world, "to b");
        assert_eq!(world.tracked(), tracked, "{inbound} {outbound}");
    }
}

/// CT-8: ICMP is always tracked.
#[test]
fn icmp_is_always_tracked() {
    let mut world = World::new(&server("{from: 0.0.0.0/0}", OUT_ALL));
    world.exchange(&ping("192.0.2.7", "198.51.100.20"), "to b");
    assert_eq!(world.tracked(), 1);
}

/// CT-5: through a NAT gateway a flow is tracked although the sender's rules alone would leave it untracked.
#[test]
fn a_flow_to_a_nat_gateway_is_tracked() {
    let open = server("{from: 0.0.0.0/0}", OUT_ALL)
        .replace("client: {vpc: v}", "client: {vpc: v, inbound: [{from: 0.0.0.0/0}]}");
    let mut world = World::new(&open);
    world.exchange(&tcp("10.0.4.10:40000", "10.0.2.10:22", SYN), "to b");
    assert!(world.tracked() >= 1);
    let mut direct = World::new(&open);
    direct.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", SYN), "to b");
    assert_eq!(direct.tracked(), 0);
}

/// CT-5: and so it is at the receiver: the flow survives the removal of the receiver's rule.
#[test]
fn a_flow_from_a_nat_gateway_is_tracked() {
    let mut world = World::new(&server(SSH_ALL, OUT_ALL));
    world.exchange(&tcp("10.0.4.10:40000", "10.0.2.10:22", SYN), "to b");
    world.exchange(&tcp("10.0.4.10:40000", "10.0.2.10:22", ACK), "to b");
    world.change(&server("", OUT_ALL));
    world.exchange(&tcp("10.0.4.10:40000", "10.0.2.10:22", ACK), "to b");
}

/// CT-4: another protocol's replies are accepted within 600 s and refused after.
#[test]
fn another_protocol_is_tracked_for_600_s() {
    let only_in = server("{protocol: 47, from: 10.0.1.0/24}", "");
    for (seconds, expected) in [(600, "to a"), (601, "dropped sg server outbound default")] {
        let mut world = World::new(&only_in);
        let arrived = world.sends(&other(47, "10.0.1.10", "10.0.2.10"), "to b");
        world.at(seconds).sends(&reply(&arrived), expected);
    }
}

/// CT-6: one request and one reply of UDP are remembered for 30 s, a stream for 180 s.
#[test]
fn udp_times_out() {
    let only_in = server("{protocol: udp, ports: 53, from: 10.0.1.0/24}", "");
    for (seconds, expected) in [(30, "to a"), (31, "dropped sg server outbound default")] {
        let mut world = World::new(&only_in);
        let request = udp("10.0.1.10:40000", "10.0.2.10:53", 30);
        let arrived = world.sends(&request, "to b");
        world.at(seconds).sends(&reply(&arrived), expected);
    }
    for (seconds, expected) in [(180, "to a"), (181, "dropped sg server outbound default")] {
        let mut world = World::new(&only_in);
        let request = udp("10.0.1.10:40000", "10.0.2.10:53", 30);
        world.exchange(&request, "to b");
        world.exchange(&request, "to b");
        world.at(seconds).sends(&reply(&request), expected);
    }
}

/// CT-6: an established TCP connection is remembered for 432,000 s, or what the profile says (350 s on Nitro v6).
#[test]
fn established_tcp_times_out() {
    let only_in = server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", "");
    for (profile, limit) in [("", 432_000), ("profile: {tracked_tcp_idle: 350s}", 350)] {
        for (seconds, expected) in [(limit, "to a"), (limit + 1, "dropped sg server outbound default")] {
            let mut world = World::new(&format!("{profile}{only_in}"));
            let syn = tcp("10.0.1.10:40000", "10.0.2.10:22", SYN);
            let ack = tcp("10.0.1.10:40000", "10.0.2.10:22", ACK);
            world.exchange(&syn, "to b");
            world.exchange(&ack, "to b");
            world.at(seconds).sends(&reply(&ack), expected);
        }
    }
}

/// CT-9 (assumed): an echo request's reply passes for a while, and not for ever.
#[test]
fn icmp_times_out() {
    let mut world = World::new(&server("{protocol: icmp, from: 10.0.1.0/24}", ""));
    let arrived = world.sends(&ping("10.0.1.10", "10.0.2.10"), "to b");
    let limit = vpcsim_engine::flow::ICMP_IDLE.as_secs();
    world.at(limit).sends(&reply(&arrived), "to a");
    world.at(2 * limit + 1).sends(&reply(&arrived), "dropped sg server outbound default");
}

/// CT-10 (assumed): a half-open connection is forgotten sooner; a closed one makes room for a new SYN.
#[test]
fn half_open_and_closed_tcp() {
    let only_in = server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", "");
    let syn = tcp("10.0.1.10:40000", "10.0.2.10:22", SYN);
    let mut world = World::new(&only_in);
    let arrived = world.sends(&syn, "to b");
    world
        .at(vpcsim_engine::flow::TCP_HALF_OPEN.as_secs() + 1)
        .sends(&reply(&arrived), "dropped sg server outbound default");

    let mut world = World::new(&only_in);
    world.exchange(&syn, "to b");
    world.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", ACK), "to b");
    world.sends(&tcp("10.0.1.10:40000", "10.0.2.10:22", RST), "to b");
    world.change(&server("", ""));
    world.sends(&syn, "dropped sg server inbound default");
}

/// CT-10 (assumed): a connection that both sides have closed is over too; one side alone does not end it.
#[test]
fn closed_by_both_sides() {
    let mut world = World::new(&server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", ""));
    let syn = tcp("10.0.1.10:40000", "10.0.2.10:22", SYN);
    world.exchange(&syn, "to b");
    world.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", ACK), "to b");
    world.sends(&tcp("10.0.1.10:40000", "10.0.2.10:22", FIN), "to b");
    world.sends(&tcp("10.0.2.10:22", "10.0.1.10:40000", ACK), "to a");
    world.sends(&tcp("10.0.2.10:22", "10.0.1.10:40000", FIN), "to a");
    world.sends(&tcp("10.0.1.10:40000", "10.0.2.10:22", ACK), "to b");
    world.change(&server("", ""));
    world.sends(&syn, "dropped sg server inbound default");
}

/// CT-7: an untracked session whose rule is gone stays cut, even if the server sends once more by its own rule. With
/// the profile switch of CT-11 (assumed) on, that packet would found a tracked connection and revive the session.
#[test]
fn a_cut_session_and_the_servers_next_packet() {
    for (profile, expected) in
        [("profile: {tracking_picks_up_mid_stream: true}", "to b"), ("", "dropped sg server inbound default")]
    {
        let yaml = |inbound| format!("{profile}{}", server(inbound, OUT_ALL));
        let mut world = World::new(&yaml(SSH_ALL));
        session(&mut world, "to b");
        world.change(&yaml(""));
        world.sends(&tcp("10.0.2.10:22", "192.0.2.7:40000", ACK), "out");
        world.sends(&tcp("192.0.2.7:40000", "198.51.100.20:22", ACK), expected);
    }
}

/// CT-11 (assumed): a TCP packet that is no SYN founds no tracked connection, though a rule lets it pass; a profile
/// switch turns that on.
#[test]
fn tracking_picks_up_mid_stream() {
    let yaml = server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", "");
    let ack = tcp("10.0.1.10:40000", "10.0.2.10:22", ACK);
    World::new(&format!("profile: {{tracking_picks_up_mid_stream: true}}{yaml}")).exchange(&ack, "to b");
    let mut off = World::new(&yaml);
    let arrived = off.sends(&ack, "to b");
    off.sends(&reply(&arrived), "dropped sg server outbound default");
}

/// CT-12: each interface tracks for itself: both ends of one flow have an entry.
#[test]
fn each_interface_tracks_for_itself() {
    let yaml = server("{protocol: tcp, ports: 22, from: 10.0.1.0/24}", "");
    let mut world = World::new(&yaml);
    world.exchange(&tcp("10.0.1.10:40000", "10.0.2.10:22", SYN), "to b");
    assert_eq!(world.tracked(), 2);
}
