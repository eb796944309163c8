//! Who speaks BGP with whom: two speakers at the ends of each line.
//!
//! Invariant: the speakers of a line are two in a row, the customer's (a Connect peer's appliance) first; of two routers the one with the lower number.

use crate::base::ids::{RouterIx, SpeakerIx, TgwAttachIx, TunnelIx, VifIx};
use crate::verdict::{LinkIx, Side};
use std::net::IpAddr;

/// What joins two speakers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Line {
    /// A tunnel of a VPN connection.
    Tunnel(TunnelIx),
    /// A virtual interface.
    Vif(VifIx),
    /// A link between two routers.
    Routers(LinkIx),
    /// A tunnel of a Connect attachment, by its position; each carries two sessions (BGP-50).
    Connect {
        /// The attachment.
        connect: TgwAttachIx,
        /// Position of the tunnel.
        tunnel: u8,
        /// Which of its two sessions.
        session: u8,
    },
}

/// One end of a BGP session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Speaker {
    /// What it speaks over.
    pub line: Line,
    /// Which end it is.
    pub side: Side,
    /// Its address on the line.
    pub address: IpAddr,
    /// The router that it is, if it is no gateway of AWS's.
    pub router: Option<RouterIx>,
}

impl SpeakerIx {
    /// The speaker at the other end of the line.
    #[must_use]
    pub const fn peer(self) -> Self {
        Self(self.0 ^ 1)
    }
}
