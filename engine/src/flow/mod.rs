//! L2: everything that packets leave behind: tracked connections, translations, flows of egress-only
//! gateways, ports of fragmented datagrams, packets to link-local services.
//!
//! Sans-IO: every call takes the time. Nothing here decides; it remembers what `walk` decided.
//! Invariants: maps are looked up, never iterated into output; an entry that has expired is as good as
//! absent, whether or not it was swept.

mod conntrack;
mod fragments;
mod mirror;
mod picks;
mod rate;
mod service;
mod translation;

pub use conntrack::{Conn, ConnKey, ConnTable, ICMP_IDLE, OTHER_IDLE, TCP_CLOSED, TCP_HALF_OPEN};
pub use fragments::FragmentTable;
pub use mirror::MirrorCopy;
pub use picks::{Choice, Pick, PickOption, Picks};
pub use rate::{SERVICE_PACKETS_PER_SECOND, ServiceRate};
pub use service::{Forwarded, SERVICE_IDLE, ServiceTable};
pub use translation::{
    CLOSED_LINGER, CONNECTIONS_PER_DESTINATION, FIRST_PORT, Inside, Outside, Translation, TranslationError, Translator,
};

use crate::base::Instant;
use crate::base::ids::{EigwIx, EniIx, GuestIx, McastIx, NatIx, PcxIx, RouterIx, TunnelIx};
use crate::verdict::Entry;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// The live state of a network. An explanation works on an empty one or on a copy, so that asking
/// changes nothing.
#[derive(Clone, Debug, Default)]
pub struct FlowState {
    /// Connections that security groups track.
    pub conns: ConnTable,
    /// Translations of NAT gateways.
    pub nats: FxHashMap<NatIx, Translator>,
    /// Translations of Client VPN endpoints, by the interface of a target network.
    pub cvpns: FxHashMap<EniIx, Translator>,
    /// Translations of masquerading guests.
    pub masquerades: FxHashMap<GuestIx, Translator>,
    /// Flows that went out through egress-only gateways: last packet.
    pub egress_only: FxHashMap<(EigwIx, Inside), Instant>,
    /// Flows that came in from the internet past an egress-only gateway, by their answer: last packet.
    pub not_egress_only: FxHashMap<(EigwIx, Inside), Instant>,
    /// Ports of datagrams whose first fragment has passed.
    pub fragments: FragmentTable,
    /// Packets to link-local services.
    pub service_rate: ServiceRate,
    /// Flows that a NAT gateway sent over a peering, by their answer: the gateway's interface, last packet (PCX-10).
    pub return_to_sender: FxHashMap<Inside, (EniIx, PcxIx, Instant)>,
    /// Connections whose first packet a stateful forwarding guest has let pass, in both directions.
    pub firewalls: FxHashMap<GuestIx, FxHashSet<Inside>>,
    /// Connections whose first packet the stateful firewall of a site's router has let pass, in both directions, with the
    /// tunnel or interface by which they began.
    pub site_firewalls: FxHashMap<RouterIx, FxHashMap<Inside, Entry>>,
    /// When something of a VPN tunnel last passed the NAT device before a customer's router, if the device forgets.
    pub nat_devices: FxHashMap<TunnelIx, Instant>,
    /// Connections through endpoint services.
    pub services: ServiceTable,
    /// Interfaces that joined a multicast group by IGMP, and how many queries they have left unanswered.
    pub joined: BTreeMap<(McastIx, IpAddr, EniIx), u8>,
    /// Choices that AWS makes and does not tell.
    pub picks: Picks,
    /// Copies that traffic mirroring has made, oldest first, for whoever drives the walk to send.
    pub copies: VecDeque<MirrorCopy>,
}
