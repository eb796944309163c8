//! Small exports, written by hand after AWS's API reference: every field that means something, and
//! everything that can be wrong with a file.

use vpcsim_engine::diag::{Diagnostic, Severity, any_error};
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::write::to_yaml;
use vpcsim_engine::spec::{InstanceState, NatConnectivity, Peer, PublicIp, RouteOrigin, RouteState};

const VPC: &str = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}]}"#;
const SUBNET: &str = r#"{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-east-1a",
    "CidrBlock": "10.0.0.0/24", "MapPublicIpOnLaunch": true}]}"#;
const GROUP: &str = r#"{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-1"}]}"#;

fn read(files: &[(&str, &str)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text: text.as_bytes() }).collect();
    aws(&files)
}

/// `text` beside a VPC, a subnet and a group. No error is expected.
fn with(text: &str) -> Import {
    let import = read(&[("a.json", VPC), ("b.json", SUBNET), ("c.json", GROUP), ("x.json", text)]);
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

#[test]
fn an_empty_folder_and_a_folder_of_other_json_are_errors() {
    for files in
        [&[][..], &[("package.json", r#"{"name": "x", "version": "1"}"#)], &[("x.json", r#"{"VpcId": "vpc-1"}"#)]]
    {
        let import = read(files);
        let found = only(&import, "no-aws-json");
        assert_eq!(found.severity, Severity::Error);
        assert!(found.help.is_some());
    }
    assert!(!any_error(&read(&[("x.json", r#"{"Vpcs": []}"#)]).diagnostics));
    assert!(!any_error(&read(&[("x.json", r#"{"Vpcs": null, "Subnets": null}"#)]).diagnostics));
}

#[test]
fn a_broken_file_is_reported_with_its_place_and_the_others_are_read() {
    let import = read(&[("b.json", "{\"Subnets\": [\n  {\"SubnetId\": \"subnet-1\",\n"), ("a.json", VPC)]);
    let found = only(&import, "json-syntax");
    assert_eq!((found.span.file.0, found.span.line, found.severity), (0, 2, Severity::Error));
    assert!(found.message.contains("b.json") && found.help.is_some(), "{found:?}");
    assert_eq!(import.spec.vpcs.len(), 1);

    let import = read(&[("a.json", VPC), ("b.json", "{\n  \"Subnets\": [}\n")]);
    let found = only(&import, "json-syntax");
    assert_eq!((found.span.file.0, found.span.line, found.span.column), (1, 2, 15));

    let import = aws(&[JsonFile { path: "a.json", text: b"{\n \"Vpcs\": \"\xff\"" }]);
    let found = only(&import, "not-utf-8");
    assert_eq!((found.span.line, found.span.column), (2, 11));
    let import = aws(&[JsonFile { path: "a.json", text: b"\xff\xfe{\0}\0" }]);
    assert!(only(&import, "not-utf-8").help.is_some_and(|h| h.contains("UTF-16")));
    let import = aws(&[JsonFile { path: "a.json", text: b"{\"PreSharedKey\": \"\xff" }]);
    assert!(!only(&import, "not-utf-8").span.is_some());

    assert_eq!(codes(&read(&[("a.json", VPC), ("b.json", "")])), ["empty-file"]);
    assert_eq!(codes(&read(&[("a.json", VPC), ("b.json", "[1, 2]")])), ["not-an-aws-document"]);
    assert_eq!(
        codes(&read(&[("a.json", VPC), ("b.json", r#"{"Subnets": [], "NextToken": "x"}"#)])),
        ["partial-export"]
    );
}

#[test]
fn several_documents_in_one_file_and_a_byte_order_mark_are_fine() {
    let text = format!("\u{feff}{VPC}\n{SUBNET}");
    let import = read(&[("all.json", &text)]);
    assert_eq!((import.spec.vpcs.len(), import.spec.subnets.len()), (1, 1));
}

#[test]
fn one_bad_element_does_not_take_its_siblings_along() {
    let text = r#"{"Subnets": [
  {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0.0/24"},
  {"SubnetId": "subnet-2", "VpcId": "vpc-1", "AvailabilityZone": 7},
  {"SubnetId": "subnet-3", "VpcId": "vpc-1", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0/24"},
  "subnet-4",
  {"VpcId": "vpc-1"},
  {"SubnetId": "subnet-6", "VpcId": "vpc-1", "AvailabilityZone": "us-east-1b", "CidrBlock": null, "NewField": {}}
]}"#;
    let import = read(&[("a.json", VPC), ("x.json", text)]);
    let names: Vec<&str> = import.spec.subnets.keys().map(|n| n.as_str()).collect();
    assert_eq!(names, ["subnet-1", "subnet-6"]);
    let found: Vec<_> = import.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    let lines: Vec<u32> = found.iter().map(|d| d.span.line).collect();
    assert_eq!(lines, [3, 4, 5, 6]);
    assert!(found[0].message.contains("`subnet-2`") && found[0].message.contains("found an integer"), "{found:?}");
    assert!(found[1].message.contains("`subnet-3`") && found[1].message.contains("`10.0.0/24`"), "{found:?}");
    assert!(found.iter().all(|d| d.span.file.0 == 1));
    let import = read(&[("a.json", VPC), ("x.json", r#"{"Subnets": {"SubnetId": "subnet-1"}}"#)]);
    assert!(only(&import, "json-shape").message.contains("`Subnets`"));
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(200_000);
    assert_eq!(codes(&read(&[("a.json", VPC), ("x.json", &deep)])), ["json-syntax"]);
    for key in
        ["Subnets", "VpnGateways", "VpcEndpoints", "TransitGatewayStaticRoutes", "Routes", "Associations", "Other"]
    {
        let text = format!("{{\"{key}\": {deep}{}}}", "]".repeat(200_000));
        let _ = read(&[("a.json", VPC), ("x.json", &text)]);
        let text = format!("{{\"{key}\": [{{\"SubnetId\": {deep}{}}}]}}", "]".repeat(200_000));
        let _ = read(&[("a.json", VPC), ("x.json", &text)]);
    }
}

#[test]
fn secrets_of_a_broken_vpn_file_are_not_repeated() {
    for text in [
        "{\"VpnConnections\": [{\"VpnConnectionId\": \"vpn-1\", \"CustomerGatewayConfiguration\": \"TOPSECRET",
        r#"{"VpnConnections": ["TOPSECRET pre_shared_key"]}"#,
        r#"{"VpnConnections": "TOPSECRET"}"#,
        r#"{"VpnConnections": [{"CustomerGatewayConfiguration": "TOPSECRET"}]}"#,
        r#"{"VpnConnections": [{"VpnConnectionId": "vpn-1", "Options": {"TunnelOptions": [{"PreSharedKey": "TOPSECRET"}]}}]}"#,
    ] {
        let import = read(&[("a.json", VPC), ("vpn.json", text)]);
        let said = format!("{:?} {:?} {}", import.spec, import.diagnostics, import.report.to_text());
        assert!(!said.contains("TOPSECRET"), "{said}");
        // A renderer must not print the line either.
        let vpn = import.diagnostics.iter().filter(|d| d.span.file.0 == 1 && text.contains("Key"));
        assert!(vpn.clone().all(|d| !d.span.is_some()), "{:?}", vpn.collect::<Vec<_>>());
    }
}

#[test]
fn routes_of_every_target() {
    let import = with(
        r#"{"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1",
        "Associations": [{"Main": true}, {"SubnetId": "subnet-1", "AssociationState": {"State": "associated"}},
            {"GatewayId": "igw-1"}, {"SubnetId": "subnet-9"}],
        "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"},
            {"DestinationCidrBlock": "10.0.0.0/24", "NetworkInterfaceId": "eni-1", "InstanceId": "i-1", "State": "active"},
            {"DestinationCidrBlock": "10.0.0.0/16", "NetworkInterfaceId": "eni-1", "State": "active"},
            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"},
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"},
            {"DestinationCidrBlock": "1.0.0.0/8", "VpcPeeringConnectionId": "pcx-1", "State": "active"},
            {"DestinationCidrBlock": "2.0.0.0/8", "NatGatewayId": "nat-9", "State": "blackhole"},
            {"DestinationCidrBlock": "3.0.0.0/8", "NatGatewayId": "nat-8", "State": "active"},
            {"DestinationCidrBlock": "4.0.0.0/8", "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c-1"},
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"},
            {"DestinationCidrBlock": "5.0.0.0/8", "BrandNewTargetId": "new-1", "State": "active"},
            {"DestinationCidrBlock": "6.0.0.0/8", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"},
            {"DestinationCidrBlock": "7.0.0.0/8", "NetworkInterfaceId": "eni-1", "Origin": "Advertisement"}
        ]}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "EgressOnlyInternetGateways": [{"EgressOnlyInternetGatewayId": "eigw-1",
            "Attachments": [{"VpcId": "vpc-1", "State": "attached"}]}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.9"}]}"#,
    );
    let table = &import.spec.route_tables["rtb-1"];
    assert!(table.main);
    assert_eq!(table.gateway.as_ref().map(|g| g.as_str()), Some("igw-1"));
    assert_eq!(import.spec.subnets["subnet-1"].route_table.as_ref().map(|r| r.as_str()), Some("rtb-1"));
    let rows: Vec<(&str, &str)> = table.routes.iter().map(|r| (r.to.as_str(), r.via.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("10.0.0.0/24", "eni-1"),
            ("10.0.0.0/16", "eni-1"),
            ("::/0", "eigw-1"),
            ("0.0.0.0/0", "igw-1"),
            ("1.0.0.0/8", "pcx-1"),
            ("2.0.0.0/8", "nat-9"),
            ("3.0.0.0/8", "nat-8"),
            ("4.0.0.0/8", "arn:aws:networkmanager::1:core-network/c-1"),
            ("pl-1", "vpce-1"),
            ("5.0.0.0/8", "unknown-target-of-rtb-1"),
            ("6.0.0.0/8", "vgw-1"),
            ("7.0.0.0/8", "eni-1"),
        ]
    );
    assert_eq!(table.routes[5].state, Some(RouteState::Blackhole));
    assert_eq!(table.routes[10].origin, Some(RouteOrigin::Propagated));
    assert_eq!(table.routes[11].origin, Some(RouteOrigin::Advertised));
    let kind = |id: &str| import.spec.not_modelled[id].kind.as_str();
    assert_eq!(kind("pcx-1"), "VPC peering connection that the export lacks");
    assert_eq!(kind("nat-9"), "deleted resource");
    assert_eq!(kind("nat-8"), "NAT gateway that the export lacks");
    assert_eq!(kind("vpce-1"), "gateway endpoint that the export lacks");
    assert_eq!(kind("vgw-1"), "virtual private gateway that the export lacks");
    assert_eq!(kind("pl-1"), "prefix list that the export lacks");
    assert!(import.report.missing_references.iter().any(|m| m.from == "rtb-1" && m.to == "subnet-9"));
}

#[test]
fn acl_entries_and_security_group_permissions_become_rows() {
    let import = read(&[
        ("a.json", VPC),
        ("b.json", SUBNET),
        (
            "acl.json",
            r#"{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true,
            "Associations": [{"SubnetId": "subnet-1"}], "Entries": [
            {"RuleNumber": 200, "Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}, "RuleAction": "deny",
             "Egress": false, "CidrBlock": "10.0.0.0/8"},
            {"RuleNumber": 100, "Protocol": "6", "PortRange": {"From": 22, "To": 23}, "RuleAction": "allow",
             "Egress": false, "Ipv6CidrBlock": "::/0"},
            {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": false, "CidrBlock": "0.0.0.0/0"},
            {"RuleNumber": 32768, "Protocol": "-1", "RuleAction": "deny", "Egress": true, "Ipv6CidrBlock": "::/0"}]}]}"#,
        ),
        (
            "sg.json",
            r#"{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "default", "VpcId": "vpc-1", "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 90, "IpRanges": [{"CidrIp": "10.0.0.1/32", "Description": "d"}],
             "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "PrefixListIds": [{"PrefixListId": "pl-1"}],
             "UserIdGroupPairs": [{"GroupId": "sg-1", "UserId": "1"}, {"GroupId": "sg-peer", "UserId": "2"}]},
            {"IpProtocol": "icmp", "FromPort": 3, "ToPort": 4, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "50", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "udp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            "IpPermissionsEgress": []}]}"#,
        ),
        (
            "rules.json",
            r#"{"SecurityGroupRules": [
            {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 80,
             "ToPort": 90, "CidrIpv6": "2001:db8::/32"},
            {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "icmpv6", "FromPort": -1,
             "ToPort": -1, "CidrIpv6": "::/0"},
            {"SecurityGroupRuleId": "sgr-3", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 80,
             "ToPort": 90, "ReferencedGroupInfo": {"GroupId": "sg-peer", "UserId": "2"}}]}"#,
        ),
        ("pl.json", r#"{"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "mine", "MaxEntries": 20}]}"#),
        (
            "get-managed-prefix-list-entries.pl-1.json",
            r#"{"Entries": [{"Cidr": "10.9.0.0/16"}, {"Cidr": "10.8.0.0/16"}]}"#,
        ),
    ]);
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    let yaml = to_yaml(&import.spec);
    for line in [
        "      - {rule: 100, action: allow, protocol: tcp, ports: 22-23, from: \"::/0\"}",
        "      - {rule: 200, action: deny, protocol: icmp, icmp_type: 8, from: 10.0.0.0/8}",
        "    outbound: []",
        "      - {protocol: tcp, ports: 80-90, from: 10.0.0.1/32, description: d}",
        "      - {protocol: tcp, ports: 80-90, from: \"2001:db8::/32\", id: sgr-1}",
        "      - {protocol: tcp, ports: 80-90, from: pl-1}",
        "      - {protocol: tcp, ports: 80-90, from: sg-1}",
        "      - {protocol: tcp, ports: 80-90, from: sg-peer, id: sgr-3}",
        "      - {protocol: icmp, icmp_type: 3, icmp_code: 4, from: 0.0.0.0/0}",
        "      - {protocol: icmpv6, from: \"::/0\", id: sgr-2}",
        "      - {protocol: 50, from: 0.0.0.0/0}",
        "      - {protocol: udp, from: 0.0.0.0/0}",
        "    entries: [10.8.0.0/16, 10.9.0.0/16]",
        "    max_entries: 20",
    ] {
        assert!(yaml.lines().any(|l| l == line), "{line}\n{yaml}");
    }
    let acl = &import.spec.network_acls["acl-1"];
    assert_eq!((acl.inbound.as_ref().map(Vec::len), acl.outbound.as_ref().map(Vec::len)), (Some(2), Some(0)));
    assert_eq!(import.spec.security_groups["sg-1"].outbound.as_ref().map(Vec::len), Some(0));
    assert!(import.spec.security_groups["sg-1"].default);
    let rules = import.spec.security_groups["sg-1"].inbound.as_deref().unwrap();
    assert_eq!(rules[4].from.as_ref().map(|p| &p.value), Some(&Peer::Name("sg-peer".into())));
    assert_eq!(import.spec.not_modelled["sg-peer"].kind, "security group of another account or a deleted one");
    assert!(!import.spec.not_modelled.contains_key("pl-1"));
}

#[test]
fn interfaces_with_everything() {
    let import = with(
        r#"{"NetworkInterfaces": [
        {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "InterfaceType": "interface", "SourceDestCheck": false,
         "PrivateIpAddress": "10.0.0.9", "PrivateIpAddresses": [
            {"Primary": false, "PrivateIpAddress": "10.0.0.10", "Association": {"PublicIp": "198.51.100.2"}},
            {"Primary": true, "PrivateIpAddress": "10.0.0.9", "Association": {"PublicIp": "198.51.100.1"}},
            {"Primary": false, "PrivateIpAddress": "10.0.0.11"}],
         "Ipv6Addresses": [{"Ipv6Address": "2001:db8::2"}, {"Ipv6Address": "2001:db8::1", "IsPrimaryIpv6": true}],
         "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16/28"}], "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8::/80"}],
         "Groups": [{"GroupId": "sg-1"}], "Attachment": {"InstanceId": "i-1", "DeviceIndex": 0, "Status": "attached"},
         "TagSet": [{"Key": "Name", "Value": "front"}]},
        {"NetworkInterfaceId": "eni-2", "SubnetId": "subnet-1", "Description": "ELB app/a/b", "RequesterManaged": true},
        {"NetworkInterfaceId": "eni-3", "SubnetId": "subnet-1", "Description": "ELB net/a/b", "InterfaceType": "interface"},
        {"NetworkInterfaceId": "eni-4", "SubnetId": "subnet-1", "InterfaceType": "efa"},
        {"NetworkInterfaceId": "eni-5", "SubnetId": "subnet-1", "Description": "ELB mine",
         "Attachment": {"InstanceId": "i-1", "DeviceIndex": 0, "NetworkCardIndex": 1}},
        {"NetworkInterfaceId": "eni-6", "SubnetId": "subnet-missing"}],
        "Addresses": [{"PublicIp": "198.51.100.3", "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-1",
            "PrivateIpAddress": "10.0.0.11"}, {"PublicIp": "198.51.100.4", "Domain": "standard"}]}"#,
    );
    let eni = &import.spec.network_interfaces["eni-1"];
    assert_eq!(eni.address.as_ref().unwrap().to_string(), "10.0.0.9");
    assert_eq!(eni.public_ip.as_ref().unwrap().value, PublicIp::Address("198.51.100.1".parse().unwrap()));
    let secondary: Vec<String> = eni
        .secondary_addresses
        .iter()
        .map(|a| format!("{} {}", a.address, a.public_ip.map_or("-".into(), |p| p.to_string())))
        .collect();
    assert_eq!(secondary, ["10.0.0.10 198.51.100.2", "10.0.0.11 198.51.100.3"]);
    assert_eq!(eni.ipv6_addresses[0].to_string(), "2001:db8::1");
    assert_eq!(eni.prefixes.len(), 2);
    assert_eq!((eni.source_dest_check, eni.device_index), (Some(false), Some(0)));
    assert_eq!(eni.name_tag.as_deref(), Some("front"));
    let kind = |id: &str| import.spec.network_interfaces[id].interface_type.as_ref().map(|t| t.as_str());
    assert_eq!(kind("eni-1"), None);
    assert_eq!(kind("eni-2"), Some("load_balancer"));
    assert_eq!(kind("eni-3"), Some("network_load_balancer"));
    assert_eq!(kind("eni-4"), Some("efa"));
    assert_eq!(kind("eni-5"), None, "the user's own words on an interface of the user's instance");
    assert_eq!(import.spec.network_interfaces["eni-5"].device_index, Some(1));
    // The subnet would give it a public address.
    assert_eq!(import.spec.network_interfaces["eni-2"].public_ip.as_ref().unwrap().value, PublicIp::None);
    assert!(!import.spec.network_interfaces.contains_key("eni-6"));
    assert!(only(&import, "not-in-export").message.contains("subnet-missing"));
    // No file lists instances, so the one that interfaces name is taken as running.
    assert_eq!(import.spec.instances["i-1"].state, None);
}

#[test]
fn instances_supply_interfaces_that_have_no_file() {
    let import = with(
        r#"{"Reservations": [{"Instances": [
        {"InstanceId": "i-1", "InstanceType": "t3.nano", "Platform": "windows", "State": {"Name": "stopped"},
         "Tags": [{"Key": "Name", "Value": "i-1"}], "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1",
         "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.5", "Groups": [{"GroupId": "sg-1"}],
         "Attachment": {"DeviceIndex": 0, "Status": "attached"}}]},
        {"InstanceId": "i-2", "State": {"Name": "terminated"}},
        {"InstanceId": "i-3", "State": {"Name": "running"}, "NetworkInterfaces": []}]}]}"#,
    );
    let instance = &import.spec.instances["i-1"];
    assert_eq!((instance.state, instance.instance_type.as_deref()), (Some(InstanceState::Stopped), Some("t3.nano")));
    assert!(instance.os.is_some() && instance.listen.is_none() && instance.name_tag.is_none());
    let eni = &import.spec.network_interfaces["eni-1"];
    assert_eq!(eni.instance.as_ref().map(|i| i.as_str()), Some("i-1"));
    assert_eq!(import.spec.instances.len(), 1);
    let skipped: Vec<&str> = import.report.skipped.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(skipped, ["i-2", "i-3"]);
}

#[test]
fn nat_gateways_of_both_modes_and_ipv6() {
    let import = read(&[(
        "x.json",
        r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "IsDefault": true, "CidrBlockAssociationSet": [
            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.2.0.0/16", "CidrBlockState": {"State": "disassociated"}}],
          "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}}]}],
        "Subnets": [{"SubnetId": "subnet-6", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-3b", "Ipv6Native": true,
          "AvailabilityZoneId": "euw3-az2", "EnableDns64": true, "Ipv6CidrBlockAssociationSet": [
          {"Ipv6CidrBlock": "2001:db8:0:1::/64", "Ipv6CidrBlockState": {"State": "associated"}}]}],
        "NatGateways": [
          {"NatGatewayId": "nat-1", "SubnetId": "subnet-6", "VpcId": "vpc-1", "State": "pending",
           "ConnectivityType": "private", "NatGatewayAddresses": [{"PrivateIp": "10.0.0.7", "IsPrimary": false},
           {"PrivateIp": "10.0.0.8", "IsPrimary": true, "NetworkInterfaceId": "eni-x"}]},
          {"NatGatewayId": "nat-2", "VpcId": "vpc-1", "State": "available", "AvailabilityMode": "regional",
           "NatGatewayAddresses": [{"PublicIp": "198.51.100.7"}]},
          {"NatGatewayId": "nat-3", "SubnetId": "subnet-6", "State": "deleted"}],
        "VpcBlockPublicAccessOptions": {"AwsAccountId": "111122223333", "AwsRegion": "eu-west-3",
          "InternetGatewayBlockMode": "block-ingress", "State": "update-complete"},
        "VpcBlockPublicAccessExclusions": [{"ExclusionId": "vpcbpa-exclude-1", "State": "create-complete",
          "InternetGatewayExclusionMode": "allow-egress",
          "ResourceArn": "arn:aws:ec2:eu-west-3:111122223333:subnet/subnet-6"}]}"#,
    )]);
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    let vpc = &import.spec.vpcs["vpc-1"];
    assert_eq!((vpc.secondary_cidrs.len(), vpc.ipv6_cidrs.len(), vpc.default), (1, 1, true));
    assert_eq!(import.spec.region.as_ref().map(|r| r.as_str()), Some("eu-west-3"));
    let subnet = &import.spec.subnets["subnet-6"];
    assert!(subnet.cidr.is_none() && subnet.ipv6_cidr.is_some() && subnet.dns64 == Some(true));
    let nat = &import.spec.nat_gateways["nat-1"];
    assert_eq!((nat.connectivity, nat.available), (Some(NatConnectivity::Private), Some(false)));
    assert_eq!(nat.addresses[0].private.unwrap().to_string(), "10.0.0.8");
    assert!(nat.network_interface.is_none(), "it is not in the export");
    let regional = &import.spec.nat_gateways["nat-2"];
    assert!(regional.subnet.is_none() && regional.vpc.is_some());
    assert!(!import.spec.nat_gateways.contains_key("nat-3"));
    let bpa = &import.spec.block_public_access[0];
    assert_eq!((bpa.exclusions.len(), bpa.region.is_none()), (1, true));
}

#[test]
fn a_vpc_attribute_is_read() {
    let import = with(r#"{"VpcId": "vpc-1", "EnableDnsSupport": {"Value": false}}"#);
    assert_eq!(import.spec.vpcs["vpc-1"].enable_dns_support, Some(false));
}

#[test]
fn a_default_vpc_without_subnets_does_not_get_invented_ones() {
    let import =
        read(&[("x.json", r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "172.31.0.0/16", "IsDefault": true}]}"#)]);
    assert!(!import.spec.vpcs["vpc-1"].default);
    assert_eq!(import.report.skipped.len(), 1);
}

#[test]
fn several_accounts_and_regions_in_one_export() {
    let vpc = |id: &str, owner: &str, cidr: &str| {
        format!(r#"{{"Vpcs": [{{"VpcId": "{id}", "CidrBlock": "{cidr}", "OwnerId": "{owner}"}}]}}"#)
    };
    let (a, b) = (vpc("vpc-a", "111122223333", "10.0.0.0/16"), vpc("vpc-b", "444455556666", "10.1.0.0/16"));
    let changed = vpc("vpc-a", "111122223333", "10.9.0.0/16");
    let import = read(&[
        ("accounts/111122223333/us-east-1/x.json", &a),
        ("accounts/444455556666/eu-west-1/x.json", &b),
        ("accounts/444455556666/us-east-1/shared.json", &a),
    ]);
    assert!(codes(&import).is_empty(), "{:?}", import.diagnostics);
    assert_eq!((import.spec.region.is_none(), import.spec.account.is_none()), (true, true));
    let vpc = &import.spec.vpcs["vpc-b"];
    assert_eq!(vpc.region.as_ref().map(|r| r.as_str()), Some("eu-west-1"));
    assert_eq!(vpc.account.as_ref().map(|a| a.as_str()), Some("444455556666"));
    // The same id with other contents, from two folders of which neither is the owner's.
    let import = read(&[("444455556666/x.json", &a), ("777788889999/x.json", &changed)]);
    assert_eq!(codes(&import), ["duplicate-id"]);
    assert_eq!(import.spec.vpcs["vpc-a"].cidr.unwrap().to_string(), "10.0.0.0/16");
}

#[test]
fn unknown_keys_are_reported() {
    let import =
        with(r#"{"FutureGateways": [{}, {}], "Tags": [{}], "DhcpOptions": [], "TransitGatewayStaticRoutes": []}"#);
    assert_eq!(import.report.ignored_keys.iter().collect::<Vec<_>>(), [(&"FutureGateways".to_owned(), &2)]);
    assert!(import.report.to_text().contains("     2  FutureGateways"));
}

/// API reference, FlowLog: S3 and CloudWatch destinations; what goes elsewhere, is not active or is about nothing here is left out.
#[test]
fn flow_logs() {
    let log = |id: &str, rest: &str| {
        format!(r#"{{"FlowLogId": "{id}", "FlowLogStatus": "ACTIVE", "ResourceId": "vpc-1", {rest}}}"#)
    };
    let default = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";
    let logs = [
        log(
            "fl-1",
            r#""TrafficType": "ALL", "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs/net/prod/", "LogFormat": "${srcaddr} ${bytes}",
               "MaxAggregationInterval": 60, "DestinationOptions": {"FileFormat": "parquet", "HiveCompatiblePartitions": true, "PerHourPartition": false},
               "Tags": [{"Key": "Name", "Value": "all"}]"#,
        ),
        log(
            "fl-2",
            &format!(
                r#""TrafficType": "REJECT", "LogDestinationType": "cloud-watch-logs", "LogDestination": "arn:aws:logs:us-east-1:111122223333:log-group:/vpc/rejects", "LogGroupName": "/vpc/rejects", "LogFormat": "{default}", "MaxAggregationInterval": 600"#
            ),
        ),
        log(
            "fl-3",
            r#""TrafficType": "ALL", "LogDestinationType": "kinesis-data-firehose", "LogDestination": "arn:aws:firehose:x""#,
        ),
        log("fl-4", r#""TrafficType": "ALL", "LogDestinationType": "cloud-watch-logs", "LogGroupName": "g""#)
            .replace("vpc-1", "vpc-9"),
        log("fl-5", r#""TrafficType": "ALL", "LogDestinationType": "cloud-watch-logs", "LogGroupName": "g""#)
            .replace("ACTIVE", "FAILED"),
    ];
    let import = with(&format!(r#"{{"FlowLogs": [{}]}}"#, logs.join(", ")));
    let yaml = to_yaml(&import.spec);
    let written = yaml.split("flow_logs:\n").nth(1).unwrap();
    for line in [
        "  fl-1:\n",
        "    resource: vpc-1\n",
        "    name_tag: all\n",
        "    log_format: \"${srcaddr} ${bytes}\"\n",
        "    max_aggregation_interval: 60\n",
        "        bucket: logs\n",
        "        prefix: net/prod\n",
        "        file_format: parquet\n",
        "        hive_compatible_partitions: true\n",
        "  fl-2:\n",
        "    traffic_type: REJECT\n",
        "        log_group: \"/vpc/rejects\"\n",
    ] {
        assert!(written.contains(line), "{line}\n{written}");
    }
    assert!(!written.contains("fl-3") && !written.contains("fl-4") && !written.contains("fl-5"), "{written}");
    assert_eq!(written.matches("log_format").count(), 1, "{written}");
    let skipped: Vec<_> = import.report.skipped.iter().map(|s| (s.id.as_str(), s.why.as_str())).collect();
    assert_eq!(skipped, [("fl-3", "destination kinesis-data-firehose is not modelled"), ("fl-5", "state FAILED")]);
    assert!(import.report.missing_references.iter().any(|m| (m.from.as_str(), m.to.as_str()) == ("fl-4", "vpc-9")));
    let (network, diagnostics) = vpcsim_engine::compile::compile(&import.spec);
    assert!(!any_error(&diagnostics), "{diagnostics:?}");
    assert_eq!(network.unwrap().flow_logs.len(), 2);
}

#[test]
fn tags_but_for_the_name_are_kept() {
    let import = with(
        r#"{"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}, "SubnetId": "subnet-1",
        "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "env", "Value": "prod"}, {"Key": "empty", "Value": ""}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-1",
        "PrivateIpAddress": "10.0.0.9", "Groups": [{"GroupId": "sg-1"}], "Attachment": {"DeviceIndex": 0}}]}]}]}"#,
    );
    let instance = &import.spec.instances["i-1"];
    assert_eq!(instance.name_tag.as_deref(), Some("web"));
    let tags = &instance.tags;
    assert_eq!((tags.get("env"), tags.get("empty"), tags.get("Name")), (Some("prod"), Some(""), None));
    assert!(to_yaml(&import.spec).contains("env: prod"), "{}", to_yaml(&import.spec));
}
