//! Small random networks of sites, VPNs, Direct Connect and Connect peers.

use std::fmt::Write;
use vpcsim_engine::base::{Ratio, Stream};
use vpcsim_engine::spec::{Spec, VpnTunnel};

fn one_in(stream: &mut Stream, n: u64) -> bool {
    stream.below(n) == 0
}

/// What a router does with a neighbour.
fn policy(stream: &mut Stream, peer: &str, lan: &str) -> String {
    let mut out = format!("{{peer: {peer}");
    if one_in(stream, 3) {
        let _ = write!(out, ", local_preference: {}", 50 + 50 * stream.below(4));
    }
    if one_in(stream, 4) {
        let _ = write!(out, ", prepend: {}", 1 + stream.below(3));
    }
    if one_in(stream, 4) {
        let _ = write!(out, ", med: {}", 10 * stream.below(4));
    }
    if one_in(stream, 5) {
        let _ = write!(out, ", announces: [{lan}]");
    }
    if one_in(stream, 6) {
        let _ = write!(out, ", accepts: [10.0.0.0/8]");
    }
    if one_in(stream, 8) {
        out.push_str(", default_originate: true");
    }
    if one_in(stream, 5) {
        let tag = ["7224:7100", "7224:7200", "7224:7300", "no-export"][stream.below(4) as usize];
        let _ = write!(out, ", communities: [\"{tag}\"]");
    }
    if peer.starts_with("vif") && one_in(stream, 2) {
        out.push_str(", bfd: true");
    }
    if one_in(stream, 4) {
        let _ = write!(out, ", hold_time: {}s", 3 + stream.below(60));
    }
    out.push('}');
    out
}

/// A topology: one or two VPCs, a virtual private gateway, a transit gateway, a Direct Connect gateway, one to three sites.
pub(crate) fn topology(stream: &mut Stream) -> String {
    let sites = 1 + stream.below(3);
    let same_asn = one_in(stream, 8);
    let mut out = String::from("vpcs: {a: {cidr: 10.1.0.0/16}, b: {cidr: 10.2.0.0/16}}\n");
    out.push_str(
        "subnets: {sa: {vpc: a, az: a, cidr: 10.1.1.0/24}, sb: {vpc: b, az: a, cidr: 10.2.1.0/24, route_table: rb}}\n",
    );
    let vgw_asn = 64512 + stream.below(2);
    let _ = writeln!(out, "vpn_gateways: {{vgw: {{vpc: a, asn: {vgw_asn}}}}}");
    out.push_str("transit_gateways: {tgw: {asn: 64600, cidrs: [10.99.0.0/24], default_route_table_association: false, default_route_table_propagation: false}}\n");
    out.push_str("transit_gateway_vpc_attachments: {att: {transit_gateway: tgw, vpc: b, subnets: [sb]}}\n");
    out.push_str("direct_connect_gateways: {dxgw: {asn: 64700}}\n");
    let to_tgw = one_in(stream, 2);
    if to_tgw {
        out.push_str("direct_connect_gateway_associations: {dx: {direct_connect_gateway: dxgw, transit_gateway: tgw, allowed_prefixes: [10.0.0.0/8]}}\n");
    } else {
        out.push_str("direct_connect_gateway_associations: {dx: {direct_connect_gateway: dxgw, vpn_gateway: vgw}}\n");
    }
    let (mut routers, mut cgws, mut vpns, mut lines, mut vifs) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    let mut attached = vec!["att".to_owned()];
    if to_tgw {
        attached.push("dx".to_owned());
    }
    for site in 0..sites {
        let lan = format!("172.{}.0.0/16", 16 + site);
        let asn = if same_asn { 65000 } else { 65000 + site };
        let mut neighbors: Vec<String> = Vec::new();
        let vpn = one_in(stream, 2) || site == 0;
        if vpn {
            let name = format!("vpn-{site}");
            let tgw = one_in(stream, 2);
            let end = if tgw { "transit_gateway: tgw" } else { "vpn_gateway: vgw" };
            let _ =
                writeln!(cgws, "  cgw-{site}: {{ip_address: 203.0.113.{}, asn: {asn}, router: r{site}}}", 10 + site);
            let _ = writeln!(vpns, "  {name}: {{customer_gateway: cgw-{site}, {end}}}");
            if tgw {
                attached.push(name.clone());
            }
            match stream.below(3) {
                0 => neighbors.push(policy(stream, &name, &lan)),
                1 => {
                    neighbors.push(policy(stream, &format!("{name}/1"), &lan));
                    neighbors.push(policy(stream, &format!("{name}/2"), &lan));
                }
                _ => {}
            }
        }
        if !vpn || one_in(stream, 2) {
            let name = format!("vif-{site}");
            let (kind, end) = match (to_tgw, one_in(stream, 3)) {
                (true, _) => ("transit", "direct_connect_gateway: dxgw"),
                (false, true) => ("private", "vpn_gateway: vgw"),
                (false, false) => ("private", "direct_connect_gateway: dxgw"),
            };
            let link = if end.contains("dxgw") && one_in(stream, 4) { ", site_link: true" } else { "" };
            let _ = writeln!(lines, "  line-{site}: {{router: r{site}}}");
            let _ = writeln!(
                vifs,
                "  {name}: {{type: {kind}, connection: line-{site}, vlan: {}, {end}{link}}}",
                100 + site
            );
            if one_in(stream, 2) {
                neighbors.push(policy(stream, &name, &lan));
            }
        }
        if site > 0 && one_in(stream, 2) {
            neighbors.push(format!("{{peer: r{}}}", site - 1));
        }
        let multipath = if one_in(stream, 4) { ", multipath: true" } else { "" };
        let list = neighbors.join(", ");
        let _ = writeln!(routers, "  r{site}: {{asn: {asn}, networks: [{lan}], neighbors: [{list}]{multipath}}}");
    }
    out.push_str("route_tables: {rb: {vpc: b, routes: [{to: 10.99.0.0/24, via: tgw}]}}\n");
    let peers = if one_in(stream, 3) { 1 + stream.below(3) } else { 0 };
    if peers > 0 {
        attached.push("gre".to_owned());
        out.push_str(&connect(stream, peers));
    }
    let list = attached.join(", ");
    let _ = writeln!(
        out,
        "transit_gateway_route_tables: {{rtb: {{transit_gateway: tgw, associations: [{list}], propagations: [{list}]}}}}"
    );
    for (key, text) in [
        ("routers", routers),
        ("customer_gateways", cgws),
        ("vpn_connections", vpns),
        ("direct_connect_connections", lines),
        ("virtual_interfaces", vifs),
    ] {
        if !text.is_empty() {
            let _ = write!(out, "{key}:\n{text}");
        }
    }
    out
}

