//! Changes to a topology that must change nothing, or only so much.

use super::topology::Dice;
use std::collections::BTreeSet;
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{AclAction, AclRule, NetworkAcl, Peer, SgRule, Spanned, Spec};

/// A further rule in one of the groups.
pub fn allow_more(spec: &Spec, dice: &mut Dice) -> Spec {
    let mut more = spec.clone();
    let names: Vec<_> = more.security_groups.keys().cloned().collect();
    let group = more.security_groups.get_mut(&dice.pick(&names)).expect("just listed");
    let inbound = dice.chance(50);
    let block = dice.pick(&[Cidr::ALL_V4, Cidr::ALL_V6, super::topology::cidr("10.0.0.0/12")]);
    let peer = Some(Spanned::from(Peer::Cidr(block)));
    let (from, to) = if inbound { (peer, None) } else { (None, peer) };
    let rule =
        SgRule { protocol: None, ports: None, icmp_type: None, icmp_code: None, from, to, id: None, description: None };
    // A direction that is not written is not empty: adding to it would take the default away.
    let rules = if inbound { &mut group.inbound } else { &mut group.outbound };
    if let Some(rules) = rules
        && !rules.iter().any(|r| r.value == rule)
    {
        rules.push(rule.into());
    }
    more
}

fn directions(acl: &mut NetworkAcl) -> impl Iterator<Item = (bool, &mut Vec<Spanned<AclRule>>)> {
    let inbound = acl.inbound.as_mut().map(|rows| (true, rows));
    inbound.into_iter().chain(acl.outbound.as_mut().map(|rows| (false, rows)))
}

/// A row behind every row that matches everything of its family.
pub fn rows_behind(spec: &Spec, dice: &mut Dice) -> Spec {
    let mut more = spec.clone();
    for acl in more.network_acls.values_mut() {
        for (_, rows) in directions(acl) {
            let all: Vec<AclRule> = rows.iter().map(|r| r.value.clone()).collect();
            for row in all {
                let block = row.from.as_ref().or(row.to.as_ref()).expect("a block");
                let free = row.rule.value + 500;
                if row.protocol.is_none() && block.is_all() && !rows.iter().any(|r| r.rule.value == free) {
                    let action = dice.pick(&[AclAction::Allow, AclAction::Deny]);
                    rows.push(AclRule { rule: free.into(), action, ..row.clone() }.into());
                }
            }
        }
    }
    more
}

fn halves(block: Cidr) -> Vec<Cidr> {
    let most = if block.is_v4() { 32 } else { 128 };
    if block.len() == most {
        return vec![block];
    }
    let low = Cidr::new(block.network(), block.len() + 1).expect("shorter than an address");
    let high = Cidr::new(block.last(), block.len() + 1).expect("the same");
    vec![low, high]
}

/// Every block of a rule, and every route's outside the VPCs, as its two halves.
pub fn split(spec: &Spec) -> Spec {
    let mut halved = spec.clone();
    for acl in halved.network_acls.values_mut() {
        for (inbound, rows) in directions(acl) {
            let old = std::mem::take(rows);
            for row in old {
                let block = row.from.as_ref().or(row.to.as_ref()).expect("a block").value;
                for (n, half) in halves(block).into_iter().enumerate() {
                    let half = Some(half.into());
                    let (from, to) = if inbound { (half, None) } else { (None, half) };
                    let rule = (row.rule.value * 2 + u32::from(n == 1)).into();
                    rows.push(AclRule { rule, from, to, ..row.value.clone() }.into());
                }
            }
        }
    }
    for group in halved.security_groups.values_mut() {
        for rules in [&mut group.inbound, &mut group.outbound].into_iter().flatten() {
            let old = std::mem::take(rules);
            for rule in old {
                let peer = rule.from.as_ref().or(rule.to.as_ref()).map(|p| p.value.clone());
                let Some(Peer::Cidr(block)) = peer else {
                    rules.push(rule);
                    continue;
                };
                for half in halves(block) {
                    let half = Some(Spanned::from(Peer::Cidr(half)));
                    let (from, to) = if rule.from.is_some() { (half, None) } else { (None, half) };
                    let rule = SgRule { from, to, ..rule.value.clone() };
                    if !rules.iter().any(|r| r.value == rule) {
                        rules.push(rule.into());
                    }
                }
            }
        }
    }
    let inside: Vec<Cidr> = spec
        .vpcs
        .values()
        .flat_map(|v| v.cidr.iter().chain(&v.secondary_cidrs).chain(&v.ipv6_cidrs))
        .map(|c| c.value)
        .collect();
    for table in halved.route_tables.values_mut() {
        let old = std::mem::take(&mut table.routes);
        for route in old {
            match route.to.parse::<Cidr>() {
                Ok(block) if !inside.iter().any(|i| i.covers(&block)) => {
                    for half in halves(block) {
                        let mut route = route.clone();
                        route.value.to = half.to_string().as_str().into();
                        table.routes.push(route);
                    }
                }
                _ => table.routes.push(route),
            }
        }
    }
    halved
}

