//! Network ACLs and security groups, flattened.

use super::context::{Context, also, label};
use crate::base::ids::{AclIx, EniIx, SgIx, SgSetIx, VpcIx};
use crate::base::port::{PortRange, Protocol, ProtocolMatch};
use crate::base::{Cidr, IndexVec};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{
    ANY_ICMP, ANY_PROTOCOL, Acl, AclRow, AclTable, Address, OpenToAll, PeerMatch, SgRow, SgSet, SgTable,
};
use crate::names::RowText;
use crate::spec::{AclAction, AclRule, Peer, SecurityGroup, SgRule, Spanned};
use crate::verdict::{Dir, Row, RowIx, RowKind};
use std::collections::BTreeMap;

/// What a rule matches besides the other side's address.
#[derive(Clone, Copy)]
struct Match {
    protocol: u16,
    low: u16,
    high: u16,
}

/// A group's compiled rules by direction, IPv4 and IPv6.
#[derive(Clone, Default)]
struct GroupRows {
    v4: Vec<SgRow<u32>>,
    v6: Vec<SgRow<u128>>,
    open: [OpenToAll; 2],
}

impl Context {
    pub(super) fn acls(&mut self) {
        let acls = std::mem::take(&mut self.spec.network_acls);
        let mut default: BTreeMap<VpcIx, AclIx> = BTreeMap::new();
        for (name, acl) in &acls {
            let Some(vpc) = self.vpc_named(&acl.vpc) else { continue };
            let index = self.fabric.acls.next_index();
            let inbound = self.acl_table(name, index, Dir::In, acl.inbound.as_deref().unwrap_or_default());
            let outbound = self.acl_table(name, index, Dir::Out, acl.outbound.as_deref().unwrap_or_default());
            self.fabric.acls.push(Acl { inbound, outbound });
            self.names.acls.push(label(name, acl.name_tag.as_ref()));
            self.ids.acls.insert(name.value.clone(), index);
            if acl.default
                && let Some(other) = default.insert(vpc, index)
            {
                let diagnostic =
                    Diagnostic::error("second-default", name.span, format!("vpc `{}` has two default ACLs", acl.vpc));
                let span = self.names.acls[other].span;
                self.problem(also(diagnostic, span, "the other one"));
            }
        }
        self.spec.network_acls = acls;
        let subnets = std::mem::take(&mut self.spec.subnets);
        for (name, subnet) in &subnets {
            let Some(index) = self.ids.subnets.get(name.value.as_str()).copied() else { continue };
            let vpc = self.fabric.subnets[index].vpc;
            let written = subnet.network_acl.as_ref().and_then(|acl| {
                let found = self.ids.acls.get(acl.value.as_str()).copied();
                if found.is_none() {
                    let known: Vec<String> = self.ids.acls.keys().cloned().collect();
                    self.unknown(acl, "network ACL", &known.iter().map(String::as_str).collect::<Vec<_>>());
                }
                found
            });
            // ACL-9.
            let acl = written.or_else(|| default.get(&vpc).copied()).expect("expand gives every VPC a default ACL");
            self.fabric.subnets[index].acl = acl;
        }
        self.spec.subnets = subnets;
    }

