//! What a change does to a topology.
//!
//! Each change does as AWS does: a row number or a route that exists is refused, and so is the removal
//! of what is not there. Rows that AWS implies (an absent list) are written out before the first change
//! to them, so that adding a rule does not take the implied ones away.
//!
//! Invariant: a change that is refused leaves the topology as it was.

use crate::base::Cidr;
use crate::base::port::{PortRange, ProtocolMatch};
use crate::diag::{Diagnostic, nearest};
use crate::spec::node::shown;
use crate::spec::{AclAction, AclRule, BlockPublicAccess, Name, Named, NetworkInterface, Peer, SgRule, Spanned, Spec};

use super::change::{
    AclChange, BlockPublicAccessChange, Change, InstanceChange, InstanceSettings, NetworkInterfaceSettings,
    RouteTableChange, SecurityGroupChange,
};
use super::change_between;
use super::change_client_vpn;
use super::change_hybrid;
use super::change_mirror;

/// Makes `change` in `spec`. Whether the result is a valid topology is for `compile` to say.
///
/// # Errors
/// If the resource, rule or route is not there, or is there already. `spec` is unchanged then.
pub fn apply(spec: &mut Spec, change: &Change) -> Result<(), Diagnostic> {
    match change {
        Change::NetworkAcl(c) => made_explicit(spec, &c.network_acl, |s| &mut s.network_acls, |s| change_acl(s, c)),
        Change::SecurityGroup(c) => {
            made_explicit(spec, &c.security_group, |s| &mut s.security_groups, |s| change_group(s, c))
        }
        Change::RouteTable(c) => made_explicit(spec, &c.route_table, |s| &mut s.route_tables, |s| change_routes(s, c)),
        Change::Instance(c) => change_instance(spec, c),
        Change::NetworkInterface(c) => {
            let eni = interface(spec, &c.network_interface, false)?;
            set_interface(eni, &c.set);
            Ok(())
        }
        Change::Subnet(c) => {
            let subnet = find(&mut spec.subnets, &c.subnet, "subnet")?;
            set(&mut subnet.route_table, &c.set.route_table);
            set(&mut subnet.network_acl, &c.set.network_acl);
            Ok(())
        }
        Change::NatGateway(c) => {
            let nat = find(&mut spec.nat_gateways, &c.nat_gateway, "NAT gateway")?;
            set(&mut nat.available, &c.set.available);
            Ok(())
        }
        Change::Peering(c) => change_between::change_peering(spec, c),
        Change::TransitGateway(c) => change_between::change_transit_gateway(spec, c),
        Change::Attachment(c) => change_between::change_attachment(spec, c),
        Change::TransitGatewayRouteTable(c) => change_between::change_tgw_routes(spec, c),
        Change::Endpoint(c) => change_between::change_endpoint(spec, c),
        Change::Router(c) => change_hybrid::change_router(spec, c),
        Change::Connection(c) => change_hybrid::change_connection(spec, c),
        Change::VirtualInterface(c) => change_hybrid::change_vif(spec, c),
        Change::ClientVpn(c) => change_client_vpn::change_client_vpn(spec, c),
        Change::MirrorFilter(c) => change_mirror::change_filter(spec, c),
        Change::MirrorSession(c) => change_mirror::change_session(spec, c),
        Change::Tunnel(c) => change_hybrid::change_tunnel(spec, c),
        Change::BlockPublicAccess(c) => {
            change_block_public_access(spec, c);
            Ok(())
        }
    }
}

/// Changes a resource that AWS may have made: a VPC's main table, default ACL or default group is written out first.
fn made_explicit<T>(
    spec: &mut Spec,
    name: &Name,
    of: fn(&mut Spec) -> &mut Named<T>,
    change: impl FnOnce(&mut Spec) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let name = name.value.as_str();
    let made = !of(spec).contains_key(name);
    if made && let Some((key, value)) = of(&mut crate::compile::expand(spec, &mut Vec::new())).remove_entry(name) {
        of(spec).insert(key, value);
    }
    let changed = change(spec);
    if made && changed.is_err() {
        of(spec).remove(name);
    }
    changed
}

pub(super) fn set<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
    if value.is_some() {
        slot.clone_from(value);
    }
}

pub(super) fn find<'s, T>(named: &'s mut Named<T>, name: &Name, kind: &str) -> Result<&'s mut T, Diagnostic> {
    if !named.contains_key(&*name.value) {
        let close = nearest(name, named.keys().map(|k| &*k.value)).map(str::to_owned);
        return Err(unknown(name, kind, close.as_deref()));
    }
    named.get_mut(&*name.value).ok_or_else(|| unknown(name, kind, None))
}

fn unknown(name: &Name, kind: &str, close: Option<&str>) -> Diagnostic {
    let message = format!("the topology has no {kind} `{}`", shown(name));
    let diagnostic = Diagnostic::error("unknown-reference", name.span, message);
    match close {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None => diagnostic,
    }
}

