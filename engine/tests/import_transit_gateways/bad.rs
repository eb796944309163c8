//! What is wrong with an export, and exports that are long or hold next to nothing.

use super::*;

#[test]
fn bad_transit_gateways_are_reported_one_by_one() {
    let text = r#"{"TransitGateways": [
 {"TransitGatewayId": "tgw-2", "Options": {"AmazonSideAsn": "many"}},
 {"State": "available"},
 {"TransitGatewayId": "tgw-3", "Options": {"AmazonSideAsn": 99999999999}}],
"TransitGatewayVpcAttachments": [
 {"TransitGatewayAttachmentId": "tgw-attach-1", "VpcId": "vpc-a", "SubnetIds": ["subnet-1"]},
 {"TransitGatewayAttachmentId": "tgw-attach-2", "VpcId": "vpc-a", "SubnetIds": {"subnet-1": 1}}],
"TransitGatewayAttachments": [
 {"TransitGatewayAttachmentId": "tgw-attach-3", "ResourceType": "vpn"},
 {"TransitGatewayId": "tgw-1", "ResourceType": "vpn"}],
"TransitGatewayRouteTables": [
 {"TransitGatewayRouteTableId": "tgw-rtb-9"}],
"TransitGatewayStaticRoutes": [
 {"Routes": []},
 {"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [
  {"DestinationCidrBlock": "10.0.0/8", "Type": "static"},
  {"Type": "static", "State": "active"},
  {"DestinationCidrBlock": "11.0.0.0/8", "Type": "static", "State": "blackhole"}]}],
"TransitGatewayPrefixListReferences": [
 {"PrefixListId": "pl-1"}],
"TransitGatewayMulticastDomains": [
 {"TransitGatewayMulticastDomainId": "tgw-mcast-domain-1"}]}"#;
    let gateway = tgw("tgw-1", "enable");
    let files =
        [("n.json", NET), ("t.json", gateway.as_str()), ("u.json", ATTACHMENTS), ("v.json", TABLES), ("x.json", text)];
    let import = read(&files);
    let errors: Vec<_> = import.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.iter().all(|d| d.span.file == FileIx(4)));
    let mut lines: Vec<u32> = errors.iter().map(|d| d.span.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 3, 4, 6, 7, 9, 10, 12, 14, 16, 17, 19, 22], "{errors:?}");
    assert_eq!(routes(&import.spec.transit_gateway_route_tables["tgw-rtb-1"]), ["11.0.0.0/8 drop"]);
    names_are_there(&import.spec);
}

