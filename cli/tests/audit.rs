//! `vpcsim audit`: logs that the simulator wrote itself agree with the model; with one rule changed exactly its flows
//! differ; what cannot be read is named by file and line.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(args).output().expect("it runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

/// Two clients, one of which the ACL keeps out; ports that nobody listens on; a NAT gateway.
const TOPOLOGY: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
nat_gateways: {nat-a: {subnet: pub, addresses: [{private: 10.0.0.5, public: 198.51.100.5}]}}
subnets:
  pub: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: out}
  web: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: nat}
  data: {vpc: v, az: b, cidr: 10.0.2.0/24, route_table: nat, network_acl: guard}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  nat: {vpc: v, routes: [{to: 0.0.0.0/0, via: nat-a}]}
network_acls:
  guard:
    vpc: v
    inbound:
      - {rule: 90, action: deny, protocol: tcp, ports: 5432, from: 10.0.1.11/32}
      - {rule: 100, action: allow, from: 0.0.0.0/0}
    outbound: [{rule: 100, action: allow, to: 0.0.0.0/0}]
security_groups:
  sg-web: {vpc: v}
  sg-db:
    vpc: v
    inbound:
      - {protocol: tcp, ports: 5432, from: sg-web}
      - {protocol: tcp, ports: 22, from: 10.0.1.10/32}
      - {protocol: icmp, from: 10.0.0.0/16}
instances:
  web-1: {subnet: web, address: 10.0.1.10, security_groups: [sg-web]}
  web-2: {subnet: web, address: 10.0.1.11, security_groups: [sg-web]}
  db-1: {subnet: data, address: 10.0.2.20, security_groups: [sg-db], listen: [5432, 22]}
internet_hosts:
  api: {addresses: [203.0.113.80], listen: [443]}
";

const SCENARIO: &str = "
topology: topology.yaml
steps:
  - flows: {from: [web-1, web-2], to: [{host: db-1, port: 5432}, {host: db-1, port: 22}, {host: db-1, protocol: icmp}, {host: api, port: 443}], rate: 10, duration: 30s}
  - scan: {from: web-1, to: [10.0.2.16/29], ports: [22, 80, 5432], rate: 100}
";

/// Writes topology, scenario and logs; gives the folder.
fn logged(name: &str, more: &[&str]) -> PathBuf {
    let at = folder(name);
    std::fs::write(at.join("topology.yaml"), TOPOLOGY).unwrap();
    std::fs::write(at.join("scenario.yaml"), SCENARIO).unwrap();
    let logs = at.join("logs");
    let scenario = at.join("scenario.yaml");
    let mut args = vec!["run", scenario.to_str().unwrap(), "--flow-logs", logs.to_str().unwrap()];
    args.extend(more);
    let ran = vpcsim(&args);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    at
}

fn audit(at: &Path, topology: &str, more: &[&str]) -> Output {
    std::fs::write(at.join("model.yaml"), topology).unwrap();
    let (model, logs) = (at.join("model.yaml"), at.join("logs"));
    let mut args = vec!["audit", "-t", model.to_str().unwrap(), logs.to_str().unwrap()];
    args.extend(more);
    vpcsim(&args)
}

#[test]
fn logs_of_our_own_agree_in_every_form() {
    let fields = "${version} ${interface-id} ${pkt-srcaddr} ${pkt-dstaddr} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${action} ${flow-direction} ${tcp-flags} ${log-status}";
    for (name, more) in [
        ("text", &[][..]),
        ("gzip", &["--flow-log-files", "gz"]),
        ("parquet", &["--flow-log-files", "parquet"]),
        ("custom", &["--flow-log-format", fields]),
        ("custom-parquet", &["--flow-log-format", fields, "--flow-log-files", "parquet"]),
    ] {
        let at = logged(name, more);
        let found = audit(&at, TOPOLOGY, &[]);
        let text = out(&found);
        assert_eq!(found.status.code(), Some(0), "{name}\n{text}{}", String::from_utf8_lossy(&found.stderr));
        assert!(text.contains(" agree, 0 differ"), "{text}");
        assert!(
            text.contains("rejected by both\n") && text.contains("  acl guard inbound rule 90: deny tcp 5432"),
            "{text}"
        );
        let flows: u64 = text.split(" distinct flows").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(flows > 200, "{text}");
    }
}

