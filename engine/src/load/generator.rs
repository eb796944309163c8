//! What a generator does, and the flows that it begins.

use super::distribution::{Arrivals, Size, exponential};
use super::flow::{Around, Flow, Half, Phase, Script};
use super::packet::{self, Ends, Segment, segment};
use super::tag::Tag;
use super::{Load, Local, Running, Timer};
use crate::base::{Instant, Nanos, PortRange, Protocol, Stream};
use crate::event::HostRef;
use crate::wire::TcpFlags;
use ipnet::IpNet;
use rustc_hash::FxHashSet;
use std::net::IpAddr;

/// Flows by a model.
#[derive(Clone, Debug)]
pub struct Generator {
    /// Between whom, and what.
    pub plan: Plan,
    /// When they begin.
    pub arrivals: Arrivals,
    /// How many a second, on average; of [`Arrivals::OnOff`], in a period with flows.
    pub rate: u64,
    /// No flow begins later than this after the first.
    pub duration: Nanos,
    /// No more flows than this.
    pub total: Option<u64>,
}

/// Between whom, and what.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Clients ask servers.
    Exchange(Exchange),
    /// One host looks which ports of which addresses answer.
    Scan(Scan),
    /// Packets that nobody keeps a record of.
    Flood(Flood),
}

/// A host that begins flows.
#[derive(Clone, Debug)]
pub struct Client {
    /// The host.
    pub host: HostRef,
    /// What it is to its flows.
    pub local: Local,
    /// Where its source ports are taken from.
    pub ephemeral: PortRange,
}

/// A service that clients ask.
#[derive(Clone, Debug)]
pub struct Server {
    /// TCP, UDP or an echo request.
    pub protocol: Protocol,
    /// Its port.
    pub port: u16,
    /// How often it is asked, in proportion to the others.
    pub weight: u32,
    /// Bytes that a client sends.
    pub request: Size,
    /// Bytes that it answers.
    pub response: Size,
}

/// Clients ask servers: each flow is between one of either, drawn.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Who asks, each as often as the others.
    pub clients: Vec<Client>,
    /// Who is asked.
    pub servers: Vec<Server>,
    /// Source and destination address of each client and server, by client and then by server; none if the client
    /// cannot name the server.
    pub addresses: Vec<Option<(IpAddr, IpAddr)>>,
    /// Next port of each client and server.
    next: Vec<u32>,
    /// Ports in use.
    used: FxHashSet<(u32, u16)>,
}

/// One host looks which ports of which addresses answer, address by address.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Who looks.
    pub client: Client,
    /// Its IPv4 and its IPv6 address.
    pub addresses: (Option<IpAddr>, Option<IpAddr>),
    /// What is looked at.
    pub targets: Vec<IpNet>,
    /// TCP or UDP; or an echo request to each address.
    pub protocol: Protocol,
    /// Which ports; not looked at for echo requests.
    pub ports: Vec<PortRange>,
}

/// What a flood is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloodKind {
    /// First segments of connections.
    Syn,
    /// Datagrams.
    Udp,
    /// Echo requests.
    Icmp,
}

/// Packets that nobody keeps a record of.
#[derive(Clone, Debug)]
pub struct Flood {
    /// Who sends, with source and destination address; each as often as the others.
    pub clients: Vec<(Client, IpAddr, IpAddr)>,
    /// What.
    pub kind: FloodKind,
    /// Destination port.
    pub port: u16,
    /// Bytes of data.
    pub bytes: u16,
    /// Source addresses are drawn from here instead.
    pub spoof: Option<IpNet>,
}

impl Exchange {
    /// Clients that ask servers.
    #[must_use]
    pub fn new(clients: Vec<Client>, servers: Vec<Server>, addresses: Vec<Option<(IpAddr, IpAddr)>>) -> Self {
        let next = vec![0; addresses.len()];
        Self { clients, servers, addresses, next, used: FxHashSet::default() }
    }

