//! The lists of an export by kind, read but not yet put together.
//!
//! The top-level key decides what a list is, never the file's name (one call's answer does not say
//! what it is about: see [`prefix_list`]). Elements are read one by one: a bad one is reported and left out.

use super::not_modelled::{self, Foreign};
use super::read::{Item, Keys, Source};
use super::report::Report;
use super::tgw_route_table::{OfTable, Part};
use super::{
    Out, acl, address, bpa, endpoint, eni, gateway, instance, peering, prefix_list, route_table, security_group,
    subnet, tgw_route_table, transit_gateway, vpc,
};
use crate::diag::Diagnostic;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// A resource as AWS writes it.
pub(super) trait Resource {
    /// Its kind in AWS's words.
    const KIND: &'static str;
    /// The field that holds its id.
    const ID: &'static str;
    /// Whether AWS always gives an id.
    const ID_REQUIRED: bool = true;
    /// Its id; empty if it has none.
    fn id(&self) -> &str;
    /// The account that owns it; empty if the object does not say.
    fn owner(&self) -> &str {
        ""
    }
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) vpcs: Vec<Item<vpc::Vpc>>,
    pub(super) attributes: Vec<vpc::Attribute>,
    pub(super) subnets: Vec<Item<subnet::Subnet>>,
    pub(super) route_tables: Vec<Item<route_table::RouteTable>>,
    pub(super) acls: Vec<Item<acl::NetworkAcl>>,
    pub(super) groups: Vec<Item<security_group::SecurityGroup>>,
    pub(super) rules: Vec<Item<security_group::Rule>>,
    pub(super) enis: Vec<Item<eni::Eni>>,
    pub(super) instances: Vec<Item<instance::Instance>>,
    pub(super) instance_enis: Vec<Item<eni::Eni>>,
    pub(super) addresses: Vec<Item<address::Address>>,
    pub(super) igws: Vec<Item<gateway::Igw>>,
    pub(super) eigws: Vec<Item<gateway::Eigw>>,
    pub(super) nats: Vec<Item<gateway::Nat>>,
    pub(super) prefix_lists: Vec<Item<prefix_list::PrefixList>>,
    pub(super) bpa_options: Vec<Item<bpa::Options>>,
    pub(super) bpa_exclusions: Vec<Item<bpa::Exclusion>>,
    pub(super) peerings: Vec<Item<peering::Peering>>,
    pub(super) tgws: Vec<Item<transit_gateway::Tgw>>,
    pub(super) tgw_vpc_attachments: Vec<Item<transit_gateway::VpcAttachment>>,
    pub(super) tgw_attachments: Vec<Item<transit_gateway::Attachment>>,
    pub(super) tgw_peerings: Vec<Item<transit_gateway::PeeringAttachment>>,
    pub(super) tgw_connects: Vec<Item<transit_gateway::Connect>>,
    pub(super) tgw_connect_peers: Vec<Item<transit_gateway::Peer>>,
    pub(super) tgw_tables: Vec<Item<tgw_route_table::Table>>,
    pub(super) tgw_parts: Vec<Item<tgw_route_table::OfTable>>,
    pub(super) tgw_references: Vec<Item<tgw_route_table::Reference>>,
    pub(super) endpoints: Vec<Item<endpoint::Endpoint>>,
    pub(super) foreign: Vec<Foreign>,
    /// The AWS keys that any file had, empty lists included.
    pub(super) keys: BTreeSet<String>,
}

/// Keys that say nothing about where packets go, or nothing that the other files do not say.
const SILENT: &[&str] = &[
    "AvailabilityZones",
    "ClassicLinkInstances",
    "DhcpOptions",
    "Hosts",
    "InstanceStatuses",
    "MovingAddressStatuses",
    "PlacementGroups",
    "Regions",
    "ResponseMetadata",
    "ServiceDetails",
    "ServiceNames",
    "Tags",
];

