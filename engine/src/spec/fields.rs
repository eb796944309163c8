//! Which fields each resource has in a file, and how each is read.
//!
//! Invariant: a struct here and its JSON Schema name the same fields and accept the same values; the
//! tests in `engine/tests/spec_schema.rs` compare them.

use super::decode::{
    Cx, Decode, Fields, FromFields, decode_struct, decode_text, decode_words, integer, required, scalar,
};
use super::node::{Kind, Value};
use super::*;
use crate::base::port::ProtocolMatch;
use crate::base::{Bandwidth, Cidr, Nanos, PortRange, Protocol, Ratio};
use crate::diag::Diagnostic;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

decode_text! {
    Cidr: "an address block";
    Nanos: "a duration";
    Bandwidth: "a bandwidth";
    Ratio: "a percentage";
    Listener: "a port";
    PublicIp: "`auto`, `none` or an address";
    Peer: "an address block or a name";
}

macro_rules! decode_integers {
    ($($type:ty: $range:literal;)*) => {$(
        impl Decode for $type {
            fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
                integer(value, cx, $range)
            }
        }
    )*};
}
decode_integers! {
    i16: "from -32768 to 32767";
    u8: "from 0 to 255";
    u16: "from 0 to 65535";
    u32: "from 0 to 4294967295";
    u64: "from 0 to 18446744073709551615";
}

impl Decode for ProtocolMatch {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        super::decode::parse(value, cx, "a protocol")
    }
}

impl Decode for PortRange {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let text = scalar(value, cx, "a port range")?;
        // `u16` would read a sign, which no port has.
        if text.contains('+') {
            cx.bad_value(value, &format!("`{text}` is not a port range; write `443`, `1024-65535` or `all`"));
            return None;
        }
        super::decode::parse(value, cx, "a port range")
    }
}

fn address<'t, T: FromStr>(value: Value<'t>, cx: &mut Cx<'t>, what: &str, example: &str) -> Option<T> {
    let text = scalar(value, cx, what)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let help = if text.contains('/') { "write the address without a prefix length, as in" } else { "write it as" };
        cx.bad_value(value, &format!("`{text}` is not {what}; {help} `{example}`"));
    }
    parsed
}
impl Decode for Ipv4Addr {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        address(value, cx, "an IPv4 address", "10.0.1.10")
    }
}
impl Decode for Ipv6Addr {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        address(value, cx, "an IPv6 address", "2600:1f18::10")
    }
}
impl Decode for IpAddr {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        address(value, cx, "an IP address", "198.51.100.7")
    }
}

impl FromStr for Listener {
    type Err = String;
    /// Reads `443` (TCP), `tcp/443` or `udp/53`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, port) = text.split_once('/').unwrap_or(("tcp", text));
        let protocol = match protocol {
            "tcp" => Some(Protocol::TCP),
            "udp" => Some(Protocol::UDP),
            _ => None,
        };
        let digits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
        match (protocol, port.parse::<u16>()) {
            (Some(protocol), Ok(port)) if port != 0 && digits => Ok(Self { protocol, port }),
            _ => Err(format!("`{text}` is not a listening port; write `443`, `tcp/443` or `udp/53`")),
        }
    }
}

impl FromStr for PublicIp {
    type Err = String;
    /// Reads `auto`, `none` or an IPv4 address.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            _ => text.parse().map(Self::Address).map_err(|_| {
                format!(
                    "`{text}` is not a public address; write `auto`, `none` or an IPv4 address such as `198.51.100.7`"
                )
            }),
        }
    }
}

