//! Captures: what passed each interface, each side of a VPN tunnel's encryption and each virtual interface, as pcapng that
//! Wireshark opens.
//!
//! A packet is captured where it crosses an interface, as the guest would see it: with the private address,
//! before the gateway translates. A packet that was dropped there or further on carries the deciding row as
//! its comment, so that `frame.comment contains "acl"` finds it. Ethernet framing (with addresses made from
//! the interface's number), nanosecond stamps, named interfaces, one file each or all in one.
//!
//! In the merged file a segment is seen at every interface it crosses, and Wireshark takes the second
//! sight for a retransmission: look at one interface at a time (`frame.interface_name == "web-1"`).

use super::EPOCH_SECONDS;
use crate::base::Instant;
use crate::base::ids::EniIx;
use crate::base::index::Index;
use crate::compile::Network;
use crate::event::{Fact, Observer, Point};
use crate::verdict::{Dir, RowIx, Side};
use crate::wire::emit_into;
use crate::wire::vlan::{self, Vid};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::{DataLink, Endianness};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where packets are captured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// At an interface.
    Eni(EniIx),
    /// Between AWS and a site.
    Point(Point),
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
    /// The IP packet.
    pub bytes: Vec<u8>,
    /// The row that dropped it, here or before the next interface, and the configuration it belongs to.
    pub dropped_by: Option<(u16, RowIx)>,
}

/// Captures packets.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    on: bool,
    /// What was captured, in the order of events.
    pub packets: Vec<Captured>,
    epoch: u16,
}

impl Capture {
    /// Captures everything, or nothing.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }
}

impl Observer for Capture {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Configured { epoch } => self.epoch = *epoch,
            Fact::Crossed { hop, packet, dropped_by, .. } if self.on => {
                let mut bytes = Vec::with_capacity(packet.len() as usize);
                emit_into(packet, &mut bytes);
                let dropped_by = dropped_by.map(|by| (self.epoch, by));
                self.packets.push(Captured { at: now, place: Place::Eni(hop.eni), dir: hop.dir, bytes, dropped_by });
            }
            Fact::Passed { point, to, packet } if self.on => {
                let mut bytes = Vec::with_capacity(packet.len() as usize);
                emit_into(packet, &mut bytes);
                let dir = if *to == Side::Customer { Dir::Out } else { Dir::In };
                self.packets.push(Captured { at: now, place: Place::Point(*point), dir, bytes, dropped_by: None });
            }
            _ => {}
        }
    }
}

/// Says what a row is, for the comment of a dropped packet.
pub type Say<'a> = &'a dyn Fn(u16, RowIx) -> String;

/// One pcapng file for each interface that saw a packet: (interface id, bytes).
#[must_use]
pub fn files(network: &Network, packets: &[Captured], say: Say<'_>) -> Vec<(String, Vec<u8>)> {
    let mut by_place: BTreeMap<Place, Vec<&Captured>> = BTreeMap::new();
    for packet in packets {
        by_place.entry(packet.place).or_default().push(packet);
    }
    by_place.into_iter().map(|(place, packets)| (name_of(network, place), pcapng(network, &packets, say))).collect()
}

/// One pcapng file with every interface.
#[must_use]
pub fn merged(network: &Network, packets: &[Captured], say: Say<'_>) -> Vec<u8> {
    pcapng(network, &packets.iter().collect::<Vec<_>>(), say)
}

fn name_of(network: &Network, place: Place) -> String {
    let names = &network.names;
    match place {
        Place::Eni(eni) => names.enis[eni].id.clone(),
        Place::Point(Point::Inner(tunnel)) => format!("{} inner", names.tunnels[tunnel].id),
        Place::Point(Point::Outer(tunnel)) => format!("{} outer", names.tunnels[tunnel].id),
        Place::Point(Point::Vif(vif)) => names.vifs[vif].id.clone(),
    }
}

fn pcapng(network: &Network, packets: &[&Captured], say: Say<'_>) -> Vec<u8> {
    // One byte order everywhere: the same bytes on every machine.
    let mut out = PcapNgWriter::with_endianness(Vec::new(), Endianness::Little).expect("memory takes everything");
    let mut interfaces: BTreeMap<Place, u32> = BTreeMap::new();
    for packet in packets {
        let next = interfaces.len() as u32;
        interfaces.entry(packet.place).or_insert(next);
    }
    let mut in_order: Vec<(u32, Place)> = interfaces.iter().map(|(place, n)| (*n, *place)).collect();
    in_order.sort_unstable();
    for (_, place) in in_order {
        let about = match place {
            Place::Eni(eni) => network.names.eni_text(&network.fabric, eni),
            Place::Point(_) => name_of(network, place),
        };
        let mut block = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        block.options = vec![
            InterfaceDescriptionOption::IfName(name_of(network, place).into()),
            InterfaceDescriptionOption::IfDescription(about.into()),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        out.write_pcapng_block(block).expect("memory takes everything");
    }
    for packet in packets {
        let frame = frame(network, packet);
        // pcapng section 4.3.1: 1 is inbound, 2 is outbound.
        let flags = if packet.dir == Dir::In { 1 } else { 2 };
        let mut options = vec![EnhancedPacketOption::Flags(flags)];
        if let Some((epoch, by)) = packet.dropped_by {
            options.push(EnhancedPacketOption::Common(CommonOption::Comment(
                format!("dropped by {}", say(epoch, by)).into(),
            )));
        }
        let block = EnhancedPacketBlock {
            interface_id: interfaces[&packet.place],
            timestamp: Duration::from_secs(EPOCH_SECONDS) + Duration::from_nanos(packet.at.0),
            original_len: frame.len() as u32,
            data: frame.into(),
            options,
        };
        out.write_pcapng_block(block).expect("memory takes everything");
    }
    out.into_inner()
}

/// The packet in an Ethernet frame: the interface's address and that of its subnet's router, both locally administered. On a
/// virtual interface it has the interface's 802.1Q tag.
fn frame(network: &Network, packet: &Captured) -> Vec<u8> {
    let (kind, n) = match packet.place {
        Place::Eni(eni) => (0x00, eni.to_usize()),
        Place::Point(Point::Inner(tunnel)) => (0x01, tunnel.to_usize()),
        Place::Point(Point::Outer(tunnel)) => (0x02, tunnel.to_usize()),
        Place::Point(Point::Vif(vif)) => (0x03, vif.to_usize()),
    };
    let n = (n as u32).to_be_bytes();
    let own = [0x02, kind, n[0], n[1], n[2], n[3]];
    let router = [0x02, 0xff, 0, 0, 0, 1];
    let (dst, src) = if packet.dir == Dir::In { (own, router) } else { (router, own) };
    let ether_type: u16 = if packet.bytes.first().is_some_and(|b| b >> 4 == 6) { 0x86dd } else { 0x0800 };
    let mut out = Vec::with_capacity(14 + packet.bytes.len());
    out.extend_from_slice(&dst);
    out.extend_from_slice(&src);
    out.extend_from_slice(&ether_type.to_be_bytes());
    out.extend_from_slice(&packet.bytes);
    match packet.place {
        Place::Point(Point::Vif(vif)) => {
            let vid = Vid::new(network.fabric.vifs[vif].vlan).expect("compile has checked it");
            vlan::tag(&out, vid).expect("an Ethernet frame")
        }
        _ => out,
    }
}
