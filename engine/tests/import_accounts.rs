//! Real accounts: what is in the Spec is what the JSON says. The numbers were counted in the JSON, not
//! in the output. Skipped, with a line saying so, where the data is not there.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use proptest::prelude::*;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use vpcsim_engine::diag::{Severity, any_error};
use vpcsim_engine::import::{Import, JsonFile, aws};
use vpcsim_engine::spec::write::{to_json, to_yaml};
use vpcsim_engine::spec::{EndpointType, PublicIp, RouteState, Spec};

const LABS: [&str; 6] = [
    "aws/hybrid-cloud",
    "measured/instance_multiple_interface",
    "measured/multi_account_vpc_peering",
    "measured/nlb_targets_ip",
    "measured/tgw_multi_az_intra_region",
    "measured/vpc_endpoints",
];

type Files = Vec<(String, Vec<u8>)>;

fn files(lab: &str) -> Option<Files> {
    let dir: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(lab).join("aws_configs");
    if !dir.is_dir() {
        println!("skipped: {} is not there", dir.display());
        return None;
    }
    let (mut files, mut dirs) = (Vec::new(), vec![dir.clone()]);
    while let Some(next) = dirs.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(&dir).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    Some(files)
}

fn import(files: &[(String, Vec<u8>)]) -> Import {
    let files: Vec<JsonFile<'_>> = files.iter().map(|(path, text)| JsonFile { path, text }).collect();
    aws(&files)
}

fn lab(name: &str) -> Option<Import> {
    let import = import(&files(name)?);
    assert!(!any_error(&import.diagnostics), "{name}: {:?}", import.diagnostics);
    Some(import)
}

/// VPCs, subnets, tables, routes but `local`, ACLs, rows below 32767, groups, rules, lists, IGWs, NATs, ENIs, instances, others.
fn counts(spec: &Spec) -> [usize; 14] {
    let rows = |lists: Vec<Option<usize>>| lists.into_iter().map(|n| n.expect("always written")).sum();
    [
        spec.vpcs.len(),
        spec.subnets.len(),
        spec.route_tables.len(),
        spec.route_tables.values().map(|t| t.routes.len()).sum(),
        spec.network_acls.len(),
        rows(
            spec.network_acls
                .values()
                .flat_map(|a| [&a.inbound, &a.outbound])
                .map(|l| l.as_ref().map(Vec::len))
                .collect(),
        ),
        spec.security_groups.len(),
        rows(
            spec.security_groups
                .values()
                .flat_map(|g| [&g.inbound, &g.outbound])
                .map(|l| l.as_ref().map(Vec::len))
                .collect(),
        ),
        spec.prefix_lists.len(),
        spec.internet_gateways.len(),
        spec.nat_gateways.len(),
        spec.network_interfaces.len(),
        spec.instances.len(),
        spec.not_modelled.len(),
    ]
}

#[test]
fn every_account_has_what_its_json_says() {
    // The last number of hybrid-cloud is the 3 of the JSON, a deleted NAT gateway and a foreign group.
    for (name, expected) in LABS.into_iter().zip([
        [4, 10, 5, 9, 4, 8, 11, 43, 2, 3, 0, 9, 4, 5],
        [1, 3, 3, 1, 2, 4, 6, 22, 2, 1, 0, 6, 4, 0],
        [2, 2, 4, 4, 4, 10, 4, 12, 2, 2, 0, 2, 2, 0],
        [2, 3, 5, 5, 4, 10, 7, 30, 2, 2, 1, 10, 5, 8],
        [2, 14, 6, 7, 9, 22, 6, 38, 4, 2, 2, 14, 7, 0],
        [1, 3, 4, 3, 2, 4, 2, 4, 2, 1, 1, 5, 3, 0],
    ]) {
        let Some(import) = lab(name) else { return };
        assert_eq!(counts(&import.spec), expected, "{name}");
    }
}

