//! The answer to "why", for programs. The form is versioned; nothing here decides.

use super::explanation::{Asked, More, code, symptom};
use super::notes::{advice, caveats, records};
use crate::network::Loaded;
use serde_json::{Value, json};
use vpcsim_engine::explain::fix::Remedy;
use vpcsim_engine::explain::{End, Explanation, Leg, Part, codes};
use vpcsim_engine::verdict::{RowIx, Stage, code_of};
use vpcsim_engine::wire::{Headers, L4};

/// Version of the JSON form. It changes when a program that reads it would have to.
const FORMAT_VERSION: u32 = 1;

/// The answer as JSON.
pub(crate) fn json(
    loaded: &Loaded,
    asked: &Asked<'_>,
    e: &Explanation,
    more: &More,
    remedy: Option<&Remedy>,
) -> String {
    let network = &loaded.network;
    let q = &e.question;
    let document = json!({
        "format_version": FORMAT_VERSION,
        "question": {
            "from": asked.from, "to": asked.to, "source": q.from.address(), "destination": q.to, "protocol": q.protocol.to_string(),
            "destination_port": q.protocol.has_ports().then_some(q.dst_port),
        },
        "result": e.outcome.word(),
        "symptom": symptom(network, e, more),
        "inside_guest": e.inside_guest,
        "request": leg(loaded, &e.request),
        "copies": e.copies.iter().map(|(_, copy)| leg(loaded, copy)).collect::<Vec<_>>(),
        "mirrored": e.mirrored.iter().map(|(session, copy)| {
            let mut copied = leg(loaded, copy);
            copied["session"] = network.names.mirror_sessions[*session].id.clone().into();
            copied
        }).collect::<Vec<_>>(),
        "reply": e.reply.as_ref().map(|reply| leg(loaded, reply)),
        "decided_by": e.decided_by.map(|(part, by)| row(loaded, e, part, by)),
        "blockers": e.blockers.iter().map(|b| row(loaded, e, b.part, b.step.decision.by)).collect::<Vec<_>>(),
        "codes": codes(network, e),
        "nearest_rules": super::detail::near_json(loaded, e),
        "routes_not_taken": super::detail::beaten_json(loaded, e),
        "size": super::detail::size_json(loaded, more),
        "established": more.idle.map(|idle| json!({ "idle_ns": idle.0 })),
        "after_handshake": more.stalls,
        "name_error": more.name_error,
        "note": more.notes.first(),
        "notes": more.notes,
        "choice": super::hint::choices_json(loaded, e),
        "varied": super::vary::json(loaded, &more.vary),
        "caveats": advice(network, e, more).into_iter().chain(caveats(network, e)).collect::<Vec<_>>(),
        "flow_log": records(network, e),
        "fix": remedy.map(|remedy| super::fix::json(loaded, remedy)),
    });
    format!("{document:#}\n")
}

fn leg(loaded: &Loaded, leg: &Leg) -> Value {
    let network = &loaded.network;
    let steps: Vec<Value> = leg
        .steps
        .iter()
        .map(|s| {
            json!({
                "stage": stage_word(s.stage), "allow": s.decision.allow, "tracked": s.tracked,
                "by": row_facts(loaded, s.decision.by), "inbound_header": headers(&s.before), "outbound_header": headers(&s.after),
            })
        })
        .collect();
    let (end, at) = match leg.end {
        End::Delivered(eni) => ("delivered", Some(network.names.enis[eni].id.clone())),
        End::Served(eni, _) => ("served", Some(network.names.enis[eni].id.clone())),
        End::Exited => ("internet", None),
        End::AtSite(host) => ("site", Some(network.names.internet_hosts[host].id.clone())),
        End::AtService(host, _) => ("service", Some(network.names.internet_hosts[host].id.clone())),
        End::Replicated(domain, _) => ("replicated", Some(network.names.mcasts[domain].id.clone())),
        End::AtSpeaker(speaker) => ("router", Some(network.line_name(network.fabric.speakers[speaker].line))),
        End::Taken(domain) => ("taken", Some(network.names.mcasts[domain].id.clone())),
        End::Dropped(_) => ("dropped", None),
    };
    json!({ "end": end, "at": at, "latency_ns": leg.latency.0, "steps": steps })
}

const fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::SourceCheck(_) => "source_check",
        Stage::Service(_) => "link_local_service",
        Stage::SgOut(_) => "security_group_outbound",
        Stage::AclOut(_) => "network_acl_outbound",
        Stage::Route(_) => "route",
        Stage::EdgeRoute => "edge_route",
        Stage::Igw => "internet_gateway",
        Stage::Eigw => "egress_only_internet_gateway",
        Stage::Bpa => "block_public_access",
        Stage::Nat(_) => "nat_gateway",
        Stage::Pcx(_) => "vpc_peering_connection",
        Stage::Tgw(_) => "transit_gateway",
        Stage::TgwRoute(_) => "transit_gateway_route",
        Stage::Mcast => "multicast_domain",
        Stage::Vpce(_) => "vpc_endpoint",
        Stage::VpceService(_) => "vpc_endpoint_service",
        Stage::Vgw(_) => "vpn_gateway",
        Stage::Tunnel(_) => "vpn_tunnel",
        Stage::Dxgw(_) => "direct_connect_gateway",
        Stage::Vif(_) => "virtual_interface",
        Stage::Public(_) => "aws_public_network",
        Stage::Lag(_) => "link_aggregation_group",
        Stage::Router(_) => "router",
        Stage::CvpnClient(_) => "client_vpn_client",
        Stage::CvpnRule(_) => "client_vpn_authorization",
        Stage::CvpnRoute(_) => "client_vpn_route",
        Stage::Cvpn(_) => "client_vpn_endpoint",
        Stage::Address => "address",
        Stage::AclIn(_) => "network_acl_inbound",
        Stage::SgIn(_) => "security_group_inbound",
        Stage::DestCheck(_) => "destination_check",
        Stage::Mirror(_) => "traffic_mirror",
        Stage::Guest(_) => "guest",
        Stage::InternetHost => "internet_host",
        Stage::NotModelled => "not_modelled",
    }
}

fn headers(h: &Headers) -> Value {
    let mut out = json!({ "source_address": h.src, "destination_address": h.dst, "protocol": h.protocol.0 });
    match h.l4 {
        L4::Tcp(_) | L4::Udp(_) => {
            let (src, dst) = h.ports();
            out["source_port"] = src.into();
            out["destination_port"] = dst.into();
        }
        L4::Icmp(icmp) => {
            out["icmp_type"] = icmp.kind.into();
            out["icmp_code"] = icmp.code.into();
        }
        L4::None => {}
    }
    out
}

fn row(loaded: &Loaded, e: &Explanation, part: Part, by: RowIx) -> Value {
    let mut out = row_facts(loaded, by);
    out["on"] = part.word().into();
    out["code"] = code(&loaded.network, e, by).into();
    out
}

pub(super) fn row_facts(loaded: &Loaded, by: RowIx) -> Value {
    let (names, fabric) = (&loaded.network.names, &loaded.network.fabric);
    let span = names.row_span(by);
    let source = loaded.sources.get(usize::from(span.file.0)).filter(|_| span.is_some());
    json!({
        "resource_kind": names.row_resource_kind(fabric, by), "resource": names.row_resource_id(fabric, by),
        "direction": fabric.rows[by].dir.word(), "rule": names.row_name(fabric, by), "text": names.row_text(fabric, by),
        "code": code_of(fabric.rows[by]), "implied": names.row_is_implied(by),
        "file": source.map(|s| s.name.clone()), "line": source.map(|_| span.line),
    })
}
