//! Variants of Site-to-Site VPN: IPv6 inside, acceleration, private addresses, large tunnels. Packet by packet; what takes time
//! is in `vpn_variants_time`.

use super::harness::*;
use vpcsim_engine::base::Bandwidth;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::Outcome;
use vpcsim_engine::verdict::NotifyKind;

/// A dual-stack VPC and a site with both families on a transit gateway.
pub(super) fn dual(vpn: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: ['2600:1f16:10::/56']}}}}
transit_gateways: {{t: {{asn: 64600}}}}
transit_gateway_vpc_attachments: {{tv: {{transit_gateway: t, vpc: v, subnets: [s], ipv6: true}}}}
customer_gateways: {{cgw: {{router: dc}}}}
vpn_connections: {{vpn: {{customer_gateway: cgw, transit_gateway: t{vpn}}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: '2600:1f16:10:1::/64', route_table: r}}}}
route_tables: {{r: {{vpc: v, routes: [{{to: 172.16.0.0/12, via: t}}, {{to: '2001:db8::/32', via: t}}]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: [0.0.0.0/0, '::/0']}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, ipv6_addresses: ['2600:1f16:10:1::10'], security_groups: [g], listen: [443]}}}}
routers: {{dc: {{asn: 65010, networks: [172.16.0.0/12, '2001:db8:5::/48']}}}}
site_hosts: {{db: {{router: dc, addresses: [172.16.5.5, '2001:db8:5::5'], listen: [1521]}}}}
"
    )
}

pub(super) const V6: &str = ", tunnel_inside_ip_version: ipv6";

fn learnt(net: &Network) -> Vec<String> {
    let routers = net.fabric.routers.iter().flat_map(|r| r.fib.routes.iter());
    let tables = net.fabric.tgw_rtbs.iter().flat_map(|t| t.routes.iter()).map(|r| r.to.to_string());
    routers
        .map(|r| r.to.to_string())
        .chain(tables)
        .filter(|to| !to.starts_with("172.16") && !to.starts_with("2001"))
        .collect()
}

/// VPN-30, VPN-31: a connection carries the family that it was made for, and tells prefixes of that family only.
#[test]
fn one_family_per_connection() {
    let (v4, v6) = (net(&dual("")), net(&dual(V6)));
    let (db4, db6) = ("172.16.5.5", "2001:db8:5::5");
    check(&v4, &format!("app -> {db4} tcp/1521"), "open");
    check(&v6, &format!("app -> {db6} tcp/1521"), "open");
    check(&v6, "2001:db8:5::5 -> 2600:1f16:10:1::10 tcp/443", "open");
    check(&v4, &format!("app -> {db6} tcp/1521"), "no_reply request tgw rtb t/default: no route");
    check(&v6, &format!("app -> {db4} tcp/1521"), "no_reply request tgw rtb t/default: no route");
    assert_eq!(learnt(&v4), ["10.0.0.0/16", "10.0.0.0/16", "2600:1f16:10::/56"]);
    assert_eq!(learnt(&v6), ["2600:1f16:10::/56", "10.0.0.0/16", "2600:1f16:10::/56"]);
    let inside = v6.fabric.tunnels.iter().map(|t| t.inside.map(|a| a.to_string()));
    assert_eq!(inside.collect::<Vec<_>>(), [["fd00:a9fe::1", "fd00:a9fe::2"], ["fd00:a9fe::5", "fd00:a9fe::6"]]);
    let written = dual(&format!("{V6}, tunnels: [{{inside_ipv6_cidr: 'fd00:9::4/126', inside_cidr: 169.254.9.0/30}}]"));
    assert_eq!(net(&written).fabric.tunnels.iter().next().unwrap().inside[1].to_string(), "fd00:9::6");
}

/// VPN-31: what a written route sends into a tunnel of the other family ends there.
#[test]
fn the_other_family_does_not_pass() {
    let table = "transit_gateway_route_tables: {tr: {transit_gateway: t, default_association: true, default_propagation: true, routes: [{to: '::/0', via: vpn}]}}\n";
    let v4 = net(&format!("{}{table}", dual("")));
    check(&v4, "app -> 2001:db8:5::5 tcp/1521", "no_reply request vpn vpn/1: carries IPv4 only");
    let table = table.replace("'::/0'", "0.0.0.0/0");
    check(
        &net(&format!("{}{table}", dual(V6))),
        "app -> 172.16.5.5 tcp/1521",
        "no_reply request vpn vpn/1: carries IPv6 only",
    );
    let back = dual(V6).replace("'2001:db8:5::/48']", "'2001:db8:5::/48'], routes: [{to: 10.0.0.0/16, via: vpn}]");
    check(&net(&back), "172.16.5.5 -> 10.0.1.10 tcp/443", "no_reply request vpn vpn/1: carries IPv6 only");
}

