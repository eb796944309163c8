//! What a host has learnt about the MTU of its paths (RFC 1191, RFC 8201).

use crate::base::{Instant, Nanos};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How long a smaller MTU is believed (Linux `net.ipv4.route.mtu_expires`; RFC 1191 section 6.3 says ten minutes).
pub const PATH_MTU_LIFE: Nanos = Nanos::from_secs(600);
/// Below this IPv4 is not believed (Linux `net.ipv4.route.min_pmtu`).
const V4_MIN: u32 = 552;
/// Every IPv6 link carries this (RFC 8200 section 5).
const V6_MIN: u32 = 1280;

/// MTU by destination, where it is below the interface's.
#[derive(Clone, Debug, Default)]
pub(super) struct PathMtu(BTreeMap<IpAddr, (u32, Instant)>);

impl PathMtu {
    /// Takes in that only `mtu` bytes reach `dst`.
    pub(super) fn learn(&mut self, dst: IpAddr, mtu: u32, now: Instant) {
        let mtu = mtu.max(if dst.is_ipv4() { V4_MIN } else { V6_MIN });
        // RFC 1191 section 3: an error never raises the estimate.
        if self.get(dst, now).is_none_or(|known| mtu < known) {
            self.0.insert(dst, (mtu, now + PATH_MTU_LIFE));
        }
    }
    /// What is known about the way to `dst`.
    pub(super) fn get(&self, dst: IpAddr, now: Instant) -> Option<u32> {
        self.0.get(&dst).filter(|(_, until)| now < *until).map(|(mtu, _)| *mtu)
    }
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
