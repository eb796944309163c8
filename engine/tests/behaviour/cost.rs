//! What is billed, by hand: known packets over known hops.

use super::metrics::replay_on;
use std::collections::BTreeMap;
use vpcsim_engine::observe::cost::ITEMS;
use vpcsim_engine::record::price::{PRICES, Prices};
use vpcsim_engine::scenario::run::{Options, Report};

fn replay(topology: &str, steps: &str) -> Report {
    replay_on(topology, steps, Options { cost: true, ..Options::default() })
}

/// Bytes of an item by resource.
fn bytes(report: &Report, item: &str) -> BTreeMap<String, u64> {
    let usage = report.usage.as_ref().expect("asked for");
    usage.bytes.iter().filter(|(used, _)| used.item == item).map(|(used, n)| (used.resource.clone(), *n)).collect()
}

fn hours(report: &Report, item: &str) -> u64 {
    let usage = report.usage.as_ref().expect("asked for");
    usage.hourly.iter().filter(|(used, _)| used.item == item).map(|(_, n)| n).sum()
}

fn of<const N: usize>(all: [(&str, u64); N]) -> BTreeMap<String, u64> {
    all.into_iter().map(|(name, n)| (name.to_owned(), n)).collect()
}

const NAT: &str = "
region: us-east-1
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  pub: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: out}
  priv: {vpc: v, az: b, cidr: 10.0.1.0/24, route_table: nat}
nat_gateways: {nat-a: {subnet: pub, addresses: [{private: 10.0.0.5, public: 198.51.100.5}]}}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  nat: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat-a}]}
security_groups:
  sg: {vpc: v, inbound: [{protocol: all, from: 0.0.0.0/0}]}
instances:
  app: {subnet: priv, address: 10.0.1.10, security_groups: [sg], listen: []}
  near: {subnet: priv, address: 10.0.1.11, security_groups: [sg], listen: []}
  web: {subnet: pub, address: 10.0.0.10, public_ip: 198.51.100.10, security_groups: [sg], listen: []}
  web-2: {subnet: pub, address: 10.0.0.11, public_ip: 198.51.100.11, security_groups: [sg], listen: []}
internet_hosts:
  api: {addresses: [203.0.113.80], listen: [443]}
";

/// COST-5, COST-2, COST-13: ten pings of 84 bytes through a NAT gateway in another zone. Between the zones each byte is
/// billed out and in; the gateway processes both directions; only what leaves is transfer.
#[test]
fn through_a_nat_gateway_in_another_zone() {
    let report = replay(NAT, "steps:\n  - ping: {from: app, to: api, count: 10}\n");
    assert_eq!(bytes(&report, "zone_out"), of([("app", 840), ("nat-a", 840)]));
    assert_eq!(bytes(&report, "zone_in"), of([("app", 840), ("nat-a", 840)]));
    assert_eq!(bytes(&report, "nat_processed"), of([("nat-a", 1_680)]));
    assert_eq!(bytes(&report, "internet_out"), of([("nat-a", 840)]));
    assert_eq!((hours(&report, "nat_gateway"), hours(&report, "public_address")), (1, 3));
}

/// COST-2: inside a zone nothing costs, between zones both ends pay for both directions.
#[test]
fn between_zones_both_ends_pay() {
    let report = replay(NAT, "steps:\n  - ping: {from: app, to: near, count: 10}\n");
    assert!(report.usage.as_ref().unwrap().bytes.is_empty(), "{:?}", report.usage);
    let report = replay(NAT, "steps:\n  - ping: {from: app, to: web, count: 10}\n");
    assert_eq!(bytes(&report, "zone_out"), of([("app", 840), ("web", 840)]));
    assert_eq!(bytes(&report, "zone_in"), of([("app", 840), ("web", 840)]));
}

/// COST-3: by public addresses it costs, even next door.
#[test]
fn by_public_addresses_it_costs_next_door() {
    let report = replay(NAT, "steps:\n  - ping: {from: web, to: 198.51.100.11, count: 10}\n");
    assert_eq!(bytes(&report, "public_out"), of([("web", 840), ("web-2", 840)]));
    assert_eq!(bytes(&report, "public_in"), of([("web", 840), ("web-2", 840)]));
    assert_eq!(bytes(&report, "internet_out"), of([]));
}