/// Keys that mean something only beside another one.
const HALVES: &[&str] = &["NextToken", "PrefixListId", "VpcId"];

/// Keys that say more about resources that are not modelled; reported if they hold something.
const LATER: &[&str] = &[
    "Attributes",
    "FlowLogs",
    "Instances",
    "Listeners",
    "LoadBalancerAttributes",
    "LoadBalancerListeners",
    "LoadBalancerTargetHealth",
    "NetworkInsightsAnalyses",
    "NetworkInsightsPaths",
    "Rules",
    "SecurityGroupVpcAssociations",
    "TargetHealthDescriptions",
    "VpcEncryptionControls",
];

impl Inventory {
    /// Reads one document of one file.
    pub(super) fn take<'a>(&mut self, source: &mut Source<'a>, document: &Keys<'a>, out: &mut Out) {
        for (key, raw) in &document.0 {
            let sibling = |name: &str| {
                let (_, raw) = document.0.iter().find(|(key, _)| key == name)?;
                serde_json::from_str::<String>(raw.get()).ok()
            };
            let known = self.list(source, key, raw, &mut out.diagnostics)
                || self.single(source, key, raw, &sibling, out)
                || SILENT.contains(&key.as_str());
            if (known && !HALVES.contains(&key.as_str())) || LATER.contains(&key.as_str()) {
                self.keys.insert(key.clone());
            }
            if !known {
                ignore(key, raw, &mut out.report);
            }
        }
    }

    /// Reads `raw` if `key` is the list of a kind; says whether it is.
    fn list<'a>(&mut self, source: &mut Source<'a>, key: &str, raw: &'a RawValue, d: &mut Vec<Diagnostic>) -> bool {
        match key {
            "Vpcs" => decode(source, key, raw, &mut self.vpcs, d),
            "Subnets" => decode(source, key, raw, &mut self.subnets, d),
            "RouteTables" => decode(source, key, raw, &mut self.route_tables, d),
            "NetworkAcls" => decode(source, key, raw, &mut self.acls, d),
            "SecurityGroups" => decode(source, key, raw, &mut self.groups, d),
            "SecurityGroupRules" => decode(source, key, raw, &mut self.rules, d),
            "NetworkInterfaces" => decode(source, key, raw, &mut self.enis, d),
            "Addresses" => decode(source, key, raw, &mut self.addresses, d),
            "InternetGateways" => decode(source, key, raw, &mut self.igws, d),
            "EgressOnlyInternetGateways" => decode(source, key, raw, &mut self.eigws, d),
            "NatGateways" => decode(source, key, raw, &mut self.nats, d),
            "PrefixLists" | "PrefixListEntries" | "ManagedPrefixListEntries" => {
                decode(source, key, raw, &mut self.prefix_lists, d);
            }
            "VpcPeeringConnections" => decode(source, key, raw, &mut self.peerings, d),
            "TransitGateways" => decode(source, key, raw, &mut self.tgws, d),
            "TransitGatewayVpcAttachments" => decode(source, key, raw, &mut self.tgw_vpc_attachments, d),
            "TransitGatewayAttachments" => decode(source, key, raw, &mut self.tgw_attachments, d),
            "TransitGatewayPeeringAttachments" => decode(source, key, raw, &mut self.tgw_peerings, d),
            "TransitGatewayConnects" => decode(source, key, raw, &mut self.tgw_connects, d),
            "TransitGatewayConnectPeers" => decode(source, key, raw, &mut self.tgw_connect_peers, d),
            "TransitGatewayRouteTables" => decode(source, key, raw, &mut self.tgw_tables, d),
            "TransitGatewayPrefixListReferences" => decode(source, key, raw, &mut self.tgw_references, d),
            "VpcEndpoints" => decode(source, key, raw, &mut self.endpoints, d),
            "TransitGatewayStaticRoutes" | "TransitGatewayPropagations" | "TransitGatewayAssociations" => {
                let who = || format!("an element of `{key}`");
                for raw in source.elements(key, raw, d) {
                    if let Some(part) = source.read::<tgw_route_table::OfTable>(raw, &who, d) {
                        self.tgw_parts.push(source.item(part, raw));
                    }
                }
            }
            "VpcBlockPublicAccessExclusions" => decode(source, key, raw, &mut self.bpa_exclusions, d),
            "Reservations" => self.reservations(source, raw, d),
            _ => return not_modelled::read(source, key, raw, &mut self.foreign, d),
        }
        true
    }

    fn reservations<'a>(&mut self, source: &mut Source<'a>, raw: &'a RawValue, d: &mut Vec<Diagnostic>) {
        for raw in source.elements("Reservations", raw, d) {
            let who = || "an element of `Reservations`".to_owned();
            let Some(reservation) = source.read::<instance::Reservation<'a>>(raw, &who, d) else { continue };
            for raw in reservation.instances.iter() {
                let mut read = Vec::new();
                decode_one::<instance::Instance>(source, "Reservations", raw, &mut read, d);
                for mut item in read {
                    for eni in item.value.take_interfaces() {
                        self.instance_enis.push(Item { value: eni, span: item.span, place: item.place.clone() });
                    }
                    self.instances.push(item);
                }
            }
        }
    }

    /// Reads `raw` if `key` is not a list of resources but known all the same; says whether it is.
    fn single<'a>(
        &mut self,
        source: &mut Source<'a>,
        key: &str,
        raw: &'a RawValue,
        sibling: &dyn Fn(&str) -> Option<String>,
        out: &mut Out,
    ) -> bool {
        let who = || format!("`{key}`");
        let d = &mut out.diagnostics;
        match key {
            "VpcBlockPublicAccessOptions" => {
                if let Some(options) = source.read::<bpa::Options>(raw, &who, d) {
                    self.bpa_options.push(source.item(options, raw));
                }
            }
            "EnableDnsSupport" | "EnableDnsHostnames" => {
                let Some(vpc) = sibling("VpcId") else { return false };
                if let Some(value) = source.read::<vpc::AttributeValue>(raw, &who, d) {
                    let dns_hostnames = key == "EnableDnsHostnames";
                    self.attributes.push(vpc::Attribute { vpc, dns_hostnames, value: value.value });
                }
            }
            "Entries" => {
                let Some(id) = sibling("PrefixListId").or_else(|| prefix_list::id_in_name(source.path)) else {
                    let message = format!("`{}` does not say which prefix list its `Entries` are of", source.path);
                    let help = "name the file after the list, as in `get-managed-prefix-list-entries.pl-0123abcd.json`";
                    d.push(Diagnostic::warning("nameless-entries", source.span_of(raw), message).help(help));
                    return true;
                };
                let elements = source.elements(key, raw, d);
                let entries = elements.into_iter().filter_map(|raw| source.read(raw, &who, d)).collect();
                let list = prefix_list::PrefixList::of_entries(&id, entries);
                self.prefix_lists.push(source.item(list, raw));
            }
            "Routes" | "Associations" | "TransitGatewayRouteTablePropagations" | "AdditionalRoutesAvailable" => {
                return self.part_of_tgw_table(source, key, raw, out);
            }
            "NextToken" if raw.get() != "null" => {
                let message = format!("`{}` is one page of several", source.path);
                let help = "export without `--no-paginate` and `--max-items`";
                d.push(Diagnostic::warning("partial-export", source.span_of(raw), message).help(help));
            }
            // The other half of an attribute or of a list's entries.
            key if HALVES.contains(&key) => {}
            _ => return false,
        }
        true
    }
}

