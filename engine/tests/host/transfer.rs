//! Data over a line that loses, delays and has a smaller MTU; many connections and their ports.

use super::*;

#[test]
fn lost_segments_are_sent_again() {
    let mut p = pair();
    let mut n = 0;
    p.drop = Box::new(move |_, packet| {
        n += u32::from(packet.len() > 1_000);
        packet.len() > 1_000 && n % 20 == 3
    });
    let conn = p.connect(100_000, 200_000);
    p.run_for(60);
    assert_eq!((p.received(A, conn), p.received(B, ConnId(1))), (200_000, 100_000));
}

#[test]
fn a_path_of_a_smaller_mtu_is_discovered_and_used() {
    for (src, dst, router) in [("10.0.0.1", "10.0.0.2", "10.0.0.254"), ("fd00::1", "fd00::2", "fd00::ffff")] {
        let mut p = pair_of(|_, config| config.mtu = 9001);
        p.mtu = 1_400;
        let ask =
            Connect { src: ip(src), dst: ip(dst), dst_port: 80, src_port: None, tag: 7, send: 60_000, receive: 60_000 };
        let conn = p.hosts[A].connect(p.now, ask);
        p.run_for(20);
        assert_eq!((p.received(A, conn), p.received(B, ConnId(1))), (60_000, 60_000));
        assert!(p.has(A, What::TooBig { from: ip(router), mtu: 1_400 }));
        let longest = |p: &Pair, from: usize| p.sent[from..].iter().map(|(_, _, packet)| packet.len()).max().unwrap();
        assert!(longest(&p, 0) > 1_400);
        // The next connection knows the path.
        let from = p.sent.len();
        p.hosts[A].connect(p.now, ask);
        p.run_for(20);
        assert_eq!(longest(&p, from), 1_400);
        // And forgets it.
        p.run_to(p.now + PATH_MTU_LIFE);
        let from = p.sent.len();
        p.hosts[A].connect(p.now, ask);
        p.run_for(20);
        assert!(longest(&p, from) > 1_400);
    }
}

#[test]
fn an_unreachable_ends_an_attempt_but_no_connection() {
    let mut p = pair();
    let conn = p.connect(10, 0);
    p.collect();
    let syn = p.sent[0].2.clone();
    let unreachable = |about: &Packet| {
        let mut error = quote::port_unreachable(about, ip("10.0.0.254"));
        if let L4::Icmp(icmp) = &mut error.headers.l4 {
            icmp.code = 1;
        }
        error
    };
    p.run_for(1);
    assert!(p.has(A, What::Connected { conn, elapsed: LATENCY * 2 }));
    p.hosts[A].handle_packet(p.now, unreachable(&syn));
    p.hosts[A].write(p.now, conn, 90);
    p.run_for(1);
    assert_eq!(p.received(B, ConnId(1)), 100);

    p.drop = Box::new(|_, _| true);
    p.connect(10, 0);
    p.collect();
    let syn = p.sent.last().unwrap().2.clone();
    p.hosts[A].handle_packet(p.now, unreachable(&syn));
    p.run_for(200);
    assert_eq!(p.whats(A).last(), Some(&What::Unreachable { from: ip("10.0.0.254"), kind: 3, code: 1 }));
    assert_eq!(p.sent.last().unwrap().2, syn);
}

#[test]
fn five_megabytes_fill_the_window() {
    let mut p = pair_of(|_, config| config.mtu = 9001);
    let conn = p.connect(5_000_000, 5_000_000);
    p.run_for(30);
    assert_eq!((p.received(A, conn), p.received(B, ConnId(1))), (5_000_000, 5_000_000));
    let last = p.sent.last().unwrap().0;
    // 64 KiB a round trip of 2 ms, both ways at once: 0.16 s.
    assert!(last < Instant::START + Nanos::from_millis(500), "{last:?}");
}

#[test]
fn a_transfer_starts_with_ten_segments_and_doubles() {
    let mut p = pair();
    let conn = p.connect(0, 60_000);
    p.run_for(5);
    assert_eq!(p.received(A, conn), 60_000);
    let mut bursts = BTreeMap::new();
    for (at, by, packet) in &p.sent {
        if *by == B && packet.len() > 100 {
            *bursts.entry(at.0 / (2 * LATENCY.0)).or_insert(0) += packet.len() - 40;
        }
    }
    // RFC 9293 section 3.7.4 (Nagle): the short rest waits until all before it is acknowledged.
    assert_eq!(bursts.into_values().collect::<Vec<_>>(), [14_600, 29_200, 16_060, 140]);
}

#[test]
fn a_thousand_connections_on_one_host() {
    let mut p = pair();
    let conns: Vec<ConnId> = (0..1_000).map(|_| p.connect(100, 100)).collect();
    p.run_for(5);
    assert!(conns.iter().all(|conn| p.received(A, *conn) == 100));
    for conn in conns {
        p.hosts[A].close(p.now, conn);
    }
    p.run_for(5);
    let closed = |n| p.whats(n).iter().filter(|w| matches!(w, What::Closed { .. })).count();
    assert_eq!((closed(A), closed(B)), (1_000, 1_000));
    assert!(p.wakeups < 20_000, "{} wakeups", p.wakeups);
}

#[test]
fn ports_run_out_and_come_back_after_time_wait() {
    let mut p = pair_of(|_, config| config.ephemeral = PortRange { from: 40_000, to: 40_001 });
    let conns = [p.connect(0, 0), p.connect(0, 0)];
    let third = p.connect(0, 0);
    p.run_for(1);
    assert!(p.has(A, What::NoPort { conn: Some(third) }));
    p.hosts[A].close(p.now, conns[0]);
    p.run_for(30);
    let early = p.connect(0, 0);
    p.run_for(31);
    let late = p.connect(0, 0);
    p.run_for(1);
    assert!(p.has(A, What::NoPort { conn: Some(early) }));
    assert!(p.has(A, What::Connected { conn: late, elapsed: LATENCY * 2 }));
}

#[test]
fn a_repeated_fin_gets_the_last_ack_again() {
    let mut p = pair();
    let conn = p.connect(10, 0);
    p.run_for(1);
    p.hosts[A].close(p.now, conn);
    // The last ACK is lost, so the server repeats its FIN.
    let mut fins = 0;
    p.drop = Box::new(move |_, packet| {
        let flags = packet.headers.tcp().unwrap().flags;
        let from_client = packet.headers.src == ip("10.0.0.1");
        fins += u32::from(!from_client && flags.has(TcpFlags::FIN));
        from_client && fins == 1
    });
    p.run_for(30);
    assert!(p.has(B, What::Closed { conn: ConnId(1) }));
    assert!(!p.flags(A).iter().any(|f| f.contains("RST")));
}
