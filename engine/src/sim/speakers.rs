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

use super::{Event, Node, Sim};
use crate::base::ids::SpeakerIx;
use crate::base::rng::Stream;
use crate::base::{IndexVec, Instant, Nanos, PortRange, Protocol};
use crate::compile::{Bgp, Control, Live, Network};
use crate::control::SessionIx;
use crate::event::{Fact, HostRef, Observer, Told, Why};
use crate::fabric::Line;
use crate::host::{ConnId, Connect, Host, HostConfig, HostEvent, What};
use crate::speak::bfd::{BfdConfig, BfdEvent, BfdSession};
use crate::speak::{Ask, BgpConfig, BgpEvent, BgpSession, Ended, Tables, message};
use crate::verdict::Side;
use crate::wire::{Packet, bfd, bgp};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// From a change of a table to packets that follow it (BGP-43, assumed: routers take some tens of milliseconds).
pub const INSTALL: Nanos = Nanos::from_millis(50);
/// What BGP inside a GRE tunnel takes for its MTU: it fits whatever carries the tunnel.
const CONNECT_MTU: u32 = 1456;
/// Interval of BFD packets, and how many may be missed (BGP-41).
const BFD_INTERVAL: Nanos = Nanos::from_millis(300);
const BFD_MULTIPLIER: u8 = 3;
/// BFD's diagnostic for a session that its own end has switched off (RFC 5880 section 4.1).
const BFD_OFF: u8 = 7;

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
    tables: Tables,
    sessions: Vec<Talk>,
    /// The session and end of each speaker; none in a tunnel without BGP.
    ends: IndexVec<SpeakerIx, Option<(usize, usize)>>,
    install_at: Option<Instant>,
    /// Speakers whose machines are to be looked at.
    todo: VecDeque<SpeakerIx>,
}

/// A BGP session and its ends, the customer's first.
struct Talk {
    bgp: Bgp,
    name: String,
    ends: [End; 2],
    /// What the session stood for at the beginning is given up then.
    stale_until: Option<Instant>,
}

struct End {
    machine: BgpSession,
    bfd: Option<BfdSession>,
    conn: Option<ConnId>,
    /// It stood as up from the beginning: that it comes up, and BFD with it, is no news.
    expected: [bool; 2],
    /// Told too much: stays down until the configuration changes.
    blocked: bool,
    started: bool,
    armed: Option<Instant>,
    generation: u32,
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

    /// What each table holds.
    pub(super) const fn tables(&self) -> &Tables {
        &self.tables
    }

    fn end(&mut self, speaker: SpeakerIx) -> Option<(&mut End, usize, usize)> {
        let (session, end) = self.ends[speaker]?;
        Some((&mut self.sessions[session].ends[end], session, end))
    }
}

