//! One packet from one time boundary to the next, and what becomes of it.

use super::{Event, Sim};
use crate::base::Nanos;
use crate::base::ids::{EniIx, InetIx};
use crate::event::{Fact, HostRef, Observer};
use crate::fabric::Line;
use crate::load::tag::Tag;
use crate::verdict::{
    Dir, Entry, Hop, LinkIx, Notify, NotifyKind, RowIx, Side, Step, Through, TrafficPath, Vantage, Verdict,
};
use crate::walk::{DenyPolicy, IGW_MTU, NoRecord, Recorder, Walk};
use crate::wire::{Packet, bgp, fragment, quote};

/// DSCP CS6.
const NETWORK_CONTROL: u8 = 0xc0;

/// What became of all packets: `originated + made == delivered + exited + dropped + in_flight`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Handed to the network by hosts.
    pub originated: u64,
    /// Made by the network: ICMP errors, resets, further pieces of packets it cut.
    pub made: u64,
    /// Taken by guests and link-local services.
    pub delivered: u64,
    /// Gone to the internet.
    pub exited: u64,
    /// Dropped by a row.
    pub dropped: u64,
    /// On links.
    pub in_flight: u64,
    /// Interfaces crossed, in and out counted once each way.
    pub hops: u64,
    pub(super) timers: u64,
}

/// Collects crossings of one step.
#[derive(Default)]
pub(super) struct Crossings {
    hops: Vec<(Hop, Packet)>,
    through: Vec<Through>,
}

impl Recorder for Crossings {
    const STEPS: bool = false;
    const HOPS: bool = true;
    fn step(&mut self, _: Step) {}
    fn hop(&mut self, hop: Hop, packet: &Packet) {
        self.hops.push((hop, packet.clone()));
    }
    fn through(&mut self, through: Through) {
        self.through.push(through);
    }
}

impl<O: Observer> Sim<O> {
    /// Walks a packet from `at` and schedules what follows.
    pub(super) fn walk(&mut self, mut packet: Packet, at: Vantage) {
        let verdict = if O::WATCHES {
            let before = packet.clone();
            let mut crossings = std::mem::take(&mut self.crossings);
            let verdict = self.walk_once(&mut packet, at, &mut crossings);
            self.tell(at, &before, &crossings, &verdict);
            crossings.hops.clear();
            crossings.through.clear();
            self.crossings = crossings;
            verdict
        } else {
            self.walk_once(&mut packet, at, &mut NoRecord)
        };
        match verdict {
            Verdict::Transit { to, link } => self.send_on(packet, at, to, link),
            Verdict::Deliver { eni } => {
                if O::WATCHES {
                    self.observer.on(self.now, &Fact::Delivered { eni, packet: &packet });
                }
                self.deliver(packet, eni);
            }
            Verdict::Serve { eni, service } => {
                let delay = self.network.fabric.link(LinkIx::HOST).latency;
                self.queue.push(self.now + delay, Event::Service { packet, eni, service });
            }
            Verdict::Exit => self.exit(packet, at),
            Verdict::Site { host } => {
                let fabric = &self.network.fabric;
                match self.links.cross(fabric, &packet, None, fabric.line_of(host), self.now) {
                    Ok(at) => self.queue.push(at, Event::Internet { packet, host }),
                    Err(by) => self.drop(&packet, by, None),
                }
            }
            Verdict::Endpoint { host, back } => self.hand_to_service(packet, host, back),
            Verdict::Replicate { domain, sender } => self.replicate(&packet, domain, sender),
            Verdict::Taken { domain } => self.membership(domain),
            Verdict::Speaker { speaker } => self.speaker_takes(speaker, packet),
            Verdict::Drop { by, notify } => self.drop(&packet, by, notify),
        }
        // Production goes first (MIR-18).
        if !self.flows.copies.is_empty() && !matches!(at, Vantage::Mirror { .. }) {
            self.send_copies();
        }
    }

    fn walk_once<R: Recorder>(&mut self, packet: &mut Packet, at: Vantage, recorder: &mut R) -> Verdict {
        let mut walk = Walk {
            fabric: &self.network.fabric,
            flows: &mut self.flows,
            now: self.now,
            policy: DenyPolicy::Stop,
            recorder,
        };
        walk.step(packet, at)
    }

