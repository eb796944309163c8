//! CloudWatch's metrics of NAT gateways, transit gateways, VPN tunnels, virtual interfaces, instances and interface
//! endpoints (facts MET-1 and following).
//!
//! Each metric has its service's own period, counted from the start of the run; a data point is there for each period in
//! which something happened, and for each period of a tunnel's or session's state. Not modelled: what costs more (detailed
//! monitoring), the state and the light of Direct Connect's ports, metrics that need what is not simulated (processor,
//! packets per second allowed, tracked connections allowed).
//!
//! Invariant: what is counted here is what flow logs and captures count at the same places (`tests/metrics.rs`).

mod nat;
mod state;

use super::EPOCH_SECONDS;
use crate::base::Instant;
use crate::base::ids::{EniIx, GuestIx, NatIx, TgwAttachIx, TgwIx, TunnelIx, VifIx, VpceIx};
use crate::compile::Network;
use crate::event::{Fact, Observer, Point, Told};
use crate::fabric::{EniKind, Line};
use crate::record::metric::{DataPoint, Metric, Statistic};
use crate::verdict::{Dir, Hop, RowIx, RowKind, Side, TgwLoss, TgwThrough, Through};
use crate::wire::Packet;
use nat::Nats;
use state::States;
use std::collections::BTreeMap;

/// What a metric is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Subject {
    Nat(NatIx),
    Tgw(TgwIx),
    Attachment(TgwAttachIx),
    Tunnel(TunnelIx),
    Vif(VifIx),
    Guest(GuestIx),
    Eni(EniIx),
    Endpoint(VpceIx),
}

