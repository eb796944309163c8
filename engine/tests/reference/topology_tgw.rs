//! Random transit gateways: attachments, tables, peerings, and now and then an inspection VPC.

use super::topology_between::{Between, names};
use std::collections::BTreeSet;
use vpcsim_engine::spec::{
    AttachmentState, NotModelled, RouteTable, Spanned, TransitGateway, TransitGatewayPeeringAttachment,
    TransitGatewayRoute, TransitGatewayRouteTable, TransitGatewayVpcAttachment,
};

/// An attachment as a route's target.
#[derive(Clone)]
struct Target {
    name: String,
    /// The VPC's number; none for a peering.
    vpc: Option<usize>,
    available: bool,
    v6: bool,
}

fn empty_table(tgw: &str) -> TransitGatewayRouteTable {
    TransitGatewayRouteTable {
        transit_gateway: tgw.into(),
        default_association: false,
        default_propagation: false,
        associations: Vec::new(),
        propagations: Vec::new(),
        routes: Vec::new(),
        name_tag: None,
    }
}

fn route(to: &str, via: Option<&str>) -> Spanned<TransitGatewayRoute> {
    TransitGatewayRoute { to: to.into(), via: via.map(Into::into), blackhole: via.is_none(), origin: None }.into()
}

impl Between<'_> {
    pub fn transit_gateways(&mut self) {
        let count = self.dice.pick(&[0, 1, 1, 1, 1, 2, 2]);
        let mut made: Vec<(String, Vec<Target>)> = Vec::new();
        for n in 0..count {
            let name = format!("tgw{n}");
            let home = self.dice.below(self.parts.len());
            let region = self.region(home);
            let tgw = TransitGateway {
                region: (region != "us-east-1").then(|| region.as_str().into()),
                default_route_table_association: self.dice.pick(&[None, None, Some(true), Some(false)]),
                default_route_table_propagation: self.dice.pick(&[None, None, Some(true), Some(false)]),
                security_group_referencing: self.dice.pick(&[None, Some(false), Some(true), Some(true)]),
                asn: Some(64512 + n),
                ..TransitGateway::default()
            };
            self.spec.transit_gateways.insert(name.as_str().into(), tgw);
            let here: Vec<usize> = (0..self.parts.len()).filter(|v| self.region(*v) == region).collect();
            let targets = here.into_iter().filter_map(|v| self.attach(&name, v)).collect();
            made.push((name, targets));
        }
        self.tgw_peering(&mut made);
        for (tgw, targets) in &made {
            self.tgw_tables(tgw, targets);
        }
    }

    fn attach(&mut self, tgw: &str, vpc: usize) -> Option<Target> {
        let nets = if self.dice.chance(85) { self.one_per_zone(vpc, 75) } else { Vec::new() };
        if nets.is_empty() {
            return None;
        }
        let name = format!("{tgw}-att{vpc}");
        let v6 = nets.iter().all(|n| n.v6.is_some()) && self.dice.chance(60);
        let list: Vec<String> =
            nets.iter().map(|net| self.managed(vpc, &name, net, "transit_gateway", &[], v6)).collect();
        use AttachmentState as S;
        let state = match self.dice.below(100) {
            0..=69 => None,
            70..=84 => Some(S::Available),
            85..=92 => Some(self.dice.pick(&[S::Modifying, S::RollingBack])),
            _ => Some(self.dice.pick(&[S::Pending, S::PendingAcceptance, S::Failed, S::Deleting])),
        };
        let subnets: Vec<&String> = nets.iter().map(|n| &n.name).collect();
        let body = TransitGatewayVpcAttachment {
            transit_gateway: tgw.into(),
            vpc: self.parts[vpc].name.as_str().into(),
            subnets: names(&subnets),
            appliance_mode: self.dice.pick(&[None, Some(false), Some(true), Some(true)]),
            security_group_referencing: self.dice.pick(&[None, None, Some(true), Some(false)]),
            ipv6: if v6 { Some(true) } else { self.dice.pick(&[None, Some(false)]) },
            dns_support: None,
            state,
            network_interfaces: names(&list),
            name_tag: None,
        };
        self.spec.transit_gateway_vpc_attachments.insert(name.as_str().into(), body);
        self.attached.push((tgw.to_owned(), vpc, name.clone(), v6));
        let available = state.is_none_or(|s| matches!(s, S::Available | S::Modifying | S::RollingBack));
        Some(Target { name, vpc: Some(vpc), available, v6 })
    }

    fn tgw_peering(&mut self, made: &mut [(String, Vec<Target>)]) {
        let sides = match made {
            [(one, _), (other, _)] if self.dice.chance(65) => [Some(one.clone()), Some(other.clone())],
            [(one, _), ..] if self.spec.guests.is_some() => [Some(one.clone()), None],
            _ => return,
        };
        let state =
            self.dice.pick(&[None, None, None, Some(AttachmentState::Available), Some(AttachmentState::Deleted)]);
        let name = "tgw-peering".to_owned();
        let available = state != Some(AttachmentState::Deleted);
        for (_, targets) in made.iter_mut().filter(|(tgw, _)| sides.iter().flatten().any(|s| s == tgw)) {
            targets.push(Target { name: name.clone(), vpc: None, available, v6: true });
        }
        let [requester, accepter] = sides.map(|s| s.map(Spanned::from));
        let body = TransitGatewayPeeringAttachment { requester, accepter, state, name_tag: None };
        self.spec.transit_gateway_peering_attachments.insert(name.as_str().into(), body);
    }

    fn tgw_tables(&mut self, tgw: &str, targets: &[Target]) {
        let count = self.dice.pick(&[0, 1, 1, 2, 2, 3]);
        let mut tables: Vec<TransitGatewayRouteTable> = (0..count).map(|_| empty_table(tgw)).collect();
        if count > 0 {
            let body = &self.spec.transit_gateways[tgw];
            let (a, b) = (body.default_route_table_association, body.default_route_table_propagation);
            if a != Some(false) && self.dice.chance(40) {
                tables[self.dice.below(count)].default_association = true;
            }
            if b != Some(false) && self.dice.chance(40) {
                tables[self.dice.below(count)].default_propagation = true;
            }
            for target in targets.iter().filter(|t| t.available) {
                if self.dice.chance(65) {
                    tables[self.dice.below(count)].associations.push(target.name.as_str().into());
                }
            }
        }
        for (n, mut table) in tables.into_iter().enumerate() {
            for target in targets.iter().filter(|t| t.available && t.vpc.is_some()) {
                if self.dice.chance(60) {
                    table.propagations.push(target.name.as_str().into());
                }
            }
            table.routes = self.tgw_routes(targets);
            self.spec.transit_gateway_route_tables.insert(format!("{tgw}-rtb{n}").as_str().into(), table);
        }
    }

    fn tgw_routes(&mut self, targets: &[Target]) -> Vec<Spanned<TransitGatewayRoute>> {
        let mut routes: Vec<Spanned<TransitGatewayRoute>> = Vec::new();
        let mut taken = BTreeSet::new();
        let mut destinations: Vec<(String, Option<usize>, usize)> = Vec::new();
        for (vpc, part) in self.parts.iter().enumerate() {
            destinations.extend(part.blocks.iter().map(|b| (b.clone(), Some(vpc), 40)));
            destinations.extend(part.subnets[0].v4.iter().map(|b| (b.clone(), Some(vpc), 12)));
        }
        destinations
            .extend([("0.0.0.0/0", 30), ("10.0.0.0/8", 25), ("pl-nets", 15)].map(|(to, n)| (to.to_owned(), None, n)));
        for (to, vpc, percent) in destinations {
            if !self.dice.chance(percent) || !taken.insert(to.clone()) {
                continue;
            }
            let fit: Vec<&Target> = targets.iter().filter(|t| t.v6 || !to.contains(':')).collect();
            let home: Vec<&Target> = fit.iter().copied().filter(|t| vpc.is_some() && t.vpc == vpc).collect();
            let peering: Vec<&Target> = fit.iter().copied().filter(|t| t.vpc.is_none()).collect();
            let via = match self.dice.below(100) {
                0..=9 => None,
                10..=74 if !home.is_empty() => Some(self.dice.pick(&home)),
                10..=84 if !peering.is_empty() => Some(self.dice.pick(&peering)),
                _ if fit.is_empty() => None,
                _ => Some(self.dice.pick(&fit)),
            };
            routes.push(route(&to, via.map(|t| t.name.as_str())));
        }
        if self.dice.chance(5) {
            let kind = "Direct Connect gateway attachment".to_owned();
            self.spec.not_modelled.insert("dxgw".into(), NotModelled { kind, vpc: None, name_tag: None });
            routes.push(route("172.16.0.0/12", Some("dxgw")));
            routes.push(route("192.0.2.0/24", Some("dxgw")));
        }
        routes
    }

    /// Everything between the other VPCs by way of one with an appliance (aws-hybrid 2.5).
    pub fn inspections(&mut self) {
        for (tgw, vpc, inspecting, _) in self.attached.clone() {
            let spokes: Vec<String> =
                self.attached.iter().filter(|a| a.0 == tgw && a.1 != vpc).map(|a| a.2.clone()).collect();
            if spokes.is_empty() || self.parts[vpc].targets.is_empty() || !self.dice.chance(55) {
                continue;
            }
            self.appliance_tables(&tgw, vpc, &inspecting);
            for table in self.spec.transit_gateway_route_tables.values_mut().filter(|t| t.transit_gateway.value == tgw)
            {
                table.associations.clear();
            }
            let mut spoke = empty_table(&tgw);
            spoke.associations = names(&spokes);
            spoke.routes = vec![route("10.0.0.0/8", Some(&inspecting)), route("0.0.0.0/0", Some(&inspecting))];
            let mut back = empty_table(&tgw);
            back.associations = names(std::slice::from_ref(&inspecting));
            back.propagations = names(&spokes);
            self.spec.transit_gateway_route_tables.insert(format!("{tgw}-spokes").as_str().into(), spoke);
            self.spec.transit_gateway_route_tables.insert(format!("{tgw}-back").as_str().into(), back);
            return;
        }
    }

    /// The attachment's subnets lead to appliances, and the appliances' subnets to the transit gateway.
    fn appliance_tables(&mut self, tgw: &str, vpc: usize, attachment: &str) {
        let subnets = self.spec.transit_gateway_vpc_attachments[attachment].subnets.clone();
        for (n, subnet) in subnets.iter().enumerate() {
            let target = self.dice.pick(&self.parts[vpc].targets);
            let inside = self.spec.instances.get(target.as_str()).and_then(|i| i.primary.as_ref());
            let eni = inside.or_else(|| self.spec.network_interfaces.get(target.as_str())).expect("made");
            let at = eni.subnet.as_ref().expect("written").value.clone();
            if at == subnet.value {
                continue;
            }
            for (name, subnet, via) in [("doors", &subnet.value, &target), ("boxes", &at, &tgw.to_owned())] {
                let name = format!("rtb{vpc}-{name}{n}");
                let vpc = self.parts[vpc].name.as_str().into();
                let body = RouteTable {
                    vpc,
                    main: false,
                    gateway: None,
                    propagating_vpn_gateways: Vec::new(),
                    routes: Vec::new(),
                    name_tag: None,
                };
                self.spec.route_tables.insert(name.as_str().into(), body);
                self.add_route(&name, "0.0.0.0/0", via, false);
                self.spec.subnets.get_mut(subnet.as_str()).expect("made").route_table = Some(name.as_str().into());
            }
        }
    }
}
