//! One change of a topology, small enough to be one call of AWS's API.

use crate::base::Cidr;
use crate::spec::{
    AclRule, BpaExclusion, BpaExclusionMode, InstanceState, PeeringState, PublicIp, Route, SgRule, Spanned, Spec,
    TransitGatewayRoute,
};
use crate::verdict::Dir;
use std::net::Ipv4Addr;

/// A change of one resource. Names are the topology's, with AWS's defaults filled in.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// A new row of a network ACL.
    AclRule {
        /// The ACL.
        acl: String,
        /// Its direction.
        dir: Dir,
        /// The row, with a free number.
        rule: AclRule,
    },
    /// A new rule of a security group.
    SgRule {
        /// The group.
        group: String,
        /// Its direction.
        dir: Dir,
        /// The rule.
        rule: SgRule,
    },
    /// A route, new or with another target.
    Route {
        /// The route table.
        table: String,
        /// Destination.
        to: String,
        /// Target.
        via: String,
        /// The target that it had.
        replaces: Option<String>,
    },
    /// A route less: a shorter one takes its packets.
    NoRoute {
        /// The route table.
        table: String,
        /// Destination.
        to: String,
        /// The target that it has.
        via: String,
    },
    /// Another route table for a subnet.
    Association {
        /// The subnet.
        subnet: String,
        /// The route table.
        table: String,
    },
    /// Source/destination check off.
    SourceDestCheckOff {
        /// The interface.
        interface: String,
    },
    /// A public address for the primary address of an interface.
    PublicAddress {
        /// The interface.
        interface: String,
        /// A free address.
        address: Ipv4Addr,
    },
    /// An instance is started.
    Start {
        /// The instance.
        instance: String,
    },
    /// `enableDnsSupport` on.
    DnsSupport {
        /// The VPC.
        vpc: String,
    },
    /// A peering that waits for it is accepted.
    AcceptPeering {
        /// The peering.
        peering: String,
    },
    /// Names of a VPC's instances resolve to their private addresses on the other side of a peering.
    PeeringDns {
        /// The peering.
        peering: String,
        /// True if it is the accepter's names.
        accepter: bool,
    },
    /// An attachment is associated with a route table of its transit gateway.
    TgwAssociation {
        /// The route table.
        table: String,
        /// The attachment.
        attachment: String,
    },
    /// An attachment propagates its prefixes into a route table of its transit gateway.
    TgwPropagation {
        /// The route table.
        table: String,
        /// The attachment.
        attachment: String,
    },
    /// A static route of a transit gateway, new or with another target.
    TgwRoute {
        /// The route table.
        table: String,
        /// Destination.
        to: Cidr,
        /// The attachment that it leads to.
        via: String,
        /// True if there is a static route to this destination.
        replaces: bool,
    },
    /// A further subnet, and so zone, of a VPC's attachment.
    AttachmentSubnet {
        /// The attachment.
        attachment: String,
        /// The subnet.
        subnet: String,
    },
    /// Both directions of a flow by one zone of a VPC's attachment.
    ApplianceMode {
        /// The attachment.
        attachment: String,
    },
    /// An exception to Block Public Access.
    BpaExclusion {
        /// The VPC or subnet.
        resource: String,
        /// What it may do.
        mode: BpaExclusionMode,
    },
}