    fn acl_table(&mut self, name: &str, acl: AclIx, dir: Dir, rules: &[Spanned<AclRule>]) -> AclTable {
        let mut sorted: Vec<&Spanned<AclRule>> = rules.iter().collect();
        sorted.sort_by_key(|rule| rule.rule.value);
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let mut previous: Option<&Spanned<AclRule>> = None;
        for rule in sorted {
            let number = rule.rule.value;
            if let Some(other) = previous.replace(rule)
                && other.rule.value == number
            {
                let message = format!("acl `{name}` has two {} rules {number}", dir.word());
                self.problem(also(
                    Diagnostic::error("duplicate-rule", rule.rule.span, message),
                    other.rule.span,
                    "the other one",
                ));
            }
            // ACL-12.
            if !(1..=32766).contains(&number) {
                let message = format!("rule numbers go from 1 to 32766, not {number}");
                self.problem(Diagnostic::error("rule-number", rule.rule.span, message));
            }
            let Some(block) = self.side(dir, rule.from, rule.to, rule.span, "an ACL row") else { continue };
            let m = self.rule_match(rule.protocol, rule.ports, rule.icmp_type, rule.icmp_code, rule.span);
            let allow = rule.action == AclAction::Allow;
            let says = format!(
                "{} {} {} {}",
                if allow { "allow" } else { "deny" },
                match_text(rule.protocol, rule.ports, rule.icmp_type, rule.icmp_code),
                side_word(dir),
                block
            );
            let text = RowText { name: number.to_string(), says, span: rule.span };
            let row = self.written_row(Row { kind: RowKind::AclRule, dir, owner: acl.0 }, text);
            if block.is_v4() {
                v4.extend(acl_row(&block, m, allow, row));
            } else {
                v6.extend(acl_row(&block, m, allow, row));
            }
        }
        let last = self.row(Row { kind: RowKind::AclLast, dir, owner: acl.0 });
        AclTable { v4: v4.into(), v6: v6.into(), last }
    }

    /// The block of the side that a rule of this direction looks at.
    fn side<T: Clone>(
        &mut self,
        dir: Dir,
        from: Option<Spanned<T>>,
        to: Option<Spanned<T>>,
        span: Span,
        what: &str,
    ) -> Option<T> {
        let (right, wrong, word, other) = match dir {
            Dir::In => (from, to, "from", "to"),
            Dir::Out => (to, from, "to", "from"),
        };
        if let Some(wrong) = wrong {
            let message = format!("{what} for {} traffic has no `{other}`", dir.word());
            self.problem(Diagnostic::error("wrong-direction", wrong.span, message).help(format!(
                "write `{word}`: {} rules look at the {} only",
                dir.word(),
                if dir == Dir::In { "source" } else { "destination" }
            )));
        } else if right.is_none() {
            self.problem(Diagnostic::error(
                "missing-field",
                span,
                format!("{what} for {} traffic needs `{word}`", dir.word()),
            ));
        }
        right.map(|r| r.value)
    }

    fn rule_match(
        &mut self,
        protocol: Option<ProtocolMatch>,
        ports: Option<PortRange>,
        icmp_type: Option<i16>,
        icmp_code: Option<i16>,
        span: Span,
    ) -> Match {
        let number = match protocol.unwrap_or(ProtocolMatch::All) {
            ProtocolMatch::All => return self.any_match(ports, icmp_type, span),
            ProtocolMatch::One(protocol) => protocol,
        };
        let icmp = |v: Option<i16>| v.and_then(|v| u16::try_from(v).ok()).unwrap_or(ANY_ICMP);
        let (low, high) = if number.has_ports() {
            let ports = ports.unwrap_or(PortRange::ALL);
            (ports.from, ports.to)
        } else {
            (icmp(icmp_type), icmp(icmp_code))
        };
        if (icmp_type.is_some() || icmp_code.is_some()) && !number.is_icmp() {
            self.problem(Diagnostic::error(
                "icmp-fields",
                span,
                format!("`icmp_type` and `icmp_code` mean nothing for {number}"),
            ));
        }
        if ports.is_some_and(|p| p != PortRange::ALL) && !number.has_ports() && !self.lenient {
            self.warn(Diagnostic::warning(
                "ports-ignored",
                span,
                format!("AWS ignores the ports of a rule for {number}"),
            ));
        }
        Match { protocol: number.0.into(), low, high }
    }

