//! Codes of an answer that one row alone does not give: what a group's denial is about, what holds beside the verdict.

use super::{Explanation, Hint, beaten_routes, hints};
use crate::compile::Network;
use crate::verdict::{RowKind, Stage, Step, code_of};
use std::collections::BTreeSet;

/// The code of a row that blocks, as far as the rest of the way makes it more precise than [`code_of`].
#[must_use]
pub fn explanation_code(network: &Network, e: &Explanation, step: &Step) -> &'static str {
    let fabric = &network.fabric;
    let row = fabric.rows[step.decision.by];
    match (row.kind, step.stage) {
        (RowKind::SgLast, Stage::SgIn(eni) | Stage::SgOut(eni)) => {
            let table = fabric.sg_sets[fabric.enis[eni].sg_set].table(row.dir);
            let lost = hints(network, e).into_iter().find_map(|hint| match hint {
                Hint::GroupNotCarried { lost, .. } => Some(lost.code()),
                _ => None,
            });
            match lost {
                Some(code) if e.decided_by.is_some_and(|(_, by)| by == step.decision.by) => code,
                _ if table.empty => "SG_HAS_NO_RULES",
                _ => code_of(row),
            }
        }
        _ => code_of(row),
    }
}

/// Every code that an answer carries: of what blocks, of the routes that another beat, of rewrites, and of what to know besides.
#[must_use]
pub fn codes(network: &Network, e: &Explanation) -> BTreeSet<&'static str> {
    let fabric = &network.fabric;
    let mut out: BTreeSet<&'static str> = BTreeSet::new();
    out.extend(e.blockers.iter().map(|blocker| explanation_code(network, e, &blocker.step)));
    out.extend(e.decided_by.map(|(_, by)| code_of(fabric.rows[by])));
    for beaten in beaten_routes(network, e) {
        out.insert(beaten.code());
        // The local route serves the VPC's own blocks only.
        if beaten.code() == "CANNOT_ROUTE" && network.names.rows.get(beaten.row).is_some_and(|row| row.says == "local")
        {
            out.insert("VPC_LOCAL_ROUTE_CIDR_RESTRICTION");
        }
    }
    let legs = std::iter::once(&e.request).chain(e.reply.as_ref());
    for step in legs.flat_map(|leg| &leg.steps) {
        let (before, after) = (&step.before, &step.after);
        if let (Stage::Nat(_), true) = (step.stage, step.decision.allow) {
            if before.src != after.src {
                out.extend(["NGW_SOURCE_ADDRESS_REASSIGN", "NGW_DEST_ADDRESS_PRESERVATION"]);
            }
            if before.ports().0 != after.ports().0 {
                out.insert("REMAP_EPHEMERAL_PORT");
            }
        }
        // A firewall that did not see the request, behind a transit gateway that may use another zone for the way back.
        let over_tgw = e.request.steps.iter().any(|step| matches!(step.stage, Stage::TgwRoute(_)));
        if fabric.rows[step.decision.by].kind == RowKind::GuestNoState && over_tgw {
            out.insert("TRANSIT_GATEWAY_APPLIANCE_MODE_RECOMMENDED");
        }
    }
    let zones: BTreeSet<u32> = std::iter::once(&e.request)
        .chain(e.reply.as_ref())
        .flat_map(|leg| &leg.hops)
        .map(|hop| fabric.subnets[fabric.enis[hop.eni].subnet].zone)
        .collect();
    if zones.len() > 1 {
        out.insert("AVAILABILITY_ZONE_CROSSED");
    }
    out
}
