//! What once went wrong, each test named by what broke. The fuzz targets found most of these.

use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Outcome, Question, ask, resolve_origin};
use vpcsim_engine::spec;
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Udp, dns, parse, quote};

fn network(text: &str) -> Network {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert_eq!(diagnostics, []);
    let (network, diagnostics) = compile(&spec.expect("a topology"));
    network.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// A DNS query whose name is made of these labels.
fn query(labels: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in labels {
        out.push(label.len() as u8);
        out.extend_from_slice(label);
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
    out
}

#[test]
fn a_dot_inside_a_dns_label_read_as_two_labels() {
    assert!(dns::parse_query(&query(&[b"a", b"example"])).is_some());
    assert_eq!(dns::parse_query(&query(&[b"a.b", b"example"])), None);
    assert_eq!(dns::parse_query(&query(&[b"\xff\xfe"])), None);
}

#[test]
fn a_dns_name_longer_than_253_bytes_was_taken_and_cut() {
    let label = [b'x'; 63];
    assert!(dns::parse_query(&query(&[&label, &label, &label, &label[..61]])).is_some());
    assert_eq!(dns::parse_query(&query(&[&label, &label, &label, &label[..62]])), None);
}

#[test]
fn a_link_local_service_that_does_not_answer_was_no_blocker() {
    let network = network(
        "vpcs: {v: {cidr: 10.0.0.0/16}}\n\
         subnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/24}}\n\
         instances: {a: {subnet: s, address: 10.0.0.10}}\n",
    );
    for to in ["255.255.255.255", "169.254.169.254", "169.254.169.123"] {
        let (from, to) = resolve_origin(&network, "a", to).expect("both are there");
        let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: 9 };
        let explanation = ask(&network, &question);
        let (part, by) = explanation.decided_by.expect("nothing answers on that port");
        let blocker = explanation.blockers.first().expect("what blocks is listed");
        assert_eq!((blocker.part, blocker.step.decision.by), (part, by));
    }
}

#[test]
fn a_fragment_that_ends_behind_65535_bytes_could_not_be_cut_further() {
    let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    bytes.resize(820, 0);
    bytes[2..4].copy_from_slice(&820u16.to_be_bytes());
    let mut at = |offset: u16| {
        bytes[6..8].copy_from_slice(&(0x2000 | offset).to_be_bytes());
        parse(&bytes, 0).is_ok()
    };
    assert!(at(8089), "ends at 65,532 with the header");
    assert!(!at(8191), "ends at 66,348");
}

#[test]
fn the_ports_of_a_quoted_ipv6_fragment_were_written_into_its_fragment_header() {
    let address = |text: &str| text.parse().expect("an address");
    let (src, dst) = (address("2001:db8::1"), address("2001:db8::2"));
    let headers = Headers {
        src,
        dst,
        protocol: Protocol::UDP,
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment { id: 9, more: true, dont: true, ..Fragment::default() },
        l4: L4::Udp(Udp { src_port: 1000, dst_port: 2000, length: 4000 }),
    };
    let packet = Packet { headers, tag: 0, payload: Payload::Zeros(1000) };
    let mut error = quote::time_exceeded(&packet, address("2001:db8::9"));
    let mut quoted = quote::quoted(&error).expect("an error quotes");
    quoted.set_src_port(4242);
    quote::requote(&mut error, &quoted);
    assert_eq!(quote::quoted(&error), Some(quoted));
}

/// Found by the `walk` target: an export's route to a Connect attachment was taken for one to a VPC. It tells that the route was
/// learnt, and not from which peer: any of the tunnels.
#[test]
fn an_exported_route_to_a_connect_attachment_led_nowhere() {
    let yaml = include_str!("../../topologies/connect.yaml");
    let answer = |yaml: String| {
        let network = network(&yaml);
        let (from, to) = resolve_origin(&network, "work-1", "till-1").expect("both are there");
        let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: 443 };
        ask(&network, &question)
    };
    let learnt = "guests: unknown\nvpcs:";
    let exported = yaml.replace("vpcs:", learnt).replace(
        "propagations: [connect-sdwan]",
        "routes: [{to: 10.9.64.0/18, via: connect-sdwan, origin: propagated}]",
    );
    let found = answer(exported.clone());
    assert_eq!((found.outcome, found.alternatives.len()), (Outcome::Open, 2), "one of two tunnels");
    // AWS refuses such a static route, so something is missing in the export: the route is left out, and all is warned of.
    let written = exported.replace(", origin: propagated", "");
    let (spec, _) = spec::read(FileIx(0), written.as_bytes());
    let (network, diagnostics) = compile(&spec.expect("a topology"));
    assert!(network.is_some() && diagnostics.iter().any(|d| d.code == "route-target"), "{diagnostics:?}");
    assert_eq!(answer(written).outcome, Outcome::NoReply);
    let bare = exported.lines().filter(|line| !line.contains("peer_address")).collect::<Vec<_>>().join("\n");
    assert_eq!(answer(bare.replace("    peers:\n", "")).outcome, Outcome::Unknown, "no tunnel is described");
}

/// Found by the `topology` target: a VPN connection of a transit gateway whose customer gateway is missing had tunnels that
/// nobody had made.
#[test]
fn a_connection_without_its_customer_gateway_has_no_tunnels() {
    let yaml = "transit_gateways: {t: {}}\n\
                transit_gateway_route_tables: {r: {transit_gateway: t, propagations: [v]}}\n\
                vpn_connections: {v: {customer_gateway: nobody, transit_gateway: t}}\n";
    for guests in ["", "guests: unknown\n"] {
        let (spec, _) = spec::read(FileIx(0), format!("{guests}{yaml}").as_bytes());
        let (_, diagnostics) = compile(&spec.expect("a topology"));
        assert!(diagnostics.iter().any(|d| d.code == "unknown-reference"), "{diagnostics:?}");
    }
}