/// Counts what CloudWatch shows.
#[derive(Debug)]
pub struct Metrics {
    network: Network,
    /// Of the open periods, by their beginning in seconds.
    counts: BTreeMap<(u64, Metric, Subject), u64>,
    nats: Nats,
    states: States,
    second: u64,
    done: Vec<DataPoint>,
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self {
            states: States::new(&network.fabric),
            network: network.clone(),
            counts: BTreeMap::new(),
            nats: Nats::default(),
            second: 0,
            done: Vec::new(),
        }
    }
    /// A new configuration.
    pub fn configure(&mut self, network: &Network) {
        self.network = network.clone();
    }
    /// The run is over: every data point, by time, then metric, then what it is about.
    pub fn finish(&mut self, until: Instant) -> Vec<DataPoint> {
        self.advance(until);
        self.close(u64::MAX);
        for (at, subject, metric, value) in self.states.finish(until) {
            self.put(at, metric, subject, value);
        }
        let mut done = std::mem::take(&mut self.done);
        done.sort_by(|a, b| (a.at, a.metric, &a.dimensions).cmp(&(b.at, b.metric, &b.dimensions)));
        done
    }

    fn add(&mut self, metric: Metric, subject: Subject, value: u64) {
        let at = self.second / metric.period() * metric.period();
        *self.counts.entry((at, metric, subject)).or_default() += value;
    }
    fn at_least(&mut self, metric: Metric, subject: Subject, value: u64) {
        let at = self.second / metric.period() * metric.period();
        let old = self.counts.entry((at, metric, subject)).or_default();
        *old = (*old).max(value);
    }

    fn advance(&mut self, now: Instant) {
        let second = now.0 / 1_000_000_000;
        if second / 10 != self.second / 10 {
            // Peaks of ten seconds belong to the period in which they were.
            for (nat, bytes, packets) in self.nats.take_ten_seconds() {
                self.at_least(Metric::PeakBytesPerSecond, Subject::Nat(nat), bytes / 10);
                self.at_least(Metric::PeakPacketsPerSecond, Subject::Nat(nat), packets / 10);
            }
            // MET-8.
            for ((nat, second), count) in self.nats.forget_idle(now) {
                let period = Metric::IdleTimeoutCount.period();
                let key = (second / period * period, Metric::IdleTimeoutCount, Subject::Nat(nat));
                *self.counts.entry(key).or_default() += count;
            }
        }
        let minute = second / 60;
        let moved = minute != self.second / 60;
        self.second = second;
        if moved {
            self.close(second);
        }
    }

    /// Hands out periods that are over at `second`.
    fn close(&mut self, second: u64) {
        let over: Vec<_> = self
            .counts
            .iter()
            .filter(|((at, metric, _), _)| at.saturating_add(metric.period()) <= second || second == u64::MAX)
            .map(|(key, value)| (*key, *value))
            .collect();
        for ((at, metric, subject), value) in over {
            self.counts.remove(&(at, metric, subject));
            let value = match (metric.statistic(), metric) {
                // A rate: bits or packets a second.
                (Statistic::Average, Metric::VifBpsIngress | Metric::VifBpsEgress) => {
                    value as f64 * 8.0 / metric.period() as f64
                }
                (Statistic::Average, _) => value as f64 / metric.period() as f64,
                _ => value as f64,
            };
            self.put(at, metric, subject, value);
        }
    }

    fn put(&mut self, at: u64, metric: Metric, subject: Subject, value: f64) {
        let dimensions = self.dimensions(subject);
        self.done.push(DataPoint { at: EPOCH_SECONDS + at, metric, dimensions, value });
    }

    fn dimensions(&self, subject: Subject) -> Vec<(&'static str, String)> {
        let (names, fabric) = (&self.network.names, &self.network.fabric);
        match subject {
            Subject::Nat(nat) => vec![("NatGatewayId", names.nats[nat].id.clone())],
            Subject::Tgw(tgw) => vec![("TransitGateway", names.tgws[tgw].id.clone())],
            Subject::Attachment(attach) => vec![
                ("TransitGateway", names.tgws[fabric.tgw_attaches[attach].tgw].id.clone()),
                ("TransitGatewayAttachment", names.tgw_attaches[attach].id.clone()),
            ],
            Subject::Tunnel(tunnel) => {
                let id = &names.tunnels[tunnel].id;
                let connection = id.rsplit_once('/').map_or(id.as_str(), |(connection, _)| connection);
                let address = fabric.tunnels[tunnel].outside[0].to_string();
                vec![("VpnId", connection.to_owned()), ("TunnelIpAddress", address)]
            }
            Subject::Vif(vif) => vec![("VirtualInterfaceId", names.vifs[vif].id.clone())],
            Subject::Guest(guest) => vec![("InstanceId", names.guests[guest].id.clone())],
            Subject::Eni(eni) => {
                let guest = fabric.enis[eni].guest().map(|guest| names.guests[guest].id.clone());
                let of = guest.map(|guest| ("InstanceId", guest));
                of.into_iter().chain([("interface", names.enis[eni].id.clone())]).collect()
            }
            Subject::Endpoint(vpce) => vec![("VPC Endpoint Id", names.vpces[vpce].id.clone())],
        }
    }

    fn crossed(&mut self, now: Instant, hop: &Hop, lost: bool) {
        match self.network.fabric.enis[hop.eni].kind {
            EniKind::Nat(nat) => {
                let side = nat::Side::of(hop.dir, hop.own);
                if hop.accepted {
                    self.nat(now, nat, side, &hop.headers, hop.len, lost);
                }
            }
            // What a guest sends is counted before the filters, what it gets behind them (MET-6, assumed).
            EniKind::Guest(guest) if hop.dir == Dir::Out || hop.accepted => {
                let (bytes, packets) = match hop.dir {
                    Dir::In => (Metric::NetworkIn, Metric::NetworkPacketsIn),
                    Dir::Out => (Metric::NetworkOut, Metric::NetworkPacketsOut),
                };
                self.add(bytes, Subject::Guest(guest), hop.len.into());
                self.add(packets, Subject::Guest(guest), 1);
            }
            EniKind::Vpce(vpce) if hop.accepted => {
                self.add(Metric::BytesProcessed, Subject::Endpoint(vpce), hop.len.into());
            }
            _ => {}
        }
    }

    fn nat(&mut self, now: Instant, nat: NatIx, side: nat::Side, headers: &crate::wire::Headers, len: u32, lost: bool) {
        let subject = Subject::Nat(nat);
        let (bytes, packets) = side.metrics();
        self.add(bytes, subject, len.into());
        self.add(packets, subject, 1);
        let seen = self.nats.see(now, nat, side, headers, len, lost);
        self.add(Metric::ConnectionAttemptCount, subject, seen.attempts);
        self.add(Metric::ConnectionEstablishedCount, subject, seen.established);
        self.at_least(Metric::ActiveConnectionCount, subject, seen.active);
    }

    fn tgw(&mut self, t: &TgwThrough) {
        let gateway = self.network.fabric.tgw_attaches[t.via].tgw;
        let both = |attach: TgwAttachIx| [Subject::Tgw(gateway), Subject::Attachment(attach)];
        for subject in both(t.via) {
            self.add(Metric::TgwBytesIn, subject, t.len.into());
            self.add(Metric::TgwPacketsIn, subject, 1);
            match t.out.err() {
                Some(TgwLoss::Blackhole) => {
                    self.add(Metric::TgwBytesBlackhole, subject, t.len.into());
                    self.add(Metric::TgwPacketsBlackhole, subject, 1);
                }
                Some(TgwLoss::NoRoute) => {
                    self.add(Metric::TgwBytesNoRoute, subject, t.len.into());
                    self.add(Metric::TgwPacketsNoRoute, subject, 1);
                }
                Some(TgwLoss::Ttl) => self.add(Metric::TgwPacketsTtl, subject, 1),
                Some(TgwLoss::Mtu | TgwLoss::Other) | None => {}
            }
        }
        if let Ok((out, _)) = t.out {
            for subject in both(out) {
                self.add(Metric::TgwBytesOut, subject, t.len.into());
                self.add(Metric::TgwPacketsOut, subject, 1);
            }
        }
    }

    fn dropped(&mut self, packet: &Packet, by: RowIx) {
        let fabric = &self.network.fabric;
        let row = fabric.rows[by];
        match row.kind {
            // MET-7, assumed: everything that the gateway itself drops.
            RowKind::NatPorts
            | RowKind::NatProtocol
            | RowKind::NatFragment
            | RowKind::NatUnsolicited
            | RowKind::NatIdle => {
                let nat = Subject::Nat(NatIx(row.owner));
                self.add(Metric::PacketsDropCount, nat, 1);
                if row.kind == RowKind::NatPorts {
                    self.add(Metric::ErrorPortAllocation, nat, 1);
                }
            }
            RowKind::ServiceRate => self.add(Metric::LinklocalAllowance, Subject::Eni(EniIx(row.owner)), 1),
            RowKind::LinkQueue => {
                let mut owners = fabric.vpcs.indices().filter_map(|vpc| fabric.eni_with(vpc, packet.headers.src));
                if let (Some(eni), None) = (owners.next(), owners.next()) {
                    self.add(Metric::BwOutAllowance, Subject::Eni(eni), 1);
                }
            }
            _ => {}
        }
    }

    /// MIR-23.
    fn mirrored(&mut self, eni: EniIx, dir: Dir, len: u32, skipped: bool) {
        let (bytes, packets) = match (dir, skipped) {
            (Dir::In, false) => (Metric::NetworkMirrorIn, Metric::NetworkPacketsMirrorIn),
            (Dir::Out, false) => (Metric::NetworkMirrorOut, Metric::NetworkPacketsMirrorOut),
            (Dir::In, true) => (Metric::NetworkSkipMirrorIn, Metric::NetworkPacketsSkipMirrorIn),
            (Dir::Out, true) => (Metric::NetworkSkipMirrorOut, Metric::NetworkPacketsSkipMirrorOut),
        };
        let subject = self.network.fabric.enis[eni].guest().map_or(Subject::Eni(eni), Subject::Guest);
        self.add(bytes, subject, len.into());
        self.add(packets, subject, 1);
    }

    fn passed(&mut self, point: Point, to: Side, packet: &Packet) {
        let (len, out) = (u64::from(packet.len()), to == Side::Customer);
        match point {
            Point::Inner(tunnel) => {
                let metric = if out { Metric::TunnelDataOut } else { Metric::TunnelDataIn };
                self.add(metric, Subject::Tunnel(tunnel), len);
            }
            Point::Vif(vif) => {
                let (bits, packets) = if out {
                    (Metric::VifBpsEgress, Metric::VifPpsEgress)
                } else {
                    (Metric::VifBpsIngress, Metric::VifPpsIngress)
                };
                self.add(bits, Subject::Vif(vif), len);
                self.add(packets, Subject::Vif(vif), 1);
            }
            Point::Outer(_) => {}
        }
    }
}

