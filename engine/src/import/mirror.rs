//! Traffic mirroring (`describe-traffic-mirror-targets`, `-filters`, `-sessions`).
//!
//! Filters come with their rules, so `describe-traffic-mirror-filter-rules` says nothing more. A session whose interface, target or
//! filter the export lacks (a target of another account, for one) is left out, and the report says so.

use super::Out;
use super::inventory::{Resource, unique};
use super::read::{Item, List, Maybe, Tags, Text};
use crate::base::Cidr;
use crate::base::port::{PortRange, Protocol, ProtocolMatch};
use crate::diag::{Diagnostic, Span};
use crate::spec::{
    Name, Spanned, TrafficMirrorAction, TrafficMirrorFilter, TrafficMirrorNetworkService, TrafficMirrorRule,
    TrafficMirrorSession, TrafficMirrorTarget,
};
use serde::Deserialize;

/// What was read of it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) targets: Vec<Item<Target>>,
    pub(super) filters: Vec<Item<Filter>>,
    pub(super) sessions: Vec<Item<Session>>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Target {
    traffic_mirror_target_id: Text,
    network_interface_id: Text,
    network_load_balancer_arn: Text,
    gateway_load_balancer_endpoint_id: Text,
    owner_id: Text,
    description: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Filter {
    traffic_mirror_filter_id: Text,
    ingress_filter_rules: List<Rule>,
    egress_filter_rules: List<Rule>,
    network_services: List<Text>,
    description: Text,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Rule {
    rule_number: u32,
    rule_action: Text,
    protocol: Option<u8>,
    source_cidr_block: Maybe<Cidr>,
    destination_cidr_block: Maybe<Cidr>,
    source_port_range: Option<Ports>,
    destination_port_range: Option<Ports>,
    description: Text,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Ports {
    from_port: u16,
    to_port: u16,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Session {
    traffic_mirror_session_id: Text,
    traffic_mirror_target_id: Text,
    traffic_mirror_filter_id: Text,
    network_interface_id: Text,
    owner_id: Text,
    packet_length: Option<u32>,
    session_number: u32,
    virtual_network_id: Option<u32>,
    description: Text,
    tags: Tags,
}

macro_rules! resources {
    ($($type:ident, $kind:literal, $key:literal, $id:ident, |$x:ident| $owner:expr;)*) => {$(
        impl Resource for $type {
            const KIND: &'static str = $kind;
            const ID: &'static str = $key;
            fn id(&self) -> &str {
                self.$id.text()
            }
            fn owner(&self) -> &str {
                let $x = self;
                $owner
            }
        }
    )*};
}
resources! {
    Target, "traffic mirror target", "TrafficMirrorTargetId", traffic_mirror_target_id, |x| x.owner_id.text();
    Filter, "traffic mirror filter", "TrafficMirrorFilterId", traffic_mirror_filter_id, |_x| "";
    Session, "traffic mirror session", "TrafficMirrorSessionId", traffic_mirror_session_id, |x| x.owner_id.text();
}

/// Writes them. Interfaces and what is not modelled are there already.
pub(super) fn build(found: Found, out: &mut Out) {
    for Item { value: target, span, .. } in unique(found.targets, out) {
        build_target(&target, span, out);
    }
    for Item { value: filter, span, .. } in unique(found.filters, out) {
        let id = filter.id().to_owned();
        let mut services = Vec::new();
        for service in filter.network_services.iter().map(Text::text) {
            match service {
                "amazon-dns" => services.push(Spanned::new(TrafficMirrorNetworkService::AmazonDns, span)),
                other => {
                    let message = format!("`{id}`: NetworkServices `{other}` is not `amazon-dns`");
                    out.diagnostics.push(Diagnostic::error("bad-mirror-filter", span, message));
                }
            }
        }
        let built = TrafficMirrorFilter {
            ingress: rules(&id, "ingress", &filter.ingress_filter_rules, span, out),
            egress: rules(&id, "egress", &filter.egress_filter_rules, span, out),
            network_services: services,
            description: filter.description.0.clone(),
            name_tag: filter.tags.name(&id),
        };
        out.spec.traffic_mirror_filters.insert(Name::new(id, span), built);
    }
    for Item { value: session, span, .. } in unique(found.sessions, out) {
        build_session(&session, span, out);
    }
}

fn build_target(target: &Target, span: Span, out: &mut Out) {
    let id = target.id().to_owned();
    let spanned = |text: &str| (!text.is_empty()).then(|| Spanned::new(text.to_owned(), span));
    let eni = target.network_interface_id.text();
    if !eni.is_empty() && !out.spec.network_interfaces.contains_key(eni) {
        out.missing(&id, eni, "traffic mirror target left out");
        return;
    }
    let arn = target.network_load_balancer_arn.text();
    let owner = target.owner_id.0.clone().filter(|owner| out.host_of(eni).is_some_and(|host| host != *owner));
    let built = TrafficMirrorTarget {
        network_interface: spanned(eni),
        network_load_balancer: spanned(arn.rsplit_once(":loadbalancer/").map_or(arn, |(_, tail)| tail)),
        gateway_load_balancer_endpoint: spanned(target.gateway_load_balancer_endpoint_id.text()),
        account: owner.map(|owner| Spanned::new(owner, span)),
        description: target.description.0.clone(),
        name_tag: target.tags.name(&id),
    };
    out.spec.traffic_mirror_targets.insert(Name::new(id, span), built);
}

fn build_session(session: &Session, span: Span, out: &mut Out) {
    let id = session.id().to_owned();
    let (eni, target, filter) = (
        session.network_interface_id.text(),
        session.traffic_mirror_target_id.text(),
        session.traffic_mirror_filter_id.text(),
    );
    let spec = &out.spec;
    let lacks = [
        (eni, spec.network_interfaces.contains_key(eni)),
        (target, spec.traffic_mirror_targets.contains_key(target)),
        (filter, spec.traffic_mirror_filters.contains_key(filter)),
    ];
    for (name, _) in lacks.iter().filter(|(_, there)| !there) {
        out.missing(&id, name, "traffic mirror session left out");
    }
    if lacks.iter().any(|(_, there)| !there) {
        return;
    }
    let spanned = |text: &str| Spanned::new(text.to_owned(), span);
    let built = TrafficMirrorSession {
        network_interface: spanned(eni),
        target: spanned(target),
        filter: spanned(filter),
        session_number: Spanned::new(session.session_number, span),
        packet_length: session.packet_length.map(|length| Spanned::new(length, span)),
        virtual_network_id: session.virtual_network_id.map(|vni| Spanned::new(vni, span)),
        account: None,
        description: session.description.0.clone(),
        name_tag: session.tags.name(&id),
    };
    out.spec.traffic_mirror_sessions.insert(Name::new(id, span), built);
}

fn rules(id: &str, direction: &str, rules: &[Rule], span: Span, out: &mut Out) -> Vec<Spanned<TrafficMirrorRule>> {
    let mut built: Vec<Spanned<TrafficMirrorRule>> = rules
        .iter()
        .filter_map(|rule| match one(rule, span) {
            Ok(rule) => Some(Spanned::new(rule, span)),
            Err(why) => {
                let message = format!("`{id}` {direction} rule {}: {why}", rule.rule_number);
                out.diagnostics.push(Diagnostic::error("bad-mirror-filter", span, message));
                None
            }
        })
        .collect();
    built.sort_by_key(|rule| rule.rule.value);
    built
}

fn one(rule: &Rule, span: Span) -> Result<TrafficMirrorRule, String> {
    let action = match rule.rule_action.text() {
        "accept" => TrafficMirrorAction::Accept,
        "reject" => TrafficMirrorAction::Reject,
        other => return Err(format!("RuleAction `{other}` is neither `accept` nor `reject`")),
    };
    // Absent means all. So does 0 here, which as a number is a header of IPv6 and nothing that a packet carries.
    let protocol = rule.protocol.filter(|p| *p != 0).map(|p| ProtocolMatch::One(Protocol(p)));
    let has_ports = matches!(protocol, Some(ProtocolMatch::One(p)) if p.has_ports());
    let ports = |ports: &Option<Ports>| -> Result<Option<PortRange>, String> {
        match ports {
            Some(p) if has_ports => super::acl::port_range(p.from_port, p.to_port),
            _ => Ok(None),
        }
    };
    let block = |block: &Maybe<Cidr>, what: &str| block.0.ok_or_else(|| format!("no {what}"));
    Ok(TrafficMirrorRule {
        rule: Spanned::new(rule.rule_number, span),
        action,
        protocol,
        from: Spanned::new(block(&rule.source_cidr_block, "SourceCidrBlock")?, span),
        to: Spanned::new(block(&rule.destination_cidr_block, "DestinationCidrBlock")?, span),
        source_ports: ports(&rule.source_port_range)?,
        destination_ports: ports(&rule.destination_port_range)?,
        description: rule.description.0.clone(),
    })
}

impl Out {
    /// The account of the VPC that an interface is in.
    fn host_of(&self, eni: &str) -> Option<String> {
        let subnet = self.spec.network_interfaces.get(eni)?.subnet.as_ref()?;
        let vpc = self.spec.subnets.get(subnet.value.as_str())?;
        self.spec.vpcs.get(vpc.vpc.value.as_str())?.account.as_ref().map(|account| account.value.clone())
    }
}
