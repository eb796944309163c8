//! Gateways, public addresses, hosts on the internet.

use super::address::Addresses;
use super::context::{Context, also, label};
use crate::base::Protocol;
use crate::base::ids::{EniIx, NatIx};
use crate::diag::Diagnostic;
use crate::fabric::{Eigw, EniKind, Igw, InternetHost, Nat, NatAddress, PublicBinding, PublicOwner};
use crate::names::Label;
use crate::spec::{self, Named, NatConnectivity, Spanned};
use crate::verdict::{Dir, Row, RowKind};
use std::net::{IpAddr, Ipv4Addr};

/// Name, addresses, TCP ports, UDP ports.
type WellKnown = (&'static str, &'static [&'static str], &'static [u16], &'static [u16]);
/// Hosts on the internet that everybody knows (INET-2): name, addresses, TCP ports, UDP ports. They answer
/// ping and are silent on other ports.
const WELL_KNOWN: [WellKnown; 2] = [
    (
        "dns.google",
        &["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"],
        &[53, 443, 853],
        &[53, 443],
    ),
    (
        "one.one.one.one",
        &["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"],
        &[53, 80, 443, 853],
        &[53, 443],
    ),
];

/// What `internet` stands for in a question: a host that takes everything (INET-4; RFC 5737, RFC 3849).
pub const ANY_HOST: (&str, [&str; 2]) = ("internet", ["192.0.2.1", "2001:db8::1"]);

const NAT_ROWS: [(RowKind, Dir); 9] = [
    (RowKind::NatTranslate, Dir::In),
    (RowKind::NatProtocol, Dir::In),
    (RowKind::NatFragment, Dir::In),
    (RowKind::NatUnsolicited, Dir::In),
    (RowKind::NatPorts, Dir::In),
    (RowKind::NatIdle, Dir::In),
    (RowKind::MtuNat, Dir::In),
    (RowKind::TtlNat, Dir::In),
    (RowKind::NatNoGateway, Dir::In),
];

impl Context {
    pub(super) fn internet_gateways(&mut self) {
        let igws = std::mem::take(&mut self.spec.internet_gateways);
        for (name, igw) in &igws {
            let index = self.fabric.igws.next_index();
            let vpc = igw.vpc.as_ref().and_then(|vpc| self.vpc_named(vpc));
            if let (Some(vpc), Some(written)) = (vpc, &igw.vpc) {
                // IGW-1.
                if let Some(other) = self.fabric.vpcs[vpc].igw {
                    let other = self.names.igws[other].clone();
                    let message = format!("vpc `{written}` has an internet gateway already: `{}`", other.id);
                    self.problem(also(
                        Diagnostic::error("second-gateway", written.span, message),
                        other.span,
                        "the other one",
                    ));
                } else {
                    self.fabric.vpcs[vpc].igw = Some(index);
                }
            }
            let mut row = |kind, dir| self.row(Row { kind, dir, owner: index.0 });
            let igw_rows = Igw {
                vpc,
                edge: None,
                translate: row(RowKind::IgwTranslate, Dir::Out),
                no_public_address: row(RowKind::IgwNoPublicAddress, Dir::Out),
                private_destination: row(RowKind::IgwPrivateDestination, Dir::Out),
                shared_destination: row(RowKind::IgwSharedDestination, Dir::Out),
                edge_target: row(RowKind::EdgeTarget, Dir::In),
                private_source: row(RowKind::IgwPrivateSource, Dir::In),
                mtu: row(RowKind::MtuIgw, Dir::Out),
            };
            self.fabric.igws.push(igw_rows);
            self.names.igws.push(label(name, igw.name_tag.as_ref()));
            self.ids.igws.insert(name.value.clone(), index);
        }
        self.spec.internet_gateways = igws;
        self.egress_only_gateways();
    }

    fn egress_only_gateways(&mut self) {
        let eigws = std::mem::take(&mut self.spec.egress_only_internet_gateways);
        for (name, eigw) in &eigws {
            let index = self.fabric.eigws.next_index();
            let vpc = eigw.vpc.as_ref().and_then(|vpc| self.vpc_named(vpc));
            if let (Some(vpc), Some(written)) = (vpc, &eigw.vpc) {
                // EIGW-7.
                if self.fabric.vpcs[vpc].eigw.is_some() {
                    let message = format!("vpc `{written}` has an egress-only internet gateway already");
                    self.problem(Diagnostic::error("second-gateway", written.span, message));
                } else {
                    self.fabric.vpcs[vpc].eigw = Some(index);
                }
            }
            let pass = self.row(Row { kind: RowKind::EigwPass, dir: Dir::Out, owner: index.0 });
            let unsolicited = self.row(Row { kind: RowKind::EigwUnsolicited, dir: Dir::In, owner: index.0 });
            self.fabric.eigws.push(Eigw { vpc, pass, unsolicited });
            self.names.eigws.push(label(name, eigw.name_tag.as_ref()));
            self.ids.eigws.insert(name.value.clone(), index);
        }
        self.spec.egress_only_internet_gateways = eigws;
    }

    /// NAT gateways, while addresses are being given out.
    pub(super) fn compile_nats(&mut self, nats: &Named<spec::NatGateway>, taken: &mut Addresses) {
        for (name, nat) in nats {
            let index = self.fabric.nats.next_index();
            let Some(compiled) = self.nat(name, nat, index, taken) else { continue };
            self.fabric.nats.push(compiled);
            self.names.nats.push(label(name, nat.name_tag.as_ref()));
            self.ids.nats.insert(name.value.clone(), index);
        }
    }

    fn nat(
        &mut self,
        name: &Spanned<String>,
        nat: &spec::NatGateway,
        index: NatIx,
        taken: &mut Addresses,
    ) -> Option<Nat> {
        let public = nat.connectivity.unwrap_or(NatConnectivity::Public) == NatConnectivity::Public;
        let (vpc, subnet, eni) = match (&nat.subnet, &nat.vpc) {
            (Some(subnet), _) => {
                let subnet = self.subnet_named(subnet)?;
                let eni = nat.network_interface.as_ref().and_then(|eni| self.ids.enis.get(eni.value.as_str()).copied());
                let Some(eni) = eni else {
                    // The interface is missing from the export, or its subnet was refused.
                    self.problem(Diagnostic::error(
                        "nat-without-interface",
                        name.span,
                        format!("NAT gateway `{name}` has no network interface"),
                    ));
                    return None;
                };
                (self.fabric.subnets[subnet].vpc, Some(subnet), Some(eni))
            }
            (None, Some(vpc)) => (self.vpc_named(vpc)?, None, None),
            (None, None) => {
                let message = format!("NAT gateway `{name}` has neither `subnet` nor `vpc`");
                self.problem(
                    Diagnostic::error("missing-field", name.span, message)
                        .help("`subnet` makes it zonal, `vpc` regional"),
                );
                return None;
            }
        };
        if eni.is_none() && !public {
            self.problem(Diagnostic::error(
                "nat-kind",
                name.span,
                format!("NAT gateway `{name}` is regional, and so must be public"),
            ));
        }
        // NAT-14.
        if nat.addresses.len() > 8 && eni.is_some() {
            self.problem(Diagnostic::error(
                "nat-addresses",
                name.span,
                format!("NAT gateway `{name}` has {} addresses, AWS allows 8", nat.addresses.len()),
            ));
        }
        let addresses = match eni {
            Some(eni) => self.zonal_addresses(name, nat, eni, public, taken),
            None => self.regional_addresses(name, nat, vpc, index, taken),
        };
        if let Some(eni) = eni {
            self.fabric.enis[eni].kind = EniKind::Nat(index);
            // NAT-2: it forwards, so there is no check.
            self.fabric.enis[eni].source_dest_check = false;
        }
        let rows = self.row_block(index.0, &NAT_ROWS);
        Some(Nat { vpc, subnet, eni, public, addresses: addresses.into(), rows })
    }

    fn zonal_addresses(
        &mut self,
        name: &Spanned<String>,
        nat: &spec::NatGateway,
        eni: EniIx,
        public: bool,
        taken: &mut Addresses,
    ) -> Vec<NatAddress> {
        let owner = format!("NAT gateway `{name}`");
        let (subnet, vpc) = (self.fabric.enis[eni].subnet, self.fabric.enis[eni].vpc);
        let one = [Spanned::from(spec::NatAddress::default())];
        let written = if nat.addresses.is_empty() { &one[..] } else { &nat.addresses };
        let mut out = Vec::new();
        for (n, address) in written.iter().enumerate() {
            let own: Option<Ipv4Addr> = if n == 0 {
                super::eni::primary_v4(&self.fabric.enis[eni])
            } else {
                match address.private {
                    Some(private) => {
                        let value = Spanned::new(IpAddr::V4(private.value), private.span);
                        // An imported interface lists its secondary addresses itself.
                        let known = self.fabric.vpcs[vpc].addresses.get(&value.value) == Some(&eni);
                        (known || self.take(taken, subnet, value, &owner)).then_some(private.value)
                    }
                    None => match self.choose(taken, subnet, true, &owner, name.span) {
                        Some(IpAddr::V4(a)) => Some(a),
                        _ => None,
                    },
                }
            };
            let Some(own) = own else { continue };
            self.own(eni, own.into(), n == 0);
            let public_address = match address.public {
                Some(public) => Some(public.value),
                None if public && !self.lenient => Some(self.choose_public(taken, &owner)),
                None => None,
            };
            match public_address {
                Some(address) if public => {
                    self.fabric.vpcs[vpc].public.insert(own, address);
                }
                Some(_) => self.problem(Diagnostic::error(
                    "nat-kind",
                    name.span,
                    format!("{owner} is private, and has a public address"),
                )),
                None => {}
            }
            out.push(NatAddress { own, public: public_address });
        }
        out
    }

    fn regional_addresses(
        &mut self,
        name: &Spanned<String>,
        nat: &spec::NatGateway,
        vpc: crate::base::ids::VpcIx,
        index: NatIx,
        taken: &mut Addresses,
    ) -> Vec<NatAddress> {
        let mut public: Vec<Ipv4Addr> = nat.addresses.iter().filter_map(|a| a.public).map(|a| a.value).collect();
        if public.is_empty() {
            public.push(self.choose_public(taken, &format!("NAT gateway `{name}`")));
        }
        for address in &public {
            self.fabric.public_v4.insert(*address, PublicBinding { vpc, owner: PublicOwner::RegionalNat(index) });
        }
        public.into_iter().map(|address| NatAddress { own: address, public: Some(address) }).collect()
    }

    pub(super) fn nat_gateways(&mut self) {
        // Made with the interfaces; what remains is to index every public address.
        for vpc in self.fabric.vpcs.indices() {
            let public = &self.fabric.vpcs[vpc].public;
            let mut bindings: Vec<(Ipv4Addr, Ipv4Addr)> =
                public.iter().map(|(private, public)| (*private, *public)).collect();
            bindings.sort_unstable();
            for (private, public) in bindings {
                if let Some(eni) = self.fabric.eni_with(vpc, private.into()) {
                    self.fabric
                        .public_v4
                        .insert(public, PublicBinding { vpc, owner: PublicOwner::Eni { eni, private } });
                }
            }
        }
    }

    pub(super) fn internet(&mut self) {
        self.fabric.internet_unknown = self.row(Row::plain(RowKind::InternetUnknown, 0));
        self.fabric.no_mapping = self.row(Row::plain(RowKind::IgwNoMapping, 0));
        let hosts = std::mem::take(&mut self.spec.internet_hosts);
        for (name, host) in &hosts {
            let mut listeners: Vec<_> = host.listen.iter().map(|l| (l.protocol, l.port)).collect();
            listeners.sort_unstable();
            for address in &host.addresses {
                if self.fabric.vpcs.iter().any(|vpc| vpc.contains(address.value)) {
                    let message = format!("`{address}` of internet host `{name}` is inside a VPC");
                    self.problem(Diagnostic::error("address-taken", address.span, message));
                }
            }
            let label = label(name, None);
            let addresses = host.addresses.iter().map(|a| a.value).collect();
            let compiled = InternetHost {
                addresses,
                listeners: listeners.into(),
                takes_everything: false,
                answers_ping: host.answers_ping.unwrap_or(true),
                refuses: true,
                latency: host.latency,
                mtu: host.mtu.map_or(1500, |m| m.value),
                ..self.internet_host_rows()
            };
            self.internet_host(label, compiled);
        }
        self.spec.internet_hosts = hosts;
        for (name, addresses, tcp, udp) in WELL_KNOWN {
            let mut listeners: Vec<_> =
                tcp.iter().map(|p| (Protocol::TCP, *p)).chain(udp.iter().map(|p| (Protocol::UDP, *p))).collect();
            listeners.sort_unstable();
            let addresses = addresses.iter().map(|a| a.parse().expect("an address")).collect();
            let compiled =
                InternetHost { addresses, listeners: listeners.into(), refuses: false, ..self.internet_host_rows() };
            self.internet_host(Label { id: name.to_owned(), ..Label::default() }, compiled);
        }
        let addresses = ANY_HOST.1.iter().map(|a| a.parse().expect("an address")).collect();
        let any = InternetHost { addresses, takes_everything: true, ..self.internet_host_rows() };
        self.internet_host(Label { id: ANY_HOST.0.to_owned(), ..Label::default() }, any);
    }

    pub(super) fn internet_host_rows(&mut self) -> InternetHost {
        let owner = self.fabric.internet_hosts.next_index().0;
        InternetHost {
            router: None,
            client: None,
            addresses: Box::default(),
            listeners: Box::default(),
            takes_everything: false,
            anywhere: false,
            answers_ping: true,
            refuses: true,
            latency: None,
            mtu: 1500,
            open: self.row(Row::plain(RowKind::InternetOpen, owner)),
            closed: self.row(Row::plain(RowKind::InternetClosed, owner)),
            silent: self.row(Row::plain(RowKind::InternetSilent, owner)),
        }
    }

    pub(super) fn internet_host(&mut self, label: Label, host: InternetHost) -> crate::base::ids::InetIx {
        let index = self.fabric.internet_hosts.next_index();
        for address in host.addresses.iter().filter(|_| host.router.is_none() && host.client.is_none()) {
            self.fabric.internet_by_address.entry(*address).or_insert(index);
        }
        self.names.internet_hosts.push(label);
        self.fabric.internet_hosts.push(host)
    }
}
