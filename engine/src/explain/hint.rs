//! What a person should also know about an answer: nothing here decides.

use super::{Blocker, End, Explanation, Leg, Origin, Outcome, Part};
use crate::base::Protocol;
use crate::base::ids::{EniIx, GuestIx, PcxIx, SgIx, TgwAttachIx, TunnelIx, VifIx, VpcIx, VpceIx};
use crate::compile::Network;
use crate::fabric::{ANY_PROTOCOL, Address, EniKind, PeerMatch, SgRow, TgwAttachKind, Vpc};
use crate::verdict::{Dir, RowIx, RowKind, Stage};
use std::collections::BTreeSet;

/// Something worth knowing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hint {
    /// A rule names a group that the sender has, but the way does not carry the sender's identity.
    GroupNotCarried {
        /// The rule.
        rule: RowIx,
        /// The group.
        group: SgIx,
        /// What loses it.
        lost: GroupLost,
    },
    /// Request and reply pass different devices: what each passes that the other does not.
    Asymmetric {
        /// What only the request passes.
        request: Vec<Device>,
        /// What only the reply passes.
        reply: Vec<Device>,
    },
    /// The endpoint has a policy of its own: the service may answer 403, which is no matter of packets.
    EndpointPolicy(VpceIx),
    /// A peering was asked to carry what is for neither of its VPCs: where the destination is, if it is known.
    PeeringJoins {
        /// The peering.
        pcx: PcxIx,
        /// The VPC that has the destination.
        elsewhere: Option<VpcIx>,
    },
    /// The packet came into one VPC with the destination's block, and an interface of another has the address.
    SameBlock {
        /// Where it came.
        here: VpcIx,
        /// Who has the address.
        eni: EniIx,
    },
    /// The route of a NAT gateway's own subnet leads back to it.
    NatBehindItself(EniIx),
    /// The network lets packets pass both ways; nothing listens on the port.
    NoListener(GuestIx),
    /// The attachment has no subnet in the zone of this interface.
    ZoneNotAttached {
        /// The attachment.
        attach: TgwAttachIx,
        /// The interface that sends.
        eni: EniIx,
    },
}

/// What loses a sender's groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupLost {
    /// A peering between Regions.
    PeeringBetweenRegions,
    /// A transit gateway or an attachment without security group referencing.
    TransitGatewayOption,
    /// A peering of transit gateways.
    TransitGatewayPeering,
    /// A middlebox, a translation, or the internet.
    Middlebox,
}

impl GroupLost {
    /// AWS's code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TransitGatewayOption => "SG_REFERENCING_SUPPORT",
            _ => "SG_REFERENCES_NOT_PRESERVED",
        }
    }
}

/// Something that a packet passes between two interfaces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Device {
    /// A peering of VPCs.
    Pcx(PcxIx),
    /// An attachment to a transit gateway.
    Attach(TgwAttachIx),
    /// A guest that forwards.
    Guest(GuestIx),
    /// A tunnel of a VPN connection.
    Tunnel(TunnelIx),
    /// A virtual interface.
    Vif(VifIx),
}

/// What a person should also know.
#[must_use]
pub fn hints(network: &Network, e: &Explanation) -> Vec<Hint> {
    let mut out = Vec::new();
    out.extend(group_not_carried(network, e));
    out.extend(asymmetric(network, e));
    out.extend(e.blockers.iter().filter_map(|blocker| of_blocker(network, e, blocker)));
    if let (Outcome::Closed, Some(by)) = (e.outcome, e.decided_by.map(|(_, by)| network.fabric.rows[by]))
        && let (RowKind::GuestClosed, End::Delivered(eni)) = (by.kind, e.request.end)
    {
        out.extend(network.fabric.enis[eni].guest().map(Hint::NoListener));
    }
    for step in e.request.steps.iter().filter(|step| step.decision.allow) {
        if let Stage::Vpce(vpce) = step.stage
            && network.fabric.vpces[vpce].restrictive_policy
            && !out.contains(&Hint::EndpointPolicy(vpce))
        {
            out.push(Hint::EndpointPolicy(vpce));
        }
    }
    out
}

/// What a row that blocks does not say itself.
fn of_blocker(network: &Network, e: &Explanation, blocker: &Blocker) -> Option<Hint> {
    let fabric = &network.fabric;
    let leg = if blocker.part == Part::Request { Some(&e.request) } else { e.reply.as_ref() };
    match (fabric.rows[blocker.step.decision.by].kind, blocker.step.stage) {
        (RowKind::PcxTransit, Stage::Pcx(pcx)) => {
            let holds = |(vpc, v): &(VpcIx, &Vpc)| {
                v.contains(blocker.step.before.dst) && !fabric.pcxs[pcx].sides.contains(&Some(*vpc))
            };
            let elsewhere = fabric.vpcs.iter_enumerated().find(holds).map(|(vpc, _)| vpc);
            Some(Hint::PeeringJoins { pcx, elsewhere })
        }
        (RowKind::AddressNone, _) => {
            let here = VpcIx(fabric.rows[blocker.step.decision.by].owner);
            let eni = fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(blocker.step.before.dst))?;
            Some(Hint::SameBlock { here, eni })
        }
        (RowKind::Loop, _) => {
            let last = leg?.steps.iter().rev().find_map(|step| match step.stage {
                Stage::Route(eni) => Some(eni),
                _ => None,
            })?;
            matches!(fabric.enis[last].kind, EniKind::Nat(_)).then_some(Hint::NatBehindItself(last))
        }
        (RowKind::TgwNoAz, Stage::Tgw(attach)) => {
            let eni = leg?.steps.iter().rev().find_map(|step| match step.stage {
                Stage::Route(eni) => Some(eni),
                _ => None,
            })?;
            Some(Hint::ZoneNotAttached { attach, eni })
        }
        _ => None,
    }
}

