//! VPC peering: the other VPC takes what is for one of its own addresses, and nothing else.
//!
//! So a peer's internet gateway, NAT gateway, endpoints and other peerings cannot be used through it (PCX-5, PCX-6), and no
//! table of the peer VPC is asked on the way in (PCX-7: there is no reverse path check). The way back is the peer's own route
//! (PCX-4); ACLs and groups of both ends are asked as inside a VPC (PCX-9). Not modelled: encryption
//! between Regions.

use super::leave::Sender;
use super::{NAT_IDLE, Next, Pass, Recorder, Walk};
use crate::base::ids::{EniIx, PcxIx, VpcIx};
use crate::fabric::{EniKind, PcxRow};
use crate::verdict::Stage;
use crate::wire::Packet;

impl<R: Recorder> Walk<'_, R> {
    /// A table of `vpc` sends the packet over the peering.
    pub(super) fn cross_peering(&mut self, packet: &Packet, pcx: PcxIx, vpc: VpcIx, sender: Sender) -> Pass<Next> {
        let (p, stage) = (&self.fabric.pcxs[pcx], Stage::Pcx(pcx));
        let Some(peer) = p.other(vpc).flatten() else {
            return Err(self.end(stage, packet, p.row(PcxRow::Unknown), None));
        };
        // PCX-8: silently; what may be fragmented is cut by the caller of the walk when it crosses.
        let may_be_cut = packet.headers.is_v4() && !packet.headers.fragment.dont;
        if packet.len() > p.mtu && !may_be_cut {
            return Err(self.end(stage, packet, p.row(PcxRow::Mtu), None));
        }
        if !self.fabric.vpcs[peer].contains(packet.headers.dst) {
            return Err(self.end(stage, packet, p.row(PcxRow::Transit), None));
        }
        self.pass(stage, packet, p.row(PcxRow::Pass));
        if matches!(self.fabric.enis[sender.eni].kind, EniKind::Nat(_)) {
            self.flows.return_to_sender.insert(super::edge::answer_to(packet), (sender.eni, pcx, self.now));
        }
        // PCX-11: groups are known inside a Region only.
        let from = self.known_across(sender).filter(|_| p.same_region);
        self.hand_over(packet, peer, sender.eni, from, true)
    }

    /// PCX-10: the NAT gateway's interface and the peering that the packet goes back by, if it answers what a NAT gateway
    /// sent over a peering.
    pub(super) fn returns_to_sender(&mut self, packet: &Packet) -> Option<(EniIx, PcxIx)> {
        if self.flows.return_to_sender.is_empty() {
            return None;
        }
        let flow = super::arrive::inside_of(packet)?;
        let now = self.now;
        let (eni, pcx, last) = self.flows.return_to_sender.get_mut(&flow)?;
        if now.since(*last) >= NAT_IDLE || !self.fabric.pcxs[*pcx].active {
            return None;
        }
        *last = now;
        Some((*eni, *pcx))
    }
}
