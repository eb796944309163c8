//! The pages of `docs/behaviour/` against the code and the tests that cite their facts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Prefixes of ids, with their pages. Anything else that looks like an id (an RFC, an encoding) is none.
const PAGES: [(&str, &str); 31] = [
    ("ACL", "network-acl.md"),
    ("BGP", "route-selection.md"),
    ("BPA", "block-public-access.md"),
    ("BW", "bandwidth.md"),
    ("CT", "connection-tracking.md"),
    ("CVPN", "client-vpn.md"),
    ("DX", "direct-connect.md"),
    ("EIGW", "egress-only-gateway.md"),
    ("ENI", "eni.md"),
    ("FLW", "flow-log.md"),
    ("MET", "metrics.md"),
    ("COST", "cost.md"),
    ("GRT", "edge-route-table.md"),
    ("GST", "guest.md"),
    ("IGW", "public-address.md"),
    ("INET", "internet.md"),
    ("MCAST", "multicast.md"),
    ("MIR", "mirroring.md"),
    ("MTU", "mtu.md"),
    ("NAT", "nat-gateway.md"),
    ("PCX", "peering.md"),
    ("REG", "region.md"),
    ("RTB", "route-table.md"),
    ("SG", "security-group.md"),
    ("SHARE", "vpc-sharing.md"),
    ("SUB", "subnet.md"),
    ("SVC", "link-local-services.md"),
    ("TGW", "transit-gateway.md"),
    ("VPC", "vpc.md"),
    ("VPCE", "vpc-endpoint.md"),
    ("VPN", "vpn.md"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every file below `folder` with one of these endings, in order.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Ids in a text: a known prefix, `-`, a number, with no letter or digit on either side.
fn ids(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let is_id = |word: &&str| {
        word.split_once('-').is_some_and(|(prefix, number)| {
            PAGES.iter().any(|(p, _)| *p == prefix) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    words.filter(is_id).map(str::to_owned).collect()
}

/// Facts by id: the page and the status. Checks the form of each.
fn facts() -> BTreeMap<String, (String, String)> {
    let mut facts = BTreeMap::new();
    for (prefix, page) in PAGES {
        let text =
            std::fs::read_to_string(root().join("docs/behaviour").join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        for line in text.lines().filter(|line| line.contains("**[")) {
            let id = line.strip_prefix("- **[").and_then(|rest| rest.split_once("]** "));
            let Some((id, rest)) = id else { panic!("{page}: a fact begins with `- **[ID]** `: {line}") };
            assert!(id.starts_with(&format!("{prefix}-")), "{page}: {id} belongs elsewhere");
            let status =
                rest.rsplit_once("Status: ").map(|(_, status)| status.split(['.', ' ']).next().unwrap().to_owned());
            let Some(status) = status else { panic!("{id} has no status") };
            assert!(["documented", "measured", "assumed"].contains(&status.as_str()), "{id}: {status}");
            assert!(status != "measured" || rest.contains("(lab"), "{id}: which lab?");
            assert!(status != "documented" || rest.contains("Source: <https://"), "{id} has no source");
            let before = facts.insert(id.to_owned(), (page.to_owned(), status));
            assert!(before.is_none(), "{id} is there twice");
        }
    }
    facts
}

#[test]
fn every_fact_has_code_and_tests() {
    let facts = facts();
    let (mut code, mut tests) = (BTreeMap::<String, PathBuf>::new(), BTreeSet::new());
    let sources = ["engine/src", "cli/src"].map(|folder| files(&root().join(folder), &["rs"]));
    for path in sources.into_iter().flatten() {
        let text = std::fs::read_to_string(&path).unwrap();
        // Unit tests stand at the end of a file.
        let (source, unit_tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        code.extend(ids(source).into_iter().map(|id| (id, path.clone())));
        tests.extend(ids(unit_tests));
    }
    for folder in ["engine/tests", "cli/tests", "scenarios"] {
        for path in files(&root().join(folder), &["rs", "yaml", "yml", "txt", "md"]) {
            tests.extend(ids(&std::fs::read_to_string(&path).unwrap()));
        }
    }

    let mut wrong = Vec::new();
    for (id, (page, _)) in &facts {
        if !code.contains_key(id) {
            wrong.push(format!("{id} ({page}): no code cites it"));
        }
        if !tests.contains(id) {
            wrong.push(format!("{id} ({page}): no test cites it"));
        }
    }
    for (id, path) in &code {
        if !facts.contains_key(id) {
            wrong.push(format!("{id} is cited in {} and is in no page", path.display()));
        }
    }
    for id in tests.iter().filter(|id| !facts.contains_key(*id)) {
        wrong.push(format!("{id} is cited in a test and is in no page"));
    }

    let mut by_status = BTreeMap::<&str, usize>::new();
    for (_, status) in facts.values() {
        *by_status.entry(status).or_default() += 1;
    }
    println!("{} facts: {by_status:?}", facts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The index lists every page with its number of facts by status.
#[test]
fn the_index_is_up_to_date() {
    let facts = facts();
    let text = std::fs::read_to_string(root().join("docs/behaviour/README.md")).unwrap();
    for (prefix, page) in PAGES {
        let count = |status: &str| facts.values().filter(|(p, s)| p == page && s == status).count();
        let row =
            format!("({page}) | {prefix} | {} | {} | {} |", count("documented"), count("measured"), count("assumed"));
        assert!(text.contains(&row), "docs/behaviour/README.md should have: {row}");
    }
}

#[test]
fn only_known_prefixes_are_ids() {
    let text = "ACL-1, (SG-12) RFC-793 UTF-8 us-EAST-1 XSG-1 SG-1a [NAT-7]";
    assert_eq!(ids(text).into_iter().collect::<Vec<_>>(), ["ACL-1", "NAT-7", "SG-12"]);
}
