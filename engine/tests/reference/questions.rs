//! Random questions about a topology, and the engine's answer in the reference's words.

use super::managed::Role;
use super::topology::{Dice, HOSTS_V4, HOSTS_V6};
use super::{Answers, Outcome, RefAnswer, RefQuestion, RefRow, Sender, World};
use std::net::IpAddr;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{self, Explanation, Origin, Part, Question};
use vpcsim_engine::spec::Spec;
use vpcsim_engine::verdict::{RowIx, RowKind};

/// Every source port: inside every system's ephemeral range.
pub const SRC_PORT: u16 = 50_000;

pub fn random_question(world: &World<'_>, dice: &mut Dice) -> Option<RefQuestion> {
    let v6 = dice.chance(35);
    let sender = dice.pick(&world.enis);
    let own = |e: &super::world::Eni| -> Vec<IpAddr> {
        let prefix = e.prefixes.iter().filter_map(|p| p.nth(3));
        e.addresses.iter().copied().chain(prefix).filter(|a| a.is_ipv6() == v6).collect()
    };
    let from_internet = dice.chance(22);
    let (from, src) = if from_internet {
        let hosts: &[&str] = if v6 { &HOSTS_V6 } else { &HOSTS_V4 };
        (Sender::Internet, dice.pick(hosts).parse().expect("an address"))
    } else {
        let own = own(&sender);
        if own.is_empty() || sender.instance.is_none() {
            return None;
        }
        (Sender::Eni(sender.name.clone()), dice.pick(&own))
    };
    let to = target(world, dice, v6, from_internet, &sender.vpc)?;
    if to.is_ipv6() != v6 {
        return None;
    }
    let (protocol, dst_port) = protocol_and_port(dice, v6);
    Some(RefQuestion { from, src, to, protocol, src_port: SRC_PORT, dst_port })
}

fn protocol_and_port(dice: &mut Dice, v6: bool) -> (u8, u16) {
    let protocol = match dice.below(20) {
        0..=9 => 6,
        10..=13 => 17,
        14..=17 => {
            if v6 {
                58
            } else {
                1
            }
        }
        18 => 47,
        _ => 50,
    };
    let dst_port = dice.pick(&[22, 22, 80, 443, 443, 53, 8080]);
    (protocol, if protocol == 17 { dice.pick(&[53, 53, 443]) } else { dst_port })
}

/// A question that most often leaves its VPC by something other than the internet.
pub fn question_between(world: &World<'_>, dice: &mut Dice) -> Option<RefQuestion> {
    if dice.chance(25) {
        return random_question(world, dice);
    }
    let v6 = dice.chance(15);
    let senders: Vec<_> = world.enis.iter().filter(|e| e.instance.is_some()).cloned().collect();
    let sender = dice.pick(&senders);
    let own: Vec<IpAddr> = sender.addresses.iter().copied().filter(|a| a.is_ipv6() == v6).collect();
    let src = *own.first()?;
    let some = |wanted: &dyn Fn(&super::world::Eni) -> bool, dice: &mut Dice| {
        let all = world.enis.iter().filter(|e| wanted(e)).flat_map(|e| &e.addresses);
        let all: Vec<IpAddr> = all.copied().filter(|a| a.is_ipv6() == v6).collect();
        (!all.is_empty()).then(|| dice.pick(&all))
    };
    // Most often of a VPC that something connects with the sender's.
    let near = dice.chance(80);
    let far = |e: &super::world::Eni| e.vpc != sender.vpc && (!near || world.connected(&sender.vpc, &e.vpc));
    let to = match dice.below(100) {
        0..=54 => some(&|e| far(e) && e.instance.is_some(), dice),
        55..=64 => some(&|e| !far(e) && matches!(e.role, Role::Endpoint(_)), dice),
        65..=69 => some(&|e| far(e) && matches!(e.role, Role::Endpoint(_)), dice),
        70..=72 => some(&|e| matches!(e.role, Role::Node(_)), dice),
        73..=75 => some(&|e| matches!(e.role, Role::Attachment(_)), dice),
        76..=87 => dice.pick(&["52.216.1.1", "52.216.5.5", "52.94.0.9", "52.216.1.1"]).parse().ok(),
        88..=90 => dice.pick(&["10.200.0.5", "10.3.9.9"]).parse().ok(),
        91..=94 => dice.pick(&HOSTS_V4).parse().ok(),
        95..=97 if !world.nats.is_empty() => dice.pick(&world.nats).privates.first().copied(),
        _ => {
            let subnets: Vec<_> = world.spec.subnets.values().filter_map(|s| s.cidr.as_ref()).collect();
            (!subnets.is_empty()).then(|| dice.pick(&subnets)).and_then(|c| c.nth(dice.pick(&[2, 5, 250])))
        }
    };
    let to = to.filter(|to| to.is_ipv6() == v6)?;
    let (protocol, dst_port) = protocol_and_port(dice, v6);
    let from = Sender::Eni(sender.name);
    Some(RefQuestion { from, src, to, protocol, src_port: SRC_PORT, dst_port })
}

