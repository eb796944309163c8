//! Flow logs (`describe-flow-logs`).
//!
//! Left out, and said: logs that go to Data Firehose, logs that are not active, logs of what the export lacks.

use super::Out;
use super::inventory::Resource;
use super::read::{Item, Tags, Text};
use crate::diag::Span;
use crate::spec::{
    FlowLog, FlowLogCloudWatch, FlowLogDestination, FlowLogFileFormat, FlowLogS3, Name, Spanned, TrafficType,
};
use serde::Deserialize;

/// AWS's default format, which `describe-flow-logs` spells out.
const DEFAULT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Log {
    flow_log_id: Text,
    flow_log_status: Text,
    resource_id: Text,
    traffic_type: Text,
    log_destination_type: Text,
    log_destination: Text,
    log_group_name: Text,
    log_format: Text,
    max_aggregation_interval: Option<u32>,
    destination_options: Option<Options>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Options {
    file_format: Text,
    hive_compatible_partitions: Option<bool>,
    per_hour_partition: Option<bool>,
}

impl Resource for Log {
    const KIND: &'static str = "flow log";
    const ID: &'static str = "FlowLogId";
    fn id(&self) -> &str {
        self.flow_log_id.text()
    }
}

/// Writes the flow logs. Everything that they can be about is there.
pub(super) fn build(found: Vec<Item<Log>>, out: &mut Out) {
    for Item { value: log, span, .. } in found {
        let id = log.id().to_owned();
        if !matches!(log.flow_log_status.text(), "ACTIVE" | "") {
            out.deleted(&id, log.flow_log_status.text());
            continue;
        }
        let resource = log.resource_id.text();
        if !is_there(resource, out) {
            out.missing(&id, resource, "flow log left out");
            continue;
        }
        let Some(destination) = log.destination(span) else {
            out.skip(&id, format!("destination {} is not modelled", log.log_destination_type.text()));
            continue;
        };
        let traffic = match log.traffic_type.text() {
            "ACCEPT" => Some(TrafficType::Accept),
            "REJECT" => Some(TrafficType::Reject),
            "ALL" if !resource.starts_with("tgw-") => Some(TrafficType::All),
            _ => None,
        };
        let format = log.log_format.0.clone().filter(|format| format.as_str() != DEFAULT);
        let built = FlowLog {
            resource: Spanned::new(attachment_or(resource, out), span),
            traffic_type: traffic.map(|traffic| Spanned::new(traffic, span)),
            max_aggregation_interval: log.max_aggregation_interval.map(|seconds| Spanned::new(seconds, span)),
            log_format: format.map(|format| Spanned::new(format, span)),
            destination: Spanned::new(destination, span),
            tag_fields: Vec::new(),
            name_tag: log.tags.name(&id),
        };
        out.spec.flow_logs.insert(Name::new(id, span), built);
    }
}

/// An attachment's name here, if it goes by another one.
fn attachment_or(resource: &str, out: &Out) -> String {
    out.attachments.get(resource).cloned().unwrap_or_else(|| resource.to_owned())
}

fn is_there(resource: &str, out: &Out) -> bool {
    let (spec, name) = (&out.spec, attachment_or(resource, out));
    let name = name.as_str();
    spec.vpcs.contains_key(name)
        || spec.subnets.contains_key(name)
        || spec.network_interfaces.contains_key(name)
        || spec.transit_gateways.contains_key(name)
        || spec.transit_gateway_vpc_attachments.contains_key(name)
        || spec.transit_gateway_peering_attachments.contains_key(name)
        || spec.vpn_connections.contains_key(name)
        || spec.nat_gateways.contains_key(name)
}

impl Log {
    fn destination(&self, span: Span) -> Option<FlowLogDestination> {
        match self.log_destination_type.text() {
            "s3" => {
                let arn = self.log_destination.text();
                let path = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::")).map(|(_, path)| path)?;
                let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
                let prefix = Some(prefix.trim_matches('/')).filter(|prefix| !prefix.is_empty());
                let options = self.destination_options.as_ref();
                let parquet = options.is_some_and(|o| o.file_format.text() == "parquet");
                let s3 = FlowLogS3 {
                    bucket: Spanned::new(bucket.to_owned(), span),
                    prefix: prefix.map(|prefix| Spanned::new(prefix.to_owned(), span)),
                    file_format: parquet.then_some(FlowLogFileFormat::Parquet),
                    hive_compatible_partitions: options.and_then(|o| o.hive_compatible_partitions).filter(|on| *on),
                    per_hour_partition: options.and_then(|o| o.per_hour_partition).filter(|on| *on),
                };
                Some(FlowLogDestination { s3: Some(s3), cloudwatch: None })
            }
            "cloud-watch-logs" | "" => {
                let of_arn = || self.log_destination.text().split_once(":log-group:").map(|(_, rest)| rest);
                let group = self.log_group_name.0.as_deref().or_else(of_arn)?;
                let log_group = Spanned::new(group.trim_end_matches(":*").to_owned(), span);
                Some(FlowLogDestination { s3: None, cloudwatch: Some(FlowLogCloudWatch { log_group }) })
            }
            _ => None,
        }
    }
}
