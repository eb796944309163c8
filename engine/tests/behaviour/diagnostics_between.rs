//! What AWS refuses of what joins VPCs: one test per code of `compile` (TGW-1, TGW-27, MCAST-2 among them).

use super::harness::refused_behind;

/// Two VPCs with a transit gateway and an attachment of the first; lines 1 to 6.
const BASE: &str = "vpcs: {a: {cidr: 10.1.0.0/16, ipv6_cidrs: ['2600:1f18:1::/56']}, b: {cidr: 10.2.0.0/16}, x: {cidr: 10.1.0.0/16}}
subnets: {sa: {vpc: a, az: a, cidr: 10.1.1.0/24}, sa2: {vpc: a, az: a, cidr: 10.1.2.0/24}, s6: {vpc: a, az: b, ipv6_cidr: '2600:1f18:1:6::/64'}, sb: {vpc: b, az: a, cidr: 10.2.1.0/24}, sx: {vpc: x, az: a, cidr: 10.1.1.0/24}}
transit_gateways: {t: {cidrs: [10.99.0.0/24]}, u: {}, w: {region: eu-west-1}, z: {asn: 1}}
instances: {ia: {subnet: sa}, ib: {subnet: sb}, two: {}}
network_interfaces: {e0: {subnet: sa, instance: two, device_index: 0}, e1: {subnet: sa2, instance: two, device_index: 1}}
";

refused_behind! { BASE,
    asn: "asn-range", 3, "1 is not a private ASN",
        "";
    attachment_to_a_subnet_of_another_vpc: "other-vpc", 6, "subnet `sb` is not in `a`",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sb]}}";
    route_to_a_peering_of_another_vpc: "other-vpc", 7, "VPC peering connection `pcx` is in another VPC",
        "vpc_peering_connections: {pcx: {requester: a, accepter: b}}
route_tables: {r: {vpc: x, routes: [{to: 10.9.0.0/16, via: pcx}]}}";
    association_twice: "second-association", 9, "attachment `ta` is associated with `m` already",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_route_tables:
  m: {transit_gateway: t, associations: [ta]}
  n: {transit_gateway: t, associations: [ta]}";
    two_subnets_in_a_zone: "second-subnet-in-zone", 6, "two subnets in zone us-east-1a",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa, sa2]}}";
    second_attachment: "second-attachment", 8, "`a` has an attachment to `t` already",
        "transit_gateway_vpc_attachments:
  t1: {transit_gateway: t, vpc: a, subnets: [sa]}
  t2: {transit_gateway: t, vpc: a, subnets: [sa2]}";
    subnet_without_ipv4: "ipv6-only-subnet", 6, "`s6` has no IPv4 block",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [s6]}}";
    vpc_of_another_region: "other-region", 7, "is in another Region",
        "transit_gateway_vpc_attachments:
  ta: {transit_gateway: w, vpc: a, subnets: [sa]}";
    attachment_of_another_gateway: "other-transit-gateway", 7, "`ta` is another transit gateway's",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_route_tables: {m: {transit_gateway: u, routes: [{to: 10.1.0.0/16, via: ta}]}}";
    route_without_an_attachment: "not-attached", 6, "has no attachment to transit gateway `t`",
        "route_tables: {r: {vpc: a, routes: [{to: 10.2.0.0/16, via: t}]}}";
    peering_overlap: "peering-overlap", 6, "10.1.0.0/16 of `a` overlaps 10.1.0.0/16 of `x`",
        "vpc_peering_connections: {pcx: {requester: a, accepter: x}}";
    peering_with_itself: "peering-with-itself", 6, "one VPC on both sides",
        "vpc_peering_connections: {pcx: {requester: a, accepter: a, state: failed}}";
    second_peering: "second-peering", 8, "second active peering",
        "vpc_peering_connections:
  p1: {requester: a, accepter: b}
  p2: {requester: b, accepter: a}";
    static_route_to_connect: "route-target", 8, "takes no static routes",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_connects: {c: {transport: ta}}
