//! L2: the compiled network. Integers only: no name, no string, nothing that changes while it is used.
//!
//! `compile` makes it from a topology; `eval` reads it. A change of configuration makes a new one with
//! a higher [`Fabric::epoch`]. Every vector is in the order of names, so file order never shows.

mod acl;
mod client_vpn;
mod direct_connect;
mod endpoint;
mod eni;
mod gateway;
mod guest;
mod lpm;
mod mirror;
mod peering;
mod route;
mod router;
mod sg;
mod speaker;
mod transit_gateway;
mod vpc;
mod vpn;

pub use acl::{Acl, AclRow, AclTable};
pub use client_vpn::{Cvpn, CvpnClient, CvpnRoute, CvpnRow, CvpnRule, CvpnTarget};
pub use direct_connect::{DX_MTU, Dxgw, DxgwRow, Lag, LagLink, Public, Vif, VifEnd, VifRow};
pub use endpoint::{Service, ServiceListener, Vpce, VpceRow, VpceService};
pub use eni::{Eni, EniKind, EniRow};
pub use gateway::{Eigw, Igw, InternetHost, Nat, NatAddress, NatRow, NotModelled, PublicBinding, PublicOwner};
pub use guest::{EPHEMERAL, Forwarding, Guest, GuestOs};
pub use lpm::{Address, Lpm};
pub use mirror::{MirrorFilter, MirrorRule, MirrorSession, MirrorTable, MirrorTarget};
pub use peering::{Pcx, PcxRow};
pub use route::{Route, RouteTable, Target};
pub use router::{Fib, FibIx, FibRoute, NextHop, PathOwner, Router, RouterLine, RouterRow};
pub use sg::{PeerMatch, SgRow, SgSet, SgTable};
pub use speaker::{Line, Speaker};
pub use transit_gateway::{
    Mcast, McastRow, Tgw, TgwAttach, TgwAttachKind, TgwPort, TgwRoute, TgwRouteIx, TgwRow, TgwRtb, TgwTarget, Tunnel,
    TunnelBgp,
};
pub use vpc::{BpaMode, PrefixList, Subnet, Vpc, VpcRow};
pub use vpn::{Transport, TunnelLife, TunnelRow, Vgw, VgwRow, VpnEnd, VpnTunnel};

use crate::base::ids::{
    AclIx, CvpnClientIx, CvpnIx, DxgwIx, EigwIx, EniIx, GuestIx, IgwIx, InetIx, LagIx, McastIx, MirrorFilterIx,
    MirrorSessionIx, NatIx, NmIx, PcxIx, PlIx, PublicIx, RouterIx, RtbIx, SgIx, SgSetIx, SpeakerIx, SubnetIx, SvcIx,
    TgwAttachIx, TgwIx, TgwRtbIx, TunnelIx, VgwIx, VifIx, VpcIx, VpceIx,
};
use crate::base::{Bandwidth, IndexVec, Nanos, Ratio};
use crate::verdict::{Entry, LinkIx, Row, RowIx, Vantage};
use rustc_hash::FxHashMap;
use std::net::{IpAddr, Ipv4Addr};

