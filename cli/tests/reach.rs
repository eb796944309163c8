//! `reach` over whole networks as a command: groups, assertions, forms of output, exit statuses.

mod common;

use common::{text, vpcsim, written};

const THREE_TIER: &str = "topologies/three-tier.yaml";

/// Status, output and errors of `reach` on the three tiers.
fn reach(args: &[&str]) -> (Option<i32>, String, String) {
    let output = vpcsim(&[&["reach", "-t", THREE_TIER], args].concat());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn assert_file(name: &str, sentences: &str) -> (Option<i32>, String, String) {
    let path = written(name, sentences);
    reach(&["--assert", path.to_str().unwrap()])
}

#[test]
fn what_arrives_is_not_never_reached() {
    // The ACL drops replies only: the requests are in the database's hands.
    let (status, out, _) = assert_file("arrives.txt", "web never reaches db on 5432\nweb never reaches db on 443\n");
    assert_eq!(status, Some(1));
    assert_eq!(
        out,
        "FAILS  web never reaches db on 5432  (2 pairs)
       web-1 -> db-1 tcp/5432: the request arrives, though no answer comes back (2 of 2 pairs): acl data outbound rule *: deny all, on the reply  topologies/three-tier.yaml:29
holds  web never reaches db on 443  (2 pairs)

2 assertions: 1 hold, 1 fail
"
    );
}

#[test]
fn assertions_write_json_csv_and_junit() {
    let path = written("forms.txt", "bastion reaches web on 22 # for administrators\nbastion reaches web on 8080\n");
    let junit = written("forms.xml", "");
    let file = path.to_str().unwrap();
    let (status, out, _) = reach(&["--assert", file, "--output", "json", "--junit", junit.to_str().unwrap()]);
    assert_eq!(status, Some(1));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["hold"], &json["fail"]), (&1.into(), &1.into()));
    let failed = &json["assertions"][1];
    assert_eq!(failed["place"], format!("{file}:2"));
    assert_eq!(failed["violations"][0]["decided_by"]["code"], "ENI_SG_RULES_MISMATCH");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("testcase name=\"bastion reaches web on 22\"/"), "{xml}");
    let (_, out, _) = reach(&["--assert", file, "--output", "csv"]);
    assert!(out.starts_with("assertion,line,holds,pairs,why\nbastion reaches web on 22,1,true,2,\n"), "{out}");
}

#[test]
fn bad_assertions_are_shown_at_their_place_all_at_once() {
    let (status, out, err) = assert_file("bad.txt", "wbe reaches db on 5432\nweb reaches db\n");
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.contains("did you mean `web`?") && err.contains("bad.txt:1:1"), "{err}");
    assert!(err.contains("it does not say on which port") && err.contains("bad.txt:2:13"), "{err}");
    // A check that checks nothing does not pass.
    let (status, _, err) = assert_file("empty.txt", "# nothing yet\n");
    assert_eq!(status, Some(2));
    assert!(err.contains("there is no assertion in this file"), "{err}");
    let (status, _, err) = reach(&["--assert", "topologies"]);
    assert_eq!(status, Some(4), "{err}");
}

#[test]
fn groups_choose_and_complain() {
    let (status, out, _) = reach(&["--group-by", "sg", "--from", "internet", "--output", "csv"]);
    assert_eq!(status, Some(0));
    let lines: Vec<&str> = out.lines().filter(|line| line.contains(",all,") || line.contains(",some,")).collect();
    assert_eq!(lines.len(), 1, "{out}");
    assert!(lines[0].starts_with("internet,bastion,tcp/22,all,"), "{out}");
    for (args, message) in [
        (&["--group-by", "sgg"][..], "did you mean `sg`?"),
        (&["--group-by", "tag:"], "no way to group"),
        (&["--group-by", "sg", "--port", "http"], "`http` is not a port"),
        (&["--group-by", "sg", "--from", "wbe"], "did you mean `web`?"),
        (&["--group-by", "sg", "--to", "sg:web:x"], "`x`"),
        (&["--port", "443"], "--group-by"),
        (&["--to", "wbe-1"], "did you mean `web-1`?"),
    ] {
        let (status, _, err) = reach(args);
        assert_eq!(status, Some(2), "{args:?}");
        assert!(err.contains(message), "{args:?}: {err}");
    }
}

#[test]
fn a_group_stands_for_its_hosts_where_pairs_are_told_of() {
    let (status, out, _) = reach(&["--from", "sg:web", "--to", "tag:Name=db-1", "--output", "csv"]);
    assert_eq!(status, Some(2), "no interface has a Name tag: {out}");
    let (status, out, err) = reach(&["--from", "web", "--to", "db-1:5432", "--output", "csv"]);
    assert_eq!(status, Some(0), "{err}");
    let pairs: Vec<&str> = out.lines().skip(1).map(|line| line.split(",tcp").next().unwrap()).collect();
    assert_eq!(pairs, ["web-1,db-1", "web-2,db-1"]);
}

#[test]
fn the_matrix_as_json_says_who_is_in_a_group() {
    let (_, out, _) = reach(&["--group-by", "subnet", "--port", "22", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["format_version"], 1);
    assert_eq!(json["from"][2]["network_interfaces"], serde_json::json!(["web-1", "web-2"]));
    let cell =
        json["cells"].as_array().unwrap().iter().find(|c| c["from"] == "public-a" && c["to"] == "web-a").unwrap();
    assert_eq!(cell["flows"][0]["verdict"], "all");
    assert_eq!(cell["flows"][0]["yes"], 2);
    assert_eq!(cell["flows"][0]["first"][0]["decided_by"]["place"], "topologies/three-tier.yaml:46");
}

#[test]
fn probes_that_expect_something_are_test_cases() {
    let csv = written(
        "probes.csv",
        "src,dst,protocol,dst_port,expect\nweb-1,db-1,tcp,5432,no_reply\nweb-1,web-2,tcp,443,no_reply\nweb-1,web-2,icmp,,\n",
    );
    let junit = written("probes.xml", "");
    let (status, _, _) = reach(&["--probes", csv.to_str().unwrap(), "--junit", junit.to_str().unwrap()]);
    assert_eq!(status, Some(1));
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("expected no_reply, it is open"), "{xml}");
}

#[test]
fn an_office_is_named_exactly() {
    let path = written(
        "office.yaml",
        "vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets: {p: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: out}}
route_tables: {out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}}
prefix_lists: {office: {entries: [203.0.113.0/24, 198.51.101.0/25, 192.0.2.77/32]}}
security_groups:
  web: {vpc: v, inbound: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}, {protocol: tcp, ports: 22, from: office}]}
instances: {w1: {subnet: p, security_groups: [web], public_ip: 198.51.100.10, listen: [443, 22]}}
",
    );
    let output = vpcsim(&["reach", "-t", path.to_str().unwrap(), "--group-by", "sg", "--from", "internet"]);
    let out = text(&output.stdout).replace(path.to_str().unwrap(), "office.yaml");
    assert_eq!(
        out,
        "internet  -> web  tcp/22   some  only 192.0.2.77, 198.51.101.0/25, 203.0.113.0/24: sg web inbound rule 2: allow tcp 22 from office  office.yaml:7
internet  -> web  tcp/443  all   sg web inbound rule 1: allow tcp 443 from 0.0.0.0/0  office.yaml:7

groups: 1 send, 2 receive; nothing passes in 0 of 1 pairs
"
    );
}
