//! Why no change of what is there helps, and what would have to be built.

use crate::compile::Network;
use crate::explain::size::is_mtu;
use crate::explain::{Explanation, Hint, Origin, Question, hints};
use crate::verdict::{Reason, RowKind, reason_of};

/// Why no change is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoFix {
    /// The question passes already.
    Passes,
    /// The host at the end answers no, or not at all.
    Host,
    /// What decides is not in the input, or not modelled.
    Unknown,
    /// The sender's VPC has a block with the destination's address: it never leaves.
    Overlap,
    /// The NAT gateway is in the sender's subnet, behind the route that leads to itself.
    NatBehindItself,
    /// A peering carries only what is for the peer VPC itself.
    Transitive,
    /// A peering leads to no gateway of the peer VPC's.
    EdgeToEdge,
    /// Nobody has the address.
    NoSuchAddress,
    /// From the internet to a private address.
    PrivateAddress,
    /// What carries it takes other protocols only.
    Protocol,
    /// A NAT gateway takes only replies.
    RepliesOnly,
    /// The endpoint's service has no node or no target in the zone.
    ServiceZone,
    /// A link-local service answers on its own address and port only.
    Service,
    /// The answer carries another address than the client wrote to.
    OtherAddress,
    /// The packet is too large for what carries it.
    TooLarge,
    /// Nothing connects the networks.
    NotConnected,
    /// The guest that it is sent through does not forward.
    GuestForwards,
    /// A line or a tunnel is down.
    LineDown,
    /// The routes or rules of a site or of a Client VPN endpoint decide.
    Remote,
    /// Something else: the search found nothing.
    NotFound,
}

impl NoFix {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Host => "host",
            Self::Unknown => "unknown",
            Self::Overlap => "overlap",
            Self::NatBehindItself => "nat_behind_itself",
            Self::Transitive => "transitive",
            Self::EdgeToEdge => "edge_to_edge",
            Self::NoSuchAddress => "no_such_address",
            Self::PrivateAddress => "private_address",
            Self::Protocol => "protocol",
            Self::RepliesOnly => "replies_only",
            Self::ServiceZone => "service_zone",
            Self::Service => "service",
            Self::OtherAddress => "other_address",
            Self::TooLarge => "too_large",
            Self::NotConnected => "not_connected",
            Self::GuestForwards => "guest_forwards",
            Self::LineDown => "line_down",
            Self::Remote => "remote",
            Self::NotFound => "not_found",
        }
    }

    /// Why, and what would help, in a sentence.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Passes => "nothing blocks it",
            Self::Host => {
                "the network lets it pass; the host must answer: start what listens there, or open its own firewall"
            }
            Self::Unknown => "what decides is not in the input: describe it, or look there",
            Self::Overlap => {
                "no change of this network: the sender's VPC has the destination's block itself, so the packet never leaves. A private NAT gateway with a secondary block on each side, or PrivateLink, connects networks with equal addresses"
            }
            Self::NatBehindItself => {
                "no change of what is there: a NAT gateway cannot be moved. Make one in a public subnet, whose table leads to the internet gateway, and lead this subnet's route to it"
            }
            Self::Transitive => {
                "no change of this network: a peering carries only what is for the peer VPC itself. A peering of the two VPCs, or a transit gateway, connects them"
            }
            Self::EdgeToEdge => {
                "no change of this network: a peering does not lead to the peer's internet gateway, NAT gateway, VPN or endpoints. A gateway of its own, or a transit gateway with a way out for everybody, leads there"
            }
            Self::NoSuchAddress => "no change of this network: no interface has the address",
            Self::PrivateAddress => {
                "the internet reaches public addresses only: ask for the public address of the instance, or give it one"
            }
            Self::Protocol => "no change of this network: what carries it takes other protocols only",
            Self::RepliesOnly => {
                "no change of this network: a NAT gateway takes only replies to what went out by it, and nobody can start a connection to it. Ask for what is behind it, by an address of its own or a load balancer"
            }
            Self::ServiceZone => {
                "the provider's affair: a node and a usable target in the zone of this endpoint address, or a load balancer that crosses zones. Until then use the endpoint's address in another zone"
            }
            Self::Service => {
                "the link-local services answer DNS on port 53, HTTP (metadata) on port 80 and NTP on udp/123, and nothing else"
            }
            Self::OtherAddress => {
                "no change of this network was found: the reply comes from another address than the client wrote to. Ask for the private address, or keep the translation out of the way back"
            }
            Self::TooLarge => "send smaller packets: a lower MTU at the guest, or a smaller maximum segment size",
            Self::NotConnected => {
                "no change of what is there was found: nothing leads to the destination. A peering, a transit gateway attachment, a NAT gateway or an internet gateway would have to be made"
            }
            Self::GuestForwards => {
                "the instance that it is routed to must forward: switch IP forwarding on in its system"
            }
            Self::LineDown => "a line or tunnel is down: bring it up",
            Self::Remote => "the routes or rules of the site or the Client VPN endpoint decide: they are not searched",
            Self::NotFound => "no change of what is there was found",
        }
    }
}

