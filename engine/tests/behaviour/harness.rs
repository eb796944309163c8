//! A network from YAML, questions in one line, and packets by hand on a clock that the test sets.

use std::net::{IpAddr, SocketAddr};
use vpcsim_engine::base::{Instant, Nanos, Protocol};
use vpcsim_engine::compile::{self, Network};
use vpcsim_engine::diag::{Diagnostic, FileIx};
use vpcsim_engine::explain::{self, Explanation, Question};
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::spec;
use vpcsim_engine::verdict::{Entry, Hop, Notify, Step, Vantage, Verdict};
use vpcsim_engine::walk::{DenyPolicy, Recorder, Walk};
use vpcsim_engine::wire::{Fragment, Headers, Icmp, L4, Packet, Payload, Tcp, TcpFlags, Udp};

pub(crate) const SYN: TcpFlags = TcpFlags::SYN;
pub(crate) const ACK: TcpFlags = TcpFlags::ACK;
pub(crate) const RST: TcpFlags = TcpFlags::RST;
pub(crate) const FIN: TcpFlags = TcpFlags(17);

/// Everything that reading and compiling says.
pub(crate) fn diagnostics(yaml: &str) -> Vec<Diagnostic> {
    compiled(yaml, 0).1
}

/// A network that compiles without a diagnostic.
pub(crate) fn net(yaml: &str) -> Network {
    let (network, diagnostics) = compiled(yaml, 0);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    network.expect("no diagnostic")
}

fn compiled(yaml: &str, epoch: u16) -> (Option<Network>, Vec<Diagnostic>) {
    let (spec, mut diagnostics) = spec::read(FileIx(0), yaml.as_bytes());
    let (network, more) = compile::compile_epoch(&spec.expect("a topology"), epoch);
    diagnostics.extend(more);
    (network, diagnostics)
}

/// The answer to `a -> b tcp/443`, `a -> b ping`, `a -> b 47`.
pub(crate) fn ask(net: &Network, question: &str) -> Explanation {
    let [from, arrow, to, what] = question.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("`{question}` is not `from -> to tcp/443`");
    };
    assert_eq!(arrow, "->");
    let (from, to) = explain::resolve_origin(net, from, to).unwrap_or_else(|e| panic!("{question}: {e}"));
    let (protocol, dst_port) = match (what, what.split_once('/')) {
        ("ping", _) if to.is_ipv4() => (Protocol::ICMP, 0),
        ("ping", _) => (Protocol::ICMPV6, 0),
        (_, Some((protocol, port))) => (protocol.parse().unwrap(), port.parse().unwrap()),
        (number, None) => (number.parse().unwrap(), 0),
    };
    let answer = explain::ask(net, &Question { from, to, protocol, src_port: None, dst_port });
    // Whatever is asked: the first of all blockers is the one that decided.
    if let (Some(decided), Some(first)) = (answer.decided_by, answer.blockers.first()) {
        assert_eq!((first.part, first.step.decision.by), decided, "{question}");
    }
    answer
}

/// `open`, or `no_reply request acl data inbound rule *: deny all`.
fn answer(net: &Network, explanation: &Explanation) -> String {
    let mut out = explanation.outcome.word().to_owned();
    if let Some((part, by)) = explanation.decided_by {
        out += &format!(" {} {}", part.word(), net.names.row_text(&net.fabric, by));
    }
    out
}

/// True if `text` is `begin`, or goes on after it with another word.
fn begins(text: &str, begin: &str) -> bool {
    text.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':', ',']))
}

/// Asks; the answer must begin with the words of `expected`. A plain outcome must be the whole answer.
#[track_caller]
pub(crate) fn check(net: &Network, question: &str, expected: &str) {
    let got = answer(net, &ask(net, question));
    let right = if expected.contains(' ') { begins(&got, expected) } else { got == expected };
    assert!(right, "{question}\n expected {expected}\n      got {got}");
}

/// The crossings of interfaces by request and reply: `a out ACCEPT`, `b in REJECT`, ...
pub(crate) fn crossings(net: &Network, question: &str) -> Vec<String> {
    let explanation = ask(net, question);
    let legs = [Some(&explanation.request), explanation.reply.as_ref()];
    legs.into_iter().flatten().flat_map(|leg| &leg.hops).map(|hop| crossing(net, hop)).collect()
}

fn crossing(net: &Network, hop: &Hop) -> String {
    let dir = if hop.dir == vpcsim_engine::verdict::Dir::In { "in" } else { "out" };
    format!("{} {dir} {}", net.names.enis[hop.eni].id, if hop.accepted { "ACCEPT" } else { "REJECT" })
}

/// A network with its live state and a clock.
pub(crate) struct World {
    pub(crate) net: Network,
    pub(crate) flows: FlowState,
    now: Instant,
}

