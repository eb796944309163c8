//! Endpoints, endpoint services, shared VPCs, Regions, multicast: `docs/behaviour/vpc-endpoint.md`, `vpc-sharing.md`,
//! `region.md`, `multicast.md`, and case 22 of the design's hybrid list.

use super::harness::*;
use vpcsim_engine::explain::{Hint, Outcome, hints};
use vpcsim_engine::verdict::NotifyKind;

/// A VPC with an S3 and an EC2 endpoint, an internet gateway, and a peer. `s3` and `ec2` are the endpoints' further fields.
fn endpoints(s3: &str, ec2: &str, routes: &str) -> String {
    format!(
        "
vpcs: {{v: {{cidr: 10.1.0.0/16, enable_dns_hostnames: true}}, p: {{cidr: 10.2.0.0/16}}}}
internet_gateways: {{igw: {{vpc: v}}}}
vpc_peering_connections: {{pcx: {{requester: v, accepter: p}}}}
prefix_lists: {{pl-s3: {{entries: [54.123.0.0/16, 52.216.0.0/15], name_tag: com.amazonaws.us-east-1.s3}}}}
vpc_endpoints:
  s3: {{vpc: v, type: gateway, service: com.amazonaws.us-east-1.s3, route_tables: [r]{s3}}}
  ec2: {{vpc: v, type: interface, service: com.amazonaws.us-east-1.ec2, subnets: [s], security_groups: [ge]{ec2}}}
subnets:
  s: {{vpc: v, az: a, cidr: 10.1.1.0/24, route_table: r}}
  s2: {{vpc: v, az: a, cidr: 10.1.2.0/24, network_acl: n}}
  sp: {{vpc: p, az: a, cidr: 10.2.1.0/24, route_table: rp}}
route_tables:
  r: {{vpc: v, routes: [{{to: 0.0.0.0/0, via: igw}}, {{to: 10.2.0.0/16, via: pcx}}{routes}]}}
  rp: {{vpc: p, routes: [{{to: 10.1.0.0/16, via: pcx}}, {{to: 52.216.0.0/15, via: pcx}}]}}
network_acls:
  n: {{vpc: v, inbound: [{{rule: 1, action: allow, from: 0.0.0.0/0}}], outbound: [{{rule: 1, action: deny, protocol: tcp, ports: 443, to: 10.1.1.0/24}}, {{rule: 2, action: allow, to: 0.0.0.0/0}}]}}
security_groups:
  g: {{vpc: v}}
  gp: {{vpc: p}}
  ge: {{vpc: v, inbound: [{{protocol: tcp, ports: 1-443, from: g}}, {{protocol: icmp, from: 10.0.0.0/8}}, {{protocol: tcp, ports: 443, from: 10.2.0.0/16}}]}}
instances:
  i: {{subnet: s, address: 10.1.1.10, public_ip: 198.51.100.10, security_groups: [g]}}
  i2: {{subnet: s2, address: 10.1.2.10, security_groups: [g]}}
  ip: {{subnet: sp, address: 10.2.1.10, security_groups: [gp]}}
"
    )
}

/// VPCE-1, VPCE-2, VPCE-8, case 22: the list leads to the endpoint, a part of it by a route of its own to the internet gateway; a
/// peer cannot use the endpoint.
#[test]
fn gateway_endpoint_and_user_route_case_22() {
    let net = net(&endpoints("", "", ", {to: 54.123.165.0/24, via: igw}"));
    let way = |to: &str| {
        let answer = ask(&net, &format!("i -> {to} tcp/443"));
        assert_eq!(answer.outcome, Outcome::Open, "{to}");
        let steps = answer.request.steps.iter().map(|s| net.names.row_text(&net.fabric, s.decision.by));
        steps.filter(|text| text.starts_with("vpce") || text.starts_with("igw")).collect::<Vec<_>>()
    };
    assert_eq!(way("54.123.1.1"), ["vpce s3"]);
    assert_eq!(way("54.123.165.9"), ["igw igw"]);
    check(
        &net,
        "ip -> 52.216.0.9 tcp/443",
        "no_reply request pcx pcx: the destination is not an address of the peer VPC",
    );
}