/// COST-4, COST-7: the same question to S3 by NAT gateway and by gateway endpoint; an interface endpoint bills both ways.
#[test]
fn s3_by_nat_gateway_and_by_gateway_endpoint() {
    let steps = "steps:\n  - flows: {from: app, to: [{host: 52.216.10.10, port: 443, response_bytes: 100000}], rate: 1, model: constant, duration: 10s}\n    expect: {flows: {completed: 10}}\n";
    let s3 = "  s3: {addresses: [52.216.10.10], listen: [443]}\n";
    let by_nat = replay(&format!("{NAT}{s3}"), steps);
    assert_eq!(by_nat.failures(), 0, "{}", by_nat.transcript());
    let processed = bytes(&by_nat, "nat_processed")["nat-a"];
    assert!(processed > 1_000_000, "{processed}");
    let report = replay(
        "privatelink.yaml",
        "steps:\n  - connect: {from: client-1, to: vpce-ledger, port: 443, receive_bytes: 10000}\n",
    );
    let endpoint: u64 = bytes(&report, "endpoint_processed").values().sum();
    assert!(endpoint > 10_000, "{endpoint}");
    assert_eq!(hours(&report, "endpoint"), 2, "two zones");
    assert_eq!(bytes(&report, "zone_out").get("client-1"), None, "no transfer between zones to an endpoint");
}

/// COST-6: the attachment that sends in pays; 84 bytes each way.
#[test]
fn a_transit_gateway_bills_who_sends_in() {
    let report = replay("hub-and-spoke.yaml", "steps:\n  - ping: {from: blue-1, to: repo-1, count: 10}\n");
    assert_eq!(bytes(&report, "tgw_processed"), of([("attach-blue", 840), ("attach-shared", 840)]));
    assert_eq!(hours(&report, "tgw_attachment"), 3);
}

/// COST-8, COST-9: what leaves by a VPN or by Direct Connect; coming in is free.
#[test]
fn what_leaves_for_a_site() {
    let report = replay("site-to-site-vpn.yaml", "steps:\n  - ping: {from: app-1, to: till-london, count: 10}\n");
    let all: u64 = bytes(&report, "vpn_out").values().sum();
    assert!(all > 10 * 84, "ESP is larger than what it holds: {all}");
    assert_eq!(hours(&report, "vpn_connection"), 2);
    let report = replay("direct-connect-with-backup.yaml", "steps:\n  - ping: {from: erp-1, to: ledger, count: 10}\n");
    let all: u64 = bytes(&report, "dx_out").values().sum();
    assert!(all >= 840, "{all}");
    assert!(hours(&report, "dx_port_1g") + hours(&report, "dx_port_10g") > 0);
}

/// COST-12: between Regions the sender pays, each for its own direction.
#[test]
fn between_regions_the_sender_pays() {
    let topology = "
vpcs: {v: {cidr: 10.0.0.0/16, region: us-east-1}, w: {cidr: 10.1.0.0/16, region: eu-west-1}}
vpc_peering_connections: {pcx: {requester: v, accepter: w}}
subnets:
  a: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: va}
  b: {vpc: w, az: a, cidr: 10.1.1.0/24, route_table: wa}
route_tables:
  va: {vpc: v, routes: [{to: 10.1.0.0/16, via: pcx}]}
  wa: {vpc: w, routes: [{to: 10.0.0.0/16, via: pcx}]}
security_groups:
  ov: {vpc: v, inbound: [{protocol: all, from: 10.0.0.0/8}]}
  ow: {vpc: w, inbound: [{protocol: all, from: 10.0.0.0/8}]}
instances:
  one: {subnet: a, address: 10.0.1.10, security_groups: [ov]}
  two: {subnet: b, address: 10.1.1.10, security_groups: [ow]}
";
    let report = replay(topology, "steps:\n  - ping: {from: one, to: two, count: 10}\n");
    assert_eq!(bytes(&report, "region_out"), of([("one", 840), ("two", 840)]));
    assert_eq!(bytes(&report, "zone_out"), of([]));
}

/// COST-11, and every item has a price.
#[test]
fn clients_of_a_client_vpn_endpoint_cost_by_the_hour() {
    let report = replay("client-vpn.yaml", "steps:\n  - wait: {for: 1s}\n");
    assert!(hours(&report, "client_vpn_association") >= 1 && hours(&report, "client_vpn_connection") >= 1);
    let prices = Prices::read(PRICES, &ITEMS).unwrap();
    let usage = report.usage.as_ref().unwrap();
    let bill = prices.bill(&usage.bytes, &usage.hourly, usage.seconds);
    assert_eq!(bill.len(), usage.bytes.len() + usage.hourly.len(), "every use is on the bill");
}

/// COST-14.
#[test]
fn a_mirror_session_costs_by_the_hour() {
    let report = replay("mirroring.yaml", "steps:\n  - wait: {for: 1s}\n");
    let sessions = report.networks[0].fabric.mirror_sessions.len() as u64;
    assert!(sessions > 1);
    assert_eq!(hours(&report, "mirror_session"), sessions);
}
