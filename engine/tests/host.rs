//! Two hosts and a link between them, in virtual time.

#[path = "host/datagrams.rs"]
mod datagrams;
#[path = "host/transfer.rs"]
mod transfer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use vpcsim_engine::base::{Instant, Nanos, PortRange, Protocol, Ratio, Stream};
use vpcsim_engine::host::{
    ConnId, Connect, Datagram, Host, HostConfig, HostEvent, PATH_MTU_LIFE, Ping, Probe, ProbeKind, What,
};
use vpcsim_engine::spec::GuestOs;
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Tcp, TcpFlags, emit, quote};

const LATENCY: Nanos = Nanos::from_millis(1);
const A: usize = 0;
const B: usize = 1;

type Rule = Box<dyn FnMut(Instant, &Packet) -> bool>;

/// Host 0 and host 1 with a link that delays, has an MTU, and loses what `drop` says.
struct Pair {
    now: Instant,
    hosts: [Host; 2],
    /// Packets under way by arrival and order of sending.
    link: BTreeMap<(Instant, u64), (usize, Packet)>,
    seq: u64,
    mtu: u32,
    drop: Rule,
    /// Everything that was sent: when, by whom.
    sent: Vec<(Instant, usize, Packet)>,
    events: [Vec<HostEvent>; 2],
    wakeups: usize,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
fn config(name: &str, address: &str, os: GuestOs) -> HostConfig {
    HostConfig {
        name: name.to_owned(),
        seed: 1,
        addresses: vec![ip(address), if name == "a" { ip("fd00::1") } else { ip("fd00::2") }],
        os,
        listeners: vec![(Protocol::TCP, 80), (Protocol::UDP, 53)],
        listens_everywhere: false,
        refuses: true,
        answers_ping: true,
        mtu: 1500,
        ephemeral: PortRange { from: 32768, to: 60999 },
        streams: false,
    }
}
fn pair() -> Pair {
    pair_of(|_, _| {})
}
fn pair_of(change: impl Fn(usize, &mut HostConfig)) -> Pair {
    let make = |n: usize| {
        let mut made = config(["a", "b"][n], ["10.0.0.1", "10.0.0.2"][n], GuestOs::Linux);
        change(n, &mut made);
        Host::new(made)
    };
    Pair {
        now: Instant::START,
        hosts: [make(A), make(B)],
        link: BTreeMap::new(),
        seq: 0,
        mtu: 9001,
        drop: Box::new(|_, _| false),
        sent: vec![],
        events: [vec![], vec![]],
        wakeups: 0,
    }
}

impl Pair {
    /// Takes what the hosts have to give and puts it on the link.
    fn collect(&mut self) {
        for n in [A, B] {
            while let Some(packet) = self.hosts[n].poll_transmit() {
                self.sent.push((self.now, n, packet.clone()));
                if (self.drop)(self.now, &packet) {
                    continue;
                }
                self.seq += 1;
                let key = (self.now + LATENCY, self.seq);
                if packet.len() > self.mtu && packet.headers.fragment.dont {
                    let router = if packet.headers.is_v4() { ip("10.0.0.254") } else { ip("fd00::ffff") };
                    self.link.insert(key, (n, quote::too_big(&packet, router, self.mtu)));
                } else {
                    self.link.insert(key, (1 - n, packet));
                }
            }
            while let Some(event) = self.hosts[n].poll_event() {
                assert_eq!(event.at, self.now, "events are told when they happen");
                self.events[n].push(event);
            }
        }
    }
    /// Runs until nothing happens any more before `until`; the clock then stands there.
    fn run_to(&mut self, until: Instant) {
        self.collect();
        loop {
            let arrival = self.link.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.hosts[A].poll_at(), self.hosts[B].poll_at()].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            assert!(next >= self.now, "time does not go back");
            self.now = next;
            self.wakeups += 1;
            if arrival == Some(next) {
                let (_, (to, packet)) = self.link.pop_first().unwrap();
                self.hosts[to].handle_packet(next, packet);
            } else {
                for host in &mut self.hosts {
                    if host.poll_at().is_some_and(|at| at <= next) {
                        host.handle_timeout(next);
                        assert!(host.poll_at().is_none_or(|at| at > next), "what is due is done");
                    }
                }
            }
            self.collect();
        }
        self.now = until;
    }
    fn run_for(&mut self, seconds: u64) {
        self.run_to(self.now + Nanos::from_secs(seconds));
    }
    fn connect(&mut self, send: u64, receive: u64) -> ConnId {
        let ask =
            Connect { src: ip("10.0.0.1"), dst: ip("10.0.0.2"), dst_port: 80, src_port: None, tag: 7, send, receive };
        self.hosts[A].connect(self.now, ask)
    }
    fn whats(&self, n: usize) -> Vec<What> {
        self.events[n].iter().map(|event| event.what).collect()
    }
    fn has(&self, n: usize, what: What) -> bool {
        self.whats(n).contains(&what)
    }
    fn received(&self, n: usize, conn: ConnId) -> u64 {
        let of = |what: &What| match what {
            What::Received { conn: c, bytes } if *c == conn => Some(*bytes),
            _ => None,
        };
        self.whats(n).iter().filter_map(of).max().unwrap_or(0)
    }
    fn flags(&self, n: usize) -> Vec<String> {
        let tcp = |p: &Packet| p.headers.tcp().map(|t| t.flags.to_string());
        self.sent.iter().filter(|(_, by, _)| *by == n).filter_map(|(_, _, p)| tcp(p)).collect()
    }
    fn syn_times(&self) -> Vec<u64> {
        let is_syn = |p: &Packet| p.headers.tcp().is_some_and(|t| t.flags.is_first_syn());
        self.sent.iter().filter(|(_, _, p)| is_syn(p)).map(|(at, _, _)| at.0 / 1_000_000_000).collect()
    }
}

