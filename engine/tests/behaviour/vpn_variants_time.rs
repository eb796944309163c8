//! Variants of VPN connections in time: IPv6 sessions, lines that die under a private VPN, sites' own lines, NAT devices that forget.

use super::harness::*;
use super::vpn_variants::private;
use vpcsim_engine::base::{Instant, Nanos};
use vpcsim_engine::compile::{Network, compile_epoch};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::{Fact, HostRef, Observer, Told};
use vpcsim_engine::sim::{Sim, Start};
use vpcsim_engine::spec;
use vpcsim_engine::verdict::RowIx;
use vpcsim_engine::wire::{Packet, esp};

/// Notes what was dropped and when, what ends of lines say, when hosts got packets, and keepalives.
#[derive(Default)]
struct Watch {
    dropped: Vec<(Instant, RowIx)>,
    told: Vec<(Instant, Told)>,
    delivered: Vec<Instant>,
    keepalives: usize,
}

impl Observer for Watch {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Dropped { by, .. } => self.dropped.push((now, *by)),
            Fact::Spoke { told, .. } => self.told.push((now, *told)),
            Fact::Delivered { .. } => self.delivered.push(now),
            Fact::Originated { packet, .. } if esp::is_keepalive(packet) => self.keepalives += 1,
            _ => {}
        }
    }
}

fn seconds(n: u64) -> Instant {
    Instant::START + Nanos::from_secs(n)
}

fn sim(yaml: &str, start: Start) -> Sim<Watch> {
    Sim::starting(net(yaml), 0, Watch::default(), start)
}

fn change(sim: &mut Sim<Watch>, yaml: &str) {
    let (spec, _) = spec::read(FileIx(0), yaml.as_bytes());
    let (network, diagnostics) = compile_epoch(&spec.expect("a topology"), sim.network().fabric.epoch + 1);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    sim.configure(network.expect("no diagnostic"));
}

fn up(sim: &Sim<Watch>) -> Vec<[bool; 2]> {
    sim.network().fabric.tunnels.iter().map(|t| t.up).collect()
}

/// The host with an address sends.
fn send(sim: &mut Sim<Watch>, packet: Packet) {
    let net: &Network = sim.network();
    let owner = net.fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(packet.headers.src));
    let site = net.fabric.routers.iter().find_map(|r| r.hosts.get(&packet.headers.src));
    let host = match (owner, site) {
        (Some(eni), _) => HostRef::Guest(net.fabric.enis[eni].guest().expect("a guest")),
        (None, site) => HostRef::Internet(*site.expect("a host of the site")),
    };
    sim.send_as(host, packet);
}

fn texts(sim: &Sim<Watch>) -> Vec<String> {
    let net = sim.network();
    sim.observer.dropped.iter().map(|(_, by)| net.names.row_text(&net.fabric, *by)).collect()
}

/// A site with a VPN connection to a virtual private gateway.
fn site(vpn: &str, router: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
vpn_gateways: {{vgw: {{vpc: v, asn: 64512}}}}
customer_gateways: {{cgw: {{router: north}}}}
vpn_connections: {{vpn: {{customer_gateway: cgw, vpn_gateway: vgw{vpn}}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, propagating_vpn_gateways: [vgw]}}}}
security_groups: {{g: {{vpc: v, inbound: [{{from: 172.16.0.0/12}}]}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10, security_groups: [g], listen: [udp/9]}}}}
routers: {{north: {{asn: 65010, networks: [172.16.1.0/24]{router}}}}}
site_hosts: {{n1: {{router: north, addresses: [172.16.1.10], listen: [udp/9]}}}}
"
    )
}

/// VPN-31: IKE and BGP bring up a connection with IPv6 inside from nothing, and it comes to what the topology says.
#[test]
fn a_session_over_ipv6() {
    let yaml = super::vpn_variants::dual(super::vpn_variants::V6);
    let mut sim = sim(&yaml, Start::Cold);
    sim.run_until(seconds(60));
    assert_eq!(up(&sim), [[true; 2]; 2]);
    assert!(sim.network().same_paths(&net(&yaml)), "{:?}", sim.observer.told);
    send(&mut sim, udp("[2001:db8:5::5]:9", "[2600:1f16:10:1::10]:9", 100));
    sim.run_until(seconds(61));
    assert_eq!(sim.observer.delivered.len(), 1, "{:?}", texts(&sim));
}

