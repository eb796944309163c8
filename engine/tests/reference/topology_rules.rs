//! Random filters and route tables of one VPC.

use super::topology::{Dice, HOSTS_V4, cidr};
use super::topology_vpc::VpcParts;
use std::collections::BTreeSet;
use vpcsim_engine::base::port::{PortRange, ProtocolMatch};
use vpcsim_engine::base::{Cidr, Protocol};
use vpcsim_engine::spec::{
    AclAction, AclRule, NetworkAcl, Peer, Route, RouteOrigin, RouteState, RouteTable, SecurityGroup, SgRule, Spanned,
    Spec,
};

/// What rules look at besides addresses.
#[derive(Clone, Copy, Default)]
pub struct What {
    pub protocol: Option<ProtocolMatch>,
    pub ports: Option<PortRange>,
    pub icmp_type: Option<i16>,
    pub icmp_code: Option<i16>,
}

fn what(dice: &mut Dice) -> What {
    let one = |n| Some(ProtocolMatch::One(Protocol(n)));
    let mut w = What::default();
    match dice.below(10) {
        0..=2 => {}
        3..=5 => {
            w.protocol = one(6);
            w.ports = ports(dice);
        }
        6 => {
            w.protocol = one(17);
            w.ports = ports(dice);
        }
        7 | 8 => {
            w.protocol = one(if dice.chance(60) { 1 } else { 58 });
            let echo = if w.protocol == one(1) { 8 } else { 128 };
            w.icmp_type = dice.pick(&[None, Some(-1), Some(echo), Some(echo), Some(3), Some(0)]);
            w.icmp_code = if w.icmp_type == Some(echo) { dice.pick(&[None, Some(0), Some(-1), Some(1)]) } else { None };
        }
        _ => w.protocol = dice.pick(&[one(47), one(50)]),
    }
    w
}

/// No range ends inside the ephemeral ports: which one a translation takes is not documented.
fn ports(dice: &mut Dice) -> Option<PortRange> {
    let range = |from, to| Some(PortRange { from, to });
    dice.pick(&[
        None,
        range(22, 22),
        range(80, 443),
        range(53, 53),
        range(1024, 65535),
        range(1, 1023),
        range(443, 443),
    ])
}

impl VpcParts {
    /// A block that somebody in a question may have.
    fn block(&self, spec: &Spec, dice: &mut Dice) -> Cidr {
        let net = dice.pick(&self.subnets);
        match dice.below(8) {
            0 | 1 => Cidr::ALL_V4,
            2 => Cidr::ALL_V6,
            3 => cidr(&dice.pick(&self.blocks)),
            4 => cidr(net.v4.as_ref().or(net.v6.as_ref()).expect("a block")),
            5 => cidr(net.v6.as_ref().or(net.v4.as_ref()).expect("a block")),
            6 => cidr(&format!("{}/32", dice.pick(&HOSTS_V4))),
            _ => {
                // Somebody's private or public address.
                let inside = spec.instances.values().filter_map(|i| i.primary.as_ref());
                let enis: Vec<_> = inside.chain(spec.network_interfaces.values()).collect();
                let eni = &enis[dice.below(enis.len())];
                let public = eni.public_ip.as_ref().and_then(|p| p.address()).filter(|_| dice.chance(50));
                let private = eni.address.as_ref().map(|a| std::net::IpAddr::V4(a.value));
                public.or(private).map_or(Cidr::ALL_V6, Cidr::host)
            }
        }
    }

