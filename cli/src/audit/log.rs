//! Flow logs as AWS delivers them: text, gzip, Parquet, and CloudWatch's events.

use crate::{Failure, input};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use vpcsim_engine::analyse::audit::{Audit, Place};
use vpcsim_engine::record::flow_log::Format;
use vpcsim_engine::record::flow_log::read::{Line, Reader};

/// Longest line that is read.
const LINE_MAX: u64 = 64 * 1024;

/// What could not be read.
#[derive(Default)]
pub(crate) struct Bad {
    /// All of it.
    pub(crate) count: u64,
    /// The first ones, in words.
    pub(crate) shown: Vec<String>,
}

impl Bad {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.shown.len() < super::BAD_SHOWN {
            self.shown.push(text());
        }
    }
}

/// Reads a file, whatever it is.
pub(crate) fn read(
    path: &Path,
    file: u32,
    format: Option<&Format>,
    audit: &mut Audit<'_>,
    bad: &mut Bad,
) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::Io(format!("cannot read {}: {}", path.display(), input::reason(&e)));
    let mut from = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let begin = from.fill_buf().map_err(failed)?;
    match begin {
        [0x1f, 0x8b, ..] => text(&mut BufReader::new(MultiGzDecoder::new(from)), path, file, format, audit, bad),
        [b'P', b'A', b'R', b'1', ..] => parquet(path, file, audit, bad),
        [b'{', ..] => events(&mut from, path, file, format, audit, bad),
        _ => text(&mut from, path, file, format, audit, bad),
    }
}

/// Lines with a header, or of the given format.
fn text(
    from: &mut impl BufRead,
    path: &Path,
    file: u32,
    format: Option<&Format>,
    audit: &mut Audit<'_>,
    bad: &mut Bad,
) -> Result<(), Failure> {
    let mut reader = format.map_or_else(Reader::with_header, |format| Reader::of_format(format.clone()));
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        bytes.clear();
        line += 1;
        match from.take(LINE_MAX).read_until(b'\n', &mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) => {
                bad.add(|| {
                    let what = match e.kind() {
                        std::io::ErrorKind::UnexpectedEof => "the gzip file ends in the middle".to_owned(),
                        _ => e.to_string(),
                    };
                    format!("{}:{line}: {what}; what came before was read", path.display())
                });
                return Ok(());
            }
        }
        let Ok(words) = std::str::from_utf8(&bytes) else {
            bad.add(|| format!("{}:{line}: this is no text", path.display()));
            if line == 1 {
                return Ok(());
            }
            continue;
        };
        // A file of another tool, without a header: AWS's default format, if that is what it looks like.
        if line == 1 && format.is_none() && words.split_ascii_whitespace().count() == 14 && words.starts_with("2 ") {
            reader = Reader::of_format(Format::default_vpc());
        }
        if !one(&mut reader, words.trim_end_matches(['\n', '\r']), path, Place { file, line }, audit, bad) && line == 1
        {
            // Nothing in it can be read without its fields' names.
            return Ok(());
        }
    }
}

/// True if it could be read.
fn one(reader: &mut Reader, words: &str, path: &Path, place: Place, audit: &mut Audit<'_>, bad: &mut Bad) -> bool {
    match reader.line(words) {
        Ok(Line::Record(row)) => audit.record(&row, place),
        Ok(Line::Nothing) => {}
        Err(e) => {
            bad.add(|| format!("{}:{}: {}", path.display(), place.line, e.what));
            return false;
        }
    }
    true
}

/// CloudWatch's events, one JSON object a line: the record is its `message`.
fn events(
    from: &mut impl BufRead,
    path: &Path,
    file: u32,
    format: Option<&Format>,
    audit: &mut Audit<'_>,
    bad: &mut Bad,
) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    struct Event {
        message: String,
    }
    let format = format.cloned().unwrap_or_else(Format::default_vpc);
    let mut reader = Reader::of_format(format);
    let mut text = String::new();
    let mut line = 0;
    loop {
        text.clear();
        line += 1;
        match from.take(LINE_MAX).read_line(&mut text) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) => {
                bad.add(|| format!("{}:{line}: {e}", path.display()));
                return Ok(());
            }
        }
        match serde_json::from_str::<Event>(&text) {
            Ok(event) => {
                one(&mut reader, &event.message, path, Place { file, line }, audit, bad);
            }
            Err(e) => bad.add(|| format!("{}:{line}: no event of CloudWatch: {e}", path.display())),
        }
    }
}

/// Rows of a Parquet file: each becomes a line of the format that its columns name.
#[cfg(feature = "parquet")]
fn parquet(path: &Path, file: u32, audit: &mut Audit<'_>, bad: &mut Bad) -> Result<(), Failure> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field as Cell;
    use std::fmt::Write;

    let failed = |e: &dyn std::fmt::Display| format!("{}: the Parquet file cannot be read: {e}", path.display());
    let open =
        File::open(path).map_err(|e| Failure::Io(format!("cannot read {}: {}", path.display(), input::reason(&e))))?;
    let opened = SerializedFileReader::new(open);
    let rows = match &opened {
        Ok(reader) => reader.get_row_iter(None),
        Err(e) => {
            bad.add(|| failed(e));
            return Ok(());
        }
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(e) => {
            bad.add(|| failed(&e));
            return Ok(());
        }
    };
    let mut reader: Option<(Reader, Vec<bool>)> = None;
    let mut text = String::new();
    for (n, row) in rows.enumerate() {
        let line = n as u64 + 1;
        let row = match row {
            Ok(row) => row,
            Err(e) => {
                bad.add(|| format!("{}: row {line}: {e}", path.display()));
                return Ok(());
            }
        };
        let (reader, known) = reader.get_or_insert_with(|| {
            // Columns that are no fields, such as a table's partitions, are passed over.
            let names: Vec<String> = row.get_column_iter().map(|(name, _)| name.replace('_', "-")).collect();
            let known: Vec<bool> = names.iter().map(|name| Format::header(name).is_ok()).collect();
            let header: Vec<&str> =
                names.iter().zip(&known).filter(|(_, known)| **known).map(|(n, _)| n.as_str()).collect();
            let format = Format::header(&header.join(" ")).unwrap_or_else(|_| Format::default_vpc());
            (Reader::of_format(format), known)
        });
        text.clear();
        for ((_, cell), _) in row.get_column_iter().zip(known.iter()).filter(|(_, known)| **known) {
            text.push_str(if text.is_empty() { "" } else { " " });
            let _ = match cell {
                Cell::Null => write!(text, "-"),
                Cell::Str(word) => write!(text, "{}", if word.is_empty() { "-" } else { word }),
                other => write!(text, "{other}"),
            };
        }
        one(reader, &text, path, Place { file, line }, audit, bad);
    }
    Ok(())
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path, _: u32, _: &mut Audit<'_>, bad: &mut Bad) -> Result<(), Failure> {
    bad.add(|| format!("{}: this build reads no Parquet (feature `parquet`)", path.display()));
    Ok(())
}
