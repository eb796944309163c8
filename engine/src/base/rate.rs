//! Bandwidths and probabilities, as integers: no float takes part in a decision.

use super::time::{Nanos, scaled};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Bits per second. Zero is not a bandwidth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Bandwidth(pub u64);

impl Bandwidth {
    /// `n` gigabits per second.
    #[must_use]
    pub const fn gbps(n: u64) -> Self {
        Self(n * 1_000_000_000)
    }
    /// The time that `bytes` take on the wire, rounded up.
    #[must_use]
    pub fn time_for(self, bytes: u64) -> Nanos {
        let ns = (u128::from(bytes) * 8 * 1_000_000_000).div_ceil(u128::from(self.0.max(1)));
        Nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}
impl FromStr for Bandwidth {
    type Err = String;
    /// Reads `5Gbps`, `100Mbps`, `64kbps`, `1.5Gbps`.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is not a bandwidth; write it as `5Gbps`, `100Mbps` or `64kbps`");
        let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(error)?;
        let (number, unit) = text.split_at(at);
        let scale = match unit {
            "bps" => 1,
            "kbps" => 1_000,
            "Mbps" => 1_000_000,
            "Gbps" => 1_000_000_000,
            _ => return Err(error()),
        };
        match scaled(number.trim(), scale) {
            Some(0) | None => Err(error()),
            Some(bits) => Ok(Self(bits)),
        }
    }
}
impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, scale) in [("Gbps", 1_000_000_000), ("Mbps", 1_000_000), ("kbps", 1_000)] {
            if self.0 >= scale && self.0.is_multiple_of(scale) {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}bps", self.0)
    }
}

/// A probability in parts per million, 0 to 1,000,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Ratio(pub u32);

impl Ratio {
    /// Never.
    pub const ZERO: Self = Self(0);
    /// One million: always.
    pub const ONE: u32 = 1_000_000;
}
impl FromStr for Ratio {
    type Err = String;
    /// Reads `0.1%` or `100%`: at most four decimals.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is not a share; write a percentage from 0% to 100%, as in `0.1%`");
        let parts = scaled(text.strip_suffix('%').ok_or_else(error)?.trim(), 10_000).ok_or_else(error)?;
        if parts > u64::from(Self::ONE) { Err(error()) } else { Ok(Self(parts as u32)) }
    }
}
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A duration without the space that [`Nanos`] prints for people: what a file holds.
fn file_duration(value: Nanos) -> String {
    for (unit, scale) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if value.0 >= scale && value.0.is_multiple_of(scale) {
            return format!("{}{unit}", value.0 / scale);
        }
    }
    format!("{}ns", value.0)
}

macro_rules! text_type {
    ($type:ty, $name:literal, $text:expr, $pattern:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[allow(clippy::redundant_closure_call)]
                serializer.serialize_str(&$text(*self))
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
text_type!(Nanos, "Duration", file_duration, "^[0-9]+(\\.[0-9]+)?\\s*(ns|us|ms|s|min|m|h)$");
text_type!(Bandwidth, "Bandwidth", |b: Bandwidth| b.to_string(), "^[0-9]+(\\.[0-9]+)?\\s*(k|M|G)?bps$");
text_type!(Ratio, "Share", |r: Ratio| r.to_string(), "^[0-9]+(\\.[0-9]+)?\\s*%$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_and_print() {
        assert_eq!("1.5Gbps".parse::<Bandwidth>().unwrap(), Bandwidth(1_500_000_000));
        assert_eq!("5Gbps".parse::<Bandwidth>().unwrap().to_string(), "5Gbps");
        assert!("0bps".parse::<Bandwidth>().is_err());
        assert_eq!("0.1%".parse::<Ratio>().unwrap(), Ratio(1_000));
        assert!("101%".parse::<Ratio>().is_err());
        assert_eq!(Bandwidth::gbps(1).time_for(1500), Nanos(12_000));
    }
}
