//! VPC endpoints, the services behind them, and endpoint services.

use super::context::{Context, label};
use crate::base::Protocol;
use crate::base::ids::{EniIx, InetIx, SubnetIx, SvcIx, VpcIx, VpceIx};
use crate::base::rng::salt;
use crate::diag::Diagnostic;
use crate::fabric::{EniKind, InternetHost, Service, ServiceListener, Vpce, VpceService};
use crate::names::Label;
use crate::spec::{self, EndpointType, Spanned};
use crate::verdict::{Dir, Row, RowKind};
use std::collections::BTreeMap;

/// Implied rows of an endpoint, in the order of `VpceRow`.
const ROWS: [(RowKind, Dir); 8] = [
    (RowKind::VpcePass, Dir::In),
    (RowKind::VpceState, Dir::In),
    (RowKind::VpceProtocol, Dir::In),
    (RowKind::VpceFromOutside, Dir::In),
    (RowKind::VpceSilent, Dir::In),
    (RowKind::VpceUnknown, Dir::In),
    (RowKind::VpceNoAz, Dir::In),
    (RowKind::MtuVpce, Dir::In),
];
/// Services with a prefix list and a gateway endpoint, and the TCP ports that answer (VPCE-4; ping is measured for S3,
/// assumed for DynamoDB).
const BY_PREFIX_LIST: [(&str, &[u16]); 2] = [("s3", &[80, 443]), ("dynamodb", &[80, 443])];
/// TCP ports that a service of AWS's answers on behind an interface endpoint (VPCE-7, assumed).
const BY_INTERFACE: [u16; 1] = [443];

/// The Region of a service whose prefix list has such a name (`com.amazonaws.us-east-1.s3`), and the TCP ports that answer.
pub(super) fn service_of_list(service: &str) -> Option<(&str, &'static [u16])> {
    let (region, short) = service.strip_prefix("com.amazonaws.")?.split_once('.')?;
    BY_PREFIX_LIST.iter().find(|(name, _)| *name == short).map(|(_, ports)| (region, *ports))
}

impl Context {
    /// Services of AWS's by prefix list, endpoint services, endpoints.
    pub(super) fn endpoints(&mut self) {
        let by_list = self.services_by_prefix_list();
        self.endpoint_services();
        let endpoints = std::mem::take(&mut self.spec.vpc_endpoints);
        for (name, endpoint) in &endpoints {
            let Some(vpc) = self.vpc_named(&endpoint.vpc) else { continue };
            let index = self.fabric.vpces.next_index();
            let service = match endpoint.kind {
                EndpointType::Gateway => self.gateway_endpoint(name, endpoint, &by_list),
                EndpointType::Interface => self.interface_endpoint(name, endpoint, vpc, index),
            };
            let rows = self.row_block(index.0, &ROWS);
            let (available, restrictive_policy) = (!endpoint.unavailable, endpoint.restrictive_policy);
            let own = self.fabric.enis.iter_enumerated().filter(|(_, eni)| eni.kind == EniKind::Vpce(index));
            let zone = |eni: &crate::fabric::Eni| self.fabric.subnets[eni.subnet].zone;
            let down = match self.failed_zones.is_empty() {
                true => Box::default(),
                false => own.filter(|(_, eni)| self.has_failed(zone(eni))).map(|(eni, _)| eni).collect(),
            };
            self.fabric.vpces.push(Vpce { vpc, available, restrictive_policy, down, service, rows });
            self.names.vpces.push(label(name, endpoint.name_tag.as_ref()));
            self.ids.vpces.insert(name.value.clone(), index);
        }
        self.spec.vpc_endpoints = endpoints;
    }

    /// Hosts that answer at every address of a service's prefix list.
    fn services_by_prefix_list(&mut self) -> BTreeMap<String, InetIx> {
        let mut hosts = BTreeMap::new();
        let mut ranges = Vec::new();
        for (name, list) in self.spec.prefix_lists.clone() {
            let service = list.name_tag.as_deref().unwrap_or(&name.value);
            let Some((_, ports)) = service_of_list(service) else { continue };
            let addresses = list.entries.iter().find(|e| e.is_v4()).and_then(|e| e.nth(1)).into_iter().collect();
            let host = self.aws_service(service, ports, addresses, true);
            ranges.extend(list.entries.iter().map(|entry| (entry.value, host)));
            hosts.insert(name.value.clone(), host);
        }
        self.fabric.aws_services = super::vpc::lpm(&ranges);
        hosts
    }

