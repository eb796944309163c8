//! Virtual private gateways and VPN tunnels.
//!
//! A virtual private gateway takes what is for its VPC into it (VPN-11), and sends all else where its routes lead (VPN-10):
//! that is also how sites reach each other by it (BGP-17). What a tunnel carries is encrypted by the caller of the walk where it crosses;
//! here the tunnel only says whether it is up, whether the packet is of its family (VPN-30) and fits (VPN-4), and whether
//! Direct Connect carries what it becomes if its outer addresses are private (`vpn_outer`). Not modelled: what a virtual
//! private gateway takes off the time to live.

use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{TgwAttachIx, TunnelIx, VgwIx};
use crate::fabric::{DX_MTU, Fib, FibIx, NextHop, PathOwner, TunnelRow, VgwRow, VpnEnd};
use crate::flow::{Choice, Pick, PickOption};
use crate::verdict::{Entry, Notify, RowIx, Side, Stage, Vantage, Verdict};
use crate::wire::Packet;

impl<R: Recorder> Walk<'_, R> {
    /// The gateway has a packet: from its VPC if `from` is none.
    pub(super) fn vgw(&mut self, packet: &mut Packet, vgw: VgwIx, from: Option<Entry>) -> Pass<Next> {
        let (v, stage, dst) = (&self.fabric.vgws[vgw], Stage::Vgw(vgw), packet.headers.dst);
        if from.is_some() && v.vpc.is_some_and(|vpc| self.fabric.vpcs[vpc].contains(dst)) {
            self.pass(stage, packet, v.row(VgwRow::Enter));
            return self.enter_by_vgw(packet, vgw);
        }
        // DX-5: what a Direct Connect gateway brings is for the VPC only.
        if matches!(from, Some(Entry::Dxgw(_))) {
            return Err(self.end(stage, packet, v.row(VgwRow::NoVpc), None));
        }
        let unknown = (!v.complete).then(|| v.row(VgwRow::Unknown));
        match self.hop_of(packet, stage, &v.fib, PathOwner::Vgw(vgw), unknown)? {
            NextHop::Tunnel(tunnel) => self.enter_tunnel(packet, tunnel, Side::Aws, None),
            NextHop::Vif(vif) => self.enter_vif(packet, vif, Side::Aws, None),
            NextHop::Dxgw(dxgw) => Ok(Next::On(Vantage::Dxgw { dxgw, from: Entry::Vgw(vgw) })),
            hop => unreachable!("a virtual private gateway has no way to {hop:?}"),
        }
    }

    /// From the VPC. What Direct Connect carries by a written route has no jumbo frames (DX-96).
    pub(super) fn leave_by_vgw(&mut self, packet: &mut Packet, vgw: VgwIx, propagated: bool) -> Pass<Next> {
        let v = &self.fabric.vgws[vgw];
        let route = v.fib.lookup(packet.headers.dst).map(|at| &v.fib.routes[at]);
        let by_line = route.is_some_and(|r| r.hops.iter().any(|hop| matches!(hop, NextHop::Vif(_) | NextHop::Dxgw(_))));
        let limit = if propagated { route.and_then(|r| r.mtu) } else { by_line.then_some(DX_MTU) };
        if exceeds(packet, limit) {
            return Err(self.end(Stage::Vgw(vgw), packet, v.row(VgwRow::Mtu), None));
        }
        self.vgw(packet, vgw, None)
    }

    /// Where a forwarding table sends a packet. `unknown` is cited if there is no route and not everything is described.
    pub(super) fn hop_of(
        &mut self,
        packet: &Packet,
        stage: Stage,
        fib: &Fib,
        owner: PathOwner,
        unknown: Option<RowIx>,
    ) -> Pass<NextHop> {
        let Some(at) = fib.lookup(packet.headers.dst) else {
            return Err(self.end(stage, packet, unknown.unwrap_or(fib.none), None));
        };
        let route = &fib.routes[at];
        if *route.hops == [NextHop::Discard] {
            return Err(self.end(stage, packet, route.row, None));
        }
        self.pass(stage, packet, route.row);
        Ok(route.hops[self.pick_hop(packet, owner, at, &route.hops)])
    }

    /// Which of several equal hops a flow takes: always the same one (VPN-9).
    fn pick_hop(&mut self, packet: &Packet, owner: PathOwner, at: FibIx, hops: &[NextHop]) -> usize {
        let (protocol, from, to) = self.ends(packet);
        let pick = Pick::directed(Choice::Path(owner, at), protocol, from, to);
        let fabric = self.fabric;
        let options = hops.iter().zip(0u32..).map(|(hop, label)| PickOption { salt: fabric.hop_salt(*hop), label });
        self.flows.picks.pick(pick, options)
    }

    /// Into a tunnel at one side. `tell` says who tells the sender that a packet is too big; AWS tells nobody (VPN-5).
    pub(super) fn enter_tunnel(
        &mut self,
        packet: &mut Packet,
        tunnel: TunnelIx,
        side: Side,
        tell: Option<(std::net::IpAddr, Vantage)>,
    ) -> Pass<Next> {
        let (t, stage) = (&self.fabric.tunnels[tunnel], Stage::Tunnel(tunnel));
        if side == Side::Aws && t.router.is_none() {
            return Err(self.end(stage, packet, t.row(TunnelRow::Unknown), None));
        }
        if !t.is_up(side) {
            return Err(self.end(stage, packet, t.row(TunnelRow::Down), None));
        }
        // VPN-12, VPN-31.
        if packet.headers.is_v4() != t.is_v4() {
            return Err(self.end(stage, packet, t.row(TunnelRow::Family), None));
        }
        let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
        if packet.len() > t.mtu && !may_be_cut {
            let kind = crate::verdict::NotifyKind::TooBig { mtu: t.mtu };
            let notify = tell.map(|(from, at)| Notify { kind, from, at });
            return Err(self.end(stage, packet, t.row(TunnelRow::Mtu), notify));
        }
        self.pass(stage, packet, t.row(TunnelRow::Pass));
        if let Some(transport) = t.transport {
            self.check_carrier(tunnel, transport, side)?;
        }
        Ok(Next::Done(Verdict::Transit { to: Vantage::TunnelEnd(tunnel, side.other()), link: t.link }))
    }

    /// Out of a tunnel at its other side.
    pub(super) fn tunnel_end(&mut self, packet: &Packet, tunnel: TunnelIx, side: Side) -> Next {
        let t = &self.fabric.tunnels[tunnel];
        if let Some(speaker) = self.own(packet, t.speakers, side) {
            return Next::Done(Verdict::Speaker { speaker });
        }
        let from = Entry::Tunnel(tunnel);
        Next::On(match (side, t.end, t.router) {
            (Side::Aws, VpnEnd::Vgw(vgw), _) => Vantage::Vgw { vgw, from },
            (Side::Aws, VpnEnd::Tgw(via), _) => Vantage::Tgw { via, eni: None, from: None },
            (Side::Customer, _, Some(router)) => Vantage::Router { router, from },
            (Side::Customer, _, None) => unreachable!("nothing enters a tunnel to what is not described"),
        })
    }

    /// A transit gateway's table leads to a VPN connection as such: one tunnel carries everything (VPN-8).
    pub(super) fn enter_vpn(&mut self, packet: &mut Packet, attach: TgwAttachIx, tunnels: &[TunnelIx]) -> Pass<Next> {
        let up = tunnels.iter().copied().find(|tunnel| self.fabric.tunnels[*tunnel].is_up(Side::Aws));
        match up.or(tunnels.first().copied()) {
            Some(tunnel) => self.enter_tunnel(packet, tunnel, Side::Aws, None),
            None => {
                let by = self.fabric.tgw_attaches[attach].row(crate::fabric::TgwRow::Unknown);
                Err(self.end(Stage::Tgw(attach), packet, by, None))
            }
        }
    }
}

/// True if a packet that must not be cut is larger than what a route takes. What may be cut is cut at the virtual interface,
/// to pieces of that one's size.
pub(super) fn exceeds(packet: &Packet, limit: Option<u32>) -> bool {
    let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
    !may_be_cut && limit.is_some_and(|limit| packet.len() > limit)
}
