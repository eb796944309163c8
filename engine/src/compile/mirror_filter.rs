//! Traffic mirror filters: rules flattened, apart by family, because a rule never matches the other one.

use super::context::{Context, also, label};
use super::mirror::NUMBERS;
use crate::base::ids::MirrorFilterIx;
use crate::base::port::{PortRange, ProtocolMatch};
use crate::diag::Diagnostic;
use crate::fabric::{ANY_PROTOCOL, Address, MirrorFilter, MirrorRule, MirrorTable};
use crate::names::RowText;
use crate::spec::{Spanned, TrafficMirrorAction, TrafficMirrorRule};
use crate::verdict::{Dir, Row, RowIx, RowKind};

/// Rules that a filter may have (MIR-21).
const RULES_PER_FILTER: usize = 10;

impl Context {
    pub(super) fn mirror_filters(&mut self) {
        let filters = std::mem::take(&mut self.spec.traffic_mirror_filters);
        for (name, filter) in &filters {
            let index = self.fabric.mirror_filters.next_index();
            let rules = filter.ingress.len() + filter.egress.len();
            if rules > RULES_PER_FILTER {
                let message = format!("filter `{name}` has {rules} rules, AWS takes {RULES_PER_FILTER}");
                self.problem(
                    Diagnostic::error("quota", name.span, message)
                        .help("AWS does not raise this one: use another session with a filter of its own"),
                );
            }
            let ingress = self.mirror_table(name, index, Dir::In, &filter.ingress);
            let egress = self.mirror_table(name, index, Dir::Out, &filter.egress);
            let dns = filter.network_services.first().map(|service| {
                let text = RowText { name: "amazon-dns".to_owned(), says: String::new(), span: service.span };
                self.written_row(Row::plain(RowKind::MirrorDns, index.0), text)
            });
            self.fabric.mirror_filters.push(MirrorFilter { ingress, egress, dns });
            self.names.mirror_filters.push(label(name, filter.name_tag.as_ref()));
            self.ids.mirror_filters.insert(name.value.clone(), index);
        }
        self.spec.traffic_mirror_filters = filters;
    }

    fn mirror_table(
        &mut self,
        name: &str,
        filter: MirrorFilterIx,
        dir: Dir,
        rules: &[Spanned<TrafficMirrorRule>],
    ) -> MirrorTable {
        let mut sorted: Vec<&Spanned<TrafficMirrorRule>> = rules.iter().collect();
        sorted.sort_by_key(|rule| rule.rule.value);
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let mut previous: Option<&Spanned<TrafficMirrorRule>> = None;
        for rule in sorted {
            let number = rule.rule.value;
            if let Some(other) = previous.replace(rule)
                && other.rule.value == number
            {
                let message = format!("filter `{name}` has two {} rules {number}", direction(dir));
                self.problem(also(
                    Diagnostic::error("duplicate-rule", rule.rule.span, message),
                    other.rule.span,
                    "the other one",
                ));
            }
            if !NUMBERS.contains(&number) {
                let message = format!("rule numbers go from 1 to 32766, not {number}");
                self.problem(Diagnostic::error("rule-number", rule.rule.span, message));
            }
            if rule.from.is_v4() != rule.to.is_v4() {
                let message = format!("`{}` and `{}` are of two families", rule.from, rule.to);
                self.problem(
                    Diagnostic::error("mixed-families", rule.to.span, message)
                        .note(rule.from.span, "the source block")
                        .help("write `0.0.0.0/0` or `::/0` for any address of the other block's family"),
                );
                continue;
            }
            self.check_mirror_ports(rule);
            let accept = rule.action == TrafficMirrorAction::Accept;
            let kind = if accept { RowKind::MirrorAccept } else { RowKind::MirrorReject };
            let text = RowText { name: number.to_string(), says: says(rule), span: rule.span };
            let row = self.written_row(Row { kind, dir, owner: filter.0 }, text);
            v4.extend(compiled(rule, accept, row));
            v6.extend(compiled(rule, accept, row));
        }
        let none = self.row(Row { kind: RowKind::MirrorNone, dir, owner: filter.0 });
        MirrorTable { v4: v4.into(), v6: v6.into(), none }
    }

    fn check_mirror_ports(&mut self, rule: &Spanned<TrafficMirrorRule>) {
        let has_ports = matches!(rule.protocol, Some(ProtocolMatch::One(p)) if p.has_ports());
        let written = [rule.source_ports, rule.destination_ports].into_iter().flatten().any(|p| p != PortRange::ALL);
        if written && !has_ports {
            self.problem(
                Diagnostic::error("ports-without-protocol", rule.span, "ports are for TCP and UDP only")
                    .help("add `protocol: tcp` or `protocol: udp`"),
            );
        }
    }
}

fn compiled<A: Address>(rule: &TrafficMirrorRule, accept: bool, row: RowIx) -> Option<MirrorRule<A>> {
    let block = |block: crate::base::Cidr| Some((A::of(block.network())?, A::mask(block.len())));
    Some(MirrorRule {
        src: block(rule.from.value)?,
        dst: block(rule.to.value)?,
        protocol: match rule.protocol.unwrap_or(ProtocolMatch::All) {
            ProtocolMatch::All => ANY_PROTOCOL,
            ProtocolMatch::One(protocol) => protocol.0.into(),
        },
        src_ports: rule.source_ports.unwrap_or(PortRange::ALL),
        dst_ports: rule.destination_ports.unwrap_or(PortRange::ALL),
        accept,
        row,
    })
}

/// AWS's word for a direction of a filter.
const fn direction(dir: Dir) -> &'static str {
    match dir {
        Dir::In => "ingress",
        Dir::Out => "egress",
    }
}

/// `accept tcp from 0.0.0.0/0 to 10.0.0.0/16 port 80`.
fn says(rule: &TrafficMirrorRule) -> String {
    let action = if rule.action == TrafficMirrorAction::Accept { "accept" } else { "reject" };
    let protocol = match rule.protocol.unwrap_or(ProtocolMatch::All) {
        ProtocolMatch::One(p) if !p.has_ports() && !p.is_icmp() => format!("protocol {p}"),
        protocol => protocol.to_string(),
    };
    let port = |ports: Option<PortRange>| match ports {
        None | Some(PortRange::ALL) => String::new(),
        Some(ports) => format!(" port {ports}"),
    };
    format!(
        "{action} {protocol} from {}{} to {}{}",
        rule.from,
        port(rule.source_ports),
        rule.to,
        port(rule.destination_ports)
    )
}