/// True if the VPC has an IPv6 block, so that AWS implies IPv6 rows too.
fn has_ipv6(spec: &Spec, vpc: &str) -> bool {
    spec.vpcs.get(vpc).is_some_and(|vpc| !vpc.ipv6_cidrs.is_empty())
}

fn change_acl(spec: &mut Spec, change: &AclChange) -> Result<(), Diagnostic> {
    let mut acl = find(&mut spec.network_acls, &change.network_acl, "network ACL")?.clone();
    let blocks = if has_ipv6(spec, &acl.vpc) { &[Cidr::ALL_V4, Cidr::ALL_V6][..] } else { &[Cidr::ALL_V4][..] };
    let implied = |inbound: bool| -> Vec<Spanned<AclRule>> {
        if !acl.default {
            return Vec::new();
        }
        let row = |(number, block): (u32, &Cidr)| AclRule {
            rule: number.into(),
            action: AclAction::Allow,
            protocol: Some(ProtocolMatch::All),
            ports: None,
            icmp_type: None,
            icmp_code: None,
            from: inbound.then(|| (*block).into()),
            to: (!inbound).then(|| (*block).into()),
        };
        (100..).zip(blocks).map(|r| row(r).into()).collect()
    };
    let (implied_in, implied_out) = (implied(true), implied(false));
    for (rows, implied, remove, add, direction) in [
        (&mut acl.inbound, implied_in, &change.remove_inbound, &change.add_inbound, "inbound"),
        (&mut acl.outbound, implied_out, &change.remove_outbound, &change.add_outbound, "outbound"),
    ] {
        if remove.is_empty() && add.is_empty() {
            continue;
        }
        let rows = rows.get_or_insert(implied);
        for number in remove {
            let Some(at) = rows.iter().position(|row| row.rule.value == number.value) else {
                let message = format!("`{}` has no {direction} row {}", change.network_acl, number.value);
                let have: Vec<String> = rows.iter().map(|r| r.rule.value.to_string()).collect();
                let help = if have.is_empty() { "it has none".into() } else { format!("it has {}", have.join(", ")) };
                return Err(Diagnostic::error("no-such-rule", number.span, message).help(help));
            };
            rows.remove(at);
        }
        for row in add {
            if let Some(old) = rows.iter().find(|old| old.rule == row.rule) {
                let message = format!("`{}` has an {direction} row {} already", change.network_acl, row.rule.value);
                return Err(Diagnostic::error("rule-exists", row.rule.span, message)
                    .note(old.span, "this one")
                    .help("use a free number, or remove the row in the same change"));
            }
            rows.push(row.clone());
        }
    }
    spec.network_acls.insert(change.network_acl.clone(), acl);
    Ok(())
}

fn change_group(spec: &mut Spec, change: &SecurityGroupChange) -> Result<(), Diagnostic> {
    let mut group = find(&mut spec.security_groups, &change.security_group, "security group")?.clone();
    let all = |from: Option<Peer>, to: Option<Peer>| SgRule {
        protocol: Some(ProtocolMatch::All),
        ports: None,
        icmp_type: None,
        icmp_code: None,
        from: from.map(Spanned::from),
        to: to.map(Spanned::from),
        id: None,
        description: None,
    };
    let mut implied_out = vec![Spanned::from(all(None, Some(Peer::Cidr(Cidr::ALL_V4))))];
    if has_ipv6(spec, &group.vpc) {
        implied_out.push(all(None, Some(Peer::Cidr(Cidr::ALL_V6))).into());
    }
    let itself = Peer::Name(change.security_group.value.clone());
    let implied_in = if group.default { vec![all(Some(itself), None).into()] } else { Vec::new() };
    for (rules, implied, remove, add, direction) in [
        (&mut group.inbound, implied_in, &change.remove_inbound, &change.add_inbound, "inbound"),
        (&mut group.outbound, implied_out, &change.remove_outbound, &change.add_outbound, "outbound"),
    ] {
        if remove.is_empty() && add.is_empty() {
            continue;
        }
        let rules = rules.get_or_insert(implied);
        for wanted in remove {
            let Some(at) = rules.iter().position(|rule| is_meant(rule, wanted)) else {
                let message = format!("`{}` has no such {direction} rule", change.security_group);
                return Err(Diagnostic::error("no-such-rule", wanted.span, message)
                    .help("write the rule to remove as the topology does, or its `id`"));
            };
            rules.remove(at);
        }
        for rule in add {
            if let Some(old) = rules.iter().find(|old| same_rule(old, rule)) {
                let message = format!("`{}` has this {direction} rule already", change.security_group);
                return Err(Diagnostic::error("rule-exists", rule.span, message).note(old.span, "this one"));
            }
            rules.push(rule.clone());
        }
    }
    spec.security_groups.insert(change.security_group.clone(), group);
    Ok(())
}

/// True if `wanted`, a rule to remove, means `rule`.
fn is_meant(rule: &SgRule, wanted: &SgRule) -> bool {
    match &wanted.id {
        Some(id) => rule.id.as_ref() == Some(id),
        None => same_rule(rule, wanted),
    }
}

