//! A real account with a VPN, and its border router as the configuration beside it says: what the control plane computes is
//! what AWS showed.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::{Path, PathBuf};
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::Diagnostic;
use vpcsim_engine::explain::{Outcome, Question, ask, resolve_origin};
use vpcsim_engine::fabric::Target;
use vpcsim_engine::import::{JsonFile, aws};
use vpcsim_engine::scenario::run::Options;
use vpcsim_engine::spec::{InstanceState, Neighbor, Router, SiteHost, Spec};

const VPN: &str = "vpn-ba2e34a8";
const TABLE: &str = "rtb-296bf350";
/// What the route table of the account shows as propagated.
const SHOWN: [&str; 5] = ["0.0.0.0/0", "10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24", "10.1.4.0/24"];

/// The account, where the data is there.
fn account() -> Option<Spec> {
    let folder: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/aws/hybrid-cloud/aws_configs/us-west-2");
    if !folder.is_dir() {
        println!("skipped: the account is not here");
        return None;
    }
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        files.push((path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
    }
    files.sort();
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text }).collect();
    Some(aws(&files).spec)
}

/// The account with the border router: behind NAT, the four networks behind its firewalls, a default route to AWS, and what
/// else it originates.
fn described(mut spec: Spec, more: &[&str]) -> Spec {
    let networks: Vec<_> = SHOWN[1..].iter().map(|block| block.parse::<vpcsim_engine::base::Cidr>().unwrap()).collect();
    let originates = networks.iter().copied().chain(more.iter().map(|block| block.parse().unwrap()));
    let neighbor = Neighbor { peer: VPN.into(), default_originate: Some(true), ..Neighbor::default() };
    let router = Router {
        site: Some("London".to_owned()),
        asn: Some(65301.into()),
        public_ip: Some(std::net::Ipv4Addr::new(147, 75, 69, 27).into()),
        behind_nat: Some(true),
        originates: Some(originates.map(Into::into).collect()),
        networks: networks.into_iter().map(Into::into).collect(),
        neighbors: vec![neighbor.into()],
        ..Router::default()
    };
    spec.routers.insert("lhr-border-02".into(), router);
    let host = SiteHost {
        router: "lhr-border-02".into(),
        addresses: vec!["10.1.3.7".parse::<std::net::IpAddr>().unwrap().into()],
        listen: Vec::new(),
        answers_ping: None,
    };
    spec.site_hosts.insert("office".into(), host);
    for gateway in spec.customer_gateways.values_mut() {
        gateway.router = Some("lhr-border-02".into());
    }
    // The account's instances were stopped when it was exported.
    for instance in spec.instances.values_mut() {
        instance.state = Some(InstanceState::Running);
    }
    spec
}

fn compiled(spec: &Spec) -> (Network, Vec<Diagnostic>) {
    let (network, diagnostics) = compile(spec);
    (network.unwrap_or_else(|| panic!("{diagnostics:#?}")), diagnostics)
}

/// The blocks that the virtual private gateway has put into the table.
fn propagated(network: &Network) -> Vec<String> {
    let index = network.names.rtbs.iter_enumerated().find(|(_, label)| label.id == TABLE).expect("the table").0;
    let routes = network.fabric.rtbs[index].routes.iter();
    let mut all: Vec<String> =
        routes.filter(|r| matches!(r.target, Target::Vgw(_)) && r.active).map(|r| r.to.to_string()).collect();
    all.sort();
    all
}

/// The text of an answer's rows.
fn asked(network: &Network, from: &str, to: &str) -> (Outcome, Vec<String>) {
    let (from, to) = resolve_origin(network, from, to).expect("both are there");
    let answer = ask(network, &Question { from, to, protocol: Protocol::ICMP, src_port: None, dst_port: 0 });
    let legs = answer.request.steps.iter().chain(answer.reply.iter().flat_map(|reply| &reply.steps));
    (answer.outcome, legs.map(|s| network.names.row_text(&network.fabric, s.decision.by)).collect())
}

/// RTB-14, BGP-1: computed from what the router tells over both tunnels, without what the export shows.
#[test]
fn what_is_computed_is_what_aws_showed() {
    let Some(account) = account() else { return };
    let (network, _) = compiled(&account);
    assert_eq!(propagated(&network), SHOWN, "as exported");
    let mut spec = described(account, &[]);
    for table in spec.route_tables.values_mut() {
        table.routes.retain(|route| route.origin.is_none());
    }
    let (network, diagnostics) = compiled(&spec);
    assert_eq!(propagated(&network), SHOWN);
    assert!(!diagnostics.iter().any(|d| d.code == "observed-differs"), "{diagnostics:#?}");
}

