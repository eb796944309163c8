//! Network ACLs: stateless, ascending, the first match decides, the last row always matches.

use super::{Key, holds};
use crate::base::ids::AclIx;
use crate::fabric::{AclRow, Address, Fabric};
use crate::verdict::{Decision, Dir, RowIx};
use std::net::IpAddr;

/// What an ACL says to a packet that crosses its subnet's border (ACL-1, ACL-2). It keeps no
/// state (ACL-4), so a change holds for every flow at once (ACL-11).
#[inline]
#[must_use]
pub fn acl(fabric: &Fabric, acl: AclIx, dir: Dir, key: &Key) -> Decision {
    let table = fabric.acls[acl].table(dir);
    match key.remote {
        IpAddr::V4(a) => first(&table.v4, u32::from(a), key, table.last),
        IpAddr::V6(a) => first(&table.v6, u128::from(a), key, table.last),
    }
}

fn first<A: Address>(rows: &[AclRow<A>], remote: A, key: &Key, last: RowIx) -> Decision {
    rows.iter()
        .find(|row| row.holds(remote) && holds(row.protocol, row.low, row.high, key))
        .map_or(Decision::deny(last), |row| Decision { allow: row.allow, by: row.row })
}
