//! Peerings, endpoints and shared VPCs in small exports, written by hand after AWS's API reference.

use vpcsim_engine::diag::{Diagnostic, Severity, any_error};
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::{EndpointType, Peer, PeeringState, RouteState, Spanned};

/// `vpc-a` of 111122223333 in us-east-1, `vpc-b` of 444455556666 in eu-west-1.
const VPCS: [(&str, &str); 2] = [
    (
        "accounts/111122223333/us-east-1/v.json",
        r#"{"Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}]}"#,
    ),
    (
        "accounts/444455556666/eu-west-1/v.json",
        r#"{"Vpcs": [{"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16", "OwnerId": "444455556666"}]}"#,
    ),
];

fn read(files: &[(&str, &str)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text: text.as_bytes() }).collect();
    aws(&files)
}

/// Beside the two VPCs. No error is expected.
fn with(files: &[(&str, &str)]) -> Import {
    let import = read(&[&VPCS[..], files].concat());
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    import
}

fn codes(import: &Import) -> Vec<&'static str> {
    import.diagnostics.iter().filter(|d| d.code != "absent-kind").map(|d| d.code).collect()
}

fn only(import: &Import, code: &str) -> Diagnostic {
    let found: Vec<_> = import.diagnostics.iter().filter(|d| d.code == code).collect();
    assert_eq!(found.len(), 1, "{:?}", import.diagnostics);
    found[0].clone()
}

fn name(name: &Option<Spanned<String>>) -> Option<&str> {
    name.as_ref().map(|n| n.as_str())
}

fn names(names: &[Spanned<String>]) -> Vec<&str> {
    names.iter().map(|n| n.as_str()).collect()
}

fn pcx(id: &str, requester: &str, accepter: &str, code: &str) -> String {
    let side = |s: &str| format!(r#"{{"VpcId": "{s}", "CidrBlockSet": [{{"CidrBlock": "10.0.0.0/16"}}]}}"#);
    format!(
        r#"{{"VpcPeeringConnectionId": "{id}", "RequesterVpcInfo": {}, "AccepterVpcInfo": {}, "Status": {{"Code": "{code}"}}}}"#,
        side(requester),
        side(accepter)
    )
}

#[test]
fn each_side_of_a_peering_says_its_own_options() {
    let copy = |requester: &str, accepter: &str, tag: &str| {
        format!(
            r#"{{"VpcPeeringConnections": [{{"VpcPeeringConnectionId": "pcx-1",
            "RequesterVpcInfo": {{"VpcId": "vpc-a", "OwnerId": "111122223333", "Region": "us-east-1" {requester}}},
            "AccepterVpcInfo": {{"VpcId": "vpc-b", "OwnerId": "444455556666", "Region": "eu-west-1" {accepter}}},
            "Status": {{"Code": "active", "Message": "Active"}}, "Tags": [{{"Key": "Name", "Value": "{tag}"}}]}}]}}"#
        )
    };
    let on = r#", "PeeringOptions": {"AllowDnsResolutionFromRemoteVpc": true}"#;
    let off = r#", "PeeringOptions": {"AllowDnsResolutionFromRemoteVpc": false}"#;
    let (a, b) = (copy(on, "", "ours"), copy(off, on, "theirs"));
    let import = with(&[("444455556666/eu-west-1/a.json", &b), ("accounts/111122223333/us-east-1/z.json", &a)]);
    assert!(codes(&import).is_empty(), "{:?}", import.diagnostics);
    let peering = &import.spec.vpc_peering_connections["pcx-1"];
    assert_eq!((name(&peering.requester), name(&peering.accepter)), (Some("vpc-a"), Some("vpc-b")));
    assert_eq!((peering.requester_dns_resolution, peering.accepter_dns_resolution), (Some(true), Some(true)));
    assert_eq!((peering.state, peering.name_tag.as_deref()), (None, Some("ours")));
    assert_eq!(import.report.understood["VPC peering connection"], 1);
    assert!(import.spec.not_modelled.is_empty());

    // What is said alike on both sides, said differently.
    let later = a.replace("active", "deleting");
    let import = with(&[("accounts/111122223333/us-east-1/y.json", &a), ("444455556666/eu-west-1/z.json", &later)]);
    assert_eq!(codes(&import), ["duplicate-id"]);
    assert_eq!(import.spec.vpc_peering_connections["pcx-1"].state, None);
}