/// The compiled network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fabric {
    /// Counts configurations of one run, from 0.
    pub epoch: u16,
    /// Every row that a decision can cite.
    pub rows: IndexVec<RowIx, Row>,
    /// Interfaces.
    pub enis: IndexVec<EniIx, Eni>,
    /// Subnets.
    pub subnets: IndexVec<SubnetIx, Subnet>,
    /// VPCs.
    pub vpcs: IndexVec<VpcIx, Vpc>,
    /// Route tables.
    pub rtbs: IndexVec<RtbIx, RouteTable>,
    /// Network ACLs.
    pub acls: IndexVec<AclIx, Acl>,
    /// Distinct sets of security groups.
    pub sg_sets: IndexVec<SgSetIx, SgSet>,
    /// Prefix lists.
    pub prefix_lists: IndexVec<PlIx, PrefixList>,
    /// Internet gateways.
    pub igws: IndexVec<IgwIx, Igw>,
    /// Egress-only internet gateways.
    pub eigws: IndexVec<EigwIx, Eigw>,
    /// NAT gateways.
    pub nats: IndexVec<NatIx, Nat>,
    /// VPC peering connections.
    pub pcxs: IndexVec<PcxIx, Pcx>,
    /// Transit gateways.
    pub tgws: IndexVec<TgwIx, Tgw>,
    /// Attachments to transit gateways.
    pub tgw_attaches: IndexVec<TgwAttachIx, TgwAttach>,
    /// Route tables of transit gateways.
    pub tgw_rtbs: IndexVec<TgwRtbIx, TgwRtb>,
    /// Multicast domains.
    pub mcasts: IndexVec<McastIx, Mcast>,
    /// VPC endpoints.
    pub vpces: IndexVec<VpceIx, Vpce>,
    /// Endpoint services.
    pub services: IndexVec<SvcIx, Service>,
    /// Virtual private gateways.
    pub vgws: IndexVec<VgwIx, Vgw>,
    /// Tunnels of VPN connections.
    pub tunnels: IndexVec<TunnelIx, VpnTunnel>,
    /// Direct Connect gateways.
    pub dxgws: IndexVec<DxgwIx, Dxgw>,
    /// AWS's public network by Region; none if there is no public virtual interface.
    pub publics: IndexVec<PublicIx, Public>,
    /// Link aggregation groups.
    pub lags: IndexVec<LagIx, Lag>,
    /// Virtual interfaces.
    pub vifs: IndexVec<VifIx, Vif>,
    /// Routers of on-premises sites.
    pub routers: IndexVec<RouterIx, Router>,
    /// Ends of BGP sessions, two for each line.
    pub speakers: IndexVec<SpeakerIx, Speaker>,
    /// Client VPN endpoints.
    pub cvpns: IndexVec<CvpnIx, Cvpn>,
    /// Their clients.
    pub cvpn_clients: IndexVec<CvpnClientIx, CvpnClient>,
    /// Traffic mirror filters.
    pub mirror_filters: IndexVec<MirrorFilterIx, MirrorFilter>,
    /// Traffic mirror sessions.
    pub mirror_sessions: IndexVec<MirrorSessionIx, MirrorSession>,
    /// The sessions of each mirrored interface, ascending by number.
    pub mirrors: FxHashMap<EniIx, Box<[MirrorSessionIx]>>,
    /// The VPC that each security group belongs to.
    pub sg_vpcs: IndexVec<SgIx, VpcIx>,
    /// Guests.
    pub guests: IndexVec<GuestIx, Guest>,
    /// Described hosts on the internet.
    pub internet_hosts: IndexVec<InetIx, InternetHost>,
    /// Resources that are not modelled.
    pub not_modelled: IndexVec<NmIx, NotModelled>,
    /// Public IPv4 addresses and who has them.
    pub public_v4: FxHashMap<Ipv4Addr, PublicBinding>,
    /// VPCs by IPv6 block: who gets what arrives from the internet.
    pub public_v6: Lpm<u128, VpcIx>,
    /// Described internet hosts by address.
    pub internet_by_address: FxHashMap<IpAddr, InetIx>,
    /// Services of AWS's by their public ranges (VPCE-4).
    pub aws_services: Lpm<u32, InetIx>,
    /// Row for a host on the internet that nobody described (INET-3).
    pub internet_unknown: RowIx,
    /// Row for a public address that nobody has.
    pub no_mapping: RowIx,
    /// Links.
    pub links: IndexVec<LinkIx, Link>,
    /// First of the rows of a link (loss, queue, down, MTU).
    pub link_rows: IndexVec<LinkIx, RowIx>,
    /// Links between two Regions, by their numbers in ascending order.
    pub region_links: FxHashMap<(u32, u32), LinkIx>,
    /// Choices where AWS's documentation is silent.
    pub profile: Profile,
}

