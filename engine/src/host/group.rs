//! Membership of multicast groups: IGMPv2's host side (RFC 2236). Not modelled: the random delay before a report, and
//! staying silent because another host of the network has reported.

use super::Host;
use crate::wire::Packet;
use crate::wire::igmp::{self, Igmp};
use std::net::{IpAddr, Ipv4Addr};

impl Host {
    /// Joins a group, and says so.
    pub fn join(&mut self, group: Ipv4Addr, tag: u32) {
        self.groups.insert(group);
        self.report(Igmp::Report(group), tag);
    }
    /// Leaves a group, and says so.
    pub fn leave(&mut self, group: Ipv4Addr, tag: u32) {
        self.groups.remove(&group);
        self.report(Igmp::Leave(group), tag);
    }
    /// Answers a query with a report for each group.
    pub(super) fn handle_igmp(&mut self, packet: &Packet) {
        if igmp::parse(packet) == Some(Igmp::Query) {
            for group in self.groups.clone() {
                self.report(Igmp::Report(group), packet.tag);
            }
        }
    }
    fn report(&mut self, message: Igmp, tag: u32) {
        let own = self.config.addresses.iter().find_map(|address| match address {
            IpAddr::V4(own) => Some(*own),
            IpAddr::V6(_) => None,
        });
        if let Some(own) = own {
            self.out.push_back(igmp::packet(message, own, tag));
        }
    }
}
