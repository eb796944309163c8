//! Captures: what passed each interface, each side of a NAT gateway and of a VPN tunnel's encryption, and each virtual
//! interface, as pcapng or classic pcap that Wireshark opens.
//!
//! A packet is captured where it crosses an interface, as the guest would see it: with the private address,
//! before the gateway translates. A packet that was dropped there or further on carries the deciding row as
//! its comment, so that `frame.comment contains "acl"` finds it. Ethernet framing (with addresses made from
//! the interface's number), nanosecond stamps, named interfaces, names for addresses, one file each or all in one.
//! What is captured is said by [`Rule`]s: where, which packets, how many bytes of each.
//!
//! In the merged file a segment is seen at every interface it crosses, and Wireshark takes the second
//! sight for a retransmission: look at one interface at a time (`frame.interface_name == "web-1"`).

mod filter;
mod read;
mod write;

pub use filter::{DEPTH_MAX, Filter};
pub use read::{Packets, read};
pub use write::{Format, Say, files, merged};

use crate::base::Instant;
use crate::base::ids::{EniIx, NatIx};
use crate::compile::Network;
use crate::event::{Fact, Observer, Point};
use crate::verdict::{Dir, RowIx, Side};
use crate::wire::{Packet, emit_into};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Where packets are captured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// At an interface.
    Eni(EniIx),
    /// At a NAT gateway with an interface.
    Nat(NatIx, NatSide),
    /// Between AWS and a site.
    Point(Point),
}

/// A side of a NAT gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NatSide {
    /// Where its clients are.
    Inside,
    /// Where it is the sender.
    Outside,
}

/// A captured packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Captured {
    /// When.
    pub at: Instant,
    /// Where.
    pub place: Place,
    /// Which way: between AWS and a site, out is to the site.
    pub dir: Dir,
    /// The IP packet, or its beginning.
    pub bytes: Vec<u8>,
    /// Length of the IP packet in bytes.
    pub len: u32,
    /// The row that dropped it, here or before the next interface, and the configuration it belongs to.
    pub dropped_by: Option<(u16, RowIx)>,
}

/// Which packets are captured, and how much of each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// Those that the filter takes.
    pub filter: Option<Filter>,
    /// At most this many bytes of each, counted from the IP header.
    pub snap_length: Option<u32>,
}

/// Packets that are counted, not kept.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Where.
    pub places: Vec<Place>,
    /// Which.
    pub filter: Option<Filter>,
    /// How many.
    pub count: u64,
}

/// Captures packets.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// At every interface, tunnel and virtual interface.
    everywhere: Option<Rule>,
    places: BTreeMap<Place, Vec<Rule>>,
    /// What is counted.
    pub counters: Vec<Counter>,
    /// Addresses of NAT gateways, by their interface.
    nats: BTreeMap<EniIx, (NatIx, Vec<IpAddr>)>,
    /// What was captured, in the order of events.
    pub packets: Vec<Captured>,
    epoch: u16,
}

impl Capture {
    /// Captures nothing yet.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        let fabric = &network.fabric;
        let nats = fabric.nats.iter_enumerated().filter_map(|(nat, n)| {
            let eni = n.eni?;
            Some((eni, (nat, n.addresses.iter().map(|a| IpAddr::V4(a.own)).collect())))
        });
        Self { nats: nats.collect(), ..Self::default() }
    }
    /// Captures at every interface, tunnel and virtual interface.
    pub fn everywhere(&mut self, rule: Rule) {
        self.everywhere = Some(rule);
    }
    /// Captures at one place.
    pub fn at(&mut self, place: Place, rule: Rule) {
        self.places.entry(place).or_default().push(rule);
    }

    fn see(&mut self, now: Instant, place: Place, dir: Dir, packet: &Packet, dropped_by: Option<RowIx>) {
        let dropped = dropped_by.is_some();
        for counter in &mut self.counters {
            if counter.places.contains(&place) && counter.filter.as_ref().is_none_or(|f| f.takes(packet, dropped)) {
                counter.count += 1;
            }
        }
        let everywhere = self.everywhere.iter().filter(|_| !matches!(place, Place::Nat(..)));
        let rules = everywhere.chain(self.places.get(&place).into_iter().flatten());
        let mut takes = rules.filter(|rule| rule.filter.as_ref().is_none_or(|f| f.takes(packet, dropped))).peekable();
        if takes.peek().is_none() {
            return;
        }
        // The rule that keeps most of it holds.
        let snap = takes.map(|rule| rule.snap_length.unwrap_or(u32::MAX)).max().unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(packet.len() as usize);
        emit_into(packet, &mut bytes);
        bytes.truncate(snap as usize);
        bytes.shrink_to_fit();
        let dropped_by = dropped_by.map(|by| (self.epoch, by));
        self.packets.push(Captured { at: now, place, dir, bytes, len: packet.len(), dropped_by });
    }

    fn is_idle(&self) -> bool {
        self.everywhere.is_none() && self.places.is_empty() && self.counters.is_empty()
    }
}

impl Observer for Capture {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Configured { epoch } => self.epoch = *epoch,
            _ if self.is_idle() => {}
            Fact::Crossed { hop, packet, dropped_by, .. } => {
                self.see(now, Place::Eni(hop.eni), hop.dir, packet, *dropped_by);
                if let Some((nat, own)) = self.nats.get(&hop.eni) {
                    // What it sends and gets by an address of its own is outside.
                    let mine = if hop.dir == Dir::In { hop.headers.dst } else { hop.headers.src };
                    let side = if own.contains(&mine) { NatSide::Outside } else { NatSide::Inside };
                    self.see(now, Place::Nat(*nat, side), hop.dir, packet, *dropped_by);
                }
            }
            Fact::Passed { point, to, packet } => {
                let dir = if *to == Side::Customer { Dir::Out } else { Dir::In };
                self.see(now, Place::Point(*point), dir, packet, None);
            }
            _ => {}
        }
    }
}
