//! From a file to a [`Spec`], with every mistake of the file.
//!
//! What is checked here can be seen in the file alone: syntax, fields, types, values, names. Whether a
//! name leads somewhere, blocks overlap or AWS would refuse is the business of `compile`.

use super::Spec;
use super::build;
use super::decode::{Cx, DIAGNOSTICS_MAX, Decode};
use super::node::shown;
use super::syntax;
use crate::base::Cidr;
use crate::diag::{Diagnostic, FileIx, Span};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Longest name, in characters: AWS's limit for a `Name` tag's value is 256.
pub const NAME_MAX: usize = 255;

/// Reads a topology. Nothing comes back if the file has no tree at all (bad syntax, a limit, no map);
/// otherwise what could be read, even if there are errors. The diagnostics are in the file's order.
#[must_use]
pub fn read(file: FileIx, bytes: &[u8]) -> (Option<Spec>, Vec<Diagnostic>) {
    read_as(file, bytes, |_, _| {})
}

/// Names of every resource that a topology file has, those that could not be read included: a reference to
/// one of them is no mistake of its own. With the place of each name.
#[must_use]
pub fn written_names(file: FileIx, bytes: &[u8]) -> BTreeMap<String, Span> {
    let mut diagnostics = Vec::new();
    let Ok(text) = syntax::text_of(file, bytes) else { return BTreeMap::new() };
    let Ok(tree) = build::build(file, text, &mut diagnostics) else { return BTreeMap::new() };
    let mut cx = Cx::new(diagnostics);
    let _ = Spec::decode(tree.root(), &mut cx);
    cx.names.iter().map(|(name, _)| (name.value.to_owned(), name.span)).collect()
}

/// Reads a file as a `T`; `check` looks at what was read and reports more.
pub(crate) fn read_as<T: Decode>(
    file: FileIx,
    bytes: &[u8],
    check: impl FnOnce(&T, &mut Vec<Diagnostic>),
) -> (Option<T>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let text = match syntax::text_of(file, bytes) {
        Ok(text) => text,
        Err(e) => return (None, vec![*e]),
    };
    let tree = match build::build(file, text, &mut diagnostics) {
        Ok(tree) => tree,
        Err(e) => {
            diagnostics.push(*e);
            return (None, in_order(diagnostics, 0, file));
        }
    };
    let mut cx = Cx::new(diagnostics);
    let value = T::decode(tree.root(), &mut cx);
    check_names(&mut cx);
    let (mut diagnostics, dropped) = (std::mem::take(&mut cx.diagnostics), cx.dropped);
    if let Some(value) = &value {
        check(value, &mut diagnostics);
    }
    (value, in_order(diagnostics, dropped, file))
}

/// By place; what an alias made be found twice is said once.
fn in_order(mut diagnostics: Vec<Diagnostic>, dropped: usize, file: FileIx) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| {
        (a.span.line, a.span.column, a.code, &a.message).cmp(&(b.span.line, b.span.column, b.code, &b.message))
    });
    diagnostics.dedup();
    if dropped > 0 {
        let message = format!("{dropped} further mistakes are not listed; the first {DIAGNOSTICS_MAX} are");
        diagnostics.push(Diagnostic::error("too-many-mistakes", Span { file, ..Span::NONE }, message));
    }
    diagnostics
}

/// What one resource of a section is called.
fn kind_of(section: &str) -> &'static str {
    match section {
        "vpcs" => "a VPC",
        "subnets" => "a subnet",
        "route_tables" => "a route table",
        "network_acls" => "a network ACL",
        "security_groups" => "a security group",
        "prefix_lists" => "a prefix list",
        "internet_gateways" => "an internet gateway",
        "egress_only_internet_gateways" => "an egress-only internet gateway",
        "nat_gateways" => "a NAT gateway",
        "vpc_peering_connections" => "a VPC peering connection",
        "transit_gateways" => "a transit gateway",
        "transit_gateway_vpc_attachments" | "transit_gateway_peering_attachments" | "transit_gateway_connects" => {
            "a transit gateway attachment"
        }
        "transit_gateway_route_tables" => "a transit gateway route table",
        "transit_gateway_multicast_domains" => "a multicast domain",
        "vpc_endpoints" => "a VPC endpoint",
        "vpc_endpoint_services" => "an endpoint service",
        "network_interfaces" => "a network interface",
        "instances" => "an instance",
        "internet_hosts" => "an internet host",
        "customer_gateways" => "a customer gateway",
        "vpn_gateways" => "a virtual private gateway",
        "vpn_connections" => "a VPN connection",
        "direct_connect_connections" => "a Direct Connect connection",
        "direct_connect_lags" => "a link aggregation group",
        "virtual_interfaces" => "a virtual interface",
        "direct_connect_gateways" => "a Direct Connect gateway",
        "direct_connect_gateway_associations" => "an association of a Direct Connect gateway",
        "routers" => "a router",
        "client_vpn_endpoints" => "a Client VPN endpoint",
        "client_vpn_clients" => "a client of a Client VPN endpoint",
        "site_hosts" => "a host at a site",
        "flow_logs" => "a flow log",
        "traffic_mirror_targets" => "a traffic mirror target",
        "traffic_mirror_filters" => "a traffic mirror filter",
        "traffic_mirror_sessions" => "a traffic mirror session",
        _ => "a resource",
    }
}

/// Names say something, and are unique over all kinds.
fn check_names(cx: &mut Cx<'_>) {
    let mut names = std::mem::take(&mut cx.names);
    names.sort_by_key(|(name, _)| name.span);
    let mut first: BTreeMap<&str, (Span, &str)> = BTreeMap::new();
    for (name, section) in names {
        if let Some((why, help)) = bad_name(name.value) {
            let message = format!("`{}` cannot be a name: {why}", shown(name.value));
            cx.push(Diagnostic::error("bad-name", name.span, message).help(help));
        }
        let (place, other) = *first.entry(name.value).or_insert((name.span, section));
        if place != name.span {
            let message = format!("`{}` is already the name of {}", shown(name.value), kind_of(other));
            let help = "a name is unique over all kinds of a topology, because routes and rules do not say the kind";
            cx.push(Diagnostic::error("duplicate-name", name.span, message).note(place, "first used here").help(help));
        }
    }
}

/// Why `name` cannot be a name, and what to do.
fn bad_name(name: &str) -> Option<(&'static str, &'static str)> {
    if name.is_empty() {
        return Some(("it is empty", "give it a name such as `web-1`, or its AWS id"));
    }
    if name.chars().any(char::is_control) {
        return Some(("it holds a control character", "use letters, digits, `-`, `_` and `.`"));
    }
    if name.trim() != name {
        return Some(("it begins or ends with a space", "remove the space"));
    }
    if name.chars().count() > NAME_MAX {
        return Some(("it has more than 255 characters", "shorten it; `description` or `name_tag` can say more"));
    }
    if name == "local" || name == "internet" {
        return Some((
            "the word has a meaning of its own",
            "routes say `via: local`, questions say `internet`; add a word",
        ));
    }
    if name.parse::<IpAddr>().is_ok() || name.parse::<Cidr>().is_ok() {
        return Some(("it is an address", "a rule could mean either; add a word, as in `host-10.0.0.1`"));
    }
    None
}

/// The keys at the top of a file, or nothing if it cannot be read or is no map. They say what kind of
/// file it is.
#[must_use]
pub fn top_keys(bytes: &[u8]) -> Option<Vec<String>> {
    let file = FileIx(0);
    let text = syntax::text_of(file, bytes).ok()?;
    build::top_keys(text)
}
