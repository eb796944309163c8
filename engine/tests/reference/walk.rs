//! A packet's way (aws-core 3.1): leaving an interface, the subnet's edge, arriving at an interface.

use super::packet::Packet;
use super::route::NextHop;
use super::tgw::AtTgw;
use super::world::Eni;
use super::{Dir, Outcome, RefRow, World};
use std::net::IpAddr;

/// Where a packet is.
#[derive(Clone, Debug)]
pub enum Place {
    /// An instance's interface sends it.
    Out(String),
    /// It reaches an interface; `entered` if it came into the subnet from outside.
    In { eni: String, entered: bool },
    /// The same for a zonal NAT gateway.
    Nat { nat: String, entered: bool },
    /// A regional NAT gateway has it; `back_in` if it came from the internet.
    Regional { nat: String, back_in: bool },
    /// On the internet, on its way to a public address.
    Internet,
    /// At a transit gateway.
    Tgw(AtTgw),
    /// A gateway endpoint gives an answer back to its VPC.
    HandedOver { vpc: String },
}

#[derive(Clone, Debug)]
pub enum End {
    Delivered(String),
    Served,
    /// An AWS service behind an endpoint answers; from where.
    Answered {
        outcome: Outcome,
        from: Place,
    },
    Exited,
    Dropped(RefRow),
}

pub type Step = Result<Place, End>;

pub fn drop<T>(row: RefRow) -> Result<T, End> {
    Err(End::Dropped(row))
}

