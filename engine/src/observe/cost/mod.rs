//! What a run uses that AWS bills: bytes by hop and payer, and resources that cost by the hour (facts COST-1 and following).
//!
//! A byte is counted where it is billed: between zones at both ends, at a NAT gateway once on its way in, at a transit
//! gateway by the attachment that sends it in, at an interface endpoint both ways, and where it leaves for the internet,
//! another Region, a VPN or Direct Connect. Not modelled: processors, load balancers' units, DNS queries, flow logs'
//! own delivery, support of anything that is no network.
//!
//! Nothing here decides anything; the prices are in `record::price`.

use crate::base::Instant;
use crate::base::ids::{EniIx, VpcIx};
use crate::compile::Network;
use crate::event::{Fact, Observer, Point};
use crate::fabric::{EniKind, PublicOwner, TgwAttachKind, VpnEnd};
use crate::record::flow_log::{SubjectIx, Subjects};
use crate::record::price::Used;
use crate::verdict::{Dir, Hop, Side, Through, TrafficPath};
use crate::wire::Packet;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Every item that may be billed.
pub const ITEMS: [&str; 22] = [
    "zone_out",
    "zone_in",
    "public_out",
    "public_in",
    "region_out",
    "internet_out",
    "public_address",
    "nat_gateway",
    "nat_processed",
    "tgw_attachment",
    "tgw_processed",
    "endpoint",
    "endpoint_processed",
    "vpn_connection",
    "vpn_out",
    "dx_port_1g",
    "dx_port_10g",
    "dx_port_100g",
    "dx_out",
    "client_vpn_association",
    "client_vpn_connection",
    "mirror_session",
];

/// Whose bytes: an account, by the interface or the gateway that it pays for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Who {
    Eni(EniIx),
    Subject(SubjectIx),
    Vpc(VpcIx),
    Tunnel(crate::base::ids::TunnelIx),
    Vif(crate::base::ids::VifIx),
}

/// Counts what is billed.
#[derive(Debug)]
pub struct Cost {
    network: Network,
    subjects: Subjects,
    /// Looked up; sorted by name in the end.
    bytes: FxHashMap<(&'static str, Who), u64>,
}

impl Cost {
    /// Nothing has been used yet.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { subjects: Subjects::of(network), network: network.clone(), bytes: FxHashMap::default() }
    }

    /// Bytes by use.
    #[must_use]
    pub fn bytes(&self) -> BTreeMap<Used, u64> {
        let mut out = BTreeMap::new();
        for ((item, who), bytes) in self.bytes.iter().map(|(key, bytes)| (*key, *bytes)).collect::<BTreeMap<_, _>>() {
            let (payer, resource) = self.say(who);
            *out.entry(Used { item, payer, resource }).or_default() += bytes;
        }
        out
    }

    fn say(&self, who: Who) -> (String, String) {
        let (fabric, names) = (&self.network.fabric, &self.network.names);
        let of_vpc = |vpc: VpcIx| names.realms[fabric.vpcs[vpc].realm as usize].0.clone();
        let first = || names.realms.first().map_or_else(String::new, |(account, _)| account.clone());
        match who {
            Who::Eni(eni) => {
                (self.subjects.subject(SubjectIx::of_eni(eni)).account.clone(), names.enis[eni].id.clone())
            }
            Who::Subject(at) => {
                let subject = self.subjects.subject(at);
                let id = [&subject.interface, &subject.resource, &subject.attachment].into_iter().flatten().next();
                (subject.account.clone(), id.cloned().unwrap_or_default())
            }
            Who::Vpc(vpc) => (of_vpc(vpc), names.vpcs[vpc].id.clone()),
            Who::Tunnel(tunnel) => {
                let id = &names.tunnels[tunnel].id;
                let payer = match fabric.tunnels[tunnel].end {
                    VpnEnd::Vgw(vgw) => fabric.vgws[vgw].vpc.map(of_vpc),
                    VpnEnd::Tgw(attach) => {
                        Some(self.subjects.subject(self.subjects.of_attachment(attach)).account.clone())
                    }
                };
                (payer.unwrap_or_else(first), id.rsplit_once('/').map_or(id.as_str(), |(name, _)| name).to_owned())
            }
            Who::Vif(vif) => (first(), names.vifs[vif].id.clone()),
        }
    }
}

impl Cost {
    fn add(&mut self, item: &'static str, who: Who, len: u32) {
        *self.bytes.entry((item, who)).or_default() += u64::from(len);
    }

