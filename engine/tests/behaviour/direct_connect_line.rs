//! Direct Connect's lines: connections, link aggregation groups, resiliency models (`docs/behaviour/direct-connect.md`).

use super::direct_connect::private;
use super::harness::*;
use std::collections::BTreeSet;
use vpcsim_engine::compile::Network;
use vpcsim_engine::event::HostRef;
use vpcsim_engine::sim::Sim;
use vpcsim_engine::verdict::Stage;

/// The topology of `direct_connect`, on a group of three lines; `lag` are its fields, `lines` what the third line also says.
fn grouped(lag: &str, lines: &str) -> String {
    let members = (1..4).map(|n| format!("line-{n}{n}: {{router: dc, lag: lag{}}}", if n == 3 { lines } else { "" }));
    let members: Vec<String> = members.collect();
    private("", "")
        .replace("line: {router: dc}", &members.join(", "))
        .replace(
            "direct_connect_connections:",
            &format!("direct_connect_lags: {{lag: {{{lag}}}}}\ndirect_connect_connections:"),
        )
        .replace("connection: line,", "connection: lag,")
}

/// The connections of a group that flows to one host take.
fn links(net: &Network) -> BTreeSet<String> {
    let one = |port: u16| {
        let answer = ask(net, &format!("app -> db tcp/{port}"));
        let by = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
        by.filter(|text| text.starts_with("lag ")).collect::<Vec<_>>().join(", ")
    };
    (2000..2040).map(one).collect()
}

/// DX-80, DX-81: all connections carry flows, each flow stays on one, and those of one that goes move to the others.
#[test]
fn a_group_shares_by_flow() {
    let all = net(&grouped("", ""));
    assert_eq!(
        links(&all),
        ["lag lag: by line-11", "lag lag: by line-22", "lag lag: by line-33"].map(String::from).into()
    );
    check(&all, "app -> db tcp/1521", "open");
    assert_eq!(ask(&all, "app -> db tcp/1521").alternatives.len(), 9, "three for each way");
    let less = net(&grouped("", ", up: false"));
    assert_eq!(links(&less), ["lag lag: by line-11", "lag lag: by line-22"].map(String::from).into());
    let at = |net: &Network, port: u16| {
        let steps = ask(net, &format!("app -> db tcp/{port}")).request.steps;
        steps.iter().find(|s| matches!(s.stage, Stage::Lag(_))).map(|s| net.names.row_text(&net.fabric, s.decision.by))
    };
    for port in 2000..2040 {
        let before = at(&all, port);
        assert_eq!(before, at(&all, port));
        assert!(before == at(&less, port) || before.as_deref() == Some("lag lag: by line-33"), "{port}");
    }
}

/// DX-82, DX-83: below its minimum a group is down, and with it its interfaces; with a minimum of 0 it is up with nothing.
#[test]
fn the_least_number_of_links() {
    let down = |lag: &str, down: usize| {
        let yaml = grouped(lag, "");
        let dead =
            |yaml: String, n: usize| yaml.replace(&format!("line-{n}{n}: {{"), &format!("line-{n}{n}: {{up: false, "));
        net(&(1..=down).fold(yaml, dead))
    };
    check(&down("minimum_links: 2", 1), "app -> db tcp/1521", "open");
    check(&down("minimum_links: 2", 2), "app -> db tcp/1521", "no_reply request rtb r: no route to the destination");
    check(&down("", 2), "app -> db tcp/1521", "open");
    check(&down("", 3), "app -> db tcp/1521", "no_reply request lag lag: none of its connections is up");
}

/// DX-88: a line that loses everything drops silently, in an explanation as in a run; one that loses some is open.
#[test]
fn a_dead_line() {
    let losing = |loss: &str| {
        net(&private("", "").replace("line: {router: dc}", &format!("line: {{router: dc, loss: {loss}}}")))
    };
    check(&losing("100%"), "app -> db tcp/1521", "no_reply request line link is down");
    check(&losing("1%"), "app -> db tcp/1521", "open");
    let mut sim = Sim::starting(losing("100%"), 0, (), vpcsim_engine::sim::Start::Frozen);
    let guest = sim.network().names.guests.iter_enumerated().next().unwrap().0;
    sim.send_as(HostRef::Guest(guest), udp("10.0.1.10:1", "172.16.5.5:9", 100));
    while sim.step() {}
    assert_eq!((sim.totals().originated, sim.totals().dropped), (1, 1));
}

