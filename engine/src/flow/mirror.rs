//! Copies that a walk has made and nobody has sent yet.

use crate::base::ids::{EniIx, MirrorSessionIx};
use crate::verdict::Dir;
use crate::wire::Packet;

/// A copy of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorCopy {
    /// The session that made it.
    pub session: MirrorSessionIx,
    /// The interface whose packet it is a copy of.
    pub eni: EniIx,
    /// Which way the packet went there.
    pub dir: Dir,
    /// Length of that packet in bytes.
    pub len: u32,
    /// The copy, encapsulated.
    pub packet: Packet,
}