impl Edit {
    /// Makes the change in a topology with AWS's defaults filled in. Nothing if what it names is not there.
    #[must_use]
    pub fn apply(&self, spec: &mut Spec) -> Option<()> {
        match self {
            Self::AclRule { acl, dir, rule } => {
                let acl = spec.network_acls.get_mut(acl.as_str())?;
                let rows = if *dir == Dir::In { &mut acl.inbound } else { &mut acl.outbound };
                rows.get_or_insert_default().push(rule.clone().into());
            }
            Self::SgRule { group, dir, rule } => {
                let group = spec.security_groups.get_mut(group.as_str())?;
                let rules = if *dir == Dir::In { &mut group.inbound } else { &mut group.outbound };
                rules.get_or_insert_default().push(rule.clone().into());
            }
            Self::Route { table, to, via, .. } => {
                let table = spec.route_tables.get_mut(table.as_str())?;
                table.routes.retain(|route| route.to.value != *to);
                let (to, via) = (to.clone().into(), via.clone().into());
                table.routes.push(Route { to, via, state: None, origin: None }.into());
            }
            Self::NoRoute { table, to, .. } => {
                spec.route_tables.get_mut(table.as_str())?.routes.retain(|route| route.to.value != *to);
            }
            Self::Association { subnet, table } => {
                spec.subnets.get_mut(subnet.as_str())?.route_table = Some(table.clone().into());
            }
            Self::SourceDestCheckOff { interface } => {
                spec.network_interfaces.get_mut(interface.as_str())?.source_dest_check = Some(false);
            }
            Self::PublicAddress { interface, address } => {
                let eni = spec.network_interfaces.get_mut(interface.as_str())?;
                eni.public_ip = Some(PublicIp::Address(*address).into());
            }
            Self::Start { instance } => {
                spec.instances.get_mut(instance.as_str())?.state = Some(InstanceState::Running);
            }
            Self::DnsSupport { vpc } => spec.vpcs.get_mut(vpc.as_str())?.enable_dns_support = Some(true),
            Self::AcceptPeering { peering } => {
                spec.vpc_peering_connections.get_mut(peering.as_str())?.state = Some(PeeringState::Active);
            }
            Self::PeeringDns { peering, accepter } => {
                let peering = spec.vpc_peering_connections.get_mut(peering.as_str())?;
                let option = if *accepter {
                    &mut peering.accepter_dns_resolution
                } else {
                    &mut peering.requester_dns_resolution
                };
                *option = true.into();
            }
            Self::TgwAssociation { table, attachment } => {
                let table = spec.transit_gateway_route_tables.get_mut(table.as_str())?;
                table.associations.push(attachment.clone().into());
            }
            Self::TgwPropagation { table, attachment } => {
                let table = spec.transit_gateway_route_tables.get_mut(table.as_str())?;
                table.propagations.push(attachment.clone().into());
            }
            Self::TgwRoute { table, to, via, .. } => {
                let table = spec.transit_gateway_route_tables.get_mut(table.as_str())?;
                table.routes.retain(|route| route.to.parse::<Cidr>().as_ref() != Ok(to));
                let (to, via) = (to.to_string().into(), Some(via.clone().into()));
                table.routes.push(TransitGatewayRoute { to, via, blackhole: false, origin: None }.into());
            }
            Self::AttachmentSubnet { attachment, subnet } => {
                let attachment = spec.transit_gateway_vpc_attachments.get_mut(attachment.as_str())?;
                attachment.subnets.push(subnet.clone().into());
            }
            Self::ApplianceMode { attachment } => {
                spec.transit_gateway_vpc_attachments.get_mut(attachment.as_str())?.appliance_mode = Some(true);
            }
            Self::BpaExclusion { resource, mode } => {
                let exclusion = BpaExclusion { resource: resource.clone().into(), mode: *mode };
                // Which account and Region block it is for `compile` to match: an exclusion elsewhere is refused.
                spec.block_public_access.first_mut()?.value.exclusions.push(exclusion.into());
            }
        }
        Some(())
    }

    /// What the change asks of whoever makes it: the smaller, the better. Only the order counts.
    #[must_use]
    pub(super) const fn cost(&self) -> u32 {
        match self {
            Self::SgRule { .. } | Self::AclRule { .. } => 10,
            Self::SourceDestCheckOff { .. }
            | Self::DnsSupport { .. }
            | Self::AcceptPeering { .. }
            | Self::PeeringDns { .. } => 10,
            Self::Start { .. } | Self::ApplianceMode { .. } | Self::TgwPropagation { .. } => 12,
            Self::TgwAssociation { .. } | Self::AttachmentSubnet { .. } | Self::Route { replaces: None, .. } => 14,
            Self::TgwRoute { replaces: false, .. } => 16,
            Self::PublicAddress { .. } | Self::BpaExclusion { .. } => 20,
            // What serves others too.
            Self::NoRoute { .. } => 24,
            Self::Association { .. } => 26,
            Self::Route { .. } | Self::TgwRoute { .. } => 28,
        }
    }
}

/// A value that nobody has written.
pub(super) fn made<T>(value: T) -> Option<Spanned<T>> {
    Some(Spanned::from(value))
}
