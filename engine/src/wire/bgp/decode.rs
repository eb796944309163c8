//! Bytes of a TCP stream to messages. Strict: what RFC 4271 section 6 calls an error is one.

use super::{AS_TRANS, AsPath, Attributes, BgpError, Family, HEADER, LEN_MAX, Message, Notification, Open};
use super::{Origin, Segment, Update};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Cuts a peer's bytes into messages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    failed: Option<BgpError>,
}

impl Decoder {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.bytes.extend_from_slice(bytes);
        }
    }
    /// The next whole message; nothing if bytes are missing.
    ///
    /// # Errors
    /// If the bytes are no message. The stream ends there: every later call gives the same error.
    pub fn poll(&mut self) -> Result<Option<Message>, BgpError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.take();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.bytes.clear();
        }
        result
    }
    fn take(&mut self) -> Result<Option<Message>, BgpError> {
        let Some(header) = self.bytes.first_chunk::<HEADER>() else { return Ok(None) };
        if header[..16] != [0xff; 16] {
            return Err(BgpError::NotSynchronised);
        }
        let (length, kind) = (u16::from_be_bytes([header[16], header[17]]), header[18]);
        let len = usize::from(length);
        let shortest = match kind {
            1 => HEADER + 10,
            2 => HEADER + 4,
            3 => HEADER + 2,
            _ => HEADER,
        };
        if len < shortest || len > if kind == 4 { HEADER } else { LEN_MAX } {
            return Err(BgpError::Length(length));
        }
        if !(1..=4).contains(&kind) {
            return Err(BgpError::Type(kind));
        }
        let Some(body) = self.bytes.get(HEADER..len) else { return Ok(None) };
        let message = match kind {
            1 => Message::Open(open(body)?),
            2 => Message::Update(update(body)?),
            3 => Message::Notification(Notification { code: body[0], subcode: body[1], data: body[2..].to_vec() }),
            _ => Message::Keepalive,
        };
        self.bytes.drain(..len);
        Ok(Some(message))
    }
}

/// Takes `len` bytes off the front.
fn cut<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(front)
}
fn cut_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    cut(bytes, N)?.try_into().ok()
}

fn open(mut body: &[u8]) -> Result<Open, BgpError> {
    let fixed: [u8; 10] = cut_array(&mut body).ok_or(BgpError::Open)?;
    if fixed[0] != 4 {
        return Err(BgpError::Version(fixed[0]));
    }
    if usize::from(fixed[9]) != body.len() {
        return Err(BgpError::Open);
    }
    let asn = u16::from_be_bytes([fixed[1], fixed[2]]);
    let (mut asn4, mut families, mut named) = (None, Vec::new(), false);
    while !body.is_empty() {
        let [kind, len] = cut_array(&mut body).ok_or(BgpError::Open)?;
        let mut value = cut(&mut body, len.into()).ok_or(BgpError::Open)?;
        if kind != 2 {
            return Err(BgpError::OptionalParameter(kind));
        }
        while !value.is_empty() {
            let [code, len] = cut_array(&mut value).ok_or(BgpError::Open)?;
            named |= code == 1;
            match (code, cut(&mut value, len.into()).ok_or(BgpError::Open)?) {
                (1, [0, 1, _, 1]) => families.push(Family::Ipv4),
                (1, [0, 2, _, 1]) => families.push(Family::Ipv6),
                (1, &[_, _, _, _]) => {}
                (65, &[a, b, c, d]) => asn4 = Some(u32::from_be_bytes([a, b, c, d])),
                (1 | 65, _) => return Err(BgpError::Open),
                _ => {}
            }
        }
    }
    // A peer that names no family speaks IPv4 (RFC 4760 section 8); naming one twice changes nothing.
    if !named {
        families.push(Family::Ipv4);
    }
    let mut once = Vec::new();
    families.into_iter().for_each(|family| {
        if !once.contains(&family) {
            once.push(family)
        }
    });
    let open = Open {
        asn: asn4.unwrap_or(asn.into()),
        hold_time: u16::from_be_bytes([fixed[3], fixed[4]]),
        router_id: Ipv4Addr::new(fixed[5], fixed[6], fixed[7], fixed[8]),
        families: once,
        four_octet_as: asn4.is_some(),
    };
    if open.asn == 0 || asn4.is_some_and(|wide| wide != u32::from(asn) && asn != AS_TRANS) {
        return Err(BgpError::PeerAs(open.asn));
    }
    if matches!(open.hold_time, 1 | 2) {
        return Err(BgpError::HoldTime(open.hold_time));
    }
    if open.router_id.is_unspecified() {
        return Err(BgpError::RouterId);
    }
    Ok(open)
}