/// DX-80, DX-84, DX-85, DX-86: what AWS refuses of connections and groups.
#[test]
fn bad_lines() {
    let codes = |yaml: &str| diagnostics(yaml).into_iter().map(|d| d.code).collect::<Vec<_>>();
    let line =
        |fields: &str| codes(&private("", "").replace("line: {router: dc}", &format!("line: {{router: dc{fields}}}")));
    for fine in ["10Gbps", "400Gbps", "50Mbps, hosted: true", "25Gbps, hosted: true", "100Gbps, macsec: true"] {
        assert_eq!(line(&format!(", bandwidth: {fine}")), [""; 0], "{fine}");
    }
    for bad in ["2Gbps", "500Mbps", "1.5Gbps", "100Gbps, hosted: true", "75Mbps, hosted: true"] {
        assert_eq!(line(&format!(", bandwidth: {bad}")), ["connection-bandwidth"], "{bad}");
    }
    assert_eq!(line(", macsec: true"), ["macsec"]);
    assert_eq!(line(", bandwidth: 10Gbps, macsec: true, hosted: true"), ["macsec"]);
    assert_eq!(codes(&grouped("", "")), [""; 0]);
    for other in [", bandwidth: 10Gbps", ", router: far", ", hosted: true"] {
        assert_eq!(
            codes(&grouped("", other).replace("router: dc, lag: lag, router", "lag: lag, router")),
            ["lag-members"],
            "{other}"
        );
    }
    let differs =
        |what: &str| grouped("", &format!(", {what}: b")).replace("line-11: {", &format!("line-11: {{{what}: a, "));
    assert_eq!(codes(&differs("location")), ["lag-members"]);
    assert_eq!(codes(&differs("device")), ["lag-members"]);
    assert_eq!(codes(&grouped("location: a", ", location: b")), ["lag-members"]);
    let wide = grouped("", "").replace("lag: lag", "lag: lag, bandwidth: 100Gbps");
    assert_eq!(codes(&wide), ["lag-members"]);
    let more = |n: usize| (0..n).map(|n| format!("more-{n}: {{router: dc, lag: lag}}, ")).collect::<String>();
    assert_eq!(codes(&grouped("", "").replace("line-11:", &format!("{}line-11:", more(1)))), [""; 0]);
    assert_eq!(codes(&grouped("", "").replace("line-11:", &format!("{}line-11:", more(2)))), ["lag-members"]);
    assert_eq!(codes(&grouped("minimum_links: 4", "")), ["minimum-links"]);
    assert_eq!(codes(&grouped("", "").replace("connection: lag,", "connection: line-11,")), ["vif-on-member"]);
    assert_eq!(codes(&grouped("", "").replace("lag: lag}, line-22", "lag: log}, line-22")), ["unknown-reference"]);
    let many = |kind: &str, n: usize| {
        let one = |n| format!(", v-{n}: {{type: {kind}, connection: line-2, vlan: {n}, direct_connect_gateway: dxgw}}");
        (1..=n).map(one).collect::<String>()
    };
    assert_eq!(codes(&private("", &many("private", 50))), [""; 0]);
    assert_eq!(codes(&private("", &many("private", 51))), ["quota"]);
    assert_eq!(codes(&private("", &many("transit", 4))), [""; 0]);
    assert_eq!(codes(&private("", &many("transit", 5))), ["quota"]);
    let hosted = |n| private("", &many("private", n)).replace("line-2: {", "line-2: {hosted: true, ");
    assert_eq!((codes(&hosted(1)), codes(&hosted(2))), (vec![], vec!["quota"]));
}

