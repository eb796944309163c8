//! L5: the discrete-event engine. Packets in time: links with latency, bandwidth, queues and loss; hosts
//! with real stacks; the walk in between.
//!
//! One event is one arrival. When it is popped, the walk takes the packet through the interface, the guest
//! answers, its answer walks out by its own interface, and what comes of it is pushed with the link's
//! delay: one event per hop. Simultaneous events run in the order they were pushed.
//!
//! Invariants: time never goes back; every packet is delivered, has left, was dropped by a row, or is in
//! flight ([`Totals`]); random numbers come from streams keyed by seed, purpose and name, so a new host
//! does not change another's draws.

mod crossing;
mod link;
mod load;
mod mirror;
mod multicast;
mod outer;
pub mod queue;
mod routes;
mod services;
mod speak;
mod speakers;
mod step;
mod tunnel;

pub use link::FLOW_BANDWIDTH;
pub use multicast::{QUERIES_MISSED_MAX, QUERY_INTERVAL};
pub use services::SERVICE_ADDRESSES;
pub use speakers::{EPOCHS_MAX, INSTALL, Start};
pub use step::Totals;

use crate::base::ids::{EniIx, GuestIx, InetIx, McastIx, SpeakerIx, TunnelIx, VpcIx};
use crate::base::index::Index;
use crate::base::{IndexVec, Instant};
use crate::compile::Network;
use crate::control::{Rib, TableIx};
use crate::event::{Fact, HostRef, Observer};
use crate::flow::{FlowState, Inside};
use crate::host::{Host, HostConfig, HostEvent};
use crate::load::Load;
use crate::verdict::{Service, Side, Vantage};
use crate::wire::Packet;
use link::Links;
use queue::Queue;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, VecDeque};

/// What is pending.
enum Event {
    /// A packet arrives.
    Arrive { packet: Packet, at: Vantage },
    /// A packet arrives at a host on the internet.
    Internet { packet: Packet, host: InetIx },
    /// A sealed packet arrives at a side of a tunnel, or between two lines if there are `more`.
    Sealed { packet: Packet, tunnel: TunnelIx, to: Side, ike: bool, more: bool },
    /// A packet arrives at a link-local service.
    Service { packet: Packet, eni: EniIx, service: Service },
    /// A multicast domain asks who is a member.
    Query { domain: McastIx },
    /// A host's timer.
    Timer { host: HostRef, generation: u32 },
    /// A speaker's timer.
    Speaker { speaker: SpeakerIx, generation: u32 },
    /// The timer of an end of a tunnel.
    Tunnel { tunnel: TunnelIx, side: Side, generation: u32 },
    /// What sessions stood for at the beginning is given up by those whose time is over.
    Stale,
    /// Packets follow what tables hold.
    Install,
    /// A generator begins a flow.
    LoadArrival(u16),
    /// The timer of a generator's flow.
    LoadTimer(crate::load::Timer),
}

/// A host in the simulation.
struct Node {
    host: Host,
    generation: u32,
    armed: Option<Instant>,
}

/// A network in time.
pub struct Sim<O> {
    network: Network,
    flows: FlowState,
    queue: Queue<Event>,
    now: Instant,
    seed: u64,
    guests: IndexVec<GuestIx, Option<Box<Node>>>,
    internet: IndexVec<InetIx, Option<Box<Node>>>,
    services: IndexVec<VpcIx, Option<Box<Node>>>,
    speakers: IndexVec<SpeakerIx, Option<Box<Node>>>,
    /// Who speaks BGP, unless the control plane stands still.
    speaking: Option<speakers::Speaking>,
    /// Speakers are being attended to.
    attending: bool,
    links: Links,
    load: Load,
    /// Packets for these guests' UDP ports are handed to the caller instead of the host.
    taps: FxHashSet<(GuestIx, u16)>,
    tapped: VecDeque<(Instant, GuestIx, Packet)>,
    /// Conversations whose answers a host's stack does not see.
    ignored: FxHashSet<(u32, HostRef)>,
    happened: VecDeque<(HostRef, HostEvent)>,
    totals: Totals,
    /// Where a service of AWS's that was reached by an endpoint answers, by its flow.
    service_backs: FxHashMap<(InetIx, Inside), Vantage>,
    /// The interface that a service answers, by its conversation.
    askers: FxHashMap<(std::net::IpAddr, u16), EniIx>,
    /// The copy that is being sent gave way to production traffic.
    skipped: bool,
    /// Multicast domains that have members by IGMP, and ask.
    querying: BTreeSet<McastIx>,
    /// The ends of tunnels.
    tunnels: IndexVec<TunnelIx, tunnel::Ends>,
    start: Start,
    esp_sa: Vec<String>,
    /// What one step of a walk crosses; kept, so that a step allocates nothing.
    crossings: step::Crossings,
    /// Who watches.
    pub observer: O,
}