/// VPCE-2: the very same block in a written route wins too.
#[test]
fn an_identical_route_beats_the_endpoint() {
    let net = net(&endpoints("", "", ", {to: 52.216.0.0/15, via: igw}"));
    let answer = ask(&net, "i -> 52.216.0.9 tcp/443");
    assert!(answer.request.steps.iter().all(|s| !net.names.row_text(&net.fabric, s.decision.by).starts_with("vpce")));
}

/// VPCE-8: nor from behind a transit gateway.
#[test]
fn not_from_outside_the_vpc() {
    let yaml = endpoints("", "", "")
        + "transit_gateways: {t: {}}
transit_gateway_vpc_attachments: {tv: {transit_gateway: t, vpc: v, subnets: [s]}, tp: {transit_gateway: t, vpc: p, subnets: [sp]}}
transit_gateway_route_tables: {x: {transit_gateway: t, default_association: true, default_propagation: true, routes: [{to: 52.216.0.0/15, via: tv}]}}
";
    let yaml = yaml.replace("{to: 52.216.0.0/15, via: pcx}", "{to: 52.216.0.0/15, via: t}");
    check(&net(&yaml), "ip -> 52.216.0.9 tcp/443", "no_reply request vpce s3: the source is outside its VPC");
}

/// VPCE-3, VPCE-4: TCP and ping; ports 80 and 443; port 22 is silent by the endpoint and by the internet gateway; the service
/// sees the private address.
#[test]
fn what_s3_answers() {
    let by_endpoint = net(&endpoints("", "", ""));
    check(&by_endpoint, "i -> 52.216.0.9 ping", "reply");
    check(&by_endpoint, "i -> 52.216.0.9 tcp/80", "open");
    check(&by_endpoint, "i -> 52.216.0.9 tcp/22", "no_reply request vpce s3: its service does not answer this");
    check(&by_endpoint, "i -> 52.216.0.9 udp/443", "no_reply request vpce s3: a gateway endpoint takes TCP");
    assert_eq!(ask(&by_endpoint, "i -> 52.216.0.9 tcp/443").request.end_headers.src.to_string(), "10.1.1.10");
    let by_igw = net(&endpoints("", "", "").replace("route_tables: [r]", "route_tables: []"));
    check(&by_igw, "i -> 52.216.0.9 ping", "reply");
    check(
        &by_igw,
        "i -> 52.216.0.9 tcp/22",
        "no_reply request internet host com.amazonaws.us-east-1.s3 does not answer",
    );
}

/// VPCE-5, VPCE-7: groups and ACLs hold; 443 answers; ping and other ports are silent, without a reset.
#[test]
fn an_interface_endpoint_is_an_interface() {
    let net = net(&endpoints("", "", ""));
    check(&net, "i -> ec2 tcp/443", "open");
    check(&net, "i -> ec2 tcp/22", "no_reply request vpce ec2: its service does not answer this");
    check(&net, "i -> ec2 ping", "no_reply request vpce ec2: its service does not answer this");
    check(&net, "i -> ec2 tcp/8080", "no_reply request sg ge inbound default: no rule matches");
    check(&net, "i2 -> ec2 tcp/443", "no_reply request acl n outbound rule 1");
    check(&net, "ip -> ec2 tcp/443", "open");
}

/// VPCE-6: the service's own name, with private DNS and both attributes.
#[test]
fn private_dns() {
    let resolved = |ec2: &str, hostnames: bool| {
        let yaml = endpoints("", ec2, "");
        let yaml = if hostnames { yaml } else { yaml.replace(", enable_dns_hostnames: true", "") };
        let v = vpcsim_engine::base::ids::VpcIx(1);
        net(&yaml).resolve(v, "ec2.us-east-1.amazonaws.com").len()
    };
    assert_eq!(resolved("", true), 1);
    assert_eq!(resolved(", private_dns: false", true), 0);
    assert_eq!(resolved("", false), 0);
}

