//! Route tables of transit gateways (`describe-transit-gateway-route-tables`), with what further calls say of each:
//! associations, propagations, routes, prefix list references.
//!
//! Those calls answer without the table's id, so either the file is called after the table, or a wrapper names it
//! (`TransitGatewayStaticRoutes`, `TransitGatewayPropagations`). Routes that an attached VPC propagates are made by
//! compile; those that a VPN, a Direct Connect gateway or an appliance has announced are written as learnt.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use super::transit_gateway::Attachment;
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, RouteOrigin, Spanned, TransitGatewayRoute, TransitGatewayRouteTable};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Table {
    transit_gateway_route_table_id: Text,
    transit_gateway_id: Text,
    state: Text,
    default_association_route_table: Option<bool>,
    default_propagation_route_table: Option<bool>,
    tags: Tags,
}

impl Resource for Table {
    const KIND: &'static str = "transit gateway route table";
    const ID: &'static str = "TransitGatewayRouteTableId";
    fn id(&self) -> &str {
        self.transit_gateway_route_table_id.text()
    }
}

/// `{TransitGatewayRouteTableId, Routes, AdditionalRoutesAvailable}`, and the same for propagations.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfTable {
    pub(super) transit_gateway_route_table_id: Text,
    additional_routes_available: Option<bool>,
    routes: List<AwsRoute>,
    transit_gateway_route_table_propagations: List<Member>,
    associations: List<Member>,
}

/// A route as `search-transit-gateway-routes` writes it.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AwsRoute {
    destination_cidr_block: Maybe<Cidr>,
    prefix_list_id: Text,
    transit_gateway_attachments: List<RouteAttachment>,
    #[serde(rename = "Type")]
    kind: Text,
    state: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct RouteAttachment {
    transit_gateway_attachment_id: Text,
}

/// An association or a propagation.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Member {
    transit_gateway_attachment_id: Text,
    state: Text,
}

/// An element of `get-transit-gateway-prefix-list-references`.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Reference {
    transit_gateway_route_table_id: Text,
    prefix_list_id: Text,
    state: Text,
    blackhole: Option<bool>,
    transit_gateway_attachment: Option<RouteAttachment>,
}

impl Resource for Reference {
    const KIND: &'static str = "prefix list reference";
    const ID: &'static str = "PrefixListId";
    fn id(&self) -> &str {
        self.prefix_list_id.text()
    }
}

impl OfTable {
    /// One answer of a call, for the table that the file is called after.
    pub(super) fn of(table: String, part: Part) -> Self {
        let mut of = Self { transit_gateway_route_table_id: Maybe(Some(table)), ..Self::default() };
        match part {
            Part::Routes(routes) => of.routes = List(routes),
            Part::Propagations(members) => of.transit_gateway_route_table_propagations = List(members),
            Part::Associations(members) => of.associations = List(members),
            Part::More(more) => of.additional_routes_available = Some(more),
        }
        of
    }
}

/// What one call says of a table.
pub(super) enum Part {
    Routes(Vec<AwsRoute>),
    Propagations(Vec<Member>),
    Associations(Vec<Member>),
    More(bool),
}

