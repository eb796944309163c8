//! Changes of what joins VPCs: peerings, transit gateways, endpoints.

use crate::base::Cidr;
use crate::diag::Diagnostic;
use crate::spec::decode::{decode_struct, one_or_many};
use crate::spec::node::shown;
use crate::spec::{AttachmentState, PeeringState, Spanned, Spec, TransitGatewayRoute};
use schemars::JsonSchema;

use super::apply::{find, set};
use super::change::{RouteKey, list_or_one};

/// A change of a VPC peering connection.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PeeringChange {
    /// The VPC peering connection.
    pub vpc_peering_connection: Spanned<String>,
    /// What to set.
    pub set: PeeringSettings,
}

/// What can be set of a VPC peering connection.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PeeringSettings {
    /// State.
    pub state: Option<PeeringState>,
    /// Whether public names of the requester's instances resolve to private addresses in the accepter.
    pub requester_dns_resolution: Option<bool>,
    /// The same for names of the accepter's instances in the requester.
    pub accepter_dns_resolution: Option<bool>,
}

/// A change of a transit gateway.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TransitGatewayChange {
    /// The transit gateway.
    pub transit_gateway: Spanned<String>,
    /// What to set.
    pub set: TransitGatewaySettings,
}

/// What can be set of a transit gateway.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TransitGatewaySettings {
    /// Whether security groups may be referenced across it.
    pub security_group_referencing: Option<bool>,
}

/// A change of an attachment to a transit gateway.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AttachmentChange {
    /// The attachment: of a VPC, a peering or a Connect attachment.
    pub transit_gateway_attachment: Spanned<String>,
    /// What to set.
    pub set: AttachmentSettings,
}

/// What can be set of an attachment.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AttachmentSettings {
    /// State.
    pub state: Option<AttachmentState>,
    /// Attachment of a VPC: whether both directions of a flow use one zone.
    pub appliance_mode: Option<bool>,
    /// Attachment of a VPC: whether security groups may be referenced across it.
    pub security_group_referencing: Option<bool>,
}

/// A change of a transit gateway's route table. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TransitGatewayRouteTableChange {
    /// The route table.
    pub transit_gateway_route_table: Spanned<String>,
    /// Static routes to add.
    #[schemars(default, schema_with = "list_or_one::<TransitGatewayRoute>")]
    pub add_route: Vec<Spanned<TransitGatewayRoute>>,
    /// Static routes to remove.
    #[schemars(default, schema_with = "list_or_one::<RouteKey>")]
    pub remove_route: Vec<Spanned<RouteKey>>,
    /// Attachments to associate.
    #[schemars(default)]
    pub add_association: Vec<Spanned<String>>,
    /// Associations to remove.
    #[schemars(default)]
    pub remove_association: Vec<Spanned<String>>,
    /// Attachments that propagate from now on.
    #[schemars(default)]
    pub add_propagation: Vec<Spanned<String>>,
    /// Attachments that no longer propagate.
    #[schemars(default)]
    pub remove_propagation: Vec<Spanned<String>>,
}

/// A change of a VPC endpoint. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EndpointChange {
    /// The VPC endpoint.
    pub vpc_endpoint: Spanned<String>,
    /// Gateway endpoint: route tables that lead to it from now on.
    #[schemars(default)]
    pub add_route_table: Vec<Spanned<String>>,
    /// Gateway endpoint: route tables that no longer lead to it.
    #[schemars(default)]
    pub remove_route_table: Vec<Spanned<String>>,
    /// What to set.
    #[schemars(default)]
    pub set: Option<EndpointSettings>,
}

/// What can be set of a VPC endpoint.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Interface endpoint: its security groups.
    pub security_groups: Option<Vec<Spanned<String>>>,
    /// True if it takes no traffic.
    pub unavailable: Option<bool>,
}

decode_struct!(PeeringChange, "a change of a VPC peering connection", { vpc_peering_connection, set });
decode_struct!(PeeringSettings, "a VPC peering connection's settings", {
    state, requester_dns_resolution, accepter_dns_resolution,
});
decode_struct!(TransitGatewayChange, "a change of a transit gateway", { transit_gateway, set });
decode_struct!(TransitGatewaySettings, "a transit gateway's settings", { security_group_referencing });
decode_struct!(AttachmentChange, "a change of an attachment", { transit_gateway_attachment, set });
decode_struct!(AttachmentSettings, "an attachment's settings", {
    state, appliance_mode, security_group_referencing,
});
decode_struct!(TransitGatewayRouteTableChange, "a change of a transit gateway's route table", {
    transit_gateway_route_table, add_route: one_or_many, remove_route: one_or_many, add_association,
    remove_association, add_propagation, remove_propagation,
});
decode_struct!(EndpointChange, "a change of a VPC endpoint", {
    vpc_endpoint, add_route_table, remove_route_table, set,
});
decode_struct!(EndpointSettings, "a VPC endpoint's settings", { security_groups, unavailable });

