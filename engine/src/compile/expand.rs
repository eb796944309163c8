//! AWS's defaults, made explicit: default VPCs, main route tables, default ACLs and groups, the
//! interfaces of instances and NAT gateways. The result is a topology in which nothing is implied but rows.

use crate::base::Cidr;
use crate::base::port::ProtocolMatch;
use crate::diag::{Diagnostic, Span};
use crate::spec::{
    AclAction, AclRule, EndpointType, InternetGateway, NetworkAcl, NetworkInterface, Peer, PublicIp, Route, RouteTable,
    SecurityGroup, SgRule, Spanned, Spec, Subnet, TransitGatewayRouteTable,
};
use std::collections::BTreeSet;

/// The Region of a topology that names none.
pub const DEFAULT_REGION: &str = "us-east-1";
/// The account of a topology that names none.
pub const DEFAULT_ACCOUNT: &str = "111122223333";

/// Fills in what AWS would make (VPC-6, RTB-1, ACL-8, SG-10).
#[must_use]
pub fn expand(spec: &Spec, diagnostics: &mut Vec<Diagnostic>) -> Spec {
    let mut full = spec.clone();
    default_vpcs(&mut full);
    defaults(&mut full);
    fill_default_bodies(&mut full);
    instances(&mut full, diagnostics);
    nat_gateways(&mut full);
    attachments(&mut full);
    endpoints(&mut full);
    client_vpn_endpoints(&mut full);
    tgw_tables(&mut full);
    full
}

fn default_vpcs(full: &mut Spec) {
    let names: Vec<_> = full.vpcs.iter().filter(|(_, vpc)| vpc.default).map(|(name, _)| name.clone()).collect();
    for name in names {
        let has_subnets = full.subnets.values().any(|subnet| subnet.vpc == name);
        let vpc = full.vpcs.get_mut(&name).expect("just listed");
        vpc.enable_dns_hostnames.get_or_insert(true);
        let block = vpc.cidr.get_or_insert_with(|| "172.31.0.0/16".parse::<Cidr>().expect("a block").into()).value;
        if has_subnets || block.len() > 18 {
            continue;
        }
        for (n, zone) in ["a", "b", "c"].into_iter().enumerate() {
            let base = block.nth((n as u64) << 12).expect("a /18 holds three /20");
            let subnet = Subnet {
                vpc: name.clone(),
                az: Spanned::new(zone.to_owned(), name.span),
                az_id: None,
                cidr: Cidr::new(base, 20).map(Spanned::from),
                ipv6_cidr: None,
                route_table: None,
                network_acl: None,
                map_public_ip: Some(true),
                dns64: None,
                name_tag: None,
                tags: crate::spec::Tags::default(),
            };
            full.subnets.insert(made(&name, &format!("default-{zone}")), subnet);
        }
        let igw = made(&name, "igw");
        full.internet_gateways.insert(igw.clone(), InternetGateway { vpc: Some(name.clone()), name_tag: None });
        let has_main = full.route_tables.values().any(|table| table.vpc == name && table.main);
        if !has_main {
            let to = Spanned::new("0.0.0.0/0".to_owned(), name.span);
            let route = Route { to, via: igw, state: None, origin: None };
            let table = RouteTable {
                vpc: name.clone(),
                main: true,
                gateway: None,
                propagating_vpn_gateways: Vec::new(),
                routes: vec![route.into()],
                name_tag: None,
            };
            full.route_tables.insert(made(&name, "main"), table);
        }
    }
}

/// A name that AWS would have made: `shop/main`.
fn made(vpc: &Spanned<String>, what: &str) -> Spanned<String> {
    Spanned::new(format!("{vpc}/{what}"), vpc.span)
}

/// Every VPC has a main table, a default ACL and a default group.
fn defaults(full: &mut Spec) {
    let vpcs: Vec<Spanned<String>> = full.vpcs.keys().cloned().collect();
    let main: BTreeSet<String> = full.route_tables.values().filter(|t| t.main).map(|t| t.vpc.value.clone()).collect();
    let acls: BTreeSet<String> =
        full.network_acls.values().filter(|acl| acl.default).map(|acl| acl.vpc.value.clone()).collect();
    let groups: BTreeSet<String> =
        full.security_groups.values().filter(|sg| sg.default).map(|sg| sg.vpc.value.clone()).collect();
    for vpc in vpcs {
        if !main.contains(&vpc.value) {
            let table = RouteTable {
                vpc: vpc.clone(),
                main: true,
                gateway: None,
                propagating_vpn_gateways: Vec::new(),
                routes: Vec::new(),
                name_tag: None,
            };
            full.route_tables.insert(made(&vpc, "main"), table);
        }
        if !acls.contains(&vpc.value) {
            let acl = NetworkAcl { vpc: vpc.clone(), default: true, inbound: None, outbound: None, name_tag: None };
            full.network_acls.insert(made(&vpc, "default-acl"), acl);
        }
        if !groups.contains(&vpc.value) {
            let sg = SecurityGroup {
                vpc: vpc.clone(),
                default: true,
                inbound: None,
                outbound: None,
                description: None,
                account: None,
                name_tag: None,
            };
            full.security_groups.insert(made(&vpc, "default-sg"), sg);
        }
    }
}

