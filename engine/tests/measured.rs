//! What was measured in real AWS accounts: every row of the labs against the engine, and the engine's
//! deciding rows against the naive evaluator, and each `no_reply` names one place in the account and one row there. Expected values come from the measurements alone.
//! `measured/undecided.csv` lists the rows that the accounts' JSON does not decide, each with the reason: no
//! other row of these labs may be answered `unknown`, and none of the list may be answered otherwise.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod reference;

use reference::questions::{SRC_PORT, ask_engine, compiled, row_of, show_all};
use reference::{Outcome, RefAnswer, RefQuestion, Sender, World, evaluate};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::Explanation;
use vpcsim_engine::import::{JsonFile, aws};
use vpcsim_engine::names::Label;
use vpcsim_engine::verdict::{RowKind, code_of};

fn labs() -> Option<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/measured");
    all.is_dir().then_some(all)
}

fn json_files(folder: &Path, under: &str, out: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{under}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            json_files(&path, &format!("{name}/"), out);
        } else if name.ends_with(".json") {
            out.push((name, std::fs::read(&path).expect("a file")));
        }
    }
}

/// One line of `measurements.csv`.
struct Measured {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    port: u16,
    result: String,
}

fn measurements(lab: &Path) -> Vec<Measured> {
    let text = std::fs::read_to_string(lab.join("measurements.csv")).expect("measurements");
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        Measured {
            src: fields[0].parse().expect("an address"),
            dst: fields[1].parse().expect("an address"),
            protocol: if fields[2] == "tcp" { 6 } else { 1 },
            port: fields[3].parse().unwrap_or(0),
            result: fields[4].to_owned(),
        }
    });
    rows.collect()
}

/// Who has the address; a host on the internet if nobody.
fn sender(world: &World<'_>, address: IpAddr) -> Sender {
    match world.enis.iter().find(|e| e.owns(address)) {
        Some(eni) => Sender::Eni(eni.name.clone()),
        None => Sender::Internet,
    }
}

impl Measured {
    /// As `undecided.csv` names the row.
    fn key(&self, lab: &str) -> String {
        let Self { src, dst, port, .. } = self;
        if self.protocol == 6 { format!("{lab},{src},{dst},tcp,{port}") } else { format!("{lab},{src},{dst},icmp,") }
    }
}

/// The rows that cannot be decided, by [`Measured::key`].
fn undecided() -> BTreeSet<String> {
    let rows = include_str!("measured/undecided.csv").lines().skip(1).map(|line| {
        let (key, reason) = line.rsplit_once(',').expect("a row and a reason");
        assert!(reason.len() > 20, "{line}: why can it not be decided?");
        key.to_owned()
    });
    rows.collect()
}

/// The labs whose every row is decided or listed, with their number of rows.
const LABS: [(&str, usize); 5] = [
    ("instance_multiple_interface", 140),
    ("multi_account_vpc_peering", 24),
    ("nlb_targets_ip", 268),
    ("tgw_multi_az_intra_region", 188),
    ("vpc_endpoints", 56),
];

#[derive(Default, Debug)]
struct Tally {
    rows: usize,
    agree: usize,
    unknown: BTreeMap<String, usize>,
    /// The keys of the unknown rows.
    undecided: BTreeSet<String>,
    wrong: Vec<String>,
    /// Of `no_reply`: how many each row decides, by its text.
    places: BTreeMap<String, usize>,
}

/// The place and the row that decide an answer, or what is missing: a person has to find it in the account. A place is an id
/// that the account's own files have.
fn place(network: &Network, answer: &RefAnswer, explanation: &Explanation, account: &str) -> Result<String, String> {
    let Some((part, by)) = &answer.decided_by else { return Err("no row decides".to_owned()) };
    let (fabric, names) = (&network.fabric, &network.names);
    let decides = explanation.alternatives.iter().map(|a| a.decided_by).chain([explanation.decided_by]).flatten();
    let row = decides.map(|(_, row)| row).find(|row| row_of(network, *row) == *by).expect("the engine's own row");
    let (text, id) = (names.row_text(fabric, row), names.row_resource_id(fabric, row));
    let short = names.row_resource(fabric, row);
    let (row, code) = (fabric.rows[row], code_of(fabric.rows[row]));
    // What no rule lets in is the interface's; the text says which groups it has.
    let labels: Vec<&Label> = match row.kind {
        RowKind::SgLast => {
            let eni =
                &fabric.enis.iter_enumerated().find(|(eni, _)| names.enis[*eni].id == id).expect("an interface").1;
            fabric.sg_sets[eni.sg_set].groups.iter().map(|group| &names.sgs[*group]).collect()
        }
        _ => Vec::new(),
    };
    let ids = labels.iter().map(|label| label.id.as_str()).chain([id]);
    if let Some(unknown) = ids.into_iter().find(|id| !account.contains(&format!("\"{id}\""))) {
        return Err(format!("`{unknown}` of `{text}` is no id of the account"));
    }
    let named = if labels.is_empty() { text.contains(short) } else { labels.iter().all(|l| text.contains(l.short())) };
    if code.is_empty() || !named {
        return Err(format!("`{text}` ({code}) does not name {id}"));
    }
    Ok(format!("{id}: {text} on the {part} ({code})"))
}

