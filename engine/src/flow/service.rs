//! Connections through endpoint services: a consumer's connection to an endpoint, and the one that a load balancer's
//! node makes of it to a target (VPCE-12).

use super::{Inside, Outside};
use crate::base::ids::EniIx;
use crate::base::{Instant, Nanos};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Idle time after which a connection through an endpoint is forgotten (VPCE-14, assumed).
pub const SERVICE_IDLE: Nanos = Nanos::from_secs(350);
/// First port that a node uses.
const FIRST_PORT: u16 = 1024;

/// The provider's half of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forwarded {
    /// The node's interface.
    pub node: EniIx,
    /// As the provider's side sees it: own is the node, remote the target.
    pub outside: Outside,
    /// Time of the last packet.
    pub last: Instant,
}

/// The connections of all endpoint services.
#[derive(Clone, Debug, Default)]
pub struct ServiceTable {
    /// By the endpoint's interface and the consumer's connection: consumers may have equal addresses.
    forward: FxHashMap<(EniIx, Inside), Forwarded>,
    back: FxHashMap<(EniIx, Outside), (EniIx, Inside)>,
}

impl ServiceTable {
    /// The provider's half of a consumer's connection.
    pub fn outgoing(&mut self, endpoint: EniIx, inside: &Inside, now: Instant) -> Option<&mut Forwarded> {
        self.forward.get_mut(&(endpoint, *inside)).filter(|f| now.since(f.last) < SERVICE_IDLE)
    }

    /// The consumer's half of a connection that a target answers: the endpoint's interface, and the connection.
    pub fn incoming(&mut self, node: EniIx, outside: &Outside, now: Instant) -> Option<(EniIx, Inside)> {
        let key = *self.back.get(&(node, *outside))?;
        let forwarded = self.forward.get_mut(&key)?;
        if forwarded.outside != *outside || now.since(forwarded.last) >= SERVICE_IDLE {
            return None;
        }
        forwarded.last = now;
        Some(key)
    }

    /// Makes the provider's half: the node's address, a free port of it, and the target.
    pub fn bind(
        &mut self,
        endpoint: EniIx,
        inside: Inside,
        node: (EniIx, IpAddr),
        target: (IpAddr, u16),
        now: Instant,
    ) -> Outside {
        if let Some(old) = self.forward.remove(&(endpoint, inside)) {
            self.back.remove(&(old.node, old.outside));
        }
        let mut hasher = FxHasher::default();
        (endpoint, inside).hash(&mut hasher);
        let ports = u32::from(u16::MAX - FIRST_PORT) + 1;
        let start = ((hasher.finish() >> 32) % u64::from(ports)) as u32;
        let mut outside =
            Outside { protocol: inside.protocol, own: node.1, own_port: 0, remote: target.0, remote_port: target.1 };
        for offset in 0..ports {
            outside.own_port = FIRST_PORT + ((start + offset) % ports) as u16;
            if !self.back.contains_key(&(node.0, outside)) {
                break;
            }
        }
        self.forward.insert((endpoint, inside), Forwarded { node: node.0, outside, last: now });
        self.back.insert((node.0, outside), (endpoint, inside));
        outside
    }
}
