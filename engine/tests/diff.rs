//! `diff`: a change of one row differs in exactly the flows that it decides. The law holds for every rule, row and route of
//! the examples, taken away one at a time, against every pair of interfaces asked one by one.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use vpcsim_engine::analyse::diff::{Change, Difference, Flow, ResourceChange, diff};
use vpcsim_engine::base::{Cidr, Protocol};
use vpcsim_engine::compile::{self, Network};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Origin, Question, ask};
use vpcsim_engine::spec::{self, Spec};

fn topologies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies")
}

fn read(text: &str) -> Spec {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
    spec.unwrap()
}

fn file(name: &str) -> String {
    std::fs::read_to_string(topologies().join(name).with_extension("yaml")).unwrap()
}

fn network(spec: &Spec) -> Network {
    let (network, diagnostics) = compile::compile(spec);
    network.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

fn difference(old: &str, new: &str) -> Difference {
    let (old, new) = (read(old), read(new));
    diff((&old, &network(&old)), (&new, &network(&new)))
}

fn said(flow: &Flow) -> String {
    let ports = flow.ports.map_or_else(String::new, |ports| format!("/{ports}"));
    let (from, to) = (flow.from.join(","), flow.to.join(","));
    format!("{:?} {from} -> {to} {}{ports} {} -> {}", flow.change, flow.protocol, flow.old, flow.new)
}

fn replace(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "`{old}`");
    text.replace(old, new)
}

#[test]
fn nothing_differs_from_itself() {
    let files = std::fs::read_dir(topologies()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(difference(&text, &text), Difference::default());
    }
}

/// The mistake of the README's example, mended: ACL-4, replies need a row of their own.
#[test]
fn the_row_for_replies_gains_exactly_what_it_is_for() {
    let old = file("three-tier");
    let row = "      - {rule: 110, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.0.0/24}\n";
    let new = replace(
        &old,
        row,
        &format!("{row}      - {{rule: 120, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.1.0/24}}\n"),
    );
    let found = difference(&old, &new);
    assert_eq!(
        found.flows.iter().map(said).collect::<Vec<_>>(),
        ["Gained web-1,web-2 -> db-1 tcp/5432 no_reply -> open"]
    );
    let cause = &found.flows[0].cause;
    let (was, now) = (cause.old.as_ref().unwrap(), cause.new.as_ref().unwrap());
    assert_eq!(was.text, "acl data outbound rule *: deny all");
    assert_eq!((was.code, was.span.is_some()), ("SUBNET_ACL_RESTRICTION", false));
    assert_eq!(now.text, "acl data outbound rule 120: allow tcp 1024-65535 to 10.0.1.0/24");
    assert_eq!(now.span.line, 37);
    assert_eq!(found.resources.len(), 1);
    let resource = &found.resources[0];
    assert_eq!(
        (resource.kind.as_str(), resource.name.as_str(), resource.change),
        ("network_acls", "data", ResourceChange::Changed)
    );
    assert_eq!((resource.fields[0].old.len(), resource.fields[0].new.len()), (0, 1));
    // And back.
    let back = difference(&new, &old);
    assert_eq!(back.flows.iter().map(said).collect::<Vec<_>>(), ["Lost web-1,web-2 -> db-1 tcp/5432 open -> no_reply"]);
}

/// What a rule is for on the internet is told by its addresses.
#[test]
fn an_office_is_not_the_whole_internet() {
    let old = file("three-tier");
    let rule = "inbound: [{protocol: tcp, ports: 22, from: 0.0.0.0/0}]";
    let new = replace(&old, rule, "inbound: [{protocol: tcp, ports: 22, from: 203.0.113.8/29}]");
    let lost = difference(&old, &new);
    assert_eq!(lost.count(Change::Lost), lost.flows.len());
    let outside: Vec<&Flow> =
        lost.flows.iter().filter(|f| f.from.iter().any(|name| name.starts_with("internet"))).collect();
    assert_eq!(outside.len(), 1, "{:?}", lost.flows.iter().map(said).collect::<Vec<_>>());
    let parts: Vec<&String> = outside[0].from.iter().filter(|name| name.starts_with("internet")).collect();
    assert_eq!(parts, ["internet (all but 203.0.113.8/29)"]);
    let none = replace(&old, rule, "inbound: []");
    let gained = difference(&none, &new);
    assert_eq!(
        gained.flows.iter().map(said).collect::<Vec<_>>(),
        ["Gained internet (203.0.113.8/29) -> bastion-1 tcp/22 no_reply -> open"]
    );
}

