//! Traffic mirroring (aws-core 11): which session of an interface copies a packet, and by which rule.

use super::packet::{Packet, TCP, UDP};
use super::topology::{Dice, cidr};
use super::world::Eni;
use super::{Dir, World};
use vpcsim_engine::base::port::{PortRange, ProtocolMatch};
use vpcsim_engine::base::{Cidr, Protocol};
use vpcsim_engine::spec::{
    Spanned, Spec, TrafficMirrorAction, TrafficMirrorFilter, TrafficMirrorNetworkService, TrafficMirrorRule,
    TrafficMirrorSession, TrafficMirrorTarget,
};

/// What copied a packet: the session, and the rule's number or the service's name.
pub type Mirrored = (String, String);

impl World<'_> {
    /// Sessions in ascending order; the first whose filter accepts has the packet, once.
    pub fn mirror(&mut self, eni: &Eni, dir: Dir, p: &Packet) {
        self.mirror_by(eni, |filter| first_rule(filter, dir, p));
    }

    /// Traffic of the resolver: by its name, whatever the rules say.
    pub fn mirror_dns(&mut self, eni: &Eni) {
        self.mirror_by(eni, |filter| (!filter.network_services.is_empty()).then(|| "amazon-dns".to_owned()));
    }

    fn mirror_by(&mut self, eni: &Eni, accepts: impl Fn(&TrafficMirrorFilter) -> Option<String>) {
        let of_eni = self.spec.traffic_mirror_sessions.iter().filter(|(_, s)| s.network_interface.value == eni.name);
        let mut sessions: Vec<_> = of_eni.collect();
        sessions.sort_by_key(|(_, session)| session.session_number.value);
        for (name, session) in sessions {
            if let Some(rule) = accepts(&self.spec.traffic_mirror_filters[session.filter.value.as_str()]) {
                self.mirrored.push((name.value.clone(), rule));
                return;
            }
        }
    }
}

fn first_rule(filter: &TrafficMirrorFilter, dir: Dir, p: &Packet) -> Option<String> {
    let mut rules = if dir == Dir::In { filter.ingress.clone() } else { filter.egress.clone() };
    rules.sort_by_key(|rule| rule.rule.value);
    for rule in rules {
        let protocol = match rule.protocol {
            None | Some(ProtocolMatch::All) => true,
            Some(ProtocolMatch::One(wanted)) => wanted.0 == p.protocol,
        };
        let fits = |ports: Option<PortRange>, port: u16| ports.is_none_or(|r| r.from <= port && port <= r.to);
        let ports = !matches!(p.protocol, TCP | UDP)
            || (fits(rule.source_ports, p.sport) && fits(rule.destination_ports, p.dport));
        if protocol && ports && rule.from.contains(p.src) && rule.to.contains(p.dst) {
            return (rule.action == TrafficMirrorAction::Accept).then(|| rule.rule.to_string());
        }
    }
    None
}

/// Sessions for some interfaces of a topology.
pub fn random_mirrors(spec: &mut Spec, dice: &mut Dice) {
    // Of one Region: a session does not cross to another.
    let region = |vpc: &str| spec.vpcs[vpc].region.as_ref().map(|region| region.value.clone());
    let mut enis: Vec<String> = Vec::new();
    let mut first = None;
    for eni in &World::new(spec).enis {
        let same = region(&eni.vpc) == *first.get_or_insert_with(|| region(&eni.vpc));
        if same && !eni.managed && eni.v4.is_some() && eni.instance.is_some() {
            enis.push(eni.name.clone());
        }
    }
    if enis.len() < 2 {
        return;
    }
    let target = enis.swap_remove(dice.below(enis.len()));
    let to = TrafficMirrorTarget { network_interface: Some(target.as_str().into()), ..TrafficMirrorTarget::default() };
    spec.traffic_mirror_targets.insert("mirror-target".into(), to);
    let filters = dice.between(1, 4);
    for n in 0..filters {
        let filter = TrafficMirrorFilter {
            ingress: rules(dice),
            egress: rules(dice),
            network_services: if dice.chance(30) {
                vec![TrafficMirrorNetworkService::AmazonDns.into()]
            } else {
                Vec::new()
            },
            ..TrafficMirrorFilter::default()
        };
        spec.traffic_mirror_filters.insert(format!("mirror-filter-{n}").as_str().into(), filter);
    }
    for eni in &enis {
        if !dice.chance(70) {
            continue;
        }
        let mut number = 0;
        for n in 0..dice.between(1, 3) {
            // In an order that is not that of the names.
            number += dice.between(1, 9) as u32;
            let session = TrafficMirrorSession {
                network_interface: eni.as_str().into(),
                target: "mirror-target".into(),
                filter: format!("mirror-filter-{}", dice.below(filters)).as_str().into(),
                session_number: (100 - number).into(),
                packet_length: None,
                virtual_network_id: None,
                account: None,
                description: None,
                name_tag: None,
            };
            spec.traffic_mirror_sessions.insert(format!("mirror-{eni}-{n}").as_str().into(), session);
        }
    }
}

fn rules(dice: &mut Dice) -> Vec<Spanned<TrafficMirrorRule>> {
    let mut out: Vec<Spanned<TrafficMirrorRule>> = Vec::new();
    for _ in 0..dice.between(0, 4) {
        let number = dice.between(1, 400) as u32;
        if out.iter().any(|rule| rule.rule.value == number) {
            continue;
        }
        let v6 = dice.chance(25);
        let block = |dice: &mut Dice| match (v6, dice.below(4)) {
            (true, 0) => cidr("2600:1f18::/32"),
            (true, _) => Cidr::ALL_V6,
            (false, 0) => cidr("10.0.0.0/12"),
            (false, 1) => cidr("10.0.0.0/23"),
            (false, _) => Cidr::ALL_V4,
        };
        let (from, to) = (block(dice), block(dice));
        let protocol = dice.pick(&[None, Some(6), Some(6), Some(17), Some(1), Some(58), Some(47)]);
        let has_ports = matches!(protocol, Some(6 | 17));
        let ports = |dice: &mut Dice| {
            let range = |from, to| Some(PortRange { from, to });
            let picked = dice.pick(&[None, range(443, 443), range(22, 80), range(1024, 65535), range(53, 53)]);
            picked.filter(|_| has_ports)
        };
        let (source_ports, destination_ports) = (ports(dice), ports(dice));
        let rule = TrafficMirrorRule {
            rule: number.into(),
            action: dice.pick(&[TrafficMirrorAction::Accept, TrafficMirrorAction::Accept, TrafficMirrorAction::Reject]),
            protocol: protocol.map(|p| ProtocolMatch::One(Protocol(p))),
            from: from.into(),
            to: to.into(),
            source_ports,
            destination_ports,
            description: None,
        };
        out.push(rule.into());
    }
    out
}
