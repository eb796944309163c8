//! The lists of an export by kind, read but not yet put together.
//!
//! The top-level key decides what a list is, never the file's name (one call's answer does not say
//! what it is about: see [`prefix_list`]). Elements are read one by one: a bad one is reported and left out.

use super::not_modelled::{self, Foreign};
use super::place::id_in_name;
use super::read::{Item, Keys, Source};
use super::report::Report;
use super::{
    Out, acl, address, bpa, endpoint, eni, flow_log, gateway, instance, mirror, peering, prefix_list, route_table,
};
use super::{security_group, site, subnet, transit_gateway, vpc};
use crate::diag::Diagnostic;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) peerings: Vec<Item<peering::Pcx>>,
    pub(super) endpoints: Vec<Item<endpoint::Endpoint>>,
    pub(super) flow_logs: Vec<Item<flow_log::Log>>,
    pub(super) transit: transit_gateway::Found,
    pub(super) sites: site::Found,
    pub(super) mirroring: mirror::Found,
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
    "TrafficMirrorFilterRules",
    "directConnectGatewayAttachments",
    "virtualGateways",
];

/// Keys that mean something only beside another one.
const HALVES: &[&str] = &[
    "AdditionalRoutesAvailable",
    "NextToken",
    "PrefixListId",
    "TransitGatewayMulticastDomainId",
    "TransitGatewayRouteTableId",
    "VpcId",
];

/// Keys that say more about resources that are not modelled; reported if they hold something.
const LATER: &[&str] = &[
    "Associations",
    "Attributes",
    "Instances",
    "Listeners",
    "LoadBalancerAttributes",
    "LoadBalancerListeners",
    "LoadBalancerTargetHealth",
    "NetworkInsightsAnalyses",
    "NetworkInsightsPaths",
    "Routes",
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
                match serde_json::from_str(raw.get()) {
                    Ok(Value::String(text)) => Some(text),
                    Ok(Value::Bool(flag)) => Some(flag.to_string()),
                    _ => None,
                }
            };
            let known = self.list(source, key, raw, &mut out.diagnostics)
                || self.transit.facts.read(source, key, raw, &sibling, &mut out.diagnostics)
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
            "FlowLogs" => decode(source, key, raw, &mut self.flow_logs, d),
            "VpcEndpoints" => decode(source, key, raw, &mut self.endpoints, d),
            "TransitGateways" => decode(source, key, raw, &mut self.transit.gateways, d),
            "TransitGatewayAttachments" => decode(source, key, raw, &mut self.transit.attachments, d),
            "TransitGatewayVpcAttachments" => decode(source, key, raw, &mut self.transit.vpc_attachments, d),
            "TransitGatewayPeeringAttachments" => decode(source, key, raw, &mut self.transit.peerings, d),
            "TransitGatewayConnects" => decode(source, key, raw, &mut self.transit.connects, d),
            "TransitGatewayConnectPeers" => decode(source, key, raw, &mut self.transit.connect_peers, d),
            "TransitGatewayRouteTables" => decode(source, key, raw, &mut self.transit.tables, d),
            "TransitGatewayMulticastDomains" => decode(source, key, raw, &mut self.transit.domains, d),
            "CustomerGateways" => decode(source, key, raw, &mut self.sites.customers, d),
            "VpnGateways" => decode(source, key, raw, &mut self.sites.vgws, d),
            "VpnConnections" => decode(source, key, raw, &mut self.sites.vpns, d),
            // Other services use these two words, too.
            "connections" | "lags" if !is_direct_connect(source, key, raw, d) => return false,
            "connections" => decode(source, key, raw, &mut self.sites.connections, d),
            "lags" => decode(source, key, raw, &mut self.sites.lags, d),
            "directConnectGateways" => decode(source, key, raw, &mut self.sites.dxgws, d),
            "virtualInterfaces" => decode(source, key, raw, &mut self.sites.vifs, d),
            "directConnectGatewayAssociations" => decode(source, key, raw, &mut self.sites.associations, d),
            "TrafficMirrorTargets" => decode(source, key, raw, &mut self.mirroring.targets, d),
            "TrafficMirrorFilters" => decode(source, key, raw, &mut self.mirroring.filters, d),
            "TrafficMirrorSessions" => decode(source, key, raw, &mut self.mirroring.sessions, d),
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
                let Some(id) = sibling("PrefixListId").or_else(|| id_in_name(source.path, "pl-")) else {
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

/// True if the elements of `connections` or `lags` are those of Direct Connect.
fn is_direct_connect<'a>(source: &mut Source<'a>, key: &str, raw: &'a RawValue, d: &mut Vec<Diagnostic>) -> bool {
    if !raw.get().starts_with('[') {
        return false;
    }
    let fields: [&str; 2] = if key == "lags" { ["lagId", "lagState"] } else { ["connectionId", "connectionState"] };
    let ours = |raw: &&RawValue| {
        let element = serde_json::from_str::<Value>(raw.get()).unwrap_or_default();
        element.get(fields[0]).is_some() && (element.get(fields[1]).is_some() || element.get("location").is_some())
    };
    source.elements(key, raw, d).first().is_none_or(ours)
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

/// All that is said of each id, for kinds whose copies say different things.
pub(super) fn copies<T: Resource>(items: Vec<Item<T>>) -> BTreeMap<String, Vec<Item<T>>> {
    let mut by_id: BTreeMap<String, Vec<Item<T>>> = BTreeMap::new();
    for item in items {
        by_id.entry(item.value.id().to_owned()).or_default().push(item);
    }
    by_id
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
