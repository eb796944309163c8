//! Transit gateways: in by an attachment, a look at its table, out by another attachment.
//!
//! ```text
//! leave   zone of the sender > attachment's interface there     (TGW-16: ACL out of the sender's subnet, ACL in of the attachment's)
//! tgw     size > association > route > hops > zone of the way out
//! leave   from the attachment's interface, by its subnet's table (TGW-28, TGW-16: ACL out of the attachment's subnet, ACL in of the host's)
//! ```
//!
//! Not modelled: bandwidth and packet limits, encryption, VPN and Direct Connect attachments.

use super::leave::Sender;
use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{EniIx, TgwAttachIx, TgwRtbIx};
use crate::fabric::{EniKind, TgwAttachKind, TgwRouteIx, TgwRow, TgwTarget, VpnEnd};
use crate::flow::{Choice, Pick, PickOption};
use crate::verdict::{
    Entry, LinkIx, Notify, NotifyKind, RowKind, Stage, TgwLoss, TgwThrough, Through, Vantage, Verdict,
};
use crate::wire::{Packet, TcpFlags, clamp_mss};
use std::net::IpAddr;

/// MTU of a transit gateway in bytes (TGW-17).
pub const TGW_MTU: u32 = 8500;
/// Largest segment it lets a SYN announce: its MTU less IP and TCP headers (TGW-18, assumed).
const TGW_MSS: [u16; 2] = [8460, 8440];

