//! A change as a command of AWS's CLI, and as a piece of Terraform.
//!
//! Names stand where ids belong: in a topology that was imported they are the ids.

use vpcsim_engine::base::Cidr;
use vpcsim_engine::base::port::{PortRange, ProtocolMatch};
use vpcsim_engine::explain::fix::Edit;
use vpcsim_engine::spec::{BpaExclusionMode, Peer, Spec};
use vpcsim_engine::verdict::Dir;

/// What a route's target is: the option of AWS's CLI, and the argument of Terraform.
fn target(spec: &Spec, via: &str) -> (&'static str, &'static str) {
    if spec.nat_gateways.contains_key(via) {
        ("--nat-gateway-id", "nat_gateway_id")
    } else if spec.vpc_peering_connections.contains_key(via) {
        ("--vpc-peering-connection-id", "vpc_peering_connection_id")
    } else if spec.transit_gateways.contains_key(via) {
        ("--transit-gateway-id", "transit_gateway_id")
    } else if spec.egress_only_internet_gateways.contains_key(via) {
        ("--egress-only-internet-gateway-id", "egress_only_gateway_id")
    } else if spec.vpc_endpoints.contains_key(via) {
        ("--vpc-endpoint-id", "vpc_endpoint_id")
    } else if spec.network_interfaces.contains_key(via) || spec.instances.contains_key(via) {
        ("--network-interface-id", "network_interface_id")
    } else {
        ("--gateway-id", "gateway_id")
    }
}

/// A word of a shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A string of Terraform.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{"))
}

fn number(protocol: Option<ProtocolMatch>) -> String {
    match protocol {
        Some(ProtocolMatch::One(p)) => p.0.to_string(),
        _ => "-1".to_owned(),
    }
}

/// First and last port, or type and code of ICMP.
fn range(ports: Option<PortRange>, icmp: Option<i16>, code: Option<i16>) -> Option<(i32, i32)> {
    ports.map(|p| (p.from.into(), p.to.into())).or(icmp.map(|kind| (kind.into(), code.unwrap_or(-1).into())))
}