#[test]
fn peerings_of_every_state_and_with_sides_that_the_export_lacks() {
    let list = [
        pcx("pcx-pending", "vpc-a", "vpc-b", "pending-acceptance"),
        pcx("pcx-making", "vpc-a", "vpc-b", "provisioning"),
        pcx("pcx-initiating", "vpc-a", "vpc-b", "initiating-request"),
        pcx("pcx-deleting", "vpc-a", "vpc-b", "deleting"),
        pcx("pcx-new", "vpc-a", "vpc-b", "quantum"),
        pcx("pcx-half", "vpc-a", "vpc-elsewhere", "active"),
        pcx("pcx-none", "vpc-elsewhere", "vpc-elsewhere-2", "active"),
        pcx("pcx-failed", "vpc-a", "vpc-b", "failed"),
        pcx("pcx-rejected", "vpc-a", "vpc-b", "rejected"),
        pcx("pcx-expired", "vpc-a", "vpc-b", "expired"),
        pcx("pcx-routed", "vpc-a", "vpc-b", "deleted"),
        pcx("pcx-ruled", "vpc-a", "vpc-b", "deleted"),
    ];
    let text = format!(
        r#"{{"VpcPeeringConnections": [{}], "RouteTables": [{{"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Routes": [
        {{"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-routed", "State": "blackhole"}},
        {{"DestinationCidrBlock": "10.2.0.0/16", "VpcPeeringConnectionId": "pcx-half", "State": "active"}},
        {{"DestinationCidrBlock": "10.3.0.0/16", "VpcPeeringConnectionId": "pcx-none", "State": "active"}}]}}],
        "SecurityGroups": [{{"GroupId": "sg-1", "GroupName": "x", "VpcId": "vpc-a", "IpPermissions": [
        {{"IpProtocol": "-1", "UserIdGroupPairs": [{{"GroupId": "sg-2", "UserId": "444455556666", "VpcId": "vpc-b",
          "VpcPeeringConnectionId": "pcx-ruled", "PeeringStatus": "deleted"}}]}}]}}]}}"#,
        list.join(",")
    );
    let import = with(&[("accounts/111122223333/us-east-1/x.json", &text)]);
    let spec = &import.spec;
    let state = |id: &str| spec.vpc_peering_connections[id].state;
    assert_eq!(state("pcx-pending"), Some(PeeringState::PendingAcceptance));
    assert_eq!(state("pcx-making"), Some(PeeringState::Provisioning));
    assert_eq!(state("pcx-initiating"), Some(PeeringState::InitiatingRequest));
    assert_eq!(state("pcx-deleting"), Some(PeeringState::Deleting));
    assert_eq!(state("pcx-new"), Some(PeeringState::Provisioning));
    assert!(only(&import, "unknown-state").message.contains("`quantum`"));
    assert_eq!(state("pcx-routed"), Some(PeeringState::Deleted), "a route names it");
    assert_eq!(state("pcx-ruled"), Some(PeeringState::Deleted), "a rule names it");
    let half = &spec.vpc_peering_connections["pcx-half"];
    assert_eq!((name(&half.requester), name(&half.accepter), half.state), (Some("vpc-a"), None, None));
    assert_eq!(spec.vpc_peering_connections.len(), 8);
    let skipped: Vec<&str> = import.report.skipped.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(skipped, ["pcx-expired", "pcx-failed", "pcx-rejected"]);
    let routes = &spec.route_tables["rtb-1"].routes;
    assert_eq!((routes[0].via.as_str(), routes[0].state), ("pcx-routed", Some(RouteState::Blackhole)));
    assert_eq!(routes[1].via.as_str(), "pcx-half");
    assert!(only(&import, "not-in-export").message.contains("pcx-none"));
    assert_eq!(spec.not_modelled["pcx-none"].kind, "VPC peering connection that the export lacks");
    assert_eq!(spec.not_modelled["sg-2"].kind, "security group of another account or a deleted one");
}

#[test]
fn a_route_to_a_gone_peering_of_nowhere_is_a_blackhole() {
    let text = format!(
        r#"{{"VpcPeeringConnections": [{}], "RouteTables": [{{"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Routes": [
        {{"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-lost", "State": "blackhole"}}]}}]}}"#,
        pcx("pcx-1", "vpc-a", "vpc-b", "active")
    );
    let import = with(&[("x.json", &text)]);
    assert_eq!(import.spec.route_tables["rtb-1"].routes[0].state, Some(RouteState::Blackhole));
    assert_eq!(import.spec.not_modelled["pcx-lost"].kind, "deleted resource");
}