impl<R: Recorder> Walk<'_, R> {
    /// A subnet's table sends the packet to a transit gateway: by the attachment's interface in the sender's zone, or
    /// not at all (TGW-5).
    pub(super) fn reach_tgw(&mut self, packet: &Packet, attach: TgwAttachIx, sender: Sender) -> Pass<Next> {
        let a = &self.fabric.tgw_attaches[attach];
        let zone = self.fabric.subnets[self.fabric.enis[sender.eni].subnet].zone;
        let Some(eni) = a.port_in(zone) else {
            return Err(self.end(Stage::Tgw(attach), packet, a.row(TgwRow::NoAz), None));
        };
        let to = Vantage::In { eni, from: self.known_across(sender), entered: true };
        Ok(Next::Done(Verdict::Transit { to, link: LinkIx::SAME_AZ }))
    }

    /// The transit gateway has the packet. `eni` is the interface it came in by, `from` the one that sent it.
    pub(super) fn tgw(
        &mut self,
        packet: &mut Packet,
        via: TgwAttachIx,
        eni: Option<EniIx>,
        from: Option<EniIx>,
    ) -> Pass<Next> {
        if !R::HOPS {
            return self.routed(packet, via, eni, from);
        }
        let (headers, len) = (packet.headers, packet.len());
        let next = self.routed(packet, via, eni, from);
        if let Some(out) = self.left_by(&next) {
            // FLW-35, FLW-36.
            let via = match self.fabric.tgw_attaches[via].kind {
                TgwAttachKind::Connect { transport, .. } => transport,
                _ => via,
            };
            self.recorder.through(Through::Tgw(TgwThrough { via, eni, out, headers, len }));
        }
        next
    }

    /// The attachment that a packet leaves by, or why it does not. Nothing if it stays for now, or is the gateway's own.
    fn left_by(&self, next: &Pass<Next>) -> Option<Result<(TgwAttachIx, Option<EniIx>), TgwLoss>> {
        let fabric = self.fabric;
        let to = match next {
            Err(Verdict::Drop { by, .. }) => {
                let lost = match fabric.rows[*by].kind {
                    RowKind::TgwRouteNone | RowKind::TgwNoAssociation => TgwLoss::NoRoute,
                    RowKind::TgwRouteBlackhole => TgwLoss::Blackhole,
                    RowKind::MtuTgw => TgwLoss::Mtu,
                    RowKind::TtlTgw => TgwLoss::Ttl,
                    _ => TgwLoss::Other,
                };
                return Some(Err(lost));
            }
            Ok(Next::Done(Verdict::Transit { to, .. }) | Next::On(to)) => *to,
            _ => return None,
        };
        let out = match to {
            Vantage::FromTgw { eni, .. } => match fabric.enis[eni].kind {
                EniKind::Tgw(out) => (out, Some(eni)),
                _ => return None,
            },
            // Over a peering; what came out of a tunnel stays here.
            Vantage::Tgw { via: far, .. } => match fabric.tgw_attaches[far].kind {
                TgwAttachKind::Peering(Some(near)) => (near, None),
                _ => return None,
            },
            Vantage::TunnelEnd(tunnel, _) => match fabric.tunnels[tunnel].end {
                VpnEnd::Tgw(out) => (out, None),
                VpnEnd::Vgw(_) => return None,
            },
            Vantage::Dxgw { from: Entry::Attach(out), .. } => (out, None),
            _ => return None,
        };
        Some(Ok(out))
    }

    fn routed(&mut self, packet: &mut Packet, via: TgwAttachIx, eni: Option<EniIx>, from: Option<EniIx>) -> Pass<Next> {
        if let Some(tunnel) = self.leaves_tunnel(packet, via) {
            // What comes out of a tunnel belongs to the Connect attachment (TGW-23).
            return self.unwrap_at_tgw(packet, tunnel);
        }
        let (a, stage) = (&self.fabric.tgw_attaches[via], Stage::Tgw(via));
        if !a.available {
            return Err(self.end(stage, packet, a.row(TgwRow::State), None));
        }
        if packet.len() > TGW_MTU {
            // TGW-17: whoever sent it from a VPC is told; over a peering nobody is.
            let notify = eni.filter(|_| self.fabric.profile.tgw_icmp).and_then(|eni| {
                let from = self.address_of(eni, packet.headers.is_v4())?;
                Some(Notify { kind: NotifyKind::TooBig { mtu: TGW_MTU }, from, at: Vantage::Out(eni) })
            });
            return Err(self.end(stage, packet, a.row(TgwRow::Mtu), notify));
        }
        let Some(rtb) = a.rtb else {
            return Err(self.end(stage, packet, a.row(TgwRow::NoAssociation), None));
        };
        self.pass(stage, packet, a.row(TgwRow::Pass));
        let (table, stage) = (&self.fabric.tgw_rtbs[rtb], Stage::TgwRoute(via));
        let Some(at) = table.lookup(packet.headers.dst) else {
            return Err(self.end(stage, packet, table.none, None));
        };
        let route = &table.routes[at];
        if !route.active {
            return Err(self.end(stage, packet, route.row, None));
        }
        self.pass(stage, packet, route.row);
        // TGW-19, assumed: it takes one off, and tells nobody when none is left.
        if packet.headers.ttl <= 1 {
            return Err(self.end(Stage::Tgw(via), packet, a.row(TgwRow::Ttl), None));
        }
        packet.headers.ttl -= 1;
        if packet.headers.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN)) {
            clamp_mss(packet, TGW_MSS[usize::from(!packet.headers.is_v4())]);
        }
        match &route.target {
            TgwTarget::Attach(out) => self.out_by(packet, via, *out, eni, from),
            TgwTarget::Tunnels(legs) => self.out_by_tunnel(packet, (rtb, at), legs, eni),
            TgwTarget::Vpn(legs) => self.out_by_vpn(packet, (rtb, at), legs),
            TgwTarget::NotModelled(nm) => {
                let by = self.fabric.not_modelled[*nm].row;
                Err(self.end(Stage::NotModelled, packet, by, None))
            }
            TgwTarget::Nowhere => unreachable!("a blackhole is not active"),
        }
    }

    /// Out by an attachment.
    pub(super) fn out_by(
        &mut self,
        packet: &mut Packet,
        via: TgwAttachIx,
        out: TgwAttachIx,
        eni: Option<EniIx>,
        from: Option<EniIx>,
    ) -> Pass<Next> {
        let a = &self.fabric.tgw_attaches[out];
        let (to, link) = match a.kind {
            TgwAttachKind::Vpc { appliance_mode, .. } => {
                let Some(port) = self.port(packet, out, appliance_mode, eni) else {
                    return Err(self.end(Stage::Tgw(out), packet, a.row(TgwRow::State), None));
                };
                let from = from.filter(|_| self.references(via, out));
                (Vantage::FromTgw { eni: port, from }, LinkIx::TGW)
            }
            // TGW-6: the other side looks at its own table. Neither zone nor groups cross it.
            TgwAttachKind::Peering(Some(far)) => {
                let region = |attach: TgwAttachIx| self.fabric.tgws[self.fabric.tgw_attaches[attach].tgw].region;
                let (near, there) = (region(out), region(far));
                let link = if near == there { LinkIx::TGW } else { self.fabric.link_of_regions(near, there) };
                (Vantage::Tgw { via: far, eni: None, from: None }, link)
            }
            TgwAttachKind::Vpn(ref tunnels) => {
                self.pass(Stage::Tgw(out), packet, a.row(TgwRow::Pass));
                return self.enter_vpn(packet, out, tunnels);
            }
            TgwAttachKind::Dxgw(dxgw) => {
                self.pass(Stage::Tgw(out), packet, a.row(TgwRow::Pass));
                return Ok(Next::On(Vantage::Dxgw { dxgw, from: Entry::Attach(out) }));
            }
            // Nothing is known of the other side: of the peer, or of a Connect attachment without a tunnel.
            TgwAttachKind::Peering(None) | TgwAttachKind::Connect { .. } => {
                return Err(self.end(Stage::Tgw(out), packet, a.row(TgwRow::Unknown), None));
            }
        };
        self.pass(Stage::Tgw(out), packet, a.row(TgwRow::Pass));
        Ok(Next::Done(Verdict::Transit { to, link }))
    }

    /// The interface by which a packet leaves a transit gateway into a VPC: in the zone it came from if the VPC has
    /// one there (TGW-8), else in any (TGW-9); in appliance mode in the flow's own, both ways (TGW-10).
    fn port(&mut self, packet: &Packet, out: TgwAttachIx, appliance: bool, eni: Option<EniIx>) -> Option<EniIx> {
        let a = &self.fabric.tgw_attaches[out];
        if !appliance {
            let zone = eni.map(|eni| self.fabric.subnets[self.fabric.enis[eni].subnet].zone);
            if let Some(port) = zone.and_then(|zone| a.port_in(zone)) {
                return Some(port);
            }
        }
        let (protocol, from, to) = self.ends(packet);
        let pick = if appliance {
            Pick::shared(Choice::Appliance(out), protocol, from, to)
        } else {
            Pick::directed(Choice::Zone(out), protocol, from, to)
        };
        a.ports().next()?;
        let n = self.flows.picks.pick(pick, a.ports().map(|port| PickOption { salt: port.salt, label: port.eni.0 }));
        a.ports().nth(n).map(|port| port.eni)
    }

    /// TGW-20: whether a group of the one attachment's VPC may be named in the other's.
    fn references(&self, via: TgwAttachIx, out: TgwAttachIx) -> bool {
        let on = |attach: TgwAttachIx| {
            matches!(self.fabric.tgw_attaches[attach].kind, TgwAttachKind::Vpc { sg_referencing: true, .. })
        };
        self.fabric.tgws[self.fabric.tgw_attaches[out].tgw].sg_referencing && on(via) && on(out)
    }

    /// Protocol and both ends of a packet's flow. An ICMP message counts with its identifier.
    pub(super) fn ends(&mut self, packet: &Packet) -> (crate::base::Protocol, (IpAddr, u16), (IpAddr, u16)) {
        let h = &packet.headers;
        let (src, dst) = match h.icmp() {
            Some(icmp) if !h.is_icmp_error() => ((icmp.rest >> 16) as u16, (icmp.rest >> 16) as u16),
            Some(_) => (0, 0),
            None => self.flows.fragments.ports(h),
        };
        (h.protocol, (h.src, src), (h.dst, dst))
    }

    /// An address of an interface, of one family.
    pub(super) fn address_of(&self, eni: EniIx, v4: bool) -> Option<IpAddr> {
        let e = &self.fabric.enis[eni];
        if v4 { e.v4.map(IpAddr::V4) } else { e.v6.map(IpAddr::V6) }
    }
}

/// Where a route of a transit gateway is.
pub(super) type RouteAt = (TgwRtbIx, TgwRouteIx);
