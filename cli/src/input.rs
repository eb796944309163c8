//! Reading files.
//!
//! Invariant: never more than a byte over the reader's own limit is read of a file, so a device or a
//! huge file costs no memory.

use crate::Failure;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use vpcsim_engine::spec::BYTES_MAX;

/// A file that was read.
pub(crate) struct Source {
    /// Its name, for people.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
}

/// Reads a file, or standard input if it is called `-`.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    let standard_input = path.as_os_str() == "-";
    let name = if standard_input { "<stdin>".to_owned() } else { path.display().to_string() };
    if !standard_input && path.is_dir() {
        return Err(Failure::Io(format!("cannot read {name}: it is a folder, a file is expected")));
    }
    let mut bytes = Vec::new();
    let limit = BYTES_MAX as u64 + 1;
    let result = if standard_input {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match result {
        Ok(_) => Ok(Source { name, bytes }),
        Err(e) => Err(Failure::Io(format!("cannot read {name}: {}", reason(&e)))),
    }
}

/// What the system said, without its error number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
