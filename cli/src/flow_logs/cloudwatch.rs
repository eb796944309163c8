//! Streams of CloudWatch Logs: a file for each interface, a JSON event on each line (FLW-42, FLW-43).
//!
//! An event is what `GetLogEvents` gives: `timestamp`, `message`, `ingestionTime`, in milliseconds. Logs with the same log group
//! share a stream. Only a little of each stream is kept in memory, and no file stays open.

use super::file::Pending;
use super::{safe, subject_name};
use crate::Failure;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::record::flow_log::{Record, Text};
use vpcsim_engine::spec::TrafficType;

/// How long CloudWatch Logs takes to get a record, in seconds (FLW-43).
const DELIVERY: u64 = 300;
/// Bytes of a stream that wait before they are written.
const BUFFER: usize = 1 << 14;

/// The streams of a run.
#[derive(Default)]
pub(super) struct Streams {
    all: BTreeMap<PathBuf, Stream>,
    line: Vec<u8>,
}

struct Stream {
    pending: Pending,
    buffer: Vec<u8>,
}

impl Streams {
    pub(super) fn write(&mut self, folder: &Path, log: &FlowLog, record: &Record<'_>) -> Result<(), Failure> {
        let suffix = match log.traffic {
            TrafficType::All => "all",
            TrafficType::Accept => "accept",
            TrafficType::Reject => "reject",
        };
        let path = folder.join(safe(&format!("{}-{suffix}.json", subject_name(log, record).replace('/', "_"))));
        if !self.all.contains_key(&path) {
            let (pending, _) = Pending::create(path.clone())?;
            self.all.insert(path.clone(), Stream { pending, buffer: Vec::new() });
        }
        let stream = self.all.get_mut(&path).expect("just made");
        self.line.clear();
        Text::new(log).line(record, &mut self.line);
        let (timestamp, ingestion) = (record.start * 1000, (record.end + DELIVERY) * 1000);
        let message = String::from_utf8_lossy(&self.line);
        let event = serde_json::json!({ "timestamp": timestamp, "message": message, "ingestionTime": ingestion });
        stream.buffer.extend_from_slice(event.to_string().as_bytes());
        stream.buffer.push(b'\n');
        if stream.buffer.len() >= BUFFER { stream.drain() } else { Ok(()) }
    }

    pub(super) fn finish(self) -> Result<Vec<Pending>, Failure> {
        let drained = self.all.into_values().map(|mut stream| stream.drain().map(|()| stream.pending));
        drained.collect()
    }
}

impl Stream {
    fn drain(&mut self) -> Result<(), Failure> {
        let file = OpenOptions::new().append(true).open(self.pending.temporary());
        let written = file.and_then(|mut file| file.write_all(&self.buffer));
        self.buffer.clear();
        written.map_err(|e| self.pending.failure(&e))
    }
}
