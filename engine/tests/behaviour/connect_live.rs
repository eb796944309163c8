//! BGP of Connect peers in time: who notices that an appliance is dead, when, and what that does to packets.

use super::harness::{ask, diagnostics, net};
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::{Fact, Observer, Told};
use vpcsim_engine::fabric::{TgwAttachKind, TgwTarget};
use vpcsim_engine::scenario::run::{Options, Report, run};
use vpcsim_engine::sim::{Sim, Start};
use vpcsim_engine::wire::{bgp, gre};

const CONNECT: &str = include_str!("../../../topologies/connect.yaml");

fn play(topology: &str, steps: &str) -> Report {
    let text = format!("topology: x.yaml\nsteps:\n{steps}");
    let (scenario, diagnostics) = vpcsim_engine::scenario::read(FileIx(0), text.as_bytes());
    let scenario = scenario.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    let (spec, diagnostics) = vpcsim_engine::spec::read(FileIx(0), topology.as_bytes());
    let spec = spec.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    run(&scenario, &spec, Options::default()).unwrap_or_else(|d| panic!("{d:#?}"))
}

fn said(report: &Report, text: &str) -> Vec<f64> {
    let lines = report.lines.iter().filter(|line| line.text.contains(text));
    lines.map(|line| line.at.0 as f64 / 1e9).collect()
}

/// How many tunnels the route to the branch has.
fn legs(network: &Network) -> usize {
    let to = "10.9.64.10".parse().unwrap();
    let rtb = network.fabric.tgw_rtbs.iter().find_map(|t| Some(&t.routes[t.lookup(to)?].target));
    match rtb {
        Some(TgwTarget::Tunnels(legs)) => legs.len(),
        _ => 0,
    }
}

const FAILS: &str = "  - at: 40s\n    fail: {instance: edge-2}\n  - at: 90s\n    restore: {instance: edge-2}\n  - at: 110s\n    wait: {for: 1s}\n";

/// BGP-50, BGP-43, TGW-24: the appliance says nothing of its end; after the hold time all flows go by the other one. It comes
/// back by itself, and has its share again.
#[test]
fn an_appliance_fails_and_comes_back() {
    let report = play(CONNECT, FAILS);
    let text = report.transcript();
    let down: Vec<f64> = (1..=2)
        .flat_map(|n| {
            said(&report, &format!("connect-sdwan/2 session {n}, AWS's end: BGP is down: nothing was heard for 30 s"))
        })
        .collect();
    assert_eq!(down.len(), 2, "{text}");
    assert!(down.iter().all(|at| (60.0..=70.0).contains(at)), "{text}");
    let both = "connect-sdwan/1, connect-sdwan/2 (propagated)";
    let moved = said(&report, &format!("route tgw-rtb-work 10.9.64.0/18: {both} -> connect-sdwan/1 (propagated)"));
    let last = down[0].max(down[1]);
    assert!((moved[0] - last - 0.05).abs() < 1e-6, "{moved:?} {down:?}\n{text}");
    let back = said(&report, &format!("route tgw-rtb-work 10.9.64.0/18: connect-sdwan/1 (propagated) -> {both}"));
    assert!(back.len() == 1 && back[0] > 90.0 && back[0] < 101.0, "{text}");
}

/// BGP-50, BGP-6, BGP-20: two sessions of each peer, and one path.
#[test]
fn two_sessions_are_one_path() {
    let network = net(CONNECT);
    let control = network.control.as_ref().expect("somebody speaks");
    assert_eq!(control.bgp.len(), 4);
    assert!(control.bgp.iter().all(|bgp| !bgp.bfd && bgp.hold.map(|hold| hold.0) == [30_000_000_000; 2]));
    assert_eq!(legs(&network), 2);
    assert_eq!(ask(&network, "work-1 -> till-1 tcp/443").alternatives.len(), 2);
    let branch = "10.9.64.0/18".parse().unwrap();
    let learnt: Vec<_> =
        control.ribs.iter().filter_map(|rib| rib.get(branch)).filter(|r| r.routes.len() == 4).collect();
    assert!(learnt.len() == 1 && learnt[0].share == 2, "{learnt:?}");
    let one = CONNECT.replace("10.9.1.11, inside_cidrs", "10.9.1.12, inside_cidrs");
    assert_ne!(one, CONNECT);
    assert_eq!(net(&one).control.as_ref().expect("one speaks").bgp.len(), 2);
}

/// BGP-21: inside the transit gateway's own system only what others originate is taken.
#[test]
fn a_peer_of_the_own_system() {
    let inside = CONNECT.replace("peer_asn: 65010, ", "");
    let (spec, _) = vpcsim_engine::spec::read(FileIx(0), inside.as_bytes());
    let (network, _) = compile(&spec.unwrap());
    assert_eq!((legs(&net(CONNECT)), legs(&network.unwrap())), (2, 0));
    let found: Vec<_> = diagnostics(&inside).iter().map(|d| (d.code, d.span.line)).collect();
    assert_eq!(found, [("connect-ibgp", 19); 2], "where the attachment is written");
}

/// A peer of which too little is described is not spoken with: its written routes stand, whatever becomes of the appliance.
#[test]
fn what_is_not_described_is_not_spoken() {
    let silent =
        CONNECT.replace("inside_cidrs: [169.254.100.0/29], ", "").replace("inside_cidrs: [169.254.101.0/29], ", "");
    assert!(net(&silent).control.is_none());
    assert_eq!(legs(&net(&silent)), 2);
    let report = play(&silent, FAILS);
    assert_eq!(legs(report.networks.last().unwrap()), 2);
    assert!(!report.transcript().contains("BGP"), "{}", report.transcript());
    // One of two: they still share.
    let mixed = CONNECT.replace("inside_cidrs: [169.254.101.0/29], ", "");
    let network = net(&mixed);
    assert_eq!((network.control.as_ref().unwrap().bgp.len(), legs(&network)), (2, 2));
}

