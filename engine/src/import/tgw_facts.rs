//! Answers about one route table or multicast domain of a transit gateway: associations, propagations,
//! routes, prefix list references; subnets and groups.
//!
//! Most of them do not say what they are about: the file's name (`....tgw-rtb-0123.json`) or an id beside
//! the list does. Several answers about one table add up.

use super::inventory::who;
use super::place::id_in_name;
use super::read::{List, Maybe, Source, Text};
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What the export says, by table and by domain.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) tables: BTreeMap<String, TableFacts>,
    pub(super) domains: BTreeMap<String, DomainFacts>,
}

/// What the export says about one table; absent where no file says anything.
#[derive(Default)]
pub(super) struct TableFacts {
    pub(super) associations: Option<Vec<(Link, Span)>>,
    pub(super) propagations: Option<Vec<(Link, Span)>>,
    pub(super) routes: Option<Vec<(Route, Span)>>,
    pub(super) lists: Vec<(ListReference, Span)>,
}

/// What the export says about one multicast domain.
#[derive(Default)]
pub(super) struct DomainFacts {
    pub(super) subnets: Option<Vec<(DomainAssociation, Span)>>,
    pub(super) groups: Vec<(Group, Span)>,
}

/// An association or a propagation.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Link {
    pub(super) transit_gateway_attachment_id: Text,
    pub(super) resource_type: Text,
    pub(super) resource_id: Text,
    pub(super) state: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Route {
    pub(super) destination_cidr_block: Maybe<Cidr>,
    pub(super) prefix_list_id: Text,
    pub(super) transit_gateway_attachments: List<Link>,
    pub(super) r#type: Text,
    pub(super) state: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListReference {
    transit_gateway_route_table_id: Text,
    pub(super) prefix_list_id: Text,
    pub(super) state: Text,
    pub(super) blackhole: Option<bool>,
    pub(super) transit_gateway_attachment: Option<Link>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DomainAssociation {
    pub(super) subnet: DomainSubnet,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DomainSubnet {
    pub(super) subnet_id: Text,
    pub(super) state: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Group {
    pub(super) group_ip_address: Maybe<IpAddr>,
    pub(super) network_interface_id: Text,
    pub(super) group_member: Option<bool>,
    pub(super) group_source: Option<bool>,
}

/// The answers about one table with the table's id, as collectors of exports write them.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Wrapped<'a> {
    transit_gateway_route_table_id: Text,
    additional_routes_available: Option<bool>,
    #[serde(borrow)]
    routes: Option<&'a RawValue>,
    #[serde(borrow)]
    transit_gateway_route_table_propagations: Option<&'a RawValue>,
    #[serde(borrow)]
    associations: Option<&'a RawValue>,
}

impl Route {
    /// True for a route that an attachment's propagation made; the entries of a prefix list look so, too.
    pub(super) fn is_propagated(&self) -> bool {
        self.r#type.text() == "propagated" && self.prefix_list_id.text().is_empty()
    }
}

impl TableFacts {
    /// Every attachment that is named, as often as it is.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        let links = self.associations.iter().chain(&self.propagations).flatten().map(|(link, _)| link);
        let routes = self.routes.iter().flatten().flat_map(|(route, _)| route.transit_gateway_attachments.iter());
        links.chain(routes).chain(self.lists.iter().filter_map(|(list, _)| list.transit_gateway_attachment.as_ref()))
    }

    /// True if the export says which attachments propagate into the table.
    pub(super) fn says_propagations(&self) -> bool {
        self.propagations.is_some() || self.routes.iter().flatten().any(|(route, _)| route.is_propagated())
    }
}

/// The ids beside a list, and the file's name.
type Named<'f> = &'f dyn Fn(&str) -> Option<String>;

impl Facts {
    /// Reads `raw` if `key` is one of these lists; says whether it is. `sibling` gives a value beside the list.
    pub(super) fn read<'a>(
        &mut self,
        source: &mut Source<'a>,
        key: &str,
        raw: &'a RawValue,
        sibling: Named<'_>,
        d: &mut Vec<Diagnostic>,
    ) -> bool {
        let table = || sibling("TransitGatewayRouteTableId").or_else(|| id_in_name(source.path, "tgw-rtb-"));
        let domain =
            || sibling("TransitGatewayMulticastDomainId").or_else(|| id_in_name(source.path, "tgw-mcast-domain-"));
        match key {
            "TransitGatewayStaticRoutes" | "TransitGatewayPropagations" => self.wrapped(source, key, raw, d),
            "TransitGatewayPrefixListReferences" => self.references(source, key, raw, table(), d),
            "TransitGatewayRouteTablePropagations" | "Routes" | "Associations" => {
                let Some(table) = table() else { return nameless(source, key, raw, "tgw-rtb-", d) };
                let more = sibling("AdditionalRoutesAvailable").is_some_and(|more| more == "true");
                self.list(source, key, raw, &table, more, d);
            }
            "MulticastDomainAssociations" | "MulticastGroups" => {
                let Some(domain) = domain() else { return nameless(source, key, raw, "tgw-mcast-domain-", d) };
                let of = self.domains.entry(domain).or_default();
                if key == "MulticastGroups" {
                    elements(source, key, raw, &mut of.groups, d);
                } else {
                    elements(source, key, raw, of.subnets.get_or_insert_default(), d);
                }
            }
            _ => return false,
        }
        true
    }

    fn list<'a>(
        &mut self,
        source: &mut Source<'a>,
        key: &str,
        raw: &'a RawValue,
        table: &str,
        more: bool,
        d: &mut Vec<Diagnostic>,
    ) {
        let of = self.tables.entry(table.to_owned()).or_default();
        match key {
            "Associations" => elements(source, key, raw, of.associations.get_or_insert_default(), d),
            "Routes" => elements(source, key, raw, of.routes.get_or_insert_default(), d),
            _ => elements(source, key, raw, of.propagations.get_or_insert_default(), d),
        }
        if more {
            let message = format!("`{table}` has more routes than `{}` holds", source.path);
            let help = "search with `--filters`, for one part of the routes at a time";
            d.push(Diagnostic::warning("partial-export", source.span_of(raw), message).help(help));
        }
    }

    fn wrapped<'a>(&mut self, source: &mut Source<'a>, key: &str, raw: &'a RawValue, d: &mut Vec<Diagnostic>) {
        for raw in source.elements(key, raw, d) {
            let who = || who(key, "TransitGatewayRouteTableId", raw);
            let Some(found) = source.read::<Wrapped<'a>>(raw, &who, d) else { continue };
            let table = found.transit_gateway_route_table_id.text();
            if table.is_empty() {
                missing_id(source, key, "TransitGatewayRouteTableId", raw, d);
                continue;
            }
            let more = found.additional_routes_available == Some(true);
            for (key, raw, more) in [
                ("Routes", found.routes, more),
                ("TransitGatewayRouteTablePropagations", found.transit_gateway_route_table_propagations, false),
                ("Associations", found.associations, false),
            ] {
                if let Some(raw) = raw {
                    self.list(source, key, raw, table, more, d);
                }
            }
        }
    }

    fn references<'a>(
        &mut self,
        source: &mut Source<'a>,
        key: &str,
        raw: &'a RawValue,
        named: Option<String>,
        d: &mut Vec<Diagnostic>,
    ) {
        let mut found: Vec<(ListReference, Span)> = Vec::new();
        elements(source, key, raw, &mut found, d);
        for (reference, span) in found {
            let table = reference.transit_gateway_route_table_id.0.clone().or_else(|| named.clone());
            if let (Some(table), false) = (table, reference.prefix_list_id.text().is_empty()) {
                self.tables.entry(table).or_default().lists.push((reference, span));
            } else {
                missing_id(source, key, "TransitGatewayRouteTableId or PrefixListId", raw, d);
            }
        }
    }
}

