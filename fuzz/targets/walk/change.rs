//! What the bytes may change in a topology, and the values they draw from it.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vpcsim_engine::base::port::ProtocolMatch;
use vpcsim_engine::base::{Cidr, PortRange, Protocol, Ratio};
use vpcsim_engine::spec::{
    self, AclAction, AclRule, AttachmentState, ClientVpnAuthorizationRule, ClientVpnRoute, Forwarding, Neighbor, Peer,
    PeeringState, PublicIp, Route, RouteState, RouterRoute, SgRule, Spanned, Spec, TransitGatewayRoute, VpnTunnel,
};

pub(crate) fn address(u: &mut Unstructured<'_>, spec: &Spec) -> Result<IpAddr> {
    let mut known: Vec<IpAddr> = Vec::new();
    for instance in spec.instances.values().filter_map(|i| i.primary.as_ref()).chain(spec.network_interfaces.values()) {
        known.extend(instance.address.as_ref().map(|a| IpAddr::V4(a.value)));
        known.extend(instance.ipv6_addresses.iter().map(|a| IpAddr::V6(a.value)));
        known.extend(instance.public_ip.as_ref().and_then(|p| p.value.address()));
    }
    for nat in spec.nat_gateways.values().flat_map(|n| &n.addresses) {
        known.extend(nat.private.as_ref().map(|a| IpAddr::V4(a.value)));
        known.extend(nat.public.as_ref().map(|a| IpAddr::V4(a.value)));
    }
    known.extend(spec.internet_hosts.values().flat_map(|h| h.addresses.iter().map(|a| a.value)));
    known.extend(spec.site_hosts.values().flat_map(|h| h.addresses.iter().map(|a| a.value)));
    known.extend(spec.client_vpn_clients.values().filter_map(|c| c.address.map(|a| IpAddr::V4(a.value))));
    for subnet in spec.subnets.values().flat_map(|s| s.cidr.iter().chain(&s.ipv6_cidr)) {
        known.extend([subnet.network(), subnet.last()]);
        known.extend(subnet.nth(1));
        known.extend(subnet.nth(2));
        known.extend(subnet.nth(77));
    }
    for text in [
        "169.254.169.254",
        "169.254.169.253",
        "fd00:ec2::253",
        "169.254.1.1",
        "8.8.8.8",
        "64:ff9b::808:808",
        "fe80::1",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "127.0.0.1",
    ] {
        known.push(text.parse().expect("an address"));
    }
    Ok(match u.int_in_range(0..=15)? {
        0 => Ipv4Addr::from(u.arbitrary::<u32>()?).into(),
        1 => Ipv6Addr::from(u.arbitrary::<u128>()?).into(),
        2 => match u.choose(&known)? {
            IpAddr::V4(a) => Ipv6Addr::from((0x64_ff9b_u128 << 96) | u128::from(a.to_bits())).into(),
            v6 => *v6,
        },
        _ => *u.choose(&known)?,
    })
}

fn cidr(u: &mut Unstructured<'_>, spec: &Spec) -> Result<Cidr> {
    let address = address(u, spec)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let len = *u.choose(&[0, 8, 16, 23, 24, 25, 31, 32, 56, 64, 96, 128])?;
    Ok(Cidr::new(network(address, len.min(most)), len.min(most)).unwrap_or(Cidr::host(address)))
}

fn network(address: IpAddr, len: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => Ipv4Addr::from(a.to_bits() & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)).into(),
        IpAddr::V6(a) => Ipv6Addr::from(a.to_bits() & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)).into(),
    }
}

pub(crate) fn protocol(u: &mut Unstructured<'_>) -> Result<Protocol> {
    Ok(*u.choose(&[Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol::ICMPV6, Protocol(47), Protocol(4)])?)
}

fn ports(u: &mut Unstructured<'_>) -> Result<PortRange> {
    let (a, b) = (port(u)?, port(u)?);
    Ok(PortRange { from: a.min(b), to: a.max(b) })
}

pub(crate) fn port(u: &mut Unstructured<'_>) -> Result<u16> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        _ => *u.choose(&[0, 22, 53, 80, 443, 1024, 5432, 32768, 49152, 60999, 65535])?,
    })
}

