//! Interfaces and the guests behind them.

use super::address::Addresses;
use super::context::{Context, label};
use crate::base::ids::{EniIx, GuestIx, NmIx, SgSetIx, SubnetIx};
use crate::base::{Bandwidth, PortRange};
use crate::diag::Diagnostic;
use crate::fabric::{Eni, EniKind, Forwarding, Guest, GuestOs};
use crate::spec::{self, InstanceState, NetworkInterface, PublicIp, Spanned};
use crate::verdict::{Dir, RowKind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// Network bandwidth of an instance that states none.
const BANDWIDTH: Bandwidth = Bandwidth::gbps(5);
/// MTU of a guest that states none (MTU-1).
const GUEST_MTU: u32 = 9001;

/// Implied rows of an interface, in the order of `EniRow`.
const ROWS: [(RowKind, Dir); 16] = [
    (RowKind::SourceCheck, Dir::Out),
    (RowKind::DestCheck, Dir::In),
    (RowKind::SgLast, Dir::In),
    (RowKind::SgLast, Dir::Out),
    (RowKind::GuestDown, Dir::In),
    (RowKind::GuestOpen, Dir::In),
    (RowKind::GuestClosed, Dir::In),
    (RowKind::GuestNoPing, Dir::In),
    (RowKind::GuestForward, Dir::In),
    (RowKind::GuestForwardOff, Dir::In),
    (RowKind::GuestForwardUnknown, Dir::In),
    (RowKind::TtlGuest, Dir::In),
    (RowKind::MtuGuest, Dir::Out),
    (RowKind::ServiceRate, Dir::Out),
    (RowKind::ManagedSilent, Dir::In),
    (RowKind::GuestNoState, Dir::In),
];

impl Context {
    pub(super) fn interfaces(&mut self) {
        self.guests();
        let interfaces = std::mem::take(&mut self.spec.network_interfaces);
        let mut taken = Addresses::default();
        let mut attached: BTreeMap<GuestIx, Vec<(u32, EniIx, Spanned<String>)>> = BTreeMap::new();
        let mut made: Vec<(&Spanned<String>, &NetworkInterface, EniIx)> = Vec::new();
        for (name, eni) in &interfaces {
            let Some(subnet) = self.eni_subnet(name, eni) else { continue };
            let guest = match &eni.instance {
                Some(instance) => self.guest_named(instance),
                None => None,
            };
            let index = self.fabric.enis.next_index();
            if let Some(guest) = guest {
                attached.entry(guest).or_default().push((eni.device_index.unwrap_or(u32::MAX), index, name.clone()));
            }
            let kind = self.eni_kind(name, eni, guest);
            let rows = self.row_block(index.0, &ROWS);
            let vpc = self.fabric.subnets[subnet].vpc;
            self.fabric.enis.push(Eni {
                subnet,
                vpc,
                sg_set: SgSetIx(0),
                kind,
                source_dest_check: eni.source_dest_check.unwrap_or(true),
                has_public: false,
                mirrored: false,
                rows,
                primary: None,
                v4: None,
                v6: None,
            });
            self.names.enis.push(label(name, eni.name_tag.as_ref()));
            self.names.eni_accounts.push(eni.account.as_ref().map(|account| account.value.clone()));
            self.ids.enis.insert(name.value.clone(), index);
            made.push((name, eni, index));
        }
        // Written addresses first, so that none is chosen that somebody wrote further down.
        for (name, eni, index) in &made {
            self.written_addresses(&mut taken, name, eni, *index);
        }
        for (name, nat) in self.spec.nat_gateways.clone() {
            // An exported interface of a NAT gateway lists the same addresses again.
            let listed = nat.network_interface.as_ref().and_then(|eni| interfaces.get(eni.value.as_str()));
            for public in nat.addresses.iter().filter_map(|address| address.public) {
                let again = listed.is_some_and(|eni| {
                    let secondary = eni.secondary_addresses.iter().filter_map(|a| a.public_ip);
                    eni.public_ip.and_then(|p| p.address()) == Some(public.value.into())
                        || secondary.into_iter().any(|p| p == public)
                });
                if !again {
                    self.take_public(&mut taken, public, &format!("NAT gateway `{name}`"));
                }
            }
        }
        let dual = self.dual_stack_ports();
        for (name, eni, index) in &made {
            self.chosen_addresses(&mut taken, name, eni, *index, dual.contains(&name.value));
        }
        self.nat_addresses(&mut taken);
        self.attach(attached);
        self.delegate(&made);
        self.spec.network_interfaces = interfaces;
    }

    fn eni_subnet(&mut self, name: &Spanned<String>, eni: &NetworkInterface) -> Option<SubnetIx> {
        match &eni.subnet {
            Some(subnet) => self.subnet_named(subnet),
            None => {
                self.problem(Diagnostic::error(
                    "missing-field",
                    name.span,
                    format!("network interface `{name}` has no `subnet`"),
                ));
                None
            }
        }
    }

    fn eni_kind(&mut self, name: &Spanned<String>, eni: &NetworkInterface, guest: Option<GuestIx>) -> EniKind {
        if let Some(guest) = guest {
            return EniKind::Guest(guest);
        }
        let kind = eni.interface_type.as_ref().map_or("interface", |t| t.value.as_str());
        match kind {
            // Set to the NAT gateway when those are made.
            "nat_gateway" | "interface" if !eni.requester_managed || kind == "nat_gateway" => EniKind::Detached,
            other => {
                let words = managed_kind(other, eni.description.as_deref());
                EniKind::NotModelled(self.not_modelled_row(name, eni.name_tag.as_ref(), words))
            }
        }
    }

    fn written_addresses(
        &mut self,
        taken: &mut Addresses,
        name: &Spanned<String>,
        eni: &NetworkInterface,
        index: EniIx,
    ) {
        let owner = format!("`{name}`");
        let (subnet, vpc) = (self.fabric.enis[index].subnet, self.fabric.enis[index].vpc);
        if let Some(address) = eni.address {
            let address = Spanned::new(IpAddr::V4(address.value), address.span);
            if self.take(taken, subnet, address, &owner) {
                self.own(index, address.value, true);
            }
        }
        for secondary in &eni.secondary_addresses {
            let address = Spanned::new(IpAddr::V4(secondary.address.value), secondary.address.span);
            if self.take(taken, subnet, address, &owner) {
                self.own(index, address.value, false);
                if let Some(public) = secondary.public_ip
                    && self.take_public(taken, public, &owner)
                {
                    self.fabric.vpcs[vpc].public.insert(secondary.address.value, public.value);
                    self.fabric.enis[index].has_public = true;
                }
            }
        }
        for (n, address) in eni.ipv6_addresses.iter().enumerate() {
            let address = Spanned::new(IpAddr::V6(address.value), address.span);
            if self.take(taken, subnet, address, &owner) {
                self.own(index, address.value, n == 0);
            }
        }
        for prefix in &eni.prefixes {
            self.take_prefix(taken, subnet, *prefix, &owner);
        }
        if let Some(Spanned { value: PublicIp::Address(public), span }) = eni.public_ip {
            self.take_public(taken, Spanned::new(public, span), &owner);
        }
    }

    /// The interfaces of transit gateway attachments with IPv6 support: they have addresses of both families (TGW-15).
    fn dual_stack_ports(&self) -> BTreeSet<String> {
        let dual = self.spec.transit_gateway_vpc_attachments.values().filter(|a| a.ipv6 == Some(true));
        dual.flat_map(|a| &a.network_interfaces).map(|eni| eni.value.clone()).collect()
    }

    fn chosen_addresses(
        &mut self,
        taken: &mut Addresses,
        name: &Spanned<String>,
        eni: &NetworkInterface,
        index: EniIx,
        dual: bool,
    ) {
        let e = &self.fabric.enis[index];
        let (subnet, vpc) = (e.subnet, e.vpc);
        let owner = format!("`{name}`");
        let has_v4 = self.fabric.subnets[subnet].v4.is_some();
        // An interface whose written address could not be used gets none: the mistake was reported.
        if eni.address.is_none()
            && has_v4
            && !self.lenient
            && let Some(address) = self.choose(taken, subnet, true, &owner, name.span)
        {
            self.own(index, address, true);
        }
        if eni.ipv6_addresses.is_empty()
            && (!has_v4 || (dual && self.fabric.subnets[subnet].v6.is_some()))
            && !self.lenient
            && let Some(address) = self.choose(taken, subnet, false, &owner, name.span)
        {
            self.own(index, address, true);
        }
        let Some(private) = self.fabric.enis[index].v4 else { return };
        let by_subnet = {
            let s = self.spec.subnets.get(self.names.subnets[subnet].id.as_str());
            s.is_some_and(|s| s.map_public_ip == Some(true))
        };
        let is_nat = eni.interface_type.as_ref().is_some_and(|t| t.value == "nat_gateway");
        let public = match eni.public_ip.map(|p| p.value) {
            Some(PublicIp::None) => None,
            Some(PublicIp::Address(address)) => Some(address),
            Some(PublicIp::Auto) => Some(self.choose_public(taken, &owner)),
            // ENI-8: the subnet's attribute counts for interfaces of instances.
            None if by_subnet && !is_nat && !self.lenient => Some(self.choose_public(taken, &owner)),
            None => None,
        };
        if let Some(public) = public {
            self.fabric.vpcs[vpc].public.insert(private, public);
            self.fabric.enis[index].has_public = true;
        }
    }

    /// The interface has the address.
    pub(super) fn own(&mut self, index: EniIx, address: IpAddr, primary: bool) {
        let eni = &mut self.fabric.enis[index];
        if primary {
            match address {
                IpAddr::V4(a) => eni.v4 = Some(a),
                IpAddr::V6(a) => eni.v6 = Some(a),
            }
            eni.primary = eni.v4.map(IpAddr::V4).or(eni.v6.map(IpAddr::V6));
        }
        let vpc = eni.vpc;
        self.fabric.vpcs[vpc].addresses.insert(address, index);
    }

    fn nat_addresses(&mut self, taken: &mut Addresses) {
        let nats = std::mem::take(&mut self.spec.nat_gateways);
        self.compile_nats(&nats, taken);
        self.spec.nat_gateways = nats;
    }

    fn attach(&mut self, attached: BTreeMap<GuestIx, Vec<(u32, EniIx, Spanned<String>)>>) {
        for (guest, mut enis) in attached {
            enis.sort();
            for pair in enis.windows(2) {
                if pair[0].0 == pair[1].0 && pair[0].0 != u32::MAX {
                    let message = format!("`{}` and `{}` both have device index {}", pair[0].2, pair[1].2, pair[0].0);
                    self.problem(Diagnostic::error("duplicate-device-index", pair[1].2.span, message));
                }
                // ENI-10
                let [a, b] =
                    [&pair[0], &pair[1]].map(|(_, eni, _)| self.fabric.subnets[self.fabric.enis[*eni].subnet].zone);
                if a != b {
                    let (zones, name) = (&self.names.zones, &self.names.guests[guest].id);
                    let message = format!(
                        "`{}` is in {} and `{}` in {}, and both are on instance `{name}`",
                        pair[0].2, zones[a as usize], pair[1].2, zones[b as usize]
                    );
                    let diagnostic = Diagnostic::error("instance-zones", pair[1].2.span, message);
                    self.problem(diagnostic.help("the interfaces of an instance are in one zone"));
                }
            }
            self.fabric.guests[guest].enis = enis.into_iter().map(|(_, eni, _)| eni).collect();
        }
        for guest in self.fabric.guests.indices() {
            if self.fabric.guests[guest].enis.is_empty() {
                let name = &self.names.guests[guest];
                let message = format!("instance `{}` has no network interface", name.id);
                let diagnostic = Diagnostic::error("instance-without-interface", name.span, message);
                self.problem(diagnostic.help("give it a `subnet`, or a network interface with `instance:`"));
            }
        }
    }

    fn delegate(&mut self, made: &[(&Spanned<String>, &NetworkInterface, EniIx)]) {
        let mut by_vpc: BTreeMap<crate::base::ids::VpcIx, Vec<(crate::base::Cidr, EniIx)>> = BTreeMap::new();
        for (_, eni, index) in made {
            let vpc = self.fabric.enis[*index].vpc;
            by_vpc.entry(vpc).or_default().extend(eni.prefixes.iter().map(|prefix| (prefix.value, *index)));
        }
        for (vpc, prefixes) in by_vpc {
            self.fabric.vpcs[vpc].prefixes_v4 = super::vpc::lpm(&prefixes);
            self.fabric.vpcs[vpc].prefixes_v6 = super::vpc::lpm(&prefixes);
        }
    }

    fn guests(&mut self) {
        let instances = std::mem::take(&mut self.spec.instances);
        for (name, instance) in &instances {
            let index = self.fabric.guests.push(self.guest(instance));
            if let Some(mtu) = instance.mtu
                && !(576..=9001).contains(&mtu.value)
            {
                self.problem(Diagnostic::error(
                    "mtu-range",
                    mtu.span,
                    format!("an MTU is 576 to 9001 bytes, not {mtu}"),
                ));
            }
            self.names.guests.push(label(name, instance.name_tag.as_ref()));
            self.ids.guests.insert(name.value.clone(), index);
        }
        self.spec.instances = instances;
    }

    fn guest(&self, instance: &spec::Instance) -> Guest {
        let os = instance.os.unwrap_or(GuestOs::Linux);
        let listeners = match &instance.listen {
            Some(listen) => {
                let mut listen: Vec<_> = listen.iter().map(|l| (l.protocol, l.port)).collect();
                listen.sort_unstable();
                Some(listen.into())
            }
            None if self.lenient => None,
            None => Some(Box::default()),
        };
        Guest {
            enis: Box::default(),
            running: instance.state.unwrap_or(InstanceState::Running) == InstanceState::Running,
            os,
            ephemeral: instance.ephemeral_ports.unwrap_or(match os {
                // GST-4: common kernels' values.
                GuestOs::Linux => PortRange { from: 32768, to: 60999 },
                GuestOs::Windows => PortRange { from: 49152, to: 65535 },
            }),
            listeners,
            answers_ping: instance.answers_ping.unwrap_or(true),
            forwarding: match instance.forwarding {
                Some(forwarding) => Forwarding::On { masquerade: forwarding.masquerade, stateful: forwarding.stateful },
                None if self.lenient => Forwarding::Unknown,
                None => Forwarding::Off,
            },
            bandwidth: instance.bandwidth.map_or(BANDWIDTH, |b| b.value),
            mtu: instance.mtu.map_or(GUEST_MTU, |m| m.value),
        }
    }

    pub(super) fn not_modelled(&mut self) {
        let resources = std::mem::take(&mut self.spec.not_modelled);
        for (name, resource) in &resources {
            let index = self.not_modelled_row(name, resource.name_tag.as_ref(), resource.kind.clone());
            self.ids.not_modelled.insert(name.value.clone(), index);
        }
        self.spec.not_modelled = resources;
    }

    pub(super) fn not_modelled_row(&mut self, name: &Spanned<String>, tag: Option<&String>, kind: String) -> NmIx {
        let index = self.fabric.not_modelled.next_index();
        let row = self.row(crate::verdict::Row::plain(RowKind::NotModelled, index.0));
        self.fabric.not_modelled.push(crate::fabric::NotModelled { row });
        self.names.not_modelled.push((label(name, tag), kind));
        index
    }
}

/// AWS's words for an interface that a service made.
fn managed_kind(interface_type: &str, description: Option<&str>) -> String {
    let what = match interface_type {
        "interface" => description.unwrap_or("made by an AWS service").to_owned(),
        other => other.replace('_', " "),
    };
    format!("network interface ({what})")
}

/// The private address of a NAT gateway's interface.
pub(super) fn primary_v4(eni: &Eni) -> Option<Ipv4Addr> {
    eni.v4
}