/// Peerings, transit gateways, attachments of VPCs, tables of transit gateways, endpoints.
#[test]
fn what_connects_vpcs_is_what_the_json_says() {
    for (name, expected) in LABS.into_iter().zip([
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [0, 1, 2, 1, 0],
        [0, 0, 0, 0, 2],
    ]) {
        let Some(Import { spec, .. }) = lab(name) else { return };
        let found = [
            spec.vpc_peering_connections.len(),
            spec.transit_gateways.len(),
            spec.transit_gateway_vpc_attachments.len(),
            spec.transit_gateway_route_tables.len(),
            spec.vpc_endpoints.len(),
        ];
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_peering_of_two_accounts_is_one() {
    let Some(import) = lab("measured/multi_account_vpc_peering") else { return };
    let yaml = to_yaml(&import.spec);
    let wanted = [
        "  pcx-0040f7640e10191f4:",
        "    name_tag: pcx-bat-fish-r",
        "    accepter: vpc-05951c91977125d2e",
        "    requester: vpc-0f44fae3468d2b998",
    ];
    assert!(yaml.contains(&wanted.join("\n")), "{yaml}");
    let route = &import.spec.route_tables["rtb-0039abf2a28b091bb"].routes[0];
    assert_eq!((route.to.as_str(), route.via.as_str()), ("10.2.0.0/16", "pcx-0040f7640e10191f4"));
    // Both were deleted by 028403472736, and no route names them.
    let skipped: Vec<&str> =
        import.report.skipped.iter().map(|s| s.id.as_str()).filter(|id| id.starts_with("pcx")).collect();
    assert_eq!(skipped, ["pcx-00eeab4f3bd2a40da", "pcx-07d8d712b329b9337"]);
    let warned: Vec<_> = import.diagnostics.iter().filter(|d| d.message.contains("pcx-")).collect();
    assert!(warned.is_empty(), "{warned:?}");
    assert!(import.spec.security_groups.values().all(|group| group.account.is_none()));
}

#[test]
fn a_transit_gateway_has_its_attachments_and_its_table() {
    let Some(import) = lab("measured/tgw_multi_az_intra_region") else { return };
    let spec = &import.spec;
    let tgw = &spec.transit_gateways["tgw-02a2e50acb03f0952"];
    assert_eq!((tgw.asn, tgw.name_tag.as_deref()), (Some(64512), Some("tgw")));
    assert_eq!((&tgw.region, &tgw.account), (&None, &None), "those of the VPCs");
    assert_eq!(tgw.default_route_table_association, Some(false));
    assert_eq!(tgw.default_route_table_propagation, Some(false));
    let list =
        |names: &[vpcsim_engine::spec::Spanned<String>]| names.iter().map(|n| n.value.clone()).collect::<Vec<_>>();
    let prod = &spec.transit_gateway_vpc_attachments["tgw-attach-039ef9600c7bc8b71"];
    assert_eq!((prod.vpc.as_str(), prod.name_tag.as_deref(), prod.ipv6), ("vpc-0e578e50686443ca0", Some("prod"), None));
    let subnets = ["subnet-01cd4a0ff99cb799a", "subnet-08b1e7e4453d9149d", "subnet-0280629ca5dbc9bf7"];
    let enis = ["eni-09c2562d9d1096fdc", "eni-01eac779e9e1803e9", "eni-083bcff0a2f9bc382"];
    assert_eq!(
        (list(&prod.subnets), list(&prod.network_interfaces)),
        (subnets.map(str::to_owned).into(), enis.map(str::to_owned).into())
    );
    let dev = &spec.transit_gateway_vpc_attachments["tgw-attach-0c0c0a95cb9ea7e8a"];
    assert_eq!(list(&dev.network_interfaces), ["eni-0f8ec9364e0b78876", "eni-057d89064714a217c"]);
    let table = &spec.transit_gateway_route_tables["tgw-rtb-0954551fe41f4869d"];
    let both = ["tgw-attach-039ef9600c7bc8b71", "tgw-attach-0c0c0a95cb9ea7e8a"];
    assert_eq!(
        (list(&table.associations), list(&table.propagations)),
        (both.map(str::to_owned).into(), both.map(str::to_owned).into())
    );
    assert!(table.routes.is_empty() && !table.default_association && !table.default_propagation);
    let to_it =
        spec.route_tables.values().flat_map(|t| &t.routes).filter(|r| r.via.as_str() == "tgw-02a2e50acb03f0952");
    assert_eq!(to_it.count(), 3);
    let warned: Vec<_> = import.diagnostics.iter().filter(|d| d.message.contains("tgw-")).collect();
    assert!(warned.is_empty(), "{warned:?}");
}

#[test]
fn endpoints_have_their_tables_lists_and_interfaces() {
    let Some(import) = lab("measured/vpc_endpoints") else { return };
    let spec = &import.spec;
    let s3 = &spec.vpc_endpoints["vpce-0532038c44e8de847"];
    assert_eq!((s3.kind, s3.service.as_str()), (EndpointType::Gateway, "com.amazonaws.us-east-1.s3"));
    assert_eq!(s3.prefix_list.as_ref().map(|l| l.as_str()), Some("pl-63a5400a"));
    assert_eq!((s3.route_tables.len(), s3.route_tables[0].as_str()), (1, "rtb-0ad9877dacd3d5818"));
    let ec2 = &spec.vpc_endpoints["vpce-0c84758dae8076c02"];
    assert_eq!((ec2.kind, ec2.private_dns, ec2.dns_names.len()), (EndpointType::Interface, Some(true), 3));
    assert_eq!(ec2.network_interfaces[0].as_str(), "eni-0bd26d2cdca2c4478");
    assert_eq!(ec2.subnets[0].as_str(), "subnet-09de87bd086777dad");
    assert_eq!(ec2.security_groups.as_ref().unwrap()[0].as_str(), "sg-06f0f68d3c6a6c163");
    for endpoint in [s3, ec2] {
        assert!(!endpoint.restrictive_policy && !endpoint.unavailable);
    }
    let route = spec.route_tables["rtb-0ad9877dacd3d5818"].routes.iter().find(|r| r.to.as_str() == "pl-63a5400a");
    assert_eq!(route.map(|r| r.via.as_str()), Some("vpce-0532038c44e8de847"));
    assert!(spec.network_interfaces.contains_key("eni-0bd26d2cdca2c4478"));
}

#[test]
fn the_hybrid_cloud_keeps_its_secrets_and_its_blackhole() {
    let Some(import) = lab("aws/hybrid-cloud") else { return };
    let table = &import.spec.route_tables["rtb-f28e418b"];
    assert_eq!(
        (table.routes[0].via.as_str(), table.routes[0].state),
        ("nat-055c00735cace0ec4", Some(RouteState::Blackhole))
    );
    assert_eq!(import.spec.not_modelled["nat-055c00735cace0ec4"].kind, "deleted resource");
    for modelled in ["vgw-81fd279f", "vpn-ba2e34a8", "cgw-fb76ace5"] {
        assert!(!import.spec.not_modelled.contains_key(modelled), "{modelled}");
    }
    assert!(import.spec.not_modelled.contains_key("sg-cf3f86b3"), "named by a rule of sg-55510831, not in the export");
    assert_eq!(import.spec.region.as_ref().map(|r| r.as_str()), Some("us-west-2"));
    let report = serde_json::to_string(&import.report).unwrap() + &import.report.to_text();
    let said =
        format!("{:?}{:?}{report}{}{}", import.spec, import.diagnostics, to_yaml(&import.spec), to_json(&import.spec));
    for secret in ["example-not-a-key", "pre_shared", "ipsec", "perfect_forward"] {
        assert!(!said.contains(secret), "{secret}");
    }
}

#[test]
fn a_truncated_vpn_file_shows_no_line() {
    let Some(mut files) = files("aws/hybrid-cloud") else { return };
    let ix = files.iter().position(|(name, _)| name.ends_with("VpnConnections.json")).unwrap();
    files[ix].1.truncate(2_500);
    let import = import(&files);
    let errors: Vec<_> = import.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert_eq!((errors.len(), errors[0].code, errors[0].span.is_some()), (1, "json-syntax", false));
    assert_eq!(usize::from(errors[0].span.file.0), ix);
    assert!(!format!("{errors:?}").contains("example-not-a-key"));
}

#[test]
fn rows_and_interfaces_are_those_of_the_json() {
    let Some(import) = lab("measured/nlb_targets_ip") else { return };
    let yaml = to_yaml(&import.spec);
    for line in [
        "      - {rule: 10, action: allow, protocol: tcp, ports: 22, from: 10.1.1.100/32}",
        "      - {rule: 20, action: deny, protocol: tcp, ports: 22, from: 0.0.0.0/0}",
        "      - {private: 10.2.1.243, public: 54.161.209.45}",
        "    interface_type: network_load_balancer",
    ] {
        assert!(yaml.lines().any(|l| l == line), "{line}\n{yaml}");
    }
    let subnet = &import.spec.subnets["subnet-04d15cce6679834e2"];
    assert_eq!(subnet.network_acl.as_ref().map(|a| a.as_str()), Some("acl-05f6b00218553bda9"));
    let nat = &import.spec.nat_gateways["nat-06826c381f3bb3106"];
    assert_eq!(nat.network_interface.as_ref().map(|e| e.as_str()), Some("eni-05cdc62bc2617e360"));

    let Some(import) = lab("measured/instance_multiple_interface") else { return };
    let eni = &import.spec.network_interfaces["eni-0eedf785ae57bef40"];
    assert_eq!(eni.public_ip.as_ref().unwrap().value, PublicIp::Address("23.20.84.152".parse().unwrap()));
    assert_eq!((eni.instance.as_ref().unwrap().as_str(), eni.device_index), ("i-0570aa766f3473c7b", Some(1)));
    assert_eq!(eni.security_groups.as_ref().unwrap()[0].as_str(), "sg-07231a7a2f2175ee4");

    let Some(import) = lab("measured/multi_account_vpc_peering") else { return };
    let accounts: Vec<&str> = import.spec.vpcs.values().map(|v| v.account.as_ref().unwrap().as_str()).collect();
    assert!(accounts.contains(&"028403472736") && accounts.contains(&"951601349076"), "{accounts:?}");
    assert!(import.spec.account.is_none());
}

#[test]
fn the_order_and_the_names_of_files_change_nothing() {
    for name in LABS {
        let Some(mut files) = files(name) else { return };
        let first = import(&files);
        files.reverse();
        let second = import(&files);
        files.sort_by_key(|(path, text)| (text.len(), path.clone()));
        for (ix, (path, _)) in files.iter_mut().enumerate() {
            let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            *path = format!("{folder}{ix}.JSON");
        }
        let third = import(&files);
        for other in [second, third] {
            assert_eq!(first.spec, other.spec, "{name}");
            assert_eq!(first.report, other.report, "{name}");
            assert_eq!(to_yaml(&first.spec), to_yaml(&other.spec), "{name}");
        }
    }
}

#[test]
fn instances_alone_give_the_same_interfaces_that_serve_them() {
    for name in LABS {
        let Some(mut files) = files(name) else { return };
        let whole = import(&files).spec;
        files.retain(|(path, _)| !path.ends_with("/NetworkInterfaces.json"));
        let part = import(&files).spec;
        for (id, eni) in whole.network_interfaces.iter().filter(|(_, eni)| eni.instance.is_some()) {
            let copy = &part.network_interfaces[id.as_str()];
            assert_eq!(
                (&copy.address, &copy.instance, copy.device_index),
                (&eni.address, &eni.instance, eni.device_index)
            );
            assert_eq!(
                (&copy.public_ip, &copy.security_groups, &copy.subnet),
                (&eni.public_ip, &eni.security_groups, &eni.subnet)
            );
        }
    }
}

/// What a YAML reader makes of the text, with the words of every version of YAML resolved.
fn yaml_value(text: &str) -> Value {
    fn put(stack: &mut Vec<(Value, Option<String>)>, value: Value) {
        match stack.last_mut() {
            Some((Value::Array(list), _)) => list.push(value),
            Some((Value::Object(map), key @ None)) => {
                let Value::String(name) = value else { panic!("key {value} is not a string") };
                assert!(!map.contains_key(&name), "{name} twice");
                *key = Some(name);
            }
            Some((Value::Object(map), key)) => _ = map.insert(key.take().unwrap(), value),
            _ => stack.push((value, None)),
        }
    }
    let mut stack = Vec::new();
    for event in Parser::new_from_str(text) {
        match event.unwrap().0 {
            Event::MappingStart(..) => stack.push((Value::Object(Map::new()), None)),
            Event::SequenceStart(..) => stack.push((Value::Array(Vec::new()), None)),
            Event::MappingEnd | Event::SequenceEnd => {
                let (value, _) = stack.pop().unwrap();
                put(&mut stack, value);
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => {
                let word = match text.as_ref() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    other => other.parse::<i64>().map_or_else(|_| Value::String(other.to_owned()), Value::from),
                };
                put(&mut stack, word);
            }
            Event::Scalar(text, ..) => put(&mut stack, Value::String(text.into_owned())),
            _ => {}
        }
    }
    stack.pop().unwrap().0
}

#[test]
fn written_yaml_and_json_say_the_same() {
    for name in LABS {
        let Some(import) = lab(name) else { return };
        let json: Value = serde_json::from_str(&to_json(&import.spec)).unwrap();
        assert_eq!(yaml_value(&to_yaml(&import.spec)), json, "{name}");
    }
}

fn corpus() -> &'static Files {
    static CORPUS: std::sync::OnceLock<Files> = std::sync::OnceLock::new();
    CORPUS.get_or_init(|| {
        let mut all = files("aws/hybrid-cloud").unwrap_or_default();
        for lab in ["vpc_endpoints", "multi_account_vpc_peering", "tgw_multi_az_intra_region"] {
            all.extend(files(&format!("measured/{lab}")).unwrap_or_default());
        }
        all.retain(|(_, text)| text.len() > 100 && text.len() < 20_000);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes of real files replaced, removed and doubled: a Spec, diagnostics, but never a panic; the text
    /// that is written can be read whatever the names are.
    #[test]
    fn bad_input_never_panics(
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), 0..6usize, 0..64usize), 1..40)
    ) {
        let mut files = corpus().clone();
        prop_assume!(!files.is_empty());
        let count = files.len();
        const BITS: [&str; 16] = ["null", "\"\"", "[]", "{}", "-1", "1e9", "true", "\"x: y\"", "\\u2028", "\0", "\"", ",", "99999999999", "]", "\u{e9}", "é#"];
        for (file, at, kind, n) in edits {
            let text = &mut files[file % count].1;
            let at = at % text.len().max(1);
            let end = (at + n).min(text.len());
            match kind {
                0 => text.truncate(at),
                1 => _ = text.drain(at..end),
                2 => { let part = text[at..end].to_vec(); text.splice(at..at, part); }
                3 => if let Some(byte) = text.get_mut(at) { *byte = byte.wrapping_add(n as u8) },
                // A value for another: the JSON stays well formed more often.
                4 => if let Some(colon) = text[at..].iter().position(|b| *b == b':') {
                    let from = at + colon + 1;
                    let to = from + text[from..].iter().position(|b| matches!(b, b',' | b'}' | b'\n')).unwrap_or(0);
                    text.splice(from..to, BITS[n % BITS.len()].bytes());
                },
                _ => _ = text.splice(at..at, BITS[n % BITS.len()].bytes()),
            }
        }
        let import = import(&files);
        let json: Value = serde_json::from_str(&to_json(&import.spec)).unwrap();
        prop_assert_eq!(yaml_value(&to_yaml(&import.spec)), json);
        prop_assert!(!import.report.to_text().contains("example-not-a-key"));
    }
}
