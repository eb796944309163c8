//! The outer packets of VPN tunnels on their way. The walk says by which line, and whether the other end gets them.
//!
//! They cross two lines where there are two: AWS's part, which is the tunnel's own, and the customer's, which is the router's
//! line to the internet (VPN-42) or, with private addresses, a virtual interface that the walk chooses (VPN-36).

use super::tunnel::at;
use super::{Event, Sim};
use crate::base::Nanos;
use crate::base::ids::TunnelIx;
use crate::event::{Fact, HostRef, Observer, Point};
use crate::verdict::Side;
use crate::walk::{DenyPolicy, NoRecord, Walk};
use crate::wire::{Packet, esp};
use std::net::IpAddr;

/// VPN-41: after this long without a packet, the customer's end sends a keepalive of NAT traversal (RFC 3948 section 4).
pub(super) const NATT_KEEPALIVE: Nanos = Nanos::from_secs(20);

impl<O: Observer> Sim<O> {
    /// A packet of an end's own: IKE, or a keepalive.
    pub(super) fn send_own(&mut self, packet: Packet, tunnel: TunnelIx, side: Side, ike: bool) {
        self.totals.originated += 1;
        if O::WATCHES
            && let Some(speakers) = self.network.fabric.tunnels[tunnel].speakers
        {
            self.observer
                .on(self.now, &Fact::Originated { host: HostRef::Speaker(speakers[at(side)]), packet: &packet });
        }
        self.outside(packet, tunnel, side.other(), ike);
    }

    /// A packet between the outer addresses of a tunnel.
    pub(super) fn outside(&mut self, outer: Packet, tunnel: TunnelIx, to: Side, ike: bool) {
        let now = self.now;
        if let Some(ends) = &mut self.tunnels[tunnel] {
            ends[at(to.other())].sent = now;
        }
        if to == Side::Aws {
            self.ask_walk(|walk| walk.outer_leaves(tunnel));
        }
        self.watch(Point::Outer(tunnel), to, &outer);
        self.cross_outside(outer, tunnel, to, ike, false);
    }

    /// The first line that an outer packet crosses, or the `second` one.
    pub(super) fn cross_outside(&mut self, outer: Packet, tunnel: TunnelIx, to: Side, ike: bool, second: bool) {
        let fabric = &self.network.fabric;
        let t = &fabric.tunnels[tunnel];
        let own = t.router.and_then(|router| fabric.routers[router].line.link);
        let two = t.transport.is_some() || own.is_some();
        let at_aws = (to == Side::Customer) != second;
        let link = match (t.transport, own) {
            _ if at_aws || !two => t.link,
            (None, own) => own.expect("one of the two"),
            (Some(_), _) => match self.ask_walk(|walk| walk.outer_way(&outer, tunnel, to.other())) {
                Ok((vif, link)) => {
                    self.watch(Point::Vif(vif), to, &outer);
                    link
                }
                Err(by) => return self.drop(&outer, by, None),
            },
        };
        match self.links.cross_line(&self.network.fabric, &outer, link, to, self.now) {
            Ok(at) => self.queue.push(at, Event::Sealed { packet: outer, tunnel, to, ike, more: two && !second }),
            Err(by) => self.drop(&outer, by, None),
        }
    }

    /// What the walk says of an outer packet.
    pub(super) fn ask_walk<T>(&mut self, ask: impl FnOnce(&mut Walk<'_, NoRecord>) -> T) -> T {
        ask(&mut Walk {
            fabric: &self.network.fabric,
            flows: &mut self.flows,
            now: self.now,
            policy: DenyPolicy::Stop,
            recorder: &mut NoRecord,
        })
    }

    /// VPN-41: a keepalive, if nothing went out for so long.
    pub(super) fn keep_open(&mut self, tunnel: TunnelIx, side: Side) {
        let now = self.now;
        let Some(ends) = &mut self.tunnels[tunnel] else { return };
        let end = &mut ends[at(side)];
        if end.keepalive_at.is_none_or(|at| at > now) {
            return;
        }
        let silent = now.since(end.sent) >= NATT_KEEPALIVE;
        end.keepalive_at = Some(if silent { now } else { end.sent } + NATT_KEEPALIVE);
        if silent {
            let [aws, customer] = self.network.fabric.tunnels[tunnel].outside.map(IpAddr::V4);
            self.send_own(esp::keepalive(customer, aws, 0), tunnel, side, false);
        }
    }
}
