//! What records are about: interfaces, regional NAT gateways, attachments of transit gateways, and what is known of them.
//!
//! Made once for a configuration; records point here instead of copying. Subjects are numbered densely: interfaces first, then
//! NAT gateways, then attachments.
//!
//! Not modelled, and shown as `-`: sublocations, ECS, Auto Scaling groups, zones whose id the topology does not say, tags other
//! than `Name` (FLW-20).

use super::identity;
use crate::base::IndexVec;
use crate::base::ids::{EniIx, InetIx, NatIx, SubnetIx, TgwAttachIx, VpcIx};
use crate::compile::Network;
use crate::fabric::{EniKind, Lpm, TgwAttachKind};
use crate::index_type;
use rustc_hash::FxHashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

index_type! {
    /// What a record is about.
    pub SubjectIx;
}

/// What is known of an interface, a regional NAT gateway or an attachment. Absent is `-`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subject {
    /// Owner account.
    pub account: String,
    /// Region.
    pub region: String,
    /// The interface's id.
    pub interface: Option<String>,
    /// VPC.
    pub vpc: Option<String>,
    /// Account of the VPC.
    pub vpc_account: Option<String>,
    /// Subnet.
    pub subnet: Option<String>,
    /// Instance.
    pub instance: Option<String>,
    /// Zone's id.
    pub az_id: Option<String>,
    /// The regional NAT gateway's id (FLW-19).
    pub resource: Option<String>,
    /// Kind of a managed interface (FLW-21).
    pub interface_type: Option<&'static str>,
    /// The `Name` tags of instance, interface and Auto Scaling group.
    pub names: [Option<String>; 3],
    /// The transit gateway's id.
    pub tgw: Option<String>,
    /// The attachment's id.
    pub attachment: Option<String>,
    /// Primary IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Primary IPv6 address.
    pub v6: Option<Ipv6Addr>,
    /// True for an interface of an instance: its windows are of 60 seconds (FLW-5).
    pub nitro: bool,
}

/// Everything that records can be about, and whose addresses are AWS's own.
#[derive(Clone, Debug, Default)]
pub struct Subjects {
    all: IndexVec<SubjectIx, Subject>,
    first_nat: u32,
    first_attach: u32,
    /// Services of AWS's by address, and their codes.
    services: Lpm<u32, InetIx>,
    codes: IndexVec<InetIx, Option<&'static str>>,
    /// Public addresses of EC2 that this network has.
    public: FxHashSet<Ipv4Addr>,
}

/// What AWS calls a managed interface (FLW-21).
#[must_use]
pub const fn interface_type(kind: EniKind) -> Option<&'static str> {
    match kind {
        EniKind::Nat(_) => Some("nat_gateway"),
        EniKind::Tgw(_) => Some("transit_gateway"),
        EniKind::Vpce(_) => Some("vpc_endpoint"),
        EniKind::Node(_) => Some("network_load_balancer"),
        EniKind::Detached | EniKind::Guest(_) | EniKind::Cvpn(_) | EniKind::NotModelled(_) => None,
    }
}

/// Codes of services by the last part of their names (FLW-17).
const SERVICE_CODES: [(&str, &str); 2] = [("s3", "S3"), ("dynamodb", "DYNAMODB")];

impl SubjectIx {
    /// An interface's.
    #[must_use]
    pub const fn of_eni(eni: EniIx) -> Self {
        Self(eni.0)
    }
}

impl Subject {
    /// The primary address of one family.
    #[must_use]
    pub fn primary(&self, v4: bool) -> Option<IpAddr> {
        if v4 { self.v4.map(IpAddr::V4) } else { self.v6.map(IpAddr::V6) }
    }
}

