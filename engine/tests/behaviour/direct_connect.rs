//! Direct Connect: `docs/behaviour/direct-connect.md`, cases 13, 14, 19, 20 and 21 of the design's hybrid list.

use super::harness::*;
use vpcsim_engine::compile::Network;
use vpcsim_engine::verdict::NotifyKind;

/// A VPC on a transit gateway with a Direct Connect gateway and a VPN to one router. `vpn` are the connection's further
/// fields, `routes` those of the transit gateway's table, `router` the router's.
fn both(vpn: &str, routes: &str, router: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
transit_gateways: {{t: {{asn: 64600, default_route_table_association: false, default_route_table_propagation: false}}}}
transit_gateway_vpc_attachments: {{tv: {{transit_gateway: t, vpc: v, subnets: [s]}}}}
transit_gateway_route_tables:
  tr: {{transit_gateway: t, associations: [tv, vpn, dx], propagations: [tv, vpn, dx], routes: [{routes}]}}
direct_connect_gateways: {{dxgw: {{asn: 64700}}}}
direct_connect_gateway_associations: {{dx: {{direct_connect_gateway: dxgw, transit_gateway: t, allowed_prefixes: [10.0.0.0/16]}}}}
direct_connect_connections: {{line: {{router: dc}}}}
virtual_interfaces: {{vif: {{type: transit, connection: line, vlan: 100, direct_connect_gateway: dxgw, mtu: 8500}}}}
customer_gateways: {{cgw: {{router: dc}}}}
vpn_connections: {{vpn: {{customer_gateway: cgw, transit_gateway: t{vpn}}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, routes: [{{to: 172.16.0.0/12, via: t}}]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [443]}}}}
routers: {{dc: {{asn: 65010{router}}}}}
site_hosts: {{db: {{router: dc, addresses: [172.16.5.5], listen: [1521]}}}}
"
    )
}

const LAN: &str = ", networks: [172.16.0.0/12]";

/// The tunnels and virtual interfaces that a request passes.
fn way(net: &Network, question: &str) -> Vec<String> {
    let answer = ask(net, question);
    let by = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
    by.filter(|text| text.starts_with("vpn ") || text.starts_with("vif ")).collect()
}

/// TGW-11, case 13: a static route to the VPN beats what Direct Connect propagates; without it Direct Connect is used; without
/// that, the VPN's BGP.
#[test]
fn static_vpn_against_direct_connect_case_13() {
    let static_vpn = both(", static_routes_only: true", "{to: 172.16.0.0/12, via: vpn}", LAN);
    assert_eq!(way(&net(&static_vpn), "app -> db tcp/1521"), ["vpn vpn/1"]);
    let learnt = both("", "", LAN);
    assert_eq!(way(&net(&learnt), "app -> db tcp/1521"), ["vif vif"]);
    check(&net(&learnt), "app -> db tcp/1521", "open");
    let down = learnt.replace("line: {router: dc}", "line: {router: dc, up: false}");
    let tunnels = way(&net(&down), "app -> db tcp/1521");
    assert!(matches!(&tunnels[..], [one] if one.starts_with("vpn vpn/")), "{tunnels:?}");
    check(&net(&down), "app -> db tcp/1521", "open");
}

/// BGP-5, VPN-9: BGP tunnels share, a flow stays with one. Case 14: a VPN with static routing never shares.
#[test]
fn sharing_is_for_bgp_case_14() {
    let down = |yaml: String| yaml.replace("line: {router: dc}", "line: {router: dc, up: false}");
    let shared = net(&down(both("", "", LAN)));
    assert_eq!(ask(&shared, "app -> db tcp/1521").alternatives.len(), 2, "one of two tunnels");
    assert_eq!(way(&shared, "app -> db tcp/1521"), way(&shared, "app -> db tcp/1521"));
    let off = down(both("", "", LAN)).replace("t: {asn: 64600,", "t: {asn: 64600, vpn_ecmp: false,");
    assert!(ask(&net(&off), "app -> db tcp/1521").alternatives.is_empty());
    let fixed = net(&down(both(", static_routes_only: true", "{to: 172.16.0.0/12, via: vpn}", LAN)));
    let answer = ask(&fixed, "app -> db tcp/1521");
    assert!(answer.alternatives.is_empty());
    assert_eq!(way(&fixed, "app -> db tcp/1521").len(), 1);
}