/// VPN-32, VPN-4: the largest packet is the same, the largest segment 20 bytes smaller; nothing is cut, and AWS tells nobody.
#[test]
fn what_fits_with_ipv6_inside() {
    for (nat, suite, mtu, mss) in [
        ("", "aes256-gcm-16", 1446, 1386u16),
        (", behind_nat: true", "aes256-gcm-16", 1438, 1378),
        ("", "aes128", 1438, 1378),
        (", behind_nat: true", "aes128", 1422, 1362),
    ] {
        let tunnels = format!("{V6}, tunnels: [{{encryption: {suite}}}, {{encryption: {suite}}}]");
        let yaml = dual(&tunnels).replace("asn: 65010,", &format!("asn: 65010{nat},"));
        let mut world = World::new(&yaml);
        let (a, b) = ("[2600:1f16:10:1::10]:1", "[2001:db8:5::5]:9");
        world.sends(&udp(a, b, mtu - 48), "at db");
        let sent = world.send(&udp(a, b, mtu + 1 - 48));
        assert!(sent.end.starts_with(&format!("dropped vpn vpn/1: larger than {mtu} bytes")), "{}", sent.end);
        assert_eq!(sent.notify, None, "AWS's end is silent");
        let sent = world.send(&udp(b, a, mtu + 1 - 48));
        assert_eq!(sent.notify.map(|n| n.kind), Some(NotifyKind::TooBig { mtu }), "{}", sent.end);
        let mut syn = tcp("[2001:db8:5::5]:40000", "[2600:1f16:10:1::10]:443", SYN);
        syn.payload = (&[2u8, 4, 0x05, 0xb4][..]).into();
        if let vpcsim_engine::wire::L4::Tcp(tcp) = &mut syn.headers.l4 {
            tcp.options_len = 4;
        }
        let [high, low] = mss.to_be_bytes();
        assert_eq!(world.sends(&syn, "to app").payload.to_vec(), [2, 4, high, low], "{suite}{nat}");
    }
}

/// VPN-30: a default route that a router is to tell is that of the family.
#[test]
fn a_default_route_of_the_family() {
    let yaml = dual(V6).replace("asn: 65010,", "asn: 65010, neighbors: [{peer: vpn, default_originate: true}],");
    let net = net(&yaml);
    let all = net.fabric.tgw_rtbs.iter().flat_map(|t| t.routes.iter()).map(|r| r.to.to_string());
    assert!(
        all.clone().any(|to| to == "::/0") && all.clone().all(|to| to != "0.0.0.0/0"),
        "{:?}",
        all.collect::<Vec<_>>()
    );
}

/// VPN-33, VPN-34: an accelerated connection is in UDP whether there is a NAT device or not, so less fits.
#[test]
fn accelerated_is_in_udp() {
    let net = net(&dual(", accelerated: true"));
    for tunnel in net.fabric.tunnels.iter() {
        assert!(tunnel.natt && tunnel.mtu == 1438 && !tunnel.life.aws_renews, "{tunnel:?}");
    }
    check(&net, "app -> 172.16.5.5 tcp/1521", "open");
}

/// VPN-43: both tunnels of a connection are standard or large.
#[test]
fn large_tunnels() {
    for (vpn, bandwidth) in [
        ("", Bandwidth(1_250_000_000)),
        (", tunnel_bandwidth: standard", Bandwidth(1_250_000_000)),
        (", tunnel_bandwidth: large", Bandwidth::gbps(5)),
    ] {
        let net = net(&dual(vpn));
        let links = net.fabric.tunnels.iter().map(|t| net.fabric.link(t.link).bandwidth);
        assert_eq!(links.collect::<Vec<_>>(), [Some(bandwidth); 2], "{vpn}");
    }
}

