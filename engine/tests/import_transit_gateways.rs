//! Transit gateways in small exports, written by hand after AWS's API reference.

use proptest::prelude::*;
use std::collections::BTreeSet;
use vpcsim_engine::diag::{Diagnostic, FileIx, Severity, any_error};
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::write::to_yaml;
use vpcsim_engine::spec::{AttachmentState, RouteOrigin, Spanned, Spec, TransitGateway, TransitGatewayRouteTable};

/// Two VPCs of two accounts; `eni-1` and `eni-2` are of `tgw-attach-a`.
const NET: &str = r#"{"Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"},
    {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16", "OwnerId": "444455556666"}],
    "Subnets": [
    {"SubnetId": "subnet-1", "VpcId": "vpc-a", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0.0/24"},
    {"SubnetId": "subnet-2", "VpcId": "vpc-a", "AvailabilityZone": "us-east-1b", "CidrBlock": "10.0.1.0/24"},
    {"SubnetId": "subnet-3", "VpcId": "vpc-b", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.1.0.0/24"}],
    "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "InterfaceType": "transit_gateway", "PrivateIpAddress": "10.0.0.9",
     "Description": "Network Interface for Transit Gateway Attachment tgw-attach-a"},
    {"NetworkInterfaceId": "eni-2", "SubnetId": "subnet-2", "PrivateIpAddress": "10.0.1.9",
     "Description": "Network Interface for Transit Gateway Attachment tgw-attach-a"},
    {"NetworkInterfaceId": "eni-3", "SubnetId": "subnet-3", "InterfaceType": "transit_gateway", "PrivateIpAddress": "10.1.0.9"},
    {"NetworkInterfaceId": "eni-4", "SubnetId": "subnet-3", "PrivateIpAddress": "10.1.0.10"}]}"#;

/// A transit gateway that associates and propagates as `option` says.
fn tgw(id: &str, option: &str) -> String {
    format!(
        r#"{{"TransitGateways": [{{"TransitGatewayId": "{id}", "OwnerId": "111122223333", "State": "available",
        "TransitGatewayArn": "arn:aws:ec2:us-east-1:111122223333:transit-gateway/{id}", "Options": {{"AmazonSideAsn": 64600,
        "DefaultRouteTableAssociation": "{option}", "DefaultRouteTablePropagation": "{option}"}}}}]}}"#
    )
}

const ATTACHMENTS: &str = r#"{"TransitGatewayVpcAttachments": [
    {"TransitGatewayAttachmentId": "tgw-attach-a", "TransitGatewayId": "tgw-1", "VpcId": "vpc-a", "VpcOwnerId": "111122223333",
     "State": "available", "SubnetIds": ["subnet-2", "subnet-1"], "Options": {"DnsSupport": "disable",
     "SecurityGroupReferencingSupport": "disable", "Ipv6Support": "enable", "ApplianceModeSupport": "enable"},
     "Tags": [{"Key": "Name", "Value": "inspection"}]},
    {"TransitGatewayAttachmentId": "tgw-attach-b", "TransitGatewayId": "tgw-1", "VpcId": "vpc-b", "VpcOwnerId": "444455556666",
     "State": "modifying", "SubnetIds": ["subnet-3"], "Options": {"DnsSupport": "enable",
     "SecurityGroupReferencingSupport": "enable", "Ipv6Support": "disable", "ApplianceModeSupport": "disable"}}]}"#;

const TABLES: &str = r#"{"TransitGatewayRouteTables": [
    {"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available",
     "DefaultAssociationRouteTable": true, "DefaultPropagationRouteTable": true},
    {"TransitGatewayRouteTableId": "tgw-rtb-2", "TransitGatewayId": "tgw-1", "State": "available",
     "DefaultAssociationRouteTable": false, "DefaultPropagationRouteTable": false},
    {"TransitGatewayRouteTableId": "tgw-rtb-3", "TransitGatewayId": "tgw-1", "State": "deleted"}]}"#;

fn read(files: &[(&str, &str)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text: text.as_bytes() }).collect();
    aws(&files)
}

/// Beside the VPCs. No error is expected.
fn with(files: &[(&str, &str)]) -> Import {
    let import = read(&[&[("net.json", NET)], files].concat());
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    names_are_there(&import.spec);
    import
}

/// Beside the VPCs, a transit gateway, its attachments and its tables.
fn with_tables(files: &[(&str, &str)]) -> Import {
    let gateway = tgw("tgw-1", "enable");
    with(&[&[("t.json", gateway.as_str()), ("u.json", ATTACHMENTS), ("v.json", TABLES)], files].concat())
}

