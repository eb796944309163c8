//! A change of the configuration, as data.
//!
//! Models the API calls that add and remove rules and routes and set attributes. Deliberately not:
//! making or deleting whole resources.
//!
//! Invariant: a change names exactly one resource, and only what that kind of resource has.

use crate::diag::Diagnostic;
use crate::spec::decode::{Cx, Decode, Fields, decode_struct, one_or_many};
use crate::spec::node::{Kind, Value};
use crate::spec::{AclRule, BpaMode, Forwarding, InstanceState, Listener, PublicIp, Route, SgRule, SgRules, Spanned};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::action::exactly_one;
use super::change_between::{
    AttachmentChange, EndpointChange, PeeringChange, TransitGatewayChange, TransitGatewayRouteTableChange,
};
use super::change_client_vpn::ClientVpnChange;
use super::change_hybrid::{ConnectionChange, RouterChange, TunnelChange, VirtualInterfaceChange};
use super::change_mirror::{MirrorFilterChange, MirrorSessionChange};

/// A change of one resource.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Change {
    /// Of a network ACL's rows.
    NetworkAcl(AclChange),
    /// Of a security group's rules.
    SecurityGroup(SecurityGroupChange),
    /// Of a route table's routes.
    RouteTable(RouteTableChange),
    /// Of an instance.
    Instance(InstanceChange),
    /// Of a network interface.
    NetworkInterface(NetworkInterfaceChange),
    /// Of a subnet's associations.
    Subnet(SubnetChange),
    /// Of a NAT gateway.
    NatGateway(NatGatewayChange),
    /// Of Block Public Access.
    BlockPublicAccess(BlockPublicAccessChange),
    /// Of a VPC peering connection.
    Peering(PeeringChange),
    /// Of a transit gateway.
    TransitGateway(TransitGatewayChange),
    /// Of an attachment to a transit gateway.
    Attachment(AttachmentChange),
    /// Of a transit gateway's route table.
    TransitGatewayRouteTable(TransitGatewayRouteTableChange),
    /// Of a VPC endpoint.
    Endpoint(EndpointChange),
    /// Of a router of a site.
    Router(RouterChange),
    /// Of a Direct Connect connection.
    Connection(ConnectionChange),
    /// Of a virtual interface.
    VirtualInterface(VirtualInterfaceChange),
    /// Of a tunnel of a VPN connection.
    Tunnel(TunnelChange),
    /// Of a Client VPN endpoint.
    ClientVpn(ClientVpnChange),
    /// Of a traffic mirror filter.
    MirrorFilter(MirrorFilterChange),
    /// Of a traffic mirror session.
    MirrorSession(MirrorSessionChange),
}

/// The schema of a list that may be written as one of its items.
pub(super) fn list_or_one<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
}

/// A change of a network ACL. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AclChange {
    /// The network ACL.
    pub network_acl: Spanned<String>,
    /// Rows to add for traffic entering a subnet.
    #[schemars(default, schema_with = "list_or_one::<AclRule>")]
    pub add_inbound: Vec<Spanned<AclRule>>,
    /// Rows to add for traffic leaving a subnet.
    #[schemars(default, schema_with = "list_or_one::<AclRule>")]
    pub add_outbound: Vec<Spanned<AclRule>>,
    /// Numbers of the inbound rows to remove.
    #[schemars(default)]
    pub remove_inbound: Vec<Spanned<u32>>,
    /// Numbers of the outbound rows to remove.
    #[schemars(default)]
    pub remove_outbound: Vec<Spanned<u32>>,
}

/// A change of a security group. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SecurityGroupChange {
    /// The security group.
    pub security_group: Spanned<String>,
    /// Rules to add for traffic to its interfaces.
    #[schemars(default, schema_with = "list_or_one::<SgRule>")]
    pub add_inbound: Vec<Spanned<SgRule>>,
    /// Rules to add for traffic from its interfaces.
    #[schemars(default, schema_with = "list_or_one::<SgRule>")]
    pub add_outbound: Vec<Spanned<SgRule>>,
    /// Inbound rules to remove: by `id`, or by what they say.
    #[schemars(default, schema_with = "list_or_one::<SgRule>")]
    pub remove_inbound: Vec<Spanned<SgRule>>,
    /// Outbound rules to remove: by `id`, or by what they say.
    #[schemars(default, schema_with = "list_or_one::<SgRule>")]
    pub remove_outbound: Vec<Spanned<SgRule>>,
}

