//! What a VPC's resolver knows: names of instances, of described internet hosts, of endpoints and services (SVC-7).
//!
//! A public name of an instance in another VPC resolves to its public address, or to its private one if the other side of
//! a peering, or of a transit gateway, allows that (PCX-12, TGW-22). Private hosted zones are not modelled.

use super::Network;
use crate::base::ids::VpcIx;
use crate::fabric::{EniKind, TgwAttachKind, VpceService};
use std::net::IpAddr;

impl Network {
    /// The addresses that a name stands for inside a VPC: private ones for instances. Empty if there is no such name.
    ///
    /// An instance answers to its name in the topology, its `Name` tag, and the names AWS gives its private
    /// addresses (`ip-10-0-1-10.ec2.internal`) and its public ones (`ec2-198-51-100-10.compute-1.amazonaws.com`).
    #[must_use]
    pub fn resolve(&self, vpc: VpcIx, name: &str) -> Vec<IpAddr> {
        let (fabric, names) = (&self.fabric, &self.names);
        let name = name.trim_end_matches('.');
        let region = &names.realms[fabric.vpcs[vpc].realm as usize].1;
        // Public names are given only if both attributes are on (SVC-7).
        let hostnames =
            self.spec.vpcs.get(names.vpcs[vpc].id.as_str()).is_some_and(|v| v.enable_dns_hostnames == Some(true));
        let mut found = Vec::new();
        for (eni, e) in fabric.enis.iter_enumerated().filter(|(_, e)| e.vpc == vpc) {
            let guest = e.guest();
            let by_name = guest.is_some_and(|guest| {
                let primary = fabric.guests[guest].enis.first() == Some(&eni);
                let label = &names.guests[guest];
                primary
                    && (label.id.eq_ignore_ascii_case(name)
                        || label.tag.as_deref().is_some_and(|tag| tag.eq_ignore_ascii_case(name)))
            });
            let by_address = e.v4.is_some_and(|v4| {
                private_name(v4, region).eq_ignore_ascii_case(name)
                    || hostnames
                        && fabric.vpcs[vpc]
                            .public
                            .get(&v4)
                            .is_some_and(|public| public_name(*public, region).eq_ignore_ascii_case(name))
            });
            if by_name || by_address {
                found.extend(e.v4.map(IpAddr::V4));
                found.extend(e.v6.map(IpAddr::V6));
            }
        }
        for (host, h) in fabric.internet_hosts.iter_enumerated() {
            let label = &names.internet_hosts[host];
            let written = self.spec.internet_hosts.get(label.id.as_str());
            let other = written.is_some_and(|w| w.names.iter().any(|n| n.eq_ignore_ascii_case(name)));
            let service = h.anywhere && service_name(&label.id).is_some_and(|of| of.eq_ignore_ascii_case(name));
            if label.id.eq_ignore_ascii_case(name) || other || service {
                found.extend(h.addresses.iter().copied());
            }
        }
        // An endpoint's private name hides the service's public addresses (VPCE-6).
        let private = self.endpoint_addresses(vpc, name);
        if !private.is_empty() {
            return private;
        }
        if found.is_empty() {
            found = self.elsewhere(vpc, name);
        }
        found
    }