fn datagram(dst_port: u16, bytes: u16, df: bool) -> Datagram {
    Datagram { src: ip("10.0.0.1"), dst: ip("10.0.0.2"), src_port: None, dst_port, bytes, df, tag: 9 }
}

const fn echo(src: IpAddr, dst: IpAddr, bytes: u16, df: bool) -> Ping {
    Ping { src, dst, id: 3, seq: 4, bytes, ttl: None, df, tag: 5 }
}

#[test]
fn a_connection_opens_carries_data_both_ways_and_closes() {
    let mut p = pair();
    let conn = p.connect(1_000, 20_000);
    p.run_for(1);
    assert!(p.has(A, What::Connected { conn, elapsed: LATENCY * 2 }));
    assert_eq!(p.received(A, conn), 20_000);
    assert!(p.has(A, What::Sent { conn, bytes: 1_000 }));
    let Some(What::Accepted { conn: theirs, from, port: 80, .. }) =
        p.whats(B).into_iter().find(|w| matches!(w, What::Accepted { .. }))
    else {
        panic!("{:?}", p.events[B])
    };
    assert_eq!((from, p.received(B, theirs)), (ip("10.0.0.1"), 1_000));

    p.hosts[A].write(p.now, conn, 500);
    p.run_for(1);
    assert_eq!(p.received(B, theirs), 1_500);

    p.hosts[A].close(p.now, conn);
    p.run_for(5);
    assert!(p.has(A, What::Closed { conn }) && p.has(B, What::Closed { conn: theirs }));
    assert!(p.has(B, What::PeerClosed { conn: theirs }));
    assert!(!p.flags(A).iter().chain(&p.flags(B)).any(|f| f.contains("RST")));
    assert!(p.sent.iter().all(|(_, _, packet)| packet.tag == 7), "the tag goes along");
    assert_eq!((p.hosts[A].poll_at(), p.hosts[B].poll_at()), (None, None), "an idle host asks for no time");
    assert!(p.wakeups < 80, "{} wakeups", p.wakeups);
}

#[test]
fn syns_go_out_when_each_system_sends_them_and_giving_up_is_silent() {
    for (os, times, end, ttl) in
        [(GuestOs::Linux, vec![0, 1, 3, 7, 15, 31, 63], 127, 64), (GuestOs::Windows, vec![0, 3, 9], 21, 128)]
    {
        let mut p = pair_of(|_, config| config.os = os);
        p.drop = Box::new(|_, _| true);
        let conn = p.connect(10, 0);
        p.run_for(1_000);
        assert_eq!(p.syn_times(), times);
        assert_eq!(p.sent.len(), times.len(), "nothing but SYNs: {:?}", p.flags(A));
        assert!(p.sent.iter().all(|(_, _, packet)| packet.headers.ttl == ttl));
        let last = p.events[A].last().unwrap();
        assert_eq!(last.what, What::TimedOut { conn, syns: times.len() as u32 });
        assert_eq!(last.at, Instant::START + Nanos::from_secs(end));
    }
}

#[test]
fn a_late_answer_to_a_syn_still_connects() {
    let mut p = pair();
    p.drop = Box::new(|now, _| now < Instant::START + Nanos::from_secs(6));
    let conn = p.connect(10, 10);
    p.run_for(8);
    assert!(p.has(A, What::Connected { conn, elapsed: Nanos::from_secs(7) + LATENCY * 2 }));
    assert_eq!(p.syn_times(), [0, 1, 3, 7]);
    assert_eq!(p.received(A, conn), 10);
}

