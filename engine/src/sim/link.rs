//! Links: latency, bandwidth, queues, loss.
//!
//! What limits a packet is its sender: the instance's bandwidth, one flow's (5 Gbps, BW-1), and the link's
//! own where the topology states one. Packets wait in one queue per interface and are dropped when it is
//! full (BW-2). Not modelled: burst credits, limits of packets per second, the receiver's bandwidth, the bandwidth of the
//! networks behind sites' routers.

use crate::base::ids::EniIx;
use crate::base::rng::Stream;
use crate::base::{Bandwidth, IndexVec, Instant, Nanos};
use crate::compile::Network;
use crate::fabric::{EniKind, Fabric};
use crate::verdict::{LinkIx, RowIx, Side};
use crate::wire::Packet;
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// What one flow gets outside of a placement group (BW-1).
pub const FLOW_BANDWIDTH: Bandwidth = Bandwidth::gbps(5);
/// A NAT gateway starts with this (NAT-14).
const NAT_BANDWIDTH: Bandwidth = Bandwidth::gbps(5);

/// Interface, addresses, protocol, ports.
type Flow = (EniIx, IpAddr, IpAddr, u8, (u16, u16));

/// What links remember.
pub(super) struct Links {
    /// When each interface's queue is empty again.
    busy_until: IndexVec<EniIx, Instant>,
    /// The same for mirrored interfaces when copies are counted too: they give way to everything else (MIR-18).
    busy_with_copies: FxHashMap<EniIx, Instant>,
    /// Loss, by sending interface, where there is any.
    loss: FxHashMap<EniIx, Stream>,
    /// Loss on the way in from the internet.
    internet_loss: Stream,
    /// Loss on lines, each its own: both directions in the order in which packets cross.
    line_loss: FxHashMap<LinkIx, Stream>,
    seed: u64,
    /// What streams are called by.
    network: Network,
    /// When each direction of a line with a bandwidth of its own is empty again.
    lines: FxHashMap<(LinkIx, Side), Instant>,
    /// When each flow may send again, where an interface can do more than one flow may.
    flows: FxHashMap<Flow, Instant>,
}

impl Links {
    pub(super) fn new(network: &Network, seed: u64) -> Self {
        Self {
            busy_until: network.fabric.enis.iter().map(|_| Instant::START).collect(),
            busy_with_copies: FxHashMap::default(),
            loss: FxHashMap::default(),
            internet_loss: Stream::new(seed, "loss", "internet"),
            line_loss: FxHashMap::default(),
            seed,
            network: network.clone(),
            flows: FxHashMap::default(),
            lines: FxHashMap::default(),
        }
    }

    /// When a packet that is sent now arrives, or the row of the link that drops it.
    pub(super) fn cross(
        &mut self,
        fabric: &Fabric,
        packet: &Packet,
        sender: Option<EniIx>,
        class: LinkIx,
        now: Instant,
    ) -> Result<Instant, RowIx> {
        self.cross_in(fabric, packet, sender, class, None, now)
    }

    /// The same for a copy that leaves the host of its source. It waits behind everything that is there, nothing waits for it, and it
    /// is the first to find no room; then the row is `skip` (MIR-18).
    pub(super) fn cross_copy(
        &mut self,
        fabric: &Fabric,
        packet: &Packet,
        (eni, skip): (EniIx, RowIx),
        class: LinkIx,
        now: Instant,
    ) -> Result<Instant, RowIx> {
        let arrives = self.cross_in(fabric, packet, None, class, None, now)?;
        let Some(own) = own_bandwidth(fabric, eni) else { return Ok(arrives) };
        let link = fabric.link(class);
        let bandwidth = link.bandwidth.map_or(own, |link| own.min(link));
        let busy = self.busy_with_copies.entry(eni).or_insert(now);
        let start = (*busy).max(now);
        if bytes_in(bandwidth, start.since(now)) > link.queue_bytes {
            return Err(skip);
        }
        let mut leaves = start + bandwidth.time_for(packet.len().into());
        *busy = leaves;
        if bandwidth > FLOW_BANDWIDTH {
            let own_busy = self.flows.entry(flow_of(eni, packet)).or_insert(now);
            let start = (*own_busy).max(leaves);
            if bytes_in(FLOW_BANDWIDTH, start.since(now)) > link.queue_bytes {
                return Err(skip);
            }
            *own_busy = start + FLOW_BANDWIDTH.time_for(packet.len().into());
            leaves = *own_busy;
        }
        Ok(leaves + link.latency)
    }

