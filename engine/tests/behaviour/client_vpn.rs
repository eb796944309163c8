//! Client VPN: `docs/behaviour/client-vpn.md`.

use super::harness::*;
use std::net::IpAddr;
use vpcsim_engine::base::ids::CvpnClientIx;
use vpcsim_engine::explain::{Common, Outcome};
use vpcsim_engine::verdict::{NotifyKind, Vantage};

const ROUTES: &str = "{to: 10.2.0.0/16, subnet: a}, {to: 0.0.0.0/0, subnet: a}";
const RULES: &str = "{to: 0.0.0.0/0}";

/// A VPC with an endpoint in two zones, a peer, an internet gateway; three clients, of which one is connected by whichever
/// target network AWS gives it. `more` are further fields of the endpoint.
fn remote(routes: &str, rules: &str, more: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.1.0.0/16}}, p: {{cidr: 10.2.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
vpc_peering_connections: {{pcx: {{requester: v, accepter: p}}}}
client_vpn_endpoints:
  staff: {{vpc: v, client_cidr: 10.100.0.0/16, subnets: [a, b], security_groups: [gc], routes: [{routes}], authorization_rules: [{rules}]{more}}}
client_vpn_clients:
  ann: {{endpoint: staff, address: 10.100.0.5, subnet: a, groups: [dev, ops], listen: [22]}}
  bob: {{endpoint: staff, address: 10.100.0.6, subnet: b}}
  eve: {{endpoint: staff, address: 10.100.0.7}}
subnets:
  a: {{vpc: v, az: a, cidr: 10.1.1.0/24, route_table: r}}
  b: {{vpc: v, az: b, cidr: 10.1.2.0/24, route_table: r}}
  app: {{vpc: v, az: a, cidr: 10.1.3.0/24}}
  far: {{vpc: p, az: a, cidr: 10.2.1.0/24, route_table: rp}}
route_tables:
  r: {{vpc: v, routes: [{{to: 10.2.0.0/16, via: pcx}}, {{to: 0.0.0.0/0, via: igw}}]}}
  rp: {{vpc: p, routes: [{{to: 10.1.0.0/16, via: pcx}}]}}
security_groups:
  gc: {{vpc: v}}
  gw: {{vpc: v, inbound: [{{protocol: tcp, ports: 1-1023, from: gc}}, {{protocol: icmp, from: gc}}, {{protocol: udp, from: gc}}]}}
  gp: {{vpc: p, inbound: [{{protocol: tcp, from: 10.1.1.0/24}}]}}
instances:
  web: {{subnet: app, address: 10.1.3.10, security_groups: [gw], listen: [443, 80]}}
  db: {{subnet: far, address: 10.2.1.10, security_groups: [gp], listen: [5432]}}
"
    )
}

fn plain() -> String {
    remote(ROUTES, RULES, "")
}

/// CVPN-1, CVPN-10: the host sees the interface's address and the endpoint's group, and the answer comes back; the endpoint's
/// own group filters what goes out.
#[test]
fn a_client_is_the_endpoints_interface() {
    let own = net(&plain());
    check(&own, "ann -> web tcp/443", "open");
    check(&own, "bob -> web ping", "reply");
    check(&own, "ann -> web tcp/22", "closed request instance web: nothing listens");
    let answer = ask(&own, "ann -> web tcp/443");
    let staff = own.names.enis.iter_enumerated().find(|(_, label)| label.id == "staff/a").unwrap().0;
    assert_eq!(answer.request.end_headers.src, IpAddr::V4(own.fabric.enis[staff].v4.unwrap()));
    assert_eq!(answer.reply.unwrap().end_headers.dst.to_string(), "10.100.0.5");
    assert_eq!(
        crossings(&own, "ann -> web tcp/443"),
        ["staff/a out ACCEPT", "web in ACCEPT", "web out ACCEPT", "staff/a in ACCEPT"]
    );
    let narrow = plain().replace("gc: {vpc: v}", "gc: {vpc: v, outbound: [{protocol: tcp, ports: 80, to: 0.0.0.0/0}]}");
    check(&net(&narrow), "ann -> web tcp/443", "no_reply request sg gc outbound default: no rule matches");
    check(&net(&narrow), "ann -> web tcp/80", "open");
    let acl = plain().replace("az: a, cidr: 10.1.1.0/24", "az: a, network_acl: n, cidr: 10.1.1.0/24")
        + "network_acls: {n: {vpc: v, inbound: [], outbound: [{rule: 1, action: allow, to: 0.0.0.0/0}]}}";
    check(&net(&acl), "ann -> web tcp/443", "no_reply reply acl n inbound rule *");
}

