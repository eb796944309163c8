//! Every class of bad input, by every command that reads it: exit status 2, a code, a place and help, and nothing written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(args).output().unwrap()
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Refused with this code; at this line, where a line can be named; with help.
fn refused(args: &[&str], code: &str, line: Option<u32>) {
    let out = vpcsim(args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{args:?}: {said}");
    assert!(said.contains(&format!("error[{code}]")) && said.contains("= help: "), "{args:?}: {said}");
    assert!(line.is_none_or(|n| said.contains(&format!(":{n}:"))), "{args:?}: {said}");
    assert!(!said.contains("panicked") && said.len() < 4000, "{said}");
}

#[test]
fn a_bad_topology_is_refused_by_every_command() {
    let dir = folder("bad-topology");
    let good = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\n";
    let deep = "[".repeat(1_000_000);
    let cases: [(&str, Vec<u8>, Option<u32>); 10] = [
        ("unknown-reference", format!("{good}instances: {{i: {{subnet: t}}}}\n").into(), Some(3)),
        (
            "cidr-outside-vpc",
            "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.1.1.0/24}}\n".into(),
            Some(2),
        ),
        (
            "address-outside-subnet",
            format!("{good}instances: {{i: {{subnet: s, address: 10.0.2.9}}}}\n").into(),
            Some(3),
        ),
        ("unknown-field", format!("{good}instances: {{i: {{subnet: s, adress: 10.0.1.9}}}}\n").into(), Some(3)),
        ("wrong-type", format!("{good}instances: {{i: {{subnet: [s]}}}}\n").into(), Some(3)),
        ("syntax", "vpcs:\n\tv: {cidr: 10.0.0.0/16}\n".into(), Some(2)),
        ("not-utf8", vec![0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0, 1], Some(1)),
        ("too-deep", deep.into(), Some(1)),
        ("syntax", "{\"vpcs\": {\"v\": {\"cidr\": \"10.0.0.0/16\"".into(), None),
        ("too-large", vec![b'['; (64 << 20) + 1], None),
    ];
    let file = dir.join("t.yaml");
    let (path, captures) = (file.display().to_string(), dir.join("captures"));
    let scenario = dir.join("s.yaml");
    fs::write(&scenario, "topology: t.yaml\nsteps: [{wait: {for: 1s}}]\n").unwrap();
    for (code, bytes, line) in cases {
        fs::write(&file, bytes).unwrap();
        refused(&["validate", &path], code, line);
        refused(&["why", "-t", &path, "i", "j:1"], code, line);
        refused(&["reach", "-t", &path], code, line);
        refused(&["show", "-t", &path, "i"], code, line);
        refused(&["run", &scenario.display().to_string(), "--pcap", &captures.display().to_string()], code, line);
    }
    assert!(!captures.exists());
}

#[test]
fn a_bad_export_is_refused_by_every_command() {
    let dir = folder("bad-export");
    let (export, out) = (dir.join("export"), dir.join("out.yaml"));
    let (path, file) = (export.display().to_string(), out.display().to_string());
    for (name, text, code, line) in [
        ("notes.txt", "hello", "no-aws-json", None),
        ("package.json", "{\"name\": \"x\"}", "no-aws-json", None),
        ("vpcs.json", "{\"Vpcs\": [\n  {\"VpcId\": \"vpc-1\",\n", "json-syntax", Some(2)),
    ] {
        let _ = fs::remove_dir_all(&export);
        fs::create_dir_all(&export).unwrap();
        fs::write(export.join(name), text).unwrap();
        refused(&["validate", &path], code, line);
        refused(&["why", "-t", &path, "i", "j:1"], code, line);
        refused(&["reach", "-t", &path], code, line);
        refused(&["import", "aws", &path, "-o", &file], code, line);
    }
    assert!(!out.exists());
}
