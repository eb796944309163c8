//! The JSON Schemas accept what the readers accept, and name the same fields.

use serde_json::{Value, json};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::{scenario, spec};

/// Enough of draft-07 to check our own schemas; formats and patterns are left to editors.
fn valid(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = &root["definitions"][name.trim_start_matches("#/definitions/")];
        assert!(!target.is_null(), "{name} is not defined");
        return valid(value, target, root, at);
    }
    let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
    for all in schema["allOf"].as_array().into_iter().flatten() {
        valid(value, all, root, at)?;
    }
    for (key, exactly) in [("anyOf", false), ("oneOf", true)] {
        let Some(choices) = schema[key].as_array() else { continue };
        let results: Vec<_> = choices.iter().map(|choice| valid(value, choice, root, at)).collect();
        let matched = results.iter().filter(|r| r.is_ok()).count();
        if matched == 0 || (exactly && matched != 1) {
            let why: Vec<_> = results.into_iter().filter_map(Result::err).collect();
            return Err(format!("{at}: {matched} of {key} match\n  {}", why.join("\n  ")));
        }
    }
    if let Some(types) = schema.get("type") {
        let is = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_null(),
        };
        let one = types.as_str().is_some_and(is);
        if !one && !types.as_array().is_some_and(|kinds| kinds.iter().filter_map(Value::as_str).any(is)) {
            return wrong("type");
        }
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value))
        || schema.get("const").is_some_and(|c| c != value)
    {
        return wrong("word");
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                return wrong(&format!("`{name}` is missing"));
            }
        }
        for (name, inner) in object {
            let at = format!("{at}/{name}");
            match schema["properties"].get(name) {
                Some(property) => valid(inner, property, root, &at)?,
                None if schema["additionalProperties"] == json!(false) => {
                    return wrong(&format!("`{name}` is unknown"));
                }
                None if schema["additionalProperties"].is_object() => {
                    valid(inner, &schema["additionalProperties"], root, &at)?;
                }
                None => {}
            }
        }
    }
    for (ix, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            valid(item, &schema["items"], root, &format!("{at}/{ix}"))?;
        }
    }
    Ok(())
}

#[track_caller]
fn check_topology(file: &Value, expected: bool) {
    let (_, diagnostics) = spec::read(FileIx(0), file.to_string().as_bytes());
    assert_eq!(diagnostics.is_empty(), expected, "{diagnostics:#?}");
    let schema = spec::schema();
    let result = valid(file, &schema, &schema, "");
    assert_eq!(result.is_ok(), expected, "{result:?}");
}

#[track_caller]
fn check_step(step: Value, expected: bool) {
    let file = json!({ "topology": "t.yaml", "steps": [step] });
    let (_, diagnostics) = scenario::read(FileIx(0), file.to_string().as_bytes());
    assert_eq!(diagnostics.is_empty(), expected, "{diagnostics:#?}");
    let schema = scenario::schema();
    let result = valid(&file, &schema, &schema, "");
    assert_eq!(result.is_ok(), expected, "{result:?}");
}

#[test]
fn it_is_draft_07_with_descriptions() {
    for schema in [spec::schema(), scenario::schema()] {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    }
    let schema = spec::schema();
    assert_eq!(schema["properties"]["vpcs"]["description"], "Virtual private clouds.");
    assert_eq!(schema["definitions"]["Instance"]["properties"]["subnet"]["description"], "Its subnet.");
    assert!(schema["definitions"]["Instance"]["properties"].get("device_index").is_none());
}

#[test]
fn topologies_that_are_read_are_valid() {
    check_topology(
        &json!({
            "account": 111122223333_u64, "region": null, "description": 2024,
            "vpcs": { "v": { "cidr": "10.0.0.0/16", "secondary_cidrs": "10.1.0.0/16" } },
            "subnets": { "s": { "vpc": "v", "az": "a" } },
            "network_acls": { "n": { "vpc": "v", "inbound": [
                { "rule": 100, "action": "allow", "protocol": -1, "ports": "1024-65535", "from": "0.0.0.0/0" },
                { "rule": 101, "action": "deny", "protocol": "icmp", "icmp_type": -1, "from": "0.0.0.0/0" } ] } },
            "security_groups": { "g": { "vpc": "v", "inbound": [
                { "protocol": "tcp", "ports": [80, "443"], "from": ["10.0.0.0/8", "g"] },
                { "protocol": "tcp", "ports": 22, "from": "g" } ], "outbound": null } },
            "route_tables": { "r": { "vpc": "v", "routes": [{ "to": "0.0.0.0/0", "via": "i", "state": "blackhole" }] } },
            "internet_gateways": { "i": { "vpc": "v" } },
            "prefix_lists": { "p": { "entries": ["10.0.0.0/8"] } },
            "nat_gateways": { "nat": { "subnet": "s", "addresses": [{ "private": "10.0.0.5" }] } },
            "instances": {
                "a": { "subnet": "s", "security_groups": "g", "listen": 443, "bandwidth": "5Gbps", "os": "linux",
                       "secondary_addresses": ["10.0.0.9", { "address": "10.0.0.10", "public_ip": "198.51.100.1" }] },
                "b": { "listen": [443, "udp/53"], "forwarding": { "masquerade": true } }
            },
            "network_interfaces": { "e": { "subnet": "s", "instance": "b", "device_index": 0, "public_ip": "auto" } },
            "internet_hosts": { "h": { "addresses": "198.51.100.7", "latency": "10ms", "names": "example.com" } },
            "block_public_access": [{ "mode": "off", "exclusions": [{ "resource": "v", "mode": "allow-egress" }] }],
            "not_modelled": { "pcx": { "kind": "VPC peering connection" } },
            "links": { "same_az": { "latency": "1ms", "loss": "0.1%" } },
            "profile": { "tracked_tcp_idle": "350s" }
        }),
        true,
    );
}

