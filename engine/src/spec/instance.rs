//! Instances and what their guests do, as written.

use super::{NetworkInterface, Spanned, Tags};
use crate::base::{Bandwidth, PortRange, Protocol};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// An instance. Its primary interface is written inside it (`subnet`, `address`, ...) or apart, under
/// `network_interfaces` with `instance:` and `device_index: 0`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct Instance {
    /// The primary interface, if it is written inside. Named like the instance.
    #[serde(flatten, serialize_with = "fields_of_primary")]
    pub primary: Option<NetworkInterface>,
    /// State. Default running.
    pub state: Option<InstanceState>,
    /// Instance type, as in `m7g.large`.
    pub instance_type: Option<String>,
    /// Guest operating system: ephemeral ports and retransmission of SYNs. Default Linux.
    pub os: Option<GuestOs>,
    /// Ephemeral ports, if not the system's.
    pub ephemeral_ports: Option<PortRange>,
    /// What listens: `443`, `tcp/443`, `udp/53`. Absent: nothing, or unknown if `guests: unknown`.
    pub listen: Option<Vec<Spanned<Listener>>>,
    /// Whether the guest answers echo requests. Default true.
    pub answers_ping: Option<bool>,
    /// Set if the guest forwards packets (router, firewall, NAT instance).
    pub forwarding: Option<Forwarding>,
    /// Network bandwidth each way. Default 5Gbps.
    pub bandwidth: Option<Spanned<Bandwidth>>,
    /// MTU of the guest's interfaces, 576 to 9001. Default 9001.
    pub mtu: Option<Spanned<u32>>,
    /// The `Name` tag, if it is not the name used here.
    pub name_tag: Option<String>,
    /// Its other tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// Writes the primary interface's fields among the instance's: those that say which instance it belongs
/// to are left out, and so is its `Name` tag, for the instance has one.
fn fields_of_primary<S: Serializer>(primary: &Option<NetworkInterface>, serializer: S) -> Result<S::Ok, S::Error> {
    let inside = |eni: &NetworkInterface| NetworkInterface {
        instance: None,
        device_index: None,
        name_tag: None,
        tags: Tags::default(),
        ..eni.clone()
    };
    primary.as_ref().map(inside).serialize(serializer)
}

/// State of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting; takes no traffic yet.
    Pending,
    /// Takes traffic.
    Running,
    /// On its way down; takes no traffic.
    Stopping,
    /// Down; its interfaces and private addresses stay.
    Stopped,
}

/// Guest operating system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuestOs {
    /// Ports 32768-60999; SYN at 0, 1, 3, 7, 15, 31, 63 s, gives up at 127 s.
    Linux,
    /// Ports 49152-65535; SYN at 0, 3, 9 s, gives up at 21 s.
    Windows,
}

/// What a forwarding guest does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forwarding {
    /// Rewrites the source of what leaves by its primary interface to its own address (a NAT instance).
    #[serde(default)]
    pub masquerade: bool,
    /// Drops what belongs to no connection whose first packet it forwarded (a stateful firewall).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stateful: bool,
}

/// A listening port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

impl Serialize for Listener {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.protocol, self.port))
    }
}
impl JsonSchema for Listener {
    fn schema_name() -> Cow<'static, str> {
        "Listener".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^((tcp|udp)/)?[0-9]{1,5}$" },
            { "type": "integer", "minimum": 1, "maximum": 65535 }
        ] })
    }
}
