//! Pair by pair: every source with every destination, or the probes of a file.

use super::probes::{Probe, question, read_probes};
use super::table::{self, Line};
use crate::args::{ReachArgs, TableOutput};
use crate::network::Loaded;
use crate::{Failure, Status, input, output, progress, render};
use std::collections::BTreeSet;
use std::net::IpAddr;
use vpcsim_engine::analyse;
use vpcsim_engine::analyse::reach::{KINDS, SelectionError, select};
use vpcsim_engine::base::Protocol;
use vpcsim_engine::base::ids::GuestIx;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{
    Explanation, Origin, Outcome, Question, QuestionError, meant, resolve_origin, resolve_sources, resolve_target,
};

/// Pairs that are told of one by one.
const PAIRS_MAX: usize = 4_000_000;

pub(super) fn pairs(args: &ReachArgs, loaded: &Loaded) -> Result<Status, Failure> {
    let network = &loaded.network;
    let probes = match &args.probes {
        Some(path) => {
            let source = input::read(path)?;
            let (probes, diagnostics) = read_probes(network, &source);
            if !diagnostics.is_empty() {
                render::diagnostics::print(&[source], &diagnostics);
                return Ok(Status::Invalid);
            }
            probes
        }
        None => matrix(loaded, &args.from, &args.to)?,
    };
    let asked: Vec<(&Probe, Question)> = probes.iter().filter_map(|p| Some((p, *p.question.as_ref().ok()?))).collect();
    let questions: Vec<Question> = asked.iter().map(|(_, question)| *question).collect();
    progress::of(questions.len());
    let answer = |n: usize, e: &Explanation| {
        progress::step();
        answered(network, asked[n].0, e)
    };
    let mut answers = analyse::probes(network, &questions, answer).into_iter();
    let lines: Vec<Line> = probes
        .iter()
        .map(|probe| match &probe.question {
            Ok(_) => answers.next().expect("one answer a question"),
            Err(why) => Line {
                result: Outcome::Unknown,
                code: "NO_SOURCE_OR_DESTINATION",
                dropped_at: why.to_string(),
                as_expected: probe.expect.is_empty() || probe.expect == "unknown",
            },
        })
        .collect();
    let text = match args.output {
        TableOutput::Csv => table::csv_text(&probes, &lines),
        TableOutput::Json => table::json_text(&probes, &lines),
        TableOutput::Text => table::table(&probes, &lines),
    };
    if let Some(path) = &args.junit {
        let name = args.probes.as_deref().unwrap_or(&args.topology).display().to_string();
        output::write_atomically(path, table::junit(&probes, &lines, &name)?.as_bytes())?;
    }
    output::print(text.as_bytes())?;
    Ok(if lines.iter().all(|line| line.as_expected) { Status::Done } else { Status::Finding })
}

fn answered(network: &Network, probe: &Probe, e: &Explanation) -> Line {
    let fabric = &network.fabric;
    let expect = probe.expect.as_str();
    // What listens is not in an account's description: `open` then says that the network lets it through.
    let same = expect.is_empty()
        || expect == e.outcome.word()
        || (e.supposes_listener.is_some() && expect == "closed" && e.outcome == Outcome::Open);
    if e.depends_on_choice() {
        // An expectation that holds for some flows only does not hold.
        let as_expected = expect.is_empty() || expect == "unknown";
        let dropped_at = render::hint::shares(e);
        return Line { result: Outcome::Unknown, code: "SIM_CHOICE", dropped_at, as_expected };
    }
    let (code, dropped_at) = match e.decided_by {
        Some((_, by)) => {
            let row = fabric.rows[by];
            (vpcsim_engine::verdict::code_of(row), render::explanation::place(network, by))
        }
        None if e.reply_from_elsewhere => {
            ("SIM_REPLY_FROM_ELSEWHERE", "the reply does not come from the address that was asked".to_owned())
        }
        None => ("", String::new()),
    };
    Line { result: e.outcome, code, dropped_at, as_expected: same }
}