    fn any_match(&mut self, ports: Option<PortRange>, icmp_type: Option<i16>, span: Span) -> Match {
        if (ports.is_some_and(|p| p != PortRange::ALL) || icmp_type.is_some_and(|t| t >= 0)) && !self.lenient {
            let message = "a rule for all protocols ignores its ports and ICMP types";
            self.warn(Diagnostic::warning("ports-ignored", span, message).help("did you mean `protocol: tcp`?"));
        }
        Match { protocol: ANY_PROTOCOL, low: 0, high: u16::MAX }
    }

    pub(super) fn security_groups(&mut self) {
        let groups = std::mem::take(&mut self.spec.security_groups);
        let mut default: BTreeMap<VpcIx, SgIx> = BTreeMap::new();
        let mut kept: Vec<(&Spanned<String>, &SecurityGroup)> = Vec::new();
        for (name, group) in &groups {
            let Some(vpc) = self.vpc_named(&group.vpc) else { continue };
            let index = self.names.sgs.push(label(name, group.name_tag.as_ref()));
            self.ids.sg_vpc.push(vpc);
            self.ids.sgs.insert(name.value.clone(), index);
            kept.push((name, group));
            if group.default
                && let Some(other) = default.insert(vpc, index)
            {
                let diagnostic = Diagnostic::error(
                    "second-default",
                    name.span,
                    format!("vpc `{}` has two default groups", group.vpc),
                );
                let span = self.names.sgs[other].span;
                self.problem(also(diagnostic, span, "the other one"));
            }
        }
        let mut compiled: IndexVec<SgIx, [GroupRows; 2]> = IndexVec::new();
        for (name, group) in kept {
            let index = compiled.next_index();
            let inbound = self.group_rows(name, index, Dir::In, group.inbound.as_deref().unwrap_or_default());
            let outbound = self.group_rows(name, index, Dir::Out, group.outbound.as_deref().unwrap_or_default());
            compiled.push([inbound, outbound]);
        }
        self.spec.security_groups = groups;
        self.fabric.sg_vpcs.clone_from(&self.ids.sg_vpc);
        self.sg_sets(&compiled, &default);
    }

    fn group_rows(&mut self, name: &str, sg: SgIx, dir: Dir, rules: &[Spanned<SgRule>]) -> GroupRows {
        let mut out = GroupRows::default();
        for (n, rule) in rules.iter().enumerate() {
            let Some(peer) = self.side(dir, rule.from.clone(), rule.to.clone(), rule.span, "a security group rule")
            else {
                continue;
            };
            let m = self.rule_match(rule.protocol, rule.ports, rule.icmp_type, rule.icmp_code, rule.span);
            let what = match_text(rule.protocol, rule.ports, rule.icmp_type, rule.icmp_code);
            let peer_text = match &peer {
                Peer::Cidr(cidr) => cidr.to_string(),
                Peer::Name(name) => name.clone(),
            };
            let says = format!("allow {what} {} {peer_text}", side_word(dir));
            let text = RowText { name: rule.id.clone().unwrap_or_else(|| format!("{}", n + 1)), says, span: rule.span };
            let row = self.written_row(Row { kind: RowKind::SgRule, dir, owner: sg.0 }, text);
            let side = if dir == Dir::In { &rule.from } else { &rule.to };
            let span = side.as_ref().map_or(rule.span, |s| s.span);
            match peer {
                Peer::Cidr(cidr) => out.add_block(&cidr, m, row),
                Peer::Name(peer) => self.named_peer(&mut out, name, &Spanned::new(peer, span), m, row, sg),
            }
        }
        out
    }