#[test]
fn answers_without_a_name_and_partial_answers_are_warned_of() {
    let more = r#"{"Routes": [{"DestinationCidrBlock": "11.0.0.0/8", "Type": "static", "State": "blackhole"}], "AdditionalRoutesAvailable": true}"#;
    let import = with_tables(&[("s.tgw-rtb-1.json", more)]);
    assert!(only(&import, "partial-export").message.contains("`tgw-rtb-1`"));
    for text in [
        more,
        r#"{"TransitGatewayRouteTablePropagations": [{"TransitGatewayAttachmentId": "tgw-attach-a"}]}"#,
        r#"{"Associations": [{"TransitGatewayAttachmentId": "tgw-attach-a"}]}"#,
        r#"{"MulticastGroups": [{"GroupIpAddress": "224.0.0.9"}]}"#,
    ] {
        let import = with_tables(&[("answer.json", text)]);
        assert!(only(&import, "nameless-answer").help.is_some(), "{text}");
    }
    // Answers of other calls, and empty ones.
    for (text, ignored) in [
        (r#"{"Routes": [], "AdditionalRoutesAvailable": false}"#, 0),
        (r#"{"Associations": []}"#, 0),
        (r#"{"Associations": [{"AssociationId": "x"}]}"#, 1),
        (r#"{"Routes": [{"LocalGatewayRouteTableId": "lgw-rtb-1"}]}"#, 1),
    ] {
        let import = with_tables(&[("answer.json", text)]);
        assert!(messages(&import, "nameless-answer").is_empty(), "{text}");
        assert_eq!(import.report.ignored_keys.len(), ignored, "{text}");
    }
    // About a table that the export lacks.
    let import = with_tables(&[("s.tgw-rtb-77.json", more)]);
    assert!(import.report.missing_references.iter().any(|m| m.to == "tgw-rtb-77"));
}

#[test]
fn contradictions_are_warned_of() {
    let link =
        |id: &str| format!(r#"{{"Associations": [{{"TransitGatewayAttachmentId": "{id}", "State": "associated"}}]}}"#);
    let a = link("tgw-attach-a");
    let import = with_tables(&[("a.tgw-rtb-1.json", &a), ("a.tgw-rtb-2.json", &a)]);
    assert!(only(&import, "two-associations").message.contains("`tgw-rtb-1` was taken"));
    assert!(import.spec.transit_gateway_route_tables["tgw-rtb-2"].associations.is_empty());
    let changed = ATTACHMENTS.replace(r#"["subnet-2", "subnet-1"]"#, r#"["subnet-1"]"#);
    let import = with_tables(&[("w.json", &changed)]);
    assert!(only(&import, "duplicate-id").message.contains("tgw-attach-a"));
    let far = r#"{"TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-a", "TransitGatewayId": "tgw-1",
        "ResourceType": "vpc", "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-88", "State": "associated"}}]}"#;
    let import = with_tables(&[("w.json", far)]);
    assert!(only(&import, "not-in-export").message.contains("tgw-rtb-88"));
}

#[test]
fn long_lists_take_no_long_time() {
    let n = 4_000;
    let list = |one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<Vec<_>>().join(",");
    let enis = list(&|i| {
        format!(
            r#"{{"NetworkInterfaceId": "eni-x{i}", "SubnetId": "subnet-1",
            "Description": "Network Interface for Transit Gateway Attachment tgw-attach-{i}"}}"#
        )
    });
    let attachments = list(&|i| {
        format!(
            r#"{{"TransitGatewayAttachmentId": "tgw-attach-{i}", "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
            "ResourceId": "vpc-a", "VpcId": "vpc-a", "SubnetIds": ["subnet-1"], "State": "available",
            "Association": {{"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}}}}"#
        )
    });
    let routes = list(&|i| {
        format!(
            r#"{{"DestinationCidrBlock": "20.{}.{}.0/24", "Type": "static", "State": "active",
            "TransitGatewayAttachments": [{{"TransitGatewayAttachmentId": "tgw-attach-{i}"}}]}}"#,
            i / 256,
            i % 256
        )
    });
    let text = format!(
        r#"{{"NetworkInterfaces": [{enis}], "TransitGatewayVpcAttachments": [{attachments}], "TransitGatewayAttachments": [{attachments}]}}
        {{"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [{routes}], "TransitGatewayRouteTablePropagations": [{attachments}]}}"#
    );
    let import = with_tables(&[("x.json", &text)]);
    let table = &import.spec.transit_gateway_route_tables["tgw-rtb-1"];
    assert_eq!((table.associations.len(), table.propagations.len(), table.routes.len()), (n, n, n));
}

#[test]
fn one_transit_gateway_and_no_vpc() {
    let gateway = tgw("tgw-1", "enable");
    let import = read(&[("us-east-1/t.json", &gateway), ("us-east-1/u.json", r#"{"TransitGatewayAttachments": []}"#)]);
    assert_eq!((name(&import.spec.region), name(&import.spec.account)), (Some("us-east-1"), Some("111122223333")));
    let bare = TransitGateway {
        asn: Some(64600),
        default_route_table_association: Some(false),
        default_route_table_propagation: Some(false),
        ..TransitGateway::default()
    };
    assert_eq!(import.spec.transit_gateways["tgw-1"], bare);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Values replaced and text removed: a topology whose names are all there, or diagnostics; never a panic.
    #[test]
    fn bad_input_never_panics(
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), 0..4usize, 0..64usize), 1..12)
    ) {
        const BITS: [&str; 12] = ["null", "\"\"", "[]", "{}", "-1", "true", "\"tgw-1\"", "\"tgw-attach-a\"", "\"deleted\"",
            "\"vpc-a\"", "99999999999", "\"static\""];
        let gateway = tgw("tgw-1", "enable");
        let mut files: Vec<(String, String)> =
            [("net.json", NET), ("t.json", gateway.as_str()), ("u.json", ATTACHMENTS), ("v.json", TABLES), ("w.json", FOREIGN)]
                .into_iter().chain(ANSWERS).map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        let count = files.len();
        for (file, at, kind, n) in edits {
            let text = &mut files[file % count].1;
            let at = at % text.len();
            if kind == 0 {
                text.drain(at..(at + n).min(text.len()));
            } else if let Some(colon) = text[at..].find(':') {
                let from = at + colon + 1;
                let to = from + text[from..].find([',', '}', ']']).unwrap_or(0);
                text.replace_range(from..to, BITS[n % BITS.len()]);
            }
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let import = read(&files);
        names_are_there(&import.spec);
        if !any_error(&import.diagnostics) {
            let (again, said) = vpcsim_engine::spec::read(FileIx(0), to_yaml(&import.spec).as_bytes());
            prop_assert!(again.as_ref() == Some(&import.spec), "{said:?}");
        }
    }
}
