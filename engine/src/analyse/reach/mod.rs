//! Who reaches whom, over a whole network: matrices of groups, and assertions about sets of ends.
//!
//! Ends that no row can tell apart are one party ([`Parties`]); every pair of parties is asked once, for each stretch of
//! ports in which all are alike. So ten thousand interfaces against each other take seconds, and the answer is that of asking
//! every pair by itself. Only the first packet of a conversation and its reply are asked about, as `why` does.
//!
//! Not modelled here: other protocols than TCP, UDP and echo requests; latency.

mod answer;
mod assertion;
mod group;
mod matrix;
mod party;
mod select;
mod sentence;
mod service;

pub use answer::{Answer, Cause, Reach};
pub use assertion::{Assertion, Checked, Verb, Violation, Wrong, blocks, check};
pub use group::{AWS, GroupBy, Side, groups, resolve};
pub use matrix::{Cell, Example, Flow, Group, matrix};
pub use party::{Parties, Party};
pub use select::{Ends, KINDS, Selection, SelectionError, select};
pub use sentence::read_assertions;
pub use service::{Service, service};