impl Talk {
    fn new(network: &Network, bgp: &Bgp, seed: u64, at_rest: bool) -> Self {
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

impl<O: Observer> Sim<O> {
    /// Every speaker that may speak begins, and those that may not any more end.
    pub(super) fn start_speakers(&mut self) {
        self.look_at_lines();
        let stale: Vec<(usize, Instant)> = self
            .speaking
            .iter()
            .flat_map(|s| s.sessions.iter().enumerate())
            .filter_map(|(n, talk)| Some((n, talk.stale_until?)))
            .collect();
        for (n, at) in stale {
            self.push_timer(at, Event::Stale { session: n });
        }
        self.attend();
    }

    /// Whether a speaker's line is there, as its end sees it: then it speaks.
    pub(super) fn look_at_line(&mut self, speaker: SpeakerIx) {
        let (now, fabric) = (self.now, &self.network.fabric);
        let s = fabric.speakers[speaker];
        let alive = match s.line {
            Line::Connect { .. } => s.side == Side::Aws || fabric.appliance_runs(s.line),
            _ => s.router.is_none_or(|router| fabric.routers[router].up),
        };
        let line = match s.line {
            Line::Tunnel(tunnel) => fabric.tunnels[tunnel].enabled && self.is_tunnel_up(tunnel, s.side),
            Line::Vif(vif) => fabric.vifs[vif].up,
            Line::Routers(_) => true,
            Line::Connect { connect, .. } => fabric.tgw_attaches[connect].available,
        };
        let Some(speaking) = &mut self.speaking else { return };
        let Some((session, n)) = speaking.ends[speaker] else { return };
        let talk = &mut speaking.sessions[session];
        let (up, end) = (talk.bgp.up[n], &mut talk.ends[n]);
        if end.started && !(alive && up && line) {
            // What the session stood for at the beginning goes with it.
            for heard in &talk.bgp.tells[1 - n] {
                speaking.tables.forget(*heard);
            }
        }
        if !alive {
            end.machine.reset();
            end.conn = None;
            end.started = false;
            if let Some(bfd) = &mut end.bfd {
                bfd.reset();
            }
            for told in &talk.bgp.tells[n] {
                speaking.tables.stop_telling(*told);
            }
            if let Some(node) = &mut self.speakers[speaker] {
                node.host.reset_all();
            }
        } else if !up && end.started {
            end.machine.stop(now, Ended::Shutdown);
            end.started = false;
            if let Some(bfd) = &mut end.bfd {
                bfd.stop(now);
            }
        } else if !line && end.started {
            end.machine.line_down(now);
            end.started = false;
            if let Some(bfd) = &mut end.bfd {
                bfd.reset();
            }
        } else if up && line && !end.started && !end.blocked {
            end.machine.start(now);
            end.started = true;
            if let Some(bfd) = &mut end.bfd {
                bfd.start(now);
            }
        }
        speaking.todo.push_back(speaker);
    }

    /// A packet for a speaker.
    pub(super) fn speaker_takes(&mut self, speaker: SpeakerIx, packet: Packet) {
        let now = self.now;
        if packet.headers.protocol == Protocol::UDP && packet.headers.ports().1 == bfd::PORT {
            self.totals.delivered += 1;
            if let Some((End { bfd: Some(bfd), .. }, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) {
                bfd.handle_packet(now, &packet);
            }
        } else {
            self.host_takes(HostRef::Speaker(speaker), packet);
        }
        self.call(speaker);
    }

    /// What the host of a speaker reports.
    pub(super) fn speaker_hears(&mut self, speaker: SpeakerIx, event: &HostEvent) {
        let now = self.now;
        let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
        match event.what {
            What::Connected { conn, .. } if end.conn == Some(conn) => end.machine.connected(now),
            What::Accepted { conn, .. } => {
                // RFC 4271 section 6.8: the session that is established stays.
                if end.machine.is_busy() || !end.started {
                    self.speaker_host(speaker, |host, now| host.abort(now, conn));
                } else {
                    end.conn = Some(conn);
                    end.machine.connected(now);
                }
            }
            What::Received { conn, .. } if end.conn == Some(conn) => {
                let bytes = self.speaker_host(speaker, |host, _| host.take_bytes(conn));
                let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
                end.machine.received(now, &bytes);
            }
            What::PeerClosed { conn }
            | What::Reset { conn }
            | What::TimedOut { conn, .. }
            | What::Refused { conn }
            | What::Closed { conn }
                if end.conn == Some(conn) =>
            {
                end.conn = None;
                end.machine.closed(now);
                self.speaker_host(speaker, |host, now| host.close(now, conn));
            }
            _ => {}
        }
        if let Some(speaking) = &mut self.speaking {
            speaking.todo.push_back(speaker);
        }
    }

    /// A speaker's timer.
    pub(super) fn speaker_timer(&mut self, speaker: SpeakerIx, generation: u32) {
        let now = self.now;
        let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
        if end.generation != generation {
            return;
        }
        end.armed = None;
        end.machine.handle_timeout(now);
        if let Some(bfd) = &mut end.bfd {
            bfd.handle_timeout(now);
        }
        self.call(speaker);
    }

    /// What a session stood for at the beginning, and has not told since, is gone.
    pub(super) fn give_up_stale(&mut self, session: usize) {
        let Some(speaking) = &mut self.speaking else { return };
        let talk = &mut speaking.sessions[session];
        if talk.stale_until.take().is_none() {
            return;
        }
        for told in talk.bgp.tells.iter().flatten() {
            speaking.tables.forget_stale(*told);
        }
        self.attend();
    }

    /// Looks at a speaker, and at whoever has something to do because of it.
    fn call(&mut self, speaker: SpeakerIx) {
        if let Some(speaking) = &mut self.speaking {
            speaking.todo.push_back(speaker);
        }
        self.attend();
    }

    /// Lets everybody do what they have to do, until nobody has.
    pub(super) fn attend(&mut self) {
        if std::mem::replace(&mut self.attending, true) {
            return;
        }
        while let Some(speaking) = &mut self.speaking {
            if let Some(speaker) = speaking.todo.pop_front() {
                self.serve_speaker(speaker);
            } else if !self.tell_news() {
                break;
            }
        }
        self.attending = false;
        self.schedule_install();
    }

    fn serve_speaker(&mut self, speaker: SpeakerIx) {
        let now = self.now;
        while let Some((end, session, n)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) {
            if let Some(ask) = end.machine.poll_ask() {
                self.obey(speaker, ask);
            } else if let Some(event) = end.machine.poll_event() {
                self.bgp_event(session, n, event);
            } else if let Some(event) = end.bfd.as_mut().and_then(BfdSession::poll_event) {
                match event {
                    BfdEvent::Up => self.report(session, n, Told::BfdUp),
                    BfdEvent::Down { diagnostic: BFD_OFF } => {}
                    BfdEvent::Down { .. } => {
                        end.machine.fail(now, Ended::Bfd);
                        self.report(session, n, Told::BfdDown);
                    }
                }
            } else {
                // What BGP says goes first: a session that is ended for a reason is not one that BFD has lost.
                self.drain(HostRef::Speaker(speaker));
                let end = self.speaking.as_mut().and_then(|s| s.end(speaker)).map(|(end, ..)| end);
                match end.and_then(|end| end.bfd.as_mut()).and_then(BfdSession::poll_transmit) {
                    Some(packet) => self.send_as(HostRef::Speaker(speaker), packet),
                    None => break,
                }
            }
        }
        self.drain(HostRef::Speaker(speaker));
        self.arm_speaker(speaker);
    }

    fn obey(&mut self, speaker: SpeakerIx, ask: Ask) {
        let fabric = &self.network.fabric;
        let (src, dst) = (fabric.speakers[speaker].address, fabric.speakers[speaker.peer()].address);
        let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
        match (ask, end.conn) {
            (Ask::Connect, _) => {
                let to = Connect { src, dst, dst_port: bgp::PORT, src_port: None, tag: 0, send: 0, receive: 0 };
                let conn = self.speaker_host(speaker, |host, now| host.connect(now, to));
                let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
                end.conn = Some(conn);
            }
            (Ask::Write(bytes), Some(conn)) => {
                self.speaker_host(speaker, |host, now| host.write_bytes(now, conn, &bytes));
            }
            (Ask::Close, Some(conn)) => {
                end.conn = None;
                self.speaker_host(speaker, |host, now| host.close(now, conn));
            }
            (Ask::Abort, Some(conn)) => {
                end.conn = None;
                self.speaker_host(speaker, |host, now| host.abort(now, conn));
            }
            (_, None) => {}
        }
    }

    fn speaker_host<T>(&mut self, speaker: SpeakerIx, act: impl FnOnce(&mut Host, Instant) -> T) -> T {
        let now = self.now;
        act(&mut self.node(HostRef::Speaker(speaker)).host, now)
    }

    fn bgp_event(&mut self, session: usize, n: usize, event: BgpEvent) {
        let Some(speaking) = &mut self.speaking else { return };
        let talk = &mut speaking.sessions[session];
        let (tells, hears) = (talk.bgp.tells[n].clone(), talk.bgp.tells[1 - n].clone());
        match event {
            BgpEvent::Established => {
                for voice in speaking.tables.voices(&tells) {
                    speaking.tables.up(voice);
                }
                self.say_news(session, n);
                if let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end_of(session, n)) {
                    // RFC 4724 section 2: that was everything.
                    end.machine.tell(&bgp::Update::default());
                }
                self.report(session, n, Told::SessionUp);
            }
            BgpEvent::Down(why) => {
                talk.stale_until = None;
                for told in &tells {
                    speaking.tables.stop_telling(*told);
                }
                for heard in &hears {
                    speaking.tables.forget(*heard);
                }
                self.report(session, n, Told::SessionDown(why_of(&why)));
            }
            BgpEvent::Update(update) if message::is_end(&update) => {
                for heard in &hears {
                    speaking.tables.forget_stale(*heard);
                }
            }
            BgpEvent::Update(update) => {
                for (to, said) in message::changes(&update) {
                    speaking.tables.hear_all(&hears, to, said.as_ref());
                }
                self.check_limit(session, n, &hears);
            }
        }
    }

    /// BGP-13: too many prefixes, and the session is over until somebody changes something.
    fn check_limit(&mut self, session: usize, n: usize, hears: &[SessionIx]) {
        let now = self.now;
        let Some(speaking) = &mut self.speaking else { return };
        let over = hears.iter().any(|s| {
            let limit = speaking.tables.plan().sessions[*s].limit;
            limit.is_some_and(|limit| speaking.tables.heard(*s) > limit as usize)
        });
        if over {
            let end = &mut speaking.sessions[session].ends[n];
            (end.blocked, end.started) = (true, false);
            end.machine.stop(now, Ended::PrefixLimit);
            if let Some(bfd) = &mut end.bfd {
                bfd.stop(now);
            }
        }
    }

    /// Lets one end of a session say what there is to say. True if there was something.
    fn say_news(&mut self, session: usize, n: usize) -> bool {
        let Some(speaking) = &mut self.speaking else { return false };
        let talk = &mut speaking.sessions[session];
        if !talk.ends[n].machine.is_established() {
            return false;
        }
        let voices = speaking.tables.voices(&talk.bgp.tells[n]);
        let mut changes = Vec::new();
        for voice in voices.iter().filter(|voice| speaking.tables.has_news(**voice)).copied().collect::<Vec<_>>() {
            changes.extend(speaking.tables.tell(voice));
        }
        let Some(kind) = voices.first().map(|voice| speaking.tables.plan().sessions[*voice].kind) else { return false };
        if changes.is_empty() {
            return false;
        }
        let next_hop = self.network.fabric.speakers[talk.bgp.speakers[n]].address;
        for update in message::updates(&changes, next_hop, kind) {
            talk.ends[n].machine.tell(&update);
        }
        let speaker = talk.bgp.speakers[n];
        speaking.todo.push_back(speaker);
        true
    }

    fn tell_news(&mut self) -> bool {
        let sessions = self.speaking.as_ref().map_or(0, |s| s.sessions.len());
        let mut any = false;
        for session in 0..sessions {
            for n in 0..2 {
                any |= self.say_news(session, n);
            }
        }
        any
    }

    fn arm_speaker(&mut self, speaker: SpeakerIx) {
        let now = self.now;
        let Some((end, ..)) = self.speaking.as_mut().and_then(|s| s.end(speaker)) else { return };
        let next = [end.machine.poll_at(), end.bfd.as_ref().and_then(BfdSession::poll_at)].into_iter().flatten().min();
        if next == end.armed {
            return;
        }
        end.armed = next;
        end.generation += 1;
        let generation = end.generation;
        if let Some(at) = next {
            self.push_timer(at.max(now), Event::Speaker { speaker, generation });
        }
    }

    pub(super) fn push_timer(&mut self, at: Instant, event: Event) {
        self.totals.timers += 1;
        self.queue.push(at, event);
    }

    fn schedule_install(&mut self) {
        let at = self.now + INSTALL;
        let Some(speaking) = &mut self.speaking else { return };
        if speaking.tables.take_changed() && speaking.install_at.is_none() {
            speaking.install_at = Some(at);
            self.push_timer(at, Event::Install);
        }
    }

    /// Tables or tunnels have changed: packets follow a moment later.
    pub(super) fn touch(&mut self) {
        let at = self.now + INSTALL;
        if let Some(speaking) = &mut self.speaking
            && speaking.install_at.is_none()
        {
            speaking.install_at = Some(at);
            self.push_timer(at, Event::Install);
        }
    }

    /// Packets follow what tables hold.
    pub(super) fn install(&mut self) {
        let tunnels = self.tunnels_up();
        let Some(speaking) = &mut self.speaking else { return };
        speaking.install_at = None;
        let live = Live { ribs: speaking.tables.ribs().clone(), tunnels };
        let epoch = self.network.fabric.epoch;
        let Some(network) = self.network.relearn(live, epoch + 1) else { return };
        if !network.same_paths(&self.network) {
            self.network = network;
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Configured { epoch: epoch + 1 });
            }
        } else {
            self.network.control = network.control;
        }
        // What a table has by itself may depend on a tunnel.
        self.replan();
        self.attend();
    }

