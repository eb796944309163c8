//! What is expected of a step, and of the evidence at the end.

use crate::base::port::ProtocolMatch;
use crate::base::{Cidr, Nanos};
use crate::diag::Diagnostic;
use crate::spec::decode::{Cx, Decode, Fields, decode_struct, decode_words};
use crate::spec::node::{Kind, Value};
use crate::spec::{Peer, Spanned};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::net::IpAddr;

use super::action::exactly_one;
use super::captures::CaptureSide;
use crate::observe::capture::Filter;

/// What is expected of a step. What is not written is not checked.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Expect {
    /// What the one who started it sees.
    pub outcome: Option<Spanned<Outcome>>,
    /// What decided that it is blocked.
    pub blocked_by: Option<Spanned<BlockedBy>>,
    /// The code of the decision, as in `SUBNET_ACL_RESTRICTION`.
    pub code: Option<Spanned<String>>,
    /// Whether the request or the reply is blocked.
    pub on: Option<Spanned<Leg>>,
    /// The round trip takes less than this.
    pub latency_below: Option<Spanned<Nanos>>,
    /// The resources on the way, in order; those that are not named may lie between.
    #[schemars(default)]
    pub path: Vec<Spanned<String>>,
    /// How long the step takes.
    pub elapsed: Option<Spanned<Elapsed>>,
    /// What a traceroute shows: names or addresses, `*` for a hop that does not answer.
    #[schemars(default)]
    pub hops: Vec<Spanned<String>>,
    /// The address that a name resolves to.
    pub address: Option<Spanned<IpAddr>>,
    /// How many bytes arrive.
    pub bytes: Option<Spanned<u64>>,
    /// What becomes of the flows of `flows`, `scan` and `flood`.
    pub flows: Option<Spanned<FlowsExpectation>>,
}

/// What becomes of very many flows. What is not written is not checked.
#[derive(Clone, Copy, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FlowsExpectation {
    /// So many begin.
    pub started: Option<u64>,
    /// So many get everything that they ask for; so many probed ports are open.
    pub completed: Option<u64>,
    /// So many are refused; so many probed ports are closed.
    pub refused: Option<u64>,
    /// So many get no answer at all.
    pub no_answer: Option<u64>,
    /// So many begin and then hang.
    pub hung: Option<u64>,
    /// So many are ended by a reset.
    pub reset: Option<u64>,
    /// So many are ended by an error of ICMP.
    pub unreachable: Option<u64>,
}

/// What a fault or a change leads to, as far as routing goes.
#[derive(Clone, Copy, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LeadsTo {
    /// Some end of a line has noticed it by then.
    pub noticed_within: Option<Nanos>,
    /// Routes have moved for the last time by then.
    pub moved_within: Option<Nanos>,
    /// At most so many packets of steps are lost until routes have moved.
    pub lost_at_most: Option<u64>,
}

/// What the one who started it sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Outcome {
    /// The connection is established.
    Connected,
    /// The connection is refused (RST to a SYN).
    Refused,
    /// Nothing comes back until the guest gives up.
    Timeout,
    /// The connection is cut off (RST).
    Reset,
    /// An ICMP error comes back.
    Unreachable,
    /// A reply comes back.
    Reply,
    /// No reply comes back.
    NoReply,
    /// It arrives; whether an answer comes back is not looked at.
    Delivered,
    /// It does not arrive.
    NotDelivered,
    /// The name has an address.
    Resolved,
    /// The name does not exist.
    NameError,
    /// What is written is never acknowledged, and nobody says so.
    Hang,
    /// The connection still works.
    Alive,
    /// It leaves the sender; whether it arrives is not looked at.
    Sent,
}

impl Outcome {
    /// The word for it in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Reply => "reply",
            Self::NoReply => "no_reply",
            Self::Delivered => "delivered",
            Self::NotDelivered => "not_delivered",
            Self::Resolved => "resolved",
            Self::NameError => "name_error",
            Self::Hang => "hang",
            Self::Alive => "alive",
            Self::Sent => "sent",
        }
    }
}

/// One of the two walks of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Leg {
    /// From the one who starts.
    Request,
    /// Back to it.
    Reply,
}

/// Direction of a rule, seen from its resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Direction {
    /// Into the subnet or interface.
    Inbound,
    /// Out of it.
    Outbound,
}

/// Bounds of a duration.
#[derive(Clone, Copy, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Elapsed {
    /// It takes at least this long.
    pub at_least: Option<Nanos>,
    /// It takes at most this long.
    pub at_most: Option<Nanos>,
}

