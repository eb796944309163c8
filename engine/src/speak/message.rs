//! What a table tells as BGP messages, and what messages say: `control`'s attributes and those of the wire.
//!
//! IPv6 prefixes go over a session with IPv4 addresses with an IPv4-mapped next hop (RFC 4798 section 2); AWS has a session
//! of its own for them, which is not modelled. Next hops mean nothing here: a route leads to who told it.

use crate::base::Cidr;
use crate::control::{AsPath, Attributes, Communities, LOCAL_PREFERENCE, Origin, SessionKind};
use crate::wire::bgp::{self, Segment, Update};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Changes of what a session tells, as few messages: what is withdrawn, and what has the same attributes, together.
#[must_use]
pub fn updates(changes: &[(Cidr, Option<Attributes>)], next_hop: IpAddr, kind: SessionKind) -> Vec<Update> {
    let mut withdrawn: Vec<IpNet> = Vec::new();
    let mut announced: BTreeMap<&Attributes, Vec<IpNet>> = BTreeMap::new();
    for (to, attributes) in changes {
        match attributes {
            Some(attributes) => announced.entry(attributes).or_default().push(net(*to)),
            None => withdrawn.push(net(*to)),
        }
    }
    let mut out = Vec::new();
    if !withdrawn.is_empty() {
        out.push(Update { withdrawn, ..Update::default() });
    }
    for (attributes, announced) in announced {
        let attributes = Some(wire(attributes, &announced, next_hop, kind));
        out.push(Update { withdrawn: Vec::new(), announced, attributes });
    }
    out
}

/// What an update says of each prefix: the attributes, or that it is withdrawn.
#[must_use]
pub fn changes(update: &Update) -> Vec<(Cidr, Option<Attributes>)> {
    let gone = update.withdrawn.iter().map(|to| (cidr(*to), None));
    let attributes = update.attributes.as_ref().map(read);
    let new = update.announced.iter().map(|to| (cidr(*to), attributes.clone()));
    gone.chain(new).collect()
}

/// True for the message that ends what a speaker tells first (RFC 4724 section 2).
#[must_use]
pub fn is_end(update: &Update) -> bool {
    update.withdrawn.is_empty() && update.announced.is_empty()
}

fn wire(a: &Attributes, announced: &[IpNet], next_hop: IpAddr, kind: SessionKind) -> bgp::Attributes {
    let has = |v4: bool| announced.iter().any(|to| matches!(to, IpNet::V4(_)) == v4);
    let v4 = match next_hop {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => std::net::Ipv4Addr::new(192, 0, 2, 1),
    };
    let v6 = match next_hop {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    bgp::Attributes {
        origin: match a.origin {
            Origin::Igp => bgp::Origin::Igp,
            Origin::Egp => bgp::Origin::Egp,
            Origin::Incomplete => bgp::Origin::Incomplete,
        },
        as_path: bgp::AsPath::sequence(a.as_path.as_slice()),
        next_hop: has(true).then_some(v4),
        next_hop_v6: has(false).then_some(v6),
        med: (a.med != 0).then_some(a.med),
        // RFC 4271 section 5.1.5: never to another system.
        local_pref: (kind == SessionKind::Ibgp).then_some(a.local_preference),
        communities: a.communities.as_slice().to_vec(),
    }
}

fn read(a: &bgp::Attributes) -> Attributes {
    let path: Vec<u32> = a
        .as_path
        .0
        .iter()
        .flat_map(|segment| match segment {
            Segment::Set(numbers) | Segment::Sequence(numbers) => numbers.iter().copied(),
        })
        .collect();
    Attributes {
        local_preference: a.local_pref.unwrap_or(LOCAL_PREFERENCE),
        as_path: AsPath::from(path.as_slice()),
        origin: match a.origin {
            bgp::Origin::Igp => Origin::Igp,
            bgp::Origin::Egp => Origin::Egp,
            bgp::Origin::Incomplete => Origin::Incomplete,
        },
        med: a.med.unwrap_or(0),
        communities: Communities::new(a.communities.iter().copied()),
    }
}

fn net(to: Cidr) -> IpNet {
    IpNet::new(to.network(), to.len()).expect("a block has a possible length")
}
fn cidr(to: IpNet) -> Cidr {
    Cidr::new(to.network(), to.prefix_len()).expect("a network address")
}