    fn crossed(&mut self, hop: &Hop) {
        let fabric = &self.network.fabric;
        let e = &fabric.enis[hop.eni];
        match (e.kind, hop.dir) {
            // COST-5.
            (EniKind::Nat(_), Dir::In) if hop.accepted => self.add("nat_processed", Who::Eni(hop.eni), hop.len),
            // COST-7: only interface endpoints have interfaces.
            (EniKind::Vpce(_), _) if hop.accepted => {
                self.add("endpoint_processed", Who::Eni(hop.eni), hop.len);
            }
            _ => {}
        }
        match hop.dir {
            Dir::In => self.arrived(hop),
            Dir::Out if hop.path == TrafficPath::Igw && hop.accepted => self.left_for_public(hop),
            // COST-12.
            Dir::Out if hop.path == TrafficPath::InterRegionPeering && hop.accepted => {
                self.add("region_out", Who::Eni(hop.eni), hop.len);
            }
            Dir::Out => {}
        }
    }

    /// From another zone, or a public address of the same Region.
    fn arrived(&mut self, hop: &Hop) {
        let fabric = &self.network.fabric;
        let here = &fabric.subnets[fabric.enis[hop.eni].subnet];
        let (region, zone) = (here.region, here.zone);
        if let Some(from) = hop.next {
            let there = &fabric.subnets[fabric.enis[from].subnet];
            // COST-2: nothing for what reaches an endpoint's or a transit gateway's interface.
            let managed = |eni: EniIx| matches!(fabric.enis[eni].kind, EniKind::Vpce(_) | EniKind::Tgw(_));
            if there.region == region && there.zone != zone && !managed(from) && !managed(hop.eni) {
                self.add("zone_out", Who::Eni(from), hop.len);
                self.add("zone_in", Who::Eni(hop.eni), hop.len);
            }
        } else if let IpAddr::V4(src) = hop.headers.src
            && let Some(binding) = fabric.public_v4.get(&src)
            && fabric.vpcs[binding.vpc].region == region
        {
            // COST-3.
            self.add("public_in", Who::Eni(hop.eni), hop.len);
        }
    }

    /// To a public address that is this network's: it does not leave AWS (COST-3).
    fn left_for_public(&mut self, hop: &Hop) {
        let fabric = &self.network.fabric;
        let IpAddr::V4(dst) = hop.headers.dst else { return };
        let Some(binding) = fabric.public_v4.get(&dst) else { return };
        let here = fabric.vpcs[fabric.enis[hop.eni].vpc].region;
        let item = if fabric.vpcs[binding.vpc].region == here { "public_out" } else { "region_out" };
        self.add(item, Who::Eni(hop.eni), hop.len);
    }

    /// It has left for the internet. A service of AWS's in the Region costs nothing (COST-4).
    fn exited(&mut self, packet: &Packet) {
        let fabric = &self.network.fabric;
        let h = &packet.headers;
        if let IpAddr::V4(dst) = h.dst
            && fabric.aws_services.get(dst.into()).is_some()
        {
            return;
        }
        let who = match h.src {
            IpAddr::V4(src) => fabric.public_v4.get(&src).map(|binding| match binding.owner {
                PublicOwner::Eni { eni, .. } => Who::Eni(eni),
                PublicOwner::RegionalNat(nat) => Who::Subject(self.subjects.of_nat(nat)),
            }),
            IpAddr::V6(src) => {
                fabric.public_v6.get(src.into()).map(|vpc| fabric.eni_with(vpc, h.src).map_or(Who::Vpc(vpc), Who::Eni))
            }
        };
        if let Some(who) = who {
            self.add("internet_out", who, packet.len());
        }
    }

    fn through(&mut self, through: &Through) {
        match through {
            Through::Nat(t) => {
                let who = Who::Subject(self.subjects.of_nat(t.nat));
                self.add("nat_processed", who, t.len);
            }
            Through::Tgw(t) => {
                let fabric = &self.network.fabric;
                // COST-6: what comes over a peering was paid for by its sender.
                if matches!(fabric.tgw_attaches[t.via].kind, TgwAttachKind::Peering(_)) {
                    return;
                }
                let who = Who::Subject(self.subjects.of_attachment(t.via));
                let far = t.out.ok().and_then(|(out, _)| match fabric.tgw_attaches[out].kind {
                    TgwAttachKind::Peering(Some(far)) => Some(fabric.tgw_attaches[far].tgw),
                    _ => None,
                });
                let region = |tgw: crate::base::ids::TgwIx| fabric.tgws[tgw].region;
                let leaves = far.is_some_and(|far| region(far) != region(fabric.tgw_attaches[t.via].tgw));
                self.add("tgw_processed", who, t.len);
                if leaves {
                    self.add("region_out", who, t.len);
                }
            }
        }
    }