fn target(world: &World<'_>, dice: &mut Dice, v6: bool, internet: bool, vpc: &str) -> Option<IpAddr> {
    let near: Vec<_> = world.enis.iter().filter(|e| e.vpc == vpc).cloned().collect();
    let eni = if dice.chance(85) { dice.pick(&near) } else { dice.pick(&world.enis) };
    let publics: Vec<IpAddr> = eni.publics.iter().map(|(_, p)| *p).collect();
    let privates: Vec<IpAddr> = eni.addresses.iter().copied().filter(|a| a.is_ipv6() == v6).collect();
    let hosts: &[&str] = if v6 { &HOSTS_V6 } else { &HOSTS_V4 };
    let some = |all: &[IpAddr], dice: &mut Dice| (!all.is_empty()).then(|| dice.pick(all));
    let kind = dice.below(100);
    if internet {
        return match kind {
            0..=4 if !v6 => Some("203.0.113.250".parse().expect("an address")),
            5..=14 if !v6 && !world.nats.is_empty() => dice.pick(&world.nats).publics.first().map(|(_, p)| *p),
            _ if v6 => some(&privates, dice),
            _ => some(&publics, dice),
        };
    }
    match kind {
        0..=44 => some(&privates, dice),
        45..=59 if v6 => some(&privates, dice),
        45..=59 => some(&publics, dice),
        60..=82 => Some(dice.pick(hosts).parse().expect("an address")),
        83..=85 if !v6 => {
            Some(dice.pick(&["169.254.169.253", "169.254.169.254", "169.254.169.100"]).parse().expect("one"))
        }
        83..=90 if v6 => {
            let tail = dice.pick(&["192.0.2.80", "192.0.2.81", "8.8.8.8", "198.51.100.3"]);
            format!("64:ff9b::{tail}").parse().ok()
        }
        86..=90 if !world.nats.is_empty() => {
            let nat = dice.pick(&world.nats);
            let all: Vec<IpAddr> = nat.privates.iter().copied().chain(nat.publics.iter().map(|(_, p)| *p)).collect();
            some(&all, dice)
        }
        94 if !v6 => Some("100.64.1.1".parse().expect("an address")),
        91..=94 => eni.prefixes.first().and_then(|p| p.nth(5)).or_else(|| some(&privates, dice)),
        _ => {
            // Nobody's address, one of a subnet's reserved ones, or one outside every subnet.
            let subnets: Vec<_> = world.spec.subnets.values().collect();
            let subnet = dice.pick(&subnets);
            let block = if v6 { &subnet.ipv6_cidr } else { &subnet.cidr };
            let block = block.as_ref()?;
            if dice.chance(20) { Some(block.last()) } else { block.nth(dice.pick(&[1, 3, 5, 240, 251])) }
        }
    }
}

/// The question with the engine's handles.
pub fn to_engine(network: &Network, q: &RefQuestion) -> Question {
    let from = match &q.from {
        Sender::Internet => Origin::Internet { address: q.src },
        Sender::Eni(name) => {
            let found = network.names.enis.iter_enumerated().find(|(_, label)| label.id == *name);
            Origin::Eni { eni: found.expect("the same interfaces").0, address: q.src }
        }
    };
    Question { from, to: q.to, protocol: Protocol(q.protocol), src_port: Some(q.src_port), dst_port: q.dst_port }
}

/// The engine's answer, and the same in the reference's words.
pub fn ask_engine(network: &Network, q: &RefQuestion) -> (Explanation, Answers) {
    let explanation = explain::ask(network, &to_engine(network, q));
    let answers = answers_of(network, &explanation);
    (explanation, answers)
}

/// The set of answers that an explanation gives: one per combination of choices, if there are any.
fn answers_of(network: &Network, explanation: &Explanation) -> Answers {
    let only = answer_of(network, explanation.outcome, explanation.decided_by);
    let all = explanation.alternatives.iter().map(|a| answer_of(network, a.outcome, a.decided_by));
    let all: Answers = all.collect();
    if all.is_empty() { Answers::from([only]) } else { all }
}

fn answer_of(network: &Network, outcome: explain::Outcome, decided_by: Option<(Part, RowIx)>) -> RefAnswer {
    let outcome = match outcome {
        explain::Outcome::Open => Outcome::Open,
        explain::Outcome::Closed => Outcome::Closed,
        explain::Outcome::Reply => Outcome::Reply,
        explain::Outcome::NoReply => Outcome::NoReply,
        explain::Outcome::Unknown => Outcome::Unknown,
    };
    RefAnswer { outcome, decided_by: decided_by.map(|(part, row)| (part.word(), row_of(network, row))) }
}

pub fn row_of(network: &Network, row: RowIx) -> RefRow {
    let r = network.fabric.rows[row];
    let kind: &'static str = Box::leak(format!("{:?}", r.kind).into_boxed_str());
    use RowKind as K;
    let faces = matches!(r.kind, K::AclRule | K::AclLast | K::SgRule | K::SgLast | K::BlockPublicAccess);
    RefRow {
        kind,
        resource: network.names.row_resource_id(&network.fabric, row).to_owned(),
        dir: if faces { r.dir.word() } else { "" },
        name: network.names.row_name(&network.fabric, row).to_owned(),
    }
}

/// A question as a person replays it.
pub fn text(q: &RefQuestion) -> String {
    let from = match &q.from {
        Sender::Eni(name) => format!("{name} ({})", q.src),
        Sender::Internet => format!("internet host {}", q.src),
    };
    format!("{from}:{} -> {}:{} protocol {}", q.src_port, q.to, q.dst_port, q.protocol)
}

/// An answer in one line.
pub fn show(answer: &RefAnswer) -> String {
    match &answer.decided_by {
        None => answer.outcome.word().to_owned(),
        Some((part, row)) => {
            let parts = [answer.outcome.word(), part, row.kind, &row.resource, row.dir, &row.name];
            parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
        }
    }
}

pub fn show_all(answers: &Answers) -> String {
    answers.iter().map(show).collect::<Vec<_>>().join(" | ")
}

pub fn compiled(spec: &Spec) -> Network {
    let (network, diagnostics) = vpcsim_engine::compile::compile(spec);
    match network {
        Some(network) => network,
        None => panic!("not valid: {diagnostics:#?}\n{}", vpcsim_engine::spec::write::to_yaml(spec)),
    }
}
