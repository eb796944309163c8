//! Security groups (`describe-security-groups`) and the ids of their rules (`describe-security-group-rules`).
//!
//! AWS bundles the sources of one port range into one permission; here every block, prefix list and
//! group is a rule of its own, as it is in `describe-security-group-rules`. Both lists are always written.
//! Not modelled: groups of EC2-Classic, and groups associated with a second VPC.

use super::acl::port_range;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use super::{Out, UNKNOWN_GROUP};
use crate::base::port::{PortRange, ProtocolMatch};
use crate::base::{Cidr, Protocol};
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, Peer, SgRule, Spanned};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SecurityGroup {
    group_id: Text,
    group_name: Text,
    description: Text,
    vpc_id: Text,
    ip_permissions: List<Permission>,
    ip_permissions_egress: List<Permission>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Permission {
    ip_protocol: Maybe<ProtocolMatch>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    ip_ranges: List<IpRange>,
    ipv6_ranges: List<IpRange>,
    prefix_list_ids: List<PrefixListId>,
    user_id_group_pairs: List<GroupPair>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct IpRange {
    cidr_ip: Maybe<Cidr>,
    cidr_ipv6: Maybe<Cidr>,
    description: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct PrefixListId {
    prefix_list_id: Text,
    description: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct GroupPair {
    group_id: Text,
    group_name: Text,
    description: Text,
    vpc_peering_connection_id: Text,
}

/// One element of `describe-security-group-rules`.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Rule {
    security_group_rule_id: Text,
    group_id: Text,
    is_egress: bool,
    ip_protocol: Maybe<ProtocolMatch>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    cidr_ipv4: Maybe<Cidr>,
    cidr_ipv6: Maybe<Cidr>,
    prefix_list_id: Text,
    referenced_group_info: Option<ReferencedGroup>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct ReferencedGroup {
    group_id: Text,
}

impl Resource for SecurityGroup {
    const KIND: &'static str = "security group";
    const ID: &'static str = "GroupId";
    fn id(&self) -> &str {
        self.group_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}
impl Resource for Rule {
    const KIND: &'static str = "security group rule";
    const ID: &'static str = "SecurityGroupRuleId";
    fn id(&self) -> &str {
        self.security_group_rule_id.text()
    }
}

/// What tells one rule of a group from the others.
type Key = (String, bool, Option<ProtocolMatch>, Option<(i32, i32)>, String);

fn key(
    group: &str,
    egress: bool,
    protocol: Option<ProtocolMatch>,
    ports: (Option<i32>, Option<i32>),
    peer: &str,
) -> Key {
    let ports = match ports {
        (Some(-1) | None, Some(-1) | None) => None,
        (from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
    };
    (group.to_owned(), egress, protocol, ports, peer.to_owned())
}

/// Writes the groups.
pub(super) fn build(groups: Vec<Item<SecurityGroup>>, rules: Vec<Item<Rule>>, out: &mut Out) {
    let ids: BTreeMap<Key, String> = rules.iter().map(|r| (rule_key(&r.value), r.value.id().to_owned())).collect();
    let named: BTreeMap<(&str, &str), &str> =
        groups.iter().map(|g| ((g.value.vpc_id.text(), g.value.group_name.text()), g.value.id())).collect();
    let mut built = Vec::new();
    for Item { value: group, span, .. } in &groups {
        let id = group.id();
        if group.vpc_id.text().is_empty() {
            out.skip(id, "a security group of EC2-Classic, which AWS has closed".into());
            continue;
        }
        if !out.has_vpc("security group", id, group.vpc_id.text()) {
            continue;
        }
        let mut side = |permissions: &[Permission], egress: bool| {
            let mut rules = Vec::new();
            for permission in permissions {
                match headers(permission) {
                    Ok(headers) => {
                        for (peer, description) in peers(permission, group, &named, out) {
                            let ports = (permission.from_port, permission.to_port);
                            let found = ids.get(&key(id, egress, permission.ip_protocol.0, ports, &text(&peer)));
                            rules.push(rule(&headers, peer, egress, description, found.cloned(), *span));
                        }
                    }
                    Err(why) => {
                        let message = format!("`{id}`: {why}");
                        out.diagnostics.push(Diagnostic::error("bad-permission", *span, message));
                    }
                }
            }
            Some(rules)
        };
        let (inbound, outbound) = (side(&group.ip_permissions, false), side(&group.ip_permissions_egress, true));
        built.push((
            Name::new(id.to_owned(), *span),
            crate::spec::SecurityGroup {
                vpc: Spanned::new(group.vpc_id.text().to_owned(), *span),
                default: group.group_name.text() == "default",
                inbound,
                outbound,
                description: group.description.0.clone(),
                account: out.guest_account(group.vpc_id.text(), group.owner_id.text()).map(|a| Spanned::new(a, *span)),
                name_tag: group.group_name.0.clone().filter(|name| name != id),
            },
        ));
    }
    out.spec.security_groups.extend(built);
    one_default_each(out);
    for rule in &rules {
        if out.spec.security_groups.contains_key(rule.value.group_id.text()) {
            continue;
        }
        out.missing(rule.value.id(), rule.value.group_id.text(), "rule left out");
    }
}

/// The peering connections that rules name.
pub(super) fn peerings(groups: &[Item<SecurityGroup>]) -> impl Iterator<Item = String> {
    let both = |group: &'_ SecurityGroup| -> Vec<String> {
        let permissions = group.ip_permissions.iter().chain(group.ip_permissions_egress.iter());
        let pairs = permissions.flat_map(|p| p.user_id_group_pairs.iter());
        pairs.filter_map(|pair| pair.vpc_peering_connection_id.0.clone()).collect()
    };
    groups.iter().flat_map(move |group| both(&group.value))
}

/// Names a peer that the export lacks. Called when groups and prefix lists are all there.
pub(super) fn resolve_peers(out: &mut Out) {
    let mut unknown: BTreeSet<(String, String)> = BTreeSet::new();
    for (id, group) in &out.spec.security_groups {
        for rule in group.inbound.iter().chain(&group.outbound).flatten() {
            let Some(Peer::Name(name)) = rule.from.as_ref().or(rule.to.as_ref()).map(|p| &p.value) else { continue };
            if !out.spec.security_groups.contains_key(name.as_str())
                && !out.spec.prefix_lists.contains_key(name.as_str())
            {
                unknown.insert((id.value.clone(), name.clone()));
            }
        }
    }
    for (group, peer) in unknown {
        if peer.starts_with("pl-") {
            out.lacking_prefix_list(&group, &peer);
        } else {
            out.missing(&group, &peer, "rule kept; who is in that group is unknown");
            out.not_modelled(&peer, UNKNOWN_GROUP, None, None);
        }
    }
}

/// AWS has one default group per VPC; hand-edited exports may have several of that name.
fn one_default_each(out: &mut Out) {
    let mut of_vpc: BTreeMap<String, Vec<(bool, String)>> = BTreeMap::new();
    for (id, group) in out.spec.security_groups.iter().filter(|(_, group)| group.default) {
        let made_by_aws = group.description.as_deref() == Some("default VPC security group");
        of_vpc.entry(group.vpc.value.clone()).or_default().push((!made_by_aws, id.value.clone()));
    }
    for (vpc, mut groups) in of_vpc {
        groups.sort();
        let Some(((_, kept), others)) = groups.split_first() else { continue };
        for (_, other) in others {
            let Some((name, group)) = out.spec.security_groups.get_key_value(other.as_str()) else { continue };
            let (span, mut group) = (name.span, group.clone());
            group.default = false;
            let message = format!("`{kept}` and `{other}` are both called `default` in `{vpc}`; `{kept}` was taken");
            out.diagnostics.push(Diagnostic::warning("two-default-groups", span, message));
            out.spec.security_groups.insert(Name::new(other.clone(), span), group);
        }
    }
}

fn rule_key(rule: &Rule) -> Key {
    let block = rule.cidr_ipv4.0.or(rule.cidr_ipv6.0).map(|c| c.to_string());
    let group = rule.referenced_group_info.as_ref().map(|g| g.group_id.text().to_owned());
    let peer = block.or(group).unwrap_or_else(|| rule.prefix_list_id.text().to_owned());
    key(rule.group_id.text(), rule.is_egress, rule.ip_protocol.0, (rule.from_port, rule.to_port), &peer)
}

fn text(peer: &Peer) -> String {
    match peer {
        Peer::Cidr(cidr) => cidr.to_string(),
        Peer::Name(name) => name.clone(),
    }
}

struct Headers {
    protocol: Option<ProtocolMatch>,
    ports: Option<PortRange>,
    icmp_type: Option<i16>,
    icmp_code: Option<i16>,
}

/// What a permission says about headers. For ICMP, `FromPort` is the type and `ToPort` the code.
fn headers(permission: &Permission) -> Result<Headers, String> {
    let protocol = match permission.ip_protocol.0.ok_or("a permission has no IpProtocol")? {
        ProtocolMatch::All => None,
        one @ ProtocolMatch::One(_) => Some(one),
    };
    let mut headers = Headers { protocol, ports: None, icmp_type: None, icmp_code: None };
    let one = |test: fn(Protocol) -> bool| matches!(protocol, Some(ProtocolMatch::One(p)) if test(p));
    let (from, to) = (permission.from_port.unwrap_or(-1), permission.to_port.unwrap_or(-1));
    if one(Protocol::is_icmp) {
        let number = |n: i32| if (-1..=255).contains(&n) { Ok((n != -1).then_some(n as i16)) } else { Err(n) };
        let wrong = |n| format!("{n} is not an ICMP type or code");
        headers.icmp_type = number(from).map_err(wrong)?;
        headers.icmp_code = number(to).map_err(wrong)?;
    } else if one(Protocol::has_ports) && (from, to) != (-1, -1) {
        let port = |n: i32| u16::try_from(n).map_err(|_| format!("{n} is not a port"));
        headers.ports = port_range(port(from)?, port(to)?)?;
    }
    Ok(headers)
}

fn peers<'a>(
    permission: &'a Permission,
    group: &SecurityGroup,
    named: &BTreeMap<(&str, &str), &str>,
    out: &mut Out,
) -> Vec<(Peer, &'a Text)> {
    let mut peers = Vec::new();
    for range in permission.ip_ranges.iter().chain(permission.ipv6_ranges.iter()) {
        if let Some(cidr) = range.cidr_ip.0.or(range.cidr_ipv6.0) {
            peers.push((Peer::Cidr(cidr), &range.description));
        }
    }
    for list in permission.prefix_list_ids.iter().filter(|l| !l.prefix_list_id.text().is_empty()) {
        peers.push((Peer::Name(list.prefix_list_id.text().to_owned()), &list.description));
    }
    for pair in permission.user_id_group_pairs.iter() {
        let by_name = || named.get(&(group.vpc_id.text(), pair.group_name.text())).map(|id| (*id).to_owned());
        match pair.group_id.0.clone().or_else(by_name) {
            Some(id) => peers.push((Peer::Name(id), &pair.description)),
            None => out.missing(group.id(), pair.group_name.text(), "rule left out: the group has no id"),
        }
    }
    peers
}

fn rule(h: &Headers, peer: Peer, egress: bool, description: &Text, id: Option<String>, span: Span) -> Spanned<SgRule> {
    let peer = Some(Spanned::new(peer, span));
    let (from, to) = if egress { (None, peer) } else { (peer, None) };
    let rule = SgRule {
        protocol: h.protocol,
        ports: h.ports,
        icmp_type: h.icmp_type,
        icmp_code: h.icmp_code,
        from,
        to,
        id,
        description: description.0.clone(),
    };
    Spanned::new(rule, span)
}
