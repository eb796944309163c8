//! Client VPN endpoints: target networks with their routes, authorization rules.
//!
//! Every target network has the VPC's own blocks, in the VPC's present form (CVPN-5); AWS's table follows a block that is added
//! later only when the network is associated again.

use super::context::{Context, also, label, position};
use crate::base::Cidr;
use crate::base::ids::{CvpnIx, SubnetIx, VpcIx};
use crate::base::rng::salt;
use crate::diag::Diagnostic;
use crate::fabric::{Cvpn, CvpnRoute, CvpnRule, CvpnTarget, EniKind, Lpm};
use crate::names::RowText;
use crate::spec::{self, Spanned};
use crate::verdict::{Dir, Row, RowKind};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The word for a route to other clients.
const LOCAL: &str = "local";
/// Sizes of a client CIDR (CVPN-8).
const CLIENT_CIDR: std::ops::RangeInclusive<u8> = 12..=22;
/// The smallest target network (CVPN-9).
const TARGET_LEN_MAX: u8 = 27;

/// Implied rows of an endpoint, in the order of `CvpnRow`.
const ROWS: [(RowKind, Dir); 11] = [
    (RowKind::CvpnEnter, Dir::In),
    (RowKind::CvpnState, Dir::In),
    (RowKind::CvpnOutside, Dir::In),
    (RowKind::CvpnIpv6, Dir::In),
    (RowKind::CvpnNoRule, Dir::In),
    (RowKind::CvpnNoRoute, Dir::In),
    (RowKind::CvpnTranslate, Dir::In),
    (RowKind::CvpnPorts, Dir::In),
    (RowKind::CvpnUnsolicited, Dir::In),
    (RowKind::CvpnNoClient, Dir::In),
    (RowKind::CvpnService, Dir::In),
];

impl Context {
    pub(super) fn client_vpn_endpoints(&mut self) {
        let endpoints = std::mem::take(&mut self.spec.client_vpn_endpoints);
        // Groups of all directories, by the number that rules and clients carry.
        let mut groups: Vec<String> = Vec::new();
        for (name, endpoint) in &endpoints {
            let Some(vpc) = self.vpc_named(&endpoint.vpc) else { continue };
            let index = self.fabric.cvpns.next_index();
            self.check_client_cidr(name, endpoint, vpc);
            let subnets = self.zonal_subnets(name, &endpoint.subnets, Some(vpc));
            self.check_targets(name, endpoint);
            self.check_routes(name, endpoint);
            let rows = self.row_block(index.0, &ROWS);
            let targets = self.targets(endpoint, (index, vpc), &subnets);
            let rules = self.rules(endpoint, index, &mut groups);
            let mut by_block: BTreeMap<Cidr, (u32, u32)> = BTreeMap::new();
            for (at, rule) in rules.iter().enumerate() {
                by_block.entry(rule.to).or_insert((at as u32, 0)).1 += 1;
            }
            let by_block: Vec<(Cidr, (u32, u32))> = by_block.into_iter().collect();
            // CVPN-6: full tunnel unless said otherwise.
            let pushed = endpoint.split_tunnel.unwrap_or(false).then(|| {
                let mut all: Vec<Cidr> = targets.iter().flat_map(|t| t.routes.iter().map(|route| route.to)).collect();
                all.sort_unstable();
                all.dedup();
                all.into()
            });
            self.fabric.cvpns.push(Cvpn {
                vpc,
                client_cidr: endpoint.client_cidr.value,
                available: endpoint.available.unwrap_or(true) && targets.iter().any(|target| target.up),
                pushed,
                targets: targets.into(),
                rules: rules.into(),
                rules_by_block: super::vpc::lpm(&by_block),
                clients: FxHashMap::default(),
                rows,
            });
            self.names.cvpns.push(label(name, endpoint.name_tag.as_ref()));
            self.ids.cvpns.insert(name.value.clone(), index);
        }
        self.client_vpn_clients(&endpoints, &mut groups);
        self.spec.client_vpn_endpoints = endpoints;
    }

