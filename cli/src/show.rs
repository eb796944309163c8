//! `vpcsim show`: the effective view of one resource: what applies to it, defaults included.

use crate::args::{Global, Output, ShowArgs};
use crate::{Failure, Status, network, output, render};
use serde_json::{Value, json};
use vpcsim_engine::base::ids::{AclIx, EniIx, RtbIx, SgIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::EniKind;
use vpcsim_engine::names::{Found, Kind};
use vpcsim_engine::verdict::{Dir, RowIx, RowKind};

pub(crate) fn show(args: &ShowArgs, global: &Global) -> Result<Status, Failure> {
    let loaded = network::load(&args.topology, global)?;
    let network = &loaded.network;
    let kind = find(network, &args.resource)?;
    let view = view(network, kind);
    let text = match args.output {
        Output::Json => {
            let mut document = json!({ "format_version": 1 });
            document["resource"] = view;
            format!("{document:#}\n")
        }
        Output::Text => render::clean(&text(&view)),
    };
    output::print(text.as_bytes())?;
    Ok(Status::Done)
}

fn find(network: &Network, name: &str) -> Result<Kind, Failure> {
    if let Ok(address) = name.parse::<std::net::IpAddr>() {
        let own = network.fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(address));
        let public = match address {
            std::net::IpAddr::V4(v4) => network.fabric.vpcs.indices().find_map(|vpc| {
                let v = &network.fabric.vpcs[vpc];
                let mut private: Vec<_> = v
                    .addresses
                    .keys()
                    .filter_map(|a| match a {
                        std::net::IpAddr::V4(a) if v.public.get(a) == Some(&v4) => Some(*a),
                        _ => None,
                    })
                    .collect();
                private.sort_unstable();
                private.first().and_then(|a| v.eni_with((*a).into()))
            }),
            std::net::IpAddr::V6(_) => None,
        };
        return own
            .or(public)
            .map(Kind::Eni)
            .ok_or_else(|| Failure::Usage(format!("no interface has the address {address}")));
    }
    match network.names.find(name) {
        Found::One(kind) => Ok(kind),
        Found::Several(ids) => {
            Err(Failure::Usage(format!("several resources are called `{name}`: {}; use an id", ids.join(", "))))
        }
        Found::None(Some(near)) => {
            Err(Failure::Usage(format!("there is no `{name}` in this network; did you mean `{near}`?")))
        }
        Found::None(None) => Err(Failure::Usage(format!("there is no `{name}` in this network"))),
    }
}

