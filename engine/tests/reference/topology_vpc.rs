//! One random VPC: subnets, instances, gateways.

use super::topology::{Dice, cidr, listener};
use std::net::{Ipv4Addr, Ipv6Addr};
use vpcsim_engine::base::Protocol;
use vpcsim_engine::spec::{
    EgressOnlyInternetGateway, Forwarding, Instance, InstanceState, InternetGateway, NatAddress, NatConnectivity,
    NatGateway, NetworkInterface, NotModelled, PublicIp, SecondaryAddress, Spec, Subnet, Vpc,
};

/// A subnet's name and blocks as text.
#[derive(Clone, Debug)]
pub struct Net {
    pub name: String,
    pub number: usize,
    pub zone: &'static str,
    pub v4: Option<String>,
    pub v6: Option<String>,
}

/// Names of what a VPC has, while it is made.
#[derive(Clone, Debug, Default)]
pub struct VpcParts {
    pub n: usize,
    pub name: String,
    pub blocks: Vec<String>,
    pub subnets: Vec<Net>,
    pub groups: Vec<String>,
    pub acls: Vec<String>,
    pub tables: Vec<String>,
    pub igw: Option<String>,
    pub eigw: Option<String>,
    /// NAT gateways by name, with IPv4.
    pub nats: Vec<String>,
    /// Interfaces, and instances with one interface, that may be a route's target.
    pub targets: Vec<String>,
    pub not_modelled: Vec<String>,
    /// Next host number by subnet.
    next: Vec<usize>,
    /// Subnets that have given a prefix away.
    delegated: Vec<usize>,
}

impl VpcParts {
    pub fn new(n: usize) -> Self {
        Self { n, name: format!("vpc{n}"), ..Self::default() }
    }

    pub fn build(mut self, spec: &mut Spec, dice: &mut Dice, eips: &mut dyn Iterator<Item = Ipv4Addr>) -> Self {
        self.vpc(spec, dice);
        let sgs = dice.between(1, 4);
        self.groups = (0..sgs).map(|n| format!("sg{}-{n}", self.n)).collect();
        let acls = dice.between(1, 3);
        self.acls = (0..acls).map(|n| format!("acl{}-{n}", self.n)).collect();
        let tables = dice.between(1, 3);
        self.tables = (0..tables).map(|n| format!("rtb{}-{n}", self.n)).collect();
        self.make_subnets(spec, dice);
        self.gateways(spec, dice, eips);
        self.instances(spec, dice, eips);
        self.filters(spec, dice);
        self.make_tables(spec, dice);
        self
    }

    fn vpc(&mut self, spec: &mut Spec, dice: &mut Dice) {
        let v4 = format!("10.{}.0.0/16", self.n);
        let mut vpc = Vpc { cidr: Some(cidr(&v4).into()), ..Vpc::default() };
        self.blocks.push(v4);
        if dice.chance(20) {
            let more = format!("10.{}.0.0/20", 100 + self.n);
            vpc.secondary_cidrs.push(cidr(&more).into());
            self.blocks.push(more);
        }
        if dice.chance(60) {
            let v6 = format!("2600:1f18:{:x}::/56", self.n);
            vpc.ipv6_cidrs.push(cidr(&v6).into());
            self.blocks.push(v6);
        }
        if dice.chance(10) {
            vpc.enable_dns_support = Some(false);
        }
        spec.vpcs.insert(self.name.as_str().into(), vpc);
    }

