//! Which of several routes for one prefix wins, in what order the others would follow, and which share its traffic.
//!
//! A decision is a list of steps. Each step keeps the routes that are best by it and drops the rest, as RFC 4271,
//! 9.1.2.2 does; so the answer does not depend on the order of the candidates. MED makes this worth saying: it is
//! compared only among routes of one neighbouring system, and comparing routes two by two then has no winner in
//! general (a beats b, b beats c, c beats a).
//!
//! The steps of a router are those that RFC 4271 and its vendors agree on (BGP-24).
//!
//! | step | router | virtual private gateway | transit gateway | Direct Connect gateway | AWS's public network |
//! |---|---|---|---|---|---|
//! | kind of route | LAN, static, others, floating | VPC, Direct Connect, VPN static, VPN (BGP-1) | TGW-11, BGP-7 | association, interface | AWS's, a customer's |
//! | local preference, higher | yes | yes (BGP-8) | | yes (BGP-8, BGP-9) | after the path (BGP-29) |
//! | its own | yes | | | | |
//! | `AS_PATH`, shorter | yes | yes (BGP-1) | yes (BGP-4) | yes (BGP-11) | yes (BGP-29) |
//! | origin | yes | | | | |
//! | MED, lower, in one first system | yes | yes (BGP-1) | yes (BGP-4) | yes (BGP-26) | |
//! | eBGP before iBGP | yes | | | | |
//! | *here equal routes may share* | option | Direct Connect (BGP-2, BGP-11) | BGP-5, BGP-6 | yes (BGP-11) | yes (BGP-29) |
//! | neighbour's id, lower | yes | | | | |
//! | first in order | assumed | assumed (BGP-3) | assumed (BGP-3) | assumed | assumed |
//!
//! Not modelled: the cost of the way to the next hop, the age of a route, weights, dampening.
//!
//! Invariants: total (a set of routes that is not empty has exactly one best), and the order of the input does not
//! matter; tested on random sets.

use super::plan::{Kind, SessionKind};
use super::route::{Class, Route, Via};
use std::collections::BTreeMap;

/// Two attachments of Direct Connect gateways share if prefix and path are the same (BGP-22, assumed).
pub const TGW_SHARES_DXGW: bool = true;

/// What a decision looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// There is no other route.
    Only,
    /// The kind of route.
    Class,
    /// Higher local preference.
    LocalPreference,
    /// The table's own before what it was told.
    Own,
    /// Shorter `AS_PATH`.
    PathLength,
    /// Better origin.
    Origin,
    /// Lower MED, among routes of one neighbouring system.
    Med,
    /// Learnt from another system.
    External,
    /// Lower router id of the neighbour.
    NeighbourId,
    /// First in the order of the table's own routes and sessions. AWS does not tell what it does (BGP-3).
    Order,
}

/// The candidates for one prefix after a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ranked {
    /// Best first. Those that share its traffic follow; then whoever would win if all before it were gone.
    pub routes: Vec<Route>,
    /// How many at the front carry traffic.
    pub share: usize,
    /// The step that the last rival of the best fell at; if others share, it only says who is named first.
    pub by: Step,
}

impl Ranked {
    /// The route that is used, and told to others.
    #[must_use]
    pub fn best(&self) -> &Route {
        &self.routes[0]
    }
    /// The routes that carry traffic.
    #[must_use]
    pub fn sharing(&self) -> &[Route] {
        &self.routes[..self.share]
    }
}

/// The steps that make one route better than another, and those that only make an end.
const fn steps(kind: Kind) -> (&'static [Step], &'static [Step]) {
    use Step::{Class, External, LocalPreference, Med, NeighbourId, Order, Origin, Own, PathLength};
    match kind {
        Kind::Router => (&[Class, LocalPreference, Own, PathLength, Origin, Med, External], &[NeighbourId, Order]),
        Kind::Vgw => (&[Class, LocalPreference, PathLength, Med], &[Order]),
        Kind::Tgw => (&[Class, PathLength, Med], &[Order]),
        Kind::Dxgw => (&[Class, LocalPreference, PathLength, Med], &[Order]),
        Kind::Public => (&[Class, PathLength, LocalPreference], &[Order]),
    }
}

/// Which kinds of routes go first: lower wins.
const fn class_rank(kind: Kind, class: Class) -> u8 {
    match (kind, class) {
        // What a router is connected to, what was written, what was learnt, what was written as a last resort.
        (Kind::Router, Class::Local) => 0,
        (Kind::Router, Class::Static) => 1,
        (Kind::Router, Class::Floating) => 3,
        (Kind::Router, _) => 2,
        // BGP-1.
        (Kind::Vgw, Class::Local) => 0,
        (Kind::Vgw, Class::DirectConnect | Class::SiteLink | Class::DirectConnectGateway) => 1,
        (Kind::Vgw, Class::VpnStatic | Class::Static) => 2,
        (Kind::Vgw, Class::Vpn) => 3,
        (Kind::Vgw, _) => 4,
        // TGW-11. A VPN with static routing has static routes in the table.
        (Kind::Tgw, Class::Local | Class::Static | Class::VpnStatic) => 0,
        (Kind::Tgw, Class::PrefixList) => 1,
        (Kind::Tgw, Class::Vpc) => 2,
        (Kind::Tgw, Class::DirectConnectGateway | Class::DirectConnect) => 3,
        (Kind::Tgw, Class::Connect) => 4,
        // BGP-7.
        (Kind::Tgw, Class::PrivateVpn) => 5,
        (Kind::Tgw, Class::Vpn) => 6,
        (Kind::Tgw, _) => 7,
        (Kind::Dxgw, Class::Local | Class::Association) => 0,
        (Kind::Dxgw, _) => 1,
        (Kind::Public, Class::Local) => 0,
        (Kind::Public, _) => 1,
    }
}

