//! Where a flow log's records go, and which tags they hold.

use super::context::Context;
use super::flow_log::{LogDestination, TAG_KEYS_MAX};
use crate::diag::Diagnostic;
use crate::spec::{self, FlowLogCloudWatch, FlowLogDestination, FlowLogFileFormat, FlowLogS3, Spanned, TaggedResource};

/// Lengths of a bucket's name (S3 user guide, "Bucket naming rules").
const BUCKET_NAME: std::ops::RangeInclusive<usize> = 3..=63;
/// Longest name of a log group (CloudWatch Logs API, CreateLogGroup).
const LOG_GROUP_MAX: usize = 512;

impl Context {
    pub(super) fn log_destination(
        &mut self,
        name: &str,
        written: &Spanned<FlowLogDestination>,
    ) -> Option<LogDestination> {
        match (&written.s3, &written.cloudwatch) {
            (Some(s3), None) => self.s3(s3),
            (None, Some(FlowLogCloudWatch { log_group })) => {
                let good = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
                if log_group.is_empty() || log_group.len() > LOG_GROUP_MAX || !log_group.chars().all(good) {
                    let message = format!("`{log_group}` cannot be the name of a log group");
                    let help = "letters, digits, `_`, `-`, `/`, `.` and `#`, as in `/vpc/flow-logs`";
                    self.problem(Diagnostic::error("bad-name", log_group.span, message).help(help));
                    return None;
                }
                Some(LogDestination::CloudWatch { log_group: log_group.value.clone() })
            }
            _ => {
                let message = format!("flow log `{name}` has one destination: `s3` or `cloudwatch`");
                let help = "write `destination: {s3: {bucket: ...}}` or `destination: {cloudwatch: {log_group: ...}}`";
                self.problem(Diagnostic::error("conflicting-fields", written.span, message).help(help));
                None
            }
        }
    }

    fn s3(&mut self, s3: &FlowLogS3) -> Option<LogDestination> {
        let bucket = &s3.bucket;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if !BUCKET_NAME.contains(&bucket.len()) || !bucket.chars().all(good) || bucket.starts_with(['.', '-']) {
            let message = format!("`{bucket}` cannot be the name of a bucket");
            let help = "3 to 63 lower-case letters, digits, `.` and `-`, as in `my-flow-logs`";
            self.problem(Diagnostic::error("bad-name", bucket.span, message).help(help));
            return None;
        }
        let prefix = s3.prefix.as_ref().map_or("", |p| p.value.trim_matches('/')).to_owned();
        // FLW-40: the word is AWS's.
        let bad = |part: &str| matches!(part, "AWSLogs" | "." | ".." | "") || part.contains(['\\', ':']);
        if let Some(written) = s3.prefix.as_ref().filter(|_| !prefix.is_empty() && prefix.split('/').any(bad)) {
            let message = format!("`{written}` cannot be the folder of flow logs in a bucket");
            let help = "`AWSLogs` is AWS's own word; write names with `/` between them, as in `network/prod`";
            self.problem(Diagnostic::error("bad-name", written.span, message).help(help));
            return None;
        }
        Some(LogDestination::S3 {
            bucket: bucket.value.clone(),
            prefix,
            parquet: s3.file_format == Some(FlowLogFileFormat::Parquet),
            hive: s3.hive_compatible_partitions == Some(true),
            hourly: s3.per_hour_partition == Some(true),
        })
    }

    pub(super) fn log_tags(&mut self, log: &spec::FlowLog) -> [[Option<String>; TAG_KEYS_MAX]; 3] {
        let mut out: [[Option<String>; TAG_KEYS_MAX]; 3] = Default::default();
        for fields in &log.tag_fields {
            // FLW-20.
            if fields.tag_keys.len() > TAG_KEYS_MAX {
                let message = format!("a record has {TAG_KEYS_MAX} tags of a resource, not {}", fields.tag_keys.len());
                let help = "name at most two keys for each resource type";
                self.problem(Diagnostic::error("too-many", fields.span, message).help(help));
            }
            let kind = match fields.resource_type {
                TaggedResource::Instance => 0,
                TaggedResource::NetworkInterface => 1,
                TaggedResource::AutoScalingGroup => 2,
            };
            for (slot, key) in out[kind].iter_mut().zip(&fields.tag_keys) {
                *slot = Some(key.value.clone());
            }
        }
        out
    }
}
