//! Resources that are understood but not modelled: only id, kind, VPC and name are read.
//!
//! Nothing else of them is looked at.

use super::Out;
use super::inventory::who;
use super::read::Source;
use crate::diag::Diagnostic;
use serde_json::Value;
use serde_json::value::RawValue;

/// A resource that is not modelled.
pub(super) struct Foreign {
    kind: String,
    id: String,
    vpc: Option<String>,
    name: Option<String>,
    state: String,
}

/// How to read one kind: (top-level key, kind, field of the id, where the VPC is, where the state is).
type Shape = (&'static str, &'static str, &'static str, &'static str, &'static str);

const SHAPES: &[Shape] = &[
    ("VpnConcentrators", "VPN concentrator", "VpnConcentratorId", "", "/State"),
    ("ClientVpnEndpoints", "Client VPN endpoint", "ClientVpnEndpointId", "/VpcId", "/Status/Code"),
    ("ServiceConfigurations", "VPC endpoint service", "ServiceId", "", "/ServiceState"),
    ("InstanceConnectEndpoints", "EC2 Instance Connect Endpoint", "InstanceConnectEndpointId", "/VpcId", "/State"),
    ("LoadBalancers", "load balancer", "LoadBalancerArn", "/VpcId", "/State/Code"),
    ("LoadBalancerDescriptions", "Classic Load Balancer", "LoadBalancerName", "/VPCId", ""),
    ("TargetGroups", "target group", "TargetGroupArn", "/VpcId", ""),
    ("CarrierGateways", "carrier gateway", "CarrierGatewayId", "/VpcId", "/State"),
    ("LocalGateways", "local gateway", "LocalGatewayId", "", "/State"),
    ("CoreNetworks", "Cloud WAN core network", "CoreNetworkArn", "", "/State"),
    ("RouteServers", "route server", "RouteServerId", "", "/State"),
    ("RouteServerEndpoints", "route server endpoint", "RouteServerEndpointId", "/VpcId", "/State"),
    ("RouteServerPeers", "route server peer", "RouteServerPeerId", "/VpcId", "/State"),
    ("Firewalls", "network firewall", "FirewallArn", "", ""),
    ("ResolverEndpoints", "Resolver endpoint", "Id", "/HostVPCId", "/Status"),
    ("DBInstances", "RDS instance", "DbiResourceId", "/DBSubnetGroup/VpcId", "/DBInstanceStatus"),
    ("DomainStatusList", "OpenSearch Service domain", "DomainId", "/VPCOptions/VPCId", "/Deleted"),
];

/// States in which a resource no longer counts.
pub(super) const GONE: &[&str] =
    &["deleted", "deleting", "rejected", "rejecting", "expired", "failed", "terminated", "Deleted", "Deleting", "true"];

/// Reads `raw` if `key` is a list of such resources; says whether it is.
pub(super) fn read<'a>(
    source: &mut Source<'a>,
    key: &str,
    raw: &'a RawValue,
    to: &mut Vec<Foreign>,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let Some(shape) = SHAPES.iter().find(|shape| shape.0 == key) else { return false };
    for raw in source.elements(key, raw, diagnostics) {
        let Some(value) = source.read::<Value>(raw, &|| who(key, shape.2, raw), diagnostics) else { continue };
        match foreign(shape, &value) {
            Some(found) => to.push(found),
            None => {
                let message = format!("`{}`: an element of `{key}` has no {}", source.path, shape.2);
                diagnostics.push(Diagnostic::error("missing-id", source.span_of(raw), message));
            }
        }
    }
    true
}

fn foreign(&(_, kind, id, vpc, state): &Shape, value: &Value) -> Option<Foreign> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let arn = value.get(id)?.as_str().filter(|id| !id.is_empty())?;
    let id =
        arn.rsplit_once(":loadbalancer/").or_else(|| arn.rsplit_once(":targetgroup/")).map_or(arn, |(_, tail)| tail);
    let kind = match (kind, text("/Type").as_deref()) {
        ("load balancer", Some("network")) => "network load balancer",
        ("load balancer", Some("application")) => "application load balancer",
        ("load balancer", Some("gateway")) => "Gateway Load Balancer",
        (kind, _) => kind,
    };
    let tags = value.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let tag =
        tags.filter(|t| t.get("Key").and_then(Value::as_str) == Some("Name")).find_map(|t| t.get("Value")?.as_str());
    let said = ["LoadBalancerName", "TargetGroupName", "DBInstanceIdentifier", "DomainName", "FirewallName"];
    let name = tag.map(str::to_owned).or_else(|| said.iter().find_map(|f| value.get(*f)?.as_str().map(str::to_owned)));
    Some(Foreign {
        kind: kind.to_owned(),
        id: id.to_owned(),
        vpc: text(vpc).filter(|v| v.starts_with("vpc-")),
        name: name.filter(|name| name != id),
        state: value
            .pointer(state)
            .map(|s| s.as_str().map_or_else(|| s.to_string(), str::to_owned))
            .unwrap_or_default(),
    })
}

/// Writes them.
pub(super) fn build(mut found: Vec<Foreign>, out: &mut Out) {
    found.sort_by(|a, b| (&a.id, a.vpc.is_none(), &a.kind).cmp(&(&b.id, b.vpc.is_none(), &b.kind)));
    for foreign in found {
        if GONE.contains(&foreign.state.as_str()) {
            let state = if foreign.state == "true" { "deleted" } else { &foreign.state };
            out.deleted(&foreign.id, state);
        } else {
            out.not_modelled(&foreign.id, &foreign.kind, foreign.vpc.as_deref(), foreign.name);
        }
    }
}
