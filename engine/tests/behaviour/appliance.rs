//! Inspection behind a transit gateway, peered transit gateways, Connect tunnels: TGW-6, TGW-10, TGW-23 to TGW-28, GST-12, and
//! cases 9 and 10 of the design's hybrid list.

use super::harness::*;
use std::collections::BTreeSet;
use vpcsim_engine::compile::compile_failed;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Common, Device, Hint, Outcome, hints};
use vpcsim_engine::spec;

/// A client in zone a, servers in zones a and b, stateful firewalls per zone in an inspection VPC. `back` is the transit
/// gateway by which the firewalls send.
fn inspected(appliance_mode: &str, back: &str) -> String {
    format!(
        "
vpcs: {{c: {{cidr: 10.1.0.0/16}}, s: {{cidr: 10.2.0.0/16}}, i: {{cidr: 10.9.0.0/16}}}}
transit_gateways:
  t: {{default_route_table_association: false, default_route_table_propagation: false}}
  t2: {{default_route_table_association: false, default_route_table_propagation: false}}
transit_gateway_vpc_attachments:
  tc: {{transit_gateway: t, vpc: c, subnets: [c-a]}}
  ts: {{transit_gateway: t, vpc: s, subnets: [s-a, s-b]}}
  ti: {{transit_gateway: t, vpc: i, subnets: [i-a, i-b]{appliance_mode}}}
  t2c: {{transit_gateway: t2, vpc: c, subnets: [c-a]}}
  t2s: {{transit_gateway: t2, vpc: s, subnets: [s-a, s-b]}}
  t2i: {{transit_gateway: t2, vpc: i, subnets: [i-a, i-b]{appliance_mode}}}
transit_gateway_route_tables:
  before: {{transit_gateway: t, associations: [tc, ts], routes: [{{to: 0.0.0.0/0, via: ti}}]}}
  after: {{transit_gateway: t, associations: [ti], propagations: [tc, ts]}}
  before2: {{transit_gateway: t2, associations: [t2c, t2s], routes: [{{to: 0.0.0.0/0, via: t2i}}]}}
  after2: {{transit_gateway: t2, associations: [t2i], propagations: [t2c, t2s]}}
subnets:
  c-a: {{vpc: c, az: a, cidr: 10.1.1.0/24, route_table: rc}}
  s-a: {{vpc: s, az: a, cidr: 10.2.1.0/24, route_table: rs}}
  s-b: {{vpc: s, az: b, cidr: 10.2.2.0/24, route_table: rs}}
  i-a: {{vpc: i, az: a, cidr: 10.9.1.0/24, route_table: ria}}
  i-b: {{vpc: i, az: b, cidr: 10.9.2.0/24, route_table: rib}}
  f-a: {{vpc: i, az: a, cidr: 10.9.11.0/24, route_table: rf}}
  f-b: {{vpc: i, az: b, cidr: 10.9.12.0/24, route_table: rf}}
route_tables:
  rc: {{vpc: c, routes: [{{to: 10.0.0.0/8, via: t}}]}}
  rs: {{vpc: s, routes: [{{to: 10.0.0.0/8, via: {back}}}]}}
  ria: {{vpc: i, routes: [{{to: 10.0.0.0/8, via: fw-a}}]}}
  rib: {{vpc: i, routes: [{{to: 10.0.0.0/8, via: fw-b}}]}}
  rf: {{vpc: i, routes: [{{to: 10.0.0.0/8, via: t}}]}}
security_groups:
  gc: {{vpc: c}}
  gs: {{vpc: s, inbound: [{{from: 10.0.0.0/8}}]}}
  gf: {{vpc: i, inbound: [{{from: 10.0.0.0/8}}]}}
  gn: {{vpc: s, inbound: [{{protocol: tcp, ports: 22, from: gc}}]}}
instances:
  client: {{subnet: c-a, address: 10.1.1.10, security_groups: [gc]}}
  near: {{subnet: s-a, address: 10.2.1.10, security_groups: [gs], listen: [443]}}
  far: {{subnet: s-b, address: 10.2.2.10, security_groups: [gs], listen: [443]}}
  named: {{subnet: s-a, address: 10.2.1.20, security_groups: [gn], listen: [22]}}
  fw-a: {{subnet: f-a, address: 10.9.11.10, security_groups: [gf], source_dest_check: false, forwarding: {{stateful: true}}}}
  fw-b: {{subnet: f-b, address: 10.9.12.10, security_groups: [gf], source_dest_check: false, forwarding: {{stateful: true}}}}
"
    )
}

