//! `vpcsim show`, for what joins VPCs and sites: VPN, Direct Connect, routers.

use serde_json::{Value, json};
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::{Fib, VifEnd, VpnEnd};
use vpcsim_engine::names::Kind;

/// The effective view of a resource.
pub(crate) fn view(network: &Network, kind: Kind) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let router = |router: Option<_>| router.map_or("not described".to_owned(), |r| names.routers[r].to_string());
    match kind {
        Kind::Vgw(index) => {
            let vgw = &fabric.vgws[index];
            json!({
                "vpn_gateway": names.vgws[index].to_string(), "vpc": vgw.vpc.map(|vpc| names.vpcs[vpc].to_string()),
                "everything_described": vgw.complete, "routes": routes(network, &vgw.fib),
            })
        }
        Kind::Tunnel(index) => {
            let tunnel = &fabric.tunnels[index];
            let end = match tunnel.end {
                VpnEnd::Vgw(vgw) => names.vgws[vgw].to_string(),
                VpnEnd::Tgw(attach) => names.tgws[fabric.tgw_attaches[attach].tgw].to_string(),
            };
            json!({
                "vpn_tunnel": names.tunnels[index].to_string(), "state": if tunnel.enabled { "up" } else { "down" },
                "aws": end, "router": router(tunnel.router), "outside": tunnel.outside, "inside": tunnel.inside,
                "encryption": tunnel.suite.to_string(), "in_udp": tunnel.natt, "inner_mtu": tunnel.mtu,
            })
        }
        Kind::Dxgw(index) => {
            let dxgw = &fabric.dxgws[index];
            json!({
                "direct_connect_gateway": names.dxgws[index].to_string(), "everything_described": dxgw.complete,
                "routes": routes(network, &dxgw.fib),
            })
        }
        Kind::Vif(index) => {
            let vif = &fabric.vifs[index];
            let end = match vif.end {
                VifEnd::Vgw(vgw) => names.vgws[vgw].to_string(),
                VifEnd::Dxgw(dxgw) => names.dxgws[dxgw].to_string(),
            };
            json!({
                "virtual_interface": names.vifs[index].to_string(), "state": if vif.up { "up" } else { "down" },
                "aws": end, "router": router(vif.router), "vlan": vif.vlan, "addresses": vif.addresses, "mtu": vif.mtu,
                "site_link": vif.site_link,
            })
        }
        Kind::Router(index) => {
            let r = &fabric.routers[index];
            json!({
                "router": names.routers[index].to_string(), "addresses": r.addresses.iter().map(|(own, _)| own).collect::<Vec<_>>(), "stateful_firewall": r.stateful,
                "hosts": r.hosts.len(), "routes": routes(network, &r.fib),
            })
        }
        _ => unreachable!("shown elsewhere"),
    }
}

fn routes(network: &Network, fib: &Fib) -> Vec<Value> {
    let says = |row| network.names.rows[row].as_ref().map_or("", |row| row.says.as_str());
    fib.routes.iter().map(|route| json!({ "to": route.to.to_string(), "via": says(route.row) })).collect()
}
