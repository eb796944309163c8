//! Rows: what a decision can cite.

use crate::index_type;

index_type! {
    /// A row of any kind of any resource.
    pub RowIx;
}

/// Direction relative to the named resource: into or out of a subnet, an interface, a gateway's VPC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dir {
    /// Into it.
    In,
    /// Out of it.
    Out,
}

impl Dir {
    /// AWS's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "inbound",
            Self::Out => "outbound",
        }
    }
    /// The other one.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// One row. Eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// What kind of row, which also says what `owner` indexes.
    pub kind: RowKind,
    /// Direction, where the resource has two.
    pub dir: Dir,
    /// Dense index of the resource the row belongs to.
    pub owner: u32,
}

/// Kinds of rows. The comment says whose index [`Row::owner`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum RowKind {
    /// A written ACL row (acl).
    AclRule,
    /// An ACL's last row `*`: deny all (acl).
    AclLast,
    /// A written security group rule (sg).
    SgRule,
    /// No rule of the interface's groups matches: deny (eni).
    SgLast,
    /// A route that forwards (rtb).
    Route,
    /// A route whose target cannot take traffic: it wins and drops (rtb).
    RouteBlackhole,
    /// No route matches: drop (rtb).
    RouteNone,
    /// Source/destination check, out: the source must be one of the interface's addresses (eni).
    SourceCheck,
    /// Source/destination check, in: the destination must be one of the interface's addresses (eni).
    DestCheck,
    /// The interface has no running guest (eni).
    GuestDown,
    /// The guest does not forward packets that are not for it (eni).
    GuestForwardOff,
    /// Whether and how the guest forwards is not described (eni).
    GuestForwardUnknown,
    /// The guest takes the packet: something listens, it answers ping (eni).
    GuestOpen,
    /// The guest refuses: nothing listens on the port (eni).
    GuestClosed,
    /// The guest does not answer echo requests (eni).
    GuestNoPing,
    /// The guest forwards the packet (eni).
    GuestForward,
    /// The packet's hops ran out at a forwarding guest (eni).
    TtlGuest,
    /// The packet is larger than the interface's MTU and must not be fragmented (eni).
    MtuGuest,
    /// A managed interface of a kind that answers nothing on this protocol or port (eni).
    ManagedSilent,
    /// Nobody in the VPC has the destination address (vpc).
    AddressNone,
    /// The destination is one of a subnet's reserved addresses: nobody answers there (subnet).
    AddressReserved,
    /// The destination is inside AWS's link-local range, but no service lives there (vpc).
    ServiceNone,
    /// A link-local service answers; no filter sees it (vpc).
    Service,
    /// `enableDnsSupport` is off: the resolver does not answer (vpc).
    ServiceDnsOff,
    /// More than 1,024 packets per second to link-local services (eni).
    ServiceRate,
    /// Internet gateway: the address has a public partner, or needs none (igw).
    IgwTranslate,
    /// The source has no public address (igw).
    IgwNoPublicAddress,
    /// The destination is private (RFC 1918) and cannot be on the internet (igw).
    IgwPrivateDestination,
    /// The destination is shared (RFC 6598) and cannot be on the internet (igw).
    IgwSharedDestination,
    /// The source is private or shared and cannot come from the internet (igw).
    IgwPrivateSource,
    /// No interface has the public address (vpc, or 0).
    IgwNoMapping,
    /// Larger than 1,500 bytes with don't-fragment at the internet gateway (igw).
    MtuIgw,
    /// The edge route's interface has no public address (igw).
    EdgeTarget,
    /// Egress-only internet gateway: started from inside, or a reply (eigw).
    EigwPass,
    /// Egress-only internet gateway: started from outside (eigw).
    EigwUnsolicited,
    /// VPC Block Public Access (vpc).
    BlockPublicAccess,
    /// NAT gateway: translated (nat).
    NatTranslate,
    /// NAT gateway: only TCP, UDP and ICMP (nat).
    NatProtocol,
    /// NAT gateway: only UDP may be fragmented (nat).
    NatFragment,
    /// NAT gateway: nothing inside started this, or it is addressed to the gateway itself (nat).
    NatUnsolicited,
    /// NAT gateway: no free port for this destination (nat).
    NatPorts,
    /// NAT gateway: the connection was idle for 350 s and is gone (nat).
    NatIdle,
    /// NAT gateway: larger than 8,500 bytes with don't-fragment (nat).
    MtuNat,
    /// NAT gateway: hops ran out (nat).
    TtlNat,
    /// Regional NAT gateway: its VPC has no internet gateway attached (nat).
    NatNoGateway,
    /// A stateful forwarding guest has not seen the connection's first packet (eni).
    GuestNoState,
    /// VPC peering: it carries the packet (pcx).
    PcxPass,
    /// VPC peering: the destination is in no block of the peer VPC (pcx).
    PcxTransit,
    /// VPC peering: the peer VPC is not described (pcx).
    PcxUnknown,
    /// VPC peering: larger than it takes, and not to be fragmented (pcx).
    PcxMtu,
    /// VPC peering: the reply to a NAT gateway goes back the way the request came (pcx).
    PcxReturn,
    /// Transit gateway: it carries the packet to this attachment (tgw attachment).
    TgwPass,
    /// Transit gateway: the attachment has no subnet in the sender's zone (tgw attachment).
    TgwNoAz,
    /// Transit gateway: the attachment that the packet came by has no route table (tgw attachment).
    TgwNoAssociation,
    /// Transit gateway: the attachment is not available, or has no usable interface (tgw attachment).
    TgwState,
    /// Transit gateway: what is behind the attachment is not described (tgw attachment).
    TgwUnknown,
    /// Transit gateway: larger than 8,500 bytes (tgw attachment that it came by).
    MtuTgw,
    /// Transit gateway: hops ran out (tgw attachment that it came by).
    TtlTgw,
    /// A route of a transit gateway that forwards (tgw route table).
    TgwRoute,
    /// A route of a transit gateway that drops, or whose attachment cannot take traffic (tgw route table).
    TgwRouteBlackhole,
    /// No route of a transit gateway's table matches (tgw route table).
    TgwRouteNone,
    /// A tunnel of a Connect attachment: wrapped or unwrapped (tgw attachment).
    TgwTunnel,
    /// Multicast: copies go to the group's members (multicast domain).
    McastPass,
    /// Multicast: the subnet is in no domain (vpc).
    McastNoDomain,
    /// Multicast: the group has no member but the sender (multicast domain).
    McastNoMember,
    /// Multicast: the sender is no source of the group (multicast domain).
    McastNoSource,
    /// Multicast: fragments are dropped (multicast domain).
    McastFragment,
    /// Multicast: a report or a leave message of a host, taken (multicast domain).
    McastIgmp,
    /// VPC endpoint: it takes the packet (vpce).
    VpcePass,
    /// VPC endpoint: not available (vpce).
    VpceState,
    /// Gateway endpoint: takes TCP and echo requests only (vpce).
    VpceProtocol,
    /// Gateway endpoint: the source is outside its VPC (vpce).
    VpceFromOutside,
    /// VPC endpoint: nothing answers on this protocol or port (vpce).
    VpceSilent,
    /// VPC endpoint: its service is not described (vpce).
    VpceUnknown,
    /// Interface endpoint: its service has no node in the zone (vpce).
    VpceNoAz,
    /// Interface endpoint: larger than 8,500 bytes (vpce).
    MtuVpce,
    /// Endpoint service: a node takes the connection to a target (service).
    VpceTarget,
    /// Endpoint service: no usable target (service).
    VpceNoTarget,
    /// Virtual private gateway: into its VPC (vgw).
    VgwEnter,
    /// Virtual private gateway: what it has learnt is not described (vgw).
    VgwUnknown,
    /// Virtual private gateway: larger than Direct Connect takes by this route (vgw).
    VgwMtu,
    /// Virtual private gateway: attached to no VPC (vgw).
    VgwNoVpc,
    /// A route that a virtual private gateway has learnt or been given (vgw).
    VgwRoute,
    /// A virtual private gateway has no route (vgw).
    VgwRouteNone,
    /// VPN tunnel: encrypted or decrypted (tunnel).
    TunnelPass,
    /// VPN tunnel: larger than it takes (tunnel).
    TunnelMtu,
    /// VPN tunnel: not up (tunnel).
    TunnelDown,
    /// VPN tunnel: the customer's side is not described (tunnel).
    TunnelUnknown,
    /// VPN tunnel: not what the other side encrypted, or seen before (tunnel).
    TunnelBad,
    /// VPN tunnel: of the family that its connection does not carry (tunnel).
    TunnelFamily,
    /// VPN tunnel: its outer addresses do not reach each other by Direct Connect (tunnel).
    TunnelNoCarrier,
    /// VPN tunnel: the NAT device before the customer's router has forgotten it (tunnel).
    TunnelNatIdle,
    /// Direct Connect gateway: what it has learnt is not described (dxgw).
    DxgwUnknown,
    /// Direct Connect gateway: larger than Direct Connect takes by this route (dxgw).
    DxgwMtu,
    /// Direct Connect gateway: it does not join these two (dxgw).
    DxgwNotJoined,
    /// A route of a Direct Connect gateway (dxgw).
    DxgwRoute,
    /// A Direct Connect gateway has no route (dxgw).
    DxgwRouteNone,
    /// Link aggregation group: the connection that carries the packet (lag).
    LagLink,
    /// Link aggregation group: it has no connection that is up (lag).
    LagNoLink,
    /// Virtual interface: it carries the packet (vif).
    VifPass,
    /// Virtual interface: larger than it takes (vif).
    VifMtu,
    /// Virtual interface: its connection is down (vif).
    VifDown,
    /// Virtual interface: the customer's side is not described (vif).
    VifUnknown,
    /// Public virtual interface: the customer has not announced the source (vif).
    VifSource,
    /// Public virtual interface: the destination is no address of AWS's (vif).
    VifNotAws,
    /// A prefix that a customer announced to AWS's public network (Region).
    PublicRoute,
    /// No customer announced the destination to AWS's public network (Region).
    PublicRouteNone,
    /// A route of a site's router (router).
    RouterRoute,
    /// A site's router has no route (router).
    RouterRouteNone,
    /// Site's router: hops ran out (router).
    RouterTtl,
    /// Site's router: its firewall knows nothing of the connection (router).
    RouterFirewall,
    /// Site's router: the host behind it is not described (router).
    RouterNoHost,
    /// Site's router: it has the address itself (router).
    RouterOwn,
    /// Site's router: what it answers to this is not modelled (router).
    RouterUnanswered,
    /// Site's router: it has failed (router).
    RouterDown,
    /// Site's router: out by its own line to the internet (router).
    RouterInternet,
    /// Client VPN: a client sends it into the tunnel (cvpn).
    CvpnEnter,
    /// Client VPN: the endpoint is not available, or has no usable target network (cvpn).
    CvpnState,
    /// Client VPN: a split tunnel leaves it to the client's own line (cvpn).
    CvpnOutside,
    /// Client VPN: IPv6 (cvpn).
    CvpnIpv6,
    /// A written authorization rule of a Client VPN endpoint (cvpn).
    CvpnRule,
    /// Client VPN: no authorization rule for the destination (cvpn).
    CvpnNoRule,
    /// A route of a Client VPN endpoint, written or for the VPC (cvpn).
    CvpnRoute,
    /// Client VPN: no route of the client's target network (cvpn).
    CvpnNoRoute,
    /// Client VPN: the source is translated, or translated back (cvpn).
    CvpnTranslate,
    /// Client VPN: no free port for this destination (cvpn).
    CvpnPorts,
    /// Client VPN: not the reply to anything that a client sent (cvpn).
    CvpnUnsolicited,
    /// Client VPN: no client has the address (cvpn).
    CvpnNoClient,
    /// Client VPN: a link-local service of the VPC (cvpn).
    CvpnService,
    /// A written rule of a traffic mirror filter that accepts: the packet is mirrored (mirror filter).
    MirrorAccept,
    /// A written rule of a traffic mirror filter that rejects (mirror filter).
    MirrorReject,
    /// No rule of a traffic mirror filter matches (mirror filter).
    MirrorNone,
    /// A traffic mirror filter names Amazon DNS: the packet is mirrored (mirror filter).
    MirrorDns,
    /// A copy gives way to production traffic (mirror session).
    MirrorSkip,
    /// The path comes back to where it was (vpc).
    Loop,
    /// A resource that is not modelled (nm).
    NotModelled,
    /// A host on the internet that the topology describes takes the packet (inet).
    InternetOpen,
    /// The same, and refuses it (inet).
    InternetClosed,
    /// The same, and does not answer (inet).
    InternetSilent,
    /// A host on the internet that nobody described (0).
    InternetUnknown,
    /// Lost on a link, by its stated loss (link class).
    LinkLoss,
    /// No room in a link's queue (link class).
    LinkQueue,
    /// The link is down (link class).
    LinkDown,
    /// Larger than the path beyond the gateway takes, and not to be fragmented (link class).
    LinkMtu,
}
