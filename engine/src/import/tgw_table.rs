//! Route tables of transit gateways (`describe-transit-gateway-route-tables`), with what the answers about
//! each table say.
//!
//! Prefixes that an attachment of a VPC of the export propagates follow from its propagation and are not
//! written; those of every other attachment are, as propagated routes. A route in state `blackhole` drops,
//! whatever it led to.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, Tags, Text};
use super::tgw_attachment::{Attachment, goes_by, is_attachment, kind_of};
use super::tgw_facts::{Facts, Link, ListReference, Route, TableFacts};
use super::transit_gateway::has_gateway;
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, RouteOrigin, Spanned, TransitGatewayRoute, TransitGatewayRouteTable};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RouteTable {
    transit_gateway_route_table_id: Text,
    pub(super) transit_gateway_id: Text,
    pub(super) default_association_route_table: Option<bool>,
    pub(super) default_propagation_route_table: Option<bool>,
    pub(super) state: Text,
    tags: Tags,
}

impl Resource for RouteTable {
    const KIND: &'static str = "transit gateway route table";
    const ID: &'static str = "TransitGatewayRouteTableId";
    fn id(&self) -> &str {
        self.transit_gateway_route_table_id.text()
    }
}

/// Writes the tables. Transit gateways and attachments are there.
pub(super) fn build(tables: Vec<Item<RouteTable>>, attachments: &[Item<Attachment>], mut facts: Facts, out: &mut Out) {
    let of: BTreeMap<String, String> =
        tables.iter().map(|t| (t.value.id().to_owned(), t.value.transit_gateway_id.text().to_owned())).collect();
    for (table, tgw) in &of {
        for link in facts.tables.get(table).into_iter().flat_map(TableFacts::links) {
            let id = link.transit_gateway_attachment_id.text();
            if !is_attachment(id, out) && !out.is_gone(id) {
                goes_by(id, [link.resource_type.text(), link.resource_id.text(), tgw], out);
            }
        }
    }
    let mut associated = associations(&of, attachments, &facts, out);
    for Item { value: table, span, .. } in tables {
        let id = table.id().to_owned();
        let facts = facts.tables.remove(&id).unwrap_or_default();
        let name_tag = table.tags.name(&id);
        if !has_gateway(RouteTable::KIND, &id, &table.transit_gateway_id, (None, name_tag.clone()), span, out) {
            continue;
        }
        let tgw = table.transit_gateway_id.text();
        let gateway = out.spec.transit_gateways.get(tgw);
        let association_on = gateway.is_some_and(|g| g.default_route_table_association.is_none());
        let propagation_on = gateway.is_some_and(|g| g.default_route_table_propagation.is_none());
        let built = TransitGatewayRouteTable {
            transit_gateway: Spanned::new(tgw.to_owned(), span),
            default_association: association_on && table.default_association_route_table == Some(true),
            default_propagation: propagation_on && table.default_propagation_route_table == Some(true),
            associations: associated.remove(&id).unwrap_or_default(),
            propagations: propagations(&id, &facts, out),
            routes: routes(&id, &facts, out),
            name_tag,
        };
        out.spec.transit_gateway_route_tables.insert(Name::new(id, span), built);
    }
    for id in facts.tables.keys().filter(|id| !of.contains_key(*id)) {
        if !out.is_gone(id) {
            out.missing("an answer about a transit gateway", id, "routes, associations, propagations left out");
        }
    }
}

