//! One TCP connection: a smoltcp socket in a set of its own, and the timers that smoltcp lacks.
//!
//! smoltcp does the segments, the windows, retransmission of data and, from the first loss on, congestion
//! control (Reno). Here are: the SYN schedule and when to give up, the limits of a handshake, of sending
//! without an answer and of FIN-WAIT-2, slow start up to the first loss (smoltcp's would start with 2,048
//! bytes), and what the application is told. Unlike Linux: the retransmission timeout of data starts
//! at 1 s and is at least 1 s (Linux: 200 ms), also after a "too big" (Linux: at once); an ACK waits for
//! 10 ms (Linux: 40 ms); after the first loss Reno begins with 2,048 bytes (Linux: Cubic); no timestamps;
//! lost segments are repeated from the first gap on, without selective acknowledgement; fixed buffers.
//!
//! Invariant: a connection that was never answered sends nothing but its SYNs, never a RST.

use super::app::App;
use super::device::{Device, instant, micros};
use super::{ConnId, HostEvent, What};
use crate::base::{Instant, Nanos};
use crate::spec::GuestOs;
use crate::wire::{L4, Packet, Tcp, TcpFlags};
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Send and receive buffer of a connection. Above 65,535 smoltcp offers window scaling (RFC 7323).
pub const BUFFER: usize = 256 * 1024;
/// The same for a stream of bytes: a speaker's messages are small.
pub const STREAM_BUFFER: usize = 64 * 1024;
/// Segments that a connection may send before the first is acknowledged (Linux `TCP_INIT_CWND`; RFC 6928).
pub const FIRST_WINDOW: u64 = 10;
/// smoltcp's smallest retransmission timeout.
const RETRANSMIT_MIN: Nanos = Nanos::from_secs(1);
/// How long a listener waits for the end of a handshake: Linux `net.ipv4.tcp_synack_retries` = 5, 1 + 2 + 4 + ... + 32 s.
pub const SYN_ACK_GIVE_UP: Nanos = Nanos::from_secs(63);
/// How long data or a FIN stays without any answer: Linux `net.ipv4.tcp_retries2` = 15, 924.6 s from its 200 ms.
pub const DATA_GIVE_UP: Nanos = Nanos::from_millis(924_600);
/// How long a closed end waits for the peer's FIN (Linux `net.ipv4.tcp_fin_timeout`).
pub const FIN_WAIT_2: Nanos = Nanos::from_secs(60);
/// How long a finished connection's ports stay taken (Linux `TCP_TIMEWAIT_LEN`).
pub const TIME_WAIT: Nanos = Nanos::from_secs(60);

/// Seconds from the first SYN to each, and to giving up.
pub(crate) const fn syn_schedule(os: GuestOs) -> (&'static [u64], u64) {
    match os {
        // net.ipv4.tcp_syn_retries = 6
        GuestOs::Linux => (&[0, 1, 3, 7, 15, 31, 63], 127),
        GuestOs::Windows => (&[0, 3, 9], 21),
    }
}

/// The two ends, ours first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tuple {
    pub(super) local: IpAddr,
    pub(super) local_port: u16,
    pub(super) remote: IpAddr,
    pub(super) remote_port: u16,
}

impl Tuple {
    /// Of a packet that we receive.
    pub(super) const fn of_received(packet: &Packet) -> Self {
        let (remote_port, local_port) = packet.headers.ports();
        Self { local: packet.headers.dst, local_port, remote: packet.headers.src, remote_port }
    }
}

/// What a connection needs of its host while it is served.
pub(super) struct Around<'a> {
    pub(super) now: Instant,
    pub(super) interface: &'a mut Interface,
    pub(super) mtu: u32,
    pub(super) os: GuestOs,
    pub(super) out: &'a mut VecDeque<Packet>,
    pub(super) events: &'a mut VecDeque<HostEvent>,
}

/// Whether a connection lives on.
pub(super) enum Fate {
    /// It does, and wants to be looked at then.
    Lives(Option<Instant>),
    /// It does not; the packet is what a repeated FIN of the peer is answered with.
    Gone(Option<Packet>),
}

