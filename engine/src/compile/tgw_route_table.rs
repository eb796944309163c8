//! Route tables of transit gateways: associations, propagations, static routes, and who wins.

use super::context::{Context, label};
use crate::base::ids::{TgwAttachIx, TgwIx, TgwRtbIx};
use crate::base::{Cidr, IndexVec};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{Fabric, TgwAttachKind, TgwRoute, TgwRouteIx, TgwRtb, TgwTarget};
use crate::names::RowText;
use crate::spec::{RouteOrigin, Spanned, TransitGatewayRoute, TransitGatewayRouteTable};
use crate::verdict::{Row, RowIx, RowKind};
use std::collections::BTreeMap;

/// Ranks of routes with equal prefixes: lower wins (TGW-11).
pub(super) const STATIC: u8 = 0;
pub(super) const PREFIX_LIST: u8 = 1;
pub(super) const FROM_VPC: u8 = 2;
pub(super) const FROM_DXGW: u8 = 3;
pub(super) const FROM_CONNECT: u8 = 4;
pub(super) const FROM_VPN: u8 = 5;
/// Learnt, as an export tells, and nobody knows of whom.
const FROM_OTHER: u8 = 6;

/// A table before it has learnt anything from sites.
pub(super) struct TgwDraft {
    pub(super) index: TgwRtbIx,
    pub(super) tgw: TgwIx,
    all: Vec<Candidate>,
    propagating: Vec<(TgwAttachIx, Span)>,
}

impl TgwDraft {
    /// Whether an attachment lets it learn.
    pub(super) fn propagates(&self, attach: TgwAttachIx) -> bool {
        self.propagating.iter().any(|(p, _)| *p == attach)
    }
    /// The routes that it has and that can take traffic: block and rank.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (Cidr, u8)> + '_ {
        self.all.iter().filter(|c| c.active && c.rank != FROM_OTHER).map(|c| (c.to, c.rank))
    }
}

struct Candidate {
    to: Cidr,
    rank: u8,
    target: TgwTarget,
    active: bool,
    row: RowIx,
    span: Span,
}

impl Context {
    pub(super) fn tgw_route_tables(&mut self) {
        let tables = std::mem::take(&mut self.spec.transit_gateway_route_tables);
        let mut default: [BTreeMap<TgwIx, TgwRtbIx>; 2] = [BTreeMap::new(), BTreeMap::new()];
        let mut kept: Vec<(&Spanned<String>, &TransitGatewayRouteTable, TgwIx)> = Vec::new();
        for (name, table) in &tables {
            let Some(tgw) = self.tgw_named(&table.transit_gateway) else { continue };
            let index = self.names.tgw_rtbs.push(label(name, table.name_tag.as_ref()));
            kept.push((name, table, tgw));
            for (flag, defaults) in [table.default_association, table.default_propagation].into_iter().zip(&mut default)
            {
                if flag && let Some(other) = defaults.insert(tgw, index) {
                    let message = format!("transit gateway `{}` has two default route tables", table.transit_gateway);
                    let span = self.names.tgw_rtbs[other].span;
                    self.problem(Diagnostic::error("second-default", name.span, message).note(span, "the other one"));
                }
            }
            self.associations(index, tgw, table);
        }
        let [association, propagation] = default;
        for attach in self.fabric.tgw_attaches.indices() {
            let a = &self.fabric.tgw_attaches[attach];
            if a.rtb.is_none() && self.uses_default(a.tgw, true) {
                let rtb = association.get(&a.tgw).copied();
                self.fabric.tgw_attaches[attach].rtb = rtb;
            }
        }
        let mut drafts = Vec::new();
        for (n, (name, table, tgw)) in kept.into_iter().enumerate() {
            let index = TgwRtbIx(n as u32);
            let is_default = propagation.get(&tgw) == Some(&index) && self.uses_default(tgw, false);
            drafts.push(self.tgw_draft(index, tgw, name, table, is_default));
        }
        self.spec.transit_gateway_route_tables = tables;
        let mut learnt = self.converge(&drafts);
        for draft in drafts {
            let more = learnt.tgw_rtbs.remove(&draft.index).unwrap_or_default();
            let compiled = self.tgw_table(draft, more);
            self.fabric.tgw_rtbs.push(compiled);
        }
        self.learnt_by_vgws = learnt.vgws;
    }