/// A destination: the option of AWS's CLI or the argument of Terraform for its kind.
fn destination(to: &str, options: [&'static str; 3]) -> &'static str {
    match to.parse::<Cidr>() {
        Ok(cidr) if cidr.is_v4() => options[0],
        Ok(_) => options[1],
        Err(_) => options[2],
    }
}

/// The change as a command.
pub(super) fn aws_cli(spec: &Spec, edit: &Edit) -> String {
    let rest = match edit {
        Edit::AclRule { acl, dir, rule } => {
            let icmp = range(None, rule.icmp_type, rule.icmp_code)
                .map(|(kind, code)| format!(" --icmp-type-code Type={kind},Code={code}"));
            let ports = range(rule.ports, None, None).map(|(from, to)| format!(" --port-range From={from},To={to}"));
            let block = match dir {
                Dir::In => &rule.from,
                Dir::Out => &rule.to,
            };
            let block = block.as_ref().map_or_else(String::new, ToString::to_string);
            format!(
                "create-network-acl-entry --network-acl-id {} --{} --rule-number {} --protocol {}{}{} {} {block} --rule-action allow",
                word(acl),
                if *dir == Dir::In { "ingress" } else { "egress" },
                rule.rule,
                number(rule.protocol),
                ports.unwrap_or_default(),
                icmp.unwrap_or_default(),
                destination(&block, ["--cidr-block", "--ipv6-cidr-block", "--cidr-block"]),
            )
        }
        Edit::SgRule { group, dir, rule } => {
            let (verb, peer) = match dir {
                Dir::In => ("authorize-security-group-ingress", &rule.from),
                Dir::Out => ("authorize-security-group-egress", &rule.to),
            };
            let ports = range(rule.ports, rule.icmp_type, rule.icmp_code)
                .map_or_else(String::new, |(from, to)| format!(",FromPort={from},ToPort={to}"));
            let peer = match peer.as_ref().map(|peer| &peer.value) {
                Some(Peer::Cidr(cidr)) if cidr.is_v4() => format!("IpRanges=[{{CidrIp={cidr}}}]"),
                Some(Peer::Cidr(cidr)) => format!("Ipv6Ranges=[{{CidrIpv6={cidr}}}]"),
                Some(Peer::Name(name)) => format!("UserIdGroupPairs=[{{GroupId={name}}}]"),
                None => String::new(),
            };
            let permission = format!("IpProtocol={}{ports},{peer}", rule.protocol.unwrap_or(ProtocolMatch::All));
            format!("{verb} --group-id {} --ip-permissions {}", word(group), word(&permission))
        }
        Edit::Route { table, to, via, replaces } => {
            let verb = if replaces.is_some() { "replace-route" } else { "create-route" };
            let options = ["--destination-cidr-block", "--destination-ipv6-cidr-block", "--destination-prefix-list-id"];
            let (option, _) = target(spec, via);
            let to = format!("{} {}", destination(to, options), word(to));
            format!("{verb} --route-table-id {} {to} {option} {}", word(table), word(via))
        }
        Edit::NoRoute { table, to, .. } => {
            let options = ["--destination-cidr-block", "--destination-ipv6-cidr-block", "--destination-prefix-list-id"];
            format!("delete-route --route-table-id {} {} {}", word(table), destination(to, options), word(to))
        }
        Edit::Association { subnet, table } => format!(
            "replace-route-table-association --route-table-id {} --association-id $(aws ec2 describe-route-tables \
             --filters Name=association.subnet-id,Values={subnet} --query \
             \"RouteTables[0].Associations[?SubnetId=='{subnet}'].RouteTableAssociationId\" --output text)",
            word(table)
        ),
        Edit::SourceDestCheckOff { interface } => format!(
            "modify-network-interface-attribute --network-interface-id {} --no-source-dest-check",
            word(interface)
        ),
        Edit::PublicAddress { interface, .. } => format!(
            "associate-address --network-interface-id {} --allocation-id $(aws ec2 allocate-address --domain vpc --query \
             AllocationId --output text)",
            word(interface)
        ),
        Edit::Start { instance } => format!("start-instances --instance-ids {}", word(instance)),
        Edit::DnsSupport { vpc } => {
            format!("modify-vpc-attribute --vpc-id {} --enable-dns-support '{{\"Value\":true}}'", word(vpc))
        }
        Edit::PeeringDns { peering, accepter } => {
            let side = if *accepter { "accepter" } else { "requester" };
            format!(
                "modify-vpc-peering-connection-options --vpc-peering-connection-id {} \
                 --{side}-peering-connection-options AllowDnsResolutionFromRemoteVpc=true",
                word(peering)
            )
        }
        Edit::AcceptPeering { peering } => {
            format!("accept-vpc-peering-connection --vpc-peering-connection-id {}", word(peering))
        }
        Edit::TgwAssociation { table, attachment } => format!(
            "associate-transit-gateway-route-table --transit-gateway-route-table-id {} --transit-gateway-attachment-id {}",
            word(table),
            word(attachment)
        ),
        Edit::TgwPropagation { table, attachment } => format!(
            "enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id {} \
             --transit-gateway-attachment-id {}",
            word(table),
            word(attachment)
        ),
        Edit::TgwRoute { table, to, via, replaces } => format!(
            "{}-transit-gateway-route --transit-gateway-route-table-id {} --destination-cidr-block {to} \
             --transit-gateway-attachment-id {}",
            if *replaces { "replace" } else { "create" },
            word(table),
            word(via)
        ),
        Edit::AttachmentSubnet { attachment, subnet } => format!(
            "modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} --add-subnet-ids {}",
            word(attachment),
            word(subnet)
        ),
        Edit::ApplianceMode { attachment } => format!(
            "modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} --options ApplianceModeSupport=enable",
            word(attachment)
        ),
        Edit::BpaExclusion { resource, mode } => {
            let option = if spec.vpcs.contains_key(resource.as_str()) { "--vpc-id" } else { "--subnet-id" };
            format!(
                "create-vpc-block-public-access-exclusion {option} {} --internet-gateway-exclusion-mode {}",
                word(resource),
                exclusion(*mode)
            )
        }
    };
    format!("aws ec2 {rest}")
}

const fn exclusion(mode: BpaExclusionMode) -> &'static str {
    match mode {
        BpaExclusionMode::AllowBidirectional => "allow-bidirectional",
        BpaExclusionMode::AllowEgress => "allow-egress",
    }
}

/// The change as Terraform. `n` makes the resource's name.
pub(super) fn terraform(spec: &Spec, edit: &Edit, n: usize) -> String {
    let (kind, arguments): (&str, Vec<(&str, String)>) = match edit {
        Edit::AclRule { acl, dir, rule } => {
            let block = match dir {
                Dir::In => &rule.from,
                Dir::Out => &rule.to,
            };
            let block = block.as_ref().map_or_else(String::new, ToString::to_string);
            let argument = destination(&block, ["cidr_block", "ipv6_cidr_block", "cidr_block"]);
            let mut all = vec![
                ("network_acl_id", quoted(acl)),
                ("egress", (*dir == Dir::Out).to_string()),
                ("rule_number", rule.rule.to_string()),
                ("rule_action", quoted("allow")),
                ("protocol", quoted(&number(rule.protocol))),
                (argument, quoted(&block)),
            ];
            if let Some((from, to)) = range(rule.ports, None, None) {
                all.extend([("from_port", from.to_string()), ("to_port", to.to_string())]);
            }
            if let Some((icmp, code)) = range(None, rule.icmp_type, rule.icmp_code) {
                all.extend([("icmp_type", icmp.to_string()), ("icmp_code", code.to_string())]);
            }
            ("aws_network_acl_rule", all)
        }
        Edit::SgRule { group, dir, rule } => {
            let (kind, peer) = match dir {
                Dir::In => ("aws_vpc_security_group_ingress_rule", &rule.from),
                Dir::Out => ("aws_vpc_security_group_egress_rule", &rule.to),
            };
            let protocol = rule.protocol.unwrap_or(ProtocolMatch::All);
            let protocol = if protocol == ProtocolMatch::All { "-1".to_owned() } else { protocol.to_string() };
            let mut all = vec![("security_group_id", quoted(group)), ("ip_protocol", quoted(&protocol))];
            if let Some((from, to)) = range(rule.ports, rule.icmp_type, rule.icmp_code) {
                all.extend([("from_port", from.to_string()), ("to_port", to.to_string())]);
            }
            match peer.as_ref().map(|peer| &peer.value) {
                Some(Peer::Cidr(cidr)) if cidr.is_v4() => all.push(("cidr_ipv4", quoted(&cidr.to_string()))),
                Some(Peer::Cidr(cidr)) => all.push(("cidr_ipv6", quoted(&cidr.to_string()))),
                Some(Peer::Name(name)) => all.push(("referenced_security_group_id", quoted(name))),
                None => {}
            }
            (kind, all)
        }
        Edit::Route { table, to, via, .. } => {
            let options = ["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"];
            let all = vec![
                ("route_table_id", quoted(table)),
                (destination(to, options), quoted(to)),
                (target(spec, via).1, quoted(via)),
            ];
            ("aws_route", all)
        }
        Edit::Association { subnet, table } => {
            ("aws_route_table_association", vec![("subnet_id", quoted(subnet)), ("route_table_id", quoted(table))])
        }
        Edit::PublicAddress { interface, .. } => {
            ("aws_eip", vec![("domain", quoted("vpc")), ("network_interface", quoted(interface))])
        }
        Edit::Start { instance } => {
            ("aws_ec2_instance_state", vec![("instance_id", quoted(instance)), ("state", quoted("running"))])
        }
        Edit::AcceptPeering { peering } => (
            "aws_vpc_peering_connection_accepter",
            vec![("vpc_peering_connection_id", quoted(peering)), ("auto_accept", "true".to_owned())],
        ),
        Edit::PeeringDns { peering, accepter } => {
            let side = if *accepter { "accepter" } else { "requester" };
            return format!(
                "resource \"aws_vpc_peering_connection_options\" \"fix_{n}\" {{\n  vpc_peering_connection_id = {}\n\n  \
                 {side} {{\n    allow_remote_vpc_dns_resolution = true\n  }}\n}}",
                quoted(peering)
            );
        }
        Edit::TgwAssociation { table, attachment } => {
            ("aws_ec2_transit_gateway_route_table_association", of_tgw(table, attachment))
        }
        Edit::TgwPropagation { table, attachment } => {
            ("aws_ec2_transit_gateway_route_table_propagation", of_tgw(table, attachment))
        }
        Edit::TgwRoute { table, to, via, .. } => {
            let mut all = of_tgw(table, via);
            all.insert(0, ("destination_cidr_block", quoted(&to.to_string())));
            ("aws_ec2_transit_gateway_route", all)
        }
        Edit::BpaExclusion { resource, mode } => {
            let argument = if spec.vpcs.contains_key(resource.as_str()) { "vpc_id" } else { "subnet_id" };
            let mode = ("internet_gateway_exclusion_mode", quoted(exclusion(*mode)));
            ("aws_vpc_block_public_access_exclusion", vec![mode, (argument, quoted(resource))])
        }
        Edit::NoRoute { table, to, .. } => return format!("# remove the aws_route for {to} of route table {table}"),
        // An argument of a resource that is there.
        Edit::SourceDestCheckOff { interface } => {
            return format!("# in the aws_network_interface or aws_instance {interface}:\nsource_dest_check = false");
        }
        Edit::DnsSupport { vpc } => return format!("# in the aws_vpc {vpc}:\nenable_dns_support = true"),
        Edit::AttachmentSubnet { attachment, subnet } => {
            return format!(
                "# in the aws_ec2_transit_gateway_vpc_attachment {attachment}, add to subnet_ids:\n{}",
                quoted(subnet)
            );
        }
        Edit::ApplianceMode { attachment } => {
            return format!(
                "# in the aws_ec2_transit_gateway_vpc_attachment {attachment}:\nappliance_mode_support = \"enable\""
            );
        }
    };
    let width = arguments.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = Vec::new();
    if matches!(
        edit,
        Edit::Route { replaces: Some(_), .. } | Edit::TgwRoute { replaces: true, .. } | Edit::Association { .. }
    ) {
        lines.push("# instead of the one that is there".to_owned());
    }
    lines.push(format!("resource \"{kind}\" \"fix_{n}\" {{"));
    lines.extend(arguments.iter().map(|(name, value)| format!("  {name:<width$} = {value}")));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn of_tgw(table: &str, attachment: &str) -> Vec<(&'static str, String)> {
    vec![("transit_gateway_attachment_id", quoted(attachment)), ("transit_gateway_route_table_id", quoted(table))]
}
