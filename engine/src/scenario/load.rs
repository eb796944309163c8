//! Steps that send very much: flows between clients and services, scans, floods.

use crate::base::{Cidr, Nanos, PortRange};
use crate::diag::Diagnostic;
use crate::spec::Spanned;
use crate::spec::decode::{Cx, Decode, Fields, decode_struct, decode_text, decode_words};
use crate::spec::node::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::str::FromStr;

/// Flows of many clients to many services, by a model: each is played by a script instead of a TCP stack, so that
/// there may be millions.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Flows {
    /// Who asks: instances, network interfaces or internet hosts, each as often as the others.
    pub from: Vec<Spanned<String>>,
    /// What is asked.
    pub to: Vec<Service>,
    /// New flows a second, on average; with `on_off`, in a period with flows.
    pub rate: Spanned<u64>,
    /// When they begin. Default `poisson`.
    pub model: Option<Spanned<FlowModel>>,
    /// With `on_off`: mean length of a period with flows.
    pub on: Option<Spanned<Nanos>>,
    /// With `on_off`: mean length of a pause.
    pub off: Option<Spanned<Nanos>>,
    /// How long flows begin; those that are open then go on.
    pub duration: Spanned<Nanos>,
    /// No more flows than this.
    pub count: Option<u64>,
}

/// A service that clients ask.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Service {
    /// Who: a name, an address, or `internet`.
    pub host: Spanned<String>,
    /// Its port; none for `icmp`.
    pub port: Option<Spanned<u16>>,
    /// Default `tcp`.
    pub protocol: Option<Spanned<FlowProtocol>>,
    /// How often it is asked, in proportion to the others. Default 1.
    pub weight: Option<Spanned<u32>>,
    /// Bytes that a client sends, on average. Default 400.
    pub request_bytes: Option<u64>,
    /// Bytes that it answers, on average. Default 4000.
    pub response_bytes: Option<u64>,
    /// How the sizes of answers are distributed. Default `fixed`.
    pub sizes: Option<Spanned<Sizes>>,
    /// With `pareto`: the shape, above 1. The nearer to 1, the more of the bytes are in a few large answers. Default 1.2.
    pub shape: Option<Spanned<Shape>>,
}

/// Looks which ports of which addresses answer, as port scanners do.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Scan {
    /// Who looks: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// Address blocks, addresses and names.
    pub to: Vec<Spanned<String>>,
    /// Ports and ranges of ports; none for `icmp`.
    #[schemars(default)]
    pub ports: Vec<Spanned<PortRange>>,
    /// Default `tcp`.
    pub protocol: Option<Spanned<FlowProtocol>>,
    /// Probes a second.
    pub rate: Spanned<u64>,
}

/// Packets to one host that nobody keeps a record of.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Flood {
    /// Who sends, each as often as the others: instances, network interfaces or internet hosts.
    pub from: Vec<Spanned<String>>,
    /// Whom: a name, an address, or `internet`.
    pub to: Spanned<String>,
    /// What the packets are.
    pub kind: Spanned<FloodKind>,
    /// Destination port; none for `icmp`.
    pub port: Option<Spanned<u16>>,
    /// Packets a second.
    pub rate: Spanned<u64>,
    /// Bytes of payload. Default 0.
    pub bytes: Option<Spanned<u32>>,
    /// How long.
    pub duration: Spanned<Nanos>,
    /// Source addresses are drawn from this block, as if they were forged.
    pub forged_from: Option<Spanned<Cidr>>,
}

/// When flows begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum FlowModel {
    /// At equal distances.
    Constant,
    /// At exponentially distributed distances, drawn from the seed.
    Poisson,
    /// As `poisson` in periods of `on`, with pauses of `off`; both exponentially distributed.
    OnOff,
}

/// What a flow speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum FlowProtocol {
    /// A TCP connection: request, response, close.
    Tcp,
    /// Datagrams.
    Udp,
    /// An echo request.
    Icmp,
}

/// How sizes are distributed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Sizes {
    /// All the same.
    Fixed,
    /// Exponentially.
    Exponential,
    /// With a heavy tail.
    Pareto,
}

/// What a flood's packets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum FloodKind {
    /// First segments of TCP connections.
    Syn,
    /// UDP datagrams.
    Udp,
    /// Echo requests.
    Icmp,
}

/// Shape of a Pareto distribution, in hundredths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape(pub u32);

impl FromStr for Shape {
    type Err = String;
    /// Reads `1.2`: above 1, at most 10, at most two decimals.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is no shape; write a number above 1 and at most 10, as in `1.2`");
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        let whole: u32 = whole.parse().map_err(|_| error())?;
        let part: u32 = format!("{part:0<2}").parse().map_err(|_| error())?;
        let hundredths = whole.checked_mul(100).and_then(|w| w.checked_add(part)).ok_or_else(error)?;
        if (101..=1_000).contains(&hundredths) { Ok(Self(hundredths)) } else { Err(error()) }
    }
}
impl JsonSchema for Shape {
    fn schema_name() -> Cow<'static, str> {
        "Shape".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 1, "maximum": 10 })
    }
}

decode_text! {
    Shape: "a shape";
}
decode_words! {
    FlowModel { "constant" => Constant, "poisson" => Poisson, "on_off" => OnOff }
    FlowProtocol { "tcp" => Tcp, "udp" => Udp, "icmp" => Icmp }
    Sizes { "fixed" => Fixed, "exponential" => Exponential, "pareto" => Pareto }
    FloodKind { "syn" => Syn, "udp" => Udp, "icmp" => Icmp }
}
decode_struct!(Flows, "flows", {
    from: some, to: some, rate: rate, model, on, off: pauses, duration, count,
});
decode_struct!(Service, "a service", {
    host, port: service_port, protocol, weight: weight, request_bytes, response_bytes, sizes, shape: shape,
});
decode_struct!(Scan, "a scan", { from, to: some, ports: scan_ports, protocol, rate: rate });
decode_struct!(Flood, "a flood", {
    from: some, to, kind, port: flood_port, rate: rate, bytes: flood_bytes, duration, forged_from,
});

