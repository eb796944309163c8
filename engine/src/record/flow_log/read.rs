//! Reads records of any format, line by line: what the caller has of a file, whatever it is.
//!
//! A file begins with a header line, and then the header says the format; lines of CloudWatch have none, and the caller does.
//! A line of a wrong shape is an error with the number of the line; the lines after it are read all the same.
//!
//! Invariants: a value of a number's field is a number or absent, one of an address's field an address or absent.

use super::field::{Field, FieldType, Format, FormatError};
use std::fmt;
use std::net::IpAddr;

/// Reads lines.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    format: Option<Format>,
    /// Lines so far.
    line: u64,
    /// Of the line at hand; kept, so that a line allocates nothing.
    values: Vec<Value>,
    text: String,
}

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// `-`: not applicable, or not known.
    Absent,
    /// A number.
    Number(u64),
    /// An address.
    Address(IpAddr),
    /// A word: its first byte in the line and the one behind its last.
    Word(u32, u32),
}

/// What a line is.
#[derive(Debug)]
pub enum Line<'a> {
    /// The header, or an empty line.
    Nothing,
    /// A record.
    Record(Row<'a>),
}

/// A record that was read.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    format: &'a Format,
    values: &'a [Value],
    text: &'a str,
}

/// Why a line is no record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: BadShape,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadShape {
    /// The first line is no header of fields, and nobody said the format.
    Header(Vec<FormatError>),
    /// As many words as the format has fields, and as many as there are.
    Words {
        /// Fields of the format.
        expected: usize,
        /// Words of the line.
        found: usize,
    },
    /// A value that the field cannot have.
    Value {
        /// The field.
        field: Field,
        /// What stands there.
        found: String,
        /// What can stand there.
        expected: &'static str,
    },
}

impl Reader {
    /// Takes the format from the first line.
    #[must_use]
    pub fn with_header() -> Self {
        Self::default()
    }

    /// Lines have this format; a first line that is its header is passed over.
    #[must_use]
    pub fn of_format(format: Format) -> Self {
        Self { format: Some(format), ..Self::default() }
    }

    /// The format, as soon as it is known.
    #[must_use]
    pub fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// Reads the next line, without its line end.
    ///
    /// # Errors
    /// If it is no record of the format.
    pub fn line(&mut self, line: &str) -> Result<Line<'_>, BadLine> {
        self.line += 1;
        let bad = |what| BadLine { line: self.line, what };
        if line.trim().is_empty() {
            return Ok(Line::Nothing);
        }
        if self.line == 1 {
            match (&self.format, Format::header(line)) {
                (_, Ok(format)) => {
                    self.format = Some(format);
                    return Ok(Line::Nothing);
                }
                (None, Err(errors)) => return Err(bad(BadShape::Header(errors))),
                (Some(_), Err(_)) => {}
            }
        }
        let Some(format) = &self.format else { return Err(bad(BadShape::Header(vec![FormatError::Empty]))) };
        self.text.clear();
        self.text.push_str(line);
        self.values.clear();
        let start = self.text.as_ptr() as usize;
        for (n, word) in self.text.split_ascii_whitespace().enumerate() {
            let Some(field) = format.fields().get(n) else {
                let found = self.text.split_ascii_whitespace().count();
                return Err(bad(BadShape::Words { expected: format.fields().len(), found }));
            };
            let at = (word.as_ptr() as usize - start) as u32;
            match value(*field, word, at) {
                Ok(value) => self.values.push(value),
                Err(expected) => {
                    return Err(bad(BadShape::Value { field: *field, found: shortened(word), expected }));
                }
            }
        }
        if self.values.len() != format.fields().len() {
            return Err(bad(BadShape::Words { expected: format.fields().len(), found: self.values.len() }));
        }
        Ok(Line::Record(Row { format, values: &self.values, text: &self.text }))
    }
}

/// What is shown of a word that is wrong.
fn shortened(word: &str) -> String {
    const SHOWN_MAX: usize = 40;
    match word.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}...", &word[..at]),
        None => word.to_owned(),
    }
}

fn value(field: Field, word: &str, at: u32) -> Result<Value, &'static str> {
    if word == "-" {
        return Ok(Value::Absent);
    }
    let one_of = |words: &[&str]| words.contains(&word);
    match field {
        Field::SrcAddr | Field::DstAddr | Field::PktSrcAddr | Field::PktDstAddr => {
            return word.parse().map(Value::Address).map_err(|_| "an address");
        }
        Field::SrcPort | Field::DstPort => {
            return word.parse::<u16>().map(|n| Value::Number(n.into())).map_err(|_| "a port, 0 to 65535");
        }
        Field::Protocol | Field::TcpFlags | Field::Version => {
            return word.parse::<u8>().map(|n| Value::Number(n.into())).map_err(|_| "a number, 0 to 255");
        }
        Field::Action if !one_of(&["ACCEPT", "REJECT"]) => return Err("ACCEPT or REJECT"),
        Field::LogStatus if !one_of(&["OK", "NODATA", "SKIPDATA"]) => return Err("OK, NODATA or SKIPDATA"),
        Field::FlowDirection if !one_of(&["ingress", "egress"]) => return Err("ingress or egress"),
        _ => {}
    }
    match field.kind() {
        FieldType::Int | FieldType::BigInt => word.parse().map(Value::Number).map_err(|_| "a number"),
        FieldType::String => Ok(Value::Word(at, at + word.len() as u32)),
    }
}

