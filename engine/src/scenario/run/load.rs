//! Generators of load: from a step's words to hosts and addresses, and what they come to.

use super::operation::Kind;
use super::runner::Runner;
use crate::base::{PortRange, Protocol};
use crate::compile::Network;
use crate::diag::Diagnostic;
use crate::event::HostRef;
use crate::explain::{Origin, resolve_origin, resolve_target};
use crate::fabric::GuestOs;
use crate::load::tag::{GENERATORS_MAX, Tag};
use crate::load::{self, Answer, Arrivals, Client, Exchange, Generator, Local, Plan, Server, Size, SizeModel, Tally};
use crate::scenario::{Action, Flood, FloodKind, FlowModel, FlowProtocol, Flows, Outcome, Scan, Scenario, Sizes};
use crate::spec::Spanned;
use crate::verdict::{RowIx, code_of};
use ipnet::IpNet;
use std::net::IpAddr;

/// Clients times services of one step.
pub const PAIRS_MAX: usize = 1_000_000;

/// The generator of a step; nothing for steps that are none.
///
/// # Errors
/// What the step names and is not there.
pub(super) fn generator(network: &Network, action: &Action) -> Result<Option<Generator>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let generator = match action {
        Action::Flows(flows) => exchange(network, flows, &mut found),
        Action::Scan(step) => scan(network, step, &mut found),
        Action::Flood(step) => flood(network, step, &mut found),
        _ => None,
    };
    if found.is_empty() { Ok(generator) } else { Err(found) }
}

/// Steps that are generators are numbered in their order; there are not too many.
pub(super) fn too_many(scenario: &Scenario, found: &mut Vec<Diagnostic>) {
    let mut steps = scenario.steps.iter().filter(|step| is_load(&step.action));
    if let Some(step) = steps.nth(GENERATORS_MAX as usize) {
        let text = format!("a scenario has at most {GENERATORS_MAX} steps of `flows`, `scan` and `flood`");
        found.push(Diagnostic::error("too-many", step.span, text));
    }
}

pub(super) const fn is_load(action: &Action) -> bool {
    matches!(action, Action::Flows(_) | Action::Scan(_) | Action::Flood(_))
}

fn unknown(name: &Spanned<String>, text: String, found: &mut Vec<Diagnostic>) {
    found.push(Diagnostic::error("unknown-reference", name.span, text));
}

/// Who sends, by which address and to which one.
fn pair(network: &Network, from: &str, to: &str) -> Result<(Client, IpAddr, IpAddr), String> {
    let (origin, dst) = resolve_origin(network, from, to).map_err(|e| e.to_string())?;
    let fabric = &network.fabric;
    let host = match origin {
        Origin::Eni { eni, .. } => fabric.enis[eni].guest().map(HostRef::Guest),
        Origin::Site { host, .. } => Some(HostRef::Internet(host)),
        Origin::Internet { address } => fabric.internet_host(address).map(HostRef::Internet),
    };
    let client = match host {
        Some(HostRef::Guest(guest)) => {
            let g = &fabric.guests[guest];
            let local = Local { answer: Answer::Nothing, mtu: g.mtu, os: g.os, ttl: crate::host::ttl(g.os) };
            Client { host: HostRef::Guest(guest), local, ephemeral: g.ephemeral }
        }
        Some(HostRef::Internet(inet)) => {
            let (os, mtu) = (GuestOs::Linux, fabric.internet_hosts[inet].mtu);
            let local = Local { answer: Answer::Nothing, mtu, os, ttl: crate::host::ttl(os) };
            Client { host: HostRef::Internet(inet), local, ephemeral: PortRange { from: 32768, to: 60999 } }
        }
        _ => return Err(format!("`{from}` is no host of this network")),
    };
    Ok((client, origin.address(), dst))
}

fn protocol_of(protocol: Option<FlowProtocol>) -> Protocol {
    match protocol.unwrap_or(FlowProtocol::Tcp) {
        FlowProtocol::Tcp => Protocol::TCP,
        FlowProtocol::Udp => Protocol::UDP,
        FlowProtocol::Icmp => Protocol::ICMP,
    }
}