/// CVPN-10: without groups of its own it has the VPC's default group.
#[test]
fn the_default_group() {
    let yaml = plain().replace("security_groups: [gc], routes", "routes").replace("security_groups: [gw], ", "");
    check(&net(&yaml), "ann -> web tcp/443", "open");
    let yaml = plain().replace("security_groups: [gc], routes", "routes");
    check(&net(&yaml), "ann -> web tcp/443", "no_reply request sg gw inbound default: no rule matches");
}

/// CVPN-2: a port stays what it is, unless two clients would look alike to one destination.
#[test]
fn ports_are_kept() {
    let yaml = plain().replace("subnet: b}", "subnet: a}");
    let mut world = World::new(&yaml);
    let ports = |world: &mut World, src: &str, dst: &str| world.sends(&tcp(src, dst, SYN), "to web").headers.ports().0;
    assert_eq!(ports(&mut world, "10.100.0.5:40000", "10.1.3.10:443"), 40000);
    assert_eq!(ports(&mut world, "10.100.0.6:40000", "10.1.3.10:80"), 40000);
    let other = ports(&mut world, "10.100.0.6:40000", "10.1.3.10:443");
    assert_ne!(other, 40000);
    // Each answer finds its client.
    let back = |port: u16| tcp("10.1.3.10:443", &format!("10.1.1.4:{port}"), vpcsim_engine::wire::TcpFlags::SYN_ACK);
    assert_eq!(world.sends(&back(40000), "at ann").headers.dst.to_string(), "10.100.0.5");
    assert_eq!(world.sends(&back(other), "at bob").headers.ports().1, 40000);
    // Echo requests, datagrams and protocols without ports too; and pieces.
    world.exchange(&ping("10.100.0.5", "10.1.3.10"), "to web");
    let whole = udp("10.100.0.5:5000", "10.1.3.10:53", 64);
    world.exchange(&whole, "to web");
    for piece in fragments(&whole, 24) {
        assert_eq!(world.sends(&piece, "to web").headers.src.to_string(), "10.1.1.4");
    }
    for piece in fragments(&udp("10.1.3.10:53", "10.1.1.4:5000", 64), 24) {
        assert_eq!(world.sends(&piece, "at ann").headers.dst.to_string(), "10.100.0.5");
    }
}

/// CVPN-2, CVPN-18: two clients cannot be told apart where there are no ports, so the second has no way; nor is there one back to a
/// client that has gone.
#[test]
fn who_cannot_be_told_apart() {
    let open = plain().replace("gc: {vpc: v}", "gc: {vpc: v, inbound: [{from: 0.0.0.0/0}]}");
    let open = open
        .replace("gw: {vpc: v, inbound: [", "gw: {vpc: v, inbound: [{from: gc}, ")
        .replace("subnet: b}", "subnet: a}");
    let mut world = World::new(&open);
    world.exchange(&other(47, "10.100.0.5", "10.1.3.10"), "to web");
    world.sends(&other(47, "10.100.0.6", "10.1.3.10"), "dropped client vpn staff: every port of its address is in use");
    world.change(
        &open.replace(
            "  ann: {endpoint: staff, address: 10.100.0.5, ",
            "  amy: {endpoint: staff, address: 10.100.0.9, ",
        ),
    );
    world.sends(&other(47, "10.1.3.10", "10.1.1.4"), "dropped client vpn staff: no client has the address");
}

