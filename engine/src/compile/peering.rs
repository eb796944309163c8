//! VPC peering connections: what AWS refuses, and which of them carry packets.

use super::context::{Context, also, label};
use crate::base::ids::{PcxIx, VpcIx};
use crate::diag::Diagnostic;
use crate::fabric::Pcx;
use crate::spec::{self, PeeringState, Spanned};
use crate::verdict::{Dir, RowKind};
use std::collections::BTreeMap;

/// Implied rows of a peering, in the order of `PcxRow`.
const ROWS: [(RowKind, Dir); 5] = [
    (RowKind::PcxPass, Dir::In),
    (RowKind::PcxTransit, Dir::In),
    (RowKind::PcxUnknown, Dir::In),
    (RowKind::PcxMtu, Dir::In),
    (RowKind::PcxReturn, Dir::In),
];
/// MTU of a peering inside a Region (PCX-8).
const SAME_REGION_MTU: u32 = 9001;

impl Context {
    pub(super) fn peerings(&mut self) {
        let peerings = std::mem::take(&mut self.spec.vpc_peering_connections);
        let mut pairs: BTreeMap<(VpcIx, VpcIx), PcxIx> = BTreeMap::new();
        for (name, peering) in &peerings {
            let sides = [&peering.requester, &peering.accepter]
                .map(|side| side.as_ref().and_then(|side| self.ids.vpcs.get(side.value.as_str()).copied()));
            self.check_sides(name, peering, sides);
            // PCX-1.
            let mut active = peering.state.unwrap_or(PeeringState::Active) == PeeringState::Active;
            let index = self.fabric.pcxs.next_index();
            if let [Some(a), Some(b)] = sides
                && active
            {
                active = self.check_pair(name, (a, b)) && active;
                if let Some(other) = pairs.insert((a.min(b), a.max(b)), index) {
                    // PCX-3.
                    let message = format!("`{name}` is a second active peering between the same two VPCs");
                    let span = self.names.pcxs[other].span;
                    self.problem(also(Diagnostic::error("second-peering", name.span, message), span, "the other one"));
                }
            }
            let same_region = match sides {
                [Some(a), Some(b)] => self.fabric.vpcs[a].region == self.fabric.vpcs[b].region,
                _ => true,
            };
            let mtu = if same_region { SAME_REGION_MTU } else { self.fabric.profile.inter_region_peering_mtu };
            let rows = self.row_block(index.0, &ROWS);
            let dns = [peering.requester_dns_resolution, peering.accepter_dns_resolution].map(|d| d.unwrap_or(false));
            self.fabric.pcxs.push(Pcx { sides, active, same_region, mtu, dns, rows });
            self.names.pcxs.push(label(name, peering.name_tag.as_ref()));
            self.ids.pcxs.insert(name.value.clone(), index);
        }
        self.spec.vpc_peering_connections = peerings;
        self.peers();
    }

    /// Both sides are there, and are two VPCs.
    fn check_sides(&mut self, name: &Spanned<String>, peering: &spec::VpcPeeringConnection, sides: [Option<VpcIx>; 2]) {
        for (side, field) in [(&peering.requester, "requester"), (&peering.accepter, "accepter")] {
            match side {
                Some(side) => {
                    self.vpc_named(side);
                }
                None if self.lenient => {}
                None => {
                    let message = format!("VPC peering connection `{name}` has no `{field}`");
                    self.problem(
                        Diagnostic::error("missing-field", name.span, message)
                            .help(format!("add `{field}: ...`, a VPC")),
                    );
                }
            }
        }
        if let [Some(a), Some(b)] = sides
            && a == b
        {
            let message = format!("VPC peering connection `{name}` has one VPC on both sides");
            self.problem(Diagnostic::error("peering-with-itself", name.span, message));
        }
    }

    /// PCX-2: blocks that overlap make AWS refuse the request. False if they do.
    fn check_pair(&mut self, name: &Spanned<String>, (a, b): (VpcIx, VpcIx)) -> bool {
        let blocks = |vpc: VpcIx| self.fabric.vpcs[vpc].blocks.iter();
        let overlap = blocks(a).flat_map(|x| blocks(b).map(move |y| (*x, *y))).find(|(x, y)| x.overlaps(y));
        let Some((x, y)) = overlap.filter(|_| a != b) else { return true };
        let message = format!(
            "`{name}` cannot be active: {x} of `{}` overlaps {y} of `{}`",
            self.names.vpcs[a].id, self.names.vpcs[b].id
        );
        self.problem(
            Diagnostic::error("peering-overlap", name.span, message)
                .help("AWS puts such a request to `state: failed`, whatever other blocks the VPCs have"),
        );
        false
    }

    /// Which VPCs' groups a VPC's outbound rules may name (PCX-11).
    fn peers(&mut self) {
        let mut peers: BTreeMap<VpcIx, Vec<VpcIx>> = BTreeMap::new();
        for pcx in self.fabric.pcxs.iter().filter(|pcx| pcx.active && pcx.same_region) {
            if let [Some(a), Some(b)] = pcx.sides {
                peers.entry(a).or_default().push(b);
                peers.entry(b).or_default().push(a);
            }
        }
        for (vpc, mut of) in peers {
            of.sort_unstable();
            of.dedup();
            self.fabric.vpcs[vpc].peers = of.into();
        }
    }
}