/// Without its route the public subnet loses the internet, and so does who sends by the NAT gateway in it.
#[test]
fn a_route_that_goes_takes_the_internet_with_it() {
    let old = file("three-tier");
    let new = replace(&old, "    routes: [{to: 0.0.0.0/0, via: igw}]\n", "");
    let found = difference(&old, &new);
    let flows: Vec<String> = found.flows.iter().map(said).collect();
    for flow in [
        "Lost bastion-1,web-1,web-2 -> internet tcp/all leaves -> no_reply",
        "Lost bastion-1,web-1,web-2 -> internet icmp leaves -> no_reply",
        "Lost internet -> bastion-1 tcp/22 open -> no_reply",
    ] {
        assert!(flows.contains(&flow.to_owned()), "{flow} in {flows:#?}");
    }
    for flow in &found.flows {
        assert_eq!(flow.cause.old.as_ref().unwrap().text, "rtb public route 0.0.0.0/0 -> igw", "{}", said(flow));
    }
}

/// ENI-3: groups hold for all addresses of an interface; what is told apart by address is told of each address.
#[test]
fn further_addresses_are_compared() {
    let text = |allowed: &str, addresses: &str| {
        format!(
            "
vpcs: {{v: {{cidr: 10.0.0.0/16, ipv6_cidrs: [2600:1f18:1::/56]}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, ipv6_cidr: 2600:1f18:1:1::/64}}, t: {{vpc: v, az: a, cidr: 10.0.2.0/24, ipv6_cidr: 2600:1f18:1:2::/64}}}}
security_groups: {{a: {{vpc: v, outbound: [{allowed}]}}, b: {{vpc: v, inbound: [{{protocol: tcp, ports: 443, from: a}}], outbound: []}}}}
instances:
  client: {{subnet: s, address: 10.0.1.10, ipv6_addresses: [2600:1f18:1:1::10], security_groups: [a], listen: []}}
  server: {{subnet: t, address: 10.0.2.10, {addresses}, security_groups: [b], listen: [443]}}
"
        )
    };
    let more =
        "secondary_addresses: [10.0.2.11, 10.0.2.12], ipv6_addresses: ['2600:1f18:1:2::10', '2600:1f18:1:2::11']";
    let to = |list: &[&str]| {
        list.iter().map(|block| format!("{{protocol: tcp, ports: 443, to: '{block}'}}")).collect::<Vec<_>>().join(", ")
    };
    let all = text(&to(&["10.0.2.0/24", "2600:1f18:1:2::/64"]), more);
    let some = text(&to(&["10.0.2.10/32", "10.0.2.12/32", "2600:1f18:1:2::10/128"]), more);
    let lost: Vec<String> = difference(&all, &some).flows.iter().map(said).collect();
    assert_eq!(
        lost,
        [
            "Lost client -> server (10.0.2.11) tcp/443 open -> no_reply",
            "Lost client -> server (2600:1f18:1:2::11) tcp/443 open -> no_reply"
        ]
    );
    // An address that is gone; the first ones stay.
    let less = text(&to(&["10.0.2.0/24", "2600:1f18:1:2::/64"]), "ipv6_addresses: ['2600:1f18:1:2::10']");
    let gone: Vec<String> = difference(&all, &less).flows.iter().map(said).collect();
    let tcp: Vec<&String> = gone.iter().filter(|flow| flow.contains("tcp/443")).collect();
    assert_eq!(
        tcp,
        [
            "Lost client -> server (10.0.2.11),server (10.0.2.12) tcp/443 open -> absent",
            "Lost client -> server (2600:1f18:1:2::11) tcp/443 open -> absent"
        ]
    );
    assert!(gone.iter().all(|flow| flow.contains("server (")), "{gone:#?}");
}

