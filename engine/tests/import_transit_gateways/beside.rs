//! What is beside the attachments of VPCs: peerings, Connect, multicast, and who shares a gateway.

use super::*;

#[test]
fn peerings_of_transit_gateways_have_two_sides() {
    let gateway = |id: &str, region: &str, owner: &str| {
        tgw(id, "disable").replace("us-east-1", region).replace("111122223333", owner)
    };
    let peering = r#"{"TransitGatewayPeeringAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-p", "State": "available",
        "RequesterTgwInfo": {"TransitGatewayId": "tgw-1", "OwnerId": "111122223333", "Region": "us-east-1"},
        "AccepterTgwInfo": {"TransitGatewayId": "tgw-2", "OwnerId": "444455556666", "Region": "eu-west-1"}},
        {"TransitGatewayAttachmentId": "tgw-attach-q", "State": "pendingAcceptance",
        "RequesterTgwInfo": {"TransitGatewayId": "tgw-far"}, "AccepterTgwInfo": {"TransitGatewayId": "tgw-1"}},
        {"TransitGatewayAttachmentId": "tgw-attach-w", "State": "available",
        "RequesterTgwInfo": {"CoreNetworkId": "core-network-1"}, "AccepterTgwInfo": {"TransitGatewayId": "tgw-1"}},
        {"TransitGatewayAttachmentId": "tgw-attach-x", "State": "available",
        "RequesterTgwInfo": {"TransitGatewayId": "tgw-far"}, "AccepterTgwInfo": {"TransitGatewayId": "tgw-farther"}},
        {"TransitGatewayAttachmentId": "tgw-attach-y", "State": "rejected"}]}"#;
    let side = |tgw: &str, table: &str, peer: &str| {
        format!(
            r#"{{"TransitGatewayAttachments": [
            {{"TransitGatewayAttachmentId": "tgw-attach-p", "TransitGatewayId": "{tgw}", "ResourceType": "peering", "ResourceId": "{peer}",
             "State": "available", "Association": {{"TransitGatewayRouteTableId": "{table}", "State": "associated"}}}},
            {{"TransitGatewayAttachmentId": "tgw-attach-r", "TransitGatewayId": "{tgw}", "ResourceType": "tgw-peering",
             "ResourceId": "{peer}", "State": "available"}}],
            "TransitGatewayRouteTables": [{{"TransitGatewayRouteTableId": "{table}", "TransitGatewayId": "{tgw}", "State": "available"}}]}}"#
        )
    };
    let route = r#"{"TransitGatewayRouteTablePropagations": [], "Routes": [{"DestinationCidrBlock": "10.1.0.0/16", "Type": "static", "State": "active",
        "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-p", "ResourceType": "peering"}]}]}"#;
    let import = with(&[
        ("accounts/111122223333/us-east-1/g.json", &gateway("tgw-1", "us-east-1", "111122223333")),
        ("accounts/111122223333/us-east-1/p.json", peering),
        ("accounts/111122223333/us-east-1/s.json", &side("tgw-1", "tgw-rtb-1", "tgw-2")),
        ("accounts/111122223333/us-east-1/r.tgw-rtb-1.json", route),
        ("accounts/444455556666/eu-west-1/g.json", &gateway("tgw-2", "eu-west-1", "444455556666")),
        ("accounts/444455556666/eu-west-1/p.json", peering),
        ("accounts/444455556666/eu-west-1/s.json", &side("tgw-2", "tgw-rtb-2", "tgw-1")),
        ("accounts/444455556666/eu-west-1/r.tgw-rtb-2.json", route),
    ]);
    quiet(&import);
    let spec = &import.spec;
    let sides = |id: &str| {
        let p = &spec.transit_gateway_peering_attachments[id];
        (name(&p.requester), name(&p.accepter), p.state)
    };
    assert_eq!(sides("tgw-attach-p"), (Some("tgw-1"), Some("tgw-2"), None));
    assert_eq!(sides("tgw-attach-q"), (None, Some("tgw-1"), Some(AttachmentState::PendingAcceptance)));
    assert_eq!(sides("tgw-attach-w"), (None, Some("tgw-1"), None));
    assert_eq!(sides("tgw-attach-r"), (Some("tgw-1"), Some("tgw-2"), None), "known from the list of all kinds only");
    assert_eq!(spec.transit_gateway_peering_attachments.len(), 4);
    assert_eq!(spec.not_modelled["tgw-attach-x"].kind, "transit gateway peering attachment");
    for table in ["tgw-rtb-1", "tgw-rtb-2"] {
        assert_eq!(names(&spec.transit_gateway_route_tables[table].associations), ["tgw-attach-p"]);
        assert_eq!(routes(&spec.transit_gateway_route_tables[table]), ["10.1.0.0/16 tgw-attach-p"]);
    }
    let place = |id: &str| (name(&spec.transit_gateways[id].region), name(&spec.transit_gateways[id].account));
    assert_eq!(name(&spec.region), Some("us-east-1"), "every VPC's");
    assert_eq!(place("tgw-1"), (None, Some("111122223333")));
    assert_eq!(place("tgw-2"), (Some("eu-west-1"), Some("444455556666")));
}

