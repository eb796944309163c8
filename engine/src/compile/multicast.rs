//! Multicast domains of transit gateways.

use super::context::{Context, label};
use crate::base::ids::{EniIx, SubnetIx, TgwIx};
use crate::diag::Diagnostic;
use crate::fabric::Mcast;
use crate::spec::{MulticastGroup, Spanned};
use crate::verdict::{Dir, RowKind};
use std::net::IpAddr;

/// Implied rows of a multicast domain, in the order of `McastRow`.
const ROWS: [(RowKind, Dir); 5] = [
    (RowKind::McastPass, Dir::In),
    (RowKind::McastNoMember, Dir::In),
    (RowKind::McastNoSource, Dir::In),
    (RowKind::McastFragment, Dir::In),
    (RowKind::McastIgmp, Dir::In),
];

type Listed = Vec<(IpAddr, EniIx)>;

impl Context {
    pub(super) fn multicast_domains(&mut self) {
        let domains = std::mem::take(&mut self.spec.transit_gateway_multicast_domains);
        for (name, domain) in &domains {
            let Some(tgw) = self.tgw_named(&domain.transit_gateway) else { continue };
            let on = self.spec.transit_gateways.get(domain.transit_gateway.as_str()).and_then(|t| t.multicast);
            if on != Some(true) {
                let message = format!("transit gateway `{}` has no multicast support", domain.transit_gateway);
                self.problem(
                    Diagnostic::error("multicast-off", domain.transit_gateway.span, message)
                        .help("add `multicast: true` to the transit gateway"),
                );
            }
            let index = self.fabric.mcasts.next_index();
            let mut subnets: Vec<SubnetIx> = Vec::new();
            for written in &domain.subnets {
                let Some(subnet) = self.subnet_named(written) else { continue };
                if !self.may_join(tgw, subnet, written) {
                    continue;
                }
                if self.fabric.subnets[subnet].mcast.replace(index).is_some() {
                    let message = format!("subnet `{written}` is in another multicast domain");
                    self.problem(
                        Diagnostic::error("second-domain", written.span, message)
                            .help("a subnet is in one multicast domain"),
                    );
                }
                subnets.push(subnet);
            }
            subnets.sort_unstable();
            let (mut members, mut sources): (Listed, Listed) = (Vec::new(), Vec::new());
            for group in &domain.groups {
                self.group(group, &group.members, &subnets, &mut members);
                self.group(group, &group.sources, &subnets, &mut sources);
            }
            members.sort_unstable();
            sources.sort_unstable();
            let rows = self.row_block(index.0, &ROWS);
            self.fabric.mcasts.push(Mcast {
                tgw,
                subnets: subnets.into(),
                igmp: domain.igmpv2.unwrap_or(false),
                static_sources: domain.static_sources.unwrap_or(false),
                members: members.into(),
                sources: sources.into(),
                rows,
            });
            self.names.mcasts.push(label(name, domain.name_tag.as_ref()));
        }
        self.spec.transit_gateway_multicast_domains = domains;
    }

    /// MCAST-2: the subnet's VPC is attached.
    fn may_join(&mut self, tgw: TgwIx, subnet: SubnetIx, written: &Spanned<String>) -> bool {
        let vpc = self.fabric.subnets[subnet].vpc;
        let attached = self.ids.tgw_by_vpc.contains_key(&(tgw, vpc));
        if !attached {
            let message = format!("the VPC of subnet `{written}` is not attached to the domain's transit gateway");
            self.problem(Diagnostic::error("not-attached", written.span, message));
        }
        attached
    }

    fn group(
        &mut self,
        group: &Spanned<MulticastGroup>,
        names: &[Spanned<String>],
        subnets: &[SubnetIx],
        out: &mut Listed,
    ) {
        let address = group.address;
        if !address.is_multicast() {
            let message = format!("`{address}` is not a multicast address");
            self.problem(
                Diagnostic::error("not-multicast", address.span, message).help("groups are in 224.0.0.0/4 or ff00::/8"),
            );
            return;
        }
        for name in names {
            let Some(eni) = self.eni_or_instance(name) else { continue };
            if subnets.binary_search(&self.fabric.enis[eni].subnet).is_err() {
                let message = format!("`{name}` is in no subnet of the multicast domain");
                self.problem(Diagnostic::error("not-in-domain", name.span, message));
                continue;
            }
            out.push((address.value, eni));
        }
    }

    /// The interface of a name, or the only one of the instance with the name.
    pub(super) fn eni_or_instance(&mut self, name: &Spanned<String>) -> Option<EniIx> {
        if let Some(guest) = self.ids.guests.get(name.value.as_str()) {
            match *self.fabric.guests[*guest].enis {
                [eni] => return Some(eni),
                [] => return None,
                _ => {
                    let message = format!("instance `{name}` has several network interfaces");
                    self.problem(
                        Diagnostic::error("several-interfaces", name.span, message).help("name the interface"),
                    );
                    return None;
                }
            }
        }
        if let Some(eni) = self.ids.enis.get(name.value.as_str()) {
            return Some(*eni);
        }
        let known: Vec<String> = self.ids.enis.keys().chain(self.ids.guests.keys()).cloned().collect();
        self.unknown(name, "instance or network interface", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }
}