/// Resources that differ have a place: in the new file, or in the old one if they are gone.
#[test]
fn resources_have_a_place() {
    let old = file("three-tier");
    let line = |text: &str, with: &str| text.lines().position(|line| line.starts_with(with)).unwrap() as u32 + 1;
    let web = old.lines().find(|line| line.starts_with("  web-2:")).unwrap();
    let without = replace(&old, &format!("{web}\n"), "");
    let (gone, come) = (difference(&old, &without), difference(&without, &old));
    for (found, change) in [(&gone, ResourceChange::Removed), (&come, ResourceChange::Added)] {
        let resource = found.resources.iter().find(|r| r.name == "web-2").unwrap();
        assert_eq!((resource.change, resource.span.line), (change, line(&old, "  web-2:")));
    }
    let other = replace(&old, "  web-2:", "\n  web-2:").replace("  web-2: {", "  web-2: {source_dest_check: false, ");
    let changed = difference(&old, &other);
    let resource = changed.resources.iter().find(|r| r.name == "web-2").unwrap();
    assert_eq!((resource.change, resource.span.line), (ResourceChange::Changed, line(&old, "  web-2:") + 1));
}

/// GST-2: Linux's ephemeral ports are 32768 to 60999.
#[test]
fn a_part_of_the_ephemeral_ports_is_named() {
    let old = replace(&file("three-tier"), "ports: 1024-65535, to: 10.0.0.0/24", "ports: 1024-65535, to: 10.0.0.0/16");
    let new = replace(&old, "ports: 1024-65535, to: 10.0.0.0/16", "ports: 50000-65535, to: 10.0.0.0/16");
    let found = difference(&old, &new);
    let flow = found.flows.iter().find(|f| f.to == ["db-1"] && f.from == ["web-1", "web-2"]).unwrap();
    assert_eq!(
        (said(flow).as_str(), &*flow.source_ports),
        ("Lost web-1,web-2 -> db-1 tcp/5432 open -> no_reply", &[32768][..])
    );
}

/// Every topology that comes of taking away one rule, one row or one route.
fn less_one(spec: &Spec) -> Vec<(String, Spec)> {
    let mut out = Vec::new();
    macro_rules! each {
        ($section:ident, $list:ident $(, $some:tt)?) => {
            for name in spec.$section.keys() {
                let count = each!(@len spec.$section[name].$list $(, $some)?);
                for n in 0..count {
                    let mut less = spec.clone();
                    let resource = less.$section.get_mut(name).unwrap();
                    each!(@remove resource.$list, n $(, $some)?);
                    out.push((format!("{} {name} {} {n}", stringify!($section), stringify!($list)), less));
                }
            }
        };
        (@len $list:expr) => { $list.len() };
        (@len $list:expr, some) => { $list.as_ref().map_or(0, Vec::len) };
        (@remove $list:expr, $n:expr) => { $list.remove($n) };
        (@remove $list:expr, $n:expr, some) => { $list.as_mut().unwrap().remove($n) };
    }
    each!(security_groups, inbound, some);
    each!(security_groups, outbound, some);
    each!(network_acls, inbound, some);
    each!(network_acls, outbound, some);
    each!(route_tables, routes);
    each!(transit_gateway_route_tables, routes);
    each!(transit_gateway_route_tables, propagations);
    out
}

/// What an asker sees.
fn outcome(network: &Network, from: &str, to: &str, protocol: Protocol, port: u16) -> Option<&'static str> {
    let end = |name: &str| -> Option<(Origin, IpAddr)> {
        if name == "internet" {
            let address = "192.0.2.1".parse().unwrap();
            return Some((Origin::Internet { address }, address));
        }
        let (eni, _) = network.names.enis.iter_enumerated().find(|(_, label)| label.id == name)?;
        let address = network.fabric.enis[eni].v4?.into();
        Some((Origin::Eni { eni, address }, address))
    };
    let (origin, _) = end(from)?;
    let (_, mut to_address) = end(to)?;
    if from == "internet" {
        let (eni, _) = network.names.enis.iter_enumerated().find(|(_, label)| label.id == to)?;
        let e = &network.fabric.enis[eni];
        to_address = (*network.fabric.vpcs[e.vpc].public.get(&e.v4?)?).into();
    }
    let e = ask(network, &Question { from: origin, to: to_address, protocol, src_port: None, dst_port: port });
    let word = if e.depends_on_choice() { "depends" } else { e.outcome.word() };
    Some(if to == "internet" && e.outcome.passes() && word != "depends" { "leaves" } else { word })
}

