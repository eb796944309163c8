//! Filters of random topologies that let most packets get further.

use super::topology_between::Between;
use super::topology_rules::{What, acl_row, sg_rule};
use vpcsim_engine::base::Cidr;
use vpcsim_engine::spec::{AclAction, Peer};

impl Between<'_> {
    /// Most filters let everything pass, so that packets get further.
    pub fn open_up(&mut self) {
        let all = What::default();
        let acls = self.spec.network_acls.values_mut();
        for (rows, inbound) in acls.flat_map(|a| [(&mut a.inbound, true), (&mut a.outbound, false)]) {
            let rows = rows.get_or_insert_default();
            if self.dice.chance(92) {
                rows.retain(|r| r.action == AclAction::Allow);
                for (number, block) in [(2000, Cidr::ALL_V4), (2001, Cidr::ALL_V6)] {
                    rows.push(acl_row(number, AclAction::Allow, all, block, inbound));
                }
            }
        }
        let groups = self.spec.security_groups.values_mut();
        for (rules, inbound) in groups.flat_map(|g| [(&mut g.inbound, true), (&mut g.outbound, false)]) {
            let Some(rules) = rules else { continue };
            for block in [Cidr::ALL_V4, Cidr::ALL_V6] {
                let rule = sg_rule(all, Peer::Cidr(block), inbound);
                if self.dice.chance(if inbound { 70 } else { 90 }) && !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
}
