//! Network ACLs (`describe-network-acls`).
//!
//! Entries 32767 and 32768 are the implied `*` rows and are dropped. Both lists are always written,
//! even empty: an empty list denies everything, an absent one would mean AWS's default.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::base::port::{PortRange, ProtocolMatch};
use crate::base::{Cidr, Protocol};
use crate::diag::{Diagnostic, Span};
use crate::spec::{AclAction, AclRule, Name, Spanned};
use serde::Deserialize;

/// First number of the implied rows: 32767, and 32768 where there is IPv6.
const IMPLIED_RULE_MIN: u32 = 32_767;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NetworkAcl {
    network_acl_id: Text,
    vpc_id: Text,
    is_default: Option<bool>,
    associations: List<Association>,
    entries: List<Entry>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Association {
    subnet_id: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Entry {
    rule_number: u32,
    egress: bool,
    rule_action: Text,
    protocol: Maybe<ProtocolMatch>,
    port_range: Option<Ports>,
    icmp_type_code: Option<IcmpTypeCode>,
    cidr_block: Maybe<Cidr>,
    ipv6_cidr_block: Maybe<Cidr>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Ports {
    from: u16,
    to: u16,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct IcmpTypeCode {
    r#type: Option<i16>,
    code: Option<i16>,
}

impl Resource for NetworkAcl {
    const KIND: &'static str = "network ACL";
    const ID: &'static str = "NetworkAclId";
    fn id(&self) -> &str {
        self.network_acl_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// Writes the ACLs and tells the subnets which one is theirs.
pub(super) fn build(acls: Vec<Item<NetworkAcl>>, out: &mut Out) {
    for Item { value: acl, span, .. } in acls {
        let id = acl.id().to_owned();
        if !out.has_vpc("network ACL", &id, acl.vpc_id.text()) {
            continue;
        }
        for association in acl.associations.iter().filter(|a| !a.subnet_id.text().is_empty()) {
            match out.spec.subnets.get_mut(association.subnet_id.text()) {
                Some(subnet) => subnet.network_acl = Some(Spanned::new(id.clone(), span)),
                None => out.missing(&id, association.subnet_id.text(), "association left out"),
            }
        }
        let mut rows = |egress: bool| {
            let mut rows: Vec<Spanned<AclRule>> = acl
                .entries
                .iter()
                .filter(|e| e.egress == egress && e.rule_number < IMPLIED_RULE_MIN)
                .filter_map(|entry| match row(entry, span) {
                    Ok(row) => Some(Spanned::new(row, span)),
                    Err(why) => {
                        let side = if egress { "outbound" } else { "inbound" };
                        let message = format!("`{id}` {side} rule {}: {why}", entry.rule_number);
                        out.diagnostics.push(Diagnostic::error("bad-acl-entry", span, message));
                        None
                    }
                })
                .collect();
            rows.sort_by_key(|row| row.rule.value);
            Some(rows)
        };
        let built = crate::spec::NetworkAcl {
            vpc: Spanned::new(acl.vpc_id.text().to_owned(), span),
            default: acl.is_default.unwrap_or(false),
            inbound: rows(false),
            outbound: rows(true),
            name_tag: acl.tags.name(&id),
        };
        out.spec.network_acls.insert(Name::new(id, span), built);
    }
}

fn row(entry: &Entry, span: Span) -> Result<AclRule, String> {
    let action = match entry.rule_action.text() {
        "allow" => AclAction::Allow,
        "deny" => AclAction::Deny,
        other => return Err(format!("RuleAction `{other}` is neither `allow` nor `deny`")),
    };
    let block = entry.cidr_block.0.or(entry.ipv6_cidr_block.0).ok_or("neither CidrBlock nor Ipv6CidrBlock")?;
    let protocol = match entry.protocol.0.ok_or("no Protocol")? {
        ProtocolMatch::All => None,
        one @ ProtocolMatch::One(_) => Some(one),
    };
    let one = |test: fn(Protocol) -> bool| matches!(protocol, Some(ProtocolMatch::One(p)) if test(p));
    let ports = match &entry.port_range {
        Some(p) if one(Protocol::has_ports) => port_range(p.from, p.to)?,
        _ => None,
    };
    let icmp = entry.icmp_type_code.as_ref().filter(|_| one(Protocol::is_icmp));
    let block = Some(Spanned::new(block, span));
    Ok(AclRule {
        rule: Spanned::new(entry.rule_number, span),
        action,
        protocol,
        ports,
        icmp_type: icmp.and_then(|i| i.r#type).filter(|t| *t != -1),
        icmp_code: icmp.and_then(|i| i.code).filter(|c| *c != -1),
        from: if entry.egress { None } else { block },
        to: if entry.egress { block } else { None },
    })
}

/// A range of ports, nothing if it is all of them.
pub(super) fn port_range(from: u16, to: u16) -> Result<Option<PortRange>, String> {
    let range = PortRange { from, to };
    if from > to {
        return Err(format!("ports {from}-{to} run backwards"));
    }
    Ok((range != PortRange::ALL).then_some(range))
}