    /// TGW-7: the options of the transit gateway.
    fn uses_default(&self, tgw: TgwIx, association: bool) -> bool {
        self.spec.transit_gateways.get(self.names.tgws[tgw].id.as_str()).is_some_and(|t| {
            let option =
                if association { t.default_route_table_association } else { t.default_route_table_propagation };
            option.unwrap_or(true)
        })
    }

    /// TGW-3: at most one table routes what comes by an attachment.
    fn associations(&mut self, index: TgwRtbIx, tgw: TgwIx, table: &TransitGatewayRouteTable) {
        for name in &table.associations {
            if self.ids.not_modelled.contains_key(name.value.as_str()) {
                continue;
            }
            let Some(attach) = self.attachment_named(name, Some(tgw)) else { continue };
            if let Some(other) = self.fabric.tgw_attaches[attach].rtb.replace(index) {
                let other = self.names.tgw_rtbs[other].clone();
                let message = format!("attachment `{name}` is associated with `{}` already", other.id);
                self.problem(
                    Diagnostic::error("second-association", name.span, message)
                        .note(other.span, "the other table")
                        .help("an attachment is associated with one table; it may propagate into many"),
                );
            }
        }
    }

    fn tgw_draft(
        &mut self,
        index: TgwRtbIx,
        tgw: TgwIx,
        name: &Spanned<String>,
        table: &TransitGatewayRouteTable,
        is_default: bool,
    ) -> TgwDraft {
        let mut all: Vec<Candidate> = Vec::new();
        for route in &table.routes {
            self.static_route(&mut all, index, tgw, route);
        }
        self.tgw_duplicates(name, &all);
        let mut propagating: Vec<(TgwAttachIx, Span)> = Vec::new();
        for written in &table.propagations {
            if !self.ids.not_modelled.contains_key(written.value.as_str())
                && let Some(attach) = self.attachment_named(written, Some(tgw))
            {
                propagating.push((attach, written.span));
            }
        }
        for attach in self.fabric.tgw_attaches.indices() {
            let a = &self.fabric.tgw_attaches[attach];
            if is_default && a.tgw == tgw && !propagating.iter().any(|(p, _)| *p == attach) {
                propagating.push((attach, Span::NONE));
            }
        }
        propagating.sort_unstable();
        for (attach, span) in propagating.iter().copied() {
            self.propagate(&mut all, index, attach, span);
        }
        TgwDraft { index, tgw, all, propagating }
    }

    /// The table, with what it has learnt from sites.
    fn tgw_table(&mut self, draft: TgwDraft, learnt: Vec<(Cidr, u8, TgwTarget, String)>) -> TgwRtb {
        let TgwDraft { index, tgw, mut all, propagating } = draft;
        // What an export shows as learnt is replaced by what the sites that are described tell.
        let described = propagating.iter().any(|(attach, _)| self.is_described(*attach));
        if described {
            all.retain(|c| c.rank != FROM_OTHER || !self.is_of_described(&c.target));
        }
        for (to, rank, mut target, says) in learnt {
            let mut span = Span::NONE;
            if let TgwTarget::Tunnels(legs) = &mut target {
                // Those whose BGP is not spoken share with those whose is, if the path is one.
                let asn = asn_of(&self.fabric, legs[0]);
                let silent = all.iter().filter(|c| c.to == to && c.rank == FROM_CONNECT);
                let silent = silent.filter_map(|c| match &c.target {
                    TgwTarget::Tunnels(other) if asn_of(&self.fabric, other[0]) == asn => Some(other),
                    _ => None,
                });
                let mut both: Vec<(TgwAttachIx, u32)> = silent.flatten().chain(legs.iter()).copied().collect();
                both.sort_unstable();
                let is_silent = |c: &Candidate| matches!(&c.target, TgwTarget::Tunnels(o) if both.contains(&o[0]));
                all.retain(|c| !(c.to == to && c.rank == FROM_CONNECT && is_silent(c)));
                span = propagating.iter().find(|(attach, _)| *attach == both[0].0).map_or(span, |(_, span)| *span);
                *legs = both.into();
            }
            let text = RowText { name: to.to_string(), says, span };
            let row = self.written_row(Row::plain(RowKind::TgwRoute, index.0), text);
            all.push(Candidate { to, rank, target, active: true, row, span });
        }
        let none = self.row(Row::plain(RowKind::TgwRouteNone, index.0));
        // Stable: of equals the first one is in force (TGW-14).
        all.sort_by_key(|c| (c.to, c.rank));
        let mut routes: IndexVec<TgwRouteIx, TgwRoute> = IndexVec::new();
        let mut usable: Vec<(Cidr, TgwRouteIx)> = Vec::new();
        for c in all {
            let at = routes.push(TgwRoute { to: c.to, target: c.target, active: c.active, row: c.row });
            if usable.last().is_none_or(|(to, _)| *to != c.to) {
                usable.push((c.to, at));
            }
        }
        TgwRtb { tgw, routes, v4: super::vpc::lpm(&usable), v6: super::vpc::lpm(&usable), none }
    }

