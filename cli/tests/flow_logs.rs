//! `vpcsim run --flow-logs` as its users meet it: which files there are, what is in them, what happens if they cannot be written.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
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

/// Every file below a folder, by its path there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut out, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

const SCENARIO: &str = "scenarios/evidence/flow-logs.yaml";

fn run(to: &Path, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let output = vpcsim(&[&["run", "-q", SCENARIO, "--flow-logs", to.to_str().unwrap()], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    files(to)
}

/// FLW-40, FLW-41: plain and Hive's folders, by hour, a file for five minutes of record ends, one header line, nothing that
/// changes from run to run.
#[test]
fn objects_as_in_s3() {
    let first = run(&folder("s3"), &[]);
    let names: Vec<&String> = first.keys().collect();
    let plain = "flow-logs/shop-logs/network/AWSLogs/111122223333/vpcflowlogs/us-east-1/2023/11/14/22/111122223333_vpcflowlogs_us-east-1_fl-shop_20231114T";
    let hive = "flow-logs/shop-logs/AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-east-1/year=2023/month=11/day=14/111122223333_vpcflowlogs_us-east-1_fl-private_20231114T";
    let hourly = "flow-logs/network-logs/AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-east-1/year=2023/month=11/day=14/hour=22/111122223333_vpcflowlogs_us-east-1_fl-tgw_20231114T";
    for (start, end) in [(plain, ".log.gz"), (hive, ".log.parquet"), (hourly, ".log.parquet")] {
        let found: Vec<&str> = names.iter().filter_map(|n| n.strip_prefix(start)).collect();
        let slots: Vec<&str> = found.iter().map(|n| n.split('_').next().unwrap()).collect();
        assert_eq!(slots, ["2210Z", "2215Z", "2220Z", "2225Z"], "{names:#?}");
        for name in found {
            let hash = name.split('_').nth(1).unwrap().strip_suffix(end).unwrap_or_else(|| panic!("{name}"));
            assert!(hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        }
    }
    let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    for (name, bytes) in first.iter().filter(|(name, _)| name.ends_with(".gz")) {
        let text = unzipped(bytes);
        assert_eq!(text.lines().next(), Some(header));
        // 2023-11-14 is day 19,675 of Unix time; the slot's hour and minute are in the name.
        let at = name.split("20231114T").nth(1).unwrap();
        let (hour, minute): (u64, u64) = (at[..2].parse().unwrap(), at[2..4].parse().unwrap());
        let slot = 19_675 * 86_400 + hour * 3600 + minute * 60;
        for line in text.lines().skip(1) {
            let end: u64 = line.split(' ').nth(11).unwrap().parse().unwrap();
            assert!((slot..slot + 300).contains(&end), "{name}: {line}");
        }
        // RFC 1952: no time stamp.
        assert_eq!(bytes[4..8], [0; 4]);
    }
    assert!(!names.iter().any(|name| name.contains(".tmp")));
    assert!(first == run(&folder("s3-again"), &[]), "two runs differ");
}

/// FLW-42, FLW-43: a stream for each interface, events as GetLogEvents gives them.
#[test]
fn streams_as_in_cloudwatch() {
    let files = run(&folder("cloudwatch"), &[]);
    let text = String::from_utf8(files["flow-logs/shop/rejects/web-1-reject.json"].clone()).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["timestamp"], 1_700_000_000_000u64);
    assert_eq!(first["ingestionTime"], 1_700_000_331_000u64);
    let message = first["message"].as_str().unwrap();
    assert!(message.starts_with("2 111122223333 web-1 ") && message.ends_with(" 1700000031 REJECT OK"), "{message}");
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(files.contains_key("flow-logs/shop/nat/eni-nat-all.json"));
}

/// What the topology defines does not keep anybody from logging everything, in any format and form; each form holds the same.
#[test]
fn every_interface_in_every_form() {
    let format = "${interface-id} ${pkt-dstaddr} ${bytes} ${log-status}";
    let all = ["--flow-logs-all", "--flow-log-format", format];
    let text = run(&folder("all-text"), &all)["flow-logs.log"].clone();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().next(), Some("interface-id pkt-dstaddr bytes log-status"));
    let gz = run(&folder("all-gz"), &[&all[..], &["--flow-log-files", "gz"]].concat());
    assert_eq!(unzipped(&gz["flow-logs.log.gz"]), text);
    let s3 = run(&folder("all-s3"), &[&all[..], &["--flow-log-files", "text", "--flow-log-layout", "hive"]].concat());
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let of_everything = |name: &&String| name.contains("_everything_");
    let mut slots: Vec<String> = Vec::new();
    for name in s3.keys().filter(of_everything) {
        slots.extend(lines(std::str::from_utf8(&s3[name]).unwrap()));
    }
    slots.sort();
    assert_eq!(slots, lines(&text));
    // The office's account has a folder of its own.
    assert!(s3.keys().any(|name| name.contains("aws-account-id=444455556666/")), "{:#?}", s3.keys());
    let streams = run(&folder("all-cw"), &[&all[..], &["--flow-log-files", "cloudwatch"]].concat());
    let events = streams.iter().filter(|(name, _)| name.starts_with("flow-logs/") && name.ends_with("-all.json"));
    let events = events.filter(|(name, _)| name.matches('/').count() == 1);
    assert_eq!(events.map(|(_, b)| b.iter().filter(|b| **b == b'\n').count()).sum::<usize>(), lines(&text).len());
    // FLW-44: the file is one of Parquet's, by its magic number at both ends; scripts/clients reads what is in it.
    let parquet = run(&folder("all-parquet"), &[&all[..], &["--flow-log-files", "parquet"]].concat());
    let bytes = &parquet["flow-logs.log.parquet"];
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

/// The JSON of a run says what its logs held.
#[test]
fn the_summary_counts() {
    let to = folder("summary");
    let args = ["run", SCENARIO, "--flow-logs", to.to_str().unwrap(), "--flow-logs-all", "--output", "json"];
    let json: serde_json::Value = serde_json::from_slice(&vpcsim(&args).stdout).unwrap();
    let logs = json["scenarios"][0]["flow_logs"].as_array().unwrap();
    let everything = logs.iter().find(|log| log["log"] == "everything").unwrap();
    let text = String::from_utf8(files(&to)["flow-logs.log"].clone()).unwrap();
    let sum = |action: &str| {
        let of = text.lines().map(|l| l.split(' ').collect::<Vec<_>>()).filter(|w| w[12] == action && w[13] == "OK");
        of.fold((0u64, 0u64, 0u64), |(n, p, b), w| {
            (n + 1, p + w[8].parse::<u64>().unwrap(), b + w[9].parse::<u64>().unwrap())
        })
    };
    for (name, action) in [("accepted", "ACCEPT"), ("rejected", "REJECT")] {
        let said = &everything[name];
        let said = ["records", "packets", "bytes"].map(|what| said[what].as_u64().unwrap());
        assert_eq!((said[0], said[1], said[2]), sum(action), "{name}");
        assert!(said[0] > 0);
    }
    assert_eq!(everything["nodata_records"], text.lines().filter(|l| l.ends_with(" NODATA")).count());
}

/// Output that cannot be written is exit status 4, and leaves no half file.
#[test]
fn what_cannot_be_written_leaves_nothing() {
    let to = folder("unwritable");
    std::fs::write(to.join("flow-logs"), "a file where a folder should be").unwrap();
    let output = vpcsim(&["run", "-q", SCENARIO, "--flow-logs", to.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot write") && said.contains("flow-logs"), "{said}");
    assert_eq!(files(&to).len(), 1);
    // The file of the log is a folder.
    let to = folder("in-the-way");
    std::fs::create_dir_all(to.join("01-ephemeral-ports.log")).unwrap();
    let output = vpcsim(&["run", "-q", "scenarios/tour/01-ephemeral-ports.yaml", "--flow-logs", to.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(files(&to).is_empty(), "{:?}", files(&to).keys());
}

/// A disk that is full, as far as the program can tell: no file may have more than a block. Nothing is left but an error.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing() {
    for form in ["text", "gz", "parquet", "cloudwatch"] {
        let to = folder("full-disk");
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" run -q \"$1\" --flow-logs \"$2\" --flow-log-files \"$3\"";
        let scenario = "scenarios/tour/01-ephemeral-ports.yaml";
        let args = ["-c", script, env!("CARGO_BIN_EXE_vpcsim"), scenario, to.to_str().unwrap(), form];
        let output = Command::new("sh").args(args).current_dir(root()).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{form}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{form}");
        assert!(files(&to).is_empty(), "{form}: {:?}", files(&to).keys());
    }
}

/// Wrong usage: exit status 2, with the likeliest fix; an invalid scenario beside a good one leaves no flow log.
#[test]
fn wrong_usage() {
    let to = folder("usage");
    let run = |more: &[&str]| vpcsim(&[&["run", "-q", SCENARIO, "--flow-logs", to.to_str().unwrap()], more].concat());
    let output = run(&["--flow-log-format", "${srcadr} dstaddr"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean `srcaddr`?") && said.contains("write `${dstaddr}`"), "{said}");
    assert_eq!(run(&["--flow-log-format", "${tgw-id}"]).status.code(), Some(2));
    assert_eq!(vpcsim(&["run", SCENARIO, "--flow-logs-all"]).status.code(), Some(2));
    let bad = to.join("bad.yaml");
    std::fs::write(&bad, "topology: nowhere.yaml\nsteps: []\n").unwrap();
    assert_eq!(run(&[bad.to_str().unwrap()]).status.code(), Some(2));
    std::fs::remove_file(bad).unwrap();
    assert!(files(&to).is_empty(), "{:?}", files(&to).keys());
}