    /// A free source port: the next one.
    fn port(&mut self, pair: usize, range: PortRange) -> Option<u16> {
        for _ in 0..range.count() {
            let port = range.from + (self.next[pair] % range.count()) as u16;
            self.next[pair] = self.next[pair].wrapping_add(1);
            if self.used.insert((pair as u32, port)) {
                return Some(port);
            }
        }
        None
    }
}

impl Scan {
    /// Addresses and ports in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        let addresses = self.targets.iter().map(addresses_of).fold(0, u64::saturating_add);
        addresses.saturating_mul(self.ports_each())
    }
    fn ports_each(&self) -> u64 {
        if self.protocol.has_ports() { self.ports.iter().map(|range| u64::from(range.count())).sum() } else { 1 }
    }
    fn target(&self, n: u64) -> Option<(IpAddr, u16)> {
        let (mut address, mut port) = (n / self.ports_each().max(1), n % self.ports_each().max(1));
        let net = self.targets.iter().find(|net| {
            let count = addresses_of(net);
            let here = address < count;
            address -= if here { 0 } else { count };
            here
        })?;
        let range = self.ports.iter().find(|range| {
            let here = port < u64::from(range.count());
            port -= if here { 0 } else { range.count().into() };
            here
        });
        Some((nth(net, address.into()), range.map_or(0, |range| range.from + port as u16)))
    }
}

fn addresses_of(net: &IpNet) -> u64 {
    let bits = u32::from(net.max_prefix_len() - net.prefix_len());
    1u64.checked_shl(bits).unwrap_or(u64::MAX)
}

fn nth(net: &IpNet, n: u128) -> IpAddr {
    match net.network() {
        IpAddr::V4(first) => IpAddr::V4((u32::from(first).wrapping_add(n as u32)).into()),
        IpAddr::V6(first) => IpAddr::V6((u128::from(first).wrapping_add(n)).into()),
    }
}

impl Generator {
    /// A flow is over: its port is free.
    pub(super) fn release(&mut self, flow: &Flow) {
        if let Plan::Exchange(exchange) = &mut self.plan {
            exchange.used.remove(&(flow.pair, flow.near.src_port));
        }
    }
}

impl Running {
    /// When the next flow begins; none if never.
    pub(super) fn next_arrival(&mut self, now: Instant, first: bool) -> Option<Instant> {
        let (rate, random) = (self.generator.rate.max(1), &mut self.random);
        let gap = 1_000_000_000 / rate;
        let wait = |random: &mut Stream| Nanos(exponential(random, gap).max(1));
        Some(match self.generator.arrivals {
            Arrivals::Constant if first => now,
            Arrivals::Constant => {
                let began = self.ends.0 - self.generator.duration.0;
                let after = u128::from(self.tally.begun()) * 1_000_000_000 / u128::from(rate);
                Instant(began.saturating_add(u64::try_from(after).unwrap_or(u64::MAX))).max(now)
            }
            Arrivals::Poisson => now + wait(random),
            Arrivals::OnOff { on, off } => {
                if first {
                    self.on_until = now + Nanos(exponential(random, on.0));
                }
                let mut at = now + wait(random);
                while at > self.on_until {
                    if self.on_until > self.ends {
                        return None;
                    }
                    let from = self.on_until + Nanos(exponential(random, off.0));
                    self.on_until = from + Nanos(exponential(random, on.0).max(1));
                    at = from + wait(random);
                }
                at
            }
        })
    }
}

impl Load {
    /// A flow of this generator begins now.
    pub(super) fn begin(&mut self, now: Instant, number: u16) {
        let slot = self.flows.next();
        let Some(running) = self.running.get_mut(&number) else { return };
        if let Plan::Flood(flood) = &running.generator.plan {
            let (host, packet) = flood.packet(Tag::all(number), &mut running.random);
            running.tally.started += 1;
            running.tally.packets += 1;
            return self.out.push_back((host, packet));
        }
        let Some((slot, flow)) = slot.and_then(|slot| Some((slot, running.flow(now, number, slot)?))) else {
            running.tally.not_started += 1;
            return;
        };
        let mut flow = flow;
        self.generation = self.generation.wrapping_add(1);
        flow.generation = self.generation;
        running.tally.started += 1;
        running.open += 1;
        flow.begin(&mut Around { now, out: &mut self.out, tally: &mut running.tally });
        self.timers.push_back((flow.deadline, Timer { slot, generation: flow.generation }));
        self.flows.insert(flow);
    }
}