/// CVPN-1: on to a site by the VPC's virtual private gateway, and back.
#[test]
fn on_premises() {
    let site = "vpn_gateways: {vgw: {vpc: v, asn: 64512}}
customer_gateways: {cgw: {router: office}}
vpn_connections: {vpn: {customer_gateway: cgw, vpn_gateway: vgw}}
routers: {office: {asn: 65010, public_ip: 203.0.113.1, networks: [172.16.1.0/24]}}
site_hosts: {till: {router: office, addresses: [172.16.1.20], listen: [22]}}
";
    let yaml = remote("{to: 172.16.0.0/16, subnet: a}, {to: 172.16.0.0/16, subnet: b}", RULES, "") + site;
    let yaml = yaml.replace("  r: {vpc: v, routes", "  r: {vpc: v, propagating_vpn_gateways: [vgw], routes");
    let net = net(&yaml);
    check(&net, "bob -> till tcp/22", "open");
    check(&net, "bob -> 172.16.9.9 tcp/22", "no_reply request igw igw: a private destination");
    check(&net, "till -> bob tcp/22", "no_reply request");
}

/// CVPN-4: while a zone fails, clients of its target network have nothing; who is not bound to it has the other one.
#[test]
fn a_zone_fails() {
    use vpcsim_engine::{compile, diag::FileIx, spec};
    let spec = spec::read(FileIx(0), plain().as_bytes()).0.unwrap();
    let own = compile::compile_failed(&spec, 1, &std::iter::once("us-east-1b".to_owned()).collect()).0.unwrap();
    check(&own, "ann -> web tcp/443", "open");
    check(&own, "bob -> web tcp/443", "no_reply request client vpn staff is not available");
    check(&own, "eve -> db tcp/5432", "open");
    assert!(ask(&own, "eve -> db tcp/5432").alternatives.is_empty());
}

/// CVPN-3: AWS's example scenarios 1 to 7: which of three groups may go where, and anybody else.
#[test]
fn authorization_rules() {
    const ENG: &str = "{to: 172.16.0.0/24, group: eng}, {to: 10.0.0.0/16, group: dev}";
    let scenario = |more: &str| format!("{ENG}, {more}");
    let third = "{to: 0.0.0.0/0, group: man}, {to: 10.0.2.119/32, group: man}";
    let fifth = format!("{third}, {{to: 172.16.0.128/25, group: eng}}, {{to: 0.0.0.0/0, group: eng}}");
    let sixth = format!("{fifth}, {{to: 192.168.0.0/24, group: man}}");
    // Columns: on premises, its upper half, development VPC, one host in it, the Client VPN's VPC, the internet.
    const TO: [&str; 6] = ["172.16.0.9", "172.16.0.200", "10.0.7.7", "10.0.2.119", "192.168.0.9", "8.8.8.8"];
    let cases: [(String, [(&str, &str); 4]); 6] = [
        (
            scenario("{to: 192.168.0.0/24, group: man}"),
            [("eng", "++...."), ("dev", "..++.."), ("man", "....+."), ("admin", "......")],
        ),
        (
            scenario("{to: 0.0.0.0/0, group: man}"),
            [("eng", "++...."), ("dev", "..++.."), ("man", "....++"), ("admin", "......")],
        ),
        (scenario(third), [("eng", "++...."), ("dev", "..+..."), ("man", "...+++"), ("admin", "......")]),
        (scenario(&fifth), [("eng", "++..++"), ("dev", "..+..."), ("man", "...+++"), ("admin", "......")]),
        (scenario(&sixth), [("eng", "++...+"), ("dev", "..+..."), ("man", "...+++"), ("admin", "......")]),
        (
            scenario(&format!("{sixth}, {{to: 0.0.0.0/0}}")),
            [("eng", "++...+"), ("dev", "..+..+"), ("man", "...+++"), ("admin", ".....+")],
        ),
    ];
    for (rules, groups) in cases {
        for (group, expected) in groups {
            let yaml = format!(
                "vpcs: {{v: {{cidr: 192.168.0.0/24}}}}
subnets: {{a: {{vpc: v, az: a, cidr: 192.168.0.0/25}}}}
client_vpn_endpoints: {{e: {{vpc: v, client_cidr: 10.100.0.0/16, subnets: [a], routes: [{{to: 0.0.0.0/0, subnet: a}}], authorization_rules: [{rules}]}}}}
client_vpn_clients: {{c: {{endpoint: e, groups: [{group}]}}}}
"
            );
            let net = net(&yaml);
            let may = |to: &&str| {
                let answer = ask(&net, &format!("c -> {to} tcp/443"));
                let by = answer.decided_by.expect("nobody is there").1;
                if vpcsim_engine::verdict::code_of(net.fabric.rows[by]) == "SIM_CLIENT_VPN_AUTHORIZATION" {
                    '.'
                } else {
                    '+'
                }
            };
            assert_eq!(TO.iter().map(may).collect::<String>(), expected, "{group}: {rules}");
        }
    }
}

