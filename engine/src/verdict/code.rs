//! Codes: AWS Reachability Analyzer's where one exists, ours with the prefix `SIM_`.
//! Source: VPC Reachability Analyzer guide, "Explanation codes".

use super::{Dir, Row, RowKind};

/// What class of answer a drop is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// The network's configuration drops the packet.
    Blocked,
    /// The host at the end answers no, or not at all.
    Guest,
    /// What decides is not in the input, or not modelled.
    Unknown,
    /// The link lost it.
    Link,
}

/// The code of a row that dropped a packet, or let it pass with an explanation.
#[must_use]
pub const fn code_of(row: Row) -> &'static str {
    use RowKind as K;
    match row.kind {
        K::AclRule | K::AclLast => "SUBNET_ACL_RESTRICTION",
        K::SgRule | K::SgLast => "ENI_SG_RULES_MISMATCH",
        K::Route => "SIM_ROUTE",
        K::RouteBlackhole => "BAD_STATE_ROUTE",
        K::RouteNone => "NO_ROUTE_TO_DESTINATION",
        K::SourceCheck | K::DestCheck => "ENI_SOURCE_DEST_CHECK_RESTRICTION",
        K::GuestDown => "BAD_STATE",
        K::GuestForwardOff => "SIM_GUEST_DOES_NOT_FORWARD",
        K::GuestForwardUnknown => "SIM_GUEST_NOT_DESCRIBED",
        K::GuestOpen | K::InternetOpen => "SIM_DELIVERED",
        K::GuestClosed | K::InternetClosed => "SIM_NO_LISTENER",
        K::GuestNoPing | K::InternetSilent => "SIM_HOST_DOES_NOT_ANSWER",
        K::GuestForward => "SIM_FORWARDED",
        K::TtlGuest | K::TtlNat => "SIM_TTL_EXPIRED",
        K::MtuGuest | K::MtuIgw | K::MtuNat => "SIM_MTU_EXCEEDED",
        K::ManagedSilent => "PROTOCOL_RESTRICTION",
        K::AddressNone | K::AddressReserved => "NO_POSSIBLE_DESTINATION",
        K::ServiceNone => "SIM_NO_SUCH_SERVICE",
        K::Service => "SIM_LINK_LOCAL_SERVICE",
        K::ServiceDnsOff => "SIM_DNS_SUPPORT_OFF",
        K::ServiceRate => "SIM_LINK_LOCAL_RATE",
        K::IgwTranslate => "SIM_PUBLIC_ADDRESS",
        K::IgwNoPublicAddress => "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
        K::IgwPrivateDestination => "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
        K::IgwSharedDestination => "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
        K::IgwPrivateSource => "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
        K::IgwNoMapping => "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        K::EdgeTarget => "INGRESS_RTB_NO_PUBLIC_IP",
        K::EigwPass => "SIM_EGRESS_ONLY",
        K::EigwUnsolicited => "SIM_EGRESS_ONLY_UNSOLICITED",
        K::BlockPublicAccess => "VPC_BLOCK_PUBLIC_ACCESS_ENABLED",
        K::NatTranslate => "NGW_SOURCE_ADDRESS_REASSIGN",
        K::NatProtocol => "PROTOCOL_RESTRICTION",
        K::NatFragment => "SIM_NAT_FRAGMENT",
        K::NatUnsolicited => "SIM_NAT_UNSOLICITED",
        K::NatPorts => "SIM_NAT_PORTS_EXHAUSTED",
        K::NatIdle => "SIM_NAT_IDLE_TIMEOUT",
        K::NatNoGateway => "NO_ROUTE_TO_DESTINATION",
        K::GuestNoState => "SIM_STATEFUL_APPLIANCE",
        K::PcxPass => "SIM_PEERING",
        K::PcxTransit => "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
        K::PcxUnknown => "SIM_PEER_NOT_DESCRIBED",
        K::PcxReturn => "SIM_RETURN_TO_SENDER",
        K::PcxMtu | K::MtuTgw | K::MtuVpce => "SIM_MTU_EXCEEDED",
        K::TgwPass | K::TgwRoute => "SIM_TRANSIT_GATEWAY",
        K::TgwNoAz => "TGW_ROUTE_AZ_RESTRICTION",
        K::TgwNoAssociation => "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
        K::TgwState => "BAD_STATE_ATTACHMENT",
        K::TgwUnknown => "SIM_PEER_NOT_DESCRIBED",
        K::TtlTgw => "SIM_TTL_EXPIRED",
        K::TgwRouteBlackhole => "TGW_RTB_BAD_STATE_ROUTE",
        K::TgwRouteNone => "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
        K::TgwTunnel => "SIM_CONNECT_TUNNEL",
        K::McastPass | K::McastIgmp => "SIM_MULTICAST",
        K::McastNoDomain => "SIM_MULTICAST_NO_DOMAIN",
        K::McastNoMember => "SIM_MULTICAST_NO_MEMBER",
        K::McastNoSource => "SIM_MULTICAST_NO_SOURCE",
        K::McastFragment => "SIM_MULTICAST_FRAGMENT",
        K::VpcePass | K::VpceTarget => "SIM_VPC_ENDPOINT",
        K::VpceState => "BAD_STATE",
        K::VpceProtocol => "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
        K::VpceFromOutside => "SIM_GATEWAY_ENDPOINT_FROM_OUTSIDE",
        K::VpceSilent => "SIM_HOST_DOES_NOT_ANSWER",
        K::VpceUnknown => "SIM_SERVICE_NOT_DESCRIBED",
        K::VpceNoAz => "VPCE_SERVICE_NOT_INSTALLED_IN_AZ",
        K::VpceNoTarget => "ELBV2_NO_TARGETS_IN_AZ",
        K::VgwEnter | K::VgwRoute => "SIM_VIRTUAL_PRIVATE_GATEWAY",
        K::VgwUnknown | K::TunnelUnknown | K::DxgwUnknown | K::VifUnknown => "SIM_SITE_NOT_DESCRIBED",
        K::VgwNoVpc => "BAD_STATE_ATTACHMENT",
        K::VgwRouteNone => "SIM_VGW_NO_ROUTE",
        K::TunnelPass => "SIM_VPN_TUNNEL",
        K::TunnelMtu | K::VifMtu | K::VgwMtu | K::DxgwMtu => "SIM_MTU_EXCEEDED",
        K::TunnelDown => "BAD_STATE_VPN",
        K::TunnelBad => "SIM_ESP_INTEGRITY",
        K::TunnelFamily => "PROTOCOL_RESTRICTION",
        K::TunnelNoCarrier => "SIM_VPN_NO_CARRIER",
        K::TunnelNatIdle => "SIM_NAT_IDLE_TIMEOUT",
        K::DxgwRoute => "SIM_DIRECT_CONNECT_GATEWAY",
        K::DxgwNotJoined => "SIM_DX_GATEWAY_DOES_NOT_JOIN",
        K::DxgwRouteNone => "SIM_DX_GATEWAY_NO_ROUTE",
        K::LagLink => "SIM_LINK_AGGREGATION_GROUP",
        K::VifPass => "SIM_VIRTUAL_INTERFACE",
        K::VifSource => "SIM_SOURCE_NOT_ANNOUNCED",
        K::VifNotAws => "SIM_NOT_AN_AWS_ADDRESS",
        K::PublicRoute => "SIM_PUBLIC_VIRTUAL_INTERFACE",
        K::PublicRouteNone => "SIM_PUBLIC_NO_ROUTE",
        K::VifDown | K::LagNoLink => "SIM_LINK_DOWN",
        K::RouterRoute => "SIM_SITE_ROUTE",
        K::RouterRouteNone => "SIM_SITE_NO_ROUTE",
        K::RouterTtl => "SIM_TTL_EXPIRED",
        K::RouterFirewall => "SIM_STATEFUL_APPLIANCE",
        K::RouterNoHost => "SIM_FOREIGN_HOST",
        K::RouterOwn => "SIM_SITE_ROUTE",
        K::RouterUnanswered => "SIM_NOT_MODELLED",
        K::RouterDown => "SIM_ROUTER_DOWN",
        K::RouterInternet => "SIM_NOT_MODELLED",
        K::CvpnEnter | K::CvpnRoute | K::CvpnTranslate => "SIM_CLIENT_VPN",
        K::CvpnState => "BAD_STATE",
        K::CvpnRule | K::CvpnNoRule => "SIM_CLIENT_VPN_AUTHORIZATION",
        K::CvpnNoRoute => "SIM_CLIENT_VPN_NO_ROUTE",
        K::CvpnPorts => "SIM_NAT_PORTS_EXHAUSTED",
        K::CvpnUnsolicited => "SIM_NAT_UNSOLICITED",
        K::CvpnNoClient => "NO_POSSIBLE_DESTINATION",
        K::CvpnOutside | K::CvpnIpv6 | K::CvpnService => "SIM_NOT_MODELLED",
        K::MirrorAccept | K::MirrorReject | K::MirrorNone | K::MirrorDns => "SIM_TRAFFIC_MIRRORING",
        K::MirrorSkip => "SIM_MIRROR_SKIPPED",
        K::Loop => "SIM_LOOP",
        K::NotModelled => "SIM_NOT_MODELLED",
        K::InternetUnknown => "SIM_FOREIGN_HOST",
        K::LinkLoss => "SIM_LINK_LOSS",
        K::LinkQueue => "SIM_LINK_QUEUE_FULL",
        K::LinkDown => "SIM_LINK_DOWN",
        K::LinkMtu => "SIM_MTU_EXCEEDED",
    }
}