/// DX-87: locations and devices.
#[test]
fn resiliency_models() {
    let model = |places: &[(&str, &str)]| {
        let place = |(location, device): &(&str, &str)| match *device {
            "" => format!("location: {location}"),
            _ => format!("location: {location}, device: {device}"),
        };
        let line = |(n, at)| format!(", line-{}: {{router: far, {}}}", n + 3, place(at));
        let vif = |n| {
            format!(", vif-{n}: {{type: private, connection: line-{}, vlan: 7, direct_connect_gateway: dxgw}}", n + 3)
        };
        let vifs: String = (1..places.len()).map(vif).collect();
        let lines: String = places.iter().enumerate().skip(1).map(line).collect();
        let yaml = private("", &vifs)
            .replace("line: {router: dc}", &format!("line: {{router: dc, {}}}{lines}", place(&places[0])));
        let net = net(&yaml);
        let dxgw = net.names.dxgws.indices().next().unwrap();
        vpcsim_engine::analyse::resilience(&net, dxgw)
    };
    use vpcsim_engine::analyse::Resilience as R;
    assert_eq!(model(&[("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]), Some(R::Maximum));
    assert_eq!(model(&[("a", "1"), ("a", "2"), ("b", "1")]), Some(R::High));
    assert_eq!(model(&[("a", ""), ("b", "")]), Some(R::High));
    assert_eq!(model(&[("a", "1"), ("a", "2")]), Some(R::DevelopmentAndTest));
    assert_eq!(model(&[("a", ""), ("a", "")]), Some(R::SingleDevice));
    let unplaced = net(&private("", ""));
    let dxgw = unplaced.names.dxgws.indices().next().unwrap();
    assert_eq!(vpcsim_engine::analyse::resilience(&unplaced, dxgw), None);
}

/// DX-96, DX-97: who has jumbo frames.
#[test]
fn jumbo_frames() {
    let topology = |more: &str, routes: &str| {
        format!(
            "vpcs: {{v: {{cidr: 10.0.0.0/16}}}}
vpn_gateways: {{g: {{vpc: v}}}}
subnets: {{s: {{vpc: v, az: a, cidr: 10.0.1.0/24, route_table: r}}}}
route_tables: {{r: {{vpc: v, {routes}}}}}
instances: {{app: {{subnet: s, address: 10.0.1.10}}}}
routers: {{dc: {{asn: 65030, networks: [172.16.0.0/16], public_ip: 203.0.113.9}}}}
direct_connect_connections: {{line: {{router: dc}}, second: {{router: dc}}}}
{more}
site_hosts: {{db: {{router: dc, addresses: [172.16.5.5]}}}}
"
        )
    };
    let one = "virtual_interfaces: {vif: {type: private, connection: line, vlan: 1, vpn_gateway: g, mtu: 9001}}";
    let two = "virtual_interfaces: {vif: {type: private, connection: line, vlan: 1, vpn_gateway: g, mtu: 9001}, \
               other: {type: private, connection: second, vlan: 1, vpn_gateway: g, mtu: 1500}}";
    let vpn = "virtual_interfaces: {vif: {type: private, connection: line, vlan: 1, vpn_gateway: g, mtu: 9001}}
customer_gateways: {c: {asn: 65030, router: dc}}
vpn_connections: {n: {customer_gateway: c, vpn_gateway: g}}";
    let (learnt, written) = ("propagating_vpn_gateways: [g]", "routes: [{to: 172.16.0.0/16, via: g}]");
    let too_big = "dropped vgw g: larger than 1500 bytes";
    for (more, routes, bytes, expected) in [
        (one, learnt, 8000, "at db"),
        (one, written, 1400, "at db"),
        (one, written, 1600, too_big),
        (two, learnt, 1600, too_big),
        (vpn, learnt, 1600, too_big),
        (vpn, learnt, 1400, "at db"),
    ] {
        let mut net = World::new(&topology(more, routes));
        let mut packet = udp("10.0.1.10:1", "172.16.5.5:9", bytes);
        packet.headers.fragment.dont = true;
        net.sends(&packet, expected);
    }
}
