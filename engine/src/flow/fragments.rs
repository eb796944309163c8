//! Ports of datagrams that travel in pieces.
//!
//! Only the first fragment carries ports. Filters treat the others like the first one (SG-14, assumed):
//! its ports are remembered until the last piece has passed. First fragments come first, because every
//! link of the simulator keeps order; a piece without a known first one has no ports.

use crate::base::Protocol;
use crate::wire::Headers;
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// Datagrams remembered at most; older ones are forgotten all at once.
const DATAGRAMS_MAX: usize = 65_536;

/// Ports by datagram.
#[derive(Clone, Debug, Default)]
pub struct FragmentTable {
    ports: FxHashMap<(IpAddr, IpAddr, Protocol, u32), (u16, u16)>,
}

impl FragmentTable {
    /// The ports that filters see in this packet.
    #[inline]
    pub fn ports(&mut self, headers: &Headers) -> (u16, u16) {
        if !headers.fragment.is_fragment() {
            return headers.ports();
        }
        let key = (headers.src, headers.dst, headers.protocol, headers.fragment.id);
        if headers.fragment.offset == 0 {
            if self.ports.len() >= DATAGRAMS_MAX {
                self.ports.clear();
            }
            self.ports.insert(key, headers.ports());
            return headers.ports();
        }
        self.ports.get(&key).copied().unwrap_or((0, 0))
    }
}
