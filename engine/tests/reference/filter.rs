//! Security groups (aws-core 4) and network ACLs (aws-core 5).

use super::packet::{ICMP, ICMPV6, Packet, TCP, UDP};
use super::world::Eni;
use super::{Dir, RefRow, World};
use std::net::IpAddr;
use vpcsim_engine::base::PortRange;
use vpcsim_engine::base::port::ProtocolMatch;
use vpcsim_engine::spec::{AclAction, AclRule, Peer, SgRule};

/// The part of a rule that groups and ACLs share: protocol, ports, ICMP type and code.
fn kind_matches(
    protocol: Option<ProtocolMatch>,
    ports: Option<PortRange>,
    icmp_type: Option<i16>,
    icmp_code: Option<i16>,
    p: &Packet,
) -> bool {
    let Some(ProtocolMatch::One(wanted)) = protocol else { return true };
    if wanted.0 != p.protocol {
        return false;
    }
    match p.protocol {
        // The port of a rule is the destination port.
        TCP | UDP => ports.is_none_or(|r| r.from <= p.dport && p.dport <= r.to),
        ICMP | ICMPV6 => {
            let any = |wanted: Option<i16>| wanted.is_none_or(|n| n == -1);
            let type_fits = any(icmp_type) || icmp_type == Some(i16::from(p.icmp_type));
            type_fits && (any(icmp_code) || icmp_code == Some(0))
        }
        _ => true,
    }
}

impl World<'_> {
    /// Is it part of a connection that this interface's groups know, or does a rule allow it?
    pub fn groups_allow(&mut self, eni: &Eni, dir: Dir, p: &Packet) -> Result<(), RefRow> {
        if self.known(eni, dir, p) {
            return Ok(());
        }
        // aws-core 3.3: an interface that AWS manages may have no group, and then nothing filters there.
        if eni.managed && eni.groups.is_empty() {
            return Ok(());
        }
        for group in &eni.groups {
            let Some(body) = self.spec.security_groups.get(group.as_str()) else { continue };
            let rules: Vec<SgRule> = match (dir, &body.inbound, &body.outbound) {
                (Dir::In, Some(rules), _) | (Dir::Out, _, Some(rules)) => {
                    rules.iter().map(|r| r.value.clone()).collect()
                }
                // A group starts with everything allowed out; the default group lets its members in.
                (Dir::Out, _, None) => vec![everything(None)],
                (Dir::In, None, _) if body.default => vec![everything(Some(Peer::Name(group.clone())))],
                (Dir::In, None, _) => Vec::new(),
            };
            for rule in rules {
                if kind_matches(rule.protocol, rule.ports, rule.icmp_type, rule.icmp_code, p)
                    && self.peer_matches(eni, dir, &rule, p)
                {
                    // A TCP packet in the middle of something passes by its rule alone (`tracking_picks_up_mid_stream`).
                    if p.protocol != TCP || !p.answer {
                        self.tracked.push((eni.name.clone(), dir, p.clone()));
                    }
                    return Ok(());
                }
            }
        }
        Err(RefRow::new("SgLast", &eni.name).facing(dir).named("default"))
    }

    /// Of a connection that a rule allowed before: the same way again, or an answer the other way.
    fn known(&self, eni: &Eni, dir: Dir, p: &Packet) -> bool {
        let here = self.tracked.iter().filter(|(at, ..)| *at == eni.name);
        here.into_iter().any(|(_, way, first)| if *way == dir { p.follows(first) } else { p.answers(first) })
    }

    fn peer_matches(&self, eni: &Eni, dir: Dir, rule: &SgRule, p: &Packet) -> bool {
        let (peer, other): (_, IpAddr) = match dir {
            Dir::In => (&rule.from, p.src),
            Dir::Out => (&rule.to, p.dst),
        };
        match peer.as_ref().map(|p| &p.value) {
            None => true,
            Some(Peer::Cidr(block)) => block.contains(other),
            Some(Peer::Name(name)) => match self.spec.prefix_lists.get(name.as_str()) {
                Some(list) => list.entries.iter().any(|c| c.contains(other)),
                None => self.reference_matches(eni, dir, name, p),
            },
        }
    }

    /// aws-core 5: ascending row numbers, the first match decides, `*` denies.
    pub fn acl_allows(&self, subnet: &str, dir: Dir, p: &Packet) -> Result<(), RefRow> {
        let body = &self.spec.subnets[subnet];
        let named = body.network_acl.as_ref().map(|a| a.value.clone());
        let of_vpc = || {
            let mut all = self.spec.network_acls.iter();
            all.find(|(_, a)| a.default && a.vpc.value == body.vpc.value).map(|(name, _)| name.value.clone())
        };
        // A VPC's default ACL that nobody wrote allows everything.
        let Some(name) = named.or_else(of_vpc) else { return Ok(()) };
        let acl = &self.spec.network_acls[name.as_str()];
        let rows = if dir == Dir::In { &acl.inbound } else { &acl.outbound };
        let mut rows: Vec<AclRule> = match rows {
            Some(rows) => rows.iter().map(|r| r.value.clone()).collect(),
            None if acl.default => return Ok(()),
            None => Vec::new(),
        };
        rows.sort_by_key(|r| r.rule.value);
        let other = if dir == Dir::In { p.src } else { p.dst };
        for row in rows {
            let block = if dir == Dir::In { &row.from } else { &row.to };
            if block.as_ref().is_none_or(|b| b.contains(other))
                && kind_matches(row.protocol, row.ports, row.icmp_type, row.icmp_code, p)
            {
                return match row.action {
                    AclAction::Allow => Ok(()),
                    AclAction::Deny => {
                        Err(RefRow::new("AclRule", &name).facing(dir).named(&row.rule.value.to_string()))
                    }
                };
            }
        }
        Err(RefRow::new("AclLast", &name).facing(dir).named("*"))
    }
}

fn everything(from: Option<Peer>) -> SgRule {
    SgRule {
        protocol: None,
        ports: None,
        icmp_type: None,
        icmp_code: None,
        from: from.map(Into::into),
        to: None,
        id: None,
        description: None,
    }
}
