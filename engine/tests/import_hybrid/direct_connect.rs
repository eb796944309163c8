//! Direct Connect in an export: connections, groups, interfaces, gateways.

use super::*;

#[test]
fn direct_connect_in_lower_camel_case() {
    let vpns = r#"{"VpnConnections": []}"#;
    let import = good(&[("a.json", NET), ("t.json", TRANSIT), ("d.json", DIRECT_CONNECT), ("v.json", vpns)]);
    let spec = &import.spec;
    let first = &spec.direct_connect_connections["dxcon-1"];
    assert_eq!((first.location.as_deref(), name(&first.region), first.up), (Some("EqLD5"), Some("eu-west-2"), None));
    assert_eq!((first.bandwidth, first.name_tag.as_deref()), (Some(Bandwidth(10_000_000_000)), Some("primary")));
    let second = &spec.direct_connect_connections["dxcon-2"];
    assert_eq!((second.bandwidth, second.up), (Some(Bandwidth(500_000_000)), Some(false)));
    assert_eq!(second.name_tag.as_deref(), Some("spare"));
    assert_eq!((second.hosted, first.hosted), (Some(true), None), "no dedicated connection has 500 Mbps");
    // A group that only counts its connections.
    let group = &spec.direct_connect_lags["dxlag-1"];
    assert_eq!((group.location.as_deref(), group.name_tag.as_deref()), (Some("EqLD5"), Some("group")));
    for n in 1..=2 {
        let member = &spec.direct_connect_connections[format!("dxlag-1/{n}").as_str()];
        assert_eq!((member.bandwidth, name(&member.lag)), (Some(Bandwidth::gbps(10)), Some("dxlag-1")));
    }
    assert_eq!(missing(&import, "dxlag-1"), ["its connections"]);
    assert_eq!(spec.virtual_interfaces["dxvif-2"].connection.as_str(), "dxlag-1");
    let gateway = &spec.direct_connect_gateways["dxgw-1"];
    assert_eq!((gateway.asn.map(|a| a.value), gateway.name_tag.as_deref()), (Some(64700), Some("world")));
    let by_tgw = &spec.direct_connect_gateway_associations["assoc-tgw"];
    assert_eq!((name(&by_tgw.transit_gateway), name(&by_tgw.vpn_gateway)), (Some("tgw-1"), None));
    assert_eq!(by_tgw.allowed_prefixes.as_deref().map(words), Some(vec!["10.0.0.0/16".into(), "10.1.0.0/16".into()]));
    let by_vgw = &spec.direct_connect_gateway_associations["assoc-vgw"];
    assert_eq!((name(&by_vgw.vpn_gateway), by_vgw.allowed_prefixes.is_none()), (Some("vgw-1"), true), "all blocks");
    let vif = &spec.virtual_interfaces["dxvif-1"];
    assert_eq!((vif.kind, vif.connection.as_str(), vif.vlan.value), (VirtualInterfaceType::Transit, "dxcon-1", 101));
    assert_eq!((name(&vif.direct_connect_gateway), name(&vif.vpn_gateway)), (Some("dxgw-1"), None));
    let address = |a: Option<Spanned<std::net::IpAddr>>| a.map(|a| a.value.to_string()).unwrap_or_default();
    assert_eq!(
        (address(vif.amazon_address), address(vif.customer_address)),
        ("169.254.100.1".into(), "169.254.100.2".into())
    );
    assert_eq!(
        (vif.asn.map(|a| a.value), vif.mtu.map(|m| m.value), vif.site_link),
        (Some(65010), Some(8500), Some(true))
    );
    assert_eq!(vif.name_tag.as_deref(), Some("core"));
    let silent = &spec.virtual_interfaces["dxvif-2"];
    assert_eq!((address(silent.amazon_address), silent.site_link), ("169.254.101.1".into(), None));
    assert_eq!((silent.up, vif.up), (Some(false), None), "its session is down");
    // Another account's connection: only the place of it is known.
    assert_eq!(name(&spec.virtual_interfaces["dxvif-3"].vpn_gateway), Some("vgw-2"));
    assert_eq!(spec.direct_connect_connections["dxcon-host"].location.as_deref(), Some("EqLD5"));
    assert_eq!(missing(&import, "dxvif-3"), ["dxcon-host"]);
    let public = &spec.virtual_interfaces["dxvif-4"];
    assert_eq!((public.kind, name(&public.vpn_gateway)), (VirtualInterfaceType::Public, None));
    assert_eq!(public.route_filter_prefixes.as_deref().map(words), Some(vec!["198.51.100.0/24".into()]));
    assert!(spec.virtual_interfaces.values().filter(|vif| vif.route_filter_prefixes.is_some()).count() == 1);
    assert_eq!(skipped(&import, "dxvif-5"), ["state confirming"]);
    assert_eq!(
        (kind(&import, "dxvif-6"), missing(&import, "dxvif-6")),
        ("Direct Connect virtual interface", vec!["vgw-7".into()])
    );
    assert_eq!(
        (kind(&import, "assoc-lost"), missing(&import, "assoc-lost")),
        ("Direct Connect gateway association", vec!["dxgw-7".into()])
    );
    for gone in ["dxcon-9", "dxgw-9", "dxvif-9", "assoc-gone"] {
        assert_eq!(skipped(&import, gone).len(), 1, "{gone}");
        assert_eq!(kind(&import, gone), "");
    }
    assert!(spec.vpn_gateways.contains_key("vgw-1") && spec.vpn_gateways.contains_key("vgw-2"));
    assert!(import.report.ignored_keys.is_empty(), "{:?}", import.report.ignored_keys);
    let d = import.diagnostics.iter().filter(|d| d.span.file.0 == 2);
    assert!(d.clone().all(|d| !d.span.is_some()), "the file holds keys: {:?}", d.collect::<Vec<_>>());
}

