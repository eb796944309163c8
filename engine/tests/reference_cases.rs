//! The naive evaluator's own tests: the tricky cases of the reference pages about what connects VPCs.
//!
//! Expected values come from the pages. A name that ends in `_hybrid_N` or `_core_N` is case N of aws-hybrid or
//! of aws-core section 14. Where the engine takes the same topology it must say the same.

#![allow(clippy::disallowed_methods, reason = "the shared reference module is used by tests that read files")]

mod reference;

mod reference_cases {
    mod endpoint;
    mod harness;
    mod inspection;
    mod peering;
    mod transit_gateway;
}
