//! Traffic mirroring in a small export, written by hand after AWS's API reference.

use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::{FileIx, any_error};
use vpcsim_engine::fabric::MirrorTarget;
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::write::to_yaml;
use vpcsim_engine::spec::{TrafficMirrorAction, TrafficMirrorNetworkService};

const NET: &str = r#"{"Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}],
    "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-a", "AvailabilityZone": "us-east-1a", "CidrBlock": "10.0.0.0/24"}],
    "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-a", "InterfaceType": "interface", "PrivateIpAddress": "10.0.0.10"},
    {"NetworkInterfaceId": "eni-2", "SubnetId": "subnet-1", "VpcId": "vpc-a", "InterfaceType": "interface", "PrivateIpAddress": "10.0.0.20"}]}"#;

const TARGETS: &str = r#"{"TrafficMirrorTargets": [
    {"TrafficMirrorTargetId": "tmt-1", "NetworkInterfaceId": "eni-2", "Type": "network-interface", "OwnerId": "111122223333",
     "Description": "sensor", "Tags": [{"Key": "Name", "Value": "ids"}]},
    {"TrafficMirrorTargetId": "tmt-2", "Type": "network-load-balancer", "OwnerId": "111122223333", "Tags": [],
     "NetworkLoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/net/sensors/7417adf3"},
    {"TrafficMirrorTargetId": "tmt-3", "NetworkInterfaceId": "eni-9", "Type": "network-interface", "OwnerId": "444455556666"}]}"#;

const FILTERS: &str = r#"{"TrafficMirrorFilters": [{"TrafficMirrorFilterId": "tmf-1", "NetworkServices": ["amazon-dns"],
    "Description": "web", "Tags": [],
    "EgressFilterRules": [],
    "IngressFilterRules": [
    {"TrafficMirrorFilterRuleId": "tmfr-2", "TrafficMirrorFilterId": "tmf-1", "TrafficDirection": "ingress", "RuleNumber": 20,
     "RuleAction": "reject", "DestinationCidrBlock": "::/0", "SourceCidrBlock": "2001:db8::/32"},
    {"TrafficMirrorFilterRuleId": "tmfr-1", "TrafficMirrorFilterId": "tmf-1", "TrafficDirection": "ingress", "RuleNumber": 10,
     "RuleAction": "accept", "Protocol": 6, "DestinationPortRange": {"FromPort": 80, "ToPort": 443},
     "SourcePortRange": {"FromPort": 0, "ToPort": 65535}, "DestinationCidrBlock": "10.0.0.0/16",
     "SourceCidrBlock": "0.0.0.0/0", "Description": "clear text"}]}]}"#;

const SESSIONS: &str = r#"{"TrafficMirrorSessions": [
    {"TrafficMirrorSessionId": "tms-1", "TrafficMirrorTargetId": "tmt-1", "TrafficMirrorFilterId": "tmf-1",
     "NetworkInterfaceId": "eni-1", "OwnerId": "111122223333", "PacketLength": 100, "SessionNumber": 1,
     "VirtualNetworkId": 7159709, "Description": "all of it", "Tags": []},
    {"TrafficMirrorSessionId": "tms-2", "TrafficMirrorTargetId": "tmt-2", "TrafficMirrorFilterId": "tmf-1",
     "NetworkInterfaceId": "eni-1", "OwnerId": "111122223333", "PacketLength": 8500, "SessionNumber": 2, "VirtualNetworkId": 77},
    {"TrafficMirrorSessionId": "tms-3", "TrafficMirrorTargetId": "tmt-3", "TrafficMirrorFilterId": "tmf-1",
     "NetworkInterfaceId": "eni-1", "OwnerId": "111122223333", "SessionNumber": 3, "VirtualNetworkId": 78}]}"#;

fn read(files: &[(&str, &str)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text: text.as_bytes() }).collect();
    aws(&files)
}

