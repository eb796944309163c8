//! A Direct Connect gateway as each Region sees it (BGP-33).
//!
//! What a virtual interface is worth depends on the Region that sends, so a gateway with associations in several Regions is
//! one table of the plan for each. All of them hear every virtual interface. Each tells the interfaces its own
//! associations; what interfaces with SiteLink tell each other does not depend on a Region, and the first table tells it.
//! Laid out, it is one list of routes that each Region looks up in its own way, and the virtual interfaces in theirs: the
//! longest prefix of all Regions, an association before an interface.

use super::context::Context;
use super::converge::Build;
use crate::base::ids::{DxgwIx, VifIx};
use crate::base::{Cidr, IndexVec};
use crate::control::aws::DX_PREFIXES_MAX;
use crate::control::{Class, Converged, Export, Import, TableIx};
use crate::fabric::{Fib, FibIx, NextHop};
use crate::spec::DirectConnectGatewayAssociation;
use crate::verdict::RowKind;
use std::collections::BTreeMap;

/// A table at AWS's end of a virtual interface, and what it tells and hears. All of an interface are of one BGP session.
pub(super) struct AwsEnd {
    pub(super) table: TableIx,
    pub(super) tells: Export,
    /// What kind of route it makes of what it hears.
    pub(super) class: Class,
    pub(super) hears: Import,
    /// How many prefixes of a family it takes.
    pub(super) limit: u32,
}

impl AwsEnd {
    /// A virtual private gateway.
    pub(super) fn of_vgw(table: TableIx) -> Self {
        let (tells, hears) = (Export::vgw_to_site(), Import::direct_connect(false, false));
        Self { table, tells, class: Class::DirectConnect, hears, limit: DX_PREFIXES_MAX }
    }
}

impl Build {
    /// The table of a gateway as a Region sees it; the first one if the Region is not known.
    pub(super) fn dxgw_for(&self, dxgw: DxgwIx, region: Option<u32>) -> TableIx {
        let views = &self.dxgws[dxgw];
        views.iter().find(|(own, _)| *own == region).unwrap_or(&views[0]).1
    }
}

impl Context {
    /// The Region of what a gateway is associated with; none if a virtual private gateway has no VPC.
    pub(super) fn association_region(&self, association: &DirectConnectGatewayAssociation) -> Option<u32> {
        if let Some(tgw) = &association.transit_gateway {
            return self.ids.tgws.get(tgw.value.as_str()).map(|tgw| self.fabric.tgws[*tgw].region);
        }
        let vgw = self.ids.vgws.get(association.vpn_gateway.as_ref()?.value.as_str())?;
        self.fabric.vgws[*vgw].vpc.map(|vpc| self.fabric.vpcs[vpc].region)
    }

    /// The Regions that a gateway has associations in, in the order of those; one that is not known if it has none.
    pub(super) fn dxgw_regions(&self, dxgw: DxgwIx) -> Vec<Option<u32>> {
        let gateway = &self.names.dxgws[dxgw].id;
        let own = self.spec.direct_connect_gateway_associations.values();
        let own = own.filter(|a| a.direct_connect_gateway.value == *gateway);
        let mut regions: Vec<Option<u32>> = Vec::new();
        for region in own.filter_map(|a| self.association_region(a)).map(Some) {
            if !regions.contains(&region) {
                regions.push(region);
            }
        }
        if regions.is_empty() { vec![None] } else { regions }
    }

    /// What a virtual interface's session is with at a gateway.
    pub(super) fn dxgw_ends(&self, build: &Build, dxgw: DxgwIx, vif: VifIx) -> Vec<AwsEnd> {
        let site_link = self.fabric.vifs[vif].site_link;
        let line = &self.spec.virtual_interfaces[self.names.vifs[vif].id.as_str()].connection;
        let location = self.region_of_line(line);
        let views = build.dxgws[dxgw].iter().enumerate();
        let end = |(n, (region, table)): (usize, &(Option<u32>, TableIx))| {
            // BGP-9: whether the location is another Region's.
            let remote = region.is_some_and(|region| self.names.regions[region as usize] != location);
            let tells = Export::dxgw_to_site(site_link && n == 0);
            let (class, hears) = (Class::of_vif(site_link), Import::direct_connect(remote, site_link));
            AwsEnd { table: *table, tells, class, hears, limit: DX_PREFIXES_MAX }
        };
        views.map(end).collect()
    }

    /// Forwarding tables of the gateways.
    pub(super) fn dxgw_fibs(&mut self, build: &Build, converged: &Converged) {
        for dxgw in self.fabric.dxgws.indices() {
            let none = self.fabric.dxgws[dxgw].fib.clone();
            let views: Vec<(Option<u32>, Fib)> = build.dxgws[dxgw]
                .iter()
                .map(|(region, table)| {
                    let rib = &converged.ribs[*table];
                    (*region, self.fib(build, *table, rib, none.clone(), RowKind::DxgwRoute, dxgw.0))
                })
                .collect();
            let d = &mut self.fabric.dxgws[dxgw];
            if let [(_, only)] = &views[..] {
                d.fib.clone_from(only);
                continue;
            }
            let mut routes = IndexVec::new();
            let mut by_region: Vec<(u32, Vec<(Cidr, FibIx)>)> = Vec::new();
            let mut by_interfaces: BTreeMap<Cidr, FibIx> = BTreeMap::new();
            for (region, fib) in views {
                let region = region.expect("the Regions of several associations");
                let seen = format!("seen from {}", self.names.regions[region as usize]);
                let mut own = Vec::new();
                for route in fib.routes.iter().cloned() {
                    let joins = route.hops.iter().any(|hop| !matches!(hop, NextHop::Vif(_)));
                    if let (false, Some(text)) = (joins, self.names.rows.get_mut(route.row)) {
                        text.says = format!("{}, {seen}", text.says);
                    }
                    let (to, at) = (route.to, routes.push(route));
                    own.push((to, at));
                    let first = by_interfaces.entry(to).or_insert(at);
                    if joins {
                        *first = at;
                    }
                }
                by_region.push((region, own));
            }
            let look_up = |own: &[(Cidr, FibIx)]| Fib {
                routes: routes.clone(),
                v4: super::vpc::lpm(own),
                v6: super::vpc::lpm(own),
                none: none.none,
            };
            d.views = by_region.iter().map(|(region, own)| (*region, look_up(own))).collect();
            d.fib = look_up(&by_interfaces.into_iter().collect::<Vec<_>>());
        }
    }
}