impl FromStr for Peer {
    type Err = String;
    /// Reads an address block, or else a name. An address alone is neither.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Cidr>() {
            Ok(cidr) => Ok(Self::Cidr(cidr)),
            Err(e) if text.parse::<IpAddr>().is_ok() => Err(e),
            Err(e) if text.split_once('/').is_some_and(|(a, _)| a.parse::<IpAddr>().is_ok()) => Err(e),
            Err(_) if text.is_empty() => Err("the name is empty; write a block or a group's name".into()),
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

decode_words! {
    AclAction { "allow" => Allow, "deny" => Deny }
    NatConnectivity { "public" => Public, "private" => Private }
    InstanceState { "pending" => Pending, "running" => Running, "stopping" => Stopping, "stopped" => Stopped }
    GuestOs { "linux" => Linux, "windows" => Windows }
    GuestKnowledge { "described" => Described, "unknown" => Unknown }
    BpaMode { "off" => Off, "block-bidirectional" => BlockBidirectional, "block-ingress" => BlockIngress }
    BpaExclusionMode { "allow-bidirectional" => AllowBidirectional, "allow-egress" => AllowEgress }
    RouteState { "active" => Active, "blackhole" => Blackhole }
    PeeringState {
        "initiating-request" => InitiatingRequest, "failed" => Failed, "pending-acceptance" => PendingAcceptance,
        "expired" => Expired, "rejected" => Rejected, "provisioning" => Provisioning, "active" => Active,
        "deleting" => Deleting, "deleted" => Deleted,
    }
    AttachmentState {
        "initiating-request" => InitiatingRequest, "pending-acceptance" => PendingAcceptance, "pending" => Pending,
        "available" => Available, "modifying" => Modifying, "rolling-back" => RollingBack, "failed" => Failed,
        "failing" => Failing, "rejected" => Rejected, "rejecting" => Rejecting, "deleting" => Deleting,
        "deleted" => Deleted,
    }
    EndpointType { "gateway" => Gateway, "interface" => Interface }
    TrafficType { "ACCEPT" => Accept, "REJECT" => Reject, "ALL" => All }
    FlowLogFileFormat { "plain-text" => PlainText, "parquet" => Parquet }
    TaggedResource {
        "instance" => Instance, "network-interface" => NetworkInterface, "auto-scaling-group" => AutoScalingGroup,
    }
    RouteOrigin { "static" => Static, "propagated" => Propagated, "advertised" => Advertised }
}

decode_words! {
    DpdAction { "clear" => Clear, "none" => None, "restart" => Restart }
    StartupAction { "add" => Add, "start" => Start }
    Encryption {
        "aes128" => Aes128, "aes256" => Aes256, "aes128-gcm-16" => Aes128Gcm16, "aes256-gcm-16" => Aes256Gcm16,
    }
    InsideIpVersion { "ipv4" => Ipv4, "ipv6" => Ipv6 }
    TunnelBandwidth { "standard" => Standard, "large" => Large }
    OutsideIpAddressType { "public_ipv4" => PublicIpv4, "private_ipv4" => PrivateIpv4 }
    TrafficMirrorAction { "accept" => Accept, "reject" => Reject }
    TrafficMirrorNetworkService { "amazon-dns" => AmazonDns }
    Integrity { "sha1" => Sha1, "sha2-256" => Sha2256, "sha2-384" => Sha2384, "sha2-512" => Sha2512 }
    VirtualInterfaceType { "private" => Private, "transit" => Transit, "public" => Public }
}

decode_struct!(FlowLog, "a flow log", {
    resource, traffic_type, max_aggregation_interval, log_format, destination, tag_fields, name_tag,
});
decode_struct!(FlowLogDestination, "a destination of a flow log", { s3, cloudwatch });
decode_struct!(FlowLogS3, "a destination in S3", {
    bucket, prefix, file_format, hive_compatible_partitions, per_hour_partition,
});
decode_struct!(FlowLogCloudWatch, "a destination in CloudWatch Logs", { log_group });
decode_struct!(FlowLogTagFields, "tags in a flow log", { resource_type, tag_keys: required });
decode_struct!(Spec, "a topology", {
    description, region, account, guests, profile, links, vpcs, subnets, route_tables, network_acls,
    security_groups, prefix_lists, internet_gateways, egress_only_internet_gateways, nat_gateways,
    vpc_peering_connections, transit_gateways, transit_gateway_vpc_attachments, transit_gateway_peering_attachments,
    transit_gateway_connects, transit_gateway_route_tables, transit_gateway_multicast_domains, vpc_endpoints,
    vpc_endpoint_services, customer_gateways, vpn_gateways, vpn_connections, direct_connect_connections,
    direct_connect_lags, virtual_interfaces, direct_connect_gateways, direct_connect_gateway_associations, network_interfaces, instances, internet_hosts, routers, site_hosts, block_public_access, not_modelled, client_vpn_endpoints, client_vpn_clients, flow_logs,
    lint, traffic_mirror_targets, traffic_mirror_filters, traffic_mirror_sessions,
});
decode_struct!(Vpc, "a VPC", {
    cidr, secondary_cidrs, ipv6_cidrs, region, account, default, enable_dns_support, enable_dns_hostnames, name_tag, tags,
});
decode_struct!(Subnet, "a subnet", {
    vpc, az, az_id, cidr, ipv6_cidr, route_table, network_acl, map_public_ip, dns64, name_tag, tags,
});
decode_struct!(PrefixList, "a prefix list", { entries: required, max_entries, name_tag });
decode_struct!(NetworkAcl, "a network ACL", { vpc, default, inbound, outbound, name_tag });
decode_struct!(AclRule, "a network ACL rule", { rule, action, protocol, ports, icmp_type, icmp_code, from, to });
decode_struct!(RouteTable, "a route table", { vpc, main, gateway, propagating_vpn_gateways, routes, name_tag });
decode_struct!(Route, "a route", { to, via, state, origin });
decode_struct!(SecurityGroup, "a security group", {
    vpc, default, inbound: sg_rules, outbound: sg_rules, description, account, name_tag,
});
decode_struct!(InternetGateway, "an internet gateway", { vpc, name_tag });
decode_struct!(EgressOnlyInternetGateway, "an egress-only internet gateway", { vpc, name_tag });
decode_struct!(NatGateway, "a NAT gateway", {
    subnet, vpc, connectivity, addresses, network_interface, available, name_tag,
});
decode_struct!(NatAddress, "an address of a NAT gateway", { private, public });
decode_struct!(VpcPeeringConnection, "a VPC peering connection", {
    requester, accepter, state, requester_dns_resolution, accepter_dns_resolution, name_tag,
});
decode_struct!(TransitGateway, "a transit gateway", {
    region, account, asn, default_route_table_association, default_route_table_propagation,
    security_group_referencing, vpn_ecmp, multicast, cidrs, name_tag,
});
decode_struct!(TransitGatewayVpcAttachment, "an attachment of a VPC", {
    transit_gateway, vpc, subnets: required, appliance_mode, security_group_referencing, ipv6, dns_support, state,
    network_interfaces, name_tag,
});
decode_struct!(TransitGatewayPeeringAttachment, "a peering of transit gateways", {
    requester, accepter, state, name_tag,
});
decode_struct!(TransitGatewayConnect, "a Connect attachment", { transport, peers, state, name_tag });
decode_struct!(ConnectPeer, "a Connect peer", {
    transit_gateway_address, peer_address, inside_cidrs, peer_asn, advertises,
});
decode_struct!(TransitGatewayRouteTable, "a transit gateway route table", {
    transit_gateway, default_association, default_propagation, associations, propagations, routes, name_tag,
});
decode_struct!(TransitGatewayRoute, "a transit gateway route", { to, via, blackhole, origin });
decode_struct!(TransitGatewayMulticastDomain, "a multicast domain", {
    transit_gateway, subnets, igmpv2, static_sources, groups, name_tag,
});
decode_struct!(MulticastGroup, "a multicast group", { address, members, sources });
decode_struct!(VpcEndpoint, "a VPC endpoint", {
    vpc, service, kind as "type", route_tables, prefix_list, subnets, security_groups, network_interfaces,
    private_dns, dns_names, unavailable, restrictive_policy, name_tag,
});
decode_struct!(VpcEndpointService, "an endpoint service", {
    subnets: required, listeners, cross_zone, security_groups, network_interfaces, private_dns_name, name_tag,
});
decode_struct!(ServiceListener, "a listener of an endpoint service", { listen, target_port, targets: required });
decode_struct!(NetworkInterface, "a network interface", {
    subnet, address, secondary_addresses, ipv6_addresses, prefixes, public_ip, security_groups, source_dest_check,
    instance, device_index, mac, interface_type, description, requester_managed, account, name_tag, tags,
});
decode_struct!(Forwarding, "forwarding", { masquerade, stateful });
decode_struct!(InternetHost, "an internet host", { addresses: required, listen, answers_ping, latency, mtu, names });
decode_struct!(Links, "links", { same_az, cross_az, internet, transit_gateway, site, inter_region });
decode_struct!(LinkSpec, "a link", { latency, bandwidth, queue_bytes, loss });
decode_struct!(Profile, "a profile", {
    icmp_errors_pass_tracked, tracking_picks_up_mid_stream, tracked_tcp_idle, tracked_udp_stream_idle, tracked_udp_idle,
    transit_gateway_icmp, inter_region_peering_mtu, mirror_denied_outbound,
});
decode_struct!(BlockPublicAccess, "Block Public Access", { region, account, mode, exclusions });
decode_struct!(BpaExclusion, "an exclusion", { resource, mode });
decode_struct!(LintSuppression, "a suppression of a finding", { ignore, on, reason });
decode_struct!(NotModelled, "a resource that is not modelled", { kind, vpc, name_tag });

decode_struct!(CustomerGateway, "a customer gateway", { ip_address, asn, router, name_tag });
decode_struct!(VpnGateway, "a virtual private gateway", { vpc, asn, name_tag });
decode_struct!(VpnConnection, "a VPN connection", {
    customer_gateway, vpn_gateway, transit_gateway, static_routes_only, static_routes, tunnel_inside_ip_version,
    accelerated, tunnel_bandwidth, outside_ip_address_type, transport_transit_gateway_attachment, tunnels, state,
    name_tag,
});
decode_struct!(VpnTunnel, "a VPN tunnel", {
    outside_address, inside_cidr, inside_ipv6_cidr, encryption, integrity, dpd_timeout, dpd_action, startup_action,
    phase1_lifetime, phase2_lifetime, rekey_margin, rekey_fuzz, loss, replay_window, updating, up,
});
decode_struct!(DirectConnectConnection, "a Direct Connect connection", {
    location, region, device, router, lag, hosted, bandwidth, macsec, latency, loss, up, name_tag,
});
decode_struct!(DirectConnectLag, "a link aggregation group", { location, region, minimum_links, name_tag });
decode_struct!(VirtualInterface, "a virtual interface", {
    kind as "type", connection, vlan, direct_connect_gateway, vpn_gateway, route_filter_prefixes, asn, amazon_address,
    customer_address, mtu, up, site_link, name_tag,
});
decode_struct!(DirectConnectGateway, "a Direct Connect gateway", { asn, name_tag });
decode_struct!(DirectConnectGatewayAssociation, "an association of a Direct Connect gateway", {
    direct_connect_gateway, vpn_gateway, transit_gateway, allowed_prefixes, name_tag,
});
decode_struct!(Router, "a router", {
    site, asn, public_ip, behind_nat, nat_timeout, natt_keepalive, dead_peer_detection, internet, networks,
    originates, routes, neighbors, multipath, stateful_firewall, failed,
});
decode_struct!(RouterRoute, "a route of a router", { to, via });
decode_struct!(Neighbor, "a neighbour", {
    peer, local_preference, accepts, announces, default_originate, prepend, med, communities, latency, bandwidth, loss,
    shutdown, hold_time, bfd,
});
decode_struct!(ClientVpnEndpoint, "a Client VPN endpoint", {
    vpc, client_cidr, subnets, security_groups, network_interfaces, split_tunnel, routes, authorization_rules, available,
    name_tag,
});
decode_struct!(ClientVpnRoute, "a route of a Client VPN endpoint", { to, subnet });
decode_struct!(ClientVpnAuthorizationRule, "an authorization rule", { to, group });
decode_struct!(ClientVpnClient, "a client of a Client VPN endpoint", {
    endpoint, address, subnet, groups, listen, answers_ping,
});
decode_struct!(TrafficMirrorTarget, "a traffic mirror target", {
    network_interface, network_load_balancer, gateway_load_balancer_endpoint, account, description, name_tag,
});
decode_struct!(TrafficMirrorFilter, "a traffic mirror filter", {
    ingress, egress, network_services, description, name_tag,
});
decode_struct!(TrafficMirrorRule, "a rule of a traffic mirror filter", {
    rule, action, protocol, from, to, source_ports, destination_ports, description,
});
decode_struct!(TrafficMirrorSession, "a traffic mirror session", {
    network_interface, target, filter, session_number, packet_length, virtual_network_id, account, description,
    name_tag,
});
decode_struct!(SiteHost, "a host at a site", { router, addresses: required, listen, answers_ping });

impl Decode for SecondaryAddress {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        if !matches!(value.kind(), Kind::Map(_)) {
            return Some(Self { address: Decode::decode(value, cx)?, public_ip: None });
        }
        let fields = Fields::new(value, cx, "a secondary address", &["address", "public_ip"])?;
        let (address, public_ip) = (fields.take("address", cx), fields.take("public_ip", cx));
        Some(Self { address: address?, public_ip: public_ip? })
    }
}

