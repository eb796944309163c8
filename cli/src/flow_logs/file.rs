//! One file of records: text, gzipped text or Parquet, under a temporary name until it is complete.

use super::text::Lines;
use crate::Failure;
use crate::input::reason;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::record::flow_log::Record;

/// The form of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Lines.
    Text,
    /// Lines, compressed.
    Gzip,
    /// Apache Parquet.
    Parquet,
}

impl Kind {
    /// How its name ends.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Text => ".log",
            Self::Gzip => ".log.gz",
            Self::Parquet => ".log.parquet",
        }
    }
}

/// A complete file that still has its temporary name. It is removed if nobody keeps it.
#[derive(Debug)]
pub(crate) struct Pending {
    temporary: PathBuf,
    path: PathBuf,
    kept: bool,
}

/// A file that counts what is written to it.
pub(super) struct Counting {
    file: BufWriter<File>,
    pub(super) written: u64,
}

/// A file of records.
pub(super) struct Records {
    pending: Pending,
    form: Form,
}

enum Form {
    Lines(Box<Lines>),
    #[cfg(feature = "parquet")]
    Parquet(Box<super::parquet::Table>),
}

impl Pending {
    /// A temporary name beside `path`; folders that are missing are made.
    pub(super) fn create(path: PathBuf) -> Result<(Self, File), Failure> {
        let parent = path.parent().unwrap_or(Path::new("."));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let temporary = parent.join(format!(".{name}.{}.tmp", std::process::id()));
        let file = fs::create_dir_all(parent).and_then(|()| File::create(&temporary));
        let file = file.map_err(|e| failure(&path, &e))?;
        Ok((Self { temporary, path, kept: false }, file))
    }

    /// Gives the file its own name.
    pub(crate) fn keep(mut self) -> Result<(), Failure> {
        if self.path.is_dir() {
            return Err(Failure::Io(format!("cannot write {}: it is a folder", self.path.display())));
        }
        fs::rename(&self.temporary, &self.path).map_err(|e| failure(&self.path, &e))?;
        self.kept = true;
        Ok(())
    }

    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        failure(&self.path, error)
    }

    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.kept {
            // Of no use to anybody; that it cannot be removed changes nothing.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::Io(format!("cannot write {}: {}", path.display(), reason(error)))
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Counting {
    /// Everything is on the disk.
    pub(super) fn sync(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

impl Records {
    pub(super) fn create(path: PathBuf, kind: Kind, log: &FlowLog) -> Result<Self, Failure> {
        let (pending, file) = Pending::create(path)?;
        let out = Counting { file: BufWriter::with_capacity(1 << 16, file), written: 0 };
        let form = match kind {
            Kind::Text | Kind::Gzip => Form::Lines(Box::new(Lines::new(out, kind == Kind::Gzip, log))),
            #[cfg(feature = "parquet")]
            Kind::Parquet => {
                let table = super::parquet::Table::new(out, log).map_err(|e| pending.failure(&e))?;
                Form::Parquet(Box::new(table))
            }
            #[cfg(not(feature = "parquet"))]
            Kind::Parquet => {
                let message = format!("cannot write {}: vpcsim was built without Parquet", pending.path.display());
                return Err(Failure::Usage(message));
            }
        };
        Ok(Self { pending, form })
    }

    pub(super) fn write(&mut self, log: &FlowLog, record: &Record<'_>) -> Result<(), Failure> {
        let written = match &mut self.form {
            Form::Lines(lines) => lines.write(log, record),
            #[cfg(feature = "parquet")]
            Form::Parquet(table) => table.write(log, record),
        };
        written.map_err(|e| self.pending.failure(&e))
    }

    /// Bytes in the file so far, less what waits to be written.
    pub(super) fn written(&self) -> u64 {
        match &self.form {
            Form::Lines(lines) => lines.written(),
            #[cfg(feature = "parquet")]
            Form::Parquet(table) => table.written(),
        }
    }

    pub(super) fn finish(self) -> Result<Pending, Failure> {
        let done = match self.form {
            Form::Lines(lines) => lines.finish(),
            #[cfg(feature = "parquet")]
            Form::Parquet(table) => table.finish(),
        };
        match done {
            Ok(()) => Ok(self.pending),
            Err(e) => Err(self.pending.failure(&e)),
        }
    }
}
