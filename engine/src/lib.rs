//! A packet-level simulator of AWS VPC networks.

pub mod analyse;
pub mod base;
pub mod compile;
pub mod control;
pub mod diag;
pub mod eval;
pub mod event;
pub mod explain;
pub mod fabric;
pub mod flow;
pub mod host;
pub mod import;
pub mod load;
pub mod names;
pub mod observe;
pub mod record;
pub mod scenario;
pub mod sim;
pub mod speak;
pub mod spec;
pub mod verdict;
pub mod walk;
pub mod wire;
