//! `reach` answers for classes what asking every pair by itself answers; and what assertions say.

#![allow(clippy::disallowed_methods, reason = "a test may be asked to try more")]

#[allow(unused_imports, reason = "another test uses them")]
mod reference;

use reference::questions::compiled;
use reference::topology::{Dice, random, random_wide};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use vpcsim_engine::analyse::reach::{
    Ends, Flow, Group, GroupBy, Parties, Party, Reach, Service, Side, blocks, check, groups, matrix, read_assertions,
    select, service,
};
use vpcsim_engine::base::ids::EniIx;
use vpcsim_engine::base::{PortRange, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{End, Origin, Outcome, Question, ask, ask_on};
use vpcsim_engine::spec::write::to_yaml;
use vpcsim_engine::spec::{self, Instance, Name, Spec};

/// Random networks of each kind.
const NETWORKS: u64 = 60;
/// Ports of each network that are asked about.
const PORTS: usize = 3;

fn of_text(text: &str) -> (Spec, Network) {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    let spec = spec.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let (network, more) = compile(&spec);
    (spec, network.unwrap_or_else(|| panic!("{more:#?}")))
}

/// Every address that packets to an interface may carry: private ones, then public ones.
fn addresses(network: &Network, eni: EniIx) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let vpc = &network.fabric.vpcs[network.fabric.enis[eni].vpc];
    let mut private: Vec<IpAddr> = vpc.addresses.iter().filter(|(_, at)| **at == eni).map(|(a, _)| *a).collect();
    private.sort();
    let public = private.iter().filter_map(|a| match a {
        IpAddr::V4(a) => vpc.public.get(a).map(|public| IpAddr::V4(*public)),
        IpAddr::V6(_) => None,
    });
    let public = public.collect();
    (private, public)
}

/// Handshakes after which nothing passes.
static STALLED: AtomicU64 = AtomicU64::new(0);

/// One question by itself, as `why` asks it.
fn one(network: &Network, q: &Question, receiver: EniIx) -> Reach {
    let handshake = ask(network, q);
    let on = ask_on(network, q, &handshake);
    STALLED.fetch_add(u64::from(on.is_some()), Ordering::Relaxed);
    let e = on.unwrap_or(handshake);
    let fabric = &network.fabric;
    let guest = fabric.enis[receiver].guest();
    let took = match e.request.end {
        End::Delivered(at) => guest.is_none() || fabric.enis[at].guest() == guest,
        _ => true,
    };
    match e.outcome {
        _ if e.depends_on_choice() => Reach::Depends,
        Outcome::NoReply => Reach::No,
        Outcome::Unknown => Reach::Unknown,
        _ if !took => Reach::No,
        _ => Reach::Yes,
    }
}

/// Every address with every address, from all these source ports: the best address counts.
fn pairwise(network: &Network, (a, b): (EniIx, EniIx), protocol: Protocol, port: u16, sources: &[u16]) -> Reach {
    let (from, _) = addresses(network, a);
    let (private, public) = addresses(network, b);
    let mut best = Reach::No;
    for src in &from {
        for to in private.iter().chain(&public).filter(|to| to.is_ipv4() == src.is_ipv4()) {
            let protocol = if protocol.is_icmp() && to.is_ipv6() { Protocol::ICMPV6 } else { protocol };
            let ask = |src_port: &u16| {
                let from = Origin::Eni { eni: a, address: *src };
                one(network, &Question { from, to: *to, protocol, src_port: Some(*src_port), dst_port: port }, b)
            };
            let all: Vec<Reach> = sources.iter().map(ask).collect();
            let reach = if all.iter().all(|r| *r == all[0]) { all[0] } else { Reach::Depends };
            best = best.max(reach);
        }
    }
    best
}

/// Source ports of a sender: the borders that any ACL has among its ephemeral ports, and the ports beside them.
fn sources(network: &Network, eni: EniIx) -> Vec<u16> {
    let fabric = &network.fabric;
    let guest = fabric.enis[eni].guest().expect("a sender has a guest");
    let range = fabric.guests[guest].ephemeral;
    let tables = fabric.acls.iter().flat_map(|acl| [&acl.inbound, &acl.outbound]);
    let rows = tables.flat_map(|t| t.v4.iter().map(|r| (r.low, r.high)).chain(t.v6.iter().map(|r| (r.low, r.high))));
    let mut out: Vec<u16> = rows.flat_map(|(low, high)| [low, high, high.saturating_add(1)]).collect();
    out.extend([range.from, range.to, range.from + (range.to - range.from) / 2]);
    out.retain(|port| range.contains(*port));
    out.sort_unstable();
    out.dedup();
    out
}

