//! `vpcsim show`, for what joins VPCs and sites: VPN, Direct Connect, routers.

use serde_json::{Value, json};
use vpcsim_engine::analyse::{Resilience, resilience};
use vpcsim_engine::base::Bandwidth;
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::{Fib, Link, VifEnd, VpnEnd};
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
                "vpn_tunnel": names.tunnels[index].to_string(), "state": if tunnel.up == [true; 2] { "up" } else { "down" },
                "aws": end, "router": router(tunnel.router), "outside": tunnel.outside, "inside": tunnel.inside,
                "carries": if tunnel.is_v4() { "IPv4" } else { "IPv6" },
                "carried_by": tunnel.transport.map(|t| names.tgw_attaches[t.attach].to_string()),
                "encryption": tunnel.suite.to_string(), "in_udp": tunnel.natt, "inner_mtu": tunnel.mtu,
                "bandwidth": fabric.link(tunnel.link).bandwidth.map(|b| b.to_string()),
            })
        }
        Kind::Dxgw(index) => {
            let dxgw = &fabric.dxgws[index];
            let own = fabric.vifs.iter_enumerated().filter(|(_, vif)| vif.end == VifEnd::Dxgw(index));
            let vifs = own.map(|(vif, _)| names.vifs[vif].to_string());
            json!({
                "direct_connect_gateway": names.dxgws[index].to_string(), "everything_described": dxgw.complete,
                "virtual_interfaces": vifs.collect::<Vec<_>>(),
                "resiliency": resilience(network, index).map(Resilience::text), "routes": routes(network, &dxgw.fib),
            })
        }
        Kind::Lag(index) => {
            let id = names.lags[index].id.as_str();
            let up: Vec<&str> = fabric.lags[index].links.iter().map(|l| names.links[l.link].as_str()).collect();
            let minimum = network.spec.direct_connect_lags[id].minimum_links.map_or(0, |n| n.value);
            json!({
                "link_aggregation_group": names.lags[index].to_string(), "minimum_links": minimum,
                "state": if up.len() as u64 >= u64::from(minimum) { "up" } else { "down" },
                "connections": connections(network, id),
            })
        }
        Kind::Vif(index) => {
            let vif = &fabric.vifs[index];
            let end = match vif.end {
                VifEnd::Vgw(vgw) => names.vgws[vgw].to_string(),
                VifEnd::Dxgw(dxgw) => names.dxgws[dxgw].to_string(),
                VifEnd::Public(region) => format!("AWS public network, {}", names.publics[region]),
            };
            let line = &network.spec.virtual_interfaces[names.vifs[index].id.as_str()].connection;
            json!({
                "virtual_interface": names.vifs[index].to_string(), "state": if vif.up { "up" } else { "down" },
                "aws": end, "router": router(vif.router), "vlan": vif.vlan, "addresses": vif.addresses, "mtu": vif.mtu,
                "site_link": vif.site_link, "announced": vif.announced, "connection": line.value, "connections": connections(network, line),
            })
        }
        Kind::Router(index) => {
            let r = &fabric.routers[index];
            json!({
                "router": names.routers[index].to_string(), "addresses": r.addresses.iter().map(|(own, _)| own).collect::<Vec<_>>(), "stateful_firewall": r.stateful,
                "internet_line": r.line.link.map(|line| link(fabric.link(line))),
                "nat_timeout": r.line.nat_timeout.map(|timeout| timeout.to_string()),
                "hosts": r.hosts.len(), "routes": routes(network, &r.fib),
            })
        }
        _ => unreachable!("shown elsewhere"),
    }
}

/// The connections that a virtual interface on `line` uses: that one, or those of the group.
fn connections(network: &Network, line: &str) -> Vec<Value> {
    let all = network.spec.direct_connect_connections.iter();
    let own = all.filter(|(name, c)| name.value == line || c.lag.as_ref().is_some_and(|lag| lag.value == line));
    own.map(|(name, c)| {
        json!({
            "connection": name.value, "location": c.location, "device": c.device,
            "bandwidth": c.bandwidth.unwrap_or(Bandwidth::gbps(1)).to_string(),
            "kind": if c.hosted == Some(true) { "hosted" } else { "dedicated" }, "macsec": c.macsec.unwrap_or(false),
            "state": if c.up.unwrap_or(true) { "up" } else { "down" },
        })
    })
    .collect()
}

fn link(link: &Link) -> Value {
    json!({
        "latency": link.latency.to_string(), "bandwidth": link.bandwidth.map(|b| b.to_string()), "loss": link.loss.to_string(),
    })
}

fn routes(network: &Network, fib: &Fib) -> Vec<Value> {
    let says = |row| network.names.rows.get(row).map_or("", |row| row.says.as_str());
    fib.routes.iter().map(|route| json!({ "to": route.to.to_string(), "via": says(route.row) })).collect()
}
