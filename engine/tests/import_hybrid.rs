//! VPN and Direct Connect in exports: a real account of 2017, where the data is there, and small ones written by
//! hand after AWS's API references. Expected values are those of the JSON.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

#[path = "import_hybrid/direct_connect.rs"]
mod direct_connect;

use std::path::Path;
use vpcsim_engine::base::{Bandwidth, Cidr, Nanos, Protocol};
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::any_error;
use vpcsim_engine::explain::{self, Origin, Outcome, Question};
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::write::{to_json, to_yaml};
use vpcsim_engine::spec::{
    AttachmentState, Encryption, InsideIpVersion, Instance, Integrity, NetworkInterface, RouteOrigin, Spanned, Spec,
    Subnet, TunnelBandwidth, VirtualInterfaceType, VpnTunnel,
};
use vpcsim_engine::verdict::RowKind;

const KEY: &str = "example-not-a-key";

fn read(files: &[(&str, &str)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text: text.as_bytes() }).collect();
    aws(&files)
}

/// Everything that an import says, as text.
fn said(import: &Import) -> String {
    let Import { spec, diagnostics, report } = import;
    let report = serde_json::to_string(report).unwrap() + &report.to_text();
    format!("{spec:?}{diagnostics:?}{report}{}{}", to_yaml(spec), to_json(spec))
}

/// Without an error, without a key, and compiled without an error.
fn good(files: &[(&str, &str)]) -> Import {
    let import = read(files);
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    assert!(!said(&import).contains(KEY));
    let (network, diagnostics) = compile(&import.spec);
    assert!(network.is_some(), "{diagnostics:?}");
    import
}

fn name(name: &Option<Spanned<String>>) -> Option<&str> {
    name.as_ref().map(|n| n.as_str())
}

fn words<T: ToString>(list: &[Spanned<T>]) -> Vec<String> {
    list.iter().map(|one| one.value.to_string()).collect()
}

fn kind<'a>(import: &'a Import, id: &str) -> &'a str {
    import.spec.not_modelled.get(id).map_or("", |found| found.kind.as_str())
}

fn skipped(import: &Import, id: &str) -> Vec<String> {
    import.report.skipped.iter().filter(|s| s.id == id).map(|s| s.why.clone()).collect()
}

fn missing(import: &Import, from: &str) -> Vec<String> {
    import.report.missing_references.iter().filter(|m| m.from == from).map(|m| m.to.clone()).collect()
}

fn outside_inside(tunnel: &VpnTunnel) -> (String, String) {
    let outside = tunnel.outside_address.map(|a| a.value.to_string()).unwrap_or_default();
    (outside, tunnel.inside_cidr.map(|c| c.value.to_string()).unwrap_or_default())
}

/// Puts an instance into a VPC whose account has none, and asks by it.
fn ask(mut spec: Spec, vpc: &str, cidr: &str, address: &str, to: &str) -> (Outcome, Option<RowKind>) {
    let subnet = Subnet {
        vpc: vpc.into(),
        az: "a".into(),
        az_id: None,
        cidr: Some(cidr.parse::<Cidr>().unwrap().into()),
        ipv6_cidr: None,
        route_table: None,
        network_acl: None,
        map_public_ip: None,
        dns64: None,
        name_tag: None,
        tags: Default::default(),
    };
    spec.subnets.insert("subnet-asks".into(), subnet);
    let interface = NetworkInterface {
        subnet: Some("subnet-asks".into()),
        address: Some(address.parse::<std::net::Ipv4Addr>().unwrap().into()),
        instance: Some("i-asks".into()),
        ..NetworkInterface::default()
    };
    spec.network_interfaces.insert("eni-asks".into(), interface);
    spec.instances.insert("i-asks".into(), Instance::default());
    let (network, diagnostics) = compile(&spec);
    let network = network.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let eni = network.names.enis.iter_enumerated().find(|(_, eni)| eni.id == "eni-asks").unwrap().0;
    let question = Question {
        from: Origin::Eni { eni, address: address.parse().unwrap() },
        to: to.parse().unwrap(),
        protocol: Protocol::TCP,
        src_port: None,
        dst_port: 443,
    };
    let answer = explain::ask(&network, &question);
    (answer.outcome, answer.decided_by.map(|(_, row)| network.fabric.rows[row].kind))
}

fn account() -> Option<Vec<(String, String)>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/aws/hybrid-cloud/aws_configs/us-west-2");
    if !dir.is_dir() {
        println!("skipped: {} is not there", dir.display());
        return None;
    }
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| format!("us-west-2/{}", path.file_name().unwrap().to_string_lossy());
    Some(paths.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect())
}

