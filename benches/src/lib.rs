//! Networks that the benchmarks share, and the way to measure processor time.

use std::fmt::Write;
use vpcsim_engine::base::Instant;
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::HostRef;
use vpcsim_engine::sim::Sim;
use vpcsim_engine::spec;
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Udp};

/// Compiles a topology that is written here and so must be right.
///
/// # Panics
/// If it is not.
#[must_use]
pub fn network(text: &str) -> Network {
    let (spec, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let (network, diagnostics) = compile(&spec.expect("it was read"));
    network.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// A client, `middleboxes` forwarding instances one behind the other, and a server, each in a subnet of its
/// own, with a security group and an ACL of a few rows at every one.
#[must_use]
pub fn chain(middleboxes: usize) -> String {
    let mut out = String::from("vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets:\n");
    let hosts = middleboxes + 2;
    for n in 0..hosts {
        let _ = writeln!(out, "  s{n}: {{vpc: v, az: a, cidr: 10.0.{n}.0/24, route_table: r{n}, network_acl: acl}}");
    }
    out.push_str("route_tables:\n");
    for n in 0..hosts {
        let server = hosts - 1;
        match n {
            n if n < middleboxes => {
                let _ = writeln!(out, "  r{n}: {{vpc: v, routes: [{{to: 10.0.{server}.0/24, via: i{}}}]}}", n + 1);
            }
            _ => {
                let _ = writeln!(out, "  r{n}: {{vpc: v}}");
            }
        }
    }
    out.push_str(
        "network_acls:\n  acl:\n    vpc: v\n    inbound:\n      - {rule: 90, action: deny, protocol: tcp, ports: 23, from: 0.0.0.0/0}\n      - {rule: 100, action: allow, from: 10.0.0.0/16}\n    outbound:\n      - {rule: 90, action: deny, protocol: tcp, ports: 23, to: 0.0.0.0/0}\n      - {rule: 100, action: allow, to: 10.0.0.0/16}\n",
    );
    out.push_str(
        "security_groups:\n  sg:\n    vpc: v\n    inbound: [{protocol: udp, ports: 5000-6000, from: 10.0.0.0/16}]\n    outbound: [{protocol: udp, ports: 5000-6000, to: 10.0.0.0/16}]\ninstances:\n",
    );
    for n in 0..hosts {
        let forwards = if n == 0 || n == hosts - 1 { "" } else { ", source_dest_check: false, forwarding: {}" };
        let _ = writeln!(
            out,
            "  i{n}: {{subnet: s{n}, address: 10.0.{n}.10, security_groups: [sg], bandwidth: 5Gbps{forwards}}}"
        );
    }
    out
}

/// One VPC with `enis` instances in /20 subnets, one group that allows all inside, one ACL.
#[must_use]
pub fn flat(enis: usize) -> String {
    let subnets = enis.div_ceil(4000).max(1);
    let mut out =
        String::from("vpcs: {v: {cidr: 10.0.0.0/16, secondary_cidrs: [10.1.0.0/16, 10.2.0.0/16]}}\nsubnets:\n");
    for n in 0..subnets {
        let _ = writeln!(out, "  s{n}: {{vpc: v, az: a, cidr: 10.{}.{}.0/20}}", n / 16, n % 16 * 16);
    }
    out.push_str("security_groups: {sg: {vpc: v, inbound: [{from: 10.0.0.0/8}]}}\ninstances:\n");
    for n in 0..enis {
        let _ = writeln!(out, "  i{n:06}: {{subnet: s{}, security_groups: [sg]}}", n % subnets);
    }
    out
}

/// Two neighbours, `c` and `s`, with `rules` rules each, of which only the last matches.
#[must_use]
pub fn ruled(rules: usize) -> Network {
    let rows: Vec<String> =
        (0..rules - 1).map(|n| format!("{{protocol: tcp, ports: {}, from: 10.9.{n}.0/24}}", 1000 + n)).collect();
    network(&format!(
        "vpcs: {{v: {{cidr: 10.0.0.0/16}}}}\nsubnets: {{a: {{vpc: v, az: a, cidr: 10.0.0.0/24}}, b: {{vpc: v, az: a, cidr: 10.0.1.0/24}}}}\n\
         security_groups: {{sg: {{vpc: v, inbound: [{}, {{protocol: udp, ports: 5001, from: 10.0.0.0/16}}]}}}}\n\
         instances: {{c: {{subnet: a, address: 10.0.0.10, security_groups: [sg]}}, s: {{subnet: b, address: 10.0.1.10, security_groups: [sg]}}}}\n",
        rows.join(", ")
    ))
}

/// A chain with packets of `flows` established flows to send through it.
pub struct Chain {
    sim: Sim<()>,
    packets: Vec<Packet>,
    client: HostRef,
    crossings: u64,
}

impl Chain {
    /// The chain, with every flow established.
    ///
    /// # Panics
    /// If the topology lacks the client or the server.
    #[must_use]
    pub fn new(middleboxes: usize, flows: u16) -> Self {
        let network = network(&chain(middleboxes));
        let guest = |name: &str| {
            network.names.guests.iter_enumerated().find(|(_, label)| label.id == name).expect("it is there").0
        };
        let (client, server) = (guest("i0"), guest(&format!("i{}", middleboxes + 1)));
        let mut sim = Sim::new(network, 1, ());
        sim.tap(server, 5001);
        let dst = format!("10.0.{}.10", middleboxes + 1).parse().expect("an address");
        let packets = (0..flows)
            .map(|n| Packet {
                headers: Headers {
                    src: "10.0.0.10".parse().expect("an address"),
                    dst,
                    protocol: vpcsim_engine::base::Protocol::UDP,
                    ttl: 64,
                    traffic_class: 0,
                    fragment: Fragment::default(),
                    l4: L4::Udp(Udp { src_port: 10_000 + n, dst_port: 5001, length: 108 }),
                },
                tag: 0,
                payload: Payload::Zeros(100),
            })
            .collect();
        let mut chain = Self { sim, packets, client: HostRef::Guest(client), crossings: middleboxes as u64 + 1 };
        chain.round();
        chain
    }

    /// Sends one packet of every flow and runs until all have arrived; gives the number of hops.
    ///
    /// # Panics
    /// If a packet is lost: then nothing was measured.
    pub fn round(&mut self) -> u64 {
        let before = self.sim.totals();
        let mut arrived = 0;
        // A thousand at a time: more would not fit in an interface's queue.
        for packets in self.packets.chunks(1000) {
            for packet in packets {
                self.sim.send_as(self.client, packet.clone());
            }
            while self.sim.step() {}
            while self.sim.poll_tapped().is_some() {
                arrived += 1;
            }
        }
        assert_eq!(arrived, self.packets.len(), "packets were lost: {:?}", self.sim.totals());
        let hops = self.sim.totals().hops - before.hops;
        assert_eq!(hops, self.packets.len() as u64 * self.crossings);
        hops
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.sim.now()
    }
}

/// Processor time of this process so far, in nanoseconds (Linux: `/proc/self/schedstat`); wall-clock time elsewhere.
#[must_use]
pub fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let wall = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_else(wall)
}

/// A transit gateway with `spokes` attached VPCs: in each two zones, a subnet for hosts and one for the attachment in
/// each zone, and two instances.
#[must_use]
pub fn hub(spokes: usize) -> String {
    let mut parts: [String; 6] = Default::default();
    for n in 0..spokes {
        let net = format!("10.{}.{}", n / 64, n % 64 * 4);
        let mid = |last: usize, add: usize| format!("10.{}.{}.{last}/26", n / 64, n % 64 * 4 + add);
        let _ = writeln!(parts[0], "  v{n}: {{cidr: {net}.0/22}}");
        let _ = writeln!(
            parts[1],
            "  s{n}a: {{vpc: v{n}, az: a, cidr: {}, route_table: r{n}}}\n  s{n}b: {{vpc: v{n}, az: b, cidr: {}, route_table: r{n}}}\n  \
             t{n}a: {{vpc: v{n}, az: a, cidr: {}}}\n  t{n}b: {{vpc: v{n}, az: b, cidr: {}}}",
            mid(0, 0),
            mid(64, 0),
            mid(128, 0),
            mid(192, 0)
        );
        let _ = writeln!(parts[2], "  r{n}: {{vpc: v{n}, routes: [{{to: 10.0.0.0/8, via: tgw}}]}}");
        let _ = writeln!(parts[3], "  att{n}: {{transit_gateway: tgw, vpc: v{n}, subnets: [t{n}a, t{n}b]}}");
        let _ = writeln!(parts[4], "  g{n}: {{vpc: v{n}, inbound: [{{protocol: tcp, ports: 443, from: 10.0.0.0/8}}]}}");
        let _ = writeln!(
            parts[5],
            "  i{n}a: {{subnet: s{n}a, security_groups: [g{n}], listen: [443]}}\n  i{n}b: {{subnet: s{n}b, security_groups: [g{n}], listen: [443]}}"
        );
    }
    let [vpcs, subnets, tables, attachments, groups, instances] = parts;
    format!(
        "vpcs:\n{vpcs}subnets:\n{subnets}route_tables:\n{tables}transit_gateways: {{tgw: {{}}}}\n\
         transit_gateway_vpc_attachments:\n{attachments}security_groups:\n{groups}instances:\n{instances}"
    )
}

/// An estate as companies have them: `vpcs` VPCs on a transit gateway, each with subnets for web, application and data in two
/// zones, groups that name each other, a network ACL before the data, and `instances` instances. The first VPC has an
/// internet gateway, and public addresses on its web servers.
#[must_use]
pub fn estate(vpcs: usize, instances: usize) -> String {
    let mut parts: [String; 7] = Default::default();
    for n in 0..vpcs {
        let net = |third: usize| format!("10.{n}.{third}");
        let _ = writeln!(parts[0], "  v{n}: {{cidr: 10.{n}.0.0/16}}");
        let main = if n == 0 { "{to: 0.0.0.0/0, via: igw}, " } else { "" };
        let _ = writeln!(parts[1], "  r{n}: {{vpc: v{n}, main: true, routes: [{main}{{to: 10.0.0.0/8, via: tgw}}]}}");
        for (zone, az) in ["a", "b"].iter().enumerate() {
            for (tier, role) in ["web", "app", "db", "tgw"].iter().enumerate() {
                let acl = if *role == "db" { format!(", network_acl: acl{n}") } else { String::new() };
                let cidr = format!("{}.0/24", net(tier * 2 + zone));
                let _ = writeln!(parts[2], "  s{n}-{role}-{az}: {{vpc: v{n}, az: {az}, cidr: {cidr}{acl}}}");
            }
        }
        let _ = writeln!(parts[3], "  att{n}: {{transit_gateway: tgw, vpc: v{n}, subnets: [s{n}-tgw-a, s{n}-tgw-b]}}");
        let _ = writeln!(
            parts[4],
            "  acl{n}:\n    vpc: v{n}\n    inbound:\n      - {{rule: 100, action: allow, protocol: tcp, ports: 5432, from: 10.{n}.0.0/16}}\n      \
             - {{rule: 110, action: allow, protocol: tcp, ports: 22, from: 10.0.0.0/16}}\n    outbound:\n      \
             - {{rule: 100, action: allow, protocol: tcp, ports: 1024-65535, to: 10.0.0.0/8}}"
        );
        let from = if n == 0 { "0.0.0.0/0" } else { "10.0.0.0/8" };
        let admin = "{protocol: tcp, ports: 22, from: 10.0.0.0/23}";
        let _ = writeln!(
            parts[5],
            "  web{n}: {{vpc: v{n}, inbound: [{{protocol: tcp, ports: 443, from: {from}}}, {admin}]}}\n  \
             app{n}: {{vpc: v{n}, inbound: [{{protocol: tcp, ports: 8080, from: web{n}}}, {admin}]}}\n  \
             db{n}: {{vpc: v{n}, inbound: [{{protocol: tcp, ports: 5432, from: app{n}}}, {admin}]}}"
        );
        for i in 0..instances / vpcs {
            let (role, port) = [("web", 443), ("app", 8080), ("db", 5432)][i % 3];
            let az = ["a", "b"][i / 3 % 2];
            let public = if n == 0 && role == "web" { ", public_ip: auto" } else { "" };
            let _ = writeln!(
                parts[6],
                "  i{n}-{i}: {{subnet: s{n}-{role}-{az}, security_groups: [{role}{n}], listen: [22, {port}]{public}}}"
            );
        }
    }
    let [vpcs, tables, subnets, attachments, acls, groups, instances] = parts;
    format!(
        "vpcs:\n{vpcs}internet_gateways: {{igw: {{vpc: v0}}}}\nroute_tables:\n{tables}subnets:\n{subnets}transit_gateways: {{tgw: {{}}}}\n\
         transit_gateway_vpc_attachments:\n{attachments}network_acls:\n{acls}security_groups:\n{groups}instances:\n{instances}"
    )
}