/// MIR-2, MIR-9: what AWS describes is what the topology says, and it compiles; a load balancer is not modelled.
#[test]
fn sessions_targets_and_filters() {
    let import = read(&[("n.json", NET), ("t.json", TARGETS), ("f.json", FILTERS), ("s.json", SESSIONS)]);
    assert!(!any_error(&import.diagnostics), "{:?}", import.diagnostics);
    let spec = &import.spec;
    let target = &spec.traffic_mirror_targets["tmt-1"];
    assert_eq!(target.network_interface.as_ref().unwrap().value, "eni-2");
    assert_eq!((target.name_tag.as_deref(), target.description.as_deref()), (Some("ids"), Some("sensor")));
    let nlb = &spec.traffic_mirror_targets["tmt-2"].network_load_balancer;
    assert_eq!(nlb.as_ref().unwrap().value, "net/sensors/7417adf3");
    let filter = &spec.traffic_mirror_filters["tmf-1"];
    assert_eq!(filter.network_services[0].value, TrafficMirrorNetworkService::AmazonDns);
    let rules: Vec<_> =
        filter.ingress.iter().map(|r| (r.rule.value, r.action, r.from.to_string(), r.to.to_string())).collect();
    assert_eq!(
        rules,
        [
            (10, TrafficMirrorAction::Accept, "0.0.0.0/0".to_owned(), "10.0.0.0/16".to_owned()),
            (20, TrafficMirrorAction::Reject, "2001:db8::/32".to_owned(), "::/0".to_owned()),
        ]
    );
    assert_eq!(filter.ingress[0].destination_ports.map(|p| (p.from, p.to)), Some((80, 443)));
    assert_eq!(filter.ingress[0].source_ports, None);
    let session = &spec.traffic_mirror_sessions["tms-1"];
    assert_eq!((session.session_number.value, session.virtual_network_id.unwrap().value), (1, 7_159_709));
    assert_eq!(session.packet_length.unwrap().value, 100);
    let understood = &import.report.understood;
    assert!(understood.iter().any(|(kind, n)| (*kind, *n) == ("traffic mirror session", 2)), "{understood:?}");

    let (network, diagnostics) = compile(spec);
    let fabric = network.unwrap_or_else(|| panic!("{diagnostics:?}")).fabric;
    let targets: Vec<bool> = fabric.mirror_sessions.iter().map(|s| matches!(s.target, MirrorTarget::Eni(_))).collect();
    assert_eq!(targets, [true, false]);

    // What was written reads as the same.
    let (again, diagnostics) = vpcsim_engine::spec::read(FileIx(0), to_yaml(spec).as_bytes());
    assert_eq!(diagnostics, []);
    assert_eq!(to_yaml(&again.unwrap()), to_yaml(spec));
}

/// What the export lacks is in the report, and what needs it is left out.
#[test]
fn what_is_missing_is_told() {
    let import = read(&[("n.json", NET), ("t.json", TARGETS), ("f.json", FILTERS), ("s.json", SESSIONS)]);
    let missing: Vec<_> = import.report.missing_references.iter().map(|m| (m.from.as_str(), m.to.as_str())).collect();
    assert!(missing.contains(&("tmt-3", "eni-9")) && missing.contains(&("tms-3", "tmt-3")), "{missing:?}");
    assert!(!import.spec.traffic_mirror_sessions.contains_key("tms-3"));
    let alone = read(&[("n.json", NET), ("s.json", SESSIONS)]);
    assert!(!any_error(&alone.diagnostics), "{:?}", alone.diagnostics);
    assert!(alone.spec.traffic_mirror_sessions.is_empty());
}

/// A rule that says nothing valid is an error with its filter and number; the others are read.
#[test]
fn bad_rules() {
    for (from, to, says) in [
        (
            r#""RuleAction": "accept""#,
            r#""RuleAction": "allow""#,
            "RuleAction `allow` is neither `accept` nor `reject`",
        ),
        (r#""SourceCidrBlock": "0.0.0.0/0""#, r#""SourceCidrBlock": """#, "no SourceCidrBlock"),
        (r#""FromPort": 80, "ToPort": 443"#, r#""FromPort": 443, "ToPort": 80"#, "ports 443-80 run backwards"),
        (r#"["amazon-dns"]"#, r#"["amazon-ntp"]"#, "NetworkServices `amazon-ntp` is not `amazon-dns`"),
    ] {
        let filters = FILTERS.replace(from, to);
        assert_ne!(filters, FILTERS);
        let import = read(&[("n.json", NET), ("f.json", &filters)]);
        let found: Vec<_> = import.diagnostics.iter().filter(|d| d.code == "bad-mirror-filter").collect();
        assert!(found.len() == 1 && found[0].message.contains(says), "{:?}", import.diagnostics);
        assert!(import.spec.traffic_mirror_filters.contains_key("tmf-1"));
    }
}
