//! `vpcsim run` as its users meet it: exit statuses, evidence, the same bytes whatever the number of jobs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(args).current_dir(root()).stdin(Stdio::null()).output().unwrap()
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A scenario of the caller's beside the topologies.
fn scenario(name: &str, steps: &str) -> String {
    let path = folder(name).join("s.yaml");
    let topology = root().join("topologies/three-tier.yaml");
    std::fs::write(&path, format!("topology: {}\nsteps:\n{steps}", topology.display())).unwrap();
    path.display().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_expectation_that_fails_is_exit_status_1() {
    let file = scenario("fails", "  - ping: {from: web-1, to: web-2}\n    expect: {outcome: reply}\n");
    let output = vpcsim(&["run", &file]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("FAIL  expected reply, found no_reply"), "{}", text(&output.stdout));
    let quiet = vpcsim(&["-q", "run", &file]);
    assert_eq!(text(&quiet.stdout).trim(), "FAIL  expected reply, found no_reply");
}

#[test]
fn a_broken_scenario_is_exit_status_2_with_every_mistake() {
    let file =
        scenario("broken", "  - ping: {from: wbe-1, to: web-2}\n  - conect: {from: web-1, to: web-2, port: 1}\n");
    let output = vpcsim(&["run", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("did you mean `connect`?") && text(&output.stderr).contains("s.yaml:4:"),
        "{}",
        text(&output.stderr)
    );
    let file =
        scenario("names", "  - ping: {from: wbe-1, to: web-2}\n  - change: {network_acl: dta, remove_inbound: 100}\n");
    let output = vpcsim(&["run", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("did you mean `web-1`?") && text(&output.stderr).contains("2 errors"),
        "{}",
        text(&output.stderr)
    );
    let path = folder("nowhere").join("s.yaml");
    std::fs::write(&path, "topology: none.yaml\nsteps: [{wait: {for: 1s}}]\n").unwrap();
    let output = vpcsim(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no topology"), "{}", text(&output.stderr));
}

#[test]
fn evidence_is_written() {
    let out = folder("evidence");
    let (pcap, logs, junit) = (out.join("pcap"), out.join("logs"), out.join("j.xml"));
    let output = vpcsim(&[
        "run",
        "scenarios/tour/01-ephemeral-ports.yaml",
        "--pcap",
        pcap.to_str().unwrap(),
        "--flow-logs",
        logs.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for file in ["merged.pcapng", "web-1.pcapng", "db-1.pcapng"] {
        let bytes = std::fs::read(pcap.join("01-ephemeral-ports").join(file)).unwrap();
        assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a], "{file} is no pcapng");
    }
    let log = std::fs::read_to_string(logs.join("01-ephemeral-ports.log")).unwrap();
    assert!(log.starts_with("version account-id interface-id") && log.contains(" REJECT OK\n"), "{log}");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("tests=\"9\"") && xml.contains("failures=\"0\""), "{xml}");
    // Nothing half-written stays behind.
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn json_and_the_end_of_time() {
    let output =
        vpcsim(&["run", "scenarios/tour/01-ephemeral-ports.yaml", "--output", "json", "--until", "10s", "--seed", "7"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["format_version"], &json["scenarios"][0]["seed"]), (&1.into(), &7.into()));
    assert_eq!(json["scenarios"][0]["ended_ns"], 10_000_000_000u64);
    assert_eq!(vpcsim(&["run", "scenarios/tour/01-ephemeral-ports.yaml", "--until", "soon"]).status.code(), Some(2));
}

#[test]
fn the_number_of_jobs_never_shows() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("scenarios/tour"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml") && !p.to_string_lossy().contains("07-"))
        .map(|p| p.display().to_string())
        .collect();
    files.sort();
    let run = |jobs: &str| {
        let mut args = vec!["run", "--jobs", jobs];
        args.extend(files.iter().map(String::as_str));
        let output = vpcsim(&args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        output.stdout
    };
    assert_eq!(run("1"), run("2"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
        .args(["run", "scenarios/tour/01-ephemeral-ports.yaml"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn probes_from_a_file() {
    let path = folder("probes").join("p.csv");
    std::fs::write(&path, "src,dst,protocol,dst_port,expect\nweb-1,db-1,tcp,5432,no_reply\nweb-1,8.8.8.8,icmp,,reply\nweb-1,203.0.113.200,tcp,443,\n").unwrap();
    let output =
        vpcsim(&["reach", "-t", "topologies/three-tier.yaml", "--probes", path.to_str().unwrap(), "--output", "csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = "src,dst,protocol,dst_port,expect,result,code,dropped_at\n\
                    web-1,db-1,tcp,5432,no_reply,no_reply,SUBNET_ACL_RESTRICTION,network_acl data outbound *\n\
                    web-1,8.8.8.8,icmp,,reply,reply,,\n\
                    web-1,203.0.113.200,tcp,443,,unknown,SIM_FOREIGN_HOST,internet internet\n";
    assert_eq!(text(&output.stdout), expected);
    std::fs::write(&path, "src,dst,protocol,dst_port,expect\nweb-1,db-1,tcp,5432,open\nweb-9,db-1,tpc,1,\n").unwrap();
    let output = vpcsim(&["reach", "-t", "topologies/three-tier.yaml", "--probes", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("p.csv:3:"), "{}", text(&output.stderr));
    std::fs::write(&path, "src,dst,protocol,dst_port,expect\nweb-1,db-1,tcp,5432,open\n").unwrap();
    let output = vpcsim(&["reach", "-t", "topologies/three-tier.yaml", "--probes", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn why_has_an_exit_status_for_each_kind_of_answer() {
    for (args, status) in [
        (["web-1", "web-2:443"], 0),
        (["web-1", "db-1:5432"], 1),
        (["bastion-1", "web-1:22"], 0),
        (["web-1", "db-9:5432"], 2),
        (["web-1", "203.0.113.200:443"], 3),
    ] {
        let output = vpcsim(&["why", "-t", "topologies/three-tier.yaml", args[0], args[1]]);
        assert_eq!(output.status.code(), Some(status), "{args:?} {}", text(&output.stdout));
    }
    let output = vpcsim(&["why", "-t", "topologies/three-tier.yaml", "web-1", "db-1:5432", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["format_version"], &json["decided_by"]["code"]), (&1.into(), &"SUBNET_ACL_RESTRICTION".into()));
}
