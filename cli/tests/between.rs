//! Answers that depend on a choice of AWS's, and names that only the sender's resolver knows.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).current_dir(root()).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The provider of `topologies/privatelink.yaml` with a second target, which lets nobody in: half of the flows fail.
fn provider(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let plain = root().join("topologies/privatelink.yaml");
    let yaml = std::fs::read_to_string(plain).unwrap();
    let yaml = yaml
        .replace("targets: [ledger-1]", "targets: [ledger-1, ledger-2]")
        .replace("    private_dns_name:", "    cross_zone: true\n    private_dns_name:")
        .replace("\ninstances:\n", "  sg-shut: {vpc: provider}\n\ninstances:\n  ledger-2: {subnet: provider-b, address: 10.0.2.10, security_groups: [sg-shut], listen: [8443]}\n");
    std::fs::write(folder.join("t.yaml"), yaml).unwrap();
    folder
}

#[test]
fn why_lists_the_ways_a_choice_can_fall() {
    let file = provider("why-choice").join("t.yaml");
    let file = file.to_str().unwrap();
    let output = vpcsim(&["why", "-t", file, "client-1", "vpce-ledger:443"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", text(&output.stderr));
    for line in [
        "depends  client-1 (10.0.1.20) -> vpce-ledger (10.0.1.4)  tcp/443",
        "choice       1 of 2 ways fail: target of ledger, one of 2",
        "50 % (1 of 2)  no_reply  sg sg-shut inbound default",
        "fails when   the target of ledger is ledger-2: source ports that hash to it",
    ] {
        assert!(said.contains(line), "`{line}` in\n{said}");
    }
    let output = vpcsim(&["why", "-t", file, "client-1", "vpce-ledger:443", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["choice"]["depends"], &json["choice"]["alternatives"][0]["one_in"]), (&true.into(), &2.into()));
}

/// TGW-8, GST-2: what differs between zones and between source ports is said where it makes a difference, and only there.
#[test]
fn why_says_for_which_zones_and_source_ports_it_fails() {
    let output = vpcsim(&["why", "-t", "topologies/inspection-hub.yaml", "left-1", "right-1:443"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "it works where it was asked about: {said}");
    assert!(said.contains("by zone      2 of 4 fail: all with sender and receiver in different zones\n"), "{said}");
    assert!(said.contains("left-2 in us-east-1b -> right-1 in us-east-1a: instance fw-a: a stateful"), "{said}");
    assert!(!said.contains("by port"), "{said}");

    let three_tier = std::fs::read_to_string(root().join("topologies/three-tier.yaml")).unwrap();
    let narrow = three_tier.replace("ports: 443, to: 0.0.0.0/0}", "ports: 49152-65535, to: 0.0.0.0/0}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("why-ports");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("t.yaml");
    std::fs::write(&file, narrow).unwrap();
    let output = vpcsim(&["why", "--fix", "off", "-t", file.to_str().unwrap(), "web-1", "db-1:5432"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "depends  web-1 (10.0.1.10)",
        "it depends on the client's source port: 16384 of 28232 fail",
        "by port      16384 of 28232 source ports fail\n               32768-49151: acl data outbound rule *",
    ] {
        assert!(said.contains(line), "`{line}` in\n{said}");
    }
}

#[test]
fn reach_does_not_take_half_for_all() {
    let folder = provider("reach-choice");
    let (file, probes) = (folder.join("t.yaml"), folder.join("probes.csv"));
    let ask = |expect: &str| {
        std::fs::write(&probes, format!("src,dst,protocol,dst_port,expect\nclient-1,10.0.1.4,tcp,443,{expect}\n"))
            .unwrap();
        let args = ["reach", "-t", file.to_str().unwrap(), "--probes", probes.to_str().unwrap(), "--output", "csv"];
        vpcsim(&args)
    };
    for (expect, status) in [("open", 1), ("no_reply", 1), ("unknown", 0), ("", 0)] {
        let output = ask(expect);
        assert_eq!(output.status.code(), Some(status), "{expect}");
        assert!(text(&output.stdout).contains(",unknown,SIM_CHOICE,"), "{}", text(&output.stdout));
    }
}

#[test]
fn a_name_is_asked_of_the_senders_resolver() {
    let file = provider("names").join("t.yaml");
    let output = vpcsim(&["why", "-t", file.to_str().unwrap(), "client-1", "ledger.example.com:443"]);
    assert!(text(&output.stdout).contains("-> ledger.example.com (10.0.1.4)"), "{}", text(&output.stderr));
    // The provider's VPC has no endpoint, and so not the name.
    let output = vpcsim(&["why", "-t", file.to_str().unwrap(), "ledger-1", "ledger.example.com:443"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_matrix_has_the_hosts_of_sites() {
    let topology = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies/site-to-site-vpn.yaml");
    let output = vpcsim(&["reach", "-t", topology.to_str().unwrap(), "--output", "csv"]);
    let said = text(&output.stdout);
    for line in [
        "app-1,till-london,tcp,22,,open,,",
        "till-paris,app-1,tcp,443,,open,,",
        "till-london,till-paris,tcp,22,,open,,",
    ] {
        assert!(said.contains(line), "`{line}` in\n{said}");
    }
    let router = vpcsim(&["why", "-t", topology.to_str().unwrap(), "app-1", "london"]);
    assert_eq!(router.status.code(), Some(2));
    assert!(text(&router.stderr).contains("`london` is a router of a site"), "{}", text(&router.stderr));
}
