//! Latency between Regions: a sample of measured round trips (aws-hybrid 9.1, REG-1).

use crate::base::Nanos;

/// Regions of the table.
const REGIONS: [&str; 14] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];

/// Round trips in milliseconds: row n holds those from Region n + 1 to the Regions before it.
const ROUND_TRIPS: [&[u64]; 13] = [
    &[12],
    &[62, 52],
    &[64, 52, 22],
    &[14, 24, 79, 60],
    &[70, 79, 128, 119, 70],
    &[76, 86, 147, 128, 78, 13],
    &[92, 102, 151, 140, 92, 26, 17],
    &[112, 121, 174, 158, 108, 42, 32, 22],
    &[186, 196, 228, 218, 186, 120, 111, 110, 130],
    &[212, 200, 172, 162, 210, 182, 171, 158, 178, 56],
    &[198, 187, 138, 140, 198, 256, 264, 249, 294, 146, 93],
    &[146, 134, 108, 98, 144, 201, 210, 223, 243, 124, 68, 106],
    &[114, 124, 172, 174, 125, 176, 186, 204, 215, 298, 322, 312, 256],
];

/// One way between Regions that the table lacks (REG-2, assumed).
const OTHER: Nanos = Nanos::from_millis(50);

/// One-way latency between two Regions.
pub(super) fn between(a: &str, b: &str) -> Nanos {
    let at = |region| REGIONS.iter().position(|r| *r == region);
    match (at(a), at(b)) {
        (Some(a), Some(b)) if a != b => Nanos::from_micros(ROUND_TRIPS[a.max(b) - 1][a.min(b)] * 500),
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REG-1: half of the table's round trips, the same both ways.
    #[test]
    fn half_of_the_round_trip() {
        assert_eq!(between("us-east-1", "eu-west-1"), Nanos::from_millis(35));
        assert_eq!(between("eu-west-1", "us-east-1"), Nanos::from_millis(35));
        assert_eq!(between("sa-east-1", "ap-southeast-1"), Nanos::from_millis(161));
        assert_eq!(between("us-east-2", "us-west-2"), Nanos::from_millis(26));
        assert_eq!(between("us-east-1", "me-south-1"), OTHER);
    }
}
