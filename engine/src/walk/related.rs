//! ICMP errors and the packets they quote, where a translator has to look inside.

use super::arrive::{outside_of, set_destination};
use crate::base::Instant;
use crate::flow::{Inside, Outside, Translator};
use crate::wire::{Headers, Packet, quote};

/// The headers that an ICMP error quotes.
pub(super) fn quoted(packet: &Packet) -> Option<Headers> {
    quote::quoted(packet)
}

/// Translates a packet that comes back to a translator: the reply of a live flow, or an ICMP error
/// about one, whose quoted packet is translated too (MTU-9; RFC 5508 section 4). Gives the flow.
pub(super) fn translate_back(packet: &mut Packet, table: &mut Translator, now: Instant) -> Option<Inside> {
    if packet.headers.is_icmp_error() {
        let quoted = quoted(packet)?;
        let outside = quoted_outside(&quoted);
        let (inside, _) = table.incoming(&outside, now)?;
        let mut rewritten = quoted;
        rewritten.src = inside.src;
        set_quoted_source_port(&mut rewritten, inside.src_port);
        quote::requote(packet, &rewritten);
        packet.headers.dst = inside.src;
        return Some(inside);
    }
    // A request from outside answers nothing, even with an identifier that is in use.
    if packet.headers.is_echo_request() {
        return None;
    }
    let outside = outside_of(packet);
    let (inside, translation) = table.incoming(&outside, now)?;
    translation.last = now;
    if packet.headers.tcp().is_some_and(|tcp| tcp.flags.has(crate::wire::TcpFlags::RST)) {
        translation.closed = true;
    }
    set_destination(packet, inside.src, inside.src_port);
    Some(inside)
}

/// The same, for pieces of a datagram too: those that are not the first have no ports of their own, `ports` are the datagram's.
pub(super) fn piece_back(
    packet: &mut Packet,
    table: &mut Translator,
    ports: (u16, u16),
    now: Instant,
) -> Option<Inside> {
    let h = packet.headers;
    if h.fragment.offset == 0 {
        return translate_back(packet, table, now);
    }
    let outside = Outside { protocol: h.protocol, own: h.dst, own_port: ports.1, remote: h.src, remote_port: ports.0 };
    let (inside, _) = table.incoming(&outside, now)?;
    packet.headers.dst = inside.src;
    Some(inside)
}

/// The flow that a quoted packet, sent by the translator, belongs to.
fn quoted_outside(quoted: &Headers) -> Outside {
    let (own_port, remote_port) = match quoted.icmp() {
        Some(icmp) => ((icmp.rest >> 16) as u16, 0),
        None => quoted.ports(),
    };
    Outside { protocol: quoted.protocol, own: quoted.src, own_port, remote: quoted.dst, remote_port }
}

fn set_quoted_source_port(quoted: &mut Headers, port: u16) {
    match &mut quoted.l4 {
        crate::wire::L4::Icmp(icmp) => icmp.rest = u32::from(port) << 16 | icmp.rest & 0xffff,
        _ => quoted.set_src_port(port),
    }
}
