//! The notes of an answer: what was supposed, what is not modelled, what helps besides a change, and the records to expect.

use super::explanation::More;
use vpcsim_engine::base::Nanos;
use vpcsim_engine::compile::Network;
use vpcsim_engine::explain::{End, Explanation, Outcome, Size};
use vpcsim_engine::record::flow_log;
use vpcsim_engine::verdict::{RowKind, Stage};
use vpcsim_engine::walk::NAT_IDLE;

/// What helps that is no change of one row: where large packets vanish, and where a connection was idle for too long.
pub(super) fn advice(network: &Network, e: &Explanation, more: &More) -> Option<String> {
    if let Some(size) = more.size.filter(Size::hangs) {
        return Some(format!(
            "path MTU discovery needs a way back for ICMP type 3 code 4 (ICMPv6 type 2); or give the sender an MTU of {}",
            size.largest
        ));
    }
    let idle = more.idle.filter(|idle| *idle > Nanos::ZERO)?;
    match network.fabric.rows[e.decided_by?.1].kind {
        RowKind::NatIdle => Some(format!(
            "idle for {idle}, longer than the {NAT_IDLE} for which a NAT gateway remembers a connection: keep-alives more often than that keep it"
        )),
        RowKind::SgLast | RowKind::GuestNoState => Some(format!(
            "after {idle} without a packet the connection is no longer tracked, and its next packet is taken for a new one: keep-alives keep it"
        )),
        _ => None,
    }
}

/// What was supposed, and what is not modelled.
pub(super) fn caveats(network: &Network, e: &Explanation) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(guest) = e.supposes_listener {
        let name = network.names.guests[guest].short();
        if e.question.protocol.has_ports() {
            out.push(format!("what listens on {name} is not described: supposed that something does"));
        } else {
            out.push(format!(
                "whether {name} speaks protocol {} is its own affair: supposed that it answers",
                e.question.protocol
            ));
        }
    }
    if e.reply_from_elsewhere {
        out.push("the reply does not carry the address that the client wrote to, so the client ignores it".to_owned());
    }
    if let Some(RowKind::SgLast) = e.decided_by.map(|(_, by)| network.fabric.rows[by].kind)
        && e.request
            .steps
            .iter()
            .any(|s| matches!(s.stage, Stage::Igw) && s.before.src != s.after.src && s.before.dst != s.after.dst)
    {
        out.push("by a public address the receiver's group sees the sender's public address, and rules that name a group do not match".to_owned());
    }
    out.extend(super::hint::notes(network, e));
    out
}

/// The records that a flow log of every interface on the way would hold, in AWS's default format.
pub(super) fn records(network: &Network, e: &Explanation) -> Vec<String> {
    let hops = e.request.hops.iter().chain(e.reply.iter().flat_map(|reply| &reply.hops));
    flow_log::lines_of_hops(network, hops)
}

/// What the records do not tell (FLW-1, FLW-2).
pub(super) fn untold(network: &Network, e: &Explanation, records: usize) -> Vec<String> {
    let fabric = &network.fabric;
    let mut out = Vec::new();
    if let End::Delivered(eni) = e.request.end
        && let Some(primary) = fabric.enis[eni].primary.filter(|primary| *primary != e.request.end_headers.dst)
        && !e.inside_guest
    {
        out.push(format!("(dstaddr is the primary address {primary}; pkt-dstaddr has {})", e.request.end_headers.dst));
    }
    match e.decided_by.map(|(_, by)| fabric.rows[by]) {
        Some(row) if e.outcome == Outcome::NoReply && !row.is_filter() => {
            out.push("(no record tells of the drop: only groups, ACLs and Block Public Access reject)".to_owned());
        }
        _ if records == 0 && !e.inside_guest => {
            out.push("(no record: what the host answers itself is not logged)".to_owned());
        }
        _ => {}
    }
    out
}
