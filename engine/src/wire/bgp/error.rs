//! What can be wrong with a peer's bytes, and what it is told.

use super::Notification;
use std::fmt;

/// Why bytes are no message. Each has its code in a NOTIFICATION (RFC 4271 section 6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BgpError {
    /// The marker is not sixteen bytes of ones.
    NotSynchronised,
    /// A length that this type of message cannot have.
    Length(u16),
    /// Not one of the four types of message.
    Type(u8),
    /// An OPEN whose parts do not fit.
    Open,
    /// Not version 4.
    Version(u8),
    /// AS number 0, or not the same in both places.
    PeerAs(u32),
    /// Router identifier 0.0.0.0.
    RouterId,
    /// A parameter of OPEN other than capabilities.
    OptionalParameter(u8),
    /// A hold time of 1 or 2 seconds.
    HoldTime(u16),
    /// Attributes that do not fit their lengths, or one twice.
    AttributeList,
    /// An attribute that everybody must know, and nobody does. The whole attribute.
    UnknownWellKnown(Vec<u8>),
    /// Routes without this attribute.
    MissingWellKnown(u8),
    /// Flags that this attribute cannot have. The whole attribute.
    AttributeFlags(Vec<u8>),
    /// A length that this attribute cannot have. The whole attribute.
    AttributeLength(Vec<u8>),
    /// An origin other than 0, 1, 2. The whole attribute.
    Origin(Vec<u8>),
    /// A next hop that is no host's address. The whole attribute.
    NextHop(Vec<u8>),
    /// An optional attribute whose parts do not fit. The whole attribute.
    OptionalAttribute(Vec<u8>),
    /// A prefix that cannot be.
    Network,
    /// A path whose segments do not fit.
    AsPath,
}

impl BgpError {
    /// What the peer is told before the connection is closed.
    #[must_use]
    pub fn notification(&self) -> Notification {
        let with = |code, subcode, data: &[u8]| Notification { code, subcode, data: data.to_vec() };
        match self {
            Self::NotSynchronised => with(1, 1, &[]),
            Self::Length(length) => with(1, 2, &length.to_be_bytes()),
            Self::Type(kind) => with(1, 3, &[*kind]),
            Self::Open => with(2, 0, &[]),
            Self::Version(_) => with(2, 1, &[0, 4]),
            Self::PeerAs(_) => with(2, 2, &[]),
            Self::RouterId => with(2, 3, &[]),
            Self::OptionalParameter(_) => with(2, 4, &[]),
            Self::HoldTime(_) => with(2, 6, &[]),
            Self::AttributeList => with(3, 1, &[]),
            Self::UnknownWellKnown(attribute) => with(3, 2, attribute),
            Self::MissingWellKnown(kind) => with(3, 3, &[*kind]),
            Self::AttributeFlags(attribute) => with(3, 4, attribute),
            Self::AttributeLength(attribute) => with(3, 5, attribute),
            Self::Origin(attribute) => with(3, 6, attribute),
            Self::NextHop(attribute) => with(3, 8, attribute),
            Self::OptionalAttribute(attribute) => with(3, 9, attribute),
            Self::Network => with(3, 10, &[]),
            Self::AsPath => with(3, 11, &[]),
        }
    }
}

impl fmt::Display for BgpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSynchronised => f.write_str("connection not synchronised"),
            Self::Length(length) => write!(f, "bad message length {length}"),
            Self::Type(kind) => write!(f, "bad message type {kind}"),
            Self::Open => f.write_str("malformed OPEN"),
            Self::Version(version) => write!(f, "unsupported version {version}"),
            Self::PeerAs(asn) => write!(f, "bad peer AS {asn}"),
            Self::RouterId => f.write_str("bad BGP identifier"),
            Self::OptionalParameter(kind) => write!(f, "unsupported optional parameter {kind}"),
            Self::HoldTime(seconds) => write!(f, "unacceptable hold time {seconds}"),
            Self::AttributeList => f.write_str("malformed attribute list"),
            Self::UnknownWellKnown(_) => f.write_str("unrecognized well-known attribute"),
            Self::MissingWellKnown(kind) => write!(f, "missing well-known attribute {kind}"),
            Self::AttributeFlags(_) => f.write_str("attribute flags error"),
            Self::AttributeLength(_) => f.write_str("attribute length error"),
            Self::Origin(_) => f.write_str("invalid ORIGIN"),
            Self::NextHop(_) => f.write_str("invalid NEXT_HOP"),
            Self::OptionalAttribute(_) => f.write_str("optional attribute error"),
            Self::Network => f.write_str("invalid network field"),
            Self::AsPath => f.write_str("malformed AS_PATH"),
        }
    }
}
