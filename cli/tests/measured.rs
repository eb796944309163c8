//! `reach --probes` in real AWS accounts: each `no_reply` says the code and the place. Rows and results are the
//! measurements' own.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The labs; none where the data is not there.
fn labs() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/measured");
    let Ok(entries) = std::fs::read_dir(all) else { return Vec::new() };
    let mut labs: Vec<PathBuf> = entries.map(|entry| entry.expect("a lab").path()).collect();
    labs.sort();
    labs
}

#[test]
fn no_reply_has_a_code_and_a_place() {
    for lab in labs() {
        let measured = std::fs::read_to_string(lab.join("measurements.csv")).expect("measurements");
        let probes = measured.lines().map(|line| line.split(',').take(5).collect::<Vec<_>>().join(","));
        let probes: Vec<String> = probes.map(|line| line.replace("result", "expect")).collect();
        let name = lab.file_name().expect("a name").to_string_lossy().into_owned();
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.csv"));
        std::fs::write(&file, probes.join("\n")).expect("a file");
        let out = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
            .args(["reach", "--output", "json", "-t"])
            .arg(lab.join("aws_configs"))
            .arg("--probes")
            .arg(&file)
            .output()
            .expect("it runs");
        let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{name}: {e}"));
        let rows = answer["probes"].as_array().expect("a list");
        assert_eq!(rows.len(), probes.len() - 1, "{name}");
        let silent: Vec<_> = rows.iter().filter(|row| row["result"] == "no_reply").collect();
        assert!(!silent.is_empty(), "{name}: every lab has what is blocked");
        for row in silent {
            for field in ["code", "dropped_at"] {
                assert!(row[field].as_str().is_some_and(|text| !text.is_empty()), "{name}: {field} of {row}");
            }
        }
    }
}