#[test]
fn a_real_account_has_its_vpn() {
    let Some(files) = account() else { return };
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let import = good(&files);
    let spec = &import.spec;
    let customer = &spec.customer_gateways["cgw-fb76ace5"];
    assert_eq!(customer.ip_address.map(|ip| ip.value.to_string()).as_deref(), Some("147.75.69.27"));
    assert_eq!((customer.asn.map(|a| a.value), customer.name_tag.as_deref()), (Some(65301), Some("lhr-border-02")));
    let gateway = &spec.vpn_gateways["vgw-81fd279f"];
    assert_eq!((gateway.asn.map(|a| a.value), name(&gateway.vpc)), (Some(65401), Some("vpc-815775e7")));
    let vpn = &spec.vpn_connections["vpn-ba2e34a8"];
    assert_eq!((vpn.customer_gateway.as_str(), name(&vpn.vpn_gateway)), ("cgw-fb76ace5", Some("vgw-81fd279f")));
    assert_eq!((vpn.static_routes_only, vpn.static_routes.len(), vpn.state), (None, 0, None), "BGP");
    let tunnels: Vec<_> = vpn.tunnels.iter().map(|t| outside_inside(t)).collect();
    let expected = [("52.27.166.152", "169.254.15.192/30"), ("52.39.121.126", "169.254.13.236/30")];
    assert_eq!(tunnels, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    for tunnel in &vpn.tunnels {
        assert_eq!((tunnel.encryption, tunnel.integrity), (Some(Encryption::Aes128), Some(Integrity::Sha1)));
        assert_eq!((tunnel.up, tunnel.dpd_timeout, tunnel.replay_window), (Some(true), None, None));
    }
    let table = &spec.route_tables["rtb-296bf350"];
    assert_eq!(words(&table.propagating_vpn_gateways), ["vgw-81fd279f"]);
    let learnt = table.routes.iter().filter(|r| r.via.as_str() == "vgw-81fd279f");
    assert!(learnt.clone().all(|r| r.origin == Some(RouteOrigin::Propagated)));
    assert_eq!(learnt.count(), 5);
    for kind in ["customer gateway", "virtual private gateway", "VPN connection"] {
        assert_eq!(import.report.understood[kind], 1, "{kind}");
    }
    let of_vpn = |text: &String| ["vgw-", "vpn-", "cgw-"].iter().any(|prefix| text.contains(prefix));
    let warned: Vec<_> = import.diagnostics.iter().map(|d| d.message.clone()).filter(of_vpn).collect();
    assert!(warned.is_empty(), "{warned:?}");
    // The route table shows the way to the site; what is there is not described.
    for to in ["10.1.1.5", "8.8.8.8"] {
        let outcome = ask(import.spec.clone(), "vpc-815775e7", "10.100.0.0/24", "10.100.0.10", to);
        assert_eq!(outcome, (Outcome::Unknown, Some(RowKind::VgwUnknown)), "{to}");
    }
}

const NET: &str = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}],
    "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0.0/24"}],
    "CustomerGateways": [{"CustomerGatewayId": "cgw-1", "IpAddress": "203.0.113.1", "BgpAsn": "65010", "State": "available"},
        {"CustomerGatewayId": "cgw-2", "IpAddress": "203.0.113.2", "BgpAsnExtended": 4200000000, "State": "available"},
        {"CustomerGatewayId": "cgw-3", "BgpAsn": 65030, "CertificateArn": "arn:aws:acm:x", "State": "available"},
        {"CustomerGatewayId": "cgw-6", "IpAddress": "2001:db8::1", "BgpAsn": "65060", "State": "available"},
        {"CustomerGatewayId": "cgw-9", "IpAddress": "203.0.113.9", "BgpAsn": "65090", "State": "deleted"}],
    "VpnGateways": [{"VpnGatewayId": "vgw-1", "AmazonSideAsn": 64999, "State": "available", "Tags": [{"Key": "Name", "Value": "edge"}],
        "VpcAttachments": [{"State": "detached", "VpcId": "vpc-old"}, {"State": "attached", "VpcId": "vpc-1"}]},
        {"VpnGatewayId": "vgw-2", "State": "available", "VpcAttachments": []},
        {"VpnGatewayId": "vgw-3", "State": "available", "VpcAttachments": [{"State": "attached", "VpcId": "vpc-far"}]},
        {"VpnGatewayId": "vgw-9", "State": "deleted"}]}"#;