    fn aws_service(&mut self, name: &str, ports: &[u16], addresses: Box<[std::net::IpAddr]>, ping: bool) -> InetIx {
        let listeners = ports.iter().map(|port| (Protocol::TCP, *port)).collect();
        let host = InternetHost {
            addresses,
            listeners,
            answers_ping: ping,
            refuses: false,
            anywhere: true,
            ..self.internet_host_rows()
        };
        self.internet_host(Label { id: name.to_owned(), ..Label::default() }, host)
    }

    fn gateway_endpoint(
        &mut self,
        name: &Spanned<String>,
        endpoint: &spec::VpcEndpoint,
        by_list: &BTreeMap<String, InetIx>,
    ) -> VpceService {
        for (written, field) in [(&endpoint.subnets, "subnets"), (&endpoint.network_interfaces, "network_interfaces")] {
            if let Some(first) = written.first() {
                let message = format!("gateway endpoint `{name}` has no `{field}`");
                self.problem(
                    Diagnostic::error("conflicting-fields", first.span, message)
                        .help("a gateway endpoint is a route target: it has `route_tables`"),
                );
            }
        }
        match self.prefix_list_of(name, endpoint) {
            Some(list) => by_list.get(&list).map_or(VpceService::Unknown, |host| VpceService::Aws(*host)),
            None => VpceService::Unknown,
        }
    }

    /// The name of a gateway endpoint's prefix list.
    pub(super) fn prefix_list_of(&mut self, name: &Spanned<String>, endpoint: &spec::VpcEndpoint) -> Option<String> {
        if let Some(written) = &endpoint.prefix_list {
            if self.ids.prefix_lists.contains_key(written.value.as_str()) {
                return Some(written.value.clone());
            }
            let known: Vec<String> = self.ids.prefix_lists.keys().cloned().collect();
            self.unknown(written, "prefix list", &known.iter().map(String::as_str).collect::<Vec<_>>());
            return None;
        }
        let service = endpoint.service.value.as_str();
        let mut lists = self.spec.prefix_lists.iter();
        let found = lists.find(|(list, body)| list.value == service || body.name_tag.as_deref() == Some(service));
        if let Some((list, _)) = found {
            return Some(list.value.clone());
        }
        let message = format!("gateway endpoint `{name}` needs the prefix list of `{service}`");
        self.problem(
            Diagnostic::error("missing-prefix-list", endpoint.service.span, message)
                .help(format!("add a prefix list with `name_tag: {service}`, or name one with `prefix_list:`")),
        );
        None
    }

    fn interface_endpoint(
        &mut self,
        name: &Spanned<String>,
        endpoint: &spec::VpcEndpoint,
        vpc: VpcIx,
        index: VpceIx,
    ) -> VpceService {
        if let Some(table) = endpoint.route_tables.first() {
            let message = format!("interface endpoint `{name}` is no route target");
            self.problem(
                Diagnostic::error("conflicting-fields", table.span, message)
                    .help("it has `subnets`, and is reached by the addresses of its network interfaces"),
            );
        }
        let subnets = self.zonal_subnets(name, &endpoint.subnets, Some(vpc));
        for (_, eni) in self.managed(&endpoint.network_interfaces, &subnets) {
            self.fabric.enis[eni].kind = EniKind::Vpce(index);
        }
        let service = endpoint.service.value.as_str();
        if let Some(found) = self.ids.services.get(service) {
            return VpceService::Provider(*found);
        }
        let body = &self.spec.vpcs[endpoint.vpc.as_str()];
        let dns = body.enable_dns_hostnames == Some(true) && body.enable_dns_support != Some(false);
        if endpoint.private_dns == Some(true) && !dns {
            // VPCE-6.
            let message = format!("private DNS of `{name}` needs both DNS attributes of `{}`", endpoint.vpc);
            self.problem(
                Diagnostic::error("private-dns", name.span, message)
                    .help("set `enable_dns_hostnames: true` and leave `enable_dns_support` on"),
            );
        }
        match service.strip_prefix("com.amazonaws.") {
            Some(rest) if !rest.starts_with("vpce.") => {
                let known = self
                    .names
                    .internet_hosts
                    .iter_enumerated()
                    .find(|(_, label)| label.id == format!("{service} (interface)"));
                let host = known.map(|(index, _)| index);
                let host = host.unwrap_or_else(|| {
                    self.aws_service(&format!("{service} (interface)"), &BY_INTERFACE, Box::default(), false)
                });
                VpceService::Aws(host)
            }
            Some(_) => VpceService::Unknown,
            None if self.lenient => VpceService::Unknown,
            None => {
                let known: Vec<String> = self.ids.services.keys().cloned().collect();
                self.unknown(
                    &endpoint.service,
                    "endpoint service",
                    &known.iter().map(String::as_str).collect::<Vec<_>>(),
                );
                VpceService::Unknown
            }
        }
    }

