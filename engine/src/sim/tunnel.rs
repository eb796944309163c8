//! VPN tunnels and virtual interfaces in time: what a tunnel carries is cut to fit, sealed with ESP, crosses the internet as
//! a packet of its own, and is opened and checked at the other side. Each end has its own life: IKE opens the tunnel, renews
//! its keys and notices that the other end is dead, by packets that cross the same way.
//!
//! Keys come from the seed and the tunnel's name. A run begins with tunnels that are up ([`Start::AtRest`]); a cold start
//! opens them.

use super::outer::NATT_KEEPALIVE;
use super::{Event, Sim, Start};
use crate::base::ids::{SpeakerIx, TunnelIx, VifIx};
use crate::base::rng::Stream;
use crate::base::{IndexVec, Instant};
use crate::compile::Network;
use crate::event::{Fact, Observer, Point, Told, Why};
use crate::fabric::{RouterRow, TunnelRow, VpnTunnel};
use crate::speak::ike::{Down, DpdAction, IkeConfig, IkeEvent, IkeTunnel, Role};
use crate::spec;
use crate::verdict::{LinkIx, Side, Vantage};
use crate::wire::Packet;
use crate::wire::esp::{self, MATERIAL, ReplayWindow, Sa};
use std::net::IpAddr;

/// One end of a tunnel.
pub(super) struct TunnelEnd {
    ike: IkeTunnel,
    /// What it seals with, and how many it has sealed.
    outbound: Option<(Sa, u32)>,
    /// What it opens with: the newest last.
    inbound: Vec<(Sa, ReplayWindow)>,
    /// Whether it shall be open.
    wanted: bool,
    /// When it sent something last.
    pub(super) sent: Instant,
    /// When it looks whether the NAT device before it needs a keepalive.
    pub(super) keepalive_at: Option<Instant>,
    /// When something last passed the NAT device before it.
    pub(super) passed_nat: Option<Instant>,
    armed: Option<Instant>,
    generation: u32,
}

/// Both ends of a tunnel whose customer's side is described, the customer's first.
pub(super) type Ends = Option<Box<[TunnelEnd; 2]>>;

pub(super) const fn at(side: Side) -> usize {
    match side {
        Side::Customer => 0,
        Side::Aws => 1,
    }
}

/// The tunnels of a network, as a run begins.
pub(super) fn tunnels(network: &Network, seed: u64, start: Start) -> IndexVec<TunnelIx, Ends> {
    let ends = |(tunnel, t): (TunnelIx, &VpnTunnel)| {
        t.speakers?;
        let name = &network.line_name(crate::fabric::Line::Tunnel(tunnel));
        let asks = t.router.is_none_or(|router| network.fabric.routers[router].line.asks);
        Some(Box::new([Side::Customer, Side::Aws].map(|side| TunnelEnd::new(t, side, asks, name, seed, start))))
    };
    network.fabric.tunnels.iter_enumerated().map(ends).collect()
}

impl TunnelEnd {
    fn new(t: &VpnTunnel, side: Side, asks: bool, name: &str, seed: u64, start: Start) -> Self {
        let mut keys = Stream::new(seed, "esp", name);
        let mut secret = [0; MATERIAL];
        for chunk in secret.chunks_exact_mut(8) {
            chunk.copy_from_slice(&keys.next_u64().to_be_bytes());
        }
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let (local, remote) = if side == Side::Aws { (aws, customer) } else { (customer, aws) };
        // VPN-17.
        let starts = (side == Side::Aws) == t.life.aws_starts;
        let config = IkeConfig {
            role: if starts { Role::Initiator } else { Role::Responder },
            local,
            remote,
            natt: t.natt,
            suite: t.suite,
            secret,
            dpd_timeout: t.life.dpd_timeout,
            dpd_action: match (side, t.life.dpd_action) {
                (Side::Customer, _) if !asks => DpdAction::None,
                (Side::Customer, _) | (_, spec::DpdAction::Clear) => DpdAction::Clear,
                (_, spec::DpdAction::None) => DpdAction::None,
                (_, spec::DpdAction::Restart) => DpdAction::Restart,
            },
            phase1_lifetime: t.life.phase1,
            phase2_lifetime: t.life.phase2,
            rekey_margin: t.life.rekey_margin,
            renews: side == Side::Customer || t.life.aws_renews,
            rekey_fuzz_percent: t.life.rekey_fuzz.into(),
        };
        let random = Stream::new(seed, "ike", &format!("{name} {}", at(side)));
        let open = t.is_up(side) && start != Start::Cold;
        let ike =
            if open { IkeTunnel::established(config, random, Instant::START) } else { IkeTunnel::new(config, random) };
        Self {
            ike,
            outbound: None,
            inbound: Vec::new(),
            wanted: open,
            sent: Instant::START,
            keepalive_at: None,
            passed_nat: open.then_some(Instant::START),
            armed: None,
            generation: 0,
        }
    }
}