fn update(mut body: &[u8]) -> Result<Update, BgpError> {
    let mut sized = || {
        let len = cut_array(&mut body).map(u16::from_be_bytes)?;
        cut(&mut body, len.into())
    };
    let gone = sized().ok_or(BgpError::AttributeList)?;
    let attributes = sized().ok_or(BgpError::AttributeList)?;
    let mut found = Found { withdrawn: prefixes(gone, true).ok_or(BgpError::Network)?, ..Found::default() };
    let nlri = prefixes(body, true).ok_or(BgpError::Network)?;
    found.read(attributes)?;
    if !nlri.is_empty() {
        // Routes of IPv4 in both places would need two next hops.
        if found.announced.iter().any(|net| matches!(net, IpNet::V4(_))) {
            return Err(BgpError::OptionalAttribute(Vec::new()));
        }
        found.mp_next_hop = found.next_hop;
        if found.next_hop.is_none() {
            return Err(BgpError::MissingWellKnown(3));
        }
        found.announced.splice(..0, nlri);
    }
    if found.announced.is_empty() {
        return Ok(Update { withdrawn: found.withdrawn, ..Update::default() });
    }
    let attributes = Attributes {
        origin: found.origin.ok_or(BgpError::MissingWellKnown(1))?,
        as_path: found.as_path.ok_or(BgpError::MissingWellKnown(2))?,
        next_hop: found.mp_next_hop,
        next_hop_v6: found.next_hop_v6,
        med: found.med,
        local_pref: found.local_pref,
        communities: found.communities,
    };
    Ok(Update { withdrawn: found.withdrawn, announced: found.announced, attributes: Some(attributes) })
}

/// What the attributes of an UPDATE say.
#[derive(Default)]
struct Found {
    withdrawn: Vec<IpNet>,
    announced: Vec<IpNet>,
    origin: Option<Origin>,
    as_path: Option<AsPath>,
    /// Of the attribute `NEXT_HOP`.
    next_hop: Option<Ipv4Addr>,
    /// Of the announced IPv4 routes.
    mp_next_hop: Option<Ipv4Addr>,
    next_hop_v6: Option<Ipv6Addr>,
    med: Option<u32>,
    local_pref: Option<u32>,
    communities: Vec<u32>,
}

impl Found {
    fn read(&mut self, mut bytes: &[u8]) -> Result<(), BgpError> {
        let mut seen = [false; 256];
        while !bytes.is_empty() {
            let start = bytes;
            let [flags, kind] = cut_array(&mut bytes).ok_or(BgpError::AttributeList)?;
            let len = if flags & 0x10 != 0 {
                cut_array(&mut bytes).map(u16::from_be_bytes)
            } else {
                cut_array(&mut bytes).map(|[len]| u16::from(len))
            };
            let value = len.and_then(|len| cut(&mut bytes, len.into())).ok_or(BgpError::AttributeList)?;
            if std::mem::replace(&mut seen[usize::from(kind)], true) {
                return Err(BgpError::AttributeList);
            }
            let whole = || start[..start.len() - bytes.len()].to_vec();
            // Optional, transitive, partial.
            let fits = match kind {
                1 | 2 | 3 | 5 | 6 => flags & 0xe0 == 0x40,
                4 | 14 | 15 => flags & 0xe0 == 0x80,
                7 | 8 => flags & 0xc0 == 0xc0,
                _ if flags & 0x80 == 0 => return Err(BgpError::UnknownWellKnown(whole())),
                _ => true,
            };
            if !fits {
                return Err(BgpError::AttributeFlags(whole()));
            }
            self.attribute(kind, value, whole)?;
        }
        Ok(())
    }