#[test]
fn closed_ports_refuse_or_are_silent() {
    for refuses in [true, false] {
        let mut p = pair_of(|_, config| {
            config.listeners.clear();
            config.refuses = refuses;
        });
        let conn = p.connect(10, 0);
        p.hosts[A].send_udp(p.now, datagram(5_000, 100, false));
        p.run_for(200);
        assert_eq!(p.has(A, What::Refused { conn }), refuses);
        assert_eq!(p.has(A, What::TimedOut { conn, syns: 7 }), !refuses);
        assert_eq!(p.has(A, What::PortUnreachable { from: ip("10.0.0.2") }), refuses);
        assert_eq!(p.flags(B), if refuses { vec!["RST-ACK"] } else { vec![] });
    }
}

#[test]
fn a_reset_ends_a_connection_and_abort_sends_one() {
    let mut p = pair();
    let conn = p.connect(100, 0);
    p.run_for(1);
    let theirs = ConnId(1);
    p.hosts[B].abort(p.now, theirs);
    p.run_for(1);
    assert_eq!(p.whats(A).last(), Some(&What::Reset { conn }));
    // A host that was stopped knows nothing: it answers the next segment with a RST.
    let conn = p.connect(100, 0);
    p.run_for(1);
    p.hosts[B].reset_all();
    assert_eq!((p.hosts[B].poll_at(), p.hosts[B].poll_event()), (None, None));
    p.hosts[A].write(p.now, conn, 10);
    p.run_for(1);
    assert_eq!(p.whats(A).last(), Some(&What::Reset { conn }));
}

#[test]
fn a_stopped_server_is_noticed_after_a_quarter_of_an_hour() {
    let mut p = pair();
    let conn = p.connect(100, 0);
    p.run_for(7_200);
    assert!(!p.has(A, What::Closed { conn }), "idle connections last");
    p.drop = Box::new(|_, _| true);
    p.hosts[A].write(p.now, conn, 10);
    let from = p.now;
    p.run_for(7_200);
    let last = p.events[A].last().unwrap();
    assert_eq!((last.what, last.at.since(from).as_secs()), (What::TimedOut { conn, syns: 0 }, 924));
    assert!(!p.flags(A).iter().any(|f| f.contains("RST")));
}

#[test]
fn a_handshake_that_is_never_finished_is_forgotten() {
    let mut p = pair();
    p.drop = Box::new(|_, packet| packet.headers.src == ip("10.0.0.2"));
    p.connect(100, 0);
    p.run_for(300);
    let is_syn_ack = |p: &Packet| p.headers.tcp().is_some_and(|t| t.flags == TcpFlags::SYN_ACK);
    assert!(p.sent.iter().any(|(_, by, packet)| *by == B && is_syn_ack(packet)));
    assert_eq!((p.whats(B), p.hosts[B].poll_at()), (vec![], None));
    assert!(!p.flags(B).iter().any(|f| f.contains("RST")));
}

#[test]
fn a_lost_syn_ack_is_repeated() {
    let mut p = pair();
    p.drop = Box::new(|now, packet| packet.headers.src == ip("10.0.0.2") && now < Instant::START + LATENCY * 500);
    let conn = p.connect(10, 10);
    p.run_for(5);
    assert!(matches!(p.whats(A).iter().find(|w| matches!(w, What::Connected { .. })),
        Some(What::Connected { elapsed, .. }) if elapsed.as_secs() == 1));
    assert_eq!(p.received(A, conn), 10);
}

#[test]
fn a_closed_end_waits_a_minute_for_the_other() {
    let mut p = pair();
    let conn = p.connect(10, 0);
    p.run_for(1);
    p.drop = Box::new(|_, packet| {
        packet.headers.src == ip("10.0.0.2") && packet.headers.tcp().unwrap().flags.has(TcpFlags::FIN)
    });
    p.hosts[A].close(p.now, conn);
    let from = p.now;
    p.run_for(2_000);
    let closed = p.events[A].iter().find(|event| event.what == What::Closed { conn }).unwrap();
    assert_eq!(closed.at.since(from).as_secs(), 60);
    assert_eq!(p.whats(B).last(), Some(&What::TimedOut { conn: ConnId(1), syns: 0 }));
}

#[test]
fn what_cannot_be_tried_is_told() {
    let mut p = pair_of(|_, config| config.listens_everywhere = true);
    let good = Connect {
        src: ip("10.0.0.1"),
        dst: ip("10.0.0.2"),
        dst_port: 80,
        src_port: Some(9),
        tag: 1,
        send: 0,
        receive: 0,
    };
    for bad in [
        Connect { dst_port: 0, ..good },
        Connect { src_port: Some(0), ..good },
        Connect { dst: ip("0.0.0.0"), ..good },
        Connect { dst: ip("fd00::2"), ..good },
        Connect { dst: ip("224.0.0.5"), ..good },
    ] {
        let conn = p.hosts[A].connect(p.now, bad);
        p.run_for(1);
        assert_eq!(p.whats(A).last(), Some(&What::Invalid { conn }));
    }
    // Odd addresses in a SYN from elsewhere harm nobody.
    p.hosts[A].connect(p.now, good);
    p.collect();
    let (_, _, syn) = p.sent.last().unwrap().clone();
    for (src, src_port, dst_port) in
        [("0.0.0.0", 9, 80), ("255.255.255.255", 9, 80), ("10.0.0.2", 0, 80), ("10.0.0.9", 9, 0)]
    {
        let mut odd = syn.clone();
        odd.headers.src = ip(src);
        odd.headers.set_src_port(src_port);
        odd.headers.set_dst_port(dst_port);
        p.hosts[B].handle_packet(p.now, odd);
    }
    p.run_for(200);
    assert!(p.has(B, What::Accepted { conn: ConnId(4), from: ip("10.0.0.1"), from_port: 9, port: 80 }));
}

