//! What a flow log's lines rest on: `docs/behaviour/flow-log.md`.

use super::harness::*;
use vpcsim_engine::record::flow_log;

/// A public host in a subnet with this table, and Block Public Access in this mode.
fn host(routes: &str, mode: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, routes: [{routes}]}}}}
security_groups: {{web: {{vpc: v, inbound: [{{protocol: tcp, ports: 80, from: 0.0.0.0/0}}]}}}}
block_public_access: [{{mode: {mode}}}]
instances: {{i: {{subnet: s, public_ip: 198.51.100.10, security_groups: [web], listen: [80]}}}}
"
    )
}

const PUBLIC: &str = "{to: 0.0.0.0/0, via: igw}";

/// FLW-1: one line per interface, direction and answer.
#[test]
fn one_line_per_direction() {
    let net = net(&host(PUBLIC, "off"));
    assert_eq!(crossings(&net, "internet -> 198.51.100.10 tcp/80"), ["i in ACCEPT", "i out ACCEPT"]);
    assert_eq!(crossings(&net, "internet -> 198.51.100.10 tcp/81"), ["i in REJECT"]);
}

/// FLW-2: Block Public Access is a REJECT too.
#[test]
fn block_public_access_rejects() {
    let net = net(&host(PUBLIC, "block-bidirectional"));
    assert_eq!(crossings(&net, "internet -> 198.51.100.10 tcp/80"), ["i in REJECT"]);
}

/// FLW-4 (assumed): what has no route was accepted by the filters of its sender.
#[test]
fn no_route_is_accepted() {
    let net = net(&host("", "off"));
    check(&net, "i -> 8.8.8.8 tcp/443", "no_reply request rtb r: no route");
    assert_eq!(crossings(&net, "i -> 8.8.8.8 tcp/443"), ["i out ACCEPT"]);
}

/// SHARE-3: in a shared subnet each participant's interface is logged under its own account.
#[test]
fn a_participants_interface_is_logged_under_its_account() {
    let net = net("
account: '111111111111'
vpcs: {v: {cidr: 10.1.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.1.1.0/24}}
instances: {own: {subnet: s}, guest: {subnet: s, account: '222222222222'}}
");
    let account = |name: &str| {
        let eni = net.names.enis.iter_enumerated().find(|(_, label)| label.id == name).expect("an interface").0;
        flow_log::identity(&net, eni).0
    };
    assert_eq!((account("own").as_str(), account("guest").as_str()), ("111111111111", "222222222222"));
}
