//! The ends of VPN tunnels in time. Each end has its own life: IKE opens the tunnel, renews its keys and notices that the other
//! end is dead, by packets that cross as the tunnel's own do (`crossing.rs`).
//!
//! Keys come from the seed and the tunnel's name. A run begins with tunnels that are up ([`Start::AtRest`]); a cold start
//! opens them.

use super::outer::NATT_KEEPALIVE;
use super::{Event, Sim, Start};
use crate::base::ids::{SpeakerIx, TunnelIx};
use crate::base::rng::Stream;
use crate::base::{IndexVec, Instant};
use crate::compile::Network;
use crate::event::{Fact, Observer, Told, Why};
use crate::fabric::VpnTunnel;
use crate::speak::ike::{Down, DpdAction, IkeConfig, IkeEvent, IkeTunnel, Role};
use crate::spec;
use crate::verdict::Side;
use crate::wire::esp::{self, MATERIAL, ReplayWindow, Sa};
use std::net::IpAddr;

/// One end of a tunnel.
pub(super) struct TunnelEnd {
    pub(super) ike: IkeTunnel,
    /// What it seals with, and how many it has sealed.
    pub(super) outbound: Option<(Sa, u32)>,
    /// What it opens with: the newest last.
    pub(super) inbound: Vec<(Sa, ReplayWindow)>,
    /// Whether it shall be open.
    wanted: bool,
    /// When it sent something last.
    pub(super) sent: Instant,
    /// When it looks whether the NAT device before it needs a keepalive.
    pub(super) keepalive_at: Option<Instant>,
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
    pub(super) fn serve_tunnel(&mut self, tunnel: TunnelIx, side: Side, window: u32) {
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

    /// The keys so far, in the form of Wireshark's `esp_sa` file.
    #[must_use]
    pub fn esp_sa(&self) -> &[String] {
        &self.esp_sa
    }
}
