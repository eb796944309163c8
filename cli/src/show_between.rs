//! `vpcsim show`, for what joins VPCs: peerings, transit gateways, endpoints.

use serde_json::{Value, json};
use vpcsim_engine::base::ids::{TgwAttachIx, TgwRtbIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::{TgwAttachKind, VpceService};
use vpcsim_engine::names::Kind;

/// The effective view of a resource.
pub(crate) fn view(network: &Network, kind: Kind) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    match kind {
        Kind::Pcx(index) => {
            let pcx = &fabric.pcxs[index];
            let side =
                |n: usize| pcx.sides[n].map_or_else(|| "not described".to_owned(), |vpc| names.vpcs[vpc].to_string());
            json!({
                "vpc_peering_connection": names.pcxs[index].to_string(), "state": if pcx.active { "active" } else { "not active" },
                "requester": side(0), "accepter": side(1), "mtu": pcx.mtu, "same_region": pcx.same_region,
                "requester_dns_resolution": pcx.dns[0], "accepter_dns_resolution": pcx.dns[1],
            })
        }
        Kind::Tgw(index) => {
            let attachments: Vec<Value> = fabric
                .tgw_attaches
                .iter_enumerated()
                .filter(|(_, a)| a.tgw == index)
                .map(|(attach, _)| attachment(network, attach))
                .collect();
            let tables: Vec<Value> = fabric
                .tgw_rtbs
                .iter_enumerated()
                .filter(|(_, table)| table.tgw == index)
                .map(|(table, _)| route_table(network, table))
                .collect();
            json!({
                "transit_gateway": names.tgws[index].to_string(), "region": names.regions[fabric.tgws[index].region as usize],
                "security_group_referencing": fabric.tgws[index].sg_referencing, "attachments": attachments, "route_tables": tables,
            })
        }
        Kind::TgwAttach(index) => {
            let mut view = attachment(network, index);
            view["routes_what_comes_by_it"] =
                fabric.tgw_attaches[index].rtb.map_or(Value::Null, |t| route_table(network, t));
            view
        }
        Kind::TgwRtb(index) => route_table(network, index),
        Kind::Mcast(index) => {
            let domain = &fabric.mcasts[index];
            let list = |all: &[(std::net::IpAddr, vpcsim_engine::base::ids::EniIx)]| -> Vec<String> {
                all.iter().map(|(group, eni)| format!("{group} {}", names.eni_text(fabric, *eni))).collect()
            };
            json!({
                "multicast_domain": names.mcasts[index].to_string(), "transit_gateway": names.tgws[domain.tgw].to_string(),
                "igmpv2": domain.igmp, "static_sources": domain.static_sources,
                "subnets": domain.subnets.iter().map(|s| names.subnets[*s].to_string()).collect::<Vec<_>>(),
                "members": list(&domain.members), "sources": list(&domain.sources),
            })
        }
        Kind::Vpce(index) => {
            let vpce = &fabric.vpces[index];
            let service = match vpce.service {
                VpceService::Aws(host) => names.internet_hosts[host].id.clone(),
                VpceService::Provider(service) => format!("endpoint service {}", names.services[service]),
                VpceService::Unknown => "not described".to_owned(),
            };
            let enis: Vec<String> = fabric
                .enis
                .iter_enumerated()
                .filter(|(_, e)| e.kind == vpcsim_engine::fabric::EniKind::Vpce(index))
                .map(|(eni, e)| {
                    format!("{} {}", names.enis[eni], e.primary.map_or_else(String::new, |a| a.to_string()))
                })
                .collect();
            json!({
                "vpc_endpoint": names.vpces[index].to_string(), "vpc": names.vpcs[vpce.vpc].to_string(), "service": service,
                "state": if vpce.available { "available" } else { "not available" },
                "policy": if vpce.restrictive_policy { "its own: the service may answer 403" } else { "full access" },
                "network_interfaces": enis,
            })
        }
        Kind::Service(index) => {
            let service = &fabric.services[index];
            let listeners: Vec<Value> = service
                .listeners
                .iter()
                .map(|l| {
                    let targets: Vec<String> = l
                        .targets
                        .iter()
                        .map(|(eni, _)| format!("{} port {}", names.eni_text(fabric, *eni), l.target_port))
                        .collect();
                    json!({ "listener": format!("{}/{}", l.protocol, l.port), "targets": targets.join(", ") })
                })
                .collect();
            json!({
                "endpoint_service": names.services[index].to_string(), "cross_zone": service.cross_zone,
                "nodes": service.nodes.iter().map(|(zone, eni)| format!("{} in {}", names.enis[*eni], names.zones[*zone as usize])).collect::<Vec<_>>(),
                "listeners": listeners,
            })
        }
        _ => unreachable!("shown elsewhere"),
    }
}

fn attachment(network: &Network, index: TgwAttachIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let a = &fabric.tgw_attaches[index];
    let mut view = json!({
        "attachment": names.tgw_attaches[index].to_string(), "transit_gateway": names.tgws[a.tgw].to_string(),
        "state": if a.available { "available" } else { "not available" },
        "association": a.rtb.map_or_else(|| "none".to_owned(), |table| names.tgw_rtbs[table].to_string()),
    });
    match &a.kind {
        TgwAttachKind::Vpc { vpc, ports, appliance_mode, sg_referencing } => {
            let zones: Vec<&str> = ports.iter().map(|port| names.zones[port.zone as usize].as_str()).collect();
            view["vpc"] = names.vpcs[*vpc].to_string().into();
            view["zones"] = zones.join(", ").into();
            view["appliance_mode"] = (*appliance_mode).into();
            view["security_group_referencing"] = (*sg_referencing).into();
        }
        TgwAttachKind::Peering(far) => {
            let far = far.map(|far| names.tgws[fabric.tgw_attaches[far].tgw].to_string());
            view["peer"] = far.unwrap_or_else(|| "not described".to_owned()).into();
        }
        TgwAttachKind::Vpn(tunnels) => {
            let list: Vec<&str> = tunnels.iter().map(|t| names.tunnels[*t].short()).collect();
            view["tunnels"] = list.join(", ").into();
        }
        TgwAttachKind::Dxgw(dxgw) => view["direct_connect_gateway"] = names.dxgws[*dxgw].to_string().into(),
        TgwAttachKind::Connect { transport, tunnels } => {
            let list: Vec<String> = tunnels.iter().map(|t| format!("{} to {}", t.near, t.far)).collect();
            view["transport"] = names.tgw_attaches[*transport].to_string().into();
            view["tunnels"] = list.join(", ").into();
        }
    }
    view
}

/// Routes, each with the ones it beats for the same block.
fn route_table(network: &Network, index: TgwRtbIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let table = &fabric.tgw_rtbs[index];
    let routes: Vec<Value> = table
        .routes
        .iter_enumerated()
        .map(|(at, route)| {
            let says = names.rows.get(route.row).map_or("", |row| row.says.as_str());
            let beaten = table.routes.iter_enumerated().any(|(other, r)| r.to == route.to && other < at);
            json!({ "to": route.to.to_string(), "via": says, "state": if route.active { "active" } else { "blackhole" }, "used": !beaten })
        })
        .collect();
    json!({ "transit_gateway_route_table": names.tgw_rtbs[index].to_string(), "transit_gateway": names.tgws[table.tgw].to_string(), "routes": routes })
}
