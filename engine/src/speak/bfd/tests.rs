//! Tests of two ends and a wire between them.

use super::*;
use crate::base::Ratio;
use std::collections::BTreeMap;

const LATENCY: Nanos = Nanos::from_millis(5);

struct Wire {
    now: Instant,
    ends: [BfdSession; 2],
    link: BTreeMap<(Instant, u64), (usize, Packet)>,
    seq: u64,
    /// Loses what end 0 or 1 sends.
    cut: [bool; 2],
    loss: Ratio,
    random: Stream,
    sent: [Vec<(Instant, Bfd)>; 2],
    events: [Vec<(Instant, BfdEvent)>; 2],
}

fn config(n: usize) -> BfdConfig {
    let ip = |n: usize| IpAddr::from([169, 254, 0, n as u8 + 1]);
    BfdConfig {
        local: ip(n),
        remote: ip(1 - n),
        discriminator: 0xffff_fff0 + n as u32,
        src_port: 49_152,
        interval: AWS_INTERVAL,
        multiplier: AWS_MULTIPLIER,
    }
}
fn wire(seed: u64) -> Wire {
    wire_of(seed, |_, _| {})
}
fn wire_of(seed: u64, change: impl Fn(usize, &mut BfdConfig)) -> Wire {
    let end = |n: usize| {
        let mut config = config(n);
        change(n, &mut config);
        BfdSession::new(config, Stream::new(seed, "bfd", &n.to_string()))
    };
    Wire {
        now: Instant::START,
        ends: [end(0), end(1)],
        link: BTreeMap::new(),
        seq: 0,
        cut: [false; 2],
        loss: Ratio(0),
        random: Stream::new(seed, "wire", ""),
        sent: [vec![], vec![]],
        events: [vec![], vec![]],
    }
}