impl Subjects {
    /// All of a network's.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let (fabric, names) = (&network.fabric, &network.names);
        let mut all: IndexVec<SubjectIx, Subject> = fabric.enis.indices().map(|eni| of_eni(network, eni)).collect();
        let first_nat = all.len() as u32;
        all.extend(fabric.nats.indices().map(|nat| of_nat(network, nat)));
        let first_attach = all.len() as u32;
        all.extend(fabric.tgw_attaches.indices().map(|attach| of_attach(network, attach)));
        let code = |name: &str| {
            let (_, short) = name.strip_prefix("com.amazonaws.")?.split_once('.')?;
            SERVICE_CODES.iter().find(|(known, _)| *known == short).map(|(_, code)| *code)
        };
        let codes = names.internet_hosts.iter().map(|label| code(&label.id)).collect();
        // Only what is looked up, never walked.
        let public = fabric.vpcs.iter().flat_map(|vpc| vpc.public.values().copied());
        let regional = fabric.nats.iter().flat_map(|nat| nat.addresses.iter().filter_map(|a| a.public));
        let public = public.chain(regional).collect();
        Self { all, first_nat, first_attach, services: fabric.aws_services.clone(), codes, public }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }
    /// True if there is nothing to log.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
    /// Interfaces.
    pub fn enis(&self) -> impl Iterator<Item = SubjectIx> + use<> {
        (0..self.first_nat).map(SubjectIx)
    }
    /// One of them.
    #[must_use]
    pub fn subject(&self, at: SubjectIx) -> &Subject {
        &self.all[at]
    }
    /// A regional NAT gateway.
    #[must_use]
    pub const fn of_nat(&self, nat: NatIx) -> SubjectIx {
        SubjectIx(self.first_nat + nat.0)
    }
    /// An attachment.
    #[must_use]
    pub const fn of_attachment(&self, attach: TgwAttachIx) -> SubjectIx {
        SubjectIx(self.first_attach + attach.0)
    }
    /// True for an attachment.
    #[must_use]
    pub const fn is_attachment(&self, at: SubjectIx) -> bool {
        at.0 >= self.first_attach
    }

    /// The code of the service of AWS's that has an address (FLW-17).
    #[must_use]
    pub fn service_of(&self, address: IpAddr) -> Option<&'static str> {
        let IpAddr::V4(address) = address else { return None };
        if self.public.contains(&address) {
            return Some("EC2");
        }
        self.services.get(address.into()).and_then(|host| self.codes[host])
    }
}

fn of_eni(network: &Network, eni: EniIx) -> Subject {
    let (fabric, names) = (&network.fabric, &network.names);
    let e = &fabric.enis[eni];
    let (account, interface) = identity(network, eni);
    let (instance, tags) = match e.guest() {
        Some(guest) => {
            let of_guest = named(names.guests[guest].short(), "i-");
            let own = &names.enis[eni];
            // An interface that is written inside its instance has no name of its own.
            let shared = own.id == names.guests[guest].id;
            let of_eni = own.tag.as_deref().map(percent_encoded).or_else(|| named(&own.id, "eni-").filter(|_| !shared));
            (Some(one_word(&names.guests[guest].id)), [of_guest, of_eni, None])
        }
        None => (None, [None, names.enis[eni].tag.as_deref().map(percent_encoded), None]),
    };
    Subject {
        account,
        interface: Some(one_word(&interface)),
        subnet: Some(one_word(&names.subnets[e.subnet].id)),
        instance,
        az_id: az_id(network, e.subnet),
        interface_type: interface_type(e.kind),
        names: tags,
        v4: e.v4,
        v6: e.v6,
        nitro: e.guest().is_some(),
        ..of_vpc(network, e.vpc)
    }
}

fn of_vpc(network: &Network, vpc: VpcIx) -> Subject {
    let names = &network.names;
    let (account, region) = names.realms[network.fabric.vpcs[vpc].realm as usize].clone();
    let vpc_account = Some(account.clone());
    Subject { account, region, vpc: Some(one_word(&names.vpcs[vpc].id)), vpc_account, ..Subject::default() }
}

fn of_nat(network: &Network, nat: NatIx) -> Subject {
    Subject {
        resource: Some(one_word(&network.names.nats[nat].id)),
        interface_type: Some("regional_nat_gateway"),
        ..of_vpc(network, network.fabric.nats[nat].vpc)
    }
}

fn of_attach(network: &Network, attach: TgwAttachIx) -> Subject {
    let a = &network.fabric.tgw_attaches[attach];
    let tgw = &network.names.tgws[a.tgw].id;
    let body = network.spec.transit_gateways.get(tgw.as_str());
    let account = body.and_then(|b| b.account.as_ref()).or(network.spec.account.as_ref());
    let vpc = match &a.kind {
        TgwAttachKind::Vpc { vpc, .. } => Some(*vpc),
        _ => None,
    };
    Subject {
        account: account.map_or_else(|| crate::compile::DEFAULT_ACCOUNT.to_owned(), |a| a.value.clone()),
        region: network.names.regions[network.fabric.tgws[a.tgw].region as usize].clone(),
        tgw: Some(one_word(tgw)),
        attachment: Some(one_word(&network.names.tgw_attaches[attach].id)),
        ..vpc.map_or_else(Subject::default, |vpc| of_vpc(network, vpc))
    }
}

fn az_id(network: &Network, subnet: SubnetIx) -> Option<String> {
    let name = network.names.subnets[subnet].id.as_str();
    network.spec.subnets.get(name).and_then(|subnet| subnet.az_id.clone())
}

/// A resource's `Name` tag: what it is called, unless that is an id of AWS's. As a record shows it: percent-encoded (FLW-20).
fn named(name: &str, id: &str) -> Option<String> {
    (!name.starts_with(id)).then(|| percent_encoded(name))
}

/// A name as a record can hold it: the fields of a line are told apart by spaces.
fn one_word(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    /// RFC 3986 section 2.1.
    #[test]
    fn tags_have_no_spaces() {
        assert_eq!(percent_encoded("web server/1 ü"), "web%20server%2F1%20%C3%BC");
    }
}
