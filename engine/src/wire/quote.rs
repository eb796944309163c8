//! placeholder until merge
use super::{Headers, Packet};
/// x
pub fn quoted(_: &Packet) -> Option<Headers> {
    None
}
/// x
pub fn requote(_: &mut Packet, _: &Headers) {}
