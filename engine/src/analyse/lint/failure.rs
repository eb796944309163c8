//! Single points of failure: devices that every way of a subnet to the internet or to a site leads over.
//!
//! The ways are a graph, from the destination backwards, and what all of them share are its dominators. Routes that are
//! learnt change when something fails: the network is compiled without it, and what has a way then is not cut off. AWS's own
//! regional gateways do not fail in this sense, a NAT gateway of the same zone fails with the zone ("nat-in-other-zone"
//! is about the others). Instances that forward, virtual interfaces and a site's routers fail alone.

use super::routes::has_guest;
use super::{Lint, Severity, named};
use crate::analyse::{Resilience, resilience};
use crate::base::ids::{
    DxgwIx, EniIx, GuestIx, NatIx, RouterIx, SubnetIx, TgwAttachIx, TgwRtbIx, TunnelIx, VgwIx, VifIx,
};
use crate::compile::{ANY_HOST, Network, compile};
use crate::fabric::{Forwarding, NextHop, Target, TgwAttachKind, TgwTarget};
use petgraph::algo::dominators::simple_fast;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Something on the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Device {
    Destination,
    Subnet(SubnetIx),
    Nat(NatIx),
    Guest(GuestIx),
    Table(TgwRtbIx),
    Vgw(VgwIx),
    Dxgw(DxgwIx, Option<u32>),
    Tunnel(TunnelIx),
    Vif(VifIx),
    Router(RouterIx),
}

/// Whether a device is one that fails by itself.
const fn fails_alone(device: Device) -> bool {
    matches!(device, Device::Guest(_) | Device::Vif(_) | Device::Router(_))
}