/// BGP-13, case 19: 101 prefixes take the session down, and with it all of them; the VPN takes over.
#[test]
fn one_prefix_too_many_case_19() {
    let announcing = |prefixes: usize| {
        let list: Vec<String> = (0..prefixes).map(|n| format!("172.{}.{}.0/24", 16 + n / 200, n % 200)).collect();
        // Nothing but these: a router would pass on what its VPN tells it.
        let (all, by) = (list.join(", "), "neighbors: [{peer: vif, announces: [");
        both("", "", &format!(", networks: [{all}], {by}{all}]}}]"))
    };
    assert_eq!(way(&net(&announcing(100)), "app -> db tcp/1521"), ["vif vif"]);
    let yaml = announcing(101);
    let found = diagnostics(&yaml);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["prefix-limit"]);
    let (spec, _) = vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), yaml.as_bytes());
    let net = vpcsim_engine::compile::compile(&spec.unwrap()).0.expect("a warning only");
    let tunnels = way(&net, "app -> db tcp/1521");
    assert!(matches!(&tunnels[..], [one] if one.starts_with("vpn vpn/")), "{tunnels:?}");
}

/// A VPC with a virtual private gateway behind a Direct Connect gateway.
pub(super) fn private(allowed: &str, vifs: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
vpn_gateways: {{vgw: {{vpc: v}}}}
direct_connect_gateways: {{dxgw: {{asn: 64700}}}}
direct_connect_gateway_associations: {{dx: {{direct_connect_gateway: dxgw, vpn_gateway: vgw{allowed}}}}}
direct_connect_connections: {{line: {{router: dc}}, line-2: {{router: far, region: us-west-2}}}}
virtual_interfaces: {{vif: {{type: private, connection: line, vlan: 100, direct_connect_gateway: dxgw, mtu: 9001}}{vifs}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, propagating_vpn_gateways: [vgw]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [443]}}}}
routers: {{dc: {{asn: 65010, networks: [172.16.0.0/16]}}, far: {{asn: 65020, networks: [172.17.0.0/16]}}}}
site_hosts: {{db: {{router: dc, addresses: [172.16.5.5], listen: [1521]}}, pc: {{router: far, addresses: [172.17.5.5], listen: [22]}}}}
"
    )
}

/// What a router has learnt.
fn learnt(net: &Network, router: &str) -> Vec<String> {
    let index = net.names.routers.iter_enumerated().find(|(_, label)| label.id == router).unwrap().0;
    let routes = net.fabric.routers[index].fib.routes.iter();
    routes.map(|r| r.to.to_string()).filter(|to| to.starts_with("10.")).collect()
}

/// BGP-14, BGP-15, case 20: a filter for a virtual private gateway, the list itself for a transit gateway.
#[test]
fn allowed_prefixes_case_20() {
    let vgw = |list: &str| learnt(&net(&private(&format!(", allowed_prefixes: [{list}]"), "")), "dc");
    assert_eq!(vgw("10.0.0.0/24"), [""; 0]);
    assert_eq!(vgw("10.0.0.0/8"), ["10.0.0.0/16"]);
    assert_eq!(vgw("10.0.0.0/16"), ["10.0.0.0/16"]);
    let tgw = |list: &str| {
        let yaml = both("", "", LAN).replace("allowed_prefixes: [10.0.0.0/16]", &format!("allowed_prefixes: [{list}]"));
        learnt(
            &net(&yaml.replace(", vpn, dx], propagations", ", dx], propagations").replace("[tv, vpn, dx]", "[tv, dx]")),
            "dc",
        )
    };
    assert_eq!(tgw("10.0.0.0/24"), ["10.0.0.0/24"]);
    assert_eq!(tgw("10.0.0.0/8"), ["10.0.0.0/8"]);
    assert_eq!(tgw(""), [""; 0]);
}

/// BGP-8, BGP-9, BGP-11, BGP-12, case 21: at home the shorter path; the remote location wins by a community, or with SiteLink.
#[test]
fn a_remote_location_with_a_shorter_path_case_21() {
    let with = |communities: &str, site_link: &str| {
        let more = format!(
            ", vif-b: {{type: private, connection: line-b, vlan: 1, direct_connect_gateway: dxgw{site_link}}}, \
             vif-r: {{type: private, connection: line-2, vlan: 1, direct_connect_gateway: dxgw{site_link}}}"
        );
        let yaml = private("", &more)
            .replace("mtu: 9001}", &format!("mtu: 9001{site_link}}}"))
            .replace("line: {router: dc}", "line: {router: dc}, line-b: {router: dc-b}")
            .replace(
                "dc: {asn: 65010, networks: [172.16.0.0/16]}",
                "dc: {asn: 65010, networks: [172.16.0.0/16], neighbors: [{peer: vif, prepend: 2}]}, \
                 dc-b: {asn: 65010, networks: [172.16.0.0/16], neighbors: [{peer: vif-b, prepend: 1}]}",
            )
            .replace(
                "far: {asn: 65020, networks: [172.17.0.0/16]}",
                &format!("far: {{asn: 65020, networks: [172.17.0.0/16, 172.16.0.0/16], neighbors: [{{peer: vif-r{communities}}}]}}"),
            );
        way(&net(&yaml), "app -> 172.16.5.5 tcp/1521")
    };
    assert_eq!(with("", ""), ["vif vif-b"]);
    assert_eq!(with(", communities: ['7224:7300']", ""), ["vif vif-r"]);
    assert_eq!(with("", ", site_link: true"), ["vif vif-r"]);
}

