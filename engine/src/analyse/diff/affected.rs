//! Whom a change can affect. If nothing differs but rules of groups, rows of ACLs and routes of tables, packets that meet
//! none of these are answered as before: they meet them where they leave or enter an interface that has the group, or whose
//! subnet has the ACL or the table. So pairs without such an interface need not be asked, unless one is in between.

use super::resources::{Resource, ResourceChange};
use crate::analyse::class::{Signature, sets_in_between};
use crate::base::IndexVec;
use crate::base::ids::EniIx;
use crate::compile::Network;
use crate::spec::Spec;
use std::collections::BTreeSet;

/// Fields of a kind of resource that only packets at interfaces which have it meet.
fn is_local(kind: &str, field: &str) -> bool {
    match kind {
        "security_groups" | "network_acls" => matches!(field, "inbound" | "outbound" | "name_tag"),
        "route_tables" => matches!(field, "routes" | "name_tag"),
        _ => false,
    }
}

/// The interfaces of each network that what differs can affect; none if that is not known, and any may be.
pub(super) fn affected(
    specs: [&Spec; 2],
    networks: [&Network; 2],
    signatures: &[IndexVec<EniIx, Option<Signature>>; 2],
    resources: &[Resource],
) -> Option<[BTreeSet<EniIx>; 2]> {
    let local = |r: &Resource| {
        if matches!(r.kind.as_str(), "description" | "flow_logs" | "lint") {
            // No packet meets them.
            return true;
        }
        // A main table, or one of a gateway, is met elsewhere too.
        let only_of_subnets = specs.iter().all(|spec| match spec.route_tables.get(r.name.as_str()) {
            Some(table) => !table.main && table.gateway.is_none(),
            None => true,
        });
        r.change == ResourceChange::Changed && only_of_subnets && r.fields.iter().all(|f| is_local(&r.kind, &f.name))
    };
    if !resources.iter().all(local) {
        return None;
    }
    let changed = |kind: &str| -> BTreeSet<&str> {
        resources.iter().filter(|r| r.kind == kind).map(|r| r.name.as_str()).collect()
    };
    let (acls, groups, tables) = (changed("network_acls"), changed("security_groups"), changed("route_tables"));
    let mut out = [BTreeSet::new(), BTreeSet::new()];
    for (n, network) in networks.iter().enumerate() {
        let (fabric, names) = (&network.fabric, &network.names);
        let between = sets_in_between(network, &signatures[n]);
        for (eni, e) in fabric.enis.iter_enumerated() {
            let subnet = &fabric.subnets[e.subnet];
            let hit = acls.contains(names.acls[subnet.acl].id.as_str())
                || tables.contains(names.rtbs[subnet.rtb].id.as_str())
                || fabric.sg_sets[e.sg_set].groups.iter().any(|sg| groups.contains(names.sgs[*sg].id.as_str()));
            if hit && between.contains(&e.sg_set) {
                return None;
            }
            if hit {
                out[n].insert(eni);
            }
        }
    }
    Some(out)
}