fn exchange(network: &Network, step: &Flows, found: &mut Vec<Diagnostic>) -> Option<Generator> {
    if step.from.len().saturating_mul(step.to.len()) > PAIRS_MAX {
        let text = format!("{} clients times {} services are more than {PAIRS_MAX}", step.from.len(), step.to.len());
        found.push(Diagnostic::error("too-many", step.from[0].span, text));
        return None;
    }
    for service in &step.to {
        if let Err(e) = resolve_target(network, &service.host) {
            // A name of DNS is asked of the client's resolver, below.
            let named = step.from.first().is_some_and(|from| pair(network, from, &service.host).is_ok());
            if !named {
                unknown(&service.host, e.to_string(), found);
            }
        }
    }
    if !found.is_empty() {
        return None;
    }
    let (mut clients, mut addresses) = (Vec::new(), Vec::new());
    for from in &step.from {
        let all: Vec<_> = step.to.iter().map(|service| pair(network, from, &service.host)).collect();
        match all.iter().flatten().next() {
            Some((client, ..)) => clients.push(client.clone()),
            None => {
                let text = all.into_iter().find_map(Result::err).unwrap_or_default();
                unknown(from, text, found);
                continue;
            }
        }
        addresses.extend(all.into_iter().map(|pair| pair.ok().map(|(_, src, dst)| (src, dst))));
    }
    let servers = step.to.iter().map(|s| {
        let model = match s.sizes.map_or(Sizes::Fixed, |sizes| sizes.value) {
            Sizes::Fixed => SizeModel::Fixed,
            Sizes::Exponential => SizeModel::Exponential,
            Sizes::Pareto => SizeModel::Pareto { shape: s.shape.map_or(120, |shape| shape.value.0) },
        };
        Server {
            protocol: protocol_of(s.protocol.map(|p| p.value)),
            port: s.port.map_or(0, |port| port.value),
            weight: s.weight.map_or(1, |weight| weight.value),
            request: Size { mean: s.request_bytes.unwrap_or(400), model: SizeModel::Fixed },
            response: Size { mean: s.response_bytes.unwrap_or(4_000), model },
        }
    });
    let arrivals = match (step.model.map_or(FlowModel::Poisson, |model| model.value), step.on, step.off) {
        (FlowModel::Constant, ..) => Arrivals::Constant,
        (FlowModel::OnOff, Some(on), Some(off)) => Arrivals::OnOff { on: on.value, off: off.value },
        _ => Arrivals::Poisson,
    };
    let plan = Plan::Exchange(Exchange::new(clients, servers.collect(), addresses));
    Some(Generator { plan, arrivals, rate: step.rate.value, duration: step.duration.value, total: step.count })
}

/// The addresses that a text means: a block, an address, a name.
fn targets(network: &Network, to: &str) -> Result<Vec<IpNet>, String> {
    if let Ok(net) = to.parse::<IpNet>() {
        return Ok(vec![net.trunc()]);
    }
    Ok(resolve_target(network, to).map_err(|e| e.to_string())?.into_iter().map(IpNet::from).collect())
}

fn scan(network: &Network, step: &Scan, found: &mut Vec<Diagnostic>) -> Option<Generator> {
    let mut nets = Vec::new();
    for to in &step.to {
        match targets(network, to) {
            Ok(more) => nets.extend(more),
            Err(e) => unknown(to, e, found),
        }
    }
    let mut addresses = (None, None);
    let mut client = None;
    for net in &nets {
        match pair(network, &step.from, &net.addr().to_string()) {
            Ok((who, src, _)) => {
                let slot = if src.is_ipv4() { &mut addresses.0 } else { &mut addresses.1 };
                slot.get_or_insert(src);
                client.get_or_insert(who);
            }
            Err(e) => {
                unknown(&step.from, e, found);
                break;
            }
        }
    }
    let ports = step.ports.iter().map(|ports| ports.value).collect();
    let protocol = protocol_of(step.protocol.map(|p| p.value));
    let scan = load::Scan { client: client?, addresses, targets: nets, protocol, ports };
    let (rate, total) = (step.rate.value, scan.count());
    let seconds = total.div_ceil(rate).saturating_add(1);
    let duration = crate::base::Nanos::from_secs(seconds.min(u64::MAX / 1_000_000_000));
    Some(Generator { plan: Plan::Scan(scan), arrivals: Arrivals::Constant, rate, duration, total: Some(total) })
}