/// Every source to every destination: `--from` and `--to`, or all instances and hosts of sites and what listens on them.
fn matrix(loaded: &Loaded, from: &[String], to: &[String]) -> Result<Vec<Probe>, Failure> {
    let network = &loaded.network;
    let hosts = || {
        let sites = network.fabric.internet_hosts.indices().filter(|host| network.fabric.vantage_of(*host).is_some());
        let sites = sites.map(|host| &network.names.internet_hosts[host]);
        network.names.guests.iter().chain(sites).map(|label| label.id.clone()).collect::<Vec<_>>()
    };
    let sources =
        if from.is_empty() { hosts() } else { expanded(loaded, from, |name| resolve_sources(network, name).err())? };
    let named = |text: &String| -> Result<Vec<Target>, Failure> {
        let (name, protocol, port) = target(text)?;
        let unresolved = |name: &str| resolve_target(network, name).err();
        Ok(expanded(loaded, &[name], unresolved)?.into_iter().map(|name| (name, protocol, port)).collect())
    };
    let targets: Vec<Target> = if to.is_empty() {
        listeners(network)
    } else {
        to.iter().map(named).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
    };
    if sources.len().saturating_mul(targets.len()) > PAIRS_MAX {
        return Err(Failure::Usage(format!(
            "{} sources and {} destinations are more than {PAIRS_MAX} pairs; `--group-by class` tells of all of them in \
             classes, `--from` and `--to` choose some",
            sources.len(),
            targets.len()
        )));
    }
    let origins: Vec<Vec<Origin>> =
        sources.iter().map(|name| resolve_sources(network, name).unwrap_or_default()).collect();
    let addresses: Vec<Vec<IpAddr>> =
        targets.iter().map(|(name, ..)| resolve_target(network, name).unwrap_or_default()).collect();
    let mut probes = Vec::new();
    for (src, origins) in sources.iter().zip(&origins) {
        for ((dst, protocol, port), addresses) in targets.iter().zip(&addresses) {
            if src == dst {
                continue;
            }
            let family = |origin: &Origin| {
                Some((*origin, *addresses.iter().find(|a| a.is_ipv4() == origin.address().is_ipv4())?))
            };
            let ends = match addresses.is_empty() {
                false => origins.iter().find_map(family),
                // What names nothing here is asked of the sender's resolver.
                true => match resolve_origin(network, src, dst) {
                    Ok(ends) => Some(ends),
                    Err(QuestionError::NoCommonFamily { .. }) => None,
                    Err(e) => return Err(Failure::Usage(e.to_string())),
                },
            };
            let Some((from, to)) = ends else { continue };
            let to = meant(network, from, dst, to);
            let question = question(from, to, *protocol, *port);
            probes.push(Probe {
                src: src.clone(),
                dst: dst.clone(),
                protocol: question.protocol.to_string(),
                dst_port: if protocol.has_ports() { port.to_string() } else { String::new() },
                expect: String::new(),
                question: Ok(question),
            });
        }
    }
    Ok(probes)
}

/// A name, and what is asked of it.
type Target = (String, Protocol, u16);

/// Names of ends as they are; those of groups, subnets, VPCs and tags stand for the ends in them.
fn expanded(
    loaded: &Loaded,
    named: &[String],
    error: impl Fn(&str) -> Option<QuestionError>,
) -> Result<Vec<String>, Failure> {
    let (network, mut out) = (&loaded.network, Vec::new());
    for name in named {
        let Some(error) = error(name) else {
            out.push(name.clone());
            continue;
        };
        match select(&loaded.spec, network, name) {
            Ok(selection) => {
                let (fabric, names) = (&network.fabric, &network.names);
                let mut guests: BTreeSet<GuestIx> = BTreeSet::new();
                for eni in selection.ends.enis {
                    match fabric.enis[eni].guest() {
                        Some(guest) if fabric.guests[guest].enis.len() == 1 && guests.insert(guest) => {
                            out.push(names.guests[guest].id.clone());
                        }
                        _ => out.push(names.enis[eni].id.clone()),
                    }
                }
                out.extend(selection.ends.hosts.iter().map(|host| names.internet_hosts[*host].id.clone()));
            }
            // A name that the resolver may know.
            Err(SelectionError::Unknown(..)) if name.contains('.') => out.push(name.clone()),
            Err(SelectionError::Unknown(..)) => return Err(Failure::Usage(error.to_string())),
            Err(other) => return Err(Failure::Usage(other.to_string())),
        }
    }
    Ok(out)
}

fn listeners(network: &Network) -> Vec<Target> {
    let mut out = Vec::new();
    for (guest, label) in network.fabric.guests.iter().zip(network.names.guests.iter()) {
        match &guest.listeners {
            Some(listeners) if !listeners.is_empty() => {
                out.extend(listeners.iter().map(|(protocol, port)| (label.id.clone(), *protocol, *port)))
            }
            _ => out.push((label.id.clone(), Protocol::ICMP, 0)),
        }
    }
    for (host, h) in network.fabric.internet_hosts.iter_enumerated() {
        // Nobody can open anything to a Client VPN's client but another client.
        if h.router.is_none() {
            continue;
        }
        let id = &network.names.internet_hosts[host].id;
        if h.listeners.is_empty() {
            out.push((id.clone(), Protocol::ICMP, 0));
        }
        out.extend(h.listeners.iter().map(|(protocol, port)| (id.clone(), *protocol, *port)));
    }
    out
}

/// A name with the port behind it; `sg:web` has none.
pub(super) fn split(text: &str) -> Result<(&str, Option<u16>), Failure> {
    let kinds = KINDS.iter().chain(&["tag"]).filter_map(|kind| text.strip_prefix(kind)?.strip_prefix(':'));
    match kinds.into_iter().next() {
        Some(rest) if !rest.contains(':') => Ok((text, None)),
        Some(rest) => {
            let (name, port) = crate::why::split_port(rest).map_err(Failure::Usage)?;
            Ok((&text[..text.len() - rest.len() + name.len()], port))
        }
        None => crate::why::split_port(text).map_err(Failure::Usage),
    }
}

fn target(text: &str) -> Result<Target, Failure> {
    let (name, port) = split(text)?;
    Ok(match port {
        Some(port) => (name.to_owned(), Protocol::TCP, port),
        None => (name.to_owned(), Protocol::ICMP, 0),
    })
}
