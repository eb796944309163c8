//! From what a person writes to sets of ends, and from a way of grouping to groups.
//!
//! A name is an instance, a network interface, a security group, a subnet, a VPC or a described host, by id or `Name` tag;
//! `sg:web` says which kind is meant. Everything of that tag is meant, if several have it. `tag:env=prod` are the interfaces
//! with that tag: their own, else their instance's, their subnet's, or their VPC's. Further: an address, a block,
//! `internet`, `aws` (AWS's services), `all` (every interface and described host).

use super::group::AWS;
use crate::base::Cidr;
use crate::base::ids::{EniIx, InetIx};
use crate::compile::{ANY_HOST, Network};
use crate::diag::nearest;
use crate::names::Label;
use crate::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Kinds of resources that a name may stand for, as written before a colon.
pub const KINDS: [&str; 6] = ["instance", "eni", "sg", "subnet", "vpc", "host"];
/// Every interface and described host.
pub(super) const ALL: &str = "all";

/// Ends that were asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// Interfaces.
    pub enis: BTreeSet<EniIx>,
    /// Described hosts.
    pub hosts: BTreeSet<InetIx>,
    /// The whole internet; as a receiver without AWS's services.
    pub internet: bool,
    /// AWS's services.
    pub aws: bool,
    /// Blocks: what is in them on the internet.
    pub blocks: Vec<Cidr>,
}

/// What was written, and what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// As it was written.
    pub text: String,
    /// The ends.
    pub ends: Ends,
}

/// Why a text stands for nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SelectionError {
    /// No such name; the nearest one, if there is one.
    Unknown(String, Option<String>),
    /// A name of several kinds of resources.
    Ambiguous(String, Vec<&'static str>),
    /// It is there, and has no interface that conversations begin or end at.
    Empty(String),
    /// `tag:` without a key and a value.
    BadTag(String),
}

impl std::fmt::Display for SelectionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name, Some(near)) => {
                write!(f, "there is no `{name}` in this network; did you mean `{near}`?")
            }
            Self::Unknown(name, None) => write!(
                f,
                "there is no `{name}` in this network; name an instance, an interface, a group, a subnet, a VPC, a host, \
                 `tag:KEY=VALUE`, an address, a block, `internet`, `aws` or `all`"
            ),
            Self::Ambiguous(name, kinds) => {
                let forms: Vec<String> = kinds.iter().map(|kind| format!("`{kind}:{name}`")).collect();
                write!(f, "`{name}` names resources of several kinds; write {}", forms.join(" or "))
            }
            Self::Empty(name) => write!(f, "`{name}` has no interface that anything is sent from or to"),
            Self::BadTag(text) => write!(f, "`{text}` is not a tag; write `tag:KEY=VALUE`"),
        }
    }
}

/// What a text stands for.
///
/// # Errors
/// If it names nothing, several kinds of things, or something without interfaces.
pub fn select(spec: &Spec, network: &Network, text: &str) -> Result<Selection, SelectionError> {
    let ends = ends(spec, network, text)?;
    let empty = ends.enis.is_empty() && ends.hosts.is_empty() && !ends.internet && !ends.aws && ends.blocks.is_empty();
    if empty { Err(SelectionError::Empty(text.to_owned())) } else { Ok(Selection { text: text.to_owned(), ends }) }
}

fn ends(spec: &Spec, network: &Network, text: &str) -> Result<Ends, SelectionError> {
    let fabric = &network.fabric;
    if text == ANY_HOST.0 {
        return Ok(Ends { internet: true, ..Ends::default() });
    }
    if text == AWS {
        return Ok(Ends { aws: true, ..Ends::default() });
    }
    if text == ALL {
        let hosts = network.names.internet_hosts.iter_enumerated();
        let hosts =
            hosts.filter(|(host, l)| l.id != ANY_HOST.0 && (l.span.is_some() || fabric.vantage_of(*host).is_some()));
        return Ok(Ends {
            enis: fabric.enis.indices().filter(|eni| receives(network, *eni)).collect(),
            hosts: hosts.map(|(host, _)| host).collect(),
            ..Ends::default()
        });
    }
    if let Some(tag) = text.strip_prefix("tag:") {
        let (key, value) = tag.split_once('=').ok_or_else(|| SelectionError::BadTag(text.to_owned()))?;
        return tagged(spec, network, text, key, value);
    }
    let block = text.parse::<Cidr>().ok().or_else(|| {
        let address: IpAddr = text.parse().ok()?;
        Cidr::new(address, if address.is_ipv4() { 32 } else { 128 })
    });
    if let Some(block) = block {
        let addresses = fabric.vpcs.iter().flat_map(|vpc| vpc.addresses.iter());
        let enis = addresses.filter(|(address, _)| block.contains(**address)).map(|(_, eni)| *eni);
        let public =
            fabric.vpcs.iter().flat_map(|vpc| vpc.public.iter().map(move |(private, public)| (vpc, private, public)));
        let public = public.filter(|(_, _, public)| block.contains(IpAddr::V4(**public)));
        let enis = enis.chain(public.filter_map(|(vpc, private, _)| vpc.eni_with(IpAddr::V4(*private))));
        let hosts = fabric.internet_hosts.iter_enumerated();
        let hosts = hosts.filter(|(host, h)| {
            network.names.internet_hosts[*host].id != ANY_HOST.0 && h.addresses.iter().any(|a| block.contains(*a))
        });
        return Ok(Ends {
            enis: enis.filter(|eni| receives(network, *eni)).collect(),
            hosts: hosts.map(|(host, _)| host).collect(),
            blocks: vec![block],
            ..Ends::default()
        });
    }
    named(network, text)
}