macro_rules! resource_kinds {
    ($($(#[$doc:meta])* $variant:ident = $key:literal;)*) => {
        /// A kind of resource that can block a packet.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ResourceKind { $($(#[$doc])* $variant),* }
        impl ResourceKind {
            /// Every kind, with its key in files.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $key)),*];
            /// Its key in files.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }
        }
        const KIND_KEYS: &[&str] = &[$($key),*];
        const BLOCKED_BY_FIELDS: &[&str] = &[$($key,)* "direction", "rule", "route"];
    };
}
resource_kinds! {
    /// A VPC.
    Vpc = "vpc";
    /// A subnet.
    Subnet = "subnet";
    /// A route table.
    RouteTable = "route_table";
    /// A network ACL.
    NetworkAcl = "network_acl";
    /// A security group.
    SecurityGroup = "security_group";
    /// An internet gateway.
    InternetGateway = "internet_gateway";
    /// An egress-only internet gateway.
    EgressOnlyInternetGateway = "egress_only_internet_gateway";
    /// A NAT gateway.
    NatGateway = "nat_gateway";
    /// A network interface.
    NetworkInterface = "network_interface";
    /// An instance, or its guest.
    Instance = "instance";
    /// A host on the internet.
    InternetHost = "internet_host";
    /// Block Public Access of a Region.
    BlockPublicAccess = "block_public_access";
    /// A VPC peering connection.
    VpcPeeringConnection = "vpc_peering_connection";
    /// An attachment to a transit gateway.
    TransitGatewayAttachment = "transit_gateway_attachment";
    /// A route table of a transit gateway.
    TransitGatewayRouteTable = "transit_gateway_route_table";
    /// A multicast domain.
    TransitGatewayMulticastDomain = "transit_gateway_multicast_domain";
    /// A VPC endpoint.
    VpcEndpoint = "vpc_endpoint";
    /// An endpoint service.
    VpcEndpointService = "vpc_endpoint_service";
    /// A Client VPN endpoint.
    ClientVpnEndpoint = "client_vpn_endpoint";
    /// A kind of link.
    Link = "link";
    /// A resource that is not modelled.
    NotModelled = "not_modelled";
}

/// What decided that something is blocked.
#[derive(Clone, PartialEq, Debug)]
pub struct BlockedBy {
    /// The kind of the resource that decided.
    pub kind: ResourceKind,
    /// Its name.
    pub name: Spanned<String>,
    /// The direction of the rule that decided.
    pub direction: Option<Direction>,
    /// The rule that decided.
    pub rule: Option<Spanned<RuleLabel>>,
    /// The route that decided, by its destination.
    pub route: Option<Spanned<Peer>>,
}

impl JsonSchema for BlockedBy {
    fn schema_name() -> Cow<'static, str> {
        "BlockedBy".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<String>();
        let mut properties = serde_json::Map::new();
        for key in KIND_KEYS {
            properties.insert((*key).into(), text.clone().to_value());
        }
        properties.insert("direction".into(), generator.subschema_for::<Option<Direction>>().to_value());
        properties.insert("rule".into(), generator.subschema_for::<Option<RuleLabel>>().to_value());
        properties.insert("route".into(), generator.subschema_for::<Option<Peer>>().to_value());
        let one: Vec<_> = KIND_KEYS.iter().map(|key| serde_json::json!({ "required": [key] })).collect();
        json_schema!({
            "description": "What decided that something is blocked: exactly one kind of resource, and its name.",
            "type": "object", "properties": properties, "oneOf": one, "additionalProperties": false
        })
    }
}

impl Decode for BlockedBy {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let fields = Fields::new(value, cx, "`blocked_by`", BLOCKED_BY_FIELDS)?;
        let key = exactly_one(&fields, KIND_KEYS, "the resource that blocks", cx);
        let (direction, rule, route) =
            (fields.take("direction", cx), fields.take("rule", cx), fields.take("route", cx));
        let key = key?;
        let kind = ResourceKind::ALL.iter().find(|(_, k)| *k == key)?.0;
        Some(Self { kind, name: fields.take(key, cx)?, direction: direction?, rule: rule?, route: route? })
    }
}

/// How a rule is named in an expectation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuleLabel {
    /// `*`: the implied last row.
    Implied,
    /// The number of a network ACL's row.
    Number(u32),
    /// The id or the description of a security group's rule.
    Text(String),
}

impl JsonSchema for RuleLabel {
    fn schema_name() -> Cow<'static, str> {
        "RuleLabel".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string", "examples": ["*"] }, { "type": "integer", "minimum": 0, "maximum": u32::MAX }]
        })
    }
}

impl Decode for RuleLabel {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let text = String::decode(value, cx)?;
        Some(match text.parse() {
            _ if text == "*" => Self::Implied,
            Ok(number) if matches!(value.kind(), Kind::Scalar { .. }) => Self::Number(number),
            _ => Self::Text(text),
        })
    }
}

/// What is expected of the evidence when the scenario is over.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Evidence {
    /// A flow-log record is there.
    FlowLog(FlowLogExpectation),
    /// A counter has a value.
    Counter(CounterExpectation),
    /// So many packets were seen at a place.
    Captured(CapturedExpectation),
}