    /// CVPN-8.
    fn check_client_cidr(&mut self, name: &str, endpoint: &spec::ClientVpnEndpoint, vpc: VpcIx) {
        let block = endpoint.client_cidr;
        if !block.is_v4() || !CLIENT_CIDR.contains(&block.len()) {
            let message = format!("a client CIDR is an IPv4 block from /12 to /22, `{block}` of `{name}` is not");
            self.problem(Diagnostic::error("client-cidr", block.span, message));
        }
        let blocks = self.fabric.vpcs[vpc].blocks.clone();
        if let Some(own) = blocks.iter().find(|own| own.overlaps(&block)) {
            let message = format!("client CIDR `{block}` of `{name}` overlaps block {own} of VPC `{}`", endpoint.vpc);
            self.problem(Diagnostic::error("client-cidr-overlap", block.span, message));
        }
        for route in endpoint.routes.iter().filter(|route| route.subnet.value != LOCAL && !route.to.is_all()) {
            if route.to.overlaps(&block) {
                let message = format!("route `{}` of `{name}` overlaps client CIDR `{block}`", route.to);
                self.problem(also(
                    Diagnostic::error("client-cidr-overlap", route.to.span, message),
                    block.span,
                    "the client CIDR",
                ));
            }
        }
    }

    /// CVPN-9.
    fn check_targets(&mut self, name: &Spanned<String>, endpoint: &spec::ClientVpnEndpoint) {
        if endpoint.security_groups.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("`{name}` needs a security group");
            self.problem(
                Diagnostic::error("no-security-group", name.span, message)
                    .help("leave `security_groups` out to have the VPC's default group"),
            );
        }
        for written in &endpoint.subnets {
            let Some(subnet) = self.ids.subnets.get(written.value.as_str()) else { continue };
            if self.fabric.subnets[*subnet].v4.is_none_or(|block| block.len() > TARGET_LEN_MAX) {
                let message = format!("a target network has an IPv4 block of at least /27, subnet `{written}` has not");
                self.problem(Diagnostic::error("target-network-size", written.span, message));
            }
        }
    }

    fn check_routes(&mut self, name: &str, endpoint: &spec::ClientVpnEndpoint) {
        let associated: Vec<String> = endpoint.subnets.iter().map(|s| s.value.clone()).collect();
        let rules = endpoint.authorization_rules.iter().map(|rule| rule.to);
        for to in endpoint.routes.iter().map(|route| route.to).chain(rules).filter(|to| !to.is_v4()) {
            let message = format!("`{to}` of `{name}`: Client VPN is modelled for IPv4 only");
            self.problem(Diagnostic::error("not-modelled", to.span, message));
        }
        for (n, route) in endpoint.routes.iter().enumerate() {
            let subnet = &route.subnet;
            if subnet.value == LOCAL {
                // CVPN-12.
                if route.to.value != endpoint.client_cidr.value {
                    let message = format!("a route to other clients is for the client CIDR {}", endpoint.client_cidr);
                    self.problem(Diagnostic::error("local-route", route.to.span, message));
                }
            } else if !associated.contains(&subnet.value) {
                if self.ids.subnets.contains_key(subnet.value.as_str()) {
                    self.not_associated(name, subnet, &associated);
                } else {
                    let known: Vec<&str> = associated.iter().map(String::as_str).chain([LOCAL]).collect();
                    self.unknown(subnet, "target network", &known);
                }
            }
            if let Some(first) = endpoint.routes[..n].iter().find(|r| r.to == route.to && r.subnet == *subnet) {
                let message = format!("`{name}` has route `{}` by `{subnet}` already", route.to);
                self.problem(also(
                    Diagnostic::error("duplicate-route", route.to.span, message),
                    first.to.span,
                    "the other one",
                ));
            }
        }
    }

    pub(super) fn not_associated(&mut self, endpoint: &str, subnet: &Spanned<String>, associated: &[String]) {
        let message = format!("subnet `{subnet}` is no target network of `{endpoint}`");
        let help = match associated {
            [] => format!("associate it: `subnets: [{subnet}]`"),
            list => format!("its target networks: {}", list.join(", ")),
        };
        self.problem(Diagnostic::error("not-associated", subnet.span, message).help(help));
    }

    /// The target networks that have an interface, each with its own copy of routes (CVPN-4).
    fn targets(
        &mut self,
        endpoint: &spec::ClientVpnEndpoint,
        (index, vpc): (CvpnIx, VpcIx),
        subnets: &[SubnetIx],
    ) -> Vec<CvpnTarget> {
        let mut out = Vec::new();
        for (_, eni) in self.managed(&endpoint.network_interfaces, subnets) {
            self.fabric.enis[eni].kind = EniKind::Cvpn(index);
            let subnet = self.fabric.enis[eni].subnet;
            let (id, zone) = (self.names.subnets[subnet].id.clone(), self.fabric.subnets[subnet].zone);
            let mut routes: Vec<CvpnRoute> = Vec::new();
            let blocks: Vec<Cidr> = self.fabric.vpcs[vpc].blocks.iter().copied().filter(Cidr::is_v4).collect();
            for to in blocks {
                let says = format!("{id} (the VPC's)");
                let text = RowText { name: to.to_string(), says, span: endpoint.vpc.span };
                let row = self.written_row(Row::plain(RowKind::CvpnRoute, index.0), text);
                routes.push(CvpnRoute { to, local: false, row });
            }
            let own = endpoint.routes.iter().filter(|r| r.subnet.value == id || r.subnet.value == LOCAL);
            for route in own.filter(|route| route.to.is_v4()) {
                let local = route.subnet.value == LOCAL;
                let says = if local { "other clients".to_owned() } else { id.clone() };
                let text = RowText { name: route.to.to_string(), says, span: route.span };
                let row = self.written_row(Row::plain(RowKind::CvpnRoute, index.0), text);
                routes.push(CvpnRoute { to: route.to.value, local, row });
            }
            // A written copy of the VPC's route says nothing new; the order is stable, so the VPC's comes first and counts.
            routes.sort_by_key(|route| route.to);
            let by_block: Vec<(Cidr, u32)> =
                routes.iter().enumerate().map(|(at, route)| (route.to, at as u32)).collect();
            let v4: Lpm<u32, u32> = super::vpc::lpm(&by_block);
            // An interface of an imported account may have no address.
            let (salt, up) = (salt(&id), !self.has_failed(zone) && self.fabric.enis[eni].v4.is_some());
            out.push(CvpnTarget { subnet, eni, salt, up, routes: routes.into(), v4 });
        }
        out
    }

    /// Authorization rules by block, in the order they are written (CVPN-3).
    fn rules(&mut self, endpoint: &spec::ClientVpnEndpoint, index: CvpnIx, groups: &mut Vec<String>) -> Vec<CvpnRule> {
        let mut out = Vec::new();
        let written = &endpoint.authorization_rules;
        for (n, rule) in written.iter().enumerate() {
            if let Some(first) = written[..n].iter().find(|other| other.to == rule.to && other.group == rule.group) {
                let message = format!("there is an authorization rule for `{}` and these clients already", rule.to);
                self.problem(also(
                    Diagnostic::error("duplicate-rule", rule.to.span, message),
                    first.to.span,
                    "the other one",
                ));
            }
        }
        for rule in written.iter().filter(|rule| rule.to.is_v4()) {
            let says =
                rule.group.as_ref().map_or_else(|| "for everybody".to_owned(), |group| format!("for group {group}"));
            let text = RowText { name: rule.to.to_string(), says, span: rule.span };
            let row = self.written_row(Row::plain(RowKind::CvpnRule, index.0), text);
            let group = rule.group.as_ref().map(|group| position(groups, group));
            out.push(CvpnRule { to: rule.to.value, group, row });
        }
        out.sort_by_key(|rule| rule.to);
        out
    }
}
