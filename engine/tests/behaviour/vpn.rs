//! Site-to-Site VPN: `docs/behaviour/vpn.md`, cases 14, 16, 17 and 18 of the design's hybrid list, route priority.

use super::harness::*;
use vpcsim_engine::explain::{Device, Hint, Outcome, hints};
use vpcsim_engine::fabric::NextHop;
use vpcsim_engine::verdict::NotifyKind;

/// A VPC with a virtual private gateway; two sites with a router and a host each. `more` is YAML at the top.
fn sites(connections: &str, routers: &str, more: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
vpn_gateways: {{vgw: {{vpc: v, asn: 64512}}}}
customer_gateways: {{cgw-n: {{router: north}}, cgw-s: {{router: south}}}}
vpn_connections: {{{connections}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, propagating_vpn_gateways: [vgw]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [443]}}}}
routers: {{{routers}}}
site_hosts:
  n1: {{router: north, addresses: [172.16.1.10], listen: [22]}}
  s1: {{router: south, addresses: [172.16.2.10], listen: [22]}}
{more}"
    )
}

const NORTH: &str = "vpn-n: {customer_gateway: cgw-n, vpn_gateway: vgw}";
const SOUTH: &str = "vpn-s: {customer_gateway: cgw-s, vpn_gateway: vgw}";
const ROUTERS: &str = "north: {asn: 65010, networks: [172.16.1.0/24]}, south: {asn: 65020, networks: [172.16.2.0/24]}";

fn plain() -> String {
    sites(&format!("{NORTH}, {SOUTH}"), ROUTERS, "")
}

/// VPN-10, VPN-11, RTB-14: there and back, and nowhere else; the ACL and the groups of the host are asked.
#[test]
fn there_and_back() {
    let net = net(&plain());
    check(&net, "app -> n1 tcp/22", "open");
    check(&net, "n1 -> app tcp/443", "open");
    check(&net, "n1 -> app tcp/80", "refused".replace("refused", "closed request instance app").as_str());
    check(&net, "app -> n1 tcp/23", "closed request internet host n1");
    check(&net, "app -> 172.16.9.9 ping", "no_reply request rtb r: no route to the destination");
    assert_eq!(crossings(&net, "n1 -> app tcp/443"), ["app in ACCEPT", "app out ACCEPT"]);
    let closed = plain().replace("inbound: [{from: 172.16.0.0/12}]", "inbound: [{from: 172.16.2.0/24}]");
    check(&super::harness::net(&closed), "n1 -> app tcp/443", "no_reply request sg g inbound default: no rule matches");
    let wider = plain().replace("propagating_vpn_gateways: [vgw]", "routes: [{to: 172.16.0.0/12, via: vgw}]");
    check(
        &super::harness::net(&wider),
        "app -> 172.16.9.9 ping",
        "no_reply request vgw vgw: no route to the destination",
    );
}

/// A host that nobody describes is unknown. A router answers pings to its own addresses; what else it answers is unknown.
#[test]
fn what_is_not_described_is_unknown() {
    let net = net(&plain());
    check(&net, "app -> 172.16.1.99 tcp/22", "unknown request router north: a host behind it that the topology");
    let own = net.fabric.routers.iter().next().unwrap().addresses[0].0;
    check(&net, &format!("n1 -> {own} ping"), "reply");
    check(&net, &format!("n1 -> {own} tcp/22"), "unknown request router north: what it answers to this");
}

/// RTB-14: a table that does not take the propagation knows nothing of the sites.
#[test]
fn propagation_is_per_table() {
    let yaml = plain().replace(", propagating_vpn_gateways: [vgw]", "");
    check(&net(&yaml), "app -> n1 ping", "no_reply request rtb r: no route");
    check(&net(&yaml), "n1 -> app ping", "no_reply reply rtb r: no route");
}

/// BGP-17, BGP-18: sites with numbers of their own reach each other by the gateway; with one number they do not.
#[test]
fn sites_reach_each_other() {
    check(&net(&plain()), "n1 -> s1 tcp/22", "open");
    let same = plain().replace("asn: 65020", "asn: 65010");
    check(&net(&same), "n1 -> s1 tcp/22", "no_reply request router north: no route to the destination");
    check(&net(&same), "n1 -> app tcp/443", "open");
}

