//! What a VPC's resolver knows: names of instances, and of described internet hosts (SVC-7).

use super::Network;
use crate::base::ids::VpcIx;
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
            if label.id.eq_ignore_ascii_case(name) || other {
                found.extend(h.addresses.iter().copied());
            }
        }
        found
    }
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
