//! What connects the VPCs of a random topology: Regions and accounts, peerings, routes, group references.

use super::topology::{Dice, cidr};
use super::topology_rules::route;
use super::topology_vpc::{Net, VpcParts};
use vpcsim_engine::base::Cidr;
use vpcsim_engine::base::port::{PortRange, ProtocolMatch};
use vpcsim_engine::spec::{
    NetworkInterface, Peer, PeeringState, PrefixList, SgRule, Spanned, Spec, VpcPeeringConnection,
};

/// A peering between two VPCs by number; the other one is none if the topology does not describe it.
pub struct Pcx {
    pub name: String,
    pub one: usize,
    pub other: Option<usize>,
    pub active: bool,
    pub deleted: bool,
}

pub struct Between<'a> {
    pub spec: &'a mut Spec,
    pub dice: &'a mut Dice,
    pub parts: Vec<VpcParts>,
    pub pcxs: Vec<Pcx>,
    /// Transit gateway, VPC's number, attachment, whether it carries IPv6.
    pub attached: Vec<(String, usize, String, bool)>,
}

pub fn names<S: AsRef<str>>(all: &[S]) -> Vec<Spanned<String>> {
    all.iter().map(|n| n.as_ref().into()).collect()
}

impl<'a> Between<'a> {
    pub fn new(spec: &'a mut Spec, dice: &'a mut Dice, parts: Vec<VpcParts>) -> Self {
        Self { spec, dice, parts, pcxs: Vec::new(), attached: Vec::new() }
    }

    pub fn build(mut self) {
        if self.dice.chance(85) {
            self.open_up();
        }
        self.realms();
        self.prefix_lists();
        self.peerings();
        self.transit_gateways();
        self.endpoints();
        for vpc in 0..self.parts.len() {
            for table in self.parts[vpc].tables.clone() {
                self.routes(vpc, &table);
            }
        }
        self.inspections();
        self.references();
        for instance in self.spec.instances.values_mut() {
            if let Some(forwarding) = &mut instance.forwarding {
                forwarding.stateful = self.dice.chance(35);
            }
        }
    }

    /// Sometimes the last VPC is in another Region, or the second one in an account with other letters for zones.
    fn realms(&mut self) {
        let last = self.parts.len() - 1;
        let mut moved = Vec::new();
        if last > 0 && self.dice.chance(12) {
            let name = self.parts[last].name.clone();
            self.spec.vpcs.get_mut(name.as_str()).expect("made").region = Some("us-west-2".into());
            moved.push(name);
        } else if last > 0 && self.dice.chance(15) {
            let name = self.parts[1].name.clone();
            self.spec.vpcs.get_mut(name.as_str()).expect("made").account = Some("222222222222".into());
            for subnet in self.spec.subnets.values_mut() {
                let first = (subnet.az.value == "a") != (subnet.vpc.value == name);
                subnet.az_id = Some(if first { "use1-az1" } else { "use1-az2" }.to_owned());
            }
            moved.push(name);
        }
        let subnets = &self.spec.subnets;
        let gone = |resource: &str| match subnets.get(resource) {
            Some(subnet) => moved.contains(&subnet.vpc.value),
            None => moved.iter().any(|m| m == resource),
        };
        for bpa in &mut self.spec.block_public_access {
            bpa.value.exclusions.retain(|e| !gone(e.resource.as_str()));
        }
    }

    pub fn region(&self, vpc: usize) -> String {
        let region = &self.spec.vpcs[self.parts[vpc].name.as_str()].region;
        region.as_ref().map_or("us-east-1", |r| r.value.as_str()).to_owned()
    }

    fn prefix_lists(&mut self) {
        let mut list = |name: &str, tag: Option<&str>, entries: &[String]| {
            let entries = entries.iter().map(|e| cidr(e).into()).collect();
            let list = PrefixList { entries, name_tag: tag.map(str::to_owned), ..PrefixList::default() };
            self.spec.prefix_lists.insert(name.into(), list);
        };
        list("pl-s3", Some("com.amazonaws.us-east-1.s3"), &["52.216.0.0/15".to_owned(), "54.231.0.0/16".to_owned()]);
        list("pl-ddb", Some("com.amazonaws.us-east-1.dynamodb"), &["52.94.0.0/22".to_owned()]);
        let firsts: Vec<String> = self.parts.iter().map(|p| p.blocks[0].clone()).collect();
        list("pl-nets", None, &firsts);
    }

