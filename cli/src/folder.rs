//! Reads a folder of exported JSON: every `*.json` below it, by relative path.
//!
//! Hidden files and folders are left out (`.git`, macOS's `._Vpcs.json`). Links are followed; each
//! folder is read once, so a link to a parent is no loop.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest file that is read. An export of 100,000 interfaces is about half of it.
pub(crate) const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The JSON files below `dir`: path relative to it, with `/`, and contents; sorted by path.
///
/// # Errors
/// If a folder or a file cannot be read, or a file is larger than [`FILE_BYTES_MAX`]. The message names it.
pub(crate) fn read(dir: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut paths = Vec::new();
    walk(dir, "", &mut BTreeSet::new(), &mut paths)?;
    paths.sort();
    paths.into_iter().map(|(name, path)| Ok((name, contents(&path, FILE_BYTES_MAX)?))).collect()
}

fn walk(dir: &Path, prefix: &str, seen: &mut BTreeSet<PathBuf>, paths: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    if !seen.insert(fs::canonicalize(dir).map_err(|e| named(dir, e))?) {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|e| named(dir, e))?;
    let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(|e| named(dir, e))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') {
            continue;
        }
        let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => walk(&path, &relative, seen, paths)?,
            Ok(found) if found.is_file() && is_json => paths.push((relative, path)),
            // A dangling link, or links in a circle, that calls itself JSON is worth a word.
            Err(error) if is_json => return Err(named(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

fn contents(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| named(path, e))?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| named(path, e))?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("{}: larger than {} MiB", path.display(), FILE_BYTES_MAX / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("vpcsim-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("accounts/111122223333/us-east-1")).unwrap();
        dir
    }

    #[test]
    fn finds_json_of_any_case_in_order_and_nothing_else() {
        let dir = scratch("find");
        for name in ["b.JSON", "a.json", "notes.txt", "._a.json", "accounts/111122223333/us-east-1/Vpcs.json"] {
            fs::write(dir.join(name), name).unwrap();
        }
        let found: Vec<String> = read(&dir).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["a.json", "accounts/111122223333/us-east-1/Vpcs.json", "b.JSON"]);
        fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_parent_ends() {
        let dir = scratch("loop");
        fs::write(dir.join("a.json"), "{}").unwrap();
        std::os::unix::fs::symlink(&dir, dir.join("accounts/again")).unwrap();
        assert_eq!(read(&dir).unwrap().len(), 1);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn errors_name_the_file() {
        let dir = scratch("errors");
        fs::write(dir.join("a.json"), "12345").unwrap();
        assert!(contents(&dir.join("a.json"), 5).is_ok());
        let error = contents(&dir.join("a.json"), 4).unwrap_err();
        assert!(error.to_string().contains("a.json"), "{error}");
        assert!(read(&dir.join("absent")).unwrap_err().to_string().contains("absent"));
        fs::remove_dir_all(dir).unwrap();
    }
}