    fn attribute(&mut self, kind: u8, value: &[u8], whole: impl Fn() -> Vec<u8>) -> Result<(), BgpError> {
        let word = || value.try_into().map(u32::from_be_bytes).map_err(|_| BgpError::AttributeLength(whole()));
        match kind {
            1 => {
                self.origin = Some(match value {
                    [0] => Origin::Igp,
                    [1] => Origin::Egp,
                    [2] => Origin::Incomplete,
                    [_] => return Err(BgpError::Origin(whole())),
                    _ => return Err(BgpError::AttributeLength(whole())),
                });
            }
            2 => self.as_path = Some(as_path(value).ok_or(BgpError::AsPath)?),
            3 => {
                let address = Ipv4Addr::from(word()?);
                if !is_host(address) {
                    return Err(BgpError::NextHop(whole()));
                }
                self.next_hop = Some(address);
            }
            4 => self.med = Some(word()?),
            5 => self.local_pref = Some(word()?),
            8 => {
                let (words, rest) = value.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(BgpError::OptionalAttribute(whole()));
                }
                self.communities = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
            }
            14 => self.reach(value).ok_or_else(|| BgpError::OptionalAttribute(whole()))?,
            15 => self.unreach(value).ok_or_else(|| BgpError::OptionalAttribute(whole()))?,
            _ => {}
        }
        Ok(())
    }

    /// `MP_REACH_NLRI` (RFC 4760 section 3). Families other than unicast IPv4 and IPv6 are ignored.
    fn reach(&mut self, mut value: &[u8]) -> Option<()> {
        let [0, afi, safi, len] = cut_array(&mut value)? else { return Some(()) };
        let next_hop = cut(&mut value, len.into())?;
        cut(&mut value, 1)?;
        match (afi, safi) {
            (1, 1) => {
                let address = Ipv4Addr::from(<[u8; 4]>::try_from(next_hop).ok()?);
                self.mp_next_hop = Some(address).filter(|a| is_host(*a));
                self.mp_next_hop?;
                self.announced.extend(prefixes(value, true)?);
            }
            (2, 1) => {
                // Behind the global address there may be a link-local one (RFC 2545 section 3).
                let address = Ipv6Addr::from(*next_hop.first_chunk().filter(|_| matches!(len, 16 | 32))?);
                let nets = prefixes(value, false)?;
                if address.is_unspecified() || address.is_multicast() {
                    return None;
                }
                self.next_hop_v6 = Some(address).filter(|_| !nets.is_empty());
                self.announced.extend(nets);
            }
            _ => {}
        }
        Some(())
    }

    /// `MP_UNREACH_NLRI` (RFC 4760 section 4).
    fn unreach(&mut self, mut value: &[u8]) -> Option<()> {
        let [0, afi, safi] = cut_array(&mut value)? else { return Some(()) };
        if matches!((afi, safi), (1 | 2, 1)) {
            self.withdrawn.extend(prefixes(value, afi == 1)?);
        }
        Some(())
    }
}

/// True for what can be a host's address (RFC 4271 section 6.3).
const fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
}

fn as_path(mut value: &[u8]) -> Option<AsPath> {
    let mut path = Vec::new();
    while !value.is_empty() {
        let [kind, count] = cut_array(&mut value)?;
        let (numbers, _) = cut(&mut value, usize::from(count) * 4)?.as_chunks::<4>();
        let numbers: Vec<u32> = numbers.iter().map(|n| u32::from_be_bytes(*n)).collect();
        path.push(match kind {
            _ if numbers.is_empty() => return None,
            1 => Segment::Set(numbers),
            2 => Segment::Sequence(numbers),
            _ => return None,
        });
    }
    Some(AsPath(path))
}

/// Prefixes to the end. Bits behind a prefix's length mean nothing; multicast is passed over (RFC 4271 section 6.3).
fn prefixes(mut bytes: &[u8], v4: bool) -> Option<Vec<IpNet>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let [len] = cut_array(&mut bytes)?;
        let written = cut(&mut bytes, usize::from(len.div_ceil(8)))?;
        let mut address = [0; 16];
        address.get_mut(..written.len())?.copy_from_slice(written);
        let net = if v4 {
            let address: [u8; 4] = *address.first_chunk()?;
            IpNet::V4(Ipv4Net::new(address.into(), len).ok()?)
        } else {
            IpNet::V6(Ipv6Net::new(address.into(), len).ok()?)
        };
        let multicast = net.prefix_len() >= if v4 { 4 } else { 8 } && net.network().is_multicast();
        if !multicast {
            out.push(net.trunc());
        }
    }
    Some(out)
}
