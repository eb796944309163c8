//! From ends and a way of grouping to groups.

use super::matrix::{Group, members};
use super::party::{Parties, Party};
use super::select::{Ends, tags};
use crate::analyse::borders::Part;
use crate::base::Cidr;
use crate::base::ids::EniIx;
use crate::compile::ANY_HOST;
use crate::spec::Spec;
use std::collections::BTreeMap;

/// How ends are grouped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupBy {
    /// Every security group; an interface of several is in each of them.
    Sg,
    /// Every subnet.
    Subnet,
    /// Every VPC.
    Vpc,
    /// Every value of a tag.
    Tag(String),
    /// Ends that no row can tell apart.
    Class,
    /// Every end by itself.
    End,
}

/// Which side of a matrix a group is on. AWS's services are a part of the internet that packets come from; as receivers they
/// are apart, for they answer what they serve only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// It sends.
    Sends,
    /// It receives.
    Receives,
}

/// What AWS's services are called.
pub const AWS: &str = "aws";

/// The groups of these ends, by name; hosts are groups of their own, and so are the internet and AWS's services.
#[must_use]
pub fn groups(spec: &Spec, parties: &Parties<'_>, ends: &Ends, by: &GroupBy, side: Side) -> Vec<Group> {
    let network = parties.network;
    let (fabric, names) = (&network.fabric, &network.names);
    let tags = match by {
        GroupBy::Tag(key) => tags(spec, network, key),
        _ => BTreeMap::new(),
    };
    let mut groups: BTreeMap<(usize, String), BTreeMap<usize, Vec<EniIx>>> = BTreeMap::new();
    for eni in &ends.enis {
        let Some(party) = parties.of_eni(*eni) else { continue };
        let e = &fabric.enis[*eni];
        let keys: Vec<(usize, String)> = match by {
            GroupBy::Sg => {
                let of = &fabric.sg_sets[e.sg_set].groups;
                of.iter().map(|sg| (sg.0 as usize, names.sgs[*sg].short().to_owned())).collect()
            }
            GroupBy::Subnet => vec![(e.subnet.0 as usize, names.subnets[e.subnet].short().to_owned())],
            GroupBy::Vpc => vec![(e.vpc.0 as usize, names.vpcs[e.vpc].short().to_owned())],
            GroupBy::Tag(key) => vec![(0, tags.get(eni).cloned().unwrap_or_else(|| format!("(no {key})")))],
            GroupBy::Class => vec![(party, String::new())],
            GroupBy::End => vec![(eni.0 as usize, names.eni_text(fabric, *eni))],
        };
        let keys = if keys.is_empty() { vec![(usize::MAX, "(no group)".to_owned())] } else { keys };
        for key in keys {
            groups.entry(key).or_default().entry(party).or_default().push(*eni);
        }
    }
    let mut out: Vec<Group> = Vec::new();
    for ((n, name), parts) in groups {
        let name = match by {
            GroupBy::Class => parties.text(&Party::Enis(parts[&n].clone())),
            _ => name,
        };
        out.push(Group { name, parts: parts.into_iter().collect() });
    }
    if matches!(by, GroupBy::Sg | GroupBy::Subnet | GroupBy::Vpc) {
        out.sort_by(|a, b| a.name.cmp(&b.name));
    }
    distinct(&mut out);
    let single = |n: usize| Group { name: parties.text(&parties.list[n]), parts: vec![(n, Vec::new())] };
    let mut internet = Group { name: ANY_HOST.0.to_owned(), parts: Vec::new() };
    let mut aws = Group { name: AWS.to_owned(), parts: Vec::new() };
    for (n, party) in parties.list.iter().enumerate() {
        match party {
            Party::Host(host) if ends.hosts.contains(host) => out.push(single(n)),
            Party::Internet { service: true, .. } if side == Side::Receives && (ends.aws || ends.internet) => {
                aws.parts.push((n, Vec::new()));
            }
            Party::Internet { .. } if ends.internet => internet.parts.push((n, Vec::new())),
            Party::Internet { part, .. } if inside(ends, part) => out.push(single(n)),
            _ => {}
        }
    }
    out.extend([internet, aws].into_iter().filter(|group| !group.is_empty()));
    out
}

/// Groups of one name are told apart by their first member.
fn distinct(groups: &mut [Group]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        let n = seen.entry(group.name.clone()).or_default();
        *n += 1;
        if *n > 1 {
            group.name = format!("{} ({n})", group.name);
        }
    }
}

/// True if one of the blocks that are asked for holds all of these.
fn inside(ends: &Ends, part: &Part) -> bool {
    let holds =
        |block: &Cidr| part.stretches.iter().all(|(first, last)| block.contains(*first) && block.contains(*last));
    ends.blocks.iter().any(holds)
}

/// All of these ends as one group.
#[must_use]
pub fn resolve(parties: &Parties<'_>, ends: &Ends, side: Side) -> Group {
    let mut parts: Vec<(usize, Vec<EniIx>)> = Vec::new();
    for (n, party) in parties.list.iter().enumerate() {
        let part = match party {
            Party::Enis(_) => {
                let own: Vec<EniIx> = members(party).into_iter().filter(|eni| ends.enis.contains(eni)).collect();
                Some(own).filter(|own| !own.is_empty())
            }
            Party::Host(host) => ends.hosts.contains(host).then(Vec::new),
            Party::Internet { part, service } => {
                let named = if *service && side == Side::Receives { ends.aws } else { ends.internet };
                (named || inside(ends, part)).then(Vec::new)
            }
        };
        parts.extend(part.map(|own| (n, own)));
    }
    Group { name: String::new(), parts }
}
