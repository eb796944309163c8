//! What joins networks: zones without an attachment, attachments without a table, appliances, overlapping blocks.

use super::{Lint, Severity, named};
use crate::base::Cidr;
use crate::base::ids::{EniIx, TgwAttachIx, VpcIx};
use crate::fabric::{Forwarding, NextHop, Target, TgwAttachKind};
use std::collections::{BTreeMap, BTreeSet};

impl Lint<'_> {
    pub(super) fn transit(&mut self) {
        self.zones_without_attachment();
        self.attachments_without_table();
        self.appliance_mode();
        self.overlaps();
        self.overlaps_with_sites();
    }

    /// True if two VPCs are attached to one transit gateway.
    pub(super) fn share_tgw(&self, a: VpcIx, b: VpcIx) -> bool {
        let fabric = &self.network.fabric;
        let of = |vpc: VpcIx| -> BTreeSet<_> {
            let own = fabric.tgw_attaches.iter().filter(|attach| is_of(&attach.kind, vpc));
            own.map(|attach| attach.tgw).collect()
        };
        !of(a).is_disjoint(&of(b))
    }

    fn zones_without_attachment(&mut self) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        let mut without: BTreeMap<(TgwAttachIx, u32), BTreeSet<String>> = BTreeMap::new();
        for (index, subnet) in fabric.subnets.iter_enumerated() {
            for route in fabric.rtbs[subnet.rtb].routes.iter().filter(|route| route.active) {
                if let Target::Tgw(attach) = route.target
                    && fabric.tgw_attaches[attach].port_in(subnet.zone).is_none()
                {
                    without.entry((attach, subnet.zone)).or_default().insert(names.subnets[index].short().to_owned());
                }
            }
        }
        for ((attach, zone), subnets) in without {
            let (label, zone) = (&names.tgw_attaches[attach], &names.zones[zone as usize]);
            let message = format!(
                "attachment {} has no subnet in {zone}, and {} to it from there",
                label.short(),
                super::subnets(subnets, "sends", "send")
            );
            let fix = format!("add a subnet of {zone} to the attachment");
            self.found("zone-without-attachment", "transit_gateway_attachment", label, message, fix);
        }
    }

    fn attachments_without_table(&mut self) {
        let network = self.network;
        for (index, attach) in network.fabric.tgw_attaches.iter_enumerated() {
            if attach.available && attach.rtb.is_none() {
                let label = &network.names.tgw_attaches[index];
                let message = format!("no route table is associated with attachment {}", label.short());
                let fix = "add it to the `associations` of a route table";
                self.found("attachment-without-table", "transit_gateway_attachment", label, message, fix);
            }
        }
    }

    /// Stateful appliances in several zones need both ways of a flow.
    fn appliance_mode(&mut self) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        for (index, attach) in fabric.tgw_attaches.iter_enumerated() {
            let TgwAttachKind::Vpc { ports, appliance_mode: false, .. } = &attach.kind else { continue };
            let mut appliances: BTreeSet<EniIx> = BTreeSet::new();
            for port in ports {
                let table = &fabric.rtbs[fabric.subnets[fabric.enis[port.eni].subnet].rtb];
                appliances.extend(table.routes.iter().filter_map(|route| match route.target {
                    Target::Eni(eni) if route.active => Some(eni),
                    _ => None,
                }));
            }
            let forwarding = |eni: &EniIx| fabric.enis[*eni].guest().map(|guest| fabric.guests[guest].forwarding);
            let unknown = appliances.iter().any(|eni| forwarding(eni) == Some(Forwarding::Unknown));
            appliances.retain(|eni| {
                matches!(
                    forwarding(eni),
                    Some(Forwarding::On { masquerade: false, stateful: true } | Forwarding::Unknown)
                )
            });
            let zones: BTreeSet<u32> =
                appliances.iter().map(|eni| fabric.subnets[fabric.enis[*eni].subnet].zone).collect();
            if zones.len() < 2 {
                continue;
            }
            let label = &names.tgw_attaches[index];
            let message = format!(
                "attachment {} leads to appliances in {} zones ({}), and appliance mode is off",
                label.short(),
                zones.len(),
                named(appliances.iter().map(|eni| names.eni_text(fabric, *eni)))
            );
            let finding = self.found(
                "appliance-mode-off",
                "transit_gateway_attachment",
                label,
                message,
                "`appliance_mode: true` on the attachment of the appliances' VPC",
            );
            if unknown {
                finding.severity = Severity::Note;
                finding
                    .notes
                    .push((crate::diag::Span::NONE, "whether the appliances keep state is not described".to_owned()));
            }
        }
    }

    /// VPCs that a peering or a transit gateway joins, and that share addresses.
    fn overlaps(&mut self) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        let mut joined: BTreeMap<(VpcIx, VpcIx), String> = BTreeMap::new();
        for (index, pcx) in fabric.pcxs.iter_enumerated() {
            if let ([Some(a), Some(b)], true) = (pcx.sides, pcx.active) {
                joined.insert((a.min(b), a.max(b)), format!("peering {}", names.pcxs[index].short()));
            }
        }
        let attached: Vec<(VpcIx, _)> = fabric
            .tgw_attaches
            .iter()
            .filter(|attach| attach.available)
            .filter_map(|attach| match attach.kind {
                TgwAttachKind::Vpc { vpc, .. } => Some((vpc, attach.tgw)),
                _ => None,
            })
            .collect();
        for (n, (a, tgw)) in attached.iter().enumerate() {
            for (b, _) in attached[n + 1..].iter().filter(|(b, other)| other == tgw && b != a) {
                let what = format!("transit gateway {}", names.tgws[*tgw].short());
                joined.entry((*a.min(b), *a.max(b))).or_insert(what);
            }
        }
        for ((a, b), by) in joined {
            let (one, other) = (&fabric.vpcs[a].blocks, &fabric.vpcs[b].blocks);
            let both: Vec<String> = one
                .iter()
                .flat_map(|x| other.iter().filter(|y| x.overlaps(y)).map(|y| longer(*x, *y).to_string()))
                .collect();
            if both.is_empty() {
                continue;
            }
            let message = format!(
                "VPCs {} and {} are joined by {by}, and both have {}",
                names.vpcs[a].short(),
                names.vpcs[b].short(),
                named(both)
            );
            let fix = "other blocks for one of them; or reach single services by PrivateLink, or through a private NAT gateway";
            let span = names.vpcs[a].span;
            let note = (span, format!("VPC {}", names.vpcs[a].short()));
            self.found("overlapping-networks", "vpc", &names.vpcs[b], message, fix).notes.push(note);
        }
    }

    /// What a site announces inside of the VPC's own blocks: the local route wins.
    fn overlaps_with_sites(&mut self) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        for (index, vgw) in fabric.vgws.iter_enumerated() {
            let Some(vpc) = vgw.vpc else { continue };
            let foreign = vgw
                .fib
                .routes
                .iter()
                .filter(|r| r.hops.iter().all(|hop| !matches!(hop, NextHop::Vpc | NextHop::Discard)));
            let inside = foreign.filter(|route| fabric.vpcs[vpc].blocks.iter().any(|block| block.covers(&route.to)));
            let blocks: Vec<String> = inside.map(|route| route.to.to_string()).collect();
            if !blocks.is_empty() {
                let label = &names.vgws[index];
                let message = format!(
                    "a site announces {} to {}, inside of VPC {}",
                    named(blocks),
                    label.short(),
                    names.vpcs[vpc].short()
                );
                self.found(
                    "overlapping-networks",
                    "vpn_gateway",
                    label,
                    message,
                    "translate the addresses at the site, or change them",
                );
            }
        }
    }
}

fn is_of(kind: &TgwAttachKind, of: VpcIx) -> bool {
    matches!(kind, TgwAttachKind::Vpc { vpc, .. } if *vpc == of)
}

fn longer(a: Cidr, b: Cidr) -> Cidr {
    if a.len() > b.len() { a } else { b }
}
