//! Before anything runs: does every step name what is there?

use super::super::action::{Action, Fault};
use super::super::apply;
use super::super::{Evidence, Expect, ResourceKind, Scenario};
use super::Options;
use crate::compile::{Network, compile};
use crate::diag::{Diagnostic, any_error};
use crate::explain::{Origin, resolve_origin, resolve_target};
use crate::names::Found;
use crate::spec::{Spanned, Spec};
use std::collections::BTreeSet;

pub(super) fn prepare(scenario: &Scenario, spec: &Spec, options: &Options) -> Result<Network, Vec<Diagnostic>> {
    let (network, diagnostics) = compile(spec);
    let Some(network) = network else { return Err(diagnostics) };
    let mut found = Vec::new();
    let mut changed = spec.clone();
    let mut connections: BTreeSet<&str> = BTreeSet::new();
    for step in &scenario.steps {
        match &step.action {
            Action::Connect(c) => {
                ends(&network, &c.from, &c.to, &mut found);
                connections.extend(c.name.as_ref().map(|name| name.value.as_str()));
            }
            Action::Write(w) => connection(&connections, &w.connection, &mut found),
            Action::Close(c) => connection(&connections, &c.connection, &mut found),
            Action::Send(s) => ends(&network, &s.from, &s.to, &mut found),
            Action::Ping(p) => ends(&network, &p.from, &p.to, &mut found),
            Action::Traceroute(t) => ends(&network, &t.from, &t.to, &mut found),
            Action::Traffic(t) => ends(&network, &t.from, &t.to, &mut found),
            Action::Resolve(r) => {
                let server =
                    r.server.clone().unwrap_or_else(|| Spanned::new("169.254.169.253".to_owned(), r.from.span));
                ends(&network, &r.from, &server, &mut found);
            }
            Action::Change(change) => {
                if let Err(diagnostic) = apply(&mut changed, change) {
                    found.push(diagnostic);
                } else {
                    // What AWS would refuse as a topology, it refuses as a change.
                    let (_, more) = compile(&changed);
                    found.extend(more.into_iter().filter(|d| any_error(std::slice::from_ref(d))));
                }
            }
            Action::Fail(fault) | Action::Restore(fault) => check_fault(&network, fault, &mut found),
            Action::Join(m) | Action::Leave(m) => {
                let to = Spanned::new(m.group.to_string(), m.group.span);
                ends(&network, &m.host, &to, &mut found);
                if !m.group.is_multicast() {
                    let message = format!("`{}` is not a multicast address", m.group);
                    found.push(Diagnostic::error("not-multicast", m.group.span, message));
                }
            }
            Action::Flows(_) | Action::Scan(_) | Action::Flood(_) => {
                found.extend(super::load::generator(&network, &step.action).err().unwrap_or_default());
            }
            Action::Inject(step) => {
                let to = step.map.first().map(|mapped| mapped.to.clone());
                let to = to.unwrap_or_else(|| Spanned::new("internet".to_owned(), step.from.span));
                ends(&network, &step.from, &to, &mut found);
                super::inject::check(&network, step, options, &mut found);
            }
            Action::Wait(_) => {}
        }
        if let Some(expect) = &step.expect {
            check_expect(&network, expect, &mut found);
        }
    }
    super::load::too_many(scenario, &mut found);
    found.extend(super::capture::capture(&network, scenario, None).1);
    for evidence in &scenario.expect {
        if let Evidence::FlowLog(log) = &evidence.value {
            known(&network, &log.interface, &mut found);
        }
    }
    if found.is_empty() { Ok(network) } else { Err(found) }
}

