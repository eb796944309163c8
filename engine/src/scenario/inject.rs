//! A step that sends the packets of a capture file.

use crate::base::Nanos;
use crate::spec::Spanned;
use crate::spec::decode::decode_struct;
use schemars::JsonSchema;
use std::net::IpAddr;

/// Sends the packets of a capture file from one host, at the file's distances in time. The sender's own stack does not
/// see what comes back, as with a raw socket behind a firewall.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Inject {
    /// The file (pcap or pcapng), relative to this one.
    pub file: Spanned<String>,
    /// The sender: an instance, a network interface or an internet host.
    pub from: Spanned<String>,
    /// What addresses of the file stand for. Others stay as they are.
    #[schemars(default)]
    pub map: Vec<Mapped>,
    /// Sends the packets of all sources. Default: only those that come from one of the sender's addresses, by `map`.
    #[schemars(default)]
    pub forged: bool,
    /// Time between two packets, instead of the file's.
    pub interval: Option<Nanos>,
    /// No more packets than this.
    pub count: Option<u64>,
}

/// An address of a capture file.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Mapped {
    /// The address in the file.
    pub address: Spanned<IpAddr>,
    /// What it stands for: a name or an address.
    pub to: Spanned<String>,
}

decode_struct!(Mapped, "a mapped address", { address, to });
decode_struct!(Inject, "an injection", { file, from, map, forged, interval, count });
