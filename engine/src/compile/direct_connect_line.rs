//! The lines of Direct Connect: connections, and link aggregation groups of them.
//!
//! A virtual interface is on a connection or on a group; to it both are a line with a router at the other end. A group
//! is up while enough of its connections are (DX-82). MACsec is a property of a line that decides nothing (DX-86).
//!
//! Not modelled: LACP itself, so a connection that loses packets stays a member; a connection that moves between groups.

use super::DEFAULT_REGION;
use super::context::{Context, label};
use crate::base::ids::{LagIx, RouterIx};
use crate::base::rng::salt;
use crate::base::{Bandwidth, Nanos};
use crate::diag::Diagnostic;
use crate::fabric::{Lag, LagLink};
use crate::names::RowText;
use crate::spec::{DirectConnectConnection, DirectConnectLag, LinkSpec, Name, Named, Spanned, VirtualInterfaceType};
use crate::verdict::{LinkIx, Row, RowKind};
use std::collections::BTreeMap;

/// One-way latency of a connection that names none (aws-hybrid 9.1).
const LATENCY: Nanos = Nanos::from_millis(1);
/// Bandwidth of a connection that names none.
const BANDWIDTH: Bandwidth = Bandwidth::gbps(1);
/// Bandwidths of dedicated connections in Gbps (DX-84).
const DEDICATED: [u64; 4] = [1, 10, 100, 400];
/// Bandwidths of hosted connections in Mbps (DX-84).
const HOSTED: [u64; 11] = [50, 100, 200, 300, 400, 500, 1_000, 2_000, 5_000, 10_000, 25_000];
/// Virtual interfaces of a dedicated connection: private and public ones, transit ones, all (DX-85).
const INTERFACES: [usize; 3] = [50, 4, 51];

/// What carries virtual interfaces.
pub(super) struct Line {
    /// The router at the other end, if it is described.
    pub(super) router: Option<RouterIx>,
    /// The cable; of a group the first one that is up.
    pub(super) link: LinkIx,
    pub(super) lag: Option<LagIx>,
    pub(super) up: bool,
}

type Member<'a> = (&'a Name, &'a DirectConnectConnection);

impl Context {
    /// Every connection and every group, by name.
    pub(super) fn direct_connect_lines(
        &mut self,
        connections: &Named<DirectConnectConnection>,
    ) -> BTreeMap<String, Line> {
        let mut lines: BTreeMap<String, Line> = BTreeMap::new();
        for (name, connection) in connections {
            let router = connection.router.as_ref().and_then(|router| self.router_named(router));
            self.check_connection(name, connection);
            let bandwidth = Some(connection.bandwidth.unwrap_or(BANDWIDTH));
            let spec = LinkSpec { latency: connection.latency, bandwidth, loss: connection.loss, queue_bytes: None };
            let link = self.named_link(name.value.clone(), spec, LATENCY);
            let up = connection.up.unwrap_or(true);
            lines.insert(name.value.clone(), Line { router, link, lag: None, up });
        }
        let lags = std::mem::take(&mut self.spec.direct_connect_lags);
        for lag in connections.values().filter_map(|c| c.lag.as_ref()) {
            if !lags.contains_key(lag.value.as_str()) {
                let known: Vec<&str> = lags.keys().map(|n| n.value.as_str()).collect();
                self.unknown(lag, "link aggregation group", &known);
            }
        }
        for (name, lag) in &lags {
            let of = |c: &DirectConnectConnection| c.lag.as_ref().is_some_and(|lag| lag.value == name.value);
            let members: Vec<Member<'_>> = connections.iter().filter(|(_, c)| of(c)).collect();
            self.check_lag(name, lag, &members);
            let index = self.fabric.lags.next_index();
            let none = self.row(Row::plain(RowKind::LagNoLink, index.0));
            let mut links = Vec::new();
            for (member, _) in members.iter().filter(|(member, _)| lines[member.value.as_str()].up) {
                let text = RowText { name: member.value.clone(), says: String::new(), span: member.span };
                let row = self.written_row(Row::plain(RowKind::LagLink, index.0), text);
                links.push(LagLink { link: lines[member.value.as_str()].link, salt: salt(&member.value), row });
            }
            let first = links.first().map(|l| l.link).or(members.first().map(|(m, _)| lines[m.value.as_str()].link));
            let link = first.unwrap_or_else(|| self.named_link(name.value.clone(), LinkSpec::default(), LATENCY));
            let router = members.iter().find_map(|(member, _)| lines[member.value.as_str()].router);
            // DX-82.
            let up = links.len() as u64 >= lag.minimum_links.map_or(0, |n| n.value).into();
            self.fabric.lags.push(Lag { links: links.into(), none });
            self.names.lags.push(label(name, lag.name_tag.as_ref()));
            lines.insert(name.value.clone(), Line { router, link, lag: Some(index), up });
        }
        self.spec.direct_connect_lags = lags;
        lines
    }