    /// VPCE-5, CVPN-9: subnets in different zones, of one VPC.
    pub(super) fn zonal_subnets(
        &mut self,
        name: &str,
        written: &[Spanned<String>],
        vpc: Option<VpcIx>,
    ) -> Vec<SubnetIx> {
        let mut out: Vec<SubnetIx> = Vec::new();
        for w in written {
            let Some(subnet) = self.subnet_named(w) else { continue };
            let s = &self.fabric.subnets[subnet];
            let first = vpc.or(out.first().map(|first| self.fabric.subnets[*first].vpc));
            if first.is_some_and(|first| first != s.vpc) {
                self.problem(Diagnostic::error(
                    "other-vpc",
                    w.span,
                    format!("subnet `{w}` of `{name}` is in another VPC"),
                ));
                continue;
            }
            if out.iter().any(|other| self.fabric.subnets[*other].zone == s.zone) {
                let message = format!("`{name}` has two subnets in zone {}", self.names.zones[s.zone as usize]);
                self.problem(Diagnostic::error("second-subnet-in-zone", w.span, message));
                continue;
            }
            out.push(subnet);
        }
        out
    }

    pub(super) fn has_failed(&self, zone: u32) -> bool {
        self.failed_zones.contains(&self.names.zones[zone as usize])
    }

    /// The interfaces that AWS made, by zone.
    pub(super) fn managed(&self, listed: &[Spanned<String>], subnets: &[SubnetIx]) -> Vec<(u32, EniIx)> {
        let known = listed.iter().filter_map(|eni| self.ids.enis.get(eni.value.as_str()).copied());
        let found = known.filter(|eni| subnets.is_empty() || subnets.contains(&self.fabric.enis[*eni].subnet));
        found.map(|eni| (self.fabric.subnets[self.fabric.enis[eni].subnet].zone, eni)).collect()
    }

    fn endpoint_services(&mut self) {
        let services = std::mem::take(&mut self.spec.vpc_endpoint_services);
        for (name, service) in &services {
            let index = self.fabric.services.next_index();
            let subnets = self.zonal_subnets(name, &service.subnets, None);
            let nodes = self.managed(&service.network_interfaces, &subnets);
            for (_, eni) in &nodes {
                self.fabric.enis[*eni].kind = EniKind::Node(index);
                self.fabric.enis[*eni].source_dest_check = false;
            }
            // A node in a zone that has failed is not there.
            let nodes: Vec<(u32, EniIx)> = nodes.into_iter().filter(|(zone, _)| !self.has_failed(*zone)).collect();
            let vpc = subnets.first().map(|subnet| self.fabric.subnets[*subnet].vpc);
            let listeners = service.listeners.iter().map(|l| self.listener(l, vpc, index)).collect();
            let target = self.row(Row::plain(RowKind::VpceTarget, index.0));
            let no_target = self.row(Row::plain(RowKind::VpceNoTarget, index.0));
            let cross_zone = service.cross_zone.unwrap_or(false);
            self.fabric.services.push(Service { nodes: nodes.into(), listeners, cross_zone, target, no_target });
            self.names.services.push(label(name, service.name_tag.as_ref()));
            self.ids.services.insert(name.value.clone(), index);
        }
        self.spec.vpc_endpoint_services = services;
    }

    fn listener(&mut self, listener: &Spanned<spec::ServiceListener>, vpc: Option<VpcIx>, _: SvcIx) -> ServiceListener {
        let mut targets = Vec::new();
        for name in &listener.targets {
            let Some(eni) = self.eni_or_instance(name) else { continue };
            if vpc.is_some_and(|vpc| vpc != self.fabric.enis[eni].vpc) {
                let message = format!("target `{name}` is in another VPC than the load balancer");
                self.problem(Diagnostic::error("other-vpc", name.span, message));
                continue;
            }
            targets.push((eni, salt(&self.names.enis[eni].id)));
        }
        let spec::Listener { protocol, port } = listener.listen;
        ServiceListener { protocol, port, target_port: listener.target_port.unwrap_or(port), targets: targets.into() }
    }
}
