//! Public virtual interfaces of Direct Connect: `docs/behaviour/direct-connect.md`, `docs/behaviour/route-selection.md`.

use super::harness::*;
use vpcsim_engine::base::ids::VifIx;
use vpcsim_engine::base::rng::Stream;
use vpcsim_engine::compile::Network;
use vpcsim_engine::verdict::Stage;
use vpcsim_engine::wire::Headers;

/// A VPC here with a public and a private subnet, one on another continent, and a site with public and private networks on a
/// public virtual interface. `vif` are further fields of that, `router` the router's.
fn topology(vif: &str, router: &str) -> String {
    format!(
        "
region: us-east-1
vpcs: {{v: {{cidr: 10.0.0.0/16}}, w: {{cidr: 10.1.0.0/16, region: eu-west-1}}}}
internet_gateways: {{igw: {{vpc: v}}, igw-w: {{vpc: w}}}}
subnets:
  s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}
  p: {{vpc: v, az: a, cidr: 10.0.2.0/24, route_table: rp}}
  t: {{vpc: w, az: eu-west-1a, cidr: 10.1.1.0/24, route_table: rw}}
nat_gateways: {{nat: {{subnet: s, addresses: [{{public: 203.0.113.99}}]}}}}
route_tables:
  r: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}]}}
  rp: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: nat}}]}}
  rw: {{vpc: w, routes: [{{to: 0.0.0.0/0, via: igw-w}}]}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 0.0.0.0/0}}]}}, gw: {{vpc: w, inbound: [{{from: 0.0.0.0/0}}]}}}}
instances:
  web: {{subnet: s, address: 10.0.1.10, public_ip: 203.0.113.10, security_groups: [g], listen: [443]}}
  app: {{subnet: p, address: 10.0.2.10, security_groups: [g]}}
  far: {{subnet: t, address: 10.1.1.10, public_ip: 203.0.113.20, security_groups: [gw], listen: [443]}}
prefix_lists: {{pl: {{name_tag: com.amazonaws.us-east-1.s3, entries: [52.216.0.0/15]}}}}
direct_connect_connections: {{line: {{router: dc}}, line-2: {{router: other, region: eu-west-1}}}}
virtual_interfaces: {{pub: {{type: public, connection: line, vlan: 9{vif}}}, pub-2: {{type: public, connection: line-2, vlan: 9}}}}
routers:
  dc: {{asn: 65010, networks: [198.51.100.0/24, 172.16.0.0/16]{router}}}
  other: {{asn: 65020, networks: [192.0.2.0/24]}}
site_hosts:
  pc: {{router: dc, addresses: [198.51.100.5], listen: [80]}}
  lan: {{router: dc, addresses: [172.16.0.5]}}
  peer: {{router: other, addresses: [192.0.2.5], listen: [80]}}
"
    )
}

/// What AWS's public network and virtual interfaces say on the request's way.
fn way(net: &Network, question: &str) -> Vec<String> {
    let answer = ask(net, question);
    let by = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
    by.filter(|text| text.starts_with("aws ") || text.starts_with("vif ")).collect()
}

/// DX-92, BGP-27: what is announced goes over the interface, both ways, through each gateway of a VPC.
#[test]
fn over_the_interface_and_not_over_the_internet() {
    let net = net(&topology("", ""));
    let there = ["aws public network us-east-1 route 198.51.100.0/24 -> pub", "vif pub"];
    check(&net, "pc -> 203.0.113.10 tcp/443", "open");
    check(&net, "web -> pc tcp/80", "open");
    assert_eq!(way(&net, "web -> pc tcp/80"), there);
    // By the NAT gateway, whose address AWS announces too.
    check(&net, "app -> pc tcp/80", "open");
    assert_eq!(way(&net, "app -> pc tcp/80"), there);
    // A Region elsewhere, which has heard of it too (BGP-28).
    check(&net, "pc -> 203.0.113.20 tcp/443", "open");
    assert_eq!(way(&net, "far -> pc tcp/80"), ["aws public network eu-west-1 route 198.51.100.0/24 -> pub", "vif pub"]);
    // What nobody announced is on the internet.
    assert_eq!(way(&net, "web -> 198.18.0.1 tcp/80"), [""; 0]);
}