pub(crate) fn change(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    match u.int_in_range(0..=16)? {
        0 | 1 => return acl(u, spec),
        2 | 3 => return sg(u, spec),
        4 | 5 => return route(u, spec),
        6 => return interface(u, spec),
        11 => return between(u, spec),
        12 | 13 => return tgw_table(u, spec),
        14 | 15 => return sites(u, spec),
        7 => {
            // Another table or ACL for a subnet.
            let tables: Vec<String> = spec.route_tables.keys().map(|n| n.value.clone()).collect();
            if tables.is_empty() {
                return Ok(());
            }
            let acls: Vec<String> = spec.network_acls.keys().map(|n| n.value.clone()).collect();
            let ix = u.choose_index(spec.subnets.len())?;
            let table = u.choose(&tables)?.clone();
            let acl = if acls.is_empty() { None } else { Some(u.choose(&acls)?.clone()) };
            let subnet = spec.subnets.values_mut().nth(ix).expect("chosen among them");
            if u.arbitrary()? {
                subnet.route_table = Some(table.into());
            } else {
                subnet.network_acl = acl.map(Into::into);
            }
            subnet.dns64 = u.arbitrary()?;
        }
        8 => {
            if let Some(nat) = spec.nat_gateways.values_mut().next() {
                nat.available = Some(u.arbitrary()?);
            }
        }
        9 => {
            let mode =
                *u.choose(&[spec::BpaMode::Off, spec::BpaMode::BlockBidirectional, spec::BpaMode::BlockIngress])?;
            let names: Vec<String> = spec.subnets.keys().chain(spec.vpcs.keys()).map(|n| n.value.clone()).collect();
            let mut exclusions = Vec::new();
            if u.arbitrary()? {
                let mode =
                    *u.choose(&[spec::BpaExclusionMode::AllowBidirectional, spec::BpaExclusionMode::AllowEgress])?;
                exclusions.push(spec::BpaExclusion { resource: u.choose(&names)?.clone().into(), mode }.into());
            }
            spec.block_public_access =
                vec![spec::BlockPublicAccess { region: None, account: None, mode, exclusions }.into()];
        }
        10 => {
            let ix = u.choose_index(spec.instances.len())?;
            let instance = spec.instances.values_mut().nth(ix).expect("chosen among them");
            instance.state = Some(*u.choose(&[spec::InstanceState::Running, spec::InstanceState::Stopped])?);
            instance.answers_ping = u.arbitrary()?;
            instance.forwarding = if u.arbitrary()? {
                Some(Forwarding { masquerade: u.arbitrary()?, stateful: u.arbitrary()? })
            } else {
                None
            };
            instance.mtu = if u.arbitrary()? { Some(u.int_in_range(576..=9001)?.into()) } else { None };
        }
        _ => {
            spec.guests = Some(*u.choose(&[spec::GuestKnowledge::Described, spec::GuestKnowledge::Unknown])?);
            let profile = spec.profile.get_or_insert_default();
            profile.icmp_errors_pass_tracked = u.arbitrary()?;
            profile.tracking_picks_up_mid_stream = u.arbitrary()?;
        }
    }
    Ok(())
}

fn acl(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    if spec.network_acls.is_empty() {
        return Ok(());
    }
    let block = cidr(u, spec)?;
    let ix = u.choose_index(spec.network_acls.len())?;
    let acl = spec.network_acls.values_mut().nth(ix).expect("chosen among them");
    let inbound = u.arbitrary()?;
    let rules = if inbound { &mut acl.inbound } else { &mut acl.outbound }.get_or_insert_default();
    if u.arbitrary()? && !rules.is_empty() {
        rules.remove(u.choose_index(rules.len())?);
        return Ok(());
    }
    let protocol = matched(u)?;
    let rule = AclRule {
        rule: u.int_in_range(1..=300)?.into(),
        action: if u.arbitrary()? { AclAction::Allow } else { AclAction::Deny },
        protocol: Some(protocol),
        ports: with_ports(u, protocol)?,
        icmp_type: None,
        icmp_code: None,
        from: inbound.then_some(block.into()),
        to: (!inbound).then_some(block.into()),
    };
    rules.push(rule.into());
    Ok(())
}

fn matched(u: &mut Unstructured<'_>) -> Result<ProtocolMatch> {
    Ok(if u.arbitrary()? { ProtocolMatch::All } else { ProtocolMatch::One(protocol(u)?) })
}

fn with_ports(u: &mut Unstructured<'_>, protocol: ProtocolMatch) -> Result<Option<PortRange>> {
    Ok(match protocol {
        ProtocolMatch::One(Protocol::TCP | Protocol::UDP) => Some(ports(u)?),
        _ => None,
    })
}

fn sg(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let names: Vec<String> = spec.security_groups.keys().map(|n| n.value.clone()).collect();
    let peer = if u.arbitrary()? { Peer::Cidr(cidr(u, spec)?) } else { Peer::Name(u.choose(&names)?.clone()) };
    let ix = u.choose_index(names.len())?;
    let group = spec.security_groups.values_mut().nth(ix).expect("chosen among them");
    let inbound = u.arbitrary()?;
    let rules = if inbound { &mut group.inbound } else { &mut group.outbound }.get_or_insert_default();
    if u.arbitrary()? && !rules.is_empty() {
        rules.remove(u.choose_index(rules.len())?);
        return Ok(());
    }
    let protocol = matched(u)?;
    let rule = SgRule {
        protocol: Some(protocol),
        ports: with_ports(u, protocol)?,
        icmp_type: None,
        icmp_code: None,
        from: inbound.then(|| peer.clone().into()),
        to: (!inbound).then(|| peer.into()),
        id: None,
        description: None,
    };
    rules.push(rule.into());
    Ok(())
}

