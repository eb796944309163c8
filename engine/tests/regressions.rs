//! What once went wrong, each test named by what broke. The fuzz targets found most of these.

use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::explain::{Question, ask, resolve_origin};
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
