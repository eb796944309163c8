//! Where a packet is, what became of it, and what was decided on the way.

use super::{Decision, RowIx};
use crate::base::Protocol;
use crate::base::ids::{
    CvpnClientIx, CvpnIx, DxgwIx, EniIx, InetIx, LagIx, McastIx, MirrorSessionIx, NatIx, PcxIx, PublicIx, RouterIx,
    SpeakerIx, SvcIx, TgwAttachIx, TunnelIx, VgwIx, VifIx, VpceIx,
};
use crate::index_type;
use crate::wire::Headers;
use std::net::IpAddr;

/// Where a packet is when the walk takes it up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Vantage {
    /// The guest behind this interface sends it.
    Out(EniIx),
    /// It arrives at this interface.
    In {
        /// The interface.
        eni: EniIx,
        /// The interface that sent it, if one of the same network did and nothing in between rewrote it.
        from: Option<EniIx>,
        /// True if it entered the interface's subnet: then the subnet's ACL looks at it.
        entered: bool,
    },
    /// It arrives at a regional NAT gateway from inside the VPC.
    RegionalNat(NatIx),
    /// The guest behind this interface sends it to itself: no interface is crossed.
    Loopback(EniIx),
    /// A link-local service on this interface's host answers it: nothing filters that (SVC-4).
    FromService(EniIx),
    /// It arrives at AWS's edge from the internet.
    Internet,
    /// A transit gateway has it.
    Tgw {
        /// The attachment it came by.
        via: TgwAttachIx,
        /// The attachment's interface it came by; none if it came over a peering or out of a tunnel.
        eni: Option<EniIx>,
        /// The interface that sent it, as long as security groups may know.
        from: Option<EniIx>,
    },
    /// A transit gateway's interface in a VPC sends it.
    FromTgw {
        /// The attachment's interface.
        eni: EniIx,
        /// The interface that sent it, as long as security groups may know.
        from: Option<EniIx>,
    },
    /// A service sends it into a VPC by a gateway endpoint.
    GatewayEndpoint(VpceIx),
    /// A site's router has it.
    Router {
        /// The router.
        router: RouterIx,
        /// Where it came from.
        from: Entry,
    },
    /// A virtual private gateway has it, from outside of its VPC.
    Vgw {
        /// The gateway.
        vgw: VgwIx,
        /// Where it came from.
        from: Entry,
    },
    /// A Direct Connect gateway has it.
    Dxgw {
        /// The gateway.
        dxgw: DxgwIx,
        /// Where it came from.
        from: Entry,
    },
    /// A client of a Client VPN endpoint sends it.
    Client(CvpnClientIx),
    /// It arrives at a Client VPN endpoint from this client.
    Cvpn(CvpnClientIx),
    /// AWS's public network has it for a customer, or from one.
    Public {
        /// The Region.
        region: PublicIx,
        /// The public virtual interface that it came by; none if a service of AWS's sends it.
        from: Option<VifIx>,
    },
    /// It arrives, encrypted, at the end of a VPN tunnel.
    TunnelEnd(TunnelIx, Side),
    /// It arrives at the end of a virtual interface.
    VifEnd(VifIx, Side),
    /// A speaker of BGP sends it to the other end of its line.
    Speaker(SpeakerIx),
    /// The host of a mirrored interface sends a copy.
    Mirror {
        /// The session.
        session: MirrorSessionIx,
        /// The interface whose packet it is a copy of.
        eni: EniIx,
    },
}

/// Which side of a tunnel or of a virtual interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// AWS's.
    Aws,
    /// The customer's.
    Customer,
}

/// Where a gateway or a router got a packet from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Entry {
    /// The network behind a router.
    Lan,
    /// A tunnel of a VPN connection.
    Tunnel(TunnelIx),
    /// A virtual interface.
    Vif(VifIx),
    /// Another router.
    Router(RouterIx),
    /// A virtual private gateway.
    Vgw(VgwIx),
    /// A Direct Connect gateway.
    Dxgw(DxgwIx),
    /// A transit gateway, by the attachment that a Direct Connect gateway's association is.
    Attach(TgwAttachIx),
}

