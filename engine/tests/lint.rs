//! Every check of `lint`: a topology that triggers it and one that does not, by what AWS's documentation says of such a
//! network. The examples in `topologies/` have the findings that their headers tell of, and no other.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeSet;
use std::path::Path;
use vpcsim_engine::analyse::diff::diff;
use vpcsim_engine::analyse::lint::{CHECKS, Finding, Severity, lint};
use vpcsim_engine::base::Stream;
use vpcsim_engine::compile;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::import::{JsonFile, aws};
use vpcsim_engine::spec;

fn findings(text: &str) -> Vec<Finding> {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
    let spec = spec.unwrap();
    let (network, diagnostics) = compile::compile(&spec);
    lint(&spec, &network.unwrap_or_else(|| panic!("{diagnostics:?}\n{text}")), &diagnostics)
}

/// One VPC with a public and a private subnet; `{}` in each part is what a case adds.
const BASE: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets:
  public: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: rtb-public}
  private: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: rtb-private, network_acl: acl}
nat_gateways: {nat: {subnet: public}}
route_tables:
  rtb-public: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  rtb-private: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}
network_acls:
  acl:
    vpc: v
    inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}]
    outbound: [{rule: 100, action: allow, to: 0.0.0.0/0}]
security_groups:
  web: {vpc: v, inbound: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}]}
  db: {vpc: v, inbound: [{protocol: tcp, ports: 5432, from: web}]}
instances:
  web-1: {subnet: public, address: 10.0.0.10, public_ip: auto, security_groups: [web], listen: [443]}
  db-1: {subnet: private, address: 10.0.1.10, security_groups: [db], listen: [5432]}
";

/// BASE with some pieces of text replaced.
fn with(replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(BASE.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "`{old}`");
        text.replace(old, new)
    })
}

const IN: &str = "inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}]";
const OUT: &str = "outbound: [{rule: 100, action: allow, to: 0.0.0.0/0}]";

/// Two VPCs on a transit gateway; the spoke has subnets in two zones.
const HUB: &str = "
vpcs: {spoke: {cidr: 10.1.0.0/16}, hub: {cidr: 10.2.0.0/16}}
subnets:
  spoke-a: {vpc: spoke, az: a, cidr: 10.1.0.0/24, route_table: rtb-spoke}
  spoke-b: {vpc: spoke, az: b, cidr: 10.1.1.0/24, route_table: rtb-spoke}
  hub-a: {vpc: hub, az: a, cidr: 10.2.0.0/24, route_table: rtb-hub}
  hub-b: {vpc: hub, az: b, cidr: 10.2.1.0/24, route_table: rtb-hub}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments:
  at-spoke: {transit_gateway: tgw, vpc: spoke, subnets: [spoke-a, spoke-b]}
  at-hub: {transit_gateway: tgw, vpc: hub, subnets: [hub-a, hub-b]}
route_tables:
  rtb-spoke: {vpc: spoke, routes: [{to: 10.2.0.0/16, via: tgw}]}
  rtb-hub: {vpc: hub, routes: [{to: 10.1.0.0/16, via: tgw}]}
security_groups:
  s: {vpc: spoke}
  h: {vpc: hub, inbound: [{protocol: tcp, ports: 443, from: 10.1.0.0/16}]}
instances:
  spoke-1: {subnet: spoke-a, security_groups: [s]}
  spoke-2: {subnet: spoke-b, security_groups: [s]}
  hub-1: {subnet: hub-a, security_groups: [h], listen: [443]}
";

fn hub(replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(HUB.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "`{old}`");
        text.replace(old, new)
    })
}

/// PCX-8: 8,500 bytes between Regions, and nobody is told of what is larger. Instances have 9,001 (MTU-1).
const BETWEEN_REGIONS: &str = "
vpcs: {near: {cidr: 10.1.0.0/16}, far: {cidr: 10.2.0.0/16, region: eu-west-1}}
vpc_peering_connections: {pcx: {requester: near, accepter: far}}
subnets:
  s-near: {vpc: near, az: a, cidr: 10.1.0.0/24, route_table: rtb-near}
  s-far: {vpc: far, az: a, cidr: 10.2.0.0/24, route_table: rtb-far}
route_tables:
  rtb-near: {vpc: near, routes: [{to: 10.2.0.0/16, via: pcx}]}
  rtb-far: {vpc: far, routes: [{to: 10.1.0.0/16, via: pcx}]}
