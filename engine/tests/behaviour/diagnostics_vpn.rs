//! What AWS refuses, and what a topology gets wrong, of variants of VPN connections (VPN-30 and further): one test per code.

use super::harness::{diagnostics, refused_behind};

/// A virtual private gateway and a transit gateway with Direct Connect, a router with a private gateway address; lines 1 to 9.
const BASE: &str = "vpcs: {a: {cidr: 10.1.0.0/16}}
transit_gateways: {t: {cidrs: [10.99.0.0/30]}, bare: {}}
vpn_gateways: {g: {vpc: a}}
routers: {r: {asn: 65010, networks: [172.16.0.0/16], public_ip: 203.0.113.1}, lone: {}}
direct_connect_gateways: {d: {asn: 64700}}
direct_connect_gateway_associations: {x: {direct_connect_gateway: d, transit_gateway: t, allowed_prefixes: [10.99.0.0/30]}}
direct_connect_connections: {line: {router: r}}
virtual_interfaces: {i: {type: transit, connection: line, vlan: 1, direct_connect_gateway: d}}
customer_gateways: {c: {router: r}, p: {router: r, ip_address: 172.16.0.1}, q: {router: lone, ip_address: 172.17.0.1}, f: {router: r, ip_address: 172.20.0.1}}
";

#[test]
fn the_base_is_fine() {
    assert_eq!(diagnostics(BASE), []);
    let private = "vpn_connections: {v: {customer_gateway: p, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
    assert_eq!(diagnostics(&format!("{BASE}{private}")), []);
}

refused_behind! { BASE,
    v6_on_a_virtual_private_gateway: "vpn-option", 10, "which has no IPv6 inside",
        "vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnel_inside_ip_version: ipv6}}";
    accelerated_on_a_virtual_private_gateway: "vpn-option", 10, "which has no acceleration",
        "vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, accelerated: true}}";
    large_on_a_virtual_private_gateway: "vpn-option", 10, "which has no large tunnels",
        "vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnel_bandwidth: large}}";
    accelerated_and_large: "vpn-option", 10, "is accelerated, and has large tunnels",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, accelerated: true, tunnel_bandwidth: large}}";
    accelerated_and_private: "vpn-option", 10, "is accelerated, and has private outer addresses",
        "vpn_connections: {v: {customer_gateway: p, transit_gateway: t, accelerated: true, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
    accelerated_and_begun_by_aws: "vpn-option", 10, "AWS is to begin a tunnel",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, accelerated: true, tunnels: [{startup_action: start}]}}";
    accelerated_and_begun_anew_by_aws: "vpn-option", 10, "AWS is to begin a tunnel",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, accelerated: true, tunnels: [{dpd_action: restart}]}}";
    public_with_a_transport: "vpn-option", 10, "has a transport attachment, and public outer addresses",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, transport_transit_gateway_attachment: x}}";
    inside_of_another_range: "inside-cidr", 10, "2001:db8::/126 is not a /126 of fd00::/8",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, tunnel_inside_ip_version: ipv6, tunnels: [{inside_ipv6_cidr: '2001:db8::/126'}]}}";
    nothing_that_carries: "missing-field", 10, "nothing to carry it",
        "vpn_connections: {v: {customer_gateway: p, transit_gateway: t, outside_ip_address_type: private_ipv4}}";
    carried_by_a_vpc: "vpn-transport", 13, "`y` cannot carry a private IP VPN",
        "subnets: {s: {vpc: a, az: a, cidr: 10.1.0.0/24}}
transit_gateway_vpc_attachments: {y: {transit_gateway: t, vpc: a, subnets: [s]}}
vpn_connections:
  v: {customer_gateway: p, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: y}";
    no_line_at_the_router: "vpn-transport", 10, "no virtual interface of `d` ends at `lone`",
        "vpn_connections: {v: {customer_gateway: q, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
    a_gateway_without_an_address: "vpn-outside", 10, "`c` has no `ip_address`",
        "vpn_connections: {v: {customer_gateway: c, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
    an_address_outside_of_the_block: "vpn-outside", 10, "`10.98.0.1` is in no block of transit gateway `t`",
        "vpn_connections: {v: {customer_gateway: p, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x, tunnels: [{outside_address: 10.98.0.1}]}}";
    a_router_without_its_own_address: "vpn-not-carried", 11, "router `r` announces no block with 172.20.0.1: `v/1` is down",
        "vpn_connections:
  v: {customer_gateway: f, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}";
    a_transit_gateway_without_a_block: "vpn-outside", 10, "transit gateway `bare` has no address for a tunnel",
        "vpn_connections: {v: {customer_gateway: p, transit_gateway: bare, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
}

/// VPN-40: a router that is behind no NAT device.
#[test]
fn a_timeout_of_nothing() {
    let with = |fields: &str| diagnostics(&BASE.replace("lone: {}", &format!("lone: {{{fields}}}")));
    let found = with("nat_timeout: 30s");
    assert_eq!(found.iter().map(|d| (d.code, d.span.line)).collect::<Vec<_>>(), [("nat-timeout", 4)], "{found:#?}");
    assert_eq!(with("nat_timeout: 30s, behind_nat: true"), []);
}

/// VPN-37: the router learns AWS's addresses from the allowed prefixes only.
#[test]
fn allowed_prefixes_without_the_block() {
    let private = "vpn_connections: {v: {customer_gateway: p, transit_gateway: t, outside_ip_address_type: private_ipv4, transport_transit_gateway_attachment: x}}";
    let yaml =
        format!("{BASE}{private}").replace("allowed_prefixes: [10.99.0.0/30]", "allowed_prefixes: [10.1.0.0/16]");
    let found = diagnostics(&yaml);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["vpn-not-carried"; 2], "{found:#?}");
    assert_eq!(found[0].message, "no allowed prefix of `x` holds 10.99.0.1: `v/1` is down");
}
