//! Traffic mirroring: which packets of an interface are copied, and the way of a copy.
//!
//! Outbound it stands behind the security groups (MIR-15), inbound behind ACL and groups (MIR-14). The first session that accepts
//! copies the packet, once (MIR-3); one that rejects it, or has no rule for it, leaves it to the next (MIR-4). The copy is put into
//! [`FlowState::copies`](crate::flow::FlowState) for whoever drives the walk; from there it is a packet like any other that begins
//! behind the security groups of its source (MIR-16, MIR-17).
//!
//! Invariants: mirroring changes nothing about the packet; a copy is not copied again (MIR-20); an interface without sessions costs
//! one look at a flag. Not modelled: which instance types can be mirrored.

use super::leave::Sender;
use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{EniIx, MirrorSessionIx};
use crate::eval::{self, Key, LinkLocal};
use crate::fabric::{EniKind, Fabric, MirrorSession, MirrorTarget};
use crate::flow::MirrorCopy;
use crate::verdict::{Decision, Dir, Service, Stage};
use crate::wire::{Packet, ether, vxlan};
use std::net::{IpAddr, Ipv4Addr};

/// What AWS reserves around a mirrored packet of IPv4 and of IPv6, in bytes (MIR-12). Four more than encapsulation adds.
pub const MIRROR_OVERHEAD: [u32; 2] = [54, 74];
/// The shortest frame that is copied of IPv4 and of IPv6, whatever a session asks for (MIR-13).
pub const MIRROR_LENGTH_MIN: [u32; 2] = [35, 55];
/// MTU of a target that no instance is behind (MTU-1, MIR-28).
const TARGET_MTU: u32 = 9001;

impl<R: Recorder> Walk<'_, R> {
    /// Copies a packet if a session of the interface says so.
    #[inline]
    pub(super) fn mirror(&mut self, packet: &Packet, eni: EniIx, dir: Dir, ports: (u16, u16)) {
        if self.fabric.enis[eni].mirrored && !packet.payload.is_copy() {
            let fabric = self.fabric;
            let h = &packet.headers;
            self.mirror_by(packet, eni, dir, ports, |session| eval::mirror(fabric, session.filter, dir, h, ports));
        }
    }

    /// The same for a packet to or from a link-local service: of those only the resolver's is mirrored (MIR-7, MIR-8).
    #[inline]
    pub(super) fn mirror_service(&mut self, packet: &Packet, eni: EniIx, dir: Dir, service: Service) {
        if self.fabric.enis[eni].mirrored && service == Service::Resolver {
            let fabric = self.fabric;
            let ports = self.flows.fragments.ports(&packet.headers);
            self.mirror_by(packet, eni, dir, ports, |session| eval::mirror_dns(fabric, session.filter, dir));
        }
    }

    /// What a link-local service answers.
    pub(super) fn mirror_answer(&mut self, packet: &Packet, eni: EniIx) {
        if !self.fabric.enis[eni].mirrored {
            return;
        }
        if let Some(LinkLocal::Service(service, _)) = eval::link_local(self.fabric, eni, packet.headers.src) {
            self.mirror_service(packet, eni, Dir::In, service);
        }
    }

    #[cold]
    #[inline(never)]
    fn mirror_by(
        &mut self,
        packet: &Packet,
        eni: EniIx,
        dir: Dir,
        ports: (u16, u16),
        asks: impl Fn(&MirrorSession) -> Decision,
    ) {
        for index in self.fabric.mirrors_of(eni) {
            let session = &self.fabric.mirror_sessions[*index];
            let answer = asks(session);
            // The packet goes on whatever the answer.
            self.pass(Stage::Mirror(*index), packet, answer.by);
            if answer.allow {
                let copied = encapsulate(self.fabric, session, packet, dir, ports);
                let (session, len) = (*index, packet.len());
                self.flows.copies.push_back(MirrorCopy { session, eni, dir, len, packet: copied });
                return;
            }
        }
    }

    /// A copy leaves the host of its source: no source check, no link-local service, no group, no line of a flow log (MIR-16,
    /// MIR-19).
    pub(super) fn leave_copy(&mut self, packet: &mut Packet, session: MirrorSessionIx, eni: EniIx) -> Pass<Next> {
        if let MirrorTarget::NotModelled(by) = self.fabric.mirror_sessions[session].target {
            return Err(self.end(Stage::NotModelled, packet, by, None));
        }
        let e = &self.fabric.enis[eni];
        let subnet = &self.fabric.subnets[e.subnet];
        let (dst, from) = (packet.headers.dst, Some(eni));
        if subnet.contains(dst) {
            return self.hand_over(packet, e.vpc, eni, from, false);
        }
        let route = self.fabric.rtbs[subnet.rtb].lookup(dst);
        let leaves = route.is_none_or(|route| self.leaves_subnet(eni, dst, route));
        if leaves {
            let key = Key::new(&packet.headers, Dir::Out, packet.headers.ports());
            let decision = eval::acl(self.fabric, subnet.acl, Dir::Out, &key);
            if decision.allow {
                self.pass(Stage::AclOut(eni), packet, decision.by);
            } else {
                self.deny(Stage::AclOut(eni), packet, decision.by)?;
            }
        }
        self.follow(packet, Sender { eni, from }, subnet.rtb, Stage::Route(eni), leaves)
    }
}

/// The copy of a packet: between the primary addresses of source and target (MIR-9), as much as session and target take.
fn encapsulate(fabric: &Fabric, session: &MirrorSession, packet: &Packet, dir: Dir, ports: (u16, u16)) -> Packet {
    let (source, v6) = (&fabric.enis[session.source], usize::from(!packet.headers.is_v4()));
    let (to, mtu) = match session.target {
        MirrorTarget::Eni(target) => {
            let target = &fabric.enis[target];
            let mtu = match target.kind {
                EniKind::Guest(guest) => fabric.guests[guest].mtu,
                _ => TARGET_MTU,
            };
            (target.v4, mtu)
        }
        MirrorTarget::NotModelled(_) => (None, TARGET_MTU),
    };
    let frame = ether::HEADER + packet.len();
    // MIR-13.
    let asked = session.packet_length.map_or(frame, |length| length.max(MIRROR_LENGTH_MIN[v6]));
    // MIR-12.
    let fits = mtu.saturating_sub(MIRROR_OVERHEAD[v6]) + ether::HEADER;
    let own = ether::mac(ether::Owner::Eni, session.source.0);
    let (dst, src) = if dir == Dir::In { (own, ether::ROUTER) } else { (ether::ROUTER, own) };
    let kept = frame.min(asked).min(fits);
    let copy = vxlan::Copy { vni: session.vni, dst, src, inner: packet.clone(), kept };
    let address = |v4: Option<Ipv4Addr>| IpAddr::V4(v4.unwrap_or(Ipv4Addr::UNSPECIFIED));
    vxlan::wrap(copy, (address(source.v4), address(to)), vxlan::source_port(&packet.headers, ports))
}
