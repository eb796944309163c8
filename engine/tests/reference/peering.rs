//! VPC peering (aws-hybrid 1) and security group references between VPCs (1.4, 2.11, aws-core 4.2).

use super::packet::{Crossed, Packet};
use super::walk::{Place, Step, drop};
use super::world::Eni;
use super::{Dir, RefRow, World};
use std::net::IpAddr;
use vpcsim_engine::spec::PeeringState;

/// The other side of a peering.
pub enum OtherSide {
    /// The VPC is not one of this one's.
    NotOurs,
    Unknown,
    Vpc(String),
}

/// What a NAT gateway sent over a peering (aws-core 7.1).
#[derive(Clone, Debug)]
pub struct SentOver {
    pub nat: String,
    pub peer: String,
    pub packet: Packet,
}

impl World<'_> {
    pub fn other_side(&self, pcx: &str, vpc: &str) -> OtherSide {
        let body = &self.spec.vpc_peering_connections[pcx];
        let sides = [&body.requester, &body.accepter].map(|s| s.as_ref().map(|v| v.value.clone()));
        match sides {
            [Some(one), other] if one == vpc => other.map_or(OtherSide::Unknown, OtherSide::Vpc),
            [other, Some(one)] if one == vpc => other.map_or(OtherSide::Unknown, OtherSide::Vpc),
            _ => OtherSide::NotOurs,
        }
    }

    /// 1.1: only an active peering carries packets.
    pub fn peering_active(&self, pcx: &str) -> bool {
        self.spec.vpc_peering_connections[pcx].state.is_none_or(|s| s == PeeringState::Active)
    }

    /// 1.3: the peer accepts only what is for one of its own addresses.
    pub fn over_peering(&mut self, pcx: &str, vpc: &str, device: &str, p: &mut Packet) -> Step {
        let OtherSide::Vpc(peer) = self.other_side(pcx, vpc) else { return drop(RefRow::new("PcxUnknown", pcx)) };
        if !self.vpc_blocks(&peer).iter().any(|b| b.contains(p.dst)) {
            return drop(RefRow::new("PcxTransit", pcx));
        }
        if self.nat(device).is_some() {
            let sent = SentOver { nat: device.to_owned(), peer: peer.clone(), packet: p.clone() };
            self.sent_over.push(sent);
        }
        p.crossed.push(Crossed::Peering { from: vpc.to_owned() });
        self.hand_over(&peer, p.dst, true)
    }

    /// aws-core 7.1, "return to sender": the answer to a NAT gateway goes back to it over the peering, whatever
    /// the table of the answering subnet says.
    pub fn return_to_sender(&self, vpc: &str, p: &Packet) -> Option<String> {
        let mut all = self.sent_over.iter();
        all.find(|s| s.peer == vpc && p.answers(&s.packet)).map(|s| s.nat.clone())
    }

    /// Leaves the answering subnet as everything does, and enters the gateway's.
    pub fn back_to_nat(&mut self, nat: String, subnet: &str, p: &mut Packet) -> Step {
        self.acl_allows(subnet, Dir::Out, p).map_err(super::walk::End::Dropped)?;
        Ok(Place::Nat { nat, entered: true })
    }

    /// Does a rule that names `group` match? By private addresses of the interfaces with it (aws-core 4.2), and
    /// inbound only if the packet comes straight from there.
    pub fn reference_matches(&self, eni: &Eni, dir: Dir, group: &str, p: &Packet) -> bool {
        let home = self.spec.security_groups.get(group).map_or(&eni.vpc, |g| &g.vpc.value);
        let member = |address: IpAddr| {
            let here = self.enis.iter().filter(|e| e.vpc == *home && e.owns(address));
            here.into_iter().any(|e| e.groups.iter().any(|g| g == group))
        };
        match dir {
            Dir::Out => (*home == eni.vpc || self.peered_in_region(&eni.vpc, home)) && member(p.dst),
            Dir::In => p.straight && self.reference_crosses(&eni.vpc, home, &p.crossed) && member(p.src),
        }
    }

    /// Is there something between two VPCs, whatever its state?
    pub fn connected(&self, vpc: &str, other: &str) -> bool {
        let attached = |vpc: &str| {
            let all = self.spec.transit_gateway_vpc_attachments.values().filter(|a| a.vpc.value == vpc);
            all.map(|a| a.transit_gateway.value.clone()).collect::<Vec<_>>()
        };
        let peers = |pcx: &str| matches!(self.other_side(pcx, vpc), OtherSide::Vpc(v) if v == other);
        self.spec.vpc_peering_connections.keys().any(|pcx| peers(pcx))
            || attached(vpc).iter().any(|tgw| attached(other).contains(tgw))
    }

    /// 1.4: an active peering inside one Region.
    fn peered_in_region(&self, vpc: &str, other: &str) -> bool {
        self.region_of(vpc) == self.region_of(other)
            && self.spec.vpc_peering_connections.keys().any(|pcx| {
                self.peering_active(pcx) && matches!(self.other_side(pcx, vpc), OtherSide::Vpc(v) if v == other)
            })
    }

    /// May a group of `home` be meant by what came this way into `vpc`?
    fn reference_crosses(&self, vpc: &str, home: &str, crossed: &[Crossed]) -> bool {
        match crossed {
            [] => vpc == home,
            [Crossed::Peering { from }] => from == home && self.region_of(home) == self.region_of(vpc),
            // 2.11: the option of the gateway (default off) and of both attachments (default on).
            [Crossed::Tgw { from, to }] => {
                let attachments = &self.spec.transit_gateway_vpc_attachments;
                let (from, to) = (&attachments[from.as_str()], &attachments[to.as_str()]);
                let tgw = &self.spec.transit_gateways[from.transit_gateway.as_str()];
                from.vpc.value == home
                    && tgw.security_group_referencing == Some(true)
                    && [from, to].iter().all(|a| a.security_group_referencing.unwrap_or(true))
            }
            // Not over a peering of transit gateways, nor over two things one after the other.
            _ => false,
        }
    }
}
