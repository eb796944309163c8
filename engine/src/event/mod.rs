//! L2: what observers are told. Facts only, with handles; watching changes nothing.

use crate::base::ids::{EniIx, GuestIx, InetIx, MirrorSessionIx, SpeakerIx, TunnelIx, VifIx, VpcIx};
use crate::base::{Instant, Nanos};
use crate::verdict::{Dir, Hop, RowIx, Side, Through};
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
    /// A router or a gateway, as one end of a line.
    Speaker(SpeakerIx),
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

/// What an end of a line has noticed or done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The BGP session is established.
    SessionUp,
    /// The BGP session is over.
    SessionDown(Why),
    /// BFD hears the other end.
    BfdUp,
    /// BFD does not hear it any more.
    BfdDown,
    /// The tunnel is up.
    TunnelUp,
    /// The tunnel is down.
    TunnelDown(Why),
    /// The tunnel has new keys.
    Rekeyed,
}

/// Why a session or a tunnel is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Nothing came for the hold time.
    HoldTimer(Nanos),
    /// The peer said so: code and subcode of its notification (RFC 4271 section 4.5).
    Peer {
        /// Code.
        code: u8,
        /// Subcode.
        subcode: u8,
    },
    /// What the peer said cannot be: code and subcode of the notification that it got.
    Refused {
        /// Code.
        code: u8,
        /// Subcode.
        subcode: u8,
    },
    /// The TCP connection broke.
    Connection,
    /// The interface or the tunnel is down.
    Line,
    /// BFD does not hear the peer.
    Bfd,
    /// Too many prefixes.
    PrefixLimit,
    /// A person has shut it down.
    Shutdown,
    /// The peer does not answer.
    DeadPeer,
    /// The peer has deleted it.
    Deleted,
    /// Nobody answered at the beginning.
    NoAnswer,
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
    /// A packet went through a transit gateway or a regional NAT gateway, or was lost there.
    Through {
        /// What its flow log sees.
        through: &'a Through,
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
    /// Traffic mirroring has copied a packet, or would have.
    Mirrored {
        /// The session.
        session: MirrorSessionIx,
        /// The interface whose packet it is.
        eni: EniIx,
        /// Which way that packet went.
        dir: Dir,
        /// Length of that packet in bytes.
        len: u32,
        /// True if the copy gave way to production traffic: then nothing was sent.
        skipped: bool,
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
    /// An end of a line has noticed or done something.
    Spoke {
        /// The end.
        speaker: SpeakerIx,
        /// What.
        told: Told,
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

/// Somebody watches, or nobody.
impl<O: Observer> Observer for Option<O> {
    const WATCHES: bool = O::WATCHES;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        if let Some(observer) = self {
            observer.on(now, fact);
        }
    }
}

/// Two watch, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const WATCHES: bool = A::WATCHES || B::WATCHES;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        self.0.on(now, fact);
        self.1.on(now, fact);
    }
}
