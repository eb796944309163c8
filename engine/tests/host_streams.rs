//! Streams of real bytes between two hosts, over a link that loses and reorders.

use std::collections::BTreeMap;
use std::net::IpAddr;
use vpcsim_engine::base::{Instant, Nanos, PortRange, Protocol, Ratio, Stream};
use vpcsim_engine::host::tcp::STREAM_BUFFER;
use vpcsim_engine::host::{ConnId, Connect, Host, HostConfig, What};
use vpcsim_engine::spec::GuestOs;
use vpcsim_engine::wire::Packet;

const A: usize = 0;
const B: usize = 1;

/// Two hosts, and a link that delays by 1 to 9 ms and loses `loss` of what it carries.
struct Pair {
    now: Instant,
    hosts: [Host; 2],
    link: BTreeMap<(Instant, u64), (usize, Packet)>,
    seq: u64,
    loss: Ratio,
    random: Stream,
    whats: [Vec<What>; 2],
    /// What came, by host and connection.
    came: BTreeMap<(usize, ConnId), Vec<u8>>,
    takes: bool,
}

fn ip(n: usize) -> IpAddr {
    IpAddr::from([169, 254, 0, n as u8 + 1])
}
fn pair(seed: u64) -> Pair {
    let host = |n: usize| {
        Host::new(HostConfig {
            name: format!("speaker-{n}"),
            seed,
            addresses: vec![ip(n)],
            os: GuestOs::Linux,
            listeners: vec![(Protocol::TCP, 179)],
            listens_everywhere: false,
            refuses: true,
            answers_ping: true,
            mtu: 1500,
            ephemeral: PortRange { from: 32768, to: 60999 },
            streams: true,
        })
    };
    Pair {
        now: Instant::START,
        hosts: [host(A), host(B)],
        link: BTreeMap::new(),
        seq: 0,
        loss: Ratio(0),
        random: Stream::new(seed, "link", "test"),
        whats: [vec![], vec![]],
        came: BTreeMap::new(),
        takes: true,
    }
}

impl Pair {
    fn collect(&mut self) {
        for n in [A, B] {
            while let Some(packet) = self.hosts[n].poll_transmit() {
                self.seq += 1;
                let delay = Nanos::from_micros(1_000 + self.random.below(8_000));
                if !self.random.chance(self.loss) {
                    self.link.insert((self.now + delay, self.seq), (1 - n, packet));
                }
            }
            while let Some(event) = self.hosts[n].poll_event() {
                if let (What::Received { conn, .. }, true) = (event.what, self.takes) {
                    let bytes = self.hosts[n].take_bytes(conn);
                    self.came.entry((n, conn)).or_default().extend(bytes);
                }
                self.whats[n].push(event.what);
            }
        }
    }
    fn run_for(&mut self, seconds: u64) {
        let until = self.now + Nanos::from_secs(seconds);
        self.collect();
        loop {
            let arrival = self.link.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.hosts[A].poll_at(), self.hosts[B].poll_at()].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            self.now = next;
            if arrival == Some(next) {
                let (_, (to, packet)) = self.link.pop_first().expect("looked at");
                self.hosts[to].handle_packet(next, packet);
            } else {
                self.hosts.iter_mut().for_each(|host| host.handle_timeout(next));
            }
            self.collect();
        }
        self.now = until;
    }
    /// A's and B's number of a connection that A opens.
    fn connect(&mut self) -> (ConnId, ConnId) {
        let ask =
            Connect { src: ip(A), dst: ip(B), dst_port: 179, src_port: None, tag: 1, send: 1_000, receive: 1_000 };
        let ours = self.hosts[A].connect(self.now, ask);
        self.run_for(60);
        let accepted = self.whats[B].iter().rev().find_map(|what| match what {
            What::Accepted { conn, .. } => Some(*conn),
            _ => None,
        });
        (ours, accepted.expect("it is accepted"))
    }
    fn came(&self, n: usize, conn: ConnId) -> &[u8] {
        self.came.get(&(n, conn)).map_or(&[], Vec::as_slice)
    }
}

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Stream::new(seed, "bytes", "test");
    (0..len).map(|_| random.next_u32() as u8).collect()
}

