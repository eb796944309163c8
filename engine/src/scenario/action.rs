//! What a step does.

use crate::base::Nanos;
use crate::diag::Diagnostic;
use crate::spec::Spanned;
use crate::spec::decode::{Cx, Decode, Fields, decode_struct, decode_words};
use crate::spec::node::Value;
use schemars::JsonSchema;
use std::net::Ipv4Addr;

use super::change::Change;
use super::inject::Inject;
use super::load::{Flood, Flows, Scan};

/// What a step does.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Action {
    /// Opens a TCP connection with a real TCP stack.
    Connect(Connect),
    /// Sends bytes on a connection that was kept open.
    Write(Write),
    /// Closes a connection that was kept open.
    Close(Close),
    /// Sends UDP datagrams.
    Send(Send),
    /// Sends echo requests.
    Ping(Ping),
    /// Finds the hops on the way.
    Traceroute(Traceroute),
    /// Asks a resolver for a name.
    Resolve(Resolve),
    /// Changes the configuration, as an API call does.
    Change(Change),
    /// Breaks something.
    Fail(Fault),
    /// Mends what `fail` broke.
    Restore(Fault),
    /// Lets time pass.
    Wait(Wait),
    /// Sends many packets by a model.
    Traffic(Traffic),
    /// Flows of many clients to many services, by a model.
    Flows(Flows),
    /// Looks which ports of which addresses answer.
    Scan(Scan),
    /// Very many packets to one host.
    Flood(Flood),
    /// Sends the packets of a capture file.
    Inject(Inject),
    /// Joins a multicast group by IGMPv2.
    Join(Membership),
    /// Leaves a multicast group.
    Leave(Membership),
}

/// The actions, as they are written.
pub(super) const ACTIONS: [&str; 18] = [
    "connect",
    "write",
    "close",
    "send",
    "ping",
    "traceroute",
    "resolve",
    "change",
    "fail",
    "restore",
    "wait",
    "traffic",
    "flows",
    "scan",
    "flood",
    "inject",
    "join",
    "leave",
];

impl Action {
    /// Its name in a file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Write(_) => "write",
            Self::Close(_) => "close",
            Self::Send(_) => "send",
            Self::Ping(_) => "ping",
            Self::Traceroute(_) => "traceroute",
            Self::Resolve(_) => "resolve",
            Self::Change(_) => "change",
            Self::Fail(_) => "fail",
            Self::Restore(_) => "restore",
            Self::Wait(_) => "wait",
            Self::Traffic(_) => "traffic",
            Self::Flows(_) => "flows",
            Self::Scan(_) => "scan",
            Self::Flood(_) => "flood",
            Self::Inject(_) => "inject",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
        }
    }
    /// True if it sends packets, so that something can be expected of it.
    #[must_use]
    pub const fn sends(&self) -> bool {
        !matches!(self, Self::Change(_) | Self::Fail(_) | Self::Restore(_) | Self::Wait(_))
    }
    /// Reads the action called `name` from the fields of a step.
    pub(super) fn take<'t>(name: &'static str, step: &Fields<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        Some(match name {
            "connect" => Self::Connect(step.take(name, cx)?),
            "write" => Self::Write(step.take(name, cx)?),
            "close" => Self::Close(step.take(name, cx)?),
            "send" => Self::Send(step.take(name, cx)?),
            "ping" => Self::Ping(step.take(name, cx)?),
            "traceroute" => Self::Traceroute(step.take(name, cx)?),
            "resolve" => Self::Resolve(step.take(name, cx)?),
            "change" => Self::Change(step.take(name, cx)?),
            "fail" => Self::Fail(step.take(name, cx)?),
            "restore" => Self::Restore(step.take(name, cx)?),
            "wait" => Self::Wait(step.take(name, cx)?),
            "flows" => Self::Flows(step.take(name, cx)?),
            "scan" => Self::Scan(step.take(name, cx)?),
            "flood" => Self::Flood(step.take(name, cx)?),
            "inject" => Self::Inject(step.take(name, cx)?),
            "join" => Self::Join(step.take(name, cx)?),
            "leave" => Self::Leave(step.take(name, cx)?),
            _ => Self::Traffic(step.take(name, cx)?),
        })
    }
}

/// A TCP connection.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Connect {
    /// The client: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// The server: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// The server's port.
    pub port: Spanned<u16>,
    /// `tcp`, and nothing else.
    #[schemars(with = "Option<TcpOnly>")]
    pub protocol: Option<Spanned<Transport>>,
    /// The client's port. Default: an ephemeral one.
    pub src_port: Option<u16>,
    /// Which of the client's addresses to use. Default: the one that the guest would choose.
    pub from_address: Option<Spanned<std::net::IpAddr>>,
    /// Bytes that the client sends. Default none.
    pub send_bytes: Option<u64>,
    /// Bytes that the server sends. Default none.
    pub receive_bytes: Option<u64>,
    /// Whether the connection stays open when all is sent. Default false.
    #[schemars(default)]
    pub keep_open: bool,
    /// What later steps call the connection.
    pub name: Option<Spanned<String>>,
}
/// What the schema says of `connect`'s protocol.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[allow(dead_code)]
enum TcpOnly {
    Tcp,
}