/// TGW-8, TGW-10, TGW-28, GST-12, case 9: without appliance mode the SYN passes one firewall and the SYN-ACK the other, which
/// drops it; with it the flow stays with one.
#[test]
fn appliance_mode_case_9() {
    let off = net(&inspected("", "t"));
    check(&off, "client -> near tcp/443", "open");
    check(&off, "client -> far tcp/443", "no_reply reply instance fw-b: a stateful appliance");
    let shown = hints(&off, &ask(&off, "client -> far tcp/443"));
    let guests = |devices: &[Device]| -> Vec<String> {
        let name = |d: &Device| match d {
            Device::Guest(guest) => off.names.guests[*guest].short().to_owned(),
            other => format!("{other:?}"),
        };
        devices.iter().map(name).collect()
    };
    let [Hint::Asymmetric { request, reply }] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!((guests(request), guests(reply)), (vec!["fw-a".to_owned()], vec!["fw-b".to_owned()]));
    let on = net(&inspected(", appliance_mode: true", "t"));
    let answer = ask(&on, "client -> far tcp/443");
    assert_eq!(answer.outcome, Outcome::Open);
    assert_eq!(answer.alternatives.len(), 2, "one zone for the whole flow: two ways, not four");
    assert!(!answer.depends_on_choice());
    assert!(hints(&on, &answer).is_empty(), "the same firewall both ways");
}

/// TGW-10, case 10: out by one transit gateway, back by another, appliance mode on both: each chooses for itself, so it may or
/// may not meet the firewall that knows the flow; and the asymmetric path is shown.
#[test]
fn two_transit_gateways_case_10() {
    let net = net(&inspected(", appliance_mode: true", "t2"));
    let answer = ask(&net, "client -> far tcp/443");
    assert_eq!(answer.alternatives.len(), 4);
    assert!(answer.depends_on_choice());
    assert_eq!(answer.share(Outcome::Open), 500_000);
    assert!(matches!(answer.common(&net.fabric), Some(Common::Different(..))), "{:?}", answer.common(&net.fabric));
    assert!(hints(&net, &answer).iter().any(|hint| matches!(hint, Hint::Asymmetric { .. })));
}

/// TGW-20, and SG-9: behind an appliance a rule that names the sender's group does not match; case 14 of the core list, by
/// a transit gateway.
#[test]
fn a_group_behind_an_appliance_core_case_14() {
    let yaml = inspected("", "t").replace("  t: {default", "  t: {security_group_referencing: true, default");
    let net = net(&yaml);
    let answer = ask(&net, "client -> named tcp/22");
    check(&net, "client -> named tcp/22", "no_reply request sg gn inbound default: no rule matches");
    let lost = hints(&net, &answer).into_iter().find_map(|hint| match hint {
        Hint::GroupNotCarried { lost, .. } => Some(lost.code()),
        _ => None,
    });
    assert_eq!(lost, Some("SG_REFERENCES_NOT_PRESERVED"));
}

/// TGW-20: a group is not known behind a VPC in between, also if no appliance is there: its table leads back to the transit
/// gateway at once. Directly it is known; and address blocks match by either way.
#[test]
fn a_group_behind_a_vpc_in_between() {
    let between = inspected("", "t")
        .replace("  t: {default", "  t: {security_group_referencing: true, default")
        .replace("via: fw-a}", "via: t}");
    let direct = between.replace("associations: [tc, ts],", "associations: [tc, ts], propagations: [tc, ts],");
    assert_ne!(direct, between);
    let (between, direct) = (net(&between), net(&direct));
    check(&direct, "client -> named tcp/22", "open");
    check(&between, "client -> named tcp/22", "no_reply request sg gn inbound default: no rule matches");
    let ways = |net| crossings(net, "client -> near tcp/443").into_iter().filter(|c| c.starts_with("ti/")).count();
    assert_eq!((ways(&between), ways(&direct)), (4, 0), "in and out, there and back");
    check(&between, "client -> near tcp/443", "open");
}

