//! Choices that AWS makes and does not tell, and what else a person should know about an answer, as text and as JSON.

use crate::network::Loaded;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use vpcsim_engine::base::ids::{EniIx, GuestIx, VpcIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{Common, Device, Explanation, GroupLost, Hint, Outcome, hints};
use vpcsim_engine::fabric::{Fib, NextHop, PathOwner, TgwAttachKind, TgwTarget};
use vpcsim_engine::flow::{Choice, Pick};
use vpcsim_engine::verdict::code_of;

/// `it depends on a choice of AWS's: open in 50 %, no_reply in 50 % of the cases`.
pub(crate) fn shares(e: &Explanation) -> String {
    let mut shares: BTreeMap<&str, u32> = BTreeMap::new();
    for a in &e.alternatives {
        shares.insert(a.outcome.word(), e.share(a.outcome));
    }
    let parts: Vec<String> = shares.iter().map(|(word, share)| format!("{word} in {}", percent(*share))).collect();
    format!("it depends on a choice of AWS's: {} of the cases", parts.join(", "))
}

fn percent(share: u32) -> String {
    format!("{} %", (share + 5_000) / 10_000)
}

/// The choices as lines of an answer.
pub(crate) fn choices(loaded: &Loaded, e: &Explanation) -> String {
    let network = &loaded.network;
    let mut out = String::new();
    if e.alternatives.is_empty() {
        return out;
    }
    if !e.depends_on_choice() {
        let _ = writeln!(
            out,
            "  choice       AWS makes a choice here ({}); all {} ways it can fall end alike",
            asked(network, e).join("; "),
            e.alternatives.len()
        );
        return out;
    }
    // Alternatives that end alike, together.
    let mut groups: BTreeMap<String, (u64, u32, Outcome)> = BTreeMap::new();
    for a in &e.alternatives {
        let row = a.decided_by.map_or_else(String::new, |(part, by)| {
            format!("  {}, on the {}", network.names.row_text(&network.fabric, by), part.word())
        });
        let group = groups.entry(format!("{}{row}", a.outcome.word())).or_insert((0, 0, a.outcome));
        group.0 += 1_000_000 / a.one_in.max(1);
        group.1 += 1;
    }
    let (bad, all) = e.failing();
    let _ = writeln!(out, "  choice       {bad} of {all} ways fail: {}", asked(network, e).join("; "));
    for (text, (share, count, _)) in &groups {
        let share = u32::try_from(*share).unwrap_or(1_000_000);
        let _ = writeln!(out, "               {:>5} ({count} of {})  {text}", percent(share), e.alternatives.len());
    }
    if let Some(common) = e.common(&network.fabric) {
        let _ = writeln!(out, "  fails when   {}", common_text(network, &common));
    }
    out
}

/// What is chosen, once per kind.
fn asked(network: &Network, e: &Explanation) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (pick, _, n) in e.alternatives.iter().flat_map(|a| &a.picks) {
        let text = format!("{}, one of {n}", choice(network, pick));
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

fn choice(network: &Network, pick: &Pick) -> String {
    let names = &network.names;
    let (_, from, to) = pick.flow;
    match pick.choice {
        Choice::Zone(attach) => {
            format!("zone of {} for {} to {}", names.tgw_attaches[attach].short(), from.0, to.0)
        }
        Choice::Appliance(attach) => format!("zone of {} for the whole flow", names.tgw_attaches[attach].short()),
        Choice::Tunnel(rtb, route) => {
            format!("tunnel for {} in {}", network.fabric.tgw_rtbs[rtb].routes[route].to, names.tgw_rtbs[rtb].short())
        }
        Choice::Target(service) => format!("target of {}", names.services[service].short()),
        Choice::Link(lag) => format!("connection of {}", names.lags[lag].short()),
        Choice::TargetNetwork(cvpn) => format!("target network of {} for {}", names.cvpns[cvpn].short(), from.0),
        Choice::Path(owner, route) => {
            let (name, fib) = path(network, owner);
            format!("way to {} at {name}", fib.routes[route].to)
        }
    }
}

/// What an option of a choice is called.
fn option(network: &Network, pick: &Pick, label: u32) -> String {
    let (fabric, names) = (&network.fabric, &network.names);
    match pick.choice {
        Choice::Zone(_) | Choice::Appliance(_) => zone(network, EniIx(label)).to_owned(),
        Choice::Target(_) => names.eni_text(fabric, EniIx(label)),
        Choice::Link(lag) => match fabric.lags[lag].links.get(label as usize) {
            Some(link) => names.links[link.link].clone(),
            None => label.to_string(),
        },
        Choice::TargetNetwork(_) => names.subnets[fabric.enis[EniIx(label)].subnet].short().to_owned(),
        Choice::Path(owner, route) => match path(network, owner).1.routes[route].hops.get(label as usize) {
            Some(NextHop::Tunnel(tunnel)) => names.tunnels[*tunnel].id.clone(),
            Some(NextHop::Vif(vif)) => names.vifs[*vif].id.clone(),
            Some(NextHop::Router(router, _)) => names.routers[*router].id.clone(),
            Some(NextHop::Dxgw(dxgw)) => names.dxgws[*dxgw].id.clone(),
            _ => label.to_string(),
        },
        Choice::Tunnel(rtb, route) => match &fabric.tgw_rtbs[rtb].routes[route].target {
            TgwTarget::Tunnels(legs) => legs.get(label as usize).map_or_else(String::new, |(connect, tunnel)| {
                match &fabric.tgw_attaches[*connect].kind {
                    TgwAttachKind::Connect { tunnels, .. } => tunnels[*tunnel as usize].far.to_string(),
                    _ => String::new(),
                }
            }),
            TgwTarget::Vpn(legs) => {
                legs.get(label as usize).map_or_else(String::new, |(_, tunnel)| names.tunnels[*tunnel].id.clone())
            }
            _ => label.to_string(),
        },
    }
}

/// Whose forwarding table.
fn path(network: &Network, owner: PathOwner) -> (&str, &Fib) {
    let (fabric, names) = (&network.fabric, &network.names);
    match owner {
        PathOwner::Router(router) => (names.routers[router].short(), &fabric.routers[router].fib),
        PathOwner::Vgw(vgw) => (names.vgws[vgw].short(), &fabric.vgws[vgw].fib),
        PathOwner::Public(region) => (names.publics[region].short(), &fabric.publics[region].fib),
        PathOwner::Dxgw(dxgw) => (names.dxgws[dxgw].short(), &fabric.dxgws[dxgw].fib),
    }
}

fn common_text(network: &Network, common: &Common) -> String {
    match common {
        Common::Options(pick, options) => {
            let options: Vec<String> = options.iter().map(|n| option(network, pick, *n)).collect();
            let flow = match pick.choice {
                // Once for each client, whatever it sends.
                Choice::TargetNetwork(_) => "",
                _ if pick.flow.0.has_ports() => ": source ports that hash to it",
                _ => "",
            };
            format!("the {} is {}{flow}", choice(network, pick), options.join(" or "))
        }
        Common::Different(a, b) => format!("the {} and the {} differ", choice(network, a), choice(network, b)),
        Common::Same(a, b) => format!("the {} and the {} are the same", choice(network, a), choice(network, b)),
        Common::Row(part, row) => {
            format!("the {} meets {}", part.word(), network.names.row_text(&network.fabric, *row))
        }
    }
}

/// The choices as JSON; null if there is none.
pub(crate) fn choices_json(loaded: &Loaded, e: &Explanation) -> Value {
    let network = &loaded.network;
    if e.alternatives.is_empty() {
        return Value::Null;
    }
    let alternatives: Vec<Value> = e
        .alternatives
        .iter()
        .map(|a| {
            let picks: Vec<Value> = a
                .picks
                .iter()
                .map(|(pick, n, of)| json!({ "choice": choice(network, pick), "option": option(network, pick, *n), "options": of }))
                .collect();
            json!({
                "picks": picks, "one_in": a.one_in, "result": a.outcome.word(),
                "decided_by": a.decided_by.map(|(part, by)| {
                    let mut row = super::explanation_json::row_facts(loaded, by);
                    row["on"] = part.word().into();
                    row
                }),
                "code": a.decided_by.map(|(_, by)| code_of(network.fabric.rows[by])),
            })
        })
        .collect();
    json!({
        "depends": e.depends_on_choice(), "failing": e.failing().0, "alternatives": alternatives,
        "fails_when": e.common(&network.fabric).map(|common| common_text(network, &common)),
    })
}

/// What else to know, a sentence each.
pub(crate) fn notes(network: &Network, e: &Explanation) -> Vec<String> {
    let (fabric, names) = (&network.fabric, &network.names);
    hints(network, e)
        .into_iter()
        .map(|hint| match hint {
            Hint::GroupNotCarried { rule, group, lost } => {
                let why = match lost {
                    GroupLost::PeeringBetweenRegions => "a peering between Regions does not carry it",
                    GroupLost::TransitGatewayOption => {
                        "security group referencing is off on the transit gateway or on one of the attachments"
                    }
                    GroupLost::TransitGatewayPeering => "a peering of transit gateways does not carry it",
                    GroupLost::Middlebox => "a middlebox or a translation on the way does not carry it",
                };
                format!(
                    "{} names {}, which the sender has, but {why} ({}): a rule for its address block would match",
                    names.row_text(fabric, rule),
                    names.sgs[group].short(),
                    lost.code()
                )
            }
            Hint::Asymmetric { request, reply } => {
                let list = |devices: &[Device]| {
                    let texts: Vec<String> = devices.iter().map(|device| self::device(network, *device)).collect();
                    if texts.is_empty() { "nothing else".to_owned() } else { texts.join(", ") }
                };
                format!("asymmetric: only the request passes {}; only the reply passes {}", list(&request), list(&reply))
            }
            Hint::EndpointPolicy(vpce) => format!(
                "the policy of {} is not the one that allows everything: the service may answer 403, which is not a network matter",
                names.vpces[vpce].short()
            ),
            Hint::PeeringJoins { pcx, elsewhere } => {
                let sides: Vec<String> =
                    fabric.pcxs[pcx].sides.iter().flatten().map(|vpc| vpc_text(network, *vpc)).collect();
                let there = elsewhere.map(|vpc| format!("; {} is in {}", e.question.to, vpc_text(network, vpc)));
                format!(
                    "{} carries packets between {} only{}",
                    names.pcxs[pcx].short(),
                    sides.join(" and "),
                    there.unwrap_or_default()
                )
            }
            Hint::SameBlock { here, eni } => format!(
                "{} is {}'s, in {}; the way led into {}, where nobody has it",
                e.question.to,
                names.eni_text(fabric, eni),
                vpc_text(network, fabric.enis[eni].vpc),
                vpc_text(network, here)
            ),
            Hint::NatBehindItself(eni) => {
                let subnet = fabric.enis[eni].subnet;
                format!(
                    "{} is in subnet {}, whose own table {} leads back to it: a NAT gateway needs a subnet whose table leads to an internet gateway",
                    names.eni_text(fabric, eni),
                    names.subnets[subnet].short(),
                    names.rtbs[fabric.subnets[subnet].rtb].short()
                )
            }
            Hint::NoListener(guest) => format!(
                "the network is fine both ways; {} {}, and what is bound to 127.0.0.1 only is not reached from outside",
                names.guests[guest].short(),
                listens_on(network, e, guest)
            ),
            Hint::ZoneNotAttached { attach, eni } => {
                let zones: BTreeSet<&str> = match &fabric.tgw_attaches[attach].kind {
                    TgwAttachKind::Vpc { ports, .. } => ports.iter().map(|port| zone(network, port.eni)).collect(),
                    _ => BTreeSet::new(),
                };
                format!(
                    "{} is in zone {}; {} has subnets in {}",
                    names.eni_text(fabric, eni),
                    zone(network, eni),
                    names.tgw_attaches[attach].short(),
                    zones.into_iter().collect::<Vec<_>>().join(", ")
                )
            }
        })
        .collect()
}

fn zone(network: &Network, eni: EniIx) -> &str {
    let fabric = &network.fabric;
    &network.names.zones[fabric.subnets[fabric.enis[eni].subnet].zone as usize]
}

/// `listens on 8080, 8443 only`.
fn listens_on(network: &Network, e: &Explanation, guest: GuestIx) -> String {
    let protocol = e.question.protocol;
    let listeners = network.fabric.guests[guest].listeners.iter().flatten().filter(|(of, _)| *of == protocol);
    let ports: BTreeSet<u16> = listeners.map(|(_, port)| *port).collect();
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    match ports.is_empty() {
        true => format!("listens on no {protocol} port"),
        false => format!("listens on {} only", ports.join(", ")),
    }
}

/// `app (10.0.0.0/16)`.
fn vpc_text(network: &Network, vpc: VpcIx) -> String {
    let blocks: Vec<String> = network.fabric.vpcs[vpc].blocks.iter().map(ToString::to_string).collect();
    format!("{} ({})", network.names.vpcs[vpc].short(), blocks.join(", "))
}

fn device(network: &Network, device: Device) -> String {
    let names = &network.names;
    match device {
        Device::Pcx(pcx) => format!("peering {}", names.pcxs[pcx].short()),
        Device::Attach(attach) => format!("tgw attachment {}", names.tgw_attaches[attach].short()),
        Device::Tunnel(tunnel) => format!("vpn {}", names.tunnels[tunnel].short()),
        Device::Vif(vif) => format!("vif {}", names.vifs[vif].short()),
        Device::Guest(guest) => {
            let zone = network.fabric.guests[guest].enis.first().map(|eni| format!(" (zone {})", zone(network, *eni)));
            format!("instance {}{}", names.guests[guest].short(), zone.unwrap_or_default())
        }
    }
}