    /// An interface that AWS makes, by name.
    pub fn managed(&mut self, vpc: usize, owner: &str, net: &Net, kind: &str, groups: &[String], v6: bool) -> String {
        let name = format!("{owner}/{}", net.name);
        let part = &mut self.parts[vpc];
        let eni = NetworkInterface {
            subnet: Some(net.name.as_str().into()),
            address: part.v4_in(net).map(Into::into),
            ipv6_addresses: part.v6_in(net).filter(|_| v6).map(Into::into).into_iter().collect(),
            security_groups: Some(names(groups)),
            source_dest_check: Some(kind == "vpc_endpoint"),
            interface_type: Some(kind.into()),
            requester_managed: true,
            ..NetworkInterface::default()
        };
        self.spec.network_interfaces.insert(name.as_str().into(), eni);
        name
    }

    /// At most one subnet with IPv4 per zone, each zone with a chance, one at least if there are any.
    pub fn one_per_zone(&mut self, vpc: usize, percent: usize) -> Vec<Net> {
        let mut nets: Vec<Net> = Vec::new();
        for zone in ["a", "b"] {
            let subnets = &self.spec.subnets;
            let here = self.parts[vpc].subnets.iter();
            let here: Vec<Net> =
                here.filter(|n| n.v4.is_some() && subnets[n.name.as_str()].az.value == zone).cloned().collect();
            if !here.is_empty() && (self.dice.chance(percent) || (nets.is_empty() && zone == "b")) {
                nets.push(self.dice.pick(&here));
            }
        }
        nets
    }

    fn peerings(&mut self) {
        for one in 0..self.parts.len() {
            for other in one + 1..self.parts.len() {
                if self.dice.chance(40) {
                    let name = format!("pcx-{one}-{other}");
                    let state = match self.dice.below(100) {
                        0..=39 => None,
                        40..=84 => Some(PeeringState::Active),
                        85..=91 => Some(PeeringState::PendingAcceptance),
                        _ => Some(PeeringState::Deleted),
                    };
                    self.peering(&name, one, Some(other), state);
                }
            }
            // Only an export may leave a side out.
            if self.spec.guests.is_some() && self.dice.chance(50) {
                self.peering(&format!("pcx-{one}-far"), one, None, None);
            }
        }
    }

    fn peering(&mut self, name: &str, one: usize, other: Option<usize>, state: Option<PeeringState>) {
        let mut sides = [Some(self.parts[one].name.clone()), other.map(|o| self.parts[o].name.clone())];
        if self.dice.chance(50) {
            sides.reverse();
        }
        let [requester, accepter] = sides.map(|s| s.map(Spanned::from));
        let body = VpcPeeringConnection { requester, accepter, state, ..VpcPeeringConnection::default() };
        self.spec.vpc_peering_connections.insert(name.into(), body);
        let active = state.is_none_or(|s| s == PeeringState::Active);
        let deleted = state == Some(PeeringState::Deleted);
        self.pcxs.push(Pcx { name: name.to_owned(), one, other, active, deleted });
    }

    pub fn pcx(&self, vpc: usize, other: usize) -> Option<&Pcx> {
        let ends =
            |p: &&Pcx| [(p.one, p.other), (p.other.unwrap_or(usize::MAX), Some(p.one))].contains(&(vpc, Some(other)));
        self.pcxs.iter().find(ends)
    }

    /// Adds a static route unless the destination is taken, or in its place.
    pub fn add_route(&mut self, table: &str, to: &str, via: &str, replace: bool) {
        let routes = &mut self.spec.route_tables.get_mut(table).expect("made").routes;
        if replace {
            routes.retain(|r| r.to.value != to);
        }
        if !routes.iter().any(|r| r.to.value == to) {
            routes.push(route(to, via, None, None));
        }
    }

