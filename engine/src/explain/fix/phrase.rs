//! A change in words.

use super::Edit;
use crate::base::port::{PortRange, ProtocolMatch};
use crate::names::{Label, Names};
use crate::spec::{BpaExclusionMode, Peer};
use crate::verdict::Dir;

impl Edit {
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
            Self::PeeringDns { peering, accepter } => {
                let whose = if *accepter { "accepter's" } else { "requester's" };
                format!("peering {}: DNS resolution of the {whose} names on", short(names.pcxs.iter(), peering))
            }
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