impl<O: Observer> Sim<O> {
    /// A network at rest, at time zero.
    #[must_use]
    pub fn new(network: Network, seed: u64, observer: O) -> Self {
        Self::starting(network, seed, observer, Start::AtRest)
    }

    /// The same with a control plane that begins otherwise.
    #[must_use]
    pub fn starting(network: Network, seed: u64, observer: O, start: Start) -> Self {
        let links = Links::new(&network, seed);
        let mut sim = Self {
            tunnels: tunnel::tunnels(&network, seed, start),
            start,
            speakers: network.fabric.speakers.iter().map(|_| None).collect(),
            speaking: speakers::Speaking::new(&network, seed, start),
            attending: false,
            guests: network.fabric.guests.iter().map(|_| None).collect(),
            internet: network.fabric.internet_hosts.iter().map(|_| None).collect(),
            services: network.fabric.vpcs.iter().map(|_| None).collect(),
            network,
            flows: FlowState::default(),
            queue: Queue::new(),
            now: Instant::START,
            seed,
            links,
            load: Load::default(),
            taps: FxHashSet::default(),
            tapped: VecDeque::new(),
            ignored: FxHashSet::default(),
            happened: VecDeque::new(),
            totals: Totals::default(),
            service_backs: FxHashMap::default(),
            askers: FxHashMap::default(),
            skipped: false,
            querying: BTreeSet::new(),
            esp_sa: Vec::new(),
            crossings: step::Crossings::default(),
            observer,
        };
        sim.look_at_tunnels();
        // What is up at the beginning has spoken.
        for tunnel in sim.tunnels.indices() {
            if sim.is_tunnel_up(tunnel, Side::Customer) {
                sim.ask_walk(|walk| walk.outer_leaves(tunnel));
            }
        }
        sim.start_speakers();
        if start == Start::Cold {
            sim.install();
        }
        sim
    }

