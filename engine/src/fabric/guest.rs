//! Compiled guests: what an instance's operating system does with packets.

use crate::base::ids::EniIx;
use crate::base::{Bandwidth, PortRange, Protocol};
pub use crate::spec::GuestOs;

/// Ephemeral ports of a host whose system is not described: those of Linux and Windows together (GST-2).
pub const EPHEMERAL: PortRange = PortRange { from: 32768, to: 65535 };

/// A guest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guest {
    /// Its interfaces by device index; the first is the primary one.
    pub enis: Box<[EniIx]>,
    /// True while the instance is running.
    pub running: bool,
    /// Operating system.
    pub os: GuestOs,
    /// Ephemeral ports.
    pub ephemeral: PortRange,
    /// What listens; nothing if it is not described.
    pub listeners: Option<Box<[(Protocol, u16)]>>,
    /// Whether it answers echo requests.
    pub answers_ping: bool,
    /// What it does with packets for others.
    pub forwarding: Forwarding,
    /// Bandwidth each way.
    pub bandwidth: Bandwidth,
    /// MTU of its interfaces.
    pub mtu: u32,
}

/// What a guest does with packets that are not for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forwarding {
    /// Drops them.
    Off,
    /// Not described.
    Unknown,
    /// Forwards them.
    On {
        /// Rewrites the source to the primary interface's address (NAT instance).
        masquerade: bool,
        /// Drops what belongs to no connection whose first packet it forwarded.
        stateful: bool,
    },
}

impl Guest {
    /// Whether something listens; nothing if it is not described.
    #[must_use]
    pub fn listens(&self, protocol: Protocol, port: u16) -> Option<bool> {
        self.listeners.as_ref().map(|l| l.binary_search(&(protocol, port)).is_ok())
    }
}
