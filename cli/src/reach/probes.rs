//! Probes from a CSV file, as people keep them for nmap and ping.

use crate::input::Source;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::Network;
use vpcsim_engine::diag::{Diagnostic, FileIx, Span, nearest};
use vpcsim_engine::explain::{Origin, Question, QuestionError, resolve_origin};

/// Probes a file may hold.
const PROBES_MAX: usize = 10_000_000;
const WORDS: [&str; 5] = ["open", "closed", "reply", "no_reply", "unknown"];

/// One line of the probe file.
pub(super) struct Probe {
    pub(super) src: String,
    pub(super) dst: String,
    pub(super) protocol: String,
    pub(super) dst_port: String,
    pub(super) expect: String,
    pub(super) question: Result<Question, QuestionError>,
}

/// Reads the probe file; every bad line is a diagnostic.
pub(super) fn read_probes(network: &Network, source: &Source) -> (Vec<Probe>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut probes = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(source.bytes.as_slice());
    let place = |line: u64| Span { file: FileIx(0), line: u32::try_from(line).unwrap_or(u32::MAX), column: 1, len: 1 };
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(e) => return (probes, vec![Diagnostic::error("bad-csv", place(1), format!("not a CSV file: {e}"))]),
    };
    let column = |name: &str| headers.iter().position(|h| h.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let columns = ["src", "dst", "protocol", "dst_port"].map(column);
    let [Some(src), Some(dst), Some(protocol), dst_port] = columns else {
        let message =
            "the first line must name the columns `src`, `dst`, `protocol`, `dst_port` and, if you like, `expect`";
        let found: Vec<&str> = headers.iter().collect();
        return (
            probes,
            vec![Diagnostic::error("bad-csv", place(1), message).help(format!("it names: {}", found.join(", ")))],
        );
    };
    let expect = column("expect");
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                let line = e.position().map_or(1, csv::Position::line);
                diagnostics.push(Diagnostic::error("bad-csv", place(line), format!("not a CSV line: {e}")));
                continue;
            }
        };
        let at = place(record.position().map_or(1, csv::Position::line));
        let get = |column: Option<usize>| column.and_then(|c| record.get(c)).unwrap_or("").to_owned();
        let mut probe = Probe {
            src: get(Some(src)),
            dst: get(Some(dst)),
            protocol: get(Some(protocol)),
            dst_port: get(dst_port),
            expect: get(expect),
            question: Err(QuestionError::Unknown { name: String::new(), near: None }),
        };
        if let Err(message) = complete(network, &mut probe) {
            diagnostics.push(Diagnostic::error("bad-probe", at, message));
        }
        probes.push(probe);
        if probes.len() > PROBES_MAX {
            diagnostics.push(Diagnostic::error(
                "too-large",
                at,
                format!("a probe file holds at most {PROBES_MAX} probes"),
            ));
            break;
        }
    }
    (probes, diagnostics)
}

/// Makes the question of a probe, or says what is wrong with the line.
fn complete(network: &Network, probe: &mut Probe) -> Result<(), String> {
    if probe.src.is_empty() || probe.dst.is_empty() || probe.protocol.is_empty() {
        return Err("`src`, `dst` and `protocol` must not be empty".to_owned());
    }
    if !probe.expect.is_empty() && !WORDS.contains(&probe.expect.as_str()) {
        let near = nearest(&probe.expect, WORDS).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("`{}` is not a result; write {}{near}", probe.expect, WORDS.join(", ")));
    }
    let protocol: Protocol = probe.protocol.parse()?;
    let dst_port = match probe.dst_port.as_str() {
        "" if protocol.has_ports() => return Err(format!("a {protocol} probe needs `dst_port`")),
        "" => 0,
        text => text.parse().map_err(|_| format!("`{text}` is not a port; ports go from 0 to 65535"))?,
    };
    probe.question = match resolve_origin(network, &probe.src, &probe.dst) {
        Ok((from, to)) => Ok(question(from, to, protocol, dst_port)),
        // Names that mean nothing are mistakes; addresses that nobody has any more are findings.
        Err(e @ (QuestionError::NobodyHas { .. } | QuestionError::NoCommonFamily { .. })) => Err(e),
        Err(e @ QuestionError::Ambiguous { .. }) if probe.src.parse::<std::net::IpAddr>().is_ok() => Err(e),
        Err(e) => return Err(e.to_string()),
    };
    Ok(())
}

/// `icmp` between IPv6 addresses means ICMPv6.
pub(super) fn question(from: Origin, to: std::net::IpAddr, protocol: Protocol, dst_port: u16) -> Question {
    let protocol =
        if protocol.is_icmp() { if to.is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMP } } else { protocol };
    Question { from, to, protocol, src_port: None, dst_port }
}
