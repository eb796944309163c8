//! Two hosts that have finished come to rest, and a late SYN-ACK does not spoil what follows.

use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use vpcsim_engine::base::{Instant, Nanos, PortRange, Protocol, Ratio, Stream};
use vpcsim_engine::host::{ConnId, Connect, Host, HostConfig, What};
use vpcsim_engine::spec::GuestOs;
use vpcsim_engine::wire::{Packet, TcpFlags};

const LATENCY: Nanos = Nanos::from_millis(5);

struct Pair {
    now: Instant,
    hosts: [Host; 2],
    link: BTreeMap<(Instant, usize), (usize, Packet)>,
    /// Everything that was sent: when, by whom, what.
    sent: Vec<(Instant, usize, Packet)>,
    whats: Vec<(usize, What)>,
}

fn ip(n: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, n as u8 + 1])
}

impl Pair {
    fn new() -> Self {
        let hosts = [0, 1].map(|n| {
            Host::new(HostConfig {
                name: format!("host-{n}"),
                seed: 3,
                addresses: vec![ip(n)],
                os: GuestOs::Linux,
                listeners: vec![(Protocol::TCP, 80)],
                listens_everywhere: false,
                refuses: true,
                answers_ping: true,
                mtu: 1500,
                ephemeral: PortRange { from: 32768, to: 60999 },
                streams: false,
            })
        });
        Self { now: Instant::START, hosts, link: BTreeMap::new(), sent: vec![], whats: vec![] }
    }
    fn connect(&mut self, send: u64) -> ConnId {
        let ask = Connect { src: ip(0), dst: ip(1), dst_port: 80, src_port: None, tag: 1, send, receive: 0 };
        self.hosts[0].connect(self.now, ask)
    }
    /// Runs until `until`; the link loses what `lose` says, by time, sender and packet.
    fn run(&mut self, until: Instant, lose: impl Fn(Instant, usize, &Packet) -> bool) {
        loop {
            for n in [0, 1] {
                while let Some(packet) = self.hosts[n].poll_transmit() {
                    self.sent.push((self.now, n, packet.clone()));
                    if !lose(self.now, n, &packet) {
                        self.link.insert((self.now + LATENCY, self.sent.len()), (1 - n, packet));
                    }
                }
                while let Some(event) = self.hosts[n].poll_event() {
                    self.whats.push((n, event.what));
                }
            }
            let arrival = self.link.keys().next().map(|(at, _)| *at);
            let times = [arrival, self.hosts[0].poll_at(), self.hosts[1].poll_at()];
            let Some(next) = times.into_iter().flatten().min().filter(|at| *at <= until) else { break };
            self.now = next;
            if arrival == Some(next) {
                let (_, (to, packet)) = self.link.pop_first().unwrap();
                self.hosts[to].handle_packet(next, packet);
            }
            self.hosts.iter_mut().for_each(|host| host.handle_timeout(next));
        }
        self.now = until;
    }
    fn seconds(&self, n: u64) -> Instant {
        self.now + Nanos::from_secs(n)
    }
}

#[test]
fn both_ends_in_time_wait_do_not_answer_each_other_for_ever() {
    let mut pair = Pair::new();
    let client = pair.connect(8);
    pair.run(pair.seconds(1), |_, _, _| false);
    let accepted = pair.whats.iter().find_map(|(n, what)| match what {
        What::Accepted { conn, .. } if *n == 1 => Some(*conn),
        _ => None,
    });
    // Simultaneous close (RFC 9293 figure 13): both ends wait.
    pair.hosts[0].close(pair.now, client);
    pair.hosts[1].close(pair.now, accepted.unwrap());
    pair.run(pair.seconds(1), |_, _, _| false);
    let closed = pair.whats.iter().filter(|(_, what)| matches!(what, What::Closed { .. })).count();
    assert_eq!(closed, 2);
    // The network delivers the last ACK once more.
    let before = pair.sent.len();
    let (_, _, ack) = pair.sent.iter().rfind(|(_, n, _)| *n == 1).unwrap().clone();
    assert_eq!(ack.headers.tcp().unwrap().flags, TcpFlags::ACK);
    pair.hosts[0].handle_packet(pair.now, ack);
    pair.run(pair.seconds(10), |_, _, _| false);
    assert!(pair.sent.len() - before <= 1, "{} packets after everything was over", pair.sent.len() - before);
}

