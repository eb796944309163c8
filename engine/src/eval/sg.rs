//! Security groups: allow rules only, the union over the interface's groups, default deny.

use super::{Key, holds};
use crate::base::ids::{EniIx, SgIx};
use crate::fabric::{Address, EniRow, Fabric, PeerMatch, SgRow};
use crate::verdict::{Decision, Dir, RowIx};
use std::net::IpAddr;

/// What an interface's groups say to a packet of no known connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SgAnswer {
    /// Allow by the first matching rule in the order of groups, or deny by the interface's last row.
    pub decision: Decision,
    /// True if one of the matching rules is for everybody (`0.0.0.0/0`, `::/0`): half of what makes a flow untracked (CT-2).
    pub for_all: bool,
}

/// What the groups of `eni` say: allow by a rule, or deny (SG-1, SG-4). `sender` is the interface that sent the packet and whose own
/// address it still carries; without one, a rule that names a group cannot match (SG-6, SG-9).
#[inline]
#[must_use]
pub fn sg(fabric: &Fabric, eni: EniIx, dir: Dir, key: &Key, sender: Option<EniIx>) -> SgAnswer {
    let set = &fabric.sg_sets[fabric.enis[eni].sg_set];
    let table = set.table(dir);
    let peer = Peer { fabric, remote: key.remote, eni, dir, sender };
    let found = match key.remote {
        IpAddr::V4(a) => first(&table.v4, u32::from(a), key, &peer),
        IpAddr::V6(a) => first(&table.v6, u128::from(a), key, &peer),
    };
    match found {
        Some((row, for_all)) => SgAnswer { decision: Decision::allow(row), for_all },
        None => {
            let last = if dir == Dir::In { EniRow::SgLastIn } else { EniRow::SgLastOut };
            // Where a group is missing from the input, nobody can say that none of its rules matches.
            let by = set.missing.unwrap_or(fabric.enis[eni].row(last));
            SgAnswer { decision: Decision::deny(by), for_all: false }
        }
    }
}

/// The first matching rule, and whether one of the matching rules is for everybody.
fn first<A: Address>(rows: &[SgRow<A>], remote: A, key: &Key, peer: &Peer<'_>) -> Option<(RowIx, bool)> {
    let mut found = None;
    for row in rows {
        if holds(row.protocol, row.low, row.high, key) && peer.holds(&row.peer, remote) {
            let for_all = row.is_for_all();
            if for_all {
                return Some((found.unwrap_or(row.row), true));
            }
            found = found.or(Some(row.row));
        }
    }
    found.map(|row| (row, false))
}

struct Peer<'a> {
    fabric: &'a Fabric,
    remote: IpAddr,
    eni: EniIx,
    dir: Dir,
    sender: Option<EniIx>,
}

impl Peer<'_> {
    #[inline]
    fn holds<A: Address>(&self, peer: &PeerMatch<A>, remote: A) -> bool {
        match *peer {
            PeerMatch::Block { net, mask } => remote.matches(net, mask),
            PeerMatch::List(list) => self.fabric.prefix_lists[list].contains(self.remote),
            PeerMatch::Group(group) => self.has_group(group),
            PeerMatch::Nobody => false,
        }
    }
    /// A group stands for the private addresses of its interfaces (SG-5), on the way out of a peer's too (PCX-11).
    fn has_group(&self, group: SgIx) -> bool {
        let holds = |eni: EniIx| self.fabric.sg_sets[self.fabric.enis[eni].sg_set].groups.contains(&group);
        if self.dir == Dir::In {
            return self.sender.is_some_and(holds);
        }
        let vpc = self.fabric.enis[self.eni].vpc;
        if let Some(own) = self.fabric.eni_with(vpc, self.remote) {
            return holds(own);
        }
        let peers = &self.fabric.vpcs[vpc].peers;
        peers.iter().filter_map(|peer| self.fabric.eni_with(*peer, self.remote)).any(holds)
    }
}