fn elements<'a, T: Deserialize<'a>>(
    source: &mut Source<'a>,
    key: &str,
    raw: &'a RawValue,
    to: &mut Vec<(T, Span)>,
    d: &mut Vec<Diagnostic>,
) {
    for raw in source.elements(key, raw, d) {
        let who = || who(key, "TransitGatewayAttachmentId", raw);
        if let Some(value) = source.read(raw, &who, d) {
            to.push((value, source.span_of(raw)));
        }
    }
}

fn missing_id(source: &mut Source<'_>, key: &str, id: &str, raw: &RawValue, d: &mut Vec<Diagnostic>) {
    let message = format!("`{}`: an element of `{key}` has no {id}", source.path);
    d.push(Diagnostic::error("missing-id", source.span_of(raw), message));
}

/// Warns of an answer about a transit gateway that does not say what it is about. Other calls have answers
/// under the same keys; for those, false.
fn nameless<'a>(source: &mut Source<'a>, key: &str, raw: &'a RawValue, prefix: &str, d: &mut Vec<Diagnostic>) -> bool {
    let elements = source.elements(key, raw, d);
    let Some(first) = elements.first() else { return true };
    let first = serde_json::from_str::<Value>(first.get()).unwrap_or_default();
    let has = |field: &str| first.get(field).is_some();
    let ours = match key {
        "Routes" => {
            !["LocalGatewayRouteTableId", "CoipPoolId", "LocalGatewayVirtualInterfaceGroupId"].into_iter().any(has)
        }
        "Associations" => has("TransitGatewayAttachmentId") && !has("TransitGatewayPolicyTableId"),
        _ => true,
    };
    if ours {
        let message = format!("`{}` does not say what its `{key}` are of", source.path);
        let help = format!("put the id into the file's name, as in `answer.{prefix}0123abcd.json`");
        d.push(Diagnostic::warning("nameless-answer", source.span_of(raw), message).help(help));
    }
    ours
}