/// Larger than the buffers, both ways at once, written in uneven pieces.
#[test]
fn bytes_arrive_whole_and_in_order_over_any_link() {
    for (seed, loss) in [(1, 0), (2, 10_000), (3, 100_000)] {
        let mut p = pair(seed);
        p.loss = Ratio(loss);
        let (ours, theirs) = p.connect();
        let [there, back] = [bytes(10 + seed, 3 * STREAM_BUFFER + 7), bytes(20 + seed, 2 * STREAM_BUFFER + 1)];
        for (i, piece) in there.chunks(40_001).enumerate() {
            p.hosts[A].write_bytes(p.now, ours, piece);
            p.run_for(i as u64 % 2);
        }
        for piece in back.chunks(19) {
            p.hosts[B].write_bytes(p.now, theirs, piece);
        }
        p.run_for(1_500);
        assert_eq!((p.came(B, theirs).len(), p.came(A, ours).len()), (there.len(), back.len()), "loss {loss}");
        assert!(p.came(B, theirs) == there && p.came(A, ours) == back, "the very bytes");
        assert!(p.whats[A].contains(&What::Sent { conn: ours, bytes: there.len() as u64 }));
        assert!(p.whats[A].contains(&What::Received { conn: ours, bytes: back.len() as u64 }));
    }
}

#[test]
fn what_is_written_before_the_handshake_ends_goes_out_after_it() {
    let mut p = pair(1);
    let ask = Connect { src: ip(A), dst: ip(B), dst_port: 179, src_port: None, tag: 1, send: 0, receive: 0 };
    let ours = p.hosts[A].connect(p.now, ask);
    p.hosts[A].write_bytes(p.now, ours, b"OPEN");
    p.run_for(1);
    assert_eq!(p.came(B, ConnId(1)), b"OPEN");
    assert_eq!(p.came(A, ours), b"", "a stream asks for nothing and answers nothing");
}

/// The peer's FIN closes one way only: the owner decides about the other.
#[test]
fn only_the_owner_closes() {
    let mut p = pair(1);
    let (ours, theirs) = p.connect();
    p.hosts[A].write_bytes(p.now, ours, b"last words");
    p.hosts[A].close(p.now, ours);
    p.hosts[A].write_bytes(p.now, ours, b"too late");
    p.run_for(10);
    assert_eq!(p.came(B, theirs), b"last words");
    assert!(p.whats[B].contains(&What::PeerClosed { conn: theirs }));
    assert!(!p.whats[B].contains(&What::Closed { conn: theirs }));
    p.hosts[B].write_bytes(p.now, theirs, b"heard");
    p.run_for(10);
    assert_eq!(p.came(A, ours), b"heard");
    p.hosts[B].close(p.now, theirs);
    p.run_for(10);
    assert!(p.whats[A].contains(&What::Closed { conn: ours }) && p.whats[B].contains(&What::Closed { conn: theirs }));
}

#[test]
fn what_came_before_the_end_can_be_taken_after_it() {
    let mut p = pair(1);
    p.takes = false;
    let (ours, theirs) = p.connect();
    p.hosts[A].write_bytes(p.now, ours, b"NOTIFICATION");
    p.run_for(1);
    p.hosts[A].abort(p.now, ours);
    p.run_for(1);
    assert!(p.whats[B].contains(&What::Reset { conn: theirs }));
    assert_eq!(p.hosts[B].take_bytes(theirs), b"NOTIFICATION");
    assert_eq!(p.hosts[B].take_bytes(theirs), b"");
    // Nothing is left of what its owner aborted, or of a host that has stopped.
    let (ours, theirs) = p.connect();
    p.hosts[A].write_bytes(p.now, ours, b"x");
    p.run_for(1);
    p.hosts[B].abort(p.now, theirs);
    assert_eq!(p.hosts[B].take_bytes(theirs), b"");
    let (ours, theirs) = p.connect();
    p.hosts[A].write_bytes(p.now, ours, b"x");
    p.run_for(1);
    p.hosts[B].reset_all();
    assert_eq!(p.hosts[B].take_bytes(theirs), b"");
}
