//! placeholder until merge
use super::{Headers, Packet};
/// x
pub fn quoted(_: &Packet) -> Option<Headers> {
    None
}
/// x
pub fn requote(_: &mut Packet, _: &Headers) {}
/// x
pub fn port_unreachable(p: &Packet, _from: std::net::IpAddr) -> Packet {
    p.clone()
}