impl Running {
    /// The next flow of an exchange or a scan.
    fn flow(&mut self, now: Instant, number: u16, slot: u32) -> Option<Flow> {
        let random = &mut self.random;
        let (client, pair, near, script, sizes) = match &mut self.generator.plan {
            Plan::Exchange(e) => {
                let client = random.below(e.clients.len() as u64) as usize;
                let weights: u64 = e.servers.iter().map(|server| u64::from(server.weight)).sum();
                let mut at = random.below(weights);
                let server = e.servers.iter().position(|server| {
                    let here = at < u64::from(server.weight);
                    at = at.saturating_sub(server.weight.into());
                    here
                })?;
                let pair = client * e.servers.len() + server;
                let (src, dst) = e.addresses[pair]?;
                let range = e.clients[client].ephemeral;
                let src_port = e.port(pair, range)?;
                let s = &e.servers[server];
                let script = match s.protocol {
                    Protocol::TCP => Script::Tcp,
                    Protocol::UDP => Script::Udp,
                    _ => Script::Echo,
                };
                let most = if script == Script::Echo { 1_400 } else { u64::MAX };
                let sizes = (s.request.draw(random).min(most), s.response.draw(random));
                let near = Ends { src, dst, src_port, dst_port: if script == Script::Echo { 0 } else { s.port } };
                (e.clients[client].clone(), pair as u32, near, script, sizes)
            }
            Plan::Scan(scan) => {
                let (dst, dst_port) = scan.target(self.tally.begun())?;
                let src = if dst.is_ipv4() { scan.addresses.0 } else { scan.addresses.1 }?;
                let range = scan.client.ephemeral;
                let src_port = range.from + random.below(range.count().into()) as u16;
                let script = match scan.protocol {
                    Protocol::TCP => Script::SynProbe,
                    Protocol::UDP => Script::UdpProbe,
                    _ => Script::Echo,
                };
                (scan.client.clone(), 0, Ends { src, dst, src_port, dst_port }, script, (0, 0))
            }
            Plan::Flood(_) => return None,
        };
        let half = |total, first| Half { total, first, ttl: client.local.ttl, ..Half::default() };
        Some(Flow {
            generator: number,
            generation: 0,
            pair,
            tag: Tag::flow(number, slot),
            script,
            phase: Phase::Opening,
            tries: 0,
            deadline: now,
            client: client.host,
            near,
            server: None,
            local: client.local,
            request: half(sizes.0, random.next_u32()),
            response: half(sizes.1, random.next_u32()),
        })
    }
}

impl Flood {
    fn packet(&self, tag: u32, random: &mut Stream) -> (HostRef, crate::wire::Packet) {
        let (client, near, dst) = &self.clients[random.below(self.clients.len() as u64) as usize];
        let src = match &self.spoof {
            Some(net) if net.addr().is_ipv4() == dst.is_ipv4() => {
                let offset = random.below(addresses_of(net));
                nth(net, offset.into())
            }
            _ => *near,
        };
        let src_port = client.ephemeral.from + random.below(client.ephemeral.count().into()) as u16;
        let ends = Ends { src, dst: *dst, src_port, dst_port: self.port };
        let ttl = client.local.ttl;
        let packet = match self.kind {
            FloodKind::Syn => {
                let s = Segment { flags: TcpFlags::SYN, seq: random.next_u32(), ack: 0, data: 0 };
                segment(&ends, ttl, tag, s)
            }
            FloodKind::Udp => packet::datagram(&ends, ttl, tag, self.bytes),
            FloodKind::Icmp => packet::echo(&ends, ttl, tag, self.bytes),
        };
        (client.host, packet)
    }
}
