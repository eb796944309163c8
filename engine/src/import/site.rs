//! What joins sites to AWS: VPN connections and Direct Connect, put together in order.
//!
//! The sites themselves are not in an export, so what a gateway learns of them is unknown. A gateway of which
//! the export does not hold what could tell it routes is not modelled: it would be taken to know none.

use super::Out;
use super::direct_connect::{self, Connection, Gateway, Lag};
use super::dx_association::{self, Association};
use super::inventory::unique;
use super::read::Item;
use super::virtual_interface::{self, Vif};
use super::vpn;
use super::vpn_gateway::{self, Customer, Vgw};
use crate::base::Cidr;
use crate::diag::Diagnostic;
use crate::spec::{Name, Spanned, VpnConnection};
use std::collections::{BTreeMap, BTreeSet};

/// What was read of VPN and Direct Connect.
#[derive(Default)]
pub(super) struct Found {
    pub(super) customers: Vec<Item<Customer>>,
    pub(super) vgws: Vec<Item<Vgw>>,
    pub(super) vpns: Vec<Item<vpn::Connection>>,
    pub(super) connections: Vec<Item<Connection>>,
    pub(super) lags: Vec<Item<Lag>>,
    pub(super) dxgws: Vec<Item<Gateway>>,
    pub(super) vifs: Vec<Item<Vif>>,
    pub(super) associations: Vec<Item<Association>>,
}

/// What the rest of the export says of these things.
pub(super) struct Known<'a> {
    /// The keys that the files had.
    pub(super) keys: &'a BTreeSet<String>,
    /// The blocks that route tables show as learnt, by virtual private gateway.
    pub(super) propagated: BTreeMap<String, BTreeSet<Cidr>>,
}

impl Found {
    /// The transit gateways that something here is an attachment of.
    pub(super) fn transit_gateways(&self) -> BTreeSet<String> {
        let vpns = self.vpns.iter().filter(|vpn| !vpn.value.is_gone()).map(|vpn| &vpn.value.transit_gateway_id);
        let associations = self.associations.iter().filter(|a| !a.value.is_gone());
        vpns.chain(associations.filter_map(|a| a.value.transit_gateway())).filter_map(|tgw| tgw.0.clone()).collect()
    }

    /// Writes everything. VPCs and transit gateways are there.
    pub(super) fn build(self, known: &Known<'_>, out: &mut Out) {
        let (customers, vgws) = (unique(self.customers, out), unique(self.vgws, out));
        vpn_gateway::build_customers(customers, out);
        vpn_gateway::build(vgws, out);
        let vpns = unique(self.vpns, out);
        let mut doubtful = vpn::build(vpns, out);
        let (connections, lags) = (unique(self.connections, out), unique(self.lags, out));
        direct_connect::build_connections(connections, lags, out);
        let (gateways, vifs) = (unique(self.dxgws, out), unique(self.vifs, out));
        direct_connect::build_gateways(gateways, out);
        doubtful.extend(virtual_interface::build(vifs, out));
        untold_direct_connect(&doubtful, known, out);
        let associations = unique(self.associations, out);
        doubtful.extend(dx_association::build(associations, out));
        untold_vgws(&doubtful, known, out);
    }
}

/// Takes out the Direct Connect gateways whose virtual interfaces the export lacks.
fn untold_direct_connect(doubtful: &BTreeSet<String>, known: &Known<'_>, out: &mut Out) {
    let told: BTreeSet<String> =
        out.spec.virtual_interfaces.values().filter_map(|vif| name(&vif.direct_connect_gateway)).collect();
    let listed = known.keys.contains("virtualInterfaces");
    let untold = |id: &str| !told.contains(id) && (!listed || doubtful.contains(id));
    let ids: Vec<_> = out.spec.direct_connect_gateways.keys().filter(|id| untold(id)).cloned().collect();
    for id in ids {
        let Some(gateway) = out.spec.direct_connect_gateways.remove(&id) else { continue };
        let call = (!listed).then_some("directconnect describe-virtual-interfaces");
        not_modelled("Direct Connect gateway", &id, ("virtual interfaces", call), gateway.name_tag, None, out);
    }
}

