//! UDP, ping and what comes of probes.

use super::*;

#[test]
fn datagrams_are_answered() {
    let mut p = pair();
    p.hosts[A].send_udp(p.now, datagram(53, 512, false));
    p.hosts[A].send_udp(p.now, datagram(53, 4_000, false));
    p.run_for(1);
    let from = ip("10.0.0.2");
    assert!(p.has(A, What::UdpReceived { src: from, src_port: 53, bytes: 512 }));
    assert!(p.has(A, What::UdpReceived { src: from, src_port: 53, bytes: 4_000 }));
    assert_eq!(p.sent.len(), 8, "three fragments each way");
    assert!(p.events.iter().flatten().all(|event| event.tag == 9));
}

#[test]
fn pings_are_answered_whole_or_in_fragments() {
    for (src, dst) in [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")] {
        let mut p = pair();
        p.hosts[A].ping(p.now, echo(ip(src), ip(dst), 56, true));
        p.hosts[A].ping(p.now, echo(ip(src), ip(dst), 3_000, false));
        p.run_for(1);
        for bytes in [56, 3_000] {
            assert!(p.has(A, What::EchoReply { from: ip(dst), seq: 4, bytes, rtt: LATENCY * 2 }));
        }
        assert_eq!(p.sent.len(), 8);
        // Too long to go unfragmented: the host says so itself.
        p.hosts[A].ping(p.now, echo(ip(src), ip(dst), 3_000, true));
        p.run_for(1);
        assert_eq!(p.whats(A).last(), Some(&What::TooBig { from: ip(src), mtu: 1_500 }));
        // And a router on the way says so.
        p.mtu = 1_300;
        p.hosts[A].ping(p.now, echo(ip(src), ip(dst), 1_400, true));
        p.run_for(1);
        assert!(matches!(p.whats(A).last(), Some(What::TooBig { mtu: 1_300, .. })));
        p.hosts[B].set_answers_ping(false);
        let before = p.events[A].len();
        p.hosts[A].ping(p.now, echo(ip(src), ip(dst), 10, true));
        p.run_for(1);
        assert_eq!(p.events[A].len(), before);
    }
}

#[test]
fn probes_come_back_as_time_exceeded_with_their_tag() {
    let mut p = pair();
    let probe = |tag, kind| Probe { src: ip("10.0.0.1"), dst: ip("10.0.0.2"), ttl: 1, bytes: 32, tag, kind };
    p.drop = Box::new(|_, packet| packet.headers.ttl == 1);
    p.hosts[A].probe(p.now, probe(21, ProbeKind::Udp { src_port: Some(40_000), dst_port: 33_434 }));
    p.hosts[A].probe(p.now, probe(22, ProbeKind::Udp { src_port: Some(40_000), dst_port: 33_435 }));
    p.hosts[A].probe(p.now, probe(23, ProbeKind::Echo { id: 1, seq: 2 }));
    p.collect();
    for n in 0..3 {
        let router = ip("10.0.0.254");
        p.hosts[A].handle_packet(p.now, quote::time_exceeded(&p.sent[n].2, router));
        p.collect();
        let event = HostEvent { tag: 21 + n as u32, at: p.now, what: What::TimeExceeded { from: router } };
        assert_eq!(p.events[A][n], event);
    }
    p.hosts[A].probe(p.now, Probe { ttl: 2, ..probe(24, ProbeKind::Udp { src_port: None, dst_port: 33_436 }) });
    p.run_for(1);
    assert_eq!(p.whats(A).last(), Some(&What::PortUnreachable { from: ip("10.0.0.2") }));
    assert_eq!(p.events[A].last().unwrap().tag, 24);
}

#[test]
fn a_host_that_stands_for_the_internet_answers_everywhere() {
    let mut p = pair_of(|n, config| {
        if n == B {
            (config.addresses, config.listens_everywhere) = (vec![], true);
        }
    });
    let ask = Connect {
        src: ip("10.0.0.1"),
        dst: ip("198.51.100.7"),
        dst_port: 12_345,
        src_port: None,
        tag: 1,
        send: 0,
        receive: 50,
    };
    let conn = p.hosts[A].connect(p.now, ask);
    p.run_for(1);
    assert_eq!(p.received(A, conn), 50);
    assert_eq!(p.sent[1].2.headers.src, ip("198.51.100.7"));
}
