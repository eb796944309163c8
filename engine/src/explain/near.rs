//! What nearly decided: the rule that missed by the fewest fields, and the routes that another one beat.
//!
//! Nothing here decides. It compares the fields of compiled rows with a packet, to say what a person would look for next.

use super::{Explanation, Part};
use crate::base::Cidr;
use crate::base::ids::{AclIx, EniIx, TgwRtbIx, VpcIx};
use crate::compile::Network;
use crate::fabric::{ANY_ICMP, ANY_PROTOCOL, AclRow, Address, Fabric, PeerMatch, SgRow};
use crate::verdict::{Dir, RowIx, RowKind, Stage, Step};
use crate::wire::{Headers, L4};
use std::net::IpAddr;

/// Routes that did not win, of one table, at most.
const LOSERS_MAX: usize = 8;

/// A field of a packet that a rule looks at; the words are AWS's `PacketField`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// Destination port, or ICMP type and code.
    DestinationPort,
    /// The address on the sending side.
    SourceAddress,
    /// The address on the receiving side.
    DestinationAddress,
    /// The protocol.
    Protocol,
}

impl Field {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DestinationPort => "destination-port",
            Self::SourceAddress => "source-address",
            Self::DestinationAddress => "destination-address",
            Self::Protocol => "protocol",
        }
    }
    /// The word for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::DestinationPort => "port",
            Self::SourceAddress => "source",
            Self::DestinationAddress => "destination",
            Self::Protocol => "protocol",
        }
    }
}

/// A rule that would have allowed the packet but for these fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Near {
    /// The rule.
    pub row: RowIx,
    /// What differs, in the order of [`Field`].
    pub fields: Vec<Field>,
}

/// The rule nearest to a filter's denial: of equals the first. Nothing if no rule differs in one or two fields only.
#[must_use]
pub fn nearest_rule(network: &Network, step: &Step) -> Option<Near> {
    let fabric = &network.fabric;
    let row = fabric.rows[step.decision.by];
    let h = &step.before;
    let far = if row.dir == Dir::In { h.src } else { h.dst };
    match (row.kind, step.stage) {
        (RowKind::AclRule | RowKind::AclLast, _) => {
            let table = fabric.acls[AclIx(row.owner)].table(row.dir);
            match far {
                IpAddr::V4(a) => of_acl(&table.v4, a.into(), h, row.dir),
                IpAddr::V6(a) => of_acl(&table.v6, a.into(), h, row.dir),
            }
        }
        (RowKind::SgLast, Stage::SgIn(eni) | Stage::SgOut(eni)) => {
            let table = fabric.sg_sets[fabric.enis[eni].sg_set].table(row.dir);
            let member = owner(fabric, fabric.enis[eni].vpc, far);
            match far {
                IpAddr::V4(a) => of_sg(fabric, &table.v4, (a.into(), far), member, h, row.dir),
                IpAddr::V6(a) => of_sg(fabric, &table.v6, (a.into(), far), member, h, row.dir),
            }
        }
        _ => None,
    }
}

/// The interface that has an address: in the VPC, else in any.
fn owner(fabric: &Fabric, vpc: VpcIx, address: IpAddr) -> Option<EniIx> {
    fabric.vpcs[vpc].eni_with(address).or_else(|| fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(address)))
}

fn of_acl<A: Address>(rows: &[AclRow<A>], far: A, h: &Headers, dir: Dir) -> Option<Near> {
    let all = rows
        .iter()
        .filter(|row| row.allow)
        .map(|row| (row.row, differing(row.protocol, (row.low, row.high), row.holds(far), h, dir)));
    best(all)
}

fn of_sg<A: Address>(
    fabric: &Fabric,
    rows: &[SgRow<A>],
    (bits, far): (A, IpAddr),
    member: Option<EniIx>,
    h: &Headers,
    dir: Dir,
) -> Option<Near> {
    let all = rows.iter().map(|row| {
        let held = match row.peer {
            PeerMatch::Block { net, mask } => bits.matches(net, mask),
            // Whose identity got lost on the way is not the group's member here.
            PeerMatch::Group(_) => false,
            PeerMatch::List(list) => fabric.prefix_lists[list].contains(far),
            PeerMatch::Nobody => false,
        };
        let carried = matches!((row.peer, member), (PeerMatch::Group(group), Some(member))
            if fabric.enis[member].vpc == fabric.sg_vpcs[group]
                && fabric.sg_sets[fabric.enis[member].sg_set].groups.contains(&group));
        let fields = differing(row.protocol, (row.low, row.high), held || carried, h, dir);
        // Everything fits but the packet was denied: the sender's group was not carried.
        (row.row, if fields.is_empty() { vec![side(dir)] } else { fields })
    });
    best(all)
}

const fn side(dir: Dir) -> Field {
    match dir {
        Dir::In => Field::SourceAddress,
        Dir::Out => Field::DestinationAddress,
    }
}

