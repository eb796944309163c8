//! VPC Block Public Access: `docs/behaviour/block-public-access.md`.

use super::harness::*;

/// A public server, a client behind a NAT gateway, an IPv6 client behind an egress-only gateway.
fn blocked(mode: &str, exclusions: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
internet_gateways: {{igw: {{vpc: v}}}}
egress_only_internet_gateways: {{eigw: {{vpc: v}}}}
nat_gateways: {{nat: {{subnet: sp}}}}
subnets:
  sp: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: public}}
  sq: {{vpc: v, az: a, cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64, route_table: private}}
route_tables:
  public: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  private: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: nat}}, {{to: '::/0', via: eigw}}]}}
security_groups: {{open: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}}}
block_public_access: [{{mode: {mode}, exclusions: [{exclusions}]}}]
instances:
  web: {{subnet: sp, address: 10.0.1.10, public_ip: 198.51.100.10, security_groups: [open], listen: [443]}}
  app: {{subnet: sq, address: 10.0.2.10, ipv6_addresses: [2600:1f18:1:2::10], security_groups: [open], listen: [22]}}
"
    )
}

const IN: &str = "internet -> 198.51.100.10 tcp/443";
const OUT: &str = "web -> 8.8.8.8 tcp/443";
const NAT: &str = "app -> 8.8.8.8 tcp/443";
const EIGW: &str = "app -> 2001:4860:4860::8888 tcp/443";

fn answers(mode: &str, exclusions: &str, expected: [&str; 4]) {
    let net = net(&blocked(mode, exclusions));
    for (question, expected) in [IN, OUT, NAT, EIGW].into_iter().zip(expected) {
        check(&net, question, expected);
    }
}

const BLOCKED_IN: &str = "no_reply request vpc v: Block Public Access, inbound";
const BLOCKED_OUT: &str = "no_reply request vpc v: Block Public Access, outbound";
const BLOCKED_BACK: &str = "no_reply reply vpc v: Block Public Access, inbound";

/// BPA-1: bidirectional mode blocks internet and egress-only gateways both ways.
#[test]
fn bidirectional() {
    answers("off", "", ["open", "open", "open", "open"]);
    answers("block-bidirectional", "", [BLOCKED_IN, BLOCKED_OUT, BLOCKED_OUT, BLOCKED_OUT]);
}

/// BPA-2: ingress-only mode leaves NAT gateways and egress-only gateways alone.
#[test]
fn ingress_only() {
    answers("block-ingress", "", [BLOCKED_IN, BLOCKED_BACK, "open", "open"]);
}

/// BPA-3: a VPC or a subnet can be excluded.
#[test]
fn exclusions() {
    answers("block-bidirectional", "{resource: v, mode: allow-bidirectional}", ["open"; 4]);
    answers("block-bidirectional", "{resource: sp, mode: allow-bidirectional}", ["open", "open", "open", BLOCKED_OUT]);
    answers("block-bidirectional", "{resource: v, mode: allow-egress}", [BLOCKED_IN, BLOCKED_BACK, "open", "open"]);
}

/// BPA-4: private paths are not affected.
#[test]
fn private_paths_are_open() {
    check(&net(&blocked("block-bidirectional", "")), "web -> app tcp/22", "open");
}

/// BPA-1: a regional NAT gateway's way out is an internet gateway too.
#[test]
fn a_regional_nat_gateway_is_blocked_too() {
    let yaml = blocked("block-bidirectional", "").replace("nat: {subnet: sp}", "nat: {vpc: v}");
    check(&net(&yaml), NAT, BLOCKED_OUT);
}

/// BPA-1: it is set per account and Region; one that names neither is the topology's own.
#[test]
fn of_another_region_or_account() {
    let with = |place: &str| {
        let yaml = blocked("block-bidirectional", "").replace("[{mode", &format!("[{{{place}mode"));
        net(&format!("region: us-west-2\naccount: '111122223333'\n{yaml}"))
    };
    for own in ["", "region: us-west-2, ", "account: '111122223333', ", "region: us-west-2, account: '111122223333', "]
    {
        check(&with(own), IN, BLOCKED_IN);
    }
    for other in ["region: us-east-1, ", "account: '999988887777', ", "region: us-west-2, account: '999988887777', "] {
        check(&with(other), IN, "open");
    }
}