/// VPCE-9: a policy drops nothing, and is said to be no matter of packets.
#[test]
fn a_policy_is_no_network_matter() {
    let net = net(&endpoints(", restrictive_policy: true", "", ""));
    check(&net, "i -> 52.216.0.9 tcp/443", "open");
    assert!(matches!(hints(&net, &ask(&net, "i -> 52.216.0.9 tcp/443"))[..], [Hint::EndpointPolicy(_)]));
}

/// VPCE-10, case 21 of the core list: too big for an endpoint is dropped silently.
#[test]
fn too_big_for_an_endpoint_core_case_21() {
    let mut world = World::new(&endpoints("", "", ""));
    let ec2 = ask(&world.net, "i -> ec2 tcp/443").question.to;
    let mut big = tcp("10.1.1.10:40000", &format!("{ec2}:443"), SYN);
    big.payload = vpcsim_engine::wire::Payload::Zeros(8900);
    let sent = world.send(&big);
    assert!(sent.end.starts_with("dropped vpce ec2: larger than 8500 bytes"), "{}", sent.end);
    assert_eq!(sent.notify, None);
}

/// VPCE-10: segment sizes are clamped both ways, so TCP between jumbo frames does not hang.
#[test]
fn both_directions_are_clamped() {
    let net = net(&privatelink("", ""));
    let e = ask(&net, "ca1 -> e/ca tcp/443");
    let size = vpcsim_engine::explain::size(&net, &e.question, &e).expect("it passes");
    assert_eq!((size.sent, size.largest, size.stopped_by), (8500, 8500, None));
}

/// An endpoint that is not available: its route is a blackhole, its interface takes nothing.
#[test]
fn an_endpoint_that_is_not_available() {
    let net = net(&endpoints(", unavailable: true", ", unavailable: true", ""));
    check(&net, "i -> 52.216.0.9 tcp/443", "no_reply request rtb r route pl-s3 -> s3 (blackhole)");
    check(&net, "i -> ec2 tcp/443", "no_reply request vpce ec2 is not available");
}

/// A provider in zones a and b, a consumer with the same addresses in zones a, b and c.
fn privatelink(service: &str, more: &str) -> String {
    format!(
        "
vpcs: {{c: {{cidr: 10.0.0.0/16}}, p: {{cidr: 10.0.0.0/16}}}}
vpc_endpoints: {{e: {{vpc: c, type: interface, service: svc, subnets: [ca, cb, cc], security_groups: [ge]}}}}
vpc_endpoint_services: {{svc: {{subnets: [pa, pb], listeners: [{{listen: 443, target_port: 8443, targets: [t1, t2]}}]{service}}}}}
subnets:
  ca: {{vpc: c, az: a, cidr: 10.0.1.0/24}}
  cb: {{vpc: c, az: b, cidr: 10.0.2.0/24}}
  cc: {{vpc: c, az: c, cidr: 10.0.3.0/24}}
  pa: {{vpc: p, az: a, cidr: 10.0.1.0/24}}
  pb: {{vpc: p, az: b, cidr: 10.0.2.0/24}}
security_groups:
  gc: {{vpc: c}}
  ge: {{vpc: c, inbound: [{{from: 0.0.0.0/0}}]}}
  gt: {{vpc: p, inbound: [{{protocol: tcp, ports: 8443, from: 10.0.0.0/16}}]}}
  gl: {{vpc: p, inbound: [{{protocol: tcp, ports: 443, from: 10.0.1.20/32}}]}}
instances:
  ca1: {{subnet: ca, address: 10.0.1.20, security_groups: [gc]}}
  cb1: {{subnet: cb, address: 10.0.2.20, security_groups: [gc]}}
  cc1: {{subnet: cc, address: 10.0.3.20, security_groups: [gc]}}
  t1: {{subnet: pa, address: 10.0.1.50, security_groups: [gt], listen: [8443]}}
  t2: {{subnet: pa, address: 10.0.1.51, security_groups: [gt], listen: [8443]}}
{more}"
    )
}

