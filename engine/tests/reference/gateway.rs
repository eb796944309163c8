//! Internet gateways (aws-core 6), egress-only gateways (8) and Block Public Access.

use super::packet::Packet;
use super::route::NextHop;
use super::walk::{End, Place, Step, drop};
use super::{Dir, RefRow, World};
use std::net::IpAddr;
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{BpaExclusionMode, BpaMode};

fn within(address: IpAddr, blocks: &[&str]) -> bool {
    blocks.iter().any(|b| b.parse::<Cidr>().expect("a block").contains(address))
}
pub fn private(address: IpAddr) -> bool {
    within(address, &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
}
pub fn shared(address: IpAddr) -> bool {
    within(address, &["100.64.0.0/10"])
}

impl World<'_> {
    /// Out to the internet. `from` is the device and its subnet; none for a regional NAT gateway,
    /// which has translated already.
    pub fn out_by_igw(&mut self, igw: &str, vpc: &str, from: Option<(&str, &str)>, p: &mut Packet) -> Step {
        let nat = from.is_none_or(|(device, _)| self.nat(device).is_some());
        self.bpa(Dir::Out, vpc, from.map(|f| f.1), nat)?;
        if p.src.is_ipv4() {
            // assumed: the destination is looked at before the source.
            if private(p.dst) {
                return drop(RefRow::new("IgwPrivateDestination", igw));
            }
            if shared(p.dst) {
                return drop(RefRow::new("IgwSharedDestination", igw));
            }
            if from.is_some() {
                // Stateless 1:1 translation: a private address with no public partner cannot leave.
                let Some(public) = self.public_of(vpc, p.src) else {
                    return drop(RefRow::new("IgwNoPublicAddress", igw));
                };
                p.src = public;
            }
        }
        p.straight = false;
        self.beyond(p)
    }

    /// Past the gateway: back into a network of this topology (hairpin), or to a host outside.
    fn beyond(&self, p: &Packet) -> Step {
        let ours = match p.dst {
            IpAddr::V4(_) => self.owner_of_public(p.dst).is_some(),
            IpAddr::V6(_) => self.vpc_of_v6(p.dst).is_some(),
        };
        if ours { Ok(Place::Internet) } else { Err(End::Exited) }
    }

    fn vpc_of_v6(&self, dst: IpAddr) -> Option<String> {
        let mut all = self.spec.vpcs.iter();
        all.find(|(_, v)| v.ipv6_cidrs.iter().any(|c| c.contains(dst))).map(|(name, _)| name.value.clone())
    }

    /// The public address of a private one in a VPC.
    fn public_of(&self, vpc: &str, address: IpAddr) -> Option<IpAddr> {
        for nat in self.nats.iter().filter(|n| n.vpc == vpc) {
            if let Some((_, public)) = nat.publics.iter().find(|(p, _)| *p == Some(address)) {
                return Some(*public);
            }
        }
        let mut pairs = self.enis.iter().filter(|e| e.vpc == vpc).flat_map(|e| &e.publics);
        pairs.find(|(p, _)| *p == address).map(|(_, public)| *public)
    }

    /// Who has a public address: VPC, private address, NAT gateway if it is one's.
    fn owner_of_public(&self, public: IpAddr) -> Option<(String, Option<IpAddr>, Option<String>)> {
        for nat in &self.nats {
            if let Some((private, _)) = nat.publics.iter().find(|(_, p)| *p == public) {
                return Some((nat.vpc.clone(), *private, Some(nat.name.clone())));
            }
        }
        for eni in &self.enis {
            if let Some((private, _)) = eni.publics.iter().find(|(_, p)| *p == public) {
                return Some((eni.vpc.clone(), Some(*private), None));
            }
        }
        None
    }

    /// From the internet to a public address, or to one of AWS's IPv6 addresses.
    pub fn come_from_internet(&mut self, p: &mut Packet) -> Step {
        let nobody = || drop(RefRow::new("IgwNoMapping", "internet"));
        if p.dst.is_ipv6() {
            return match self.vpc_of_v6(p.dst) {
                Some(vpc) => self.enter_v6(&vpc, p),
                None => nobody(),
            };
        }
        let Some((vpc, inside, nat)) = self.owner_of_public(p.dst) else { return nobody() };
        let Some(igw) = self.igw_of(&vpc) else { return nobody() };
        if private(p.src) || shared(p.src) {
            return drop(RefRow::new("IgwPrivateSource", &igw));
        }
        let Some(inside) = inside else {
            // A regional NAT gateway keeps its public address and sits in no subnet (7.3).
            self.bpa(Dir::In, &vpc, None, true)?;
            let nat = nat.expect("only a NAT gateway has no private address");
            return Ok(Place::Regional { nat, back_in: true });
        };
        let subnet = self.subnet_with(&vpc, inside);
        p.dst = inside;
        self.bpa(Dir::In, &vpc, subnet.as_deref(), nat.is_some())?;
        self.enter_by_igw(&igw, &vpc, p)
    }

    fn subnet_with(&self, vpc: &str, address: IpAddr) -> Option<String> {
        let mut all = self.spec.subnets.iter();
        all.find(|(name, s)| s.vpc.value == vpc && self.in_subnet(name, address)).map(|(name, _)| name.value.clone())
    }

    fn enter_v6(&mut self, vpc: &str, p: &mut Packet) -> Step {
        let subnet = self.subnet_with(vpc, p.dst);
        // What an egress-only gateway let out comes back by it (8).
        // assumed: an answer to another VPC's address does not find the gateway that its question left by.
        let own = self.eigw_of(vpc);
        if self.eigw_flows.iter().any(|(at, first)| own.as_ref() == Some(at) && p.answers(first)) {
            self.bpa(Dir::In, vpc, subnet.as_deref(), true)?;
            return self.hand_over(vpc, p.dst, true);
        }
        match (self.igw_of(vpc), self.eigw_of(vpc)) {
            (Some(igw), _) => {
                self.came_in.push((vpc.to_owned(), p.clone()));
                // assumed: an address that nobody has ends here, before the gateway's own table.
                self.hand_over(vpc, p.dst, true)?;
                self.bpa(Dir::In, vpc, subnet.as_deref(), false)?;
                self.enter_by_igw(&igw, vpc, p)
            }
            (None, Some(eigw)) => drop(RefRow::new("EigwUnsolicited", &eigw)),
            (None, None) => drop(RefRow::new("IgwNoMapping", "internet")),
        }
    }

    /// aws-core 2.6: the gateway's own route table, if it has one.
    fn enter_by_igw(&mut self, igw: &str, vpc: &str, p: &mut Packet) -> Step {
        let Some(table) = self.table_of_gateway(igw) else { return self.hand_over(vpc, p.dst, true) };
        match self.route(Some(&table), vpc, p.dst).map_err(|no| End::Dropped(no.0))? {
            NextHop::Eni(target) => {
                // 2.6: the target must own a public address, else traffic does not reach it; every IPv6
                // address is one (assumed).
                if p.dst.is_ipv4() && self.eni(&target).publics.is_empty() {
                    return drop(RefRow::new("EdgeTarget", igw));
                }
                Ok(Place::In { eni: target, entered: true })
            }
            NextHop::NotModelled(name) => drop(RefRow::new("NotModelled", &name)),
            _ => self.hand_over(vpc, p.dst, true),
        }
    }

    pub fn out_by_eigw(&mut self, eigw: &str, vpc: &str, subnet: &str, p: &mut Packet) -> Step {
        self.bpa(Dir::Out, vpc, Some(subnet), true)?;
        // 8: outside-initiated connections are blocked, their answers with them. assumed: what came over a peering or by
        // a transit gateway did not come from outside.
        if p.answer && self.came_in.iter().any(|(at, first)| at == vpc && p.answers(first)) {
            return drop(RefRow::new("EigwUnsolicited", eigw));
        }
        self.eigw_flows.push((eigw.to_owned(), p.clone()));
        p.straight = false;
        self.beyond(p)
    }

    /// aws-core 6, last lines. `nat` for traffic of NAT and egress-only gateways.
    fn bpa(&self, dir: Dir, vpc: &str, subnet: Option<&str>, nat: bool) -> Result<(), End> {
        let region_of =
            |r: Option<&str>| r.or(self.spec.region.as_deref().map(String::as_str)).unwrap_or("us-east-1").to_owned();
        let account_of = |a: Option<&str>| {
            a.or(self.spec.account.as_deref().map(String::as_str)).unwrap_or("111122223333").to_owned()
        };
        let v = &self.spec.vpcs[vpc];
        let text = |s: &Option<vpcsim_engine::spec::Spanned<String>>| s.as_ref().map(|s| s.value.clone());
        let realm = (region_of(text(&v.region).as_deref()), account_of(text(&v.account).as_deref()));
        for bpa in &self.spec.block_public_access {
            if (region_of(text(&bpa.region).as_deref()), account_of(text(&bpa.account).as_deref())) != realm {
                continue;
            }
            let exclusion = |of: Option<&str>| {
                of.and_then(|of| bpa.exclusions.iter().find(|e| e.resource.value == of)).map(|e| e.mode)
            };
            let modes = [exclusion(subnet), exclusion(Some(vpc))];
            // assumed: an exclusion for what goes out leaves the resource as ingress-only mode would.
            let mode = match bpa.mode {
                _ if modes.contains(&Some(BpaExclusionMode::AllowBidirectional)) => BpaMode::Off,
                BpaMode::BlockBidirectional if modes.contains(&Some(BpaExclusionMode::AllowEgress)) => {
                    BpaMode::BlockIngress
                }
                mode => mode,
            };
            let blocked = match (mode, dir) {
                (BpaMode::Off, _) | (BpaMode::BlockIngress, Dir::Out) => false,
                (BpaMode::BlockBidirectional, _) => true,
                (BpaMode::BlockIngress, Dir::In) => !nat,
            };
            if blocked {
                return drop(RefRow::new("BlockPublicAccess", vpc).facing(dir));
            }
        }
        Ok(())
    }
}
