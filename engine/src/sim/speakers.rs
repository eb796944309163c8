//! The control plane in time: each end of a BGP session is a host of its own with a real TCP stack, what it says crosses its
//! line as packets, and what tables hold changes when a message has arrived.
//!
//! A run begins at rest: tables hold what the topology comes to ([`Tables::at_rest`]), the sessions come up within the first
//! seconds and tell everything anew. A session that does not come up within its hold time loses what it stood for. A cold start
//! ([`Start::Cold`]) begins with nothing.
//!
//! What tables hold is laid out by the compiler, as at the beginning ([`Network::relearn`]), [`INSTALL`] after a change.
//!
//! Not modelled: how long AWS takes from a gateway's table to route tables and between gateways (no time), graceful restart.

use super::Node;
use crate::base::ids::SpeakerIx;
use crate::base::rng::Stream;
use crate::base::{IndexVec, Instant, Nanos, PortRange, Protocol};
use crate::compile::{Bgp, Network};
use crate::control::SessionIx;
use crate::event::Why;
use crate::fabric::Line;
use crate::host::{ConnId, Host, HostConfig};
use crate::speak::bfd::{BfdConfig, BfdSession};
use crate::speak::{BgpConfig, BgpSession, Ended, Tables};
use crate::wire::{bfd, bgp};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// From a change of a table to packets that follow it (BGP-43, assumed: routers take some tens of milliseconds).
pub const INSTALL: Nanos = Nanos::from_millis(50);
/// Configurations of a run after the first one, changes and moves of routes together. Each is kept whole, for rows belong to
/// one of them; a run that needs more ends there, and says so.
pub const EPOCHS_MAX: u16 = 4_096;
/// What BGP inside a GRE tunnel takes for its MTU: it fits whatever carries the tunnel.
const CONNECT_MTU: u32 = 1456;
/// Interval of BFD packets, and how many may be missed (BGP-41).
const BFD_INTERVAL: Nanos = Nanos::from_millis(300);
const BFD_MULTIPLIER: u8 = 3;

/// How a run's control plane begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start {
    /// Tables hold what they come to; sessions come up at once.
    #[default]
    AtRest,
    /// Nobody knows anything.
    Cold,
    /// Tables hold what they come to, and nobody speaks: nothing changes but by a change of the configuration.
    Frozen,
}

/// Who speaks.
pub(super) struct Speaking {
    pub(super) tables: Tables,
    pub(super) sessions: Vec<Talk>,
    /// The session and end of each speaker; none in a tunnel without BGP.
    pub(super) ends: IndexVec<SpeakerIx, Option<(usize, usize)>>,
    pub(super) install_at: Option<Instant>,
    /// Speakers whose machines are to be looked at.
    pub(super) todo: VecDeque<SpeakerIx>,
}

/// A BGP session and its ends, the customer's first.
pub(super) struct Talk {
    pub(super) bgp: Bgp,
    pub(super) name: String,
    pub(super) ends: [End; 2],
    /// What the session stood for at the beginning is given up then.
    pub(super) stale_until: Option<Instant>,
}

pub(super) struct End {
    pub(super) machine: BgpSession,
    pub(super) bfd: Option<BfdSession>,
    pub(super) conn: Option<ConnId>,
    /// It stood as up from the beginning: that it comes up, and BFD with it, is no news.
    pub(super) expected: [bool; 2],
    /// Told too much: stays down until the configuration changes.
    pub(super) blocked: bool,
    pub(super) started: bool,
    pub(super) armed: Option<Instant>,
    pub(super) generation: u32,
}

impl Speaking {
    pub(super) fn new(network: &Network, seed: u64, start: Start) -> Option<Self> {
        let control = network.control.as_ref()?;
        if start == Start::Frozen || control.bgp.is_empty() && network.fabric.speakers.is_empty() {
            return None;
        }
        let plan = Arc::new(control.plan.clone());
        let tables = match start {
            Start::Cold => Tables::new(plan),
            _ => {
                let is_down = |s: SessionIx| {
                    let of = control.plan.sessions[s].bgp;
                    control
                        .down
                        .iter()
                        .any(|d| d.session == s || of.is_some() && control.plan.sessions[d.session].bgp == of)
                };
                let up = |s: SessionIx| control.plan.sessions[s].up && !is_down(s);
                Tables::at_rest(plan, control.ribs.clone(), up)
            }
        };
        let mut ends: IndexVec<SpeakerIx, Option<(usize, usize)>> =
            network.fabric.speakers.iter().map(|_| None).collect();
        let sessions: Vec<Talk> =
            control.bgp.iter().map(|bgp| Talk::new(network, bgp, seed, start == Start::AtRest)).collect();
        for (n, talk) in sessions.iter().enumerate() {
            for (end, speaker) in talk.bgp.speakers.into_iter().enumerate() {
                ends[speaker] = Some((n, end));
            }
        }
        Some(Self { tables, sessions, ends, install_at: None, todo: VecDeque::new() })
    }