/// The associations of each table: as the attachments say, and as the answers about tables say.
fn associations(
    of: &BTreeMap<String, String>,
    attachments: &[Item<Attachment>],
    facts: &Facts,
    out: &mut Out,
) -> BTreeMap<String, Vec<Spanned<String>>> {
    let mut said: Vec<(&str, &str, &str, Span)> = Vec::new();
    for Item { value, span, .. } in attachments.iter().filter(|item| !item.value.is_gone()) {
        said.extend(value.table().map(|table| (table, value.id(), value.resource_type(), *span)));
    }
    for (table, facts) in &facts.tables {
        let in_force = |link: &Link| !matches!(link.state.text(), "disassociating" | "disassociated");
        let links = facts.associations.iter().flatten().filter(|(link, _)| in_force(link));
        said.extend(
            links.map(|(l, at)| (table.as_str(), l.transit_gateway_attachment_id.text(), l.resource_type.text(), *at)),
        );
    }
    // A peering is associated once on each side.
    let mut taken: BTreeMap<(&str, &str), (&str, Span)> = BTreeMap::new();
    for (table, attachment, resource_type, span) in said {
        let Some(tgw) = of.get(table) else {
            if !out.is_gone(table) {
                out.child(false, "describe-transit-gateway-route-tables", "the association of", attachment, table);
            }
            continue;
        };
        if !out.spec.transit_gateways.contains_key(tgw.as_str()) || !known(table, attachment, resource_type, out) {
            continue;
        }
        let (first, at) = *taken.entry((tgw, attachment)).or_insert((table, span));
        if first != table {
            let message =
                format!("`{attachment}` is associated with `{first}` and with `{table}`; `{first}` was taken");
            let found = Diagnostic::warning("two-associations", span, message).note(at, "the first one");
            out.diagnostics.push(found.help("export all files at one time"));
        }
    }
    let mut by_table: BTreeMap<String, Vec<Spanned<String>>> = BTreeMap::new();
    for ((_, attachment), (table, span)) in taken {
        by_table.entry(table.to_owned()).or_default().push(Spanned::new(name_of(attachment, out), span));
    }
    by_table
}

/// Makes sure that an attachment has a name in the topology; false if it was deleted.
fn known(table: &str, attachment: &str, resource_type: &str, out: &mut Out) -> bool {
    if attachment.is_empty() {
        out.missing(table, "an attachment without an id", "left out");
        return false;
    }
    if is_attachment(attachment, out) {
        return true;
    }
    if out.is_gone(attachment) {
        return false;
    }
    out.missing(table, attachment, "kept; that attachment is unknown");
    out.not_modelled(attachment, &format!("{} that the export lacks", kind_of(resource_type)), None, None);
    true
}

/// The name that an attachment has here.
fn name_of(attachment: &str, out: &Out) -> String {
    out.attachments.get(attachment).map_or(attachment, String::as_str).to_owned()
}

/// The attachments that propagate into the table: as AWS lists them, else those of VPCs and sites whose routes
/// are there.
fn propagations(table: &str, facts: &TableFacts, out: &mut Out) -> Vec<Spanned<String>> {
    let mut found: BTreeMap<String, Spanned<String>> = BTreeMap::new();
    let mut add = |link: &Link, span: Span, out: &mut Out| {
        let id = link.transit_gateway_attachment_id.text();
        if known(table, id, link.resource_type.text(), out) {
            found.entry(name_of(id, out)).or_insert_with_key(|name| Spanned::new(name.clone(), span));
        }
    };
    match &facts.propagations {
        Some(listed) => {
            for (link, span) in listed.iter().filter(|(l, _)| !matches!(l.state.text(), "disabling" | "disabled")) {
                add(link, *span, out);
            }
        }
        None => {
            for (route, span) in facts.routes.iter().flatten().filter(|(route, _)| route.is_propagated()) {
                for link in route.transit_gateway_attachments.iter() {
                    let by_site = out.attachments.contains_key(link.transit_gateway_attachment_id.text());
                    if is_vpc(link, out) || by_site {
                        add(link, *span, out);
                    }
                }
            }
        }
    }
    found.into_values().collect()
}

fn is_vpc(link: &Link, out: &Out) -> bool {
    out.spec.transit_gateway_vpc_attachments.contains_key(link.transit_gateway_attachment_id.text())
}

/// Orders routes: blocks before prefix lists. One of each.
type Key = (bool, Option<Cidr>, String, Option<String>, bool);

/// The routes of one table while they are put together.
struct Routes<'a> {
    table: &'a str,
    found: BTreeMap<Key, Spanned<TransitGatewayRoute>>,
}

