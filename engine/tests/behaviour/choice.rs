//! What makes a conversation work now and then: every way is listed, with the share that fails and what the failing ways
//! have in common. The ways are those of AWS's documentation (a zone, a tunnel) and of the guests (a source port).

use super::harness::*;
use std::collections::BTreeSet;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{self, Common, Explanation, Variations, ZonesCommon};
use vpcsim_engine::flow::Choice;

fn topology(name: &str) -> String {
    let file = format!("{}/../topologies/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).expect("a topology")
}

/// With a piece of text that is there once replaced.
fn but(text: String, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    text.replace(old, new)
}

fn varied(net: &Network, question: &str) -> (Explanation, Variations) {
    let e = ask(net, question);
    let v = explain::vary(net, &explain::Question { src_port: None, ..e.question }, &e);
    (e, v)
}

fn zones(net: &Network, names: &[&str]) -> BTreeSet<u32> {
    let at = |name: &&str| net.names.zones.iter().position(|zone| zone == *name).expect("a zone") as u32;
    names.iter().map(at).collect()
}

/// TGW-8, TGW-10: lab 26. Without appliance mode both ways stay in their zones, so conversations between zones meet two
/// firewalls: two of four fail, whichever of them is asked about. With it none does.
#[test]
fn appliance_mode_off_fails_between_zones() {
    let off = topology("inspection-hub");
    for question in ["left-1 -> right-2 tcp/443", "left-1 -> right-1 tcp/443"] {
        let net = net(&off);
        let (_, v) = varied(&net, question);
        assert_eq!((v.zones.iter().filter(|c| !c.works()).count(), v.zones.len()), (2, 4), "{question}");
        assert_eq!(v.zones_common(&net.fabric), Some(ZonesCommon::Different), "{question}");
    }
    let on = net(&but(off, "appliance_mode: false", "appliance_mode: true"));
    assert_eq!(varied(&on, "left-1 -> right-2 tcp/443").1, Variations::default());
}

/// TGW-6: a zone without an attachment cannot send: two of six, all with the sender there.
#[test]
fn a_zone_without_an_attachment_is_the_common_factor() {
    let net = net(&topology("hub-and-spoke"));
    let (e, v) = varied(&net, "blue-1 -> repo-1 ping");
    assert!(e.outcome.passes());
    assert_eq!((v.zones.iter().filter(|c| !c.works()).count(), v.zones.len()), (2, 6));
    assert_eq!(v.zones_common(&net.fabric), Some(ZonesCommon::Sender(zones(&net, &["us-east-1c"]))));
}

/// Egress of a VPC by zones: one zone's table lacks the NAT gateway.
#[test]
fn egress_of_one_zone_is_missing() {
    let net = net("
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  public: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: out}
  app-a: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: by-nat}
  app-b: {vpc: v, az: b, cidr: 10.0.2.0/24, route_table: by-nat}
  app-c: {vpc: v, az: c, cidr: 10.0.3.0/24}
nat_gateways: {nat: {subnet: public}}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  by-nat: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}
security_groups: {g: {vpc: v}}
instances:
  a: {subnet: app-a, security_groups: [g]}
  b: {subnet: app-b, security_groups: [g]}
  c: {subnet: app-c, security_groups: [g]}
internet_hosts: {api: {addresses: [198.51.100.7], listen: [443]}}
");
    let (e, v) = varied(&net, "a -> api tcp/443");
    assert!(e.outcome.passes());
    assert_eq!((v.zones.iter().filter(|c| !c.works()).count(), v.zones.len()), (1, 3));
    assert_eq!(v.zones_common(&net.fabric), Some(ZonesCommon::Sender(zones(&net, &["us-east-1c"]))));
}

/// TGW-24: lab 32. Two tunnels share the flows; the appliance of the second one does not forward, so the flows that fall on
/// it fail.
#[test]
fn one_of_two_connect_tunnels_fails() {
    let edge = "edge-2: {subnet: sdwan-a, address: 10.9.1.11, security_groups: [sg-edge], source_dest_check: false";
    let text = but(topology("connect"), &format!("{edge}, forwarding: {{}}}}"), &format!("{edge}}}"));
    let net = net(&text);
    let e = ask(&net, "work-1 -> till-1 tcp/443");
    assert_eq!(e.failing(), (1, 2));
    let Some(Common::Options(pick, options)) = e.common(&net.fabric) else { panic!("{:?}", e.common(&net.fabric)) };
    assert!(matches!(pick.choice, Choice::Tunnel(..)) && options == [1], "{pick:?} {options:?}");
}

/// TGW-24, BGP-6: a VPN connection of a transit gateway uses both tunnels; a firewall at the site wants both directions by one.
#[test]
fn one_of_two_vpn_tunnels_fails() {
    let net = net("
region: eu-west-1
vpcs: {shop: {cidr: 10.0.0.0/16}}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments: {att: {transit_gateway: tgw, vpc: shop, subnets: [app-a]}}
customer_gateways: {cgw: {asn: 65040, router: lyon}}
vpn_connections: {vpn: {customer_gateway: cgw, transit_gateway: tgw}}
subnets: {app-a: {vpc: shop, az: a, cidr: 10.0.1.0/24, route_table: rtb}}
route_tables: {rtb: {vpc: shop, routes: [{to: 172.16.0.0/12, via: tgw}]}}
security_groups: {sg: {vpc: shop, inbound: [{protocol: tcp, ports: 443, from: 172.16.0.0/12}]}}
instances: {app: {subnet: app-a, address: 10.0.1.10, security_groups: [sg], listen: [443]}}
routers:
  lyon: {asn: 65040, networks: [172.16.4.0/24], stateful_firewall: true, neighbors: [{peer: vpn/2, local_preference: 200}]}
site_hosts: {till: {router: lyon, addresses: [172.16.4.10]}}
");
    let e = ask(&net, "till -> app tcp/443");
    assert_eq!(e.failing(), (1, 2));
    let Some(Common::Options(pick, options)) = e.common(&net.fabric) else { panic!("{:?}", e.common(&net.fabric)) };
    assert!(matches!(pick.choice, Choice::Tunnel(..)) && options == [0], "{pick:?} {options:?}");
}

/// ACL-4, GST-2: Linux takes source ports 32768 to 60999; an ACL that lets replies to 49152-65535 out drops the rest of them:
/// 16,384 of 28,232.
#[test]
fn source_ports_that_an_acl_does_not_answer() {
    let net = net(&but(
        topology("three-tier"),
        "protocol: tcp, ports: 443, to: 0.0.0.0/0}",
        "protocol: tcp, ports: 49152-65535, to: 0.0.0.0/0}",
    ));
    let (_, v) = varied(&net, "web-1 -> db-1 tcp/5432");
    assert_eq!(v.failing_ports(), (49152 - 32768, 60999 - 32768 + 1));
    let failing: Vec<_> = v.ports.iter().filter(|c| !c.works()).map(|c| (c.case.from, c.case.to)).collect();
    assert_eq!(failing, [(32768, 49151)]);
}
