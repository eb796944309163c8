//! A packet-level simulator of AWS VPC networks.

pub mod base;
pub mod diag;
pub mod scenario;
pub mod spec;