    pub(super) fn end(&mut self, speaker: SpeakerIx) -> Option<(&mut End, usize, usize)> {
        let (session, end) = (*self.ends.get(speaker)?)?;
        Some((&mut self.sessions[session].ends[end], session, end))
    }
}

impl Talk {
    pub(super) fn new(network: &Network, bgp: &Bgp, seed: u64, at_rest: bool) -> Self {
        let name = network.line_name(bgp.line);
        let end = |n: usize| {
            let address = |n: usize| network.fabric.speakers[bgp.speakers[n]].address;
            let who = format!("{name} {n}");
            let router_id = match address(n) {
                IpAddr::V4(address) => address,
                IpAddr::V6(_) => Ipv4Addr::from(0xc000_0200 + bgp.speakers[n].0 % 256),
            };
            let config =
                BgpConfig { asn: bgp.asns[n], peer_asn: bgp.asns[1 - n], router_id, hold: bgp.hold[n], active: n == 0 };
            let watch = BfdConfig {
                local: address(n),
                remote: address(1 - n),
                discriminator: bgp.speakers[n].0 + 1,
                src_port: *bfd::SOURCE_PORTS.start() + (bgp.speakers[n].0 % 16_000) as u16,
                interval: BFD_INTERVAL,
                multiplier: BFD_MULTIPLIER,
            };
            End {
                machine: BgpSession::new(config, Stream::new(seed, "bgp", &who)),
                bfd: bgp.bfd.then(|| BfdSession::new(watch, Stream::new(seed, "bfd", &who))),
                conn: None,
                expected: [at_rest && bgp.up == [true; 2]; 2],
                blocked: false,
                started: false,
                armed: None,
                generation: 0,
            }
        };
        let hold = bgp.hold[0].min(bgp.hold[1]);
        let ends = [end(0), end(1)];
        Self {
            bgp: bgp.clone(),
            name,
            ends,
            stale_until: (at_rest && bgp.up == [true; 2]).then_some(Instant::START + hold),
        }
    }
}

/// The host that an end of a session is.
pub(super) fn config(network: &Network, speaker: SpeakerIx, seed: u64) -> HostConfig {
    let s = &network.fabric.speakers[speaker];
    let mtu = match s.line {
        Line::Tunnel(tunnel) => network.fabric.tunnels[tunnel].mtu,
        Line::Vif(vif) => network.fabric.vifs[vif].mtu,
        Line::Routers(_) => 1500,
        Line::Connect { .. } => CONNECT_MTU,
    };
    HostConfig {
        name: format!("speaker {} {}", network.line_name(s.line), speaker.0 & 1),
        seed,
        addresses: vec![s.address],
        os: crate::fabric::GuestOs::Linux,
        listeners: vec![(Protocol::TCP, bgp::PORT)],
        listens_everywhere: false,
        refuses: true,
        answers_ping: true,
        mtu,
        ephemeral: PortRange { from: 32768, to: 60999 },
        streams: true,
    }
}

impl Node {
    pub(super) fn of(config: HostConfig) -> Box<Self> {
        Box::new(Self { host: Host::new(config), generation: 0, armed: None })
    }
}

pub(super) const fn why_of(ended: &Ended) -> Why {
    match ended {
        Ended::HoldTimer(hold) => Why::HoldTimer(*hold),
        Ended::Peer(n) => Why::Peer { code: n.code, subcode: n.subcode },
        Ended::Refused(n) => Why::Refused { code: n.code, subcode: n.subcode },
        Ended::Connection => Why::Connection,
        Ended::Line => Why::Line,
        Ended::Bfd => Why::Bfd,
        Ended::PrefixLimit => Why::PrefixLimit,
        Ended::Shutdown => Why::Shutdown,
    }
}
