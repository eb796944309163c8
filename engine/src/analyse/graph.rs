//! The network as a graph of resources: for drawings, and for routes that run in circles.

use crate::base::Cidr;
use crate::base::ids::{EniIx, SubnetIx};
use crate::base::index::Index;
use crate::compile::Network;
use crate::diag::Diagnostic;
use crate::fabric::{EniKind, Forwarding, Target, TgwAttachKind, VifEnd, VpnEnd};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// A resource in a drawing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// AWS's word for its kind.
    pub kind: &'static str,
    /// Its name for people.
    pub name: String,
}

/// VPCs, subnets, instances and gateways; an edge is "holds", or a route's destination.
#[must_use]
pub fn resources(network: &Network) -> DiGraph<Resource, String> {
    let (fabric, names) = (&network.fabric, &network.names);
    let mut graph = DiGraph::new();
    let mut add = |kind, name: String| graph.add_node(Resource { kind, name });
    let vpcs: Vec<NodeIndex> = names.vpcs.iter().map(|label| add("VPC", label.to_string())).collect();
    let subnets: Vec<NodeIndex> = names
        .subnets
        .iter()
        .zip(fabric.subnets.iter())
        .map(|(label, subnet)| {
            let blocks: Vec<String> = [subnet.v4, subnet.v6].into_iter().flatten().map(|b| b.to_string()).collect();
            add("subnet", format!("{label} {}", blocks.join(" ")))
        })
        .collect();
    let enis: Vec<NodeIndex> = fabric
        .enis
        .iter_enumerated()
        .map(|(eni, e)| {
            let (kind, name) = match e.kind {
                EniKind::Guest(_) => ("instance", names.eni_text(fabric, eni)),
                EniKind::Nat(nat) => ("NAT gateway", names.nats[nat].to_string()),
                EniKind::Tgw(attach) => ("transit gateway attachment", names.tgw_attaches[attach].to_string()),
                EniKind::Vpce(vpce) => ("interface endpoint", names.vpces[vpce].to_string()),
                EniKind::Node(service) => ("endpoint service", names.services[service].to_string()),
                EniKind::Cvpn(cvpn) => ("Client VPN endpoint", names.cvpns[cvpn].to_string()),
                EniKind::Detached | EniKind::NotModelled(_) => ("network interface", names.enis[eni].to_string()),
            };
            let address = e.primary.map_or_else(String::new, |a| format!(" {a}"));
            add(kind, format!("{name}{address}"))
        })
        .collect();
    let igws: Vec<NodeIndex> = names.igws.iter().map(|label| add("internet gateway", label.to_string())).collect();
    let eigws: Vec<NodeIndex> =
        names.eigws.iter().map(|label| add("egress-only internet gateway", label.to_string())).collect();
    let nats: Vec<NodeIndex> = fabric
        .nats
        .iter_enumerated()
        .map(|(nat, n)| match n.eni {
            Some(eni) => enis[eni.to_usize()],
            None => add("regional NAT gateway", names.nats[nat].to_string()),
        })
        .collect();
    let pcxs: Vec<NodeIndex> =
        names.pcxs.iter().map(|label| add("VPC peering connection", label.to_string())).collect();
    let tgws: Vec<NodeIndex> = names.tgws.iter().map(|label| add("transit gateway", label.to_string())).collect();
    let vpces: Vec<NodeIndex> = names.vpces.iter().map(|label| add("VPC endpoint", label.to_string())).collect();
    let vgws: Vec<NodeIndex> =
        names.vgws.iter().map(|label| add("virtual private gateway", label.to_string())).collect();
    let dxgws: Vec<NodeIndex> =
        names.dxgws.iter().map(|label| add("Direct Connect gateway", label.to_string())).collect();
    let publics: Vec<NodeIndex> =
        names.publics.iter().map(|label| add("AWS public network", label.to_string())).collect();
    let routers: Vec<NodeIndex> = names.routers.iter().map(|label| add("router", label.to_string())).collect();
    let others: Vec<NodeIndex> =
        names.not_modelled.iter().map(|(label, _)| add("not modelled", label.to_string())).collect();
    for (n, subnet) in fabric.subnets.iter().enumerate() {
        graph.add_edge(vpcs[subnet.vpc.to_usize()], subnets[n], String::new());
        for route in fabric.rtbs[subnet.rtb].routes.iter() {
            let to = match route.target {
                Target::Local => continue,
                Target::Igw(i) => igws[i.to_usize()],
                Target::Eigw(i) => eigws[i.to_usize()],
                Target::Nat(i) => nats[i.to_usize()],
                Target::Eni(i) => enis[i.to_usize()],
                Target::Pcx(i) => pcxs[i.to_usize()],
                Target::Tgw(i) => tgws[fabric.tgw_attaches[i].tgw.to_usize()],
                Target::Vpce(i) => vpces[i.to_usize()],
                Target::Vgw(i) => vgws[i.to_usize()],
                Target::Nowhere => continue,
                Target::NotModelled(i) => others[i.to_usize()],
            };
            let state = if route.active { "" } else { " (blackhole)" };
            graph.add_edge(subnets[n], to, format!("{}{state}", route.to));
        }
    }
    for (n, e) in fabric.enis.iter().enumerate() {
        graph.add_edge(subnets[e.subnet.to_usize()], enis[n], String::new());
    }
    let tgw_of = |attach| tgws[fabric.tgw_attaches[attach].tgw.to_usize()];
    for (tunnel, t) in fabric.tunnels.iter_enumerated() {
        let from = match t.end {
            VpnEnd::Vgw(vgw) => vgws[vgw.to_usize()],
            VpnEnd::Tgw(attach) => tgw_of(attach),
        };
        if let Some(router) = t.router {
            graph.add_edge(from, routers[router.to_usize()], names.tunnels[tunnel].to_string());
        }
    }
    for (vif, v) in fabric.vifs.iter_enumerated() {
        let from = match v.end {
            VifEnd::Vgw(vgw) => vgws[vgw.to_usize()],
            VifEnd::Dxgw(dxgw) => dxgws[dxgw.to_usize()],
            VifEnd::Public(region) => publics[region.to_usize()],
        };
        if let Some(router) = v.router {
            graph.add_edge(from, routers[router.to_usize()], names.vifs[vif].to_string());
        }
    }
    for (attach, a) in fabric.tgw_attaches.iter_enumerated() {
        if let TgwAttachKind::Dxgw(dxgw) = a.kind {
            graph.add_edge(tgw_of(attach), dxgws[dxgw.to_usize()], names.tgw_attaches[attach].to_string());
        }
    }
    graph
}