    /// True for the attachment of a site that is described.
    fn is_described(&self, attach: TgwAttachIx) -> bool {
        match &self.fabric.tgw_attaches[attach].kind {
            TgwAttachKind::Vpn(tunnels) => tunnels.iter().any(|t| self.fabric.tunnels[*t].router.is_some()),
            TgwAttachKind::Dxgw(dxgw) => self.fabric.dxgws[*dxgw].complete,
            _ => false,
        }
    }

    fn is_of_described(&self, target: &TgwTarget) -> bool {
        matches!(target, TgwTarget::Attach(attach) if self.is_described(*attach))
    }

    fn tgw_duplicates(&mut self, name: &str, all: &[Candidate]) {
        let mut seen: BTreeMap<Cidr, Span> = BTreeMap::new();
        for c in all.iter().filter(|c| c.rank == STATIC) {
            if let Some(other) = seen.insert(c.to, c.span) {
                let message = format!("route table `{name}` has two static routes to {}", c.to);
                self.problem(Diagnostic::error("duplicate-route", c.span, message).note(other, "the other one"));
            }
        }
    }

    fn static_route(
        &mut self,
        out: &mut Vec<Candidate>,
        rtb: TgwRtbIx,
        tgw: TgwIx,
        route: &Spanned<TransitGatewayRoute>,
    ) {
        let Some((blocks, list)) = self.destination(&route.to) else { return };
        let learnt = matches!(route.origin, Some(RouteOrigin::Propagated | RouteOrigin::Advertised));
        let (target, usable) = match (&route.via, route.blackhole) {
            (None, true) => (TgwTarget::Nowhere, false),
            (Some(via), blackhole) => match self.tgw_target(tgw, via, learnt) {
                Some((target, usable)) => (target, usable && !blackhole),
                None => return,
            },
            (None, false) => {
                let message = format!("the route to `{}` leads nowhere", route.to);
                self.problem(
                    Diagnostic::error("missing-field", route.span, message)
                        .help("add `via: ...`, an attachment, or `blackhole: true`"),
                );
                return;
            }
        };
        let via = route.via.as_ref().map_or("", |via| via.value.as_str());
        let says = match (via, usable) {
            ("", _) => "blackhole".to_owned(),
            (via, true) => via.to_owned(),
            (via, false) => format!("{via} (blackhole)"),
        };
        let kind = if usable { RowKind::TgwRoute } else { RowKind::TgwRouteBlackhole };
        let text = RowText { name: route.to.value.clone(), says, span: route.span };
        let row = self.written_row(Row::plain(kind, rtb.0), text);
        let rank = match (learnt, list) {
            (true, _) => FROM_OTHER,
            (false, true) => PREFIX_LIST,
            (false, false) => STATIC,
        };
        for to in blocks {
            out.push(Candidate { to, rank, target: target.clone(), active: usable, row, span: route.span });
        }
    }

    /// Where a written route leads, and whether that can take traffic (TGW-12).
    fn tgw_target(&mut self, tgw: TgwIx, via: &Spanned<String>, learnt: bool) -> Option<(TgwTarget, bool)> {
        if let Some(nm) = self.ids.not_modelled.get(via.value.as_str()) {
            return Some((TgwTarget::NotModelled(*nm), true));
        }
        let attach = self.attachment_named(via, Some(tgw))?;
        let a = &self.fabric.tgw_attaches[attach];
        let available = a.available;
        let TgwAttachKind::Connect { tunnels, .. } = &a.kind else {
            return Some((TgwTarget::Attach(attach), available));
        };
        if !learnt {
            let message = format!("a Connect attachment such as `{via}` takes no static routes");
            self.problem(
                Diagnostic::error("route-target", via.span, message)
                    .help("its peers announce prefixes: `advertises` of the peer, and a propagation of the attachment"),
            );
            return None;
        }
        // An export tells that the route was learnt, not from which peer: any of them.
        let legs: Box<[(TgwAttachIx, u32)]> = (0..tunnels.len() as u32).map(|n| (attach, n)).collect();
        Some((if legs.is_empty() { TgwTarget::Attach(attach) } else { TgwTarget::Tunnels(legs) }, available))
    }