/// VPN-4, case 16: AES-CBC with SHA2-512 behind NAT takes 1,406 bytes, AES-GCM without NAT 1,446. VPN-5: AWS tells nobody;
/// VPN-6: a router does.
#[test]
fn what_fits_case_16() {
    let gcm = plain();
    let cbc = sites(
        "vpn-n: {customer_gateway: cgw-n, vpn_gateway: vgw, tunnels: [{encryption: aes128, integrity: sha2-512}, {encryption: aes128, integrity: sha2-512}]}",
        &ROUTERS.replace("asn: 65010,", "asn: 65010, behind_nat: true,"),
        "",
    );
    for (yaml, fits) in [(gcm, 1446), (cbc, 1406)] {
        let mut world = World::new(&yaml);
        let (a, b) = ("10.0.1.10:1", "172.16.1.10:9");
        world.sends(&dont_fragment(udp(a, b, fits - 28)), "at n1");
        let sent = world.send(&dont_fragment(udp(a, b, fits + 1 - 28)));
        assert!(sent.end.starts_with(&format!("dropped vpn vpn-n/1: larger than {fits} bytes")), "{}", sent.end);
        assert_eq!(sent.notify, None, "AWS's end is silent");
        let sent = world.send(&dont_fragment(udp(b, a, fits + 1 - 28)));
        assert_eq!(sent.notify.map(|n| n.kind), Some(NotifyKind::TooBig { mtu: fits }), "{}", sent.end);
        world.sends(&udp(a, b, fits + 1 - 28), "at n1");
    }
    let mut world = World::new(&plain());
    let mut syn = tcp("172.16.1.10:40000", "10.0.1.10:443", SYN);
    syn.payload = (&[2u8, 4, 0x05, 0xb4][..]).into();
    if let vpcsim_engine::wire::L4::Tcp(tcp) = &mut syn.headers.l4 {
        tcp.options_len = 4;
    }
    assert_eq!(world.sends(&syn, "to app").payload.to_vec(), [2, 4, 0x05, 0x7e], "1,406 of 1,460 bytes");
}

/// BGP-2, case 17: two connections of one site, four tunnels with equal paths: the gateway sends by exactly one of them, and
/// takes what comes by any.
#[test]
fn one_tunnel_sends_case_17() {
    let second = "vpn-m: {customer_gateway: cgw-n, vpn_gateway: vgw}";
    let net_ = net(&sites(&format!("{NORTH}, {second}"), ROUTERS, ""));
    let answer = ask(&net_, "app -> n1 tcp/22");
    assert_eq!((answer.outcome, answer.alternatives.len()), (Outcome::Open, 0), "no choice");
    let fib = &net_.fabric.vgws.iter().next().unwrap().fib;
    let route = &fib.routes[fib.lookup("172.16.1.10".parse().unwrap()).unwrap()];
    assert!(matches!(*route.hops, [NextHop::Tunnel(_)]), "{route:?}");
    for tunnel in ["vpn-n/2", "vpn-m/1", "vpn-m/2"] {
        let other = ROUTERS.replace(
            "networks: [172.16.1.0/24]}",
            &format!("networks: [172.16.1.0/24], neighbors: [{{peer: {tunnel}, local_preference: 200}}]}}"),
        );
        let net = net(&sites(&format!("{NORTH}, {second}"), &other, ""));
        check(&net, "n1 -> app tcp/443", "open");
        let path = ask(&net, "n1 -> app tcp/443").request;
        let by = path.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by)).collect::<Vec<_>>();
        assert!(by.contains(&format!("vpn {tunnel}")), "{by:?}");
    }
}

/// BGP-19, case 18: AWS asks by MED to be sent to by one tunnel; a router that prefers the other by local preference does not
/// listen, and loses its traffic when that one is down at AWS's end only by being told so.
#[test]
fn local_preference_beats_med_case_18() {
    let first = |routers: &str| {
        let net = net(&sites(NORTH, routers, ""));
        let path = ask(&net, "n1 -> app tcp/443").request;
        let by = path.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
        by.filter(|text| text.starts_with("vpn ")).collect::<Vec<_>>()
    };
    assert_eq!(first(ROUTERS), ["vpn vpn-n/1"]);
    let stubborn = ROUTERS.replace(
        "networks: [172.16.1.0/24]}",
        "networks: [172.16.1.0/24], neighbors: [{peer: vpn-n/2, local_preference: 200}]}",
    );
    assert_eq!(first(&stubborn), ["vpn vpn-n/2"]);
}

/// A router whose firewall wants both directions by one tunnel drops the answer that comes by the other.
#[test]
fn a_firewall_dislikes_the_other_tunnel() {
    let stubborn = ROUTERS.replace(
        "networks: [172.16.1.0/24]}",
        "networks: [172.16.1.0/24], stateful_firewall: true, neighbors: [{peer: vpn-n/2, local_preference: 200}]}",
    );
    let net = net(&sites(NORTH, &stubborn, ""));
    check(&net, "n1 -> app tcp/443", "no_reply reply router north: its firewall has not seen");
    check(&net, "app -> n1 tcp/22", "no_reply reply router north: its firewall has not seen");
    // Without the firewall it works, by two tunnels, and that is said.
    let net = super::harness::net(&sites(NORTH, &stubborn.replace("stateful_firewall: true, ", ""), ""));
    check(&net, "app -> n1 tcp/22", "open");
    let hints = hints(&net, &ask(&net, "app -> n1 tcp/22"));
    let [Hint::Asymmetric { request, reply }] = &hints[..] else { panic!("{hints:?}") };
    assert!(matches!((&request[..], &reply[..]), ([Device::Tunnel(_)], [Device::Tunnel(_)])), "{hints:?}");
}

