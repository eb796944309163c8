//! `lint` and `diff` as commands: forms of output, exit statuses.

mod common;

use common::{text, vpcsim, written};
use std::path::Path;

const THREE_TIER: &str = "topologies/three-tier.yaml";

#[test]
fn lint_says_what_where_why_and_what_to_do() {
    let output = vpcsim(&["lint", "-t", THREE_TIER]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "error[acl-reply-blocked] topologies/three-tier.yaml:29:3
  acl data inbound rule *: deny all drops every reply of db-1 -> web-1 tcp/443, db-1 -> internet tcp/443
  why   ACLs keep no state: the reply needs a row of its own, for the client's ephemeral port, or every connection times out
  fix   a row in acl data inbound: allow tcp 32768-60999 from 0.0.0.0/0

error[acl-reply-blocked] topologies/three-tier.yaml:29:3
  acl data outbound rule *: deny all drops every reply of web-1 -> db-1 tcp/5432
  why   ACLs keep no state: the reply needs a row of its own, for the client's ephemeral port, or every connection times out
  fix   a row in acl data outbound: allow tcp 32768-60999 to 10.0.1.0/24

warning[exposed-port] topologies/three-tier.yaml:41:15
  sg bastion inbound rule 1: allow tcp 22 from 0.0.0.0/0 lets everybody on the internet reach bastion-1 on tcp/22 (SSH)
  note  1 interface affected
  why   such ports are scanned within minutes; one weak password is enough
  fix   name the addresses or the group that need it; for administration use a VPN or Session Manager

2 errors, 1 warning, 0 notes
"
    );
}

#[test]
fn the_exit_status_is_that_of_the_worst_finding() {
    let status = |file: &str, fail_on: &str| vpcsim(&["lint", "-t", file, "--fail-on", fail_on]).status.code();
    let note = "topologies/s3-by-nat.yaml";
    for (file, fail_on, expected) in [
        (THREE_TIER, "error", 1),
        (THREE_TIER, "never", 0),
        (note, "note", 1),
        (note, "warning", 0),
        ("topologies/lab-public.yaml", "warning", 1),
        ("topologies/lab-public.yaml", "error", 0),
        ("topologies/bastion.yaml", "note", 0),
        ("topologies/no-such-file.yaml", "note", 4),
    ] {
        assert_eq!(status(file, fail_on), Some(expected), "{file} {fail_on}");
    }
    let broken = written("lint-broken.yaml", "vpcs: {v: {cidr: 10.0.0.0/33}}\n");
    assert_eq!(status(broken.to_str().unwrap(), "never"), Some(2));
}

#[test]
fn what_is_meant_is_suppressed_and_told_on_demand() {
    let yaml = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(THREE_TIER)).unwrap();
    let lint = "lint:\n  - {ignore: exposed-port, on: bastion, reason: \"everybody, until the VPN is there\"}\n  - {ignore: acl-reply-blocked, reason: shown in lesson 1}\n";
    let path = written("lint-suppressed.yaml", &format!("{yaml}\n{lint}"));
    let file = path.to_str().unwrap();
    let output = vpcsim(&["lint", "-t", file]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "0 errors, 0 warnings, 0 notes, 3 suppressed\n")
    );
    let output = vpcsim(&["lint", "-t", file, "-v"]);
    assert!(text(&output.stdout).contains("  meant everybody, until the VPN is there\n"), "{}", text(&output.stdout));
    let sarif: serde_json::Value =
        serde_json::from_slice(&vpcsim(&["lint", "-t", file, "--output", "sarif"]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|r| r["suppressions"][0]["kind"] == "inSource"));
    assert_eq!(text(&vpcsim(&["lint", "-t", file, "--output", "github"]).stdout), "");
}

