//! What AWS refuses of a flow log: `docs/behaviour/flow-log.md`.

use super::harness::diagnostics;

/// Codes that are tested here.
pub(super) const TESTED: [&str; 5] = ["bad-interval", "bad-name", "too-many", "wrong-field", "wrong-resource"];

const NET: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}}
internet_gateways: {igw: {vpc: v}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}, g: {vpc: v, az: a, cidr: 10.0.2.0/24}}
nat_gateways: {zonal: {subnet: s, network_interface: e}}
network_interfaces: {e: {subnet: s, address: 10.0.1.7, public_ip: 203.0.113.7}}
transit_gateways: {t: {cidrs: [10.99.0.0/24]}}
transit_gateway_vpc_attachments: {tv: {transit_gateway: t, vpc: v, subnets: [s]}}
transit_gateway_connects: {tc: {transport: tv}}
";

#[track_caller]
fn refused(log: &str, code: &str, message: &str, help: &str) {
    let found = diagnostics(&format!("{NET}flow_logs: {{fl: {{{log}}}}}\n"));
    let said = |d: &vpcsim_engine::diag::Diagnostic| {
        d.code == code && d.message.contains(message) && d.help.as_deref().unwrap_or_default().contains(help)
    };
    assert!(found.iter().any(said) && found.iter().all(|d| d.span.line > 9), "{found:#?}");
}

const TO: &str = "destination: {cloudwatch: {log_group: g}}";

/// FLW-10: fields that do not exist, and words that are no fields.
#[test]
fn formats() {
    refused(
        &format!("resource: v, log_format: '${{srcadr}}', {TO}"),
        "unknown-field",
        "no flow-log field `srcadr`",
        "`srcaddr`?",
    );
    refused(
        &format!("resource: v, log_format: 'srcaddr', {TO}"),
        "bad-value",
        "is not written as `${field}`",
        "write `${srcaddr}`",
    );
    refused(
        &format!("resource: v, log_format: '${{tgw-id}}', {TO}"),
        "wrong-field",
        "do not have the field `tgw-id`",
        "",
    );
    refused(
        &format!("resource: t, log_format: '${{action}}', {TO}"),
        "wrong-field",
        "do not have the field `action`",
        "",
    );
}

/// FLW-31, FLW-5: intervals and traffic types; FLW-35: no log of a Connect attachment; FLW-19: nor of a zonal NAT gateway.
#[test]
fn resources_and_windows() {
    refused(&format!("resource: v, max_aggregation_interval: 300, {TO}"), "bad-interval", "300 seconds", "60 or 600");
    refused(
        &format!("resource: t, max_aggregation_interval: 600, {TO}"),
        "bad-interval",
        "windows of 60 seconds",
        "60",
    );
    refused(&format!("resource: tv, traffic_type: ALL, {TO}"), "conflicting-fields", "has no traffic type", "remove");
    refused(&format!("resource: tc, {TO}"), "wrong-resource", "Connect attachment", "resource: tv");
    refused(&format!("resource: zonal, {TO}"), "wrong-resource", "zonal NAT gateway", "resource: e");
    refused(
        &format!("resource: igw, {TO}"),
        "unknown-reference",
        "`igw`",
        "`igw` is a internet gateway".split(" a ").next().unwrap(),
    );
    refused(&format!("resource: sx, {TO}"), "unknown-reference", "`sx`", "");
}

/// FLW-40, FLW-42: destinations; FLW-20: tags.
#[test]
fn destinations_and_tags() {
    refused("resource: v, destination: {}", "conflicting-fields", "has one destination", "s3");
    refused(
        "resource: v, destination: {s3: {bucket: Logs}}",
        "bad-name",
        "cannot be the name of a bucket",
        "lower-case",
    );
    refused(
        "resource: v, destination: {s3: {bucket: logs, prefix: a/AWSLogs}}",
        "bad-name",
        "cannot be the folder",
        "AWS's own word",
    );
    refused("resource: v, destination: {s3: {bucket: logs, prefix: ../x}}", "bad-name", "cannot be the folder", "");
    refused("resource: v, destination: {cloudwatch: {log_group: 'a b'}}", "bad-name", "name of a log group", "letters");
    let tags = "tag_fields: [{resource_type: instance, tag_keys: [a, b, c]}]";
    refused(&format!("resource: v, {tags}, {TO}"), "too-many", "a record has 2 tags", "two keys");
}
