//! Security groups as written.

use super::Spanned;
use crate::base::Cidr;
use crate::base::port::{PortRange, ProtocolMatch};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A security group.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityGroup {
    /// Its VPC.
    pub vpc: Spanned<String>,
    /// True for the VPC's default group: it serves every interface that names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Rules for traffic to its interfaces. Default: none; in a default group, everything from itself.
    pub inbound: Option<Vec<Spanned<SgRule>>>,
    /// Rules for traffic from its interfaces. Default: everything.
    pub outbound: Option<Vec<Spanned<SgRule>>>,
    /// What it is for.
    pub description: Option<String>,
    /// Owner account, if not the VPC's: a participant's group in a shared VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Spanned<String>>,
    /// Its `GroupName`, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One rule. It always allows.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SgRule {
    /// Protocol. Default `all`.
    pub protocol: Option<ProtocolMatch>,
    /// Destination ports, for TCP and UDP. Default all.
    pub ports: Option<PortRange>,
    /// ICMP type, -1 for any. Default any.
    pub icmp_type: Option<i16>,
    /// ICMP code, -1 for any. Default any.
    pub icmp_code: Option<i16>,
    /// Who may send: inbound rules only.
    pub from: Option<Spanned<Peer>>,
    /// Who may be sent to: outbound rules only.
    pub to: Option<Spanned<Peer>>,
    /// The rule's AWS id, as in `sgr-0123456789abcdef0`.
    pub id: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// The other side of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Peer {
    /// An address block.
    Cidr(Cidr),
    /// The name of a security group or a prefix list.
    Name(String),
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cidr(cidr) => cidr.serialize(serializer),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}
impl JsonSchema for Peer {
    fn schema_name() -> Cow<'static, str> {
        "Peer".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["10.0.0.0/16", "sg-web", "pl-63a5400a"] })
    }
}