#[test]
fn a_rule_may_name_a_group_on_the_other_side_of_a_peering() {
    let group = |id: &str, vpc: &str, owner: &str, peer: &str| {
        format!(
            r#"{{"SecurityGroups": [{{"GroupId": "{id}", "GroupName": "g", "VpcId": "{vpc}", "OwnerId": "{owner}", "IpPermissions": [
            {{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{{"GroupId": "{peer}", "UserId": "9",
            "VpcId": "vpc-x", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}}]}}]}}],
            "SecurityGroupRules": [{{"SecurityGroupRuleId": "sgr-{id}", "GroupId": "{id}", "IsEgress": false,
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "ReferencedGroupInfo": {{"GroupId": "{peer}", "UserId": "9"}}}}]}}"#
        )
    };
    let a = group("sg-a", "vpc-a", "111122223333", "sg-b");
    let b = group("sg-b", "vpc-b", "444455556666", "sg-lost");
    let import = with(&[("accounts/111122223333/us-east-1/g.json", &a), ("444455556666/eu-west-1/g.json", &b)]);
    let rule = |id: &str| import.spec.security_groups[id].inbound.as_ref().unwrap()[0].clone();
    assert_eq!(rule("sg-a").from.as_ref().map(|p| &p.value), Some(&Peer::Name("sg-b".into())));
    assert_eq!(rule("sg-a").id.as_deref(), Some("sgr-sg-a"));
    assert_eq!(import.spec.not_modelled.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["sg-lost"]);
    assert!(import.spec.security_groups.values().all(|group| group.account.is_none()), "each owns its VPC");
}

#[test]
fn a_shared_vpc_is_one_and_its_guests_say_whose_they_are() {
    let shared = |zone: &str, tag: &str| {
        format!(
            r#"{{"Vpcs": [{{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}}],
            "Subnets": [{{"SubnetId": "subnet-1", "VpcId": "vpc-a", "OwnerId": "111122223333", "AvailabilityZone": "{zone}",
            "AvailabilityZoneId": "use1-az2", "CidrBlock": "10.0.0.0/24", "Tags": [{{"Key": "Name", "Value": "{tag}"}}]}}]}}"#
        )
    };
    let own = |owner: &str, n: u8| {
        format!(
            r#"{{"SecurityGroups": [{{"GroupId": "sg-{n}", "GroupName": "g{n}", "VpcId": "vpc-a", "OwnerId": "{owner}"}}],
            "NetworkInterfaces": [{{"NetworkInterfaceId": "eni-{n}", "SubnetId": "subnet-1", "VpcId": "vpc-a",
            "OwnerId": "{owner}", "PrivateIpAddress": "10.0.0.{n}", "Groups": [{{"GroupId": "sg-{n}"}}]}}]}}"#
        )
    };
    let (owner, guest) = (shared("us-east-1a", "mine"), shared("us-east-1d", ""));
    let (one, two) = (own("111122223333", 4), own("444455556666", 5));
    let strange = own("amazon-elb", 6);
    let files = [
        ("accounts/000011112222/us-east-1/a.json", guest.as_str()),
        ("accounts/111122223333/us-east-1/a.json", &owner),
        ("accounts/111122223333/us-east-1/b.json", &one),
        ("accounts/111122223333/us-east-1/c.json", &strange),
        ("accounts/444455556666/us-east-1/a.json", &guest),
        ("accounts/444455556666/us-east-1/b.json", &two),
    ];
    let import = with(&files);
    assert!(codes(&import).is_empty(), "{:?}", import.diagnostics);
    let spec = &import.spec;
    let subnet = &spec.subnets["subnet-1"];
    assert_eq!((subnet.az.as_str(), subnet.az_id.as_deref()), ("us-east-1a", Some("use1-az2")));
    assert_eq!(subnet.name_tag.as_deref(), Some("mine"));
    assert_eq!(name(&spec.vpcs["vpc-a"].account), Some("111122223333"));
    let guest = Some("444455556666");
    assert_eq!(
        (name(&spec.network_interfaces["eni-5"].account), name(&spec.security_groups["sg-5"].account)),
        (guest, guest)
    );
    for (eni, group) in [("eni-4", "sg-4"), ("eni-6", "sg-6")] {
        assert!(spec.network_interfaces[eni].account.is_none() && spec.security_groups[group].account.is_none());
    }
    // Two guests without the owner call the zone by two names.
    let import = with(&[files[0], ("accounts/444455556666/us-east-1/a.json", &owner)]);
    assert!(codes(&import).is_empty(), "{:?}", import.diagnostics);
}

