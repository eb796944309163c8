//! What AWS refuses, and what a topology gets wrong, of VPN, Direct Connect and routers: one test per code of `compile`.

use super::harness::{diagnostics, refused_behind};

/// A VPC with a virtual private gateway, a customer gateway of a router, a line; lines 1 to 6.
const BASE: &str = "vpcs: {a: {cidr: 10.1.0.0/16}, b: {cidr: 10.2.0.0/16}}
transit_gateways: {t: {}, w: {region: eu-west-1}}
vpn_gateways: {g: {vpc: a}, free: {}}
routers: {r: {asn: 65010, networks: [172.16.0.0/16], public_ip: 203.0.113.1}}
direct_connect_gateways: {d: {asn: 64700}}
direct_connect_connections: {line: {router: r}}
";

#[test]
fn the_base_is_fine() {
    assert_eq!(diagnostics(BASE), []);
}

refused_behind! { BASE,
    asn: "asn-range", 7, "0 is no autonomous system number",
        "customer_gateways: {c: {asn: 0}}";
    asn_of_another: "asn-differs", 7, "`c` has ASN 65011, its router `r` 65010",
        "customer_gateways: {c: {asn: 65011, router: r}}";
    address_of_another: "address-differs", 7, "`c` has address 203.0.113.2, its router `r` 203.0.113.1",
        "customer_gateways: {c: {ip_address: 203.0.113.2, router: r}}";
    three_tunnels: "tunnels", 8, "`v` has 3 tunnels",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{}, {}, {}]}}";
    a_connection_to_nothing: "missing-field", 8, "`v` needs a `vpn_gateway` or a `transit_gateway`",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c}}";
    a_connection_of_nobody: "unknown-reference", 8, "there is no customer gateway `d`",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: d, vpn_gateway: g}}";
    inside_that_aws_reserves: "inside-cidr", 8, "169.254.2.0/30 is one that AWS reserves",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{inside_cidr: 169.254.2.0/30}]}}";
    window: "replay-window", 8, "a replay window of 63 packets",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{replay_window: 63}]}}";
    lifetime: "tunnel-option", 8, "a phase 2 lifetime of 10 s",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{phase2_lifetime: 10s}]}}";
    lifetimes_that_contradict: "tunnel-option", 8, "the phase 2 lifetime of 3600 s is not below the phase 1 lifetime of 1800 s",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{phase1_lifetime: 1800s, phase2_lifetime: 3600s}]}}";
    dead_too_soon: "tunnel-option", 8, "a DPD timeout of 10 s",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{dpd_timeout: 10s}]}}";
    fuzz: "tunnel-option", 8, "a rekey fuzz of 101 %",
        "customer_gateways: {c: {router: r}}
vpn_connections: {v: {customer_gateway: c, vpn_gateway: g, tunnels: [{rekey_fuzz: 101}]}}";
    asn_of_an_interface: "asn-differs", 7, "`i` has ASN 65011, its router `r` 65010",
        "virtual_interfaces: {i: {type: private, connection: line, vlan: 1, vpn_gateway: g, asn: 65011}}";
    tag: "vlan", 7, "4095 is no VLAN",
        "virtual_interfaces: {i: {type: private, connection: line, vlan: 4095, vpn_gateway: g}}";
    mtu: "vif-mtu", 7, "9001 is no MTU of such a virtual interface",
        "virtual_interfaces: {i: {type: transit, connection: line, vlan: 1, direct_connect_gateway: d, mtu: 9001}}";
    transit_to_a_virtual_private_gateway: "vif-end", 7, "a transit virtual interface ends at a Direct Connect gateway",
        "virtual_interfaces: {i: {type: transit, connection: line, vlan: 1, vpn_gateway: g}}";
    public_interface_with_a_gateway: "vif-end", 7, "`i`: a public virtual interface has no gateway",
        "virtual_interfaces: {i: {type: public, connection: line, vlan: 1, vpn_gateway: g}}";
    site_link_without_a_gateway_that_has_it: "site-link", 7, "`i` cannot have SiteLink",
        "virtual_interfaces: {i: {type: private, connection: line, vlan: 1, vpn_gateway: g, site_link: true}}";
    nothing_that_aws_takes: "nothing-announced", 7, "AWS takes nothing of what `r` announces on `i`",
        "virtual_interfaces: {i: {type: public, connection: line, vlan: 1}}";
    private_prefixes_for_the_public: "route-filter", 7, "10.0.0.0/8 is not public",
        "virtual_interfaces: {i: {type: public, connection: line, vlan: 1, route_filter_prefixes: [10.0.0.0/8]}}";
    public_prefixes_of_a_private_interface: "route-filter", 7, "`i` is not public, and has `route_filter_prefixes`",
        "virtual_interfaces: {i: {type: private, connection: line, vlan: 1, vpn_gateway: g, route_filter_prefixes: [198.51.100.0/24]}}";
    both_kinds: "association-kinds", 9, "`d` has associations of both kinds",
        "direct_connect_gateway_associations:
  x: {direct_connect_gateway: d, vpn_gateway: g}
  y: {direct_connect_gateway: d, transit_gateway: t}";
    overlapping_lists: "allowed-prefixes", 9, "10.5.0.0/16 overlaps 10.0.0.0/8",
        "direct_connect_gateway_associations:
  x: {direct_connect_gateway: d, transit_gateway: t, allowed_prefixes: [10.0.0.0/8]}
  y: {direct_connect_gateway: d, transit_gateway: t, allowed_prefixes: [10.5.0.0/16]}";
    a_host_elsewhere: "address-outside-network", 7, "`192.168.0.1` of `h` is in no network of router `r`",
        "site_hosts: {h: {router: r, addresses: [192.168.0.1]}}";
    two_hosts: "address-taken", 7, "is another host's behind the same router",
        "site_hosts: {h: {router: r, addresses: [172.16.0.1]}, i: {router: r, addresses: [172.16.0.1]}}";
    a_gateway_of_another_vpc: "other-vpc", 7, "virtual private gateway `g` is in another VPC",
        "route_tables: {rb: {vpc: b, propagating_vpn_gateways: [g]}}";
}

