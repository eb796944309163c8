//! Which connection a TCP segment belongs to, and what those get that belong to none.

use super::app::App;
use super::tcp::{Around, Connection, Fate, TIME_WAIT, Tuple};
use super::{ConnId, Connect, Host, What};
use crate::base::{Instant, Protocol};
use crate::wire::{Packet, TcpFlags, quote};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Connections in TIME-WAIT: their ports stay taken, and a repeated FIN gets the last ACK again.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// Looked up, never walked.
    last: FxHashMap<Tuple, (Instant, Packet)>,
    order: VecDeque<(Instant, Tuple)>,
}

impl Finished {
    fn add(&mut self, now: Instant, tuple: Tuple, last: Packet) {
        self.last.insert(tuple, (now + TIME_WAIT, last));
        self.order.push_back((now + TIME_WAIT, tuple));
    }
    fn forget_old(&mut self, now: Instant) {
        while let Some((until, tuple)) = self.order.front()
            && *until <= now
        {
            if self.last.get(tuple).is_some_and(|(at, _)| at == until) {
                self.last.remove(tuple);
            }
            self.order.pop_front();
        }
    }
}

impl Host {
    /// Opens a TCP connection. Its SYN waits in [`poll_transmit`](Self::poll_transmit). An event tells how it
    /// went, also if it could not be tried.
    pub fn connect(&mut self, now: Instant, ask: Connect) -> ConnId {
        self.finished.forget_old(now);
        let id = self.new_conn();
        let possible = |address: IpAddr| !address.is_unspecified() && !address.is_multicast();
        let families = ask.src.is_ipv4() == ask.dst.is_ipv4();
        if !families || !possible(ask.src) || !possible(ask.dst) || ask.dst_port == 0 || ask.src_port == Some(0) {
            self.tell(now, ask.tag, What::Invalid { conn: id });
            return id;
        }
        let tuple = |local_port| Tuple { local: ask.src, local_port, remote: ask.dst, remote_port: ask.dst_port };
        let taken =
            |host: &Self, port| host.tuples.contains_key(&tuple(port)) || host.finished.last.contains_key(&tuple(port));
        let port = match ask.src_port {
            Some(port) => Some(port).filter(|port| !taken(self, *port)),
            None => self.free_port(taken),
        };
        let Some(port) = port else {
            self.tell(now, ask.tag, What::NoPort { conn: Some(id) });
            return id;
        };
        let tuple = tuple(port);
        let (interface, mtu) = self.interfaces.to(tuple.local, tuple.remote, &self.paths, now);
        let (out, events) = (&mut self.out, &mut self.events);
        let mut around = Around { now, interface, mtu, os: self.config.os, out, events };
        let app = if self.config.streams { App::stream() } else { App::client(ask.send, ask.receive) };
        let connection = Connection::connect(id, tuple, ask.tag, app, &mut around);
        self.tuples.insert(tuple, id);
        self.connections.insert(id, connection);
        self.serve(now, id, None);
        id
    }
    /// Sends more bytes on a connection. Nothing happens if it has ended or was closed, or is a stream.
    pub fn write(&mut self, now: Instant, conn: ConnId, bytes: u64) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.app.write(bytes);
            self.serve(now, conn, None);
        }
    }
    /// Sends these bytes on a stream, as soon as it is connected and the windows let it. What waits is not limited.
    /// Nothing happens if it has ended, was closed, or is no stream.
    pub fn write_bytes(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.app.write_bytes(bytes);
            self.serve(now, conn, None);
        }
    }
    /// The bytes that came on a stream since the last call, in order. What came before a stream ended can be taken
    /// once afterwards, unless [`abort`](Self::abort) ended it.
    pub fn take_bytes(&mut self, conn: ConnId) -> Vec<u8> {
        match self.connections.get_mut(&conn) {
            Some(connection) => connection.app.take_bytes(),
            None => self.left.remove(&conn).unwrap_or_default(),
        }
    }
    /// Closes our side of a connection once everything is sent; what the peer still sends is received. A
    /// connection that is not established yet is forgotten.
    pub fn close(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.app.close();
        if connection.is_connecting() {
            let tag = connection.tag;
            self.forget(now, conn, None);
            self.tell(now, tag, What::Closed { conn });
        } else {
            self.serve(now, conn, None);
        }
    }
    /// Ends a connection with a RST (RFC 9293 section 3.10.5). No event tells of it.
    pub fn abort(&mut self, now: Instant, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let tuple = connection.tuple;
        let (interface, mtu) = self.interfaces.to(tuple.local, tuple.remote, &self.paths, now);
        let (out, events) = (&mut self.out, &mut self.events);
        connection.abort(&mut Around { now, interface, mtu, os: self.config.os, out, events });
        connection.app.take_bytes();
        self.forget(now, conn, None);
    }

    pub(super) fn handle_segment(&mut self, now: Instant, packet: &Packet) {
        self.finished.forget_old(now);
        let Some(tcp) = packet.headers.tcp() else { return };
        let tuple = Tuple::of_received(packet);
        if let Some(&conn) = self.tuples.get(&tuple) {
            return self.serve(now, conn, Some(packet));
        }
        if let Some((_, last)) = self.finished.last.get(&tuple) {
            if tcp.flags.has(TcpFlags::RST) {
                // As Linux does (net.ipv4.tcp_rfc1337 = 0).
                self.finished.last.remove(&tuple);
                return;
            }
            // RFC 9293 section 3.10.7.4 lets a SYN reopen the connection; data and a FIN get the last ACK again.
            // An ACK alone gets nothing: two ends that both wait would answer each other for ever.
            if !tcp.flags.is_first_syn() {
                let data = packet.payload.len() > u32::from(tcp.options_len);
                if data || tcp.flags.has(TcpFlags::FIN) || tcp.flags.has(TcpFlags::SYN) {
                    let mut again = last.clone();
                    again.tag = packet.tag;
                    self.out.push_back(again);
                }
                return;
            }
            self.finished.last.remove(&tuple);
        }
        if tcp.flags.is_first_syn() && !tcp.flags.has(TcpFlags::RST) && self.listens(Protocol::TCP, tcp.dst_port) {
            let id = self.new_conn();
            let app = if self.config.streams { App::stream() } else { App::server() };
            self.connections.insert(id, Connection::listen(id, tuple, packet.tag, app, now));
            self.tuples.insert(tuple, id);
            return self.serve(now, id, Some(packet));
        }
        // RFC 9293 section 3.10.7.1: never a RST for a RST.
        if self.config.refuses
            && !tcp.flags.has(TcpFlags::RST)
            && let Some(mut reset) = quote::reset(packet)
        {
            reset.headers.ttl = super::ttl(self.config.os);
            self.out.push_back(reset);
        }
    }

    /// Lets a connection act, and sets its timer anew.
    pub(super) fn serve(&mut self, now: Instant, conn: ConnId, packet: Option<&Packet>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let tuple = connection.tuple;
        let (interface, mtu) = self.interfaces.to(tuple.local, tuple.remote, &self.paths, now);
        let (out, events) = (&mut self.out, &mut self.events);
        match connection.serve(packet, &mut Around { now, interface, mtu, os: self.config.os, out, events }) {
            Fate::Lives(next) => {
                if next != connection.armed {
                    connection.armed.map(|at| self.timers.remove(&(at, conn)));
                    next.map(|at| self.timers.insert((at, conn)));
                    connection.armed = next;
                }
            }
            Fate::Gone(last) => self.forget(now, conn, last),
        }
    }
    /// Drops a connection; with `last`, it stays in TIME-WAIT.
    pub(super) fn forget(&mut self, now: Instant, conn: ConnId, last: Option<Packet>) {
        let Some(mut connection) = self.connections.remove(&conn) else { return };
        let left = connection.app.take_bytes();
        if !left.is_empty() {
            self.left.insert(conn, left);
        }
        connection.armed.map(|at| self.timers.remove(&(at, conn)));
        self.tuples.remove(&connection.tuple);
        if let Some(last) = last {
            self.finished.add(now, connection.tuple, last);
        }
    }
    pub(super) fn connection_to(&self, tuple: &Tuple) -> Option<&Connection> {
        self.tuples.get(tuple).and_then(|conn| self.connections.get(conn))
    }
    const fn new_conn(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }
}