/// True if `other`, as good as `best` by every step that counts, carries traffic with it.
fn shares(kind: Kind, ecmp: bool, best: &Route, other: &Route) -> bool {
    let (Via::Peer(_), Via::Peer(_)) = (best.via, other.via) else {
        // Static routes never share (BGP-5), and a VPC's blocks do not either (TGW-14).
        return false;
    };
    if best.class != other.class && kind != Kind::Dxgw {
        return false;
    }
    let (a, b) = (&best.attributes, &other.attributes);
    let alike = a.as_path == b.as_path && a.communities == b.communities;
    match (kind, best.class) {
        (Kind::Router, _) => ecmp && a.as_path == b.as_path,
        // BGP-2: one tunnel of all its VPNs; BGP-11: interfaces share.
        (Kind::Vgw, class) => matches!(class, Class::DirectConnect | Class::SiteLink | Class::DirectConnectGateway),
        (Kind::Tgw, Class::Vpn | Class::PrivateVpn) => ecmp && alike,
        (Kind::Tgw, Class::Connect) => a.as_path == b.as_path,
        (Kind::Tgw, Class::DirectConnectGateway) => TGW_SHARES_DXGW && a.as_path == b.as_path,
        (Kind::Tgw, _) => false,
        (Kind::Dxgw, class) => matches!(class, Class::DirectConnect | Class::SiteLink),
        (Kind::Public, _) => alike,
    }
}

/// What `step` looks at: lower is better.
fn key(kind: Kind, step: Step, route: &Route) -> u64 {
    let a = &route.attributes;
    match (step, route.via) {
        (Step::Class, _) => u64::from(class_rank(kind, route.class)),
        (Step::LocalPreference, _) => u64::from(u32::MAX - a.local_preference),
        (Step::PathLength, _) => a.as_path.len() as u64,
        (Step::Origin, _) => a.origin as u64,
        (Step::Own, via) => u64::from(matches!(via, Via::Peer(_))),
        (Step::External, Via::Peer(peer)) => u64::from(peer.kind == SessionKind::Ibgp),
        (Step::NeighbourId, Via::Peer(peer)) => u64::from(peer.id),
        (Step::External | Step::NeighbourId | Step::Only | Step::Med | Step::Order, _) => 0,
    }
}

/// Drops all but the best by one step.
fn keep(kind: Kind, step: Step, left: &mut Vec<&Route>) {
    match step {
        Step::Med => {
            let mut lowest: BTreeMap<Option<u32>, u32> = BTreeMap::new();
            for route in left.iter() {
                let med = lowest.entry(route.attributes.as_path.first()).or_insert(u32::MAX);
                *med = route.attributes.med.min(*med);
            }
            left.retain(|route| route.attributes.med == lowest[&route.attributes.as_path.first()]);
        }
        Step::Order => {
            // The whole route, so that it does not depend on the order of the input even if two have one source.
            let first = left.iter().copied().min_by_key(|route| (route.via.source(), *route));
            *left = first.into_iter().collect();
        }
        _ => {
            let best = left.iter().map(|route| key(kind, step, route)).min();
            left.retain(|route| Some(key(kind, step, route)) == best);
        }
    }
}

/// Takes `left` through some steps; the last one at which a route fell.
fn run(kind: Kind, steps: &[Step], left: &mut Vec<&Route>) -> Option<Step> {
    let mut by = None;
    for step in steps {
        let before = left.len();
        if before == 1 {
            break;
        }
        keep(kind, *step, left);
        by = if left.len() < before { Some(*step) } else { by };
    }
    by
}

/// The best of `left`.
fn winner(kind: Kind, mut left: Vec<&Route>) -> &Route {
    let (better, end) = steps(kind);
    run(kind, better, &mut left);
    run(kind, end, &mut left);
    left[0]
}

/// Decides among the routes of one prefix. Nothing if there is none.
#[must_use]
pub fn rank(kind: Kind, ecmp: bool, routes: &[Route]) -> Option<Ranked> {
    if routes.len() < 2 {
        return (!routes.is_empty()).then(|| Ranked { routes: routes.to_vec(), share: 1, by: Step::Only });
    }
    let (better, end) = steps(kind);
    let mut equal: Vec<&Route> = routes.iter().collect();
    let by_better = run(kind, better, &mut equal);
    let mut last = equal.clone();
    let by_end = run(kind, end, &mut last);
    let best = last[0];

    let mut sharing = vec![best];
    let mut bundles: Vec<u32> = bundle(best).into_iter().collect();
    equal.retain(|route| !std::ptr::eq(*route, best) && shares(kind, ecmp, best, route));
    let mut others: Vec<&Route> = routes.iter().filter(|route| !std::ptr::eq(*route, best)).collect();
    while !equal.is_empty() {
        let next = winner(kind, equal.clone());
        equal.retain(|route| !std::ptr::eq(*route, next));
        // BGP-6: two sessions of one tunnel are one path.
        if let Some(bundle) = bundle(next) {
            if bundles.contains(&bundle) {
                continue;
            }
            bundles.push(bundle);
        }
        sharing.push(next);
        others.retain(|route| !std::ptr::eq(*route, next));
    }
    let share = sharing.len();
    while !others.is_empty() {
        let next = winner(kind, others.clone());
        others.retain(|route| !std::ptr::eq(*route, next));
        sharing.push(next);
    }
    let by = by_end.or(by_better).expect("one of two is dropped by the last step at least");
    Some(Ranked { routes: sharing.into_iter().cloned().collect(), share, by })
}

fn bundle(route: &Route) -> Option<u32> {
    match route.via {
        Via::Local(_) => None,
        Via::Peer(peer) => peer.bundle,
    }
}