/// One rule changed: each flow that it decides differs, and no other.
#[test]
fn one_rule_changed_is_exactly_its_flows() {
    let at = logged("changed", &[]);
    let log = std::fs::read_dir(at.join("logs")).unwrap().next().unwrap().unwrap().path();
    let log = std::fs::read_to_string(log).unwrap();
    // The flows that the rule decides, counted by hand: distinct ones of web-2 to port 5432 at db-1.
    let column = |line: &str, n: usize| line.split(' ').nth(n).unwrap().to_owned();
    let mut decided: Vec<(String, String)> = log
        .lines()
        .filter(|l| column(l, 2) == "db-1" && column(l, 3) == "10.0.1.11" && column(l, 6) == "5432")
        .map(|l| (column(l, 5), column(l, 12)))
        .collect();
    decided.sort();
    decided.dedup();
    assert!(decided.len() > 10 && decided.iter().all(|(_, action)| action == "REJECT"), "{decided:?}");

    let changed = TOPOLOGY.replace("rule: 90, action: deny", "rule: 90, action: allow");
    let found = audit(&at, &changed, &["--output", "json"]);
    assert_eq!(found.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_str(&out(&found)).unwrap();
    let groups = &json["groups"];
    assert_eq!(groups["accepted_but_denied"], serde_json::json!([]));
    assert_eq!(groups["seen_but_stopped"], serde_json::json!([]));
    let allowed = groups["rejected_but_allowed"].as_array().unwrap();
    assert_eq!(allowed.len(), 1, "{allowed:#?}");
    assert_eq!(allowed[0]["flows"], decided.len());
    assert!(allowed[0]["row"].as_str().unwrap().contains("acl guard inbound rule 90: allow"), "{allowed:#?}");

    // The other way round: a group's rule is gone, and with it what it let in.
    let changed = TOPOLOGY.replace("      - {protocol: tcp, ports: 22, from: 10.0.1.10/32}\n", "");
    let found = audit(&at, &changed, &[]);
    let text = out(&found);
    assert_eq!(found.status.code(), Some(1), "{text}");
    assert!(
        text.contains("AWS accepted it, the model denies it\n  sg db-1 inbound: default deny")
            || text.contains("AWS accepted it, the model denies it"),
        "{text}"
    );
    assert!(!text.contains("the model allows it") && !text.contains("stops it before"), "{text}");
    assert!(text.contains("10.0.1.10:") && text.contains("-> 10.0.2.20:22 tcp"), "{text}");
}

#[test]
fn an_interface_that_the_topology_lacks() {
    let at = logged("lacks", &[]);
    let fewer = TOPOLOGY.replace("  web-2: {subnet: web, address: 10.0.1.11, security_groups: [sg-web]}\n", "");
    let found = audit(&at, &fewer, &[]);
    let text = out(&found);
    assert_eq!(found.status.code(), Some(1), "{text}");
    assert!(text.contains("interfaces that the topology lacks\n  web-2: "), "{text}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let at = logged("bad", &[]);
    let path = std::fs::read_dir(at.join("logs")).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read_to_string(&path).unwrap();
    let lines = good.lines().count();
    let audited = |name: &str, bytes: &[u8]| {
        std::fs::write(at.join("model.yaml"), TOPOLOGY).unwrap();
        let file = at.join(name);
        std::fs::write(&file, bytes).unwrap();
        let found = vpcsim(&["audit", "-t", at.join("model.yaml").to_str().unwrap(), file.to_str().unwrap()]);
        (found.status.code(), out(&found), String::from_utf8_lossy(&found.stderr).into_owned())
    };

    let broken = good.replacen("REJECT OK", "REJEKT OK", 1) + "2 1 db-1 10.0.0.1\n";
    let (code, text, err) = audited("broken.log", broken.as_bytes());
    assert_eq!(code, Some(2), "{text}{err}");
    assert!(err.contains("`action` is `REJEKT`, not ACCEPT or REJECT"), "{err}");
    assert!(err.contains(&format!("broken.log:{}: 4 words where the format has 14 fields", lines + 1)), "{err}");
    assert!(text.contains(&format!("{} records", lines - 2)) && text.contains("2 unreadable"), "{text}");

    let (code, _, err) = audited("field.log", good.replacen("srcaddr", "srcadr", 1).as_bytes());
    assert_eq!(code, Some(2));
    assert!(err.contains("field.log:1: ") && err.contains("there is no flow-log field `srcadr`"), "{err}");

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(good.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let (code, text, err) = audited("cut.log.gz", &whole[..whole.len() / 2]);
    assert_eq!(code, Some(2), "{text}{err}");
    assert!(err.contains("the gzip file ends in the middle; what came before was read"), "{err}");
    assert!(text.contains(" agree, 0 differ") && !text.starts_with("0 records"), "{text}");
    let (code, text, _) = audited("whole.log.gz", &whole);
    assert_eq!(code, Some(0), "{text}");

    let (code, _, err) = audited("not.parquet", b"PAR1 and nothing else");
    assert_eq!(code, Some(2));
    assert!(err.contains("the Parquet file cannot be read"), "{err}");
    let (code, _, err) = audited("binary.log", &[0xff, 0xfe, 0, 1, 2]);
    assert_eq!((code, err.contains("binary.log:1: this is no text")), (Some(2), true), "{err}");

    // CloudWatch's events, as its API gives them.
    let events: String = good
        .lines()
        .skip(1)
        .map(|line| {
            format!(
                "{}\n",
                serde_json::json!({ "timestamp": 1_700_000_000_000u64, "message": line, "ingestionTime": 1 })
            )
        })
        .collect();
    let (code, text, err) = audited("events.json", events.as_bytes());
    assert_eq!(code, Some(0), "{text}{err}");
    let found = vpcsim(&["audit", "-t", at.join("model.yaml").to_str().unwrap(), "/nowhere.log"]);
    assert_eq!(found.status.code(), Some(4));
}