impl Lint<'_> {
    pub(super) fn failure(&mut self) {
        let internet = ANY_HOST.1[0].parse().expect("an address");
        let mut lost: BTreeMap<Device, BTreeMap<String, BTreeSet<SubnetIx>>> = BTreeMap::new();
        for (device, subnet) in self.single_points(internet) {
            lost.entry(device).or_default().entry("the internet".to_owned()).or_default().insert(subnet);
        }
        for (site, address) in self.sites() {
            for (device, subnet) in self.single_points(address) {
                lost.entry(device).or_default().entry(format!("site {site}")).or_default().insert(subnet);
            }
        }
        for (device, destinations) in lost {
            self.single_point(device, &destinations);
        }
        self.direct_connect();
    }

    fn single_point(&mut self, device: Device, destinations: &BTreeMap<String, BTreeSet<SubnetIx>>) {
        let names = &self.network.names;
        let (kind, label, what) = match device {
            Device::Guest(guest) => ("instance", &names.guests[guest], "instance"),
            Device::Vif(vif) => ("virtual_interface", &names.vifs[vif], "virtual interface"),
            Device::Router(router) => ("router", &names.routers[router], "router"),
            _ => return,
        };
        let subnets: BTreeSet<SubnetIx> = destinations.values().flatten().copied().collect();
        let list =
            super::subnets(subnets.iter().map(|s| names.subnets[*s].short().to_owned()), "has no way", "have no way");
        let places = named(destinations.keys().cloned());
        let message = format!("without {what} {}, {list} to {places}", label.short());
        let (fix, severity) = match device {
            Device::Guest(_) => {
                ("a NAT gateway, or a second instance in another zone with a way to move the route", Severity::Warning)
            }
            Device::Vif(_) => {
                ("a second connection at another location, or a VPN connection as a backup", Severity::Warning)
            }
            _ => ("a second router (customer gateway) at the site", Severity::Note),
        };
        self.found("single-point-of-failure", kind, label, message, fix).severity = severity;
    }

    /// DX-87.
    fn direct_connect(&mut self) {
        let network = self.network;
        for (dxgw, label) in network.names.dxgws.iter_enumerated() {
            if resilience(network, dxgw) == Some(Resilience::SingleDevice) {
                let message =
                    format!("all virtual interfaces of Direct Connect gateway {} end at one device", label.short());
                let fix = "connections at two devices, or better at two locations";
                self.found("direct-connect-single-device", "direct_connect_gateway", label, message, fix);
            }
        }
    }

    /// An address of each site's own network.
    fn sites(&self) -> BTreeMap<String, IpAddr> {
        let network = self.network;
        let mut out = BTreeMap::new();
        for (router, label) in network.names.routers.iter_enumerated() {
            let site = network.spec.routers.get(label.id.as_str()).map(|r| r.site.clone());
            let Some(site) = site else { continue };
            let own = network.fabric.routers[router].fib.routes.iter().find(|r| r.hops.contains(&NextHop::Lan));
            if let Some(address) = own.and_then(|route| route.to.nth(1)) {
                out.entry(site.as_ref().map_or_else(|| label.id.clone(), |site| site.to_string())).or_insert(address);
            }
        }
        out
    }

    /// Devices that fail alone, with each subnet of instances that has no way to `to` without them.
    fn single_points(&self, to: IpAddr) -> Vec<(Device, SubnetIx)> {
        let fabric = &self.network.fabric;
        let starts: Vec<SubnetIx> = fabric.subnets.indices().filter(|subnet| has_guest(self, *subnet)).collect();
        let mut graph: DiGraph<Device, ()> = DiGraph::new();
        let mut nodes: BTreeMap<Device, NodeIndex> = BTreeMap::new();
        let root = graph.add_node(Device::Destination);
        nodes.insert(Device::Destination, root);
        let mut pending: Vec<Device> = starts.iter().map(|subnet| Device::Subnet(*subnet)).collect();
        let mut seen: BTreeSet<Device> = pending.iter().copied().collect();
        while let Some(device) = pending.pop() {
            let from = *nodes.entry(device).or_insert_with(|| graph.add_node(device));
            for next in self.next(device, to) {
                let at = *nodes.entry(next).or_insert_with(|| graph.add_node(next));
                graph.update_edge(at, from, ());
                if next != Device::Destination && seen.insert(next) {
                    pending.push(next);
                }
            }
        }
        let dominators = simple_fast(&graph, root);
        let mut out = Vec::new();
        for subnet in starts {
            let Some(all) = dominators.strict_dominators(nodes[&Device::Subnet(subnet)]) else { continue };
            for device in all.map(|node| graph[node]).filter(|device| fails_alone(*device)) {
                // An instance's own subnet is not cut off by it more than by anything else there.
                let itself = matches!(device, Device::Guest(guest) if fabric.guests[guest].enis.iter().any(|eni| fabric.enis[*eni].subnet == subnet));
                if !itself {
                    out.push((device, subnet));
                }
            }
        }
        let mut without: BTreeMap<Device, Option<Network>> = BTreeMap::new();
        for (device, _) in &out {
            without.entry(*device).or_insert_with(|| self.without(*device));
        }
        out.retain(|(device, subnet)| {
            let network = without[device].as_ref();
            network.is_none_or(|network| !Lint { spec: self.spec, network, findings: Vec::new() }.has_way(*subnet, to))
        });
        out
    }

    /// The network after a failure that others notice and route around. An instance's is none.
    fn without(&self, device: Device) -> Option<Network> {
        let names = &self.network.names;
        let mut spec = self.spec.clone();
        match device {
            Device::Vif(vif) => spec.virtual_interfaces.get_mut(names.vifs[vif].id.as_str())?.up = Some(false),
            Device::Router(router) => spec.routers.get_mut(names.routers[router].id.as_str())?.failed = true,
            _ => return None,
        }
        compile(&spec).0
    }

    /// Whether some way leads from a subnet to `to`.
    fn has_way(&self, subnet: SubnetIx, to: IpAddr) -> bool {
        let mut pending = vec![Device::Subnet(subnet)];
        let mut seen = BTreeSet::new();
        while let Some(device) = pending.pop() {
            if device == Device::Destination {
                return true;
            }
            if seen.insert(device) {
                pending.extend(self.next(device, to));
            }
        }
        false
    }

    /// Where packets for `to` go next; several where AWS shares or chooses.
    fn next(&self, from: Device, to: IpAddr) -> Vec<Device> {
        let fabric = &self.network.fabric;
        let hop = |hop: &NextHop, region: Option<u32>| match *hop {
            NextHop::Lan => vec![Device::Destination],
            NextHop::Tunnel(tunnel) => vec![Device::Tunnel(tunnel)],
            NextHop::Vif(vif) => vec![Device::Vif(vif)],
            NextHop::Router(router, _) => vec![Device::Router(router)],
            NextHop::Dxgw(dxgw) => vec![Device::Dxgw(dxgw, region)],
            _ => Vec::new(),
        };
        match from {
            Device::Destination => Vec::new(),
            Device::Subnet(subnet) => self.by_table(subnet, to),
            Device::Nat(nat) => match fabric.nats[nat].subnet {
                Some(subnet) => self.by_table(subnet, to),
                None => vec![Device::Destination],
            },
            Device::Guest(guest) => {
                let g = &fabric.guests[guest];
                match (g.forwarding, g.running) {
                    (Forwarding::Off, _) | (_, false) => Vec::new(),
                    _ => g.enis.first().map_or_else(Vec::new, |eni| self.by_table(fabric.enis[*eni].subnet, to)),
                }
            }
            Device::Table(rtb) => {
                let table = &fabric.tgw_rtbs[rtb];
                let Some(route) = table.lookup(to).map(|at| &table.routes[at]).filter(|route| route.active) else {
                    return Vec::new();
                };
                match &route.target {
                    TgwTarget::Attach(attach) => self.by_attachment(*attach),
                    TgwTarget::Vpn(tunnels) => tunnels.iter().map(|(_, tunnel)| Device::Tunnel(*tunnel)).collect(),
                    TgwTarget::Tunnels(_) | TgwTarget::Nowhere | TgwTarget::NotModelled(_) => Vec::new(),
                }
            }
            Device::Vgw(vgw) => {
                let fib = &fabric.vgws[vgw].fib;
                let region = fabric.vgws[vgw].vpc.map(|vpc| fabric.vpcs[vpc].region);
                fib.lookup(to)
                    .map_or_else(Vec::new, |at| fib.routes[at].hops.iter().flat_map(|h| hop(h, region)).collect())
            }
            Device::Dxgw(dxgw, region) => {
                let fib = fabric.dxgws[dxgw].seen_from(region);
                fib.lookup(to)
                    .map_or_else(Vec::new, |at| fib.routes[at].hops.iter().flat_map(|h| hop(h, region)).collect())
            }
            Device::Tunnel(tunnel) => {
                let t = &fabric.tunnels[tunnel];
                t.router.filter(|_| t.enabled).map(Device::Router).into_iter().collect()
            }
            Device::Vif(vif) => {
                let v = &fabric.vifs[vif];
                v.router.filter(|_| v.up).map(Device::Router).into_iter().collect()
            }
            Device::Router(router) if !fabric.routers[router].up => Vec::new(),
            Device::Router(router) => {
                let fib = &fabric.routers[router].fib;
                let lan_or_router = |h: &&NextHop| matches!(h, NextHop::Lan | NextHop::Router(..));
                fib.lookup(to).map_or_else(Vec::new, |at| {
                    fib.routes[at].hops.iter().filter(lan_or_router).flat_map(|h| hop(h, None)).collect()
                })
            }
        }
    }

    fn by_table(&self, subnet: SubnetIx, to: IpAddr) -> Vec<Device> {
        let fabric = &self.network.fabric;
        let Some(route) = fabric.rtbs[fabric.subnets[subnet].rtb].lookup(to).filter(|route| route.active) else {
            return Vec::new();
        };
        let guest = |eni: EniIx| fabric.enis[eni].guest().map(Device::Guest);
        match route.target {
            Target::Igw(_) | Target::Eigw(_) => vec![Device::Destination],
            Target::Nat(nat) => vec![Device::Nat(nat)],
            Target::Eni(eni) => guest(eni).into_iter().collect(),
            Target::Tgw(attach) => fabric.tgw_attaches[attach].rtb.map(Device::Table).into_iter().collect(),
            Target::Vgw(vgw) => vec![Device::Vgw(vgw)],
            Target::Local | Target::Pcx(_) | Target::Vpce(_) | Target::Nowhere | Target::NotModelled(_) => Vec::new(),
        }
    }

    fn by_attachment(&self, attach: TgwAttachIx) -> Vec<Device> {
        let fabric = &self.network.fabric;
        let a = &fabric.tgw_attaches[attach];
        match &a.kind {
            TgwAttachKind::Vpc { .. } => a.ports().map(|port| Device::Subnet(fabric.enis[port.eni].subnet)).collect(),
            TgwAttachKind::Peering(Some(other)) => {
                fabric.tgw_attaches[*other].rtb.map(Device::Table).into_iter().collect()
            }
            TgwAttachKind::Dxgw(dxgw) => vec![Device::Dxgw(*dxgw, Some(fabric.tgws[a.tgw].region))],
            TgwAttachKind::Vpn(tunnels) => tunnels.iter().map(|tunnel| Device::Tunnel(*tunnel)).collect(),
            TgwAttachKind::Peering(None) | TgwAttachKind::Connect { .. } => Vec::new(),
        }
    }
}
