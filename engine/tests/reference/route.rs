//! Route tables (aws-core 2).

use super::peering::OtherSide;
use super::{RefRow, World};
use std::net::IpAddr;
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{RouteOrigin, RouteState};

/// Where a route leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NextHop {
    Local,
    Igw(String),
    Eigw(String),
    Nat(String),
    Eni(String),
    Peering(String),
    Tgw(String),
    /// A gateway endpoint.
    Endpoint(String),
    NotModelled(String),
}

struct Candidate {
    len: u8,
    /// 0 static block, 1 prefix list, 2 propagated.
    class: u8,
    destination: String,
    via: String,
    state: Option<RouteState>,
}

impl World<'_> {
    /// The table that serves a subnet: its own, else the VPC's main one.
    pub fn table_of_subnet(&self, subnet: &str) -> Option<String> {
        let s = &self.spec.subnets[subnet];
        match &s.route_table {
            Some(table) => Some(table.value.clone()),
            None => {
                let mut all = self.spec.route_tables.iter();
                all.find(|(_, t)| t.main && t.vpc.value == s.vpc.value).map(|(name, _)| name.value.clone())
            }
        }
    }

    pub fn table_of_gateway(&self, igw: &str) -> Option<String> {
        let mut all = self.spec.route_tables.iter();
        all.find(|(_, t)| t.gateway.as_ref().is_some_and(|g| g.value == igw)).map(|(name, _)| name.value.clone())
    }

    /// aws-core 2.4. A route that drops also says where it would have led.
    pub fn route(&self, table: Option<&str>, vpc: &str, dst: IpAddr) -> Result<NextHop, (RefRow, Option<NextHop>)> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let blocks = self.vpc_blocks(vpc);
        let routes = table.map(|t| self.spec.route_tables[t].routes.as_slice()).unwrap_or_default();
        for block in &blocks {
            // 2.1: one local route per block, whose target may be replaced.
            let replaced = routes.iter().any(|r| r.to.parse::<Cidr>().as_ref() == Ok(block) && is_static(r.origin));
            if block.contains(dst) && !replaced {
                candidates.push(Candidate {
                    len: block.len(),
                    class: 0,
                    destination: block.to_string(),
                    via: "local".to_owned(),
                    state: None,
                });
            }
        }
        for route in routes {
            let propagated = !is_static(route.origin);
            let mut offer = |block: Cidr, class: u8| {
                // 2.4.2: what is propagated loses to local even when more specific.
                let loses = propagated && blocks.iter().any(|b| b.covers(&block));
                if block.contains(dst) && !loses {
                    candidates.push(Candidate {
                        len: block.len(),
                        class,
                        destination: route.to.value.clone(),
                        via: route.via.value.clone(),
                        state: route.state,
                    });
                }
            };
            match route.to.parse::<Cidr>() {
                Ok(block) => offer(block, if propagated { 2 } else { 0 }),
                Err(_) => {
                    for entry in &self.spec.prefix_lists[route.to.as_str()].entries {
                        offer(entry.value, 1);
                    }
                }
            }
        }
        for (list, entries, endpoint) in table.map(|t| self.endpoint_routes(t)).unwrap_or_default() {
            for entry in entries.iter().filter(|e| e.contains(dst)) {
                let (destination, via) = (list.clone(), endpoint.clone());
                candidates.push(Candidate { len: entry.len(), class: 1, destination, via, state: None });
            }
        }
        candidates.sort_by_key(|c| (u8::MAX - c.len, c.class));
        let Some(best) = candidates.first() else {
            return Err((RefRow::new("RouteNone", table.unwrap_or_default()).named("none"), None));
        };
        let (hop, usable) = self.target(&best.via, vpc);
        if best.state == Some(RouteState::Blackhole) || !usable {
            let row = RefRow::new("RouteBlackhole", table.unwrap_or_default()).named(&best.destination);
            return Err((row, Some(hop)));
        }
        Ok(hop)
    }

    /// What a target's name means, and whether it can take traffic (aws-core 2.5).
    fn target(&self, via: &str, vpc: &str) -> (NextHop, bool) {
        if via == "local" {
            return (NextHop::Local, true);
        }
        if self.spec.internet_gateways.contains_key(via) {
            return (NextHop::Igw(via.to_owned()), self.igw_of(vpc).as_deref() == Some(via));
        }
        if self.spec.egress_only_internet_gateways.contains_key(via) {
            return (NextHop::Eigw(via.to_owned()), self.eigw_of(vpc).as_deref() == Some(via));
        }
        if let Some(nat) = self.nat(via) {
            return (NextHop::Nat(via.to_owned()), nat.available);
        }
        if self.spec.vpc_peering_connections.contains_key(via) {
            let ours = !matches!(self.other_side(via, vpc), OtherSide::NotOurs);
            return (NextHop::Peering(via.to_owned()), ours && self.peering_active(via));
        }
        if self.spec.transit_gateways.contains_key(via) {
            return (NextHop::Tgw(via.to_owned()), self.attachment_of(vpc, via).is_some());
        }
        if let Some(endpoint) = self.spec.vpc_endpoints.get(via) {
            return (NextHop::Endpoint(via.to_owned()), !endpoint.unavailable);
        }
        let eni = if self.spec.instances.contains_key(via) {
            self.enis_of(via).into_iter().next()
        } else {
            self.enis.iter().find(|e| e.name == via).cloned()
        };
        match eni {
            Some(eni) => {
                let usable = eni.managed || self.running(&eni);
                (NextHop::Eni(eni.name), usable)
            }
            None => (NextHop::NotModelled(via.to_owned()), true),
        }
    }
}

fn is_static(origin: Option<RouteOrigin>) -> bool {
    origin.is_none_or(|o| o == RouteOrigin::Static)
}