/// What became of a packet.
pub(crate) struct Sent {
    /// `to web-1`, `out`, `served Resolver`, or `dropped acl data ...`.
    pub(crate) end: String,
    pub(crate) packet: Packet,
    pub(crate) notify: Option<Notify>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) steps: Vec<Step>,
}

impl World {
    pub(crate) fn new(yaml: &str) -> Self {
        Self { net: net(yaml), flows: FlowState::default(), now: Instant::START }
    }

    /// Sets the clock to `seconds` after the start.
    pub(crate) fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = Instant::START + Nanos::from_secs(seconds);
        self
    }

    /// A configuration change at run time: the state stays.
    pub(crate) fn change(&mut self, yaml: &str) {
        let (network, diagnostics) = compiled(yaml, self.net.fabric.epoch + 1);
        assert!(diagnostics.is_empty(), "{diagnostics:#?}");
        self.net = network.expect("no diagnostic");
    }

    /// Sends a packet from whoever has its source address; from the internet if nobody has.
    pub(crate) fn send(&mut self, packet: &Packet) -> Sent {
        let owner = self.net.fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(packet.headers.src));
        let routers = self.net.fabric.routers.iter_enumerated();
        let site = routers.filter(|(_, r)| r.hosts.contains_key(&packet.headers.src)).map(|(router, _)| router).next();
        let at = match (owner, site) {
            (Some(eni), _) => Vantage::Out(eni),
            (None, Some(router)) => Vantage::Router { router, from: Entry::Lan },
            (None, None) => Vantage::Internet,
        };
        self.send_at(packet, at)
    }

    /// A packet arrives at AWS's edge from the internet.
    pub(crate) fn send_at_the_internet(&mut self, packet: &Packet) -> Sent {
        self.send_at(packet, Vantage::Internet)
    }

    /// Sends a packet from the named interface, whatever its source address.
    pub(crate) fn send_by(&mut self, eni: &str, packet: &Packet) -> Sent {
        let found = self.net.names.enis.iter_enumerated().find(|(_, label)| label.id == eni);
        self.send_at(packet, Vantage::Out(found.expect("an interface").0))
    }

    fn send_at(&mut self, packet: &Packet, from: Vantage) -> Sent {
        let (mut packet, mut at, mut notes) = (packet.clone(), from, Notes::default());
        let fabric = &self.net.fabric;
        for _ in 0..64 {
            let flows = &mut self.flows;
            let mut walk = Walk { fabric, flows, now: self.now, policy: DenyPolicy::Stop, recorder: &mut notes };
            let (end, notify) = match walk.step(&mut packet, at) {
                Verdict::Transit { to, .. } => {
                    at = to;
                    continue;
                }
                Verdict::Deliver { eni } => (format!("to {}", self.net.names.enis[eni].id), None),
                Verdict::Serve { service, .. } => (format!("served {service:?}"), None),
                Verdict::Exit => ("out".to_owned(), None),
                Verdict::Site { host } => (format!("at {}", self.net.names.internet_hosts[host].id), None),
                Verdict::Endpoint { host, .. } => (format!("at {}", self.net.names.internet_hosts[host].id), None),
                Verdict::Speaker { speaker } => {
                    (format!("at an end of {}", self.net.line_name(fabric.speakers[speaker].line)), None)
                }
                Verdict::Taken { domain } => (format!("taken by {}", self.net.names.mcasts[domain].id), None),
                Verdict::Replicate { domain, .. } => (format!("copied in {}", self.net.names.mcasts[domain].id), None),
                Verdict::Drop { by, notify } => (format!("dropped {}", self.net.names.row_text(fabric, by)), notify),
            };
            return Sent { end, packet, notify, hops: notes.hops, steps: notes.steps };
        }
        panic!("64 hops: {packet:?}");
    }

    /// Sends; the end must begin with the words of `expected`. Gives the packet as it arrived.
    #[track_caller]
    pub(crate) fn sends(&mut self, packet: &Packet, expected: &str) -> Packet {
        let sent = self.send(packet);
        assert!(begins(&sent.end, expected), "{packet:?}\n expected {expected}\n      got {}", sent.end);
        sent.packet
    }

    /// Sends a request and the reply to it, which must arrive where the request came from.
    #[track_caller]
    pub(crate) fn exchange(&mut self, packet: &Packet, expected: &str) -> Packet {
        let arrived = self.sends(packet, expected);
        let sent = self.send(&reply(&arrived));
        assert!(sent.end.starts_with("to ") || sent.end == "out", "reply to {packet:?}: {}", sent.end);
        sent.packet
    }

    /// How many connections security groups track.
    pub(crate) fn tracked(&self) -> usize {
        self.flows.conns.len()
    }
}

#[derive(Default)]
struct Notes {
    steps: Vec<Step>,
    hops: Vec<Hop>,
}

impl Recorder for Notes {
    const STEPS: bool = true;
    const HOPS: bool = true;
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn hop(&mut self, hop: Hop, _: &Packet) {
        self.hops.push(hop);
    }
}