pub(super) fn change_peering(spec: &mut Spec, change: &PeeringChange) -> Result<(), Diagnostic> {
    let kind = "VPC peering connection";
    let peering = find(&mut spec.vpc_peering_connections, &change.vpc_peering_connection, kind)?;
    set(&mut peering.state, &change.set.state);
    set(&mut peering.requester_dns_resolution, &change.set.requester_dns_resolution);
    set(&mut peering.accepter_dns_resolution, &change.set.accepter_dns_resolution);
    Ok(())
}

pub(super) fn change_transit_gateway(spec: &mut Spec, change: &TransitGatewayChange) -> Result<(), Diagnostic> {
    let tgw = find(&mut spec.transit_gateways, &change.transit_gateway, "transit gateway")?;
    set(&mut tgw.security_group_referencing, &change.set.security_group_referencing);
    Ok(())
}

pub(super) fn change_attachment(spec: &mut Spec, change: &AttachmentChange) -> Result<(), Diagnostic> {
    let (name, settings) = (&change.transit_gateway_attachment, &change.set);
    let of_vpc = settings.appliance_mode.is_some() || settings.security_group_referencing.is_some();
    if let Some(peering) = spec.transit_gateway_peering_attachments.get_mut(name.value.as_str()).filter(|_| !of_vpc) {
        set(&mut peering.state, &settings.state);
        return Ok(());
    }
    if let Some(connect) = spec.transit_gateway_connects.get_mut(name.value.as_str()).filter(|_| !of_vpc) {
        set(&mut connect.state, &settings.state);
        return Ok(());
    }
    let attachment = find(&mut spec.transit_gateway_vpc_attachments, name, "attachment of a VPC")?;
    set(&mut attachment.state, &settings.state);
    set(&mut attachment.appliance_mode, &settings.appliance_mode);
    set(&mut attachment.security_group_referencing, &settings.security_group_referencing);
    Ok(())
}

pub(super) fn change_tgw_routes(spec: &mut Spec, change: &TransitGatewayRouteTableChange) -> Result<(), Diagnostic> {
    let name = &change.transit_gateway_route_table;
    // The table that AWS makes by default is written out before the first change to it.
    if !spec.transit_gateway_route_tables.contains_key(name.value.as_str()) {
        let full = crate::compile::expand(spec, &mut Vec::new());
        if let Some((key, table)) = full.transit_gateway_route_tables.get_key_value(name.value.as_str()) {
            spec.transit_gateway_route_tables.insert(key.clone(), table.clone());
        }
    }
    let mut table = find(&mut spec.transit_gateway_route_tables, name, "transit gateway route table")?.clone();
    for key in &change.remove_route {
        let Some(at) = table.routes.iter().position(|route| same_destination(&route.to, &key.to)) else {
            let message = format!("`{name}` has no static route to `{}`", shown(&key.to));
            return Err(Diagnostic::error("no-such-route", key.to.span, message));
        };
        table.routes.remove(at);
    }
    for route in &change.add_route {
        if let Some(old) = table.routes.iter().find(|old| same_destination(&old.to, &route.to)) {
            let message = format!("`{name}` has a static route to `{}` already", shown(&route.to));
            return Err(Diagnostic::error("route-exists", route.to.span, message)
                .note(old.span, "this one")
                .help("to replace it, remove it in the same change"));
        }
        table.routes.push(route.clone());
    }
    members(&mut table.associations, &change.remove_association, &change.add_association, name, "association")?;
    members(&mut table.propagations, &change.remove_propagation, &change.add_propagation, name, "propagation")?;
    *find(&mut spec.transit_gateway_route_tables, name, "transit gateway route table")? = table;
    Ok(())
}

pub(super) fn change_endpoint(spec: &mut Spec, change: &EndpointChange) -> Result<(), Diagnostic> {
    let name = &change.vpc_endpoint;
    let mut endpoint = find(&mut spec.vpc_endpoints, name, "VPC endpoint")?.clone();
    members(&mut endpoint.route_tables, &change.remove_route_table, &change.add_route_table, name, "route table")?;
    if let Some(settings) = &change.set {
        set(&mut endpoint.security_groups, &settings.security_groups);
        endpoint.unavailable = settings.unavailable.unwrap_or(endpoint.unavailable);
    }
    *find(&mut spec.vpc_endpoints, name, "VPC endpoint")? = endpoint;
    Ok(())
}

/// Takes names out of a list and puts names in.
fn members(
    list: &mut Vec<Spanned<String>>,
    remove: &[Spanned<String>],
    add: &[Spanned<String>],
    owner: &Spanned<String>,
    what: &str,
) -> Result<(), Diagnostic> {
    for name in remove {
        let Some(at) = list.iter().position(|other| other.value == name.value) else {
            let message = format!("`{owner}` has no {what} `{}`", shown(name));
            return Err(Diagnostic::error("no-such-member", name.span, message));
        };
        list.remove(at);
    }
    for name in add {
        if list.iter().any(|other| other.value == name.value) {
            let message = format!("`{owner}` has the {what} `{}` already", shown(name));
            return Err(Diagnostic::error("member-exists", name.span, message));
        }
        list.push(name.clone());
    }
    Ok(())
}

fn same_destination(a: &str, b: &str) -> bool {
    a == b || a.parse::<Cidr>().is_ok_and(|a| b.parse::<Cidr>().as_ref() == Ok(&a))
}
