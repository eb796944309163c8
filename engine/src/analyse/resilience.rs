//! Which of AWS's resiliency models the connections of a Direct Connect gateway amount to.
//!
//! Counted are the locations and AWS's devices that its virtual interfaces end at, as they are stated, whether they are up
//! or not. Connections at one location that name no device are taken to share one. Not looked at: the customer's side,
//! and who owns the cables.

use crate::base::ids::DxgwIx;
use crate::compile::Network;
use crate::fabric::VifEnd;
use crate::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};

/// AWS's resiliency models (DX-87).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resilience {
    /// Two locations with two devices each.
    Maximum,
    /// Two locations.
    High,
    /// One location with two devices.
    DevelopmentAndTest,
    /// One device: none of the models.
    SingleDevice,
}

impl Resilience {
    /// AWS's words, as far as it has some.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Maximum => "maximum resiliency",
            Self::High => "high resiliency",
            Self::DevelopmentAndTest => "development and test",
            Self::SingleDevice => "none: everything ends at one device",
        }
    }
}

/// The model that a Direct Connect gateway's connections amount to; none if it has none, or one without a location.
#[must_use]
pub fn resilience(network: &Network, dxgw: DxgwIx) -> Option<Resilience> {
    let mut devices: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (vif, _) in network.fabric.vifs.iter_enumerated().filter(|(_, v)| v.end == VifEnd::Dxgw(dxgw)) {
        let line = &network.spec.virtual_interfaces[network.names.vifs[vif].id.as_str()].connection;
        let (location, device) = place(&network.spec, line);
        devices.entry(location?).or_default().insert(device);
    }
    let doubled = devices.values().filter(|devices| devices.len() > 1).count();
    match (devices.len(), doubled) {
        (0, _) => None,
        (1, 0) => Some(Resilience::SingleDevice),
        (1, _) => Some(Resilience::DevelopmentAndTest),
        (_, 0 | 1) => Some(Resilience::High),
        _ => Some(Resilience::Maximum),
    }
}

/// The location and the device of a connection or of a link aggregation group.
fn place<'a>(spec: &'a Spec, line: &str) -> (Option<&'a str>, Option<&'a str>) {
    let of = |lag: Option<&str>| lag == Some(line);
    let one = spec.direct_connect_connections.get(line).or_else(|| {
        spec.direct_connect_connections.values().find(|c| of(c.lag.as_ref().map(|lag| lag.value.as_str())))
    });
    let own = spec.direct_connect_lags.get(line).and_then(|lag| lag.location.as_deref());
    (own.or_else(|| one?.location.as_deref()), one.and_then(|c| c.device.as_deref()))
}
