//! Which row makes the difference between two answers: the first place where their ways part.
//!
//! The ways are compared step by step. Where the same question is answered otherwise, that is the cause. Where they go
//! on to different places, it is the last row before that says something else: a route, most of the time.

use crate::compile::Network;
use crate::diag::Span;
use crate::explain::{Explanation, Part};
use crate::verdict::{RowIx, Step};
use std::mem::discriminant;

/// A row of one of the two networks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cited {
    /// What it says.
    pub text: String,
    /// AWS's code for it, or ours.
    pub code: &'static str,
    /// Where it is written; none if it is implied.
    pub span: Span,
    /// Where the resource is written that it belongs to.
    pub resource_span: Span,
    /// On the request or on the reply.
    pub part: Part,
}

/// What made the difference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Cause {
    /// The row of the old network.
    pub old: Option<Cited>,
    /// The row of the new network.
    pub new: Option<Cited>,
}

fn cited(network: &Network, part: Part, row: RowIx) -> Cited {
    let (fabric, names) = (&network.fabric, &network.names);
    Cited {
        text: names.row_text(fabric, row),
        code: crate::verdict::code_of(fabric.rows[row]),
        span: names.row_span(row),
        resource_span: names.row_resource_span(fabric, row),
        part,
    }
}

fn steps(e: &Explanation) -> Vec<(Part, &Step)> {
    let request = e.request.steps.iter().map(|step| (Part::Request, step));
    let reply = e.reply.iter().flat_map(|leg| leg.steps.iter()).map(|step| (Part::Reply, step));
    request.chain(reply).collect()
}

/// The cause of a difference between the answers of two networks to the same question. One of them may not be there: then
/// the other one's deciding row is said.
pub(super) fn cause(old: (&Network, Option<&Explanation>), new: (&Network, Option<&Explanation>)) -> Cause {
    let decided = |network: &Network, e: &Explanation| e.decided_by.map(|(part, row)| cited(network, part, row));
    let (Some(a), Some(b)) = (old.1, new.1) else {
        return Cause { old: old.1.and_then(|e| decided(old.0, e)), new: new.1.and_then(|e| decided(new.0, e)) };
    };
    let (before, after) = (steps(a), steps(b));
    let text = |network: &Network, step: &Step| network.names.row_text(&network.fabric, step.decision.by);
    let mut last = None;
    for ((part, x), (other_part, y)) in before.iter().zip(&after) {
        let same = part == other_part && discriminant(&x.stage) == discriminant(&y.stage);
        if !same {
            break;
        }
        let pair = (*part, x.decision.by, y.decision.by);
        if x.decision.allow != y.decision.allow {
            last = Some(pair);
            break;
        }
        if text(old.0, x) != text(new.0, y) {
            last = Some(pair);
        }
    }
    match last {
        Some((part, x, y)) => Cause { old: Some(cited(old.0, part, x)), new: Some(cited(new.0, part, y)) },
        None => Cause { old: decided(old.0, a), new: decided(new.0, b) },
    }
}
