//! Security groups with connection tracking: the verdict is per connection (CT-1).
//!
//! A packet of a tracked connection passes by the row that founded it, whatever the rules say now
//! (CT-3); one of an untracked flow meets the rules of now (CT-7). Otherwise the rules decide; an allowed first packet founds a connection unless the flow is
//! untracked: TCP or UDP, allowed by a rule for everybody, with a rule for everybody on all ports in the
//! other direction, on a path that is not tracked automatically (CT-2, CT-5).

use super::{Pass, Recorder, Walk, related};
use crate::base::Protocol;
use crate::base::ids::EniIx;
use crate::eval::{self, Key, SgAnswer};
use crate::fabric::EniKind;
use crate::flow::{Conn, ConnKey};
use crate::verdict::{Decision, Dir, Hop, RowIx, Stage, TrafficPath};
use crate::wire::{Headers, L4, Packet};

impl<R: Recorder> Walk<'_, R> {
    /// What the groups of `eni` say. `from` is the interface that sent the packet with its own address.
    pub(super) fn security_group(
        &mut self,
        packet: &Packet,
        eni: EniIx,
        dir: Dir,
        ports: (u16, u16),
        from: Option<EniIx>,
    ) -> Pass<RowIx> {
        let stage = if dir == Dir::In { Stage::SgIn(eni) } else { Stage::SgOut(eni) };
        let headers = &packet.headers;
        if headers.is_icmp_error()
            && let Some(by) = self.icmp_error_passes(packet, eni, dir)
        {
            self.record(stage, Decision::allow(by), true, *headers, packet);
            return Ok(by);
        }
        let key = ConnKey::new(eni, dir, headers, ports);
        let (now, fabric) = (self.now, self.fabric);
        let fresh = headers.tcp().is_some_and(|tcp| tcp.flags.is_first_syn());
        if let Some(conn) = self.flows.conns.get_mut(&key, now, &fabric.profile)
            && !(fresh && conn.is_closed())
        {
            conn.seen(now, dir, headers);
            let by = conn.founded_by;
            self.record(stage, Decision::allow(by), true, *headers, packet);
            return Ok(by);
        }

        let answer = eval::sg(fabric, eni, dir, &Key::new(headers, dir, ports), from);
        let by = answer.decision.by;
        let mid_stream = matches!(headers.l4, L4::Tcp(_)) && !fresh;
        let untracked_reply = self.is_untracked_reply(eni, dir, headers, ports);
        if let Some(by) = untracked_reply {
            self.pass(stage, packet, by);
            return Ok(by);
        }
        if !answer.decision.allow {
            self.hop(packet, || {
                let own = fabric.owns(eni, if dir == Dir::In { headers.dst } else { headers.src });
                let (len, next, path) = (packet.len(), None, TrafficPath::None);
                Hop { eni, dir, accepted: false, by, headers: *headers, len, next, path, own, blocked: false }
            });
            self.deny(stage, packet, by)?;
        } else {
            self.pass(stage, packet, by);
        }
        let automatic = self.is_auto_tracked(eni, dir, headers, from);
        let tracked = automatic || !self.is_untracked(eni, dir, headers, &answer);
        if tracked && (!mid_stream || fabric.profile.tracking_picks_up_mid_stream) && !headers.is_icmp_error() {
            self.flows.conns.insert(key, Conn::new(now, by, fabric.epoch, dir, automatic), &fabric.profile);
        }
        Ok(by)
    }

    /// Whether the rules leave an allowed first packet untracked (CT-2).
    fn is_untracked(&self, eni: EniIx, dir: Dir, headers: &Headers, answer: &SgAnswer) -> bool {
        let table = self.fabric.sg_sets[self.fabric.enis[eni].sg_set].table(dir.reversed());
        let open = table.open_to_all[usize::from(!headers.is_v4())];
        answer.for_all
            && match headers.protocol {
                Protocol::TCP => open.tcp,
                Protocol::UDP => open.udp,
                // CT-8: ICMP is always tracked.
                _ => false,
            }
    }

    /// The row that lets this packet pass as the reply of an untracked flow, if it is one: the flow the
    /// other way round would be allowed and untracked. A first SYN is no reply.
    fn is_untracked_reply(&self, eni: EniIx, dir: Dir, headers: &Headers, ports: (u16, u16)) -> Option<RowIx> {
        let set = &self.fabric.sg_sets[self.fabric.enis[eni].sg_set];
        let open = set.table(dir).open_to_all[usize::from(!headers.is_v4())];
        let possible = match headers.l4 {
            L4::Tcp(tcp) => open.tcp && !tcp.flags.is_first_syn(),
            L4::Udp(_) => open.udp,
            _ => false,
        };
        if !possible {
            return None;
        }
        let mut reversed = *headers;
        (reversed.src, reversed.dst) = (headers.dst, headers.src);
        let request =
            eval::sg(self.fabric, eni, dir.reversed(), &Key::new(&reversed, dir.reversed(), (ports.1, ports.0)), None);
        let is_reply = request.decision.allow && self.is_untracked(eni, dir.reversed(), headers, &request);
        // The reply's own row: the rule for everybody on all ports.
        is_reply.then(|| eval::sg(self.fabric, eni, dir, &Key::new(headers, dir, ports), None).decision.by)
    }

    /// Whether the path is tracked whatever the rules say (CT-5).
    fn is_auto_tracked(&self, eni: EniIx, dir: Dir, headers: &Headers, from: Option<EniIx>) -> bool {
        match dir {
            Dir::Out => self.leaves_auto_tracked(eni, headers.dst),
            Dir::In => from.is_some_and(|from| matches!(self.fabric.enis[from].kind, EniKind::Nat(_))),
        }
    }

    /// The row that lets an ICMP error about a flow of this interface pass without an ICMP rule (MTU-8):
    /// the flow is untracked, or tracked automatically; or the profile says that any tracked flow will do.
    fn icmp_error_passes(&mut self, packet: &Packet, eni: EniIx, dir: Dir) -> Option<RowIx> {
        let quoted = related::quoted(packet)?;
        // The error travels against the packet it is about.
        let about = dir.reversed();
        let ports = quoted.ports();
        let key = ConnKey::new(eni, about, &quoted, ports);
        let (now, fabric) = (self.now, self.fabric);
        if let Some(conn) = self.flows.conns.get_mut(&key, now, &fabric.profile) {
            return (conn.automatic || fabric.profile.icmp_errors_pass_tracked).then_some(conn.founded_by);
        }
        let answer = eval::sg(fabric, eni, about, &Key::new(&quoted, about, ports), None);
        if answer.decision.allow && self.is_untracked(eni, about, &quoted, &answer) {
            return Some(answer.decision.by);
        }
        self.is_untracked_reply(eni, about, &quoted, ports)
    }
}
