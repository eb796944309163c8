//! What the asker's system call or command says, and after how long.

use super::{Explanation, Origin, Outcome, Part, Size};
use crate::base::{Nanos, Protocol};
use crate::compile::Network;
use crate::fabric::GuestOs;
use crate::verdict::RowKind;

/// What the asker sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Symptom {
    /// It depends on a choice of AWS's.
    Depends,
    /// It cannot be said.
    Unknown,
    /// `connect()` succeeds; if nothing says that something listens, it may also be refused.
    Connects {
        /// True if it was supposed that something listens.
        supposed: bool,
    },
    /// `connect()` succeeds, and then packets larger than this vanish without a word: the connection hangs.
    Hangs {
        /// The largest packet that passes, in bytes.
        over: u32,
        /// Whose packets.
        part: Part,
    },
    /// An answer, if the other side sends one.
    Answers,
    /// The echo reply.
    Echo,
    /// `connect()` is refused at once.
    Refused,
    /// ICMP port unreachable.
    PortUnreachable,
    /// `connect()` gives up.
    TimesOut {
        /// SYNs sent.
        syns: u32,
        /// From the first one.
        after: Nanos,
    },
    /// An established connection: the next packet is answered with a reset.
    Reset,
    /// An established connection: what is sent is not acknowledged, and is sent again until the system gives up.
    Stalls,
    /// No echo reply.
    NoEcho,
    /// Nothing comes back.
    Silence,
}

/// SYNs of a system, and when it gives up (GST-6).
#[must_use]
pub const fn gives_up(os: GuestOs) -> (u32, Nanos) {
    match os {
        GuestOs::Linux => (7, Nanos::from_secs(127)),
        GuestOs::Windows => (3, Nanos::from_secs(21)),
    }
}

/// What the asker sees. `size` is what its packets may measure, if that was asked; `established` says that `e` is about a
/// conversation that exists.
#[must_use]
pub fn symptom(network: &Network, e: &Explanation, size: Option<&Size>, established: bool) -> Symptom {
    let protocol = e.question.protocol;
    match (e.outcome, protocol) {
        _ if e.depends_on_choice() => Symptom::Depends,
        (Outcome::Unknown, _) => Symptom::Unknown,
        (Outcome::Open, Protocol::TCP) => match size.filter(|size| size.hangs()) {
            Some(size) => Symptom::Hangs { over: size.largest, part: size.part },
            None => Symptom::Connects { supposed: e.supposes_listener.is_some() },
        },
        (Outcome::Open, _) => Symptom::Answers,
        (Outcome::Reply, _) => Symptom::Echo,
        (Outcome::Closed, Protocol::TCP) => Symptom::Refused,
        (Outcome::Closed, _) => Symptom::PortUnreachable,
        (Outcome::NoReply, Protocol::TCP) if established => {
            let kind = e.decided_by.map(|(_, by)| network.fabric.rows[by].kind);
            if kind == Some(RowKind::NatIdle) { Symptom::Reset } else { Symptom::Stalls }
        }
        (Outcome::NoReply, Protocol::TCP) => {
            let (syns, after) = gives_up(os(network, e));
            Symptom::TimesOut { syns, after }
        }
        (Outcome::NoReply, p) if p.is_icmp() => Symptom::NoEcho,
        (Outcome::NoReply, _) => Symptom::Silence,
    }
}

fn os(network: &Network, e: &Explanation) -> GuestOs {
    let guest = match e.question.from {
        Origin::Eni { eni, .. } => network.fabric.enis[eni].guest(),
        Origin::Internet { .. } | Origin::Site { .. } => None,
    };
    guest.map_or(GuestOs::Linux, |guest| network.fabric.guests[guest].os)
}
