//! Connect attachments: GRE tunnels between a transit gateway and an appliance in an attached VPC.
//!
//! The transit gateway wraps what its table sends to a tunnel and unwraps what comes by the transport attachment with a
//! known pair of outer addresses; any other packet, GRE or not, is the transport attachment's (TGW-23). The
//! appliance is a forwarding guest: it unwraps what is for its outer address, and wraps what its tunnel leads to. What it knows of
//! routes is what BGP would tell it: the prefixes of the table that routes its Connect attachment (TGW-25, assumed).
//! Where its BGP is spoken it knows that only after it has been told, and what the two ends say is wrapped as anything else is.
//! Not modelled here: limits of routes; what is too big for a tunnel is dropped without a word to its sender.

use super::transit_gateway::RouteAt;
use super::{Next, Pass, Recorder, Walk};
use crate::base::Protocol;
use crate::base::ids::{EniIx, GuestIx, SpeakerIx, TgwAttachIx, TunnelIx};
use crate::fabric::{EniRow, TgwAttachKind, TgwRow, TgwTarget, Tunnel, TunnelBgp};
use crate::flow::{Choice, Pick, PickOption};
use crate::verdict::{Decision, Side, Stage, Vantage, Verdict};
use crate::wire::{Packet, gre};

impl<'a, R: Recorder> Walk<'a, R> {
    /// The Connect attachment that a packet belongs to which came by its transport attachment.
    pub(super) fn leaves_tunnel(&self, packet: &Packet, via: TgwAttachIx) -> Option<TgwAttachIx> {
        if packet.headers.protocol != Protocol::GRE {
            return None;
        }
        let (src, dst) = (packet.headers.src, packet.headers.dst);
        let mut all = self.fabric.tgw_attaches.iter_enumerated();
        let found = all.find(|(_, a)| match &a.kind {
            TgwAttachKind::Connect { transport, tunnels } => {
                *transport == via && a.available && tunnels.iter().any(|t| t.far == src && t.near == dst)
            }
            _ => false,
        });
        found.map(|(connect, _)| connect)
    }

    /// What came out of a tunnel is routed by the Connect attachment's table.
    pub(super) fn unwrap_at_tgw(&mut self, packet: &mut Packet, connect: TgwAttachIx) -> Pass<Next> {
        let (a, before) = (&self.fabric.tgw_attaches[connect], packet.headers);
        let spoken = self.tunnels().find(|(c, t)| *c == connect && t.far == before.src && t.near == before.dst);
        let spoken = spoken.and_then(|(_, t)| t.bgp.as_ref());
        let Some(inner) = gre::unwrap(packet) else {
            return Err(self.end(Stage::Tgw(connect), packet, a.row(TgwRow::NoAssociation), None));
        };
        *packet = inner;
        self.record(Stage::Tgw(connect), Decision::allow(a.row(TgwRow::Tunnel)), false, before, packet);
        if let Some(speaker) = spoken.and_then(|bgp| self.end_of_tunnel(packet, bgp, Side::Aws)) {
            return Ok(Next::Done(Verdict::Speaker { speaker }));
        }
        Ok(Next::On(Vantage::Tgw { via: connect, eni: None, from: None }))
    }

    /// What an end of a tunnel's BGP says is wrapped as data is: the appliance's leaves by the interface with its outer address, the
    /// transit gateway's by the attachment that carries the tunnel.
    pub(super) fn speak_in_tunnel(
        &mut self,
        packet: &mut Packet,
        connect: TgwAttachIx,
        n: u8,
        side: Side,
    ) -> Pass<Next> {
        let a = &self.fabric.tgw_attaches[connect];
        let (TgwAttachKind::Connect { transport, .. }, Some(Tunnel { near, far, bgp: Some(bgp), .. })) =
            (&a.kind, tunnel(self.fabric, connect, u32::from(n)))
        else {
            unreachable!("speakers are of tunnels that are spoken in")
        };
        let e = &self.fabric.enis[bgp.eni];
        if side == Side::Customer && !self.fabric.guests[bgp.guest].running {
            return Err(self.end(Stage::Guest(bgp.eni), packet, e.row(EniRow::GuestDown), None));
        }
        let (before, from, to) =
            if side == Side::Aws { (packet.headers, *near, *far) } else { (packet.headers, *far, *near) };
        *packet = gre::wrap(packet, from, to);
        self.record(Stage::Tgw(connect), Decision::allow(a.row(TgwRow::Tunnel)), false, before, packet);
        match side {
            Side::Aws => self.out_by(packet, connect, *transport, None, None),
            Side::Customer => Ok(Next::On(Vantage::Out(bgp.eni))),
        }
    }

    /// The speaker at this side of a tunnel that a packet out of it is for.
    fn end_of_tunnel(&self, packet: &Packet, bgp: &TunnelBgp, side: Side) -> Option<SpeakerIx> {
        let at = |speaker: SpeakerIx| self.fabric.speakers[speaker].address;
        let mut ends = bgp.speakers.iter().map(|ends| ends[usize::from(side == Side::Aws)]);
        ends.find(|end| packet.headers.dst == at(*end) && packet.headers.src == at(end.peer()))
    }

