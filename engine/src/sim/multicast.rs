//! Multicast in time: copies to members, and the queries that keep a membership alive (MCAST-4).

use super::{Event, Sim};
use crate::base::Nanos;
use crate::base::ids::{EniIx, McastIx};
use crate::event::{Fact, Observer};
use crate::verdict::{LinkIx, Vantage};
use crate::walk::members;
use crate::wire::Packet;
use crate::wire::igmp::{self, Igmp};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Time between two queries of a domain (MCAST-4).
pub const QUERY_INTERVAL: Nanos = Nanos::from_secs(120);
/// Queries in a row without an answer that end a membership (MCAST-4).
pub const QUERIES_MISSED_MAX: u8 = 3;

impl<O: Observer> Sim<O> {
    /// Copies to the members of a group; the last one is the packet itself.
    pub(super) fn replicate(&mut self, packet: &Packet, domain: McastIx, sender: EniIx) {
        let all = members(&self.network.fabric, &self.flows, domain, packet.headers.dst, sender);
        for (n, eni) in all.iter().enumerate() {
            if n > 0 {
                self.make(packet);
            }
            self.copy_to(packet.clone(), *eni);
        }
    }

    /// A host's membership message was taken: from now on the domain asks who is still there.
    pub(super) fn membership(&mut self, domain: McastIx) {
        self.totals.delivered += 1;
        if self.querying.insert(domain) {
            self.totals.timers += 1;
            self.queue.push(self.now + QUERY_INTERVAL, Event::Query { domain });
        }
    }

    /// Asks every interface that has joined; who has not answered three times is out.
    pub(super) fn query(&mut self, domain: McastIx) {
        self.totals.timers -= 1;
        let of = |key: &(McastIx, std::net::IpAddr, EniIx)| key.0 == domain;
        self.flows.joined.retain(|key, missed| !of(key) || *missed < QUERIES_MISSED_MAX);
        let mut asked: BTreeSet<EniIx> = BTreeSet::new();
        for (key, missed) in self.flows.joined.iter_mut().filter(|(key, _)| of(key)) {
            *missed += 1;
            asked.insert(key.2);
        }
        if asked.is_empty() {
            self.querying.remove(&domain);
            return;
        }
        for eni in asked {
            let query = igmp::packet(Igmp::Query, Ipv4Addr::UNSPECIFIED, 0);
            self.make(&query);
            self.copy_to(query, eni);
        }
        self.totals.timers += 1;
        self.queue.push(self.now + QUERY_INTERVAL, Event::Query { domain });
    }

    fn make(&mut self, packet: &Packet) {
        self.totals.made += 1;
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Made { packet });
        }
    }

    fn copy_to(&mut self, packet: Packet, eni: EniIx) {
        let delay = self.network.fabric.link(LinkIx::TGW).latency;
        self.queue.push(self.now + delay, Event::Arrive { packet, at: Vantage::In { eni, from: None, entered: true } });
    }
}
