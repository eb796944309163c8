//! IP protocol numbers and port ranges.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// An IP protocol number (IANA).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP, 1.
    pub const ICMP: Self = Self(1);
    /// TCP, 6.
    pub const TCP: Self = Self(6);
    /// UDP, 17.
    pub const UDP: Self = Self(17);
    /// Internet Group Management Protocol.
    pub const IGMP: Self = Self(2);
    /// Generic Routing Encapsulation.
    pub const GRE: Self = Self(47);
    /// ICMPv6, 58.
    pub const ICMPV6: Self = Self(58);
    /// True for TCP and UDP: the protocols whose rules look at ports.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self.0, 6 | 17)
    }
    /// True for ICMP and ICMPv6.
    #[must_use]
    pub const fn is_icmp(self) -> bool {
        matches!(self.0, 1 | 58)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("icmp"),
            6 => f.write_str("tcp"),
            17 => f.write_str("udp"),
            58 => f.write_str("icmpv6"),
            n => write!(f, "{n}"),
        }
    }
}

impl FromStr for Protocol {
    type Err = String;
    /// Reads `tcp`, `udp`, `icmp`, `icmpv6`, a few other well-known names, or a number from 0 to 255.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(match text.to_ascii_lowercase().as_str() {
            "icmp" => 1,
            "tcp" => 6,
            "udp" => 17,
            "gre" => 47,
            "esp" => 50,
            "ah" => 51,
            "icmpv6" => 58,
            number => number.parse().map_err(|_| {
                format!("`{text}` is not a protocol; write `tcp`, `udp`, `icmp`, `icmpv6` or a number from 0 to 255")
            })?,
        }))
    }
}

/// The protocol of a rule: one, or all (`-1` in AWS's API).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProtocolMatch {
    /// Every protocol; ports are not looked at.
    All,
    /// This one.
    One(Protocol),
}

impl fmt::Display for ProtocolMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::One(p) => p.fmt(f),
        }
    }
}
impl FromStr for ProtocolMatch {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" | "-1" | "any" => Ok(Self::All),
            other => other.parse().map(Self::One),
        }
    }
}
impl Serialize for ProtocolMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(p) if !matches!(p.0, 1 | 6 | 17 | 58) => serializer.serialize_u8(p.0),
            _ => serializer.collect_str(self),
        }
    }
}
impl JsonSchema for ProtocolMatch {
    fn schema_name() -> Cow<'static, str> {
        "Protocol".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "examples": ["tcp", "udp", "icmp", "icmpv6", "all"] },
            { "type": "integer", "minimum": -1, "maximum": 255 }
        ] })
    }
}

/// An inclusive range of ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PortRange {
    /// First port.
    pub from: u16,
    /// Last port, not below `from`.
    pub to: u16,
}

impl PortRange {
    /// Every port, 0 to 65535.
    pub const ALL: Self = Self { from: 0, to: u16::MAX };
    /// Just this port.
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self { from: port, to: port }
    }
    /// True if `port` is in the range.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.from <= port && port <= self.to
    }
    /// Where something changes for those who look from port 0 up: the first port, and the one behind the last.
    pub fn edges(self) -> impl Iterator<Item = u16> {
        [Some(self.from), self.to.checked_add(1)].into_iter().flatten()
    }
    /// Number of ports, 1 to 65536.
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.to - self.from) as u32 + 1
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            f.write_str("all")
        } else if self.from == self.to {
            self.from.fmt(f)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}
impl FromStr for PortRange {
    type Err = String;
    /// Reads `443`, `1024-65535` or `all`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::ALL);
        }
        let error =
            || format!("`{text}` is not a port range; write `443`, `1024-65535` or `all` (ports go from 0 to 65535)");
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (from.trim().parse().map_err(|_| error())?, to.trim().parse().map_err(|_| error())?);
        if from > to {
            return Err(format!("`{text}` runs backwards; write `{to}-{from}`"));
        }
        Ok(Self { from, to })
    }
}
impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.from == self.to { serializer.serialize_u16(self.from) } else { serializer.collect_str(self) }
    }
}
impl JsonSchema for PortRange {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^(all|[0-9]{1,5}(\\s*-\\s*[0-9]{1,5})?)$" },
            { "type": "integer", "minimum": 0, "maximum": 65535 }
        ] })
    }
}
