//! What carries the outer packets of a VPN tunnel, and who gets them.
//!
//! Between private addresses it is a transit virtual interface (VPN-36): the customer's router sends them by its own table,
//! the Direct Connect gateway by its own, so they follow routes as these move, share a group's connections by flow, and end
//! where no route leads. They do not go through other routers of the site, and the time to live does not count on this way.
//! A NAT device is a time since something last passed (VPN-40). Not modelled: the ports that it chooses, and that IKE's first
//! exchange has a memory of its own there; that outer packets of more than 1,500 bytes could cross a jumbo virtual interface,
//! for AWS makes none (VPN-39).

use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{TunnelIx, VifIx};
use crate::base::{Nanos, Protocol};
use crate::fabric::{DxgwRow, NextHop, PathOwner, RouterRow, Transport, TunnelRow, VifEnd, VpnTunnel};
use crate::verdict::{LinkIx, RowIx, Side, Stage, Verdict};
use crate::wire::{Fragment, Headers, L4, Packet, Payload, Udp, esp};
use std::net::IpAddr;

impl<R: Recorder> Walk<'_, R> {
    /// The virtual interface that carries an outer packet of a private tunnel from one side, and its cable; or the row of
    /// who does not.
    ///
    /// # Errors
    /// If nothing carries it.
    pub fn outer_way(&mut self, outer: &Packet, tunnel: TunnelIx, side: Side) -> Result<(VifIx, LinkIx), RowIx> {
        let Some(transport) = self.fabric.tunnels[tunnel].transport else {
            unreachable!("a public tunnel has its own link");
        };
        self.carried(&mut outer.clone(), tunnel, transport, side).map_err(|verdict| match verdict {
            Verdict::Drop { by, .. } => by,
            verdict => unreachable!("{verdict:?} is no reason"),
        })
    }

    /// The customer's end sends an outer packet: the NAT device before it, if there is one that forgets, remembers (VPN-40).
    pub fn outer_leaves(&mut self, tunnel: TunnelIx) {
        if self.nat_memory(tunnel).is_some() {
            self.flows.nat_devices.insert(tunnel, self.now);
        }
    }

    /// An outer packet comes to one end of its tunnel.
    ///
    /// # Errors
    /// The row of who does not let it in: the NAT device before the customer's router, which has forgotten the tunnel
    /// (VPN-40), or the router, which has failed.
    pub fn outer_arrives(&mut self, outer: &Packet, tunnel: TunnelIx, side: Side) -> Result<(), RowIx> {
        let t = &self.fabric.tunnels[tunnel];
        let Some(router) = t.router.filter(|_| side == Side::Customer) else { return Ok(()) };
        if let Some(timeout) = self.nat_memory(tunnel) {
            let passed = self.flows.nat_devices.get_mut(&tunnel).filter(|at| self.now.since(**at) < timeout);
            let Some(passed) = passed else {
                let by = t.row(TunnelRow::NatIdle);
                self.end(Stage::Tunnel(tunnel), outer, by, None);
                return Err(by);
            };
            *passed = self.now;
        }
        let r = &self.fabric.routers[router];
        if !r.up {
            let by = r.row(RouterRow::Down);
            self.end(Stage::Router(router), outer, by, None);
            return Err(by);
        }
        Ok(())
    }

    /// For how long the NAT device before a tunnel's customer's end remembers it.
    fn nat_memory(&self, tunnel: TunnelIx) -> Option<Nanos> {
        let t = &self.fabric.tunnels[tunnel];
        let router = t.router.filter(|_| t.natt && t.transport.is_none())?;
        self.fabric.routers[router].line.nat_timeout
    }

    /// The line that an outer packet crosses besides the tunnel's own: the router's to the internet, or a virtual interface's.
    ///
    /// # Errors
    /// If nothing carries it.
    pub fn other_line(&mut self, tunnel: TunnelIx, side: Side) -> Result<Option<LinkIx>, RowIx> {
        let t = &self.fabric.tunnels[tunnel];
        if t.transport.is_some() {
            return self.outer_way(&outer_of(t, side), tunnel, side).map(|(_, link)| Some(link));
        }
        Ok(t.router.and_then(|router| self.fabric.routers[router].line.link))
    }

    /// The same for what a packet becomes that is about to be sealed.
    pub(super) fn check_carrier(&mut self, tunnel: TunnelIx, transport: Transport, side: Side) -> Pass {
        let mut outer = outer_of(&self.fabric.tunnels[tunnel], side);
        self.carried(&mut outer, tunnel, transport, side).map(|_| ())
    }

    fn carried(
        &mut self,
        outer: &mut Packet,
        tunnel: TunnelIx,
        transport: Transport,
        side: Side,
    ) -> Pass<(VifIx, LinkIx)> {
        let (fabric, t) = (self.fabric, &self.fabric.tunnels[tunnel]);
        let vif = match (side, t.router) {
            (Side::Aws, router) => match self.at_dxgw(outer, transport, side)? {
                NextHop::Vif(vif) if fabric.vifs[vif].router == router => vif,
                _ => return Err(self.end(Stage::Tunnel(tunnel), outer, t.row(TunnelRow::NoCarrier), None)),
            },
            (Side::Customer, Some(router)) => {
                let (r, stage) = (&fabric.routers[router], Stage::Router(router));
                if !r.up {
                    return Err(self.end(stage, outer, r.row(RouterRow::Down), None));
                }
                match self.hop_of(outer, stage, &r.fib, PathOwner::Router(router), None)? {
                    NextHop::Vif(vif) if fabric.vifs[vif].end == VifEnd::Dxgw(transport.dxgw) => vif,
                    _ => return Err(self.end(Stage::Tunnel(tunnel), outer, t.row(TunnelRow::NoCarrier), None)),
                }
            }
            (Side::Customer, None) => unreachable!("nobody sends who is not described"),
        };
        let link = match self.enter_vif(outer, vif, side, None)? {
            Next::Done(Verdict::Transit { link, .. }) => link,
            _ => unreachable!("a virtual interface carries a packet or drops it"),
        };
        if side == Side::Customer && self.at_dxgw(outer, transport, side)? != NextHop::Attach(transport.attach) {
            let by = fabric.dxgws[transport.dxgw].row(DxgwRow::NotJoined);
            return Err(self.end(Stage::Dxgw(transport.dxgw), outer, by, None));
        }
        Ok((vif, link))
    }

    fn at_dxgw(&mut self, outer: &Packet, transport: Transport, side: Side) -> Pass<NextHop> {
        let fabric = self.fabric;
        let d = &fabric.dxgws[transport.dxgw];
        // What AWS sends, as the transit gateway's Region sees it (BGP-33); what comes in, as the interfaces do.
        let region = (side == Side::Aws).then(|| fabric.tgws[fabric.tgw_attaches[transport.attach].tgw].region);
        let unknown = (!d.complete).then(|| d.row(DxgwRow::Unknown));
        self.hop_of(outer, Stage::Dxgw(transport.dxgw), d.seen_from(region), PathOwner::Dxgw(transport.dxgw), unknown)
    }
}

/// Addresses and protocol of a tunnel's packets; no content.
fn outer_of(t: &VpnTunnel, side: Side) -> Packet {
    let [aws, customer] = t.outside.map(IpAddr::V4);
    let (src, dst) = if side == Side::Aws { (aws, customer) } else { (customer, aws) };
    let (protocol, l4) = if t.natt {
        (Protocol::UDP, L4::Udp(Udp { src_port: esp::NATT_PORT, dst_port: esp::NATT_PORT, length: 8 }))
    } else {
        (esp::PROTOCOL, L4::None)
    };
    let headers = Headers { src, dst, protocol, ttl: 64, traffic_class: 0, fragment: Fragment::default(), l4 };
    Packet { headers, tag: 0, payload: Payload::Zeros(0) }
}
