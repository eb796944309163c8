//! Elastic IP addresses (`describe-addresses`). They only add what the interface's own element does not say.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, Maybe, Text};
use crate::spec::{PublicIp, Spanned};
use serde::Deserialize;
use std::net::Ipv4Addr;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Address {
    allocation_id: Text,
    public_ip: Maybe<Ipv4Addr>,
    private_ip_address: Maybe<Ipv4Addr>,
    network_interface_id: Text,
    instance_id: Text,
}

impl Resource for Address {
    const KIND: &'static str = "elastic IP address";
    const ID: &'static str = "AllocationId";
    const ID_REQUIRED: bool = false;
    fn id(&self) -> &str {
        self.allocation_id.text()
    }
}

/// Gives interfaces and secondary addresses the EIPs that their own elements lack.
pub(super) fn apply(addresses: Vec<Item<Address>>, out: &mut Out) {
    for Item { value: eip, span, .. } in addresses {
        let (id, eni_id) = (eip.id(), eip.network_interface_id.text());
        let Some(public) = eip.public_ip.0 else { continue };
        if eni_id.is_empty() && eip.instance_id.text().is_empty() {
            out.skip(id, format!("elastic IP address {public} is associated with nothing"));
            continue;
        }
        let Some(eni) = out.spec.network_interfaces.get_mut(eni_id) else {
            out.missing(id, if eni_id.is_empty() { eip.instance_id.text() } else { eni_id }, "association left out");
            continue;
        };
        let private = eip.private_ip_address.0;
        if private.is_none() || private == eni.address.as_ref().map(|a| a.value) {
            if !matches!(eni.public_ip, Some(Spanned { value: PublicIp::Address(_), .. })) {
                eni.public_ip = Some(Spanned::new(PublicIp::Address(public), span));
            }
        } else if let Some(secondary) = eni.secondary_addresses.iter_mut().find(|a| Some(a.address.value) == private) {
            secondary.value.public_ip.get_or_insert_with(|| Spanned::new(public, span));
        } else {
            out.skip(id, format!("elastic IP address {public} is for an address that {eni_id} does not have"));
        }
    }
}