security_groups: {n: {vpc: near}, f: {vpc: far, inbound: [{protocol: tcp, ports: 443, from: 10.1.0.0/16}]}}
instances:
  client: {subnet: s-near, security_groups: [n]}
  server: {subnet: s-far, security_groups: [f], listen: [443]}
";

/// Code, text that triggers it, the id of the resource that it is about. What does not trigger it is BASE or HUB.
fn cases() -> Vec<(&'static str, String, &'static str)> {
    let topology = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies").join(name).with_extension("yaml");
        std::fs::read_to_string(path).unwrap()
    };
    let rules = |n: usize| {
        (1..=n)
            .map(|i| format!("{{rule: {i}, action: allow, protocol: tcp, ports: {i}, from: 0.0.0.0/0}}, "))
            .collect::<String>()
    };
    vec![
        // ACL-4: replies need rows of their own; GST-2: Linux takes 32768 to 60999, Windows 49152 to 65535.
        ("acl-reply-blocked", with(&[(OUT, "outbound: [{rule: 100, action: allow, protocol: tcp, ports: 443, to: 0.0.0.0/0}]")]), "acl"),
        ("acl-reply-narrow", with(&[(OUT, "outbound: [{rule: 100, action: allow, protocol: tcp, ports: 49152-65535, to: 0.0.0.0/0}]")]), "acl"),
        ("acl-row-duplicate", with(&[(OUT, "outbound: [{rule: 100, action: allow, to: 0.0.0.0/0}, {rule: 200, action: allow, to: 0.0.0.0/0}]")]), "acl"),
        ("acl-row-shadowed", with(&[(IN, "inbound: [{rule: 100, action: allow, from: 0.0.0.0/0}, {rule: 200, action: deny, protocol: tcp, ports: 22, from: 192.0.2.0/24}]")]), "acl"),
        ("appliance-mode-off", topology("inspection-hub"), "attach-inspect"),
        ("asymmetric-path", topology("inspection-hub"), "fw-a"),
        ("attachment-without-table", hub(&[("tgw: {}", "tgw: {default_route_table_association: false}")]), "at-spoke"),
        ("blackhole-route", with(&[("rtb-private: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}", "rtb-private: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat, state: blackhole}]}")]), "rtb-private"),
        ("choice-decides", topology("client-vpn"), "staff"),
        ("direct-connect-single-device", topology("direct-connect-and-vpn"), "dxgw"),
        ("exposed-port", with(&[("{protocol: tcp, ports: 443, from: 0.0.0.0/0}", "{protocol: tcp, ports: 3389, from: 0.0.0.0/0}"), ("listen: [443]", "listen: [3389]")]), "web"),
        ("group-rule-empty", with(&[("db-1: {subnet", "db-2: {subnet: private, security_groups: [db]}\n  db-1: {subnet"), ("security_groups: [web], listen", "security_groups: [db], listen")]), "db"),
        ("group-rule-implied", with(&[("{protocol: tcp, ports: 443, from: 0.0.0.0/0}", "{protocol: tcp, ports: 443, from: 0.0.0.0/0}, {protocol: tcp, ports: 443, from: 192.0.2.0/24}")]), "web"),
        ("mtu-black-hole", BETWEEN_REGIONS.to_owned(), "pcx"),
        ("nat-in-other-zone", with(&[("private: {vpc: v, az: a", "private: {vpc: v, az: b")]), "nat"),
        ("nat-in-private-subnet", with(&[("nat: {subnet: public}", "nat: {subnet: private}")]), "nat"),
        ("no-public-address", with(&[("public_ip: auto, ", "")]), "web-1"),
        ("no-return-route", hub(&[("rtb-hub: {vpc: hub, routes: [{to: 10.1.0.0/16, via: tgw}]}", "rtb-hub: {vpc: hub}")]), "rtb-hub"),
        ("overlapping-networks", hub(&[("spoke: {cidr: 10.1.0.0/16}", "spoke: {cidr: 10.1.0.0/16, secondary_cidrs: [10.2.128.0/17]}")]), "spoke"),
        // VPC-8: 20 rows of each direction.
        ("quota", with(&[(IN, &format!("inbound: [{}]", rules(21)))]), ""),
        ("reply-blocked", with(&[("public: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: rtb-public}", "public: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: rtb-public}\n  fw: {vpc: v, az: a, cidr: 10.0.2.0/24}"), ("rtb-private: {vpc: v, routes: [", "rtb-private: {vpc: v, routes: [{to: 10.0.0.0/24, via: fw-1}, "), ("db-1: {subnet", "fw-1: {subnet: fw, security_groups: [db], forwarding: {}}\n  db-1: {subnet")]), "fw-1"),
        ("reply-from-elsewhere", topology("direct-connect-group"), "gateway -> shop-1 tcp/443"),
        ("route-not-learnt", "vpcs: {a: {cidr: 10.0.0.0/16}, b: {cidr: 10.0.0.0/16}}\nsubnets: {sa: {vpc: a, az: a, cidr: 10.0.0.0/24}, sb: {vpc: b, az: a, cidr: 10.0.0.0/24}}\ntransit_gateways: {tgw: {default_route_table_association: false, default_route_table_propagation: false}}\ntransit_gateway_route_tables: {t: {transit_gateway: tgw, associations: [at-a, at-b], propagations: [at-a, at-b]}}\ntransit_gateway_vpc_attachments: {at-a: {transit_gateway: tgw, vpc: a, subnets: [sa]}, at-b: {transit_gateway: tgw, vpc: b, subnets: [sb]}}\n".to_owned(), ""),
        ("route-unused", with(&[("rtb-private: {vpc: v, routes: [", "rtb-private: {vpc: v, routes: [{to: 0.0.0.0/1, via: nat}, {to: 128.0.0.0/1, via: nat}, ")]), "rtb-private"),
        ("routing-loop", with(&[("nat: {subnet: public}", "nat: {subnet: private}")]), ""),
        ("single-point-of-failure", topology("nat-instance"), "nat-1"),
        // SG-11: the other VPC is a peer's, and the peering is gone.
        ("stale-reference", with(&[("vpcs: {v: {cidr: 10.0.0.0/16}}", "vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.9.0.0/16}}\nvpc_peering_connections: {pcx: {requester: v, accepter: w, state: deleted}}"), ("security_groups:\n", "security_groups:\n  far: {vpc: w}\n"), ("from: web}", "from: far}")]), "db"),
        ("suppression-unused", with(&[("vpcs: {v", "lint: [{ignore: exposed-port, on: web, reason: no longer}]\nvpcs: {v")]), "exposed-port"),
        ("transitive-peering", topology("peering-triangle"), "pcx-app-partner"),
        ("unused-gateway", with(&[("rtb-private: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat}]}", "rtb-private: {vpc: v}")]), "nat"),
        ("unused-network-acl", with(&[(", network_acl: acl", "")]), "acl"),
        ("unused-prefix-list", with(&[("vpcs: {v", "prefix_lists: {pl: {entries: [10.9.0.0/16]}}\nvpcs: {v")]), "pl"),
        ("unused-route-table", with(&[("route_tables:\n", "route_tables:\n  spare: {vpc: v}\n")]), "spare"),
        ("unused-security-group", with(&[("security_groups:\n", "security_groups:\n  spare: {vpc: v}\n")]), "spare"),
        ("zone-without-attachment", hub(&[("subnets: [spoke-a, spoke-b]", "subnets: [spoke-a]")]), "at-spoke"),
    ]
}

