//! `vpcsim reach`: many probes from a file, or a matrix.

use crate::args::{Global, ReachArgs, TableOutput};
use crate::input::{self, Source};
use crate::{Failure, Status, network, output, progress, render};
use vpcsim_engine::analyse;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::Network;
use vpcsim_engine::diag::{Diagnostic, FileIx, Span, nearest};
use vpcsim_engine::explain::{Explanation, Outcome, Question, QuestionError, resolve_origin};

/// Probes a file may hold.
const PROBES_MAX: usize = 10_000_000;
const WORDS: [&str; 5] = ["open", "closed", "reply", "no_reply", "unknown"];

/// One line of the probe file.
struct Probe {
    src: String,
    dst: String,
    protocol: String,
    dst_port: String,
    expect: String,
    question: Result<Question, QuestionError>,
}

/// One line of the result.
struct Line {
    result: Outcome,
    code: &'static str,
    dropped_at: String,
    /// The result does not contradict what was expected.
    as_expected: bool,
}

pub(crate) fn reach(args: &ReachArgs, global: &Global) -> Result<Status, Failure> {
    let loaded = network::load(&args.topology, global)?;
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
        None => matrix(network, &args.from, &args.to)?,
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
        TableOutput::Csv => csv_text(&probes, &lines),
        TableOutput::Json => json_text(&probes, &lines),
        TableOutput::Text => table(&probes, &lines),
    };
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

/// Reads the probe file; every bad line is a diagnostic.
fn read_probes(network: &Network, source: &Source) -> (Vec<Probe>, Vec<Diagnostic>) {
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
fn question(from: vpcsim_engine::explain::Origin, to: std::net::IpAddr, protocol: Protocol, dst_port: u16) -> Question {
    let protocol =
        if protocol.is_icmp() { if to.is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMP } } else { protocol };
    Question { from, to, protocol, src_port: None, dst_port }
}

/// Every source to every destination: `--from` and `--to`, or all instances and hosts of sites and what listens on them.
fn matrix(network: &Network, from: &[String], to: &[String]) -> Result<Vec<Probe>, Failure> {
    let hosts = || {
        let sites = network
            .fabric
            .internet_hosts
            .iter_enumerated()
            .filter(|(host, _)| network.fabric.vantage_of(*host).is_some());
        let sites = sites.map(|(host, _)| &network.names.internet_hosts[host]);
        network.names.guests.iter().chain(sites).map(|label| label.id.clone()).collect::<Vec<_>>()
    };
    let sources = if from.is_empty() { hosts() } else { from.to_vec() };
    let targets: Vec<(String, Protocol, u16)> =
        if to.is_empty() { listeners(network) } else { to.iter().map(|t| target(t)).collect::<Result<_, _>>()? };
    let mut probes = Vec::new();
    for src in &sources {
        for (dst, protocol, port) in &targets {
            if src == dst {
                continue;
            }
            let (from, to) = match resolve_origin(network, src, dst) {
                Ok(ends) => ends,
                Err(QuestionError::NoCommonFamily { .. }) => continue,
                Err(e) => return Err(Failure::Usage(e.to_string())),
            };
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

fn listeners(network: &Network) -> Vec<(String, Protocol, u16)> {
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

fn target(text: &str) -> Result<(String, Protocol, u16), Failure> {
    let (name, port) = crate::why::split_port(text).map_err(Failure::Usage)?;
    Ok(match port {
        Some(port) => (name.to_owned(), Protocol::TCP, port),
        None => (name.to_owned(), Protocol::ICMP, 0),
    })
}

fn csv_text(probes: &[Probe], lines: &[Line]) -> String {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    let mut write = |record: [&str; 8]| out.write_record(record).expect("memory takes everything");
    write(["src", "dst", "protocol", "dst_port", "expect", "result", "code", "dropped_at"]);
    for (p, l) in probes.iter().zip(lines) {
        write([&p.src, &p.dst, &p.protocol, &p.dst_port, &p.expect, l.result.word(), l.code, &l.dropped_at]);
    }
    String::from_utf8(out.into_inner().expect("memory takes everything")).expect("made of text")
}

fn json_text(probes: &[Probe], lines: &[Line]) -> String {
    let none = |text: &str| if text.is_empty() { serde_json::Value::Null } else { text.into() };
    let rows: Vec<_> = probes
        .iter()
        .zip(lines)
        .map(|(p, l)| {
            serde_json::json!({
                "src": p.src, "dst": p.dst, "protocol": p.protocol, "dst_port": p.dst_port.parse::<u16>().ok(),
                "expect": none(&p.expect), "result": l.result.word(), "code": none(l.code), "dropped_at": none(&l.dropped_at),
                "as_expected": l.as_expected,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::json!({ "format_version": 1, "summary": summary(lines), "probes": rows }))
}

fn summary(lines: &[Line]) -> serde_json::Value {
    let count = |outcome: Outcome| lines.iter().filter(|l| l.result == outcome).count();
    serde_json::json!({
        "probes": lines.len(), "open": count(Outcome::Open), "closed": count(Outcome::Closed), "reply": count(Outcome::Reply),
        "no_reply": count(Outcome::NoReply), "unknown": count(Outcome::Unknown),
        "unexpected": lines.iter().filter(|l| !l.as_expected).count(),
    })
}

fn table(probes: &[Probe], lines: &[Line]) -> String {
    let with_expect = probes.iter().any(|p| !p.expect.is_empty());
    let mut rows = vec![vec![
        "src".to_owned(),
        "dst".into(),
        "protocol".into(),
        "result".into(),
        "code".into(),
        "dropped at".into(),
    ]];
    for (p, l) in probes.iter().zip(lines) {
        let port = if p.dst_port.is_empty() { p.protocol.clone() } else { format!("{}/{}", p.protocol, p.dst_port) };
        let mark = if l.as_expected { String::new() } else { format!(" (expected {})", p.expect) };
        rows.push(vec![
            p.src.clone(),
            p.dst.clone(),
            port,
            format!("{}{mark}", l.result.word()),
            l.code.to_owned(),
            l.dropped_at.clone(),
        ]);
    }
    let widths: Vec<usize> = (0..6).map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        out.push_str(render::clean(line.join("  ").trim_end()).as_str());
        out.push('\n');
    }
    let s = summary(lines);
    let unexpected = if with_expect { format!(", {} not as expected", s["unexpected"]) } else { String::new() };
    out.push_str(&format!(
        "\n{} probes: {} open, {} closed, {} reply, {} no reply, {} unknown{unexpected}\n",
        s["probes"], s["open"], s["closed"], s["reply"], s["no_reply"], s["unknown"]
    ));
    out
}
