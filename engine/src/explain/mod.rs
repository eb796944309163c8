//! L5: a question about one packet and its answer, by the same walk that the engine uses.
//!
//! An explanation is two walks on state of its own: the request, and the reply that the host at the end
//! would send. Asking changes nothing. First the walk runs as AWS does it, which gives the verdict; if
//! something blocks, it runs again past every denial, which gives all blockers. The first blocker of the
//! second run is the verdict of the first.
//!
//! Where AWS makes a choice that it does not tell (a zone, a tunnel, a target), every combination is walked too. What the
//! asker decides (source port, zone of each end) is varied on demand ([`vary`]).
//!
//! An established connection is asked about the same way, on the state that its first packets leave ([`ask_established`]).
//!
//! Not modelled here: retransmission.

mod answer;
mod ask;
mod choice;
mod code;
pub mod fix;
mod hint;
mod leg;
mod near;
mod question;
mod refused;
mod size;
mod symptom;
mod vary;

pub use answer::{Blocker, Explanation, Outcome, Part};
pub use ask::{ask, ask_established, ask_on, decide};
pub use choice::{ALTERNATIVES_MAX, Alternative, Common};
pub use code::{codes, explanation_code};
pub use hint::{Device, GroupLost, Hint, hints};
pub(crate) use leg::walk as walk_leg;
pub use leg::{End, Leg};
pub use near::{Beaten, Field, Lost, Near, beaten_routes, nearest_rule};
pub use question::{Ask, Origin, Question, meant, resolve, resolve_origin, resolve_sources, resolve_target};
pub use refused::QuestionError;
pub use size::{Size, size, sizes};
pub use symptom::{Symptom, gives_up, symptom};
pub use vary::{Case, Ends, Variations, ZonesCommon, vary};