#[test]
fn a_syn_that_was_sent_again_says_nothing_about_the_round_trip() {
    let mut pair = Pair::new();
    // The group lets SYNs pass from the tenth second on, so that the one of 15 s is answered.
    let closed = Instant::START + Nanos::from_secs(10);
    pair.connect(1000);
    let data = |p: &Packet| p.payload.len() >= 1000;
    // The first segment with data is lost.
    let first = std::cell::Cell::new(true);
    pair.run(Instant::START + Nanos::from_secs(100), |now, _, p| now < closed || (data(p) && first.replace(false)));
    let times: Vec<u64> = pair.sent.iter().filter(|(_, _, p)| data(p)).map(|(at, _, _)| at.0 / 1_000_000).collect();
    let wait = times[1] - times[0];
    // RFC 6298 section 5.7: after a lost SYN the timeout begins again at 3 s; section 3 (Karn): no sample of it.
    assert!((1_000..=3_000).contains(&wait), "sent again after {wait} ms: {times:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives_over_a_lossy_link_and_then_there_is_rest(
        seed in any::<u64>(), loss in 0_u32..250_000, send in 8_u64..200_000, receive in 0_u64..200_000,
    ) {
        let random = RefCell::new(Stream::new(seed, "loss", "link"));
        let lose = |_: Instant, _: usize, _: &Packet| random.borrow_mut().chance(Ratio(loss));
        let mut pair = Pair::new();
        let ask = Connect { src: ip(0), dst: ip(1), dst_port: 80, src_port: None, tag: 1, send, receive };
        let client = pair.hosts[0].connect(pair.now, ask);
        pair.run(pair.seconds(20_000), lose);
        // Seven SYNs may be lost; then nothing else is claimed.
        let gave_up = pair.whats.iter().any(|(_, what)| matches!(what, What::TimedOut { .. }));
        prop_assume!(!gave_up);
        let total = |n| pair.whats.iter().filter_map(|(by, what)| match what {
            What::Received { bytes, .. } if *by == n => Some(*bytes),
            _ => None,
        }).max().unwrap_or(0);
        prop_assert_eq!((total(1), total(0)), (send, receive));
        pair.hosts[0].close(pair.now, client);
        pair.run(pair.seconds(2_000), lose);
        let sent = pair.sent.len();
        prop_assert_eq!([pair.hosts[0].poll_at(), pair.hosts[1].poll_at()], [None, None]);
        pair.run(pair.seconds(10_000), lose);
        prop_assert_eq!(pair.sent.len(), sent);
    }
}

/// Both ends repeat from the first gap on, at the same time: each one's ACK must not carry the place that it repeats
/// from, or the other refuses it for ever (RFC 9293 section 3.10.7.4: SEQ=SND.NXT).
#[test]
fn two_ends_that_repeat_at_once_do_not_stand_still() {
    let random = RefCell::new(Stream::new(9_815_379_435_451_487_292, "loss", "link"));
    let lose = |_: Instant, _: usize, _: &Packet| random.borrow_mut().chance(Ratio(194_349));
    let mut pair = Pair::new();
    let ask = Connect { src: ip(0), dst: ip(1), dst_port: 80, src_port: None, tag: 1, send: 8760, receive: 14_600 };
    let client = pair.hosts[0].connect(pair.now, ask);
    pair.run(pair.seconds(20_000), lose);
    pair.hosts[0].close(pair.now, client);
    pair.run(pair.seconds(2_000), lose);
    assert_eq!([pair.hosts[0].poll_at(), pair.hosts[1].poll_at()], [None, None]);
}
