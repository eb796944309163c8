//! `vpcsim show`, for Client VPN endpoints and their clients.

use serde_json::{Value, json};
use vpcsim_engine::base::ids::{CvpnIx, InetIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::CvpnTarget;

/// The effective view of an endpoint.
pub(crate) fn endpoint(network: &Network, index: CvpnIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let v = &fabric.cvpns[index];
    let says = |row| names.rows.get(row).map_or("", |row| row.says.as_str());
    let targets: Vec<Value> = v
        .targets
        .iter()
        .map(|target| {
            let routes: Vec<Value> = target
                .routes
                .iter()
                .map(|route| json!({ "to": route.to.to_string(), "via": says(route.row) }))
                .collect();
            json!({ "target_network": subnet(network, target), "address": fabric.enis[target.eni].v4, "routes": routes })
        })
        .collect();
    let rules: Vec<Value> =
        v.rules.iter().map(|rule| json!({ "to": rule.to.to_string(), "says": says(rule.row) })).collect();
    let mut clients: Vec<InetIx> = v.clients.values().map(|client| fabric.cvpn_clients[*client].host).collect();
    clients.sort_unstable();
    json!({
        "client_vpn_endpoint": names.cvpns[index].to_string(), "vpc": names.vpcs[v.vpc].to_string(),
        "state": if v.available { "available" } else { "not available" }, "client_cidr": v.client_cidr.to_string(),
        "tunnel": if v.pushed.is_some() { "split: what its routes match" } else { "full: everything" },
        "target_networks": targets, "authorization_rules": rules,
        "clients": clients.iter().map(|host| names.internet_hosts[*host].to_string()).collect::<Vec<_>>(),
    })
}

/// The effective view of a client.
pub(crate) fn client(network: &Network, host: InetIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let h = &fabric.internet_hosts[host];
    let c = &fabric.cvpn_clients[h.client.expect("a client")];
    let target = c.target.and_then(|at| fabric.cvpns[c.cvpn].targets.get(at as usize));
    json!({
        "client": names.internet_hosts[host].to_string(), "client_vpn_endpoint": names.cvpns[c.cvpn].to_string(),
        "address": c.address, "target_network": target.map_or_else(|| "AWS's choice".to_owned(), |t| subnet(network, t)),
        "groups": network.spec.client_vpn_clients.get(names.internet_hosts[host].id.as_str()).map(|c| c.groups.clone()),
        "listens": h.listeners.iter().map(|(protocol, port)| format!("{protocol}/{port}")).collect::<Vec<_>>(),
        "answers_ping": h.answers_ping,
    })
}

fn subnet(network: &Network, target: &CvpnTarget) -> String {
    network.names.subnets[target.subnet].to_string()
}