impl<O: Observer> Sim<O> {
    /// Ends that shall be open are opened, others are closed.
    pub(super) fn look_at_tunnels(&mut self) {
        for tunnel in self.tunnels.indices() {
            for side in [Side::Customer, Side::Aws] {
                self.look_at_tunnel(tunnel, side);
            }
        }
    }

    fn look_at_tunnel(&mut self, tunnel: TunnelIx, side: Side) {
        let (now, fabric) = (self.now, &self.network.fabric);
        let t = &fabric.tunnels[tunnel];
        let alive = side == Side::Aws || t.router.is_none_or(|router| fabric.routers[router].up);
        let window = t.replay_window;
        let Some(ends) = &mut self.tunnels[tunnel] else { return };
        let end = &mut ends[at(side)];
        if !alive && end.wanted {
            end.ike.reset();
            (end.outbound, end.inbound, end.wanted, end.keepalive_at) = (None, Vec::new(), false, None);
        } else if alive && t.enabled && !end.wanted {
            end.ike.start(now);
            end.wanted = true;
        } else if !t.enabled && end.wanted {
            end.ike.stop(now);
            end.wanted = false;
        }
        self.serve_tunnel(tunnel, side, window);
    }

    /// Sends what an end has to say, and hears what became of it.
    fn serve_tunnel(&mut self, tunnel: TunnelIx, side: Side, window: u32) {
        while let Some(ends) = &mut self.tunnels[tunnel] {
            let end = &mut ends[at(side)];
            if let Some(event) = end.ike.poll_event() {
                self.tunnel_event(tunnel, side, event, window);
            } else if let Some(packet) = end.ike.poll_transmit() {
                self.send_own(packet, tunnel, side, true);
            } else {
                break;
            }
        }
        let now = self.now;
        let frozen = self.start == Start::Frozen;
        let Some(ends) = &mut self.tunnels[tunnel] else { return };
        let end = &mut ends[at(side)];
        let next = [end.ike.poll_at(), end.keepalive_at].into_iter().flatten().min().filter(|_| !frozen);
        if next != end.armed {
            end.armed = next;
            end.generation += 1;
            let generation = end.generation;
            if let Some(at) = next {
                self.push_timer(at.max(now), Event::Tunnel { tunnel, side, generation });
            }
        }
    }

