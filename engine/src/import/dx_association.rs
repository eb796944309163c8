//! Associations of Direct Connect gateways (`aws directconnect describe-direct-connect-gateway-associations`).

use super::Out;
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Text};
use super::transit_gateway::has_gateway;
use crate::base::Cidr;
use crate::diag::Span;
use crate::spec::{DirectConnectGatewayAssociation, Name, Spanned};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Association {
    association_id: Text,
    direct_connect_gateway_id: Text,
    association_state: Text,
    associated_gateway: Option<Associated>,
    virtual_gateway_id: Text,
    allowed_prefixes_to_direct_connect_gateway: Option<List<Prefix>>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct Associated {
    id: Text,
    r#type: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Prefix {
    pub(super) cidr: Maybe<Cidr>,
}

impl Resource for Association {
    const KIND: &'static str = "Direct Connect gateway association";
    const ID: &'static str = "associationId";
    fn id(&self) -> &str {
        self.association_id.text()
    }
}

impl Association {
    /// The transit gateway, if it is of one.
    pub(super) fn transit_gateway(&self) -> Option<&Text> {
        let gateway = self.associated_gateway.as_ref()?;
        (gateway.r#type.text() == "transitGateway" || gateway.id.text().starts_with("tgw-")).then_some(&gateway.id)
    }

    fn virtual_gateway(&self) -> &str {
        let id = self.associated_gateway.as_ref().map_or("", |gateway| gateway.id.text());
        if id.is_empty() { self.virtual_gateway_id.text() } else { id }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.association_state.text(), "disassociating" | "disassociated")
    }
}

/// Writes the associations. Gateways of all kinds are there. The answer: the virtual private gateways with an
/// association that is not modelled.
pub(super) fn build(found: Vec<Item<Association>>, out: &mut Out) -> BTreeSet<String> {
    let mut doubtful = BTreeSet::new();
    for Item { value: association, span, .. } in found {
        let (id, state) = (association.id(), association.association_state.text());
        if association.is_gone() {
            out.deleted(id, state);
        } else if state == "associating" {
            out.skip(id, format!("state {state}"));
        } else if !build_one(&association, span, out) && association.transit_gateway().is_none() {
            doubtful.insert(association.virtual_gateway().to_owned());
        }
    }
    doubtful
}

/// Writes one association; false if it became one that is not modelled.
fn build_one(association: &Association, span: Span, out: &mut Out) -> bool {
    let (id, gateway) = (association.id(), association.direct_connect_gateway_id.text());
    let (tgw, vgw) = (association.transit_gateway(), association.virtual_gateway());
    let lacks = if !out.spec.direct_connect_gateways.contains_key(gateway) {
        Some(if gateway.is_empty() { "its Direct Connect gateway" } else { gateway })
    } else if tgw.is_none() && !out.spec.vpn_gateways.contains_key(vgw) {
        Some(if vgw.is_empty() { "its gateway" } else { vgw })
    } else {
        None
    };
    if let Some(lacks) = lacks {
        out.missing(id, lacks, "kept as not modelled");
        out.not_modelled(id, Association::KIND, None, None);
        return false;
    }
    if let Some(tgw) = tgw
        && !has_gateway(Association::KIND, id, tgw, (None, None), span, out)
    {
        return false;
    }
    let listed = association.allowed_prefixes_to_direct_connect_gateway.as_ref();
    if listed.is_none() && tgw.is_some() {
        out.missing(id, "allowed prefixes", "taken as none: nothing is announced to the routers");
    }
    let prefixes: Option<BTreeSet<Cidr>> = listed.map(|list| list.iter().filter_map(|prefix| prefix.cidr.0).collect());
    let built = DirectConnectGatewayAssociation {
        direct_connect_gateway: Spanned::new(gateway.to_owned(), span),
        vpn_gateway: tgw.is_none().then(|| Spanned::new(vgw.to_owned(), span)),
        transit_gateway: tgw.map(|tgw| Spanned::new(tgw.text().to_owned(), span)),
        allowed_prefixes: prefixes
            .filter(|list| !list.is_empty() || tgw.is_some())
            .map(|list| list.into_iter().map(|prefix| Spanned::new(prefix, span)).collect()),
        name_tag: None,
    };
    out.spec.direct_connect_gateway_associations.insert(Name::new(id.to_owned(), span), built);
    true
}
