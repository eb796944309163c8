//! What a topology file may say, and what is said about a wrong one: code, line, column.

use vpcsim_engine::base::port::ProtocolMatch;
use vpcsim_engine::base::{PortRange, Protocol};
use vpcsim_engine::diag::{Diagnostic, FileIx};
use vpcsim_engine::spec::{BYTES_MAX, Peer, Spec, read};

fn read_text(text: &str) -> (Option<Spec>, Vec<Diagnostic>) {
    read(FileIx(0), text.as_bytes())
}

#[track_caller]
fn good(text: &str) -> Spec {
    let (spec, diagnostics) = read_text(text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    spec.unwrap()
}

fn places(diagnostics: &[Diagnostic]) -> Vec<(&'static str, u32, u32)> {
    diagnostics.iter().map(|d| (d.code, d.span.line, d.span.column)).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(&str, u32, u32)]) -> Vec<Diagnostic> {
    let diagnostics = read_text(text).1;
    assert_eq!(places(&diagnostics), expected, "{diagnostics:#?}");
    diagnostics
}

const THREE: &str = "\
description: small
account: 012345678901
vpcs:
  main:
    cidr: 10.0.0.0/16
subnets:
  web: {vpc: main, az: a, cidr: 10.0.1.0/24, route_table: rtb}
route_tables:
  rtb:
    vpc: main
    routes:
      - {to: 0.0.0.0/0, via: igw}
internet_gateways:
  igw: {vpc: main}
network_acls:
  acl:
    vpc: main
    inbound:
      - {rule: 100, action: allow, protocol: tcp, ports: 443, from: 0.0.0.0/0}
