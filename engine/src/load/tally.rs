//! What became of a generator's flows.

/// How a flow ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Everything asked for came.
    Completed,
    /// The other side says that nothing is there.
    Refused,
    /// The connection was reset.
    Reset,
    /// Nothing answered the first packet.
    NoAnswer,
    /// It began, and then nothing came any more.
    Hung,
    /// An error of ICMP ended it.
    Unreachable,
}

/// Counts of a generator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Flows that began; packets, of a flood.
    pub started: u64,
    /// Flows that could not begin: no free source port, or too many open.
    pub not_started: u64,
    /// Everything asked for came; a probed port is open.
    pub completed: u64,
    /// The other side says that nothing is there; a probed port is closed.
    pub refused: u64,
    /// The connection was reset.
    pub reset: u64,
    /// Nothing answered the first packet.
    pub no_answer: u64,
    /// It began, and then nothing came any more.
    pub hung: u64,
    /// An error of ICMP ended it.
    pub unreachable: u64,
    /// Packets that either end sent.
    pub packets: u64,
    /// Bytes of data that arrived in order, both ways together.
    pub bytes: u64,
}

impl Tally {
    /// Flows that began or could not.
    #[must_use]
    pub const fn begun(&self) -> u64 {
        self.started + self.not_started
    }

    pub(super) const fn end(&mut self, end: End) {
        match end {
            End::Completed => self.completed += 1,
            End::Refused => self.refused += 1,
            End::Reset => self.reset += 1,
            End::NoAnswer => self.no_answer += 1,
            End::Hung => self.hung += 1,
            End::Unreachable => self.unreachable += 1,
        }
    }
}