#[test]
fn one_row_less_differs_in_exactly_what_it_decides() {
    let ports = [0, 22, 53, 80, 443, 1023, 1024, 3306, 5432, 8080, 8443, 32768, 65535];
    let (mut variants, mut checked, mut differing) = (0, 0, 0);
    for name in [
        "three-tier",
        "bastion",
        "hub-and-spoke",
        "peering-triangle",
        "security-group-references",
        "inspection-hub",
        "dual-stack",
        "nat-instance",
        "privatelink",
        "shared-services",
    ] {
        let old = read(&file(name));
        let before = network(&old);
        let mut ends: Vec<String> = before
            .names
            .enis
            .iter_enumerated()
            .filter(|(eni, _)| before.fabric.enis[*eni].guest().is_some())
            .map(|(_, label)| label.id.clone())
            .collect();
        ends.push("internet".to_owned());
        for (what, new) in less_one(&old) {
            let (Some(after), _) = compile::compile(&new) else { continue };
            variants += 1;
            let found = diff((&old, &before), (&new, &after));
            let text = |id: &str| match before.names.enis.iter_enumerated().find(|(_, label)| label.id == id) {
                Some((eni, _)) => before.names.eni_text(&before.fabric, eni),
                None => id.to_owned(),
            };
            for (from, to) in ends.iter().flat_map(|a| ends.iter().map(move |b| (a, b))).filter(|(a, b)| a != b) {
                let asked = [Protocol::TCP, Protocol::UDP].into_iter().flat_map(|p| ports.map(|port| (p, port)));
                for (protocol, port) in asked.chain([(Protocol::ICMP, 0)]) {
                    let was = outcome(&before, from, to, protocol, port);
                    let is = outcome(&after, from, to, protocol, port);
                    let of = |names: &[String], id: &str| {
                        // The stretch with 192.0.2.1 stands for the internet here.
                        let wanted = text(id);
                        names.iter().any(|name| *name == wanted || id == "internet" && holds(name))
                    };
                    let hit = found.flows.iter().find(|f| {
                        f.protocol == protocol
                            && !f.v6
                            && f.ports.is_none_or(|ports| ports.contains(port))
                            && of(&f.from, from)
                            && of(&f.to, to)
                    });
                    checked += 1;
                    differing += usize::from(was != is);
                    let case = || format!("{name} without {what}: {from} -> {to} {protocol}/{port} {was:?} -> {is:?}");
                    match hit {
                        // For some source ports only: those in the middle may be others.
                        Some(flow) if !flow.source_ports.is_empty() => {}
                        Some(flow) => assert_eq!((Some(flow.old), Some(flow.new)), (was, is), "{}", case()),
                        None => assert_eq!(was, is, "{}", case()),
                    }
                }
            }
        }
    }
    assert!(variants > 60 && differing > 1000, "{variants} variants, {differing} of {checked} differ");
}

/// Whether a part of the internet holds 192.0.2.1. It is named by its ranges and blocks, or by what it lacks.
fn holds(name: &str) -> bool {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let Some(ranges) = name.strip_prefix("internet (").and_then(|rest| rest.strip_suffix(')')) else { return false };
    if let Some(family) = ranges.strip_prefix("all of ") {
        return family == "IPv4";
    }
    let (lacks, ranges) = ranges.strip_prefix("all but ").map_or((false, ranges), |rest| (true, rest));
    assert!(!ranges.contains(" more ranges"), "{name} does not say it all");
    let within = |range: &str| match range.split_once('-') {
        Some((first, last)) => {
            let (first, last): (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
            first.is_ipv4() && first <= address && address <= last
        }
        None => range.parse::<Cidr>().or_else(|_| format!("{range}/32").parse()).is_ok_and(|b| b.contains(address)),
    };
    // Of IPv6 it lacks nothing that could be it.
    ranges.contains('.') && ranges.split(", ").any(within) != lacks
}

/// The order of files and the names of what did not change do not show.
#[test]
fn flows_are_told_once_and_in_order() {
    let old = file("three-tier");
    let new = replace(&old, "      - {protocol: tcp, ports: 443, from: 10.0.0.0/16}\n", "");
    let found = difference(&old, &new);
    let flows: Vec<String> = found.flows.iter().map(said).collect();
    assert_eq!(flows.iter().collect::<BTreeSet<_>>().len(), flows.len());
    assert_eq!(flows, ["Lost bastion-1,web-1,web-2 -> web-1,web-2 tcp/443 open -> no_reply"]);
}