/// A private IP VPN with a table of its own for Direct Connect. `interfaces` and `lines` go into their maps.
pub(super) fn private(lines: &str, interfaces: &str, router: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
transit_gateways: {{t: {{asn: 64600, cidrs: [10.99.0.0/24], default_route_table_association: false, default_route_table_propagation: false}}}}
transit_gateway_vpc_attachments: {{tv: {{transit_gateway: t, vpc: v, subnets: [s]}}}}
transit_gateway_route_tables:
  inner: {{transit_gateway: t, associations: [tv, vpn], propagations: [tv, vpn]}}
  outer: {{transit_gateway: t, associations: [dx]}}
direct_connect_gateways: {{dxgw: {{asn: 64700}}}}
direct_connect_gateway_associations: {{dx: {{direct_connect_gateway: dxgw, transit_gateway: t, allowed_prefixes: [10.99.0.0/24]}}}}
direct_connect_connections: {{line: {{router: dc}}{lines}}}
virtual_interfaces: {{vif: {{type: transit, connection: line, vlan: 100, direct_connect_gateway: dxgw, mtu: 8500}}{interfaces}}}
customer_gateways: {{cgw: {{router: dc, ip_address: 172.16.0.1}}}}
vpn_connections: {{vpn: {{customer_gateway: cgw, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: dx}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, routes: [{{to: 172.16.0.0/12, via: t}}]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [443]}}}}
routers: {{dc: {{asn: 65010, public_ip: 203.0.113.5, networks: [172.16.0.0/12]{router}}}}}
site_hosts: {{db: {{router: dc, addresses: [172.16.5.5], listen: [1521]}}}}
"
    )
}

fn one_line() -> String {
    private("", "", "")
}

/// The connections (either tunnel) and virtual interfaces that a request passes.
fn way(net: &Network, question: &str) -> Vec<String> {
    let answer = ask(net, question);
    assert_eq!(answer.outcome, Outcome::Open, "{question}");
    let by = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
    let by = by.filter(|text| text.starts_with("vpn ") || text.starts_with("vif "));
    by.map(|text| text.trim_end_matches(['/', '1', '2']).to_owned()).collect()
}

/// VPN-36, VPN-38: private outer addresses, AWS's of the transit gateway's block, over the virtual interface both ways; what is
/// inside follows the table of the VPN's attachment.
#[test]
fn a_private_vpn_over_direct_connect() {
    let net = net(&one_line());
    let outside = net.fabric.tunnels.iter().map(|t| t.outside.map(|a| a.to_string())).collect::<Vec<_>>();
    assert_eq!(outside, [["10.99.0.1", "172.16.0.1"], ["10.99.0.2", "172.16.0.1"]]);
    assert_eq!(way(&net, "app -> db tcp/1521"), ["vpn vpn", "vif vif"]);
    assert_eq!(way(&net, "db -> app tcp/443"), ["vpn vpn", "vif vif"]);
    // The Direct Connect gateway's attachment has a table without routes: nothing gets in beside the VPN.
    let routers = net.fabric.routers.iter().next().unwrap();
    let told = routers.fib.routes.iter().map(|r| r.to.to_string()).collect::<Vec<_>>();
    assert_eq!(told, ["10.0.0.0/16", "10.99.0.0/24", "172.16.0.0/12"]);
}

/// VPN-39: a jumbo virtual interface gains nothing.
#[test]
fn no_jumbo_inside() {
    let mut world = World::new(&one_line());
    let (a, b) = ("10.0.1.10:1", "172.16.5.5:9");
    world.sends(&dont_fragment(udp(a, b, 1446 - 28)), "at db");
    let sent = world.send(&dont_fragment(udp(a, b, 1447 - 28)));
    assert!(sent.end.starts_with("dropped vpn vpn/1: larger than 1446 bytes"), "{}", sent.end);
}

