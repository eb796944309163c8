//! A packet-level simulator of AWS VPC networks.

pub mod base;
pub mod diag;
pub mod import;
pub mod spec;
