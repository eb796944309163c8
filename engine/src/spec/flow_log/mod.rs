//! Flow logs as written: what is logged, in which format, where it goes.

pub mod field;
pub mod format;

pub use field::{Field, FieldScope, FieldType, UnknownField};
pub use format::{Format, FormatError};

use super::Spanned;
use schemars::JsonSchema;
use serde::Serialize;

/// A flow log.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowLog {
    /// What is logged: a VPC, a subnet, a network interface, a transit gateway, an attachment of one, or a regional NAT gateway.
    pub resource: Spanned<String>,
    /// Which traffic. Default ALL; not for transit gateways.
    pub traffic_type: Option<Spanned<TrafficType>>,
    /// Longest window in seconds: 60 or 600. Default 600, for transit gateways 60.
    pub max_aggregation_interval: Option<Spanned<u32>>,
    /// The format, as in `${srcaddr} ${dstaddr}`. Default: AWS's default format.
    pub log_format: Option<Spanned<String>>,
    /// Where the records go.
    pub destination: Spanned<FlowLogDestination>,
    /// Whose tags the fields `instance-tag`, `interface-tag` and `asg-tag` hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_fields: Vec<Spanned<FlowLogTagFields>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
}

/// Which traffic a flow log holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TrafficType {
    /// What groups and ACLs let pass.
    Accept,
    /// What they reject.
    Reject,
    /// Both.
    All,
}

/// Where records go: exactly one of these.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowLogDestination {
    /// Objects in a bucket of S3.
    pub s3: Option<FlowLogS3>,
    /// Streams of a log group of CloudWatch Logs.
    pub cloudwatch: Option<FlowLogCloudWatch>,
}

/// Objects in a bucket of S3.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowLogS3 {
    /// The bucket.
    pub bucket: Spanned<String>,
    /// Folder in the bucket. Default: none.
    pub prefix: Option<Spanned<String>>,
    /// Plain text or Parquet. Default plain text.
    pub file_format: Option<FlowLogFileFormat>,
    /// Folders called `year=2023` and so on, as Hive and Athena like them. Default false.
    pub hive_compatible_partitions: Option<bool>,
    /// A folder for each hour. Default false.
    pub per_hour_partition: Option<bool>,
}

/// Form of an object in S3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FlowLogFileFormat {
    /// Lines, compressed with gzip.
    PlainText,
    /// Apache Parquet.
    Parquet,
}

/// Streams of a log group of CloudWatch Logs.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowLogCloudWatch {
    /// The log group.
    pub log_group: Spanned<String>,
}

/// Tags that a record holds.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowLogTagFields {
    /// Whose tags.
    pub resource_type: TaggedResource,
    /// At most two keys: the first one's value is in `instance-tag`, the second one's in `instance-tag-2`.
    pub tag_keys: Vec<Spanned<String>>,
}

/// Whose tags a record holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaggedResource {
    /// The instance's.
    Instance,
    /// The interface's.
    NetworkInterface,
    /// The Auto Scaling group's.
    AutoScalingGroup,
}
