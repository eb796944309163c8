//! Direct Connect: virtual interfaces and Direct Connect gateways.
//!
//! A Direct Connect gateway joins virtual interfaces with virtual private gateways, or with transit gateways; it joins neither
//! two of those nor two interfaces, unless both of the latter have SiteLink (DX-5, DX-6).

use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{DxgwIx, VifIx};
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
        let hop = self.hop_of(packet, stage, &d.fib, PathOwner::Dxgw(dxgw), unknown)?;
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
            (Side::Customer, _, Some(router)) => Vantage::Router { router, from },
            (Side::Customer, _, None) => unreachable!("nothing is sent to what is not described"),
        })
    }
}
