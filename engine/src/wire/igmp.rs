//! IGMPv2 messages (RFC 2236): queries, reports, leaves. Not modelled: the Router Alert option, version 3.

use super::{Fragment, Headers, L4, Packet, Payload};
use crate::base::Protocol;
use std::net::{IpAddr, Ipv4Addr};

/// Where queries go: all hosts.
pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// Where leave messages go: all routers.
pub const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
/// Time in tenths of a second that a host has for its answer to a query.
const RESPONSE: u8 = 100;

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Igmp {
    /// Who is a member of anything?
    Query,
    /// I am a member of this group.
    Report(Ipv4Addr),
    /// I no longer am.
    Leave(Ipv4Addr),
}

/// A message as a packet (RFC 2236 section 2: time to live 1).
#[must_use]
pub fn packet(message: Igmp, src: Ipv4Addr, tag: u32) -> Packet {
    let (kind, response, group, dst) = match message {
        Igmp::Query => (0x11, RESPONSE, Ipv4Addr::UNSPECIFIED, ALL_HOSTS),
        Igmp::Report(group) => (0x16, 0, group, group),
        Igmp::Leave(group) => (0x17, 0, group, ALL_ROUTERS),
    };
    let mut bytes = [kind, response, 0, 0, 0, 0, 0, 0];
    bytes[4..].copy_from_slice(&group.octets());
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    bytes[2..4].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    let headers = Headers {
        src: src.into(),
        dst: dst.into(),
        protocol: Protocol::IGMP,
        ttl: 1,
        traffic_class: 0,
        fragment: Fragment::default(),
        l4: L4::None,
    };
    Packet { headers, tag, payload: Payload::from(&bytes[..]) }
}

/// The message of a packet, if it is one of version 2.
#[must_use]
pub fn parse(packet: &Packet) -> Option<Igmp> {
    if packet.headers.protocol != Protocol::IGMP {
        return None;
    }
    let bytes = packet.payload.to_vec();
    let group = Ipv4Addr::new(*bytes.get(4)?, *bytes.get(5)?, *bytes.get(6)?, *bytes.get(7)?);
    match bytes[0] {
        0x11 => Some(Igmp::Query),
        0x16 => Some(Igmp::Report(group)),
        0x17 => Some(Igmp::Leave(group)),
        _ => None,
    }
}

/// The group of a multicast packet; nothing if it is for one host.
#[must_use]
pub fn group(packet: &Packet) -> Option<IpAddr> {
    Some(packet.headers.dst).filter(IpAddr::is_multicast)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2236 section 2: type, response time, checksum over eight bytes, group.
    #[test]
    fn messages_as_bytes() {
        let report = packet(Igmp::Report(Ipv4Addr::new(239, 1, 2, 3)), Ipv4Addr::new(10, 0, 0, 9), 7);
        assert_eq!(report.payload.to_vec(), [0x16, 0, 0xf8, 0xfa, 239, 1, 2, 3]);
        assert_eq!((report.headers.dst.to_string().as_str(), report.headers.ttl), ("239.1.2.3", 1));
        for message in
            [Igmp::Query, Igmp::Report(Ipv4Addr::new(239, 1, 2, 3)), Igmp::Leave(Ipv4Addr::new(239, 1, 2, 3))]
        {
            assert_eq!(parse(&packet(message, Ipv4Addr::UNSPECIFIED, 0)), Some(message));
        }
    }
}