    fn passed(&mut self, point: Point, packet: &Packet) {
        match point {
            // COST-8. What is carried by Direct Connect is billed there.
            Point::Outer(tunnel) if self.network.fabric.tunnels[tunnel].transport.is_none() => {
                self.add("vpn_out", Who::Tunnel(tunnel), packet.len());
            }
            Point::Vif(vif) => self.add("dx_out", Who::Vif(vif), packet.len()),
            Point::Outer(_) | Point::Inner(_) => {}
        }
    }

    /// Resources that cost by the hour, and how many of each.
    #[must_use]
    pub fn hourly(&self) -> BTreeMap<Used, u64> {
        let (fabric, names, spec) = (&self.network.fabric, &self.network.names, &self.network.spec);
        let mut out: BTreeMap<Used, u64> = BTreeMap::new();
        let mut add = |item: &'static str, (payer, resource): (String, String)| {
            *out.entry(Used { item, payer, resource }).or_default() += 1;
        };
        let mut bindings: Vec<_> = fabric.public_v4.iter().collect();
        bindings.sort_unstable_by_key(|(address, _)| **address);
        for (_, binding) in bindings {
            let who = match binding.owner {
                PublicOwner::Eni { eni, .. } => Who::Eni(eni),
                PublicOwner::RegionalNat(nat) => Who::Subject(self.subjects.of_nat(nat)),
            };
            // COST-13.
            add("public_address", self.say(who));
        }
        for (nat, n) in fabric.nats.iter_enumerated() {
            add("nat_gateway", self.say(n.eni.map_or(Who::Subject(self.subjects.of_nat(nat)), Who::Eni)));
        }
        for attach in fabric.tgw_attaches.indices() {
            add("tgw_attachment", self.say(Who::Subject(self.subjects.of_attachment(attach))));
        }
        for (eni, e) in fabric.enis.iter_enumerated() {
            if let EniKind::Vpce(_) = e.kind {
                add("endpoint", self.say(Who::Eni(eni)));
            }
        }
        let mut connections: Vec<(String, String)> =
            fabric.tunnels.indices().map(|tunnel| self.say(Who::Tunnel(tunnel))).collect();
        connections.sort();
        connections.dedup();
        connections.into_iter().for_each(|connection| add("vpn_connection", connection));
        for (eni, e) in fabric.enis.iter_enumerated() {
            if let EniKind::Cvpn(_) = e.kind {
                // COST-11.
                add("client_vpn_association", self.say(Who::Eni(eni)));
            }
        }
        for session in fabric.mirror_sessions.iter() {
            // COST-14.
            add("mirror_session", self.say(Who::Eni(session.source)));
        }
        for client in fabric.cvpn_clients.iter() {
            let vpc = fabric.cvpns[client.cvpn].vpc;
            let payer = names.realms[fabric.vpcs[vpc].realm as usize].0.clone();
            add("client_vpn_connection", (payer, names.cvpns[client.cvpn].id.clone()));
        }
        let first = || names.realms.first().map_or_else(String::new, |(account, _)| account.clone());
        for (name, connection) in &spec.direct_connect_connections {
            // COST-9: hosted connections cost what the partner says; the port's price stands for the smallest.
            let item = match connection.bandwidth.map_or(1_000_000_000, |b| b.0) {
                ..=1_000_000_000 => "dx_port_1g",
                1_000_000_001..=10_000_000_000 => "dx_port_10g",
                _ => "dx_port_100g",
            };
            add(item, (first(), name.value.clone()));
        }
        out
    }
}

impl Observer for Cost {
    const WATCHES: bool = true;
    fn on(&mut self, _: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Crossed { hop, logged: true, .. } => self.crossed(hop),
            Fact::Exited { packet, .. } => self.exited(packet),
            Fact::Through { through } => self.through(through),
            Fact::Passed { point, to: Side::Customer, packet } => self.passed(*point, packet),
            _ => {}
        }
    }
}
