//! The progress bar: on a terminal, after a second, and gone before results; nowhere else.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// `vpcsim reach` with as many probes as take longer than a second in every build.
fn slow(name: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut probes = String::from("src,dst,protocol,dst_port\n");
    for port in 0..if cfg!(debug_assertions) { 250_000 } else { 2_000_000 } {
        writeln!(probes, "web-1,db-1,tcp,{}", port % 65_536).unwrap();
    }
    let file = folder.join("probes.csv");
    fs::write(&file, probes).unwrap();
    let topology = format!("{}/../topologies/three-tier.yaml", env!("CARGO_MANIFEST_DIR"));
    let file = file.display().to_string();
    ["reach", "-t", &topology, "--probes", &file, "--output", "csv"].map(str::to_owned).to_vec()
}

/// What a terminal shows, results left out; none where there is no `script` to make one.
fn on_a_terminal(args: &[String]) -> Option<String> {
    let command = format!("{} {} > /dev/null", env!("CARGO_BIN_EXE_vpcsim"), args.join(" "));
    let Output { status, stdout, .. } = Command::new("script").args(["-qec", &command, "/dev/null"]).output().ok()?;
    assert!(status.success());
    Some(String::from_utf8(stdout).unwrap())
}

#[test]
fn nothing_is_drawn_where_nobody_sees_it() {
    let out = Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(slow("progress-pipe")).output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(String::from_utf8(out.stderr).unwrap(), "");
    assert!(!out.stdout.contains(&b'\r') && !out.stdout.contains(&0x1b));
}

#[test]
fn a_terminal_gets_a_bar_that_goes_away() {
    let args = slow("progress-terminal");
    let Some(shown) = on_a_terminal(&args) else { return };
    assert!(shown.contains("[#") || shown.contains(" of "), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[2K"), "{shown:?}");
    let quiet = on_a_terminal(&[&["-q".to_owned()], args.as_slice()].concat());
    assert_eq!(quiet.as_deref(), Some(""));
}