/// The graph in Graphviz's language.
#[must_use]
pub fn dot(network: &Network) -> String {
    let graph = resources(network);
    let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = String::from("digraph vpcsim {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for index in graph.node_indices() {
        let node = &graph[index];
        out.push_str(&format!(
            "  n{} [label={}];\n",
            index.index(),
            quote(&format!("{}\n{}", node.kind, node.name)).replace('\n', "\\n")
        ));
    }
    for edge in graph.edge_indices() {
        let (from, to) = graph.edge_endpoints(edge).expect("an edge has ends");
        let label = &graph[edge];
        let style = if label.is_empty() {
            "style=dotted, arrowhead=none".to_owned()
        } else {
            format!("label={}", quote(label))
        };
        out.push_str(&format!("  n{} -> n{} [{style}];\n", from.index(), to.index()));
    }
    out.push_str("}\n");
    out
}

/// Routes that lead packets in a circle: a NAT gateway whose own subnet routes to it, forwarding instances
/// that send to each other. Each circle is a warning at one of its routes.
#[must_use]
pub fn routing_loops(network: &Network) -> Vec<Diagnostic> {
    let (fabric, names) = (&network.fabric, &network.names);
    let destinations: BTreeSet<Cidr> =
        fabric.rtbs.iter().flat_map(|table| table.routes.iter().map(|route| route.to)).collect();
    let mut out = Vec::new();
    for to in destinations {
        let mut graph: DiGraph<SubnetIx, EniIx> = DiGraph::new();
        let nodes: BTreeMap<SubnetIx, NodeIndex> = fabric.subnets.indices().map(|s| (s, graph.add_node(s))).collect();
        for (index, subnet) in fabric.subnets.iter_enumerated() {
            let Some(route) = fabric.rtbs[subnet.rtb].lookup(to.network()).filter(|route| route.active) else {
                continue;
            };
            let next = match route.target {
                Target::Nat(nat) => fabric.nats[nat].eni,
                Target::Eni(eni) => Some(eni),
                _ => None,
            };
            let Some(next) = next.filter(|next| sends_on(network, *next)) else { continue };
            graph.add_edge(nodes[&index], nodes[&fabric.enis[next].subnet], next);
        }
        for circle in tarjan_scc(&graph) {
            let is_circle = circle.len() > 1 || circle.iter().any(|n| graph.contains_edge(*n, *n));
            if !is_circle {
                continue;
            }
            let mut subnets: Vec<SubnetIx> = circle.iter().map(|n| graph[*n]).collect();
            subnets.sort_unstable();
            let list: Vec<&str> = subnets.iter().map(|s| names.subnets[*s].short()).collect();
            let span = subnets
                .iter()
                .filter_map(|s| fabric.rtbs[fabric.subnets[*s].rtb].lookup(to.network()))
                .map(|route| names.row_span(route.row))
                .find(|span| span.is_some())
                .unwrap_or_default();
            let message = format!("packets to {to} run in a circle through subnet {}", list.join(", "));
            out.push(Diagnostic::warning("routing-loop", span, message).help(
                "the subnet of a NAT gateway or a forwarding instance needs a route of its own to the destination",
            ));
        }
    }
    out
}