/// DX-92: a regional NAT gateway and an egress-only gateway lead there as well.
#[test]
fn other_gateways_of_a_vpc() {
    let yaml = topology("", ", routes: []")
        .replace("{subnet: s, addresses: [{public: 203.0.113.99}]}", "{vpc: v, addresses: [{public: 203.0.113.99}]}");
    let regional = net(&yaml);
    check(&regional, "app -> pc tcp/80", "open");
    assert_eq!(way(&regional, "app -> pc tcp/80")[1..], ["vif pub"]);
    let six = topology("", "")
        .replace("v: {cidr: 10.0.0.0/16}", "v: {cidr: 10.0.0.0/16, ipv6_cidrs: ['2600:1f18:1::/56']}")
        .replace("internet_gateways:", "egress_only_internet_gateways: {eigw: {vpc: v}}\ninternet_gateways:")
        .replace("cidr: 10.0.2.0/24", "cidr: 10.0.2.0/24, ipv6_cidr: '2600:1f18:1:2::/64'")
        .replace("[{to: 0.0.0.0/0, via: nat}]", "[{to: '::/0', via: eigw}]")
        .replace("address: 10.0.2.10", "address: 10.0.2.10, ipv6_addresses: ['2600:1f18:1:2::10']")
        .replace("[198.51.100.0/24, 172.16.0.0/16]", "[198.51.100.0/24, 172.16.0.0/16, '2001:db8::/48']")
        .replace("addresses: [198.51.100.5]", "addresses: [198.51.100.5, '2001:db8::5']");
    let six = net(&six);
    check(&six, "app -> 2001:db8::5 tcp/80", "open");
    assert_eq!(way(&six, "app -> 2001:db8::5 tcp/80")[1..], ["vif pub"]);
}

/// DX-93: a service of AWS's whose ranges are known; what it does not listen for it does not answer.
#[test]
fn services_of_aws() {
    let net = net(&topology("", ""));
    check(&net, "pc -> 52.216.0.9 tcp/443", "open");
    check(
        &net,
        "pc -> 52.216.0.9 tcp/22",
        "no_reply request internet host com.amazonaws.us-east-1.s3 does not answer this",
    );
    check(&net, "peer -> 52.216.0.9 tcp/443", "open");
    check(
        &net,
        "lan -> 52.216.0.9 tcp/443",
        "no_reply request vif pub: the source is in no prefix that the customer announced over it",
    );
}

/// DX-89: a source that is private, or that is announced over another interface only.
#[test]
fn the_source_must_be_announced() {
    let refused = "no_reply request vif pub: the source is in no prefix that the customer announced over it";
    let all = net(&topology("", ""));
    check(&all, "lan -> 203.0.113.10 tcp/443", refused);
    let some = topology("", ", neighbors: [{peer: pub, announces: [198.51.100.0/24]}]");
    let some = some.replace("networks: [198.51.100.0/24,", "networks: [198.51.100.0/24, 198.18.0.0/24,");
    let some = net(&some.replace("addresses: [172.16.0.5]", "addresses: [198.18.0.5]"));
    check(&some, "lan -> 203.0.113.10 tcp/443", refused);
    check(&some, "pc -> 203.0.113.10 tcp/443", "open");
    // Announced for other Regions too or not: it is announced.
    let scoped = net(&topology("", ", neighbors: [{peer: pub, communities: ['7224:9100']}]"));
    check(&scoped, "pc -> 203.0.113.10 tcp/443", "open");
}