/// The fields in which a rule differs from a packet.
fn differing(protocol: u16, (low, high): (u16, u16), holds: bool, h: &Headers, dir: Dir) -> Vec<Field> {
    let same_protocol = protocol == ANY_PROTOCOL || protocol == u16::from(h.protocol.0);
    let fits = match h.l4 {
        _ if protocol == ANY_PROTOCOL => true,
        L4::Tcp(_) | L4::Udp(_) => low <= h.ports().1 && h.ports().1 <= high,
        L4::Icmp(icmp) => {
            (low == ANY_ICMP || low == u16::from(icmp.kind)) && (high == ANY_ICMP || high == u16::from(icmp.code))
        }
        L4::None => true,
    };
    let mut out = Vec::new();
    if same_protocol && !fits {
        out.push(Field::DestinationPort);
    }
    if !holds {
        out.push(side(dir));
    }
    if !same_protocol {
        out.push(Field::Protocol);
    }
    out
}

/// The fewest fields; of equals a port before an address before a protocol; of these the first.
fn best(all: impl Iterator<Item = (RowIx, Vec<Field>)>) -> Option<Near> {
    let (row, fields) = all
        .filter(|(_, fields)| (1..=2).contains(&fields.len()))
        .min_by(|(_, a), (_, b)| (a.len(), a).cmp(&(b.len(), b)))?;
    Some(Near { row, fields })
}

/// Why a route did not take a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lost {
    /// A longer prefix won.
    LongerPrefix,
    /// One to the same block has priority.
    Priority,
    /// Its block does not hold the destination; said where no route does.
    Block,
}

/// A route that did not take the packet at a table that it met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beaten {
    /// On which walk.
    pub part: Part,
    /// What decided at the table: the route that won, or that there is none.
    pub by: RowIx,
    /// The route.
    pub row: RowIx,
    /// Its destination.
    pub to: Cidr,
    /// Why.
    pub why: Lost,
    /// True in a transit gateway's table.
    pub tgw: bool,
}

impl Beaten {
    /// AWS's code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match (self.tgw, self.why) {
            (false, Lost::LongerPrefix) => "MORE_SPECIFIC_ROUTE",
            (false, Lost::Priority) => "HIGHER_PRIORITY_ROUTE",
            (false, Lost::Block) => "CANNOT_ROUTE",
            (true, Lost::LongerPrefix) => "TGW_RTB_MORE_SPECIFIC_ROUTE",
            (true, Lost::Priority) => "TGW_RTB_HIGHER_PRIORITY_ROUTE",
            (true, Lost::Block) => "TGW_RTB_CANNOT_ROUTE",
        }
    }
}

/// The routes that did not take the packet, at every table on the way.
#[must_use]
pub fn beaten_routes(network: &Network, e: &Explanation) -> Vec<Beaten> {
    let fabric = &network.fabric;
    let mut out: Vec<Beaten> = Vec::new();
    let legs = [(Part::Request, Some(&e.request)), (Part::Reply, e.reply.as_ref())];
    for (part, leg) in legs {
        for step in leg.into_iter().flat_map(|leg| &leg.steps) {
            let by = step.decision.by;
            let (routes, tgw): (Vec<(Cidr, RowIx)>, bool) = match (step.stage, fabric.rows[by].kind) {
                (Stage::Route(eni), _) => {
                    let table = &fabric.rtbs[fabric.subnets[fabric.enis[eni].subnet].rtb];
                    (table.routes.iter().map(|route| (route.to, route.row)).collect(), false)
                }
                (Stage::TgwRoute(_), RowKind::TgwRoute | RowKind::TgwRouteBlackhole | RowKind::TgwRouteNone) => {
                    let table = &fabric.tgw_rtbs[TgwRtbIx(fabric.rows[by].owner)];
                    (table.routes.iter().map(|route| (route.to, route.row)).collect(), true)
                }
                _ => continue,
            };
            if out.iter().any(|known| known.part == part && known.by == by) {
                continue;
            }
            let dst = step.before.dst;
            let none = matches!(fabric.rows[by].kind, RowKind::RouteNone | RowKind::TgwRouteNone);
            let won = routes.iter().find(|(_, row)| *row == by).map(|(to, _)| *to);
            let lost = routes.iter().filter(|(_, row)| *row != by).filter_map(|(to, row)| {
                let why = match won {
                    _ if none && to.is_v4() == dst.is_ipv4() => Lost::Block,
                    Some(won) if !to.contains(dst) || won.is_v4() != to.is_v4() => return None,
                    Some(won) if won.len() == to.len() => Lost::Priority,
                    Some(won) if won.len() > to.len() => Lost::LongerPrefix,
                    _ => return None,
                };
                Some(Beaten { part, by, row: *row, to: *to, why, tgw })
            });
            let mut lost: Vec<Beaten> = lost.collect();
            // The next in line first.
            lost.sort_by_key(|beaten| std::cmp::Reverse(beaten.to.len()));
            out.extend(lost.into_iter().take(LOSERS_MAX));
        }
    }
    out
}
