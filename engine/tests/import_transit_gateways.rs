//! Transit gateways in small exports, written by hand after AWS's API reference.

#[path = "import_transit_gateways/bad.rs"]
mod bad;
#[path = "import_transit_gateways/beside.rs"]
mod beside;

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