fn check(lab: &Path, name: &str) -> Tally {
    let mut files = Vec::new();
    json_files(&lab.join("aws_configs"), "aws_configs/", &mut files);
    let account: String = files.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text }).collect();
    let spec = aws(&files).spec;
    let network = compiled(&spec);
    let world = World::new(&spec);
    let mut tally = Tally::default();
    for m in measurements(lab) {
        tally.rows += 1;
        let q = RefQuestion {
            from: sender(&world, m.src),
            src: m.src,
            to: m.dst,
            protocol: m.protocol,
            src_port: SRC_PORT,
            dst_port: m.port,
        };
        let (explanation, found) = ask_engine(&network, &q);
        let only = found.first().expect("an answer").clone();
        let asked = format!("{} -> {} {} {}", m.src, m.dst, m.protocol, m.port);
        let row = format!("{asked}: measured {}, engine {}", m.result, show_all(&found));
        if only.outcome == Outcome::Unknown {
            let kind = only.decided_by.as_ref().map_or("", |(_, by)| by.kind);
            // Only what the export does not say may be unknown.
            if !matches!(kind, "NotModelled" | "InternetUnknown") {
                tally.wrong.push(row.clone());
            }
            tally.undecided.insert(m.key(name));
            *tally.unknown.entry(kind.to_owned()).or_default() += 1;
        } else {
            // Whether a port is open is the guest's affair: closed fits where a listener was supposed.
            let supposed = explanation.supposes_listener.is_some() && only.outcome == Outcome::Open;
            if found.iter().all(|a| a.outcome.word() == m.result) || (supposed && m.result == "closed") {
                tally.agree += 1;
                for answer in found.iter().filter(|answer| answer.outcome == Outcome::NoReply) {
                    match place(&network, answer, &explanation, &account) {
                        Ok(place) => *tally.places.entry(place).or_default() += 1,
                        Err(why) => tally.wrong.push(format!("{row}: {why}")),
                    }
                }
            } else {
                tally.wrong.push(row.clone());
            }
        }
        let expected = evaluate(&spec, &q);
        if expected.set != found {
            tally.wrong.push(format!("{row}; the reference evaluator says {}", show_all(&expected.set)));
        }
    }
    tally
}

#[test]
fn every_lab_agrees_with_what_was_measured() {
    let Some(labs) = labs() else {
        println!("skipped: no measured labs here");
        return;
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(labs).expect("labs").map(|e| e.expect("a lab").path()).collect();
    folders.sort();
    let listed = undecided();
    let mut wrong = 0;
    for lab in folders {
        let name = lab.file_name().expect("a name").to_string_lossy().into_owned();
        let tally = check(&lab, &name);
        println!(
            "{name}: {} rows, {} agree, unknown {:?}, {} wrong",
            tally.rows,
            tally.agree,
            tally.unknown,
            tally.wrong.len()
        );
        for (place, times) in &tally.places {
            println!("    {times} no_reply: {place}");
        }
        for line in tally.wrong.iter().take(12) {
            println!("    {line}");
        }
        wrong += tally.wrong.len();
        if let Some((_, rows)) = LABS.iter().find(|(lab, _)| *lab == name) {
            let listed: BTreeSet<String> =
                listed.iter().filter(|key| key.starts_with(&format!("{name},"))).cloned().collect();
            assert_eq!(tally.undecided, listed, "{name}: the rows that cannot be decided");
            assert_eq!((tally.rows, tally.agree), (*rows, rows - listed.len()), "{name}");
        }
    }
    assert_eq!(wrong, 0, "rows disagree, see above");
}
