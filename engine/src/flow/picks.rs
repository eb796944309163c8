//! Choices that AWS makes and does not tell: a zone, a tunnel, a target.
//!
//! A choice is a function of the flow and the options (highest random weight), so it lasts as long as the flow
//! and no other flow moves when an option comes or goes (TGW-9, assumed). An explanation forces picks, to see
//! what each of them would lead to.

use crate::base::Protocol;
use crate::base::ids::{CvpnIx, LagIx, SvcIx, TgwAttachIx, TgwRtbIx};
use crate::fabric::{FibIx, PathOwner, TgwRouteIx};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// What is chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Choice {
    /// The zone in which a packet leaves a transit gateway by an attachment.
    Zone(TgwAttachIx),
    /// The same in appliance mode: once for both directions of a flow.
    Appliance(TgwAttachIx),
    /// One of several equal tunnels of a route.
    Tunnel(TgwRtbIx, TgwRouteIx),
    /// A target of an endpoint service.
    Target(SvcIx),
    /// A connection of a link aggregation group.
    Link(LagIx),
    /// The target network by which a client of a Client VPN endpoint is connected; the flow is the client's address alone.
    TargetNetwork(CvpnIx),
    /// One of several equal ways of a forwarding table.
    Path(PathOwner, FibIx),
}

/// A choice for a flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pick {
    /// What is chosen.
    pub choice: Choice,
    /// The flow: protocol and two ends.
    pub flow: (Protocol, (IpAddr, u16), (IpAddr, u16)),
}

impl Pick {
    /// A choice that each direction of a flow makes for itself.
    #[must_use]
    pub const fn directed(choice: Choice, protocol: Protocol, from: (IpAddr, u16), to: (IpAddr, u16)) -> Self {
        Self { choice, flow: (protocol, from, to) }
    }
    /// A choice that both directions of a flow share.
    #[must_use]
    pub fn shared(choice: Choice, protocol: Protocol, a: (IpAddr, u16), b: (IpAddr, u16)) -> Self {
        Self { choice, flow: (protocol, a.min(b), a.max(b)) }
    }
}

/// An option of a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PickOption {
    /// What a flow's hash is mixed with.
    pub salt: u64,
    /// What it stands for: an interface, or the position of a tunnel.
    pub label: u32,
}

/// Picks, forced and asked for.
#[derive(Clone, Debug, Default)]
pub struct Picks {
    forced: FxHashMap<Pick, u32>,
    asked: Vec<(Pick, Vec<u32>)>,
    notes: bool,
}

impl Picks {
    /// Picks that are forced, and a note of each that is asked for.
    #[must_use]
    pub fn forced(forced: impl IntoIterator<Item = (Pick, u32)>) -> Self {
        Self { forced: forced.into_iter().collect(), asked: Vec::new(), notes: true }
    }
    /// What was asked for: the choice, and what its options stand for. Each once, in the order of asking.
    #[must_use]
    pub fn asked(&self) -> &[(Pick, Vec<u32>)] {
        &self.asked
    }
    /// The position of the option that is picked.
    ///
    /// # Panics
    /// If there is no option.
    pub fn pick(&mut self, pick: Pick, options: impl Iterator<Item = PickOption> + Clone) -> usize {
        let count = options.clone().count();
        assert!(count > 0, "a choice among nothing: {pick:?}");
        if count == 1 {
            return 0;
        }
        if self.notes && !self.asked.iter().any(|(asked, _)| *asked == pick) {
            self.asked.push((pick, options.clone().map(|option| option.label).collect()));
        }
        if let Some(forced) = self.forced.get(&pick) {
            return (*forced as usize).min(count - 1);
        }
        let weight = |option: PickOption| {
            let mut hasher = FxHasher::default();
            (pick.flow, option.salt).hash(&mut hasher);
            // FxHash leaves its low bits poor; mix once more.
            let h = hasher.finish();
            (h ^ (h >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        let best = options.map(weight).enumerate().max_by_key(|(n, weight)| (*weight, std::cmp::Reverse(*n)));
        best.map_or(0, |(n, _)| n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(port: u16) -> Pick {
        let (a, b) = (("10.0.0.1".parse().unwrap(), port), ("10.1.0.1".parse().unwrap(), 443));
        Pick::shared(Choice::Appliance(TgwAttachIx(0)), Protocol::TCP, a, b)
    }

    /// TGW-9: both directions alike; all options used; when one goes, only its flows move.
    #[test]
    fn picks_are_shared_spread_and_sticky() {
        let mut picks = Picks::default();
        let salts = [11u64, 22, 33];
        let options = |salts: &'static [u64]| salts.iter().map(|salt| PickOption { salt: *salt, label: 0 });
        let mut used = [0; 3];
        for port in 1024..4024 {
            let forward = picks.pick(pick(port), options(&[11, 22, 33]));
            let (p, a, b) = pick(port).flow;
            let back = Pick::shared(Choice::Appliance(TgwAttachIx(0)), p, b, a);
            assert_eq!(picks.pick(back, options(&[11, 22, 33])), forward);
            used[forward] += 1;
            let without = picks.pick(pick(port), options(&[11, 33]));
            if forward != 1 {
                assert_eq!([11u64, 33][without], salts[forward]);
            }
        }
        assert!(used.iter().all(|n| (800..1200).contains(n)), "{used:?}");
    }
}