    /// Routes of one table to the other VPCs.
    fn routes(&mut self, vpc: usize, table: &str) {
        let tgws: Vec<(String, bool)> =
            self.attached.iter().filter(|a| a.1 == vpc).map(|a| (a.0.clone(), a.3)).collect();
        for other in (0..self.parts.len()).filter(|o| *o != vpc) {
            let pcx = self.pcx(vpc, other).map(|p| p.name.clone());
            let far = self.parts[other].clone();
            let mut to: Vec<String> = far.blocks.clone();
            if self.dice.chance(25) {
                to = self.dice.pick(&far.subnets).v4.into_iter().collect();
            }
            for to in to {
                let v6 = to.contains(':');
                let mut via: Vec<String> = pcx.iter().chain(&pcx).cloned().collect();
                via.extend(tgws.iter().filter(|t| t.1 || !v6).map(|t| t.0.clone()));
                if !v6 && self.dice.chance(8) {
                    via.extend(self.parts[vpc].nats.clone());
                    via.extend(self.parts[vpc].targets.clone());
                }
                if !via.is_empty() && self.dice.chance(85) {
                    let via = self.dice.pick(&via);
                    self.add_route(table, &to, &via, false);
                }
            }
        }
        let mine: Vec<(String, bool)> = (self.pcxs.iter())
            .filter(|p| p.one == vpc || p.other == Some(vpc))
            .map(|p| (p.name.clone(), p.other.is_none()))
            .collect();
        for (pcx, far) in mine {
            if far && self.dice.chance(70) {
                self.add_route(table, "10.200.0.0/16", &pcx, false);
            }
            // Through the peer to something else: it does not go (aws-hybrid 1.3).
            if self.dice.chance(8) {
                let block = self.dice.pick(&self.parts).blocks[0].clone();
                let to = self.dice.pick(&["192.0.2.0/24".to_owned(), block.clone(), block]);
                if !self.parts[vpc].blocks.contains(&to) {
                    self.add_route(table, &to, &pcx, true);
                }
            }
            if self.dice.chance(5) {
                self.add_route(table, "0.0.0.0/0", &pcx, true);
            }
        }
        if let Some((tgw, v6)) = tgws.first().cloned() {
            for (to, percent, ok) in
                [("10.0.0.0/8", 65, true), ("2600:1f18::/32", 60, v6), ("0.0.0.0/0", 12, true), ("::/0", 10, v6)]
            {
                if ok && self.dice.chance(percent) {
                    self.add_route(table, to, &tgw, percent < 20);
                }
            }
        }
    }

    /// Rules that name groups of other VPCs (aws-core 4.2).
    fn references(&mut self) {
        for vpc in 0..self.parts.len() {
            for other in 0..self.parts.len() {
                if other == vpc || self.region(other) != self.region(vpc) {
                    continue;
                }
                let pcx = self.pcx(vpc, other).map(|p| (p.active, p.deleted));
                let shared = |tgw: &str| self.attached.iter().any(|a| a.0 == tgw && a.1 == other);
                let by_tgw = self.attached.iter().any(|a| a.1 == vpc && shared(&a.0));
                let peered = pcx.is_some_and(|p| p.0) || (pcx.is_some_and(|p| p.1) && self.dice.chance(20));
                for group in self.parts[vpc].groups.clone() {
                    let peer = self.dice.pick(&self.parts[other].groups);
                    if (peered || by_tgw) && self.dice.chance(35) {
                        self.rule(&group, &peer, true);
                    }
                    if peered && self.dice.chance(35) {
                        self.rule(&group, &peer, false);
                    }
                }
            }
        }
    }

    fn rule(&mut self, group: &str, peer: &str, inbound: bool) {
        let peer = Some(Spanned::from(Peer::Name(peer.to_owned())));
        let (from, to) = if inbound { (peer, None) } else { (None, peer) };
        let tcp = self.dice.chance(30);
        let protocol = tcp.then_some(ProtocolMatch::One(vpcsim_engine::base::Protocol::TCP));
        let ports = tcp.then_some(PortRange { from: 1, to: 1023 });
        let rule = SgRule { protocol, ports, icmp_type: None, icmp_code: None, from, to, id: None, description: None };
        let body = self.spec.security_groups.get_mut(group).expect("made");
        let Some(rules) = (if inbound { &mut body.inbound } else { &mut body.outbound }) else { return };
        // Often the only way.
        if self.dice.chance(35) {
            let all = |p: &Option<Spanned<Peer>>| matches!(p.as_ref().map(|p| &p.value), Some(Peer::Cidr(c)) if *c == Cidr::ALL_V4);
            rules.retain(|r| !all(&r.from) && !all(&r.to));
        }
        if !rules.iter().any(|r| r.value == rule) {
            rules.push(rule.into());
        }
    }
}