    /// Tells the observers which interfaces were crossed, and where it ended if it did.
    fn tell(&mut self, at: Vantage, before: &Packet, crossings: &Crossings, verdict: &Verdict) {
        let dropped_by = match verdict {
            Verdict::Drop { by, .. } => Some(*by),
            _ => None,
        };
        let last = crossings.hops.len().wrapping_sub(1);
        for (n, (hop, packet)) in crossings.hops.iter().enumerate() {
            let dropped_by = dropped_by.filter(|_| n == last);
            self.observer.on(self.now, &Fact::Crossed { hop, packet, dropped_by, logged: true });
        }
        for through in &crossings.through {
            self.observer.on(self.now, &Fact::Through { through });
        }
        // Nothing was filtered: a link-local service, or a check before any filter.
        if crossings.hops.is_empty()
            && let Some((eni, dir)) = interface_of(at)
        {
            let by = dropped_by.unwrap_or(self.network.fabric.enis[eni].rows);
            let hop = Hop {
                eni,
                dir,
                accepted: dropped_by.is_none(),
                by,
                headers: before.headers,
                len: before.len(),
                next: None,
                path: TrafficPath::None,
                own: true,
                blocked: false,
            };
            self.observer.on(self.now, &Fact::Crossed { hop: &hop, packet: before, dropped_by, logged: false });
        }
    }

    /// Over a link: wait for the bandwidth, cross, arrive.
    fn send_on(&mut self, packet: Packet, from: Vantage, to: Vantage, class: LinkIx) {
        self.totals.hops += 1;
        match to {
            Vantage::TunnelEnd(tunnel, side) => return self.seal(&packet, tunnel, side),
            Vantage::VifEnd(vif, side) => return self.over_vif(&packet, vif, side, class),
            Vantage::Router { router, from: Entry::Router(from) } => {
                // Each direction has a queue of its own.
                let side = if router > from { Side::Aws } else { Side::Customer };
                match self.links.cross_line(&self.network.fabric, &packet, class, side, self.now) {
                    Ok(at) => self.queue.push(at, Event::Arrive { packet, at: to }),
                    Err(by) => self.drop(&packet, by, None),
                }
                return;
            }
            _ => {}
        }
        // A peering between Regions hands over to an interface; a transit gateway has dropped what is too big for it.
        let between_regions = matches!(to, Vantage::In { .. }) && class >= LinkIx::FIRST_OTHER;
        let mtu = match to {
            Vantage::Internet => IGW_MTU,
            _ if between_regions => self.network.fabric.profile.inter_region_peering_mtu,
            _ => u32::MAX,
        };
        if packet.len() > mtu {
            for piece in self.cut(&packet, mtu) {
                self.send_piece(piece, from, to, class);
            }
        } else {
            self.send_piece(packet, from, to, class);
        }
    }

    fn send_piece(&mut self, packet: Packet, from: Vantage, to: Vantage, class: LinkIx) {
        if let Vantage::Mirror { session, eni } = from {
            return self.send_copy(packet, session, eni, to, class);
        }
        match self.links.cross(&self.network.fabric, &packet, sender_of(from), class, self.now) {
            Ok(at) => self.queue.push(at, Event::Arrive { packet, at: to }),
            Err(by) => self.drop(&packet, by, None),
        }
    }

