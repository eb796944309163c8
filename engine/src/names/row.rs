//! Rows as text.

use super::Names;
use crate::base::ids::{
    AclIx, CvpnIx, DxgwIx, EigwIx, EniIx, IgwIx, InetIx, LagIx, McastIx, MirrorFilterIx, MirrorSessionIx, NatIx, NmIx,
    PcxIx, PublicIx, RouterIx, RtbIx, SgIx, SubnetIx, SvcIx, TgwAttachIx, TgwRtbIx, TunnelIx, VgwIx, VifIx, VpcIx,
    VpceIx,
};
use crate::diag::Span;
use crate::fabric::Fabric;
use crate::verdict::{Dir, LinkIx, RowIx, RowKind};

/// What a written row says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowText {
    /// The rule's number or id, or the route's destination: what a person calls it by.
    pub name: String,
    /// What it says: `allow tcp 443 from 10.0.0.0/16`.
    pub says: String,
    /// Where it is written.
    pub span: Span,
}

impl Names {
    /// What kind of thing a row belongs to, in AWS's words: `network ACL`, `security group`, ...
    #[must_use]
    pub fn row_resource_kind(&self, fabric: &Fabric, row: RowIx) -> &'static str {
        use RowKind as K;
        match fabric.rows[row].kind {
            K::AclRule | K::AclLast => "network_acl",
            K::SgRule => "security_group",
            K::SgLast | K::SourceCheck | K::DestCheck | K::MtuGuest | K::ServiceRate | K::ManagedSilent => {
                "network_interface"
            }
            K::Route | K::RouteBlackhole | K::RouteNone => "route_table",
            K::GuestDown
            | K::GuestForwardOff
            | K::GuestForwardUnknown
            | K::GuestOpen
            | K::GuestClosed
            | K::GuestNoPing
            | K::GuestForward
            | K::GuestNoState
            | K::TtlGuest => "instance",
            K::AddressNone
            | K::ServiceNone
            | K::Service
            | K::ServiceDnsOff
            | K::BlockPublicAccess
            | K::Loop
            | K::McastNoDomain => "vpc",
            K::AddressReserved => "subnet",
            K::IgwTranslate
            | K::IgwNoPublicAddress
            | K::IgwPrivateDestination
            | K::IgwSharedDestination
            | K::IgwPrivateSource
            | K::MtuIgw
            | K::EdgeTarget => "internet_gateway",
            K::EigwPass | K::EigwUnsolicited => "egress_only_internet_gateway",
            K::NatTranslate
            | K::NatProtocol
            | K::NatFragment
            | K::NatUnsolicited
            | K::NatPorts
            | K::NatIdle
            | K::MtuNat
            | K::NatNoGateway
            | K::TtlNat => "nat_gateway",
            K::PcxPass | K::PcxTransit | K::PcxUnknown | K::PcxMtu | K::PcxReturn => "vpc_peering_connection",
            K::TgwPass
            | K::TgwNoAz
            | K::TgwNoAssociation
            | K::TgwUnknown
            | K::MtuTgw
            | K::TtlTgw
            | K::TgwState
            | K::TgwTunnel => "transit_gateway_attachment",
            K::TgwRoute | K::TgwRouteBlackhole | K::TgwRouteNone => "transit_gateway_route_table",
            K::McastPass | K::McastNoMember | K::McastNoSource | K::McastFragment | K::McastIgmp => {
                "transit_gateway_multicast_domain"
            }
            K::VpcePass
            | K::VpceState
            | K::VpceProtocol
            | K::VpceFromOutside
            | K::VpceSilent
            | K::VpceUnknown
            | K::VpceNoAz
            | K::MtuVpce => "vpc_endpoint",
            K::VpceTarget | K::VpceNoTarget => "vpc_endpoint_service",
            K::VgwEnter | K::VgwUnknown | K::VgwMtu | K::VgwNoVpc | K::VgwRoute | K::VgwRouteNone => "vpn_gateway",
            K::TunnelPass
            | K::TunnelMtu
            | K::TunnelDown
            | K::TunnelUnknown
            | K::TunnelBad
            | K::TunnelFamily
            | K::TunnelNoCarrier
            | K::TunnelNatIdle => "vpn_tunnel",
            K::DxgwUnknown | K::DxgwMtu | K::DxgwNotJoined | K::DxgwRoute | K::DxgwRouteNone => {
                "direct_connect_gateway"
            }
            K::LagLink | K::LagNoLink => "link_aggregation_group",
            K::PublicRoute | K::PublicRouteNone => "aws_public_network",
            K::VifPass | K::VifMtu | K::VifDown | K::VifUnknown | K::VifSource | K::VifNotAws => "virtual_interface",
            K::RouterRoute
            | K::RouterRouteNone
            | K::RouterTtl
            | K::RouterFirewall
            | K::RouterNoHost
            | K::RouterOwn
            | K::RouterUnanswered
            | K::RouterDown
            | K::RouterInternet => "router",
            K::CvpnEnter
            | K::CvpnState
            | K::CvpnOutside
            | K::CvpnIpv6
            | K::CvpnRule
            | K::CvpnNoRule
            | K::CvpnRoute
            | K::CvpnNoRoute
            | K::CvpnTranslate
            | K::CvpnPorts
            | K::CvpnUnsolicited
            | K::CvpnNoClient
            | K::CvpnService => "client_vpn_endpoint",
            K::MirrorAccept | K::MirrorReject | K::MirrorNone | K::MirrorDns => "traffic_mirror_filter",
            K::MirrorSkip => "traffic_mirror_session",
            K::NotModelled => "not_modelled",
            K::InternetOpen | K::InternetClosed | K::InternetSilent | K::InternetUnknown | K::IgwNoMapping => {
                "internet"
            }
            K::LinkLoss | K::LinkQueue | K::LinkDown | K::LinkMtu => "link",
        }
    }

    /// Name of the resource that a row belongs to: the tag where there is one, else the id.
    #[must_use]
    pub fn row_resource(&self, fabric: &Fabric, row: RowIx) -> &str {
        self.row_label(fabric, row).map_or_else(|| self.row_fixed(fabric, row), |label| label.short())
    }

    /// Id of the resource that a row belongs to.
    #[must_use]
    pub fn row_resource_id(&self, fabric: &Fabric, row: RowIx) -> &str {
        self.row_label(fabric, row).map_or_else(|| self.row_fixed(fabric, row), |label| &label.id)
    }

    /// Where the resource that a row belongs to is written.
    #[must_use]
    pub fn row_resource_span(&self, fabric: &Fabric, row: RowIx) -> Span {
        self.row_label(fabric, row).map_or(Span::NONE, |label| label.span)
    }

    fn row_fixed(&self, fabric: &Fabric, row: RowIx) -> &str {
        let r = fabric.rows[row];
        match r.kind {
            RowKind::LinkLoss | RowKind::LinkQueue | RowKind::LinkDown | RowKind::LinkMtu => {
                &self.links[LinkIx(r.owner)]
            }
            _ => "internet",
        }
    }

    fn row_label(&self, fabric: &Fabric, row: RowIx) -> Option<&super::Label> {
        let r = fabric.rows[row];
        let n = r.owner;
        Some(match self.row_resource_kind(fabric, row) {
            "network_acl" => &self.acls[AclIx(n)],
            "security_group" => &self.sgs[SgIx(n)],
            "network_interface" => &self.enis[EniIx(n)],
            "instance" => match fabric.enis[EniIx(n)].guest() {
                Some(guest) => &self.guests[guest],
                None => &self.enis[EniIx(n)],
            },
            "route_table" => &self.rtbs[RtbIx(n)],
            "vpc" => &self.vpcs[VpcIx(n)],
            "subnet" => &self.subnets[SubnetIx(n)],
            "internet_gateway" => &self.igws[IgwIx(n)],
            "egress_only_internet_gateway" => &self.eigws[EigwIx(n)],
            "nat_gateway" => &self.nats[NatIx(n)],
            "vpc_peering_connection" => &self.pcxs[PcxIx(n)],
            "transit_gateway_attachment" => &self.tgw_attaches[TgwAttachIx(n)],
            "transit_gateway_route_table" => &self.tgw_rtbs[TgwRtbIx(n)],
            "transit_gateway_multicast_domain" => &self.mcasts[McastIx(n)],
            "vpc_endpoint" => &self.vpces[VpceIx(n)],
            "vpc_endpoint_service" => &self.services[SvcIx(n)],
            "vpn_gateway" => &self.vgws[VgwIx(n)],
            "vpn_tunnel" => &self.tunnels[TunnelIx(n)],
            "direct_connect_gateway" => &self.dxgws[DxgwIx(n)],
            "aws_public_network" => &self.publics[PublicIx(n)],
            "link_aggregation_group" => &self.lags[LagIx(n)],
            "virtual_interface" => &self.vifs[VifIx(n)],
            "client_vpn_endpoint" => &self.cvpns[CvpnIx(n)],
            "traffic_mirror_filter" => &self.mirror_filters[MirrorFilterIx(n)],
            "traffic_mirror_session" => &self.mirror_sessions[MirrorSessionIx(n)],
            "router" => &self.routers[RouterIx(n)],
            "not_modelled" => &self.not_modelled[NmIx(n)].0,
            "internet"
                if matches!(r.kind, RowKind::InternetOpen | RowKind::InternetClosed | RowKind::InternetSilent) =>
            {
                &self.internet_hosts[InetIx(n)]
            }
            _ => return None,
        })
    }

    /// The number, id or destination that a person calls the row by; `*` and the like for implied rows.
    #[must_use]
    pub fn row_name(&self, fabric: &Fabric, row: RowIx) -> &str {
        if let Some(text) = self.rows.get(row) {
            return &text.name;
        }
        match fabric.rows[row].kind {
            RowKind::AclLast => "*",
            RowKind::SgLast => "default",
            RowKind::RouteNone
            | RowKind::TgwRouteNone
            | RowKind::VgwRouteNone
            | RowKind::DxgwRouteNone
            | RowKind::CvpnNoRoute
            | RowKind::CvpnNoRule
            | RowKind::PublicRouteNone
            | RowKind::MirrorNone
            | RowKind::RouterRouteNone => "none",
            _ => "",
        }
    }

    /// Where the row is written; no place for an implied one.
    #[must_use]
    pub fn row_span(&self, row: RowIx) -> Span {
        self.rows.get(row).map_or(Span::NONE, |text| text.span)
    }

    /// True if AWS implies the row and nobody wrote it.
    #[must_use]
    pub fn row_is_implied(&self, row: RowIx) -> bool {
        self.rows.get(row).is_none()
    }

    /// The whole row as one phrase: `acl data outbound rule *: deny all`.
    #[must_use]
    pub fn row_text(&self, fabric: &Fabric, row: RowIx) -> String {
        use RowKind as K;
        let r = fabric.rows[row];
        let name = self.row_resource(fabric, row);
        let dir = r.dir.word();
        if let Some(text) = self.rows.get(row) {
            return match r.kind {
                K::AclRule => format!("acl {name} {dir} rule {}: {}", text.name, text.says),
                K::SgRule => format!("sg {name} {dir} rule {}: {}", text.name, text.says),
                K::VgwRoute => format!("vgw {name} route {} -> {}", text.name, text.says),
                K::DxgwRoute => format!("dxgw {name} route {} -> {}", text.name, text.says),
                K::PublicRoute => format!("aws public network {name} route {} -> {}", text.name, text.says),
                K::LagLink => format!("lag {name}: by {}", text.name),
                K::RouterRoute => format!("router {name} route {} -> {}", text.name, text.says),
                K::CvpnRule => format!("client vpn {name} rule {}: {}", text.name, text.says),
                K::CvpnRoute => format!("client vpn {name} route {} -> {}", text.name, text.says),
                K::MirrorAccept | K::MirrorReject => {
                    format!("mirror filter {name} {} rule {}: {}", direction(r.dir), text.name, text.says)
                }
                K::MirrorDns => format!("mirror filter {name}: {}", text.name),
                K::TgwRoute | K::TgwRouteBlackhole => format!("tgw rtb {name} route {} -> {}", text.name, text.says),
                _ => format!("rtb {name} route {} -> {}", text.name, text.says),
            };
        }
        match r.kind {
            K::AclLast => format!("acl {name} {dir} rule *: deny all"),
            K::SgLast => {
                let groups = self.groups_of(fabric, EniIx(r.owner));
                let empty = {
                    let set = &fabric.sg_sets[fabric.enis[EniIx(r.owner)].sg_set];
                    set.table(r.dir).empty
                };
                let what = if empty { "no rule in that direction: deny all" } else { "no rule matches: deny all" };
                format!("sg {groups} {dir} default: {what}")
            }
            K::RouteNone => format!("rtb {name}: no route to the destination"),
            K::SourceCheck => format!("eni {name}: source/destination check, the source is not one of its addresses"),
            K::DestCheck => {
                format!("eni {name}: source/destination check, the destination is not one of its addresses")
            }
            K::GuestDown => match fabric.enis[EniIx(r.owner)].guest() {
                Some(_) => format!("instance {name} is not running"),
                None => format!("eni {name} is not attached to an instance"),
            },
            K::GuestForwardOff => format!("instance {name} does not forward packets that are not for it"),
            K::GuestForwardUnknown => {
                format!("instance {name}: whether and how its guest forwards packets is not described")
            }
            K::GuestOpen => format!("instance {name} takes it"),
            K::GuestClosed => format!("instance {name}: nothing listens on the port, it answers with a reset"),
            K::GuestNoPing => format!("instance {name} does not answer echo requests"),
            K::GuestForward => format!("instance {name} forwards it"),
            K::TtlGuest => format!("instance {name}: time to live expired"),
            K::MtuGuest => format!("eni {name}: larger than its MTU, and must not be fragmented"),
            K::ManagedSilent => format!("eni {name}: does not answer this"),
            K::AddressNone => format!("vpc {name}: no interface has the destination address"),
            K::AddressReserved => format!("subnet {name}: the destination is one of its reserved addresses"),
            K::ServiceNone => format!("vpc {name}: no link-local service answers at this address and port"),
            K::Service => "link-local service, never filtered".to_owned(),
            K::ServiceDnsOff => format!("vpc {name}: enableDnsSupport is off, the resolver does not answer"),
            K::ServiceRate => format!("eni {name}: more than 1024 packets a second to link-local services"),
            K::IgwTranslate => format!("igw {name}"),
            K::IgwNoPublicAddress => format!("igw {name}: the source has no public address"),
            K::IgwPrivateDestination => format!("igw {name}: a private destination cannot be on the internet"),
            K::IgwSharedDestination => format!("igw {name}: a 100.64.0.0/10 destination cannot be on the internet"),
            K::IgwPrivateSource => format!("igw {name}: a private source cannot come from the internet"),
            K::IgwNoMapping => "internet: no interface with an internet gateway has this public address".to_owned(),
            K::MtuIgw => format!("igw {name}: larger than 1500 bytes, and must not be fragmented"),
            K::EdgeTarget => format!("igw {name}: the edge route's interface has no public address"),
            K::EigwPass => format!("eigw {name}"),
            K::EigwUnsolicited => format!("eigw {name}: not the reply to anything that went out"),
            K::BlockPublicAccess => {
                format!("vpc {name}: Block Public Access, {}", if r.dir == Dir::In { "inbound" } else { "outbound" })
            }
            K::NatTranslate => format!("nat {name} translates"),
            K::NatProtocol => format!("nat {name}: takes TCP, UDP and ICMP only"),
            K::NatFragment => format!("nat {name}: drops fragments of anything but UDP"),
            K::NatUnsolicited => format!("nat {name}: not the reply to anything that went out"),
            K::NatPorts => format!("nat {name}: all 55000 ports per address are in use for this destination"),
            K::NatIdle => format!("nat {name}: no such connection (idle for 350 s?), answers with a reset"),
            K::MtuNat => {
                let mtu = if fabric.nats[NatIx(r.owner)].eni.is_some() { 8500 } else { 1500 };
                format!("nat {name}: larger than {mtu} bytes, and must not be fragmented")
            }
            K::NatNoGateway => format!("nat {name}: its VPC has no internet gateway attached"),
            K::TtlNat => format!("nat {name}: time to live expired"),
            K::GuestNoState => {
                format!("instance {name}: a stateful appliance that has not seen this connection's first packet")
            }
            K::PcxPass => format!("pcx {name}"),
            K::PcxTransit => {
                format!("pcx {name}: the destination is not an address of the peer VPC (peering is not transitive)")
            }
            K::PcxUnknown => format!("pcx {name}: the peer VPC is not described"),
            K::PcxMtu => {
                let mtu = fabric.pcxs[PcxIx(r.owner)].mtu;
                format!("pcx {name}: larger than {mtu} bytes, and must not be fragmented")
            }
            K::PcxReturn => format!("pcx {name}: back to the NAT gateway that sent the request"),
            K::TgwPass => format!("tgw attachment {name}"),
            K::TgwNoAz => format!("tgw attachment {name}: no subnet in the sender's zone"),
            K::TgwNoAssociation => format!("tgw attachment {name}: associated with no route table"),
            K::TgwUnknown => format!("tgw attachment {name}: what is behind it is not described"),
            K::MtuTgw => format!("tgw attachment {name}: larger than 8500 bytes"),
            K::TtlTgw => format!("tgw attachment {name}: time to live expired"),
            K::TgwState => format!("tgw attachment {name} is not available"),
            K::TgwRouteNone => format!("tgw rtb {name}: no route to the destination"),
            K::TgwTunnel => format!("tgw attachment {name}: GRE tunnel"),
            K::McastPass => format!("multicast domain {name}: copies to the group's members"),
            K::McastNoDomain => format!("vpc {name}: the subnet is in no multicast domain"),
            K::McastNoMember => format!("multicast domain {name}: the group has no other member"),
            K::McastNoSource => format!("multicast domain {name}: the sender is not one of the group's sources"),
            K::McastFragment => format!("multicast domain {name}: drops fragments"),
            K::McastIgmp => format!("multicast domain {name}: takes the membership message"),
            K::VpcePass => format!("vpce {name}"),
            K::VpceState => format!("vpce {name} is not available"),
            K::VpceProtocol => format!("vpce {name}: a gateway endpoint takes TCP and echo requests only"),
            K::VpceFromOutside => format!("vpce {name}: the source is outside its VPC"),
            K::VpceSilent => format!("vpce {name}: its service does not answer this"),
            K::VpceUnknown => format!("vpce {name}: its service is not described"),
            K::VpceNoAz => format!("vpce {name}: its service is not present in this zone"),
            K::MtuVpce => format!("vpce {name}: larger than 8500 bytes"),
            K::VpceTarget => format!("endpoint service {name}"),
            K::VpceNoTarget => format!("endpoint service {name}: no usable target in the node's zones"),
            K::VgwEnter => format!("vgw {name}"),
            K::VgwUnknown => format!("vgw {name}: what is behind it is not described"),
            K::VgwMtu => {
                format!(
                    "vgw {name}: larger than 1500 bytes, and Direct Connect takes more by an unambiguous propagated route only"
                )
            }
            K::DxgwMtu => {
                format!(
                    "dxgw {name}: larger than 1500 bytes, and Direct Connect takes more by an unambiguous route only"
                )
            }
            K::VgwNoVpc => format!("vgw {name} is attached to no VPC that has the destination"),
            K::VgwRouteNone => format!("vgw {name}: no route to the destination"),
            K::TunnelPass => format!("vpn {name}"),
            K::TunnelMtu => {
                let mtu = fabric.tunnels[TunnelIx(r.owner)].mtu;
                format!("vpn {name}: larger than {mtu} bytes, and must not be fragmented")
            }
            K::TunnelDown => format!("vpn {name} is down"),
            K::TunnelUnknown => format!("vpn {name}: the customer's side is not described"),
            K::TunnelBad => format!("vpn {name}: not what the other side encrypted"),
            K::TunnelFamily => {
                let family = if fabric.tunnels[TunnelIx(r.owner)].is_v4() { "IPv4" } else { "IPv6" };
                format!("vpn {name}: carries {family} only")
            }
            K::TunnelNoCarrier => {
                format!("vpn {name}: its outer addresses do not reach each other by Direct Connect")
            }
            K::TunnelNatIdle => format!("vpn {name}: the NAT device before the router has forgotten it"),
            K::DxgwUnknown => format!("dxgw {name}: what is behind it is not described"),
            K::DxgwNotJoined => format!("dxgw {name}: does not join what the packet came by and where it goes"),
            K::DxgwRouteNone => format!("dxgw {name}: no route to the destination"),
            K::LagNoLink => format!("lag {name}: none of its connections is up"),
            K::VifPass => format!("vif {name}"),
            K::VifMtu => {
                let mtu = fabric.vifs[VifIx(r.owner)].mtu;
                format!("vif {name}: larger than {mtu} bytes, and must not be fragmented")
            }
            K::VifDown => format!("vif {name} is down"),
            K::VifUnknown => format!("vif {name}: the customer's side is not described"),
            K::VifSource => format!("vif {name}: the source is in no prefix that the customer announced over it"),
            K::VifNotAws => format!("vif {name}: the destination is no public address of AWS's"),
            K::PublicRouteNone => format!("aws public network {name}: no customer announced the destination"),
            K::RouterRouteNone => format!("router {name}: no route to the destination"),
            K::RouterTtl => format!("router {name}: time to live expired"),
            K::RouterFirewall => format!("router {name}: its firewall has not seen this connection's first packet"),
            K::RouterNoHost => format!("router {name}: a host behind it that the topology does not describe"),
            K::RouterOwn => format!("router {name} has the address itself"),
            K::RouterUnanswered => format!("router {name}: what it answers to this is not modelled"),
            K::RouterDown => format!("router {name} has failed"),
            K::RouterInternet => format!("router {name}: its own line to the internet is not modelled"),
            K::CvpnEnter => format!("client vpn {name}"),
            K::CvpnState => format!("client vpn {name} is not available, or has no usable target network"),
            K::CvpnOutside => {
                format!("client vpn {name}: split tunnel, the client's own line to the internet is not modelled")
            }
            K::CvpnIpv6 => format!("client vpn {name}: IPv6 of its clients is not modelled"),
            K::CvpnNoRule => format!("client vpn {name}: no authorization rule for the destination"),
            K::CvpnNoRoute => format!("client vpn {name}: no route by the client's target network"),
            K::CvpnTranslate => format!("client vpn {name} translates"),
            K::CvpnPorts => format!("client vpn {name}: every port of its address is in use for this destination"),
            K::CvpnUnsolicited => format!("client vpn {name}: not the reply to anything that a client sent"),
            K::CvpnNoClient => format!("client vpn {name}: no client has the address"),
            K::CvpnService => {
                format!("client vpn {name}: what link-local services answer its clients is not modelled")
            }
            K::MirrorNone => format!("mirror filter {name}: no {} rule matches", direction(r.dir)),
            K::MirrorSkip => {
                format!("mirror session {name}: the copy gives way, production traffic has the bandwidth")
            }
            K::Loop => format!("vpc {name}: the route leads back to where it starts"),
            K::NotModelled => {
                let (label, kind) = &self.not_modelled[NmIx(r.owner)];
                format!("{kind} {label} is not modelled")
            }
            K::InternetOpen => format!("{} {name} takes it", host_word(fabric, r.owner)),
            K::InternetClosed => {
                let host = host_word(fabric, r.owner);
                format!("{host} {name}: nothing listens on the port, it answers with a reset")
            }
            K::InternetSilent => format!("{} {name} does not answer this", host_word(fabric, r.owner)),
            K::InternetUnknown => "a host on the internet that the topology does not describe".to_owned(),
            K::LinkLoss => format!("{name} link: lost"),
            K::LinkQueue => format!("{name} link: its queue is full"),
            K::LinkDown => format!("{name} link is down"),
            K::LinkMtu => format!("{name} link: larger than the path takes, and must not be fragmented"),
            K::AclRule
            | K::SgRule
            | K::Route
            | K::RouteBlackhole
            | K::TgwRoute
            | K::TgwRouteBlackhole
            | K::VgwRoute
            | K::DxgwRoute
            | K::LagLink
            | K::CvpnRule
            | K::CvpnRoute
            | K::MirrorAccept
            | K::MirrorReject
            | K::MirrorDns
            | K::PublicRoute
            | K::RouterRoute => {
                format!("{name}: a written row without text")
            }
        }
    }

    /// Names of an interface's groups, joined with commas.
    #[must_use]
    pub fn groups_of(&self, fabric: &Fabric, eni: EniIx) -> String {
        let groups = &fabric.sg_sets[fabric.enis[eni].sg_set].groups;
        groups.iter().map(|sg| self.sgs[*sg].short()).collect::<Vec<_>>().join(", ")
    }

    /// The name of an interface for people: its instance's, with its own where it has several.
    #[must_use]
    pub fn eni_text(&self, fabric: &Fabric, eni: EniIx) -> String {
        match fabric.enis[eni].guest() {
            Some(guest) => {
                let label = &self.guests[guest];
                if label.id == self.enis[eni].id {
                    label.short().to_owned()
                } else {
                    format!("{} ({})", label.short(), self.enis[eni].id)
                }
            }
            None => self.enis[eni].to_string(),
        }
    }
}

/// AWS's word for a direction of a traffic mirror filter.
const fn direction(dir: Dir) -> &'static str {
    match dir {
        Dir::In => "ingress",
        Dir::Out => "egress",
    }
}

/// What a described host outside of AWS is called.
fn host_word(fabric: &Fabric, owner: u32) -> &'static str {
    if fabric.internet_hosts[InetIx(owner)].client.is_some() { "client" } else { "internet host" }
}