/// VPN-36, VPN-37: a private VPN begins, lives and ends with its line; nobody tells its ends, they notice.
#[test]
fn a_private_vpn_dies_with_its_line() {
    let yaml = private("", "", "");
    let dead = yaml.replace("line: {router: dc}", "line: {router: dc, loss: 100%}");
    let mut sim = sim(&yaml, Start::Cold);
    sim.run_until(seconds(120));
    assert_eq!(up(&sim), [[true; 2]; 2], "{:?}", sim.observer.told);
    assert!(sim.network().same_paths(&net(&yaml)));
    change(&mut sim, &dead);
    sim.run_until(seconds(125));
    assert_eq!(up(&sim), [[true; 2]; 2], "nobody has noticed");
    send(&mut sim, udp("10.0.1.10:9", "172.16.5.5:9", 100));
    sim.run_until(seconds(126));
    assert!(texts(&sim).contains(&"line link is down".to_owned()), "{:?}", texts(&sim));
    sim.run_until(seconds(165));
    assert_eq!(up(&sim), [[false; 2]; 2]);
    change(&mut sim, &yaml);
    sim.run_until(seconds(400));
    assert_eq!(up(&sim), [[true; 2]; 2]);
    assert!(sim.network().same_paths(&net(&yaml)));
    // Switched off and told, it dies as well: routes to the other end are gone at once, the rest is noticed.
    change(&mut sim, &yaml.replace("line: {router: dc}", "line: {router: dc, up: false}"));
    sim.run_until(seconds(450));
    assert_eq!(up(&sim), [[false; 2]; 2]);
}

/// VPN-37: with a second line and BFD the outer packets move before anybody takes the tunnels for dead.
#[test]
fn a_second_line_keeps_a_private_vpn_up() {
    let yaml = private(
        ", spare: {router: dc}",
        ", other: {type: transit, connection: spare, vlan: 200, direct_connect_gateway: dxgw}",
        ", neighbors: [{peer: vif, bfd: true, local_preference: 200, communities: ['7224:7300']}, {peer: other, bfd: true}]",
    );
    let mut sim = sim(&yaml, Start::AtRest);
    sim.run_until(seconds(60));
    let before = sim.observer.told.len();
    change(&mut sim, &yaml.replace("line: {router: dc}", "line: {router: dc, loss: 100%}"));
    sim.run_until(seconds(180));
    let told: Vec<Told> = sim.observer.told[before..].iter().map(|(_, told)| *told).collect();
    assert!(told.contains(&Told::BfdDown), "{told:?}");
    assert!(!told.iter().any(|told| matches!(told, Told::TunnelDown(_))), "{told:?}");
    assert_eq!(up(&sim), [[true; 2]; 2]);
    send(&mut sim, udp("172.16.5.5:9", "10.0.1.10:9", 100));
    sim.run_until(seconds(181));
    assert_eq!(sim.observer.delivered.len(), 1, "{:?}", texts(&sim));
}

/// VPN-36: on a link aggregation group each tunnel takes one of the connections, and the other one when that is switched off.
#[test]
fn a_private_vpn_over_a_group() {
    let yaml = private("", "", "")
        .replace("{line: {router: dc}}", "{a: {router: dc, lag: line}, b: {router: dc, lag: line}}")
        .replace("virtual_interfaces:", "direct_connect_lags: {line: {}}\nvirtual_interfaces:");
    check(&net(&yaml), "app -> db tcp/1521", "open");
    let mut sim = sim(&yaml, Start::Cold);
    sim.run_until(seconds(120));
    assert!(up(&sim) == [[true; 2]; 2] && sim.network().same_paths(&net(&yaml)), "{:?}", sim.observer.told);
    let before = sim.observer.told.len();
    change(&mut sim, &yaml.replace("a: {router: dc, lag: line}", "a: {router: dc, lag: line, up: false}"));
    sim.run_until(seconds(240));
    let told = &sim.observer.told[before..];
    assert!(!told.iter().any(|(_, told)| matches!(told, Told::TunnelDown(_))), "{told:?}");
    assert_eq!(up(&sim), [[true; 2]; 2]);
}

