//! Network ACLs as written.

use super::Spanned;
use crate::base::Cidr;
use crate::base::port::{PortRange, ProtocolMatch};
use schemars::JsonSchema;
use serde::Serialize;

/// A network ACL. The last row `*`, deny all, is implied.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkAcl {
    /// Its VPC.
    pub vpc: Spanned<String>,
    /// True for the VPC's default ACL: it serves every subnet that names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Rows for traffic entering a subnet. Default: none, or allow all in a default ACL.
    pub inbound: Option<Vec<Spanned<AclRule>>>,
    /// Rows for traffic leaving a subnet. Default: none, or allow all in a default ACL.
    pub outbound: Option<Vec<Spanned<AclRule>>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// One row of an ACL.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AclRule {
    /// Row number, 1 to 32766; lower numbers decide first.
    pub rule: Spanned<u32>,
    /// What it does.
    pub action: AclAction,
    /// Protocol. Default `all`.
    pub protocol: Option<ProtocolMatch>,
    /// Destination ports, for TCP and UDP. Default all.
    pub ports: Option<PortRange>,
    /// ICMP type, -1 for any. Default any.
    pub icmp_type: Option<i16>,
    /// ICMP code, -1 for any. Default any.
    pub icmp_code: Option<i16>,
    /// Source block: inbound rows only.
    pub from: Option<Spanned<Cidr>>,
    /// Destination block: outbound rows only.
    pub to: Option<Spanned<Cidr>>,
}

/// What a row does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AclAction {
    /// Lets the packet through.
    Allow,
    /// Drops it.
    Deny,
}