/// A group's default deny decided, and one of its rules names a group of the sender.
fn group_not_carried(network: &Network, e: &Explanation) -> Option<Hint> {
    let fabric = &network.fabric;
    let (Some((Part::Request, by)), Origin::Eni { eni: sender, .. }) = (e.decided_by, e.question.from) else {
        return None;
    };
    let step = e.request.steps.iter().find(|step| step.decision.by == by && !step.decision.allow)?;
    let (RowKind::SgLast, Stage::SgIn(eni)) = (fabric.rows[by].kind, step.stage) else { return None };
    let own = &fabric.sg_sets[fabric.enis[sender].sg_set].groups;
    let table = fabric.sg_sets[fabric.enis[eni].sg_set].table(Dir::In);
    let found = match step.before.is_v4() {
        true => naming(&table.v4, own, e),
        false => naming(&table.v6, own, e),
    };
    let (rule, group) = found?;
    let passed = |test: &dyn Fn(Stage) -> bool| e.request.steps.iter().any(|s| s.decision.allow && test(s.stage));
    let over_tgw = e.request.steps.iter().filter_map(|s| match s.stage {
        Stage::TgwRoute(attach) => Some(fabric.tgw_attaches[attach].tgw),
        _ => None,
    });
    let tgws: BTreeSet<_> = over_tgw.collect();
    let middlebox = passed(&|s| matches!(s, Stage::Nat(_) | Stage::Igw))
        || e.request.steps.iter().any(|s| fabric.rows[s.decision.by].kind == RowKind::GuestForward);
    let lost = if middlebox {
        GroupLost::Middlebox
    } else if tgws.len() > 1 {
        GroupLost::TransitGatewayPeering
    } else if tgws.len() == 1 {
        GroupLost::TransitGatewayOption
    } else if passed(&|s| matches!(s, Stage::Pcx(pcx) if !fabric.pcxs[pcx].same_region)) {
        GroupLost::PeeringBetweenRegions
    } else {
        return None;
    };
    Some(Hint::GroupNotCarried { rule, group, lost })
}

/// The first rule for this protocol and port that names one of the sender's groups.
fn naming<A: Address>(rows: &[SgRow<A>], own: &[SgIx], e: &Explanation) -> Option<(RowIx, SgIx)> {
    let (protocol, port) = (e.question.protocol, e.question.dst_port);
    rows.iter().find_map(|row| {
        let PeerMatch::Group(group) = row.peer else { return None };
        let kind = row.protocol == ANY_PROTOCOL
            || row.protocol == u16::from(protocol.0)
                && (!matches!(protocol, Protocol::TCP | Protocol::UDP) || row.low <= port && port <= row.high);
        (kind && own.contains(&group)).then_some((row.row, group))
    })
}

/// Devices that only one of the two ways passes.
fn asymmetric(network: &Network, e: &Explanation) -> Option<Hint> {
    let reply = e.reply.as_ref()?;
    let (there, back) = (devices(network, &e.request), devices(network, reply));
    let only = |a: &BTreeSet<Device>, b: &BTreeSet<Device>| a.difference(b).copied().collect::<Vec<_>>();
    let (mut request, only_reply) = (only(&there, &back), only(&back, &there));
    if matches!(reply.end, End::Dropped(_)) {
        // It has not shown its whole way: what it did not come to, it might have passed.
        let guests = only_reply.iter().any(|d| matches!(d, Device::Guest(_)));
        request.retain(|d| guests && matches!(d, Device::Guest(_)));
    }
    (!request.is_empty() || !only_reply.is_empty()).then_some(Hint::Asymmetric { request, reply: only_reply })
}

fn devices(network: &Network, leg: &Leg) -> BTreeSet<Device> {
    let fabric = &network.fabric;
    let passed = leg.steps.iter().filter_map(|step| {
        let kind = fabric.rows[step.decision.by].kind;
        match step.stage {
            Stage::Pcx(pcx) if kind == RowKind::PcxPass => Some(Device::Pcx(pcx)),
            Stage::Tgw(attach) if kind == RowKind::TgwPass => match fabric.tgw_attaches[attach].kind {
                TgwAttachKind::Peering(_) => None,
                _ => Some(Device::Attach(attach)),
            },
            Stage::Tunnel(tunnel) if kind == RowKind::TunnelPass => Some(Device::Tunnel(tunnel)),
            Stage::Vif(vif) if kind == RowKind::VifPass => Some(Device::Vif(vif)),
            // A firewall that knows nothing of the connection ends the way, and is worth naming.
            Stage::Guest(eni) if matches!(kind, RowKind::GuestForward | RowKind::GuestNoState) => {
                fabric.enis[eni].guest().map(Device::Guest)
            }
            _ => None,
        }
    });
    passed.collect()
}