    /// DX-84, DX-86.
    fn check_connection(&mut self, name: &Name, connection: &DirectConnectConnection) {
        let bandwidth = connection.bandwidth.unwrap_or(BANDWIDTH);
        let hosted = connection.hosted == Some(true);
        let (sold, help) = match hosted {
            true => (HOSTED.contains(&(bandwidth.0 / 1_000_000)), "hosted connections have 50 Mbps to 25 Gbps"),
            false => (
                DEDICATED.contains(&(bandwidth.0 / 1_000_000_000)),
                "dedicated ones have 1, 10, 100 or 400 Gbps; write `hosted: true` for 50 Mbps to 25 Gbps",
            ),
        };
        let odd = !bandwidth.0.is_multiple_of(if hosted { 1_000_000 } else { 1_000_000_000 });
        if !sold || odd {
            let kind = if hosted { "hosted" } else { "dedicated" };
            let message = format!("`{name}`: AWS has no {kind} connection of {bandwidth}");
            self.problem(Diagnostic::error("connection-bandwidth", name.span, message).help(help));
        }
        if connection.macsec == Some(true) && (hosted || bandwidth < Bandwidth::gbps(10)) {
            let message = format!("`{name}` cannot have MACsec");
            self.problem(
                Diagnostic::error("macsec", name.span, message)
                    .help("AWS has it on dedicated connections of 10, 100 and 400 Gbps"),
            );
        }
        if hosted && let Some(lag) = &connection.lag {
            let message = format!("`{name}` is hosted, and in a link aggregation group");
            self.problem(
                Diagnostic::error("lag-members", lag.span, message).help("a group is of dedicated connections only"),
            );
        }
    }

    /// DX-80, DX-82.
    fn check_lag(&mut self, name: &Name, lag: &DirectConnectLag, members: &[Member<'_>]) {
        let bandwidth = |c: &DirectConnectConnection| c.bandwidth.unwrap_or(BANDWIDTH);
        let Some((first, one)) = members.first() else { return };
        let most = if bandwidth(one) >= Bandwidth::gbps(100) { 2 } else { 4 };
        if members.len() > most {
            let message =
                format!("`{name}` has {} connections of {}, AWS allows {most}", members.len(), bandwidth(one));
            self.problem(Diagnostic::error("lag-members", name.span, message));
        }
        if let Some(least) = lag.minimum_links
            && u64::from(least.value) > members.len() as u64
        {
            let message = format!("`{name}` needs {least} connections that are up, and has {}", members.len());
            self.warn(Diagnostic::warning("minimum-links", least.span, message).help("it is down, whatever is up"));
        }
        let told = |region: &Option<Spanned<String>>| region.as_ref().map(|r| r.value.clone());
        let location = lag.location.clone().or_else(|| one.location.clone());
        let region = told(&lag.region).or_else(|| told(&one.region));
        for (member, c) in members {
            let place = |own: &Option<String>, other: &Option<String>| own.is_some() && other.is_some() && own != other;
            let differs = if bandwidth(c) != bandwidth(one) {
                Some("bandwidth")
            } else if place(&c.location, &location) || place(&told(&c.region), &region) {
                Some("location")
            } else if place(&c.device, &one.device) {
                Some("device")
            } else if place(&told(&c.router), &told(&one.router)) {
                Some("router")
            } else {
                None
            };
            if let Some(what) = differs {
                let message = format!("`{member}` has another {what} than the rest of `{name}`");
                self.problem(
                    Diagnostic::error("lag-members", member.span, message).note(first.span, "one of the rest").help(
                        "a group is of connections with one bandwidth, between one device of AWS's and one router",
                    ),
                );
            }
        }
    }

    /// DX-85. A real account has what it has.
    pub(super) fn direct_connect_quotas(&mut self) {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for vif in self.spec.virtual_interfaces.values() {
            let (others, transit) = counts.entry(vif.connection.value.as_str()).or_default();
            *(if vif.kind == VirtualInterfaceType::Transit { transit } else { others }) += 1;
        }
        let mut over = Vec::new();
        let lines = self.spec.direct_connect_connections.iter().map(|(name, c)| (name, c.hosted == Some(true)));
        for (name, hosted) in lines.chain(self.spec.direct_connect_lags.keys().map(|name| (name, false))) {
            let (others, transit) = counts.get(name.value.as_str()).copied().unwrap_or_default();
            let [most_others, most_transit, most] = if hosted { [1, 1, 1] } else { INTERFACES };
            for (count, most, what) in [
                (others, most_others, "private and public virtual interfaces"),
                (transit, most_transit, "transit virtual interfaces"),
                (others + transit, most, "virtual interfaces"),
            ] {
                if count > most {
                    over.push((name.span, format!("{what} of `{name}`: {count}, AWS allows {most}")));
                    break;
                }
            }
        }
        for (span, message) in over {
            let found = Diagnostic::warning("quota", span, message);
            self.warn(found.help("AWS does not raise this one: use another connection"));
        }
    }

    /// The Region of the location of a connection or a group.
    pub(super) fn region_of_line(&self, line: &str) -> &str {
        let spec = &self.spec;
        let connection = spec.direct_connect_connections.get(line).or_else(|| {
            let of = |c: &&DirectConnectConnection| c.lag.as_ref().is_some_and(|lag| lag.value == line);
            spec.direct_connect_connections.values().find(of)
        });
        let own = spec.direct_connect_lags.get(line).and_then(|lag| lag.region.as_ref());
        let own = own.or_else(|| connection.and_then(|c| c.region.as_ref()));
        own.or(spec.region.as_ref()).map_or(DEFAULT_REGION, |region| region.value.as_str())
    }
}
