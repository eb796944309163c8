//! Transit gateways: `docs/behaviour/transit-gateway.md`, and cases 7, 8, 11, 12 and 15 of the design's hybrid list.

use super::harness::*;
use vpcsim_engine::verdict::NotifyKind;

/// Two VPCs of three zones; `a` is attached in zones a and b, `b` in all. `tgw`, `ta` and `tb` are the bodies' further
/// fields, `more` is YAML.
pub(super) fn two(tgw: &str, ta: &str, tb: &str, more: &str) -> String {
    format!(
        "
vpcs: {{a: {{cidr: 10.1.0.0/16, ipv6_cidrs: ['2600:1f18:1::/56']}}, b: {{cidr: 10.2.0.0/16, ipv6_cidrs: ['2600:1f18:2::/56']}}}}
transit_gateways: {{t: {{{tgw}}}}}
transit_gateway_vpc_attachments:
  ta: {{transit_gateway: t, vpc: a, subnets: [at-a, at-b]{ta}}}
  tb: {{transit_gateway: t, vpc: b, subnets: [bt-a, bt-b, bt-c]{tb}}}
subnets:
  a-a: {{vpc: a, az: a, cidr: 10.1.1.0/24, ipv6_cidr: '2600:1f18:1:1::/64', route_table: ra}}
  a-c: {{vpc: a, az: c, cidr: 10.1.3.0/24, route_table: ra}}
  at-a: {{vpc: a, az: a, cidr: 10.1.11.0/24, route_table: ra}}
  at-b: {{vpc: a, az: b, cidr: 10.1.12.0/24, route_table: ra}}
  b-a: {{vpc: b, az: a, cidr: 10.2.1.0/24, ipv6_cidr: '2600:1f18:2:1::/64', route_table: rb}}
  b-c: {{vpc: b, az: c, cidr: 10.2.3.0/24, route_table: rb}}
  bt-a: {{vpc: b, az: a, cidr: 10.2.11.0/24}}
  bt-b: {{vpc: b, az: b, cidr: 10.2.12.0/24}}
  bt-c: {{vpc: b, az: c, cidr: 10.2.13.0/24}}
route_tables:
  ra: {{vpc: a, routes: [{{to: 10.2.0.0/16, via: t}}, {{to: '2600:1f18:2::/56', via: t}}]}}
  rb: {{vpc: b, routes: [{{to: 10.1.0.0/16, via: t}}, {{to: '2600:1f18:1::/56', via: t}}]}}
security_groups:
  ga: {{vpc: a, inbound: [{{from: 0.0.0.0/0}}, {{from: '::/0'}}]}}
  gb: {{vpc: b, inbound: [{{from: 0.0.0.0/0}}, {{from: '::/0'}}]}}
  gname: {{vpc: b, inbound: [{{protocol: tcp, ports: 22, from: ga}}]}}
instances:
  a1: {{subnet: a-a, address: 10.1.1.10, ipv6_addresses: ['2600:1f18:1:1::10'], security_groups: [ga], listen: [22]}}
  a3: {{subnet: a-c, address: 10.1.3.10, security_groups: [ga], listen: [22]}}
  ax: {{subnet: at-a, address: 10.1.11.10, security_groups: [ga], listen: [22]}}
  b1: {{subnet: b-a, address: 10.2.1.10, ipv6_addresses: ['2600:1f18:2:1::10'], security_groups: [gb], listen: [22]}}
  b2: {{subnet: b-a, address: 10.2.1.20, security_groups: [gname], listen: [22]}}
  b3: {{subnet: b-c, address: 10.2.3.10, security_groups: [gb], listen: [22]}}
{more}"
    )
}

fn plain() -> String {
    two("", "", "", "")
}

/// TGW-5, case 7: zone c of `a` has no attachment: from it nothing leaves; to it packets are delivered by another zone.
#[test]
fn no_subnet_in_the_zone_case_7() {
    let net = net(&plain());
    check(&net, "a3 -> b1 ping", "no_reply request tgw attachment ta: no subnet in the sender's zone");
    check(&net, "b1 -> a3 ping", "no_reply reply tgw attachment ta: no subnet in the sender's zone");
    assert_eq!(crossings(&net, "b1 -> a3 ping")[3], "a3 in ACCEPT");
}