/// Bytes on an open connection, from the client to the server.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Write {
    /// The connection's name.
    pub connection: Spanned<String>,
    /// How many bytes.
    pub bytes: u64,
}

/// The end of an open connection.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Close {
    /// The connection's name.
    pub connection: Spanned<String>,
}

/// UDP datagrams.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Send {
    /// The sender: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// The receiver: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// The receiver's port.
    pub port: Spanned<u16>,
    /// The sender's port. Default: an ephemeral one.
    pub src_port: Option<u16>,
    /// Bytes of payload. Default 32.
    pub bytes: Option<u32>,
    /// How many datagrams. Default 1.
    pub count: Option<u32>,
    /// Time between them. Default 1s.
    pub interval: Option<Nanos>,
    /// Whether they must not be fragmented. Default false.
    #[schemars(default)]
    pub df: bool,
    /// Whether the receiver answers. Default false.
    #[schemars(default)]
    pub expect_reply: bool,
}

/// Echo requests.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ping {
    /// The sender: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// The receiver: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// Bytes of payload. Default 56.
    pub bytes: Option<u32>,
    /// How many. Default 1.
    pub count: Option<u32>,
    /// Time between them. Default 1s.
    pub interval: Option<Nanos>,
    /// Whether they must not be fragmented. Default false.
    #[schemars(default)]
    pub df: bool,
    /// Time to live (hop limit). Default 64.
    pub ttl: Option<u8>,
}

/// Probes with a growing time to live.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Traceroute {
    /// The sender: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// The destination: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// First destination port of UDP probes. Default 33434.
    pub port: Option<u16>,
    /// What the probes are. Default `udp`.
    pub protocol: Option<Probe>,
    /// Largest time to live. Default 30.
    pub max_hops: Option<u8>,
}

/// A DNS question.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Resolve {
    /// Who asks: an instance or a network interface.
    pub from: Spanned<String>,
    /// The name.
    pub name: Spanned<String>,
    /// `A` or `AAAA`. Default `A`.
    #[schemars(rename = "type")]
    pub record_type: Option<AddressFamily>,
    /// Whom to ask: a name or an address. Default: the VPC's resolver.
    pub server: Option<Spanned<String>>,
}

/// What breaks, or is mended.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Fault {
    /// An instance.
    Instance(Spanned<String>),
    /// A NAT gateway.
    NatGateway(Spanned<String>),
    /// An availability zone, with everything in it.
    Az(Spanned<String>),
    /// A kind of link: `same_az`, `cross_az`, `internet`, `transit_gateway` or `inter_region`.
    Link(Spanned<String>),
    /// A VPC peering connection: as if one side deleted it.
    VpcPeeringConnection(Spanned<String>),
    /// An attachment to a transit gateway.
    TransitGatewayAttachment(Spanned<String>),
    /// A VPC endpoint.
    VpcEndpoint(Spanned<String>),
    /// A Direct Connect connection: everything on it is lost, and nobody is told.
    DirectConnectConnection(Spanned<String>),
    /// A tunnel of a VPN connection, such as `vpn/1`: everything between its ends is lost, and nobody is told.
    VpnTunnel(Spanned<String>),
    /// A router of a site: it takes nothing and says nothing.
    Router(Spanned<String>),
}

/// Membership of a multicast group.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Membership {
    /// The host: an instance or a network interface.
    pub host: Spanned<String>,
    /// The group.
    pub group: Spanned<Ipv4Addr>,
}

/// A pause.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Wait {
    /// How long.
    #[schemars(rename = "for")]
    pub duration: Spanned<Nanos>,
}

/// Packets by a model.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Traffic {
    /// The sender: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// The receiver: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// The receiver's port.
    pub port: Spanned<u16>,
    /// TCP or UDP.
    pub protocol: Transport,
    /// Packets per second, on average.
    pub rate: Spanned<u64>,
    /// Bytes of payload of each packet.
    pub bytes: Spanned<u32>,
    /// How long.
    pub duration: Spanned<Nanos>,
    /// When packets are sent. Default `constant`.
    pub model: Option<TrafficModel>,
}

/// A protocol with ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What a traceroute sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Probe {
    /// UDP datagrams to growing ports.
    Udp,
    /// Echo requests.
    Icmp,
}

/// Type of the addresses asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
pub enum AddressFamily {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    #[schemars(rename = "AAAA")]
    Aaaa,
}