impl World<'_> {
    pub fn walk(&mut self, p: &mut Packet, mut at: Place) -> End {
        self.tgw_visits = 0;
        for _ in 0..300 {
            let step = match at {
                Place::Out(eni) => self.leave(&eni, p),
                Place::In { eni, entered } => self.arrive(&eni, entered, p),
                Place::Nat { nat, entered } => self.arrive_at_nat(&nat, entered, p),
                Place::Regional { nat, back_in } => self.regional_nat(&nat, back_in, p),
                Place::Internet => self.come_from_internet(p),
                Place::Tgw(tgw) => self.at_tgw(tgw, p),
                Place::HandedOver { vpc } => self.hand_over(&vpc, p.dst, true),
            };
            if self.tgw_visits > 20 {
                self.goes_round = true;
                return End::Dropped(RefRow::new("TtlTgw", ""));
            }
            match step {
                Ok(next) => at = next,
                Err(end) => return end,
            }
        }
        panic!("a packet went round for ever: {p:?}");
    }

    /// 3.1, 1 to 3: source check, link-local services, groups.
    fn leave(&mut self, name: &str, p: &mut Packet) -> Step {
        let eni = self.eni(name);
        if eni.check && !eni.owns(p.src) {
            return drop(RefRow::new("SourceCheck", &eni.name));
        }
        self.link_local(&eni, p)?;
        self.groups_allow(&eni, Dir::Out, p).map_err(End::Dropped)?;
        self.mirror(&eni, Dir::Out, p);
        self.leave_subnet(&eni.name, &eni.subnet, p)
    }

    /// aws-core 1.3: answered by the host, never filtered.
    fn link_local(&mut self, eni: &Eni, p: &Packet) -> Result<(), End> {
        let vpc = &self.spec.vpcs[eni.vpc.as_str()];
        let resolver_in_vpc = vpc.cidr.as_ref().and_then(|c| c.nth(2)) == Some(p.dst);
        let text = p.dst.to_string();
        if resolver_in_vpc || text == "169.254.169.253" || text == "fd00:ec2::253" {
            if vpc.enable_dns_support == Some(false) {
                return drop(RefRow::new("ServiceDnsOff", &eni.vpc));
            }
            self.mirror_dns(eni);
            return self.service(p, &eni.vpc, &[6, 17], 53);
        }
        if ["169.254.169.254", "169.254.169.123", "fd00:ec2::254", "fd00:ec2::123"].contains(&text.as_str()) {
            let time = text.ends_with("123");
            return self.service(p, &eni.vpc, if time { &[17] } else { &[6] }, if time { 123 } else { 80 });
        }
        let reserved = ["169.254.168.0/22", "fd00:ec2::/32"].map(|c| c.parse::<vpcsim_engine::base::Cidr>().unwrap());
        if reserved.iter().any(|c| c.contains(p.dst)) {
            return drop(RefRow::new("ServiceNone", &eni.vpc));
        }
        Ok(())
    }

    /// assumed: a service answers on its own port, and nothing else there does.
    fn service(&self, p: &Packet, vpc: &str, protocols: &[u8], port: u16) -> Result<(), End> {
        if protocols.contains(&p.protocol) && p.dport == port {
            return Err(End::Served);
        }
        drop(RefRow::new("ServiceNone", vpc))
    }

    /// 3.1, 4 to 7: from a device (interface or NAT gateway) in `subnet` to the next place.
    pub fn leave_subnet(&mut self, device: &str, subnet: &str, p: &mut Packet) -> Step {
        let vpc = self.spec.subnets[subnet].vpc.value.clone();
        // 2.3: inside a subnet there is neither ACL nor route table.
        if self.in_subnet(subnet, p.dst) {
            return self.hand_over(&vpc, p.dst, false);
        }
        if let Some(nat) = self.return_to_sender(&vpc, p) {
            return self.back_to_nat(nat, subnet, p);
        }
        let table = self.table_of_subnet(subnet);
        let route = self.route(table.as_deref(), &vpc, p.dst);
        // A next hop in the same subnet is handed the packet without leaving it (3.3, last line).
        // assumed: a next hop that is down does not make the packet leave the subnet first.
        let hop_subnet = match route.as_ref().or_else(|no| no.1.as_ref().ok_or(no)) {
            Ok(NextHop::Eni(eni)) => Some(self.eni(eni).subnet),
            Ok(NextHop::Nat(nat)) => self.nat(nat).and_then(|n| n.subnet),
            _ => None,
        };
        let stays = hop_subnet.as_deref() == Some(subnet);
        if !stays {
            self.acl_allows(subnet, Dir::Out, p).map_err(End::Dropped)?;
        }
        let hop = route.map_err(|no| End::Dropped(no.0))?;
        match &hop {
            // assumed: an interface that is its own next hop gets the packet back; a NAT gateway does not.
            NextHop::Nat(target) if target == device => drop(RefRow::new("Loop", &vpc)),
            NextHop::Local => self.hand_over(&vpc, p.dst, true),
            NextHop::Eni(eni) => Ok(Place::In { eni: eni.clone(), entered: !stays }),
            NextHop::Nat(nat) if hop_subnet.is_none() => Ok(Place::Regional { nat: nat.clone(), back_in: false }),
            NextHop::Nat(nat) => Ok(Place::Nat { nat: nat.clone(), entered: !stays }),
            NextHop::Igw(igw) => self.out_by_igw(igw, &vpc, Some((device, subnet)), p),
            NextHop::Eigw(eigw) => self.out_by_eigw(eigw, &vpc, subnet, p),
            NextHop::Peering(pcx) => self.over_peering(pcx, &vpc, device, p),
            NextHop::Tgw(tgw) => self.enter_tgw(tgw, &vpc, subnet, p),
            NextHop::Endpoint(endpoint) => self.by_gateway_endpoint(endpoint, &vpc, p),
            NextHop::NotModelled(name) => drop(RefRow::new("NotModelled", name)),
        }
    }

    /// To whoever has the address in the VPC.
    pub fn hand_over(&mut self, vpc: &str, dst: IpAddr, entered: bool) -> Step {
        if let Some(nat) = self.nats.iter().find(|n| n.vpc == vpc && n.privates.contains(&dst)) {
            return Ok(Place::Nat { nat: nat.name.clone(), entered });
        }
        if let Some(eni) = self.enis.iter().find(|e| e.vpc == vpc && e.owns(dst)) {
            return Ok(Place::In { eni: eni.name.clone(), entered });
        }
        for (name, subnet) in &self.spec.subnets {
            if subnet.vpc.value == vpc && self.in_subnet(name, dst) && self.is_reserved(name, dst) {
                return drop(RefRow::new("AddressReserved", name));
            }
        }
        drop(RefRow::new("AddressNone", vpc))
    }

    /// aws-core 1.2: the first four addresses and the last one.
    fn is_reserved(&self, subnet: &str, address: IpAddr) -> bool {
        self.subnet_blocks(subnet).iter().any(|c| (0..4).any(|n| c.nth(n) == Some(address)) || c.last() == address)
    }

    /// 3.1, 8 to 10: ACL, groups, destination check, guest.
    fn arrive(&mut self, name: &str, entered: bool, p: &mut Packet) -> Step {
        let eni = self.eni(name);
        if entered {
            self.acl_allows(&eni.subnet, Dir::In, p).map_err(End::Dropped)?;
        }
        self.groups_allow(&eni, Dir::In, p).map_err(End::Dropped)?;
        self.mirror(&eni, Dir::In, p);
        if eni.check && !eni.owns(p.dst) {
            return drop(RefRow::new("DestCheck", &eni.name));
        }
        if eni.managed {
            return self.managed_takes(&eni, p);
        }
        if !self.running(&eni) {
            return drop(RefRow::new("GuestDown", eni.instance.as_deref().unwrap_or(&eni.name)));
        }
        self.guest_takes(&eni, p)
    }
}
