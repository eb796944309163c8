//! A guest or a NAT gateway sends: from its interface to the next interface or gateway.
//!
//! Order (aws-core 3.1): source check, link-local services, security groups, same subnet?, route table
//! and ACL, next hop. AWS does not say whether the ACL or the route table comes first and the verdict
//! is the same; the route is looked up first, because only the next hop tells whether the packet leaves
//! the subnet at all, but the ACL's answer is cited first. It sees addresses before a
//! gateway translates them (ACL-10).

use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{EniIx, IgwIx, NatIx, PcxIx, RtbIx, VpcIx};
use crate::eval::{self, Key, LinkLocal};
use crate::fabric::{EniKind, EniRow, Fabric, PcxRow, Route, Target, VpcRow};
use crate::verdict::{Dir, Hop, LinkIx, RowIx, Stage, TrafficPath, Vantage, Verdict};
use crate::wire::Packet;
use std::net::IpAddr;

impl<R: Recorder> Walk<'_, R> {
    pub(super) fn leave(&mut self, packet: &mut Packet, eni: EniIx) -> Pass<Next> {
        self.leave_as(packet, eni, None)
    }

    /// The same for a transit gateway's interface, which forwards: `carried` is the interface that sent the packet, as long
    /// as groups may know.
    pub(super) fn leave_as(&mut self, packet: &mut Packet, eni: EniIx, carried: Option<EniIx>) -> Pass<Next> {
        let e = &self.fabric.enis[eni];
        let subnet = &self.fabric.subnets[e.subnet];
        let dst = packet.headers.dst;
        let ports = self.flows.fragments.ports(&packet.headers);
        let is_guest = matches!(e.kind, EniKind::Guest(_));
        // Load balancers, interface endpoints and Client VPN endpoints send as themselves, so that rules may name their
        // groups (SG-5, CVPN-10).
        let sends = matches!(e.kind, EniKind::Guest(_) | EniKind::Vpce(_) | EniKind::Node(_) | EniKind::Cvpn(_));
        let own_source = sends && self.fabric.owns(eni, packet.headers.src);

        let mut filter = None;
        if is_guest {
            // ENI-1.
            if !own_source && e.source_dest_check {
                self.deny(Stage::SourceCheck(eni), packet, e.row(EniRow::SourceCheck))?;
            }
            // SVC-4, FLW-3: before any filter, and without a hop for a flow log.
            if let Some(answer) = eval::link_local(self.fabric, eni, dst) {
                return Ok(Next::Done(self.service(packet, eni, answer)));
            }
            filter = match self.security_group(packet, eni, Dir::Out, ports, None) {
                Ok(by) => Some(by),
                Err(denied) => {
                    // MIR-15.
                    if self.fabric.profile.mirror_denied_outbound {
                        self.mirror(packet, eni, Dir::Out, ports);
                    }
                    return Err(denied);
                }
            };
            self.mirror(packet, eni, Dir::Out, ports);
            if dst.is_multicast() {
                return self.multicast(packet, eni, ports, filter);
            }
        } else if self.is_filtered(eni) {
            // Interface endpoints and load balancers have groups too.
            filter = Some(self.security_group(packet, eni, Dir::Out, ports, None)?);
        } else if !self.fabric.vpcs[e.vpc].contains(dst)
            && let Some(LinkLocal::Nothing(by)) = eval::link_local(self.fabric, eni, dst)
        {
            return Err(self.end(Stage::Service(eni), packet, by, None));
        }

        // A NAT gateway sends as itself: its group-less interface says that the path is tracked (CT-5).
        let is_nat = matches!(e.kind, EniKind::Nat(_));
        let from = (own_source || is_nat).then_some(eni).or(carried);
        // A neighbour in the same subnet gets it directly: no ACL, no route table (ACL-5).
        if subnet.contains(dst) {
            // FLW-3: what is for the subnet's router is not logged.
            if subnet.router(dst.is_ipv4()) != Some(dst) {
                self.leave_hop(packet, eni, true, filter, Onward::Neighbour);
            }
            return self.hand_over(packet, e.vpc, eni, from, false);
        }

        if let Some((to, pcx)) = self.returns_to_sender(packet) {
            return self.back_to_sender(packet, Sender { eni, from }, to, (pcx, ports, filter));
        }
        let route = self.fabric.rtbs[subnet.rtb].lookup(dst);
        let leaves = route.is_none_or(|route| self.leaves_subnet(eni, dst, route));
        let mut by = filter;
        if leaves {
            let decision = eval::acl(self.fabric, subnet.acl, Dir::Out, &Key::new(&packet.headers, Dir::Out, ports));
            if decision.allow {
                self.pass(Stage::AclOut(eni), packet, decision.by);
            } else {
                self.leave_hop(packet, eni, false, Some(decision.by), Onward::Nowhere);
                self.deny(Stage::AclOut(eni), packet, decision.by)?;
            }
            by = Some(decision.by);
        }
        // FLW-4, assumed: what has no route is accepted here all the same.
        self.leave_hop(packet, eni, true, by, route.map_or(Onward::Nowhere, Onward::Route));
        self.follow(packet, Sender { eni, from }, subnet.rtb, Stage::Route(eni), leaves)
    }

    /// True for an interface that AWS manages and that has groups of its own.
    pub(super) fn is_filtered(&self, eni: EniIx) -> bool {
        let e = &self.fabric.enis[eni];
        matches!(e.kind, EniKind::Vpce(_) | EniKind::Node(_) | EniKind::Cvpn(_))
            && !self.fabric.sg_sets[e.sg_set].groups.is_empty()
    }

    /// PCX-10: the reply to a NAT gateway needs no route, but the ACLs of both subnets still hold.
    fn back_to_sender(
        &mut self,
        packet: &Packet,
        sender: Sender,
        to: EniIx,
        (pcx, ports, filter): (PcxIx, (u16, u16), Option<RowIx>),
    ) -> Pass<Next> {
        let eni = sender.eni;
        let acl = self.fabric.subnets[self.fabric.enis[eni].subnet].acl;
        let decision = eval::acl(self.fabric, acl, Dir::Out, &Key::new(&packet.headers, Dir::Out, ports));
        if decision.allow {
            self.pass(Stage::AclOut(eni), packet, decision.by);
        } else {
            self.leave_hop(packet, eni, false, Some(decision.by), Onward::Nowhere);
            self.deny(Stage::AclOut(eni), packet, decision.by)?;
        }
        self.leave_hop(packet, eni, true, filter.or(Some(decision.by)), Onward::Back(to, pcx));
        self.pass(Stage::Pcx(pcx), packet, self.fabric.pcxs[pcx].row(PcxRow::Return));
        Ok(self.transit(eni, to, sender.from, true))
    }

    /// Where a table sends the packet.
    pub(super) fn follow(
        &mut self,
        packet: &mut Packet,
        sender: Sender,
        rtb: RtbIx,
        stage: Stage,
        entered: bool,
    ) -> Pass<Next> {
        let table = &self.fabric.rtbs[rtb];
        let vpc = table.vpc;
        let Some(route) = table.lookup(packet.headers.dst) else {
            return Err(self.end(stage, packet, table.none, None));
        };
        if !route.active {
            return Err(self.end(stage, packet, route.row, None));
        }
        self.pass(stage, packet, route.row);
        match route.target {
            Target::Local => self.hand_over(packet, vpc, sender.eni, sender.from, entered),
            Target::Igw(igw) => self.leave_by_igw(packet, vpc, igw, sender.eni),
            Target::Eigw(eigw) => self.leave_by_eigw(packet, vpc, eigw, sender.eni),
            Target::Nat(nat) => self.reach_nat(packet, nat, sender, entered),
            Target::Eni(next) => Ok(self.transit(sender.eni, next, sender.from, entered)),
            Target::Pcx(pcx) => self.cross_peering(packet, pcx, vpc, sender),
            Target::Tgw(attach) => self.reach_tgw(packet, attach, sender),
            Target::Vpce(vpce) => self.gateway_endpoint(packet, vpce),
            Target::Vgw(vgw) => self.leave_by_vgw(packet, vgw, route.propagated),
            Target::Nowhere => unreachable!("a route without a target is not active"),
            Target::NotModelled(nm) => {
                let by = self.fabric.not_modelled[nm].row;
                Err(self.end(Stage::NotModelled, packet, by, None))
            }
        }
    }

    /// To the interface of the VPC that has the destination address.
    pub(super) fn hand_over(
        &mut self,
        packet: &Packet,
        vpc: VpcIx,
        eni: EniIx,
        from: Option<EniIx>,
        entered: bool,
    ) -> Pass<Next> {
        match self.owner(packet, vpc) {
            Ok(next) => Ok(self.transit(eni, next, from, entered)),
            Err(by) => Err(self.end(Stage::Address, packet, by, None)),
        }
    }

    /// The interface that has the destination address, or the row that says that none has (SUB-5, assumed: a reserved
    /// address answers nothing).
    pub(super) fn owner(&self, packet: &Packet, vpc: VpcIx) -> Result<EniIx, RowIx> {
        let dst = packet.headers.dst;
        let v = &self.fabric.vpcs[vpc];
        v.eni_with(dst).ok_or_else(|| match v.subnet_with(dst).map(|subnet| &self.fabric.subnets[subnet]) {
            Some(subnet) if is_reserved(if dst.is_ipv4() { subnet.v4 } else { subnet.v6 }, dst) => subnet.reserved,
            _ => v.row(VpcRow::AddressNone),
        })
    }

    fn transit(&self, eni: EniIx, next: EniIx, from: Option<EniIx>, entered: bool) -> Next {
        let link = self.fabric.link_between(eni, next);
        Next::Done(Verdict::Transit { to: Vantage::In { eni: next, from, entered }, link })
    }

    fn reach_nat(&mut self, packet: &Packet, nat: NatIx, sender: Sender, entered: bool) -> Pass<Next> {
        match self.fabric.nats[nat].eni {
            // A NAT gateway whose own subnet routes to it.
            Some(next) if next == sender.eni => {
                let by = self.fabric.vpcs[self.fabric.nats[nat].vpc].row(VpcRow::Loop);
                Err(self.end(Stage::Nat(nat), packet, by, None))
            }
            Some(next) => Ok(self.transit(sender.eni, next, sender.from, entered)),
            None => Ok(Next::Done(Verdict::Transit { to: Vantage::RegionalNat(nat), link: LinkIx::SAME_AZ })),
        }
    }

    /// True if following `route` takes the packet out of the sender's subnet.
    pub(super) fn leaves_subnet(&self, eni: EniIx, dst: IpAddr, route: &Route) -> bool {
        // TGW-16: what goes to a transit gateway leaves, even if its interface is in the same subnet.
        let e = &self.fabric.enis[eni];
        matches!(route.target, Target::Tgw(_))
            || next_eni(self.fabric, eni, dst, route).is_none_or(|next| self.fabric.enis[next].subnet != e.subnet)
    }

    /// True if a flow that leaves `eni` for `dst` is tracked whatever the rules say (CT-5).
    pub(super) fn leaves_auto_tracked(&self, eni: EniIx, dst: IpAddr) -> bool {
        let subnet = &self.fabric.subnets[self.fabric.enis[eni].subnet];
        let route = self.fabric.rtbs[subnet.rtb].lookup(dst);
        matches!(route.map(|route| route.target), Some(Target::Nat(_) | Target::Eigw(_)))
    }

    fn service(&mut self, packet: &Packet, eni: EniIx, answer: LinkLocal) -> Verdict {
        let stage = Stage::Service(eni);
        match answer {
            LinkLocal::Nothing(by) => self.end(stage, packet, by, None),
            LinkLocal::Service(..) if !self.flows.service_rate.admit(eni, self.now) => {
                let by = self.fabric.enis[eni].row(EniRow::ServiceRate);
                self.end(stage, packet, by, None)
            }
            LinkLocal::Service(service, by) => {
                self.pass(stage, packet, by);
                self.mirror_service(packet, eni, Dir::Out, service);
                Verdict::Serve { eni, service }
            }
        }
    }

    /// The sender as the groups of another VPC know it: not after a transit gateway has brought the packet into this one (TGW-20).
    pub(super) fn known_across(&self, sender: Sender) -> Option<EniIx> {
        sender.from.filter(|_| !matches!(self.fabric.enis[sender.eni].kind, EniKind::Tgw(_)))
    }

    /// Tells what a flow log sees of a packet that leaves, or may not.
    pub(super) fn leave_hop(
        &mut self,
        packet: &Packet,
        eni: EniIx,
        accepted: bool,
        by: Option<RowIx>,
        onward: Onward<'_>,
    ) {
        let fabric = self.fabric;
        self.hop(packet, || {
            let by = by.unwrap_or(fabric.enis[eni].row(EniRow::SgLastOut));
            let blocked = onward.is_blocked(fabric, eni);
            let (accepted, by) = blocked.map_or((accepted, by), |by| (false, by));
            let blocked = blocked.is_some();
            let next = onward.next(fabric, eni, packet.headers.dst).filter(|_| accepted);
            let path = if accepted { onward.path(fabric) } else { TrafficPath::None };
            let own = fabric.owns(eni, packet.headers.src);
            Hop {
                eni,
                dir: Dir::Out,
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

    /// The internet gateway of a VPC.
    pub(super) fn igw_of(&self, vpc: VpcIx) -> Option<IgwIx> {
        self.fabric.vpcs[vpc].igw
    }
}

/// Who sends: the interface, and the same again if the packet still carries one of its addresses.
#[derive(Clone, Copy)]
pub(super) struct Sender {
    pub(super) eni: EniIx,
    pub(super) from: Option<EniIx>,
}

/// What is beyond an interface that a packet leaves by.
#[derive(Clone, Copy)]
pub(super) enum Onward<'a> {
    /// Nothing, or not known.
    Nowhere,
    /// An interface of the same subnet.
    Neighbour,
    /// Where a route leads.
    Route(&'a Route),
    /// Back over a peering to the interface that sent what this answers.
    Back(EniIx, PcxIx),
}

impl Onward<'_> {
    fn next(self, fabric: &Fabric, eni: EniIx, dst: IpAddr) -> Option<EniIx> {
        match self {
            Self::Nowhere => None,
            Self::Neighbour => fabric.eni_with(fabric.enis[eni].vpc, dst),
            Self::Route(route) => next_eni(fabric, eni, dst, route).filter(|_| route.active),
            Self::Back(to, _) => Some(to),
        }
    }

    /// FLW-18, FLW-23.
    fn path(self, fabric: &Fabric) -> TrafficPath {
        let peering = |pcx: PcxIx| {
            if fabric.pcxs[pcx].same_region { TrafficPath::Peering } else { TrafficPath::InterRegionPeering }
        };
        match self {
            Self::Nowhere => TrafficPath::None,
            Self::Neighbour => TrafficPath::Vpc,
            Self::Back(_, pcx) => peering(pcx),
            Self::Route(route) if !route.active => TrafficPath::None,
            Self::Route(route) => match route.target {
                Target::Local | Target::Eni(_) | Target::Nat(_) | Target::Tgw(_) => TrafficPath::Vpc,
                Target::Igw(_) => TrafficPath::Igw,
                Target::Vpce(_) => TrafficPath::GatewayEndpoint,
                Target::Vgw(_) => TrafficPath::Vgw,
                Target::Pcx(pcx) => peering(pcx),
                Target::Eigw(_) | Target::Nowhere | Target::NotModelled(_) => TrafficPath::None,
            },
        }
    }

    /// The row of Block Public Access that the packet will meet at a gateway: its interface's record is a REJECT (FLW-2).
    fn is_blocked(self, fabric: &Fabric, eni: EniIx) -> Option<RowIx> {
        let Self::Route(Route { active: true, target: Target::Igw(_) | Target::Eigw(_), .. }) = self else {
            return None;
        };
        let e = &fabric.enis[eni];
        fabric.subnets[e.subnet].bpa.egress.then(|| fabric.vpcs[e.vpc].row(VpcRow::BpaOut))
    }
}

/// The interface that a route hands a packet to.
fn next_eni(fabric: &Fabric, eni: EniIx, dst: IpAddr, route: &Route) -> Option<EniIx> {
    let vpc = fabric.enis[eni].vpc;
    match route.target {
        Target::Local => fabric.eni_with(vpc, dst),
        Target::Nat(nat) => fabric.nats[nat].eni,
        Target::Eni(next) => Some(next),
        Target::Tgw(attach) => {
            let zone = fabric.subnets[fabric.enis[eni].subnet].zone;
            fabric.tgw_attaches[attach].port_in(zone)
        }
        Target::Pcx(pcx) => {
            let peer = fabric.pcxs[pcx].other(vpc).flatten();
            peer.and_then(|peer| fabric.eni_with(peer, dst))
        }
        Target::Igw(_)
        | Target::Eigw(_)
        | Target::Vpce(_)
        | Target::Vgw(_)
        | Target::Nowhere
        | Target::NotModelled(_) => None,
    }
}

/// True for a subnet's first four addresses and the last one (SUB-3).
fn is_reserved(block: Option<crate::base::Cidr>, address: IpAddr) -> bool {
    block.is_some_and(|block| (0..4).any(|offset| block.nth(offset) == Some(address)) || block.last() == address)
}
