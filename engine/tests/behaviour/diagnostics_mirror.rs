//! What AWS refuses, and what a topology gets wrong, of traffic mirroring: one test per code of `compile`.

use super::harness::{diagnostics, refused_behind};

/// Three instances, one in another Region, one without IPv4; a target, a filter; lines 1 to 9.
const BASE: &str = "vpcs: {v: {cidr: 10.1.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}, w: {cidr: 10.2.0.0/16, region: eu-west-1}}
subnets: {a: {vpc: v, az: a, cidr: 10.1.1.0/24}, six: {vpc: v, az: a, ipv6_cidr: 2600:1f18:1:1::/64}, far: {vpc: w, az: a, cidr: 10.2.1.0/24}}
instances: {i: {subnet: a}, j: {subnet: a}, k: {subnet: a}, v6: {subnet: six}, w1: {subnet: far}}
nat_gateways: {nat: {subnet: a, connectivity: private, network_interface: nat-eni}}
network_interfaces: {nat-eni: {subnet: a, interface_type: nat_gateway}}
traffic_mirror_targets:
  t: {network_interface: j}
  far-t: {network_interface: w1}
  v6-t: {network_interface: v6}
";

/// A session of `i` to `t`, with what is written behind its number.
const RIGHT: &str = "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: f, session_number: 32766, packet_length: 8500, virtual_network_id: 16777215}}";

/// What is right gives no diagnostic, at the ends of the ranges.
#[test]
fn the_base_is_fine() {
    assert_eq!(diagnostics(&format!("{BASE}{RIGHT}")), []);
}

refused_behind! { BASE,
    unknown_target: "unknown-reference", 11, "there is no traffic mirror target `u`",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: u, filter: f, session_number: 1}}";
    unknown_filter: "unknown-reference", 10, "there is no traffic mirror filter `g`",
        "traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: g, session_number: 1}}";
    unknown_source: "unknown-reference", 11, "there is no network interface `x`",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: x, target: t, filter: f, session_number: 1}}";
    two_kinds_of_target: "mirror-target", 10, "target `both` is exactly one of three kinds",
        "  both: {network_interface: i, network_load_balancer: nlb}";
    no_kind_of_target: "mirror-target", 10, "target `none` is exactly one of three kinds",
        "  none: {}";
    session_zero: "session-number", 11, "session numbers go from 1 to 32766, not 0",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: f, session_number: 0}}";
    // MIR-13.
    too_long: "packet-length", 11, "`packet_length` of `s` is 1 to 8500 bytes, not 8501",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: f, session_number: 1, packet_length: 8501}}";
    // MIR-3.
    one_number_twice: "duplicate-session-number", 13, "`r` and `s` have session number 1 of `i` both",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions:
  r: {network_interface: i, target: t, filter: f, session_number: 1}
  s: {network_interface: i, target: t, filter: f, session_number: 1}";
    // MIR-9.
    one_identifier_twice: "virtual-network-id", 13, "`r` has virtual network id 9 already",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions:
  r: {network_interface: i, target: t, filter: f, session_number: 1, virtual_network_id: 9}
  s: {network_interface: k, target: t, filter: f, session_number: 1, virtual_network_id: 9}";
    identifier_of_25_bits: "virtual-network-id", 11, "16777216 is too large",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: f, session_number: 1, virtual_network_id: 16777216}}";
    // MIR-1.
    a_target_as_source: "mirror-source", 12, "`j` is a target, so it cannot be a source",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions:
  r: {network_interface: j, target: far-t, filter: f, session_number: 1}
  s: {network_interface: i, target: t, filter: f, session_number: 1}";
    source_and_target: "mirror-source", 11, "`j` is source and target of `s`",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: j, target: t, filter: f, session_number: 1}}";
    a_nat_gateway: "mirror-source", 11, "`nat-eni` cannot be a source",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: nat-eni, target: t, filter: f, session_number: 1}}";
    // MIR-22.
    ipv6_only_source: "mirror-ipv6-only", 11, "`v6` has no IPv4 address",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: v6, target: t, filter: f, session_number: 1}}";
    ipv6_only_target: "mirror-ipv6-only", 9, "target `v6-t` has no IPv4 address",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: v6-t, filter: f, session_number: 1}}";
    // MIR-24.
    another_region: "mirror-region", 11, "target `far-t` is in another Region than `i`",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: far-t, filter: f, session_number: 1}}";
    // MIR-25.
    another_account: "mirror-account", 11, "`i` belongs to account 111122223333, which alone can mirror it",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions: {s: {network_interface: i, target: t, filter: f, session_number: 1, account: 444455556666}}";
    // MIR-6.
    two_families: "mixed-families", 10, "`10.0.0.0/8` and `::/0` are of two families",
        "traffic_mirror_filters: {f: {ingress: [{rule: 1, action: accept, from: 10.0.0.0/8, to: '::/0'}]}}";
    one_rule_twice: "duplicate-rule", 10, "filter `f` has two egress rules 5",
        "traffic_mirror_filters: {f: {egress: [{rule: 5, action: accept, from: 10.0.0.0/8, to: 0.0.0.0/0}, {rule: 5, action: reject, from: 0.0.0.0/0, to: 0.0.0.0/0}]}}";
    rule_zero: "rule-number", 10, "rule numbers go from 1 to 32766, not 0",
        "traffic_mirror_filters: {f: {egress: [{rule: 0, action: accept, from: 10.0.0.0/8, to: 0.0.0.0/0}]}}";
    ports_of_icmp: "ports-without-protocol", 10, "ports are for TCP and UDP only",
        "traffic_mirror_filters: {f: {egress: [{rule: 1, action: accept, protocol: icmp, from: 10.0.0.0/8, to: 0.0.0.0/0, source_ports: 5}]}}";
    // MIR-21.
    four_sessions: "quota", 12, "`i` is the source of 4 sessions, AWS takes 3",
        "traffic_mirror_filters: {f: {}}
