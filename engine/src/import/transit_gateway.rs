//! Transit gateways (`describe-transit-gateways`), and everything of theirs put together in order.
//!
//! An export lists which attachments are associated and which propagate, so the defaults are switched off,
//! unless it says nothing about that. One whose route tables only its owner can list is not modelled:
//! without them nobody knows what it does with a packet.

use super::Out;
use super::eni::Managed;
use super::inventory::{Resource, unique};
use super::not_modelled::GONE;
use super::place::{account, is_region};
use super::read::{Item, List, Maybe, Tags, Text};
use super::site;
use super::tgw_attachment::{self, Attachment, Peering};
use super::tgw_connect::{self, Connect, Peer};
use super::tgw_facts::{Facts, TableFacts};
use super::tgw_multicast::{self, Domain};
use super::tgw_table::{self, RouteTable};
use super::tgw_vpc::{self, VpcAttachment};
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, Spanned, TransitGateway};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What was read of transit gateways.
#[derive(Default)]
pub(super) struct Found {
    pub(super) gateways: Vec<Item<Gateway>>,
    pub(super) vpc_attachments: Vec<Item<VpcAttachment>>,
    pub(super) attachments: Vec<Item<Attachment>>,
    pub(super) peerings: Vec<Item<Peering>>,
    pub(super) connects: Vec<Item<Connect>>,
    pub(super) connect_peers: Vec<Item<Peer>>,
    pub(super) tables: Vec<Item<RouteTable>>,
    pub(super) domains: Vec<Item<Domain>>,
    pub(super) facts: Facts,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Gateway {
    transit_gateway_id: Text,
    transit_gateway_arn: Text,
    state: Text,
    owner_id: Text,
    options: Options,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    amazon_side_asn: Option<u32>,
    transit_gateway_cidr_blocks: List<Maybe<Cidr>>,
    default_route_table_association: Text,
    default_route_table_propagation: Text,
    vpn_ecmp_support: Text,
    security_group_referencing_support: Text,
    multicast_support: Text,
}

impl Resource for Gateway {
    const KIND: &'static str = "transit gateway";
    const ID: &'static str = "TransitGatewayId";
    fn id(&self) -> &str {
        self.transit_gateway_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// What `enable` and `disable` mean.
pub(super) fn enabled(option: &Text) -> Option<bool> {
    match option.text() {
        "enable" => Some(true),
        "disable" => Some(false),
        _ => None,
    }
}

/// Writes transit gateways, what joins sites to AWS, attachments, multicast domains and route tables. VPCs,
/// subnets and interfaces are there. `listed` says whether any file lists attachments.
pub(super) fn build(
    mut found: Found,
    (sites, about_sites): (site::Found, site::Known<'_>),
    listed: bool,
    managed: &Managed,
    out: &mut Out,
) {
    let mut tables = unique(found.tables, out);
    tables.retain(|table| {
        let gone = GONE.contains(&table.value.state.text());
        if gone {
            out.deleted(table.value.id(), table.value.state.text());
        }
        !gone
    });
    let attachments = tgw_attachment::one_per_side(found.attachments, out);
    let untold = tgw_vpc::complete(&mut found.vpc_attachments, &attachments, managed, out);
    let attached = found.vpc_attachments.iter().map(|item| item.value.transit_gateway_id.text());
    let attached = attached.chain(found.peerings.iter().flat_map(|item| item.value.gateways()));
    let mut known = known(&tables, &attachments, &found.facts);
    for tgw in attached {
        known.entry(tgw.to_owned()).or_default().attached = true;
    }
    for tgw in untold {
        known.entry(tgw).or_default().untold = true;
    }
    let by_sites = sites.transit_gateways();
    for item in unique(found.gateways, out) {
        let about = known.entry(item.value.id().to_owned()).or_default();
        about.untold |= !about.attached && !listed;
        about.attached |= by_sites.contains(item.value.id());
        if !about.attached {
            // Nothing is associated and nothing propagates: that is all there is to say.
            (about.associations, about.propagations) = (true, true);
            about.without_routes.clear();
        }
        gateway(item, about, out);
    }
    let (vpcs, peerings) = (unique(found.vpc_attachments, out), unique(found.peerings, out));
    tgw_vpc::build(vpcs, managed, out);
    sites.build(&about_sites, out);
    tgw_attachment::build_peerings(peerings, out);
    tgw_connect::build(unique(found.connects, out), unique(found.connect_peers, out), out);
    tgw_attachment::build_others(&attachments, out);
    tgw_multicast::build(unique(found.domains, out), &found.facts, out);
    tgw_table::build(tables, &attachments, found.facts, out);
    super::vpn::finish(out);
}

/// What the export says about one transit gateway.
#[derive(Default)]
struct About {
    /// It has an attachment.
    attached: bool,
    /// It may have an attachment that the export lacks, or one whose subnets nothing tells.
    untold: bool,
    /// It has a route table.
    tables: bool,
    default_association: bool,
    default_propagation: bool,
    /// What is associated, what propagates, is said.
    associations: bool,
    propagations: bool,
    /// Tables without a word about their static routes.
    without_routes: BTreeSet<String>,
}

fn known(tables: &[Item<RouteTable>], attachments: &[Item<Attachment>], facts: &Facts) -> BTreeMap<String, About> {
    let mut known: BTreeMap<String, About> = BTreeMap::new();
    for Item { value: table, .. } in tables {
        let about = known.entry(table.transit_gateway_id.text().to_owned()).or_default();
        about.tables = true;
        about.default_association |= table.default_association_route_table == Some(true);
        about.default_propagation |= table.default_propagation_route_table == Some(true);
        let said = facts.tables.get(table.id());
        about.associations |= said.is_some_and(|f| f.associations.is_some());
        about.propagations |= said.is_some_and(TableFacts::says_propagations);
        if said.is_none_or(|f| f.routes.is_none()) {
            about.without_routes.insert(table.id().to_owned());
        }
    }
    for Item { value: attachment, .. } in attachments {
        let about = known.entry(attachment.transit_gateway_id.text().to_owned()).or_default();
        (about.associations, about.attached) = (true, true);
    }
    known
}

fn gateway(item: Item<Gateway>, about: &About, out: &mut Out) {
    let Item { value: gateway, span, place } = item;
    let id = gateway.id().to_owned();
    if GONE.contains(&gateway.state.text()) {
        out.deleted(&id, gateway.state.text());
        return;
    }
    let options = &gateway.options;
    let associates = enabled(&options.default_route_table_association) == Some(true);
    let propagates = enabled(&options.default_route_table_propagation) == Some(true);
    let lacks = if about.untold {
        Some(("attachments", "describe-transit-gateway-vpc-attachments"))
    } else if about.attached && !about.tables && (about.associations || !associates) {
        Some(("route tables", "describe-transit-gateway-route-tables"))
    } else {
        None
    };
    if let Some((what, call)) = lacks {
        let whose = account(gateway.owner_id.text()).map_or_else(String::new, |owner| format!(" of account {owner}"));
        let message = format!("the {what} of transit gateway `{id}` are not in the export, so it is not modelled");
        let found = Diagnostic::warning("not-in-export", span, message);
        out.diagnostics.push(found.help(format!("add the output of `aws ec2 {call}`{whose}")));
        let kind = format!("transit gateway whose {what} the export lacks");
        out.not_modelled(&id, &kind, None, gateway.tags.name(&id));
        return;
    }
    // A default is left on where the export does not say what it led to.
    let on = |said: bool, option: bool, table: bool| !said && option && (table || !about.tables);
    let default_association = on(about.associations, associates, about.default_association);
    let default_propagation = on(about.propagations, propagates, about.default_propagation);
    unsaid(&id, about, [default_association, default_propagation], span, out);
    let arn: Vec<&str> = gateway.transit_gateway_arn.text().split(':').collect();
    let region = arn.get(3).filter(|r| is_region(r)).map(|r| (*r).to_owned()).or_else(|| place.region.clone());
    let owner = account(gateway.owner_id.text()).or_else(|| place.account.clone());
    let at = |text: String| Spanned::new(text, span);
    let built = TransitGateway {
        region: region.map(at),
        account: owner.map(at),
        asn: options.amazon_side_asn,
        default_route_table_association: (!default_association).then_some(false),
        default_route_table_propagation: (!default_propagation).then_some(false),
        security_group_referencing: enabled(&options.security_group_referencing_support).filter(|on| *on),
        vpn_ecmp: enabled(&options.vpn_ecmp_support).filter(|on| !on),
        multicast: enabled(&options.multicast_support).filter(|on| *on),
        cidrs: options.transit_gateway_cidr_blocks.iter().filter_map(|c| c.0).map(|c| Spanned::new(c, span)).collect(),
        name_tag: gateway.tags.name(&id),
    };
    out.spec.transit_gateways.insert(Name::new(id, span), built);
}

/// Warns of what the export does not say about the route tables of a transit gateway, and what is assumed.
/// `on` says whether the defaults of association and of propagation are.
fn unsaid(id: &str, about: &About, on: [bool; 2], span: Span, out: &mut Out) {
    let association = match on[0] {
        true => "every attachment is taken to be associated with the default route table",
        false => "no attachment is taken to be associated with a route table",
    };
    let propagation = match on[1] {
        true => "every attachment is taken to propagate into the default route table",
        false => "no attachment is taken to propagate into a route table",
    };
    let unsaid = [(about.associations, association), (about.propagations, propagation)];
    let unsaid: Vec<&str> = unsaid.into_iter().filter(|(said, _)| !said).map(|(_, assumed)| assumed).collect();
    if !unsaid.is_empty() {
        let message =
            format!("the export does not say what is in force at transit gateway `{id}`: {}", unsaid.join("; "));
        absent(out, span, message, "get-transit-gateway-route-table-associations` and `-propagations");
    }
    if let Some(table) = about.without_routes.first() {
        let rest = match about.without_routes.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let message = format!("the static routes of `{table}`{rest}, of transit gateway `{id}`, are taken as none");
        absent(out, span, message, "search-transit-gateway-routes");
    }
}

fn absent(out: &mut Out, span: Span, message: String, call: &str) {
    let help = format!(
        "add the output of `aws ec2 {call}`, each in a file named after its table, as in \
         `search-transit-gateway-routes.tgw-rtb-0123abcd.json`"
    );
    out.diagnostics.push(Diagnostic::warning("absent-kind", span, message).help(help));
}

/// An error if the thing `id` does not say which transit gateway it is of.
pub(super) fn names_gateway(id: &str, tgw: &Text, span: Span, out: &mut Out) -> bool {
    if tgw.text().is_empty() {
        let message = format!("`{id}` has no TransitGatewayId");
        out.diagnostics.push(Diagnostic::error("missing-field", span, message));
    }
    !tgw.text().is_empty()
}

/// True if the transit gateway of the thing `id` is in the topology. Else the thing is written as not
/// modelled, with what there is to say `about` it: its VPC and its name.
pub(super) fn has_gateway(
    kind: &str,
    id: &str,
    tgw: &Text,
    about: (Option<&str>, Option<String>),
    span: Span,
    out: &mut Out,
) -> bool {
    if !names_gateway(id, tgw, span, out) || out.spec.transit_gateways.contains_key(tgw.text()) {
        return !tgw.text().is_empty();
    }
    let tgw = tgw.text();
    if out.is_gone(tgw) {
        out.skip(id, format!("transit gateway {tgw} was deleted"));
        return false;
    }
    if !out.spec.not_modelled.contains_key(tgw) {
        out.child(false, "describe-transit-gateways", kind, id, tgw);
        out.not_modelled(tgw, "transit gateway that the export lacks", None, None);
    }
    out.not_modelled(id, kind, about.0, about.1);
    false
}
