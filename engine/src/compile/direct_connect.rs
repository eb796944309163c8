//! Direct Connect: virtual interfaces, gateways and associations. What carries the interfaces is in
//! `direct_connect_line`, AWS's public network in `direct_connect_public`, what each Region makes of a gateway in
//! `direct_connect_views`.
//!
//! Not modelled: several sessions of one interface, the lower MTU of static routes to a virtual private gateway.

use super::context::{Context, label, position};
use super::vpn::CUSTOMER_ASN;
use crate::base::Cidr;
use crate::base::ids::{DxgwIx, PublicIx};
use crate::base::rng::salt;
use crate::diag::{Diagnostic, Span};
use crate::fabric::{Dxgw, TgwAttachKind, Vif, VifEnd};
use crate::spec::{Spanned, VirtualInterface, VirtualInterfaceType};
use crate::verdict::{Dir, RowKind};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Implied rows of a Direct Connect gateway, in the order of `DxgwRow`.
const DXGW_ROWS: [(RowKind, Dir); 3] =
    [(RowKind::DxgwUnknown, Dir::In), (RowKind::DxgwNotJoined, Dir::In), (RowKind::DxgwMtu, Dir::In)];
/// Implied rows of a virtual interface, in the order of `VifRow`.
const VIF_ROWS: [(RowKind, Dir); 6] = [
    (RowKind::VifPass, Dir::In),
    (RowKind::VifMtu, Dir::In),
    (RowKind::VifDown, Dir::In),
    (RowKind::VifUnknown, Dir::In),
    (RowKind::VifSource, Dir::In),
    (RowKind::VifNotAws, Dir::In),
];