/// TGW-8, TGW-9: from zone a by zone a; what comes from a zone that the other side lacks may take any of its zones.
#[test]
fn the_zone_is_kept_or_chosen() {
    let net = net(&plain());
    let kept = ask(&net, "a1 -> b3 tcp/22");
    // The request comes in zone a; the reply comes from zone c, which `a` lacks.
    assert_eq!(kept.alternatives.len(), 2, "one choice, of two zones");
    assert!(!kept.depends_on_choice());
    assert!(crossings(&net, "a1 -> b3 tcp/22").contains(&"tb/bt-a out ACCEPT".to_owned()));
    assert!(ask(&net, "a1 -> b1 tcp/22").alternatives.is_empty());
}

/// TGW-16, case 8, and case 22 of the core list.
#[test]
fn acls_around_an_attachment_case_8_core_case_22() {
    let acl = |inbound: &str, outbound: &str| {
        format!(
            "network_acls: {{n: {{vpc: a, inbound: [{inbound}{{rule: 90, action: allow, from: 0.0.0.0/0}}], outbound: [{outbound}{{rule: 90, action: allow, to: 0.0.0.0/0}}]}}}}\n"
        )
    };
    let on_attachment = |inbound: &str, outbound: &str| {
        plain().replace("cidr: 10.1.11.0/24, route_table: ra}", "cidr: 10.1.11.0/24, route_table: ra, network_acl: n}")
            + &acl(inbound, outbound)
    };
    let deny_in = "{rule: 10, action: deny, from: 10.2.0.0/16}, ";
    // One subnet: what comes from the transit gateway is not asked at all.
    check(&net(&on_attachment(deny_in, "")), "b1 -> ax tcp/22", "open");
    // One subnet, on the way out: outbound on the destination, inbound on the own source.
    let deny_out = "{rule: 10, action: deny, to: 10.2.0.0/16}, ";
    check(&net(&on_attachment("", deny_out)), "ax -> b1 tcp/22", "no_reply request acl n outbound rule 10");
    let own = "{rule: 10, action: deny, from: 10.1.11.0/24}, ";
    check(&net(&on_attachment(own, "")), "ax -> b1 tcp/22", "no_reply request acl n inbound rule 10");
    // Two subnets: inbound deny-all on the attachment's: requests come in, replies do not get out.
    let all = "{rule: 10, action: deny, from: 0.0.0.0/0}, ";
    check(&net(&on_attachment(all, "")), "b1 -> a1 tcp/22", "no_reply reply acl n inbound rule 10");
    // And its outbound is asked on the way in.
    let to_a = "{rule: 10, action: deny, to: 10.1.1.0/24}, ";
    check(&net(&on_attachment("", to_a)), "b1 -> a1 tcp/22", "no_reply request acl n outbound rule 10");
}

fn table(routes: &str, more: &str) -> String {
    format!(
        "transit_gateway_route_tables: {{main: {{transit_gateway: t, default_association: true, default_propagation: true, routes: [{routes}]}}{more}}}\n"
    )
}

/// TGW-11, TGW-12, TGW-26, case 11: a blackhole for 10.0.0.0/8 and a propagated 10.2.0.0/16: the longer one wins.
#[test]
fn blackhole_against_longest_prefix_case_11() {
    let yaml = two("", "", "", &table("{to: 10.0.0.0/8, blackhole: true}", ""))
        .replace("{to: 10.2.0.0/16, via: t}", "{to: 10.0.0.0/8, via: t}");
    let net = net(&yaml);
    check(&net, "a1 -> b1 tcp/22", "open");
    check(&net, "a1 -> 10.99.0.5 tcp/22", "no_reply request tgw rtb main route 10.0.0.0/8 -> blackhole");
}

/// TGW-11: of equal prefixes a static route beats a propagated one, and a prefix list one too.
#[test]
fn static_before_list_before_propagated() {
    let list = "prefix_lists: {pl: {entries: [10.2.0.0/16]}}\n";
    let by_list = two("", "", "", &(table("{to: pl, blackhole: true}", "") + list));
    check(&net(&by_list), "a1 -> b1 tcp/22", "no_reply request tgw rtb main route pl -> blackhole");
    let both = two("", "", "", &(table("{to: pl, blackhole: true}, {to: 10.2.0.0/16, via: tb}", "") + list));
    check(&net(&both), "a1 -> b1 tcp/22", "open");
}