impl Inventory {
    /// What a call says of one transit gateway route table, if the file is called after the table.
    fn part_of_tgw_table<'a>(&mut self, source: &mut Source<'a>, key: &str, raw: &'a RawValue, out: &mut Out) -> bool {
        let (who, d) = (|| format!("`{key}`"), &mut out.diagnostics);
        if key == "AdditionalRoutesAvailable" && raw.get() == "false" {
            return true;
        }
        let Some(id) = tgw_route_table::id_in_name(source.path) else {
            let message =
                format!("`{}` does not say which transit gateway route table its `{key}` are of", source.path);
            let help = "name the file after the table, as in `search-transit-gateway-routes.tgw-rtb-0123abcd.json`";
            d.push(Diagnostic::warning("nameless-entries", source.span_of(raw), message).help(help));
            return true;
        };
        let part = if key == "AdditionalRoutesAvailable" {
            source.read(raw, &who, d).map(Part::More)
        } else {
            let elements = source.elements(key, raw, d);
            Some(match key {
                "Routes" => Part::Routes(elements.into_iter().filter_map(|raw| source.read(raw, &who, d)).collect()),
                "Associations" => {
                    Part::Associations(elements.into_iter().filter_map(|raw| source.read(raw, &who, d)).collect())
                }
                _ => Part::Propagations(elements.into_iter().filter_map(|raw| source.read(raw, &who, d)).collect()),
            })
        };
        if let Some(part) = part {
            self.tgw_parts.push(source.item(OfTable::of(id, part), raw));
        }
        true
    }
}

