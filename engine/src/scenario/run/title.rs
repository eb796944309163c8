//! Steps as a person would say them.

use crate::scenario::{Action, Change, Fault, Step};

/// What a step does, in one line.
pub(super) fn title(step: &Step) -> String {
    match &step.action {
        Action::Connect(c) => {
            let data = match (c.send_bytes, c.receive_bytes) {
                (None, None) => String::new(),
                (send, receive) => format!(", send {} bytes, receive {}", send.unwrap_or(0), receive.unwrap_or(0)),
            };
            format!("connect {} -> {} tcp/{}{data}", c.from, c.to, c.port)
        }
        Action::Write(w) => format!("write {} bytes on {}", w.bytes, w.connection),
        Action::Close(c) => format!("close {}", c.connection),
        Action::Send(s) => format!(
            "send {} -> {} udp/{}, {} x {} bytes",
            s.from,
            s.to,
            s.port,
            s.count.unwrap_or(1),
            s.bytes.unwrap_or(32)
        ),
        Action::Ping(p) => {
            format!("ping {} -> {}, {} x {} bytes", p.from, p.to, p.count.unwrap_or(1), p.bytes.unwrap_or(56))
        }
        Action::Traceroute(t) => format!("traceroute {} -> {}", t.from, t.to),
        Action::Resolve(r) => format!("resolve {} at {}", r.name, r.from),
        Action::Change(change) => format!("change {}", change_text(change)),
        Action::Fail(fault) => format!("fail {}", fault_text(fault)),
        Action::Restore(fault) => format!("restore {}", fault_text(fault)),
        Action::Wait(w) => format!("wait {}", w.duration.value),
        Action::Join(m) => format!("join {} at {}", m.group, m.host),
        Action::Leave(m) => format!("leave {} at {}", m.group, m.host),
        Action::Traffic(t) => {
            format!("traffic {} -> {} port {}, {} packets/s for {}", t.from, t.to, t.port, t.rate, t.duration.value)
        }
        Action::Flows(f) => {
            let most = f.count.map_or_else(String::new, |count| format!(", at most {count}"));
            format!("{}, {}/s for {}{most}", name(step), f.rate, f.duration.value)
        }
        Action::Inject(_) => name(step),
        Action::Scan(s) => format!("{}, {}/s", name(step), s.rate),
        Action::Flood(f) => format!("{}, {} packets/s for {}", name(step), f.rate, f.duration.value),
    }
}

/// What a step's later lines begin with.
pub(super) fn name(step: &Step) -> String {
    match &step.action {
        Action::Connect(c) => format!("{} -> {} tcp/{}", c.from, c.to, c.port),
        Action::Write(w) => format!("write on {}", w.connection),
        Action::Ping(p) => format!("ping {} -> {}", p.from, p.to),
        Action::Send(s) => format!("{} -> {} udp/{}", s.from, s.to, s.port),
        Action::Resolve(r) => format!("resolve {}", r.name),
        Action::Traceroute(t) => format!("traceroute {} -> {}", t.from, t.to),
        Action::Traffic(t) => format!("traffic {} -> {}", t.from, t.to),
        Action::Flows(f) => {
            let services = f.to.iter().map(|s| match s.port {
                Some(port) => format!("{}:{port}", s.host),
                None => s.host.to_string(),
            });
            format!("flows {} -> {}", few(f.from.iter().map(ToString::to_string)), few(services))
        }
        Action::Scan(s) => format!("scan {} -> {}", s.from, few(s.to.iter().map(ToString::to_string))),
        Action::Flood(f) => format!("flood {} -> {}", few(f.from.iter().map(ToString::to_string)), f.to),
        Action::Inject(i) => format!("inject {} from {}", i.file, i.from),
        other => other.name().to_owned(),
    }
}

/// The first three, and how many more.
fn few(all: impl ExactSizeIterator<Item = String>) -> String {
    let count = all.len();
    let mut out = all.take(3).collect::<Vec<_>>().join(", ");
    if count > 3 {
        out.push_str(&format!(" and {} more", count - 3));
    }
    out
}

fn fault_text(fault: &Fault) -> String {
    match fault {
        Fault::Instance(name) => format!("instance {name}"),
        Fault::NatGateway(name) => format!("NAT gateway {name}"),
        Fault::Az(name) => format!("availability zone {name}"),
        Fault::Link(name) => format!("{name} links"),
        Fault::VpcPeeringConnection(name) => format!("VPC peering connection {name}"),
        Fault::TransitGatewayAttachment(name) => format!("transit gateway attachment {name}"),
        Fault::VpcEndpoint(name) => format!("VPC endpoint {name}"),
        Fault::DirectConnectConnection(name) => format!("Direct Connect connection {name}"),
        Fault::VpnTunnel(name) => format!("VPN tunnel {name}"),
        Fault::Router(name) => format!("router {name}"),
    }
}

fn change_text(change: &Change) -> String {
    let (kind, name) = match change {
        Change::NetworkAcl(c) => ("network ACL", &c.network_acl),
        Change::SecurityGroup(c) => ("security group", &c.security_group),
        Change::RouteTable(c) => ("route table", &c.route_table),
        Change::Instance(c) => ("instance", &c.instance),
        Change::NetworkInterface(c) => ("network interface", &c.network_interface),
        Change::Subnet(c) => ("subnet", &c.subnet),
        Change::NatGateway(c) => ("NAT gateway", &c.nat_gateway),
        Change::Peering(c) => ("VPC peering connection", &c.vpc_peering_connection),
        Change::TransitGateway(c) => ("transit gateway", &c.transit_gateway),
        Change::Attachment(c) => ("transit gateway attachment", &c.transit_gateway_attachment),
        Change::TransitGatewayRouteTable(c) => ("transit gateway route table", &c.transit_gateway_route_table),
        Change::Endpoint(c) => ("VPC endpoint", &c.vpc_endpoint),
        Change::Router(c) => ("router", &c.router),
        Change::Connection(c) => ("Direct Connect connection", &c.direct_connect_connection),
        Change::VirtualInterface(c) => ("virtual interface", &c.virtual_interface),
        Change::MirrorFilter(c) => ("traffic mirror filter", &c.traffic_mirror_filter),
        Change::MirrorSession(c) => ("traffic mirror session", &c.traffic_mirror_session),
        Change::ClientVpn(c) => ("Client VPN endpoint", &c.client_vpn_endpoint),
        Change::Tunnel(c) => ("VPN tunnel", &c.vpn_tunnel),
        Change::BlockPublicAccess(c) => ("Block Public Access of", &c.block_public_access),
    };
    format!("{kind} {name}")
}