/// CVPN-3: the row that is cited, and both blockers where a route is missing too.
#[test]
fn what_an_authorization_cites() {
    let rules = "{to: 10.1.0.0/16}, {to: 10.1.3.0/24, group: ops}, {to: 10.1.3.0/24, group: sre}";
    let own = net(&remote("", rules, ""));
    check(&own, "ann -> web tcp/443", "open");
    check(&own, "bob -> web tcp/443", "no_reply request client vpn staff rule 10.1.3.0/24: for group ops");
    check(&own, "bob -> db tcp/5432", "no_reply request client vpn staff: no authorization rule for the destination");
    let blockers = ask(&own, "bob -> db tcp/5432").blockers;
    let text: Vec<_> = blockers.iter().map(|b| own.names.row_text(&own.fabric, b.step.decision.by)).collect();
    assert_eq!(text[1..], ["client vpn staff: no route by the client's target network"]);
}

/// CVPN-4: a route leads into one target network, and clients of another do not have it; who is connected by either works
/// now and then.
#[test]
fn every_target_network_needs_its_routes() {
    let own = net(&plain());
    check(&own, "ann -> db tcp/5432", "open");
    check(&own, "bob -> db tcp/5432", "no_reply request client vpn staff: no route by the client's target network");
    let answer = ask(&own, "eve -> db tcp/5432");
    assert!(answer.depends_on_choice());
    let outcomes: Vec<_> = answer.alternatives.iter().map(|a| (a.one_in, a.outcome)).collect();
    assert_eq!(outcomes, [(2, Outcome::Open), (2, Outcome::NoReply)]);
    let Some(Common::Options(_, failing)) = answer.common(&own.fabric) else { panic!("one choice decides") };
    let names: Vec<_> =
        failing.iter().map(|eni| own.names.enis.iter().nth(*eni as usize).unwrap().id.clone()).collect();
    assert_eq!(names, ["staff/b"]);
    // One for all flows of a client: what it sends first and last go the same way.
    let mut world = World::new(&plain());
    let src = |world: &mut World, port: u16| {
        world.sends(&tcp(&format!("10.100.0.7:{port}"), "10.1.3.10:443", SYN), "to web").headers.src
    };
    let first = src(&mut world, 1024);
    assert!((1025..1100).all(|port| src(&mut world, port) == first));
    let both = net(&remote(&format!("{ROUTES}, {{to: 10.2.0.0/16, subnet: b}}"), RULES, ""));
    assert!(!ask(&both, "eve -> web tcp/443").depends_on_choice());
    // The peer's group knows 10.1.1.0/24 only.
    check(&both, "bob -> db tcp/5432", "no_reply request sg gp inbound default: no rule matches");
}

/// CVPN-5: every target network has the VPC's blocks.
#[test]
fn the_vpcs_route_is_there() {
    let yaml = remote("", RULES, "")
        .replace("cidr: 10.1.0.0/16}", "cidr: 10.1.0.0/16, secondary_cidrs: [10.3.0.0/16]}")
        + "  late: {subnet: new, address: 10.3.0.10, security_groups: [gw], listen: [443]}\n";
    let yaml = yaml.replace("subnets:\n  a:", "subnets:\n  new: {vpc: v, az: a, cidr: 10.3.0.0/24}\n  a:");
    let net = net(&yaml);
    for client in ["ann", "bob"] {
        check(&net, &format!("{client} -> web tcp/443"), "open");
        check(&net, &format!("{client} -> late tcp/443"), "open");
        check(&net, &format!("{client} -> db tcp/5432"), "no_reply request client vpn staff: no route");
    }
}