    fn exit(&mut self, packet: Packet, from: Vantage) {
        let fabric = &self.network.fabric;
        let host = fabric.internet_host(packet.headers.dst);
        let mtu = host.map_or(IGW_MTU, |host| fabric.internet_hosts[host].mtu).min(IGW_MTU);
        let extra = host.and_then(|host| fabric.internet_hosts[host].latency);
        // A narrower path beyond the gateway: some router there says so (RFC 1191 section 3).
        if packet.len() > mtu && (packet.headers.fragment.dont || !packet.headers.is_v4()) {
            let router =
                if packet.headers.is_v4() { super::services::FAR_ROUTER.0 } else { super::services::FAR_ROUTER.1 };
            let by = fabric.link_rows[LinkIx::INTERNET];
            let notify = Notify { kind: NotifyKind::TooBig { mtu }, from: router, at: Vantage::Internet };
            return self.drop(&packet, RowIx(by.0 + 3), Some(notify));
        }
        for packet in self.cut(&packet, mtu) {
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Exited { packet: &packet, host });
            }
            let crossed = self.links.cross_internet(&self.network.fabric, &packet, sender_of(from), extra, self.now);
            match (crossed, host) {
                (Err(by), _) => self.drop(&packet, by, None),
                (Ok(_), None) => self.totals.exited += 1,
                (Ok(at), Some(host)) => self.queue.push(at, Event::Internet { packet, host }),
            }
        }
    }

    /// A service of AWS's has the packet by an endpoint; its answers come back the same way.
    fn hand_to_service(&mut self, packet: Packet, host: InetIx, back: Vantage) {
        if let Some(flow) = crate::flow::Inside::answering(&packet.headers) {
            self.service_backs.insert((host, flow), back);
        }
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Exited { packet: &packet, host: Some(host) });
        }
        let delay = self.network.fabric.link(LinkIx::SAME_AZ).latency;
        self.queue.push(self.now + delay, Event::Internet { packet, host });
    }

    /// Cuts what is larger than the link takes; the walk has dropped what must not be cut.
    pub(super) fn cut(&mut self, packet: &Packet, mtu: u32) -> Vec<Packet> {
        let pieces = fragment::split(packet, mtu);
        for piece in &pieces[1..] {
            self.totals.made += 1;
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Made { packet: piece });
            }
        }
        pieces
    }

    pub(super) fn drop(&mut self, packet: &Packet, by: RowIx, notify: Option<Notify>) {
        self.totals.dropped += 1;
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Dropped { packet, by });
        }
        let Some(notify) = notify else { return };
        // RFC 1122 section 3.2.2: no error about an error, and none about a piece that is not the first.
        if packet.headers.is_icmp_error() || packet.headers.fragment.offset != 0 {
            return;
        }
        let message = match notify.kind {
            NotifyKind::TooBig { mtu } => Some(quote::too_big(packet, notify.from, mtu)),
            NotifyKind::TimeExceeded => Some(quote::time_exceeded(packet, notify.from)),
            NotifyKind::Reset => quote::reset(packet),
        };
        if let Some(message) = message {
            self.totals.made += 1;
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Made { packet: &message });
            }
            self.queue.push(self.now, Event::Arrive { packet: message, at: notify.at });
        }
    }

    fn deliver(&mut self, packet: Packet, eni: EniIx) {
        let guest = self.network.fabric.enis[eni].guest().expect("only guests are delivered to");
        let port = packet.headers.ports().1;
        // The guest's DHCP client takes what its server sends (RFC 2131 section 4.1); it has nothing to say to it.
        if packet.headers.protocol == crate::base::Protocol::UDP && packet.headers.ports() == (67, 68) {
            self.totals.delivered += 1;
            return;
        }
        // MIR-27.
        if packet.payload.is_copy() {
            self.totals.delivered += 1;
            return;
        }
        if self.taps.contains(&(guest, port)) && packet.headers.protocol == crate::base::Protocol::UDP {
            self.totals.delivered += 1;
            self.tapped.push_back((self.now, guest, packet));
            return;
        }
        self.host_takes(HostRef::Guest(guest), packet);
    }

    pub(super) fn host_takes(&mut self, host: HostRef, packet: Packet) {
        match host {
            HostRef::Internet(host) if self.network.fabric.vantage_of(host).is_none() => {
                self.totals.exited += 1;
            }
            _ => self.totals.delivered += 1,
        }
        if Tag::of(packet.tag).is_load() {
            return self.load_takes(host, &packet);
        }
        if !self.ignored.is_empty() && self.ignored.contains(&(packet.tag, host)) {
            return;
        }
        let now = self.now;
        let node = &mut self.node(host).host;
        match host {
            // The walk has said that it is for one of the guest's addresses: secondary ones and those of prefixes too (ENI-4).
            HostRef::Guest(_) => node.handle_own_packet(now, packet),
            _ => node.handle_packet(now, packet),
        }
        self.drain(host);
    }

    pub(super) fn timer(&mut self, host: HostRef, generation: u32) {
        let now = self.now;
        let node = self.node(host);
        if node.generation != generation {
            return;
        }
        node.armed = None;
        node.host.handle_timeout(now);
        self.drain(host);
        self.attend();
    }

    /// Sends what a host has to send, hears what it has to say, and sets its timer.
    pub(super) fn drain(&mut self, host: HostRef) {
        while let Some(packet) = self.node(host).host.poll_transmit() {
            self.send_as(host, packet);
        }
        while let Some(event) = self.node(host).host.poll_event() {
            match host {
                HostRef::Speaker(speaker) => self.speaker_hears(speaker, &event),
                _ => self.happened.push_back((host, event)),
            }
        }
        let now = self.now;
        let node = self.node(host);
        let next = node.host.poll_at();
        if next == node.armed {
            return;
        }
        node.armed = next;
        node.generation += 1;
        let generation = node.generation;
        if let Some(at) = next {
            self.totals.timers += 1;
            // A host may ask for a time that has passed: it is called again at once, a moment later.
            self.queue.push(at.max(now + Nanos(1)), Event::Timer { host, generation });
        }
    }

    /// A host sends a packet of the caller's making.
    pub fn send_as(&mut self, host: HostRef, packet: Packet) {
        self.totals.originated += 1;
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Originated { host, packet: &packet });
        }
        self.originate(host, packet);
    }

    fn originate(&mut self, host: HostRef, packet: Packet) {
        match host {
            HostRef::Guest(guest) => {
                let fabric = &self.network.fabric;
                // GST-3: a packet leaves by the interface that has its source address.
                let eni =
                    fabric.guest_eni_with(guest, packet.headers.src).or(fabric.guests[guest].enis.first().copied());
                let Some(eni) = eni else { return };
                if !fabric.guests[guest].running {
                    let by = fabric.enis[eni].row(crate::fabric::EniRow::GuestDown);
                    return self.drop(&packet, by, None);
                }
                // Inside the guest: nothing is crossed (GST-1).
                if fabric.guest_owns(guest, packet.headers.dst) {
                    self.queue
                        .push(self.now + Nanos::from_micros(1), Event::Arrive { packet, at: Vantage::Loopback(eni) });
                    return;
                }
                self.walk(packet, Vantage::Out(eni));
            }
            HostRef::Internet(inet) if self.network.fabric.internet_hosts[inet].router.is_some() => {
                let router = self.network.fabric.internet_hosts[inet].router.expect("at a site");
                let at = Vantage::Router { router, from: Entry::Lan };
                self.send_piece(packet, at, at, LinkIx::SITE);
            }
            HostRef::Internet(inet) if let Some(client) = self.network.fabric.internet_hosts[inet].client => {
                self.walk(packet, Vantage::Client(client));
            }
            HostRef::Internet(inet) => {
                let flow = crate::flow::Inside::of(&packet.headers);
                if let Some(back) = flow.and_then(|flow| self.service_backs.get(&(inet, flow)).copied()) {
                    let delay = self.network.fabric.link(LinkIx::SAME_AZ).latency;
                    self.queue.push(self.now + delay, Event::Arrive { packet, at: back });
                    return;
                }
                let extra = self.network.fabric.internet_hosts[inet].latency;
                match self.links.cross_internet(&self.network.fabric, &packet, None, extra, self.now) {
                    Ok(at) => self.queue.push(at, Event::Arrive { packet, at: Vantage::Internet }),
                    Err(by) => self.drop(&packet, by, None),
                }
            }
            HostRef::Services(_) => self.service_answers(packet),
            HostRef::Speaker(speaker) => {
                let mut packet = packet;
                // BGP to a neighbour goes one hop, and as network control (RFC 4271 section 8.2.1, RFC 4594 section 3.2); BGP-51: two to
                // a Connect peer.
                let hops = match self.network.fabric.speakers[speaker].line {
                    Line::Connect { .. } => 2,
                    _ => 1,
                };
                let (src, dst) = packet.headers.ports();
                if packet.headers.protocol == crate::base::Protocol::TCP && (src == bgp::PORT || dst == bgp::PORT) {
                    (packet.headers.ttl, packet.headers.traffic_class) = (hops, NETWORK_CONTROL);
                }
                self.walk(packet, Vantage::Speaker(speaker));
            }
        }
    }
}