/// Messages of one code, but for the kinds that every one of these exports lacks.
fn messages<'a>(import: &'a Import, code: &str) -> Vec<&'a str> {
    let found = import.diagnostics.iter().filter(|d| d.code == code).map(|d| d.message.as_str());
    found.filter(|m| !m.starts_with("no file holds")).collect()
}

fn only(import: &Import, code: &str) -> Diagnostic {
    let found: Vec<_> = import.diagnostics.iter().filter(|d| d.code == code).collect();
    assert_eq!(found.len(), 1, "{:?}", import.diagnostics);
    found[0].clone()
}

fn quiet(import: &Import) {
    let said: Vec<_> = import.diagnostics.iter().filter(|d| !d.message.starts_with("no file holds")).collect();
    assert!(said.is_empty(), "{said:?}");
}

fn names(names: &[Spanned<String>]) -> Vec<&str> {
    names.iter().map(|n| n.as_str()).collect()
}

fn name(name: &Option<Spanned<String>>) -> Option<&str> {
    name.as_ref().map(|n| n.as_str())
}

/// Routes as `to via`, with `*` for propagated ones and `drop` for those that drop.
fn routes(table: &TransitGatewayRouteTable) -> Vec<String> {
    let line = |r: &Spanned<vpcsim_engine::spec::TransitGatewayRoute>| {
        assert_eq!(r.via.is_none(), r.blackhole);
        let star = if r.origin == Some(RouteOrigin::Propagated) { "*" } else { "" };
        format!("{} {}{star}", r.to, name(&r.via).unwrap_or("drop"))
    };
    table.routes.iter().map(line).collect()
}

/// Every name that a transit gateway's parts refer to is in the topology: of a broken export perhaps as another kind's.
fn names_are_there(spec: &Spec) {
    let mut all: BTreeSet<&str> = spec.not_modelled.keys().map(|n| n.as_str()).collect();
    macro_rules! add { ($($field:ident)*) => { $(all.extend(spec.$field.keys().map(|n| n.as_str()));)* } }
    add!(vpcs subnets prefix_lists network_interfaces transit_gateways transit_gateway_vpc_attachments
        transit_gateway_peering_attachments transit_gateway_connects transit_gateway_route_tables);
    let mut used: Vec<&Spanned<String>> = Vec::new();
    for a in spec.transit_gateway_vpc_attachments.values() {
        used.extend([&a.transit_gateway, &a.vpc].into_iter().chain(&a.subnets).chain(&a.network_interfaces));
    }
    for p in spec.transit_gateway_peering_attachments.values() {
        used.extend(p.requester.iter().chain(&p.accepter));
    }
    used.extend(spec.transit_gateway_connects.values().map(|c| &c.transport));
    for t in spec.transit_gateway_route_tables.values() {
        used.extend([&t.transit_gateway].into_iter().chain(&t.associations).chain(&t.propagations));
        used.extend(t.routes.iter().filter_map(|r| r.via.as_ref()));
        used.extend(t.routes.iter().map(|r| &r.to).filter(|to| to.parse::<vpcsim_engine::base::Cidr>().is_err()));
    }
    for d in spec.transit_gateway_multicast_domains.values() {
        used.extend([&d.transit_gateway].into_iter().chain(&d.subnets));
        used.extend(d.groups.iter().flat_map(|g| g.members.iter().chain(&g.sources)));
    }
    for name in used {
        assert!(all.contains(name.as_str()), "`{name}` is not in the topology");
    }
}