    /// A rule that names a group or a prefix list.
    fn named_peer(
        &mut self,
        out: &mut GroupRows,
        _group: &str,
        peer: &Spanned<String>,
        m: Match,
        row: RowIx,
        sg: SgIx,
    ) {
        let (v4, v6) = if let Some(other) = self.ids.sgs.get(peer.value.as_str()).copied() {
            if !self.may_name(self.ids.sg_vpc[sg], self.ids.sg_vpc[other]) && !self.lenient {
                let message =
                    format!("group `{peer}` is in another VPC, with no peering or transit gateway in between");
                let diagnostic = Diagnostic::error("group-of-another-vpc", peer.span, message);
                self.problem(diagnostic.help(
                    "a rule may name groups of its own VPC, of a peer, or of a VPC on the same transit gateway; use an address block",
                ));
            }
            (PeerMatch::Group(other), PeerMatch::Group(other))
        } else if let Some(list) = self.ids.prefix_lists.get(peer.value.as_str()).copied() {
            (PeerMatch::List(list), PeerMatch::List(list))
        } else {
            if !self.ids.not_modelled.contains_key(peer.value.as_str()) {
                let known: Vec<String> = self.ids.sgs.keys().chain(self.ids.prefix_lists.keys()).cloned().collect();
                self.unknown(
                    peer,
                    "security group or prefix list",
                    &known.iter().map(String::as_str).collect::<Vec<_>>(),
                );
            }
            // SG-11: a rule that names a group which is not there matches nobody (stale).
            (PeerMatch::Nobody, PeerMatch::Nobody)
        };
        out.v4.push(SgRow { peer: v4, protocol: m.protocol, low: m.low, high: m.high, row });
        out.v6.push(SgRow { peer: v6, protocol: m.protocol, low: m.low, high: m.high, row });
    }

    /// SG-5, PCX-11, TGW-20: whether AWS lets a rule of one VPC name a group of another. A peering that is gone has left
    /// a stale rule behind.
    fn may_name(&self, own: VpcIx, other: VpcIx) -> bool {
        own == other
            || self.fabric.pcxs.iter().any(|pcx| pcx.other(own) == Some(Some(other)))
            || self
                .ids
                .tgw_by_vpc
                .keys()
                .any(|(tgw, vpc)| *vpc == own && self.ids.tgw_by_vpc.contains_key(&(*tgw, other)))
    }

    fn sg_sets(&mut self, compiled: &IndexVec<SgIx, [GroupRows; 2]>, default: &BTreeMap<VpcIx, SgIx>) {
        let mut sets: BTreeMap<(Vec<SgIx>, Option<RowIx>), SgSetIx> = BTreeMap::new();
        let interfaces = std::mem::take(&mut self.spec.network_interfaces);
        for (name, eni) in &interfaces {
            let Some(index) = self.ids.enis.get(name.value.as_str()).copied() else { continue };
            let (mut groups, missing) = self.groups_of(index, eni.security_groups.as_deref(), default);
            groups.sort_unstable();
            groups.dedup();
            let key = (groups, missing);
            let set = match sets.get(&key) {
                Some(set) => *set,
                None => {
                    let table = |dir: usize| {
                        let mut all = GroupRows::default();
                        for group in &key.0 {
                            let rows = &compiled[*group][dir];
                            all.v4.extend_from_slice(&rows.v4);
                            all.v6.extend_from_slice(&rows.v6);
                            for (open, more) in all.open.iter_mut().zip(rows.open) {
                                open.tcp |= more.tcp;
                                open.udp |= more.udp;
                            }
                        }
                        let empty = all.v4.is_empty() && all.v6.is_empty();
                        SgTable { v4: all.v4.into(), v6: all.v6.into(), open_to_all: all.open, empty }
                    };
                    let groups = key.0.clone().into();
                    let set = SgSet { groups, missing, inbound: table(0), outbound: table(1) };
                    let set = self.fabric.sg_sets.push(set);
                    sets.insert(key, set);
                    set
                }
            };
            self.fabric.enis[index].sg_set = set;
        }
        self.spec.network_interfaces = interfaces;
    }

