//! Direct Connect: virtual interfaces and Direct Connect gateways.
//!
//! A Direct Connect gateway joins virtual interfaces with virtual private gateways, or with transit gateways; it joins neither
//! two of those nor two interfaces, unless both of the latter have SiteLink (DX-5, DX-6). A public virtual interface joins a
//! router with AWS's public network: what a customer announced there goes over it and not over the internet (DX-92).
//! What comes by one enters a VPC as from the internet, at its internet gateway.
//!
//! Not modelled: the time that AWS's network takes between a location's Region and another one.

use super::vpn::exceeds;
use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{DxgwIx, PublicIx, VifIx, VpcIx};
use crate::fabric::{DxgwRow, NextHop, PathOwner, VifEnd, VifRow};
use crate::flow::{Choice, Pick, PickOption};
use crate::verdict::{Entry, LinkIx, Notify, NotifyKind, Side, Stage, Vantage, Verdict};
use crate::wire::Packet;
use std::net::IpAddr;

impl<R: Recorder> Walk<'_, R> {
    /// A Direct Connect gateway has a packet.
    pub(super) fn dxgw(&mut self, packet: &mut Packet, dxgw: DxgwIx, from: Entry) -> Pass<Next> {
        let (d, stage) = (&self.fabric.dxgws[dxgw], Stage::Dxgw(dxgw));
        let unknown = (!d.complete).then(|| d.row(DxgwRow::Unknown));
        let f = self.fabric;
        let region = match from {
            Entry::Vgw(vgw) => f.vgws[vgw].vpc.map(|vpc| f.vpcs[vpc].region),
            Entry::Attach(attach) => Some(f.tgws[f.tgw_attaches[attach].tgw].region),
            _ => None,
        };
        let fib = d.seen_from(region);
        if let Some(at) = fib.lookup(packet.headers.dst)
            && !matches!(from, Entry::Vif(_))
            && exceeds(packet, fib.routes[at].mtu)
        {
            return Err(self.end(stage, packet, d.row(DxgwRow::Mtu), None));
        }
        let hop = self.hop_of(packet, stage, d.seen_from(region), PathOwner::Dxgw(dxgw), unknown)?;
        let site_link = |vif: VifIx| self.fabric.vifs[vif].site_link;
        let joined = match (from, hop) {
            (Entry::Vif(a), NextHop::Vif(b)) => a != b && site_link(a) && site_link(b),
            (Entry::Vif(_), _) => true,
            (_, NextHop::Vif(_)) => true,
            _ => false,
        };
        if !joined {
            return Err(self.end(stage, packet, d.row(DxgwRow::NotJoined), None));
        }
        match hop {
            NextHop::Vif(vif) => self.enter_vif(packet, vif, Side::Aws, None),
            NextHop::Vgw(vgw) => Ok(Next::On(Vantage::Vgw { vgw, from: Entry::Dxgw(dxgw) })),
            NextHop::Attach(via) => Ok(Next::On(Vantage::Tgw { via, eni: None, from: None })),
            hop => unreachable!("a Direct Connect gateway has no way to {hop:?}"),
        }
    }

    /// Over a virtual interface, from one side.
    pub(super) fn enter_vif(
        &mut self,
        packet: &mut Packet,
        vif: VifIx,
        side: Side,
        tell: Option<(IpAddr, Vantage)>,
    ) -> Pass<Next> {
        let (v, stage) = (&self.fabric.vifs[vif], Stage::Vif(vif));
        if side == Side::Aws && v.router.is_none() {
            return Err(self.end(stage, packet, v.row(VifRow::Unknown), None));
        }
        if !v.up {
            return Err(self.end(stage, packet, v.row(VifRow::Down), None));
        }
        let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
        // DX-7: a router tells its senders, AWS tells nobody.
        if packet.len() > v.mtu && !may_be_cut {
            let kind = NotifyKind::TooBig { mtu: v.mtu };
            let notify = tell.map(|(from, at)| Notify { kind, from, at });
            return Err(self.end(stage, packet, v.row(VifRow::Mtu), notify));
        }
        self.pass(stage, packet, v.row(VifRow::Pass));
        let link = self.line(packet, vif)?;
        Ok(Next::Done(Verdict::Transit { to: Vantage::VifEnd(vif, side.other()), link }))
    }

    /// The cable under a virtual interface: of a link aggregation group the same one for all of a flow, and none that
    /// is down (DX-81). With none left the packet ends here (DX-83).
    fn line(&mut self, packet: &Packet, vif: VifIx) -> Pass<LinkIx> {
        let v = &self.fabric.vifs[vif];
        let Some(index) = v.lag else { return Ok(v.link) };
        let (lag, stage) = (&self.fabric.lags[index], Stage::Lag(index));
        if lag.links.is_empty() {
            return Err(self.end(stage, packet, lag.none, None));
        }
        let (protocol, from, to) = self.ends(packet);
        let pick = Pick::directed(Choice::Link(index), protocol, from, to);
        let options = lag.links.iter().zip(0u32..).map(|(link, label)| PickOption { salt: link.salt, label });
        let link = &lag.links[self.flows.picks.pick(pick, options)];
        self.pass(stage, packet, link.row);
        Ok(link.link)
    }

    /// At the other side of a virtual interface.
    pub(super) fn vif_end(&mut self, packet: &Packet, vif: VifIx, side: Side) -> Next {
        let v = &self.fabric.vifs[vif];
        if let Some(speaker) = self.own(packet, v.speakers, side) {
            return Next::Done(Verdict::Speaker { speaker });
        }
        let from = Entry::Vif(vif);
        Next::On(match (side, v.end, v.router) {
            (Side::Aws, VifEnd::Vgw(vgw), _) => Vantage::Vgw { vgw, from },
            (Side::Aws, VifEnd::Dxgw(dxgw), _) => Vantage::Dxgw { dxgw, from },
            (Side::Aws, VifEnd::Public(region), _) => Vantage::Public { region, from: Some(vif) },
            (Side::Customer, _, Some(router)) => Vantage::Router { router, from },
            (Side::Customer, _, None) => unreachable!("nothing is sent to what is not described"),
        })
    }

    /// AWS's public network has a packet from a customer, or from a service of AWS's for one.
    pub(super) fn public(&mut self, packet: &mut Packet, region: PublicIx, from: Option<VifIx>) -> Pass<Next> {
        let Some(vif) = from else { return self.enter_public_vif(packet, region) };
        let (v, stage, dst) = (&self.fabric.vifs[vif], Stage::Vif(vif), packet.headers.dst);
        // DX-89.
        if !v.announced.iter().any(|block| block.contains(packet.headers.src)) {
            return Err(self.end(stage, packet, v.row(VifRow::Source), None));
        }
        if self.fabric.is_ours(dst) {
            return Ok(Next::On(Vantage::Internet));
        }
        // DX-90: nothing crosses AWS from one customer, or one connection, to another.
        match self.fabric.aws_service(dst) {
            Some(host) => Ok(Next::Done(Verdict::Endpoint { host, back: Vantage::Public { region, from: None } })),
            None => Err(self.end(stage, packet, v.row(VifRow::NotAws), None)),
        }
    }

    /// What leaves a VPC for outside of AWS: over a public virtual interface if its customer announced the destination to
    /// this Region (DX-92).
    pub(super) fn leave_by_public_vif(&mut self, packet: &mut Packet, vpc: VpcIx) -> Pass<Option<Next>> {
        let (region, dst) = (PublicIx(self.fabric.vpcs[vpc].region), packet.headers.dst);
        let announced = self.fabric.publics.get(region).is_some_and(|public| public.fib.lookup(dst).is_some());
        if !announced || self.fabric.aws_service(dst).is_some() {
            return Ok(None);
        }
        self.enter_public_vif(packet, region).map(Some)
    }

    fn enter_public_vif(&mut self, packet: &mut Packet, region: PublicIx) -> Pass<Next> {
        let fib = &self.fabric.publics[region].fib;
        match self.hop_of(packet, Stage::Public(region), fib, PathOwner::Public(region), None)? {
            NextHop::Vif(vif) => self.enter_vif(packet, vif, Side::Aws, None),
            hop => unreachable!("AWS's public network has no way to {hop:?}"),
        }
    }
}
