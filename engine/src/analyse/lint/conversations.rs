//! Conversations that begin and cannot go on: asked of the walk ([`super::asked`]), and what the answers have in common is
//! one finding for each row. A request that is denied is policy, not a finding.

use super::asked::Asked;
use super::mtu::Holes;
use super::{Lint, Severity, named};
use crate::analyse::borders::Borders;
use crate::analyse::class::{classes, signatures};
use crate::analyse::probes;
use crate::base::ids::EniIx;
use crate::base::{Cidr, Protocol};
use crate::explain::{Device, Explanation, Hint, Part, Question, hints};
use crate::fabric::Forwarding;
use crate::verdict::{Dir, Reason, RowIx, RowKind, reason_of};
use std::collections::{BTreeMap, BTreeSet};

/// What an ACL does not let pass: protocol, ports, and whose.
type Missing = (Protocol, u16, u16, Cidr);

/// What is kept of an answer.
struct Seen {
    passes: bool,
    decided: Option<(Part, RowIx)>,
    elsewhere: bool,
    /// Some combinations of AWS's choices pass: the row that stops another one, and the share of those, in millionths.
    depends: Option<(Option<RowIx>, u32)>,
    /// Guests that only one of the two ways passes.
    asymmetric: Vec<String>,
}

/// What all answers together say.
#[derive(Default)]
struct Found {
    /// Conversations by code and row.
    rows: BTreeMap<(&'static str, RowIx), Vec<String>>,
    /// What rows of ACLs lack.
    missing: BTreeMap<RowIx, BTreeSet<Missing>>,
    elsewhere: Vec<String>,
    /// Senders without a public address.
    unaddressed: BTreeSet<EniIx>,
    /// Guests, by id, that only one of the two ways passes.
    one_way: BTreeMap<String, Vec<String>>,
    holes: Holes,
}

impl Lint<'_> {
    pub(super) fn conversations(&mut self) {
        let mut found = Found::default();
        self.asked(&mut |asked| {
            let questions: Vec<Question> = asked.iter().flat_map(|a| a.questions.iter().copied()).collect();
            let mut seen = probes(self.network, &questions, |_, e| self.seen(e)).into_iter();
            let passes =
                |a: &&Asked| self.conclude(&mut found, a, seen.by_ref().take(a.questions.len()).collect::<Vec<_>>());
            let pass: Vec<&Asked> = asked.iter().filter(passes).collect();
            self.holes(&pass, &mut found.holes);
        });
        let missing: BTreeMap<RowIx, String> =
            found.missing.iter().map(|(row, missing)| (*row, self.acl_fix(*row, missing))).collect();
        for ((code, row), conversations) in found.rows {
            self.conversation(code, row, conversations, missing.get(&row));
        }
        self.mtu_black_holes(found.holes);
        self.others(found.elsewhere, &found.unaddressed, found.one_way);
    }