fn ignore(key: &str, raw: &RawValue, report: &mut Report) {
    let count = match serde_json::from_str::<Option<Vec<IgnoredAny>>>(raw.get()) {
        Ok(list) => list.map_or(0, |list| list.len()),
        Err(_) => 1,
    };
    if count > 0 || !LATER.contains(&key) {
        *report.ignored_keys.entry(key.to_owned()).or_default() += count;
    }
}

fn decode<'a, T: Resource + Deserialize<'a>>(
    source: &mut Source<'a>,
    key: &str,
    raw: &'a RawValue,
    to: &mut Vec<Item<T>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for raw in source.elements(key, raw, diagnostics) {
        decode_one(source, key, raw, to, diagnostics);
    }
}

fn decode_one<'a, T: Resource + Deserialize<'a>>(
    source: &mut Source<'a>,
    key: &str,
    raw: &'a RawValue,
    to: &mut Vec<Item<T>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let who = || who(key, T::ID, raw);
    let Some(value) = source.read::<T>(raw, &who, diagnostics) else { return };
    if value.id().is_empty() && T::ID_REQUIRED {
        let message = format!("`{}`: an element of `{key}` has no {}", source.path, T::ID);
        diagnostics.push(Diagnostic::error("missing-id", source.span_of(raw), message));
        return;
    }
    to.push(source.item(value, raw));
}

/// How to call an element that could not be read: by its id, if it has one.
pub(super) fn who(key: &str, id_field: &str, raw: &RawValue) -> String {
    let id = serde_json::from_str::<Value>(raw.get()).ok().and_then(|v| v.get(id_field)?.as_str().map(str::to_owned));
    id.map_or_else(|| format!("an element of `{key}`"), |id| format!("{id_field} `{id}`"))
}

/// One of each id. A shared resource appears in the folder of every account that sees it: the owner's copy is
/// kept. Two objects that differ without such a reason are reported, and the first one, by path, is kept.
pub(super) fn unique<T: Resource + PartialEq>(mut items: Vec<Item<T>>, out: &mut Out) -> Vec<Item<T>> {
    let from_owner = |i: &Item<T>| i.place.account.as_deref().is_some_and(|account| account == i.value.owner());
    items.sort_by_cached_key(|i| (i.value.id().to_owned(), !from_owner(i)));
    let mut kept: Vec<Item<T>> = Vec::new();
    for item in items {
        match kept.last() {
            Some(last) if last.value.id() == item.value.id() && !item.value.id().is_empty() => {
                if last.value != item.value && from_owner(last) == from_owner(&item) {
                    out.differs(item.value.id(), T::KIND, item.span, last.span);
                }
            }
            _ => kept.push(item),
        }
    }
    kept
}
