//! Transit gateways (aws-hybrid 2): attachments, tables, zones.

use super::managed::Role;
use super::packet::{Crossed, Packet};
use super::walk::{End, Place, Step, drop};
use super::{Dir, RefRow, World};
use std::net::IpAddr;
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{AttachmentState, RouteOrigin, TransitGatewayRouteTable};

/// A packet at a transit gateway.
#[derive(Clone, Debug)]
pub struct AtTgw {
    pub tgw: String,
    /// The VPC attachment by which it entered the first transit gateway.
    pub entered: String,
    /// The attachment by which it came here.
    pub arrived: String,
    /// A subnet in the zone that it came from; none if it came over a peering of transit gateways.
    pub zone: Option<String>,
}

struct Candidate {
    len: u8,
    /// 0 static, 1 prefix list, 2 propagated (2.4).
    class: u8,
    destination: String,
    /// None for a blackhole.
    via: Option<String>,
}

fn carries(state: Option<AttachmentState>) -> bool {
    use AttachmentState as S;
    state.is_none_or(|s| matches!(s, S::Available | S::Modifying | S::RollingBack))
}

impl World<'_> {
    /// The attachment of a VPC that carries packets.
    pub fn attachment_of(&self, vpc: &str, tgw: &str) -> Option<String> {
        let mut all = self.spec.transit_gateway_vpc_attachments.iter();
        all.find(|(_, a)| a.vpc.value == vpc && a.transit_gateway.value == tgw && carries(a.state))
            .map(|(name, _)| name.value.clone())
    }

    /// 2.2 and 2.3: by the attachment's interface in the sender's zone, whose subnet's ACL is asked inbound, on the
    /// source, even if it is the sender's own subnet.
    pub fn enter_tgw(&mut self, tgw: &str, vpc: &str, subnet: &str, p: &mut Packet) -> Step {
        let entered = self.attachment_of(vpc, tgw).expect("a usable route");
        let subnets = &self.spec.transit_gateway_vpc_attachments[entered.as_str()].subnets;
        let Some(door) = self.in_zone_of(subnet, subnets) else { return drop(RefRow::new("TgwNoAz", &entered)) };
        self.acl_allows(&door, Dir::In, p).map_err(End::Dropped)?;
        let arrived = entered.clone();
        Ok(Place::Tgw(AtTgw { tgw: tgw.to_owned(), entered, arrived, zone: Some(subnet.to_owned()) }))
    }

    pub fn at_tgw(&mut self, at: AtTgw, p: &mut Packet) -> Step {
        self.tgw_visits += 1;
        let Some(table) = self.associated_table(&at.tgw, &at.arrived) else {
            return drop(RefRow::new("TgwNoAssociation", &at.arrived));
        };
        let Some(best) = self.best_route(&at.tgw, &table, p.dst) else {
            return drop(RefRow::new("TgwRouteNone", &table).named("none"));
        };
        let blackhole = || drop(RefRow::new("TgwRouteBlackhole", &table).named(&best.destination));
        let Some(via) = best.via.as_deref() else { return blackhole() };
        if let Some(a) = self.spec.transit_gateway_vpc_attachments.get(via) {
            return if carries(a.state) { self.out_of_tgw(&at, via, p) } else { blackhole() };
        }
        let Some(peering) = self.spec.transit_gateway_peering_attachments.get(via) else {
            return drop(RefRow::new("NotModelled", via));
        };
        if !carries(peering.state) {
            return blackhole();
        }
        // 2.10: hop by hop; the other gateway asks its own table.
        let sides = [&peering.requester, &peering.accepter].map(|s| s.as_ref().map(|t| t.value.clone()));
        let other = match sides {
            [Some(one), other] if one == at.tgw => other,
            [other, _] => other,
        };
        let Some(tgw) = other else { return drop(RefRow::new("TgwUnknown", via)) };
        p.crossed.push(Crossed::TgwPeering);
        Ok(Place::Tgw(AtTgw { tgw, entered: at.entered, arrived: via.to_owned(), zone: None }))
    }

    fn tables_of<'s>(&'s self, tgw: &'s str) -> impl Iterator<Item = (&'s str, &'s TransitGatewayRouteTable)> {
        let all = self.spec.transit_gateway_route_tables.iter();
        all.filter(move |(_, t)| t.transit_gateway.value == tgw).map(|(name, t)| (name.as_str(), t))
    }

    /// 2.1: the table that names the attachment, else the default one.
    fn associated_table(&self, tgw: &str, attachment: &str) -> Option<String> {
        let named = self.tables_of(tgw).find(|(_, t)| t.associations.iter().any(|a| a.value == attachment));
        if let Some((name, _)) = named {
            return Some(name.to_owned());
        }
        let default = self.spec.transit_gateways[tgw].default_route_table_association != Some(false);
        default.then(|| self.default_table(tgw, |t| t.default_association))
    }

    /// The written table with the flag, else the one that AWS makes.
    fn default_table(&self, tgw: &str, flag: impl Fn(&TransitGatewayRouteTable) -> bool) -> String {
        let flagged = self.tables_of(tgw).find(|(_, t)| flag(t)).map(|(name, _)| name.to_owned());
        flagged.unwrap_or_else(|| format!("{tgw}/default"))
    }

    /// 2.4.
    fn best_route(&self, tgw: &str, table: &str, dst: IpAddr) -> Option<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut offer = |block: Cidr, class: u8, destination: &str, via: Option<&str>| {
            if block.contains(dst) {
                let (destination, via) = (destination.to_owned(), via.map(str::to_owned));
                candidates.push(Candidate { len: block.len(), class, destination, via });
            }
        };
        let written = self.spec.transit_gateway_route_tables.get(table);
        for route in written.map(|t| t.routes.as_slice()).unwrap_or_default() {
            let via = route.via.as_ref().filter(|_| !route.blackhole).map(|v| v.value.as_str());
            let is_static = route.origin.is_none_or(|o| o == RouteOrigin::Static);
            match route.to.parse::<Cidr>() {
                Ok(block) => offer(block, if is_static { 0 } else { 2 }, &route.to.value, via),
                Err(_) => {
                    for entry in &self.spec.prefix_lists[route.to.as_str()].entries {
                        offer(entry.value, 1, &route.to.value, via);
                    }
                }
            }
        }
        let default_propagates = self.spec.transit_gateways[tgw].default_route_table_propagation != Some(false)
            && self.default_table(tgw, |t| t.default_propagation) == table;
        // In order of names: who propagated a block first keeps it, and a topology knows no times.
        for (name, a) in &self.spec.transit_gateway_vpc_attachments {
            let named = written.is_some_and(|t| t.propagations.iter().any(|p| p == name));
            // assumed: an attachment that carries nothing propagates nothing.
            if a.transit_gateway.value != tgw || !(named || default_propagates) || !carries(a.state) {
                continue;
            }
            for block in self.vpc_blocks(a.vpc.as_str()) {
                if block.is_v4() || a.ipv6 == Some(true) {
                    offer(block, 2, &block.to_string(), Some(name));
                }
            }
        }
        candidates.sort_by_key(|c| (u8::MAX - c.len, c.class));
        candidates.into_iter().next()
    }

    /// 2.2 and 2.5: the zone, then the attachment's interface there and the table of its subnet.
    fn out_of_tgw(&mut self, at: &AtTgw, attachment: &str, p: &mut Packet) -> Step {
        let body = &self.spec.transit_gateway_vpc_attachments[attachment];
        let same = at.zone.as_deref().and_then(|zone| self.in_zone_of(zone, &body.subnets));
        let (from, to) = ((p.src, p.sport), (p.dst, p.dport));
        let subnet = match same {
            Some(subnet) if body.appliance_mode != Some(true) => subnet,
            _ => {
                // In appliance mode both directions of a flow have one key.
                let ends = if body.appliance_mode == Some(true) && to < from { [to, from] } else { [from, to] };
                let key = format!("zone {attachment} {ends:?} {}", p.protocol);
                body.subnets[self.choices.choose(key, body.subnets.len())].value.clone()
            }
        };
        p.crossed.push(Crossed::Tgw { from: at.entered.clone(), to: attachment.to_owned() });
        let eni = self.managed_eni(&Role::Attachment(attachment.to_owned()), &subnet);
        self.leave_subnet(&eni.name, &subnet, p)
    }
}
