//! What a router of a site does with its neighbours: what it tells, what it takes, and its written routes.

use super::context::Context;
use super::converge::Build;
use crate::base::Cidr;
use crate::base::ids::RouterIx;
use crate::control::{Accept, Class, Communities, Export, Filter, Import, Preference};
use crate::diag::Diagnostic;
use crate::fabric::NextHop;
use crate::spec::{Neighbor, Spanned};
use crate::verdict::Side;

impl Context {
    /// Routes that are written at routers.
    pub(super) fn router_statics(&mut self, build: &mut Build) {
        let routers = self.spec.routers.clone();
        for (name, router) in &routers {
            let index = self.ids.routers[name.value.as_str()];
            let table = build.routers[index];
            for route in &router.routes {
                if let Some(hop) = self.static_hop(build, index, &route.via) {
                    build.own(table, route.to.value, Class::Static, hop);
                }
            }
        }
    }

    /// Where a written route of a router leads; nowhere while that is down.
    pub(super) fn static_hop(&mut self, build: &Build, router: RouterIx, via: &Spanned<String>) -> Option<NextHop> {
        let name = via.value.as_str();
        match name {
            "internet" => return Some(NextHop::Internet),
            "discard" => return Some(NextHop::Discard),
            _ => {}
        }
        let tunnels = match self.ids.tunnels.get(name) {
            Some(tunnel) => vec![*tunnel],
            None => self.ids.vpn_tunnels.get(name).cloned().unwrap_or_default(),
        };
        if !tunnels.is_empty() {
            let own = tunnels.iter().copied().find(|t| self.fabric.tunnels[*t].router == Some(router));
            if own.is_none() {
                let message = format!("`{via}` does not end at this router");
                self.problem(Diagnostic::error("route-target", via.span, message));
            }
            return tunnels.into_iter().find(|t| self.fabric.tunnels[*t].is_up(Side::Customer)).map(NextHop::Tunnel);
        }
        if let Some(vif) = self.ids.vifs.get(name).copied() {
            return self.fabric.vifs[vif].up.then_some(NextHop::Vif(vif));
        }
        if let Some(other) = self.ids.routers.get(name).copied() {
            let link = build.links.get(&(router.min(other), router.max(other))).copied();
            if link.is_none() {
                let message = format!("`{via}` is no neighbour of this router");
                self.problem(
                    Diagnostic::error("route-target", via.span, message)
                        .help(format!("add `neighbors: [{{peer: {via}}}]` to one of them")),
                );
            }
            return link.map(|link| NextHop::Router(other, link));
        }
        let known = self.ids.vpn_tunnels.keys().chain(self.ids.vifs.keys()).chain(self.ids.routers.keys());
        let known: Vec<String> = known.cloned().collect();
        self.unknown(via, "way", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }

    /// What a router is told to do with a neighbour; the first key that it names.
    pub(super) fn neighbor(&self, router: RouterIx, keys: &[&str]) -> Option<&Neighbor> {
        let written = &self.spec.routers[self.names.routers[router].id.as_str()];
        keys.iter().find_map(|key| written.neighbors.iter().map(|n| &n.value).find(|n| n.peer.value == *key))
    }

    pub(super) fn shut_down(&self, router: RouterIx, keys: &[&str]) -> bool {
        self.neighbor(router, keys).is_some_and(|n| n.shutdown == Some(true))
    }

    pub(super) fn export_of(&self, router: RouterIx, keys: &[&str]) -> Export {
        // What is written or not to be originated is the router's alone.
        let mut export = Export::only(&[Class::Local, Class::Bgp]);
        let Some(n) = self.neighbor(router, keys) else { return export };
        if let Some(announces) = &n.announces {
            export.filter = Filter::Exact(announces.iter().map(|p| p.value).collect());
        }
        if n.default_originate == Some(true) {
            export.originate.push(Cidr::ALL_V4);
        }
        export.prepend = n.prepend.map_or(0, |p| p.value);
        export.med = n.med;
        export.communities = Communities::new(n.communities.iter().filter_map(|c| community(&c.value)));
        export
    }

    pub(super) fn import_of(&self, router: RouterIx, keys: &[&str]) -> Import {
        let Some(n) = self.neighbor(router, keys) else { return Import::default() };
        let accept = n.accepts.as_ref().map(|list| {
            let entry = |p: &Spanned<Cidr>| Accept { block: p.value, le: if p.is_v4() { 32 } else { 128 } };
            list.iter().map(entry).collect()
        });
        let preference = n.local_preference.map_or(Preference::Default, Preference::Set);
        Import { accept, preference, ..Import::default() }
    }
}

/// `7224:7300`, or a name of RFC 1997.
pub(super) fn community(text: &str) -> Option<u32> {
    match text {
        "no-export" => return Some(Communities::NO_EXPORT),
        "no-advertise" => return Some(Communities::NO_ADVERTISE),
        _ => {}
    }
    let (system, value) = text.split_once(':')?;
    Some(u32::from(system.parse::<u16>().ok()?) << 16 | u32::from(value.parse::<u16>().ok()?))
}
