//! The answer to "why", for people; `explanation_json` is for programs.
//!
//! Form: the verdict, what the client sees, both ways with a bar where one stops, the deciding row, the
//! other blockers, what a flow log would hold. Nothing here decides; it reads an [`Explanation`].

use super::notes::{advice, caveats, records, untold};
use crate::network::Loaded;
use std::fmt::Write;
use vpcsim_engine::base::Nanos;
use vpcsim_engine::base::ids::{MirrorSessionIx, TgwAttachIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{
    End, Explanation, Leg, Origin, Outcome, Part, Size, Symptom, Variations, explanation_code, symptom as symptom_of,
};
use vpcsim_engine::fabric::MirrorTarget;
use vpcsim_engine::verdict::{RowIx, RowKind, Stage, Step, code_of};
use vpcsim_engine::wire::Headers;

/// What the user typed.
pub(crate) struct Asked<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

/// What was asked beside the explanation.
pub(crate) struct More {
    /// What packets may measure.
    pub(crate) size: Option<Size>,
    /// The question is about a connection that exists and was idle for so long.
    pub(crate) idle: Option<Nanos>,
    /// The same from other source ports and in other zones.
    pub(crate) vary: Variations,
    /// What to know of the question.
    pub(crate) notes: Vec<String>,
    /// The name whose look-up the explanation is about, if that fails already.
    pub(crate) name_error: Option<String>,
    /// The handshake passes, and the explanation is about the packet after it, which does not.
    pub(crate) stalls: bool,
    /// Headers where they change.
    pub(crate) verbose: bool,
}

/// The place of a row in one phrase without its text: `network_acl acl-1 outbound *`.
pub(crate) fn place(network: &Network, by: RowIx) -> String {
    let (names, fabric) = (&network.names, &network.fabric);
    let kind = names.row_resource_kind(fabric, by);
    if kind == "not_modelled" {
        return names.row_text(fabric, by);
    }
    let mut out = format!("{kind} {}", names.row_resource_id(fabric, by));
    if matches!(kind, "network_acl" | "security_group" | "network_interface" | "traffic_mirror_filter") {
        let _ = write!(out, " {}", fabric.rows[by].dir.word());
    }
    let name = names.row_name(fabric, by);
    if !name.is_empty() {
        let _ = write!(out, " {name}");
    }
    out
}

/// The answer as text.
pub(crate) fn text(loaded: &Loaded, asked: &Asked<'_>, e: &Explanation, more: &More) -> String {
    let network = &loaded.network;
    let mut out = String::new();
    let word = match e.outcome {
        _ if e.depends_on_choice() || more.vary.depends_on_port() => "depends",
        _ if more.stalls => "hangs",
        _ if matches!(symptom_of(network, e, more.size.as_ref(), more.idle.is_some()), Symptom::Hangs { .. }) => {
            "hangs"
        }
        Outcome::Open | Outcome::Reply => "reachable",
        Outcome::Closed => "refused",
        Outcome::NoReply => "blocked",
        Outcome::Unknown => "unknown",
    };
    let _ = writeln!(out, "{word}  {} -> {}  {}", source(network, asked, e), target(network, asked, e), what(e));
    let _ = writeln!(out, "{}\n", symptom(network, e, more));
    if e.inside_guest {
        let _ = writeln!(out, "  both ends are in one guest: its kernel answers, no interface is crossed\n");
    } else {
        way(&mut out, network, Part::Request, &e.request, Nanos::ZERO);
        for (_, copy) in &e.copies {
            way(&mut out, network, Part::Request, copy, e.request.latency);
        }
        if let Some(reply) = &e.reply {
            way(&mut out, network, Part::Reply, reply, e.request.latency);
        }
        for (session, copy) in &e.mirrored {
            let to = format!("copy by {}", network.names.mirror_sessions[*session].short());
            let _ = writeln!(out, "  {:<9} {to}: {}", "mirrored", chain(network, copy, Nanos::ZERO));
        }
        out.push('\n');
    }
    decided(&mut out, loaded, e);
    out.push_str(&super::detail::text(loaded, e, more));
    out.push_str(&super::hint::choices(loaded, e));
    out.push_str(&super::vary::text(network, &more.vary));
    let caveats = caveats(network, e);
    let advice = advice(network, e, more);
    for caveat in more.notes.iter().chain(&advice).chain(&caveats) {
        let _ = writeln!(out, "  note         {caveat}");
    }
    let records = records(network, e);
    let untold = untold(network, e, records.len());
    for (n, record) in records.into_iter().chain(untold).enumerate() {
        let _ = writeln!(out, "  {}{}", if n == 0 { "flow log     " } else { "             " }, record);
    }
    super::clean(&out)
}

fn source(network: &Network, asked: &Asked<'_>, e: &Explanation) -> String {
    match e.question.from {
        Origin::Eni { eni, address } => named(asked.from, &network.names.enis[eni].id, &address.to_string()),
        Origin::Internet { address } => named(asked.from, "internet", &address.to_string()),
        Origin::Site { host, address } => {
            named(asked.from, &network.names.internet_hosts[host].id, &address.to_string())
        }
    }
}

fn target(_: &Network, asked: &Asked<'_>, e: &Explanation) -> String {
    named(asked.to, "", &e.question.to.to_string())
}

/// `web-1 (eni-0a, 10.0.1.10)`, each thing once.
fn named(typed: &str, id: &str, address: &str) -> String {
    let more: Vec<&str> = [id, address].into_iter().filter(|s| !s.is_empty() && *s != typed).collect();
    if more.is_empty() { typed.to_owned() } else { format!("{typed} ({})", more.join(", ")) }
}

fn what(e: &Explanation) -> String {
    let q = &e.question;
    let word = q.protocol.to_string();
    match q.protocol.has_ports() {
        true => format!("{word}/{}", q.dst_port),
        // One that has only its number.
        false if word.bytes().all(|b| b.is_ascii_digit()) => format!("protocol {word}"),
        false => word,
    }
}

/// What the client's system call or command says.
pub(super) fn symptom(network: &Network, e: &Explanation, more: &More) -> String {
    let sees = |text: &str| format!("the client sees: {text}");
    if more.stalls {
        return sees("connect() succeeds, and then it hangs: what is sent is not acknowledged");
    }
    if let Some(name) = &more.name_error {
        return sees(&format!("a name error: nobody answers what {name} is"));
    }
    if more.vary.depends_on_port() && !e.depends_on_choice() {
        let (bad, all) = more.vary.failing_ports();
        return format!("it depends on the client's source port: {bad} of {all} fail");
    }
    match symptom_of(network, e, more.size.as_ref(), more.idle.is_some()) {
        Symptom::Depends => super::hint::shares(e),
        Symptom::Unknown => {
            let why = e.decided_by.map(|(_, by)| network.names.row_text(&network.fabric, by)).unwrap_or_default();
            format!("it cannot be said: {why}")
        }
        Symptom::Connects { .. } if more.idle.is_some() => sees("the connection goes on"),
        Symptom::Connects { supposed: true } => sees("connect() succeeds if something listens, else it is refused"),
        Symptom::Connects { supposed: false } => sees("connect() succeeds"),
        Symptom::Hangs { over, part } => {
            let whose = if part == Part::Request { "packets" } else { "answers in packets" };
            sees(&format!(
                "connect() succeeds, and then it hangs: {whose} over {over} bytes are lost and the sender is not told"
            ))
        }
        Symptom::Answers => sees("an answer, if the other side sends one"),
        Symptom::Echo => sees("the echo reply"),
        Symptom::Refused => sees("connect() is refused at once (RST)"),
        Symptom::PortUnreachable => sees("port unreachable"),
        Symptom::TimesOut { syns, after } => {
            sees(&format!("connect() times out after {} s ({syns} SYNs, no reply)", after.0 / 1_000_000_000))
        }
        Symptom::Reset => sees("the next write is answered with a reset"),
        Symptom::Stalls => sees("the connection stalls: what is sent is not acknowledged"),
        Symptom::NoEcho => sees("no echo reply: 100% packet loss"),
        Symptom::Silence => sees("no answer"),
    }
}

/// One way as a line.
fn way(out: &mut String, network: &Network, part: Part, leg: &Leg, started: Nanos) {
    let none = if part == Part::Request && leg.steps.is_empty() { "-" } else { "" };
    let _ = writeln!(out, "  {:<9} {none}{}", part.word(), chain(network, leg, started));
}

/// A way as a chain, with a bar around what stops it.
fn chain(network: &Network, leg: &Leg, started: Nanos) -> String {
    let mut stops: Vec<String> = Vec::new();
    for step in &leg.steps {
        let stop = stop(network, step);
        if !stop.is_empty() && stops.last() != Some(&stop) {
            stops.push(stop);
        }
    }
    let refused = leg.steps.last().is_some_and(|step| !step.decision.allow);
    let stops = circles(stops);
    let at = started + leg.latency;
    let end = match leg.end {
        End::Delivered(_) => format!("delivered at {at}"),
        End::Served(..) if refused => format!("dropped at {at}"),
        End::Served(..) => format!("answered on the host at {at}"),
        End::Exited => format!("on the internet at {at}"),
        End::AtSite(host) => format!("delivered to {} at {at}", network.names.internet_hosts[host].id),
        End::AtService(host, _) => format!("at {} at {at}", network.names.internet_hosts[host].id),
        End::Replicated(..) => format!("copied to the group's members at {at}"),
        End::AtSpeaker(speaker) => {
            let line = network.fabric.speakers[speaker].line;
            format!("taken at {at} by the end of {}", network.line_name(line))
        }
        End::Taken(_) => format!("taken at {at}"),
        End::Dropped(_) => format!("dropped at {at}"),
    };
    format!("{}    {end}", stops.join(" > "))
}

/// What comes again and again, as of a packet that runs in a circle, once: `(a > b) x 30`.
fn circles(stops: Vec<String>) -> Vec<String> {
    const FEWEST: usize = 3;
    let mut out = Vec::with_capacity(stops.len());
    let mut rest = &stops[..];
    while !rest.is_empty() {
        let times = |n: usize| rest.chunks_exact(n).take_while(|turn| *turn == &rest[..n]).count();
        let turn = (1..=rest.len() / FEWEST).find_map(|n| (times(n) >= FEWEST).then(|| (n, times(n))));
        let (used, text) = match turn {
            Some((n, times)) => (n * times, format!("({}) x {times}", rest[..n].join(" > "))),
            None => (1, rest[0].clone()),
        };
        out.push(text);
        rest = &rest[used..];
    }
    out
}

fn stop(network: &Network, step: &Step) -> String {
    let (names, fabric) = (&network.names, &network.fabric);
    let by = step.decision.by;
    if !step.decision.allow {
        return format!("| {} |", names.row_text(fabric, by));
    }
    let tracked = if step.tracked { " (tracked)" } else { "" };
    match step.stage {
        Stage::SgOut(eni) | Stage::SgIn(eni) => format!("sg {}{tracked}", names.groups_of(fabric, eni)),
        Stage::AclOut(_) | Stage::AclIn(_) => format!("acl {}", names.row_resource(fabric, by)),
        Stage::Route(_) | Stage::EdgeRoute => {
            let says = names.rows.get(by).map_or("", |row| row.says.as_str());
            format!("rtb {}: {says}", names.row_resource(fabric, by))
        }
        Stage::Igw => format!("igw {}{}", names.row_resource(fabric, by), rewritten(&step.before, &step.after)),
        Stage::Eigw => format!("eigw {}", names.row_resource(fabric, by)),
        Stage::Nat(_) => format!("nat {}{}", names.row_resource(fabric, by), rewritten(&step.before, &step.after)),
        Stage::Pcx(_) | Stage::Vpce(_) => names.row_text(fabric, by),
        Stage::Tgw(attach) => format!("tgw {}: {}", tgw_of(network, attach), names.tgw_attaches[attach].short()),
        Stage::TgwRoute(_) => {
            let says = names.rows.get(by).map_or("", |row| row.says.as_str());
            format!("tgw rtb {}: {says}", names.row_resource(fabric, by))
        }
        Stage::VpceService(service) => {
            format!("endpoint service {}{}", names.services[service].short(), rewritten(&step.before, &step.after))
        }
        Stage::Vgw(vgw) => format!("vgw {}{}", names.vgws[vgw].short(), route_text(network, by)),
        Stage::Dxgw(dxgw) => format!("dxgw {}{}", names.dxgws[dxgw].short(), route_text(network, by)),
        Stage::Public(region) => {
            format!("aws public network {}{}", names.publics[region].short(), route_text(network, by))
        }
        Stage::Router(router) => format!("router {}{}", names.routers[router].short(), route_text(network, by)),
        Stage::Mcast | Stage::Tunnel(_) | Stage::Vif(_) | Stage::Lag(_) => names.row_text(fabric, by),
        Stage::Cvpn(_) => names.row_text(fabric, by) + &rewritten(&step.before, &step.after),
        Stage::CvpnClient(_) | Stage::CvpnRule(_) | Stage::CvpnRoute(_) => names.row_text(fabric, by),
        Stage::Mirror(session) => mirrored(network, session, by),
        Stage::Guest(eni) => names.eni_text(fabric, eni),
        Stage::Service(_) => "link-local service".to_owned(),
        Stage::SourceCheck(_)
        | Stage::DestCheck(_)
        | Stage::Bpa
        | Stage::Address
        | Stage::InternetHost
        | Stage::NotModelled => String::new(),
    }
}

/// `mirror web-to-ids (rule 100) to ids-1`; nothing where a session does not mirror the packet.
fn mirrored(network: &Network, session: MirrorSessionIx, by: RowIx) -> String {
    let (names, fabric) = (&network.names, &network.fabric);
    let why = match fabric.rows[by].kind {
        RowKind::MirrorAccept => format!("rule {}", names.row_name(fabric, by)),
        RowKind::MirrorDns => names.row_name(fabric, by).to_owned(),
        _ => return String::new(),
    };
    let target = match fabric.mirror_sessions[session].target {
        MirrorTarget::Eni(eni) => names.eni_text(fabric, eni),
        MirrorTarget::NotModelled(row) => names.row_resource(fabric, row).to_owned(),
    };
    format!("mirror {} ({why}) to {target}", names.mirror_sessions[session].short())
}

/// `: vpn/1`, for a route of a gateway or a router.
fn route_text(network: &Network, by: RowIx) -> String {
    network.names.rows.get(by).map_or_else(String::new, |row| format!(": {}", row.says))
}

fn tgw_of(network: &Network, attach: TgwAttachIx) -> &str {
    network.names.tgws[network.fabric.tgw_attaches[attach].tgw].short()
}

/// ` [10.0.1.10 -> 198.51.100.5]`, for what a hop rewrites.
fn rewritten(before: &Headers, after: &Headers) -> String {
    let mut parts = Vec::new();
    if before.src != after.src {
        parts.push(format!("src {} -> {}", before.src, after.src));
    }
    if before.dst != after.dst {
        parts.push(format!("dst {} -> {}", before.dst, after.dst));
    }
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join(", ")) }
}