/// TGW-23: what the ends say is a packet of the appliance's own, and its groups apply. The route stands until the hold time.
#[test]
fn the_group_of_the_appliance_applies() {
    let deaf = CONNECT
        .replace("sg-edge: {vpc: sdwan, ", "sg-edge: {vpc: sdwan, outbound: [{protocol: all, to: 10.9.64.0/18}], ");
    assert_ne!(deaf, CONNECT);
    let report = play(&deaf, "  - at: 60s\n    wait: {for: 1s}\n");
    let moved =
        said(&report, "route tgw-rtb-work 10.9.64.0/18: connect-sdwan/1, connect-sdwan/2 (propagated) -> no route");
    assert!(moved.len() == 1 && (30.0..30.1).contains(&moved[0]), "{}", report.transcript());
    // What `why` says of the topology is what is written.
    assert_eq!(legs(&net(&deaf)), 2);
}

/// TGW-2: an attachment that is not available ends its sessions at once; they come back with it.
#[test]
fn the_attachment_is_not_available() {
    let steps = "  - at: 40s\n    fail: {transit_gateway_attachment: connect-sdwan}\n  - at: 60s\n    restore: {transit_gateway_attachment: connect-sdwan}\n  - at: 80s\n    wait: {for: 1s}\n";
    let report = play(CONNECT, steps);
    let both = "connect-sdwan/1, connect-sdwan/2 (propagated)";
    let gone = said(&report, &format!("route tgw-rtb-work 10.9.64.0/18: {both} -> no route"));
    assert!(gone.len() == 1 && (40.0..40.1).contains(&gone[0]), "{}", report.transcript());
    assert_eq!(said(&report, "AWS's end: BGP is established").len(), 4, "{}", report.transcript());
    assert_eq!(legs(report.networks.last().unwrap()), 2);
}

/// TGW-23, TGW-12: what carries the tunnels is gone: nobody is told, and the hold time ends it.
#[test]
fn the_transport_is_not_available() {
    let steps = "  - at: 40s\n    fail: {transit_gateway_attachment: attach-sdwan}\n  - at: 80s\n    wait: {for: 1s}\n";
    let report = play(CONNECT, steps);
    let down = said(&report, "AWS's end: BGP is down: nothing was heard for 30 s");
    assert!(down.len() == 4 && down.iter().all(|at| (60.0..=70.0).contains(at)), "{}", report.transcript());
    assert_eq!(legs(report.networks.last().unwrap()), 0);
}

/// BGP-52: the appliance opens its sessions, so its group needs no rule for GRE as long as it may send.
#[test]
fn the_appliance_opens_the_tunnel() {
    let closed = CONNECT.replace("{protocol: 47, from: 10.99.0.0/24}, ", "");
    assert_ne!(closed, CONNECT);
    let steps = "  - at: 700s\n    connect: {from: work-1, to: till-1, port: 443}\n    expect: {outcome: connected}\n";
    let report = play(&closed, steps);
    assert_eq!(report.failures(), 0, "{}", report.transcript());
    assert!(!report.transcript().contains("BGP is down"), "{}", report.transcript());
}

/// TGW-25: an appliance that has been told nothing sends nothing into its tunnel.
#[test]
fn an_appliance_that_knows_nothing() {
    let heard = |network: &Network| -> Vec<bool> {
        let connects = network.fabric.tgw_attaches.iter().filter_map(|a| match &a.kind {
            TgwAttachKind::Connect { tunnels, .. } => Some(tunnels.clone()),
            _ => None,
        });
        connects.flatten().map(|tunnel| tunnel.bgp.expect("it is spoken").heard).collect()
    };
    assert_eq!(heard(&net(CONNECT)), [true, true]);
    let report = play(CONNECT, "  - at: 40s\n    fail: {instance: edge-2}\n  - at: 42s\n    wait: {for: 1s}\n");
    assert_eq!(heard(report.networks.last().unwrap()), [true, false], "{}", report.transcript());
}

#[derive(Default)]
struct Heard {
    ttls: Vec<u8>,
    up: usize,
}

impl Observer for Heard {
    const WATCHES: bool = true;
    fn on(&mut self, _: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Crossed { packet, .. } if packet.headers.protocol == Protocol::GRE => {
                let inner = gre::unwrap(packet).expect("GRE");
                let (from, to) = inner.headers.ports();
                assert!(from == bgp::PORT || to == bgp::PORT);
                self.ttls.push(inner.headers.ttl);
            }
            Fact::Spoke { told: Told::SessionUp, .. } => self.up += 1,
            _ => {}
        }
    }
}

/// BGP-51: two hops, in GRE as everything else in the tunnel.
#[test]
fn what_the_ends_say_is_wrapped() {
    let (spec, _) = vpcsim_engine::spec::read(FileIx(0), CONNECT.as_bytes());
    let (network, _) = compile(&spec.unwrap());
    let mut sim = Sim::starting(network.expect("a network"), 0, Heard::default(), Start::Cold);
    sim.run_until(Instant(15_000_000_000));
    assert_eq!(sim.observer.up, 8, "both ends of four sessions");
    assert!(!sim.observer.ttls.is_empty() && sim.observer.ttls.iter().all(|ttl| *ttl == 2));
    assert_eq!(legs(sim.network()), 2, "a cold start comes to rest where the fixpoint says");
}
