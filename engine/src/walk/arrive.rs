//! A packet arrives at an interface: ACL, security groups, destination check, and what is behind it.

use super::{Next, Pass, Recorder, Walk};
use crate::base::Nanos;
use crate::base::ids::{EniIx, GuestIx};
use crate::eval::{self, Key};
use crate::fabric::{EniKind, EniRow, Forwarding};
use crate::flow::{Inside, Outside, Translator};
use crate::verdict::{Dir, Hop, Notify, NotifyKind, RowIx, RowKind, Stage, TrafficPath, Vantage, Verdict};
use crate::wire::{Packet, TcpFlags};

/// Idle time after which a masquerading guest forgets a flow: Linux `nf_conntrack_tcp_timeout_established` (GST-9, assumed).
pub const MASQUERADE_IDLE: Nanos = Nanos::from_secs(432_000);

impl<R: Recorder> Walk<'_, R> {
    pub(super) fn arrive(&mut self, packet: &mut Packet, eni: EniIx, from: Option<EniIx>, entered: bool) -> Pass<Next> {
        let e = &self.fabric.enis[eni];
        let ports = self.flows.fragments.ports(&packet.headers);
        let mut by = None;
        if entered {
            let acl = self.fabric.subnets[e.subnet].acl;
            let decision = eval::acl(self.fabric, acl, Dir::In, &Key::new(&packet.headers, Dir::In, ports));
            if decision.allow {
                self.pass(Stage::AclIn(eni), packet, decision.by);
            } else {
                self.arrive_hop(packet, eni, None, false, decision.by);
                self.deny(Stage::AclIn(eni), packet, decision.by)?;
            }
            by = Some(decision.by);
        }
        // A NAT gateway has no security group: the ACL is its only filter (NAT-5).
        if let EniKind::Nat(nat) = e.kind {
            self.arrive_hop(packet, eni, from, true, by.unwrap_or(e.row(EniRow::SgLastIn)));
            return self.nat(packet, nat, eni);
        }
        // An interface that AWS manages may have no group at all (a load balancer's node, a transit gateway's
        // attachment): then nothing filters there (SG-12).
        let managed = matches!(
            e.kind,
            EniKind::NotModelled(_) | EniKind::Tgw(_) | EniKind::Vpce(_) | EniKind::Node(_) | EniKind::Cvpn(_)
        );
        if managed && self.fabric.sg_sets[e.sg_set].groups.is_empty() {
            self.arrive_hop(packet, eni, from, true, by.unwrap_or(e.row(EniRow::SgLastIn)));
        } else {
            let sg = self.security_group(packet, eni, Dir::In, ports, from)?;
            self.arrive_hop(packet, eni, from, true, by.unwrap_or(sg));
            self.mirror(packet, eni, Dir::In, ports);
        }
        // ENI-2.
        let for_all = packet.headers.dst.is_multicast();
        if e.source_dest_check && !for_all && !self.fabric.owns(eni, packet.headers.dst) {
            self.deny(Stage::DestCheck(eni), packet, e.row(EniRow::DestCheck))?;
        }
        match e.kind {
            // ENI-5, assumed.
            EniKind::Detached => Err(self.end(Stage::Guest(eni), packet, e.row(EniRow::GuestDown), None)),
            EniKind::NotModelled(nm) => {
                let by = self.fabric.not_modelled[nm].row;
                Err(self.end(Stage::NotModelled, packet, by, None))
            }
            EniKind::Guest(guest) => self.guest(packet, guest, eni),
            // TGW-21, assumed: its own address answers nothing.
            EniKind::Tgw(_) if self.fabric.owns(eni, packet.headers.dst) => {
                Err(self.end(Stage::Guest(eni), packet, e.row(EniRow::Silent), None))
            }
            EniKind::Tgw(via) => Ok(Next::On(Vantage::Tgw { via, eni: Some(eni), from })),
            EniKind::Vpce(vpce) => self.interface_endpoint(packet, vpce, eni),
            EniKind::Node(service) => self.back_to_consumer(packet, service, eni),
            EniKind::Cvpn(cvpn) => self.cvpn_back(packet, cvpn, eni),
            EniKind::Nat(_) => unreachable!("returned above"),
        }
    }

    /// A guest sends to one of its own addresses: its kernel answers (GST-1).
    pub(super) fn loopback(&mut self, packet: &Packet, eni: EniIx) -> Pass<Next> {
        let (e, stage) = (&self.fabric.enis[eni], Stage::Guest(eni));
        let running = e.guest().is_some_and(|guest| self.fabric.guests[guest].running);
        if !running {
            return Err(self.end(stage, packet, e.row(EniRow::GuestDown), None));
        }
        self.pass(stage, packet, e.row(EniRow::GuestOpen));
        Ok(Next::Done(Verdict::Deliver { eni }))
    }

    /// The guest's kernel: for one of its addresses, or to be forwarded?
    fn guest(&mut self, packet: &mut Packet, guest: GuestIx, eni: EniIx) -> Pass<Next> {
        let (g, e) = (&self.fabric.guests[guest], &self.fabric.enis[eni]);
        let stage = Stage::Guest(eni);
        // GST-6.
        if !g.running {
            return Err(self.end(stage, packet, e.row(EniRow::GuestDown), None));
        }
        let masquerade = matches!(g.forwarding, Forwarding::On { masquerade: true, .. });
        if let Some(speaker) = self.unwrap_at_guest(packet, guest) {
            self.pass(stage, packet, e.row(EniRow::GuestOpen));
            return Ok(Next::Done(Verdict::Speaker { speaker }));
        }
        let back = masquerade && self.masquerade_back(packet, guest);
        // The address may be another interface's of the same guest (GST-2).
        let for_all = packet.headers.dst.is_multicast();
        if !back && (for_all || self.fabric.guest_owns(guest, packet.headers.dst)) {
            self.pass(stage, packet, e.row(EniRow::GuestOpen));
            return Ok(Next::Done(Verdict::Deliver { eni }));
        }
        // GST-10, assumed.
        match g.forwarding {
            Forwarding::Off => return Err(self.end(stage, packet, e.row(EniRow::GuestForwardOff), None)),
            Forwarding::Unknown => return Err(self.end(stage, packet, e.row(EniRow::GuestForwardUnknown), None)),
            Forwarding::On { .. } => {}
        }
        // GST-12.
        if matches!(g.forwarding, Forwarding::On { stateful: true, .. }) && !back && !self.has_state(packet, guest) {
            return Err(self.end(stage, packet, e.row(EniRow::GuestNoState), None));
        }
        if packet.headers.ttl <= 1 {
            let notify = self.own_address(eni, packet).map(|from| Notify {
                kind: NotifyKind::TimeExceeded,
                from,
                at: Vantage::Out(eni),
            });
            return Err(self.end(stage, packet, e.row(EniRow::Ttl), notify));
        }
        // RFC 1812 5.3.1: a router takes one off before it forwards (GST-11, assumed).
        packet.headers.ttl -= 1;
        let out = self.guest_egress(guest, eni, packet);
        if masquerade && !back && out == g.enis[0] && !self.fabric.guest_owns(guest, packet.headers.src) {
            self.masquerade(packet, guest, out);
        }
        // GST-13: what may be fragmented is forwarded in one piece.
        let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
        if packet.len() > g.mtu && !may_be_cut {
            let notify = self.own_address(eni, packet).map(|from| Notify {
                kind: NotifyKind::TooBig { mtu: g.mtu },
                from,
                at: Vantage::Out(eni),
            });
            return Err(self.end(stage, packet, self.fabric.enis[out].row(EniRow::Mtu), notify));
        }
        self.pass(stage, packet, e.row(EniRow::GuestForward));
        let out = self.wrap_at_guest(packet, guest).unwrap_or(out);
        Ok(Next::On(Vantage::Out(out)))
    }

    /// The interface a forwarding guest sends by: the one whose subnet holds the destination, else the
    /// primary one's default route, unless the packet came in by another interface of a guest that has
    /// only that one (GST-7, assumed: a guest's own routing table is not in AWS's description).
    fn guest_egress(&self, guest: GuestIx, arrived_by: EniIx, packet: &Packet) -> EniIx {
        let enis = &self.fabric.guests[guest].enis;
        let connected =
            enis.iter().find(|eni| self.fabric.subnets[self.fabric.enis[**eni].subnet].contains(packet.headers.dst));
        connected.or(enis.first()).copied().unwrap_or(arrived_by)
    }

    fn own_address(&self, eni: EniIx, packet: &Packet) -> Option<std::net::IpAddr> {
        let e = &self.fabric.enis[eni];
        if packet.headers.is_v4() { e.v4.map(Into::into) } else { e.v6.map(Into::into) }
    }

    /// Rewrites the source of a forwarded packet to the guest's primary interface (GST-8).
    fn masquerade(&mut self, packet: &mut Packet, guest: GuestIx, out: EniIx) {
        let Some(own) = self.own_address(out, packet) else { return };
        let now = self.now;
        let Some(inside) = inside_of(packet) else { return };
        let table = self.flows.masquerades.entry(guest).or_insert_with(|| Translator::new(MASQUERADE_IDLE));
        let outside = match table.outgoing(&inside, now) {
            Some(translation) => {
                translation.last = now;
                translation.outside
            }
            // Linux calls an answer to nothing that it has seen invalid, and translates no such packet.
            None if is_stray_answer(packet) => return,
            None => match table.bind(inside, inside.protocol, inside.dst, [own], now) {
                Ok(outside) => outside,
                // A guest with 55,000 flows to one destination: it sends untranslated rather than nothing.
                Err(_) => return,
            },
        };
        set_source(packet, outside.own, outside.own_port);
    }

    /// Translates a reply back. True if the packet belongs to a masqueraded flow.
    fn masquerade_back(&mut self, packet: &mut Packet, guest: GuestIx) -> bool {
        if !self.fabric.guest_owns(guest, packet.headers.dst) {
            return false;
        }
        let now = self.now;
        let Some(table) = self.flows.masquerades.get_mut(&guest) else { return false };
        super::related::translate_back(packet, table, now).is_some()
    }

    /// Tells what a flow log sees of a packet that arrives. The interface that sent it is known in the VPC and over a peering,
    /// not behind a transit gateway (FLW-21).
    pub(super) fn arrive_hop(&mut self, packet: &Packet, eni: EniIx, from: Option<EniIx>, accepted: bool, by: RowIx) {
        let fabric = self.fabric;
        self.hop(packet, || {
            let vpc = fabric.enis[eni].vpc;
            let near = |from: &EniIx| {
                let there = fabric.enis[*from].vpc;
                there == vpc || fabric.vpcs[vpc].peers.contains(&there)
            };
            let (next, path) = (from.filter(near), TrafficPath::None);
            let own = fabric.owns(eni, packet.headers.dst);
            let blocked = !accepted && fabric.rows[by].kind == RowKind::BlockPublicAccess;
            Hop {
                eni,
                dir: Dir::In,
                accepted,
                by,
                headers: packet.headers,
                len: packet.len(),
                next,
                path,
                own,
                blocked,
            }
        });
    }
}

