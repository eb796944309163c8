//! Interfaces that AWS makes for attachments, endpoints and load balancer nodes (aws-hybrid 2.2, 5.2); zones.

use super::World;
use super::world::Eni;
use vpcsim_engine::spec::{EndpointType, Spanned};

/// Whose an interface is, if AWS made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// The user's.
    Own,
    /// Of the attachment of a VPC to a transit gateway.
    Attachment(String),
    /// Of an interface endpoint.
    Endpoint(String),
    /// Of an endpoint service's load balancer.
    Node(String),
}

fn values(names: &[Spanned<String>]) -> Vec<String> {
    names.iter().map(|n| n.value.clone()).collect()
}

impl World<'_> {
    /// Says which interface is whose, and adds those that the topology does not list.
    pub fn add_managed(&mut self) {
        let spec = self.spec;
        for (name, a) in &spec.transit_gateway_vpc_attachments {
            let role = Role::Attachment(name.value.clone());
            // 2.3: these have no security group.
            self.manage(name, &values(&a.subnets), &values(&a.network_interfaces), &role, Some(Vec::new()));
        }
        for (name, e) in spec.vpc_endpoints.iter().filter(|(_, e)| e.kind == EndpointType::Interface) {
            // The VPC's default group serves an endpoint that names none; one that nobody wrote lets in nobody else.
            let groups = e.security_groups.as_deref().map(values);
            let default =
                || vec![self.default_group(&e.vpc.value).unwrap_or_else(|| format!("default of {}", e.vpc.value))];
            let groups = groups.unwrap_or_else(default);
            let role = Role::Endpoint(name.value.clone());
            self.manage(name, &values(&e.subnets), &values(&e.network_interfaces), &role, Some(groups));
        }
        for (name, s) in &spec.vpc_endpoint_services {
            // 6.1: a load balancer without groups filters nothing.
            let groups = s.security_groups.as_deref().map(values).unwrap_or_default();
            let role = Role::Node(name.value.clone());
            self.manage(name, &values(&s.subnets), &values(&s.network_interfaces), &role, Some(groups));
        }
    }

    fn manage(&mut self, owner: &str, subnets: &[String], listed: &[String], role: &Role, groups: Option<Vec<String>>) {
        for subnet in subnets {
            let named = format!("{owner}/{subnet}");
            let known = self.enis.iter().position(|e| {
                e.subnet == *subnet && (listed.contains(&e.name) || (listed.is_empty() && e.name == named))
            });
            let ix = known.unwrap_or_else(|| {
                self.enis.push(Eni::unlisted(&named, subnet, &self.spec.subnets[subnet.as_str()].vpc.value));
                self.enis.len() - 1
            });
            let eni = &mut self.enis[ix];
            eni.managed = true;
            eni.role = role.clone();
            eni.groups = groups.clone().unwrap_or_default();
            // These pass on what is not theirs; an endpoint's interface does not.
            eni.check = matches!(role, Role::Endpoint(_));
        }
    }

    /// The interface that AWS made in a subnet for an owner.
    pub fn managed_eni(&self, role: &Role, subnet: &str) -> Eni {
        let mut all = self.enis.iter();
        all.find(|e| e.role == *role && e.subnet == subnet).expect("one per subnet").clone()
    }

    pub fn region_of(&self, vpc: &str) -> String {
        let own = self.spec.vpcs[vpc].region.as_ref();
        own.or(self.spec.region.as_ref()).map_or("us-east-1", |r| r.value.as_str()).to_owned()
    }

    /// Identify a zone by its id (aws-hybrid 8); the letter is one's within its account.
    pub fn same_zone(&self, one: &str, other: &str) -> bool {
        let (a, b) = (&self.spec.subnets[one], &self.spec.subnets[other]);
        if let (Some(a), Some(b)) = (&a.az_id, &b.az_id) {
            return a == b;
        }
        let full = |vpc: &str, az: &str| {
            let region = self.region_of(vpc);
            if az.len() == 1 { format!("{region}{az}") } else { az.to_owned() }
        };
        full(&a.vpc.value, &a.az.value) == full(&b.vpc.value, &b.az.value)
    }

    /// The subnet of a list that is in the zone of `subnet`.
    pub fn in_zone_of(&self, subnet: &str, list: &[Spanned<String>]) -> Option<String> {
        list.iter().find(|s| self.same_zone(subnet, s.as_str())).map(|s| s.value.clone())
    }
}