/// VPCs in two Regions behind one Direct Connect gateway, by virtual private gateways or by transit gateways, and two sites'
/// routers with one prefix, each at a location of one of the Regions. `near` and `far` are fields of their sessions.
fn two_regions(transit: bool, near: &str, far: &str, fields: &str) -> String {
    let (kind, ends) = match transit {
        true => ("transit", "transit_gateways: {t1: {asn: 64601}, t2: {asn: 64602, region: eu-west-1}}
transit_gateway_vpc_attachments: {a1: {transit_gateway: t1, vpc: v, subnets: [s]}, a2: {transit_gateway: t2, vpc: w, subnets: [u]}}
direct_connect_gateway_associations:
  d1: {direct_connect_gateway: dxgw, transit_gateway: t1, allowed_prefixes: [10.0.0.0/16]}
  d2: {direct_connect_gateway: dxgw, transit_gateway: t2, allowed_prefixes: [10.1.0.0/16]}
route_tables: {r: {vpc: v, routes: [{to: 0.0.0.0/0, via: t1}]}, q: {vpc: w, routes: [{to: 0.0.0.0/0, via: t2}]}}"),
        false => ("private", "vpn_gateways: {g1: {vpc: v}, g2: {vpc: w}}
direct_connect_gateway_associations:
  d1: {direct_connect_gateway: dxgw, vpn_gateway: g1}
  d2: {direct_connect_gateway: dxgw, vpn_gateway: g2}
route_tables: {r: {vpc: v, propagating_vpn_gateways: [g1]}, q: {vpc: w, propagating_vpn_gateways: [g2]}}"),
    };
    format!(
        "
region: us-east-1
vpcs: {{v: {{cidr: 10.0.0.0/16}}, w: {{cidr: 10.1.0.0/16, region: eu-west-1}}}}
{ends}
direct_connect_gateways: {{dxgw: {{asn: 64700}}}}
direct_connect_connections: {{line: {{router: dc}}, line-2: {{router: far, region: eu-west-1}}}}
virtual_interfaces:
  vif: {{type: {kind}, connection: line, vlan: 1, direct_connect_gateway: dxgw{fields}}}
  vif-2: {{type: {kind}, connection: line-2, vlan: 1, direct_connect_gateway: dxgw{fields}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}, u: {{vpc: w, az: eu-west-1a, cidr: 10.1.1.0/24, route_table: q}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}, h: {{vpc: w, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances:
  app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [443]}}
  web: {{subnet: u, address: 10.1.1.10, security_groups: [h], listen: [443]}}
routers:
  dc: {{asn: 65010, networks: [172.16.0.0/16], neighbors: [{{peer: vif{near}}}]}}
  far: {{asn: 65020, networks: [172.16.0.0/16, 172.17.0.0/16], neighbors: [{{peer: vif-2{far}}}]}}
site_hosts:
  db: {{router: dc, addresses: [172.16.5.5], listen: [1521]}}
  pc: {{router: far, addresses: [172.17.5.5], listen: [1521]}}
"
    )
}

/// BGP-33, BGP-9: each Region takes the location that is its own; a community is the same for all.
#[test]
fn one_gateway_in_two_regions() {
    for transit in [false, true] {
        let ways = |near: &str, far: &str| {
            let net = net(&two_regions(transit, near, far, ""));
            [way(&net, "app -> 172.16.5.5 tcp/1521"), way(&net, "web -> 172.16.5.5 tcp/1521")].concat()
        };
        assert_eq!(ways("", ""), ["vif vif", "vif vif-2"]);
        assert_eq!(ways(", prepend: 3", ""), ["vif vif", "vif vif-2"], "whatever the path");
        assert_eq!(ways("", ", shutdown: true"), ["vif vif", "vif vif"]);
        assert_eq!(ways("", ", communities: ['7224:7300']"), ["vif vif-2", "vif vif-2"]);
        assert_eq!(ways("", ", communities: ['7224:7100']"), ["vif vif", "vif vif"]);
        // Sites reach the VPCs of both Regions by either location, and answers come back by the VPC's own.
        let net = net(&two_regions(transit, "", "", ""));
        for question in ["pc -> app tcp/443", "pc -> web tcp/443", "app -> pc tcp/1521", "web -> pc tcp/1521"] {
            check(&net, question, "open");
        }
        // Not from one VPC to the other (DX-5).
        assert!(ask(&net, "app -> web tcp/443").outcome.word() == "no_reply");
    }
}

/// BGP-33, BGP-12: with SiteLink the Regions see alike, and sites reach each other.
#[test]
fn site_link_in_two_regions() {
    let yaml = two_regions(false, ", prepend: 1", "", ", site_link: true")
        .replace("172.16.0.0/16, 172.17.0.0/16", "172.17.0.0/16");
    let net = net(&yaml);
    check(&net, "db -> pc tcp/1521", "open");
    check(&net, "app -> pc tcp/1521", "open");
    check(&net, "web -> db tcp/1521", "open");
}

/// DX-5, DX-6, DX-95, BGP-12, BGP-16: a Direct Connect gateway joins sites only by SiteLink.
#[test]
fn site_link() {
    let second = ", vif-r: {type: private, connection: line-2, vlan: 1, direct_connect_gateway: dxgw}";
    let off = net(&private("", second));
    check(&off, "db -> pc tcp/22", "no_reply request router dc: no route to the destination");
    check(&off, "pc -> app tcp/443", "open");
    let on = private("", second)
        .replace("dxgw}", "dxgw, site_link: true}")
        .replace("mtu: 9001}", "mtu: 9001, site_link: true}");
    check(&net(&on), "db -> pc tcp/22", "open");
}

/// DX-2, DX-7: jumbo frames; what is too big is dropped, silently at AWS's end.
#[test]
fn jumbo_frames() {
    let mut world = World::new(&private("", ""));
    let (a, b) = ("10.0.1.10:1", "172.16.5.5:9");
    world.sends(&dont_fragment(udp(a, b, 9001 - 28)), "at db");
    let mut small = World::new(&private("", "").replace(", mtu: 9001", ""));
    let sent = small.send(&dont_fragment(udp(a, b, 1501 - 28)));
    assert!(sent.end.starts_with("dropped vif vif: larger than 1500 bytes"), "{}", sent.end);
    assert_eq!(sent.notify, None);
    let sent = small.send(&dont_fragment(udp(b, a, 1501 - 28)));
    assert_eq!(sent.notify.map(|n| n.kind), Some(NotifyKind::TooBig { mtu: 1500 }));
}

/// DX-1, DX-2, DX-3, DX-4: what AWS refuses.
#[test]
fn bad_input() {
    let codes = |yaml: &str| diagnostics(yaml).into_iter().map(|d| d.code).collect::<Vec<_>>();
    let one = private("", "");
    assert_eq!(codes(&one), [""; 0]);
    assert_eq!(codes(&one.replace("vlan: 100", "vlan: 0")), ["vlan"]);
    assert_eq!(codes(&one.replace("vlan: 100", "vlan: 4095")), ["vlan"]);
    let twice = ", vif-2: {type: private, connection: line, vlan: 100, direct_connect_gateway: dxgw}";
    assert_eq!(codes(&private("", twice)), ["vlan"]);
    assert_eq!(codes(&one.replace("mtu: 9001", "mtu: 8500")), ["vif-mtu"]);
    let kinds = one
        .replace("vpcs:", "transit_gateways: {t: {}}\nvpcs:")
        .replace("vpn_gateway: vgw}", "vpn_gateway: vgw}, dy: {direct_connect_gateway: dxgw, transit_gateway: t}");
    assert_eq!(codes(&kinds), ["association-kinds"]);
    let overlap = both("", "", LAN).replace("t: {asn: 64600,", "u: {}, t: {asn: 64600,").replace(
        "allowed_prefixes: [10.0.0.0/16]}",
        "allowed_prefixes: [10.0.0.0/16]}, dy: {direct_connect_gateway: dxgw, transit_gateway: u, allowed_prefixes: [10.0.5.0/24]}",
    );
    assert_eq!(codes(&overlap), ["allowed-prefixes"]);
}
