//! Traffic mirror filters: stateless, ascending, the first match decides.

use crate::base::ids::MirrorFilterIx;
use crate::fabric::{ANY_PROTOCOL, Address, Fabric, MirrorRule};
use crate::verdict::{Decision, Dir};
use crate::wire::Headers;
use std::net::IpAddr;

/// Whether a filter mirrors a packet that goes `dir` at its source (MIR-5): allow is to mirror. `ports` stand in for those of a
/// fragment that is not the first (MIR-26).
#[must_use]
pub fn mirror(fabric: &Fabric, filter: MirrorFilterIx, dir: Dir, headers: &Headers, ports: (u16, u16)) -> Decision {
    let table = fabric.mirror_filters[filter].table(dir);
    match (headers.src, headers.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            first(&table.v4, (src.into(), dst.into()), headers, ports).unwrap_or(Decision::deny(table.none))
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            first(&table.v6, (src.into(), dst.into()), headers, ports).unwrap_or(Decision::deny(table.none))
        }
        _ => Decision::deny(table.none),
    }
}

/// The same for a packet to or from the resolver: rules do not look at it (MIR-7).
#[must_use]
pub fn mirror_dns(fabric: &Fabric, filter: MirrorFilterIx, dir: Dir) -> Decision {
    let filter = &fabric.mirror_filters[filter];
    filter.dns.map_or(Decision::deny(filter.table(dir).none), Decision::allow)
}

fn first<A: Address>(
    rules: &[MirrorRule<A>],
    (src, dst): (A, A),
    headers: &Headers,
    (src_port, dst_port): (u16, u16),
) -> Option<Decision> {
    let protocol = headers.protocol;
    let holds = |rule: &&MirrorRule<A>| {
        (rule.protocol == ANY_PROTOCOL || rule.protocol == u16::from(protocol.0))
            && (!protocol.has_ports() || rule.src_ports.contains(src_port) && rule.dst_ports.contains(dst_port))
            && rule.holds(src, dst)
    };
    rules.iter().find(holds).map(|rule| Decision { allow: rule.accept, by: rule.row })
}
