//! The answer to a question, as plain data.

use super::{Alternative, Leg, Question};
use crate::base::ids::{EniIx, GuestIx, MirrorSessionIx};
use crate::verdict::{RowIx, Step};

/// What the asker would see, in the words that nmap and ping users know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A connection works both ways and something listens; or what listens is not described.
    Open,
    /// Packets pass both ways, and the host refuses.
    Closed,
    /// The echo reply comes back.
    Reply,
    /// Nothing comes back.
    NoReply,
    /// What decides is not in the input, or not modelled.
    Unknown,
}

impl Outcome {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Reply => "reply",
            Self::NoReply => "no_reply",
            Self::Unknown => "unknown",
        }
    }
    /// True if packets pass both ways.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::Open | Self::Closed | Self::Reply)
    }
}

/// Which of the two walks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// From the asker to the host.
    Request,
    /// From the host back.
    Reply,
}

impl Part {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reply => "reply",
        }
    }
}

/// A row that would drop the packet, though perhaps not the first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocker {
    /// On which walk.
    pub part: Part,
    /// What was asked there, and the row.
    pub step: Step,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// What was asked.
    pub question: Question,
    /// What the asker would see.
    pub outcome: Outcome,
    /// The request's way.
    pub request: Leg,
    /// The reply's way; absent if no reply is sent.
    pub reply: Option<Leg>,
    /// The row that decided, if the answer is not a plain yes, and on which walk.
    pub decided_by: Option<(Part, RowIx)>,
    /// Every row that blocks, the deciding one first.
    pub blockers: Vec<Blocker>,
    /// The guest whose listeners are not described, if the answer supposes that something listens.
    pub supposes_listener: Option<GuestIx>,
    /// True if the reply does not carry the address that the asker wrote to: it would be ignored.
    pub reply_from_elsewhere: bool,
    /// True if source and destination are one guest: nothing leaves it.
    pub inside_guest: bool,
    /// The copies of a multicast packet, by the member each is for.
    pub copies: Vec<(EniIx, Leg)>,
    /// The copies that traffic mirroring makes of request and reply, by the session that makes them. None changes the answer.
    pub mirrored: Vec<(MirrorSessionIx, Leg)>,
    /// Every combination of choices that AWS makes and does not tell; empty if the path depends on none.
    pub alternatives: Vec<Alternative>,
}