/// When a packet from the site's host arrives at the VPC's, after it was sent.
fn crossing(yaml: &str, bytes: u32) -> Nanos {
    let mut sim = sim(yaml, Start::AtRest);
    sim.run_until(seconds(30));
    send(&mut sim, udp("172.16.1.10:5", "10.0.1.10:9", bytes));
    sim.run_until(seconds(31));
    sim.observer.delivered[0].since(seconds(30))
}

/// VPN-42: a router's line to the internet adds its latency and its time on the wire.
#[test]
fn a_line_to_the_internet() {
    let plain = crossing(&site("", ""), 1000);
    let far = crossing(&site("", ", internet: {latency: 5ms}"), 1000);
    assert_eq!(Nanos(far.0 - plain.0), Nanos::from_millis(5));
    // 1,088 bytes or so at 1 Mbps.
    let thin = crossing(&site("", ", internet: {bandwidth: 1Mbps}"), 1000);
    let wire = Nanos(thin.0 - plain.0);
    assert!(wire > Nanos::from_millis(8) && wire < Nanos::from_millis(10), "{wire}");
    // In UDP it is 8 bytes longer.
    let in_udp = crossing(&site("", ", internet: {latency: 5ms}, behind_nat: true"), 1000);
    assert!(Nanos(in_udp.0 - far.0) < Nanos::from_micros(1), "{in_udp}");
}

/// VPN-42: all tunnels of a router share the bandwidth of its line, each way, and what it loses all of them lose.
#[test]
fn tunnels_share_a_line() {
    let two = |router: &str| {
        site("", router)
            .replace("cgw: {router: north}", "cgw: {router: north}, cgw2: {router: north}")
            .replace("vpn_gateways: {vgw: {vpc: v, asn: 64512}", "transit_gateways: {t: {}}\ntransit_gateway_vpc_attachments: {tv: {transit_gateway: t, vpc: v, subnets: [s]}}\nvpn_gateways: {")
            .replace("vpn_gateway: vgw", "transit_gateway: t")
            .replace("propagating_vpn_gateways: [vgw]", "routes: [{to: 172.16.0.0/12, via: t}]")
    };
    let line = ", multipath: true, internet: {bandwidth: 1Mbps, queue_bytes: 20000}";
    let flood = |router: &str, from: &str, to: &str| {
        let mut sim = sim(&two(router), Start::AtRest);
        sim.run_until(seconds(30));
        for port in 1000..1100 {
            send(&mut sim, udp(&format!("{from}:{port}"), &format!("{to}:9"), 1200));
        }
        sim.run_until(seconds(31));
        texts(&sim)
    };
    for (from, to) in [("172.16.1.10", "10.0.1.10"), ("10.0.1.10", "172.16.1.10")] {
        let lost = flood(line, from, to);
        // 100 packets of about 1,290 bytes; 20,000 wait, and 125,000 a second leave. Flows use both tunnels.
        assert!(lost.iter().all(|text| text == "north internet link: its queue is full"), "{lost:?}");
        assert!((75..110).contains(&lost.len()), "{} of 100 and their answers lost", lost.len());
        assert_eq!(flood(", multipath: true", from, to), [""; 0]);
    }
    let lost = flood(", multipath: true, internet: {loss: 50%}", "172.16.1.10", "10.0.1.10");
    // 50 of them, 25 answers, 12 answers to those.
    assert!((60..120).contains(&lost.len()) && lost.iter().all(|text| text == "north internet link: lost"), "{lost:?}");
}

/// A line between two routers has a bandwidth and a loss of its own.
#[test]
fn lines_between_routers() {
    let through = |line: &str| {
        let yaml = site("", ", neighbors: [{peer: south LINE}]")
            .replace(" LINE", line)
            .replace("routers: {", "routers: {south: {asn: 65010, networks: [172.16.2.0/24]}, ");
        yaml.replace("site_hosts: {", "site_hosts: {s1: {router: south, addresses: [172.16.2.10], listen: [udp/9]}, ")
    };
    let crossing = |line: &str| {
        let mut sim = sim(&through(line), Start::AtRest);
        sim.run_until(seconds(30));
        send(&mut sim, udp("172.16.2.10:9", "10.0.1.10:9", 1000));
        sim.run_until(seconds(31));
        sim.observer.delivered.first().map(|at| at.since(seconds(30)))
    };
    let plain = crossing("").expect("it arrives");
    let thin = crossing(", bandwidth: 1Mbps").expect("it arrives");
    // 1,028 bytes at 1 Mbps.
    assert_eq!(Nanos(thin.0 - plain.0), Nanos::from_micros(8224));
    let mut sim = sim(&through(", loss: 100%"), Start::AtRest);
    sim.run_until(seconds(5));
    assert!(texts(&sim).iter().any(|text| text.contains("north to south link")), "{:?}", texts(&sim));
}