/// Every instance that is written in one piece twice more, at the next free addresses: so there are interfaces that are alike.
fn tripled(mut spec: Spec) -> Spec {
    let plain =
        |i: &Instance| i.primary.as_ref().is_some_and(|eni| eni.ipv6_addresses.is_empty() && i.forwarding.is_none());
    let plain: Vec<(Name, Instance)> =
        spec.instances.iter().filter(|(_, i)| plain(i)).map(|(name, i)| (name.clone(), i.clone())).collect();
    for (name, mut instance) in plain {
        if let Some(eni) = &mut instance.primary {
            (eni.address, eni.public_ip) = (None, None);
            eni.secondary_addresses.clear();
            eni.prefixes.clear();
        }
        for n in 2..4 {
            spec.instances.insert(format!("{}-{n}", name.value).as_str().into(), instance.clone());
        }
    }
    spec
}

#[test]
fn classes_answer_as_every_pair_by_itself_does() {
    let networks = std::env::var("VPCSIM_NETWORKS").ok().and_then(|n| n.parse().ok()).unwrap_or(NETWORKS);
    let (mut pairs, mut classes, mut enis, mut by) = (0_u64, 0, 0, [0_u64; 4]);
    for seed in 1..=networks {
        for wide in [false, true] {
            let spec = tripled(if wide { random_wide(seed) } else { random(seed) });
            let network = compiled(&spec);
            let dice = &mut Dice::new(seed.wrapping_mul(977));
            let parties = Parties::of(&network, &[]);
            let all = select(&spec, &network, "all").expect("there are interfaces").ends;
            let all =
                groups(&spec, &parties, &Ends { hosts: Default::default(), ..all }, &GroupBy::End, Side::Receives);
            let eni = |group: usize| all[group].parts[0].1[0];
            classes += groups(
                &spec,
                &parties,
                &select(&spec, &network, "all").expect("it is there").ends,
                &GroupBy::Class,
                Side::Sends,
            )
            .iter()
            .filter(|g| !g.parts[0].1.is_empty())
            .count();
            enis += all.len();
            for _ in 0..PORTS {
                let port = [22, 80, 443, 5432, 1024, 40_000][dice.below(6)];
                let protocol = [Protocol::TCP, Protocol::UDP, Protocol::ICMP][dice.below(3)];
                // All ports, in stretches, must say of each what it says of that one.
                let port = if dice.chance(50) { port } else { dice.below(65_536) as u16 };
                let range = if dice.chance(50) { PortRange::ALL } else { PortRange::one(port) };
                let ports = protocol.has_ports().then_some(range);
                let cells = matrix(&parties, (&all, &all), &[Service { protocol, ports }], &|| ());
                for cell in cells {
                    let (a, b) = (eni(cell.from), eni(cell.to));
                    // Every pair of a small network, some of a large one.
                    if all.len() > 12 && dice.below(all.len() / 6) > 0 {
                        continue;
                    }
                    let from_ports = if protocol.has_ports() { sources(&network, a) } else { vec![40_000] };
                    let want = pairwise(&network, (a, b), protocol, port, &from_ports);
                    let holds = |f: &&Flow| f.service.ports.is_none_or(|ports| ports.contains(port));
                    let flow = cell.flows.iter().find(holds).expect("every port is in one");
                    let got = Reach::EVERY.into_iter().find(|r| flow.pairs_that(*r) == 1).expect("one pair");
                    if got != want {
                        println!("{}", to_yaml(&spec));
                        let names = [cell.from, cell.to].map(|n| all[n].name.clone());
                        panic!("seed {seed} wide {wide}: {names:?} {protocol}/{port}: {got:?}, pair by pair {want:?}");
                    }
                    pairs += 1;
                    by[want as usize] += 1;
                }
            }
        }
    }
    let stalled = STALLED.load(Ordering::Relaxed);
    assert!(stalled > 0, "no handshake is all that passes");
    println!("{pairs} pairs, by outcome {by:?}, {stalled} handshakes only; {enis} interfaces in {classes} classes");
    assert!(classes * 10 < enis * 8, "too few are alike: {enis} interfaces in {classes} classes");
    assert!(pairs > networks * 20 && by[0] > 0 && by[3] > networks, "too few pairs: {pairs} {by:?}");
}