/// A tunnel of a configuration.
fn xml_tunnel(outside: &str, inside: &str, asn: u32) -> String {
    format!(
        "<ipsec_tunnel><customer_gateway><tunnel_outside_address><ip_address>203.0.113.7</ip_address></tunnel_outside_address>\
         <tunnel_inside_address><ip_address>169.254.99.2</ip_address><network_cidr>30</network_cidr></tunnel_inside_address>\
         <bgp><asn>65077</asn></bgp></customer_gateway><vpn_gateway><tunnel_outside_address><ip_address>{outside}</ip_address>\
         </tunnel_outside_address><tunnel_inside_address><ip_address>{inside}</ip_address><network_cidr>30</network_cidr>\
         </tunnel_inside_address><bgp><asn>{asn}</asn></bgp></vpn_gateway><ike><authentication_protocol>sha1</authentication_protocol>\
         <encryption_protocol>aes-256-cbc</encryption_protocol><pre_shared_key>{KEY}</pre_shared_key></ike><ipsec>\
         <authentication_protocol>hmac-sha1-96</authentication_protocol><encryption_protocol>aes-128-cbc</encryption_protocol>\
         </ipsec></ipsec_tunnel>"
    )
}

fn xml() -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<!-- {KEY} --><vpn_connection id='vpn-1'>{}{}</vpn_connection>",
        xml_tunnel("52.0.0.1", "169.254.20.1", 64888),
        xml_tunnel("52.0.0.2", "169.254.20.5", 64888)
    )
}

/// One VPN connection with the given fields besides id and state.
fn vpn(id: &str, fields: &str, xml: &str) -> String {
    let xml = serde_json::to_string(xml).unwrap();
    format!(
        r#"{{"VpnConnections": [{{"VpnConnectionId": "{id}", "State": "available", {fields}, "CustomerGatewayConfiguration": {xml}}}]}}"#
    )
}

const ON_VGW: &str = r#""CustomerGatewayId": "cgw-1", "VpnGatewayId": "vgw-1""#;

const TRANSIT: &str = r#"{"TransitGateways": [{"TransitGatewayId": "tgw-1", "OwnerId": "111122223333", "State": "available",
    "TransitGatewayArn": "arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-1", "Options": {"AmazonSideAsn": 64600,
    "DefaultRouteTableAssociation": "disable", "DefaultRouteTablePropagation": "disable"}}],
    "TransitGatewayAttachments": [
    {"TransitGatewayAttachmentId": "tgw-attach-vpn", "TransitGatewayId": "tgw-1", "ResourceType": "vpn", "ResourceId": "vpn-1",
     "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}},
    {"TransitGatewayAttachmentId": "tgw-attach-far", "TransitGatewayId": "tgw-1", "ResourceType": "vpn", "ResourceId": "vpn-far",
     "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}},
    {"TransitGatewayAttachmentId": "tgw-attach-dx", "TransitGatewayId": "tgw-1", "ResourceType": "direct-connect-gateway",
     "ResourceId": "dxgw-1", "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}}],
    "TransitGatewayRouteTables": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available"}],
    "TransitGatewayPropagations": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayRouteTablePropagations": [
    {"TransitGatewayAttachmentId": "tgw-attach-vpn", "ResourceType": "vpn", "ResourceId": "vpn-1", "State": "enabled"},
    {"TransitGatewayAttachmentId": "tgw-attach-dx", "ResourceType": "direct-connect-gateway", "ResourceId": "dxgw-1", "State": "enabled"}]}],
    "TransitGatewayStaticRoutes": [{"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [
    {"DestinationCidrBlock": "172.16.0.0/12", "Type": "static", "State": "active", "TransitGatewayAttachments": [
     {"TransitGatewayAttachmentId": "tgw-attach-vpn", "ResourceType": "vpn", "ResourceId": "vpn-1(52.0.0.1)"}]},
    {"DestinationCidrBlock": "192.168.0.0/16", "Type": "propagated", "State": "active", "TransitGatewayAttachments": [
     {"TransitGatewayAttachmentId": "tgw-attach-dx", "ResourceType": "direct-connect-gateway", "ResourceId": "dxgw-1"}]},
    {"DestinationCidrBlock": "10.7.0.0/16", "Type": "static", "State": "active", "TransitGatewayAttachments": [
     {"TransitGatewayAttachmentId": "tgw-attach-far", "ResourceType": "vpn", "ResourceId": "vpn-far"}]}]}]}"#;

