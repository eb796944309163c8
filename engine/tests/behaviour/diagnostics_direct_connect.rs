//! What AWS refuses, and what a topology gets wrong, of Direct Connect's lines: one test per code of `compile`.

use super::harness::refused_behind;

/// A router and a VPC with a virtual private gateway; lines 1 to 3.
const BASE: &str = "vpcs: {a: {cidr: 10.1.0.0/16}}
vpn_gateways: {g: {vpc: a}}
routers: {r: {asn: 65010, networks: [172.16.0.0/16]}}
";

refused_behind! { BASE,
    a_bandwidth_that_is_not_sold: "connection-bandwidth", 4, "`odd`: AWS has no dedicated connection of 2Gbps",
        "direct_connect_connections: {odd: {bandwidth: 2Gbps}}";
    encrypted_and_too_slow: "macsec", 4, "`odd` cannot have MACsec",
        "direct_connect_connections: {odd: {macsec: true}}";
    links_that_differ: "lag-members", 5, "`two` has another bandwidth than the rest of `group`",
        "direct_connect_lags: {group: {}}
direct_connect_connections: {one: {lag: group}, two: {lag: group, bandwidth: 10Gbps}}";
    too_many_links: "lag-members", 4, "`group` has 3 connections of 100Gbps, AWS allows 2",
        "direct_connect_lags: {group: {}}
direct_connect_connections:
  a1: {lag: group, bandwidth: 100Gbps}
  a2: {lag: group, bandwidth: 100Gbps}
  a3: {lag: group, bandwidth: 100Gbps}";
    more_links_than_there_are: "minimum-links", 4, "`group` needs 2 connections that are up, and has 1",
        "direct_connect_lags: {group: {minimum_links: 2}}
direct_connect_connections: {one: {lag: group}}";
    interface_of_a_link: "vif-on-member", 6, "`one` is in link aggregation group `group`",
        "direct_connect_lags: {group: {}}
direct_connect_connections: {one: {lag: group}}
virtual_interfaces: {i: {type: private, connection: one, vlan: 1, vpn_gateway: g}}";
}
