//! What a scenario file may say, what is said about a wrong one, and what a change does to a topology.

use vpcsim_engine::base::Nanos;
use vpcsim_engine::diag::{Diagnostic, FileIx};
use vpcsim_engine::scenario::{self, Action, Captures, Evidence, Outcome, RuleLabel, Scenario, When, apply};
use vpcsim_engine::spec::{self, InstanceState, PublicIp, Spec};

const TOUR: &str = "\
description: what a scenario can say
topology: ../topologies/shop.yaml
seed: 7
until: 5min
captures: all
steps:
  - at: 0s
    connect: {from: web-1, to: db-1, port: 5432, name: db, keep_open: true, send_bytes: 100}
    expect: {outcome: timeout, blocked_by: {network_acl: data, direction: outbound, rule: \"*\"}, on: reply}
  - write: {connection: db, bytes: 10}
    expect: {outcome: hang, elapsed: {at_least: 1s, at_most: 2s}}
  - close: {connection: db}
  - after: 1s
    send: {from: web-1, to: 10.0.0.2, port: 53, count: 3, interval: 10ms, df: true, expect_reply: true}
    expect: {outcome: reply, bytes: 96}
  - ping: {from: web-1, to: internet, ttl: 3}
    expect: {outcome: unreachable, code: SIM_TTL, path: [web-1, igw], latency_below: 20ms}
  - traceroute: {from: web-1, to: far, protocol: icmp, max_hops: 5}
    expect: {hops: [10.0.0.1, \"*\", far]}
  - resolve: {from: web-1, name: db.internal, type: AAAA}
    expect: {outcome: resolved, address: 2600::1}
  - at: 10s
    change:
      network_acl: data
      add_outbound: {rule: 100, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.1.0/24}
      remove_inbound: [100, 110]
  - change: {security_group: web, add_inbound: {protocol: tcp, ports: [80, 443], from: [a, b]}}
  - change: {route_table: rtb, remove_route: {to: 0.0.0.0/0}, add_route: {to: 0.0.0.0/0, via: nat}}
  - change: {instance: web-1, set: {state: stopped, listen: [80], security_groups: web}}
  - fail: {az: us-east-1a}
  - restore: {az: us-east-1a}
  - wait: {for: 350s}
  - traffic: {from: a, to: b, port: 443, protocol: tcp, rate: 100, bytes: 1400, duration: 1s, model: poisson}
    expect: {blocked_by: {security_group: web, rule: 5, route: 10.0.0.0/8}}
expect:
  - flow_log: {interface: web-1, src: 10.0.0.1, dst: 10.0.0.0/8, dst_port: 443, action: reject, packets: 3}
  - counter: {name: packets_dropped, equals: 0}
";

fn read(text: &str) -> (Option<Scenario>, Vec<Diagnostic>) {
    scenario::read(FileIx(1), text.as_bytes())
}

#[track_caller]
fn good(text: &str) -> Scenario {
    let (scenario, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    scenario.unwrap()
}

#[test]
fn a_scenario_is_read() {
    let scenario = good(TOUR);
    assert_eq!((scenario.seed, scenario.captures.clone()), (7, Captures::All));
    assert_eq!(scenario.steps.len(), 15);
    assert!(matches!(scenario.steps[0].when, When::At(at) if at.value == Nanos::ZERO));
    assert!(matches!(scenario.steps[3].when, When::After(after) if after.value == Nanos::from_secs(1)));
    let expect = scenario.steps[0].expect.as_ref().unwrap();
    assert_eq!(expect.outcome.unwrap().value, Outcome::Timeout);
    assert_eq!(expect.blocked_by.as_ref().unwrap().rule.as_ref().unwrap().value, RuleLabel::Implied);
    assert_eq!(expect.blocked_by.as_ref().unwrap().kind.key(), "network_acl");
    assert_eq!((scenario.steps[1].span.line, scenario.steps[1].span.column), (10, 5));
    let Action::Change(scenario::Change::SecurityGroup(change)) = &scenario.steps[8].action else { panic!() };
    assert_eq!(change.add_inbound.len(), 4);
    assert!(matches!(scenario.expect[1].value, Evidence::Counter(_)));
}

#[test]
fn each_mistake_has_its_place() {
    let table: &[(&str, &str, u32, u32, &str)] = &[
        (
            "  - ping: {from: a, to: b}\n    send: {from: a, to: b, port: 1}\n",
            "conflicting-fields",
            4,
            5,
            "exactly one",
        ),
        ("  - at: 1s\n", "missing-field", 3, 5, "connect, write"),
        ("  - pong: {from: a, to: b}\n    wait: {for: 1s}\n", "unknown-field", 3, 5, "did you mean `ping`"),
        ("  - ping: {from: a}\n", "missing-field", 3, 5, "to"),
        ("  - {at: 2s, wait: {for: 1s}}\n  - {at: 1s, wait: {for: 1s}}\n", "time-goes-back", 4, 10, "order"),
        ("  - {at: 2s, after: 1s, wait: {for: 1s}}\n", "conflicting-fields", 3, 21, "`at` counts"),
        ("  - {wait: {for: 1s}, leads_to: {lost_at_most: 1}}\n", "conflicting-fields", 3, 23, "`fail`, a `restore`"),
        ("  - {wait: {for: 1s}, expect: {outcome: sent}}\n", "conflicting-fields", 3, 23, "that sends"),
        ("  - write: {connection: c, bytes: 1}\n", "unknown-reference", 3, 25, "keep_open"),
        ("  - connect: {from: a, to: b, port: 1, name: c}\n", "name-unused", 3, 46, "keep_open"),
        ("  - connect: {from: a, to: b, port: 0}\n", "bad-value", 3, 37, "65535"),
        ("  - connect: {from: a, to: b, port: 1, protocol: udp}\n", "bad-value", 3, 50, "send"),
        ("  - wait: {for: 10}\n", "bad-value", 3, 17, "number with a unit"),
        ("  - fail: {link: dx}\n", "bad-value", 3, 18, "same_az"),
        ("  - fail: {}\n", "missing-field", 3, 5, "instance, nat_gateway"),
        ("  - change: {subnet: a}\n", "missing-field", 3, 5, "`set`"),
        ("  - change: {subnet: a, network_acl: b}\n", "conflicting-fields", 3, 25, "by itself"),
        ("  - change: {set: {}}\n", "missing-field", 3, 5, "network_acl"),
        ("  - change: {subnet: a, set: {mtu: 1}}\n", "unknown-field", 3, 31, "fields of a subnet"),
        ("  - {ping: {from: a, to: b}, expect: {outcome: conected}}\n", "bad-value", 3, 48, "`connected`"),
        ("  - {ping: {from: a, to: b}, expect: {blocked_by: {rule: 1}}}\n", "missing-field", 3, 39, "network_acl"),
        ("  []\nexpect: [{counter: {name: x}}]\n", "missing-field", 4, 27, "equals"),
        ("  []\nexpect: [{}]\n", "missing-field", 4, 10, "flow_log"),
        ("  []\ncaptures: web\n", "wrong-type", 4, 11, ""),
        ("  []\nseed: -1\n", "bad-value", 4, 7, ""),
    ];
    let mut wrong = Vec::new();
    for (steps, code, line, column, help) in table {
        let (_, diagnostics) = read(&format!("topology: t.yaml\nsteps:\n{steps}"));
        let seen = diagnostics.first().map(|d| (d.code, d.span.line, d.span.column));
        let helps = diagnostics.first().and_then(|d| d.help.clone()).unwrap_or_default();
        if seen != Some((*code, *line, *column)) || !helps.contains(help) || diagnostics.len() != 1 {
            wrong.push(format!("{steps:?}: {diagnostics:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_scenario_needs_a_topology_and_steps() {
    let (_, diagnostics) = read("description: x\n");
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["missing-field", "missing-field"]);
}

#[test]
fn a_connection_has_one_name() {
    let step = "  - connect: {from: a, to: b, port: 1, name: c, keep_open: true}\n";
    let (_, d) = read(&format!("topology: t\nsteps:\n{step}{step}"));
    assert_eq!((d.len(), d[0].code, d[0].span.line, d[0].notes[0].0.line), (1, "duplicate-name", 4, 3));
}

const SHOP: &str = "\
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/24}}
network_acls:
  acl: {vpc: v, inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}]}
  open: {vpc: v, default: true}
security_groups:
  web: {vpc: v, inbound: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}, {id: sgr-1, from: web}]}
route_tables:
  rtb: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
internet_gateways: {igw: {vpc: v}}
nat_gateways: {nat: {subnet: s}}
vpn_gateways: {vgw: {vpc: v}}
customer_gateways: {cgw: {router: dc}}
vpn_connections: {vpn: {customer_gateway: cgw, vpn_gateway: vgw}}
direct_connect_connections: {line: {router: dc}}
virtual_interfaces: {vif: {type: private, connection: line, vlan: 7, vpn_gateway: vgw}}
routers: {dc: {neighbors: [{peer: vif, prepend: 2, local_preference: 50}]}}
client_vpn_endpoints: {cvpn: {vpc: v, client_cidr: 10.100.0.0/16, subnets: [s], routes: [{to: 0.0.0.0/0, subnet: s}], authorization_rules: [{to: 0.0.0.0/0}]}}
instances:
  a: {subnet: s}
  b: {}
network_interfaces:
  eni-b: {subnet: s, instance: b, device_index: 0}
";

fn changed(change: &str) -> Result<Spec, Diagnostic> {
    let (spec, diagnostics) = spec::read(FileIx(0), SHOP.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let mut spec = spec.unwrap();
    let before = spec.clone();
    let scenario = good(&format!("topology: t\nsteps: [{{change: {{{change}}}}}]\n"));
    let Action::Change(change) = &scenario.steps[0].action else { panic!() };
    match apply(&mut spec, change) {
        Ok(()) => Ok(spec),
        Err(e) => {
            assert_eq!(spec, before, "a refused change left traces");
            Err(e)
        }
    }
}

#[test]
fn rows_are_added_and_removed() {
    let rows = |spec: &Spec, acl: &str| {
        let acl = &spec.network_acls[acl];
        let numbers = |rows: &Option<Vec<spec::Spanned<spec::AclRule>>>| {
            rows.as_ref().map(|rows| rows.iter().map(|r| r.rule.value).collect::<Vec<_>>())
        };
        (numbers(&acl.inbound), numbers(&acl.outbound))
    };
    let spec = changed("network_acl: acl, add_outbound: {rule: 5, action: deny, to: 0.0.0.0/0}").unwrap();
    assert_eq!(rows(&spec, "acl"), (Some(vec![100]), Some(vec![5])));
    let spec = changed(
        "network_acl: acl, remove_inbound: 100, add_inbound: [{rule: 100, action: deny}, {rule: 1, action: deny}]",
    )
    .unwrap();
    assert_eq!(rows(&spec, "acl"), (Some(vec![100, 1]), None));
    // The rows that AWS implies stay.
    let spec = changed("network_acl: open, add_inbound: {rule: 5, action: deny, from: 0.0.0.0/0}").unwrap();
    assert_eq!(rows(&spec, "open"), (Some(vec![100, 5]), None));
}

#[test]
fn rules_are_added_and_removed() {
    let groups = |spec: &Spec| {
        let web = &spec.security_groups["web"];
        (web.inbound.as_ref().map(Vec::len), web.outbound.as_ref().map(Vec::len))
    };
    let tcp = "{protocol: tcp, ports: 443, from: 0.0.0.0/0}";
    assert_eq!(groups(&changed(&format!("security_group: web, remove_inbound: {tcp}")).unwrap()), (Some(1), None));
    assert_eq!(groups(&changed("security_group: web, remove_inbound: {id: sgr-1}").unwrap()), (Some(1), None));
    let spec = changed("security_group: web, remove_outbound: {to: 0.0.0.0/0}").unwrap();
    assert_eq!(groups(&spec), (Some(2), Some(0)));
    let spec = changed("security_group: web, add_outbound: {to: [10.0.0.0/8, web]}").unwrap();
    assert_eq!(groups(&spec), (Some(2), Some(3)));
}

#[test]
fn routes_and_attributes_are_set() {
    let spec =
        changed("route_table: rtb, remove_route: {to: 0.0.0.0/0}, add_route: {to: 0.0.0.0/0, via: nat}").unwrap();
    assert_eq!(spec.route_tables["rtb"].routes[0].via.value, "nat");
    let spec =
        changed("instance: a, set: {state: stopped, listen: 80, source_dest_check: false, public_ip: auto}").unwrap();
    let a = &spec.instances["a"];
    assert_eq!((a.state, a.listen.as_ref().map(Vec::len)), (Some(InstanceState::Stopped), Some(1)));
    let eni = a.primary.as_ref().unwrap();
    assert_eq!((eni.source_dest_check, eni.public_ip.unwrap().value), (Some(false), PublicIp::Auto));
    let spec = changed("instance: b, set: {security_groups: web}").unwrap();
    assert_eq!(spec.network_interfaces["eni-b"].security_groups.as_ref().unwrap()[0].value, "web");
    let spec = changed("network_interface: a, set: {source_dest_check: false}").unwrap();
    assert_eq!(spec.instances["a"].primary.as_ref().unwrap().source_dest_check, Some(false));
    let spec = changed("subnet: s, set: {network_acl: acl, route_table: rtb}").unwrap();
    assert_eq!(spec.subnets["s"].network_acl.as_ref().unwrap().value, "acl");
    let spec = changed("nat_gateway: nat, set: {available: false}").unwrap();
    assert_eq!(spec.nat_gateways["nat"].available, Some(false));
    let spec = changed("block_public_access: us-east-1, set: {mode: block-ingress}").unwrap();
    assert_eq!(spec.block_public_access[0].mode, spec::BpaMode::BlockIngress);
}

#[test]
fn ways_to_sites_are_set() {
    let neighbor = |spec: &Spec, n: usize| spec.routers["dc"].neighbors[n].value.clone();
    let spec = changed("router: dc, set_neighbor: {peer: vif, shutdown: true, prepend: 1}").unwrap();
    let vif = neighbor(&spec, 0);
    assert_eq!((vif.shutdown, vif.prepend.map(|p| p.value), vif.local_preference), (Some(true), Some(1), Some(50)));
    let spec = changed("router: dc, set_neighbor: {peer: vpn/2, med: 7}").unwrap();
    assert_eq!((neighbor(&spec, 1).peer.value.as_str(), neighbor(&spec, 1).med), ("vpn/2", Some(7)));
    let spec = changed("direct_connect_connection: line, set: {up: false, loss: 5%}").unwrap();
    let line = &spec.direct_connect_connections["line"];
    assert_eq!((line.up, line.loss.map(|loss| loss.to_string())), (Some(false), Some("5%".into())));
    let spec = changed("virtual_interface: vif, set: {up: false}").unwrap();
    assert_eq!(spec.virtual_interfaces["vif"].up, Some(false));
    // The tunnels that AWS makes are written out before one of them is changed.
    let spec = changed("vpn_tunnel: vpn/2, set: {up: false}").unwrap();
    let up: Vec<Option<bool>> = spec.vpn_connections["vpn"].tunnels.iter().map(|t| t.up).collect();
    assert_eq!(up, [None, Some(false)]);
}

#[test]
fn client_vpn_endpoints_change() {
    let sizes = |change: &str| {
        let spec = changed(change).unwrap();
        let cvpn = &spec.client_vpn_endpoints["cvpn"];
        (cvpn.routes.len(), cvpn.authorization_rules.len())
    };
    assert_eq!(sizes("client_vpn_endpoint: cvpn, add_route: {to: 10.9.0.0/16, subnet: s}"), (2, 1));
    assert_eq!(sizes("client_vpn_endpoint: cvpn, remove_route: {to: 0.0.0.0/0, subnet: s}"), (0, 1));
    let rules = "remove_authorization_rule: {to: 0.0.0.0/0}, add_authorization_rule: [{to: 0.0.0.0/0, group: g}, {to: 10.0.0.0/8}]";
    assert_eq!(sizes(&format!("client_vpn_endpoint: cvpn, {rules}")), (1, 2));
}

#[test]
fn a_change_that_cannot_be_made_is_refused() {
    for (change, code) in [
        ("client_vpn_endpoint: cvpm, add_authorization_rule: {to: 10.0.0.0/8}", "unknown-reference"),
        ("client_vpn_endpoint: cvpn, add_authorization_rule: {to: 0.0.0.0/0}", "member-exists"),
        ("client_vpn_endpoint: cvpn, remove_authorization_rule: {to: 0.0.0.0/0, group: g}", "no-such-member"),
        ("client_vpn_endpoint: cvpn, remove_route: {to: 0.0.0.0/0, subnet: local}", "no-such-member"),
        ("network_acl: ack, remove_inbound: 1", "unknown-reference"),
        ("router: dd, set_neighbor: {peer: vif}", "unknown-reference"),
        ("virtual_interface: viv, set: {up: true}", "unknown-reference"),
        ("vpn_tunnel: vpn, set: {up: true}", "unknown-reference"),
        ("vpn_tunnel: vpn/3, set: {up: true}", "unknown-reference"),
        ("vpn_tunnel: vpm/1, set: {up: true}", "unknown-reference"),
        ("network_acl: acl, remove_inbound: 1", "no-such-rule"),
        ("network_acl: acl, add_inbound: {rule: 100, action: deny}", "rule-exists"),
        ("security_group: web, remove_inbound: [{id: sgr-1}, {id: sgr-2}]", "no-such-rule"),
        ("security_group: web, add_inbound: {from: web}", "rule-exists"),
        ("route_table: rtb, remove_route: {to: 10.0.0.0/8}", "no-such-route"),
        ("route_table: rtb, add_route: [{to: 1.0.0.0/8, via: nat}, {to: 0.0.0.0/0, via: nat}]", "route-exists"),
        ("instance: c, set: {state: stopped}", "unknown-reference"),
        ("network_interface: zzz, set: {source_dest_check: false}", "unknown-reference"),
    ] {
        let error = changed(change).expect_err(change);
        assert_eq!((error.code, error.span.file), (code, FileIx(1)), "{change}: {error:#?}");
        assert!(error.span.is_some());
    }
    assert_eq!(changed("network_acl: ack, remove_inbound: 1").unwrap_err().help.unwrap(), "did you mean `acl`?");
}
