//! What fails, and what that makes of a topology.

use super::prepare;
use crate::base::Ratio;
use crate::compile::Network;
use crate::scenario::Fault;
use crate::spec::{InstanceState, LinkSpec, Spec};

/// True if both are the same thing.
pub(super) fn same_fault(a: &Fault, b: &Fault) -> bool {
    match (a, b) {
        (Fault::Instance(a), Fault::Instance(b))
        | (Fault::NatGateway(a), Fault::NatGateway(b))
        | (Fault::Az(a), Fault::Az(b))
        | (Fault::Link(a), Fault::Link(b)) => a == b,
        _ => false,
    }
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
            let down = |eni: crate::base::ids::EniIx| {
                let zone = &names.zones[fabric.subnets[fabric.enis[eni].subnet].zone as usize];
                *zone == az.value || zone.ends_with(az.value.as_str())
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
        Fault::Link(name) => {
            let mut links = spec.links.unwrap_or_default();
            let slot = match name.value.as_str() {
                n if n == prepare::LINKS[0] => &mut links.same_az,
                n if n == prepare::LINKS[1] => &mut links.cross_az,
                _ => &mut links.internet,
            };
            *slot = Some(LinkSpec { loss: Some(Ratio(Ratio::ONE)), ..slot.unwrap_or_default() });
            spec.links = Some(links);
        }
    }
}