/// TGW-9, TGW-10: the same flow chooses the same zone in every run, and when a zone fails only its flows move.
#[test]
fn a_zone_fails_and_only_its_flows_move() {
    let yaml = inspected(", appliance_mode: true", "t");
    let (spec, _) = spec::read(FileIx(0), yaml.as_bytes());
    let spec = spec.unwrap();
    let all = compile_failed(&spec, 0, &BTreeSet::new()).0.unwrap();
    let failed = compile_failed(&spec, 1, &BTreeSet::from(["us-east-1b".to_owned()])).0.unwrap();
    let mut zones = BTreeSet::new();
    for port in 1000..1100 {
        let by = |net: &vpcsim_engine::compile::Network| {
            let (from, to) = vpcsim_engine::explain::resolve_origin(net, "client", "near").unwrap();
            let protocol = vpcsim_engine::base::Protocol::TCP;
            let question = vpcsim_engine::explain::Question { from, to, protocol, src_port: Some(port), dst_port: 443 };
            let answer = vpcsim_engine::explain::ask(net, &question);
            let hop = answer.request.hops.iter().find(|hop| net.names.enis[hop.eni].id.starts_with("ti/"));
            net.names.enis[hop.unwrap().eni].id.clone()
        };
        let before = by(&all);
        assert_eq!(by(&all), before);
        assert_eq!(by(&failed), "ti/i-a");
        zones.insert(before);
    }
    assert_eq!(zones.len(), 2, "both zones are used");
}

/// TGW-6, REG-1: static routes on both sides; the peering has a table; groups do not cross it.
#[test]
fn peered_transit_gateways() {
    let yaml = |near: &str, far: &str| {
        format!(
            "
vpcs: {{a: {{cidr: 10.1.0.0/16}}, b: {{cidr: 10.2.0.0/16, region: eu-west-1}}}}
transit_gateways: {{t: {{security_group_referencing: true}}, u: {{region: eu-west-1, security_group_referencing: true}}}}
transit_gateway_vpc_attachments: {{ta: {{transit_gateway: t, vpc: a, subnets: [sa]}}, ub: {{transit_gateway: u, vpc: b, subnets: [sb]}}}}
transit_gateway_peering_attachments: {{tu: {{requester: t, accepter: u}}}}
transit_gateway_route_tables:
  tt: {{transit_gateway: t, default_association: true, default_propagation: true, routes: [{near}]}}
  uu: {{transit_gateway: u, default_association: true, default_propagation: true, routes: [{far}]}}
subnets: {{sa: {{vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}}, sb: {{vpc: b, az: a, cidr: 10.2.1.0/24, route_table: rb}}}}
route_tables: {{ra: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: t}}]}}, rb: {{vpc: b, routes: [{{to: 10.1.0.0/16, via: u}}]}}}}
security_groups: {{ga: {{vpc: a}}, gb: {{vpc: b, inbound: [{{protocol: icmp, from: 10.0.0.0/8}}]}}}}
instances: {{a1: {{subnet: sa, address: 10.1.1.10, security_groups: [ga]}}, b1: {{subnet: sb, address: 10.2.1.10, security_groups: [gb]}}}}"
        )
    };
    let both = net(&yaml("{to: 10.2.0.0/16, via: tu}", "{to: 10.1.0.0/16, via: tu}"));
    check(&both, "a1 -> b1 ping", "reply");
    let answer = ask(&both, "a1 -> b1 ping");
    // us-east-1 to eu-west-1: a round trip of 70 ms in the table, half of it one way.
    assert!((35_000_000..36_000_000).contains(&answer.request.latency.0), "{}", answer.request.latency);
    check(&net(&yaml("{to: 10.2.0.0/16, via: tu}", "")), "a1 -> b1 ping", "no_reply reply tgw rtb uu: no route");
    check(&net(&yaml("", "{to: 10.1.0.0/16, via: tu}")), "a1 -> b1 ping", "no_reply request tgw rtb tt: no route");
    // Too big for the peering's transit gateway: dropped where it enters the first one, which tells the sender (TGW-17).
    let mut world = World::new(&yaml("{to: 10.2.0.0/16, via: tu}", "{to: 10.1.0.0/16, via: tu}"));
    assert!(world.send(&dont_fragment(udp("10.1.1.10:1", "10.2.1.10:2", 8600))).notify.is_some());
}

