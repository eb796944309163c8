//! When routes move: tables that have changed are laid out by the compiler a moment later, and a change of the configuration gives
//! speakers another plan, with what they have heard.

use super::speakers::{EPOCHS_MAX, INSTALL, Talk};
use super::{Event, Sim};
use crate::base::Instant;
use crate::base::ids::SpeakerIx;
use crate::compile::{Control, Live, Network};
use crate::control::{Plan, SessionIx, TableIx};
use crate::event::{Fact, Observer};
use crate::fabric::Line;
use crate::speak::Ended;
use crate::verdict::Side;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl<O: Observer> Sim<O> {
    /// Every speaker that may speak begins, and those that may not any more end.
    pub(super) fn start_speakers(&mut self) {
        self.look_at_lines();
        let talks = self.speaking.iter().flat_map(|s| &s.sessions);
        let stale: BTreeSet<Instant> = talks.filter_map(|talk| talk.stale_until).collect();
        for at in stale {
            self.push_timer(at, Event::Stale);
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

    /// Every speaker looks at its line.
    pub(super) fn look_at_lines(&mut self) {
        let speakers = self.speaking.as_ref().map_or(0, |s| s.ends.len());
        for speaker in 0..speakers {
            self.look_at_line(SpeakerIx(speaker as u32));
        }
    }

    /// What a session stood for at the beginning, and has not told by now, is gone.
    pub(super) fn give_up_stale(&mut self) {
        let now = self.now;
        let Some(speaking) = &mut self.speaking else { return };
        for talk in &mut speaking.sessions {
            if talk.stale_until.take_if(|until| *until <= now).is_some() {
                for told in talk.bgp.tells.iter().flatten() {
                    speaking.tables.forget_stale(*told);
                }
            }
        }
        self.attend();
    }

    pub(super) fn push_timer(&mut self, at: Instant, event: Event) {
        self.totals.timers += 1;
        self.queue.push(at, event);
    }

    pub(super) fn schedule_install(&mut self) {
        if self.speaking.as_mut().is_some_and(|s| s.tables.take_changed()) {
            self.touch();
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

    /// Packets follow what tables hold. Not any more after [`EPOCHS_MAX`] configurations.
    pub(super) fn install(&mut self) {
        let Some(speaking) = &mut self.speaking else { return };
        speaking.install_at = None;
        let Some(mut network) = self.learnt() else { return };
        if network.fabric == self.network.fabric {
            self.network.control = network.control;
        } else {
            if self.network.fabric.epoch == EPOCHS_MAX {
                return;
            }
            Arc::make_mut(&mut network.fabric).epoch += 1;
            let epoch = network.fabric.epoch;
            self.network = network;
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Configured { epoch });
            }
        }
        // What a table has by itself may depend on a tunnel.
        self.replan();
        self.attend();
    }

    /// The network as its speakers know it now.
    fn learnt(&self) -> Option<Network> {
        let tables = &self.speaking.as_ref()?.tables;
        self.network.relearn(Live { ribs: tables.ribs().clone(), tunnels: self.tunnels_up() })
    }

    /// The plan of the configuration in force, with what was heard by sessions of the same two tables over the same line.
    fn replan(&mut self) {
        let (Some(speaking), Some(control)) = (&mut self.speaking, &self.network.control) else { return };
        let old = speaking.tables.plan().clone();
        if *old == control.plan {
            return;
        }
        let before: Vec<String> = speaking.sessions.iter().map(|talk| talk.name.clone()).collect();
        let after: Vec<String> = control.bgp.iter().map(|bgp| self.network.line_name(bgp.line)).collect();
        let known: BTreeMap<_, SessionIx> = old.sessions.indices().map(|s| (key(&old, &before, s), s)).collect();
        let plan = Arc::new(control.plan.clone());
        speaking.tables.replan(plan.clone(), |s| known.get(&key(&plan, &after, s)).copied());
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
        if let Some(network) = self.learnt() {
            self.network = network;
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
}

/// What tells the directions of sessions apart: teller, learner, line.
fn key<'n>(plan: &Plan, lines: &'n [String], session: SessionIx) -> (TableIx, TableIx, Option<&'n str>) {
    let s = &plan.sessions[session];
    (s.from, s.to, s.bgp.map(|n| lines[n as usize].as_str()))
}