    /// Into one of the tunnels that announce a route's prefix: which one is the flow's choice (TGW-24).
    pub(super) fn out_by_tunnel(
        &mut self,
        packet: &mut Packet,
        (rtb, at): RouteAt,
        legs: &[(TgwAttachIx, u32)],
        eni: Option<EniIx>,
    ) -> Pass<Next> {
        let fabric = self.fabric;
        let usable = legs.iter().zip(0u32..).filter(|((connect, _), _)| fabric.tgw_attaches[*connect].available);
        let tunnels = usable.filter_map(|((connect, n), leg)| Some((*connect, leg, tunnel(fabric, *connect, *n)?)));
        if tunnels.clone().next().is_none() {
            let (connect, _) = legs[0];
            let by = fabric.tgw_attaches[connect].row(TgwRow::State);
            return Err(self.end(Stage::Tgw(connect), packet, by, None));
        }
        let (protocol, from, to) = self.ends(packet);
        let pick = Pick::shared(Choice::Tunnel(rtb, at), protocol, from, to);
        let options = tunnels.clone().map(|(_, leg, t)| PickOption { salt: t.salt, label: leg });
        let n = self.flows.picks.pick(pick, options);
        let (connect, _, tunnel) = tunnels.clone().nth(n).expect("picked among them");
        let TgwAttachKind::Connect { transport, .. } = fabric.tgw_attaches[connect].kind else {
            unreachable!("tunnels are of Connect attachments")
        };
        let before = packet.headers;
        *packet = gre::wrap(packet, tunnel.near, tunnel.far);
        let by = fabric.tgw_attaches[connect].row(TgwRow::Tunnel);
        self.record(Stage::Tgw(connect), Decision::allow(by), false, before, packet);
        self.out_by(packet, connect, transport, eni, None)
    }

    /// By one of several equal tunnels of VPN connections (VPN-9).
    pub(super) fn out_by_vpn(
        &mut self,
        packet: &mut Packet,
        (rtb, at): RouteAt,
        legs: &[(TgwAttachIx, TunnelIx)],
    ) -> Pass<Next> {
        let fabric = self.fabric;
        let (protocol, from, to) = self.ends(packet);
        let pick = Pick::directed(Choice::Tunnel(rtb, at), protocol, from, to);
        let options =
            legs.iter().zip(0u32..).map(|((_, t), label)| PickOption { salt: fabric.tunnels[*t].salt, label });
        let (attach, tunnel) = legs[self.flows.picks.pick(pick, options)];
        self.pass(Stage::Tgw(attach), packet, fabric.tgw_attaches[attach].row(TgwRow::Pass));
        self.enter_tunnel(packet, tunnel, Side::Aws, None)
    }

    /// A packet for an appliance's outer address comes out of its tunnel. The speaker that it is for, if it is for one.
    pub(super) fn unwrap_at_guest(&mut self, packet: &mut Packet, guest: GuestIx) -> Option<SpeakerIx> {
        if packet.headers.protocol != Protocol::GRE || !self.fabric.guest_owns(guest, packet.headers.dst) {
            return None;
        }
        let (near, far) = (packet.headers.src, packet.headers.dst);
        let (connect, tunnel) = self.tunnels().find(|(_, t)| t.near == near && t.far == far)?;
        let before = packet.headers;
        let inner = gre::unwrap(packet)?;
        *packet = inner;
        let by = self.fabric.tgw_attaches[connect].row(TgwRow::Tunnel);
        self.record(Stage::Tgw(connect), Decision::allow(by), false, before, packet);
        self.end_of_tunnel(packet, tunnel.bgp.as_ref()?, Side::Customer)
    }

    /// An appliance sends into its tunnel what the transit gateway has told it a route for.
    /// Gives the interface it then leaves by.
    pub(super) fn wrap_at_guest(&mut self, packet: &mut Packet, guest: GuestIx) -> Option<EniIx> {
        let found = self.tunnels().find(|(connect, tunnel)| {
            self.fabric.guest_owns(guest, tunnel.far) && self.is_told(*connect, tunnel, packet)
        });
        let (connect, tunnel) = found?;
        let out = self.fabric.guest_eni_with(guest, tunnel.far);
        let before = packet.headers;
        *packet = gre::wrap(packet, tunnel.far, tunnel.near);
        let by = self.fabric.tgw_attaches[connect].row(TgwRow::Tunnel);
        self.record(Stage::Tgw(connect), Decision::allow(by), false, before, packet);
        out
    }

    fn tunnels(&self) -> impl Iterator<Item = (TgwAttachIx, &'a Tunnel)> + use<'a, R> {
        let fabric = self.fabric;
        let connects = fabric.tgw_attaches.iter_enumerated().filter(|(_, a)| a.available);
        connects.flat_map(|(connect, a)| {
            let tunnels = match &a.kind {
                TgwAttachKind::Connect { tunnels, .. } => &tunnels[..],
                _ => &[],
            };
            tunnels.iter().map(move |tunnel| (connect, tunnel))
        })
    }

    fn is_told(&self, connect: TgwAttachIx, tunnel: &Tunnel, packet: &Packet) -> bool {
        let dst = packet.headers.dst;
        let silent = tunnel.bgp.as_ref().is_some_and(|bgp| !bgp.heard);
        if silent || tunnel.advertises.iter().any(|own| own.contains(dst)) {
            return false;
        }
        let Some(rtb) = self.fabric.tgw_attaches[connect].rtb else { return false };
        let table = &self.fabric.tgw_rtbs[rtb];
        table.lookup(dst).is_some_and(|at| {
            let route = &table.routes[at];
            let back = matches!(&route.target, TgwTarget::Tunnels(legs) if legs.iter().all(|(c, _)| *c == connect));
            route.active && !back
        })
    }
}

fn tunnel(fabric: &crate::fabric::Fabric, connect: TgwAttachIx, n: u32) -> Option<&Tunnel> {
    match &fabric.tgw_attaches[connect].kind {
        TgwAttachKind::Connect { tunnels, .. } => tunnels.get(n as usize),
        _ => None,
    }
}