fn flood(network: &Network, step: &Flood, found: &mut Vec<Diagnostic>) -> Option<Generator> {
    let mut clients = Vec::new();
    if let Err(e) = targets(network, &step.to) {
        unknown(&step.to, e, found);
        return None;
    }
    for from in &step.from {
        match pair(network, from, &step.to) {
            Ok(pair) => clients.push(pair),
            Err(e) => unknown(from, e, found),
        }
    }
    let kind = match step.kind.value {
        FloodKind::Syn => load::FloodKind::Syn,
        FloodKind::Udp => load::FloodKind::Udp,
        FloodKind::Icmp => load::FloodKind::Icmp,
    };
    if let (Some(block), Some((_, src, _))) = (step.forged_from, clients.first())
        && block.value.net().addr().is_ipv4() != src.is_ipv4()
    {
        let text = format!("`{}` and `{}` are of two families", block.value, step.to);
        found.push(Diagnostic::error("bad-value", block.span, text).help("write a block of the destination's family"));
    }
    let flood = load::Flood {
        clients,
        kind,
        port: step.port.map_or(0, |port| port.value),
        bytes: step.bytes.map_or(0, |bytes| bytes.value as u16),
        spoof: step.forged_from.map(|block| block.value.net()),
    };
    let (rate, duration) = (step.rate.value, step.duration.value);
    Some(Generator { plan: Plan::Flood(flood), arrivals: Arrivals::Constant, rate, duration, total: None })
}

impl Runner<'_> {
    /// Starts the generator of step `n`.
    pub(super) fn start_load(&mut self, n: usize, action: &Action) {
        let generator = generator(self.network(), action).ok().flatten().expect("checked before the run");
        let number = self.scenario.steps[..n].iter().filter(|step| is_load(&step.action)).count() as u16;
        self.operations[n].tag = Tag::all(number);
        self.operations[n].kind = Kind::Load { number, tally: Tally::default() };
        self.sim.start_load(number, generator);
    }

    /// Generators that are over end their steps.
    pub(super) fn hear_load(&mut self) {
        while let Some((number, over)) = self.sim.poll_load_over() {
            let is_it = |kind: &Kind| matches!(kind, Kind::Load { number: of, .. } if *of == number);
            let Some(n) = self.operations.iter().position(|o| is_it(&o.kind)) else { continue };
            self.operations[n].kind = Kind::Load { number, tally: over };
            self.operations[n].bytes = over.bytes;
            let outcome = if over.completed > 0 { Outcome::Delivered } else { Outcome::NotDelivered };
            let outcome =
                if matches!(self.scenario.steps[n].action, Action::Flood(_)) { Outcome::Sent } else { outcome };
            self.say_dropped(n);
            self.end(n, Some(outcome), &text(&over));
        }
    }
}

impl Runner<'_> {
    /// Which rows dropped packets of a generator, and how many.
    fn say_dropped(&mut self, n: usize) {
        let tag = self.operations[n].tag;
        let range = (tag, 0, RowIx(0))..=(tag, u16::MAX, RowIx(u32::MAX));
        let all: Vec<_> = self.sim.observer.1.0.of_load.range(range).map(|(key, count)| (*key, *count)).collect();
        for ((_, epoch, by), count) in all {
            let network = &self.networks[usize::from(epoch)];
            let (row, code) = (network.names.row_text(&network.fabric, by), code_of(network.fabric.rows[by]));
            self.say(format!("  {count} dropped: {row}  {code}"));
        }
    }
}

/// What became of the flows, in words.
pub(super) fn text(t: &Tally) -> String {
    let mut out = format!("{} begun", t.started);
    for (count, what) in [
        (t.completed, "completed"),
        (t.refused, "refused"),
        (t.no_answer, "without an answer"),
        (t.unreachable, "unreachable"),
        (t.reset, "reset"),
        (t.hung, "hung"),
        (t.not_started, "could not begin"),
    ] {
        if count > 0 {
            out.push_str(&format!(", {count} {what}"));
        }
    }
    out.push_str(&format!("; {} packets, {} bytes", t.packets, t.bytes));
    out
}
