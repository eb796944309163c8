//! Random endpoints and endpoint services.

use super::topology::listener;
use super::topology_between::{Between, names};
use vpcsim_engine::base::Protocol;
use vpcsim_engine::spec::{EndpointType, Listener, ServiceListener, Spanned, VpcEndpoint, VpcEndpointService};

impl Between<'_> {
    pub fn endpoints(&mut self) {
        for vpc in 0..self.parts.len() {
            if self.dice.chance(45) {
                self.service(vpc);
            }
        }
        for vpc in 0..self.parts.len() {
            if self.region(vpc) == "us-east-1" {
                self.gateway_endpoint(vpc, "s3", "pl-s3", 40);
                self.gateway_endpoint(vpc, "dynamodb", "pl-ddb", 20);
            }
            for n in 0..self.dice.pick(&[0, 1, 1, 2]) {
                self.interface_endpoint(vpc, n);
            }
        }
    }

    fn endpoint(&self, vpc: usize, service: &str, kind: EndpointType) -> VpcEndpoint {
        VpcEndpoint {
            vpc: self.parts[vpc].name.as_str().into(),
            service: service.into(),
            kind,
            route_tables: Vec::new(),
            prefix_list: None,
            subnets: Vec::new(),
            security_groups: None,
            network_interfaces: Vec::new(),
            private_dns: None,
            dns_names: Vec::new(),
            unavailable: false,
            restrictive_policy: false,
            name_tag: None,
        }
    }

    fn gateway_endpoint(&mut self, vpc: usize, service: &str, list: &str, percent: usize) {
        if !self.dice.chance(percent) {
            return;
        }
        let name = format!("vpce-{service}-{vpc}");
        let mut body = self.endpoint(vpc, &format!("com.amazonaws.us-east-1.{service}"), EndpointType::Gateway);
        let tables: Vec<String> = self.parts[vpc].tables.iter().filter(|_| self.dice.chance(75)).cloned().collect();
        body.route_tables = names(&tables);
        body.prefix_list = self.dice.chance(50).then(|| list.into());
        body.unavailable = self.dice.chance(8);
        self.spec.vpc_endpoints.insert(name.as_str().into(), body);
        for table in tables {
            // An export lists the endpoint's route among the others.
            if self.dice.chance(30) {
                self.add_route(&table, list, &name, false);
            }
            // aws-hybrid 5.1: a user's route that is more specific, or identical, beats the endpoint.
            if let Some(igw) = self.parts[vpc].igw.clone() {
                for to in ["52.216.5.0/24", "52.94.0.0/22"] {
                    if self.dice.chance(15) {
                        self.add_route(&table, to, &igw, false);
                    }
                }
            }
        }
    }

    fn groups(&mut self, vpc: usize) -> Vec<String> {
        let one = self.dice.pick(&self.parts[vpc].groups);
        let other = self.dice.pick(&self.parts[vpc].groups);
        if one == other || self.dice.chance(60) { vec![one] } else { vec![one, other] }
    }

    fn interface_endpoint(&mut self, vpc: usize, n: usize) {
        let nets = self.one_per_zone(vpc, 75);
        if nets.is_empty() {
            return;
        }
        let name = format!("vpce{vpc}-{n}");
        let region = self.region(vpc);
        let mut services: Vec<String> = (0..self.parts.len())
            .filter(|p| self.region(*p) == region)
            .map(|p| format!("svc{p}"))
            .filter(|s| self.spec.vpc_endpoint_services.contains_key(s.as_str()))
            .collect();
        services.extend_from_within(..);
        services.push(format!("com.amazonaws.{region}.ec2"));
        if self.dice.chance(15) {
            services = vec![format!("com.amazonaws.vpce.{region}.vpce-svc-0a1b2c3d4e5f60718")];
        }
        let service = self.dice.pick(&services);
        let mut body = self.endpoint(vpc, &service, EndpointType::Interface);
        let mut groups = self.groups(vpc);
        let (sgs, own) = (&self.spec.security_groups, self.parts[vpc].groups.first().cloned().expect("one"));
        if sgs[own.as_str()].default && self.dice.chance(30) {
            groups = vec![own];
        } else {
            body.security_groups = Some(names(&groups));
        }
        let list: Vec<String> =
            nets.iter().map(|net| self.managed(vpc, &name, net, "vpc_endpoint", &groups, false)).collect();
        let subnets: Vec<&String> = nets.iter().map(|n| &n.name).collect();
        body.subnets = names(&subnets);
        body.network_interfaces = names(&list);
        body.unavailable = self.dice.chance(6);
        self.spec.vpc_endpoints.insert(name.as_str().into(), body);
    }

    fn service(&mut self, vpc: usize) {
        let nets = self.one_per_zone(vpc, 80);
        let part = self.parts[vpc].clone();
        let mut targets: Vec<String> = Vec::new();
        for (name, instance) in &self.spec.instances {
            let written = |e: &vpcsim_engine::spec::NetworkInterface| {
                e.address.is_some() && part.subnets.iter().any(|s| e.subnet.as_ref().is_some_and(|n| n.value == s.name))
            };
            if instance.primary.as_ref().is_some_and(written) {
                targets.push(name.value.clone());
            }
        }
        if nets.is_empty() || targets.is_empty() {
            return;
        }
        let name = format!("svc{vpc}");
        let groups = if self.dice.chance(35) { Some(self.groups(vpc)) } else { None };
        let own = groups.clone().unwrap_or_default();
        let list: Vec<String> =
            nets.iter().map(|net| self.managed(vpc, &name, net, "network_load_balancer", &own, false)).collect();
        let subnets: Vec<&String> = nets.iter().map(|n| &n.name).collect();
        let mut listeners: Vec<Spanned<ServiceListener>> = Vec::new();
        for (protocol, port) in [(Protocol::TCP, 443), (Protocol::TCP, 22), (Protocol::UDP, 53)] {
            if !self.dice.chance(75) {
                continue;
            }
            let Listener { protocol, port } = listener(protocol, port).value;
            let mut some: Vec<String> = targets.iter().filter(|_| self.dice.chance(60)).cloned().collect();
            if some.is_empty() {
                some.push(self.dice.pick(&targets));
            }
            let target_port = self.dice.pick(&[None, None, Some(443), Some(80)]);
            let listen = Listener { protocol, port };
            listeners.push(ServiceListener { listen, target_port, targets: names(&some) }.into());
        }
        let body = VpcEndpointService {
            subnets: names(&subnets),
            listeners,
            cross_zone: self.dice.pick(&[None, Some(false), Some(true), Some(true)]),
            security_groups: groups.map(|g| names(&g)),
            network_interfaces: names(&list),
            private_dns_name: None,
            name_tag: None,
        };
        self.spec.vpc_endpoint_services.insert(name.as_str().into(), body);
    }
}