fn ends(network: &Network, from: &Spanned<String>, to: &Spanned<String>, found: &mut Vec<Diagnostic>) {
    // Each end by itself first, so that the place is right.
    if let Err(e) = resolve_target(network, to) {
        found.push(Diagnostic::error("unknown-reference", to.span, e.to_string()));
        return;
    }
    match resolve_origin(network, from, to) {
        Ok((Origin::Internet { address }, _)) if network.fabric.internet_host(address).is_none() => {
            let message = format!("`{from}` is no host of this network");
            found.push(
                Diagnostic::error("unknown-reference", from.span, message)
                    .help("describe it under `internet_hosts`, or use `internet`"),
            );
        }
        Ok(_) => {}
        Err(e) => found.push(Diagnostic::error("unknown-reference", from.span, e.to_string())),
    }
}

fn connection(known: &BTreeSet<&str>, name: &Spanned<String>, found: &mut Vec<Diagnostic>) {
    if !known.contains(name.value.as_str()) {
        let message = format!("no earlier `connect` is called `{name}`");
        found.push(Diagnostic::error("unknown-reference", name.span, message).help("give the `connect` step a `name`"));
    }
}

fn check_fault(network: &Network, fault: &Fault, found: &mut Vec<Diagnostic>) {
    let unknown = |name: &Spanned<String>, kind: &str, known: Vec<&str>| {
        let message = format!("there is no {kind} `{name}`");
        let help = match known.is_empty() {
            true => format!("this topology has no {kind}"),
            false => format!("known: {}", known.join(", ")),
        };
        Diagnostic::error("unknown-reference", name.span, message).help(help)
    };
    match fault {
        Fault::Instance(name) => {
            let known: Vec<&str> = network.names.guests.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "instance", known));
            }
        }
        Fault::NatGateway(name) if !network.spec.nat_gateways.contains_key(name.value.as_str()) => {
            found.push(unknown(
                name,
                "NAT gateway",
                network.spec.nat_gateways.keys().map(|k| k.value.as_str()).collect(),
            ));
        }
        Fault::Az(name) => match super::fault::zones(network, name).len() {
            0 => {
                let zones = network.names.zones.iter().map(String::as_str).collect();
                found.push(unknown(name, "availability zone", zones));
            }
            1 => {}
            _ => found.push(
                Diagnostic::error("ambiguous-zone", name.span, format!("there is a zone `{name}` in several Regions"))
                    .help("write the zone's whole name, as in `us-east-1a`"),
            ),
        },
        Fault::VpcPeeringConnection(name) => {
            let known: Vec<&str> = network.names.pcxs.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "VPC peering connection", known));
            }
        }
        Fault::TransitGatewayAttachment(name) => {
            let known: Vec<&str> = network.names.tgw_attaches.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "transit gateway attachment", known));
            }
        }
        Fault::DirectConnectConnection(name) => {
            let all = &network.spec.direct_connect_connections;
            if !all.contains_key(name.value.as_str()) {
                let known = all.keys().map(|k| k.value.as_str()).collect();
                found.push(unknown(name, "Direct Connect connection", known));
            }
        }
        Fault::VpnTunnel(name) => {
            let known: Vec<&str> = network.names.tunnels.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "VPN tunnel", known));
            }
        }
        Fault::Router(name) => {
            let known: Vec<&str> = network.names.routers.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "router", known));
            }
        }
        Fault::VpcEndpoint(name) => {
            let known: Vec<&str> = network.names.vpces.iter().map(|label| label.id.as_str()).collect();
            if !known.contains(&name.value.as_str()) {
                found.push(unknown(name, "VPC endpoint", known));
            }
        }
        _ => {}
    }
}

fn check_expect(network: &Network, expect: &Expect, found: &mut Vec<Diagnostic>) {
    if let Some(blocked) = &expect.blocked_by
        && !matches!(blocked.kind, ResourceKind::Link | ResourceKind::NotModelled | ResourceKind::InternetHost)
    {
        known(network, &blocked.name, found);
    }
    for name in &expect.path {
        known(network, name, found);
    }
}

fn known(network: &Network, name: &Spanned<String>, found: &mut Vec<Diagnostic>) {
    if let Found::None(near) = network.names.find(name) {
        let diagnostic =
            Diagnostic::error("unknown-reference", name.span, format!("there is no `{name}` in this network"));
        found.push(match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }
}