    fn tunnel_event(&mut self, tunnel: TunnelIx, side: Side, event: IkeEvent, window: u32) {
        let t = &self.network.fabric.tunnels[tunnel];
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let (from, to) = if side == Side::Aws { (customer, aws) } else { (aws, customer) };
        let keeps_open = side == Side::Customer
            && t.natt
            && t.router.is_some_and(|router| self.network.fabric.routers[router].line.keepalive);
        let first = self.now == Instant::START && self.start != Start::Cold;
        let Some(ends) = &mut self.tunnels[tunnel] else { return };
        let end = &mut ends[at(side)];
        let told = match event {
            IkeEvent::Up(child) => {
                self.esp_sa.push(esp::esp_sa_line(&child.inbound, from, to));
                end.inbound = vec![(child.inbound, ReplayWindow::new(window))];
                end.outbound = Some((child.outbound, 0));
                end.keepalive_at = keeps_open.then_some(self.now + NATT_KEEPALIVE);
                // A run begins with tunnels that are up: that is no news.
                (!first).then_some(Told::TunnelUp)
            }
            IkeEvent::Rekeyed(child) => {
                self.esp_sa.push(esp::esp_sa_line(&child.inbound, from, to));
                end.inbound.push((child.inbound, ReplayWindow::new(window)));
                end.outbound = Some((child.outbound, 0));
                Some(Told::Rekeyed)
            }
            IkeEvent::Retired { spi_inbound } => {
                end.inbound.retain(|(sa, _)| sa.spi != spi_inbound);
                None
            }
            IkeEvent::Down { why } => {
                (end.inbound, end.outbound, end.keepalive_at) = (Vec::new(), None, None);
                Some(Told::TunnelDown(match why {
                    Down::DeadPeer => Why::DeadPeer,
                    Down::Deleted => Why::Deleted,
                    Down::NoAnswer => Why::NoAnswer,
                }))
            }
        };
        let Some(told) = told else { return };
        let Some(speakers) = self.network.fabric.tunnels[tunnel].speakers else { return };
        let speaker: SpeakerIx = speakers[at(side)];
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Spoke { speaker, told });
        }
        if told != Told::Rekeyed {
            self.touch();
            self.look_at_line(speaker);
            self.attend();
        }
    }

    /// A packet enters a tunnel; `to` is the side it goes to.
    pub(super) fn seal(&mut self, packet: &Packet, tunnel: TunnelIx, to: Side) {
        let (now, side) = (self.now, to.other());
        let t = &self.network.fabric.tunnels[tunnel];
        let (mtu, natt, down, window) = (t.mtu, t.natt, t.row(TunnelRow::Down), t.replay_window);
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let (src, dst) = if to == Side::Customer { (aws, customer) } else { (customer, aws) };
        for piece in self.cut(packet, mtu) {
            let end = self.tunnels[tunnel].as_mut().map(|ends| &mut ends[at(side)]);
            let sealed = end.and_then(|end| {
                end.ike.sent(now);
                let (sa, sequence) = end.outbound.as_mut()?;
                *sequence += 1;
                Some(esp::seal(sa, *sequence, &piece, src, dst, natt))
            });
            match sealed {
                Some(outer) => {
                    self.watch(Point::Inner(tunnel), to, &piece);
                    self.outside(outer, tunnel, to, false);
                }
                // Its route has not moved yet.
                None => self.drop(&piece, down, None),
            }
        }
        self.serve_tunnel(tunnel, side, window);
    }

    /// A packet arrives at the other side's outer address.
    pub(super) fn open(&mut self, outer: &Packet, tunnel: TunnelIx, to: Side, ike: bool) {
        if to == Side::Customer && !self.passes_nat(tunnel) {
            let by = self.network.fabric.tunnels[tunnel].row(TunnelRow::NatIdle);
            return self.drop(outer, by, None);
        }
        if esp::is_keepalive(outer) {
            // RFC 3948 section 2.3: its receiver ignores it.
            self.totals.delivered += 1;
            return;
        }
        let (now, fabric) = (self.now, &self.network.fabric);
        let t = &fabric.tunnels[tunnel];
        let (bad, window) = (t.row(TunnelRow::Bad), t.replay_window);
        if let (Side::Customer, Some(router)) = (to, t.router)
            && !fabric.routers[router].up
        {
            let by = fabric.routers[router].row(RouterRow::Down);
            return self.drop(outer, by, None);
        }
        let Some(ends) = &mut self.tunnels[tunnel] else { return self.drop(outer, bad, None) };
        let end = &mut ends[at(to)];
        if ike {
            self.totals.delivered += 1;
            end.ike.handle_packet(now, outer);
            return self.serve_tunnel(tunnel, to, window);
        }
        let spi = esp::peek(outer).map_or(0, |(spi, _)| spi);
        let opened = end.inbound.iter_mut().find(|(sa, _)| sa.spi == spi).and_then(|(sa, window)| {
            let (sequence, packet) = esp::open(sa, outer).ok()?;
            window.accept(sequence).then_some(packet)
        });
        match opened {
            Some(packet) => {
                end.ike.heard(now);
                self.walk(packet, Vantage::TunnelEnd(tunnel, to));
            }
            None => self.drop(outer, bad, None),
        }
    }

    /// An end's timer.
    pub(super) fn tunnel_timer(&mut self, tunnel: TunnelIx, side: Side, generation: u32) {
        let now = self.now;
        let window = self.network.fabric.tunnels[tunnel].replay_window;
        let Some(ends) = &mut self.tunnels[tunnel] else { return };
        let end = &mut ends[at(side)];
        if end.generation != generation {
            return;
        }
        end.armed = None;
        end.ike.handle_timeout(now);
        self.keep_open(tunnel, side);
        self.serve_tunnel(tunnel, side, window);
    }

    /// A packet goes over a virtual interface by one of its cables; `to` is the side it goes to.
    pub(super) fn over_vif(&mut self, packet: &Packet, vif: VifIx, to: Side, link: LinkIx) {
        let mtu = self.network.fabric.vifs[vif].mtu;
        for piece in self.cut(packet, mtu) {
            self.watch(Point::Vif(vif), to, &piece);
            match self.links.cross_line(&self.network.fabric, &piece, link, to, self.now) {
                Ok(at) => self.queue.push(at, Event::Arrive { packet: piece, at: Vantage::VifEnd(vif, to) }),
                Err(by) => self.drop(&piece, by, None),
            }
        }
    }

    /// Whether an end takes a tunnel for up.
    pub(super) fn is_tunnel_up(&self, tunnel: TunnelIx, side: Side) -> bool {
        match &self.tunnels[tunnel] {
            Some(ends) => ends[at(side)].outbound.is_some(),
            None => self.network.fabric.tunnels[tunnel].enabled,
        }
    }
    /// The same of every tunnel: AWS's end, the customer's.
    pub(super) fn tunnels_up(&self) -> IndexVec<TunnelIx, [bool; 2]> {
        let both = |t: TunnelIx| [Side::Aws, Side::Customer].map(|side| self.is_tunnel_up(t, side));
        self.network.fabric.tunnels.indices().map(both).collect()
    }

    pub(super) fn watch(&mut self, point: Point, to: Side, packet: &Packet) {
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Passed { point, to, packet });
        }
    }

    /// The keys so far, in the form of Wireshark's `esp_sa` file.
    #[must_use]
    pub fn esp_sa(&self) -> &[String] {
        &self.esp_sa
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Protocol;
    use crate::diag::FileIx;
    use crate::wire::{Fragment, Headers, L4, Payload, Udp};

    fn sim() -> Sim<()> {
        let yaml = include_str!("../../../topologies/site-to-site-vpn.yaml");
        let (spec, _) = crate::spec::read(FileIx(0), yaml.as_bytes());
        let (network, _) = crate::compile::compile(&spec.expect("a topology"));
        Sim::starting(network.expect("without a mistake"), 0, (), Start::Frozen)
    }

    fn packet() -> Packet {
        let headers = Headers {
            src: "10.0.1.10".parse().unwrap(),
            dst: "172.16.1.10".parse().unwrap(),
            protocol: Protocol::UDP,
            ttl: 64,
            traffic_class: 0,
            fragment: Fragment::default(),
            l4: L4::Udp(Udp { src_port: 1, dst_port: 2, length: 108 }),
        };
        Packet { headers, tag: 0, payload: Payload::Zeros(100) }
    }

    /// VPN-7: once only, and nothing that was changed on the way.
    #[test]
    fn repeats_and_changes_are_dropped() {
        let (tunnel, to) = (TunnelIx(0), Side::Customer);
        let mut sim = sim();
        sim.seal(&packet(), tunnel, to);
        let Some((at, Event::Sealed { packet: outer, .. })) = sim.queue.pop() else { panic!("it is on its way") };
        sim.now = at;
        assert_eq!((outer.headers.protocol, outer.headers.dst.to_string().as_str()), (esp::PROTOCOL, "203.0.113.10"));
        let mut changed = outer.clone();
        let mut bytes = outer.payload.to_vec();
        bytes[40] ^= 1;
        changed.payload = bytes.as_slice().into();
        sim.open(&changed, tunnel, to, false);
        assert_eq!(sim.totals().dropped, 1, "changed");
        sim.open(&outer, tunnel, to, false);
        assert_eq!(sim.totals().dropped, 1, "taken");
        sim.open(&outer, tunnel, to, false);
        assert_eq!(sim.totals().dropped, 2, "repeated");
    }

    /// VPN-5: what may be cut is cut before it is sealed.
    #[test]
    fn pieces_are_sealed_one_by_one() {
        let mut sim = sim();
        let mut big = packet();
        big.headers.l4 = L4::Udp(Udp { src_port: 1, dst_port: 2, length: 2008 });
        big.payload = Payload::Zeros(2000);
        sim.seal(&big, TunnelIx(0), Side::Customer);
        let mut sizes = Vec::new();
        while let Some((_, Event::Sealed { packet, .. })) = sim.queue.pop() {
            sizes.push(packet.len());
        }
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|len| *len <= 1500), "{sizes:?}");
    }
}
