//! `vpcsim why`: why one conversation is blocked, or why it is allowed.

use crate::args::{FixForm, Global, WhyArgs, WhyOutput};
use crate::{Failure, Status, network, output, render, why_line};
use std::net::{IpAddr, Ipv4Addr};
use vpcsim_engine::base::ids::VpcIx;
use vpcsim_engine::base::{Nanos, Protocol};
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::fix::{self, Remedy, fix, fix_name};
use vpcsim_engine::explain::{Outcome, Question, Variations, ask, ask_established, ask_on, resolve, size, vary};
use vpcsim_engine::fabric::PublicOwner;

/// Where every VPC's resolver answers (SVC-2).
const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);

pub(crate) fn why(args: &WhyArgs, global: &Global) -> Result<Status, Failure> {
    let idle = match &args.idle {
        Some(text) => Some(text.parse::<Nanos>().map_err(Failure::Usage)?),
        None => args.established.then_some(Nanos::ZERO),
    };
    let asked = match &args.line {
        Some(_) => None,
        None => Some(typed(args)?),
    };
    let loaded = network::load(&args.topology, global)?;
    let network = &loaded.network;
    let Typed { source, destination, protocol, src_port, port, note } = match asked {
        Some(asked) => asked,
        None => of_line(network, args)?,
    };
    let meant = resolve(network, &source, &destination).map_err(|e| Failure::Usage(e.to_string()))?;
    let (from, to) = (meant.from, meant.to);
    let protocol = if protocol == Protocol::ICMP && to.is_ipv6() { Protocol::ICMPV6 } else { protocol };
    let mut question = Question { from, to, protocol, src_port, dst_port: port.unwrap_or(0) };
    let mut notes: Vec<String> = note.into_iter().collect();
    let mut name_error = None;
    if let Some((eni, found)) = &meant.lookup {
        let vpc = network.fabric.enis[*eni].vpc;
        // The name comes first: if its resolver is not to be had, nothing else is sent.
        let resolver =
            Question { to: RESOLVER.into(), protocol: Protocol::UDP, src_port: None, dst_port: 53, ..question };
        if question.from.address().is_ipv4() && !fix::passes(network, &ask(network, &resolver)) {
            (question, name_error) = (resolver, Some(destination.clone()));
        } else {
            let others = found.iter().filter(|address| address.is_ipv4() == to.is_ipv4());
            let passes = |address: &IpAddr| fix::passes(network, &ask(network, &Question { to: *address, ..question }));
            // A client takes any of them: the answer is about one that fails, if there is one.
            let (fine, failing): (Vec<IpAddr>, Vec<IpAddr>) = others.partition(|address| passes(address));
            question.to = failing.first().copied().unwrap_or(to);
            notes.push(looked_up(network, &destination, vpc, found));
            notes.extend(of_several(question.to, &fine, &failing));
        }
    }
    let mut explanation = match idle {
        Some(idle) => ask_established(network, &question, idle),
        None => ask(network, &question),
    };
    let on = idle.is_none().then(|| ask_on(network, &question, &explanation)).flatten();
    let stalls = on.is_some();
    if let Some(on) = on {
        explanation = on;
        notes.push("the handshake passes; what is shown is the packet after it".to_owned());
    }
    let more = render::explanation::More {
        size: size(network, &question, &explanation),
        vary: if idle.is_none() && !stalls { vary(network, &question, &explanation) } else { Variations::default() },
        idle,
        notes,
        name_error,
        stalls,
        verbose: global.verbose > 0,
    };
    let asked = render::explanation::Asked { from: &source, to: &destination };
    let wanted = args.fix != FixForm::Off && !stalls && !fix::passes(network, &explanation);
    // For a connection that exists the question is what became of it.
    let remedy = (wanted && idle.is_none()).then(|| {
        let by_name = match (&meant.lookup, &more.name_error) {
            (Some(_), None) => fix_name(&loaded.spec, network, &question, &source, &destination),
            _ => None,
        };
        by_name.map_or_else(|| fix(&loaded.spec, network, &question), |fix| Remedy::Change(Box::new(fix)))
    });
    let text = match args.output {
        WhyOutput::Text => {
            let mut text = render::explanation::text(&loaded, &asked, &explanation, &more);
            if let Some(remedy) = &remedy {
                text.push_str(&render::fix::text(&loaded, remedy, question.protocol, args.fix));
            }
            text
        }
        WhyOutput::Json => render::explanation_json::json(&loaded, &asked, &explanation, &more, remedy.as_ref()),
        WhyOutput::ReachabilityAnalyzer => render::insights::json(&loaded, &explanation),
    };
    output::print(text.as_bytes())?;
    Ok(match explanation.outcome {
        // It works for some and not for others.
        _ if explanation.depends_on_choice() || more.vary.depends_on_port() => Status::Finding,
        _ if more.size.is_some_and(|size| size.hangs()) => Status::Finding,
        Outcome::Open | Outcome::Reply => Status::Done,
        Outcome::Closed | Outcome::NoReply => Status::Finding,
        Outcome::Unknown => Status::NotModelled,
    })
}