/// VPCE-12, VPCE-13, VPCE-16: the target sees its own load balancer; each zone has its own node; zone b has no target, zone c no
/// node; with crossing of zones b works.
#[test]
fn provider_and_consumer() {
    let net = net(&privatelink("", ""));
    let endpoint = |from: &str, zone: &str| format!("{from} -> e/{zone} tcp/443");
    check(&net, &endpoint("ca1", "ca"), "open");
    let answer = ask(&net, &endpoint("ca1", "ca"));
    let seen = answer.request.end_headers;
    assert_eq!((seen.dst.to_string().starts_with("10.0.1.5"), seen.ports().1), (true, 8443));
    assert_ne!(seen.src.to_string(), "10.0.1.20");
    assert_eq!(answer.alternatives.len(), 2, "two targets");
    check(&net, &endpoint("cb1", "cb"), "no_reply request endpoint service svc: no usable target");
    check(&net, &endpoint("cc1", "cc"), "no_reply request vpce e: its service is not present in this zone");
    check(&super::harness::net(&privatelink(", cross_zone: true", "")), &endpoint("cb1", "cb"), "open");
    check(&net, "ca1 -> e/ca tcp/80", "no_reply request vpce e: its service does not answer this");
}

/// VPCE-11: nothing starts from the provider's side.
#[test]
fn one_direction_only() {
    let net = net(&privatelink("", ""));
    check(&net, "t1 -> svc/pa tcp/443", "no_reply request eni svc/pa: does not answer this");
}

/// VPCE-14: idle for 350 s: a reset from the endpoint.
#[test]
fn idle_connections_are_reset() {
    let mut world = World::new(&privatelink("", ""));
    let to = ask(&world.net, "ca1 -> e/ca tcp/443").question.to;
    let syn = tcp("10.0.1.20:40000", &format!("{to}:443"), SYN);
    let by = |world: &World| world.net.names.enis.iter_enumerated().find(|(_, l)| l.id == "ca1").unwrap().1.id.clone();
    let eni = by(&world);
    assert!(world.send_by(&eni, &syn).end.starts_with("to t"));
    let data = tcp("10.0.1.20:40000", &format!("{to}:443"), ACK);
    assert!(world.at(349).send_by(&eni, &data).end.starts_with("to t"));
    let late = world.at(349 + 350).send_by(&eni, &data);
    assert!(late.end.starts_with("dropped vpce e"), "{}", late.end);
    assert_eq!(late.notify.map(|n| n.kind), Some(NotifyKind::Reset));
}

/// VPCE-10: what an answer announces is clamped as well, so that no side sends what does not fit.
#[test]
fn both_sides_hear_how_much_fits_an_endpoint() {
    let mut world = World::new(&privatelink("", ""));
    let to = ask(&world.net, "ca1 -> e/ca tcp/443").question.to;
    let announce = |mut packet: vpcsim_engine::wire::Packet| {
        packet.payload = (&[2u8, 4, 0x23, 0x01][..]).into();
        if let vpcsim_engine::wire::L4::Tcp(tcp) = &mut packet.headers.l4 {
            tcp.options_len = 4;
        }
        packet
    };
    let syn = world.send_by("ca1", &announce(tcp("10.0.1.20:40000", &format!("{to}:443"), SYN)));
    assert_eq!(syn.packet.payload.to_vec(), [2, 4, 0x21, 0x0c], "8,460 of 8,961 bytes");
    let target = syn.end.strip_prefix("to ").expect("a target").to_owned();
    let answer = world.send_by(&target, &announce(reply(&syn.packet)));
    assert_eq!((answer.end.as_str(), answer.packet.payload.to_vec()), ("to ca1", vec![2, 4, 0x21, 0x0c]));
}

/// VPCE-15: the load balancer's group sees the consumer's own address.
#[test]
fn the_load_balancers_group_sees_the_consumer() {
    let net = net(&privatelink(", cross_zone: true, security_groups: [gl]", ""));
    check(&net, "ca1 -> e/ca tcp/443", "open");
    check(&net, "cb1 -> e/cb tcp/443", "no_reply request sg gl inbound default: no rule matches");
}