/// What can be said without a search.
pub(super) fn hopeless(network: &Network, e: &Explanation) -> Option<NoFix> {
    if e.depends_on_choice() {
        return None;
    }
    let Some((_, by)) = e.decided_by else { return e.reply_from_elsewhere.then_some(NoFix::OtherAddress) };
    match reason_of(network.fabric.rows[by].kind) {
        Reason::Guest => Some(NoFix::Host),
        Reason::Unknown => Some(NoFix::Unknown),
        Reason::Link => Some(NoFix::LineDown),
        Reason::Blocked => behind_itself(network, e).then_some(NoFix::NatBehindItself),
    }
}

/// True if the packet runs in a circle by a NAT gateway of the sender's own subnet.
fn behind_itself(network: &Network, e: &Explanation) -> bool {
    let fabric = &network.fabric;
    let Origin::Eni { eni, .. } = e.question.from else { return false };
    hints(network, e).iter().any(|hint| match hint {
        Hint::NatBehindItself(nat) => fabric.enis[*nat].subnet == fabric.enis[eni].subnet,
        _ => false,
    })
}

/// Why the search found nothing, by what blocks first.
pub(super) fn reason(network: &Network, question: &Question, e: &Explanation) -> NoFix {
    use RowKind as K;
    let fabric = &network.fabric;
    if let Origin::Eni { eni, .. } = question.from {
        let own = fabric.enis[eni].vpc;
        let elsewhere = fabric.vpcs.iter_enumerated().any(|(vpc, v)| vpc != own && v.eni_with(question.to).is_some());
        if fabric.vpcs[own].contains(question.to) && fabric.vpcs[own].eni_with(question.to).is_none() && elsewhere {
            return NoFix::Overlap;
        }
    }
    let private = fabric.vpcs.iter().any(|vpc| vpc.eni_with(question.to).is_some());
    if matches!(question.from, Origin::Internet { .. }) && question.to.is_ipv4() && private {
        return NoFix::PrivateAddress;
    }
    let Some((_, by)) = e.decided_by else { return NoFix::NotFound };
    match fabric.rows[by].kind {
        K::PcxTransit if fabric.vpcs.iter().any(|vpc| vpc.contains(question.to)) => NoFix::Transitive,
        K::PcxTransit => NoFix::EdgeToEdge,
        K::AddressNone | K::AddressReserved | K::IgwNoMapping | K::CvpnNoClient => NoFix::NoSuchAddress,
        K::ServiceNone => NoFix::Service,
        K::NatUnsolicited => NoFix::RepliesOnly,
        K::VpceNoAz | K::VpceNoTarget => NoFix::ServiceZone,
        K::NatProtocol | K::VpceProtocol | K::TunnelFamily => NoFix::Protocol,
        K::RouteNone
        | K::TgwRouteNone
        | K::IgwNoPublicAddress
        | K::IgwPrivateDestination
        | K::IgwSharedDestination
        | K::VgwRouteNone
        | K::DxgwRouteNone => NoFix::NotConnected,
        kind if is_mtu(kind) => NoFix::TooLarge,
        K::GuestForwardOff => NoFix::GuestForwards,
        K::TunnelDown | K::VifDown | K::LagNoLink | K::RouterDown => NoFix::LineDown,
        K::RouterRouteNone
        | K::RouterFirewall
        | K::RouterTtl
        | K::CvpnRule
        | K::CvpnNoRule
        | K::CvpnNoRoute
        | K::CvpnState
        | K::PublicRouteNone => NoFix::Remote,
        _ => NoFix::NotFound,
    }
}