/// TGW-14, case 12: a second VPC with the same block: attached, not propagated; traffic goes to the first.
#[test]
fn identical_vpc_attached_later_case_12() {
    let more = "";
    let yaml = two("", "", "", more)
        .replace("b: {cidr: 10.2.0.0/16,", "z: {cidr: 10.2.0.0/16}, b: {cidr: 10.2.0.0/16,")
        .replace("  tb: {", "  tz: {transit_gateway: t, vpc: z, subnets: [z-a]}\n  tb: {")
        .replace("  b-a: {", "  z-a: {vpc: z, az: a, cidr: 10.2.1.0/24}\n  b-a: {");
    let found = diagnostics(&yaml);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["not-propagated"], "{found:?}");
    let (spec, _) = vpcsim_engine::spec::read(vpcsim_engine::diag::FileIx(0), yaml.as_bytes());
    let net = vpcsim_engine::compile::compile(&spec.unwrap()).0.unwrap();
    assert!(crossings(&net, "a1 -> 10.2.1.10 tcp/22").contains(&"b1 in ACCEPT".to_owned()));
}

/// TGW-3, TGW-7, TGW-13: without an association, and without a route.
#[test]
fn no_association_no_route() {
    let off = "default_route_table_association: false, default_route_table_propagation: false";
    let tables = |body: &str| format!("transit_gateway_route_tables: {{main: {{transit_gateway: t{body}}}}}\n");
    check(
        &net(&two(off, "", "", &tables(""))),
        "a1 -> b1 ping",
        "no_reply request tgw attachment ta: associated with no route table",
    );
    let half = tables(", associations: [ta, tb], propagations: [tb]");
    check(&net(&two(off, "", "", &half)), "a1 -> b1 ping", "no_reply reply tgw rtb main: no route to the destination");
    check(&net(&plain()), "a1 -> b1 ping", "reply");
}

/// TGW-2, TGW-12: an attachment that is not available: its VPC's routes are blackholes, static routes to it too, and what
/// it propagated is gone.
#[test]
fn an_attachment_that_is_not_available() {
    let gone = two("", "", ", state: failed", "");
    check(&net(&gone), "b1 -> a1 ping", "no_reply request rtb rb route 10.1.0.0/16 -> t (blackhole)");
    check(&net(&gone), "a1 -> b1 ping", "no_reply request tgw rtb t/default: no route to the destination");
    let fixed = two("", "", ", state: pending", &table("{to: 10.2.0.0/16, via: tb}", ""));
    check(&net(&fixed), "a1 -> b1 ping", "no_reply request tgw rtb main route 10.2.0.0/16 -> tb (blackhole)");
    check(&net(&two("", "", ", state: modifying", "")), "a1 -> b1 ping", "reply");
}

/// TGW-15: IPv6 blocks are learnt with the option only.
#[test]
fn ipv6_with_the_option() {
    let question = "2600:1f18:1:1::10 -> 2600:1f18:2:1::10 tcp/22";
    check(&net(&two("", ", ipv6: true", ", ipv6: true", "")), question, "open");
    check(&net(&plain()), question, "no_reply request tgw rtb t/default: no route to the destination");
}

/// TGW-17, TGW-18, case 15, and case 21 of the core list: 9,001 bytes that must not be cut.
#[test]
fn too_big_case_15_core_case_21() {
    for (profile, told) in [("", true), ("profile: {transit_gateway_icmp: false}\n", false)] {
        let mut world = World::new(&(profile.to_owned() + &plain()));
        world.sends(&dont_fragment(udp("10.1.1.10:1", "10.2.1.10:9", 8500 - 28)), "to b1");
        let sent = world.send(&dont_fragment(udp("10.1.1.10:1", "10.2.1.10:9", 9001 - 28)));
        assert!(sent.end.starts_with("dropped tgw attachment ta: larger than 8500 bytes"), "{}", sent.end);
        assert_eq!(sent.notify.map(|n| n.kind), told.then_some(NotifyKind::TooBig { mtu: 8500 }));
    }
    let mut world = World::new(&plain());
    let mut syn = tcp("10.1.1.10:40000", "10.2.1.10:22", SYN);
    syn.payload = (&[2u8, 4, 0x23, 0x01][..]).into();
    if let vpcsim_engine::wire::L4::Tcp(tcp) = &mut syn.headers.l4 {
        tcp.options_len = 4;
    }
    let arrived = world.sends(&syn, "to b1");
    assert_eq!(arrived.payload.to_vec(), [2, 4, 0x21, 0x0c], "a segment of 8,460 bytes");
}

