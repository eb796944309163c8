//! Public virtual interfaces: who tells whom between customers' routers and AWS's public network.
//!
//! AWS's public network is one table for each Region, because what a customer announces may be meant for some Regions only,
//! and what AWS announces says how far its Region is. It has by itself what this topology binds: public IPv4 addresses one
//! by one, IPv6 blocks of VPCs, ranges of services that a prefix list names (DX-93).
//!
//! Not modelled: AWS's other prefixes, so a router has no route to what the topology does not describe; the internet as
//! another way to the same prefixes; VPN tunnels over a public virtual interface, which cross the internet here.

use super::context::{Context, label, position};
use super::converge::Build;
use super::direct_connect_views::AwsEnd;
use super::endpoint::service_of_list;
use crate::base::Cidr;
use crate::base::ids::{PublicIx, VifIx};
use crate::control::aws::{PUBLIC_ASN, PUBLIC_PREFIXES_MAX};
use crate::control::{Class, Converged, Distance, Export, Import, Kind, Table, is_public};
use crate::diag::Diagnostic;
use crate::fabric::{NextHop, Public, VifEnd};
use crate::spec::{Name, Spanned, VirtualInterface, VirtualInterfaceType};
use crate::verdict::RowKind;
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Context {
    /// DX-91.
    pub(super) fn check_route_filter(&mut self, name: &Name, vif: &VirtualInterface) {
        let listed = vif.route_filter_prefixes.iter().flatten();
        for prefix in listed {
            if vif.kind != VirtualInterfaceType::Public {
                let message = format!("`{name}` is not public, and has `route_filter_prefixes`");
                self.problem(Diagnostic::error("route-filter", prefix.span, message));
                break;
            }
            if !is_public(&prefix.value) {
                let message = format!("{prefix} is not public, and cannot be announced on `{name}`");
                self.problem(
                    Diagnostic::error("route-filter", prefix.span, message)
                        .help("AWS takes prefixes that the customer owns on the internet"),
                );
            }
        }
    }

    /// AWS's public network in each Region, with what it has by itself.
    pub(super) fn public_tables(&mut self, build: &mut Build) {
        if !self.fabric.vifs.iter().any(|vif| matches!(vif.end, VifEnd::Public(_))) {
            return;
        }
        let mut own: Vec<BTreeSet<Cidr>> = Vec::new();
        let mut has = |region: u32, to: Cidr| {
            let region = region as usize;
            if own.len() <= region {
                own.resize(region + 1, BTreeSet::new());
            }
            own[region].insert(to);
        };
        let vpcs = &self.fabric.vpcs;
        let bound = self.fabric.public_v4.iter().map(|(address, binding)| (*address, vpcs[binding.vpc].region));
        bound.for_each(|(address, region)| has(region, Cidr::host(IpAddr::V4(address))));
        for vpc in self.fabric.vpcs.iter() {
            for block in vpc.blocks.iter().filter(|block| !block.is_v4()) {
                has(vpc.region, *block);
            }
        }
        for (name, list) in &self.spec.prefix_lists {
            let service = list.name_tag.as_deref().unwrap_or(&name.value);
            let Some((region, _)) = service_of_list(service) else { continue };
            let region = position(&mut self.names.regions, &region.to_owned());
            for entry in list.entries.iter().filter(|entry| entry.is_v4()) {
                has(region, entry.value);
            }
        }
        for n in 0..self.names.regions.len() as u32 {
            let index = build.plan.tables.push(Table::new(Kind::Public, PUBLIC_ASN, n));
            build.publics.push(index);
            for to in own.get(n as usize).into_iter().flatten() {
                build.own(index, *to, Class::Local, NextHop::Vpc);
            }
            let fib = self.empty_fib(RowKind::PublicRouteNone, n);
            self.fabric.publics.push(Public { fib });
            let region = Spanned::from(self.names.regions[n as usize].as_str());
            self.names.publics.push(label(&region, None));
        }
    }

    /// Of a customer who is not described, what it has named to AWS is all that is known.
    pub(super) fn registered_routes(&mut self, build: &mut Build, vif: VifIx) {
        let (v, id) = (&self.fabric.vifs[vif], self.names.vifs[vif].id.as_str());
        let listed = self.spec.virtual_interfaces[id].route_filter_prefixes.iter().flatten();
        for to in listed.filter(|_| v.up && matches!(v.end, VifEnd::Public(_))) {
            for table in build.publics.clone().iter() {
                build.own(*table, to.value, Class::DirectConnect, NextHop::Vif(vif));
            }
        }
    }

    /// What a public virtual interface's session is with: every Region.
    pub(super) fn public_ends(&self, build: &Build, vif: VifIx, location: PublicIx) -> Vec<AwsEnd> {
        let written = &self.spec.virtual_interfaces[self.names.vifs[vif].id.as_str()].route_filter_prefixes;
        let registered: Option<Vec<Cidr>> = written.as_ref().map(|list| list.iter().map(|p| p.value).collect());
        let name = |region: PublicIx| &self.names.regions[region.0 as usize];
        let ends = build.publics.iter_enumerated().map(|(region, table)| {
            let distance = distance(name(region), name(location));
            let (tells, hears) = (Export::public_to_site(distance), Import::public(distance, registered.as_deref()));
            AwsEnd { table: *table, tells, class: Class::DirectConnect, hears, limit: PUBLIC_PREFIXES_MAX }
        });
        ends.collect()
    }

    /// What customers have announced, as forwarding tables, and by interface.
    pub(super) fn public_fibs(&mut self, build: &Build, converged: &Converged) {
        for (region, table) in build.publics.iter_enumerated() {
            let (rib, old) = (&converged.ribs[*table], self.fabric.publics[region].fib.clone());
            let fib = self.fib(build, *table, rib, old, RowKind::PublicRoute, region.0);
            self.fabric.publics[region].fib = fib;
            // DX-89: the location's own Region has heard everything that was taken.
            for vif in self.fabric.vifs.indices() {
                if self.fabric.vifs[vif].end != VifEnd::Public(region) {
                    continue;
                }
                let by_vif = |to: &Cidr| {
                    let ranked = rib.get(*to).expect("it is in the table");
                    ranked.routes.iter().any(|route| build.hop(*table, route) == Some(NextHop::Vif(vif)))
                };
                self.fabric.vifs[vif].announced = rib.iter().map(|(to, _)| to).filter(by_vif).collect();
                self.check_announced(vif, converged);
            }
        }
    }

    /// A session that is up and brings AWS nothing that it takes: then nothing comes by the interface either (DX-89).
    fn check_announced(&mut self, vif: VifIx, converged: &Converged) {
        let (v, label) = (&self.fabric.vifs[vif], &self.names.vifs[vif]);
        let Some(router) = v.router.filter(|_| v.up && v.announced.is_empty() && converged.down.is_empty()) else {
            return;
        };
        if !self.shut_down(router, &[label.id.as_str()]) {
            let router = &self.names.routers[router].id;
            let message = format!("AWS takes nothing of what `{router}` announces on `{}`", label.id);
            let found = Diagnostic::warning("nothing-announced", label.span, message);
            self.warn(
                found.help("announce public prefixes there that `route_filter_prefixes`, if it is written, covers"),
            );
        }
    }
}

/// How far a Region is from a location's. The continents are AWS's (DX-94).
fn distance(region: &str, location: &str) -> Distance {
    if region == location {
        return Distance::Region;
    }
    let continent = |region: &str| match region.split('-').next().unwrap_or_default() {
        "us" | "ca" | "mx" => Some("North America"),
        "ap" => Some("Asia Pacific"),
        "eu" | "me" | "af" | "il" => Some("Europe, the Middle East and Africa"),
        "sa" => Some("South America"),
        _ => None,
    };
    let same = continent(region).is_some() && continent(region) == continent(location);
    if same { Distance::Continent } else { Distance::World }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DX-94.
    #[test]
    fn continents() {
        assert_eq!(distance("eu-west-1", "eu-west-1"), Distance::Region);
        for (a, b) in [("us-east-1", "ca-central-1"), ("eu-west-2", "me-south-1"), ("ap-south-1", "ap-northeast-1")] {
            assert_eq!((distance(a, b), distance(b, a)), (Distance::Continent, Distance::Continent));
        }
        for (a, b) in [("us-east-1", "sa-east-1"), ("eu-west-1", "ap-south-1"), ("xx-1", "xx-2")] {
            assert_eq!(distance(a, b), Distance::World);
        }
    }
}