    /// What an attachment lets a table learn.
    fn propagate(&mut self, out: &mut Vec<Candidate>, rtb: TgwRtbIx, attach: TgwAttachIx, span: Span) {
        let a = self.fabric.tgw_attaches[attach].clone();
        if !a.available {
            return;
        }
        let via = self.names.tgw_attaches[attach].id.clone();
        match a.kind {
            TgwAttachKind::Vpc { vpc, .. } => {
                let ipv6 =
                    self.spec.transit_gateway_vpc_attachments.get(via.as_str()).is_some_and(|w| w.ipv6 == Some(true));
                for to in self.fabric.vpcs[vpc].blocks.clone() {
                    // TGW-15: IPv6 blocks only with the option.
                    if to.is_v4() || ipv6 {
                        self.learn(out, rtb, to, FROM_VPC, TgwTarget::Attach(attach), &via, span);
                    }
                }
            }
            TgwAttachKind::Connect { tunnels, .. } => {
                let mut by_block: BTreeMap<(Cidr, u32), Vec<(TgwAttachIx, u32)>> = BTreeMap::new();
                // What is spoken comes later.
                for (n, tunnel) in tunnels.iter().enumerate().filter(|(_, tunnel)| tunnel.bgp.is_none()) {
                    for block in &tunnel.advertises {
                        by_block.entry((*block, tunnel.asn)).or_default().push((attach, n as u32));
                    }
                }
                for ((to, asn), legs) in by_block {
                    // TGW-24, BGP-6: equal routes of several Connect attachments share the traffic, if the path is one.
                    let fabric = &self.fabric;
                    let equal = out.iter_mut().filter(|c| c.to == to && c.rank == FROM_CONNECT);
                    let equal = equal.filter_map(|c| match &mut c.target {
                        TgwTarget::Tunnels(other) if asn_of(fabric, other[0]) == Some(asn) => Some(other),
                        _ => None,
                    });
                    if let Some(other) = equal.into_iter().next() {
                        *other = other.iter().copied().chain(legs).collect();
                    } else {
                        self.learn(out, rtb, to, FROM_CONNECT, TgwTarget::Tunnels(legs.into()), &via, span);
                    }
                }
            }
            // TGW-6: static routes only. What sites tell comes later.
            TgwAttachKind::Peering(_) | TgwAttachKind::Vpn(_) | TgwAttachKind::Dxgw(_) => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one route")]
    fn learn(
        &mut self,
        out: &mut Vec<Candidate>,
        rtb: TgwRtbIx,
        to: Cidr,
        rank: u8,
        target: TgwTarget,
        via: &str,
        span: Span,
    ) {
        // TGW-14: of two VPCs with one block only the first is learnt; AWS says nothing, so we warn.
        if rank == FROM_VPC
            && let Some(first) = out.iter().find(|c| c.to == to && c.rank == FROM_VPC)
        {
            let message = format!("{to} of `{via}` is not propagated: another attachment has propagated it already");
            let first = first.span;
            self.warn(
                Diagnostic::warning("not-propagated", span, message)
                    .note(first, "the other propagation")
                    .help("two VPCs with the same block cannot both be reached through one route table"),
            );
            return;
        }
        let text = RowText { name: to.to_string(), says: format!("{via} (propagated)"), span };
        let row = self.written_row(Row::plain(RowKind::TgwRoute, rtb.0), text);
        out.push(Candidate { to, rank, target, active: true, row, span });
    }
}

/// The autonomous system behind a tunnel of a Connect attachment.
fn asn_of(fabric: &Fabric, (connect, n): (TgwAttachIx, u32)) -> Option<u32> {
    match &fabric.tgw_attaches[connect].kind {
        TgwAttachKind::Connect { tunnels, .. } => tunnels.get(n as usize).map(|tunnel| tunnel.asn),
        _ => None,
    }
}
