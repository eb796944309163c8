//! L2: what observers are told. Facts only, with handles; watching changes nothing.

use crate::base::Instant;
use crate::base::ids::{EniIx, GuestIx, InetIx, TunnelIx, VifIx, VpcIx};
use crate::verdict::{Hop, RowIx, Side};
use crate::wire::Packet;

/// A host that sends and receives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HostRef {
    /// A guest.
    Guest(GuestIx),
    /// A described host on the internet.
    Internet(InetIx),
    /// The link-local services of a VPC's instances.
    Services(VpcIx),
}

/// A place where packets are seen that is no interface of a VPC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Point {
    /// Inside a VPN tunnel.
    Inner(TunnelIx),
    /// The packets that carry a VPN tunnel.
    Outer(TunnelIx),
    /// A virtual interface.
    Vif(VifIx),
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A host handed a packet to the network.
    Originated {
        /// The host.
        host: HostRef,
        /// The packet.
        packet: &'a Packet,
    },
    /// The network made a packet of its own: an ICMP error, a reset, the further pieces of one it cut.
    Made {
        /// The packet.
        packet: &'a Packet,
    },
    /// A packet crossed an interface, or was stopped there.
    Crossed {
        /// What a flow log sees.
        hop: &'a Hop,
        /// The packet at the interface.
        packet: &'a Packet,
        /// The row that dropped it here or before the next interface.
        dropped_by: Option<RowIx>,
        /// False for what flow logs never hold: link-local services, checks before any filter.
        logged: bool,
    },
    /// A packet passed a place between AWS and a site.
    Passed {
        /// The place.
        point: Point,
        /// The side it goes to.
        to: Side,
        /// The packet there.
        packet: &'a Packet,
    },
    /// A packet is gone.
    Dropped {
        /// The packet as it was then.
        packet: &'a Packet,
        /// The row.
        by: RowIx,
    },
    /// A guest, or a link-local service, has a packet.
    Delivered {
        /// The interface.
        eni: EniIx,
        /// The packet.
        packet: &'a Packet,
    },
    /// A packet left for the internet.
    Exited {
        /// The packet.
        packet: &'a Packet,
        /// The described host that gets it; nobody else answers.
        host: Option<InetIx>,
    },
    /// A new configuration is in force.
    Configured {
        /// Its number.
        epoch: u16,
    },
}

/// Watches a run.
pub trait Observer {
    /// False if nothing needs to be told: then telling costs nothing.
    const WATCHES: bool;
    /// Something happened.
    fn on(&mut self, now: Instant, fact: &Fact<'_>);
}

/// Nobody watches.
impl Observer for () {
    const WATCHES: bool = false;
    fn on(&mut self, _: Instant, _: &Fact<'_>) {}
}

/// Two watch, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const WATCHES: bool = A::WATCHES || B::WATCHES;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        self.0.on(now, fact);
        self.1.on(now, fact);
    }
}
