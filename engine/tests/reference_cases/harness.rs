//! Three VPCs with a host in each, and questions in one line.

use crate::reference::questions::{SRC_PORT, ask_engine, compiled, show_all, text};
use crate::reference::{RefQuestion, Sender, World, evaluate};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::spec::read;

/// Hosts `a`, `b` and `c` in zone a of VPCs `va`, `vb` and `vc`; every group of theirs lets everything in. The main
/// route tables `ra`, `rb` and `rc` have the routes that are handed in.
pub(crate) fn three(routes: [&str; 3], more: &str) -> String {
    let [a, b, c] = routes;
    format!(
        "
vpcs: {{va: {{cidr: 10.0.0.0/16}}, vb: {{cidr: 10.1.0.0/16}}, vc: {{cidr: 10.2.0.0/16}}}}
subnets:
  sa: {{vpc: va, az: a, cidr: 10.0.1.0/24}}
  sb: {{vpc: vb, az: a, cidr: 10.1.1.0/24}}
  sc: {{vpc: vc, az: a, cidr: 10.2.1.0/24}}
route_tables:
  ra: {{vpc: va, main: true, routes: [{a}]}}
  rb: {{vpc: vb, main: true, routes: [{b}]}}
  rc: {{vpc: vc, main: true, routes: [{c}]}}
security_groups:
  ga: {{vpc: va, inbound: [{{from: 0.0.0.0/0}}]}}
  gb: {{vpc: vb, inbound: [{{from: 0.0.0.0/0}}]}}
  gc: {{vpc: vc, inbound: [{{from: 0.0.0.0/0}}]}}
instances:
  a: {{subnet: sa, address: 10.0.1.10, security_groups: [ga], listen: [443]}}
  b: {{subnet: sb, address: 10.1.1.10, security_groups: [gb], listen: [443]}}
  c: {{subnet: sc, address: 10.2.1.10, security_groups: [gc], listen: [443]}}
{more}
"
    )
}

/// The answers to `a -> 10.1.1.10 tcp/443` or `a -> 10.1.1.10 ping`.
#[track_caller]
pub(crate) fn ask(yaml: &str, question: &str) -> String {
    let (spec, diagnostics) = read(FileIx(0), yaml.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let spec = spec.expect("a topology");
    let [from, "->", to, what] = question.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("`{question}` is not `from -> to tcp/443`");
    };
    let (protocol, dst_port) = match what.split_once('/') {
        Some(("tcp", port)) => (6, port.parse().expect("a port")),
        Some((_, port)) => (17, port.parse().expect("a port")),
        None => (1, 0),
    };
    let src = World::new(&spec).eni(from).v4.expect("an address");
    let to = to.parse().expect("an address");
    let q = RefQuestion { from: Sender::Eni(from.to_owned()), src, to, protocol, src_port: SRC_PORT, dst_port };
    let answers = evaluate(&spec, &q);
    assert!(!answers.goes_round, "{question}");
    let (_, found) = ask_engine(&compiled(&spec), &q);
    assert_eq!(show_all(&found), show_all(&answers.set), "the engine, {}", text(&q));
    show_all(&answers.set)
}

#[track_caller]
pub(crate) fn check(yaml: &str, expected: &[(&str, &str)]) {
    for (question, answer) in expected {
        assert_eq!(ask(yaml, question), *answer, "{question}");
    }
}