/// When a generator sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum TrafficModel {
    /// At equal distances.
    Constant,
    /// At exponentially distributed distances, drawn from the seed.
    Poisson,
}

decode_words! {
    Transport { "tcp" => Tcp, "udp" => Udp }
    Probe { "udp" => Udp, "icmp" => Icmp }
    AddressFamily { "A" => A, "AAAA" => Aaaa }
    TrafficModel { "constant" => Constant, "poisson" => Poisson }
}
decode_struct!(Connect, "a connection", {
    from, to, port: port, protocol: tcp_only, src_port, from_address, send_bytes, receive_bytes, keep_open, name,
});
decode_struct!(Write, "a write", { connection, bytes });
decode_struct!(Close, "a close", { connection });
decode_struct!(Send, "a send", { from, to, port: port, src_port, bytes, count, interval, df, expect_reply });
decode_struct!(Ping, "a ping", { from, to, bytes, count, interval, df, ttl });
decode_struct!(Traceroute, "a traceroute", { from, to, port, protocol, max_hops });
decode_struct!(Resolve, "a DNS question", { from, name, record_type as "type", server });
decode_struct!(Membership, "a membership", { host, group });
decode_struct!(Wait, "a wait", { duration as "for" });
decode_struct!(Traffic, "traffic", { from, to, port: port, protocol, rate, bytes, duration, model });

/// A port that packets can be sent to.
fn port<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Spanned<u16>> {
    let port: Spanned<u16> = fields.take(name, cx)?;
    if port.value == 0 {
        cx.push(Diagnostic::error("bad-value", port.span, "nothing can listen on port 0").help("write 1 to 65535"));
    }
    Some(port)
}

fn tcp_only<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<Transport>>> {
    let protocol: Option<Spanned<Transport>> = fields.take(name, cx)?;
    if let Some(udp) = protocol.filter(|p| p.value == Transport::Udp) {
        cx.push(
            Diagnostic::error("bad-value", udp.span, "`connect` opens TCP connections only")
                .help("use `send` for UDP datagrams"),
        );
    }
    Some(protocol)
}

/// The one key of `fields` among `keys`. None or several are reported.
pub(super) fn exactly_one<'t>(
    fields: &Fields<'t>,
    keys: &[&'static str],
    what: &str,
    cx: &mut Cx<'t>,
) -> Option<&'static str> {
    let mut written = fields.written(keys);
    let Some((key, first)) = written.next() else {
        let message = format!("{what} is missing");
        let help = format!("write one of: {}", keys.join(", "));
        cx.push(Diagnostic::error("missing-field", fields.owner, message).help(help));
        return None;
    };
    for (other, entry) in written {
        cx.push(
            Diagnostic::error("conflicting-fields", entry.key_span, format!("`{other}` cannot stand beside `{key}`"))
                .note(first.key_span, format!("`{key}` is here"))
                .help(format!("{what} is exactly one; write the other by itself")),
        );
    }
    Some(key)
}

/// Kinds of links that can fail, as the topology calls them.
pub(super) const LINKS: [&str; 5] = ["same_az", "cross_az", "internet", "transit_gateway", "inter_region"];

impl Decode for Fault {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        const KEYS: [&str; 10] = [
            "instance",
            "nat_gateway",
            "az",
            "link",
            "vpc_peering_connection",
            "transit_gateway_attachment",
            "vpc_endpoint",
            "direct_connect_connection",
            "vpn_tunnel",
            "router",
        ];
        let fields = Fields::new(value, cx, "a failure", &KEYS)?;
        Some(match exactly_one(&fields, &KEYS, "what fails", cx)? {
            "instance" => Self::Instance(fields.take("instance", cx)?),
            "nat_gateway" => Self::NatGateway(fields.take("nat_gateway", cx)?),
            "az" => Self::Az(fields.take("az", cx)?),
            key @ "vpc_peering_connection" => Self::VpcPeeringConnection(fields.take(key, cx)?),
            key @ "transit_gateway_attachment" => Self::TransitGatewayAttachment(fields.take(key, cx)?),
            key @ "direct_connect_connection" => Self::DirectConnectConnection(fields.take(key, cx)?),
            key @ "vpn_tunnel" => Self::VpnTunnel(fields.take(key, cx)?),
            key @ "router" => Self::Router(fields.take(key, cx)?),
            key @ "vpc_endpoint" => Self::VpcEndpoint(fields.take(key, cx)?),
            _ => {
                let link: Spanned<String> = fields.take("link", cx)?;
                if !LINKS.contains(&&*link.value) {
                    let message = format!("`{}` is not a kind of link", crate::spec::node::shown(&link));
                    let help = format!("write one of {}", LINKS.join(", "));
                    cx.push(Diagnostic::error("bad-value", link.span, message).help(help));
                }
                Self::Link(link)
            }
        })
    }
}
