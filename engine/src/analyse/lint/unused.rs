//! What nothing uses: groups, ACLs, tables, lists, gateways. What AWS makes for a VPC by itself is left out.

use super::Lint;
use crate::base::ids::{RtbIx, SgIx};
use crate::fabric::{NextHop, Target, TgwAttachKind};
use crate::names::Label;
use crate::spec::{EndpointType, Peer};
use std::collections::BTreeSet;

/// What the names of lists that AWS keeps begin with.
const AWS_LIST: &str = "com.amazonaws.";

impl Lint<'_> {
    /// Tables that some subnet or gateway has.
    pub(super) fn tables_in_use(&self) -> BTreeSet<RtbIx> {
        let fabric = &self.network.fabric;
        let edges = fabric.igws.iter().filter_map(|igw| igw.edge).chain(fabric.vgws.iter().filter_map(|vgw| vgw.edge));
        fabric.subnets.iter().map(|subnet| subnet.rtb).chain(edges).collect()
    }

    pub(super) fn unused(&mut self) {
        self.unused_groups();
        self.unused_tables();
        self.unused_lists();
        self.unused_gateways();
    }

    fn unused_groups(&mut self) {
        let network = self.network;
        let (fabric, spec) = (&network.fabric, &network.spec);
        let used: BTreeSet<SgIx> =
            fabric.enis.iter().flat_map(|eni| fabric.sg_sets[eni.sg_set].groups.iter().copied()).collect();
        for (sg, label) in network.names.sgs.iter_enumerated() {
            // SG-10: a group of this name cannot be removed.
            let reserved = label.short() == "default";
            if used.contains(&sg)
                || reserved
                || spec.security_groups.get(label.id.as_str()).is_none_or(|group| group.default)
            {
                continue;
            }
            let message = format!("no interface has group {}", label.short());
            self.found(
                "unused-security-group",
                "security_group",
                label,
                message,
                "give it to who is meant, or remove it",
            );
        }
        let used: BTreeSet<_> = fabric.subnets.iter().map(|subnet| subnet.acl).collect();
        for (acl, label) in network.names.acls.iter_enumerated() {
            if used.contains(&acl) || spec.network_acls.get(label.id.as_str()).is_none_or(|acl| acl.default) {
                continue;
            }
            let message = format!("no subnet has ACL {}", label.short());
            self.found(
                "unused-network-acl",
                "network_acl",
                label,
                message,
                "associate it with the subnets that are meant, or remove it",
            );
        }
    }

    fn unused_tables(&mut self) {
        let network = self.network;
        let used = self.tables_in_use();
        for (rtb, label) in network.names.rtbs.iter_enumerated() {
            let main = network.spec.route_tables.get(label.id.as_str()).is_none_or(|table| table.main);
            if used.contains(&rtb) || main {
                continue;
            }
            let message = format!("no subnet and no gateway has route table {}", label.short());
            self.found(
                "unused-route-table",
                "route_table",
                label,
                message,
                "associate it with the subnets that are meant, or remove it",
            );
        }
    }

    fn unused_lists(&mut self) {
        let network = self.network;
        let spec = &network.spec;
        let rules = spec.security_groups.values().flat_map(|sg| [&sg.inbound, &sg.outbound]).flatten().flatten();
        let mut used: BTreeSet<&str> = rules
            .flat_map(|rule| [&rule.from, &rule.to])
            .filter_map(|peer| match peer.as_ref().map(|peer| &peer.value) {
                Some(Peer::Name(name)) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        used.extend(spec.route_tables.values().flat_map(|table| &table.routes).map(|route| route.to.as_str()));
        used.extend(spec.transit_gateway_route_tables.values().flat_map(|t| &t.routes).map(|route| route.to.as_str()));
        used.extend(spec.vpc_endpoints.values().filter_map(|e| Some(e.prefix_list.as_ref()?.as_str())));
        for label in network.names.prefix_lists.iter() {
            let aws = label.id.starts_with(AWS_LIST) || label.tag.as_ref().is_some_and(|tag| tag.starts_with(AWS_LIST));
            if !aws && !used.contains(label.id.as_str()) {
                let message = format!("nothing names prefix list {}", label.short());
                self.found("unused-prefix-list", "prefix_list", label, message, "remove it");
            }
        }
    }

    fn unused_gateways(&mut self) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        let tables = self.tables_in_use();
        let targets: Vec<Target> =
            tables.iter().flat_map(|rtb| fabric.rtbs[*rtb].routes.iter()).map(|route| route.target).collect();
        let leads = |target: Target| targets.contains(&target);
        let mut out: Vec<(&'static str, &Label, &'static str)> = Vec::new();
        for (igw, label) in names.igws.iter_enumerated() {
            let regional = fabric.nats.iter().any(|nat| nat.eni.is_none() && Some(nat.vpc) == fabric.igws[igw].vpc);
            let edge = fabric.igws[igw].edge.is_some();
            if !leads(Target::Igw(igw)) && !regional && !edge {
                out.push(("internet_gateway", label, "internet gateway"));
            }
        }
        for (_, label) in names.eigws.iter_enumerated().filter(|(eigw, _)| !leads(Target::Eigw(*eigw))) {
            out.push(("egress_only_internet_gateway", label, "egress-only internet gateway"));
        }
        for (_, label) in names.nats.iter_enumerated().filter(|(nat, _)| !leads(Target::Nat(*nat))) {
            out.push(("nat_gateway", label, "NAT gateway"));
        }
        for (pcx, label) in names.pcxs.iter_enumerated() {
            if fabric.pcxs[pcx].active && !leads(Target::Pcx(pcx)) {
                out.push(("vpc_peering_connection", label, "peering"));
            }
        }
        for (attach, label) in names.tgw_attaches.iter_enumerated() {
            let a = &fabric.tgw_attaches[attach];
            let carries = fabric
                .tgw_attaches
                .iter()
                .any(|other| matches!(other.kind, TgwAttachKind::Connect { transport, .. } if transport == attach));
            let mut members = fabric.mcasts.iter().filter(|m| m.tgw == a.tgw).flat_map(|m| m.subnets.iter());
            if let TgwAttachKind::Vpc { vpc, .. } = a.kind
                && !leads(Target::Tgw(attach))
                && !carries
                && !members.any(|subnet| fabric.subnets[*subnet].vpc == vpc)
            {
                out.push(("transit_gateway_attachment", label, "transit gateway attachment"));
            }
        }
        for (vgw, label) in names.vgws.iter_enumerated() {
            let g = &fabric.vgws[vgw];
            // CloudHub needs no VPC.
            let joins =
                g.fib.routes.iter().filter(|r| r.hops.iter().any(|hop| !matches!(hop, NextHop::Vpc))).count() > 1;
            if g.complete && g.edge.is_none() && !leads(Target::Vgw(vgw)) && !joins {
                out.push(("vpn_gateway", label, "virtual private gateway"));
            }
        }
        for (name, endpoint) in &network.spec.vpc_endpoints {
            if endpoint.kind == EndpointType::Gateway
                && let Some((_, label)) =
                    names.vpces.iter_enumerated().find(|(vpce, l)| l.id == name.value && !leads(Target::Vpce(*vpce)))
            {
                out.push(("vpc_endpoint", label, "gateway endpoint"));
            }
        }
        for (kind, label, what) in out {
            let message = format!("no route of a subnet leads to {what} {}", label.short());
            self.found("unused-gateway", kind, label, message, "add the route that is meant, or remove it");
        }
    }
}

/// The subnets that a table serves.
pub(super) fn subnets_of(lint: &Lint<'_>, rtb: RtbIx) -> Vec<String> {
    let fabric = &lint.network.fabric;
    let own = fabric.subnets.iter_enumerated().filter(|(_, subnet)| subnet.rtb == rtb);
    own.map(|(subnet, _)| lint.network.names.subnets[subnet].short().to_owned()).collect()
}
