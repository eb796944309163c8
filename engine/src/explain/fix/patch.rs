//! A change as lines of files: a step of a scenario, or a fragment of a topology.

use super::Edit;
use crate::spec::write::to_flow;
use crate::verdict::Dir;
use serde_json::{Value, json};

impl Edit {
    /// The change as the value of a scenario's `change:`; nothing if scenarios have no such change.
    #[must_use]
    pub fn change(&self) -> Option<Value> {
        let add = |dir: &Dir| if *dir == Dir::In { "add_inbound" } else { "add_outbound" };
        Some(match self {
            Self::AclRule { acl, dir, rule } => json!({ "network_acl": acl, add(dir): rule }),
            Self::SgRule { group, dir, rule } => json!({ "security_group": group, add(dir): rule }),
            Self::Route { table, to, via, replaces } => {
                let mut out = json!({ "route_table": table, "add_route": { "to": to, "via": via } });
                if replaces.is_some() {
                    out["remove_route"] = json!({ "to": to });
                }
                out
            }
            Self::NoRoute { table, to, .. } => json!({ "route_table": table, "remove_route": { "to": to } }),
            Self::Association { subnet, table } => json!({ "subnet": subnet, "set": { "route_table": table } }),
            Self::SourceDestCheckOff { interface } => {
                json!({ "network_interface": interface, "set": { "source_dest_check": false } })
            }
            Self::PublicAddress { interface, address } => {
                json!({ "network_interface": interface, "set": { "public_ip": address } })
            }
            Self::Start { instance } => json!({ "instance": instance, "set": { "state": "running" } }),
            Self::AcceptPeering { peering } => {
                json!({ "vpc_peering_connection": peering, "set": { "state": "active" } })
            }
            Self::PeeringDns { peering, accepter } => {
                let option = if *accepter { "accepter_dns_resolution" } else { "requester_dns_resolution" };
                json!({ "vpc_peering_connection": peering, "set": { option: true } })
            }
            Self::TgwAssociation { table, attachment } => {
                json!({ "transit_gateway_route_table": table, "add_association": [attachment] })
            }
            Self::TgwPropagation { table, attachment } => {
                json!({ "transit_gateway_route_table": table, "add_propagation": [attachment] })
            }
            Self::TgwRoute { table, to, via, replaces } => {
                let mut out = json!({ "transit_gateway_route_table": table, "add_route": { "to": to, "via": via } });
                if *replaces {
                    out["remove_route"] = json!({ "to": to });
                }
                out
            }
            Self::ApplianceMode { attachment } => {
                json!({ "transit_gateway_attachment": attachment, "set": { "appliance_mode": true } })
            }
            Self::DnsSupport { .. } | Self::AttachmentSubnet { .. } | Self::BpaExclusion { .. } => return None,
        })
    }

    /// The change as one line: a step of a scenario, or, where scenarios have no such change, what to write into the topology.
    #[must_use]
    pub fn patch(&self) -> String {
        if let Some(change) = self.change() {
            return format!("- change: {}", to_flow(change));
        }
        match self {
            Self::DnsSupport { vpc } => format!("# topology: vpcs: {{{vpc}: {{enable_dns_support: true}}}}"),
            Self::AttachmentSubnet { attachment, subnet } => {
                format!("# topology: transit_gateway_vpc_attachments: {{{attachment}: {{subnets: [..., {subnet}]}}}}")
            }
            Self::BpaExclusion { resource, mode } => {
                let exclusion = to_flow(json!({ "resource": resource, "mode": mode }));
                format!("# topology: block_public_access: [{{exclusions: [..., {exclusion}]}}]")
            }
            _ => unreachable!("scenarios have such a change"),
        }
    }
}