/// TGW-15, TGW-17: an attachment with IPv6 has IPv6 addresses, and tells of what is too big by one.
#[test]
fn too_big_for_ipv6() {
    let yaml = two("", ", ipv6: true", ", ipv6: true", "")
        .replace("cidr: 10.1.11.0/24", "cidr: 10.1.11.0/24, ipv6_cidr: '2600:1f18:1:b::/64'");
    let mut world = World::new(&yaml);
    let (a, b) = ("[2600:1f18:1:1::10]:1", "[2600:1f18:2:1::10]:9");
    world.sends(&udp(a, b, 8500 - 48), "to b1");
    let sent = world.send(&udp(a, b, 8501 - 48));
    assert!(sent.end.starts_with("dropped tgw attachment ta: larger than 8500 bytes"), "{}", sent.end);
    let notify = sent.notify.expect("the sender is told");
    assert_eq!(notify.kind, NotifyKind::TooBig { mtu: 8500 });
    assert!(notify.from.is_ipv6(), "{notify:?}");
}

/// TGW-19: it takes one off, and drops the last one silently.
#[test]
fn time_to_live() {
    let mut world = World::new(&plain());
    let mut packet = ping("10.1.1.10", "10.2.1.10");
    assert_eq!(world.sends(&packet, "to b1").headers.ttl, 63);
    packet.headers.ttl = 1;
    let sent = world.send(&packet);
    assert!(sent.end.starts_with("dropped tgw attachment ta: time to live expired"), "{}", sent.end);
    assert_eq!(sent.notify, None);
}

/// TGW-20: off at the transit gateway by default, on at the attachments.
#[test]
fn groups_across() {
    let on = "security_group_referencing: true";
    let denied = "no_reply request sg gname inbound default: no rule matches";
    check(&net(&plain()), "a1 -> b2 tcp/22", denied);
    check(&net(&two(on, "", "", "")), "a1 -> b2 tcp/22", "open");
    for (ta, tb) in [(", security_group_referencing: false", ""), ("", ", security_group_referencing: false")] {
        check(&net(&two(on, ta, tb, "")), "a1 -> b2 tcp/22", denied);
    }
}

/// TGW-4, TGW-21: its interfaces have addresses, no group, and answer nothing.
#[test]
fn its_own_addresses_are_silent() {
    let net = net(&plain());
    check(&net, "a1 -> ta/at-a ping", "no_reply request eni ta/at-a: does not answer this");
    let eni = net.names.enis.iter_enumerated().find(|(_, l)| l.id == "ta/at-a").unwrap().0;
    assert!(net.fabric.sg_sets[net.fabric.enis[eni].sg_set].groups.is_empty());
}

/// RTB-5, case 13 of the core list: a transit gateway is no target for a part of the VPC.
#[test]
fn more_specific_than_local_core_case_13() {
    let yaml = plain().replace("{to: 10.2.0.0/16, via: t}", "{to: 10.2.0.0/16, via: t}, {to: 10.1.1.0/24, via: t}");
    assert_eq!(diagnostics(&yaml).iter().map(|d| d.code).collect::<Vec<_>>(), ["route-target"]);
}

/// TGW-22: names of instances in another attached VPC.
#[test]
fn names_of_attached_vpcs() {
    let resolved = |option: &str| {
        let yaml = two("", "", option, "internet_gateways: {igw: {vpc: b}}\n")
            .replace("vpcs: {a: {", "vpcs: {a: {enable_dns_hostnames: true, ")
            .replace(" b: {cidr", " b: {enable_dns_hostnames: true, cidr")
            .replace("address: 10.2.1.10,", "address: 10.2.1.10, public_ip: 198.51.100.7,");
        net(&yaml).resolve(vpcsim_engine::base::ids::VpcIx(0), "ec2-198-51-100-7.compute-1.amazonaws.com")[0]
            .to_string()
    };
    assert_eq!(resolved(""), "10.2.1.10");
    assert_eq!(resolved(", dns_support: false"), "198.51.100.7");
}