const DIRECT_CONNECT: &str = r#"{"connections": [
    {"connectionId": "dxcon-1", "connectionName": "london", "connectionState": "available", "region": "eu-west-2", "location": "EqLD5",
     "bandwidth": "10Gbps", "tags": [{"key": "Name", "value": "primary"}]},
    {"connectionId": "dxcon-2", "connectionName": "spare", "connectionState": "down", "region": "eu-west-2", "bandwidth": "500Mbps"},
    {"connectionId": "dxcon-9", "connectionState": "deleted", "bandwidth": "1Gbps"}],
    "lags": [{"lagId": "dxlag-1", "lagName": "group", "lagState": "available", "region": "eu-west-2", "location": "EqLD5",
     "connectionsBandwidth": "10Gbps", "numberOfConnections": 2, "connections": []}],
    "directConnectGateways": [
    {"directConnectGatewayId": "dxgw-1", "directConnectGatewayName": "world", "amazonSideAsn": 64700, "directConnectGatewayState": "available"},
    {"directConnectGatewayId": "dxgw-2", "amazonSideAsn": 64701, "directConnectGatewayState": "available"},
    {"directConnectGatewayId": "dxgw-9", "directConnectGatewayState": "deleted"}],
    "directConnectGatewayAssociations": [
    {"associationId": "assoc-tgw", "directConnectGatewayId": "dxgw-1", "associationState": "associated",
     "associatedGateway": {"id": "tgw-1", "type": "transitGateway", "ownerAccount": "111122223333", "region": "us-east-1"},
     "allowedPrefixesToDirectConnectGateway": [{"cidr": "10.0.0.0/16"}, {"cidr": "10.1.0.0/16"}]},
    {"associationId": "assoc-vgw", "directConnectGatewayId": "dxgw-2", "associationState": "updating", "virtualGatewayId": "vgw-1",
     "associatedGateway": {"id": "vgw-1", "type": "virtualPrivateGateway"}, "allowedPrefixesToDirectConnectGateway": []},
    {"associationId": "assoc-lost", "directConnectGatewayId": "dxgw-7", "associationState": "associated", "virtualGatewayId": "vgw-2"},
    {"associationId": "assoc-gone", "directConnectGatewayId": "dxgw-1", "associationState": "disassociated", "virtualGatewayId": "vgw-1"}],
    "virtualInterfaces": [
    {"virtualInterfaceId": "dxvif-1", "virtualInterfaceName": "core", "virtualInterfaceType": "transit", "virtualInterfaceState": "available",
     "connectionId": "dxcon-1", "vlan": 101, "asn": 65010, "amazonAddress": "169.254.100.1/30", "customerAddress": "169.254.100.2/30",
     "mtu": 8500, "siteLinkEnabled": true, "directConnectGatewayId": "dxgw-1", "virtualGatewayId": "", "authKey": "example-not-a-key",
     "customerRouterConfig": "example-not-a-key", "bgpPeers": [{"bgpStatus": "up", "authKey": "example-not-a-key"}]},
    {"virtualInterfaceId": "dxvif-2", "virtualInterfaceType": "private", "virtualInterfaceState": "down", "connectionId": "dxlag-1",
     "vlan": 102, "asn": 65010, "mtu": 1500, "siteLinkEnabled": false, "directConnectGatewayId": "dxgw-2",
     "bgpPeers": [{"bgpStatus": "down", "amazonAddress": "169.254.101.1/30", "customerAddress": "169.254.101.2/30"}]},
    {"virtualInterfaceId": "dxvif-3", "virtualInterfaceType": "private", "virtualInterfaceState": "available", "connectionId": "dxcon-host",
     "region": "eu-west-2", "location": "EqLD5", "vlan": 103, "asn": 65011, "virtualGatewayId": "vgw-2", "directConnectGatewayId": ""},
    {"virtualInterfaceId": "dxvif-4", "virtualInterfaceType": "public", "virtualInterfaceState": "available", "connectionId": "dxcon-1", "vlan": 104,
     "virtualGatewayId": "", "routeFilterPrefixes": [{"cidr": "198.51.100.0/24"}]},
    {"virtualInterfaceId": "dxvif-5", "virtualInterfaceType": "private", "virtualInterfaceState": "confirming", "connectionId": "dxcon-1", "vlan": 105},
    {"virtualInterfaceId": "dxvif-6", "virtualInterfaceType": "private", "virtualInterfaceState": "available", "connectionId": "dxcon-1",
     "vlan": 106, "virtualGatewayId": "vgw-7"},
    {"virtualInterfaceId": "dxvif-9", "virtualInterfaceType": "private", "virtualInterfaceState": "deleted", "connectionId": "dxcon-1", "vlan": 109}],
    "virtualGateways": [{"virtualGatewayId": "vgw-1", "virtualGatewayState": "available"}]}"#;