impl Routes<'_> {
    fn push(&mut self, to: (Option<Cidr>, String), via: Option<String>, propagated: bool, span: Span) {
        let (block, to) = to;
        let route = TransitGatewayRoute {
            to: Spanned::new(to.clone(), span),
            via: via.clone().map(|via| Spanned::new(via, span)),
            blackhole: via.is_none(),
            origin: propagated.then_some(RouteOrigin::Propagated),
        };
        let key = (block.is_none(), block, to, via, propagated);
        self.found.entry(key).or_insert_with(|| Spanned::new(route, span));
    }

    /// A route to each of `links`; one that drops if it says so, or if what it led to was deleted.
    fn push_all(
        &mut self,
        to: &(Option<Cidr>, String),
        links: &[&Link],
        blackhole: bool,
        propagated: bool,
        span: Span,
        out: &mut Out,
    ) {
        if blackhole {
            return self.push(to.clone(), None, propagated, span);
        }
        if links.is_empty() {
            let invented = format!("unknown-target-of-{}", self.table);
            out.missing(self.table, &to.1, "its route has no attachment; kept as not modelled");
            out.not_modelled(&invented, "route target of an unknown kind", None, None);
            return self.push(to.clone(), Some(invented), propagated, span);
        }
        for link in links {
            let id = link.transit_gateway_attachment_id.text();
            if known(self.table, id, link.resource_type.text(), out) {
                self.push(to.clone(), Some(name_of(id, out)), propagated, span);
            } else {
                out.missing(self.table, id, "route kept as a blackhole");
                self.push(to.clone(), None, propagated, span);
            }
        }
    }

    fn reference(&mut self, reference: &ListReference, span: Span, out: &mut Out) {
        let list = reference.prefix_list_id.text();
        out.lacking_prefix_list(self.table, list);
        let links: Vec<&Link> = reference.transit_gateway_attachment.iter().collect();
        self.push_all(&(None, list.to_owned()), &links, reference.blackhole == Some(true), false, span, out);
    }

    fn searched(&mut self, route: &Route, referenced: &BTreeSet<&str>, span: Span, out: &mut Out) {
        let (block, list) = (route.destination_cidr_block.0, route.prefix_list_id.text());
        let links: Vec<&Link> = route.transit_gateway_attachments.iter().collect();
        let blackhole = route.state.text() == "blackhole";
        if let Some(block) = block
            && (list.is_empty() || !out.spec.prefix_lists.contains_key(list))
        {
            let propagated = route.is_propagated();
            let links: Vec<&Link> = links.into_iter().filter(|l| !propagated || !is_vpc(l, out)).collect();
            if !links.is_empty() || !propagated {
                self.push_all(&(Some(block), block.to_string()), &links, blackhole, propagated, span, out);
            }
        } else if !list.is_empty() {
            // An entry of a list that has a name here: the list is the route.
            if !referenced.contains(list) {
                out.lacking_prefix_list(self.table, list);
                self.push_all(&(None, list.to_owned()), &links, blackhole, false, span, out);
            }
        } else {
            let message = format!("`{}`: a route has no destination", self.table);
            out.diagnostics.push(Diagnostic::error("bad-route", span, message));
        }
    }
}

fn routes(table: &str, facts: &TableFacts, out: &mut Out) -> Vec<Spanned<TransitGatewayRoute>> {
    let mut routes = Routes { table, found: BTreeMap::new() };
    // A list whose blocks the export lacks, but whose routes it holds, is spelled out.
    let searched = || facts.routes.iter().flatten();
    let spelled: BTreeSet<&str> = searched()
        .filter(|(route, _)| route.destination_cidr_block.0.is_some())
        .map(|(route, _)| route.prefix_list_id.text())
        .collect();
    let mut referenced = BTreeSet::new();
    for (reference, span) in facts.lists.iter().filter(|(list, _)| list.state.text() != "deleting") {
        let list = reference.prefix_list_id.text();
        if out.spec.prefix_lists.contains_key(list) || !spelled.contains(list) {
            referenced.insert(list);
            routes.reference(reference, *span, out);
        }
    }
    for (route, span) in searched() {
        match route.state.text() {
            "active" | "blackhole" | "" => routes.searched(route, &referenced, *span, out),
            other => out.skip(table, format!("a route in state {other}")),
        }
    }
    routes.found.into_values().collect()
}
