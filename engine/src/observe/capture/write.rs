//! Captures as files.

use super::{Captured, NatSide, Place};
use crate::base::index::Index;
use crate::compile::Network;
use crate::event::Point;
use crate::fabric::PublicOwner;
use crate::observe::EPOCH_SECONDS;
use crate::verdict::{Dir, RowIx};
use crate::wire::ether::{self, Owner};
use crate::wire::vlan::{self, Vid};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::name_resolution::{Ipv4Record, Ipv6Record, NameResolutionBlock, Record};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::{DataLink, Endianness};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// A capture file's format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// pcapng: interfaces and addresses have names, dropped packets have comments.
    #[default]
    PcapNg,
    /// Classic pcap with nanoseconds: packets only.
    Pcap,
}

impl Format {
    /// Ending of a file's name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::PcapNg => "pcapng",
            Self::Pcap => "pcap",
        }
    }
}

/// Says what a row is, for the comment of a dropped packet.
pub type Say<'a> = &'a dyn Fn(u16, RowIx) -> String;

/// One file for each place that saw a packet: (name, bytes).
#[must_use]
pub fn files(network: &Network, packets: &[Captured], format: Format, say: Say<'_>) -> Vec<(String, Vec<u8>)> {
    let mut by_place: BTreeMap<Place, Vec<&Captured>> = BTreeMap::new();
    for packet in packets {
        by_place.entry(packet.place).or_default().push(packet);
    }
    by_place
        .into_iter()
        .map(|(place, packets)| (name_of(network, place), file(network, &packets, format, say)))
        .collect()
}

/// One file with every place.
#[must_use]
pub fn merged(network: &Network, packets: &[Captured], format: Format, say: Say<'_>) -> Vec<u8> {
    file(network, &packets.iter().collect::<Vec<_>>(), format, say)
}

fn file(network: &Network, packets: &[&Captured], format: Format, say: Say<'_>) -> Vec<u8> {
    match format {
        Format::PcapNg => pcapng(network, packets, say),
        Format::Pcap => pcap(network, packets),
    }
}

/// Packets only. The link type is Ethernet, as in the other format.
fn pcap(network: &Network, packets: &[&Captured]) -> Vec<u8> {
    let header = PcapHeader {
        ts_resolution: PcapTsResolution::NanoSecond,
        datalink: DataLink::ETHERNET,
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    let mut out = PcapWriter::with_header(Vec::new(), header).expect("memory takes everything");
    for packet in packets {
        let frame = frame(network, packet);
        let packet = PcapPacket::new(stamp(packet), original(packet, &frame), frame).expect("a time of this century");
        out.write_packet(&packet).expect("memory takes everything");
    }
    out.into_inner()
}

const fn stamp(packet: &Captured) -> Duration {
    Duration::from_nanos(EPOCH_SECONDS * 1_000_000_000 + packet.at.0)
}

/// Length of the frame if the packet had not been cut.
fn original(packet: &Captured, frame: &[u8]) -> u32 {
    frame.len() as u32 + (packet.len - packet.bytes.len() as u32)
}

/// Names of the addresses that occur: interfaces', and described hosts'. An address that several have gets no name.
fn names(network: &Network, packets: &[&Captured]) -> NameResolutionBlock<'static> {
    let (fabric, names) = (&network.fabric, &network.names);
    let addresses: BTreeSet<IpAddr> = packets.iter().flat_map(|packet| ends(&packet.bytes)).collect();
    let records = addresses.into_iter().filter_map(|address| {
        let enis = fabric.vpcs.indices().filter_map(|vpc| fabric.eni_with(vpc, address));
        let binding = match address {
            IpAddr::V4(address) => fabric.public_v4.get(&address),
            IpAddr::V6(_) => None,
        };
        let public = match binding.map(|binding| binding.owner) {
            Some(PublicOwner::Eni { eni, .. }) => Some(names.enis[eni].id.as_str()),
            Some(PublicOwner::RegionalNat(nat)) => Some(names.nats[nat].id.as_str()),
            None => fabric.internet_host(address).map(|host| names.internet_hosts[host].id.as_str()),
        };
        let mut all = enis.map(|eni| names.enis[eni].id.as_str()).chain(public);
        let name = all.next().filter(|_| all.next().is_none())?;
        let names = vec![name.to_owned().into()];
        Some(match address {
            IpAddr::V4(ip_addr) => Record::Ipv4(Ipv4Record { ip_addr, names }),
            IpAddr::V6(ip_addr) => Record::Ipv6(Ipv6Record { ip_addr, names }),
        })
    });
    NameResolutionBlock { records: records.collect(), options: Vec::new() }
}

/// Source and destination of a packet.
fn ends(bytes: &[u8]) -> Vec<IpAddr> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => [12, 16]
            .into_iter()
            .filter_map(|at| Some(IpAddr::from(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?)))
            .collect(),
        Some(6) => [8, 24]
            .into_iter()
            .filter_map(|at| Some(IpAddr::from(<[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn name_of(network: &Network, place: Place) -> String {
    let names = &network.names;
    match place {
        Place::Eni(eni) => names.enis[eni].id.clone(),
        Place::Nat(nat, NatSide::Inside) => format!("{} inside", names.nats[nat].id),
        Place::Nat(nat, NatSide::Outside) => format!("{} outside", names.nats[nat].id),
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
            _ => name_of(network, place),
        };
        let mut block = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        block.options = vec![
            InterfaceDescriptionOption::IfName(name_of(network, place).into()),
            InterfaceDescriptionOption::IfDescription(about.into()),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        out.write_pcapng_block(block).expect("memory takes everything");
    }
    let names = names(network, packets);
    if !names.records.is_empty() {
        out.write_pcapng_block(names).expect("memory takes everything");
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
            timestamp: stamp(packet),
            original_len: original(packet, &frame),
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
    let (owner, n) = match packet.place {
        Place::Eni(eni) => (Owner::Eni, eni.to_usize()),
        Place::Nat(nat, NatSide::Inside) => (Owner::NatInside, nat.to_usize()),
        Place::Nat(nat, NatSide::Outside) => (Owner::NatOutside, nat.to_usize()),
        Place::Point(Point::Inner(tunnel)) => (Owner::Inner, tunnel.to_usize()),
        Place::Point(Point::Outer(tunnel)) => (Owner::Outer, tunnel.to_usize()),
        Place::Point(Point::Vif(vif)) => (Owner::Vif, vif.to_usize()),
    };
    let own = ether::mac(owner, n as u32);
    let (dst, src) = if packet.dir == Dir::In { (own, ether::ROUTER) } else { (ether::ROUTER, own) };
    let mut out = Vec::with_capacity(14 + packet.bytes.len());
    ether::header_into(dst, src, packet.bytes.first().is_none_or(|b| b >> 4 != 6), &mut out);
    out.extend_from_slice(&packet.bytes);
    match packet.place {
        Place::Point(Point::Vif(vif)) => {
            let vid = Vid::new(network.fabric.vifs[vif].vlan).expect("compile has checked it");
            vlan::tag(&out, vid).expect("an Ethernet frame")
        }
        _ => out,
    }
}
