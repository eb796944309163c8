//! Messages to bytes.

use super::{AS_TRANS, Attributes, Family, HEADER, LEN_MAX, Message, Open, SEGMENT_MAX, Segment, Update};
use ipnet::IpNet;

/// Bytes of an UPDATE without prefixes and attributes.
const UPDATE: usize = HEADER + 4;
/// Bytes of an attribute's header whose length has two octets.
const ATTRIBUTE: usize = 4;
/// Bytes of `MP_REACH_NLRI` before its prefixes: family, next hop, a reserved byte.
const REACH: usize = 5 + 16;
/// Bytes of `MP_UNREACH_NLRI` before its prefixes.
const UNREACH: usize = 3;

impl Message {
    /// The message as bytes.
    ///
    /// # Panics
    /// If it is longer than 4096 bytes ([`Update::split`] comes first), or an update announces routes without
    /// attributes or without the next hop of their family.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Open(message) => (1, open(message)),
            Self::Update(message) => (2, message.body()),
            Self::Notification(n) => (3, [&[n.code, n.subcode][..], &n.data].concat()),
            Self::Keepalive => (4, Vec::new()),
        };
        let len = HEADER + body.len();
        assert!(len <= LEN_MAX, "a BGP message of {len} bytes");
        [&[0xff; 16][..], &(len as u16).to_be_bytes(), &[kind], &body].concat()
    }
}

impl Update {
    /// The same routes in messages of at most 4096 bytes each: this one, if it fits. Withdrawn routes come first.
    ///
    /// # Panics
    /// If the attributes alone fill a message: about 900 AS numbers and communities together fit.
    #[must_use]
    pub fn split(&self) -> Vec<Self> {
        if HEADER + self.body().len() <= LEN_MAX {
            return vec![self.clone()];
        }
        let attributes = self.attributes.as_ref().map_or(0, |a| common(a, None).len());
        let mut out = Vec::new();
        for v4 in [true, false] {
            let around = if v4 { UPDATE } else { UPDATE + ATTRIBUTE + UNREACH };
            for withdrawn in parts(&self.withdrawn, v4, LEN_MAX - around) {
                out.push(Self { withdrawn, ..Self::default() });
            }
        }
        for v4 in [true, false] {
            // NEXT_HOP has three bytes of header and four of address.
            let around = UPDATE + attributes + if v4 { 7 } else { ATTRIBUTE + REACH };
            let room =
                LEN_MAX.checked_sub(around).filter(|room| *room >= 17).expect("attributes leave room for a prefix");
            for announced in parts(&self.announced, v4, room) {
                let attributes = self.attributes.clone().map(|a| Attributes {
                    next_hop: a.next_hop.filter(|_| v4),
                    next_hop_v6: a.next_hop_v6.filter(|_| !v4),
                    ..a
                });
                out.push(Self { announced, attributes, ..Self::default() });
            }
        }
        out
    }

    /// What stands behind the header.
    fn body(&self) -> Vec<u8> {
        let (gone, gone6) = (prefixes(&self.withdrawn, true), prefixes(&self.withdrawn, false));
        let (new, new6) = (prefixes(&self.announced, true), prefixes(&self.announced, false));
        let mut attributes = Vec::new();
        // RFC 7606 section 5.1: the routes of other families come first.
        if !gone6.is_empty() {
            attribute(&mut attributes, 0x80, 15, &[&[0, 2, 1][..], &gone6].concat());
        }
        if !self.announced.is_empty() {
            let a = self.attributes.as_ref().expect("announced routes have attributes");
            if !new6.is_empty() {
                let next_hop = a.next_hop_v6.expect("announced IPv6 routes have a next hop").octets();
                attribute(&mut attributes, 0x80, 14, &[&[0, 2, 1, 16][..], &next_hop, &[0], &new6].concat());
            }
            let next_hop =
                (!new.is_empty()).then(|| a.next_hop.expect("announced IPv4 routes have a next hop").octets());
            attributes.extend(common(a, next_hop));
        }
        let sized = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&sized(&gone)[..], &gone, &sized(&attributes), &attributes, &new].concat()
    }
}