const NET: &str = r#"{"Subnets": [
    {"SubnetId": "subnet-1", "VpcId": "vpc-a", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0.0/24"},
    {"SubnetId": "subnet-2", "VpcId": "vpc-a", "AvailabilityZone": "us-east-1b", "CidrBlock": "10.0.1.0/24"}],
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-a", "OwnerId": "111122223333"}],
    "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "InterfaceType": "vpc_endpoint", "RequesterManaged": true,
     "Description": "VPC Endpoint Interface vpce-i", "PrivateIpAddress": "10.0.0.9", "Groups": [{"GroupId": "sg-1"}]},
    {"NetworkInterfaceId": "eni-2", "SubnetId": "subnet-2", "Description": "VPC Endpoint Interface vpce-i",
     "PrivateIpAddress": "10.0.1.9"},
    {"NetworkInterfaceId": "eni-3", "SubnetId": "subnet-2", "Description": "VPC Endpoint Interface vpce-j",
     "PrivateIpAddress": "10.0.1.10"}]}"#;

#[test]
fn endpoints_of_every_type() {
    let import = with(&[
        ("n.json", NET),
        (
            "x.json",
            r#"{"VpcEndpoints": [
        {"VpcEndpointId": "vpce-g", "VpcEndpointType": "Gateway", "VpcId": "vpc-a", "State": "available",
         "ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": ["rtb-1", "rtb-lost"],
         "PolicyDocument": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\"}]}"},
        {"VpcEndpointId": "vpce-old", "VpcId": "vpc-a", "ServiceName": "com.amazonaws.us-east-1.dynamodb",
         "RouteTableIds": [], "PolicyDocument": "{\"Statement\": [{\"Effect\": \"Deny\"}]}"},
        {"VpcEndpointId": "vpce-nolist", "VpcEndpointType": "Gateway", "VpcId": "vpc-a", "ServiceName": "com.amazonaws.us-east-1.s3express"},
        {"VpcEndpointId": "vpce-i", "VpcEndpointType": "Interface", "VpcId": "vpc-a", "State": "pendingAcceptance",
         "ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1", "SubnetIds": ["subnet-2", "subnet-1"],
         "Groups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-lost"}], "PrivateDnsEnabled": false,
         "NetworkInterfaceIds": ["eni-1", "eni-2", "eni-lost"], "RouteTableIds": null,
         "DnsEntries": [{"DnsName": "vpce-i.x.amazonaws.com", "HostedZoneId": "Z"}, {"HostedZoneId": "Y"}],
         "Tags": [{"Key": "Name", "Value": "svc"}]},
        {"VpcEndpointId": "vpce-j", "VpcEndpointType": "Interface", "VpcId": "vpc-a", "State": "Available",
         "ServiceName": "com.amazonaws.us-east-1.ec2", "SubnetIds": ["subnet-2", "subnet-lost"], "PrivateDnsEnabled": true},
        {"VpcEndpointId": "vpce-b", "VpcEndpointType": "GatewayLoadBalancer", "VpcId": "vpc-a", "ServiceName": "s", "State": "available"},
        {"VpcEndpointId": "vpce-r", "VpcEndpointType": "Resource", "VpcId": "vpc-a", "State": "available"},
        {"VpcEndpointId": "vpce-dead", "VpcEndpointType": "Interface", "VpcId": "vpc-a", "ServiceName": "s", "State": "failed"},
        {"VpcEndpointId": "vpce-far", "VpcEndpointType": "Interface", "VpcId": "vpc-lost", "ServiceName": "s", "State": "available"}],
        "PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "com.amazonaws.us-east-1.s3", "Cidrs": ["52.216.0.0/15"]},
         {"PrefixListId": "pl-2", "PrefixListName": "com.amazonaws.us-east-1.dynamodb"}],
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Routes": [
         {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-g", "State": "active"},
         {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-b", "State": "active"},
         {"DestinationPrefixListId": "pl-9", "GatewayId": "vpce-lost", "State": "active"},
         {"DestinationCidrBlock": "1.0.0.0/8", "GatewayId": "vpce-dead", "State": "blackhole"}]}],
        "ServiceConfigurations": [{"ServiceId": "vpce-svc-1", "ServiceState": "Available"}],
        "ServiceDetails": [{"ServiceName": "s"}]}"#,
        ),
    ]);
    let spec = &import.spec;
    let gateway = &spec.vpc_endpoints["vpce-g"];
    assert_eq!((gateway.kind, names(&gateway.route_tables)), (EndpointType::Gateway, vec!["rtb-1"]));
    assert_eq!((name(&gateway.prefix_list), gateway.service.as_str()), (Some("pl-1"), "com.amazonaws.us-east-1.s3"));
    assert!(!gateway.restrictive_policy && !gateway.unavailable && gateway.security_groups.is_none());
    assert!(gateway.private_dns.is_none() && gateway.subnets.is_empty());
    let old = &spec.vpc_endpoints["vpce-old"];
    assert_eq!((old.kind, name(&old.prefix_list), old.restrictive_policy), (EndpointType::Gateway, Some("pl-2"), true));
    assert_eq!(spec.vpc_endpoints["vpce-nolist"].prefix_list, None);
    let interface = &spec.vpc_endpoints["vpce-i"];
    assert_eq!(
        (interface.kind, interface.unavailable, interface.private_dns),
        (EndpointType::Interface, true, Some(false))
    );
    assert_eq!(names(&interface.subnets), ["subnet-2", "subnet-1"]);
    assert_eq!(names(&interface.network_interfaces), ["eni-2", "eni-1"], "in the order of the subnets");
    assert_eq!(names(interface.security_groups.as_ref().unwrap()), ["sg-1", "sg-lost"]);
    assert_eq!(
        (names(&interface.dns_names), interface.name_tag.as_deref()),
        (vec!["vpce-i.x.amazonaws.com"], Some("svc"))
    );
    let other = &spec.vpc_endpoints["vpce-j"];
    assert_eq!((names(&other.subnets), names(&other.network_interfaces)), (vec!["subnet-2"], vec!["eni-3"]));
    assert!(!other.unavailable && other.private_dns == Some(true));
    assert_eq!((spec.vpc_endpoints.len(), import.report.understood["VPC endpoint"]), (5, 5));
    assert_eq!(spec.network_interfaces.len(), 3);
    let kind = |id: &str| spec.not_modelled[id].kind.as_str();
    assert_eq!(kind("vpce-b"), "Gateway Load Balancer endpoint");
    assert_eq!(kind("vpce-r"), "resource endpoint");
    assert_eq!(kind("vpce-svc-1"), "VPC endpoint service");
    assert_eq!(kind("vpce-lost"), "gateway endpoint that the export lacks");
    assert_eq!(kind("vpce-dead"), "deleted resource");
    let vias: Vec<&str> = spec.route_tables["rtb-1"].routes.iter().map(|r| r.via.as_str()).collect();
    assert_eq!(vias, ["vpce-g", "vpce-b", "vpce-lost", "vpce-dead"]);
    let missing: Vec<&str> = import.report.missing_references.iter().map(|m| m.to.as_str()).collect();
    for id in ["rtb-lost", "sg-lost", "eni-lost", "subnet-lost", "vpc-lost"] {
        assert!(missing.contains(&id), "{id}: {missing:?}");
    }
    assert!(import.report.ignored_keys.is_empty());
}