transit_gateway_route_tables: {m: {transit_gateway: t, routes: [{to: 10.7.0.0/16, via: c}]}}";
    connect_over_a_peering: "connect-transport", 7, "`tu` cannot carry a Connect attachment",
        "transit_gateway_peering_attachments: {tu: {requester: t, accepter: u}}
transit_gateway_connects: {c: {transport: tu}}";
    connect_peers: "connect-peers", 8, "`c` has 5 peers, AWS allows 4",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_connects:
  c: {transport: ta, peers: [{transit_gateway_address: 10.99.0.1, peer_address: 10.1.1.9}, {transit_gateway_address: 10.99.0.2, peer_address: 10.1.1.9}, {transit_gateway_address: 10.99.0.3, peer_address: 10.1.1.9}, {transit_gateway_address: 10.99.0.4, peer_address: 10.1.1.9}, {transit_gateway_address: 10.99.0.5, peer_address: 10.1.1.9}]}";
    connect_address: "connect-address", 7, "`10.98.0.1` is in no block",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_connects: {c: {transport: ta, peers: [{transit_gateway_address: 10.98.0.1, peer_address: 10.1.1.9}]}}";
    connect_inside: "connect-inside", 7, "`169.254.9.0/28` is not a /29",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_connects: {c: {transport: ta, peers: [{transit_gateway_address: 10.99.0.1, peer_address: 10.1.1.9, inside_cidrs: [169.254.9.0/28]}]}}";
    identical_block: "not-propagated", 0, "10.1.0.0/16 of `tx` is not propagated",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}, tx: {transit_gateway: t, vpc: x, subnets: [sx]}}";
    multicast_off: "multicast-off", 6, "`t` has no multicast support",
        "transit_gateway_multicast_domains: {m: {transit_gateway: t}}";
    two_domains: "second-domain", 9, "subnet `sa` is in another multicast domain",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_multicast_domains:
  m: {transit_gateway: t, subnets: [sa]}
  n: {transit_gateway: t, subnets: [sa]}";
    not_in_the_domain: "not-in-domain", 7, "`ib` is in no subnet of the multicast domain",
        "transit_gateway_vpc_attachments: {ta: {transit_gateway: t, vpc: a, subnets: [sa]}}
transit_gateway_multicast_domains: {m: {transit_gateway: t, subnets: [sa], groups: [{address: 239.1.1.1, members: [ib]}]}}";
    not_a_group: "not-multicast", 6, "`10.1.1.1` is not a multicast address",
        "transit_gateway_multicast_domains: {m: {transit_gateway: t, groups: [{address: 10.1.1.1}]}}";
    several_interfaces: "several-interfaces", 6, "`two` has several network interfaces",
        "transit_gateway_multicast_domains: {m: {transit_gateway: t, groups: [{address: 239.1.1.1, members: [two]}]}}";
    gateway_endpoint_with_subnets: "conflicting-fields", 7, "gateway endpoint `e` has no `subnets`",
        "prefix_lists: {pl: {entries: [52.216.0.0/15], name_tag: com.amazonaws.us-east-1.s3}}
vpc_endpoints: {e: {vpc: a, type: gateway, service: com.amazonaws.us-east-1.s3, subnets: [sa]}}";
    gateway_endpoint_without_a_list: "missing-prefix-list", 6, "needs the prefix list of `com.amazonaws.us-east-1.s3`",
        "vpc_endpoints: {e: {vpc: a, type: gateway, service: com.amazonaws.us-east-1.s3}}";
    private_dns_without_the_attributes: "private-dns", 6, "private DNS of `e` needs both DNS attributes",
        "vpc_endpoints: {e: {vpc: a, type: interface, service: com.amazonaws.us-east-1.ec2, subnets: [sa], private_dns: true}}";
    route_by_an_interface_endpoint: "route-target", 7, "`e` is an interface endpoint",
        "vpc_endpoints: {e: {vpc: a, type: interface, service: com.amazonaws.us-east-1.ec2, subnets: [sa]}}
route_tables: {r: {vpc: a, routes: [{to: 52.0.0.0/8, via: e}]}}";
    unknown_service: "unknown-reference", 6, "there is no endpoint service `nobody`",
        "vpc_endpoints: {e: {vpc: a, type: interface, service: nobody, subnets: [sa]}}";
}
