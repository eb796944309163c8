//! Who speaks BGP over which line, with which timers: what a run needs besides the plan to let it happen packet by packet.

use super::context::Context;
use super::converge::Build;
use crate::base::ids::{RouterIx, SpeakerIx};
use crate::base::{IndexVec, Nanos};
use crate::control::{Down, Plan, Rib, SessionIx, TableIx};
use crate::diag::Diagnostic;
use crate::fabric::{Fabric, Line, Speaker};
use crate::verdict::Side;
use std::net::{IpAddr, Ipv4Addr};

/// Hold time in a VPN tunnel (BGP-40).
const HOLD_VPN: Nanos = Nanos::from_secs(30);
/// Hold time in a tunnel of a Connect attachment (BGP-50).
const HOLD_CONNECT: Nanos = Nanos::from_secs(30);
/// Hold time on a virtual interface (BGP-41).
const HOLD_VIF: Nanos = Nanos::from_secs(90);
/// Hold time between two routers that name none, as Cisco's and FRR's routers have it.
const HOLD_ROUTERS: Nanos = Nanos::from_secs(180);
/// The shortest hold time (RFC 4271 section 4.2).
const HOLD_MIN: Nanos = Nanos::from_secs(3);
/// Links between routers are numbered from the benchmark block (RFC 2544); nobody sends there from elsewhere.
const ROUTER_LINKS: u32 = 0xc612_0000;

/// The control plane of a network: what its speakers tell each other, and what they know when all is told.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Who tells whom.
    pub plan: Plan,
    /// What each table holds at rest.
    pub ribs: IndexVec<TableIx, Rib>,
    /// Sessions that tell too much, and are down at rest.
    pub down: Vec<Down>,
    /// The sessions that are BGP.
    pub bgp: Vec<Bgp>,
}

/// A BGP session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bgp {
    /// What it runs over.
    pub line: Line,
    /// Its ends, the customer's first.
    pub speakers: [SpeakerIx; 2],
    /// Autonomous systems of the ends.
    pub asns: [u32; 2],
    /// Hold times of the ends.
    pub hold: [Nanos; 2],
    /// Whether BFD watches it.
    pub bfd: bool,
    /// False at an end where somebody has shut it down.
    pub up: [bool; 2],
    /// The directions of the plan that each end tells.
    pub tells: [Vec<SessionIx>; 2],
}

impl Context {
    /// Two speakers at the ends of a line, the customer's first.
    pub(super) fn speakers(
        &mut self,
        line: Line,
        addresses: [IpAddr; 2],
        routers: [Option<RouterIx>; 2],
    ) -> [SpeakerIx; 2] {
        let mut out = [SpeakerIx(0); 2];
        for (n, side) in [Side::Customer, Side::Aws].into_iter().enumerate() {
            let speaker = Speaker { line, side, address: addresses[n], router: routers[n] };
            out[n] = self.fabric.speakers.push(speaker);
            if let Some(router) = routers[n] {
                let r = &mut self.fabric.routers[router];
                let mut own = r.addresses.to_vec();
                own.push((addresses[n], out[n]));
                own.sort_unstable();
                r.addresses = own.into();
            }
        }
        out
    }

    /// Speakers in every tunnel and on every virtual interface whose router is described.
    pub(super) fn line_speakers(&mut self) {
        for tunnel in self.fabric.tunnels.indices() {
            let t = &self.fabric.tunnels[tunnel];
            let ([aws, customer], router) = (t.inside, t.router);
            if router.is_some() {
                let speakers = self.speakers(Line::Tunnel(tunnel), [customer, aws], [router, None]);
                self.fabric.tunnels[tunnel].speakers = Some(speakers);
            }
        }
        for vif in self.fabric.vifs.indices() {
            let v = &self.fabric.vifs[vif];
            let ([aws, customer], router) = (v.addresses, v.router);
            if router.is_some() {
                let speakers = self.speakers(Line::Vif(vif), [customer, aws], [router, None]);
                self.fabric.vifs[vif].speakers = Some(speakers);
            }
        }
    }

    /// Addresses of the `n`th link between two routers.
    pub(super) fn router_link(n: usize) -> [IpAddr; 2] {
        [0, 1].map(|side| Ipv4Addr::from(ROUTER_LINKS + 2 * n as u32 + side).into())
    }

    /// The BGP session over a line, and the number that its directions have. `keys` are what each end's router, if it is one,
    /// calls the other end.
    pub(super) fn bgp(&self, build: &mut Build, speakers: [SpeakerIx; 2], asns: [u32; 2], keys: [&[&str]; 2]) -> u32 {
        let ends = speakers.map(|speaker| self.fabric.speakers[speaker]);
        let default = match ends[0].line {
            Line::Tunnel(_) => HOLD_VPN,
            Line::Vif(_) => HOLD_VIF,
            Line::Routers(_) => HOLD_ROUTERS,
            Line::Connect { .. } => HOLD_CONNECT,
        };
        let written = |n: usize| ends[n].router.and_then(|router| self.neighbor(router, keys[n]));
        let hold = [0, 1].map(|n| written(n).and_then(|w| w.hold_time).map_or(default, |hold| hold.value));
        let up = [0, 1].map(|n| written(n).is_none_or(|w| w.shutdown != Some(true)));
        let bfd = (0..2).any(|n| written(n).and_then(|w| w.bfd).is_some_and(|bfd| bfd.value));
        let tells = [Vec::new(), Vec::new()];
        build.bgp.push(Bgp { line: ends[0].line, speakers, asns, hold, bfd, up, tells });
        build.bgp.len() as u32 - 1
    }

    /// What is written of neighbours' timers and cannot be.
    pub(super) fn check_neighbors(&mut self) {
        let mut found = Vec::new();
        for router in self.spec.routers.values() {
            for n in &router.neighbors {
                if let Some(hold) = n.hold_time
                    && hold.value < HOLD_MIN
                {
                    found.push(
                        Diagnostic::error("hold-time", hold.span, format!("a hold time of {}", hold.value))
                            .help("the shortest is 3s (RFC 4271)"),
                    );
                }
                let name = n.peer.value.as_str();
                let in_a_tunnel = self.ids.tunnels.contains_key(name) || self.ids.vpn_tunnels.contains_key(name);
                if let Some(bfd) = n.bfd
                    && bfd.value
                    && in_a_tunnel
                {
                    found.push(
                        Diagnostic::error("bfd", bfd.span, format!("`{name}` is a VPN: AWS has no BFD there"))
                            .help("dead peer detection and the hold time watch a tunnel"),
                    );
                }
            }
        }
        for diagnostic in found {
            self.problem(diagnostic);
        }
    }
}

impl Control {
    /// The control plane of a plan at rest.
    pub(super) fn new(build: &Build, fabric: &Fabric, ribs: IndexVec<TableIx, Rib>, down: Vec<Down>) -> Self {
        let first = |speaker: SpeakerIx| match fabric.speakers[speaker] {
            Speaker { line: Line::Connect { connect, tunnel, .. }, .. } => build.peers[&(connect, tunnel)],
            Speaker { router, .. } => build.routers[router.expect("the first end of any other line is a router")],
        };
        let mut bgp = build.bgp.clone();
        for (session, s) in build.plan.sessions.iter_enumerated() {
            if let Some(number) = s.bgp {
                let teller = usize::from(first(bgp[number as usize].speakers[0]) != s.from);
                bgp[number as usize].tells[teller].push(session);
            }
        }
        Self { plan: build.plan.clone(), ribs, down, bgp }
    }
}