#[test]
fn words_that_are_no_community() {
    let yaml = BASE.replace("public_ip: 203.0.113.1}", "neighbors: [{peer: q, communities: [7224-7300]}]}, q: {}");
    let found = diagnostics(&yaml);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["community"], "{found:#?}");
    assert!(found[0].message.contains("7224-7300") && found[0].span.line == 4, "{found:#?}");
    assert_eq!(diagnostics(&yaml.replace("7224-7300", "'7224:7300', no-export")), []);
}

/// Three routers that each prefer what the next one says about a fourth: they never agree.
#[test]
fn policies_that_never_agree() {
    let router = |n: u32, next: u32| {
        format!("  p{n}: {{asn: 6500{n}, neighbors: [{{peer: origin}}, {{peer: p{next}, local_preference: 200}}]}}\n")
    };
    let yaml = format!(
        "routers:\n  origin: {{asn: 65009, networks: [172.16.0.0/16]}}\n{}{}{}",
        router(1, 2),
        router(2, 3),
        router(3, 1)
    );
    let found = diagnostics(&yaml);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["no-convergence"], "{found:#?}");
    assert!(found[0].message.contains("172.16.0.0/16"), "{found:#?}");
}

/// What an export shows as propagated, and what the sites that are described announce, differ.
#[test]
fn observed_routes_that_nobody_announces() {
    let yaml = format!(
        "{BASE}customer_gateways: {{c: {{router: r}}}}
vpn_connections: {{v: {{customer_gateway: c, vpn_gateway: g}}}}
route_tables: {{ra: {{vpc: a, propagating_vpn_gateways: [g], routes: [{{to: 192.168.0.0/16, via: g, origin: propagated}}]}}}}"
    );
    let found = diagnostics(&yaml);
    let messages: Vec<&str> = found.iter().filter(|d| d.code == "observed-differs").map(|d| &*d.message).collect();
    assert_eq!(messages.len(), 2, "{found:#?}");
    assert!(messages.iter().any(|m| m.contains("192.168.0.0/16 is propagated by `g`")), "{messages:?}");
    assert!(messages.iter().any(|m| m.contains("172.16.0.0/16 is announced to `g`")), "{messages:?}");
}

/// BGP-41: timers of a neighbour.
#[test]
fn timers_of_neighbours() {
    let with = |neighbor: &str| {
        BASE.replace("public_ip: 203.0.113.1", &format!("public_ip: 203.0.113.1, neighbors: [{neighbor}]"))
            + "customer_gateways: {c: {router: r}}\nvpn_connections: {v: {customer_gateway: c, vpn_gateway: g}}\n"
    };
    for (neighbor, code, fragment) in [
        ("{peer: v, hold_time: 2s}", "hold-time", "a hold time of 2 s"),
        ("{peer: v/1, bfd: true}", "bfd", "`v/1` is a VPN: AWS has no BFD there"),
    ] {
        let found = diagnostics(&with(neighbor));
        let hit = found.iter().any(|d| d.code == code && d.span.line == 4 && d.message.contains(fragment));
        assert!(hit, "{found:#?}");
    }
    assert_eq!(diagnostics(&with("{peer: v, hold_time: 3s}")), []);
}