    pub fn filters(&self, spec: &mut Spec, dice: &mut Dice) {
        let defaults = dice.chance(60);
        for (n, name) in self.acls.clone().iter().enumerate() {
            let acl = NetworkAcl {
                vpc: self.name.as_str().into(),
                default: n == 0 && defaults,
                inbound: dice.chance(85).then(|| self.acl_rows(spec, dice, true)),
                outbound: dice.chance(85).then(|| self.acl_rows(spec, dice, false)),
                name_tag: None,
            };
            spec.network_acls.insert(name.as_str().into(), acl);
        }
        let defaults = dice.chance(50);
        for (n, name) in self.groups.clone().iter().enumerate() {
            let group = SecurityGroup {
                vpc: self.name.as_str().into(),
                default: n == 0 && defaults,
                inbound: dice.chance(95).then(|| self.rules(spec, dice, true)),
                outbound: dice.chance(35).then(|| self.rules(spec, dice, false)),
                description: None,
                account: None,
                name_tag: None,
            };
            spec.security_groups.insert(name.as_str().into(), group);
        }
    }

    fn acl_rows(&self, spec: &Spec, dice: &mut Dice, inbound: bool) -> Vec<Spanned<AclRule>> {
        let mut rows = Vec::new();
        let mut numbers = BTreeSet::new();
        let mut row = |number: usize, action, w: What, block: Cidr| {
            if numbers.insert(number) {
                rows.push(acl_row(number, action, w, block, inbound));
            }
        };
        for _ in 0..dice.below(4) {
            let action = if dice.chance(45) { AclAction::Allow } else { AclAction::Deny };
            row(dice.between(1, 300), action, what(dice), self.block(spec, dice));
        }
        let all = What::default();
        if dice.chance(85) {
            row(1000, AclAction::Allow, all, Cidr::ALL_V4);
        }
        if dice.chance(85) {
            row(1001, AclAction::Allow, all, Cidr::ALL_V6);
        }
        rows
    }

    fn rules(&self, spec: &Spec, dice: &mut Dice, inbound: bool) -> Vec<Spanned<SgRule>> {
        let mut rules: Vec<Spanned<SgRule>> = Vec::new();
        let mut rule = |w: What, peer: Peer| {
            let rule = sg_rule(w, peer, inbound);
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        };
        let all = What::default();
        if dice.chance(45) {
            rule(all, Peer::Cidr(Cidr::ALL_V4));
        }
        if dice.chance(45) {
            rule(all, Peer::Cidr(Cidr::ALL_V6));
        }
        for _ in 0..dice.below(5) {
            let peer = match dice.below(10) {
                0..=2 => Peer::Name(dice.pick(&self.groups)),
                3 => Peer::Name(dice.pick(&["pl-0", "pl-1"]).to_owned()),
                _ => Peer::Cidr(self.block(spec, dice)),
            };
            rule(what(dice), peer);
        }
        rules
    }

    pub fn make_tables(&self, spec: &mut Spec, dice: &mut Dice) {
        for (n, name) in self.tables.iter().enumerate() {
            let table = RouteTable {
                vpc: self.name.as_str().into(),
                main: n == 0,
                gateway: None,
                propagating_vpn_gateways: Vec::new(),
                routes: self.routes(dice),
                name_tag: None,
            };
            spec.route_tables.insert(name.as_str().into(), table);
        }
        if let Some(igw) = self.igw.as_ref().filter(|_| dice.chance(30)) {
            let mut routes: Vec<Spanned<Route>> = Vec::new();
            let mut to: Vec<String> = self.subnets.iter().flat_map(|s| s.v4.iter().chain(&s.v6)).cloned().collect();
            to.extend(self.blocks.clone());
            for to in to {
                if dice.chance(40) && !self.targets.is_empty() {
                    routes.push(route(&to, &dice.pick(&self.targets), None, None));
                }
            }
            let gateway = Some(igw.as_str().into());
            let table = RouteTable {
                vpc: self.name.as_str().into(),
                main: false,
                gateway,
                propagating_vpn_gateways: Vec::new(),
                routes,
                name_tag: None,
            };
            spec.route_tables.insert(format!("edge{}", self.n).as_str().into(), table);
        }
    }

    fn middlebox(&self, dice: &mut Dice) -> Option<String> {
        (!self.targets.is_empty()).then(|| dice.pick(&self.targets))
    }

