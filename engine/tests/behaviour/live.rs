//! Routing in time: who notices a fault, when, and what that does to packets. Times are those of the documentation.

use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::{Fact, Observer, Point, Told, Why};
use vpcsim_engine::scenario::run::{Convergence, Options, Report, run};
use vpcsim_engine::sim::{Sim, Start};
use vpcsim_engine::spec::Spec;
use vpcsim_engine::verdict::Side;
use vpcsim_engine::wire::esp::ike::{Exchange, parse_ike};

const VPN: &str = include_str!("../../../topologies/site-to-site-vpn.yaml");
const BOTH: &str = include_str!("../../../topologies/direct-connect-and-vpn.yaml");

fn spec(text: &str) -> Spec {
    let (spec, diagnostics) = vpcsim_engine::spec::read(FileIx(0), text.as_bytes());
    spec.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

fn play(topology: &str, steps: &str) -> Report {
    let text = format!("topology: x.yaml\ncaptures: all\nsteps:\n{steps}");
    let (scenario, diagnostics) = vpcsim_engine::scenario::read(FileIx(0), text.as_bytes());
    let scenario = scenario.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    run(&scenario, &spec(topology), Options::default()).unwrap_or_else(|d| panic!("{d:#?}"))
}

#[track_caller]
fn only(report: &Report) -> &Convergence {
    let [one] = &report.convergences[..] else { panic!("{}", report.transcript()) };
    one
}

/// When something is said, in seconds, and how often.
fn said(report: &Report, text: &str) -> Vec<f64> {
    let lines = report.lines.iter().filter(|line| line.text.contains(text));
    lines.map(|line| line.at.0 as f64 / 1e9).collect()
}

fn secs(t: Option<Nanos>) -> f64 {
    t.expect("it happened").0 as f64 / 1e9
}

/// BGP-40, BGP-43: a tunnel that swallows everything is noticed when the hold time is over, and packets follow 50 ms later.
#[test]
fn the_hold_time_in_a_tunnel() {
    let report = play(VPN, "  - at: 20s\n    fail: {vpn_tunnel: vpn-london/1}\n  - wait: {for: 60s}\n");
    let after = only(&report);
    // The last message may be a third of the hold time old.
    assert!((20.0..=30.0).contains(&secs(after.until_noticed())), "{}", report.transcript());
    let down = said(&report, "BGP is down: nothing was heard for 30 s");
    let moved = said(&report, "route ");
    assert_eq!(down.len(), 2, "both ends: {}", report.transcript());
    assert!(moved.iter().all(|at| down.iter().any(|d| (at - d - 0.05).abs() < 1e-6)), "{down:?} {moved:?}");
}

/// BGP-41: 90 s without BFD, less than a second with it; the lower hold time of both sides counts.
#[test]
fn the_hold_time_on_a_virtual_interface_and_bfd() {
    let fail = "  - at: 30s\n    fail: {direct_connect_connection: line}\n  - wait: {for: 120s}\n";
    let with =
        |words: &str| BOTH.replace("{peer: vif-transit, announces", &format!("{{peer: vif-transit, {words}announces"));
    for (words, least, most) in [("", 60.0, 90.0), ("hold_time: 9s, ", 6.0, 9.0), ("bfd: true, ", 0.6, 0.9)] {
        let report = play(&with(words), fail);
        let noticed = secs(only(&report).until_noticed());
        assert!((least..=most).contains(&noticed), "{words}: {noticed}\n{}", report.transcript());
    }
}

/// BGP-42: what is mended is in use again soon: an end tries every 10 s.
#[test]
fn a_session_comes_back() {
    let steps = "  - at: 10s\n    fail: {direct_connect_connection: line}\n  - at: 150s\n    restore: {direct_connect_connection: line}\n  - wait: {for: 20s}\n";
    let report = play(BOTH, steps);
    let back: Vec<f64> = said(&report, "vif-transit, AWS's end: BGP is established");
    assert_eq!(back.len(), 1, "{}", report.transcript());
    assert!(back[0] > 150.0 && back[0] < 160.5, "{back:?}");
}

/// BGP-13, BGP-44: the prefix that is one too many ends the session, the router is told, and nothing of it is left. What
/// is told less again is taken again.
#[test]
fn one_prefix_too_many() {
    let list = |n: usize| (0..n).map(|i| format!("172.16.{i}.0/24")).collect::<Vec<_>>().join(", ");
    let topology = BOTH
        .replace("networks: [172.16.0.0/16]", &format!("networks: [172.16.0.0/16]\n    originates: [{}]", list(101)))
        .replace(
            "{peer: vif-transit, announces: [172.16.0.0/16]}",
            &format!("{{peer: vif-transit, announces: [{}]}}", list(100)),
        )
        .replace("{peer: vpn-dc, announces: [172.16.0.0/16]}", "{peer: vpn-dc, announces: [172.16.0.0/24]}");
    let all = list(101);
    let steps = format!(
        "  - at: 5s\n    change: {{router: dc, set_neighbor: {{peer: vif-transit, announces: [{all}]}}}}\n  - wait: {{for: 5s}}\n  \
         - change: {{router: dc, set_neighbor: {{peer: vif-transit, announces: [{}]}}}}\n  - wait: {{for: 15s}}\n",
        list(3)
    );
    let report = play(&topology, &steps);
    let text = report.transcript();
    assert_eq!(said(&report, "AWS's end: BGP is down: too many prefixes").len(), 1, "{text}");
    assert_eq!(said(&report, "customer's end: BGP is down: the peer was told too many prefixes").len(), 1, "{text}");
    // The VPN tells 172.16.0.0/24, and has it at once.
    assert!(
        text.contains("route tgw-rtb 172.16.0.0/24: dx-dc (propagated) -> vpn-dc/1, vpn-dc/2 (propagated)"),
        "{text}"
    );
    assert!(
        text.contains("route tgw-rtb 172.16.1.0/24 and 98 more prefixes: dx-dc (propagated) -> no route"),
        "{text}"
    );
    assert!(text.contains("route tgw-rtb 172.16.2.0/24: no route -> dx-dc (propagated)"), "{text}");
    assert!(!text.contains("route tgw-rtb 172.16.3.0/24: no route -> dx-dc"), "{text}");
}

/// BGP-19, BGP-45: while AWS updates the endpoint of one tunnel, the other one has the lower MED, and a router without an opinion
/// follows; one that prefers the tunnel by local preference does not, and loses what it sends.
#[test]
fn maintenance_of_a_tunnel() {
    let steps = "  - at: 5s\n    change: {vpn_tunnel: vpn-london/1, set: {updating: true}}\n  - at: 10s\n    ping: {from: till-london, to: app-1, count: 20, interval: 1s}\n  - at: 11s\n    fail: {vpn_tunnel: vpn-london/1}\n  - at: 31s\n    wait: {for: 1s}\n";
    let plain = play(VPN, steps);
    let text = plain.transcript();
    assert!(text.contains("route london 10.0.0.0/16: vpn-london/1 -> vpn-london/2"), "{text}");
    assert!(text.contains("20 of 20 replies"), "{text}");
    let stubborn =
        VPN.replace("{site: London,", "{site: London, neighbors: [{peer: vpn-london/1, local_preference: 200}],");
    assert_ne!(stubborn, VPN);
    let text = play(&stubborn, steps).transcript();
    assert!(!text.contains("20 of 20 replies") && text.contains("vpn-london/1 outer link is down"), "{text}");
}

fn one_static(options: &str) -> String {
    let yaml = VPN.replace(
        "vpn-london: {customer_gateway: cgw-london, vpn_gateway: vgw}",
        &format!(
            "vpn-london: {{customer_gateway: cgw-london, vpn_gateway: vgw, static_routes_only: true, \
             static_routes: [172.16.1.0/24], tunnels: [{{{options}}}]}}"
        ),
    );
    assert_ne!(yaml, VPN);
    yaml
}

/// VPN-15, VPN-18: without BGP only the liveness checks tell. AWS's end gives up 30 s after the first one that failed, which
/// goes out 10 s after the last sign of life; a longer timeout takes longer, and with `none` AWS never notices.
#[test]
fn a_dead_peer() {
    let steps = "  - at: 30s\n    fail: {vpn_tunnel: vpn-london/1}\n  - wait: {for: 130s}\n";
    for (options, least, most) in [("dpd_timeout: 40s", 30.0, 40.0), ("dpd_timeout: 90s", 80.0, 90.0)] {
        let report = play(&one_static(options), steps);
        let at = said(&report, "vpn-london/1, AWS's end: the tunnel is down: the peer does not answer");
        assert_eq!(at.len(), 1, "{}", report.transcript());
        assert!((30.0 + least..=30.0 + most).contains(&at[0]), "{at:?}");
        let moved = said(&report, "route vgw 172.16.1.0/24: vpn-london/1 -> vpn-london/2");
        assert!((moved[0] - at[0] - 0.05).abs() < 1e-6, "{moved:?} {at:?}");
    }
    let report = play(&one_static("dpd_action: none"), steps);
    assert!(said(&report, "vpn-london/1, AWS's end: the tunnel is down").is_empty(), "{}", report.transcript());
    let customer = said(&report, "vpn-london/1, customer's end: the tunnel is down: the peer does not answer");
    assert!((60.0..=70.0).contains(&customer[0]), "{customer:?}");
}

/// VPN-14, VPN-16: keys of 900 s are renewed 270 s to 540 s before they end, and no packet is lost by it.
#[test]
fn new_keys_lose_nothing() {
    let options = "phase2_lifetime: 900s, phase1_lifetime: 1800s";
    let steps = "  - at: 5s\n    ping: {from: till-london, to: app-1, count: 8500, interval: 100ms}\n";
    let topology =
        one_static(options).replace("{site: London,", "{site: London, routes: [{to: 10.0.0.0/16, via: vpn-london}],");
    let report = play(&topology, steps);
    let renewed = said(&report, "vpn-london/1, customer's end: new keys");
    assert!((360.0..=631.0).contains(&renewed[0]), "{renewed:?}");
    let text = report.transcript();
    assert!(text.contains("8500 of 8500 replies"), "{renewed:?}");
    // Two tunnels, two associations each, and new ones.
    assert!(report.esp_sa.len() > 8, "{}", report.esp_sa.len());
}

#[derive(Default)]
struct Heard {
    first: Option<(Side, Exchange)>,
    told: Vec<(Instant, Told)>,
}

impl Observer for Heard {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Passed { point: Point::Outer(_), to, packet } if self.first.is_none() => {
                let message = parse_ike(packet).expect("before there are keys there is IKE only");
                self.first = Some((to.other(), message.exchange));
            }
            Fact::Spoke { told, .. } => self.told.push((now, *told)),
            _ => {}
        }
    }
}