/// Every list whose order says nothing, backwards.
pub fn reorder(spec: &Spec) -> Spec {
    let mut other = spec.clone();
    for acl in other.network_acls.values_mut() {
        directions(acl).for_each(|(_, rows)| rows.reverse());
    }
    for group in other.security_groups.values_mut() {
        for rules in [&mut group.inbound, &mut group.outbound].into_iter().flatten() {
            rules.reverse();
        }
    }
    other.route_tables.values_mut().for_each(|t| t.routes.reverse());
    other.prefix_lists.values_mut().for_each(|l| l.entries.reverse());
    for bpa in &mut other.block_public_access {
        bpa.value.exclusions.reverse();
    }
    for table in other.transit_gateway_route_tables.values_mut() {
        table.routes.reverse();
        table.associations.reverse();
        table.propagations.reverse();
    }
    other.transit_gateway_vpc_attachments.values_mut().for_each(|a| a.subnets.reverse());
    other.transit_gateway_connects.values_mut().for_each(|c| c.peers.reverse());
    for endpoint in other.vpc_endpoints.values_mut() {
        endpoint.subnets.reverse();
        endpoint.route_tables.reverse();
        endpoint.security_groups.iter_mut().for_each(|g| g.reverse());
    }
    for service in other.vpc_endpoint_services.values_mut() {
        service.subnets.reverse();
        service.security_groups.iter_mut().for_each(|g| g.reverse());
        service.listeners.iter_mut().for_each(|l| l.value.targets.reverse());
    }
    let inside = other.instances.values_mut().filter_map(|i| i.primary.as_mut());
    for eni in inside.chain(other.network_interfaces.values_mut()) {
        eni.security_groups.iter_mut().for_each(|g| g.reverse());
    }
    other
}

/// The topology as text with every name changed so that their order is reversed.
pub fn rename(text: &str, spec: &Spec) -> String {
    let mut names: BTreeSet<String> = BTreeSet::new();
    macro_rules! take {
        ($($kind:ident)*) => { $( names.extend(spec.$kind.keys().map(|n| n.value.clone())); )* };
    }
    take!(vpcs subnets route_tables network_acls security_groups prefix_lists internet_gateways
        egress_only_internet_gateways nat_gateways network_interfaces instances internet_hosts not_modelled
        vpc_peering_connections transit_gateways transit_gateway_vpc_attachments transit_gateway_peering_attachments
        transit_gateway_connects transit_gateway_route_tables transit_gateway_multicast_domains vpc_endpoints
        vpc_endpoint_services);
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            word.push(c);
            continue;
        }
        match names.iter().rev().position(|n| *n == word) {
            Some(n) => out.push_str(&format!("r{n:03}-{word}")),
            None => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out
}

/// The name before [`rename`]; a name may be made of several, as `attachment/subnet`.
pub fn named_before(name: &str) -> String {
    let before = |name: &str| {
        let new = name.strip_prefix('r').filter(|rest| rest.len() > 4 && rest.as_bytes()[3] == b'-');
        new.map_or(name, |rest| &rest[4..]).to_owned()
    };
    name.split('/').map(before).collect::<Vec<_>>().join("/")
}
