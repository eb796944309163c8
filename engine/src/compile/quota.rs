//! AWS's default quotas, as warnings: an account may have higher ones (VPC-8).

use super::context::Context;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Peer, PeeringState};
use std::collections::BTreeMap;
use std::fmt;

/// Blocks of each family a VPC may have.
const BLOCKS_PER_VPC: usize = 5;
/// Subnets a VPC may have.
const SUBNETS_PER_VPC: usize = 200;
/// Route tables a VPC may have.
const TABLES_PER_VPC: usize = 200;
/// Static routes of one family a table may have.
const ROUTES_PER_TABLE: usize = 500;
/// Rows of one direction an ACL may have.
const ROWS_PER_ACL: usize = 20;
/// Rules of one direction and family a group may have.
const RULES_PER_GROUP: usize = 60;
/// Groups an interface may have.
const GROUPS_PER_INTERFACE: usize = 5;
/// Active peerings a VPC may have.
const PEERINGS_PER_VPC: usize = 50;
/// Transit gateways a VPC may be attached to.
const TRANSIT_GATEWAYS_PER_VPC: usize = 5;
/// Route tables a transit gateway may have.
const TABLES_PER_TRANSIT_GATEWAY: usize = 20;

impl Context {
    pub(super) fn quotas(&mut self) {
        // A real account has the quotas it has.
        if self.lenient {
            return;
        }
        let mut over: Vec<(Span, String)> = Vec::new();
        let mut check = |span: Span, count: usize, limit: usize, what: fmt::Arguments<'_>| {
            if count > limit {
                over.push((span, format!("{what}: {count}, AWS's default quota is {limit}")));
            }
        };
        let spec = &self.spec;
        let peerings =
            spec.vpc_peering_connections.values().filter(|p| p.state.is_none_or(|s| s == PeeringState::Active));
        let peerings = count_by(peerings.flat_map(|p| p.requester.iter().chain(&p.accepter)).map(|vpc| &*vpc.value));
        let attached = count_by(spec.transit_gateway_vpc_attachments.values().map(|a| &*a.vpc.value));
        let tgw_tables = count_by(spec.transit_gateway_route_tables.values().map(|t| &*t.transit_gateway.value));
        for name in spec.transit_gateways.keys() {
            let tables = tgw_tables.get(&*name.value).copied().unwrap_or(0);
            let what = format_args!("route tables of transit gateway `{name}`");
            check(name.span, tables, TABLES_PER_TRANSIT_GATEWAY, what);
        }
        let subnets = count_by(spec.subnets.values().map(|s| &*s.vpc.value));
        let tables = count_by(spec.route_tables.values().map(|t| &*t.vpc.value));
        for (name, vpc) in &spec.vpcs {
            check(
                name.span,
                1 + vpc.secondary_cidrs.len(),
                BLOCKS_PER_VPC,
                format_args!("IPv4 blocks of vpc `{name}`"),
            );
            check(name.span, vpc.ipv6_cidrs.len(), BLOCKS_PER_VPC, format_args!("IPv6 blocks of vpc `{name}`"));
            let of = |counts: &BTreeMap<&str, usize>| counts.get(&*name.value).copied().unwrap_or(0);
            check(name.span, of(&subnets), SUBNETS_PER_VPC, format_args!("subnets of vpc `{name}`"));
            check(name.span, of(&peerings), PEERINGS_PER_VPC, format_args!("active peerings of vpc `{name}`"));
            let tgws = format_args!("transit gateways of vpc `{name}`");
            check(name.span, of(&attached), TRANSIT_GATEWAYS_PER_VPC, tgws);
            check(name.span, of(&tables), TABLES_PER_VPC, format_args!("route tables of vpc `{name}`"));
        }
        for (name, table) in &spec.route_tables {
            let v6 = table.routes.iter().filter(|r| r.to.contains(':')).count();
            check(
                name.span,
                v6.max(table.routes.len() - v6),
                ROUTES_PER_TABLE,
                format_args!("routes of table `{name}`"),
            );
        }
        for (name, acl) in &spec.network_acls {
            for (dir, rows) in [("inbound", &acl.inbound), ("outbound", &acl.outbound)] {
                check(
                    name.span,
                    rows.as_ref().map_or(0, Vec::len),
                    ROWS_PER_ACL,
                    format_args!("{dir} rows of acl `{name}`"),
                );
            }
        }
        for (name, group) in &spec.security_groups {
            for (dir, rules) in [("inbound", &group.inbound), ("outbound", &group.outbound)] {
                let mut families: BTreeMap<bool, usize> = BTreeMap::new();
                for rule in rules.iter().flatten() {
                    let peer = rule.from.as_ref().or(rule.to.as_ref());
                    let v6 = matches!(peer.map(|p| &p.value), Some(Peer::Cidr(c)) if !c.is_v4());
                    *families.entry(v6).or_default() += 1;
                }
                let most = families.values().copied().max().unwrap_or(0);
                check(name.span, most, RULES_PER_GROUP, format_args!("{dir} rules of group `{name}`"));
            }
        }
        for (name, eni) in &spec.network_interfaces {
            check(
                name.span,
                eni.security_groups.as_ref().map_or(0, Vec::len),
                GROUPS_PER_INTERFACE,
                format_args!("groups of interface `{name}`"),
            );
        }
        self.direct_connect_quotas();
        for (span, message) in over {
            self.warn(Diagnostic::warning("quota", span, message).help("ask AWS for more, or split it"));
        }
    }
}

/// How many of something each VPC or transit gateway has, from its name of each.
fn count_by<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