traffic_mirror_sessions:
  p: {network_interface: i, target: t, filter: f, session_number: 1}
  q: {network_interface: i, target: t, filter: f, session_number: 2}
  r: {network_interface: i, target: t, filter: f, session_number: 3}
  s: {network_interface: i, target: t, filter: f, session_number: 4}";
}

/// MIR-21: ten rules are taken, eleven are not; ten sources of a target are fine, eleven are worth a word.
#[test]
fn quotas() {
    let rule = |n: u32| format!("{{rule: {n}, action: accept, from: 0.0.0.0/0, to: 0.0.0.0/0}}");
    for (count, over) in [(10, 0), (11, 1)] {
        let rules: Vec<String> = (1..=count).map(rule).collect();
        let yaml = format!("{BASE}traffic_mirror_filters: {{f: {{ingress: [{}]}}}}", rules.join(", "));
        assert_eq!(diagnostics(&yaml).iter().filter(|d| d.code == "quota").count(), over, "{count} rules");
        let names: Vec<String> = (1..=count).map(|n| format!("m{n}")).collect();
        let instances: String = names.iter().map(|n| format!("  {n}: {{subnet: a}}\n")).collect();
        let sessions: String = names
            .iter()
            .map(|n| format!("  s-{n}: {{network_interface: {n}, target: t, filter: f, session_number: 1}}\n"))
            .collect();
        let yaml = BASE.replace(
            "instances: {i: {subnet: a}, j: {subnet: a}, k: {subnet: a}, v6: {subnet: six}, w1: {subnet: far}}\n",
            &format!("instances:\n{instances}  j: {{subnet: a}}\n  v6: {{subnet: six}}\n  w1: {{subnet: far}}\n"),
        );
        let found =
            diagnostics(&format!("{yaml}traffic_mirror_filters: {{f: {{}}}}\ntraffic_mirror_sessions:\n{sessions}"));
        assert_eq!(found.iter().filter(|d| d.code == "quota").count(), over, "{found:?}");
    }
}