/// An address of a stretch, at random, that is nobody's here.
fn stranger(network: &Network, (first, last): (IpAddr, IpAddr), dice: &mut Dice) -> Option<IpAddr> {
    let share = dice.below(1_000_000) as u128;
    let between = |a: u128, b: u128| a + (b - a) / 1_000_000 * share + (b - a) % 1_000_000 * share / 1_000_000;
    let address = match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            IpAddr::V4(u32::try_from(between(u32::from(a).into(), u32::from(b).into())).unwrap().into())
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => IpAddr::V6(between(a.into(), b.into()).into()),
        _ => unreachable!("a stretch has one family"),
    };
    let fabric = &network.fabric;
    (!fabric.is_ours(address) && fabric.internet_host(address).is_none()).then_some(address)
}

#[test]
fn parts_of_the_internet_answer_as_each_of_their_addresses_does() {
    let (mut asked, mut passed) = (0, 0);
    for seed in 1..=NETWORKS {
        let spec = if seed % 2 == 0 { random_wide(seed) } else { random(seed) };
        let network = compiled(&spec);
        let dice = &mut Dice::new(seed.wrapping_mul(331));
        let parties = Parties::of(&network, &[]);
        let enis = Ends { hosts: Default::default(), ..select(&spec, &network, "all").expect("it is there").ends };
        let receivers = groups(&spec, &parties, &enis, &GroupBy::End, Side::Receives);
        for (n, party) in parties.list.iter().enumerate() {
            let Party::Internet { part, .. } = party else { continue };
            let stretches = &part.stretches;
            let Some(address) = stranger(&network, stretches[dice.below(stretches.len())], dice) else { continue };
            let sender = Group { name: String::new(), parts: vec![(n, Vec::new())] };
            let port = [22, 80, 443][dice.below(3)];
            let tcp = Service { protocol: Protocol::TCP, ports: Some(PortRange::one(port)) };
            for cell in matrix(&parties, (&[sender], &receivers), &[tcp], &|| ()) {
                let eni = receivers[cell.to].parts[0].1[0];
                let (private, public) = addresses(&network, eni);
                let targets = private.iter().filter(|a| a.is_ipv6()).chain(&public);
                let targets = targets.filter(|a| a.is_ipv4() == address.is_ipv4());
                let from = Origin::Internet { address };
                let each = |to: &IpAddr| {
                    let ask = |src_port| {
                        let src_port = Some(src_port);
                        one(
                            &network,
                            &Question { from, to: *to, protocol: Protocol::TCP, src_port, dst_port: port },
                            eni,
                        )
                    };
                    let all: Vec<Reach> = strangers_ports(&network).into_iter().map(ask).collect();
                    if all.iter().all(|r| *r == all[0]) { all[0] } else { Reach::Depends }
                };
                let want = targets.map(each).max().unwrap_or(Reach::No);
                let got = Reach::EVERY.into_iter().find(|r| cell.flows[0].pairs_that(*r) == 1).expect("one pair");
                assert_eq!(got, want, "seed {seed}: {address} -> {} tcp/{port}", receivers[cell.to].name);
                asked += 1;
                passed += u32::from(want == Reach::Yes);
            }
        }
    }
    println!("{asked} pairs, {passed} pass");
    assert!(asked > 1000 && passed > 50, "{asked} {passed}");
}

/// The ports that a host that is not described may send from, where an ACL divides them.
fn strangers_ports(network: &Network) -> Vec<u16> {
    let tables = network.fabric.acls.iter().flat_map(|acl| [&acl.inbound, &acl.outbound]);
    let rows = tables.flat_map(|t| t.v4.iter().map(|r| (r.low, r.high)).chain(t.v6.iter().map(|r| (r.low, r.high))));
    let mut out: Vec<u16> = rows.flat_map(|(low, high)| [low, high, high.saturating_add(1)]).collect();
    out.extend([32_768, 40_000, 65_535]);
    out.retain(|port| *port >= 32_768);
    out.sort_unstable();
    out.dedup();
    out
}

