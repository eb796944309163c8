//! Changes of what joins VPCs and sites: a router's sessions, Direct Connect's lines and virtual interfaces, tunnels.
//!
//! All of these are told to the other side (a BGP session that is shut down says so, RFC 4271 section 6.7), so routes move at
//! once (BGP-25). A line that is cut, which nobody is told of, is not modelled yet.

use crate::base::Ratio;
use crate::diag::Diagnostic;
use crate::spec::decode::decode_struct;
use crate::spec::{Neighbor, Spanned, Spec, VpnTunnel};
use schemars::JsonSchema;

use super::apply::{find, set};

/// A change of a router of a site.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RouterChange {
    /// The router.
    pub router: Spanned<String>,
    /// What it does with one neighbour from now on; what is not written stays as it is.
    pub set_neighbor: Spanned<Neighbor>,
}

/// A change of a Direct Connect connection.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConnectionChange {
    /// The Direct Connect connection.
    pub direct_connect_connection: Spanned<String>,
    /// What to set.
    pub set: ConnectionSettings,
}

/// Settings of a Direct Connect connection.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// Whether it is up.
    pub up: Option<bool>,
    /// Share of packets lost: with 100% it is dead, and nobody is told.
    pub loss: Option<Ratio>,
}

/// A change of a virtual interface.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VirtualInterfaceChange {
    /// The virtual interface.
    pub virtual_interface: Spanned<String>,
    /// What to set.
    pub set: UpOrDown,
}

/// A change of a tunnel of a VPN connection.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TunnelChange {
    /// The tunnel: `vpn/1`.
    pub vpn_tunnel: Spanned<String>,
    /// What to set.
    pub set: TunnelSettings,
}

/// Settings of a tunnel.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TunnelSettings {
    /// Whether it is up.
    pub up: Option<bool>,
    /// Whether AWS updates its endpoint, and asks for the other tunnel to be used.
    pub updating: Option<bool>,
}

/// Up or down.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UpOrDown {
    /// Whether it is up.
    pub up: Option<bool>,
}

decode_struct!(RouterChange, "a change of a router", { router, set_neighbor });
decode_struct!(ConnectionChange, "a change of a Direct Connect connection", { direct_connect_connection, set });
decode_struct!(ConnectionSettings, "settings of a Direct Connect connection", { up, loss });
decode_struct!(VirtualInterfaceChange, "a change of a virtual interface", { virtual_interface, set });
decode_struct!(TunnelChange, "a change of a VPN tunnel", { vpn_tunnel, set });
decode_struct!(TunnelSettings, "settings of a VPN tunnel", { up, updating });
decode_struct!(UpOrDown, "settings of a way to a site", { up });

pub(super) fn change_router(spec: &mut Spec, change: &RouterChange) -> Result<(), Diagnostic> {
    let router = find(&mut spec.routers, &change.router, "router")?;
    let new = &change.set_neighbor;
    let Some(old) = router.neighbors.iter_mut().find(|n| n.peer.value == new.peer.value) else {
        router.neighbors.push(new.clone());
        return Ok(());
    };
    let n = &mut old.value;
    set(&mut n.local_preference, &new.local_preference);
    set(&mut n.accepts, &new.accepts);
    set(&mut n.announces, &new.announces);
    set(&mut n.default_originate, &new.default_originate);
    set(&mut n.prepend, &new.prepend);
    set(&mut n.med, &new.med);
    set(&mut n.latency, &new.latency);
    set(&mut n.bandwidth, &new.bandwidth);
    set(&mut n.loss, &new.loss);
    set(&mut n.shutdown, &new.shutdown);
    set(&mut n.hold_time, &new.hold_time);
    set(&mut n.bfd, &new.bfd);
    if !new.communities.is_empty() {
        n.communities.clone_from(&new.communities);
    }
    Ok(())
}

pub(super) fn change_connection(spec: &mut Spec, change: &ConnectionChange) -> Result<(), Diagnostic> {
    let name = &change.direct_connect_connection;
    let connection = find(&mut spec.direct_connect_connections, name, "Direct Connect connection")?;
    set(&mut connection.up, &change.set.up);
    set(&mut connection.loss, &change.set.loss);
    Ok(())
}

pub(super) fn change_vif(spec: &mut Spec, change: &VirtualInterfaceChange) -> Result<(), Diagnostic> {
    let vif = find(&mut spec.virtual_interfaces, &change.virtual_interface, "virtual interface")?;
    set(&mut vif.up, &change.set.up);
    Ok(())
}

pub(super) fn change_tunnel(spec: &mut Spec, change: &TunnelChange) -> Result<(), Diagnostic> {
    let tunnel = tunnel_of(spec, &change.vpn_tunnel)?;
    set(&mut tunnel.up, &change.set.up);
    set(&mut tunnel.updating, &change.set.updating);
    Ok(())
}

/// The tunnel of a name such as `vpn/1`.
pub(super) fn tunnel_of<'s>(spec: &'s mut Spec, name: &Spanned<String>) -> Result<&'s mut VpnTunnel, Diagnostic> {
    let (connection, number) = name.value.rsplit_once('/').unwrap_or((name.value.as_str(), ""));
    let number = match number {
        "1" => 0,
        "2" => 1,
        _ => {
            let message = format!("`{name}` is no tunnel");
            return Err(Diagnostic::error("unknown-reference", name.span, message)
                .help(format!("write the connection and the number, `{connection}/1` or `{connection}/2`")));
        }
    };
    let connection = Spanned::new(connection.to_owned(), name.span);
    let vpn = find(&mut spec.vpn_connections, &connection, "VPN connection")?;
    while vpn.tunnels.len() <= number {
        vpn.tunnels.push(VpnTunnel::default().into());
    }
    Ok(&mut vpn.tunnels[number].value)
}