#[test]
fn a_segment_out_of_nowhere_gets_a_reset_but_a_reset_does_not() {
    for (flags, answers) in [(TcpFlags::ACK, 1), (TcpFlags::SYN_ACK, 1), (TcpFlags::RST, 0), (TcpFlags::RST_ACK, 0)] {
        let mut p = pair();
        let l4 = L4::Tcp(Tcp { src_port: 1, dst_port: 80, seq: 5, ack: 9, window: 1, flags, options_len: 0 });
        let headers = Headers {
            src: ip("10.0.0.1"),
            dst: ip("10.0.0.2"),
            protocol: Protocol::TCP,
            ttl: 9,
            traffic_class: 0,
            fragment: Fragment::default(),
            l4,
        };
        p.hosts[B].handle_packet(p.now, Packet { headers, tag: 77, payload: Payload::EMPTY });
        p.collect();
        assert_eq!(p.sent.len(), answers, "{flags}");
        assert!(p.sent.iter().all(|(_, _, sent)| sent.tag == 77 && sent.headers.tcp().unwrap().seq == 9));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed: u64| {
        let mut p = pair_of(|_, config| config.seed = seed);
        let mut n = 0;
        p.drop = Box::new(move |_, _| {
            n += 1;
            n % 17 == 5
        });
        for _ in 0..20 {
            p.connect(3_000, 50_000);
            p.hosts[A].send_udp(p.now, datagram(53, 2_000, false));
            p.run_for(1);
        }
        p.run_for(60);
        let bytes: Vec<_> = p.sent.iter().map(|(at, by, packet)| (*at, *by, emit(packet))).collect();
        (bytes, p.events)
    };
    let once = run(1);
    assert!(once == run(1));
    assert!(once.0 != run(2).0);
}

#[test]
fn any_mixture_of_damaged_segments_is_survived() {
    // A conversation, then its packets again in disorder with fields changed, into both hosts.
    let mut p = pair();
    let conn = p.connect(5_000, 5_000);
    p.hosts[A].ping(p.now, echo(ip("10.0.0.1"), ip("10.0.0.2"), 3_000, false));
    p.hosts[A].send_udp(p.now, datagram(53, 3_000, false));
    p.hosts[A].send_udp(p.now, datagram(54, 30, false));
    p.run_for(1);
    p.hosts[A].close(p.now, conn);
    p.run_for(1);
    let known: Vec<Packet> = p.sent.iter().map(|(_, _, packet)| packet.clone()).collect();
    let mut random = Stream::new(1, "test", "damage");
    for round in 0..20_000 {
        let mut packet = known[random.below(known.len() as u64) as usize].clone();
        if random.chance(Ratio(500_000))
            && let L4::Tcp(tcp) = &mut packet.headers.l4
        {
            match random.below(5) {
                0 => tcp.flags = TcpFlags(random.below(256) as u8),
                1 => tcp.seq = tcp.seq.wrapping_add(random.below(3_000) as u32).wrapping_sub(1_500),
                2 => tcp.ack = tcp.ack.wrapping_add(random.below(3_000) as u32).wrapping_sub(1_500),
                3 => tcp.window = random.below(3) as u16,
                _ => tcp.src_port = 32_768 + random.below(5) as u16,
            }
        }
        if random.chance(Ratio(50_000)) {
            packet = quote::too_big(&packet, ip("10.0.0.254"), random.below(2_000) as u32);
        }
        let to = usize::from(packet.headers.dst == ip("10.0.0.2"));
        p.hosts[to].handle_packet(p.now, packet);
        if round % 500 == 0 {
            p.connect(random.below(5_000), random.below(5_000));
        }
        p.run_to(p.now + Nanos::from_micros(random.below(20_000)));
        p.sent.clear();
    }
    // Nothing is left behind that asks for time without end.
    p.drop = Box::new(|_, _| true);
    p.run_for(4_000);
    p.wakeups = 0;
    p.run_for(4_000);
    assert!(p.wakeups < 500, "{} wakeups", p.wakeups);
}
