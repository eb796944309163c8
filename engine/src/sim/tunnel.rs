//! VPN tunnels and virtual interfaces in time: what a tunnel carries is cut to fit, sealed with ESP, crosses the internet as
//! a packet of its own, and is opened and checked at the other side.
//!
//! Keys come from the seed and the tunnel's name, one security association each way. Not modelled yet: the
//! negotiation and renewal of associations (IKE), detection of a dead peer.

use super::{Event, Sim};
use crate::base::IndexVec;
use crate::base::ids::{TunnelIx, VifIx};
use crate::base::rng::Stream;
use crate::event::{Fact, Observer, Point};
use crate::fabric::TunnelRow;
use crate::verdict::{LinkIx, Side, Vantage};
use crate::wire::Packet;
use crate::wire::esp::{self, MATERIAL, ReplayWindow, Sa};
use std::net::IpAddr;

/// One direction of a tunnel.
pub(super) struct Association {
    sa: Sa,
    sequence: u32,
    window: ReplayWindow,
}

impl<O: Observer> Sim<O> {
    /// A packet enters a tunnel; `to` is the side it goes to.
    pub(super) fn seal(&mut self, packet: &Packet, tunnel: TunnelIx, to: Side) {
        let t = &self.network.fabric.tunnels[tunnel];
        let (mtu, natt) = (t.mtu, t.natt);
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let (src, dst) = if to == Side::Customer { (aws, customer) } else { (customer, aws) };
        for piece in self.cut(packet, mtu) {
            self.watch(Point::Inner(tunnel), to, &piece);
            let association = self.association(tunnel, to);
            association.sequence += 1;
            let outer = esp::seal(&association.sa, association.sequence, &piece, src, dst, natt);
            self.watch(Point::Outer(tunnel), to, &outer);
            let link = self.network.fabric.tunnels[tunnel].link;
            match self.links.cross_line(&self.network.fabric, &outer, link, to, self.now) {
                Ok(at) => self.queue.push(at, Event::Sealed { packet: outer, tunnel, to }),
                Err(by) => self.drop(&piece, by, None),
            }
        }
    }

    /// A sealed packet arrives at the other side.
    pub(super) fn open(&mut self, outer: &Packet, tunnel: TunnelIx, to: Side) {
        let association = self.association(tunnel, to);
        let opened = esp::open(&association.sa, outer).ok();
        match opened.filter(|(sequence, _)| association.window.accept(*sequence)) {
            Some((_, packet)) => self.walk(packet, Vantage::TunnelEnd(tunnel, to)),
            None => {
                let by = self.network.fabric.tunnels[tunnel].row(TunnelRow::Bad);
                self.drop(outer, by, None);
            }
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

    /// Whether an end takes a tunnel for up.
    pub(super) fn is_tunnel_up(&self, tunnel: TunnelIx, side: Side) -> bool {
        let _ = side;
        self.network.fabric.tunnels[tunnel].enabled
    }
    /// The same of every tunnel: AWS's end, the customer's.
    pub(super) fn tunnels_up(&self) -> IndexVec<TunnelIx, [bool; 2]> {
        let both = |t: TunnelIx| [Side::Aws, Side::Customer].map(|side| self.is_tunnel_up(t, side));
        self.network.fabric.tunnels.indices().map(both).collect()
    }

    fn watch(&mut self, point: Point, to: Side, packet: &Packet) {
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Passed { point, to, packet });
        }
    }

    /// The association of a direction, made when it is first used.
    fn association(&mut self, tunnel: TunnelIx, to: Side) -> &mut Association {
        let (network, seed, lines) = (&self.network, self.seed, &mut self.esp_sa);
        self.associations.entry((tunnel, to)).or_insert_with(|| {
            let t = &network.fabric.tunnels[tunnel];
            let way = if to == Side::Aws { "to AWS" } else { "to the customer" };
            let mut keys = Stream::new(seed, "esp", &format!("{} {way}", network.names.tunnels[tunnel].id));
            let mut material = [0; MATERIAL];
            for chunk in material.chunks_exact_mut(8) {
                chunk.copy_from_slice(&keys.next_u64().to_be_bytes());
            }
            // RFC 4303 section 2.1: 1 to 255 are reserved.
            let sa = Sa::new(keys.next_u32() | 0x100, t.suite, &material);
            let [aws, customer] = t.outside.map(IpAddr::V4);
            let (src, dst) = if to == Side::Customer { (aws, customer) } else { (customer, aws) };
            lines.push(esp::esp_sa_line(&sa, src, dst));
            Association { sa, sequence: 0, window: ReplayWindow::new(t.replay_window) }
        })
    }

    /// The keys in use so far, in the form of Wireshark's `esp_sa` file.
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
        Sim::new(network.expect("without a mistake"), 0, ())
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
        sim.open(&changed, tunnel, to);
        assert_eq!(sim.totals().dropped, 1, "changed");
        sim.open(&outer, tunnel, to);
        assert_eq!(sim.totals().dropped, 1, "taken");
        sim.open(&outer, tunnel, to);
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