    /// The groups of an interface, and the row of one that the input lacks.
    fn groups_of(
        &mut self,
        eni: EniIx,
        written: Option<&[Spanned<String>]>,
        default: &BTreeMap<VpcIx, SgIx>,
    ) -> (Vec<SgIx>, Option<RowIx>) {
        let vpc = self.fabric.enis[eni].vpc;
        let Some(written) = written else {
            return (default.get(&vpc).copied().into_iter().collect(), None);
        };
        let (mut groups, mut missing) = (Vec::new(), None);
        for name in written {
            if let Some(nm) = self.ids.not_modelled.get(name.value.as_str()) {
                missing = Some(self.fabric.not_modelled[*nm].row);
                continue;
            }
            let Some(group) = self.sg_named(name) else { continue };
            // SG-13.
            if self.ids.sg_vpc[group] != vpc {
                let message = format!("group `{name}` is in another VPC than the interface");
                self.problem(Diagnostic::error("group-of-another-vpc", name.span, message));
                if !self.lenient {
                    continue;
                }
            }
            groups.push(group);
        }
        (groups, missing)
    }
}

impl GroupRows {
    fn add_block(&mut self, cidr: &Cidr, m: Match, row: RowIx) {
        if let Some(net) = u32::of(cidr.network()) {
            self.v4.push(SgRow {
                peer: PeerMatch::Block { net, mask: u32::mask(cidr.len()) },
                protocol: m.protocol,
                low: m.low,
                high: m.high,
                row,
            });
        } else if let Some(net) = u128::of(cidr.network()) {
            self.v6.push(SgRow {
                peer: PeerMatch::Block { net, mask: u128::mask(cidr.len()) },
                protocol: m.protocol,
                low: m.low,
                high: m.high,
                row,
            });
        }
        // CT-2: for everybody, on ports 0-65535.
        if cidr.is_all() {
            let all = m.protocol == ANY_PROTOCOL;
            let all_ports = m.low == 0 && m.high == u16::MAX;
            let open = &mut self.open[usize::from(!cidr.is_v4())];
            open.tcp |= all || (m.protocol == u16::from(Protocol::TCP.0) && all_ports);
            open.udp |= all || (m.protocol == u16::from(Protocol::UDP.0) && all_ports);
        }
    }
}

fn acl_row<A: Address>(block: &Cidr, m: Match, allow: bool, row: RowIx) -> Option<AclRow<A>> {
    let net = A::of(block.network())?;
    // ACL-7: an ICMPv6 row with an IPv4 block ignores types.
    let (low, high) = if m.protocol == u16::from(Protocol::ICMPV6.0) && block.is_v4() {
        (ANY_ICMP, ANY_ICMP)
    } else {
        (m.low, m.high)
    };
    Some(AclRow { net, mask: A::mask(block.len()), protocol: m.protocol, low, high, allow, row })
}

const fn side_word(dir: Dir) -> &'static str {
    match dir {
        Dir::In => "from",
        Dir::Out => "to",
    }
}

/// `tcp 443`, `icmp type 8 code any`, `all`.
fn match_text(
    protocol: Option<ProtocolMatch>,
    ports: Option<PortRange>,
    icmp_type: Option<i16>,
    icmp_code: Option<i16>,
) -> String {
    let any = |v: i16| if v < 0 { "any".to_owned() } else { v.to_string() };
    match protocol.unwrap_or(ProtocolMatch::All) {
        ProtocolMatch::All => "all".to_owned(),
        ProtocolMatch::One(p) if p.has_ports() => match ports.unwrap_or(PortRange::ALL) {
            PortRange::ALL => format!("{p} all ports"),
            ports => format!("{p} {ports}"),
        },
        ProtocolMatch::One(p) if p.is_icmp() => match (icmp_type, icmp_code) {
            (None | Some(-1), _) => p.to_string(),
            (Some(t), None | Some(-1)) => format!("{p} type {t}"),
            (Some(t), Some(c)) => format!("{p} type {} code {}", any(t), any(c)),
        },
        ProtocolMatch::One(p) if p.0 == 47 => "gre".to_owned(),
        ProtocolMatch::One(p) => format!("protocol {p}"),
    }
}