/// DX-90, BGP-27: no way from one customer to another, and none is announced.
#[test]
fn no_transit() {
    let plain = net(&topology("", ""));
    check(&plain, "pc -> peer tcp/80", "no_reply request router dc: no route to the destination");
    let forced = net(&topology("", ", routes: [{to: 192.0.2.0/24, via: pub}]"));
    check(&forced, "pc -> peer tcp/80", "no_reply request vif pub: the destination is no public address of AWS's");
    // `NO_EXPORT`: a router behind the first one learns nothing of AWS's.
    let behind = topology("", "").replace(
        "  other: {asn: 65020",
        "  behind: {asn: 65030, neighbors: [{peer: dc}], networks: [198.18.0.0/24]}\n  other: {asn: 65020",
    );
    let behind = net(&behind);
    let router = behind.names.routers.iter_enumerated().find(|(_, label)| label.id == "behind").unwrap().0;
    let learnt: Vec<String> = behind.fabric.routers[router].fib.routes.iter().map(|r| r.to.to_string()).collect();
    assert!(
        learnt.contains(&"198.51.100.0/24".to_owned()) && !learnt.iter().any(|to| to.starts_with("203.")),
        "{learnt:?}"
    );
}

/// BGP-28: a scope keeps a prefix in the location's Region; the rest of AWS has it on the internet.
#[test]
fn scopes() {
    for (tag, far) in [("7224:9300", true), ("7224:9200", false), ("7224:9100", false)] {
        let net = net(&topology("", &format!(", neighbors: [{{peer: pub, communities: ['{tag}']}}]")));
        assert_eq!(way(&net, "web -> pc tcp/80").len(), 2, "{tag}");
        assert_eq!(way(&net, "far -> pc tcp/80").len(), if far { 2 } else { 0 }, "{tag}");
    }
}

/// BGP-29: longest prefix, then path, then the location of the own Region.
#[test]
fn two_interfaces_for_one_prefix() {
    let with = |first: &str, second: &str| {
        let yaml = topology("", first)
            .replace("networks: [192.0.2.0/24]", &format!("networks: [192.0.2.0/24, 198.51.100.0/24]{second}"));
        let net = net(&yaml);
        let last = |question: &str| way(&net, question).last().cloned().unwrap_or_default();
        [last("web -> 198.51.100.5 tcp/80"), last("far -> 198.51.100.5 tcp/80")]
    };
    assert_eq!(with("", ""), ["vif pub", "vif pub-2"], "each its own Region's");
    let asn = |first: &str| first.to_owned();
    let longer = asn(", originates: [198.51.100.0/24, 198.51.100.0/25]");
    assert_eq!(with(&longer, ""), ["vif pub", "vif pub"], "the longer prefix");
}

/// A line that is down announces nothing, and what it led to is on the internet, where nobody describes it.
#[test]
fn an_interface_that_is_down() {
    let net = net(&topology(", up: false", ""));
    assert_eq!(way(&net, "web -> 198.51.100.5 tcp/80"), [""; 0]);
    check(&net, "pc -> 203.0.113.10 tcp/443", "no_reply request router dc: no route to the destination");
}

/// DX-91: of a customer who is not described, what it has named to AWS is known; of one who is, nothing else is taken.
#[test]
fn registered_prefixes() {
    let named = ", route_filter_prefixes: [198.51.100.0/24]";
    let foreign = topology(named, "").replace("line: {router: dc}", "line: {}");
    check(
        &net(&foreign),
        "web -> 198.51.100.5 tcp/80",
        "unknown request vif pub: the customer's side is not described",
    );
    let inside = topology(named, ", originates: [198.51.100.0/25]");
    assert_eq!(way(&net(&inside), "web -> pc tcp/80").len(), 2);
    let outside =
        topology(", route_filter_prefixes: [198.18.0.0/24]", ", originates: [198.51.100.0/24, 198.18.0.0/24]");
    assert_eq!(way(&net(&outside), "web -> pc tcp/80"), [""; 0]);
    assert_eq!(way(&net(&outside), "web -> 198.18.0.5 tcp/80").len(), 2);
    let codes = |yaml: &str| diagnostics(yaml).into_iter().map(|d| d.code).collect::<Vec<_>>();
    assert_eq!(codes(&topology(", route_filter_prefixes: [198.18.0.0/24]", "")), ["nothing-announced"]);
    assert_eq!(codes(&topology("", ", neighbors: [{peer: pub, shutdown: true}]")), [""; 0]);
}