/// True for interfaces that conversations begin or end at.
fn receives(network: &Network, eni: EniIx) -> bool {
    use crate::fabric::EniKind;
    matches!(network.fabric.enis[eni].kind, EniKind::Guest(_) | EniKind::Vpce(_) | EniKind::NotModelled(_))
}

fn named(network: &Network, text: &str) -> Result<Ends, SelectionError> {
    let (fabric, names) = (&network.fabric, &network.names);
    let (kind, name) = match text.split_once(':') {
        Some((kind, name)) if KINDS.contains(&kind) => (Some(kind), name),
        _ => (None, text),
    };
    let is = |label: &Label| label.id == name || label.tag.as_deref() == Some(name);
    let enis = |of: &dyn Fn(EniIx) -> bool| -> BTreeSet<EniIx> {
        fabric.enis.indices().filter(|eni| receives(network, *eni) && of(*eni)).collect()
    };
    let mut found: Vec<(&'static str, Ends)> = Vec::new();
    let mut add = |kind: &'static str, there: bool, ends: Ends| {
        if there {
            found.push((kind, ends));
        }
    };
    let wanted = |k: &str| kind.is_none_or(|kind| kind == k);
    let only = |enis: BTreeSet<EniIx>| Ends { enis, ..Ends::default() };
    if wanted("instance") {
        let of = |eni| fabric.enis[eni].guest().is_some_and(|guest| is(&names.guests[guest]));
        add("instance", names.guests.iter().any(is), only(enis(&of)));
    }
    if wanted("eni") {
        // An instance's interface has the instance's name, unless it was written apart.
        let instance = kind.is_none() && names.guests.iter().any(is);
        add("eni", !instance && names.enis.iter().any(is), only(enis(&|eni| is(&names.enis[eni]))));
    }
    if wanted("sg") {
        let of = |eni: EniIx| fabric.sg_sets[fabric.enis[eni].sg_set].groups.iter().any(|sg| is(&names.sgs[*sg]));
        add("sg", names.sgs.iter().any(is), only(enis(&of)));
    }
    if wanted("subnet") {
        let of = |eni: EniIx| is(&names.subnets[fabric.enis[eni].subnet]);
        add("subnet", names.subnets.iter().any(is), only(enis(&of)));
    }
    if wanted("vpc") {
        add("vpc", names.vpcs.iter().any(is), only(enis(&|eni| is(&names.vpcs[fabric.enis[eni].vpc]))));
    }
    if wanted("host") {
        let hosts: BTreeSet<InetIx> =
            names.internet_hosts.iter_enumerated().filter(|(_, label)| is(label)).map(|(host, _)| host).collect();
        add("host", !hosts.is_empty(), Ends { hosts, ..Ends::default() });
    }
    match found.len() {
        1 => Ok(found.remove(0).1),
        0 => {
            let labels = names.guests.iter().chain(names.enis.iter()).chain(names.sgs.iter());
            let labels = labels.chain(names.subnets.iter()).chain(names.vpcs.iter()).chain(names.internet_hosts.iter());
            let known = labels.flat_map(|label| [Some(label.id.as_str()), label.tag.as_deref()]).flatten();
            let near = nearest(name, known.chain([ANY_HOST.0, AWS, ALL])).map(str::to_owned);
            Err(SelectionError::Unknown(name.to_owned(), near))
        }
        _ => Err(SelectionError::Ambiguous(name.to_owned(), found.into_iter().map(|(kind, _)| kind).collect())),
    }
}

fn tagged(spec: &Spec, network: &Network, text: &str, key: &str, value: &str) -> Result<Ends, SelectionError> {
    let tags = tags(spec, network, key);
    let enis: BTreeSet<EniIx> = tags.iter().filter(|(_, v)| v.as_str() == value).map(|(eni, _)| *eni).collect();
    if enis.is_empty() {
        let known: BTreeSet<&str> = tags.values().map(String::as_str).collect();
        let near = nearest(value, known).map(|near| format!("tag:{key}={near}"));
        return Err(SelectionError::Unknown(text.to_owned(), near));
    }
    Ok(Ends { enis, ..Ends::default() })
}

/// The value of a tag's key, of every interface that has it: its own, its instance's, its subnet's, its VPC's.
pub(super) fn tags(spec: &Spec, network: &Network, key: &str) -> BTreeMap<EniIx, String> {
    let (fabric, names) = (&network.fabric, &network.names);
    let of = |tags: Option<&crate::spec::Tags>, name: Option<&String>| {
        let own = tags.and_then(|tags| tags.get(key)).map(str::to_owned);
        own.or_else(|| name.filter(|_| key == "Name").cloned())
    };
    let value = |eni: EniIx| {
        let e = &fabric.enis[eni];
        let own = spec.network_interfaces.get(names.enis[eni].id.as_str());
        let instance = e.guest().and_then(|guest| spec.instances.get(names.guests[guest].id.as_str()));
        let subnet = spec.subnets.get(names.subnets[e.subnet].id.as_str());
        let vpc = spec.vpcs.get(names.vpcs[e.vpc].id.as_str());
        of(own.map(|x| &x.tags), own.and_then(|x| x.name_tag.as_ref()))
            .or_else(|| of(instance.map(|x| &x.tags), instance.and_then(|x| x.name_tag.as_ref())))
            .or_else(|| of(subnet.map(|x| &x.tags), None))
            .or_else(|| of(vpc.map(|x| &x.tags), None))
    };
    let enis = fabric.enis.indices().filter(|eni| receives(network, *eni));
    enis.filter_map(|eni| Some((eni, value(eni)?))).collect()
}