/// VPN-37: a tunnel is up only if its ends know the way to each other's outer addresses.
#[test]
fn the_outer_addresses_must_reach_each_other() {
    let states = |yaml: &str| net(yaml).fabric.tunnels.iter().map(|t| t.up).collect::<Vec<_>>();
    assert_eq!(states(&one_line()), [[true; 2]; 2]);
    // The router does not announce its own address to AWS, or the line is down.
    let unannounced = private("", "", ", neighbors: [{peer: vif, announces: []}]");
    let cut = one_line().replace("line: {router: dc}", "line: {router: dc, up: false}");
    let shut = private("", "", ", neighbors: [{peer: vif, shutdown: true}]");
    for yaml in [unannounced, cut, shut] {
        assert_eq!(states(&yaml), [[false; 2]; 2], "{yaml}");
        check(&net(&yaml), "app -> db tcp/1521", "no_reply request tgw rtb inner: no route");
    }
    // With static routing the packet gets to the tunnel, and no further.
    let fixed = one_line()
        .replace("transport_transit", "static_routes_only: true, transport_transit")
        .replace("propagations: [tv, vpn]", "propagations: [tv], routes: [{to: 172.16.0.0/12, via: vpn}]");
    check(
        &net(&fixed.replace("vlan: 100,", "vlan: 100, up: false,")),
        "app -> db tcp/1521",
        "no_reply request vpn vpn/1 is down",
    );
    check(
        &net(&fixed.replace("172.16.0.0/12]}", "172.16.0.0/12], routes: [{to: 10.0.0.0/16, via: vpn}]}")),
        "app -> db tcp/1521",
        "open",
    );
}

/// VPN-37, VPN-42: a line that loses everything ends what a tunnel over it carries, though nobody has noticed yet; its latency
/// is part of the way.
#[test]
fn dead_lines_under_tunnels() {
    let dead = one_line().replace("line: {router: dc}", "line: {router: dc, loss: 100%}");
    check(&net(&dead), "app -> db tcp/1521", "no_reply request line link is down");
    let line = |fields: &str| net(&dual("").replace("asn: 65010,", &format!("asn: 65010, internet: {{{fields}}},")));
    check(&line("loss: 100%"), "app -> 172.16.5.5 tcp/1521", "no_reply request dc internet link is down");
    let latency = |net: &Network, question: &str| ask(net, question).request.latency;
    let [plain, far] = ["", "latency: 7ms"].map(|fields| latency(&line(fields), "app -> 172.16.5.5 tcp/1521"));
    assert_eq!(far.0 - plain.0, 7_000_000);
    let slow = one_line().replace("line: {router: dc}", "line: {router: dc, latency: 9ms}");
    let [plain, far] = [one_line(), slow].map(|yaml| latency(&net(&yaml), "app -> db tcp/1521"));
    assert_eq!(far.0 - plain.0, 8_000_000, "1 ms unless it is written");
}

/// VPN-36: it is an interface of that Direct Connect gateway that carries it, and whichever of them routes choose.
#[test]
fn routes_choose_the_line() {
    let two = |router: &str| {
        private(
            ", spare: {router: dc}",
            ", other: {type: transit, connection: spare, vlan: 200, direct_connect_gateway: dxgw, mtu: 8500}",
            router,
        )
    };
    let prefers = ", neighbors: [{peer: other, local_preference: 200, communities: ['7224:7300']}]";
    let net_ = net(&two(prefers));
    assert_eq!(way(&net_, "app -> db tcp/1521"), ["vpn vpn", "vif other"]);
    assert_eq!(way(&net_, "db -> app tcp/443"), ["vpn vpn", "vif other"]);
    let down = net(&two(prefers).replace("spare: {router: dc}", "spare: {router: dc, up: false}"));
    assert_eq!(way(&down, "app -> db tcp/1521"), ["vpn vpn", "vif vif"]);
}

/// BGP-7: a private VPN's route is used before that of a VPN over the internet.
#[test]
fn a_private_vpn_before_a_public_one() {
    let yaml = one_line()
        .replace(
            "cgw: {router: dc, ip_address: 172.16.0.1}",
            "cgw: {router: dc, ip_address: 172.16.0.1}, open: {router: dc}",
        )
        .replace("vpn_connections: {", "vpn_connections: {a-public: {customer_gateway: open, transit_gateway: t}, ")
        .replace(
            "associations: [tv, vpn], propagations: [tv, vpn]",
            "associations: [tv, vpn, a-public], propagations: [tv, a-public, vpn]",
        );
    assert_eq!(way(&net(&yaml), "app -> db tcp/1521"), ["vpn vpn", "vif vif"]);
    let down = yaml.replace("line: {router: dc}", "line: {router: dc, up: false}");
    assert_eq!(way(&net(&down), "app -> db tcp/1521"), ["vpn a-public"]);
}
