//! The VPC's edge: internet gateway, egress-only internet gateway, Block Public Access. Paths that pass neither
//! gateway never come here, so Block Public Access leaves them alone (BPA-4).

use super::{Next, Pass, Recorder, Walk, related};
use crate::base::Nanos;
use crate::base::ids::{EigwIx, EniIx, IgwIx, RtbIx, VgwIx, VpcIx};
use crate::eval;
use crate::fabric::{EniKind, PublicOwner, Target, VpcRow};
use crate::flow::Inside;
use crate::verdict::{Decision, LinkIx, Notify, NotifyKind, Stage, Vantage, Verdict};
use crate::wire::{Packet, quote};
use std::net::IpAddr;

/// MTU of an internet gateway in bytes (MTU-3).
pub const IGW_MTU: u32 = 1500;
/// How long an egress-only gateway remembers a flow. No page says; 350 s like a NAT gateway (EIGW-4, assumed).
pub const EIGW_IDLE: Nanos = Nanos::from_secs(350);
/// The NAT64 prefix 64:ff9b::/96, RFC 6052.
pub const PRIVATE_NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

impl<R: Recorder> Walk<'_, R> {
    /// Out through an internet gateway: 1:1 translation of IPv4, none of IPv6 (IGW-2, IGW-3).
    pub(super) fn leave_by_igw(&mut self, packet: &mut Packet, vpc: VpcIx, igw: IgwIx, sender: EniIx) -> Pass<Next> {
        self.block_public_access_out(packet, vpc, sender)?;
        let gateway = &self.fabric.igws[igw];
        let before = packet.headers;
        let destination = eval::igw_destination(self.fabric, igw, before.dst);
        if !destination.allow {
            return Err(self.end(Stage::Igw, packet, destination.by, None));
        }
        if let IpAddr::V4(src) = before.src {
            // IGW-4, VPC-7; a private NAT gateway is the case that AWS documents (NAT-10).
            let Some(public) = self.fabric.vpcs[vpc].public.get(&src) else {
                return Err(self.end(Stage::Igw, packet, gateway.no_public_address, None));
            };
            self.too_big(packet, IGW_MTU, sender, Stage::Igw, gateway.mtu)?;
            translate_source(packet, (*public).into());
        } else {
            self.too_big(packet, IGW_MTU, sender, Stage::Igw, gateway.mtu)?;
        }
        self.record(Stage::Igw, Decision::allow(gateway.translate), false, before, packet);
        self.beyond_gateway(packet, vpc)
    }

    /// Out through an egress-only internet gateway: IPv6, remembered so that replies may come back
    /// (EIGW-2); neither translated (EIGW-5, assumed) nor filtered by a group (EIGW-6).
    pub(super) fn leave_by_eigw(&mut self, packet: &mut Packet, vpc: VpcIx, eigw: EigwIx, sender: EniIx) -> Pass<Next> {
        self.block_public_access_out(packet, vpc, sender)?;
        let gateway = &self.fabric.eigws[eigw];
        if let Some(flow) = super::arrive::inside_of(packet) {
            // EIGW-3: what was started from outside is blocked. It may have come in by an internet gateway; here
            // its answer ends. What came another way did not begin there (EIGW-8, assumed).
            let first =
                packet.headers.is_echo_request() || packet.headers.tcp().is_some_and(|t| t.flags.is_first_syn());
            let from_outside = self.flows.not_egress_only.get(&(eigw, flow));
            if !first && from_outside.is_some_and(|last| self.now.since(*last) < EIGW_IDLE) {
                return Err(self.end(Stage::Eigw, packet, gateway.unsolicited, None));
            }
            self.flows.egress_only.insert((eigw, flow), self.now);
        }
        self.pass(Stage::Eigw, packet, gateway.pass);
        self.beyond_gateway(packet, vpc)
    }

    /// Beyond the gateway: a public address of this network comes in again at its own gateway (IGW-8), one that a
    /// customer announced to AWS is behind its virtual interface (DX-92), any other is on the internet.
    pub(super) fn beyond_gateway(&mut self, packet: &mut Packet, vpc: VpcIx) -> Pass<Next> {
        if self.fabric.is_ours(packet.headers.dst) {
            return Ok(Next::Done(Verdict::Transit { to: Vantage::Internet, link: LinkIx::SAME_AZ }));
        }
        let over = self.leave_by_public_vif(packet, vpc)?;
        Ok(over.unwrap_or(Next::Done(Verdict::Exit)))
    }

    /// Larger than the path's MTU and not to be fragmented: dropped, and the sender is told (MTU-5). What
    /// may be fragmented is cut by the caller of the walk when it crosses (MTU-2).
    pub(super) fn too_big(
        &mut self,
        packet: &Packet,
        mtu: u32,
        sender: EniIx,
        stage: Stage,
        by: crate::verdict::RowIx,
    ) -> Pass {
        let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
        if packet.len() <= mtu || may_be_cut {
            return Ok(());
        }
        let e = &self.fabric.enis[sender];
        // The subnet's router answers, as AWS's sample trace shows (MTU-7, assumed).
        let router = self.fabric.subnets[e.subnet].router(packet.headers.is_v4());
        let at = match e.kind {
            EniKind::Nat(_) => Vantage::Out(sender),
            _ => Vantage::In { eni: sender, from: None, entered: true },
        };
        let from = if matches!(e.kind, EniKind::Nat(_)) { e.v4.map(IpAddr::V4) } else { router };
        let notify = from.map(|from| Notify { kind: NotifyKind::TooBig { mtu }, from, at });
        Err(self.end(stage, packet, by, notify))
    }

    /// In from the internet: the destination says whose it is; nobody's is dropped (IGW-5). A host without a
    /// route back gets it all the same, and its reply is lost (IGW-10, assumed).
    pub(super) fn enter(&mut self, packet: &mut Packet) -> Pass<Next> {
        match packet.headers.dst {
            IpAddr::V4(dst) => match self.fabric.public_v4.get(&dst).copied() {
                None => Err(self.end(Stage::Igw, packet, self.fabric.no_mapping, None)),
                Some(binding) => match binding.owner {
                    PublicOwner::RegionalNat(nat) => self.regional_nat_back(packet, nat),
                    PublicOwner::Eni { eni, private } => {
                        self.enter_by_igw(packet, binding.vpc, Some(private.into()), Some(eni))
                    }
                },
            },
            IpAddr::V6(dst) => match self.fabric.public_v6.get(dst.into()) {
                None => Err(self.end(Stage::Igw, packet, self.fabric.no_mapping, None)),
                Some(vpc) => self.enter_v6(packet, vpc),
            },
        }
    }

    fn enter_by_igw(
        &mut self,
        packet: &mut Packet,
        vpc: VpcIx,
        private: Option<IpAddr>,
        owner: Option<EniIx>,
    ) -> Pass<Next> {
        let Some(igw) = self.igw_of(vpc) else {
            return Err(self.end(Stage::Igw, packet, self.fabric.no_mapping, None));
        };
        let gateway = &self.fabric.igws[igw];
        let source = eval::igw_source(self.fabric, igw, packet.headers.src);
        if !source.allow {
            return Err(self.end(Stage::Igw, packet, source.by, None));
        }
        let before = packet.headers;
        // IGW-9: before any filter inside looks at it.
        if let Some(private) = private {
            translate_destination(packet, private);
        }
        self.record(Stage::Igw, Decision::allow(gateway.translate), false, before, packet);
        let owner = match owner.map_or_else(|| self.owner(packet, vpc), Ok) {
            Ok(owner) => owner,
            Err(by) => return Err(self.end(Stage::Address, packet, by, None)),
        };
        self.block_public_access_in(packet, vpc, owner)?;
        let to = match gateway.edge {
            Some(rtb) => self.edge_route(packet, rtb, owner, Some(igw))?,
            None => owner,
        };
        Ok(Next::On(Vantage::In { eni: to, from: None, entered: true }))
    }

    /// In by a virtual private gateway: to the interface that has the address, unless its own table says otherwise (GRT-1).
    pub(super) fn enter_by_vgw(&mut self, packet: &Packet, vgw: VgwIx) -> Pass<Next> {
        let v = &self.fabric.vgws[vgw];
        let vpc = v.vpc.expect("attached: the destination is in its VPC");
        let owner = match self.owner(packet, vpc) {
            Ok(owner) => owner,
            Err(by) => return Err(self.end(Stage::Address, packet, by, None)),
        };
        let to = match v.edge {
            Some(rtb) => self.edge_route(packet, rtb, owner, None)?,
            None => owner,
        };
        Ok(Next::On(Vantage::In { eni: to, from: None, entered: true }))
    }

    /// The gateway's own table: `local`, or a middlebox (GRT-1, GRT-3). Nothing else asks it (GRT-5).
    fn edge_route(&mut self, packet: &Packet, rtb: RtbIx, owner: EniIx, igw: Option<IgwIx>) -> Pass<EniIx> {
        let table = &self.fabric.rtbs[rtb];
        let Some(route) = table.lookup(packet.headers.dst) else {
            return Err(self.end(Stage::EdgeRoute, packet, table.none, None));
        };
        if !route.active {
            return Err(self.end(Stage::EdgeRoute, packet, route.row, None));
        }
        self.pass(Stage::EdgeRoute, packet, route.row);
        match route.target {
            Target::Local => Ok(owner),
            Target::Eni(next) => {
                // GRT-3: it must own a public address, whichever of its private ones has it.
                if let Some(igw) = igw
                    && packet.headers.is_v4()
                    && !self.fabric.enis[next].has_public
                {
                    return Err(self.end(Stage::EdgeRoute, packet, self.fabric.igws[igw].edge_target, None));
                }
                Ok(next)
            }
            Target::NotModelled(nm) => {
                let by = self.fabric.not_modelled[nm].row;
                Err(self.end(Stage::NotModelled, packet, by, None))
            }
            // Compile refuses any other target in an edge table.
            Target::Igw(_)
            | Target::Eigw(_)
            | Target::Nat(_)
            | Target::Pcx(_)
            | Target::Tgw(_)
            | Target::Vpce(_)
            | Target::Vgw(_)
            | Target::Nowhere => Err(self.end(Stage::EdgeRoute, packet, route.row, None)),
        }
    }

    /// IPv6 comes in by the egress-only gateway if it knows the flow, else by the internet gateway.
    fn enter_v6(&mut self, packet: &mut Packet, vpc: VpcIx) -> Pass<Next> {
        let v = &self.fabric.vpcs[vpc];
        if let Some(eigw) = v.eigw {
            let gateway = &self.fabric.eigws[eigw];
            if self.went_out(eigw, packet) {
                self.pass(Stage::Eigw, packet, gateway.pass);
                return match self.owner(packet, vpc) {
                    Ok(eni) => Ok(Next::On(Vantage::In { eni, from: None, entered: true })),
                    Err(by) => Err(self.end(Stage::Address, packet, by, None)),
                };
            }
            // EIGW-3.
            if v.igw.is_none() {
                return Err(self.end(Stage::Eigw, packet, gateway.unsolicited, None));
            }
            self.flows.not_egress_only.insert((eigw, answer_to(packet)), self.now);
        }
        self.enter_by_igw(packet, vpc, None, None)
    }

    /// True if the packet answers a flow that went out through the gateway, or is an error about one.
    fn went_out(&mut self, eigw: EigwIx, packet: &Packet) -> bool {
        let flow = match related::quoted(packet) {
            Some(quoted) => super::arrive::inside_of(&Packet { headers: quoted, ..packet.clone() }),
            None => Some(answer_to(packet)),
        };
        let now = self.now;
        flow.and_then(|flow| self.flows.egress_only.get_mut(&(eigw, flow))).is_some_and(|last| {
            let live = now.since(*last) < EIGW_IDLE;
            if live {
                *last = now;
            }
            live
        })
    }

    /// BPA-1: bidirectional mode blocks what goes out, unless the subnet is excluded.
    fn block_public_access_out(&mut self, packet: &Packet, vpc: VpcIx, sender: EniIx) -> Pass {
        if self.fabric.subnets[self.fabric.enis[sender].subnet].bpa.egress {
            let by = self.fabric.vpcs[vpc].row(VpcRow::BpaOut);
            self.deny(Stage::Bpa, packet, by)?;
        }
        Ok(())
    }

    /// BPA-2: both modes block what comes in, but ingress-only mode lets a NAT gateway's through.
    fn block_public_access_in(&mut self, packet: &Packet, vpc: VpcIx, owner: EniIx) -> Pass {
        let e = &self.fabric.enis[owner];
        let bpa = self.fabric.subnets[e.subnet].bpa;
        let is_nat = matches!(e.kind, EniKind::Nat(_));
        if bpa.ingress && (bpa.egress || !is_nat) {
            let by = self.fabric.vpcs[vpc].row(VpcRow::BpaIn);
            self.arrive_hop(packet, owner, None, false, by);
            self.deny(Stage::Bpa, packet, by)?;
        }
        Ok(())
    }
}

/// The flow that an answer to the packet belongs to.
pub(super) fn answer_to(packet: &Packet) -> Inside {
    let o = super::arrive::outside_of(packet);
    Inside { protocol: o.protocol, src: o.own, src_port: o.own_port, dst: o.remote, dst_port: o.remote_port }
}

/// Rewrites the source, and in an ICMP error the destination of the packet it quotes.
pub(super) fn translate_source(packet: &mut Packet, public: IpAddr) {
    let private = packet.headers.src;
    packet.headers.src = public;
    super::arrive::forget_checksum(packet);
    if let Some(mut quoted) = related::quoted(packet)
        && quoted.dst == private
    {
        quoted.dst = public;
        quote::requote(packet, &quoted);
    }
}

/// Rewrites the destination, and in an ICMP error the source of the packet it quotes.
pub(super) fn translate_destination(packet: &mut Packet, private: IpAddr) {
    let public = packet.headers.dst;
    packet.headers.dst = private;
    super::arrive::forget_checksum(packet);
    if let Some(mut quoted) = related::quoted(packet)
        && quoted.src == public
    {
        quoted.src = private;
        quote::requote(packet, &quoted);
    }
}