fn route(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let mut targets: Vec<String> = Vec::new();
    targets.extend(spec.internet_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.egress_only_internet_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.nat_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.instances.keys().map(|n| n.value.clone()));
    targets.extend(spec.network_interfaces.keys().map(|n| n.value.clone()));
    targets.extend(spec.vpc_peering_connections.keys().map(|n| n.value.clone()));
    targets.extend(spec.transit_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.vpc_endpoints.keys().map(|n| n.value.clone()));
    targets.extend(spec.vpn_gateways.keys().map(|n| n.value.clone()));
    targets.extend(spec.not_modelled.keys().map(|n| n.value.clone()));
    targets.push("local".to_owned());
    if spec.route_tables.is_empty() {
        return Ok(());
    }
    let to = cidr(u, spec)?.to_string();
    let ix = u.choose_index(spec.route_tables.len())?;
    let table = spec.route_tables.values_mut().nth(ix).expect("chosen among them");
    if u.arbitrary()? && !table.routes.is_empty() {
        table.routes.remove(u.choose_index(table.routes.len())?);
        return Ok(());
    }
    table.routes.retain(|r| r.to.value != to);
    let state = if u.ratio(1, 8)? { Some(RouteState::Blackhole) } else { None };
    table.routes.push(Route { to: to.into(), via: u.choose(&targets)?.clone().into(), state, origin: None }.into());
    Ok(())
}

fn interface(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let names: Vec<String> = spec.security_groups.keys().map(|n| n.value.clone()).collect();
    let ix = u.choose_index(spec.instances.len())?;
    let instance = spec.instances.values_mut().nth(ix).expect("chosen among them");
    let Some(eni) = &mut instance.primary else { return Ok(()) };
    match u.int_in_range(0..=2)? {
        0 => eni.source_dest_check = Some(u.arbitrary()?),
        1 => eni.security_groups = Some(vec![Spanned::from(u.choose(&names)?.clone())]),
        _ => {
            let address = PublicIp::Address(Ipv4Addr::new(198, 51, 100, u.int_in_range(200..=250)?));
            eni.public_ip = Some(if u.arbitrary()? { PublicIp::None } else { address }.into());
        }
    }
    Ok(())
}

/// A peering, an attachment or an endpoint in another state or with another option.
fn between(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    if let Some(pcx) = pick(u, spec.vpc_peering_connections.values_mut())? {
        pcx.state = Some(*u.choose(&[PeeringState::Active, PeeringState::PendingAcceptance, PeeringState::Deleted])?);
    }
    if let Some(attachment) = pick(u, spec.transit_gateway_vpc_attachments.values_mut())? {
        let (available, deleted) = (AttachmentState::Available, AttachmentState::Deleted);
        match u.int_in_range(0..=3)? {
            0 => attachment.state = Some(*u.choose(&[available, AttachmentState::PendingAcceptance, deleted])?),
            1 => attachment.appliance_mode = u.arbitrary()?,
            2 => attachment.security_group_referencing = u.arbitrary()?,
            _ => attachment.ipv6 = u.arbitrary()?,
        }
    }
    if let Some(service) = pick(u, spec.vpc_endpoint_services.values_mut())? {
        service.cross_zone = u.arbitrary()?;
    }
    if let Some(endpoint) = pick(u, spec.vpc_endpoints.values_mut())? {
        endpoint.unavailable = u.arbitrary()?;
    }
    client_vpn(u, spec)
}

/// A route or a rule of a Client VPN endpoint, its tunnel, the groups of a client.
fn client_vpn(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let to = if spec.client_vpn_endpoints.is_empty() { return Ok(()) } else { cidr(u, spec)? };
    let groups = ["analysts", "auditors"];
    if let Some(endpoint) = pick(u, spec.client_vpn_endpoints.values_mut())? {
        match u.int_in_range(0..=4)? {
            0 => endpoint.split_tunnel = u.arbitrary()?,
            1 => endpoint.available = u.arbitrary()?,
            2 => {
                let subnet = u.choose(&endpoint.subnets)?.clone();
                endpoint.routes.push(ClientVpnRoute { to: to.into(), subnet }.into());
            }
            3 => {
                let route = ClientVpnRoute { to: endpoint.client_cidr, subnet: "local".to_owned().into() };
                endpoint.routes.push(route.into());
            }
            _ => {
                let group = if u.arbitrary()? { Some((*u.choose(&groups)?).to_owned()) } else { None };
                endpoint.authorization_rules.push(ClientVpnAuthorizationRule { to: to.into(), group }.into());
            }
        }
    }
    if let Some(client) = pick(u, spec.client_vpn_clients.values_mut())? {
        client.groups = if u.arbitrary()? { vec![(*u.choose(&groups)?).to_owned()] } else { Vec::new() };
    }
    Ok(())
}

