//! Address blocks.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An IPv4 or IPv6 block in canonical form: host bits are zero, as AWS stores it
/// (`100.68.0.18/18` becomes `100.68.0.0/18`, VPC user guide, "VPC CIDR blocks").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Every IPv4 address.
    pub const ALL_V4: Self = Self(IpNet::V4(Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0)));
    /// Every IPv6 address.
    pub const ALL_V6: Self = Self(IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::UNSPECIFIED, 0)));

    /// The block that holds `address` with prefix length `len`, host bits cleared.
    /// Nothing if `len` is too long for the family.
    #[must_use]
    pub fn new(address: IpAddr, len: u8) -> Option<Self> {
        IpNet::new(address, len).ok().map(|net| Self(net.trunc()))
    }
    /// The block of just this address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self(IpNet::from(address))
    }
    /// First address of the block.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        self.0.network()
    }
    /// Last address of the block.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }
    /// Prefix length in bits.
    #[must_use]
    pub fn len(&self) -> u8 {
        self.0.prefix_len()
    }
    /// True for `0.0.0.0/0` and `::/0`.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.prefix_len() == 0
    }
    /// Never: a block holds at least one address. Here because [`len`](Self::len) is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
    /// True for an IPv4 block.
    #[must_use]
    pub fn is_v4(&self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }
    /// True if `address` is in the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
    /// True if every address of `other` is in the block.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }
    /// True if the blocks share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }
    /// The address `offset` above the first one, if it is in the block.
    #[must_use]
    pub fn nth(&self, offset: u64) -> Option<IpAddr> {
        let address = match self.network() {
            IpAddr::V4(a) => {
                IpAddr::from(std::net::Ipv4Addr::from(u32::from(a).checked_add(u32::try_from(offset).ok()?)?))
            }
            IpAddr::V6(a) => IpAddr::from(std::net::Ipv6Addr::from(u128::from(a).checked_add(u128::from(offset))?)),
        };
        self.contains(address).then_some(address)
    }
    /// The `ipnet` form.
    #[must_use]
    pub const fn net(&self) -> IpNet {
        self.0
    }
}

impl FromStr for Cidr {
    type Err = String;
    /// Reads `10.0.0.0/16` or `2600:1f18::/56`. Host bits are cleared.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self(net.trunc()));
        }
        if text.parse::<IpAddr>().is_ok() {
            let len = if text.contains(':') { 128 } else { 32 };
            return Err(format!("`{text}` has no prefix length; write `{text}/{len}` for this one address"));
        }
        Err(format!("`{text}` is not an address block; write it as `10.0.0.0/16` or `2600:1f18::/56`"))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl JsonSchema for Cidr {
    fn schema_name() -> Cow<'static, str> {
        "Cidr".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$", "examples": ["10.0.0.0/16", "2600:1f18::/56"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!("100.68.0.18/18".parse::<Cidr>().unwrap().to_string(), "100.68.0.0/18");
    }

    #[test]
    fn an_address_alone_is_refused_with_the_likely_fix() {
        assert!("10.0.0.1".parse::<Cidr>().unwrap_err().contains("10.0.0.1/32"));
    }

    #[test]
    fn nth_stays_inside() {
        let c: Cidr = "10.0.0.0/28".parse().unwrap();
        assert_eq!(c.nth(2), Some("10.0.0.2".parse().unwrap()));
        assert_eq!(c.nth(16), None);
    }
}