    fn any_target(&self, dice: &mut Dice) -> Option<String> {
        let nat = (!self.nats.is_empty()).then(|| dice.pick(&self.nats));
        match dice.below(10) {
            0..=4 => self.igw.clone().or(nat),
            5..=7 => nat.or_else(|| self.igw.clone()),
            8 => self.middlebox(dice).or_else(|| self.igw.clone()),
            _ if self.not_modelled.is_empty() => None,
            _ => Some(dice.pick(&self.not_modelled)),
        }
    }

    fn routes(&self, dice: &mut Dice) -> Vec<Spanned<Route>> {
        let mut routes: Vec<Spanned<Route>> = Vec::new();
        let mut taken = BTreeSet::new();
        let mut add = |to: &str, via: Option<String>, state, origin: Option<RouteOrigin>| {
            let Some(via) = via else { return };
            if taken.insert((to.to_owned(), origin == Some(RouteOrigin::Propagated))) {
                routes.push(route(to, &via, state, origin));
            }
        };
        if dice.chance(85) {
            add("0.0.0.0/0", self.any_target(dice), None, None);
        }
        if self.blocks.iter().any(|b| b.contains(':')) {
            let out = match dice.below(10) {
                0..=4 => self.igw.clone(),
                5..=7 => self.eigw.clone().or_else(|| self.igw.clone()),
                8 => self.middlebox(dice),
                _ => None,
            };
            add("::/0", out, None, None);
            if !self.nats.is_empty() && dice.chance(50) {
                add("64:ff9b::/96", Some(dice.pick(&self.nats)), None, None);
            }
        }
        // More specific than local: a whole subnet by a middlebox or a NAT gateway.
        for net in &self.subnets {
            for block in net.v4.iter().chain(&net.v6) {
                if dice.chance(7) {
                    let nat = (!self.nats.is_empty() && !block.contains(':')).then(|| dice.pick(&self.nats));
                    let via = if dice.chance(20) { nat } else { self.middlebox(dice) };
                    add(block, via, None, None);
                }
            }
        }
        for block in &self.blocks {
            if dice.chance(4) {
                add(block, self.middlebox(dice), None, None);
            }
        }
        for to in ["192.0.2.0/24", "192.0.2.80/32", "8.8.8.0/24", "198.51.100.0/25"] {
            if dice.chance(12) {
                let state = dice.chance(25).then_some(RouteState::Blackhole);
                add(to, self.any_target(dice), state, None);
            }
        }
        if dice.chance(10) {
            add("pl-1", self.igw.clone(), None, None);
        }
        if let Some(vgw) = self.not_modelled.iter().find(|n| n.starts_with("vgw")) {
            let net = dice.pick(&self.subnets);
            for to in [Some("192.0.2.0/24".to_owned()), Some("192.0.2.80/32".to_owned()), net.v4] {
                if let (Some(to), true) = (to, dice.chance(30)) {
                    add(&to, Some(vgw.clone()), None, Some(RouteOrigin::Propagated));
                }
            }
        }
        routes
    }
}

pub fn acl_row(number: usize, action: AclAction, w: What, block: Cidr, inbound: bool) -> Spanned<AclRule> {
    let block = Some(block.into());
    let (from, to) = if inbound { (block, None) } else { (None, block) };
    let rule = Spanned::from(u32::try_from(number).expect("small"));
    let What { protocol, ports, icmp_type, icmp_code } = w;
    AclRule { rule, action, protocol, ports, icmp_type, icmp_code, from, to }.into()
}

pub fn sg_rule(w: What, peer: Peer, inbound: bool) -> Spanned<SgRule> {
    let peer = Some(peer.into());
    let (from, to) = if inbound { (peer, None) } else { (None, peer) };
    let What { protocol, ports, icmp_type, icmp_code } = w;
    SgRule { protocol, ports, icmp_type, icmp_code, from, to, id: None, description: None }.into()
}

pub fn route(to: &str, via: &str, state: Option<RouteState>, origin: Option<RouteOrigin>) -> Spanned<Route> {
    Route { to: to.into(), via: via.into(), state, origin }.into()
}
