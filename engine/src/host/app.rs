//! The applications at both ends of a connection.
//!
//! The client's first eight bytes are the number of bytes it wants back, big-endian; zeros follow. The
//! server sends that many zeros as soon as it has read the eight, whether or not the rest of the request
//! is there: it does not know how long a request is. It closes its side once the client has closed and
//! everything asked for is sent. Both read all that comes, at once.
//!
//! On a host with [`streams`](super::HostConfig::streams) both ends carry bytes of their owner's instead: what is
//! written goes out, what comes waits to be taken, and only the owner closes.

use smoltcp::socket::tcp::Socket;
use std::collections::VecDeque;

/// Bytes of the number.
const WANTED_LEN: u64 = 8;

/// One end's application.
#[derive(Clone, Debug)]
pub(super) struct App {
    server: bool,
    /// On the client what goes first; on the server what came first.
    wanted: [u8; WANTED_LEN as usize],
    /// Bytes put into the socket.
    written: u64,
    /// Bytes to put into it in all.
    to_write: u64,
    read: u64,
    /// No more will be asked of us: close when everything is written.
    closing: bool,
    /// The owner's bytes instead of counted zeros.
    stream: Option<Box<Bytes>>,
}

/// What a stream's owner has written and not yet taken.
#[derive(Clone, Default, Debug)]
struct Bytes {
    /// To put into the socket.
    out: VecDeque<u8>,
    /// Read from it.
    came: Vec<u8>,
}

impl App {
    pub(super) fn client(send: u64, receive: u64) -> Self {
        let to_write = if receive > 0 { send.max(WANTED_LEN) } else { send };
        Self { server: false, wanted: receive.to_be_bytes(), to_write, ..Self::server() }
    }
    pub(super) const fn server() -> Self {
        Self { server: true, wanted: [0; 8], written: 0, to_write: 0, read: 0, closing: false, stream: None }
    }
    /// Either end of a stream of bytes.
    pub(super) fn stream() -> Self {
        Self { server: false, stream: Some(Box::default()), ..Self::server() }
    }
    pub(super) const fn is_stream(&self) -> bool {
        self.stream.is_some()
    }
    /// Takes more bytes to send; a stream does not.
    pub(super) const fn write(&mut self, bytes: u64) {
        if !self.is_stream() {
            self.to_write = self.to_write.saturating_add(bytes);
        }
    }
    /// Takes more bytes to send, unless it is no stream or was closed.
    pub(super) fn write_bytes(&mut self, bytes: &[u8]) {
        if let Some(stream) = self.stream.as_mut().filter(|_| !self.closing) {
            stream.out.extend(bytes);
            self.to_write += bytes.len() as u64;
        }
    }
    /// What came on a stream since the last call.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        self.stream.as_mut().map(|stream| std::mem::take(&mut stream.came)).unwrap_or_default()
    }
    pub(super) const fn close(&mut self) {
        self.closing = true;
    }
    /// Bytes received.
    pub(super) const fn received(&self) -> u64 {
        self.read
    }
    /// Bytes that the peer has acknowledged.
    pub(super) fn acknowledged(&self, socket: &Socket<'_>) -> u64 {
        self.written.saturating_sub(socket.send_queue() as u64)
    }

    /// Reads, writes and closes as far as the socket lets it, with at most `window` bytes unacknowledged.
    /// True if the socket then has something to do.
    pub(super) fn run(&mut self, socket: &mut Socket<'_>, window: u64) -> bool {
        let busy = if self.is_stream() { self.run_stream(socket, window) } else { self.count(socket, window) };
        if self.closing && self.written == self.to_write && socket.may_send() {
            socket.close();
            return true;
        }
        busy
    }

    /// Reads and writes counted zeros. True if there were any.
    fn count(&mut self, socket: &mut Socket<'_>, window: u64) -> bool {
        let mut busy = false;
        while socket.can_recv() {
            let read = &mut self.read;
            let (server, wanted, to_write) = (self.server, &mut self.wanted, &mut self.to_write);
            let took = socket.recv(|data| {
                if server && *read < WANTED_LEN {
                    let at = *read as usize;
                    let len = data.len().min(wanted.len() - at);
                    wanted[at..at + len].copy_from_slice(&data[..len]);
                    if at + len == wanted.len() {
                        *to_write = to_write.saturating_add(u64::from_be_bytes(*wanted));
                    }
                }
                (data.len(), data.len())
            });
            let Ok(took) = took else { break };
            *read += took as u64;
            busy = true;
        }
        if self.server && !socket.may_recv() && socket.may_send() {
            self.closing = true;
        }
        while self.written < self.to_write && socket.can_send() {
            let room = window.saturating_sub(socket.send_queue() as u64);
            let (written, left) = (self.written, room.min(self.to_write - self.written));
            let head: &[u8] = if self.server { &[] } else { self.wanted.get(written as usize..).unwrap_or(&[]) };
            let put = socket.send(|buffer| {
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                buffer[..len].fill(0);
                let first = head.len().min(len);
                buffer[..first].copy_from_slice(&head[..first]);
                (len, len)
            });
            match put {
                Ok(put @ 1..) => self.written += put as u64,
                _ => break,
            }
            busy = true;
        }
        busy
    }

    /// Reads and writes a stream's bytes. True if there were any.
    fn run_stream(&mut self, socket: &mut Socket<'_>, window: u64) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let mut busy = false;
        while socket.can_recv() {
            let took = socket.recv(|data| {
                stream.came.extend_from_slice(data);
                (data.len(), data.len())
            });
            let Ok(took) = took else { break };
            self.read += took as u64;
            busy = true;
        }
        while !stream.out.is_empty() && socket.can_send() {
            let room = usize::try_from(window.saturating_sub(socket.send_queue() as u64)).unwrap_or(usize::MAX);
            let first = stream.out.as_slices().0;
            let Ok(put @ 1..) = socket.send_slice(&first[..first.len().min(room)]) else { break };
            stream.out.drain(..put);
            self.written += put as u64;
            busy = true;
        }
        busy
    }
}
