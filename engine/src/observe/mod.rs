//! L6: what a run leaves behind: captures, flow logs, and the check that nothing got lost. Observers watch;
//! none of them changes what happens.

pub mod capture;
pub mod cost;
pub mod flow_logs;
pub mod ledger;
pub mod metrics;
pub mod mirrored;

/// Unix time at which every run begins: 14 November 2023, 22:13:20 UTC. Stamps in captures and flow logs
/// are virtual time since then.
pub const EPOCH_SECONDS: u64 = 1_700_000_000;