/// `describe-lags` and `describe-connections` of the same account, with everything that both say.
#[test]
fn groups_have_their_connections() {
    let member = |id: &str, state: &str| {
        format!(
            r#"{{"connectionId": "{id}", "connectionState": "{state}", "region": "eu-west-2", "location": "EqLD5", "bandwidth": "10Gbps",
            "lagId": "dxlag-1", "awsDevice": "EqLD5-old", "awsDeviceV2": "EqLD5-1a2b", "macSecCapable": true,
            "encryptionMode": "should_encrypt", "portEncryptionStatus": "Encryption Up", "macSecKeys": [{{"ckn": "{KEY}"}}]}}"#
        )
    };
    let lags = format!(
        r#"{{"lags": [{{"lagId": "dxlag-1", "lagState": "available", "region": "eu-west-2", "location": "EqLD5",
        "connectionsBandwidth": "10Gbps", "numberOfConnections": 2, "minimumLinks": 1, "awsDeviceV2": "EqLD5-1a2b",
        "connections": [{}, {}]}}, {{"lagId": "dxlag-9", "lagState": "deleted"}}]}}"#,
        member("dxcon-1", "available"),
        member("dxcon-2", "down")
    );
    let hosted = r#"{"connectionId": "dxcon-5", "connectionState": "available", "region": "eu-west-2", "location": "EqLD5",
        "bandwidth": "1Gbps", "vlan": 77, "partnerName": "Example", "lagId": "dxlag-of-the-partner"}"#;
    let listed = format!(r#"{{"connections": [{}, {hosted}]}}"#, member("dxcon-1", "available"));
    let import = good(&[("a.json", NET), ("l.json", &lags), ("c.json", &listed)]);
    let spec = &import.spec;
    let group = &spec.direct_connect_lags["dxlag-1"];
    assert_eq!((group.minimum_links.map(|n| n.value), name(&group.region)), (Some(1), Some("eu-west-2")));
    let of = |id: &str| {
        let c = &spec.direct_connect_connections[id];
        (name(&c.lag), c.device.as_deref(), c.macsec, c.hosted, c.up)
    };
    assert_eq!(of("dxcon-1"), (Some("dxlag-1"), Some("EqLD5-1a2b"), Some(true), None, None));
    assert_eq!(of("dxcon-2"), (Some("dxlag-1"), Some("EqLD5-1a2b"), Some(true), None, Some(false)));
    assert_eq!(of("dxcon-5"), (None, None, None, Some(true), None));
    assert_eq!((spec.direct_connect_connections.len(), spec.direct_connect_lags.len()), (3, 1));
    assert_eq!(skipped(&import, "dxlag-9"), ["state deleted"]);
    // Without the groups: what the connections say of theirs.
    let import = good(&[("a.json", NET), ("c.json", &listed)]);
    assert!(import.spec.direct_connect_lags.contains_key("dxlag-1"));
    assert_eq!(missing(&import, "dxcon-1"), ["dxlag-1"]);
    // A group that is down has no connection that is up.
    let down = lags.replace(r#""lagState": "available""#, r#""lagState": "down""#);
    let import = good(&[("a.json", NET), ("l.json", &down)]);
    assert!(import.spec.direct_connect_connections.values().all(|c| c.up == Some(false)));
}

#[test]
fn other_connections_are_not_direct_connects() {
    let import = good(&[("a.json", NET), ("x.json", r#"{"connections": [{"name": "database"}], "lags": [3]}"#)]);
    assert!(import.spec.direct_connect_connections.is_empty());
    assert_eq!(import.report.ignored_keys.keys().collect::<Vec<_>>(), ["connections", "lags"]);
    let import = good(&[("a.json", NET), ("x.json", r#"{"connections": [], "lags": null}"#)]);
    assert!(!import.report.ignored_keys.contains_key("connections"));
}

#[test]
fn connections_and_associations_are_attachments_by_their_own_names() {
    let fields = r#""CustomerGatewayId": "cgw-1", "TransitGatewayId": "tgw-1""#;
    let vpns = vpn("vpn-1", fields, &xml());
    let import = good(&[("a.json", NET), ("t.json", TRANSIT), ("d.json", DIRECT_CONNECT), ("v.json", &vpns)]);
    let spec = &import.spec;
    let connection = &spec.vpn_connections["vpn-1"];
    assert_eq!((name(&connection.transit_gateway), name(&connection.vpn_gateway)), (Some("tgw-1"), None));
    let table = &spec.transit_gateway_route_tables["tgw-rtb-1"];
    let mut associations = words(&table.associations);
    associations.sort();
    assert_eq!(associations, ["assoc-tgw", "tgw-attach-far", "vpn-1"]);
    assert_eq!(words(&table.propagations), ["assoc-tgw", "vpn-1"]);
    let routes = |spec: &Spec| -> Vec<String> {
        let table = &spec.transit_gateway_route_tables["tgw-rtb-1"];
        table.routes.iter().map(|r| format!("{} {}", r.to, name(&r.via).unwrap_or("drop"))).collect()
    };
    assert_eq!(routes(spec), ["10.7.0.0/16 tgw-attach-far", "172.16.0.0/12 vpn-1", "192.168.0.0/16 assoc-tgw"]);
    assert_eq!(
        kind(&import, "tgw-attach-far"),
        "transit gateway VPN attachment",
        "its connection is not in the export"
    );
    assert_eq!((kind(&import, "tgw-attach-vpn"), kind(&import, "tgw-attach-dx")), ("", ""));
    // Without the list of attachments the answers about the table name the resources.
    let answers = TRANSIT.replace("TransitGatewayAttachments\": [\n    {", "Unheard\": [\n    {");
    let none = ("n.json", r#"{"TransitGatewayVpcAttachments": []}"#);
    let import = good(&[("a.json", NET), ("t.json", &answers), ("d.json", DIRECT_CONNECT), ("v.json", &vpns), none]);
    assert_eq!(routes(&import.spec)[1..], ["172.16.0.0/12 vpn-1", "192.168.0.0/16 assoc-tgw"]);
    // Without the connection and the gateway the attachments keep their own names.
    let import = good(&[("a.json", NET), ("t.json", TRANSIT)]);
    assert_eq!(kind(&import, "tgw-attach-vpn"), "transit gateway VPN attachment");
    assert_eq!(kind(&import, "tgw-attach-dx"), "transit gateway Direct Connect gateway attachment");
    assert_eq!(routes(&import.spec)[1..], ["172.16.0.0/12 tgw-attach-vpn", "192.168.0.0/16 tgw-attach-dx"]);
    // A Direct Connect gateway without its interfaces may learn anything.
    let part = DIRECT_CONNECT.replace("virtualInterfaces", "others");
    let import = good(&[("a.json", NET), ("t.json", TRANSIT), ("d.json", &part)]);
    assert_eq!(kind(&import, "dxgw-1"), "Direct Connect gateway whose virtual interfaces the export lacks");
    assert_eq!(kind(&import, "tgw-attach-dx"), "transit gateway Direct Connect gateway attachment");
    // The transit gateway is not there.
    let import = good(&[("a.json", NET), ("v.json", &vpns)]);
    assert_eq!(
        (kind(&import, "vpn-1"), kind(&import, "tgw-1")),
        ("VPN connection", "transit gateway that the export lacks")
    );
}

#[test]
fn bad_values_of_direct_connect_are_reported() {
    for (from, to) in [
        ("169.254.100.1/30", "not an address"),
        ("\"vlan\": 101", "\"vlan\": 70000"),
        ("\"vlan\": 101, ", ""),
        ("10.1.0.0/16", "10.1.0.0/99"),
        ("\"amazonSideAsn\": 64700", "\"amazonSideAsn\": \"x\""),
    ] {
        assert!(DIRECT_CONNECT.contains(from), "{from}");
        let text = DIRECT_CONNECT.replacen(from, to, 1);
        let import = read(&[("a.json", NET), ("t.json", TRANSIT), ("d.json", &text)]);
        assert!(any_error(&import.diagnostics), "{from}");
        assert!(!said(&import).contains(KEY));
    }
    let text = DIRECT_CONNECT.replacen("10Gbps", "a lot", 1);
    let import = good(&[("a.json", NET), ("t.json", TRANSIT), ("d.json", &text)]);
    assert_eq!(
        (import.spec.direct_connect_connections["dxcon-1"].bandwidth, missing(&import, "dxcon-1")),
        (None, vec!["bandwidth".into()])
    );
}