const THREE: &str = "
vpcs: {v: {cidr: 10.0.0.0/16, tags: {env: prod}}, w: {cidr: 10.1.0.0/16, tags: {env: dev}}}
internet_gateways: {igw: {vpc: v}}
subnets:
  public: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: out}
  private: {vpc: v, az: a, cidr: 10.0.2.0/24}
  other: {vpc: w, az: a, cidr: 10.1.1.0/24}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
security_groups:
  web: {vpc: v, inbound: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}, {protocol: tcp, ports: 22, from: 203.0.113.0/24}]}
  db: {vpc: v, inbound: [{protocol: tcp, ports: 5432, from: web}]}
  lab: {vpc: w, inbound: []}
instances:
  web-1: {subnet: public, security_groups: [web], public_ip: 198.51.100.10, listen: [443, 22]}
  web-2: {subnet: public, security_groups: [web], public_ip: 198.51.100.11, listen: [443, 22]}
  web-3: {subnet: public, security_groups: [web], public_ip: 198.51.100.12, listen: [22]}
  db-1: {subnet: private, security_groups: [db], listen: [5432], tags: {tier: data}}
  dev-1: {subnet: other, security_groups: [lab]}
";

/// Each sentence with whether it holds.
fn checked(text: &str) -> Vec<(String, bool, usize)> {
    let (spec, network) = of_text(THREE);
    let (assertions, diagnostics) = read_assertions(&spec, &network, FileIx(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let parties = Parties::of(&network, &blocks(&assertions));
    let result = |a| {
        let checked = check(&spec, &parties, a);
        (a.text.clone(), checked.holds(), checked.violations.len())
    };
    assertions.iter().map(result).collect()
}

#[test]
fn assertions_hold_or_say_what_does_not() {
    let holding = "
        # What is meant.
        sg:web reaches db on 5432
        web-1, web-2 reach db-1 on 5432
        tag:env=dev never reaches tag:env=prod
        vpc:w never reaches v
        internet reaches web-1, web-2 on 443
        internet never reaches db
        only sg:web reaches tag:tier=data on 1-65535
        203.0.113.0/24 reaches sg:web on 22
        203.0.113.7 reaches web-1 on 22
        only 203.0.113.0/24 reaches web on 22
        db never reaches web on 22, udp/53
        db reaches web-1 on 443
        internet never reaches web on 22-100, icmp  # not from everywhere
    ";
    for (text, holds, violations) in checked(holding).iter().take(12) {
        assert!(holds, "{text}: {violations}");
    }
    // From 203.0.113.0/24 it does.
    let (text, holds, _) = &checked(holding)[12];
    assert!(!holds, "{text}");
    let broken = "
        db reaches web on 5432
        internet reaches db on 5432
        internet never reaches web on 443
        internet reaches web on 22
        only web-1 reaches db on 5432
        dev-1 reaches web on 443
        203.0.113.0/25 never reaches web on 22
    ";
    for (text, holds, violations) in checked(broken) {
        assert!(!holds && violations > 0, "{text}");
    }
}

#[test]
fn what_nobody_listens_to_is_not_reached() {
    let result = checked("internet reaches web on 443\ninternet reaches web-3 on 443\n");
    assert_eq!(result.iter().map(|(_, holds, n)| (*holds, *n)).collect::<Vec<_>>(), [(false, 1), (false, 1)]);
}

#[test]
fn bad_sentences_are_diagnostics_with_a_place() {
    let (spec, network) = of_text(THREE);
    for (text, column, message, help) in [
        ("wbe reaches db on 5432", 1, "there is no `wbe` in this network; did you mean `web`?", ""),
        ("web reches db on 5432", 1, "an assertion says who `reaches` whom", "did you mean `reaches` by `reches`?"),
        ("web never db", 5, "`never` is followed by `reaches`", ""),
        ("web reaches db", 13, "it does not say on which port", "add `on 443`"),
        ("web reaches db on http", 19, "`http` is not a port; write `443`", ""),
        ("web reaches db on 70000", 19, "`70000` is not a port", ""),
        ("web reaches db on 90-80", 19, "the first port is above the last one", ""),
        ("web, reaches db on 80", 4, "there is nothing behind this comma", ""),
        ("web db reaches db on 80", 5, "`db` was not expected here", "several are divided by commas"),
        ("reaches db on 80", 1, "it does not say who it is that reaches", ""),
        ("web reaches on 80", 5, "it does not say who is reached", ""),
        ("web reaches db on", 16, "it does not say a port", ""),
        ("only web never reaches db", 1, "`only` and `never` contradict each other", ""),
        ("tag:env reaches db on 80", 1, "`tag:env` is not a tag", ""),
        ("tag:env=prdo reaches db on 80", 1, "did you mean `tag:env=prod`?", ""),
        ("\"web reaches db on 80", 1, "a quote is opened and not closed", ""),
        ("sg:private reaches db on 80", 1, "there is no `private` in this network", ""),
    ] {
        let (assertions, diagnostics) = read_assertions(&spec, &network, FileIx(0), &format!("\n{text}\n"));
        assert!(assertions.is_empty() && diagnostics.len() == 1, "{text}: {diagnostics:?}");
        let d = &diagnostics[0];
        assert_eq!((d.span.line, d.span.column), (2, column), "{text}: {d:?}");
        assert!(d.message.contains(message), "{text}: {}", d.message);
        assert!(d.help.as_deref().unwrap_or_default().contains(help), "{text}: {d:?}");
    }
}

#[test]
fn groups_and_ports() {
    let (spec, network) = of_text(THREE);
    let parties = Parties::of(&network, &[]);
    // Web servers that listen to the same are alike.
    let all = Ends { internet: true, ..select(&spec, &network, "all").expect("it is there").ends };
    let by = |by: &GroupBy| groups(&spec, &parties, &all, by, Side::Sends);
    let names = |by_what: &GroupBy| by(by_what).into_iter().map(|g| (g.name.clone(), g.len())).collect::<Vec<_>>();
    let internet = names(&GroupBy::Vpc).pop().expect("the internet is last");
    assert_eq!(internet.0, "internet");
    let own = |list: Vec<(String, usize)>| list.into_iter().filter(|(name, _)| name != "internet").collect::<Vec<_>>();
    let named = |list: &[(&str, usize)]| list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<Vec<_>>();
    assert_eq!(own(names(&GroupBy::Sg)), named(&[("db", 1), ("lab", 1), ("web", 3)]));
    assert_eq!(own(names(&GroupBy::Vpc)), named(&[("v", 4), ("w", 1)]));
    assert_eq!(own(names(&GroupBy::Tag("env".into()))), named(&[("dev", 1), ("prod", 4)]));
    assert_eq!(own(names(&GroupBy::Tag("tier".into()))), named(&[("(no tier)", 4), ("data", 1)]));
    assert_eq!(own(names(&GroupBy::Class)), named(&[("db-1", 1), ("dev-1", 1), ("web-1, web-2", 2), ("web-3", 1)]));
    // All ports: the network lets these pass, whether or not something listens.
    let sg = by(&GroupBy::Sg);
    let cells = matrix(&parties, (&sg, &sg), &Service::ALL, &|| ());
    let at = |name: &str| sg.iter().position(|g| g.name == name).expect("it is there");
    let passing = |from: &str, to: &str| {
        let cell = cells.iter().find(|c| (c.from, c.to) == (at(from), at(to))).expect("it is there");
        let flows = cell.flows.iter().filter(|f| f.pairs_that(Reach::Yes) > 0);
        flows.map(|f| (f.service.to_string(), f.pairs_that(Reach::Yes), f.total())).collect::<Vec<_>>()
    };
    assert_eq!(passing("web", "db"), [("tcp/5432".to_owned(), 3, 3)]);
    assert_eq!(passing("db", "web"), [("tcp/443".to_owned(), 3, 3)]);
    assert_eq!(passing("db", "lab"), []);
    let from_internet = passing("internet", "web");
    assert_eq!(from_internet.len(), 2, "{from_internet:?}");
    assert_eq!(from_internet[0].0, "tcp/22");
    assert!(from_internet[0].1 == 3 && from_internet[0].2 > 3, "one stretch of the internet: {from_internet:?}");
    assert_eq!(from_internet[1].0, "tcp/443");
    assert_eq!(from_internet[1].1, from_internet[1].2);
    assert_eq!(service("udp/53").map(|s| s.to_string()), Ok("udp/53".to_owned()));
}