/// VPN-17: who begins a tunnel; BGP begins when the tunnel is there.
#[test]
fn who_begins() {
    let aws = VPN.replace(
        "vpn-london: {customer_gateway: cgw-london, vpn_gateway: vgw}",
        "vpn-london: {customer_gateway: cgw-london, vpn_gateway: vgw, tunnels: [{startup_action: start}, {startup_action: start}]}",
    );
    for (topology, side) in [(VPN.to_owned(), Side::Customer), (aws, Side::Aws)] {
        let (network, _) = compile(&spec(&topology));
        let mut sim = Sim::starting(network.expect("a network"), 0, Heard::default(), Start::Cold);
        sim.run_until(Instant(5_000_000_000));
        assert_eq!(sim.observer.first, Some((side, Exchange::SaInit)));
        let at = |what: Told| sim.observer.told.iter().find(|(_, told)| *told == what).expect("it happened").0;
        assert!(at(Told::TunnelUp) < at(Told::SessionUp));
        let never = |told: &Told| matches!(told, Told::TunnelDown(_) | Told::SessionDown(Why::Refused { .. }));
        assert!(!sim.observer.told.iter().any(|(_, told)| never(told)));
    }
}

/// VPN-13: what one tunnel carries.
#[test]
fn a_tunnel_has_a_bandwidth() {
    let (network, _) = compile(&spec(VPN));
    let network = network.expect("a network");
    for tunnel in network.fabric.tunnels.iter() {
        let bandwidth = network.fabric.link(tunnel.link).bandwidth.expect("it is limited");
        assert_eq!(bandwidth.0, 1_250_000_000);
    }
}