/// A connection.
pub(super) struct Connection {
    pub(super) id: ConnId,
    pub(super) tuple: Tuple,
    pub(super) tag: u32,
    pub(super) app: App,
    /// When the host has it down for being looked at.
    pub(super) armed: Option<Instant>,
    set: SocketSet<'static>,
    handle: SocketHandle,
    client: bool,
    opened: Instant,
    /// The SYN and how often it went out, until it is answered.
    syn: Option<(Packet, u32)>,
    established: bool,
    peer_closed: bool,
    told_received: u64,
    told_sent: u64,
    /// Since when something of ours is without an answer.
    unanswered: Option<Instant>,
    fin_wait: Option<Instant>,
    last_sent: Option<Packet>,
    /// Sequence number after the last byte sent.
    sent_to: Option<u32>,
    /// Something was sent twice: Reno rules.
    lost: bool,
}

impl Connection {
    fn new(id: ConnId, tuple: Tuple, tag: u32, app: App, client: bool, now: Instant) -> Self {
        let len = if app.is_stream() { STREAM_BUFFER } else { BUFFER };
        let buffer = || SocketBuffer::new(vec![0; len]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_congestion_control(CongestionControl::None);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        Self {
            id,
            tuple,
            tag,
            app,
            armed: None,
            set,
            handle,
            client,
            opened: now,
            syn: None,
            established: false,
            peer_closed: false,
            told_received: 0,
            told_sent: 0,
            unanswered: None,
            fin_wait: None,
            last_sent: None,
            sent_to: None,
            lost: false,
        }
    }
    /// A connection that we open. It sends its SYN when it is served.
    pub(super) fn connect(id: ConnId, tuple: Tuple, tag: u32, app: App, around: &mut Around<'_>) -> Self {
        let mut new = Self::new(id, tuple, tag, app, true, around.now);
        let (remote, local) = ((tuple.remote, tuple.remote_port), (tuple.local, tuple.local_port));
        new.socket().connect(around.interface.context(), remote, local).expect("checked by the host");
        new
    }
    /// A connection that somebody opens. It takes the SYN when it is served.
    pub(super) fn listen(id: ConnId, tuple: Tuple, tag: u32, app: App, now: Instant) -> Self {
        let mut new = Self::new(id, tuple, tag, app, false, now);
        new.socket().listen((tuple.local, tuple.local_port)).expect("the port is not 0");
        new
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }
    fn state(&self) -> State {
        self.set.get::<Socket<'static>>(self.handle).state()
    }
    fn tell(&self, around: &mut Around<'_>, what: What) {
        around.events.push_back(HostEvent { tag: self.tag, at: around.now, what });
    }
    /// True until the peer answered our SYN.
    pub(super) fn is_connecting(&self) -> bool {
        self.state() == State::SynSent
    }

    /// Lets the connection take a packet, act on its timers and send.
    pub(super) fn serve(&mut self, packet: Option<&Packet>, around: &mut Around<'_>) -> Fate {
        let (conn, before) = (self.id, self.state());
        if packet.is_none()
            && let Some(gone) = self.give_up(around)
        {
            return gone;
        }
        if packet.is_none() && self.unanswered.is_some_and(|since| around.now.since(since) >= RETRANSMIT_MIN) {
            self.slow_down();
        }
        let mut device = Device::new(around.mtu, packet);
        loop {
            around.interface.poll(micros(around.now), &mut device, &mut self.set);
            self.send(&mut device, around);
            self.tell_handshake(around);
            let window = self.window(around.mtu);
            let Self { app, set, handle, .. } = self;
            if !self.established || !app.run(set.get_mut::<Socket<'static>>(*handle), window) {
                break;
            }
        }
        self.tell_progress(around);
        let reset = packet.and_then(|p| p.headers.tcp()).is_some_and(|tcp| tcp.flags.has(TcpFlags::RST));
        match self.state() {
            State::Closed => {
                let what = match before {
                    State::SynSent if reset => What::Refused { conn },
                    _ if reset => What::Reset { conn },
                    _ => What::Closed { conn },
                };
                self.tell(around, what);
                return Fate::Gone(None);
            }
            // smoltcp goes back to listening when a RST ends the handshake, and stays there if it disliked the SYN.
            State::Listen => return Fate::Gone(None),
            _ => {}
        }
        let next = around.interface.poll_at(micros(around.now), &self.set).map(instant);
        // RFC 9293 section 3.6: TIME-WAIT. Once the last ACK is out, it is all that is left to repeat.
        if self.state() == State::TimeWait && next.is_none_or(|at| at.since(around.now) > Nanos::from_secs(1)) {
            self.tell(around, What::Closed { conn });
            return Fate::Gone(self.last_sent.take());
        }
        self.watch(packet.is_some(), around.now);
        Fate::Lives(self.deadline(next, around))
    }

    /// Sends a RST, if the peer knows of the connection, and ends.
    pub(super) fn abort(&mut self, around: &mut Around<'_>) {
        if !matches!(self.state(), State::SynSent | State::Listen) {
            self.socket().abort();
            let mut device = Device::new(around.mtu, None);
            around.interface.poll(micros(around.now), &mut device, &mut self.set);
            self.send(&mut device, around);
        }
    }

    /// Passes on what smoltcp sends, except for SYNs that it repeats on a schedule of its own.
    fn send(&mut self, device: &mut Device, around: &mut Around<'_>) {
        for mut packet in device.take_sent(self.tag) {
            packet.headers.ttl = super::ttl(around.os);
            let L4::Tcp(tcp) = packet.headers.l4 else { continue };
            if tcp.flags.is_first_syn() {
                if self.syn.is_some() {
                    continue;
                }
                self.syn = Some((packet.clone(), 1));
                self.tell(around, What::SynSent { conn: self.id, n: 1 });
            }
            let data = packet.payload.len() - u32::from(tcp.options_len);
            let flags = tcp.flags.0 & (TcpFlags::SYN.0 | TcpFlags::FIN.0);
            let end = tcp.seq.wrapping_add(data + flags.count_ones());
            // RFC 9293 section 3.4: sequence numbers compare modulo 2^32.
            let behind = |at: u32| self.sent_to.filter(|to| at.wrapping_sub(*to) as i32 <= 0);
            match behind(end) {
                // Section 3.10.7.4: an ACK has SND.NXT. smoltcp gives it the place it repeats from, and two ends
                // that repeat at the same time would refuse each other's ACKs for ever.
                Some(to) if end == tcp.seq && !tcp.flags.has(TcpFlags::RST) => {
                    packet.headers.l4 = L4::Tcp(Tcp { seq: to, ..tcp });
                }
                Some(_) if data > 0 => self.slow_down(),
                Some(_) => {}
                None => self.sent_to = Some(end),
            }
            self.last_sent = Some(packet.clone());
            around.out.push_back(packet);
        }
    }

    /// Bytes that may be unacknowledged: RFC 5681 section 3.1's slow start, until something is lost.
    fn window(&self, mtu: u32) -> u64 {
        if self.lost {
            return u64::MAX;
        }
        let segment = u64::from(mtu) - if self.tuple.local.is_ipv4() { 40 } else { 60 };
        FIRST_WINDOW * segment + self.app.acknowledged(self.set.get(self.handle))
    }
    /// Something was lost: smoltcp's congestion control takes over.
    fn slow_down(&mut self) {
        if !self.lost {
            self.lost = true;
            self.socket().set_congestion_control(CongestionControl::Reno);
        }
    }

    fn tell_handshake(&mut self, around: &mut Around<'_>) {
        if self.established
            || matches!(self.state(), State::SynSent | State::SynReceived | State::Listen | State::Closed)
        {
            return;
        }
        self.established = true;
        self.syn = None;
        let (conn, tuple) = (self.id, self.tuple);
        let what = if self.client {
            What::Connected { conn, elapsed: around.now.since(self.opened) }
        } else {
            What::Accepted { conn, from: tuple.remote, from_port: tuple.remote_port, port: tuple.local_port }
        };
        self.tell(around, what);
    }

    fn tell_progress(&mut self, around: &mut Around<'_>) {
        let conn = self.id;
        let (received, sent) = (self.app.received(), self.app.acknowledged(self.set.get(self.handle)));
        if received > self.told_received {
            self.told_received = received;
            self.tell(around, What::Received { conn, bytes: received });
        }
        if sent > self.told_sent {
            self.told_sent = sent;
            self.tell(around, What::Sent { conn, bytes: sent });
        }
        let closed = matches!(self.state(), State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if closed && !self.peer_closed {
            self.peer_closed = true;
            self.tell(around, What::PeerClosed { conn });
        }
    }

    /// Sets the clocks that smoltcp does not have.
    fn watch(&mut self, heard: bool, now: Instant) {
        let state = self.state();
        let waits = self.set.get::<Socket<'static>>(self.handle).send_queue() > 0
            || matches!(state, State::FinWait1 | State::Closing | State::LastAck);
        self.unanswered = match self.unanswered {
            Some(since) if waits && !heard => Some(since),
            _ => (waits && self.established).then_some(now),
        };
        self.fin_wait = match self.fin_wait {
            Some(since) if !heard => Some(since),
            _ => (state == State::FinWait2).then_some(now),
        };
    }

    /// When this connection is to be given up.
    fn limit(&self, os: GuestOs) -> Option<Instant> {
        match self.state() {
            State::SynSent => Some(self.opened + Nanos::from_secs(syn_schedule(os).1)),
            State::SynReceived => Some(self.opened + SYN_ACK_GIVE_UP),
            State::FinWait2 => self.fin_wait.map(|since| since + FIN_WAIT_2),
            _ => self.unanswered.map(|since| since + DATA_GIVE_UP),
        }
    }
    /// When the next SYN is due.
    fn next_syn(&self, os: GuestOs) -> Option<Instant> {
        let (_, sent) = self.syn.as_ref()?;
        syn_schedule(os).0.get(*sent as usize).map(|second| self.opened + Nanos::from_secs(*second))
    }
    fn deadline(&self, smoltcp: Option<Instant>, around: &Around<'_>) -> Option<Instant> {
        let own = self.limit(around.os);
        let next = if self.is_connecting() {
            self.next_syn(around.os)
        } else {
            // What is due has just been done: never the same microsecond again.
            smoltcp.map(|at| at.max(around.now + Nanos::from_micros(1)))
        };
        [own, next].into_iter().flatten().min()
    }

    /// Acts on our own timers: repeats a SYN, or ends a connection without a word to the peer, as a host
    /// does whose peer has stopped answering.
    fn give_up(&mut self, around: &mut Around<'_>) -> Option<Fate> {
        let conn = self.id;
        if self.limit(around.os).is_some_and(|at| at <= around.now) {
            match self.state() {
                State::SynReceived if !self.client => {}
                State::FinWait2 => self.tell(around, What::Closed { conn }),
                _ => {
                    let syns = self.syn.as_ref().map_or(0, |(_, sent)| *sent);
                    self.tell(around, What::TimedOut { conn, syns });
                }
            }
            return Some(Fate::Gone(None));
        }
        if !self.is_connecting() || self.syn.is_none() {
            return None;
        }
        while self.next_syn(around.os).is_some_and(|at| at <= around.now) {
            let Some((syn, sent)) = &mut self.syn else { break };
            *sent += 1;
            let n = *sent;
            around.out.push_back(syn.clone());
            self.tell(around, What::SynSent { conn, n });
            if n == 2 {
                // smoltcp must know that the SYN was repeated, or it takes the wait for a round trip and its
                // timeout grows to a minute (RFC 6298 section 3). Once: each time would double the timeout,
                // which is to begin at about 3 s (section 5.7). Its own SYN is thrown away.
                let mut device = Device::new(around.mtu, None);
                around.interface.poll(micros(around.now), &mut device, &mut self.set);
            }
        }
        Some(Fate::Lives(self.deadline(None, around)))
    }
}
