//! Whose packets are written to capture files, and which of them.

use crate::observe::capture::Filter;
use crate::spec::Spanned;
use crate::spec::decode::{Cx, Decode, decode_struct, decode_text, decode_words};
use crate::spec::node::{Kind, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Whose packets are written to capture files.
#[derive(Clone, PartialEq, Debug)]
pub enum Captures {
    /// Every network interface's.
    All,
    /// Those of these places.
    Places(Vec<CaptureAt>),
}

/// One place.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CaptureAt {
    /// A network interface, an instance, a NAT gateway, a transit gateway's attachment, a VPN tunnel or a virtual interface.
    pub at: Spanned<String>,
    /// One side of a NAT gateway (`inside`, `outside`) or of a tunnel's encryption (`inner`, `outer`). Default: all.
    pub side: Option<Spanned<CaptureSide>>,
    /// Which packets, in tcpdump's words, as in `tcp port 443 and host 10.0.1.10`; `dropped` takes those that are lost.
    pub filter: Option<Spanned<Filter>>,
    /// At most this many bytes of each packet, counted from its IP header.
    pub snap_length: Option<Spanned<u32>>,
}

/// One side of a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum CaptureSide {
    /// Of a NAT gateway: where its clients are.
    Inside,
    /// Of a NAT gateway: where it is the sender.
    Outside,
    /// Of a tunnel: what it carries.
    Inner,
    /// Of a tunnel: what carries it.
    Outer,
}

impl CaptureSide {
    /// The word for it in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Inner => "inner",
            Self::Outer => "outer",
        }
    }
}

impl Default for Captures {
    fn default() -> Self {
        Self::Places(Vec::new())
    }
}

impl JsonSchema for Captures {
    fn schema_name() -> Cow<'static, str> {
        "Captures".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let place = CaptureAt::json_schema(generator).to_value();
        json_schema!({ "anyOf": [
            { "const": "all", "description": "Every network interface." },
            { "type": "array", "items": { "anyOf": [{ "type": "string" }, place] } }
        ] })
    }
}

impl JsonSchema for Filter {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["tcp port 443 and host 10.0.1.10", "dropped"] })
    }
}

impl Decode for Captures {
    const SINGLE: bool = false;
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        match value.kind() {
            Kind::Scalar { text, .. } if text == "all" => Some(Self::All),
            Kind::Seq(items) => {
                let each = items.iter().filter_map(|item| place(value.item(*item), cx));
                Some(Self::Places(each.collect()))
            }
            _ => {
                cx.wrong_type(value, "`all` or a list of names");
                None
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

/// A name by itself, or a place with what is captured there.
fn place<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<CaptureAt> {
    match value.kind() {
        Kind::Map(_) => CaptureAt::decode(value, cx),
        _ => {
            let at = Spanned::<String>::decode(value, cx)?;
            Some(CaptureAt { at, side: None, filter: None, snap_length: None })
        }
    }
}

decode_text! {
    Filter: "a capture filter";
}
decode_words! {
    CaptureSide { "inside" => Inside, "outside" => Outside, "inner" => Inner, "outer" => Outer }
}
decode_struct!(CaptureAt, "a capture", { at, side, filter, snap_length });
