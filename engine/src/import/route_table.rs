//! Route tables (`describe-route-tables`).
//!
//! Compile makes the `local` routes of a VPC's blocks, so they are not written, unless their target was
//! replaced. Every other route becomes a row, whatever its target: a target that is not modelled, was
//! deleted or is not in the export gets an entry under `not_modelled`, so that the row can still win its prefix.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Name, Route, RouteOrigin, RouteState, Spanned};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RouteTable {
    route_table_id: Text,
    vpc_id: Text,
    associations: List<Association>,
    routes: List<AwsRoute>,
    propagating_vgws: List<PropagatingVgw>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Association {
    main: Option<bool>,
    subnet_id: Text,
    gateway_id: Text,
    association_state: AssociationState,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct AssociationState {
    state: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct PropagatingVgw {
    gateway_id: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct AwsRoute {
    destination_cidr_block: Maybe<Cidr>,
    destination_ipv6_cidr_block: Maybe<Cidr>,
    destination_prefix_list_id: Text,
    gateway_id: Text,
    nat_gateway_id: Text,
    network_interface_id: Text,
    instance_id: Text,
    egress_only_internet_gateway_id: Text,
    vpc_peering_connection_id: Text,
    transit_gateway_id: Text,
    carrier_gateway_id: Text,
    local_gateway_id: Text,
    core_network_arn: Text,
    odb_network_arn: Text,
    ip_address: Text,
    state: Text,
    origin: Text,
}

impl Resource for RouteTable {
    const KIND: &'static str = "route table";
    const ID: &'static str = "RouteTableId";
    fn id(&self) -> &str {
        self.route_table_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// The kind of a resource by the prefix of its id, in AWS's words; and whether this project models it.
const PREFIXES: &[(&str, &str, bool)] = &[
    ("igw-", "internet gateway", true),
    ("eigw-", "egress-only internet gateway", true),
    ("nat-", "NAT gateway", true),
    ("eni-", "network interface", true),
    ("i-", "instance", true),
    ("pcx-", "VPC peering connection", true),
    ("tgw-", "transit gateway", true),
    ("vgw-", "virtual private gateway", true),
    ("vpce-", "VPC endpoint", true),
    ("cagw-", "carrier gateway", false),
    ("lgw-", "local gateway", false),
];

impl AwsRoute {
    /// The target that is filled in, and its kind if the id does not show it. An interface comes before
    /// its instance: AWS fills in both.
    fn target(&self) -> Option<(&str, &'static str)> {
        [
            (&self.network_interface_id, ""),
            (&self.instance_id, ""),
            (&self.nat_gateway_id, ""),
            (&self.vpc_peering_connection_id, ""),
            (&self.transit_gateway_id, ""),
            (&self.egress_only_internet_gateway_id, ""),
            (&self.carrier_gateway_id, ""),
            (&self.local_gateway_id, ""),
            (&self.core_network_arn, "Cloud WAN core network"),
            (&self.odb_network_arn, "Oracle Database@AWS network"),
            (&self.gateway_id, ""),
            (&self.ip_address, "IP address as a route target"),
        ]
        .into_iter()
        .find_map(|(field, kind)| Some((field.0.as_deref()?, kind)))
    }

    fn destination(&self) -> Option<String> {
        let block = self.destination_cidr_block.0.or(self.destination_ipv6_cidr_block.0);
        block.map(|c| c.to_string()).or_else(|| self.destination_prefix_list_id.0.clone())
    }
}

/// The peering connections that routes name.
pub(super) fn peerings(tables: &[Item<RouteTable>]) -> impl Iterator<Item = String> {
    let routes = tables.iter().flat_map(|table| table.value.routes.iter());
    routes.filter_map(|route| route.vpc_peering_connection_id.0.clone())
}

/// The blocks that tables show as learnt and in force, by virtual private gateway.
pub(super) fn propagated(tables: &[Item<RouteTable>]) -> BTreeMap<String, BTreeSet<Cidr>> {
    let mut shown: BTreeMap<String, BTreeSet<Cidr>> = BTreeMap::new();
    for route in tables.iter().flat_map(|table| table.value.routes.iter()) {
        let learnt = route.origin.text() == "EnableVgwRoutePropagation" && route.state.text() != "blackhole";
        if let (Some(gateway), true) = (&route.gateway_id.0, learnt) {
            let block = route.destination_cidr_block.0.or(route.destination_ipv6_cidr_block.0);
            shown.entry(gateway.clone()).or_default().extend(block);
        }
    }
    shown
}

/// Writes the tables and tells the subnets which one is theirs.
pub(super) fn build(tables: Vec<Item<RouteTable>>, out: &mut Out) {
    for Item { value: table, span, .. } in tables {
        let (id, vpc) = (table.id().to_owned(), table.vpc_id.text());
        if !out.has_vpc(RouteTable::KIND, &id, vpc) {
            continue;
        }
        let (main, gateway) = associations(&table, span, out);
        let mut routes = Vec::new();
        for aws in table.routes.iter() {
            match route(&id, vpc, aws, span, out) {
                Ok(row) => routes.extend(row.map(|row| Spanned::new(row, span))),
                Err(why) => out.diagnostics.push(Diagnostic::error("bad-route", span, format!("`{id}`: {why}"))),
            }
        }
        let mut propagating = Vec::new();
        for gateway in table.propagating_vgws.iter().filter_map(|vgw| vgw.gateway_id.0.as_deref()) {
            target(&id, vpc, gateway, "", false, out);
            propagating.push(Spanned::new(gateway.to_owned(), span));
        }
        let built = crate::spec::RouteTable {
            vpc: Spanned::new(vpc.to_owned(), span),
            main,
            gateway,
            propagating_vpn_gateways: propagating,
            routes,
            name_tag: table.tags.name(&id),
        };
        out.spec.route_tables.insert(Name::new(id, span), built);
    }
}

fn associations(table: &RouteTable, span: Span, out: &mut Out) -> (bool, Option<Spanned<String>>) {
    let id = table.id();
    let (mut main, mut gateway) = (false, None);
    let in_force = |a: &&Association| !matches!(a.association_state.state.text(), "disassociated" | "failed");
    for association in table.associations.iter().filter(in_force) {
        main |= association.main == Some(true);
        let (subnet, edge) = (association.subnet_id.text(), association.gateway_id.text());
        if !subnet.is_empty() {
            match out.spec.subnets.get_mut(subnet) {
                Some(subnet) => subnet.route_table = Some(Spanned::new(id.to_owned(), span)),
                None => out.missing(id, subnet, "association left out"),
            }
        }
        if edge.is_empty() {
            continue;
        }
        if !out.spec.internet_gateways.contains_key(edge) && !out.spec.vpn_gateways.contains_key(edge) {
            out.missing(id, edge, "edge association left out: not a gateway of the export");
        } else if gateway.is_none() {
            gateway = Some(Spanned::new(edge.to_owned(), span));
        } else {
            out.skip(id, format!("its second edge association, with {edge}, is not modelled"));
        }
    }
    (main, gateway)
}

fn route(table: &str, vpc: &str, aws: &AwsRoute, span: Span, out: &mut Out) -> Result<Option<Route>, String> {
    let to = aws.destination().ok_or("a route has no destination")?;
    let blackhole = aws.state.text() == "blackhole";
    let via = match aws.target() {
        Some(("local", _)) => {
            let block = aws.destination_cidr_block.0.or(aws.destination_ipv6_cidr_block.0);
            let implied = aws.origin.text() == "CreateRouteTable" || block.is_some_and(|b| is_block_of(vpc, b, out));
            if implied {
                return Ok(None);
            }
            "local".to_owned()
        }
        Some((id, kind)) => {
            let by_endpoint = !aws.destination_prefix_list_id.text().is_empty() && id.starts_with("vpce-");
            let kind = if by_endpoint { "gateway endpoint that the export lacks" } else { kind };
            target(table, vpc, id, kind, blackhole, out);
            id.to_owned()
        }
        None => {
            let invented = format!("unknown-target-of-{table}");
            out.missing(table, &to, "its route has no target that is known here; kept as not modelled");
            out.not_modelled(&invented, "route target of an unknown kind", Some(vpc), None);
            invented
        }
    };
    if aws.destination_cidr_block.0.is_none() && aws.destination_ipv6_cidr_block.0.is_none() {
        out.lacking_prefix_list(table, &to);
    }
    Ok(Some(Route {
        to: Spanned::new(to, span),
        via: Spanned::new(via, span),
        state: match aws.state.text() {
            "blackhole" => Some(RouteState::Blackhole),
            // `active` is what compile finds by itself, and it notices when the target stops.
            _ => None,
        },
        origin: match aws.origin.text() {
            "EnableVgwRoutePropagation" => Some(RouteOrigin::Propagated),
            "Advertisement" => Some(RouteOrigin::Advertised),
            _ => None,
        },
    }))
}

fn is_block_of(vpc: &str, block: Cidr, out: &Out) -> bool {
    out.spec.vpcs.get(vpc).is_some_and(|vpc| {
        let mut blocks = vpc.cidr.iter().chain(&vpc.secondary_cidrs).chain(&vpc.ipv6_cidrs);
        blocks.any(|b| b.value == block)
    })
}

/// Makes sure that the target `id` has a name in the topology.
fn target(table: &str, vpc: &str, id: &str, kind: &str, blackhole: bool, out: &mut Out) {
    let spec = &out.spec;
    if spec.internet_gateways.contains_key(id)
        || spec.egress_only_internet_gateways.contains_key(id)
        || spec.nat_gateways.contains_key(id)
        || spec.network_interfaces.contains_key(id)
        || spec.instances.contains_key(id)
        || spec.vpc_peering_connections.contains_key(id)
        || spec.transit_gateways.contains_key(id)
        || spec.vpn_gateways.contains_key(id)
        || spec.vpc_endpoints.contains_key(id)
        || spec.not_modelled.contains_key(id)
    {
        return;
    }
    if blackhole || out.is_gone(id) {
        out.missing(table, id, "route kept as a blackhole");
        out.not_modelled(id, "deleted resource", Some(vpc), None);
        return;
    }
    out.missing(table, id, "route kept; its target is unknown");
    let by_prefix = PREFIXES.iter().find(|(prefix, _, _)| id.starts_with(prefix));
    match by_prefix {
        _ if !kind.is_empty() => out.not_modelled(id, kind, Some(vpc), None),
        Some((_, kind, true)) => out.not_modelled(id, &format!("{kind} that the export lacks"), Some(vpc), None),
        Some((_, kind, false)) => out.not_modelled(id, kind, Some(vpc), None),
        None => out.not_modelled(id, "route target of an unknown kind", Some(vpc), None),
    }
}