#[test]
fn bad_peerings_and_endpoints_are_reported_one_by_one() {
    let text = r#"{"VpcPeeringConnections": [
  {"RequesterVpcInfo": {"VpcId": "vpc-a"}},
  {"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": "vpc-a"},
  {"VpcPeeringConnectionId": "pcx-2", "RequesterVpcInfo": {"VpcId": "vpc-a"}, "AccepterVpcInfo": null},
  {"VpcPeeringConnectionId": "pcx-3", "RequesterVpcInfo": {"VpcId": "vpc-a"}, "Status": {"Code": 7}}],
 "VpcEndpoints": [
  {"VpcEndpointId": "vpce-1", "VpcId": "vpc-a", "VpcEndpointType": "Interface"},
  {"VpcEndpointId": "vpce-2", "VpcId": "vpc-a", "ServiceName": "s", "SubnetIds": "subnet-1"},
  {"VpcEndpointId": "vpce-3", "VpcId": "vpc-a", "ServiceName": "s", "PolicyDocument": {"Statement": []}},
  {"VpcEndpointId": "vpce-4", "VpcId": "vpc-a", "ServiceName": "s", "RouteTableIds": [null, ""]},
  7]}"#;
    let import = read(&[&VPCS[..], &[("x.json", text)]].concat());
    let errors: Vec<_> = import.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    let mut lines: Vec<u32> = errors.iter().map(|d| d.span.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 3, 4, 5, 7, 8, 9, 11], "{errors:?}");
    assert!(import.spec.vpc_peering_connections.is_empty());
    assert_eq!(import.spec.vpc_endpoints.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["vpce-4"]);
    // The same id for two kinds.
    let text = r#"{"VpcEndpoints": [{"VpcEndpointId": "x-1", "VpcId": "vpc-a", "ServiceName": "s"}],
        "VpcPeeringConnections": [{"VpcPeeringConnectionId": "x-1", "RequesterVpcInfo": {"VpcId": "vpc-a"}}]}"#;
    let import = read(&[&VPCS[..], &[("x.json", text)]].concat());
    assert_eq!(only(&import, "duplicate-id").severity, Severity::Error);
}