/// Packets that were seen at a place, captured or not.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CapturedExpectation {
    /// The place, as in `captures`.
    pub at: Spanned<String>,
    /// One side of it, as in `captures`.
    pub side: Option<Spanned<CaptureSide>>,
    /// Which packets, as in `captures`. Default: all.
    pub filter: Option<Spanned<Filter>>,
    /// Exactly so many.
    pub equals: Option<u64>,
    /// At least so many.
    pub at_least: Option<u64>,
    /// At most so many.
    pub at_most: Option<u64>,
}

/// A flow-log record. What is not written is not compared.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FlowLogExpectation {
    /// The network interface that it is about.
    pub interface: Spanned<String>,
    /// Source address, or a block that holds it.
    pub src: Option<AddressOrBlock>,
    /// Destination address, or a block that holds it.
    pub dst: Option<AddressOrBlock>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Protocol.
    pub protocol: Option<ProtocolMatch>,
    /// What became of the traffic.
    pub action: FlowLogAction,
    /// How many packets.
    pub packets: Option<u64>,
    /// How many bytes.
    pub bytes: Option<u64>,
}

/// An address block, which may be written as one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressOrBlock(pub Cidr);

impl JsonSchema for AddressOrBlock {
    fn schema_name() -> Cow<'static, str> {
        "AddressOrBlock".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" })
    }
}
impl Decode for AddressOrBlock {
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        match value.text().and_then(|text| text.parse::<IpAddr>().ok()) {
            Some(address) => Some(Self(Cidr::host(address))),
            None => Cidr::decode(value, cx).map(Self),
        }
    }
}

/// What a flow log says became of traffic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum FlowLogAction {
    /// ACCEPT.
    Accept,
    /// REJECT.
    Reject,
}

/// A counter's value.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CounterExpectation {
    /// The counter.
    pub name: Spanned<String>,
    /// It has exactly this value.
    pub equals: Option<u64>,
    /// It has at least this value.
    pub at_least: Option<u64>,
    /// It has at most this value.
    pub at_most: Option<u64>,
}

decode_words! {
    Outcome {
        "connected" => Connected, "refused" => Refused, "timeout" => Timeout, "reset" => Reset,
        "unreachable" => Unreachable, "reply" => Reply, "no_reply" => NoReply, "delivered" => Delivered,
        "not_delivered" => NotDelivered, "resolved" => Resolved, "name_error" => NameError, "hang" => Hang,
        "alive" => Alive, "sent" => Sent,
    }
    Leg { "request" => Request, "reply" => Reply }
    Direction { "inbound" => Inbound, "outbound" => Outbound }
    FlowLogAction { "accept" => Accept, "reject" => Reject }
}
decode_struct!(Expect, "an expectation", {
    outcome, blocked_by, code, on, latency_below, path, elapsed, hops, address, bytes, flows,
});
decode_struct!(FlowsExpectation, "what becomes of flows", {
    started, completed, refused, no_answer, hung, reset, unreachable,
});
decode_struct!(CapturedExpectation, "captured packets", { at, side, filter, equals, at_least, at_most });
decode_struct!(LeadsTo, "what it leads to", { noticed_within, moved_within, lost_at_most });
decode_struct!(Elapsed, "`elapsed`", { at_least, at_most });
decode_struct!(FlowLogExpectation, "a flow-log record", {
    interface, src, dst, src_port, dst_port, protocol, action, packets, bytes,
});
decode_struct!(CounterExpectation, "a counter", { name, equals, at_least, at_most });

impl Decode for Evidence {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        const KEYS: [&str; 3] = ["flow_log", "counter", "captured"];
        let fields = Fields::new(value, cx, "an expectation on the evidence", &KEYS)?;
        match exactly_one(&fields, &KEYS, "what is expected", cx)? {
            "flow_log" => fields.take("flow_log", cx).map(Self::FlowLog),
            "counter" => {
                let c: CounterExpectation = fields.take("counter", cx)?;
                says_how_many(c.equals.or(c.at_least).or(c.at_most), &c.name, "the counter's value", cx);
                Some(Self::Counter(c))
            }
            _ => {
                let c: CapturedExpectation = fields.take("captured", cx)?;
                says_how_many(c.equals.or(c.at_least).or(c.at_most), &c.at, "how many packets there are", cx);
                Some(Self::Captured(c))
            }
        }
    }
}

fn says_how_many(bound: Option<u64>, at: &Spanned<String>, what: &str, cx: &mut Cx<'_>) {
    if bound.is_none() {
        let message = format!("nothing is said about {what}");
        let help = "add `equals`, `at_least` or `at_most`";
        cx.push(Diagnostic::error("missing-field", at.span, message).help(help));
    }
}
