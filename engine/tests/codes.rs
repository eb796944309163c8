//! Reachability Analyzer's codes: which there are, and that every one that is said to be produced is.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

#[allow(unused_imports, reason = "another test uses them")]
mod reference;

use reference::World;
use reference::questions::{compiled, question_between, random_question, to_engine};
use reference::topology::{Dice, random, random_wide};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{self, Question, ask, codes};
use vpcsim_engine::spec;
use vpcsim_engine::verdict::{ALIASES, CODES, Produced, alias_of};

/// Random networks of each kind that are looked through.
const NETWORKS: u64 = 120;

fn of_text(text: &str) -> Network {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    let (network, more) = compile(&spec.unwrap_or_else(|| panic!("{diagnostics:#?}")));
    network.unwrap_or_else(|| panic!("{more:#?}"))
}

fn asked(network: &Network, from: &str, to: &str, protocol: Protocol, port: u16) -> BTreeSet<&'static str> {
    let (from, to) = explain::resolve_origin(network, from, to).unwrap_or_else(|e| panic!("{e}"));
    let e = ask(network, &Question { from, to, protocol, src_port: None, dst_port: port });
    codes(network, &e)
}

/// Networks with one mistake each that random ones seldom have, a question, and its code.
const CASES: &[(&str, &str, &str, u16, &str)] = &[
    (
        "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\n\
         security_groups: {none: {vpc: v, inbound: []}}\n\
         instances: {a: {subnet: s}, b: {subnet: s, security_groups: [none]}}\n",
        "a",
        "b",
        22,
        "SG_HAS_NO_RULES",
    ),
    (
        "vpcs: {v: {cidr: 10.0.0.0/16}}\ninternet_gateways: {igw: {vpc: v}}\n\
         subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\n\
         route_tables: {r: {vpc: v, main: true, routes: [{to: 0.0.0.0/0, via: igw}]}}\n\
         instances: {a: {subnet: s, public_ip: auto}}\n",
        "a",
        "100.64.3.3",
        22,
        "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
    ),
    (
        "vpcs: {v: {cidr: 10.0.0.0/16}}\ninternet_gateways: {igw: {vpc: v}}\n\
         subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\n\
         route_tables: {r: {vpc: v, main: true, routes: [{to: 0.0.0.0/0, via: igw}]}}\n\
         instances: {a: {subnet: s, public_ip: auto}}\n",
        "a",
        "192.168.3.3",
        22,
        "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
    ),
    (
        "vpcs: {v: {cidr: 10.0.0.0/16}}\ninternet_gateways: {igw: {vpc: v}}\n\
         subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}}\n\
         route_tables: {r: {vpc: v, main: true, routes: [{to: 0.0.0.0/0, via: igw}]}}\n\
         instances: {a: {subnet: s, public_ip: 198.51.100.7}}\n",
        "192.168.3.3",
        "198.51.100.7",
        22,
        "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
    ),
];

#[test]
fn each_case_carries_its_code() {
    for (text, from, to, port, code) in CASES {
        let found = asked(&of_text(text), from, to, Protocol::TCP, *port);
        assert!(found.contains(code), "{code}: {found:?}");
    }
}

#[test]
fn every_code_that_is_said_to_be_produced_is() {
    let mut found: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut note = |codes: BTreeSet<&'static str>, by: &str| {
        for code in codes {
            found.entry(code).or_insert_with(|| by.to_owned());
        }
    };
    for (text, from, to, port, code) in CASES {
        note(asked(&of_text(text), from, to, Protocol::TCP, *port), code);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("topologies");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
        let network = of_text(&std::fs::read_to_string(file).unwrap());
        let label = file.file_name().unwrap().to_string_lossy().into_owned();
        let names: Vec<&str> = network.names.guests.iter().map(|guest| guest.id.as_str()).collect();
        let hosts = network.names.internet_hosts.iter().map(|host| host.id.as_str());
        let all: Vec<&str> = names.iter().copied().chain(hosts).collect();
        for from in &all {
            for to in &all {
                for (protocol, port) in [(Protocol::TCP, 443), (Protocol::TCP, 22), (Protocol::ICMP, 0)] {
                    if let Ok((from, to)) = explain::resolve_origin(&network, from, to) {
                        let e = ask(&network, &Question { from, to, protocol, src_port: None, dst_port: port });
                        note(codes(&network, &e), &label);
                    }
                }
            }
        }
    }
    for seed in 1..=NETWORKS {
        for wide in [false, true] {
            let spec = if wide { random_wide(seed) } else { random(seed) };
            let network = compiled(&spec);
            let dice = &mut Dice::new(seed.wrapping_mul(17));
            for _ in 0..60 {
                let world = World::new(&spec);
                let q = if wide { question_between(&world, dice) } else { random_question(&world, dice) };
                if let Some(q) = q {
                    let e = ask(&network, &to_engine(&network, &q));
                    note(codes(&network, &e), "random");
                }
            }
        }
    }
    let known: BTreeMap<&str, Produced> = CODES.iter().map(|code| (code.name, code.produced)).collect();
    for (code, by) in &found {
        let ours = code.starts_with("SIM_");
        assert!(ours || known.get(code) == Some(&Produced::Yes), "{code} by {by} is not said to be produced");
    }
    let missing: Vec<&str> =
        CODES.iter().filter(|c| c.produced == Produced::Yes && !found.contains_key(c.name)).map(|c| c.name).collect();
    assert!(missing.is_empty(), "not produced: {missing:?}\nfound {found:#?}");
}

/// 71 + 5 + 13 + 11 in the edition that was read, less what it lists twice.
#[test]
fn the_table_is_whole() {
    let names: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
    assert_eq!(names.len(), CODES.len(), "one entry each");
    for alias in ALIASES {
        for code in alias.codes {
            assert!(names.contains(code) || code.starts_with("SIM_"), "{code}");
        }
    }
    assert_eq!(alias_of("SUBNET_ACL_RESTRICTION").map(|a| a.gcp), Some(&["FIREWALL_RULE"][..]));
}