/// One kind of link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// One-way latency.
    pub latency: Nanos,
    /// Bandwidth, if it is limited.
    pub bandwidth: Option<Bandwidth>,
    /// Bytes that may wait.
    pub queue_bytes: u64,
    /// Share of packets lost.
    pub loss: Ratio,
}

/// The switches of `spec::Profile`, with their defaults filled in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// An ICMP error about a tracked flow passes the security group without an ICMP rule.
    pub icmp_errors_pass_tracked: bool,
    /// A TCP packet that is not a SYN may open a tracked connection (CT-11, assumed).
    pub tracking_picks_up_mid_stream: bool,
    /// Idle time of an established TCP connection.
    pub tracked_tcp_idle: Nanos,
    /// Idle time of a UDP stream.
    pub tracked_udp_stream_idle: Nanos,
    /// Idle time of a UDP exchange.
    pub tracked_udp_idle: Nanos,
    /// A transit gateway tells a sender in a VPC that a packet was too big (TGW-17).
    pub tgw_icmp: bool,
    /// MTU of a peering between Regions in bytes (PCX-8).
    pub inter_region_peering_mtu: u32,
    /// What outbound security groups deny is mirrored all the same (MIR-15).
    pub mirror_denied_outbound: bool,
}

/// [CT-6] idle timeouts and what the pages leave open.
impl Default for Profile {
    fn default() -> Self {
        Self {
            icmp_errors_pass_tracked: false,
            tracking_picks_up_mid_stream: false,
            tracked_tcp_idle: Nanos::from_secs(432_000),
            tracked_udp_stream_idle: Nanos::from_secs(180),
            tracked_udp_idle: Nanos::from_secs(30),
            tgw_icmp: true,
            inter_region_peering_mtu: 8500,
            mirror_denied_outbound: false,
        }
    }
}