    fn make_subnets(&mut self, spec: &mut Spec, dice: &mut Dice) {
        let has_v6 = self.blocks.iter().any(|b| b.contains(':'));
        for number in 0..dice.between(1, 5) {
            let name = format!("sub{}-{number}", self.n);
            let second = self.blocks.len() > 1 && self.blocks[1].starts_with("10.") && dice.chance(25);
            let v4 = if second {
                format!("10.{}.{number}.0/24", 100 + self.n)
            } else {
                format!("10.{}.{number}.0/24", self.n)
            };
            let v6 = format!("2600:1f18:{:x}:{number:x}::/64", self.n);
            let kind = if has_v6 { dice.below(10) } else { 0 };
            let (v4, v6) = ((kind < 8).then_some(v4), (kind >= 3).then_some(v6));
            let net = Net { name: name.clone(), number, zone: dice.pick(&["a", "b"]), v4, v6 };
            spec.subnets.insert(
                name.as_str().into(),
                Subnet {
                    vpc: self.name.as_str().into(),
                    az: net.zone.into(),
                    az_id: None,
                    cidr: net.v4.as_deref().map(|c| cidr(c).into()),
                    ipv6_cidr: net.v6.as_deref().map(|c| cidr(c).into()),
                    // Sometimes the main table and the default ACL serve it.
                    route_table: dice.chance(75).then(|| dice.pick(&self.tables).as_str().into()),
                    network_acl: dice.chance(75).then(|| dice.pick(&self.acls).as_str().into()),
                    map_public_ip: None,
                    dns64: None,
                    name_tag: None,
                    tags: Default::default(),
                },
            );
            self.subnets.push(net);
            self.next.push(10);
        }
    }

    pub fn v4_in(&mut self, net: &Net) -> Option<Ipv4Addr> {
        let block = cidr(net.v4.as_deref()?);
        self.next[net.number] += 1;
        match block.nth(self.next[net.number] as u64) {
            Some(std::net::IpAddr::V4(a)) => Some(a),
            _ => None,
        }
    }

    pub fn v6_in(&mut self, net: &Net) -> Option<Ipv6Addr> {
        let block = cidr(net.v6.as_deref()?);
        self.next[net.number] += 1;
        match block.nth(self.next[net.number] as u64) {
            Some(std::net::IpAddr::V6(a)) => Some(a),
            _ => None,
        }
    }

    fn gateways(&mut self, spec: &mut Spec, dice: &mut Dice, eips: &mut dyn Iterator<Item = Ipv4Addr>) {
        if dice.chance(80) {
            let name = format!("igw{}", self.n);
            let vpc = Some(self.name.as_str().into());
            spec.internet_gateways.insert(name.as_str().into(), InternetGateway { vpc, name_tag: None });
            self.igw = Some(name);
        }
        if self.blocks.iter().any(|b| b.contains(':')) && dice.chance(60) {
            let name = format!("eigw{}", self.n);
            let vpc = Some(self.name.as_str().into());
            spec.egress_only_internet_gateways
                .insert(name.as_str().into(), EgressOnlyInternetGateway { vpc, name_tag: None });
            self.eigw = Some(name);
        }
        let v4: Vec<Net> = self.subnets.iter().filter(|s| s.v4.is_some()).cloned().collect();
        for n in 0..dice.below(3) {
            let Some(net) = (!v4.is_empty()).then(|| dice.pick(&v4)) else { continue };
            let name = format!("nat{}-{n}", self.n);
            let public = self.igw.is_some() && dice.chance(85);
            let mut nat = NatGateway { available: dice.chance(4).then_some(false), ..NatGateway::default() };
            let regional = public && dice.chance(25);
            if regional {
                nat.vpc = Some(self.name.as_str().into());
            } else {
                nat.subnet = Some(net.name.as_str().into());
            }
            if !public {
                nat.connectivity = Some(NatConnectivity::Private);
            }
            let address = NatAddress {
                private: (!regional).then(|| self.v4_in(&net).expect("IPv4").into()),
                public: public.then(|| eips.next().expect("addresses enough").into()),
            };
            nat.addresses.push(address.into());
            spec.nat_gateways.insert(name.as_str().into(), nat);
            self.nats.push(name);
        }
        for kind in ["VPC peering connection", "virtual private gateway"] {
            if dice.chance(15) {
                let name = format!("{}{}", if kind.starts_with("VPC") { "pcx" } else { "vgw" }, self.n);
                let vpc = Some(self.name.as_str().into());
                spec.not_modelled
                    .insert(name.as_str().into(), NotModelled { kind: kind.to_owned(), vpc, name_tag: None });
                self.not_modelled.push(name);
            }
        }
    }

