//! What traffic mirroring has brought its targets, taken out of VXLAN: for each target a capture of the original frames, with one
//! interface per session.
//!
//! A frame is what the copy carries, byte for byte; where the copy was cut, the capture says how long the frame was. Of the
//! network, only what reached a target is here.

use super::EPOCH_SECONDS;
use super::capture::{Captured, Place};
use crate::base::Protocol;
use crate::base::ids::{EniIx, MirrorSessionIx};
use crate::compile::Network;
use crate::fabric::MirrorTarget;
use crate::verdict::Dir;
use crate::wire::{ether, vxlan};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::{DataLink, Endianness};
use std::collections::BTreeMap;
use std::time::Duration;

/// A frame that a target got.
struct Frame {
    at: crate::base::Instant,
    session: MirrorSessionIx,
    bytes: Vec<u8>,
}

/// One pcapng file for each target that got something: (interface id, bytes).
#[must_use]
pub fn files(network: &Network, packets: &[Captured]) -> Vec<(String, Vec<u8>)> {
    let sessions = network.fabric.mirror_sessions.iter_enumerated();
    let by_target: BTreeMap<(EniIx, u32), MirrorSessionIx> = sessions
        .filter_map(|(index, session)| match session.target {
            MirrorTarget::Eni(eni) => Some(((eni, session.vni), index)),
            MirrorTarget::NotModelled(_) => None,
        })
        .collect();
    if by_target.is_empty() {
        return Vec::new();
    }
    let mut out: BTreeMap<EniIx, Vec<Frame>> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| packet.dir == Dir::In && packet.dropped_by.is_none()) {
        let Place::Eni(eni) = packet.place else { continue };
        let Some(inside) = payload(&packet.bytes).and_then(vxlan::parse) else { continue };
        let Some(session) = by_target.get(&(eni, inside.vni)) else { continue };
        let frame = Frame { at: packet.at, session: *session, bytes: inside.frame.to_vec() };
        out.entry(eni).or_default().push(frame);
    }
    out.into_iter().map(|(eni, frames)| (network.names.enis[eni].id.clone(), pcapng(network, frames))).collect()
}

fn pcapng(network: &Network, frames: Vec<Frame>) -> Vec<u8> {
    let mut out = PcapNgWriter::with_endianness(Vec::new(), Endianness::Little).expect("memory takes everything");
    let mut interfaces: BTreeMap<MirrorSessionIx, u32> = frames.iter().map(|frame| (frame.session, 0)).collect();
    for (n, (session, number)) in interfaces.iter_mut().enumerate() {
        *number = n as u32;
        let (name, s) = (&network.names.mirror_sessions[*session], &network.fabric.mirror_sessions[*session]);
        let source = network.names.eni_text(&network.fabric, s.source);
        let mut block = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        block.options = vec![
            InterfaceDescriptionOption::IfName(name.id.clone().into()),
            InterfaceDescriptionOption::IfDescription(format!("{source}, session {}, VNI {}", s.number, s.vni).into()),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        out.write_pcapng_block(block).expect("memory takes everything");
    }
    let router = &ether::ROUTER[..];
    for frame in frames {
        // pcapng section 4.3.1, as the source sees it: 1 is inbound, 2 is outbound.
        let flags = if frame.bytes.get(6..12) == Some(router) { 1 } else { 2 };
        let block = EnhancedPacketBlock {
            interface_id: interfaces[&frame.session],
            timestamp: Duration::from_secs(EPOCH_SECONDS) + Duration::from_nanos(frame.at.0),
            original_len: original_len(&frame.bytes),
            data: frame.bytes.into(),
            options: vec![EnhancedPacketOption::Flags(flags)],
        };
        out.write_pcapng_block(block).expect("memory takes everything");
    }
    out.into_inner()
}

/// What an IPv4 packet carries to VXLAN's port.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let (is_v4, header) = (first >> 4 == 4, usize::from(first & 15) * 4);
    let port = packet.get(header + 2..header + 4)?;
    let ours = is_v4 && packet.get(9) == Some(&Protocol::UDP.0) && port == vxlan::PORT.to_be_bytes();
    packet.get(header + 8..).filter(|_| ours)
}

/// The length that the IP header in a frame states, with the Ethernet header.
fn original_len(frame: &[u8]) -> u32 {
    let at = |n: usize| frame.get(n..n + 2).map_or(0, |b| u32::from(u16::from_be_bytes([b[0], b[1]])));
    let ip = match frame.get(ether::HEADER as usize).map(|b| b >> 4) {
        Some(4) => at(16),
        Some(6) => 40 + at(18),
        _ => 0,
    };
    (ether::HEADER + ip).max(frame.len() as u32)
}