impl Observer for Metrics {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        self.advance(now);
        match fact {
            Fact::Crossed { hop, dropped_by, .. } => self.crossed(now, hop, dropped_by.is_some()),
            Fact::Through { through: Through::Tgw(t) } => self.tgw(t),
            Fact::Through { through: Through::Nat(t) } => {
                let from_source = t.after.is_none_or(|(after, _)| after.src != t.headers.src);
                let (entered, left) = if from_source {
                    (nat::Side::FromSource, nat::Side::ToDestination)
                } else {
                    (nat::Side::FromDestination, nat::Side::ToSource)
                };
                self.nat(now, t.nat, entered, &t.headers, t.len, t.after.is_none());
                if let Some((headers, len)) = &t.after {
                    self.nat(now, t.nat, left, headers, *len, false);
                }
            }
            Fact::Passed { point, to, packet } => self.passed(*point, *to, packet),
            Fact::Dropped { packet, by } => self.dropped(packet, *by),
            Fact::Mirrored { eni, dir, len, skipped, .. } => self.mirrored(*eni, *dir, *len, *skipped),
            Fact::Spoke { speaker, told } => {
                let line = self.network.fabric.speakers[*speaker].line;
                let up = match told {
                    Told::SessionUp | Told::TunnelUp => true,
                    Told::SessionDown(_) | Told::TunnelDown(_) => false,
                    Told::BfdUp | Told::BfdDown | Told::Rekeyed => return,
                };
                let session = matches!(told, Told::SessionUp | Told::SessionDown(_));
                if self.network.fabric.speakers[*speaker].side == Side::Aws
                    && let Line::Tunnel(_) | Line::Vif(_) = line
                {
                    self.states.told(now, line, session, up);
                }
            }
            _ => {}
        }
    }
}