/// An appliance with one tunnel, or two.
fn connect(peers: &str, gre: &str) -> String {
    format!(
        "
vpcs: {{w: {{cidr: 10.1.0.0/16}}, e: {{cidr: 10.9.0.0/16}}}}
transit_gateways: {{t: {{cidrs: [10.99.0.0/24], default_route_table_association: false, default_route_table_propagation: false}}}}
transit_gateway_vpc_attachments: {{tw: {{transit_gateway: t, vpc: w, subnets: [sw]}}, te: {{transit_gateway: t, vpc: e, subnets: [se]}}}}
transit_gateway_connects: {{tun: {{transport: te, peers: [{peers}]}}}}
transit_gateway_route_tables:
  work: {{transit_gateway: t, associations: [tw, te], propagations: [tun]}}
  tunnels: {{transit_gateway: t, associations: [tun], propagations: [tw]}}
subnets:
  sw: {{vpc: w, az: a, cidr: 10.1.1.0/24, route_table: rw}}
  se: {{vpc: e, az: a, cidr: 10.9.1.0/24, route_table: re}}
  sh: {{vpc: e, az: a, cidr: 10.9.64.0/24, route_table: rh}}
route_tables:
  rw: {{vpc: w, routes: [{{to: 10.9.64.0/18, via: t}}]}}
  re: {{vpc: e, routes: [{{to: 10.99.0.0/24, via: t}}]}}
  rh: {{vpc: e, routes: [{{to: 10.1.0.0/16, via: edge1}}]}}
security_groups:
  gw: {{vpc: w, inbound: [{{from: 0.0.0.0/0}}]}}
  ge: {{vpc: e, inbound: [{gre}{{protocol: icmp, from: 10.9.64.0/24}}, {{protocol: tcp, from: 10.9.64.0/24}}]}}
  gh: {{vpc: e, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  worker: {{subnet: sw, address: 10.1.1.10, security_groups: [gw], listen: [443]}}
  edge1: {{subnet: se, address: 10.9.1.10, security_groups: [ge], source_dest_check: false, forwarding: {{}}}}
  edge2: {{subnet: se, address: 10.9.1.11, security_groups: [ge], source_dest_check: false, forwarding: {{}}}}
  till: {{subnet: sh, address: 10.9.64.10, security_groups: [gh], listen: [443]}}
"
    )
}

const GRE: &str = "{protocol: 47, from: 10.99.0.0/24}, ";
const TUNNEL_1: &str = "{transit_gateway_address: 10.99.0.1, peer_address: 10.9.1.10, advertises: [10.9.64.0/18]}";
const TUNNEL_2: &str = "{transit_gateway_address: 10.99.0.2, peer_address: 10.9.1.11, advertises: [10.9.64.0/18]}";

/// TGW-23, TGW-25: wrapped on the way to the appliance, unwrapped there, and back; the appliance's group sees GRE.
#[test]
fn a_tunnel_there_and_back() {
    let net = net(&connect(TUNNEL_1, GRE));
    check(&net, "worker -> till tcp/443", "open");
    check(&net, "till -> worker ping", "reply");
    let answer = ask(&net, "worker -> till tcp/443");
    let outer: Vec<String> =
        answer.request.hops.iter().map(|h| format!("{} {}", h.headers.protocol.0, h.headers.src)).collect();
    assert!(outer.contains(&"47 10.99.0.1".to_owned()), "{outer:?}");
    let closed = connect(TUNNEL_1, "");
    check(&super::harness::net(&closed), "worker -> till tcp/443", "no_reply request sg ge inbound default");
}

/// TGW-24: two tunnels that announce one prefix share its flows.
#[test]
fn equal_tunnels_share_the_flows() {
    let net = net(&connect(&format!("{TUNNEL_1}, {TUNNEL_2}"), GRE));
    let answer = ask(&net, "worker -> till tcp/443");
    assert_eq!(answer.alternatives.len(), 2);
    assert!(answer.alternatives.iter().all(|a| a.outcome == Outcome::Open));
}

/// BGP-6: appliances of two autonomous systems announce the prefix by two paths, and one of them is used.
#[test]
fn tunnels_of_two_systems_do_not_share() {
    let with = |tunnel: &str, asn: u32| tunnel.replace("advertises", &format!("peer_asn: {asn}, advertises"));
    let alternatives = |a: u32, b: u32| {
        let net = net(&connect(&format!("{}, {}", with(TUNNEL_1, a), with(TUNNEL_2, b)), GRE));
        let answer = ask(&net, "worker -> till tcp/443");
        assert_eq!(answer.outcome, Outcome::Open);
        answer.alternatives.len()
    };
    assert_eq!((alternatives(65010, 65010), alternatives(65010, 65020)), (2, 0));
}