/// True for what can only answer something: it begins no flow.
fn is_stray_answer(packet: &Packet) -> bool {
    let h = &packet.headers;
    h.is_echo_reply() || h.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN_ACK) || tcp.flags.has(TcpFlags::RST))
}

/// The flow of a packet that goes out, or nothing if it is of a kind that has no ports to translate.
pub(super) fn inside_of(packet: &Packet) -> Option<Inside> {
    Inside::of(&packet.headers)
}

/// The flow of a packet that comes back.
pub(super) fn outside_of(packet: &Packet) -> Outside {
    let h = &packet.headers;
    let (remote_port, own_port) = match h.icmp() {
        Some(icmp) => (0, (icmp.rest >> 16) as u16),
        None => h.ports(),
    };
    Outside { protocol: h.protocol, own: h.dst, own_port, remote: h.src, remote_port }
}

/// Writes a translated source.
pub(super) fn set_source(packet: &mut Packet, address: std::net::IpAddr, port: u16) {
    packet.headers.src = address;
    forget_checksum(packet);
    match &mut packet.headers.l4 {
        crate::wire::L4::Icmp(icmp) => icmp.rest = u32::from(port) << 16 | icmp.rest & 0xffff,
        _ => packet.headers.set_src_port(port),
    }
}

/// Writes a translated destination.
pub(super) fn set_destination(packet: &mut Packet, address: std::net::IpAddr, port: u16) {
    packet.headers.dst = address;
    forget_checksum(packet);
    match &mut packet.headers.l4 {
        crate::wire::L4::Icmp(icmp) => icmp.rest = u32::from(port) << 16 | icmp.rest & 0xffff,
        _ => packet.headers.set_dst_port(port),
    }
}

/// The checksum of a datagram whose first fragment gets another address cannot be known: none (RFC 768).
pub(super) fn forget_checksum(packet: &mut Packet) {
    if packet.headers.protocol == crate::base::Protocol::UDP {
        packet.headers.fragment.checksum = 0;
    }
}
