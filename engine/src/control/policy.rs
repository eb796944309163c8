//! What a session lets out and lets in, and why not.
//!
//! [`export`] makes of a table's best route what the other end is told; [`import`] makes of what was told the route
//! that the learner holds. Between them stands the wire: neither looks at the other's policy.
//!
//! Modelled: filters, prepending, MED, communities (`NO_EXPORT`, `NO_ADVERTISE`, Direct Connect's preferences),
//! routes originated for one neighbour, accept lists, local preference, the loop check, split horizon inside a
//! system and towards the table that told.
//! Not modelled: matching on communities or paths, removing private systems, `AS_PATH` rewriting, next hops.

use super::plan::{Plan, SessionIx, SessionKind};
use super::route::{AsPath, Attributes, Classes, Communities, LOCAL_PREFERENCE, Peer, Route, Via};
use crate::base::Cidr;

/// Local preference of [`Communities::PREFER_HIGH`] (BGP-8).
pub const DX_HIGH: u32 = 300;
/// Local preference of [`Communities::PREFER_MEDIUM`], and of no tag (BGP-8).
pub const DX_MEDIUM: u32 = 200;
/// No tag, and the location belongs to another Region than the VPC (BGP-9). That it is better than an explicit
/// "low" is assumed (BGP-10).
pub const DX_REMOTE: u32 = 150;
/// Local preference of [`Communities::PREFER_LOW`] (BGP-8).
pub const DX_LOW: u32 = 100;

/// Which prefixes may go out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Filter {
    /// Every prefix.
    #[default]
    All,
    /// Exactly these; an empty list is none.
    Exact(Vec<Cidr>),
    /// Those that equal an entry or lie inside one.
    Covered(Vec<Cidr>),
}

impl Filter {
    /// True if `to` may go out.
    #[must_use]
    pub fn allows(&self, to: &Cidr) -> bool {
        match self {
            Self::All => true,
            Self::Exact(list) => list.contains(to),
            Self::Covered(list) => list.iter().any(|entry| entry.covers(to)),
        }
    }
}

/// What a table tells over a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Which kinds of routes.
    pub classes: Classes,
    /// Which prefixes of these.
    pub filter: Filter,
    /// What is told whatever the table holds: a default route, the allowed prefixes of a transit gateway.
    pub originate: Vec<Cidr>,
    /// How many more times the table's own system is put into the path.
    pub prepend: u8,
    /// MED. Without, what the table originates keeps its own, and other systems' are not passed on.
    pub med: Option<u32>,
    /// Communities that are added.
    pub communities: Communities,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            classes: Classes::ALL,
            filter: Filter::All,
            originate: Vec::new(),
            prepend: 0,
            med: None,
            communities: Communities::none(),
        }
    }
}

/// An entry of an accept list: the block, and prefixes inside it of up to `le` bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accept {
    /// The block.
    pub block: Cidr,
    /// The longest prefix that still matches; the block's own length for the block alone.
    pub le: u8,
}

impl Accept {
    /// True if `to` matches.
    #[must_use]
    pub fn allows(&self, to: &Cidr) -> bool {
        self.block.covers(to) && to.len() <= self.le.max(self.block.len())
    }
}

/// Which local preference a learnt route gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preference {
    /// From another system the default, else what was told.
    #[default]
    Default,
    /// This one.
    Set(u32),
    /// As a Direct Connect community asks, else the default of the location (BGP-8, BGP-9).
    DirectConnect {
        /// The location belongs to another Region than the VPC.
        remote: bool,
    },
}

/// How far a Region is from the one that a Direct Connect location belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Distance {
    /// It is that Region.
    Region,
    /// It is on the same continent.
    Continent,
    /// It is elsewhere.
    World,
}

/// What a table makes of what it is told over a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Import {
    /// Prefixes that are accepted; without a list all.
    pub accept: Option<Vec<Accept>>,
    /// Local preference.
    pub preference: Preference,
    /// How often the table's own system may be in the path.
    pub allow_own_as: u8,
    /// Accept only what another system originated (BGP-21).
    pub foreign_only: bool,
    /// AWS's public network: accept only public prefixes, and only those whose scope reaches as far as this Region
    /// (BGP-28).
    pub public: Option<Distance>,
}

/// Why a prefix is not told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Withheld {
    /// The table has no route for it.
    NoRoute,
    /// The best route came from the table that would be told.
    CameFromThere,
    /// Learnt by iBGP, not told by iBGP (RFC 4271, 9.2: inside a system everybody speaks with everybody).
    Inside,
    /// The policy does not tell routes of this kind.
    Class,
    /// The policy does not tell this prefix.
    Filter,
    /// `NO_EXPORT` or `NO_ADVERTISE`.
    Community,
}

/// Why what was told is not taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Refused {
    /// The learner's own system is in the path: a loop (RFC 4271, 9.1.2), or a site with the same number (BGP-18).
    OwnAs,
    /// Not in the accept list.
    NotAccepted,
    /// Originated inside the system, and only others' routes are taken.
    NotForeign,
    /// Private addresses, told to AWS's public network (BGP-28).
    NotPublic,
    /// The announcement's scope does not reach this Region (BGP-28).
    Scope,
}

