//! The script of a TCP connection: handshake, request, response, and the client closes.
//!
//! Segments are acknowledged every two, and where the sender says that it waits (PSH); what comes out of order is
//! thrown away and repeated, from the first byte that is missing.

use super::flow::{Around, Flow, Half, Phase, WINDOW_FIRST, WINDOW_MAX};
use super::packet::{Ends, Segment, mss_of, segment, with_mss};
use super::tally::End;
use super::{Answer, Local};
use crate::event::HostRef;
use crate::wire::{Packet, TcpFlags, quote};

const PSH_ACK: TcpFlags = TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0);
const FIN_ACK: TcpFlags = TcpFlags(TcpFlags::FIN.0 | TcpFlags::ACK.0);

/// The client's first segment.
pub(super) fn syn(flow: &Flow) -> Packet {
    let s = Segment { flags: TcpFlags::SYN, seq: flow.request.first, ack: 0, data: 0 };
    with_mss(segment(&flow.near, flow.request.ttl, flow.tag, s), flow.local.mss(flow.near.src.is_ipv4()))
}

impl Half {
    /// The sequence number of byte `n` of the data.
    const fn seq(&self, n: u64) -> u32 {
        self.first.wrapping_add(1).wrapping_add(n as u32)
    }

    /// What a number that is near byte `around` stands for.
    const fn byte(&self, seq: u32, around: u64) -> u64 {
        let ahead = seq.wrapping_sub(self.seq(around)) as i32;
        around.saturating_add_signed(ahead as i64)
    }

    /// The other end has acknowledged everything before this number.
    fn acknowledged(&mut self, ack: u32) -> bool {
        let upto = self.byte(ack, self.acked).min(self.total);
        if upto <= self.acked {
            return false;
        }
        let segments = (upto - self.acked).div_ceil(u64::from(self.mss.max(1)));
        self.window = self.window.saturating_add(segments.min(64) as u16).min(WINDOW_MAX);
        self.acked = upto;
        self.sent = self.sent.max(upto);
        true
    }

    const fn is_sent(&self) -> bool {
        self.sent >= self.total
    }
}

/// The ends of a flow: what sends the request, or what sends the response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Sends what the window lets; true if something was sent.
fn push(flow: &mut Flow, side: Side, around: &mut Around<'_>) -> bool {
    let Some((host, ends)) = sender(flow, side) else { return false };
    let tag = flow.tag;
    let (half, other) = halves(flow, side);
    let ack = other.seq(other.got);
    let mut any = false;
    while half.sent < half.total && half.sent < half.acked + u64::from(half.window) * u64::from(half.mss) {
        let data = (half.total - half.sent).min(u64::from(half.mss)) as u32;
        let next = half.sent + u64::from(data);
        let last = next >= half.total || next >= half.acked + u64::from(half.window) * u64::from(half.mss);
        let flags = if last { PSH_ACK } else { TcpFlags::ACK };
        let s = Segment { flags, seq: half.seq(half.sent), ack, data };
        around.send(host, segment(&ends, half.ttl, tag, s));
        half.sent = next;
        any = true;
    }
    if any {
        other.owed = 0;
    }
    any
}

/// Sends a segment without data; `fins` are those that this side has sent and got before.
fn say(flow: &mut Flow, side: Side, flags: TcpFlags, fins: (u32, u32), around: &mut Around<'_>) {
    let Some((host, ends)) = sender(flow, side) else { return };
    let tag = flow.tag;
    let (half, other) = halves(flow, side);
    let (seq, ack) = (half.seq(half.sent).wrapping_add(fins.0), other.seq(other.got).wrapping_add(fins.1));
    other.owed = 0;
    around.send(host, segment(&ends, half.ttl, tag, Segment { flags, seq, ack, data: 0 }));
}

/// Acknowledges what came.
fn acknowledge(flow: &mut Flow, side: Side, around: &mut Around<'_>) {
    let closed = u32::from(side == Side::Client && flow.phase == Phase::Closing);
    say(flow, side, TcpFlags::ACK, (closed, 0), around);
}

fn sender(flow: &Flow, side: Side) -> Option<(HostRef, Ends)> {
    match side {
        Side::Client => Some((flow.client, flow.near)),
        Side::Server => flow.server,
    }
}

/// What this side sends, and what it gets.
const fn halves(flow: &mut Flow, side: Side) -> (&mut Half, &mut Half) {
    match side {
        Side::Client => (&mut flow.request, &mut flow.response),
        Side::Server => (&mut flow.response, &mut flow.request),
    }
}

/// The client has everything: it closes.
fn close(flow: &mut Flow, around: &mut Around<'_>) {
    flow.phase = Phase::Closing;
    say(flow, Side::Client, FIN_ACK, (0, 0), around);
    flow.progress(around.now);
}

/// Data came to `side`; true if it was the next.
fn receive(flow: &mut Flow, side: Side, packet: &Packet, around: &mut Around<'_>) -> bool {
    let Some(tcp) = packet.headers.tcp() else { return false };
    let data = u64::from(packet.payload.len() - u32::from(tcp.options_len).min(packet.payload.len()));
    if data == 0 {
        return false;
    }
    let (_, other) = halves(flow, side);
    let at = other.byte(tcp.seq, other.got);
    if at > other.got || at + data <= other.got {
        // Something is missing, or it came before: say what is expected.
        acknowledge(flow, side, around);
        return false;
    }
    let new = at + data - other.got;
    other.got += new;
    other.owed += 1;
    let (all, asks) = (other.got >= other.total, tcp.flags.has(TcpFlags::PSH) || other.owed >= 2);
    around.tally.bytes += new;
    flow.progress(around.now);
    // The end of the request is acknowledged by the response, that of the response by the FIN.
    let follows = all && (side == Side::Client || flow.response.total > 0);
    if asks && !follows {
        acknowledge(flow, side, around);
    }
    true
}