fn view(network: &Network, kind: Kind) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    match kind {
        Kind::Guest(guest) => {
            let g = &fabric.guests[guest];
            let listen =
                g.listeners.as_ref().map(|l| l.iter().map(|(p, port)| format!("{p}/{port}")).collect::<Vec<_>>());
            json!({
                "instance": names.guests[guest].to_string(), "state": if g.running { "running" } else { "not running" },
                "listens": listen.map_or_else(|| json!("not described"), |l| json!(l)), "answers_ping": g.answers_ping, "mtu": g.mtu,
                "bandwidth": g.bandwidth.to_string(), "network_interfaces": g.enis.iter().map(|e| eni(network, *e)).collect::<Vec<_>>(),
            })
        }
        Kind::Eni(e) => eni(network, e),
        Kind::Subnet(s) => {
            let subnet = &fabric.subnets[s];
            let reserved: Vec<String> = subnet
                .v4
                .map(|b| (0..4).filter_map(|n| b.nth(n)).chain([b.last()]).map(|a| a.to_string()).collect())
                .unwrap_or_default();
            json!({
                "subnet": names.subnets[s].to_string(), "vpc": names.vpcs[subnet.vpc].to_string(), "zone": names.zones[subnet.zone as usize],
                "cidr": subnet.v4.map(|b| b.to_string()), "ipv6_cidr": subnet.v6.map(|b| b.to_string()), "reserved_addresses": reserved,
                "route_table": rtb(network, subnet.rtb), "network_acl": acl(network, subnet.acl),
            })
        }
        Kind::Vpc(v) => {
            let vpc = &fabric.vpcs[v];
            let (account, region) = &names.realms[vpc.realm as usize];
            let subnets: Vec<String> = fabric
                .subnets
                .iter_enumerated()
                .filter(|(_, s)| s.vpc == v)
                .map(|(s, _)| names.subnets[s].to_string())
                .collect();
            json!({
                "vpc": names.vpcs[v].to_string(), "account": account, "region": region, "blocks": vpc.blocks.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "internet_gateway": vpc.igw.map(|g| names.igws[g].to_string()), "egress_only_internet_gateway": vpc.eigw.map(|g| names.eigws[g].to_string()),
                "resolver": if vpc.dns_support { json!(vpc.resolver) } else { json!("off") }, "subnets": subnets,
            })
        }
        Kind::Rtb(r) => rtb(network, r),
        Kind::Acl(a) => acl(network, a),
        Kind::Sg(g) => sg(network, g),
        Kind::PrefixList(p) => json!({ "prefix_list": names.prefix_lists[p].to_string(),
            "entries": network.spec.prefix_lists.get(names.prefix_lists[p].id.as_str()).map(|l| l.entries.iter().map(ToString::to_string).collect::<Vec<_>>()) }),
        Kind::Igw(i) => {
            json!({ "internet_gateway": names.igws[i].to_string(), "vpc": fabric.igws[i].vpc.map(|v| names.vpcs[v].to_string()),
            "edge_route_table": fabric.igws[i].edge.map(|r| rtb(network, r)) })
        }
        Kind::Eigw(i) => {
            json!({ "egress_only_internet_gateway": names.eigws[i].to_string(), "vpc": fabric.eigws[i].vpc.map(|v| names.vpcs[v].to_string()) })
        }
        Kind::Nat(n) => {
            let nat = &fabric.nats[n];
            let addresses: Vec<Value> =
                nat.addresses.iter().map(|a| json!({ "own": a.own, "public": a.public })).collect();
            json!({ "nat_gateway": names.nats[n].to_string(), "kind": if nat.public { "public" } else { "private" },
                "subnet": nat.subnet.map(|s| names.subnets[s].to_string()), "addresses": addresses,
                "route_table": nat.subnet.map(|s| rtb(network, fabric.subnets[s].rtb)), "network_acl": nat.subnet.map(|s| acl(network, fabric.subnets[s].acl)) })
        }
        Kind::Cvpn(c) => crate::show_client_vpn::endpoint(network, c),
        Kind::Internet(i) if fabric.internet_hosts[i].client.is_some() => crate::show_client_vpn::client(network, i),
        Kind::Internet(i) => {
            json!({ "internet_host": names.internet_hosts[i].to_string(), "addresses": fabric.internet_hosts[i].addresses })
        }
        Kind::Pcx(_)
        | Kind::Tgw(_)
        | Kind::TgwAttach(_)
        | Kind::TgwRtb(_)
        | Kind::Mcast(_)
        | Kind::Vpce(_)
        | Kind::Service(_) => crate::show_between::view(network, kind),
        Kind::Vgw(_) | Kind::Tunnel(_) | Kind::Dxgw(_) | Kind::Lag(_) | Kind::Vif(_) | Kind::Router(_) => {
            crate::show_hybrid::view(network, kind)
        }
        Kind::MirrorFilter(filter) => crate::show_mirror::filter(network, filter),
        Kind::MirrorSession(session) => crate::show_mirror::session(network, session),
        Kind::NotModelled(nm) => {
            json!({ "not_modelled": names.not_modelled[nm].0.to_string(), "kind": names.not_modelled[nm].1 })
        }
    }
}

fn eni(network: &Network, index: EniIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let e = &fabric.enis[index];
    let vpc = &fabric.vpcs[e.vpc];
    let mut addresses: Vec<_> = vpc.addresses.iter().filter(|(_, owner)| **owner == index).map(|(a, _)| *a).collect();
    addresses.sort_unstable();
    let addresses: Vec<Value> = addresses
        .into_iter()
        .map(|a| {
            let public = match a {
                std::net::IpAddr::V4(v4) => vpc.public.get(&v4).copied(),
                std::net::IpAddr::V6(_) => None,
            };
            json!({ "address": a, "public": public })
        })
        .collect();
    let behind = match e.kind {
        EniKind::Detached => "nothing: not attached".to_owned(),
        EniKind::Guest(g) => format!("instance {}", names.guests[g]),
        EniKind::Nat(n) => format!("NAT gateway {}", names.nats[n]),
        EniKind::Tgw(a) => format!("transit gateway attachment {}", names.tgw_attaches[a]),
        EniKind::Vpce(v) => format!("interface endpoint {}", names.vpces[v]),
        EniKind::Node(s) => format!("load balancer of endpoint service {}", names.services[s]),
        EniKind::Cvpn(c) => format!("Client VPN endpoint {}", names.cvpns[c]),
        EniKind::NotModelled(nm) => names.not_modelled[nm].1.clone(),
    };
    let subnet = &fabric.subnets[e.subnet];
    let groups: Vec<Value> = fabric.sg_sets[e.sg_set].groups.iter().map(|g| sg(network, *g)).collect();
    json!({
        "network_interface": names.enis[index].to_string(), "behind_it": behind, "subnet": names.subnets[e.subnet].to_string(),
        "zone": names.zones[subnet.zone as usize], "addresses": addresses, "source_dest_check": e.source_dest_check, "security_groups": groups,
        "network_acl": acl(network, subnet.acl), "route_table": rtb(network, subnet.rtb), "mirrored_by": crate::show_mirror::of(network, index),
    })
}

