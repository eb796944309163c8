//! Speakers at work: what their hosts hear goes to their machines, what their machines ask for is done, and what tables have to
//! say is said, until nobody has anything to do.
//!
//! Invariant: [`attend`](Sim::attend) is not entered twice; whoever has something to do waits in a queue.

use super::speakers::why_of;
use super::{Event, Sim};
use crate::base::ids::SpeakerIx;
use crate::base::{Instant, Protocol};
use crate::control::SessionIx;
use crate::event::{Fact, HostRef, Observer, Told};
use crate::host::{Connect, Host, HostEvent, What};
use crate::speak::bfd::{BfdEvent, BfdSession};
use crate::speak::{Ask, BgpEvent, Ended, message};
use crate::wire::{Packet, bfd, bgp};

/// BFD's diagnostic for a session that its own end has switched off (RFC 5880 section 4.1).
const BFD_OFF: u8 = 7;

impl<O: Observer> Sim<O> {
    /// A packet for a speaker.
    pub(super) fn speaker_takes(&mut self, speaker: SpeakerIx, packet: Packet) {
        let now = self.now;
        if packet.headers.protocol == Protocol::UDP && packet.headers.ports().1 == bfd::PORT {
            self.totals.delivered += 1;
            if let Some((super::speakers::End { bfd: Some(bfd), .. }, ..)) =
                self.speaking.as_mut().and_then(|s| s.end(speaker))
            {
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

    /// Looks at a speaker, and at whoever has something to do because of it.
    pub(super) fn call(&mut self, speaker: SpeakerIx) {
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
                if let Some(speaking) = &mut self.speaking {
                    // RFC 4724 section 2: that was everything.
                    speaking.sessions[session].ends[n].machine.tell(&bgp::Update::default());
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
        let news = talk.bgp.tells[n].iter().any(|session| speaking.tables.has_news(*session));
        if !news || !talk.ends[n].machine.is_established() {
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

    pub(super) fn report(&mut self, session: usize, n: usize, told: Told) {
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
