//! Capture files that others wrote: classic pcap and pcapng.
//!
//! Link types: Ethernet with any number of VLAN tags, raw IP, BSD loopback, Linux cooked (both versions). A packet of
//! another type, of no IP protocol, cut short, or with what the simulator cannot hold (IP options) is named by its
//! number, and the rest is read. A file that ends in the middle gives what came before.

use crate::base::Nanos;
use crate::wire::{Packet, parse};
use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::Block;
use std::time::Duration;

/// Packets with the time since the first, and what could not be read: the packet's number in the file, from 1, and why.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    /// In the order of the file.
    pub packets: Vec<(Nanos, Packet)>,
    /// What could not be read.
    pub problems: Vec<(u64, String)>,
}

/// Reads a capture file.
///
/// # Errors
/// If it is neither pcap nor pcapng.
pub fn read(bytes: &[u8]) -> Result<Packets, String> {
    let magic: [u8; 4] = bytes.get(..4).and_then(|b| b.try_into().ok()).unwrap_or_default();
    match magic {
        [0x0a, 0x0d, 0x0d, 0x0a] => pcapng(bytes),
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] | [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => {
            pcap(bytes)
        }
        [0x1f, 0x8b, ..] => Err("this is a gzip file; unpack it first".to_owned()),
        _ => Err("this is neither a pcap nor a pcapng file".to_owned()),
    }
}

/// What is put together on the way.
#[derive(Default)]
struct Reading {
    out: Packets,
    first: Option<Duration>,
    number: u64,
}

impl Reading {
    fn packet(&mut self, at: Duration, link: DataLink, original: u32, data: &[u8]) {
        self.number += 1;
        let since = at.saturating_sub(*self.first.get_or_insert(at));
        let read = ip(link, data).and_then(|ip| {
            parse(ip, 0).map_err(|e| match e {
                crate::wire::ParseError::Truncated if data.len() < original as usize => {
                    format!("only {} of its {original} bytes were captured", data.len())
                }
                e => e.to_string(),
            })
        });
        match read {
            Ok(packet) => self.out.packets.push((Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)), packet)),
            Err(why) => self.problem(why),
        }
    }
    fn problem(&mut self, why: String) {
        self.out.problems.push((self.number, why));
    }
    /// The file breaks off, or is broken from here on.
    fn broken(&mut self, why: &dyn std::fmt::Display) {
        self.number += 1;
        self.problem(format!("the file ends in the middle or is damaged here: {why}"));
    }
}

fn pcap(bytes: &[u8]) -> Result<Packets, String> {
    let mut reader = PcapReader::new(bytes).map_err(|e| format!("the file's header cannot be read: {e}"))?;
    let link = reader.header().datalink;
    let mut reading = Reading::default();
    while let Some(next) = reader.next_packet() {
        match next {
            Ok(packet) => reading.packet(packet.timestamp(), link, packet.orig_len(), packet.data()),
            Err(e) => {
                reading.broken(&e);
                break;
            }
        }
    }
    Ok(reading.out)
}

fn pcapng(bytes: &[u8]) -> Result<Packets, String> {
    let mut reader = PcapNgReader::new(bytes).map_err(|e| format!("the file's header cannot be read: {e}"))?;
    let mut reading = Reading::default();
    loop {
        match reader.next_block() {
            None => return Ok(reading.out),
            Some(Ok((Block::EnhancedPacket(packet), state))) => {
                let link = state.interfaces().get(packet.interface_id as usize).map(|i| i.linktype);
                match link {
                    Some(link) => reading.packet(packet.timestamp, link, packet.original_len, &packet.data),
                    None => {
                        reading.number += 1;
                        reading.problem(format!("there is no interface {}", packet.interface_id));
                    }
                }
            }
            Some(Ok((Block::SimplePacket(packet), state))) => {
                let link = state.interfaces().first().map_or(DataLink::NULL, |i| i.linktype);
                let at = reading.first.unwrap_or_default();
                reading.packet(at, link, packet.original_len, &packet.data);
            }
            Some(Ok(_)) => {}
            Some(Err(e)) => {
                reading.broken(&e);
                return Ok(reading.out);
            }
        }
    }
}

/// The IP packet in a frame.
fn ip(link: DataLink, frame: &[u8]) -> Result<&[u8], String> {
    let short = || "the frame is shorter than its link header".to_owned();
    let (kind, rest) = match link {
        DataLink::ETHERNET => {
            let mut at = 12;
            let kind = |at: usize| Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]));
            let mut ether_type = kind(at).ok_or_else(short)?;
            // 802.1Q, 802.1ad.
            while matches!(ether_type, 0x8100 | 0x88a8 | 0x9100) {
                at += 4;
                ether_type = kind(at).ok_or_else(short)?;
            }
            (ether_type, &frame[at + 2..])
        }
        DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 => return Ok(frame),
        // The family is in the byte order of who wrote it; the packet says it too.
        DataLink::NULL | DataLink::LOOP => return frame.get(4..).ok_or_else(short),
        DataLink::LINUX_SLL => {
            (u16::from_be_bytes(frame.get(14..16).ok_or_else(short)?.try_into().expect("two")), &frame[16..])
        }
        DataLink::LINUX_SLL2 => {
            let rest = frame.get(20..).ok_or_else(short)?;
            (u16::from_be_bytes([frame[0], frame[1]]), rest)
        }
        // Values that systems use for raw IP beside the registered one.
        DataLink::Unknown(12 | 14) => return Ok(frame),
        other => return Err(format!("link type {} is not understood", u32::from(other))),
    };
    match kind {
        0x0800 | 0x86dd => Ok(rest),
        0x0806 => Err("ARP is no IP packet".to_owned()),
        other => Err(format!("EtherType 0x{other:04x} is no IP packet")),
    }
}
