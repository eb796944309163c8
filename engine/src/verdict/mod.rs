//! What happened to a packet, as plain data: rows, decisions, verdicts, steps.
//!
//! Every decision cites a **row** by its dense number. Rows that AWS implies (an ACL's `*`, a security
//! group's default deny, a table without a matching route) are rows like the written ones, so there is
//! no "no match". Text for a row is made by `names`, and only when somebody reads it.

mod alias;
mod code;
mod row;
mod step;
mod through;

pub use alias::{ALIASES, Alias, CODES, Code, Produced, alias_of};
pub use code::{Reason, code_of, reason_of};
pub use row::{Dir, Row, RowIx, RowKind};
pub use step::{Entry, Hop, LinkIx, Notify, NotifyKind, Service, Side, Stage, Step, Vantage, Verdict};
pub use through::{NatThrough, TgwLoss, TgwThrough, Through, TrafficPath};

/// What a filter or a table says, and the row that says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// True to let the packet go on.
    pub allow: bool,
    /// The deciding row.
    pub by: RowIx,
}

impl Decision {
    /// Let it go on, because of `by`.
    #[must_use]
    pub const fn allow(by: RowIx) -> Self {
        Self { allow: true, by }
    }
    /// Drop it, because of `by`.
    #[must_use]
    pub const fn deny(by: RowIx) -> Self {
        Self { allow: false, by }
    }
}