/// True if what is behind the interface sends packets on by the table of its own subnet.
fn sends_on(network: &Network, eni: EniIx) -> bool {
    match network.fabric.enis[eni].kind {
        EniKind::Nat(_) => true,
        EniKind::Tgw(_) | EniKind::Vpce(_) | EniKind::Node(_) | EniKind::Cvpn(_) => false,
        EniKind::Guest(guest) => matches!(network.fabric.guests[guest].forwarding, Forwarding::On { .. }),
        EniKind::Detached | EniKind::NotModelled(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileIx;

    fn network(text: &str) -> Network {
        let (spec, diagnostics) = crate::spec::read(FileIx(0), text.as_bytes());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        crate::compile::compile(&spec.unwrap()).0.unwrap()
    }

    /// peers-reachability 6, pain 10: a NAT gateway in a private subnet routes to itself.
    #[test]
    fn a_nat_gateway_in_its_own_shadow_is_a_circle() {
        let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: r}}\nnat_gateways: {n: {subnet: s}}\nroute_tables:\n  r: {vpc: v, routes: [{to: 0.0.0.0/0, via: n}]}\n";
        let loops = routing_loops(&network(text));
        assert_eq!(loops.len(), 1, "{loops:?}");
        assert_eq!((loops[0].code, loops[0].span.line), ("routing-loop", 5));
    }

    #[test]
    fn an_ordinary_network_has_none_and_can_be_drawn() {
        let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\ninternet_gateways: {igw: {vpc: v}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/24, route_table: r}}\nroute_tables:\n  r: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}\ninstances: {i: {subnet: s}}\n";
        let network = network(text);
        assert_eq!(routing_loops(&network), []);
        let dot = dot(&network);
        assert!(
            dot.starts_with("digraph") && dot.contains("internet gateway\\nigw") && dot.contains("label=\"0.0.0.0/0\""),
            "{dot}"
        );
    }
}
