//! Lines of text: one header line, then one line for each record (FLW-41); gzipped or not.

use super::file::Counting;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::io::{self, Write};
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::record::flow_log::{Record, Text};

/// Bytes that wait before they are compressed or written.
const BUFFER: usize = 1 << 16;
/// Gzip's level: text this regular gains little from higher ones.
const LEVEL: u32 = 3;

/// A file of lines.
pub(super) struct Lines {
    out: Out,
    buffer: Vec<u8>,
}

enum Out {
    Plain(Counting),
    Gzip(Box<GzEncoder<Counting>>),
}

impl Lines {
    pub(super) fn new(out: Counting, gzip: bool, log: &FlowLog) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER + 1024);
        buffer.extend_from_slice(log.format.header_line().as_bytes());
        buffer.push(b'\n');
        // Neither time nor name nor system: the same records are the same bytes.
        let out = match gzip {
            true => Out::Gzip(Box::new(GzBuilder::new().mtime(0).write(out, Compression::new(LEVEL)))),
            false => Out::Plain(out),
        };
        Self { out, buffer }
    }

    pub(super) fn write(&mut self, log: &FlowLog, record: &Record<'_>) -> io::Result<()> {
        Text::new(log).line(record, &mut self.buffer);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Plain(out) => out.write_all(&self.buffer)?,
            Out::Gzip(out) => out.write_all(&self.buffer)?,
        }
        self.buffer.clear();
        Ok(())
    }

    pub(super) fn written(&self) -> u64 {
        match &self.out {
            Out::Plain(out) => out.written,
            Out::Gzip(out) => out.get_ref().written,
        }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.drain()?;
        match self.out {
            Out::Plain(out) => out.sync(),
            Out::Gzip(out) => out.finish()?.sync(),
        }
    }
}