    /// What the answers from all source ports say of a conversation. True if it passes.
    fn conclude(&self, found: &mut Found, a: &Asked, seen: Vec<Seen>) -> bool {
        let text = || a.text();
        let blocked =
            |s: &Seen| s.decided.filter(|(part, row)| *part == Part::Reply && !s.passes && is_filter(self.kind(*row)));
        if let Some((_, row)) = seen.iter().find_map(blocked) {
            let some_pass = seen.iter().any(|s| s.passes);
            let code = if some_pass { "acl-reply-narrow" } else { "acl-reply-blocked" };
            let ports =
                a.questions.iter().zip(&seen).filter(|(_, s)| blocked(s).is_some()).filter_map(|(q, _)| q.src_port);
            let from: Vec<String> = ports.map(|port| port.to_string()).collect();
            let text = if some_pass { format!("{} from port {}", text(), named(from)) } else { text() };
            found.rows.entry((code, row)).or_default().push(text);
            found.missing.entry(row).or_default().insert(self.missing(row, a));
            return false;
        }
        let Some(first) = seen.into_iter().next() else { return false };
        if let Some((row, failing)) = first.depends {
            let text = format!("{} ({} % fail)", text(), failing / 10_000);
            if let Some(row) = row {
                found.rows.entry(("choice-decides", row)).or_default().push(text);
            }
            return false;
        }
        if first.elsewhere {
            found.elsewhere.push(text());
            return false;
        }
        if first.passes {
            for guest in first.asymmetric {
                found.one_way.entry(guest).or_default().push(text());
            }
            return true;
        }
        let Some((part, row)) = first.decided else { return false };
        let code = match (part, self.kind(row)) {
            (Part::Request, RowKind::PcxTransit) => "transitive-peering",
            (Part::Request, RowKind::IgwNoPublicAddress) => {
                found.unaddressed.extend(a.sender);
                return false;
            }
            (
                Part::Reply,
                RowKind::RouteNone
                | RowKind::TgwRouteNone
                | RowKind::VgwRouteNone
                | RowKind::RouterRouteNone
                | RowKind::DxgwRouteNone
                | RowKind::IgwPrivateDestination
                | RowKind::IgwSharedDestination,
            ) => "no-return-route",
            (Part::Reply, RowKind::GuestNoState | RowKind::RouterFirewall) => "asymmetric-path",
            // A block that somebody switched on, and what is found by its own check.
            (Part::Reply, RowKind::BlockPublicAccess | RowKind::TgwNoAz | RowKind::TgwNoAssociation) => return false,
            (Part::Reply, RowKind::RouteBlackhole | RowKind::TgwRouteBlackhole) => return false,
            (Part::Reply, kind) if reason_of(kind) == Reason::Blocked => "reply-blocked",
            _ => return false,
        };
        found.rows.entry((code, row)).or_default().push(text());
        false
    }

    fn kind(&self, row: RowIx) -> RowKind {
        self.network.fabric.rows[row].kind
    }

    fn conversation(&mut self, code: &'static str, row: RowIx, conversations: Vec<String>, fix: Option<&String>) {
        let (text, list) = (self.row_text(row), named(conversations));
        let (message, fix) = match code {
            "acl-reply-blocked" => (format!("{text} drops every reply of {list}"), fix.cloned().unwrap_or_default()),
            "acl-reply-narrow" => (format!("{text} drops replies of {list}"), fix.cloned().unwrap_or_default()),
            "choice-decides" => (
                format!("it depends on what AWS chooses whether {list} works: {text}"),
                "`vpcsim why` lists the choices and what the failing ones have in common".to_owned(),
            ),
            "transitive-peering" => (
                format!("{list} is sent to a peering that does not lead there: {text}"),
                "a peering of its own, or a transit gateway".to_owned(),
            ),
            "no-return-route" => (
                format!("the reply of {list} finds no route back: {text}"),
                "a route back, in the table of the side that answers".to_owned(),
            ),
            "asymmetric-path" => (
                format!("the reply of {list} comes to a firewall that has not seen the request: {text}"),
                match self.kind(row) {
                    RowKind::RouterFirewall => {
                        "one way for both sides: the same preference at AWS's end (AS path, prefixes) as at the router's"
                    }
                    _ => "appliance mode, or routes that lead both ways over the same firewall",
                }
                .to_owned(),
            ),
            _ => (format!("the reply of {list} is dropped: {text}"), "`vpcsim why` shows its way".to_owned()),
        };
        let finding = self.found_row(code, row, message, fix);
        if code == "asymmetric-path" {
            finding.severity = Severity::Error;
        }
    }

