//! A question from what a person has at hand: a line of a flow log, or of tcpdump.

use crate::Failure;
use std::net::IpAddr;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::Network;
use vpcsim_engine::record::flow_log::read::{Line, Reader};
use vpcsim_engine::record::flow_log::{Field, Format};

/// Ports from here on are more likely a client's than a service's (GST-4).
const EPHEMERAL_FROM: u16 = 32_768;

/// A packet that a line tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) protocol: Protocol,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    /// True if it answers another: the other one is the question.
    pub(crate) reply: bool,
}

impl Told {
    /// The conversation, from who began it.
    pub(crate) const fn begun(self) -> Self {
        if !self.reply {
            return self;
        }
        Self { src: self.dst, dst: self.src, src_port: self.dst_port, dst_port: self.src_port, ..self }
    }
}

/// What a line says; the format is that of a flow log's line, AWS's default one if none is given.
pub(crate) fn read(network: &Network, line: &str, format: Option<&str>) -> Result<Told, Failure> {
    let line = line.trim();
    if let Some(told) = tcpdump(line) {
        return Ok(told);
    }
    let format = match format {
        Some(text) => Format::parse(text).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::Usage(format!("--format: {}", all.join("; ")))
        })?,
        None => Format::default_vpc(),
    };
    let mut reader = Reader::of_format(format);
    let row = match reader.line(line) {
        Ok(Line::Record(row)) => row,
        Ok(Line::Nothing) => return Err(not_a_line("it is empty, or a header")),
        Err(e) => return Err(not_a_line(&e.what.to_string())),
    };
    let address = |fields: [Field; 2]| fields.into_iter().find_map(|field| row.address(field));
    let src = address([Field::PktSrcAddr, Field::SrcAddr]);
    let dst = address([Field::PktDstAddr, Field::DstAddr]);
    let protocol = row.number(Field::Protocol).and_then(|n| u8::try_from(n).ok());
    let (Some(src), Some(dst), Some(protocol)) = (src, dst, protocol) else {
        return Err(not_a_line("it tells of no flow: addresses or protocol are missing"));
    };
    let port = |field| row.number(field).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
    let (src_port, dst_port) = (port(Field::SrcPort), port(Field::DstPort));
    let protocol = Protocol(protocol);
    let reply = protocol.has_ports() && answers(network, (src, src_port), (dst, dst_port), protocol);
    Ok(Told { src, dst, protocol, src_port, dst_port, reply })
}

fn not_a_line(why: &str) -> Failure {
    Failure::Usage(format!(
        "that is neither a line of tcpdump nor of a flow log in AWS's default format: {why}; `--format` says another format"
    ))
}

/// True if the packet is an answer: its sender listens on its port and the receiver does not, or only the receiver's port is
/// an ephemeral one.
fn answers(network: &Network, src: (IpAddr, u16), dst: (IpAddr, u16), protocol: Protocol) -> bool {
    let listens = |(address, port): (IpAddr, u16)| {
        let fabric = &network.fabric;
        let eni = fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(address))?;
        fabric.guests[fabric.enis[eni].guest()?].listens(protocol, port)
    };
    match (listens(src), listens(dst)) {
        (Some(true), Some(false)) => true,
        (_, Some(true)) => false,
        _ => src.1 < EPHEMERAL_FROM && dst.1 >= EPHEMERAL_FROM,
    }
}

/// `12:00:00.000000 IP 10.0.1.10.46883 > 10.0.2.20.5432: Flags [S], seq 1, ...`, with whatever stands in front of `IP`.
fn tcpdump(line: &str) -> Option<Told> {
    let mut words = line.split_whitespace().skip_while(|word| !matches!(*word, "IP" | "IP6"));
    let v6 = words.next()? == "IP6";
    // With -v the header stands in brackets between.
    let rest: Vec<&str> = words.collect();
    let at = rest.iter().position(|word| *word == ">")?;
    let (src, dst) = (*rest.get(at.checked_sub(1)?)?, rest.get(at + 1)?.strip_suffix(':')?);
    let text = rest.get(at + 2..).unwrap_or_default().join(" ");
    let icmp = text.starts_with("ICMP");
    let ((src, src_port), (dst, dst_port)) = (end(src, v6)?, end(dst, v6)?);
    let protocol = match (icmp, v6) {
        (true, true) => Protocol::ICMPV6,
        (true, false) => Protocol::ICMP,
        _ if text.starts_with("Flags") => Protocol::TCP,
        _ if src_port.is_some() => Protocol::UDP,
        _ => return None,
    };
    let flags = text.strip_prefix("Flags [").and_then(|rest| rest.split(']').next()).unwrap_or_default();
    let (src_port, dst_port) = (src_port.unwrap_or(0), dst_port.unwrap_or(0));
    let reply = match protocol {
        Protocol::TCP if flags.starts_with('S') => flags.contains('.'),
        Protocol::ICMP | Protocol::ICMPV6 => text.contains("echo reply"),
        _ => src_port < EPHEMERAL_FROM && dst_port >= EPHEMERAL_FROM,
    };
    Some(Told { src, dst, protocol, src_port, dst_port, reply })
}

/// `10.0.1.10.46883`, `2600:1f18::1.443`, or an address alone.
fn end(text: &str, v6: bool) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, None));
    }
    let (address, port) = text.rsplit_once('.')?;
    let address: IpAddr = address.parse().ok()?;
    (address.is_ipv6() == v6).then_some((address, port.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_tcpdump_are_read() {
        let told = |line: &str| {
            tcpdump(line).map(|t| (t.src.to_string(), t.src_port, t.dst.to_string(), t.dst_port, t.protocol.0, t.reply))
        };
        let of = |a: &str, p, b: &str, q, protocol, reply| Some((a.to_owned(), p, b.to_owned(), q, protocol, reply));
        assert_eq!(
            told("12:00:00.000001 IP 10.0.1.10.46883 > 10.0.2.20.5432: Flags [S], seq 1, win 64240, length 0"),
            of("10.0.1.10", 46883, "10.0.2.20", 5432, 6, false)
        );
        assert_eq!(
            told("12:00:00.000001 eth0 In  IP 10.0.2.20.5432 > 10.0.1.10.46883: Flags [S.], seq 1, ack 2, length 0"),
            of("10.0.2.20", 5432, "10.0.1.10", 46883, 6, true)
        );
        assert_eq!(
            told("IP6 2600:1f18::1.40000 > 2600:1f18::2.53: 1+ A? example.com. (29)"),
            of("2600:1f18::1", 40000, "2600:1f18::2", 53, 17, false)
        );
        assert_eq!(
            told("IP 10.0.1.10 > 10.0.2.20: ICMP echo request, id 1, seq 1, length 64"),
            of("10.0.1.10", 0, "10.0.2.20", 0, 1, false)
        );
        assert_eq!(told("2 111122223333 eni-1 10.0.1.10 10.0.2.20 46883 5432 6 1 40 0 0 REJECT OK"), None);
        assert_eq!(told("IP nonsense > 10.0.0.1.5: Flags [S]"), None);
    }
}
