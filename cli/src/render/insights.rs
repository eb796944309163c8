//! The answer in the shape of AWS's Reachability Analyzer: what `aws ec2 describe-network-insights-analyses` prints.
//!
//! One packet instead of a set of them, and the return path also where AWS leaves it out. Codes that AWS does not have begin
//! with `SIM_`. Not here: the path's own id, Amazon Resource Names, components' names beyond their ids.

use crate::network::Loaded;
use serde_json::{Value, json};
use vpcsim_engine::explain::{Explanation, Leg, Outcome, explanation_code, nearest_rule};
use vpcsim_engine::spec::Peer;
use vpcsim_engine::verdict::{Dir, RowIx, Step};
use vpcsim_engine::wire::Headers;

/// The document.
pub(crate) fn json(loaded: &Loaded, e: &Explanation) -> String {
    let found = matches!(e.outcome, Outcome::Open | Outcome::Reply | Outcome::Closed) && !e.depends_on_choice();
    let explanations: Vec<Value> = e.blockers.iter().map(|b| explanation(loaded, e, &b.step)).collect();
    let analysis = json!({
        "NetworkInsightsAnalysisId": "nia-00000000000000000", "NetworkInsightsPathId": "nip-00000000000000000",
        "Status": "succeeded", "NetworkPathFound": found,
        "ForwardPathComponents": components(loaded, &e.request),
        "ReturnPathComponents": e.reply.as_ref().map_or_else(|| json!([]), |reply| components(loaded, reply)),
        "Explanations": explanations,
    });
    format!("{:#}\n", json!({ "NetworkInsightsAnalyses": [analysis] }))
}

fn component(loaded: &Loaded, by: RowIx) -> Value {
    let (names, fabric) = (&loaded.network.names, &loaded.network.fabric);
    let (id, name) = (names.row_resource_id(fabric, by), names.row_resource(fabric, by));
    if id == name { json!({ "Id": id }) } else { json!({ "Id": id, "Name": name }) }
}

fn components(loaded: &Loaded, leg: &Leg) -> Value {
    let steps = leg.steps.iter().enumerate().map(|(n, step)| {
        let mut out = json!({
            "SequenceNumber": n + 1, "Component": component(loaded, step.decision.by),
            "InboundHeader": header(&step.before), "OutboundHeader": header(&step.after),
        });
        if let Some((name, rule)) = rule(loaded, step.decision.by) {
            out[name] = rule;
        }
        out
    });
    steps.collect()
}

fn header(h: &Headers) -> Value {
    let mut out = json!({
        "SourceAddresses": [h.src], "DestinationAddresses": [h.dst], "Protocol": h.protocol.to_string(),
    });
    if h.protocol.has_ports() {
        let (src, dst) = h.ports();
        out["SourcePortRanges"] = json!([{ "From": src, "To": src }]);
        out["DestinationPortRanges"] = json!([{ "From": dst, "To": dst }]);
    }
    out
}

/// The rule or route that a row is, under the name of its member.
fn rule(loaded: &Loaded, by: RowIx) -> Option<(&'static str, Value)> {
    let network = &loaded.network;
    let (names, fabric) = (&network.names, &network.fabric);
    let (id, span) = (names.row_resource_id(fabric, by), names.row_span(by));
    let dir = fabric.rows[by].dir;
    match names.row_resource_kind(fabric, by) {
        "network_acl" => {
            let acl = network.spec.network_acls.get(id)?;
            let rows = if dir == Dir::In { &acl.inbound } else { &acl.outbound };
            let number = names.row_name(fabric, by).parse::<u32>();
            let written = rows.iter().flatten().find(|row| number == Ok(row.rule.value));
            let mut out =
                json!({ "Egress": dir == Dir::Out, "RuleAction": "deny", "Cidr": "0.0.0.0/0", "RuleNumber": 32_767 });
            if let Some(row) = written {
                out["RuleAction"] = json!(row.action);
                out["RuleNumber"] = json!(row.rule.value);
                out["Cidr"] = json!(row.from.as_ref().or(row.to.as_ref()).map(|cidr| cidr.to_string()));
                out["Protocol"] = json!(row.protocol.map_or_else(|| "all".to_owned(), |p| p.to_string()));
                if let Some(ports) = row.ports {
                    out["PortRange"] = json!({ "From": ports.from, "To": ports.to });
                }
            }
            Some(("AclRule", out))
        }
        "security_group" => {
            let group = network.spec.security_groups.get(id)?;
            let rules = if dir == Dir::In { &group.inbound } else { &group.outbound };
            let mut out = json!({
                "Direction": if dir == Dir::In { "ingress" } else { "egress" }, "SecurityGroupId": id,
            });
            let written = rules.iter().flatten().find(|rule| span.is_some() && rule.span == span);
            if let Some(rule) = written {
                match rule.from.as_ref().or(rule.to.as_ref()).map(|peer| &peer.value) {
                    Some(Peer::Cidr(cidr)) => out["Cidr"] = json!(cidr.to_string()),
                    Some(Peer::Name(list)) if network.spec.prefix_lists.contains_key(list.as_str()) => {
                        out["PrefixListId"] = json!(list);
                    }
                    _ => {}
                }
                out["Protocol"] = json!(rule.protocol.map_or_else(|| "all".to_owned(), |p| p.to_string()));
                if let Some(ports) = rule.ports {
                    out["PortRange"] = json!({ "From": ports.from, "To": ports.to });
                }
            }
            Some(("SecurityGroupRule", out))
        }
        "route_table" => {
            let text = names.rows.get(by)?;
            Some(("RouteTableRoute", json!({ "DestinationCidr": text.name, "State": "active" })))
        }
        "transit_gateway_route_table" => {
            let text = names.rows.get(by)?;
            Some(("TransitGatewayRouteTableRoute", json!({ "DestinationCidr": text.name, "State": "active" })))
        }
        _ => None,
    }
}

fn explanation(loaded: &Loaded, e: &Explanation, step: &Step) -> Value {
    let network = &loaded.network;
    let by = step.decision.by;
    let (names, fabric) = (&network.names, &network.fabric);
    let mut out = json!({
        "ExplanationCode": explanation_code(network, e, step), "Component": component(loaded, by),
        "Direction": if fabric.rows[by].dir == Dir::In { "ingress" } else { "egress" },
        "Protocols": [step.before.protocol.to_string()], "Address": step.before.dst,
    });
    let id = json!({ "Id": names.row_resource_id(fabric, by) });
    match names.row_resource_kind(fabric, by) {
        "network_acl" => out["Acl"] = id,
        "security_group" => out["SecurityGroup"] = id,
        "network_interface" => out["NetworkInterface"] = id,
        "route_table" => out["RouteTable"] = id,
        "vpc" => out["Vpc"] = id,
        "subnet" => out["Subnet"] = id,
        "internet_gateway" => out["InternetGateway"] = id,
        "nat_gateway" => out["NatGateway"] = id,
        "vpc_peering_connection" => out["VpcPeeringConnection"] = id,
        "vpc_endpoint" => out["VpcEndpoint"] = id,
        "vpn_gateway" => out["VpnGateway"] = id,
        "transit_gateway_attachment" => out["TransitGatewayAttachment"] = id,
        "transit_gateway_route_table" => out["TransitGatewayRouteTable"] = id,
        _ => {}
    }
    if let Some(("AclRule", rule)) = rule(loaded, by) {
        out["AclRule"] = rule;
    }
    if let Some(field) = nearest_rule(network, step).and_then(|near| near.fields.first().copied()) {
        out["PacketField"] = json!(field.word());
    }
    out
}