    fn others(&mut self, elsewhere: Vec<String>, unaddressed: &BTreeSet<EniIx>, guests: BTreeMap<String, Vec<String>>) {
        let network = self.network;
        let all = classes(&signatures(network, &Borders::of(&[network])));
        for class in all.iter().filter(|class| unaddressed.contains(&class[0])) {
            let label = &network.names.enis[class[0]];
            let subnet = network.names.subnets[network.fabric.enis[class[0]].subnet].short();
            let text = named(class.iter().map(|eni| network.names.eni_text(&network.fabric, *eni)));
            let have = if class.len() == 1 { "has" } else { "have" };
            let message = format!("{text} {have} no public address, and subnet {subnet} sends to an internet gateway");
            let fix = "a public address, or a subnet that sends by a NAT gateway";
            self.found("no-public-address", "network_interface", label, message, fix);
        }
        for conversation in elsewhere {
            let label = crate::names::Label { id: conversation.clone(), ..crate::names::Label::default() };
            let message = format!("the reply of {conversation} comes from another address than it was sent to");
            self.found("reply-from-elsewhere", "conversation", &label, message, "ask for the address that answers");
        }
        for (guest, conversations) in guests {
            let Some(label) = network.names.guests.iter().find(|label| label.id == guest) else { continue };
            let message = format!("{} passes {} one way only", label.short(), named(conversations));
            let fix = "appliance mode, or routes that lead both ways over the same firewall";
            self.found("asymmetric-path", "instance", label, message, fix).severity = Severity::Note;
        }
    }

    /// What an ACL's row should let pass for the replies of a conversation: the far side's subnet, or everybody.
    fn missing(&self, row: RowIx, a: &Asked) -> Missing {
        let fabric = &self.network.fabric;
        let far = match fabric.rows[row].dir {
            Dir::Out => a.questions[0].from.address(),
            Dir::In => a.questions[0].to,
        };
        let blocks = fabric.subnets.iter().flat_map(|subnet| [subnet.v4, subnet.v6]).flatten();
        let everybody = || if far.is_ipv4() { "0.0.0.0/0" } else { "::/0" }.parse().expect("a block");
        let block = blocks.into_iter().find(|block| block.contains(far)).unwrap_or_else(everybody);
        (a.protocol, a.ephemeral.from, a.ephemeral.to, block)
    }

    /// The rows that an ACL lacks for replies.
    fn acl_fix(&self, row: RowIx, missing: &BTreeSet<Missing>) -> String {
        let dir = self.network.fabric.rows[row].dir;
        let word = if dir == Dir::Out { "to" } else { "from" };
        // One that lets more pass than another one makes that superfluous.
        let covers = |a: &Missing, b: &Missing| a.0 == b.0 && a.1 <= b.1 && b.2 <= a.2 && a.3.covers(&b.3);
        let needed = missing.iter().filter(|m| !missing.iter().any(|other| other != *m && covers(other, m)));
        let rows = needed.map(|(protocol, from, to, block)| format!("allow {protocol} {from}-{to} {word} {block}"));
        let acl = self.network.names.row_resource(&self.network.fabric, row);
        format!("a row in acl {acl} {}: {}", dir.word(), named(rows))
    }

    fn seen(&self, e: &Explanation) -> Seen {
        let asymmetric = hints(self.network, e).into_iter().flat_map(|hint| match hint {
            Hint::Asymmetric { request, reply } => request.into_iter().chain(reply).collect(),
            _ => Vec::new(),
        });
        let guest = |device| match device {
            // One that is known to keep no state, or to translate, does not mind.
            Device::Guest(guest) => match self.network.fabric.guests[guest].forwarding {
                Forwarding::On { masquerade: false, stateful: true } | Forwarding::Unknown => {
                    Some(self.network.names.guests[guest].id.clone())
                }
                _ => None,
            },
            _ => None,
        };
        let (some, all) =
            (e.alternatives.iter().any(|a| a.outcome.passes()), e.alternatives.iter().all(|a| a.outcome.passes()));
        let depends = (some && !all).then(|| {
            let failing = e.alternatives.iter().filter(|a| !a.outcome.passes());
            let share: u64 = failing.clone().map(|a| 1_000_000 / a.one_in.max(1)).sum();
            let row = failing.clone().find_map(|a| a.decided_by).map(|(_, row)| row);
            (row, u32::try_from(share.min(1_000_000)).unwrap_or(1_000_000))
        });
        Seen {
            passes: e.outcome.passes(),
            decided: e.decided_by,
            elsewhere: e.reply_from_elsewhere,
            depends,
            asymmetric: asymmetric.filter_map(guest).collect(),
        }
    }
}

fn is_filter(kind: RowKind) -> bool {
    matches!(kind, RowKind::AclRule | RowKind::AclLast)
}