/// What the learner of `session` is told about `to`, if the teller's best route is `best`.
pub fn export(plan: &Plan, session: SessionIx, to: Cidr, best: Option<&Route>) -> Result<Attributes, Withheld> {
    let s = &plan.sessions[session];
    let policy = &s.export;
    let (mut told, own) = if policy.originate.contains(&to) {
        (Attributes::default(), true)
    } else {
        let route = best.ok_or(Withheld::NoRoute)?;
        withheld(plan, session, route).map_or(Ok(()), Err)?;
        (route.attributes.clone(), matches!(route.via, Via::Local(_)))
    };
    if s.kind == SessionKind::Ebgp {
        told.as_path = told.as_path.prepended(plan.tables[s.from].asn, 1 + usize::from(policy.prepend));
        // RFC 4271, 5.1.4: another system's MED stays here.
        told.med = if own { told.med } else { 0 };
        told.local_preference = LOCAL_PREFERENCE;
    }
    told.med = policy.med.unwrap_or(told.med);
    told.communities = told.communities.and(&policy.communities);
    Ok(told)
}

fn withheld(plan: &Plan, session: SessionIx, route: &Route) -> Option<Withheld> {
    let s = &plan.sessions[session];
    let has = |community| route.attributes.communities.has(community);
    let bgp = s.kind != SessionKind::Internal;
    if let Via::Peer(peer) = route.via {
        if peer.table == s.to {
            return Some(Withheld::CameFromThere);
        }
        if peer.kind == SessionKind::Ibgp && s.kind == SessionKind::Ibgp {
            return Some(Withheld::Inside);
        }
        // What a table tells is not bound by its own tags; what it was told is.
        let no_export = s.kind == SessionKind::Ebgp && has(Communities::NO_EXPORT);
        if no_export || bgp && has(Communities::NO_ADVERTISE) {
            return Some(Withheld::Community);
        }
    }
    if !s.export.classes.has(route.class) {
        return Some(Withheld::Class);
    }
    (!s.export.filter.allows(&route.to)).then_some(Withheld::Filter)
}

/// The route that the learner of `session` makes of what it was told about `to`.
pub fn import(plan: &Plan, session: SessionIx, to: Cidr, told: Attributes) -> Result<Route, Refused> {
    let s = &plan.sessions[session];
    let policy = &s.import;
    if told.as_path.count(plan.tables[s.to].asn) > usize::from(policy.allow_own_as) {
        return Err(Refused::OwnAs);
    }
    if policy.foreign_only && told.as_path.is_empty() {
        return Err(Refused::NotForeign);
    }
    if policy.accept.as_ref().is_some_and(|list| !list.iter().any(|entry| entry.allows(&to))) {
        return Err(Refused::NotAccepted);
    }
    let mut attributes = told;
    if let Some(distance) = policy.public {
        if !is_public(&to) {
            return Err(Refused::NotPublic);
        }
        if distance > scope(&attributes.communities) {
            return Err(Refused::Scope);
        }
        attributes = as_public(attributes);
    }
    attributes.local_preference = match policy.preference {
        Preference::Default if s.kind == SessionKind::Ebgp => LOCAL_PREFERENCE,
        Preference::Default => attributes.local_preference,
        Preference::Set(value) => value,
        Preference::DirectConnect { remote } => dx_preference(&attributes.communities, remote),
    };
    let from = &plan.tables[s.from];
    let peer = Peer { session, table: s.from, kind: s.kind, id: from.id, bundle: s.bundle };
    Ok(Route { to, via: Via::Peer(peer), class: s.class, attributes })
}

/// BGP-8, BGP-9. AWS says that a route has one of the tags; of several the highest counts (assumed, BGP-10).
fn dx_preference(communities: &Communities, remote: bool) -> u32 {
    if communities.has(Communities::PREFER_HIGH) {
        DX_HIGH
    } else if communities.has(Communities::PREFER_MEDIUM) {
        DX_MEDIUM
    } else if communities.has(Communities::PREFER_LOW) {
        DX_LOW
    } else if remote {
        DX_REMOTE
    } else {
        DX_MEDIUM
    }
}

/// Blocks that nobody owns on the internet (RFC 6890), but for those of documentation, as examples use them: private, shared, link-local, and what is no address of a host.
pub const NOT_PUBLIC: [&str; 10] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "fc00::/7",
    "fe80::/10",
];

/// True if a prefix is of public addresses only.
#[must_use]
pub fn is_public(to: &Cidr) -> bool {
    NOT_PUBLIC.iter().all(|block| !block.parse::<Cidr>().expect("a block").overlaps(to))
}

/// How far an announcement may go (BGP-28); of several scopes the narrowest counts (assumed, BGP-32).
fn scope(communities: &Communities) -> Distance {
    if communities.has(Communities::SCOPE_REGION) {
        Distance::Region
    } else if communities.has(Communities::SCOPE_CONTINENT) {
        Distance::Continent
    } else {
        Distance::World
    }
}

/// What AWS's public network makes of a customer's announcement: communities that it does not know are removed
/// (BGP-28), and a private system counts once, however often it is put before the path (BGP-31).
fn as_public(told: Attributes) -> Attributes {
    let known = [Communities::SCOPE_REGION, Communities::SCOPE_CONTINENT, Communities::SCOPE_GLOBAL];
    let communities = Communities::new(known.into_iter().filter(|community| told.communities.has(*community)));
    let private = |asn: &u32| matches!(*asn, 64_512..=65_534 | 4_200_000_000..=4_294_967_294);
    let mut path = told.as_path.as_slice().to_vec();
    path.dedup_by(|a, b| a == b && private(a));
    Attributes { communities, as_path: AsPath::from(path.as_slice()), ..told }
}