#[test]
fn connect_attachments_have_tunnels() {
    let connects = r#"{"TransitGatewayConnects": [
        {"TransitGatewayAttachmentId": "tgw-attach-con", "TransportTransitGatewayAttachmentId": "tgw-attach-a",
         "TransitGatewayId": "tgw-1", "State": "available", "Options": {"Protocol": "gre"}},
        {"TransitGatewayAttachmentId": "tgw-attach-over-dx", "TransportTransitGatewayAttachmentId": "tgw-attach-dx", "State": "available"},
        {"TransitGatewayAttachmentId": "tgw-attach-old", "TransportTransitGatewayAttachmentId": "tgw-attach-a", "State": "deleted"}],
        "TransitGatewayConnectPeers": [
        {"TransitGatewayConnectPeerId": "tgw-connect-peer-2", "TransitGatewayAttachmentId": "tgw-attach-con", "State": "available",
         "ConnectPeerConfiguration": {"TransitGatewayAddress": "2001:db8::1", "PeerAddress": "2001:db8::2",
         "InsideCidrBlocks": ["169.254.7.0/29"]}},
        {"TransitGatewayConnectPeerId": "tgw-connect-peer-1", "TransitGatewayAttachmentId": "tgw-attach-con", "State": "available",
         "ConnectPeerConfiguration": {"TransitGatewayAddress": "100.64.0.1", "PeerAddress": "10.0.0.20",
         "InsideCidrBlocks": ["169.254.6.0/29", "fd00::/125"], "Protocol": "gre", "BgpConfigurations": [
         {"TransitGatewayAsn": 64600, "PeerAsn": 65010, "BgpStatus": "up"}, {"PeerAsn": 65010, "BgpStatus": "down"}]}},
        {"TransitGatewayConnectPeerId": "tgw-connect-peer-3", "TransitGatewayAttachmentId": "tgw-attach-con", "State": "deleted"},
        {"TransitGatewayConnectPeerId": "tgw-connect-peer-4", "TransitGatewayAttachmentId": "tgw-attach-lost", "State": "available"}]}"#;
    let import = with_tables(&[("c.json", connects)]);
    let connect = &import.spec.transit_gateway_connects["tgw-attach-con"];
    assert_eq!((connect.transport.as_str(), connect.state, connect.peers.len()), ("tgw-attach-a", None, 2));
    let peer = &connect.peers[0];
    assert_eq!(
        (peer.transit_gateway_address.to_string(), peer.peer_address.to_string()),
        ("100.64.0.1".into(), "10.0.0.20".into())
    );
    assert_eq!((peer.inside_cidrs.len(), peer.peer_asn, connect.peers[1].peer_asn), (2, Some(65010), None));
    assert_eq!(import.spec.not_modelled["tgw-attach-over-dx"].kind, "transit gateway Connect attachment");
    assert_eq!(import.spec.transit_gateway_connects.len(), 1);
    assert!(import.report.missing_references.iter().any(|m| m.from == "tgw-connect-peer-4"));
    let bad = connects.replace(r#""PeerAddress": "10.0.0.20","#, "");
    let gateway = tgw("tgw-1", "enable");
    let import = read(&[("n.json", NET), ("t.json", &gateway), ("u.json", ATTACHMENTS), ("c.json", &bad)]);
    assert!(only(&import, "missing-field").message.contains("tgw-connect-peer-1"));
}