/// The rules that AWS writes into default ACLs, default groups and new groups (ACL-8, SG-2, SG-10).
fn fill_default_bodies(full: &mut Spec) {
    let has_ipv6 = |vpc: &str| full.vpcs.get(vpc).map(|v| !v.ipv6_cidrs.is_empty());
    for acl in full.network_acls.values_mut() {
        let Some(ipv6) = has_ipv6(&acl.vpc) else { continue };
        for (dir_in, rows) in [(true, &mut acl.inbound), (false, &mut acl.outbound)] {
            if rows.is_none() {
                *rows = Some(if acl.default { allow_all_rows(dir_in, ipv6) } else { Vec::new() });
            }
        }
    }
    for (name, sg) in &mut full.security_groups {
        let Some(ipv6) = has_ipv6(&sg.vpc) else { continue };
        if sg.inbound.is_none() {
            let itself = Peer::Name(name.value.clone());
            sg.inbound = Some(if sg.default { vec![rule(Some(itself), None)] } else { Vec::new() });
        }
        if sg.outbound.is_none() {
            let mut rules = vec![rule(None, Some(Peer::Cidr(Cidr::ALL_V4)))];
            if ipv6 {
                rules.push(rule(None, Some(Peer::Cidr(Cidr::ALL_V6))));
            }
            sg.outbound = Some(rules);
        }
    }
}

fn allow_all_rows(inbound: bool, ipv6: bool) -> Vec<Spanned<AclRule>> {
    let row = |number: u32, block: Cidr| {
        let block = Some(Spanned::from(block));
        let (from, to) = if inbound { (block, None) } else { (None, block) };
        Spanned::from(AclRule {
            rule: number.into(),
            action: AclAction::Allow,
            protocol: Some(ProtocolMatch::All),
            ports: None,
            icmp_type: None,
            icmp_code: None,
            from,
            to,
        })
    };
    let mut rows = vec![row(100, Cidr::ALL_V4)];
    if ipv6 {
        rows.push(row(101, Cidr::ALL_V6));
    }
    rows
}

fn rule(from: Option<Peer>, to: Option<Peer>) -> Spanned<SgRule> {
    Spanned::from(SgRule {
        protocol: Some(ProtocolMatch::All),
        ports: None,
        icmp_type: None,
        icmp_code: None,
        from: from.map(Spanned::from),
        to: to.map(Spanned::from),
        id: None,
        description: None,
    })
}

/// An instance's primary interface, written inside it, becomes an interface of the same name.
fn instances(full: &mut Spec, diagnostics: &mut Vec<Diagnostic>) {
    let inside: Vec<_> = full
        .instances
        .iter_mut()
        .filter_map(|(name, instance)| instance.primary.take().map(|eni| (name.clone(), eni)))
        .collect();
    for (name, mut eni) in inside {
        if let Some((other, _)) = full.network_interfaces.get_key_value(name.value.as_str()) {
            let message =
                format!("the interface of instance `{name}` needs its name, but a network interface has it too");
            diagnostics.push(
                Diagnostic::error("duplicate-name", other.span, message)
                    .note(name.span, "the instance")
                    .help("rename the network interface"),
            );
            continue;
        }
        eni.instance = Some(name.clone());
        eni.device_index.get_or_insert(0);
        full.network_interfaces.insert(name, eni);
    }
}

/// A zonal NAT gateway without a listed interface gets one of its own name.
fn nat_gateways(full: &mut Spec) {
    for (name, nat) in &mut full.nat_gateways {
        let Some(subnet) = nat.subnet.clone() else { continue };
        if nat.network_interface.is_some() {
            continue;
        }
        let eni = NetworkInterface {
            subnet: Some(subnet),
            address: nat.addresses.first().and_then(|a| a.private),
            interface_type: Some(Spanned::new("nat_gateway".to_owned(), Span::NONE)),
            requester_managed: true,
            security_groups: Some(Vec::new()),
            ..NetworkInterface::default()
        };
        let mut made = name.clone();
        while full.network_interfaces.contains_key(&made) {
            made.value.push_str("/eni");
        }
        nat.network_interface = Some(made.clone());
        full.network_interfaces.insert(made, eni);
    }
}