/// DX-2, DX-92: 1,500 bytes; the run and the explanation agree.
#[test]
fn packets_cross() {
    let mut world = World::new(&topology("", ""));
    world.sends(&udp("10.0.1.10:9", "198.51.100.5:9", 1000), "at pc");
    world.sends(&udp("198.51.100.5:9", "203.0.113.10:9", 1000), "to web");
    let codes = |yaml: &str| diagnostics(yaml).into_iter().map(|d| d.code).collect::<Vec<_>>();
    assert_eq!(codes(&topology(", mtu: 1500", "")), [""; 0]);
    assert_eq!(codes(&topology(", mtu: 9001", "")), ["vif-mtu"]);
}

/// DX-89, DX-90, DX-92: whatever customers announce, no packet crosses AWS from one to another, and a way over a public
/// virtual interface has an announced address at the customer's end.
#[test]
fn random_policies_keep_customers_apart() {
    for seed in 0..150 {
        let stream = &mut Stream::new(seed, "public", "policies");
        let mut pick = |options: &[&str]| options[stream.below(options.len() as u64) as usize].to_owned();
        let scopes = ["", ", communities: ['7224:9100']", ", communities: ['7224:9200']", ", prepend: 2"];
        let announces = ["", ", announces: [198.51.100.0/25]", ", announces: [198.51.100.0/24, 172.16.0.0/16]"];
        let session = format!(", neighbors: [{{peer: pub{}{}}}]", pick(&scopes), pick(&announces));
        let route =
            pick(&["", ", routes: [{to: 0.0.0.0/0, via: pub}]", ", originates: [198.51.100.0/24, 192.0.2.0/24]"]);
        let filter = pick(&["", ", route_filter_prefixes: [198.51.100.0/24]", ", up: false"]);
        let second = pick(&["[192.0.2.0/24]", "[192.0.2.0/24, 198.51.100.0/24]"]);
        let yaml = topology(&filter, &format!("{session}{route}"))
            .replace("networks: [192.0.2.0/24]", &format!("networks: {second}"))
            .replace(
                "line: {router: dc}",
                &format!("line: {{router: dc{}}}", pick(&["", ", up: false", ", loss: 100%"])),
            );
        let (spec, _) = vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), yaml.as_bytes());
        let net = vpcsim_engine::compile::compile(&spec.unwrap()).0.expect("warnings only");
        for question in ["pc -> 192.0.2.5 tcp/80", "peer -> 198.51.100.5 tcp/80", "lan -> 192.0.2.5 tcp/80"] {
            // By its own network at most: a site may have the other's prefix.
            let over = ask(&net, question).request.steps.iter().filter(|s| matches!(s.stage, Stage::Vif(_))).count();
            assert!(over <= 2 && ask(&net, question).outcome.word() != "open", "seed {seed}: {question}\n{yaml}");
        }
        let sites = ["pc", "lan", "peer"];
        let asked = sites.map(|site| format!("{site} -> 203.0.113.10 tcp/443"));
        let others =
            ["web -> 198.51.100.5 tcp/80", "far -> 198.51.100.5 tcp/80", "app -> 192.0.2.5 tcp/80"].map(String::from);
        for question in asked.iter().chain(&others) {
            let answer = ask(&net, question);
            let steps = answer.request.steps.iter().chain(answer.reply.iter().flat_map(|reply| &reply.steps));
            let mut over = steps.filter(|s| s.decision.allow).filter_map(|s| match s.stage {
                Stage::Vif(vif) => Some((vif, s.before)),
                _ => None,
            });
            if answer.outcome.word() == "open" {
                let announced = |(vif, h): (VifIx, Headers)| {
                    let all = &net.fabric.vifs[vif].announced;
                    all.iter().any(|block| block.contains(h.src) || block.contains(h.dst))
                };
                assert!(over.all(announced), "seed {seed}: {question}\n{yaml}");
            }
        }
    }
}