#[test]
fn programs_get_json_and_sarif() {
    let json: serde_json::Value =
        serde_json::from_slice(&vpcsim(&["lint", "-t", THREE_TIER, "--output", "json"]).stdout).unwrap();
    assert_eq!((&json["format_version"], &json["errors"], &json["warnings"]), (&1.into(), &2.into(), &1.into()));
    let last = &json["findings"][2];
    assert_eq!(
        (&last["code"], &last["resource"]["id"], &last["place"]["line"]),
        (&"exposed-port".into(), &"bastion".into(), &41.into())
    );
    let sarif: serde_json::Value =
        serde_json::from_slice(&vpcsim(&["lint", "-t", THREE_TIER, "--output", "sarif"]).stdout).unwrap();
    let run = &sarif["runs"][0];
    let result = &run["results"][2];
    let rule = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], "exposed-port");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], THREE_TIER);
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&41.into(), &15.into()));
}

#[test]
fn github_gets_annotations() {
    let said = text(&vpcsim(&["lint", "-t", THREE_TIER, "--output", "github"]).stdout);
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("::warning file=topologies/three-tier.yaml,line=41,col=15,endColumn="), "{last}");
    assert!(
        last.contains(",title=exposed-port::sg bastion inbound rule 1: allow tcp 22") && last.contains("%0AFix: "),
        "{last}"
    );
    assert_eq!(said.lines().count(), 3);
}

#[test]
fn diff_tells_flows_with_the_row_that_caused_them() {
    let yaml = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(THREE_TIER)).unwrap();
    let row = "      - {rule: 110, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.0.0/24}\n";
    let more =
        format!("{row}      - {{rule: 120, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.1.0/24}}\n");
    let path = written("diff-new.yaml", &yaml.replace(row, &more));
    let new = path.to_str().unwrap();
    let output = vpcsim(&["diff", THREE_TIER, new]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!(
        "~ network_acls data  {new}:29:3
    + outbound: {{\"rule\":120,\"action\":\"allow\",\"protocol\":\"tcp\",\"ports\":\"1024-65535\",\"to\":\"10.0.1.0/24\"}}

gained   web-1, web-2 -> db-1  tcp/5432  no_reply -> open
    was  acl data outbound rule *: deny all (on the reply)  topologies/three-tier.yaml:29:3
    now  acl data outbound rule 120: allow tcp 1024-65535 to 10.0.1.0/24 (on the reply)  {new}:37:9

1 resource differs; flows: 1 gained, 0 lost, 0 changed
"
    );
    assert_eq!(text(&output.stdout), expected);
    let json: serde_json::Value =
        serde_json::from_slice(&vpcsim(&["diff", THREE_TIER, new, "--output", "json"]).stdout).unwrap();
    assert_eq!((&json["format_version"], &json["gained"]), (&1.into(), &1.into()));
    let flow = &json["flows"][0];
    assert_eq!(
        (&flow["ports"], &flow["cause"]["old"]["code"]),
        (&serde_json::json!([5432, 5432]), &"SUBNET_ACL_RESTRICTION".into())
    );
    let renamed =
        written("diff-renamed.yaml", &yaml.replace("region: us-east-1\n", "region: us-east-1\ndescription_: x\n"));
    assert_eq!(vpcsim(&["diff", THREE_TIER, renamed.to_str().unwrap()]).status.code(), Some(2));
    let tagged = written(
        "diff-tagged.yaml",
        &yaml.replace("  shop: {cidr: 10.0.0.0/16}", "  shop: {cidr: 10.0.0.0/16, name_tag: store}"),
    );
    let tagged = tagged.to_str().unwrap();
    for (old, new, plain, detailed) in
        [(THREE_TIER, THREE_TIER, 0, 0), (THREE_TIER, tagged, 1, 5), (THREE_TIER, new, 1, 6), (new, THREE_TIER, 1, 7)]
    {
        assert_eq!(vpcsim(&["diff", old, new]).status.code(), Some(plain), "{old} {new}");
        assert_eq!(vpcsim(&["diff", "--detailed-exitcode", old, new]).status.code(), Some(detailed), "{old} {new}");
    }
}