/// VPCE-12: the load balancer sends as itself, so a target's rule may name its group.
#[test]
fn a_targets_rule_names_the_load_balancers_group() {
    let with = |group: &str| {
        let yaml = privatelink(", security_groups: [gl]", "");
        net(&yaml.replace("ports: 8443, from: 10.0.0.0/16", &format!("ports: 8443, from: {group}")))
    };
    check(&with("gl"), "ca1 -> e/ca tcp/443", "open");
    check(&with("gt"), "ca1 -> e/ca tcp/443", "no_reply request sg gt inbound default: no rule matches");
}

/// VPCE-5, VPCE-13: in a zone that has failed an endpoint has no interface and a load balancer no node; the others go on.
#[test]
fn a_zone_fails_under_endpoints() {
    let (spec, _) =
        vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), privatelink(", cross_zone: true", "").as_bytes());
    let failed = std::collections::BTreeSet::from(["us-east-1b".to_owned()]);
    let net = vpcsim_engine::compile::compile_failed(&spec.unwrap(), 1, &failed).0.unwrap();
    check(&net, "ca1 -> e/ca tcp/443", "open");
    check(&net, "ca1 -> e/cb tcp/443", "no_reply request vpce e is not available");
}

/// SHARE-1: interfaces and groups of participants in the owner's subnet: one VPC.
#[test]
fn a_shared_vpc_is_one_vpc() {
    let net = net("
account: '111111111111'
vpcs: {v: {cidr: 10.1.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.1.1.0/24}}
security_groups:
  ga: {vpc: v, account: '222222222222'}
  gb: {vpc: v, account: '333333333333', inbound: [{protocol: tcp, ports: 22, from: ga}]}
instances:
  a: {subnet: s, address: 10.1.1.10, account: '222222222222', security_groups: [ga]}
  b: {subnet: s, address: 10.1.1.11, account: '333333333333', security_groups: [gb], listen: [22]}
");
    check(&net, "a -> b tcp/22", "open");
    check(&net, "b -> a tcp/22", "no_reply request sg ga inbound default");
}

/// SHARE-2: one account's zone a is another's zone b; the ids say so.
#[test]
fn zones_are_told_apart_by_id() {
    let yaml = |id: &str| {
        format!(
            "
vpcs: {{a: {{cidr: 10.1.0.0/16, account: '111111111111'}}, b: {{cidr: 10.2.0.0/16, account: '222222222222'}}}}
transit_gateways: {{t: {{}}}}
transit_gateway_vpc_attachments: {{ta: {{transit_gateway: t, vpc: a, subnets: [sa]}}, tb: {{transit_gateway: t, vpc: b, subnets: [sb1, sb2]}}}}
subnets:
  sa: {{vpc: a, az: a, az_id: use1-az1, cidr: 10.1.1.0/24, route_table: ra}}
  sb1: {{vpc: b, az: a, az_id: use1-az2, cidr: 10.2.1.0/24}}
  sb2: {{vpc: b, az: b, az_id: {id}, cidr: 10.2.2.0/24}}
route_tables: {{ra: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: t}}]}}}}
security_groups: {{gb: {{vpc: b, inbound: [{{from: 0.0.0.0/0}}]}}}}
instances: {{a1: {{subnet: sa, address: 10.1.1.10}}, b1: {{subnet: sb1, address: 10.2.1.10, security_groups: [gb]}}}}"
        )
    };
    let out = |id: &str| crossings(&net(&yaml(id)), "a1 -> b1 ping").into_iter().find(|c| c.starts_with("tb/"));
    assert_eq!(out("use1-az1").as_deref(), Some("tb/sb2 out ACCEPT"));
    // Another zone altogether: any of the two may be used.
    assert_eq!(ask(&net(&yaml("use1-az4")), "a1 -> b1 ping").alternatives.len(), 2);
}