    /// What each table of the control plane holds now; none if it stands still.
    #[must_use]
    pub fn ribs(&self) -> Option<&IndexVec<TableIx, Rib>> {
        self.speaking.as_ref().map(|s| s.tables.ribs())
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }
    /// The configuration in force.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }
    /// The live state.
    #[must_use]
    pub const fn flows(&self) -> &FlowState {
        &self.flows
    }
    /// What became of all packets so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let in_flight = self.queue.len() as u64 - self.totals.timers;
        Totals { in_flight, ..self.totals }
    }
    /// Time of the next event.
    #[must_use]
    pub fn next_time(&self) -> Option<Instant> {
        self.queue.peek_time()
    }

    /// Runs everything up to and at `until`, then sets the time to it.
    pub fn run_until(&mut self, until: Instant) {
        while self.queue.peek_time().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Runs the next event. False if there is none: never where routers and gateways speak, for they never fall silent.
    pub fn step(&mut self) -> bool {
        let Some((at, event)) = self.queue.pop() else { return false };
        assert!(at >= self.now, "time does not go back");
        self.now = at;
        match event {
            Event::Arrive { packet, at } => self.walk(packet, at),
            Event::Internet { packet, host } => self.host_takes(HostRef::Internet(host), packet),
            Event::Sealed { packet, tunnel, to, ike, more: true } => self.cross_outside(packet, tunnel, to, ike, true),
            Event::Sealed { packet, tunnel, to, ike, more: false } => self.open(&packet, tunnel, to, ike),
            Event::Service { packet, eni, service } => self.serve(packet, eni, service),
            Event::Query { domain } => self.query(domain),
            Event::Timer { host, generation } => {
                self.totals.timers -= 1;
                self.timer(host, generation);
            }
            Event::Speaker { speaker, generation } => {
                self.totals.timers -= 1;
                self.speaker_timer(speaker, generation);
            }
            Event::Tunnel { tunnel, side, generation } => {
                self.totals.timers -= 1;
                self.tunnel_timer(tunnel, side, generation);
            }
            Event::Stale => {
                self.totals.timers -= 1;
                self.give_up_stale();
            }
            Event::Install => {
                self.totals.timers -= 1;
                self.install();
            }
            Event::LoadArrival(number) => {
                self.totals.timers -= 1;
                self.load_arrives(number);
            }
            Event::LoadTimer(timer) => {
                self.totals.timers -= 1;
                self.load_timer(timer);
            }
        }
        true
    }

    /// Puts the next configuration in force. Packets under way meet it; connections stay.
    ///
    /// # Panics
    /// If it has other interfaces or guests than the current one: a run changes what they are, not which.
    pub fn configure(&mut self, network: Network) {
        assert_eq!(network.fabric.enis.len(), self.network.fabric.enis.len(), "a change keeps the interfaces");
        assert_eq!(network.fabric.guests.len(), self.network.fabric.guests.len(), "a change keeps the guests");
        for guest in network.fabric.guests.indices() {
            let (old, new) = (&self.network.fabric.guests[guest], &network.fabric.guests[guest]);
            let Some(node) = &mut self.guests[guest] else { continue };
            if old.running && !new.running {
                // What a stopped guest knew is gone, and nobody is told.
                node.host.reset_all();
            }
            node.host.set_listeners(new.listeners.as_deref().unwrap_or_default().to_vec());
            node.host.set_answers_ping(new.answers_ping);
        }
        let epoch = network.fabric.epoch;
        self.network = network;
        self.look_at_tunnels();
        self.reconfigure_speakers();
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Configured { epoch });
        }
    }

    /// What hosts have reported, oldest first.
    pub fn poll_host_event(&mut self) -> Option<(HostRef, HostEvent)> {
        self.happened.pop_front()
    }

    /// Hands packets for a guest's UDP port to [`poll_tapped`](Self::poll_tapped).
    pub fn tap(&mut self, guest: GuestIx, port: u16) {
        self.taps.insert((guest, port));
    }
    /// From now on a host's stack does not see packets with this tag, as behind a firewall of its own.
    pub fn ignore_answers(&mut self, tag: u32, host: HostRef) {
        self.ignored.insert((tag, host));
    }
    /// The next tapped packet.
    pub fn poll_tapped(&mut self) -> Option<(Instant, GuestIx, Packet)> {
        self.tapped.pop_front()
    }

    /// Gives a host something to do, and sends what comes of it.
    pub fn with_host<T>(&mut self, host: HostRef, act: impl FnOnce(&mut Host, Instant) -> T) -> T {
        let now = self.now;
        let result = act(&mut self.node(host).host, now);
        self.drain(host);
        result
    }

    /// The host, made on first use.
    fn node(&mut self, host: HostRef) -> &mut Node {
        let (network, seed) = (&self.network, self.seed);
        let make = |config: HostConfig| Some(Node::of(config));
        let slot = match host {
            HostRef::Guest(guest) => {
                let slot = &mut self.guests[guest];
                if slot.is_none() {
                    *slot = make(guest_config(network, guest, seed));
                }
                slot
            }
            HostRef::Internet(inet) => {
                let slot = &mut self.internet[inet];
                if slot.is_none() {
                    *slot = make(internet_config(network, inet, seed));
                }
                slot
            }
            HostRef::Speaker(speaker) => {
                let slot = &mut self.speakers[speaker];
                if slot.is_none() {
                    *slot = make(speakers::config(network, speaker, seed));
                }
                slot
            }
            HostRef::Services(vpc) => {
                let slot = &mut self.services[vpc];
                if slot.is_none() {
                    *slot = make(services::config(network, vpc, seed));
                }
                slot
            }
        };
        slot.as_mut().expect("just made")
    }
}

fn guest_config(network: &Network, guest: GuestIx, seed: u64) -> HostConfig {
    let g = &network.fabric.guests[guest];
    let mut addresses = Vec::new();
    for eni in &g.enis {
        let e = &network.fabric.enis[*eni];
        addresses.extend(e.v4.map(std::net::IpAddr::V4));
        addresses.extend(e.v6.map(std::net::IpAddr::V6));
    }
    HostConfig {
        name: network.stream_name_of_guest(guest),
        seed,
        addresses,
        os: g.os,
        listeners: g.listeners.as_deref().unwrap_or_default().to_vec(),
        listens_everywhere: false,
        refuses: true,
        answers_ping: g.answers_ping,
        mtu: g.mtu,
        ephemeral: g.ephemeral,
        streams: false,
    }
}

fn internet_config(network: &Network, inet: InetIx, seed: u64) -> HostConfig {
    let h = &network.fabric.internet_hosts[inet];
    HostConfig {
        name: format!("internet host {}", inet.to_usize()),
        seed,
        // A service answers at whatever address it is reached.
        addresses: if h.anywhere { Vec::new() } else { h.addresses.to_vec() },
        os: crate::fabric::GuestOs::Linux,
        listeners: h.listeners.to_vec(),
        listens_everywhere: h.takes_everything,
        refuses: h.refuses,
        answers_ping: h.answers_ping,
        mtu: h.mtu,
        ephemeral: crate::base::PortRange { from: 32768, to: 60999 },
        streams: false,
    }
}