/// Fields of an interface that mean nothing inside an instance.
pub(super) const NOT_IN_AN_INSTANCE: [&str; 4] = ["instance", "device_index", "name_tag", "tags"];
const OF_AN_INSTANCE: [&str; 11] = [
    "state",
    "instance_type",
    "os",
    "ephemeral_ports",
    "listen",
    "answers_ping",
    "forwarding",
    "bandwidth",
    "mtu",
    "name_tag",
    "tags",
];

impl Decode for Instance {
    const SINGLE: bool = false;
    /// The fields of the primary interface stand among the instance's own.
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let inside = || NetworkInterface::FIELDS.iter().copied().filter(|f| !NOT_IN_AN_INSTANCE.contains(f));
        let allowed: Vec<&str> = inside().chain(OF_AN_INSTANCE).collect();
        let fields = Fields::new(value, cx, "an instance", &allowed)?;
        let primary = NetworkInterface::from_fields(&fields, cx).map(|eni| NetworkInterface {
            instance: None,
            device_index: None,
            name_tag: None,
            tags: Tags::default(),
            ..eni
        });
        let primary = match fields.value("subnet") {
            Some(subnet) if !subnet.is_null() => primary,
            _ => {
                for name in inside() {
                    if let Some(entry) = fields.entry(name).filter(|e| name != "subnet" && !value.of(e).is_null()) {
                        cx.push(
                            Diagnostic::error(
                                "missing-field",
                                entry.key_span,
                                format!("`{name}` describes the primary interface, but the instance has no `subnet`"),
                            )
                            .help("add `subnet: ...`, or describe the interface under `network_interfaces`"),
                        );
                    }
                }
                None
            }
        };
        let instance = Self {
            primary,
            state: fields.take("state", cx).flatten(),
            instance_type: fields.take("instance_type", cx).flatten(),
            os: fields.take("os", cx).flatten(),
            ephemeral_ports: fields.take("ephemeral_ports", cx).flatten(),
            listen: fields.take("listen", cx).flatten(),
            answers_ping: fields.take("answers_ping", cx).flatten(),
            forwarding: fields.take("forwarding", cx).flatten(),
            bandwidth: fields.take("bandwidth", cx).flatten(),
            mtu: fields.take("mtu", cx).flatten(),
            name_tag: fields.take("name_tag", cx).flatten(),
            tags: fields.take("tags", cx).unwrap_or_default(),
        };
        Some(instance)
    }
}

