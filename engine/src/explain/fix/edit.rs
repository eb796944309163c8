//! One change of a topology, small enough to be one call of AWS's API.

use crate::base::Cidr;
use crate::base::port::{PortRange, ProtocolMatch};
use crate::names::{Label, Names};
use crate::spec::{
    AclRule, BpaExclusion, BpaExclusionMode, InstanceState, Peer, PeeringState, PublicIp, Route, SgRule, Spanned, Spec,
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
            Self::SourceDestCheckOff { .. } | Self::DnsSupport { .. } | Self::AcceptPeering { .. } => 10,
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

    /// The change as one phrase: `acl data outbound, rule 120: allow tcp 1024-65535 to 10.0.1.0/24`.
    #[must_use]
    pub fn text(&self, names: &Names) -> String {
        fn short<'a>(mut labels: impl Iterator<Item = &'a Label>, id: &'a str) -> &'a str {
            labels.find(|label| label.id == id).map_or(id, Label::short)
        }
        let table = |id| short(names.rtbs.iter(), id);
        let attach = |id| short(names.tgw_attaches.iter(), id);
        let subnet = |id| short(names.subnets.iter(), id);
        let tgw_table = |id| short(names.tgw_rtbs.iter(), id);
        match self {
            Self::AclRule { acl, dir, rule } => {
                let what = matched(rule.protocol, rule.ports, rule.icmp_type);
                let (word, block) = match dir {
                    Dir::In => ("from", &rule.from),
                    Dir::Out => ("to", &rule.to),
                };
                let block = block.as_ref().map_or_else(String::new, ToString::to_string);
                let acl = short(names.acls.iter(), acl);
                format!("acl {acl} {}, rule {}: allow {what} {word} {block}", dir.word(), rule.rule)
            }
            Self::SgRule { group, dir, rule } => {
                let what = matched(rule.protocol, rule.ports, rule.icmp_type);
                let (word, peer) = match dir {
                    Dir::In => ("from", &rule.from),
                    Dir::Out => ("to", &rule.to),
                };
                let peer = match peer.as_ref().map(|peer| &peer.value) {
                    Some(Peer::Cidr(cidr)) => cidr.to_string(),
                    Some(Peer::Name(name)) => format!("sg {}", short(names.sgs.iter(), name)),
                    None => String::new(),
                };
                format!("sg {} {}: allow {what} {word} {peer}", short(names.sgs.iter(), group), dir.word())
            }
            Self::Route { table: t, to, via, replaces } => {
                let instead = replaces.as_ref().map_or_else(String::new, |old| format!(" instead of {old}"));
                format!("rtb {}: route {to} -> {via}{instead}", table(t))
            }
            Self::NoRoute { table: t, to, via } => format!("rtb {}: remove route {to} -> {via}", table(t)),
            Self::Association { subnet: s, table: t } => {
                format!("subnet {}: associate with rtb {}", subnet(s), table(t))
            }
            Self::SourceDestCheckOff { interface } => {
                format!("eni {}: source/destination check off", short(names.enis.iter(), interface))
            }
            Self::PublicAddress { interface, .. } => {
                format!("eni {}: associate a public address", short(names.enis.iter(), interface))
            }
            Self::Start { instance } => format!("instance {}: start it", short(names.guests.iter(), instance)),
            Self::DnsSupport { vpc } => format!("vpc {}: enableDnsSupport on", short(names.vpcs.iter(), vpc)),
            Self::AcceptPeering { peering } => format!("peering {}: accept it", short(names.pcxs.iter(), peering)),
            Self::TgwAssociation { table, attachment } => {
                format!("tgw rtb {}: associate {}", tgw_table(table), attach(attachment))
            }
            Self::TgwPropagation { table, attachment } => {
                format!("tgw rtb {}: propagate from {}", tgw_table(table), attach(attachment))
            }
            Self::TgwRoute { table, to, via, .. } => {
                format!("tgw rtb {}: route {to} -> {}", tgw_table(table), attach(via))
            }
            Self::AttachmentSubnet { attachment, subnet: s } => {
                format!("tgw attachment {}: add subnet {}", attach(attachment), subnet(s))
            }
            Self::ApplianceMode { attachment } => format!("tgw attachment {}: appliance mode on", attach(attachment)),
            Self::BpaExclusion { resource, mode } => {
                let what = match mode {
                    BpaExclusionMode::AllowBidirectional => "both ways",
                    BpaExclusionMode::AllowEgress => "what starts inside",
                };
                format!("block public access: exclude {resource}, {what}")
            }
        }
    }
}

/// `tcp 1024-65535`, `icmp type 8`.
fn matched(protocol: Option<ProtocolMatch>, ports: Option<PortRange>, icmp: Option<i16>) -> String {
    let mut protocol = protocol.unwrap_or(ProtocolMatch::All).to_string();
    if protocol.bytes().all(|b| b.is_ascii_digit()) {
        protocol.insert_str(0, "protocol ");
    }
    match (ports, icmp) {
        (Some(ports), _) => format!("{protocol} {ports}"),
        (None, Some(kind)) if kind >= 0 => format!("{protocol} type {kind}"),
        _ => protocol,
    }
}

/// A value that nobody has written.
pub(super) fn made<T>(value: T) -> Option<Spanned<T>> {
    Some(Spanned::from(value))
}