/// Takes out the virtual private gateways that would be taken to learn nothing although they do, or may.
fn untold_vgws(doubtful: &BTreeSet<String>, known: &Known<'_>, out: &mut Out) {
    let spec = &out.spec;
    // What ends at a site that nobody describes: whatever it tells is unknown, and compile knows that.
    let mut told: BTreeSet<String> =
        spec.virtual_interfaces.values().filter_map(|vif| name(&vif.vpn_gateway)).collect();
    let by_hand = |c: &&VpnConnection| c.static_routes_only == Some(true);
    told.extend(spec.vpn_connections.values().filter(|c| !by_hand(c)).filter_map(|c| name(&c.vpn_gateway)));
    let with_interface: BTreeSet<String> =
        spec.virtual_interfaces.values().filter_map(|vif| name(&vif.direct_connect_gateway)).collect();
    let associations = spec.direct_connect_gateway_associations.values();
    let open = associations.filter(|a| with_interface.contains(a.direct_connect_gateway.value.as_str()));
    told.extend(open.filter_map(|a| name(&a.vpn_gateway)));
    let unexplained = |id: &str| {
        let routes = spec.vpn_connections.values().filter(|c| name(&c.vpn_gateway).as_deref() == Some(id));
        let routes: BTreeSet<Cidr> = routes.flat_map(|c| c.static_routes.iter().map(|to| to.value)).collect();
        known.propagated.get(id).is_some_and(|shown| !shown.is_subset(&routes))
    };
    let listed = known.keys.contains("VpnConnections");
    let untold = |id: &str| !told.contains(id) && (!listed || doubtful.contains(id) || unexplained(id));
    let ids: Vec<_> = spec.vpn_gateways.keys().filter(|id| untold(id)).cloned().collect();
    for id in ids {
        let Some(gateway) = out.spec.vpn_gateways.remove(&id) else { continue };
        let lacks = match listed {
            true => ("sources of routes", None),
            false => ("VPN connections", Some("ec2 describe-vpn-connections")),
        };
        let vpc = name(&gateway.vpc);
        not_modelled("virtual private gateway", &id, lacks, gateway.name_tag, vpc.as_deref(), out);
        let of = |gateway: &Option<Spanned<String>>| name(gateway).as_deref() == Some(id.as_str());
        let vpns: Vec<_> =
            out.spec.vpn_connections.iter().filter(|(_, c)| of(&c.vpn_gateway)).map(|(n, _)| n.clone()).collect();
        for vpn in vpns {
            let tag = out.spec.vpn_connections.remove(&vpn).and_then(|c| c.name_tag);
            out.not_modelled(&vpn, "VPN connection", None, tag);
        }
        let associations = out.spec.direct_connect_gateway_associations.iter();
        let names: Vec<_> = associations.filter(|(_, a)| of(&a.vpn_gateway)).map(|(n, _)| n.clone()).collect();
        for association in names {
            out.spec.direct_connect_gateway_associations.remove(&association);
            out.not_modelled(&association, "Direct Connect gateway association", None, None);
        }
    }
}

fn name(name: &Option<Spanned<String>>) -> Option<String> {
    name.as_ref().map(|name| name.value.clone())
}

/// Writes a gateway as not modelled: `lacks` is what the export does not hold, and the call that lists it.
fn not_modelled(
    kind: &str,
    id: &Name,
    lacks: (&str, Option<&str>),
    name_tag: Option<String>,
    vpc: Option<&str>,
    out: &mut Out,
) {
    let (what, call) = lacks;
    let message = format!("the {what} of {kind} `{id}` are not all in the export, so it is not modelled");
    let found = Diagnostic::warning("not-in-export", id.span, message);
    out.diagnostics.push(match call {
        Some(call) => found.help(format!("add the output of `aws {call}`")),
        None => found,
    });
    out.not_modelled(id, &format!("{kind} whose {what} the export lacks"), vpc, name_tag);
}