#[test]
fn multicast_domains_have_subnets_and_groups() {
    let gateway =
        tgw("tgw-1", "enable").replace(r#""AmazonSideAsn""#, r#""MulticastSupport": "enable", "AmazonSideAsn""#);
    let domains = r#"{"TransitGatewayMulticastDomains": [
        {"TransitGatewayMulticastDomainId": "tgw-mcast-domain-1", "TransitGatewayId": "tgw-1", "State": "available",
         "Options": {"Igmpv2Support": "enable", "StaticSourcesSupport": "disable"}, "Tags": [{"Key": "Name", "Value": "ticker"}]},
        {"TransitGatewayMulticastDomainId": "tgw-mcast-domain-2", "TransitGatewayId": "tgw-1", "State": "available",
         "Options": {"Igmpv2Support": "disable", "StaticSourcesSupport": "enable"}},
        {"TransitGatewayMulticastDomainId": "tgw-mcast-domain-3", "TransitGatewayId": "tgw-9", "State": "available"}]}"#;
    let subnets = r#"{"MulticastDomainAssociations": [
        {"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc", "Subnet": {"SubnetId": "subnet-3", "State": "associated"}},
        {"TransitGatewayAttachmentId": "tgw-attach-a", "Subnet": {"SubnetId": "subnet-1", "State": "associated"}},
        {"TransitGatewayAttachmentId": "tgw-attach-a", "Subnet": {"SubnetId": "subnet-2", "State": "disassociated"}},
        {"Subnet": {"SubnetId": "subnet-lost", "State": "associated"}}]}"#;
    let groups = r#"{"MulticastGroups": [
        {"GroupIpAddress": "224.0.1.1", "NetworkInterfaceId": "eni-4", "GroupMember": true, "GroupSource": false, "MemberType": "igmp"},
        {"GroupIpAddress": "224.0.1.1", "NetworkInterfaceId": "eni-1", "GroupMember": false, "GroupSource": true, "SourceType": "static"},
        {"GroupIpAddress": "224.0.1.1", "NetworkInterfaceId": "eni-lost", "GroupMember": true}]}"#;
    let import = with(&[
        ("t.json", &gateway),
        ("u.json", ATTACHMENTS),
        ("d.json", domains),
        ("get-transit-gateway-multicast-domain-associations.tgw-mcast-domain-1.json", subnets),
        ("search-transit-gateway-multicast-groups.tgw-mcast-domain-1.json", groups),
    ]);
    let domain = &import.spec.transit_gateway_multicast_domains["tgw-mcast-domain-1"];
    assert_eq!(names(&domain.subnets), ["subnet-1", "subnet-3"]);
    assert_eq!((domain.igmpv2, domain.static_sources, domain.name_tag.as_deref()), (Some(true), None, Some("ticker")));
    assert_eq!(domain.groups.len(), 1);
    assert_eq!((names(&domain.groups[0].members), names(&domain.groups[0].sources)), (vec!["eni-4"], vec!["eni-1"]));
    let other = &import.spec.transit_gateway_multicast_domains["tgw-mcast-domain-2"];
    assert_eq!((other.igmpv2, other.static_sources, other.subnets.len()), (None, Some(true), 0));
    assert!(messages(&import, "absent-kind").iter().any(|m| m.contains("`tgw-mcast-domain-2`")));
    assert_eq!(import.spec.transit_gateways["tgw-1"].multicast, Some(true));
    assert_eq!(import.spec.not_modelled["tgw-mcast-domain-3"].kind, "transit gateway multicast domain");
}