/// The configuration also has `network 10.10.0.0`: AWS's table does not show it, and that is said.
#[test]
fn what_the_table_does_not_show_is_a_difference() {
    let Some(account) = account() else { return };
    let (_, diagnostics) = compiled(&described(account.clone(), &[]));
    assert!(!diagnostics.iter().any(|d| d.code == "observed-differs"), "{diagnostics:#?}");
    let (_, diagnostics) = compiled(&described(account, &["10.10.0.0/16"]));
    let differs: Vec<&str> =
        diagnostics.iter().filter(|d| d.code == "observed-differs").map(|d| d.message.as_str()).collect();
    assert!(matches!(&differs[..], [one] if one.starts_with("10.10.0.0/16 is announced")), "{differs:?}");
}

/// BGP-2: one tunnel is in use; without it the other one.
#[test]
fn the_other_tunnel_takes_over() {
    let Some(account) = account() else { return };
    let spec = described(account, &[]);
    let in_vpc = |spec: &Spec, subnet: &str| spec.subnets[subnet].vpc.value == "vpc-815775e7";
    let instance = spec.network_interfaces.iter().find(|(_, eni)| {
        eni.instance.is_some() && eni.subnet.as_ref().is_some_and(|subnet| in_vpc(&spec, &subnet.value))
    });
    let inline = spec.instances.iter().find(|(_, i)| {
        i.primary.as_ref().and_then(|eni| eni.subnet.as_ref()).is_some_and(|subnet| in_vpc(&spec, &subnet.value))
    });
    let from = instance.map(|(name, _)| name.value.clone()).or(inline.map(|(name, _)| name.value.clone()));
    let mut used = Vec::new();
    for down in [None, Some(0)] {
        let mut spec = spec.clone();
        if let Some(n) = down {
            spec.vpn_connections.get_mut(VPN).unwrap().tunnels[n].value.up = Some(false);
        }
        let (network, _) = compiled(&spec);
        assert_eq!(propagated(&network), SHOWN, "both tunnels tell the same");
        let (_, rows) = match &from {
            Some(from) => asked(&network, from, "office"),
            // Nobody lives in that VPC: the office asks its router's way.
            None => asked(&network, "office", "10.100.1.10"),
        };
        used.push(rows.into_iter().filter(|row| row.starts_with("vpn ")).collect::<Vec<_>>());
    }
    assert!(used[0].iter().all(|row| *row == format!("vpn {VPN}/1")) && !used[0].is_empty(), "{used:?}");
    assert!(used[1].iter().all(|row| *row == format!("vpn {VPN}/2")) && !used[1].is_empty(), "{used:?}");
}

/// VPN-15, BGP-40: the tunnel in use goes dead and nobody is told. Within the hold time or the dead-peer timeout both ends
/// have noticed, and packets take the other tunnel; the order of events is that of the timers.
#[test]
fn traffic_moves_within_the_documented_timers() {
    let Some(account) = account() else { return };
    let mut spec = described(account, &[]);
    // Nobody lives in that VPC: a subnet and a host of ours do, with the account's own table.
    let text = "vpcs: {vpc-815775e7: {cidr: 10.100.0.0/16}}\n\
        subnets: {home: {vpc: vpc-815775e7, az: us-west-2a, cidr: 10.100.1.0/24}}\ninstances: {probe: {subnet: home, address: 10.100.1.10}}\n";
    let (made, _) = vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), text.as_bytes());
    let made = made.expect("a topology");
    spec.subnets.extend(made.subnets);
    spec.instances.extend(made.instances);
    let scenario = format!(
        "topology: x.yaml\nsteps:\n  - at: 5s\n    ping: {{from: probe, to: office, count: 80, interval: 1s}}\n  \
         - at: 20s\n    fail: {{vpn_tunnel: {VPN}/1}}\n"
    );
    let (scenario, diagnostics) = vpcsim_engine::scenario::read(vpcsim_engine::diag::FileIx(0), scenario.as_bytes());
    let scenario = scenario.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    let report =
        vpcsim_engine::scenario::run::run(&scenario, &spec, Options::default()).unwrap_or_else(|d| panic!("{d:#?}"));
    let transcript = report.transcript();
    let [after] = &report.convergences[..] else { panic!("{transcript}") };
    // Hold time 30 s (the last message may be a third of it old), dead peer after 40 s at the latest.
    let noticed = after.until_noticed().expect("somebody noticed").0 / 1_000_000_000;
    let moved = after.until_moved().expect("routes moved").0 / 1_000_000_000;
    assert!((19..=30).contains(&noticed) && moved <= 40, "{transcript}");
    let replies = transcript.lines().filter(|line| line.contains("reply ")).count() as u64;
    assert!(replies >= 80 - 41 && replies + after.lost == 80, "{transcript}");
    assert!(transcript.contains(&format!("-> {VPN}/2")), "{transcript}");
}