/// What the resolver of a VPC answers, in a sentence. That a name is a public address of elsewhere is worth knowing.
fn looked_up(network: &Network, name: &str, vpc: VpcIx, found: &[IpAddr]) -> String {
    let (fabric, names) = (&network.fabric, &network.names);
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    let owner = |address: &IpAddr| match address {
        IpAddr::V4(public) => fabric.public_v4.get(public).map(|binding| binding.owner),
        IpAddr::V6(_) => None,
    };
    let public = found.iter().find_map(|address| match owner(address)? {
        PublicOwner::Eni { eni, private } if fabric.enis[eni].vpc != vpc => Some(format!(
            ", the public address of {} ({private}): DNS resolution over a peering or a transit gateway would give the private one",
            names.eni_text(fabric, eni)
        )),
        _ => None,
    });
    let public = public.unwrap_or_default();
    format!("the resolver of vpc {} answers {} for {name}{public}", names.vpcs[vpc].short(), all.join(", "))
}

/// Which of a name's addresses the answer is about, and how the others end.
fn of_several(asked: IpAddr, fine: &[IpAddr], failing: &[IpAddr]) -> Option<String> {
    let list = |all: &[IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (fine, failing) {
        (fine, []) if fine.len() > 1 => Some(format!("asked about {asked}; all of them are reached")),
        ([], failing) if failing.len() > 1 => Some(format!("asked about {asked}; none of them is reached")),
        ([_, ..], [_, ..]) => Some(format!(
            "asked about {asked}: whether the client gets there depends on the address it takes; {} fails, {} does not",
            list(failing),
            list(fine)
        )),
        _ => None,
    }
}

/// What was asked.
struct Typed {
    source: String,
    destination: String,
    protocol: Protocol,
    src_port: Option<u16>,
    port: Option<u16>,
    note: Option<String>,
}

/// The question of the command line.
fn typed(args: &WhyArgs) -> Result<Typed, Failure> {
    let text = args.destination.clone().unwrap_or_default();
    let (destination, port) = split_port(&text).map_err(Failure::Usage)?;
    let protocol: Protocol = match &args.protocol {
        Some(text) => text.parse().map_err(Failure::Usage)?,
        None if port.is_some() => Protocol::TCP,
        None => Protocol::ICMP,
    };
    if protocol.has_ports() && port.is_none() {
        return Err(Failure::Usage(format!("a {protocol} question needs a port: `{text}:443`")));
    }
    if !protocol.has_ports() && port.is_some() {
        return Err(Failure::Usage(format!("{protocol} has no ports: ask for `{destination}`")));
    }
    let source = args.source.clone().unwrap_or_default();
    let note = unbracketed(&text);
    Ok(Typed { source, destination: destination.to_owned(), protocol, src_port: args.src_port, port, note })
}

/// `2001:db8::1:443` is an address, though its writer may have meant a port.
fn unbracketed(text: &str) -> Option<String> {
    text.parse::<std::net::Ipv6Addr>().ok()?;
    let (address, port) = text.rsplit_once(':')?;
    let meant = address.parse::<std::net::Ipv6Addr>().is_ok() && port.parse::<u16>().is_ok();
    meant.then(|| format!("{text} was read as an address; with a port write [{address}]:{port}"))
}

/// The question of a line of a flow log or of tcpdump.
fn of_line(network: &Network, args: &WhyArgs) -> Result<Typed, Failure> {
    let told = why_line::read(network, args.line.as_deref().unwrap_or_default(), args.format.as_deref())?;
    let begun = told.begun();
    let ports = begun.protocol.has_ports();
    let note =
        told.reply.then(|| "the line tells of a reply: the question is the conversation that it belongs to".to_owned());
    Ok(Typed {
        source: begun.src.to_string(),
        destination: begun.dst.to_string(),
        protocol: begun.protocol,
        src_port: ports.then_some(begun.src_port),
        port: ports.then_some(begun.dst_port),
        note,
    })
}

/// Splits `db-1:5432`, `10.0.0.1:443`, `[2600:1f18::1]:443`; an address or a name alone has no port.
pub(crate) fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let port_of = |port: &str| {
        port.parse::<u16>().map_err(|_| format!("`{port}` in `{text}` is not a port; ports go from 0 to 65535"))
    };
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return Err(format!("`{text}` opens a bracket and does not close it; write `[2600:1f18::1]:443`"));
        };
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port_of(port)?))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(format!("`{rest}` behind the bracket in `{text}` is not a port; write `[2600:1f18::1]:443`")),
        };
    }
    match text.rsplit_once(':') {
        _ if text.parse::<std::net::Ipv6Addr>().is_ok() => Ok((text, None)),
        Some((name, port)) => Ok((name, Some(port_of(port)?))),
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::split_port;

    #[test]
    fn ports_are_found_behind_names_and_addresses() {
        for (text, want) in [
            ("db-1:5432", Ok(("db-1", Some(5432)))),
            ("db-1", Ok(("db-1", None))),
            ("10.0.0.1:443", Ok(("10.0.0.1", Some(443)))),
            ("2600:1f18::1", Ok(("2600:1f18::1", None))),
            ("[2600:1f18::1]:443", Ok(("2600:1f18::1", Some(443)))),
            ("[2600:1f18::1]", Ok(("2600:1f18::1", None))),
        ] {
            assert_eq!(split_port(text), want);
        }
        assert_eq!(super::unbracketed("2600:1f18::1"), None);
        let note = super::unbracketed("2600:1f18::1:443").expect("it may be meant so");
        assert!(note.ends_with("[2600:1f18::1]:443"), "{note}");
        for bad in ["db-1:http", "db-1:65536", "[::1", "[::1]x"] {
            assert!(split_port(bad).is_err(), "{bad}");
        }
    }
}