/// Answers of the plain command line, in files that name their table.
const ANSWERS: [(&str, &str); 5] = [
    (
        "get-transit-gateway-route-table-associations.tgw-rtb-1.json",
        r#"{"Associations": [{"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceId": "vpc-a", "ResourceType": "vpc",
        "State": "associated"}, {"TransitGatewayAttachmentId": "tgw-attach-c", "State": "disassociating"}]}"#,
    ),
    (
        "get-transit-gateway-route-table-associations.tgw-rtb-2.json",
        r#"{"Associations": [{"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc", "State": "associated"}]}"#,
    ),
    (
        "get-transit-gateway-route-table-propagations.tgw-rtb-1.json",
        r#"{"TransitGatewayRouteTablePropagations": [
        {"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc", "State": "enabled"},
        {"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc", "State": "disabled"}]}"#,
    ),
    (
        "search-transit-gateway-routes.tgw-rtb-1.json",
        r#"{"Routes": [
        {"DestinationCidrBlock": "10.1.0.0/16", "Type": "propagated", "State": "active", "TransitGatewayAttachments":
         [{"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc", "ResourceId": "vpc-b"}]},
        {"DestinationCidrBlock": "9.0.0.0/8", "Type": "static", "State": "blackhole"},
        {"DestinationCidrBlock": "0.0.0.0/0", "Type": "static", "State": "active", "TransitGatewayAttachments":
         [{"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc", "ResourceId": "vpc-a"}]},
        {"DestinationCidrBlock": "::/0", "Type": "static", "State": "active", "TransitGatewayAttachments":
         [{"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc"}]},
        {"DestinationCidrBlock": "8.0.0.0/8", "Type": "static", "State": "deleted"}],
        "AdditionalRoutesAvailable": false}"#,
    ),
    (
        "search-transit-gateway-routes.tgw-rtb-2.json",
        r#"{"Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "Type": "propagated", "State": "active",
        "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc"}]}]}"#,
    ),
];

#[test]
fn a_transit_gateway_of_plain_answers() {
    let import = with_tables(&ANSWERS);
    quiet(&import);
    let spec = &import.spec;
    let gateway = &spec.transit_gateways["tgw-1"];
    assert_eq!(
        (gateway.asn, gateway.region.is_none(), name(&gateway.account)),
        (Some(64600), true, Some("111122223333"))
    );
    assert_eq!(gateway.default_route_table_association, Some(false), "what is in force is listed");
    assert_eq!(gateway.default_route_table_propagation, Some(false));
    let a = &spec.transit_gateway_vpc_attachments["tgw-attach-a"];
    assert_eq!(
        (names(&a.subnets), names(&a.network_interfaces)),
        (vec!["subnet-2", "subnet-1"], vec!["eni-2", "eni-1"])
    );
    assert_eq!((a.appliance_mode, a.security_group_referencing), (Some(true), Some(false)));
    assert_eq!(
        (a.ipv6, a.dns_support, a.state, a.name_tag.as_deref()),
        (Some(true), Some(false), None, Some("inspection"))
    );
    let b = &spec.transit_gateway_vpc_attachments["tgw-attach-b"];
    assert_eq!((b.appliance_mode, b.security_group_referencing, b.ipv6, b.dns_support), (None, None, None, None));
    assert_eq!((b.state, names(&b.network_interfaces)), (Some(AttachmentState::Modifying), vec!["eni-3"]));
    let table = |id: &str| &spec.transit_gateway_route_tables[id];
    assert!(!table("tgw-rtb-1").default_association && !table("tgw-rtb-1").default_propagation);
    assert_eq!(names(&table("tgw-rtb-1").associations), ["tgw-attach-a"]);
    assert_eq!(names(&table("tgw-rtb-2").associations), ["tgw-attach-b"]);
    assert_eq!(names(&table("tgw-rtb-1").propagations), ["tgw-attach-b"]);
    assert_eq!(names(&table("tgw-rtb-2").propagations), ["tgw-attach-a"], "no file lists them, but a route shows it");
    assert_eq!(routes(table("tgw-rtb-1")), ["0.0.0.0/0 tgw-attach-a", "9.0.0.0/8 drop", "::/0 tgw-attach-b"]);
    assert_eq!(routes(table("tgw-rtb-2")), [""; 0]);
    assert_eq!((spec.transit_gateway_route_tables.len(), spec.not_modelled.len()), (2, 0));
    assert!(import.report.skipped.iter().any(|s| s.id == "tgw-rtb-3" && s.why == "state deleted"));
    let understood = &import.report.understood;
    assert_eq!((understood["transit gateway"], understood["transit gateway VPC attachment"]), (1, 2));
    assert_eq!(understood["transit gateway route table"], 2);
    assert!(import.report.ignored_keys.is_empty(), "{:?}", import.report.ignored_keys);
}

