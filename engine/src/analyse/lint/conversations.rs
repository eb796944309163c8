//! Conversations that begin and cannot go on: asked of the walk ([`super::asked`]), and what the answers have in common is
//! one finding for each row. A request that is denied is policy, not a finding.

use super::asked::Asked;
use super::{Lint, Severity, named};
use crate::analyse::borders::Borders;
use crate::analyse::class::{classes, signatures};
use crate::analyse::probes;
use crate::base::ids::EniIx;
use crate::explain::{Device, Explanation, Hint, Part, Question, hints};
use crate::fabric::Forwarding;
use crate::verdict::{Dir, RowIx, RowKind};
use std::collections::{BTreeMap, BTreeSet};

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

impl Lint<'_> {
    pub(super) fn conversations(&mut self) {
        let network = self.network;
        let asked = self.asked();
        let questions: Vec<Question> = asked.iter().flat_map(|a| a.questions.iter().copied()).collect();
        let mut seen = probes(network, &questions, |_, e| self.seen(e)).into_iter();
        let mut found: BTreeMap<(&'static str, RowIx), Vec<String>> = BTreeMap::new();
        let mut fixes: BTreeMap<RowIx, String> = BTreeMap::new();
        let mut elsewhere = Vec::new();
        let mut unaddressed: BTreeSet<EniIx> = BTreeSet::new();
        let mut guests: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut pass: Vec<&Asked> = Vec::new();
        for a in &asked {
            let text = a.text();
            let seen: Vec<Seen> = seen.by_ref().take(a.questions.len()).collect();
            let blocked = |s: &Seen| {
                s.decided.filter(|(part, row)| *part == Part::Reply && !s.passes && is_filter(self.kind(*row)))
            };
            if let Some((_, row)) = seen.iter().find_map(blocked) {
                let some_pass = seen.iter().any(|s| s.passes);
                let code = if some_pass { "acl-reply-narrow" } else { "acl-reply-blocked" };
                let ports =
                    a.questions.iter().zip(&seen).filter(|(_, s)| blocked(s).is_some()).filter_map(|(q, _)| q.src_port);
                let from: Vec<String> = ports.map(|port| port.to_string()).collect();
                let text = if some_pass { format!("{text} from port {}", named(from)) } else { text };
                found.entry((code, row)).or_default().push(text);
                fixes.entry(row).or_insert_with(|| self.acl_fix(row, a));
                continue;
            }
            let Some(first) = seen.into_iter().next() else { continue };
            if let Some((row, failing)) = first.depends {
                let text = format!("{text} ({} % fail)", failing / 10_000);
                if let Some(row) = row {
                    found.entry(("choice-decides", row)).or_default().push(text);
                }
                continue;
            }
            if first.elsewhere {
                elsewhere.push(text);
                continue;
            }
            if first.passes {
                pass.push(a);
            }
            for guest in first.asymmetric.iter().filter(|_| first.passes) {
                guests.entry(guest.clone()).or_default().push(text.clone());
            }
            let Some((part, row)) = first.decided.filter(|_| !first.passes) else { continue };
            let code = match (part, self.kind(row)) {
                (Part::Request, RowKind::PcxTransit) => "transitive-peering",
                (Part::Request, RowKind::IgwNoPublicAddress) => {
                    unaddressed.extend(a.sender);
                    continue;
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
                (Part::Reply, RowKind::BlockPublicAccess | RowKind::TgwNoAz | RowKind::TgwNoAssociation) => continue,
                (Part::Reply, RowKind::RouteBlackhole | RowKind::TgwRouteBlackhole) => continue,
                (Part::Reply, kind) if crate::verdict::reason_of(kind) == crate::verdict::Reason::Blocked => {
                    "reply-blocked"
                }
                _ => continue,
            };
            found.entry((code, row)).or_default().push(text);
        }
        for ((code, row), conversations) in found {
            self.conversation(code, row, conversations, fixes.get(&row));
        }
        self.mtu_black_holes(&pass);
        self.others(elsewhere, &unaddressed, guests);
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
                "appliance mode, or routes that lead both ways over the same firewall".to_owned(),
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

    /// The row that an ACL lacks for replies.
    fn acl_fix(&self, row: RowIx, a: &Asked) -> String {
        let (fabric, names) = (&self.network.fabric, &self.network.names);
        let dir = fabric.rows[row].dir;
        let (client, server) = (a.questions[0].from.address(), a.questions[0].to);
        let (word, far) = match dir {
            Dir::Out => ("to", client),
            Dir::In => ("from", server),
        };
        let block =
            fabric.subnets.iter().flat_map(|subnet| [subnet.v4, subnet.v6]).flatten().find(|block| block.contains(far));
        let block =
            block.map_or_else(|| if far.is_ipv4() { "0.0.0.0/0" } else { "::/0" }.to_owned(), |b| b.to_string());
        let acl = names.row_resource(fabric, row);
        format!("a row in acl {acl} {}: allow {} {} {word} {block}", dir.word(), a.protocol, a.ephemeral)
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