impl Fabric {
    /// Gives back the memory that was kept while the network grew.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.rows.shrink_to_fit();
        self.enis.shrink_to_fit();
        self.guests.shrink_to_fit();
        for vpc in self.vpcs.iter_mut() {
            vpc.addresses.shrink_to_fit();
            vpc.public.shrink_to_fit();
        }
    }
    /// The link of a class.
    #[must_use]
    pub fn link(&self, link: LinkIx) -> &Link {
        &self.links[link]
    }
    /// The row of a link that is down: one that loses everything (DX-88).
    #[must_use]
    pub fn link_down(&self, link: LinkIx) -> Option<RowIx> {
        (self.links[link].loss.0 == Ratio::ONE).then(|| RowIx(self.link_rows[link].0 + 2))
    }
    /// What a flow's hash is mixed with to choose this among equal ways.
    #[must_use]
    pub fn hop_salt(&self, hop: NextHop) -> u64 {
        match hop {
            NextHop::Tunnel(tunnel) => self.tunnels[tunnel].salt,
            NextHop::Vif(vif) => self.vifs[vif].salt,
            NextHop::Router(router, _) => router.0.into(),
            NextHop::Dxgw(dxgw) => dxgw.0.into(),
            NextHop::Vgw(vgw) => vgw.0.into(),
            NextHop::Attach(attach) => attach.0.into(),
            NextHop::Lan | NextHop::Vpc | NextHop::Internet | NextHop::Discard => 0,
        }
    }
    /// The traffic mirror sessions of an interface, in the order in which they are asked (MIR-3).
    #[must_use]
    pub fn mirrors_of(&self, eni: EniIx) -> &[MirrorSessionIx] {
        self.mirrors.get(&eni).map_or(&[], |sessions| sessions)
    }
    /// The class of link between two interfaces.
    #[must_use]
    pub fn link_between(&self, a: EniIx, b: EniIx) -> LinkIx {
        let (a, b) = (&self.subnets[self.enis[a].subnet], &self.subnets[self.enis[b].subnet]);
        if a.zone == b.zone { LinkIx::SAME_AZ } else { self.link_of_regions(a.region, b.region) }
    }
    /// The link between two Regions; between zones if they are the same.
    #[must_use]
    pub fn link_of_regions(&self, a: u32, b: u32) -> LinkIx {
        self.region_links.get(&(a.min(b), a.max(b))).copied().unwrap_or(LinkIx::CROSS_AZ)
    }
    /// The host that a public IPv4 or IPv6 address outside of this network belongs to, if it is known.
    #[must_use]
    pub fn internet_host(&self, address: IpAddr) -> Option<InetIx> {
        self.internet_by_address.get(&address).copied().or_else(|| match address {
            IpAddr::V4(a) => self.aws_services.get(a.into()),
            IpAddr::V6(_) => None,
        })
    }
    /// Where a described host that is not on the internet hands its packets to the network: behind a site's router, or as a
    /// client of a Client VPN endpoint.
    #[must_use]
    pub fn vantage_of(&self, host: InetIx) -> Option<Vantage> {
        let h = &self.internet_hosts[host];
        h.router.map(|router| Vantage::Router { router, from: Entry::Lan }).or(h.client.map(Vantage::Client))
    }
    /// The link over which such a host gets its packets.
    #[must_use]
    pub fn line_of(&self, host: InetIx) -> LinkIx {
        if self.internet_hosts[host].client.is_some() { LinkIx::INTERNET } else { LinkIx::SITE }
    }
    /// The service of AWS's that has a public address.
    #[must_use]
    pub fn aws_service(&self, address: IpAddr) -> Option<InetIx> {
        match address {
            IpAddr::V4(a) => self.aws_services.get(a.into()),
            IpAddr::V6(_) => None,
        }
    }
    /// True if a public address is one of this network's VPCs'.
    #[must_use]
    pub fn is_ours(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(a) => self.public_v4.contains_key(&a),
            IpAddr::V6(a) => self.public_v6.get(a.into()).is_some(),
        }
    }
    /// The interface of a VPC that has `address`, delegated prefixes included.
    #[must_use]
    pub fn eni_with(&self, vpc: VpcIx, address: IpAddr) -> Option<EniIx> {
        self.vpcs[vpc].eni_with(address)
    }
    /// True if `address` is one of the interface's own, delegated prefixes included (ENI-4).
    #[must_use]
    pub fn owns(&self, eni: EniIx, address: IpAddr) -> bool {
        self.enis[eni].primary == Some(address) || self.eni_with(self.enis[eni].vpc, address) == Some(eni)
    }
    /// True if `address` is one of the guest's, on any of its interfaces.
    #[must_use]
    pub fn guest_owns(&self, guest: GuestIx, address: IpAddr) -> bool {
        self.guests[guest].enis.iter().any(|eni| self.owns(*eni, address))
    }
    /// Whether the appliance at the customer's end of a Connect tunnel runs.
    #[must_use]
    pub fn appliance_runs(&self, line: Line) -> bool {
        let Line::Connect { connect, tunnel, .. } = line else { return false };
        let TgwAttachKind::Connect { tunnels, .. } = &self.tgw_attaches[connect].kind else { return false };
        tunnels[usize::from(tunnel)].bgp.as_ref().is_some_and(|bgp| self.guests[bgp.guest].running)
    }
    /// The link-local service that an interface reaches at `address`, if any. Ports are the service's affair.
    #[must_use]
    pub fn guest_eni_with(&self, guest: GuestIx, address: IpAddr) -> Option<EniIx> {
        self.guests[guest].enis.iter().copied().find(|eni| self.owns(*eni, address))
    }
}

pub use route::RouteIx;
pub use sg::{ANY_ICMP, ANY_PROTOCOL, OpenToAll};
