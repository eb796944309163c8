//! Stateful forwarding guests: firewalls that drop what belongs to no connection whose beginning they saw (GST-12).

use super::arrive::inside_of;
use super::{Recorder, Walk, related};
use crate::base::ids::GuestIx;
use crate::flow::Inside;
use crate::wire::Packet;

impl<R: Recorder> Walk<'_, R> {
    /// True if a stateful guest lets the packet through; it then knows both directions of its connection.
    pub(super) fn has_state(&mut self, packet: &Packet, guest: GuestIx) -> bool {
        let known = self.flows.firewalls.entry(guest).or_default();
        if packet.headers.is_icmp_error() {
            let Some(quoted) = related::quoted(packet) else { return false };
            let about = Packet { headers: quoted, ..packet.clone() };
            return inside_of(&about).is_some_and(|flow| known.contains(&flow));
        }
        let Some(flow) = inside_of(packet) else { return true };
        if known.contains(&flow) {
            return true;
        }
        let begins = match packet.headers.tcp() {
            Some(tcp) => tcp.flags.is_first_syn(),
            None => !packet.headers.is_echo_reply(),
        };
        if begins {
            known.insert(flow);
            known.extend(Inside::answering(&packet.headers));
        }
        begins
    }
}