    /// The plan of the configuration in force, with what was heard.
    fn replan(&mut self) {
        let (Some(speaking), Some(control)) = (&mut self.speaking, &self.network.control) else { return };
        let old = speaking.tables.plan().clone();
        let key = |plan: &crate::control::Plan, sessions: &[(u32, String)], s: SessionIx| {
            let session = &plan.sessions[s];
            let name = session.bgp.and_then(|n| sessions.iter().find(|(at, _)| *at == n)).map(|(_, name)| name.clone());
            (session.from, session.to, name)
        };
        let names_of = |bgp: &[Bgp], network: &Network| -> Vec<(u32, String)> {
            bgp.iter().enumerate().map(|(n, b)| (n as u32, network.line_name(b.line))).collect()
        };
        let before: Vec<(u32, String)> =
            speaking.sessions.iter().enumerate().map(|(n, talk)| (n as u32, talk.name.clone())).collect();
        let after = names_of(&control.bgp, &self.network);
        let plan = Arc::new(control.plan.clone());
        let known: std::collections::BTreeMap<_, SessionIx> =
            old.sessions.indices().map(|s| (key(&old, &before, s), s)).collect();
        let new = plan.clone();
        speaking.tables.replan(plan, |s| known.get(&key(&new, &after, s)).copied());
    }