/// True if two rules say the same. Ids and descriptions say nothing about packets.
fn same_rule(a: &SgRule, b: &SgRule) -> bool {
    let key = |r: &SgRule| {
        (
            r.protocol.unwrap_or(ProtocolMatch::All),
            r.ports.unwrap_or(PortRange::ALL),
            r.icmp_type.unwrap_or(-1),
            r.icmp_code.unwrap_or(-1),
        )
    };
    key(a) == key(b) && a.from == b.from && a.to == b.to
}

/// The same destination, however its block is written.
fn same_destination(a: &str, b: &str) -> bool {
    match (a.parse::<Cidr>(), b.parse::<Cidr>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn change_routes(spec: &mut Spec, change: &RouteTableChange) -> Result<(), Diagnostic> {
    let table = find(&mut spec.route_tables, &change.route_table, "route table")?;
    let mut routes = table.routes.clone();
    for key in &change.remove_route {
        let Some(at) = routes.iter().position(|route| same_destination(&route.to, &key.to)) else {
            let message = format!("`{}` has no route to `{}`", change.route_table, shown(&key.to));
            let close = nearest(&key.to, routes.iter().map(|r| &*r.to.value));
            let mut diagnostic = Diagnostic::error("no-such-route", key.to.span, message);
            diagnostic.help = close.map(|close| format!("did you mean `{close}`?"));
            return Err(diagnostic);
        };
        routes.remove(at);
    }
    for route in &change.add_route {
        if let Some(old) = routes.iter().find(|old| same_destination(&old.to, &route.to)) {
            let message = format!("`{}` has a route to `{}` already", change.route_table, shown(&route.to));
            return Err(Diagnostic::error("route-exists", route.to.span, message)
                .note(old.span, "this one")
                .help("to replace it, remove it in the same change"));
        }
        routes.push(route.clone());
    }
    table.routes = routes;
    Ok(())
}

fn change_instance(spec: &mut Spec, change: &InstanceChange) -> Result<(), Diagnostic> {
    let InstanceSettings { state, listen, answers_ping, forwarding, source_dest_check, security_groups, public_ip } =
        &change.set;
    find(&mut spec.instances, &change.instance, "instance")?;
    if source_dest_check.is_some() || security_groups.is_some() || public_ip.is_some() {
        let settings = NetworkInterfaceSettings {
            source_dest_check: *source_dest_check,
            security_groups: security_groups.clone(),
            public_ip: *public_ip,
        };
        set_interface(interface(spec, &change.instance, true)?, &settings);
    }
    let instance = find(&mut spec.instances, &change.instance, "instance")?;
    set(&mut instance.state, state);
    set(&mut instance.listen, listen);
    set(&mut instance.answers_ping, answers_ping);
    set(&mut instance.forwarding, forwarding);
    Ok(())
}

/// The interface called `name`, or the primary one of the instance called so. `primary` asks for an
/// instance's, wherever it is described.
fn interface<'s>(spec: &'s mut Spec, name: &Name, primary: bool) -> Result<&'s mut NetworkInterface, Diagnostic> {
    let inside = spec.instances.get(&*name.value).is_some_and(|i| i.primary.is_some());
    let apart =
        |eni: &NetworkInterface| eni.instance.as_ref().is_some_and(|i| i == name) && eni.device_index.unwrap_or(0) == 0;
    let names = spec.network_interfaces.keys().chain(spec.instances.keys()).map(|k| &*k.value);
    let close = nearest(name, names).map(str::to_owned);
    let found = if inside {
        spec.instances.get_mut(&*name.value).and_then(|i| i.primary.as_mut())
    } else if primary {
        spec.network_interfaces.values_mut().find(|eni| apart(eni))
    } else {
        spec.network_interfaces.get_mut(&*name.value)
    };
    match found {
        None if primary => {
            let message = format!("`{}` has no primary network interface", shown(name));
            Err(Diagnostic::error("unknown-reference", name.span, message))
        }
        None => Err(unknown(name, "network interface", close.as_deref())),
        Some(eni) => Ok(eni),
    }
}

fn set_interface(eni: &mut NetworkInterface, settings: &NetworkInterfaceSettings) {
    set(&mut eni.source_dest_check, &settings.source_dest_check);
    set(&mut eni.security_groups, &settings.security_groups);
    set(&mut eni.public_ip, &settings.public_ip);
}

fn change_block_public_access(spec: &mut Spec, change: &BlockPublicAccessChange) {
    let default = spec.region.as_ref().map_or("us-east-1", |r| &*r.value).to_owned();
    let wanted = &change.block_public_access;
    let here = |entry: &BlockPublicAccess| {
        entry.account.is_none() && entry.region.as_ref().map_or(&*default, |r| &*r.value) == wanted.value
    };
    match spec.block_public_access.iter_mut().find(|entry| here(entry)) {
        Some(entry) => entry.value.mode = change.set.mode,
        None => spec.block_public_access.push(Spanned::new(
            BlockPublicAccess {
                region: Some(wanted.clone()),
                account: None,
                mode: change.set.mode,
                exclusions: Vec::new(),
            },
            wanted.span,
        )),
    }
}