#[test]
fn an_attachment_that_only_the_list_of_all_kinds_names() {
    let attachments = r#"{"TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-a", "TransitGatewayId": "tgw-1",
        "ResourceType": "vpc", "ResourceId": "vpc-a", "State": "available",
        "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}}]}"#;
    let gateway = tgw("tgw-1", "enable");
    let import = with(&[("t.json", &gateway), ("u.json", attachments), ("v.json", TABLES)]);
    let a = &import.spec.transit_gateway_vpc_attachments["tgw-attach-a"];
    assert_eq!(
        (names(&a.subnets), names(&a.network_interfaces)),
        (vec!["subnet-1", "subnet-2"], vec!["eni-1", "eni-2"])
    );
    assert!(import.report.missing_references.iter().any(|m| m.to == "TransitGatewayVpcAttachments"));
    // Nothing tells its subnets: nobody knows what the transit gateway does with that VPC's packets.
    let other = attachments.replace("tgw-attach-a", "tgw-attach-z");
    let import = with(&[("t.json", &gateway), ("u.json", &other), ("v.json", TABLES)]);
    assert_eq!(import.spec.not_modelled["tgw-1"].kind, "transit gateway whose attachments the export lacks");
    assert_eq!(
        import.spec.not_modelled["tgw-attach-z"].kind,
        "transit gateway attachment whose subnets the export lacks"
    );
}

#[test]
fn accounts_that_share_a_transit_gateway_see_it_in_their_own_way() {
    let all = |id: &str, association: &str| {
        format!(
            r#"{{"TransitGatewayAttachments": [{{"TransitGatewayAttachmentId": "{id}", "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
            "ResourceId": "vpc-b", "State": "available", "TransitGatewayOwnerId": "111122223333", "ResourceOwnerId": "444455556666"
            {association}}}]}}"#
        )
    };
    let told = r#", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}"#;
    let gateway = tgw("tgw-1", "disable");
    let seen = ATTACHMENTS.replace("inspection", "someone else's").replace(r#"["subnet-3"]"#, "[]");
    let import = with(&[
        ("accounts/111122223333/us-east-1/1.json", &gateway),
        ("accounts/111122223333/us-east-1/2.json", &seen),
        ("accounts/111122223333/us-east-1/3.json", TABLES),
        ("accounts/111122223333/us-east-1/4.json", &all("tgw-attach-b", told)),
        ("accounts/111122223333/us-east-1/p.tgw-rtb-1.json", ANSWERS[2].1),
        ("accounts/111122223333/us-east-1/s.tgw-rtb-1.json", ANSWERS[3].1),
        ("accounts/111122223333/us-east-1/s.tgw-rtb-2.json", ANSWERS[4].1),
        ("accounts/444455556666/us-east-1/1.json", &gateway),
        ("accounts/444455556666/us-east-1/2.json", ATTACHMENTS),
        ("accounts/444455556666/us-east-1/4.json", &all("tgw-attach-b", "")),
        ("accounts/777788889999/us-east-1/4.json", &all("tgw-attach-b", told)),
    ]);
    quiet(&import);
    assert_eq!(
        names(&import.spec.transit_gateway_vpc_attachments["tgw-attach-b"].subnets),
        ["subnet-3"],
        "its owner knows"
    );
    assert_eq!(names(&import.spec.transit_gateway_route_tables["tgw-rtb-1"].associations), ["tgw-attach-b"]);
}
