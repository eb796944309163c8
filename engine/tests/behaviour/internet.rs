//! Hosts on the internet: `docs/behaviour/internet.md`.

use super::harness::*;

const HOSTS: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: public}}
route_tables: {public: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}}
security_groups: {open: {vpc: v, inbound: [{protocol: tcp, ports: 22, from: 203.0.113.0/24}]}}
instances: {i: {subnet: s, public_ip: 198.51.100.10, security_groups: [open], listen: [22]}}
internet_hosts: {office: {addresses: [203.0.113.7], listen: [443]}}
";

/// INET-1: a described host answers as described; it can ask too.
#[test]
fn described_hosts() {
    let net = net(HOSTS);
    check(&net, "i -> office tcp/443", "open");
    check(&net, "i -> office tcp/80", "closed request internet host office: nothing listens");
    check(&net, "office -> 198.51.100.10 tcp/22", "open");
}

/// INET-2: well-known resolvers answer on their ports and are silent on others.
#[test]
fn well_known_hosts() {
    let net = net(HOSTS);
    check(&net, "i -> 8.8.8.8 udp/53", "open");
    check(&net, "i -> 1.1.1.1 ping", "reply");
    check(&net, "i -> 8.8.8.8 tcp/22", "no_reply request internet host dns.google does not answer");
}

/// INET-3: what a host that nobody described does is not known.
#[test]
fn other_hosts_are_unknown() {
    check(
        &net(HOSTS),
        "i -> 203.0.113.99 tcp/443",
        "unknown request a host on the internet that the topology does not describe",
    );
}

/// INET-4: `internet` in a question is a host that takes everything.
#[test]
fn the_word_internet() {
    check(&net(HOSTS), "i -> internet tcp/12345", "open");
    check(&net(HOSTS), "internet -> 198.51.100.10 tcp/22", "no_reply request sg open inbound default");
}