/// An interface that AWS makes for a resource in a subnet, called `resource/subnet`.
fn managed(
    full: &mut Spec,
    of: &Spanned<String>,
    subnet: &Spanned<String>,
    kind: &str,
    groups: Option<Vec<Spanned<String>>>,
) -> Spanned<String> {
    let eni = NetworkInterface {
        subnet: Some(subnet.clone()),
        interface_type: Some(Spanned::new(kind.to_owned(), Span::NONE)),
        requester_managed: true,
        public_ip: Some(Spanned::new(PublicIp::None, Span::NONE)),
        security_groups: groups,
        ..NetworkInterface::default()
    };
    let mut name = made(of, subnet);
    while full.network_interfaces.contains_key(&name) {
        name.value.push_str("/eni");
    }
    full.network_interfaces.insert(name.clone(), eni);
    name
}

/// The subnets for which no listed interface is there.
fn without_interface(full: &Spec, subnets: &[Spanned<String>], listed: &[Spanned<String>]) -> Vec<Spanned<String>> {
    let has = |subnet: &Spanned<String>| {
        let mut enis = listed.iter().filter_map(|name| full.network_interfaces.get(name.value.as_str()));
        enis.any(|eni| eni.subnet.as_ref() == Some(subnet))
    };
    subnets.iter().filter(|subnet| !has(subnet)).cloned().collect()
}

/// TGW-4: an attachment has an interface in each of its subnets, without a group.
fn attachments(full: &mut Spec) {
    for name in full.transit_gateway_vpc_attachments.keys().cloned().collect::<Vec<_>>() {
        let body = &full.transit_gateway_vpc_attachments[&name];
        for subnet in without_interface(full, &body.subnets.clone(), &body.network_interfaces.clone()) {
            let eni = managed(full, &name, &subnet, "transit_gateway", Some(Vec::new()));
            full.transit_gateway_vpc_attachments.get_mut(&name).expect("listed above").network_interfaces.push(eni);
        }
    }
}

/// VPCE-5: so has an interface endpoint, with its groups; and a load balancer behind an endpoint service.
fn endpoints(full: &mut Spec) {
    for name in full.vpc_endpoints.keys().cloned().collect::<Vec<_>>() {
        let body = &full.vpc_endpoints[&name];
        if body.kind == EndpointType::Gateway {
            continue;
        }
        let groups = body.security_groups.clone();
        for subnet in without_interface(full, &body.subnets.clone(), &body.network_interfaces.clone()) {
            let eni = managed(full, &name, &subnet, "vpc_endpoint", groups.clone());
            full.vpc_endpoints.get_mut(&name).expect("listed above").network_interfaces.push(eni);
        }
    }
    for name in full.vpc_endpoint_services.keys().cloned().collect::<Vec<_>>() {
        let body = &full.vpc_endpoint_services[&name];
        let groups = body.security_groups.clone().unwrap_or_default();
        for subnet in without_interface(full, &body.subnets.clone(), &body.network_interfaces.clone()) {
            let eni = managed(full, &name, &subnet, "network_load_balancer", Some(groups.clone()));
            full.vpc_endpoint_services.get_mut(&name).expect("listed above").network_interfaces.push(eni);
        }
    }
}

/// CVPN-1, CVPN-10, CVPN-13: a Client VPN endpoint has an interface in each target network, with its groups and a public address.
fn client_vpn_endpoints(full: &mut Spec) {
    for name in full.client_vpn_endpoints.keys().cloned().collect::<Vec<_>>() {
        let body = &full.client_vpn_endpoints[&name];
        let groups = body.security_groups.clone();
        for subnet in without_interface(full, &body.subnets.clone(), &body.network_interfaces.clone()) {
            let eni = managed(full, &name, &subnet, "client_vpn_endpoint", groups.clone());
            let made = full.network_interfaces.get_mut(&eni).expect("just made");
            made.public_ip = Some(Spanned::new(PublicIp::Auto, Span::NONE));
            full.client_vpn_endpoints.get_mut(&name).expect("listed above").network_interfaces.push(eni);
        }
    }
}

/// TGW-7: unless both options are off, AWS makes a default route table.
fn tgw_tables(full: &mut Spec) {
    for (name, tgw) in full.transit_gateways.clone() {
        let of = |flag: fn(&TransitGatewayRouteTable) -> bool| {
            full.transit_gateway_route_tables.values().any(|t| t.transit_gateway == name && flag(t))
        };
        let association = tgw.default_route_table_association.unwrap_or(true) && !of(|t| t.default_association);
        let propagation = tgw.default_route_table_propagation.unwrap_or(true) && !of(|t| t.default_propagation);
        if association || propagation {
            let table = TransitGatewayRouteTable {
                transit_gateway: name.clone(),
                default_association: association,
                default_propagation: propagation,
                associations: Vec::new(),
                propagations: Vec::new(),
                routes: Vec::new(),
                name_tag: None,
            };
            full.transit_gateway_route_tables.insert(made(&name, "default"), table);
        }
    }
}