#[test]
fn the_same_in_the_form_of_collectors() {
    let wrapped = |key: &str, inner: &[(&str, usize)]| {
        let one = |(table, answer): &(&str, usize)| {
            let answer = ANSWERS[*answer].1.trim_start_matches('{');
            format!(r#"{{"TransitGatewayRouteTableId": "{table}", {answer}"#)
        };
        format!(r#"{{"{key}": [{}]}}"#, inner.iter().map(one).collect::<Vec<_>>().join(","))
    };
    let associated = |id: &str, table: &str, state: &str| {
        format!(
            r#"{{"TransitGatewayAttachmentId": "{id}", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "State": "available",
            "Association": {{"TransitGatewayRouteTableId": "{table}", "State": "{state}"}}}}"#
        )
    };
    let attachments = format!(
        r#"{{"TransitGatewayAttachments": [{}, {}]}}"#,
        associated("tgw-attach-a", "tgw-rtb-1", "associated"),
        associated("tgw-attach-b", "tgw-rtb-2", "associating")
    );
    let import = with_tables(&[
        ("1.json", &attachments),
        ("2.json", &wrapped("TransitGatewayPropagations", &[("tgw-rtb-1", 2)])),
        ("3.json", &wrapped("TransitGatewayStaticRoutes", &[("tgw-rtb-1", 3), ("tgw-rtb-2", 4)])),
    ]);
    quiet(&import);
    let plain = with_tables(&ANSWERS);
    assert_eq!(import.spec, plain.spec);
    // Every answer with the id beside it and nothing in the file's name.
    let beside: Vec<String> =
        [("tgw-rtb-1", 0), ("tgw-rtb-2", 1), ("tgw-rtb-1", 2), ("tgw-rtb-1", 3), ("tgw-rtb-2", 4)]
            .iter()
            .map(|(table, answer)| {
                format!(r#"{{"TransitGatewayRouteTableId": "{table}", {}"#, ANSWERS[*answer].1.trim_start_matches('{'))
            })
            .collect();
    let text = beside.join("\n");
    let import = with_tables(&[("all.json", &text)]);
    quiet(&import);
    assert_eq!(import.spec, plain.spec);
}

#[test]
fn defaults_stay_on_where_nothing_says_what_is_in_force() {
    let import = with_tables(&[]);
    let gateway = &import.spec.transit_gateways["tgw-1"];
    assert_eq!((gateway.default_route_table_association, gateway.default_route_table_propagation), (None, None));
    let table = &import.spec.transit_gateway_route_tables["tgw-rtb-1"];
    assert!(table.default_association && table.default_propagation);
    assert!(!import.spec.transit_gateway_route_tables["tgw-rtb-2"].default_association);
    let said = messages(&import, "absent-kind");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("associated with the default route table") && said[0].contains("propagate into the default")
    );
    assert!(said[1].contains("static routes of `tgw-rtb-1` and 1 more"));

    // Associations are said, propagations are not.
    let import = with_tables(&ANSWERS[..2]);
    let gateway = &import.spec.transit_gateways["tgw-1"];
    assert_eq!((gateway.default_route_table_association, gateway.default_route_table_propagation), (Some(false), None));

    // No table either: AWS's default table is what the options promise.
    let gateway = tgw("tgw-1", "enable");
    let import = with(&[("t.json", &gateway), ("u.json", ATTACHMENTS)]);
    assert_eq!(import.spec.transit_gateways["tgw-1"].default_route_table_association, None);
    assert_eq!(messages(&import, "absent-kind").len(), 1);

    // The options are off: no one knows, so packets must not be answered.
    let gateway = tgw("tgw-1", "disable");
    let route = r#"{"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Routes": [
        {"DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": "tgw-1", "State": "active"}]}]}"#;
    let import = with(&[("t.json", &gateway), ("u.json", ATTACHMENTS), ("r.json", route)]);
    let kind = |id: &str| import.spec.not_modelled[id].kind.as_str();
    assert_eq!(kind("tgw-1"), "transit gateway whose route tables the export lacks");
    assert_eq!(kind("tgw-attach-a"), "transit gateway VPC attachment");
    assert_eq!(import.spec.route_tables["rtb-1"].routes[0].via.as_str(), "tgw-1");
    assert!(only(&import, "not-in-export").help.is_some_and(|h| h.contains("of account 111122223333")));
    // Tables are there, but the options are off and nothing else is said.
    let import = with(&[("t.json", &gateway), ("u.json", ATTACHMENTS), ("v.json", TABLES)]);
    assert_eq!(import.spec.transit_gateways["tgw-1"].default_route_table_association, Some(false));
    assert!(messages(&import, "absent-kind")[0].contains("no attachment is taken to be associated"));
}