#[test]
fn topologies_that_are_refused_are_invalid() {
    for file in [
        json!({ "vpc": {} }),
        json!({ "vpcs": { "v": { "cidrs": [] } } }),
        json!({ "vpcs": [] }),
        json!({ "subnets": { "s": { "az": "a" } } }),
        json!({ "instances": { "a": { "device_index": 0 } } }),
        json!({ "instances": { "a": { "mtu": "9001" } } }),
        json!({ "instances": { "a": { "os": "beos" } } }),
        json!({ "internet_hosts": { "h": {} } }),
        json!({ "prefix_lists": { "p": {} } }),
        json!({ "description": true }),
    ] {
        check_topology(&file, false);
    }
}

#[test]
fn what_an_importer_writes_is_read_again() {
    let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\ninstances: {a: {subnet: s, listen: [443, udp/53], public_ip: auto}, b: {}}\n\
        security_groups: {g: {vpc: v, inbound: [{protocol: 47, from: g}, {protocol: tcp, ports: 1-2, from: 10.0.0.0/8}]}}\n\
        links: {internet: {latency: 1500us, loss: 0.1%, bandwidth: 1.5Gbps}}\n";
    let (before, diagnostics) = spec::read(FileIx(0), text.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let written = serde_json::to_string_pretty(before.as_ref().unwrap()).unwrap();
    let (after, diagnostics) = spec::read(FileIx(0), written.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}\n{written}");
    assert_eq!(before, after);
    check_topology(&serde_json::from_str(&written).unwrap(), true);
}

#[test]
fn steps() {
    let row = json!({ "rule": 1, "action": "deny" });
    for good in [
        json!({ "at": "0s", "connect": { "from": "a", "to": "b", "port": 1, "protocol": "tcp" },
                "expect": { "outcome": "timeout", "path": "igw", "blocked_by": { "network_acl": "n", "rule": "*" } } }),
        json!({ "after": "1s", "ping": { "from": "a", "to": "b" }, "expect": { "blocked_by": { "subnet": "n", "rule": 7, "route": "10.0.0.0/8" } } }),
        json!({ "change": { "network_acl": "n", "add_inbound": row, "remove_outbound": 7 } }),
        json!({ "change": { "network_acl": "n", "add_inbound": [row], "remove_outbound": [7, 8] } }),
        json!({ "change": { "security_group": "n", "remove_inbound": { "from": ["a", "b"], "ports": [1, 2] } } }),
        json!({ "change": { "instance": "a", "set": { "listen": 80, "forwarding": {} } } }),
        json!({ "change": { "route_table": "a", "remove_route": { "to": "0.0.0.0/0" } } }),
        json!({ "fail": { "link": "internet" } }),
        json!({ "resolve": { "from": "a", "name": "x.internal", "type": "A" } }),
        json!({ "wait": { "for": "1s" } }),
    ] {
        check_step(good, true);
    }
    for bad in [
        json!({ "at": "0s" }),
        json!({ "wait": { "for": "1s" }, "ping": { "from": "a", "to": "b" } }),
        json!({ "connect": { "from": "a", "to": "b", "port": 1, "protocol": "udp" } }),
        json!({ "connect": { "from": "a", "to": "b" } }),
        json!({ "change": { "network_acl": "n", "add_route": row } }),
        json!({ "change": { "network_acl": "n", "subnet": "m" } }),
        json!({ "fail": { "dx": "internet" } }),
        json!({ "ping": { "from": "a", "to": "b" }, "expect": { "outcome": "yes" } }),
        json!({ "ping": { "from": "a", "to": "b" }, "expect": { "blocked_by": { "subnet": "n", "vpc": "v" } } }),
        json!({ "ping": { "from": "a", "to": "b" }, "expect": { "blocked_by": { "rule": 1 } } }),
    ] {
        check_step(bad, false);
    }
}