/// CVPN-6: full tunnel unless it is split; then what no route matches goes by the client's own line, which is not modelled.
#[test]
fn full_and_split_tunnel() {
    let full = net(&remote("", RULES, ""));
    check(
        &full,
        "ann -> 8.8.8.8 tcp/443",
        "no_reply request client vpn staff: no route by the client's target network",
    );
    let split = net(&remote("{to: 10.2.0.0/16, subnet: a}", RULES, ", split_tunnel: true"));
    check(&split, "ann -> 8.8.8.8 tcp/443", "unknown request client vpn staff: split tunnel");
    check(&split, "ann -> web tcp/443", "open");
    // What another target network's route matches enters too, and finds none.
    check(&split, "bob -> db tcp/5432", "no_reply request client vpn staff: no route by the client's target network");
}

/// CVPN-7: said at the client.
#[test]
fn ipv6() {
    let mut world = World::new(&plain());
    let sent = world.send_at(&ping("2001:db8::5", "2001:db8::9"), Vantage::Client(CvpnClientIx(0)));
    assert_eq!(sent.end, "dropped client vpn staff: IPv6 of its clients is not modelled");
}

/// CVPN-11: by no address can an instance open anything to a client, even where the groups would let it in.
#[test]
fn nothing_opens_to_a_client() {
    let own = net(&plain());
    check(&own, "web -> ann tcp/22", "no_reply request rtb v/main: no route to the destination");
    check(&own, "web -> 10.1.1.4 tcp/22", "no_reply request sg gc inbound default: no rule");
    let open = plain().replace("gc: {vpc: v}", "gc: {vpc: v, inbound: [{from: 0.0.0.0/0}]}");
    check(&net(&open), "web -> 10.1.1.4 tcp/22", "no_reply request client vpn staff: not the reply to anything");
    check(&net(&open), "web -> 10.1.1.4 ping", "no_reply request client vpn staff: not the reply to anything");
    check(
        &net(&open),
        "internet -> 198.51.100.1 tcp/22",
        "no_reply request client vpn staff: not the reply to anything",
    );
    // A client that answers nothing opens nothing either.
    let mut world = World::new(&open);
    world.sends(&reply(&ping("10.1.3.10", "10.100.0.5")), "dropped client vpn staff: not the reply to anything");
}

/// CVPN-12: with a local route and a rule clients reach each other by their own addresses, whatever their target networks.
#[test]
fn client_to_client() {
    let own = net(&remote("{to: 10.100.0.0/16, subnet: local}", RULES, ""));
    check(&own, "bob -> ann tcp/22", "open");
    check(&own, "ann -> bob tcp/22", "closed request client bob: nothing listens");
    assert_eq!(ask(&own, "bob -> ann tcp/22").request.end_headers.src.to_string(), "10.100.0.6");
    check(&own, "bob -> 10.100.9.9 tcp/22", "no_reply request client vpn staff: no client has the address");
    let closed = net(&remote("{to: 10.100.0.0/16, subnet: local}", "{to: 10.1.0.0/16}", ""));
    check(&closed, "bob -> ann tcp/22", "no_reply request client vpn staff: no authorization rule");
    check(&net(&remote("", RULES, "")), "bob -> ann tcp/22", "no_reply request client vpn staff: no route");
}

/// CVPN-13: a public target network is enough for the internet; without a route of its subnet there is none.
#[test]
fn the_internet() {
    let own = net(&plain());
    check(&own, "ann -> 8.8.8.8 tcp/443", "open");
    let answer = ask(&own, "ann -> 8.8.8.8 tcp/443");
    assert_eq!(answer.request.end_headers.src.to_string(), "198.51.100.1");
    let private = plain().replace(", {to: 0.0.0.0/0, via: igw}", "");
    check(&net(&private), "ann -> 8.8.8.8 tcp/443", "no_reply request rtb r: no route to the destination");
}