    fn instances(&mut self, spec: &mut Spec, dice: &mut Dice, eips: &mut dyn Iterator<Item = Ipv4Addr>) {
        for n in 0..dice.between(2, 6) {
            let name = format!("i{}-{n}", self.n);
            let middlebox = dice.chance(30);
            let eni = self.eni(dice, eips, middlebox, None);
            let mut instance = Instance { primary: Some(eni), ..Instance::default() };
            if dice.chance(6) {
                instance.state = Some(dice.pick(&[InstanceState::Stopped, InstanceState::Pending]));
            }
            let all = [
                (Protocol::TCP, 22),
                (Protocol::TCP, 80),
                (Protocol::TCP, 443),
                (Protocol::UDP, 53),
                (Protocol::UDP, 443),
            ];
            let listen = all.iter().filter(|_| dice.chance(65)).map(|(p, port)| listener(*p, *port)).collect();
            instance.listen = dice.chance(92).then_some(listen);
            if dice.chance(8) {
                instance.answers_ping = Some(false);
            }
            if middlebox && dice.chance(85) {
                instance.forwarding = Some(Forwarding { masquerade: dice.chance(50), stateful: false });
            }
            if dice.chance(25) {
                let first = format!("eni{}-{n}a", self.n);
                let mut primary = instance.primary.take().expect("just made");
                primary.instance = Some(name.as_str().into());
                primary.device_index = Some(0);
                let second = format!("eni{}-{n}b", self.n);
                // ENI-10: both in one zone.
                let beside = primary.subnet.as_ref().map(|subnet| subnet.value.as_str());
                let mut eni = self.eni(dice, eips, middlebox, beside);
                eni.instance = Some(name.as_str().into());
                eni.device_index = Some(1);
                if middlebox && dice.chance(40) {
                    eni.source_dest_check = Some(true);
                }
                if middlebox {
                    self.targets.push(first.clone());
                    self.targets.push(second.clone());
                }
                spec.network_interfaces.insert(first.as_str().into(), primary);
                spec.network_interfaces.insert(second.as_str().into(), eni);
            } else if middlebox || dice.chance(4) {
                self.targets.push(name.clone());
            }
            spec.instances.insert(name.as_str().into(), instance);
        }
        if dice.chance(15) {
            let eni = self.eni(dice, eips, false, None);
            spec.network_interfaces.insert(format!("eni{}-free", self.n).as_str().into(), eni);
        }
    }

    /// An interface, in the zone of the subnet `beside` if there is one.
    fn eni(
        &mut self,
        dice: &mut Dice,
        eips: &mut dyn Iterator<Item = Ipv4Addr>,
        middlebox: bool,
        beside: Option<&str>,
    ) -> NetworkInterface {
        let zone = self.subnets.iter().find(|net| Some(net.name.as_str()) == beside).map(|net| net.zone);
        let subnets: Vec<Net> = self.subnets.iter().filter(|net| zone.is_none_or(|z| net.zone == z)).cloned().collect();
        let net = dice.pick(&subnets);
        let mut eni = NetworkInterface {
            subnet: Some(net.name.as_str().into()),
            address: self.v4_in(&net).map(Into::into),
            public_ip: None,
            ..NetworkInterface::default()
        };
        if net.v4.is_none() || dice.chance(75) {
            eni.ipv6_addresses.extend(self.v6_in(&net).map(vpcsim_engine::spec::Spanned::from));
        }
        if eni.address.is_some() && self.igw.is_some() && dice.chance(55) {
            eni.public_ip = Some(PublicIp::Address(eips.next().expect("addresses enough")).into());
        }
        if eni.address.is_some() && dice.chance(12) {
            let public_ip = (self.igw.is_some() && dice.chance(50)).then(|| eips.next().expect("enough").into());
            let address = self.v4_in(&net).expect("IPv4").into();
            eni.secondary_addresses.push(SecondaryAddress { address, public_ip }.into());
        }
        if dice.chance(8)
            && !self.delegated.contains(&net.number)
            && let Some(v4) = &net.v4
        {
            let base = cidr(v4).nth(208).expect("a /24");
            eni.prefixes.push(cidr(&format!("{base}/28")).into());
            self.delegated.push(net.number);
        }
        let count = dice.between(1, 2.min(self.groups.len()));
        let mut groups: Vec<String> = (0..count).map(|_| dice.pick(&self.groups)).collect();
        groups.sort();
        groups.dedup();
        eni.security_groups = Some(groups.iter().map(|g| g.as_str().into()).collect());
        eni.source_dest_check = if middlebox { Some(dice.chance(15)) } else { dice.chance(5).then_some(false) };
        eni
    }
}