    /// The configuration has changed: who speaks with whom, and what about. Packets follow what tables hold, not what they
    /// will come to.
    pub(super) fn reconfigure_speakers(&mut self) {
        let (Some(_), Some(control)) = (&self.speaking, self.network.control.clone()) else {
            self.speaking = None;
            return;
        };
        self.replan();
        self.renew_talks(&control);
        self.look_at_lines();
        self.attend();
        let tunnels = self.tunnels_up();
        let Some(speaking) = &self.speaking else { return };
        let live = Live { ribs: speaking.tables.ribs().clone(), tunnels };
        if let Some(network) = self.network.relearn(live, self.network.fabric.epoch) {
            self.network = network;
        }
    }

    /// Every speaker looks at its line.
    pub(super) fn look_at_lines(&mut self) {
        let speakers = self.speaking.as_ref().map_or(0, |s| s.ends.len());
        for speaker in 0..speakers {
            self.look_at_line(SpeakerIx(speaker as u32));
        }
    }

    /// Sessions that were there go on; others begin, or end.
    fn renew_talks(&mut self, control: &Control) {
        let Some(speaking) = &mut self.speaking else { return };
        let mut old: Vec<Option<Talk>> = std::mem::take(&mut speaking.sessions).into_iter().map(Some).collect();
        speaking.ends = self.network.fabric.speakers.iter().map(|_| None).collect();
        while self.speakers.len() < speaking.ends.len() {
            self.speakers.push(None);
        }
        for bgp in &control.bgp {
            let name = self.network.line_name(bgp.line);
            let found =
                old.iter_mut().find(|talk| talk.as_ref().is_some_and(|t| t.name == name)).and_then(Option::take);
            let mut talk = found
                .filter(|talk| {
                    talk.bgp.speakers == bgp.speakers && talk.bgp.asns == bgp.asns && talk.bgp.bfd == bgp.bfd
                })
                .unwrap_or_else(|| {
                    for speaker in bgp.speakers {
                        self.speakers[speaker] = None;
                    }
                    Talk::new(&self.network, bgp, self.seed, false)
                });
            for (end, hold) in talk.ends.iter_mut().zip(bgp.hold) {
                end.machine.set_hold(hold);
                end.blocked = false;
            }
            talk.bgp = bgp.clone();
            for (n, speaker) in bgp.speakers.into_iter().enumerate() {
                speaking.ends[speaker] = Some((speaking.sessions.len(), n));
            }
            speaking.sessions.push(talk);
        }
    }

    fn report(&mut self, session: usize, n: usize, told: Told) {
        let Some(speaking) = &mut self.speaking else { return };
        let expected = &mut speaking.sessions[session].ends[n].expected;
        let is_news = match told {
            Told::SessionUp => !std::mem::take(&mut expected[0]),
            Told::BfdUp => !std::mem::take(&mut expected[1]),
            _ => true,
        };
        if !O::WATCHES || !is_news {
            return;
        }
        let speaker = speaking.sessions[session].bgp.speakers[n];
        self.observer.on(self.now, &Fact::Spoke { speaker, told });
    }
}

impl Speaking {
    fn end_of(&mut self, session: usize, n: usize) -> Option<(&mut End, usize, usize)> {
        Some((&mut self.sessions.get_mut(session)?.ends[n], session, n))
    }
}

impl Node {
    pub(super) fn of(config: HostConfig) -> Box<Self> {
        Box::new(Self { host: Host::new(config), generation: 0, armed: None })
    }
}

const fn why_of(ended: &Ended) -> Why {
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
