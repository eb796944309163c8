//! ACL rows and rules of groups that change nothing. Rows are compared as sets of packets; nothing is judged.
//!
//! Pieces of fragmented packets, which have no ports, are left out of account.

use super::cover::Box3;
use super::{Lint, Severity};
use crate::base::Cidr;
use crate::base::ids::SgIx;
use crate::base::index::Index;
use crate::fabric::{AclRow, Address, PeerMatch, SgRow};
use crate::verdict::{Dir, RowIx};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// An ACL row: what it matches and what it does.
struct Written {
    row: RowIx,
    matches: Option<Box3>,
    allow: bool,
}

/// A rule: what it matches, and the group or the list that it names instead of a block.
struct Rule {
    row: RowIx,
    /// Block of IPv4, block of IPv6, a group or a list by its number.
    peer: (u8, u32),
    matches: Option<Box3>,
}

fn boxed<A: Address>(net: A, mask: A, of: impl Fn(A) -> (IpAddr, u8), m: (u16, u16, u16)) -> Option<Box3> {
    let (network, len) = (of(net).0, of(mask).1);
    Box3::of(Cidr::new(network, len)?, m.0, m.1, m.2)
}

fn of_v4(a: u32) -> (IpAddr, u8) {
    (IpAddr::V4(a.into()), a.leading_ones() as u8)
}

fn of_v6(a: u128) -> (IpAddr, u8) {
    (IpAddr::V6(a.into()), a.leading_ones() as u8)
}