/// The class of answer that a row which ended a packet's way gives.
#[must_use]
pub const fn reason_of(kind: RowKind) -> Reason {
    use RowKind as K;
    match kind {
        K::GuestClosed | K::GuestNoPing | K::InternetClosed | K::InternetSilent | K::ManagedSilent | K::VpceSilent => {
            Reason::Guest
        }
        K::NotModelled
        | K::GuestForwardUnknown
        | K::InternetUnknown
        | K::PcxUnknown
        | K::TgwUnknown
        | K::VgwUnknown
        | K::TunnelUnknown
        | K::DxgwUnknown
        | K::VifUnknown
        | K::RouterInternet
        | K::RouterNoHost
        | K::RouterUnanswered
        | K::CvpnOutside
        | K::CvpnIpv6
        | K::CvpnService
        | K::VpceUnknown => Reason::Unknown,
        K::LinkLoss | K::LinkQueue | K::LinkDown | K::LinkMtu | K::MirrorSkip => Reason::Link,
        _ => Reason::Blocked,
    }
}

impl Row {
    /// True if a filter that is evaluated per subnet or interface made the row: its drops are in flow logs as REJECT (FLW-2).
    #[must_use]
    pub const fn is_filter(self) -> bool {
        matches!(
            self.kind,
            RowKind::AclRule | RowKind::AclLast | RowKind::SgRule | RowKind::SgLast | RowKind::BlockPublicAccess
        )
    }
    /// A row without a second direction.
    #[must_use]
    pub const fn plain(kind: RowKind, owner: u32) -> Self {
        Self { kind, dir: Dir::In, owner }
    }
}
