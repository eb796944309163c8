//! Routes of VPCs: to what takes no traffic, that never decide, in circles; and NAT gateways in the wrong place.

use super::cover::Box3;
use super::unused::subnets_of;
use super::{Lint, Severity, named};
use crate::analyse::graph;
use crate::base::Cidr;
use crate::base::ids::{EniIx, NatIx, RtbIx, SubnetIx};
use crate::compile::ANY_HOST;
use crate::fabric::{ANY_PROTOCOL, EniKind, Target, TgwTarget};
use crate::verdict::RowIx;
use std::collections::{BTreeMap, BTreeSet};

impl Lint<'_> {
    pub(super) fn routes(&mut self) {
        for rtb in self.tables_in_use() {
            self.blackholes(rtb);
            self.covered_routes(rtb);
        }
        self.tgw_blackholes();
        for circle in graph::routing_loops(self.network) {
            self.diagnostics(&[circle]);
        }
        self.nat_gateways();
    }

    fn blackholes(&mut self, rtb: RtbIx) {
        let table = &self.network.fabric.rtbs[rtb];
        let rows: BTreeSet<RowIx> = table.routes.iter().filter(|r| !r.active).map(|r| r.row).collect();
        let subnets = subnets_of(self, rtb);
        for row in rows {
            let who = if subnets.is_empty() { String::new() } else { format!(" (subnet {})", named(subnets.clone())) };
            let message = format!("{} leads nowhere and drops what it wins{who}", self.row_text(row));
            self.found_row("blackhole-route", row, message, "point it at what is there, or remove it");
        }
    }

    /// Routes whose target is gone; those that are written as blackholes are meant.
    fn tgw_blackholes(&mut self) {
        let fabric = &self.network.fabric;
        let used: BTreeSet<_> = fabric.tgw_attaches.iter().filter_map(|attach| attach.rtb).collect();
        let routes = used.into_iter().flat_map(|rtb| fabric.tgw_rtbs[rtb].routes.iter());
        let rows: BTreeSet<RowIx> =
            routes.filter(|r| !r.active && !matches!(r.target, TgwTarget::Nowhere)).map(|r| r.row).collect();
        for row in rows {
            let message = format!("{} leads to an attachment that takes no traffic", self.row_text(row));
            self.found_row(
                "blackhole-route",
                row,
                message,
                "point it at an attachment that is available, or remove it",
            );
        }
    }

    /// Routes that longer prefixes leave nothing to. One of a prefix list counts if all of its blocks are covered.
    fn covered_routes(&mut self, rtb: RtbIx) {
        let table = &self.network.fabric.rtbs[rtb];
        let boxed = |block: Cidr| Box3::of(block, ANY_PROTOCOL, 0, 0);
        let mut by_row: BTreeMap<RowIx, Option<BTreeSet<RowIx>>> = BTreeMap::new();
        for route in table.routes.iter().filter(|r| r.target != Target::Local && !r.propagated) {
            let longer: Vec<_> = table
                .routes
                .iter()
                .filter(|other| other.row != route.row && other.to != route.to && route.to.covers(&other.to))
                .collect();
            let boxes: Vec<Box3> = longer.iter().filter_map(|other| boxed(other.to)).collect();
            let covered = boxed(route.to).and_then(|own| own.covered_by(&boxes));
            let by = covered.map(|by| by.into_iter().map(|at| longer[at].row).collect::<BTreeSet<RowIx>>());
            let known = by_row.entry(route.row).or_insert_with(|| Some(BTreeSet::new()));
            match (known.as_mut(), by) {
                (Some(known), Some(by)) => known.extend(by),
                _ => *known = None,
            }
        }
        for (row, by) in by_row {
            let Some(by) = by else { continue };
            let others = named(by.iter().map(|row| self.network.names.row_name(&self.network.fabric, *row).to_owned()));
            let message = format!("{} is never used: routes to {others} cover all of it", self.row_text(row));
            self.found_row("route-unused", row, message, "remove it, or the longer ones that are not meant");
        }
    }

    fn nat_gateways(&mut self) {
        let network = self.network;
        let fabric = &network.fabric;
        let internet = ANY_HOST.1[0].parse().expect("an address");
        for (index, nat) in fabric.nats.iter_enumerated() {
            let Some(subnet) = nat.subnet.filter(|_| nat.public) else { continue };
            let route = fabric.rtbs[fabric.subnets[subnet].rtb].lookup(internet);
            let itself = |target| matches!(target, Target::Nat(other) if other == index);
            let why = match route {
                None => "has no route to the internet".to_owned(),
                Some(route) if !route.active || itself(route.target) || matches!(route.target, Target::Nat(_)) => {
                    format!("sends to the internet by {}", self.row_text(route.row))
                }
                Some(_) => continue,
            };
            let label = &network.names.nats[index];
            let message = format!(
                "NAT gateway {} is in subnet {}, which {why}",
                label.short(),
                network.names.subnets[subnet].short()
            );
            let fix = "put it into a subnet whose table has a route to an internet gateway";
            self.found("nat-in-private-subnet", "nat_gateway", label, message, fix);
        }
        self.nat_of_other_zones();
    }

    /// Subnets that send by a NAT gateway of another zone, by gateway.
    fn nat_of_other_zones(&mut self) {
        let network = self.network;
        let fabric = &network.fabric;
        let mut senders: BTreeMap<NatIx, BTreeSet<SubnetIx>> = BTreeMap::new();
        for (index, subnet) in fabric.subnets.iter_enumerated().filter(|(index, _)| has_guest(self, *index)) {
            for route in fabric.rtbs[subnet.rtb].routes.iter().filter(|route| route.active) {
                if let Target::Nat(nat) = route.target
                    && let Some(own) = fabric.nats[nat].subnet
                    && fabric.subnets[own].zone != subnet.zone
                {
                    senders.entry(nat).or_default().insert(index);
                }
            }
        }
        for (nat, subnets) in senders {
            let zone = |subnet: SubnetIx| network.names.zones[fabric.subnets[subnet].zone as usize].as_str();
            let own = fabric.nats[nat].subnet.expect("a zonal one");
            let names = subnets.iter().map(|s| format!("{} ({})", network.names.subnets[*s].short(), zone(*s)));
            let list = super::subnets(names, "sends", "send");
            let label = &network.names.nats[nat];
            let message = format!("NAT gateway {} is in {}, and {list} by it", label.short(), zone(own));
            let fix = "a NAT gateway in each zone, or a regional one";
            self.found("nat-in-other-zone", "nat_gateway", label, message, fix).severity = Severity::Note;
        }
    }
}

/// Whether instances are in a subnet.
pub(super) fn has_guest(lint: &Lint<'_>, subnet: SubnetIx) -> bool {
    let guest = |(_, eni): (EniIx, &crate::fabric::Eni)| eni.subnet == subnet && matches!(eni.kind, EniKind::Guest(_));
    lint.network.fabric.enis.iter_enumerated().any(guest)
}
