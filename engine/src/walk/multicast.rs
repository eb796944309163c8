//! Multicast by a transit gateway's domain: copies to the members of a group (MCAST-1).
//!
//! A packet for a group leaves by its sender's groups and ACL (with the group as destination), the domain copies it, and
//! each copy enters by the member's ACL and groups like anything else (MCAST-5). Members are listed, or have joined by
//! IGMPv2 (MCAST-3). Not modelled: Nitro requirements, bandwidth limits, IPv6 listener discovery.

use super::leave::Onward;
use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::{EniIx, McastIx};
use crate::eval::{self, Key};
use crate::fabric::{Fabric, McastRow, VpcRow};
use crate::flow::FlowState;
use crate::verdict::{Dir, RowIx, Stage, Verdict};
use crate::wire::Packet;
use crate::wire::igmp::{self, Igmp};
use std::net::IpAddr;

/// Interfaces that get copies of what `sender` sends to a group, ascending.
#[must_use]
pub fn members(fabric: &Fabric, flows: &FlowState, domain: McastIx, group: IpAddr, sender: EniIx) -> Vec<EniIx> {
    let listed = fabric.mcasts[domain].members.iter().filter(|(of, _)| *of == group).map(|(_, eni)| *eni);
    let joined =
        flows.joined.range((domain, group, EniIx(0))..=(domain, group, EniIx(u32::MAX))).map(|((_, _, eni), _)| *eni);
    let mut all: Vec<EniIx> = listed.chain(joined).filter(|eni| *eni != sender).collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl<R: Recorder> Walk<'_, R> {
    /// A guest sends to a group; its security groups have let it.
    pub(super) fn multicast(
        &mut self,
        packet: &Packet,
        eni: EniIx,
        ports: (u16, u16),
        filter: Option<RowIx>,
    ) -> Pass<Next> {
        let e = &self.fabric.enis[eni];
        let subnet = &self.fabric.subnets[e.subnet];
        let decision = eval::acl(self.fabric, subnet.acl, Dir::Out, &Key::new(&packet.headers, Dir::Out, ports));
        if decision.allow {
            self.pass(Stage::AclOut(eni), packet, decision.by);
        } else {
            self.leave_hop(packet, eni, false, Some(decision.by), Onward::Nowhere);
            self.deny(Stage::AclOut(eni), packet, decision.by)?;
        }
        self.leave_hop(packet, eni, true, filter.or(Some(decision.by)), Onward::Nowhere);
        let Some(domain) = subnet.mcast else {
            let by = self.fabric.vpcs[e.vpc].row(VpcRow::McastNoDomain);
            return Err(self.end(Stage::Mcast, packet, by, None));
        };
        let d = &self.fabric.mcasts[domain];
        if let Some(message) = igmp::parse(packet).filter(|_| d.igmp) {
            match message {
                Igmp::Report(group) => {
                    self.flows.joined.insert((domain, group.into(), eni), 0);
                }
                // MCAST-4: at once.
                Igmp::Leave(group) => {
                    self.flows.joined.remove(&(domain, group.into(), eni));
                }
                Igmp::Query => {}
            }
            self.pass(Stage::Mcast, packet, d.row(McastRow::Igmp));
            return Ok(Next::Done(Verdict::Taken { domain }));
        }
        // MCAST-6.
        if packet.headers.fragment.is_fragment() {
            return Err(self.end(Stage::Mcast, packet, d.row(McastRow::Fragment), None));
        }
        let group = packet.headers.dst;
        if d.static_sources && d.sources.binary_search(&(group, eni)).is_err() {
            return Err(self.end(Stage::Mcast, packet, d.row(McastRow::NoSource), None));
        }
        if members(self.fabric, self.flows, domain, group, eni).is_empty() {
            return Err(self.end(Stage::Mcast, packet, d.row(McastRow::NoMember), None));
        }
        self.pass(Stage::Mcast, packet, d.row(McastRow::Pass));
        Ok(Next::Done(Verdict::Replicate { domain, sender: eni }))
    }
}
