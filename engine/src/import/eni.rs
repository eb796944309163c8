//! Network interfaces (`describe-network-interfaces`, and the copies inside `describe-instances`).
//!
//! The copy inside an instance is used only if the interface's own element is missing.
//! Not modelled: carrier addresses, connection tracking settings, network cards (interfaces of one
//! instance that share a device index are numbered on).

use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use super::{Out, UNKNOWN_GROUP};
use crate::base::Cidr;
use crate::spec::{Name, NetworkInterface, PublicIp, SecondaryAddress, Spanned};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Eni {
    network_interface_id: Text,
    subnet_id: Text,
    vpc_id: Text,
    status: Text,
    groups: List<Group>,
    private_ip_address: Maybe<Ipv4Addr>,
    private_ip_addresses: List<Address>,
    association: Option<Association>,
    ipv6_addresses: List<Ipv6>,
    ipv4_prefixes: List<Ipv4Prefix>,
    ipv6_prefixes: List<Ipv6Prefix>,
    source_dest_check: Option<bool>,
    pub(super) attachment: Option<Attachment>,
    interface_type: Text,
    requester_managed: Option<bool>,
    description: Text,
    mac_address: Text,
    owner_id: Text,
    tag_set: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Group {
    group_id: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Address {
    primary: Option<bool>,
    private_ip_address: Maybe<Ipv4Addr>,
    association: Option<Association>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Association {
    public_ip: Maybe<Ipv4Addr>,
    carrier_ip: Maybe<Ipv4Addr>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6 {
    ipv6_address: Maybe<Ipv6Addr>,
    is_primary_ipv6: Option<bool>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv4Prefix {
    ipv4_prefix: Maybe<Cidr>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6Prefix {
    ipv6_prefix: Maybe<Cidr>,
}

/// What an interface is attached to.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Attachment {
    pub(super) instance_id: Text,
    instance_owner_id: Text,
    device_index: Option<u32>,
    network_card_index: Option<u32>,
    status: Text,
}

impl Resource for Eni {
    const KIND: &'static str = "network interface";
    const ID: &'static str = "NetworkInterfaceId";
    fn id(&self) -> &str {
        self.network_interface_id.text()
    }
    fn owner(&self) -> &str {
        self.owner_id.text()
    }
}

/// Descriptions that AWS's services give, and the type that newer exports say outright.
const DESCRIPTIONS: &[(&str, &str)] = &[
    ("VPC Endpoint Interface ", "vpc_endpoint"),
    ("ELB net/", "network_load_balancer"),
    ("ELB gwy/", "gateway_load_balancer"),
    ("ELB ", "load_balancer"),
    ("Network Interface for Transit Gateway Attachment ", "transit_gateway"),
    ("Interface for NAT Gateway ", "nat_gateway"),
    ("RDSNetworkInterface", "rds"),
    ("ES ", "elasticsearch"),
    ("AWS Lambda VPC ENI", "lambda"),
    ("ElastiCache ", "elasticache"),
    ("EFS mount target for ", "efs"),
    ("RedshiftNetworkInterface", "redshift"),
    ("Amazon EKS ", "eks"),
];

impl Eni {
    fn instance(&self) -> Option<&str> {
        let attachment = self.attachment.as_ref()?;
        let there = matches!(attachment.status.text(), "attached" | "attaching" | "");
        attachment.instance_id.0.as_deref().filter(|_| there)
    }

    /// AWS's type; inferred from the description if AWS says just `interface` of one that serves no instance.
    fn kind(&self) -> Option<String> {
        match self.interface_type.text() {
            "interface" | "" => {}
            given => return Some(given.to_owned()),
        }
        let said = self.description.text();
        let inferred = DESCRIPTIONS.iter().find(|(start, _)| said.starts_with(start))?.1;
        self.instance().is_none().then(|| inferred.to_owned())
    }

    fn public_ip(association: Option<&Association>) -> Option<Ipv4Addr> {
        association.and_then(|a| a.public_ip.0)
    }
}

/// Writes the interfaces. `owned` are the interfaces' own elements, `seen` the copies inside instances.
pub(super) fn build(owned: Vec<Item<Eni>>, seen: Vec<Item<Eni>>, out: &mut Out) {
    let own: BTreeSet<String> = owned.iter().map(|i| i.value.id().to_owned()).collect();
    let mut cards = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for item in owned.into_iter().chain(seen.into_iter().filter(|i| !own.contains(i.value.id()))) {
        let (eni, span) = (&item.value, item.span);
        let id = eni.id().to_owned();
        if matches!(eni.status.text(), "deleting" | "deleted") {
            out.deleted(&id, eni.status.text());
            continue;
        }
        if !out.has_subnet(Eni::KIND, &id, eni.subnet_id.text()) {
            continue;
        }
        for group in eni.groups.iter().filter(|g| !out.spec.security_groups.contains_key(g.group_id.text())) {
            unknown.insert((id.clone(), group.group_id.text().to_owned()));
        }
        if let Some(instance) = eni.instance() {
            let card = eni.attachment.as_ref().and_then(|a| a.network_card_index).unwrap_or(0);
            cards.insert(id.clone(), (instance.to_owned(), card));
        }
        let built = interface(&item, out);
        out.spec.network_interfaces.insert(Name::new(id, span), built);
    }
    for (eni, group) in unknown {
        out.missing(&eni, &group, "kept; the rules of that group are unknown");
        out.not_modelled(&group, UNKNOWN_GROUP, None, None);
    }
    number_on(cards, out);
}

fn interface(item: &Item<Eni>, out: &mut Out) -> NetworkInterface {
    let (eni, span) = (&item.value, item.span);
    let id = eni.id();
    let first = eni.private_ip_addresses.iter().find(|a| a.primary == Some(true));
    let address = eni.private_ip_address.0.or(first.and_then(|a| a.private_ip_address.0));
    let public =
        Eni::public_ip(eni.association.as_ref()).or(Eni::public_ip(first.and_then(|a| a.association.as_ref())));
    if eni.association.as_ref().is_some_and(|a| a.carrier_ip.0.is_some()) {
        out.skip(id, "its carrier address is not modelled".into());
    }
    let maps_public = out.spec.subnets.get(eni.subnet_id.text()).is_some_and(|s| s.map_public_ip == Some(true));
    let mut ipv6: Vec<&Ipv6> = eni.ipv6_addresses.iter().collect();
    ipv6.sort_by_key(|a| a.is_primary_ipv6 != Some(true));
    let secondary = eni.private_ip_addresses.iter().filter(|a| a.private_ip_address.0 != address);
    let prefixes = eni.ipv4_prefixes.iter().map(|p| p.ipv4_prefix.0);
    let prefixes = prefixes.chain(eni.ipv6_prefixes.iter().map(|p| p.ipv6_prefix.0));
    let at = |text: &Text| text.0.clone().map(|t| Spanned::new(t, span));
    let vpc = out.spec.subnets.get(eni.subnet_id.text()).map_or("", |s| s.vpc.as_str());
    let account = out.guest_account(vpc, eni.owner_id.text()).map(|a| Spanned::new(a, span));
    NetworkInterface {
        subnet: at(&eni.subnet_id),
        address: address.map(|a| Spanned::new(a, span)),
        secondary_addresses: secondary
            .filter_map(|a| Some((a.private_ip_address.0?, Eni::public_ip(a.association.as_ref()))))
            .map(|(a, p)| SecondaryAddress { address: Spanned::new(a, span), public_ip: p.map(Spanned::from) })
            .map(|a| Spanned::new(a, span))
            .collect(),
        ipv6_addresses: ipv6.iter().filter_map(|a| a.ipv6_address.0).map(|a| Spanned::new(a, span)).collect(),
        prefixes: prefixes.flatten().map(|p| Spanned::new(p, span)).collect(),
        public_ip: match public {
            Some(public) => Some(Spanned::new(PublicIp::Address(public), span)),
            // Without this line it would get one: that is the subnet's default.
            None if maps_public => Some(Spanned::new(PublicIp::None, span)),
            None => None,
        },
        security_groups: Some(eni.groups.iter().filter_map(|g| at(&g.group_id)).collect()),
        source_dest_check: eni.source_dest_check.filter(|check| !check),
        instance: eni.instance().map(|i| Spanned::new(i.to_owned(), span)),
        device_index: eni.instance().and(eni.attachment.as_ref()).and_then(|a| a.device_index),
        mac: at(&eni.mac_address),
        interface_type: eni.kind().map(|k| Spanned::new(k, span)),
        description: eni.description.0.clone(),
        requester_managed: eni.requester_managed.unwrap_or(false),
        account,
        name_tag: eni.tag_set.name(id),
        tags: eni.tag_set.others(),
    }
}

/// Device indexes count per network card; here they are unique per instance.
fn number_on(cards: BTreeMap<String, (String, u32)>, out: &mut Out) {
    let mut by_instance: BTreeMap<String, Vec<(u32, u32, String)>> = BTreeMap::new();
    for (eni, (instance, card)) in cards {
        let index = out.spec.network_interfaces.get(eni.as_str()).and_then(|e| e.device_index).unwrap_or(0);
        by_instance.entry(instance).or_default().push((card, index, eni));
    }
    for (_, mut enis) in by_instance {
        enis.sort();
        let mut used = BTreeSet::new();
        for (_, index, eni) in enis {
            let free =
                if used.contains(&index) { used.last().map_or(0, |last: &u32| last.saturating_add(1)) } else { index };
            used.insert(free);
            if free != index {
                if let Some(eni) = out.spec.network_interfaces.get_mut(eni.as_str()) {
                    eni.device_index = Some(free);
                }
                out.skip(&eni, format!("device index {index} is that of another network card too; {free} was written"));
            }
        }
    }
}

/// True if the account's own instance must be behind it, although the export does not hold the instance.
pub(super) fn serves_unlisted_instance(eni: &Eni) -> bool {
    let owner = eni.attachment.as_ref().map_or("", |a| a.instance_owner_id.text());
    eni.kind().is_none() && eni.requester_managed != Some(true) && !owner.starts_with("amazon")
}

/// Interfaces that serve no instance, by subnet: those that AWS's services made are among them.
pub(super) struct Managed {
    by_subnet: BTreeMap<String, Vec<Made>>,
}

/// One of them.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) description: String,
    interface_type: Option<String>,
}

impl Made {
    /// True if AWS gives it this type.
    pub(super) fn is_of(&self, interface_type: &str) -> bool {
        self.interface_type.as_deref() == Some(interface_type)
    }
}

impl Managed {
    /// Those of the topology.
    pub(super) fn of(out: &Out) -> Self {
        let mut by_subnet: BTreeMap<String, Vec<Made>> = BTreeMap::new();
        for (name, eni) in out.spec.network_interfaces.iter().filter(|(_, eni)| eni.instance.is_none()) {
            if let Some(subnet) = &eni.subnet {
                let made = Made {
                    name: name.value.clone(),
                    description: eni.description.clone().unwrap_or_default(),
                    interface_type: eni.interface_type.as_ref().map(|t| t.value.clone()),
                };
                by_subnet.entry(subnet.value.clone()).or_default().push(made);
            }
        }
        Self { by_subnet }
    }

    /// The first in each of `subnets` that is wanted, in the order of `subnets`.
    pub(super) fn in_subnets(
        &self,
        subnets: &[Spanned<String>],
        wanted: impl Fn(&Made) -> bool,
    ) -> Vec<Spanned<String>> {
        let there = |subnet: &Spanned<String>| {
            let found = self.by_subnet.get(subnet.as_str())?.iter().find(|made| wanted(made))?;
            Some(Spanned::new(found.name.clone(), subnet.span))
        };
        subnets.iter().filter_map(there).collect()
    }

    /// The subnets of each id that stands behind `prefix` in a description.
    pub(super) fn subnets_by_id(&self, prefix: &str) -> BTreeMap<&str, BTreeSet<String>> {
        let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (subnet, all) in &self.by_subnet {
            for id in all.iter().filter_map(|made| made.description.strip_prefix(prefix)) {
                found.entry(id.trim()).or_default().insert(subnet.clone());
            }
        }
        found
    }
}