    /// The addresses of the interface endpoints of a VPC that a name stands for.
    fn endpoint_addresses(&self, vpc: VpcIx, name: &str) -> Vec<IpAddr> {
        let (fabric, names) = (&self.fabric, &self.names);
        let both = self
            .spec
            .vpcs
            .get(names.vpcs[vpc].id.as_str())
            .is_some_and(|v| v.enable_dns_hostnames == Some(true) && v.enable_dns_support != Some(false));
        let mut found = Vec::new();
        for (vpce, v) in fabric.vpces.iter_enumerated().filter(|(_, v)| v.vpc == vpc && v.available) {
            let label = &names.vpces[vpce];
            let Some(written) = self.spec.vpc_endpoints.get(label.id.as_str()) else { continue };
            let service = match v.service {
                VpceService::Provider(service) => {
                    let id = names.services[service].id.as_str();
                    self.spec.vpc_endpoint_services.get(id).and_then(|s| s.private_dns_name.clone())
                }
                _ => service_name(&written.service),
            };
            let aws = matches!(v.service, VpceService::Aws(_));
            let private = both && written.private_dns.unwrap_or(aws);
            let is_meant = label.id.eq_ignore_ascii_case(name)
                || written.dns_names.iter().any(|n| n.eq_ignore_ascii_case(name))
                || private && service.is_some_and(|service| service.eq_ignore_ascii_case(name));
            if is_meant {
                let own = fabric.enis.iter().filter(|e| e.kind == EniKind::Vpce(vpce));
                found.extend(own.filter_map(|e| e.primary));
            }
        }
        found
    }

    /// A public name of an instance in another VPC.
    fn elsewhere(&self, vpc: VpcIx, name: &str) -> Vec<IpAddr> {
        let (fabric, names) = (&self.fabric, &self.names);
        let mut found = Vec::new();
        for e in fabric.enis.iter().filter(|e| e.vpc != vpc) {
            let Some(private) = e.v4 else { continue };
            let Some(public) = fabric.vpcs[e.vpc].public.get(&private) else { continue };
            let region = &names.regions[fabric.vpcs[e.vpc].region as usize];
            let body = self.spec.vpcs.get(names.vpcs[e.vpc].id.as_str());
            let hostnames = body.is_some_and(|v| v.enable_dns_hostnames == Some(true));
            if hostnames && public_name(*public, region).eq_ignore_ascii_case(name) {
                let address = if self.resolves_privately(vpc, e.vpc) { private } else { *public };
                found.push(address.into());
            }
        }
        found
    }

    /// Whether public names of instances of `other` resolve to private addresses in `vpc`.
    fn resolves_privately(&self, vpc: VpcIx, other: VpcIx) -> bool {
        let fabric = &self.fabric;
        let peering = fabric.pcxs.iter().any(|pcx| {
            let side = pcx.sides.iter().position(|side| *side == Some(other));
            pcx.active && pcx.other(vpc) == Some(Some(other)) && side.is_some_and(|side| pcx.dns[side])
        });
        let attached = |of: VpcIx| {
            let all = fabric
                .tgw_attaches
                .iter_enumerated()
                .filter(move |(_, a)| a.available && matches!(&a.kind, TgwAttachKind::Vpc { vpc, .. } if *vpc == of));
            all.filter(|(index, _)| {
                let id = self.names.tgw_attaches[*index].id.as_str();
                self.spec.transit_gateway_vpc_attachments.get(id).is_some_and(|w| w.dns_support != Some(false))
            })
            .map(|(_, a)| a.tgw)
        };
        peering || attached(vpc).any(|tgw| attached(other).any(|there| there == tgw))
    }
}

/// `ec2.us-east-1.amazonaws.com` of `com.amazonaws.us-east-1.ec2`.
fn service_name(service: &str) -> Option<String> {
    let (region, name) = service.strip_prefix("com.amazonaws.")?.split_once('.')?;
    Some(format!("{name}.{region}.amazonaws.com"))
}

/// The name AWS gives a private address.
fn private_name(address: std::net::Ipv4Addr, region: &str) -> String {
    let [a, b, c, d] = address.octets();
    match region {
        "us-east-1" => format!("ip-{a}-{b}-{c}-{d}.ec2.internal"),
        region => format!("ip-{a}-{b}-{c}-{d}.{region}.compute.internal"),
    }
}

/// The name AWS gives a public address.
fn public_name(address: std::net::Ipv4Addr, region: &str) -> String {
    let [a, b, c, d] = address.octets();
    match region {
        "us-east-1" => format!("ec2-{a}-{b}-{c}-{d}.compute-1.amazonaws.com"),
        region => format!("ec2-{a}-{b}-{c}-{d}.{region}.compute.amazonaws.com"),
    }
}