/// A failed router says nothing: its peers notice by themselves, and its sessions come back with it.
#[test]
fn a_router_fails() {
    let steps = "  - at: 10s\n    fail: {router: london}\n  - at: 100s\n    restore: {router: london}\n  - wait: {for: 30s}\n  - ping: {from: till-london, to: app-1}\n    expect: {outcome: reply}\n";
    let report = play(VPN, steps);
    let text = report.transcript();
    assert_eq!(report.failures(), 0, "{text}");
    let aws = said(&report, "vpn-london/1, AWS's end: BGP is down: nothing was heard");
    assert!((30.0..=40.0).contains(&aws[0]), "{text}");
    assert!(said(&report, "london").iter().any(|at| *at > 100.0), "{text}");
}

/// The same seed gives the same run, byte for byte, with its keys; another seed gives other keys and other jitter.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let steps = "  - at: 5s\n    fail: {vpn_tunnel: vpn-london/1}\n  - at: 60s\n    restore: {vpn_tunnel: vpn-london/1}\n  - wait: {for: 30s}\n";
    let text = |seed: u64| format!("topology: x.yaml\nseed: {seed}\ncaptures: all\nsteps:\n{steps}");
    let play = |seed: u64| {
        let (scenario, _) = vpcsim_engine::scenario::read(FileIx(0), text(seed).as_bytes());
        run(&scenario.expect("a scenario"), &spec(VPN), Options::default()).expect("it runs")
    };
    let (a, b, other) = (play(7), play(7), play(8));
    assert_eq!(a.transcript(), b.transcript());
    assert!(a.captured == b.captured && !a.captured.is_empty());
    assert_eq!(a.esp_sa, b.esp_sa);
    assert_ne!(a.esp_sa, other.esp_sa);
    assert_ne!(a.transcript(), other.transcript());
}
