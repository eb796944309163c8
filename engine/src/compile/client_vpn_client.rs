//! Clients of Client VPN endpoints: hosts with an address of the client CIDR.
//!
//! Addresses that are not written are chosen, the lowest free ones in the order of names.

use super::context::{Context, label, position};
use crate::base::Cidr;
use crate::base::ids::CvpnIx;
use crate::diag::Diagnostic;
use crate::fabric::{CvpnClient, InternetHost};
use crate::spec::{self, Spanned};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Offset of the first address that is chosen for a client (CVPN-8, assumed: AWS keeps some for itself, and does not say which).
const FIRST_CLIENT: u64 = 2;

impl Context {
    pub(super) fn client_vpn_clients(
        &mut self,
        endpoints: &spec::Named<spec::ClientVpnEndpoint>,
        groups: &mut Vec<String>,
    ) {
        let clients = std::mem::take(&mut self.spec.client_vpn_clients);
        // Written addresses first, so that none is chosen that somebody wrote further down.
        let mut taken: BTreeMap<(CvpnIx, Ipv4Addr), &str> = BTreeMap::new();
        for (name, client) in &clients {
            let index = self.ids.cvpns.get(client.endpoint.value.as_str()).copied();
            let (Some(index), Some(address)) = (index, client.address) else { continue };
            let block = self.fabric.cvpns[index].client_cidr;
            if !block.contains(address.value.into()) {
                let message =
                    format!("`{address}` of `{name}` is outside client CIDR {block} of `{}`", client.endpoint);
                self.problem(Diagnostic::error("address-outside-block", address.span, message));
            } else if let Some(other) = taken.insert((index, address.value), name.value.as_str()) {
                let message = format!("`{address}` of `{name}` is client `{other}`'s");
                self.problem(Diagnostic::error("address-taken", address.span, message));
            }
        }
        let mut next: BTreeMap<CvpnIx, u64> = BTreeMap::new();
        for (name, client) in &clients {
            let body = endpoints.get(client.endpoint.value.as_str());
            if body.is_some() && !self.ids.cvpns.contains_key(client.endpoint.value.as_str()) {
                // The endpoint was refused, which is said there.
                continue;
            }
            let (Some(cvpn), Some(body)) = (self.cvpn_named(&client.endpoint), body) else { continue };
            let target = client.subnet.as_ref();
            let target = target.and_then(|subnet| self.target_named((&client.endpoint, body), cvpn, subnet));
            let address = match client.address {
                Some(written) => written.value,
                None => {
                    let block = self.fabric.cvpns[cvpn].client_cidr;
                    let from = next.entry(cvpn).or_insert(FIRST_CLIENT);
                    let Some(address) = next_free(&block, from, |a| taken.contains_key(&(cvpn, a))) else {
                        let message =
                            format!("client CIDR {block} of `{}` has no address for `{name}`", client.endpoint);
                        self.problem(Diagnostic::error("client-cidr-full", name.span, message));
                        continue;
                    };
                    address
                }
            };
            let mut listeners: Vec<_> = client.listen.iter().map(|l| (l.protocol, l.port)).collect();
            listeners.sort_unstable();
            let index = self.fabric.cvpn_clients.next_index();
            let host = InternetHost {
                client: Some(index),
                addresses: [IpAddr::V4(address)].into(),
                listeners: listeners.into(),
                answers_ping: client.answers_ping.unwrap_or(true),
                ..self.internet_host_rows()
            };
            let host = self.internet_host(label(name, None), host);
            let groups = client.groups.iter().map(|group| position(groups, group)).collect();
            self.fabric.cvpn_clients.push(CvpnClient { cvpn, host, address, target, groups });
            self.fabric.cvpns[cvpn].clients.insert(address, index);
        }
        self.spec.client_vpn_clients = clients;
    }

    /// The position of the target network that a client names.
    fn target_named(
        &mut self,
        (name, endpoint): (&str, &spec::ClientVpnEndpoint),
        cvpn: CvpnIx,
        subnet: &Spanned<String>,
    ) -> Option<u32> {
        let index = self.subnet_named(subnet)?;
        let at = self.fabric.cvpns[cvpn].targets.iter().position(|target| target.subnet == index);
        if at.is_none() {
            let associated: Vec<String> = endpoint.subnets.iter().map(|s| s.value.clone()).collect();
            self.not_associated(name, subnet, &associated);
        }
        at.map(|at| at as u32)
    }
}

/// The next address of a client CIDR that is not taken; `offset` is where the search goes on.
fn next_free(block: &Cidr, offset: &mut u64, taken: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
    loop {
        let Some(IpAddr::V4(address)) = block.nth(*offset).filter(|address| *address != block.last()) else {
            return None;
        };
        *offset += 1;
        if !taken(address) {
            return Some(address);
        }
    }
}