    /// The same for a line between two routers, which has a queue at each side.
    pub(super) fn cross_line(
        &mut self,
        fabric: &Fabric,
        packet: &Packet,
        class: LinkIx,
        to: Side,
        now: Instant,
    ) -> Result<Instant, RowIx> {
        let link = fabric.link(class);
        let arrives = self.cross_in(fabric, packet, None, class, None, now)?;
        let Some(bandwidth) = link.bandwidth else { return Ok(arrives) };
        let busy = self.lines.entry((class, to)).or_insert(now);
        let start = (*busy).max(now);
        if bytes_in(bandwidth, start.since(now)) > link.queue_bytes {
            return Err(RowIx(fabric.link_rows[class].0 + 1));
        }
        *busy = start + bandwidth.time_for(packet.len().into());
        Ok(*busy + link.latency)
    }

    /// The same for the internet, where a host may have a latency of its own.
    pub(super) fn cross_internet(
        &mut self,
        fabric: &Fabric,
        packet: &Packet,
        sender: Option<EniIx>,
        latency: Option<Nanos>,
        now: Instant,
    ) -> Result<Instant, RowIx> {
        self.cross_in(fabric, packet, sender, LinkIx::INTERNET, latency, now)
    }

    fn cross_in(
        &mut self,
        fabric: &Fabric,
        packet: &Packet,
        sender: Option<EniIx>,
        class: LinkIx,
        latency: Option<Nanos>,
        now: Instant,
    ) -> Result<Instant, RowIx> {
        let link = fabric.link(class);
        let rows = fabric.link_rows[class];
        if let Some(down) = fabric.link_down(class) {
            return Err(down);
        }
        if link.loss.0 > 0 {
            let stream = match sender {
                Some(eni) => {
                    let (seed, network) = (self.seed, &self.network);
                    self.loss.entry(eni).or_insert_with(|| Stream::new(seed, "loss", &network.stream_name_of_eni(eni)))
                }
                None if class >= LinkIx::FIRST_OTHER && class < self.network.fabric.links.next_index() => {
                    let (seed, network) = (self.seed, &self.network);
                    let named = || Stream::new(seed, "loss", &network.stream_name_of_link(class));
                    self.line_loss.entry(class).or_insert_with(named)
                }
                None => &mut self.internet_loss,
            };
            if stream.chance(link.loss) {
                return Err(rows);
            }
        }
        let mut leaves = now;
        let own = sender.and_then(|eni| Some((eni, own_bandwidth(fabric, eni)?)));
        if let Some((eni, own)) = own {
            let bandwidth = link.bandwidth.map_or(own, |link| own.min(link));
            let busy = &mut self.busy_until[eni];
            let start = (*busy).max(now);
            if bytes_in(bandwidth, start.since(now)) > link.queue_bytes {
                return Err(RowIx(rows.0 + 1));
            }
            leaves = start + bandwidth.time_for(packet.len().into());
            if fabric.enis[eni].mirrored {
                let all = self.busy_with_copies.entry(eni).or_insert(now);
                *all = (*all).max(now) + bandwidth.time_for(packet.len().into());
            }
            // A flow of an interface that could do more waits for itself, and nobody else waits for it (BW-1).
            if bandwidth > FLOW_BANDWIDTH {
                let flow = flow_of(eni, packet);
                let own_busy = self.flows.entry(flow).or_insert(now);
                let start = (*own_busy).max(leaves);
                if bytes_in(FLOW_BANDWIDTH, start.since(now)) > link.queue_bytes {
                    return Err(RowIx(rows.0 + 1));
                }
                *own_busy = start + FLOW_BANDWIDTH.time_for(packet.len().into());
                *busy = leaves;
                leaves = *own_busy;
            } else {
                *busy = leaves;
            }
        }
        Ok(leaves + latency.unwrap_or(link.latency))
    }
}

/// What an interface can send at most. A transit gateway's and an endpoint's are not limited: AWS's figures are beyond one network's
/// hosts.
fn own_bandwidth(fabric: &Fabric, eni: EniIx) -> Option<Bandwidth> {
    match fabric.enis[eni].kind {
        EniKind::Guest(guest) => Some(fabric.guests[guest].bandwidth),
        EniKind::Nat(_) => Some(NAT_BANDWIDTH),
        _ => None,
    }
}

/// A flow by its five-tuple, or three-tuple where there are no ports.
fn flow_of(eni: EniIx, packet: &Packet) -> Flow {
    let h = &packet.headers;
    (eni, h.src, h.dst, h.protocol.0, h.ports())
}

/// Bytes that a bandwidth carries in a time.
fn bytes_in(bandwidth: Bandwidth, time: Nanos) -> u64 {
    u64::try_from(u128::from(bandwidth.0) * u128::from(time.0) / 8_000_000_000).unwrap_or(u64::MAX)
}