fn decided(out: &mut String, loaded: &Loaded, e: &Explanation) {
    let (names, fabric) = (&loaded.network.names, &loaded.network.fabric);
    if let Some((part, by)) = e.decided_by {
        let implied = if names.row_is_implied(by) { "  (implied)".to_owned() } else { written_at(loaded, by) };
        let _ = writeln!(
            out,
            "  decided by   {}, on the {}  {}{implied}",
            names.row_text(fabric, by),
            part.word(),
            code(&loaded.network, e, by)
        );
    }
    let others: Vec<_> = e.blockers.iter().filter(|b| Some((b.part, b.step.decision.by)) != e.decided_by).collect();
    for (n, blocker) in others.iter().enumerate() {
        let by = blocker.step.decision.by;
        let lead = if n == 0 { "also blocks  " } else { "             " };
        let _ = writeln!(
            out,
            "  {lead}{}, on the {}  {}{}",
            names.row_text(fabric, by),
            blocker.part.word(),
            code(&loaded.network, e, by),
            written_at(loaded, by)
        );
    }
    if e.outcome == Outcome::NoReply && others.is_empty() && !e.blockers.is_empty() {
        out.push_str("  also blocks  nothing\n");
    }
}

/// The code of a row in this answer.
pub(super) fn code(network: &Network, e: &Explanation, by: RowIx) -> &'static str {
    let step = e.blockers.iter().map(|blocker| &blocker.step).find(|step| step.decision.by == by);
    step.map_or_else(|| code_of(network.fabric.rows[by]), |step| explanation_code(network, e, step))
}

/// `  shop.yaml:41`.
pub(super) fn written_at(loaded: &Loaded, by: RowIx) -> String {
    let span = loaded.network.names.row_span(by);
    let source = loaded.sources.get(usize::from(span.file.0)).filter(|_| span.is_some());
    source.map_or_else(String::new, |source| format!("  {}:{}", source.name, span.line))
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn a_circle_is_said_once() {
        let of = |text: &str| circles(text.split(' ').map(str::to_owned).collect()).join(" ");
        assert_eq!(of("a b c"), "a b c");
        assert_eq!(of("a b c b c"), "a b c b c");
        assert_eq!(of("a b c b c b c d"), "a (b > c) x 3 d");
        assert_eq!(of("a b c b c b c b d d d d"), "a (b > c) x 3 b (d) x 4");
        assert_eq!(of("x"), "x");
    }
}