/// REG-2: Regions that the table lacks are 50 ms apart.
#[test]
fn an_unknown_pair_of_regions() {
    let net = net("
vpcs: {a: {cidr: 10.1.0.0/16}, b: {cidr: 10.2.0.0/16, region: me-south-1}}
vpc_peering_connections: {ab: {requester: a, accepter: b}}
subnets: {sa: {vpc: a, az: a, cidr: 10.1.1.0/24, route_table: ra}, sb: {vpc: b, az: a, cidr: 10.2.1.0/24}}
route_tables: {ra: {vpc: a, routes: [{to: 10.2.0.0/16, via: ab}]}}
security_groups: {gb: {vpc: b, inbound: [{from: 0.0.0.0/0}]}}
instances: {a1: {subnet: sa}, b1: {subnet: sb, security_groups: [gb]}}
");
    assert_eq!(ask(&net, "a1 -> b1 ping").request.latency.0, 50_000_000);
}

/// A sender and members in two VPCs; `domain` is the domain's body.
fn multicast(domain: &str) -> String {
    format!(
        "
vpcs: {{a: {{cidr: 10.1.0.0/16}}, b: {{cidr: 10.2.0.0/16}}}}
transit_gateways: {{t: {{multicast: true}}}}
transit_gateway_vpc_attachments: {{ta: {{transit_gateway: t, vpc: a, subnets: [sa]}}, tb: {{transit_gateway: t, vpc: b, subnets: [sb]}}}}
transit_gateway_multicast_domains: {{m: {{transit_gateway: t, subnets: [sa, sb]{domain}}}}}
subnets: {{sa: {{vpc: a, az: a, cidr: 10.1.1.0/24}}, sb: {{vpc: b, az: a, cidr: 10.2.1.0/24}}, so: {{vpc: b, az: a, cidr: 10.2.2.0/24}}}}
security_groups:
  ga: {{vpc: a}}
  gb: {{vpc: b, inbound: [{{protocol: udp, ports: 9000, from: 10.1.0.0/16}}]}}
  gx: {{vpc: b, inbound: [{{protocol: udp, ports: 9000, from: 10.9.0.0/16}}]}}
instances:
  src: {{subnet: sa, address: 10.1.1.10, security_groups: [ga]}}
  m1: {{subnet: sb, address: 10.2.1.10, security_groups: [gb], listen: [udp/9000]}}
  m2: {{subnet: sb, address: 10.2.1.11, security_groups: [gx], listen: [udp/9000]}}
  out: {{subnet: so, address: 10.2.2.10, security_groups: [gb]}}
"
    )
}

/// MCAST-1, MCAST-3, MCAST-5: copies to listed members, each by its own filters, with the sender's address as the source.
#[test]
fn copies_to_members() {
    let groups = ", groups: [{address: 239.1.1.1, members: [m1, m2], sources: [src]}]";
    let network = net(&multicast(groups));
    let answer = ask(&network, "src -> 239.1.1.1 udp/9000");
    assert_eq!(answer.copies.len(), 2);
    check(&network, "src -> 239.1.1.1 udp/9000", "no_reply request sg gx inbound default: no rule matches");
    check(&network, "src -> 239.9.9.9 udp/9000", "no_reply request multicast domain m: the group has no other member");
    check(&network, "out -> 239.1.1.1 udp/9000", "no_reply request vpc b: the subnet is in no multicast domain");
    let listed = net(&multicast(&format!("{groups}, static_sources: true")));
    check(&listed, "m1 -> 239.1.1.1 udp/9000", "no_reply request multicast domain m: the sender is not one of");
}

/// MCAST-6: fragments are dropped.
#[test]
fn no_fragments() {
    let mut world = World::new(&multicast(", groups: [{address: 239.1.1.1, members: [m1]}]"));
    let [first, _] = fragments(&udp("10.1.1.10:1", "239.1.1.1:9000", 3000), 1480);
    let sent = world.send(&first);
    assert!(sent.end.starts_with("dropped multicast domain m: drops fragments"), "{}", sent.end);
}