/// Appliances in one VPC, and their tunnels.
fn connect(stream: &mut Stream, peers: u64) -> String {
    let (mut tunnels, mut instances) = (String::new(), String::new());
    for n in 0..peers {
        // What sites announce too, or a prefix of its own.
        let block = if one_in(stream, 2) { "172.16.0.0/16".to_owned() } else { format!("192.168.{n}.0/24") };
        let asn = [64600, 65000, 65100, 65100][stream.below(4) as usize];
        let _ = writeln!(
            tunnels,
            "      - {{transit_gateway_address: 10.99.0.{}, peer_address: 10.2.1.{}, inside_cidrs: [169.254.10{n}.0/29], \
             peer_asn: {asn}, advertises: [{block}]}}",
            1 + n,
            10 + n
        );
        let _ = writeln!(
            instances,
            "  edge-{n}: {{subnet: sb, address: 10.2.1.{}, security_groups: [ge], source_dest_check: false, forwarding: {{}}}}",
            10 + n
        );
    }
    format!(
        "security_groups: {{ge: {{vpc: b}}}}\ninstances:\n{instances}transit_gateway_connects:\n  gre:\n    transport: att\n    peers:\n{tunnels}"
    )
}

/// The same where one line loses everything, and the name of the session that crosses it.
pub(crate) fn break_a_line(stream: &mut Stream, spec: &Spec) -> (Spec, String) {
    let mut broken = spec.clone();
    let vpns: Vec<String> = spec.vpn_connections.keys().map(|name| name.value.clone()).collect();
    let vifs: Vec<String> = spec.virtual_interfaces.keys().map(|name| name.value.clone()).collect();
    let at = stream.below((2 * vpns.len() + vifs.len()) as u64) as usize;
    if let Some(vif) = at.checked_sub(2 * vpns.len()) {
        let line = spec.virtual_interfaces[vifs[vif].as_str()].connection.value.clone();
        broken.direct_connect_connections.get_mut(line.as_str()).expect("it has a line").loss = Some(Ratio(Ratio::ONE));
        return (broken, vifs[vif].clone());
    }
    let (vpn, n) = (&vpns[at / 2], at % 2);
    let tunnels = &mut broken.vpn_connections.get_mut(vpn.as_str()).expect("it is there").tunnels;
    while tunnels.len() < 2 {
        tunnels.push(VpnTunnel::default().into());
    }
    tunnels[n].value.loss = Some(Ratio(Ratio::ONE));
    (broken, format!("{vpn}/{}", n + 1))
}
