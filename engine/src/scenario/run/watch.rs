//! What a run remembers of packets, by the conversation they belong to.

use crate::base::ids::{EniIx, SpeakerIx};
use crate::base::{Instant, Protocol};
use crate::event::{Fact, Observer, Told};
use crate::load::tag::Tag;
use crate::verdict::{Dir, RowIx};
use crate::wire::Headers;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A packet that was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drop {
    /// When.
    pub at: Instant,
    /// The configuration that the row belongs to.
    pub epoch: u16,
    /// The row.
    pub by: RowIx,
    /// The packet's headers then.
    pub headers: Headers,
}

/// Remembers drops, deliveries and ways.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Drops by conversation.
    pub drops: BTreeMap<u32, Vec<Drop>>,
    /// Drops of generators' flows, by conversation, configuration and row.
    pub of_load: BTreeMap<(u32, u16, RowIx), u64>,
    /// Datagrams that reached a guest, a service or a described internet host, by conversation.
    pub arrived: BTreeMap<u32, Vec<(Instant, Headers)>>,
    /// Packets that a guest, a service or a described internet host took, by conversation and address.
    pub taken: BTreeMap<(u32, IpAddr), u64>,
    /// Interfaces crossed, by conversation: each one once, in the order of first crossing.
    pub ways: BTreeMap<u32, Vec<EniIx>>,
    /// Drops by configuration and row, for counters.
    pub by_row: BTreeMap<(u16, RowIx), u64>,
    /// What traffic mirroring has copied and what it had to skip, by interface, direction and whether it was skipped: packets, bytes.
    pub mirrored: BTreeMap<(EniIx, Dir, bool), (u64, u64)>,
    /// What ends of lines have noticed and done since it was last taken.
    pub told: Vec<(Instant, SpeakerIx, Told)>,
    epoch: u16,
}

impl Observer for Watch {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match *fact {
            Fact::Spoke { speaker, told } => self.told.push((now, speaker, told)),
            Fact::Configured { epoch } => self.epoch = epoch,
            Fact::Mirrored { eni, dir, len, skipped, .. } => {
                let count = self.mirrored.entry((eni, dir, skipped)).or_default();
                *count = (count.0 + 1, count.1 + u64::from(len));
            }
            Fact::Dropped { packet, by } => {
                *self.by_row.entry((self.epoch, by)).or_default() += 1;
                // A copy belongs to no conversation.
                if packet.payload.is_copy() {
                    return;
                }
                let drop = Drop { at: now, epoch: self.epoch, by, headers: packet.headers };
                let tag = Tag::of(packet.tag);
                let drops = self.drops.entry(tag.conversation()).or_default();
                // Of millions of flows the first drop of each row says all.
                if tag.is_load() {
                    *self.of_load.entry((tag.conversation(), self.epoch, by)).or_default() += 1;
                }
                if !tag.is_load() || !drops.iter().any(|drop| (drop.epoch, drop.by) == (self.epoch, by)) {
                    drops.push(drop);
                }
            }
            Fact::Delivered { packet, .. } | Fact::Exited { packet, .. } | Fact::Crossed { packet, .. }
                if Tag::of(packet.tag).is_load() || packet.payload.is_copy() => {}
            Fact::Delivered { packet, .. } | Fact::Exited { packet, host: Some(_) } => {
                *self.taken.entry((packet.tag, packet.headers.dst)).or_default() += 1;
                // A datagram in pieces counts with its first one.
                if packet.headers.protocol != Protocol::TCP && packet.headers.fragment.offset == 0 {
                    self.arrived.entry(packet.tag).or_default().push((now, packet.headers));
                }
            }
            Fact::Crossed { hop, packet, .. } => {
                let way = self.ways.entry(packet.tag).or_default();
                if !way.contains(&hop.eni) {
                    way.push(hop.eni);
                }
            }
            _ => {}
        }
    }
}
