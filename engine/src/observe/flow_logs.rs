//! Flow logs of every interface, in AWS's default format (FLW-1 to FLW-8).
//!
//! One record is one flow at one interface in one direction, with one action, in one window of 60 seconds.
//! An interface without traffic in a window has one NODATA record. Not logged, as in AWS: link-local
//! services, and what never reaches a filter.

use super::EPOCH_SECONDS;
use crate::base::Instant;
use crate::base::ids::EniIx;
use crate::compile::Network;
use crate::event::{Fact, Observer};
use crate::record::flow_log::{Flow, Record, identity};
use crate::verdict::Hop;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Aggregation interval in seconds: what interfaces of Nitro instances have at most (FLW-5).
pub const WINDOW_SECONDS: u64 = 60;

#[derive(Clone, Copy, Debug)]
struct Count {
    packets: u64,
    bytes: u64,
    first: u64,
    last: u64,
    /// Order of first packets, so that records come in the order in which flows began.
    seq: u64,
}

/// Counts flows.
#[derive(Clone, Debug, Default)]
pub struct FlowLogs {
    /// Looked up; sorted before it is walked.
    counts: FxHashMap<(u64, EniIx, Key), Count>,
    seq: u64,
}

/// A flow before the interface's own address stands in for others.
type Key = (crate::verdict::Dir, std::net::IpAddr, std::net::IpAddr, u16, u16, u8, bool);

impl Observer for FlowLogs {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        if let Fact::Crossed { hop, logged: true, .. } = fact {
            self.count(now, hop);
        }
    }
}

impl FlowLogs {
    fn count(&mut self, now: Instant, hop: &Hop) {
        let second = now.0 / 1_000_000_000;
        let h = &hop.headers;
        let (src_port, dst_port) = h.ports();
        let key = (hop.dir, h.src, h.dst, src_port, dst_port, h.protocol.0, hop.accepted);
        let seq = self.seq;
        self.seq += 1;
        let count = self.counts.entry((second / WINDOW_SECONDS, hop.eni, key)).or_insert(Count {
            packets: 0,
            bytes: 0,
            first: second,
            last: second,
            seq,
        });
        count.packets += 1;
        count.bytes += u64::from(hop.len);
        count.last = second;
    }

    /// Every record up to `until`, by window, then by interface, then in the order in which flows began.
    #[must_use]
    pub fn records(&self, network: &Network, until: Instant) -> Vec<Record> {
        let last = until.0 / 1_000_000_000 / WINDOW_SECONDS;
        // Two flows may look alike once the interface's address stands in: they are one record.
        let mut by_window: BTreeMap<(u64, EniIx), BTreeMap<Flow, Count>> = BTreeMap::new();
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort_unstable_by_key(|(key, _)| **key);
        for ((window, eni, key), count) in counts {
            let flows = by_window.entry((*window, *eni)).or_default();
            let sum = flows.entry(flow_of(network, *eni, key)).or_insert(Count { packets: 0, bytes: 0, ..*count });
            sum.packets += count.packets;
            sum.bytes += count.bytes;
            sum.first = sum.first.min(count.first);
            sum.last = sum.last.max(count.last);
            sum.seq = sum.seq.min(count.seq);
        }
        let mut out = Vec::new();
        for window in 0..=last {
            for eni in network.fabric.enis.indices() {
                let (account, interface) = identity(network, eni);
                match by_window.get(&(window, eni)) {
                    Some(flows) => {
                        let mut in_order: Vec<_> = flows.iter().collect();
                        in_order.sort_by_key(|(_, count)| count.seq);
                        out.extend(in_order.into_iter().map(|(flow, count)| Record {
                            account: account.clone(),
                            interface: interface.clone(),
                            flow: Some(*flow),
                            packets: count.packets,
                            bytes: count.bytes,
                            start: EPOCH_SECONDS + count.first,
                            end: EPOCH_SECONDS + count.last,
                        }));
                    }
                    None => out.push(Record {
                        account,
                        interface,
                        flow: None,
                        packets: 0,
                        bytes: 0,
                        start: EPOCH_SECONDS + window * WINDOW_SECONDS,
                        end: EPOCH_SECONDS + (window + 1) * WINDOW_SECONDS - 1,
                    }),
                }
            }
        }
        out
    }
}

fn flow_of(network: &Network, eni: EniIx, key: &Key) -> Flow {
    let (dir, src, dst, src_port, dst_port, protocol, accepted) = *key;
    let (src, dst) = Flow::addresses(network, eni, dir, src, dst);
    Flow { eni, dir, src, dst, src_port, dst_port, protocol: crate::base::Protocol(protocol), accepted }
}
