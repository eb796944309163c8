//! What a person should also know about an answer: nothing here decides.

use super::{Explanation, Leg, Origin, Part};
use crate::base::Protocol;
use crate::base::ids::{SgIx, VpceIx};
use crate::compile::Network;
use crate::fabric::{ANY_PROTOCOL, Address, EniKind, PeerMatch, SgRow};
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
    /// A peering, an attachment, a NAT gateway or a forwarding guest, by the row that let the packet pass.
    Row(RowIx),
}

/// What a person should also know.
#[must_use]
pub fn hints(network: &Network, e: &Explanation) -> Vec<Hint> {
    let mut out = Vec::new();
    out.extend(group_not_carried(network, e));
    out.extend(asymmetric(network, e));
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
    // A reply that was dropped early has not shown its whole way.
    let stopped = matches!(reply.end, super::End::Dropped(_));
    let (request, reply) = (only(&there, &back), only(&back, &there));
    (!reply.is_empty() || (!request.is_empty() && !stopped)).then_some(Hint::Asymmetric { request, reply })
}

fn devices(network: &Network, leg: &Leg) -> BTreeSet<Device> {
    let fabric = &network.fabric;
    let kept = leg.steps.iter().filter(|step| step.decision.allow).filter(|step| match step.stage {
        Stage::Pcx(_) => fabric.rows[step.decision.by].kind == RowKind::PcxPass,
        Stage::Tgw(attach) => {
            matches!(fabric.rows[step.decision.by].kind, RowKind::TgwPass)
                && !matches!(fabric.tgw_attaches[attach].kind, crate::fabric::TgwAttachKind::Peering(_))
        }
        Stage::Guest(eni) => {
            matches!(fabric.enis[eni].kind, EniKind::Guest(_))
                && fabric.rows[step.decision.by].kind == RowKind::GuestForward
        }
        _ => false,
    });
    // A forwarding guest counts as one, whichever of its interfaces the packet came in by.
    kept.map(|step| match step.stage {
        Stage::Guest(eni) => {
            let first = fabric.enis[eni].guest().and_then(|guest| fabric.guests[guest].enis.first().copied());
            Device::Row(fabric.enis[first.unwrap_or(eni)].row(crate::fabric::EniRow::GuestForward))
        }
        _ => Device::Row(step.decision.by),
    })
    .collect()
}