impl Context {
    pub(super) fn direct_connect_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.direct_connect_gateways);
        for (name, gateway) in &gateways {
            self.check_asn(gateway.asn.as_ref());
            let index = self.fabric.dxgws.next_index();
            let rows = self.row_block(index.0, &DXGW_ROWS);
            let fib = self.empty_fib(RowKind::DxgwRouteNone, index.0);
            self.fabric.dxgws.push(Dxgw { fib, views: Box::default(), complete: true, rows });
            self.names.dxgws.push(label(name, gateway.name_tag.as_ref()));
            self.ids.dxgws.insert(name.value.clone(), index);
        }
        self.spec.direct_connect_gateways = gateways;
        self.dxgw_associations();
    }

    fn dxgw_named(&mut self, name: &Spanned<String>) -> Option<DxgwIx> {
        if let Some(index) = self.ids.dxgws.get(name.value.as_str()) {
            return Some(*index);
        }
        let known: Vec<String> = self.ids.dxgws.keys().cloned().collect();
        self.unknown(name, "Direct Connect gateway", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }

    fn dxgw_associations(&mut self) {
        let associations = std::mem::take(&mut self.spec.direct_connect_gateway_associations);
        let mut kinds: BTreeMap<DxgwIx, (bool, Span)> = BTreeMap::new();
        let mut allowed: BTreeMap<DxgwIx, Vec<(Cidr, Span)>> = BTreeMap::new();
        for (name, association) in &associations {
            let dxgw = self.dxgw_named(&association.direct_connect_gateway);
            let by_tgw = match (&association.vpn_gateway, &association.transit_gateway) {
                (Some(vgw), None) => self.vgw_named(vgw).map(|_| false),
                (None, Some(tgw)) => self.tgw_named(tgw).map(|_| true),
                _ => {
                    let message = format!("`{name}` needs a `vpn_gateway` or a `transit_gateway`, one of them");
                    self.problem(Diagnostic::error("missing-field", name.span, message));
                    None
                }
            };
            let (Some(dxgw), Some(by_tgw)) = (dxgw, by_tgw) else { continue };
            // DX-3.
            let (first, other) = *kinds.entry(dxgw).or_insert((by_tgw, name.span));
            if first != by_tgw {
                let message = format!("`{}` has associations of both kinds", association.direct_connect_gateway);
                self.problem(
                    Diagnostic::error("association-kinds", name.span, message)
                        .note(other, "the other kind")
                        .help("a Direct Connect gateway has virtual private gateways or transit gateways, never both"),
                );
            }
            if by_tgw {
                // DX-4: lists of transit gateways must not overlap.
                let lists = allowed.entry(dxgw).or_default();
                let mut clashes = Vec::new();
                for prefix in association.allowed_prefixes.iter().flatten() {
                    if let Some((other, span)) = lists.iter().find(|(other, _)| other.overlaps(&prefix.value)) {
                        clashes.push((*prefix, *other, *span));
                    }
                }
                lists.extend(association.allowed_prefixes.iter().flatten().map(|p| (p.value, p.span)));
                for (prefix, other, span) in clashes {
                    let message = format!("{prefix} overlaps {other} of another association of the same gateway");
                    self.problem(
                        Diagnostic::error("allowed-prefixes", prefix.span, message).note(span, "the other one"),
                    );
                }
                let tgw = association.transit_gateway.as_ref().and_then(|tgw| self.tgw_named(tgw));
                if let Some(tgw) = tgw {
                    let label = label(name, association.name_tag.as_ref());
                    self.add_attachment(tgw, TgwAttachKind::Dxgw(dxgw), None, label);
                }
            }
        }
        self.spec.direct_connect_gateway_associations = associations;
    }

    pub(super) fn virtual_interfaces(&mut self) {
        let connections = self.spec.direct_connect_connections.clone();
        let lines = self.direct_connect_lines(&connections);
        let interfaces = std::mem::take(&mut self.spec.virtual_interfaces);
        let mut vlans: BTreeMap<(&str, u16), Span> = BTreeMap::new();
        for (name, vif) in &interfaces {
            let mut on = vif.connection.value.as_str();
            let lag = connections.get(on).and_then(|c| c.lag.as_ref());
            if let Some(lag) = lag.filter(|lag| lines.contains_key(lag.value.as_str())) {
                let message = format!("`{on}` is in link aggregation group `{lag}`, which has the virtual interfaces");
                self.problem(
                    Diagnostic::error("vif-on-member", vif.connection.span, message)
                        .help(format!("write `connection: {lag}`")),
                );
                on = lag.value.as_str();
            }
            let Some(line) = lines.get(on) else {
                let known: Vec<&str> = lines.keys().map(String::as_str).collect();
                self.unknown(&vif.connection, "Direct Connect connection", &known);
                continue;
            };
            // DX-1.
            if !(1..=4094).contains(&vif.vlan.value) {
                let message = format!("{} is no VLAN", vif.vlan);
                self.problem(Diagnostic::error("vlan", vif.vlan.span, message).help("a tag is 1 to 4094"));
                continue;
            }
            if let Some(other) = vlans.insert((on, vif.vlan.value), vif.vlan.span) {
                let message = format!("VLAN {} is taken on `{on}`", vif.vlan);
                self.problem(Diagnostic::error("vlan", vif.vlan.span, message).note(other, "the other one"));
            }
            self.check_asn(vif.asn.as_ref());
            self.check_vif_mtu(vif);
            self.check_route_filter(name, vif);
            self.check_site_link(name, vif);
            let Some(end) = self.vif_end(name, vif, on) else { continue };
            let router = line.router;
            if let (Some(asn), Some(router)) = (vif.asn, router) {
                let id = &self.names.routers[router].id;
                let own = self.spec.routers[id.as_str()].asn.map_or(CUSTOMER_ASN, |asn| asn.value);
                if own != asn.value {
                    let message = format!("`{name}` has ASN {asn}, its router `{id}` {own}");
                    self.problem(
                        Diagnostic::error("asn-differs", asn.span, message)
                            .help("a BGP session comes up only with the number that the other side expects"),
                    );
                }
            }
            let index = self.fabric.vifs.next_index();
            let rows = self.row_block(index.0, &VIF_ROWS);
            let chosen = |side: u32| IpAddr::V4(Ipv4Addr::from(0xa9fe_ff00 - 8 * (index.0 + 1) + side));
            let amazon = vif.amazon_address.map_or_else(|| chosen(1), |a| a.value);
            let customer = vif.customer_address.map_or_else(|| chosen(2), |a| a.value);
            self.fabric.vifs.push(Vif {
                end,
                router,
                vlan: vif.vlan.value,
                addresses: [amazon, customer],
                mtu: vif.mtu.map_or(1500, |mtu| mtu.value),
                announced: Box::default(),
                site_link: vif.site_link.unwrap_or(false),
                up: line.up && vif.up.unwrap_or(true),
                link: line.link,
                speakers: None,
                lag: line.lag,
                salt: salt(&name.value),
                rows,
            });
            self.names.vifs.push(label(name, vif.name_tag.as_ref()));
            self.ids.vifs.insert(name.value.clone(), index);
        }
        self.spec.virtual_interfaces = interfaces;
    }

    /// DX-2.
    fn check_vif_mtu(&mut self, vif: &VirtualInterface) {
        let allowed: &[u32] = match vif.kind {
            VirtualInterfaceType::Private => &[1500, 9001],
            VirtualInterfaceType::Transit => &[1500, 8500],
            VirtualInterfaceType::Public => &[1500],
        };
        if let Some(mtu) = vif.mtu
            && !allowed.contains(&mtu.value)
        {
            let message = format!("{mtu} is no MTU of such a virtual interface");
            let help = format!("AWS has {}", allowed.iter().map(u32::to_string).collect::<Vec<_>>().join(" and "));
            self.problem(Diagnostic::error("vif-mtu", mtu.span, message).help(help));
        }
    }

    /// DX-95.
    fn check_site_link(&mut self, name: &Spanned<String>, vif: &VirtualInterface) {
        if vif.site_link == Some(true) && vif.direct_connect_gateway.is_none() {
            let message = format!("`{name}` cannot have SiteLink");
            self.problem(
                Diagnostic::error("site-link", name.span, message)
                    .help("it is for private and transit virtual interfaces of a Direct Connect gateway"),
            );
        }
    }

    fn vif_end(&mut self, name: &Spanned<String>, vif: &VirtualInterface, on: &str) -> Option<VifEnd> {
        match (vif.kind, &vif.vpn_gateway, &vif.direct_connect_gateway) {
            (VirtualInterfaceType::Public, vgw, dxgw) => {
                if let Some(gateway) = vgw.as_ref().or(dxgw.as_ref()) {
                    let message = format!("`{name}`: a public virtual interface has no gateway");
                    self.problem(
                        Diagnostic::error("vif-end", gateway.span, message)
                            .help("it ends at AWS's public network, not at a VPC"),
                    );
                }
                let region = self.region_of_line(on).to_owned();
                Some(VifEnd::Public(PublicIx(position(&mut self.names.regions, &region))))
            }
            (VirtualInterfaceType::Private, Some(vgw), None) => self.vgw_named(vgw).map(VifEnd::Vgw),
            (_, None, Some(dxgw)) => self.dxgw_named(dxgw).map(VifEnd::Dxgw),
            (VirtualInterfaceType::Transit, Some(vgw), _) => {
                let message = format!("`{name}`: a transit virtual interface ends at a Direct Connect gateway");
                self.problem(Diagnostic::error("vif-end", vgw.span, message));
                None
            }
            _ => {
                let message = format!("`{name}` needs a `direct_connect_gateway` or a `vpn_gateway`, one of them");
                self.problem(Diagnostic::error("missing-field", name.span, message));
                None
            }
        }
    }
}
