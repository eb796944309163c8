//! Gateway endpoints (aws-hybrid 5.1), interface endpoints and endpoint services (5.2).

use super::managed::Role;
use super::nat::back;
use super::packet::{ICMP, Packet, TCP};
use super::walk::{End, Place, Step, drop};
use super::world::{Eni, Translation};
use super::{Dir, Outcome, RefRow, World};
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{EndpointType, ServiceListener};

/// measured-notes 13 and 14: what S3 and DynamoDB answer; none if it is another service.
pub fn aws_service_answers(service: &str, p: &Packet) -> Option<Outcome> {
    if !service.starts_with("com.amazonaws.") || !(service.ends_with(".s3") || service.ends_with(".dynamodb")) {
        return None;
    }
    Some(match (p.protocol, p.dport) {
        (ICMP, _) => Outcome::Reply,
        (TCP, 80 | 443) => Outcome::Open,
        _ => Outcome::NoReply,
    })
}

impl World<'_> {
    /// 5.1: the routes that a gateway endpoint adds to a table, unless they are written there.
    pub fn endpoint_routes(&self, table: &str) -> Vec<(String, Vec<Cidr>, String)> {
        let mut routes = Vec::new();
        for (name, e) in self.spec.vpc_endpoints.iter().filter(|(_, e)| e.kind == EndpointType::Gateway) {
            let written = self.spec.route_tables[table].routes.iter().any(|r| r.via == *name);
            if written || !e.route_tables.iter().any(|t| t.value == table) {
                continue;
            }
            let list = match &e.prefix_list {
                Some(list) => Some(list.value.clone()),
                None => self.list_called(&e.service.value),
            };
            let Some(list) = list else { continue };
            let entries = self.spec.prefix_lists[list.as_str()].entries.iter().map(|c| c.value).collect();
            routes.push((list, entries, name.value.clone()));
        }
        routes
    }

    /// measured-notes 14: the same service by its public addresses.
    pub fn aws_service_at(&self, p: &Packet) -> Option<(Outcome, String)> {
        for (name, list) in &self.spec.prefix_lists {
            let service = list.name_tag.as_deref().unwrap_or(name);
            let here = list.entries.iter().any(|c| c.contains(p.dst));
            if let Some(outcome) = aws_service_answers(service, p).filter(|_| here) {
                return Some((outcome, service.to_owned()));
            }
        }
        None
    }

    fn list_called(&self, service: &str) -> Option<String> {
        let mut all = self.spec.prefix_lists.iter();
        all.find(|(name, l)| name.value == service || l.name_tag.as_deref() == Some(service))
            .map(|(name, _)| name.value.clone())
    }

    pub fn by_gateway_endpoint(&mut self, name: &str, vpc: &str, p: &Packet) -> Step {
        // 5.1: not usable from the far side of anything.
        if !self.vpc_blocks(vpc).iter().any(|b| b.contains(p.src)) {
            return drop(RefRow::new("VpceFromOutside", name));
        }
        if p.protocol != TCP && !(p.protocol == ICMP && p.icmp_type == 8) {
            return drop(RefRow::new("VpceProtocol", name));
        }
        match aws_service_answers(&self.spec.vpc_endpoints[name].service.value, p) {
            None => drop(RefRow::new("VpceUnknown", name)),
            Some(Outcome::NoReply) => drop(RefRow::new("VpceSilent", name)),
            Some(outcome) => Err(End::Answered { outcome, from: Place::HandedOver { vpc: vpc.to_owned() } }),
        }
    }

    /// An interface that AWS made has a packet that its filters let through.
    pub fn managed_takes(&mut self, eni: &Eni, p: &mut Packet) -> Step {
        if !eni.owns(p.dst) {
            return drop(RefRow::new("NotModelled", &eni.name));
        }
        match &eni.role {
            Role::Own => drop(RefRow::new("NotModelled", &eni.name)),
            Role::Attachment(_) => drop(RefRow::new("ManagedSilent", &eni.name)),
            Role::Endpoint(endpoint) => self.interface_endpoint(&endpoint.clone(), eni, p),
            Role::Node(_) => self.back_at_node(eni, p),
        }
    }

    fn interface_endpoint(&mut self, endpoint: &str, eni: &Eni, p: &mut Packet) -> Step {
        let body = &self.spec.vpc_endpoints[endpoint];
        if body.unavailable {
            return drop(RefRow::new("VpceState", endpoint));
        }
        let service = body.service.value.clone();
        if self.spec.vpc_endpoint_services.contains_key(service.as_str()) {
            return self.by_service(endpoint, &service, eni, p);
        }
        if !service.starts_with("com.amazonaws.") || service.starts_with("com.amazonaws.vpce.") {
            return drop(RefRow::new("VpceUnknown", endpoint));
        }
        // measured-notes 12; an AWS service is asked by HTTPS.
        if (p.protocol, p.dport) == (TCP, 443) {
            return Err(End::Answered { outcome: Outcome::Open, from: Place::Out(eni.name.clone()) });
        }
        drop(RefRow::new("VpceSilent", endpoint))
    }

    /// 5.2: the node in the endpoint's zone, its groups, a target, and from the node to there.
    fn by_service(&mut self, endpoint: &str, service: &str, eni: &Eni, p: &mut Packet) -> Step {
        let body = &self.spec.vpc_endpoint_services[service];
        let Some(subnet) = self.in_zone_of(&eni.subnet, &body.subnets) else {
            return drop(RefRow::new("VpceNoAz", endpoint));
        };
        let node = self.managed_eni(&Role::Node(service.to_owned()), &subnet);
        let listens = |l: &&ServiceListener| l.listen.protocol.0 == p.protocol && l.listen.port == p.dport;
        let Some(listener) = body.listeners.iter().map(|l| &l.value).find(listens) else {
            return drop(RefRow::new("VpceSilent", endpoint));
        };
        let listener = listener.clone();
        // NLB with groups: asked about the client's own address, by no rule that names a group.
        let mut asked = p.clone();
        asked.dst = node.v4.expect("a node with an address");
        asked.straight = false;
        self.groups_allow(&node, Dir::In, &asked).map_err(End::Dropped)?;
        let targets = self.targets(&listener, &node, body.cross_zone == Some(true));
        if targets.is_empty() {
            return drop(RefRow::new("VpceNoTarget", service));
        }
        let key = format!("target {service} {:?} {:?} {}", (p.src, p.sport), (p.dst, p.dport), p.protocol);
        let target = &targets[self.choices.choose(key, targets.len())];
        let before = p.clone();
        p.src = asked.dst;
        p.dst = target.v4.expect("a target with an address");
        p.dport = listener.target_port.unwrap_or(listener.listen.port);
        p.straight = true;
        p.crossed.clear();
        let flow = Translation { device: node.name.clone(), before, after: p.clone() };
        self.service_flows.push((eni.name.clone(), flow));
        // assumed: the node sends like any interface with groups, and its rules out are asked too.
        self.groups_allow(&node, Dir::Out, p).map_err(End::Dropped)?;
        self.leave_subnet(&node.name, &node.subnet, p)
    }

    /// 6.1: of the node's zone, or of all with cross-zone; a stopped one is unhealthy.
    fn targets(&self, listener: &ServiceListener, node: &Eni, cross_zone: bool) -> Vec<Eni> {
        let eni = |name: &str| match self.spec.instances.contains_key(name) {
            true => self.enis_of(name).into_iter().next(),
            false => self.enis.iter().find(|e| e.name == name).cloned(),
        };
        let all = listener.targets.iter().filter_map(|t| eni(t.as_str()));
        all.filter(|e| self.running(e) && (cross_zone || self.same_zone(&e.subnet, &node.subnet))).collect()
    }

    /// The target's answer goes to the client by the endpoint; nothing else is for a node.
    fn back_at_node(&mut self, node: &Eni, p: &mut Packet) -> Step {
        let known = self.service_flows.iter().find(|(_, t)| t.device == node.name && p.answers(&t.after)).cloned();
        let Some((endpoint, known)) = known else { return drop(RefRow::new("ManagedSilent", &node.name)) };
        back(&known, p);
        p.straight = true;
        p.crossed.clear();
        Ok(Place::Out(endpoint))
    }
}
