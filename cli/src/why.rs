//! `vpcsim why`: why one conversation is blocked, or why it is allowed.

use crate::args::{Global, Output, WhyArgs};
use crate::{Failure, Status, network, output, render};
use vpcsim_engine::base::Protocol;
use vpcsim_engine::explain::{Outcome, Question, ask, resolve_origin};

pub(crate) fn why(args: &WhyArgs, global: &Global) -> Result<Status, Failure> {
    let (destination, port) = split_port(&args.destination).map_err(Failure::Usage)?;
    let protocol: Protocol = match &args.protocol {
        Some(text) => text.parse().map_err(Failure::Usage)?,
        None if port.is_some() => Protocol::TCP,
        None => Protocol::ICMP,
    };
    if protocol.has_ports() && port.is_none() {
        return Err(Failure::Usage(format!("a {protocol} question needs a port: `{}:443`", args.destination)));
    }
    if !protocol.has_ports() && port.is_some() {
        return Err(Failure::Usage(format!("{protocol} has no ports: ask for `{destination}`")));
    }
    let loaded = network::load(&args.topology, global)?;
    let network = &loaded.network;
    let (from, to) = resolve_origin(network, &args.source, destination).map_err(|e| Failure::Usage(e.to_string()))?;
    let protocol = if protocol == Protocol::ICMP && to.is_ipv6() { Protocol::ICMPV6 } else { protocol };
    let question = Question { from, to, protocol, src_port: args.src_port, dst_port: port.unwrap_or(0) };
    let explanation = ask(network, &question);
    let asked = render::explanation::Asked { from: &args.source, to: destination };
    let text = match args.output {
        Output::Text => render::explanation::text(&loaded, &asked, &explanation),
        Output::Json => render::explanation_json::json(&loaded, &asked, &explanation),
    };
    output::print(text.as_bytes())?;
    Ok(match explanation.outcome {
        // It works for some and not for others.
        _ if explanation.depends_on_choice() => Status::Finding,
        Outcome::Open | Outcome::Reply => Status::Done,
        Outcome::Closed | Outcome::NoReply => Status::Finding,
        Outcome::Unknown => Status::NotModelled,
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
        for bad in ["db-1:http", "db-1:65536", "[::1", "[::1]x"] {
            assert!(split_port(bad).is_err(), "{bad}");
        }
    }
}
