//! Gateway endpoints, interface endpoints, endpoint services.

use super::harness::{check, three};

const S3: &str = "
internet_gateways: {igw: {vpc: va}}
prefix_lists:
  pl-s3: {name_tag: com.amazonaws.us-east-1.s3, entries: [54.123.0.0/16]}
vpc_endpoints:
  s3: {vpc: va, service: com.amazonaws.us-east-1.s3, type: gateway, route_tables: [ra]}
vpc_peering_connections: {ab: {requester: va, accepter: vb}}
";

#[test]
fn a_users_route_beats_the_endpoints_hybrid_22() {
    let net = three(["{to: 54.123.165.0/24, via: igw}", "{to: 54.123.0.0/16, via: ab}", ""], S3);
    check(
        &net,
        &[
            // The host has no public address: what leaves by the internet gateway is lost there.
            ("a -> 54.123.165.7 tcp/443", "no_reply request IgwNoPublicAddress igw"),
            ("a -> 54.123.1.7 tcp/443", "open"),
            ("a -> 54.123.1.7 ping", "reply"),
            ("a -> 54.123.1.7 tcp/22", "no_reply request VpceSilent s3"),
            ("a -> 54.123.1.7 udp/443", "no_reply request VpceProtocol s3"),
            ("b -> 54.123.1.7 tcp/443", "no_reply request PcxTransit ab"),
        ],
    );
    let off = net.replace("type: gateway", "unavailable: true, type: gateway");
    check(&off, &[("a -> 54.123.1.7 tcp/443", "no_reply request RouteBlackhole ra pl-s3")]);
}

#[test]
fn an_endpoint_is_for_its_own_vpc() {
    // By the transit gateway one gets as far as the attachment's table.
    let more = format!(
        "{S3}
transit_gateways: {{tgw: {{}}}}
transit_gateway_vpc_attachments:
  atta: {{transit_gateway: tgw, vpc: va, subnets: [sa]}}
  attb: {{transit_gateway: tgw, vpc: vb, subnets: [sb]}}
transit_gateway_route_tables:
  t: {{transit_gateway: tgw, associations: [attb], routes: [{{to: 0.0.0.0/0, via: atta}}]}}"
    );
    let net = three(["", "{to: 0.0.0.0/0, via: tgw}", ""], &more);
    check(&net, &[("b -> 54.123.1.7 tcp/443", "no_reply request VpceFromOutside s3")]);
}

/// `a` is in the consumer's VPC; the provider's VPC is `vb` with targets in zones a and b.
fn private_link(service: &str) -> String {
    let more = format!(
        "
vpc_endpoints:
  ep: {{vpc: va, service: svc, type: interface, subnets: [sa], security_groups: [ga], network_interfaces: [ep/sa]}}
  aws: {{vpc: va, service: com.amazonaws.us-east-1.ec2, type: interface, subnets: [sa], security_groups: [ga],
    network_interfaces: [aws/sa]}}
vpc_endpoint_services:
  svc: {{network_interfaces: [svc/sb], listeners: [{{listen: 443, targets: [b, b2]}}, {{listen: 80, target_port: 443, targets: [b]}}], {service}}}
network_interfaces:
  ep/sa: {{subnet: sa, address: 10.0.1.20, interface_type: vpc_endpoint, requester_managed: true, security_groups: [ga]}}
  aws/sa: {{subnet: sa, address: 10.0.1.21, interface_type: vpc_endpoint, requester_managed: true, security_groups: [ga]}}
  svc/sb: {{subnet: sb, address: 10.1.1.20, interface_type: network_load_balancer, requester_managed: true,
    security_groups: [], source_dest_check: false}}
"
    );
    three(["", "", ""], &more)
        .replace("  sc:", "  sb2: {vpc: vb, az: b, cidr: 10.1.2.0/24}\n  sc:")
        .replace("gb: {vpc: vb, inbound: [{from: 0.0.0.0/0}]}", "gb: {vpc: vb, inbound: [{from: 10.1.1.20/32}]}")
        .replace("  c:", "  b2: {subnet: sb2, address: 10.1.2.10, security_groups: [gb]}\n  c:")
}

#[test]
fn an_aws_service_answers_on_443_only() {
    check(
        &private_link("subnets: [sb]"),
        &[
            ("a -> 10.0.1.21 tcp/443", "open"),
            ("a -> 10.0.1.21 tcp/80", "no_reply request VpceSilent aws"),
            ("a -> 10.0.1.21 ping", "no_reply request VpceSilent aws"),
        ],
    );
}

#[test]
fn targets_see_the_nodes_address() {
    let net = private_link("subnets: [sb]");
    check(
        &net,
        &[
            // The group of the target lets the node in and nobody else: it is asked about the node's address.
            ("a -> 10.0.1.20 tcp/443", "open"),
            ("a -> 10.0.1.20 tcp/80", "open"),
            ("a -> 10.0.1.20 tcp/22", "no_reply request VpceSilent ep"),
            ("a -> 10.0.1.20 ping", "no_reply request VpceSilent ep"),
            ("b -> 10.1.1.20 tcp/443", "no_reply request ManagedSilent svc/sb"),
        ],
    );
    let all = private_link("subnets: [sb], cross_zone: true");
    check(&all, &[("a -> 10.0.1.20 tcp/443", "open | closed request GuestClosed b2")]);
    let stopped = net.replace("  b: {subnet: sb", "  b: {state: stopped, subnet: sb");
    check(&stopped, &[("a -> 10.0.1.20 tcp/443", "no_reply request VpceNoTarget svc")]);
}

#[test]
fn a_service_is_met_in_ones_own_zone() {
    let net = private_link("subnets: [sb2]")
        .replace("svc/sb", "svc/sb2")
        .replace("svc/sb2: {subnet: sb, address: 10.1.1.20", "svc/sb2: {subnet: sb2, address: 10.1.2.20");
    check(&net, &[("a -> 10.0.1.20 tcp/443", "no_reply request VpceNoAz ep")]);
}
