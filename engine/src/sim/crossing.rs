//! What crosses between AWS and a site: packets that a tunnel seals, carries and opens, and packets on virtual interfaces.
//!
//! What may be cut is cut to fit before it is sealed (VPN-5), sealed with ESP, crosses as a packet of its own, and is opened and
//! checked at the other side (VPN-7).

use super::tunnel::at;
use super::{Event, Sim};
use crate::base::ids::{TunnelIx, VifIx};
use crate::event::{Fact, Observer, Point};
use crate::fabric::TunnelRow;
use crate::verdict::{LinkIx, Side, Vantage};
use crate::wire::Packet;
use crate::wire::esp;
use std::net::IpAddr;

impl<O: Observer> Sim<O> {
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
        if let Err(by) = self.ask_walk(|walk| walk.outer_arrives(outer, tunnel, to)) {
            return self.drop(outer, by, None);
        }
        if esp::is_keepalive(outer) {
            // RFC 3948 section 2.3: its receiver ignores it.
            self.totals.delivered += 1;
            return;
        }
        let now = self.now;
        let t = &self.network.fabric.tunnels[tunnel];
        let (bad, window) = (t.row(TunnelRow::Bad), t.replay_window);
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

    pub(super) fn watch(&mut self, point: Point, to: Side, packet: &Packet) {
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Passed { point, to, packet });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Start;
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