/// The interface where a walk starts.
const fn interface_of(at: Vantage) -> Option<(EniIx, Dir)> {
    match at {
        Vantage::Out(eni) => Some((eni, Dir::Out)),
        Vantage::In { eni, .. } | Vantage::FromService(eni) => Some((eni, Dir::In)),
        Vantage::FromTgw { eni, .. } => Some((eni, Dir::Out)),
        Vantage::Loopback(_)
        | Vantage::RegionalNat(_)
        | Vantage::Internet
        | Vantage::Tgw { .. }
        | Vantage::GatewayEndpoint(_)
        | Vantage::Router { .. }
        | Vantage::Vgw { .. }
        | Vantage::Dxgw { .. }
        | Vantage::Client(_)
        | Vantage::Cvpn(_)
        | Vantage::Public { .. }
        | Vantage::TunnelEnd(..)
        | Vantage::Speaker(_)
        | Vantage::Mirror { .. }
        | Vantage::VifEnd(..) => None,
    }
}

/// The interface whose bandwidth a packet uses when it leaves.
fn sender_of(at: Vantage) -> Option<EniIx> {
    match at {
        Vantage::FromService(_) => None,
        Vantage::Mirror { eni, .. } => Some(eni),
        _ => interface_of(at).map(|(eni, _)| eni),
    }
}
