//! Who may use whom in the engine. The source is scanned, comments and test modules left out.

#![allow(clippy::disallowed_methods)] // reads the source files

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module uses only modules of lower levels; not its own level's.
const LEVELS: [&[&str]; 9] = [
    &["base", "diag"],
    &["wire"],
    &["spec", "verdict"],
    &["event", "fabric", "host", "import"],
    &["control", "eval", "flow", "load", "names"],
    &["compile", "speak", "walk"],
    &["explain", "record", "sim"],
    &["analyse", "observe"],
    &["scenario"],
];

/// What a module must never use, though it lies below.
const NEVER: [(&str, &str, &str); 6] = [
    ("sim", "eval", "only the walk decides"),
    ("explain", "eval", "only the walk decides"),
    ("eval", "names", "strings die at compile time"),
    ("walk", "names", "strings die at compile time"),
    ("flow", "names", "strings die at compile time"),
    ("sim", "names", "strings die at compile time"),
];

/// Sans-IO and determinism: words that engine code has no use for.
const FORBIDDEN: [&str; 13] = [
    "std::fs",
    "std::env",
    "std::io::std",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::time::Instant",
    "SystemTime",
    "RandomState",
    "println!",
    "eprintln!",
    "thread::spawn",
    "HashMap",
    "HashSet",
];

struct File {
    module: String,
    /// True if `super` is the crate here.
    top: bool,
    path: String,
    code: String,
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below src").to_path_buf();
            let parts: Vec<String> = inside.iter().map(|p| p.to_string_lossy().replace(".rs", "")).collect();
            let top = parts.len() == 1 || (parts.len() == 2 && parts[1] == "mod");
            let code = code(&std::fs::read_to_string(&path).expect("text"));
            out.push(File { module: parts[0].clone(), top, path: inside.display().to_string(), code });
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(out.len() > 50, "the source is there");
    out
}

/// The text without comments and without test modules, which stand at the end of a file.
fn code(text: &str) -> String {
    let text = match text.find("#[cfg(test)]\nmod tests {") {
        Some(at) => &text[..at],
        None => text,
    };
    text.lines().map(|line| line.split("//").next().expect("a first part")).collect::<Vec<_>>().join("\n")
}

/// The first names behind every `prefix`, through one pair of braces.
fn behind<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if code[..at].ends_with(|c: char| word(c) || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            out.push(rest.split(|c| !word(c)).next().expect("a first part"));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    out.push(list[start..i].trim().split(|c| !word(c)).next().expect("a first part"));
                    start = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    out
}

/// Module, the modules it uses, and where.
fn uses(files: &[File]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let modules: BTreeSet<&str> = files.iter().map(|f| f.module.as_str()).collect();
    let mut out: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|f| f.module != "lib") {
        let outer = if file.top { "super::" } else { "super::super::" };
        let found = behind(&file.code, "crate::").into_iter().chain(behind(&file.code, outer));
        for used in found.filter(|used| *used != file.module && modules.contains(used)) {
            out.entry((file.module.clone(), used.to_owned())).or_default().insert(file.path.clone());
        }
    }
    out
}

fn level(module: &str) -> usize {
    let found = LEVELS.iter().position(|level| level.contains(&module));
    found.unwrap_or_else(|| panic!("module `{module}` is in no level: add it to LEVELS"))
}

#[test]
fn the_scanner_reads_what_people_write() {
    let text = "use crate::a::X; // crate::b\nuse crate::{c, d::{e, f}, g};\nlet x = crate::h::y();\nmycrate::i::z();\n\
                #[cfg(test)]\nmod tests { use crate::j; }";
    assert_eq!(behind(&code(text), "crate::"), ["a", "c", "d", "g", "h"]);
}

#[test]
fn a_module_uses_only_lower_levels() {
    let uses = uses(&files());
    assert!(uses.contains_key(&("walk".to_owned(), "eval".to_owned())), "the scan finds what is there");
    let wrong: Vec<_> = uses.iter().filter(|((from, to), _)| level(to) >= level(from)).collect();
    assert!(wrong.is_empty(), "uses a module that is not below it: {wrong:#?}");
}

#[test]
fn every_module_has_one_level_and_every_level_its_modules() {
    let modules: BTreeSet<String> = files().into_iter().map(|f| f.module).filter(|m| m != "lib").collect();
    let listed: BTreeSet<String> = LEVELS.iter().flat_map(|l| l.iter().map(|m| (*m).to_owned())).collect();
    assert_eq!(modules, listed);
}

#[test]
fn only_the_walk_evaluates_and_names_stay_out_of_decisions() {
    let uses = uses(&files());
    for ((from, to), files) in &uses {
        assert!(to != "eval" || from == "walk", "{from} uses eval in {files:?}: only the walk decides");
        let rule = NEVER.iter().find(|(a, b, _)| a == from && b == to);
        assert!(rule.is_none(), "{from} uses {to} in {files:?}: {}", rule.expect("there").2);
    }
}

#[test]
fn no_clock_no_files_no_random_order() {
    for file in files() {
        for word in FORBIDDEN {
            for (at, _) in file.code.match_indices(word) {
                // FxHashMap and FxHashSet hash alike in every run.
                let fixed = word.starts_with("Hash") && file.code[..at].ends_with("Fx");
                assert!(fixed, "{}: `{word}`: the engine does no IO and has no clock of its own", file.path);
            }
        }
    }
}
