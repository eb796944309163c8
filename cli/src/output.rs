//! Writing results: standard output, where a closed pipe is no error, and files, which appear whole or
//! not at all.

use crate::Failure;
use crate::input::reason;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes `bytes` to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    crate::progress::end();
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        Err(e) => Err(Failure::Io(format!("cannot write to standard output: {}", reason(&e)))),
    }
}

/// Writes a file under a temporary name beside it and renames it, so that nobody ever sees half of it.
/// Folders that are missing are made.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::Io(format!("cannot write {}: {}", path.display(), reason(&e)));
    let Some(name) = path.file_name() else {
        return Err(Failure::Io(format!("cannot write {}: it is not the name of a file", path.display())));
    };
    if path.is_dir() {
        return Err(Failure::Io(format!("cannot write {}: it is a folder", path.display())));
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = parent.join(temporary);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|e| {
        // What is left behind is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
        failed(e)
    })
}
