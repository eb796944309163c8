//! VPC endpoints (`describe-vpc-endpoints`): gateway and interface endpoints.
//!
//! The routes of a gateway endpoint are in the route tables, as AWS writes them. Not modelled: Gateway
//! Load Balancer, resource and service network endpoints; what a policy says, beyond whether it allows all.

use super::eni::Managed;
use super::inventory::Resource;
use super::not_modelled::GONE;
use super::read::{Item, List, Tags, Text};
use super::{Out, UNKNOWN_GROUP};
use crate::diag::Diagnostic;
use crate::spec::{EndpointType, Name, Spanned, VpcEndpoint};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Endpoint {
    vpc_endpoint_id: Text,
    vpc_endpoint_type: Text,
    vpc_id: Text,
    service_name: Text,
    state: Text,
    policy_document: Text,
    route_table_ids: List<Text>,
    subnet_ids: List<Text>,
    groups: List<Group>,
    private_dns_enabled: Option<bool>,
    network_interface_ids: List<Text>,
    dns_entries: List<DnsEntry>,
    owner_id: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Group {
    group_id: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct DnsEntry {
    dns_name: Text,
}

impl Resource for Endpoint {
    const KIND: &'static str = "VPC endpoint";
    const ID: &'static str = "VpcEndpointId";
    fn id(&self) -> &str {
        self.vpc_endpoint_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// What AWS writes in the description of an endpoint's interface, before the endpoint's id.
const DESCRIPTION: &str = "VPC Endpoint Interface ";

/// Writes the endpoints. Called when interfaces are there; route tables are looked at by [`finish`].
pub(super) fn build(endpoints: Vec<Item<Endpoint>>, managed: &Managed, out: &mut Out) {
    for Item { value: endpoint, span, .. } in endpoints {
        let id = endpoint.id().to_owned();
        let state = endpoint.state.text().to_ascii_lowercase();
        if GONE.contains(&state.as_str()) {
            out.deleted(&id, &state);
            continue;
        }
        let vpc = endpoint.vpc_id.text();
        let foreign = match endpoint.vpc_endpoint_type.text() {
            "Gateway" | "" | "Interface" => None,
            "GatewayLoadBalancer" => Some("Gateway Load Balancer endpoint"),
            "Resource" => Some("resource endpoint"),
            "ServiceNetwork" => Some("service network endpoint"),
            _ => Some("VPC endpoint of an unknown type"),
        };
        if let Some(kind) = foreign {
            out.not_modelled(&id, kind, Some(vpc), endpoint.tags.name(&id));
            continue;
        }
        if !out.has_vpc(Endpoint::KIND, &id, vpc) {
            continue;
        }
        if endpoint.service_name.text().is_empty() {
            let message = format!("VPC endpoint `{id}` has no ServiceName");
            out.diagnostics.push(Diagnostic::error("missing-field", span, message));
            continue;
        }
        let interface = endpoint.vpc_endpoint_type.text() == "Interface";
        let at = |text: &Text| text.0.clone().map(|t| Spanned::new(t, span));
        let all = |list: &[Text]| list.iter().filter_map(at).collect::<Vec<_>>();
        let subnets = if interface { subnets(&id, all(&endpoint.subnet_ids), out) } else { Vec::new() };
        let groups: Vec<_> = endpoint.groups.iter().filter_map(|g| at(&g.group_id)).collect();
        for group in groups.iter().filter(|_| interface) {
            if !out.spec.security_groups.contains_key(group.as_str()) {
                out.missing(&id, group, "kept; the rules of that group are unknown");
                out.not_modelled(group, UNKNOWN_GROUP, None, None);
            }
        }
        let named = all(&endpoint.network_interface_ids);
        let built = VpcEndpoint {
            vpc: Spanned::new(vpc.to_owned(), span),
            service: Spanned::new(endpoint.service_name.text().to_owned(), span),
            kind: if interface { EndpointType::Interface } else { EndpointType::Gateway },
            route_tables: if interface { Vec::new() } else { all(&endpoint.route_table_ids) },
            prefix_list: None,
            network_interfaces: if interface { interfaces(&id, &named, &subnets, managed, out) } else { Vec::new() },
            subnets,
            security_groups: interface.then_some(groups),
            private_dns: endpoint.private_dns_enabled.filter(|_| interface),
            dns_names: endpoint.dns_entries.iter().filter_map(|e| at(&e.dns_name)).collect(),
            unavailable: !matches!(state.as_str(), "available" | ""),
            restrictive_policy: !allows_all(endpoint.policy_document.text()),
            name_tag: endpoint.tags.name(&id),
        };
        out.spec.vpc_endpoints.insert(Name::new(id, span), built);
    }
}

/// Those of the export.
fn subnets(id: &str, mut subnets: Vec<Spanned<String>>, out: &mut Out) -> Vec<Spanned<String>> {
    subnets.retain(|subnet| out.has_subnet("the part of an interface endpoint", id, subnet));
    subnets
}

/// The endpoint's interfaces, in the order of its subnets: those that it names, else those that name it.
fn interfaces(
    id: &str,
    named: &[Spanned<String>],
    subnets: &[Spanned<String>],
    managed: &Managed,
    out: &mut Out,
) -> Vec<Spanned<String>> {
    for eni in named {
        if !out.spec.network_interfaces.contains_key(eni.as_str()) {
            out.missing(id, eni, "the interface is taken as not listed");
        }
    }
    managed.in_subnets(subnets, |eni| match named {
        [] => eni.description.strip_prefix(DESCRIPTION).is_some_and(|rest| rest.trim() == id),
        some => some.iter().any(|one| one.value == eni.name),
    })
}

/// What can only be said when the route tables are there: which of them lead to a gateway endpoint, and
/// its prefix list: as a route to it says, else by the service's name.
pub(super) fn finish(out: &mut Out) {
    let spec = &mut out.spec;
    let is_list = |name: &str| name.starts_with("pl-");
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    let unlisted = spec.not_modelled.iter().filter(|(name, _)| is_list(name)).map(|(name, n)| (name, &n.name_tag));
    for (name, tag) in spec.prefix_lists.iter().map(|(name, list)| (name, &list.name_tag)).chain(unlisted) {
        if let Some(tag) = tag {
            by_name.entry(tag.clone()).or_insert_with(|| name.value.clone());
        }
    }
    let mut by_route: BTreeMap<String, String> = BTreeMap::new();
    for route in spec.route_tables.values().flat_map(|table| &table.routes).filter(|route| is_list(&route.to)) {
        by_route.entry(route.via.value.clone()).or_insert_with(|| route.to.value.clone());
    }
    let mut missing = Vec::new();
    for (id, endpoint) in spec.vpc_endpoints.iter_mut().filter(|(_, e)| e.kind == EndpointType::Gateway) {
        let (there, lacking): (Vec<_>, Vec<_>) = std::mem::take(&mut endpoint.route_tables)
            .into_iter()
            .partition(|table| spec.route_tables.contains_key(table.as_str()));
        endpoint.route_tables = there;
        missing.extend(lacking.into_iter().map(|t| (id.value.clone(), t.value, "association left out")));
        let list = by_route.get(&id.value).or_else(|| by_name.get(&endpoint.service.value));
        endpoint.prefix_list = list.map(|list| Spanned::new(list.clone(), id.span));
        if list.is_none() {
            let list = format!("the prefix list of {}", endpoint.service);
            missing.push((id.value.clone(), list, "the blocks of that service are unknown"));
        }
    }
    for (from, to, effect) in missing {
        out.missing(&from, &to, effect);
    }
}

/// True for the policy that AWS gives by default: one statement that allows everybody everything.
fn allows_all(policy: &str) -> bool {
    if policy.trim().is_empty() {
        return true;
    }
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return false };
    let statement = match policy.get("Statement") {
        Some(Value::Array(list)) if list.len() == 1 => list.first(),
        other => other,
    };
    let Some(Value::Object(statement)) = statement else { return false };
    let any = |value: &Value| match value {
        Value::Array(list) => list.len() == 1 && list.first().and_then(Value::as_str) == Some("*"),
        one => one.as_str() == Some("*"),
    };
    let says = |key: &str, test: &dyn Fn(&Value) -> bool| statement.get(key).is_some_and(test);
    says("Effect", &|v| v.as_str() == Some("Allow"))
        && says("Principal", &|v| {
            any(v) || v.as_object().is_some_and(|o| o.len() == 1 && o.get("AWS").is_some_and(any))
        })
        && says("Action", &any)
        && says("Resource", &any)
        && statement.keys().all(|k| matches!(k.as_str(), "Sid" | "Effect" | "Principal" | "Action" | "Resource"))
}

#[cfg(test)]
mod tests {
    use super::allows_all;

    #[test]
    fn only_the_default_policy_allows_all() {
        let with = |statement: &str| format!(r#"{{"Version": "2008-10-17", "Statement": {statement}}}"#);
        let full = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
        for policy in [
            String::new(),
            " \n".into(),
            with(full),
            with(&format!("[{full}]")),
            with(r#"{"Sid": "x", "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["*"], "Resource": ["*"]}"#),
        ] {
            assert!(allows_all(&policy), "{policy}");
        }
        for policy in [
            "x".to_owned(),
            "null".into(),
            "[]".into(),
            with("[]"),
            with(&format!("[{full}, {full}]")),
            with(r#"{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}"#),
            with(r#"{"Effect": "Allow", "Principal": {"AWS": "1"}, "Action": "*", "Resource": "*"}"#),
            with(r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}"#),
            with(r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": ["*", "arn:aws:s3:::a"]}"#),
            with(r#"{"Effect": "Allow", "Principal": "*", "Action": "*"}"#),
            with(r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {}}"#),
        ] {
            assert!(!allows_all(&policy), "{policy}");
        }
    }
}