security_groups:
  sg:
    vpc: main
    inbound:
      - {protocol: tcp, ports: [443, \"8000-8100\"], from: [10.0.0.0/8, other]}
  other: {vpc: main}
instances:
  host-1:
    subnet: web
    address: 10.0.1.10
    secondary_addresses: [10.0.1.11, {address: 10.0.1.12, public_ip: 198.51.100.9}]
    security_groups: sg
    listen: [443, \"80\", udp/53]
    bandwidth: 5Gbps
internet_hosts:
  far: {addresses: 198.51.100.7, listen: 443, latency: 20ms}
";

#[test]
fn a_topology_is_read() {
    let spec = good(THREE);
    assert_eq!(spec.account.as_ref().unwrap().value, "012345678901");
    let host = &spec.instances["host-1"];
    let eni = host.primary.as_ref().unwrap();
    assert_eq!(eni.subnet.as_ref().unwrap().value, "web");
    assert_eq!((eni.subnet.as_ref().unwrap().span.line, eni.subnet.as_ref().unwrap().span.column), (28, 13));
    assert_eq!(eni.subnet.as_ref().unwrap().span.len, 3);
    assert_eq!(eni.secondary_addresses.len(), 2);
    assert_eq!(eni.security_groups.as_ref().unwrap()[0].value, "sg");
    assert_eq!(host.listen.as_ref().unwrap().len(), 3);
    assert_eq!(spec.internet_hosts["far"].listen[0].protocol, Protocol::TCP);
}

#[test]
fn a_rule_with_lists_is_one_rule_per_peer_and_range() {
    let spec = good(THREE);
    let rules = spec.security_groups["sg"].inbound.as_ref().unwrap();
    let seen: Vec<_> = rules
        .iter()
        .map(|r| {
            assert_eq!(r.protocol, Some(ProtocolMatch::One(Protocol::TCP)));
            (r.ports.unwrap(), r.from.as_ref().unwrap().value.clone(), r.span.line, r.span.column)
        })
        .collect();
    let block = Peer::Cidr("10.0.0.0/8".parse().unwrap());
    let group = Peer::Name("other".into());
    let range = PortRange { from: 8000, to: 8100 };
    assert_eq!(
        seen,
        [
            (PortRange::one(443), block.clone(), 24, 59),
            (range, block, 24, 59),
            (PortRange::one(443), group.clone(), 24, 71),
            (range, group, 24, 71)
        ]
    );
}

#[test]
fn a_row_knows_its_place() {
    let spec = good(THREE);
    let row = &spec.network_acls["acl"].inbound.as_ref().unwrap()[0];
    assert_eq!((row.span.line, row.span.column, row.span.len), (19, 9, 70));
    let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\nnetwork_acls:\n  a:\n    vpc: v\n    inbound:\n      - rule: 100\n        action: deny\n";
    let spec = good(text);
    let row = &spec.network_acls["a"].inbound.as_ref().unwrap()[0];
    assert_eq!((row.span.line, row.span.column, row.span.len), (6, 9, 4));
}

#[test]
fn json_is_read_with_places() {
    let text = "{\n\t\"vpcs\": {\"main\": {\"cidr\": \"10.0.0.0/16\", \"region\": null}},\n\t\"instances\": {\"a\": {\"mtu\": 1500}}\n}\n";
    let cidr = good(text).vpcs["main"].cidr.unwrap();
    assert_eq!((cidr.span.line, cidr.span.column), (2, 28));
}

#[test]
fn anchors_and_merge_keys_work() {
    let spec = good(
        "vpcs:\n  a: &base {cidr: 10.0.0.0/16, enable_dns_support: false}\n  b:\n    <<: *base\n    cidr: 10.1.0.0/16\n  c: *base\n",
    );
    assert_eq!(spec.vpcs["b"].cidr.unwrap().to_string(), "10.1.0.0/16");
    assert_eq!(spec.vpcs["b"].enable_dns_support, Some(false));
    assert_eq!(spec.vpcs["c"], spec.vpcs["a"]);
}

#[test]
fn byte_order_mark_and_crlf_change_nothing() {
    let crlf = format!("\u{feff}{}", THREE.replace('\n', "\r\n"));
    let spec = good(&crlf);
    assert_eq!(spec, good(THREE));
    assert_eq!(spec.instances["host-1"].primary.as_ref().unwrap().subnet.as_ref().unwrap().span.line, 28);
    check("\u{feff}vpc: {}\r\nvpcs: {v: {cidr: nonsense}}\r\n", &[("unknown-field", 1, 1), ("bad-value", 2, 18)]);
}

#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let text = "\
vpcs:
  main: {cidr: 10.0.0.0, cidrs: []}
subnets:
  web: {vpc: main}
  local: {vpc: main, az: a}
  main: {vpc: main, az: a}
network_acls:
  acl:
    vpc: main
    inbound:
      - {rule: '100', action: permit, ports: 99999}
instances:
  web-1: {address: 10.0.0.1, source_dest_check: no}
  web-1: {}
";
    check(
        text,
        &[
            ("bad-value", 2, 16),
            ("unknown-field", 2, 26),
            ("missing-field", 4, 3),
            ("bad-name", 5, 3),
            ("duplicate-name", 6, 3),
            ("wrong-type", 11, 16),
            ("bad-value", 11, 31),
            ("bad-value", 11, 46),
            ("missing-field", 13, 11),
            ("missing-field", 13, 30),
            ("wrong-type", 13, 49),
            ("duplicate-key", 14, 3),
        ],
    );
}

#[test]
fn each_code_with_its_help() {
    let table: &[(&str, &str, u32, u32, &str)] = &[
        ("vpsc: {}\n", "unknown-field", 1, 1, "did you mean `vpcs`?"),
        ("zzzzzzzzz: 1\n", "unknown-field", 1, 1, "fields of a topology"),
        ("vpcs: [a]\n", "wrong-type", 1, 7, ""),
        ("vpcs:\nsubnets: {}\n", "wrong-type", 1, 1, "remove the key"),
        ("vpcs: null\n", "wrong-type", 1, 7, "remove the key"),
        ("vpcs: {a: {default: yes}}\n", "wrong-type", 1, 21, "write `true`"),
        ("vpcs: {a: {default: \"true\"}}\n", "wrong-type", 1, 21, "quotes off"),
        ("description: true\n", "wrong-type", 1, 14, "put quotes"),
        ("vpcs: {a: {tags: [env]}}\n", "wrong-type", 1, 18, ""),
        ("instances: {i: {tags: {backup: true}}}\n", "wrong-type", 1, 32, "put quotes"),
        ("prefix_lists: {p: {entries: [10.0.0.1]}}\n", "bad-value", 1, 30, "10.0.0.1/32"),
        ("instances: {i: {mtu: 010}}\n", "bad-value", 1, 22, "without"),
        ("instances: {i: {mtu: 99999999999}}\n", "bad-value", 1, 22, ""),
        ("instances: {i: {mtu: '9001'}}\n", "wrong-type", 1, 22, "quotes off"),
        ("instances: {i: {os: linus}}\n", "bad-value", 1, 21, "did you mean `linux`?"),
        ("instances: {i: {os: beos}}\n", "bad-value", 1, 21, "write one of"),
        ("instances: {i: {listen: 0}}\n", "bad-value", 1, 25, "tcp/443"),
        ("instances: {i: {ephemeral_ports: +4}}\n", "bad-value", 1, 34, "443"),
        ("links: {same_az: {latency: 10}}\n", "bad-value", 1, 28, "number with a unit"),
        ("links: {same_az: {loss: 101%}}\n", "bad-value", 1, 25, "percentage"),
        ("internet_hosts: {h: {}}\n", "missing-field", 1, 18, "addresses"),
        ("internet_hosts: {h: {addresses: 10.0.0.0/8}}\n", "bad-value", 1, 33, "without a prefix"),
        ("vpcs: {'': {}}\n", "bad-name", 1, 8, ""),
        ("vpcs: {' a': {}}\n", "bad-name", 1, 8, ""),
        ("vpcs: {\"a\\u0007\": {}}\n", "bad-name", 1, 8, ""),
        ("vpcs: {10.0.0.0/8: {}}\n", "bad-name", 1, 8, ""),
        ("vpcs: {internet: {}}\n", "bad-name", 1, 8, ""),
        ("vpcs: {a: {}}\nsubnets: {a: {vpc: a, az: a}}\n", "duplicate-name", 2, 11, ""),
        ("vpcs: {a: {}, a: {}}\n", "duplicate-key", 1, 15, ""),
        ("vpcs: {[a]: {}}\n", "bad-key", 1, 8, ""),
        ("description: !Ref x\n", "tag", 1, 19, "CloudFormation"),
        ("vpcs: {a: {<<: 5}}\n", "merge", 1, 12, ""),
        ("vpcs: &a {x: *a}\n", "alias", 1, 14, ""),
        ("vpcs: {}\n---\nvpcs: {}\n", "several-documents", 2, 1, ""),
        ("", "empty-document", 1, 1, ""),
        ("# only\n# comments\n", "empty-document", 1, 1, ""),
        ("just words\n", "wrong-type", 1, 1, ""),
        ("vpcs:\n\ta: {}\n", "syntax", 2, 1, "replace each tab"),
        ("vpcs:\n  a:\n  \tb: {}\n", "syntax", 3, 3, "replace each tab"),
        ("{\"vpcs\": {\"a\": {}\n", "syntax", 2, 1, "never closed"),
        ("{\"vpcs\": {\"a\" {}}}\n", "syntax", 1, 15, "JSON"),
        ("vpcs: a: b\n", "syntax", 1, 8, "put quotes"),
        ("vpcs: *nobody\n", "syntax", 1, 7, "alias"),
        ("vpcs: {}\0\n", "syntax", 1, 9, "damaged"),
    ];
    let mut wrong = Vec::new();
    for (text, code, line, column, help) in table {
        let diagnostics = read_text(text).1;
        let seen = diagnostics.first().map(|d| (d.code, d.span.line, d.span.column));
        let helps = diagnostics.first().and_then(|d| d.help.clone()).unwrap_or_default();
        if seen != Some((*code, *line, *column)) || !helps.contains(help) || diagnostics.len() != 1 {
            wrong.push(format!("{text:?}: {diagnostics:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_that_contradict_themselves() {
    let sg =
        |rule: &str| format!("vpcs: {{v: {{}}}}\nsecurity_groups:\n  s:\n    vpc: v\n    inbound:\n      - {rule}\n");
    check(&sg("{from: 10.0.0.0/8, to: 10.0.0.0/8}"), &[("conflicting-fields", 6, 28)]);
    check(&sg("{from: [a, b], id: sgr-1}"), &[("conflicting-fields", 6, 24)]);
    check(&sg("{from: 10.0.0.1}"), &[("bad-value", 6, 16)]);
    check(&sg("{from: 10.0.0.1/33}"), &[("bad-value", 6, 16)]);
    let spec = read_text(&sg("{from: [10.0.0.1, web]}")).0.unwrap();
    assert_eq!(spec.security_groups["s"].inbound.as_ref().unwrap().len(), 1);
}

#[test]
fn null_is_as_if_not_written() {
    let spec =
        good("vpcs: {a: {cidr: ~, region: null, name_tag: Null}}\nsecurity_groups: {s: {vpc: a, inbound: null}}\n");
    assert!(spec.vpcs["a"].cidr.is_none() && spec.security_groups["s"].inbound.is_none());
    assert_eq!(good("description: \"null\"\n").description.as_deref(), Some("null"));
    check("vpcs: {a: {cidr: }}\nsecurity_groups: {s: {vpc: ~}}\n", &[("wrong-type", 1, 12), ("wrong-type", 2, 28)]);
}

#[test]
fn what_can_be_read_is_kept() {
    let (spec, diagnostics) =
        read_text("vpcs: {a: {cidr: x, default: true}, b: 7}\nsubnets: {s: {vpc: a, az: a, dns64: maybe}}\n");
    let spec = spec.unwrap();
    assert_eq!(diagnostics.len(), 3);
    assert!(spec.vpcs["a"].default && spec.vpcs["a"].cidr.is_none());
    assert!(!spec.vpcs.contains_key("b"));
    assert!(spec.subnets.contains_key("s"));
}

#[test]
fn bytes_that_are_no_text() {
    let (spec, diagnostics) = read(FileIx(3), b"vpcs: {}\n# \xff\xfe\n");
    assert!(spec.is_none());
    assert_eq!(places(&diagnostics), [("not-utf8", 2, 3)]);
    assert_eq!(diagnostics[0].span.file, FileIx(3));
    let (_, diagnostics) = read(FileIx(0), b"\xff\xfev\0p\0c\0");
    assert!(diagnostics[0].help.as_ref().unwrap().contains("UTF-16"));
}

#[test]
fn limits_hold() {
    let (_, d) = read(FileIx(0), &vec![b' '; BYTES_MAX + 1]);
    assert_eq!(places(&d), [("too-large", 0, 0)]);
    for open in ["[", "{a: ", "- ", "? ", "{\"a\":"] {
        let d = read_text(&open.repeat(100_000)).1;
        assert_eq!(d[0].code, "too-deep", "{open}: {d:?}");
    }
    let deep: String = (0..1_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(read_text(&deep).1[0].code, "too-deep");
}

#[test]
fn a_billion_laughs_cost_nothing() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        text += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    }
    assert_eq!(read_text(&text).1.last().unwrap().code, "too-many-values");
    let mut text = String::from("a0: &a0 {x0: &v [1, 2, 3]}\n");
    for n in 1..70 {
        text += &format!("a{n}: &a{n} {{x: *a{}}}\n", n - 1);
    }
    assert_eq!(read_text(&text).1.iter().filter(|d| d.code == "too-deep").count(), 1);
}

#[test]
fn mistakes_are_listed_to_a_limit_only() {
    let text: String = (0..5_000).map(|n| format!("field{n}: 1\n")).collect();
    let d = read_text(&text).1;
    assert_eq!(d.len(), 1_001);
    assert_eq!(d.last().unwrap().code, "too-many-mistakes");
    assert!(d.last().unwrap().message.starts_with("4000 "));
}