#[test]
fn gateways_have_their_numbers_and_their_vpcs() {
    let import = good(&[("a.json", NET), ("v.json", r#"{"VpnConnections": []}"#)]);
    let spec = &import.spec;
    let asn = |id: &str| spec.customer_gateways[id].asn.map(|asn| asn.value);
    assert_eq!([asn("cgw-1"), asn("cgw-2"), asn("cgw-3")], [Some(65010), Some(4_200_000_000), Some(65030)]);
    assert_eq!(skipped(&import, "cgw-3"), ["its certificate is not modelled"]);
    assert_eq!(skipped(&import, "cgw-6"), ["its IPv6 address is not modelled"]);
    assert!(spec.customer_gateways["cgw-6"].ip_address.is_none());
    assert!(!spec.customer_gateways.contains_key("cgw-9") && !spec.vpn_gateways.contains_key("vgw-9"));
    assert_eq!(
        (skipped(&import, "cgw-9"), skipped(&import, "vgw-9")),
        (vec!["state deleted".into()], vec!["state deleted".into()])
    );
    let vgw = &spec.vpn_gateways["vgw-1"];
    assert_eq!(
        (name(&vgw.vpc), vgw.asn.map(|a| a.value), vgw.name_tag.as_deref()),
        (Some("vpc-1"), Some(64999), Some("edge"))
    );
    assert_eq!((name(&spec.vpn_gateways["vgw-2"].vpc), spec.vpn_gateways["vgw-2"].asn), (None, None));
    assert_eq!(kind(&import, "vgw-3"), "virtual private gateway of a VPC that the export lacks");
    for bad in [r#""x""#, "99999999999", "-1", "[]"] {
        let text = NET.replacen(r#""65010""#, bad, 1);
        let codes: Vec<_> = read(&[("a.json", &text)]).diagnostics.iter().map(|d| d.code).collect();
        assert!(codes.contains(&"json-shape"), "{bad}: {codes:?}");
    }
}

#[test]
fn a_connection_with_static_routes_and_options() {
    let fields = format!(
        r#"{ON_VGW}, "Options": {{"StaticRoutesOnly": true, "TunnelOptions": [
        {{"OutsideIpAddress": "52.0.0.2", "TunnelInsideCidr": "169.254.40.0/30", "PreSharedKey": "{KEY}", "DpdTimeoutSeconds": 45,
          "ReplayWindowSize": 256, "Phase2EncryptionAlgorithms": [{{"Value": "AES256-GCM-16"}}],
          "Phase2IntegrityAlgorithms": [{{"Value": "SHA2-384"}}]}},
        {{"OutsideIpAddress": "52.0.0.1", "Phase2EncryptionAlgorithms": [{{"Value": "AES256"}}, {{"Value": "AES128"}}],
          "Phase2IntegrityAlgorithms": [{{"Value": "SHA2-256"}}, {{"Value": "SHA2-512"}}]}}]}},
        "Routes": [{{"DestinationCidrBlock": "172.16.0.0/12", "State": "available", "Source": "Static"}},
        {{"DestinationCidrBlock": "10.9.0.0/16", "State": "available"}}, {{"DestinationCidrBlock": "10.8.0.0/16", "State": "pending"}}],
        "VgwTelemetry": [{{"OutsideIpAddress": "52.0.0.1", "Status": "DOWN"}}, {{"OutsideIpAddress": "52.0.0.2", "Status": "UP"}}]"#
    );
    let table = r#"{"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}, {"GatewayId": "vgw-1"}],
        "PropagatingVgws": [{"GatewayId": "vgw-1"}], "Routes": [
        {"DestinationCidrBlock": "172.16.0.0/12", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation", "State": "active"},
        {"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "vgw-1", "Origin": "CreateRoute", "State": "active"}]}]}"#;
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", &fields, &xml())), ("r.json", table)]);
    let vpn = &import.spec.vpn_connections["vpn-1"];
    assert_eq!(
        (vpn.static_routes_only, words(&vpn.static_routes)),
        (Some(true), vec!["10.9.0.0/16".into(), "172.16.0.0/12".into()])
    );
    assert_eq!(skipped(&import, "vpn-1"), ["its static route to 10.8.0.0/16, in state pending"]);
    let [first, second] = [&vpn.tunnels[0], &vpn.tunnels[1]];
    assert_eq!(outside_inside(first), ("52.0.0.2".into(), "169.254.40.0/30".into()));
    assert_eq!((first.encryption, first.integrity), (Some(Encryption::Aes256Gcm16), Some(Integrity::Sha2384)));
    assert_eq!(first.dpd_timeout.map(|t| t.value), Some(Nanos::from_secs(45)));
    assert_eq!((first.replay_window.map(|w| w.value), first.up), (Some(256), Some(true)));
    // Its block is that of the configuration; of the algorithms the one that is allowed and that it names, or none.
    assert_eq!(outside_inside(second), ("52.0.0.1".into(), "169.254.20.0/30".into()));
    assert_eq!((second.encryption, second.integrity, second.up), (Some(Encryption::Aes128), None, Some(false)));
    let table = &import.spec.route_tables["rtb-1"];
    assert_eq!((words(&table.propagating_vpn_gateways), name(&table.gateway)), (vec!["vgw-1".into()], Some("vgw-1")));
    let origins: Vec<_> = table.routes.iter().map(|r| (r.to.as_str(), r.origin)).collect();
    assert_eq!(origins, [("172.16.0.0/12", Some(RouteOrigin::Propagated)), ("192.168.0.0/16", None)]);
    assert_eq!(kind(&import, "vgw-1"), "");
}

#[test]
fn what_a_connection_lacks_is_said() {
    // The customer gateway and Amazon's number are known by the configuration only.
    let net = NET.replace(r#""AmazonSideAsn": 64999, "#, "");
    let fields = r#""CustomerGatewayId": "cgw-7", "VpnGatewayId": "vgw-1""#;
    let import = good(&[("a.json", &net), ("v.json", &vpn("vpn-1", fields, &xml()))]);
    let customer = &import.spec.customer_gateways["cgw-7"];
    assert_eq!(customer.ip_address.map(|ip| ip.value.to_string()).as_deref(), Some("203.0.113.7"));
    assert_eq!(customer.asn.map(|asn| asn.value), Some(65077));
    assert_eq!(import.spec.vpn_gateways["vgw-1"].asn.map(|asn| asn.value), Some(64888));
    assert_eq!(missing(&import, "vpn-1"), ["cgw-7"]);
    // No word about tunnels.
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", ON_VGW, ""))]);
    assert!(import.spec.vpn_connections["vpn-1"].tunnels.is_empty());
    assert_eq!(missing(&import, "vpn-1"), ["addresses of tunnel 1", "addresses of tunnel 2"]);
    // XML that ends after its first tunnel.
    let text = xml();
    let cut = text.find("</ipsec_tunnel>").unwrap() + 100;
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", ON_VGW, &text[..cut]))]);
    assert_eq!(import.spec.vpn_connections["vpn-1"].tunnels.len(), 1);
    let warned: Vec<_> = import.diagnostics.iter().filter(|d| d.code == "broken-configuration").collect();
    assert!(warned.len() == 1 && !warned[0].span.is_some(), "{warned:?}");
    // Words that nobody knows, a block that is none.
    let text = xml().replace("<encryption_protocol>aes-128-cbc", "<encryption_protocol>rot13").replace(">30<", ">29<");
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", ON_VGW, &text))]);
    let tunnel = &import.spec.vpn_connections["vpn-1"].tunnels[0];
    assert_eq!((tunnel.encryption, tunnel.integrity, tunnel.inside_cidr), (None, Some(Integrity::Sha1), None));
    assert_eq!(skipped(&import, "vpn-1").len(), 1);
    // A virtual private gateway that is not there; one that is gone.
    for vgw in ["vgw-7", "vgw-9"] {
        let fields = format!(r#""CustomerGatewayId": "cgw-1", "VpnGatewayId": "{vgw}""#);
        let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", &fields, &xml()))]);
        assert_eq!((kind(&import, "vpn-1"), missing(&import, "vpn-1")), ("VPN connection", vec![vgw.to_owned()]));
    }
}

#[test]
fn variants_and_ended_connections_are_not_modelled() {
    let on_tgw = r#""CustomerGatewayId": "cgw-1", "TransitGatewayId": "tgw-1""#;
    for (more, expected) in [
        (r#""Options": {"OutsideIpAddressType": "PrivateIpv4"}"#, "private IP VPN connection"),
        (r#""Options": {"OutsideIpAddressType": "PublicIpv6"}"#, "VPN connection over IPv6"),
        (r#""Options": {"TunnelOptions": [{"OutsideIpAddress": "2001:db8::9"}]}"#, "VPN connection over IPv6"),
        (
            r#""CoreNetworkArn": "arn:aws:networkmanager::1:core-network/x""#,
            "VPN connection of a Cloud WAN core network",
        ),
        (r#""VpnConcentratorId": "vpnc-1""#, "VPN connection of a VPN concentrator"),
    ] {
        let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", &format!("{on_tgw}, {more}"), &xml()))]);
        assert_eq!(kind(&import, "vpn-1"), expected);
        assert!(import.spec.vpn_connections.is_empty());
    }
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", r#""CustomerGatewayId": "cgw-1""#, &xml()))]);
    assert_eq!(kind(&import, "vpn-1"), "VPN connection without a gateway");
    for state in ["deleted", "deleting"] {
        let text = vpn("vpn-1", ON_VGW, "").replace("available", state);
        let import = good(&[("a.json", NET), ("v.json", &text)]);
        assert!(import.spec.vpn_connections.is_empty() && kind(&import, "vpn-1").is_empty());
        assert_eq!(skipped(&import, "vpn-1"), [format!("state {state}")]);
    }
    let text = vpn("vpn-1", ON_VGW, &xml()).replace("available", "pending");
    let import = good(&[("a.json", NET), ("v.json", &text)]);
    assert_eq!(import.spec.vpn_connections["vpn-1"].state, Some(AttachmentState::Pending));
    let said = r#"{"ClientVpnEndpoints": [{"ClientVpnEndpointId": "cvpn-endpoint-1", "VpcId": "vpc-1", "Status": {"Code": "available"}}],
        "VpnConcentrators": [{"VpnConcentratorId": "vpnc-1", "State": "available"}]}"#;
    let import = good(&[("a.json", NET), ("c.json", said)]);
    assert_eq!(
        (kind(&import, "cvpn-endpoint-1"), kind(&import, "vpnc-1")),
        ("Client VPN endpoint", "VPN concentrator")
    );
}

/// VPN-30, VPN-33, VPN-36, VPN-43: the options of connections on a transit gateway.
#[test]
fn options_of_connections_on_a_transit_gateway() {
    let on_tgw = r#""CustomerGatewayId": "cgw-1", "TransitGatewayId": "tgw-1""#;
    let with = |options: &str, more: &[(&str, &str)]| {
        let text = vpn("vpn-1", &format!(r#"{on_tgw}, "Options": {{{options}}}"#), "");
        good(&[&[("a.json", NET), ("t.json", TRANSIT), ("v.json", text.as_str())], more].concat())
    };
    let of = |import: &Import| import.spec.vpn_connections["vpn-1"].clone();
    let plain = of(&with(
        r#""EnableAcceleration": false, "TunnelInsideIpVersion": "ipv4", "OutsideIpAddressType": "PublicIpv4", "TunnelBandwidth": "standard""#,
        &[],
    ));
    assert_eq!((plain.accelerated, plain.tunnel_inside_ip_version, plain.tunnel_bandwidth), (None, None, None));
    let v6 = of(&with(
        r#""TunnelInsideIpVersion": "ipv6", "TunnelBandwidth": "large", "TunnelOptions": [
            {"OutsideIpAddress": "52.0.0.1", "TunnelInsideCidr": "169.254.40.0/30", "TunnelInsideIpv6Cidr": "fd00:40::/126"}]"#,
        &[],
    ));
    assert_eq!(v6.tunnel_inside_ip_version.map(|v| v.value), Some(InsideIpVersion::Ipv6));
    assert_eq!(v6.tunnel_bandwidth.map(|b| b.value), Some(TunnelBandwidth::Large));
    let inside = [v6.tunnels[0].inside_cidr, v6.tunnels[0].inside_ipv6_cidr].map(|block| block.unwrap().to_string());
    assert_eq!(inside, ["169.254.40.0/30", "fd00:40::/126"]);
    assert_eq!(of(&with(r#""EnableAcceleration": true"#, &[])).accelerated.map(|on| on.value), Some(true));
    // What carries a private connection goes by the name of the association here.
    let private = r#""OutsideIpAddressType": "PrivateIpv4", "TransportTransitGatewayAttachmentId": "tgw-attach-dx""#;
    let import = with(private, &[("d.json", DIRECT_CONNECT)]);
    assert_eq!(name(&of(&import).transport_transit_gateway_attachment), Some("assoc-tgw"));
    let import = with(private, &[]);
    assert_eq!((kind(&import, "vpn-1"), import.spec.vpn_connections.len()), ("private IP VPN connection", 0));
    assert!(missing(&import, "vpn-1").contains(&"tgw-attach-dx".to_owned()));
}

#[test]
fn a_gateway_whose_sources_the_export_lacks_is_not_modelled() {
    let table = r#"{"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}],
        "PropagatingVgws": [{"GatewayId": "vgw-1"}], "Routes": [
        {"DestinationCidrBlock": "172.16.0.0/12", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation", "State": "active"}]}]}"#;
    let unknown = |import: &Import| {
        let outcome = ask(import.spec.clone(), "vpc-1", "10.0.9.0/24", "10.0.9.9", "172.16.0.1");
        assert_eq!(outcome.0, Outcome::Unknown, "{outcome:?}");
    };
    let import = good(&[("a.json", NET), ("r.json", table)]);
    assert_eq!(kind(&import, "vgw-1"), "virtual private gateway whose VPN connections the export lacks");
    assert_eq!(name(&import.spec.not_modelled["vgw-1"].vpc), Some("vpc-1"));
    unknown(&import);
    // All VPN connections are there, and none explains the route.
    let fields = format!(r#"{ON_VGW}, "Options": {{"StaticRoutesOnly": true}}"#);
    for vpns in [r#"{"VpnConnections": []}"#.to_owned(), vpn("vpn-1", &fields, &xml())] {
        let import = good(&[("a.json", NET), ("v.json", &vpns), ("r.json", table)]);
        assert_eq!(kind(&import, "vgw-1"), "virtual private gateway whose sources of routes the export lacks");
        assert!(import.spec.vpn_connections.is_empty());
        unknown(&import);
    }
    // One with BGP may.
    let import = good(&[("a.json", NET), ("v.json", &vpn("vpn-1", ON_VGW, &xml())), ("r.json", table)]);
    assert!(import.spec.vpn_gateways.contains_key("vgw-1"));
    unknown(&import);
}

/// Any configuration gives a network, and never a word of it.
#[test]
fn broken_configurations_never_panic() {
    let whole = xml();
    let tokens = [
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "&",
        ";",
        "<![CDATA[",
        "]]>",
        "<?",
        "\"",
        "é",
        "\0",
        "<a>",
        "</ipsec_tunnel>",
    ];
    let mut texts: Vec<String> = (0..whole.len()).step_by(7).map(|at| whole[..at].to_owned()).collect();
    for (n, at) in (0..whole.len()).step_by(5).enumerate() {
        let (before, after) = whole.split_at(at);
        let token = tokens[n % tokens.len()];
        texts.push(format!("{before}{token}{after}"));
        texts.push(format!("{before}{}", after.get(n % 40..).unwrap_or_default()));
        texts.push(format!("{after}{token}{before}"));
    }
    for number in ["30", "65077", "64888", "169.254.20.1", "52.0.0.1"] {
        for bad in ["", "-1", "999999999999", "0", "32", "31", "255.255.255.255", "::1"] {
            texts.push(whole.replace(number, bad));
        }
    }
    texts.push("<a>".repeat(50_000));
    for text in texts {
        let import = read(&[("a.json", NET), ("v.json", &vpn("vpn-1", ON_VGW, &text))]);
        assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
        assert!(!said(&import).contains(KEY), "{text}");
        assert!(import.spec.vpn_connections.contains_key("vpn-1"));
        assert!(compile(&import.spec).0.is_some());
    }
}

/// From a VPC over a transit gateway to sites that nobody describes: by VPN and by Direct Connect.
#[test]
fn what_is_behind_a_transit_gateway_is_unknown() {
    let vpc = r#"{"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-a", "TransitGatewayId": "tgw-1",
        "VpcId": "vpc-1", "VpcOwnerId": "111122223333", "State": "available", "SubnetIds": ["subnet-1"]}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "InterfaceType": "transit_gateway",
        "PrivateIpAddress": "10.0.0.9", "Description": "Network Interface for Transit Gateway Attachment tgw-attach-a"}],
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}],
        "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"}]}]}"#;
    let association = r#"{"Associations": [{"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc", "State": "associated"}]}"#;
    let vpns = vpn("vpn-1", r#""CustomerGatewayId": "cgw-1", "TransitGatewayId": "tgw-1""#, &xml());
    let import = good(&[
        ("a.json", NET),
        ("t.json", TRANSIT),
        ("d.json", DIRECT_CONNECT),
        ("v.json", &vpns),
        ("w.json", vpc),
        ("x.tgw-rtb-1.json", association),
    ]);
    let answer = |to: &str| ask(import.spec.clone(), "vpc-1", "10.0.9.0/24", "10.0.9.9", to);
    assert_eq!(answer("172.16.0.1"), (Outcome::Unknown, Some(RowKind::TunnelUnknown)));
    assert_eq!(answer("192.168.0.1").0, Outcome::Unknown, "{:?}", answer("192.168.0.1"));
    assert_eq!(answer("10.7.0.1").0, Outcome::Unknown, "{:?}", answer("10.7.0.1"));
    assert_eq!(answer("11.0.0.1"), (Outcome::NoReply, Some(RowKind::TgwRouteNone)));
}
