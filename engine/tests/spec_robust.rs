//! No input makes the readers panic, hang or contradict themselves.

use proptest::prelude::*;
use vpcsim_engine::diag::{Diagnostic, FileIx};
use vpcsim_engine::{scenario, spec};

const TOPOLOGY: &str = "\
vpcs: &all
  main: &base {cidr: 10.0.0.0/16, secondary_cidrs: [10.1.0.0/16]}
  other: {<<: *base, region: \"eu-west-1\"}
subnets:
  web: {vpc: main, az: a, cidr: 10.0.1.0/24}
security_groups:
  sg:
    vpc: main
    inbound:
      - protocol: tcp
        ports: [443, 8000-8100]
        from: [10.0.0.0/8, sg]
    description: |
      several
      lines
instances:
  web-1: {subnet: web, listen: 443}
";
const SCENARIO: &str = "\
topology: t.yaml
steps:
  - at: 0s
    connect: {from: a, to: b, port: 443, name: c, keep_open: true}
    expect: {outcome: connected, blocked_by: {network_acl: x, rule: \"*\"}}
  - change: {security_group: sg, add_inbound: {protocol: tcp, ports: 80, from: 10.0.0.0/8}}
  - write: {connection: c, bytes: 5}
";

fn check(bytes: &[u8]) {
    let (first, diagnostics) = spec::read(FileIx(0), bytes);
    let (second, again) = spec::read(FileIx(0), bytes);
    assert_eq!((&first, &diagnostics), (&second, &again));
    assert!(first.is_some() || !diagnostics.is_empty());
    let place = |d: &Diagnostic| (d.span.line, d.span.column);
    assert!(diagnostics.windows(2).all(|d| place(&d[0]) <= place(&d[1]) || d[1].code == "too-many-mistakes"));
    let lines = bytes.split(|b| *b == b'\n' || *b == b'\r').count() as u32 + 1;
    for d in &diagnostics {
        assert!(d.span.line <= lines && !d.message.is_empty() && !d.message.ends_with('.'), "{d:?}");
    }
    let (scenario, diagnostics) = scenario::read(FileIx(0), bytes);
    assert!(scenario.is_some() || !diagnostics.is_empty());
    let _ = spec::top_keys(bytes);
}

#[test]
fn the_examples_are_good() {
    assert_eq!(spec::read(FileIx(0), TOPOLOGY.as_bytes()).1, []);
    assert_eq!(scenario::read(FileIx(0), SCENARIO.as_bytes()).1, []);
    assert_eq!(spec::top_keys(SCENARIO.as_bytes()).unwrap(), ["topology", "steps"]);
    assert_eq!(spec::top_keys(b"[1]"), None);
}

#[test]
fn every_prefix_of_a_file_is_survived() {
    for text in [TOPOLOGY, SCENARIO] {
        for end in 0..text.len() {
            check(&text.as_bytes()[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn arbitrary_yaml_like_text(text in "[-a-c:{}\\[\\],&*!|>'\"#?%@~ \\n\\t0-9é.<]{0,200}") {
        check(text.as_bytes());
    }

    #[test]
    fn mutated_files(
        scenario in any::<bool>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, "[-a:{}\\[\\],&*!|>'\"#?~ \\n\\t0]{0,3}"), 1..6),
    ) {
        let mut text: Vec<char> = if scenario { SCENARIO } else { TOPOLOGY }.chars().collect();
        for (at, remove, insert) in edits {
            let at = at.index(text.len().max(1)).min(text.len());
            let end = (at + usize::from(remove)).min(text.len());
            text.splice(at..end, insert.chars());
        }
        check(text.into_iter().collect::<String>().as_bytes());
    }
}
