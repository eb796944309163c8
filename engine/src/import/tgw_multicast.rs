//! Multicast domains of transit gateways (`describe-transit-gateway-multicast-domains`), with the answers
//! about each: its subnets (`get-transit-gateway-multicast-domain-associations`) and its groups
//! (`search-transit-gateway-multicast-groups`).
//!
//! Members that joined by IGMP are members as of the export.

use super::Out;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, Tags, Text};
use super::tgw_facts::{DomainFacts, Facts, Group};
use super::transit_gateway::{enabled, has_gateway};
use crate::diag::{Diagnostic, Span};
use crate::spec::{MulticastGroup, Name, Spanned, TransitGatewayMulticastDomain};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Domain {
    transit_gateway_multicast_domain_id: Text,
    transit_gateway_id: Text,
    owner_id: Text,
    options: Options,
    state: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    igmpv2_support: Text,
    static_sources_support: Text,
}

impl Resource for Domain {
    const KIND: &'static str = "transit gateway multicast domain";
    const ID: &'static str = "TransitGatewayMulticastDomainId";
    fn id(&self) -> &str {
        self.transit_gateway_multicast_domain_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// Writes the domains. Transit gateways, subnets and interfaces are there.
pub(super) fn build(domains: Vec<Item<Domain>>, facts: &Facts, out: &mut Out) {
    let none = DomainFacts::default();
    for Item { value: domain, span, .. } in domains {
        let id = domain.id().to_owned();
        let (tgw, state) = (domain.transit_gateway_id.text(), domain.state.text());
        if GONE.contains(&state) {
            out.deleted(&id, state);
            continue;
        }
        let name_tag = domain.tags.name(&id);
        if !has_gateway(Domain::KIND, &id, &domain.transit_gateway_id, (None, name_tag.clone()), span, out) {
            continue;
        }
        let of = facts.domains.get(&id).unwrap_or(&none);
        if of.subnets.is_none() {
            let message = format!("the subnets of multicast domain `{id}` are not in the export; taken as none");
            let help = format!(
                "add the output of `aws ec2 get-transit-gateway-multicast-domain-associations` and of \
                 `search-transit-gateway-multicast-groups`, in files named like `answer.{id}.json`"
            );
            out.diagnostics.push(Diagnostic::warning("absent-kind", span, message).help(help));
        }
        let built = TransitGatewayMulticastDomain {
            transit_gateway: Spanned::new(tgw.to_owned(), span),
            subnets: subnets(&id, of, out),
            igmpv2: enabled(&domain.options.igmpv2_support).filter(|on| *on),
            static_sources: enabled(&domain.options.static_sources_support).filter(|on| *on),
            groups: groups(&id, &of.groups, out),
            name_tag,
        };
        out.spec.transit_gateway_multicast_domains.insert(Name::new(id, span), built);
    }
}

fn subnets(id: &str, of: &DomainFacts, out: &mut Out) -> Vec<Spanned<String>> {
    let mut found = BTreeSet::new();
    for (association, span) in of.subnets.iter().flatten() {
        let (subnet, state) = (association.subnet.subnet_id.text(), association.subnet.state.text());
        if subnet.is_empty() || !matches!(state, "associated" | "associating" | "") {
            continue;
        }
        if out.spec.subnets.contains_key(subnet) {
            found.insert(Spanned::new(subnet.to_owned(), *span));
        } else {
            out.missing(id, subnet, "association left out");
        }
    }
    found.into_iter().collect()
}

fn groups(id: &str, listed: &[(Group, Span)], out: &mut Out) -> Vec<Spanned<MulticastGroup>> {
    let mut found: BTreeMap<IpAddr, (Span, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for (group, span) in listed {
        let Some(address) = group.group_ip_address.0 else {
            let message = format!("`{id}`: an element of `MulticastGroups` has no GroupIpAddress");
            out.diagnostics.push(Diagnostic::error("missing-field", *span, message));
            continue;
        };
        let (_, members, sources) = found.entry(address).or_insert((*span, BTreeSet::new(), BTreeSet::new()));
        let eni = group.network_interface_id.text();
        if eni.is_empty() {
            continue;
        }
        if !out.spec.network_interfaces.contains_key(eni) {
            out.missing(id, eni, &format!("left out of group {address}"));
            continue;
        }
        for (is, to) in [(group.group_member, members), (group.group_source, sources)] {
            if is == Some(true) {
                to.insert(eni.to_owned());
            }
        }
    }
    let named = |names: BTreeSet<String>, span| names.into_iter().map(|n| Spanned::new(n, span)).collect();
    let built = found.into_iter().map(|(address, (span, members, sources))| {
        let (members, sources) = (named(members, span), named(sources, span));
        Spanned::new(MulticastGroup { address: Spanned::new(address, span), members, sources }, span)
    });
    built.collect()
}
