//! Changes of Client VPN endpoints: routes and authorization rules.
//!
//! A client has new routes at once, as if it had connected again; AWS gives them when a session begins.

use crate::diag::Diagnostic;
use crate::spec::decode::{decode_struct, one_or_many};
use crate::spec::{ClientVpnAuthorizationRule, ClientVpnRoute, Spanned, Spec};
use schemars::JsonSchema;

use super::apply::find;
use super::change::list_or_one;

/// A change of a Client VPN endpoint. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClientVpnChange {
    /// The Client VPN endpoint.
    pub client_vpn_endpoint: Spanned<String>,
    /// Routes to add.
    #[schemars(default, schema_with = "list_or_one::<ClientVpnRoute>")]
    pub add_route: Vec<Spanned<ClientVpnRoute>>,
    /// Routes to remove.
    #[schemars(default, schema_with = "list_or_one::<ClientVpnRoute>")]
    pub remove_route: Vec<Spanned<ClientVpnRoute>>,
    /// Authorization rules to add.
    #[schemars(default, schema_with = "list_or_one::<ClientVpnAuthorizationRule>")]
    pub add_authorization_rule: Vec<Spanned<ClientVpnAuthorizationRule>>,
    /// Authorization rules to remove.
    #[schemars(default, schema_with = "list_or_one::<ClientVpnAuthorizationRule>")]
    pub remove_authorization_rule: Vec<Spanned<ClientVpnAuthorizationRule>>,
}

decode_struct!(ClientVpnChange, "a change of a Client VPN endpoint", {
    client_vpn_endpoint, add_route: one_or_many, remove_route: one_or_many, add_authorization_rule: one_or_many,
    remove_authorization_rule: one_or_many,
});

pub(super) fn change_client_vpn(spec: &mut Spec, change: &ClientVpnChange) -> Result<(), Diagnostic> {
    let name = &change.client_vpn_endpoint;
    let endpoint = find(&mut spec.client_vpn_endpoints, name, "Client VPN endpoint")?;
    let (mut routes, mut rules) = (endpoint.routes.clone(), endpoint.authorization_rules.clone());
    let route_text = |route: &ClientVpnRoute| format!("route `{}` by `{}`", route.to, route.subnet);
    let same_route = |a: &ClientVpnRoute, b: &ClientVpnRoute| a.to == b.to && a.subnet.value == b.subnet.value;
    rows(&mut routes, (&change.remove_route, &change.add_route), name, same_route, route_text)?;
    let rule_text = |rule: &ClientVpnAuthorizationRule| match &rule.group {
        Some(group) => format!("authorization rule `{}` for group `{group}`", rule.to),
        None => format!("authorization rule `{}` for everybody", rule.to),
    };
    let same_rule = |a: &ClientVpnAuthorizationRule, b: &ClientVpnAuthorizationRule| a.to == b.to && a.group == b.group;
    let change = (&*change.remove_authorization_rule, &*change.add_authorization_rule);
    rows(&mut rules, change, name, same_rule, rule_text)?;
    (endpoint.routes, endpoint.authorization_rules) = (routes, rules);
    Ok(())
}

/// Takes rows out of a list and puts rows in.
fn rows<T: Clone>(
    list: &mut Vec<Spanned<T>>,
    (remove, add): (&[Spanned<T>], &[Spanned<T>]),
    owner: &str,
    same: impl Fn(&T, &T) -> bool,
    text: impl Fn(&T) -> String,
) -> Result<(), Diagnostic> {
    for row in remove {
        let Some(at) = list.iter().position(|other| same(&other.value, &row.value)) else {
            let message = format!("`{owner}` has no {}", text(&row.value));
            return Err(Diagnostic::error("no-such-member", row.span, message));
        };
        list.remove(at);
    }
    for row in add {
        if list.iter().any(|other| same(&other.value, &row.value)) {
            let message = format!("`{owner}` has {} already", text(&row.value));
            return Err(Diagnostic::error("member-exists", row.span, message));
        }
        list.push(row.clone());
    }
    Ok(())
}