/// A list that must not be empty.
fn some<'t, T: Decode>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Vec<T>> {
    let list: Vec<T> = crate::spec::decode::required(fields, name, cx)?;
    if let Some(entry) = fields.entry(name).filter(|_| list.is_empty()) {
        cx.push(Diagnostic::error("bad-value", entry.key_span, format!("`{name}` is empty")).help("name at least one"));
    }
    Some(list)
}

fn rate<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Spanned<u64>> {
    let rate: Spanned<u64> = fields.take(name, cx)?;
    if rate.value == 0 || rate.value > 1_000_000_000 {
        cx.push(Diagnostic::error("bad-value", rate.span, "a rate is 1 to 1,000,000,000 a second"));
    }
    Some(rate)
}

fn weight<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<u32>>> {
    let weight: Option<Spanned<u32>> = fields.take(name, cx)?;
    if let Some(zero) = weight.filter(|w| w.value == 0) {
        cx.push(Diagnostic::error("bad-value", zero.span, "nobody would ask a service of weight 0").help("remove it"));
    }
    Some(weight)
}

/// `on` and `off` stand where `model` is `on_off`, and only there.
fn pauses<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<Nanos>>> {
    let off: Option<Spanned<Nanos>> = fields.take(name, cx)?;
    let word = fields.value("model").and_then(|value| value.text().map(|text| (text == "on_off", value)));
    match word {
        Some((true, value)) if off.is_none() || fields.entry("on").is_none() => {
            cx.push(missing(
                value,
                "`on_off` needs `on` and `off`",
                "write how long flows begin and how long not, as in `on: 2s`",
            ));
        }
        Some((true, _)) => {}
        _ => {
            for key in ["on", "off"] {
                if let Some(entry) = fields.entry(key) {
                    let text = format!("`{key}` stands with `model: on_off` only");
                    cx.push(Diagnostic::error("conflicting-fields", entry.key_span, text).help("add `model: on_off`"));
                }
            }
        }
    }
    Some(off)
}

fn missing(value: Value<'_>, text: &str, help: &str) -> Diagnostic {
    Diagnostic::error("missing-field", value.span(), text.to_owned()).help(help)
}

/// A port where there are ports, and none where there are not.
fn port_for<'t>(fields: &Fields<'t>, name: &'static str, word: &str, cx: &mut Cx<'t>) -> Option<Option<Spanned<u16>>> {
    let port: Option<Spanned<u16>> = fields.take(name, cx)?;
    let icmp = fields.value(word).and_then(Value::text) == Some("icmp");
    match port {
        Some(port) if icmp => {
            cx.push(Diagnostic::error("conflicting-fields", port.span, "ICMP has no ports").help("remove `port`"));
        }
        Some(port) if port.value == 0 => {
            cx.push(Diagnostic::error("bad-value", port.span, "nothing can listen on port 0").help("write 1 to 65535"));
        }
        None if !icmp => {
            cx.push(
                Diagnostic::error("missing-field", fields.owner, "`port` is missing")
                    .help("write the port, as in `port: 443`"),
            );
        }
        _ => {}
    }
    Some(port)
}

fn service_port<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<u16>>> {
    port_for(fields, name, "protocol", cx)
}

fn flood_port<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<u16>>> {
    port_for(fields, name, "kind", cx)
}

fn flood_bytes<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<u32>>> {
    let bytes: Option<Spanned<u32>> = fields.take(name, cx)?;
    let syn = fields.value("kind").and_then(Value::text) == Some("syn");
    match bytes {
        Some(bytes) if syn => {
            cx.push(Diagnostic::error("conflicting-fields", bytes.span, "a SYN has no payload").help("remove `bytes`"));
        }
        Some(bytes) if bytes.value > BYTES_MAX => {
            let text = format!("a packet of a flood has at most {BYTES_MAX} bytes of payload");
            cx.push(Diagnostic::error("bad-value", bytes.span, text));
        }
        _ => {}
    }
    Some(bytes)
}

/// Bytes of payload of a flood's packet.
pub const BYTES_MAX: u32 = 8_000;

fn scan_ports<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Vec<Spanned<PortRange>>> {
    let ports: Vec<Spanned<PortRange>> = fields.take(name, cx)?;
    let icmp = fields.value("protocol").and_then(Value::text) == Some("icmp");
    match ports.first() {
        Some(port) if icmp => {
            cx.push(Diagnostic::error("conflicting-fields", port.span, "ICMP has no ports").help("remove `ports`"));
        }
        None if !icmp => cx.push(
            Diagnostic::error("missing-field", fields.owner, "`ports` is missing")
                .help("as in `ports: [22, 80, 8000-8100]`"),
        ),
        _ => {}
    }
    Some(ports)
}

fn shape<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Option<Spanned<Shape>>> {
    let shape: Option<Spanned<Shape>> = fields.take(name, cx)?;
    let pareto = fields.value("sizes").and_then(Value::text) == Some("pareto");
    if let Some(shape) = shape.filter(|_| !pareto) {
        cx.push(
            Diagnostic::error("conflicting-fields", shape.span, "only `sizes: pareto` has a shape")
                .help("add `sizes: pareto`"),
        );
    }
    Some(shape)
}
