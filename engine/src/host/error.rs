//! ICMP errors about what the host sent (RFC 1122 section 4.2.3.9, RFC 5461).

use super::datagram::Key;
use super::tcp::Tuple;
use super::{Host, What};
use crate::base::{Instant, Protocol};
use crate::wire::{Icmp, L4, Packet, quote};

impl Host {
    pub(super) fn handle_error(&mut self, now: Instant, packet: &Packet) {
        let (Some(icmp), Some(about)) = (packet.headers.icmp(), quote::quoted(packet)) else { return };
        let from = packet.headers.src;
        let v4 = packet.headers.is_v4();
        let (unreachable, port) = if v4 { (Icmp::UNREACHABLE, 3) } else { (Icmp::V6_UNREACHABLE, 4) };
        let exceeded = if v4 { Icmp::TIME_EXCEEDED } else { Icmp::V6_TIME_EXCEEDED };
        let too_big = if v4 { (Icmp::UNREACHABLE, 4) } else { (Icmp::V6_TOO_BIG, 0) };
        let what = if (icmp.kind, icmp.code) == too_big {
            // RFC 1191 section 4: the low 16 bits; RFC 4443 section 3.2: all of them.
            let mtu = if v4 { icmp.rest & 0xffff } else { icmp.rest };
            self.paths.learn(about.dst, mtu, now);
            What::TooBig { from, mtu }
        } else if icmp.kind == exceeded {
            What::TimeExceeded { from }
        } else if icmp.kind == unreachable && icmp.code == port && about.protocol == Protocol::UDP {
            What::PortUnreachable { from }
        } else if icmp.kind == unreachable {
            What::Unreachable { from, kind: icmp.kind, code: icmp.code }
        } else {
            return;
        };
        let (local_port, remote_port) = about.ports();
        let tuple = Tuple { local: about.src, local_port, remote: about.dst, remote_port };
        let key = match about.l4 {
            L4::Tcp(_) => return self.handle_segment_error(now, &tuple, what),
            L4::Udp(_) => Key::Udp(tuple),
            L4::Icmp(echo) => Key::Echo(about.src, about.dst, echo.rest),
            // A later fragment: it cannot be known whose.
            L4::None => return,
        };
        if let Some((tag, _)) = self.asked.get(&key, now) {
            self.tell(now, tag, what);
        }
    }

    /// RFC 5461 section 4.1: an error ends a connection that is being opened, as Linux does; it does not end
    /// one that is established. Too big is neither: the path's MTU is known now, and the next transmission
    /// obeys it.
    fn handle_segment_error(&mut self, now: Instant, tuple: &Tuple, what: What) {
        let Some(connection) = self.connection_to(tuple) else { return };
        let (conn, tag, connecting) = (connection.id, connection.tag, connection.is_connecting());
        match what {
            What::Unreachable { .. } if connecting => {
                self.forget(now, conn, None);
                self.tell(now, tag, what);
            }
            What::TooBig { .. } => self.tell(now, tag, what),
            What::TimeExceeded { .. } if connecting => self.tell(now, tag, what),
            _ => {}
        }
    }
}
