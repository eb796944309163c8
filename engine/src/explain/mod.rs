//! L5: a question about one packet and its answer, by the same walk that the engine uses.
//!
//! An explanation is two walks on state of its own: the request, and the reply that the host at the end
//! would send. Asking changes nothing. First the walk runs as AWS does it, which gives the verdict; if
//! something blocks, it runs again past every denial, which gives all blockers. The first blocker of the
//! second run is the verdict of the first.
//!
//! Where AWS makes a choice that it does not tell (a zone, a tunnel, a target), every combination is walked too.
//!
//! Not modelled here: time between packets, retransmission, what an existing connection would change.

mod answer;
mod ask;
mod choice;
mod hint;
mod leg;
mod question;

pub use answer::{Blocker, Explanation, Outcome, Part};
pub use ask::ask;
pub use choice::{ALTERNATIVES_MAX, Alternative, Common};
pub use hint::{Device, GroupLost, Hint, hints};
pub(crate) use leg::walk as walk_leg;
pub use leg::{End, Leg};
pub use question::{Origin, Question, QuestionError, resolve_origin, resolve_target};
