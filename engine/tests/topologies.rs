//! The example networks in `topologies/`: each compiles without a diagnostic, and shows what its header says.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::{Path, PathBuf};
use vpcsim_engine::compile::{self, Network};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{self, Question};
use vpcsim_engine::{base::Protocol, spec};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("topologies")
}

fn load(path: &Path) -> Network {
    let (spec, mut diagnostics) = spec::read(FileIx(0), &std::fs::read(path).unwrap());
    let (network, more) = compile::compile(&spec.expect("a topology"));
    diagnostics.extend(more);
    assert!(diagnostics.is_empty(), "{}: {diagnostics:#?}", path.display());
    network.expect("no diagnostic")
}

/// Every file compiles without any diagnostic, begins with a comment and has a description.
#[test]
fn every_topology_compiles() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let network = load(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}: no header", path.display());
        assert!(text.lines().count() <= 80, "{}: too long to be read", path.display());
        assert!(network.spec.description.is_some(), "{}: no description", path.display());
        count += 1;
    }
    assert!(count >= 11, "{count}");
}

/// `from -> to tcp/443 outcome`, one question a line.
fn shows(file: &str, lines: &str) {
    let net = load(&folder().join(file).with_extension("yaml"));
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [from, _, to, what, expected] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (from, to) = explain::resolve_origin(&net, from, to).unwrap_or_else(|e| panic!("{line}: {e}"));
        let (protocol, dst_port) = match what.split_once('/') {
            Some((protocol, port)) => (protocol.parse().unwrap(), port.parse().unwrap()),
            None if to.is_ipv4() => (Protocol::ICMP, 0),
            None => (Protocol::ICMPV6, 0),
        };
        let answer = explain::ask(&net, &Question { from, to, protocol, src_port: None, dst_port });
        let by = answer.decided_by.map(|(part, by)| (part, net.names.row_text(&net.fabric, by)));
        assert_eq!(answer.outcome.word(), expected, "{file}: {line}: {by:?}");
    }
}

#[test]
fn the_examples_show_what_they_say() {
    shows(
        "default-vpc",
        "web-1 -> internet tcp/443 open\n batch-1 -> web-1 tcp/443 open\n web-1 -> batch-1 tcp/22 no_reply",
    );
    shows(
        "public-private-nat",
        "app-a -> packages tcp/443 open\n app-b -> packages tcp/443 open\n app-a -> app-b tcp/8080 open\n app-a -> app-b ping reply",
    );
    shows(
        "direct-connect-group",
        "gateway -> 203.0.113.10 tcp/443 open\n shop-1 -> gateway tcp/443 open\n ledger -> 203.0.113.10 tcp/443 no_reply",
    );
    shows(
        "mirroring",
        "client-1 -> web-1 tcp/80 open\n client-1 -> web-1 tcp/22 no_reply\n web-1 -> sensor-1 udp/4789 no_reply",
    );
    shows("nat-instance", "worker-1 -> packages tcp/443 open\n worker-1 -> packages tcp/22 no_reply");
    shows(
        "bastion",
        "office -> 198.51.100.40 tcp/22 open\n stranger -> 198.51.100.40 tcp/22 no_reply\n bastion-1 -> ledger-1 tcp/22 open\n ledger-1 -> bastion-1 tcp/22 no_reply",
    );
    shows(
        "dual-stack",
        "peer -> 198.51.100.51 tcp/443 open\n 2001:db8:50::1 -> 2600:1f16:50::10 tcp/443 open
         app-1 -> 203.0.113.50 tcp/443 open\n 2600:1f16:50:1::10 -> 2001:db8:50::1 tcp/443 open
         2001:db8:50::1 -> 2600:1f16:50:1::10 tcp/8080 no_reply",
    );
    shows("ipv6-only-nat64", "worker-1 -> 64:ff9b::cb00:7150 tcp/443 open\n worker-1 -> new-api tcp/443 open");
    shows(
        "inspection",
        "customer -> 198.51.100.71 tcp/443 open\n web-1 -> db-1 tcp/5432 open\n web-1 -> db-1 tcp/22 no_reply",
    );
    shows(
        "security-group-references",
        "web-1 -> api-1 tcp/8080 open\n web-1 -> 198.51.100.81 tcp/8080 no_reply\n api-1 -> api-2 tcp/8080 no_reply
         api-2 -> db-1 tcp/5432 open\n db-1 -> db-2 tcp/5432 open\n web-1 -> db-1 tcp/5432 no_reply",
    );
    shows(
        "block-public-access",
        "internet -> 198.51.100.91 tcp/443 open\n internet -> 198.51.100.92 tcp/443 no_reply\n app-1 -> packages tcp/443 open",
    );
    shows(
        "client-vpn",
        "ann -> reports-1 tcp/5432 open\n bob -> reports-1 tcp/5432 no_reply\n bob -> app-1 tcp/443 open
         ann -> ledger-1 tcp/5432 no_reply\n ann -> internet tcp/443 open\n zoe -> internet tcp/443 unknown",
    );
    shows(
        "regional-nat",
        "worker-a -> queue tcp/443 open\n worker-c -> queue tcp/443 open\n worker-a -> worker-b ping reply",
    );
}
