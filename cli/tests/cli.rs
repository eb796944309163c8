//! The command as users run it: what it prints, where, and how it ends.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(args).env_remove("NO_COLOR").output().unwrap()
}

fn with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has seen enough closes its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder for one test.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn every_command_has_help() {
    let all = text(&vpcsim(&["--help"]).stdout);
    for command in ["run", "why", "reach", "validate", "import", "show", "schema", "completions", "man"] {
        assert!(all.contains(&format!("\n  {command} ")), "{all}");
        let help = vpcsim(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains(&format!("Usage: vpcsim {command}")), "{command}");
        assert!(help.stderr.is_empty());
    }
    assert!(text(&vpcsim(&["import", "aws", "--help"]).stdout).contains("-o, --out <FILE>"));
    assert_eq!(vpcsim(&["--version"]).status.code(), Some(0));
}

#[test]
fn wrong_usage_ends_with_2() {
    for args in [
        &[][..],
        &["validat"],
        &["validate"],
        &["validate", "x", "--output", "xml"],
        &["schema", "spec"],
        &["--quiet", "--verbose", "schema", "topology"],
        &["reach", "-t", "x", "--probes", "p", "--from", "a"],
    ] {
        let output = vpcsim(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let output = with_input(&["validate", "-"], b"vpcs:\n  main: {cidr: 10.0.0.0}\nvpsc: {}\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let expected = "\
error[bad-value]: `10.0.0.0` has no prefix length
 --> <stdin>:2:16
  |
2 |   main: {cidr: 10.0.0.0}
  |                ^^^^^^^^
  |
  = help: write `10.0.0.0/32` for this one address

error[unknown-field]: `vpsc` is not a field of a topology
 --> <stdin>:3:1
  |
3 | vpsc: {}
  | ^^^^
  |
";
    let seen = text(&output.stderr);
    assert!(seen.starts_with(expected), "{seen}");
    assert!(seen.ends_with("  = help: did you mean `vpcs`?\n\n2 errors\n"), "{seen}");
}

#[test]
fn columns_are_those_of_the_file_however_long_the_line() {
    let mut line = "vpcs: {".to_owned();
    for n in 0..200 {
        line += &format!("v{n}: {{}}, ");
    }
    let column = line.len() + 1;
    line += "w: 7}\n";
    let output = with_input(&["validate", "-"], line.as_bytes());
    let seen = text(&output.stderr);
    assert!(seen.contains(&format!("<stdin>:1:{}\n", column + 3)), "{seen}");
    assert!(seen.lines().all(|l| l.chars().count() < 140), "{seen}");
}

#[test]
fn what_a_file_holds_does_not_steer_the_terminal() {
    let output = with_input(&["validate", "-"], "vpcs: {\"a\\eb\": {}, \"\u{9b}31m\": 7, k\u{1}: 1}\n".as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let seen = text(&output.stderr);
    assert!(seen.chars().all(|c| c == '\n' || !c.is_control()), "{seen:?}");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let bad = b"vpsc: {}\n";
    assert!(!text(&with_input(&["validate", "-"], bad).stderr).contains('\u{1b}'));
    assert!(text(&with_input(&["--color", "always", "validate", "-"], bad).stderr).contains('\u{1b}'));
    assert!(!text(&with_input(&["validate", "-", "--color", "never"], bad).stderr).contains('\u{1b}'));
}

#[test]
fn scenarios_are_told_from_topologies() {
    let dir = folder("kinds");
    let (topology, scenario) = (dir.join("t.yaml"), dir.join("s.yaml"));
    fs::write(&topology, "vpcs: {v: {cidr: 10.0.0.0/16}}\n").unwrap();
    fs::write(&scenario, "topology: t.yaml\nsteps: [{wait: {for: 1s}}]\n").unwrap();
    let output = vpcsim(&["validate", topology.to_str().unwrap(), scenario.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "2 files checked, nothing found\n".into()));
    let output = vpcsim(&["-q", "validate", topology.to_str().unwrap()]);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn a_warning_is_no_error() {
    let text_of = b"topology: t\nsteps: [{connect: {from: a, to: b, port: 1, name: c}}]\n";
    let output = with_input(&["validate", "-"], text_of);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).ends_with("1 warning\n"));
}

#[test]
fn json_carries_the_same_facts() {
    let output =
        with_input(&["validate", "--output", "json", "-"], b"vpcs: {a: {}, b: 7}\nsubnets: {a: {vpc: a, az: a}}\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.is_empty());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // `a` has no block, `b` is a number, `a` is two things, and the subnet has no block either.
    assert_eq!((&json["format_version"], &json["errors"]), (&1.into(), &4.into()));
    let of_code = |d: &&serde_json::Value| d["code"] == "duplicate-name";
    let second = json["diagnostics"].as_array().unwrap().iter().find(of_code).unwrap();
    assert_eq!(second["place"], serde_json::json!({ "file": "<stdin>", "line": 2, "column": 11, "length": 1 }));
    assert_eq!(second["notes"][0]["place"]["line"], 1);
    let output = with_input(&["validate", "--output", "json", "-"], b"vpcs: {}\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("\"diagnostics\": []"));
}

#[test]
fn files_that_cannot_be_read_end_with_4() {
    let dir = folder("unreadable");
    let missing = dir.join("none.yaml");
    let output = vpcsim(&["validate", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("no such file"), "{}", text(&output.stderr));
    // A folder is an account's export; one without AWS JSON is no network.
    let output = vpcsim(&["validate", dir.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no-aws-json"), "{}", text(&output.stderr));
    // The others are looked at all the same.
    let bad = dir.join("bad.yaml");
    fs::write(&bad, "vpsc: {}\n").unwrap();
    let output = vpcsim(&["validate", missing.to_str().unwrap(), bad.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("did you mean `vpcs`?"));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let output = with_input(&["validate", "-"], &vec![b' '; (64 << 20) + 10]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("64 MiB"));
}

#[test]
fn schemas_are_json_schema() {
    for kind in ["topology", "scenario"] {
        let output = vpcsim(&["schema", kind]);
        assert_eq!(output.status.code(), Some(0));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["$schema"], "http://json-schema.org/draft-07/schema#");
    }
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = vpcsim(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("vpcsim"));
    }
}

#[test]
fn a_manual_page_per_command() {
    let dir = folder("man").join("not").join("yet");
    let output = vpcsim(&["man", dir.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let mut pages: Vec<String> =
        fs::read_dir(&dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    assert_eq!(pages.len(), 16, "{pages:?}");
    assert!(pages.contains(&"vpcsim.1".into()) && pages.contains(&"vpcsim-import-aws.1".into()));
    assert!(fs::read_to_string(dir.join("vpcsim-run.1")).unwrap().starts_with(".ie"));
    let file = folder("man-file").join("file");
    fs::write(&file, "").unwrap();
    let output = vpcsim(&["man", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["schema", "topology"][..], &["completions", "zsh"], &["run", "--help"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut talk = String::new();
        child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
        assert_eq!((child.wait().unwrap().code(), talk), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn an_import_reports_in_both_forms() {
    let folder = folder("import-report");
    let export = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}], "FutureGateways": [{}, {}]}"#;
    fs::write(folder.join("x.json"), export).unwrap();
    let path = folder.display().to_string();
    let out = vpcsim(&["import", "aws", &path, "--report"]);
    assert_eq!(out.status.code(), Some(0));
    assert!(text(&out.stdout).contains("keys not read\n       2  FutureGateways\n"), "{}", text(&out.stdout));
    let out = vpcsim(&["import", "aws", &path, "--report", "--output", "json"]);
    assert_eq!(out.status.code(), Some(0));
    let json = text(&out.stdout);
    assert!(json.contains("\"format_version\": 1") && json.contains("\"FutureGateways\": 2"), "{json}");
}