/// The client takes a segment.
pub(super) fn client(flow: &mut Flow, packet: &Packet, around: &mut Around<'_>) -> Option<End> {
    let tcp = packet.headers.tcp()?;
    if tcp.flags.has(TcpFlags::RST) {
        return Some(if flow.phase == Phase::Opening { End::Refused } else { End::Reset });
    }
    if tcp.flags.has(TcpFlags::SYN_ACK) {
        let first = flow.phase == Phase::Opening;
        if first {
            flow.phase = Phase::Open;
            flow.response.first = tcp.seq;
            flow.request.mss = flow.local.mss(packet.headers.is_v4()).min(mss_of(packet)).max(1);
            flow.request.window = WINDOW_FIRST;
            flow.progress(around.now);
        }
        acknowledge(flow, Side::Client, around);
        if first {
            push(flow, Side::Client, around);
        }
    } else if flow.phase == Phase::Opening {
        return None;
    } else if tcp.flags.has(TcpFlags::FIN) && flow.phase == Phase::Closing {
        say(flow, Side::Client, TcpFlags::ACK, (1, 1), around);
        return Some(End::Completed);
    } else {
        if flow.request.acknowledged(tcp.ack) {
            flow.progress(around.now);
            push(flow, Side::Client, around);
        }
        receive(flow, Side::Client, packet, around);
    }
    let done = flow.request.acked >= flow.request.total && flow.response.got >= flow.response.total;
    if done && flow.phase == Phase::Open {
        close(flow, around);
    }
    None
}

/// The server takes a segment.
pub(super) fn server(
    flow: &mut Flow,
    host: HostRef,
    packet: &Packet,
    local: Local,
    around: &mut Around<'_>,
) -> Option<End> {
    let tcp = packet.headers.tcp()?;
    let back = Ends::back(&packet.headers);
    if tcp.flags.is_first_syn() {
        match local.answer {
            Answer::Takes => {
                if flow.phase != Phase::Opening {
                    return None;
                }
                flow.server = Some((host, back));
                let mss = local.mss(packet.headers.is_v4());
                flow.response.mss = mss.min(mss_of(packet)).max(1);
                flow.response.window = WINDOW_FIRST;
                flow.response.ttl = local.ttl;
                let (seq, ack) = (flow.response.first, flow.request.seq(0));
                let s = Segment { flags: TcpFlags::SYN_ACK, seq, ack, data: 0 };
                around.send(host, with_mss(segment(&back, local.ttl, flow.tag, s), mss));
            }
            Answer::Refuses => {
                if let Some(reset) = quote::reset(packet) {
                    around.send(host, reset);
                }
            }
            Answer::Nothing => {}
        }
        return None;
    }
    // Nobody there knows it, or the other side is another than the one that began.
    if flow.server != Some((host, back)) {
        return None;
    }
    if tcp.flags.has(TcpFlags::RST) {
        return Some(End::Reset);
    }
    if tcp.flags.has(TcpFlags::FIN) {
        if flow.request.byte(tcp.seq, flow.request.got) == flow.request.got {
            flow.response.acknowledged(tcp.ack);
            say(flow, Side::Server, FIN_ACK, (0, 1), around);
        }
        return None;
    }
    // Who is asked for nothing speaks first.
    let mut wants = receive(flow, Side::Server, packet, around) || flow.request.total == 0;
    if flow.response.acknowledged(tcp.ack) {
        flow.progress(around.now);
        wants = true;
    }
    if wants && flow.request.got >= flow.request.total && !flow.response.is_sent() {
        push(flow, Side::Server, around);
    }
    None
}

/// A probe's answer: it is there. A RST, as the kernel sends for a connection that it does not know.
pub(super) fn probed(flow: &mut Flow, packet: &Packet, around: &mut Around<'_>) -> Option<End> {
    let tcp = packet.headers.tcp()?;
    if tcp.flags.has(TcpFlags::RST) {
        return Some(End::Refused);
    }
    if !tcp.flags.has(TcpFlags::SYN_ACK) {
        return None;
    }
    let s = Segment { flags: TcpFlags::RST, seq: tcp.ack, ack: 0, data: 0 };
    around.send(flow.client, segment(&flow.near, flow.request.ttl, flow.tag, s));
    Some(End::Completed)
}

/// The path takes no packets of this size.
pub(super) fn too_big(flow: &mut Flow, of_client: bool, mtu: u32, around: &mut Around<'_>) {
    let side = if of_client { Side::Client } else { Side::Server };
    let headers = if flow.near.src.is_ipv4() { 40 } else { 60 };
    let mss = u16::try_from(mtu.saturating_sub(headers)).unwrap_or(u16::MAX).max(1);
    let (half, _) = halves(flow, side);
    if mss < half.mss {
        half.mss = mss;
        half.sent = half.acked;
        push(flow, side, around);
    }
}

/// Nothing has moved for a while: what was not acknowledged goes out again.
pub(super) fn repeat(flow: &mut Flow, around: &mut Around<'_>) {
    if flow.phase == Phase::Closing {
        return say(flow, Side::Client, FIN_ACK, (0, 0), around);
    }
    for side in [Side::Client, Side::Server] {
        let served = flow.request.got >= flow.request.total;
        let (half, _) = halves(flow, side);
        if half.acked < half.total && (side == Side::Client || served) {
            half.sent = half.acked;
            half.window = 1;
            push(flow, side, around);
        }
    }
    // The acknowledgement of a request that nothing answers was lost.
    if flow.request.acked < flow.request.total || flow.response.total > 0 {
        return;
    }
    close(flow, around);
}