/// The attributes other than those with routes, in the order of their types.
fn common(a: &Attributes, next_hop: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = Vec::new();
    attribute(&mut out, 0x40, 1, &[a.origin as u8]);
    let mut path = Vec::new();
    for segment in &a.as_path.0 {
        let (kind, numbers) = match segment {
            Segment::Set(numbers) => (1, numbers),
            Segment::Sequence(numbers) => (2, numbers),
        };
        for part in numbers.chunks(SEGMENT_MAX) {
            path.extend([kind, part.len() as u8]);
            path.extend(part.iter().flat_map(|asn| asn.to_be_bytes()));
        }
    }
    attribute(&mut out, 0x40, 2, &path);
    if let Some(next_hop) = next_hop {
        attribute(&mut out, 0x40, 3, &next_hop);
    }
    if let Some(med) = a.med {
        attribute(&mut out, 0x80, 4, &med.to_be_bytes());
    }
    if let Some(local_pref) = a.local_pref {
        attribute(&mut out, 0x40, 5, &local_pref.to_be_bytes());
    }
    if !a.communities.is_empty() {
        let communities: Vec<u8> = a.communities.iter().flat_map(|c| c.to_be_bytes()).collect();
        attribute(&mut out, 0xc0, 8, &communities);
    }
    out
}

/// Appends an attribute.
fn attribute(out: &mut Vec<u8>, flags: u8, kind: u8, value: &[u8]) {
    match u8::try_from(value.len()) {
        Ok(len) => out.extend([flags, kind, len]),
        Err(_) => {
            out.extend([flags | 0x10, kind]);
            out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(value);
}

/// The prefixes of one family: length in bits, then as many bytes as that needs (RFC 4271 section 4.3).
fn prefixes(list: &[IpNet], v4: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for net in list {
        let bytes = usize::from(net.prefix_len().div_ceil(8));
        match net.trunc() {
            IpNet::V4(net) if v4 => {
                out.push(net.prefix_len());
                out.extend(&net.addr().octets()[..bytes]);
            }
            IpNet::V6(net) if !v4 => {
                out.push(net.prefix_len());
                out.extend(&net.addr().octets()[..bytes]);
            }
            _ => {}
        }
    }
    out
}

/// The prefixes of one family in parts of at most `room` bytes.
fn parts(list: &[IpNet], v4: bool, room: usize) -> Vec<Vec<IpNet>> {
    let (mut out, mut used) = (Vec::<Vec<IpNet>>::new(), 0);
    for net in list.iter().filter(|net| matches!(net, IpNet::V4(_)) == v4) {
        let len = 1 + usize::from(net.prefix_len().div_ceil(8));
        match out.last_mut() {
            Some(part) if used + len <= room => part.push(*net),
            _ => {
                out.push(vec![*net]);
                used = 0;
            }
        }
        used += len;
    }
    out
}

/// What stands behind the header of an OPEN: one parameter with all capabilities (RFC 5492).
fn open(open: &Open) -> Vec<u8> {
    let mut capabilities = Vec::new();
    for family in &open.families {
        capabilities.extend([1, 4, 0, if *family == Family::Ipv4 { 1 } else { 2 }, 0, 1]);
    }
    if open.four_octet_as {
        capabilities.extend([65, 4]);
        capabilities.extend(open.asn.to_be_bytes());
    }
    let mut out = vec![4];
    out.extend(u16::try_from(open.asn).unwrap_or(AS_TRANS).to_be_bytes());
    out.extend(open.hold_time.to_be_bytes());
    out.extend(open.router_id.octets());
    if capabilities.is_empty() {
        out.push(0);
    } else {
        let len = u8::try_from(capabilities.len()).ok().filter(|len| *len < 254).expect("a family is there once");
        out.extend([len + 2, 2, len]);
        out.extend(capabilities);
    }
    out
}