/// VPN-12: IPv6 prefixes of a site are not told over a VPN.
#[test]
fn ipv4_only() {
    let routers = ROUTERS.replace("networks: [172.16.1.0/24]}", "networks: [172.16.1.0/24, '2001:db8:1::/48']}");
    let net = net(&sites(NORTH, &routers, ""));
    let routes = &net.fabric.vgws.iter().next().unwrap().fib.routes;
    assert_eq!(routes.iter().map(|r| r.to.to_string()).collect::<Vec<_>>(), ["172.16.1.0/24"]);
}

/// VPN-8, BGP-1: static routing: one tunnel carries everything; when it is down the other one.
#[test]
fn static_routing() {
    let fixed = "vpn-n: {customer_gateway: cgw-n, vpn_gateway: vgw, static_routes_only: true, static_routes: [172.16.1.0/24], tunnels: [{up: UP}, {}]}";
    let routers = ROUTERS
        .replace("networks: [172.16.1.0/24]}", "networks: [172.16.1.0/24], routes: [{to: 10.0.0.0/16, via: vpn-n}]}");
    for (up, tunnel) in [("true", "vpn vpn-n/1"), ("false", "vpn vpn-n/2")] {
        let net = net(&sites(&fixed.replace("UP", up), &routers, ""));
        let answer = ask(&net, "app -> n1 tcp/22");
        assert_eq!(answer.outcome, Outcome::Open);
        let by = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
        assert_eq!(by.filter(|text| text.starts_with("vpn ")).collect::<Vec<_>>(), [tunnel]);
    }
}

/// RTB-6, RTB-7, RTB-14: what is propagated loses to `local` even if it is longer, and to a written route of its own length; a
/// longer one beats a written route.
#[test]
fn propagated_routes_have_the_last_word_only_by_length() {
    let announcing = |prefix: &str, routes: &str| {
        let routers = ROUTERS.replace(
            "networks: [172.16.1.0/24]}",
            &format!("networks: [172.16.1.0/24], originates: [172.16.1.0/24, {prefix}]}}"),
        );
        let yaml = sites(&format!("{NORTH}, {SOUTH}"), &routers, "internet_gateways: {igw: {vpc: v}}\n");
        net(&yaml.replace(
            "propagating_vpn_gateways: [vgw]",
            &format!("propagating_vpn_gateways: [vgw], routes: [{routes}]"),
        ))
    };
    let inside = announcing("10.0.1.0/25", "");
    check(&inside, "app -> 10.0.1.77 ping", "no_reply request vpc v: no interface has the destination address");
    let written = announcing("198.51.100.0/24", "{to: 198.51.100.0/24, via: igw}");
    check(&written, "app -> 198.51.100.7 ping", "no_reply request igw igw: the source has no public address");
    let longer = announcing("198.51.100.0/25", "{to: 198.51.100.0/24, via: igw}");
    check(&longer, "app -> 198.51.100.7 ping", "no_reply request router north route 198.51.100.0/25 -> discard");
}

/// VPN-1, VPN-2, VPN-3: what AWS refuses.
#[test]
fn bad_input() {
    let codes = |yaml: &str| diagnostics(yaml).into_iter().map(|d| d.code).collect::<Vec<_>>();
    let second = plain().replace("vgw: {vpc: v, asn: 64512}", "vgw: {vpc: v, asn: 64512}, other: {vpc: v}");
    assert_eq!(codes(&second), ["second-vpn-gateway"]);
    assert_eq!(codes(&plain().replace("asn: 64512", "asn: 0")), ["asn-range"]);
    for (inside, bad) in [
        ("169.254.0.0/30", true),
        ("169.254.5.0/30", true),
        ("169.254.169.252/30", true),
        ("10.0.0.0/30", true),
        ("169.254.8.0/29", true),
        ("169.254.6.0/30", false),
    ] {
        let yaml =
            plain().replace(NORTH, &NORTH.replace("vgw}", &format!("vgw, tunnels: [{{inside_cidr: {inside}}}]}}")));
        assert_eq!(codes(&yaml), vec!["inside-cidr"; usize::from(bad)], "{inside}");
    }
    let twice = NORTH.replace("vgw}", "vgw, tunnels: [{inside_cidr: 169.254.9.0/30}, {inside_cidr: 169.254.9.0/30}]}");
    assert_eq!(codes(&plain().replace(NORTH, &twice)), ["inside-cidr"]);
    assert_eq!(
        codes(&plain().replace("cgw-n: {router: north}", "cgw-n: {router: north, asn: 65099}")),
        ["asn-differs"]
    );
}

/// What is behind a tunnel that nobody describes is unknown, and never reachable.
#[test]
fn a_site_that_is_not_described() {
    let yaml = plain().replace("cgw-n: {router: north}", "cgw-n: {ip_address: 203.0.113.9}").replace(
        "propagating_vpn_gateways: [vgw]",
        "routes: [{to: 172.16.1.0/24, via: vgw, origin: propagated}, {to: 192.168.0.0/16, via: vgw}]",
    );
    let net = net(&yaml);
    check(&net, "app -> 172.16.1.20 tcp/22", "unknown request vgw vgw: what is behind it is not described");
    check(&net, "app -> 192.168.1.1 tcp/22", "unknown request vgw vgw: what is behind it is not described");
}
