//! Records as lines in memory, for short runs.

use super::Sink;
use crate::compile::FlowLog;
use crate::record::flow_log::{Record, Text};

/// Keeps every record of every log as a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// The log's position, and the line.
    pub lines: Vec<(usize, String)>,
}

impl Lines {
    /// The lines of one log.
    #[must_use]
    pub fn of(&self, log: usize) -> Vec<&str> {
        self.lines.iter().filter(|(of, _)| *of == log).map(|(_, line)| line.as_str()).collect()
    }
}

impl Sink for Lines {
    fn record(&mut self, log: usize, of: &FlowLog, record: &Record<'_>) {
        let mut line = Vec::new();
        Text::new(of).line(record, &mut line);
        self.lines.push((log, String::from_utf8(line).expect("a line is text")));
    }
}