impl<'a> Row<'a> {
    /// The format.
    #[must_use]
    pub fn format(&self) -> &'a Format {
        self.format
    }
    /// The value of a field; absent too if the format does not have it.
    #[must_use]
    pub fn value(&self, field: Field) -> Value {
        let at = self.format.fields().iter().position(|f| *f == field);
        at.map_or(Value::Absent, |at| self.values[at])
    }
    /// A number.
    #[must_use]
    pub fn number(&self, field: Field) -> Option<u64> {
        if let Value::Number(n) = self.value(field) { Some(n) } else { None }
    }
    /// An address.
    #[must_use]
    pub fn address(&self, field: Field) -> Option<IpAddr> {
        if let Value::Address(a) = self.value(field) { Some(a) } else { None }
    }
    /// A word.
    #[must_use]
    pub fn word(&self, field: Field) -> Option<&'a str> {
        if let Value::Word(from, to) = self.value(field) { Some(&self.text[from as usize..to as usize]) } else { None }
    }
    /// True if the record is about a flow: its status is OK, or nothing is said of it.
    #[must_use]
    pub fn is_flow(&self) -> bool {
        self.word(Field::LogStatus).is_none_or(|status| status == "OK")
    }
    /// ACCEPT or REJECT.
    #[must_use]
    pub fn accepted(&self) -> Option<bool> {
        self.word(Field::Action).map(|action| action == "ACCEPT")
    }
}

impl fmt::Display for BadShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(errors) => {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                write!(f, "the first line does not name a record's fields: {first}")
            }
            Self::Words { expected, found } => {
                write!(f, "{found} words where the format has {expected} fields")
            }
            Self::Value { field, found, expected } => write!(f, "`{}` is `{found}`, not {expected}", field.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(reader: &'a mut Reader, line: &str) -> Row<'a> {
        match reader.line(line).unwrap() {
            Line::Record(row) => row,
            Line::Nothing => panic!("no record: {line}"),
        }
    }

    #[test]
    fn the_header_says_the_format() {
        let mut reader = Reader::with_header();
        assert!(matches!(reader.line("dstaddr interface-id bytes action"), Ok(Line::Nothing)));
        let row = record(&mut reader, "2001:db8::1 eni-1 18446744073709551615 REJECT");
        assert_eq!(row.address(Field::DstAddr), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(row.word(Field::InterfaceId), Some("eni-1"));
        assert_eq!(row.number(Field::Bytes), Some(u64::MAX));
        assert_eq!((row.accepted(), row.is_flow(), row.value(Field::SrcAddr)), (Some(false), true, Value::Absent));
    }

    /// Lines as in the VPC user guide's examples.
    #[test]
    fn default_lines_need_no_header() {
        let mut reader = Reader::of_format(Format::default_vpc());
        let flow = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        let row = record(&mut reader, flow);
        assert_eq!((row.number(Field::DstPort), row.accepted(), row.is_flow()), (Some(22), Some(true), true));
        let row =
            record(&mut reader, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA");
        assert_eq!((row.address(Field::SrcAddr), row.number(Field::Packets), row.is_flow()), (None, None, false));
    }

    #[test]
    fn a_bad_line_says_where_and_what_and_the_rest_is_read() {
        let mut reader = Reader::with_header();
        assert!(matches!(reader.line("srcaddr srcport action"), Ok(Line::Nothing)));
        let bad = |reader: &mut Reader, line: &str| {
            let bad = reader.line(line).unwrap_err();
            format!("{}: {}", bad.line, bad.what)
        };
        assert_eq!(bad(&mut reader, "10.0.0.1 70000 ACCEPT"), "2: `srcport` is `70000`, not a port, 0 to 65535");
        assert_eq!(bad(&mut reader, "10.0.0.1 7"), "3: 2 words where the format has 3 fields");
        assert_eq!(bad(&mut reader, "10.0.0.1 7 ACCEPT OK"), "4: 4 words where the format has 3 fields");
        assert_eq!(bad(&mut reader, "10.0.0 7 ACCEPT"), "5: `srcaddr` is `10.0.0`, not an address");
        assert_eq!(bad(&mut reader, "10.0.0.1 7 accept"), "6: `action` is `accept`, not ACCEPT or REJECT");
        assert_eq!(record(&mut reader, "10.0.0.1 7 ACCEPT").number(Field::SrcPort), Some(7));
        assert_eq!(
            bad(&mut Reader::with_header(), "srcaddr dstadr"),
            "1: the first line does not name a record's fields: there is no flow-log field `dstadr`"
        );
    }
}