#[test]
fn a_transit_gateway_without_attachments() {
    let gateway = tgw("tgw-1", "enable");
    let import = with(&[("t.json", &gateway), ("u.json", r#"{"TransitGatewayAttachments": []}"#)]);
    quiet(&import);
    assert_eq!(import.spec.transit_gateways.len(), 1);
    // No file lists attachments at all.
    let import = with(&[("t.json", &gateway)]);
    assert_eq!(import.spec.not_modelled["tgw-1"].kind, "transit gateway whose attachments the export lacks");
    // Attachments and tables without the transit gateway.
    let import = with(&[("u.json", ATTACHMENTS), ("v.json", TABLES)]);
    assert_eq!(import.spec.not_modelled["tgw-1"].kind, "transit gateway that the export lacks");
    assert_eq!(import.spec.not_modelled["tgw-rtb-2"].kind, "transit gateway route table");
    assert!(only(&import, "not-in-export").help.is_some_and(|h| h.contains("describe-transit-gateways")));
    // It was deleted, and what hangs on it is on its way.
    let gone = gateway.replace("available", "deleted");
    let import = with(&[("t.json", &gone), ("u.json", ATTACHMENTS), ("v.json", TABLES)]);
    assert!(import.spec.transit_gateways.is_empty() && import.spec.not_modelled.is_empty());
}

const FOREIGN: &str = r#"{"TransitGatewayAttachments": [
    {"TransitGatewayAttachmentId": "tgw-attach-a", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": "vpc-a", "State": "available"},
    {"TransitGatewayAttachmentId": "tgw-attach-far", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": "vpc-far",
     "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}},
    {"TransitGatewayAttachmentId": "tgw-attach-vpn", "TransitGatewayId": "tgw-1", "ResourceType": "vpn", "ResourceId": "vpn-1",
     "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"},
     "Tags": [{"Key": "Name", "Value": "office"}]},
    {"TransitGatewayAttachmentId": "tgw-attach-dx", "TransitGatewayId": "tgw-1", "ResourceType": "direct-connect-gateway", "State": "available"},
    {"TransitGatewayAttachmentId": "tgw-attach-nf", "TransitGatewayId": "tgw-1", "ResourceType": "network-function", "State": "available"},
    {"TransitGatewayAttachmentId": "tgw-attach-con", "TransitGatewayId": "tgw-1", "ResourceType": "connect", "State": "available"},
    {"TransitGatewayAttachmentId": "tgw-attach-new", "TransitGatewayId": "tgw-1", "ResourceType": "teleporter", "State": "available"},
    {"TransitGatewayAttachmentId": "tgw-attach-dead", "TransitGatewayId": "tgw-1", "ResourceType": "vpn", "State": "deleted",
     "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}}]}"#;

#[test]
fn attachments_that_are_not_modelled_keep_their_names_and_their_routes() {
    let to = |block: &str, kind: &str, ids: &[&str]| {
        let one = |id: &&str| {
            format!(r#"{{"TransitGatewayAttachmentId": "{id}", "ResourceType": "vpn", "ResourceId": "r"}}"#)
        };
        let ids: Vec<String> = ids.iter().map(one).collect();
        format!(
            r#"{{"DestinationCidrBlock": "{block}", "Type": "{kind}", "State": "active", "TransitGatewayAttachments": [{}]}}"#,
            ids.join(",")
        )
    };
    let search = [
        to("1.0.0.0/8", "propagated", &["tgw-attach-vpn", "tgw-attach-vpn", "tgw-attach-dx"]),
        to("2.0.0.0/8", "static", &["tgw-attach-vpn"]),
        to("3.0.0.0/8", "propagated", &["tgw-attach-far"]),
        to("4.0.0.0/8", "propagated", &["tgw-attach-b"]),
        to("5.0.0.0/8", "static", &["tgw-attach-dead"]),
        to("6.0.0.0/8", "static", &["tgw-attach-unheard"]),
        to("7.0.0.0/8", "static", &[]),
        to("8.0.0.0/8", "propagated", &["tgw-attach-con"]),
    ];
    let search = format!(r#"{{"Routes": [{}]}}"#, search.join(","));
    let propagations = r#"{"TransitGatewayRouteTablePropagations": [
        {"TransitGatewayAttachmentId": "tgw-attach-vpn", "ResourceType": "vpn", "State": "enabled"},
        {"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc", "State": "enabling"},
        {"TransitGatewayAttachmentId": "tgw-attach-dead", "ResourceType": "vpn", "State": "enabled"}]}"#;
    let empty = r#"{"Routes": [], "TransitGatewayRouteTablePropagations": []}"#;
    let import = with_tables(&[
        ("w.json", FOREIGN),
        ("p.tgw-rtb-1.json", propagations),
        ("s.tgw-rtb-1.json", &search),
        ("e.tgw-rtb-2.json", empty),
    ]);
    quiet(&import);
    let kind = |id: &str| import.spec.not_modelled[id].kind.as_str();
    assert_eq!(kind("tgw-attach-far"), "transit gateway attachment of a VPC that the export lacks");
    assert_eq!(kind("tgw-attach-vpn"), "transit gateway VPN attachment");
    assert_eq!(import.spec.not_modelled["tgw-attach-vpn"].name_tag.as_deref(), Some("office"));
    assert_eq!(kind("tgw-attach-dx"), "transit gateway Direct Connect gateway attachment");
    assert_eq!(kind("tgw-attach-nf"), "transit gateway network function attachment");
    assert_eq!(kind("tgw-attach-con"), "transit gateway Connect attachment");
    assert_eq!(kind("tgw-attach-new"), "transit gateway teleporter attachment");
    assert_eq!(kind("tgw-attach-unheard"), "transit gateway VPN attachment that the export lacks");
    assert!(!import.spec.not_modelled.contains_key("tgw-attach-dead"));
    let table = &import.spec.transit_gateway_route_tables["tgw-rtb-1"];
    assert_eq!(names(&table.associations), ["tgw-attach-far", "tgw-attach-vpn"]);
    assert_eq!(names(&table.propagations), ["tgw-attach-b", "tgw-attach-vpn"]);
    assert_eq!(
        routes(table),
        [
            "1.0.0.0/8 tgw-attach-dx*",
            "1.0.0.0/8 tgw-attach-vpn*",
            "2.0.0.0/8 tgw-attach-vpn",
            "3.0.0.0/8 tgw-attach-far*",
            "5.0.0.0/8 drop",
            "6.0.0.0/8 tgw-attach-unheard",
            "7.0.0.0/8 unknown-target-of-tgw-rtb-1",
            "8.0.0.0/8 tgw-attach-con*",
        ]
    );
    let far = r#"{"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-far", "TransitGatewayId": "tgw-1",
        "VpcId": "vpc-far", "State": "available", "SubnetIds": ["subnet-far"]}]}"#;
    let import = with_tables(&[("x.json", far)]);
    assert_eq!(
        import.spec.not_modelled["tgw-attach-far"].kind,
        "transit gateway attachment of a VPC that the export lacks"
    );
}

#[test]
fn prefix_lists_are_routes() {
    let lists = r#"{"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "mine", "Cidrs": ["20.0.0.0/8"]}]}"#;
    let references = r#"{"TransitGatewayPrefixListReferences": [
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "PrefixListId": "pl-1", "State": "available", "Blackhole": false,
         "TransitGatewayAttachment": {"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc"}},
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "PrefixListId": "pl-2", "State": "available", "Blackhole": true},
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "PrefixListId": "pl-3", "State": "deleting", "Blackhole": true},
        {"PrefixListId": "pl-4", "State": "available", "Blackhole": true,
         "TransitGatewayAttachment": {"TransitGatewayAttachmentId": "tgw-attach-b"}}]}"#;
    let search = r#"{"Routes": [
        {"DestinationCidrBlock": "20.0.0.0/8", "PrefixListId": "pl-1", "Type": "propagated", "State": "active",
         "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-a", "ResourceType": "vpc"}]},
        {"DestinationCidrBlock": "30.0.0.0/8", "PrefixListId": "pl-4", "Type": "propagated", "State": "active",
         "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-b", "ResourceType": "vpc"}]},
        {"PrefixListId": "pl-5", "Type": "static", "State": "blackhole"}]}"#;
    let import =
        with_tables(&[("l.json", lists), ("references.tgw-rtb-1.json", references), ("s.tgw-rtb-1.json", search)]);
    let table = &import.spec.transit_gateway_route_tables["tgw-rtb-1"];
    // The blocks of pl-4 are not in the export, but its routes are.
    assert_eq!(routes(table), ["30.0.0.0/8 tgw-attach-b", "pl-1 tgw-attach-a", "pl-2 drop", "pl-5 drop"]);
    assert_eq!(import.spec.not_modelled["pl-2"].kind, "prefix list that the export lacks");
    assert!(!import.spec.not_modelled.contains_key("pl-1") && !import.spec.not_modelled.contains_key("pl-3"));
}

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
