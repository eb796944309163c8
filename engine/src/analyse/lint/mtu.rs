//! Connections that open and then hang: a packet of full size does not pass, and no ICMP message that says so comes back to
//! its sender, so that it is sent again and again.
//!
//! Nothing is judged here: [`sizes`] walks the handshake, the large packets of both directions and the messages about them.
//!
//! Not looked at: anything but TCP. Datagrams of that size are rare, and what sends them knows why.

use super::asked::Asked;
use super::{Lint, named};
use crate::analyse::probes;
use crate::base::Protocol;
use crate::compile::Network;
use crate::explain::{Explanation, Part, Size, sizes};
use crate::verdict::{RowIx, RowKind};
use std::collections::{BTreeMap, BTreeSet};

/// Where large packets vanish, in which directions, and of which conversations.
pub(super) type Holes = BTreeMap<Hole, (BTreeSet<Part>, Vec<String>)>;

/// Where large packets vanish.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    /// What drops the message about them; nothing if none is sent.
    unheard: Option<RowIx>,
    /// What drops them.
    by: RowIx,
    /// The largest that passes.
    largest: u32,
    v6: bool,
}

impl Lint<'_> {
    /// Looks at conversations that pass: one for each two ends.
    pub(super) fn holes(&self, pass: &[&Asked], found: &mut Holes) {
        let mut seen = BTreeSet::new();
        let tcp = pass.iter().filter(|a| a.questions[0].protocol == Protocol::TCP);
        let asked: Vec<&&Asked> =
            tcp.filter(|a| seen.insert((a.questions[0].from.address(), a.questions[0].to, &*a.from))).collect();
        let questions: Vec<_> = asked.iter().map(|a| a.questions[0]).collect();
        let network = self.network;
        for (a, holes) in asked.iter().zip(probes(network, &questions, |_, e| holes(network, e))) {
            for (part, hole) in holes {
                let (parts, conversations) = found.entry(hole).or_default();
                parts.insert(part);
                conversations.push(a.text());
            }
        }
    }

    pub(super) fn mtu_black_holes(&mut self, found: Holes) {
        for (hole, (parts, conversations)) in found {
            let whose = match (parts.contains(&Part::Request), parts.contains(&Part::Reply)) {
                (true, true) => "packets both ways",
                (true, false) => "requests",
                _ => "answers",
            };
            self.mtu_black_hole(&hole, whose, conversations);
        }
    }

    fn mtu_black_hole(&mut self, hole: &Hole, whose: &str, conversations: Vec<String>) {
        let fabric = &self.network.fabric;
        let by = self.row_text(hole.by);
        let what =
            format!("{whose} of {} that are larger than {} bytes vanish: {by}", named(conversations), hole.largest);
        let around: u32 = if hole.v6 { 60 } else { 40 };
        let smaller =
            format!("an MTU of {} on the interfaces, or a segment size of {}", hole.largest, hole.largest - around);
        let Some(row) = hole.unheard else {
            let message = format!("{what}; nobody tells the sender");
            self.found_row("mtu-black-hole", hole.by, message, smaller);
            return;
        };
        let message = format!("{what}; the message that tells the sender is dropped: {}", self.row_text(row));
        let icmp =
            if hole.v6 { "icmpv6 type 2 (packet too big)" } else { "icmp type 3, code 4 (fragmentation needed)" };
        let names = &self.network.names;
        let fix = match fabric.rows[row].kind {
            RowKind::AclRule | RowKind::AclLast => {
                let (acl, dir) = (names.row_resource(fabric, row), fabric.rows[row].dir.word());
                format!("a row in acl {acl} {dir} that allows {icmp}; or {smaller}")
            }
            RowKind::SgRule | RowKind::SgLast => format!("a rule that lets {icmp} in; or {smaller}"),
            _ => smaller,
        };
        self.found_row("mtu-black-hole", row, message, fix);
    }
}

/// Where the large packets of a conversation vanish, by direction.
fn holes(network: &Network, e: &Explanation) -> Vec<(Part, Hole)> {
    let hole = |size: Size| {
        let by = size.stopped_by.filter(|_| size.hangs())?;
        let v6 = e.question.to.is_ipv6();
        Some((size.part, Hole { unheard: size.untold_by, by, largest: size.largest, v6 }))
    };
    sizes(network, &e.question, e).into_iter().filter_map(hole).collect()
}
