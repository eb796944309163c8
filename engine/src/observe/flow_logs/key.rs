//! What flows are told apart by: small, and quick to hash.

use crate::record::flow_log::Action;
use crate::verdict::Dir;
use crate::wire::Headers;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// What flows are told apart by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) ports: u32,
    pub(super) subject: u32,
    /// Protocol, direction, action.
    rest: u32,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                state.write_u64(u64::from(u32::from(src)) << 32 | u64::from(u32::from(dst)));
            }
            (src, dst) => {
                src.hash(state);
                dst.hash(state);
            }
        }
        state.write_u64(u64::from(self.ports) << 32 | u64::from(self.subject));
        state.write_u32(self.rest);
    }
}

impl Key {
    pub(super) fn new(subject: u32, dir: Dir, action: Action, h: &Headers) -> Self {
        let (src_port, dst_port) = h.ports();
        let rest = u32::from(h.protocol.0) | (dir as u32) << 8 | (action as u32) << 9;
        Self { src: h.src, dst: h.dst, ports: u32::from(src_port) << 16 | u32::from(dst_port), subject, rest }
    }
    pub(super) const fn dir(&self) -> Dir {
        if self.rest >> 8 & 1 == 0 { Dir::In } else { Dir::Out }
    }
    pub(super) const fn action(&self) -> Action {
        match self.rest >> 9 {
            0 => Action::Accept,
            1 => Action::Reject,
            _ => Action::Blocked,
        }
    }
    pub(super) const fn protocol(&self) -> u8 {
        self.rest as u8
    }
}
