//! VPC endpoints (`describe-vpc-endpoints`): gateway and interface endpoints. Others (Gateway Load Balancer, resource,
//! service network) are kept as not modelled by their kind.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::spec::{EndpointType, Name, Spanned, VpcEndpoint};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Endpoint {
    vpc_endpoint_id: Text,
    vpc_endpoint_type: Text,
    vpc_id: Text,
    service_name: Text,
    state: Text,
    policy_document: Text,
    route_table_ids: List<Maybe<String>>,
    subnet_ids: List<Maybe<String>>,
    groups: List<Group>,
    private_dns_enabled: Option<bool>,
    network_interface_ids: List<Maybe<String>>,
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

/// Writes the endpoints.
pub(super) fn build(endpoints: Vec<Item<Endpoint>>, out: &mut Out) {
    for Item { value: e, span, .. } in endpoints {
        let (id, vpc) = (e.id().to_owned(), e.vpc_id.text());
        let state = e.state.text().to_ascii_lowercase();
        if matches!(state.as_str(), "deleted" | "deleting" | "rejected" | "expired" | "failed") {
            out.deleted(&id, e.state.text());
            continue;
        }
        let kind = match e.vpc_endpoint_type.text() {
            "Gateway" | "" => EndpointType::Gateway,
            "Interface" => EndpointType::Interface,
            other => {
                let kind = match other {
                    "GatewayLoadBalancer" => "Gateway Load Balancer endpoint".to_owned(),
                    other => format!("{other} endpoint"),
                };
                out.not_modelled(&id, &kind, Some(vpc), e.tags.name(&id));
                continue;
            }
        };
        if !out.has_vpc(Endpoint::KIND, &id, vpc) {
            continue;
        }
        let at = |text: &str| Spanned::new(text.to_owned(), span);
        let listed = |list: &List<Maybe<String>>, there: &dyn Fn(&str) -> bool| -> Vec<Spanned<String>> {
            list.iter().filter_map(|t| t.0.as_deref()).filter(|t| there(t)).map(at).collect()
        };
        let spec = &out.spec;
        let service = e.service_name.text();
        let list = spec.prefix_lists.iter().find(|(_, body)| body.name_tag.as_deref() == Some(service));
        let list = list.map(|(name, _)| at(name)).filter(|_| kind == EndpointType::Gateway);
        if kind == EndpointType::Gateway && list.is_none() {
            out.missing(&id, service, "endpoint kept as not modelled: the prefix list of its service is unknown");
            out.not_modelled(&id, "gateway endpoint", Some(vpc), e.tags.name(&id));
            continue;
        }
        let built = VpcEndpoint {
            vpc: at(vpc),
            service: at(service),
            kind,
            // The route itself is in the table.
            route_tables: Vec::new(),
            prefix_list: list,
            subnets: listed(&e.subnet_ids, &|s| spec.subnets.contains_key(s)),
            security_groups: (kind == EndpointType::Interface)
                .then(|| e.groups.iter().filter_map(|g| g.group_id.0.as_deref()).map(at).collect()),
            network_interfaces: listed(&e.network_interface_ids, &|eni| spec.network_interfaces.contains_key(eni)),
            private_dns: e.private_dns_enabled.filter(|_| kind == EndpointType::Interface),
            dns_names: e.dns_entries.iter().filter_map(|d| d.dns_name.0.as_deref()).map(at).collect(),
            unavailable: !matches!(state.as_str(), "available" | ""),
            restrictive_policy: !allows_everything(e.policy_document.text()),
            name_tag: e.tags.name(&id),
        };
        out.spec.vpc_endpoints.insert(Name::new(id, span), built);
    }
}

/// True for the policy that AWS writes by default: everybody may do everything.
fn allows_everything(policy: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return policy.is_empty() };
    let statements = match &policy["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let star = |value: &Value| *value == "*" || value.as_array().is_some_and(|a| a.iter().any(|v| *v == "*"));
    let everything = |s: &Value| {
        s["Effect"] == "Allow"
            && (star(&s["Principal"]) || star(&s["Principal"]["AWS"]))
            && star(&s["Action"])
            && star(&s["Resource"])
            && s.get("Condition").is_none_or(Value::is_null)
    };
    statements.iter().any(|s| everything(s)) && statements.iter().all(|s| s["Effect"] == "Allow")
}

#[cfg(test)]
mod tests {
    use super::allows_everything;

    #[test]
    fn the_default_policy_is_known() {
        for all in [
            "",
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
            r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["*"],"Resource":"*"}}"#,
        ] {
            assert!(allows_everything(all), "{all}");
        }
        for some in [
            "{}",
            "not json",
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{}}}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"x"}]}"#,
        ] {
            assert!(!allows_everything(some), "{some}");
        }
    }
}