index_type! {
    /// A kind of link that a packet crosses between two vantages.
    pub LinkIx;
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Aws => Self::Customer,
            Self::Customer => Self::Aws,
        }
    }
}

impl LinkIx {
    /// Two interfaces in one zone.
    pub const SAME_AZ: Self = Self(0);
    /// Two zones of a Region.
    pub const CROSS_AZ: Self = Self(1);
    /// AWS's edge and a host on the internet.
    pub const INTERNET: Self = Self(2);
    /// Inside one instance's host: link-local services.
    pub const HOST: Self = Self(3);
    /// Through a transit gateway.
    pub const TGW: Self = Self(4);
    /// The network behind a site's router.
    pub const SITE: Self = Self(5);
    /// The first link that is not one of the above: of two Regions, of a Direct Connect connection, of two routers.
    pub const FIRST_OTHER: Self = Self(6);
}

/// A service on the instance's own host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// Route 53 Resolver: VPC+2, 169.254.169.253, fd00:ec2::253.
    Resolver,
    /// Instance metadata: 169.254.169.254, fd00:ec2::254.
    Metadata,
    /// Amazon Time Sync: 169.254.169.123, fd00:ec2::123.
    Time,
    /// DHCP.
    Dhcp,
}

impl Service {
    /// Whether it answers at a port: each at its own only, and is silent on others (SVC-3).
    #[must_use]
    pub const fn serves(self, protocol: Protocol, port: u16) -> bool {
        match self {
            Self::Resolver => protocol.has_ports() && port == 53,
            Self::Metadata => protocol.0 == Protocol::TCP.0 && port == 80,
            Self::Time => protocol.0 == Protocol::UDP.0 && port == 123,
            Self::Dhcp => protocol.0 == Protocol::UDP.0 && port == 67,
        }
    }
}

/// What became of the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on from `to` after crossing a link.
    Transit {
        /// Where it will be.
        to: Vantage,
        /// The link in between.
        link: LinkIx,
    },
    /// The guest behind this interface has it, and it is for one of the guest's addresses.
    Deliver {
        /// The interface.
        eni: EniIx,
    },
    /// A service on the interface's host has it.
    Serve {
        /// The interface that asked.
        eni: EniIx,
        /// The service.
        service: Service,
    },
    /// It leaves for the internet.
    Exit,
    /// The host of a site has it, or a client of a Client VPN endpoint.
    Site {
        /// The host.
        host: InetIx,
    },
    /// An AWS service has it, by an endpoint.
    Endpoint {
        /// The service.
        host: InetIx,
        /// Where its answers enter the network.
        back: Vantage,
    },
    /// Copies of it go to the members of a multicast group.
    Replicate {
        /// The domain.
        domain: McastIx,
        /// The interface that sent it, which gets none.
        sender: EniIx,
    },
    /// AWS itself takes it: a membership message for a multicast domain.
    Taken {
        /// The domain.
        domain: McastIx,
    },
    /// A router or a gateway has it for itself, at its address on a line.
    Speaker {
        /// Who.
        speaker: SpeakerIx,
    },
    /// It is gone.
    Drop {
        /// The deciding row.
        by: RowIx,
        /// What the sender is told, if anything.
        notify: Option<Notify>,
    },
}

/// A message that a drop causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notify {
    /// What it says.
    pub kind: NotifyKind,
    /// Its source address.
    pub from: IpAddr,
    /// Where it enters the network.
    pub at: Vantage,
}

/// What a [`Notify`] says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotifyKind {
    /// IPv4 type 3 code 4, IPv6 type 2, with the MTU of the next hop.
    TooBig {
        /// The MTU in bytes.
        mtu: u32,
    },
    /// IPv4 type 11 code 0, IPv6 type 3 code 0.
    TimeExceeded,
    /// A TCP RST in the name of the destination.
    Reset,
}