/// The peer of an inbound rule, or of an outbound one.
type FromTo = (Option<Spanned<Peer>>, Option<Spanned<Peer>>);

/// One written rule: AWS stores a rule per peer and per port range, so each list multiplies.
pub(crate) struct SgRules(pub(crate) Vec<Spanned<SgRule>>);

impl Decode for SgRules {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let allowed = ["protocol", "ports", "icmp_type", "icmp_code", "from", "to", "id", "description"];
        let fields = Fields::new(value, cx, "a security group rule", &allowed)?;
        let ports: Vec<Spanned<PortRange>> = fields.take::<Option<_>>("ports", cx).flatten().unwrap_or_default();
        let from: Vec<Spanned<Peer>> = fields.take::<Option<_>>("from", cx).flatten().unwrap_or_default();
        let to: Vec<Spanned<Peer>> = fields.take::<Option<_>>("to", cx).flatten().unwrap_or_default();
        let rule = SgRule {
            protocol: fields.take("protocol", cx)?,
            ports: None,
            icmp_type: fields.take("icmp_type", cx)?,
            icmp_code: fields.take("icmp_code", cx)?,
            from: None,
            to: None,
            id: fields.take("id", cx)?,
            description: fields.take("description", cx)?,
        };
        if !from.is_empty() && !to.is_empty() {
            let span = fields.entry("to").map_or(value.span(), |e| e.key_span);
            let message = "a rule has `from` (inbound) or `to` (outbound), not both";
            cx.push(Diagnostic::error("conflicting-fields", span, message).help("remove one of them"));
        }
        let peers: Vec<FromTo> = match (from.is_empty(), to.is_empty()) {
            (false, _) => from.into_iter().map(|p| (Some(p), None)).collect(),
            (true, false) => to.into_iter().map(|p| (None, Some(p))).collect(),
            // A list of peers of which none could be read has been reported; no rule is left of it.
            (true, true) if ["from", "to"].iter().any(|f| fields.value(f).is_some_and(|v| !v.is_null())) => Vec::new(),
            (true, true) => vec![(None, None)],
        };
        let port_list: Vec<Option<Spanned<PortRange>>> = match fields.value("ports") {
            Some(value) if !value.is_null() => ports.into_iter().map(Some).collect(),
            _ => vec![None],
        };
        let many = peers.len() * port_list.len() > 1;
        if let Some(entry) = fields.entry("id").filter(|_| many && rule.id.is_some()) {
            let message = "`id` names one rule, but lists of peers or ports make this several";
            cx.push(Diagnostic::error("conflicting-fields", entry.key_span, message).help("write one rule per id"));
        }
        let mut rules = Vec::new();
        for (from, to) in &peers {
            for ports in &port_list {
                let peer = from.as_ref().or(to.as_ref()).map(|p| p.span);
                let span = match ports {
                    Some(ports) if peers.len() == 1 && many => ports.span,
                    _ => peer.filter(|_| many).unwrap_or_else(|| value.span()),
                };
                let rule = SgRule { ports: ports.map(|p| p.value), from: from.clone(), to: to.clone(), ..rule.clone() };
                rules.push(Spanned::new(rule, span));
            }
        }
        Some(Self(rules))
    }
}

fn sg_rules<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Vec<Spanned<SgRule>>>> {
    let rules: Option<Vec<SgRules>> = fields.take(name, cx)?;
    Some(rules.map(|rules| rules.into_iter().flat_map(|r| r.0).collect()))
}