impl Wire {
    fn collect(&mut self) {
        for n in [0, 1] {
            while let Some(packet) = self.ends[n].poll_transmit() {
                self.seq += 1;
                self.sent[n].push((self.now, Bfd::parse(&packet).expect("a control packet")));
                if !self.cut[n] && !self.random.chance(self.loss) {
                    self.link.insert((self.now + LATENCY, self.seq), (1 - n, packet));
                }
            }
            while let Some(event) = self.ends[n].poll_event() {
                self.events[n].push((self.now, event));
            }
        }
    }
    fn run(&mut self, time: Nanos) {
        let until = self.now + time;
        self.collect();
        loop {
            let arrival = self.link.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.ends[0].poll_at(), self.ends[1].poll_at()].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            assert!(next >= self.now);
            self.now = next;
            if arrival == Some(next) {
                let (_, (to, packet)) = self.link.pop_first().unwrap();
                self.ends[to].handle_packet(next, &packet);
            } else {
                for end in &mut self.ends {
                    end.handle_timeout(next);
                    assert!(end.poll_at().is_none_or(|at| at > next), "what is due is done");
                }
            }
            self.collect();
        }
        self.now = until;
    }
    fn secs(&mut self, n: u64) {
        self.run(Nanos::from_secs(n));
    }
    fn start(&mut self) {
        self.ends.iter_mut().for_each(|end| end.start(self.now));
        self.secs(5);
        assert!(self.ends.iter().all(BfdSession::is_up));
        self.events.iter_mut().for_each(Vec::clear);
        self.sent.iter_mut().for_each(Vec::clear);
    }
    fn down(&self, n: usize) -> (Nanos, u8) {
        match self.events[n].as_slice() {
            [(at, BfdEvent::Down { diagnostic })] => (at.since(Instant::START), *diagnostic),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_ends_come_up_and_agree_on_the_interval() {
    let mut w = wire(1);
    w.ends[0].start(w.now);
    w.secs(10);
    assert!(!w.ends[0].is_up());
    let gaps = |sent: &[(Instant, Bfd)]| sent.windows(2).map(|w| w[1].0.since(w[0].0)).collect::<Vec<_>>();
    // RFC 5880 sections 6.8.3 and 6.8.7: a second at least, less up to a quarter.
    assert!(gaps(&w.sent[0]).iter().all(|gap| (Nanos::from_millis(750)..SLOW).contains(gap)), "{:?}", gaps(&w.sent[0]));
    assert!(w.sent[0].iter().all(|(_, bfd)| (bfd.desired_min_tx, bfd.yours) == (1_000_000, 0)));
    w.ends[1].start(w.now);
    w.secs(3);
    for n in [0, 1] {
        assert_eq!(w.events[n].iter().map(|e| e.1).collect::<Vec<_>>(), [BfdEvent::Up]);
        assert!(w.sent[n].iter().any(|(_, bfd)| bfd.poll) && w.sent[n].iter().any(|(_, bfd)| bfd.last));
        let last = w.sent[n].last().unwrap().1;
        assert_eq!((last.poll, last.state, last.desired_min_tx), (false, State::Up, 300_000));
        assert_eq!((last.mine, last.yours), (0xffff_fff0 + n as u32, 0xffff_fff1 - n as u32));
        w.sent[n].clear();
    }
    w.secs(60);
    for n in [0, 1] {
        assert!(gaps(&w.sent[n]).iter().all(|gap| (Nanos::from_millis(225)..AWS_INTERVAL).contains(gap)));
    }
}

/// DX: 300 ms times 3: about 0.9 s after the last packet, at both ends.
#[test]
fn silence_is_noticed_after_the_detection_time() {
    for seed in 0..20 {
        let mut w = wire(seed);
        w.start();
        let cut_at = w.now;
        w.cut = [true; 2];
        w.secs(5);
        for n in [0, 1] {
            let (at, diagnostic) = w.down(n);
            let took = (Instant::START + at).since(cut_at);
            assert_eq!(diagnostic, 1);
            assert!((Nanos::from_millis(600)..=Nanos::from_millis(910)).contains(&took), "{took}");
        }
        w.cut = [false; 2];
        w.secs(4);
        assert!(w.ends.iter().all(BfdSession::is_up), "it comes back");
    }
}

#[test]
fn two_packets_may_be_lost_in_a_row_for_ever() {
    let mut w = wire(7);
    w.start();
    for _ in 0..200 {
        // From now on until end 0 has sent two more packets, all it says is lost.
        w.cut[0] = true;
        let until = w.sent[0].len() + 2;
        while w.sent[0].len() < until {
            w.run(Nanos::from_millis(1));
        }
        w.cut[0] = false;
        let until = w.sent[0].len() + 1;
        while w.sent[0].len() < until {
            w.run(Nanos::from_millis(1));
        }
    }
    assert_eq!(w.events, [vec![], vec![]]);
}

#[test]
fn one_way_silence_is_known_at_both_ends_and_stays() {
    let mut w = wire(3);
    w.start();
    w.cut[1] = true;
    w.secs(60);
    assert_eq!((w.down(0).1, w.down(1).1), (diagnostic::EXPIRED, diagnostic::NEIGHBOUR));
    w.cut[1] = false;
    w.secs(4);
    assert!(w.ends.iter().all(BfdSession::is_up));
}

#[test]
fn switched_off_is_told_and_then_silent() {
    let mut w = wire(4);
    w.start();
    w.ends[0].stop(w.now);
    w.run(LATENCY * 2);
    assert_eq!((w.down(0).1, w.down(1).1), (diagnostic::ADMIN_DOWN, diagnostic::NEIGHBOUR));
    w.secs(60);
    assert_eq!(w.sent[0].iter().filter(|(_, bfd)| bfd.state == State::AdminDown).count(), usize::from(GOODBYES));
    assert_eq!(w.ends[0].poll_at(), None);
    assert!(w.ends[1].poll_at().is_some() && !w.ends[1].is_up());
    w.ends[0].start(w.now);
    w.secs(4);
    assert!(w.ends.iter().all(BfdSession::is_up));
}

#[test]
fn a_dead_device_says_nothing_and_comes_back() {
    let mut w = wire(5);
    w.start();
    let died = w.now;
    w.ends[0].reset();
    w.secs(10);
    assert_eq!((w.sent[0].len(), w.ends[0].poll_at()), (0, None));
    assert!(w.events[0].is_empty());
    let (at, diagnostic) = w.down(1);
    assert_eq!(diagnostic, 1);
    assert!((Instant::START + at).since(died) <= Nanos::from_millis(910));
    w.ends[0].start(w.now);
    w.secs(4);
    assert!(w.ends.iter().all(BfdSession::is_up));
}

#[test]
fn what_is_for_nobody_is_dropped() {
    let mut w = wire(6);
    w.start();
    let (_, up) = {
        w.secs(1);
        *w.sent[1].last().unwrap()
    };
    let down = Bfd { state: State::Down, poll: false, ..up };
    let (ours, theirs) = (config(0).local, config(0).remote);
    let good = down.packet(theirs, ours, 49_152, 0);
    let mut far = good.clone();
    far.headers.ttl = 254;
    let other = Bfd { yours: 5, ..down }.packet(theirs, ours, 49_152, 0);
    let stranger = down.packet("169.254.0.9".parse().unwrap(), ours, 49_152, 0);
    for bad in [&far, &other, &stranger] {
        w.ends[0].handle_packet(w.now, bad);
        assert!(w.ends[0].is_up() && w.ends[0].poll_transmit().is_none());
    }
    w.ends[0].handle_packet(w.now, &good);
    assert!(!w.ends[0].is_up());
}

/// Section 6.8.4: the slower of the two says how often, the sender's multiplier how many.
#[test]
fn ends_that_want_different_things_agree() {
    let mut w = wire_of(8, |n, config| {
        (config.interval, config.multiplier) = [(Nanos::from_millis(50), 5), (Nanos::from_secs(2), 1)][n];
        config.discriminator = n as u32;
    });
    w.start();
    w.secs(300);
    assert_eq!(w.events, [vec![], vec![]]);
    assert!(w.sent[0].windows(2).all(|s| s[1].0.since(s[0].0) >= Nanos::from_millis(1_500)), "as slow as end 1 wants");
    assert!(w.sent[0].iter().all(|(_, bfd)| bfd.mine == 1), "0 is no number of a session");
    let cut_at = w.now;
    w.cut = [true; 2];
    w.secs(30);
    let took = [0, 1].map(|n| (Instant::START + w.down(n).0).since(cut_at));
    assert!(took[0] <= Nanos::from_millis(2_010) && took[1] > Nanos::from_secs(8), "{took:?}");
}

#[test]
fn a_neighbour_that_wants_no_packets_gets_none() {
    let mut w = wire(9);
    w.start();
    w.run(Nanos::from_millis(400));
    let up = Bfd { required_min_rx: 0, poll: false, last: false, ..w.sent[1].last().unwrap().1 };
    let (ours, theirs) = (config(0).local, config(0).remote);
    w.ends[0].handle_packet(w.now, &up.packet(theirs, ours, 49_152, 0));
    assert_eq!(w.ends[0].next_sent, None);
    w.ends[0].handle_packet(w.now, &Bfd { required_min_rx: 1, ..up }.packet(theirs, ours, 49_152, 0));
    assert!(w.ends[0].next_sent.is_some());
}

#[test]
fn any_wire_is_survived() {
    for seed in 0..30 {
        let mut w = wire(seed);
        let mut random = Stream::new(seed, "acts", "");
        for _ in 0..60 {
            let n = random.below(2) as usize;
            let end = &mut w.ends[n];
            match random.below(8) {
                0 => end.stop(w.now),
                1 => {
                    // It dies without a word, but it was up until now.
                    if end.is_up() {
                        w.events[n].push((w.now, BfdEvent::Down { diagnostic: 0 }));
                    }
                    end.reset();
                }
                2 => w.cut = [random.below(2) == 0, random.below(2) == 0],
                _ => end.start(w.now),
            }
            w.loss = Ratio(random.below(700_000) as u32);
            w.run(Nanos::from_millis(random.below(5_000)));
        }
        (w.cut, w.loss) = ([false; 2], Ratio(0));
        w.ends.iter_mut().for_each(|end| end.start(w.now));
        w.secs(10);
        assert!(w.ends.iter().all(BfdSession::is_up), "{seed}");
        for events in &w.events {
            let ups = events.iter().map(|(_, e)| *e == BfdEvent::Up).collect::<Vec<_>>();
            assert!(ups.windows(2).all(|pair| pair[0] != pair[1]), "Up and Down take turns: {events:?}");
        }
    }
}

#[test]
fn damage_panics_nowhere() {
    let mut w = wire(11);
    w.start();
    let mut random = Stream::new(11, "damage", "");
    for _ in 0..2_000 {
        w.run(Nanos::from_millis(50));
        let Some((_, sent)) = w.sent[1].last().copied() else { continue };
        let mut packet = sent.packet(config(0).remote, config(0).local, 49_152, 0);
        let mut bytes = sent.encode();
        bytes[random.below(24) as usize] ^= 1 << random.below(8);
        packet.payload = bytes.as_slice().into();
        w.ends[0].handle_packet(w.now, &packet);
    }
    w.secs(60);
    assert!(w.ends.iter().all(BfdSession::is_up));
}