/// Routes, each with the ones it beats for the same block.
fn rtb(network: &Network, index: RtbIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let table = &fabric.rtbs[index];
    let routes: Vec<Value> = table
        .routes
        .iter()
        .map(|route| {
            let says = names.rows.get(route.row).map_or("", |row| row.says.as_str());
            let wins = table.lookup(route.to.network()).is_some_and(|w| w.row == route.row) || table.routes.iter().all(|other| other.row == route.row || !route.to.covers(&other.to));
            json!({ "to": route.to.to_string(), "via": says, "state": if route.active { "active" } else { "blackhole" }, "used": wins })
        })
        .collect();
    json!({ "route_table": names.rtbs[index].to_string(), "routes": routes })
}

/// Rows of an ACL in order, `*` included.
fn acl(network: &Network, index: AclIx) -> Value {
    let rows = |dir| {
        rows_of(network, move |kind, d, owner| {
            matches!(kind, RowKind::AclRule | RowKind::AclLast) && d == dir && owner == index.0
        })
    };
    json!({ "network_acl": network.names.acls[index].to_string(), "inbound": rows(Dir::In), "outbound": rows(Dir::Out) })
}

fn sg(network: &Network, index: SgIx) -> Value {
    let rows = |dir| rows_of(network, move |kind, d, owner| kind == RowKind::SgRule && d == dir && owner == index.0);
    json!({ "security_group": network.names.sgs[index].to_string(), "inbound": rows(Dir::In), "outbound": rows(Dir::Out) })
}

pub(crate) fn rows_of(network: &Network, test: impl Fn(RowKind, Dir, u32) -> bool) -> Vec<String> {
    let (fabric, names) = (&network.fabric, &network.names);
    let text = |by: RowIx| match names.rows.get(by) {
        Some(row) => format!("{}: {}", row.name, row.says),
        None => "*: deny all".to_owned(),
    };
    fabric
        .rows
        .iter_enumerated()
        .filter(|(_, row)| test(row.kind, row.dir, row.owner))
        .map(|(by, _)| text(by))
        .collect()
}

/// JSON as indented text: what people read.
fn text(view: &Value) -> String {
    let mut out = String::new();
    lines(&mut out, view, 0);
    out
}

fn lines(out: &mut String, value: &Value, depth: usize) {
    let Value::Object(map) = value else { return };
    // The first key names the resource.
    for (key, value) in map {
        let key = key.replace('_', " ");
        let pad = "  ".repeat(depth);
        match value {
            Value::Null => {}
            Value::Object(_) => {
                out.push_str(&format!("{pad}{key}\n"));
                lines(out, value, depth + 1);
            }
            Value::Array(items) if items.is_empty() => out.push_str(&format!("{pad}{key:<24} none\n")),
            Value::Array(items) => {
                out.push_str(&format!("{pad}{key}\n"));
                for item in items {
                    match item {
                        Value::Object(fields) if fields.values().all(|v| !v.is_array() && !v.is_object()) => {
                            let cells: Vec<String> = fields
                                .iter()
                                .filter(|(_, v)| !v.is_null())
                                .map(|(k, v)| format!("{}: {}", k.replace('_', " "), scalar(v)))
                                .collect();
                            out.push_str(&format!("{pad}  {}\n", cells.join("  ")));
                        }
                        Value::Object(_) => lines(out, item, depth + 1),
                        other => out.push_str(&format!("{pad}  {}\n", scalar(other))),
                    }
                }
            }
            other => out.push_str(&format!("{pad}{key:<24} {}\n", scalar(other))),
        }
    }
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