fn packet(src: IpAddr, dst: IpAddr, protocol: Protocol, l4: L4, payload: u32) -> Packet {
    let fragment = Fragment { dont: src.is_ipv6(), ..Fragment::default() };
    let headers = Headers { src, dst, protocol, ttl: 64, traffic_class: 0, fragment, l4 };
    Packet { headers, tag: 0, payload: Payload::Zeros(payload) }
}

fn ends(src: &str, dst: &str) -> (SocketAddr, SocketAddr) {
    (src.parse().unwrap(), dst.parse().unwrap())
}

/// `tcp("10.0.0.10:40000", "10.0.1.20:22", SYN)`.
pub(crate) fn tcp(src: &str, dst: &str, flags: TcpFlags) -> Packet {
    let (src, dst) = ends(src, dst);
    let (src_port, dst_port) = (src.port(), dst.port());
    let tcp = Tcp { src_port, dst_port, seq: 1, ack: 0, window: 64240, flags, options_len: 0 };
    packet(src.ip(), dst.ip(), Protocol::TCP, L4::Tcp(tcp), 0)
}

/// A UDP datagram of `bytes` of data.
pub(crate) fn udp(src: &str, dst: &str, bytes: u32) -> Packet {
    let (src, dst) = ends(src, dst);
    let udp = Udp { src_port: src.port(), dst_port: dst.port(), length: 8 + bytes as u16 };
    packet(src.ip(), dst.ip(), Protocol::UDP, L4::Udp(udp), bytes)
}

/// An echo request.
pub(crate) fn ping(src: &str, dst: &str) -> Packet {
    let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let (protocol, kind) = if src.is_ipv4() { (Protocol::ICMP, Icmp::ECHO) } else { (Protocol::ICMPV6, Icmp::V6_ECHO) };
    packet(src, dst, protocol, L4::Icmp(Icmp { kind, code: 0, rest: 7 << 16 | 1 }), 56)
}

/// A packet of a protocol without ports.
pub(crate) fn other(protocol: u8, src: &str, dst: &str) -> Packet {
    packet(src.parse().unwrap(), dst.parse().unwrap(), Protocol(protocol), L4::None, 100)
}

/// The first and the last fragment of a datagram, cut behind `first` bytes of its data (a multiple of 8).
pub(crate) fn fragments(whole: &Packet, first: u32) -> [Packet; 2] {
    let mut head = whole.clone();
    head.headers.fragment = Fragment { id: 77, more: true, ..Fragment::default() };
    head.payload = whole.payload.slice(0, first);
    let mut tail = whole.clone();
    tail.headers.fragment = Fragment { id: 77, offset: ((8 + first) / 8) as u16, ..Fragment::default() };
    tail.headers.l4 = L4::None;
    tail.payload = whole.payload.slice(first, u32::MAX);
    [head, tail]
}

/// Sets don't-fragment.
pub(crate) fn dont_fragment(mut packet: Packet) -> Packet {
    packet.headers.fragment.dont = true;
    packet
}

/// What the host that got `packet` sends back: SYN-ACK to a SYN, ACK to other TCP, the echo reply, or the same bytes.
pub(crate) fn reply(packet: &Packet) -> Packet {
    let mut reply = packet.clone();
    let h = &mut reply.headers;
    (h.src, h.dst, h.ttl) = (h.dst, h.src, 64);
    match &mut h.l4 {
        L4::Tcp(tcp) => {
            (tcp.src_port, tcp.dst_port) = (tcp.dst_port, tcp.src_port);
            tcp.flags = if tcp.flags == SYN { TcpFlags::SYN_ACK } else { ACK };
        }
        L4::Udp(udp) => (udp.src_port, udp.dst_port) = (udp.dst_port, udp.src_port),
        L4::Icmp(icmp) => icmp.kind = if icmp.kind == Icmp::ECHO { Icmp::ECHO_REPLY } else { Icmp::V6_ECHO_REPLY },
        L4::None => {}
    }
    reply
}

/// `BASE, name: code, line, fragment of the message, what follows the topology BASE`: one test each, and `TESTED`, the codes.
macro_rules! refused_behind {
    ($base:ident, $($name:ident: $code:literal, $line:literal, $fragment:literal, $yaml:literal;)*) => {
        $(#[test]
        fn $name() {
            let found = super::harness::diagnostics(&format!("{}{}", $base, $yaml));
            let of_code: Vec<_> = found.iter().filter(|d| d.code == $code).collect();
            assert!(!of_code.is_empty(), "no {}: {found:#?}", $code);
            let hit = of_code.iter().any(|d| d.span.line == $line && d.message.contains($fragment));
            assert!(hit, "{} at line {}, `{}`: {of_code:#?}", $code, $line, $fragment);
        })*

        /// The codes that have a test here.
        pub(super) const TESTED: &[&str] = &[$($code),*];
    };
}
pub(crate) use refused_behind;