/// A static connection whose ends ask nothing: the tunnel is silent.
fn silent(router: &str) -> String {
    site(
        ", static_routes_only: true, static_routes: [172.16.1.0/24], tunnels: [{dpd_action: none}, {dpd_action: none}]",
        &format!(
            ", behind_nat: true, nat_timeout: 30s, dead_peer_detection: false{router}, routes: [{{to: 10.0.0.0/16, via: vpn}}]"
        ),
    )
}

/// VPN-40: what AWS sends through a NAT device that has forgotten the tunnel is lost, until the other end sends.
#[test]
fn a_nat_device_forgets() {
    let mut sim = sim(&silent(", natt_keepalive: false"), Start::AtRest);
    let from_aws = || udp("10.0.1.10:5", "172.16.1.10:9", 100);
    sim.run_until(seconds(29));
    send(&mut sim, from_aws());
    sim.run_until(seconds(58));
    send(&mut sim, from_aws());
    sim.run_until(seconds(89));
    assert_eq!(texts(&sim), [""; 0], "it was never idle for 30 s");
    send(&mut sim, from_aws());
    sim.run_until(seconds(100));
    send(&mut sim, from_aws());
    sim.run_until(seconds(101));
    assert_eq!(texts(&sim), ["vpn vpn/1: the NAT device before the router has forgotten it"; 2]);
    assert_eq!(sim.observer.keepalives, 0);
    send(&mut sim, udp("172.16.1.10:5", "10.0.1.10:9", 100));
    sim.run_until(seconds(102));
    send(&mut sim, from_aws());
    sim.run_until(seconds(103));
    assert_eq!(sim.observer.dropped.len(), 2, "it remembers again");
}

/// VPN-41: keepalives, one after each 20 s of silence, keep the tunnel open. So do questions for life, which go out sooner.
#[test]
fn keepalives_keep_it_open() {
    let mut sim_ = sim(&silent(""), Start::AtRest);
    sim_.run_until(seconds(100));
    assert_eq!(sim_.observer.keepalives, 2 * 5, "two tunnels");
    send(&mut sim_, udp("10.0.1.10:5", "172.16.1.10:9", 100));
    sim_.run_until(seconds(101));
    assert_eq!(texts(&sim_), [""; 0]);
    let totals = sim_.totals();
    assert_eq!(totals.originated + totals.made, totals.delivered + totals.exited + totals.dropped + totals.in_flight);
    let mut asking = sim(&silent("").replace("dead_peer_detection: false", "dead_peer_detection: true"), Start::AtRest);
    asking.run_until(seconds(100));
    assert_eq!(asking.observer.keepalives, 0);
    // Not behind a NAT device there are none.
    let open = silent("").replace("behind_nat: true, nat_timeout: 30s, ", "");
    let mut plain = sim(&open, Start::AtRest);
    plain.run_until(seconds(100));
    assert_eq!(plain.observer.keepalives, 0);
}

/// VPN-33, VPN-34, VPN-35: an accelerated connection is opened and renewed by the customer's end alone, in UDP.
#[test]
fn accelerated_in_time() {
    let tunnels = "{phase1_lifetime: 1000s, phase2_lifetime: 900s, rekey_margin: 60s}";
    let yaml = super::vpn_variants::dual(&format!(", accelerated: true, tunnels: [{tunnels}, {tunnels}]"));
    let mut sim = sim(&yaml, Start::Cold);
    sim.run_until(seconds(4000));
    assert_eq!(up(&sim), [[true; 2]; 2]);
    let of = |what: fn(&Told) -> bool| sim.observer.told.iter().filter(|(_, told)| what(told)).count();
    assert_eq!(of(|told| matches!(told, Told::TunnelDown(_))), 0);
    assert!(of(|told| *told == Told::Rekeyed) >= 2 * 2 * 4, "{:?}", sim.observer.told);
}
