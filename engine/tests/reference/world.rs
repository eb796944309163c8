//! The topology with AWS's defaults (aws-core 1, 2.1, 4.1, 5), as plain lists, and what has passed so far.

use super::Dir;
use super::choices::Choices;
use super::managed::Role;
use super::packet::Packet;
use super::peering::SentOver;
use std::net::{IpAddr, Ipv4Addr};
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{GuestKnowledge, Instance, InstanceState, NatConnectivity, NetworkInterface, PublicIp, Spec};

/// An interface, its instance's fields included.
#[derive(Clone, Debug)]
pub struct Eni {
    pub name: String,
    pub subnet: String,
    pub vpc: String,
    /// Primary IPv4, secondary IPv4, IPv6 addresses.
    pub addresses: Vec<IpAddr>,
    pub v4: Option<IpAddr>,
    pub v6: Option<IpAddr>,
    pub prefixes: Vec<Cidr>,
    /// Private and public address.
    pub publics: Vec<(IpAddr, IpAddr)>,
    pub groups: Vec<String>,
    pub check: bool,
    pub instance: Option<String>,
    pub index: u32,
    /// Made by an AWS service: no guest of the user's behind it.
    pub managed: bool,
    pub role: Role,
}

impl Eni {
    /// An interface that AWS made and the topology does not list: nobody writes to it.
    pub fn unlisted(name: &str, subnet: &str, vpc: &str) -> Self {
        Self {
            name: name.to_owned(),
            subnet: subnet.to_owned(),
            vpc: vpc.to_owned(),
            addresses: Vec::new(),
            v4: None,
            v6: None,
            prefixes: Vec::new(),
            publics: Vec::new(),
            groups: Vec::new(),
            check: true,
            instance: None,
            index: 0,
            managed: true,
            role: Role::Own,
        }
    }

    /// aws-core 1.4: delegated prefixes count as own addresses.
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.prefixes.iter().any(|p| p.contains(address))
    }
}

#[derive(Clone, Debug)]
pub struct Nat {
    pub name: String,
    /// None if regional.
    pub subnet: Option<String>,
    pub vpc: String,
    pub privates: Vec<IpAddr>,
    pub publics: Vec<(Option<IpAddr>, IpAddr)>,
    pub available: bool,
}

/// What a translating device did: the packet before and after.
#[derive(Clone, Debug)]
pub struct Translation {
    pub device: String,
    pub before: Packet,
    pub after: Packet,
}

pub struct World<'a> {
    pub spec: &'a Spec,
    pub enis: Vec<Eni>,
    pub nats: Vec<Nat>,
    /// Packets that a group's rule allowed, by interface and direction (aws-core 4.3).
    pub tracked: Vec<(String, Dir, Packet)>,
    pub translations: Vec<Translation>,
    /// Packets that went out by an egress-only gateway.
    pub eigw_flows: Vec<(String, Packet)>,
    /// What came into a VPC from the internet, by IPv6.
    pub came_in: Vec<(String, Packet)>,
    /// Packets that an instance forwarded.
    pub forwarded: Vec<(String, Packet)>,
    /// What NAT gateways sent over peerings.
    pub sent_over: Vec<SentOver>,
    /// Connections to endpoint services: the endpoint's interface, and what the node did.
    pub service_flows: Vec<(String, Translation)>,
    /// What mirrors copied, in order.
    pub mirrored: Vec<super::mirror::Mirrored>,
    pub choices: Choices,
    /// How often this packet was at a transit gateway.
    pub tgw_visits: usize,
    /// True if a closed UDP port was met.
    pub udp_refused: bool,
    /// True if a packet came back to where it was until its hops ran out: not told here.
    pub goes_round: bool,
}

impl<'a> World<'a> {
    pub fn new(spec: &'a Spec) -> Self {
        let mut world = Self {
            spec,
            enis: Vec::new(),
            nats: Vec::new(),
            tracked: Vec::new(),
            translations: Vec::new(),
            eigw_flows: Vec::new(),
            came_in: Vec::new(),
            forwarded: Vec::new(),
            sent_over: Vec::new(),
            service_flows: Vec::new(),
            mirrored: Vec::new(),
            choices: Choices::default(),
            tgw_visits: 0,
            udp_refused: false,
            goes_round: false,
        };
        for (name, instance) in &spec.instances {
            if let Some(primary) = &instance.primary {
                world.add_eni(name, primary, Some(name.value.clone()), 0);
            }
        }
        for (name, eni) in &spec.network_interfaces {
            let instance = eni.instance.as_ref().map(|i| i.value.clone());
            world.add_eni(name, eni, instance, eni.device_index.unwrap_or(1));
        }
        for (name, nat) in &spec.nat_gateways {
            let vpc = match (&nat.subnet, &nat.vpc) {
                (Some(subnet), _) => spec.subnets[subnet.as_str()].vpc.value.clone(),
                (None, Some(vpc)) => vpc.value.clone(),
                (None, None) => continue,
            };
            let public = nat.connectivity != Some(NatConnectivity::Private);
            let private =
                |a: &Option<_>| a.as_ref().map(|p: &vpcsim_engine::spec::Spanned<Ipv4Addr>| IpAddr::V4(p.value));
            world.nats.push(Nat {
                name: name.value.clone(),
                subnet: nat.subnet.as_ref().map(|s| s.value.clone()),
                vpc,
                privates: nat.addresses.iter().filter_map(|a| private(&a.private)).collect(),
                publics: nat
                    .addresses
                    .iter()
                    .filter(|_| public)
                    .filter_map(|a| a.public.as_ref().map(|p| (private(&a.private), IpAddr::V4(p.value))))
                    .collect(),
                available: nat.available.unwrap_or(true),
            });
        }
        world.add_managed();
        world
    }