/// One decision on a packet's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Which question was asked.
    pub stage: Stage,
    /// The answer and its row.
    pub decision: Decision,
    /// True if the answer came from a tracked connection; the row is the one that founded it.
    pub tracked: bool,
    /// Headers when the question was asked.
    pub before: Headers,
    /// Headers afterwards: different if this stage rewrites.
    pub after: Headers,
}

/// The questions of a walk, in the order a packet meets them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Is the source one of this interface's addresses?
    SourceCheck(EniIx),
    /// Is the destination a link-local service?
    Service(EniIx),
    /// Does a security group of the interface allow it out?
    SgOut(EniIx),
    /// Does this session of the interface mirror it? The packet itself goes on whatever the answer.
    Mirror(MirrorSessionIx),
    /// Does the subnet's ACL let it out?
    AclOut(EniIx),
    /// Which route?
    Route(EniIx),
    /// Which route of the gateway's own table?
    EdgeRoute,
    /// Internet gateway.
    Igw,
    /// Egress-only internet gateway.
    Eigw,
    /// Block Public Access.
    Bpa,
    /// NAT gateway.
    Nat(NatIx),
    /// VPC peering.
    Pcx(PcxIx),
    /// Transit gateway, by the attachment that the packet came by.
    Tgw(TgwAttachIx),
    /// Which route of the transit gateway's table?
    TgwRoute(TgwAttachIx),
    /// Multicast domain.
    Mcast,
    /// VPC endpoint.
    Vpce(VpceIx),
    /// Endpoint service.
    VpceService(SvcIx),
    /// Which route of a virtual private gateway?
    Vgw(VgwIx),
    /// VPN tunnel.
    Tunnel(TunnelIx),
    /// Which route of a Direct Connect gateway?
    Dxgw(DxgwIx),
    /// Virtual interface.
    Vif(VifIx),
    /// Which route of AWS's public network?
    Public(PublicIx),
    /// Which connection of a link aggregation group?
    Lag(LagIx),
    /// Which route of a site's router?
    Router(RouterIx),
    /// Does a client of a Client VPN endpoint send it into its tunnel?
    CvpnClient(CvpnIx),
    /// Which authorization rule of a Client VPN endpoint?
    CvpnRule(CvpnIx),
    /// Which route of a Client VPN endpoint?
    CvpnRoute(CvpnIx),
    /// Client VPN endpoint: translation, and what it cannot take.
    Cvpn(CvpnIx),
    /// Who has the address?
    Address,
    /// Does the subnet's ACL let it in?
    AclIn(EniIx),
    /// Does a security group of the interface allow it in?
    SgIn(EniIx),
    /// Is the destination one of this interface's addresses?
    DestCheck(EniIx),
    /// Is there a running guest, and what does it do with it?
    Guest(EniIx),
    /// A host on the internet.
    InternetHost,
    /// Something that is not modelled.
    NotModelled,
}

/// A packet's arrival at or departure from an interface, with the filters' answer there: one line of a flow log (FLW-1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The interface.
    pub eni: EniIx,
    /// In or out of it.
    pub dir: super::Dir,
    /// True if security groups and ACL let it pass.
    pub accepted: bool,
    /// The row that says so: the ACL's where it decided, else the security group's.
    pub by: RowIx,
    /// Headers at the interface.
    pub headers: Headers,
    /// Length of the IP packet in bytes.
    pub len: u32,
    /// The interface at the other side, if it is known: that the packet is handed to next, or that sent it here.
    pub next: Option<EniIx>,
    /// The way out of the VPC.
    pub path: super::TrafficPath,
    /// True if the interface has the address on its side: the source on the way out, the destination on the way in.
    pub own: bool,
    /// True if Block Public Access stopped it here.
    pub blocked: bool,
}