/// The table that a file is called after, as in `search-transit-gateway-routes.tgw-rtb-0123abcd.json`.
pub(super) fn id_in_name(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let id = &name[name.find("tgw-rtb-")?..];
    let end = id[8..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(id.len(), |at| at + 8);
    (end > 8).then(|| id[..end].to_owned())
}

/// Writes the tables.
pub(super) fn build(
    tables: Vec<Item<Table>>,
    parts: Vec<Item<OfTable>>,
    references: Vec<Item<Reference>>,
    attachments: &[Item<Attachment>],
    keys: &BTreeSet<String>,
    out: &mut Out,
) {
    let told = |any: &[&str]| any.iter().any(|key| keys.contains(*key));
    let associated = told(&["TransitGatewayAttachments", "Associations", "TransitGatewayAssociations"]);
    let propagated = told(&["TransitGatewayPropagations", "TransitGatewayRouteTablePropagations", "Routes"]);
    let mut built: BTreeMap<String, (Span, TransitGatewayRouteTable)> = BTreeMap::new();
    for Item { value: table, span, .. } in tables {
        let (id, tgw) = (table.id().to_owned(), table.transit_gateway_id.text());
        if matches!(table.state.text(), "deleted" | "deleting") {
            out.deleted(&id, table.state.text());
            continue;
        }
        if !out.spec.transit_gateways.contains_key(tgw) {
            out.missing(&id, tgw, "route table left out");
            continue;
        }
        let body = TransitGatewayRouteTable {
            transit_gateway: Spanned::new(tgw.to_owned(), span),
            default_association: !associated && table.default_association_route_table == Some(true),
            default_propagation: !propagated && table.default_propagation_route_table == Some(true),
            associations: Vec::new(),
            propagations: Vec::new(),
            routes: Vec::new(),
            name_tag: table.tags.name(&id),
        };
        built.insert(id, (span, body));
    }
    for a in attachments {
        let Some(association) = a.value.association.as_ref().filter(|x| in_force(x.state.text())) else { continue };
        let table = association.transit_gateway_route_table_id.text();
        join(&mut built, table, a.value.id(), a.span, out, |body| &mut body.associations);
    }
    for part in parts {
        let (p, span) = (&part.value, part.span);
        let id = p.transit_gateway_route_table_id.text();
        for m in p.associations.iter().filter(|m| in_force(m.state.text())) {
            join(&mut built, id, m.transit_gateway_attachment_id.text(), span, out, |body| &mut body.associations);
        }
        for m in p.transit_gateway_route_table_propagations.iter().filter(|m| in_force(m.state.text())) {
            join(&mut built, id, m.transit_gateway_attachment_id.text(), span, out, |body| &mut body.propagations);
        }
        if p.additional_routes_available == Some(true) {
            let message = format!("`{id}`: AWS has more routes than the export holds (`AdditionalRoutesAvailable`)");
            let found = Diagnostic::warning("partial-export", span, message);
            out.diagnostics.push(found.help("search by filters until every answer says false"));
        }
        let Some((_, body)) = built.get_mut(id) else {
            if !p.routes.is_empty() {
                out.missing("transit gateway routes", id, "left out");
            }
            continue;
        };
        for aws in p.routes.iter() {
            if let Some(route) = route(id, aws, span, out)
                && !body.routes.iter().any(|r| r.to == route.to)
            {
                body.routes.push(Spanned::new(route, span));
            }
        }
    }
    for Item { value: r, span, .. } in references {
        let (id, list) = (r.transit_gateway_route_table_id.text(), r.prefix_list_id.text());
        let Some((_, body)) = built.get_mut(id).filter(|_| !matches!(r.state.text(), "deleting" | "deleted")) else {
            continue;
        };
        let via = r.transit_gateway_attachment.as_ref().and_then(|a| a.transit_gateway_attachment_id.0.clone());
        let blackhole = r.blackhole == Some(true) || via.is_none();
        if !out.spec.prefix_lists.contains_key(list) {
            out.missing(id, list, "reference left out: the blocks of that prefix list are unknown");
            continue;
        }
        if let Some(via) = via.as_deref().filter(|_| !blackhole) {
            known(id, via, out);
        }
        let route = TransitGatewayRoute {
            to: Spanned::new(list.to_owned(), span),
            via: via.filter(|_| !blackhole).map(|via| Spanned::new(via, span)),
            blackhole,
            origin: None,
        };
        body.routes.push(Spanned::new(route, span));
    }
    if !out.spec.transit_gateways.is_empty() {
        untold(associated, propagated, out);
    }
    for (id, (span, body)) in built {
        out.spec.transit_gateway_route_tables.insert(Name::new(id, span), body);
    }
}

/// What no file says is taken to be AWS's default: one table for all attachments.
fn untold(associated: bool, propagated: bool, out: &mut Out) {
    for (told, key, call) in [
        (associated, "TransitGatewayAttachments", "describe-transit-gateway-attachments"),
        (propagated, "TransitGatewayRouteTablePropagations", "get-transit-gateway-route-table-propagations"),
    ] {
        if !told {
            let message = format!("no file holds `{key}`: every attachment is taken to use its default route table");
            let found = Diagnostic::warning("absent-kind", Span::NONE, message);
            out.diagnostics.push(found.help(format!("add the output of `aws ec2 {call}`")));
        }
    }
    for tgw in out.spec.transit_gateways.values_mut() {
        if !associated {
            tgw.default_route_table_association = None;
        }
        if !propagated {
            tgw.default_route_table_propagation = None;
        }
    }
}

fn in_force(state: &str) -> bool {
    matches!(state, "associated" | "associating" | "enabled" | "enabling" | "")
}

/// Puts an attachment into a list of a table, once.
fn join(
    built: &mut BTreeMap<String, (Span, TransitGatewayRouteTable)>,
    table: &str,
    attachment: &str,
    span: Span,
    out: &mut Out,
    list: impl Fn(&mut TransitGatewayRouteTable) -> &mut Vec<Spanned<String>>,
) {
    if attachment.is_empty() || out.is_gone(attachment) {
        return;
    }
    let Some((_, body)) = built.get_mut(table) else {
        out.missing(attachment, table, "association or propagation left out");
        return;
    };
    known(table, attachment, out);
    let list = list(body);
    if !list.iter().any(|a| a.value == attachment) {
        list.push(Spanned::new(attachment.to_owned(), span));
        list.sort();
    }
}

/// Makes sure that an attachment has a name in the topology.
fn known(table: &str, attachment: &str, out: &mut Out) {
    let spec = &out.spec;
    let there = spec.transit_gateway_vpc_attachments.contains_key(attachment)
        || spec.transit_gateway_peering_attachments.contains_key(attachment)
        || spec.transit_gateway_connects.contains_key(attachment)
        || spec.not_modelled.contains_key(attachment);
    if !there {
        out.missing(table, attachment, "kept; what is behind that attachment is unknown");
        out.not_modelled(attachment, "transit gateway attachment that the export lacks", None, None);
    }
}

/// A route to write; nothing for one that compile makes.
fn route(table: &str, aws: &AwsRoute, span: Span, out: &mut Out) -> Option<TransitGatewayRoute> {
    let propagated = aws.kind.text() == "propagated";
    let via = aws.transit_gateway_attachments.iter().find_map(|a| a.transit_gateway_attachment_id.0.clone());
    let by_list = aws.prefix_list_id.0.clone();
    let of_vpc = via.as_deref().is_some_and(|via| out.spec.transit_gateway_vpc_attachments.contains_key(via));
    if propagated && of_vpc && by_list.is_none() {
        return None;
    }
    // An attachment's own blackhole is what its state makes of it; one without an attachment was written as such.
    let blackhole = via.is_none();
    if let Some(via) = &via {
        if out.is_gone(via) {
            out.missing(table, via, "route kept as a blackhole");
            out.not_modelled(via, "deleted resource", None, None);
        }
        known(table, via, out);
    }
    let to = by_list.filter(|list| out.spec.prefix_lists.contains_key(list.as_str()));
    let to = to.or_else(|| aws.destination_cidr_block.0.map(|block| block.to_string()))?;
    let dead = aws.state.text() == "blackhole";
    Some(TransitGatewayRoute {
        to: Spanned::new(to, span),
        via: via.map(|via| Spanned::new(via, span)),
        blackhole: blackhole || dead,
        origin: (propagated && aws.prefix_list_id.0.is_none()).then_some(RouteOrigin::Propagated),
    })
}