    fn add_eni(&mut self, name: &str, e: &NetworkInterface, instance: Option<String>, index: u32) {
        let Some(subnet) = e.subnet.as_ref().map(|s| s.value.clone()) else { return };
        let vpc = self.spec.subnets[subnet.as_str()].vpc.value.clone();
        let v4 = e.address.as_ref().map(|a| IpAddr::V4(a.value));
        let mut addresses: Vec<IpAddr> = v4.into_iter().collect();
        addresses.extend(e.secondary_addresses.iter().map(|s| IpAddr::V4(s.address.value)));
        addresses.extend(e.ipv6_addresses.iter().map(|a| IpAddr::V6(a.value)));
        let mut publics = Vec::new();
        if let (Some(private), Some(PublicIp::Address(public))) = (v4, e.public_ip.as_ref().map(|p| p.value)) {
            publics.push((private, IpAddr::V4(public)));
        }
        for s in &e.secondary_addresses {
            if let Some(public) = &s.public_ip {
                publics.push((IpAddr::V4(s.address.value), IpAddr::V4(public.value)));
            }
        }
        // aws-core 4.1: an interface without groups has the VPC's default group.
        let groups = match &e.security_groups {
            Some(groups) => groups.iter().map(|g| g.value.clone()).collect(),
            None => self.default_group(&vpc).into_iter().collect(),
        };
        let kind = e.interface_type.as_ref().map(|k| k.value.as_str());
        self.enis.push(Eni {
            name: name.to_owned(),
            subnet,
            vpc,
            addresses,
            v4,
            v6: e.ipv6_addresses.first().map(|a| IpAddr::V6(a.value)),
            prefixes: e.prefixes.iter().map(|p| p.value).collect(),
            publics,
            groups,
            check: e.source_dest_check.unwrap_or(true),
            managed: instance.is_none() && (e.requester_managed || kind.is_some_and(|k| k != "interface")),
            instance,
            index,
            role: Role::Own,
        });
    }

    pub fn default_group(&self, vpc: &str) -> Option<String> {
        let mut groups = self.spec.security_groups.iter();
        groups.find(|(_, g)| g.default && g.vpc.value == vpc).map(|(name, _)| name.value.clone())
    }

    pub fn eni(&self, name: &str) -> Eni {
        self.enis.iter().find(|e| e.name == name).expect("an interface of the topology").clone()
    }

    pub fn nat(&self, name: &str) -> Option<Nat> {
        self.nats.iter().find(|n| n.name == name).cloned()
    }

    /// Interfaces of an instance, the primary one first.
    pub fn enis_of(&self, instance: &str) -> Vec<Eni> {
        let mut all: Vec<Eni> = self.enis.iter().filter(|e| e.instance.as_deref() == Some(instance)).cloned().collect();
        all.sort_by_key(|e| e.index);
        all
    }

    pub fn guest(&self, eni: &Eni) -> Option<&'a Instance> {
        eni.instance.as_ref().map(|i| &self.spec.instances[i.as_str()])
    }

    pub fn running(&self, eni: &Eni) -> bool {
        self.guest(eni).is_some_and(|g| g.state.unwrap_or(InstanceState::Running) == InstanceState::Running)
    }

    pub fn guests_unknown(&self) -> bool {
        self.spec.guests == Some(GuestKnowledge::Unknown)
    }

    /// Does the guest behind `eni` have the address on any of its interfaces?
    pub fn guest_owns(&self, eni: &Eni, address: IpAddr) -> bool {
        match &eni.instance {
            Some(instance) => self.enis_of(instance).iter().any(|e| e.owns(address)),
            None => eni.owns(address),
        }
    }

    pub fn subnet_blocks(&self, subnet: &str) -> Vec<Cidr> {
        let s = &self.spec.subnets[subnet];
        s.cidr.iter().chain(&s.ipv6_cidr).map(|c| c.value).collect()
    }

    pub fn in_subnet(&self, subnet: &str, address: IpAddr) -> bool {
        self.subnet_blocks(subnet).iter().any(|c| c.contains(address))
    }

    pub fn vpc_blocks(&self, vpc: &str) -> Vec<Cidr> {
        let v = &self.spec.vpcs[vpc];
        v.cidr.iter().chain(&v.secondary_cidrs).chain(&v.ipv6_cidrs).map(|c| c.value).collect()
    }

    pub fn igw_of(&self, vpc: &str) -> Option<String> {
        let mut all = self.spec.internet_gateways.iter();
        all.find(|(_, g)| g.vpc.as_ref().is_some_and(|v| v.value == vpc)).map(|(name, _)| name.value.clone())
    }

    pub fn eigw_of(&self, vpc: &str) -> Option<String> {
        let mut all = self.spec.egress_only_internet_gateways.iter();
        all.find(|(_, g)| g.vpc.as_ref().is_some_and(|v| v.value == vpc)).map(|(name, _)| name.value.clone())
    }
}
