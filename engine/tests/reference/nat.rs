//! NAT gateways (aws-core 7).

use super::packet::{ICMP, ICMPV6, Packet, TCP, UDP, nat64};
use super::walk::{End, Step, drop};
use super::world::{Nat, Translation};
use super::{Dir, RefRow, World};
use std::net::IpAddr;

impl World<'_> {
    /// A zonal NAT gateway: its subnet's ACL is the only filter (3.3).
    pub fn arrive_at_nat(&mut self, name: &str, entered: bool, p: &mut Packet) -> Step {
        let nat = self.nat(name).expect("a NAT gateway of the topology");
        let subnet = nat.subnet.clone().expect("zonal");
        if entered {
            self.acl_allows(&subnet, Dir::In, p).map_err(End::Dropped)?;
        }
        let address = nat.privates.first().copied();
        self.translate(&nat, address, false, p)?;
        self.leave_subnet(&nat.name, &subnet, p)
    }

    /// A regional one: in no subnet, its own route table leads to the internet gateway (7.3).
    pub fn regional_nat(&mut self, name: &str, back_in: bool, p: &mut Packet) -> Step {
        let nat = self.nat(name).expect("a NAT gateway of the topology");
        let address = nat.publics.first().map(|(_, public)| *public);
        // 7.3: its own table holds the VPC's local routes and one to the internet gateway.
        if self.translate(&nat, address, back_in, p)? && self.vpc_blocks(&nat.vpc).iter().any(|b| b.contains(p.dst)) {
            return self.hand_over(&nat.vpc, p.dst, true);
        }
        match self.igw_of(&nat.vpc) {
            Some(igw) => self.out_by_igw(&igw, &nat.vpc, None, p),
            None => drop(RefRow::new("NatNoGateway", &nat.name)),
        }
    }

    /// True if the packet was an answer and goes back inside.
    fn translate(&mut self, nat: &Nat, address: Option<IpAddr>, back_in: bool, p: &mut Packet) -> Result<bool, End> {
        let own = nat.privates.contains(&p.dst) || (back_in && nat.publics.iter().any(|(_, public)| *public == p.dst));
        if own {
            let known = self.translations.iter().find(|t| t.device == nat.name && p.answers(&t.after)).cloned();
            let Some(known) = known else { return drop(RefRow::new("NatUnsolicited", &nat.name)) };
            back(&known, p);
            self.take_hop("TtlNat", &nat.name, p)?;
            return Ok(true);
        }
        if !matches!(p.protocol, TCP | UDP | ICMP | ICMPV6) {
            return drop(RefRow::new("NatProtocol", &nat.name));
        }
        // Nothing that answers somebody else's packet opens a connection here.
        if p.answer && p.protocol == TCP {
            return drop(RefRow::new("NatIdle", &nat.name));
        }
        if p.is_echo_reply() {
            return drop(RefRow::new("NatUnsolicited", &nat.name));
        }
        self.take_hop("TtlNat", &nat.name, p)?;
        let before = p.clone();
        if p.dst.is_ipv6() {
            // 7.4: source becomes the gateway's IPv4 address, destination the low 32 bits.
            let Some(v4) = nat64(p.dst) else { return drop(RefRow::new("NatProtocol", &nat.name)) };
            p.dst = IpAddr::V4(v4);
            if p.protocol == ICMPV6 {
                p.protocol = ICMP;
                p.icmp_type = 8;
            }
        }
        p.src = address.expect("a NAT gateway with an address");
        p.straight = false;
        self.translations.push(Translation { device: nat.name.clone(), before, after: p.clone() });
        Ok(false)
    }

    /// RFC 791: whoever forwards takes one off the time to live.
    pub fn take_hop(&mut self, kind: &'static str, whose: &str, p: &mut Packet) -> Result<(), End> {
        if p.ttl <= 1 {
            // Transit gateways take some too, and that is not counted here.
            self.goes_round |= self.tgw_visits > 0;
            return drop(RefRow::new(kind, whose));
        }
        p.ttl -= 1;
        Ok(())
    }
}

/// Undoes a translation on an answer.
pub fn back(known: &Translation, p: &mut Packet) {
    let answer = known.before.reply();
    p.src = answer.src;
    p.dst = answer.dst;
    p.protocol = answer.protocol;
    p.icmp_type = answer.icmp_type;
    p.sport = answer.sport;
    p.dport = answer.dport;
    p.straight = false;
}