/// A change of a route table. Removals come first, so that both together replace a route.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RouteTableChange {
    /// The route table.
    pub route_table: Spanned<String>,
    /// Routes to add.
    #[schemars(default, schema_with = "list_or_one::<Route>")]
    pub add_route: Vec<Spanned<Route>>,
    /// Routes to remove.
    #[schemars(default, schema_with = "list_or_one::<RouteKey>")]
    pub remove_route: Vec<Spanned<RouteKey>>,
}

/// A route, by its destination.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RouteKey {
    /// Its destination, as the route table says it.
    pub to: Spanned<String>,
}

/// A change of an instance.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct InstanceChange {
    /// The instance.
    pub instance: Spanned<String>,
    /// What to set.
    pub set: InstanceSettings,
}

/// What can be set of an instance and its primary interface.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct InstanceSettings {
    /// State.
    pub state: Option<InstanceState>,
    /// What listens.
    pub listen: Option<Vec<Spanned<Listener>>>,
    /// Whether the guest answers echo requests.
    pub answers_ping: Option<bool>,
    /// What the guest forwards.
    pub forwarding: Option<Forwarding>,
    /// Source/destination check of the primary interface.
    pub source_dest_check: Option<bool>,
    /// Security groups of the primary interface.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// Public address of the primary interface.
    pub public_ip: Option<Spanned<PublicIp>>,
}

/// A change of a network interface.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NetworkInterfaceChange {
    /// The network interface; a primary one has the name of its instance.
    pub network_interface: Spanned<String>,
    /// What to set.
    pub set: NetworkInterfaceSettings,
}

/// What can be set of a network interface.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NetworkInterfaceSettings {
    /// Source/destination check.
    pub source_dest_check: Option<bool>,
    /// Security groups.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// Public address.
    pub public_ip: Option<Spanned<PublicIp>>,
}

/// A change of a subnet.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SubnetChange {
    /// The subnet.
    pub subnet: Spanned<String>,
    /// What to set.
    pub set: SubnetSettings,
}

/// What can be set of a subnet.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SubnetSettings {
    /// Its route table.
    pub route_table: Option<Spanned<String>>,
    /// Its network ACL.
    pub network_acl: Option<Spanned<String>>,
}

/// A change of a NAT gateway.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NatGatewayChange {
    /// The NAT gateway.
    pub nat_gateway: Spanned<String>,
    /// What to set.
    pub set: NatGatewaySettings,
}

/// What can be set of a NAT gateway.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NatGatewaySettings {
    /// False if it is deleted.
    pub available: Option<bool>,
}

/// A change of Block Public Access.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BlockPublicAccessChange {
    /// The Region, of the topology's account.
    pub block_public_access: Spanned<String>,
    /// What to set.
    pub set: BlockPublicAccessSettings,
}

/// What can be set of Block Public Access.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BlockPublicAccessSettings {
    /// What is blocked.
    pub mode: BpaMode,
}

decode_struct!(AclChange, "a change of a network ACL", {
    network_acl, add_inbound: one_or_many, add_outbound: one_or_many, remove_inbound, remove_outbound,
});
decode_struct!(SecurityGroupChange, "a change of a security group", {
    security_group, add_inbound: rules, add_outbound: rules, remove_inbound: rules, remove_outbound: rules,
});
decode_struct!(RouteTableChange, "a change of a route table", {
    route_table, add_route: one_or_many, remove_route: one_or_many,
});
decode_struct!(RouteKey, "a route to remove", { to });
decode_struct!(InstanceChange, "a change of an instance", { instance, set });
decode_struct!(InstanceSettings, "an instance's settings", {
    state, listen, answers_ping, forwarding, source_dest_check, security_groups, public_ip,
});
decode_struct!(NetworkInterfaceChange, "a change of a network interface", { network_interface, set });
decode_struct!(NetworkInterfaceSettings, "a network interface's settings", {
    source_dest_check, security_groups, public_ip,
});
decode_struct!(SubnetChange, "a change of a subnet", { subnet, set });
decode_struct!(SubnetSettings, "a subnet's settings", { route_table, network_acl });
decode_struct!(NatGatewayChange, "a change of a NAT gateway", { nat_gateway, set });
decode_struct!(NatGatewaySettings, "a NAT gateway's settings", { available });
decode_struct!(BlockPublicAccessChange, "a change of Block Public Access", { block_public_access, set });
decode_struct!(BlockPublicAccessSettings, "settings of Block Public Access", { mode });

fn rules<'t>(fields: &Fields<'t>, name: &'static str, cx: &mut Cx<'t>) -> Option<Vec<Spanned<SgRule>>> {
    let rules: Vec<SgRules> = one_or_many(fields, name, cx)?;
    Some(rules.into_iter().flat_map(|r| r.0).collect())
}

