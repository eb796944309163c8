//! What fails, and what that makes of a topology.

use crate::base::Ratio;
use crate::compile::Network;
use crate::scenario::Fault;
use crate::scenario::change_hybrid::tunnel_of;
use crate::spec::{AttachmentState, InstanceState, LinkSpec, PeeringState, Spec};
use std::collections::BTreeSet;

/// True if both are the same thing.
pub(super) fn same_fault(a: &Fault, b: &Fault) -> bool {
    match (a, b) {
        (Fault::Instance(a), Fault::Instance(b))
        | (Fault::NatGateway(a), Fault::NatGateway(b))
        | (Fault::Az(a), Fault::Az(b))
        | (Fault::VpcPeeringConnection(a), Fault::VpcPeeringConnection(b))
        | (Fault::TransitGatewayAttachment(a), Fault::TransitGatewayAttachment(b))
        | (Fault::VpcEndpoint(a), Fault::VpcEndpoint(b))
        | (Fault::DirectConnectConnection(a), Fault::DirectConnectConnection(b))
        | (Fault::VpnTunnel(a), Fault::VpnTunnel(b))
        | (Fault::Router(a), Fault::Router(b))
        | (Fault::Link(a), Fault::Link(b)) => a == b,
        _ => false,
    }
}

/// The zones that a name stands for: `us-east-1a`, or `a` where the network is in one Region.
pub(super) fn zones(network: &Network, name: &str) -> BTreeSet<String> {
    let is_letter = name.len() == 1;
    let meant = |zone: &&String| *zone == name || (is_letter && zone.ends_with(name));
    network.names.zones.iter().filter(meant).cloned().collect()
}

/// The zones that have failed.
pub(super) fn failed_zones(faults: &[Fault], network: &Network) -> BTreeSet<String> {
    let names = faults.iter().filter_map(|fault| match fault {
        Fault::Az(name) => Some(name.value.as_str()),
        _ => None,
    });
    names.flat_map(|name| zones(network, name)).collect()
}

/// What a fault makes of a topology.
pub(super) fn break_it(spec: &mut Spec, fault: &Fault, network: &Network) {
    match fault {
        Fault::Instance(name) => {
            if let Some(instance) = spec.instances.get_mut(name.value.as_str()) {
                instance.state = Some(InstanceState::Stopped);
            }
        }
        Fault::NatGateway(name) => {
            if let Some(nat) = spec.nat_gateways.get_mut(name.value.as_str()) {
                nat.available = Some(false);
            }
        }
        Fault::Az(az) => {
            let (names, fabric) = (&network.names, &network.fabric);
            let failed = zones(network, &az.value);
            let down = |eni: crate::base::ids::EniIx| {
                failed.contains(&names.zones[fabric.subnets[fabric.enis[eni].subnet].zone as usize])
            };
            for (guest, g) in fabric.guests.iter_enumerated() {
                if g.enis.first().is_some_and(|eni| down(*eni))
                    && let Some(instance) = spec.instances.get_mut(names.guests[guest].id.as_str())
                {
                    instance.state = Some(InstanceState::Stopped);
                }
            }
            for (nat, n) in fabric.nats.iter_enumerated() {
                if n.eni.is_some_and(down)
                    && let Some(gateway) = spec.nat_gateways.get_mut(names.nats[nat].id.as_str())
                {
                    gateway.available = Some(false);
                }
            }
        }
        Fault::VpcPeeringConnection(name) => {
            if let Some(peering) = spec.vpc_peering_connections.get_mut(name.value.as_str()) {
                peering.state = Some(PeeringState::Deleted);
            }
        }
        Fault::TransitGatewayAttachment(name) => {
            let state = Some(AttachmentState::Failed);
            if let Some(attachment) = spec.transit_gateway_vpc_attachments.get_mut(name.value.as_str()) {
                attachment.state = state;
            } else if let Some(peering) = spec.transit_gateway_peering_attachments.get_mut(name.value.as_str()) {
                peering.state = state;
            } else if let Some(connect) = spec.transit_gateway_connects.get_mut(name.value.as_str()) {
                connect.state = state;
            }
        }
        Fault::VpcEndpoint(name) => {
            if let Some(endpoint) = spec.vpc_endpoints.get_mut(name.value.as_str()) {
                endpoint.unavailable = true;
            }
        }
        Fault::DirectConnectConnection(name) => {
            if let Some(connection) = spec.direct_connect_connections.get_mut(name.value.as_str()) {
                connection.loss = Some(Ratio(Ratio::ONE));
            }
        }
        Fault::VpnTunnel(name) => {
            if let Ok(tunnel) = tunnel_of(spec, name) {
                tunnel.loss = Some(Ratio(Ratio::ONE));
            }
        }
        Fault::Router(name) => {
            if let Some(router) = spec.routers.get_mut(name.value.as_str()) {
                router.failed = true;
            }
        }
        Fault::Link(name) => {
            let mut links = spec.links.unwrap_or_default();
            let slot = match name.value.as_str() {
                "same_az" => &mut links.same_az,
                "cross_az" => &mut links.cross_az,
                "internet" => &mut links.internet,
                "transit_gateway" => &mut links.transit_gateway,
                _ => &mut links.inter_region,
            };
            *slot = Some(LinkSpec { loss: Some(Ratio(Ratio::ONE)), ..slot.unwrap_or_default() });
            spec.links = Some(links);
        }
    }
}