/// CVPN-14: a forgotten flow begins anew, at once and without a reset; the host's late packet finds nobody.
#[test]
fn idle_flows() {
    let open = plain().replace("gc: {vpc: v}", "gc: {vpc: v, inbound: [{from: 0.0.0.0/0}]}");
    let mut world = World::new(&open);
    world.exchange(&tcp("10.100.0.5:40000", "10.1.3.10:443", SYN), "to web");
    let late = tcp("10.1.3.10:443", "10.1.1.4:40000", ACK);
    world.at(349).sends(&late, "at ann");
    world.at(349 + 350).sends(&late, "dropped client vpn staff: not the reply to anything");
    let again = world.sends(&tcp("10.100.0.5:40000", "10.1.3.10:443", ACK), "to web");
    assert_eq!(again.headers.ports().0, 40000);
    world.sends(&late, "at ann");
}

/// CVPN-15, CVPN-17, MTU-8: any size passes the endpoint; the time to live stays. That something is too big further on comes
/// back to the client, if the endpoint's group lets it in.
#[test]
fn size_and_time_to_live() {
    let open = plain().replace("gc: {vpc: v}", "gc: {vpc: v, inbound: [{protocol: icmp, from: 0.0.0.0/0}]}");
    let mut world = World::new(&open);
    let big = dont_fragment(udp("10.100.0.5:5000", "10.1.3.10:53", 8000));
    assert_eq!(world.sends(&big, "to web").headers.ttl, 64);
    let sent = world.send(&dont_fragment(udp("10.100.0.5:5000", "8.8.8.8:53", 2000)));
    assert!(sent.end.starts_with("dropped igw igw: larger than 1500 bytes"), "{}", sent.end);
    let notify = sent.notify.expect("the client is told");
    assert_eq!(notify.kind, NotifyKind::TooBig { mtu: 1500 });
    let message = vpcsim_engine::wire::quote::too_big(&sent.packet, notify.from, 1500);
    let told = world.send_at(&message, notify.at);
    assert_eq!((told.end.as_str(), told.packet.headers.dst.to_string().as_str()), ("at ann", "10.100.0.5"));
    assert_eq!(vpcsim_engine::wire::quote::quoted(&told.packet).unwrap().src.to_string(), "10.100.0.5");
    world.change(&plain());
    let told = world.send_at(&message, notify.at);
    assert!(told.end.starts_with("dropped sg gc inbound default"), "{}", told.end);
}

/// CVPN-16: link-local services are there, and what they answer a client is not modelled.
#[test]
fn the_resolver() {
    let net = net(&plain());
    check(&net, "ann -> 10.1.0.2 udp/53", "unknown request client vpn staff: what link-local services answer");
}

/// What was written is read again: clients and endpoints too.
#[test]
fn the_writer_keeps_it() {
    use vpcsim_engine::{diag::FileIx, spec};
    let yaml = remote(
        &format!("{ROUTES}, {{to: 10.100.0.0/16, subnet: local}}"),
        "{to: 10.0.0.0/8, group: ops}",
        ", split_tunnel: true",
    );
    let written = spec::read(FileIx(0), yaml.as_bytes()).0.unwrap();
    let text = spec::write::to_yaml(&written);
    let (again, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert_eq!((again.as_ref(), diagnostics.len()), (Some(&written), 0), "{text}");
    assert!(text.contains("- {subnet: local, to: 10.100.0.0/16}"), "{text}");
}

/// Without a target network, or before it is available, nobody is connected.
#[test]
fn an_endpoint_that_takes_nobody() {
    let not_yet = net(&remote(ROUTES, RULES, ", available: false"));
    check(&not_yet, "ann -> web tcp/443", "no_reply request client vpn staff is not available");
    let yaml = "vpcs: {v: {cidr: 10.1.0.0/16}}
client_vpn_endpoints: {e: {vpc: v, client_cidr: 10.100.0.0/16, authorization_rules: [{to: 0.0.0.0/0}]}}
client_vpn_clients: {c: {endpoint: e}}
";
    let net = net(yaml);
    check(&net, "c -> 10.1.0.9 tcp/443", "no_reply request client vpn e is not available");
    // The first address that is free to choose.
    assert_eq!(net.fabric.cvpn_clients[CvpnClientIx(0)].address.to_string(), "10.100.0.2");
}