fn pick<'a, T>(u: &mut Unstructured<'_>, all: impl ExactSizeIterator<Item = &'a mut T>) -> Result<Option<&'a mut T>> {
    if all.len() == 0 || u.ratio(1, 3)? {
        return Ok(None);
    }
    let ix = u.choose_index(all.len())?;
    Ok(all.into_iter().nth(ix))
}

/// A route, an association or a propagation of a transit gateway's table.
fn tgw_table(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let mut attachments: Vec<String> = Vec::new();
    attachments.extend(spec.transit_gateway_vpc_attachments.keys().map(|n| n.value.clone()));
    attachments.extend(spec.transit_gateway_peering_attachments.keys().map(|n| n.value.clone()));
    attachments.extend(spec.vpn_connections.keys().map(|n| n.value.clone()));
    attachments.extend(spec.direct_connect_gateway_associations.keys().map(|n| n.value.clone()));
    attachments.extend(spec.transit_gateway_connects.keys().map(|n| n.value.clone()));
    if attachments.is_empty() || spec.transit_gateway_route_tables.is_empty() {
        return Ok(());
    }
    let (attachment, to) = (u.choose(&attachments)?.clone(), cidr(u, spec)?.to_string());
    let ix = u.choose_index(spec.transit_gateway_route_tables.len())?;
    let change = u.int_in_range(0..=3)?;
    if change == 0 {
        // Associated once only.
        for table in spec.transit_gateway_route_tables.values_mut() {
            table.associations.retain(|a| a.value != attachment);
        }
    }
    let table = spec.transit_gateway_route_tables.values_mut().nth(ix).expect("chosen among them");
    match change {
        0 => table.associations.push(attachment.into()),
        1 if !table.propagations.is_empty() => {
            table.propagations.remove(u.choose_index(table.propagations.len())?);
        }
        1 => table.propagations.push(attachment.into()),
        _ => {
            table.routes.retain(|r| r.to.value != to);
            let blackhole = u.ratio(1, 6)?;
            let via = (!blackhole).then(|| attachment.into());
            table.routes.push(TransitGatewayRoute { to: to.into(), via, blackhole, origin: None }.into());
        }
    }
    Ok(())
}

/// A tunnel, a line, a router's policy or what it originates.
fn sites(u: &mut Unstructured<'_>, spec: &mut Spec) -> Result<()> {
    let block = cidr(u, spec)?;
    if let Some(connection) = pick(u, spec.vpn_connections.values_mut())? {
        connection.static_routes_only = u.arbitrary()?;
        connection.static_routes = if u.arbitrary()? { vec![block.into()] } else { Vec::new() };
        let tunnel = VpnTunnel { up: u.arbitrary()?, ..VpnTunnel::default() };
        connection.tunnels = if u.arbitrary()? { vec![tunnel.into()] } else { Vec::new() };
    }
    if let Some(line) = pick(u, spec.direct_connect_connections.values_mut())? {
        line.up = u.arbitrary()?;
        line.loss = u.arbitrary::<bool>()?.then_some(Ratio(Ratio::ONE));
    }
    if let Some(vif) = pick(u, spec.virtual_interfaces.values_mut())? {
        vif.site_link = u.arbitrary()?;
    }
    let peers: Vec<String> = [
        spec.vpn_connections.keys().map(|n| n.value.clone()).collect::<Vec<_>>(),
        spec.virtual_interfaces.keys().map(|n| n.value.clone()).collect(),
        spec.routers.keys().map(|n| n.value.clone()).collect(),
    ]
    .concat();
    if let (Some(router), false) = (pick(u, spec.routers.values_mut())?, peers.is_empty()) {
        match u.int_in_range(0..=4)? {
            0 => router.networks.push(block.into()),
            1 => router.originates = Some(vec![block.into()]),
            2 => router.stateful_firewall = u.arbitrary()?,
            3 => {
                let route = RouterRoute { to: block.into(), via: u.choose(&peers)?.clone().into() };
                router.routes.push(route.into());
            }
            _ => {
                let neighbor = Neighbor {
                    peer: u.choose(&peers)?.clone().into(),
                    local_preference: u.arbitrary()?,
                    default_originate: u.arbitrary()?,
                    prepend: Some(u.int_in_range(0..=3)?.into()),
                    med: u.arbitrary()?,
                    shutdown: u.arbitrary()?,
                    ..Neighbor::default()
                };
                router.neighbors.push(neighbor.into());
            }
        }
    }
    Ok(())
}