const KINDS: [&str; 20] = [
    "network_acl",
    "security_group",
    "route_table",
    "instance",
    "network_interface",
    "subnet",
    "nat_gateway",
    "block_public_access",
    "vpc_peering_connection",
    "transit_gateway",
    "transit_gateway_attachment",
    "transit_gateway_route_table",
    "vpc_endpoint",
    "router",
    "direct_connect_connection",
    "virtual_interface",
    "vpn_tunnel",
    "client_vpn_endpoint",
    "traffic_mirror_filter",
    "traffic_mirror_session",
];
const OPERATIONS: [&str; 20] = [
    "add_inbound",
    "add_outbound",
    "remove_inbound",
    "remove_outbound",
    "add_route",
    "remove_route",
    "add_association",
    "remove_association",
    "add_propagation",
    "remove_propagation",
    "add_route_table",
    "remove_route_table",
    "add_authorization_rule",
    "remove_authorization_rule",
    "add_ingress",
    "add_egress",
    "remove_ingress",
    "remove_egress",
    "set_neighbor",
    "set",
];

impl Decode for Change {
    const SINGLE: bool = false;
    /// The one key that names a resource says which change it is.
    fn decode<'t>(value: Value<'t>, cx: &mut Cx<'t>) -> Option<Self> {
        let Kind::Map(entries) = value.kind() else {
            cx.wrong_type(value, "a change (a map of fields)");
            return None;
        };
        if entries.iter().filter(|e| KINDS.contains(&&*e.key)).count() != 1 {
            let all: Vec<&str> = KINDS.into_iter().chain(OPERATIONS).collect();
            let fields = Fields::new(value, cx, "a change", &all)?;
            exactly_one(&fields, &KINDS, "the resource to change", cx);
            return None;
        }
        let kind = entries.iter().find(|e| KINDS.contains(&&*e.key)).map_or("", |e| &*e.key);
        if !entries.iter().any(|e| OPERATIONS.contains(&&*e.key)) && entries.len() == 1 {
            let help = match kind {
                "network_acl" | "security_group" => {
                    "add `add_inbound`, `add_outbound`, `remove_inbound` or `remove_outbound`"
                }
                "route_table" => "add `add_route` or `remove_route`",
                "transit_gateway_route_table" => {
                    "add `add_route`, `remove_route`, or the same for `association` and `propagation`"
                }
                "vpc_endpoint" => "add `add_route_table`, `remove_route_table` or `set`",
                "router" => "add `set_neighbor`",
                "traffic_mirror_filter" => {
                    "add `add_ingress`, `add_egress`, `remove_ingress`, `remove_egress` or `set`"
                }
                "client_vpn_endpoint" => "add `add_route`, `remove_route`, or the same for `authorization_rule`",
                _ => "add `set`",
            };
            cx.push(Diagnostic::error("missing-field", cx.owner, "the change changes nothing").help(help));
            return None;
        }
        Some(match kind {
            "network_acl" => Self::NetworkAcl(Decode::decode(value, cx)?),
            "security_group" => Self::SecurityGroup(Decode::decode(value, cx)?),
            "route_table" => Self::RouteTable(Decode::decode(value, cx)?),
            "instance" => Self::Instance(Decode::decode(value, cx)?),
            "network_interface" => Self::NetworkInterface(Decode::decode(value, cx)?),
            "subnet" => Self::Subnet(Decode::decode(value, cx)?),
            "nat_gateway" => Self::NatGateway(Decode::decode(value, cx)?),
            "vpc_peering_connection" => Self::Peering(Decode::decode(value, cx)?),
            "transit_gateway" => Self::TransitGateway(Decode::decode(value, cx)?),
            "transit_gateway_attachment" => Self::Attachment(Decode::decode(value, cx)?),
            "transit_gateway_route_table" => Self::TransitGatewayRouteTable(Decode::decode(value, cx)?),
            "vpc_endpoint" => Self::Endpoint(Decode::decode(value, cx)?),
            "router" => Self::Router(Decode::decode(value, cx)?),
            "direct_connect_connection" => Self::Connection(Decode::decode(value, cx)?),
            "virtual_interface" => Self::VirtualInterface(Decode::decode(value, cx)?),
            "client_vpn_endpoint" => Self::ClientVpn(Decode::decode(value, cx)?),
            "traffic_mirror_filter" => Self::MirrorFilter(Decode::decode(value, cx)?),
            "traffic_mirror_session" => Self::MirrorSession(Decode::decode(value, cx)?),
            "vpn_tunnel" => Self::Tunnel(Decode::decode(value, cx)?),
            _ => Self::BlockPublicAccess(Decode::decode(value, cx)?),
        })
    }
}