impl Lint<'_> {
    /// Rows that earlier ones leave nothing to.
    pub(super) fn acl_rows(&mut self) {
        let network = self.network;
        for acl in network.fabric.acls.iter() {
            for dir in [Dir::In, Dir::Out] {
                let table = acl.table(dir);
                let v4 = |r: &AclRow<u32>| (r.row, boxed(r.net, r.mask, of_v4, (r.protocol, r.low, r.high)), r.allow);
                let v6 = |r: &AclRow<u128>| (r.row, boxed(r.net, r.mask, of_v6, (r.protocol, r.low, r.high)), r.allow);
                let written = |(row, matches, allow)| Written { row, matches, allow };
                self.shadowed(&table.v4.iter().map(v4).map(written).collect::<Vec<_>>());
                self.shadowed(&table.v6.iter().map(v6).map(written).collect::<Vec<_>>());
            }
        }
    }

    fn shadowed(&mut self, rows: &[Written]) {
        for (n, row) in rows.iter().enumerate() {
            let Some(own) = row.matches else { continue };
            let earlier: Vec<&Written> = rows[..n].iter().filter(|other| other.matches.is_some()).collect();
            let boxes: Vec<Box3> = earlier.iter().filter_map(|other| other.matches).collect();
            let Some(by) = own.covered_by(&boxes) else { continue };
            let by: Vec<&Written> = by.into_iter().map(|at| earlier[at]).collect();
            let texts = by.iter().map(|other| self.network.names.row_name(&self.network.fabric, other.row).to_owned());
            let rules = format!("rule{} {}", if by.len() == 1 { "" } else { "s" }, super::named(texts));
            let same = by.iter().all(|other| other.allow == row.allow);
            let equal = same && by.len() == 1 && by[0].matches == row.matches;
            let text = self.row_text(row.row);
            let notes: Vec<_> = by
                .iter()
                .map(|o| (self.network.names.row_span(o.row), format!("{} comes first", self.row_text(o.row))))
                .collect();
            let finding = match (equal, same) {
                (true, _) => {
                    self.found_row("acl-row-duplicate", row.row, format!("{text} says what {rules} says"), "remove it")
                }
                (_, true) => {
                    let message = format!("{text} never decides: {rules} takes all of it, and does the same");
                    let finding = self.found_row("acl-row-shadowed", row.row, message, "remove it");
                    finding.severity = Severity::Note;
                    finding
                }
                (_, false) => {
                    let message = format!("{text} never decides: {rules} takes all of it, and does the opposite");
                    self.found_row(
                        "acl-row-shadowed",
                        row.row,
                        message,
                        format!("give it a number lower than that of {rules}, or remove it"),
                    )
                }
            };
            finding.notes = notes;
        }
    }

    /// Rules that another one of the same group covers, that name a group of nobody, or one that is gone.
    pub(super) fn group_rules(&mut self) {
        let mut groups: BTreeMap<(SgIx, Dir), BTreeMap<RowIx, Rule>> = BTreeMap::new();
        let fabric = &self.network.fabric;
        for (set, dir) in fabric.sg_sets.iter().flat_map(|set| [(set, Dir::In), (set, Dir::Out)]) {
            let table = set.table(dir);
            let v4 = table.v4.iter().map(|r| rule(r, 0, of_v4));
            for rule in v4.chain(table.v6.iter().map(|r| rule(r, 1, of_v6))) {
                let group = SgIx(fabric.rows[rule.row].owner);
                groups.entry((group, dir)).or_default().entry(rule.row).or_insert(rule);
            }
        }
        let used: BTreeSet<SgIx> =
            fabric.enis.iter().flat_map(|eni| fabric.sg_sets[eni.sg_set].groups.iter().copied()).collect();
        for ((group, _), rules) in groups {
            let rules: Vec<Rule> = rules.into_values().collect();
            for (n, rule) in rules.iter().enumerate() {
                self.implied(&rules, n, rule);
                match rule.peer {
                    (2, named) => self.names_group(group, SgIx(named), &used, rule.row),
                    (4, _) => {
                        let message =
                            format!("{} names a group or a prefix list that is not there", self.row_text(rule.row));
                        self.found_row("stale-reference", rule.row, message, "remove the rule");
                    }
                    _ => {}
                }
            }
        }
    }

    fn implied(&mut self, rules: &[Rule], n: usize, rule: &Rule) {
        let Some(own) = rule.matches else { return };
        let covering = rules.iter().enumerate().find(|(m, other)| {
            *m != n
                && other.peer == rule.peer
                && other.matches.is_some_and(|wide| wide.covers(&own) && (*m < n || !own.covers(&wide)))
        });
        if let Some((_, wide)) = covering {
            let wide = wide.row;
            let message = format!("{} is covered by {}", self.row_text(rule.row), self.row_text(wide));
            let span = self.network.names.row_span(wide);
            let finding = self.found_row("group-rule-implied", rule.row, message, "remove the one that is not meant");
            finding.notes.push((span, "the other rule".to_owned()));
        }
    }

    fn names_group(&mut self, own: SgIx, named: SgIx, used: &BTreeSet<SgIx>, row: RowIx) {
        let fabric = &self.network.fabric;
        let (here, there) = (fabric.sg_vpcs[own], fabric.sg_vpcs[named]);
        let peered = fabric.pcxs.iter().any(|pcx| pcx.active && pcx.other(here) == Some(Some(there)));
        let label = self.network.names.sgs[named].clone();
        if here != there && !peered && !self.share_tgw(here, there) {
            let message = format!(
                "{} names group {} of VPC {}, and no peering leads there any more",
                self.row_text(row),
                label.short(),
                self.network.names.vpcs[there].short()
            );
            self.found_row("stale-reference", row, message, "remove the rule");
        } else if !used.contains(&named) {
            let message = format!("{} matches nobody: no interface has group {}", self.row_text(row), label.short());
            let fix = format!("give the group to those who are meant, or remove the rule and group {}", label.short());
            self.found_row("group-rule-empty", row, message, fix).notes.push((label.span, "the group".to_owned()));
        }
    }
}

fn rule<A: Address>(row: &SgRow<A>, family: u8, of: impl Fn(A) -> (IpAddr, u8)) -> Rule {
    let m = (row.protocol, row.low, row.high);
    let everybody = || Box3::of(Cidr::ALL_V4, m.0, m.1, m.2);
    let (peer, matches) = match row.peer {
        PeerMatch::Block { net, mask } => ((family, 0), boxed(net, mask, of, m)),
        PeerMatch::Group(group) => ((2, group.to_usize() as u32), everybody()),
        PeerMatch::List(list) => ((3, list.to_usize() as u32), everybody()),
        PeerMatch::Nobody => ((4, row.row.0), None),
    };
    Rule { row: row.row, peer, matches }
}