#[test]
fn a_network_in_order_has_no_finding() {
    assert_eq!(findings(BASE), []);
    assert_eq!(findings(HUB), []);
}

#[test]
fn every_check_finds_what_it_is_for() {
    for (code, text, id) in cases() {
        let found = findings(&text);
        let hit = found.iter().find(|f| f.check.code == code && f.resource.as_ref().map_or("", |(_, id)| id) == id);
        let list: Vec<_> = found.iter().map(|f| (f.check.code, &f.resource, &f.message)).collect();
        let hit = hit.unwrap_or_else(|| panic!("{code} on {id}: {list:#?}"));
        assert!(!hit.fix.is_empty() && !hit.message.ends_with('.'), "{hit:?}");
        assert!(hit.span.is_some() || code == "reply-from-elsewhere", "{code} has no place: {hit:?}");
    }
}

/// "gap" is about imported accounts, whose files do not fit together.
#[test]
fn every_check_has_a_case_and_a_line_in_the_documentation() {
    let tested: BTreeSet<&str> = cases().iter().map(|(code, ..)| *code).chain(["gap"]).collect();
    let all: BTreeSet<&str> = CHECKS.iter().map(|check| check.code).collect();
    assert_eq!(tested, all);
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md")).unwrap();
    for check in CHECKS {
        let line = format!("| `{}` | {} | {} | {} |", check.code, check.severity.word(), check.title, check.why);
        assert!(text.contains(&line), "docs/lint.md lacks\n{line}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("| `")).count(), CHECKS.len());
}

#[test]
fn narrow_and_blocked_are_told_apart() {
    let narrow =
        with(&[(OUT, "outbound: [{rule: 100, action: allow, protocol: tcp, ports: 49152-65535, to: 0.0.0.0/0}]")]);
    let found = findings(&narrow);
    let codes: Vec<&str> = found.iter().map(|f| f.check.code).collect();
    assert_eq!(codes, ["acl-reply-narrow"], "{found:#?}");
    assert_eq!(
        found[0].message,
        "acl acl outbound rule *: deny all drops replies of web-1 -> db-1 tcp/5432 from port 32768"
    );
    assert_eq!(found[0].fix, "a row in acl acl outbound: allow tcp 32768-60999 to 10.0.0.0/24");
}

/// MTU-5, MTU-8, PCX-8: large packets vanish where nobody says so, or where what is said does not come through.
#[test]
fn large_packets_vanish_only_where_nobody_hears_of_them() {
    let holes = |text: &str| -> Vec<String> {
        let found = findings(text);
        let hole = |f: &&Finding| f.check.code == "mtu-black-hole";
        found.iter().filter(hole).map(|f| format!("{}; fix: {}", f.message, f.fix)).collect()
    };
    assert_eq!(
        holes(BETWEEN_REGIONS),
        [
            "packets both ways of client -> server tcp/443 that are larger than 8500 bytes vanish: pcx pcx: larger than 8500 bytes, \
          and must not be fragmented; nobody tells the sender; fix: an MTU of 8500 on the interfaces, or a segment size of 8460"
        ]
    );
    // One end that announces less is enough for TCP, and so is 1,500 everywhere.
    let small = BETWEEN_REGIONS.replace("server: {", "server: {mtu: 1500, ");
    assert_eq!(holes(&small), Vec::<String>::new());

    // Behind a NAT gateway an internet gateway's 1,500 bytes are told of (MTU-3, MTU-9). The client's ACL lets that in or
    // not; its group does without a rule, because such flows are tracked automatically.
    let host = ("vpcs: {v", "internet_hosts: {jumbo: {addresses: [203.0.113.90], listen: [443], mtu: 9001}}\nvpcs: {v");
    let tcp = (IN, "inbound: [{rule: 100, action: allow, protocol: tcp, from: 0.0.0.0/0}]");
    let rule = "{rule: 110, action: allow, protocol: icmp, icmp_type: 3, icmp_code: 4, from: 0.0.0.0/0}";
    let both = (IN, &*format!("inbound: [{{rule: 100, action: allow, protocol: tcp, from: 0.0.0.0/0}}, {rule}]"));
    let small = ("web-1: {", "web-1: {mtu: 1500, ");
    assert_eq!(
        holes(&with(&[host, small, tcp])),
        [
            "requests of db-1 -> jumbo tcp/443 that are larger than 1500 bytes vanish: igw igw: larger than 1500 bytes, and must \
          not be fragmented; the message that tells the sender is dropped: acl acl inbound rule *: deny all; fix: a row in acl \
          acl inbound that allows icmp type 3, code 4 (fragmentation needed); or an MTU of 1500 on the interfaces, or a segment \
          size of 1460"
        ]
    );
    assert_eq!(holes(&with(&[host, small, both])), Vec::<String>::new());
    // With a public address of its own the flow is tracked: the group is in the way.
    let found = holes(&with(&[host]));
    assert!(found.len() == 1 && found[0].contains("sg web inbound default: no rule matches"), "{found:#?}");
}

/// A port is exposed if the internet reaches it, not if a rule says so: without a public address, behind an ACL, or for
/// some addresses only it is not.
#[test]
fn what_nobody_reaches_is_not_exposed() {
    let open = [
        ("{protocol: tcp, ports: 443, from: 0.0.0.0/0}", "{protocol: tcp, ports: 22, from: 0.0.0.0/0}"),
        ("listen: [443]", "listen: [22]"),
    ];
    let severity = |text: &str| findings(text).iter().find(|f| f.check.code == "exposed-port").map(|f| f.severity);
    assert_eq!(severity(&with(&open)), Some(Severity::Warning));
    assert_eq!(severity(&with(&[open[0]])), Some(Severity::Note), "nothing listens");
    assert_eq!(severity(&with(&[open[0], open[1], ("public_ip: auto, ", "")])), None);
    assert_eq!(
        severity(&with(&[
            ("{protocol: tcp, ports: 443, from: 0.0.0.0/0}", "{protocol: tcp, ports: 22, from: 203.0.113.0/24}"),
            open[1]
        ])),
        None
    );
    let halves = "{protocol: tcp, ports: 22, from: 0.0.0.0/1}, {protocol: tcp, ports: 22, from: 128.0.0.0/1}";
    assert_eq!(
        severity(&with(&[("{protocol: tcp, ports: 443, from: 0.0.0.0/0}", halves), open[1]])),
        Some(Severity::Warning)
    );
}

#[test]
fn a_suppression_marks_the_finding_with_the_reason() {
    let spare = ("security_groups:\n", "security_groups:\n  spare: {vpc: v}\n");
    let case = |lint: &str| findings(&with(&[spare, ("vpcs: {v", &format!("lint: [{lint}]\nvpcs: {{v"))]));
    for (lint, suppressed, unused) in [
        ("{ignore: unused-security-group, on: spare, reason: for the next release}", true, None),
        ("{ignore: unused-security-group, reason: for the next release}", true, None),
        (
            "{ignore: unused-security-group, on: web, reason: x}",
            false,
            Some("there is no finding `unused-security-group` on `web` to suppress"),
        ),
        (
            "{ignore: unused-security-grup, on: spare, reason: x}",
            false,
            Some("there is no finding `unused-security-grup`"),
        ),
        (
            "{ignore: unused-security-group, on: spare, reason: \"\"}",
            false,
            Some("`unused-security-group` on `spare` is not suppressed: no reason is given"),
        ),
    ] {
        let found = case(lint);
        let group = found.iter().find(|f| f.check.code == "unused-security-group").unwrap();
        assert_eq!(group.suppressed.is_some(), suppressed, "{lint}");
        let other = found.iter().find(|f| f.check.code == "suppression-unused").map(|f| f.message.as_str());
        assert_eq!(other, unused, "{lint}");
    }
}

/// What the examples are found to have is what they show: read one by one. A new finding is either a mistake in the
/// example or one in the check.
#[test]
fn the_examples_have_the_findings_that_they_are_about() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
    let mut seen = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "yaml")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let found = findings(&std::fs::read_to_string(path).unwrap());
        seen.extend(
            found
                .iter()
                .filter(|f| f.severity > Severity::Note)
                .map(|f| format!("{name}: {} {}", f.check.code, f.resource.as_ref().map_or("", |(_, id)| id))),
        );
    }
    let expected = [
        // A second zone lacks a route: lesson 50.
        "client-vpn: choice-decides staff",
        // The shop's public subnet has no route to the office.
        "flow-logs: no-return-route igw",
        "hub-and-spoke: zone-without-attachment attach-blue",
        "hub-and-spoke: zone-without-attachment attach-green",
        // One virtual interface, no backup.
        "hundred-prefixes: single-point-of-failure vif-transit",
        "inspection-hub: appliance-mode-off attach-inspect",
        "inspection-hub: asymmetric-path fw-a",
        "inspection-hub: asymmetric-path fw-b",
        "inspection: single-point-of-failure fw-1",
        // A host outside that takes 9,001 bytes, and a group without ICMP: lesson 11.
        "lab-nat: mtu-black-hole edge-1",
        "lab-public: exposed-port server",
        "lab-public: no-public-address client-1",
        // 9,001 bytes at both ends of a peering between Regions.
        "multi-region: mtu-black-hole pcx-virginia-reports",
        "nat-instance: single-point-of-failure nat-1",
        "peering-triangle: transitive-peering pcx-app-partner",
        "peering-triangle: no-return-route rtb-data-b",
        // Replies to the web tier, and to what the database itself asks.
        "three-tier: acl-reply-blocked data",
        "three-tier: acl-reply-blocked data",
        "three-tier: exposed-port bastion",
        "vpn-stateful-firewall: asymmetric-path lyon",
    ];
    assert_eq!(seen, expected);
}

/// A row that is said to decide nothing can be taken away, and no flow differs: on random ACLs and groups.
#[test]
fn rows_that_never_decide_can_go() {
    let mut random = Stream::new(11, "lint", "rows");
    let (mut dead, mut cases) = (0, 0);
    while cases < if cfg!(debug_assertions) { 25 } else { 250 } {
        cases += 1;
        let mut pick = |of: &[&str]| of[random.below(of.len() as u64) as usize].to_owned();
        let blocks =
            ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/25"];
        let kinds = [
            "",
            "protocol: tcp, ",
            "protocol: udp, ",
            "protocol: tcp, ports: 443, ",
            "protocol: tcp, ports: 0-1023, ",
            "protocol: tcp, ports: 1024-65535, ",
            "protocol: icmp, ",
            "protocol: icmp, icmp_type: 8, ",
        ];
        let mut rows = |word: &str| {
            let row = |n: usize| {
                format!(
                    "{{rule: {n}, action: {}, {}{word}: {}}}",
                    pick(&["allow", "allow", "deny"]),
                    pick(&kinds),
                    pick(&blocks)
                )
            };
            (1..=7).map(row).collect::<Vec<_>>().join(", ")
        };
        let (inbound, outbound) = (rows("from"), rows("to"));
        let mut rules = |word: &str| {
            let rule = |_| format!("{{{}{word}: {}}}", pick(&kinds), pick(&blocks));
            (0..4).map(rule).collect::<Vec<_>>().join(", ")
        };
        let (sg_in, sg_out) = (rules("from"), rules("to"));
        let text = with(&[
            (IN, &format!("inbound: [{inbound}]")),
            (OUT, &format!("outbound: [{outbound}]")),
            (
                "db: {vpc: v, inbound: [{protocol: tcp, ports: 5432, from: web}]}",
                &format!("db: {{vpc: v, inbound: [{sg_in}], outbound: [{sg_out}]}}"),
            ),
        ]);
        let spec = spec::read(FileIx(0), text.as_bytes()).0.unwrap();
        let before = compile::compile(&spec).0.unwrap();
        for finding in lint(&spec, &before, &[]) {
            let mut less = spec.clone();
            let at = finding.span;
            match finding.check.code {
                "acl-row-shadowed" | "acl-row-duplicate" => {
                    let acl = less.network_acls.get_mut("acl").unwrap();
                    for rows in [&mut acl.inbound, &mut acl.outbound] {
                        rows.as_mut().unwrap().retain(|row| row.span != at);
                    }
                }
                "group-rule-implied" => {
                    let group = less.security_groups.get_mut("db").unwrap();
                    for rules in [&mut group.inbound, &mut group.outbound] {
                        rules.as_mut().unwrap().retain(|rule| rule.span != at);
                    }
                }
                _ => continue,
            }
            let after = compile::compile(&less).0.unwrap();
            let found = diff((&spec, &before), (&less, &after));
            assert!(
                found.resources.len() == 1 && found.flows.is_empty(),
                "{}\n{text}\n{:#?}",
                finding.message,
                found.flows
            );
            dead += 1;
        }
    }
    assert!(dead > cases * 2, "{dead} of {cases} cases");
}

/// Real accounts, where the data is there: what is known of them is found, and nothing panics.
#[test]
fn real_accounts_have_the_findings_that_were_measured() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    for (folder, expected) in [
        // The NAT gateway of the private subnet is deleted: AWS shows the route as a blackhole.
        ("aws/hybrid-cloud", "blackhole-route rtb-f28e418b"),
        // Measured: nothing reaches the zone that the attachment lacks.
        ("measured/tgw_multi_az_intra_region", "zone-without-attachment "),
        ("measured/vpc_endpoints", "exposed-port "),
        ("measured/instance_multiple_interface", "exposed-port "),
        ("measured/multi_account_vpc_peering", "exposed-port "),
        ("measured/nlb_targets_ip", "exposed-port "),
    ] {
        let folder = all.join(folder).join("aws_configs");
        if !folder.is_dir() {
            println!("skipped: {} is not here", folder.display());
            continue;
        }
        let mut files = Vec::new();
        let mut pending = vec![folder.clone()];
        while let Some(at) = pending.pop() {
            for path in std::fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
                    files.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        files.sort();
        let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text }).collect();
        let spec = aws(&files).spec;
        let (network, diagnostics) = compile::compile(&spec);
        let found = lint(&spec, &network.unwrap(), &diagnostics);
        let said = |f: &Finding| format!("{} {}", f.check.code, f.resource.as_ref().map_or("", |(_, id)| id));
        let list: Vec<String> = found.iter().map(said).collect();
        assert!(list.iter().any(|f| f.starts_with(expected)), "{}: {list:#?}", folder.display());
    }
}
